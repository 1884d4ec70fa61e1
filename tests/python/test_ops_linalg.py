"""Products, decompositions and solvers against NumPy."""

import numpy
import pytest
from support import DTYPES, random

import minpy.numpy as np

FLOATS = ["f4", "f8", "c8", "c16"]
NUMBERS = ["?", "i4", "f2", *FLOATS]
MATRICES = [(3, 3), (0, 0), (2, 3, 3), (1, 1), (2, 0, 3, 3), (12, 12)]
SHAPES = [(3, 2), (2, 3), (3, 3), (0, 3), (3, 0), (2, 4, 3)]
PAIRS = [
    ((3,), (3,)),
    ((2, 3), (3,)),
    ((3,), (3, 4)),
    ((2, 3), (3, 4)),
    ((5, 2, 3), (3, 4)),
    ((2, 1, 2, 3), (5, 3, 2)),
    ((0, 3), (3, 2)),
    ((2, 0), (0, 3)),
    ((40, 50), (50, 30)),
    ((2, 3), (2, 3)),
    ((), (2,)),
]


def agree(function, sentence=True, scale=200):
    """Equal results, or the same error."""
    with numpy.errstate(all="ignore"):
        try:
            theirs = function(numpy)
        except Exception as e:
            with pytest.raises(type(e)) as ours:
                function(np)
            assert not sentence or str(ours.value) == str(e)
            return
        ours = function(np)
    for o, t in zip(ours, theirs, strict=True) if isinstance(theirs, tuple) else [(ours, theirs)]:
        t = numpy.asarray(t)
        o = numpy.asarray(o)
        assert o.dtype == t.dtype and o.shape == t.shape
        eps = numpy.finfo(t.dtype).eps if t.dtype.kind in "fc" else 0
        size = max(1, abs(t[numpy.isfinite(t)]).max(initial=0)) if t.dtype.kind in "fc" else 0
        numpy.testing.assert_allclose(o, t, rtol=scale * eps, atol=scale * eps * size)


def well(rng, shape, dtype):
    """Matrices far from singular ones."""
    x = random(rng, shape, dtype)
    if x.dtype.kind not in "fc":
        return numpy.broadcast_to(numpy.eye(shape[-1]), shape).astype(dtype)
    return (x + 3 * shape[-1] * numpy.eye(shape[-1])).astype(dtype)


def hermitian(rng, shape, dtype):
    x = well(rng, shape, dtype)
    return x if x.dtype.kind not in "fc" else (x + numpy.swapaxes(x.conj(), -1, -2)).astype(dtype)


@pytest.mark.parametrize("dtype", DTYPES)
def test_products(rng, dtype):
    for left, right in PAIRS:
        a, b = random(rng, left, dtype), random(rng, right, dtype)
        a, b = numpy.asarray(a), numpy.asarray(b)
        for name in ("matmul", "dot", "inner", "vdot", "outer", "kron", "vecdot", "matvec"):
            if name in ("outer", "kron") and a.size * b.size > 10_000:
                continue
            agree(lambda m: getattr(m, name)(m.asarray(a), m.asarray(b)), sentence=False)  # noqa: B023
        if a.ndim > 1:
            agree(lambda m: m.matmul(m.asarray(numpy.asfortranarray(a)), m.asarray(b)), sentence=False)  # noqa: B023
        if a.ndim and b.ndim:
            agree(lambda m: m.matmul(m.asarray(a[..., ::-1]), m.asarray(b[::-1])), sentence=False)  # noqa: B023


@pytest.mark.parametrize("dtype", DTYPES)
def test_tensordot(rng, dtype):
    a, b = random(rng, (2, 3, 4), dtype), random(rng, (4, 3, 2), dtype)
    for axes in (0, 1, ([1], [1]), ([0, 2], [2, 0]), (1, 1), 2, -1):
        agree(lambda m: m.tensordot(m.asarray(a), m.asarray(b), axes=axes), sentence=False)  # noqa: B023


@pytest.mark.parametrize("dtype", DTYPES)
def test_einsum(rng, dtype):
    x, y, z, q = (random(rng, s, dtype) for s in ((3, 3), (3, 4), (4,), (2, 3, 4)))
    for subscripts, operands in [
        ("ij,jk", (x, y)),
        ("ii", (x,)),
        ("ii->i", (x,)),
        ("ij->ji", (y,)),
        ("ij->", (y,)),
        ("ij,ij->ij", (y, y)),
        ("i,j->ij", (z, z)),
        ("...j,j", (q, z)),
        ("...ij,...ij->...", (q, y)),
        ("ij,jk,kl", (x, x, y)),
        ("ij...->...", (q,)),
        ("ij,jk->ijk", (x, y)),
        ("ijj", (y,)),
        ("ijk", (y,)),
        ("ij->ii", (y,)),
        ("ij->k", (y,)),
        ("i", (z, z)),
    ]:
        agree(lambda m: m.einsum(subscripts, *map(m.asarray, operands)))  # noqa: B023


@pytest.mark.parametrize("dtype", NUMBERS)
@pytest.mark.parametrize("shape", MATRICES)
def test_square_matrices(rng, dtype, shape):
    a, s = well(rng, shape, dtype), hermitian(rng, shape, dtype)
    for name in ("inv", "det", "slogdet"):
        agree(lambda m: getattr(m.linalg, name)(m.asarray(a)))  # noqa: B023
    for triangle in "LU":
        agree(lambda m: m.linalg.eigvalsh(m.asarray(s), UPLO=triangle))  # noqa: B023
    agree(lambda m: m.linalg.matrix_power(m.asarray(a), 3))
    agree(lambda m: m.linalg.matrix_power(m.asarray(a), 0))
    for upper in (False, True):
        agree(lambda m: m.linalg.cholesky(m.asarray(s), upper=upper))  # noqa: B023
    for right in [(shape[-1],), (shape[-1], 2), (shape[-1] + 1,), ()]:
        b = random(rng, right, dtype)
        agree(lambda m: m.linalg.solve(m.asarray(a), m.asarray(b)), sentence=False)  # noqa: B023


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("shape", MATRICES)
def test_decompositions_give_the_matrix_back(rng, dtype, shape):
    """Vectors are free in sign and phase: what they make is compared, not they."""
    a, s = random(rng, shape, dtype), hermitian(rng, shape, dtype)
    tolerance = 500 * numpy.finfo(dtype).eps

    def same(x, y):
        x, y = numpy.asarray(x), numpy.asarray(y)
        assert x.shape == y.shape
        numpy.testing.assert_allclose(x, y, rtol=tolerance, atol=tolerance * max(1, abs(y).max(initial=0)))

    w, v = np.linalg.eigh(np.asarray(s))
    same(np.matmul(v * w[..., None, :], np.conj(np.swapaxes(v, -1, -2))), s)
    u, d, vt = np.linalg.svd(np.asarray(a))
    same(np.matmul(u * d[..., None, :], vt), a)
    agree(lambda m: m.linalg.svdvals(m.asarray(a)))
    q, r = np.linalg.qr(np.asarray(a))
    same(np.matmul(q, r), a)
    w, v = np.linalg.eig(np.asarray(a))
    same(np.matmul(np.asarray(a), v), v * w[..., None, :])


@pytest.mark.parametrize("dtype", NUMBERS)
@pytest.mark.parametrize("shape", SHAPES)
def test_matrices_of_any_shape(rng, dtype, shape):
    a = random(rng, shape, dtype)
    agree(lambda m: m.linalg.svd(m.asarray(a), compute_uv=False))
    agree(lambda m: m.linalg.pinv(m.asarray(a)), scale=2000)
    if len(shape) == 2:
        for right in [(shape[0],), (shape[0], 2), (7,)]:
            b = random(rng, right, dtype)
            agree(lambda m: tuple(m.linalg.lstsq(m.asarray(a), m.asarray(b))), scale=2000)  # noqa: B023


@pytest.mark.parametrize("dtype", ["f4", "c8"])
def test_single_precision_is_worked_in_double(rng, dtype):
    a, b = random(rng, (5, 5), dtype), random(rng, (5, 2), dtype)
    h = hermitian(rng, (5, 5), dtype)
    for call in (
        lambda m: m.linalg.solve(m.asarray(a), m.asarray(b)),
        lambda m: m.linalg.inv(m.asarray(a)),
        lambda m: m.linalg.det(m.asarray(a)),
        lambda m: m.linalg.slogdet(m.asarray(a)),
        lambda m: m.linalg.cholesky(m.asarray(h)),
        lambda m: m.linalg.eigvalsh(m.asarray(h)),
        lambda m: m.linalg.svdvals(m.asarray(a)),
        lambda m: m.linalg.lstsq(m.asarray(a[:, :3]), m.asarray(b)),
    ):
        agree(lambda m: tuple(r) if isinstance(r := call(m), tuple) else r, scale=1)  # noqa: B023
    # Of rank one: what is left of the other singular values is far below the limit only in double.
    whole = numpy.arange(1, 6)
    agree(lambda m: m.linalg.pinv(m.asarray(numpy.outer(whole, whole).astype(dtype))), scale=4)


def test_one_tolerance_of_a_pseudo_inverse():
    agree(lambda m: m.linalg.pinv(m.asarray(numpy.ones((2, 2))), rcond=1e-3, rtol=1e-3))


@pytest.mark.parametrize("dtype", NUMBERS)
@pytest.mark.parametrize("order", [None, 1, -1, 2, -2, "fro", "nuc", numpy.inf, -numpy.inf, 3, 0, "abc"])
def test_norms(rng, dtype, order):
    for shape in SHAPES:
        a = random(rng, shape, dtype)
        for options in ({}, {"axis": -1}, {"axis": (-1, 0)}, {"keepdims": True}):
            agree(lambda m: m.linalg.norm(m.asarray(a), ord=order, **options))  # noqa: B023


@pytest.mark.parametrize("name", ["inv", "cholesky", "det", "eigh", "svd", "eig", "pinv", "qr", "slogdet", "eigvalsh"])
def test_what_is_no_matrix(name):
    for shape in [(3,), (), (3, 2)]:
        if shape == (3, 2) and name in ("svd", "pinv", "qr"):
            continue
        agree(lambda m: getattr(m.linalg, name)(m.asarray(numpy.ones(shape))))  # noqa: B023


@pytest.mark.parametrize("name", ["inv", "cholesky", "det", "slogdet", "svdvals"])
def test_singular_matrices(name):
    agree(lambda m: getattr(m.linalg, name)(m.asarray(numpy.zeros((2, 2)))))
    agree(lambda m: m.linalg.solve(m.asarray(numpy.ones((2, 2))), m.asarray(numpy.ones(2))))


@pytest.mark.parametrize("optimize", [False, True, "greedy", "optimal"])
def test_einsum_of_many_operands_in_any_order(optimize):
    rng = numpy.random.default_rng(5)
    # In the order they are given in, the first would make an array of 10**10 elements.
    vectors = [rng.standard_normal(1000) for _ in range(4)]
    found = np.einsum("a,b,c,c->ab", vectors[0], vectors[1][:7], *vectors[2:], optimize=optimize)
    numpy.testing.assert_allclose(
        numpy.asarray(found), numpy.outer(vectors[0], vectors[1][:7]) * (vectors[2] @ vectors[3]), rtol=1e-12
    )
    chain = [rng.standard_normal((3, 3)) for _ in range(12)]
    text = ",".join(f"{a}{b}" for a, b in zip("abcdefghijkl", "bcdefghijklm", strict=True)) + "->am"
    expected = numpy.linalg.multi_dot(chain)
    numpy.testing.assert_allclose(numpy.asarray(np.einsum(text, *chain, optimize=optimize)), expected, rtol=1e-11)
