"""Averages, quantiles and what leaves NaN out, against NumPy."""

import re
import warnings

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


def warned(function, m):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        function(m)
    return {re.sub("scalar divide|divide|nanmean|mean|var|std", "*", str(w.message)) for w in caught}


NAN = numpy.nan


@pytest.mark.parametrize("values", [[], [NAN], [NAN, NAN], [1.0], [[NAN, 1.0], [NAN, NAN]], [[1.0, 2.0], [NAN, 3.0]]])
@pytest.mark.parametrize("dtype", ["f4", "f8", "f2", "c16"])
def test_empty_slices_are_told_of_as_numpy_does(values, dtype):
    x = numpy.array(values, dtype)
    for name in "mean nanmean var nanvar std nanstd nanmax nanmin".split():
        for options in (
            [{}] + [{"axis": axis} for axis in range(x.ndim)] + [{"ddof": 1}] * name.endswith(("var", "std"))
        ):
            if x.size == 0 and name in ("nanmax", "nanmin"):
                continue
            call = lambda m: getattr(m, name)(m.asarray(x), **options)  # noqa: B023
            ours, theirs = warned(call, np), warned(call, numpy)
            if dtype == "c16":  # NumPy's quotient of complex scalars meets less than that of arrays
                ours, theirs = ({w for w in some if "slice" in w} for some in (ours, theirs))
            assert ours == theirs, (name, options)


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


@pytest.mark.parametrize("dtype", ["f4", "f8", "i4", "i8", "u1"])
@pytest.mark.parametrize(
    "how",
    [{}, {"bins": 7}, {"bins": 33, "range": (-10, 20)}, {"bins": [-5.0, 0, 1, 7.5]}, {"bins": 11, "density": True},
     {"range": (5, 5)}, {"bins": "auto"}],
)  # fmt: skip
def test_histograms(rng, dtype, how):
    x = (abs(rng.standard_normal(100_000)) * 30).astype(dtype)
    for ours, theirs in zip(np.histogram(np.asarray(x), **how), numpy.histogram(x, **how), strict=True):
        assert ours.dtype == theirs.dtype
        numpy.testing.assert_allclose(ours, theirs, rtol=1e-12)


@pytest.mark.parametrize(
    "data, how, message",
    [([1.0], {"bins": 0}, "must be positive"), ([1.0], {"bins": [2, 1]}, "increase monotonically"),
     ([1.0], {"range": (2, 1)}, "max must be larger than min"), ([numpy.nan], {}, r"range of \[nan, nan\]")],
)  # fmt: skip
def test_histograms_refuse(data, how, message):
    for library in (np, numpy):
        with pytest.raises(ValueError, match=message):
            library.histogram(library.asarray(data), **how)


def test_covariances(rng):
    m, y = rng.standard_normal((3, 10)), rng.standard_normal((2, 10))
    for args, how in (
        ((m,), {}), ((m,), {"rowvar": False}), ((m[0],), {}), ((m.astype("f4"),), {"bias": True}),
        ((m, y), {"ddof": 0}), ((m.T, y.T), {"rowvar": False}), ((m + 1j * m[::-1],), {}), (((m * 9).astype("i4"),), {}),
        ((m,), {"aweights": numpy.arange(10)}),
    ):  # fmt: skip
        ours, theirs = np.cov(*map(np.asarray, args), **how), numpy.cov(*args, **how)
        assert isinstance(ours, np.ndarray)
        assert (ours.dtype, ours.shape) == (theirs.dtype, theirs.shape)
        numpy.testing.assert_allclose(ours, theirs, rtol=1e-12, atol=1e-14)


def test_interpolation(rng):
    xp, fp = numpy.sort(rng.standard_normal(20)), rng.standard_normal(20)
    x = numpy.concatenate([rng.standard_normal(500) * 2, xp, [numpy.nan, numpy.inf, -numpy.inf]])
    for how in ({}, {"left": -9}, {"left": 1, "right": numpy.nan}):
        ours = np.interp(*map(np.asarray, (x, xp, fp)), **how)
        numpy.testing.assert_allclose(ours, numpy.interp(x, xp, fp, **how), rtol=1e-12, atol=1e-13)
    ends = [0.0, numpy.inf, numpy.inf, 1.0]
    numpy.testing.assert_array_equal(
        np.interp(np.asarray([0, 0.5, 1, 1.5, 2.5]), range(4), ends),
        numpy.interp([0, 0.5, 1, 1.5, 2.5], range(4), ends),
    )
    assert type(np.interp(2.5, [1, 2, 3], [3, 2, 0])) is numpy.float64
    with pytest.raises(ValueError, match="not of the same length"):
        np.interp(1.0, [1, 2], [1, 2, 3])


@pytest.mark.parametrize("dtype", ["f4", "f8", "i4"])
def test_spreads_in_one_pass(rng, dtype):
    x = (rng.standard_normal((300, 1100)) * 10 + 100).astype(dtype)
    where = rng.random(x.shape) < 0.7
    for axis in (None, 0, 1):
        for name in ("var", "std"):
            for how in ({}, {"ddof": 1}, {"where": where}, {"keepdims": True}):
                ours = getattr(np, name)(np.asarray(x), axis=axis, **how)
                theirs = getattr(numpy, name)(x, axis=axis, **how)
                assert ours.dtype == theirs.dtype
                numpy.testing.assert_allclose(ours, theirs, rtol=2e-5 if dtype == "f4" else 1e-12)
        if dtype[0] == "f":
            y = numpy.where(where, x, numpy.nan).astype(dtype)
            y[:, 5], y[7] = numpy.nan, numpy.nan
            for name in ("nanmax", "nanmin", "nansum", "nanprod"):
                z = y if name != "nanprod" else numpy.where(numpy.isnan(y), y, 1 + (y - 100) * 1e-5).astype(dtype)
                with numpy.errstate(all="ignore"), warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    ours = getattr(np, name)(np.asarray(z), axis=axis)
                    theirs = getattr(numpy, name)(z.astype("f8"), axis=axis)
                assert ours.dtype == z.dtype
                numpy.testing.assert_allclose(ours, theirs, rtol=2e-4 if dtype == "f4" else 1e-12)
