"""A chain of eight element-wise operators: memory traffic and what fusing saves of it."""

import numpy as np
from cases import Case, Group

CHAIN = "sqrt(abs(x * y + 0.5)) - maximum(x, y) * 0.25 + tanh(x)"


def operands(size, dtype):
    def names(library):
        xp, random = library.xp, np.random.default_rng(0)
        x, y = (library.array(random.standard_normal(size).astype(dtype)) for _ in range(2))
        functions = {name: getattr(xp, name) for name in ("sqrt", "abs", "maximum", "tanh")}
        scope = {"x": x, "y": y, **functions}
        exec(f"def chain(x, y): return {CHAIN}", scope)
        if library.name == "jax":
            scope["chain"] = library.module.jit(scope["chain"])
        return scope

    return names


def case(over, size, dtype, aim):
    name = f"10{'⁶' if size == 10**6 else '⁷'} {dtype} over {'JAX jit' if over == 'jax' else 'NumPy'}"
    also = tuple(p for p in ("numpy", "jax", "torch", "mlx") if p != over)
    return Case(name, "chain(x, y)", operands(size, dtype), (over,), aim, also)


def both(size, dtype, over_numpy, over_jax):
    return case("numpy", size, dtype, over_numpy), case("jax", size, dtype, over_jax)


GROUPS = (
    Group(
        "chain",
        "Chain of eight element-wise operators",
        f"`{CHAIN}`; JAX compiles it, the others do as they do.",
        tuple(
            case
            for size, *aims in ((10**6, 0.35, 1.5), (10**7, 0.15, 0.5))
            for dtype in ("float32", "float64")
            for case in both(size, dtype, *aims)
        ),
    ),
)
