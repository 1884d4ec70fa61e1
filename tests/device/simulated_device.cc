// The simulated device: a backend for tests, on machines without an accelerator. Its memory cannot be touched by the
// host (device addresses are mapped without access; kernels reach it through a second mapping), its queues are
// asynchronous, it has few kernels, and faults can be injected through simdev_inject.
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cmath>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <new>
#include <string>
#include <thread>
#include <vector>

#define MINPY_BUILDING 1
#include "core/registry/backend.h"

namespace {

constexpr uint64_t kBytes = 256u << 20, kAlign = 256;
const minpy_host_api* g_host;

// ---- memory: one arena, two mappings ----

// Never destroyed: arrays that are released at exit are given back by the queue, which runs as long as the process.
struct Arena {
    char* device = nullptr;  // PROT_NONE: what the host is given
    char* shadow = nullptr;  // what kernels use
    std::mutex mutex;
    std::map<uint64_t, uint64_t> used;  // offset -> size
    std::atomic<int64_t> fail_allocation{-1};

    bool open() {
        int fd = memfd_create("simdev", MFD_CLOEXEC);
        if (fd < 0 || ftruncate(fd, off_t(kBytes)) != 0) return false;
        device = static_cast<char*>(mmap(nullptr, kBytes, PROT_NONE, MAP_SHARED, fd, 0));
        shadow = static_cast<char*>(mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
        close(fd);
        return device != MAP_FAILED && shadow != MAP_FAILED;
    }
    template <class T = char> T* reach(const void* p) {
        return reinterpret_cast<T*>(shadow + (static_cast<const char*>(p) - device));
    }
};
Arena& g_arena = *new Arena;

minpy_status sim_allocate(int32_t, uint64_t bytes, void** out) {
    if (g_arena.fail_allocation.load() >= 0 && g_arena.fail_allocation.fetch_sub(1) == 0) return MINPY_E_NOMEM;
    bytes = (bytes + kAlign - 1) / kAlign * kAlign;
    std::lock_guard lock(g_arena.mutex);
    uint64_t at = 0;
    for (auto [offset, size] : g_arena.used) {
        if (offset - at >= bytes) break;
        at = offset + size;
    }
    if (at + bytes > kBytes) return MINPY_E_NOMEM;
    g_arena.used[at] = bytes;
    *out = g_arena.device + at;
    return MINPY_OK;
}

// ---- queues ----

class Queue {
public:
    Queue() : worker_([this] { loop(); }) {}
    ~Queue() {
        {
            std::lock_guard lock(mutex_);
            stop_ = true;
        }
        wake_.notify_all();
        worker_.join();
    }
    void push(std::function<void()> job) {
        {
            std::lock_guard lock(mutex_);
            jobs_.push_back(std::move(job));
        }
        wake_.notify_all();
    }
    void wait() {
        std::unique_lock lock(mutex_);
        idle_.wait(lock, [&] { return jobs_.empty() && !busy_; });
    }
    // The first late failure since the last call.
    minpy_status take_failure() { return failure_.exchange(MINPY_OK); }
    void fail(minpy_status status) {
        minpy_status none = MINPY_OK;
        failure_.compare_exchange_strong(none, status);
    }

private:
    void loop() {
        std::unique_lock lock(mutex_);
        for (;;) {
            wake_.wait(lock, [&] { return stop_ || !jobs_.empty(); });
            if (jobs_.empty()) return;
            auto job = std::move(jobs_.front());
            jobs_.pop_front();
            busy_ = true;
            lock.unlock();
            std::this_thread::sleep_for(std::chrono::microseconds(50));  // late on purpose
            job();
            job = nullptr;
            lock.lock();
            busy_ = false;
            if (jobs_.empty()) idle_.notify_all();
        }
    }
    std::mutex mutex_;
    std::condition_variable wake_, idle_;
    std::deque<std::function<void()>> jobs_;
    std::atomic<minpy_status> failure_{MINPY_OK};
    bool busy_ = false, stop_ = false;
    std::thread worker_;
};

Queue& default_queue() {
    static Queue* q = new Queue;  // as long as the process
    return *q;
}
Queue& queue(void* stream) { return stream ? *static_cast<Queue*>(stream) : default_queue(); }

template <class F> minpy_status attempt(F&& f) {
    try {
        return f(), MINPY_OK;
    } catch (...) { return MINPY_E_NOMEM; }
}

void sim_deallocate(int32_t, void* data, uint64_t) {
    // Behind what is queued: a kernel may still use it.
    auto free_now = [offset = uint64_t(static_cast<char*>(data) - g_arena.device)] {
        std::lock_guard lock(g_arena.mutex);
        g_arena.used.erase(offset);
    };
    if (attempt([&] { default_queue().push(free_now); }) != MINPY_OK) free_now();
}

minpy_status sim_copy_in(int32_t, void* stream, void* to, const void* from, uint64_t bytes) {
    return attempt([&] {
        std::string staged(static_cast<const char*>(from), bytes);
        queue(stream).push([=, staged = std::move(staged)] { std::memcpy(g_arena.reach(to), staged.data(), bytes); });
    });
}

minpy_status sim_copy_out(int32_t, void* stream, void* to, const void* from, uint64_t bytes) {
    queue(stream).wait();
    std::memcpy(to, g_arena.reach(from), bytes);
    return MINPY_OK;
}

minpy_status sim_copy(int32_t, void* stream, void* to, const void* from, uint64_t bytes) {
    return attempt([&] { queue(stream).push([=] { std::memmove(g_arena.reach(to), g_arena.reach(from), bytes); }); });
}

minpy_status sim_stream_create(int32_t, void** out) {
    return attempt([&] { *out = new Queue; });
}
void sim_stream_destroy(int32_t, void* stream) { delete static_cast<Queue*>(stream); }
minpy_status sim_stream_synchronize(int32_t, void* stream) {
    queue(stream).wait();
    return queue(stream).take_failure();
}
minpy_status sim_stream_wait(int32_t, void* stream, void* on) {
    return attempt([&] { queue(stream).push([on] { queue(on).wait(); }); });
}
void* sim_stream_native(int32_t, void* stream) { return stream; }
minpy_status sim_info(int32_t index, char name[64], uint64_t* total, uint64_t* free_bytes) {
    std::strcpy(name, index ? "simulated device 1" : "simulated device 0");
    std::lock_guard lock(g_arena.mutex);
    uint64_t used = 0;
    for (auto [offset, size] : g_arena.used) used += size;
    *total = kBytes;
    *free_bytes = kBytes - used;
    return MINPY_OK;
}

minpy_device_api g_device = {sizeof(minpy_device_api),
                             MINPY_EXTENSION,
                             2,
                             0,
                             "simulated",
                             sim_info,
                             sim_allocate,
                             sim_deallocate,
                             sim_copy_in,
                             sim_copy_out,
                             sim_copy,
                             sim_stream_create,
                             sim_stream_destroy,
                             sim_stream_synchronize,
                             sim_stream_wait,
                             sim_stream_native};

// ---- kernels: float32 and float64, at most three dimensions ----

std::atomic<int64_t> g_fail_kernel{-1}, g_fail_late{-1};

struct Tensor {  // a copy: the call's arrays end with the call
    void* data;
    std::vector<int64_t> shape, strides;
    minpy_dtype dtype;
    uint64_t token;
    explicit Tensor(const minpy_tensor& t)
        : data(t.data),
          shape(t.shape, t.shape + t.ndim),
          strides(t.strides, t.strides + t.ndim),
          dtype(t.dtype),
          token(t.token) {}
    int64_t size() const {
        int64_t n = 1;
        for (int64_t s : shape) n *= s;
        return n;
    }
    template <class T> T& at(int64_t flat) const {
        char* p = g_arena.reach(data);
        for (size_t i = shape.size(); i-- > 0; flat /= shape[i]) p += flat % shape[i] * strides[i];
        return *reinterpret_cast<T*>(p);
    }
};

struct Work {
    std::vector<Tensor> in, out;
};

template <class T> void compute(const std::string& op, const Work& w) {
    const Tensor &a = w.in[0], &r = w.out[0];
    if (op == "sum") {
        // All elements; `supports` refuses anything else.
        T total{};
        for (int64_t i = 0; i < a.size(); ++i) total += a.at<T>(i);
        r.at<T>(0) = total;
    } else if (op == "matmul") {
        const Tensor& b = w.in[1];
        int64_t m = a.shape[0], k = a.shape[1], n = b.shape[1];
        for (int64_t i = 0; i < m; ++i)
            for (int64_t j = 0; j < n; ++j) {
                T total{};
                for (int64_t l = 0; l < k; ++l) total += a.at<T>(i * k + l) * b.at<T>(l * n + j);
                r.at<T>(i * n + j) = total;
            }
    } else {
        for (int64_t i = 0; i < r.size(); ++i) {
            T x = a.at<T>(i);
            if (op == "add") r.at<T>(i) = x + w.in[1].at<T>(i);
            if (op == "multiply") r.at<T>(i) = x * w.in[1].at<T>(i);
            if (op == "exp") r.at<T>(i) = std::exp(x);
        }
    }
}

int32_t supports(void*, const minpy_kernel_call* c, const char** reason) {
    for (int32_t i = 0; i < c->n_inputs; ++i) {
        if (c->inputs[i].dtype != c->outputs[0].dtype ||
            (c->inputs[i].dtype != MINPY_FLOAT32 && c->inputs[i].dtype != MINPY_FLOAT64))
            return *reason = "dtype", 0;
        if (c->inputs[i].ndim > 3) return *reason = "rank", 0;
    }
    std::string op = c->op;
    if (op == "matmul" && (c->inputs[0].ndim != 2 || c->inputs[1].ndim != 2)) return *reason = "rank", 0;
    if (op == "sum" && c->outputs[0].ndim != 0) return *reason = "attribute", 0;
    return 1;
}

minpy_status run(void*, const minpy_kernel_call* c) {
    if (g_fail_kernel.load() >= 0 && g_fail_kernel.fetch_sub(1) == 0)
        return g_host->fail(c, MINPY_E_DEVICE, "injected at launch");
    return attempt([&] {
        Work w;
        for (int32_t i = 0; i < c->n_inputs; ++i) w.in.emplace_back(c->inputs[i]);
        for (int32_t i = 0; i < c->n_outputs; ++i) w.out.emplace_back(c->outputs[i]);
        std::string op = c->op;
        Queue* q = &queue(c->stream);
        q->push([w = std::move(w), op, q] {
            if (g_fail_late.load() >= 0 && g_fail_late.fetch_sub(1) == 0) {
                for (const Tensor& t : w.out)
                    g_host->poison(t.token, MINPY_E_DEVICE, op.c_str(), "injected while running");
                q->fail(MINPY_E_DEVICE);
                return;
            }
            w.out[0].dtype == MINPY_FLOAT32 ? compute<float>(op, w) : compute<double>(op, w);
        });
    });
}

}  // namespace

#define SIMDEV_API extern "C" __attribute__((visibility("default")))

// What fails next: the `nth` allocation, kernel launch or running kernel from now (0 is the next one; -1 none).
SIMDEV_API void simdev_inject(const char* what, int64_t nth) {
    std::string kind = what;
    (kind == "allocation" ? g_arena.fail_allocation : kind == "launch" ? g_fail_kernel : g_fail_late).store(nth);
}

SIMDEV_API minpy_status minpy_backend_init_v1(const minpy_host_api* host, minpy_backend* out) {
    if (host->abi_version != MINPY_BACKEND_ABI || host->struct_size < sizeof(minpy_host_api)) return MINPY_E_ABI;
    if (!g_arena.open()) return MINPY_E_NOMEM;
    g_host = host;
    for (const char* op : {"add", "multiply", "exp", "sum", "matmul"}) {
        minpy_kernel_desc kernel = {sizeof(minpy_kernel_desc), 0, op, nullptr, supports, run};
        if (minpy_status status = host->register_kernel(&g_device, &kernel)) return status;
    }
    out->abi_version = MINPY_BACKEND_ABI;
    out->name = "simulated";
    out->version = "1";
    out->device = &g_device;
    return MINPY_OK;
}
