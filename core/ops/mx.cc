// MXNet's layers under their names ("mx.Convolution"): composites over core operators with its attributes, defaults and
// shapes, and what graphs want to know of them. Graphs look here first when they are asked for an operator.
#include "core/ops/mx.h"
#include "core/autograd/node.h"
#include "core/registry/registry.h"

namespace minpy {
namespace {

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
}

}  // namespace minpy
