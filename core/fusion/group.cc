#include "core/fusion/group.h"

#include <algorithm>

#include "core/registry/op.h"

namespace minpy {
namespace {

constexpr size_t kMaxNodes = 64;

bool reads_rows(const Deferred& d) {
    for (const Deferred::Input& in : d.inputs)
        if (in.access == Deferred::Access::rows) return true;
    return false;
}

// Whether `p`, pending behind one of the group's operands, may be computed in the same pass.
bool joins(Group& group, const Deferred::Input& in, const Deferred& p) {
    const Array& a = in.array;
    if (in.access != Deferred::Access::linear || a.get()->offset || a.size() != p.size || a.dtype() != p.dtype)
        return false;
    if (group.nodes.size() >= kMaxNodes) return false;
    if (!reads_rows(p)) return true;
    if (group.row_shape.empty()) group.row_shape = p.shape;
    return same({group.row_shape.data(), size_t(group.row_shape.size())}, {p.shape.data(), size_t(p.shape.size())});
}

}  // namespace

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

void disband(Group& group) {
    for (Deferred* d : group.nodes) d->group = nullptr;
    group.nodes.clear();
    group.row_shape = {};
}

Found collect(Group& group, Deferred*& root, int32_t fork_count) {
    group.size = root->size;
    if (reads_rows(*root)) group.row_shape = root->shape;
    auto enter = [&](Deferred* d) {
        group.nodes.push_back(d);
        d->group = &group;
        d->fork_count = fork_count;
    };
    group.nodes.reserve(kMaxNodes);
    enter(root);
    for (size_t k = 0; k < group.nodes.size(); ++k) {
        for (const Deferred::Input& in : group.nodes[k]->inputs) {
            Deferred* p = in.array.storage().producer;
            if (!p || p->group == &group) continue;
            bool busy = runs(*p, fork_count);
            if (!busy && joins(group, in, *p)) {
                enter(p);
                continue;
            }
            disband(group);
            root = p;
            return busy ? Found::busy : Found::other_first;
        }
    }
    std::sort(group.nodes.begin(), group.nodes.end(),
              [](const Deferred* a, const Deferred* b) { return a->sequence < b->sequence; });
    for (size_t k = 0; k < group.nodes.size(); ++k) group.nodes[k]->place = int32_t(k);
    return Found::complete;
}

namespace {

// By node: references from inside the group.
std::vector<int64_t> uses_inside(const Group& group) {
    std::vector<int64_t> inside(group.nodes.size());
    for (const Deferred* d : group.nodes)
        for (const Deferred::Input& in : d->inputs)
            if (const Deferred* p = in.array.storage().producer) ++inside[size_t(p->place)];
    return inside;
}

}  // namespace

void choose_kept(Group& group) {
    std::vector<int64_t> inside = uses_inside(group);
    group.kept.assign(group.nodes.size(), false);
    for (size_t k = 0; k < group.nodes.size(); ++k)
        group.kept[k] = group.nodes[k]->target->refs.load(std::memory_order_acquire) > inside[k];
}

void drop_operands(Group& group) {
    std::vector<int64_t> inside = uses_inside(group);
    const Deferred& last = *group.nodes.back();
    // What reads memory that is about to be written could not be computed once more.
    std::vector<bool> once(group.nodes.size());
    for (size_t k = 0; k < group.nodes.size(); ++k)
        for (const Deferred::Input& in : group.nodes[k]->inputs) {
            const Storage& s = in.array.storage();
            if (&s == &last.into.storage() || (s.producer && once[size_t(s.producer->place)])) once[k] = true;
        }
    for (const Deferred::Input& in : last.inputs) {
        const Deferred* p = in.array.storage().producer;
        if (!p || once[size_t(p->place)]) continue;
        if (p->target->refs.load(std::memory_order_acquire) > inside[size_t(p->place)] + 1) continue;
        group.kept[size_t(p->place)] = false;
        group.leaves = true;
    }
}

std::string describe(const Group& group) {
    std::string text;
    size_t kept = 0;
    for (size_t k = 0; k < group.nodes.size(); ++k) {
        kept += group.kept[k];
        text += (k ? " " : "") + group.nodes[k]->op->name;
    }
    const Deferred& last = *group.nodes.back();
    return cat(text, " -> ", name(last.dtype), to_string({last.shape.data(), size_t(last.shape.size())}),
               kept > 1 ? cat(", ", kept, " results") : "");
}

}  // namespace minpy
