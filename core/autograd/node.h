// Node: one recorded operator call. Nodes hang on the arrays they computed and hold their operands' nodes: the graph lives
// as long as something refers to it, and its tape decides whether it is still of interest.
#pragma once
#include "core/autograd/rules.h"
#include "core/autograd/saved.h"

namespace minpy {

class Tape;
using NodeRef = Ref<Node>;

// What nodes know of their tape. These records are never freed but used again, so that nodes can ask them without holding
// the tape: a number that is no longer here names a tape that is closed.
struct TapeState {
    std::atomic<uint64_t> number{0};  // of the open tape
    std::atomic<int32_t> depth{0};    // 0: outermost
    Tape* tape = nullptr;             // under the lock of core/autograd/tape.cc, like the next
    TapeState* next_free = nullptr;
};
// What this thread computes is not put on the tape meanwhile.
struct PausedTape {
    explicit PausedTape(const TapeState* state) : state(state), around(thread_state().paused) {
        thread_state().paused = this;
    }
    ~PausedTape() { thread_state().paused = around; }
    PausedTape(const PausedTape&) = delete;

    const TapeState* state;
    const PausedTape* around;
};
struct TapeTag {
    TapeState* state = nullptr;
    uint64_t number = 0;
    bool is_open() const { return state && state->number.load(std::memory_order_acquire) == number; }
    bool records() const {
        const ThreadState* t = tls_state;
        for (const PausedTape* p = t ? t->paused : nullptr; p; p = p->around)
            if (p->state == state) return false;
        return is_open();
    }
    int32_t depth() const { return state->depth.load(std::memory_order_relaxed); }
    friend bool operator==(const TapeTag&, const TapeTag&) = default;
};

// How an array looked.
struct ArrayMeta {
    DimsView shape;
    DType dtype = DType::none;
    Device device{};
};

// How an array lies on its storage.
struct Layout {
    Dims strides;
    int64_t offset;
};

// The node that follows an array, null if no open tape does.
struct Traced {
    NodeRef node;
    int32_t output = 0;
};

// In one block with what it knows of its operands and results.
class Node {
public:
    // Room for operands and results, and the dimensions of both. Whoever adds edges calls `number_after_operands`.
    static NodeRef make(const TapeTag& tape, const Op* op, int64_t n_in, int64_t n_out, bool saves_in, bool saves_out,
                        int64_t n_dims);
    void retain() { refs.fetch_add(1, std::memory_order_relaxed); }
    void release() noexcept {
        if (drop_reference(refs)) destroy();
    }

    std::span<Traced> edges() { return {reinterpret_cast<Traced*>(this + 1), size_t(n_in)}; }  // of the operands
    std::span<ArrayMeta> in_meta() { return {reinterpret_cast<ArrayMeta*>(edges().data() + n_in), size_t(n_in)}; }
    std::span<ArrayMeta> out_meta() { return {in_meta().data() + n_in, size_t(n_out)}; }
    std::span<SavedArray> saved_in() {
        return {reinterpret_cast<SavedArray*>(out_meta().data() + n_out), size_t(saves_in ? n_in : 0)};
    }
    std::span<SavedArray> saved_out() { return {saved_in().data() + saved_in().size(), size_t(saves_out ? n_out : 0)}; }
    std::span<const Traced> edges() const { return const_cast<Node*>(this)->edges(); }
    std::span<const ArrayMeta> in_meta() const { return const_cast<Node*>(this)->in_meta(); }
    std::span<const ArrayMeta> out_meta() const { return const_cast<Node*>(this)->out_meta(); }
    std::span<const SavedArray> saved_in() const { return const_cast<Node*>(this)->saved_in(); }
    std::span<const SavedArray> saved_out() const { return const_cast<Node*>(this)->saved_out(); }
    void set_meta(ArrayMeta& to, const Array& from);
    void number_after_operands();

    // Sweeps begin and end; one that is alone with the node, and counted it `sweeps` times, may free what it recorded.
    void enter_sweep();  // throws if it is freed
    void leave_sweep();
    bool try_free(int32_t sweeps);
    bool is_freed() const { return sweeps_.load(std::memory_order_acquire) < 0; }

    std::atomic<int32_t> refs{1};
    int32_t n_in, n_out;
    bool saves_in, saves_out;
    uint64_t sequence = 0;         // larger than that of every operand; grows with the recording of a thread
    TapeTag tape;                  // the outermost of the operands' tapes
    const Op* op;                  // null: a leaf
    Values args;                   // attributes; arrays are in `saved_in`
    Device device;                 // of the operands
    std::unique_ptr<Layout> base;  // of a view: its operand's, on the storage that they share

    // Its place in a sweep of the thread that recorded it. Sweeps of other threads keep their places elsewhere.
    ThreadState* const recorder;
    union {
        uint64_t sweep = 0;
        Node* next_doomed;  // while it waits to be destroyed
    };
    int32_t place = 0;

private:
    Node(const TapeTag& tape, const Op* op, int64_t n_in, int64_t n_out, bool saves_in, bool saves_out, int64_t bytes,
         ThreadState* recorder);
    ~Node();
    void destroy() noexcept;  // and what nobody else refers to then, without recursion
    void free_block() noexcept;
    int64_t n_saved() const { return (saves_in ? n_in : 0) + (saves_out ? n_out : 0); }  // one behind the other
    std::atomic<int32_t> sweeps_{0};  // that started here; negative: freed
    int32_t bytes_;
    int32_t n_dims_ = 0;  // filled in, behind all else
};

inline void Node::set_meta(ArrayMeta& to, const Array& from) {
    if (!from) return;
    const ArrayBody& a = *from.get();
    auto* dims = reinterpret_cast<int64_t*>(saved_out().data() + saved_out().size()) + n_dims_;
    for (int32_t i = 0; i < a.ndim; ++i) dims[i] = a.shape[i];
    n_dims_ += a.ndim;
    to.shape = {dims, size_t(a.ndim)};
    to.dtype = a.dtype;
    to.device = a.storage->device;
}

[[noreturn]] void throw_freed(const Node& node);

// Cheap test first: most arrays have neither a node nor traced storage.
inline bool may_be_traced(const ArrayBody* a) { return a->node || a->storage->has(Storage::kTraced); }
inline bool may_be_traced(const Array& a) { return may_be_traced(a.get()); }
// Some tape of the context is open and does not pause.
bool any_records(const Context& context);
// False if what is computed from it is not recorded because of it.
inline bool is_followed(const ArrayBody* a, const Context& context) {
    return (a->node && a->node->tape.records()) || (a->storage->has(Storage::kTraced) && any_records(context));
}
// It has a node that says what it is now, on a tape that records.
inline bool has_current_node(const ArrayBody* a) {
    return a->node && a->node_version == a->storage->version.load(std::memory_order_acquire) && a->node->tape.records();
}
// Marks are looked for on `innermost` and the tapes around it.
Traced mark_of(const Array& a, Tape* innermost);
inline Traced trace_of(const Array& a, Tape* innermost) {
    // A node whose tape is closed or pauses says nothing: the handle may be marked on another since.
    if (has_current_node(a.get())) return {NodeRef::share(a.get()->node), a.get()->node_output};
    return a.storage().has(Storage::kTraced) ? mark_of(a, innermost) : Traced{};
}
inline Traced trace_of(const Array& a, Context& context) { return trace_of(a, context.tape.get()); }

// The same window, following `node`.
Array with_node(const Array& a, Node* node, int32_t output);
// The same window, followed by nothing.
Array without_node(const Array& a);
// A copy with the same layout, followed by nothing.
Array snapshot(const Array& a);

// Puts a finished call on the tape if one of its operands is recorded. `inputs` are the operands after casts.
void record(const Op& op, Context& context, ValuesView args, std::span<const Array> inputs, std::span<Array> outputs);
inline void record(const Call& call, std::span<const Array> inputs, std::span<Array> outputs) {
    record(call.op, call.context, {call.args.data(), size_t(call.args.size())}, inputs, outputs);
}

}  // namespace minpy
