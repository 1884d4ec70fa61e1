// Runs a group's plan: every step on one block, then the next block, so that what lies between two operators stays in
// the first-level cache. The steps are the very loops of eager calls.
#include <atomic>

#include "core/cpu/elementwise.h"
#include "core/cpu/pool.h"
#include "core/fusion/plan.h"

namespace minpy {
namespace {

constexpr int64_t kParallel = 1 << 16;  // elements from which threads pay
constexpr int64_t kTask = 1 << 15;      // elements of one task at least

// Registers of one task.
class Scratch {
public:
    explicit Scratch(int64_t bytes) : bytes_(bytes), data_(static_cast<char*>(allocate(std::max<int64_t>(bytes, 1)))) {}
    Scratch(const Scratch&) = delete;
    ~Scratch() { deallocate(data_, std::max<int64_t>(bytes_, 1)); }
    char* data() const { return data_; }

private:
    int64_t bytes_;
    char* data_;
};

// Where the row operands are at one linear position.
class RowCursor {
public:
    explicit RowCursor(const Plan& plan) : plan_(plan), n_(int64_t(plan.row_strides.size())), offsets_(n_) {
        index_.resize(plan.shape.size() - 1);
    }
    void seek(int64_t position) {
        column_ = position % plan_.run;
        int64_t row = position / plan_.run;
        for (int64_t k = 0; k < n_; ++k) offsets_[k] = 0;
        for (int64_t axis = index_.size() - 1; axis >= 0; --axis) {
            index_[axis] = row % plan_.shape[axis];
            row /= plan_.shape[axis];
            for (int64_t k = 0; k < n_; ++k) offsets_[k] += index_[axis] * plan_.strides[axis * n_ + k];
        }
    }
    int64_t left() const { return plan_.run - column_; }  // elements of this run
    int64_t column() const { return column_; }
    int64_t offset(int64_t k) const { return offsets_[k]; }
    void advance(int64_t n) {
        column_ += n;
        if (column_ < plan_.run) return;
        column_ = 0;
        for (int64_t axis = index_.size() - 1; axis >= 0; --axis) {
            bool carry = ++index_[axis] == plan_.shape[axis];
            int64_t steps = carry ? -(plan_.shape[axis] - 1) : 1;
            for (int64_t k = 0; k < n_; ++k) offsets_[k] += steps * plan_.strides[axis * n_ + k];
            if (!carry) return;
            index_[axis] = 0;
        }
    }

private:
    const Plan& plan_;
    int64_t n_, column_ = 0;
    Dims index_, offsets_;
};

// One thread's way through a range of positions.
class Runner {
public:
    Runner(const Plan& plan, char* scratch, uint32_t* flags)
        : plan_(plan), at_(int64_t(plan.slots.size())), flags_(flags) {
        for (int64_t i = 0; i < at_.size(); ++i) {
            const Plan::Slot& s = plan.slots[size_t(i)];
            at_[i] = s.kind == Plan::Slot::reg ? scratch + s.step : s.base;
        }
    }
    // `handed`: where the elements go that are handed.
    void run(int64_t from, int64_t to, char* handed = nullptr) {
        RowCursor rows(plan_);
        rows.seek(from);
        int64_t first = from;
        while (from < to) {
            int64_t n = std::min({plan_.block, rows.left(), to - from});
            for (int64_t i = 0; i < at_.size(); ++i) {
                const Plan::Slot& s = plan_.slots[size_t(i)];
                if (s.kind == Plan::Slot::linear) at_[i] = s.base + from * s.step;
                else if (s.kind == Plan::Slot::handed) at_[i] = handed + (from - first) * s.step;
                else if (s.kind == Plan::Slot::rows) at_[i] = s.base + rows.offset(s.row) + rows.column() * s.step;
            }
            for (const Plan::Step& step : plan_.steps) this->step(step, n);
            rows.advance(n);
            from += n;
        }
    }

private:
    void step(const Plan::Step& s, int64_t n) {
        if (!s.loop) {
            flags_[s.node] |= s.cast(at_[s.slots[0]], s.from_step, at_[s.slots[1]], s.to_step, s.scalars ? 1 : n);
            return;
        }
        char* args[4];
        for (int k = 0; k < s.n; ++k) args[k] = at_[s.slots[k]];
        HardwareFlags hardware;
        uint32_t raised = s.loop->run(args, s.scalars, n), trusted = hardware.take();
        flags_[s.node] |= s.loop->hardware_flags ? raised | trusted : raised;
    }
    const Plan& plan_;
    SmallVector<char*, 32> at_;
    uint32_t* flags_;
};

}  // namespace

void run_group(Group& group) {
    Plan plan(group);
    group.flags.assign(group.nodes.size(), 0);
    int64_t threads = num_threads(), size = plan.size;
    if (size < kParallel || threads == 1) {
        Scratch scratch(plan.scratch);
        return Runner(plan, scratch.data(), group.flags.data()).run(0, size);
    }
    // Some tasks a thread, so that one that starts late does less.
    int64_t task = std::max(kTask, (size / (8 * threads) + kTask - 1) / kTask * kTask);
    std::vector<std::atomic<uint32_t>> flags(group.nodes.size());
    parallel_for((size + task - 1) / task, [&](int64_t k) {
        Scratch scratch(plan.scratch);
        SmallVector<uint32_t, 32> met(int64_t(group.nodes.size()), 0);
        Runner(plan, scratch.data(), met.data()).run(k * task, std::min(size, (k + 1) * task));
        for (int64_t i = 0; i < met.size(); ++i)
            if (met[i]) flags[size_t(i)].fetch_or(met[i], std::memory_order_relaxed);
    });
    for (size_t i = 0; i < flags.size(); ++i) group.flags[i] = flags[i].load();
}

// ---- read by a fold ----

struct GroupSource::State {
    explicit State(Group& group) : group(group), plan(group), flags(group.nodes.size()) {}
    Group& group;
    Plan plan;
    std::vector<std::atomic<uint32_t>> flags;
};

namespace {

class GroupReader : public ElementSource::Reader {
public:
    GroupReader(const Plan& plan, std::vector<std::atomic<uint32_t>>& flags)
        : scratch_(plan.scratch),
          met_(int64_t(flags.size()), 0),
          runner_(plan, scratch_.data(), met_.data()),
          flags_(flags) {}
    ~GroupReader() override {
        for (int64_t i = 0; i < met_.size(); ++i)
            if (met_[i]) flags_[size_t(i)].fetch_or(met_[i], std::memory_order_relaxed);
    }
    void read(int64_t position, int64_t n, char* to) override { runner_.run(position, position + n, to); }

private:
    Scratch scratch_;
    SmallVector<uint32_t, 32> met_;
    Runner runner_;
    std::vector<std::atomic<uint32_t>>& flags_;
};

}  // namespace

GroupSource::GroupSource(Group& group) : state_(std::make_unique<State>(group)) {
    if (group.kept[size_t(group.handed)]) memory = group.nodes[size_t(group.handed)]->target->data;
}
GroupSource::~GroupSource() = default;

std::unique_ptr<ElementSource::Reader> GroupSource::reader() {
    return std::make_unique<GroupReader>(state_->plan, state_->flags);
}

void GroupSource::finish() {
    state_->group.flags.assign(state_->flags.size(), 0);
    for (size_t i = 0; i < state_->flags.size(); ++i) state_->group.flags[i] = state_->flags[i].load();
}

}  // namespace minpy
