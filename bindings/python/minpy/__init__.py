"""MinPy: NumPy semantics, GPU and gradients behind one C ABI."""

import importlib as _importlib

from . import _library, _minpy
from ._compile import compile
from ._minpy import Operator, ndarray
from .context import Context, cpu, current_context, gpu, set_context
from .dispatch.policy import (
    OnlyMXNetPolicy,
    OnlyNumPyPolicy,
    Policy,
    PreferMXNetPolicy,
    get_global_policy,
    set_global_policy,
    wrap_policy,
)

_v = _minpy.version()
__version__ = f"{_v >> 16}.{_v >> 8 & 255}.{_v & 255}"
del _v

_LAZY = {"core", "dispatch", "name", "numpy", "primitive", "profiler", "random", "sym", "symbol", "nd"}


def __getattr__(name):
    if name in _LAZY:
        module = _importlib.import_module("." + {"symbol": "sym", "nd": "numpy"}.get(name, name), __name__)
        globals()[name] = module
        return module
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return sorted({*globals(), *_LAZY})


def explain():
    """The groups of deferred element-wise operators that ran last, a line each, newest last.

    A line has the operators in the order they ran in one pass, and the dtype and shape of the result.
    """
    return _minpy.explain().decode()


def memory_stats(device="cpu"):
    """Bytes and handles in use on a device."""
    return _minpy.memory_get_stats(device)


def trim_memory(keep=0, device="cpu"):
    """Gives memory that is kept for reuse back to the system, until at most `keep` bytes are kept."""
    _minpy.memory_trim(device, keep)


def set_memory_limit(bytes):
    """Bytes that arrays on the CPU may take, with what is kept for reuse; 0 for no limit.

    Beyond it calls raise MemoryError and leave every array as it was. MINPY_MEMORY_LIMIT sets the first limit.
    """
    _minpy.memory_set_limit("cpu", bytes)
