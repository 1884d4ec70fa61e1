// The plan of a group: steps over slots. A slot is where a value lies while a block is computed: in memory at the
// block's position, in a register (a piece of the scratch buffer), one element for all, or where a reader wants it.
#pragma once
#include "core/fusion/group.h"

namespace minpy {

struct Plan {
    struct Slot {
        enum Kind : uint8_t { reg, linear, one, rows, handed };
        Kind kind;
        char* base;    // not of registers
        int64_t step;  // bytes between elements; of registers: where it begins in the scratch buffer
        int32_t row;   // which of `rows`
    };
    // A large result: computed in a register, and from there stored past the caches.
    struct Streamed {
        int16_t slot;
        char* to;
        int64_t step;  // bytes between elements
    };
    struct Step {
        const Loop* loop;  // null: `cast`
        CastFn cast;
        int32_t node;  // whose conditions these are
        int32_t n;     // slots of a loop
        uint32_t scalars;
        int16_t slots[4];
        int64_t from_step, to_step;  // of a cast, bytes
    };

    explicit Plan(const Group& group);

    std::vector<Slot> slots;
    std::vector<Step> steps;
    std::vector<Streamed> streamed;
    std::vector<DimsView> row_strides;  // of each operand that is rows
    Dims shape;                         // axes of the rows, merged: outer ones, then the run
    SmallVector<int64_t, 16> strides;   // [axis][row operand]
    int64_t size = 0, run = 0;          // elements in all, and of a run along which every slot has one step
    int64_t block = 0;                  // elements of a block
    int64_t scratch = 0;                // bytes of registers for one block

private:
    int16_t add(Slot s);
    int16_t take_register();
    void lay_out_rows(const Group& group);
    std::vector<int16_t> free_;
    int32_t n_registers_ = 0;
    int64_t widest_ = 1, in_memory_ = 0;
};

}  // namespace minpy
