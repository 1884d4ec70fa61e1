// Runs a group's plan: every step on one block, then the next block, so that what lies between two operators stays in
// the first-level cache. The steps are the very loops of eager calls.
#include <atomic>
#include <thread>

#include "core/cpu/elementwise.h"
#include "core/cpu/pool.h"
#include "core/cpu/streaming.h"
#include "core/fusion/plan.h"

namespace minpy {
namespace {

constexpr int64_t kParallel = 1 << 16;  // elements from which threads pay
constexpr int64_t kTask = 1 << 15;      // elements of one task at least
constexpr int64_t kRead = 1 << 13;      // elements that one reader of a fold has at least, about

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

// One thread's way through a plan, with its registers. All memory it needs is there when it is made.
class Runner : public ElementSource::Reader {
public:
    Runner(const Plan& plan, size_t n_nodes)
        : plan_(plan), scratch_(plan.scratch), rows_(plan), at_(int64_t(plan.slots.size())), met_(int64_t(n_nodes), 0) {
        for (int64_t i = 0; i < at_.size(); ++i) {
            const Plan::Slot& s = plan.slots[size_t(i)];
            at_[i] = s.kind == Plan::Slot::reg ? scratch_.data() + s.step : s.base;
        }
    }
    // `handed`: where the elements go that are handed.
    void run(int64_t from, int64_t to, char* handed = nullptr) {
        HardwareFlags hardware;
        rows_.seek(from);
        int64_t first = from;
        while (from < to) {
            int64_t n = std::min({plan_.block, rows_.left(), to - from});
            for (int64_t i = 0; i < at_.size(); ++i) {
                const Plan::Slot& s = plan_.slots[size_t(i)];
                if (s.kind == Plan::Slot::linear) at_[i] = s.base + from * s.step;
                else if (s.kind == Plan::Slot::handed) at_[i] = handed + (from - first) * s.step;
                else if (s.kind == Plan::Slot::rows) at_[i] = s.base + rows_.offset(s.row) + rows_.column() * s.step;
            }
            for (const Plan::Step& step : plan_.steps) this->step(step, n, hardware);
            for (const Plan::Streamed& s : plan_.streamed) stream(s.to + from * s.step, at_[s.slot], n * s.step);
            rows_.advance(n);
            from += n;
        }
        if (!plan_.streamed.empty()) end_streaming();
        hardware.take();
    }
    void read(int64_t position, int64_t n, char* to) override { run(position, position + n, to); }
    const SmallVector<uint32_t, 32>& met() const { return met_; }  // conditions, by node
    std::atomic_flag taken{};

private:
    void step(const Plan::Step& s, int64_t n, HardwareFlags& hardware) {
        if (!s.loop) {
            met_[s.node] |= s.cast(at_[s.slots[0]], s.from_step, at_[s.slots[1]], s.to_step, s.scalars ? 1 : n);
            hardware.next();  // casts say themselves what they met
            return;
        }
        char* args[4];
        for (int k = 0; k < s.n; ++k) args[k] = at_[s.slots[k]];
        uint32_t raised = s.loop->run(args, s.scalars, n), trusted = hardware.next();
        met_[s.node] |= s.loop->hardware_flags ? raised | trusted : raised;
    }
    const Plan& plan_;
    Scratch scratch_;
    RowCursor rows_;
    SmallVector<char*, 32> at_;
    SmallVector<uint32_t, 32> met_;
};

// As many as there are threads: what is written in place must not stop half way because memory is refused.
class Runners {
public:
    Runners(const Plan& plan, size_t n_nodes, int64_t n) {
        all_.reserve(size_t(n));
        for (int64_t i = 0; i < n; ++i) all_.push_back(std::make_unique<Runner>(plan, n_nodes));
    }
    Runner& take() {
        for (;;) {
            for (auto& r : all_)
                if (!r->taken.test_and_set(std::memory_order_acquire)) return *r;
            std::this_thread::yield();  // there are more threads than there were
        }
    }
    void give_back(Runner& r) { r.taken.clear(std::memory_order_release); }
    void report(Group& group) const {
        group.flags.assign(group.nodes.size(), 0);
        for (auto& r : all_)
            for (size_t i = 0; i < group.flags.size(); ++i) group.flags[i] |= r->met()[int64_t(i)];
    }

private:
    std::vector<std::unique_ptr<Runner>> all_;
};

}  // namespace

void run_group(Group& group) {
    Plan plan(group);
    int64_t threads = num_threads(), size = plan.size;
    // Some tasks a thread, so that one that starts late does less.
    int64_t task = std::max(kTask, (size / (8 * threads) + kTask - 1) / kTask * kTask);
    bool alone = size < kParallel || threads == 1;
    int64_t n_tasks = alone ? 1 : (size + task - 1) / task;
    Runners runners(plan, group.nodes.size(), std::min(threads, n_tasks));
    group.flags.reserve(group.nodes.size());
    parallel_for(n_tasks, [&](int64_t k) {
        Runner& r = runners.take();
        r.run(alone ? 0 : k * task, alone ? size : std::min(size, (k + 1) * task));
        runners.give_back(r);
    });
    runners.report(group);
}

// ---- read by a fold ----

struct GroupSource::State {
    explicit State(Group& group)
        : group(group),
          plan(group),
          runners(plan, group.nodes.size(), std::min<int64_t>(num_threads(), 1 + plan.size / kRead)) {}
    Group& group;
    Plan plan;
    Runners runners;
};

GroupSource::GroupSource(Group& group) : state_(std::make_unique<State>(group)) {
    if (group.kept[size_t(group.handed)]) memory = group.nodes[size_t(group.handed)]->target->data;
    group.flags.reserve(group.nodes.size());
}
GroupSource::~GroupSource() = default;

ElementSource::Reader& GroupSource::take() { return state_->runners.take(); }
void GroupSource::give_back(Reader& reader) { state_->runners.give_back(static_cast<Runner&>(reader)); }
void GroupSource::finish() { state_->runners.report(state_->group); }

}  // namespace minpy
