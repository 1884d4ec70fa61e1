# Element types, by libminpy's numbers.

"The upper half of a `Float32`: its range with 8 bits of precision. Arithmetic is done in `Float32`."
primitive type BFloat16 <: AbstractFloat 16 end

function BFloat16(x::Float32)
    bits = reinterpret(UInt32, x)
    isnan(x) && return reinterpret(BFloat16, UInt16(bits >> 16 | 0x0040))
    reinterpret(BFloat16, (bits + 0x7fff + (bits >> 16 & 1)) >> 16 % UInt16)  # nearest, ties to even
end
BFloat16(x::BFloat16) = x
BFloat16(x::Real) = BFloat16(Float32(x))
BFloat16(x::Rational{S}) where {S} = BFloat16(Float32(x))
Base.Float32(x::BFloat16) = reinterpret(Float32, UInt32(reinterpret(UInt16, x)) << 16)
(::Type{T})(x::BFloat16) where {T<:Union{Float16,Float64,Integer}} = T(Float32(x))
Base.Bool(x::BFloat16) = Bool(Float32(x))
Base.promote_rule(::Type{BFloat16}, ::Type{<:Integer}) = BFloat16
Base.promote_rule(::Type{BFloat16}, ::Type{T}) where {T<:Union{Float32,Float64}} = T
Base.promote_rule(::Type{BFloat16}, ::Type{Float16}) = Float32
for op in (:+, :-, :*, :/, :^)
    @eval Base.$op(x::BFloat16, y::BFloat16) = BFloat16($op(Float32(x), Float32(y)))
end
for op in (:<, :<=, :(==), :isless)
    @eval Base.$op(x::BFloat16, y::BFloat16) = $op(Float32(x), Float32(y))
end
for op in (:-, :abs)
    @eval Base.$op(x::BFloat16) = BFloat16($op(Float32(x)))
end
for op in (:isnan, :isinf, :isfinite)
    @eval Base.$op(x::BFloat16) = $op(Float32(x))
end
Base.eps(::Type{BFloat16}) = BFloat16(Float32(0.0078125))
Base.show(io::IO, x::BFloat16) = print(io, "BFloat16(", Float32(x), ")")

const element_types = (Bool, Int8, Int16, Int32, Int64, UInt8, UInt16, UInt32, UInt64, Float16, Float32, Float64,
                       ComplexF32, ComplexF64, BFloat16)

"The element types that arrays can have."
const Element = Union{element_types...}

for (number, T) in enumerate(element_types)
    @eval dtype_number(::Type{$T}) = Int32($number)
end
dtype_number(::Type{T}) where {T} =
    throw(ArgumentError("no array has elements of type $T; there are: $(join(element_types, ", "))"))

element_type(number::Integer) = element_types[number]
