// Scratch memory of a kernel: a part that its tasks share, and a slot for each task that runs at the same time. A plan sets
// it aside (Op::workspace), else it is one block of the call's own; all of it is there before anything is written.
#pragma once
#include <atomic>
#include <bit>
#include <thread>

#include "core/array/array.h"
#include "core/cpu/allocator.h"
#include "core/cpu/pool.h"

namespace minpy {

struct ScratchSizes {
    int64_t shared = 0, slot = 0;  // bytes

    // Of the block for so many tasks; its parts begin at cache lines.
    int64_t bytes(int64_t tasks) const {
        return checked_add(rounded(shared), checked_mul(rounded(slot), slots(tasks)));
    }
    static int64_t slots(int64_t tasks) { return std::min<int64_t>({tasks, num_threads(), 64}); }
    static int64_t rounded(int64_t n) { return checked_mul(checked_add(n, 63) / 64, 64); }
};

class Scratch {
public:
    // `set_aside`: bytes of a plan, or null. There may be more threads now than when it was planned.
    Scratch(const Array& set_aside, ScratchSizes sizes, int64_t tasks) : sizes_(sizes) {
        int64_t bytes = sizes.bytes(tasks), n = ScratchSizes::slots(tasks);
        if (set_aside && set_aside.size() >= bytes) block_ = set_aside.raw();
        else if (bytes) block_ = static_cast<char*>(allocate(bytes)), own_ = bytes;
        free_.store(n < 64 ? (uint64_t(1) << n) - 1 : ~uint64_t(0));
    }
    Scratch(ScratchSizes sizes, int64_t tasks) : Scratch(Array(), sizes, tasks) {}
    ~Scratch() {
        if (own_) deallocate(block_, own_);
    }
    Scratch(const Scratch&) = delete;

    char* shared() const { return block_; }

    // A slot as long as the object lives; waits where all are taken.
    class Slot {
    public:
        explicit Slot(Scratch& of) : of_(of) {
            uint64_t free = of.free_.load(std::memory_order_relaxed);
            while (!free || !of.free_.compare_exchange_weak(free, free & (free - 1), std::memory_order_acquire)) {
                if (!free) std::this_thread::yield(), free = of.free_.load(std::memory_order_relaxed);
            }
            number_ = std::countr_zero(free);
        }
        ~Slot() { of_.free_.fetch_or(uint64_t(1) << number_, std::memory_order_release); }
        Slot(const Slot&) = delete;
        char* get() const {
            if (!of_.sizes_.slot) return nullptr;
            return of_.block_ + ScratchSizes::rounded(of_.sizes_.shared) +
                   number_ * ScratchSizes::rounded(of_.sizes_.slot);
        }

    private:
        Scratch& of_;
        int number_;
    };

private:
    ScratchSizes sizes_;
    char* block_ = nullptr;
    int64_t own_ = 0;
    std::atomic<uint64_t> free_{0};
};

}  // namespace minpy
