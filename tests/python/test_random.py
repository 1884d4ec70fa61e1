"""The library's own random streams."""

import numpy

import minpy
import minpy.numpy as np
from minpy.core import grad


def test_a_seed_gives_the_same_numbers():
    minpy.random.seed(3)
    a = minpy.random.normal(size=(2, 3))
    b = minpy.random.normal(size=(2, 3))
    minpy.random.seed(3)
    assert type(a) is np.ndarray and a.shape == (2, 3)
    assert minpy.random.normal(size=(2, 3)).tolist() == a.tolist() != b.tolist()


def test_streams_are_blocks_and_have_a_state():
    with minpy.random.Stream(5, 1) as stream:
        start = stream.state
        x = minpy.random.uniform(size=4)
        assert stream.state != start
        stream.state = start
        assert minpy.random.uniform(size=4).tolist() == x.tolist()
    with minpy.random.Stream(5, 2):
        assert minpy.random.uniform(size=4).tolist() != x.tolist()


def test_gradients_reach_location_and_scale():
    def f(loc, scale):
        with minpy.random.Stream(1):
            return np.sum(minpy.random.normal(loc, scale, size=3))

    with minpy.random.Stream(1):
        z = minpy.random.normal(size=3)
    g = grad(f, [0, 1])(np.array(0.5), np.array(2.0))
    numpy.testing.assert_allclose([float(x) for x in g], [3.0, float(z.sum())])


def test_integers_and_permutations():
    minpy.random.seed(0)
    x = minpy.random.integers(0, 5, size=100)
    assert x.dtype == "i8" and x.min() >= 0 and x.max() < 5
    assert sorted(minpy.random.permutation(10).tolist()) == list(range(10))
