"""The second tier: NumPy runs what the library does not have, and the registry counts it.

Our arrays go in as NumPy views on the same memory (from a device: copies that are written back if changed), NumPy's
arrays come back as ours. An array that a tape follows cannot take this way: its gradient would be silently lost.
"""

import functools
import sys
import time
import warnings

import numpy

from . import _minpy
from ._minpy import (
    _from_numpy,
    _holds_arrays,
    _numpy_view,
    _to_device,
    context_get_info,
    dispatch_count,
    is_traced,
    ndarray,
    tape_follows,
)

_OURS = (ndarray,)
_WARN, _ERROR = 1, 2  # the context's reaction to a fallback
_warned = set()
_CONTAINERS = (tuple, list)


class NoGradientFuncError(ValueError):
    """A function without a derivative met an array that a gradient is taken through."""


def _name_of(function):
    module = getattr(function, "__module__", None) or ""
    name = getattr(function, "__name__", None) or repr(function)
    if module.startswith("numpy.") and not module.startswith("numpy._"):
        return module[6:] + "." + name
    return name


def _site():
    frame = sys._getframe(2)
    here = __name__.rpartition(".")[0]
    while frame is not None and (frame.f_globals.get("__name__") or "").split(".")[0] in (here, "numpy"):
        frame = frame.f_back
    return f"{frame.f_code.co_filename}:{frame.f_lineno}" if frame is not None else ""


class _Conversion:
    """One call's arguments on their way to NumPy."""

    def __init__(self, function):
        self.function = function
        self.bytes = 0
        self.copies = []

    def __call__(self, x):
        if isinstance(x, _OURS):
            if self.function is not None and tape_follows(x):
                raise NoGradientFuncError(
                    f"{_name_of(self.function)} has no gradient: it runs in NumPy, which the tape cannot follow; "
                    "use an operator of minpy.numpy, or take the array off the tape with minpy.core.stop_gradient"
                )
            view = _numpy_view(x)
            self.bytes += view.nbytes
            if x._state[2] != 1:
                self.copies.append((x, view, view.copy()))
            return view
        kind = type(x)
        if kind in _CONTAINERS:
            return kind(map(self, x)) if _holds_arrays(x) or (len(x) < 100 and any(map(_concerns, x))) else x
        if kind is dict:
            return {k: self(v) for k, v in x.items()} if any(_concerns(v) for v in x.values()) else x
        if kind is slice:
            return slice(self(x.start), self(x.stop), self(x.step))
        replace = getattr(x, "__minpy_numpy__", None) if kind not in _PLAIN else None
        return x if replace is None else replace

    def write_back(self):
        for ours, view, before in self.copies:
            if not numpy.array_equal(view, before, equal_nan=view.dtype.kind in "fc"):
                ours[...] = view


_PLAIN = (int, float, complex, str, bytes, bool, type(None), numpy.ndarray)


def _concerns(x):
    return isinstance(x, _OURS) or type(x) in (tuple, list, dict, slice) or hasattr(x, "__minpy_numpy__")


def to_numpy(x, function=None):
    """`x` with our arrays replaced by NumPy views, also inside tuples, lists and dicts.

    With a function that the arrays go to, an array that a tape follows is an error.
    """
    return _Conversion(function)(x)


def from_numpy(x):
    """`x` with NumPy's arrays replaced by ours, also inside tuples, lists and dicts."""
    kind = type(x)
    if kind is numpy.ndarray:
        base = x.base
        if type(base) is ndarray and _same_window(x, base):
            return base
        return _from_numpy(x)
    if kind in _CONTAINERS:
        return kind(map(from_numpy, x))
    if kind is dict:
        return {k: from_numpy(v) for k, v in x.items()}
    if isinstance(x, tuple) and hasattr(x, "_fields"):
        return kind(*map(from_numpy, x))
    return x


def _same_window(view, array):
    return (
        view.shape == array.shape
        and view.strides == array.strides
        and view.dtype == array.dtype
        and view.__array_interface__["data"][0] == _numpy_view(array).__array_interface__["data"][0]
    )


def call(function, reason, args, kwargs):
    """Calls NumPy's `function` and counts it."""
    conversion = _Conversion(function)
    converted = tuple(map(conversion, args))
    options = {k: conversion(v) for k, v in kwargs.items()}
    name, reaction = _name_of(function), context_get_info(None)[1]
    if reaction == _ERROR:
        dispatch_count(name, reason, conversion.bytes, 0, _site())  # raises
    start = time.perf_counter_ns()
    result = function(*converted, **options)
    elapsed = time.perf_counter_ns() - start
    site = _site()
    dispatch_count(name, reason, conversion.bytes, elapsed, site)
    if reaction == _WARN and (name, site) not in _warned:
        _warned.add((name, site))
        warnings.warn(f"{name} runs in NumPy ({reason})", RuntimeWarning, stacklevel=_level())
    if conversion.copies:
        conversion.write_back()
    # out= comes back as the very object that was passed
    out = kwargs.get("out")
    if out is not None:
        if isinstance(out, tuple):
            if not isinstance(result, tuple):
                return result if out[0] is None else out[0]
            return tuple(from_numpy(r) if o is None else o for r, o in zip(result, out, strict=False))
        return out
    for given, sent in zip(args, converted, strict=True):
        if sent is result and given is not sent:
            return given
    result = from_numpy(result)
    return _moved(result, conversion.copies[0][0]) if conversion.copies else result


def _moved(result, array):
    """The result on the device that the call's array came from."""
    if isinstance(result, ndarray):
        return _to_device(result, array._state[2:4])
    return type(result)(_moved(r, array) for r in result) if type(result) in _CONTAINERS else result


def wrap_function(function, reason="no_kernel"):
    """A callable of `minpy.numpy` for a NumPy function that the library does not have."""
    if isinstance(function, numpy.ufunc):
        return UFunc(function)

    @functools.wraps(function, updated=())
    def fallback(*args, **kwargs):
        return call(function, reason, args, kwargs)

    fallback.__minpy_numpy__ = function
    return fallback


class UFunc:
    """A NumPy ufunc that the library does not have."""

    def __init__(self, function):
        self.__minpy_numpy__ = function
        self.__name__ = self.__qualname__ = function.__name__
        self.__doc__ = function.__doc__

    def __call__(self, *args, **kwargs):
        return call(self.__minpy_numpy__, "no_kernel", args, kwargs)

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        value = getattr(self.__minpy_numpy__, name)
        if name in ("reduce", "accumulate", "reduceat", "outer", "at"):
            return lambda *args, **kwargs: call(value, "no_kernel", args, kwargs)
        return value

    def __repr__(self):
        return repr(self.__minpy_numpy__)

    def __reduce__(self):
        return _named, (self.__name__,)


def _named(name):
    from . import numpy as namespace

    return getattr(namespace, name)


# ---- what the C++ of the face calls for the rare cases


def get_item(array, key):
    conversion = _Conversion(numpy.ndarray.__getitem__)
    return from_numpy(conversion(array)[conversion(key)])


def as_subclass(array, source, kind=None):
    """The array as an object of a class, by default the source's, which may want to finish it."""
    part = _minpy._as_type(array, kind or type(source))
    finalize = getattr(part, "__array_finalize__", None)
    if finalize is not None:
        finalize(source)
    return part


def set_item(array, key, value):
    if is_traced(array) or is_traced(value):
        # An odd value: NumPy reads it by the array's dtype, then it is written as an array.
        array[key] = _from_numpy(numpy.asarray(to_numpy(value), dtype=array.dtype))
        return
    conversion = _Conversion(numpy.ndarray.__setitem__)
    conversion(array)[conversion(key)] = conversion(value)
    conversion.write_back()


def in_place(name, array, other):
    conversion = _Conversion(getattr(numpy, name))
    view = conversion(array)
    conversion.function(view, conversion(other), out=view)
    conversion.write_back()
    dispatch_count(name, "dtype", conversion.bytes, 0, _site())
    return array


def window_of_shape(array, shape):
    view = _numpy_view(array)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        view.shape = to_numpy(shape)
    return _minpy._as_strided(array, array.dtype, view.shape, view.strides)


def array_repr(array):
    return repr(_numpy_view(array)) if array.dtype.kind != "V" else f"array({_numpy_view(array)!s}, dtype=bfloat16)"


def array_str(array):
    return str(_numpy_view(array))


def _level():
    """The stack level of the first frame outside this package, for the caller's warning."""
    level, frame = 1, sys._getframe(1)
    while frame is not None and (frame.f_globals.get("__name__") or "").split(".")[0] == "minpy":
        level, frame = level + 1, frame.f_back
    return level


def warn_complex():
    """What NumPy says when a cast drops imaginary parts."""
    text = "Casting complex values to real discards the imaginary part"
    warnings.warn(text, numpy.exceptions.ComplexWarning, stacklevel=_level())


_CONDITIONS = (
    (1, "divide", "divide by zero"),
    (2, "over", "overflow"),
    (4, "under", "underflow"),
    (8, "invalid", "invalid value"),
)


_CAST = dict.fromkeys(["astype", "set_item", "full", "full_like", "concatenate", "stack"], "cast")  # NumPy's word
_EMPTY = 16  # MINPY_FP_EMPTY, and what NumPy says of it
_EMPTY_SLICES = {
    "var": "Degrees of freedom <= 0 for slice", "nanvar": "Degrees of freedom <= 0 for slice.",
    "nanmax": "All-NaN slice encountered",
}  # fmt: skip
_EMPTY_SLICES |= {"std": _EMPTY_SLICES["var"], "nanstd": _EMPTY_SLICES["nanvar"], "nanmin": _EMPTY_SLICES["nanmax"]}


def report_fp(flags, name):
    """What numpy.errstate asks for when operator `name` met the conditions `flags`."""
    if flags & _EMPTY:
        warnings.warn(_EMPTY_SLICES.get(name, "Mean of empty slice"), RuntimeWarning, stacklevel=_level())
    state = numpy.geterr()
    name = _CAST.get(name, name)
    for bit, key, text in _CONDITIONS:
        if not flags & bit:
            continue
        reaction = state[key]
        if reaction == "ignore":
            continue
        message = f"{text} encountered in {name}"
        if reaction == "warn":
            warnings.warn(message, RuntimeWarning, stacklevel=_level())
        elif reaction == "raise":
            raise FloatingPointError(message)
        elif reaction == "print":
            print("Warning: " + message)
        elif reaction in ("call", "log"):
            handler = numpy.geterrcall()
            if reaction == "call":
                if handler is None:
                    raise NameError(f"python callback specified for {text} (in {name}) but no function found.")
                handler(text, flags)
            elif handler is None:
                raise NameError(f"log specified for {text} (in {name}) but no object with write method found.")
            else:
                handler.write(f"Warning: {message}\n")


def errstate(state):
    """The conditions that errstate does not ignore, and 256 if one is more than warned of: calls then run at once."""
    heard = _EMPTY + sum(bit for bit, key, _ in _CONDITIONS if state[key] != "ignore")
    return heard if all(state[key] in ("ignore", "warn") for _, key, _ in _CONDITIONS) else heard | 256


_warned = {}  # where deferred calls warned already, as modules have it


def report_named(lines):
    """Warns of the conditions that deferred calls met, at their call sites: "conditions operator file:line"."""
    for line in lines.splitlines():
        flags, name, site = line.split(" ", 2)
        file, _, number = site.rpartition(":")
        for bit, _, text in _CONDITIONS:
            if int(flags) & bit:
                message = f"{text} encountered in {_CAST.get(name, name)}"
                where = file or "<minpy>", int(number or 1)
                warnings.warn_explicit(message, RuntimeWarning, *where, registry=_warned.setdefault(file, {}))


_DEVICES = {"cpu": 1, "cuda": 2, "gpu": 2, "device": 12, "extension": 12}


def parse_device(device):
    """(DLPack's device type, index) of "cpu", "cuda:1", a Context or a pair."""
    if device is None:
        return 1, 0
    pair = getattr(device, "_pair", None)
    if pair is not None:
        return pair
    if isinstance(device, str):
        kind, _, index = device.partition(":")
        if kind in _DEVICES and (not index or index.isdecimal()):
            return _DEVICES[kind], int(index or 0)
    raise ValueError(f"Device not understood: {device!r}; use 'cpu', 'cuda:0' or a minpy.context.Context")


def signature_of(operator):
    """inspect.signature of an operator: NumPy's if it has all our parameters, else from the schema."""
    import inspect

    P = inspect.Parameter
    try:
        numpys = inspect.signature(operator._numpy)
        ours = {p[0] for p in operator._parameters}
        if "self" in numpys.parameters:  # a method
            ours -= {operator._parameters[0][0]}
        if ours <= set(numpys.parameters) or any(p.kind is P.VAR_KEYWORD for p in numpys.parameters.values()):
            return numpys
    except (TypeError, ValueError):
        pass
    parameters, seen_default = [], False
    for name, _, flags, variadic, default in operator._parameters:
        kind = P.KEYWORD_ONLY if flags & 8 else P.POSITIONAL_ONLY if flags & 4 else P.POSITIONAL_OR_KEYWORD
        if variadic:
            kind = P.VAR_POSITIONAL
        optional = bool(flags & 3) and not variadic
        if seen_default and not optional and kind in (P.POSITIONAL_ONLY, P.POSITIONAL_OR_KEYWORD):
            kind = P.KEYWORD_ONLY
        seen_default = seen_default or optional
        parameters.append(P(name, kind, default=default if optional else P.empty))
    named = {p.name for p in parameters}
    if "out" not in named:
        parameters.append(P("out", P.KEYWORD_ONLY, default=None))
    if operator._flags & 1:
        for name, default in (
            ("where", True),
            ("casting", "same_kind"),
            ("order", "K"),
            ("dtype", None),
            ("subok", True),
        ):
            if name not in named:
                parameters.append(P(name, P.KEYWORD_ONLY, default=default))
    parameters.sort(key=lambda p: p.kind)
    return inspect.Signature(parameters)
