"""Gradients of Python functions, and symbols as functions.

`grad` marks the very arrays that are passed in: a function that ignores its arguments and reads the same arrays through
a closure gets its gradients too. Control flow is Python's own; the tape sees the operators that ran."""

import functools

import numpy as _numpy

from . import _minpy
from ._fallback import NoGradientFuncError, from_numpy, is_traced, to_numpy
from ._minpy import _from_numpy, _operator, ndarray, tape_differentiate, tape_gradient, tape_jvp, tape_watch

__all__ = [
    "Function", "MXNetSymbolError", "NoGradientFuncError", "Tape", "convert_args", "elementwise_grad", "grad",
    "grad_and_loss", "hessian", "jacobian", "jvp", "minpy_to_numpy", "numpy_to_minpy", "return_numpy",
    "stop_gradient", "value_and_grad", "vjp",
]  # fmt: skip

_RETAIN = 1


class Tape:
    """Records what is computed from watched arrays while its block runs; thread-local, nestable, exception-safe."""

    def __init__(self):
        self._tape = _minpy.tape_new(0)
        self._context = None

    def __enter__(self):
        context = _minpy.context_new()
        _minpy.context_set_tape(context, self._tape)
        _minpy.context_push(context)
        self._context = context
        return self

    def __exit__(self, *exception):
        _minpy.context_pop()
        self._context = None

    def watch(self, *arrays):
        """Marks arrays; returns the ones to use, which are the same unless an array is marked already."""
        watched = tape_watch(self._tape, [_array_of(a) for a in arrays])
        return watched[0] if len(watched) == 1 else watched

    def gradient(self, heads, wrt, seeds=None, retain=False):
        """Gradients of the sum of `heads`, weighted by `seeds`, with respect to `wrt`."""
        one = isinstance(wrt, ndarray)
        heads = [heads] if isinstance(heads, ndarray) else list(heads)
        if seeds is not None:
            seeds = [seeds] if isinstance(seeds, ndarray) else list(seeds)
        gradients = tape_gradient(self._tape, heads, seeds, [wrt] if one else list(wrt), _RETAIN if retain else 0)
        return gradients[0] if one else gradients

    def jvp(self, heads, wrt, tangents):
        """Derivatives of `heads` when `wrt` moves along `tangents`."""
        return tape_jvp(self._tape, list(heads), list(wrt), list(tangents))

    def close(self):
        """Ends the recording."""
        _minpy.tape_close(self._tape)


def _array_of(x):
    """A differentiable array for an argument: the array itself, or a 0-d array of a number."""
    if isinstance(x, ndarray):
        return x
    if isinstance(x, _numpy.ndarray):
        return _from_numpy(x)
    a = _numpy.asarray(to_numpy(x))
    if a.dtype.kind in "biu":
        a = a.astype(_numpy.float64)
    if a.dtype.kind not in "fc":
        raise TypeError(f"a gradient needs numbers, not {type(x).__name__}")
    return _from_numpy(a, True)


class _Leaves:
    """The arrays of an argument that may be a tuple, list or dict of them."""

    def __init__(self, argument):
        self.arrays, self.numbers = [], []
        self.rebuild = self._flatten(argument)

    def _flatten(self, x):
        if isinstance(x, dict):
            parts = {k: self._flatten(v) for k, v in x.items()}
            return lambda values: {k: part(values) for k, part in parts.items()}
        if isinstance(x, (list, tuple)) and not all(isinstance(y, (int, float, complex)) for y in x):
            kind, parts = type(x), [self._flatten(y) for y in x]
            if hasattr(x, "_fields"):
                return lambda values: kind(*(part(values) for part in parts))
            return lambda values: kind(part(values) for part in parts)
        i = len(self.arrays)
        self.arrays.append(_array_of(x))
        self.numbers.append(isinstance(x, (int, float, complex)))
        return lambda values: values[i]


def _plain_numbers(gradients, numbers):
    """Gradients of Python numbers are Python numbers, unless an outer tape follows them."""
    return [g.item() if number and not is_traced(g) else g for g, number in zip(gradients, numbers, strict=True)]


def _heads_of(result):
    results = result if isinstance(result, (tuple, list)) else (result,)
    heads = []
    for r in results:
        if isinstance(r, (tuple, list)):
            heads += _heads_of(r)
        elif isinstance(r, ndarray):
            heads.append(r)
    return heads


class _Recording:
    """One run of a function on a tape, with some arguments watched."""

    def __init__(self, function, argnum, args, kwargs):
        self.single = not isinstance(argnum, (list, tuple, range))
        numbers = (argnum,) if self.single else tuple(argnum)
        args = list(args)
        self.leaves = []
        for i in numbers:
            if not -len(args) <= i < len(args):
                raise ValueError(f"argnum {i} is out of range: the function was called with {len(args)} arguments")
            self.leaves.append(_Leaves(args[i]))
        self._separate_duplicates()
        self.tape = Tape()
        try:
            with self.tape:
                flat = [a for leaf in self.leaves for a in leaf.arrays]
                self.watched = tape_watch(self.tape._tape, flat)
                at = 0
                for i, leaf in zip(numbers, self.leaves, strict=True):
                    args[i] = leaf.rebuild(self.watched[at : at + len(leaf.arrays)])
                    at += len(leaf.arrays)
                self.result = function(*args, **kwargs)
        except BaseException:
            self.tape.close()
            raise

    def _separate_duplicates(self):
        """An array that is passed twice is two arguments: from its second position it is a copy."""
        seen = set()
        for leaf in self.leaves:
            for i, a in enumerate(leaf.arrays):
                if id(a) in seen:
                    leaf.arrays[i] = a.copy()
                seen.add(id(a))

    def structured(self, gradients):
        """Gradients in the shape of the arguments: bare for one argnum, a list for several."""
        at, parts = 0, []
        for leaf in self.leaves:
            n = len(leaf.arrays)
            parts.append(leaf.rebuild(_plain_numbers(gradients[at : at + n], leaf.numbers)))
            at += n
        return parts[0] if self.single else parts

    def gradient(self, heads=None, seeds=None, flags=0):
        heads = _heads_of(self.result) if heads is None else heads
        if not heads:
            return [_zeros_like(w) for w in self.watched]
        return tape_gradient(self.tape._tape, heads, seeds, self.watched, flags)


def _zeros_like(x):
    return _from_numpy(_numpy.zeros(x.shape, x.dtype), True)


def grad_and_loss(func, argnum=0):
    """Returns a function that computes the gradient and the value of `func`.

    Parameters
    ----------
    func : callable
        Its result is summed if it is not a scalar; the parts of a tuple are added.
    argnum : int or sequence of ints
        The positions of the arguments to differentiate. For one, the gradient comes bare, for several in a list.
        An argument may be an array, a number, or a tuple, list or dict of them.
    """

    single = not isinstance(argnum, (list, tuple, range))
    positions = (argnum,) if single else tuple(argnum)

    @functools.wraps(func)
    def wrapped(*args, **kwargs):
        if (done := tape_differentiate(func, positions, args, kwargs)) is not None:
            gradients, result = done
            return gradients[0] if single else gradients, result
        recording = _Recording(func, argnum, args, kwargs)
        try:
            gradients = recording.gradient()
        finally:
            recording.tape.close()
        return recording.structured(gradients), recording.result

    return wrapped


def grad(func, argnum=0):
    """Returns a function that computes the gradient of `func` with respect to argument `argnum`.

    >>> grad(lambda x: x * x)(3.0)
    6.0
    """
    both = grad_and_loss(func, argnum)

    @functools.wraps(func)
    def wrapped(*args, **kwargs):
        return both(*args, **kwargs)[0]

    return wrapped


elementwise_grad = grad


def value_and_grad(func, argnum=0):
    """Returns a function that computes the value and the gradient of `func`, in this order."""
    both = grad_and_loss(func, argnum)

    @functools.wraps(func)
    def wrapped(*args, **kwargs):
        gradient, value = both(*args, **kwargs)
        return value, gradient

    return wrapped


def vjp(func, *primals):
    """The value of `func`, and the function that pulls a cotangent of the value back to the arguments."""
    recording = _Recording(func, tuple(range(len(primals))), primals, {})

    def pull_back(*cotangents):
        if len(cotangents) == 1 and isinstance(cotangents[0], (tuple, list)):
            cotangents = tuple(cotangents[0])
        heads = _heads_of(recording.result)
        seeds = [_array_of(c) for c in cotangents] or None
        gradients = recording.structured(recording.gradient(heads, seeds, _RETAIN))
        return gradients[0] if len(primals) == 1 else tuple(gradients)

    return recording.result, pull_back


def jvp(func, primals, tangents):
    """The value of `func`, and its directional derivative when the arguments move along `tangents`."""
    recording = _Recording(func, tuple(range(len(primals))), tuple(primals), {})
    try:
        heads = _heads_of(recording.result)
        moves = [a for t in tangents for a in _Leaves(t).arrays]
        derivatives = tape_jvp(recording.tape._tape, heads, recording.watched, moves) if heads else [0.0]
    finally:
        recording.tape.close()
    return recording.result, derivatives[0] if len(derivatives) == 1 else tuple(derivatives)


def jacobian(func, argnum=0):
    """Returns a function that computes the matrix of derivatives, of shape result.shape + argument.shape."""

    @functools.wraps(func)
    def wrapped(*args, **kwargs):
        from . import numpy as np

        recording = _Recording(func, argnum, args, kwargs)
        try:
            (head,) = _heads_of(recording.result) or (_zeros_like(_array_of(recording.result)),)
            rows = []
            for i in range(head.size):
                seed = _numpy.zeros(head.shape, head.dtype)
                seed.reshape(-1)[i] = 1
                rows.append(recording.gradient([head], [_from_numpy(seed, True)], _RETAIN))
            columns = [
                np.stack([row[k] for row in rows]).reshape(head.shape + w.shape)
                if rows
                else np.zeros(head.shape + w.shape, w.dtype)
                for k, w in enumerate(recording.watched)
            ]
        finally:
            recording.tape.close()
        return recording.structured(columns)

    return wrapped


def hessian(func, argnum=0):
    """Returns a function that computes the second derivatives of a scalar function."""
    return jacobian(grad(func, argnum), argnum)


def stop_gradient(x):
    """`x` as a constant: no gradient passes."""
    found = _operator("stop_gradient")
    if found is not None:
        return found(x)
    return _from_numpy(_minpy._numpy_view(x), True) if isinstance(x, ndarray) else x


# ---- between NumPy and MinPy


def numpy_to_minpy(var):
    """NumPy arrays become MinPy arrays, also inside tuples, lists and dicts."""
    return from_numpy(var)


def minpy_to_numpy(var):
    """MinPy arrays become NumPy arrays, also inside tuples, lists and dicts."""
    return to_numpy(var)


def convert_args(func):
    """A wrapper that turns NumPy arrays among the arguments into MinPy arrays."""

    @functools.wraps(func)
    def wrapped(*args, **kwargs):
        return func(*map(from_numpy, args), **{k: from_numpy(v) for k, v in kwargs.items()})

    return wrapped


def return_numpy(func):
    """A wrapper that turns MinPy arrays in the result into NumPy arrays."""

    @functools.wraps(func)
    def wrapped(*args, **kwargs):
        return to_numpy(func(*args, **kwargs))

    return wrapped


from ._function import Function, MXNetSymbolError  # noqa: E402  (needs this module)
