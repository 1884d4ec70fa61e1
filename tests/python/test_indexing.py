"""x[...] and x[...] = v against NumPy."""

import numpy
import pytest
from support import check

import minpy.core
import minpy.numpy as np

INDICES = [
    0, -1, slice(None), slice(1, 3), slice(None, None, -1), slice(5, 1, -2), Ellipsis, None, (0, 1), (slice(None), 2),
    (Ellipsis, 1), (None, 0, None), (1, Ellipsis, None), (), [0, 2], [[0, 1], [2, 0]], ([0, 1], [1, 2]),
    (slice(None), [0, 0, 3]), ([0, 1], slice(1, 3)), (0, [1, 2]), ([0, 2], None, [1, 1]), True, False,
    (slice(1), Ellipsis), [], numpy.array(1), (numpy.array([0]), 0, Ellipsis), numpy.int8(1), (slice(0, 0), [1]),
    (slice(None), numpy.array([True, False, True, True])), (1, 2, 3), (1, 2, 3, Ellipsis),
    numpy.array([True, False, True]),
]  # fmt: skip


@pytest.mark.parametrize("index", INDICES, ids=repr)
def test_reading_agrees_with_numpy(index):
    a = numpy.arange(60.0).reshape(3, 4, 5)
    check(np.array(a)[index], a[index])
    converted = tuple(np.asarray(i) if isinstance(i, (list, numpy.ndarray)) and len(numpy.shape(i)) else i
                      for i in index) if isinstance(index, tuple) else index  # fmt: skip
    check(np.array(a)[converted], a[index])


@pytest.mark.parametrize("index", INDICES, ids=repr)
def test_writing_agrees_with_numpy(index):
    a = numpy.arange(60.0).reshape(3, 4, 5)
    for value in (7, a[index] * 2, numpy.float32(3)):
        ours, theirs = np.array(a), a.copy()
        ours[index] = value
        theirs[index] = value
        check(ours, theirs)


def test_boolean_mask_of_the_whole_array():
    a = numpy.arange(12.0).reshape(3, 4)
    ours = np.array(a)
    check(ours[ours > 5], a[a > 5])
    ours[ours > 5] = 0
    a[a > 5] = 0
    check(ours, a)


@pytest.mark.parametrize("index", [3, (0, 4), (0, 0, 0, 0), 1.0, "a", [5], ([0, 1], [0, 1, 2]), slice(1.5)], ids=repr)
def test_errors_are_numpys(index):
    a = numpy.zeros((3, 4, 5))
    with pytest.raises(Exception) as theirs:
        a[index]
    with pytest.raises(type(theirs.value)) as ours:
        np.array(a)[index]
    assert str(ours.value) == str(theirs.value)


def test_duplicate_indices_last_write_wins():
    a = np.zeros(3)
    a[[0, 0, 1]] = np.array([1.0, 2.0, 3.0])
    assert a.tolist() == [2.0, 3.0, 0.0]


def test_values_that_are_lists_or_too_large():
    a = np.zeros((2, 2), "i4")
    a[:] = [[1, 2], [3, 4]]
    assert a.tolist() == [[1, 2], [3, 4]]
    with pytest.raises(ValueError, match="could not broadcast input array from shape"):
        a[0] = [1, 2, 3]
    with pytest.raises((ValueError, TypeError)):
        a[0] = "abc"


def test_an_element_is_written_after_those_who_need_the_old_one():
    x = np.ones(100_000)
    y = x + x  # may be computed later
    x[0] = 5
    assert y[0] == 2

    weights = np.array([1.0, 2.0])

    def loss(v):
        product = v * weights
        weights[0] = 9.0
        return np.sum(product)

    assert minpy.core.grad(loss)(np.array([3.0, 4.0])).tolist() == [1.0, 2.0]


@pytest.mark.parametrize("dtype", "?bBhHiIlLefdFD")
def test_an_element_is_numpys_scalar_in_every_dtype(dtype):
    a = numpy.array([[0, 1, 2], [3, 4, 5]]).astype(dtype)
    ours = np.array(a)
    for index in ((0, 1), (-1, -1), (1, 0)):
        assert type(ours[index]) is type(a[index])
        assert ours[index] == a[index]
        assert ours.T[index[::-1]] == a[index]
