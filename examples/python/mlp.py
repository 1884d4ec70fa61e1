"""Trains a perceptron, 64-128-10, on handwritten digits: the same computation as mlp.c, mlp.jl and the Go program.

mlp.py FILE.npz: the digits and the first weights, as examples/make_digits.py writes them.
"""

import sys

import minpy.numpy as np
from minpy.core import grad_and_loss

EPOCHS, BATCH, CLASSES = 5, 64, 10


def log_softmax(scores):
    shifted = scores - np.max(scores, axis=1, keepdims=True)
    return shifted - np.log(np.sum(np.exp(shifted), axis=1, keepdims=True))


def loss(w1, b1, w2, b2, x, onehot):
    scores = np.tanh(x @ w1 + b1) @ w2 + b2
    return -np.mean(np.sum(onehot * log_softmax(scores), axis=1))


def train(path):
    file = {name: np.array(array) for name, array in np.load(path).items()}
    params = [file[name] for name in ("w1", "b1", "w2", "b2")]
    digits, labels, rate = file["digits"], file["labels"], file["lr"]
    step = grad_and_loss(loss, argnum=range(4))
    n = len(digits)
    for epoch in range(1, EPOCHS + 1):
        total = 0.0
        for at in range(0, n, BATCH):
            x = digits[at : at + BATCH]
            onehot = labels[at : at + BATCH, None] == np.arange(CLASSES)
            grads, value = step(*params, x, onehot)
            for p, g in zip(params, grads, strict=True):
                p -= rate * g
            total += float(value) * len(x)
        print(f"epoch {epoch} loss {total / n:.6f}")


train(sys.argv[1])
