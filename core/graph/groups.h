// Element-wise steps that follow one another run as one group of core/fusion: in one pass over their elements, and what only
// they read never leaves the first-level cache. A fold of one of their results, as the next step, is part of the pass.
#pragma once
#include "core/fusion/group.h"
#include "core/graph/program.h"

namespace minpy {

void group_steps(Program& p);  // a pass: numbers the groups

// By buffer: only steps of one group use it, so that it needs no memory.
std::vector<char> inner_buffers(const Program& p);

// One group of a plan's instance: its operators as core/fusion knows them, made once.
class ReadyGroup {
public:
    // `windows`: an array for each window of the program.
    ReadyGroup(const Program& p, size_t first, size_t last, std::span<const Array> windows,
               const std::vector<char>& inner);
    ReadyGroup(const ReadyGroup&) = delete;
    ~ReadyGroup();
    size_t first() const { return first_; }
    size_t last() const { return last_; }  // one past
    void run();
    // The last step is a kernel that computes the group as it reads its first operand: `folded`, between begin and end.
    bool folds() const { return bool(folded_); }
    const Array& folded() const { return folded_; }
    void begin();
    void end();

private:
    size_t first_, last_;
    std::vector<std::unique_ptr<Deferred>> nodes_;
    std::vector<Ref<Storage>> targets_;  // stand for the results; their memory is lent before each run
    Arrays outputs_;                     // where it is
    Array folded_;
    Group group_;
};

}  // namespace minpy
