"""The case table (tests/cases/README.md) through minpy.numpy."""

import functools
import json
import os
import re
from pathlib import Path

import numpy
import pytest

import minpy.numpy as np
from minpy.core import Tape
from minpy.dispatch.policy import PreferMXNetPolicy

TABLE = Path(__file__).parent.parent / "cases"
BITS = Path(os.environ.get("MINPY_BUILD", "build/release")) / "cases.bits.json"


@functools.cache
def recorded():
    if not BITS.exists():
        print(f"no bits were recorded to compare with: {BITS}")
        return {}
    return json.loads(BITS.read_text())


def load():
    for file in sorted(TABLE.glob("*.json")):
        for case in json.loads(file.read_text())["cases"]:
            path = f"{file.stem}/{case['name']}"
            yield pytest.param(path, case, id=path)


# ---- from JSON --------------------------------------------------------------------------------------------------


def number(x):
    if isinstance(x, list):
        return complex(number(x[0]), number(x[1]))
    return (float.fromhex(x) if "0x" in x else float(x)) if isinstance(x, str) else x


def elements(a):
    """The array as NumPy's."""
    dtype, shape = numpy.dtype(a["dtype"]), tuple(a["shape"])
    if "range" not in a:
        return numpy.array([number(x) for x in a["data"]], dtype).reshape(shape)
    kind = numpy.int64 if dtype.kind in "iu" else numpy.float64
    start, step = map(kind, a["range"])
    flat = start + numpy.arange(int(numpy.prod(shape))).astype(kind) * step
    return flat.astype(dtype).reshape(shape)


def array(a):
    made = np.array(numpy.asarray(elements(a), order=a.get("order", "C")))
    return made[index(a["view"])] if "view" in a else made


def item(x):
    if isinstance(x, dict) and "slice" in x:
        return slice(*x["slice"])
    return Ellipsis if x == "..." else value(x)


def index(items):
    made = tuple(item(x) for x in items)
    return made[0] if len(made) == 1 else made


def value(x):
    match x:
        case {"shape": _}:
            return array(x)
        case {"dtype": name}:
            return numpy.dtype(name)
        case {"float": text}:
            return number(text)
        case {"complex": [_, _] as parts}:
            return number(parts)
        case {"scalar": dtype, "value": v}:
            return numpy.dtype(dtype).type(number(v))
        case {"index": items}:
            return index(items)
        case [{}, *_]:
            return [value(y) for y in x]
        case list():
            return tuple(x)
    return x


# ---- one case ---------------------------------------------------------------------------------------------------


def function(op):
    if op == "[]":
        return lambda a, i: a[i]
    if op == "[]=":
        return lambda a, i, v: a.__setitem__(i, v)
    return functools.reduce(getattr, op.split("."), np)


def same(got, want, ulps, what):
    got = numpy.asarray(got)
    assert (str(got.dtype), got.shape) == (want["dtype"], tuple(want["shape"])), what
    want = elements(want)
    if ulps:
        numpy.testing.assert_array_max_ulp(got, want, ulps)
        return
    numpy.testing.assert_array_equal(got, want, what)
    if got.dtype.kind in "fc":
        for part in ("real", "imag"):
            g, w = getattr(got, part), getattr(want, part)
            signs = numpy.signbit(g) == numpy.signbit(w)
            assert numpy.all(signs | numpy.isnan(g)), f"{what}: the sign of a zero"


def results_of(result):
    return list(result) if isinstance(result, (tuple, list)) else [] if result is None else [result]


@pytest.mark.parametrize(("path", "case"), list(load()))
def test_case(path, case):
    if "python" in case.get("except", {}):
        pytest.skip(case["except"]["python"])
    call = function(case["op"])
    args = [value(x) for x in case["args"]]
    options = {k: v if isinstance(v, str) else array(v) for k, v in case.get("options", {}).items()}
    named = {k: value(v) for k, v in case.get("kwargs", {}).items()} | options
    # What would run in NumPy instead is no test of ours.
    with numpy.errstate(all="ignore"), PreferMXNetPolicy(fallback="error"):
        if "error" in case:
            with pytest.raises(Exception) as raised:
                call(*args, **named)
            assert re.search(case["error"], str(raised.value)), raised.value
            assert case["kind"] in [c.__name__ for c in type(raised.value).__mro__], raised.value
            return
        results = results_of(call(*args, **named))
    ulps = case.get("ulps", 0)
    assert len(results) == len(case.get("expect", []))
    for i, want in enumerate(case.get("expect", [])):
        same(results[i], want, ulps, f"result {i}")
    if ulps and path in recorded():
        assert [numpy.asarray(r).tobytes().hex() for r in results] == recorded()[path]
    for i, want in case.get("after", {}).items():
        same(args[int(i)], want, 0, f"argument {i}")
    if "grad" in case:
        gradient(call, args, named, case["grad"])


def gradient(call, args, named, grad):
    with Tape() as tape:
        watched = results_of(tape.watch(*[args[i] for i in grad["args"]]))
        marked = dict(enumerate(args)) | dict(zip(grad["args"], watched, strict=True))
        head = results_of(call(*marked.values(), **named))[0]
    for g, want in zip(tape.gradient(head, watched), grad["expect"], strict=True):
        same(g, want, grad.get("ulps", 0), "gradient")
