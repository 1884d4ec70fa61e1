# Exceptions by kind, with the operator, the argument, shapes and dtypes in the text.
message(f) =
    try
        f()
        "nothing was thrown"
    catch e
        sprint(showerror, e)
    end
x, y = MPArray([1.0 2.0 3.0; 4.0 5.0 6.0]), MPArray([1.0, 2.0])
@test_throws DimensionMismatch np.add(x, y)
@test occursin("operands could not be broadcast together with shapes (2,3) (2,)", message(() -> np.add(x, y)))
@test occursin("add", message(() -> np.add(x, y)))
@test_throws DimensionMismatch np.matmul(x, x)
@test_throws BoundsError np.sum(x; dims=4)
@test occursin("axis 3 is out of bounds for array of dimension 2", message(() -> np.sum(x; dims=4)))
@test_throws ArgumentError np.sum(x; dims=-1)
@test_throws ArgumentError np.add(x, "text")
@test_throws ArgumentError np.add(x, Dict())
@test_throws ArgumentError MPArray(["a", "b"])
@test_throws ArgumentError MPArray([big(1), big(2)])
@test_throws MethodError np.add(x)
@test_throws Exception np.add(x, x; no_such_option=1)
@test_throws MinPyError inv(MPArray([1.0 2.0; 2.0 4.0]))
@test occursin("LinAlgError", message(() -> inv(MPArray([1.0 2.0; 2.0 4.0]))))
@test_throws DimensionMismatch copyto!(zeros(2), x)
@test_throws DimensionMismatch reshape(x, 4, 2)
@test_throws ArgumentError MinPy.item(x)
@test_throws ArgumentError with_policy(() -> 1, :no_such_policy)
@test_throws ArgumentError Device(:toaster)
@test_throws Exception np.reshape(x, (4, 4))

# A failed call leaves nothing behind, and the next one works.
@test np.add(x, 1) == Array(x) .+ 1

# Sizes that no machine has.
@test_throws Exception MinPy.zeros(Float64, typemax(Int) ÷ 2, 4)
@test_throws OutOfMemoryError MinPy.zeros(UInt8, 2^46)

# The library that was not found.
project = dirname(@__DIR__)
program = "try; using MinPy; catch e; print(sprint(showerror, e)); end"
said = withenv("MINPY_LIBRARY" => "/nowhere/libminpy.so") do
    read(`$(Base.julia_cmd()) --startup-file=no --project=$project -e $program`, String)
end
@test occursin("/nowhere/libminpy.so: no such file", said)
