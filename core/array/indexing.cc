#include "core/array/indexing.h"

#include <cmath>
#include <cstring>

#include "core/array/casting.h"
#include "core/registry/device.h"
#include "core/registry/thread_state.h"
#include "core/registry/values.h"

namespace minpy {
namespace {

[[noreturn]] void not_an_index() {
    throw index_error(
        "only integers, slices (`:`), ellipsis (`...`), numpy.newaxis (`None`) and integer or boolean arrays "
        "are valid indices");
}

[[noreturn]] void too_many(int64_t ndim, int64_t used) {
    throw index_error("too many indices for array: array is ", ndim, "-dimensional, but ", used, " were indexed");
}

// Python's slice.indices: how many elements, from which one.
[[gnu::always_inline]] inline int64_t slice_length(const minpy_slice& s, int64_t size, int64_t& start, int64_t& step) {
    step = s.step == MINPY_SLICE_NONE ? 1 : s.step;
    if (step == 0) throw value_error("slice step cannot be zero");
    if (step < -INT64_MAX) step = -INT64_MAX;
    int64_t least = step < 0 ? -1 : 0, most = step < 0 ? size - 1 : size;
    auto clip = [&](int64_t i) { return i < 0 ? std::max(i + size, least) : std::min(i, most); };
    start = s.start == MINPY_SLICE_NONE ? (step < 0 ? most : least) : clip(s.start);
    int64_t stop = s.stop == MINPY_SLICE_NONE ? (step < 0 ? least : most) : clip(s.stop);
    if (step < 0) return stop < start ? (start - stop - 1) / -step + 1 : 0;
    if (start >= stop) return 0;
    return step == 1 ? stop - start : (stop - start - 1) / step + 1;  // a division is a tenth of a small slice
}

bool is_basic(int32_t tag) {
    return tag == MINPY_V_INT || tag == MINPY_V_SLICE || tag == MINPY_V_ELLIPSIS || tag == MINPY_V_NEWAXIS ||
           tag == MINPY_V_NONE;
}

// An item whose meaning is settled: a basic value, or an array of integers or bools.
struct Item {
    minpy_value basic{};
    Array array;
    int64_t consumes = 0;  // axes
};

Item settle(const minpy_value& v, Selection& s) {
    Item item;
    if (is_basic(v.tag)) {
        item.basic = v;
        item.consumes = v.tag == MINPY_V_INT || v.tag == MINPY_V_SLICE;
        return item;
    }
    switch (v.tag) {
        case MINPY_V_BOOL: item.array = scalar(v.v.i != 0); return item;
        case MINPY_V_SCALAR: {
            DType t = checked_dtype(v.len);
            if (!in(t, kBool | kInteger)) not_an_index();
            if (t == DType::boolean) item.array = scalar((v.v.bits & 1) != 0);
            else item.basic = to_value(int_of(v)), item.consumes = 1;
            return item;
        }
        case MINPY_V_UINT:
        case MINPY_V_BIGINT: throw index_error("cannot fit 'int' into an index-sized integer");
        case MINPY_V_INTS: {
            int64_t shape[] = {v.len};
            item.array = empty(shape, DType::int64);
            std::copy_n(static_cast<const int64_t*>(v.v.p), v.len, item.array.raw_as<int64_t>());
            item.consumes = 1;
            return item;
        }
        case MINPY_V_FLOATS: {  // an empty list is an index without elements
            if (v.len) throw index_error("arrays used as indices must be of integer (or boolean) type");
            int64_t shape[] = {0};
            item.array = empty(shape, DType::int64);
            item.consumes = 1;
            return item;
        }
        case MINPY_V_ARRAY: {
            Array a = Array::share(array_of(v));
            if (!in(a.dtype(), kBool | kInteger)) {
                if (a.ndim() == 0) not_an_index();
                throw index_error("arrays used as indices must be of integer (or boolean) type");
            }
            a = to_device(a, kCpu);
            a.data();
            if (a.dtype() == DType::boolean) {
                item.array = a;
                item.consumes = a.ndim();
            } else if (a.ndim() == 0) {
                item.basic = to_value(int_of(v));
                item.consumes = 1;
                s.copies = true;
            } else {
                item.array = a;
                item.consumes = 1;
            }
            return item;
        }
        default: not_an_index();
    }
}

// pos * size + index, broadcast to the shape of `pos`.
void combine(const Array& pos, int64_t size, const Array& index) {
    Array wide = empty(pos.shape(), DType::int64);
    copy_into(wide, index);
    auto* p = pos.raw_as<int64_t>();
    auto* i = wide.raw_as<int64_t>();
    for (int64_t k = 0; k < pos.size(); ++k) p[k] = p[k] * size + i[k];
}

struct Advanced {
    Array index;   // as given; of a mask its positions
    int64_t axis;  // the first that it takes, of `a`
    int64_t n_axes;
    int64_t size;  // product of those axes' sizes
    bool mask;
};

Array combined_positions(const SmallVector<Advanced, 4>& parts) {
    SmallVector<DimsView, 4> shapes;
    for (const Advanced& p : parts) shapes.push_back(p.index.shape());
    Dims common;
    try {
        common = broadcast_shapes(std::span<const DimsView>(shapes.data(), size_t(shapes.size())));
    } catch (Error&) {
        std::string list;
        for (const Advanced& p : parts)  // a mask stands for one index per axis
            for (int64_t k = 0; k < std::max<int64_t>(p.n_axes, 1); ++k) list += to_string(p.index.shape()) + " ";
        throw index_error("shape mismatch: indexing arrays could not be broadcast together with shapes ", list);
    }
    DimsView shape{common.data(), size_t(common.size())};
    if (size_of(shape) == 0) return empty(shape, DType::int64);  // what is broadcast away is not checked, as in NumPy
    Array result;
    for (const Advanced& p : parts) {
        Array index = p.mask ? p.index : checked_positions(p.index, p.size, p.axis);
        if (!result) {
            result = same(index.shape(), shape) && parts.size() == 1 ? index : empty(shape, DType::int64);
            if (!result.is(index)) copy_into(result, index);
        } else {
            combine(result, p.size, index);
        }
    }
    return result;
}

}  // namespace

// Windows of several items.
static Array window_at(const ArrayBody* a, IndexView index) {
    constexpr int64_t kMost = 2 * kMaxDims + 2;
    int64_t ndim = a->ndim, used = 0, ellipses = 0, added = 0;
    if (int64_t(index.size()) > kMost) too_many(ndim, int64_t(index.size()));
    for (const minpy_value& v : index) {
        switch (v.tag) {
            case MINPY_V_INT:
            case MINPY_V_SLICE: ++used; break;
            case MINPY_V_ELLIPSIS: ++ellipses; break;
            case MINPY_V_NONE:
            case MINPY_V_NEWAXIS: ++added; break;
            default: return {};
        }
    }
    if (ellipses > 1) throw index_error("an index can only have a single ellipsis ('...')");
    if (used > ndim) too_many(ndim, used);
    if (ndim + added > kMaxDims)
        throw index_error("number of dimensions must be within [0, ", kMaxDims, "], indexing result would have ",
                          ndim + added);
    const int64_t* sizes = a->shape;
    const int64_t* steps = a->strides;
    int64_t shape[2 * kMaxDims + 2], strides[2 * kMaxDims + 2], n = 0, axis = 0, offset = 0;
    auto keep = [&](int64_t count) {
        for (int64_t k = 0; k < count; ++k, ++axis, ++n) shape[n] = sizes[axis], strides[n] = steps[axis];
    };
    for (const minpy_value& v : index) {
        if (v.tag == MINPY_V_INT) {
            int64_t size = sizes[axis], i = v.v.i < 0 ? v.v.i + size : v.v.i;
            if (uint64_t(i) >= uint64_t(size)) out_of_bounds(v.v.i, size, axis);
            offset += i * steps[axis++];
        } else if (v.tag == MINPY_V_SLICE) {
            int64_t start, step,
                length = slice_length(*static_cast<const minpy_slice*>(v.v.p), sizes[axis], start, step);
            shape[n] = length;
            // One element or none: its stride is never used, and might overflow.
            strides[n] = length > 1 ? step * steps[axis] : steps[axis];
            if (length) offset += start * steps[axis];
            ++n, ++axis;
        } else if (v.tag == MINPY_V_ELLIPSIS) {
            keep(ndim - used);
        } else {
            shape[n] = 1;
            strides[n++] = 0;
        }
    }
    keep(ndim - axis);
    return window(a, offset, {shape, size_t(n)}, {strides, size_t(n)}, a->dtype);
}

// Of one dimension.
static Array slice_window(const ArrayBody* a, int64_t offset, int64_t length, int64_t stride) {
    a->storage->retain();
    ArrayBody* b = make_body(a->storage, 1, a->offset + offset, a->dtype);
    b->view = 1;
    b->size = b->shape[0] = length;
    b->strides[0] = stride;
    b->contiguous = length <= 1 || stride == itemsize(a->dtype);
    return Array::adopt(b);
}

Array basic_window(const ArrayBody* a, IndexView index) {
    // x[1:3] of one dimension, without that bookkeeping.
    if (index.size() == 1 && index[0].tag == MINPY_V_SLICE && a->ndim == 1) {
        int64_t start, step,
            length = slice_length(*static_cast<const minpy_slice*>(index[0].v.p), a->shape[0], start, step);
        // One element or none: its stride is never used, and might overflow.
        int64_t stride = length > 1 ? step * a->strides[0] : a->strides[0];
        return slice_window(a, length ? start * a->strides[0] : 0, length, stride);
    }
    return window_at(a, index);
}

bool element_at(const ArrayBody* a, IndexView index, minpy_value* out) noexcept {
    if (int64_t(index.size()) != a->ndim || a->node || !a->storage->device.is_cpu() ||
        a->storage->has(Storage::kPending | Storage::kPoisoned | Storage::kTraced))
        return false;
    int64_t offset = a->offset;
    for (int32_t axis = 0; axis < a->ndim; ++axis) {
        const minpy_value& v = index[size_t(axis)];
        int64_t size = a->shape[axis], i = v.v.i < 0 ? v.v.i + size : v.v.i;
        if (v.tag != MINPY_V_INT || uint64_t(i) >= uint64_t(size)) return false;
        offset += i * a->strides[axis];
    }
    const char* p = a->storage->data + offset;
    *out = {MINPY_V_SCALAR, int32_t(a->dtype), {0}};
    switch (itemsize(a->dtype)) {
        case 1: std::memcpy(&out->v, p, 1); return true;
        case 2: std::memcpy(&out->v, p, 2); return true;
        case 4: std::memcpy(&out->v, p, 4); return true;
        case 8: std::memcpy(&out->v, p, 8); return true;
        default: return false;
    }
}

void store_item(const minpy_value& number, DType t, char* to) {
    bool scalar = number.tag == MINPY_V_SCALAR && in(DType(number.len), kFloat) && in(t, kInteger);
    if (number.tag != MINPY_V_FLOAT && !scalar) return store_number(number, t, to);
    double x = double_of(number);
    if (scalar && std::isfinite(x)) return store_number(number, t, to);
    if (!in(t, kInteger)) {
        const char* from = reinterpret_cast<const char*>(&x);
        thread_state().fp_status |= cast_elements(from, 0, DType::float64, to, 0, t, 1);
        return;
    }
    if (std::isnan(x)) throw value_error("cannot convert float NaN to integer");
    if (std::isinf(x)) throw overflow_error("cannot convert float infinity to integer");
    if (x < -0x1p63 || x >= 0x1p63) throw overflow_error("Python int too large to convert to C long");
    store_number(to_value(int64_t(x)), t, to);  // "Python integer 300 out of bounds for int8"
}

bool set_element(const ArrayBody* a, IndexView index, const minpy_value& number) {
    constexpr uint32_t kInTheWay =
        Storage::kPending | Storage::kPoisoned | Storage::kTraced | Storage::kReadOnly | Storage::kRead;
    if (int64_t(index.size()) != a->ndim || !is_number(number) || !a->storage->device.is_cpu() || a->node ||
        a->storage->has(kInTheWay) || a->storage->is_saved())
        return false;
    int64_t offset = a->offset;
    for (int32_t axis = 0; axis < a->ndim; ++axis) {
        if (index[size_t(axis)].tag != MINPY_V_INT) return false;
        int64_t size = a->shape[axis], given = index[size_t(axis)].v.i, i = given < 0 ? given + size : given;
        if (uint64_t(i) >= uint64_t(size)) out_of_bounds(given, size, axis);
        offset += i * a->strides[axis];
    }
    char* to = a->storage->data + offset;
    if (number.tag == MINPY_V_FLOAT && a->dtype == DType::float64) std::memcpy(to, &number.v.f, sizeof(double));
    else store_item(number, a->dtype, to);
    return true;
}

Selection select(const Array& a, IndexView index) {
    Selection s;
    SmallVector<Item, 8> items;
    int64_t used = 0, ellipses = 0;
    for (const minpy_value& v : index) {
        items.push_back(settle(v, s));
        used += items.back().consumes;
        ellipses += items.back().basic.tag == MINPY_V_ELLIPSIS;
        s.advanced = s.advanced || items.back().array;
    }
    if (ellipses > 1) throw index_error("an index can only have a single ellipsis ('...')");
    if (used > a.ndim()) too_many(a.ndim(), used);
    if (!s.advanced) {
        for (const Item& item : items) s.basic.push_back(item.basic);
        s.window = basic_window(a, {s.basic.data(), size_t(s.basic.size())});
        return s;
    }
    s.copies = false;
    s.mask = items.size() == 1 && items[0].array.dtype() == DType::boolean && items[0].array.ndim() == a.ndim();

    static const minpy_slice all{MINPY_SLICE_NONE, MINPY_SLICE_NONE, MINPY_SLICE_NONE};
    SmallVector<Advanced, 4> parts;
    int64_t axis = 0, out_axis = 0;  // of `a`, of the window
    int64_t last = -1, at = 0;       // the item of the last advanced index; window axes before the first
    int64_t kept = 0;                // window axes so far that are not advanced
    bool together = true;
    // Where advanced indices are, integers count as such.
    auto advance = [&](int64_t i) {
        if (last < 0) at = kept;
        else if (i != last + 1) together = false;
        last = i;
    };
    for (int64_t i = 0; i < items.size(); ++i) {
        Item& item = items[i];
        if (item.array) {
            advance(i);
            bool mask = item.array.dtype() == DType::boolean;
            Advanced part{item.array, axis, item.consumes, 1, mask};
            for (int64_t k = 0; k < item.consumes; ++k, ++axis) {
                int64_t size = a.dim(axis);
                if (mask && item.array.dim(k) != size && item.array.dim(k) != 0)  // NumPy takes empty masks anywhere
                    throw index_error("boolean index did not match indexed array along axis ", axis,
                                      "; size of axis is ", size, " but size of corresponding boolean axis is ",
                                      item.array.dim(k));
                part.size = checked_mul(part.size, size);
                s.axes.push_back(out_axis++);
                s.basic.push_back(pointer_value(MINPY_V_SLICE, &all, 0));
            }
            if (mask) part.index = positions_of(item.array);
            parts.push_back(std::move(part));
            continue;
        }
        s.basic.push_back(item.basic);
        switch (item.basic.tag) {
            case MINPY_V_INT:
                advance(i);
                ++axis;
                break;
            case MINPY_V_SLICE: ++axis, ++out_axis, ++kept; break;
            case MINPY_V_ELLIPSIS: {
                int64_t n = a.ndim() - used;
                axis += n, out_axis += n, kept += n;
                break;
            }
            default: ++out_axis, ++kept; break;
        }
    }
    s.at = together ? at : 0;
    s.window = basic_window(a, {s.basic.data(), size_t(s.basic.size())});
    s.positions = combined_positions(parts);
    return s;
}

}  // namespace minpy
