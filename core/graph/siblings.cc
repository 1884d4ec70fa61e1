#include "core/graph/siblings.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <utility>

#include "core/cpu/pool.h"
#include "core/registry/thread_state.h"

namespace minpy {
namespace {

constexpr size_t kMost = 16;  // siblings of one number
constexpr size_t kFar = 16;   // steps that one moves at most: its operands or results are kept so much longer
constexpr int64_t kSmall =
    256 << 10;             // bytes of operands and results; what has more is worth several threads by itself
constexpr int kLooks = 3;  // runs that are measured; the first finds cold caches
constexpr int64_t kWorthwhile = 3000;  // nanoseconds that handing steps to other threads must save

// A kernel of ours without effects, whose operands are what they are whenever it runs. Foreign ones may want the thread that
// they are called from.
bool may_be_sibling(const Program& p, const Step& s) {
    if (s.kind != Step::kernel || s.random || s.effects || s.group >= 0 || s.op->data) return false;
    auto made_once = [&](int32_t w) {
        const Buffer& b = p.buffer_of(w);
        return b.kind == Buffer::temporary && b.writes == 1;
    };
    int64_t bytes = 0;
    for (const auto* list : {&s.in, &s.out})
        for (int32_t w : *list) {
            if (w >= 0)
                bytes +=
                    size_of({p.window(w).shape.data(), size_t(p.window(w).shape.size())}) * itemsize(p.window(w).dtype);
        }
    if (bytes > kSmall) return false;
    for (int32_t w : s.out)
        if (!made_once(w)) return false;
    for (int32_t w : s.in) {
        if (w < 0 || made_once(w)) continue;
        const Buffer& b = p.buffer_of(w);
        if (b.kind != Buffer::constant && (b.kind != Buffer::argument || b.writes > 0)) return false;
    }
    return true;
}

}  // namespace

void join_siblings(Program& p) {
    p.count_writes();
    std::vector<Step>& steps = p.steps;
    size_t first = 0, last = 0;  // the siblings that a step may join
    int32_t number = -1;
    auto buffer = [&](int32_t w) { return p.window(w).buffer; };
    // Whether a step from `from` on and before `to` has something to do with what `makers` make.
    auto uses = [&](size_t from, size_t to, size_t makers, size_t makers_end) {
        for (size_t i = from; i < to; ++i)
            for (int32_t in : steps[i].in)
                for (size_t k = makers; in >= 0 && k < makers_end; ++k)
                    for (int32_t out : steps[k].out)
                        if (buffer(in) == buffer(out)) return true;
        return false;
    };
    for (size_t i = 0; i < steps.size(); ++i) {
        bool barrier = steps[i].kind == Step::guard || steps[i].kind == Step::call || steps[i].effects;
        if (barrier) first = last = 0;
        if (barrier || !may_be_sibling(p, steps[i])) continue;
        bool near =
            last > first && last - first < kMost && i - last <= kFar && steps[i].backward == steps[first].backward;
        bool up = near && !uses(i, i + 1, first, i), down = near && !up && !uses(last, i + 1, first, last);
        if (up || down) {
            if (last - first == 1) steps[first].siblings = ++number;
            steps[i].siblings = number;
            auto at = [&](size_t k) { return steps.begin() + int64_t(k); };
            if (up) {  // it goes to its siblings
                std::rotate(at(last), at(i), at(i) + 1);
                ++last;
            } else {  // they come to it
                std::rotate(at(first), at(last), at(i));
                first += i - last;
                last = i + 1;
            }
            continue;
        }
        first = i, last = i + 1;
    }
}

ReadySiblings::ReadySiblings(size_t first, size_t last) : first_(first), last_(last) {
    for (size_t i = first; i < last; ++i) members_.push_back({i, INT64_MAX, true});
    together_.reserve(members_.size()), one_by_one_.reserve(members_.size());  // later runs allocate nothing
}

void ReadySiblings::measure(void (*step)(void*, size_t), void* payload) {
    using Clock = std::chrono::steady_clock;
    for (Member& m : members_) {
        uint64_t jobs = jobs_of_pool();
        auto from = Clock::now();
        step(payload, m.step);
        int64_t time = std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now() - from).count();
        m.nanoseconds = std::min(m.nanoseconds, time);
        m.alone = m.alone && jobs == jobs_of_pool();
    }
    if (++looks_ == kLooks) choose();
}

void ReadySiblings::choose() {
    int64_t all = 0, longest = 0, n = 0;
    for (const Member& m : members_)
        if (m.alone) all += m.nanoseconds, longest = std::max(longest, m.nanoseconds), ++n;
    int64_t threads = std::min<int64_t>(num_threads(), n);
    bool pays = threads > 1 && all - std::max(longest, all / threads) >= kWorthwhile;
    // The longest first: who comes last has little left to do.
    std::sort(members_.begin(), members_.end(), [](auto& a, auto& b) { return a.nanoseconds > b.nanoseconds; });
    for (const Member& m : members_) (pays && m.alone ? together_ : one_by_one_).push_back(m.step);
    std::sort(one_by_one_.begin(), one_by_one_.end());
}

void ReadySiblings::run_raw(void (*step)(void*, size_t), void* payload) {
    if (looks_ < kLooks) return measure(step, payload);
    for (size_t i : one_by_one_) step(payload, i);
    if (together_.empty()) return;
    std::atomic<uint32_t> met{thread_state().fp_status};
    parallel_for(int64_t(together_.size()), [&](int64_t k) {
        struct Collect {
            std::atomic<uint32_t>& into;
            ~Collect() { into.fetch_or(std::exchange(thread_state().fp_status, 0), std::memory_order_relaxed); }
        } collect{met};
        step(payload, together_[size_t(k)]);
    });
    thread_state().fp_status = met.load();
}

}  // namespace minpy
