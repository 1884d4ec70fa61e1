// Program: recorded calls in order, over numbered buffers. Operands are windows of buffers, so that views cost nothing and
// writes through them are seen by all. Passes (core/graph/passes.h) rewrite it, a GraphPlan (core/graph/plan.h) runs it.
#pragma once
#include <string>
#include <unordered_map>
#include <vector>

#include "core/registry/call.h"

namespace minpy {

struct Window {
    int32_t buffer = -1;
    int64_t offset = 0;  // bytes from the buffer's origin to element 0
    Dims shape, strides;
    DType dtype = DType::none;
    friend bool operator==(const Window&, const Window&) = default;
};

struct Buffer {
    enum Kind : uint8_t {
        argument,   // the storage that a call brings; the origin is its element 0
        captured,   // an array of the function's surroundings: read, and written, at each call
        constant,   // never changes
        temporary,  // made by a step
    };
    Kind kind = temporary;
    int32_t index = -1;    // which argument
    int64_t nbytes = 0;    // of a temporary
    int32_t writes = 0;    // steps that write it, the one that makes it included
    Ref<Storage> storage;  // of what is captured or constant; while recording of all
};

struct Step {
    enum Kind : uint8_t {
        elementwise,  // by its loop
        kernel,       // the operator's kernel, into its outputs
        call,         // through the dispatcher, results copied to where they belong: composites that look at elements
        copy,         // out[0][...] = in[0], cast
        guard,        // the recording goes on only if the element in[0] has the bits of `expected`
    };
    Kind kind = kernel;
    bool random = false;    // draws numbers: its last three attributes are seed, stream and draw
    bool effects = false;   // must run, whoever reads the results
    int32_t group = -1;     // element-wise steps of one number run together, block by block
    int32_t siblings = -1;  // kernel steps of one number need nothing of each other (core/graph/siblings.h)
    bool backward = false;  // belongs to the backward part, which runs later, maybe more than once
    const Op* op = nullptr;
    const Loop* loop = nullptr;
    Values args;                // by position in the schema; DEFAULT where a `call` takes operands
    SmallVector<Weak, 4> weak;  // of the operands, as in Call
    SmallVector<int16_t, 8> first;
    SmallVector<int32_t, 4> in, out;  // windows; -1 for None
    SmallVector<int16_t, 2>
        taken;               // of a `call`: which results the first windows of `out` are; the others it writes itself
    int32_t workspace = -1;  // of a kernel: the window of its scratch memory
    int64_t expected[2] = {};
};

struct Program {
    std::vector<Window> windows;
    std::vector<Buffer> buffers;
    std::vector<Step> steps;
    std::vector<int32_t> results;    // windows
    std::vector<int32_t> gradients;  // windows, made by the backward steps; -1: zero

    const Window& window(int32_t i) const { return windows[size_t(i)]; }
    const Buffer& buffer_of(int32_t window_index) const { return buffers[size_t(window(window_index).buffer)]; }
    Buffer& buffer_of(int32_t window_index) { return buffers[size_t(window(window_index).buffer)]; }
    int32_t add_window(Window w);  // or the number of an equal one
    void count_writes();

private:
    std::unordered_multimap<uint64_t, int32_t> by_hash_;
};

// Throws a RuntimeError that names the step if something is read before it is written, or lies outside of its buffer.
void verify(const Program& p);
// One line per step: "t3 = multiply(a0, t2)": for reports and tests.
std::string to_text(const Program& p);

}  // namespace minpy
