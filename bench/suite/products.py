"""Matrix products from C, over OpenBLAS and oneDNN called directly."""

import os

from cases import OURS, Group, Measured
from native import fastest

SIZES = (16, 128, 1024, 2048)
SMALL = 16
CALL = 40e-9  # what our call may cost beyond the direct one where the product is small
CORES = str(os.cpu_count())


def runs(size, dtype, libraries):
    """Ours with its pool; the others with their threads, small products also without."""
    for library in libraries:
        pattern = f"^{library}/{dtype}/{size}/"
        if library == OURS:
            yield pattern, {}
            continue
        for threads in (CORES, "1") if size < 1024 else (CORES,):
            yield pattern, {"OPENBLAS_NUM_THREADS": threads, "OMP_NUM_THREADS": threads}


def product(size, dtype):
    libraries = (OURS, "openblas", "onednn") if dtype == "float32" else (OURS, "openblas")

    def measure(session):
        times = fastest(session, "bench_matmul", *runs(size, dtype, libraries))
        values = {name: min(t for key, t in times.items() if key.startswith(name)) for name in libraries}
        if size == SMALL:
            values[OURS] -= CALL
        return values

    name = f"{size} {dtype}" + (", less 40 ns" if size == SMALL else "")
    return Measured(name, measure, libraries[1:], 1.0 if size == SMALL else 1.05)


GROUPS = (
    Group(
        "matmul",
        "Matrix products from C",
        "`minpy_matmul` over the better of `cblas_?gemm` and `dnnl_sgemm`, in processes of their own, with all cores.",
        tuple(product(size, dtype) for size in SIZES for dtype in ("float32", "float64")),
    ),
)
