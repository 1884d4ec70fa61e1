# Random streams. The operators themselves are in np.

"""
    Rng(seed, stream = 0)

A random stream, for [`with_rng`](@ref): `with_rng(Rng(7)) do … end`.
"""
function Rng(seed::Integer, stream::Integer=0)
    out = Ref{API.minpy_rng}(C_NULL)
    check(API.minpy_rng_new(seed % UInt64, stream % UInt64, out))
    released_by(API.minpy_rng_release, Rng(out[]))
end

"`split(rng, n)`: `n` independent streams."
function Base.split(rng::Rng, n::Integer)
    out = fill(API.minpy_rng(C_NULL), n)
    check(API.minpy_rng_split(rng, n, out))
    [released_by(API.minpy_rng_release, Rng(h)) for h in out]
end

"Sets the random stream of this task: `seed!(7)`."
function seed!(seed::Integer)
    c = context()
    rng = Rng(seed)
    set_rng(c, rng)
    c.rng = rng
end

"Seed, stream and counter of a random stream."
state(rng::Rng) = (words = Base.zeros(UInt64, 3); check(API.minpy_rng_state(rng, words, 0)); words)
restore!(rng::Rng, words::Vector{UInt64}) = (check(API.minpy_rng_state(rng, words, 1)); rng)

"`rand(T, dims...)`: uniform numbers in [0, 1) from this task's random stream."
rand(::Type{T}, dims::Integer...) where {T} = astype(np.random.uniform(; size=dims), T)
rand(dims::Integer...) = rand(Float64, dims...)
"`randn(T, dims...)`: normal numbers from this task's random stream."
randn(::Type{T}, dims::Integer...) where {T} = astype(np.random.normal(; size=dims), T)
randn(dims::Integer...) = randn(Float64, dims...)
