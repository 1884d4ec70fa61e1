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
    Array get() const {
        ArrayBody* copy = copy_.load(std::memory_order_acquire);
        return Array::share(copy ? copy : array_.get());
    }

private:
    friend void detach_saved(Storage& s);
    Array array_;                            // null: holds nothing
    std::atomic<ArrayBody*> copy_{nullptr};  // of what it was, once that is overwritten; then it is in no list
    std::atomic<SavedArray*> next_{nullptr};
    std::atomic<SavedArray*>* link_ = nullptr;  // what points to this
};

// Copies for all that look at `s`.
void detach_saved(Storage& s);

// A tape has an entry for it, or has it no more.
void add_trace(Storage& s);
void drop_trace(Storage& s);

}  // namespace minpy
