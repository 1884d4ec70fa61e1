"""numpy.random: NumPy's own streams, so that a seed gives NumPy's numbers; the results are our arrays."""

import numpy.random as _random

from .._fallback import from_numpy as _wrap
from .._fallback import to_numpy as _unwrap
from .._minpy import recording_abandon as _abandon


class _Stream:
    """A Generator or RandomState of NumPy, its methods on our arrays."""

    def __init__(self, stream):
        self.__minpy_numpy__ = stream

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        value = getattr(self.__minpy_numpy__, name)
        if not callable(value):
            return value

        def method(*args, **kwargs):
            _abandon("numpy.random draws from NumPy's streams")
            return _wrap(value(*_unwrap(args, value), **_unwrap(kwargs, value)))

        method.__name__ = name
        method.__doc__ = value.__doc__
        self.__dict__[name] = method
        return method

    def __dir__(self):
        return dir(self.__minpy_numpy__)

    def __repr__(self):
        return repr(self.__minpy_numpy__)

    def __reduce__(self):
        return _of_numpy, (self.__minpy_numpy__,)


class Generator(_Stream):
    """numpy.random.Generator on our arrays."""

    def __init__(self, bit_generator):
        super().__init__(_random.Generator(bit_generator))

    def spawn(self, n_children):
        """New independent generators."""
        return [_of_numpy(child) for child in self.__minpy_numpy__.spawn(n_children)]


class RandomState(_Stream):
    """numpy.random.RandomState on our arrays."""

    def __init__(self, seed=None):
        super().__init__(_random.RandomState(_unwrap(seed)))


def _of_numpy(stream):
    kind = Generator if isinstance(stream, _random.Generator) else RandomState
    result = kind.__new__(kind)
    _Stream.__init__(result, stream)
    return result


def default_rng(seed=None):
    """A Generator with NumPy's default bit generator."""
    if isinstance(seed, Generator):
        return seed
    return _of_numpy(_random.default_rng(_unwrap(seed)))


_global = _of_numpy(_random.mtrand._rand)


def get_state(legacy=True):
    """The state of the global stream."""
    return _random.get_state(legacy)


def set_state(state):
    """Sets the state of the global stream."""
    _random.set_state(state)


def __getattr__(name):
    value = getattr(_random, name)
    if callable(value) and not isinstance(value, type):
        method = getattr(_global, name, None)
        value = method if method is not None and hasattr(_random.mtrand._rand, name) else value
    globals()[name] = value
    return value


def __dir__():
    return dir(_random)


__all__ = list(_random.__all__)
