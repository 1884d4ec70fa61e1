"""Largest errors of the transcendental functions at each instruction level, in ULPs, against mpmath: `make ulp`.

`CASE=pattern` measures some functions and prints, a run of all writes docs/benchmarks/ulp.md. The exact values, which
take most of the time, are kept in build/ulp.
"""

import os
import re
import subprocess
import sys
import tempfile
import zlib
from pathlib import Path

import machine
import mpmath
import numpy as np
from native import build, root

BITS = 140  # of the exact values
POINTS = 10000  # of each kind: spread evenly, spread in magnitude, close to a hard place
DTYPES = ("float32", "float64")
MOST = 4.0


def sigmoid(x):
    return 1 / (1 + mpmath.exp(-x))


def softplus(x):
    return mpmath.log1p(mpmath.exp(x))


def logaddexp(x, y):
    hi, lo = max(x, y), min(x, y)
    return hi + mpmath.log1p(mpmath.exp(lo - hi))


def logaddexp2(x, y):
    hi, lo = max(x, y), min(x, y)
    return hi + mpmath.log1p(mpmath.power(2, lo - hi)) / mpmath.log(2)


def cube_root(x):
    return mpmath.sign(x) * mpmath.cbrt(abs(x))


QUARTERS = tuple(k * np.pi / 4 for k in (*range(-8, 9), 1000, 12345678))

# What is exact, where the function is defined, where it is hard.
UNARY = {
    "exp": (mpmath.exp, -746, 710, (0, 1, -87.3, 88.7, -708.4, 709.7)),
    "exp2": (lambda x: mpmath.power(2, x), -1075, 1024, (0, 1, -126, -1022)),
    "expm1": (mpmath.expm1, -746, 710, (0, 0.5, -0.5, -37)),
    "log": (mpmath.log, 0, np.inf, (1, 2, 0.5)),
    "log2": (lambda x: mpmath.log(x) / mpmath.log(2), 0, np.inf, (1, 2, 0.5)),
    "log10": (mpmath.log10, 0, np.inf, (1, 10)),
    "log1p": (mpmath.log1p, -1, np.inf, (0, 1, -0.5)),
    "sin": (mpmath.sin, -np.inf, np.inf, QUARTERS),
    "cos": (mpmath.cos, -np.inf, np.inf, QUARTERS),
    "tan": (mpmath.tan, -np.inf, np.inf, QUARTERS),
    "arcsin": (mpmath.asin, -1, 1, (-1, -0.5, 0, 0.5, 1)),
    "arccos": (mpmath.acos, -1, 1, (-1, -0.5, 0, 0.5, 1)),
    "arctan": (mpmath.atan, -np.inf, np.inf, (-1, 0, 1)),
    "sinh": (mpmath.sinh, -711, 711, (0, 1)),
    "cosh": (mpmath.cosh, -711, 711, (0, 1)),
    "tanh": (mpmath.tanh, -np.inf, np.inf, (0, 0.5, 0.625, 1, 9, 20)),
    "arcsinh": (mpmath.asinh, -np.inf, np.inf, (0, 1)),
    "arccosh": (mpmath.acosh, 1, np.inf, (1, 2)),
    "arctanh": (mpmath.atanh, -1, 1, (0, 0.5, -1, 1)),
    "cbrt": (cube_root, -np.inf, np.inf, (1, 8)),
    "erf": (mpmath.erf, -np.inf, np.inf, (0, 0.84, 1, 2, 4)),
    "erfc": (mpmath.erfc, -np.inf, 27, (0, 0.84, 1, 2, 9)),
    "sigmoid": (sigmoid, -746, np.inf, (0, -1, 1)),
    "softplus": (softplus, -746, np.inf, (0, -1, 1)),
}
BINARY = {
    "power": (mpmath.power, 0, np.inf, (1, 2)),
    "arctan2": (mpmath.atan2, -np.inf, np.inf, (0, 1)),
    "hypot": (lambda x, y: mpmath.sqrt(x * x + y * y), -np.inf, np.inf, (1,)),
    "logaddexp": (logaddexp, -1000, 1000, (0, 1)),
    "logaddexp2": (logaddexp2, -1000, 1000, (0, 1)),
}
# Where the sum of its parts cancels, an error counts in places of the larger argument.
CANCELS = ("logaddexp", "logaddexp2")
NUMPY_LACKS = ("erf", "erfc", "sigmoid", "softplus")


def spread(random, low, high, hard, dtype):
    """Arguments between the bounds: evenly, in magnitude, around the hard places; in random order."""
    info = np.finfo(dtype)
    near = 30.0
    even = random.uniform(max(low, -near), min(high, near), POINTS)
    wide = random.uniform(max(low, -1000), min(high, 1000), POINTS)
    magnitude = np.exp2(random.uniform(info.minexp, info.maxexp, POINTS))
    signed = np.where(random.random(POINTS) < 0.5, -magnitude, magnitude)
    close = np.exp2(random.uniform(-info.nmant - 2, 0, (len(hard), POINTS // 4))) * random.choice([-1, 1], POINTS // 4)
    around = np.concatenate([place * (1 + c) if place else c for place, c in zip(hard, close, strict=True)])
    x = np.concatenate([even, wide, signed, around]).astype(dtype)
    return random.permutation(x[(x >= low) & (x <= high) & np.isfinite(x)])


def arguments(name, dtype):
    random = np.random.default_rng(zlib.crc32(f"{name} {dtype}".encode()))
    if name in UNARY:
        return (spread(random, *UNARY[name][1:], dtype),)
    x, y = (spread(random, *BINARY[name][1:], dtype) for _ in range(2))
    if name == "power":
        # Where the result is neither 0 nor infinite: an exponent up to the range over log2 of the base.
        most = np.finfo(dtype).maxexp / np.maximum(abs(np.log2(x)), 1e-3)
        y = (random.uniform(-1, 1, x.size) * most).astype(dtype)
    n = min(x.size, y.size)
    return x[:n], y[:n]


def exact(name, args):
    """The exact values as the nearest doubles and what those miss; NaN where there is none in range."""
    function = (UNARY | BINARY)[name][0]
    high, low = np.empty(args[0].size), np.empty(args[0].size)
    with mpmath.workprec(BITS):
        for i, values in enumerate(zip(*(a.tolist() for a in args), strict=True)):
            try:
                value = function(*map(mpmath.mpf, values))
                high[i] = float(value)
                low[i] = float(value - mpmath.mpf(high[i])) if np.isfinite(high[i]) else 0
            except (ValueError, ZeroDivisionError, OverflowError):
                high[i] = low[i] = np.nan
    return high, low


def references(name, dtype):
    """Arguments and exact values, from the last run if nothing about them has changed."""
    args = arguments(name, dtype)
    folder = build.parent / "ulp"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}-{dtype}-{zlib.crc32(b''.join(a.tobytes() for a in args)):08x}.npz"
    if not path.exists():
        np.savez(path, *exact(name, args))
    with np.load(path) as kept:
        return args, (kept["arr_0"], kept["arr_1"])


def largest(found, high, low, dtype, scale=None):
    """The largest error in units of the last place of the exact value, or of `scale`, and where."""
    info = np.finfo(dtype)
    exponent = np.frexp(high if scale is None else scale)[1] - 1
    place = np.exp2(np.maximum(exponent, info.minexp).astype(float) - info.nmant)
    # What rounds to infinity is as good as infinite.
    valid = np.isfinite(high) & (abs(high) <= float(info.max))
    with np.errstate(invalid="ignore"):
        error = abs((found.astype(np.float64) - high) - low) / place
    error = np.where(valid, np.where(np.isfinite(found), error, np.inf), 0)
    at = int(error.argmax())
    return error[at], at


def measure(points, results):
    """In a process of one level: our values of all points. Files, because a level is chosen when the library loads."""
    import minpy.numpy as xp
    from minpy._minpy import _operator

    with np.load(points) as given, np.errstate(all="ignore"):
        keys = sorted({key.rsplit("/", 1)[0] for key in given})
        values = {}
        for key in keys:
            function = _operator(key.split("/")[0])
            args = [xp.array(given[f"{key}/{k}"]) for k in range(2) if f"{key}/{k}" in given]
            values[key] = np.array(function(*args))
    np.savez(results, **values)


def levels():
    """The levels that this processor runs, lowest first."""
    best = machine.processor().rsplit("-", 1)[-1]
    return [level for level in ("v2", "v3", "v4") if level <= best]


def values_at(level, points, folder):
    results = folder / f"{level}.npz"
    command = [sys.executable, __file__, "--measure", points, results]
    subprocess.run(command, check=True, env=os.environ | {"MINPY_LEVEL": level})
    with np.load(results) as kept:
        return dict(kept)


def numpy_values(name, args):
    if name in NUMPY_LACKS:
        return None
    with np.errstate(all="ignore"):
        return getattr(np, name)(*args)


def table(rows, columns):
    head = ["function", *(f"{dtype} {column}" for dtype in DTYPES for column in columns), "worst at"]
    lines = [head, ["---", *("---:" for _ in head[1:-1]), "---"], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def main():
    pattern = os.environ.get("CASE", "")
    names = [name for name in UNARY | BINARY if re.search(pattern, name)]
    known = {(name, dtype): references(name, dtype) for name in names for dtype in DTYPES}
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        points = folder / "points.npz"
        np.savez(points, **{f"{n}/{d}/{k}": a for (n, d), (args, _) in known.items() for k, a in enumerate(args)})
        found = {level: values_at(level, points, folder) for level in levels()}
    rows, above = [], []
    for name in names:
        cells, worst, where = [], 0.0, ""
        for dtype in DTYPES:
            args, reference = known[name, dtype]
            scale = np.maximum.reduce([abs(a) for a in (*args, reference[0])]) if name in CANCELS else None
            for level in found:
                error, at = largest(found[level][f"{name}/{dtype}"], *reference, dtype, scale)
                cells.append(f"{error:.2f}")
                if error > worst:
                    worst, where = error, f"{dtype} {level} {', '.join(repr(a[at].item()) for a in args)}"
            theirs = numpy_values(name, args)
            cells.append("–" if theirs is None else f"{largest(theirs, *reference, dtype, scale)[0]:.2f}")
        rows.append([f"`{name}`", *cells, where])
        above += [name] if worst > MOST else []
    text = table(rows, [*found, "NumPy"])
    print(text)
    if not pattern:
        path = root / "docs" / "benchmarks" / "ulp.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(
            "# Accuracy of the transcendental functions\n\n"
            "Written by `make ulp`; do not edit. Largest errors in units of the last place, against mpmath with "
            f"{BITS} bits, at each\ninstruction level; NumPy's beside them. At least {3 * POINTS} arguments for each: "
            "evenly spread, spread in magnitude, and\nclose to the places where a function is hard. "
            f"{' and '.join(f'`{name}`' for name in CANCELS)} count in places of the larger argument.\n\n"
            f"{machine.processor()}; {machine.system()}, NumPy {np.__version__}.\n\n{text}\n"
        )
    print(f"above {MOST:g} ULPs: {', '.join(above) or 'none'}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--measure"]:
        measure(*sys.argv[2:])
    else:
        main()
