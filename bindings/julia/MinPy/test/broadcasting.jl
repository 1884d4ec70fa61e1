# Dotted expressions give what they give for Julia's arrays.
a, b, v = [1.0 2.0 3.0; 4.0 5.0 6.0], [0.5 1.5 2.5], [10.0, 20.0]
x, y, w = MPArray(a), MPArray(b), MPArray(v)
@test x .+ y == a .+ b
@test x .* w == a .* v                      # aligned from the first dimension
@test w .+ y == v .+ b
@test 2 .* x .- 1 == 2 .* a .- 1
@test x .^ 2 == a .^ 2 && x .^ -1 ≈ a .^ -1 && 2.0 .^ x == 2.0 .^ a
@test sqrt.(abs.(sin.(x) .* cos.(x))) ≈ sqrt.(abs.(sin.(a) .* cos.(a)))
@test x .+ a == 2a                          # arrays of Julia's join in
@test x .+ (1:2) == a .+ (1:2)
@test (x .> 2) .& (x .< 5) == (a .> 2) .& (a .< 5)
@test ifelse.(x .> 2, x, 0.0) == ifelse.(a .> 2, a, 0.0)
@test max.(x, 3) == max.(a, 3) && min.(x, y) == min.(a, b)
@test clamp.(x, 2, 4) == clamp.(a, 2, 4)
@test Float32.(x) isa MPArray{Float32,2} && Int.(x) == Int.(a)
@test eltype(x .== y) == Bool
@test mod.(MPArray([-7, 7]), 3) == mod.([-7, 7], 3)
@test rem.(MPArray([-7, 7]), 3) == rem.([-7, 7], 3)
@test div.(MPArray([-7, 7]), 3) == div.([-7, 7], 3)
@test fld.(MPArray([-7, 7]), 3) == fld.([-7, 7], 3)
@test MPArray([1, 2]) ./ 2 == [0.5, 1.0]
@test round.(MPArray([0.5, 1.5, -2.5])) == round.([0.5, 1.5, -2.5])
@test abs2.(MPArray([1.0 + 2.0im])) ≈ [5.0]
@test atan.(x, w) ≈ atan.(a, v) && log.(2, x) ≈ log.(2, a) && exp10.(y) ≈ exp10.(b)
@test .-x == -a && .!(x .> 2) == .!(a .> 2)
@test identity.(x) == a && map(sin, x) ≈ map(sin, a)
@test_throws DimensionMismatch x .+ MPArray([1.0, 2.0, 3.0])

# Functions that are no operators run once, over whole arrays.
f(t) = t^2 + 3t - sin(t) / 2
@test f.(x) ≈ f.(a)
@test (t -> max(t, 2.0) * exp(-t)).(x) ≈ (t -> max(t, 2.0) * exp(-t)).(a)
@test ((s, t) -> s * t + s).(x, w) ≈ ((s, t) -> s * t + s).(a, v)
@test_throws ArgumentError (t -> t > 2 ? t : 0.0).(x)

# Without dots, as for Julia's arrays.
@test x + x == a + a && x - 2x == -a && -x == -a && 2 * x == 2a && x / 2 == a / 2
@test x * x' == a * a' && x' == a' && x * MPArray([1.0, 2.0, 3.0]) == a * [1.0, 2.0, 3.0]
@test a * MPArray([1.0, 2.0, 3.0]) == a * [1.0, 2.0, 3.0]
@test_throws DimensionMismatch x + y
@test_throws DimensionMismatch x * x

# Into an array.
z = MinPy.zeros(2, 3)
z .= x .* 2 .+ y
@test z == a .* 2 .+ b
z .-= x
@test z == a .+ b
z .= w
@test z == repeat(v, 1, 3)

# Numbers in arrays without dimensions.
s = MPArray(2.5)
@test s + 1 == 3.5 && 2s == 5.0 && s^2 == 6.25 && s > 2 && !(s < 2) && s == 2.5 && exp(s) ≈ exp(2.5) && -s == -2.5
@test s .* x == 2.5 .* a && s * x == 2.5 .* a && x / s == a ./ 2.5
@test Float64(s) === 2.5 && float(s) == 2.5
