"""The main job: a convolutional network learns the 1,797 real handwritten digits that scikit-learn ships.

The convolutions are a symbol graph, called as a `Function`; everything after them is NumPy code, differentiated as it
runs. Prints the held-out accuracy at each epoch and the dispatch report, and writes two pictures.

digits.py [FOLDER]: where the pictures go, build/demo by default.
"""

import sys
import time
from pathlib import Path

import matplotlib
import numpy
from sklearn.datasets import load_digits
from tqdm import tqdm

import minpy as mx
import minpy.numpy as np
from minpy import dispatch
from minpy.core import Function, grad_and_loss

matplotlib.use("Agg")
from matplotlib import pyplot

EPOCHS, BATCH, CLASSES, HELD_OUT = 15, 64, 10, 360
LEARNING_RATE, MOMENTUM = 0.05, 0.9


def load():
    """Images (n, 1, 8, 8) in [0, 1] and labels, training and held-out, in a fixed random order."""
    digits = load_digits()
    order = numpy.random.default_rng(0).permutation(len(digits.target))
    images = (digits.images[order, None] / 16).astype(numpy.float32)
    labels = digits.target[order]
    return (images[HELD_OUT:], labels[HELD_OUT:]), (images[:HELD_OUT], labels[:HELD_OUT])


def features():
    """Two convolutions with pooling, (n, 1, 8, 8) to (n, 128), as one function of images and weights."""
    net = mx.sym.Variable("x")
    for name, filters in (("conv1", 16), ("conv2", 32)):
        net = mx.sym.Convolution(net, name=name, kernel=(3, 3), pad=(1, 1), num_filter=filters)
        net = mx.sym.Activation(net, act_type="relu")
        net = mx.sym.Pooling(net, pool_type="max", kernel=(2, 2), stride=(2, 2))
    return Function(mx.sym.Flatten(net), input_shapes={"x": (BATCH, 1, 8, 8)})


def first_weights(random):
    """He's initialisation: normal with deviation sqrt(2 / inputs of a unit), biases zero."""

    def normal(*shape):
        inputs = numpy.prod(shape[1:]) if len(shape) == 4 else shape[0]
        return np.array(random.normal(size=shape).astype(numpy.float32) * numpy.float32((2 / inputs) ** 0.5))

    def zeros(n):
        return np.zeros(n, dtype=np.float32)

    return [normal(16, 1, 3, 3), zeros(16), normal(32, 16, 3, 3), zeros(32), normal(128, CLASSES), zeros(CLASSES)]


extract = features()


def scores(conv1_weight, conv1_bias, conv2_weight, conv2_bias, weight, bias, x):
    h = extract(x=x, conv1_weight=conv1_weight, conv1_bias=conv1_bias, conv2_weight=conv2_weight, conv2_bias=conv2_bias)
    return np.dot(h, weight) + bias


def loss(*arguments):
    *params, x, onehot = arguments
    z = scores(*params, x)
    z = z - np.max(z, axis=1, keepdims=True)
    log_probability = z - np.log(np.sum(np.exp(z), axis=1, keepdims=True))
    return -np.mean(np.sum(onehot * log_probability, axis=1))


def predict(params, images):
    return numpy.concatenate(
        [
            np.argmax(scores(*params, np.array(images[at : at + BATCH])), axis=1).asnumpy()
            for at in range(0, len(images), BATCH)
        ]
    )


def train(training, held_out):
    """The trained parameters, the loss of every step and the held-out accuracy of every epoch."""
    (images, labels), random = training, numpy.random.default_rng(1)
    params = first_weights(random)
    velocity = [np.zeros_like(p) for p in params]
    step = grad_and_loss(loss, argnum=range(len(params)))
    losses, accuracies = [], []
    steps = EPOCHS * -(-len(images) // BATCH)
    with tqdm(total=steps * BATCH, unit="samples", unit_scale=True, ascii=True, ncols=96) as bar:
        for epoch in range(1, EPOCHS + 1):
            rate = LEARNING_RATE * (0.1 if epoch > EPOCHS * 2 // 3 else 1)
            order = random.permutation(len(images))
            for at in range(0, len(images), BATCH):
                batch = order[at : at + BATCH]
                onehot = np.array(numpy.eye(CLASSES, dtype=numpy.float32)[labels[batch]])
                grads, value = step(*params, np.array(images[batch]), onehot)
                for p, v, g in zip(params, velocity, grads, strict=True):
                    v *= MOMENTUM
                    v -= rate * g
                    p += v
                losses.append(float(value))
                bar.set_postfix(loss=f"{losses[-1]:.4f}", refresh=False)
                bar.update(BATCH)
            accuracies.append(float((predict(params, held_out[0]) == held_out[1]).mean()))
            tqdm.write(
                f"epoch {epoch:2d}  loss {numpy.mean(losses[-steps // EPOCHS :]):.4f}  "
                f"held-out accuracy {accuracies[-1]:.2%}"
            )
    return params, losses, accuracies


def picture_of_training(losses, accuracies, path):
    figure, (left, right) = pyplot.subplots(1, 2, figsize=(9, 3.4), layout="constrained")
    left.plot(losses, color="tab:blue", linewidth=0.8)
    left.set(yscale="log", xlabel="step", ylabel="loss", title="training loss")
    right.plot(range(1, len(accuracies) + 1), accuracies, color="tab:orange", marker="o")
    right.set(xlabel="epoch", ylabel="accuracy", title=f"held-out accuracy, {accuracies[-1]:.2%} at the end")
    figure.savefig(path, dpi=120)


def picture_of_misread(images, labels, read, path):
    wrong = numpy.flatnonzero(read != labels)[:10]
    figure, axes = pyplot.subplots(1, max(len(wrong), 1), figsize=(max(len(wrong), 3) * 1.1, 1.7), squeeze=False)
    for axis in axes[0]:
        axis.axis("off")
    for axis, i in zip(axes[0], wrong, strict=False):
        axis.imshow(images[i, 0], cmap="gray_r")
        axis.set_title(f"{labels[i]} read as {read[i]}", fontsize=7)
    figure.savefig(path, dpi=120)


def main():
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "build/demo")
    folder.mkdir(parents=True, exist_ok=True)
    training, held_out = load()
    dispatch.reset()
    began = time.perf_counter()
    params, losses, accuracies = train(training, held_out)
    print(f"trained in {time.perf_counter() - began:.1f} s; held-out accuracy {accuracies[-1]:.2%}\n")
    print(dispatch.report(), "\n")
    picture_of_training(losses, accuracies, folder / "training.png")
    picture_of_misread(*held_out, predict(params, held_out[0]), folder / "misread.png")
    for name in ("training", "misread"):
        print(folder / f"{name}.png")
    return accuracies[-1] < 0.97


sys.exit(main())
