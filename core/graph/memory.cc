#include "core/graph/memory.h"

#include <algorithm>

#include "core/graph/groups.h"

namespace minpy {
namespace {

constexpr int64_t kAlign = 64;

struct Life {
    int32_t from = -1, to = -1;  // steps: the first that writes, the last that reads or writes
};

// Steps of one group, and siblings, run at the same time.
std::vector<int32_t> times_of(const Program& p) {
    std::vector<int32_t> times;
    for (size_t i = 0; i < p.steps.size(); ++i) {
        auto with_last = [&](int32_t Step::*number) {
            return i && p.steps[i].*number >= 0 && p.steps[i].*number == p.steps[i - 1].*number;
        };
        bool together = with_last(&Step::group) || with_last(&Step::siblings);
        times.push_back(i == 0 ? 0 : times.back() + !together);
    }
    times.push_back(times.empty() ? 0 : times.back() + 1);
    return times;
}

// What the backward part reads of the forward part stays until the end: it may run more than once.
std::vector<Life> lives_of(const Program& p) {
    std::vector<Life> lives(p.buffers.size());
    std::vector<char> forward(p.buffers.size());
    int32_t end = int32_t(p.steps.size());
    for (int32_t i = 0; i < end; ++i) {
        const Step& s = p.steps[size_t(i)];
        for (int32_t w : s.out) {
            Life& l = lives[size_t(p.window(w).buffer)];
            if (l.from < 0) l.from = i, forward[size_t(p.window(w).buffer)] = !s.backward;
            l.to = std::max(l.to, i);
        }
        for (const auto* list : {&s.in, &s.out})
            for (int32_t w : *list) {
                if (w < 0) continue;
                Life& l = lives[size_t(p.window(w).buffer)];
                l.to = std::max(l.to, s.backward && forward[size_t(p.window(w).buffer)] ? end : i);
            }
        if (s.workspace >= 0) lives[size_t(p.window(s.workspace).buffer)] = {i, i};
    }
    return lives;
}

// The operand whose place the result of an element-wise step can take.
int32_t replaced(const Program& p, int32_t step, const std::vector<Life>& lives, const std::vector<char>& elsewhere) {
    const Step& s = p.steps[size_t(step)];
    if (s.kind != Step::elementwise || s.out.size() != 1) return -1;
    const Window& out = p.window(s.out[0]);
    if (p.buffer_of(s.out[0]).kind != Buffer::temporary || elsewhere[size_t(out.buffer)] ||
        lives[size_t(out.buffer)].from != step)
        return -1;
    for (int32_t w : s.in) {
        if (w < 0) continue;
        const Window& in = p.window(w);
        const Buffer& b = p.buffers[size_t(in.buffer)];
        if (b.kind != Buffer::temporary || elsewhere[size_t(in.buffer)] || lives[size_t(in.buffer)].to != step)
            continue;
        if (b.nbytes != p.buffers[size_t(out.buffer)].nbytes || in.offset != out.offset || in.dtype != out.dtype ||
            !(in.shape == out.shape) || !(in.strides == out.strides))
            continue;
        bool alone = true;
        for (int32_t other : s.in) alone = alone && (other < 0 || other == w || p.window(other).buffer != in.buffer);
        // Nobody in the group may come back for elements of another block.
        for (size_t k = size_t(step); s.group >= 0 && k-- > 0 && p.steps[k].group == s.group;)
            for (int32_t other : p.steps[k].in)
                alone = alone && (other < 0 || other == w || p.window(other).buffer != in.buffer);
        if (alone) return in.buffer;
    }
    return -1;
}

}  // namespace

std::vector<char> given_out(const Program& p) {
    std::vector<char> given(p.buffers.size());
    for (const auto* list : {&p.results, &p.gradients})
        for (int32_t w : *list)
            if (w >= 0) given[size_t(p.window(w).buffer)] = true;
    return given;
}

MemoryPlan plan_memory(const Program& p) {
    std::vector<Life> lives = lives_of(p);
    std::vector<int32_t> times = times_of(p);
    std::vector<char> elsewhere = given_out(p), inner = inner_buffers(p);
    for (size_t i = 0; i < inner.size(); ++i) elsewhere[i] |= inner[i];
    // Buffers that take each other's place are one block.
    std::vector<int32_t> block(p.buffers.size());
    for (size_t i = 0; i < block.size(); ++i) block[i] = int32_t(i);
    std::vector<Life> spans = lives;
    for (Life& l : spans)
        if (l.from >= 0) l = {times[size_t(l.from)], times[size_t(l.to)]};
    for (int32_t i = 0; i < int32_t(p.steps.size()); ++i) {
        int32_t operand = replaced(p, i, lives, elsewhere);
        if (operand < 0) continue;
        int32_t root = block[size_t(operand)], out = p.window(p.steps[size_t(i)].out[0]).buffer;
        block[size_t(out)] = root;
        spans[size_t(root)].to = std::max(spans[size_t(root)].to, spans[size_t(out)].to);
    }
    MemoryPlan m;
    m.place.assign(p.buffers.size(), -1);
    std::vector<int32_t> order;
    for (size_t i = 0; i < p.buffers.size(); ++i) {
        bool here = p.buffers[i].kind == Buffer::temporary && !elsewhere[i] && lives[i].from >= 0;
        if (here) m.without_sharing += p.buffers[i].nbytes;
        if (here && block[i] == int32_t(i)) order.push_back(int32_t(i));
    }
    // Large ones first; each goes to the lowest place that is free all its life.
    std::stable_sort(order.begin(), order.end(),
                     [&](int32_t a, int32_t b) { return p.buffers[size_t(a)].nbytes > p.buffers[size_t(b)].nbytes; });
    auto rounded = [&](int32_t i) {
        return checked_mul((std::max<int64_t>(p.buffers[size_t(i)].nbytes, 1) + kAlign - 1) / kAlign, kAlign);
    };
    std::vector<int32_t> placed;  // by place
    for (int32_t i : order) {
        int64_t at = 0;
        for (int32_t other : placed) {
            const Life &a = spans[size_t(i)], &b = spans[size_t(other)];
            if (a.from > b.to || b.from > a.to) continue;
            if (at + rounded(i) <= m.place[size_t(other)]) break;
            at = std::max(at, m.place[size_t(other)] + rounded(other));
        }
        m.place[size_t(i)] = at;
        m.bytes = std::max(m.bytes, checked_add(at, rounded(i)));
        auto by_place = [&](int32_t a, int32_t b) { return m.place[size_t(a)] < m.place[size_t(b)]; };
        placed.insert(std::upper_bound(placed.begin(), placed.end(), i, by_place), i);
    }
    for (size_t i = 0; i < p.buffers.size(); ++i)
        if (block[i] != int32_t(i)) m.place[i] = m.place[size_t(block[i])];
    return m;
}

void verify(const Program& p, const MemoryPlan& m) {
    std::vector<Life> lives = lives_of(p);
    std::vector<int32_t> times = times_of(p);
    for (size_t i = 0; i < p.buffers.size(); ++i) {
        if (m.place[i] < 0) continue;
        for (size_t k = i + 1; k < p.buffers.size(); ++k) {
            if (m.place[k] < 0) continue;
            // Ending where the other begins is allowed to an operand and its result, which have the same place.
            const Life &a = lives[i], &b = lives[k];
            auto at = [&](int32_t step) { return times[size_t(step)]; };
            bool together = at(a.from) <= at(b.to) && at(b.from) <= at(a.to);
            if (m.place[i] == m.place[k] && (a.to == b.from || b.to == a.from)) together = false;
            bool apart =
                m.place[i] + p.buffers[i].nbytes <= m.place[k] || m.place[k] + p.buffers[k].nbytes <= m.place[i];
            if (together && !apart)
                throw Error(MINPY_E_UNKNOWN, "RuntimeError",
                            cat("the memory plan is broken: buffers ", i, " and ", k, " are needed together at ",
                                m.place[i], " and ", m.place[k]));
        }
    }
}

}  // namespace minpy
