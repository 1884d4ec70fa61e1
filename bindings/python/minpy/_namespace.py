"""Names of `minpy.numpy` and its submodules, found when first asked for: an operator of the library, else what NumPy
has: its classes and constants as they are, its functions as reported fallbacks. Importing costs nothing for names that
nobody uses."""

import importlib
import importlib.machinery
import importlib.util
import sys
import types

from ._fallback import wrap_function
from ._minpy import _operator

# NumPy's own state and dtype functions: shared by design, not a fallback.
SHARED = frozenset(
    """geterr seterr geterrcall seterrcall set_printoptions get_printoptions printoptions errstate getbufsize setbufsize
    issubdtype isdtype promote_types typename mintypecode base_repr binary_repr format_float_positional
    format_float_scientific min_scalar_type show_config show_runtime get_include test info datetime_data busdaycalendar
    broadcast_shapes finfo iinfo isscalar""".split()
)


def resolve(numpy_module, prefix, name):
    """What `name` is in the namespace that stands for `numpy_module`."""
    value = getattr(numpy_module, name, None)
    if name not in SHARED and not isinstance(value, (type, types.ModuleType)):
        operator = _operator(prefix + name)
        if operator is not None:
            return operator
    if value is None:
        return None
    if isinstance(value, types.ModuleType):
        if value.__name__.startswith("numpy._"):
            return _View(value)
        if not value.__name__.startswith("numpy"):
            return value
        return importlib.import_module("minpy." + value.__name__)
    if isinstance(value, type) or not callable(value) or name in SHARED:
        return value
    return wrap_function(value)


def namespace(module_globals, numpy_module, prefix=""):
    """Gives a module `__getattr__`, `__dir__` and `__all__` over NumPy's module."""
    here = module_globals["__name__"]

    def __getattr__(name):
        if name == "__all__":
            return [n for n in getattr(numpy_module, "__all__", dir(numpy_module)) if not n.startswith("_")]
        if name.startswith("__") and (name != "__config__" or not hasattr(numpy_module, name)):
            raise AttributeError(f"module {here!r} has no attribute {name!r}")
        value = resolve(numpy_module, prefix, name)
        if value is None:
            try:
                getattr(numpy_module, name)
            except AttributeError as error:  # NumPy says what became of a name
                _, _, more = str(error).partition("\n")
                text = f"module {here!r} has no attribute {name!r}"
                raise AttributeError(f"{text}.\n{more}" if more else text) from None
        module_globals[name] = value
        return value

    def __dir__():
        names = {n for n in dir(numpy_module) if not n.startswith("__")}
        return sorted({*names, *(n for n in module_globals if n.startswith("__") or not n.startswith("_"))})

    module_globals["__getattr__"] = __getattr__
    module_globals["__dir__"] = __dir__


class _View(types.ModuleType):
    """A private module of NumPy's, for code that says `np._core.umath`: public objects are ours, the rest its own."""

    def __init__(self, numpy_module):
        numpy, ours = sys.modules["numpy"], sys.modules["minpy.numpy"]
        super().__init__("minpy." + numpy_module.__name__, numpy_module.__doc__)
        self.__dict__["_numpy_module"] = numpy_module
        for name, value in vars(numpy_module).items():
            if name.startswith("__") or isinstance(value, types.ModuleType):
                continue
            public = value is not None and callable(value) and getattr(numpy, name, None) is value
            self.__dict__[name] = getattr(ours, name) if public else value

    def __getattr__(self, name):
        value = getattr(self.__dict__["_numpy_module"], name)
        if isinstance(value, types.ModuleType) and value.__name__.startswith("numpy._"):
            value = self.__dict__[name] = _View(value)
        return value

    def __dir__(self):
        return dir(self.__dict__["_numpy_module"])


class _Finder:
    """minpy.numpy.X for every public submodule X of NumPy that has no file here."""

    def find_spec(self, fullname, path=None, target=None):
        if not fullname.startswith("minpy.numpy.") or any(p.startswith("_") for p in fullname.split(".")):
            return None
        try:
            if importlib.util.find_spec(fullname[len("minpy.") :]) is None:
                return None
        except (ImportError, ValueError):
            return None
        return importlib.machinery.ModuleSpec(fullname, self, is_package=True)

    def create_module(self, spec):
        return None

    def exec_module(self, module):
        numpy_module = importlib.import_module(module.__name__[len("minpy.") :])
        module.__path__ = []
        module.__doc__ = numpy_module.__doc__
        namespace(vars(module), numpy_module)


if not any(isinstance(f, _Finder) for f in sys.meta_path):
    sys.meta_path.append(_Finder())
