"""Methods and attributes of the array type that need no speed: the rest is in bindings/python/src."""

import copyreg
import operator
import sys
from typing import ClassVar

import numpy

from . import _minpy
from ._fallback import _Conversion, as_subclass, call, from_numpy, is_traced, to_numpy, warn_complex
from ._minpy import _as_strided, _dtype_known, _from_numpy, _numpy_view, _operator, ndarray

_attributes = {"__module__": "minpy", "__slots__": (), "__array_priority__": 100.0}


def _method(function):
    _attributes[function.__name__] = function
    return function


def _attribute(function):
    _attributes[function.__name__] = property(function, doc=function.__doc__)
    return function


def _run(name, *args, **kwargs):
    """The operator, or NumPy's function of that name where there is none."""
    found = _operator(name)
    if found is not None:
        return found(*args, **kwargs)
    return call(getattr(numpy, name), "no_kernel", args, kwargs)


def _through_numpy(name):
    function = getattr(numpy.ndarray, name)

    def method(self, *args, **kwargs):
        return call(function, "no_kernel", (self, *args), kwargs)

    method.__name__ = name
    method.__doc__ = function.__doc__
    _attributes[name] = method


# ---- methods that are operators: `x.sum(axis)` is one vectorcall, no frame

for _name in """sum prod mean std var max min any all argmax argmin cumsum cumprod argsort argpartition repeat take
        diagonal trace round dot searchsorted nonzero""".split():
    _found = _operator(_name, True)
    if _found is not None:
        _attributes[_name] = _found
        if _name == "nonzero":  # a list of any length, which NumPy gives as a tuple
            _found._finish = lambda *results: results
    else:
        _through_numpy(_name)


def _view_of(self, result):
    """`result` remembers what it is a view of."""
    if type(result) is ndarray and result is not self and result.base is None and result._state[4] == self._state[4]:
        result._base = self if self.base is None else self.base
        if self._readonly:
            result._readonly = True
    return result


@_method
def diagonal(self, *args, _function=_attributes["diagonal"], **kwargs):
    """A read-only view of the diagonal."""
    result = _view_of(self, _function(self, *args, **kwargs))
    result._readonly = True
    return result


@_method
def clip(self, min=None, max=None, out=None, **kwargs):
    return _run("clip", self, min, max, out=out, **kwargs)


@_method
def _astype(self, dtype, order="K", casting="unsafe", subok=True, copy=True):
    """A copy with another dtype; the array itself where copy=False allows it."""
    wanted = _dtype_of(dtype)
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
        order = "F" if _laid_out(self, "F") else "C"
    return result if order == "K" or _laid_out(result, order) else result.copy(order)


def _dtype_of(dtype):
    if isinstance(dtype, numpy.dtype):
        return dtype
    if isinstance(dtype, str) and dtype == "bfloat16":
        import ml_dtypes

        return numpy.dtype(ml_dtypes.bfloat16)
    return numpy.dtype(dtype)


def _laid_out(x, order):
    return bool(x._state[0] & (1 if order == "C" else 2))


@_method
def _copy(self, order="C"):
    """A copy of the array, in any order."""
    order = order.upper() if isinstance(order, str) else order
    found = _operator("copy")
    if order == "A":
        order = "K" if _laid_out(self, "F") else "C"
    if order == "K":
        return self.copy("K")
    if order == "C" and _laid_out(self, "C"):
        return found(self)
    if is_traced(self):
        if order == "F" and self.ndim > 1:
            return found(self.transpose()).transpose()
        return found(self)
    return _from_numpy(_numpy_view(self).copy(order), True) if self._state[2] == 1 else found(self)


@_method
def _flatten(self, order="C"):
    """A copy of the array as one dimension, in any order."""
    order = order.upper()
    flat = self.ravel(order)
    return flat.copy() if flat._state[4] == self._state[4] else flat


@_method
def _ravel(self, order="C"):
    """The elements as one dimension, in any order."""
    order = order.upper()
    if order in ("C", "F"):
        return self.reshape(-1) if order == "C" else self.transpose().reshape(-1)
    if order == "A":
        return self.ravel("F" if _laid_out(self, "F") and not _laid_out(self, "C") else "C")
    if is_traced(self):
        axes = sorted(range(self.ndim), key=lambda i: -abs(self.strides[i]))
        return self.transpose(axes).reshape(-1)
    return call(numpy.ndarray.ravel, "attribute", (self, order), {})


@_method
def fill(self, value):
    """Sets every element to `value`."""
    if isinstance(value, (ndarray, numpy.ndarray)) and value.ndim:
        raise ValueError("setting an array element with a sequence.")
    self[...] = value


@_method
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


@_method
def sort(self, axis=-1, kind=None, order=None, *, stable=None):
    """Sorts in place."""
    if is_traced(self):
        self[...] = _run("sort", self, axis=axis)
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


@_method
def partition(self, kth, axis=-1, kind="introselect", order=None):
    """Sorts in place so far that the kth element is where it belongs."""
    call(numpy.ndarray.partition, "no_kernel", (self, kth, axis, kind, order), {})


@_method
def put(self, indices, values, mode="raise"):
    """Sets elements of the flattened array."""
    _run("put", self, indices, values, mode=mode)


@_method
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


@_method
def compress(self, condition, axis=None, out=None):
    return _run("compress", condition, self, axis=axis, out=out)


@_method
def choose(self, choices, out=None, mode="raise"):
    return call(numpy.choose, "no_kernel", (self, choices), {"out": out, "mode": mode})


for _name in "byteswap dump dumps getfield setfield tobytes tofile".split():
    _through_numpy(_name)


@_method
def setflags(self, write=None, align=None, uic=None):
    """Sets whether the array may be written."""
    if write is not None:
        self.flags.writeable = write


@_method
def to_device(self, device, /, *, stream=None):
    """A copy on `device`, or the array itself if it is there."""
    if stream is not None:
        raise ValueError("The stream argument in to_device() is not supported")
    return _minpy._to_device(self, device)


@_method
def as_in_context(self, context):
    return _minpy._to_device(self, context)


@_method
def wait_to_read(self):
    """Waits until the array is computed."""
    _minpy._wait(self)


# ---- attributes


@_attribute
def mT(self):
    """View of the matrix transposed array."""
    if self.ndim < 2:
        raise ValueError("matrix transpose with ndim < 2 is undefined")
    return self.swapaxes(-1, -2)


@_attribute
def device(self):
    """Where the array lives: "cpu", "cuda:0"."""
    kind, index = self._state[2:4]
    return "cpu" if kind == 1 else f"{'cuda' if kind == 2 else 'device'}:{index}"


@_attribute
def context(self):
    from .context import Context

    return Context._of(*self._state[2:4])


def _part(name, offset):
    def get(self):
        if self.dtype.kind != "c":
            if name == "real":
                return self
            return _zeros_like_readonly(self)
        if is_traced(self):
            return _run(name, self)
        half = numpy.dtype(f"f{self.itemsize // 2}")
        return _as_strided(self, half, self.shape, self.strides, offset * half.itemsize)

    def set(self, value):
        if self.dtype.kind != "c":
            if name == "imag":
                raise TypeError("array does not have imaginary part to set")
            self[...] = value
        else:
            get(self)[...] = value

    _attributes[name] = property(get, set, doc=f"The {name} part of the array.")


def _zeros_like_readonly(self):
    zeros = _from_numpy(numpy.zeros(self.shape, self.dtype), True)
    zeros._readonly = True
    return zeros


_part("real", 0)
_part("imag", 1)


class FlagsObject:
    """Information about the memory of an array."""

    _bits: ClassVar = {"c_contiguous": 1, "f_contiguous": 2, "owndata": 8}
    _short: ClassVar = {
        "C": "c_contiguous", "CONTIGUOUS": "c_contiguous", "F": "f_contiguous", "FORTRAN": "f_contiguous",
        "O": "owndata", "W": "writeable", "A": "aligned", "X": "writebackifcopy", "B": "behaved", "CA": "carray",
        "FA": "farray",
    }  # fmt: skip
    aligned = True
    writebackifcopy = False

    def __init__(self, array):
        self._array = array

    def __getattr__(self, name):
        if name in ("contiguous", "forc", "fnc", "fortran", "behaved", "carray", "farray"):
            c, f = self.c_contiguous, self.f_contiguous
            return {
                "contiguous": c, "fortran": f, "forc": c or f, "fnc": f and not c, "behaved": self.writeable,
                "carray": c and self.writeable, "farray": f and not c and self.writeable,
            }[name]  # fmt: skip
        bit = self._bits.get(name)
        if bit is None:
            raise AttributeError(f"'flagsobj' object has no attribute {name!r}")
        if name == "owndata":
            return self._array.base is None and bool(self._array._state[0] & bit)
        return bool(self._array._state[0] & bit)

    @property
    def writeable(self):
        return not self._array._readonly

    @writeable.setter
    def writeable(self, value):
        array = self._array
        if (value and not array._state[0] & 4) or (value and _locked_base(array)):
            raise ValueError("cannot set WRITEABLE flag to True of this array")
        array._readonly = not value

    @property
    def num(self):
        return self.c_contiguous * 1 | self.f_contiguous * 2 | self.owndata * 4 | 0x100 | self.writeable * 0x400

    def _key(self, key):
        name = self._short.get(key, key.lower() if isinstance(key, str) else None)
        if name is None or key != key.upper():
            raise KeyError("Unknown flag")
        return name

    def __getitem__(self, key):
        try:
            return getattr(self, self._key(key))
        except AttributeError:
            raise KeyError("Unknown flag") from None

    def __setitem__(self, key, value):
        setattr(self, self._key(key), value)

    def __eq__(self, other):
        return getattr(other, "num", None) == self.num

    __hash__ = None

    def __repr__(self):
        names = "c_contiguous f_contiguous owndata writeable aligned writebackifcopy".split()
        return "".join(f"  {n.upper()} : {getattr(self, n)}\n" for n in names)


def _locked_base(array):
    base = array.base
    return isinstance(base, ndarray) and base._readonly


def _set_flags(self, value):
    raise AttributeError("attribute 'flags' of 'numpy.ndarray' objects is not writable")


_attributes["flags"] = property(FlagsObject, doc="Information about the memory layout of the array.")


class flatiter:
    """The elements of an array in C order, by one index."""

    def __init__(self, array):
        self.base = array
        self._view = _numpy_view(array).flat

    @property
    def index(self):
        """The index of the next element."""
        return self._view.index

    @property
    def coords(self):
        return self._view.coords

    def __iter__(self):
        return self

    def __next__(self):
        return next(self._view)

    def __len__(self):
        return self.base.size

    def copy(self, /):
        """The elements as a 1-D array."""
        return self.base.flatten()

    def __array__(self, dtype=None, /, *, copy=None):
        return self._view.__array__() if dtype is None else self._view.__array__().astype(dtype)

    def __getitem__(self, key):
        if is_traced(self.base):
            return self.base.ravel()[key]
        return from_numpy(self._view[to_numpy(key)])

    def __setitem__(self, key, value):
        if is_traced(self.base) or is_traced(value):
            self.base.reshape(-1)[key] = value
        elif self.base._readonly:
            raise ValueError("underlying array is read-only")
        else:
            self._view[to_numpy(key)] = to_numpy(value)

    def _compare(name):
        return lambda self, other: getattr(self.base.ravel(), name)(other)

    for _n in ("__eq__", "__ne__", "__lt__", "__le__", "__gt__", "__ge__"):
        locals()[_n] = _compare(_n)
    del _n, _compare
    __hash__ = None


def _set_flat(self, value):
    if is_traced(self) or is_traced(value):
        flatiter(self)[...] = value
    elif self._readonly:
        raise ValueError("assignment destination is read-only")
    else:
        _numpy_view(self).flat = to_numpy(value)


_attributes["flat"] = property(flatiter, _set_flat, doc="A 1-D iterator over the array.")


@_attribute
def data(self):
    """A buffer that points to the start of the array's data."""
    return memoryview(_numpy_view(self))


@_attribute
def ctypes(self):
    return _numpy_view(self).ctypes


@_attribute
def __array_interface__(self):
    return _numpy_view(self).__array_interface__


@_attribute
def __array_struct__(self):
    return _numpy_view(self).__array_struct__


# ---- protocols


@_method
def __array_namespace__(self, *, api_version=None):
    if api_version is not None and api_version not in ("2021.12", "2022.12", "2023.12", "2024.12"):
        raise ValueError(f'Version "{api_version}" of the Array API Standard is not supported.')
    from . import numpy as namespace

    return namespace


def _ours(function):
    """The callable of minpy.numpy that stands for NumPy's `function`, or None."""
    from . import numpy as namespace

    module = (getattr(function, "__module__", None) or "numpy").split(".")
    place = namespace
    if len(module) == 2 and module[1] in ("linalg", "fft"):
        place = getattr(namespace, module[1])
    found = getattr(place, function.__name__, None)
    return found if callable(found) else None


@_method
def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
    out = kwargs.get("out", ())
    for x in (*inputs, *out):
        if not isinstance(x, (ndarray, numpy.ndarray)) and getattr(type(x), "__array_ufunc__", None) is not None:
            if not isinstance(x, (numpy.generic, flatiter)):
                return NotImplemented
        elif type(x) is not numpy.ndarray and isinstance(x, numpy.ndarray) and type(x).__array_ufunc__ is not _plain:
            return NotImplemented
    if "out" in kwargs and len(out) == 1:
        kwargs["out"] = out[0]
    found = _operator(ufunc.__name__) if getattr(numpy, ufunc.__name__, None) is ufunc else None
    if found is None:
        function = ufunc if method == "__call__" else getattr(ufunc, method)
        return call(function, "no_kernel", inputs, kwargs)
    return (found if method == "__call__" else getattr(found, method))(*inputs, **kwargs)


_plain = numpy.ndarray.__array_ufunc__


@_method
def __array_function__(self, function, types, args, kwargs):
    for kind in types:
        if not issubclass(kind, (ndarray, numpy.ndarray)):
            return NotImplemented
    found = _ours(function)
    if found is None or found is function:
        return call(function, "no_kernel", args, kwargs)
    return found(*args, **kwargs)


@_method
def __array_wrap__(self, array, context=None, return_scalar=False):
    result = from_numpy(array)
    return result[()] if return_scalar and result.ndim == 0 else result


@_method
def __reduce_ex__(self, protocol):
    if protocol >= 5:
        return _rebuild, (_numpy_view(self),)
    return _rebuild, (_numpy_view(self).copy(),)


@_method
def __reduce__(self):
    return _rebuild, (_numpy_view(self).copy(),)


def _rebuild(array):
    return _from_numpy(array, True)


@_method
def __copy__(self):
    return self.copy("K")


@_method
def __deepcopy__(self, memo):
    return self.copy("K")


@_method
def __format__(self, spec):
    return format(_numpy_view(self), spec)


@_method
def __sizeof__(self):
    return 88 + (self.nbytes if self.base is None else 0)


@_method
def __dir__(self):
    return sorted(set(object.__dir__(self)) - {"this", "thisown"} | set(_attributes))


_attributes["__class_getitem__"] = classmethod(lambda cls, item: numpy.ndarray.__class_getitem__(item))

# A traced array says where it stands; MinPy's names.


@_method
def is_marked_for_bp(self, tape=None):
    return is_traced(self)


_minpy._extend(_attributes)
copyreg.constructor(_rebuild)
del _name, _found, operator
