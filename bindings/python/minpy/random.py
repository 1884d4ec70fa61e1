"""Random numbers of the library's own generator (Philox 4x32-10): the same bits on every device, also under a gradient,
which reaches locations and scales. NumPy's streams are in `minpy.numpy.random`.

The operators are uniform, normal, exponential, bernoulli, integers and permutation."""

from . import _minpy
from ._minpy import _operator

__all__ = ["Stream", "bernoulli", "exponential", "integers", "normal", "permutation", "seed", "uniform"]


uniform, normal, exponential, bernoulli, integers, permutation = (
    _operator("random." + name) for name in ("uniform", "normal", "exponential", "bernoulli", "integers", "permutation")
)


def seed(seed, stream=0):
    """Starts this thread's stream anew."""
    _minpy.context_set_rng(None, _minpy.rng_new(seed, stream))


class Stream:
    """A stream of its own, used inside a `with` block. Equal seed and stream number give equal numbers."""

    def __init__(self, seed, stream=0):
        self._rng = _minpy.rng_new(seed, stream)

    @property
    def state(self):
        """(seed, stream, counter), which can be set."""
        return _minpy.rng_state(self._rng, None, 0)

    @state.setter
    def state(self, words):
        _minpy.rng_state(self._rng, words, 1)

    def __enter__(self):
        context = _minpy.context_new()
        _minpy.context_set_rng(context, self._rng)
        _minpy.context_push(context)
        return self

    def __exit__(self, *exception):
        _minpy.context_pop()
