"""Number slots and element-wise operators against NumPy."""

import itertools
import operator
import re
import warnings

import numpy
import pytest
from support import DTYPES, check, layouts, random

import minpy.core
import minpy.numpy as np

ARITHMETIC = ["add", "subtract", "multiply", "true_divide", "maximum", "minimum", "equal", "less", "greater_equal"]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ARITHMETIC)
def test_binary_operators_agree_with_numpy(rng, name, dtype):
    a, b = random(rng, (3, 4), dtype), random(rng, (4,), dtype)
    if name == "subtract" and dtype == "?":
        with pytest.raises(TypeError):
            np.subtract(np.array(a), np.array(b))
        return
    with numpy.errstate(all="ignore"):
        for x in layouts(a):
            check(getattr(np, name)(np.asarray(x), np.asarray(b)), getattr(numpy, name)(x, b), exact=dtype[0] != "c")


@pytest.mark.parametrize("name", ["add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul", "eq", "lt"])
def test_slots_take_numbers_and_arrays_on_both_sides(name):
    f = getattr(operator, name)
    a = numpy.arange(1.0, 5.0)
    ours = np.array(a)
    others = [a, numpy.float32(2)] if name != "matmul" else [a]
    if name != "matmul":
        others += [2, 2.5, True, [1, 2, 3, 4]]
    for other in others:
        check(f(ours, other), f(a, other), exact=name != "pow")
        if not isinstance(other, list):
            check(f(other, ours), f(other, a), exact=name != "pow")


def test_weak_numbers_keep_the_dtype():
    for dtype in ("f4", "i2", "f2", "u1", "c8"):
        a = np.ones(3, dtype)
        assert (a + 1).dtype == a.dtype
        assert (1 * a).dtype == a.dtype
    assert (np.ones(3, "f4") + numpy.float64(1)).dtype == "f8"
    assert (np.ones(3, "i4") + 1.5).dtype == "f8"
    with pytest.raises(OverflowError, match="Python integer 300 out of bounds for uint8"):
        np.ones(3, "u1") + 300


@pytest.mark.parametrize("name", ["add", "subtract", "multiply", "floor_divide", "bitwise_and", "left_shift"])
def test_in_place_operators_write_through_views(name):
    symbol = {"add": "iadd", "subtract": "isub", "multiply": "imul", "floor_divide": "ifloordiv",
              "bitwise_and": "iand", "left_shift": "ilshift"}[name]  # fmt: skip
    a = numpy.arange(1, 7)
    ours, theirs = np.array(a), a.copy()
    view, its = ours[::2], theirs[::2]
    same = view
    view = getattr(operator, symbol)(view, 2)
    its = getattr(operator, symbol)(its, 2)
    assert view is same
    check(ours, theirs)


def test_in_place_keeps_numpy_casting_rule():
    a = np.ones(3, "i4")
    with pytest.raises(TypeError, match="Cannot cast ufunc 'add' output from"):
        a += 1.5


def test_empty_and_zero_dimensional():
    check(np.zeros((0, 3)) + 1, numpy.zeros((0, 3)) + 1)
    check(np.array(2.0) * 3, numpy.array(2.0) * 3)
    check(np.add(1, 2), numpy.add(1, 2))
    check(np.sin(0.5), numpy.sin(0.5), exact=False)


def test_broadcast_error_has_numpy_words():
    with pytest.raises(ValueError, match=r"operands could not be broadcast together with shapes \(2,3\) \(4,\)"):
        np.ones((2, 3)) + np.ones(4)


def test_out_where_casting_dtype():
    a, b = numpy.arange(6.0), numpy.arange(6.0)[::-1].copy()
    out, expected = np.zeros(6), numpy.zeros(6)
    mask = a > 2
    assert np.add(np.array(a), np.array(b), out=out, where=np.array(mask)) is out
    numpy.add(a, b, out=expected, where=mask)
    check(out, expected)
    given = numpy.zeros(6)
    assert np.add(np.array(a), b, out=given) is given
    assert given.tolist() == [5.0] * 6
    check(np.add(np.array(a), 1, dtype="f4"), numpy.add(a, 1, dtype="f4"))
    check(np.add(np.arange(3), 1.5, out=np.zeros(3, "f4")), numpy.add(numpy.arange(3), 1.5, out=numpy.zeros(3, "f4")))
    with pytest.raises(TypeError):
        np.add(np.arange(3), 1.5, out=np.zeros(3, "i4"))
    check(
        np.add(np.arange(3), 1.5, out=np.zeros(3, "i4"), casting="unsafe"),
        numpy.add(numpy.arange(3), 1.5, out=numpy.zeros(3, "i4"), casting="unsafe"),
    )


def test_out_may_overlap_the_input():
    a = numpy.arange(8.0)
    ours, theirs = np.array(a), a.copy()
    np.add(ours[:-1], ours[1:], out=ours[1:])
    numpy.add(theirs[:-1], theirs[1:], out=theirs[1:])
    check(ours, theirs)


def test_wrong_calls_raise_numpys_errors():
    for call in (
        lambda m: m.add(1),
        lambda m: m.add(1, 2, foo=3),
        lambda m: m.sum([1], axis=5),
        lambda m: m.sum([1], foo=1),
        lambda m: m.array([1.0]) + 2**2000,
        lambda m: m.array([1.0]) < 2**2000,
        lambda m: m.zeros(2, "i4").__setitem__(0, numpy.float64(numpy.nan)),
        lambda m: m.zeros((), "i8").__setitem__((), numpy.float32(numpy.inf)),
        lambda m: m.sort(m.ones(3), kind="stable", stable=True),
        lambda m: m.broadcast_to(m.ones(3), (2, 3)).__setitem__(0, 1),
        lambda m: m.diagonal(m.ones((3, 3))).__setitem__(0, 1),
        lambda m: m.digitize([1, 2], [1, 2, 3j]),
    ):
        with pytest.raises(Exception) as theirs:
            call(numpy)
        with pytest.raises(type(theirs.value)) as ours:
            call(np)
        assert str(ours.value) == str(theirs.value)


def test_corners_agree_with_numpy():
    for i, call in enumerate((
        lambda m: m.sum(3.0, axis=0), lambda m: m.max(m.array(3), axis=-1), lambda m: m.add.reduce(3, axis=0),
        lambda m: m.arange(0, 1, numpy.inf), lambda m: m.arange(0, 1e-300, 1e300), lambda m: m.arange(0, -5e-324, 1e300),
        lambda m: m.linalg.lstsq(m.ones((4, 2)), m.ones((4, 0)), rcond=None)[3], lambda m: m.array([1j, 0]).astype(bool),
        lambda m: m.isclose(m.array([1.0], "f4"), 0.9999999999999998, atol=0, rtol=0),
        lambda m: m.array([1.0], "f4") * 2**120, lambda m: m.array(numpy.array([-1.5, 300.0]), "u1"),
        lambda m: m.cross([1, 2, 3], [3, 4, 5]), lambda m: m.add.accumulate(m.ones((2, 3), "i1")),
    )):  # fmt: skip
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ours, theirs = call(np), call(numpy)
        numpy.testing.assert_allclose(numpy.asarray(ours), theirs, rtol=1e-12, atol=1e-12, err_msg=str(i))
        assert numpy.asarray(ours).dtype == theirs.dtype, i
    with pytest.warns(DeprecationWarning, match="2-dimensional vectors"):
        assert np.cross([1, 2], [3, 4]) == -2
    assert np.ones(3).flags == np.ones(4).flags != np.ones((2, 2)).flags
    assert isinstance(np.matmul, np.ufunc) and not isinstance(np.where, np.ufunc)
    assert np._core.umath.add is np.add
    with pytest.raises(AttributeError, match="deprecated alias for the builtin"):
        np.int  # noqa: B018

    class Own:
        def __array__(self, dtype=None, copy=None):
            return np.arange(3.0)

    check(np.array(Own()), numpy.arange(3.0))


def test_products_tell_what_they_met():
    big, inf = numpy.full((40, 70), 1e200), numpy.full((40, 70), numpy.inf)
    for i, product in enumerate((
        lambda m: m.dot(m.array([1e300]), m.array([1e300])), lambda m: m.array(big) @ m.array(big.T),
        lambda m: m.array(big) @ m.array(big[0]), lambda m: m.zeros((3, 40)) @ m.array(inf),
        lambda m: m.array(inf) @ m.array(big.T), lambda m: m.array(inf) @ m.ones((70, 33)),
        lambda m: m.full(3, 300, "f2") @ m.full(3, 300, "f2"), lambda m: m.array([numpy.nan, 1.0]) @ m.ones(2),
        lambda m: m.matmul(m.full((50, 90, 90), 1e30, "f4"), m.full((90, 90), 1e30, "f4")),
        lambda m: m.einsum("i,i", m.full(3, 1e300), m.full(3, 1e300)),
    )):  # fmt: skip
        said = []
        for m in (np, numpy):
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                product(m)
            said.append(sorted(re.sub("encountered in cast", "encountered in matmul", str(w.message)) for w in caught))
        assert said[0] == said[1], i


def test_casts_tell_what_they_met():
    big, none = numpy.array([1e300]), numpy.array([numpy.nan] * 3)
    casts = [
        lambda m: m.zeros(3, "f2").fill(70000), lambda m: m.zeros(3, "f2").__setitem__(0, 70000),
        lambda m: m.zeros(3, "f2").__setitem__(slice(None), numpy.float64(70000)),
        lambda m: m.zeros(3, "u1").__setitem__(m.array([True, False, True]), m.array(numpy.nan)),
        lambda m: m.zeros(3, "u1").__setitem__([0, 1], m.array([numpy.nan, 1])),
        lambda m: m.copyto(m.zeros(3, "u1"), none, casting="unsafe", where=[True, False, True]),
        lambda m: m.concatenate([m.array(big)], dtype="f4", casting="unsafe"), lambda m: m.full(3, 1e300, "f4"),
        lambda m: m.full(3, numpy.nan, "u1"), lambda m: m.array(none).astype("i2"), lambda m: m.array(none, "u8"),
        lambda m: m.array([1e300 + 0j]).astype("c8"), lambda m: m.array(numpy.inf).astype("i4"),
    ]  # fmt: skip
    for i, cast in enumerate(casts):
        messages = []
        for m in (np, numpy):
            with pytest.warns(RuntimeWarning) as caught:
                cast(m)
            messages.append([str(w.message) for w in caught])
        assert messages[0] == messages[1], i
        with numpy.errstate(all="raise"), pytest.raises(FloatingPointError, match="encountered in cast"):
            cast(np)


def test_divide_by_zero_follows_errstate():
    one, zero = np.ones(2), np.zeros(2)
    with pytest.warns(RuntimeWarning, match="divide by zero encountered in divide"):
        one / zero
    with (
        numpy.errstate(divide="raise"),
        pytest.raises(FloatingPointError, match="divide by zero encountered in divide"),
    ):
        one / zero
    with numpy.errstate(all="ignore"):
        assert (one / zero).tolist() == [numpy.inf] * 2


def test_ufunc_attributes_and_methods():
    assert (np.add.nin, np.add.nout, np.add.nargs, np.add.identity) == (2, 1, 3, 0)
    assert isinstance(np.add, np.ufunc)
    check(np.add.reduce(np.arange(6).reshape(2, 3)), numpy.add.reduce(numpy.arange(6).reshape(2, 3)))
    check(np.multiply.outer(np.arange(3), np.arange(2)), numpy.multiply.outer(numpy.arange(3), numpy.arange(2)))
    check(np.add.accumulate(np.arange(4)), numpy.add.accumulate(numpy.arange(4)))
    a = np.zeros(3)
    np.add.at(a, [0, 0, 2], 1)
    assert a.tolist() == [2.0, 0.0, 1.0]


def test_signature_and_names():
    import inspect
    import pickle

    assert list(inspect.signature(np.sum).parameters)[:2] == ["a", "axis"]
    assert np.sum.__name__ == "sum" and np.sum.__module__ == "minpy.numpy"
    assert pickle.loads(pickle.dumps(np.add)) is np.add
    assert np.add.__doc__


def test_unary_operators_and_conversions():
    a = numpy.array([-1.5, 2.0])
    check(-np.array(a), -a)
    check(abs(np.array(a)), abs(a))
    check(~np.array([True, False]), ~numpy.array([True, False]))
    assert float(np.array(1.5)) == 1.5 and int(np.array(3)) == 3 and complex(np.array(1j)) == 1j
    assert [10, 11, 12][np.array(1)] == 11
    with pytest.raises(ValueError, match="ambiguous"):
        bool(np.array([1, 2]))
    with pytest.raises(TypeError):
        hash(np.array(1))


def test_divmod_gives_a_pair():
    ours, theirs = divmod(np.arange(5), 2), divmod(numpy.arange(5), 2)
    for x, y in zip(ours, theirs, strict=True):
        check(x, y)


def test_plain_and_other_spellings_agree():
    a = np.arange(6.0).reshape(2, 3)
    for plain, other in (
        (np.sum(a, 1), np.sum(a, axis=numpy.int64(1))),
        (np.sum(a, axis=(0, 1), keepdims=True), np.sum(a, axis=[0, 1], keepdims=1)),
        (np.concatenate((a, a), 1), np.concatenate([a, a], axis=numpy.int8(1))),
        (np.zeros((2, 3), np.float32), np.zeros([2, 3], dtype="f4")),
        (a.reshape(3, 2), a.reshape([3, numpy.int64(-1)])),
        (a.transpose(1, 0), a.transpose([1, 0])),
        (a.astype(np.int8), a.astype("i1", casting="unsafe")),
        (a.copy(), a.copy(order="C")),
        (a + numpy.float64(2), a + numpy.array(2.0)),
    ):
        assert type(plain) is type(other)
        assert plain.dtype == other.dtype
        numpy.testing.assert_array_equal(plain, other)


def test_a_view_by_a_short_way_is_on_the_tape_where_its_array_is():
    x = np.arange(6.0).reshape(2, 3)
    gradient = minpy.core.grad(lambda v: np.sum(v.T.reshape(6)[1:3] * v.copy().transpose(1, 0).reshape(-1)[2:4]))(x)
    expected = numpy.zeros(6)
    flat = numpy.arange(6.0).reshape(2, 3).T.reshape(6)
    expected[1:3] += flat[2:4]
    expected[2:4] += flat[1:3]
    numpy.testing.assert_array_equal(gradient, expected.reshape(3, 2).T)


SHAPES = [(), (3,), (1,), (2, 3), (2, 1), (4, 2, 3), (1, 3), (0, 3), (0,)]


@pytest.mark.parametrize("shape", SHAPES, ids=repr)
def test_small_operands_of_all_shapes_agree_with_numpy(rng, shape):
    for other, dtype, second in itertools.product(SHAPES, ("f8", "f4", "i1"), ("f8", "f4", "i1")):
        a, b = rng.uniform(1, 3, shape).astype(dtype), rng.uniform(1, 3, other).astype(second)
        c = rng.random(shape) > 0.5
        for name, operands in (("add", (a, b)), ("less", (b, a)), ("where", (c, b, b)), ("where", (c, a, b))):
            try:
                expected = getattr(numpy, name)(*operands)
            except ValueError:
                with pytest.raises(ValueError, match="could not be broadcast"):
                    getattr(np, name)(*map(np.array, operands))
                continue
            check(getattr(np, name)(*map(np.array, operands)), expected)


@pytest.mark.parametrize("shift", [-1, 0, 1])
def test_out_that_overlaps_an_operand_is_as_if_copied(shift):
    def shifted(module):
        a = module.arange(8.0) if module is numpy else np.array(numpy.arange(8.0))
        left, right = a[max(-shift, 0) : 7 - max(shift, 0)], a[max(shift, 0) : 7 - max(-shift, 0)]
        module.add(left, right, out=right)
        right *= 2
        right -= left
        return a

    check(shifted(np), shifted(numpy))


@pytest.mark.parametrize("shape", [(3,), (2, 3), (), (2, 0)], ids=repr)
def test_small_arrays_are_joined_and_averaged_as_numpy_does(rng, shape):
    for dtype in ("f8", "f4", "i2", "?"):
        a, b = rng.uniform(0, 3, shape).astype(dtype), rng.uniform(0, 3, shape).astype(dtype)
        ours = (np.array(a), np.array(b))
        for axis in range(-len(shape) - 1, len(shape) + 1):
            check(np.stack(ours, axis), numpy.stack((a, b), axis))
        for axis in range(-len(shape), len(shape)):
            check(np.concatenate(ours, axis), numpy.concatenate((a, b), axis))
        if a.size:
            check(np.mean(ours[0]), numpy.mean(a))
    weights = numpy.arange(2.0 * a.size).reshape(2, *shape)
    gradient = minpy.core.grad(lambda x: np.sum(np.stack((x, 2 * x)) * weights) + np.mean(x))
    if a.size:
        expected = weights[0] + 2 * weights[1] + 1 / a.size
        numpy.testing.assert_allclose(gradient(np.array(a.astype("f8"))), expected, rtol=1e-14)


def test_an_array_may_be_its_own_condition():
    for dtype in ("f8", "i4", "?"):
        x = np.array([0, 2, -3, 0.5, -1] * 3).astype(dtype)
        expected = numpy.where(numpy.asarray(x.copy()), numpy.asarray(x.copy()), 0)
        assert numpy.array_equal(np.where(x, x, np.zeros_like(x)), expected)


def test_one_operand_repeated_over_a_larger_result():
    for n in (20, 200_000):
        y = np.zeros(n)
        np.negative(np.array(2.0), out=y)
        assert (y == -2).all()
        rows = np.zeros((4, n))
        np.sqrt(np.arange(4.0).reshape(4, 1), out=rows)
        wide = np.exp(np.broadcast_to(np.arange(4.0).reshape(4, 1), (4, n)))
        assert numpy.array_equal(rows, numpy.sqrt(numpy.arange(4.0))[:, None] * numpy.ones(n))
        assert numpy.allclose(wide, numpy.exp(numpy.arange(4.0))[:, None] * numpy.ones(n))
