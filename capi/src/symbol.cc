// Symbols: expression graphs.
#include "capi/src/boundary.h"

using namespace minpy;

namespace {
minpy_status later() {
    return guard([] { throw unsupported("symbols are not here yet"); });
}
}  // namespace

minpy_status minpy_symbol_variable(const char*, const char*, minpy_symbol*) { return later(); }
minpy_status minpy_symbol_apply(const char*, const char*, const minpy_symbol*, const char* const*, int32_t, const char*,
                                minpy_symbol*) { return later(); }
minpy_status minpy_symbol_group(const minpy_symbol*, int32_t, minpy_symbol*) { return later(); }
minpy_status minpy_symbol_output(minpy_symbol, int32_t, minpy_symbol*) { return later(); }
minpy_status minpy_symbol_internals(minpy_symbol, minpy_symbol*) { return later(); }
minpy_status minpy_symbol_list(minpy_symbol, minpy_buffer*) { return later(); }
minpy_status minpy_symbol_infer(minpy_symbol, const char*, minpy_buffer*) { return later(); }
minpy_status minpy_symbol_save(minpy_symbol, minpy_buffer*) { return later(); }
minpy_status minpy_symbol_load(const char*, uint64_t, minpy_symbol*) { return later(); }
const char* minpy_symbol_name(minpy_symbol) { return ""; }
minpy_symbol minpy_symbol_retain(minpy_symbol s) { return s; }
void minpy_symbol_release(minpy_symbol) {}
minpy_status minpy_function_from_symbol(minpy_symbol, const char* const*, int32_t, minpy_function*) { return later(); }
