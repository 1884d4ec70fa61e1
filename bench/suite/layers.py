"""Layers of networks, float32: each alone, and with the gradients of all its operands."""

import numpy as np
from cases import Case, Group


def operator(name, *attributes, **named):
    """An operator of ours as a function of its arrays."""

    def of(library):
        f = library.module._minpy._operator(name)
        return lambda *arrays: f(*arrays, *attributes, **named)

    return of


def function(name, *attributes, **named):
    """The same of torch.nn.functional."""

    def of(library):
        f = getattr(library.xp.nn.functional, name)
        return lambda *arrays: f(*arrays, *attributes, **named)

    return of


def torch_batch_norm(library):
    norm = library.xp.nn.functional.batch_norm
    return lambda x, gamma, beta: norm(x, None, None, gamma, beta, True)


def torch_layer_norm(library):
    norm = library.xp.nn.functional.layer_norm
    return lambda x, gamma, beta: norm(x, gamma.shape, gamma, beta)


def recurrent(mode, hidden):
    """Inputs and all parameters in one array, as ours has them; PyTorch's own are of the same sizes."""

    def ours(library):
        f = library.module._minpy._operator("rnn")
        named = {"state_size": hidden, "num_layers": 1, "mode": mode}

        def run(x, parameters):
            state = library.xp.zeros((1, x.shape[1], hidden), dtype=np.float32)
            return f(x, parameters, state, *([state] if mode == "lstm" else []), **named)

        return run

    def torch(library):
        net = getattr(library.xp.nn, mode.upper())(64, hidden)
        # The parameters that are given take no part, so that their gradient is asked of the net's own.
        return lambda x, parameters: net(x)[0] + 0 * parameters[0]

    return ours, torch


GATES = {"lstm": 4, "gru": 3}


def parameters(mode, inputs, hidden):
    return (GATES[mode] * hidden * (inputs + hidden + 2),)


LAYERS = (
    ("softmax 1024×1000", ((1024, 1000),), operator("softmax"), function("softmax", -1)),
    ("log_softmax 1024×1000", ((1024, 1000),), operator("log_softmax"), function("log_softmax", -1)),
    ("softmax 32×1000×49, axis 1", ((32, 1000, 49),), operator("softmax", 1), function("softmax", 1)),
    (
        "batch_norm 64×32×32×32",
        ((64, 32, 32, 32), (32,), (32,)),
        operator("batch_norm", training=True),
        torch_batch_norm,
    ),
    ("layer_norm 1024×1024", ((1024, 1024), (1024,), (1024,)), operator("layer_norm"), torch_layer_norm),
    ("max pooling 64×32×32×32", ((64, 32, 32, 32),), operator("pooling", 2, "max", 2), function("max_pool2d", 2)),
    ("convolution 1-D, 32×64×512, 64 of 5", ((32, 64, 512), (64, 64, 5)), operator("convolution"), function("conv1d")),
    ("2-D, 16×64×28×28, 64 of 3×3", ((16, 64, 28, 28), (64, 64, 3, 3)), operator("convolution"), function("conv2d")),
    (
        "one sample of 64×56×56, 64 of 3×3",
        ((1, 64, 56, 56), (64, 64, 3, 3)),
        operator("convolution"),
        function("conv2d"),
    ),
    (
        "3-D, 2×16×16×32×32, 32 of 3×3×3",
        ((2, 16, 16, 32, 32), (32, 16, 3, 3, 3)),
        operator("convolution"),
        function("conv3d"),
    ),
    (
        "in 4 groups, 16×64×28×28, 64 of 3×3",
        ((16, 64, 28, 28), (64, 16, 3, 3)),
        operator("convolution", groups=4),
        function("conv2d", groups=4),
    ),
    (
        "dilated, 8×32×64×64, 32 of 3×3",
        ((8, 32, 64, 64), (32, 32, 3, 3)),
        operator("convolution", dilate=2),
        function("conv2d", dilation=2),
    ),
    (
        "transposed, 16×64×14×14, 32 of 4×4",
        ((16, 64, 14, 14), (64, 32, 4, 4)),
        operator("mx.Deconvolution", stride=(2, 2), pad=(1, 1), num_filter=32),
        function("conv_transpose2d", stride=2, padding=1),
    ),
    ("LSTM 35×20×64, 200", ((35, 20, 64), parameters("lstm", 64, 200)), *recurrent("lstm", 200)),
    ("GRU 35×20×64, 200", ((35, 20, 64), parameters("gru", 64, 200)), *recurrent("gru", 200)),
)


def arrays(library, shapes):
    random = np.random.default_rng(0)
    return [library.array((random.standard_normal(s) * 0.3).astype(np.float32)) for s in shapes]


def alone(shapes, **of):
    def names(library):
        given, layer = arrays(library, shapes), of[library.name](library)
        if library.name == "minpy":
            return {"f": lambda: layer(*given)}

        def without_tape():
            with library.xp.no_grad():
                return layer(*given)

        return {"f": without_tape}

    return names


def with_gradients(shapes, **of):
    def names(library):
        given, layer, xp = arrays(library, shapes), of[library.name](library), library.xp
        if library.name == "minpy":
            both = library.module.core.grad_and_loss(lambda *a: xp.sum(layer(*a)), argnum=range(len(given)))

            def f():
                for g in both(*given)[0]:
                    library.done(g)
        else:
            given = [a.requires_grad_(True) for a in given]

            def f():
                return xp.autograd.grad(layer(*given).sum(), given)

        return {"f": f}

    return names


GROUPS = (
    Group(
        "layers",
        "Layers of networks",
        "float32; alone, and with the gradients of all operands.",
        tuple(
            Case(name + which, "f()", make(shapes, minpy=ours, torch=torch), ("torch",), 1.2, forced=not which)
            for name, shapes, ours, torch in LAYERS
            for which, make in (("", alone), (", gradients", with_gradients))
        ),
        mean=1.0,
    ),
)
