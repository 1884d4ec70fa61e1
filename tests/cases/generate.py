"""Writes the case table: generate.py [FAMILY...]. README.md says what a case is.

NumPy computes what is exact, mpmath what is not; a call that NumPy refuses becomes a case of its error.
"""

import functools
import json
import re
import sys
from pathlib import Path

import mpmath
import numpy as np

INTS = ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"]
FLOATS = ["float16", "float32", "float64"]
COMPLEX = ["complex64", "complex128"]
ALL = ["bool", *INTS, *FLOATS, *COMPLEX]
nan, inf = float("nan"), float("inf")


# ---- values to JSON ---------------------------------------------------------------------------------------------


class Arg:
    """An array that is passed in another layout than row by row."""

    def __init__(self, array, order=None, view=None):
        self.array, self.order, self.view = np.asarray(array), order, view

    def operand(self):
        array = np.asarray(self.array, order=self.order)
        return array if self.view is None else array[self.view]


class Index:
    def __init__(self, *items):
        self.items = items

    def operand(self):
        return tuple(operand(i) for i in self.items) if len(self.items) != 1 else operand(self.items[0])


class Range(Arg):
    """A large array given by its first element and the step between them."""

    def __init__(self, start, step, shape, dtype):
        kind = np.int64 if np.dtype(dtype).kind in "iu" else np.float64
        n = int(np.prod(shape))
        flat = kind(start) + np.arange(n).astype(kind) * kind(step)
        super().__init__(flat.astype(dtype).reshape(shape))
        self.start, self.step = start, step


class Dtype(str):
    """The name of a dtype, passed as one."""


def operand(v):
    """What NumPy is called with."""
    if isinstance(v, Arg | Index):
        return v.operand()
    if isinstance(v, Dtype):
        return np.dtype(v)
    if isinstance(v, list):
        return [operand(i) for i in v]
    return v


def number(x):
    if isinstance(x, complex | np.complexfloating):
        return [number(float(x.real)), number(float(x.imag))]
    if isinstance(x, bool | np.bool_):
        return bool(x)
    if isinstance(x, int | np.integer):
        return int(x)
    x = float(x)
    return repr(x) if x != x or x in (inf, -inf) else x


def array_json(a, **more):
    a = np.asarray(a)
    return {"dtype": str(a.dtype), "shape": list(a.shape), "data": [number(x) for x in a.ravel().tolist()], **more}


def item_json(i):
    if isinstance(i, slice):
        return {"slice": [i.start, i.stop, i.step]}
    return "..." if i is Ellipsis else value_json(i)


def value_json(v):
    if isinstance(v, Range):
        a = v.array
        return {"dtype": str(a.dtype), "shape": list(a.shape), "range": [v.start, v.step]}
    if isinstance(v, Arg):
        more = {"order": v.order} if v.order else {}
        if v.view is not None:
            view = v.view if isinstance(v.view, tuple) else (v.view,)
            more["view"] = [item_json(i) for i in view]
        return array_json(v.array, **more)
    if isinstance(v, Index):
        return {"index": [item_json(i) for i in v.items]}
    if isinstance(v, np.ndarray):
        return array_json(v)
    if isinstance(v, np.generic):
        return {"scalar": str(v.dtype), "value": number(v)}
    if isinstance(v, Dtype):
        return {"dtype": str(v)}
    if isinstance(v, complex):
        return {"complex": number(v)}
    if isinstance(v, float) and (v != v or v in (inf, -inf)):
        return {"float": repr(v)}
    if isinstance(v, list | tuple):
        return [value_json(i) for i in v]
    return v


# ---- cases ------------------------------------------------------------------------------------------------------

families = {}


class Family:
    def __init__(self, name, about):
        self.about, self.cases, self.names = about, [], set()
        families[name] = self

    def add(self, name, op, args, kwargs, **rest):
        assert name not in self.names, name
        self.names.add(name)
        case = {"name": name, "op": op, "args": [value_json(a) for a in args]}
        if kwargs:
            case["kwargs"] = {k: value_json(v) for k, v in kwargs.items()}
        self.cases.append(case | rest)
        return self.cases[-1]

    def __call__(self, name, op, *args, options=None, by=None, after=None, exempt=None, **kwargs):
        """One case; `by` computes it where NumPy has no function of that name, `after` lists arguments written to."""
        inputs = [operand(a) for a in args]
        if after is not None:  # the case shows what was there before
            inputs = [i.copy() if isinstance(i, np.ndarray) else i for i in inputs]
        named = {k: operand(v) for k, v in kwargs.items()}
        options = options or {}
        given = {k: np.array(v) if k == "out" else v for k, v in options.items()}
        rest = {"except": exempt} if exempt else {}
        if options:
            rest["options"] = {k: value_json(v) if isinstance(v, np.ndarray) else v for k, v in options.items()}
        function = by or find(op)
        with np.errstate(all="ignore"):
            try:
                results = function(*inputs, **named, **given)
            except Exception as e:
                text = e.args[1] if isinstance(e, KeyError) else str(e)
                rest |= {"error": pattern(text), "kind": type(e).__name__.lstrip("_")}
                if type(e).__module__ == "numpy._core._exceptions":
                    rest["kind"] = "UFuncTypeError"
            else:
                if results is not None:
                    many = isinstance(results, tuple | list)
                    rest["expect"] = [array_json(r) for r in (results if many else [results])]
        if after is not None:
            rest["after"] = {str(i): array_json(inputs[i]) for i in after}
        return self.add(name, op, args, kwargs, **rest)

    def approximate(self, name, op, *args, by, dtype, ulps=4):
        """One case whose elements `by` computes in mpmath, rounded once."""
        arrays = np.broadcast_arrays(*[operand(a) for a in args])
        out = np.array([rounded(by, [a[i] for a in arrays], dtype) for i in np.ndindex(arrays[0].shape)], dtype)
        expect = [array_json(out.reshape(arrays[0].shape))]
        return self.add(name, op, args, {}, expect=expect, ulps=ulps)


def rounded(by, xs, dtype):
    with mpmath.workdps(60):
        try:
            y = by(*[mpmath.mpf(float(x)) for x in xs])
        except (ValueError, ZeroDivisionError):
            return nan
        if isinstance(y, mpmath.mpc):
            return nan
        if np.dtype(dtype) == np.float64:
            return float(y)
        with mpmath.workprec(np.finfo(dtype).nmant + 1):
            return np.dtype(dtype).type(float(+y))


def pattern(text):
    """A regular expression for the text, of the plain kind that every engine understands."""
    text = re.sub(r"^\w+: ", "", text.splitlines()[0]).strip()  # NumPy names its ufunc here, we do elsewhere
    return re.sub(r"([\\.^$*+?()\[\]{}|])", r"\\\1", text)


def find(op):
    if op == "[]":
        return lambda a, i: a[i]
    if op == "[]=":
        return lambda a, i, v: a.__setitem__(i, v)
    return functools.reduce(getattr, op.split("."), np)


def array(dtype, data, shape=None):
    a = np.array(list(data) if isinstance(data, range) else data, dtype)
    return a if shape is None else a.reshape(shape)


def sample(dtype, n=6):
    """Small values that every dtype holds, negative ones where it has them."""
    data = {"b": [0, 1, 1, 0, 1, 0], "u": [0, 1, 2, 3, 100, 7], "i": [0, 1, -2, 3, 100, -7]}
    kind = np.dtype(dtype).kind
    if kind == "f":
        return array(dtype, [0.0, 1.0, -2.5, 3.25, -0.0, 100.0][:n])
    if kind == "c":
        return array(dtype, [0, 1 + 2j, -2.5j, 3.25, -1 - 1j, 100 + 0.5j][:n])
    return array(dtype, data[kind][:n])


# ---- families ---------------------------------------------------------------------------------------------------


def arithmetic():
    f = Family("arithmetic", "Element-wise arithmetic in every dtype.")
    for op in ["add", "subtract", "multiply"]:
        for t in ALL:
            x = sample(t)
            f(f"{op} in {t}", op, x, x[::-1].copy())
    for t in [*INTS, *FLOATS]:
        x, y = sample(t)[1:], array(t, [3, 2, 7, 2, 3])
        for op in ["divide", "floor_divide", "remainder"]:
            f(f"{op} in {t}", op, x, y)
    specials = array("float64", [nan, inf, -inf, 0.0, -0.0, 1.0, -1.0])
    for op in ["add", "subtract", "multiply", "divide", "floor_divide", "remainder"]:
        f(f"{op} of special values", op, specials[:, None].copy(), specials[None, :].copy())


def unary():
    f = Family("unary", "Element-wise functions of one argument that are exact.")
    for op in ["negative", "positive", "absolute", "sign", "square"]:
        for t in [*INTS, *FLOATS, *(COMPLEX if op in ("negative", "square") else [])]:
            f(f"{op} in {t}", op, sample(t))
    x = array("float64", [-2.5, -1.5, -0.5, -0.0, 0.0, 0.5, 1.5, 2.5, 2.4999, 1e300, nan, inf, -inf])
    for op in ["floor", "ceil", "trunc", "rint"]:
        f(f"{op} of halves and special values", op, x)
        f(f"{op} in float32", op, x[:9].astype("float32"))
    for t in FLOATS:
        f(f"sqrt in {t}", "sqrt", array(t, [0.0, 2.0, 4.0, 10.0, inf, -1.0, nan, -0.0]))
    f("sqrt of integers is float64", "sqrt", array("int32", [0, 1, 2, 9]))
    f("conjugate of complex", "conjugate", sample("complex128"))


def comparison():
    f = Family("comparison", "Comparisons, logic, extremes.")
    x = array("float64", [nan, inf, -inf, 0.0, -0.0, 1.0])
    for op in ["equal", "not_equal", "less", "less_equal", "greater", "greater_equal"]:
        f(f"{op} of special values", op, x[:, None].copy(), x[None, :].copy())
        f(f"{op} of int64 and uint64", op, array("int64", [-1, 0, 5]), array("uint64", [2**64 - 1, 0, 5]))
        f(f"{op} in bool", op, array("bool", [0, 0, 1, 1]), array("bool", [0, 1, 0, 1]))
    for op in ["maximum", "minimum", "fmax", "fmin"]:
        f(f"{op} with nan", op, x, x[::-1].copy())
        for t in ["int8", "uint64", "float16", "float32"]:
            f(f"{op} in {t}", op, sample(t), sample(t)[::-1].copy())
    for op in ["logical_and", "logical_or", "logical_xor"]:
        f(f"{op} of numbers", op, sample("float32"), array("int8", [1, 0, 1, 0, 1, 0]))
    f("logical_not of numbers", "logical_not", sample("float64"))
    for op in ["isnan", "isinf", "isfinite", "signbit"]:
        f(f"{op} of special values", op, x)


def bitwise():
    f = Family("bitwise", "Bits of integers and bools.")
    for t in ["bool", *INTS]:
        for op in ["bitwise_and", "bitwise_or", "bitwise_xor"]:
            f(f"{op} in {t}", op, sample(t), sample(t)[::-1].copy())
        f(f"invert in {t}", "invert", sample(t))
        if t != "bool":
            for op in ["left_shift", "right_shift"]:
                f(f"{op} in {t}", op, sample(t), array(t, [0, 1, 2, 3, 1, 2]))
    f("bitwise_and of floats is refused", "bitwise_and", sample("float64"), sample("float64"))


def promotion():
    f = Family("promotion", "The dtype of a result: NumPy 2's rules, weak numbers included.")
    names = ["bool", "int8", "int32", "int64", "uint8", "uint64", "float16", "float32", "float64", "complex64"]
    for i, s in enumerate(names):
        for t in names[i:]:
            f(f"add of {s} and {t}", "add", array(s, [1, 0, 1]), array(t, [1, 1, 0]))
    for t in ["bool", "int8", "uint8", "int64", "float16", "float32", "complex64"]:
        for n in [True, 1, 1.5, 1 + 2j]:
            f(f"multiply of {t} and the weak {n!r}", "multiply", array(t, [0, 1, 1]), n)
    f("strong scalars are arrays of rank 0", "add", array("float32", [1, 2]), np.float64(0.5))
    f("a weak integer out of range is refused", "add", array("int8", [1]), 300)
    f("a negative weak integer with uint8 is refused", "add", array("uint8", [1]), -1)
    f("weak nan with float16", "add", array("float16", [1, 2]), nan)


def exponential():
    f = Family("exponential", "Exponentials, logarithms, powers: a few ulps, the same bits in every language.")
    wide = [-745.0, -100.5, -1.0, -1e-8, -0.0, 0.0, 1e-300, 1e-8, 0.5, 1.0, 2.0, 10.25, 88.7, 700.0]
    narrow = [-80.0, -10.5, -1.0, -1e-4, 0.0, 1e-4, 0.5, 1.0, 2.0, 10.25, 80.0]
    positive = [1e-300, 1e-8, 0.1, 0.5, 0.999, 1.0, 1.001, 2.0, 10.0, 12345.678, 1e300]
    m = mpmath
    functions = {
        "exp": (m.exp, wide), "expm1": (m.expm1, wide), "exp2": (lambda x: m.mpf(2) ** x, wide),
        "log": (m.log, positive), "log2": (lambda x: m.log(x, 2), positive), "log10": (m.log10, positive),
        "log1p": (m.log1p, positive), "cbrt": (m.cbrt, positive),
    }  # fmt: skip
    for op, (by, data) in functions.items():
        f.approximate(f"{op} in float64", op, array("float64", data), by=by, dtype="float64")
        small = array("float32", narrow if data is wide else [x for x in data if 1e-30 < x < 1e30])
        f.approximate(f"{op} in float32", op, small, by=by, dtype="float32")
        f.approximate(f"{op} of int32 is float64", op, array("int32", [1, 2, 3, 20]), by=by, dtype="float64")
    x, y = array("float64", [0.5, 1.5, 2.0, 10.0, 3.0]), array("float64", [0.5, 2.0, -3.0, 7.5, 100.0])
    f.approximate("power in float64", "power", x, y, by=lambda a, b: a**b, dtype="float64")
    f.approximate("power in float32", "power", x[:4].astype("float32"), y[:4].astype("float32"),
                  by=lambda a, b: a**b, dtype="float32")  # fmt: skip
    by = lambda a, b: m.log(m.exp(a) + m.exp(b))
    f.approximate("logaddexp", "logaddexp", x, y, by=by, dtype="float64")
    f.approximate("exp of 300 elements", "exp", Range(-5, 0.01, (300,), "float64"), by=m.exp, dtype="float64")
    f("exp at its limits", "exp", array("float64", [-inf, inf, nan, 1000.0, -1000.0, 0.0]))
    f("log at its limits", "log", array("float64", [0.0, -0.0, inf, nan, -1.0, 1.0]))


def trigonometric():
    f = Family("trigonometric", "Angles and hyperbolas: a few ulps, the same bits in every language.")
    m = mpmath
    angles, unit = (
        [-100.25, -3.0, -0.5, -1e-9, 0.0, 1e-9, 0.5, 1.0, 3.0, 100.25, 1e6],
        [-0.99, -0.5, 0.0, 1e-9, 0.5, 0.99],
    )
    above = [1.0, 1.001, 1.5, 2.0, 100.0, 1e10]
    small = [-20.5, -3.0, -0.5, -1e-9, 0.0, 1e-9, 0.5, 1.0, 3.0, 20.5]
    for op, by, data in [
        ("sin", m.sin, angles), ("cos", m.cos, angles), ("tan", m.tan, angles), ("arcsin", m.asin, unit),
        ("arccos", m.acos, unit), ("arctan", m.atan, angles), ("sinh", m.sinh, small), ("cosh", m.cosh, small),
        ("tanh", m.tanh, small), ("arcsinh", m.asinh, angles), ("arccosh", m.acosh, above), ("arctanh", m.atanh, unit),
    ]:  # fmt: skip
        f.approximate(f"{op} in float64", op, array("float64", data), by=by, dtype="float64")
        f.approximate(f"{op} in float32", op, array("float32", data), by=by, dtype="float32")
    x, y = array("float64", [0.0, 1.0, -1.0, 3.0, -2.5]), array("float64", [1.0, 1.0, -1.0, -4.0, 0.5])
    f.approximate("arctan2 in four quadrants", "arctan2", x, y, by=m.atan2, dtype="float64")
    f.approximate("hypot", "hypot", x, y, by=m.hypot, dtype="float64")
    for op in ["sin", "cos", "tan"]:
        f(f"{op} of infinity is nan", op, array("float64", [inf, -inf, nan]))
    f("tanh at its limits", "tanh", array("float64", [inf, -inf, nan, 0.0, -0.0, 1000.0]))


def reductions():
    f = Family("reductions", "Reductions of values that every order of adding sums exactly.")
    x = array("float64", [1, 2.5, -3, 4, 5.25, -6, 7, 8, 9, 10, 11, 12], (2, 3, 2))
    for op in ["sum", "prod", "max", "min", "mean"]:
        for axis in [None, 0, -1, (0, 2), ()]:
            f(f"{op} over {axis}", op, x, axis=axis)
        f(f"{op} keeps dimensions", op, x, axis=1, keepdims=True)
        f(f"{op} with where", op, x, axis=0, where=x > 0, **({"initial": 0.0} if op in ("max", "min") else {}))
    for t in ALL:
        f(f"sum in {t}", "sum", sample(t, 4))
    for t in ["bool", "int8", "uint8", "float32"]:
        f(f"prod in {t}", "prod", sample(t)[1:4])
    f("sum in a given dtype", "sum", sample("int8"), dtype=Dtype("float32"))
    f("sum of nothing", "sum", array("float32", [], (0, 3)), axis=0)
    f("max of nothing is refused", "max", array("float64", []))
    f("max with nan is nan", "max", array("float64", [1, nan, 2]))
    f("sum over an axis that is not there", "sum", x, axis=3)
    f("sum twice over an axis", "sum", x, axis=(0, 0))
    f("sum of a million", "sum", Range(0, 1, (1000, 1000), "int64"))
    f("sum of halves in float32", "sum", Range(0, 0.5, (100, 50), "float32"), axis=0)
    for op in ["any", "all"]:
        f(f"{op} over an axis", op, array("int32", [0, 1, 2, 0, 0, 3], (2, 3)), axis=0)
        f(f"{op} of nothing", op, array("bool", []))
    for op in ["argmax", "argmin"]:
        f(f"{op} takes the first", op, array("int64", [3, 1, 3, 1]))
        f(f"{op} over an axis", op, x, axis=1)
        f(f"{op} stops at nan", op, array("float64", [1, nan, 2, nan]))
    for op in ["cumsum", "cumprod"]:
        f(f"{op} flattens", op, array("int32", [1, 2, 3, 4], (2, 2)))
        f(f"{op} along an axis", op, x, axis=1)
    f("var over an axis", "var", array("float64", [1, 3, 5, 7], (2, 2)), axis=1)
    f("var with ddof", "var", array("float64", [1, 2, 3, 4, 5, 6, 7, 8, 9]), ddof=1)
    f("std over an axis", "std", array("float64", [1, 3, 5, 9], (2, 2)), axis=1)
    f("a reduction of a transposed operand", "sum", Arg(x, order="F"), axis=(1,))


def indexing():
    f = Family("indexing", "Reading and writing by index, as NumPy does.")
    x = array("int64", range(24), (2, 3, 4))
    mask = x % 5 == 0
    S = slice
    reads = {
        "an integer": Index(1), "a negative integer": Index(-1, -1, -1), "a slice": Index(S(None), S(1, None)),
        "a negative step": Index(Ellipsis, S(None, None, -2)), "an ellipsis": Index(Ellipsis, 0),
        "a new axis": Index(None, 1, Ellipsis, None), "nothing but an ellipsis": Index(Ellipsis),
        "an empty slice": Index(S(2, 1)), "a slice out of bounds": Index(S(0, 100), S(-100, 2)),
        "an array of integers": Index(array("int64", [1, 0, 1])),
        "two arrays": Index(array("int64", [0, 1]), array("int64", [2, -1])),
        "arrays that broadcast": Index(array("int64", [0, 1], (2, 1)), array("int64", [2, 0, 1])),
        "arrays with a slice between": Index(array("int64", [0, 1]), S(None), array("int64", [1, 2])),
        "an array and an integer": Index(S(None), array("int64", [0, 2]), 1), "a mask": Index(mask),
        "a mask of the first axis": Index(array("bool", [0, 1])), "True": Index(True), "False": Index(False),
        "an empty array": Index(array("int64", [])), "uint8 indices": Index(array("uint8", [1, 1])),
    }  # fmt: skip
    for name, index in reads.items():
        f(f"read by {name}", "[]", x, index)
    for name, index in {
        "an index out of bounds": Index(2), "a negative index out of bounds": Index(0, -4),
        "too many indices": Index(0, 0, 0, 0), "an array out of bounds": Index(array("int64", [0, 5])),
        "two ellipses": Index(Ellipsis, Ellipsis), "a mask of another shape": Index(array("bool", [1, 0, 1])),
        "arrays that do not broadcast": Index(array("int64", [0, 1]), array("int64", [0, 1, 2])),
    }.items():  # fmt: skip
        f(f"read by {name} is refused", "[]", x, index)
    y = array("float64", range(6), (2, 3))
    for name, index, v in [
        ("an integer", Index(1), 7.0), ("a slice", Index(S(None), S(0, 2)), array("float64", [10, 20])),
        ("a step", Index(S(None), S(None, None, -2)), array("int8", [1, 2])),
        ("a mask", Index(y > 2), -1.0), ("a mask and an array", Index(y > 2), array("float64", [7, 8, 9])),
        ("an array, the last of two writes wins", Index(0, array("int64", [1, 1, 2])), array("float64", [4, 5, 6])),
        ("an ellipsis", Index(Ellipsis), 3), ("a mask that fits no value", Index(y > 2), array("float64", [1, 2])),
        ("a value of another shape", Index(0), array("float64", [1, 2])),
        ("an integer out of bounds", Index(0, 3), 1.0),
    ]:  # fmt: skip
        f(f"write by {name}", "[]=", y, index, v, after=[0])
    f("a write truncates to the dtype", "[]=", array("int32", [1, 2, 3]), Index(0), 2.75, after=[0])
    f("read of a view", "[]", Arg(x, view=(S(None), S(None, None, -1), S(1, 3))), Index(1, 0))
    f("read of a column-major array", "[]", Arg(x, order="F"), Index(S(None), 2))


def manipulation():
    f = Family("manipulation", "Shapes and places: nothing is computed.")
    x = array("int32", range(12), (3, 4))
    y = array("float32", range(24), (2, 3, 4))
    f("reshape", "reshape", x, [2, 6])
    f("reshape with -1", "reshape", x, [-1, 2])
    f("reshape of a column-major array reads row by row", "reshape", Arg(x, order="F"), [12])
    f("reshape to another size is refused", "reshape", x, [5])
    f("reshape with two unknown is refused", "reshape", x, [-1, -1])
    f("ravel of a view", "ravel", Arg(x, view=(slice(None), slice(None, None, -1))))
    f("transpose", "transpose", y)
    f("transpose by axes", "transpose", y, [1, 2, 0])
    f("transpose by too few axes is refused", "transpose", y, [0, 1])
    f("transpose twice by an axis is refused", "transpose", y, [0, 0, 1])
    f("swapaxes", "swapaxes", y, 0, -1)
    f("moveaxis", "moveaxis", y, 0, -1)
    f("expand_dims", "expand_dims", x, 1)
    f("squeeze", "squeeze", array("int8", [1, 2], (1, 2, 1)))
    f("squeeze of an axis that is not 1 is refused", "squeeze", x, axis=0)
    f("broadcast_to", "broadcast_to", array("int64", [1, 2, 3]), [2, 3])
    f("broadcast_to of shapes that do not fit", "broadcast_to", array("int64", [1, 2, 3]), [2, 4])
    f("concatenate", "concatenate", [x, x], axis=1)
    f("concatenate promotes", "concatenate", [x, array("float64", [[0.5, 1, 2, 3]])])
    f("concatenate of shapes that do not fit", "concatenate", [x, array("int32", [[1, 2]])])
    f("concatenate of nothing", "concatenate", [])
    f("stack", "stack", [x, x], axis=-1)
    f("stack of shapes that differ", "stack", [x, x[:1].copy()])
    f("split in equal parts", "split", x, 2, axis=1)
    f("split at indices", "split", x, [1, 3], axis=1)
    f("split that does not divide", "split", x, 5, axis=1)
    f("flip all", "flip", x)
    f("flip an axis", "flip", x, axis=1)
    f("roll flattens", "roll", x, 2)
    f("roll along an axis", "roll", x, -1, axis=1)
    f("repeat", "repeat", x, 2, axis=0)
    f("repeat by counts", "repeat", array("int32", [1, 2, 3]), [0, 1, 2])
    f("tile", "tile", array("int32", [1, 2]), [2, 2])
    f("take", "take", x, array("int64", [2, 0]), axis=1)
    f("take out of bounds", "take", x, array("int64", [4]), axis=1)
    f("where selects", "where", x > 5, x, array("float32", [0.5]))
    f("clip", "clip", x, 2, 8)
    f("tril", "tril", x)
    f("triu above the diagonal", "triu", x, 1)
    f("diag makes a matrix", "diag", array("int64", [1, 2]))
    f("pad with constants", "pad", x, [1, 1], by=lambda a, w: np.pad(a, w))


def sorting():
    f = Family("sorting", "Order, search, sets.")
    x = array("int32", [3, 1, 2, 3, 0, -5, 7, 1], (2, 4))
    z = array("float64", [3, nan, -inf, 0.5, inf, -0.5])
    for t in ["bool", "int8", "uint16", "int64", "float16", "float32", "float64"]:
        f(f"sort in {t}", "sort", sample(t), kind="stable")  # else the order of 0 and -0 is open
    f("sort puts nan last", "sort", z)
    f("sort along the first axis", "sort", x, axis=0)
    f("sort of a view", "sort", Arg(x, view=(slice(None), slice(None, None, -2))))
    f("argsort is stable when asked", "argsort", x, axis=-1, kind="stable")
    f("argsort puts nan last", "argsort", z)
    f("unique", "unique", x)
    f("nonzero", "nonzero", x)
    f("nonzero of a mask", "nonzero", x > 2)
    a = array("float64", [1, 2, 2, 3])
    f("searchsorted from the left", "searchsorted", a, array("float64", [2, 0, 9, 2.5]))
    f("searchsorted from the right", "searchsorted", a, array("float64", [2, 0, 9, 2.5]), side="right")
    f("sort over an axis that is not there", "sort", x, axis=2)


def creation():
    f = Family("creation", "New arrays.")
    f("zeros", "zeros", [2, 3])
    f("zeros in int8", "zeros", [3], dtype=Dtype("int8"))
    f("zeros of no dimension", "zeros", [])
    f("ones", "ones", [2], dtype=Dtype("complex64"))
    f("full", "full", [2, 2], 7.5, dtype=Dtype("float32"))
    f("zeros of a negative size", "zeros", [-1])
    f("arange of integers", "arange", 5)
    f("arange of floats", "arange", 0.0, 2.0, 0.5)
    f("arange downwards", "arange", 5, 0, -2)
    f("linspace", "linspace", 0.0, 1.0, 5)
    f("eye", "eye", 3)
    f("eye above the diagonal", "eye", 2, 3, 1, dtype=Dtype("int32"))
    f("zeros_like keeps the dtype", "zeros_like", array("int16", [[1, 2]]))
    f("ones_like in another dtype", "ones_like", array("int16", [[1, 2]]), dtype=Dtype("float32"))
    f("full_like", "full_like", array("float32", [1, 2]), 0.5)


def casting():
    f = Family("casting", "From one dtype to another.")
    cast = lambda a, t: a.astype(t)
    for s in ["bool", "int8", "uint8", "int64", "uint64", "float16", "float32", "float64"]:
        for t in ["bool", "int16", "uint32", "int64", "float16", "float32", "complex64"]:
            f(
                f"{s} to {t}",
                "astype",
                sample(s, 4)[:2] if s[0] == "f" and t[0] == "u" else sample(s, 4),
                Dtype(t),
                by=cast,
            )
    x = array("float64", [1e-8, 1 / 3, 65504.0, 65519.9, 65520.0, 1e300, nan, -inf])
    f("float64 rounds to float16", "astype", x, Dtype("float16"), by=cast)
    f("float64 rounds to float32", "astype", x, Dtype("float32"), by=cast)
    f("integers wrap", "astype", array("int64", [-1, 255, 256, 2**40 + 3]), Dtype("uint8"), by=cast)
    f(
        "int64 to float32 rounds to even",
        "astype",
        array("int64", [2**24 + 1, 2**24 + 3, 2**62]),
        Dtype("float32"),
        by=cast,
    )
    f("float32 truncates towards zero", "astype", array("float32", [-2.75, 2.75, -0.5]), Dtype("int32"), by=cast)


def products():
    f = Family("products", "Products of small integers, exact in every order.")
    a, b = array("float64", range(6), (2, 3)), array("float64", range(12), (3, 4))
    for t in ["int32", "uint8", "float16", "float32", "float64", "complex64", "complex128", "bool"]:
        f(f"matmul in {t}", "matmul", (a % 2).astype(t), (b % 3).astype(t))
    f("matmul of a vector from the left", "matmul", array("float64", [1, 2, 3]), b)
    f("matmul of a vector from the right", "matmul", a, array("float64", [1, 2, 3]))
    f("matmul of two vectors", "matmul", array("float64", [1, 2, 3]), array("float64", [4, 5, 6]))
    f("matmul broadcasts", "matmul", array("float64", range(12), (2, 2, 3)), array("float64", range(6), (1, 3, 2)))
    f("matmul of transposed operands", "matmul", Arg(a, order="F"), Arg(b, order="F"))
    f("matmul of views", "matmul", Arg(a, view=(slice(None, None, -1),)), Arg(b, view=(slice(None), slice(0, 4, 2))))
    f("matmul over nothing is zero", "matmul", array("float32", [], (2, 0)), array("float32", [], (0, 3)))
    f("matmul of sizes that do not fit", "matmul", a, a)
    f("matmul of a number is refused", "matmul", a, array("float64", 2.0))
    f("dot of matrices", "dot", a, b)
    f("dot of vectors", "dot", array("int64", [1, 2]), array("int64", [3, 4]))
    f("dot with a number", "dot", a, array("float64", 2.0))
    f("dot of sizes that do not fit", "dot", a, a)
    f("tensordot over two axes", "tensordot", a, a, axes=2)
    f("outer", "outer", array("int32", [1, 2]), array("int32", [3, 4, 5]))
    f("inner", "inner", a, a)
    f("trace", "trace", array("int64", range(9), (3, 3)))
    ein = lambda s, ops: np.einsum(s, *ops)
    for s, ops in [
        ("ij,jk->ik", [a, b]),
        ("ij->ji", [a]),
        ("ij->", [a]),
        ("ii->i", [b[:, :3].copy()]),
        ("ij,ij->i", [a, a]),
    ]:
        f(f"einsum {s}", "einsum", s, ops, by=ein, exempt={"python": "operands are arguments, not a list"})


def calls():
    f = Family("calls", "The options of a call: out, where, casting, dtype; broadcasting; layouts.")
    x, y = array("float64", [1, 2, 3]), array("float64", [10, 20, 30])
    f("out is written", "add", x, y, options={"out": np.zeros(3)})
    f("out is cast", "add", x, y, options={"out": np.zeros(3, "float32")})
    f("out of a kind that would lose", "add", x, y, options={"out": np.zeros(3, "int32")})
    f("out with unsafe casting", "add", x, y, options={"out": np.zeros(3, "int32"), "casting": "unsafe"})
    f("out of another shape", "add", x, y, options={"out": np.zeros(4)})
    f("out may be larger by broadcasting", "add", x, y, options={"out": np.zeros((2, 3))})
    where = array("bool", [1, 0, 1])
    f("where keeps the rest of out", "multiply", x, y, options={"out": np.full(3, -1.0), "where": where})
    f("where broadcasts", "add", x, y, options={"out": np.zeros((2, 3)), "where": array("bool", [[1], [0]])})
    f("dtype of the call", "add", array("int32", [1, 2]), array("int32", [3, 4]), options={"dtype": "float32"})
    f("shapes broadcast", "add", array("int64", [[1], [2]]), array("int64", [10, 20, 30]))
    f("rank 0 broadcasts", "add", array("int64", 5), array("int64", [[1, 2]]))
    f("size 1 and size 0", "add", array("int64", [1]), array("int64", []))
    f("shapes that do not fit", "add", array("float64", range(6), (2, 3)), array("float64", range(4)))
    f("vectors that do not fit", "subtract", array("float32", [1, 2]), array("float32", [1, 2, 3]))
    base = array("float64", range(24), (2, 3, 4))
    f("operands of different layouts", "add", Arg(base, order="F"), base)
    f(
        "operands with negative strides",
        "multiply",
        Arg(base, view=(slice(None, None, -1), slice(None), slice(None, None, -2))),
        2,
    )
    f("an operand repeated by stride 0", "add", Arg(base, view=(0, 0, None, slice(None))), Arg(base, view=(0,)))
    f("more than one block", "add", Range(0, 1, (1500,), "float64"), Range(1, -1, (1500,), "float64"))


def gradients():
    f = Family("gradients", "Gradients of the sum of a result, exact.")
    x, y = array("float64", [1, -2, 3]), array("float64", [4, 0.5, -8])
    m = array("float64", range(6), (2, 3))
    one = np.ones(3)

    def g(name, op, *args, expect, **kwargs):
        case = f(name, op, *args, **kwargs)
        case["grad"] = {
            "args": list(range(len(expect))),
            "expect": [array_json(np.asarray(e, "float64")) for e in expect],
        }

    g("add", "add", x, y, expect=[one, one])
    g("add of broadcast operands", "add", m, x, expect=[np.ones((2, 3)), [2, 2, 2]])
    g("subtract", "subtract", x, y, expect=[one, -one])
    g("multiply", "multiply", x, y, expect=[y, x])
    g("multiply by a number", "multiply", x, 2.5, expect=[[2.5, 2.5, 2.5]])
    g("multiply of one operand of rank 0", "multiply", array("float64", 2.0), x, expect=[2.0, [2, 2, 2]])
    g("divide", "divide", x, y, expect=[1 / y, -x / y**2])
    g("negative", "negative", x, expect=[-one])
    g("square", "square", x, expect=[2 * x])
    g("absolute", "absolute", x, expect=[np.sign(x)])
    g("maximum", "maximum", x, y, expect=[[0, 0, 1], [1, 1, 0]])
    g("maximum shares a tie", "maximum", x, x.copy(), expect=[one / 2, one / 2])
    g("sqrt", "sqrt", array("float64", [4, 16, 0.25]), expect=[[0.25, 0.125, 1.0]])
    g("sum over an axis", "sum", m, axis=0, expect=[np.ones((2, 3))])
    g("mean", "mean", array("float64", [1, 2, 3, 4]), expect=[np.full(4, 0.25)])
    g("prod", "prod", x, expect=[[-6, 3, -2]])
    g("max", "max", x, expect=[[0, 0, 1]])
    g("matmul", "matmul", m, m.T.copy(), expect=[np.ones((2, 2)) @ m, m.T @ np.ones((2, 2))])
    g("reshape", "reshape", m, [3, 2], expect=[np.ones((2, 3))])
    g("transpose", "transpose", m, expect=[np.ones((2, 3))])
    g("broadcast_to", "broadcast_to", x, [4, 3], expect=[4 * one])
    g("exp at zero", "exp", np.zeros(2), expect=[np.ones(2)])
    g("tanh at zero", "tanh", np.zeros(2), expect=[np.ones(2)])
    g("sin at zero", "sin", np.zeros(2), expect=[np.ones(2)])
    g("log of powers of two", "log", array("float64", [1.0]), expect=[[1.0]])
    g("cumsum", "cumsum", x, expect=[[3, 2, 1]])
    g("take of repeated indices", "take", x, array("int64", [0, 0, 2]), expect=[[2, 0, 1]])
    g("clip", "clip", x, -1.0, 2.0, expect=[[1, 0, 0]])


def refusals():
    f = Family("refusals", "What is refused, in NumPy's words.")
    m = array("float64", range(6), (2, 3))
    f("subtract of bools", "subtract", array("bool", [1, 0]), array("bool", [1, 1]))
    f("negative of bools", "negative", array("bool", [1, 0]))
    f("an axis below -rank", "sum", m, axis=-3)
    f("argmax of nothing", "argmax", array("float64", []))
    f("an integer to a negative integer power", "power", array("int64", [2]), array("int64", [-1]))
    f("floor_divide of complex", "floor_divide", sample("complex128"), sample("complex128"))
    f("expand_dims too far", "expand_dims", m, 5)
    f("concatenate of numbers", "concatenate", [array("float64", 1.0), array("float64", 2.0)])
    f("concatenate over an axis that is not there", "concatenate", [m, m], axis=2)
    f("moveaxis of unequal lists", "moveaxis", m, [0, 1], [0])
    f("inverse of a singular matrix", "linalg.inv", array("float64", [[1, 2], [2, 4]]))
    f("inverse of a matrix that is not square", "linalg.inv", m)
    f("solve of sizes that do not fit", "linalg.solve", array("float64", [[1, 0], [0, 1]]), array("float64", [1, 2, 3]))


def neural():
    f = Family("neural", "Operators of networks on small integers, exact in every order of adding.")
    x = Range(-8, 1, (2, 3, 5, 5), "float32")
    w = array("float32", [(i * 7) % 5 - 2 for i in range(4 * 3 * 3 * 3)], (4, 3, 3, 3))

    def pair(v):
        return (v, v) if isinstance(v, int) else tuple(v or ())

    def convolve(x, w, bias=None, stride=1, pad=0, dilate=1, groups=1):
        (sy, sx), (py, px), (dy, dx) = pair(stride), pair(pad), pair(dilate)
        x = np.pad(x, [(0, 0), (0, 0), (py, py), (px, px)])
        per, (ky, kx) = w.shape[1], w.shape[2:]
        height = (x.shape[2] - dy * (ky - 1) - 1) // sy + 1
        width = (x.shape[3] - dx * (kx - 1) - 1) // sx + 1
        y = np.zeros((len(x), len(w), height, width), x.dtype)
        for n, o, i, j in np.ndindex(y.shape):
            group = o // (len(w) // groups)
            window = x[n, group * per : (group + 1) * per, i * sy :, j * sx :]
            y[n, o, i, j] = np.sum(window[:, : dy * ky : dy, : dx * kx : dx] * w[o])
        return y if bias is None else y + bias[:, None, None]

    f("convolution", "convolution", x, w, by=convolve)
    f("convolution with padding and stride", "convolution", x, w, by=convolve, stride=[2, 2], pad=[1, 1])
    f("convolution with holes", "convolution", x, w, by=convolve, dilate=[2, 2])
    f("convolution with a bias", "convolution", x, w, array("float32", [1, -1, 2, 0]), by=convolve)
    f("convolution of groups", "convolution", Range(0, 1, (1, 4, 4, 4), "float64"), w[:, :2].astype("float64"),
      by=convolve, groups=2)  # fmt: skip
    f("convolution in float64", "convolution", Range(0, 1, (1, 3, 4, 4), "float64"), w.astype("float64"), by=convolve)

    def windows(x, kernel, stride):
        (ky, kx), (sy, sx) = kernel, stride
        shape = (*x.shape[:2], (x.shape[2] - ky) // sy + 1, (x.shape[3] - kx) // sx + 1)
        for index in np.ndindex(shape):
            n, c, i, j = index
            yield shape, index, x[n, c, i * sy : i * sy + ky, j * sx : j * sx + kx]

    def pool(x, kernel, pool_type="max", stride=None):
        reduce = {"max": np.max, "avg": np.mean, "sum": np.sum}[pool_type]
        y = None
        for shape, index, window in windows(x, kernel, stride or (1, 1)):
            y = np.zeros(shape, x.dtype) if y is None else y
            y[index] = reduce(window)
        return y

    for kind in ["max", "avg", "sum"]:
        f(f"{kind} pooling", "pooling", x, [2, 2], by=pool, pool_type=kind, stride=[2, 2])
    f("overlapping max pooling", "pooling", x, [3, 3], by=pool)

    dense = lambda x, w, bias=None: x.reshape(len(x), -1) @ w.T + (0 if bias is None else bias)
    a, b = array("float64", range(6), (2, 3)), array("float64", range(12), (4, 3))
    f("fully connected", "fully_connected", a, b, array("float64", [1, 2, 3, 4]), by=dense)
    f("fully connected without a bias flattens", "fully_connected", array("float64", range(12), (2, 2, 3)),
      array("float64", range(24), (4, 6)), by=dense)  # fmt: skip
    f("embedding", "embedding", array("int64", [2, 0, 2]), b, by=lambda i, w: w[i])
    one_hot = lambda i, depth: np.eye(depth, dtype="float32")[i]
    f("one_hot", "one_hot", array("int64", [2, 0]), 3, by=one_hot)
    even = lambda x, axis=-1: np.full(x.shape, 1 / x.shape[axis])
    f("softmax of equal scores", "softmax", np.zeros((2, 4)), by=even)
    f("softmax along an axis", "softmax", np.full((2, 4), 7.0), by=even, axis=0)
    f("log_softmax of equal scores in one class", "log_softmax", np.zeros((3, 1)), by=np.zeros_like)
    case = f("log_softmax", "log_softmax", array("float64", [[1, 2, 3]]), by=lambda x: x)
    scores = [mpmath.mpf(k) - mpmath.log(sum(mpmath.exp(j) for j in (1, 2, 3))) for k in (1, 2, 3)]
    case["expect"] = [array_json(np.array([[float(v) for v in scores]]))]
    case["ulps"] = 8  # of the small result; the difference it comes from is eight times as large


def linear():
    f = Family("linear", "Linear algebra where floating point is exact.")
    p = array("float64", [[2, 0], [0, 4]])
    f(
        "det of a triangular matrix",
        "linalg.det",
        array("float64", [[2, 5, 1], [0, 4, 3], [0, 0, 0.5]]),
        by=lambda a: 4.0,
    )
    f("det of a stack", "linalg.det", array("float64", [[[1, 0], [0, 2]], [[0, 1], [1, 0]]]))
    f("inv of powers of two", "linalg.inv", p)
    f("solve with powers of two", "linalg.solve", p, array("float64", [3, 5]))
    f("solve for a matrix", "linalg.solve", p, array("float64", [[1, 2], [3, 4]]))
    f("solve in float32", "linalg.solve", p.astype("float32"), array("float32", [3, 5]))
    f("cholesky of squares", "linalg.cholesky", array("float64", [[4, 2], [2, 5]]))
    f("cholesky of an indefinite matrix", "linalg.cholesky", array("float64", [[1, 2], [2, 1]]))
    f("norm of 3 and 4", "linalg.norm", array("float64", [3, 4]))
    f("norm of infinity", "linalg.norm", array("float64", [[3, -4], [1, 2]]), ord=1)
    f("det of what is not square", "linalg.det", array("float64", [[1, 2, 3]]))
    f("solve of a singular matrix", "linalg.solve", np.zeros((2, 2)), np.ones(2))
    f("kron", "kron", array("int64", [1, 2]), array("int64", [[1, 0], [0, 1]]))
    f("cross", "cross", array("float64", [1, 2, 3]), array("float64", [4, 5, 6]))


def counting():
    f = Family("counting", "Differences and counts.")
    x = array("int64", [5, 1, 4, 4, -2, 9])
    f("diff", "diff", x)
    f("diff twice", "diff", x, n=2)
    f("diff of bools", "diff", array("bool", [1, 0, 0, 1]))
    f("bincount", "bincount", array("int64", [0, 1, 1, 5]))
    f("bincount of a negative number", "bincount", array("int64", [0, -1]))
    f("count_nonzero", "count_nonzero", x, axis=0)


def printing():
    f = Family("printing", "Arrays as text, as NumPy's str() has it.")

    def p(name, *args):
        case = f.add(name, "str", args, {}, text=str(operand(args[0])))
        case["except"] = {"python": "NumPy prints", "julia": "prints as Julia does"}

    for t in ["bool", "int8", "uint64", "float16", "float32", "float64", "complex64"]:
        p(f"a vector of {t}", sample(t))
        p(f"a number of {t}", np.array(sample(t)[3]))
    p("a matrix of one width", array("float64", [[1, -20.5], [0.25, 3]]))
    p("three dimensions", array("int32", range(12), (2, 3, 2)))
    p("nothing", array("float64", [], (0, 3)))
    p("special values", array("float64", [nan, inf, -inf, 0.0, -0.0, 1.5]))
    p("an exponent for large numbers", array("float64", [1e8, 1, 123456789.123]))
    p("an exponent for small numbers", array("float64", [1e-5, 0.5]))
    p("at most eight digits", array("float64", [1 / 3, 2 / 3, 100]))
    p("a long vector is broken into lines", array("float64", [i * 1.25 for i in range(30)]))
    p("a large vector is cut", Range(0, 1, (2000,), "int64"))
    p("a large matrix is cut on both axes", Range(0, 0.5, (50, 60), "float64"))
    p("a column of a view", Arg(array("int16", range(12), (3, 4)), view=(slice(None, None, -1), slice(1, 3))))
    for x in [1e15, 1e16, 1e-4, 9e-5, 123.456, -0.0]:
        p(f"the number {x!r}", np.array(x))
        p(f"the number {x!r} in float32", np.array(x, "float32"))


def write(path, family):
    lines = ",\n".join(json.dumps(c, ensure_ascii=False) for c in family.cases)
    path.write_text(f'{{"about": {json.dumps(family.about)}, "cases": [\n{lines}\n]}}\n')


if __name__ == "__main__":
    for build in [arithmetic, unary, comparison, bitwise, promotion, exponential, trigonometric, reductions, indexing,
                  manipulation, sorting, creation, casting, products, calls, gradients, refusals,
                  neural, linear, counting, printing]:  # fmt: skip
        build()
    for name, family in families.items():
        if not sys.argv[1:] or name in sys.argv[1:]:
            write(Path(__file__).parent / f"{name}.json", family)
            print(f"{name}: {len(family.cases)} cases")
