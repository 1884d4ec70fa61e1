# Derivatives against finite differences, through control flow, writes and closures, to second order.
function differences(f, x::Array; h=1e-6)
    map(CartesianIndices(x)) do i
        up, down = copy(x), copy(x)
        up[i] += h
        down[i] -= h
        (Float64(f(MPArray(up))) - Float64(f(MPArray(down)))) / 2h
    end
end
agrees(f, x) = isapprox(Array(gradient(f, MPArray(x))[1]), differences(f, x); rtol=1e-5, atol=1e-7)

a = [0.3 -1.2 2.0; 0.7 1.1 -0.4]
@test agrees(x -> sum(x .^ 2), a)
@test agrees(x -> sum(exp.(x) .* sin.(x)), a)
@test agrees(x -> sum(tanh.(x * MPArray([1.0, 2.0, 3.0]))), a)
@test agrees(x -> sum(x' * x), a)
@test agrees(x -> sum(x[:, 1:2] .* x[:, 2:3]), a)
@test agrees(x -> sum(sum(x; dims=1) .^ 2), a)
@test agrees(x -> mean(x .* x), a)
@test agrees(x -> maximum(x) * 2, a)
@test agrees(x -> sum([x; 2x] .^ 2), a)
@test agrees(x -> sum(reshape(x, 3, 2) * MPArray([1.0, 2.0])), a)
@test agrees(x -> @allowscalar(x[1, 2] * x[2, 3]), a)
@test agrees(x -> sum(x[[2, 1, 1], :] .^ 2), a)
@test agrees(x -> sum(x[x.>0] .^ 2), a)
@test agrees(x -> (t -> t^2 + 3t).(x) |> sum, a)
@test agrees(x -> norm(x), a)

# Numbers, control flow.
foo(x) = x > 0 ? x : 2x
@test gradient(foo, 3.0) == (1.0,) && gradient(foo, -1.0) == (2.0,)
function power(x, n)
    y = one(x)
    for _ in 1:n
        y = y * x
    end
    y
end
@test gradient(x -> power(x, 5), 2.0)[1] ≈ 80.0
@test gradient((x, y) -> x * y + sin(x), 1.0, 2.0)[1] ≈ 2 + cos(1.0)
function halving(x)
    while x > 1
        x = x / 2
    end
    x
end
@test gradient(halving, 5.0)[1] == 0.125

# Second order.
cube(x) = x^3
@test gradient(x -> gradient(cube, x)[1], 2.0)[1] ≈ 12.0
@test gradient(x -> gradient(y -> gradient(cube, y)[1], x)[1], 2.0)[1] ≈ 6.0

# Several arguments, values, closures.
x, y = MPArray([1.0, 2.0]), MPArray([3.0, 4.0])
value, (gx, gy) = value_and_gradient((x, y) -> sum(x .* y), x, y)
@test value === 11.0 && gx == [3.0, 4.0] && gy == [1.0, 2.0]
w = MPArray([5.0, 6.0])
@test gradient(_ -> sum(w .* w), w)[1] == [10.0, 12.0]          # read through the closure
@test gradient((a, b) -> sum(a .* b), x, x)[1] == [1.0, 2.0]    # the same array twice
@test gradient(x -> sum(y), x)[1] == [0.0, 0.0]                 # not reached
@test gradient(x -> 1.0, x)[1] == [0.0, 0.0]

# Writes and views.
function written(x)
    z = x .* 1
    z[1:1] = x[2:2] .* 3
    view(z, 2:2) .= view(z, 2:2) .* x[1:1]
    sum(z)
end
@test gradient(written, MPArray([2.0, 5.0]))[1] == [5.0, 5.0]
function in_place(x)
    z = x .* 1
    z .+= z .* x
    sum(z)
end
@test gradient(in_place, MPArray([2.0, 3.0]))[1] == [5.0, 7.0]

# Pullback and forward mode.
v, back = pullback(x -> x .^ 2, MPArray([1.0, 2.0]))
@test v == [1.0, 4.0]
@test back(MPArray([1.0, 1.0]))[1] == [2.0, 4.0]
@test back(MPArray([0.0, 10.0]))[1] == [0.0, 40.0]
(p, q), back = pullback(x -> (x .* 2, sum(x)), MPArray([1.0, 2.0]))
@test back(MPArray([1.0, 0.0]), 5.0)[1] == [7.0, 5.0]
@test_throws ArgumentError back(MPArray([1.0, 0.0]))
value, tangent = jvp(x -> x .^ 2, (MPArray([1.0, 2.0]),), (MPArray([1.0, 10.0]),))
@test value == [1.0, 4.0] && tangent == [2.0, 40.0]
@test jvp((x, y) -> x * y, (2.0, 3.0), (1.0, 0.0)) == (6.0, 3.0)

# What has no gradient says so; and nothing stays behind.
@test_throws ArgumentError gradient(x -> x .* 2, x)
@test_throws ArgumentError gradient(x -> "text", x)
@test_throws ErrorException gradient(x -> error("mine"), x)
@test MinPy.context().tape === nothing
@test !MinPy.is_traced(x .* 2)
