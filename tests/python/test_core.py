"""grad and its relatives: what MinPy promised and what broke there."""

import threading

import numpy
import pytest

import minpy.numpy as np
from minpy.core import (
    NoGradientFuncError,
    Tape,
    convert_args,
    grad,
    grad_and_loss,
    hessian,
    jacobian,
    jvp,
    minpy_to_numpy,
    numpy_to_minpy,
    return_numpy,
    stop_gradient,
    value_and_grad,
    vjp,
)
from minpy.primitive import customop


def foo(x):
    if x >= 0:
        return x
    return x * x * -1.0


def test_the_missions_example():
    assert repr(grad(foo)(3)) == "1.0"
    assert repr(grad(foo)(-1)) == "2.0"


def test_higher_orders_nest():
    assert grad(grad(lambda x: x**3))(2.0) == 12.0
    assert grad(grad(grad(lambda x: x**4)))(2.0) == 48.0
    assert grad(lambda x: x * grad(lambda y: x * y * y)(3.0))(2.0) == 24.0


def test_marks_are_on_the_arrays_passed_in():
    w = np.array([1.0, 2.0])
    gradients, loss = grad_and_loss(lambda *params: np.sum(w * w), argnum=range(1))(w)
    assert gradients[0].tolist() == [2.0, 4.0]
    assert loss.asnumpy() == 5.0


def test_the_same_array_twice_is_two_arguments():
    a = np.array([1.0])
    g = grad(lambda x, y: np.sum(x * y * y), [0, 1])(a, a)
    assert [x.tolist() for x in g] == [[1.0], [2.0]]


def test_one_argnum_is_bare_and_a_list_gives_a_list():
    x = np.ones(2)
    assert isinstance(grad(lambda a: np.sum(a))(x), np.ndarray)
    assert isinstance(grad(lambda a: np.sum(a), [0])(x), list)


def test_tuples_are_summed_and_arrays_too():
    assert grad(lambda x: (x * 2, x * 3))(1.0) == 5.0
    assert grad(lambda x: x * x)(np.array([1.0, 2.0])).tolist() == [2.0, 4.0]


def test_unreached_inputs_get_zero_arrays():
    g = grad(lambda x, y: np.sum(x), [0, 1])(np.ones(2), np.ones((3, 1)))
    assert g[1].tolist() == [[0.0]] * 3
    assert grad(lambda x: 3.0)(np.ones(2)).tolist() == [0.0, 0.0]


def test_keyword_arguments_and_containers():
    assert grad(lambda x, b=1: np.sum(x * b))(np.ones(2), b=3).tolist() == [3.0, 3.0]
    g = grad(lambda p: np.sum(p["w"] * p["b"][0]))({"w": np.ones(2), "b": [np.ones(2) * 2, 1.0]})
    assert g["w"].tolist() == [2.0, 2.0] and g["b"][1] == 0.0


def test_integers_and_numpy_arrays_as_arguments():
    assert grad(lambda x: x * x)(3) == 6.0
    g = grad(lambda x: np.sum(x * x))(numpy.array([1.0, 2.0]))
    assert type(g) is np.ndarray and g.tolist() == [2.0, 4.0]


def test_an_exception_ends_the_recording():
    def fails(x):
        raise KeyError("inside")

    with pytest.raises(KeyError, match="inside"):
        grad(fails)(1.0)
    x = np.ones(2)
    assert isinstance((x * 2).sum(), numpy.float64)
    assert grad(lambda x: x * 2)(1.0) == 2.0


def test_in_place_writes_and_views_are_differentiated():
    def f(x):
        y = x * 1.0
        y[0] = 10.0
        v = y[1:]
        v *= 3
        return np.sum(y * y)

    assert grad(f)(np.array([1.0, 2.0])).tolist() == [0.0, 36.0]


def test_gradients_through_lists():
    f = lambda x: np.sum(np.concatenate([x, 2 * x]) * np.stack((x, x, x, x)).reshape(-1)[: 2 * len(x)])
    assert grad(f)(np.array([1.0, 2.0])).shape == (2,)
    assert grad(lambda x: np.sum(np.array([x[0], x[1] * 2])))(np.ones(2)).tolist() == [1.0, 2.0]


def test_loops_and_indexing():
    def power(x, n):
        result = np.ones(3)
        for _ in range(n):
            result = result * x
        return result[1]

    assert grad(power)(np.array([1.0, 2.0, 3.0]), 3).tolist() == [0.0, 12.0, 0.0]
    x = np.arange(4.0)
    assert grad(lambda x: np.sum(x[x > 1] ** 2))(x).tolist() == [0, 0, 4, 6]


def test_jacobian_hessian_jvp_vjp():
    a = np.array([[1.0, 2.0], [3.0, 4.0]])
    x = np.array([1.0, 1.0])
    assert jacobian(lambda x: a @ x)(x).tolist() == a.tolist()
    assert hessian(lambda x: np.sum(x**3))(x).tolist() == [[6.0, 0.0], [0.0, 6.0]]
    value, derivative = jvp(lambda x: a @ x, (x,), (np.array([1.0, 0.0]),))
    assert value.tolist() == [3.0, 7.0] and derivative.tolist() == [1.0, 3.0]
    value, pull = vjp(lambda x: a @ x, x)
    assert pull(np.array([1.0, 0.0])).tolist() == [1.0, 2.0]
    assert pull(np.array([0.0, 1.0])).tolist() == [3.0, 4.0]
    value, g = value_and_grad(lambda x: np.sum(x))(x)
    assert value.item() == 2.0 and g.tolist() == [1.0, 1.0]


def test_explicit_tape():
    x = np.array([2.0])
    with Tape() as tape:
        (x2,) = [tape.watch(x)]
        assert x2 is x
        y = x * x
    assert tape.gradient(y, x).tolist() == [4.0]
    tape.close()


def test_a_gradient_frees_what_it_used():
    x = np.array([2.0])
    with Tape() as tape:
        tape.watch(x)
        y = x * x * x
        z = np.exp(y)
    assert tape.gradient(y, x, retain=True).tolist() == [12.0]
    assert tape.gradient(y, x).tolist() == [12.0]  # z needs it too
    assert tape.gradient(z, x).tolist() == [12.0 * numpy.exp(8.0)]
    with pytest.raises(RuntimeError, match="what exp recorded was freed by the gradient"):
        tape.gradient(z, x)
    assert tape.gradient(y, x).tolist() == [12.0]  # the array was still there
    with pytest.raises(RuntimeError, match="what multiply recorded was freed by the gradient"):
        tape.gradient(y, x)


def test_functions_without_gradient_say_so():
    with pytest.raises(NoGradientFuncError, match="vander"):
        grad(lambda x: np.sum(np.vander(x)))(np.ones(2))


def test_stop_gradient():
    assert grad(lambda x: x * stop_gradient(x))(np.array(3.0)).item() == 3.0


def test_customop_has_its_own_gradient():
    @customop("numpy")
    def twice(x):
        return 2 * x

    twice.def_grad(lambda result, x: lambda g: 5 * g)
    assert twice(np.ones(2)).tolist() == [2.0, 2.0]
    assert grad(lambda x: np.sum(twice(x)))(np.ones(2)).tolist() == [5.0, 5.0]


def test_exceptions_of_customops_come_through():
    @customop("numpy")
    def fails(x):
        raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        fails(np.ones(2))


def test_a_registered_operator_is_like_any_other():
    from minpy.primitive import register_operator

    scale_add = register_operator(
        "python_scale_add(x, y, factor: float = 2.0)", lambda x, y, factor: x + y * factor, doc="x + factor * y."
    )
    assert scale_add(np.ones(2), np.ones(2)).tolist() == [3.0, 3.0]
    assert np.python_scale_add(np.ones(2), np.ones(2), factor=3.0).tolist() == [4.0, 4.0]
    assert grad(lambda y: np.sum(scale_add(np.ones(2), y, factor=5)))(np.ones(2)).tolist() == [5.0, 5.0]
    assert "factor" in scale_add.__doc__


def test_threads_do_not_share_a_tape():
    results = []

    def work(n):
        results.append(grad(lambda x: np.sum(x * n))(np.ones(2)).tolist() == [n, n])

    threads = [threading.Thread(target=work, args=(float(i),)) for i in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert results == [True] * 4


def test_conversions_go_into_containers():
    data = {"a": [numpy.ones(2)], "b": (np.ones(1), 3)}
    assert type(numpy_to_minpy(data)["a"][0]) is np.ndarray
    assert type(minpy_to_numpy(data)["b"][0]) is numpy.ndarray

    @convert_args
    @return_numpy
    def f(x):
        assert type(x) is np.ndarray
        return x

    assert type(f(numpy.ones(2))) is numpy.ndarray


def test_results_of_traced_calls_stay_arrays():
    def f(x):
        s = np.sum(x)
        assert isinstance(s, np.ndarray) and s.ndim == 0
        assert isinstance(x[0], np.ndarray)
        return s

    assert grad(f)(np.ones(3)).tolist() == [1.0] * 3


def test_the_readme_is_true():
    import doctest
    from pathlib import Path

    readme = Path(__file__).resolve().parents[2] / "bindings/python/README.md"
    assert doctest.testfile(str(readme), module_relative=False).failed == 0
