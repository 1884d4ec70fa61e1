"""Making arrays, their attributes and methods."""

import copy
import pickle
import re

import numpy
import pytest
from support import DTYPES, check, layouts, random

import minpy
import minpy.numpy as np


@pytest.mark.parametrize("dtype", DTYPES)
def test_array_round_trip_in_every_dtype_and_layout(rng, dtype):
    a = random(rng, (3, 4), dtype)
    for x in layouts(a):
        ours = np.array(x)
        check(ours, x)
        assert ours.flags.f_contiguous == numpy.array(x).flags.f_contiguous
        assert numpy.asarray(np.asarray(x)) is not None


def test_asarray_shares_memory_with_numpy_both_ways():
    a = numpy.zeros(3)
    ours = np.asarray(a)
    ours[0] = 1
    a[1] = 2
    assert a.tolist() == ours.tolist() == [1.0, 2.0, 0.0]
    view = numpy.asarray(ours)
    view[2] = 3
    assert ours[2] == 3
    assert np.asarray(ours) is ours
    assert np.array(ours) is not ours


def test_attributes_agree_with_numpy():
    a = numpy.zeros((2, 3, 4), "f4")[:, ::-1]
    ours = np.asarray(a)
    for name in "shape strides ndim size itemsize nbytes dtype".split():
        assert getattr(ours, name) == getattr(a, name), name
    assert ours.T.shape == (4, 3, 2) and ours.mT.shape == (2, 4, 3)
    assert ours.device == "cpu"
    assert ours.flags["C_CONTIGUOUS"] == a.flags["C_CONTIGUOUS"]


def test_copies_are_laid_out_as_numpys():
    a = numpy.arange(24.0).reshape(2, 3, 4)
    views = [lambda x: x, lambda x: x.T, lambda x: x.transpose(1, 0, 2), lambda x: x.transpose(2, 0, 1)]
    views += [lambda x: x[::-1, :, ::2].T, lambda x: x[0, 0]]
    copies = [lambda x, m: m.array(x), lambda x, m: m.copy(x), lambda x, m: x.astype("f4"), lambda x, m: x.astype("f8")]
    copies += [lambda x, m, o=o: x.copy(o) for o in "CFAK"] + [lambda x, m, o=o: m.copy(x, order=o) for o in "CFAK"]
    copies += [lambda x, m, o=o: x.astype("i4", order=o) for o in "CFAK"] + [lambda x, m: m.asarray(x, dtype="i8")]
    for i, view in enumerate(views):
        for k, copied in enumerate(copies):
            theirs, ours = copied(view(a), numpy), copied(view(np.asarray(a)), np)
            assert ours.strides == theirs.strides, (i, k)
            check(ours, theirs)
            assert ours.base is None and ours.flags.writeable, (i, k)
    x = np.asarray(a)
    slopes = minpy.core.grad(lambda x: (x.T.copy("K") * np.asarray(a).T).sum())(x)
    check(slopes, a)


def test_every_public_name_of_numpys_array_is_there():
    missing = [n for n in dir(numpy.ndarray) if not n.startswith("_") and not hasattr(np.ndarray, n)]
    assert missing == []


def test_every_public_name_of_numpy_is_there():
    missing = [n for n in numpy.__all__ if not hasattr(np, n)]
    assert missing == []
    for module in ("linalg", "fft"):
        theirs = getattr(numpy, module)
        assert [n for n in theirs.__all__ if not hasattr(getattr(np, module), n)] == []


def test_views_know_their_base():
    a = np.zeros((3, 4))
    assert a.base is None
    assert a[1:].base is a and a.T.base is a and a.reshape(12).base is a
    assert a[1:][0].base is a
    assert a.copy().base is None
    a[1:][0][:] = 5
    assert a[1].tolist() == [5.0] * 4


def test_shape_is_settable():
    a = np.arange(6)
    a.shape = 2, 3
    assert a.tolist() == [[0, 1, 2], [3, 4, 5]]
    with pytest.raises((ValueError, AttributeError)):
        a.shape = 5


def test_writeable_flag():
    a = np.zeros(3)
    a.flags.writeable = False
    with pytest.raises(ValueError, match="read-only"):
        a[0] = 1
    with pytest.raises(ValueError, match="read-only"):
        a += 1
    with pytest.raises(ValueError, match="read-only"):
        np.add(a, 1, out=a)
    assert not numpy.asarray(a).flags.writeable
    a.flags.writeable = True
    a[0] = 1


METHODS = [
    ("sum", ()), ("mean", ()), ("prod", ()), ("std", ()), ("var", ()), ("max", ()), ("min", ()), ("argmax", ()),
    ("argmin", ()), ("any", ()), ("all", ()), ("cumsum", ()), ("cumprod", ()), ("sum", (0,)), ("mean", (1,)),
    ("max", (0,)), ("argsort", ()), ("ravel", ()), ("flatten", ()), ("repeat", (2,)), ("squeeze", ()),
    ("swapaxes", (0, 1)), ("diagonal", ()), ("trace", ()), ("round", (1,)), ("clip", (-0.5, 0.5)), ("copy", ()),
    ("astype", ("f4",)), ("conj", ()), ("take", ([0, 2],)), ("reshape", (4, 3)), ("reshape", ((2, -1),)),
    ("transpose", ()), ("transpose", (1, 0)), ("nonzero", ()), ("tolist", ()), ("item", (3,)), ("tobytes", ()),
    ("dot", ([1.0, 2.0, 3.0, 4.0],)), ("compress", ([True, False, True],)), ("choose", ([[0.0] * 4],)),
    ("byteswap", ()), ("view", ("i8",)), ("partition", (1,)), ("argpartition", (1,)),
]  # fmt: skip


@pytest.mark.parametrize("name, args", METHODS, ids=lambda p: str(p) if isinstance(p, str) else "")
def test_methods_agree_with_numpy(rng, name, args):
    a = rng.standard_normal((3, 4))
    if name == "choose":
        a = numpy.zeros((3, 4), int)
    ours, theirs = getattr(np.array(a), name)(*args), getattr(a.copy(), name)(*args)
    if isinstance(theirs, tuple):
        for x, y in zip(ours, theirs, strict=True):
            check(x, y)
    elif isinstance(theirs, (numpy.ndarray, numpy.generic)):
        if name in ("cumprod", "argpartition"):
            assert ours.shape == theirs.shape
        else:
            check(ours, theirs, exact=False)
    else:
        assert ours == theirs


def test_sort_and_fill_and_put_in_place():
    a = np.array([3.0, 1.0, 2.0])
    a.sort()
    assert a.tolist() == [1.0, 2.0, 3.0]
    a.fill(7)
    a.put([0, 2], [1, 2])
    assert a.tolist() == [1.0, 7.0, 2.0]
    a.flat[1] = 0
    assert list(a.flat) == [1.0, 0.0, 2.0]


def test_real_and_imag_are_views():
    a = np.zeros(3, "c16")
    a.real[0] = 1
    a.imag[1] = 2
    assert a.tolist() == [1, 2j, 0]
    a.imag = 5
    assert a.tolist() == [1 + 5j, 5j, 5j]


def test_pickle_and_copy():
    a = np.arange(6.0).reshape(2, 3)
    for protocol in range(2, 6):
        check(pickle.loads(pickle.dumps(a, protocol)), numpy.asarray(a))
    b, c = copy.copy(a), copy.deepcopy({"a": a})["a"]
    a[0, 0] = 9
    assert b[0, 0] == c[0, 0] == 0


def test_printing_is_numpys():
    a = numpy.arange(6.0).reshape(2, 3)
    assert repr(np.array(a)) == repr(a) and str(np.array(a)) == str(a)
    assert f"{np.array(1.5):.2f}" == "1.50"
    with numpy.printoptions(precision=1):
        assert str(np.array([1.25])) == str(numpy.array([1.25]))


def test_iteration_len_contains():
    a = np.arange(3)
    assert [type(x) for x in a] == [numpy.int64] * 3
    assert [row.tolist() for row in np.ones((2, 2))] == [[1, 1], [1, 1]]
    assert len(a) == 3 and 2 in a and 5 not in a
    with pytest.raises(TypeError, match="len\\(\\) of unsized object"):
        len(np.array(1))
    with pytest.raises(TypeError, match="iteration over a 0-d array"):
        iter(np.array(1))


def test_other_dtypes_stay_numpys():
    assert type(np.array(["a", "b"])) is numpy.ndarray
    assert type(np.array([1, 2], dtype=object)) is numpy.ndarray
    check(np.add(numpy.array([1, 2], object), 1), numpy.array([2, 3], object)) if False else None
    assert np.add(np.array([1, 2], dtype=object), np.arange(2)).tolist() == [1, 3]


def test_subclass_and_weak_references():
    import weakref

    class Mine(np.ndarray):
        pass

    m = np.arange(3).view(Mine)
    assert isinstance(m, Mine) and m.sum() == 3
    a = np.zeros(2)
    r = weakref.ref(a)
    del a
    assert r() is None


def test_nothing_leaks():
    def work():
        a = np.ones((4, 5))
        b = (a + 1)[1:, ::2].T.copy()
        b[0] = 3
        b += a[0, 0]
        c = np.kron(a, b) + np.asarray(numpy.ones(3))[0]
        try:
            a + np.ones(7)
        except ValueError:
            pass
        return float(c.sum()), memoryview(a), pickle.loads(pickle.dumps(a)), list(a)

    work()
    before = minpy.memory_stats()["live_arrays"]
    for _ in range(20):
        work()
    assert minpy.memory_stats()["live_arrays"] == before


def test_memory_beyond_the_limit_is_refused():
    x = np.ones(1 << 20)
    float(x[0])
    minpy.trim_memory()
    minpy.set_memory_limit(minpy.memory_stats()["in_use"] + (1 << 22))
    try:
        with pytest.raises(MemoryError, match="the limit is"):
            float((x + 1)[0])
        assert float(x[-1]) == 1
    finally:
        minpy.set_memory_limit(0)
    assert float((x + 1)[0]) == 2


def test_bfloat16_is_ml_dtypes():
    ml_dtypes = pytest.importorskip("ml_dtypes")
    x = np.array([1.0, 2.5]).astype("bfloat16")
    assert type(x) is np.ndarray and x.dtype == ml_dtypes.bfloat16 and x.itemsize == 2
    assert (x + x).dtype == ml_dtypes.bfloat16 and (x + x).astype("f4").tolist() == [2.0, 5.0]
    with pytest.raises(BufferError, match="bfloat16"):
        memoryview(x)


def test_threads_compute_at_the_same_time():
    from concurrent.futures import ThreadPoolExecutor

    a = np.arange(200_000.0)
    expected = (numpy.arange(200_000.0) * 2 + 1).sum()

    def work(_):
        b = a * 2 + 1
        return float(b.sum()), b[:10].tolist(), np.asarray(numpy.ones(3)) + b[0]

    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(work, range(40)))
    assert {r[0] for r in results} == {expected}


def test_a_forked_child_computes():
    import os

    a = np.ones((300, 300))
    assert (a @ a)[0, 0] == 300
    child = os.fork()
    if child == 0:
        ok = (a @ a)[0, 0] == 300 and float((np.arange(200_000.0) + 1).sum()) > 0
        os._exit(0 if ok else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_methods_in_c_know_views_from_copies():
    x = np.arange(6.0).reshape(2, 3)
    assert x.ravel().base is not None
    assert x.T.ravel().base is None
    assert x.flatten().base is None
    assert x.squeeze().base is not None
    assert x.swapaxes(0, 1).base is x.base
    assert x.conj() is x
    x.flatten()[0] = 9
    x.ravel()[1] = 7
    assert x.tolist() == [[0.0, 7.0, 2.0], [3.0, 4.0, 5.0]]
    assert x.astype(dtype="i4").dtype == x.astype(numpy.int32).dtype == numpy.int32
    with pytest.raises(TypeError, match="data type 'no such' not understood"):
        x.astype("no such")


@pytest.mark.parametrize("dtype", "?bhilqefdFD")
def test_item_is_pythons_number(dtype):
    a = numpy.array([[0, 1], [2, 3]]).astype(dtype)
    x = np.array(a)
    for index in ((0, 1), (-1, -1), (3,), ((1, 0),)):
        assert type(x.item(*index)) is type(a.item(*index))
        assert x.item(*index) == a.item(*index)
    assert x[:1, 1:].item() == a[:1, 1:].item()
    for index in ((2, 0), (9,), (0, 0, 0), ()):
        with pytest.raises((IndexError, ValueError)) as theirs:
            a.item(*index)
        with pytest.raises(theirs.type, match=re.escape(str(theirs.value))):
            x.item(*index)


def test_where_of_a_condition_alone_is_nonzero():
    x = np.array([0.0, 2.0, 3.0])
    (places,) = np.where(x > 1)
    assert places.tolist() == [1, 2]
    assert isinstance(np.where(x > 1), tuple)
