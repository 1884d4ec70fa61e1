# The least that must work; under a second.
x = MPArray([1.0 2.0 3.0; 4.0 5.0 6.0])
@test size(x) == (2, 3)
@test Array(x) == [1.0 2.0 3.0; 4.0 5.0 6.0]
@test Array(x .+ 1) == [2.0 3.0 4.0; 5.0 6.0 7.0]
@test Array(exp.(x)) ≈ exp.([1.0 2.0 3.0; 4.0 5.0 6.0])
@test sum(x) == 21.0
@test Array(sum(x; dims=1)) == [5.0 7.0 9.0]
@test Array(x * MPArray([1.0, 0.0, 2.0])) == [7.0, 16.0]
@test gradient(v -> sum(v .^ 2), MPArray([1.0, 2.0]))[1] == [2.0, 4.0]
