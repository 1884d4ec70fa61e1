// Storage: memory shared by an array and its views. It knows where it lives, who owns the bytes, whether others may write
// it unseen (exposed), whether a tape follows it (traced), and whether it is computed yet (pending).
#pragma once
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "core/array/error.h"
#include "core/cpu/allocator.h"

namespace minpy {

struct Device {
    int32_t kind = MINPY_CPU;
    int32_t index = 0;
    friend bool operator==(Device, Device) = default;
    bool is_cpu() const { return kind == MINPY_CPU; }
};
inline constexpr Device kCpu{};
std::string to_string(Device d);  // "cpu", "cuda:0"

class Deferred;    // core/fusion/deferred.h
class SavedArray;  // core/autograd/node.h

// True if that was the last one. Who finds the only reference to be its own is alone with the object: an atomic subtraction
// costs as much as a small loop.
template <class T> bool drop_reference(std::atomic<T>& refs) {
    return refs.load(std::memory_order_acquire) == 1 || refs.fetch_sub(1, std::memory_order_acq_rel) == 1;
}

struct Storage : Pooled<Storage> {
    enum Flag : uint32_t {
        kExposed = 1,  // left through the buffer protocol, DLPack …: others may write it
        kTraced = 2,   // some tape has an entry for it
        kReadOnly = 4,
        kPending = 8,    // producer below has not run
        kRead = 16,      // pending operations read it
        kPoisoned = 64,  // an asynchronous kernel failed to write it

    };
    // What few storages need.
    struct Extra {
        std::mutex mutex;
        std::unique_ptr<Error> poison;
    };

    static constexpr int64_t kInline = 64;  // bytes that need no buffer of their own

    // Uninitialised memory; pending storage gets its buffer when it is computed.
    static Storage* create(int64_t nbytes, Device device, bool allocate_now = true) {
        auto* s = new Storage;
        s->device = device;
        s->nbytes = nbytes;
        if (allocate_now) {
            if (nbytes <= kInline && device.is_cpu()) s->data = s->inline_data;
            else s->allocate_at_first();
        }
        return s;
    }
    static Storage* borrow(void* data, int64_t nbytes, Device device, bool read_only, void* payload,
                           minpy_destroy_fn destroy);
    void retain() { refs.fetch_add(1, std::memory_order_relaxed); }
    void release() noexcept {
        // Pending storage may be taken up again by its readers, which hold no reference.
        if (has(kPending) ? refs.fetch_sub(1, std::memory_order_acq_rel) == 1 : drop_reference(refs)) destroy_now();
    }
    bool has(uint32_t any) const { return flags.load(std::memory_order_acquire) & any; }
    bool is_saved() const { return saved.load(std::memory_order_acquire); }
    void set(uint32_t bits) { flags.fetch_or(bits, std::memory_order_acq_rel); }
    void clear(uint32_t bits) { flags.fetch_and(~bits, std::memory_order_acq_rel); }
    Extra& extra_data();
    void allocate_buffer();

    std::atomic<int64_t> refs{1};
    std::atomic<uint32_t> flags{0};
    Device device;
    char* data = nullptr;
    int64_t nbytes = 0;
    uint64_t token = 0;            // names device memory to its backend, for failures that come late
    Deferred* producer = nullptr;  // with kPending; guarded by the lock of core/fusion
    std::atomic_flag saved_lock{};
    std::atomic<SavedArray*> saved{nullptr};  // list of those that tape nodes hold, under the lock
    std::atomic<uint32_t> version{0};         // recorded writes so far
    std::atomic<int32_t> n_traces{0};         // tapes with an entry for it
    std::atomic<Extra*> extra{nullptr};
    void* payload = nullptr;  // of borrowed memory
    minpy_destroy_fn destroy = nullptr;
    bool borrowed = false;
    alignas(64) char inline_data[kInline];

private:
    void allocate_at_first();  // the storage is gone when it throws
    void destroy_now() noexcept;
};

// The bytes are there: runs what is pending, and throws what an asynchronous kernel reported.
void wait_ready(Storage& s);
// About to be written in place: runs pending readers, and gives tapes that saved the old content a copy of it.
void before_write(Storage& s);
// About to leave the library's sight.
void expose(Storage& s);

}  // namespace minpy
