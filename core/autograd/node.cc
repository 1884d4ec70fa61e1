#include "core/autograd/node.h"

#include "core/autograd/tape.h"
#include "core/registry/device.h"
#include "core/registry/recorder.h"
#include "core/registry/thread_state.h"

namespace minpy {
namespace {

constexpr int64_t kSmallBlock = 4096;  // bytes of nodes that come from a thread's own list

}  // namespace

// ---- nodes ----

NodeRef Node::make(const TapeTag& tape, const Op* op, int64_t n_in, int64_t n_out, bool saves_in, bool saves_out,
                   int64_t n_dims) {
    ThreadState& t = thread_state();
    int64_t bytes = int64_t(sizeof(Node)) + n_in * int64_t(sizeof(Traced) + sizeof(ArrayMeta)) +
                    n_out * int64_t(sizeof(ArrayMeta)) + n_dims * int64_t(sizeof(int64_t)) +
                    ((saves_in ? n_in : 0) + (saves_out ? n_out : 0)) * int64_t(sizeof(SavedArray));
    if (bytes > INT32_MAX) throw value_error("a call of ", n_in, " operands cannot be recorded");
    void* block = bytes <= kSmallBlock ? allocate_small(bytes) : allocate(bytes);
    return NodeRef::adopt(new (block) Node(tape, op, n_in, n_out, saves_in, saves_out, bytes, &t));
}

Node::Node(const TapeTag& tape, const Op* op, int64_t n_in, int64_t n_out, bool saves_in, bool saves_out, int64_t bytes,
           ThreadState* recorder)
    : n_in(int32_t(n_in)),
      n_out(int32_t(n_out)),
      saves_in(saves_in),
      saves_out(saves_out),
      tape(tape),
      op(op),
      recorder(recorder),
      bytes_(int32_t(bytes)) {
    for (Traced& e : edges()) new (&e) Traced;
    for (ArrayMeta& m : in_meta()) new (&m) ArrayMeta;
    for (ArrayMeta& m : out_meta()) new (&m) ArrayMeta;
    SavedArray* saved = this->saved_in().data();
    for (int64_t i = 0, n = n_saved(); i < n; ++i) new (saved + i) SavedArray;
    live_handles.add(1);
}

Node::~Node() {
    SavedArray* saved = saved_in().data();
    for (int64_t i = 0, n = n_saved(); i < n; ++i) saved[i].~SavedArray();
    for (Traced& e : edges()) e.~Traced();
    live_handles.add(-1);
}

void Node::free_block() noexcept {
    int64_t bytes = bytes_;
    this->~Node();
    bytes <= kSmallBlock ? deallocate_small(this, bytes) : deallocate(this, bytes);
}

void Node::number_after_operands() {
    for (const Traced& e : edges())
        if (e.node) sequence = std::max(sequence, e.node->sequence);
    ThreadState& t = thread_state();
    t.sequence = sequence = std::max(sequence, t.sequence) + 1;
}

void throw_freed(const Node& node) {
    throw state_error("what ", node.op ? node.op->name : "",
                      " recorded was freed by the gradient that was taken first; ",
                      "retain it in that call, or compute the result again");
}

void Node::enter_sweep() {
    int32_t n = sweeps_.load(std::memory_order_acquire);
    do {
        if (n < 0) throw_freed(*this);
    } while (!sweeps_.compare_exchange_weak(n, n + 1, std::memory_order_acq_rel));
}

void Node::leave_sweep() {
    if (!is_freed()) sweeps_.fetch_sub(1, std::memory_order_acq_rel);
}

bool Node::try_free(int32_t sweeps) { return sweeps_.compare_exchange_strong(sweeps, -1, std::memory_order_acq_rel); }

void Node::destroy() noexcept {
    ThreadState* t = tls_state;
    if (!t) {
        try {
            t = make_thread_state();
        } catch (...) {  // no memory for it: recursion then
            free_block();
            return;
        }
    }
    if (t->freeing) {  // the release that is going on takes it over
        next_doomed = t->doomed;
        t->doomed = this;
        return;
    }
    t->freeing = true;
    free_block();
    while (Node* next = t->doomed) {
        t->doomed = next->next_doomed;
        next->free_block();
    }
    t->freeing = false;
}

void release(Node* node) noexcept { node->release(); }

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
        node->retain();
        result.get()->node = node;
        result.get()->node_output = output;
        result.get()->node_version = a.storage().version.load(std::memory_order_relaxed);
    }
    return result;
}

// ---- recording ----

void record(const Op& op, Context& context, ValuesView args, std::span<const Array> inputs, std::span<Array> outputs) {
    if (op.gradient == Op::Gradient::none) return;
    auto differentiable = [](const Array& a) { return a && in(a.dtype(), kFloating | kComplex); };
    int64_t n_dims = 0;
    for (const Array& a : inputs) n_dims += a ? a.ndim() : 0;
    for (const Array& a : outputs) n_dims += a.ndim();
    NodeRef node;  // made when the first operand is followed
    for (size_t i = 0; i < inputs.size(); ++i) {
        if (!differentiable(inputs[i]) || !may_be_traced(inputs[i])) continue;
        Traced t = trace_of(inputs[i], context);
        if (!t.node) continue;
        if (!node)
            node = Node::make(t.node->tape, &op, int64_t(inputs.size()), int64_t(outputs.size()), op.save_inputs,
                              op.save_outputs, n_dims);
        else if (t.node->tape.depth() < node->tape.depth()) node->tape = t.node->tape;
        node->edges()[i] = std::move(t);
    }
    if (!node) return;
    node->number_after_operands();
    if (op.has_attributes) node->args = Values(args, false);
    node->device = outputs.front().device();
    ArrayMeta* meta = node->in_meta().data();  // those of results follow
    for (const Array& a : inputs) node->set_meta(*meta++, a);
    for (const Array& a : outputs) node->set_meta(*meta++, a);
    if (op.view && node->edges()[0].node && &inputs[0].storage() == &outputs[0].storage()) {
        DimsView strides = inputs[0].strides();
        node->base.reset(new Layout{Dims(strides.begin(), strides.end()), inputs[0].get()->offset});
    }
    auto exposed = [](const Array& a) { return a.storage().has(Storage::kExposed); };
    if (op.save_inputs) {
        // A linear rule reads only what it is not linear in: positions, conditions.
        bool linear = op.gradient == Op::Gradient::linear;
        for (size_t i = 0; i < inputs.size(); ++i) {
            if (!inputs[i] || (linear && differentiable(inputs[i]))) continue;
            // Exposed memory may be written unseen: the tape keeps a copy.
            node->saved_in()[i].save(exposed(inputs[i]) ? snapshot(inputs[i]) : inputs[i]);
        }
    }
    if (op.save_outputs)
        for (size_t i = 0; i < outputs.size(); ++i)
            node->saved_out()[i].save(exposed(outputs[i]) ? snapshot(outputs[i]) : without_node(outputs[i]));
    for (size_t i = outputs.size(); i-- > 0;) {
        Array& a = outputs[i];
        if (!differentiable(a)) continue;
        if (a.get()->node) a.get()->node->release();
        a.get()->node = i > 0 ? NodeRef(node).detach() : node.detach();
        a.get()->node_output = int32_t(i);
        a.get()->node_version = a.storage().version.load(std::memory_order_relaxed);
    }
}

}  // namespace minpy
