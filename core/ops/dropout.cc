// Dropout: a product with a mask that is a function of the random state, so that recorded calls replay it.
#include "core/cpu/pool.h"
#include "core/ops/calls.h"
#include "core/registry/registry.h"

namespace minpy {
namespace {

DimsView view(const Dims& d) { return {d.data(), size_t(d.size())}; }

// Philox 4x32-10 (Salmon et al., 2011): the first word at a counter.
uint32_t philox(uint64_t key, uint64_t stream, uint64_t counter) {
    uint32_t c[4] = {uint32_t(counter), uint32_t(counter >> 32), uint32_t(stream), uint32_t(stream >> 32)};
    uint32_t k0 = uint32_t(key), k1 = uint32_t(key >> 32);
    for (int round = 0; round < 10; ++round) {
        uint64_t a = uint64_t(0xD2511F53u) * c[0], b = uint64_t(0xCD9E8D57u) * c[2];
        uint32_t next[4] = {uint32_t(b >> 32) ^ c[1] ^ k0, uint32_t(b), uint32_t(a >> 32) ^ c[3] ^ k1, uint32_t(a)};
        for (int i = 0; i < 4; ++i) c[i] = next[i];
        k0 += 0x9E3779B9u, k1 += 0xBB67AE85u;
    }
    return c[0];
}

}  // namespace

void register_dropout(Registry& r) {
    r.op("_dropout_mask(shape: ints, p: float, dtype: dtype, seed: int, stream: int, counter: int)")
        .infer([](Call& c) { c.output(view(c.ints(0)), c.dtype(2, DType::float32)); })
        .kernel([](Call& c) {
            Array mask = empty(c.out[0].shape(), DType::float32);
            uint64_t seed = uint64_t(c.integer(3)), stream = uint64_t(c.integer(4)), counter = uint64_t(c.integer(5));
            double p = c.number(1);
            float kept = float(1 / (1 - p));
            float* to = mask.raw_as<float>();
            constexpr int64_t kChunk = 8192;
            parallel_for((mask.size() + kChunk - 1) / kChunk, [&](int64_t task) {
                for (int64_t i = task * kChunk; i < std::min(mask.size(), (task + 1) * kChunk); ++i)
                    to[i] = double(philox(seed, stream, counter + uint64_t(i))) * 0x1p-32 < p ? 0 : kept;
            });
            copy_into(c.out[0], mask);
        })
        .no_gradient()
        .doc("0 with probability p, else 1 / (1 - p): a function of seed, stream and counter.");

    r.op("dropout(x, p: float = 0.5, training: bool? = None)")
        .composite([](Call& c) {
            const Array& x = c.in[0];
            double p = c.number(1);
            if (!(p >= 0 && p < 1)) throw value_error("p must be in [0, 1), got ", p).in_argument("p");
            if (!in(x.dtype(), kFloating | kComplex))
                throw type_error("dropout needs floating-point arrays, got ", name(x.dtype()));
            bool training = c.is_none(2) ? c.context.training : c.flag(2);
            if (!training || p == 0) {
                c.out.push_back(call(MINPY_OP("_alias"), x));
                return;
            }
            Rng& rng = *c.context.rng;
            uint64_t counter = rng.counter.fetch_add(uint64_t(x.size()));
            Array mask = call(MINPY_OP("_dropout_mask"), x.shape(), p, real_of(x.dtype()), int64_t(rng.seed),
                              int64_t(rng.stream), int64_t(counter));
            c.out.push_back(x * ops::to_device(mask, x.device()));
        })
        .sample("f64(2,3), 0.5, training=False")
        .doc("In training a random part p of the elements is zero and the rest scaled by 1 / (1 - p); else x itself.");
}

}  // namespace minpy
