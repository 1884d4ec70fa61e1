# Derivatives: a tape records what a function computes from the arrays passed to it.

# The arrays that the function is called with: the caller's own, so that what it reads through a closure counts too, or
# stand-ins where the library wants another handle (an array passed twice, or followed by an outer recording).
function watch(tape::Tape, xs)
    handles = API.minpy_array[handle(x) for x in xs]
    out = fill(API.minpy_array(C_NULL), length(handles))
    # On the tape, so that it knows which one is around it.
    GC.@preserve xs on_tape(() -> check(API.minpy_tape_watch(tape, handles, length(handles), out)), tape)
    map(enumerate(xs)) do (i, x)
        out[i] == x.handle || return wrap(out[i])
        API.minpy_array_release(out[i])
        x
    end
end

differentiable(x::MPArray) = x
differentiable(x::Number) = MPArray(float(x))
differentiable(x::AbstractArray) = MPArray(float(x))
differentiable(x) = throw(ArgumentError("gradients are taken of arrays and numbers, not of a $(typeof(x))"))

# Numbers come back as numbers, Julia's arrays as arrays of ours.
as_given(::Number, g::MPNumber) = is_traced(g) ? g : item(g)
as_given(x, g) = g

heads_of(y::MPArray) = (y,)
heads_of(y::Tuple{Vararg{MPArray}}) = y
heads_of(y::Number) = (MPArray(float(y)),)  # does not depend on the arguments
heads_of(y) = throw(ArgumentError("the function must return an array, or a tuple of arrays, not a $(typeof(y))"))

struct Recording{X,Y}
    tape::Tape
    given::X
    watched::Vector{MPArray}
    value::Y
    heads::Vector{MPArray}
end

function record(f, xs)
    tape = Tape()
    watched = MPArray[x for x in watch(tape, map(differentiable, xs))]
    value = with_tape(() -> f(watched...), tape)
    Recording(tape, xs, watched, value, MPArray[h for h in heads_of(value)])
end

on_tape(f, tape) = with_tape(() -> as_current(f), tape)
handles_of(xs) = API.minpy_array[x === nothing ? C_NULL : handle(x) for x in xs]

function gradients(r::Recording, seeds, flags=0)
    out = fill(API.minpy_array(C_NULL), length(r.watched))
    s = seeds === nothing ? nothing : MPArray[differentiable(s) for s in seeds]
    s === nothing || length(s) == length(r.heads) ||
        throw(ArgumentError("$(length(r.heads)) results want as many seeds, got $(length(s))"))
    # The tape itself pauses; outer ones, where they follow the arguments, record the gradient.
    GC.@preserve r s on_tape(r.tape) do
        check(API.minpy_tape_gradient(r.tape, handles_of(r.heads), s === nothing ? C_NULL : handles_of(s), length(r.heads),
                                      handles_of(r.watched), length(r.watched), flags, out))
    end
    Tuple(map((x, h) -> as_given(x, wrap(h)), collect(Any, r.given), out))
end

close!(r::Recording) = API.minpy_tape_close(r.tape)

function scalar_head(r::Recording)
    length(r.heads) == 1 && length(r.heads[1]) == 1 && return
    throw(ArgumentError("gradient needs a scalar result, got an array of size $(join(size.(r.heads), ", ")); use pullback, or sum it"))
end

unrecorded(y::MPNumber) = is_traced(y) ? y : item(y)
unrecorded(y) = y

"""
    gradient(f, x...)

The gradients of `f(x...)`, a number, with respect to each argument: a tuple. Ordinary `if`, `for` and `while` in `f`
are followed, and so is every array of `x` that `f` reads through a closure.

```julia
gradient(x -> sum(x .^ 2), MPArray([1.0, 2.0]))[1]    # [2.0, 4.0]
gradient(x -> x^3, 2.0)                               # (12.0,)
```
"""
gradient(f, xs...) = value_and_gradient(f, xs...)[2]

"""
    value_and_gradient(f, x...)

`f(x...)` and its gradients: `(value, (g1, g2, …))`.
"""
function value_and_gradient(f, xs...)
    r = record(f, xs)
    scalar_head(r)
    grads = gradients(r, nothing)
    close!(r)
    unrecorded(r.value), grads
end

"""
    pullback(f, x...)

`f(x...)`, an array or a tuple of arrays, and a function that turns a seed of the same shape (for a tuple, one seed
each) into the gradients of `sum(seed .* f(x...))`. It can be called again and again.
"""
function pullback(f, xs...)
    r = record(f, xs)
    r.value, (seeds...) -> gradients(r, seeds, API.MINPY_GRADIENT_RETAIN)
end

"""
    jvp(f, xs, tangents)

`f(xs...)` and its derivative when the arguments `xs`, a tuple, move along `tangents`: forward mode.
"""
function jvp(f, xs::Tuple, tangents::Tuple)
    length(xs) == length(tangents) || throw(ArgumentError("$(length(xs)) arguments want as many tangents, got $(length(tangents))"))
    r = record(f, xs)
    ts = MPArray[differentiable(t) for t in tangents]
    out = fill(API.minpy_array(C_NULL), length(r.heads))
    GC.@preserve r ts on_tape(r.tape) do
        check(API.minpy_tape_jvp(r.tape, handles_of(r.heads), length(r.heads), handles_of(r.watched), handles_of(ts),
                                 length(ts), out))
    end
    close!(r)
    moved = map(h -> unrecorded(wrap(h)), out)
    unrecorded(r.value), r.value isa Tuple ? Tuple(moved) : moved[1]
end
