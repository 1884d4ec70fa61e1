# f.(x, y): the tree of a dotted expression is walked and each function runs as an operator over whole arrays. Julia
# aligns dimensions from the first one, NumPy from the last: shorter operands get dimensions of length one behind.

struct MPStyle{N} <: Broadcast.AbstractArrayStyle{N} end
MPStyle{N}(::Val{M}) where {N,M} = MPStyle{M}()
MPStyle(::Val{N}) where {N} = MPStyle{N}()
Base.BroadcastStyle(::Type{<:MPArray{T,N}}) where {T,N} = MPStyle{N}()

Base.copy(b::Broadcast.Broadcasted{<:MPStyle}) = evaluate(b)

function Base.copyto!(x::MPArray, b::Broadcast.Broadcasted{<:MPStyle})
    args = map(evaluate, b.args)
    into!(x, b.f, args)
end
Base.copyto!(x::MPArray, b::Broadcast.Broadcasted{<:Broadcast.AbstractArrayStyle{0}}) = into!(x, b.f, map(evaluate, b.args))
Base.copyto!(x::MPArray, b::Broadcast.Broadcasted) = into!(x, b.f, map(evaluate, b.args))

function into!(x, f, args)
    y = apply(f, args)
    v = y isa MPArray ? aligned(y, ndims(x)) : y
    put_items!(x, (Ellipsis(),), v)
end

evaluate(b::Broadcast.Broadcasted) = apply(b.f, map(evaluate, b.args))
evaluate(e::Broadcast.Extruded) = evaluate(e.x)
evaluate(x::Union{MPArray,Number,Base.RefValue,Type,Function}) = x
evaluate(x::AbstractArray{<:Any,0}) = x[]
evaluate(x::AbstractArray) = MPArray(x)
evaluate(x::Tuple) = MPArray(collect(x))
evaluate(x) = x

function apply(f, args)
    any(a -> a isa MPArray, args) || return f(map(a -> a isa Base.RefValue ? a[] : a, args)...)
    n = maximum(a isa MPArray ? ndims(a) : 0 for a in args)
    elementwise(f, map(a -> a isa MPArray ? aligned(a, n) : a isa Base.RefValue ? a[] : a, args)...)
end

aligned(x::MPArray, n) = ndims(x) in (0, n) ? x : take_items(x, (Ellipsis(), ntuple(_ -> NewAxis(), n - ndims(x))...))

"""
    elementwise(f, args...)

What `f.(args...)` computes when some arguments are MPArrays: add a method to make a function of yours known.
Functions without one are called once, with stand-ins for the elements on which arithmetic runs over whole arrays.
"""
elementwise(f, args...) = stand_in_call(f, args...)

# Operators that Julia knows by the same name.
const names_that_differ = Set(["maximum", "minimum", "round", "mod", "ldexp", "divmod", "modf", "frexp", "angle"])
for name in elementwise_names
    f = Symbol(name)
    if isdefined(Base, f) && getfield(Base, f) isa Function && !(name in names_that_differ)
        @eval elementwise(::typeof(Base.$f), args...) = np.$f(args...)
    end
end

# Operators that Julia calls otherwise.
const julia_names = [
    (:+, :add), (:-, :subtract), (:*, :multiply), (:/, :true_divide), (:^, :power), (:mod, :remainder), (:rem, :fmod),
    (:fld, :floor_divide), (:(==), :equal), (:!=, :not_equal), (:<, :less), (:<=, :less_equal), (:>, :greater),
    (:>=, :greater_equal), (:&, :bitwise_and), (:|, :bitwise_or), (:xor, :bitwise_xor), (:~, :invert), (:!, :logical_not),
    (:max, :maximum), (:min, :minimum), (:ifelse, :where), (:round, :rint), (:conj, :conjugate), (:inv, :reciprocal),
    (:asin, :arcsin), (:acos, :arccos), (:asinh, :arcsinh), (:acosh, :arccosh), (:atanh, :arctanh), (:abs, :absolute),
    (:<<, :left_shift), (:>>, :right_shift), (:isequal, :equal),
]
for (f, name) in julia_names
    @eval elementwise(::typeof($f), args...) = np.$name(args...)
end

elementwise(::typeof(+), x) = x
elementwise(::typeof(-), x) = np.negative(x)
elementwise(f::Union{typeof(+),typeof(*),typeof(max),typeof(min)}, x, y, z, more...) =
    elementwise(f, elementwise(f, x, y), z, more...)
elementwise(::typeof(\), x, y) = np.true_divide(y, x)
elementwise(::typeof(atan), x) = np.arctan(x)
elementwise(::typeof(atan), x, y) = np.arctan2(x, y)
elementwise(::typeof(div), x, y) = np.floor_divide(np.subtract(x, np.fmod(x, y)), y)
elementwise(::typeof(exp10), x) = np.power(10.0, x)
elementwise(::typeof(abs2), x) = eltype(x) <: Complex ? np.square(np.absolute(x)) : np.square(x)
elementwise(::typeof(clamp), x, low, high) = np.minimum(np.maximum(x, low), high)
elementwise(::Union{typeof(muladd),typeof(fma)}, x, y, z) = np.add(np.multiply(x, y), z)
elementwise(::typeof(identity), x) = copy(x)
elementwise(::typeof(iszero), x) = np.equal(x, 0)
elementwise(::typeof(isone), x) = np.equal(x, 1)
elementwise(::typeof(zero), x) = np.multiply(x, 0)
elementwise(::typeof(sqrt), x) = np.sqrt(x)
elementwise(::typeof(float), x) = eltype(x) <: Union{Integer,Bool} ? astype(x, Float64) : x
elementwise(::typeof(complex), x, y) = np.add(x, np.multiply(y, complex(0.0, 1.0)))
elementwise(::Type{T}, x) where {T<:Element} = astype(x, T)
elementwise(::typeof(convert), ::Type{T}, x) where {T<:Element} = astype(x, T)
elementwise(::typeof(log), base, x) = np.true_divide(np.log(x), np.log(base))
elementwise(::typeof(Base.literal_pow), ::typeof(^), x, ::Val{2}) = np.square(x)
elementwise(::typeof(Base.literal_pow), ::typeof(^), x, ::Val{p}) where {p} = np.power(x, p < 0 ? float(p) : p)

# ---- any other function: its argument stands for each element

"Stands for every element of an array while a function without an operator is called."
struct Elements <: Number
    array::Any  # an MPArray, or the number that a 0-d result became
end
unwrapped(x::Elements) = x.array
unwrapped(x) = x
stand_in(x::MPArray) = Elements(x)
stand_in(x) = x

function stand_in_call(f, args...)
    y = try
        f(map(stand_in, args)...)
    catch e
        e isa Union{MethodError,TypeError} || rethrow()
        throw(ArgumentError("$f cannot run over whole arrays: $(sprint(showerror, e)); use ifelse instead of if, or map over Array(x)"))
    end
    y isa Elements ? y.array : y
end

on_elements(f, args...) = Elements(apply(f, map(unwrapped, args)))

const element_functions = union(
    [Symbol(name) for name in elementwise_names if isdefined(Base, Symbol(name)) && !(name in names_that_differ)],
    [f for (f, _) in julia_names], [:\, :atan, :div, :exp10, :abs2, :muladd, :fma, :clamp, :iszero, :isone, :float])
for f in setdiff(element_functions, [:ifelse, :(!=), :isequal])
    getfield(Base, f) isa Function || continue
    @eval Base.$f(x::Elements) = on_elements($f, x)
    @eval Base.$f(x::Elements, y::Elements) = on_elements($f, x, y)
    @eval Base.$f(x::Elements, y::Number) = on_elements($f, x, y)
    @eval Base.$f(x::Number, y::Elements) = on_elements($f, x, y)
end
Base.:^(x::Elements, y::Integer) = on_elements(^, x, y)
Base.:^(x::Elements, y::Rational) = on_elements(^, x, y)
Base.literal_pow(::typeof(^), x::Elements, p::Val) = Elements(elementwise(Base.literal_pow, ^, x.array, p))
Base.zero(x::Elements) = on_elements(zero, x)
Base.one(x::Elements) = one(eltype(x.array))
