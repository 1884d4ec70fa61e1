// Array: a counted handle to a strided window on storage. Copying an Array copies the handle, never the elements.
#pragma once
#include <span>
#include <utility>

#include "core/array/dtype.h"
#include "core/array/shape.h"
#include "core/array/storage.h"
#include "core/registry/tally.h"

namespace minpy {

class Node;  // core/autograd/node.h
void release(Node* node) noexcept;

// What the handle points to. The C API's minpy_array is a pointer to it.
struct ArrayBody : Pooled<ArrayBody> {
    static constexpr uint32_t kAlive = 0x6d696e70u;
    std::atomic<int32_t> refs{1};
    uint32_t magic = kAlive;
    DType dtype;
    int32_t ndim;
    int64_t offset;  // bytes from the storage's start to element 0
    int64_t size;    // number of elements
    Storage* storage;
    int64_t* shape;
    int64_t* strides;      // bytes
    Node* node = nullptr;  // the tape node that computed it, if any
    int32_t node_output = 0;
    uint32_t node_version = 0;  // the storage's version that `node` describes
    uint8_t contiguous;         // C-contiguous
    uint8_t view = 0;           // made from another array's window
    int64_t inline_dims[8];

    ~ArrayBody();
    void end() noexcept;  // nobody refers to it any more
};

// A header with room for `n` dimensions, to be filled. Takes over one reference of `storage`. Part of its callers: a view
// is little else.
[[gnu::always_inline]] inline ArrayBody* make_body(Storage* storage, int64_t n, int64_t offset, DType dtype) {
    ArrayBody* b = nullptr;
    try {
        b = new ArrayBody;
        b->shape = n > 4 ? new int64_t[size_t(2 * n)] : b->inline_dims;
    } catch (...) {
        ArrayBody::operator delete(b);
        storage->release();
        throw;
    }
    live_arrays.add(1);
    b->dtype = dtype;
    b->offset = offset;
    b->ndim = int32_t(n);
    b->storage = storage;
    b->strides = b->shape + n;
    return b;
}

class Array {
public:
    Array() = default;
    // Takes over one reference.
    static Array adopt(ArrayBody* body) { return Array(body); }
    static Array share(ArrayBody* body) {
        if (body) body->refs.fetch_add(1, std::memory_order_relaxed);
        return Array(body);
    }
    // Takes over one reference of `storage`.
    static Array on(Storage* storage, int64_t offset, DimsView shape, DimsView strides, DType dtype);

    Array(const Array& other) : body_(other.body_) {
        if (body_) body_->refs.fetch_add(1, std::memory_order_relaxed);
    }
    Array(Array&& other) noexcept : body_(std::exchange(other.body_, nullptr)) {}
    Array& operator=(Array other) noexcept {
        std::swap(body_, other.body_);
        return *this;
    }
    ~Array() { drop(body_); }
    static void drop(ArrayBody* body) noexcept {
        if (body && drop_reference(body->refs)) body->end();
    }

    explicit operator bool() const { return body_; }
    ArrayBody* get() const { return body_; }
    ArrayBody* detach() { return std::exchange(body_, nullptr); }  // the caller owns the reference
    bool is(const Array& other) const { return body_ == other.body_; }

    DType dtype() const { return body_->dtype; }
    int ndim() const { return body_->ndim; }
    int64_t size() const { return body_->size; }
    DimsView shape() const { return {body_->shape, size_t(body_->ndim)}; }
    DimsView strides() const { return {body_->strides, size_t(body_->ndim)}; }
    int64_t dim(int64_t i) const { return body_->shape[i < 0 ? i + body_->ndim : i]; }
    Dims dims() const { return Dims(body_->shape, body_->shape + body_->ndim); }
    int64_t itemsize() const { return minpy::itemsize(body_->dtype); }
    int64_t nbytes() const { return size() * itemsize(); }
    Device device() const { return body_->storage->device; }
    Storage& storage() const { return *body_->storage; }
    bool is_contiguous() const { return body_->contiguous; }
    bool on_cpu() const { return device().is_cpu(); }

    // Address of element 0, with nothing waited for: for kernels, which get ready arrays.
    char* raw() const { return body_->storage->data + body_->offset; }
    template <class T> T* raw_as() const { return reinterpret_cast<T*>(raw()); }
    // Runs what is pending first.
    char* data() const {
        if (body_->storage->has(Storage::kPending | Storage::kPoisoned)) wait_ready(*body_->storage);
        return raw();
    }

private:
    explicit Array(ArrayBody* body) : body_(body) {}
    ArrayBody* body_ = nullptr;
};

// ---- making arrays ----
Array empty(DimsView shape, DType dtype, Device device = kCpu);       // uninitialised
Array empty_strided(DimsView shape, DimsView order_of, DType dtype);  // laid out in the order of these strides
Array zeros(DimsView shape, DType dtype, Device device = kCpu);
template <class T> Array scalar(T value) {
    Array a = empty(DimsView{}, dtype_of<T>);
    *a.raw_as<T>() = value;
    return a;
}
// A 0-d array of any dtype with the value cast to it (`value` is a double, exact for small integers).
Array full_scalar(double value, DType dtype, Device device = kCpu);

// ---- windows on the same storage, untraced ----
Array window(const Array& a, int64_t offset, DimsView shape, DimsView strides);  // offset in bytes from element 0
Array window(const Array& a, int64_t offset, DimsView shape, DimsView strides, DType dtype);
Array contiguous_window(const ArrayBody* a, DimsView shape);  // all of a C-contiguous one
// Broadcast by strides of 0; NumPy's error if it does not fit.
Array broadcast_window(const Array& a, DimsView shape);
// The window of that shape if strides allow it, else a null array.
Array reshape_window(const Array& a, DimsView shape);

// ---- host copies and casts, untraced, CPU only ----
void copy_into(const Array& to, const Array& from);  // broadcast, cast (unsafe), overlap as if copied
// to[...] += from one after the other: windows whose elements share memory add up. Floating and complex.
void add_overlapping(const Array& to, const Array& from);
Array contiguous(const Array& a);                          // a itself where it is C-contiguous
Array copy_of(const Array& a, DType dtype = DType::none);  // a new C-contiguous array
bool may_overlap(const Array& a, const Array& b);          // by address ranges
bool same_window(const Array& a, const Array& b);          // the very same elements in the same order

// First and one-past-last byte that the window touches, relative to element 0.
std::pair<int64_t, int64_t> extent(DimsView shape, DimsView strides, int64_t itemsize);

// "float64(2,3)": for messages.
std::string describe(const Array& a);

}  // namespace minpy
