"""Reductions against NumPy: every dtype, layout and axis, masks, and their errors."""

import itertools

import numpy
import pytest
from support import DTYPES, layouts, random

import minpy.numpy as np


def agree(function):
    with numpy.errstate(all="ignore"):
        try:
            theirs = function(numpy)
        except Exception as e:
            with pytest.raises(type(e)) as ours:
                function(np)
            assert str(ours.value) == str(e)
            return
        ours = function(np)
    assert ours.dtype == theirs.dtype and ours.shape == theirs.shape
    # Sums have another order than NumPy's.
    eps = numpy.finfo(theirs.dtype).eps if theirs.dtype.kind in "fc" else 0
    numpy.testing.assert_allclose(numpy.asarray(ours), theirs, rtol=200 * eps, atol=200 * eps)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(), (0,), (5,), (3, 4), (0, 3), (2, 3, 4), (1500,)])
def test_reductions_agree_with_numpy(dtype, shape):
    x = random(numpy.random.default_rng(7), shape, dtype)
    for v in layouts(x):
        for axis in [None, *range(-v.ndim, v.ndim)]:
            for name in ("sum", "max", "min", "any", "all", "argmax", "argmin"):
                agree(lambda m: getattr(m, name)(m.asarray(v), axis=axis))  # noqa: B023
            for name in ("sum", "max"):
                agree(lambda m: getattr(m, name)(m.asarray(v), axis=axis, initial=1, where=m.asarray(v != 0)))  # noqa: B023


@pytest.mark.parametrize("dtype", ["f4", "f8", "i4", "i8"])
@pytest.mark.parametrize("shape", [(16128,), (100_003,), (3, 20_000), (20, 16_200), (300, 700), (700, 300)])
def test_long_scans_are_as_good_as_sequential_ones(rng, dtype, shape):
    x = (rng.standard_normal(shape) * 3).astype(dtype)
    near_one = (1 + x * 1e-6).astype(dtype) if dtype[0] == "f" else x
    wide = "f8" if dtype[0] == "f" else "i8"
    for axis in range(len(shape)):
        sums = np.cumsum(np.asarray(x), axis=axis)
        numpy.testing.assert_allclose(sums, numpy.cumsum(x.astype(wide), axis=axis), rtol=1e-4, atol=1e-2)
        products = np.cumprod(np.asarray(near_one), axis=axis)
        numpy.testing.assert_allclose(products, numpy.cumprod(near_one.astype(wide), axis=axis), rtol=3e-4)


@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_scans_meet_infinity_and_zero_as_one_element_after_the_other_does(rng, dtype):
    x = rng.standard_normal(50_000).astype(dtype)
    with numpy.errstate(all="ignore"):
        numpy.testing.assert_array_equal(np.cumprod(np.asarray(x)), numpy.cumprod(x))  # down to zero
        grows = numpy.full(50_000, 1.5, dtype)
        numpy.testing.assert_array_equal(np.cumprod(np.asarray(grows)), numpy.cumprod(grows))
        x[30_000], x[40_000] = numpy.inf, -numpy.inf
        numpy.testing.assert_array_equal(np.cumsum(np.asarray(x)), numpy.cumsum(x))


@pytest.mark.parametrize("dtype", ["i1", "i2", "f4", "f8", "c16"])
@pytest.mark.parametrize("shape", [(8, 8), (9, 17), (257, 65), (64, 4096), (20, 30, 40)])
def test_transposed_copies(rng, dtype, shape):
    x = (rng.standard_normal(shape) * 50).astype(dtype)
    for axes in itertools.permutations(range(len(shape))):
        turned = np.asarray(x).transpose(axes)
        numpy.testing.assert_array_equal(np.ascontiguousarray(turned), x.transpose(axes))
        numpy.testing.assert_array_equal(np.asarray(x)[::-1].transpose(axes).copy(), x[::-1].transpose(axes))
        target = np.zeros(shape, dtype).transpose(axes)
        target[...] = turned.copy()
        numpy.testing.assert_array_equal(target, x.transpose(axes))
