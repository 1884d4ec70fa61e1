# Graphs and the functions made of them.
sym = MinPy.sym
data = MinPy.variable("data")
net = sym.FullyConnected(data; num_hidden=4, name="fc")
@test MinPy.list_arguments(net) == ["data", "fc_weight", "fc_bias"]
@test MinPy.list_outputs(net) == ["fc_output"]
shapes = MinPy.infer_shape(net; data=(8, 3))
@test shapes.complete && shapes.arguments == [(8, 3), (4, 3), (4,)] && shapes.outputs == [(8, 4)]

f = MinPy.Func(net)
d, w, b = randn(8, 3), randn(4, 3), randn(4)
@test f(MPArray(d), MPArray(w), MPArray(b)) ≈ d * w' .+ b'
g = gradient((d, w, b) -> sum(f(d, w, b) .^ 2), MPArray(d), MPArray(w), MPArray(b))
h = gradient((d, w, b) -> sum((d * w' .+ b') .^ 2), MPArray(d), MPArray(w), MPArray(b))
@test all(g .≈ h)
@test size(f(MPArray(randn(2, 3)), MPArray(w), MPArray(b))) == (2, 4)   # another batch size

# Three nodes.
x, y = MinPy.variable("x"), MinPy.variable("y")
three = MinPy.Func(x * y + x, ["x", "y"])
@test three(MPArray([1.0, 2.0]), MPArray([3.0, 4.0])) == [4.0, 10.0]

# JSON, there and back.
again = MinPy.fromjson(MinPy.tojson(net))
@test MinPy.list_arguments(again) == MinPy.list_arguments(net)
mktempdir() do folder
    path = joinpath(folder, "net.json")
    MinPy.save(path, net)
    @test MinPy.Func(MinPy.load_symbol(path))(MPArray(d), MPArray(w), MPArray(b)) ≈ d * w' .+ b'
end
@test_throws Exception MinPy.fromjson("{")
@test_throws ArgumentError sym.NoSuchOperator(data)

# Several outputs, inner results.
both = MinPy.group(net, MinPy.variable("other"))
@test length(MinPy.list_outputs(both)) == 2
@test "fc_output" in MinPy.list_outputs(MinPy.internals(net))
@test nameof(net) == "fc"
