// What libminpy keeps per thread, behind one initial-exec pointer: a dynamic thread_local would let the loader abort the
// process when memory is refused at a thread's first touch.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/array/error.h"

namespace minpy {

class Context;
class Node;

struct ThreadState {
    ThreadState();
    ~ThreadState();

    // Free lists of core/cpu/allocator.cc: blocks by size class, linked through their first word.
    static constexpr int kClasses = 40;
    void* free_blocks[kClasses] = {};
    uint16_t n_free[kClasses] = {};

    Context* context = nullptr;    // the current one, with a reference
    std::vector<Context*> pushed;  // those around it, outermost first
    std::unique_ptr<Error> error;
    bool out_of_memory = false;  // the last error had to do without a record
    std::string error_message;
    uint32_t fp_status = 0;  // MINPY_FP_*
    bool freeing = false;    // a chain of nodes is being destroyed
    Node* doomed = nullptr;  // core/autograd/node.cc: nodes that wait to be destroyed
    bool in_task = false;    // inside a task of the pool
    std::string site;        // where the calls come from, for the dispatch report
};

ThreadState* make_thread_state();  // throws std::bad_alloc
extern __thread ThreadState* tls_state __attribute__((tls_model("initial-exec")));
inline ThreadState& thread_state() { return *(tls_state ? tls_state : make_thread_state()); }

}  // namespace minpy
