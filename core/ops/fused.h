// Rules of fused operators: higher orders differentiate the composite that they equal.
#pragma once
#include "core/autograd/tape.h"
#include "core/ops/calls.h"
#include "core/registry/dispatch.h"

namespace minpy {

// Cotangents of the operands that are wanted, given those of compute(operands)'s results; both may have nulls. Recorded
// by the tape that records around.
template <class F>
Arrays cotangents_of(const Arrays& given, std::span<const bool> wanted, std::span<const Array> seeds, F&& compute) {
    Context& context = Context::current();
    Ref<Tape> inner = Ref<Tape>::adopt(new Tape);
    inner->nest_in(context.tape);
    Context with(context);
    with.tape = inner;
    WithContext current(with);
    Arrays operands, result(given.size());
    std::vector<Array> wrt, heads, arrived;
    for (int64_t i = 0; i < given.size(); ++i) {
        operands.push_back(wanted[size_t(i)] ? inner->watch(given[i], with) : given[i]);
        if (wanted[size_t(i)]) wrt.push_back(operands.back());
    }
    Arrays results = compute(operands);
    for (int64_t i = 0; i < results.size(); ++i)
        if (results[i] && seeds[size_t(i)]) {
            heads.push_back(results[i]);
            arrived.push_back(seeds[size_t(i)]);
        }
    std::vector<Array> found = inner->gradient(heads, arrived, wrt, false, false, with);
    inner->close();
    size_t k = 0;
    for (int64_t i = 0; i < given.size(); ++i)
        if (wanted[size_t(i)]) result[i] = found[k++];
    return result;
}

// The reverse rule of a fused operator: that of the composite which `compute` is, over the first `n` operands.
template <class F> void reverse_of(Reverse& c, int64_t n, F&& compute) {
    Arrays operands;
    bool wanted[16] = {};
    for (int64_t i = 0; i < n; ++i) operands.push_back(c.in(i)), wanted[i] = c.needs(i);
    Arrays found = cotangents_of(operands, {wanted, size_t(n)}, c.cotangents, compute);
    for (int64_t i = 0; i < n; ++i)
        if (found[i]) c.set(i, found[i]);
}

}  // namespace minpy
