"""What several test files use."""

import numpy

import minpy.numpy as np

DTYPES = ["?", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8", "c8", "c16"]


def random(rng, shape, dtype):
    """Random elements of a dtype, small enough that products do not overflow."""
    kind = numpy.dtype(dtype).kind
    if kind == "b":
        return rng.random(shape) < 0.5
    if kind in "iu":
        return rng.integers(0 if kind == "u" else -5, 6, shape).astype(dtype)
    x = rng.standard_normal(shape)
    return (x + 1j * rng.standard_normal(shape)).astype(dtype) if kind == "c" else x.astype(dtype)


def layouts(x):
    """The same elements in several layouts."""
    yield x
    yield numpy.asfortranarray(x)
    if x.ndim:
        yield x[::-1][::-1]
        wide = numpy.zeros((*x.shape[:-1], x.shape[-1] * 2), x.dtype)
        wide[..., ::2] = x
        yield wide[..., ::2]


def check(ours, theirs, exact=True):
    """Equal values, dtype, shape, and the same choice of array or scalar."""
    if isinstance(theirs, numpy.ndarray):
        assert type(ours) is np.ndarray, type(ours)
    else:
        assert type(ours) is type(theirs), (type(ours), type(theirs))
    assert ours.dtype == theirs.dtype
    assert ours.shape == theirs.shape
    if exact:
        numpy.testing.assert_array_equal(numpy.asarray(ours), theirs)
    else:
        eps = numpy.finfo(theirs.dtype).eps if theirs.dtype.kind in "fc" else 0
        numpy.testing.assert_allclose(numpy.asarray(ours), theirs, rtol=8 * eps, atol=8 * eps)
