// Dropout: a product with a mask that is a function of the random state, so that recorded calls replay it.
#include <cmath>
#include <cstdint>
#include <limits>
#include <type_traits>

#include "core/cpu/pool.h"
#include "core/ops/calls.h"
#include "core/registry/registry.h"

namespace minpy {
namespace elements {
#include "core/ops/math.h"
// The vocabulary first.
#include "core/ops/random.h"
}  // namespace elements

namespace {

DimsView view(const Dims& d) { return {d.data(), size_t(d.size())}; }

}  // namespace

void register_dropout(Registry& r) {
    r.op("_dropout_mask(shape: ints, p: float, dtype: dtype, seed: int, stream: int, draw: int)")
        .infer([](Call& c) { c.output(view(c.ints(0)), c.dtype(2, DType::float32)); })
        .kernel([](Call& c) {
            Array mask = empty(c.out[0].shape(), DType::float32);
            uint64_t key = elements::stream_key(uint64_t(c.integer(3)), uint64_t(c.integer(4))),
                     draw = uint64_t(c.integer(5));
            double p = c.number(1);
            float kept = float(1 / (1 - p));
            float* to = mask.raw_as<float>();
            constexpr int64_t kChunk = 8192;
            parallel_for((mask.size() + kChunk - 1) / kChunk, [&](int64_t task) {
                for (int64_t i = task * kChunk; i < std::min(mask.size(), (task + 1) * kChunk); ++i)
                    to[i] = double(elements::random_words(key, draw, uint64_t(i), 0).w[0]) * 0x1p-32 < p ? 0 : kept;
            });
            copy_into(c.out[0], mask);
        })
        .no_gradient()
        .doc("0 with probability p, else 1 / (1 - p): a function of seed, stream and draw.");

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
            uint64_t draw = rng.counter.fetch_add(1);
            Array mask = call(MINPY_OP("_dropout_mask"), x.shape(), p, real_of(x.dtype()), int64_t(rng.seed),
                              int64_t(rng.stream), int64_t(draw));
            c.out.push_back(x * ops::to_device(mask, x.device()));
        })
        .sample("f64(2,3), 0.5, training=False")
        .doc("In training a random part p of the elements is zero and the rest scaled by 1 / (1 - p); else x itself.");
}

}  // namespace minpy
