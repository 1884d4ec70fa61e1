"""What a `Function` takes on its later calls: allocations."""

import networks
from cases import OURS, Case, Group, Measured


def network(library):
    """The convolutions and the linear layer of the CNN as one symbol."""
    sym, cnn = library.module.sym, networks.Cnn(library, 64)
    net = sym.Variable("x")
    for name, filters in (("conv1", 32), ("conv2", 64)):
        net = sym.Convolution(net, name=name, kernel=(3, 3), pad=(1, 1), num_filter=filters)
        net = sym.Activation(net, act_type="relu")
        net = sym.Pooling(net, pool_type="max", kernel=(2, 2), stride=(2, 2))
    net = sym.FullyConnected(sym.Flatten(net), name="full", num_hidden=10)
    w1, b1, w2, b2, w, b = cnn.params
    arguments = {
        "x": cnn.data[0], "conv1_weight": w1, "conv1_bias": b1, "conv2_weight": w2, "conv2_bias": b2,
        "full_weight": w.T.copy(), "full_bias": b,
    }  # fmt: skip
    return {"f": library.module.core.Function(net), "arguments": arguments}


CALL = Case("CNN forward", "f(**arguments)", network, ())


def allocations(session):
    worker = session.worker(OURS)
    worker.ask("prepare", case=f"function/{CALL.name}")

    return {OURS: worker.ask("allocations")}


GROUPS = (
    Group(
        "function",
        "A second call of a Function",
        "The CNN's forward pass as one symbol; what the memory statistics count on the second call.",
        (CALL, Measured("allocations on the second call", allocations, aim=0, unit="count")),
    ),
)
