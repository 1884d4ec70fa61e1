"""
NumPy's arrays on CPU and GPU, with gradients and symbol graphs: the Julia face of libminpy.

An [`MPArray`](@ref) is an `AbstractArray` that computes by broadcasting and by the usual functions; `MinPy.np` holds
every operator under NumPy's name. Indices and dimensions count from 1, arrays keep their shapes.
"""
module MinPy

using Libdl, LinearAlgebra, Statistics

export MPArray, BFloat16, MinPyError, np, free!, scope, allowscalar, @allowscalar
export gradient, value_and_gradient, pullback, jvp
export Device, with_device, with_policy, with_training, with_rng, device, devices, to_device

include("libminpy_api.jl")  # generated: the C functions
include("library.jl")       # where libminpy is
include("errors.jl")        # a status becomes an exception
include("dtypes.jl")
include("json.jl")
include("context.jl")       # where and how calls run, per task
include("array.jl")
include("invoke.jl")        # arguments in, results out
include("operators.jl")     # generated: np, every operator
include("indexing.jl")
include("broadcast.jl")
include("functions.jl")     # Julia's names for what operators do
include("linalg.jl")
include("gradient.jl")
include("callbacks.jl")     # Julia functions as operators
include("symbols.jl")
include("files.jl")
include("random.jl")
include("report.jl")        # what ran where, memory, profile

function __init__()
    load_library()
    set_reclaim()
    atexit(() -> API.minpy_shutdown())
end

end
