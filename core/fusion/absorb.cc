#include "core/fusion/absorb.h"

#include <algorithm>
#include <cstring>

#include "core/autograd/node.h"
#include "core/fusion/deferred.h"
#include "core/fusion/group.h"
#include "core/graph/passes.h"
#include "core/registry/recorder.h"

namespace minpy {
namespace {

// Whether every byte of its memory is one of its elements, and steps go forward.
bool fills_memory(const Array& a) {
    if (a.get()->offset || a.nbytes() != a.storage().nbytes) return false;
    SmallVector<std::pair<int64_t, int64_t>, 8> axes;  // step, size
    for (int64_t i = 0; i < a.ndim(); ++i)
        if (a.dim(i) != 1) axes.push_back({a.strides()[size_t(i)], a.dim(i)});
    std::sort(axes.begin(), axes.end());
    int64_t step = a.itemsize();
    for (const auto& [stride, n] : axes) {
        if (stride != step) return false;
        step *= n;
    }
    return true;
}

}  // namespace

bool suits_fold(int64_t size) {
    constexpr int64_t kGroupThreads = 1 << 16, kFoldThreads = 1 << 17;  // elements from which they run on threads
    return size < kGroupThreads || size >= kFoldThreads;
}

uint32_t reduce_operand(const Call& c, const ReduceLoop& loop, const Array& to, const Array& a, DimsView axes,
                        const Array& mask, const char* masked, const char* initial, const Prepared& prepared) {
    uint32_t flags = 0;
    auto fold = [&](ElementSource* source) {
        flags = reduce(loop, to, a, axes, mask, masked, initial, prepared, source);
    };
    const Storage& s = a.storage();
    if (!s.has(Storage::kPending) && s.producer) {  // a plan's, which only this call sees
        GroupSource source(*s.producer->group);
        fold(&source);
        source.finish();
        return flags;
    }
    if (s.has(Storage::kPending) && !s.has(Storage::kPoisoned) && !recorder() && suits_fold(a.size()) &&
        fills_memory(a) && reads_runs(loop, a, axes, mask, prepared)) {
        bool last_use = c.options.last_use && !(c.op.save_inputs && may_be_traced(a));
        bool done = fold_pending(
            a, last_use, c.op, [](void* f, ElementSource& source) { (*static_cast<decltype(fold)*>(f))(&source); },
            &fold);
        if (done && checks_graphs()) {
            Array once_more = empty(to.shape(), to.dtype());
            a.data();
            reduce(loop, once_more, a, axes, mask, masked, initial, prepared);
            if (std::memcmp(once_more.raw(), to.raw(), size_t(to.nbytes())) != 0)
                throw state_error("its result, read from a group, differs from that of the computed array");
        }
        if (done) return flags;
    }
    a.data();
    fold(nullptr);
    return flags;
}

}  // namespace minpy
