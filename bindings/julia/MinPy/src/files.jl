# NumPy's files: shapes and indices are the same here and there.

"""
    save(path, x)
    save(path, arrays; compress = false)

Writes an array to an `.npy` file, or arrays by name (a `Dict` or pairs) to an `.npz` file.
"""
save(path::AbstractString, x::AbstractArray) = check(API.minpy_npy_save(path, stored(x)))
save(path::AbstractString, x::Pair...; keywords...) = save(path, Dict(x...); keywords...)
function save(path::AbstractString, arrays::Union{AbstractDict,NamedTuple}; compress::Bool=false)
    names = String[string(k) for k in keys(arrays)]
    xs = MPArray[stored(x) for x in values(arrays)]
    GC.@preserve xs check(API.minpy_npz_save(path, names, handles_of(xs), length(xs), compress ? API.MINPY_NPZ_COMPRESS : 0))
end

# NumPy takes a file for column-major only if its header says so.
stored(x::MPArray) = x
stored(x) = MPArray(x)

"""
    load(path)

Reads an array from an `.npy` file, or a `Dict` of arrays from an `.npz` file.
"""
function load(path::AbstractString)
    endswith(path, ".npz") || return take_array(API.minpy_npy_load, path)
    out = Ref{API.minpy_archive}(C_NULL)
    check(API.minpy_npz_open(path, out))
    try
        names = [unsafe_string(API.minpy_archive_name(out[], i)) for i in 0:API.minpy_archive_count(out[])-1]
        Dict{String,MPArray}(name => take_array(API.minpy_archive_get, out[], name) for name in names)
    finally
        API.minpy_archive_release(out[])
    end
end
