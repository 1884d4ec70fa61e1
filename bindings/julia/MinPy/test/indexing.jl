# Everything that Julia's arrays do with these indices, ours do too.
A = reshape(collect(1:24), 2, 3, 4)
x = MPArray(A)
indices = Any[
    (1, 2, 3), (:, 2, 3), (1, :, :), (:, :, :), (2, 1:2, :), (:, 3:-1:1, 1:2:4), (:, 2:1, :), (1:2, 1:3, 4:4),
    ([2, 1], :, :), (:, [3, 1], 2), ([1, 2], [1, 3], [4, 2]), (2, [1, 3], [4, 2]), ([2], 2, :), (:, [1, 1, 2], [1]),
    ([1 2; 2 1], 1, 1), (:,), (5,), (1:5,), ([24, 1, 7],), (24:-5:1,), (CartesianIndex(2, 3, 1),), (1, CartesianIndex(2, 3)),
    (:, [true, false, true], 1), (A .> 10,), (1, 1, 1, 1), (Int8(1), UInt8(2), 3),
]
for I in indices
    expected = A[I...]
    @test allowscalar(() -> x[I...]) == expected
    value = allowscalar(() -> x[I...])
    @test size(value) == size(expected)
end

# Reading copies, a view does not.
y = MPArray(A)
part = y[:, 1, :]
part .= 0
@test y == A
window = view(y, :, 1, 2:3)
window .= 0
B = copy(A)
B[:, 1, 2:3] .= 0
@test y == B
@test_throws ArgumentError view(y, [1, 2], 1, 1)

# Writing.
for I in indices
    local B = copy(A)
    local y = MPArray(A)
    number = A[I...] isa Number
    value = number ? 100 : reshape(collect(101:100+length(A[I...])), size(A[I...]))
    allunique(vec(LinearIndices(A)[I...] isa Number ? [1] : LinearIndices(A)[I...])) || continue
    B[I...] = value
    allowscalar(() -> y[I...] = value)
    @test y == B
    number && continue
    B[I...] .= 7
    y[I...] = 7
    @test y == B
end
y = MPArray([1.0, 2.0, 3.0])
y[y.>1.5] = 0
@test y == [1.0, 0.0, 0.0]
y[2:3] .= MPArray([5.0, 6.0])
@test y == [1.0, 5.0, 6.0]
y .= 2
@test y == [2.0, 2.0, 2.0]
y .+= 1
@test y == [3.0, 3.0, 3.0]
copyto!(y, [1.0, 2.0, 3.0])
@test y == [1.0, 2.0, 3.0]
@test_throws DimensionMismatch y[1:2] = [1.0, 2.0, 3.0]

# Masks of ours.
m = MPArray(A .% 2 .== 0)
@test x[m] == A[A.%2 .== 0]

# Elements one by one must be asked for.
allowscalar(false)
@test_throws ErrorException x[1, 1, 1]
@test_throws ErrorException x[1, 1, 1] = 3
@test @allowscalar(x[1, 1, 1]) == 1
@test_throws ErrorException x[1, 1, 1]
@test MPArray(fill(3))[] == 3
@test_throws BoundsError x[3, 1, 1]
@test_throws BoundsError x[:, 1:4, 1]
@test collect(Iterators.take(x, 3)) == [1, 2, 3]
@test sum(v for v in MPArray([1, 2, 3])) == 6
