"""numpy.testing: comparisons take our arrays, everything else is NumPy's."""

import numpy.testing as _numpy_testing

from .._fallback import to_numpy as _to_numpy


def _compare(check):
    def compare(*args, **kwargs):
        return check(*_to_numpy(args), **_to_numpy(kwargs))

    compare.__name__ = check.__name__
    compare.__doc__ = check.__doc__
    return compare


_PLAIN = ("assert_raises", "assert_raises_regex", "assert_warns", "assert_no_warnings", "assert_no_gc_cycles")


def __getattr__(name):
    value = getattr(_numpy_testing, name)
    if name.startswith("assert_") and name not in _PLAIN:
        value = _compare(value)
    globals()[name] = value
    return value


def __dir__():
    return dir(_numpy_testing)


__all__ = list(_numpy_testing.__all__)
