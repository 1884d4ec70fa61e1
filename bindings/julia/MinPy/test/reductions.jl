# Reductions, shapes and linear algebra under Julia's names.
A = [3.0 1.0 2.0; 6.0 5.0 4.0]
x = MPArray(A)
for f in (sum, prod, maximum, minimum, mean, std, var)
    @test f(x) ≈ f(A) && f(x) isa Float64
    @test f(x; dims=1) ≈ f(A; dims=1)
    @test f(x; dims=2) ≈ f(A; dims=2)
    @test size(f(x; dims=2)) == (2, 1)
end
@test sum(x; dims=(1, 2)) ≈ sum(A; dims=(1, 2))
@test sum(abs2, x) ≈ sum(abs2, A) && maximum(t -> -t, x) == -1.0
@test std(x; corrected=false) ≈ std(A; corrected=false)
@test any(x .> 5) === true && all(x .> 5) === false && count(x .> 2) == 4
@test extrema(x) == (1.0, 6.0)
@test argmax(x) == argmax(A) && argmin(x) == argmin(A) && argmax(MPArray([1, 3, 2])) == 2
@test findmax(x) == findmax(A) && findall(x .> 3) == findall(A .> 3)
@test cumsum(x; dims=2) == cumsum(A; dims=2) && cumprod(MPArray([1, 2, 3])) == [1, 2, 6]
@test sort(MPArray([3, 1, 2])) == [1, 2, 3] && sort(MPArray([3, 1, 2]); rev=true) == [3, 2, 1]
@test sort(x; dims=2) == sort(A; dims=2) && sortperm(MPArray([3.0, 1.0, 2.0])) == [2, 3, 1]

@test reshape(x, 3, 2) == reshape(A, 3, 2) && reshape(x, :, 3) == A && vec(x) == vec(A) && reshape(x, (6,)) == vec(A)
@test permutedims(x) == A' && transpose(x) == transpose(A)
@test permutedims(MPArray(reshape(1:24, 2, 3, 4)), (3, 1, 2)) == permutedims(reshape(1:24, 2, 3, 4), (3, 1, 2))
@test dropdims(sum(x; dims=1); dims=1) == vec(sum(A; dims=1))
@test [x; x] == [A; A] && [x x] == [A A] && cat(x, x; dims=3) == cat(A, A; dims=3)
@test vcat(MPArray([1, 2]), MPArray([3])) == [1, 2, 3] && hcat(MPArray([1, 2]), MPArray([3, 4])) == [1 3; 2 4]
@test reverse(MPArray([1, 2, 3])) == [3, 2, 1] && reverse(x; dims=1) == reverse(A; dims=1)
@test repeat(MPArray([1, 2]), 2) == [1, 2, 1, 2] && repeat(x, 2, 3) == repeat(A, 2, 3)
@test circshift(MPArray([1, 2, 3]), 1) == [3, 1, 2] && circshift(x, (1, 1)) == circshift(A, (1, 1))

M, b = [4.0 1.0; 2.0 3.0], [1.0, 2.0]
m = MPArray(M)
@test m * m == M * M && m \ MPArray(b) ≈ M \ b && inv(m) ≈ inv(M) && det(m) ≈ det(M) && tr(m) == tr(M)
@test dot(MPArray(b), MPArray(b)) == dot(b, b) && norm(MPArray([3.0, 4.0])) ≈ 5.0
@test mul!(MinPy.zeros(2, 2), m, m) == M * M
@test diag(m) == diag(M) && triu(m) == triu(M) && tril(m) == tril(M)
@test x == A && x != A .+ 1 && x ≈ A .+ 1e-12 && isequal(x, MPArray(A))
