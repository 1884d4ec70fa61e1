#include "core/fusion/deferred.h"

#include <cstdlib>
#include <unordered_map>

#include "core/cpu/elementwise.h"
#include "core/registry/dispatch.h"
#include "core/registry/thread_state.h"

namespace minpy {

class Deferred {
public:
    const Op* op;
    const Loop* loop;
    Arrays inputs;  // hold their storage
    Dims shape;
    DType dtype;
    Storage* target;           // not held: it drops its producer when nobody wants it
    Deferred* next = nullptr;  // while it waits to be destroyed
};

namespace {

std::atomic<int> g_enabled{-1};
std::atomic<int64_t> g_threshold{4096};

// Guards producers and readers. Recursive: running a node releases operands, which may drop others.
struct Graph {
    std::recursive_mutex mutex;
    std::unordered_multimap<Storage*, Deferred*> readers;
};
Graph& graph() {
    static Graph* g = new Graph;
    return *g;
}

void forget_reader(Graph& g, Deferred* d) {
    for (const Array& a : d->inputs) {
        Storage* s = &a.storage();
        auto [from, to] = g.readers.equal_range(s);
        for (auto it = from; it != to;) it = it->second == d ? g.readers.erase(it) : std::next(it);
        if (g.readers.find(s) == g.readers.end()) s->clear(Storage::kRead);
    }
}

// False if the last reference is gone, and another thread waits for the lock to drop the storage.
bool retain_living(Storage& s) {
    int64_t n = s.refs.load(std::memory_order_relaxed);
    while (n && !s.refs.compare_exchange_weak(n, n + 1, std::memory_order_relaxed)) {}
    return n;
}

// Its operands are computed.
void run(Graph& g, Deferred* d) {
    Storage& s = *d->target;
    if (!s.data) s.allocate_buffer();  // it is there if the loop failed before
    s.retain();
    Array out = Array::on(&s, 0, {d->shape.data(), size_t(d->shape.size())},
                          c_strides({d->shape.data(), size_t(d->shape.size())}, itemsize(d->dtype)), d->dtype);
    thread_state().fp_status |= run_loop(*d->loop, {d->inputs.data(), size_t(d->inputs.size())}, out);
    s.producer = nullptr;
    s.clear(Storage::kPending);
    forget_reader(g, d);
    delete d;
}

}  // namespace

bool deferral_enabled() {
    int on = g_enabled.load(std::memory_order_relaxed);
    if (on < 0) {
        const char* text = std::getenv("MINPY_DEFER");
        g_enabled.store(on = text && *text && *text != '0');
    }
    return on;
}

int64_t deferral_threshold() { return g_threshold.load(std::memory_order_relaxed); }

WithDeferral::WithDeferral(bool on, int64_t threshold)
    : before_(g_enabled.exchange(on)), threshold_before_(g_threshold.exchange(threshold)) {}
WithDeferral::~WithDeferral() {
    g_enabled.store(before_);
    g_threshold.store(threshold_before_);
}

Array defer(const Op& op, const Loop& loop, std::span<const Array> inputs, DimsView shape, DType dtype) {
    Storage* s = Storage::create(checked_mul(checked_size(shape, itemsize(dtype)), itemsize(dtype)), kCpu, false);
    Array out = Array::on(s, 0, shape, c_strides(shape, itemsize(dtype)), dtype);
    auto d = std::make_unique<Deferred>();
    d->op = &op;
    d->loop = &loop;
    d->shape = Dims(shape.begin(), shape.end());
    d->dtype = dtype;
    d->target = s;
    for (const Array& a : inputs) d->inputs.push_back(window(a, 0, a.shape(), a.strides()));
    Graph& g = graph();
    std::lock_guard lock(g.mutex);
    for (const Array& a : d->inputs) {
        g.readers.emplace(&a.storage(), d.get());
        a.storage().set(Storage::kRead);
    }
    s->producer = d.release();
    s->set(Storage::kPending);
    return out;
}

void force(Storage& wanted) {
    Graph& g = graph();
    std::lock_guard lock(g.mutex);
    std::vector<Storage*> stack{&wanted};
    while (!stack.empty()) {
        Storage* s = stack.back();
        if (!s->has(Storage::kPending)) {
            stack.pop_back();
            continue;
        }
        size_t before = stack.size();
        for (const Array& a : s->producer->inputs)
            if (a.storage().has(Storage::kPending)) stack.push_back(&a.storage());
        if (stack.size() > before) continue;
        run(g, s->producer);
        stack.pop_back();
    }
}

void force_readers(Storage& s) {
    Graph& g = graph();
    std::lock_guard lock(g.mutex);
    for (;;) {
        auto it = g.readers.find(&s);
        if (it == g.readers.end()) break;
        Deferred* d = it->second;
        Storage* target = d->target;
        if (!retain_living(*target)) {
            forget_reader(g, d);
            continue;
        }
        Ref<Storage> held = Ref<Storage>::adopt(target);
        force(*target);
    }
    s.clear(Storage::kRead);
}

void drop_pending(Storage& s) noexcept {
    Graph& g = graph();
    std::lock_guard lock(g.mutex);
    Deferred* d = s.producer;
    if (!d) return;
    s.producer = nullptr;
    forget_reader(g, d);
    // A long chain of dropped results would recurse through its operands: the drop that is going on takes it over.
    static Deferred* doomed = nullptr;
    static bool active = false;
    d->next = doomed;
    doomed = d;
    if (active) return;
    active = true;
    while (Deferred* next = doomed) {
        doomed = next->next;
        delete next;
    }
    active = false;
}

}  // namespace minpy
