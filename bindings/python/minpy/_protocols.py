"""What others ask of the array type: NumPy, copy, pickle, format."""

import numpy

from ._attributes import flatiter
from ._fallback import call, from_numpy, is_traced
from ._members import members, method
from ._minpy import _from_numpy, _numpy_view, _operator, ndarray


@method
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


@method
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


@method
def __array_function__(self, function, types, args, kwargs):
    for kind in types:
        if not issubclass(kind, (ndarray, numpy.ndarray)):
            return NotImplemented
    found = _ours(function)
    if found is None or found is function:
        return call(function, "no_kernel", args, kwargs)
    return found(*args, **kwargs)


@method
def __array_wrap__(self, array, context=None, return_scalar=False):
    result = from_numpy(array)
    return result[()] if return_scalar and result.ndim == 0 else result


@method
def __reduce_ex__(self, protocol):
    if protocol >= 5:
        return _rebuild, (_numpy_view(self),)
    return _rebuild, (_numpy_view(self).copy(),)


@method
def __reduce__(self):
    return _rebuild, (_numpy_view(self).copy(),)


def _rebuild(array):
    return _from_numpy(array, True)


@method
def __copy__(self):
    return self.copy("K")


@method
def __deepcopy__(self, memo):
    return self.copy("K")


@method
def __format__(self, spec):
    return format(_numpy_view(self), spec)


@method
def __sizeof__(self):
    return 88 + (self.nbytes if self.base is None else 0)


@method
def __dir__(self):
    return sorted(set(object.__dir__(self)) - {"this", "thisown"} | set(members))


members["__class_getitem__"] = classmethod(lambda cls, item: numpy.ndarray.__class_getitem__(item))

# A traced array says where it stands; MinPy's names.


@method
def is_marked_for_bp(self, tape=None):
    return is_traced(self)
