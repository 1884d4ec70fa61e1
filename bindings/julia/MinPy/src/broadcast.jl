# f.(x, y): the tree of a dotted expression is walked and each function runs as an operator over whole arrays. Julia
# aligns dimensions from the first one, NumPy from the last: shorter operands get dimensions of length one behind.

struct MPStyle{N} <: Broadcast.AbstractArrayStyle{N} end
MPStyle{N}(::Val{M}) where {N,M} = MPStyle{M}()
MPStyle(::Val{N}) where {N} = MPStyle{N}()
Base.BroadcastStyle(::Type{<:MPArray{T,N}}) where {T,N} = MPStyle{N}()

Base.copy(b::Broadcast.Broadcasted{<:MPStyle}) = evaluate(b)

for style in (Broadcast.AbstractArrayStyle, Broadcast.AbstractArrayStyle{0}, MPStyle)
    @eval Base.copyto!(x::MPArray, b::Broadcast.Broadcasted{<:$style}) = into!(x, b.f, map(evaluate, b.args))
end

# The outermost operator writes straight into the array.
function into!(x, f, args)
    args = prepared(args, ndims(x))
    operator = any(a -> a isa MPArray, args) ? operator_of(f, length(args)) : nothing
    if operator !== nothing
        operator(args...; out=x, casting=:unsafe)
    else
        y = apply(f, args)
        put_items!(x, (Ellipsis(),), y isa MPArray ? aligned(y, ndims(x)) : y)
    end
    x
end

evaluate(b::Broadcast.Broadcasted) = apply(b.f, map(evaluate, b.args))
evaluate(e::Broadcast.Extruded) = evaluate(e.x)
evaluate(x::Union{MPArray,Number,Base.RefValue,Type,Function}) = x
evaluate(x::AbstractArray{<:Any,0}) = x[]
evaluate(x::AbstractArray) = MPArray(x)
evaluate(x::Tuple) = MPArray(collect(x))
evaluate(x) = x

function apply(f, args)
    any(a -> a isa MPArray, args) || return f(prepared(args, 0)...)
    elementwise(f, prepared(args, maximum(a isa MPArray ? ndims(a) : 0 for a in args))...)
end
prepared(args, n) = map(a -> a isa MPArray ? aligned(a, n) : a isa Base.RefValue ? a[] : a, args)

aligned(x::MPArray, n) = ndims(x) in (0, n) ? x : take_items(x, (Ellipsis(), ntuple(_ -> NewAxis(), n - ndims(x))...))

"""
    elementwise(f, args...)

What `f.(args...)` computes when some arguments are MPArrays: add a method to make a function of yours known.
Functions without one are called once, with stand-ins for the elements on which arithmetic runs over whole arrays.
"""
function elementwise(f, args...)
    operator = operator_of(f, length(args))
    operator === nothing ? stand_in_call(f, args...) : operator(args...)
end

# The operator that is a function of `n` arguments, or nothing.
operator_of(f, n) = nothing

# Those that Julia knows by the same name; a few names mean something else in Julia.
const names_that_differ = Set(["maximum", "minimum", "round", "mod", "ldexp", "divmod", "modf", "frexp", "angle", "conj"])
const same_names = [Symbol(name) for name in elementwise_names if isdefined(Base, Symbol(name)) &&
                    getfield(Base, Symbol(name)) isa Function && !(name in names_that_differ)]

# Those that Julia calls otherwise.
const other_names = [
    (:/, :divide), (:^, :power), (:mod, :remainder), (:rem, :fmod),
    (:fld, :floor_divide), (:(==), :equal), (:!=, :not_equal), (:<, :less), (:<=, :less_equal), (:>, :greater),
    (:>=, :greater_equal), (:&, :bitwise_and), (:|, :bitwise_or), (:xor, :bitwise_xor), (:~, :invert), (:!, :logical_not),
    (:ifelse, :where), (:round, :rint), (:conj, :conjugate), (:inv, :reciprocal),
    (:asin, :arcsin), (:acos, :arccos), (:asinh, :arcsinh), (:acosh, :arccosh), (:atanh, :arctanh), (:abs, :absolute),
    (:<<, :left_shift), (:>>, :right_shift),
]
for (f, name) in [[(name, name) for name in same_names]; other_names]
    isdefined(np, name) && @eval operator_of(::typeof(Base.$f), n) = np.$name
end
operator_of(::typeof(+), n) = n == 1 ? np.positive : n == 2 ? np.add : nothing
operator_of(::typeof(-), n) = n == 1 ? np.negative : np.subtract
operator_of(::typeof(*), n) = n == 2 ? np.multiply : nothing
operator_of(::typeof(max), n) = n == 2 ? np.maximum : nothing
operator_of(::typeof(min), n) = n == 2 ? np.minimum : nothing
operator_of(::typeof(atan), n) = n == 1 ? np.arctan : np.arctan2

# What takes more than one operator.
elementwise(f::Union{typeof(+),typeof(*),typeof(max),typeof(min)}, x, y, z, more...) =
    elementwise(f, elementwise(f, x, y), z, more...)
elementwise(::typeof(\), x, y) = np.divide(y, x)
elementwise(::typeof(div), x, y) = np.floor_divide(np.subtract(x, np.fmod(x, y)), y)
elementwise(::typeof(exp10), x) = np.power(10.0, x)
elementwise(::typeof(abs2), x) = eltype(x) <: Complex ? np.square(np.absolute(x)) : np.square(x)
elementwise(::typeof(clamp), x, low, high) = np.minimum(np.maximum(x, low), high)
elementwise(::Union{typeof(muladd),typeof(fma)}, x, y, z) = np.add(np.multiply(x, y), z)
elementwise(::typeof(identity), x) = copy(x)
elementwise(::typeof(iszero), x) = np.equal(x, 0)
elementwise(::typeof(isone), x) = np.equal(x, 1)
elementwise(::typeof(zero), x) = np.multiply(x, 0)
elementwise(::typeof(float), x) = eltype(x) <: Union{Integer,Bool} ? astype(x, Float64) : x
elementwise(::typeof(complex), x, y) = np.add(x, np.multiply(y, complex(0.0, 1.0)))
elementwise(::Type{T}, x) where {T<:Element} = astype(x, T)
elementwise(::typeof(convert), ::Type{T}, x) where {T<:Element} = astype(x, T)
elementwise(::typeof(log), base, x) = np.divide(np.log(x), np.log(base))
elementwise(::typeof(Base.literal_pow), ::typeof(^), x, ::Val{2}) = np.square(x)
elementwise(::typeof(Base.literal_pow), ::typeof(^), x, ::Val{p}) where {p} = np.power(x, p < 0 ? float(p) : p)

# ---- any other function: its argument stands for each element

"Stands for every element of an array while a function without an operator is called."
struct Elements <: Number
    array::MPArray
    Elements(array::MPArray) = new(array)
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

on_elements(f, args...) = stand_in(apply(f, map(unwrapped, args)))

const element_functions = union(same_names, [f for (f, name) in other_names if isdefined(np, name)],
                                [:+, :-, :*, :max, :min, :\, :atan, :div, :exp10, :abs2, :muladd, :fma, :clamp, :iszero, :isone, :float])
for f in setdiff(element_functions, [:ifelse, :(!=)])
    @eval Base.$f(x::Elements) = on_elements($f, x)
    @eval Base.$f(x::Elements, y::Elements) = on_elements($f, x, y)
    @eval Base.$f(x::Elements, y::Number) = on_elements($f, x, y)
    @eval Base.$f(x::Number, y::Elements) = on_elements($f, x, y)
end
Base.:^(x::Elements, y::Integer) = on_elements(^, x, y)
Base.:^(x::Elements, y::Rational) = on_elements(^, x, y)
Base.literal_pow(::typeof(^), x::Elements, p::Val) = stand_in(elementwise(Base.literal_pow, ^, x.array, p))
Base.:^(::Irrational{:ℯ}, x::Elements) = on_elements(exp, x)
Base.zero(x::Elements) = on_elements(zero, x)
Base.one(x::Elements) = one(eltype(x.array))
