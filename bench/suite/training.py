"""Training steps: loss and gradients of four networks, float32."""

import networks
from cases import Case, Group

NETWORKS = {
    "MLP 784-1024×3-10, batch 256": lambda library: networks.Mlp(library, 784, 1024, 3, 10, 256, True),
    "MLP 50×256, batch 128": lambda library: networks.Mlp(library, 256, 256, 50, 10, 128, False),
    "RNN 50 steps, 64-256, batch 64": lambda library: networks.Rnn(library, 50, 64, 256, 10, 64),
    "CNN 3-32-64, 32×32, batch 64": lambda library: networks.Cnn(library, 64),
}


def setup(network, compiled):
    return lambda library: {"step": network(library).step(compiled)}


def cases(compiled, over, aim, also=()):
    return tuple(
        Case(name, "step()", setup(network, compiled), over, aim, also, forced=False)
        for name, network in NETWORKS.items()
    )


EAGER = Group(
    "training",
    "Training steps, eager",
    "Loss and gradients, softmax cross-entropy; the MLP of 50 layers has no biases, the others have.",
    cases(False, ("torch",), 1.0),
    mean=0.9,
)
COMPILED = Group(
    "compiled",
    "Training steps, compiled",
    "The same, ours through `minpy.compile`, JAX and MLX compiled, PyTorch eager.",
    cases(True, ("jax", "torch"), 1.05, also=("mlx",)),
    mean=0.9,
)
BRANCHES = Group(
    "branches",
    "Independent branches, compiled",
    "Loss and gradients of layers with tanh on one input, their results added: small products that need nothing of one "
    "another.",
    tuple(
        Case(
            f"{count} of {width}, batch {batch}",
            "step()",
            setup(lambda library, size=(count, width, batch): networks.Branches(library, *size), True),
            ("jax", "torch"),
            1.05,
            also=("mlx",),
            forced=False,
        )
        for count, width, batch in ((8, 128, 32), (8, 512, 128))
    ),
)
GROUPS = (EAGER, COMPILED, BRANCHES)
