// Positions along axes, and the elements there: what an advanced index comes down to.
#include <atomic>
#include <cstring>

#include "core/array/element_size.h"
#include "core/array/indexing.h"
#include "core/cpu/elementwise.h"
#include "core/cpu/pool.h"
#include "core/cpu/reduce.h"
#include "core/registry/thread_state.h"
#include "core/registry/values.h"

namespace minpy {
namespace {

constexpr int64_t kParallel = 1 << 17;  // elements from which threads pay
constexpr int64_t kTask = 1 << 15;      // elements of one task

}  // namespace

// ---- positions ----

void out_of_bounds(int64_t i, int64_t size, int64_t axis) {
    throw index_error("index ", i, " is out of bounds for axis ", axis, " with size ", size);
}

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

// to[i] = from[place(i, stop)], until `stop` is negative: false then. The lines of some hundred elements are asked for before
// the first is read, since a core waits for fewer loads at once than it can ask for; positions come from memory as well,
// and waiting for them is part of the same loop. `bytes` is what lies at `from`.
template <class T, class Place>
static bool read_at_places(const T* __restrict from, int64_t bytes, T* __restrict to, int64_t n, Place&& place) {
    constexpr int64_t kAsked = 256, kNear = 1 << 18;
    int64_t places[kAsked], stop = 0;
    auto find = [&](int64_t first, int64_t m, auto&& ask) {
        for (int64_t i = 0; i < m; ++i) {
            places[i] = place(first + i, stop);
            ask(from + places[i]);
        }
    };
    for (int64_t first = 0; first < n; first += kAsked) {
        int64_t m = std::min(kAsked, n - first);
        if (bytes > kNear) find(first, m, [](const T* p) { __builtin_prefetch(p); });
        else find(first, m, [](const T*) {});
        if (stop < 0) return false;
        for (int64_t i = 0; i < m; ++i) to[first + i] = from[places[i]];
    }
    return true;
}

bool take_elements(const Array& out, const Array& a, const int64_t* index, int64_t first, int64_t n) {
    bool inside = true;
    for_size(a.itemsize(), [&]<class T> {
        const int64_t size = a.size();
        const int64_t* given = index + first;
        inside =
            read_at_places(a.raw_as<T>(), a.nbytes(), out.raw_as<T>() + first, n, [=](int64_t i, int64_t& outside) {
                int64_t at = given[i] + (given[i] >> 63 & size);  // no branch
                outside |= at | int64_t(uint64_t(size - 1) - uint64_t(at));
                return at;
            });
    });
    return inside;
}

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
                if (pairs.block == 1 && step == int64_t(sizeof(T)) && scale == step) {
                    T* typed = reinterpret_cast<T*>(to);
                    int64_t nowhere = 0;
                    read_at_places(reinterpret_cast<const T*>(window), a.nbytes(), typed, n, [&](int64_t i, int64_t&) {
                        nowhere |= p[i];
                        return std::max<int64_t>(p[i], 0);
                    });
                    for (int64_t i = 0; nowhere < 0 && i < n; ++i)
                        if (p[i] < 0) typed[i] = T{};
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
