#include "core/graph/program.h"

namespace minpy {
namespace {

uint64_t hash_of(const Window& w) {
    uint64_t h = uint64_t(w.buffer) * 0x9e3779b97f4a7c15ull;
    auto mix = [&](int64_t x) { h = (h ^ uint64_t(x)) * 0x100000001b3ull; };
    mix(w.offset), mix(int64_t(w.dtype));
    for (int64_t d : w.shape) mix(d);
    for (int64_t s : w.strides) mix(s);
    return h;
}

[[noreturn]] void broken(const Program& p, size_t step, const std::string& what) {
    const Step& s = p.steps[step];
    throw Error(MINPY_E_UNKNOWN, "RuntimeError",
                cat("the plan is broken: step ", step, " (",
                    s.op                   ? s.op->name
                    : s.kind == Step::copy ? "copy"
                                           : "guard",
                    ") ", what));
}

std::string name_of(const Program& p, int32_t window) {
    if (window < 0) return "None";
    const Window& w = p.window(window);
    const Buffer& b = p.buffers[size_t(w.buffer)];
    switch (b.kind) {
        case Buffer::argument: return cat("a", b.index);
        case Buffer::captured: return cat("v", w.buffer);
        case Buffer::constant: return cat("c", w.buffer);
        default: return cat("t", w.buffer);
    }
}

}  // namespace

int32_t Program::add_window(Window w) {
    uint64_t h = hash_of(w);
    auto [from, to] = by_hash_.equal_range(h);
    for (auto it = from; it != to; ++it)
        if (windows[size_t(it->second)] == w) return it->second;
    windows.push_back(std::move(w));
    by_hash_.emplace(h, int32_t(windows.size()) - 1);
    return int32_t(windows.size()) - 1;
}

void Program::count_writes() {
    for (Buffer& b : buffers) b.writes = 0;
    for (const Step& s : steps)
        for (int32_t w : s.out) ++buffer_of(w).writes;
}

void verify(const Program& p) {
    std::vector<char> made(p.buffers.size());
    for (size_t i = 0; i < p.buffers.size(); ++i) made[i] = p.buffers[i].kind != Buffer::temporary;
    auto check_inside = [&](size_t step, int32_t window) {
        const Window& w = p.window(window);
        const Buffer& b = p.buffers[size_t(w.buffer)];
        if (b.kind != Buffer::temporary) return;
        auto [low, high] = extent({w.shape.data(), size_t(w.shape.size())},
                                  {w.strides.data(), size_t(w.strides.size())}, itemsize(w.dtype));
        if (size_of({w.shape.data(), size_t(w.shape.size())}) && (w.offset + low < 0 || w.offset + high > b.nbytes))
            broken(p, step, cat("leaves the buffer of ", name_of(p, window)));
    };
    for (size_t i = 0; i < p.steps.size(); ++i) {
        const Step& s = p.steps[i];
        for (int32_t w : s.in) {
            if (w < 0) continue;
            if (!made[size_t(p.window(w).buffer)]) broken(p, i, cat("reads ", name_of(p, w), " before it is made"));
            check_inside(i, w);
        }
        for (int32_t w : s.out) {
            if (p.buffer_of(w).kind == Buffer::constant) broken(p, i, cat("writes the constant ", name_of(p, w)));
            made[size_t(p.window(w).buffer)] = true;
            check_inside(i, w);
        }
    }
    for (const auto* list : {&p.results, &p.gradients})
        for (int32_t w : *list)
            if (w >= 0 && !made[size_t(p.window(w).buffer)])
                throw Error(MINPY_E_UNKNOWN, "RuntimeError",
                            cat("the plan is broken: ", name_of(p, w), " is a result and never made"));
}

std::string to_text(const Program& p) {
    std::string text;
    for (size_t i = 0; i < p.steps.size(); ++i) {
        const Step& s = p.steps[i];
        if (s.backward && (i == 0 || !p.steps[i - 1].backward)) text += "-- backward\n";
        for (int64_t k = 0; k < s.out.size(); ++k) text += (k ? ", " : "") + name_of(p, s.out[k]);
        text += s.out.empty() ? "" : " = ";
        text += s.op ? s.op->name : s.kind == Step::copy ? "copy" : "guard";
        for (int64_t k = 0; k < s.in.size(); ++k) text += (k ? ", " : "(") + name_of(p, s.in[k]);
        text += s.in.empty() ? "()\n" : ")\n";
    }
    return text;
}

}  // namespace minpy
