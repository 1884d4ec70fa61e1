"""`minpy.compile`: recorded functions give what the functions give, whatever they do."""

import doctest
import json
import pathlib

import numpy
import pytest
from test_gradients import DIFFERENTIABLE, RandomState, Samples, floats_in, replaced, samples_of

import minpy
import minpy.numpy as np
from minpy import _minpy
from minpy._minpy import _operator
from minpy.core import grad, grad_and_loss


def array(*shape, seed=0):
    return np.array(numpy.random.default_rng(seed).standard_normal(shape))


def same(a, b):
    if isinstance(a, (tuple, list)):
        assert len(a) == len(b)
        for x, y in zip(a, b, strict=True):
            same(x, y)
        return
    a, b = numpy.asarray(a), numpy.asarray(b)
    assert a.dtype == b.dtype
    numpy.testing.assert_array_equal(a, b)


# ---- every operator


def every_operator():
    for schema in json.loads(_minpy.op_list()):
        if not schema["sample"] and "elementwise" not in schema["flags"]:
            continue
        for i, text in enumerate(samples_of(schema)):
            yield pytest.param(schema, text, id=f"{schema['name']}-{i}" if i else schema["name"])


def ours(x):
    if isinstance(x, numpy.ndarray):
        return np.array(x)
    return type(x)(map(ours, x)) if isinstance(x, (tuple, list)) else x


OPERATORS = list(every_operator())


@pytest.mark.parametrize("schema, text", OPERATORS)
def test_every_operator_runs_by_a_plan_with_the_bits_of_a_call(schema, text):
    op = _operator(schema["name"])
    compiled = minpy.compile(lambda *args, **kwargs: op(*args, **kwargs))
    with numpy.errstate(all="ignore"):
        for seed in (3, 3, 4, 5):
            args, kwargs = Samples(seed, schema.get("domain")).arguments(text)
            args, kwargs = ours(args), {k: ours(v) for k, v in kwargs.items()}
            with RandomState():
                expected = op(*args, **kwargs)
            with RandomState():
                found = compiled(*args, **kwargs)
            same(found, expected)


@pytest.mark.parametrize("schema, text", [p for p in OPERATORS if p.values[0] in DIFFERENTIABLE])
def test_every_derivative_runs_by_a_plan_with_the_bits_of_the_tape(schema, text):
    op = _operator(schema["name"])
    args, kwargs = Samples(3, schema.get("domain")).arguments(text)
    places = floats_in(args)
    if not places:
        return

    def loss(values, rest):
        result = op(*replaced(rest, places, values), **kwargs)
        parts = [r for r in (result if isinstance(result, (tuple, list)) else [result]) if r.dtype.kind in "fc"]
        return sum(np.sum(np.real(p * p)) for p in parts)

    step = grad_and_loss(loss)
    compiled = minpy.compile(step)
    with numpy.errstate(all="ignore"):
        for seed in (3, 3, 4):
            args, _ = Samples(seed, schema.get("domain")).arguments(text)
            values = [np.array(args[i] if k is None else args[i][k]) for i, k in places]
            rest = ours(args)
            with RandomState():
                expected = step(values, rest)
            with RandomState():
                found = compiled(values, rest)
            same(found, expected)


# ---- arguments and surroundings


def test_shapes_dtypes_and_numbers_have_plans_of_their_own():
    f = minpy.compile(lambda x, k: x * k + 1)
    for x in (array(3), array(4), np.ones(3, "f4"), array(2, 3), array(3, 2).T):
        for k in (2, 2.0, 3):
            for _ in range(2):
                same(f(x, k), x * k + 1)
    assert f.report["planned_calls"] == f.report["recorded_calls"] == 15


def test_arguments_that_share_memory():
    def f(a, b):
        a[...] = a + 1
        return b * 2

    compiled = minpy.compile(f)
    for function in (f, compiled, compiled):
        x = np.arange(4.0)
        same(function(x, x[::-1]), numpy.array([8.0, 6, 4, 2]))
        same(function(np.arange(4.0), np.arange(4.0)), numpy.arange(4.0) * 2)


def test_closures_are_read_at_each_call_in_place_or_rebound():
    w = array(3)
    holder = {"b": np.ones(3)}
    f = minpy.compile(lambda x: x * w + holder["b"])
    x = array(3, seed=1)
    same(f(x), x * w + 1)
    w *= 2
    holder["b"] = np.zeros(3)
    same(f(x), x * w)
    w = array(3, seed=2)
    same(f(x), x * w)
    assert f.report["recorded_calls"] == 1


def test_attributes_of_models_are_read_at_each_call():
    class Model:
        def __init__(self):
            self.params = {"w": array(3, 2)}
            self.scale = np.array(2.0)

        def forward(self, x):
            return np.dot(x, self.params["w"]) * self.scale

    model = Model()
    f = minpy.compile(model.forward)
    x = array(4, 3)
    for _ in range(2):
        same(f(x), model.forward(x))
    model.params["w"] = array(3, 2, seed=5)
    model.scale[...] = 7
    same(f(x), model.forward(x))
    assert f.report["recorded_calls"] == 1


def test_structures_of_arguments_and_results():
    f = minpy.compile(lambda p, *, k: {"sum": p["a"] + p["b"][0], "rest": (p["b"][1], k, None)})
    for seed in range(3):
        p = {"a": array(2, seed=seed), "b": [array(2, seed=9), array(3, seed=seed)]}
        found = f(p, k="text")
        same(found["sum"], p["a"] + p["b"][0])
        same(found["rest"][0], p["b"][1])
        assert found["rest"][1:] == ("text", None)


def test_numpy_arguments_are_taken_as_arrays():
    f = minpy.compile(lambda x: x + 1)
    for seed in range(3):
        x = numpy.random.default_rng(seed).standard_normal(4)
        same(f(x), x + 1)


# ---- what functions do


def test_values_that_are_looked_at_are_guards():
    def f(x):
        if np.sum(x) > 0:
            return x * 2, "up"
        return x - 1, "down"

    compiled = minpy.compile(f)
    for sign in (1, -1, 1, -1, 1):
        x = np.array([1.0, 2.0]) * sign
        found, expected = compiled(x), f(x)
        same(found[0], expected[0])
        assert found[1] == expected[1]
    assert compiled.report["recorded_calls"] == 2


def test_a_value_that_never_comes_again_is_given_up_with_a_reason():
    f = minpy.compile(lambda x: x * float(x.sum()))
    for i in range(12):
        x = np.array([1.0, i])
        same(f(x), x * float(x.sum()))
    assert "differs from call to call" in f.report["reason"]
    assert f.report["plain_calls"] > 0


def test_writes_to_arguments_and_views_are_made_at_each_call():
    def step(w, g):
        w -= 0.5 * g
        w[0] = 7
        w[1:3] *= 2
        return w.sum()

    compiled = minpy.compile(step)
    a, b = np.arange(5.0), np.arange(5.0)
    for _ in range(3):
        same(compiled(a, np.ones(5)), step(b, np.ones(5)))
        same(a, b)
    assert compiled.report["planned_calls"] == 2


def test_what_was_returned_is_the_callers():
    f = minpy.compile(lambda x: x + 1)
    first = f(np.zeros(4))
    first[...] = 9
    second = f(np.ones(4))
    same(first, numpy.full(4, 9.0))
    same(second, numpy.full(4, 2.0))
    constant = minpy.compile(lambda x: np.zeros(2))
    constant(first)[...] = 5
    same(constant(first), numpy.zeros(2))


def test_random_numbers_are_fresh_and_the_same_as_without_a_plan():
    def f(x):
        return x + minpy.random.uniform(0, 1, (3,)), minpy.random.normal(0, 1, (3,))

    compiled = minpy.compile(f)
    found = []
    with RandomState():
        expected = [f(np.zeros(3)) for _ in range(4)]
    with RandomState():
        found = [compiled(np.zeros(3)) for _ in range(4)]
    for a, b in zip(found, expected, strict=True):
        same(a, b)
    assert compiled.report["planned_calls"] == 3
    numpys = minpy.compile(lambda x: x + np.random.uniform(0, 1, (3,)))
    assert numpy.asarray(numpys(np.zeros(3)) != numpys(np.zeros(3))).all()
    assert "NumPy's streams" in numpys.report["reason"]


def test_fancy_indices_and_masks():
    def f(x, i, m):
        return x[i] * 2, np.where(m, x, 0), x[m]

    compiled = minpy.compile(f)
    for seed in range(4):
        rng = numpy.random.default_rng(seed)
        args = array(6, seed=seed), np.array(rng.integers(0, 6, 3)), np.array(rng.random(6) < 0.5)
        same(compiled(*args), f(*args))


def test_the_gradient_through_labels_as_indices_is_one_plan():
    def loss(z, y):
        log_p = z - np.log(np.sum(np.exp(z), axis=1, keepdims=True))
        return -np.mean(log_p[np.arange(len(y)), y]) + np.sum(np.take(z, y, axis=1)) + np.sum(np.sort(z, axis=1)[:, 0])

    step = grad_and_loss(loss)
    compiled = minpy.compile(step)
    for seed in range(4):
        z, y = array(5, 3, seed=seed), np.array(numpy.random.default_rng(seed).integers(-3, 3, 5))
        same(compiled(z, y), step(z, y))
    assert compiled.report["planned_calls"] == 3
    with pytest.raises(IndexError, match="index 7 is out of bounds for axis 1 with size 3"):
        compiled(z, np.array([0, 1, 2, 7, 0]))


def test_printing_and_numpy_run_as_they_are_with_a_reason(capsys):
    def f(x):
        print(x)
        return x + 1

    compiled = minpy.compile(f)
    for _ in range(2):
        same(compiled(np.zeros(2)), numpy.ones(2))
    assert capsys.readouterr().out == "[0. 0.]\n" * 2
    assert "looked at" in compiled.report["reason"]
    through = minpy.compile(lambda x: np.array(numpy.kaiser(3, 1.0)) + numpy.asarray(x))
    for seed in range(2):
        same(through(array(3, seed=seed)), numpy.kaiser(3, 1.0) + numpy.asarray(array(3, seed=seed)))


def test_errors_are_those_of_the_operators():
    f = minpy.compile(lambda a: np.linalg.inv(a))
    f(np.array([[2.0, 1], [1, 3]]))
    with pytest.raises(numpy.linalg.LinAlgError):
        f(np.ones((2, 2)))
    same(f(np.array([[2.0, 1], [1, 3]])), numpy.asarray(np.linalg.inv(np.array([[2.0, 1], [1, 3]]))))

    def broken(x):
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        minpy.compile(broken)(np.ones(2))


# ---- gradients


def loss(params, x, y):
    h = np.tanh(np.dot(x, params["w"]) + params["b"])
    z = np.dot(h, params["v"])
    return -np.mean(np.sum(y * (z - np.log(np.sum(np.exp(z), axis=1, keepdims=True))), axis=1))


def test_a_training_step_is_one_plan_with_its_backward_pass():
    def parameters():
        return {"w": array(4, 5), "b": array(5), "v": array(5, 3)}

    step = grad_and_loss(loss)
    compiled = minpy.compile(step)
    p, q = parameters(), parameters()
    for seed in range(4):
        x, y = array(6, 4, seed=seed), np.array(numpy.eye(3)[numpy.arange(6) % 3])
        found, expected = compiled(p, x, y), step(q, x, y)
        same(found[1], expected[1])
        for name in p:
            same(found[0][name], expected[0][name])
            p[name] -= 0.1 * found[0][name]
            q[name] -= 0.1 * expected[0][name]
    assert compiled.report["planned_calls"] == 3


def test_a_gradient_from_outside_runs_the_function_as_it_is():
    f = minpy.compile(lambda x: np.sum(np.exp(x)))
    x = array(3)
    f(x)
    same(grad(f)(x), np.exp(x))
    assert "compile the gradient" in f.report["reason"]
    same(minpy.compile(grad(f))(x), np.exp(x))


def test_a_gradient_through_a_closure_is_not_lost():
    w = array(3)
    f = minpy.compile(lambda x: np.sum(x * w))
    x = array(3, seed=1)
    f(x)
    same(grad(lambda w: f(x))(w), x)


def test_second_derivatives():
    f = minpy.compile(grad(lambda x: np.sum(grad(lambda y: np.sum(y**4))(x))))
    for seed in range(3):
        x = array(3, seed=seed)
        numpy.testing.assert_allclose(numpy.asarray(f(x)), 12 * numpy.asarray(x) ** 2, rtol=1e-12)


def test_a_second_call_allocates_nothing():
    step = minpy.compile(grad_and_loss(lambda w, x: np.sum(np.tanh(np.dot(x, w)) ** 2)))
    w, x = array(200, 100), array(300, 200)
    for _ in range(3):
        step(w, x)
    before = minpy.memory_stats()["n_allocs"]
    for _ in range(5):
        step(w, x)
    assert minpy.memory_stats()["n_allocs"] == before


def test_many_results_are_one_call():
    counter, seen = np.zeros(1), []

    def f(x):
        nonlocal counter
        counter += 1
        seen.append(x)
        return [x + i for i in range(100)]

    compiled = minpy.compile(f)
    for i in range(1, 4):
        same(compiled(np.ones(2)), [numpy.ones(2) + k for k in range(100)])
        assert counter.tolist() == [i]
    assert len(seen) == 1


# ---- documents


def test_the_page_says_what_happens():
    page = pathlib.Path(__file__).parents[2] / "docs" / "compile.md"
    assert doctest.testfile(str(page), module_relative=False).failed == 0


def test_the_docstring_says_what_happens():
    runner = doctest.DocTestRunner()
    for test in doctest.DocTestFinder().find(minpy.compile, "compile"):
        assert runner.run(test).failed == 0
