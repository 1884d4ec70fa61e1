"""The workloads that MinPy published, in sizes for a processor, over HIPS autograd."""

import networks
import numpy as np
from cases import OURS, Case, Group

FLOAT = np.float32


class Logistic(networks.Network):
    """Regression by a sigmoid that is written with tanh: 256 examples, 500 inputs, 250 outputs."""

    def __init__(self, library):
        super().__init__(library)
        self.parameter(500, 250)
        self.input(256, 500)
        self.labels(256, 250)

    def loss(self, w, x, labels):
        xp = self.library.xp
        prediction = 0.5 * (xp.tanh(xp.dot(x, w) / 2) + 1)
        return -xp.sum(xp.log(prediction * labels + (1 - prediction) * (1 - labels)))


class Multinomial(networks.Network):
    """The tutorial's regression: 10,000 examples, 500 inputs, 5 classes."""

    def __init__(self, library):
        super().__init__(library)
        self.parameter(500, 5)
        self.input(10000, 500)
        self.labels(10000, 5)

    def loss(self, w, x, labels):
        xp = self.library.xp
        z = xp.exp(xp.dot(x, w))
        return -xp.sum(xp.log(z / xp.sum(z, axis=1, keepdims=True)) * labels)


class Recurrent(networks.Network):
    """bench_rnn: 50 steps of 256 inputs, the last state to 10 classes, squared loss."""

    def __init__(self, library, batch, hidden):
        super().__init__(library)
        for shape in ((256, hidden), (hidden, hidden), (hidden, 10)):
            self.parameter(*shape)
        self.zeros(hidden)
        self.input(batch, 50, 256)
        self.data.append(library.array(np.zeros((batch, hidden), FLOAT)))
        self.labels(batch, 10)

    def loss(self, wx, wh, w, b, x, h, target):
        xp = self.library.xp
        for t in range(50):
            h = xp.tanh(xp.dot(x[:, t, :], wx) + xp.dot(h, wh) + b)
        return xp.sum((xp.dot(h, w) - target) ** 2) / x.shape[0]


def mlp(hidden, depth, batch):
    return lambda library: networks.Mlp(library, 784, hidden, depth, 10, batch, True)


def mlp_products(hidden, depth, batch):
    deep = [(batch, hidden, hidden, True)] * (depth - 1)
    return [(batch, 784, hidden, False), *deep, (batch, hidden, 10, True)]


def recurrent(batch, hidden):
    return lambda library: Recurrent(library, batch, hidden)


def recurrent_products(batch, hidden):
    return [(batch, 256, hidden, False), (batch, hidden, hidden, True)] * 50 + [(batch, hidden, 10, True)]


# Each with its products: rows, inputs, outputs, and whether the inputs have a gradient.
WORK = (
    ("logistic 256×500→250", Logistic, [(256, 500, 250, False)]),
    ("multinomial 10000×500×5", Multinomial, [(10_000, 500, 5, False)]),
    ("breadth: 784-128-10, batch 256", mlp(128, 1, 256), mlp_products(128, 1, 256)),
    ("breadth: 784-1024-10, batch 256", mlp(1024, 1, 256), mlp_products(1024, 1, 256)),
    ("depth 5, hidden 512, batch 256", mlp(512, 5, 256), mlp_products(512, 5, 256)),
    ("depth 50, hidden 64, batch 32", mlp(64, 50, 32), mlp_products(64, 50, 32)),
    ("RNN batch 32, hidden 128", recurrent(32, 128), recurrent_products(32, 128)),
    ("RNN batch 32, hidden 512", recurrent(32, 512), recurrent_products(32, 512)),
)


def products_alone(library, products):
    """Forward and backward, of zeros, into arrays that are there."""
    matmul, array = library.xp.matmul, library.array
    operands = {}
    for rows, inputs, outputs, _ in products:
        shapes = (rows, inputs), (inputs, outputs), (rows, outputs)
        operands[rows, inputs, outputs] = [array(np.zeros(shape, FLOAT)) for _ in range(2) for shape in shapes]

    def step():
        for rows, inputs, outputs, deeper in products:
            x, w, y, gx, gw, gy = operands[rows, inputs, outputs]
            matmul(x, w, out=y)
            matmul(x.T, gy, out=gw)
            if deeper:
                matmul(gy, w.T, out=gx)

    return step


def case(name, network, aim, products=None):
    def setup(library):
        alone = products and library.name == OURS
        return {"step": products_alone(library, products) if alone else network(library).step()}

    return Case(name, "step()", setup, ("autograd",), aim, forced=False)


GROUPS = (
    Group(
        "workloads",
        "MinPy's published workloads",
        "Loss and gradients, float32, in sizes for a processor.",
        tuple(case(name, network, 0.2) for name, network, _ in WORK),
    ),
    Group(
        "limits",
        "The products of these workloads",
        "Ours: the matrix products of a step and nothing else, one after the other; autograd's: the whole step as "
        "above. No step can be faster than its products.",
        tuple(case(name, network, None, products) for name, network, products in WORK),
    ),
)
