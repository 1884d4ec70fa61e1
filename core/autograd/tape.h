// Tape: marks on handles, and derivatives over what was recorded from them. Tapes nest: the context's tape knows its outer
// one. In-place writes are recorded too: a write makes a new version of the storage, and views are re-derived from it.
#pragma once
#include <unordered_map>

#include "core/autograd/node.h"

namespace minpy {

class Tape : public Counted<Tape> {
public:
    Tape();
    ~Tape();
    // Inside the tape that records around it, if any.
    void nest_in(const Ref<Tape>& outer);

    // Marks `a`: the same handle where it is free, an alias where it is recorded already.
    Array watch(const Array& a, Context& context);
    // Reverse mode. Seeds may be null (ones). A null result means unreached.
    std::vector<Array> gradient(std::span<const Array> heads, std::span<const Array> seeds, std::span<const Array> wrt,
                                bool create_graph, bool retain, Context& context);
    // Forward mode over the recording. A null result means unreached.
    std::vector<Array> jvp(std::span<const Array> heads, std::span<const Array> wrt, std::span<const Array> tangents,
                           Context& context);
    void close();
    const TapeTag& tag() const { return tag_; }
    bool is_open() const { return tag_.is_open(); }
    bool records() const { return tag_.records(); }

    std::atomic<int64_t> handles{1};  // the last one closes it, whatever still refers to it
    Ref<Tape> parent;

    // ---- for trace_of and recorded writes ----
    struct Mark {
        ArrayBody* handle;  // not counted: the storage is, and closing clears the marks
        Array window;       // the marked window, untraced
        NodeRef leaf;
    };
    struct Entry {
        Storage* storage;  // counted
        SmallVector<Mark, 1> marks;
        NodeRef current;  // the node of the whole storage as a flat array, once written
        Array flat;       // its window
    };
    Entry* find(Storage* s);
    Entry& entry(Storage* s);
    std::recursive_mutex mutex;

private:
    std::unordered_map<Storage*, Entry> entries_;
    TapeTag tag_;
};

// `a[...] = value` on a tape, after the elements are written: `value` has the window's shape and dtype.
// Nothing happens where no tape is concerned.
void record_write(const Array& window, const Array& value, Context& context);
// The same window, following whatever an open tape knows of it now.
Array with_current_node(const Array& a, Context& context);
// True if a write to `window` of something not recorded must still be known to a tape.
bool write_concerns_tape(const Array& window, Context& context);

}  // namespace minpy
