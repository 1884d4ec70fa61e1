// float32 convolutions by oneDNN: single-threaded primitives in our pool's tasks.
//
// Making a primitive costs a hundred times a small one's run, so they are kept by their sizes. oneDNN chooses the layouts
// it is fastest with; operands are reordered into them and back.
#include <dlfcn.h>

#include <dnnl.hpp>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "core/array/error.h"
#include "core/cpu/convolution.h"
#include "core/cpu/pool.h"

namespace minpy {
namespace {

using dims = dnnl::memory::dims;
using dnnl::memory;

// Debian's oneDNN runs on OpenMP. One thread: no team is made, which would spin, and hang after a fork. The caller's own
// setting comes back.
class OneThread {
public:
    OneThread() {
        const Calls& c = calls();
        if (!c.set) return;
        before_ = c.get();
        if (before_ != 1) c.set(1);
    }
    ~OneThread() {
        if (before_ > 1) calls().set(before_);
    }

private:
    struct Calls {
        void (*set)(int) = nullptr;
        int (*get)() = nullptr;
        Calls() {
            void* gomp = dlopen("libgomp.so.1", RTLD_NOW | RTLD_NOLOAD);
            if (!gomp) return;  // another build of oneDNN
            set = reinterpret_cast<void (*)(int)>(dlsym(gomp, "omp_set_num_threads"));
            get = reinterpret_cast<int (*)()>(dlsym(gomp, "omp_get_max_threads"));
            if (!get) set = nullptr;
        }
    };
    static const Calls& calls() {
        static const Calls c;
        return c;
    }
    int before_ = 1;
};

[[noreturn]] void rethrow(const dnnl::error& e) {
    if (e.status == dnnl_out_of_memory) throw Error(MINPY_E_NOMEM, "MemoryError", "oneDNN was refused memory");
    throw Error(MINPY_E_UNKNOWN, "RuntimeError", cat("oneDNN: ", e.what()));
}

const dnnl::engine& engine() {
    static const dnnl::engine* e = new dnnl::engine(dnnl::engine::kind::cpu, 0);
    return *e;
}

using Kind = ConvolutionPart;

// One primitive: descriptors of its operands in C order and as it wants them.
struct Primitive {
    memory::desc plain[3], wanted[3];  // data, weight, result side
    memory::desc bias, scratch;
    dnnl::convolution_forward::primitive_desc forward;
    dnnl::primitive run;
    dnnl::reorder reorder[3];
    bool needs[3];

    // Bytes of what a task reorders, and of oneDNN's own scratch memory, one after the other.
    int64_t bytes(bool with_weights) const {
        int64_t n = ScratchSizes::rounded(int64_t(scratch.get_size()));
        for (int i = 0; i < 3; ++i)
            if (needs[i] && (i != 1 || with_weights)) n = checked_add(n, reordered(i));
        return n;
    }
    int64_t reordered(int i) const { return ScratchSizes::rounded(int64_t(wanted[i].get_size())); }
};

memory::desc c_order(const dims& shape) {
    dims strides(shape.size());
    int64_t step = 1;
    for (size_t i = shape.size(); i-- > 0; step *= shape[i]) strides[i] = step;
    return {shape, memory::data_type::f32, strides};
}

// `weight_step`: elements from one filter's weights to the next one's.
std::shared_ptr<const Primitive> make(Kind kind, const Convolution& c, int64_t batch, bool with_bias,
                                      int64_t weight_step) {
    auto p = std::make_shared<Primitive>();
    dims x{batch, c.channels}, w, y{batch, c.filters}, stride, dilate, pad, pad_after;
    if (c.groups > 1) w = {c.groups, c.filters / c.groups, c.channels / c.groups};
    else w = {c.filters, c.channels};
    for (int64_t i = 0; i < c.in.size(); ++i) {
        x.push_back(c.in[i]);
        w.push_back(c.kernel[i]);
        y.push_back(c.out[i]);
        stride.push_back(c.stride[i]);
        dilate.push_back(c.dilate[i] - 1);
        pad.push_back(c.pad[i]);
        // What the last window reaches beyond the input; less than none where strides leave a rest.
        pad_after.push_back((c.out[i] - 1) * c.stride[i] + (c.kernel[i] - 1) * c.dilate[i] + 1 - c.in[i] - c.pad[i]);
    }
    auto any = [](const dims& d) { return memory::desc(d, memory::data_type::f32, memory::format_tag::any); };
    p->plain[0] = c_order(x), p->plain[1] = c_order(w), p->plain[2] = c_order(y);
    if (c.groups == 1) {
        dims strides = p->plain[1].dims();
        int64_t step = 1;
        for (size_t i = w.size(); i-- > 1; step *= w[i]) strides[i] = step;
        strides[0] = weight_step;
        p->plain[1] = {w, memory::data_type::f32, strides};
    }
    dnnl::primitive_attr attr;
    attr.set_scratchpad_mode(dnnl::scratchpad_mode::user);
    auto algorithm = dnnl::algorithm::convolution_direct;
    p->bias = with_bias ? c_order({c.filters}) : memory::desc();
    dnnl::convolution_forward::desc d =
        with_bias ? dnnl::convolution_forward::desc(dnnl::prop_kind::forward_training, algorithm, any(x), any(w),
                                                    p->bias, any(y), stride, dilate, pad, pad_after)
                  : dnnl::convolution_forward::desc(dnnl::prop_kind::forward_training, algorithm, any(x), any(w),
                                                    any(y), stride, dilate, pad, pad_after);
    dnnl::convolution_forward::primitive_desc forward(d, attr, engine());
    auto keep = [&](const auto& pd, const memory::desc& a, const memory::desc& b, const memory::desc& r) {
        p->wanted[0] = a, p->wanted[1] = b, p->wanted[2] = r;
        p->scratch = pd.scratchpad_desc();
    };
    if (kind == Kind::forward) {
        keep(forward, forward.src_desc(), forward.weights_desc(), forward.dst_desc());
        p->run = dnnl::convolution_forward(forward);
    } else if (kind == Kind::data) {
        dnnl::convolution_backward_data::desc b(algorithm, any(x), any(w), any(y), stride, dilate, pad, pad_after);
        dnnl::convolution_backward_data::primitive_desc pd(b, attr, engine(), forward);
        keep(pd, pd.diff_src_desc(), pd.weights_desc(), pd.diff_dst_desc());
        p->run = dnnl::convolution_backward_data(pd);
    } else {
        dnnl::convolution_backward_weights::desc b(algorithm, any(x), any(w), any(y), stride, dilate, pad, pad_after);
        dnnl::convolution_backward_weights::primitive_desc pd(b, attr, engine(), forward);
        keep(pd, pd.src_desc(), pd.diff_weights_desc(), pd.diff_dst_desc());
        p->run = dnnl::convolution_backward_weights(pd);
    }
    int result = kind == Kind::forward ? 2 : kind == Kind::data ? 0 : 1;
    for (int i = 0; i < 3; ++i) {
        p->needs[i] = p->wanted[i] != p->plain[i];
        if (!p->needs[i]) continue;
        const memory::desc &from = i == result ? p->wanted[i] : p->plain[i],
                           &to = i == result ? p->plain[i] : p->wanted[i];
        p->reorder[i] = dnnl::reorder(dnnl::reorder::primitive_desc(engine(), from, engine(), to));
    }
    return p;
}

std::shared_ptr<const Primitive> find(Kind kind, const Convolution& c, int64_t batch, bool with_bias,
                                      int64_t weight_step) {
    static std::mutex* mutex = new std::mutex;
    static auto* cache = new std::map<std::vector<int64_t>, std::shared_ptr<const Primitive>>;
    std::vector<int64_t> key{int64_t(kind), batch, c.channels, c.filters, c.groups, with_bias, weight_step};
    for (const Dims* d : {&c.in, &c.kernel, &c.out, &c.stride, &c.pad, &c.dilate})
        key.insert(key.end(), d->begin(), d->end());
    {
        std::lock_guard lock(*mutex);
        if (auto it = cache->find(key); it != cache->end()) return it->second;
    }
    auto fresh = make(kind, c, batch, with_bias, weight_step);
    std::lock_guard lock(*mutex);
    if (cache->size() >= 512) cache->clear();
    return cache->emplace(std::move(key), std::move(fresh)).first->second;
}

// data, weight and result side in C order; one of them is written. `weights`: in the primitive's own order, or null.
void execute(Kind kind, const Primitive& p, const float* bias, void* a, void* b, void* r, void* weights,
             char* scratch) {
    static constexpr int kArguments[3][3] = {{DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_DST},
                                             {DNNL_ARG_DIFF_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_DIFF_DST},
                                             {DNNL_ARG_SRC, DNNL_ARG_DIFF_WEIGHTS, DNNL_ARG_DIFF_DST}};
    dnnl::stream stream(engine());
    void* given[3] = {a, b, r};
    int result = kind == Kind::forward ? 2 : kind == Kind::data ? 0 : 1;
    std::unordered_map<int, memory> arguments;
    memory outer[3], inner[3];
    for (int i = 0; i < 3; ++i) {
        outer[i] = memory(p.plain[i], engine(), given[i]);
        inner[i] = outer[i];
        if (i == 1 && weights) {
            inner[i] = memory(p.wanted[i], engine(), weights);
        } else if (p.needs[i]) {
            inner[i] = memory(p.wanted[i], engine(), scratch);
            scratch += p.reordered(i);
            if (i != result) p.reorder[i].execute(stream, outer[i], inner[i]);
        }
        arguments.emplace(kArguments[int(kind)][i], inner[i]);
    }
    if (bias) arguments.emplace(DNNL_ARG_BIAS, memory(p.bias, engine(), const_cast<float*>(bias)));
    arguments.emplace(DNNL_ARG_SCRATCHPAD, memory(p.scratch, engine(), scratch));
    p.run.execute(stream, arguments);
    if (p.needs[result]) p.reorder[result].execute(stream, inner[result], outer[result]);
    stream.wait();
}

// What a convolution is cut into, by shape alone: tiles of the batch, and where these are few and of one sample each also
// parts of the filters, or for the transpose in the data of its channels.
struct Tiles {
    static constexpr int64_t kEnough = 16, kNarrowest = 32;  // tasks; filters
    static constexpr double kLeastWork = 8e6;                // multiplications of a part

    const Kind kind;
    const bool with_bias;
    Convolution part;
    int64_t batch, samples, across, parts = 1, weight_step;

    Tiles(Kind kind, const Convolution& c, bool with_bias)
        : kind(kind),
          with_bias(with_bias),
          part(c),
          batch(c.batch),
          samples(samples_per_task(kind, c)),
          across(tasks_of(kind, c)) {
        double work = double(c.filters) * double(c.channels) * double(c.kernel_size()) * double(c.out_size());
        int64_t& side = kind == Kind::data ? part.channels : part.filters;
        weight_step = c.channels / c.groups * c.kernel_size();
        while (c.groups == 1 && samples == 1 && across * parts < kEnough && side % (2 * kNarrowest) == 0 &&
               work >= kLeastWork * 2 * double(parts))
            side /= 2, parts *= 2;
    }
    int64_t count() const { return across * parts; }
    int64_t weights() const { return part.filters * (part.channels / part.groups) * part.kernel_size(); }
    // From one part's weights to the next one's.
    int64_t next_weights() const { return kind == Kind::data ? part.channels * part.kernel_size() : weights(); }
    int64_t in() const { return part.channels * part.in_size(); }  // elements of a sample
    int64_t out() const { return part.filters * part.out_size(); }
    int64_t first(int64_t task) const { return task / parts * samples; }
    int64_t size(int64_t task) const { return std::min(samples, batch - first(task)); }
    std::shared_ptr<const Primitive> primitive(int64_t n) const { return find(kind, part, n, with_bias, weight_step); }

    ScratchSizes scratch() const {
        OneThread one;
        try {
            std::shared_ptr<const Primitive> whole = primitive(samples);
            int64_t slot = whole->bytes(kind == Kind::weight), last = size(count() - 1);
            if (last != samples) slot = std::max(slot, primitive(last)->bytes(true));
            // Sums of weights of all tiles but the first, which writes the result; or weights that are read, reordered.
            int64_t shared = kind == Kind::weight ? checked_mul(across - 1, parts * weights() * 4)
                             : whole->needs[1]    ? checked_mul(parts, whole->reordered(1))
                                                  : 0;
            return {shared, slot};
        } catch (const dnnl::error& e) { rethrow(e); }
    }
    template <class F> void run(F&& fn) const {  // fn(task, part), by oneDNN on this thread alone
        parallel_for(count(), [&](int64_t task) {
            OneThread one;
            try {
                fn(task, task % parts);
            } catch (const dnnl::error& e) { rethrow(e); }
        });
    }
};

float* at(const float* p, int64_t offset) { return const_cast<float*>(p) + offset; }

// The weights as whole tiles want them, reordered once for all.
class Weights {
public:
    Weights(const Tiles& t, const float* weight, char* room)
        : whole_(t.primitive(t.samples)), data_(whole_->needs[1] ? room : nullptr) {
        if (!data_) return;
        parallel_for(t.parts, [&](int64_t i) {
            OneThread one;
            try {
                dnnl::stream stream(engine());
                memory plain(whole_->plain[1], engine(), at(weight, i * t.next_weights()));
                memory wanted(whole_->wanted[1], engine(), data_ + i * whole_->reordered(1));
                whole_->reorder[1].execute(stream, plain, wanted);
                stream.wait();
            } catch (const dnnl::error& e) { rethrow(e); }
        });
    }
    void* of(const Primitive& p, int64_t part) const {
        return data_ && p.wanted[1] == whole_->wanted[1] ? data_ + part * whole_->reordered(1) : nullptr;
    }

private:
    std::shared_ptr<const Primitive> whole_;
    char* data_;
};

}  // namespace

int64_t dnnl_scratch(ConvolutionPart kind, const Convolution& c, bool with_bias) {
    Tiles t(kind, c, with_bias);
    return t.scratch().bytes(t.count());
}

void dnnl_convolve(const Convolution& c, const float* x, const float* weight, const float* bias, float* y,
                   const Array& set_aside) {
    Tiles t(Kind::forward, c, bias);
    Scratch scratch(set_aside, t.scratch(), t.count());
    Weights weights(t, weight, scratch.shared());
    t.run([&](int64_t task, int64_t part) {
        Scratch::Slot slot(scratch);
        std::shared_ptr<const Primitive> p = t.primitive(t.size(task));
        execute(Kind::forward, *p, bias ? bias + part * t.part.filters : nullptr, at(x, t.first(task) * t.in()),
                at(weight, part * t.next_weights()), y + (t.first(task) * t.parts + part) * t.out(),
                weights.of(*p, part), slot.get());
    });
}

void dnnl_convolve_transpose_data(const Convolution& c, const float* g, const float* weight, float* dx,
                                  const Array& set_aside) {
    Tiles t(Kind::data, c, false);
    Scratch scratch(set_aside, t.scratch(), t.count());
    Weights weights(t, weight, scratch.shared());
    t.run([&](int64_t task, int64_t part) {
        Scratch::Slot slot(scratch);
        std::shared_ptr<const Primitive> p = t.primitive(t.size(task));
        execute(Kind::data, *p, nullptr, dx + (t.first(task) * t.parts + part) * t.in(),
                at(weight, part * t.next_weights()), at(g, t.first(task) * t.out()), weights.of(*p, part), slot.get());
    });
}

void dnnl_convolve_transpose_weight(const Convolution& c, const float* g, const float* x, float* dweight,
                                    const Array& set_aside) {
    Tiles t(Kind::weight, c, false);
    Scratch scratch(set_aside, t.scratch(), t.count());
    float* others = reinterpret_cast<float*>(scratch.shared());
    int64_t weights = t.parts * t.weights();
    t.run([&](int64_t task, int64_t part) {
        Scratch::Slot slot(scratch);
        int64_t tile = task / t.parts;
        float* to = (tile == 0 ? dweight : others + (tile - 1) * weights) + part * t.weights();
        execute(Kind::weight, *t.primitive(t.size(task)), nullptr, at(x, t.first(task) * t.in()), to,
                at(g, (t.first(task) * t.parts + part) * t.out()), nullptr, slot.get());
    });
    for (int64_t tile = 1; tile < t.across; ++tile)
        for (int64_t i = 0; i < weights; ++i) dweight[i] += others[(tile - 1) * weights + i];
}

}  // namespace minpy
