"""Writes the handwritten digits and the first weights of a 64-128-10 perceptron: make_digits.py FILE.npz

x (1797, 64) float64 in 0..1, y (1797,) int64, w1 (64, 128), b1 (128,), w2 (128, 10), b2 (10,) float64.
"""

import sys

import numpy as np
from sklearn.datasets import load_digits

digits = load_digits()
rng = np.random.default_rng(0)
np.savez(
    sys.argv[1],
    x=digits.data / 16.0,
    y=digits.target.astype(np.int64),
    w1=rng.standard_normal((64, 128)) / 8.0,
    b1=np.zeros(128),
    w2=rng.standard_normal((128, 10)) / np.sqrt(128.0),
    b2=np.zeros(10),
)
