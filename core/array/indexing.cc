#include "core/array/indexing.h"

#include <atomic>
#include <cmath>
#include <cstring>

#include "core/array/casting.h"
#include "core/cpu/elementwise.h"
#include "core/cpu/pool.h"
#include "core/registry/device.h"
#include "core/registry/thread_state.h"
#include "core/registry/values.h"

namespace minpy {
namespace {

constexpr int64_t kParallel = 1 << 17;  // elements from which threads pay
constexpr int64_t kTask = 1 << 15;      // elements of one task

[[noreturn]] void not_an_index() {
    throw index_error(
        "only integers, slices (`:`), ellipsis (`...`), numpy.newaxis (`None`) and integer or boolean arrays "
        "are valid indices");
}

[[noreturn]] void too_many(int64_t ndim, int64_t used) {
    throw index_error("too many indices for array: array is ", ndim, "-dimensional, but ", used, " were indexed");
}

[[noreturn]] void out_of_bounds(int64_t i, int64_t size, int64_t axis) {
    throw index_error("index ", i, " is out of bounds for axis ", axis, " with size ", size);
}

// Python's slice.indices: how many elements, from which one.
int64_t slice_length(const minpy_slice& s, int64_t size, int64_t& start, int64_t& step) {
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

Array basic_window(const ArrayBody* a, IndexView index) {
    constexpr int64_t kMost = 2 * kMaxDims + 2;
    // x[1:3] of one dimension, without the bookkeeping below.
    if (index.size() == 1 && index[0].tag == MINPY_V_SLICE && a->ndim == 1) {
        int64_t start, step,
            length = slice_length(*static_cast<const minpy_slice*>(index[0].v.p), a->shape[0], start, step);
        int64_t stride = length > 1 ? step * a->strides[0] : a->strides[0];
        return window(a, length ? start * a->strides[0] : 0, {&length, 1}, {&stride, 1}, a->dtype);
    }
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

// ---- positions ----

Array checked_positions(const Array& index, int64_t size, int64_t axis) {
    Array result = index.dtype() == DType::int64 ? contiguous(index) : copy_of(index, DType::int64);
    const int64_t* p = result.raw_as<int64_t>();
    int64_t n = result.size(), signs = 0;
    auto look = [&](int64_t from, int64_t to) {
        int64_t found = 0;
        for (int64_t i = from; i < to; ++i)
            // One of them is negative where p[i] is not in [0, size).
            found |= p[i] | int64_t(uint64_t(size - 1) - uint64_t(p[i]));
        return found;
    };
    if (n < kParallel) {
        signs = look(0, n);
    } else {
        std::atomic<int64_t> found{0};
        parallel_for((n + kTask - 1) / kTask,
                     [&](int64_t k) { found |= look(k * kTask, std::min(n, (k + 1) * kTask)); });
        signs = found;
    }
    if (signs >= 0) return result;
    for (int64_t i = 0; i < n; ++i)
        if (p[i] < -size || p[i] >= size) out_of_bounds(p[i], size, axis);
    Array fixed = empty(index.shape(), DType::int64);
    auto* q = fixed.raw_as<int64_t>();
    for (int64_t i = 0; i < n; ++i) q[i] = p[i] < 0 ? p[i] + size : p[i];
    return fixed;
}

// Eight bytes at a time, each into a byte of its own until one might be full.
static int64_t count_true(const uint8_t* p, int64_t n) {
    constexpr uint64_t low = 0x7f7f7f7f7f7f7f7f, ones = 0x0101010101010101, pairs = 0x00ff00ff00ff00ff;
    int64_t count = 0, i = 0;
    while (i + 8 <= n) {
        uint64_t bytes = 0;
        for (int64_t end = i + 8 * std::min<int64_t>((n - i) / 8, 255); i < end; i += 8) {
            uint64_t x;
            std::memcpy(&x, p + i, 8);
            bytes += (((x & low) + low) | x) >> 7 & ones;
        }
        count += int64_t((((bytes & pairs) + (bytes >> 8 & pairs)) * 0x0001000100010001) >> 48);
    }
    for (; i < n; ++i) count += p[i] != 0;
    return count;
}

Array positions_of(const Array& mask) {
    Array flat = contiguous(mask);
    const auto* p = flat.raw_as<uint8_t>();
    constexpr int64_t kPiece = kParallel / 2;
    const int64_t n = flat.size(), pieces = n < kParallel ? 1 : (n + kPiece - 1) / kPiece;
    auto start = [&](int64_t piece) { return pieces == 1 ? piece * n : std::min(n, piece * kPiece); };
    SmallVector<int64_t, 64> ends(pieces, 0);  // how many are true up to the end of each piece
    auto in_pieces = [&](auto&& f) {
        if (pieces == 1) f(int64_t(0));
        else parallel_for(pieces, f);
    };
    in_pieces([&](int64_t piece) { ends[piece] = count_true(p + start(piece), start(piece + 1) - start(piece)); });
    for (int64_t k = 1; k < pieces; ++k) ends[k] += ends[k - 1];
    int64_t shape[] = {ends[pieces - 1]};
    Array result = empty(shape, DType::int64);
    auto* q = result.raw_as<int64_t>();
    // Written without a branch: masks are unpredictable. A piece's last slot is written last, by a true element.
    in_pieces([&](int64_t piece) {
        int64_t k = piece ? ends[piece - 1] : 0;
        for (int64_t i = start(piece); k < ends[piece]; ++i) {
            q[k] = i;
            k += p[i] != 0;
        }
    });
    return result;
}

Array last_of_each(const Array& positions, int64_t size) {
    Array result = copy_of(positions);
    std::vector<bool> seen;
    seen.resize(size_t(size));
    auto* p = result.raw_as<int64_t>();
    for (int64_t i = result.size() - 1; i >= 0; --i) {
        if (p[i] < 0) continue;
        if (seen[size_t(p[i])]) p[i] = -1;
        else seen[size_t(p[i])] = true;
    }
    return result;
}

// ---- elements at positions ----

Dims gathered_shape(DimsView shape, DimsView axes, int64_t at, DimsView positions) {
    Dims result;
    for (int64_t i = 0, kept = 0;; ++i) {
        if (kept == at) {
            for (int64_t p : positions) result.push_back(p);
            ++kept;  // once
        }
        if (i == int64_t(shape.size())) break;
        if (std::find(axes.begin(), axes.end(), i) == axes.end()) {
            result.push_back(shape[size_t(i)]);
            ++kept;
        }
    }
    return result;
}

namespace {

// Runs over all pairs of an element of the window and its place in the gathered array (`item`), both by byte strides.
struct Pairs {
    std::vector<int64_t> offsets;  // of several axes: bytes in the window, or kNowhere
    const int64_t* positions;
    int64_t n, scale;                      // the i-th is at positions[i] * scale
    int64_t step;                          // in `item` from one position to the next
    Dims shape, window_steps, item_steps;  // the other axes but the last contiguous ones
    int64_t block = 1;                     // those, in elements

    static constexpr int64_t kNowhere = -1;

    Pairs(const Array& a, const Array& item, const Array& pos, DimsView axes, int64_t at)
        : positions(pos.raw_as<int64_t>()), n(pos.size()) {
        step = pos.ndim() ? item.strides()[size_t(at + pos.ndim() - 1)] : 0;
        if (axes.size() == 1) {
            scale = a.strides()[size_t(axes[0])];
        } else {
            scale = 1;
            place(a, axes);
        }
        int64_t at_item = 0;
        for (int64_t i = 0; i < a.ndim(); ++i) {
            if (std::find(axes.begin(), axes.end(), i) != axes.end()) continue;
            int64_t k = at_item < at ? at_item : at_item + pos.ndim();
            ++at_item;
            shape.push_back(a.dim(i));
            window_steps.push_back(a.strides()[size_t(i)]);
            item_steps.push_back(item.strides()[size_t(k)]);
        }
        while (!shape.empty() && shape.size() > at) {
            int64_t next = block * a.itemsize();
            if (shape.back() != 1 && (window_steps.back() != next || item_steps.back() != next)) break;
            block *= shape.back();
            shape.pop_back(), window_steps.pop_back(), item_steps.pop_back();
        }
    }

    // Positions over several axes as byte offsets, which must not be negative: the window's lowest byte is 0.
    void place(const Array& a, DimsView axes) {
        for (int64_t axis : axes) base += std::min<int64_t>(0, (a.dim(axis) - 1) * a.strides()[size_t(axis)]);
        offsets.resize(size_t(n));
        for (int64_t i = 0; i < n; ++i) {
            int64_t rest = positions[i], offset = -base;
            if (rest < 0) {
                offsets[size_t(i)] = kNowhere;
                continue;
            }
            for (int64_t k = int64_t(axes.size()) - 1; k >= 0; --k) {
                int64_t size = a.dim(axes[size_t(k)]);
                offset += rest % size * a.strides()[size_t(axes[size_t(k)])];
                rest /= size;
            }
            offsets[size_t(i)] = offset;
        }
        positions = offsets.data();
    }
    int64_t base = 0;

    // row(in the window, in `item`) for each place on the other axes.
    template <class Row> void rows(char* in_window, char* in_item, Row&& row) const {
        in_window += base;
        if (size_of({shape.data(), size_t(shape.size())}) == 0 || block == 0) return;
        Dims index(shape.size());
        for (;;) {
            row(in_window, in_item);
            int64_t k = shape.size() - 1;
            for (; k >= 0; --k) {
                in_window += window_steps[k], in_item += item_steps[k];
                if (++index[k] < shape[k]) break;
                in_window -= index[k] * window_steps[k], in_item -= index[k] * item_steps[k];
                index[k] = 0;
            }
            if (k < 0) return;
        }
    }

    // visit(in the window or null, in `item`) for each block, positions innermost.
    template <class Visit> void run(char* in_window, char* in_item, Visit&& visit) const {
        rows(in_window, in_item, [&](char* window, char* to) {
            for (int64_t i = 0; i < n; ++i, to += step)
                visit(positions[i] < 0 ? nullptr : window + positions[i] * scale, to);
        });
    }
};

struct Sixteen {
    uint64_t parts[2];
};

// Calls f.operator()<T>() for a plain type of that size.
template <class F> void for_size(int64_t itemsize, F&& f) {
    switch (itemsize) {
        case 1: return f.template operator()<uint8_t>();
        case 2: return f.template operator()<uint16_t>();
        case 4: return f.template operator()<uint32_t>();
        case 8: return f.template operator()<uint64_t>();
        default: return f.template operator()<Sixteen>();
    }
}

// A new array, and the conditions that the cast meets are the call's.
Array cast_of(const Array& a, DType t) {
    Array result = empty(a.shape(), t);
    thread_state().fp_status |= convert_into(result, a);
    return result;
}

// The values in the window's dtype and the gathered shape; the axes of the positions can be stepped through as one.
Array steppable(const Array& a, const Array& values, const Array& positions, DimsView axes, int64_t at) {
    Dims shape = gathered_shape(a.shape(), axes, at, positions.shape());
    DimsView wanted{shape.data(), size_t(shape.size())};
    if (values.size() == 1) {
        Array one = cast_of(values, a.dtype());
        return window(one, 0, wanted, Dims(shape.size()));
    }
    Array wide = same(values.shape(), wanted) ? values : broadcast_window(values, wanted);
    bool flat = positions.ndim() < 2 || wide.is_contiguous();
    return flat && values.dtype() == a.dtype() && !may_overlap(a, values) ? wide : cast_of(wide, a.dtype());
}

// A write must not move the positions that it follows: a[2:][a[:-2]] = 3.
Array unmoved(const Array& positions, const Array& a) {
    return may_overlap(a, positions) ? copy_of(positions) : positions;
}

}  // namespace

void gather(const Array& out, const Array& a, const Array& positions, DimsView axes, int64_t at) {
    if (out.size() == 0) return;
    if (a.size() == 0) {  // nowhere, all of them
        std::memset(out.raw(), 0, size_t(out.nbytes()));
        return;
    }
    Pairs pairs(a, out, positions, axes, at);
    const int64_t* all = pairs.positions;
    for_size(a.itemsize(), [&]<class T> {
        auto run = [&](int64_t first, int64_t n) {
            const int64_t* p = all + first;
            pairs.rows(a.raw(), out.raw() + first * pairs.step, [&](const char* window, char* to) {
                int64_t scale = pairs.scale, step = pairs.step;
                // Without branches: loads go on while others miss the cache.
                if (pairs.block == 1 && step == int64_t(sizeof(T)) && scale == step) {
                    const T* __restrict from = reinterpret_cast<const T*>(window);
                    T* __restrict typed = reinterpret_cast<T*>(to);
                    for (int64_t i = 0; i < n; ++i) {
                        T x = from[std::max<int64_t>(p[i], 0)];
                        typed[i] = p[i] < 0 ? T{} : x;
                    }
                    return;
                }
                if (pairs.block == 1) {
                    for (int64_t i = 0; i < n; ++i) {
                        bool somewhere = p[i] >= 0;
                        T x = *reinterpret_cast<const T*>(window + (somewhere ? p[i] : 0) * scale);
                        *reinterpret_cast<T*>(to + i * step) = somewhere ? x : T{};
                    }
                    return;
                }
                size_t bytes = size_t(pairs.block) * sizeof(T);
                for (int64_t i = 0; i < n; ++i, to += step) {
                    if (p[i] < 0) std::memset(to, 0, bytes);
                    else std::memcpy(to, window + p[i] * scale, bytes);
                }
            });
        };
        int64_t n = pairs.n, task = std::max<int64_t>(1, kTask / std::max<int64_t>(1, out.size() / n));
        // Not where other axes come first: threads would write to the same cache lines.
        if (out.size() < kParallel || n < 2 * task || !pairs.shape.empty()) return run(0, n);
        parallel_for((n + task - 1) / task, [&](int64_t k) { run(k * task, std::min(task, n - k * task)); });
    });
}

void scatter(const Array& a, const Array& values, const Array& given, DimsView axes, int64_t at) {
    Array positions = unmoved(given, a);
    Array item = steppable(a, values, positions, axes, at);
    Pairs pairs(a, item, positions, axes, at);
    for_size(a.itemsize(), [&]<class T> {
        if (pairs.block == 1) {
            pairs.run(a.raw(), item.raw(), [](char* to, const char* from) {
                if (to) *reinterpret_cast<T*>(to) = *reinterpret_cast<const T*>(from);
            });
        } else {
            size_t bytes = size_t(pairs.block) * sizeof(T);
            pairs.run(a.raw(), item.raw(), [=](char* to, const char* from) {
                if (to) std::memcpy(to, from, bytes);
            });
        }
    });
}

void scatter_add(const Array& a, const Array& values, const Array& given, DimsView axes, int64_t at) {
    Array positions = unmoved(given, a);
    Array item = steppable(a, values, positions, axes, at);
    Pairs pairs(a, item, positions, axes, at);
    for_dtype<kAll>(a.dtype(), [&]<class T> {
        int64_t block = pairs.block;
        pairs.run(a.raw(), item.raw(), [=](char* to, const char* from) {
            if (!to) return;
            auto* x = reinterpret_cast<T*>(to);
            auto* y = reinterpret_cast<const T*>(from);
            for (int64_t k = 0; k < block; ++k) {
                if constexpr (is_short_float<T>) x[k] = T(float(x[k]) + float(y[k]));
                else if constexpr (std::is_same_v<T, bool>) x[k] = x[k] || y[k];
                else if constexpr (std::is_integral_v<T>)
                    x[k] = T(std::make_unsigned_t<T>(x[k]) + std::make_unsigned_t<T>(y[k]));
                else x[k] += y[k];
            }
        });
    });
}

// ---- masks of the array's own shape ----

bool is_plain_mask(const Array& a, IndexView index) {
    if (index.size() != 1 || index[0].tag != MINPY_V_ARRAY || !a.on_cpu() || !a.is_contiguous() || a.ndim() == 0)
        return false;
    const ArrayBody* m = array_of(index[0]);
    return m->dtype == DType::boolean && m->contiguous && m->storage->device.is_cpu() &&
           same({m->shape, size_t(m->ndim)}, a.shape());
}

Array masked(const Array& a, const Array& mask) {
    const auto* m = reinterpret_cast<const uint8_t*>(mask.data());
    a.data();
    const int64_t n = a.size(), count = count_true(m, n);
    int64_t shape[] = {count};
    Array out = empty(shape, a.dtype());
    for_size(a.itemsize(), [&]<class T> {
        const T* from = a.raw_as<T>();
        T* to = out.raw_as<T>();
        for (int64_t i = 0, k = 0; k < count; ++i) {  // without a branch, as in positions_of
            to[k] = from[i];
            k += m[i] != 0;
        }
    });
    return out;
}

void fill_masked(const Array& a, const Array& mask, const Array& value) {
    const auto* m = reinterpret_cast<const uint8_t*>(mask.data());
    Array one = cast_of(value, a.dtype());
    for_size(a.itemsize(), [&]<class T> {
        T* to = a.raw_as<T>();
        T x = *one.raw_as<T>();
        auto fill = [&](int64_t from, int64_t end) {
            for (int64_t i = from; i < end; ++i) {
                if constexpr (std::is_integral_v<T>) {  // by masks: the compiler makes branches of 8-byte selects
                    T mask = T(-T(m[i] != 0));
                    to[i] = T((x & mask) | (to[i] & T(~mask)));
                } else {
                    if (m[i]) to[i] = x;
                }
            }
        };
        int64_t n = a.size();
        if (n < kParallel) return fill(0, n);
        parallel_for((n + kTask - 1) / kTask, [&](int64_t k) { fill(k * kTask, std::min(n, (k + 1) * kTask)); });
    });
}

}  // namespace minpy
