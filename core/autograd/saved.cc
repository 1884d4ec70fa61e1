#include "core/autograd/saved.h"

#include "core/autograd/node.h"

namespace minpy {
namespace {

// What a storage and tapes know of each other: its list of saved arrays, its count of tapes with kTraced.
class Locked {
public:
    explicit Locked(Storage& s) : flag_(s.saved_lock) {
        while (flag_.test_and_set(std::memory_order_acquire)) {}
    }
    ~Locked() { flag_.clear(std::memory_order_release); }

private:
    std::atomic_flag& flag_;
};

}  // namespace

void SavedArray::save(Array a) {
    reset();
    if (!a) return;
    Storage& s = a.storage();
    Locked lock(s);
    array_ = std::move(a);
    SavedArray* next = s.saved.load(std::memory_order_relaxed);
    next_.store(next, std::memory_order_relaxed);
    if (next) next->link_ = &next_;
    s.saved.store(this, std::memory_order_release);
    link_ = &s.saved;
}

void SavedArray::reset() noexcept {
    if (!array_) return;
    Storage& s = array_.storage();
    // Held by nobody else, the storage has no other list, and nobody to change it.
    if (array_.get()->refs.load(std::memory_order_acquire) == 1 && s.refs.load(std::memory_order_acquire) == 1) {
        s.saved.store(nullptr, std::memory_order_relaxed);
    } else {
        Locked lock(s);
        if (link_) {
            SavedArray* next = next_.load(std::memory_order_relaxed);
            link_->store(next, std::memory_order_release);
            if (next) next->link_ = link_;
        }
    }
    link_ = nullptr;
    // They are let go when nothing is locked.
    copied_.store(false, std::memory_order_relaxed);
    copy_ = {};
    array_ = {};
}

void detach_saved(Storage& s) {
    // Copies are made before the lock is taken again: making one may allocate and throw, and nothing is lost then.
    for (;;) {
        SavedArray* saved;
        Array old;
        {
            Locked lock(s);
            saved = s.saved.load(std::memory_order_relaxed);
            if (!saved) return;
            old = saved->array_;
        }
        Array copy = snapshot(old);
        Locked lock(s);
        if (s.saved.load(std::memory_order_relaxed) != saved || !saved->array_.is(old)) continue;
        SavedArray* next = saved->next_.load(std::memory_order_relaxed);
        s.saved.store(next, std::memory_order_release);
        if (next) next->link_ = &s.saved;
        saved->link_ = nullptr;
        saved->copy_ = std::move(copy);
        saved->copied_.store(true, std::memory_order_release);
    }
}

void add_trace(Storage& s) {
    Locked lock(s);
    s.n_traces.fetch_add(1, std::memory_order_relaxed);
    s.set(Storage::kTraced);
}

void drop_trace(Storage& s) {
    Locked lock(s);
    if (s.n_traces.fetch_sub(1, std::memory_order_relaxed) == 1) s.clear(Storage::kTraced);
}

}  // namespace minpy
