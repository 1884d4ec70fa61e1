"""The workloads that MinPy published, in sizes for a processor, over HIPS autograd."""

import networks
import numpy as np
from cases import Case, Group

FLOAT = np.float32


def step(network):
    return lambda library: {"step": network(library).step()}


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
    return step(lambda library: networks.Mlp(library, 784, hidden, depth, 10, batch, True))


def case(name, setup):
    return Case(name, "step()", setup, ("autograd",), 0.2, forced=False)


GROUPS = (
    Group(
        "workloads",
        "MinPy's published workloads",
        "Loss and gradients, float32, in sizes for a processor.",
        (
            case("logistic 256×500→250", step(Logistic)),
            case("multinomial 10000×500×5", step(Multinomial)),
            case("breadth: 784-128-10, batch 256", mlp(128, 1, 256)),
            case("breadth: 784-1024-10, batch 256", mlp(1024, 1, 256)),
            case("depth 5, hidden 512, batch 256", mlp(512, 5, 256)),
            case("depth 50, hidden 64, batch 32", mlp(64, 50, 32)),
            case("RNN batch 32, hidden 128", step(lambda library: Recurrent(library, 32, 128))),
            case("RNN batch 32, hidden 512", step(lambda library: Recurrent(library, 32, 512))),
        ),
    ),
)
