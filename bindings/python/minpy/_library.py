"""Loads the library. Its BLAS starts no threads: ours cut the work, and idle ones that spin when a process starts cost
half of the time to import. NumPy comes first, with the threads that it wants."""

import os

import numpy  # noqa: F401

_NAME = "OPENBLAS_NUM_THREADS"
_before = os.environ.get(_NAME)
os.environ[_NAME] = "1"
try:
    from . import _minpy  # noqa: F401
finally:
    if _before is None:
        del os.environ[_NAME]
    else:
        os.environ[_NAME] = _before
