#include "core/array/array.h"

#include <cstring>

#include "core/array/casting.h"

namespace minpy {

ArrayBody::~ArrayBody() {
    magic = 0;
    if (shape != inline_dims) delete[] shape;
    storage->release();
    live_arrays.add(-1);
}

// ---- small arrays, kept whole ----
// A header with a storage of its own, both as they were made, need not be made again: most of a small operator is that.
namespace {

constexpr uint16_t kKeptArrays = 256;  // per thread, 96 KiB

// As Storage::create makes it, but for its size and version. Flags first: pending storage is others' as well.
bool is_as_new(const Storage& s) {
    return !s.has(~0u) && s.refs.load(std::memory_order_acquire) == 1 && s.data == s.inline_data && !s.is_saved() &&
           !s.n_traces.load(std::memory_order_relaxed) && !s.extra.load(std::memory_order_relaxed);
}

// A header for `n` dimensions on storage for `bytes`, or null.
[[gnu::always_inline]] inline ArrayBody* take_kept(int64_t n, int64_t bytes) {
    ThreadState* t = tls_state;
    if (!t || !t->kept_arrays || n > 4 || bytes > Storage::kInline) return nullptr;
    ArrayBody* b = t->kept_arrays;
    t->kept_arrays = reinterpret_cast<ArrayBody*>(b->shape);
    --t->n_kept_arrays;
    live_arrays.add(1);
    b->magic = ArrayBody::kAlive;
    b->refs.store(1, std::memory_order_relaxed);
    b->ndim = int32_t(n);
    b->shape = b->inline_dims;
    b->strides = b->inline_dims + n;
    b->storage->nbytes = bytes;
    return b;
}

}  // namespace

void ArrayBody::end() noexcept {
    if (node) release(std::exchange(node, nullptr));
    ThreadState* t = tls_state;
    if (view || !MINPY_CACHED_BLOCKS || !t || t->n_kept_arrays >= kKeptArrays || shape != inline_dims ||
        !is_as_new(*storage)) {
        delete this;
        return;
    }
    live_arrays.add(-1);
    magic = 0;
    offset = 0;
    node_output = 0;
    node_version = 0;
    storage->version.store(0, std::memory_order_relaxed);
    shape = reinterpret_cast<int64_t*>(t->kept_arrays);  // the next one
    t->kept_arrays = this;
    ++t->n_kept_arrays;
}

void drop_kept_arrays(ThreadState& t) noexcept {
    while (ArrayBody* b = t.kept_arrays) {
        t.kept_arrays = reinterpret_cast<ArrayBody*>(b->shape);
        b->shape = b->inline_dims;
        live_arrays.add(1);  // it is deleted as one
        delete b;
    }
    t.n_kept_arrays = 0;
}

namespace {

// In C order, of `size` elements.
[[gnu::always_inline]] inline void lay_out(ArrayBody* b, DimsView shape, int64_t size) {
    b->size = size;
    b->contiguous = true;
    int64_t step = itemsize(b->dtype);
    for (int64_t i = b->ndim - 1; i >= 0; --i) {
        b->shape[i] = shape[size_t(i)];
        b->strides[i] = step;
        step *= std::max<int64_t>(shape[size_t(i)], 1);
    }
}

}  // namespace

Array Array::on(Storage* storage, int64_t offset, DimsView shape, DimsView strides, DType dtype) {
    int64_t n = int64_t(shape.size());
    ArrayBody* b = make_body(storage, n, offset, dtype);
    // What is_c_contiguous says, on the way.
    bool contiguous = true;
    int64_t size = 1;
    for (int64_t i = n - 1, item = minpy::itemsize(dtype); i >= 0; --i) {
        b->shape[i] = shape[size_t(i)];
        b->strides[i] = strides[size_t(i)];
        contiguous = contiguous && (b->shape[i] == 1 || b->strides[i] == size * item);
        size *= b->shape[i];
    }
    b->size = size;
    b->contiguous = contiguous || size == 0;
    return Array(b);
}

Array empty(DimsView shape, DType dtype, Device device) {
    int64_t item = itemsize(dtype), size = checked_size(shape, item);
    ArrayBody* b = device.is_cpu() ? take_kept(int64_t(shape.size()), size * item) : nullptr;
    if (b) b->dtype = dtype;
    else b = make_body(Storage::create(size * item, device), int64_t(shape.size()), 0, dtype);
    lay_out(b, shape, size);
    return Array::adopt(b);
}

Array empty_strided(DimsView shape, DimsView order_of, DType dtype) {
    int64_t item = itemsize(dtype), n = int64_t(shape.size());
    int64_t size = checked_size(shape, item);
    SmallVector<int, 8> axes;
    for (int64_t i = 0; i < n; ++i) axes.push_back(int(i));
    // Largest stride first; axes without an order of their own stay in C order.
    std::stable_sort(axes.begin(), axes.end(), [&](int a, int b) {
        int64_t x = std::abs(order_of[a]), y = std::abs(order_of[b]);
        return x != 0 && y != 0 && x > y;
    });
    Dims strides(n);
    int64_t step = item;
    for (int64_t k = n - 1; k >= 0; --k) {
        strides[axes[k]] = step;
        step *= std::max<int64_t>(shape[axes[k]], 1);
    }
    return Array::on(Storage::create(size * item, kCpu), 0, shape, strides, dtype);
}

Array zeros(DimsView shape, DType dtype, Device device) {
    if (!device.is_cpu()) throw unsupported("zeros needs a copy to the device");
    Array a = empty(shape, dtype, device);
    std::memset(a.raw(), 0, size_t(a.nbytes()));
    return a;
}

Array full_scalar(double value, DType dtype, Device) {
    Array a = empty(DimsView{}, dtype);
    cast_elements(reinterpret_cast<const char*>(&value), 0, DType::float64, a.raw(), 0, dtype, 1);
    return a;
}

std::pair<int64_t, int64_t> extent(DimsView shape, DimsView strides, int64_t item) {
    int64_t low = 0, high = item;
    for (size_t i = 0; i < shape.size(); ++i) {
        if (shape[i] == 0) return {0, 0};
        int64_t reach = (shape[i] - 1) * strides[i];
        (reach < 0 ? low : high) += reach;
    }
    return {low, high};
}

Array window(const ArrayBody* a, int64_t offset, DimsView shape, DimsView strides, DType dtype) {
    a->storage->retain();
    Array result = Array::on(a->storage, a->offset + offset, shape, strides, dtype);
    result.get()->view = 1;
    return result;
}

Array contiguous_window(const ArrayBody* a, DimsView shape) {
    a->storage->retain();
    ArrayBody* b = make_body(a->storage, int64_t(shape.size()), a->offset, a->dtype);
    b->view = 1;
    lay_out(b, shape, a->size);
    return Array::adopt(b);
}

Array window(const Array& a, int64_t offset, DimsView shape, DimsView strides, DType dtype) {
    return window(a.get(), offset, shape, strides, dtype);
}

Array window(const Array& a, int64_t offset, DimsView shape, DimsView strides) {
    return window(a.get(), offset, shape, strides, a.dtype());
}

Array broadcast_window(const Array& a, DimsView shape) {
    int64_t lead = int64_t(shape.size()) - a.ndim();
    Dims strides(shape.size());
    bool fits = lead >= 0;
    for (int64_t i = 0; fits && i < a.ndim(); ++i) {
        if (a.dim(i) == shape[lead + i]) strides[lead + i] = a.strides()[i];
        else fits = a.dim(i) == 1;
    }
    if (!fits)
        throw shape_error("could not broadcast input array from shape ", to_string(a.shape()), " into shape ",
                          to_string(shape));
    return window(a, 0, shape, strides);
}

Array reshape_window(const Array& a, DimsView shape) {
    int64_t item = a.itemsize();
    if (a.is_contiguous() || a.size() == 0) return contiguous_window(a.get(), shape);
    // Match runs of old axes that are contiguous with one another against runs of new ones.
    Dims old_shape, old_strides;
    for (int i = 0; i < a.ndim(); ++i) {
        if (a.dim(i) == 1) continue;
        old_shape.push_back(a.dim(i));
        old_strides.push_back(a.strides()[i]);
    }
    int64_t nd = int64_t(shape.size());
    Dims strides(nd);
    int64_t o = 0, n = 0;
    while (n < nd && o < old_shape.size()) {
        int64_t o_end = o + 1, n_end = n + 1, have = old_shape[o], want = shape[n];
        while (have != want) {
            if (want < have) want *= shape[n_end++];
            else have *= old_shape[o_end++];
        }
        for (int64_t k = o; k + 1 < o_end; ++k)
            if (old_strides[k] != old_shape[k + 1] * old_strides[k + 1]) return {};
        strides[n_end - 1] = old_strides[o_end - 1];
        for (int64_t k = n_end - 1; k > n; --k) strides[k - 1] = strides[k] * shape[k];
        o = o_end;
        n = n_end;
    }
    for (; n < nd; ++n) strides[n] = n ? strides[n - 1] : item;  // sizes of 1
    return window(a, 0, shape, strides);
}

bool may_overlap(const Array& a, const Array& b) {
    if (a.size() == 0 || b.size() == 0 || !(a.device() == b.device())) return false;
    auto [alow, ahigh] = extent(a.shape(), a.strides(), a.itemsize());
    auto [blow, bhigh] = extent(b.shape(), b.strides(), b.itemsize());
    return a.raw() + alow < b.raw() + bhigh && b.raw() + blow < a.raw() + ahigh;
}

bool same_window(const Array& a, const Array& b) {
    return a.raw() == b.raw() && a.dtype() == b.dtype() && same(a.shape(), b.shape()) && same(a.strides(), b.strides());
}

void add_overlapping(const Array& to, const Array& from) {
    Array source = copy_of(from, to.dtype());
    for_dtype<kFloating | kComplex>(to.dtype(), [&]<class T> {
        const T* f = source.raw_as<T>();
        Dims index(to.ndim());
        for (int64_t i = 0; i < to.size(); ++i) {
            char* p = to.raw();
            for (int k = 0; k < to.ndim(); ++k) p += index[k] * to.strides()[size_t(k)];
            T& t = *reinterpret_cast<T*>(p);
            if constexpr (is_short_float<T>) t = T(float(t) + float(f[i]));
            else t += f[i];
            for (int k = to.ndim() - 1; k >= 0 && ++index[k] == to.dim(k); --k) index[k] = 0;
        }
    });
}

std::string describe(const Array& a) { return cat(name(a.dtype()), to_string(a.shape())); }

Array contiguous(const Array& a) { return a.is_contiguous() ? a : copy_of(a); }

Array copy_of(const Array& a, DType dtype) {
    Array result = empty(a.shape(), dtype == DType::none ? a.dtype() : dtype);
    copy_into(result, a);
    return result;
}

}  // namespace minpy
