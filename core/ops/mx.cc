// MXNet's layers under their names ("mx.Convolution"): composites over core operators with its attributes, defaults and
// shapes, and what graphs want to know of them. Graphs look here first when they are asked for an operator.
#include "core/autograd/node.h"
#include "core/graph/traits.h"
#include "core/ops/calls.h"
#include "core/registry/registry.h"

namespace minpy {
namespace {

DimsView view(const Dims& d) { return {d.data(), size_t(d.size())}; }
using Names = std::vector<std::string>;

bool flag(const Op& op, ValuesView args, const char* name) { return int_of(args[size_t(op.param(name))]) != 0; }
int64_t integer(const NodeShapes& n, const char* name) { return int_of(n.arg(name)); }
std::string_view text(const NodeShapes& n, const char* name) { return string_of(n.arg(name)); }

int64_t positive(int64_t i, const char* what) {
    if (i < 1) throw value_error(what, " must be given and positive, got ", i).in_argument(what);
    return i;
}

Array flattened(const Array& x) {
    if (x.ndim() < 1) throw shape_error("the data must have at least one axis");
    int64_t rest = 1;
    for (int64_t i = 1; i < x.ndim(); ++i) rest *= x.dim(i);
    Dims shape{x.dim(0), rest};
    return x.ndim() == 2 ? x : ops::reshape(x, view(shape));
}
Dims flattened(const Dims& x) {
    Dims rest(x.begin() + (x.empty() ? 0 : 1), x.end());
    return {x.empty() ? 1 : x[0], checked_size(view(rest))};
}

Names weight_and_bias(const Op& op, ValuesView args) {
    return flag(op, args, "no_bias") ? Names{"data", "weight"} : Names{"data", "weight", "bias"};
}

void same_as_data(NodeShapes& n) { n.all_same(0, 1); }
void all_the_same(NodeShapes& n) { n.all_same(0, n.in.size()); }
const SymbolTraits kSame{nullptr, 0, nullptr, same_as_data};

// ---- layers with weights ----

const SymbolTraits kFullyConnected{weight_and_bias, 0, nullptr, [](NodeShapes& n) {
                                       int64_t hidden = positive(integer(n, "num_hidden"), "num_hidden");
                                       if (n.in.size() > 2) n.set_in(2, {hidden});
                                       if (n.known(0)) {
                                           bool flat = int_of(n.arg("flatten"));
                                           Dims data = flat ? flattened(n.shape(0)) : n.shape(0);
                                           if (data.empty()) throw shape_error("the data must have at least one axis");
                                           n.set_in(1, {hidden, data.back()});
                                           data.back() = hidden;
                                           n.set_out(0, data);
                                       }
                                   }};

// A number for each axis of the kernel.
Dims per_axis(const minpy_value& v, int64_t n, int64_t otherwise) {
    Dims d = v.tag == MINPY_V_NONE ? Dims() : ints_from(v);
    if (d.empty()) d = Dims(n, otherwise);
    if (d.size() == 1 && n > 1) d = Dims(n, d[0]);
    if (d.size() != n) throw shape_error("stride, pad and dilate need as many numbers as kernel");
    return d;
}

const SymbolTraits kConvolution{
    weight_and_bias, 0, nullptr, [](NodeShapes& n) {
        int64_t filters = positive(integer(n, "num_filter"), "num_filter"),
                groups = positive(integer(n, "num_group"), "num_group");
        Dims kernel = ints_from(n.arg("kernel"));
        if (kernel.empty() || kernel.size() > 3)
            throw value_error("kernel must have 1 to 3 sizes, got ", kernel).in_argument("kernel");
        if (n.in.size() > 2) n.set_in(2, {filters});
        if (!n.known(0)) return;
        Dims data = n.shape(0), weight{filters, 0}, out{0, filters};
        if (data.size() != kernel.size() + 2)
            throw shape_error("data of shape ", data, " does not fit a kernel of ", kernel);
        if (data[1] % groups || filters % groups)
            throw shape_error(data[1], " channels and ", filters, " filters do not divide into ", groups, " groups");
        weight[1] = data[1] / groups;
        out[0] = data[0];
        Dims stride = per_axis(n.arg("stride"), kernel.size(), 1), pad = per_axis(n.arg("pad"), kernel.size(), 0),
             dilate = per_axis(n.arg("dilate"), kernel.size(), 1);
        for (int64_t i = 0; i < kernel.size(); ++i) {
            int64_t room = checked_add(data[i + 2], 2 * pad[i]) - checked_add(checked_mul(kernel[i] - 1, dilate[i]), 1);
            if (kernel[i] < 1 || stride[i] < 1 || dilate[i] < 1 || pad[i] < 0 || room < 0)
                throw shape_error("a kernel of ", kernel, " does not fit data of shape ", data);
            weight.push_back(kernel[i]);
            out.push_back(room / stride[i] + 1);
        }
        n.set_in(1, weight);
        n.set_out(0, out);
    }};

// The sizes that a convolution of this kernel, stride and so on maps to the data's.
Dims deconvolved(const Dims& data, int64_t filters, const Dims& kernel, const minpy_value& stride_of,
                 const minpy_value& pad_of, const minpy_value& dilate_of, const minpy_value& adj_of,
                 const minpy_value& target_of) {
    int64_t n = kernel.size();
    if (data.size() != n + 2 || n < 1) throw shape_error("data of shape ", data, " does not fit a kernel of ", kernel);
    Dims stride = per_axis(stride_of, n, 1), pad = per_axis(pad_of, n, 0), dilate = per_axis(dilate_of, n, 1),
         adj = per_axis(adj_of, n, 0), target = per_axis(target_of, n, 0), out{data[0], filters};
    for (int64_t i = 0; i < n; ++i) {
        int64_t whole =
            checked_add(checked_mul(data[i + 2] - 1, stride[i]), checked_add(checked_mul(kernel[i] - 1, dilate[i]), 1));
        int64_t size = target[i] > 0 ? target[i] : checked_add(whole - 2 * pad[i], adj[i]);
        // A convolution of that size must lead back.
        if (stride[i] < 1 || size < 1 || adj[i] >= stride[i])
            throw shape_error("a kernel of ", kernel, " does not fit data of shape ", data);
        out.push_back(size);
    }
    return out;
}

const SymbolTraits kDeconvolution{weight_and_bias, 0, nullptr, [](NodeShapes& n) {
                                      int64_t filters = positive(integer(n, "num_filter"), "num_filter"),
                                              groups = positive(integer(n, "num_group"), "num_group");
                                      if (n.in.size() > 2) n.set_in(2, {filters});
                                      if (!n.known(0)) return;
                                      Dims data = n.shape(0), kernel = ints_from(n.arg("kernel"));
                                      Dims out = deconvolved(data, filters, kernel, n.arg("stride"), n.arg("pad"),
                                                             n.arg("dilate"), n.arg("adj"), n.arg("target_shape"));
                                      if (data[1] % groups || filters % groups)
                                          throw shape_error(data[1], " channels and ", filters,
                                                            " filters do not divide into ", groups, " groups");
                                      Dims weight{data[1], filters / groups};
                                      for (int64_t k : kernel) weight.push_back(k);
                                      n.set_in(1, weight);
                                      n.set_out(0, out);
                                  }};

void deconvolution(Call& c) {
    auto arg = [&](const char* name) -> const minpy_value& { return c.args[c.op.param(name)]; };
    const Array &x = c.in[0], &w = c.in[1];
    if (w.ndim() != x.ndim() || x.ndim() < 3)
        throw shape_error("a weight of shape ", to_string(w.shape()), " does not fit data of shape ",
                          to_string(x.shape()));
    int64_t groups = positive(int_of(arg("num_group")), "num_group");
    Dims kernel(w.shape().begin() + 2, w.shape().end());
    Dims out = deconvolved(x.dims(), checked_mul(w.dim(1), groups), kernel, arg("stride"), arg("pad"), arg("dilate"),
                           arg("adj"), arg("target_shape"));
    Array y = call(MINPY_OP("_conv_backward_data"), x, w, out, arg("stride"), arg("pad"), arg("dilate"), groups);
    if (c.in[2]) {
        Dims column(int64_t(x.ndim()), 1);
        column[1] = c.in[2].size();
        y = y + ops::reshape(c.in[2], view(column));
    }
    c.out.push_back(y);
}

const SymbolTraits kPooling{
    nullptr, 0, nullptr, [](NodeShapes& n) {
        if (!n.known(0)) return;
        Dims data = n.shape(0), out;
        int64_t axes = data.size() - 2;
        if (axes < 1) throw shape_error("the data must have 3 to 5 axes, got shape ", data);
        bool global = int_of(n.arg("global_pool")), full = text(n, "pooling_convention") == "full";
        Dims kernel = global ? Dims(data.begin() + 2, data.end()) : per_axis(n.arg("kernel"), axes, 0);
        Dims stride = global ? Dims(axes, 1) : per_axis(n.arg("stride"), axes, 1),
             pad = global ? Dims(axes, 0) : per_axis(n.arg("pad"), axes, 0);
        out = {data[0], data[1]};
        for (int64_t i = 0; i < axes; ++i) {
            int64_t room = checked_add(data[i + 2], 2 * pad[i]) - kernel[i];
            if (kernel[i] < 1 || stride[i] < 1 || pad[i] < 0 || room < 0)
                throw shape_error("a kernel of ", kernel, " does not fit data of shape ", data);
            int64_t size = (full ? room + stride[i] - 1 : room) / stride[i] + 1;
            if ((size - 1) * stride[i] >= data[i + 2] + pad[i]) --size;
            out.push_back(size);
        }
        n.set_out(0, out);
    }};

const SymbolTraits kBatchNorm{[](const Op&, ValuesView) {
                                  return Names{"data", "gamma", "beta", "moving_mean", "moving_var"};
                              },
                              2, nullptr,
                              [](NodeShapes& n) {
                                  n.all_same(0, 1);
                                  if (!n.known(0)) return;
                                  int64_t axis = normalize_axis(integer(n, "axis"), n.shape(0).size());
                                  for (size_t i = 1; i < 5; ++i) n.set_in(i, {n.shape(0)[axis]});
                              }};

void batch_norm(Call& c) {
    bool training = c.context.training && !c.flag(c.op.param("use_global_stats"));
    Array gamma = c.in[1];
    // A fixed gamma is one, and has no gradient.
    if (c.flag(c.op.param("fix_gamma"))) gamma = ops::ones(gamma.shape(), gamma.dtype(), gamma.device());
    c.out.push_back(call(MINPY_OP("batch_norm"), c.in[0], gamma, c.in[2], c.in[3], c.in[4], c.args[c.op.param("eps")],
                         c.args[c.op.param("momentum")], c.args[c.op.param("axis")], training));
}

const SymbolTraits kEmbedding{
    nullptr, 0, nullptr,
    [](NodeShapes& n) {
        Dims table{positive(integer(n, "input_dim"), "input_dim"), positive(integer(n, "output_dim"), "output_dim")};
        n.set_in(1, table);
        if (!n.known(0)) return;
        Dims out = n.shape(0);
        out.push_back(table[1]);
        n.set_out(0, out);
    },
    1};

// ---- activations ----

Array relu(const Array& x) { return call(MINPY_OP("relu"), x); }

Array activation(const Array& x, std::string_view type) {
    if (type == "relu") return relu(x);
    if (type == "tanh") return call(MINPY_OP("tanh"), x);
    if (type == "sigmoid") return call(MINPY_OP("sigmoid"), x);
    if (type == "softrelu") return call(MINPY_OP("logaddexp"), x, 0);
    if (type == "softsign") return x / (call(MINPY_OP("absolute"), x) + 1);
    throw value_error("act_type must be 'relu', 'sigmoid', 'tanh', 'softrelu' or 'softsign', got '", type, "'")
        .in_argument("act_type");
}

const SymbolTraits kLeakyReLU{
    [](const Op& op, ValuesView args) {
        return string_of(args[size_t(op.param("act_type"))]) == "prelu" ? Names{"data", "gamma"} : Names{"data"};
    },
    0, nullptr,
    [](NodeShapes& n) {
        n.all_same(0, 1);
        if (n.known(0) && n.in.size() > 1 && n.shape(0).size() > 1) n.set_in(1, {n.shape(0)[1]});
    }};

void leaky_relu(Call& c) {
    const Array& x = c.in[0];
    std::string_view type = c.text(c.op.param("act_type"));
    double slope = c.number(c.op.param("slope"));
    Array below = call(MINPY_OP("minimum"), x, 0), above = relu(x);
    if (type == "prelu") {
        if (!c.in[1]) throw value_error("prelu needs gamma").in_argument("gamma");
        Dims shape(int64_t(x.ndim()), 1);
        if (x.ndim() > 1) shape[1] = c.in[1].size();
        c.out.push_back(above + below * ops::reshape(c.in[1], view(shape)));
    } else if (type == "leaky") {
        c.out.push_back(above + below * slope);
    } else if (type == "elu") {
        c.out.push_back(above + call(MINPY_OP("expm1"), below) * slope);
    } else if (type == "rrelu" && !c.context.training) {
        c.out.push_back(above +
                        below * ((c.number(c.op.param("lower_bound")) + c.number(c.op.param("upper_bound"))) / 2));
    } else {
        throw value_error("act_type must be 'leaky', 'elu', 'prelu' or, in inference, 'rrelu', got '", type, "'")
            .in_argument("act_type");
    }
}

// ---- shapes ----

// 0 keeps a size, -1 takes what is left, -2 keeps all others, -3 joins two, -4 splits one into the next two.
Dims mxnet_shape(Dims in, Dims codes, bool reverse) {
    if (reverse) {
        std::reverse(in.begin(), in.end());
        std::reverse(codes.begin(), codes.end());
    }
    Dims out;
    int64_t at = 0, unknown = -1;
    auto next = [&] {
        if (at >= in.size())
            throw shape_error("shape ", codes, " asks for more axes than ", in, " has").in_argument("shape");
        return in[at++];
    };
    for (int64_t i = 0; i < codes.size(); ++i) {
        int64_t code = codes[i];
        if (code == 0) {
            out.push_back(next());
        } else if (code == -1) {
            if (unknown >= 0) throw value_error("only one size may be -1, got ", codes).in_argument("shape");
            unknown = out.size();
            out.push_back(1);
            if (at < in.size()) ++at;
        } else if (code == -2) {
            while (at < in.size()) out.push_back(in[at++]);
        } else if (code == -3) {
            int64_t first = next();
            out.push_back(checked_mul(first, next()));
        } else if (code == -4) {
            if (i + 2 >= codes.size())
                throw value_error("-4 needs two sizes after it, got ", codes).in_argument("shape");
            int64_t whole = next(), a = codes[++i], b = codes[++i];
            if (a == -1 && b == -1)
                throw value_error("only one part of -4 may be -1, got ", codes).in_argument("shape");
            if (a == -1) a = b > 0 ? whole / b : 0;
            if (b == -1) b = a > 0 ? whole / a : 0;
            if (checked_mul(a, b) != whole)
                throw shape_error(whole, " does not split into ", a, " and ", b).in_argument("shape");
            out.push_back(a);
            out.push_back(b);
        } else if (code > 0) {
            out.push_back(code);
            if (at < in.size()) ++at;
        } else {
            throw value_error("a shape has sizes and the codes 0 to -4, got ", codes).in_argument("shape");
        }
    }
    int64_t size = checked_size(view(in)), known = checked_size(view(out));
    if (unknown >= 0) out[unknown] = known ? size / known : 0;
    if (checked_size(view(out)) != size) throw shape_error("cannot reshape ", in, " by ", codes).in_argument("shape");
    if (reverse) std::reverse(out.begin(), out.end());
    return out;
}

const SymbolTraits kFlatten{nullptr, 0, nullptr, [](NodeShapes& n) {
                                if (n.known(0)) n.set_out(0, flattened(n.shape(0)));
                            }};

const SymbolTraits kReshape{
    nullptr, 0, nullptr, [](NodeShapes& n) {
        if (n.known(0)) n.set_out(0, mxnet_shape(n.shape(0), ints_from(n.arg("shape")), int_of(n.arg("reverse"))));
    }};

const SymbolTraits kConcat{nullptr, 0, nullptr, [](NodeShapes& n) {
                               Dims out;
                               int64_t total = 0, axis = 0;
                               for (size_t i = 0; i < n.in.size(); ++i) {
                                   if (!n.known(i)) return;
                                   const Dims& one = n.shape(i);
                                   axis = normalize_axis(integer(n, "dim"), one.size());
                                   total = checked_add(total, one[axis]);
                                   if (i == 0) out = one;
                                   for (int64_t k = 0; k < one.size(); ++k)
                                       if (one.size() != out.size() || (k != axis && one[k] != out[k]))
                                           throw shape_error("shapes ", out, " and ", one, " do not join along axis ",
                                                             axis);
                               }
                               out[axis] = total;
                               n.set_out(0, out);
                           }};

const SymbolTraits kSliceChannel{
    nullptr, 0,
    [](const Op& op, ValuesView args) {
        return int(std::clamp<int64_t>(int_of(args[size_t(op.param("num_outputs"))]), 0, 1 << 16));
    },
    [](NodeShapes& n) {
        if (!n.known(0)) return;
        Dims one = n.shape(0);
        int64_t parts = int64_t(n.out.size()), axis = normalize_axis(integer(n, "axis"), one.size());
        if (one[axis] % parts) throw shape_error("axis ", axis, " of ", one, " does not divide into ", parts);
        one[axis] /= parts;
        if (int_of(n.arg("squeeze_axis"))) {
            if (one[axis] != 1) throw shape_error("axis ", axis, " of a part, ", one, ", cannot be squeezed");
            one.erase(axis);
        }
        for (size_t i = 0; i < n.out.size(); ++i) n.set_out(i, one);
    }};

void slice_channel(Call& c) {
    const Array& x = c.in[0];
    int64_t parts = positive(c.integer(c.op.param("num_outputs")), "num_outputs"),
            axis = c.axis(c.op.param("axis"), x.ndim());
    if (x.dim(axis) % parts)
        throw shape_error("axis ", axis, " of ", to_string(x.shape()), " does not divide into ", parts);
    int64_t each = x.dim(axis) / parts;
    bool squeeze = c.flag(c.op.param("squeeze_axis"));
    if (squeeze && each != 1) throw shape_error("an axis of ", each, " cannot be squeezed");
    Dims shape = x.dims(), strides(x.strides().begin(), x.strides().end());
    Dims base = strides;
    shape[axis] = each;
    Dims out = shape;
    if (squeeze) out.erase(axis);
    for (int64_t i = 0; i < parts; ++i) {
        Array part = call(MINPY_OP("_window"), x, shape, strides, i * each * strides[axis], base);
        c.out.push_back(squeeze ? ops::reshape(part, view(out)) : part);
    }
}

// ---- losses: results with a gradient of their own, which ignores what comes from above ----

// Rows are samples, `multi_output` has classes along axis 1.
struct SoftmaxLayout {
    Dims whole;  // what softmax sees: (batch, classes, rest)
    bool channels;
    SoftmaxLayout(DimsView x, bool multi_output, bool preserve_shape) : channels(multi_output) {
        if (x.empty()) throw shape_error("the data must have at least one axis");
        if (multi_output && x.size() < 2) throw shape_error("multi_output needs at least two axes");
        Dims rest(x.begin() + 1, x.end());
        if (multi_output) whole = {x[0], x[1], checked_size(DimsView(x).subspan(2))};
        else if (preserve_shape) whole = {checked_size(x.first(x.size() - 1)), x.back(), 1};
        else whole = {x[0], checked_size(view(rest)), 1};
    }
};

SoftmaxLayout softmax_layout(DimsView x, const Op& op, ValuesView args) {
    return {x, flag(op, args, "multi_output"), flag(op, args, "preserve_shape")};
}

Dims label_shape(const Dims& data, bool multi_output, bool preserve_shape) {
    if (multi_output) {
        Dims d = data;
        if (d.size() > 1) d.erase(1);
        return d;
    }
    return preserve_shape ? Dims(data.begin(), data.end() - 1) : Dims{data[0]};
}

const SymbolTraits kSoftmaxOutput{
    nullptr, 0, nullptr, [](NodeShapes& n) {
        n.all_same(0, 1);
        if (n.known(0) && !n.known(1) && !n.shape(0).empty())
            n.set_in(1, label_shape(n.shape(0), int_of(n.arg("multi_output")), int_of(n.arg("preserve_shape"))));
    }};

void softmax_output(Call& c) {
    const Array& x = c.in[0];
    SoftmaxLayout s = softmax_layout(x.shape(), c.op, {c.args.data(), size_t(c.args.size())});
    c.out.push_back(ops::reshape(call(MINPY_OP("softmax"), ops::reshape(x, view(s.whole)), 1), x.shape()));
}

// (p - target) * grad_scale / normalisation
void softmax_output_reverse(Reverse& c) {
    const Op& op = *c.node.op;
    auto arg = [&](const char* name) -> const minpy_value& { return c.arg(op.param(name)); };
    Array p = c.out(), label = c.in(1);
    SoftmaxLayout s = softmax_layout(p.shape(), op, c.node.args.view());
    p = ops::reshape(p, view(s.whole));
    Array target, valid;
    bool ignore = int_of(arg("use_ignore"));
    if (label.size() == p.size()) {
        target = ops::reshape(label, view(s.whole));
    } else {
        Dims rows{s.whole[0], s.whole[2]}, order{0, 2, 1};
        if (label.size() != rows[0] * rows[1])
            throw shape_error("a label of shape ", to_string(label.shape()), " does not fit data of shape ",
                              to_string(view(c.out_shape())))
                .in_argument("label");
        Array l = ops::reshape(label, view(rows));
        target = ops::transpose(call(MINPY_OP("one_hot"), l, s.whole[1], 1.0, 0.0, p.dtype()), view(order));
        if (ignore) {
            Dims column{rows[0], 1, rows[1]};
            valid = ops::reshape(ops::astype(call(MINPY_OP("not_equal"), l, double_of(arg("ignore_label"))), p.dtype()),
                                 view(column));
        }
    }
    Array g = p - ops::astype(target, p.dtype());
    if (valid) g = g * valid;
    double scale = double_of(arg("grad_scale"));
    std::string_view normalization = string_of(arg("normalization"));
    if (normalization == "batch") {
        scale /= double(std::max<int64_t>(s.whole[0], 1));
    } else if (normalization == "valid") {
        if (valid) {
            Dims all{0, 1, 2};
            g = g / call(MINPY_OP("maximum"), ops::sum(valid, view(all)), 1);
        } else {
            scale /= double(std::max<int64_t>(s.whole[0] * s.whole[2], 1));
        }
    } else if (normalization != "null") {
        throw value_error("normalization must be 'null', 'batch' or 'valid', got '", normalization, "'")
            .in_argument("normalization");
    }
    g = ops::reshape(g * scale, view(c.in_shape(0)));
    if (int_of(arg("out_grad"))) g = g * c.g();
    c.set(0, g);
}

const SymbolTraits kRegression{nullptr, 0, nullptr, all_the_same};

// (y - label) * grad_scale / outputs per sample, or its sign
template <bool sign> void regression_reverse(Reverse& c) {
    Array y = c.out(), d = y - ops::reshape(c.in(1), y.shape());
    if (sign) d = call(MINPY_OP("sign"), d);
    Dims shape = c.in_shape(0);
    double each =
        shape.empty() || shape[0] == 0 ? 1 : double(std::max<int64_t>(checked_size(view(shape)) / shape[0], 1));
    c.set(0, d * (double_of(c.arg(2)) / each));
}

// One class against all: the label's score above the margin, the others below its negative; hinges or their squares.
void svm_reverse(Reverse& c) {
    Array x = c.in(0), label = c.in(1);
    double margin = double_of(c.arg(2)), weight = double_of(c.arg(3));
    if (x.ndim() != 2 || label.size() != x.dim(0))
        throw shape_error("data of shape ", to_string(x.shape()), " does not fit a label of shape ",
                          to_string(label.shape()))
            .in_argument("label");
    Dims rows{x.dim(0)};
    Array side = call(MINPY_OP("one_hot"), ops::reshape(label, view(rows)), x.dim(1), 1.0, -1.0, x.dtype());
    Array missing = margin - side * x;
    Array slope = c.flag(4) ? ops::astype(ops::greater(missing, 0), x.dtype()) : ops::maximum(missing, 0) * 2;
    c.set(0, side * slope * -weight);
}
const SymbolTraits kSvm{nullptr, 0, nullptr, [](NodeShapes& n) {
                            n.all_same(0, 1);
                            if (n.known(0) && !n.shape(0).empty()) n.set_in(1, {n.shape(0)[0]});
                        }};

void make_loss_reverse(Reverse& c) {
    double scale = double_of(c.arg(1));
    Dims shape = c.in_shape(0);
    if (string_of(c.arg(2)) == "batch" && !shape.empty()) scale /= double(std::max<int64_t>(shape[0], 1));
    if (string_of(c.arg(2)) == "valid") scale /= double(std::max<int64_t>(checked_size(view(shape)), 1));
    c.set(0, ops::ones(view(shape), c.in_dtype(0), c.in_device(0)) * scale);
}

// A loss layer: `forward` is run as it is, and the node's gradient is the row's own.
template <void (*forward)(Call&)> void as_one_node(Call& c) {
    forward(c);
    for (Array& a : c.out) a = without_node(a);
    record(c, {c.in.data(), size_t(c.in.size())}, {c.out.data(), size_t(c.out.size())});
}
void unchanged(Call& c) { c.out.push_back(snapshot(c.in[0])); }
void logistic(Call& c) { c.out.push_back(activation(c.in[0], "sigmoid")); }

// ---- arithmetic of symbols ----

struct Arithmetic {
    const char* mxnet;
    const char* core;
    bool compares;  // results are 0 and 1 in the data's dtype
    mutable std::atomic<const Op*> found{nullptr};
    const Op& op() const {
        if (const Op* row = found.load(std::memory_order_relaxed)) return *row;
        const Op& row = find_op(core);
        found.store(&row, std::memory_order_relaxed);
        return row;
    }
};
const Arithmetic kArithmetic[] = {
    {"plus", "add", false},
    {"minus", "subtract", false},
    {"mul", "multiply", false},
    {"div", "divide", false},
    {"power", "power", false},
    {"mod", "remainder", false},
    {"maximum", "maximum", false},
    {"minimum", "minimum", false},
    {"hypot", "hypot", false},
    {"equal", "equal", true},
    {"not_equal", "not_equal", true},
    {"greater", "greater", true},
    {"greater_equal", "greater_equal", true},
    {"lesser", "less", true},
    {"lesser_equal", "less_equal", true},
};

const Arithmetic& arithmetic_of(const Call& c) { return *static_cast<const Arithmetic*>(c.op.data); }
Array finished(const Arithmetic& a, const Array& result, const Array& like) {
    return a.compares ? ops::astype(result, like.dtype()) : result;
}

void with_symbol(Call& c) {
    c.out.push_back(finished(arithmetic_of(c), call(arithmetic_of(c).op(), c.in[0], c.in[1]), c.in[0]));
}
void with_scalar(Call& c) {
    c.out.push_back(finished(arithmetic_of(c), call(arithmetic_of(c).op(), c.in[0], c.number(1)), c.in[0]));
}
void from_scalar(Call& c) {
    c.out.push_back(finished(arithmetic_of(c), call(arithmetic_of(c).op(), c.number(1), c.in[0]), c.in[0]));
}

// Known shapes broadcast; one that is not known is the other's.
const SymbolTraits kBinary{nullptr, 0, nullptr, [](NodeShapes& n) {
                               if (n.known(0) && n.known(1))
                                   n.set_out(0, broadcast_shapes(view(n.shape(0)), view(n.shape(1))));
                               else n.all_same(0, 2);
                           }};
const SymbolTraits kBroadcast{nullptr, 0, nullptr, [](NodeShapes& n) {
                                  if (n.known(0) && n.known(1))
                                      n.set_out(0, broadcast_shapes(view(n.shape(0)), view(n.shape(1))));
                              }};
const SymbolTraits kSum{nullptr, 0, nullptr, all_the_same};

// ---- reductions: over everything to shape (1,) ----

void reduce_as_mxnet(Call& c) {
    const Op& core = find_op(static_cast<const char*>(c.op.data));
    Dims axes = c.is_none(1) ? Dims() : c.ints(1);
    bool keep = c.flag(2);
    minpy_value args[8];
    size_t n = 0;
    for (const Param& p : core.params) {
        if (n == 8) break;
        args[n++] = p.name == "a"          ? to_value(c.in[0])
                    : p.name == "keepdims" ? to_value(keep)
                    : p.name == "axis"     ? (axes.empty() ? none_value() : to_value(axes))
                                           : default_value();
    }
    Array out = std::move(invoke(core, ValuesView(args, n)).front());
    Dims one{1};
    c.out.push_back(out.ndim() == 0 ? ops::reshape(out, view(one)) : out);
}

}  // namespace

void register_mx(Registry& r) {
    r.op("mx.FullyConnected(data, weight, bias: array? = None, num_hidden: int = 0, no_bias: bool = False, flatten: "
         "bool = True)")
        .composite(
            [](Call& c) { c.out.push_back(call(MINPY_OP("fully_connected"), c.in[0], c.in[1], c.in[2], c.flag(5))); })
        .symbol(&kFullyConnected)
        .sample("f64(3,2,2), f64(5,4), f64(5), num_hidden=5")
        .doc("x @ weight.T + bias.");
    r.op("mx.Convolution(data, weight, bias: array? = None, kernel: ints = (), stride: ints = None, dilate: ints = "
         "None, pad: ints = None, "
         "num_filter: int = 0, num_group: int = 1, workspace: int = 1024, no_bias: bool = False, cudnn_tune: str? = "
         "None, "
         "cudnn_off: bool = False, layout: str? = None)")
        .composite([](Call& c) {
            c.out.push_back(call(MINPY_OP("convolution"), c.in[0], c.in[1], c.in[2], c.args[4], c.args[6], c.args[5],
                                 c.integer(8)));
        })
        .symbol(&kConvolution)
        .sample("f64(2,3,5,5), f64(4,3,3,3), f64(4), kernel=(3,3), num_filter=4")
        .doc("Convolution of (batch, channels, spatial...).");
    r.op("mx.Pooling(data, kernel: ints = (), pool_type: str = 'max', global_pool: bool = False, stride: ints = None, "
         "pad: ints = None, "
         "pooling_convention: str = 'valid', cudnn_off: bool = False)")
        .composite([](Call& c) {
            c.out.push_back(
                call(MINPY_OP("pooling"), c.in[0], c.args[1], c.args[2], c.args[4], c.args[5], c.flag(3), c.args[6]));
        })
        .symbol(&kPooling)
        .sample("f64(2,3,6,6), kernel=(2,2), stride=(2,2)")
        .doc("Maximum, average or sum of windows.");
    r.op("mx.Deconvolution(data, weight, bias: array? = None, kernel: ints = (), stride: ints = None, dilate: ints = "
         "None, pad: ints = None, "
         "adj: ints = None, target_shape: ints = None, num_filter: int = 0, num_group: int = 1, workspace: int = 512, "
         "no_bias: bool = True, cudnn_tune: str? = None, cudnn_off: bool = False, layout: str? = None)")
        .composite(deconvolution)
        .symbol(&kDeconvolution)
        .sample("f64(2,4,3,3), f64(4,3,3,3), stride=(2,2), pad=(1,1), adj=(1,1)")
        .doc("The transpose of a convolution.");
    r.op("mx.BatchNorm(data, gamma, beta, moving_mean, moving_var, eps: float = 0.001, momentum: float = 0.9, "
         "fix_gamma: bool = True, "
         "use_global_stats: bool = False, output_mean_var: bool = False, axis: axis = 1, cudnn_off: bool = False)")
        .composite(batch_norm)
        .symbol(&kBatchNorm)
        .domain("(0.5, 2)")
        .sample("f64(4,3), f64(3), f64(3), f64(3), f64(3)")
        .doc("Batch normalisation; in training the moving mean and variance are updated in place.");
    r.op("mx.Activation(data, act_type: str)")
        .composite([](Call& c) { c.out.push_back(activation(c.in[0], c.text(1))); })
        .symbol(&kSame)
        .sample("f64(2,3), 'tanh'")
        .doc("relu, sigmoid, tanh, softrelu or softsign.");
    r.op("mx.LeakyReLU(data, gamma: array? = None, act_type: str = 'leaky', slope: float = 0.25, lower_bound: float = "
         "0.125, "
         "upper_bound: float = 0.334)")
        .composite(leaky_relu)
        .symbol(&kLeakyReLU)
        .sample("f64(2,3)")
        .doc("relu with a slope below zero: leaky, elu, prelu or rrelu.");
    r.op("mx.Dropout(data, p: float = 0.5)")
        .composite([](Call& c) { c.out.push_back(call(MINPY_OP("dropout"), c.in[0], c.number(1), none_value())); })
        .symbol(&kSame)
        .sample("f64(2,3)")
        .doc("Dropout, while training.");
    r.op("mx.Flatten(data)")
        .composite([](Call& c) { c.out.push_back(flattened(c.in[0])); })
        .symbol(&kFlatten)
        .sample("f64(2,3,2)")
        .doc("All axes but the first as one.");
    r.op("mx.Reshape(data, shape: ints = (), reverse: bool = False, target_shape: ints = None, keep_highest: bool = "
         "False)")
        .composite([](Call& c) {
            c.out.push_back(ops::reshape(c.in[0], view(mxnet_shape(c.in[0].dims(), c.ints(1), c.flag(2)))));
        })
        .symbol(&kReshape)
        .sample("f64(2,3,4), (0,-3)")
        .doc("MXNet's reshape: 0 keeps a size, -1 takes the rest, -2 keeps all others, -3 joins two, -4 splits one.");
    r.op("mx.Concat(data: arrays, dim: int = 1, num_args: int = 0)")
        .composite([](Call& c) { c.out.push_back(call(MINPY_OP("concatenate"), c.arrays(0), c.integer(1))); })
        .symbol(&kConcat)
        .sample("[f64(2,3), f64(2,1)]")
        .doc("Arrays joined along an axis.");
    r.op("mx.SliceChannel(data, num_outputs: int, axis: axis = 1, squeeze_axis: bool = False)")
        .composite(slice_channel)
        .symbol(&kSliceChannel)
        .outputs(0)
        .sample("f64(2,4), 2")
        .doc("Equal parts along an axis.");
    r.op("mx.Embedding(data, weight, input_dim: int = 0, output_dim: int = 0, dtype: dtype = None)")
        .composite([](Call& c) { c.out.push_back(call(MINPY_OP("embedding"), c.in[0], c.in[1])); })
        .symbol(&kEmbedding)
        .sample("i64(4), f64(5,3)")
        .doc("Rows of a table by number.");
    r.op("mx.SoftmaxActivation(data, mode: str = 'instance')")
        .composite([](Call& c) {
            const Array& x = c.in[0];
            std::string_view mode = c.text(1);
            if (mode != "instance" && mode != "channel")
                throw value_error("mode must be 'instance' or 'channel', got '", mode, "'").in_argument("mode");
            c.out.push_back(mode == "channel" ? call(MINPY_OP("softmax"), x, 1)
                                              : ops::reshape(call(MINPY_OP("softmax"), flattened(x), 1), x.shape()));
        })
        .symbol(&kSame)
        .sample("f64(2,3)")
        .doc("softmax over all axes but the first, or over the channels.");

    // Loss layers have a gradient, and no derivative in forward mode: why_not names the loss.
    r.op("mx.SoftmaxOutput(data, label, grad_scale: float = 1.0, ignore_label: float = -1.0, multi_output: bool = "
         "False, "
         "use_ignore: bool = False, preserve_shape: bool = False, normalization: str = 'null', out_grad: bool = False)")
        .composite(as_one_node<softmax_output>)
        .reverse(softmax_output_reverse)
        .symbol(&kSoftmaxOutput)
        .doc("softmax, whose gradient is that of the cross entropy with the label.")
        .op()
        .why_not = "the gradient is that of the cross entropy with the label, whatever comes from above";
    r.alias("mx.Softmax", "mx.SoftmaxOutput");
    r.op("mx.LinearRegressionOutput(data, label, grad_scale: float = 1.0)")
        .composite(as_one_node<unchanged>)
        .reverse(regression_reverse<false>)
        .symbol(&kRegression)
        .doc("The data, whose gradient is that of half the squared distance to the label.")
        .op()
        .why_not = "the gradient is that of half the squared distance to the label, whatever comes from above";
    r.op("mx.MAERegressionOutput(data, label, grad_scale: float = 1.0)")
        .composite(as_one_node<unchanged>)
        .reverse(regression_reverse<true>)
        .symbol(&kRegression)
        .doc("The data, whose gradient is that of the distance to the label.")
        .op()
        .why_not = "the gradient is that of the distance to the label, whatever comes from above";
    r.op("mx.LogisticRegressionOutput(data, label, grad_scale: float = 1.0)")
        .composite(as_one_node<logistic>)
        .reverse(regression_reverse<false>)
        .symbol(&kRegression)
        .doc("sigmoid, whose gradient is that of the cross entropy with the label.")
        .op()
        .why_not = "the gradient is that of the cross entropy with the label, whatever comes from above";
    r.op("mx.SVMOutput(data, label, margin: float = 1.0, regularization_coefficient: float = 1.0, use_linear: bool = "
         "False)")
        .composite(as_one_node<unchanged>)
        .reverse(svm_reverse)
        .symbol(&kSvm)
        .doc("The data, whose gradient is that of the hinge loss of one class against all.")
        .op()
        .why_not = "the gradient is that of the hinge loss with the label, whatever comes from above";
    r.op("mx.MakeLoss(data, grad_scale: float = 1.0, normalization: str = 'null', valid_thresh: float = 0.0)")
        .composite(as_one_node<unchanged>)
        .reverse(make_loss_reverse)
        .symbol(&kSame)
        .doc("The data as a loss: its gradient is grad_scale.")
        .op()
        .why_not = "the gradient is grad_scale, whatever comes from above";
    r.op("mx.BlockGrad(data)")
        .infer([](Call& c) { c.output(c.in[0].shape(), c.in[0].dtype()); })
        .kernel([](Call& c) { copy_into(c.out[0], c.in[0]); })
        .no_gradient()
        .symbol(&kSame)
        .doc("The data as a constant.");
    r.alias("mx.stop_gradient", "mx.BlockGrad");
    r.op("mx.Cast(data, dtype: dtype)")
        .composite([](Call& c) { c.out.push_back(ops::astype(c.in[0], c.dtype(1, DType::float32))); })
        .symbol(&kSame)
        .sample("f64(2,3), 'float64'")
        .doc("The data in another dtype.");
    for (const char* name : {"mx.Flatten", "mx.Reshape", "mx.Concat", "mx.SliceChannel", "mx.Cast"}) {
        std::string lower = name;
        for (char& c : lower) c = char(std::tolower(static_cast<unsigned char>(c)));
        r.alias(lower == "mx.slicechannel" ? "mx.split" : lower.c_str(), name);
    }

    for (const Arithmetic& a : kArithmetic) {
        std::string doc = cat("NumPy's ", a.core, ".");
        auto row = [&](const std::string& signature, void (*fn)(Call&), const SymbolTraits* traits) {
            RowBuilder b = r.op(signature.c_str()).composite(fn).symbol(traits).doc(doc.c_str());
            b.op().data = &a;
            if (a.compares) b.no_gradient();
        };
        row(cat("mx._", a.mxnet, "(lhs, rhs)"), with_symbol, &kBinary);
        row(cat("mx.broadcast_", a.mxnet, "(lhs, rhs)"), with_symbol, &kBroadcast);
        row(cat("mx._", a.mxnet, "_scalar(data, scalar: float)"), with_scalar, &kSame);
        row(cat("mx._r", a.mxnet, "_scalar(data, scalar: float)"), from_scalar, &kSame);
    }
    constexpr const char* kOther[][2] = {
        {"mx._Plus", "mx._plus"},
        {"mx._Minus", "mx._minus"},
        {"mx._Mul", "mx._mul"},
        {"mx._Div", "mx._div"},
        {"mx._Power", "mx._power"},
        {"mx.elemwise_add", "mx._plus"},
        {"mx.elemwise_sub", "mx._minus"},
        {"mx.elemwise_mul", "mx._mul"},
        {"mx.elemwise_div", "mx._div"},
        {"mx._PlusScalar", "mx._plus_scalar"},
        {"mx._MinusScalar", "mx._minus_scalar"},
        {"mx._MulScalar", "mx._mul_scalar"},
        {"mx._DivScalar", "mx._div_scalar"},
        {"mx._RMinusScalar", "mx._rminus_scalar"},
        {"mx._RDivScalar", "mx._rdiv_scalar"},
        {"mx._PowerScalar", "mx._power_scalar"},
        {"mx._RPowerScalar", "mx._rpower_scalar"},
        {"mx.broadcast_add", "mx.broadcast_plus"},
        {"mx.broadcast_sub", "mx.broadcast_minus"},
    };
    for (auto& [name, of] : kOther) r.alias(name, of);
    r.op("mx.ElementWiseSum(args: arrays, num_args: int = 0)")
        .composite([](Call& c) {
            if (c.in.empty()) throw value_error("at least one array is needed");
            Array sum = c.in[0];
            for (int64_t i = 1; i < c.in.size(); ++i) sum = sum + c.in[i];
            c.out.push_back(sum);
        })
        .symbol(&kSum)
        .sample("[f64(2,3), f64(2,3)]")
        .doc("The sum of arrays of one shape.");
    r.alias("mx.add_n", "mx.ElementWiseSum");
    for (const char* name : {"sum", "mean", "max", "min", "prod"}) {
        RowBuilder row = r.op(cat("mx.", name, "(data, axis: axes = None, keepdims: bool = False)").c_str())
                             .composite(reduce_as_mxnet)
                             .sample("f64(2,3)")
                             .doc("As NumPy's, but over everything it is of shape (1,).");
        row.op().data = name;
    }
}

}  // namespace minpy
