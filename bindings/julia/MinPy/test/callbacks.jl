# Julia functions inside libminpy: as functions, as operators, with gradients, and what they throw.
x = MPArray([1.0, 2.0, 3.0])
double = MinPy.Func(a -> 2 .* a)
@test double(x) == [2.0, 4.0, 6.0]
two = MinPy.Func((a, b) -> (a .+ b, a .* b))
@test map(Array, two(x, x)) == ([2.0, 4.0, 6.0], [1.0, 4.0, 9.0])
@test gradient(a -> sum(double(a)), x)[1] == [2.0, 2.0, 2.0]     # through what it computes

# With a backward of its own: one that can be told from the true one.
odd = MinPy.Func(a -> a .^ 2; backward=(a, y, g) -> 10 .* g)
@test odd(x) == [1.0, 4.0, 9.0]
@test gradient(a -> sum(odd(a)), x)[1] == [10.0, 10.0, 10.0]

calls = Ref(0)
name = "scale_add_$(rand(UInt32))"
op = MinPy.register_op("$name(x, y, factor: float = 2.0)"; doc="x + factor * y.",
                       backward=(x, y, factor, z, g) -> (g, factor .* g)) do x, y, factor
    calls[] += 1
    x .+ factor .* y
end
@test op(x, x) == [3.0, 6.0, 9.0] && op(x, x; factor=1.0) == [2.0, 4.0, 6.0] && calls[] == 2
@test name in MinPy.operators() && MinPy.schema(name)["doc"] == "x + factor * y."
@test gradient((a, b) -> sum(op(a, b, 3.0)), x, MPArray([1.0, 1.0, 1.0]))[2] == [3.0, 3.0, 3.0]
@test_throws ArgumentError MinPy.register_op(identity, "$name(x)")
@test_throws ArgumentError MinPy.register_op(identity, "no signature")

# What is thrown inside comes out as it was.
struct Mine <: Exception end
@test_throws Mine MinPy.Func(a -> throw(Mine()))(x)
@test_throws DimensionMismatch MinPy.Func(a -> a .+ MPArray([1.0, 2.0]))(x)
@test_throws Mine gradient(a -> sum(MinPy.Func(b -> b .* 2; backward=(b, y, g) -> throw(Mine()))(a)), x)
@test double(x) == [2.0, 4.0, 6.0]

# Collections while foreign code holds a function of ours.
function kept()
    fs = [MinPy.Func(let k = k; a -> a .* k end) for k in 1:20]
    GC.gc()
    sum(Array(f(x))[1] for f in fs)
end
@test kept() == sum(1:20)
@test MinPy.Func(a -> (yield(); GC.gc(); a .+ 1))(x) == [2.0, 3.0, 4.0]
