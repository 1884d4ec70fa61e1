"""Reductions, scans, sorting, gathering: 4 million elements."""

import numpy as np
from cases import Case, Group

SIZE = 4_000_000
ROWS = 2000


def operands(dtype):
    def names(library):
        random = np.random.default_rng(0)
        data = random.standard_normal(SIZE).astype(dtype)
        array = library.array
        index = random.integers(0, SIZE, SIZE)
        return {
            "x": array(data),
            "m": array(data.reshape(ROWS, -1)),
            "near": array(1 + data * np.asarray(1e-6, dtype)),
            "mask": array(data > 0),
            "index": array(index),
            "ascontiguous": {
                "torch": lambda a: a.contiguous(),
                "mlx": getattr(library.xp, "contiguous", None),
            }.get(library.name)
            or getattr(library.xp, "ascontiguousarray", None)
            or (lambda a: library.xp.array(a)),
        }

    return names


def case(name, work, dtype, **other):
    spelled = {"": work, **other}
    return Case(f"{name} {dtype}", spelled, operands(dtype), ("numpy", "torch", "jax"), 1.3, also=("mlx",))


WORK = (
    ("sum", "x.sum()", {}),
    ("sum of columns", "m.sum(0)", {}),
    ("sum of rows", "m.sum(1)", {}),
    ("mean", "x.mean()", {}),
    ("var", "x.var()", {"torch": "x.var(correction=0)"}),
    ("max", "x.max()", {}),
    ("max of columns", "m.max(0)", {"torch": "m.amax(0)"}),
    ("argmax", "x.argmax()", {}),
    ("cumsum", "xp.cumsum(x)", {"torch": "xp.cumsum(x, 0)"}),
    ("cumprod", "xp.cumprod(near)", {"torch": "xp.cumprod(near, 0)"}),
    ("sort", "xp.sort(x)", {}),
    ("argsort", "xp.argsort(x)", {}),
    ("partition", f"xp.partition(x, {SIZE // 2})", {"torch": None}),
    ("argpartition", f"xp.argpartition(x, {SIZE // 2})", {"torch": None}),
    ("take", "xp.take(x, index)", {}),
    ("mask", "x[mask]", {"mlx": None}),
    ("transpose and copy", "ascontiguous(m.T)", {}),
)

GROUPS = (
    Group(
        "bulk",
        "Reductions, scans, sorting, gathering",
        f"4·10⁶ normal elements; columns and rows of {ROWS} × {SIZE // ROWS}.",
        tuple(case(name, work, dtype, **other) for name, work, other in WORK for dtype in ("float32", "float64")),
        mean=1.0,
    ),
)
