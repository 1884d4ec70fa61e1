"""The C++ benchmarks: built with the library, run in turns like the workers."""

import json
import os
import subprocess
from pathlib import Path

root = Path(__file__).resolve().parent.parent
build = root / "build" / "release"
SECONDS = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1.0}


def once(session, program, pattern, variables, clock):
    """{name: seconds} of the benchmarks of a program that match, by "real_time" or "cpu_time"."""
    command = [build / "bin" / program, "--benchmark_format=json", f"--benchmark_filter={pattern}"]
    command.append(f"--benchmark_min_time={session.seconds}")
    report = subprocess.check_output(command, stderr=subprocess.DEVNULL, env=os.environ | variables)
    return {b["name"]: b[clock] * SECONDS[b["time_unit"]] for b in json.loads(report)["benchmarks"]}


def fastest(session, program, *runs, clock="real_time"):
    """The shortest time of each benchmark in rounds of runs, each a pattern and the variables of its process."""
    least = {}
    for _ in range(session.rounds):
        for pattern, variables in runs:
            for name, took in once(session, program, pattern, variables, clock).items():
                least[name] = min(took, least.get(name, took))
    return least
