// MXNet's layers for sequences under their names: data is (time, batch, ...), with a length for each sequence of the batch.
#include "core/ops/mx.h"
#include "core/registry/registry.h"

namespace minpy {
namespace {

using Names = std::vector<std::string>;

Names with_lengths(const Op& op, ValuesView args) {
    bool lengths = int_of(args[size_t(op.param("use_sequence_length"))]) != 0;
    return lengths ? Names{"data", "sequence_length"} : Names{"data"};
}

void infer_lengths(NodeShapes& n) {
    if (n.known(0) && n.shape(0).size() < 2) throw shape_error("the data must be (time, batch, ...), got ", n.shape(0));
    if (n.known(0) && n.in.size() > 1) n.set_in(1, {n.shape(0)[1]});
}
const SymbolTraits kWithLengths{with_lengths, 0, nullptr, [](NodeShapes& n) {
                                    n.all_same(0, 1);
                                    infer_lengths(n);
                                }};
const SymbolTraits kLast{with_lengths, 0, nullptr, [](NodeShapes& n) {
                             infer_lengths(n);
                             if (n.known(0)) n.set_out(0, Dims(n.shape(0).begin() + 1, n.shape(0).end()));
                         }};

// The lengths as (1, batch, 1, ...) and the steps as (time, 1, 1, ...), both int64; null where no lengths are used.
struct Steps {
    Array lengths, steps;
    Array last() const { return call(MINPY_OP("subtract"), lengths, 1); }
    explicit Steps(const Call& c) {
        const Array &x = c.in[0], &given = c.in[1];
        if (x.ndim() < 2)
            throw shape_error("the data must be (time, batch, ...), got shape ", to_string(x.shape()))
                .in_argument("data");
        if (!c.flag(c.op.param("use_sequence_length"))) return;
        if (!given) throw value_error("use_sequence_length needs sequence_length").in_argument("sequence_length");
        if (given.ndim() != 1 || given.dim(0) != x.dim(1))
            throw shape_error("sequence_length must have shape (", x.dim(1), ",), got ", to_string(given.shape()))
                .in_argument("sequence_length");
        Dims across(int64_t(x.ndim()), 1), along = across;
        across[1] = x.dim(1), along[0] = x.dim(0);
        lengths = ops::reshape(ops::astype(given, DType::int64), view(across));
        steps = ops::reshape(ops::to_device(call(MINPY_OP("arange"), x.dim(0)), x.device()), view(along));
    }
};

void sequence_mask(Call& c) {
    Steps s(c);
    const Array& x = c.in[0];
    if (!s.lengths) c.out.push_back(call(MINPY_OP("_alias"), x));
    else c.out.push_back(ops::where(ops::less(s.steps, s.lengths), x, c.number(c.op.param("value"))));
}

void sequence_last(Call& c) {
    Steps s(c);
    const Array& x = c.in[0];
    if (x.dim(0) == 0) throw shape_error("the data has no steps").in_argument("data");
    Dims shape(x.shape().begin() + 1, x.shape().end());
    Array last = s.lengths ? call(MINPY_OP("take_along_axis"), x, ops::maximum(s.last(), 0), 0)
                           : ops::slice(x, 0, x.dim(0) - 1, x.dim(0));
    c.out.push_back(ops::reshape(last, view(shape)));
}

void sequence_reverse(Call& c) {
    Steps s(c);
    const Array& x = c.in[0];
    if (!s.lengths) {
        c.out.push_back(call(MINPY_OP("flip"), x, 0));
        return;
    }
    Array places = ops::where(ops::less(s.steps, s.lengths), s.last() - s.steps, s.steps);
    c.out.push_back(call(MINPY_OP("take_along_axis"), x, places, 0));
}

}  // namespace

void register_mx_sequences(Registry& r) {
    r.op("mx.SequenceMask(data, sequence_length: array? = None, use_sequence_length: bool = False, value: float = 0.0)")
        .composite(sequence_mask)
        .symbol(&kWithLengths)
        .sample("f64(3,2,2), [1, 3], use_sequence_length=True")
        .doc("Steps behind the end of each sequence are `value`.");
    r.op("mx.SequenceLast(data, sequence_length: array? = None, use_sequence_length: bool = False)")
        .composite(sequence_last)
        .symbol(&kLast)
        .sample("f64(3,2,2), [1, 3], use_sequence_length=True")
        .doc("The last step of each sequence, of an empty one the first.");
    r.op("mx.SequenceReverse(data, sequence_length: array? = None, use_sequence_length: bool = False)")
        .composite(sequence_reverse)
        .symbol(&kWithLengths)
        .sample("f64(3,2,2), [1, 3], use_sequence_length=True")
        .doc("Each sequence backwards; what is behind its end stays.");
}

}  // namespace minpy
