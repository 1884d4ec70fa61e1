"""The array type, with the members that Python code adds to it."""

from . import _attributes, _methods, _minpy, _protocols  # noqa: F401  (they fill `members`)
from ._members import members

_minpy._extend(members)
