"""Symbols and Function with MXNet's names."""

import copy
import pickle

import numpy
import pytest

import minpy as mx
import minpy.numpy as np
from minpy.core import Function, grad, grad_and_loss


def perceptron():
    net = mx.sym.FullyConnected(data=mx.sym.Variable("x"), name="fc1", num_hidden=4)
    net = mx.sym.Activation(data=net, act_type="relu")
    return mx.sym.FullyConnected(data=net, name="fc2", num_hidden=3)


def test_names_follow_mxnet():
    net = perceptron()
    assert net.list_arguments() == ["x", "fc1_weight", "fc1_bias", "fc2_weight", "fc2_bias"]
    assert net.list_outputs() == ["fc2_output"]
    bn = mx.sym.BatchNorm(data=mx.sym.Variable("x"), name="bn")
    assert bn.list_auxiliary_states() == ["bn_moving_mean", "bn_moving_var"]
    with mx.name.Prefix("net_"):
        named = mx.sym.FullyConnected(data=mx.sym.Variable("x"), num_hidden=2)
    assert named.name.startswith("net_fullyconnected")


def test_inference_goes_both_ways():
    arguments, outputs, _ = perceptron().infer_shape(x=(2, 5))
    assert arguments == [(2, 5), (4, 5), (4,), (3, 4), (3,)] and outputs == [(2, 3)]
    assert perceptron().infer_shape() == (None, None, None)
    conv = mx.sym.Convolution(data=mx.sym.Variable("x"), name="conv", kernel=(3, 3), num_filter=8)
    assert conv.infer_shape(x=(8, 3, 10, 10))[1] == [(8, 8, 8, 8)]


def test_json_pickle_and_files(tmp_path):
    net = perceptron()
    for other in (mx.sym.load_json(net.tojson()), pickle.loads(pickle.dumps(net)), copy.deepcopy(net)):
        assert other.list_arguments() == net.list_arguments()
    net.save(tmp_path / "net.json")
    assert mx.sym.load(tmp_path / "net.json").tojson() == net.tojson()


def test_arithmetic_groups_and_internals():
    a, b = mx.sym.Variable("a"), mx.sym.Variable("b")
    f = Function(a * 2 + b / 4 - 1, {"a": (2,), "b": (2,)})
    assert f(a=np.ones(2), b=np.ones(2) * 4).tolist() == [2.0, 2.0]
    group = mx.sym.Group([a + b, a - b])
    assert len(group) == 2
    p, q = Function(group)(a=np.ones(2), b=np.ones(2))
    assert p.tolist() == [2.0, 2.0] and q.tolist() == [0.0, 0.0]
    inner = perceptron().get_internals()["fc1_output"]
    assert inner.list_outputs() == ["fc1_output"]


def test_function_is_differentiable_and_takes_any_batch():
    net = mx.sym.FullyConnected(data=mx.sym.Variable("x"), name="fc", num_hidden=2)
    f = Function(net, {"x": (4, 3)})
    assert f.get_params() == {"fc_weight": {"shape": (2, 3)}, "fc_bias": {"shape": (2,)}}
    assert f.get_one_output_shape() == (4, 2)
    w = np.arange(6.0).reshape(2, 3)
    for batch in (4, 7):
        x = np.ones((batch, 3))
        g, loss = grad_and_loss(lambda w, x=x: np.sum(f(x=x, fc_weight=w, fc_bias=np.zeros(2), unknown=3)))(w)
        assert g.tolist() == [[batch] * 3] * 2
        assert loss.item() == batch * 15.0
    assert f(x=np.ones((4, 3)), fc_weight=w).tolist() == [[3.0, 12.0]] * 4


def test_gradient_through_two_outputs():
    a = mx.sym.Variable("a")
    b = mx.sym.Variable("b")
    f = Function(mx.sym.Group((a, b * 1)))

    def difference(x, y):
        p, q = f(a=x, b=y)
        return np.sum(p - q)

    g = grad(difference, [0, 1])(np.ones(2), np.ones(2))
    assert [x.tolist() for x in g] == [[1.0, 1.0], [-1.0, -1.0]]


def test_auxiliary_states_and_training_mode():
    net = mx.sym.BatchNorm(data=mx.sym.Variable("x"), name="bn", fix_gamma=False)
    f = Function(net, {"x": (8, 2)})
    x = np.array(numpy.random.default_rng(0).standard_normal((8, 2)) * 3 + 1)
    mean, var = np.zeros(2), np.ones(2)
    kwargs = {"x": x, "bn_gamma": np.ones(2), "bn_beta": np.zeros(2), "bn_moving_mean": mean, "bn_moving_var": var}
    out = f(**kwargs)
    assert abs(numpy.asarray(out).mean(0)).max() < 1e-6
    assert abs(numpy.asarray(mean)).max() > 0
    f.is_train = False
    assert numpy.allclose(numpy.asarray(f(**kwargs)), (numpy.asarray(x) - mean) / numpy.sqrt(numpy.asarray(var) + 1e-3))


def test_softmax_output_ignores_the_head_gradient():
    f = Function(mx.sym.SoftmaxOutput(data=mx.sym.Variable("x"), name="softmax"))
    x, label = np.array([[1.0, 2.0, 3.0]]), np.array([2.0])
    g1 = grad(lambda x: f(x=x, softmax_label=label))(x)
    g2 = grad(lambda x: 2 * f(x=x, softmax_label=label))(x)
    assert g1.tolist() == g2.tolist()
    p = numpy.exp([1.0, 2.0, 3.0]) / numpy.exp([1.0, 2.0, 3.0]).sum()
    assert numpy.allclose(numpy.asarray(g1)[0], p - [0, 0, 1])


def test_errors_name_what_is_wrong():
    with pytest.raises(ValueError):
        perceptron().infer_shape(x=(2, 5), fc1_weight=(4, 6))
    with pytest.raises((KeyError, ValueError, AttributeError)):
        mx.sym.Nonsense(data=mx.sym.Variable("x"))
