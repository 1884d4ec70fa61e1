// MXNet's layers that sample images, under their names: composites over core operators, so that every order of derivatives
// follows. A grid holds x and y between -1 and 1: from the middle of the first element to that of the last one.
#include <cmath>

#include "core/cpu/pool.h"
#include "core/ops/mx.h"
#include "core/registry/registry.h"

namespace minpy {
namespace {

void check_images(const Array& x, const char* what) {
    if (x.ndim() != 4)
        throw shape_error(what, " must have shape (batch, channels, height, width), got ", to_string(x.shape()))
            .in_argument(what);
    if (x.dim(2) == 0 || x.dim(3) == 0)
        throw shape_error(what, " of shape ", to_string(x.shape()), " has no elements").in_argument(what);
}

Dims two(Call& c, const char* name, const Dims& otherwise) {
    Dims d = c.ints(c.op.param(name));
    if (d.size() != 2) throw value_error(name, " needs two numbers, got ", d).in_argument(name);
    if (d[0] == 0 && d[1] == 0 && !otherwise.empty()) return otherwise;
    if (d[0] < 1 || d[1] < 1) throw value_error(name, " must be positive, got ", d).in_argument(name);
    return d;
}

// first, first + step, … of n numbers along one of `ndim` axes.
Array numbers(int64_t n, double first, double step, int64_t axis, int64_t ndim, const Array& like) {
    Dims shape(ndim, 1);
    shape[axis] = n;
    Array a = ops::astype(call(MINPY_OP("arange"), n), like.dtype()) * step + first;
    return ops::to_device(ops::reshape(ops::astype(a, like.dtype()), view(shape)), like.device());
}

// ---- sampling at a grid ----

// The four neighbours of each place, each times its share; zero outside of the image.
Array sampled(const Array& x, const Array& grid) {
    check_images(x, "data");
    if (grid.ndim() != 4 || grid.dim(0) != x.dim(0) || grid.dim(1) != 2)
        throw shape_error("the grid must have shape (", x.dim(0), ", 2, height, width), got ", to_string(grid.shape()))
            .in_argument("grid");
    int64_t size[2] = {x.dim(2), x.dim(3)};
    Array low[2], share[2][2];  // along the height, along the width
    for (int i = 0; i < 2; ++i) {
        Array at = (ops::slice(grid, 1, 1 - i, 2 - i) + 1.0) * (double(size[i] - 1) / 2);
        low[i] = call(MINPY_OP("floor"), at);
        share[i][1] = at - low[i], share[i][0] = 1.0 - share[i][1];
    }
    Dims planes{x.dim(0), x.dim(1), 1, 1}, flat{x.size()};
    Array first = ops::reshape(call(MINPY_OP("arange"), int64_t(0), x.size(), size[0] * size[1]), view(planes));
    first = ops::to_device(first, x.device());
    Array elements = ops::reshape(x, view(flat)), sum;
    const Op& both = MINPY_OP("logical_and");
    for (int corner = 0; corner < 4; ++corner) {
        int side[2] = {corner / 2, corner % 2};
        Array place[2], inside;
        for (int i = 0; i < 2; ++i) {
            place[i] = low[i] + double(side[i]);
            Array here = call(both, ops::greater_equal(place[i], 0), ops::less(place[i], double(size[i])));
            inside = i ? call(both, inside, here) : here;
        }
        for (Array& p : place) p = ops::astype(ops::where(inside, p, 0), DType::int64);
        Array position = first + (call(MINPY_OP("multiply"), place[0], size[1]) + place[1]);
        Array weight = ops::where(inside, share[0][side[0]] * share[1][side[1]], 0);
        Array term = ops::gather(elements, position, 0) * weight;
        sum = sum ? sum + term : term;
    }
    return sum;
}

// Grids from what moves them: (batch, 6) numbers of an affine map, or (batch, 2, height, width) elements to go.
Array affine_grid(const Array& map, const Dims& size) {
    if (map.ndim() != 2 || map.dim(1) != 6)
        throw shape_error("an affine map must have shape (batch, 6), got ", to_string(map.shape()));
    int64_t high = size[0], wide = size[1];
    // As (batch, 2, 1, 1): the numbers by x, by y and alone.
    Dims matrices{map.dim(0), 2, 3, 1}, column{map.dim(0), 2, 1, 1};
    Array m = ops::reshape(map, view(matrices)), part[3];
    for (int i = 0; i < 3; ++i) part[i] = ops::reshape(ops::slice(m, 2, i, i + 1), view(column));
    auto steps = [&](int64_t n, int64_t axis) {
        return numbers(n, n > 1 ? -1.0 : 0.0, n > 1 ? 2.0 / double(n - 1) : 0.0, axis, 4, map);
    };
    return part[0] * steps(wide, 3) + part[1] * steps(high, 2) + part[2];
}

Array warped_grid(const Array& flow) {
    check_images(flow, "data");
    if (flow.dim(1) != 2)
        throw shape_error("a flow must have shape (batch, 2, height, width), got ", to_string(flow.shape()));
    std::vector<Array> parts;
    for (int64_t i = 0; i < 2; ++i) {
        int64_t axis = 3 - i, n = flow.dim(axis);
        Array place = ops::slice(flow, 1, i, i + 1) + numbers(n, 0, 1, axis, 4, flow);
        parts.push_back(place / (double(std::max<int64_t>(n - 1, 1)) / 2) - 1.0);
    }
    return ops::concatenate(parts, 1);
}

void grid_generator(Call& c) {
    std::string_view type = c.text(c.op.param("transform_type"));
    if (type == "affine") c.out.push_back(affine_grid(c.in[0], two(c, "target_shape", {})));
    else if (type == "warp") c.out.push_back(warped_grid(c.in[0]));
    else throw value_error("transform_type must be 'affine' or 'warp', got '", type, "'").in_argument("transform_type");
}

void spatial_transformer(Call& c) {
    const Array& x = c.in[0];
    check_images(x, "data");
    if (c.text(c.op.param("transform_type")) != "affine" || c.text(c.op.param("sampler_type")) != "bilinear")
        throw value_error("transform_type must be 'affine' and sampler_type 'bilinear'").in_argument("transform_type");
    Dims same{x.dim(2), x.dim(3)};
    c.out.push_back(sampled(x, affine_grid(c.in[1], two(c, "target_shape", same))));
}

const SymbolTraits kSpatialTransformer{nullptr, 0, nullptr, [](NodeShapes& n) {
                                           if (!n.known(0)) return;
                                           Dims out = n.shape(0), target = ints_from(n.arg("target_shape"));
                                           if (out.size() != 4)
                                               throw shape_error(
                                                   "the data must be (batch, channels, height, width), got ", out);
                                           n.set_in(1, {out[0], 6});
                                           if (target.size() == 2 && (target[0] || target[1]))
                                               out[2] = target[0], out[3] = target[1];
                                           n.set_out(0, out);
                                       }};

// ---- regions of interest ----

// Of each window of each region the place of its first largest element in the data; -1 where the window is empty.
template <class T> void find_largest(const Array& x, const Array& rois, const Dims& pooled, double scale, int64_t* to) {
    int64_t channels = x.dim(1), high = x.dim(2), wide = x.dim(3), bins = pooled[0] * pooled[1];
    parallel_for(rois.dim(0), [&](int64_t r) {
        const double* roi = rois.raw_as<double>() + 5 * r;
        // As MXNet: corners rounded, both inside; at least one element.
        double from[2] = {std::round(roi[2] * scale), std::round(roi[1] * scale)};
        double to_last[2] = {std::round(roi[4] * scale), std::round(roi[3] * scale)};
        auto part = [&](int axis, int64_t bin, bool end) {
            double each = std::max(to_last[axis] - from[axis] + 1, 1.0) / double(pooled[axis]);
            double at = (end ? std::ceil(double(bin + 1) * each) : std::floor(double(bin) * each)) + from[axis];
            double size = double(axis ? wide : high);
            return int64_t(at > 0 ? std::min(at, size) : 0);  // NaN is 0
        };
        for (int64_t channel = 0; channel < channels; ++channel) {
            int64_t plane = (int64_t(roi[0]) * channels + channel) * high * wide;
            const T* data = x.raw_as<T>() + plane;
            int64_t* places = to + (r * channels + channel) * bins;
            for (int64_t bin = 0; bin < bins; ++bin) {
                int64_t i = bin / pooled[1], j = bin % pooled[1], best = -1;
                for (int64_t y = part(0, i, false); y < part(0, i, true); ++y)
                    for (int64_t z = part(1, j, false); z < part(1, j, true); ++z) {
                        int64_t at = y * wide + z;
                        if (best < 0 || data[at] > data[best] || (data[at] != data[at] && data[best] == data[best]))
                            best = at;
                    }
                places[bin] = best < 0 ? -1 : plane + best;
            }
        }
    });
}

void infer_roi_places(Call& c) {
    check_images(c.in[0], "data");
    if (c.in[1].ndim() != 2 || c.in[1].dim(1) != 5)
        throw shape_error("rois must have shape (regions, 5), got ", to_string(c.in[1].shape())).in_argument("rois");
    Dims pooled = two(c, "pooled_size", {}), shape{c.in[1].dim(0), c.in[0].dim(1), pooled[0], pooled[1]};
    if (!in(c.in[0].dtype(), kFloating))
        throw type_error("the data must be floating, got ", name(c.in[0].dtype())).in_argument("data");
    c.cast(0, in(c.in[0].dtype(), kShortFloat) ? DType::float32 : c.in[0].dtype());
    c.cast(1, DType::float64);
    c.output(view(shape), DType::int64);
}

void roi_places(Call& c) {
    Array x = contiguous(c.in[0]), rois = contiguous(c.in[1]);
    for (int64_t r = 0; r < rois.dim(0); ++r) {
        double image = rois.raw_as<double>()[5 * r];
        if (!(image > -1 && image < double(x.dim(0))))
            throw index_error("image ", image, " of region ", r, " is out of bounds for a batch of ", x.dim(0));
    }
    Dims pooled{c.out[0].dim(2), c.out[0].dim(3)};
    for_dtype<kFloat>(x.dtype(), [&]<class T> {
        find_largest<T>(x, rois, pooled, c.number(c.op.param("spatial_scale")), c.out[0].raw_as<int64_t>());
    });
}

void roi_pooling(Call& c) {
    Dims flat{c.in[0].size()};
    Array places = call(MINPY_OP("_roi_places"), c.in[0], c.in[1], c.args[2], c.args[3]);
    Array there = ops::greater_equal(places, 0);
    c.out.push_back(ops::where(there, ops::gather(ops::reshape(c.in[0], view(flat)), ops::maximum(places, 0), 0), 0));
}

const SymbolTraits kRoiPooling{nullptr, 0, nullptr, [](NodeShapes& n) {
                                   Dims pooled = ints_from(n.arg("pooled_size"));
                                   if (!n.known(0) || !n.known(1) || pooled.size() != 2) return;
                                   if (n.shape(0).size() != 4 || n.shape(1).empty())
                                       throw shape_error("regions of shape ", n.shape(1), " do not fit data of shape ",
                                                         n.shape(0));
                                   n.set_out(0, {n.shape(1)[0], n.shape(0)[1], pooled[0], pooled[1]});
                               }};

// ---- correlation ----

// Mean over channels and a window of the products of one image with the other one moved, for every displacement.
void correlation(Call& c) {
    auto number = [&](const char* what, int64_t least) {
        int64_t n = c.integer(c.op.param(what));
        if (n < least || n > INT32_MAX)
            throw value_error(what, " must be at least ", least, ", got ", n).in_argument(what);
        return n;
    };
    check_images(c.in[0], "data1");
    if (!same(c.in[0].shape(), c.in[1].shape()))
        throw shape_error("images of shapes ", to_string(c.in[0].shape()), " and ", to_string(c.in[1].shape()),
                          " do not fit together");
    int64_t kernel = number("kernel_size", 1), reach = number("max_displacement", 0), stride = number("stride1", 1),
            step = number("stride2", 1), pad = number("pad_size", 0), radius = reach / step;
    if (kernel % 2 == 0) throw value_error("kernel_size must be odd, got ", kernel).in_argument("kernel_size");
    Array images[2];
    Dims pairs{4, 2};
    Array widths = empty(view(pairs), DType::int64);
    for (int64_t i = 0; i < 8; ++i) widths.raw_as<int64_t>()[i] = i < 4 ? 0 : pad;
    int64_t span[2];  // rows and columns that windows of the first image lie in
    for (int i = 0; i < 2; ++i) {
        images[i] = pad ? call(MINPY_OP("pad"), c.in[i], widths, "constant", 0.0) : c.in[i];
        int64_t room = c.in[0].dim(2 + i) + 2 * pad - 2 * (reach + kernel / 2);
        if (room < 1)
            throw shape_error("images of shape ", to_string(c.in[0].shape()), " are too small for displacements of ",
                              reach);
        span[i] = (room - 1) / stride * stride + kernel;
    }
    auto window = [&](const Array& a, int64_t down, int64_t right) {
        return ops::slice(ops::slice(a, 2, reach + down, reach + down + span[0]), 3, reach + right,
                          reach + right + span[1]);
    };
    Array here = window(images[0], 0, 0);
    Dims channels{1}, size{kernel, kernel}, strides{stride, stride};
    double n = double(kernel * kernel * std::max<int64_t>(c.in[0].dim(1), 1));
    std::vector<Array> parts;
    for (int64_t i = -radius; i <= radius; ++i)
        for (int64_t j = -radius; j <= radius; ++j) {
            Array there = window(images[1], i * step, j * step);
            Array term = c.flag(c.op.param("is_multiply")) ? here * there : ops::absolute(here - there);
            Array sum = ops::sum(term, view(channels), true);
            if (kernel > 1 || stride > 1) sum = call(MINPY_OP("pooling"), sum, size, "sum", strides);
            parts.push_back(sum / n);
        }
    c.out.push_back(ops::concatenate(parts, 1));
}

}  // namespace

void register_mx_sampling(Registry& r) {
    r.op("mx.BilinearSampler(data, grid)")
        .composite([](Call& c) { c.out.push_back(sampled(c.in[0], c.in[1])); })
        .domain("(-0.9, 0.9)")
        .sample("f64(1,2,3,4), f64(1,2,2,2)")
        .doc("The data at the places of a grid, between its elements by their shares; zero outside.");
    r.op("mx.GridGenerator(data, transform_type: str, target_shape: ints = (0, 0))")
        .composite(grid_generator)
        .sample("f64(2,6), 'affine', (2,3)")
        .sample("f64(1,2,2,3), 'warp'")
        .doc("The grid of an affine map, or of a flow.");
    r.op("mx.SpatialTransformer(data, loc, target_shape: ints = (0, 0), transform_type: str = 'affine', "
         "sampler_type: str = 'bilinear')")
        .composite(spatial_transformer)
        .symbol(&kSpatialTransformer)
        .domain("(-0.4, 0.4)")
        .sample("f64(1,2,3,4), f64(1,6), (2,2)")
        .doc("The data sampled at the grid of an affine map.");
    r.op("_roi_places(data, rois, pooled_size: ints, spatial_scale: float)")
        .infer(infer_roi_places)
        .kernel(roi_places)
        .no_gradient()
        .doc("Where the largest element of each window of each region lies in the data; -1 where there is none.");
    r.op("mx.ROIPooling(data, rois, pooled_size: ints, spatial_scale: float)")
        .composite(roi_pooling)
        .symbol(&kRoiPooling)
        .sample("f64(2,2,5,6), [[0.0,1.0,0.0,4.0,4.0],[1.0,2.0,1.0,3.0,9.0]], (2,2), 1.0")
        .doc(
            "The largest elements of windows of regions (image, x1, y1, x2, y2); the first of several has the "
            "derivative.");
    r.op("mx.Correlation(data1, data2, kernel_size: int = 1, max_displacement: int = 1, stride1: int = 1, stride2: int "
         "= "
         "1, pad_size: int = 0, is_multiply: bool = True)")
        .composite(correlation)
        .sample("f64(1,2,4,5), f64(1,2,4,5)")
        .sample("f64(1,2,5,5), f64(1,2,5,5), kernel_size=3, stride1=2, pad_size=1")
        .doc("The mean over channels and windows of the products of two images, for each displacement of the second.");
}

}  // namespace minpy
