// GraphPlan: an optimised program with its memory laid out, ready to run. What a call needs (arena, windows, results) is an
// instance; instances are kept and used again, so that a second call allocates nothing.
#pragma once
#include <memory>
#include <mutex>

#include "core/graph/groups.h"
#include "core/graph/memory.h"
#include "core/graph/program.h"
#include "core/graph/siblings.h"

namespace minpy {

class PlanInstance;

class GraphPlan {
public:
    // Optimises the program. Throws what verification finds.
    explicit GraphPlan(Program recorded);
    ~GraphPlan();
    const Program& program() const { return program_; }
    const MemoryPlan& memory() const { return memory_; }

    // An instance that nobody uses, made if there is none.
    std::unique_ptr<PlanInstance> acquire();
    void give_back(std::unique_ptr<PlanInstance> instance) noexcept;

private:
    Program program_;
    MemoryPlan memory_;
    std::mutex mutex_;
    std::vector<std::unique_ptr<PlanInstance>> idle_;
};

class PlanInstance {
public:
    explicit PlanInstance(const GraphPlan& plan);
    ~PlanInstance();
    PlanInstance(const PlanInstance&) = delete;

    // Runs the forward part: true and the results; or false, and `missed` is the step whose guard did not hold.
    bool run(std::span<const Array> arguments, Context& context, Arrays& results);
    // The backward part, after `run`; `arguments` with the cotangents of the results. Null results are zero.
    Arrays run_backward(std::span<const Array> arguments, Context& context);
    int32_t missed = -1;

private:
    struct Ready;  // a step with its operands as arrays
    void bind(std::span<const Array> arguments);
    void unbind() noexcept;
    void place_results(bool backward);
    void move_to(int32_t buffer, Storage& s, int64_t origin) noexcept;
    bool run_steps(bool backward, Context& context);
    bool run_step(const Ready& r, Context& context);
    bool run_named(const Ready& r, Context& context);  // with the operator's name in what it throws
    void run_kernel(const Ready& r, Context& context, const Array* first = nullptr);
    void run_fold(ReadyGroup& group, Context& context);
    bool run_call(const Ready& r, Context& context);
    Arrays give(const std::vector<int32_t>& windows);

    const Program& program_;
    Ref<Storage> arena_;
    Arrays windows_;                               // one array per window
    std::vector<std::vector<int32_t>> of_buffer_;  // windows of what is not in the arena
    std::vector<char> made_backward_;              // by buffer that is given out
    struct Results {
        int32_t buffer;
        SmallVector<Ref<Storage>, 3> kept;  // one of them is in use
        int32_t current = -1;
    };
    std::vector<Results> given_;
    std::vector<Ready> ready_;
    std::vector<std::unique_ptr<ReadyGroup>> groups_;
    std::vector<ReadySiblings> siblings_;
};

}  // namespace minpy
