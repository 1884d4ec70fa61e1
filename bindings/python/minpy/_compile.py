"""`compile`: a Python function as a plan, for each kind of arguments that it meets.

The function runs once and what it does with arrays is recorded; later calls run the recorded plan and no Python. Arrays
among the arguments, and in the variables that the function refers to, are read at each call; all else that it was
called with is part of what a plan is made for."""

import functools
import json
import threading
import types

import numpy as _numpy

from . import _minpy
from ._minpy import _from_numpy, ndarray

_CONSTANTS = (bool, int, float, complex, str, bytes, type(None), range, slice, _numpy.generic, _numpy.dtype, type)
_MOST_KINDS = 64  # of arguments, each with plans of its own


class _Flat:
    """The arrays in nested tuples, lists and dicts, and a key for all else."""

    __slots__ = ("arrays", "kept", "key")

    def __init__(self):
        self.arrays = []
        self.key = []
        self.kept = []  # what the key has by identity

    def add(self, x):
        kind = type(x)
        if kind is ndarray:
            self.key.append(ndarray)
            self.arrays.append(x)
        elif kind is tuple or kind is list:
            self.key.append((kind, len(x)))
            for y in x:
                self.add(y)
        elif kind is dict:
            self.key.append((kind, tuple(x)))
            for y in x.values():
                self.add(y)
        elif isinstance(x, ndarray):
            self.key.append((kind, id(x)))
            self.kept.append(x)
            self.arrays.append(x)
        elif isinstance(x, _CONSTANTS):
            self.key.append((kind, repr(x) if kind in (float, complex, slice) else x))
        elif isinstance(x, tuple) and hasattr(x, "_fields"):
            self.key.append((kind, len(x)))
            for y in x:
                self.add(y)
        else:
            self.key.append((kind, id(x)))
            self.kept.append(x)


def _ours(x):
    """NumPy's arrays among the arguments become ours."""
    kind = type(x)
    if kind is _numpy.ndarray:
        return _from_numpy(x, True)
    if kind is tuple or kind is list:
        return kind(map(_ours, x))
    if kind is dict:
        return {k: _ours(v) for k, v in x.items()}
    return x


def _has_numpy(x):
    kind = type(x)
    if kind is _numpy.ndarray:
        return True
    if kind is tuple or kind is list:
        return any(map(_has_numpy, x))
    return kind is dict and any(map(_has_numpy, x.values()))


def _names_of(code):
    names = set(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            names |= _names_of(constant)
    return names


class _Surroundings:
    """The variables that a function and the functions among them refer to: cells, globals, attributes of objects."""

    def __init__(self, function):
        self.getters = []
        self._seen = set()
        self._function(function)

    def _function(self, f):
        while isinstance(f, functools.partial):
            self._value(lambda f=f: f.args)
            self._value(lambda f=f: f.keywords)
            f = f.func
        if isinstance(f, types.MethodType):
            self._object(f.__self__)
            f = f.__func__
        if not isinstance(f, types.FunctionType):
            call = type(f).__dict__.get("__call__")  # of an object that is called
            if isinstance(call, types.FunctionType):
                self._object(f)
                self._function(call)
            return
        if f in self._seen or ((f.__module__ or "").split(".")[0] == "minpy" and not f.__closure__):
            return
        self._seen.add(f)
        for cell in f.__closure__ or ():
            self._value(lambda cell=cell: cell.cell_contents)
        if (f.__module__ or "").split(".")[0] in ("minpy", "numpy"):
            return
        for name in sorted(_names_of(f.__code__)):
            if name in f.__globals__:
                self._value(lambda g=f.__globals__, name=name: g[name])
        for default in (f.__defaults__ or ()) + tuple((f.__kwdefaults__ or {}).values()):
            self._value(lambda default=default: default)

    def _object(self, x):
        """Arrays among its attributes."""
        if id(x) in self._seen or not hasattr(x, "__dict__") or isinstance(x, (type, types.ModuleType)):
            return
        self._seen.add(id(x))
        for name, value in list(vars(x).items()):
            if _holds_arrays(value):
                self._value(lambda x=x, name=name: getattr(x, name))
            elif callable(value):
                self._function(value)
            elif hasattr(value, "__dict__"):
                self._object(value)

    def _value(self, get):
        try:
            value = get()
        except (ValueError, KeyError, AttributeError):  # an empty cell
            return
        if isinstance(value, (types.ModuleType, types.BuiltinFunctionType, type, _minpy.Operator)):
            return
        if callable(value) and not isinstance(value, ndarray):
            self._function(value)
        elif isinstance(value, _CONSTANTS) or _holds_arrays(value):
            self.getters.append(get)
        elif not isinstance(value, (tuple, list, dict)):
            self._object(value)

    def add_to(self, flat):
        for get in self.getters:
            flat.add(get())


def _holds_arrays(x):
    if isinstance(x, (tuple, list)):
        return any(map(_holds_arrays, x))
    if isinstance(x, dict):
        return any(map(_holds_arrays, x.values()))
    return isinstance(x, ndarray)


class _Kind:
    """Plans for one kind of arguments: a core function whose callback runs the Python one."""

    def __init__(self, owner, kept):
        self.owner = owner
        self.kept = kept
        self.shapes = []  # of the results: how to build them from the arrays
        self.now = threading.local()  # the arguments of the call that may be recorded
        inner = _minpy.function_new(owner.__name__, self._run, None)
        self.function = _minpy.function_compile(inner)

    def _run(self, *_):
        if self.now.results is not None:  # there was no room for them
            return self.now.results
        args, kwargs = self.now.call
        result = self.owner.__wrapped__(*args, **kwargs)
        self.now.results = arrays = []
        build = _builder(result, arrays)
        self.shapes.append(build)
        arrays.append(_from_numpy(_numpy.array(len(self.shapes) - 1), True))
        return arrays

    def __call__(self, arrays, args, kwargs):
        self.now.call, self.now.results = (args, kwargs), None
        try:
            results = _minpy.function_call(self.function, arrays)
        finally:
            self.now.call = self.now.results = None
        return self.shapes[int(results.pop())](results)


def _builder(x, arrays):
    """Takes the arrays out of a result; the function puts others in their places."""
    kind = type(x)
    if isinstance(x, ndarray):
        i = len(arrays)
        arrays.append(x)
        return lambda values: values[i]
    if kind is tuple or kind is list:
        parts = [_builder(y, arrays) for y in x]
        return lambda values: kind(part(values) for part in parts)
    if kind is dict:
        parts = {k: _builder(v, arrays) for k, v in x.items()}
        return lambda values: {k: part(values) for k, part in parts.items()}
    if isinstance(x, tuple) and hasattr(x, "_fields"):
        parts = [_builder(y, arrays) for y in x]
        return lambda values: kind(*(part(values) for part in parts))
    return lambda values: x


class _Compiled:
    def __init__(self, function):
        functools.update_wrapper(self, function)
        if not hasattr(self, "__name__"):
            self.__name__ = type(function).__name__
        self._kinds = {}
        self._surroundings = None

    def __call__(self, *args, **kwargs):
        if _has_numpy(args) or _has_numpy(kwargs):
            args, kwargs = _ours(args), _ours(kwargs)
        if self._surroundings is None:
            self._surroundings = _Surroundings(self.__wrapped__)
        flat = _Flat()
        flat.add(args)
        flat.add(kwargs)
        self._surroundings.add_to(flat)
        key = tuple(flat.key)
        kind = self._kinds.get(key)
        if kind is None:
            if len(self._kinds) >= _MOST_KINDS:
                self._kinds.clear()
            kind = self._kinds[key] = _Kind(self, flat.kept)
        return kind(flat.arrays, args, kwargs)

    def __get__(self, instance, owner=None):
        return self if instance is None else types.MethodType(self, instance)

    def __repr__(self):
        return f"<compiled {self.__name__}>"

    @property
    def report(self):
        """Numbers of calls by plan, recorded, and as the function is; the reason for the latter; the plans."""
        total = {"planned_calls": 0, "recorded_calls": 0, "plain_calls": 0, "reason": None, "plans": []}
        for kind in self._kinds.values():
            one = json.loads(_minpy.function_report(kind.function))
            for name in ("planned_calls", "recorded_calls", "plain_calls"):
                total[name] += one[name]
            total["reason"] = one["reason"] or total["reason"]
            total["plans"] += one["plans"]
        return total


def compile(function):
    """Returns `function` as one that runs by a plan.

    The first call with arguments of some shapes and dtypes runs the function and records what it does with arrays;
    later ones run the recording: no Python, equal operators once, temporaries in one piece of memory.

    Parameters
    ----------
    function : callable
        For a training step compile the gradient: ``minpy.compile(grad_and_loss(loss))`` records the backward pass, too.

    Notes
    -----
    Arrays among the arguments, also in tuples, lists and dicts, and in variables that the function refers to are read
    at each call, so a parameter that is updated in place is seen; writes are made at each call. Numbers and other
    objects are constants: with another number the function is recorded anew. Random numbers are drawn anew at each
    call. A value that the function looks at (``if``, ``float()``) is a guard: where it differs, the function is
    recorded for that way, too. Zero-dimensional results stay arrays.

    What else the function does (printing, appending to a list) happens only while it is recorded. If it looks at whole
    arrays, or is differentiated from outside, it runs as it is; ``report`` has the reason.

    Examples
    --------
    >>> import minpy
    >>> import minpy.numpy as np
    >>> double = minpy.compile(lambda x: np.exp(x) + np.exp(x))
    >>> double(np.zeros(2))
    array([2., 2.])
    >>> double.report["recorded_calls"]
    1
    """
    return _Compiled(function)
