// Errors: the thread's record, and objects that carry one away.
#include "capi/src/boundary.h"

namespace minpy {
namespace {

std::string full_text(const Error& e) {
    std::string text = e.op.empty() ? e.text : e.op + ": " + e.text;
    if (!e.argument.empty()) text += cat(" (argument ", e.argument, ")");
    if (!e.operands.empty()) text += " [" + e.operands + "]";
    return text;
}

}  // namespace

void store_error(const Error& e) noexcept {
    try {
        ThreadState& t = thread_state();
        t.error = std::make_unique<Error>(e);
        t.error_message = full_text(e);
        t.out_of_memory = false;
    } catch (...) { store_out_of_memory(); }
}

void store_out_of_memory() noexcept {
    if (ThreadState* t = tls_state) {
        t->error.reset();
        t->out_of_memory = true;
    }
}

minpy_status store_current_exception() noexcept {
    try {
        throw;
    } catch (const Error& e) {
        store_error(e);
        return e.code;
    } catch (const OutOfMemory& e) {
        try {
            store_error(Error(MINPY_E_NOMEM, "MemoryError", cat("Unable to allocate ", e.bytes, " bytes")));
        } catch (...) { store_out_of_memory(); }
        return MINPY_E_NOMEM;
    } catch (const std::bad_alloc&) {
        store_out_of_memory();
        return MINPY_E_NOMEM;
    } catch (const std::exception& e) {
        try {
            store_error(Error(MINPY_E_UNKNOWN, "RuntimeError", e.what()));
        } catch (...) { store_out_of_memory(); }
        return MINPY_E_UNKNOWN;
    } catch (...) {
        store_out_of_memory();
        return MINPY_E_UNKNOWN;
    }
}

}  // namespace minpy

using namespace minpy;

const char* minpy_last_error_message(void) {
    ThreadState* t = tls_state;
    if (!t) return "";
    if (t->out_of_memory) return "out of memory";
    return t->error ? t->error_message.c_str() : "";
}

minpy_status minpy_error_take(minpy_error* out) {
    if (!out) return MINPY_E_INVALID;
    ThreadState* t = tls_state;
    if (!t || (!t->error && !t->out_of_memory)) return MINPY_E_NOTFOUND;
    try {
        auto* e = new minpy_error_s;
        if (t->error) {
            e->code = t->error->code;
            e->message = t->error->text;
            e->op = t->error->op;
            e->argument = t->error->argument;
            e->kind = t->error->kind;
            e->full = t->error_message;
        } else {
            e->code = MINPY_E_NOMEM;
            e->message = e->full = "out of memory";
            e->kind = "MemoryError";
        }
        t->error.reset();
        t->out_of_memory = false;
        *out = e;
        return MINPY_OK;
    } catch (...) { return MINPY_E_NOMEM; }
}

minpy_status minpy_error_code(minpy_error e) { return e ? e->code : MINPY_OK; }

const char* minpy_error_text(minpy_error e, int32_t what) {
    if (!e) return "";
    switch (what) {
        case MINPY_ERROR_MESSAGE: return e->message.c_str();
        case MINPY_ERROR_OP: return e->op.c_str();
        case MINPY_ERROR_ARGUMENT: return e->argument.c_str();
        case MINPY_ERROR_KIND: return e->kind.c_str();
        case MINPY_ERROR_FULL: return e->full.c_str();
        default: return "";
    }
}

void minpy_error_release(minpy_error e) {
    if (e) e->release();
}

minpy_status minpy_error_set(minpy_status code, const char* kind, const char* message) {
    if (code == MINPY_OK) code = MINPY_E_CALLBACK;
    try {
        store_error(Error(code, kind ? kind : "RuntimeError", message ? message : ""));
    } catch (...) { store_out_of_memory(); }
    return code;
}

const char* minpy_buffer_data(minpy_buffer b, uint64_t* size) {
    if (size) *size = b ? b->bytes.size() : 0;
    return b ? b->bytes.c_str() : "";
}

void minpy_buffer_release(minpy_buffer b) {
    if (b) b->release();
}
