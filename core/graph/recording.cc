#include "core/graph/recording.h"

#include <cstring>

#include "core/autograd/node.h"
#include "core/cpu/allocator.h"
#include "core/registry/pattern.h"
#include "core/registry/statistics.h"

namespace minpy {
namespace {

constexpr int64_t kFreshBytes = 1 << 20;  // of new buffers, after which those that nobody holds are let go

}  // namespace

std::unique_lock<std::mutex> CallRecording::turn() {
    static std::mutex* mutex = new std::mutex;
    return std::unique_lock(*mutex, std::try_to_lock);
}

CallRecording::CallRecording(std::span<const Array> arguments, Context& context)
    : context_(context), first_draw_(context.rng->counter.load()), before_(thread_state().recorder) {
    for (const Array& a : arguments) add_argument(a);
    thread_state().recorder = this;
    observed.fetch_add(1);
}

CallRecording::~CallRecording() { stop(); }

void CallRecording::stop() {
    if (!running_) return;
    running_ = false;
    observed.fetch_sub(1);
    thread_state().recorder = before_;
    forget_all();
}

void CallRecording::abandon(std::string why) {
    if (!records()) return;
    why_not_ = std::move(why);
    forget_all();
    program_ = {};
}

void CallRecording::forget(std::unordered_map<Storage*, Known>::iterator it) {
    if (it->second.marked) it->first->clear(Storage::kPoisoned);
    program_.buffers[size_t(it->second.buffer)].storage = {};
    known_.erase(it);
}

void CallRecording::forget_all() {
    for (auto& [storage, k] : known_)
        if (k.marked) storage->clear(Storage::kPoisoned);
    known_.clear();
}

// Temporaries that only the recording has: recording takes as much memory as the calls do.
void CallRecording::let_go() {
    fresh_bytes_ = 0;
    for (auto it = known_.begin(); it != known_.end();) {
        auto here = it++;
        size_t b = size_t(here->second.buffer);
        if (program_.buffers[b].kind == Buffer::temporary && !constant_[b] && here->first->refs.load() == 1)
            forget(here);
    }
    trim_memory(1);
}

// ---- buffers and windows ----

int32_t CallRecording::find(Storage& s) const {
    auto it = known_.find(&s);
    return it == known_.end() ? -1 : it->second.buffer;
}

CallRecording::Known& CallRecording::add_buffer(Storage& s, Buffer buffer, int64_t origin) {
    buffer.storage = Ref<Storage>::share(&s);
    buffer.nbytes = s.nbytes;
    fresh_bytes_ += s.nbytes;
    program_.buffers.push_back(std::move(buffer));
    constant_.push_back(false);
    bool mark = !s.has(Storage::kPoisoned);
    Known& k = known_[&s] = {int32_t(program_.buffers.size()) - 1, origin, mark};
    if (mark) s.set(Storage::kPoisoned);
    return k;
}

void CallRecording::add_argument(const Array& a) {
    Buffer b;
    b.kind = Buffer::argument;
    b.index = n_arguments_++;
    if (find(a.storage()) < 0) add_buffer(a.storage(), std::move(b), a.get()->offset);
}

void CallRecording::begin_backward(std::span<const Array> seeds) {
    if (!records()) return;
    for (const Array& a : seeds) add_argument(a);
    backward_ = true;
}

int32_t CallRecording::window_of(const Array& a) {
    if (!a) return -1;
    if (!a.on_cpu()) return abandon("it runs on a device"), -1;
    auto it = known_.find(&a.storage());
    Known k;
    if (it != known_.end()) {
        k = it->second;
    } else {
        Buffer b;
        b.kind = Buffer::captured;
        k = add_buffer(a.storage(), std::move(b), 0);
    }
    return program_.add_window(
        {k.buffer, a.get()->offset - k.origin, a.dims(), Dims(a.strides().begin(), a.strides().end()), a.dtype()});
}

int32_t CallRecording::define(const Array& a) {
    if (find(a.storage()) < 0) add_buffer(a.storage(), Buffer(), 0);
    else note_write(a.storage());
    return window_of(a);
}

void CallRecording::add_step(Step s) {
    if (s.kind == Step::call && !s.taken.empty() && wrote_outside_)
        return abandon(cat(s.op->name, " runs after arrays of the caller were written"));
    s.backward = backward_;
    program_.steps.push_back(std::move(s));
    if (program_.steps.size() % 32 == 0 || fresh_bytes_ >= kFreshBytes) let_go();
}

void CallRecording::note_write(Storage& s) {
    int32_t b = find(s);
    if (b >= 0 && program_.buffers[size_t(b)].kind != Buffer::temporary) wrote_outside_ = true;
}

std::vector<int32_t> CallRecording::windows_of(std::span<const Array> arrays) {
    std::vector<int32_t> windows;
    for (const Array& a : arrays) windows.push_back(records() ? window_of(a) : -1);
    return windows;
}

// ---- what is seen ----

void CallRecording::called(const Call& c, const Loop* loop) {
    if (!records() || silent) return;
    for (const Array& a : c.out)
        if (!a.on_cpu()) return abandon("it runs on a device");
    if (c.op.view && find(c.out[0].storage()) >= 0 && &c.out[0].storage() == &c.in[0].storage()) return;
    if (c.op.view && &c.out[0].storage() == &c.in[0].storage()) return (void)window_of(c.in[0]);
    Step s;
    s.op = &c.op;
    s.loop = loop;
    s.kind = loop ? Step::elementwise : c.op.cpu_kernel ? Step::kernel : Step::call;
    ValuesView args{c.args.data(), size_t(c.args.size())};
    bool constant = true;
    if (s.kind == Step::call) {
        Pattern pattern(args);
        for (const Array& a : pattern.operands) s.in.push_back(window_of(a));
        s.args = Values({pattern.values.data(), size_t(pattern.values.size())}, false);
    } else {
        for (int64_t i = 0; i < c.in.size(); ++i) {
            bool fresh = c.in[i] && c.weak[i] != Weak::none && find(c.in[i].storage()) < 0;
            s.in.push_back(window_of(c.in[i]));
            if (fresh) program_.buffer_of(s.in[i]).kind = Buffer::constant;  // a number
        }
        s.args = Values(args, false);
        s.weak = c.weak;
        s.first = c.first;
    }
    if (!records()) return;
    for (int32_t w : s.in)
        constant = constant && (w < 0 || is_constant(w) || constant_[size_t(program_.window(w).buffer)]);
    if (int draw = c.op.param("draw"); draw >= 0) {
        // A function of the random state, if the state is the call's own.
        s.random = s.effects = int_of(c.args[draw - 2]) == int64_t(context_.rng->seed) &&
                               int_of(c.args[draw - 1]) == int64_t(context_.rng->stream) &&
                               uint64_t(int_of(c.args[draw])) >= first_draw_;
    }
    for (const Array& a : c.out) {
        bool fresh = find(a.storage()) < 0;
        s.out.push_back(define(a));
        constant_[size_t(program_.window(s.out.back()).buffer)] = fresh && constant && !s.random;
        if (!fresh) s.effects = s.effects || program_.buffer_of(s.out.back()).kind != Buffer::temporary;
    }
    if (s.kind == Step::call)
        for (int64_t i = 0; i < c.out.size(); ++i) s.taken.push_back(int16_t(i));
    add_step(std::move(s));
}

void CallRecording::wrote(const Array& to, const Array& value) {
    if (!records() || silent) return;
    Step s;
    s.kind = Step::copy;
    s.in.push_back(window_of(value));
    s.out.push_back(window_of(to));
    if (!records()) return;
    constant_[size_t(program_.window(s.out[0]).buffer)] = false;
    note_write(to.storage());
    s.effects = program_.buffer_of(s.out[0]).kind != Buffer::temporary;
    add_step(std::move(s));
}

void CallRecording::copied(const Array& copy, const Array& from) {
    if (!records() || silent) return;
    Step s;
    s.kind = Step::copy;
    s.in.push_back(window_of(from));
    s.out.push_back(define(copy));
    if (records()) add_step(std::move(s));
}

// A copy of the elements as they are now: the function may write to the array.
void CallRecording::made(const Array& a) {
    if (!records() || silent || !a.on_cpu() || find(a.storage()) >= 0) return;
    Storage& s = a.storage();
    Ref<Storage> kept = Ref<Storage>::adopt(Storage::create(s.nbytes, kCpu));
    std::memcpy(kept->data, s.data, size_t(s.nbytes));
    Buffer b;
    b.kind = Buffer::constant;
    Known& k = add_buffer(*kept, std::move(b), 0);
    Step step;
    step.kind = Step::copy;
    step.in.push_back(program_.add_window(
        {k.buffer, a.get()->offset, a.dims(), Dims(a.strides().begin(), a.strides().end()), a.dtype()}));
    step.out.push_back(define(a));
    if (!records()) return;
    constant_[size_t(program_.window(step.out[0]).buffer)] = true;
    add_step(std::move(step));
}

void CallRecording::entered(const Call& c) {
    if (!records() || silent) return;
    Frame f{&c.op, 0, 0, context_.rng->counter.load(), false, {}, {}, {}};
    Pattern pattern({c.args.data(), size_t(c.args.size())});
    for (const Array& a : pattern.operands) f.in.push_back(window_of(a));
    if (!records()) return;
    f.args = Values({pattern.values.data(), size_t(pattern.values.size())}, false);
    f.n_steps = program_.steps.size();
    f.n_buffers = program_.buffers.size();
    frames_.push_back(std::move(f));
}

void CallRecording::left(const Call& c) {
    if (!records() || silent || frames_.empty()) return;
    Frame f = std::move(frames_.back());
    frames_.pop_back();
    if (!f.looked) {
        for (const Array& a : c.out) made(a);  // where no operator did: a constant
        return;
    }
    for (const Array& a : c.in)
        if (a && may_be_traced(a) && trace_of(a, c.context).node)
            return abandon(cat(f.op->name, " looks at elements, and a gradient is taken through it"));
    // The whole composite is one step; what it called is forgotten.
    program_.steps.resize(f.n_steps);
    for (auto it = known_.begin(); it != known_.end();) {
        auto here = it++;
        if (size_t(here->second.buffer) >= f.n_buffers) forget(here);
    }
    Step s;
    s.kind = Step::call;
    s.op = f.op;
    s.args = std::move(f.args);
    s.in = f.in;
    for (int64_t i = 0; i < c.out.size(); ++i) {
        if (!c.out[i].on_cpu()) return abandon("it runs on a device");
        if (find(c.out[i].storage()) >= 0) continue;  // a view of an operand is where the operand is
        s.out.push_back(define(c.out[i]));
        s.taken.push_back(int16_t(i));
    }
    for (Storage* changed : f.changed) {
        s.effects = true;
        note_write(*changed);
        int32_t b = find(*changed);
        if (b < 0) continue;
        constant_[size_t(b)] = false;
        for (int32_t w : f.in)
            if (w >= 0 && program_.window(w).buffer == b) s.out.push_back(w);
    }
    s.effects = s.effects || context_.rng->counter.load() != f.counter;
    add_step(std::move(s));
}

void CallRecording::reading(Storage& s) {
    if (inside || !records()) return;
    int32_t b = find(s);
    if (b < 0 || constant_[size_t(b)] || program_.buffers[size_t(b)].kind == Buffer::constant) return;
    if (frames_.empty())
        return abandon("elements are looked at outside of operators: by printing, NumPy or a derivative");
    frames_.back().looked = true;
}

void CallRecording::changing(Storage& s) {
    if (inside || !records() || find(s) < 0) return;
    if (frames_.empty()) return abandon("elements are written outside of operators");
    frames_.back().looked = true;
    frames_.back().changed.push_back(&s);
}

void CallRecording::tells(const Array& a) {
    if (inside || !records() || find(a.storage()) < 0) return;
    if (!frames_.empty()) return (void)(frames_.back().looked = true);
    int32_t w = window_of(a);
    if (is_constant(w) || constant_[size_t(program_.window(w).buffer)]) return;
    if (wrote_outside_) return abandon("a value is looked at after arrays of the caller were written");
    if (backward_) return abandon("a derivative looks at a value");
    Step s;
    s.kind = Step::guard;
    s.effects = true;
    s.in.push_back(w);
    {
        InsideKernel looking;
        std::memcpy(s.expected, a.data(), size_t(a.itemsize()));
    }
    add_step(std::move(s));
}

// ---- the end ----

Program CallRecording::finish() {
    if (!records()) throw state_error("nothing was recorded: ", why_not());
    stop();
    program_.results = std::move(results_);
    program_.gradients = std::move(gradients_);
    std::vector<char> given_out(program_.buffers.size());
    for (const auto* list : {&program_.results, &program_.gradients})
        for (int32_t w : *list)
            if (w >= 0) given_out[size_t(program_.window(w).buffer)] = true;
    program_.count_writes();
    for (size_t i = 0; i < program_.buffers.size(); ++i) {
        Buffer& b = program_.buffers[i];
        // What nobody else holds nobody else can change.
        if (b.kind == Buffer::captured && b.storage && b.storage->refs.load() == 1 && b.writes == 0 && !given_out[i])
            b.kind = Buffer::constant;
        if (b.kind == Buffer::argument) b.storage = {};
    }
    return std::move(program_);
}

}  // namespace minpy
