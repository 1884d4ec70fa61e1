#include "core/autograd/slopes.h"

#include "core/cpu/elementwise.h"
#include "core/ops/calls.h"
#include "core/registry/dispatch.h"
#include "core/registry/registry.h"
#include "core/registry/statistics.h"

namespace minpy {
namespace {

constexpr int64_t kSmall = 64;  // elements that are kept on the stack

uint32_t run_step(const Loop& loop, char** p, uint32_t scalars, int64_t n) {
    if (!loop.hardware_flags) return loop.run(p, scalars, n);
    HardwareFlags flags;
    loop.run(p, scalars, n);
    return flags.take();
}

// Of one dtype throughout.
const Loop* loop_of(const Op& op, DType t) {
    const Loop* loop = op.loops[int(t)];
    if (!loop || in(t, op.checked)) return nullptr;
    for (int i = 0; i <= loop->n_in; ++i)
        if (loop->types[i] != t) return nullptr;
    return loop;
}

bool is_own(const Array& a) {
    constexpr uint32_t kInTheWay = Storage::kExposed | Storage::kReadOnly | Storage::kRead | Storage::kTraced;
    const ArrayBody* b = a.get();
    return b->refs.load(std::memory_order_acquire) == 1 && b->storage->refs.load(std::memory_order_acquire) == 1 &&
           !b->storage->has(kInTheWay) && !b->storage->is_saved();
}

}  // namespace

Array slope_partial(Partial& c) {
    const Op& op = *c.node.op;
    Array d = op.save_inputs ? c.in(0) : c.out();
    for (const SlopeStep& step : op.slope)
        d = step.number_at == SlopeStep::alone  ? call(*step.op, d)
            : step.number_at == SlopeStep::left ? call(*step.op, step.number, d)
                                                : call(*step.op, d, step.number);
    return d;
}

bool may_take_slopes(const TapeTag& tape, const Context& context) {
    return tape.state && !tape.records() && !any_records(context) && !observed.load(std::memory_order_relaxed);
}

Array scale_by_slope(const Node& node, Array& g, bool use_up) {
    static const Op& scale = MINPY_OP("_scale_cotangent");
    const Op& op = *node.op;
    const ArrayBody* x = (op.save_inputs ? node.saved_in() : node.saved_out()).front().get().get();
    const ArrayBody* y = g.get();
    DType t = y->dtype;
    int64_t n = x->size;
    if (n > kSmall || x->dtype != t || node.in_meta()[0].dtype != t || !is_ready(x) || !is_ready(y) ||
        !has_shape(y, {x->shape, size_t(x->ndim)}))
        return {};
    // An operand may be on another tape as well.
    if ((x->node && x->node->tape != node.tape && x->node->tape.records()) || y->node) return {};
    const Loop* last = loop_of(scale, t);
    if (!last) return {};
    alignas(64) char slope[kSmall * 16];
    alignas(16) char number[16];
    char* at = x->storage->data + x->offset;
    uint32_t raised = 0;
    for (const SlopeStep& step : op.slope) {
        const Loop* loop = loop_of(*step.op, t);
        if (!loop) return {};
        if (step.number_at == SlopeStep::alone) {
            char* p[] = {at, slope};
            raised |= run_step(*loop, p, 0, n);
        } else {
            bool left = step.number_at == SlopeStep::left;
            store_number(to_value(step.number), t, number);
            char* p[] = {left ? number : at, left ? at : number, slope};
            raised |= run_step(*loop, p, left ? 1 : 2, n);
        }
        at = slope;
        count_call(*step.op);
    }
    Array out = use_up && is_own(g) ? std::move(g) : empty({x->shape, size_t(x->ndim)}, t);
    char* p[] = {y->storage->data + y->offset, at, out.raw()};
    last->run(p, 0, n);
    count_call(scale);
    if (raised) thread_state().fp_status |= raised;
    return out;
}

}  // namespace minpy
