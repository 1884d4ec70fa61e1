#include "core/cpu/elementwise.h"

#include <cstring>
#if !defined(__x86_64__)
#include <cfenv>
#endif

#include "core/array/array.h"
#include "core/array/casting.h"
#include "core/array/element_size.h"
#include "core/cpu/pool.h"
#include "core/cpu/transpose.h"

namespace minpy {
namespace {

constexpr int kMaxOperands = 4;
constexpr int64_t kBlock = 1024;        // elements of one buffered block
constexpr int64_t kParallel = 1 << 17;  // elements from which threads pay
constexpr int64_t kTask = 1 << 15;      // elements of one task
constexpr int64_t kGathered = 2;        // what an element of short rows costs, in plain ones (measured)
constexpr int64_t kShortRow = 64;       // elements of rows that a loop gets many of
constexpr int64_t kRepeatedRow = 512;   // the same where nothing is gathered but a row that repeats, as a bias is

// The common iteration space with axes ordered by the outputs' strides and merged where all operands allow.
struct Space {
    int n_operands;
    Dims shape;
    SmallVector<int64_t, 4 * kMaxOperands> strides;  // [axis][operand]
    int64_t at(int64_t axis, int k) const { return strides[axis * n_operands + k]; }
};

Space make_space(DimsView shape, std::span<const Operand> operands) {
    Space s;
    s.n_operands = int(operands.size());
    SmallVector<int, 8> axes;
    for (size_t i = 0; i < shape.size(); ++i)
        if (shape[i] != 1) axes.push_back(int(i));
    // Outputs decide the order; they come last.
    const int64_t* lead = operands.back().strides;
    std::stable_sort(axes.begin(), axes.end(), [&](int a, int b) {
        int64_t x = std::abs(lead[a]), y = std::abs(lead[b]);
        return x != y && x != 0 && y != 0 && x > y;
    });
    for (int axis : axes) {
        int64_t last = s.shape.size() - 1;
        bool merge = last >= 0;
        for (int k = 0; merge && k < s.n_operands; ++k)
            merge = s.at(last, k) == operands[size_t(k)].strides[axis] * shape[size_t(axis)];
        if (merge) {
            s.shape[last] *= shape[size_t(axis)];
            for (int k = 0; k < s.n_operands; ++k)
                s.strides[last * s.n_operands + k] = operands[size_t(k)].strides[axis];
        } else {
            s.shape.push_back(shape[size_t(axis)]);
            for (int k = 0; k < s.n_operands; ++k) s.strides.push_back(operands[size_t(k)].strides[axis]);
        }
    }
    if (s.shape.empty()) {
        s.shape.push_back(1);
        for (int k = 0; k < s.n_operands; ++k) s.strides.push_back(0);
    }
    return s;
}

// Calls row(pointers, n) for every run along the last axis (cut to tasks), in parallel where it pays. `cost` of one place, in
// elements of a plain loop.
template <class Row> uint32_t for_rows(const Space& s, std::span<const Operand> operands, Row&& row, int64_t cost = 1) {
    const int64_t places = std::max<int64_t>(1, kTask / cost);  // of one task
    int64_t axes = s.shape.size(), inner = s.shape[axes - 1], outer = 1;
    for (int64_t i = 0; i + 1 < axes; ++i) outer *= s.shape[i];
    int64_t total = inner * outer;
    if (total == 0) return 0;
    auto run = [&](int64_t first_row, int64_t rows, int64_t from, int64_t n) {
        Dims index(axes - 1);
        char* p[kMaxOperands];
        for (int k = 0; k < s.n_operands; ++k) p[k] = operands[size_t(k)].data + from * s.at(axes - 1, k);
        int64_t rest = first_row;
        for (int64_t i = axes - 2; i >= 0; --i) {
            index[i] = rest % s.shape[i];
            rest /= s.shape[i];
            for (int k = 0; k < s.n_operands; ++k) p[k] += index[i] * s.at(i, k);
        }
        uint32_t flags = 0;
        for (int64_t r = 0;;) {
            flags |= row(p, n);
            if (++r == rows) return flags;
            for (int64_t i = axes - 2; i >= 0; --i) {
                if (++index[i] < s.shape[i]) {
                    for (int k = 0; k < s.n_operands; ++k) p[k] += s.at(i, k);
                    break;
                }
                for (int k = 0; k < s.n_operands; ++k) p[k] -= (s.shape[i] - 1) * s.at(i, k);
                index[i] = 0;
            }
        }
    };
    if (total < kParallel / cost || num_threads() == 1) return run(0, outer, 0, inner);
    std::atomic<uint32_t> flags{0};
    if (inner >= places) {
        int64_t pieces = (inner + places - 1) / places;
        parallel_for(outer * pieces, [&](int64_t task) {
            int64_t from = task % pieces * places;
            flags.fetch_or(run(task / pieces, 1, from, std::min(places, inner - from)), std::memory_order_relaxed);
        });
    } else {
        int64_t rows = std::max<int64_t>(1, places / inner);
        parallel_for((outer + rows - 1) / rows, [&](int64_t task) {
            int64_t first = task * rows;
            flags.fetch_or(run(first, std::min(rows, outer - first), 0, inner), std::memory_order_relaxed);
        });
    }
    return flags.load();
}

// Rows of n elements, one behind the other.
// `to` has room for seven small elements more.
void gather_rows(int64_t item, const char* p, int64_t row_step, int64_t step, int64_t rows, int64_t n, char* to) {
    for_size(item, [&]<class T> {
        constexpr int64_t size = sizeof(T);
        if (step == 0 && size <= 8) {  // one element for each row, eight at a time: what is too much is written over
            for (int64_t r = 0; r < rows; ++r, to += n * size) {
                T same[8];
                for (T& x : same) std::memcpy(&x, p + r * row_step, size);
                for (int64_t i = 0; i < n; i += 8) std::memcpy(to + i * size, same, sizeof same);
            }
            return;
        }
        for (int64_t r = 0; r < rows; ++r)
            for (int64_t i = 0; i < n; ++i, to += size) std::memcpy(to, p + r * row_step + i * step, size);
    });
}

// n times the same element.
void fill(int64_t item, const char* value, char* to, int64_t n) {
    for_size(item, [&]<class T> {
        T one;
        std::memcpy(&one, value, sizeof one);
        for (int64_t i = 0; i < n; ++i) std::memcpy(to + i * int64_t(sizeof one), &one, sizeof one);
    });
}

// Many short rows, as of a matrix of few columns with a number for each row: whole rows fill the blocks of a loop.
// False where a result would have to be taken apart again, or dtypes differ.
bool has_short_rows(const Loop& loop, const Space& s, std::span<const Operand> operands) {
    int64_t last = s.shape.size() - 1;
    if (last < 1 || s.shape[last] > kRepeatedRow || s.shape[last - 1] < 8) return false;
    for (int k = 0; k < s.n_operands; ++k) {
        int64_t item = itemsize(operands[size_t(k)].dtype);
        if (operands[size_t(k)].dtype != loop.types[k]) return false;
        bool dense = s.at(last, k) == item && s.at(last - 1, k) == s.shape[last] * item;
        if (k >= loop.n_in && !dense) return false;
        if (s.shape[last] > kShortRow && !dense && s.at(last - 1, k) != 0) return false;
    }
    return true;
}

uint32_t run_short_rows(const Loop& loop, Space& s, std::span<const Operand> operands) {
    int64_t last = s.shape.size() - 1, n = s.shape[last], each = kBlock / n;
    int64_t row_steps[kMaxOperands], steps[kMaxOperands];
    bool in_place[kMaxOperands];
    uint32_t scalars = 0;
    for (int k = 0; k < s.n_operands; ++k) {
        row_steps[k] = s.at(last - 1, k), steps[k] = s.at(last, k);
        if (row_steps[k] == 0 && steps[k] == 0) scalars |= 1u << k;
        bool dense = steps[k] == itemsize(loop.types[k]) && row_steps[k] == n * steps[k];
        in_place[k] = dense || (scalars >> k & 1);
    }
    s.shape.pop_back();
    auto run = [&](char* const* p, int64_t rows) {
        alignas(64) char buffer[kMaxOperands][kBlock * 16];
        HardwareFlags hardware;
        uint32_t flags = 0;
        for (int64_t from = 0; from < rows; from += each) {
            int64_t m = std::min(each, rows - from);
            char* q[kMaxOperands];
            for (int k = 0; k < s.n_operands; ++k) {
                q[k] = in_place[k] ? p[k] + from * row_steps[k] : buffer[k];
                // The same row everywhere is there from the block before.
                if (in_place[k] || (from && row_steps[k] == 0)) continue;
                gather_rows(itemsize(loop.types[k]), p[k] + from * row_steps[k], row_steps[k], steps[k], m, n, q[k]);
            }
            flags |= loop.run(q, scalars, m * n);
        }
        uint32_t raised = hardware.take();
        return loop.hardware_flags ? flags | raised : flags;
    };
    return for_rows(s, operands, run, kGathered * n);
}

}  // namespace

uint32_t run_elementwise(const Loop& loop, DimsView shape, std::span<const Operand> operands) {
    Space s = make_space(shape, operands);
    if (has_short_rows(loop, s, operands)) return run_short_rows(loop, s, operands);
    int64_t last = s.shape.size() - 1;
    int n_in = int{loop.n_in}, n = s.n_operands;
    bool buffered[kMaxOperands], any = false;
    uint32_t scalars = 0;
    for (int k = 0; k < n; ++k) {
        int64_t step = s.at(last, k), item = itemsize(operands[size_t(k)].dtype);
        bool same_type = operands[size_t(k)].dtype == loop.types[k];
        // A loop of one operand reads it element by element: it is gathered where it is repeated.
        bool one = k < n_in && ((step == 0 && n_in > 1) || s.shape[last] == 1);
        if (one) scalars |= 1u << k;
        buffered[k] = !same_type || (!one && step != item && s.shape[last] != 1);
        any = any || buffered[k];
    }
    auto run = [&](char* const* p, int64_t count) -> uint32_t {
        HardwareFlags hardware;
        uint32_t flags = 0;
        if (!any) {
            flags = loop.run(p, scalars, count);
        } else {
            alignas(64) char buffer[kMaxOperands][kBlock * 16];
            char* q[kMaxOperands];
            for (int64_t from = 0; from < count; from += kBlock) {
                int64_t m = std::min(kBlock, count - from);
                for (int k = 0; k < n; ++k) {
                    int64_t step = s.at(last, k);
                    q[k] = buffered[k] ? buffer[k] : p[k] + (scalars >> k & 1 ? 0 : from * step);
                    if (!buffered[k] || k >= n_in) continue;
                    bool one = scalars >> k & 1;
                    if (one && from) continue;
                    flags |= cast_elements(p[k] + (one ? 0 : from * step), step, operands[size_t(k)].dtype, buffer[k],
                                           itemsize(loop.types[k]), loop.types[k], one ? 1 : m);
                }
                if (loop.hardware_flags) hardware = HardwareFlags();
                flags |= loop.run(q, scalars, m);
                if (loop.hardware_flags) flags |= hardware.take();
                for (int k = n_in; k < n; ++k)
                    if (buffered[k])
                        flags |=
                            cast_elements(buffer[k], itemsize(loop.types[k]), loop.types[k],
                                          p[k] + from * s.at(last, k), s.at(last, k), operands[size_t(k)].dtype, m);
            }
            return flags;
        }
        uint32_t raised = hardware.take();
        return loop.hardware_flags ? flags | raised : flags;
    };
    return for_rows(s, operands, run);
}

uint32_t run_copy(DimsView shape, const Operand& to, const Operand& from) {
    if (to.dtype == from.dtype &&
        copy_transposed(shape, to.data, to.strides, from.data, from.strides, itemsize(to.dtype)))
        return 0;
    Operand both[] = {from, to};
    Space s = make_space(shape, both);
    int64_t last = s.shape.size() - 1;
    CastFn cast = cast_function(from.dtype, to.dtype);
    int64_t item = itemsize(to.dtype);
    if (s.at(last, 0) == 0 && s.at(last, 1) == item)
        return for_rows(s, both, [&](char* const* p, int64_t n) {
            char one[16];
            uint32_t flags = cast(p[0], 0, one, item, 1);
            fill(item, one, p[1], n);
            return flags;
        });
    return for_rows(s, both,
                    [&](char* const* p, int64_t n) { return cast(p[0], s.at(last, 0), p[1], s.at(last, 1), n); });
}

void copy_into(const Array& to, const Array& from) { convert_into(to, from); }

uint32_t convert_into(const Array& to, const Array& from) {
    Array source = same(to.shape(), from.shape()) ? from : broadcast_window(from, to.shape());
    source.data();
    if (may_overlap(to, source) && !same_window(to, source)) {
        Array fresh = empty(source.shape(), source.dtype());
        run_copy(source.shape(), {fresh.raw(), fresh.strides().data(), fresh.dtype()},
                 {source.raw(), source.strides().data(), source.dtype()});
        source = fresh;
    }
    return run_copy(to.shape(), {to.raw(), to.strides().data(), to.dtype()},
                    {source.raw(), source.strides().data(), source.dtype()});
}

#if !defined(__x86_64__)
HardwareFlags::HardwareFlags() : before_(uint32_t(std::fetestexcept(FE_ALL_EXCEPT))) {
    std::feclearexcept(FE_ALL_EXCEPT);
}
uint32_t HardwareFlags::take() {
    int now = std::fetestexcept(FE_ALL_EXCEPT);
    std::feclearexcept(FE_ALL_EXCEPT);
    std::feraiseexcept(int(before_));
    return (now & FE_INVALID ? 8 : 0) | (now & FE_DIVBYZERO ? 1 : 0) | (now & FE_OVERFLOW ? 2 : 0) |
           (now & FE_UNDERFLOW ? 4 : 0);
}
#endif

}  // namespace minpy
