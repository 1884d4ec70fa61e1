// MXNet's layers that move elements and take parts, and its products, under their names: composites over core operators.
#include "core/ops/mx.h"
#include "core/registry/registry.h"

namespace minpy {
namespace {

void swap_axis(Call& c) {
    const Array& x = c.in[0];
    Dims order;
    for (int64_t i = 0; i < x.ndim(); ++i) order.push_back(i);
    std::swap(order[c.axis(1, x.ndim())], order[c.axis(2, x.ndim())]);
    c.out.push_back(ops::transpose(x, view(order)));
}

// begin and end of one axis, from the end where negative.
Array part(const Array& x, int64_t axis, int64_t begin, int64_t end) {
    int64_t n = x.dim(axis), from = begin < 0 ? begin + n : begin, to = end < 0 ? end + n : end;
    if (from < 0 || to > n || from >= to)
        throw value_error("[", begin, ", ", end, ") is no part of an axis of ", n).in_argument("begin");
    return ops::slice(x, axis, from, to);
}

void slice_axis(Call& c) {
    int64_t axis = c.axis(1, c.in[0].ndim());
    c.out.push_back(part(c.in[0], axis, c.integer(2), c.is_none(3) ? c.in[0].dim(axis) : c.integer(3)));
}

void slice(Call& c) {
    Dims begin = c.ints(1), end = c.ints(2);
    Array x = c.in[0];
    if (begin.size() != end.size() || begin.size() > x.ndim())
        throw value_error("begin and end must have one number for each of the first axes").in_argument("begin");
    for (int64_t i = 0; i < begin.size(); ++i) x = part(x, i, begin[i], end[i]);
    c.out.push_back(x);
}

// The last two axes cut to a size: that of a second array, or h_w.
void crop(Call& c) {
    std::span<const Array> data = c.arrays(0);
    if (data.empty() || data.size() > 2) throw value_error("one or two arrays are needed, got ", data.size());
    const Array& x = data[0];
    Dims size = c.ints(c.op.param("h_w")), offset = c.ints(c.op.param("offset"));
    if (x.ndim() != 4) throw shape_error("the data must have 4 axes, got shape ", to_string(x.shape()));
    if (data.size() == 2) {
        if (data[1].ndim() != 4)
            throw shape_error("what to crop like must have 4 axes, got shape ", to_string(data[1].shape()));
        size = {data[1].dim(2), data[1].dim(3)};
    }
    if (size.size() != 2 || offset.size() != 2)
        throw value_error("h_w and offset need two numbers each").in_argument("h_w");
    if (c.flag(c.op.param("center_crop"))) offset = {(x.dim(2) - size[0]) / 2, (x.dim(3) - size[1]) / 2};
    Array y = x;
    for (int64_t i = 0; i < 2; ++i) {
        if (offset[i] < 0 || size[i] < 0 || checked_add(offset[i], size[i]) > x.dim(2 + i))
            throw value_error("a size of ", size[i], " at ", offset[i], " does not fit an axis of ", x.dim(2 + i))
                .in_argument("offset");
        y = ops::slice(y, 2 + i, offset[i], offset[i] + size[i]);
    }
    c.out.push_back(y);
}

void pad(Call& c) {
    const Array& x = c.in[0];
    std::string_view mode = c.text(1);
    Dims width = c.ints(2), pairs{int64_t(x.ndim()), 2};
    if (mode != "constant" && mode != "edge" && mode != "reflect")
        throw value_error("mode must be 'constant', 'edge' or 'reflect', got '", mode, "'").in_argument("mode");
    if (width.size() != 2 * x.ndim())
        throw value_error("pad_width needs two numbers for each of the ", x.ndim(), " axes, got ", width)
            .in_argument("pad_width");
    Array widths = empty({&pairs[0], 2}, DType::int64);
    std::copy(width.begin(), width.end(), widths.raw_as<int64_t>());
    c.out.push_back(mode == "constant" ? call(MINPY_OP("pad"), x, widths, "constant", c.number(3))
                                       : call(MINPY_OP("pad"), x, widths, std::string(mode)));
}

// The second array is the kernel of a transposed convolution, a plane for each channel.
Array up_sampled(std::span<const Array> data, int64_t scale) {
    if (data.size() != 2) throw value_error("bilinear needs the data and a weight, got ", data.size(), " arrays");
    int64_t kernel = 2 * scale - scale % 2, pad = scale / 2;
    const Array &x = data[0], &w = data[1];
    Dims wanted{x.ndim() == 4 ? x.dim(1) : 0, 1, kernel, kernel}, size{kernel, kernel}, stride{scale, scale},
        around{pad, pad};
    if (x.ndim() != 4 || !same(w.shape(), view(wanted)))
        throw shape_error("a weight of shape ", to_string(w.shape()), " does not fit data of shape ",
                          to_string(x.shape()), ": it must be ", wanted);
    return call(MINPY_OP("mx.Deconvolution"), x, w, none_value(), size, stride, none_value(), around, none_value(),
                none_value(), x.dim(1), x.dim(1));
}

// Each element as a square; several arrays are brought to the size of the first, times the scale.
void up_sampling(Call& c) {
    std::span<const Array> data = c.arrays(0);
    int64_t scale = c.integer(c.op.param("scale"));
    std::string_view type = c.text(c.op.param("sample_type")), join = c.text(c.op.param("multi_input_mode"));
    if (type != "nearest" && type != "bilinear")
        throw value_error("sample_type must be 'nearest' or 'bilinear', got '", type, "'").in_argument("sample_type");
    if (join != "concat" && join != "sum")
        throw value_error("multi_input_mode must be 'concat' or 'sum', got '", join, "'")
            .in_argument("multi_input_mode");
    if (data.empty()) throw value_error("at least one array is needed");
    if (scale < 1 || scale > INT32_MAX) throw value_error("scale must be positive, got ", scale).in_argument("scale");
    if (type == "bilinear") return c.out.push_back(up_sampled(data, scale));
    std::vector<Array> parts;
    for (const Array& x : data) {
        if (x.ndim() != 4 || x.dim(2) == 0 || x.dim(3) == 0)
            throw shape_error("the data must be (batch, channels, height, width), got shape ", to_string(x.shape()));
        int64_t high = checked_mul(data[0].dim(2), scale), wide = checked_mul(data[0].dim(3), scale);
        if (high % x.dim(2) || wide % x.dim(3))
            throw shape_error("an array of shape ", to_string(x.shape()), " does not divide a size of ", high, " x ",
                              wide);
        Dims apart{x.dim(0), x.dim(1), x.dim(2), 1, x.dim(3), 1}, full = apart, shape{x.dim(0), x.dim(1), high, wide};
        full[3] = high / x.dim(2), full[5] = wide / x.dim(3);
        parts.push_back(ops::reshape(ops::broadcast_to(ops::reshape(x, view(apart)), view(full)), view(shape)));
    }
    if (parts.size() > 1 && join == "concat") {
        c.out.push_back(ops::concatenate(parts, 1));
        return;
    }
    Array sum = parts[0];
    for (size_t i = 1; i < parts.size(); ++i) sum = sum + parts[i];
    c.out.push_back(sum);
}

const SymbolTraits kUpSampling{
    [](const Op& op, ValuesView args) {
        bool learned = string_of(args[size_t(op.param("sample_type"))]) == "bilinear";
        return learned ? std::vector<std::string>{"data", "weight"} : std::vector<std::string>{};
    },
    0, nullptr,
    [](NodeShapes& n) {
        int64_t scale = int_of(n.arg("scale"));
        if (!n.known(0) || scale < 1 || scale > INT32_MAX) return;
        Dims out = n.shape(0);
        if (out.size() != 4) throw shape_error("the data must be (batch, channels, height, width), got ", out);
        if (string_of(n.arg("sample_type")) == "bilinear") {
            n.set_in(1, {out[1], 1, 2 * scale - scale % 2, 2 * scale - scale % 2});
        } else if (string_of(n.arg("multi_input_mode")) == "concat") {
            for (size_t i = 1; i < n.in.size(); ++i) {
                if (!n.known(i) || n.shape(i).size() != 4) return;
                out[1] += n.shape(i)[1];
            }
        }
        out[2] = checked_mul(out[2], scale), out[3] = checked_mul(out[3], scale);
        n.set_out(0, out);
    }};

// ---- order ----

// The positions of elements in order along an axis; those of equal ones in their order, or the other way round.
Array ordered(const Array& x, int64_t axis, bool ascending) {
    Array order = call(MINPY_OP("argsort"), x, axis, "stable");
    return ascending ? order : call(MINPY_OP("flip"), order, axis);
}
Array as_floats(const Array& positions, const Array& like) {  // MXNet's are floats
    return ops::astype(positions, in(like.dtype(), kFloating) ? like.dtype() : DType::float32);
}

void topk(Call& c) {
    Array x = c.in[0];
    Dims flat{x.size()};
    if (c.is_none(1)) x = ops::reshape(x, view(flat));
    int64_t axis = c.is_none(1) ? 0 : c.axis(1, x.ndim()), k = c.integer(2);
    std::string_view type = c.text(3);
    if (type != "value" && type != "indices" && type != "mask" && type != "both")
        throw value_error("ret_typ must be 'value', 'indices', 'mask' or 'both', got '", type, "'")
            .in_argument("ret_typ");
    if (k > x.dim(axis)) throw value_error("k is ", k, ", the axis has ", x.dim(axis), " elements").in_argument("k");
    if (k < 1) k = x.dim(axis);
    Array order = ordered(x, axis, c.flag(4));
    if (type == "mask") {
        Array rank = call(MINPY_OP("argsort"), order, axis);
        c.out.push_back(ops::reshape(ops::astype(ops::less(rank, double(k)), x.dtype()), c.in[0].shape()));
        return;
    }
    Array best = ops::slice(order, axis, 0, k);
    if (type != "indices") c.out.push_back(call(MINPY_OP("take_along_axis"), x, best, axis));
    if (type != "value") c.out.push_back(as_floats(best, x));
}

const SymbolTraits kTopk{nullptr, 0, [](const Op& op, ValuesView args) {
                             return string_of(args[size_t(op.param("ret_typ"))]) == "both" ? 2 : 1;
                         }};

void dot(Call& c) {
    Array operands[2];
    for (int i = 0; i < 2; ++i)
        operands[i] = c.flag(2 + i) && c.in[i].ndim() == 2 ? ops::swap_last_axes(c.in[i]) : c.in[i];
    Array y = call(MINPY_OP("dot"), operands[0], operands[1]);
    Dims one{1};
    c.out.push_back(y.ndim() ? y : ops::reshape(y, view(one)));
}

void batch_dot(Call& c) {
    for (int i = 0; i < 2; ++i)
        if (c.in[i].ndim() != 3)
            throw shape_error("batch_dot needs arrays of 3 axes, got shape ", to_string(c.in[i].shape()));
    if (c.in[0].dim(0) != c.in[1].dim(0))
        throw shape_error("batches of ", c.in[0].dim(0), " and ", c.in[1].dim(0), " do not fit together");
    c.out.push_back(ops::matmul(c.flag(2) ? ops::swap_last_axes(c.in[0]) : c.in[0],
                                c.flag(3) ? ops::swap_last_axes(c.in[1]) : c.in[1]));
}

// The element of each row that `index` names.
void pick(Call& c) {
    const Array& x = c.in[0];
    int64_t axis = c.axis(2, x.ndim());
    Dims kept = x.dims(), dropped = kept;
    kept[axis] = 1;
    dropped.erase(axis);
    if (c.in[1].size() != checked_size(view(dropped)))
        throw shape_error("an index of shape ", to_string(c.in[1].shape()), " does not fit data of shape ",
                          to_string(x.shape()))
            .in_argument("index");
    Array index = ops::reshape(ops::astype(c.in[1], DType::int64), view(kept));
    Array y = call(MINPY_OP("take_along_axis"), x, index, axis);
    c.out.push_back(c.flag(3) ? y : ops::reshape(y, view(dropped)));
}

// Half a square within 1 / scalar**2 of 0, and straight lines beyond.
void smooth_l1(Call& c) {
    const Array& x = c.in[0];
    double square = c.number(1) * c.number(1);
    Array size = ops::absolute(x);
    c.out.push_back(ops::where(ops::less(size, 1 / square), x * x * (0.5 * square), size - 0.5 / square));
}

}  // namespace

void register_mx_shapes(Registry& r) {
    r.op("mx.SwapAxis(data, dim1: axis = 0, dim2: axis = 0)")
        .composite(swap_axis)
        .sample("f64(2,3,4), dim1=0, dim2=2")
        .doc("Two axes exchanged.");
    r.op("mx.slice_axis(data, axis: axis, begin: int, end: int? = None)")
        .composite(slice_axis)
        .sample("f64(2,5), 1, 1, -1")
        .doc("A part of one axis.");
    r.op("mx.slice(data, begin: ints, end: ints)")
        .composite(slice)
        .sample("f64(3,5), (1,0), (3,-2)")
        .doc("A part of each of the first axes.");
    r.alias("mx.crop", "mx.slice");
    r.op("mx.reverse(data, axis: axes)")
        .composite([](Call& c) { c.out.push_back(call(MINPY_OP("flip"), c.in[0], c.args[1])); })
        .symbol(&kSame)
        .sample("f64(2,3), 1")
        .doc("Axes backwards.");
    r.op("mx.Crop(data: arrays, num_args: int = 0, offset: ints = (0, 0), h_w: ints = (0, 0), center_crop: bool = "
         "False)")
        .composite(crop)
        .sample("[f64(1,2,5,4)], h_w=(2,3), offset=(1,0)")
        .doc("The last two axes cut to h_w, or to the size of a second array.");
    r.op("mx.Pad(data, mode: str, pad_width: ints, constant_value: float = 0.0)")
        .composite(pad)
        .sample("f64(1,2,3,3), 'edge', (0,0,0,0,1,2,0,1)")
        .doc("Axes made longer at both ends: by a constant, the edge or the reflection.");
    r.op("mx.UpSampling(data: arrays, scale: int, num_filter: int = 0, sample_type: str = 'nearest', multi_input_mode: "
         "str = 'concat', num_args: int = 1, workspace: int = 512)")
        .composite(up_sampling)
        .symbol(&kUpSampling)
        .sample("[f64(1,2,2,3)], 2")
        .sample("[f64(1,2,2,3), f64(2,1,4,4)], 2, 2, 'bilinear'")
        .doc(
            "Each element of the last two axes as a square, or spread by a weight of shape (channels, 1, kernel, "
            "kernel).");
    r.op("mx.topk(data, axis: axis? = -1, k: int = 1, ret_typ: str = 'indices', is_ascend: bool = False)")
        .composite(topk)
        .symbol(&kTopk)
        .outputs(0)
        .sample("f64(2,5), k=2, ret_typ='value'")
        .doc("The k largest elements along an axis in order, or the smallest; where they are, or a mask of them.");
    r.op("mx.sort(data, axis: axis = -1, is_ascend: bool = True)")
        .composite([](Call& c) {
            int64_t axis = c.axis(1, c.in[0].ndim());
            c.out.push_back(call(MINPY_OP("take_along_axis"), c.in[0], ordered(c.in[0], axis, c.flag(2)), axis));
        })
        .symbol(&kSame)
        .sample("f64(2,4), is_ascend=False")
        .doc("The elements in order along an axis.");
    r.op("mx.argsort(data, axis: axis = -1, is_ascend: bool = True)")
        .composite([](Call& c) {
            c.out.push_back(as_floats(ordered(c.in[0], c.axis(1, c.in[0].ndim()), c.flag(2)), c.in[0]));
        })
        .symbol(&kSame)
        .sample("f64(2,4)")
        .doc("Where the elements are that come in order along an axis, as floats.");
    r.op("mx.argmax_channel(data)")
        .composite([](Call& c) {
            if (c.in[0].ndim() < 2)
                throw shape_error("the data must be (batch, channels, ...), got shape ", to_string(c.in[0].shape()));
            c.out.push_back(as_floats(call(MINPY_OP("argmax"), c.in[0], 1), c.in[0]));
        })
        .sample("f64(2,4)")
        .doc("Where the largest element of each row is, as floats.");
    r.op("mx.dot(lhs, rhs, transpose_a: bool = False, transpose_b: bool = False)")
        .composite(dot)
        .sample("f64(3,2), f64(3,4), transpose_a=True")
        .doc("The product of two matrices, or of vectors, which is of shape (1,).");
    r.op("mx.batch_dot(lhs, rhs, transpose_a: bool = False, transpose_b: bool = False)")
        .composite(batch_dot)
        .sample("f64(2,3,2), f64(2,4,2), transpose_b=True")
        .doc("Products of matrices, one for each element of the first axis.");
    r.op("mx.pick(data, index, axis: axis = -1, keepdims: bool = False)")
        .composite(pick)
        .sample("f64(3,4), [0,3,1]")
        .doc("One element along an axis, by number.");
    r.op("mx.batch_take(a, indices)")
        .composite([](Call& c) { c.out.push_back(call(MINPY_OP("mx.pick"), c.in[0], c.in[1], -1)); })
        .sample("f64(3,4), [0,3,1]")
        .doc("One element of each row, by number.");
    r.op("mx.smooth_l1(data, scalar: float = 1.0)")
        .composite(smooth_l1)
        .symbol(&kSame)
        .domain("(0.2, 0.8)")
        .sample("f64(2,3)")
        .doc("Half a square near 0, straight lines beyond.");
    r.op("mx.rsqrt(data)")
        .composite([](Call& c) { c.out.push_back(1.0 / ops::sqrt(c.in[0])); })
        .symbol(&kSame)
        .domain("(0.2, 4)")
        .sample("f64(2,3)")
        .doc("One over the square root.");
    r.op("mx.norm(data)")
        .composite([](Call& c) {
            Dims one{1}, all;
            for (int64_t i = 0; i < c.in[0].ndim(); ++i) all.push_back(i);
            c.out.push_back(ops::reshape(ops::sqrt(ops::sum(ops::square(c.in[0]), view(all))), view(one)));
        })
        .sample("f64(2,3)")
        .doc("The square root of the sum of squares, of shape (1,).");
}

}  // namespace minpy
