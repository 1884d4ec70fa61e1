"""Methods of the array type that need no speed: the rest is in bindings/python/src."""

import sys

import numpy

from . import _minpy
from ._fallback import _Conversion, as_subclass, call, is_traced, warn_complex
from ._members import members, method, run, through_numpy
from ._minpy import _as_strided, _dtype_known, _from_numpy, _numpy_view, _operator, ndarray

# ---- methods that are operators: `x.sum(axis)` is one vectorcall, no frame

for _name in """sum prod mean std var max min any all argmax argmin cumsum cumprod argsort argpartition repeat take
        diagonal trace round dot searchsorted nonzero""".split():
    _found = _operator(_name, True)
    if _found is not None:
        members[_name] = _found
        if _name == "nonzero":  # a list of any length, which NumPy gives as a tuple
            _found._finish = lambda *results: results
    else:
        through_numpy(_name)


def _view_of(self, result):
    """`result` remembers what it is a view of."""
    if type(result) is ndarray and result is not self and result.base is None and result._state[4] == self._state[4]:
        result._base = self if self.base is None else self.base
        if self._readonly:
            result._readonly = True
    return result


@method
def diagonal(self, *args, _function=members["diagonal"], **kwargs):
    """A read-only view of the diagonal."""
    result = _view_of(self, _function(self, *args, **kwargs))
    result._readonly = True
    return result


@method
def clip(self, min=None, max=None, out=None, **kwargs):
    return run("clip", self, min, max, out=out, **kwargs)


@method
def _astype(self, dtype, order="K", casting="unsafe", subok=True, copy=True):
    """A copy with another dtype; the array itself where copy=False allows it."""
    wanted = dtype_of(dtype)
    if not copy and wanted == self.dtype and order in ("K", "A"):
        return self
    found = _operator("astype") if _dtype_known(wanted) else None
    if found is None:
        return call(numpy.ndarray.astype, "dtype", (self, wanted), {"order": order, "casting": casting, "copy": copy})
    if not numpy.can_cast(self.dtype, wanted, casting):
        raise TypeError(f"Cannot cast array data from {self.dtype!r} to {wanted!r} according to the rule {casting!r}")
    x = self
    if self.dtype.kind == "c" and wanted.kind not in "cb":
        warn_complex()
        x = self.real
    result = x.astype(wanted)
    if order == "A":
        order = "F" if laid_out(self, "F") else "C"
    return result if order == "K" or laid_out(result, order) else result.copy(order)


def dtype_of(dtype):
    if isinstance(dtype, numpy.dtype):
        return dtype
    if isinstance(dtype, str) and dtype == "bfloat16":
        import ml_dtypes

        return numpy.dtype(ml_dtypes.bfloat16)
    return numpy.dtype(dtype)


def laid_out(x, order):
    return bool(x._state[0] & (1 if order == "C" else 2))


@method
def _copy(self, order="C"):
    """A copy of the array, in any order."""
    order = order.upper() if isinstance(order, str) else order
    found = _operator("copy")
    if order == "A":
        order = "K" if laid_out(self, "F") else "C"
    if order == "K":
        return self.copy("K")
    if order == "C" and laid_out(self, "C"):
        return found(self)
    if is_traced(self):
        if order == "F" and self.ndim > 1:
            return found(self.transpose()).transpose()
        return found(self)
    return _from_numpy(_numpy_view(self).copy(order), True) if self._state[2] == 1 else found(self)


@method
def _flatten(self, order="C"):
    """A copy of the array as one dimension, in any order."""
    order = order.upper()
    flat = self.ravel(order)
    return flat.copy() if flat._state[4] == self._state[4] else flat


@method
def _ravel(self, order="C"):
    """The elements as one dimension, in any order."""
    order = order.upper()
    if order in ("C", "F"):
        return self.reshape(-1) if order == "C" else self.transpose().reshape(-1)
    if order == "A":
        return self.ravel("F" if laid_out(self, "F") and not laid_out(self, "C") else "C")
    if is_traced(self):
        axes = sorted(range(self.ndim), key=lambda i: -abs(self.strides[i]))
        return self.transpose(axes).reshape(-1)
    return call(numpy.ndarray.ravel, "attribute", (self, order), {})


@method
def fill(self, value):
    """Sets every element to `value`."""
    if isinstance(value, (ndarray, numpy.ndarray)) and value.ndim:
        raise ValueError("setting an array element with a sequence.")
    self[...] = value


@method
def view(self, dtype=None, type=None):
    """The same memory, seen as another dtype."""
    if type is None and isinstance(dtype, __builtins_type) and not issubclass(dtype, numpy.generic):
        if issubclass(dtype, (numpy.ndarray, ndarray)):
            type, dtype = dtype, None
    if type is not None:
        if issubclass(type, ndarray):
            window = self.view() if dtype is None else self.view(dtype)
            return window if type is ndarray else as_subclass(window, self, type)
        return _numpy_view(self).view(*((dtype,) if dtype is not None else ()), type=type)
    if dtype is None:
        return _as_strided(self, self.dtype, self.shape, self.strides)
    if is_traced(self):
        raise TypeError("view(dtype) reinterprets bits: it has no gradient")
    seen = _numpy_view(self).view(dtype)
    if not _dtype_known(seen.dtype):
        return seen
    return _as_strided(self, seen.dtype, seen.shape, seen.strides)


__builtins_type = type


@method
def sort(self, axis=-1, kind=None, order=None, *, stable=None):
    """Sorts in place."""
    if is_traced(self):
        self[...] = run("sort", self, axis=axis)
    elif self._readonly:
        raise ValueError("sort array is read-only")
    else:
        view = _Conversion(numpy.ndarray.sort)
        array = view(self)
        found = _operator("sort")
        if found is None or order is not None or self.ndim == 0:
            array.sort(axis=axis, kind=kind, order=order, stable=stable)
        else:
            found(self, axis=axis, out=self)
            return
        view.write_back()


@method
def partition(self, kth, axis=-1, kind="introselect", order=None):
    """Sorts in place so far that the kth element is where it belongs."""
    call(numpy.ndarray.partition, "no_kernel", (self, kth, axis, kind, order), {})


@method
def put(self, indices, values, mode="raise"):
    """Sets elements of the flattened array."""
    run("put", self, indices, values, mode=mode)


@method
def resize(self, *new_shape, refcheck=True):
    """Changes shape and size in place."""
    shape = new_shape[0] if len(new_shape) == 1 and not isinstance(new_shape[0], int) else new_shape
    if shape is None:
        return
    shape = (shape,) if isinstance(shape, int) else tuple(shape)
    if self.base is not None:
        raise ValueError("cannot resize this array: it does not own its data")
    size = 1
    for n in shape:
        size *= n
    if size == self.size:
        self.shape = shape
        return
    if refcheck and sys.getrefcount(self) > 3:
        raise ValueError(
            "cannot resize an array that references or is referenced\nby another array in this way.\n"
            "Use the np.resize function or refcheck=False"
        )
    resized = numpy.zeros(size, self.dtype)
    kept = min(size, self.size)
    resized[:kept] = _numpy_view(self).reshape(-1)[:kept]
    self._become(_from_numpy(resized.reshape(shape), True))


@method
def compress(self, condition, axis=None, out=None):
    return run("compress", condition, self, axis=axis, out=out)


@method
def choose(self, choices, out=None, mode="raise"):
    return call(numpy.choose, "no_kernel", (self, choices), {"out": out, "mode": mode})


for _name in "byteswap dump dumps getfield setfield tobytes tofile".split():
    through_numpy(_name)


@method
def setflags(self, write=None, align=None, uic=None):
    """Sets whether the array may be written."""
    if write is not None:
        self.flags.writeable = write


@method
def to_device(self, device, /, *, stream=None):
    """A copy on `device`, or the array itself if it is there."""
    if stream is not None:
        raise ValueError("The stream argument in to_device() is not supported")
    return _minpy._to_device(self, device)


@method
def as_in_context(self, context):
    return _minpy._to_device(self, context)


@method
def wait_to_read(self):
    """Waits until the array is computed."""
    _minpy._wait(self)
