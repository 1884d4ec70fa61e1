"""One library in a process of its own: reads requests, a line of JSON each, and answers them. worker.py LIBRARY"""

import json
import os
import sys
import time
import timeit
from importlib import metadata

import libraries
import suite

SHORTEST = 1e-3  # seconds of one timed run, at least


class Prepared:
    """A case with what its statement reads; no work is done before it is first run."""

    def __init__(self, case, library):
        self.case, self.library, self.number, self._timer = case, library, 1, None
        self.names = {"xp": library.xp, "done": library.done, **case.setup(library)}

    @property
    def timer(self):
        if self._timer is None:
            statement = self.case.statement(self.library.name)
            if self.case.forced and self.library.wants_wait(eval(statement, self.names)):
                statement = f"done({statement})"
            self._timer = timeit.Timer(statement, globals=self.names)
        return self._timer

    def calibrate(self):
        """Finds how often the statement fits into a run; the first ones, which compile and fill caches, are lost."""
        self.timer.timeit(1)
        while self.timer.timeit(self.number) < SHORTEST:
            self.number *= 2

    def best(self, seconds):
        """The shortest time of one piece of work, in runs for about so long.

        The first run is lost: it finds the caches full of another library's data.
        """
        self.timer.timeit(1)
        least, end = float("inf"), time.perf_counter() + seconds
        while True:
            least = min(least, self.timer.timeit(self.number))
            if time.perf_counter() >= end:
                return least / self.number / self.case.per


def answer(request, library, state):
    match request["do"]:
        case "prepare":
            state["prepared"] = Prepared(suite.case(request["case"]), library)
            if request.get("calibrate", True):
                state["prepared"].calibrate()
        case "time":
            return state["prepared"].best(request["seconds"])
        case "allocations":
            before = library.module.memory_stats()["n_allocs"]
            state["prepared"].timer.timeit(1)
            return library.module.memory_stats()["n_allocs"] - before
        case "version":
            return metadata.version(library.name) if library.name != "minpy" else library.module.__version__
        case "drop":
            state.clear()
    return None


def main():
    # The pipe is ours alone: what a library prints goes to the error output.
    pipe = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    library, state = libraries.LOADERS[sys.argv[1]](), {}
    for line in sys.stdin:
        try:
            reply = {"value": answer(json.loads(line), library, state)}
        except Exception as error:
            reply = {"error": f"{type(error).__name__}: {error}".splitlines()[0][:200]}
        print(json.dumps(reply), file=pipe)


if __name__ == "__main__":
    main()
