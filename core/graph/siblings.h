// Kernel steps that need nothing of one another, next to each other: siblings. Those that each keep one thread busy for a
// while run at the same time. Which these are is measured; the bits are the same either way.
#pragma once
#include <type_traits>

#include "core/graph/program.h"

namespace minpy {

// A pass: numbers siblings, and moves a step up to them, or them down to it, where nothing in between is in the way.
void join_siblings(Program& p);

// Siblings of a plan's instance.
class ReadySiblings {
public:
    ReadySiblings(size_t first, size_t last);
    size_t first() const { return first_; }
    size_t last() const { return last_; }  // one past

    // step(i) for each, some of them on other threads once it is known that this pays. Their MINPY_FP_* are the caller's.
    template <class F> void run(F&& step) {
        run_raw([](void* f, size_t i) { (*static_cast<std::remove_reference_t<F>*>(f))(i); }, &step);
    }
    bool together() const { return !together_.empty(); }

private:
    void run_raw(void (*step)(void* payload, size_t i), void* payload);
    void measure(void (*step)(void* payload, size_t i), void* payload);
    void choose();

    struct Member {
        size_t step;
        int64_t nanoseconds;
        bool alone;  // on one thread
    };
    size_t first_, last_;
    int looks_ = 0;
    std::vector<Member> members_;
    std::vector<size_t> together_, one_by_one_;
};

}  // namespace minpy
