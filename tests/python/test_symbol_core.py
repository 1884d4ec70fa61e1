"""Graphs: names, inference, files of every age and hostile ones, and what a Function does with them."""

import json

import numpy
import pytest

import minpy as mx
import minpy.numpy as np
from minpy.core import Function, grad

S = mx.sym

# As MXNet 0.8 wrote it: `param`, no auxiliary states among the nodes, attributes of inputs on the operator.
AGE_08 = {
    "nodes": [
        {
            "op": "null",
            "param": {},
            "name": "data",
            "inputs": [],
            "backward_source_id": -1,
            "attr": {"ctx_group": "stage1"},
        },
        {"op": "null", "param": {}, "name": "fc_weight", "inputs": [], "backward_source_id": -1},
        {"op": "null", "param": {}, "name": "fc_bias", "inputs": [], "backward_source_id": -1},
        {
            "op": "FullyConnected",
            "param": {"no_bias": "False", "num_hidden": "4"},
            "name": "fc",
            "inputs": [[0, 0], [1, 0], [2, 0]],
            "backward_source_id": -1,
            "attr": {"weight_lr_mult": "1.2"},
        },
        {"op": "null", "param": {}, "name": "bn_gamma", "inputs": [], "backward_source_id": -1},
        {"op": "null", "param": {}, "name": "bn_beta", "inputs": [], "backward_source_id": -1},
        {
            "op": "BatchNorm",
            "param": {"eps": "0.001", "fix_gamma": "True", "momentum": "0.9"},
            "name": "bn",
            "inputs": [[3, 0], [4, 0], [5, 0]],
            "backward_source_id": -1,
        },
        {"op": "null", "param": {}, "name": "softmax_label", "inputs": [], "backward_source_id": -1},
        {
            "op": "Softmax",
            "param": {"grad_scale": "1"},
            "name": "softmax",
            "inputs": [[6, 0], [7, 0]],
            "backward_source_id": -1,
        },
    ],
    "arg_nodes": [0, 1, 2, 4, 5, 7],
    "heads": [[8, 0]],
}


def newer(key, version=True):
    graph = json.loads(json.dumps(AGE_08))
    for node in graph["nodes"]:
        attributes = node.pop("param", {}) | node.pop("attr", {})
        node.pop("backward_source_id")
        if attributes:
            node[key] = attributes
        node["inputs"] = [[*i, 0] if version else i for i in node["inputs"]]
    graph["heads"] = [[8, 0, 0]]
    graph["attrs"] = {"mxnet_version": ["int", 10200]}
    return graph


@pytest.mark.parametrize("graph", [AGE_08, newer("attr", False), newer("attrs")], ids=["0.8", "0.9", "1.2"])
def test_files_of_every_age_are_read(graph):
    net = S.load_json(json.dumps(graph))
    assert net.list_arguments() == ["data", "fc_weight", "fc_bias", "bn_gamma", "bn_beta", "softmax_label"]
    assert net.list_auxiliary_states() == ["bn_moving_mean", "bn_moving_var"]
    assert net.list_outputs() == ["softmax_output"]
    arguments, outputs, states = net.infer_shape(data=(8, 3))
    assert arguments == [(8, 3), (4, 3), (4,), (4,), (4,), (8,)] and outputs == [(8, 4)] and states == [(4,), (4,)]
    again = S.load_json(net.tojson())
    assert again.tojson() == net.tojson()
    nodes = {n["name"]: n for n in json.loads(net.tojson())["nodes"]}
    assert nodes["fc_weight"]["attrs"] == {"__lr_mult__": "1.2"} and nodes["data"]["attrs"] == {
        "__ctx_group__": "stage1"
    }


def changed(path, value):
    graph = json.loads(json.dumps(AGE_08))
    at = graph
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = value
    return json.dumps(graph)


HOSTILE = [
    "",
    "{",
    "null",
    "[]",
    "{}",
    '{"nodes": 3, "heads": []}',
    '{"nodes": [], "heads": []}',
    '{"nodes": [], "heads": [[0, 0]]}',
    "[" * 100000,
    '{"nodes":' + "[" * 100000,
    '{"nodes": [{"op": "null"}], "heads": [[0, 0]]}',
    changed(["nodes", 0], 7),
    changed(["nodes", 0, "op"], 7),
    changed(["nodes", 0, "name"], None),
    changed(["nodes", 0, "name"], ""),
    changed(["nodes", 3, "op"], "Nonsense"),
    changed(["nodes", 3, "op"], "mx.FullyConnected\x00"),
    changed(["nodes", 3, "inputs"], {}),
    changed(["nodes", 3, "inputs", 0], [3, 0]),
    changed(["nodes", 3, "inputs", 0], [8, 0]),
    changed(["nodes", 3, "inputs", 0], [-1, 0]),
    changed(["nodes", 3, "inputs", 0], [0, 1]),
    changed(["nodes", 3, "inputs", 0], [0, 2**62]),
    changed(["nodes", 3, "inputs", 0], [2**70, 0]),
    changed(["nodes", 3, "inputs", 0], [0.5, 0]),
    changed(["nodes", 3, "inputs", 0], []),
    changed(["nodes", 3, "inputs", 0], ["a", "b"]),
    changed(["nodes", 3, "inputs"], [[0, 0]] * 9),
    changed(["nodes", 3, "param"], []),
    changed(["nodes", 3, "param", "num_hidden"], 4),
    changed(["nodes", 3, "param", "num_hidden"], "many"),
    changed(["nodes", 3, "param", "num_hidden"], "9" * 40),
    changed(["nodes", 3, "param", "no_bias"], "perhaps"),
    changed(["heads"], []),
    changed(["heads"], [[9, 0]]),
    changed(["heads"], [[8, 1]]),
    changed(["heads"], 3),
    changed(["heads", 0], [8]),
]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_files_are_errors(text):
    with pytest.raises((ValueError, AttributeError, OverflowError)):
        S.load_json(text)


def test_files_cut_anywhere_are_errors():
    text = json.dumps(AGE_08)
    for n in range(0, len(text) - 1, 7):
        with pytest.raises(ValueError):
            S.load_json(text[:n])


def test_long_chains_are_built_saved_run_and_freed():
    n = 20000
    nodes = [{"op": "null", "name": "x", "inputs": []}]
    nodes += [
        {"op": "_plus_scalar", "name": f"a{i}", "attrs": {"scalar": "1"}, "inputs": [[i, 0, 0]]} for i in range(n)
    ]
    net = S.load_json(json.dumps({"nodes": nodes, "heads": [[n, 0, 0]]}))
    assert net.list_arguments() == ["x"] and len(json.loads(net.tojson())["nodes"]) == n + 1
    assert Function(net)(x=np.zeros(2)).tolist() == [n, n]
    del net


def test_names():
    a = S.FullyConnected(S.Variable("x"), num_hidden=3)
    b = S.FullyConnected(a, num_hidden=3)
    assert a.name.startswith("fullyconnected") and int(b.name[14:]) == int(a.name[14:]) + 1
    assert a.list_arguments() == ["x", a.name + "_weight", a.name + "_bias"]
    parts = S.SliceChannel(S.Variable("x"), num_outputs=2, name="s")
    assert parts.list_outputs() == ["s_output0", "s_output1"] and parts[1].list_outputs() == ["s_output1"]
    assert S.SoftmaxOutput(S.Variable("x"), name="softmax").list_arguments() == ["x", "softmax_label"]
    w = S.Variable("w")
    shared = S.FullyConnected(
        S.FullyConnected(w, weight=w, num_hidden=2, name="p", no_bias=True),
        weight=w,
        num_hidden=2,
        name="q",
        no_bias=True,
    )
    assert shared.list_arguments() == ["w"]
    internals = S.Activation(b, act_type="tanh", name="t").get_internals()
    assert internals.list_outputs()[-2:] == [b.name + "_output", "t_output"]


@pytest.mark.parametrize(
    "make, error",
    [
        (lambda x: S.FullyConnected(x, num_hiden=3), "has no attribute 'num_hiden'"),
        (lambda x: S.FullyConnected(datum=x, num_hidden=3), "has no input 'datum'"),
        (lambda x: S.FullyConnected(x, x, x, x, num_hidden=3), "takes 3 inputs"),
        (lambda x: S.FullyConnected(x, num_hidden="many"), "num_hidden must be an integer"),
        (lambda x: S.Activation(x), "needs the attribute 'act_type'"),
        (lambda x: S.Convolutoin(x), "did you mean 'Convolution'"),
        (lambda x: S.BatchNorm(x, moving_mean=x * 2), "must be a variable"),
        (lambda x: S.FullyConnected(x, num_hidden=3).infer_shape(x=(2, 5), nonsense=(3,)), "no argument 'nonsense'"),
        (lambda x: S.FullyConnected(x, num_hidden=3, name="f").infer_shape(x=(2, 5), f_weight=(3, 6)), "(3,5)"),
        (lambda x: S.Convolution(x, kernel=(3, 3), num_filter=2).infer_shape(x=(1, 1, 2, 2)), "does not fit"),
        (lambda x: S.Reshape(x, shape=(-1, -1)).infer_shape(x=(2, 3)), "only one size may be -1"),
    ],
)
def test_mistakes_are_named(make, error):
    with pytest.raises(ValueError) as caught:
        make(S.Variable("x"))
    assert error in str(caught.value)


def test_inference_from_weights_labels_and_hints():
    net = S.Variable("a") + S.Variable("b")
    assert net.infer_shape(a=(2, 3))[0] == [(2, 3), (2, 3)]
    assert S.FullyConnected(S.Variable("x", shape=(4, 6)), num_hidden=2).infer_shape()[1] == [(4, 2)]
    arguments, outputs, _ = S.Embedding(S.Variable("i"), input_dim=9, output_dim=3).infer_shape(i=(4, 2))
    assert arguments == [(4, 2), (9, 3)] and outputs == [(4, 2, 3)]
    assert S.LinearRegressionOutput(S.Variable("x"), name="l").infer_shape(x=(4, 2))[0] == [(4, 2), (4, 2)]
    group = S.Group(
        [S.SliceChannel(S.Variable("x"), num_outputs=3, axis=1, squeeze_axis=True), S.Flatten(S.Variable("y"))]
    )
    assert group.infer_shape(x=(2, 3), y=(2, 3, 4))[1] == [(2,)] * 3 + [(2, 12)]
    assert S.sum(S.Variable("x")).infer_shape(x=(2, 3))[1] == [(1,)]
    assert S.FullyConnected(S.Variable("x"), num_hidden=2).infer_type(x="float64")[0] == [numpy.float64] * 3
    assert S.FullyConnected(S.Variable("x"), num_hidden=2).infer_type()[1] == [numpy.float32]


@pytest.mark.parametrize(
    "codes, expected",
    [
        ((4, 0, 2), (4, 3, 2)),
        ((2, 0, 0), (2, 3, 4)),
        ((6, 1, -1), (6, 1, 4)),
        ((3, -1, 8), (3, 1, 8)),
        ((-2,), (2, 3, 4)),
        ((2, -2), (2, 3, 4)),
        ((-2, 1, 1), (2, 3, 4, 1, 1)),
        ((-3, 4), (6, 4)),
        ((0, -3), (2, 12)),
        ((-4, 1, 2, -2), (1, 2, 3, 4)),
        ((2, -4, -1, 3, -2), (2, 1, 3, 4)),
    ],
)
def test_reshape_has_mxnets_codes(codes, expected):
    """The examples of MXNet's own documentation."""
    net = S.Reshape(S.Variable("x"), shape=codes)
    assert net.infer_shape(x=(2, 3, 4))[1] == [expected]
    assert Function(net)(x=np.arange(24.0).reshape(2, 3, 4)).shape == expected


def test_missing_arguments_are_zeros_of_the_datas_dtype():
    net = S.FullyConnected(S.Variable("x"), num_hidden=2, name="fc")
    f = Function(net)
    for dtype in ("float32", "float64"):
        y = f(x=np.ones((3, 4), dtype), fc_weight=np.ones((2, 4), dtype))
        assert y.dtype == dtype and y.tolist() == [[4.0, 4.0]] * 3
    with pytest.raises(ValueError, match="does not follow"):
        f(fc_weight=np.ones((2, 4)))
    with pytest.raises(ValueError):
        f(x=np.ones((3, 5)), fc_weight=np.ones((2, 4)))


def test_convolution_as_promised():
    net = S.Convolution(S.Variable("x"), name="conv", kernel=(3, 3), num_filter=32, no_bias=True)
    conv = Function(net, input_shapes={"x": (8, 3, 10, 10)})
    y = np.exp(conv(x=np.zeros((8, 3, 10, 10)), conv_weight=np.ones((32, 3, 3, 3))))
    assert y.shape == (8, 32, 8, 8) and numpy.asarray(y).min() == 1.0


def test_loss_layers_give_their_losses_gradients():
    x, label = np.array([[0.5, 1.0], [2.0, -1.0]]), np.array([[1.0, 0.0], [0.0, -1.0]])
    d = numpy.asarray(x - label)
    sigmoid = 1 / (1 + numpy.exp(-numpy.asarray(x)))
    expected = {
        "LinearRegressionOutput": d / 2,
        "MAERegressionOutput": numpy.sign(d) / 2,
        "LogisticRegressionOutput": (sigmoid - numpy.asarray(label)) / 2,
    }
    for name, value in expected.items():
        f = Function(getattr(S, name)(S.Variable("x"), name="o"))
        g = grad(lambda x, f=f: 7 * f(x=x, o_label=label))(x)
        numpy.testing.assert_allclose(numpy.asarray(g), value, rtol=1e-12)
    x = numpy.random.default_rng(0).standard_normal((2, 3, 4))
    label = numpy.array([[0, 1, 2, -1], [1, 1, -1, 0]])
    f = Function(S.SoftmaxOutput(S.Variable("x"), name="s", multi_output=True, use_ignore=True, normalization="valid"))
    p = numpy.exp(x) / numpy.exp(x).sum(1, keepdims=True)
    numpy.testing.assert_allclose(numpy.asarray(f(x=np.array(x), s_label=np.array(label))), p, rtol=1e-12)
    g = grad(lambda x: f(x=x, s_label=np.array(label)))(np.array(x))
    one_hot = numpy.moveaxis(numpy.eye(3)[label], -1, 1)
    numpy.testing.assert_allclose(numpy.asarray(g), (p - one_hot) * (label != -1)[:, None] / 6, atol=1e-12)


def test_states_are_written_in_training_only_and_fixed_gammas_are_one():
    f = Function(S.BatchNorm(S.Variable("x"), name="bn"))
    x = np.array(numpy.random.default_rng(1).standard_normal((8, 2)))
    kwargs = {
        "bn_gamma": np.full(2, 5.0),
        "bn_beta": np.zeros(2),
        "bn_moving_mean": np.zeros(2),
        "bn_moving_var": np.ones(2),
    }
    f.is_train = False
    f(x=x, **kwargs)
    assert kwargs["bn_moving_mean"].tolist() == [0.0, 0.0]
    f.is_train = True
    g = grad(lambda gamma: np.sum(f(x=x, **(kwargs | {"bn_gamma": gamma})) * x))(np.ones(2))
    assert g.tolist() == [0.0, 0.0]
    numpy.testing.assert_allclose(numpy.asarray(kwargs["bn_moving_mean"]), 0.1 * numpy.asarray(x).mean(0), rtol=1e-12)


def test_deconvolution_is_the_transpose_of_convolution():
    rng = numpy.random.default_rng(2)
    attributes = {"kernel": (3, 2), "stride": (2, 1), "pad": (1, 0), "num_filter": 4, "num_group": 2}
    net = S.Deconvolution(S.Variable("y"), name="d", adj=(1, 0), **attributes)
    arguments, outputs, _ = net.infer_shape(y=(2, 6, 3, 4))
    assert arguments == [(2, 6, 3, 4), (6, 2, 3, 2)] and outputs == [(2, 4, 6, 5)]
    y, w, x = (np.array(rng.standard_normal(s)) for s in ((2, 6, 3, 4), (6, 2, 3, 2), (2, 4, 6, 5)))
    up = Function(net)(y=y, d_weight=w)
    back = S.Convolution(S.Variable("x"), name="c", no_bias=True, **(attributes | {"num_filter": 6}))
    down = Function(back)(x=x, c_weight=w)
    assert abs(np.sum(up * x).item() - np.sum(down * y).item()) < 1e-10


def test_normalising_layers():
    rng = numpy.random.default_rng(4)
    x = rng.standard_normal((2, 5, 3, 3))
    f = Function(S.L2Normalization(S.Variable("x"), mode="channel", name="l"))
    expected = x / numpy.sqrt((x**2).sum(1, keepdims=True) + 1e-10)
    numpy.testing.assert_allclose(numpy.asarray(f(x=np.array(x))), expected, rtol=1e-12)
    net = S.InstanceNorm(S.LRN(S.Variable("x"), nsize=3, name="n"), name="i")
    assert net.list_arguments() == ["x", "i_gamma", "i_beta"]
    assert net.infer_shape(x=x.shape) == ([x.shape, (5,), (5,)], [x.shape], [])


def test_layers_for_sequences():
    x = numpy.arange(24.0).reshape(4, 3, 2)
    lengths = numpy.array([1, 4, 2])

    def run(name, **attributes):
        lengthy = attributes.get("use_sequence_length", False)
        inputs = [S.Variable("x")] + [S.Variable("n")] * lengthy
        net = getattr(S, name)(*inputs, name="s", **attributes)
        f = Function(net)
        given = {"x": np.array(x)} | ({"n": np.array(lengths)} if lengthy else {})
        return numpy.asarray(f(**given))

    assert (run("SequenceLast") == x[-1]).all() and (run("SequenceReverse") == x[::-1]).all()
    assert (run("SequenceMask", value=7.0) == x).all()
    masked = run("SequenceMask", use_sequence_length=True, value=-1.0)
    last = run("SequenceLast", use_sequence_length=True)
    backwards = run("SequenceReverse", use_sequence_length=True)
    for i, n in enumerate(lengths):
        assert (masked[:n, i] == x[:n, i]).all() and (masked[n:, i] == -1).all()
        assert (last[i] == x[n - 1, i]).all()
        assert (backwards[:n, i] == x[:n, i][::-1]).all() and (backwards[n:, i] == x[n:, i]).all()
    with pytest.raises(ValueError, match="sequence_length must have shape"):
        mx._minpy._operator("mx.SequenceLast")(np.array(x), np.array([1, 2]), use_sequence_length=True)


def test_recurrent_layer_as_a_symbol():
    net = S.RNN(S.Variable("x"), state_size=3, num_layers=2, mode="lstm", state_outputs=True, name="r")
    assert net.list_arguments() == ["x", "r_parameters", "r_state", "r_state_cell"]
    shapes, outputs, _ = net.infer_shape(x=(5, 2, 4))
    assert shapes == [(5, 2, 4), (12 * 9 + 12 * 8,), (2, 2, 3), (2, 2, 3)]
    assert outputs == [(5, 2, 3), (2, 2, 3), (2, 2, 3)]
    rng = numpy.random.default_rng(6)
    given = {n: np.array(rng.standard_normal(s)) for n, s in zip(net.list_arguments(), shapes, strict=True)}
    found = Function(net)(**given)
    direct = mx._minpy._operator("rnn")(*given.values(), state_size=3, num_layers=2, state_outputs=True)
    for a, b in zip(found, direct, strict=True):
        assert (numpy.asarray(a) == numpy.asarray(b)).all()


def test_layers_that_move_elements_and_take_parts():
    rng = numpy.random.default_rng(8)
    x, y = rng.standard_normal((2, 3, 4, 5)), rng.standard_normal((2, 3, 5, 4))

    def run(name, *arrays, **attributes):
        net = getattr(S, name)(*(S.Variable(f"a{i}") for i in range(len(arrays))), name="n", **attributes)
        found = numpy.asarray(Function(net)(**{f"a{i}": np.array(a) for i, a in enumerate(arrays)}))
        shapes = {f"a{i}": a.shape for i, a in enumerate(arrays)}
        assert net.infer_shape(**shapes)[1] == [found.shape]
        return found

    def same(found, expected):
        numpy.testing.assert_allclose(found, expected, rtol=1e-13)

    same(run("SwapAxis", x, dim1=1, dim2=3), x.swapaxes(1, 3))
    same(run("slice_axis", x, axis=3, begin=1, end=-1), x[..., 1:-1])
    same(run("slice", x, begin=(0, 1), end=(1, 3)), x[:1, 1:3])
    same(run("reverse", x, axis=2), x[:, :, ::-1])
    same(run("Crop", x, h_w=(2, 3), offset=(1, 2)), x[:, :, 1:3, 2:5])
    same(run("Crop", x, y[:, :, :2, :3], num_args=2, center_crop=True), x[:, :, 1:3, 1:4])
    widths = (0, 0, 0, 0, 1, 0, 2, 1)
    pairs = [(0, 0), (0, 0), (1, 0), (2, 1)]
    same(run("Pad", x, mode="edge", pad_width=widths), numpy.pad(x, pairs, "edge"))
    padded = numpy.pad(x, pairs, constant_values=3.0)
    same(run("Pad", x, mode="constant", pad_width=widths, constant_value=3.0), padded)
    same(run("UpSampling", x, scale=2, sample_type="nearest"), x.repeat(2, 2).repeat(2, 3))
    small = rng.standard_normal((2, 1, 2, 5))
    both = numpy.concatenate([x.repeat(2, 2).repeat(2, 3), small.repeat(4, 2).repeat(2, 3)], 1)
    same(run("UpSampling", x, small, scale=2, sample_type="nearest", num_args=2), both)
    same(run("dot", x[0, 0], y[0, 0].T, transpose_b=True), x[0, 0] @ y[0, 0])
    same(run("batch_dot", x[0], x[1], transpose_a=True), x[0].swapaxes(1, 2) @ x[1])
    labels = numpy.array([[0.0, 2, 1], [2, 2, 0]])
    same(
        run("pick", x[:, :, :3, 0], labels),
        numpy.take_along_axis(x[:, :, :3, 0], labels.astype(int)[..., None], 2)[..., 0],
    )
    same(run("norm", x), [numpy.sqrt((x**2).sum())])
    near = numpy.where(abs(x) < 0.25, 2 * x**2, abs(x) - 0.125)
    same(run("smooth_l1", x, scalar=2.0), near)
    with pytest.raises(ValueError, match="no part of an axis of 5"):
        mx._minpy._operator("mx.slice_axis")(np.array(x), 3, 4, 2)


@pytest.mark.parametrize("linear", [False, True])
def test_svm_output_has_the_gradient_of_the_hinge_loss(linear):
    x, label = numpy.array([[0.3, 2.0, -1.5], [1.2, -0.2, 0.1]]), numpy.array([0.0, 2.0])
    net = S.SVMOutput(S.Variable("x"), name="svm", margin=0.9, regularization_coefficient=0.5, use_linear=linear)
    assert net.list_arguments() == ["x", "svm_label"] and net.infer_shape(x=(2, 3))[0] == [(2, 3), (2,)]
    f = Function(net)
    g = grad(lambda a: np.sum(f(x=a, svm_label=np.array(label))))(np.array(x))
    side = numpy.where(numpy.arange(3) == label[:, None], 1, -1)
    missing = numpy.maximum(0.9 - side * x, 0)
    numpy.testing.assert_allclose(numpy.asarray(g), -0.5 * side * ((missing > 0) if linear else 2 * missing))
