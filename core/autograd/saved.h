// Arrays that nodes keep for derivatives. Whoever is about to overwrite a storage gives those that look at it a copy first.
#pragma once
#include "core/array/array.h"

namespace minpy {

// Stays where it was made: its storage has it in a list.
class SavedArray {
public:
    SavedArray() = default;
    SavedArray(const SavedArray&) = delete;
    ~SavedArray() { reset(); }
    void save(Array a);
    void reset() noexcept;
    // As it was saved; stays until reset.
    const Array& get() const { return copied_.load(std::memory_order_acquire) ? copy_ : array_; }

private:
    friend void detach_saved(Storage& s);
    Array array_;  // null: holds nothing
    Array copy_;   // of what it was, once that is overwritten; then it is in no list
    std::atomic<bool> copied_{false};
    std::atomic<SavedArray*> next_{nullptr};
    std::atomic<SavedArray*>* link_ = nullptr;  // what points to this
};

// Copies for all that look at `s`.
void detach_saved(Storage& s);

// A tape has an entry for it, or has it no more.
void add_trace(Storage& s);
void drop_trace(Storage& s);

}  // namespace minpy
