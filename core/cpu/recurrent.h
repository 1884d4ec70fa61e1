// One recurrent layer in one direction, forward and backward. Rows of the batch do not see each other, so tasks are rows
// that go through all steps; what does not depend on the state is one product for all steps.
#pragma once
#include "core/array/dtype.h"
#include "core/cpu/loops.h"

namespace minpy {

struct Recurrent {
    enum class Mode { relu, tanh, lstm, gru };
    Mode mode;
    bool backwards;  // from the last step to the first
    int64_t steps, batch, inputs, hidden;
    LoopFn sigmoid, tanh;  // of the dtype

    int64_t gates() const { return mode == Mode::lstm ? 4 : mode == Mode::gru ? 3 : 1; }
    // Numbers that backward needs of a row of one step: of an LSTM the gates i, f, g, o and the cell, of a GRU the gates r,
    // z, n and what r is multiplied with; else the result is enough.
    int64_t kept() const { return mode == Mode::lstm ? 5 : mode == Mode::gru ? 4 : 0; }
};

// Arrays are contiguous: x (steps, batch, inputs), wx (gates * hidden, inputs), wh (gates * hidden, hidden), biases
// (gates * hidden,), h0, c0 and c_last (batch, hidden), y (steps, batch, hidden), kept (steps, batch, kept * hidden).
template <class T> struct RecurrentArrays {
    const T *x, *wx, *wh, *bx, *bh, *h0, *c0;
    T *y, *c_last, *kept;
};
template <class T> void recurrent_forward(const Recurrent& r, const RecurrentArrays<T>& a);

template <class T> struct RecurrentCotangents {
    const T *y, *c_last;  // null: zero
    T *x, *wx, *wh, *bx, *bh, *h0, *c0;
};
template <class T>
void recurrent_backward(const Recurrent& r, const RecurrentArrays<T>& a, const RecurrentCotangents<T>& d);

}  // namespace minpy
