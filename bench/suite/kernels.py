"""Kernels on 4,096 elements: in cache, on one thread."""

import numpy as np
from cases import Case, Group

SIZE = 4096
UNARY = ("sqrt", "exp", "log", "tanh", "sin")
BINARY = ("add", "multiply", "divide", "maximum", "power", "less")


def setup(function, dtype):
    def names(library):
        random = np.random.default_rng(0)
        x, y = (library.array(random.uniform(0.5, 2.0, SIZE).astype(dtype)) for _ in range(2))
        c = library.array(random.uniform(size=SIZE) < 0.5)
        f = getattr(library.xp, function, None) or getattr(library.xp, {"power": "pow"}[function])
        return {"f": f, "x": x, "y": y, "c": c}

    return names


def case(function, dtype):
    work = "f(x)" if function in UNARY else "f(c, x, y)" if function == "where" else "f(x, y)"
    return Case(f"{function} {dtype}", work, setup(function, dtype), ("numpy", "torch"), 1.2, also=("jax", "mlx"))


GROUPS = (
    Group(
        "kernels",
        "Kernels in cache",
        "4,096 elements between 0.5 and 2, called from Python, a new result each time.",
        tuple(case(f, dtype) for f in (*BINARY, "where", *UNARY) for dtype in ("float32", "float64")),
        mean=0.9,
    ),
)
