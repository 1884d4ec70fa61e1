#include "core/fusion/deferred.h"

#include <pthread.h>

#include "core/fusion/pending.h"
#include "core/graph/passes.h"
#include "core/registry/dispatch.h"
#include "core/registry/settings.h"
#include "core/registry/statistics.h"
#include "core/registry/thread_state.h"

namespace minpy {
namespace {

// Below it a call and its results fit the second-level cache, and one pass gains nothing.
constexpr int64_t kThreshold = 1 << 16;
constexpr int32_t kMaxDepth = 32;
// Operands that pending results may keep alive beyond what eager calls would: so many times the result, and a little.
constexpr int64_t kHeldResults = 8, kHeldBytes = 32 << 20;

std::atomic<int> g_enabled{-1};
std::atomic<int64_t> g_threshold{0};
Graph* g_graph = nullptr;
pthread_once_t g_once = PTHREAD_ONCE_INIT;

}  // namespace

Graph& graph() {
    pthread_once(&g_once, [] {
        g_graph = new Graph;
        // A child finds the lists whole; groups that other threads ran are nobody's there.
        pthread_atfork([] { g_graph->mutex.lock(); }, [] { g_graph->mutex.unlock(); },
                       [] {
                           ++g_graph->fork_count;
                           new (&g_graph->changed) std::condition_variable;
                           g_graph->mutex.unlock();
                       });
    });
    return *g_graph;
}

void add_reader(Graph& g, Deferred* d) {
    try {
        for (const Deferred::Input& in : d->inputs) {
            g.readers.emplace(&in.array.storage(), d);
            in.array.storage().set(Storage::kRead);
        }
    } catch (...) {
        forget_reader(g, d);
        throw;
    }
}

void forget_reader(Graph& g, const Deferred* d) {
    for (const Deferred::Input& in : d->inputs) {
        Storage* s = &in.array.storage();
        auto [from, to] = g.readers.equal_range(s);
        for (auto it = from; it != to;) it = it->second == d ? g.readers.erase(it) : std::next(it);
        if (g.readers.find(s) == g.readers.end()) s->clear(Storage::kRead);
    }
}

bool retain_living(Storage& s) {
    int64_t n = s.refs.load(std::memory_order_relaxed);
    while (n && !s.refs.compare_exchange_weak(n, n + 1, std::memory_order_relaxed)) {}
    return n;
}

bool place_above(Deferred& d, int64_t nbytes) {
    int32_t depth = 0;
    int64_t held = 0;
    for (const Deferred::Input& in : d.inputs) {
        const Storage& s = in.array.storage();
        if (s.producer) {
            depth = std::max(depth, s.producer->depth);
            held += s.producer->held;
        } else {
            held += s.nbytes;
        }
    }
    if (depth && (depth >= kMaxDepth || held > kHeldResults * nbytes + kHeldBytes)) return false;
    d.depth = depth + 1;
    d.held = held;
    return true;
}

// ---- settings ----

bool deferral_enabled() {
    int on = g_enabled.load(std::memory_order_relaxed);
    if (on < 0) {
        on = number_setting("MINPY_DEFER", 0, 1, 1) != 0;
        g_enabled.store(on);
    }
    return on;
}

int64_t deferral_threshold() {
    int64_t n = g_threshold.load(std::memory_order_relaxed);
    if (n == 0) {
        n = number_setting("MINPY_DEFER_SIZE", 1, INT64_MAX, kThreshold);
        g_threshold.store(n);
    }
    return n;
}

WithDeferral::WithDeferral(bool on, int64_t threshold)
    : before_(g_enabled.exchange(on)), threshold_before_(g_threshold.exchange(threshold)) {}
WithDeferral::~WithDeferral() {
    g_enabled.store(before_);
    g_threshold.store(threshold_before_);
}

// ---- states ----

MadeDeferred make_deferred(const Op& op, const Loop* loop, std::span<const Array> inputs, DimsView shape, DType dtype,
                           DimsView order_of, bool exposed) {
    int64_t n = int64_t(shape.size());
    // Axes in the order of memory: the largest strides outside, as empty_strided has it.
    SmallVector<int, 8> axes;
    for (int64_t i = 0; i < n; ++i) axes.push_back(int(i));
    if (!order_of.empty())
        std::stable_sort(axes.begin(), axes.end(), [&](int a, int b) {
            int64_t x = std::abs(order_of[size_t(a)]), y = std::abs(order_of[size_t(b)]);
            return x != 0 && y != 0 && x > y;
        });
    auto permuted = [&](DimsView v) {
        Dims result;
        for (int axis : axes) result.push_back(v[size_t(axis)]);
        return result;
    };
    MadeDeferred made;
    auto d = std::make_unique<Deferred>();
    d->op = &op;
    d->loop = loop;
    d->shape = permuted(shape);
    d->dtype = dtype;
    d->size = checked_size(shape, itemsize(dtype));
    DimsView walked(d->shape.data(), size_t(d->shape.size()));
    SmallVector<Array, 4> rows;
    // Small operands of a large result: the caller may not expect a call that is worth deferring.
    bool large = false;
    for (const Array& a : inputs) large = large || a.size() == d->size;
    if (!large) return {};
    uint32_t refused = exposed ? Storage::kPoisoned : Storage::kPoisoned | Storage::kExposed;
    for (const Array& a : inputs) {
        if (!a.on_cpu() || a.storage().has(refused)) return {};
        Deferred::Input in;
        if (a.size() == 1) {
            in.array = window(a, 0, {}, {});
            in.access = Deferred::Access::one;
        } else {
            Array wide = same(a.shape(), shape) ? a : broadcast_window(a, shape);
            Dims strides = permuted(wide.strides());
            in.array = window(wide, 0, walked, {strides.data(), size_t(strides.size())});
            if (!in.array.is_contiguous()) {
                in.access = Deferred::Access::rows;
                rows.push_back(in.array);
            }
        }
        d->inputs.push_back(std::move(in));
    }
    if (!rows.empty() && common_run(walked, {rows.data(), size_t(rows.size())}) < kShortestRow) return {};
    Dims lines = c_strides(walked, itemsize(dtype));
    made.strides.resize(n);
    for (int64_t k = 0; k < n; ++k) made.strides[axes[k]] = lines[k];
    made.node = std::move(d);
    return made;
}

Array defer(const Op& op, const Loop* loop, std::span<const Array> inputs, DimsView shape, DType dtype,
            DimsView order_of) {
    ThreadState& t = thread_state();
    if (t.fp_at_once || t.in_task) return {};
    MadeDeferred made = make_deferred(op, loop, inputs, shape, dtype, order_of, false);
    std::unique_ptr<Deferred>& d = made.node;
    if (!d) return {};
    d->conditions = t.fp_conditions;
    d->named = t.fp_named;
    if (d->named) d->site = t.site;

    Storage* s = Storage::create(checked_mul(d->size, itemsize(dtype)), kCpu, false);
    Array out = Array::on(s, 0, shape, {made.strides.data(), size_t(made.strides.size())}, dtype);
    d->target = s;

    Graph& g = graph();
    for (;;) {
        std::unique_lock lock(g.mutex);
        if (!place_above(*d, s->nbytes)) {
            lock.unlock();
            for (const Deferred::Input& in : d->inputs)
                if (in.array.storage().has(Storage::kPending)) force(in.array.storage());
            continue;
        }
        d->sequence = ++g.sequence;
        add_reader(g, d.get());
        s->set(Storage::kPending);
        s->producer = d.release();
        return out;
    }
}

void force(Storage& wanted) {
    Graph& g = graph();
    for (;;) {
        std::vector<Ref<Storage>> targets;
        std::unique_lock lock(g.mutex);
        if (!wanted.has(Storage::kPending)) return;
        Deferred* root = wanted.producer;
        if (running(g, *root)) {
            g.changed.wait(lock);
            continue;
        }
        with_group(g, root, lock, [&](Group& group, const Deferred*) { run_and_finish(g, group, targets, lock); });
    }
}

void force_readers(Storage& s) {
    Graph& g = graph();
    for (;;) {
        std::unique_lock lock(g.mutex);
        auto it = g.readers.find(&s);
        if (it == g.readers.end()) {
            s.clear(Storage::kRead);
            return;
        }
        Deferred* d = it->second;
        if (running(g, *d)) {
            g.changed.wait(lock);
        } else if (!retain_living(*d->target)) {
            forget_reader(g, d);
        } else {
            Ref<Storage> held = Ref<Storage>::adopt(d->target);
            lock.unlock();
            force(*held);
        }
    }
}

void drop_pending(Storage& s) noexcept {
    Graph& g = graph();
    // A long chain of dropped results would recurse through its operands: the drop that is going on takes it over.
    ThreadState* t = tls_state;
    Deferred* d;
    {
        std::lock_guard lock(g.mutex);
        d = s.producer;
        if (!d) return;
        s.producer = nullptr;
        forget_reader(g, d);
    }
    if (!t) {
        delete d;
        return;
    }
    d->next = t->dropped;
    t->dropped = d;
    if (t->dropping) return;
    t->dropping = true;
    while (Deferred* next = t->dropped) {
        t->dropped = next->next;
        delete next;
    }
    t->dropping = false;
}

std::string explain_groups() {
    Graph& g = graph();
    std::lock_guard lock(g.mutex);
    std::string text;
    for (const std::string& line : g.explained) text += line + "\n";
    return text;
}

}  // namespace minpy
