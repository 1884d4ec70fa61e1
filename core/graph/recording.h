// CallRecording: while it lives, every operator that runs on its thread becomes a step of a Program. Storages that it has seen
// are kept while anybody else has them, so that an address never means two things, and marked, so that a look at their elements is noticed: inside a
// composite that look makes the whole composite one step, elsewhere it ends the recording with a reason.
#pragma once
#include <mutex>

#include "core/graph/program.h"
#include "core/registry/recorder.h"

namespace minpy {

class CallRecording final : public Recorder {
public:
    // One thread records at a time, or the marks of two would be mixed up. Not owned: another one does.
    static std::unique_lock<std::mutex> turn();
    // `arguments` that share storage are one buffer.
    explicit CallRecording(std::span<const Array> arguments, Context& context);
    ~CallRecording() override;

    // From now on steps belong to the backward part; `seeds` are arguments, too.
    void begin_backward(std::span<const Array> seeds);
    void results(std::span<const Array> arrays) { results_ = windows_of(arrays); }
    void gradients(std::span<const Array> arrays) { gradients_ = windows_of(arrays); }
    // Nothing is recorded any more.
    void abandon(std::string why) override;
    const std::string& why_not() const {  // empty: all is well
        static const std::string failed = "an operator failed";
        return failed_ ? failed : why_not_;
    }
    // Ends the recording.
    Program finish();

    void called(const Call& c, const Loop* loop) override;
    void wrote(const Array& to, const Array& value) override;
    void copied(const Array& copy, const Array& from) override;
    void made(const Array& a) override;
    void entered(const Call& c) override;
    void left(const Call& c) override;
    void failed() noexcept override { failed_ = true; }
    void reading(Storage& s) override;
    void changing(Storage& s) override;
    void tells(const Array& a) override;
    bool knows(const Array& a) const override { return records() && find(a.storage()) >= 0; }

private:
    struct Known {
        int32_t buffer;
        int64_t origin;
        bool marked;  // the flag is ours
    };
    struct Frame {  // a composite that is running
        const Op* op;
        size_t n_steps, n_buffers;
        uint64_t counter;
        bool looked = false;
        std::vector<Storage*> changed;
        Values args;
        SmallVector<int32_t, 4> in;
    };
    bool records() const { return why_not_.empty() && !failed_; }
    int32_t find(Storage& s) const;
    void add_argument(const Array& a);
    int32_t window_of(const Array& a);  // seen for the first time: captured
    int32_t define(const Array& a);     // the result of a step
    std::vector<int32_t> windows_of(std::span<const Array> arrays);
    Known& add_buffer(Storage& s, Buffer buffer, int64_t origin);
    bool is_constant(int32_t window) const { return program_.buffer_of(window).kind == Buffer::constant; }
    void note_write(Storage& s);
    void add_step(Step s);
    void forget(std::unordered_map<Storage*, Known>::iterator it);
    void forget_all();
    void let_go();
    void stop();

    Program program_;
    std::unordered_map<Storage*, Known> known_;
    std::vector<char> constant_;  // by buffer: depends on no argument, nothing captured, nothing random
    std::vector<Frame> frames_;
    std::vector<int32_t> results_, gradients_;
    Context& context_;
    uint64_t first_draw_;
    int32_t n_arguments_ = 0;
    int64_t fresh_bytes_ = 0;
    bool backward_ = false, wrote_outside_ = false, failed_ = false, running_ = true;
    std::string why_not_;
    Recorder* before_;
};

}  // namespace minpy
