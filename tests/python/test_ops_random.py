"""Random numbers: dtypes, shapes, ranges, moments, and errors. The generator's bits are in tests/core/ops."""

import numpy
import pytest

import minpy.numpy as np
from minpy import _minpy, random
from minpy.core import grad

DRAWS = {
    "uniform": lambda **k: random.uniform(-1.0, 3.0, **k),
    "normal": lambda **k: random.normal(2.0, 0.5, **k),
    "exponential": lambda **k: random.exponential(2.0, **k),
    "bernoulli": lambda **k: random.bernoulli(0.3, **k),
    "integers": lambda **k: random.integers(-3, 7, **k),
}
MOMENTS = {  # mean and standard deviation
    "uniform": (1.0, 4 / 12**0.5),
    "normal": (2.0, 0.5),
    "exponential": (2.0, 2.0),
    "bernoulli": (0.3, 0.21**0.5),
    "integers": (1.5, (99 / 12) ** 0.5),
}


@pytest.fixture(autouse=True)
def _seed():
    random.seed(11)


@pytest.mark.parametrize("name", DRAWS)
@pytest.mark.parametrize("size", [None, 3, (2, 3), (0, 4), ()])
def test_size_is_the_shape(name, size):
    x = DRAWS[name](size=size)
    assert x.shape == numpy.empty(() if size is None else size).shape
    assert x.dtype == {"bernoulli": "?", "integers": "i8"}.get(name, "f8")


@pytest.mark.parametrize("name", DRAWS)
def test_moments(name):
    n = 200_000
    x = numpy.asarray(DRAWS[name](size=n)).astype("f8")
    mean, deviation = MOMENTS[name]
    assert abs(x.mean() - mean) < 5 * deviation / n**0.5
    assert abs(x.std() / deviation - 1) < 0.02


@pytest.mark.parametrize("name", DRAWS)
def test_neighbours_and_draws_are_independent(name):
    n = 100_000
    x, y = (numpy.asarray(DRAWS[name](size=n)).astype("f8") for _ in range(2))
    for other in (y, numpy.roll(x, 1), numpy.roll(x, 4)):
        assert abs(numpy.corrcoef(x, other)[0, 1]) < 5 / n**0.5


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8"])
@pytest.mark.parametrize("name", ["uniform", "normal", "exponential"])
def test_floats_have_the_dtype_asked_for(name, dtype):
    x = DRAWS[name](size=1000, dtype=dtype)
    assert x.dtype == dtype and numpy.isfinite(numpy.asarray(x)).all()


def test_the_distribution_of_normal_numbers():
    x = numpy.sort(numpy.asarray(random.normal(size=100_000)))
    # The quantiles of 0.1, 1, 50, 99 and 99.9 percent.
    for q, at in [(0.001, -3.0902), (0.01, -2.3263), (0.5, 0.0), (0.99, 2.3263), (0.999, 3.0902)]:
        assert abs((x < at).mean() - q) < 5 * (q * (1 - q) / x.size) ** 0.5


@pytest.mark.parametrize("dtype", ["i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8"])
def test_integers_reach_the_ends_of_their_dtype(dtype):
    info = numpy.iinfo(dtype)
    x = numpy.asarray(random.integers(info.min, info.max, size=20_000, dtype=dtype, endpoint=True))
    assert x.dtype == dtype
    span = float(info.max) - float(info.min)
    assert x.min() < info.min + 0.01 * span and x.max() > info.max - 0.01 * span
    assert (random.integers(5, 6, size=10, dtype=dtype) == 5).all()


def test_integers_favour_none():
    counts = numpy.bincount(numpy.asarray(random.integers(7, size=70_000)), minlength=7)
    assert len(counts) == 7 and ((counts - 10_000) ** 2 / 10_000).sum() < 30  # chi squared of 6 degrees


def test_permutations():
    order = numpy.asarray(random.permutation(1000))
    assert (numpy.sort(order) == numpy.arange(1000)).all() and (order != numpy.arange(1000)).any()
    x = np.arange(12.0).reshape(6, 2)
    y = numpy.asarray(random.permutation(x))
    assert sorted(y[:, 0]) == list(range(0, 12, 2)) and (y[:, 1] == y[:, 0] + 1).all()
    assert random.permutation(0).shape == (0,)
    assert (np.sort(grad(lambda x: (random.permutation(x) * np.arange(4.0)).sum())(np.ones(4))) == np.arange(4)).all()


def test_parameters_broadcast():
    x = random.uniform(np.asarray([0.0, 10.0]), np.asarray([[1.0], [11.0]]))
    assert x.shape == (2, 2)
    wide = random.normal(np.asarray([0.0, 1000.0]), 1.0, size=(500, 2))
    assert abs(float(wide[:, 1].mean()) - 1000) < 1


def test_seeds_give_the_same_numbers_whatever_the_shape():
    a = random.normal(size=(20, 50)).reshape(-1)
    random.seed(11)
    assert (random.normal(size=1000) == a).all()
    random.seed(12)
    assert (random.normal(size=1000) != a).all()


@pytest.mark.parametrize(
    "call, kind",
    [
        (lambda: random.integers(3, 3), ValueError),
        (lambda: random.integers(0, 300, dtype="u1"), ValueError),
        (lambda: random.integers(3, size=-1), ValueError),
        (lambda: random.uniform(size=(2, -1)), ValueError),
        (lambda: random.normal(size=3, dtype="i4"), TypeError),
        (lambda: random.integers(3, dtype="f4"), TypeError),
        (lambda: random.permutation(2.5), TypeError),
        (lambda: random.normal(np.zeros(3), size=2), ValueError),
    ],
)
def test_errors(call, kind):
    with pytest.raises(kind):
        call()


def test_dropout_is_a_function_of_the_stream():
    x, dropout = np.ones((100, 100)), _minpy._operator("dropout")
    with random.Stream(3):
        y = dropout(x, 0.25, training=True)
    with random.Stream(3):
        g = grad(lambda x: dropout(x, 0.25, training=True).sum())(x)
    assert (y == g).all()
    assert abs(float((y == 0).mean()) - 0.25) < 0.02
    numpy.testing.assert_allclose(numpy.unique(numpy.asarray(y)), [0, 1 / 0.75], rtol=1e-6)
