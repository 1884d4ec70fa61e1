// Function: what a minpy_function handle points to: a callable over values. Foreign ones run a caller's callbacks
// (core/registry/function.cc), others are executors of graphs (core/graph/executor.h).
#pragma once
#include "core/registry/call.h"

namespace minpy {

class Function : public Counted<Function> {
public:
    explicit Function(std::string name) : name(std::move(name)) {}
    virtual ~Function() = default;
    Function(const Function&) = delete;

    const std::string name;
    virtual Arrays call(ValuesView args, const CallOptions& options) = 0;
    // How many results a call gives; 0 if only the call can tell.
    virtual int n_results() const { return 0; }
    // What there is to say about its plans, as JSON.
    virtual std::string report() const { return "{}"; }
    // The derivative of a call that the tape has as one node (the row "_call").
    virtual void pull_back(Reverse& c);
};
inline minpy_value to_value(const Function& f) { return pointer_value(MINPY_V_FUNCTION, &f, 0); }
inline Function& function_of(const minpy_value& v) { return *static_cast<Function*>(const_cast<void*>(v.v.p)); }

// minpy_call_fn: status out, results owned by us.
using ForeignCall = minpy_status (*)(void* payload, const minpy_value* args, int32_t n_args, minpy_value* results,
                                     int32_t* n_results);

// Callbacks of another language. With `backward`, a call is one node on the tape whose derivative it is; without, the
// tape sees what `forward` computes.
class ForeignFunction final : public Function {
public:
    // Takes the payload.
    ForeignFunction(const char* name, void* payload, minpy_destroy_fn destroy, ForeignCall forward,
                    ForeignCall backward)
        : Function(name ? name : ""), payload_(payload), destroy_(destroy), forward_(forward), backward_(backward) {}
    ~ForeignFunction() override;

    Arrays call(ValuesView args, const CallOptions& options) override;
    void pull_back(Reverse& c) override;
    bool has_backward() const { return backward_ != nullptr; }
    // One run of a callback, on this thread with the current context; null results for NONE.
    Arrays run_forward(ValuesView args) const { return run(forward_, args); }
    Arrays run_backward(ValuesView args) const { return run(backward_, args); }

private:
    Arrays run(ForeignCall callback, ValuesView args) const;
    void* payload_;
    minpy_destroy_fn destroy_;
    ForeignCall forward_, backward_;
};

// The row "_call" (core/ops/internal.cc), which stands for calls of functions with a derivative of their own on tapes.
void call_function(Call& c);
void pull_back_function(Reverse& c);

// A new row whose calls run `f`, and a kernel of an existing operator for a kind of device.
const Op& register_foreign_op(const char* signature, const char* doc, Ref<Function> f);
void register_foreign_kernel(const char* op, int32_t device_kind, Ref<Function> f);

}  // namespace minpy
