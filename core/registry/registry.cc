#include "core/registry/registry.h"

#include "core/io/json.h"
#include "core/registry/schema.h"

namespace minpy {

int Op::param(const char* wanted) const {
    for (size_t i = 0; i < params.size(); ++i)
        if (params[i].name == wanted) return int(i);
    return -1;
}

Registry& Registry::get() {
    static Registry* r = [] {
        auto* fresh = new Registry;
        register_families(*fresh);
        for (auto& op : fresh->ops_)
            for (SlopeStep& step : op->slope) step.op = fresh->find(step.name);
        return fresh;
    }();
    return *r;
}

std::unique_ptr<Op> Registry::parsed(const char* signature) const {
    auto op = std::make_unique<Op>();
    parse_signature(signature, *op);
    op->family = family_;
    return op;
}

void Registry::check_free(const Op& row) const {
    if (find(row.name)) throw value_error("an operator '", row.name, "' exists already");
}

Op& Registry::insert(std::unique_ptr<Op> row) {
    std::lock_guard lock(mutex_);
    if (by_name_.count(row->name)) throw value_error("an operator '", row->name, "' exists already");
    row->index = int32_t(ops_.size());
    ops_.push_back(std::move(row));
    return *(by_name_[ops_.back()->name] = ops_.back().get());
}

RowBuilder Registry::op(const char* signature) { return RowBuilder(insert(parsed(signature))); }

RowBuilder Registry::elementwise(const char* signature, const char* functor) {
    RowBuilder row = op(signature);
    Op& o = row.op();
    o.elementwise = true;
    o.scalar_result = true;
    o.functor = functor;
    o.n_in = int(o.params.size());
    const LoopLevel& level = loop_level();
    for (int64_t t = 0; t < level.n_tables; ++t) {
        for (int64_t i = 0; i < level.tables[t]->size; ++i) {
            const Loop& loop = level.tables[t]->loops[i];
            if (o.functor != loop.functor || loop.n_in != o.n_in) continue;
            o.fixed = loop.fixed;
            int free = 0;
            while (loop.fixed >> free & 1) ++free;
            DType operand = loop.types[free];
            if (!loop.fixed && loop.n_in == 2 && loop.types[1] != operand) {
                o.mixed.push_back(&loop);
                continue;
            }
            o.loops[int(operand)] = &loop;
            o.loop_types |= bit(operand);
        }
    }
    if (!o.loop_types) throw value_error("operator ", o.name, ": no loop of the functor ", functor);
    // Short floats go through float32.
    if (o.loop_types & bit(DType::float32)) o.loop_types |= kShortFloat;
    return row;
}

void Registry::alias(const char* alias_name, const char* of) {
    std::lock_guard lock(mutex_);
    by_name_[alias_name] = by_name_.at(of);
}

const Op* Registry::find(std::string_view wanted) const {
    std::lock_guard lock(mutex_);
    auto it = by_name_.find(std::string(wanted));
    return it == by_name_.end() ? nullptr : it->second;
}

std::vector<const Op*> Registry::all() const {
    std::lock_guard lock(mutex_);
    std::vector<const Op*> result;
    for (const auto& op : ops_) result.push_back(op.get());
    return result;
}

namespace {

int distance(std::string_view a, std::string_view b) {
    std::vector<int> row(b.size() + 1);
    for (size_t j = 0; j <= b.size(); ++j) row[j] = int(j);
    for (size_t i = 1; i <= a.size(); ++i) {
        int diagonal = row[0];
        row[0] = int(i);
        for (size_t j = 1; j <= b.size(); ++j) {
            int above = row[j];
            row[j] = std::min({row[j] + 1, row[j - 1] + 1, diagonal + (a[i - 1] != b[j - 1])});
            diagonal = above;
        }
    }
    return row[b.size()];
}

}  // namespace

std::string Registry::close_to(std::string_view wanted) const {
    std::lock_guard lock(mutex_);
    std::string best;
    int least = int(wanted.size()) / 2 + 1;
    for (const auto& [each, op] : by_name_) {
        int d = distance(wanted, each);
        if (d < least) {
            least = d;
            best = each;
        }
    }
    return best;
}

const Op& find_op(std::string_view wanted) {
    Registry& r = Registry::get();
    if (const Op* op = r.find(wanted)) return *op;
    std::string close = r.close_to(wanted);
    throw Error(MINPY_E_NOTFOUND, "AttributeError",
                cat("no operator '", wanted, "'", close.empty() ? "" : cat("; did you mean '", close, "'?")));
}

std::string Registry::to_json(const Op& op) const {
    Json params = Json::array();
    for (const Param& p : op.params) {
        Json row = Json::object({{"name", p.name}, {"kind", minpy::name(p.kind)}, {"optional", p.optional}});
        if (p.has_default) row.set("default", Json::parse(minpy::to_json(p.default_value[0])));
        row.set("positional_only", p.positional_only);
        row.set("keyword_only", p.keyword_only);
        params.push_back(std::move(row));
    }
    Json flags = Json::array();
    if (op.elementwise) flags.push_back("elementwise");
    if (op.scalar_result) flags.push_back("scalar_result");
    if (op.view) flags.push_back("view");
    if (op.composite) flags.push_back("composite");
    if (op.random) flags.push_back("random");
    if (op.list_result) flags.push_back("list_result");
    constexpr const char* gradients[] = {"missing", "partial",           "linear", "reverse", "composite",
                                         "none",    "not_differentiable"};
    Json row = Json::object({{"name", op.name},
                             {"signature", op.signature},
                             {"doc", op.doc},
                             {"family", op.family},
                             {"flags", flags},
                             {"n_outputs", op.n_outputs},
                             {"params", params},
                             {"gradient", gradients[int(op.gradient)]},
                             {"sample", Json::array_of(op.samples)},
                             {"domain", op.domain}});
    if (!op.why_not.empty()) row.set("why_not", op.why_not);
    if (op.c_function) row.set("c_function", op.c_params);
    if (op.elementwise) {
        Json types = Json::array();
        for (int i = 1; i < kNumDTypes; ++i)
            if (in(DType(i), op.loop_types)) types.push_back(minpy::name(DType(i)));
        row.set("types", types);
    }
    return row.dump();
}

}  // namespace minpy
