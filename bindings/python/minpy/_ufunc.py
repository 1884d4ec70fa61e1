"""What element-wise operators have beyond a call: reduce, accumulate, outer, reduceat, at. Reductions that are
operators of their own run there, the rest in NumPy."""

import numpy

from ._fallback import call, is_traced
from ._minpy import _operator, ndarray, ufunc

# numpy's ufunc -> the operator that is its reduction, its running reduction
_REDUCTIONS = {
    "add": ("sum", "cumsum"), "multiply": ("prod", "cumprod"), "maximum": ("max", None), "minimum": ("min", None),
    "logical_and": ("all", None), "logical_or": ("any", None),
}  # fmt: skip


def _numpy_method(self, name):
    if self._numpy is None:
        raise AttributeError(f"{self.__name__}.{name} needs NumPy's {self.__name__}, which does not exist")
    return getattr(self._numpy, name)


def _is_ours(array):
    return type(array) is ndarray


def _reduce(self, array, axis=0, dtype=None, out=None, keepdims=False, initial=numpy._NoValue, where=True):
    name = _REDUCTIONS.get(self.__name__, (None, None))[0]
    found = _operator(name) if name else None
    options = {}
    if initial is not numpy._NoValue:
        options["initial"] = initial
    if where is not True:
        options["where"] = where
    if found is None or not (is_traced(array) or (dtype is None and not options and _is_ours(array))):
        if keepdims:
            options["keepdims"] = keepdims
        return call(_numpy_method(self, "reduce"), "no_kernel", (array, axis, dtype, out), options)
    if dtype is not None:
        options["dtype"] = dtype
    return found(array, axis=axis, out=out, keepdims=keepdims, **options)


def _accumulate(self, array, axis=0, dtype=None, out=None):
    name = _REDUCTIONS.get(self.__name__, (None, None))[1]
    found = _operator(name) if name else None
    if found is None or not (is_traced(array) or (dtype is None and out is None and _is_ours(array) and array.ndim)):
        return call(_numpy_method(self, "accumulate"), "no_kernel", (array, axis, dtype, out), {})
    return found(array, axis=axis, **({} if dtype is None else {"dtype": dtype}))


def _outer(self, A, B, /, **kwargs):
    if self.nin != 2:
        return call(_numpy_method(self, "outer"), "no_kernel", (A, B), kwargs)
    from . import numpy as np

    if not all(isinstance(x, (np.ndarray, numpy.ndarray, int, float, complex, list, tuple)) for x in (A, B)):
        return call(_numpy_method(self, "outer"), "dtype", (A, B), kwargs)
    A, B = np.asarray(A), np.asarray(B)
    return self(A.reshape(A.shape + (1,) * B.ndim), B, **kwargs)


def _reduceat(self, array, indices, axis=0, dtype=None, out=None):
    return call(_numpy_method(self, "reduceat"), "no_kernel", (array, indices, axis, dtype, out), {})


def _at(self, a, indices, *b):
    call(_numpy_method(self, "at"), "no_kernel", (a, indices, *b), {})


def _resolve_dtypes(self, *args, **kwargs):
    return _numpy_method(self, "resolve_dtypes")(*args, **kwargs)


for _name, _function in {
    "reduce": _reduce, "accumulate": _accumulate, "outer": _outer, "reduceat": _reduceat, "at": _at,
    "resolve_dtypes": _resolve_dtypes,
}.items():  # fmt: skip
    _function.__name__ = _function.__qualname__ = _name
    ufunc._set(_name, _function)
