#include "core/registry/statistics.h"

#include <map>
#include <set>
#include <vector>

#include "core/io/json.h"
#include "core/registry/registry.h"
#include "core/registry/thread_state.h"

namespace minpy {
namespace {

struct Fallback {
    uint64_t calls = 0, bytes = 0, nanoseconds = 0;
    std::map<std::string, uint64_t> sites;
};
struct Counters {
    std::mutex mutex;
    std::map<std::pair<std::string, std::string>, uint64_t> device_calls;             // (operator, device)
    std::map<std::tuple<std::string, std::string, std::string>, Fallback> fallbacks;  // (operator, device, reason)
    std::set<std::string> warned;
};
Counters& counters() {
    static Counters* c = new Counters;
    return *c;
}

struct Event {
    const Op* op;  // null: a group of deferred operators
    size_t group;
    double start, duration;  // microseconds
    size_t thread;
};
struct Profile {
    std::mutex mutex;
    std::vector<Event> events;
    std::chrono::steady_clock::time_point origin;
};
Profile& profile() {
    static Profile* p = new Profile;
    return *p;
}

struct Log {
    std::mutex mutex;
    std::atomic<int32_t> level{2};
    LogFn fn = nullptr;
    void* payload = nullptr;
    std::string kept;
};
Log& log() {
    static Log* l = new Log;
    return *l;
}

}  // namespace

void count_device_call(const Op& op, Device device) {
    Counters& c = counters();
    std::lock_guard lock(c.mutex);
    ++c.device_calls[{op.name, to_string(device)}];
}

void count_fallback(const std::string& op, Device device, const char* reason, uint64_t bytes, uint64_t nanoseconds,
                    Reaction reaction) {
    std::string where = to_string(device);
    if (reaction == Reaction::error)
        throw unsupported("'", op, "' has no kernel on ", where, " for this call (", reason,
                          "), and fallbacks are errors here");
    std::string site = thread_state().site;
    bool warn = false;
    {
        Counters& c = counters();
        std::lock_guard lock(c.mutex);
        Fallback& f = c.fallbacks[{op, where, reason}];
        ++f.calls;
        f.bytes += bytes;
        f.nanoseconds += nanoseconds;
        if (!site.empty()) ++f.sites[site];
        warn = reaction == Reaction::warn && c.warned.insert(cat(op, "|", reason, "|", site)).second;
    }
    if (warn)
        log_message(2, "dispatch",
                    cat("'", op, "' fell back to the CPU from ", where, " (", reason, ")",
                        site.empty() ? "" : cat(" at ", site)));
}

std::string dispatch_report() {
    Json calls = Json::array(), fallbacks = Json::array();
    for (const Op* op : Registry::get().all())
        if (uint64_t n = calls_of(*op))
            calls.push_back(Json::object({{"op", op->name}, {"device", "cpu"}, {"calls", n}}));
    Counters& c = counters();
    std::lock_guard lock(c.mutex);
    for (const auto& [key, n] : c.device_calls)
        calls.push_back(Json::object({{"op", key.first}, {"device", key.second}, {"calls", n}}));
    for (const auto& [key, f] : c.fallbacks) {
        Json sites = Json::object();
        for (const auto& [site, n] : f.sites) sites.set(site, n);
        fallbacks.push_back(Json::object({{"op", std::get<0>(key)},
                                          {"device", std::get<1>(key)},
                                          {"reason", std::get<2>(key)},
                                          {"calls", f.calls},
                                          {"bytes", f.bytes},
                                          {"nanoseconds", f.nanoseconds},
                                          {"sites", sites}}));
    }
    return Json::object({{"calls", calls}, {"fallbacks", fallbacks}}).dump();
}

void reset_dispatch() {
    for (const Op* op : Registry::get().all()) reset_calls(*op);
    Counters& c = counters();
    std::lock_guard lock(c.mutex);
    c.device_calls.clear();
    c.fallbacks.clear();
    c.warned.clear();
}

// ---- profiler ----

std::atomic<bool> profiling{false};
std::atomic<int32_t> observed{0};

void start_profiler() {
    Profile& p = profile();
    std::lock_guard lock(p.mutex);
    p.events.clear();
    p.origin = std::chrono::steady_clock::now();
    if (!profiling.exchange(true)) observed.fetch_add(1);
}

void Profiled::finish() noexcept {
    auto end = std::chrono::steady_clock::now();
    Profile& p = profile();
    std::lock_guard lock(p.mutex);
    if (!profiling.load()) return;
    auto micro = [](auto d) { return std::chrono::duration<double, std::micro>(d).count(); };
    try {
        p.events.push_back({op_, group_, micro(begin_ - p.origin), micro(end - begin_), size_t(pthread_self())});
    } catch (...) {  // a profile with a gap is better than a failed call
    }
}

std::string stop_profiler() {
    if (profiling.exchange(false)) observed.fetch_sub(1);
    Profile& p = profile();
    std::lock_guard lock(p.mutex);
    Json events = Json::array();
    for (const Event& e : p.events)
        events.push_back(Json::object({{"name", e.op ? e.op->name : cat("group of ", e.group)},
                                       {"cat", e.op ? e.op->family : "group"},
                                       {"ph", "X"},
                                       {"ts", e.start},
                                       {"dur", e.duration},
                                       {"pid", 1},
                                       {"tid", e.thread % 1000000}}));
    p.events.clear();
    return Json::object({{"traceEvents", events}, {"displayTimeUnit", "ns"}}).dump();
}

// ---- log ----

void set_log(int32_t level, LogFn fn, void* payload) {
    Log& l = log();
    std::lock_guard lock(l.mutex);
    l.level.store(level);
    l.fn = fn;
    l.payload = payload;
}

void log_message(int32_t level, const char* component, const std::string& text) {
    Log& l = log();
    if (level > l.level.load()) return;
    LogFn fn;
    void* payload;
    {
        std::lock_guard lock(l.mutex);
        fn = l.fn;
        payload = l.payload;
        if (!fn && l.kept.size() < (1u << 20))
            l.kept += Json::object({{"level", level}, {"component", component}, {"message", text}}).dump() + "\n";
    }
    if (fn) fn(payload, level, component, text.c_str());
}

std::string take_log() {
    Log& l = log();
    std::lock_guard lock(l.mutex);
    return std::exchange(l.kept, {});
}

}  // namespace minpy
