"""Compares with peers in one run, each line our time over theirs: `make bench`.

Peers live in an environment of their own, .deps/peers. Ours and theirs are timed in turns, the best of many short
runs, so that other work on the machine disturbs both or neither.
"""

import ctypes
import ctypes.util
import json
import os
import subprocess
import sys
import time
from pathlib import Path

root = Path(__file__).resolve().parent.parent
build = root / "build" / "release"
peers = root / ".deps" / "peers"


def enter_peers():
    """Runs this file again in the peers' environment, made when its list has changed."""
    wanted = (root / "bench" / "peers.txt").read_text()
    stamp = peers / "installed.txt"
    if not stamp.exists() or stamp.read_text() != wanted:
        subprocess.run([sys.executable, "-m", "venv", peers], check=True)
        install = ["-m", "pip", "install", "-q", "--disable-pip-version-check", *wanted.split()]
        subprocess.run([peers / "bin" / "python", *install], check=True)
        stamp.write_text(wanted)
    os.execv(peers / "bin" / "python", [peers / "bin" / "python", __file__, "--measure"])


def best(functions, seconds=0.4):
    """The shortest time per call of each, in ns; the functions take turns."""
    clock = time.perf_counter_ns
    counts = []
    for f in functions:
        n, took = 1, 0
        while took < 1_000_000:
            n *= 2
            began = clock()
            for _ in range(n):
                f()
            took = clock() - began
        counts.append(n)
    least = [float("inf")] * len(functions)
    end = clock() + int(seconds * 1e9)
    while clock() < end:
        for k, f in enumerate(functions):
            began = clock()
            for _ in range(counts[k]):
                f()
            least[k] = min(least[k], (clock() - began) / counts[k])
    return least


def line(name, ours, theirs, limit):
    ratio = ours / theirs
    verdict = "" if ratio <= limit else "  above it"
    print(f"{name:34} {ours:14,.0f} ns {theirs:14,.0f} ns {ratio:8.2f}   aim {limit:g}{verdict}", flush=True)


def elementwise():
    import numpy as np

    import minpy.numpy as mp

    def pair(data):
        return mp.array(data), np.array(data)

    a, b = pair(np.arange(4.0))
    line("a + b, 4 float64", *best([lambda: a + a, lambda: b + b]), 0.6)
    a10, b10 = pair(np.arange(10.0))
    line("x.sum(), 10 float64", *best([lambda: a10.sum(), lambda: b10.sum()]), 0.4)
    rng = np.random.default_rng(0)
    m, n = pair(rng.uniform(0.5, 2.0, 4096))
    for name in ("exp", "log", "tanh"):
        ours, theirs = getattr(mp, name), getattr(np, name)
        line(f"{name}(x), 4096 float64", *best([lambda f=ours: f(m), lambda f=theirs: f(n)]), 0.8)
    line("x + x, 4096 float64", *best([lambda: m + m, lambda: n + n]), 0.8)


def products():
    """Against the BLAS that we call ourselves, with its own threads."""
    import numpy as np

    import minpy.numpy as mp

    size = 1024
    x = np.random.default_rng(0).standard_normal((size, size)).astype(np.float32)
    out = np.empty_like(x)
    blas = ctypes.CDLL(ctypes.util.find_library("openblas"))
    pointer = ctypes.POINTER(ctypes.c_float)
    px, pout = x.ctypes.data_as(pointer), out.ctypes.data_as(pointer)
    one, zero = ctypes.c_float(1), ctypes.c_float(0)

    def direct():
        blas.openblas_set_num_threads(os.cpu_count())
        blas.cblas_sgemm(101, 111, 111, size, size, size, one, px, size, px, size, zero, pout, size)
        blas.openblas_set_num_threads(1)

    m = mp.array(x)
    line("matmul, 1024 float32", *best([lambda: mp.matmul(m, m), direct], 3.0), 1.05)


def gradients():
    """A chain of 100 small operators, recorded and differentiated; per operator."""
    import autograd
    import autograd.numpy as anp
    import numpy as np

    import minpy.core
    import minpy.numpy as mp

    def chain(sin, total):
        def f(x):
            for _ in range(99):
                x = sin(x)
            return total(x)

        return f

    x = np.arange(4.0)
    m = mp.array(x)
    ours, theirs = minpy.core.grad(chain(mp.sin, mp.sum)), autograd.grad(chain(anp.sin, anp.sum))
    times = [t / 100 for t in best([lambda: ours(m), lambda: theirs(x)], 1.0)]
    line("recorded, differentiated operator", *times, 0.1)


def c_calls():
    command = [build / "bin" / "bench_call", "--benchmark_format=json"]
    report = subprocess.check_output(command, stderr=subprocess.DEVNULL)
    times = {b["name"]: b.get("cpu_time", float("nan")) for b in json.loads(report)["benchmarks"]}
    over = times["invoke/add/4"] - times["loop/4"]
    print(f"{'C call of add, over its arithmetic':34} {over:14,.0f} ns {'':26}   aim 80 ns", flush=True)


def imports():
    def start(code):
        began = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], check=True)
        return time.perf_counter() - began

    ours, theirs = (min(start(f"import {name}") for _ in range(7)) * 1e3 for name in ("minpy.numpy", "numpy"))
    print(f"{'import, over that of NumPy':34} {ours - theirs:14.1f} ms {'':26}   aim 50 ms", flush=True)


def size():
    stripped = build / "libminpy-stripped.so"
    subprocess.run(["strip", "-o", stripped, build / "lib" / "libminpy.so"], check=True)
    print(f"{'libminpy, stripped':34} {stripped.stat().st_size / 2**20:14.1f} MB {'':26}   aim 15 MB", flush=True)


def main():
    print(f"{'':34} {'MinPy':>17} {'peer':>17} {'ratio':>8}   ({time.strftime('%Y-%m-%d')}, {os.cpu_count()} cores)")
    failed = 0
    for measure in (elementwise, products, gradients, c_calls, imports, size):
        try:
            measure()
        except Exception as error:
            failed += 1
            print(f"{measure.__name__}: {type(error).__name__}: {error}", flush=True)
    return failed > 0


if __name__ == "__main__":
    if "--measure" not in sys.argv:
        enter_peers()
    sys.exit(main())
