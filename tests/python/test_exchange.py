"""NumPy's functions on our arrays, the buffer protocol, DLPack, the fallback and its report."""

import numpy
import pytest

import minpy
import minpy.numpy as np
from minpy.dispatch import report, reset, statistics


def test_numpys_functions_and_ufuncs_give_our_arrays():
    a = np.arange(4.0)
    results = [
        numpy.sin(a),
        numpy.add(a, numpy.ones(4)),
        numpy.concatenate([a, a]),
        numpy.mean(a, axis=0, keepdims=True),
        numpy.ones(4) * a,
        numpy.where(a > 1, a, 0),
    ]
    for x in results:
        assert type(x) is np.ndarray
    out = numpy.zeros(4)
    assert numpy.multiply(a, 2, out=out) is out and out.tolist() == [0, 2, 4, 6]
    assert isinstance(numpy.float64(2) * a, np.ndarray)


def test_array_protocol():
    a = np.arange(4.0)
    view = numpy.asarray(a)
    assert type(view) is numpy.ndarray and numpy.shares_memory(view, numpy.asarray(a))
    assert numpy.asarray(a, dtype="f4").dtype == "f4"
    assert not numpy.shares_memory(numpy.array(a), view)
    with pytest.raises(ValueError, match="copy"):
        numpy.array(a, dtype="f4", copy=False)
    assert a.__array_interface__["shape"] == (4,)
    assert a.__array_namespace__() is np


def test_buffer_protocol():
    a = np.arange(6, dtype="i4").reshape(2, 3)
    m = memoryview(a)
    assert m.format == "i" and m.shape == (2, 3) and m.tolist() == a.tolist()
    m[1, 2] = 9
    assert a[1, 2] == 9
    assert bytes(a.T.copy()) == numpy.asarray(a).T.tobytes()


def test_dlpack_both_ways():
    a = np.arange(6.0).reshape(2, 3)
    b = numpy.from_dlpack(a)
    b[0, 0] = 5
    assert a[0, 0] == 5
    c = numpy.arange(3)
    d = np.from_dlpack(c)
    d[0] = 7
    assert type(d) is np.ndarray and c[0] == 7
    assert np.from_dlpack(np.arange(3)[::-1]).tolist() == [2, 1, 0]
    assert a.__dlpack_device__() == (1, 0)


def test_fallback_writes_through_and_is_reported():
    reset()
    a = np.zeros((3, 3))
    np.fill_diagonal(a, 4)
    assert a.tolist() == (numpy.eye(3) * 4).tolist()
    view = np.vander(a[0])
    assert type(view) is np.ndarray
    text = report()
    assert "vander" in text and "no_kernel" in text and "test_exchange.py" in text
    assert statistics()["fallbacks"]


def test_out_of_a_fallback_is_the_object_given():
    out = np.zeros(4)
    assert np.nancumsum(np.arange(4.0), out=out) is out
    assert out.tolist() == [0, 1, 3, 6]


def test_submodules_import():
    from minpy.numpy.fft import fft
    from minpy.numpy.linalg import norm
    from minpy.numpy.polynomial import polynomial

    assert norm(np.array([3.0, 4.0])) == 5.0
    assert type(fft(np.ones(4))) is np.ndarray
    assert type(polynomial.polyval(np.array([1.0, 2.0]), np.array([1.0, 1.0]))) is np.ndarray
    import minpy.numpy.ma  # noqa: F401


def test_random_streams_are_numpys():
    np.random.seed(3)
    drawn = np.random.rand(3)
    numpy.random.seed(3)
    assert type(drawn) is np.ndarray and drawn.tolist() == numpy.random.rand(3).tolist()
    ours, theirs = np.random.default_rng(5), numpy.random.default_rng(5)
    x = ours.normal(size=(2, 2))
    assert type(x) is np.ndarray and x.tolist() == theirs.normal(size=(2, 2)).tolist()
    assert np.random.RandomState(1).randint(0, 9, 4).tolist() == numpy.random.RandomState(1).randint(0, 9, 4).tolist()
    a = np.arange(10)
    np.random.default_rng(0).shuffle(a)
    assert sorted(a.tolist()) == list(range(10)) and a.tolist() != list(range(10))
    assert isinstance(ours, np.random.Generator)


def test_context_and_policies_nest():
    with minpy.cpu() as c:
        assert minpy.current_context() == c == minpy.cpu(0)
    with minpy.OnlyNumPyPolicy():
        assert minpy.get_global_policy() == minpy.OnlyNumPyPolicy()
        with pytest.raises(RuntimeError), minpy.PreferMXNetPolicy():
            raise RuntimeError
        assert minpy.get_global_policy() == minpy.OnlyNumPyPolicy()
    assert minpy.get_global_policy() == minpy.PreferMXNetPolicy()

    @minpy.wrap_policy("only_numpy")
    def inside():
        return minpy.get_global_policy().name

    assert inside() == "OnlyNumPyPolicy"
    with minpy.PreferMXNetPolicy(fallback="error"), pytest.raises(NotImplementedError):
        np.vander(np.ones(2))


def test_files(tmp_path):
    a = np.arange(6.0).reshape(2, 3)
    np.save(tmp_path / "a.npy", a)
    assert type(np.load(tmp_path / "a.npy")) is np.ndarray
    np.savez(tmp_path / "b.npz", a=a, b=np.arange(3))
    with np.load(tmp_path / "b.npz") as z:
        assert type(z["a"]) is np.ndarray and z["a"].tolist() == a.tolist() and sorted(z.files) == ["a", "b"]


def test_printing_and_comparing_what_a_tape_follows():
    from minpy.core import grad

    def f(x):
        assert "1." in repr(x * 1) and np.array2string(x * 1)
        np.testing.assert_allclose(x * 1, [1.0, 2.0])
        return np.sum(x)

    assert grad(f)(np.array([1.0, 2.0])).tolist() == [1.0, 1.0]


def test_bools_from_elsewhere_may_be_any_byte():
    theirs = numpy.frombuffer(b"\xff\x02\x00\x01" * 50, dtype=bool)
    ours = np.asarray(theirs)
    for f in (
        lambda x: x.sum(),
        lambda x: x.mean(),
        lambda x: x.astype("i8"),
        lambda x: x.astype("f4"),
        lambda x: x + 1,
        lambda x: x * 2.5,
        lambda x: x.cumsum(),
    ):
        numpy.testing.assert_array_equal(numpy.asarray(f(ours)), f(theirs))
