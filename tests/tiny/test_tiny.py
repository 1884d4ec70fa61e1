"""Runs first: the face stands, an operator runs, a gradient comes back."""

import minpy.numpy as np
from minpy.core import grad


def test_add_two_arrays():
    assert (np.array([1.0, 2.0]) + np.array([3.0, 4.0])).tolist() == [4.0, 6.0]


def test_array_type_is_ours():
    assert type(np.zeros(2)) is np.ndarray
    assert repr(type(np.zeros(2))) == "<class 'minpy.ndarray'>"


def test_sum_is_a_numpy_scalar():
    assert repr(np.array([1.0, 2.0]).sum()) == "np.float64(3.0)"


def test_matmul():
    assert (np.array([[1.0, 2.0]]) @ np.array([[3.0], [4.0]])).tolist() == [[11.0]]


def test_gradient_follows_an_if():
    def foo(x):
        return x**2 if x < 0 else x * 1.0

    assert grad(foo)(3) == 1.0
    assert grad(foo)(-1) == -2.0


def test_fallback_gives_our_arrays():
    assert type(np.vander(np.ones(2))) is np.ndarray
