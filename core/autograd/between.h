// The nodes between the ends of a sweep. Nodes are numbered in order of recording, so what is older than every target is
// never visited.
#pragma once
#include <vector>

#include "core/autograd/node.h"

namespace minpy {

struct ThreadState;

// Nodes to numbers: open addressing, no allocation per entry.
class NodeIndex {
public:
    int32_t* find(const Node* n);
    void insert(const Node* n, int32_t value);  // which is not there yet

private:
    struct Slot {
        const Node* node = nullptr;
        int32_t value = 0;
    };
    size_t place(const Node* n) const {
        return (reinterpret_cast<uintptr_t>(n) * 0x9e3779b97f4a7c15ull >> 20) & (slots_.size() - 1);
    }
    void grow();
    std::vector<Slot> slots_;
    size_t size_ = 0;
};

class Between {
public:
    struct Entry {
        Entry(Node* node, bool target) : node(node), target(target) {}
        Node* node;
        bool target;
        int32_t n_heads = 0, n_holders = 0;  // how often it is a head, and by how many arrays
        NodeRef held;                        // while consumers that were freed would have held it
        Array first;                         // what arrives for its results: at most one, or the others
        std::vector<Array> more;

        Array& slot(int32_t output) {
            if (node->n_out == 1) return first;
            if (more.empty()) more.resize(size_t(node->n_out));
            return more[size_t(output)];
        }
        std::span<Array> slots() {
            return node->n_out == 1 ? std::span<Array>(&first, 1) : std::span<Array>(more.data(), more.size());
        }
        void clear() {
            first = {};
            more.clear();
        }
    };

    Between(std::span<const Traced> heads, std::span<const Traced> targets);
    ~Between();
    Between(const Between&) = delete;

    std::vector<Entry> nodes;  // oldest first
    // The entry of a node, null for one that is not between.
    Entry* find(const Node* n) {
        int32_t at = n ? place_of(n) : kUnknown;
        return at >= 0 ? &nodes[size_t(at)] : nullptr;
    }
    Array get(const Traced& t) {
        Entry* e = find(t.node.get());
        if (!e) return {};
        std::span<Array> slots = e->slots();
        return size_t(t.output) < slots.size() ? slots[size_t(t.output)] : Array();
    }

private:
    static constexpr int32_t kUnknown = -1, kSeen = -2, kTarget = -3;
    // In the node itself, where this thread recorded it and has no other sweep going on.
    bool inside(const Node* n) const { return n->recorder == thread_; }
    int32_t place_of(const Node* n) {
        if (inside(n)) return n->sweep == number_ ? n->place : kUnknown;
        int32_t* found = index_.find(n);
        return found ? *found : kUnknown;
    }
    void set_place(Node* n, int32_t at);
    void leave() noexcept;

    std::span<const Traced> heads_;
    size_t n_entered_ = 0;
    ThreadState* thread_ = nullptr;  // null: another sweep of it is going on
    uint64_t number_;
    NodeIndex index_;
};

}  // namespace minpy
