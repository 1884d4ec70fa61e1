"""NumPy's interface on MinPy's arrays: `import minpy.numpy as np`.

Operators of the library where it has them, NumPy itself for the rest, counted in `minpy.dispatch.report()`. dtypes,
scalar types, exceptions, print options and error state are NumPy's own."""

import builtins as _builtins

import numpy as _numpy

from .. import _attributes, _methods, _minpy, _ndarray, _ufunc
from .._fallback import _Conversion
from .._fallback import call as _call
from .._fallback import from_numpy as _wrap
from .._fallback import is_traced as _is_traced
from .._fallback import to_numpy as _unwrap
from .._minpy import _from_dlpack_capsule, _from_numpy, _holds_arrays, _operator, ndarray, ufunc
from .._namespace import namespace as _namespace

_namespace(globals(), _numpy)


def _get(name):
    """A name that is made when first asked for: a function's globals do not look into __getattr__."""
    return globals().get(name) or __getattr__(name)  # noqa: F821  (made by _namespace)


flatiter = _attributes.flatiter
__version__ = _numpy.__version__
__array_api_version__ = "2024.12"
__array_namespace_info__ = _numpy.__array_namespace_info__

# ---- arrays from anything


def _holds_traced(x):
    return type(x) in (list, tuple) and _holds_arrays(x) == 2


def _stacked(x):
    """A nested list that holds arrays of a tape, without cutting them off it."""
    return (
        x
        if isinstance(x, ndarray)
        else _get("stack")([_stacked(y) for y in x])
        if isinstance(x, (list, tuple))
        else array(x)
    )


def _array_in_full(object, dtype=None, *, copy=True, order="K", subok=False, ndmin=0, ndmax=0, like=None, device=None):
    """Creates an array; a copy unless `copy` says otherwise."""
    if type(copy) is _numpy._CopyMode:
        copy = {_numpy._CopyMode.ALWAYS: True, _numpy._CopyMode.NEVER: False}.get(copy)
    if _holds_traced(object):
        object = _stacked(object)
        copy = None if copy else copy
    if isinstance(object, ndarray):
        result = object
        wanted = None if dtype is None else _methods.dtype_of(dtype)
        if wanted is not None and wanted != object.dtype:
            if copy is not None and not copy:
                raise ValueError(_NO_COPY)
            result = object.astype(wanted)
            if not isinstance(result, ndarray):
                return result
        elif copy:
            result = object.copy(order or "K")
        if order in ("C", "F") and not _methods.laid_out(result, order):
            if copy is not None and not copy:
                raise ValueError(_NO_COPY)
            result = result.copy(order)
        if result.ndim < ndmin:
            result = result.reshape((1,) * (ndmin - result.ndim) + result.shape)
        return result if device is None else result.to_device(device)
    if isinstance(dtype, str):
        dtype = _methods.dtype_of(dtype)
    extra = {"ndmax": ndmax} if ndmax else {}
    if type(object) in (list, tuple) and _holds_arrays(object):
        object = _unwrap(object)
    try:
        made = _numpy.array(object, dtype, copy=copy, order=order, subok=subok, ndmin=ndmin, **extra)
    except ValueError:
        # Its __array__ may have made an array of ours, which NumPy refuses.
        made = object.__array__() if hasattr(type(object), "__array__") else None
        if not isinstance(made, ndarray):
            raise
        return _array_in_full(made, dtype, copy=copy, order=order, ndmin=ndmin, ndmax=ndmax, device=device)
    if type(made) is not _numpy.ndarray:
        return made
    # Small ones move into memory of our own: nobody else can write there, so nothing has to be copied for a tape.
    shared = made is object or made.base is not None
    result = _from_numpy(made, not shared and made.nbytes <= 1 << 20)
    return result if device is None else _to_device(result, device)


_minpy._set_array(_array_in_full)
array = _minpy.array
_NO_COPY = "Unable to avoid copy while creating an array as requested."


def _to_device(x, device):
    if isinstance(x, ndarray):
        return x.to_device(device)
    if device != "cpu":
        raise ValueError(f"Device not understood: {device!r}")
    return x


def asarray(a, dtype=None, order=None, *, device=None, copy=None, like=None):
    """The input as an array, itself or on the same memory where possible."""
    if type(a) is ndarray and dtype is None and order is None and not copy and device is None:
        return a
    return _array_in_full(a, dtype, copy=copy, order=order or "K", device=device)


def asanyarray(a, dtype=None, order=None, *, device=None, copy=None, like=None):
    """As asarray, but lets subclasses of NumPy's arrays pass."""
    return array(a, dtype, copy=copy, order=order or "K", subok=True, device=device)


def ascontiguousarray(a, dtype=None, *, like=None):
    """A C-contiguous array of at least one dimension."""
    if type(a) is ndarray and dtype is None and a.ndim:
        return a if a.flags.c_contiguous else a.copy()
    return array(a, dtype, copy=None, order="C", ndmin=1)


def asfortranarray(a, dtype=None, *, like=None):
    """An array of at least one dimension laid out in Fortran order."""
    return array(a, dtype, copy=None, order="F", ndmin=1)


def copy(a, order="K", subok=False):
    """A copy of the array."""
    return array(a, order=order, copy=True, subok=subok)


def astype(x, dtype, /, *, copy=True, device=None):
    """A copy of an array with another dtype."""
    if not isinstance(x, (ndarray, _numpy.ndarray, _numpy.generic)):
        raise TypeError(f"Input should be a NumPy array. It is of type {type(x)}.")
    result = (x if isinstance(x, _numpy.generic) else asarray(x)).astype(dtype, copy=copy)
    return result if device is None else _to_device(result, device)


def from_dlpack(x, /, *, device=None, copy=None):
    """An array on the memory of an object with __dlpack__."""
    if type(x) is ndarray and not copy and device in (None, x.device):
        return x.view()
    where = None
    if device is not None:
        from .._fallback import parse_device

        where = parse_device(device)
        if where[0] != 1 and not _minpy.device_count(where[0]):
            raise ValueError(f"Device not understood: {device!r}: there is none here")
    try:
        capsule = x.__dlpack__(max_version=(1, 0), dl_device=where, copy=copy)
    except TypeError:
        if copy is not None or where is not None:
            raise
        capsule = x.__dlpack__()
    return _from_dlpack_capsule(capsule)


# ---- what is asked of an array without computing


def shape(a):
    """The shape of an array."""
    return a.shape if hasattr(a, "shape") else asarray(a).shape


def ndim(a):
    """The number of dimensions."""
    return a.ndim if hasattr(a, "ndim") else asarray(a).ndim


def size(a, axis=None):
    """The number of elements, or along an axis."""
    if not isinstance(a, ndarray):
        return _numpy.size(_unwrap(a), axis)
    if axis is None:
        return a.size
    return _numpy.size(_numpy.broadcast_to(_numpy.empty(()), a.shape), axis)


def iscomplexobj(x):
    """Whether the dtype is complex."""
    return _numpy.iscomplexobj(x.dtype.type()) if isinstance(x, ndarray) else _numpy.iscomplexobj(x)


def isrealobj(x):
    """Whether the dtype is not complex."""
    return not iscomplexobj(x)


def result_type(*arrays_and_dtypes):
    """The dtype that a mixture of arrays, numbers and dtypes has."""
    return _numpy.result_type(*(x.dtype if isinstance(x, ndarray) else _dtype_operand(x) for x in arrays_and_dtypes))


def _dtype_operand(x):
    return _unwrap(x) if isinstance(x, (list, tuple)) else x


def can_cast(from_, to, casting="safe"):
    """Whether a cast follows the rule."""
    return _numpy.can_cast(from_.dtype if isinstance(from_, ndarray) else from_, to, casting)


def common_type(*arrays):
    """The inexact dtype that the arrays have in common."""
    return _numpy.common_type(*(_numpy.empty(0, a.dtype) if isinstance(a, ndarray) else a for a in arrays))


def shares_memory(a, b, *args, **kwargs):
    """Whether two arrays share memory."""
    return _numpy.shares_memory(_window(a), _window(b), *args, **kwargs)


def may_share_memory(a, b, *args, **kwargs):
    """Whether two arrays might share memory."""
    return _numpy.may_share_memory(_window(a), _window(b), *args, **kwargs)


def _window(a):
    return _minpy._numpy_view(a) if isinstance(a, ndarray) else a


def copyto(dst, src, casting="same_kind", where=True):
    """Copies values into an array."""
    if isinstance(dst, ndarray) and (_is_traced(dst) or _is_traced(src)):
        dst[...] = src if where is True else _get("where")(where, src, dst)
        return
    _call(_numpy.copyto, "no_kernel", (dst, src), {"casting": casting, "where": where})


def asnumpy(a):
    """A NumPy array on the memory of `a`."""
    return _unwrap(a) if isinstance(a, ndarray) else _numpy.asarray(a)


def array2string(a, *args, **kwargs):
    """A string representation of an array."""
    return _numpy.array2string(_unwrap(a), *args, **kwargs)


def array_repr(arr, *args, **kwargs):
    """The string that repr gives."""
    return _numpy.array_repr(_unwrap(arr), *args, **kwargs)


def array_str(a, *args, **kwargs):
    """The string that str gives."""
    return _numpy.array_str(_unwrap(a), *args, **kwargs)


# ---- objects that are indexed, and classes that hold arrays


class _Indexed:
    """r_, c_, mgrid and ogrid: NumPy's objects, their results as our arrays."""

    def __init__(self, name):
        self._name = name
        self.__minpy_numpy__ = getattr(_numpy, name)

    def __getitem__(self, key):
        if _holds_traced(key):
            return self._traced(key)
        return _wrap(self.__minpy_numpy__[_unwrap(key)])

    def _traced(self, key):
        parts = [_get("atleast_1d")(k) if not isinstance(k, slice) else _wrap(self.__minpy_numpy__[k]) for k in key]
        if self._name == "r_":
            return _get("concatenate")(parts)
        if self._name == "c_":
            return _get("concatenate")([p.reshape(-1, 1) if p.ndim == 1 else p for p in parts], -1)
        return _call(type(self.__minpy_numpy__).__getitem__, "no_kernel", (self.__minpy_numpy__, key), {})

    def __len__(self):
        return len(self.__minpy_numpy__)


r_, c_, mgrid, ogrid = map(_Indexed, ("r_", "c_", "mgrid", "ogrid"))


class vectorize(_numpy.vectorize):
    """A Python function over the elements of arrays."""

    def __call__(self, *args, **kwargs):
        return _wrap(super().__call__(*_unwrap(args, vectorize), **_unwrap(kwargs, vectorize)))


class ndenumerate(_numpy.ndenumerate):
    """(index, value) of every element."""

    def __init__(self, arr):
        super().__init__(_unwrap(arr))


class NpzFile(_numpy.lib.npyio.NpzFile):
    """An npz file, its members as our arrays."""

    def __getitem__(self, key):
        return _wrap(super().__getitem__(key))


def load(file, *args, **kwargs):
    """Arrays from a npy or npz file, or a pickle."""
    loaded = _numpy.load(file, *args, **kwargs)
    if isinstance(loaded, _numpy.lib.npyio.NpzFile):
        loaded.__class__ = NpzFile
        return loaded
    return _wrap(loaded)


def save(file, arr, *args, **kwargs):
    """Writes an array to a npy file."""
    _numpy.save(file, _unwrap(arr), *args, **kwargs)


def savez(file, *args, **kwargs):
    """Writes arrays to an npz file."""
    _numpy.savez(file, *_unwrap(args), **_unwrap(kwargs))


def savez_compressed(file, *args, **kwargs):
    """Writes arrays to a compressed npz file."""
    _numpy.savez_compressed(file, *_unwrap(args), **_unwrap(kwargs))


def fromiter(iter, dtype, count=-1, *, like=None):
    """A 1-D array from an iterable."""
    return _wrap(_numpy.fromiter(iter, dtype, count))


def fromfunction(function, shape, *, dtype=float, like=None, **kwargs):
    """An array of the values of a function at each coordinate."""
    return function(*_get("indices")(shape, dtype=dtype), **kwargs)


def frombuffer(buffer, *args, like=None, **kwargs):
    """A 1-D array on the memory of a buffer."""
    return _wrap(_numpy.frombuffer(buffer, *args, **kwargs))


# Results of any length that are tuples in NumPy.
for _name in ("nonzero", "meshgrid", "broadcast_arrays", "unstack", "where", "ix_", "unravel_index"):
    _found = _operator(_name)
    if _found is not None and _found._flags & 64:
        _found._finish = lambda *results: results
_operator("where")._fewer = _operator("nonzero")  # where(condition)
del _name, _found
