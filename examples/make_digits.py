"""Writes the handwritten digits and the first weights of a 64-128-10 perceptron: make_digits.py FILE.npz

digits (1797, 64) float64 in 0..1, labels (1797,) int64, w1 (64, 128), b1 (128,), w2 (128, 10), b2 (10,) and the
learning rate lr, float64. All four languages train on it; tools/parity compares what they print.
"""

import sys

import numpy as np
from sklearn.datasets import load_digits

data = load_digits()
rng = np.random.default_rng(0)
np.savez(
    sys.argv[1],
    digits=data.data / 16.0,
    labels=data.target.astype(np.int64),
    w1=0.1 * rng.standard_normal((64, 128)),
    b1=np.zeros(128),
    w2=0.1 * rng.standard_normal((128, 10)),
    b2=np.zeros(10),
    lr=np.float64(0.1),
)
