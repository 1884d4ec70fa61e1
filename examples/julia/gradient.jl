# Gradients follow ordinary control flow, to any order.
push!(LOAD_PATH, joinpath(@__DIR__, "..", "..", "bindings", "julia"))
using MinPy

foo(x) = x > 0 ? x : 2x
println(gradient(foo, 3.0)[1], " ", gradient(foo, -1.0)[1])

cube(x) = x^3
slope(x) = gradient(cube, x)[1]
println(gradient(slope, 2.0)[1])
