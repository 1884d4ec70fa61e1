"""Layers of neural networks against SciPy and plain NumPy."""

import itertools

import numpy
import pytest

import minpy.numpy as np
from minpy import _minpy
from minpy.core import grad

signal = pytest.importorskip("scipy.signal")
special = pytest.importorskip("scipy.special")

rng = numpy.random.default_rng(3)
# Sums of some thirty products of numbers around one, in ulps of the dtype.
TOLERANCE = {"float64": 1e-13, "float32": 1e-5, "float16": 1e-2}


def op(name):
    return _minpy._operator(name)


def random(*shape):
    return rng.standard_normal(shape)


def direct_convolution(x, w, bias=None, stride=1, pad=0, dilate=1, groups=1):
    """SciPy's correlate, channel by channel; attributes are one number or one per axis."""
    axes = x.ndim - 2
    stride, pad, dilate = (numpy.broadcast_to(a, axes) for a in (stride, pad, dilate))
    x = numpy.pad(x, [(0, 0), (0, 0)] + [(p, p) for p in pad])
    wide = numpy.zeros(w.shape[:2] + tuple((k - 1) * d + 1 for k, d in zip(w.shape[2:], dilate, strict=True)))
    wide[(slice(None), slice(None), *(slice(None, None, d) for d in dilate))] = w
    steps = tuple(slice(None, None, s) for s in stride)
    per_group, channels = w.shape[0] // groups, w.shape[1]
    rows = []
    for sample in x:
        planes = []
        for f in range(w.shape[0]):
            first = f // per_group * channels
            total = sum(signal.correlate(sample[first + c], wide[f, c], "valid") for c in range(channels))
            planes.append(total[steps] + (0 if bias is None else bias[f]))
        rows.append(planes)
    return numpy.array(rows)


CONVOLUTIONS = [
    ((3, 4, 7, 8), (6, 4, 3, 3), {}),
    ((3, 4, 7, 8), (6, 4, 3, 2), {"stride": (2, 1)}),
    ((2, 4, 7, 8), (6, 4, 3, 3), {"pad": (1, 2)}),
    ((2, 4, 9, 8), (6, 4, 3, 3), {"dilate": 2, "pad": 2}),
    ((2, 4, 7, 8), (6, 2, 3, 3), {"groups": 2, "stride": 2, "pad": (1, 0)}),
    ((2, 4, 6, 6), (4, 1, 3, 3), {"groups": 4}),
    ((2, 3, 9), (4, 3, 4), {"stride": 2, "pad": 1}),
    ((2, 2, 4, 5, 6), (3, 2, 2, 3, 2), {"pad": 1, "stride": (1, 2, 1)}),
    ((70, 1, 4, 4), (2, 1, 3, 3), {}),  # more than one tile of the batch
]


@pytest.mark.parametrize("dtype", list(TOLERANCE))
@pytest.mark.parametrize("x, w, attributes", CONVOLUTIONS)
def test_convolution_is_scipys(x, w, attributes, dtype):
    x, w, bias = random(*x).astype(dtype), random(*w).astype(dtype), random(w[0]).astype(dtype)
    expected = direct_convolution(*(a.astype("float64") for a in (x, w, bias)), **attributes)
    found = op("convolution")(np.array(x), np.array(w), np.array(bias), **attributes)
    assert found.dtype == dtype and found.shape == expected.shape
    numpy.testing.assert_allclose(numpy.asarray(found), expected, atol=TOLERANCE[dtype] * 40, rtol=TOLERANCE[dtype])


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("x, w, attributes", CONVOLUTIONS)
def test_gradients_of_convolution_are_its_transposes(x, w, attributes, dtype):
    x, w, dx, dw = random(*x), random(*w), random(*x), random(*w)
    g = random(*direct_convolution(x, w, **attributes).shape)
    arrays = [np.array(a.astype(dtype)) for a in (x, w)]
    gx, gw = grad(lambda x, w: np.sum(op("convolution")(x, w, **attributes) * np.array(g.astype(dtype))), (0, 1))(
        *arrays
    )
    scale = TOLERANCE[dtype] * 1e3
    assert abs((numpy.asarray(gx) * dx).sum() - (direct_convolution(dx, w, **attributes) * g).sum()) < scale
    assert abs((numpy.asarray(gw) * dw).sum() - (direct_convolution(x, dw, **attributes) * g).sum()) < scale


# Cut into parts of the filters or channels too.
@pytest.mark.parametrize("x, w", [((1, 64, 40, 40), (64, 64, 3, 3)), ((2, 64, 24, 30), (128, 64, 5, 3))])
def test_convolution_of_few_samples_is_that_of_doubles(x, w):
    x, w, bias = random(*x).astype("float32"), random(*w).astype("float32"), random(w[0]).astype("float32")
    results = []
    for dtype in ("float64", "float32"):
        arrays = [np.array(a.astype(dtype)) for a in (x, w, bias)]
        y = op("convolution")(*arrays, pad=1)
        results.append((y, *grad(lambda *a: np.sum(op("convolution")(*a, pad=1) ** 2), (0, 1, 2))(*arrays)))
    for expected, found in zip(*results, strict=True):
        expected = numpy.asarray(expected)
        # Hundreds of products, thousands for the weights, whose sum may cancel.
        assert abs(numpy.asarray(found) - expected).max() < 2e-5 * abs(expected).max()


def test_convolution_of_views_and_of_nothing():
    x, w = random(2, 7, 8, 3), random(3, 3, 4, 2)
    found = op("convolution")(np.array(x).transpose(0, 3, 1, 2)[..., ::-1], np.array(w).transpose(3, 2, 0, 1)[:, 1:])
    expected = direct_convolution(x.transpose(0, 3, 1, 2)[..., ::-1], w.transpose(3, 2, 0, 1)[:, 1:])
    numpy.testing.assert_allclose(numpy.asarray(found), expected, atol=1e-12)
    assert op("convolution")(np.zeros((0, 3, 5, 5)), np.ones((2, 3, 3, 3))).shape == (0, 2, 3, 3)
    assert op("convolution")(np.zeros((1, 0, 5, 5)), np.ones((2, 0, 3, 3)), np.ones(2)).tolist() == [
        [[[1.0] * 3] * 3] * 2
    ]


@pytest.mark.parametrize(
    "x, w, attributes, error",
    [
        ((1, 2, 5, 5), (1, 3, 3, 3), {}, "second size must be 2"),
        ((1, 2, 2, 5), (1, 2, 3, 3), {}, "does not fit an axis of 2"),
        ((2, 5), (1, 2), {}, "3 to 5 axes"),
        ((1, 2, 5, 5), (1, 2, 3), {}, "as many axes"),
        ((1, 2, 5, 5), (1, 2, 3, 3), {"stride": 0}, "stride must be at least 1"),
        ((1, 2, 5, 5), (1, 2, 3, 3), {"pad": (1, 2, 3)}, "one number for each of the 2"),
        ((1, 2, 5, 5), (1, 2, 3, 3), {"groups": 3}, "do not divide"),
        ((1, 2, 5, 5), (1, 2, 3, 3), {"dilate": 2**40}, "dilate must be"),
    ],
)
def test_convolution_says_what_does_not_fit(x, w, attributes, error):
    with pytest.raises(ValueError, match=error):
        op("convolution")(np.zeros(x), np.zeros(w), **attributes)


@pytest.mark.parametrize("dtype", ["int64", "bool", "complex128"])
def test_convolution_is_for_floats(dtype):
    with pytest.raises(TypeError, match="floating-point"):
        op("convolution")(np.zeros((1, 1, 3, 3), dtype), np.zeros((1, 1, 2, 2), dtype))


def direct_pooling(x, kernel, kind, stride, pad, full):
    out = []
    for size, k, s, p in zip(x.shape[2:], kernel, stride, pad, strict=True):
        room = size + 2 * p - k
        n = (-(-room // s) if full else room // s) + 1
        out.append(n - ((n - 1) * s >= size + p))
    y = numpy.empty(x.shape[:2] + tuple(out))
    for at in itertools.product(*map(range, out)):
        low = [i * s - p for i, s, p in zip(at, stride, pad, strict=True)]
        high = [min(a + k, n + p) for a, k, n, p in zip(low, kernel, x.shape[2:], pad, strict=True)]
        area = numpy.prod([b - a for a, b in zip(low, high, strict=True)])
        window = x[(..., *(slice(max(a, 0), b) for a, b in zip(low, high, strict=True)))]
        axes = tuple(range(2, x.ndim))
        y[(..., *at)] = window.max(axes) if kind == "max" else window.sum(axes) / (area if kind == "avg" else 1)
    return y


@pytest.mark.parametrize("kind", ["max", "avg", "sum"])
@pytest.mark.parametrize("convention", ["valid", "full"])
@pytest.mark.parametrize(
    "shape, kernel, stride, pad",
    [
        ((2, 3, 7, 6), (2, 2), (2, 2), (0, 0)),
        ((2, 3, 8, 5), (3, 2), (2, 3), (1, 1)),
        ((2, 3, 9), (3,), (2,), (1,)),
        ((1, 2, 4, 5, 6), (2, 3, 2), (2, 1, 2), (0, 1, 0)),
    ],
)
def test_pooling_is_mxnets(shape, kernel, stride, pad, kind, convention):
    x = random(*shape)
    expected = direct_pooling(x, kernel, kind, stride, pad, convention == "full")
    found = op("pooling")(np.array(x), kernel, kind, stride, pad, pooling_convention=convention)
    numpy.testing.assert_allclose(numpy.asarray(found), expected, rtol=1e-12, atol=1e-12)
    globally = op("pooling")(np.array(x), pool_type=kind, global_pool=True)
    ones, zeros = [1] * (x.ndim - 2), [0] * (x.ndim - 2)
    whole = direct_pooling(x, shape[2:], kind, ones, zeros, False)
    numpy.testing.assert_allclose(numpy.asarray(globally), whole, rtol=1e-12, atol=1e-12)


# Windows side by side: planes of many rows together, of one row alone, and with columns and rows left over.
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("side", [2, 3])
@pytest.mark.parametrize("height, width", [(70, 48), (7, 65), (6, 1026), (5, 1022), (9, 3)])
def test_windows_side_by_side(height, width, side, dtype):
    x = numpy.round(random(2, 3, height, width) * 3).astype(dtype)  # with ties
    x[0, 0, 1, 1] = numpy.nan
    high, wide = height // side, width // side
    windows = x[:, :, : high * side, : wide * side].reshape(2, 3, high, side, wide, side)
    expected = windows.max((3, 5))
    found = op("pooling")(np.array(x), side, "max", side)
    numpy.testing.assert_array_equal(numpy.asarray(found), expected)
    g = random(*expected.shape).astype(dtype)
    best = windows == expected[:, :, :, None, :, None]
    with numpy.errstate(divide="ignore"):
        share = g[:, :, :, None, :, None] * (1 / best.sum((3, 5), keepdims=True).astype(dtype))
    gradient = numpy.zeros_like(x)
    gradient[:, :, : high * side, : wide * side] = numpy.where(best, share, 0).reshape(2, 3, high * side, wide * side)
    found = grad(lambda x: np.sum(op("pooling")(x, side, "max", side) * np.array(g)))(np.array(x))
    numpy.testing.assert_array_equal(numpy.asarray(found), gradient)


def test_pooling_shares_ties_and_carries_nan():
    g = grad(lambda x: np.sum(op("pooling")(x, 2)))(np.zeros((1, 1, 2, 2)))
    assert g.tolist() == [[[[0.25, 0.25], [0.25, 0.25]]]]
    assert np.isnan(op("pooling")(np.array([[[1.0, numpy.nan, 3.0]]]), 3)).tolist() == [[[True]]]


def test_batch_norm_normalises_and_keeps_moving_statistics():
    x, gamma, beta = random(6, 3, 4, 2) * 3 + 1, random(3), random(3)
    mean, var = x.mean((0, 2, 3)), x.var((0, 2, 3))
    column = (slice(None), None, None)
    expected = (x - mean[column]) / numpy.sqrt(var[column] + 1e-5) * gamma[column] + beta[column]
    moving_mean, moving_var = np.zeros(3), np.ones(3)
    arguments = [np.array(a) for a in (x, gamma, beta)] + [moving_mean, moving_var]
    found = op("batch_norm")(*arguments, training=True)
    numpy.testing.assert_allclose(numpy.asarray(found), expected, rtol=1e-10, atol=1e-12)
    numpy.testing.assert_allclose(numpy.asarray(moving_mean), 0.1 * mean, rtol=1e-12)
    numpy.testing.assert_allclose(numpy.asarray(moving_var), 0.9 + 0.1 * var, rtol=1e-12)
    inferred = op("batch_norm")(*arguments, training=False)
    m, v = 0.1 * mean, 0.9 + 0.1 * var
    expected = (x - m[column]) / numpy.sqrt(v[column] + 1e-5) * gamma[column] + beta[column]
    numpy.testing.assert_allclose(numpy.asarray(inferred), expected, rtol=1e-10, atol=1e-12)
    single = op("batch_norm")(*(np.array(a.astype("float32")) for a in (x + 1000, gamma, beta)))
    numpy.testing.assert_allclose(numpy.asarray(single).mean((0, 2, 3)), beta, atol=1e-3)


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_softmax_is_scipys(axis):
    x = random(3, 4, 5) * 10
    x[0, 0] = 1e4  # no overflow
    a = np.array(x)
    numpy.testing.assert_allclose(
        numpy.asarray(op("softmax")(a, axis)), special.softmax(x, axis), rtol=1e-12, atol=1e-300
    )
    numpy.testing.assert_allclose(numpy.asarray(op("log_softmax")(a, axis)), special.log_softmax(x, axis), rtol=1e-12)
    assert op("softmax")(np.array([1, 2])).dtype == "float64"
    with pytest.raises(numpy.exceptions.AxisError):
        op("softmax")(a, 3)


# Rows shorter and longer than vectors and than pieces; lines of every kind of width.
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(
    "shape, axis",
    [((50, n), 1) for n in (1, 7, 31, 33, 200, 1029)]
    + [((2, n, w), 1) for n, w in ((3, 1), (300, 7), (5, 1030))]
    + [((0, 3), 1), ((3, 0), 0)],
)
def test_softmax_of_long_and_short_rows(shape, axis, dtype):
    x = (random(*shape) * 30).astype(dtype)
    # What the difference to the largest element, up to 250, has lost by rounding.
    rounded, least = 250 * numpy.finfo(dtype).eps, numpy.finfo(dtype).smallest_subnormal
    found = numpy.asarray(op("softmax")(np.array(x), axis))
    numpy.testing.assert_allclose(found, special.softmax(x.astype(float), axis), rtol=rounded, atol=least)
    found = numpy.asarray(op("log_softmax")(np.array(x), axis))
    numpy.testing.assert_allclose(found, special.log_softmax(x.astype(float), axis), rtol=0, atol=rounded)


@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("shape, axis", [((40, 7), 1), ((3, 2100), 1), ((2, 30, 5), 1), ((3, 4, 1100), 1), ((0, 3), 1)])
def test_gradient_of_softmax_is_that_of_its_formula(name, shape, axis, dtype):
    x, g = random(*shape).astype(dtype), random(*shape).astype(dtype)

    def formula(x):
        e = np.exp(x - np.max(x, axis=axis, keepdims=True))
        p = e / np.sum(e, axis=axis, keepdims=True)
        return p if name == "softmax" else np.log(p)

    expected = grad(lambda x: np.sum(formula(x) * np.array(g)))(np.array(x.astype(float))) if x.size else x
    found = grad(lambda x: np.sum(op(name)(x, axis) * np.array(g)))(np.array(x))
    close(found, numpy.asarray(expected), dtype)
    if x.size:
        x[0] = numpy.nan
        found = numpy.asarray(grad(lambda x: np.sum(op(name)(x, axis) * np.array(g)))(np.array(x)))
        assert numpy.isnan(found[0]).all() and not numpy.isnan(found[1:]).any()


@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("n", [5, 100])
def test_softmax_of_what_is_no_number(name, dtype, n):
    x = random(4, n).astype(dtype)
    x[0, 3], x[1, 2], x[2, 4], x[3] = numpy.nan, numpy.inf, -numpy.inf, -numpy.inf
    reference = special.softmax if name == "softmax" else special.log_softmax
    with numpy.errstate(all="ignore"):
        expected = reference(x.astype(float), 1)
    expected[1] = numpy.nan  # inf - inf
    for a, axis in ((np.array(x), 1), (np.array(x.T), 0)):
        found = numpy.asarray(op(name)(a, axis))
        found = found if axis else found.T
        assert (numpy.isnan(found) == numpy.isnan(expected)).all()
        assert found[2, 4] == expected[2, 4]


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_softmax_has_its_bits_at_every_position(dtype):
    row = (random(37) * 10).astype(dtype)
    alone = numpy.asarray(op("softmax")(np.array(row)))
    for first in range(3):
        many = numpy.asarray(op("softmax")(np.array(numpy.tile(row, (700, 1)))[first:]))
        assert (many == alone).all()


def test_softmax_cross_entropy_of_labels_and_of_probabilities():
    x, labels = random(4, 3), numpy.array([0, 2, 1, 1])
    expected = -special.log_softmax(x, 1)[range(4), labels].sum()
    assert abs(op("softmax_cross_entropy")(np.array(x), np.array(labels)) - expected) < 1e-12
    assert abs(op("softmax_cross_entropy")(np.array(x), np.eye(3)[np.array(labels)]) - expected) < 1e-12


def test_embedding_gathers_and_scatters():
    w = random(5, 3)
    assert op("embedding")(np.array([[4, 0], [-1, 1]]), np.array(w)).tolist() == w[[[4, 0], [-1, 1]]].tolist()
    g = grad(lambda w: np.sum(op("embedding")(np.array([1.0, 1.0, 3.0]), w)))(np.array(w))
    assert g.tolist() == [[0.0] * 3, [2.0] * 3, [0.0] * 3, [1.0] * 3, [0.0] * 3]
    with pytest.raises(IndexError, match="index 5 is out of bounds for axis 0 with size 5"):
        op("embedding")(np.array([5]), np.array(w))
    assert op("one_hot")(np.array([2, 0, 7]), 3).tolist() == [[0, 0, 1], [1, 0, 0], [0, 0, 0]]


def test_dropout_keeps_the_mean_and_is_identity_in_inference():
    x = np.ones((200, 200))
    y = numpy.asarray(op("dropout")(x, 0.25, training=True))
    assert set(numpy.unique(y)) == {0.0, 1 / numpy.float32(0.75)}
    assert abs((y == 0).mean() - 0.25) < 0.02
    assert op("dropout")(x, 0.25, training=False).tolist() == x.tolist()
    kept = []

    def f(x):
        kept.append(op("dropout")(x, 0.5, training=True))
        return np.sum(kept[0])

    g = grad(f)(np.ones((4, 4)))
    assert g.tolist() == kept[0].tolist()  # the same mask on the way back
    with pytest.raises(ValueError, match=r"p must be in \[0, 1\)"):
        op("dropout")(x, 1.0)


def test_local_response_norm_is_its_formula():
    x = random(2, 7, 3, 2)
    squares = numpy.pad(x**2, [(0, 0), (2, 2), (0, 0), (0, 0)])
    near = sum(squares[:, i : i + 7] for i in range(5))
    y = op("local_response_norm")(np.array(x), 5, 0.3, 0.6, 1.5)
    numpy.testing.assert_allclose(numpy.asarray(y), x / (1.5 + 0.3 / 5 * near) ** 0.6, rtol=1e-13)
    with pytest.raises(ValueError, match="size must be odd and positive, got 4"):
        op("local_response_norm")(np.array(x), 4)


def close(found, expected, dtype):
    assert found.dtype == dtype
    numpy.testing.assert_allclose(numpy.asarray(found), expected, atol=TOLERANCE[dtype] * 40, rtol=TOLERANCE[dtype])


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_instance_and_layer_norm_are_their_formulas(dtype):
    x = random(3, 4, 5, 6).astype(dtype)
    gamma, beta = random(4).astype(dtype), random(4).astype(dtype)
    centred = x - x.mean((2, 3), keepdims=True)
    expected = centred / numpy.sqrt(x.var((2, 3), keepdims=True) + 0.01) * gamma[:, None, None] + beta[:, None, None]
    close(op("instance_norm")(np.array(x), np.array(gamma), np.array(beta), 0.01), expected, dtype)
    for axis, n in ((1, 4), (-1, 6)):
        gamma, beta = random(n).astype(dtype), random(n).astype(dtype)
        shape = [1] * 4
        shape[axis] = n
        expected = (x - x.mean(axis, keepdims=True)) / numpy.sqrt(x.var(axis, keepdims=True) + 1e-5)
        expected = expected * gamma.reshape(shape) + beta.reshape(shape)
        close(op("layer_norm")(np.array(x), np.array(gamma), np.array(beta), axis), expected, dtype)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("rows, n", [(1, 5), (300, 40), (33, 1100), (0, 3)])
def test_derivatives_of_layer_norm_are_those_of_its_formula(rows, n, dtype):
    x, g = random(rows, n).astype(dtype) + 3, random(rows, n).astype(dtype)
    gamma, beta = random(n).astype(dtype), random(n).astype(dtype)

    def formula(x, gamma, beta):
        centred = x - np.mean(x, axis=1, keepdims=True)
        return centred / np.sqrt(np.mean(centred * centred, axis=1, keepdims=True) + 1e-5) * gamma + beta

    def loss(f):
        return lambda *a: np.sum(f(*a) * np.array(g))

    wide = [np.array(a.astype(float)) for a in (x, gamma, beta)]
    expected = grad(loss(formula), argnum=[0, 1, 2])(*wide)
    found = grad(loss(op("layer_norm")), argnum=[0, 1, 2])(np.array(x), np.array(gamma), np.array(beta))
    for a, b in zip(found, expected, strict=True):
        close(a, numpy.asarray(b), dtype)


GATES = {"rnn_tanh": 1, "rnn_relu": 1, "lstm": 4, "gru": 3}


def sigmoid(x):
    return 1 / (1 + numpy.exp(-x))


def recurrent_step(mode, a, b, h, c):
    """One step of a cell: `a` is what the inputs give to the gates, `b` what the state does."""
    if mode == "rnn_tanh":
        return numpy.tanh(a + b), c
    if mode == "rnn_relu":
        return numpy.maximum(a + b, 0), c
    if mode == "lstm":
        i, f, g, o = numpy.split(a + b, 4, axis=1)
        c = sigmoid(f) * c + sigmoid(i) * numpy.tanh(g)
        return sigmoid(o) * numpy.tanh(c), c
    (ra, za, na), (rb, zb, nb) = numpy.split(a, 3, axis=1), numpy.split(b, 3, axis=1)
    z, n = sigmoid(za + zb), numpy.tanh(na + sigmoid(ra + rb) * nb)
    return (1 - z) * n + z * h, c


def recurrent_layers(x, parameters, h, c, mode, hidden, layers, directions):
    rows, at, last = GATES[mode] * hidden, 0, ([], [])
    biases = len(parameters) - 2 * layers * directions * rows
    for _layer in range(layers):
        sides = []
        for side in range(directions):
            wx = parameters[at : at + rows * x.shape[2]].reshape(rows, -1)
            at += wx.size
            wh = parameters[at : at + rows * hidden].reshape(rows, hidden)
            at += wh.size
            bx, bh = parameters[biases : biases + rows], parameters[biases + rows : biases + 2 * rows]
            biases += 2 * rows
            state, cell = h[len(last[0])], c[len(last[0])]
            y = numpy.empty((*x.shape[:2], hidden))
            for t in reversed(range(len(x))) if side else range(len(x)):
                state, cell = recurrent_step(mode, x[t] @ wx.T + bx, state @ wh.T + bh, state, cell)
                y[t] = state
            last[0].append(state)
            last[1].append(cell)
            sides.append(y)
        x = numpy.concatenate(sides, 2)
    return x, numpy.array(last[0]), numpy.array(last[1])


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("mode", GATES)
@pytest.mark.parametrize("layers, directions, batch, inputs, hidden", [(1, 1, 3, 4, 5), (2, 2, 37, 3, 20)])
def test_recurrent_layers_are_their_cells_step_by_step(mode, layers, directions, batch, inputs, hidden, dtype):
    rows = GATES[mode] * hidden
    size = sum(directions * rows * ((hidden * directions if layer else inputs) + hidden + 2) for layer in range(layers))
    x, p = random(6, batch, inputs).astype(dtype), (random(size) * 0.4).astype(dtype)
    h, c = (random(layers * directions, batch, hidden).astype(dtype) for _ in range(2))
    attributes = {"state_size": hidden, "num_layers": layers, "bidirectional": directions == 2, "mode": mode}
    states = [h, c] if mode == "lstm" else [h]
    found = op("rnn")(np.array(x), np.array(p), *map(np.array, states), state_outputs=True, **attributes)
    expected = recurrent_layers(x, p, h, c, mode, hidden, layers, directions)
    assert len(found) == (3 if mode == "lstm" else 2)
    for a, b in zip(found, expected, strict=False):
        close(a, b, dtype)


def test_recurrent_layers_name_what_does_not_fit():
    x, p, h = np.zeros((3, 2, 2)), np.zeros(21), np.zeros((1, 2, 3))
    attributes = {"state_size": 3, "mode": "rnn_tanh"}
    with pytest.raises(ValueError, match=r"parameters must have shape \(21,\), got \(20,\)"):
        op("rnn")(x, np.zeros(20), h, **attributes)
    with pytest.raises(ValueError, match=r"state must have shape \(1,2,3\)"):
        op("rnn")(x, p, np.zeros((2, 2, 3)), **attributes)
    with pytest.raises(ValueError, match="state_cell must have shape"):
        op("rnn")(x, np.zeros(84), h, state_size=3)
    with pytest.raises(ValueError, match="mode must be"):
        op("rnn")(x, p, h, state_size=3, mode="lstn")
    assert op("rnn")(np.zeros((0, 2, 2)), p, h, **attributes).shape == (0, 2, 3)
