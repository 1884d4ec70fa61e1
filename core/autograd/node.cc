#include "core/autograd/node.h"

#include "core/autograd/tape.h"
#include "core/registry/device.h"
#include "core/registry/recorder.h"
#include "core/registry/thread_state.h"

namespace minpy {
namespace {

std::atomic<uint64_t> g_sequence{1};

// What a storage and tapes know of each other: its list of saved arrays, its count of tapes with kTraced.
class Locked {
public:
    explicit Locked(Storage& s) : flag_(s.saved_lock) {
        while (flag_.test_and_set(std::memory_order_acquire)) {}
    }
    ~Locked() { flag_.clear(std::memory_order_release); }

private:
    std::atomic_flag& flag_;
};

}  // namespace

uint64_t next_sequence() { return g_sequence.fetch_add(1, std::memory_order_relaxed); }

// ---- saved arrays ----

SavedArray& SavedArray::operator=(SavedArray&& other) noexcept {
    if (this == &other) return *this;
    reset();
    if (!other.home_) return *this;
    home_ = std::move(other.home_);
    Locked lock(*home_);
    array_ = std::move(other.array_);
    link_ = std::exchange(other.link_, nullptr);
    SavedArray* next = other.next_.exchange(nullptr);
    next_ = next;
    if (link_) *link_ = this;
    if (next) next->link_ = &next_;
    return *this;
}

void SavedArray::save(Array a) {
    reset();
    if (!a) return;
    Storage& s = a.storage();
    home_ = Ref<Storage>::share(&s);
    Locked lock(s);
    array_ = std::move(a);
    SavedArray* next = s.saved;
    next_ = next;
    if (next) next->link_ = &next_;
    s.saved = this;
    link_ = &s.saved;
}

void SavedArray::reset() {
    if (!home_) return;
    // Both are let go when nothing is locked.
    Ref<Storage> home = std::move(home_);
    Array gone;
    Locked lock(*home);
    gone = std::move(array_);
    if (!link_) return;
    SavedArray* next = next_;
    *link_ = next;
    if (next) next->link_ = link_;
    link_ = nullptr;
    next_ = nullptr;
}

Array SavedArray::get() const {
    if (!home_) return {};
    Locked lock(*home_);
    return array_;
}

void detach_saved(Storage& s) {
    // Copies are made before the lock is taken again: making one may allocate and throw, and nothing is lost then.
    for (;;) {
        SavedArray* saved;
        Array old;
        {
            Locked lock(s);
            saved = s.saved;
            if (!saved) return;
            old = saved->array_;
        }
        Array copy = snapshot(old);
        Locked lock(s);
        if (s.saved != saved || !saved->array_.is(old)) continue;
        SavedArray* next = saved->next_;
        s.saved = next;
        if (next) next->link_ = &s.saved;
        saved->link_ = nullptr;  // the copy is seen by nobody else: no list
        saved->next_ = nullptr;
        saved->array_ = copy;
    }
}

// ---- storages that tapes follow ----

void add_trace(Storage& s) {
    Locked lock(s);
    s.n_traces.fetch_add(1, std::memory_order_relaxed);
    s.set(Storage::kTraced);
}

void drop_trace(Storage& s) {
    Locked lock(s);
    if (s.n_traces.fetch_sub(1, std::memory_order_relaxed) == 1) s.clear(Storage::kTraced);
}

// ---- nodes ----

Node::Node() { live_handles.add(1); }

Node::~Node() { live_handles.add(-1); }

void retain(Node* node) { node->refs.fetch_add(1, std::memory_order_relaxed); }

void release(Node* node) noexcept {
    if (!drop_reference(node->refs)) return;
    ThreadState* t = tls_state;
    if (!t) {
        try {
            t = make_thread_state();
        } catch (...) {  // no memory for it: recursion then
            delete node;
            return;
        }
    }
    if (t->freeing) {  // chains are freed without recursion: the release that is going on takes it over
        node->next_doomed = t->doomed;
        t->doomed = node;
        return;
    }
    t->freeing = true;
    delete node;
    while (Node* next = t->doomed) {
        t->doomed = next->next_doomed;
        delete next;
    }
    t->freeing = false;
}

Array without_node(const Array& a) {
    a.storage().retain();
    Array result = Array::on(&a.storage(), a.get()->offset, a.shape(), a.strides(), a.dtype());
    result.get()->view = a.get()->view;
    return result;
}

Array snapshot(const Array& a) {
    if (!a.on_cpu()) return copy_on_device(a);
    Array copy = empty_strided(a.shape(), a.strides(), a.dtype());
    InsideKernel inside;
    copy_into(copy, a);
    if (Recorder* r = recorder()) r->copied(copy, a);
    return copy;
}

Array with_node(const Array& a, Node* node, int32_t output) {
    Array result = without_node(a);
    if (node) {
        retain(node);
        result.get()->node = node;
        result.get()->node_output = output;
        result.get()->node_version = a.storage().version.load(std::memory_order_relaxed);
    }
    return result;
}

// ---- recording ----

void record(const Op& op, Context& context, ValuesView args, std::span<const Array> inputs, std::span<Array> outputs) {
    if (op.gradient == Op::Gradient::none) return;
    SmallVector<Traced, 4> traced;
    Tape* tape = nullptr;
    for (const Array& a : inputs) {
        Traced t;
        if (a && may_be_traced(a) && in(a.dtype(), kFloating | kComplex)) t = trace_of(a, context);
        if (t.node && (!tape || t.node->tape->depth < tape->depth)) tape = t.node->tape.get();
        traced.push_back(std::move(t));
    }
    if (!tape) return;
    NodeRef node = NodeRef::adopt(new Node);
    node->tape = Ref<Tape>::share(tape);
    node->op = &op;
    for (Traced& t : traced) node->edges.push_back(std::move(t));
    node->sequence = next_sequence();
    if (op.has_attributes) node->args = Values(args, false);
    node->n_out = int32_t(outputs.size());
    node->device = outputs.front().device();
    node->in_meta.reserve(int64_t(inputs.size()));
    for (const Array& a : inputs) node->in_meta.push_back(a ? ArrayMeta{a.dims(), a.dtype(), a.device()} : ArrayMeta{});
    for (const Array& a : outputs) node->out_meta.push_back({a.dims(), a.dtype()});
    if (op.view && node->edges[0].node && &inputs[0].storage() == &outputs[0].storage()) {
        DimsView strides = inputs[0].strides();
        node->base.reset(new Layout{Dims(strides.begin(), strides.end()), inputs[0].get()->offset});
    }
    auto exposed = [](const Array& a) { return a.storage().has(Storage::kExposed); };
    if (op.save_inputs) {
        // A linear rule reads only what it is not linear in: positions, conditions.
        bool linear = op.gradient == Op::Gradient::linear;
        node->saved_in.grow(int64_t(inputs.size()));
        for (size_t i = 0; i < inputs.size(); ++i) {
            if (!inputs[i] || (linear && in(inputs[i].dtype(), kFloating | kComplex))) continue;
            // Exposed memory may be written unseen: the tape keeps a copy.
            node->saved_in[int64_t(i)].save(exposed(inputs[i]) ? snapshot(inputs[i]) : inputs[i]);
        }
    }
    if (op.save_outputs) {
        node->saved_out.grow(int64_t(outputs.size()));
        for (size_t i = 0; i < outputs.size(); ++i)
            node->saved_out[int64_t(i)].save(exposed(outputs[i]) ? snapshot(outputs[i]) : without_node(outputs[i]));
    }
    for (size_t i = 0; i < outputs.size(); ++i) {
        Array& a = outputs[i];
        if (!in(a.dtype(), kFloating | kComplex)) continue;
        if (a.get()->node) release(a.get()->node);
        retain(node.get());
        a.get()->node = node.get();
        a.get()->node_output = int32_t(i);
        a.get()->node_version = a.storage().version.load(std::memory_order_relaxed);
    }
}

}  // namespace minpy
