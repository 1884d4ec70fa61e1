// From a bound call to a kernel: which device, which loop, where the result goes.
#pragma once
#include "core/registry/call.h"
#include "core/registry/statistics.h"

namespace minpy {

// NumPy's rules for the loop of an element-wise call. `dtype` forces the loop's.
struct Resolved {
    const Loop* loop;
    SmallVector<DType, 4> in;  // dtypes that operands are cast to (short floats as themselves)
    DType out;                 // dtype of the result
};
Resolved resolve_loop(const Call& call);

// C-contiguous on the CPU, its elements computed.
inline bool is_ready(const ArrayBody* b) {
    return b->contiguous && b->storage->device.is_cpu() && !b->storage->has(Storage::kPending | Storage::kPoisoned);
}

// One size after the other: memcmp loads several at once, and waits where they have just been stored one by one.
inline bool has_shape(const ArrayBody* a, DimsView shape) {
    if (size_t(a->ndim) != shape.size()) return false;
    for (int i = 0; i < a->ndim; ++i)
        if (a->shape[i] != shape[size_t(i)]) return false;
    return true;
}

// A contiguous CPU array that no tape follows and nothing is pending on: what the short ways take.
inline bool is_plain(const ArrayBody* b) { return is_ready(b) && !b->node && !b->storage->has(Storage::kTraced); }

// The short ways are for small, plain calls of one result, and give null for all others.
Array elementwise_short_way(const Op& op, ValuesView args, Context& context, ArrayBody* into = nullptr);
inline Array invoke_short(const Op& op, ValuesView args, Context& context) {
    if (observed.load(std::memory_order_relaxed)) return {};
    // Those of rows make new arrays on the CPU.
    Array out = op.elementwise                            ? elementwise_short_way(op, args, context)
                : op.short_way && context.device.is_cpu() ? op.short_way(args)
                                                          : Array();
    if (out) count_call(op);
    return out;
}
// A small element-wise call into an array of the caller's, where the loop itself can write it; else null.
Array invoke_into(const Op& op, ValuesView args, Context& context, ArrayBody* out);

// Runs a loop on ready CPU arrays into `out`, broadcasting and casting; returns MINPY_FP_*.
uint32_t run_loop(const Loop& loop, std::span<const Array> inputs, const Array& out);

void run_elementwise_call(Call& call);
void run_kernel_call(Call& call);   // rows with infer, on the device of the operands or the CPU
void run_compute_call(Call& call);  // rows with compute, on the CPU

// "float64(2,3), int64(2)": for error records.
std::string describe_operands(std::span<const Array> operands);

// Moves operands of other devices to `device`; a host array among device operands is counted.
void gather_operands(Call& call, Device device);
Device device_of_call(const Call& call);

// Puts results into the call's `out=` arrays: with casting rule, broadcasting, where, and the tape.
void deliver(Call& call);
// a[...] = value for arrays of equal shape, recorded; `value` may have another dtype.
void assign(const Array& to, const Array& value, Context& context);

}  // namespace minpy
