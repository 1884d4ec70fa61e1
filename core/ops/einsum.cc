// einsum: each operand is brought to one axis per label by views, then two at a time are multiplied as matrices.
#include <array>
#include <bitset>

#include "core/autograd/rules.h"
#include "core/ops/axes.h"
#include "core/registry/registry.h"

namespace minpy {
namespace {

DimsView view(const Dims& d) { return {d.data(), size_t(d.size())}; }

// Labels are letters; axes under an ellipsis get the numbers from kEllipsis on, aligned at the right.
constexpr int64_t kEllipsis = 256;

struct Term {
    Array array;
    Dims labels;
    int64_t find(int64_t label) const {
        auto at = std::find(labels.begin(), labels.end(), label);
        return at == labels.end() ? -1 : at - labels.begin();
    }
};

struct Subscripts {
    std::vector<Dims> inputs;  // with the ellipsis as -1
    Dims output;
    bool has_output = false;

    explicit Subscripts(std::string_view text) {
        inputs.emplace_back();
        for (size_t i = 0; i < text.size(); ++i) {
            char c = text[i];
            Dims& now = has_output ? output : inputs.back();
            if (c == ' ') continue;
            if (std::isalpha(static_cast<unsigned char>(c))) {
                now.push_back(c);
            } else if (c == '.') {
                if (text.substr(i, 3) != "...")
                    throw value_error(
                        "einstein sum subscripts string contains a '.' that is not part of an ellipsis ('...')",
                        has_output ? " in the output" : cat(" in operand ", inputs.size() - 1));
                if (std::find(now.begin(), now.end(), -1) != now.end())
                    throw value_error(
                        "einstein sum subscripts string contains a '.' that is not part of an ellipsis ('...')",
                        has_output ? " in the output" : cat(" in operand ", inputs.size() - 1));
                now.push_back(-1);
                i += 2;
            } else if (c == ',' && !has_output) {
                inputs.emplace_back();
            } else if (c == '-' && text.substr(i, 2) == "->" && !has_output) {
                has_output = true;
                ++i;
            } else {
                throw value_error("invalid subscript '", c,
                                  "' in einstein sum subscripts string, subscripts must be letters");
            }
        }
    }
};

// The labels of one operand's axes, the ellipsis spelled out.
Dims spelled(const Dims& given, const Array& a, size_t operand, int64_t& widest) {
    int64_t named = 0, dots = -1;
    for (int64_t i = 0; i < given.size(); ++i) given[i] < 0 ? dots = i : ++named;
    if (named > a.ndim())
        throw value_error("einstein sum subscripts string contains too many subscripts for operand ", operand);
    if (dots < 0 && named < a.ndim())
        throw value_error(
            "operand has more dimensions than subscripts given in einstein sum, but no '...' ellipsis provided to "
            "broadcast the extra dimensions.");
    Dims result;
    for (int64_t label : given) {
        if (label >= 0) {
            result.push_back(label);
            continue;
        }
        int64_t hidden = a.ndim() - named;
        widest = std::max(widest, hidden);
        for (int64_t i = 0; i < hidden; ++i) result.push_back(kEllipsis + hidden - 1 - i);
    }
    return result;
}

// One axis for each label: a diagonal where a label comes twice.
Term one_axis_each(Term t, size_t operand) {
    Dims unique;
    for (int64_t label : t.labels)
        if (std::find(unique.begin(), unique.end(), label) == unique.end()) unique.push_back(label);
    if (unique.size() == t.labels.size()) return t;
    Dims places;
    for (int64_t i = 0; i < t.labels.size(); ++i) {
        int64_t at = std::find(unique.begin(), unique.end(), t.labels[i]) - unique.begin();
        int64_t first = t.find(t.labels[i]);
        if (t.array.dim(first) != t.array.dim(i))
            throw value_error("dimensions in operand ", operand, " for collapsing index '", char(t.labels[i]),
                              "' don't match (", t.array.dim(first), " != ", t.array.dim(i), ")");
        places.push_back(at);
    }
    return {call(MINPY_OP("_diagonals"), t.array, places), unique};
}

Term summed(const Term& t, const Dims& away) {
    Dims axes, labels;
    for (int64_t i = 0; i < t.labels.size(); ++i) {
        bool gone = std::find(away.begin(), away.end(), t.labels[i]) != away.end();
        gone ? axes.push_back(i) : labels.push_back(t.labels[i]);
    }
    if (axes.empty()) return t;
    return {call(MINPY_OP("sum"), t.array, axes, t.array.dtype()), labels};
}

Array ordered(const Term& t, const Dims& labels) {
    Dims order;
    for (int64_t label : labels) order.push_back(t.find(label));
    return std::is_sorted(order.begin(), order.end()) ? t.array : ops::transpose(t.array, order);
}

class Contraction {
public:
    Contraction(std::vector<Term> terms, Dims output) : terms_(std::move(terms)), output_(std::move(output)) {
        for (const Term& t : terms_)
            for (int64_t i = 0; i < t.labels.size(); ++i) {
                int64_t& size = sizes_[size_t(t.labels[i])];
                size = size == 0 && !seen_[size_t(t.labels[i])] ? t.array.dim(i) : size == 1 ? t.array.dim(i) : size;
                if (!seen_[size_t(t.labels[i])]) used_.push_back(size_t(t.labels[i]));
                seen_[size_t(t.labels[i])] = true;
                if (t.array.dim(i) != 1 && t.array.dim(i) != size) mismatch();
            }
    }

    // Up to `most_planned` operands are multiplied in the best order.
    Array run(size_t most_planned) {
        for (Term& t : terms_) t = without_ones(t);
        for (size_t i = 0; i < terms_.size(); ++i) terms_[i] = summed(terms_[i], not_needed(terms_[i].labels, {i}));
        std::vector<unsigned> held(terms_.size());  // which operands each term is the product of
        for (size_t i = 0; i < held.size(); ++i) held[i] = 1u << std::min<size_t>(i, 31);
        std::vector<std::pair<unsigned, unsigned>> plan =
            terms_.size() <= most_planned ? best_plan() : decltype(plan)();
        for (size_t step = 0; terms_.size() > 1; ++step) {
            auto [i, j] = greediest();
            if (!plan.empty()) {
                i = size_t(std::find(held.begin(), held.end(), plan[step].first) - held.begin());
                j = size_t(std::find(held.begin(), held.end(), plan[step].second) - held.begin());
                if (i > j) std::swap(i, j);
            }
            Term product = multiplied(terms_[i], terms_[j], i, j);
            unsigned both = held[i] | held[j];
            for (size_t k : {j, i}) {
                terms_.erase(terms_.begin() + int64_t(k));
                held.erase(held.begin() + int64_t(k));
            }
            terms_.push_back(std::move(product));
            held.push_back(both);
        }
        return finish(terms_.front());
    }

private:
    [[noreturn]] void mismatch() const {
        std::string shapes;
        for (const Term& t : terms_) shapes += cat(" ", to_string(t.array.shape()));
        throw shape_error("operands could not be broadcast together with remapped shapes [original->remapped]:",
                          shapes);
    }

    // An axis of 1 that others stretch says nothing.
    Term without_ones(const Term& t) const {
        Dims labels, shape;
        for (int64_t i = 0; i < t.labels.size(); ++i) {
            if (t.array.dim(i) == 1 && sizes_[size_t(t.labels[i])] != 1) continue;
            labels.push_back(t.labels[i]);
            shape.push_back(t.array.dim(i));
        }
        if (labels.size() == t.labels.size()) return t;
        return {ops::reshape(t.array, shape), labels};
    }

    Dims not_needed(const Dims& labels, std::initializer_list<size_t> inside) const {
        Dims away;
        for (int64_t label : labels) {
            bool needed = std::find(output_.begin(), output_.end(), label) != output_.end();
            for (size_t i = 0; i < terms_.size() && !needed; ++i)
                needed = std::find(inside.begin(), inside.end(), i) == inside.end() && terms_[i].find(label) >= 0;
            if (!needed && std::find(away.begin(), away.end(), label) == away.end()) away.push_back(label);
        }
        return away;
    }

    using Labels = std::bitset<512>;
    Labels labels_of(const Dims& labels) const {
        Labels set;
        for (int64_t label : labels) set.set(size_t(label));
        return set;
    }
    double size_of_all(const Labels& set) const {
        double n = 1;
        for (size_t label : used_)
            if (set[label]) n *= double(sizes_[label]);
        return n;
    }

    // The order of fewest multiplications, over all ways to split the operands in two, and each part again: pairs of
    // sets of operands, one bit for each.
    std::vector<std::pair<unsigned, unsigned>> best_plan() const {
        size_t n = terms_.size();
        unsigned all = (1u << n) - 1;
        std::vector<Labels> inside(all + 1), kept(all + 1);
        for (size_t i = 0; i < n; ++i) inside[1u << i] = labels_of(terms_[i].labels);
        for (unsigned s = 1; s <= all; ++s) inside[s] = inside[s & (s - 1)] | inside[s & -s];
        Labels output = labels_of(output_);
        for (unsigned s = 1; s <= all; ++s) kept[s] = inside[s] & (output | inside[all & ~s]);
        std::vector<double> cost(all + 1, 0);
        std::vector<unsigned> part(all + 1, 0);
        for (unsigned s = 1; s <= all; ++s) {
            if ((s & (s - 1)) == 0) continue;
            for (unsigned a = (s - 1) & s; a > (s & ~a); a = (a - 1) & s) {
                double total = cost[a] + cost[s & ~a] + size_of_all(kept[a] | kept[s & ~a]);
                if (part[s] == 0 || total < cost[s]) cost[s] = total, part[s] = a;
            }
        }
        // From the whole to its parts; done in the opposite order.
        std::vector<std::pair<unsigned, unsigned>> plan;
        std::vector<unsigned> open{all};
        while (!open.empty()) {
            unsigned s = open.back();
            open.pop_back();
            if ((s & (s - 1)) == 0) continue;
            plan.emplace_back(part[s], s & ~part[s]);
            open.push_back(part[s]), open.push_back(s & ~part[s]);
        }
        std::reverse(plan.begin(), plan.end());
        return plan;
    }

    // NumPy's greedy choice: pairs that share a label; the one that leaves the least behind, of equals the cheapest.
    std::pair<size_t, size_t> greediest() const {
        std::pair<size_t, size_t> best{0, 1};
        double most = 0, least = -1;
        for (bool sharing : {true, false}) {
            for (size_t i = 0; terms_.size() > 2 && i < terms_.size(); ++i)
                for (size_t j = i + 1; j < terms_.size(); ++j) {
                    Labels a = labels_of(terms_[i].labels), b = labels_of(terms_[j].labels), result = a | b;
                    if (sharing != (a & b).any()) continue;
                    double cost = size_of_all(result);
                    Dims all = terms_[i].labels;
                    for (int64_t label : terms_[j].labels) all.push_back(label);
                    for (int64_t label : not_needed(all, {i, j})) result.reset(size_t(label));
                    double removed = size_of_all(a) + size_of_all(b) - size_of_all(result);
                    if (least < 0 || removed > most || (removed == most && cost < least))
                        most = removed, least = cost, best = {i, j};
                }
            if (least >= 0) break;
        }
        return best;
    }

    // [both kept, left kept, summed] times [both kept, summed, right kept].
    Term multiplied(const Term& a, const Term& b, size_t i, size_t j) const {
        Dims all = a.labels, batch, left, right, inner;
        for (int64_t label : b.labels)
            if (a.find(label) < 0) all.push_back(label);
        Dims away = not_needed(all, {i, j});
        for (int64_t label : all) {
            bool gone = std::find(away.begin(), away.end(), label) != away.end();
            bool in_a = a.find(label) >= 0, in_b = b.find(label) >= 0;
            (in_a && in_b ? (gone ? inner : batch) : in_a ? left : right).push_back(label);
        }
        auto join = [](std::initializer_list<const Dims*> parts) {
            Dims labels;
            for (const Dims* p : parts)
                for (int64_t label : *p) labels.push_back(label);
            return labels;
        };
        auto size = [&](const Dims& labels) {
            int64_t n = 1;
            for (int64_t label : labels) n *= sizes_[size_t(label)];
            return n;
        };
        auto shape = [&](const Dims& labels) {
            Dims s;
            for (int64_t label : labels) s.push_back(sizes_[size_t(label)]);
            return s;
        };
        Term result{{}, join({&batch, &left, &right})};
        Array x = ordered(a, join({&batch, &left, &inner})), y = ordered(b, join({&batch, &inner, &right}));
        if (inner.empty()) {
            // No sums: element by element, which keeps integers and layouts as they are.
            Dims wide = shape(join({&batch, &left}));
            for (int64_t k = 0; k < right.size(); ++k) wide.push_back(1);
            Dims other = shape(batch);
            for (int64_t k = 0; k < left.size(); ++k) other.push_back(1);
            for (int64_t s : shape(right)) other.push_back(s);
            result.array = ops::reshape(x, wide) * ops::reshape(y, other);
            return result;
        }
        Dims wide = shape(batch), other = wide;
        wide.push_back(size(left)), wide.push_back(size(inner));
        other.push_back(size(inner)), other.push_back(size(right));
        result.array = ops::reshape(ops::matmul(ops::reshape(x, wide), ops::reshape(y, other)), shape(result.labels));
        return result;
    }

    Array finish(const Term& t) const {
        // Labels that only axes of 1 had are back as such.
        Dims present, full;
        for (int64_t label : output_)
            if (t.find(label) >= 0) present.push_back(label);
        Array result = ordered(t, present);
        if (present.size() == output_.size()) return result;
        for (int64_t label : output_) full.push_back(t.find(label) >= 0 ? sizes_[size_t(label)] : 1);
        return ops::reshape(result, full);
    }

    std::vector<Term> terms_;
    Dims output_;
    std::array<int64_t, 512> sizes_{};
    std::array<bool, 512> seen_{};
    std::vector<size_t> used_;  // labels there are
};

void einsum(Call& c) {
    Subscripts s(c.text(0));
    std::span<const Array> operands = c.arrays(1);
    if (operands.empty()) throw value_error("must provide at least an operand to einsum");  // as NumPy
    if (operands.size() < s.inputs.size())  // NumPy says it the wrong way round
        throw value_error("more operands provided to einstein sum function than specified in the subscripts string");
    if (operands.size() > s.inputs.size())
        throw value_error("fewer operands provided to einstein sum function than specified in the subscripts string");
    DType t = c.dtype(2, DType::none);
    if (t == DType::none) t = c.promoted();
    std::vector<Term> terms;
    int64_t widest = 0;
    std::array<int, 256> times{};
    for (size_t i = 0; i < operands.size(); ++i) {
        Term term{ops::astype(operands[i], t), spelled(s.inputs[i], operands[i], i, widest)};
        for (int64_t label : s.inputs[i])
            if (label >= 0) ++times[size_t(label)];
        terms.push_back(one_axis_each(std::move(term), i));
    }
    Dims output, dots;
    for (int64_t i = widest - 1; i >= 0; --i) dots.push_back(kEllipsis + i);
    auto add_dots = [&] {
        for (int64_t label : dots) output.push_back(label);
    };
    if (!s.has_output) {  // what comes once, in alphabetical order
        add_dots();
        for (int64_t label = 0; label < 256; ++label)
            if (times[size_t(label)] == 1) output.push_back(label);
    } else {
        bool has_dots = false;
        for (int64_t label : s.output) {
            if (label < 0) {
                has_dots = true;
                add_dots();
                continue;
            }
            if (std::find(output.begin(), output.end(), label) != output.end())
                throw value_error("einstein sum subscripts string includes output subscript '", char(label),
                                  "' multiple times");
            if (!times[size_t(label)])
                throw value_error("einstein sum subscripts string included output subscript '", char(label),
                                  "' which never appeared in an input");
            output.push_back(label);
        }
        if (!has_dots && widest > 0)
            throw value_error(
                "output has more dimensions than subscripts given in einstein sum, but no '...' ellipsis provided to "
                "broadcast the extra dimensions.");
    }
    // The best order takes time that grows with 3^n: for more than a few operands only where it is asked for.
    constexpr size_t kPlanned = 5, kMostPlanned = 10;
    const minpy_value& optimize = c.args[c.op.param("optimize")];
    bool optimal = optimize.tag == MINPY_V_STRING && string_of(optimize) == "optimal";
    c.out.push_back(Contraction(std::move(terms), std::move(output)).run(optimal ? kMostPlanned : kPlanned));
}

// One axis for each place: the steps of all axes that have it together.
Array diagonals(const Array& a, const Dims& places) {
    Dims shape, strides;
    for (int64_t i = 0; i < a.ndim(); ++i) {
        while (shape.size() <= places[i]) shape.push_back(a.dim(i)), strides.push_back(0);
        strides[places[i]] += a.strides()[size_t(i)];
    }
    return window(a, 0, view(shape), view(strides));
}

Dims checked_places(Dims places, int64_t ndim) {
    bool good = places.size() == ndim;
    int64_t next = 0;
    for (int64_t p : places) good = good && p >= 0 && p <= next && (next = std::max(next, p + 1));
    if (!good) throw value_error("places must name one axis of the result for each axis, in order of their first use");
    return places;
}

}  // namespace

void register_einsum(Registry& r) {
    r.op("einsum(subscripts: str, /, *operands: arrays, dtype: dtype = None, optimize: value = False)")
        .composite([](Call& c) {
            uint32_t flags = thread_state().fp_status;  // NumPy's does not warn
            einsum(c);
            thread_state().fp_status = flags;
        })
        .scalar_result()
        .sample("'ij,jk->ik', f64(2,3), f64(3,4)")
        .sample("'ii', f64(3,3)")
        .sample("'bij,bjk,k->bi', f64(2,3,2), f64(2,2,3), f64(3)")
        .sample("'...i,...i', f64(2,3), f64(3)")
        .doc("Einstein's summation: products of operands summed over the labels that the result does not have.");
    r.op("_diagonals(a, places: ints)")
        .view([](Call& c) {
            Dims places = checked_places(c.ints(1), c.in[0].ndim());
            return diagonals(c.in[0], places);
        })
        .linear([](Reverse& c) { c.set(0, call(MINPY_OP("_from_diagonals"), c.g(), c.in_shape(0), c.arg(1))); })
        .sample("f64(3,2,3), (0,1,0)")
        .doc("A view with one axis for each place; axes of one place run together.");
    r.op("_from_diagonals(g, shape: ints, places: ints)")
        .infer([](Call& c) {
            Dims shape = c.ints(1);
            checked_places(c.ints(2), shape.size());
            c.output(view(shape), c.in[0].dtype());
        })
        .kernel([](Call& c) {
            copy_into(c.out[0], zeros(DimsView{}, c.out[0].dtype()));
            copy_into(diagonals(c.out[0], c.ints(2)), c.in[0]);
        })
        .linear([](Reverse& c) { c.set(0, call(MINPY_OP("_diagonals"), c.g(), c.arg(2))); })
        .sample("f64(3,2), (3,2,3), (0,1,0)")
        .doc("The transpose of _diagonals: zeros with the elements on their diagonals.");
}

}  // namespace minpy
