"""The networks of the training steps, once; each library has its words for them, and its way to differentiate."""

import numpy as np

FLOAT = np.float32


class Words:
    """What a network says, in NumPy's names."""

    def __init__(self, library):
        self.library, self.xp = library, library.xp

    def linear(self, x, w, b=None):
        return self.xp.matmul(x, w) if b is None else self.xp.matmul(x, w) + b

    def relu(self, x):
        return self.xp.maximum(x, 0)

    def tanh(self, x):
        return self.xp.tanh(x)

    def flatten(self, x):
        return x.reshape(x.shape[0], -1)

    def cross_entropy(self, z, onehot):
        xp = self.xp
        z = z - xp.max(z, axis=1, keepdims=True)
        log_probability = z - xp.log(xp.sum(xp.exp(z), axis=1, keepdims=True))
        return -xp.mean(xp.sum(onehot * log_probability, axis=1))

    def labels(self, labels, classes):
        return self.library.array(np.eye(classes, dtype=FLOAT)[labels])


class MinPyWords(Words):
    """Convolutions are a symbol, called as a `Function`."""

    def features(self, x, w1, b1, w2, b2):
        if not hasattr(self, "_features"):
            sym = self.library.module.sym
            net = sym.Variable("x")
            for name, filters in (("conv1", 32), ("conv2", 64)):
                net = sym.Convolution(net, name=name, kernel=(3, 3), pad=(1, 1), num_filter=filters)
                net = sym.Activation(net, act_type="relu")
                net = sym.Pooling(net, pool_type="max", kernel=(2, 2), stride=(2, 2))
            function = self.library.module.core.Function
            self._features = function(sym.Flatten(net), input_shapes={"x": tuple(x.shape)})
        return self._features(x=x, conv1_weight=w1, conv1_bias=b1, conv2_weight=w2, conv2_bias=b2)

    def step(self, loss, params, *data):
        return self._timed(self._both(loss, params), params, data)

    def compiled(self, loss, params, *data):
        return self._timed(self.library.module.compile(self._both(loss, params)), params, data)

    def _both(self, loss, params):
        return self.library.module.core.grad_and_loss(loss, argnum=range(len(params)))

    def _timed(self, both, params, data):
        wait = self.library.done

        def step():
            gradients, value = both(*params, *data)
            for g in gradients:
                wait(g)
            return float(value)

        return step


class AutogradWords(Words):
    def step(self, loss, params, *data):
        both = self.library.module.value_and_grad(loss, argnum=tuple(range(len(params))))
        return lambda: both(*params, *data)


class TorchWords(Words):
    def __init__(self, library):
        super().__init__(library)
        self.f = self.xp.nn.functional

    def linear(self, x, w, b=None):
        return self.xp.mm(x, w) if b is None else self.xp.addmm(b, x, w)

    def relu(self, x):
        return self.xp.relu(x)

    def features(self, x, w1, b1, w2, b2):
        f = self.f
        for w, b in ((w1, b1), (w2, b2)):
            x = f.max_pool2d(f.relu(f.conv2d(x, w, b, padding=1)), 2)
        return self.flatten(x)

    def cross_entropy(self, z, labels):
        return self.f.cross_entropy(z, labels)

    def labels(self, labels, classes):
        return self.library.array(labels)

    def step(self, loss, params, *data):
        params = [p.requires_grad_(True) for p in params]

        def step():
            value = loss(*params, *data)
            return self.xp.autograd.grad(value, params), value.item()

        return step

    compiled = step


class JaxWords(Words):
    def features(self, x, w1, b1, w2, b2):
        lax = self.library.module.lax
        for w, b in ((w1, b1), (w2, b2)):
            x = lax.conv_general_dilated(x, w, (1, 1), "SAME") + b[:, None, None]
            x = lax.reduce_window(self.relu(x), -self.xp.inf, lax.max, (1, 1, 2, 2), (1, 1, 2, 2), "VALID")
        return self.flatten(x)

    def compiled(self, loss, params, *data):
        both = self.library.module.jit(self.library.module.value_and_grad(loss, argnums=tuple(range(len(params)))))
        return lambda: self.library.done(both(*params, *data))

    step = compiled


class MlxWords(Words):
    def features(self, x, w1, b1, w2, b2):
        from mlx import nn

        pool = nn.MaxPool2d(2)
        x = x.transpose(0, 2, 3, 1)
        for w, b in ((w1, b1), (w2, b2)):
            x = pool(self.relu(self.xp.conv2d(x, w.transpose(0, 2, 3, 1), padding=1) + b))
        return self.flatten(x.transpose(0, 3, 1, 2))

    def compiled(self, loss, params, *data):
        both = self.xp.compile(self.xp.value_and_grad(loss, argnums=tuple(range(len(params)))))
        return lambda: self.xp.eval(both(*params, *data))

    step = compiled


def words(library):
    kinds = {"minpy": MinPyWords, "autograd": AutogradWords, "torch": TorchWords, "jax": JaxWords, "mlx": MlxWords}
    return kinds[library.name](library)


class Network:
    """Parameters, data and a loss; random, the same in every library."""

    def __init__(self, library):
        self.words, self.library = words(library), library
        self.random, self.params, self.data = np.random.default_rng(0), [], []

    def parameter(self, *shape):
        inputs = np.prod(shape[1:]) if len(shape) == 4 else shape[0]
        self.params.append(self.library.array((self.random.standard_normal(shape) * (2 / inputs) ** 0.5).astype(FLOAT)))

    def zeros(self, n):
        self.params.append(self.library.array(np.zeros(n, FLOAT)))

    def input(self, *shape):
        self.data.append(self.library.array(self.random.standard_normal(shape).astype(FLOAT)))

    def labels(self, batch, classes):
        self.data.append(self.words.labels(self.random.integers(0, classes, batch), classes))

    def step(self, compiled=False):
        make = self.words.compiled if compiled else self.words.step
        return make(self.loss, self.params, *self.data)


class Mlp(Network):
    """Hidden layers with ReLU, softmax cross-entropy; with biases or without."""

    def __init__(self, library, inputs, hidden, depth, classes, batch, biases):
        super().__init__(library)
        self.biases = biases
        for n, m in zip([inputs] + [hidden] * depth, [hidden] * depth + [classes], strict=True):
            self.parameter(n, m)
            if biases:
                self.zeros(m)
        self.input(batch, inputs)
        self.labels(batch, classes)

    def loss(self, *arguments):
        *params, x, labels = arguments
        layers = list(zip(params[::2], params[1::2], strict=True)) if self.biases else [(w, None) for w in params]
        for w, b in layers[:-1]:
            x = self.words.relu(self.words.linear(x, w, b))
        return self.words.cross_entropy(self.words.linear(x, *layers[-1]), labels)


class Rnn(Network):
    """A recurrent layer with tanh, its last state classified."""

    def __init__(self, library, steps, inputs, hidden, classes, batch):
        super().__init__(library)
        self.steps = steps
        self.parameter(inputs, hidden)
        self.parameter(hidden, hidden)
        self.zeros(hidden)
        self.parameter(hidden, classes)
        self.zeros(classes)
        self.input(steps, batch, inputs)
        self.data.append(library.array(np.zeros((batch, hidden), FLOAT)))
        self.labels(batch, classes)

    def loss(self, wx, wh, b, w, c, x, h, labels):
        words = self.words
        for t in range(self.steps):
            h = words.tanh(words.linear(x[t], wx, b) + words.linear(h, wh))
        return words.cross_entropy(words.linear(h, w, c), labels)


class Branches(Network):
    """Layers side by side on one input, their results added."""

    def __init__(self, library, count, width, batch):
        super().__init__(library)
        for _ in range(count):
            self.parameter(width, width)
        self.input(batch, width)

    def loss(self, *arguments):
        *weights, x = arguments
        total = 0
        for w in weights:
            total = total + self.words.tanh(self.words.linear(x, w))
        return (total * total).sum()


class Cnn(Network):
    """Two convolutions 3x3 with ReLU and max-pooling, then a linear layer."""

    def __init__(self, library, batch):
        super().__init__(library)
        for n, m in ((3, 32), (32, 64)):
            self.parameter(m, n, 3, 3)
            self.zeros(m)
        self.parameter(4096, 10)
        self.zeros(10)
        self.input(batch, 3, 32, 32)
        self.labels(batch, 10)

    def loss(self, w1, b1, w2, b2, w, b, x, labels):
        return self.words.cross_entropy(self.words.linear(self.words.features(x, w1, b1, w2, b2), w, b), labels)
