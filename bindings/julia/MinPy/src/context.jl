# Where and how calls run. Tasks move between threads, so each has a context of its own, which goes into every call.

"A device: `Device(:cpu)`, `Device(:cuda, 0)`."
struct Device
    kind::Int32
    index::Int32
end
const device_kinds = (cpu=API.MINPY_CPU, cuda=API.MINPY_CUDA, extension=API.MINPY_EXTENSION)

Device(kind::Symbol, index::Integer=0) =
    haskey(device_kinds, kind) ? Device(device_kinds[kind], index) :
    throw(ArgumentError("no kind of device is called $kind; there are: $(join(keys(device_kinds), ", "))"))
Base.convert(::Type{API.minpy_device}, d::Device) = API.minpy_device(d.kind, d.index)
Base.convert(::Type{Device}, d::API.minpy_device) = Device(d.kind, d.index)
Base.convert(::Type{Device}, kind::Symbol) = Device(kind)

function Base.show(io::IO, d::Device)
    for (name, number) in pairs(device_kinds)
        number == d.kind && return print(io, "Device(:", name, ", ", d.index, ")")
    end
    print(io, "Device(", d.kind, ", ", d.index, ")")
end

# A handle that its finalizer releases: release neither blocks nor calls back.
abstract type Handle end
function released_by(release, x::Handle)
    finalizer(x) do x
        h = x.handle
        x.handle = C_NULL
        release(h)
    end
end
handle(x::Handle) = x.handle == C_NULL ? throw(ArgumentError("this $(typeof(x)) has been freed")) : x.handle
Base.cconvert(::Type{<:Ptr}, x::Handle) = x
Base.unsafe_convert(::Type{P}, x::Handle) where {P<:Ptr} = handle(x)::P

mutable struct Tape <: Handle
    handle::API.minpy_tape
end
function Tape()
    out = Ref{API.minpy_tape}(C_NULL)
    as_current(() -> check(API.minpy_tape_new(0, out)))
    released_by(API.minpy_tape_release, Tape(out[]))
end

"A random stream: equal seeds and streams give equal numbers on every device."
mutable struct Rng <: Handle
    handle::API.minpy_rng
end

# tape, rng, … are kept here too: the context only borrows them.
mutable struct Context <: Handle
    handle::API.minpy_context
    device::Device
    policy::Int32
    fallback::Int32
    training::Bool
    tape::Union{Nothing,Tape}
    rng::Union{Nothing,Rng}
    created::Union{Nothing,Vector{WeakRef}}  # arrays made in the innermost scope
end

function Context()
    out = Ref{API.minpy_context}(C_NULL)
    check(API.minpy_context_new(out))
    io = Ref(API.minpy_context_info())
    check(API.minpy_context_get_info(out[], io))
    i = io[]
    c = Context(out[], i.device, i.policy, i.fallback, i.training == 1, nothing, nothing, nothing)
    released_by(API.minpy_context_release, c)
end

"The context of this task: device, policy, tape and random stream of its calls."
context() = get!(Context, task_local_storage(), :MinPyContext)::Context

# Makes this task's context the thread's own while a C function runs that takes none.
function as_current(f)
    check(API.minpy_context_push(context()))
    try
        f()
    finally
        API.minpy_context_pop()
    end
end

function with_setting(f, set, c::Context, field::Symbol, value)
    old = getfield(c, field)
    set(c, value)
    setfield!(c, field, value)
    try
        f()
    finally
        set(c, old)
        setfield!(c, field, old)
    end
end

"""
    with_device(f, device)

Runs `f()` with `device` as the device of new arrays and of calls: `with_device(:cuda) do … end`.
"""
with_device(f, d) =
    with_setting(f, (c, v) -> check(API.minpy_context_set_device(c, v)), context(), :device, convert(Device, d))

set_tape(c, ::Nothing) = check(API.minpy_context_set_tape(c, C_NULL))
set_tape(c, tape) = check(API.minpy_context_set_tape(c, tape))
with_tape(f, tape) = with_setting(f, set_tape, context(), :tape, tape)

set_rng(c, rng) = check(API.minpy_context_set_rng(c, rng))

# The context's own stream goes when another takes its place, so it is continued by one that can come back.
function own_rng!(c)
    c.rng === nothing || return c.rng
    io = Ref(API.minpy_context_info())
    check(API.minpy_context_get_info(c, io))
    words = Base.zeros(UInt64, 3)
    check(API.minpy_rng_state(io[].rng, words, 0))
    c.rng = restore!(Rng(words[1], words[2]), words)
end

"""
    with_rng(f, rng)

Runs `f()` with `rng`, an [`Rng`](@ref) or a seed, as the random stream of its calls.
"""
with_rng(f, rng::Rng) = (own_rng!(context()); with_setting(f, set_rng, context(), :rng, rng))
with_rng(f, seed::Integer) = with_rng(f, Rng(seed))

"""
    with_training(f, training = true)

Runs `f()` with operators such as dropout training, or not.
"""
with_training(f, training::Bool=true) =
    with_setting(f, (c, v) -> check(API.minpy_context_set_training(c, v)), context(), :training, training)

const policies = (prefer_device=API.MINPY_POLICY_PREFER_DEVICE, only_cpu=API.MINPY_POLICY_ONLY_CPU,
                  only_device=API.MINPY_POLICY_ONLY_DEVICE)
const reactions = (allow=API.MINPY_FALLBACK_ALLOW, warn=API.MINPY_FALLBACK_WARN, error=API.MINPY_FALLBACK_ERROR)

one_of(what, choices, name) = haskey(choices, name) ? choices[name] :
    throw(ArgumentError("no $what is called $name; there are: $(join(keys(choices), ", "))"))

"""
    with_policy(f, policy; fallback)

Runs `f()` under a policy: `:prefer_device`, `:only_cpu` or `:only_device`. `fallback` says what happens when the
device has no kernel and the CPU runs it: `:allow` (and count), `:warn` or `:error`.

```julia
with_policy(:prefer_device; fallback = :error) do
    np.exp(x)
end
```
"""
function with_policy(f, policy::Symbol; fallback::Union{Nothing,Symbol}=nothing)
    c = context()
    old = (c.policy, c.fallback)
    new = (one_of("policy", policies, policy), fallback === nothing ? c.fallback : one_of("reaction", reactions, fallback))
    set((p, r)) = (check(API.minpy_context_set_policy(c, p, r)); (c.policy, c.fallback) = (p, r))
    set(new)
    try
        f()
    finally
        set(old)
    end
end
