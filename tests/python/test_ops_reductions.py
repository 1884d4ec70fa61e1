"""Reductions against NumPy: every dtype, layout and axis, masks, and their errors."""

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
