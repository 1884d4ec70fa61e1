"""The package itself: how long it takes to import, how large the library is."""

import subprocess
import sys
import time

from cases import OURS, Group, Measured
from native import build


def start(code):
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True)
    return time.perf_counter() - began


def imports(session):
    ours, theirs = (
        min(times)
        for times in zip(
            *((start("import minpy.numpy"), start("import numpy")) for _ in range(session.rounds)), strict=True
        )
    )
    return {OURS: ours - theirs}


def size(session):
    stripped = build / "libminpy-stripped.so"
    subprocess.run(["strip", "-o", stripped, build / "lib" / "libminpy.so"], check=True)
    return {OURS: stripped.stat().st_size}


GROUPS = (
    Group(
        "package",
        "The package",
        "",
        (
            Measured("import, beyond that of NumPy", imports, aim=50e-3),
            Measured("libminpy, stripped", size, aim=15 * 2**20, unit="bytes"),
        ),
    ),
)
