// Operators: finding, describing, calling; the dispatch report.
#include "capi/src/boundary.h"
#include "core/registry/dispatch.h"
#include "core/registry/recorder.h"
#include "core/registry/statistics.h"

namespace minpy {

// Options that say nothing but where the one result goes.
static bool only_out(const minpy_call_options& o) {
    return o.struct_size == sizeof o && !o.flags && !o.context && o.n_out == 1 && o.out && o.out[0] && !o.where &&
           !o.dtype && (!o.casting || o.casting == MINPY_CASTING_SAME_KIND) && (!o.order || o.order == 'K');
}

CallOptions options_from(const minpy_call_options* given, Arrays& out_storage) {
    CallOptions options;
    if (!given) return options;
    minpy_call_options o = read_struct(given, offsetof(minpy_call_options, context), "options");
    options.context = reinterpret_cast<Context*>(o.context);
    options.last_use = o.flags & MINPY_CALL_LAST_USE;
    options.given_up = o.flags & 0xffff;
    if (o.n_out < 0) throw value_error("options: n_out is negative");
    if (o.n_out) need(o.out, "options.out");
    for (int32_t i = 0; i < o.n_out; ++i) out_storage.push_back(o.out[i] ? share(o.out[i], "out") : Array());
    options.out = {out_storage.data(), size_t(out_storage.size())};
    if (o.casting < 0 || o.casting > MINPY_CASTING_UNSAFE)
        throw value_error("casting must be one of 'no', 'equiv', 'safe', 'same_kind', 'unsafe'");
    if (o.casting) options.casting = Casting(o.casting);
    if (o.where) {
        options.where = share(o.where, "where");
        if (options.where.dtype() != DType::boolean)
            throw type_error("Cannot cast array data from dtype('", name(options.where.dtype()),
                             "') to dtype('bool') according to the rule 'safe'")
                .in_argument("where");
    }
    if (o.dtype) options.dtype = checked_dtype(o.dtype);
    if (o.order) {
        if (o.order != 'K' && o.order != 'A' && o.order != 'C' && o.order != 'F')
            throw value_error("order must be one of 'C', 'F', 'A', or 'K'");
        options.order = char(o.order);
    }
    return options;
}

}  // namespace minpy

using namespace minpy;

minpy_status minpy_op_find(const char* name, minpy_op* out) {
    return guard([&] {
        need(name, "name");
        need(out, "out");
        *out = handle(&find_op(name));
    });
}

const char* minpy_op_name(minpy_op op) { return op ? reinterpret_cast<const Op*>(op)->name.c_str() : ""; }

minpy_status minpy_op_list(minpy_buffer* out) {
    return guard([&] {
        need(out, "out");
        Registry& r = Registry::get();
        std::string text = "[";
        for (const Op* op : r.all()) text += (text.size() > 1 ? ",\n" : "\n") + r.to_json(*op);
        *out = make_buffer(text + "\n]\n");
    });
}

minpy_status minpy_op_schema(minpy_op op, minpy_buffer* out) {
    return guard([&] {
        need(out, "out");
        *out = make_buffer(Registry::get().to_json(deref<Op>(op, "op")));
    });
}

minpy_status minpy_op_get_info(minpy_op handle_of, minpy_op_info* io) {
    return guard([&] {
        const Op& op = deref<Op>(handle_of, "op");
        minpy_op_info info{};
        auto set = [&](bool on, uint32_t flag) { info.flags |= on ? flag : 0; };
        set(op.elementwise, MINPY_OP_ELEMENTWISE);
        set(op.scalar_result, MINPY_OP_SCALAR_RESULT);
        set(op.view != nullptr, MINPY_OP_VIEW);
        set(op.gradient != Op::Gradient::none && op.gradient != Op::Gradient::not_differentiable &&
                op.gradient != Op::Gradient::missing,
            MINPY_OP_DIFFERENTIABLE);
        set(op.composite != nullptr, MINPY_OP_COMPOSITE);
        set(op.random, MINPY_OP_RANDOM);
        set(op.list_result, MINPY_OP_LIST_RESULT);
        info.n_params = int32_t(op.params.size());
        info.n_inputs = op.n_in;
        info.n_outputs = op.n_outputs;
        info.name = op.name.c_str();
        info.signature = op.signature.c_str();
        info.doc = op.doc.c_str();
        write_struct(io, info, "io");
    });
}

minpy_status minpy_op_param(minpy_op handle_of, int32_t i, minpy_param_info* io) {
    return guard([&] {
        const Op& op = deref<Op>(handle_of, "op");
        if (i < 0 || size_t(i) >= op.params.size()) throw index_error("parameter ", i, " of ", op.params.size());
        const Param& p = op.params[size_t(i)];
        minpy_param_info info{};
        info.kind = int32_t(p.kind);
        info.flags = (p.optional ? uint32_t(MINPY_PARAM_OPTIONAL) : 0) |
                     (p.has_default ? uint32_t(MINPY_PARAM_HAS_DEFAULT) : 0) |
                     (p.positional_only ? uint32_t(MINPY_PARAM_POSITIONAL_ONLY) : 0) |
                     (p.keyword_only ? uint32_t(MINPY_PARAM_KEYWORD_ONLY) : 0);
        info.name = p.name.c_str();
        info.value = p.has_default ? p.default_value[0] : none_value();
        write_struct(io, info, "io");
    });
}

static void check_given_up(ValuesView args, uint32_t given_up) {
    for (size_t i = 0; i < 16; ++i) {
        if (!(given_up >> i & 1)) continue;
        if (i >= args.size() || args[i].tag != MINPY_V_ARRAY || !args[i].v.p)
            throw value_error("options: argument ", i, " is given up, and no array");
        for (size_t k = 0; k < i; ++k)
            if (given_up >> k & 1 && args[k].v.p == args[i].v.p)
                throw value_error("options: arguments ", k, " and ", i, " are given up, and the same handle");
    }
}

// All that a call may need: apart from the short way, whose frame it would enlarge.
[[gnu::noinline]] static void invoke_in_full(const Op& row, ValuesView args, const minpy_call_options* given,
                                             minpy_value* results, int32_t* n_results) {
    Arrays out_storage;
    CallOptions options = options_from(given, out_storage);
    if (options.given_up) check_given_up(args, options.given_up);
    Context& context = options.context ? *options.context : Context::current();
    Arrays out = invoke(row, args, options);
    if (out.size() > *n_results) {
        int32_t room = std::exchange(*n_results, int32_t(out.size()));
        throw value_error("room for ", room, " results, there are ", out.size()).in_argument("n_results");
    }
    for (int64_t i = 0; i < out.size(); ++i)
        results[i] = pointer_value(MINPY_V_ARRAY, give(std::move(out[i]), context), 0);
    *n_results = int32_t(out.size());
    for (size_t i = 0; i < args.size() && options.given_up >> i; ++i)
        if (options.given_up >> i & 1) minpy_array_release(reinterpret_cast<minpy_array>(array_of(args[i])));
}

[[noreturn, gnu::cold]] static void too_little_room(const Op& row, int32_t* n_results) {
    int32_t room = std::exchange(*n_results, row.n_outputs);
    throw value_error("room for ", room, " results, ", row.name, " has ", row.n_outputs).in_argument("n_results");
}

minpy_status minpy_invoke(minpy_op op, const minpy_value* args, int32_t n_args, const minpy_call_options* given,
                          minpy_value* results, int32_t* n_results) {
    return guard([&] {
        need(n_results, "n_results");
        const Op& row = deref<Op>(op, "op");
        if (n_args < 0) throw value_error("a negative number of arguments");
        if (n_args) need(args, "args");
        if (row.n_outputs > *n_results) too_little_room(row, n_results);
        if (*n_results > 0) need(results, "results");
#ifndef NDEBUG
        for (int32_t i = 0; i < n_args; ++i)
            if (args[i].tag == MINPY_V_ARRAY && args[i].v.p) check_alive(array_of(args[i]), "args");
#endif
        ValuesView values(args, size_t(n_args));
        if (*n_results > 0 && (!given || only_out(*given))) {
            Context& context = Context::current();
            if (Array out = given ? invoke_into(row, values, context, body(given->out[0]))
                                  : invoke_short(row, values, context)) {
                results[0] = pointer_value(MINPY_V_ARRAY, give(std::move(out), context), 0);
                *n_results = 1;
                return;
            }
        }
        invoke_in_full(row, values, given, results, n_results);
    });
}

void minpy_values_release(minpy_value* v, int32_t n) {
    for (int32_t i = 0; v && i < n; ++i) {
        if (v[i].tag == MINPY_V_ARRAY) minpy_array_release(reinterpret_cast<minpy_array>(array_of(v[i])));
        if (v[i].tag == MINPY_V_SCALAR && v[i].len == MINPY_COMPLEX128) delete[] static_cast<const char*>(v[i].v.p);
        v[i] = none_value();
    }
}

minpy_status minpy_dispatch_report(minpy_buffer* out) {
    return guard([&] {
        need(out, "out");
        *out = make_buffer(dispatch_report());
    });
}

void minpy_dispatch_reset(void) {
    guard([] { reset_dispatch(); });
}

minpy_status minpy_dispatch_count(const char* op, const char* reason, uint64_t bytes, uint64_t nanoseconds,
                                  const char* site) {
    return guard([&] {
        need(op, "op");
        need(reason, "reason");
        Context& c = Context::current();
        if (Recorder* r = recorder()) r->abandon(cat(op, " runs in NumPy"));
        if (site) thread_state().site = site;
        count_fallback(op, c.device, reason, bytes, nanoseconds, c.fallback);
    });
}

void minpy_dispatch_site(const char* site) {
    guard([&] { thread_state().site = site ? site : ""; });
}
