#include "core/fusion/plan.h"

#include "core/cpu/streaming.h"

namespace minpy {
namespace {

// Bytes that the slots of a block may take together: the first-level cache, less a little for the stack.
constexpr int64_t kCache = 40 << 10;
constexpr int64_t kLongestBlock = 1024, kShortestBlock = 256;

// Axes of `shape` without those of one element, neighbours merged where all operands allow; returns the strides by
// [axis][operand].
Dims merge_axes(DimsView shape, std::span<const DimsView> operands, SmallVector<int64_t, 16>& strides) {
    Dims merged;
    int64_t n = int64_t(operands.size());
    for (size_t axis = 0; axis < shape.size(); ++axis) {
        if (shape[axis] == 1) continue;
        int64_t last = merged.size() - 1;
        bool merge = last >= 0;
        for (int64_t k = 0; merge && k < n; ++k)
            merge = strides[last * n + k] == operands[size_t(k)][axis] * shape[axis];
        if (merge) merged[last] *= shape[axis];
        else merged.push_back(shape[axis]);
        for (int64_t k = 0; k < n; ++k) {
            if (merge) strides[last * n + k] = operands[size_t(k)][axis];
            else strides.push_back(operands[size_t(k)][axis]);
        }
    }
    return merged;
}

}  // namespace

int64_t common_run(DimsView shape, std::span<const Array> rows) {
    SmallVector<DimsView, 4> operands;
    for (const Array& a : rows) operands.push_back(a.strides());
    SmallVector<int64_t, 16> strides;
    Dims merged = merge_axes(shape, {operands.data(), size_t(operands.size())}, strides);
    return merged.empty() ? 1 : merged.back();
}

int16_t Plan::add(Slot s) {
    slots.push_back(s);
    return int16_t(slots.size() - 1);
}

// Registers are slots that come back when their last reader has run.
int16_t Plan::take_register() {
    if (!free_.empty()) {
        int16_t r = free_.back();
        free_.pop_back();
        return r;
    }
    return add({Slot::reg, nullptr, n_registers_++, 0});  // the step becomes bytes when the block is known
}

void Plan::lay_out_rows(const Group& group) {
    size = group.size;
    if (row_strides.empty()) {
        run = size;
        shape.push_back(size);
        return;
    }
    DimsView all(group.row_shape.data(), size_t(group.row_shape.size()));
    shape = merge_axes(all, row_strides, strides);
    run = shape.back();
}

Plan::Plan(const Group& group) {
    int n_nodes = int(group.nodes.size());
    free_.reserve(size_t(4 * n_nodes));
    // The last node that reads each node's result.
    std::vector<int> last(size_t(n_nodes), -1);
    auto inside = [&](const Array& a) -> const Deferred* {
        const Deferred* p = a.storage().producer;
        return p && p->group == &group ? p : nullptr;
    };
    for (int k = 0; k < n_nodes; ++k)
        for (const Deferred::Input& in : group.nodes[size_t(k)]->inputs)
            if (const Deferred* p = inside(in.array)) last[size_t(p->place)] = k;

    std::vector<int16_t> home(size_t(n_nodes), -1);
    struct Known {  // operands from outside, so that each has one slot
        const char* data;
        Deferred::Access access;
        DType dtype;
        int16_t slot;
    };
    std::vector<Known> known;
    for (int k = 0; k < n_nodes; ++k) {
        const Deferred& d = *group.nodes[size_t(k)];
        Step step{d.loop, nullptr, k, int32_t(d.inputs.size()) + 1, 0, {}, 0, 0};
        for (int64_t i = 0; i < d.inputs.size(); ++i) {
            const Array& a = d.inputs[i].array;
            Deferred::Access access = d.inputs[i].access;
            DType type = d.loop ? d.loop->types[i] : a.dtype();
            int16_t slot = -1;
            if (const Deferred* p = inside(a)) {
                slot = home[size_t(p->place)];
            } else {
                for (const Known& e : known)
                    if (e.data == a.raw() && e.access == access && e.dtype == a.dtype() &&
                        access != Deferred::Access::rows)
                        slot = e.slot;
                if (slot < 0) {
                    if (access == Deferred::Access::one) {
                        slot = add({Slot::one, a.raw(), 0, 0});
                    } else if (access == Deferred::Access::linear) {
                        slot = add({Slot::linear, a.raw(), a.itemsize(), 0});
                        in_memory_ += a.itemsize();
                    } else {
                        slot = add({Slot::rows, a.raw(), 0, int32_t(row_strides.size())});
                        row_strides.push_back(a.strides());
                    }
                    known.push_back({a.raw(), access, a.dtype(), slot});
                }
            }
            widest_ = std::max({widest_, int64_t(itemsize(type)), a.itemsize()});
            step.slots[i] = slot;
        }
        int16_t result;
        if (group.kept[size_t(k)]) {
            char* to = d.into ? d.into.raw() : d.target->data;
            bool cached = false;  // as an operand that is read there
            for (const Known& e : known) cached = cached || (e.data == to && e.access == Deferred::Access::linear);
            if (!cached && d.size * itemsize(d.dtype) >= streaming_threshold()) {
                result = add({Slot::reg, nullptr, n_registers_++, 0});
                streamed.push_back({result, to, itemsize(d.dtype)});
            } else {
                result = add({Slot::linear, to, itemsize(d.dtype), 0});
                in_memory_ += itemsize(d.dtype);
            }
        } else if (group.handed == k) {
            result = add({Slot::handed, nullptr, itemsize(d.dtype), 0});
            in_memory_ += itemsize(d.dtype);
        } else {
            result = take_register();
        }
        home[size_t(k)] = result;
        step.slots[d.inputs.size()] = result;
        widest_ = std::max(widest_, int64_t(itemsize(d.dtype)));
        steps.push_back(step);
        for (const Deferred::Input& in : d.inputs) {
            const Deferred* p = inside(in.array);
            if (!p || last[size_t(p->place)] != k || group.kept[size_t(p->place)] || group.handed == p->place) continue;
            int16_t r = home[size_t(p->place)];
            if (std::find(free_.begin(), free_.end(), r) == free_.end()) free_.push_back(r);
        }
    }
    lay_out_rows(group);
    for (Slot& s : slots)
        if (s.kind == Slot::rows) s.step = strides[(shape.size() - 1) * int64_t(row_strides.size()) + s.row];

    // Conversions around the loops, now that it is known which rows are single elements of their runs.
    std::vector<Step> all;
    all.reserve(2 * steps.size());
    free_.clear();
    for (Step step : steps) {
        const Deferred& d = *group.nodes[size_t(step.node)];
        SmallVector<int16_t, 4> temporary;
        auto convert = [&](int16_t from, DType from_type, int16_t to, DType to_type, int64_t from_step, uint32_t one) {
            all.push_back({nullptr,
                           cast_function(from_type, to_type),
                           step.node,
                           2,
                           one,
                           {from, to},
                           from_step,
                           itemsize(to_type)});
        };
        for (int64_t i = 0; i < d.inputs.size(); ++i) {
            const Array& a = d.inputs[i].array;
            const Slot& s = slots[size_t(step.slots[i])];
            bool repeated = s.kind == Slot::one || (s.kind == Slot::rows && s.step == 0);
            bool one = repeated && d.inputs.size() > 1;  // a loop of one operand reads it element by element
            if (one) step.scalars |= 1u << i;
            bool packed = one || (!repeated && (s.kind != Slot::rows || s.step == a.itemsize()));
            if (!d.loop || (a.dtype() == d.loop->types[i] && packed)) continue;
            int64_t from_step = s.kind == Slot::rows ? s.step : repeated ? 0 : a.itemsize();
            int16_t r = take_register();
            temporary.push_back(r);
            convert(step.slots[i], a.dtype(), r, d.loop->types[i], from_step, one);
            step.slots[i] = r;
        }
        if (!d.loop) {
            const Slot& s = slots[size_t(step.slots[0])];
            int64_t from_step = s.kind == Slot::rows ? s.step : s.kind == Slot::one ? 0 : d.inputs[0].array.itemsize();
            convert(step.slots[0], d.inputs[0].array.dtype(), step.slots[1], d.dtype, from_step, 0);
            continue;
        }
        DType result = d.loop->types[d.inputs.size()];
        if (result == d.dtype) {
            all.push_back(step);
        } else {
            int16_t to = step.slots[d.inputs.size()], r = take_register();
            temporary.push_back(r);
            step.slots[d.inputs.size()] = r;
            widest_ = std::max(widest_, int64_t(itemsize(result)));
            all.push_back(step);
            convert(r, result, to, d.dtype, itemsize(result), 0);
        }
        for (int16_t r : temporary) free_.push_back(r);
    }
    steps.swap(all);
    free_ = {};

    int64_t bytes = n_registers_ * widest_ + in_memory_;
    block = kLongestBlock;
    while (block > kShortestBlock && block * bytes > kCache) block /= 2;
    for (Slot& s : slots)
        if (s.kind == Slot::reg) s.step *= block * widest_;
    scratch = n_registers_ * block * widest_;
}

}  // namespace minpy
