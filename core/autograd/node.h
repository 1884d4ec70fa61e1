// Node: one recorded operator call. Nodes hang on the arrays they computed and hold their operands' nodes: the graph lives
// as long as something refers to it, and its tape decides whether it is still of interest.
#pragma once
#include "core/autograd/rules.h"

namespace minpy {

class Tape;
using NodeRef = Ref<Node>;

// An operand or result kept for the derivative. If its storage is about to be overwritten, it gets a copy first: maybe by
// another thread than its node's, so what it holds changes under a lock that stays the same.
class SavedArray {
public:
    SavedArray() = default;
    SavedArray(SavedArray&& other) noexcept { *this = std::move(other); }
    SavedArray& operator=(SavedArray&& other) noexcept;
    ~SavedArray() { reset(); }
    void save(Array a);
    void reset();
    Array get() const;

private:
    friend void detach_saved(Storage& s);
    Array array_;
    Ref<Storage> home_;  // has the list and its lock, also when array_ is a copy by now; null: holds nothing
    std::atomic<SavedArray*> next_{nullptr};
    std::atomic<SavedArray*>* link_ = nullptr;  // what points to this
};
void detach_saved(Storage& s);

// A tape has an entry for it, or has it no more.
void add_trace(Storage& s);
void drop_trace(Storage& s);

struct ArrayMeta {
    Dims shape;
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

class Node : public Pooled<Node> {
public:
    std::atomic<int32_t> refs{1};
    uint64_t sequence = 0;         // larger than that of every operand
    Ref<Tape> tape;                // the outermost of the operands' tapes
    const Op* op = nullptr;        // null: a leaf
    Values args;                   // attributes; arrays are in `saved_in`
    SmallVector<Traced, 2> edges;  // of the operands
    SmallVector<ArrayMeta, 2> in_meta;
    SmallVector<ArrayMeta, 1> out_meta;
    SmallVector<SavedArray, 2> saved_in;
    SmallVector<SavedArray, 1> saved_out;
    int32_t n_out = 1;
    Device device;                 // of the operands
    std::unique_ptr<Layout> base;  // of a view: its operand's, on the storage that they share

    Node* next_doomed = nullptr;  // while it waits to be destroyed

    Node();
    ~Node();
    void retain() { minpy::retain(this); }
    void release() noexcept { minpy::release(this); }
};

uint64_t next_sequence();

// Cheap test first: most arrays have neither a node nor traced storage.
inline bool may_be_traced(const Array& a) { return a.get()->node || a.storage().has(Storage::kTraced); }
// Marks are looked for on `innermost` and the tapes around it.
Traced trace_of(const Array& a, Tape* innermost);
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
