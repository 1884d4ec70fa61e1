#include "core/autograd/between.h"

#include <algorithm>

#include "core/registry/thread_state.h"

namespace minpy {

int32_t* NodeIndex::find(const Node* n) {
    if (slots_.empty()) return nullptr;
    for (size_t i = place(n);; i = (i + 1) & (slots_.size() - 1)) {
        if (slots_[i].node == n) return &slots_[i].value;
        if (!slots_[i].node) return nullptr;
    }
}

void NodeIndex::insert(const Node* n, int32_t value) {
    if (2 * (size_ + 1) > slots_.size()) grow();
    size_t i = place(n);
    while (slots_[i].node) i = (i + 1) & (slots_.size() - 1);
    slots_[i] = {n, value};
    ++size_;
}

void NodeIndex::grow() {
    std::vector<Slot> old(std::max<size_t>(64, 2 * slots_.size()));
    old.swap(slots_);
    size_ = 0;
    for (const Slot& s : old)
        if (s.node) insert(s.node, s.value);
}

void Between::set_place(Node* n, int32_t at) {
    if (inside(n)) {
        n->sweep = number_;
        n->place = at;
    } else if (int32_t* found = index_.find(n)) {
        *found = at;
    } else {
        index_.insert(n, at);
    }
}

constexpr size_t kUsual = 64;  // nodes for which there is room at once

Between::Between(std::span<const Traced> heads, std::span<const Traced> targets) : heads_(heads) {
    static std::atomic<uint64_t> sweeps{0};
    number_ = sweeps.fetch_add(1, std::memory_order_relaxed) + 1;
    ThreadState& t = thread_state();
    if (!t.sweeping) {
        t.sweeping = true;
        thread_ = &t;
    }
    try {
        for (; n_entered_ < heads.size(); ++n_entered_)
            if (Node* n = heads[n_entered_].node.get()) n->enter_sweep();
        uint64_t oldest = UINT64_MAX;
        for (const Traced& t : targets) {
            if (!t.node) continue;
            oldest = std::min(oldest, t.node->sequence);
            set_place(t.node.get(), kTarget);
        }
        std::vector<std::pair<Node*, bool>> found;
        std::vector<Node*> stack;
        found.reserve(kUsual), stack.reserve(kUsual);
        auto visit = [&](Node* n) {
            if (!n || n->sequence < oldest) return;
            int32_t at = place_of(n);
            if (at == kSeen || at >= 0) return;
            // Whether a target is behind it is not known any more.
            if (n->is_freed() && (at != kTarget || n->sequence > oldest)) throw_freed(*n);
            found.push_back({n, at == kTarget});
            set_place(n, kSeen);
            stack.push_back(n);
        };
        for (const Traced& t : heads) visit(t.node.get());
        while (!stack.empty()) {
            Node* n = stack.back();
            stack.pop_back();
            for (const Traced& e : n->edges()) visit(e.node.get());
        }
        auto newer = [](const auto& a, const auto& b) { return a.first->sequence > b.first->sequence; };
        if (!std::is_sorted(found.begin(), found.end(), newer)) std::sort(found.begin(), found.end(), newer);
        // Keep those from which a target can be reached.
        nodes.reserve(found.size());
        for (auto it = found.rbegin(); it != found.rend(); ++it) {
            auto [n, target] = *it;
            bool reaches = target;
            for (const Traced& e : n->edges()) reaches = reaches || find(e.node.get());
            if (!reaches) continue;
            set_place(n, int32_t(nodes.size()));
            nodes.emplace_back(n, target);
        }
    } catch (...) {
        leave();
        throw;
    }
}

Between::~Between() { leave(); }

void Between::leave() noexcept {
    while (n_entered_ > 0)
        if (Node* n = heads_[--n_entered_].node.get()) n->leave_sweep();
    if (thread_) thread_->sweeping = false;
}

}  // namespace minpy
