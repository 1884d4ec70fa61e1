// What tests of the core share: arrays from literals, and their values.
#pragma once
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <vector>

#include "core/array/array.h"
#include "core/autograd/tape.h"
#include "core/ops/calls.h"

namespace minpy {

template <class T = double> Array make(const std::vector<T>& values, const Dims& shape) {
    Array a = empty({shape.data(), size_t(shape.size())}, dtype_of<T>);
    std::copy(values.begin(), values.end(), a.raw_as<T>());
    return a;
}
inline Array vec(const std::vector<double>& values) { return make<double>(values, {int64_t(values.size())}); }

inline std::vector<double> values(const Array& a) {
    a.data();
    Array c = copy_of(a, DType::float64);
    return {c.raw_as<double>(), c.raw_as<double>() + c.size()};
}

// A tape that is current while it lives.
class Recording {
public:
    Recording() : tape(Ref<Tape>::adopt(new Tape)), context(Context::current()) {
        tape->nest_in(context.tape);
        context.tape = tape;
        current.emplace(context);
    }
    ~Recording() {
        current.reset();
        tape->close();
    }
    Array watch(const Array& a) { return tape->watch(a, context); }
    Array gradient(const Array& head, const Array& wrt, bool create_graph = false, bool retain = true) {
        Array heads[] = {head}, targets[] = {wrt};
        Array g = tape->gradient(heads, {}, targets, create_graph, retain, context).front();
        return g ? g : ops::zeros(wrt.shape(), wrt.dtype(), kCpu);
    }
    // Frees what was recorded.
    Array last_gradient(const Array& head, const Array& wrt) { return gradient(head, wrt, false, false); }
    Array jvp(const Array& head, const Array& wrt, const Array& tangent) {
        Array heads[] = {head}, sources[] = {wrt}, tangents[] = {tangent};
        Array t = tape->jvp(heads, sources, tangents, context).front();
        return t ? t : ops::zeros(head.shape(), head.dtype(), kCpu);
    }
    Ref<Tape> tape;
    Context context;

private:
    std::optional<WithContext> current;
};

}  // namespace minpy
