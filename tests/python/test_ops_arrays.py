"""Array operators against NumPy: creation, shapes, joining, choosing, sorting, searching."""

import numpy
import pytest
from support import DTYPES, check, random

import minpy.numpy as np


def same(name, *args, exact=True, **kwargs):
    """The operator gives what NumPy's function gives, or raises what it raises."""
    ours = [
        np.array(a) if isinstance(a, numpy.ndarray) else [np.array(x) for x in a] if _arrays(a) else a for a in args
    ]
    ours_kw = {k: np.array(v) if isinstance(v, numpy.ndarray) else v for k, v in kwargs.items()}
    f, g = getattr(np, name), getattr(numpy, name)
    assert "fallback" not in repr(f).lower() and not isinstance(f, type(same)), f"{name} is not an operator"
    try:
        expected = g(*args, **kwargs)
    except Exception as e:
        with pytest.raises(type(e)) as raised:
            f(*ours, **ours_kw)
        assert str(raised.value) == str(e)
        return
    got = f(*ours, **ours_kw)
    if isinstance(expected, (list, tuple)):
        assert type(got) is type(expected)
        assert len(got) == len(expected)
        for x, y in zip(got, expected, strict=True):
            check(x, y, exact=exact)
    else:
        check(got, expected, exact=exact)


def _arrays(a):
    return isinstance(a, (list, tuple)) and len(a) > 0 and all(isinstance(x, numpy.ndarray) for x in a)


def views(rng, dtype="f8"):
    """Arrays in several layouts."""
    base = random(rng, (4, 6, 2), dtype)
    yield base[:, :, 0][:3, :4]
    yield base[::-1, ::2, 1]
    yield base.transpose(2, 0, 1)[0]
    yield numpy.asfortranarray(base[0])


@pytest.fixture
def a(rng):
    return rng.standard_normal((3, 4))


CREATION = [
    ("zeros", (2, 3)), ("zeros", 3), ("zeros", ()), ("zeros", (0, 2)), ("ones", (2, 3), "i2"), ("ones", 2, "c8"), ("ones", (2, 3), "f2", "F"),
    ("zeros", -1), ("full", (2, 2), 7.5), ("full", (2,), 3), ("full", (2,), True), ("full", (2, 3), numpy.arange(3)), ("full", 2, 300, "u1"),
    ("full", 2, 1 + 2j), ("eye", 3), ("eye", 3, 4, 1), ("eye", 3, 4, -2, "i4"), ("eye", 3, 2, 5), ("eye", 3, 3, -7), ("identity", 3), ("identity", 2, "?"),
    ("tri", 3), ("tri", 3, 5, -1, "i4"), ("arange", 5), ("arange", 0), ("arange", -3), ("arange", 2, 7), ("arange", 0.0, 2.0, 0.3),
    ("arange", 5, 0, -2), ("arange", 1, 2, 0.1), ("arange", 5, None, None, "f4"), ("arange", 0.5, 5, 1, "i8"), ("arange", 3, 9, 2, "u1"),
    ("arange", 0, 3, 1, "f2"), ("arange", 4, 10, 3, "c16"), ("arange", 0, 1, 0), ("arange", numpy.float32(3)), ("arange", numpy.int8(3)),
    ("linspace", 0, 1), ("linspace", 0, 1, 5), ("linspace", 2.0, 3.0, 7, False), ("linspace", 1, 1, 3), ("linspace", 0, 10, 1),
    ("linspace", 0, 10, 0), ("linspace", 0, 10, 4, True, False, "i4"), ("linspace", -3, 0, 5, True, False, "i8"), ("linspace", 0, 1, -1),
    ("linspace", numpy.float32(0), numpy.arange(3.0)), ("linspace", 1j, 2, 4), ("linspace", numpy.zeros(2, "f4"), numpy.ones(2, "f4"), 6),
]  # fmt: skip


@pytest.mark.parametrize("case", CREATION, ids=repr)
def test_creation(case):
    same(*case)


@pytest.mark.parametrize("name", ["zeros_like", "ones_like", "empty_like"])
def test_like_keeps_shape_dtype_and_layout(rng, name):
    for dtype in DTYPES:
        for x in views(rng, dtype):
            ours, theirs = getattr(np, name)(np.array(x)), getattr(numpy, name)(x)
            assert (ours.shape, ours.dtype) == (theirs.shape, theirs.dtype)
            if name != "empty_like":
                check(ours, theirs)
    x = numpy.ones((2, 3, 4)).transpose(2, 0, 1)
    assert np.zeros_like(np.asarray(x)).strides == numpy.zeros_like(x).strides
    same("full_like", numpy.ones((2, 3), "f4"), 0.5)
    same("full_like", numpy.ones((2, 3), "i2"), 7, shape=(4,), dtype="f8")


SHAPES = [
    ("ravel",), ("ravel", "F"), ("squeeze",), ("swapaxes", 0, 1), ("swapaxes", 0, 2), ("moveaxis", 0, -1), ("moveaxis", (0, 1), (1, 0)),
    ("moveaxis", 0, (0, 1)), ("rollaxis", 1), ("expand_dims", 0), ("expand_dims", (0, -1)), ("expand_dims", 4), ("matrix_transpose",),
    ("permute_dims", (1, 0)), ("atleast_1d",), ("atleast_2d",), ("atleast_3d",), ("flip",), ("flip", 1), ("flip", (0, 1)), ("flipud",),
    ("fliplr",), ("rot90",), ("rot90", 2), ("rot90", -1), ("rot90", 5, (1, 0)), ("roll", 2), ("roll", -1, 1), ("roll", (1, 2), (0, 1)),
    ("roll", 1, (0, 1)), ("roll", (1, 2), (0, 0)), ("roll", 0), ("diagonal",), ("diagonal", 1), ("diagonal", -2), ("diagonal", 9),
    ("diag",), ("diag", 1), ("diagflat", 1), ("trace",), ("trace", 1), ("tril",), ("triu", 1), ("tril", -1), ("tile", 2), ("tile", (2, 1)),
    ("tile", (2, 1, 3)), ("tile", (0, 1)), ("repeat", 2), ("repeat", 3, 1), ("repeat", 0, 0), ("repeat", [1, 2], 0), ("pad", 1), ("pad", (1, 2)),
    ("pad", ((1, 0), (0, 2))), ("pad", 2, "edge"), ("pad", (1, 3), "reflect"), ("pad", ((0, 5), (7, 0)), "symmetric"), ("pad", 5, "wrap"), ("pad", 0),
    ("pad", -1), ("split", 2, 1), ("split", [1, 3], 1), ("split", 5, 1), ("array_split", 3, 1), ("array_split", 2), ("hsplit", 2), ("vsplit", 1),
    ("dsplit", 1), ("split", 0), ("split", [2, 1, 9], 1), ("unstack",), ("append", numpy.ones((1, 4)), 0), ("append", [1.0, 2.0]), ("delete", 1, 0),
    ("delete", [0, 2], 1), ("delete", 3), ("delete", 99), ("diff",), ("diff", 2, 0), ("diff", 0), ("ediff1d",), ("ediff1d", 1.0, [2.0, 3.0]),
]  # fmt: skip


@pytest.mark.parametrize("case", SHAPES, ids=repr)
def test_shapes(rng, case):
    name, *args = case
    for x in views(rng):
        same(name, x, *args)
    same(name, rng.standard_normal((2, 4)), *args)
    same(name, rng.standard_normal((1, 4)).astype("f4")[:, ::-1], *args)
    if name not in ("rot90", "diff"):
        same(name, numpy.zeros((0, 4)), *args)


@pytest.mark.parametrize(
    "name", ["ravel", "squeeze", "expand_dims", "swapaxes", "flip", "roll", "tile", "repeat", "sort", "concatenate"]
)
def test_every_dtype(rng, name):
    for dtype in DTYPES:
        x = random(rng, (2, 3), dtype)
        if name == "concatenate":
            same(name, [x, x, x[:, ::-1]], 1)
        else:
            same(
                name,
                x,
                *{"expand_dims": (1,), "swapaxes": (0, 1), "roll": (1,), "tile": (2,), "repeat": (2,)}.get(name, ()),
            )


def test_pad_with_constants(a):
    same("pad", a, 1, constant_values=2)
    same("pad", a, ((1, 2), (0, 1)), constant_values=((1, 2), (3, 4)))
    same("pad", a, (1, 2), constant_values=(0.5, -0.5))
    same("pad", a.astype("i4"), 1, constant_values=7)
    assert numpy.signbit(np.pad(np.array([-0.0]), 1, constant_values=1.0)[1])


def test_views_share_memory():
    x = np.zeros((2, 3))
    for view in (
        np.ravel(x),
        np.swapaxes(x, 0, 1),
        np.expand_dims(x, 0),
        np.flip(x),
        np.diagonal(x),
        *np.split(x, [1], axis=1),
    ):
        assert np.shares_memory(view, x)
    np.split(x, [1], axis=1)[1][...] = 5
    assert x.tolist() == [[0, 5, 5], [0, 5, 5]]
    for copied in (np.roll(x, 1), np.tile(x, 1), np.repeat(x, 1), np.concatenate([x]), np.sort(x), np.pad(x, 0)):
        assert not np.shares_memory(copied, x)


JOINING = [
    ("concatenate", ((3, 4), (2, 4)), {}), ("concatenate", ((3, 4), (3, 1)), {"axis": 1}), ("concatenate", ((3, 4), (3, 1)), {"axis": -1}),
    ("concatenate", ((3, 4), (2,)), {"axis": None}), ("concatenate", ((3, 4), (3, 1)), {}), ("concatenate", ((3, 4), (2,)), {}),
    ("concatenate", ((), ()), {}), ("concatenate", ((0, 4), (2, 4)), {}), ("concatenate", ((3, 4),), {"axis": 2}), ("stack", ((3, 4), (3, 4)), {}),
    ("stack", ((3, 4), (3, 4)), {"axis": -1}), ("stack", ((3, 4), (3, 4)), {"axis": 1}), ("stack", ((3, 4), (3, 1)), {}), ("stack", ((), ()), {}),
    ("vstack", ((3,), (2, 3)), {}), ("hstack", ((3,), (2,)), {}), ("hstack", ((2, 3), (2, 1)), {}), ("dstack", ((2, 3), (2, 3)), {}),
    ("column_stack", ((2,), (2, 3)), {}), ("concat", ((3, 4), (2, 4)), {}),
]  # fmt: skip


@pytest.mark.parametrize("case", JOINING, ids=repr)
def test_joining(rng, case):
    name, shapes, kwargs = case
    same(name, [rng.standard_normal(s) for s in shapes], **kwargs)
    same(name, [random(rng, s, t) for s, t in zip(shapes, ("f4", "i8"), strict=False)], **kwargs)


def test_joining_casts_and_promotes(rng):
    x, y = rng.standard_normal((2, 3)), numpy.arange(6, dtype="i4").reshape(2, 3)
    same("concatenate", [x, y], dtype="f4")
    same("concatenate", [x, y], dtype="i4")
    same("concatenate", [x, y], dtype="i4", casting="unsafe")
    same("concatenate", [])
    out = np.zeros((4, 3))
    assert np.concatenate([np.array(x), np.array(y)], out=out) is out
    check(out, numpy.concatenate([x, y]))
    big = rng.standard_normal((300, 1000))
    same("concatenate", [big, big[::-1]], axis=1)
    same("concatenate", [big, big], axis=0)


def test_broadcasting_helpers(rng):
    x, y = rng.standard_normal(3), rng.standard_normal((2, 1))
    for ours, theirs in zip(np.broadcast_arrays(np.array(x), np.array(y)), numpy.broadcast_arrays(x, y), strict=True):
        check(ours, theirs)
    for kwargs in ({}, {"indexing": "ij"}, {"sparse": True}, {"copy": False}):
        for args in ((x,), (x, y), (x, y, x[:2])):
            for ours, theirs in zip(
                np.meshgrid(*map(np.array, args), **kwargs), numpy.meshgrid(*args, **kwargs), strict=True
            ):
                check(ours, theirs)


SELECTING = [
    ("take", numpy.array([0, 2, -1])), ("take", [[0, 1], [1, 0]], 1), ("take", 2), ("take", numpy.array([], "i8"), 0), ("take", [5], 0), ("take", [-4], 0),
    ("take", [99]), ("take", [7, -9], 0, None, "wrap"), ("take", [7, -9], 1, None, "clip"), ("take", numpy.array([1, 0], "u1"), 0),
    ("take", numpy.array([0.5])), ("take", [0], 2), ("take_along_axis", numpy.array([[0, 1], [1, 1], [2, 0]]), 1), ("take_along_axis", numpy.array([[0, 1, 1, 2]]), 0),
    ("take_along_axis", numpy.array([0, 5, 7]), None), ("take_along_axis", numpy.array([[4]]), 1), ("take_along_axis", numpy.array([1]), 1),
]  # fmt: skip


@pytest.mark.parametrize("case", SELECTING, ids=repr)
def test_selecting(rng, case):
    name, *args = case
    if isinstance(args[-1], str):
        kwargs = {"mode": args.pop()}
        args.pop()
    else:
        kwargs = {}
    for dtype in ("f8", "f2", "c16", "?"):
        x = random(rng, (3, 4), dtype)
        same(name, x, *args, **kwargs)
        same(name, x[::-1, ::-1], *args, **kwargs)


def test_conditions(rng, a):
    mask = a > 0
    same("compress", mask[:, 0], a, axis=0)
    same("compress", [True, False, True], a)
    same("extract", mask, a)
    same("count_nonzero", a)
    same("count_nonzero", mask, axis=1)
    same("count_nonzero", mask, axis=(0, 1), keepdims=True)
    for dtype in DTYPES:
        x = random(rng, (3, 4), dtype) * (random(rng, (3, 4), "?"))
        x = x.astype(dtype)
        same("nonzero", x)
        same("nonzero", x[:, ::-2])
        same("argwhere", x)
        same("flatnonzero", x)
    same("nonzero", numpy.zeros(()))
    same("nonzero", numpy.zeros((0, 3)))
    same("argwhere", numpy.ones(()))


def test_writing_at_positions(rng, a):
    for index, value in (
        ([0, 5, -1], [1.0, 2.0, 3.0]),
        ([0, 1, 2, 3], [7.0, 8.0]),
        (2, 5),
        ([1, 1], [3.0, 4.0]),
        ([], 1.0),
    ):
        ours, theirs = np.array(a), a.copy()
        assert np.put(ours, index, value) is None
        numpy.put(theirs, index, value)
        check(ours, theirs)
    ours, theirs = np.array(a), a.copy()
    index = numpy.argsort(a, axis=1)[:, :2]
    np.put_along_axis(ours, np.array(index), 9.0, axis=1)
    numpy.put_along_axis(theirs, index, 9.0, axis=1)
    check(ours, theirs)
    with pytest.raises(IndexError, match="index 12 is out of bounds for axis 0 with size 12"):
        np.put(np.array(a), 12, 0)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [0, 1, 5, 47, 48, 300])
def test_sorting(rng, dtype, n):
    x = random(rng, (3, n), dtype)
    if x.dtype.kind in "fc" and n > 2:
        x[0, 1], x[1, 0], x[2, 2] = numpy.nan, numpy.inf, -numpy.inf
        x[1, 2] = -numpy.float64(numpy.nan)
    with numpy.errstate(all="ignore"):
        same("sort", x)
        same("sort", x, axis=0)
        same("sort", x[::-1, ::-1], axis=None)
    expected = numpy.argsort(x, kind="stable")
    check(np.argsort(np.array(x)), expected)
    same("argsort", x, axis=0, kind="stable")
    same("argsort", x, axis=None, stable=True)


def test_sorting_errors_and_edges(a):
    same("sort", a, axis=2)
    same("sort", numpy.array(3.0))
    same("argsort", numpy.array(3.0))
    same("sort", a, kind="nonsense")
    x = np.array(a)
    x.sort(0)
    check(x, numpy.sort(a, 0))
    p = np.partition(np.array(a), 2, axis=1)
    check(p[:, 2], numpy.sort(a, 1)[:, 2])
    same("partition", a, 9)
    q = np.take_along_axis(np.array(a), np.argpartition(np.array(a), 1, axis=0), axis=0)
    check(q[1], numpy.sort(a, 0)[1])
    same("argpartition", a, 9)
    for empty in (numpy.empty((3, 0)), numpy.empty((0, 2), "u1")):
        same("partition", empty, 0)
        same("argpartition", empty, 0)
    for n in (1, 40):  # zeros keep their order
        zeros = numpy.tile([0.0, -0.0, 2.0, -1.0, -0.0], n)
        assert numpy.asarray(np.sort(np.array(zeros))).tobytes() == numpy.sort(zeros, kind="stable").tobytes()
        same("argsort", zeros, kind="stable")


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kth", [0, 5, 20_000, 39_999])
def test_positions_of_long_rows_are_partitioned(rng, dtype, kth):
    x = random(rng, (40_000,), dtype)
    if x.dtype.kind == "f":
        x[::7] = numpy.nan
    which, ordered = numpy.asarray(np.argpartition(np.array(x), kth)), numpy.sort(x)
    assert numpy.array_equal(numpy.sort(which), numpy.arange(x.size))
    numpy.testing.assert_array_equal(x[which][kth], ordered[kth])
    numpy.testing.assert_array_equal(numpy.sort(x[which][:kth]), ordered[:kth])


@pytest.mark.parametrize("dtype", DTYPES)
def test_unique(rng, dtype):
    x = random(rng, (4, 5), dtype)
    if x.dtype.kind == "f":
        x[0, 0] = x[1, 1] = numpy.nan
    x[2, :] = x[0, :]
    same("unique", x)
    same("unique", x, return_index=True)
    same("unique", x, return_inverse=True, return_counts=True)
    same("unique", x, return_index=True, return_inverse=True, return_counts=True)
    same("unique", x, equal_nan=False)
    same("unique", x[:0])


def test_searching(rng):
    for dtype in ("f8", "i4", "f2", "c16"):
        a = numpy.sort(random(rng, (20,), dtype))
        v = random(rng, (3, 5), dtype)
        for side in ("left", "right"):
            same("searchsorted", a, v, side)
            same("searchsorted", a, numpy.sort(v.ravel()), side)
            same("searchsorted", a, a, side)
    x = rng.standard_normal(10)
    same("searchsorted", x, rng.standard_normal(4), sorter=numpy.argsort(x))
    same("searchsorted", numpy.array([1.0, 2.0, numpy.nan]), numpy.array([numpy.nan, 3.0, 0.0]))
    same("searchsorted", numpy.arange(5), 2.5)
    same("searchsorted", numpy.arange(5), 2, side="middle")
    same("searchsorted", numpy.zeros((2, 2)), 2)
    for right in (False, True):
        same("digitize", x, numpy.array([-1.0, 0.0, 1.0]), right)
        same("digitize", x, numpy.array([1.0, 0.0, -1.0]), right)
        same("digitize", numpy.array([1.0, 0.5, 0.0, -1.0]), numpy.array([1.0, 0.0, -1.0]), right)
    same("digitize", x, numpy.array([1.0, 3.0, 4.0j]))
    same("digitize", x, numpy.array([1.0, 3.0, -1.0]))
    k = rng.integers(0, 6, 20)
    same("bincount", k)
    same("bincount", k, rng.standard_normal(20), exact=False)
    same("bincount", k, minlength=10)
    same("bincount", numpy.array([], "i8"))
    same("bincount", numpy.array([-1]))
    same("bincount", numpy.array([1, 5, 1], "u8"))
    same("bincount", numpy.array([True, False]))
    same("bincount", numpy.array([1.5]))


def test_pad_keeps_the_layout_and_refuses_what_numpy_refuses(a):
    fortran = numpy.asfortranarray(a)
    for mode in ("constant", "edge", "reflect"):
        ours = np.pad(np.asarray(fortran), ((1, 0), (2, 3)), mode=mode)
        assert ours.flags.f_contiguous
        check(ours, numpy.pad(fortran, ((1, 0), (2, 3)), mode=mode))
    check(
        np.pad(np.asarray(fortran), 1, constant_values=((1, 2), (3, 4))),
        numpy.pad(fortran, 1, constant_values=((1, 2), (3, 4))),
    )
    for width in (None, 1j, 1.5, ((1, 2), (3.0, 4)), "word", [[[1]]], ((1, 2, 3), (4, 5, 6))):
        same("pad", a, width)
    same("pad", a, 1, "edge", constant_values=1)
    same("pad", a, [[1], [2]])
    same("pad", a, 1, None)


def test_concatenate_into_out(a):
    for shape in ((5, 4), (6,), (6, 4)):
        ours = np.zeros(shape)
        try:
            numpy.concatenate([a, a], out=numpy.zeros(shape))
        except ValueError as e:
            with pytest.raises(ValueError, match=str(e)):
                np.concatenate([np.array(a), np.array(a)], out=ours)
        else:
            np.concatenate([np.array(a), np.array(a)], out=ours)
            check(ours, numpy.concatenate([a, a]))
    with pytest.raises(TypeError, match="only takes `out` or `dtype`"):
        np.stack([np.array(a)], out=np.zeros((1, 3, 4)), dtype="f4")


def test_nonzero_is_a_tuple():
    x = np.array([0.0, 1.0])
    for found in (np.nonzero(x), x.nonzero()):
        assert type(found) is tuple
        assert len(found) == 1
        check(found[0], numpy.array([1]))


def test_choices(rng, a):
    b, c = rng.standard_normal((3, 4)), rng.standard_normal(4)
    same("select", [a > 1, a > 0], [b, a], 9.0)
    same("select", [a > 1, a > 0], [a, a])
    check(np.select([np.array(a > 0)], [np.array(b)], np.array(c)), numpy.select([a > 0], [b], c))
    same("choose", numpy.array([[0, 1, 0, 1]]), [a, b])
    same("choose", numpy.array([0, 1, 2, 0]), [c, c * 2, c * 3])
    same("choose", numpy.array([0, 3]), [c[:2], c[2:]])
    same("choose", numpy.array([-1, 5]), [c[:2], c[2:]], mode="wrap")
    same("choose", numpy.array([-1, 5]), [c[:2], c[2:]], mode="clip")


@pytest.mark.parametrize("name", ["place", "putmask"])
def test_writes_where_a_mask_holds(a, name):
    for values in ([1.0, 2.0, 3.0], [7.0]):
        ours, theirs = np.array(a), a.copy()
        assert getattr(np, name)(ours, np.array(a > 0), values) is None
        getattr(numpy, name)(theirs, a > 0, values)
        check(ours, theirs)


def test_insert(a):
    for args in ((1, 9.0, 0), (1, numpy.arange(4.0), 0), ([1], [[5.0, 6.0, 7.0, 8.0]], 0), ([0, 2], 1.0, 1), ([2, 0, 2], numpy.arange(9.0).reshape(3, 3), 1),
                 (2, [1.0, 2.0]), ([0, 5, 12], [1.0, 2.0, 3.0]), (-1, 5.0, 1), (1, numpy.arange(3.0), 1), (99, 0.0)):  # fmt: skip
        same("insert", a, *args)


def test_membership_and_closeness(rng):
    x = rng.integers(0, 9, (3, 5))
    same("isin", x, numpy.array([1, 3, 7]))
    same("isin", x, numpy.array([1, 3, 7]), invert=True)
    same("isin", x, numpy.array([], "i8"))
    same("isin", x, numpy.array([1.5, 3.0]))
    y = rng.standard_normal(6)
    z = y + numpy.array([0, 1e-9, 1e-3, 0, 0, 0])
    y[4] = z[4] = numpy.nan
    y[5] = z[5] = numpy.inf
    same("isclose", y, z)
    same("isclose", y, z, equal_nan=True)
    same("isclose", y, z, 0.1, 0.1)
    same("isclose", x, 3)


def test_index_arithmetic_and_integrals(rng):
    same("unravel_index", numpy.array([0, 5, 11]), (3, 4))
    same("unravel_index", numpy.array([[0, 5], [11, 7]]), (3, 4), "F")
    same("unravel_index", numpy.array([12]), (3, 4))
    keys = [rng.integers(0, 3, 20), rng.integers(0, 3, 20)]
    same("lexsort", keys)
    y = rng.standard_normal((3, 5))
    same("trapezoid", y, exact=False)
    same("trapezoid", y, numpy.sort(rng.standard_normal(5)), exact=False)
    same("trapezoid", y, dx=0.5, axis=0, exact=False)


@pytest.mark.parametrize("index", [0, slice(None), [0]], ids=repr)
@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e20, 300.0, 2.7, 300, -1], ids=repr)
def test_assigned_numbers_must_fit_integers(index, value):
    for dtype in ("i8", "i1", "u1", "f4", "?"):
        ours, theirs = np.zeros(3, dtype), numpy.zeros(3, dtype)
        try:
            theirs[index] = value
        except Exception as e:
            with pytest.raises(type(e)) as raised:
                ours[index] = value
            assert str(raised.value) == str(e)
        else:
            ours[index] = value
            check(ours, theirs)


@pytest.mark.parametrize("dtype", ["i4", "i8", "u2", "f2", "f4", "f8"])
def test_long_rows_are_sorted_in_parts(rng, dtype):
    for x in (rng.standard_normal(400_000) * 100, rng.integers(0, 3, 300_000), numpy.arange(300_000)[::-1] // 7):
        x = abs(x).astype(dtype)
        if dtype[0] == "f":
            x[::1000], x[5], x[7] = numpy.nan, -0.0, numpy.inf
        ours = np.sort(np.asarray(x))
        numpy.testing.assert_array_equal(ours, numpy.sort(x))
        order = numpy.argsort(x, kind="stable")
        numpy.testing.assert_array_equal(np.argsort(np.asarray(x)), order)


@pytest.mark.parametrize("dtype", ["i4", "i8", "u2", "u4", "u8", "f2", "f4", "f8"])
def test_long_rows_are_partitioned(rng, dtype):
    normal = rng.standard_normal(100_003) * 100
    for x in (normal, normal[:40_000], rng.integers(0, 3, 30_000), numpy.arange(30_000) // 7):
        x = (abs(x) if dtype[0] == "u" else x).astype(dtype)
        if dtype[0] == "f":
            x[::1000], x[5], x[7] = numpy.nan, -0.0, numpy.inf
        for kth in (0, 1, 17, x.size // 3, x.size // 2, -5, -1):
            ours = numpy.asarray(np.partition(np.asarray(x), kth))
            in_order = numpy.sort(x)
            numpy.testing.assert_array_equal(ours[kth], in_order[kth])
            numpy.testing.assert_array_equal(numpy.sort(ours), in_order)
            kth %= x.size
            numpy.testing.assert_array_equal(numpy.sort(ours[:kth]), in_order[:kth])
            which = numpy.asarray(np.argpartition(np.asarray(x), kth))
            numpy.testing.assert_array_equal(numpy.sort(which), numpy.arange(x.size))
            numpy.testing.assert_array_equal(x[which[kth]], in_order[kth])
            numpy.testing.assert_array_equal(numpy.sort(x[which[:kth]]), in_order[:kth])


@pytest.mark.parametrize("dtype", ["?", "i1", "i4", "f4", "f8"])
def test_any_and_all_stop_early_and_bools_are_counted(dtype):
    for n in (100, 5000, 300_000):
        for at in (None, 0, n // 2, n - 1):
            x, y = numpy.zeros(n, dtype), numpy.ones(n, dtype)
            if at is not None:
                x[at], y[at] = 1, 0
            for z in (x, y, x.reshape(10, -1), numpy.repeat(x, 2)[::2]):
                assert np.any(np.asarray(z)) == z.any()
                assert np.all(np.asarray(z)) == z.all()
                assert np.count_nonzero(np.asarray(z)) == numpy.count_nonzero(z)
                numpy.testing.assert_array_equal(np.any(np.asarray(z), axis=-1), z.any(axis=-1))


@pytest.mark.parametrize("dtype", ["i1", "f4", "f8", "c16"])
@pytest.mark.parametrize("shape", [(1000,), (1000, 3), (50, 4, 5)])
def test_many_indices_are_taken_and_checked(rng, dtype, shape):
    x = (rng.standard_normal(shape) * 9).astype(dtype)
    indices = rng.integers(-shape[0], shape[0], (40, 1000))
    for y in (x, x[::-1], numpy.asfortranarray(x)):
        ours = np.take(np.asarray(y), np.asarray(indices), axis=0)
        numpy.testing.assert_array_equal(ours, numpy.take(y, indices, axis=0))
    for outside in (shape[0], -shape[0] - 1, -(2**63), 2**63 - 1):
        indices[20, 5] = outside
        with pytest.raises(IndexError, match=f"index {outside} is out of bounds for axis 0"):
            np.take(np.asarray(x), np.asarray(indices), axis=0)


def test_sort_kinds_are_known_by_their_first_letter():
    x = np.array([3.0, 1.0, 2.0])
    for kind in ("quick", "quicksort", "Q", "heap", "merge", "stable", "s"):
        assert np.sort(x, kind=kind).tolist() == [1, 2, 3]
        assert np.argsort(x, kind=kind).tolist() == [1, 2, 0]
    with pytest.raises(ValueError, match="sort kind must be one of"):
        np.sort(x, kind="bubble")
