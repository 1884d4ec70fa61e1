"""Averages, quantiles and what leaves NaN out, against NumPy."""

import numpy
import pytest
from support import DTYPES, random

import minpy.numpy as np
from minpy.core import grad


def agree(function):
    with numpy.errstate(all="ignore"):
        try:
            theirs = function(numpy)
        except Exception as e:
            with pytest.raises(type(e)) as ours:
                function(np)
            if type(e) is not numpy.exceptions.AxisError:
                assert str(ours.value) == str(e)
            return
        ours = function(np)
    for o, t in zip(ours, theirs, strict=True) if isinstance(theirs, tuple) else [(ours, theirs)]:
        assert o.dtype == t.dtype and o.shape == t.shape
        eps = numpy.finfo(t.dtype).eps if t.dtype.kind in "fc" else 0
        numpy.testing.assert_allclose(numpy.asarray(o), t, rtol=200 * eps, atol=200 * eps)


def with_nan(rng, shape, dtype):
    x = numpy.asarray(random(rng, shape, dtype))
    if x.dtype.kind in "fc":
        x[rng.random(shape) < 0.3] = numpy.nan
    return x


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(5,), (3, 4), (2, 3, 4), (0,), (0, 3)])
def test_what_leaves_nan_out(rng, dtype, shape):
    x, mask = with_nan(rng, shape, dtype), rng.random(shape) < 0.6
    for axis in [None, *range(-x.ndim, x.ndim + 1), tuple(range(x.ndim))]:
        for name in ("nansum", "nanprod", "nanmax", "nanmin", "nanmean", "nanvar", "nanstd", "ptp"):
            agree(lambda m: getattr(m, name)(m.asarray(x), axis=axis, keepdims=True))  # noqa: B023
            if name != "ptp":
                agree(lambda m: getattr(m, name)(m.asarray(x), axis=axis, where=m.asarray(mask)))  # noqa: B023
        for name in ("nanvar", "nanstd"):
            agree(lambda m: getattr(m, name)(m.asarray(x), axis=axis, ddof=2))  # noqa: B023
        if not isinstance(axis, tuple):
            agree(lambda m: m.nancumsum(m.asarray(x), axis=axis))  # noqa: B023
            agree(lambda m: m.nancumprod(m.asarray(x), axis=axis))  # noqa: B023


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(5,), (3, 4), (2, 3, 4), (0, 3)])
def test_averages_and_quantiles(rng, dtype, shape):
    x = random(rng, shape, dtype)
    for axis in [None, *range(-x.ndim, x.ndim + 1), tuple(range(x.ndim))[::-1]]:
        agree(lambda m: m.median(m.asarray(x), axis=axis))  # noqa: B023
        agree(lambda m: m.average(m.asarray(x), axis=axis, returned=True))  # noqa: B023
        for kind in ("f4", "i8", "c16"):
            w = abs(random(rng, shape, kind)) + 1
            agree(lambda m: m.average(m.asarray(x), axis, m.asarray(w), returned=True, keepdims=True))  # noqa: B023
        for q in (0.3, 0, 1, 0.5, [0.1, 0.75], numpy.float32(0.3), numpy.array([0.2, 0.9], "f4"), 1.5):
            agree(lambda m: m.quantile(m.asarray(x), q, axis=axis, keepdims=True))  # noqa: B023
            if not isinstance(q, list):
                agree(lambda m: m.percentile(m.asarray(x), q * 100, axis=axis))  # noqa: B023


def test_weights_lie_along_axes_and_sum_to_something():
    x, w = numpy.arange(24.0).reshape(2, 3, 4), numpy.arange(1.0, 7).reshape(3, 2)
    agree(lambda m: m.average(m.asarray(x), axis=(1, 0), weights=m.asarray(w)))
    agree(lambda m: m.average(m.asarray(x), axis=2, weights=m.asarray(w)))
    agree(lambda m: m.average(m.asarray(x), weights=m.asarray(w)))
    agree(lambda m: m.average(m.asarray(x), axis=0, weights=m.asarray([1.0, -1.0])))


def test_other_methods_are_numpys():
    x = numpy.array([3.0, 1.0, 2.0])
    for method in ("lower", "weibull", "none such"):
        agree(lambda m: m.quantile(m.asarray(x), 0.4, method=method))  # noqa: B023
    agree(lambda m: m.quantile(m.asarray(x), 0.4, method="inverted_cdf", weights=m.asarray(x)))
    agree(lambda m: m.median(m.asarray([numpy.inf, numpy.inf, 1.0])))


@pytest.mark.parametrize("name", ["nansum", "nanmean", "nanvar", "nanstd", "nanmax", "nanmin"])
def test_gradients_pass_nan_by(name):
    x = np.asarray([1.0, numpy.nan, 3.0, 7.0])
    g = numpy.asarray(grad(getattr(np, name))(x))
    some = numpy.asarray(grad(getattr(np, name))(np.asarray([1.0, 3.0, 7.0])))
    assert g[1] == 0
    numpy.testing.assert_allclose(g[[0, 2, 3]], some)


def test_gradients_reach_the_part_of_a_quantile():
    x = np.asarray([1.0, 5.0, 2.0, 9.0])
    assert float(grad(lambda q: np.quantile(x, q))(np.asarray(0.4))) == pytest.approx(9.0)
    assert float(grad(lambda q: np.percentile(x, q))(np.asarray(40.0))) == pytest.approx(0.09)
