#include "core/graph/passes.h"

#include <cstdlib>
#include <cstring>

#include "core/graph/groups.h"
#include "core/graph/siblings.h"

namespace minpy {
namespace {

// Made by one step, never written again.
bool made_once(const Program& p, int32_t window) {
    const Buffer& b = p.buffer_of(window);
    return b.kind == Buffer::temporary && b.writes == 1;
}

// What it reads is the same whenever it runs.
bool steady(const Program& p, int32_t window) {
    const Buffer& b = p.buffer_of(window);
    return b.kind == Buffer::constant || (b.kind == Buffer::argument && b.writes == 0) || made_once(p, window);
}

// Windows of `from` become windows of `to`.
class Renamed {
public:
    explicit Renamed(Program& p) : p_(p), to_(p.buffers.size(), -1) {}
    void buffer(int32_t from, int32_t to) { to_[size_t(from)] = to; }
    int32_t operator()(int32_t window) {
        if (window < 0) return window;
        int32_t to = to_[size_t(p_.window(window).buffer)];
        if (to < 0) return window;
        Window w = p_.window(window);
        w.buffer = to;
        return p_.add_window(std::move(w));
    }

private:
    Program& p_;
    std::vector<int32_t> to_;
};

uint64_t hash_of(const Step& s) {
    uint64_t h = reinterpret_cast<uintptr_t>(s.op) ^ reinterpret_cast<uintptr_t>(s.loop) * 31 ^ uint64_t(s.kind);
    for (int32_t w : s.in) h = (h ^ uint64_t(w)) * 0x100000001b3ull;
    return h;
}

bool same_step(const Program& p, const Step& a, const Step& b) {
    if (a.op != b.op || a.loop != b.loop || a.kind != b.kind || !(a.in == b.in) || a.args.size() != b.args.size() ||
        a.out.size() != b.out.size())
        return false;
    // Numbers among the operands are windows of constants: their values count there.
    for (int64_t i = 0; i < a.args.size(); ++i)
        if (!equal(a.args[i], b.args[i])) return false;
    for (int64_t i = 0; i < a.out.size(); ++i) {
        const Window &x = p.window(a.out[i]), &y = p.window(b.out[i]);
        if (x.offset != y.offset || !(x.shape == y.shape) || !(x.strides == y.strides) || x.dtype != y.dtype)
            return false;
    }
    return true;
}

// Small constants of the same bytes are one buffer, so that steps of equal numbers are equal.
void merge_constants(Program& p) {
    std::unordered_map<std::string, int32_t> seen;
    Renamed renamed(p);
    for (size_t i = 0; i < p.buffers.size(); ++i) {
        Buffer& b = p.buffers[i];
        if (b.kind != Buffer::constant || b.nbytes > Storage::kInline || !b.storage) continue;
        auto [it, fresh] = seen.try_emplace(std::string(b.storage->data, size_t(b.nbytes)), int32_t(i));
        if (!fresh) renamed.buffer(int32_t(i), it->second);
    }
    for (Step& s : p.steps)
        for (int32_t& w : s.in) w = renamed(w);
}

}  // namespace

bool checks_graphs() {
    static const bool on = [] {
        const char* text = std::getenv("MINPY_CHECK");
        return text && *text && *text != '0';
    }();
    return on;
}

void fold_constants(Program& p) {
    p.count_writes();
    std::vector<Step> kept;
    for (Step& s : p.steps) {
        bool folds = !s.effects && !s.random && s.kind != Step::guard;
        for (int32_t w : s.in) folds = folds && (w < 0 || p.buffer_of(w).kind == Buffer::constant);
        for (int32_t w : s.out) folds = folds && made_once(p, w) && p.buffer_of(w).storage;
        if (!folds) {
            kept.push_back(std::move(s));
            continue;
        }
        for (int32_t w : s.out) {
            Buffer& b = p.buffer_of(w);
            if (b.storage->has(Storage::kPending)) wait_ready(*b.storage);
            if (b.storage->refs.load() > 1) {  // others have it too, and may write
                Ref<Storage> own = Ref<Storage>::adopt(Storage::create(b.nbytes, kCpu));
                std::memcpy(own->data, b.storage->data, size_t(b.nbytes));
                b.storage = std::move(own);
            }
            b.kind = Buffer::constant;
        }
    }
    p.steps = std::move(kept);
    merge_constants(p);
}

void merge_equal(Program& p) {
    p.count_writes();
    std::unordered_multimap<uint64_t, size_t> seen;
    Renamed renamed(p);
    std::vector<Step> kept;
    for (Step& s : p.steps) {
        for (int32_t& w : s.in) w = renamed(w);
        bool may =
            !s.effects && !s.random && (s.kind == Step::elementwise || s.kind == Step::kernel || s.kind == Step::copy);
        for (int32_t w : s.in) may = may && (w < 0 || steady(p, w));
        for (int32_t w : s.out) may = may && made_once(p, w);
        if (may) {
            uint64_t h = hash_of(s);
            auto [from, to] = seen.equal_range(h);
            auto it = from;
            while (it != to && !same_step(p, kept[it->second], s)) ++it;
            if (it != to) {
                for (int64_t i = 0; i < s.out.size(); ++i)
                    renamed.buffer(p.window(s.out[i]).buffer, p.window(kept[it->second].out[i]).buffer);
                continue;
            }
            seen.emplace(h, kept.size());
        }
        kept.push_back(std::move(s));
    }
    for (auto* list : {&p.results, &p.gradients})
        for (int32_t& w : *list) w = renamed(w);
    p.steps = std::move(kept);
}

void drop_dead(Program& p) {
    std::vector<char> needed(p.buffers.size());
    for (const auto* list : {&p.results, &p.gradients})
        for (int32_t w : *list)
            if (w >= 0) needed[size_t(p.window(w).buffer)] = true;
    std::vector<Step> kept;
    for (size_t i = p.steps.size(); i-- > 0;) {
        Step& s = p.steps[i];
        bool wanted = s.effects;
        for (int32_t w : s.out) wanted = wanted || needed[size_t(p.window(w).buffer)];
        if (!wanted) continue;
        for (int32_t w : s.in)
            if (w >= 0) needed[size_t(p.window(w).buffer)] = true;
        kept.push_back(std::move(s));
    }
    std::reverse(kept.begin(), kept.end());
    p.steps = std::move(kept);
}

void separate_results(Program& p) {
    std::vector<char> read(p.buffers.size());
    size_t n_forward = 0;
    for (const Step& s : p.steps) {
        n_forward += !s.backward;
        if (s.backward)
            for (int32_t w : s.in)
                if (w >= 0) read[size_t(p.window(w).buffer)] = true;
    }
    std::vector<Step> copies;
    for (int32_t& w : p.results) {
        if (w < 0 || p.buffer_of(w).kind != Buffer::temporary || !read[size_t(p.window(w).buffer)]) continue;
        Window to = p.window(w);
        to.buffer = int32_t(p.buffers.size());
        to.strides = c_strides({to.shape.data(), size_t(to.shape.size())}, itemsize(to.dtype));
        to.offset = 0;
        Buffer b;
        b.nbytes = checked_size({to.shape.data(), size_t(to.shape.size())}, itemsize(to.dtype)) * itemsize(to.dtype);
        p.buffers.push_back(std::move(b));
        Step s;
        s.kind = Step::copy;
        s.in.push_back(w);
        s.out.push_back(w = p.add_window(std::move(to)));
        copies.push_back(std::move(s));
    }
    p.steps.insert(p.steps.begin() + int64_t(n_forward), std::make_move_iterator(copies.begin()),
                   std::make_move_iterator(copies.end()));
}

void add_workspaces(Program& p) {
    Ref<Storage> nothing = Ref<Storage>::adopt(Storage::create(0, kCpu));
    static const CallOptions none;
    auto operand = [&](int32_t i) {
        if (i < 0) return Array();
        const Window& w = p.window(i);
        nothing->retain();
        return Array::on(nothing.get(), 0, {w.shape.data(), size_t(w.shape.size())},
                         {w.strides.data(), size_t(w.strides.size())}, w.dtype);
    };
    for (Step& s : p.steps) {
        if (s.kind != Step::kernel || !s.op->workspace) continue;
        Call c(*s.op, Context::current(), none);
        for (int32_t w : s.in) c.in.push_back(operand(w));
        for (int32_t w : s.out) c.out.push_back(operand(w));
        for (const minpy_value& v : s.args.view()) c.args.push_back(v);
        c.first = s.first;
        Buffer b;
        b.nbytes = s.op->workspace(c);
        if (!b.nbytes) continue;
        Window w{int32_t(p.buffers.size()), 0, {b.nbytes}, {1}, DType::uint8};
        p.buffers.push_back(std::move(b));
        s.workspace = p.add_window(std::move(w));
    }
}

void optimize(Program& p) {
    auto check = [&] {
        if (checks_graphs()) verify(p);
    };
    check();
    for (auto pass :
         {fold_constants, merge_equal, drop_dead, separate_results, group_steps, join_siblings, add_workspaces}) {
        pass(p);
        check();
    }
    p.count_writes();
    for (Buffer& b : p.buffers)
        if (b.kind == Buffer::temporary) b.storage = {};
}

}  // namespace minpy
