// MINPY_CHECK=1: every group is computed once more, call by call, and must have the same bits.
#include <cstring>

#include "core/cpu/elementwise.h"
#include "core/fusion/group.h"
#include "core/registry/dispatch.h"

namespace minpy {

void check_group(const Group& group) {
    std::vector<Array> results;
    for (const Deferred* d : group.nodes) {
        Arrays inputs;
        for (const Deferred::Input& in : d->inputs) {
            const Array& a = in.array;
            const Deferred* p = a.storage().producer;
            inputs.push_back(p ? window(results[size_t(p->place)], 0, a.shape(), a.strides()) : a);
        }
        Array out = empty({d->shape.data(), size_t(d->shape.size())}, d->dtype);
        if (d->loop) run_loop(*d->loop, {inputs.data(), size_t(inputs.size())}, out);
        else convert_into(out, inputs[0]);
        results.push_back(out);
        if (group.kept[size_t(d->place)] && std::memcmp(out.raw(), d->target->data, size_t(out.nbytes())) != 0) {
            Error e =
                state_error("its result in the group '", describe(group), "' differs from that of a call by itself");
            e.op = d->op->name;
            throw e;
        }
    }
}

}  // namespace minpy
