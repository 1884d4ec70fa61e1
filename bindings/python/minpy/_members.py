"""What Python code adds to the array type: members by name, collected here and installed by _ndarray.py."""

import numpy

from ._fallback import call
from ._minpy import _operator

members = {"__module__": "minpy", "__slots__": (), "__array_priority__": 100.0}


def method(function):
    members[function.__name__] = function
    return function


def attribute(function):
    members[function.__name__] = property(function, doc=function.__doc__)
    return function


def run(name, *args, **kwargs):
    """The operator, or NumPy's function of that name where there is none."""
    found = _operator(name)
    if found is not None:
        return found(*args, **kwargs)
    return call(getattr(numpy, name), "no_kernel", args, kwargs)


def through_numpy(name):
    function = getattr(numpy.ndarray, name)

    def fallback(self, *args, **kwargs):
        return call(function, "no_kernel", (self, *args), kwargs)

    fallback.__name__ = name
    fallback.__doc__ = function.__doc__
    members[name] = fallback
