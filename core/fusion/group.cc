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

void choose_kept(Group& group) {
    std::vector<int64_t> inside(group.nodes.size());
    for (const Deferred* d : group.nodes)
        for (const Deferred::Input& in : d->inputs)
            if (const Deferred* p = in.array.storage().producer) ++inside[size_t(p->place)];
    group.kept.assign(group.nodes.size(), false);
    for (size_t k = 0; k < group.nodes.size(); ++k)
        group.kept[k] = group.nodes[k]->target->refs.load(std::memory_order_acquire) > inside[k];
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
