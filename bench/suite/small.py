"""Operations on 4 to 10 elements from Python: what is timed is the way there and back."""

import operator

import numpy as np
from cases import Case, Group


def operands(library):
    xp, array = library.xp, library.array
    return {
        "a": array(np.arange(1.0, 5.0)),
        "b": array(np.arange(2.0, 6.0)),
        "m": array(np.arange(6.0).reshape(2, 3) + 1),
        "v": array(np.arange(3.0)),
        "x": array(np.arange(10.0)),
        "c": array(np.zeros(4)),
        "f": array(np.arange(4, dtype=np.float32)),
        "i": array(np.arange(4)),
        "z": array(np.array(2.0)),
        "s": np.float64(2.0),
        "mask": array(np.array([True, False, True, False])),
        "f32": np.float32,
        "iadd": operator.iadd,
        "add": xp.add,
        "exp": xp.exp,
        "mean": xp.mean,
        "zeros": xp.zeros,
        "where": xp.where,
        "concatenate": xp.concatenate,
        "stack": xp.stack,
    }


def case(work, aim=0.7):
    return Case(work, work, operands, ("numpy",), aim, forced=False)


GROUPS = (
    Group(
        "small",
        "Small operations from Python",
        "Arrays of 3 to 10 doubles.",
        (
            case("a + b"),
            case("2 * a"),
            case("add(a, b)"),
            case("exp(a)"),
            case("x.sum()"),
            case("mean(x)"),
            case("a[1]", 1.0),
            case("a[1:3]"),
            case("m.T", 1.0),
            case("x.reshape(2, 5)"),
            case("m @ v"),
            case("zeros(4)"),
            case("where(mask, a, b)"),
            case("concatenate((a, b))"),
            case("m + v"),
            case("a[1] = 2.", 1.0),
            case("a.shape", 1.0),
            case("x.max()"),
            case("a.astype(f32)"),
            case("stack((a, b))"),
        ),
        mean=0.40,
    ),
    Group(
        "keywords",
        "Small operations, other spellings",
        "Keyword arguments, mixed dtypes, NumPy scalars, 0-d arrays, masks.",
        (
            case("m.sum(axis=1)"),
            case("mean(m, axis=0)"),
            case("m.sum(axis=0, keepdims=True)"),
            case("concatenate((m, m), axis=1)"),
            case("add(a, b, out=c)"),
            case("f + a"),
            case("a + s"),
            case("i + a"),
            case("z + z"),
            case("a[mask]"),
            case("m[1, 2]", 1.0),
            case("m[:, 1]", 1.0),
            case("a > 2"),
            case("-a"),
            case("a.copy()"),
            case("m.transpose(1, 0)"),
            case("m.ndim", 1.0),
            case("len(a)", 1.0),
            case("a.dtype", 1.0),
            case("float(z)"),
            case("iadd(c, b)"),
        ),
    ),
)
