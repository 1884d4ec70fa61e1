// Recorder: what a recording of calls sees (core/graph/recording.h): every operator that runs on its thread, every write,
// and every look at elements from outside an operator. At most one per thread, in ThreadState.
// Storages that a recorder knows carry kPoisoned, so that whoever looks goes through wait_ready.
#pragma once
#include <utility>

#include "core/registry/thread_state.h"

namespace minpy {

class Array;
class Call;
struct Loop;
struct Storage;

class Recorder {
public:
    virtual ~Recorder() = default;
    // The results of a call are computed, and not yet brought to `out=`. Element-wise calls have a loop.
    virtual void called(const Call& c, const Loop* loop) = 0;
    virtual void wrote(const Array& to, const Array& value) = 0;    // to[...] = value
    virtual void copied(const Array& copy, const Array& from) = 0;  // the tape saved it
    virtual void made(const Array& a) = 0;                          // of the caller's elements, by no operator
    // Around a composite.
    virtual void entered(const Call& c) = 0;
    virtual void left(const Call& c) = 0;
    virtual void failed() noexcept = 0;
    // Elements of watched storage are looked at or written by no operator.
    virtual void reading(Storage& s) = 0;
    virtual void changing(Storage& s) = 0;
    // The caller learns the one element of `a`, and may act on it.
    virtual void tells(const Array& a) = 0;
    virtual bool knows(const Array& a) const = 0;
    // Something ran that no operator stands for.
    virtual void abandon(std::string why) = 0;

    int inside = 0;  // > 0: an operator runs, and what it looks at is its own business
    int silent = 0;  // > 0: and so are the operators that it calls
};

inline Recorder* recorder() { return tls_state ? tls_state->recorder : nullptr; }

// An operator runs while it lives.
class InsideKernel {
public:
    explicit InsideKernel(bool silent = false) : recorder_(recorder()), silent_(silent) {
        if (!recorder_) return;
        ++recorder_->inside;
        recorder_->silent += silent_;
    }
    ~InsideKernel() {
        if (!recorder_) return;
        --recorder_->inside;
        recorder_->silent -= silent_;
    }
    InsideKernel(const InsideKernel&) = delete;

private:
    Recorder* recorder_;
    bool silent_;
};

// A composite runs while it lives.
class InsideComposite {
public:
    explicit InsideComposite(const Call& c) : recorder_(recorder()), call_(c) {
        if (recorder_) recorder_->entered(c);
    }
    void done() {
        if (Recorder* r = std::exchange(recorder_, nullptr)) r->left(call_);
    }
    ~InsideComposite() {
        if (recorder_) recorder_->failed();
    }
    InsideComposite(const InsideComposite&) = delete;

private:
    Recorder* recorder_;
    const Call& call_;
};

}  // namespace minpy
