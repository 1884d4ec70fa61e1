// One call of an operator, as its row's functions see it: operands, attributes by position in the schema, results.
#pragma once
#include "core/registry/context.h"
#include "core/registry/op.h"

namespace minpy {

using Arrays = SmallVector<Array, 4>;

struct CallOptions {
    Context* context = nullptr;  // null: the thread's current one
    std::span<const Array> out;  // null entries allowed
    Array where;
    DType dtype = DType::none;
    Casting casting = Casting::same_kind;
    char order = 'K';
    uint32_t given_up = 0;  // bit i: argument i; if nobody else refers to its memory, the result may be put there
    bool last_use = false;  // the caller will hardly look at the operands again: pending ones need not be written
    bool any() const {
        return !out.empty() || where || dtype != DType::none || casting != Casting::same_kind || order != 'K';
    }
};

// An int or a list of ints; axes normalised, all of them for NONE.
Dims ints_from(const minpy_value& v);
Dims axes_from(const minpy_value& v, int64_t ndim);

class Call {
public:
    Call(const Op& op, Context& context, const CallOptions& options) : op(op), context(context), options(options) {}

    const Op& op;
    Context& context;
    const CallOptions& options;

    // Operands in schema order; a list parameter gives as many as it has; null for NONE. Numbers are 0-d arrays in their
    // default dtype, with `weak` saying that they bend.
    Arrays in;
    SmallVector<Weak, 4> weak;
    // All arguments by position in the schema, defaults filled in. Array parameters hold what was given.
    SmallVector<minpy_value, 8> args;
    SmallVector<int16_t, 8> first;  // index in `in` of each parameter's first operand
    Arrays out;
    Array workspace;  // of the kernel's row, set aside by a plan; null: it allocates

    // ---- attributes ----
    bool is_none(int i) const { return args[i].tag == MINPY_V_NONE; }
    bool flag(int i) const { return int_of(args[i]) != 0; }
    int64_t integer(int i) const { return int_of(args[i]); }
    double number(int i) const { return double_of(args[i]); }
    std::string_view text(int i) const { return string_of(args[i]); }
    Dims ints(int i) const { return ints_from(args[i]); }
    DType dtype(int i, DType otherwise) const { return is_none(i) ? otherwise : DType(args[i].v.i); }
    int64_t axis(int i, int64_t ndim) const { return normalize_axis(int_of(args[i]), ndim); }
    Dims axes(int i, int64_t ndim) const { return axes_from(args[i], ndim); }
    // ---- operands by parameter ----
    const Array& array(int i) const { return in[first[i]]; }
    int64_t count(int i) const { return (i + 1 < first.size() ? first[i + 1] : in.size()) - first[i]; }
    std::span<const Array> arrays(int i) const { return {in.data() + first[i], size_t(count(i))}; }

    // ---- for infer ----
    DType promoted() const;  // NumPy's result_type of all operands
    DType promoted(std::span<const int> which) const;
    // The kernel gets operand i in this dtype; the cast is recorded.
    void cast(int64_t i, DType t, Casting rule = Casting::unsafe);
    void cast_all(DType t) {
        for (int64_t i = 0; i < in.size(); ++i)
            if (in[i]) cast(i, t);
    }
    // One output; the dispatcher allocates it, or takes `out=` where it fits.
    void output(DimsView shape, DType t);
    struct Spec {
        Dims shape;
        DType dtype;
    };
    SmallVector<Spec, 2> specs;

    // ---- for composites: calls with this call's context ----
    template <class... A> Array call(const Op& other, const A&... a) const;
};

// ---- calling ----
// Runs any operator: binds, checks, dispatches, records. Results are `op.n_outputs` arrays, or as many as there are.
Arrays invoke(const Op& op, ValuesView args, const CallOptions& options = {});
// Without a look at the short ways (core/registry/dispatch.h).
Arrays invoke_long(const Op& op, ValuesView args, const CallOptions& options = {});
Array invoke_one(const Op& op, ValuesView args);  // of one result
const Op& find_op(std::string_view name);         // throws NOTFOUND naming what comes close

template <class... A> Array call(const Op& op, const A&... a) {
    minpy_value args[] = {to_value(a)..., none_value()};
    return invoke_one(op, ValuesView(args, sizeof...(a)));
}
template <class... A> Array Call::call(const Op& other, const A&... a) const {
    minpy_value args[] = {to_value(a)..., none_value()};
    CallOptions with;
    with.context = &context;
    return std::move(invoke(other, ValuesView(args, sizeof...(a)), with).front());
}

}  // namespace minpy
