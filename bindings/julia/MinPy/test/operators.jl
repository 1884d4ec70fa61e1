# np: NumPy's names and meanings, dimensions from 1; and the generated functions agree with the library's schema.
x = MPArray([1.0 2.0; 3.0 4.0])
@test np.add(x, 1) == [2.0 3.0; 4.0 5.0]
@test np.sum(x; dims=1) == [4.0, 6.0]
@test np.sum(x; dims=(1, 2)) == 10.0
@test np.sum(x; dims=2, keepdims=true) == reshape([3.0, 7.0], 2, 1)
@test np.sum(MPArray([true, true])) === 2
@test np.exp(0.0) == 1.0
@test np.matmul(x, x) == Array(x) * Array(x)
@test np.transpose(x) == [1.0 3.0; 2.0 4.0]
@test np.where(x .> 2, x, 0) == [0.0 0.0; 3.0 4.0]
@test np.concatenate([x, x]; dims=2) == [1.0 2.0 1.0 2.0; 3.0 4.0 3.0 4.0]
@test np.reshape(x, (4,)) == [1.0, 2.0, 3.0, 4.0]                # NumPy's order
@test reshape(x, 4) == [1.0, 3.0, 2.0, 4.0]                      # Julia's
@test length(np.split(MPArray([1, 2, 3, 4]), 2)) == 2
@test_throws ArgumentError np.sum(x; dims=0)

# Options of a call.
out = MinPy.zeros(2, 2)
@test np.add(x, x; out=out) == 2 .* Array(x) && out == 2 .* Array(x)
np.add(x, 100; out=out, where=MPArray([true false; false true]))
@test out == [101.0 4.0; 6.0 104.0]
@test eltype(np.add(MPArray([1, 2]), MPArray([3, 4]); dtype=Float32)) == Float32
@test_throws Exception np.add(x, 1; out=MPArray([1 2; 3 4]), casting=:no)
@test_throws ArgumentError np.add(x, 1; casting=:nonsense)

# Julia's literals bend, other numbers do not.
x32 = MPArray(Float32[1, 2])
@test eltype(x32 .+ 1.5) == Float32
@test eltype(x32 .* 2) == Float32
@test eltype(MPArray([1, 2]) .+ 1.5) == Float64
@test eltype(MPArray(Int8[1, 2]) .+ Int64(1)) == Int8
@test eltype(MPArray(Float16[1, 2]) .+ 1.5f0) == Float32

# What is generated is what the library has.
names = MinPy.operators()
@test [op.name for op in MinPy.table] == filter(n -> occursin(r"^([A-Za-z]\w*\.)?[A-Za-z]\w*$", n), names)
for op in MinPy.table
    @test op.flags == MinPy.op(op.name).flags & 67  # element by element, number as result, list as result
    path = Symbol.(split(op.name, '.'))
    @test foldl(getfield, path; init=np) isa Function
end

# An operator by name.
add = MinPy.op("add")
@test add(x, x) == np.add(x, x)
@test MinPy.op("sum")(x; dims=1) == np.sum(x; dims=1)
@test_throws ArgumentError MinPy.op("no_such_operator")
@test MinPy.schema("add")["name"] == "add"
