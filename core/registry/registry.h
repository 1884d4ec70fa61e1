// The table of operators, and the builder with which a family writes its rows.
#pragma once
#include <deque>
#include <memory>
#include <mutex>
#include <string_view>
#include <unordered_map>

#include "core/registry/call.h"

namespace minpy {

// One row under construction. Every function returns the row, so that it reads as a list of facts.
Array slope_partial(Partial& c);  // core/autograd/slopes.cc

class RowBuilder {
public:
    explicit RowBuilder(Op& op) : op_(&op) {}
    Op& op() { return *op_; }

    RowBuilder& doc(const char* text) { return op_->doc = text, *this; }
    RowBuilder& sample(const char* arguments) { return op_->samples.push_back(arguments), *this; }
    RowBuilder& domain(const char* interval) { return op_->domain = interval, *this; }
    RowBuilder& outputs(int n) { return op_->n_outputs = n, *this; }
    RowBuilder& list_result() { return op_->list_result = true, op_->n_outputs = 0, *this; }

    RowBuilder& infer(void (*fn)(Call&)) { return op_->infer = fn, *this; }
    RowBuilder& kernel(void (*fn)(Call&)) { return op_->cpu_kernel = fn, *this; }
    RowBuilder& takes_pending() { return op_->takes_pending = true, *this; }
    RowBuilder& workspace(int64_t (*fn)(const Call&)) { return op_->workspace = fn, *this; }
    RowBuilder& short_way(Array (*fn)(ValuesView)) { return op_->short_way = fn, *this; }
    RowBuilder& compute(void (*fn)(Call&)) { return op_->compute = fn, *this; }
    RowBuilder& view(Array (*fn)(Call&)) { return op_->view = fn, *this; }
    RowBuilder& composite(void (*fn)(Call&)) {
        op_->gradient = Op::Gradient::composite;
        return op_->composite = fn, *this;
    }
    RowBuilder& types(DType (*fn)(DType common)) { return op_->types = fn, *this; }
    // Throws where values of these dtypes are refused; called before the loop runs, with operands in the loop's dtype.
    RowBuilder& check(DTypes checked, void (*fn)(const Call&)) {
        return op_->checked = checked, op_->check = fn, *this;
    }

    // One partial derivative per operand, in terms of operators; null where it is zero.
    template <class... Fn> RowBuilder& partial(Fn... fn) {
        op_->gradient = Op::Gradient::partial;
        op_->partials = {static_cast<Array (*)(Partial&)>(fn)...};
        return *this;
    }
    // The same of an operator of one operand, as steps from the operand or from the result; nothing else is saved.
    RowBuilder& slope_from_operand(std::initializer_list<SlopeStep> steps) { return saves(true, false).slope(steps); }
    RowBuilder& slope_from_result(std::initializer_list<SlopeStep> steps) { return saves(false, true).slope(steps); }
    // Linear in all its differentiable operands together: the transpose; the forward rule is the operator itself.
    RowBuilder& linear(void (*transpose)(Reverse&)) {
        op_->gradient = Op::Gradient::linear;
        op_->save_inputs = op_->save_outputs = false;
        return op_->reverse = transpose, *this;
    }
    RowBuilder& reverse(void (*fn)(Reverse&)) {
        op_->gradient = Op::Gradient::reverse;
        return op_->reverse = fn, *this;
    }
    RowBuilder& no_gradient() { return op_->gradient = Op::Gradient::none, *this; }  // piecewise constant: zero
    RowBuilder& not_differentiable(const char* why) {
        op_->gradient = Op::Gradient::not_differentiable;
        return op_->why_not = why, *this;
    }
    // What the derivative reads; by default both.
    RowBuilder& saves(bool inputs, bool outputs) {
        return op_->save_inputs = inputs, op_->save_outputs = outputs, *this;
    }

    RowBuilder& scalar_result(bool yes = true) { return op_->scalar_result = yes, *this; }
    RowBuilder& random() { return op_->random = true, *this; }
    // A typed function in minpy.h with these parameters, frozen from its release on; by default those without a default.
    RowBuilder& c_function(const char* params = "") { return op_->c_function = true, op_->c_params = params, *this; }
    RowBuilder& symbol(const SymbolTraits* traits) { return op_->symbol = traits, *this; }

private:
    RowBuilder& slope(std::initializer_list<SlopeStep> steps) {
        op_->has_slope = true, op_->slope = steps;
        return partial(slope_partial);
    }
    Op* op_;
};

class Registry {
public:
    static Registry& get();  // with all families registered

    // A new row. The signature is NumPy's with the kinds of what are no arrays:
    //   "sum(a, axis: axes = None, dtype: dtype = None, keepdims: bool = False)"
    // Kinds: array (may be left out), array? (None allowed), arrays, bool, int, float, str, ints, axis, axes, dtype, scalar,
    // device, floats, index, function, value; a `?` allows None. "/" and "*" as in Python.
    RowBuilder op(const char* signature);
    // A row that others may look for while it is made: `fill` completes it before it is found.
    template <class F> const Op& add(const char* signature, F&& fill) {
        std::unique_ptr<Op> row = parsed(signature);
        check_free(*row);
        fill(RowBuilder(*row));
        return insert(std::move(row));
    }
    // Element-wise by the functor of that name in the family's header. In Python 0-d results become scalars.
    RowBuilder elementwise(const char* signature, const char* functor);
    void alias(const char* name, const char* of);
    void family(const char* name) { family_ = name; }

    const Op* find(std::string_view name) const;
    std::vector<const Op*> all() const;  // in order of registration
    std::string to_json(const Op& op) const;
    Op* find_for_change(std::string_view name) { return const_cast<Op*>(find(name)); }
    std::string close_to(std::string_view name) const;

private:
    Registry() = default;
    std::unique_ptr<Op> parsed(const char* signature) const;
    void check_free(const Op& row) const;
    Op& insert(std::unique_ptr<Op> row);
    mutable std::mutex mutex_;  // rows may be added while others look
    std::deque<std::unique_ptr<Op>> ops_;
    std::unordered_map<std::string, Op*> by_name_;
    std::string family_;
};

// The families, in the open: core/ops/families.cc calls one function of each.
void register_families(Registry& r);

}  // namespace minpy
