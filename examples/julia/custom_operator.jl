# A Julia function becomes an operator with a gradient of its own.
push!(LOAD_PATH, joinpath(@__DIR__, "..", "..", "bindings", "julia"))
using MinPy

softplus = MinPy.register_op("our_softplus(x)"; doc="log(1 + exp(x)), without overflow.",
                             backward=(x, y, g) -> g ./ (1 .+ exp.(.-x))) do x
    max.(x, 0) .+ log1p.(exp.(.-abs.(x)))
end

x = MPArray([-1000.0, 0.0, 1000.0])
println(Array(softplus(x)))
println(Array(gradient(v -> sum(softplus(v)), x)[1]))
