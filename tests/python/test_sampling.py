"""MXNet's layers that sample images, and those of order, against what their definitions say element by element."""

import itertools
import math

import numpy
import pytest

import minpy.numpy as np
import minpy.sym as S
from minpy import _minpy
from minpy.core import Function, grad

rng = numpy.random.default_rng(7)


def op(name):
    return _minpy._operator(name)


def close(found, expected, dtype="float64"):
    assert found.dtype == dtype
    # Sums of some ten products.
    numpy.testing.assert_allclose(numpy.asarray(found), expected, rtol=0, atol=30 * numpy.finfo(dtype).eps)


def bilinear(x, grid):
    batch, channels, high, wide = x.shape
    out = numpy.zeros((batch, channels, *grid.shape[2:]))
    for n, i, j in itertools.product(range(batch), *map(range, grid.shape[2:])):
        z, y = (grid[n, :, i, j] + 1) * ((wide - 1) / 2, (high - 1) / 2)
        for row, column in itertools.product(*((math.floor(a), math.floor(a) + 1) for a in (y, z))):
            if 0 <= row < high and 0 <= column < wide:
                out[n, :, i, j] += x[n, :, row, column] * (1 - abs(y - row)) * (1 - abs(z - column))
    return out


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_bilinear_sampler_takes_the_shares_of_four_neighbours(dtype):
    x = rng.standard_normal((2, 3, 4, 5)).astype(dtype)
    grid = rng.uniform(-1.4, 1.4, (2, 2, 3, 6)).astype(dtype)
    grid[0, :, 0, :2] = [[-1, 1], [1, -1]]  # corners
    close(op("mx.BilinearSampler")(np.array(x), np.array(grid)), bilinear(x, grid.astype(float)), dtype)
    nowhere = np.full((2, 2, 1, 1), numpy.nan)
    assert numpy.isfinite(
        grad(lambda x: np.sum(op("mx.BilinearSampler")(x, np.zeros((2, 2, 1, 1)))))(np.array(x))
    ).all()
    assert op("mx.BilinearSampler")(np.array(x), nowhere).shape == (2, 3, 1, 1)


def test_grids_of_affine_maps_and_flows():
    maps, (high, wide) = rng.standard_normal((2, 6)), (3, 4)
    y, x = numpy.meshgrid(numpy.linspace(-1, 1, high), numpy.linspace(-1, 1, wide), indexing="ij")
    places = numpy.stack([x, y, numpy.ones_like(x)])
    expected = numpy.einsum("nij,jhw->nihw", maps.reshape(2, 2, 3), places)
    close(op("mx.GridGenerator")(np.array(maps), "affine", (high, wide)), expected)
    flow = rng.standard_normal((2, 2, 3, 4))
    columns, rows = numpy.meshgrid(range(4), range(3))
    expected = numpy.stack([(flow[:, 0] + columns) / 1.5 - 1, (flow[:, 1] + rows) / 1.0 - 1], 1)
    close(op("mx.GridGenerator")(np.array(flow), "warp"), expected)
    with pytest.raises(ValueError, match="target_shape must be positive"):
        op("mx.GridGenerator")(np.array(maps), "affine")


def test_spatial_transformer_is_a_sampler_of_an_affine_grid():
    net = S.SpatialTransformer(S.Variable("x"), name="st", target_shape=(3, 2), transform_type="affine")
    assert net.list_arguments() == ["x", "st_loc"]
    assert net.infer_shape(x=(2, 3, 4, 5)) == ([(2, 3, 4, 5), (2, 6)], [(2, 3, 3, 2)], [])
    x, loc = rng.standard_normal((2, 3, 4, 5)), rng.standard_normal((2, 6)) * 0.5
    grid = numpy.asarray(op("mx.GridGenerator")(np.array(loc), "affine", (3, 2)))
    close(Function(net)(x=np.array(x), st_loc=np.array(loc)), bilinear(x, grid))
    turned = op("mx.SpatialTransformer")(np.array(x), np.array([[1.0, 0, 0, 0, 1, 0]] * 2))
    close(turned, x)


@pytest.mark.parametrize("scale", [2, 3])
def test_bilinear_upsampling_is_a_transposed_convolution(scale):
    net = S.UpSampling(S.Variable("x"), name="up", scale=scale, sample_type="bilinear", num_filter=2, num_args=2)
    kernel = 2 * scale - scale % 2
    assert net.list_arguments() == ["x", "up_weight"]
    assert net.infer_shape(x=(1, 2, 3, 4))[0][1] == (2, 1, kernel, kernel)
    x, w = rng.standard_normal((1, 2, 3, 4)), rng.standard_normal((2, 1, kernel, kernel))
    whole = numpy.zeros((1, 2, 3 * scale + kernel, 4 * scale + kernel))
    for i, j in itertools.product(range(3), range(4)):
        whole[:, :, i * scale : i * scale + kernel, j * scale : j * scale + kernel] += (
            x[:, :, i : i + 1, j : j + 1] * w[:, 0]
        )
    pad = scale // 2
    expected = whole[:, :, pad : pad + 3 * scale, pad : pad + 4 * scale]
    close(Function(net)(x=np.array(x), up_weight=np.array(w)), expected)


def regions(x, rois, pooled, scale):
    out = numpy.zeros((len(rois), x.shape[1], *pooled))
    for r, (image, *corners) in enumerate(rois):
        x1, y1, x2, y2 = (math.floor(c * scale + 0.5) for c in corners)
        for i, j in itertools.product(*map(range, pooled)):
            part = x[int(image)]
            for axis, first, last, bins, at in ((1, y1, y2, pooled[0], i), (2, x1, x2, pooled[1], j)):
                each = max(last - first + 1, 1) / bins
                low, high = math.floor(at * each) + first, math.ceil((at + 1) * each) + first
                part = part.take(range(max(low, 0), min(max(high, 0), x.shape[axis + 1])), axis)
            out[r, :, i, j] = part.max((1, 2)) if part.size else 0
    return out


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16"])
def test_roi_pooling_takes_the_largest_of_each_window(dtype):
    x = rng.standard_normal((2, 3, 8, 9)).astype(dtype)
    rois = numpy.array([[0, 2, 2, 10, 12], [1, 0, 4, 4, 15], [1, 10, 10, 8, 8], [0, 14, 20, 30, 30]], "float32")
    found = op("mx.ROIPooling")(np.array(x), np.array(rois), (3, 2), 0.5)
    close(found, regions(x, rois, (3, 2), 0.5), dtype)
    g = grad(lambda x: np.sum(op("mx.ROIPooling")(x, np.array(rois), (3, 2), 0.5) * np.array(found)))(np.array(x))
    assert abs((numpy.asarray(g).astype(float) * x).sum() - (numpy.asarray(found).astype(float) ** 2).sum()) < 0.1
    net = S.ROIPooling(S.Variable("x"), S.Variable("rois"), pooled_size=(3, 2), spatial_scale=0.5)
    assert net.infer_shape(x=(2, 3, 8, 9), rois=(4, 5))[1] == [(4, 3, 3, 2)]
    with pytest.raises(IndexError, match="image 2 of region 0"):
        op("mx.ROIPooling")(np.array(x), np.array([[2.0, 0, 0, 1, 1]]), (1, 1), 1.0)


@pytest.mark.parametrize(
    "attributes",
    [{}, {"kernel_size": 3, "pad_size": 2, "stride1": 2}, {"max_displacement": 2, "stride2": 2, "is_multiply": False}],
)
def test_correlation_is_the_mean_of_products(attributes):
    a, b = rng.standard_normal((2, 2, 3, 7, 8))
    found = numpy.asarray(op("mx.Correlation")(np.array(a), np.array(b), **attributes))
    kernel, pad = attributes.get("kernel_size", 1), attributes.get("pad_size", 0)
    stride, step, reach = (attributes.get(n, 1) for n in ("stride1", "stride2", "max_displacement"))
    a, b = (numpy.pad(x, [(0, 0), (0, 0), (pad, pad), (pad, pad)]) for x in (a, b))
    border, radius = reach + kernel // 2, reach // step
    high, wide = (-(-(n - 2 * border) // stride) for n in a.shape[2:])
    assert found.shape == (2, (2 * radius + 1) ** 2, high, wide)
    for place, (down, right) in enumerate(itertools.product(range(-radius, radius + 1), repeat=2)):
        for i, j in itertools.product(range(high), range(wide)):
            y, x = reach + i * stride, reach + j * stride
            here = a[:, :, y : y + kernel, x : x + kernel]
            y, x = y + down * step, x + right * step
            there = b[:, :, y : y + kernel, x : x + kernel]
            term = here * there if attributes.get("is_multiply", True) else abs(here - there)
            numpy.testing.assert_allclose(found[:, place, i, j], term.mean((1, 2, 3)), atol=1e-14)


def test_topk_and_its_kin():
    x = rng.permutation(24).reshape(2, 3, 4).astype("float32")
    order = numpy.argsort(-x, 1)[:, :2]
    best = numpy.take_along_axis(x, order, 1)
    a = np.array(x)
    assert op("mx.topk")(a, 1, 2, "value").tolist() == best.tolist()
    indices = op("mx.topk")(a, 1, 2)
    assert indices.dtype == "float32" and indices.tolist() == order.tolist()
    mask = numpy.zeros_like(x)
    numpy.put_along_axis(mask, order, 1, 1)
    assert op("mx.topk")(a, 1, 2, "mask").tolist() == mask.tolist()
    assert op("mx.topk")(a, None, 1, "value", True).tolist() == [0.0]
    assert op("mx.topk")(a, k=0, ret_typ="value").tolist() == (-numpy.sort(-x)).tolist()
    both = S.topk(S.Variable("x"), k=2, ret_typ="both", is_ascend=True)
    values, places = Function(both)(x=a)
    assert values.tolist() == numpy.sort(x)[..., :2].tolist() and places.tolist() == numpy.argsort(x)[..., :2].tolist()
    assert op("mx.sort")(a, 0, is_ascend=False).tolist() == (-numpy.sort(-x, 0)).tolist()
    assert op("mx.argsort")(a).tolist() == numpy.argsort(x).tolist()
    assert op("mx.argmax_channel")(a[:, :, 0]).tolist() == numpy.argmax(x[:, :, 0], 1).tolist()
    g = grad(lambda x: np.sum(op("mx.topk")(x, 1, 2, "value")))(a)
    assert g.tolist() == mask.tolist()
    with pytest.raises(ValueError, match="k is 5, the axis has 4 elements"):
        op("mx.topk")(a, k=5)
