// Every allocation fails once, and from then on: each call says MINPY_E_NOMEM or succeeds, nothing leaks, nothing is half
// done, nothing ends the process. malloc and its kin are this program's: armed, they refuse the n-th request.
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cmath>
#include <cstdlib>
#include <functional>

#include "tests/capi/support.h"

namespace {
// Counts down while armed; refuses at zero, and from zero on when `onwards`.
__thread int64_t t_left __attribute__((tls_model("initial-exec"))) = -1;
__thread bool t_armed __attribute__((tls_model("initial-exec"))) = false;
__thread bool t_onwards __attribute__((tls_model("initial-exec"))) = false;
__thread bool t_refused __attribute__((tls_model("initial-exec"))) = false;

bool refuse() {
    if (!t_armed) return false;
    if (t_left > 0) {
        --t_left;
        return false;
    }
    if (t_left < 0) return false;
    t_refused = true;
    if (!t_onwards) t_left = -1;
    errno = ENOMEM;
    return true;
}
}  // namespace

extern "C" {
// NOLINTBEGIN(bugprone-reserved-identifier): the C library's own names
void* __libc_malloc(size_t);
void* __libc_calloc(size_t, size_t);
void* __libc_realloc(void*, size_t);
void* __libc_memalign(size_t, size_t);
// NOLINTEND(bugprone-reserved-identifier)
void* malloc(size_t n) { return refuse() ? nullptr : __libc_malloc(n); }
void* calloc(size_t n, size_t m) { return refuse() ? nullptr : __libc_calloc(n, m); }
void* realloc(void* p, size_t n) { return refuse() ? nullptr : __libc_realloc(p, n); }
void* aligned_alloc(size_t a, size_t n) { return refuse() ? nullptr : __libc_memalign(a, n); }
void* memalign(size_t a, size_t n) { return refuse() ? nullptr : __libc_memalign(a, n); }
int posix_memalign(void** out, size_t a, size_t n) {
    void* p = refuse() ? nullptr : __libc_memalign(a, n);
    if (!p) return ENOMEM;
    *out = p;
    return 0;
}
// Large blocks are mapped.
void* mmap(void* at, size_t n, int protection, int flags, int file, off_t offset) noexcept {
    if ((flags & MAP_ANONYMOUS) && n >= 1 << 20 && refuse()) return MAP_FAILED;
    return reinterpret_cast<void*>(syscall(SYS_mmap, at, n, protection, flags, file, offset));
}
}

namespace {

// Runs `body` with the n-th allocation refused, for every n until it runs through.
void with_every_failure(const char* what, const std::function<minpy_status()>& body) {
    ASSERT_EQ(body(), MINPY_OK) << what << ": " << last_error();  // what is made once is made
    Live before = live();
    for (bool onwards : {false, true}) {
        int failures = 0;
        for (int64_t n = 0;; ++n) {
            ASSERT_LT(n, 20000) << what;
            minpy_memory_trim(kHost, 0);  // blocks from the lists would hide allocations
            t_left = n;
            t_onwards = onwards;
            t_refused = false;
            t_armed = true;
            minpy_status status = body();
            t_armed = false;
            if (!t_refused) {
                EXPECT_EQ(status, MINPY_OK);
                break;
            }
            ++failures;
            // Refused memory may go unnoticed where something is only a cache or a record.
            EXPECT_TRUE(status == MINPY_OK || status == MINPY_E_NOMEM)
                << what << ", allocation " << n << ": status " << status << ", " << last_error();
            ASSERT_EQ(live(), before) << what << ", allocation " << n << (onwards ? " onwards" : "");
        }
        EXPECT_GT(failures, 0) << what << " allocates nothing: the test is blind";
    }
}

// Releases what it holds, whatever happened; allocates nothing itself.
struct Held {
    minpy_array arrays[32] = {};
    int n = 0;
    ~Held() { minpy_arrays_release(arrays, n); }
    minpy_array* room() { return &arrays[n++]; }
};
#define TRY(expression)                                \
    do {                                               \
        if (minpy_status s_ = (expression)) return s_; \
    } while (0)

std::vector<double> g_data(4096, 0.5);
int64_t g_shape[] = {64, 64};
minpy_status make_into(Held& h, minpy_array& out) {
    minpy_array* room = h.room();
    TRY(minpy_array_from_host(g_data.data(), g_shape, nullptr, 2, MINPY_FLOAT64, kHost, room));
    out = *room;
    return MINPY_OK;
}
minpy_status call_into(Held& h, const char* name, std::initializer_list<minpy_value> args, minpy_array& out) {
    minpy_op op;
    TRY(minpy_op_find(name, &op));
    minpy_value r;
    int32_t n = 1;
    TRY(minpy_invoke(op, args.begin(), int32_t(args.size()), nullptr, &r, &n));
    out = static_cast<minpy_array>(const_cast<void*>(r.v.p));
    *h.room() = out;
    return MINPY_OK;
}

TEST(EveryAllocationFails, InElementwiseCallsAndProducts) {
    with_every_failure("arithmetic", [] {
        Held h;
        minpy_array a, b;
        TRY(make_into(h, a));
        TRY(call_into(h, "add", {value(a), value(a)}, b));
        TRY(call_into(h, "exp", {value(b)}, b));
        TRY(call_into(h, "matmul", {value(a), value(b)}, b));
        TRY(call_into(h, "transpose", {value(b)}, b));
        TRY(call_into(h, "multiply", {value(a), value(b)}, b));
        return call_into(h, "sum", {value(b), value(int64_t(0))}, b);
    });
}

TEST(EveryAllocationFails, InGroupsOfDeferredCallsWhichCanBeReadLater) {
    with_every_failure("groups", [] {
        Held h;
        minpy_array x, y, z;
        TRY(call_into(h, "full", {value(int64_t(100000)), value(int64_t(2))}, x));
        TRY(call_into(h, "multiply", {value(x), value(x)}, y));
        TRY(call_into(h, "exp", {value(y)}, z));
        TRY(call_into(h, "subtract", {value(z), value(y)}, z));
        void *got, *operand;
        minpy_status status = minpy_array_data(z, &got);
        if (status) {  // once there is memory, nothing is lost
            t_armed = false;
            EXPECT_EQ(minpy_array_data(z, &got), MINPY_OK);
        }
        TRY(minpy_array_data(y, &operand));
        EXPECT_EQ(*static_cast<int64_t*>(operand), 4);
        EXPECT_NEAR(static_cast<double*>(got)[99999], std::exp(4.0) - 4, 1e-13);
        return status;
    });
}

TEST(EveryAllocationFails, InWritesAtTheEndOfGroupsWhichLeaveWhatIsWrittenAsItWas) {
    for (uint32_t flags : {0u, uint32_t(MINPY_CALL_LAST_USE)})
        with_every_failure("a write", [flags] {
            Held h;
            minpy_array x, y;
            TRY(call_into(h, "full", {value(int64_t(200000)), value(int64_t(2))}, x));
            TRY(call_into(h, "multiply", {value(x), value(x)}, y));
            void* data;
            TRY(minpy_array_data(x, &data));
            minpy_op op;
            TRY(minpy_op_find("add", &op));
            minpy_call_options options = MINPY_CALL_OPTIONS_INIT;
            options.flags = flags;
            options.out = &x;
            options.n_out = 1;
            minpy_value args[] = {value(x), value(y)}, result;
            int32_t n = 1;
            minpy_status status = minpy_invoke(op, args, 2, &options, &result, &n);
            int64_t expected = status ? 2 : 6;
            EXPECT_EQ(static_cast<int64_t*>(data)[0], expected);
            EXPECT_EQ(static_cast<int64_t*>(data)[199999], expected);
            if (!status) minpy_values_release(&result, 1);
            return status;
        });
}

TEST(EveryAllocationFails, InFoldsOfGroups) {
    for (uint32_t flags : {0u, uint32_t(MINPY_CALL_LAST_USE)})
        with_every_failure("a fold of a group", [flags] {
            Held h;
            minpy_array x, y;
            TRY(call_into(h, "full", {value(int64_t(200000)), value(int64_t(2))}, x));
            TRY(call_into(h, "multiply", {value(x), value(x)}, y));
            minpy_op op;
            TRY(minpy_op_find("sum", &op));
            minpy_call_options options = MINPY_CALL_OPTIONS_INIT;
            options.flags = flags;
            minpy_value args[] = {value(y)}, result;
            int32_t n = 1;
            minpy_status status = minpy_invoke(op, args, 1, &options, &result, &n);
            if (status) {  // once there is memory, nothing is lost
                t_armed = false;
                EXPECT_EQ(minpy_invoke(op, args, 1, &options, &result, &n), MINPY_OK);
            }
            minpy_array sum = *h.room() = static_cast<minpy_array>(const_cast<void*>(result.v.p));
            void *total, *operand;
            TRY(minpy_array_data(sum, &total));
            EXPECT_EQ(*static_cast<int64_t*>(total), 800000);
            TRY(minpy_array_data(y, &operand));
            EXPECT_EQ(static_cast<int64_t*>(operand)[199999], 4);
            return status;
        });
}

TEST(EveryAllocationFails, InErrors) {
    with_every_failure("a refused call", [] {
        Held h;
        minpy_array a, b;
        TRY(make_into(h, a));
        int64_t three[] = {3};
        minpy_array* c = h.room();
        TRY(minpy_array_from_host(g_data.data(), three, nullptr, 1, MINPY_FLOAT64, kHost, c));
        minpy_status s = call_into(h, "add", {value(a), value(*c)}, b);
        return s == MINPY_E_SHAPE ? MINPY_OK : s;
    });
}

TEST(EveryAllocationFails, InTapesOfBothModes) {
    with_every_failure("a gradient", [] {
        Held h;
        minpy_array a, b;
        TRY(make_into(h, a));
        struct Scope {
            minpy_tape tape = nullptr;
            minpy_context context = nullptr;
            bool pushed = false;
            ~Scope() {
                if (pushed) minpy_context_pop();
                minpy_context_release(context);
                minpy_tape_release(tape);
            }
        } s;
        TRY(minpy_tape_new(0, &s.tape));
        TRY(minpy_context_new(&s.context));
        TRY(minpy_context_set_tape(s.context, s.tape));
        TRY(minpy_context_push(s.context));
        s.pushed = true;
        TRY(minpy_tape_watch(s.tape, &a, 1, h.room()));
        TRY(call_into(h, "exp", {value(a)}, b));
        TRY(call_into(h, "matmul", {value(b), value(a)}, b));
        TRY(call_into(h, "sum", {value(b)}, b));
        TRY(minpy_tape_gradient(s.tape, &b, nullptr, 1, &a, 1, MINPY_GRADIENT_RETAIN, h.room()));
        TRY(minpy_tape_jvp(s.tape, &b, 1, &a, &a, 1, h.room()));
        return minpy_tape_gradient(s.tape, &b, nullptr, 1, &a, 1, 0, h.room());
    });
}

minpy_status own(minpy_function f, std::initializer_list<minpy_value> args, Held& h, minpy_array& out) {
    minpy_value r;
    int32_t n = 1;
    TRY(minpy_function_call(f, args.begin(), int32_t(args.size()), nullptr, &r, &n));
    *h.room() = out = static_cast<minpy_array>(const_cast<void*>(r.v.p));
    return MINPY_OK;
}
struct HeldFunction {
    minpy_function f = nullptr;
    ~HeldFunction() { minpy_function_release(f); }
};

TEST(EveryAllocationFails, InFunctionsOfGraphsAndTheirPlans) {
    struct Graph {
        minpy_symbol x = nullptr, net = nullptr;
        ~Graph() { minpy_symbol_release(x), minpy_symbol_release(net); }
    };
    with_every_failure("a function of a graph", [] {
        Held h;
        Graph g;
        HeldFunction f;
        TRY(minpy_symbol_variable("x", nullptr, &g.x));
        TRY(minpy_symbol_apply("FullyConnected", "fc", &g.x, nullptr, 1, "{\"num_hidden\": 64}", &g.net));
        TRY(minpy_function_from_symbol(g.net, nullptr, 0, &f.f));
        minpy_array x, w, y;
        TRY(make_into(h, x));
        TRY(make_into(h, w));
        for (int i = 0; i < 2; ++i) TRY(own(f.f, {value(x), value(w)}, h, y));
        minpy_tape tape;
        TRY(minpy_tape_new(0, &tape));
        struct Close {
            minpy_tape tape;
            ~Close() { minpy_tape_release(tape); }
        } close{tape};
        TRY(minpy_tape_watch(tape, &w, 1, h.room()));
        TRY(own(f.f, {value(x), value(w)}, h, y));
        return minpy_tape_gradient(tape, &y, nullptr, 1, &w, 1, 0, h.room());
    });
}

// a[...] += exp(b) and a * b.
minpy_status updates(void*, const minpy_value* args, int32_t, minpy_value* results, int32_t* n_results) {
    Held h;
    minpy_array e;
    TRY(call_into(h, "exp", {args[1]}, e));
    minpy_op op;
    TRY(minpy_op_find("add", &op));
    minpy_value pair[] = {args[0], value(e)}, written;
    auto target = static_cast<minpy_array>(const_cast<void*>(args[0].v.p));
    minpy_call_options options = MINPY_CALL_OPTIONS_INIT;
    options.out = &target;
    options.n_out = 1;
    int32_t n = 1;
    TRY(minpy_invoke(op, pair, 2, &options, &written, &n));
    minpy_values_release(&written, 1);
    *n_results = 1;
    TRY(minpy_op_find("multiply", &op));
    return minpy_invoke(op, args, 2, nullptr, results, n_results);
}

minpy_status compile_updates(HeldFunction& compiled) {
    HeldFunction plain;
    minpy_function_desc desc = {};
    desc.struct_size = sizeof desc;
    desc.name = "updates";
    desc.forward = updates;
    TRY(minpy_function_new(&desc, &plain.f));
    return minpy_function_compile(plain.f, &compiled.f);
}

TEST(EveryAllocationFails, InFunctionsThatAreRecorded) {
    with_every_failure("a compiled function", [] {
        Held h;
        HeldFunction f;
        minpy_array a, b, y;
        TRY(make_into(h, a));
        TRY(make_into(h, b));
        TRY(compile_updates(f));
        TRY(own(f.f, {value(a), value(b)}, h, y));
        return own(f.f, {value(a), value(b)}, h, y);
    });
}

TEST(EveryAllocationFails, InAPlanThatWritesAllOrNothing) {
    static Held made;
    static HeldFunction f;
    static minpy_array a, b;
    ASSERT_EQ(make_into(made, a), MINPY_OK);
    ASSERT_EQ(make_into(made, b), MINPY_OK);
    ASSERT_EQ(compile_updates(f), MINPY_OK);
    minpy_array y;
    ASSERT_EQ(own(f.f, {value(a), value(b)}, made, y), MINPY_OK);
    with_every_failure("a plan", [] {
        Held h;
        minpy_array y;
        minpy_value before, after, index[] = {value(int64_t(1)), value(int64_t(2))};
        minpy_array_element(a, index, 2, &before);
        minpy_status s = own(f.f, {value(a), value(b)}, h, y);
        minpy_array_element(a, index, 2, &after);
        return (before.v.f == after.v.f) == (s != MINPY_OK) ? s : MINPY_E_UNKNOWN;
    });
    minpy_function_release(f.f);
    f.f = nullptr;
}

TEST(EveryAllocationFails, InIndexingAndItsWrites) {
    with_every_failure("indexing", [] {
        Held h;
        minpy_array a, b;
        TRY(make_into(h, a));
        minpy_slice s = {1, 60, 2};
        minpy_value index[2] = {{MINPY_V_SLICE, 0, {0}}, value(int64_t(3))};
        index[0].v.p = &s;
        TRY(minpy_array_get(a, index, 2, h.room()));
        minpy_value seven = value(int64_t(7));
        TRY(minpy_array_set(a, index, 2, &seven));
        int64_t rows[] = {1, 5, 7};
        minpy_value list = {MINPY_V_INTS, 3, {0}};
        list.v.p = rows;
        minpy_array* got = h.room();
        TRY(minpy_array_get(a, &list, 1, got));
        b = *got;
        minpy_value v = value(b);
        return minpy_array_set(a, &list, 1, &v);
    });
}

TEST(EveryAllocationFails, InFilesAndText) {
    with_every_failure("npy and text", [] {
        Held h;
        minpy_array a;
        TRY(make_into(h, a));
        minpy_buffer b = nullptr;
        TRY(minpy_npy_encode(a, &b));
        uint64_t size = 0;
        const char* data = minpy_buffer_data(b, &size);
        minpy_status s = minpy_npy_decode(data, size, h.room());
        minpy_buffer_release(b);
        TRY(s);
        TRY(minpy_array_to_string(a, &b));
        minpy_buffer_release(b);
        TRY(minpy_dispatch_report(&b));
        minpy_buffer_release(b);
        return minpy_status(MINPY_OK);
    });
}

}  // namespace
