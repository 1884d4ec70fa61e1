"""numpy.linalg: operators of the library, results in NumPy's named tuples."""

from collections import namedtuple as _namedtuple

import numpy.linalg as _numpy_linalg

from .._minpy import _operator
from .._namespace import namespace as _namespace

_namespace(globals(), _numpy_linalg, "linalg.")
LinAlgError = _numpy_linalg.LinAlgError


def _results(name, fields):
    kind = getattr(_numpy_linalg, "_linalg", None)
    kind = getattr(kind, name, None)
    return kind or _namedtuple(name, fields)


QRResult = _results("QRResult", "Q R")
SVDResult = _results("SVDResult", "U S Vh")
EighResult = _results("EighResult", "eigenvalues eigenvectors")
EigResult = _results("EigResult", "eigenvalues eigenvectors")
SlogdetResult = _results("SlogdetResult", "sign logabsdet")

for _name, _kind in (
    ("qr", QRResult), ("svd", SVDResult), ("eigh", EighResult), ("eig", EigResult), ("slogdet", SlogdetResult),
):  # fmt: skip
    _found = _operator("linalg." + _name)
    if _found is not None:
        _found._finish = _kind
del _name, _kind, _found
