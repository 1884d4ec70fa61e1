# Julia's indexing in terms of NumPy's. Integers, ranges and colons are NumPy's basic indices. Arrays of indices select
# along their own dimension in Julia, together in NumPy: they are laid out as an open mesh. Masks and single indices
# count column by column in Julia, row by row in NumPy: they go through the transposed view.

# ---- single elements: slow one at a time, so they must be asked for

scalar_allowed() = get(task_local_storage(), :MinPyScalar, isinteractive())::Bool

"""
    allowscalar(flag)
    allowscalar(f)

Allows `x[i]` and `x[i] = v` of single elements in this task, or forbids them; or allows them while `f()` runs. Each
is a call of the library and, on a device, a transfer; so they are errors except in interactive use.
"""
allowscalar(flag::Bool=true) = (task_local_storage(:MinPyScalar, flag); nothing)
function allowscalar(f::Base.Callable)
    old = scalar_allowed()
    allowscalar(true)
    try
        f()
    finally
        allowscalar(old)
    end
end

"Allows single elements in an expression: `@allowscalar x[1, 2]`."
macro allowscalar(expression)
    :(allowscalar(() -> $(esc(expression))))
end

@noinline forbid_scalar() =
    error("an element at a time is slow on an MPArray; use whole-array functions, Array(x), or allow it: allowscalar(true)")
assert_scalar() = scalar_allowed() || forbid_scalar()

# ---- values of the C API

const whole = API.minpy_slice(slice_none, slice_none, slice_none)

basic(i::Integer) = Int64(i) - 1
basic(::Colon) = Slice(Ref(whole))
basic(::Base.Slice) = Slice(Ref(whole))
function basic(r::AbstractRange{<:Integer})
    isempty(r) && return Slice(0, 0, 1)
    start, stop, by = first(r) - 1, last(r) - 1, step(r)
    past = stop + sign(by)
    Slice(start, past < 0 ? slice_none : past, by)
end

const Basic = Union{Integer,Colon,Base.Slice,AbstractRange{<:Integer}}

# An index given to an operator: Julia's, or a list of them, as far as they are the same thing in both languages.
index_values(x::Tuple) = Values(map(index_value, x))
index_values(x) = index_values((x,))
index_value(x::Basic) = basic(x)
index_value(x::Bool) = x
index_value(x::Union{Ellipsis,NewAxis,MPArray}) = x
index_value(::Nothing) = NewAxis()
index_value(x::AbstractArray{Bool}) = MPArray(x)
index_value(x::AbstractArray{<:Integer}) = MPArray(Int64.(x) .- 1)

# x[items...] and x[items...] = v by NumPy's rules.
function take_items(x::MPArray, items)
    v = Values(items)
    GC.@preserve v as_current(() -> take_array(API.minpy_array_get, x, v.list, length(v.list)))
end

function put_items!(x::MPArray, items, number_or_array)
    v, kept = Values(items), owned(number_or_array)
    GC.@preserve v kept as_current(() -> check(API.minpy_array_set(x, v.list, length(v.list), Ref(value(kept)))))
    x
end

# ---- reading

"`x` with its dimensions reversed, a view."
reversed(x::MPArray) = ndims(x) < 2 ? x : np.transpose(x)

flat(x::MPArray) = ndims(x) == 1 ? x : np.reshape(x, (length(x),); order="F")

Base.getindex(x::MPNumber) = is_traced(x) ? x : item(x)
Base.getindex(x::MPArray) = length(x) == 1 ? getindex(flat(x), 1) : throw(BoundsError(x, ()))

function Base.getindex(x::MPArray, I...)
    J = fitted(x, Base.to_indices(x, I), I)
    J isa Tuple{Vararg{Integer}} && !is_traced(x) && assert_scalar()
    y = select(x, J)
    y isa MPNumber && !is_traced(y) ? item(y) : shares(x, y) ? copy(y) : y
end

"""
    view(x, indices...)

A window on `x`: writes are seen on both sides. Indices are integers, ranges and colons.
"""
function Base.view(x::MPArray, I...)
    J = fitted(x, Base.to_indices(x, I), I)
    all(j -> j isa Basic, J) || throw(ArgumentError("a view of an MPArray takes integers, ranges and colons; copy with x[...]"))
    select(x, J)
end

shares(x, y) = y isa MPArray && info(handle(x)).storage == info(handle(y)).storage

# One index for each dimension, checked; or one for all elements, or a mask of all.
function fitted(x::MPArray{T,N}, J, I) where {T,N}
    checkbounds(x, J...)
    length(J) > N && all(j -> j == 1, J[N+1:end]) && return J[1:N]
    length(J) == N || length(J) == 1 ? J :
        throw(ArgumentError("$(length(J)) indices for an array of $N dimensions; MPArrays take one for each, or one for all"))
end

function select(x::MPArray{T,N}, J) where {T,N}
    if length(J) == 1 && N != 1
        return select_flat(x, J[1])
    elseif length(J) == 1 && J[1] isa Base.LogicalIndex
        return take_items(x, (mask(J[1]),))
    elseif all(j -> j isa Basic, J)
        return take_items(x, map(basic, J))
    end
    # Basic indices first, then each array of indices along the dimension where it has come to stand.
    y = take_items(x, map(j -> j isa Basic ? basic(j) : Slice(Ref(whole)), J))
    d = 0
    for j in J
        if j isa Integer
            continue
        elseif j isa Basic
            d += 1
        else
            y = take_items(y, (ntuple(_ -> Slice(Ref(whole)), d)..., positions(j)))
            d += ndims(j)
        end
    end
    y
end

select_flat(x, j::Base.LogicalIndex) = take_items(reversed(x), (reversed(mask(j)),))
select_flat(x, j::Integer) = take_items(x, map(basic, Tuple(CartesianIndices(x)[j])))
select_flat(x, j::Basic) = take_items(flat(x), (basic(j),))
select_flat(x, j::AbstractArray) = take_items(flat(x), (positions(j),))

mask(j::Base.LogicalIndex) = j.mask isa MPArray ? j.mask : MPArray(j.mask)
positions(j::Base.LogicalIndex) = MPArray(Int64.(collect(j)) .- 1)
positions(j::AbstractArray{<:Integer}) = MPArray(Int64.(j) .- 1)
positions(j::MPArray{<:Integer}) = np.subtract(j, 1)

# Masks and indices that are MPArrays stay where they are.
Base.to_indices(x::MPArray, I::Tuple{MPArray{Bool}}) = (Base.LogicalIndex(I[1]),)
Base.checkbounds(::Type{Bool}, x::MPArray, j::Base.LogicalIndex{<:Any,<:MPArray}) =
    size(j.mask) == size(x) || length(j.mask) == length(x) && ndims(j.mask) == 1
Base.checkindex(::Type{Bool}, inds::AbstractUnitRange, j::MPArray{<:Integer}) =
    isempty(j) || (first(inds) <= minimum(j) && maximum(j) <= last(inds))

# ---- writing

writable(v::Union{MPArray,Number}) = v
writable(v::AbstractArray) = MPArray(v)

Base.setindex!(x::MPNumber, v) = put_items!(x, (Ellipsis(),), v)

function Base.setindex!(x::MPArray{T,N}, v, I...) where {T,N}
    J = fitted(x, Base.to_indices(x, I), I)
    J isa Tuple{Vararg{Integer}} && !is_traced(x) && !(v isa MPArray && is_traced(v)) && assert_scalar()
    store!(x, J, writable(v))
end

function store!(x::MPArray{T,N}, J, v) where {T,N}
    if length(J) == 1 && J[1] isa Base.LogicalIndex
        x_, m = N == 1 ? (x, mask(J[1])) : (reversed(x), reversed(mask(J[1])))
        put_items!(x_, (m,), v isa MPArray ? flat(v) : v)
    elseif length(J) == 1 && N != 1
        store_flat!(x, J[1], v)
    elseif all(j -> j isa Basic, J)
        lengths = Tuple(length(axis_of(x, d, j)) for (d, j) in enumerate(J) if !(j isa Integer))
        put_items!(x, map(basic, J), shaped(v, lengths))
    else
        # An open mesh: index d of n lies along its own dimension.
        lists = [j isa Integer ? nothing : vec(collect(Int, axis_of(x, d, j))) for (d, j) in enumerate(J)]
        n = count(!isnothing, lists)
        k = 0
        items = map(J, lists) do j, list
            list === nothing && return Int64(j) - 1
            k += 1
            MPArray(reshape(list .- 1, ntuple(d -> d == k ? length(list) : 1, n)))
        end
        put_items!(x, Tuple(items), shaped(v, Tuple(length(l) for l in lists if l !== nothing)))
    end
    x
end

axis_of(x, d, ::Colon) = 1:size(x, d)
axis_of(x, d, j) = j

store_flat!(x, j::Integer, v) = put_items!(x, map(basic, Tuple(CartesianIndices(x)[j])), v)
function store_flat!(x, j, v)
    all_ = CartesianIndices(x)
    at = vec([all_[i] for i in axis_of(x, nothing, j isa Union{Colon,Base.Slice} ? (1:length(x)) : j)])
    items = ntuple(d -> MPArray(Int64[i[d] - 1 for i in at]), ndims(x))
    put_items!(x, items, v isa MPArray ? flat(v) : v)
end

# The value of x[I...] = v: Julia compares the sizes without their ones, and never repeats elements but a number's.
function shaped(v::MPArray, lengths)
    ndims(v) == 0 && return v
    size(v) == lengths && return v
    filter(!=(1), size(v)) == filter(!=(1), lengths) ||
        throw(DimensionMismatch("an array of size $(size(v)) cannot be stored in a place of size $lengths"))
    np.reshape(v, lengths; order="F")
end
shaped(v, lengths) = v

Base.fill!(x::MPArray, v) = put_items!(x, (Ellipsis(),), v)
function Base.copyto!(x::MPArray, v::Union{MPArray,Array})
    size(x) == size(v) || throw(DimensionMismatch("an array of size $(size(v)) does not fit into one of $(size(x))"))
    put_items!(x, (Ellipsis(),), writable(v))
end

# `for` walks over a copy.
Base.iterate(x::MPArray) = (A = Array(x); next(A, iterate(A)))
Base.iterate(x::MPArray, (A, state)) = next(A, iterate(A, state))
next(A, step) = step === nothing ? nothing : (step[1], (A, step[2]))
