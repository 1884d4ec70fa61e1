# Julia's names, and Julia's conventions where they differ from NumPy's: reductions over `dims` keep them, reshaping
# goes column by column, positions count from 1.

astype(x::MPArray{T}, ::Type{T}) where {T} = x
astype(x::MPArray, ::Type{T}) where {T} = np.astype(x, T)
Base.float(x::MPArray) = elementwise(float, x)
Base.copy(x::MPArray) = np.copy(x)
Base.deepcopy_internal(x::MPArray, seen::IdDict) = get!(() -> copy(x), seen, x)
Base.identity(x::MPArray) = x
Base.real(x::MPArray) = real.(x)
Base.imag(x::MPArray) = imag.(x)
Base.conj(x::MPArray) = conj.(x)
Base.:-(x::MPArray) = np.negative(x)
Base.:+(x::MPArray) = x
Base.map(f, x::MPArray, more::MPArray...) = f.(x, more...)

# ---- reductions

over(f, x, ::Colon; keywords...) = f(x; keywords...)
over(f, x, dims; keywords...) = f(x; dims=dims, keepdims=true, keywords...)

for (name, operator) in [(:sum, :sum), (:prod, :prod), (:maximum, :max), (:minimum, :min), (:any, :any), (:all, :all)]
    @eval Base.$name(x::MPArray; dims=:) = over(np.$operator, x, dims)
    @eval Base.$name(f::Function, x::MPArray; dims=:) = over(np.$operator, f.(x), dims)
end
for (f, name) in [(:+, :sum), (:*, :prod), (:max, :maximum), (:min, :minimum), (:|, :any), (:&, :all)]
    @eval Base.reduce(::typeof($f), x::MPArray; dims=:) = $name(x; dims=dims)
    @eval Base.mapreduce(f, ::typeof($f), x::MPArray; dims=:) = $name(f.(x); dims=dims)
end
Base.count(x::MPArray{Bool}; dims=:) = over(np.sum, x, dims)
Base.count(f, x::MPArray; dims=:) = over(np.sum, f.(x), dims)
Base.extrema(x::MPArray; dims=:) = dims isa Colon ? (minimum(x), maximum(x)) :
    throw(ArgumentError("extrema of an MPArray takes no dims; use minimum and maximum"))
Base.cumsum(x::MPArray; dims::Integer=only_dimension(x)) = np.cumsum(x; dims=dims)
Base.cumprod(x::MPArray; dims::Integer=only_dimension(x)) = np.cumprod(x; dims=dims)
only_dimension(x) = ndims(x) == 1 ? 1 : throw(ArgumentError("dims is needed for an array of $(ndims(x)) dimensions"))

Statistics.mean(x::MPArray; dims=:) = over(np.mean, x, dims)
Statistics.mean(f, x::MPArray; dims=:) = over(np.mean, f.(x), dims)
Statistics.var(x::MPArray; corrected::Bool=true, dims=:) = over(np.var, x, dims; ddof=Int(corrected))
Statistics.std(x::MPArray; corrected::Bool=true, dims=:) = over(np.std, x, dims; ddof=Int(corrected))

# ---- positions

position(x, k) = ndims(x) == 1 ? Int(k) + 1 : CartesianIndices(x)[Int(k) + 1]
plain(x::MPNumber) = item(x)
plain(x) = x
Base.argmax(x::MPArray) = position(x, plain(np.argmax(flat(x))))
Base.argmin(x::MPArray) = position(x, plain(np.argmin(flat(x))))
Base.findmax(x::MPArray) = (maximum(x), argmax(x))
Base.findmin(x::MPArray) = (minimum(x), argmin(x))
Base.findall(x::MPArray{Bool}) = findall(Array(x))
Base.findall(f::Function, x::MPArray) = findall(f.(x))
Base.findall(f::Base.Fix2{typeof(in)}, x::MPArray) = findall(f, Array(x))
Base.findfirst(x::MPArray{Bool}) = findfirst(Array(x))
Base.sortperm(x::MPVector) = np.add(np.argsort(x; kind="stable"), 1)

# ---- shape

Base.reshape(x::MPArray, dims::Dims) = reshape_to(x, dims)
Base.reshape(x::MPArray, dims::Union{Int,Colon}...) = reshape(x, dims)
Base.reshape(x::MPVector, ::Colon) = x
function Base.reshape(x::MPArray, dims::Tuple{Vararg{Union{Int,Colon}}})
    known = prod(Int[d for d in dims if d isa Int])
    count(d -> d isa Colon, dims) == 1 && known > 0 || throw(ArgumentError("dimensions $dims leave more than one unknown"))
    reshape_to(x, map(d -> d isa Colon ? length(x) ÷ known : d, dims))
end
function reshape_to(x, dims)
    prod(dims) == length(x) ||
        throw(DimensionMismatch("new dimensions $dims must be consistent with array size $(length(x))"))
    np.reshape(x, dims; order="F")
end
Base.vec(x::MPArray) = flat(x)
Base.permutedims(x::MPArray, p) = copy(np.transpose(x; dims=Tuple(p)))
Base.permutedims(x::MPMatrix) = permutedims(x, (2, 1))
Base.permutedims(x::MPVector) = reshape(x, 1, :)
Base.transpose(x::MPMatrix) = np.transpose(x)
Base.transpose(x::MPVector) = reshape(x, 1, :)
Base.adjoint(x::MPVecOrMat{<:Real}) = transpose(x)
Base.adjoint(x::MPVecOrMat) = conj.(transpose(x))
Base.dropdims(x::MPArray; dims) = np.squeeze(x; dims=dims)
Base.reverse(x::MPVector) = np.flip(x; dims=1)
Base.reverse(x::MPArray; dims=:) = np.flip(x; dims=dims)
Base.circshift(x::MPArray, shifts::Integer) = np.roll(x, shifts; dims=1)
Base.circshift(x::MPArray, shifts::NTuple{N,Integer}) where {N} = np.roll(x, shifts; dims=Tuple(1:length(shifts)))
Base.sort(x::MPVector; rev::Bool=false) = rev ? reverse(np.sort(x)) : np.sort(x)
Base.sort(x::MPArray; dims::Integer, rev::Bool=false) = (y = np.sort(x; dims=dims); rev ? reverse(y; dims=dims) : y)
Base.repeat(x::MPVector, n::Integer) = np.tile(x, (n,))
Base.repeat(x::MPArray, counts::Integer...) = np.tile(with_ndims(x, length(counts)), counts)
with_ndims(x, n) = n <= ndims(x) ? x : aligned(x, n)
function Base.cat(xs::MPArray...; dims)
    d = dims isa Val ? typeof(dims).parameters[1] : dims
    np.concatenate([with_ndims(x, d) for x in xs]; dims=d)
end
Base.vcat(xs::MPArray...) = cat(xs...; dims=1)
Base.hcat(xs::MPArray...) = cat(xs...; dims=2)
Base.reduce(::typeof(vcat), xs::AbstractVector{<:MPArray}) = vcat(xs...)
Base.reduce(::typeof(hcat), xs::AbstractVector{<:MPArray}) = hcat(xs...)

# ---- comparison of whole arrays

Base.:(==)(x::MPArray, y::MPArray) = size(x) == size(y) && truth(all(x .== y))
Base.:(==)(x::MPArray, y::AbstractArray) = Array(x) == y
Base.:(==)(x::AbstractArray, y::MPArray) = x == Array(y)
Base.isequal(x::MPArray, y::MPArray) = isequal(Array(x), Array(y))
Base.isapprox(x::MPArray, y::MPArray; keywords...) = isapprox(Array(x), Array(y); keywords...)
Base.isapprox(x::MPArray, y::AbstractArray; keywords...) = isapprox(Array(x), y; keywords...)
Base.isapprox(x::AbstractArray, y::MPArray; keywords...) = isapprox(x, Array(y); keywords...)
Base.hash(x::MPArray, h::UInt) = hash(Array(x), h)
truth(x::Bool) = x
truth(x::MPNumber) = item(x) != 0

# ---- arrays without dimensions behave as numbers, so that `if`, `while` and formulas take them

const Numbers = Union{Number,MPNumber}
for f in (:+, :-, :*, :/, :^, :\, :div, :rem, :mod, :fld, :max, :min, :atan)
    @eval Base.$f(x::MPNumber, y::MPNumber) = apply($f, (x, y))
    @eval Base.$f(x::MPNumber, y::Number) = apply($f, (x, y))
    @eval Base.$f(x::Number, y::MPNumber) = apply($f, (x, y))
end
Base.:^(x::MPNumber, y::Integer) = apply(^, (x, y))
Base.:^(x::MPNumber, y::Rational) = apply(^, (x, y))
Base.literal_pow(::typeof(^), x::MPNumber, p::Val) = elementwise(Base.literal_pow, ^, x, p)
for f in (:+, :-, :*, :/, :\)
    @eval Base.$f(x::MPNumber, y::MPArray) = apply($f, (x, y))
    @eval Base.$f(x::MPArray, y::MPNumber) = apply($f, (x, y))
end
Base.:*(x::MPArray, y::MPNumber, more...) = *(apply(*, (x, y)), more...)
for f in (:(==), :<, :<=, :isless, :isequal)
    @eval Base.$f(x::MPNumber, y::MPNumber) = $f(item(x), item(y))
    @eval Base.$f(x::MPNumber, y::Number) = $f(item(x), y)
    @eval Base.$f(x::Number, y::MPNumber) = $f(x, item(y))
end
Base.isapprox(x::MPNumber, y::MPNumber; keywords...) = isapprox(item(x), item(y); keywords...)
Base.isapprox(x::MPNumber, y::Number; keywords...) = isapprox(item(x), y; keywords...)
Base.isapprox(x::Number, y::MPNumber; keywords...) = isapprox(x, item(y); keywords...)
for f in (:isnan, :isinf, :isfinite, :iszero, :isone, :signbit, :isinteger)
    @eval Base.$f(x::MPNumber) = $f(item(x))
end
for f in setdiff(element_functions, [:ifelse, :isnan, :isinf, :isfinite, :iszero, :isone, :signbit, :isinteger, :float,
                                     :real, :imag, :conj, :-, :+, :(!=), :isequal, :atan, :div, :\, :identity])
    @eval Base.$f(x::MPNumber) = elementwise($f, x)
end
Base.atan(x::MPNumber) = np.arctan(x)
(::Type{T})(x::MPNumber) where {T<:Union{Real,Complex}} = T(item(x))
Base.Bool(x::MPNumber) = Bool(item(x))
Base.convert(::Type{T}, x::MPNumber) where {T<:Number} = convert(T, item(x))
