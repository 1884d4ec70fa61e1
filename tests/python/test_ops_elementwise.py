"""Element-wise operators against NumPy: result types of every pair of dtypes, values, warnings, derivatives."""

import itertools
import warnings

import numpy
import pytest
from support import DTYPES, layouts, random

import minpy.numpy as np

UNARY = (
    "negative positive absolute fabs sign square sqrt cbrt reciprocal exp exp2 expm1 log log2 log10 log1p sin cos tan "
    "arcsin arccos arctan deg2rad radians rad2deg degrees sinh cosh tanh arcsinh arccosh arctanh logical_not invert "
    "bitwise_count floor ceil trunc rint isnan isinf isfinite signbit spacing conjugate"
).split()
BINARY = (
    "add subtract multiply divide floor_divide remainder fmod power float_power logaddexp logaddexp2 arctan2 hypot equal "
    "not_equal less less_equal greater greater_equal logical_and logical_or logical_xor bitwise_and bitwise_or "
    "bitwise_xor left_shift right_shift copysign nextafter heaviside maximum minimum fmax fmin gcd lcm ldexp"
).split()
PAIRS = ["divmod"]
PARTS = ["modf", "frexp"]


def outcome(f, *args):
    """The result, or the class of the error."""
    with numpy.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return f(*args)
        except (TypeError, ValueError, OverflowError) as e:
            return TypeError if isinstance(e, TypeError) else type(e)


def tuples(x):
    return x if isinstance(x, tuple) else (x,)


def agree(ours, theirs, ulps, where=""):
    """Equal types, shapes and values; floats within some ulps of the larger part, NaN equal to NaN."""
    if isinstance(theirs, type):
        assert ours is theirs, f"{where}: {ours!r} instead of {theirs}"
        return
    assert not isinstance(ours, type), f"{where}: {ours} instead of {theirs!r}"
    assert len(tuples(ours)) == len(tuples(theirs))
    for o, t in zip(tuples(ours), tuples(theirs), strict=True):
        assert isinstance(t, numpy.ndarray) == isinstance(o, np.ndarray), where
        assert o.dtype == t.dtype, f"{where}: {o.dtype} instead of {t.dtype}"
        assert o.shape == t.shape, where
        o = numpy.asarray(o)
        if t.dtype.kind in "fc":
            eps = numpy.finfo(t.dtype).eps
            with numpy.errstate(all="ignore"):
                # A sum of terms of opposite signs is as exact as its terms.
                atol = 8 * eps if where.startswith("logaddexp") else ulps * numpy.finfo(t.dtype).tiny
                numpy.testing.assert_allclose(o, t, rtol=ulps * eps, atol=atol, err_msg=where)
        else:
            numpy.testing.assert_array_equal(o, t, err_msg=where)


# libmvec promises 4 ulp, and NumPy's own functions are up to 4 off: together at most 8. Complex ones are the C library's.
ULPS = 8


@pytest.mark.parametrize("name", UNARY + PARTS)
def test_types_and_values_of_unary_operators(rng, name):
    for dtype in DTYPES:
        x = random(rng, (2, 5), dtype)
        agree(outcome(getattr(np, name), np.array(x)), outcome(getattr(numpy, name), x), ULPS, f"{name} {dtype}")


@pytest.mark.parametrize("name", BINARY + PAIRS)
def test_types_and_values_of_every_pair_of_dtypes(rng, name):
    f, g = getattr(np, name), getattr(numpy, name)
    data = {d: random(rng, (2, 3), d) for d in DTYPES}
    other = {d: random(rng, (3,), d) for d in DTYPES}
    for a, b in itertools.product(DTYPES, DTYPES):
        agree(outcome(f, np.array(data[a]), np.array(other[b])), outcome(g, data[a], other[b]), ULPS, f"{name} {a} {b}")


@pytest.mark.parametrize("name", BINARY + PAIRS)
def test_types_with_python_numbers(rng, name):
    f, g = getattr(np, name), getattr(numpy, name)
    for dtype, number in itertools.product(DTYPES, [True, 2, 2.5, 1j]):
        x = random(rng, (3,), dtype)
        agree(outcome(f, np.array(x), number), outcome(g, x, number), ULPS, f"{name} {dtype} {number}")
        if name != "ldexp":  # a number alone is an int64 or a float64 here
            agree(outcome(f, number, np.array(x)), outcome(g, number, x), ULPS, f"{name} {number} {dtype}")


SPECIAL = numpy.array(
    [0.0, -0.0, 1, -1, 0.5, -0.5, 2, -2, 3, 100, -100, 800, -800, 1e300, numpy.inf, -numpy.inf, numpy.nan]
)


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8"])
@pytest.mark.parametrize("name", [n for n in UNARY if n not in ("invert", "bitwise_count")] + PARTS)
def test_special_values_of_unary_operators(name, dtype):
    with numpy.errstate(all="ignore"):
        x = SPECIAL.astype(dtype)
    ours, theirs = outcome(getattr(np, name), np.array(x)), outcome(getattr(numpy, name), x)
    agree(ours, theirs, ULPS, name)
    for o, t in zip(tuples(ours), tuples(theirs), strict=True):
        if t.dtype.kind == "f":
            zero = t == 0
            numpy.testing.assert_array_equal(
                numpy.signbit(numpy.asarray(o))[zero], numpy.signbit(t)[zero], err_msg=name
            )


FLOAT_BINARY = [
    n for n in BINARY + PAIRS if n[:7] != "bitwise" and n not in ("left_shift", "right_shift", "gcd", "lcm", "ldexp")
]


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("name", FLOAT_BINARY)
def test_special_values_of_binary_operators(name, dtype):
    with numpy.errstate(all="ignore"):
        x = SPECIAL.astype(dtype)
    a, b = x[:, None], x[None, :]
    agree(outcome(getattr(np, name), np.array(a), np.array(b)), outcome(getattr(numpy, name), a, b), ULPS, name)


COMPLEX = (
    "negative positive absolute sign square sqrt reciprocal exp exp2 expm1 log log2 log10 log1p sin cos tan arcsin arccos "
    "arctan sinh cosh tanh arcsinh arccosh arctanh logical_not rint isnan isinf isfinite conjugate angle real imag"
).split()


@pytest.mark.parametrize("name", COMPLEX)
def test_special_values_of_complex_operators(name):
    parts = numpy.array([0.0, -0.0, 1, -1, 0.5, -2.5, numpy.inf, -numpy.inf, numpy.nan])
    x = numpy.empty((9, 9), complex)
    x.real, x.imag = parts[:, None], parts
    agree(outcome(getattr(np, name), np.array(x)), outcome(getattr(numpy, name), x), ULPS, name)


def test_complex_powers(rng):
    x = random(rng, (5,), "c16")
    for y in [0, 1, 2, 3, -1, -2, 7, 50, 101, 0.5, 1j, 2 - 3j]:
        agree(np.power(np.array(x), y), numpy.power(x, y), 64, f"{y}")
        agree(outcome(np.power, np.array([0j]), y), outcome(numpy.power, numpy.array([0j]), y), 8, f"0**{y}")


INTEGERS = ["i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8"]


@pytest.mark.parametrize("dtype", INTEGERS)
@pytest.mark.parametrize(
    "name", ["floor_divide", "remainder", "fmod", "divmod", "left_shift", "right_shift", "gcd", "lcm", "power"]
)
def test_integers_at_their_limits(name, dtype):
    info = numpy.iinfo(dtype)
    values = sorted({0, 1, 2, 3, 7, 8, 31, 63, 64, 100, info.max, info.min, *((-1, -2, -7, -100) if info.min else ())})
    x = numpy.array(values, dtype)
    y = x[x >= 0] if name == "power" else x
    agree(
        outcome(getattr(np, name), np.array(x)[:, None], np.array(y)),
        outcome(getattr(numpy, name), x[:, None], y),
        0,
        name,
    )


def test_powers_of_integers():
    for x, y in [([2, 3], [1, -1]), (2, -1), ([2, 3], -2)]:
        with pytest.raises(ValueError, match=r"Integers to negative integer powers are not allowed\."):
            np.power(np.array(x), np.array(y))
    assert (np.array([2.0, 4.0]) ** -1).tolist() == [0.5, 0.25]


@pytest.mark.parametrize("name", ["equal", "not_equal", "less", "less_equal", "greater", "greater_equal"])
def test_comparisons_are_exact(name):
    f, g = getattr(np, name), getattr(numpy, name)
    signed = numpy.array([-1, 0, 2**53 + 1, 2**63 - 1], "i8")
    unsigned = numpy.array([2**64 - 1, 0, 2**53, 2**63], "u8")
    agree(f(np.array(signed), np.array(unsigned)), g(signed, unsigned), 0)
    agree(f(np.array(unsigned), np.array(signed)), g(unsigned, signed), 0)
    for dtype, number in itertools.product(
        INTEGERS, [-1, 0, 127, 128, 255, 256, -(2**63) - 1, 2**63, 2**64 - 1, 2**64, 2**70]
    ):
        x = numpy.array([0, 1, 127], dtype)
        agree(f(np.array(x), number), g(x, number), 0, f"{dtype} {number}")
        agree(f(number, np.array(x)), g(number, x), 0, f"{number} {dtype}")


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ["add", "exp", "less", "maximum", "arctan2", "where", "clip"])
def test_layouts_and_empty_arrays(rng, name, dtype):
    if name == "arctan2" and dtype[0] == "c":
        pytest.skip("real only")
    a, b = random(rng, (3, 37), dtype), random(rng, (3, 37), dtype)
    f, g = getattr(np, name), getattr(numpy, name)
    count = {"exp": 1, "where": 3, "clip": 3}.get(name, 2)
    operands = [a, b, b][:count]
    for x in [*layouts(a), a[:, ::-1], a[::2, ::-3]]:
        rest = [o[: x.shape[0], : x.shape[1]] for o in operands[1:]]
        agree(outcome(f, np.asarray(x), *map(np.asarray, rest)), outcome(g, x, *rest), ULPS, f"{name} {dtype}")
    empty = [o[:0] for o in operands]
    agree(outcome(f, *map(np.asarray, empty)), outcome(g, *empty), 0)
    scalars = [o[0, 0] for o in operands]
    agree(outcome(f, *[np.asarray(s) for s in scalars]), outcome(g, *scalars), ULPS)


@pytest.mark.parametrize("name", ["exp", "log", "tanh", "power"])
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_results_are_within_4_ulps(rng, name, dtype):
    wide = "f8" if dtype == "f4" else numpy.longdouble
    bits = rng.integers(0, 1 << 32, 200_000, dtype="u4").view("f4").astype(dtype)  # all magnitudes, and special values
    near = rng.uniform(-30, 30, 200_000).astype(dtype)
    operands = [numpy.concatenate([bits, near])]
    if name == "power":
        operands = [numpy.abs(operands[0]), numpy.concatenate([near, bits])]
    with numpy.errstate(all="ignore"):
        ours = numpy.asarray(getattr(np, name)(*map(np.asarray, operands))).astype(wide)
        exact = getattr(numpy, name)(*(x.astype(wide) for x in operands))
        narrow = exact.astype(dtype)
        special = ~numpy.isfinite(narrow)
        numpy.testing.assert_array_equal(ours[special], narrow[special])
        off = numpy.abs(ours - exact)[~special] / numpy.spacing(numpy.abs(narrow[~special]))
    assert off.max() <= 4


def test_same_bits_at_every_position(rng):
    x = rng.standard_normal(67)
    for name in ["exp", "log1p", "sin", "tanh", "cbrt", "erf"]:
        f = getattr(np, name, None) or (lambda v, name=name: np._get(name)(v))
        try:
            whole = numpy.asarray(f(np.array(x)))
        except AttributeError:
            continue
        for start, stop in [(0, 1), (3, 10), (1, 67), (60, 67)]:
            numpy.testing.assert_array_equal(numpy.asarray(f(np.array(x[start:stop]))), whole[start:stop])
        numpy.testing.assert_array_equal(numpy.asarray(f(np.array(x)[::-2])), whole[::-2])


def test_many_short_rows(rng):
    for columns in (1, 2, 5, 33, 64, 65, 500, 513):
        for dtype in ("f4", "f8", "i2"):
            x = (rng.standard_normal((3, 700, columns)) * 9).astype(dtype)
            others = [x[:, :, :1], x[0, 0], x[:1, :1, :1], x[:, ::-1], x[::-1, :, ::-1], x[0]]
            for y in others:
                agree(np.add(np.array(x), np.array(y)), x + y, 0)
                agree(np.less(np.array(y), np.array(x)), y < x, 0)
            out, expected = np.array(x), x.copy()
            np.multiply(out, others[0], out=out), numpy.multiply(expected, others[0], out=expected)
            agree(out, expected, 0)
        with numpy.errstate(divide="raise"), pytest.raises(FloatingPointError, match="divide by zero"):
            np.divide(np.ones((700, columns + 1)), np.zeros((700, 1)))


def test_clip(rng):
    x = rng.standard_normal(9)
    for bounds in [(-0.5, 0.5), (None, 0.5), (-0.5, None), (x[::-1], 0.5), (None, None), (0.5, -0.5), (numpy.nan, 1)]:
        agree(np.clip(np.array(x), *bounds), numpy.clip(x, *bounds), 0)
    agree(np.clip(np.array(x), min=0.1), numpy.clip(x, min=0.1), 0)
    small = numpy.array([1, 100, 255], "u1")
    for bounds in [(-1, 300), (2, 2**70), (-(2**70), 9), (2.5, 7)]:
        agree(np.clip(np.array(small), *bounds), numpy.clip(small, *bounds), 0)
    agree(outcome(np.clip, np.array(small), 300, 400), outcome(numpy.clip, small, 300, 400), 0)
    with pytest.raises(ValueError, match="forbidden"):
        np.clip(np.array(x), 0, 1, min=0)


def test_where(rng):
    c = rng.random((3, 4)) < 0.5
    for a, b in itertools.product(DTYPES, DTYPES):
        x, y = random(rng, (4,), a), random(rng, (3, 1), b)
        agree(np.where(np.array(c), np.array(x), np.array(y)), numpy.where(c, x, y), 0, f"{a} {b}")
    agree(np.where(np.array([2, 0]), 1, 2.5), numpy.where(numpy.array([2, 0]), 1, 2.5), 0)
    agree(np.where(np.array(c), np.ones(4, "f4"), 0.0), numpy.where(c, numpy.ones(4, "f4"), 0.0), 0)
    assert type(np.where(True, 1, 2)) is np.ndarray


@pytest.mark.parametrize("decimals", [0, 1, 3, -1])
def test_round(rng, decimals):
    for dtype in DTYPES:
        x = (random(rng, (7,), dtype) * 7).astype(dtype)
        agree(outcome(np.round, np.array(x), decimals), outcome(numpy.round, x, decimals), 1, f"{dtype} {decimals}")


def test_sinc(rng):
    x = numpy.concatenate([rng.standard_normal(9), [0.0, 1e-9, -1e-4, 0.0015, 0.0017]])
    agree(np.sinc(np.array(x)), numpy.sinc(x), 8)


def conditions(f, *args):
    """What NumPy's errstate hears of a call."""
    heard = []
    with numpy.errstate(all="call", under="ignore", call=lambda kind, flag: heard.append(kind)):
        try:
            f(*args)
        except TypeError:
            return None
    return sorted(set(heard))


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("name", [n for n in UNARY if n not in ("invert", "bitwise_count", "spacing")] + PARTS)
def test_conditions_of_unary_operators(name, dtype):
    f, g = getattr(np, name), getattr(numpy, name)
    with numpy.errstate(all="ignore"):
        x = SPECIAL.astype(dtype)
    for v in x:
        one = numpy.array([v])
        assert conditions(f, np.array(one)) == conditions(g, one), f"{name} {v}"


@pytest.mark.parametrize("name", [n for n in FLOAT_BINARY if n not in ("logaddexp2", "nextafter")])
def test_conditions_of_binary_operators(name):
    f, g = getattr(np, name), getattr(numpy, name)
    # Comparing with NaN is no mistake; NumPy's logaddexp says so.
    values = SPECIAL[:-1] if name == "logaddexp" else SPECIAL
    # What infinite exponents raise depends on NumPy's instruction set.
    values = SPECIAL[numpy.abs(SPECIAL) < 1e300] if "power" in name else values
    for a, b in itertools.product(values, values):
        x, y = numpy.array([a]), numpy.array([b])
        assert conditions(f, np.array(x), np.array(y)) == conditions(g, x, y), f"{name} {a} {b}"


@pytest.mark.parametrize("name", ["floor_divide", "remainder", "fmod", "divmod"])
def test_integer_division_by_zero_is_heard(name):
    x, zero = numpy.array([1, 2]), numpy.array([0, 1])
    assert conditions(getattr(np, name), np.array(x), np.array(zero)) == ["divide by zero"]
    assert conditions(getattr(np, name), np.array(x), np.array([1, 2])) == []
