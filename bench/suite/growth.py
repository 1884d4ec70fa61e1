"""Growth: how time follows the number of elements, of operators on a tape, of threads."""

import os

import numpy as np
from cases import OURS, Case, Curve, Group, Measured

from . import chain, nodes

SIZES = tuple(10**k for k in range(1, 9))
LENGTHS = (1, 10, 100, 1000, 10_000, 100_000)
THREADS = tuple(range(1, (os.cpu_count() or 1) + 1))
VARIABLES = ("MINPY_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def operands(size):
    def names(library):
        x = np.ones(size, np.float32)
        return {"a": library.array(x), "b": library.array(x)}

    return names


def by_size(size):
    return Case(f"add, {size:,} float32", "a + b", operands(size), ("numpy",), also=("torch", "jax", "mlx"))


def by_length(length):
    return Case(
        f"tape of {length:,}", "differentiate(x)", nodes.chain(length + 1), ("torch",),
        also=("autograd",) if length <= 10_000 else (), per=length,
    )  # fmt: skip


def product(size):
    def names(library):
        x = np.random.default_rng(0).standard_normal((size, size)).astype(np.float32)
        return {"x": library.array(x)}

    return names


PRODUCT = Case("matmul 1024 float32, all threads", "x @ x", product(1024), ("numpy",), also=("torch", "jax", "mlx"))
CHAIN = Case(
    "chain 10⁷ float32, all threads", "chain(x, y)", chain.operands(10**7, "float32"), ("numpy",), also=("torch",)
)


def with_threads(case, n):
    """A case in processes that are allowed `n` threads."""

    def measure(session):
        values = {}
        for library in (OURS, *case.over, *case.also):
            if library in ("jax", "mlx"):
                continue
            worker = session.fresh(library, {name: str(n) for name in VARIABLES})
            try:
                worker.ask("prepare", case=f"growth/{case.name}")
                values[library] = min(worker.ask("time", seconds=session.seconds * 2) for _ in range(session.rounds))
            except Exception as error:
                values[library] = str(error)
            finally:
                worker.close()
        return values

    return Measured(f"{case.name.split(',')[0]}, {n} thread{'s' * (n > 1)}", measure, case.over, also=case.also)


GROUPS = (
    Group(
        "growth",
        "Growth",
        "How time follows the size of the work; no aims.",
        (PRODUCT, CHAIN),
        curves=(
            Curve("a + b, float32", "elements", tuple((n, by_size(n)) for n in SIZES)),
            Curve("operator on a tape, differentiated", "operators", tuple((n, by_length(n)) for n in LENGTHS)),
            Curve("matmul 1024 float32", "threads", tuple((n, with_threads(PRODUCT, n)) for n in THREADS)),
            Curve("chain 10⁷ float32", "threads", tuple((n, with_threads(CHAIN, n)) for n in THREADS)),
        ),
    ),
)
