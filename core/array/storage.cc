#include "core/array/storage.h"

#include <cstdlib>

#include "core/autograd/node.h"
#include "core/fusion/deferred.h"
#include "core/registry/device.h"
#include "core/registry/recorder.h"

namespace minpy {

std::string to_string(Device d) {
    if (d.is_cpu()) return "cpu";
    std::string kind = d.kind == MINPY_CUDA ? "cuda" : d.kind == MINPY_EXTENSION ? "ext" : cat("device", d.kind);
    return cat(kind, ":", d.index);
}

void Storage::allocate_at_first() {
    try {
        allocate_buffer();
    } catch (...) {
        delete this;
        throw;
    }
}

void Storage::allocate_buffer() {
    if (device.is_cpu()) {
        data = nbytes <= kInline ? inline_data : static_cast<char*>(allocate(nbytes));
    } else {
        data = static_cast<char*>(device_allocate(device, nbytes));
        token = make_token(*this);
    }
}

Storage* Storage::borrow(void* data, int64_t nbytes, Device device, bool read_only, void* payload,
                         minpy_destroy_fn destroy) {
    auto* s = new Storage;
    s->device = device;
    s->nbytes = nbytes;
    s->data = static_cast<char*>(data);
    s->payload = payload;
    s->destroy = destroy;
    s->borrowed = true;
    s->flags = kExposed | (read_only ? uint32_t(kReadOnly) : 0u);
    return s;
}

Storage::Extra& Storage::extra_data() {
    if (Extra* e = extra.load(std::memory_order_acquire)) return *e;
    auto* fresh = new Extra;
    Extra* expected = nullptr;
    if (extra.compare_exchange_strong(expected, fresh, std::memory_order_acq_rel)) return *fresh;
    delete fresh;
    return *expected;
}

void Storage::destroy_now() noexcept {
    if (has(kPending)) drop_pending(*this);
    if (token) forget_token(token);
    delete extra.load(std::memory_order_acquire);
    if (borrowed) {
        if (destroy) destroy(payload);
    } else if (data && data != inline_data) {
        if (device.is_cpu()) deallocate(data, nbytes);
        else device_deallocate(device, data, nbytes);
    }
    delete this;
}

void wait_ready(Storage& s) {
    if (Recorder* r = recorder()) r->reading(s);
    InsideKernel inside;
    if (s.has(Storage::kPending)) force(s);
    if (s.has(Storage::kPoisoned)) {
        std::lock_guard lock(s.extra_data().mutex);
        if (s.extra_data().poison) throw Error(*s.extra_data().poison);
    }
}

void before_write(Storage& s) {
    if (s.has(Storage::kReadOnly)) throw value_error("assignment destination is read-only");
    if (Recorder* r = recorder()) r->changing(s);
    InsideKernel inside;
    if (s.has(Storage::kPending | Storage::kPoisoned)) wait_ready(s);
    if (s.has(Storage::kRead)) force_readers(s);
    if (s.is_saved()) detach_saved(s);
}

void expose(Storage& s) {
    wait_ready(s);
    if (s.has(Storage::kRead)) force_readers(s);
    if (s.is_saved()) detach_saved(s);
    s.set(Storage::kExposed);
}

}  // namespace minpy
