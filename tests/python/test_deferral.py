"""Large element-wise calls run when they are looked at; nobody can tell but by the clock."""

import subprocess
import sys
import warnings

import numpy
import pytest

import minpy
import minpy.numpy as np

N = 100_000


@pytest.fixture(autouse=True)
def quiet():
    with numpy.errstate(all="ignore"):
        yield


def groups():
    return minpy.explain().splitlines()


def test_a_chain_is_one_group():
    x = np.linspace(0.0, 1.0, N)
    y = np.sqrt(np.abs(x * x + 0.5)) - np.maximum(x, 0.25) * 0.25 + np.tanh(x)
    assert len(y) == N
    n = numpy.linspace(0.0, 1.0, N)
    assert numpy.allclose(y, numpy.sqrt(numpy.abs(n * n + 0.5)) - numpy.maximum(n, 0.25) * 0.25 + numpy.tanh(n))
    assert groups()[-1].startswith("multiply add absolute sqrt maximum multiply subtract tanh add -> float64")


def test_a_fold_of_a_temporary_needs_no_memory():
    x = np.linspace(0.0, 1.0, 4 * N).reshape(400, -1)
    float(x[0, 0])
    before = minpy.memory_stats()["n_allocs"]
    got = ((x * x + 1).sum(), (x - 0.5).mean(), (x > 0.5).sum(), abs(x).max(), (x * 2).sum(axis=0)[3])
    assert minpy.memory_stats()["n_allocs"] == before
    n = numpy.asarray(x)
    want = ((n * n + 1).sum(), (n - 0.5).mean(), (n > 0.5).sum(), abs(n).max(), (n * 2).sum(axis=0)[3])
    assert numpy.allclose(got, want)
    assert groups()[-1] == "multiply -> float64(400,1000), read by sum"


def test_what_a_fold_reads_and_a_name_holds_is_computed_once():
    x = np.linspace(0.0, 1.0, 4 * N)
    e = np.exp(x)
    s = e.sum()
    assert groups()[-1].endswith("read by sum")
    assert e[0] == 1 and groups()[-1].endswith("read by sum")
    assert numpy.isclose(s, numpy.exp(numpy.asarray(x)).sum())


def test_a_write_does_not_reach_what_was_computed_before():
    x = np.ones(N)
    y = x + 1
    x[:] = 5
    x += 1
    assert y[0] == 2 and y[-1] == 2 and x[-1] == 6


def test_views_of_pending_results():
    x = np.arange(N).reshape(100, -1)
    y = (x * 2).T
    z = y[3:5] + 1
    assert z.shape == (2, 100) and z[1, 2] == x[2, 4] * 2 + 1


def test_numpy_sees_the_values():
    y = np.ones(N) * 3
    assert numpy.asarray(y).sum() == 3 * N
    z = y + 1  # from exposed memory: at once
    numpy.asarray(y)[:] = 0
    assert z[0] == 4


def test_writes_are_the_last_operator_of_a_group():
    w, g, v = (np.linspace(0.0, k, N) for k in (1, 2, 3))
    n = [numpy.linspace(0.0, k, N) for k in (1, 2, 3)]
    float(w[0] + g[0] + v[0])
    before = minpy.memory_stats()["n_allocs"]
    w -= 0.1 * g
    assert groups()[-1] == "multiply subtract -> float64(100000,)"
    np.multiply(w * g, g + 1, out=v)
    assert groups()[-1] == "multiply add multiply -> float64(100000,)"
    assert minpy.memory_stats()["n_allocs"] == before
    n[0] -= 0.1 * n[1]
    numpy.multiply(n[0] * n[1], n[1] + 1, out=n[2])
    w += 0.5 * w  # reads what it writes
    n[0] += 0.5 * n[0]
    v[:] = v * 2 - w
    n[2][:] = n[2] * 2 - n[0]
    assert groups()[-1].endswith("astype -> float64(100000,), 2 results")  # the value is an array as well
    w[1:] += 2 * w[:-1]
    n[0][1:] += 2 * n[0][:-1]
    assert (w == n[0]).all() and (v == n[2]).all()


def test_a_window_that_is_written_in_place_is_not_copied_onto_itself():
    x = np.linspace(0.0, 1.0, N)
    n = numpy.linspace(0.0, 1.0, N)
    x[:] += x * 2
    x[::2] *= 2
    x[5] -= 1
    n[:] += n * 2
    n[::2] *= 2
    n[5] -= 1
    assert (x == n).all()


def test_a_write_to_a_pending_result_waits_with_it():
    x = np.linspace(0.0, 1.0, N)
    y = x * 2
    z = y + 1
    y += x
    y *= y
    assert y[-1] == 9 and groups()[-1].startswith("multiply add multiply")
    assert z[-1] == 3


def test_a_dying_operand_lends_its_memory():
    x = np.linspace(0.0, 1.0, 10 * N)
    float(x[0])
    minpy.trim_memory()
    y = np.exp(x) + x
    del x
    before = minpy.memory_stats()["n_allocs"]
    assert numpy.isclose(y[-1], numpy.e + 1)
    assert minpy.memory_stats()["n_allocs"] == before


def test_warnings_name_operator_and_call_site():
    program = """
import minpy.numpy as np, warnings
x = np.zeros(100_000)
y = np.log(x)
print("called")
y[0]
"""
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert "<string>:4: RuntimeWarning: divide by zero encountered in log" in run.stderr
    assert run.stdout == "called\n"


def test_errstate_is_that_of_the_call():
    x = np.zeros(N)
    y = np.log(x)
    with numpy.errstate(all="raise"):
        assert y[0] == -numpy.inf  # ignored when it was called
        with pytest.raises(FloatingPointError, match="divide by zero encountered in log"):
            np.log(x)


def test_watched_warnings_come_at_once():
    x = np.zeros(N)
    with numpy.errstate(all="warn"), pytest.warns(RuntimeWarning, match="divide by zero encountered in log"):
        np.log(x)
    with numpy.errstate(all="warn"), warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(RuntimeWarning):
            np.log(x)


def test_gradients_are_groups_too():
    x = np.linspace(0.1, 1.0, N)
    g = minpy.core.grad(lambda x: np.sum(np.tanh(x) * np.exp(x)))(x)
    n = numpy.linspace(0.1, 1.0, N)
    assert numpy.allclose(g, (1 - numpy.tanh(n) ** 2) * numpy.exp(n) + numpy.tanh(n) * numpy.exp(n))
