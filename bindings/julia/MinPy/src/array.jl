# The array: a handle with the shape beside it.

"""
    MPArray(A; device)

A copy of the array `A` that libminpy computes with. `Array(x)` copies back. Shapes and indices are the same on both
sides, and memory is column-major as Julia's.

Arrays are released when Julia collects them; [`free!`](@ref) and [`scope`](@ref) do it at once.

```julia
x = MPArray([1.0 2.0; 3.0 4.0])
sum(exp.(x) .+ x')
```
"""
mutable struct MPArray{T,N} <: AbstractArray{T,N}
    handle::API.minpy_array
    size::NTuple{N,Int}
    function MPArray{T,N}(handle, size) where {T,N}
        x = new{T,N}(handle, size)
        finalizer(free!, x)
        created = context().created
        created === nothing || push!(created, WeakRef(x))
        x
    end
end

const MPVector{T} = MPArray{T,1}
const MPMatrix{T} = MPArray{T,2}
const MPVecOrMat{T} = Union{MPVector{T},MPMatrix{T}}
"An array without dimensions: a number that a recording follows, or that lies on a device."
const MPNumber{T} = MPArray{T,0}

"""
    free!(x)

Releases the memory of `x` now instead of when Julia collects it. What else uses that memory is not disturbed.
"""
function free!(x::MPArray)
    h = x.handle
    x.handle = C_NULL
    API.minpy_array_release(h)
end

handle(x::MPArray) = x.handle == C_NULL ? throw(ArgumentError("this array has been freed")) : x.handle
Base.cconvert(::Type{API.minpy_array}, x::MPArray) = x
Base.unsafe_convert(::Type{API.minpy_array}, x::MPArray) = handle(x)

function info(h)
    io = Ref(API.minpy_array_info())
    check(API.minpy_array_get_info(h, io))
    io[]
end

# Owns a handle that the library gave.
function wrap(h::API.minpy_array)
    i = info(h)
    i.nbytes < 1 << 16 || account(i.nbytes)
    type = i.ndim < size(array_types, 2) ? array_types[i.dtype, i.ndim+1] : MPArray{element_type(i.dtype),Int(i.ndim)}
    wrap_as(type, h, i.shape)
end
wrap_as(::Type{MPArray{T,N}}, h, shape) where {T,N} = MPArray{T,N}(h, ntuple(d -> Int(unsafe_load(shape, d)), Val(N)))

# Looking a type up costs less than making it.
const array_types = [MPArray{T,N} for T in element_types, N in 0:8]

# Runs a C function that hands out an array, and wraps it.
function take_array(f, args...)
    out = Ref{API.minpy_array}(C_NULL)
    check(f(args..., out))
    wrap(out[])
end

Base.size(x::MPArray) = x.size
Base.IndexStyle(::Type{<:MPArray}) = IndexCartesian()
Base.elsize(::Type{<:MPArray{T}}) where {T} = sizeof(T)

"Strides in elements, as Julia counts."
Base.strides(x::MPArray{T,N}) where {T,N} =
    GC.@preserve x (i = info(handle(x)); ntuple(d -> Int(unsafe_load(i.strides, d)) ÷ sizeof(T), Val(N)))

"The device an array lies on."
device(x::MPArray) = GC.@preserve x convert(Device, info(handle(x)).device)

"Whether this task's recording follows the array."
is_traced(x::MPArray) = context().tape !== nothing && as_current(() -> API.minpy_array_is_traced(x)) == 1

# ---- to and from Julia's arrays

column_major(size, itemsize) = Int64[itemsize * stride for stride in (1, cumprod(collect(size))...)[1:length(size)]]

# An array whose dimensions were given in reverse, seen in order: its memory is column-major.
turned(x::MPVector) = x
turned(x::MPNumber) = x
turned(x::MPArray{T}) where {T} = as_strided(x, reverse(size(x)), column_major(reverse(size(x)), sizeof(T)))
function as_strided(x::MPArray, size, strides)
    y = take_array(API.minpy_array_as_strided, x, 0, collect(Int64, size), strides, length(size), 0)
    free!(x)
    y
end

from_host(A::Array{T}, size, d::Device) where {T} =
    take_array(API.minpy_array_from_host, A, collect(Int64, size), C_NULL, length(size), dtype_number(T), d)

MPArray(A::Array; device=context().device) = turned(from_host(A, reverse(size(A)), convert(Device, device)))
MPArray(A::AbstractArray{T,N}; device=context().device) where {T,N} = MPArray(Array{T,N}(A); device=device)
MPArray(x::T; device=context().device) where {T<:Number} = MPArray(fill(x); device=device)
MPArray(x::MPArray; device=nothing) = device === nothing ? copy(x) : to_device(x, device)
MPArray{T}(A::AbstractArray{S,N}; keywords...) where {T,S,N} = MPArray(Array{T,N}(A); keywords...)
MPArray{T}(x::Number; keywords...) where {T} = MPArray(convert(T, x); keywords...)
MPArray{T,N}(A::AbstractArray{S,N}; keywords...) where {T,S,N} = MPArray{T}(A; keywords...)
MPArray{T}(x::MPArray{S,N}; device=nothing) where {T,S,N} = device === nothing ? astype(x, T) : to_device(astype(x, T), device)
MPArray{T,N}(x::MPArray{S,N}; keywords...) where {T,S,N} = MPArray{T}(x; keywords...)
MPArray{T}(::UndefInitializer, dims::Integer...) where {T} = zeros(T, dims...)
MPArray{T}(::UndefInitializer, dims::Dims) where {T} = zeros(T, dims...)
MPArray{T,N}(::UndefInitializer, dims::Integer...) where {T,N} = zeros(T, dims...)
MPArray{T,N}(::UndefInitializer, dims::Dims{N}) where {T,N} = zeros(T, dims...)

Base.convert(::Type{T}, A::AbstractArray) where {T<:MPArray} = A isa T ? A : T(A)

"""
    from_rows(A, size)

An array whose elements are those of the vector `A`, row by row: the order of C and NumPy.
"""
function from_rows(A::Vector{T}, size::Dims; device=context().device) where {T}
    prod(size) == length(A) || throw(DimensionMismatch("$(length(A)) elements for an array of size $size"))
    from_host(A, size, convert(Device, device))
end

function Base.Array{T,N}(x::MPArray{T,N}) where {T,N}
    A = Array{T,N}(undef, size(x))
    copyto!(A, x)
end
Base.Array{T,N}(x::MPArray{S,N}) where {T,S,N} = Array{T,N}(Array{S,N}(x))
Base.Array{T}(x::MPArray{S,N}) where {T,S,N} = Array{T,N}(x)
Base.Array(x::MPArray{T,N}) where {T,N} = Array{T,N}(x)
Base.collect(x::MPArray) = Array(x)

function Base.copyto!(A::Array{T}, x::MPArray{T}) where {T}
    size(A) == size(x) || throw(DimensionMismatch("an array of size $(size(x)) does not fit into one of $(size(A))"))
    check(API.minpy_array_to_host(x, A, sizeof(A), column_major(size(A), sizeof(T))))
    A
end

"The only element, as a number of Julia's."
function item(x::MPArray)
    length(x) == 1 || throw(ArgumentError("an array of size $(size(x)) is no number"))
    out = Ref(API.minpy_value(API.MINPY_V_NONE, 0, 0))
    check(API.minpy_array_item(x, out))
    number = result(out[])
    API.minpy_values_release(out, 1)
    number
end

"""
    to_device(x, device)

`x` on a device: a copy, or `x` itself where it lies there already.
"""
to_device(x::MPArray, d) = take_array(API.minpy_array_to_device, x, convert(Device, d))

"`zeros(T, dims...)`: an array of zeros."
function zeros(::Type{T}, dims::Integer...; device=context().device) where {T}
    shape = collect(Int64, reverse(dims))
    turned(take_array(API.minpy_array_zeros, shape, length(shape), dtype_number(T), convert(Device, device)))
end
zeros(dims::Integer...; keywords...) = zeros(Float64, dims...; keywords...)

"`full(value, dims...)`: an array of one value."
full(value::Number, dims::Integer...; device=context().device) = fill!(zeros(typeof(value), dims...; device=device), value)
ones(::Type{T}, dims::Integer...; keywords...) where {T} = full(one(T), dims...; keywords...)
ones(dims::Integer...; keywords...) = ones(Float64, dims...; keywords...)

Base.similar(x::MPArray, ::Type{T}, dims::Dims) where {T} = zeros(T, dims...; device=device(x))
Base.zero(x::MPArray{T}) where {T} = zeros(T, size(x)...; device=device(x))
Base.one(x::MPNumber{T}) where {T} = MPArray(one(T); device=device(x))

# ---- memory lent by Julia

# What foreign code holds of Julia's is kept here until it says, by posting a semaphore, that it let go: the post may
# come from a finalizer or from a thread that Julia does not know, where no Julia code may run.
mutable struct Lent
    flag::Vector{UInt8}  # a uv_sem_t, on every platform smaller
    thing::Any
end
const lent = IdDict{Lent,Nothing}()
const lent_lock = ReentrantLock()

function lend(thing)
    l = Lent(Base.zeros(UInt8, 128), thing)
    ccall(:uv_sem_init, Cint, (Ptr{UInt8}, Cuint), l.flag, 0)
    lock(lent_lock) do
        filter!(kept -> ccall(:uv_sem_trywait, Cint, (Ptr{UInt8},), kept.first.flag) != 0, lent)
        lent[l] = nothing
    end
    l
end
payload(l::Lent) = convert(Ptr{Cvoid}, pointer(l.flag))
give_back() = cglobal(:uv_sem_post)

"""
    borrow(A; readonly = false)

An array on the memory of `A`, without a copy: writes on either side are seen on the other.
"""
function borrow(A::Array{T,N}; readonly::Bool=false) where {T,N}
    l = lend(A)
    take_array((out) -> API.minpy_array_borrow(A, collect(Int64, size(A)), column_major(size(A), sizeof(T)), N,
                                               dtype_number(T), Device(:cpu), readonly ? API.MINPY_BORROW_READONLY : 0,
                                               payload(l), give_back(), out))
end

# ---- scopes

"""
    scope(f)

Runs `f()` and frees the arrays that were made in it, at once, but those in its result.

```julia
loss = scope() do
    h = tanh.(x * w)      # freed
    sum(h .* h)
end
```
"""
function scope(f)
    c = context()
    outer = c.created
    made = c.created = WeakRef[]
    kept = IdDict{Any,Nothing}()
    try
        value = f()
        keep!(kept, value)
        value
    finally
        c.created = outer
        for reference in made
            x = reference.value
            x === nothing && continue
            haskey(kept, x) ? (outer === nothing || push!(outer, reference)) : free!(x)
        end
    end
end

keep!(kept, x::MPArray) = kept[x] = nothing
keep!(kept, x::Union{Tuple,NamedTuple,AbstractDict}) = foreach(v -> keep!(kept, v), values(x))
keep!(kept, x::AbstractArray) = isbitstype(eltype(x)) || foreach(v -> keep!(kept, v), x)
keep!(kept, x) = nothing

# ---- printing, by one copy

function Base.show(io::IO, ::MIME"text/plain", x::MPArray)
    x.handle == C_NULL && return print(io, "freed ", typeof(x))
    summary(io, x)
    device(x) == Device(:cpu) || print(io, " on ", device(x))
    is_traced(x) && print(io, ", recorded")
    isempty(x) && return
    println(io, ":")
    Base.print_array(IOContext(io, :typeinfo => eltype(x)), Array(x))
end
Base.show(io::IO, x::MPArray) = x.handle == C_NULL ? print(io, "freed ", typeof(x)) : print(io, "MPArray(", Array(x), ")")
Base.show(io::IO, x::MPNumber) = x.handle == C_NULL ? print(io, "freed ", typeof(x)) : show(io, item(x))
