#include "core/io/dlpack.h"

namespace minpy {
namespace {

enum : uint8_t { kInt = 0, kUInt = 1, kFloatCode = 2, kBfloat = 4, kComplexCode = 5, kBoolCode = 6 };
enum : uint64_t { kReadOnlyFlag = 1, kCopiedFlag = 2 };

MinpyDLDataType type_of(DType t) {
    uint8_t code = t == DType::boolean    ? kBoolCode
                   : t == DType::bfloat16 ? kBfloat
                   : in(t, kSigned)       ? kInt
                   : in(t, kUnsigned)     ? kUInt
                   : in(t, kFloating)     ? kFloatCode
                                          : kComplexCode;
    return {code, uint8_t(8 * itemsize(t)), 1};
}

DType dtype_of_dl(MinpyDLDataType d) {
    if (d.lanes == 1)
        for (int i = 1; i < kNumDTypes; ++i) {
            MinpyDLDataType own = type_of(DType(i));
            if (own.code == d.code && own.bits == d.bits) return DType(i);
        }
    throw type_error("a DLPack tensor of type code ", int(d.code), " with ", int(d.bits), " bits and ", d.lanes,
                     " lanes has no counterpart here");
}

template <class T> struct Exported {
    T managed;
    Array array;
    Dims shape, strides;
};

template <class T> void delete_exported(T* t) { delete static_cast<Exported<T>*>(t->manager); }

}  // namespace

template <class T> T* to_dlpack(const Array& a, bool copied) {
    expose(a.storage());
    for (int64_t s : a.strides())
        if (s % a.itemsize())
            throw Error(MINPY_E_INVALID, "BufferError",
                        "DLPack only supports strides which are a multiple of itemsize.");
    auto e = std::make_unique<Exported<T>>();
    e->array = a;
    e->shape = a.dims();
    for (int64_t s : a.strides()) e->strides.push_back(s / a.itemsize());
    T& m = e->managed;
    m = {};
    m.manager = e.get();
    m.deleter = delete_exported<T>;
    if constexpr (requires { m.flags; }) {
        m.major = 1;
        m.minor = 0;
        m.flags =
            (a.storage().has(Storage::kReadOnly) ? uint64_t(kReadOnlyFlag) : 0) | (copied ? uint64_t(kCopiedFlag) : 0);
    } else if (a.storage().has(Storage::kReadOnly)) {
        throw Error(MINPY_E_INVALID, "BufferError",
                    "Cannot export readonly array since signalling readonly is unsupported by DLPack (supported by "
                    "newer DLPack version).");
    }
    // byte_offset stays 0: consumers are known to ignore it.
    m.tensor = {a.size() ? a.raw() : nullptr,
                {a.device().kind, a.device().index},
                a.ndim(),
                type_of(a.dtype()),
                e->shape.data(),
                e->strides.data(),
                0};
    return &e.release()->managed;
}

template <class T> Array from_dlpack(T* t) {
    if (!t) throw value_error("the DLPack tensor is NULL");
    bool read_only = false;
    if constexpr (requires { t->flags; }) {
        if (t->major != 1)
            throw Error(MINPY_E_ABI, "BufferError",
                        cat("a DLPack tensor of version ", t->major, ".", t->minor, " is not understood; 1.x is"));
        read_only = t->flags & kReadOnlyFlag;
    }
    const MinpyDLTensor& d = t->tensor;
    if (d.ndim < 0 || d.ndim > kMaxDims)
        throw value_error("maxdims of DLPack tensor is higher than the supported maxdims.");
    DType dtype = dtype_of_dl(d.dtype);
    int64_t item = itemsize(dtype);
    if (d.ndim && !d.shape) throw value_error("the DLPack tensor has no shape");
    DimsView shape{d.shape, size_t(d.ndim)};
    int64_t size = checked_size(shape, item);
    Dims strides = c_strides(shape, item);
    if (d.strides)
        for (int i = 0; i < d.ndim; ++i) strides[i] = checked_mul(d.strides[i], item);
    if (size && !d.data) throw value_error("the DLPack tensor has no data");
    auto [low, high] = extent(shape, {strides.data(), size_t(strides.size())}, item);
    minpy_destroy_fn destroy = [](void* p) {
        auto* managed = static_cast<T*>(p);
        if (managed->deleter) managed->deleter(managed);
    };
    Device device = d.device.kind == 3 ? kCpu : Device{d.device.kind, d.device.kind == MINPY_CPU ? 0 : d.device.index};
    char* data = static_cast<char*>(d.data) + d.byte_offset;
    // Nothing below throws before the tensor is taken but the two allocations.
    Storage* s = Storage::borrow(size ? data + low : nullptr, high - low, device, read_only, t, nullptr);
    Array result = Array::on(s, -low, shape, {strides.data(), size_t(strides.size())}, dtype);
    s->destroy = destroy;
    return result;
}

template DLManagedTensor* to_dlpack(const Array&, bool);
template DLManagedTensorVersioned* to_dlpack(const Array&, bool);
template Array from_dlpack(DLManagedTensor*);
template Array from_dlpack(DLManagedTensorVersioned*);

}  // namespace minpy
