"""Rounds: workers are asked in turns, so that other work on the machine disturbs all of them or none."""

import json
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import libraries
from cases import OURS, Case, Result

LONGEST = 240  # seconds for one answer: then the worker is ended
ENOUGH = 3  # rounds for a library that is far slower than another: so many times if it counts, else so many
FAR, FAR_BESIDE = 20, 4


class Unavailable(Exception):
    """A library that cannot do a case, or is not installed."""


class Worker:
    """A process that serves one library."""

    def __init__(self, library, variables=None):
        self.library = library
        self.process = subprocess.Popen(
            [sys.executable, Path(__file__).with_name("worker.py"), library],
            env=libraries.environment(library) | (variables or {}),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )

    def ask(self, do, **what):
        """The answer to a request. Between answers the process is stopped: threads of a BLAS that wait for work by
        spinning would take part of another library's processors."""
        self.process.send_signal(signal.SIGCONT)
        try:
            self.process.stdin.write(json.dumps({"do": do, **what}).encode() + b"\n")
            self.process.stdin.flush()
            ready, _, _ = select.select([self.process.stdout], [], [], LONGEST)
            line = self.process.stdout.readline() if ready else b""
        except BrokenPipeError:
            line = b""
        if not line:
            self.close()
            raise Unavailable("its process ended" if self.process.returncode else "no answer")
        self.process.send_signal(signal.SIGSTOP)
        reply = json.loads(line)
        if "error" in reply:
            raise Unavailable(reply["error"])
        return reply["value"]

    def close(self):
        self.process.kill()
        self.process.wait()


class Session:
    """The workers of a run, started when first needed, and how thorough it is."""

    def __init__(self, quick):
        self.quick = quick
        self.rounds, self.seconds = (4, 0.02) if quick else (8, 0.05)
        self.workers = {}
        self.load = Load()

    def worker(self, library):
        worker = self.workers.get(library)
        if worker is None or worker.process.poll() is not None:
            worker = self.workers[library] = Worker(library)
        return worker

    def fresh(self, library, variables=None):
        """A worker that the caller closes."""
        return Worker(library, variables)

    def result(self, key, case):
        """What comes of a case; `key` is its group and name, by which workers know it."""
        if isinstance(case, Case):
            return Result(case, self._timed(key, case))
        try:
            return Result(case, case.measure(self))
        except Exception as error:
            return Result(case, {OURS: f"{type(error).__name__}: {error}"})

    def _timed(self, key, case):
        wanted = [OURS, *case.over, *(p for p in case.also if p not in case.over)]
        values, ready = {}, []
        for library in wanted:
            if case.statement(library) is None:
                continue
            try:
                self.worker(library).ask("prepare", case=key)
                ready.append(library)
            except Unavailable as error:
                values[library] = str(error)
        for turn in range(self.rounds):
            for library in ready:
                far = FAR if library == OURS or library in case.over else FAR_BESIDE
                if turn >= ENOUGH and values[library] > far * min(values[peer] for peer in ready):
                    continue
                try:
                    took = self.worker(library).ask("time", seconds=self.seconds)
                    values[library] = min(took, values.get(library, took))
                except Unavailable as error:
                    values[library] = str(error)
            ready = [library for library in ready if not isinstance(values[library], str)]
        for library in ready:
            self.worker(library).ask("drop")
        return values

    def peak(self, key, library):
        """The most memory that a case took beyond its arguments, in a fresh process; sampled from outside."""
        worker = self.fresh(library)
        try:
            worker.ask("prepare", case=key, calibrate=False)
            before = most = anonymous(worker.process.pid)
            worker.process.send_signal(signal.SIGCONT)
            worker.process.stdin.write(json.dumps({"do": "time", "seconds": 0.5}).encode() + b"\n")
            worker.process.stdin.flush()
            end = time.monotonic() + LONGEST
            while not select.select([worker.process.stdout], [], [], 0.0005)[0] and time.monotonic() < end:
                most = max(most, anonymous(worker.process.pid))
            reply = json.loads(worker.process.stdout.readline())
            if "error" in reply:
                raise Unavailable(reply["error"])
            return most - before
        finally:
            worker.close()

    def close(self):
        for worker in self.workers.values():
            worker.close()


class Load:
    """What others did with the processors: ratios mean little where it is much."""

    def __init__(self):
        self.before = self.times()

    @staticmethod
    def times():
        """Seconds of all processors together, of those the idle ones, and of this process and the ones it has ended."""
        counts = [
            int(n) / os.sysconf("SC_CLK_TCK") for n in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]
        ]
        return sum(counts), counts[3] + counts[4], sum(os.times()[:4])

    def of_others(self):
        """The part of the processors' time that went to other processes; to be asked when all workers are closed."""
        total, idle, own = (now - then for now, then in zip(self.times(), self.before, strict=True))
        return max(0.0, (total - idle - own) / max(total, 1e-9))


def anonymous(pid):
    """Bytes of memory that a process wrote itself: without its files."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("RssAnon"):
            return int(line.split()[1]) * 1024
    return 0
