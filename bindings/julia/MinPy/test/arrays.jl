# To libminpy and back, for every element type, and what an AbstractArray promises.
for T in MinPy.element_types
    A = T <: Bool ? [true false; false true; true true] : T[1 2; 3 4; 5 6]
    x = MPArray(A)
    @test x isa MPArray{T,2} && size(x) == (3, 2) && eltype(x) == T
    @test Array(x) == A
    @test Array(MPArray{Float64}(A)) == Float64.(A)
end
@test Array(MPArray(fill(2.5))) == fill(2.5)
@test size(MPArray(zeros(0, 3))) == (0, 3)
@test Array(MPArray(1:3)) == [1, 2, 3]
@test Array(MPArray([1 2; 3 4]')) == [1 3; 2 4]

x = MinPy.zeros(Float32, 2, 3)
@test x isa MPArray{Float32,2} && Array(x) == zeros(Float32, 2, 3)
@test Array(MinPy.ones(2)) == ones(2)
@test Array(MinPy.full(7, 2, 2)) == fill(7, 2, 2)
@test similar(x) isa MPArray{Float32,2}
@test similar(x, Int, (4,)) isa MPArray{Int,1}
@test strides(MPArray(zeros(3, 4))) == (1, 3)

# Element by element, row by row and column by column.
A = reshape(collect(1.0:24.0), 2, 3, 4)
@test Array(MPArray(A)) == A
@test MinPy.from_rows([1, 2, 3, 4, 5, 6], (2, 3)) == [1 2 3; 4 5 6]

# Printing copies once, and says what it prints.
text = repr(MIME"text/plain"(), MPArray([1.5 2.5; 3.5 4.5]))
@test occursin(r"2×2 (MinPy\.)?MPArray\{Float64, ?2\}", text)
@test occursin("3.5  4.5", text)
@test repr(MPArray([1, 2])) == "MPArray([1, 2])"

# Memory of Julia's, seen from both sides.
A = [1.0, 2.0, 3.0]
b = MinPy.borrow(A)
b .= b .* 2
@test A == [2.0, 4.0, 6.0]
A[1] = 10.0
@test Array(b) == [10.0, 4.0, 6.0]

y = copy(b)
free!(y)
@test_throws ArgumentError y .+ 1
free!(y)
@test occursin("freed", repr(y))

# bfloat16 rounds to nearest, ties to even.
@test Float32(BFloat16(1.00390625f0)) == 1.0f0
@test Float32(BFloat16(1.01171875f0)) == 1.015625f0
@test BFloat16(2) + BFloat16(3) == BFloat16(5)
@test isnan(BFloat16(NaN32))
