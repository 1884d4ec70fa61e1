#include "core/graph/groups.h"

#include "core/fusion/absorb.h"
#include "core/registry/statistics.h"
#include "core/registry/thread_state.h"

namespace minpy {
namespace {

constexpr int64_t kSmallest = 1 << 13;  // elements from which a pass over blocks pays

DimsView view(const Dims& d) { return {d.data(), size_t(d.size())}; }

bool is_linear(const Window& w) { return is_c_contiguous(view(w.shape), view(w.strides), itemsize(w.dtype)); }

// Made by this step alone, contiguous, large; nothing to check before.
bool may_join(const Program& p, const Step& s) {
    if (s.kind != Step::elementwise || s.effects || s.out.size() != 1 || s.loop->n_out != 1) return false;
    if (s.op->check && in(s.loop->types[0], s.op->checked)) return false;
    const Window& out = p.window(s.out[0]);
    const Buffer& b = p.buffers[size_t(out.buffer)];
    return b.kind == Buffer::temporary && b.writes == 1 && is_linear(out) && size_of(view(out.shape)) >= kSmallest;
}

// Whether `s` folds the result `made` of a group in a way that a group can serve.
bool may_fold(const Program& p, const Step& s, const Window& made) {
    if (s.kind != Step::kernel || !s.op->takes_pending || s.effects || s.in.empty() || s.in[0] < 0) return false;
    for (int64_t i = 1; i < s.in.size(); ++i)
        if (s.in[i] >= 0) return false;  // a mask may be made by the same group
    const Window& w = p.window(s.in[0]);
    int64_t size = size_of(view(w.shape));
    if (w.buffer != made.buffer || w.offset != made.offset || w.dtype != made.dtype || !is_linear(w) ||
        size != size_of(view(made.shape)) || !suits_fold(size))
        return false;
    Array a =
        Array::on(Storage::create(size * itemsize(w.dtype), kCpu, false), 0, view(w.shape), view(w.strides), w.dtype);
    DType type = in(w.dtype, kShortFloat) ? DType::float32 : w.dtype;
    Dims axes = axes_from(s.args.view()[size_t(s.op->param("axis"))], a.ndim());
    return reads_runs(reduce_loop(Fold::max, type), a, view(axes), {}, {});
}

Window broadcast(const Window& w, const Dims& shape) {
    Window wide{w.buffer, w.offset, shape, Dims(shape.size(), 0), w.dtype};
    int64_t lead = shape.size() - w.shape.size();
    for (int64_t i = 0; i < w.shape.size(); ++i)
        if (w.shape[i] == shape[lead + i]) wide.strides[lead + i] = w.strides[i];
    return wide;
}

// A group while it grows.
class Growing {
public:
    Growing(const Program& p) : p_(p), inside_(p.buffers.size(), -1) {}
    void begin() {
        ++number_;
        size_ = -1;
        n_ = 0;
        row_shape_ = {};
    }
    // Whether the step reads what is inside at its own positions, and has rows of one shape.
    bool takes(const Step& s, bool first) const {
        const Window& out = p_.window(s.out[0]);
        if (!first && (size_of(view(out.shape)) != size_ || s.backward != backward_)) return false;
        bool rows = false;
        for (int32_t i : s.in) {
            const Window& w = p_.window(i);
            bool one = size_of(view(w.shape)) == 1, linear = is_linear(w) && w.shape == out.shape;
            if (inside_[size_t(w.buffer)] == number_) {
                const Window& made = p_.window(made_[size_t(w.buffer)]);
                if (!is_linear(w) || w.offset != made.offset || w.dtype != made.dtype || !(w.shape == out.shape))
                    return false;
            } else if (!one && !linear) {
                rows = true;
            }
        }
        if (!rows) return true;
        if (out.shape.empty() || out.shape.back() < kShortestRow) return false;
        return row_shape_.empty() || row_shape_ == out.shape;
    }
    void add(const Step& s) {
        const Window& out = p_.window(s.out[0]);
        size_ = size_of(view(out.shape));
        backward_ = s.backward;
        if (made_.empty()) made_.resize(p_.buffers.size());
        for (int32_t i : s.in) {
            const Window& w = p_.window(i);
            bool linear = is_linear(w) && w.shape == out.shape;
            if (inside_[size_t(w.buffer)] != number_ && size_of(view(w.shape)) != 1 && !linear) row_shape_ = out.shape;
        }
        inside_[size_t(out.buffer)] = number_;
        made_[size_t(out.buffer)] = s.out[0];
        ++n_;
    }
    bool folds(const Step& s) const {
        if (s.backward != backward_ || s.in.empty() || s.in[0] < 0) return false;
        int32_t buffer = p_.window(s.in[0]).buffer;
        return inside_[size_t(buffer)] == number_ && may_fold(p_, s, p_.window(made_[size_t(buffer)]));
    }
    int64_t count() const { return n_; }
    int32_t number() const { return number_; }

private:
    const Program& p_;
    std::vector<int32_t> inside_;  // by buffer: the group that makes it
    std::vector<int32_t> made_;    // and the window
    Dims row_shape_;
    int64_t size_ = -1, n_ = 0;
    int32_t number_ = -1;
    bool backward_ = false;
};

}  // namespace

void group_steps(Program& p) {
    p.count_writes();
    Growing g(p);
    size_t first = 0;
    g.begin();
    auto end = [&](size_t i, bool folds = false) {
        if (g.count() == 1 && !folds) p.steps[first].group = -1;
        first = i;
        g.begin();
    };
    for (size_t i = 0; i < p.steps.size(); ++i) {
        Step& s = p.steps[i];
        bool may = may_join(p, s);
        if (g.count() && !may && g.folds(s)) {
            s.group = g.number();
            end(i + 1, true);
            continue;
        }
        if (g.count() && !(may && g.takes(s, false))) end(i);
        if (!may || !g.takes(s, true)) continue;
        if (!g.count()) first = i;
        g.add(s);
        s.group = g.number();
    }
    end(p.steps.size());
    for (Step& s : p.steps)
        for (int32_t& i : s.in)
            if (s.group >= 0 && s.kind == Step::elementwise && size_of(view(p.window(i).shape)) != 1)
                i = p.add_window(broadcast(p.window(i), p.window(s.out[0]).shape));
}

std::vector<char> inner_buffers(const Program& p) {
    std::vector<char> inner(p.buffers.size());
    std::vector<int32_t> group(p.buffers.size(), -1);
    for (const Step& s : p.steps)
        if (s.group >= 0 && s.kind == Step::elementwise)
            for (int32_t w : s.out) {
                group[size_t(p.window(w).buffer)] = s.group;
                inner[size_t(p.window(w).buffer)] = true;
            }
    for (const Step& s : p.steps)
        for (int32_t w : s.in)
            if (w >= 0 && group[size_t(p.window(w).buffer)] != s.group) inner[size_t(p.window(w).buffer)] = false;
    for (const auto* list : {&p.results, &p.gradients})
        for (int32_t w : *list)
            if (w >= 0) inner[size_t(p.window(w).buffer)] = false;
    return inner;
}

ReadyGroup::ReadyGroup(const Program& p, size_t first, size_t last, std::span<const Array> windows,
                       const std::vector<char>& inner)
    : first_(first), last_(last) {
    std::unordered_map<int32_t, size_t> made;  // buffer to node
    for (size_t i = first; i < last; ++i) {
        const Step& s = p.steps[i];
        if (s.kind == Step::kernel) {
            const Window& w = p.window(s.in[0]);
            group_.handed = int32_t(made.at(w.buffer));
            Storage* target = targets_[size_t(group_.handed)].get();
            target->retain();
            folded_ = Array::on(target, 0, view(w.shape), view(w.strides), w.dtype);
            continue;
        }
        const Window& out = p.window(s.out[0]);
        auto d = std::make_unique<Deferred>();
        d->op = s.op;
        d->loop = s.loop;
        d->shape = out.shape;
        d->dtype = out.dtype;
        d->size = size_of(view(out.shape));
        for (int32_t w : s.in) {
            Deferred::Input in;
            if (auto it = made.find(p.window(w).buffer); it != made.end()) {
                const Deferred& from = *nodes_[it->second];
                from.target->retain();
                in.array = Array::on(from.target, 0, view(from.shape),
                                     c_strides(view(from.shape), itemsize(from.dtype)), from.dtype);
            } else {
                const Array& a = windows[size_t(w)];
                bool linear = a.is_contiguous() && same(a.shape(), view(out.shape));
                in.access = a.size() == 1 ? Deferred::Access::one
                            : linear      ? Deferred::Access::linear
                                          : Deferred::Access::rows;
                in.array = a;
                if (in.access == Deferred::Access::rows) group_.row_shape = out.shape;
            }
            d->inputs.push_back(std::move(in));
        }
        targets_.push_back(Ref<Storage>::adopt(Storage::create(d->size * itemsize(d->dtype), kCpu, false)));
        d->target = targets_.back().get();
        d->group = &group_;
        d->place = int32_t(nodes_.size());
        group_.size = d->size;
        group_.kept.push_back(!inner[size_t(out.buffer)]);
        made[out.buffer] = nodes_.size();
        outputs_.push_back(windows[size_t(s.out[0])]);
        nodes_.push_back(std::move(d));
    }
    for (const auto& d : nodes_) group_.nodes.push_back(d.get());
}

ReadyGroup::~ReadyGroup() {
    for (const Ref<Storage>& s : targets_) {
        if (!s) continue;
        s->data = nullptr;  // lent
        s->producer = nullptr;
    }
}

void ReadyGroup::begin() {
    for (size_t k = 0; k < nodes_.size(); ++k) {
        Storage& s = *targets_[k];
        s.data = group_.kept[k] ? outputs_[int64_t(k)].raw() : nullptr;
        s.producer = nodes_[k].get();
        nodes_[k]->group = &group_;
        count_call(*nodes_[k]->op);
    }
}

void ReadyGroup::end() {
    for (uint32_t raised : group_.flags) thread_state().fp_status |= raised;
}

void ReadyGroup::run() {
    begin();
    run_group(group_);
    end();
}

}  // namespace minpy
