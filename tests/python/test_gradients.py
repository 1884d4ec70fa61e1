"""Walks the registry: every operator that has a derivative is compared with central differences, in reverse and forward
mode and to second order."""

import contextlib
import functools
import json
import re

import numpy
import pytest

import minpy.numpy as np
from minpy import _minpy
from minpy._minpy import _operator
from minpy.core import Tape, _Recording, grad

SCHEMAS = json.loads(_minpy.op_list())
DIFFERENTIABLE = [
    s
    for s in SCHEMAS
    if s["gradient"] not in ("missing", "none", "not_differentiable")
    and "why_not" not in s  # loss layers, whose gradient is that of another function
    and (s["sample"] or not s["name"].startswith("_"))
]


class Samples:
    """The vocabulary of a row's `sample`: f64(2, 3) is a random array."""

    def __init__(self, seed, domain=None):
        self.rng = numpy.random.default_rng(seed)
        numbers = re.findall(r"-?(?:inf|\d+(?:\.\d+)?(?:e-?\d+)?)", domain or "")
        self.low, self.high = (float(n) for n in numbers[:2]) if len(numbers) >= 2 else (-2.0, 2.0)
        self.low, self.high = max(self.low, -3.0), min(self.high, 3.0)

    def f64(self, *shape):
        width = self.high - self.low
        return self.rng.uniform(self.low + 0.1 * width, self.high - 0.1 * width, shape)

    def c128(self, *shape):
        return self.f64(*shape) + 1j * self.f64(*shape)

    def spd(self, n):
        a = self.rng.standard_normal((n, n))
        return a @ a.T + n * numpy.eye(n)

    def pos(self, *shape):
        return self.rng.uniform(0.5, 2.0, shape)

    def i64(self, *shape, high=2):
        return self.rng.integers(0, high, shape)

    def mask(self, *shape):
        return self.rng.random(shape) < 0.5

    def arguments(self, text):
        names = {n: getattr(self, n) for n in ("f64", "c128", "spd", "pos", "i64", "mask")}
        names |= {"b": self.mask, "bool": self.mask, "np": numpy, "None": None, "True": True, "False": False}
        return eval(f"(lambda *args, **kwargs: (args, kwargs))({text})", names)


class RandomState:
    """The same random numbers at each call."""

    def __enter__(self):
        context = _minpy.context_new()
        _minpy.context_set_rng(context, _minpy.rng_new(7, 0))
        _minpy.context_push(context)

    def __exit__(self, *error):
        _minpy.context_pop()


def samples_of(schema):
    texts = schema["sample"]
    if texts:
        return list(texts)
    n = sum(p["kind"] == "array" and not p["optional"] and "default" not in p for p in schema["params"])
    return [", ".join(["f64(2, 3)"] * n), ", ".join(["f64(2, 3)", "f64(3)"][:n])][: 2 if n == 2 else 1]


def cases():
    for schema in DIFFERENTIABLE:
        if not schema["sample"] and "elementwise" not in schema["flags"]:
            continue  # set_item writes, a loss layer has no derivative of its own, MXNet's variants are the core's rows
        for i, text in enumerate(samples_of(schema)):
            yield pytest.param(schema, text, id=f"{schema['name']}-{i}" if i else schema["name"])


def floats_in(args):
    """Places of the floating-point arrays among the arguments, also in lists."""
    places = []
    for i, a in enumerate(args):
        if isinstance(a, numpy.ndarray) and a.dtype.kind in "fc":
            places.append((i, None))
        elif isinstance(a, (list, tuple)):
            places += [(i, k) for k, x in enumerate(a) if isinstance(x, numpy.ndarray) and x.dtype.kind in "fc"]
    return places


def replaced(args, places, values):
    args = [list(a) if isinstance(a, (list, tuple)) and any(p[0] == i and p[1] is not None for p in places) else a
            for i, a in enumerate(args)]  # fmt: skip
    for (i, k), v in zip(places, values, strict=True):
        if k is None:
            args[i] = v
        else:
            args[i][k] = v
    return args


def build(schema, text):
    sampler = Samples(11, schema.get("domain"))
    args, kwargs = sampler.arguments(text)
    places = floats_in(args)
    values = [args[i] if k is None else args[i][k] for i, k in places]
    operator = _operator(schema["name"])

    def function(*arrays):
        with RandomState() if "random" in schema.get("flags", ()) else contextlib.nullcontext():
            results = operator(*replaced(args, places, arrays), **kwargs)
        results = results if isinstance(results, (list, tuple)) else [results]
        return [r for r in results if r.dtype.kind in "fc"]

    return function, values


def contract(results, weights):
    """A number: the real part of the sum of results times weights."""
    total = 0.0
    for r, w in zip(results, weights, strict=True):
        total = total + np.sum(np.real(r * w) if r.dtype.kind == "c" else r * w)
    return total


def check_first_order(function, values, seed, tolerance):
    rng = numpy.random.default_rng(seed)
    arrays = [np.array(v) for v in values]
    plain = [numpy.asarray(r) for r in function(*arrays)]
    if not plain:
        pytest.skip("no floating-point result")
    weights = [rng.standard_normal(r.shape) for r in plain]
    moves = [
        rng.standard_normal(v.shape) + (1j * rng.standard_normal(v.shape) if v.dtype.kind == "c" else 0) for v in values
    ]
    h = 1e-6

    def at(t):
        results = function(*(np.array(v + t * m) for v, m in zip(values, moves, strict=True)))
        return sum((numpy.asarray(r) * w).real.sum() for r, w in zip(results, weights, strict=True))

    with numpy.errstate(all="ignore"):
        expected = (at(h) - at(-h)) / (2 * h)
    recording = _Recording(
        lambda *xs: contract(function(*xs), [np.array(w) for w in weights]), range(len(arrays)), arrays, {}
    )
    gradients = recording.gradient(flags=1)
    reverse = sum((numpy.asarray(g) * m).real.sum() for g, m in zip(gradients, moves, strict=True))
    scale = 1 + abs(expected)
    assert abs(reverse - expected) <= tolerance * scale, f"reverse {reverse}, differences {expected}"
    head = recording.result
    if not isinstance(head, np.ndarray):  # constant: nothing of it is on the tape
        recording.tape.close()
        return
    (forward,) = _minpy.tape_jvp(recording.tape._tape, [head], recording.watched, [np.array(m) for m in moves])
    recording.tape.close()
    assert abs(float(np.real(forward)) - expected) <= tolerance * scale, f"forward {forward}, differences {expected}"


@pytest.mark.parametrize("schema, text", list(cases()))
def test_first_order_in_both_modes(schema, text):
    function, values = build(schema, text)
    with numpy.errstate(all="ignore"):
        check_first_order(function, values, 5, 2e-5)


@pytest.mark.parametrize("schema, text", list(cases()))
def test_second_order(schema, text):
    function, values = build(schema, text)
    if any(v.dtype.kind == "c" for v in values):
        pytest.skip("first order tells of complex numbers")
    rng = numpy.random.default_rng(3)
    weights = []

    def gradient(*arrays):
        """The gradient of a random combination of the results, as a function of its own."""
        with Tape() as tape:
            watched = _minpy.tape_watch(tape._tape, list(arrays))
            results = function(*watched)
            if not weights:
                weights.extend(rng.standard_normal(r.shape) for r in results)
            total = contract(results, [np.array(w) for w in weights])
        if not isinstance(total, np.ndarray):  # constant
            return [np.zeros(a.shape) for a in watched]
        out = tape.gradient(total, watched)
        tape.close()
        return out

    with numpy.errstate(all="ignore"):
        check_first_order(gradient, values, 9, 2e-4)


def test_the_registry_tells_gradients():
    assert {s["name"] for s in DIFFERENTIABLE} >= {"add", "exp", "sum", "matmul"}


UNARY = [s for s in DIFFERENTIABLE if s["gradient"] == "partial" and len(s["params"]) == 1 and "float64" in s["types"]]


@pytest.mark.parametrize("schema", UNARY, ids=lambda s: s["name"])
def test_slopes_of_few_elements_are_those_of_many(schema):
    f, samples = _operator(schema["name"]), Samples(3, schema.get("domain"))
    for dtype in ("f4", "f8"):
        x = samples.f64(67).astype(dtype)

        def twice(x):
            return (f(f(x) * 0 + x) * x).sum()

        def slopes(x, retain=False):
            with Tape() as tape:
                (a,) = _minpy.tape_watch(tape._tape, [np.array(x)])
                y = twice(a)
            return numpy.asarray(tape.gradient(y, a, retain=retain))

        with numpy.errstate(all="ignore"):
            whole = slopes(x)
            for start, stop in [(0, 1), (3, 10), (0, 64), (60, 67)]:
                for retain in (False, True):  # a sweep that keeps what it read asks the rules
                    numpy.testing.assert_array_equal(slopes(x[start:stop], retain), whole[start:stop])
            # On an outer tape the same slopes have slopes again.
            outer = grad(lambda x: (grad(twice)(x) * 1).sum())
            numpy.testing.assert_array_equal(outer(np.array(x[:5])), numpy.asarray(outer(np.array(x)))[:5])


def test_gradients_of_shared_weights_are_those_of_copies_of_them(rng):
    steps, x = 5, rng.standard_normal((6, 5, 40)).astype("f")
    w, u = rng.standard_normal((40, 48)).astype("f"), rng.standard_normal((48, 48)).astype("f") / 7

    def loss(ws, us):
        h = np.zeros((6, 48), "f")
        for t in range(steps):
            h = np.tanh(np.dot(x[:, t], ws[t]) + np.dot(h, us[t]))
        return (h * h).sum()

    def shared(w, u):
        return loss([w] * steps, [u] * steps)

    def apart(*copies):
        return loss(copies[:steps], copies[steps:])

    together = grad(shared, argnum=(0, 1))(np.array(w), np.array(u))
    copies = grad(apart, argnum=range(2 * steps))(*map(np.array, [w] * steps + [u] * steps))
    for whole, parts in zip(together, (copies[:steps], copies[steps:]), strict=True):
        # The last step comes first.
        numpy.testing.assert_array_equal(whole, functools.reduce(numpy.add, map(numpy.asarray, parts[::-1])))

    def size(w, u):
        return sum((g * g).sum() for g in grad(shared, argnum=(0, 1))(w, u))

    # Of second order nothing is added in place: the same number by differences of float64.
    x, point = x.astype("d"), [w.astype("d"), u.astype("d")]
    step = [1e-6 * rng.standard_normal(p.shape) for p in point]
    slope = grad(size, argnum=(0, 1))(*map(np.array, point))
    change = size(*(np.array(p + s) for p, s in zip(point, step, strict=True))) - size(
        *(np.array(p - s) for p, s in zip(point, step, strict=True))
    )
    expected = 2 * sum(float((numpy.asarray(g) * s).sum()) for g, s in zip(slope, step, strict=True))
    assert abs(float(change) - expected) <= 1e-6 * abs(expected) + 1e-9
