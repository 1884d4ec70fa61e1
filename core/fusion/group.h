// Groups of pending operators and the plan that computes one in a single pass over its elements, block by block.
//
// Pending results are C-contiguous and fill their storage, so the nodes of a group walk the same linear positions:
// whatever reads a pending result element by element reads it at its own position. Operands from outside are linear too,
// or one element, or strided rows.
#pragma once
#include <condition_variable>
#include <vector>

#include "core/array/casting.h"
#include "core/cpu/reduce.h"
#include "core/registry/call.h"

namespace minpy {

struct Group;

// One pending operator.
class Deferred : public Pooled<Deferred> {
public:
    enum class Access : uint8_t { linear, one, rows };
    struct Input {
        Array array;  // holds the storage; broadcast to `shape` where it is rows
        Access access = Access::linear;
    };

    const Op* op = nullptr;
    const Loop* loop = nullptr;  // null: a conversion of its only operand
    SmallVector<Input, 3> inputs;
    Dims shape;
    DType dtype = DType::none;
    int64_t size = 0;
    Storage* target = nullptr;  // not held: it drops its producer when nobody wants it
    Array into;                 // where the result goes instead: `out=`, contiguous in the order of `shape`
    uint64_t sequence = 0;      // larger than its operands'
    int32_t depth = 1;          // pending operators above it, itself included
    int64_t held = 0;           // bytes of operands that this and those above it may keep alive
    uint32_t conditions = ~0u;  // MINPY_FP_* that its caller wants to hear of
    bool named = false;         // by name and call site, see thread_state.h
    std::string site;
    Deferred* next = nullptr;  // while it waits to be destroyed

    // ---- while its group runs ----
    Group* group = nullptr;
    int32_t place = 0;        // in the group
    int32_t fork_count = -1;  // of the process that runs it
};

// Rows shorter than this are not worth a pass of the group's steps.
inline constexpr int64_t kShortestRow = 64;

// Whether every byte of the array's memory is one of its elements, and steps go forward.
bool fills_memory(const Array& a);

// The length of the runs in which every one of these operands has one step, along the last axes of their common shape.
int64_t common_run(DimsView shape, std::span<const Array> rows);

struct Group {
    std::vector<Deferred*> nodes;  // operands first
    std::vector<bool> kept;        // by node: somebody outside the group refers to the result
    std::vector<uint32_t> flags;   // by node: MINPY_FP_* it met
    int64_t size = 0;
    Dims row_shape;       // of those that read rows; empty: none does
    int32_t handed = -1;  // the node whose result a fold reads, block by block
    bool leaves = false;  // nodes that are not kept stay pending: they may be wanted yet
};

// Whether a group that computes it is under way, in this process.
inline bool runs(const Deferred& d, int32_t fork_count) { return d.group && d.fork_count == fork_count; }

// ---- under the lock of deferred.cc ----
enum class Found { complete, other_first, busy };
// Collects what is computed in one pass with `root`. If a pending operand cannot join, `root` becomes its producer: it
// comes first, or another thread is at it.
Found collect(Group& group, Deferred*& root, int32_t fork_count);
void choose_kept(Group& group);
// What the last node's caller alone refers to, and will hardly look at again, is not kept after all.
void drop_operands(Group& group);
void disband(Group& group);

std::string describe(const Group& group);  // a line of minpy_explain

// Computes the group's results into the storages of those kept. Their buffers are there.
void run_group(Group& group);
// Computes the group while a fold reads the result that is handed: each of its elements once.
class GroupSource : public ElementSource {
public:
    explicit GroupSource(Group& group);
    ~GroupSource() override;
    Reader& take() override;
    void give_back(Reader& reader) override;
    void finish();  // all has been read

private:
    struct State;
    std::unique_ptr<State> state_;
};
void check_group(const Group& group);  // throws where a result has other bits than its call by itself

}  // namespace minpy
