// Recurrent layers: tanh, relu, LSTM and GRU. One layer in one direction is a fused operator; what it equals is written
// down in terms of operators, and higher orders differentiate that. Several layers, both directions and MXNet's packed
// parameters are composites.
#include "core/cpu/recurrent.h"

#include "core/graph/traits.h"
#include "core/ops/floats.h"
#include "core/ops/fused.h"
#include "core/registry/registry.h"

namespace minpy {
namespace {

DimsView view(const Dims& d) { return {d.data(), size_t(d.size())}; }
using Names = std::vector<std::string>;

Recurrent::Mode mode_of(std::string_view mode) {
    if (mode == "rnn_relu") return Recurrent::Mode::relu;
    if (mode == "rnn_tanh") return Recurrent::Mode::tanh;
    if (mode == "lstm") return Recurrent::Mode::lstm;
    if (mode == "gru") return Recurrent::Mode::gru;
    throw value_error("mode must be 'rnn_relu', 'rnn_tanh', 'lstm' or 'gru', got '", mode, "'").in_argument("mode");
}
int64_t gates_of(Recurrent::Mode m) { return m == Recurrent::Mode::lstm ? 4 : m == Recurrent::Mode::gru ? 3 : 1; }

// ---- one layer: _recurrent(x, wx, wh, bx, bh, h0, c0, mode, backwards) gives y, c_last and what backward needs ----

constexpr int kOperands = 7;

Recurrent recurrent_of(DimsView x, DimsView h0, std::string_view mode, bool backwards, DType t) {
    Recurrent r{mode_of(mode), backwards, x[0], x[1], x[2], h0[1], nullptr, nullptr};
    const Loop *sigmoid = MINPY_OP("sigmoid").loops[int(t)], *tanh = MINPY_OP("tanh").loops[int(t)];
    if (sigmoid && tanh) r.sigmoid = sigmoid->run, r.tanh = tanh->run;
    return r;
}

// Checks the operands from position `first` on; returns the layer.
Recurrent checked(const Call& c, int64_t first, std::string_view mode, bool backwards, DType t) {
    auto in = [&](int64_t i) -> const Array& { return c.in[first + i]; };
    auto expect = [&](int64_t i, const Dims& shape, const char* what) {
        if (!in(i) || !same(in(i).shape(), view(shape)))
            throw shape_error(what, " must have shape ", shape, ", got ", in(i) ? to_string(in(i).shape()) : "None")
                .in_argument(what);
    };
    if (in(0).ndim() != 3)
        throw shape_error("the data must be (time, batch, inputs), got shape ", to_string(in(0).shape()))
            .in_argument("x");
    if (in(5).ndim() != 2)
        throw shape_error("h0 must be (batch, hidden), got shape ", to_string(in(5).shape())).in_argument("h0");
    Recurrent r = recurrent_of(in(0).shape(), in(5).shape(), mode, backwards, t);
    int64_t rows = checked_mul(r.gates(), r.hidden);
    expect(1, {rows, r.inputs}, "wx");
    expect(2, {rows, r.hidden}, "wh");
    expect(3, {rows}, "bx");
    expect(4, {rows}, "bh");
    expect(5, {r.batch, r.hidden}, "h0");
    if (r.mode == Recurrent::Mode::lstm) expect(6, {r.batch, r.hidden}, "c0");
    return r;
}

Array gate(const Array& gates, int64_t i, int64_t hidden) {
    return ops::slice(gates, gates.ndim() - 1, i * hidden, (i + 1) * hidden);
}

// What a layer equals: {y, c_last} of x, wx, wh, bx, bh, h0, c0.
Arrays unrolled(const Arrays& a, Recurrent::Mode mode, bool backwards) {
    auto sigmoid = [](const Array& x) { return call(MINPY_OP("sigmoid"), x); };
    int64_t steps = a[0].dim(0), hidden = a[5].dim(1);
    Array h = a[5], c = a[6], turned = ops::swap_last_axes(a[2]);
    Array all = ops::matmul(a[0], ops::swap_last_axes(a[1])) + a[3];
    std::vector<Array> results(static_cast<size_t>(steps));
    Dims line{1, h.dim(0), hidden}, rows{h.dim(0), all.dim(2)};
    for (int64_t i = 0; i < steps; ++i) {
        int64_t t = backwards ? steps - 1 - i : i;
        Array x = ops::reshape(ops::slice(all, 0, t, t + 1), view(rows)), s = ops::matmul(h, turned) + a[4];
        if (mode == Recurrent::Mode::tanh) {
            h = ops::tanh(x + s);
        } else if (mode == Recurrent::Mode::relu) {
            h = call(MINPY_OP("relu"), x + s);
        } else if (mode == Recurrent::Mode::lstm) {
            Array g = x + s;
            c = sigmoid(gate(g, 1, hidden)) * c + sigmoid(gate(g, 0, hidden)) * ops::tanh(gate(g, 2, hidden));
            h = sigmoid(gate(g, 3, hidden)) * ops::tanh(c);
        } else {
            Array r = sigmoid(gate(x, 0, hidden) + gate(s, 0, hidden));
            Array z = sigmoid(gate(x, 1, hidden) + gate(s, 1, hidden));
            Array fresh = ops::tanh(gate(x, 2, hidden) + r * gate(s, 2, hidden));
            h = fresh + z * (h - fresh);
        }
        results[size_t(t)] = ops::reshape(h, view(line));
    }
    Array y = steps ? ops::concatenate(results, 0) : ops::zeros(DimsView{line.data(), 3}, h.dtype(), h.device());
    return {y, c};
}

void infer_layer(Call& c) {
    DType t = floating(c);
    Recurrent r = checked(c, 0, c.text(7), c.flag(8), t);
    c.cast_all(t);
    Dims state{r.batch, r.hidden}, none{0};
    c.output(view(Dims{r.steps, r.batch, r.hidden}), t);
    c.output(r.mode == Recurrent::Mode::lstm ? view(state) : view(none), t);
    c.output(view(Dims{r.steps, r.batch, checked_mul(r.kept(), r.hidden)}), t);
}

template <class T> RecurrentArrays<T> arrays_of(const Floats& f, int64_t first) {
    auto in = [&](int64_t i) { return f.at<T>(f.in, first + i); };
    return {in(0), in(1), in(2), in(3), in(4), in(5), in(6), nullptr, nullptr, nullptr};
}

void run_layer(Call& c) {
    Floats f(c);
    Recurrent r = recurrent_of(c.in[0].shape(), c.in[5].shape(), c.text(7), c.flag(8), f.t);
    for_dtype<kFloat>(f.t, [&]<class T> {
        RecurrentArrays<T> a = arrays_of<T>(f, 0);
        a.y = f.at<T>(f.out, 0), a.c_last = f.at<T>(f.out, 1), a.kept = f.at<T>(f.out, 2);
        recurrent_forward(r, a);
    });
    f.finish(c);
}

// _recurrent_backward(gy, gc, x, wx, wh, bx, bh, h0, c0, y, kept, mode, backwards)
void infer_layer_backward(Call& c) {
    DType t = floating(c);
    Recurrent r = checked(c, 2, c.text(11), c.flag(12), t);
    Dims y{r.steps, r.batch, r.hidden}, kept{r.steps, r.batch, checked_mul(r.kept(), r.hidden)};
    for (int64_t i : {0, 9})
        if (c.in[i] && !same(c.in[i].shape(), view(y)))
            throw shape_error(c.op.params[size_t(i)].name, " must have shape ", y, ", got ",
                              to_string(c.in[i].shape()));
    if (!same(c.in[10].shape(), view(kept)))
        throw shape_error("kept must have shape ", kept, ", got ", to_string(c.in[10].shape()));
    if (c.in[1] && r.mode == Recurrent::Mode::lstm && !same(c.in[1].shape(), c.in[8].shape()))
        throw shape_error("gc must have shape ", to_string(c.in[8].shape()), ", got ", to_string(c.in[1].shape()));
    c.cast_all(t);
    for (int64_t i = 2; i < 8; ++i) c.output(c.in[i].shape(), t);
    Dims none{0};
    c.output(r.mode == Recurrent::Mode::lstm ? c.in[8].shape() : view(none), t);
}

void run_layer_backward(Call& c) {
    Floats f(c);
    Recurrent r = recurrent_of(c.in[2].shape(), c.in[7].shape(), c.text(11), c.flag(12), f.t);
    for_dtype<kFloat>(f.t, [&]<class T> {
        RecurrentArrays<T> a = arrays_of<T>(f, 2);
        a.y = f.at<T>(f.in, 9), a.kept = f.at<T>(f.in, 10);
        auto out = [&](int64_t i) { return f.at<T>(f.out, i); };
        recurrent_backward(r, a,
                           RecurrentCotangents<T>{f.at<T>(f.in, 0), f.at<T>(f.in, 1), out(0), out(1), out(2), out(3),
                                                  out(4), out(5), out(6)});
    });
    f.finish(c);
}

void layer_reverse(Reverse& c) {
    minpy_value args[13];
    Array seeds[2] = {c.has_g(0) ? c.g(0) : Array(), c.has_g(1) ? c.g(1) : Array()};
    if (!seeds[0] && !seeds[1]) return;
    Arrays held;
    for (const Array& s : seeds) held.push_back(s);
    for (int64_t i = 0; i < kOperands; ++i) held.push_back(c.in(i));
    held.push_back(without_node(c.out(0)));
    held.push_back(without_node(c.out(2)));
    for (int64_t i = 0; i < held.size(); ++i) args[i] = to_value(held[i]);
    args[11] = c.arg(7), args[12] = c.arg(8);
    Arrays found = invoke(MINPY_OP("_recurrent_backward"), args);
    for (int64_t i = 0; i < kOperands; ++i)
        if (c.needs(i)) c.set(i, found[i]);
}

// The backward as a function of gy, gc, x, ..., c0, in terms of operators.
void layer_backward_reverse(Reverse& c) {
    Recurrent::Mode mode = mode_of(string_of(c.arg(11)));
    bool backwards = c.flag(12);
    reverse_of(c, 2 + kOperands, [&](const Arrays& a) {
        Arrays operands;
        bool wanted[kOperands];
        for (int64_t i = 0; i < kOperands; ++i) {
            operands.push_back(a[2 + i]);
            wanted[i] = bool(a[2 + i]);
        }
        Array seeds[2] = {a[0], a[1]};
        Arrays found =
            cotangents_of(operands, wanted, seeds, [&](const Arrays& o) { return unrolled(o, mode, backwards); });
        for (int64_t i = 0; i < kOperands; ++i)
            if (!found[i] && a[2 + i]) found[i] = ops::zeros(a[2 + i].shape(), a[2 + i].dtype(), a[2 + i].device());
        return found;
    });
}

// ---- layers, directions, packed parameters ----

struct Layers {
    Recurrent::Mode mode;
    int64_t hidden, layers, directions, gates;
    Layers(std::string_view mode, int64_t hidden, int64_t layers, bool bidirectional)
        : mode(mode_of(mode)),
          hidden(hidden),
          layers(layers),
          directions(bidirectional ? 2 : 1),
          gates(gates_of(this->mode)) {
        if (hidden < 1) throw value_error("state_size must be positive, got ", hidden).in_argument("state_size");
        if (layers < 1) throw value_error("num_layers must be positive, got ", layers).in_argument("num_layers");
    }
    int64_t rows() const { return checked_mul(gates, hidden); }
    int64_t inputs(int64_t layer, int64_t first) const { return layer ? hidden * directions : first; }
    // Weights of all layers and directions, each for the inputs and then for the state; then all biases.
    int64_t size(int64_t first) const {
        int64_t n = 0;
        for (int64_t layer = 0; layer < layers; ++layer)
            n = checked_add(n, checked_mul(directions * rows(), checked_add(inputs(layer, first), hidden + 2)));
        return n;
    }
};

// Attributes of `rnn` and of mx.RNN by name.
Layers layers_of(const Op& op, ValuesView args) {
    auto arg = [&](const char* name) -> const minpy_value& { return args[size_t(op.param(name))]; };
    return {string_of(arg("mode")), int_of(arg("state_size")), int_of(arg("num_layers")),
            int_of(arg("bidirectional")) != 0};
}

void rnn(Call& c) {
    Layers l = layers_of(c.op, {c.args.data(), size_t(c.args.size())});
    const Array &x = c.in[0], &parameters = c.in[1], &state = c.in[2], &cell = c.in[3];
    if (x.ndim() != 3)
        throw shape_error("the data must be (time, batch, inputs), got shape ", to_string(x.shape()))
            .in_argument("data");
    int64_t all = l.size(x.dim(2));
    if (parameters.ndim() != 1 || parameters.dim(0) != all)
        throw shape_error("parameters must have shape (", all, ",), got ", to_string(parameters.shape()))
            .in_argument("parameters");
    bool lstm = l.mode == Recurrent::Mode::lstm;
    Dims states{l.layers * l.directions, x.dim(1), l.hidden};
    if (!same(state.shape(), view(states)))
        throw shape_error("state must have shape ", states, ", got ", to_string(state.shape())).in_argument("state");
    if (lstm && (!cell || !same(cell.shape(), view(states))))
        throw shape_error("state_cell must have shape ", states, ", got ", cell ? to_string(cell.shape()) : "None")
            .in_argument("state_cell");
    double p = c.number(c.op.param("p"));
    int64_t at = 0, biases = all - l.layers * l.directions * 2 * l.rows();
    auto take = [&](int64_t& from, int64_t rows, int64_t columns) {
        Array part = ops::slice(parameters, 0, from, from + rows * columns);
        from += rows * columns;
        Dims shape{rows, columns};
        return ops::reshape(part, view(shape));
    };
    Dims one{x.dim(1), l.hidden}, vector{l.rows()};
    Array y = x;
    std::vector<Array> last, cells;
    for (int64_t layer = 0; layer < l.layers; ++layer) {
        if (layer && p > 0) y = call(MINPY_OP("dropout"), y, p);
        std::vector<Array> sides;
        for (int64_t side = 0; side < l.directions; ++side) {
            int64_t i = layer * l.directions + side;
            Array wx = take(at, l.rows(), l.inputs(layer, x.dim(2))), wh = take(at, l.rows(), l.hidden);
            Array bx = ops::reshape(take(biases, l.rows(), 1), view(vector)),
                  bh = ops::reshape(take(biases, l.rows(), 1), view(vector));
            Array h0 = ops::reshape(ops::slice(state, 0, i, i + 1), view(one)),
                  c0 = lstm ? ops::reshape(ops::slice(cell, 0, i, i + 1), view(one)) : Array();
            Array operands[] = {y, wx, wh, bx, bh, h0, c0};
            minpy_value args[kOperands + 2];
            for (int k = 0; k < kOperands; ++k) args[k] = to_value(operands[k]);
            args[7] = c.args[c.op.param("mode")], args[8] = to_value(side == 1);
            CallOptions with;
            with.context = &c.context;
            Arrays found = invoke(MINPY_OP("_recurrent"), args, with);
            Dims line{1, x.dim(1), l.hidden};
            int64_t end = side ? 0 : x.dim(0) - 1;
            last.push_back(x.dim(0) ? ops::slice(found[0], 0, end, end + 1) : ops::reshape(h0, view(line)));
            if (lstm) cells.push_back(ops::reshape(found[1], view(line)));
            sides.push_back(found[0]);
        }
        y = l.directions == 1 ? sides[0] : ops::concatenate(sides, 2);
    }
    c.out.push_back(y);
    if (!c.flag(c.op.param("state_outputs"))) return;
    c.out.push_back(last.size() == 1 ? last[0] : ops::concatenate(last, 0));
    if (lstm) c.out.push_back(cells.size() == 1 ? cells[0] : ops::concatenate(cells, 0));
}

bool is_lstm(const Op& op, ValuesView args) { return string_of(args[size_t(op.param("mode"))]) == "lstm"; }

const SymbolTraits kRnn{[](const Op& op, ValuesView args) {
                            return is_lstm(op, args) ? Names{"data", "parameters", "state", "state_cell"}
                                                     : Names{"data", "parameters", "state"};
                        },
                        0,
                        [](const Op& op, ValuesView args) {
                            bool states = int_of(args[size_t(op.param("state_outputs"))]) != 0;
                            return states ? is_lstm(op, args) ? 3 : 2 : 1;
                        },
                        [](NodeShapes& n) {
                            if (!n.known(0)) return;
                            if (n.shape(0).size() != 3)
                                throw shape_error("the data must be (time, batch, inputs), got ", n.shape(0));
                            Layers l = layers_of(n.op, n.args);
                            Dims out = n.shape(0), states{checked_mul(l.layers, l.directions), out[1], l.hidden};
                            n.set_in(1, {l.size(out[2])});
                            n.set_in(2, states);
                            if (n.in.size() > 3) n.set_in(3, states);
                            out[2] = checked_mul(l.hidden, l.directions);
                            n.set_out(0, out);
                            for (size_t i = 1; i < n.out.size(); ++i) n.set_out(i, states);
                        }};

}  // namespace

void register_recurrent(Registry& r) {
    r.op("_recurrent(x, wx, wh, bx, bh, h0, c0: array?, mode: str, backwards: bool)")
        .outputs(3)
        .infer(infer_layer)
        .kernel(run_layer)
        .reverse(layer_reverse)
        .doc("One recurrent layer in one direction: the states of all steps, the last cell, and what backward needs.");
    r.op("_recurrent_backward(gy: array?, gc: array?, x, wx, wh, bx, bh, h0, c0: array?, y, kept, mode: str, "
         "backwards: bool)")
        .outputs(7)
        .infer(infer_layer_backward)
        .kernel(run_layer_backward)
        .reverse(layer_backward_reverse)
        .saves(true, false)
        .doc("The transpose of _recurrent; y and kept are its results.");
#define MINPY_RNN                                                                                                    \
    "(data, parameters, state, state_cell: array? = None, state_size: int = 0, num_layers: int = 1, bidirectional: " \
    "bool = False, mode: str = 'lstm', p: float = 0.0, state_outputs: bool = False)"
    r.op("rnn" MINPY_RNN)
        .composite(rnn)
        .outputs(0)
        .sample("f64(3,2,2), f64(21), f64(1,2,3), state_size=3, mode='rnn_tanh', state_outputs=True")
        .sample("f64(3,2,2), f64(48), f64(1,2,2), f64(1,2,2), state_size=2, state_outputs=True")
        .sample("f64(2,2,2), f64(36), f64(1,2,2), state_size=2, mode='gru'")
        .sample("f64(2,2,2), f64(224), f64(4,2,2), f64(4,2,2), state_size=2, num_layers=2, bidirectional=True")
        .doc(
            "Recurrent layers, 'rnn_relu', 'rnn_tanh', 'lstm' or 'gru', over (time, batch, inputs). All weights are in "
            "one vector: of each layer and direction those for the inputs, then for the state, gates i, f, g, o of an "
            "LSTM and r, z, n of a GRU; then the biases likewise. Results: the states of all steps and, asked for, the "
            "last states.");
    r.op("mx.RNN" MINPY_RNN)
        .composite(rnn)
        .outputs(0)
        .symbol(&kRnn)
        .sample("f64(3,2,2), f64(36), f64(1,2,2), state_size=2, mode='gru', state_outputs=True")
        .doc("Recurrent layers with all parameters in one vector.");
#undef MINPY_RNN
}

}  // namespace minpy
