#include "core/autograd/tape.h"

#include "core/autograd/sweep.h"
#include "core/ops/calls.h"
#include "core/registry/recorder.h"
#include "core/registry/registry.h"

namespace minpy {
namespace {

struct States {
    std::mutex mutex;
    TapeState* free = nullptr;
    uint64_t tapes = 0;
};
States& states() {
    static States* s = new States;  // lives as long as the process
    return *s;
}

// The tape of a node that is alive, unless another thread closes it just now.
Ref<Tape> tape_of(const Node& node) {
    std::lock_guard lock(states().mutex);
    if (!node.tape.is_open()) return {};
    Tape* tape = node.tape.state->tape;
    int64_t n = tape->refs.load(std::memory_order_relaxed);
    while (n && !tape->refs.compare_exchange_weak(n, n + 1, std::memory_order_relaxed)) {}
    return n ? Ref<Tape>::adopt(tape) : Ref<Tape>();
}

NodeRef make_leaf(Tape& tape, const Array& a) {
    NodeRef node = Node::make(tape.tag(), nullptr, 0, 1, false, false, a.ndim());
    node->device = a.device();
    node->set_meta(node->out_meta()[0], a);
    node->number_after_operands();
    return node;
}

// A node for one of the operators that only tapes use (core/ops/internal.cc).
NodeRef make_node(Tape& tape, const Op& op, ValuesView args, std::span<const Traced> from, std::span<const Array> in,
                  const Array& out) {
    int64_t n_dims = out.ndim();
    for (const Array& a : in) n_dims += a.ndim();
    NodeRef node = Node::make(tape.tag(), &op, int64_t(from.size()), 1, false, false, n_dims);
    node->args = Values(args, false);
    for (size_t i = 0; i < from.size(); ++i) {
        const Traced& t = node->edges()[i] = from[i];
        if (t.node && t.node->tape.depth() < node->tape.depth()) node->tape = t.node->tape;
        node->set_meta(node->in_meta()[i], in[i]);
    }
    node->set_meta(node->out_meta()[0], out);
    node->number_after_operands();
    node->device = out.device();
    return node;
}

// The node of `a`, seen as a window of `base` (same storage) that `from` follows.
Traced derive_window(const Array& a, const Array& base, const Traced& from, Tape& tape) {
    if (a.get()->offset == base.get()->offset && same(a.shape(), base.shape()) && same(a.strides(), base.strides()))
        return from;
    Dims shape = a.dims(), strides(a.strides().begin(), a.strides().end());
    Dims base_strides(base.strides().begin(), base.strides().end());
    minpy_value args[] = {none_value(), to_value(shape), to_value(strides),
                          to_value(a.get()->offset - base.get()->offset), to_value(base_strides)};
    return {make_node(tape, MINPY_OP("_window"), args, {&from, 1}, {&base, 1}, a), 0};
}

bool within(const Array& a, const Array& base) {
    auto [alow, ahigh] = extent(a.shape(), a.strides(), a.itemsize());
    auto [blow, bhigh] = extent(base.shape(), base.strides(), base.itemsize());
    return a.get()->offset + alow >= base.get()->offset + blow && a.get()->offset + ahigh <= base.get()->offset + bhigh;
}

bool alive(const Node* node) { return node->tape.records(); }

}  // namespace

bool any_records(const Context& context) {
    for (Tape* tape = context.tape.get(); tape; tape = tape->parent.get())
        if (tape->records()) return true;
    return false;
}

Traced mark_of(const Array& a, Tape* innermost) {
    ArrayBody* body = a.get();
    for (Tape* tape = innermost; tape; tape = tape->parent.get()) {
        if (!tape->records()) continue;
        std::lock_guard lock(tape->mutex);
        Tape::Entry* e = tape->find(body->storage);
        if (!e) continue;
        if (e->current) {
            if (!alive(e->current.get())) return {};
            return derive_window(a, e->flat, {e->current, 0}, *tape);
        }
        for (Tape::Mark& m : e->marks)
            if (m.handle == body) return {m.leaf, 0};
        for (Tape::Mark& m : e->marks)
            if (m.window.dtype() == a.dtype() && within(a, m.window))
                return derive_window(a, m.window, {m.leaf, 0}, *tape);
        for (Tape::Mark& m : e->marks)
            if (may_overlap(a, m.window))
                throw state_error(
                    "this array shares memory with one that is being differentiated, but reaches beyond it; "
                    "take the view inside the function");
    }
    return {};
}

// ---- tapes ----

Tape::Tape() {
    States& all = states();
    std::lock_guard lock(all.mutex);
    TapeState* s = all.free ? all.free : new TapeState;
    all.free = std::exchange(s->next_free, nullptr);
    s->depth.store(0, std::memory_order_relaxed);
    s->tape = this;
    tag_ = {s, ++all.tapes};
    s->number.store(tag_.number, std::memory_order_release);
}

Tape::~Tape() {
    close();
    States& all = states();
    std::lock_guard lock(all.mutex);
    tag_.state->tape = nullptr;
    tag_.state->next_free = std::exchange(all.free, tag_.state);
}

void Tape::nest_in(const Ref<Tape>& outer) {
    parent = outer;
    tag_.state->depth.store(outer ? outer->tag_.depth() + 1 : 0, std::memory_order_relaxed);
}

Tape::Entry* Tape::find(Storage* s) {
    auto it = entries_.find(s);
    return it == entries_.end() ? nullptr : &it->second;
}

Tape::Entry& Tape::entry(Storage* s) {
    auto [it, fresh] = entries_.try_emplace(s);
    if (fresh) {
        s->retain();
        it->second.storage = s;
        add_trace(*s);
    }
    return it->second;
}

void Tape::close() {
    {
        std::lock_guard lock(states().mutex);
        if (!is_open()) return;
        tag_.state->number.store(0, std::memory_order_release);
    }
    std::lock_guard lock(mutex);
    for (auto& [storage, e] : entries_) {
        // What an outer tape follows goes on there.
        if (e.current && parent && e.current->tape.is_open()) {
            std::lock_guard outer(parent->mutex);
            Entry& o = parent->entry(storage);
            o.current = e.current;
            o.flat = e.flat;
        }
        drop_trace(*storage);
        storage->release();
    }
    entries_.clear();
}

Array Tape::watch(const Array& a, Context& context) {
    if (!is_open()) throw state_error("the tape is closed");
    if (!in(a.dtype(), kFloating | kComplex))
        throw type_error("gradients need floating-point or complex arguments, got ", name(a.dtype()));
    InsideKernel inside;  // marking looks at no element
    if (a.storage().has(Storage::kPending)) wait_ready(a.storage());
    // What other tapes know of it: the alias that a second mark gives does not depend on the first.
    Tape* around = context.tape.get() == this ? parent.get() : context.tape.get();
    Traced outer = may_be_traced(a) ? trace_of(a, around) : Traced{};
    std::lock_guard lock(mutex);
    Entry* known = find(&a.storage());
    bool free_handle = !outer.node;
    if (known)
        for (Mark& m : known->marks) free_handle = free_handle && m.handle != a.get();
    if (free_handle && !(known && known->current)) {
        Entry& e = entry(&a.storage());
        e.marks.push_back({a.get(), without_node(a), make_leaf(*this, a)});
        return a;
    }
    // An alias with a node of its own: for outer tapes it is the same value, for this one a leaf.
    Array alias = without_node(a);
    NodeRef node = outer.node ? make_node(*this, MINPY_OP("_alias"), {}, {&outer, 1}, {&a, 1}, a) : make_leaf(*this, a);
    alias.get()->node = node.detach();
    alias.get()->node_version = a.storage().version.load();
    return alias;
}

// ---- recorded writes ----

bool write_concerns_tape(const Array& w, Context& context) {
    if (w.get()->node && alive(w.get()->node)) return true;
    if (!w.storage().has(Storage::kTraced)) return false;
    for (Tape* tape = context.tape.get(); tape; tape = tape->parent.get()) {
        std::lock_guard lock(tape->mutex);
        if (tape->records() && tape->find(&w.storage())) return true;
    }
    return false;
}

Array with_current_node(const Array& a, Context& context) {
    Traced t = may_be_traced(a) ? trace_of(a, context) : Traced{};
    if (!t.node) return a;
    return with_node(a, t.node.get(), t.output);
}

void record_write(const Array& w, const Array& value, Context& context) {
    if (!in(w.dtype(), kFloating | kComplex)) return;
    Traced from = may_be_traced(value) ? trace_of(value, context) : Traced{};
    Traced self = trace_of(w, context);
    if (!from.node && !self.node && !write_concerns_tape(w, context)) return;
    // The tape that keeps the entry: the context's innermost one, else the node's.
    Ref<Tape> tape = context.tape && context.tape->is_open() ? context.tape
                     : from.node                             ? tape_of(*from.node)
                     : self.node                             ? tape_of(*self.node)
                                                             : Ref<Tape>();
    if (!tape) return;
    Storage& s = w.storage();
    std::lock_guard lock(tape->mutex);
    Tape::Entry& e = tape->entry(&s);
    if (!e.flat) {
        // The whole storage, aligned to this window's elements.
        int64_t item = w.itemsize(), start = w.get()->offset % item, n = (s.nbytes - start) / item;
        int64_t shape[] = {n}, strides[] = {item};
        s.retain();
        e.flat = Array::on(&s, start, shape, strides, w.dtype());
    }
    if (e.flat.dtype() != w.dtype())
        throw unsupported("writing ", name(w.dtype()), " into a recorded array of ", name(e.flat.dtype()));
    auto write = [&](const NodeRef& base_node, const Array& window, const Traced& v) {
        Dims shape = window.dims(), strides(window.strides().begin(), window.strides().end());
        minpy_value args[] = {none_value(), none_value(), to_value(shape), to_value(strides),
                              to_value(window.get()->offset - e.flat.get()->offset)};
        Traced operands[] = {{base_node, 0}, v};
        Array in[] = {e.flat, window};
        return make_node(*tape, MINPY_OP("_write_window"), args, operands, in, e.flat);
    };
    NodeRef current = e.current;
    if (!current) {
        // The first write: what followed the storage until now becomes windows of the flat array.
        for (Tape::Mark& m : e.marks) current = write(current, m.window, {m.leaf, 0});
        if (!current && self.node) {
            // A view knows only a part: the array that it was taken from, before any view, is the whole.
            Traced whole = self;
            Array all = w;
            while (whole.node->base) {
                const Node& view = *whole.node;
                s.retain();
                all = Array::on(&s, view.base->offset, view.in_meta()[0].shape, view.base->strides, w.dtype());
                whole = Traced(view.edges()[0]);
            }
            current = write({}, all, whole);
        }
    }
    e.current = write(current, w, from);
    s.version.fetch_add(1);
}

// ---- derivatives ----

namespace {

std::vector<Traced> traces_of(std::span<const Array> arrays, Tape* tape) {
    std::vector<Traced> traces;
    for (const Array& a : arrays) traces.push_back(a && may_be_traced(a) ? trace_of(a, tape) : Traced{});
    return traces;
}

}  // namespace

// Marks are looked for on this tape and those around it, whatever the caller's context records.
std::vector<Array> Tape::gradient(std::span<const Array> heads, std::span<const Array> seeds,
                                  std::span<const Array> wrt, bool create_graph, bool retain_graph, Context&) {
    if (!is_open()) throw state_error("the tape is closed: its recording is gone");
    std::vector<Traced> from = traces_of(heads, this), to = traces_of(wrt, this);
    std::vector<Array> cotangents;
    for (size_t i = 0; i < heads.size(); ++i) {
        const Array& head = heads[i];
        if (i < seeds.size() && seeds[i]) {
            if (!same(seeds[i].shape(), head.shape()))
                throw shape_error("a seed of shape ", to_string(seeds[i].shape()), " does not fit a result of shape ",
                                  to_string(head.shape()));
            cotangents.push_back(ops::cast_gradient(seeds[i], head.dtype()));
        } else {
            cotangents.push_back(from[i].node ? ops::ones(head.shape(), head.dtype(), head.device()) : Array());
        }
    }
    PausedTape paused(create_graph ? nullptr : tag_.state);
    bool keep = retain_graph || create_graph;
    return reverse_sweep(heads, from, std::move(cotangents), to, keep ? TapeTag{} : tag_);
}

std::vector<Array> Tape::jvp(std::span<const Array> heads, std::span<const Array> wrt, std::span<const Array> tangents,
                             Context& context) {
    if (!is_open()) throw state_error("the tape is closed: its recording is gone");
    for (size_t i = 0; i < wrt.size(); ++i)
        if (!same(tangents[i].shape(), wrt[i].shape()))
            throw shape_error("a tangent of shape ", to_string(tangents[i].shape()),
                              " does not fit an argument of shape ", to_string(wrt[i].shape()));
    std::vector<Traced> to = traces_of(heads, this), from = traces_of(wrt, this);
    PausedTape paused(tag_.state);
    return forward_sweep(from, tangents, to, context);
}

}  // namespace minpy
