// MXNet's normalising layers under their names: composites over the operators of normalization.cc.
#include "core/ops/mx.h"
#include "core/registry/registry.h"

namespace minpy {
namespace {

// gamma and beta have a number for each channel.
const SymbolTraits kChannels{nullptr, 0, nullptr, [](NodeShapes& n) {
                                 n.all_same(0, 1);
                                 if (!n.known(0) || n.shape(0).size() < 2) return;
                                 for (size_t i = 1; i < 3; ++i) n.set_in(i, {n.shape(0)[1]});
                             }};

void l2_normalization(Call& c) {
    const Array& x = c.in[0];
    std::string_view mode = c.text(2);
    if (x.ndim() < 2) throw shape_error("the data must have at least 2 axes, got shape ", to_string(x.shape()));
    Dims axes;
    if (mode == "channel") axes = {1};
    else if (mode != "instance" && mode != "spatial")
        throw value_error("mode must be 'instance', 'spatial' or 'channel', got '", mode, "'").in_argument("mode");
    for (int64_t i = mode == "spatial" ? 2 : 1; mode != "channel" && i < x.ndim(); ++i) axes.push_back(i);
    Array squares = ops::sum(call(MINPY_OP("square"), x), view(axes), true);
    c.out.push_back(x / call(MINPY_OP("sqrt"), squares + c.number(1)));
}

}  // namespace

void register_mx_normalization(Registry& r) {
    r.op("mx.LRN(data, nsize: int, alpha: float = 0.0001, beta: float = 0.75, knorm: float = 2.0)")
        .composite([](Call& c) {
            c.out.push_back(
                call(MINPY_OP("local_response_norm"), c.in[0], c.integer(1), c.number(2), c.number(3), c.number(4)));
        })
        .symbol(&kSame)
        .sample("f64(2,4,3), 3, alpha=0.5")
        .doc("Local response normalisation over nsize neighbouring channels.");
    r.op("mx.InstanceNorm(data, gamma, beta, eps: float = 0.001)")
        .composite(
            [](Call& c) { c.out.push_back(call(MINPY_OP("instance_norm"), c.in[0], c.in[1], c.in[2], c.number(3))); })
        .symbol(&kChannels)
        .sample("f64(2,3,4), f64(3), f64(3)")
        .doc("Each channel of each sample normalised over its spatial axes.");
    r.op("mx.L2Normalization(data, eps: float = 1e-10, mode: str = 'instance')")
        .composite(l2_normalization)
        .symbol(&kSame)
        .sample("f64(2,3,2)")
        .sample("f64(2,3,2), mode='channel'")
        .doc("The data divided by its length: of each sample, of each channel of it, or along the channels.");
}

}  // namespace minpy
