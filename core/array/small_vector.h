// A vector whose first N elements need no heap: shapes, axes and operand lists of ordinary size never allocate.
#pragma once
#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <type_traits>
#include <utility>

namespace minpy {

template <class T, int N> class SmallVector {
public:
    SmallVector() = default;
    explicit SmallVector(int64_t n, const T& value = T()) { resize(n, value); }
    SmallVector(std::initializer_list<T> items) : SmallVector(items.begin(), items.end()) {}
    template <class It> SmallVector(It first, It last) {
        for (; first != last; ++first) push_back(*first);
    }
    SmallVector(const SmallVector& other) : SmallVector(other.begin(), other.end()) {}
    SmallVector(SmallVector&& other) noexcept { take(other); }
    SmallVector& operator=(const SmallVector& other) {
        if (this != &other) {
            SmallVector copy(other);
            take(copy);
        }
        return *this;
    }
    SmallVector& operator=(SmallVector&& other) noexcept {
        if (this != &other) take(other);
        return *this;
    }

    T* begin() { return data(); }
    T* end() { return data() + size_; }
    const T* begin() const { return data(); }
    const T* end() const { return data() + size_; }
    T* data() { return heap_ ? heap_.get() : inline_; }
    const T* data() const { return heap_ ? heap_.get() : inline_; }
    int64_t size() const { return size_; }
    bool empty() const { return size_ == 0; }
    T& operator[](int64_t i) { return data()[i]; }
    const T& operator[](int64_t i) const { return data()[i]; }
    T& front() { return data()[0]; }
    const T& front() const { return data()[0]; }
    T& back() { return data()[size_ - 1]; }
    const T& back() const { return data()[size_ - 1]; }

    void reserve(int64_t n) {
        if (n <= capacity_) return;
        int64_t room = std::max<int64_t>(n, 2 * capacity_);
        std::unique_ptr<T[]> bigger(new T[room]());
        std::move(begin(), end(), bigger.get());
        heap_ = std::move(bigger);
        capacity_ = room;
    }
    void resize(int64_t n, const T& value = T()) {
        reserve(n);
        for (int64_t i = size_; i < n; ++i) data()[i] = value;
        for (int64_t i = n; i < size_; ++i) data()[i] = T();
        size_ = n;
    }
    // Default elements at the end, also of types that cannot be copied.
    void grow(int64_t n) {
        reserve(n);
        if constexpr (std::is_trivially_default_constructible_v<T>)
            if (n > size_) std::fill(data() + size_, data() + n, T());
        size_ = std::max(size_, n);
    }
    void push_back(T value) {
        if (size_ == capacity_) reserve(size_ + 1);
        data()[size_++] = std::move(value);
    }
    void pop_back() { data()[--size_] = T(); }
    void clear() { resize(0); }
    void insert(int64_t at, T value) {
        push_back(std::move(value));
        std::rotate(begin() + at, end() - 1, end());
    }
    void erase(int64_t at) {
        std::move(begin() + at + 1, end(), begin() + at);
        pop_back();
    }
    friend bool operator==(const SmallVector& a, const SmallVector& b) {
        return std::equal(a.begin(), a.end(), b.begin(), b.end());
    }

private:
    void take(SmallVector& other) noexcept {
        heap_ = std::move(other.heap_);
        capacity_ = heap_ ? other.capacity_ : N;
        size_ = other.size_;
        if (!heap_) std::move(other.inline_, other.inline_ + size_, inline_);
        other.size_ = 0;
        other.capacity_ = N;
    }

    std::unique_ptr<T[]> heap_;
    int64_t size_ = 0;
    int64_t capacity_ = N;
    T inline_[N];  // numbers are not cleared: a call makes a dozen of these
};

}  // namespace minpy
