// MXNet's loss layers: results with a gradient of their own, which ignores what comes from above.
#include "core/autograd/node.h"
#include "core/ops/mx.h"
#include "core/registry/registry.h"

namespace minpy {
namespace {

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
    auto flag = [&](const char* name) { return int_of(args[size_t(op.param(name))]) != 0; };
    return {x, flag("multi_output"), flag("preserve_shape")};
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
void logistic(Call& c) { c.out.push_back(call(MINPY_OP("sigmoid"), c.in[0])); }

}  // namespace

void register_mx_losses(Registry& r) {
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
}

}  // namespace minpy
