// The arithmetic of MXNet's symbols, and its reductions.
#include "core/ops/mx.h"
#include "core/registry/registry.h"

namespace minpy {
namespace {

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

void register_mx_arithmetic(Registry& r) {
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
