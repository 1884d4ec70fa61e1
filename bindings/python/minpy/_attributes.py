"""Attributes of the array type that need no speed, with what they give: flags, flat."""

from typing import ClassVar

import numpy

from ._fallback import from_numpy, is_traced, to_numpy
from ._members import attribute, members, run
from ._minpy import _as_strided, _from_numpy, _numpy_view, ndarray


@attribute
def mT(self):
    """View of the matrix transposed array."""
    if self.ndim < 2:
        raise ValueError("matrix transpose with ndim < 2 is undefined")
    return self.swapaxes(-1, -2)


@attribute
def device(self):
    """Where the array lives: "cpu", "cuda:0"."""
    kind, index = self._state[2:4]
    return "cpu" if kind == 1 else f"{'cuda' if kind == 2 else 'device'}:{index}"


@attribute
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
            return run(name, self)
        half = numpy.dtype(f"f{self.itemsize // 2}")
        return _as_strided(self, half, self.shape, self.strides, offset * half.itemsize)

    def set(self, value):
        if self.dtype.kind != "c":
            if name == "imag":
                raise TypeError("array does not have imaginary part to set")
            self[...] = value
        else:
            get(self)[...] = value

    members[name] = property(get, set, doc=f"The {name} part of the array.")


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


members["flags"] = property(FlagsObject, doc="Information about the memory layout of the array.")


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


members["flat"] = property(flatiter, _set_flat, doc="A 1-D iterator over the array.")


@attribute
def data(self):
    """A buffer that points to the start of the array's data."""
    return memoryview(_numpy_view(self))


@attribute
def ctypes(self):
    return _numpy_view(self).ctypes


@attribute
def __array_interface__(self):
    return _numpy_view(self).__array_interface__


@attribute
def __array_struct__(self):
    return _numpy_view(self).__array_struct__
