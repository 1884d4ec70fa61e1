// An operator is a row: its schema, how it computes, its derivative, and whatever other parts want to know about it. Rows
// are written in core/ops/<family>.cc through Registry and RowBuilder (core/registry/registry.h).
#pragma once
#include <atomic>
#include <string>
#include <vector>

#include "core/array/array.h"
#include "core/cpu/loops.h"
#include "core/registry/values.h"

namespace minpy {

class Call;      // core/registry/call.h
struct Reverse;  // core/autograd/rules.h
struct Partial;
struct Op;
struct SymbolTraits;  // core/graph/traits.h

enum class ParamKind : int32_t {
    array = 1,
    arrays,
    boolean,
    integer,
    floating,
    string,
    ints,
    axis,
    axes,
    dtype,
    scalar,
    device,
    floats,
    index,
    function,
    value,
};
const char* name(ParamKind kind);

struct Param {
    std::string name;
    ParamKind kind = ParamKind::array;
    bool optional = false;  // NONE is allowed
    bool has_default = false;
    bool positional_only = false;
    bool keyword_only = false;
    Values default_value;  // one value
};

// A step of a slope: an element-wise operator of one operand, or of that and a number on one side.
struct SlopeStep {
    enum Side { alone, left, right };
    const char* name;
    Side number_at = alone;
    double number = 0;
    const Op* op = nullptr;  // found when all rows are there
};

struct Op {
    // ---- schema ----
    std::string name, signature, doc, family;
    std::vector<Param> params;
    bool has_attributes = false;       // a parameter that is no array
    std::vector<std::string> samples;  // arguments for tests and documents: "f64(2,3), axis=1"
    std::string domain;                // where an element-wise operator is smooth: "(0.1, 4)"
    int n_outputs = 1;                 // 0: as many as the call gives
    bool list_result = false;

    // ---- how it computes: exactly one of these ----
    bool elementwise = false;             // by loops, chosen by `functor` and dtypes
    void (*infer)(Call&) = nullptr;       // shapes and dtypes; then a kernel runs
    void (*compute)(Call&) = nullptr;     // CPU only: makes outputs whose shape depends on values
    Array (*view)(Call&) = nullptr;       // a window on its first operand, or null if it must be a copy
    void (*composite)(Call&) = nullptr;   // in terms of other operators
    void (*cpu_kernel)(Call&) = nullptr;  // with infer
    bool takes_pending = false;           // it finds its first operand pending, and sees to that (core/fusion/absorb.h)
    int64_t (*workspace)(const Call&) = nullptr;  // of a kernel: bytes of scratch memory, which a plan sets aside
    // Tried first, without options or binding: the result of a small, plain call, or null.
    Array (*short_way)(ValuesView args) = nullptr;

    // ---- element-wise ----
    std::string functor;
    int n_in = 0;
    DType (*types)(DType common) = nullptr;  // where the search for a loop starts; a dtype with a loop stays; may throw
    const Loop* loops[kNumDTypes] = {};      // by dtype of the operands; null where none
    DTypes loop_types = 0;
    uint32_t fixed = 0;                    // bit i: operand i has the same type in every loop, and no say in which
    std::vector<const Loop*> mixed;        // for two types that meet in none of `loops` (int64 with uint64)
    void (*check)(const Call&) = nullptr;  // refuses values, in loops of `checked` dtypes
    DTypes checked = 0;

    // ---- derivative ----
    enum class Gradient { missing, partial, linear, reverse, composite, none, not_differentiable };
    Gradient gradient = Gradient::missing;
    std::vector<Array (*)(Partial&)> partials;  // d out / d in[i]; null: zero
    bool has_slope = false;                     // the only partial is `slope`, from what is saved
    std::vector<SlopeStep> slope;
    void (*reverse)(Reverse&) = nullptr;           // also the transpose of a linear one
    std::string why_not;                           // of not_differentiable
    bool save_inputs = true, save_outputs = true;  // what the rule reads

    // ---- properties ----
    bool scalar_result = false;  // in Python a 0-d result becomes a NumPy scalar
    bool random = false;
    bool c_function = false;  // has a typed C function, of these parameters ("a axis"; empty: the required ones)
    std::string c_params;
    const void* data = nullptr;            // what a foreign operator needs
    const SymbolTraits* symbol = nullptr;  // as a node of graphs

    int32_t index = 0;                           // in order of registration
    mutable std::atomic<uint64_t> cpu_calls{0};  // that no thread has in its table (core/registry/tally.h)
    mutable uint64_t calls_before = 0;           // at the last reset

    int param(const char* name) const;  // position, or -1
};

}  // namespace minpy
