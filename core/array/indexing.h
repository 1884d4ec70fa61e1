// a[index] with NumPy's rules. An index is taken apart into a basic part (ints, slices, ellipsis, newaxis), which selects
// a window, and an advanced part (arrays of integers or bools), which becomes one array of positions on some axes of that
// window, seen as a single axis in C order. Whatever the index was, the rest of the library knows these two.
#pragma once
#include "core/array/array.h"

namespace minpy {

using IndexView = std::span<const minpy_value>;

// `window` for those who hold no handle.
Array window(const ArrayBody* a, int64_t offset, DimsView shape, DimsView strides, DType dtype);

// The window, if nothing in the index is advanced; else null.
Array basic_window(const ArrayBody* a, IndexView index);
inline Array basic_window(const Array& a, IndexView index) { return basic_window(a.get(), index); }

// The number as an element, by the rules of assignment: "cannot convert float NaN to integer".
void store_item(const minpy_value& number, DType t, char* to);
// a[i, j] as a SCALAR value, by the same conditions as set_element; complex128, which needs memory, is none of it.
bool element_at(const ArrayBody* a, IndexView index, minpy_value* out) noexcept;
// a[i, j] = number where that is all: integers for every axis of a CPU array that nobody else waits for or follows.
// False, and nothing done, otherwise.
bool set_element(const ArrayBody* a, IndexView index, const minpy_value& number);

struct Selection {
    SmallVector<minpy_value, 8> basic;  // the basic part: the index with advanced items as full slices
    Array window;                       // what that selects
    bool advanced = false;
    bool copies = false;  // basic, but by a 0-d array: the result is no view
    bool mask = false;    // one boolean array of the rank of `a`: assignment has rules of its own
    Array positions;      // int64 on the CPU, checked and not negative
    Dims axes;            // of the window
    int64_t at = 0;       // where the axes of `positions` go among the window's other axes
};
// Takes an index apart and checks all of it, also against `a`; elements are not touched.
Selection select(const Array& a, IndexView index);

[[noreturn]] void out_of_bounds(int64_t i, int64_t size, int64_t axis);
// Positions along an axis of that size: int64, contiguous, negative ones counted from the end. "index 10 is out of bounds
// for axis 0 with size 3". The result may be `index` itself.
Array checked_positions(const Array& index, int64_t size, int64_t axis);
// Where a mask holds, as positions in C order.
Array positions_of(const Array& mask);
// The same positions with -1 for those that come again later: as targets they are written last by the others.
Array last_of_each(const Array& positions, int64_t size);

// ---- elements at positions: ready CPU arrays ----
// The window's axes without `axes`, and the positions' in front of number `at`: the shape of what is gathered.
Dims gathered_shape(DimsView shape, DimsView axes, int64_t at, DimsView positions);
// A position of -1 is nowhere: it gathers zero, and nothing is scattered there.
void gather(const Array& out, const Array& a, const Array& positions, DimsView axes, int64_t at);
// out[first + i] = a[index[first + i]] for `n` of them: contiguous arrays, positions as the user gave them, checked as they
// are used. False if one is out of bounds.
bool take_elements(const Array& out, const Array& a, const int64_t* index, int64_t first, int64_t n);
void scatter(const Array& a, const Array& values, const Array& positions, DimsView axes, int64_t at);  // the last wins
void scatter_add(const Array& a, const Array& values, const Array& positions, DimsView axes, int64_t at);

// ---- the short way for one mask of the array's own shape, both contiguous and on the CPU ----
bool is_plain_mask(const Array& a, IndexView index);
Array masked(const Array& a, const Array& mask);
void fill_masked(const Array& a, const Array& mask, const Array& value);  // a value of one element

}  // namespace minpy
