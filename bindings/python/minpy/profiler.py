"""Chrome's trace of every operator call: open the file in chrome://tracing or Perfetto."""

import contextlib

from . import _minpy


def start():
    """Begins to record."""
    _minpy.profiler_start(0)


def stop():
    """Ends the recording; the trace as JSON text."""
    return _minpy.profiler_stop().decode()


@contextlib.contextmanager
def profile(path):
    """Records the block and writes the trace to `path`."""
    start()
    try:
        yield
    finally:
        trace = stop()
        with open(path, "w", encoding="utf-8") as file:
            file.write(trace)
