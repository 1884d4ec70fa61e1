# Julia functions that libminpy calls: they run in the task that is inside a call of libminpy, and what they throw comes
# out of that call.

"""
    Func(forward; backward = nothing, name = "function")

A Julia function as a function of libminpy's: called with arrays, it returns an array or a tuple of them.

`backward` takes the arguments, the results and one cotangent per result, and returns one cotangent (or `nothing`) per
array argument. Without it gradients follow what `forward` computes.
"""
mutable struct Func <: Handle
    handle::API.minpy_function
    Func(handle::API.minpy_function) = new(handle)
end
invoker(::Func) = API.minpy_function_call
flags(::Func) = API.MINPY_OP_SCALAR_RESULT
flags(op::Operator) = op.flags

struct Callback
    forward::Any
    backward::Any
end

function Func(forward; backward=nothing, name::AbstractString="function")
    l = lend(Callback(forward, backward))
    place = length(l.flag) - sizeof(Ptr{Cvoid})
    GC.@preserve l unsafe_store!(convert(Ptr{Ptr{Cvoid}}, payload(l) + place), pointer_from_objref(l))
    out = Ref{API.minpy_function}(C_NULL)
    name = String(name)
    GC.@preserve name begin
        desc = API.minpy_function_desc(sizeof(API.minpy_function_desc), 0, Cstring(pointer(name)), payload(l), give_back(),
                                       callback_pointer(run_forward),
                                       backward === nothing ? C_NULL : callback_pointer(run_backward))
        check(API.minpy_function_new(Ref(desc), out))
    end
    released_by(API.minpy_function_release, Func(out[]))
end

function callback_of(p::Ptr{Cvoid})
    place = 128 - sizeof(Ptr{Cvoid})
    (unsafe_pointer_to_objref(unsafe_load(convert(Ptr{Ptr{Cvoid}}, p + place)))::Lent).thing::Callback
end

const CallArgs = Tuple{Ptr{Cvoid},Ptr{V},Int32,Ptr{V},Ptr{Int32}}
run_forward(p::Ptr{Cvoid}, args::Ptr{V}, n::Int32, results::Ptr{V}, count::Ptr{Int32})::Int32 =
    run_callback(callback_of(p).forward, args, n, results, count)
run_backward(p::Ptr{Cvoid}, args::Ptr{V}, n::Int32, results::Ptr{V}, count::Ptr{Int32})::Int32 =
    run_callback(callback_of(p).backward, args, n, results, count)

# No exception may cross the C++ frames below.
function run_callback(f, args, n, results, count)::Int32
    try
        xs = Any[lent_argument(unsafe_load(args, i)) for i in 1:n]
        y = Base.invokelatest(f, xs...)
        ys = y isa Tuple ? y : (y,)
        length(ys) <= unsafe_load(count) || error("the function gave $(length(ys)) results, wanted were $(unsafe_load(count))")
        for (i, r) in enumerate(map(handed_over, ys))
            unsafe_store!(results, r, i)
        end
        unsafe_store!(count, Int32(length(ys)))
        Int32(0)
    catch e
        task_local_storage(:MinPyException, e)
        API.minpy_error_set(API.MINPY_E_CALLBACK, numpy_kind(e), replace(sprint(showerror, e), '\0' => ' '))
    end
end

numpy_kind(::Union{ArgumentError,DimensionMismatch,DomainError}) = "ValueError"
numpy_kind(::BoundsError) = "IndexError"
numpy_kind(::Union{MethodError,TypeError}) = "TypeError"
numpy_kind(e) = "RuntimeError"

lent_argument(v::V) =
    v.tag == API.MINPY_V_ARRAY ? wrap(API.minpy_array_retain(API.minpy_array(UInt(v.v)))) : result(v)

handed_over(::Nothing) = value_none
handed_over(x::MPArray) = V(API.MINPY_V_ARRAY, 0, address_bits(API.minpy_array_retain(x)))
handed_over(x) = handed_over(MPArray(x))

# @cfunction's pointers live as long as the process, so they are made when it starts to need them.
const callback_pointers = Dict{Any,Ptr{Cvoid}}()
callback_pointer(::typeof(run_forward)) = get!(callback_pointers, run_forward) do
    @cfunction(run_forward, Int32, (Ptr{Cvoid}, Ptr{V}, Int32, Ptr{V}, Ptr{Int32}))
end
callback_pointer(::typeof(run_backward)) = get!(callback_pointers, run_backward) do
    @cfunction(run_backward, Int32, (Ptr{Cvoid}, Ptr{V}, Int32, Ptr{V}, Ptr{Int32}))
end

"Calls the function with arrays and numbers."
(f::Func)(args...; options...) = call(f, map(Arg.value, args); options...)

function_value(f::Func) = f
function_value(f) = Func(f)
value(f::Func) = V(API.MINPY_V_FUNCTION, 0, address_bits(handle(f)))

# ---- operators made while running

"""
    register_op(forward, signature; doc = "", backward = nothing)

Registers `forward` as an operator, for every language in this process. `signature` is `"name(x, factor: float = 1.0)"`.
The result is callable, as is `MinPy.op(name)`.

```julia
cube = MinPy.register_op("cube(x)"; backward = (x, y, g) -> 3 .* x .^ 2 .* g) do x
    x .^ 3
end
```
"""
function register_op(forward, signature::AbstractString; doc::AbstractString="", backward=nothing)
    name = strip(first(split(signature, '(')))
    f = Func(forward; backward=backward, name=name)
    out = Ref{API.minpy_op}(C_NULL)
    check(API.minpy_register_op(signature, doc, f, out))
    op(name)
end

"""
    register_kernel(f, name, device)

Registers `f` as the kernel of an operator for a kind of device: it gets the inputs and one array per output to fill.
"""
register_kernel(f, name::AbstractString, kind::Symbol) =
    check(API.minpy_register_kernel(name, device_kinds[kind], f isa Func ? f : Func(f; name=name)))

"`op(name)`: an operator by its name, called with its schema's arguments; an axis is called `dims` and counts from 1."
function op(name::AbstractString)
    h = Ref{API.minpy_op}(C_NULL)
    check(API.minpy_op_find(name, h))
    io = Ref(API.minpy_op_info())
    check(API.minpy_op_get_info(h[], io))
    Operator(name, h, io[].flags)
end

"The schema of an operator, a `Dict`."
schema(op::Operator) = parse_json(take_text(API.minpy_op_schema, handle(op)))
schema(name::AbstractString) = schema(op(name))

"Names of all operators."
operators() = String[s["name"] for s in parse_json(take_text(API.minpy_op_list))]

function (op::Operator)(args...; options...)
    parameters = schema(op)["params"]
    length(args) <= length(parameters) ||
        throw(ArgumentError("$(op.name) takes $(length(parameters)) arguments, got $(length(args))"))
    given = Dict{Symbol,Any}(options)
    values = map(enumerate(parameters)) do (i, p)
        convert_argument = Arg.by_kind[p["kind"]]
        name = p["kind"] in ("axis", "axes") && p["name"] in ("axis", "axes") ? :dims : Symbol(p["name"])
        convert_argument(i <= length(args) ? args[i] : pop!(given, name, default))
    end
    call(op, Tuple(values); given...)
end
Base.show(io::IO, op::Operator) = print(io, "operator ", op.name)
