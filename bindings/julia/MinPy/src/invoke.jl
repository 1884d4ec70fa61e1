# Arguments become the C API's tagged values, results come back. A value may point into the argument it was made of, so
# arguments are first made into things that own what is pointed to, and these are kept alive over the call.

"An argument that is not given: the operator's default."
struct Default end
const default = Default()

const V = API.minpy_value
address_bits(p::Ptr) = UInt64(UInt(p))
const value_none = V(API.MINPY_V_NONE, 0, 0)
const value_default = V(API.MINPY_V_DEFAULT, 0, 0)

struct Ints
    list::Vector{Int64}
end
struct Floats
    list::Vector{Float64}
end
struct Arrays
    list::Vector{MPArray}
    handles::Vector{API.minpy_array}
end
Arrays(list) = Arrays(list, map(handle, list))
struct Values
    list::Vector{V}
    kept::Vector{Any}
end
struct Slice
    slice::Base.RefValue{API.minpy_slice}
end
struct Ellipsis end
struct NewAxis end
struct Text
    text::String
end
struct BigText
    text::String
end
struct WeakUnsigned
    number::UInt64
end
struct Strong{T}
    number::Base.RefValue{T}
end
struct Weak
    number::Base.RefValue{ComplexF64}
end

# What an argument has to be kept as.
owned(x) = x
owned(x::ComplexF64) = Weak(Ref(x))
owned(x::Union{AbstractString,Symbol}) = Text(string(x))
owned(x::BigInt) = typemin(Int64) <= x <= typemax(Int64) ? Int64(x) :
    0 <= x <= typemax(UInt64) ? WeakUnsigned(x) : BigText(string(x))
owned(x::Union{AbstractIrrational,Rational,BigFloat}) = Float64(x)
owned(x::Base.RefValue) = owned(x[])
owned(x::Slice) = x

value(::Default) = value_default
value(::Nothing) = value_none
value(x::MPArray) = V(API.MINPY_V_ARRAY, 0, address_bits(handle(x)))
# Julia's own literals take the dtype of the arrays they meet; all other numbers keep theirs.
value(x::Bool) = V(API.MINPY_V_BOOL, 0, x)
value(x::Int64) = V(API.MINPY_V_INT, 0, reinterpret(UInt64, x))
value(x::Float64) = V(API.MINPY_V_FLOAT, 0, reinterpret(UInt64, x))
value(x::Weak) = V(API.MINPY_V_COMPLEX, 2, address_bits(pointer_from_objref(x.number)))
value(x::WeakUnsigned) = V(API.MINPY_V_UINT, 0, x.number)
value(x::BigText) = V(API.MINPY_V_BIGINT, sizeof(x.text), address_bits(pointer(x.text)))
value(x::T) where {T<:Union{Int8,Int16,Int32,UInt8,UInt16,UInt32,UInt64,Float16,Float32,BFloat16,ComplexF32}} =
    V(API.MINPY_V_SCALAR, dtype_number(T), bits(x))
value(x::Strong{T}) where {T} = sizeof(T) <= 8 ? V(API.MINPY_V_SCALAR, dtype_number(T), bits(x.number[])) :
    V(API.MINPY_V_SCALAR, dtype_number(T), address_bits(pointer_from_objref(x.number)))
value(x::Text) = V(API.MINPY_V_STRING, sizeof(x.text), address_bits(pointer(x.text)))
value(::Type{T}) where {T} = V(API.MINPY_V_DTYPE, 0, dtype_number(T))
value(d::Device) = V(API.MINPY_V_DEVICE, 0, UInt64(d.kind) | UInt64(d.index) << 32)
value(x::Ints) = V(API.MINPY_V_INTS, length(x.list), address_bits(pointer(x.list)))
value(x::Floats) = V(API.MINPY_V_FLOATS, length(x.list), address_bits(pointer(x.list)))
value(x::Arrays) = V(API.MINPY_V_ARRAYS, length(x.handles), address_bits(pointer(x.handles)))
value(x::Values) = V(API.MINPY_V_VALUES, length(x.list), address_bits(pointer(x.list)))
value(x::Slice) = V(API.MINPY_V_SLICE, 0, address_bits(pointer_from_objref(x.slice)))
value(::Ellipsis) = V(API.MINPY_V_ELLIPSIS, 0, 0)
value(::NewAxis) = V(API.MINPY_V_NEWAXIS, 0, 0)
value(x) = throw(ArgumentError("a $(typeof(x)) cannot be an argument of an operator"))

bits(x::T) where {T} = bits(Val(sizeof(T)), x)
bits(::Val{1}, x) = UInt64(reinterpret(UInt8, x))
bits(::Val{2}, x) = UInt64(reinterpret(UInt16, x))
bits(::Val{4}, x) = UInt64(reinterpret(UInt32, x))
bits(::Val{8}, x::ComplexF32) = UInt64(bits(real(x))) | UInt64(bits(imag(x))) << 32
bits(::Val{8}, x) = reinterpret(UInt64, x)

Values(items) = (kept = Any[owned(x) for x in items]; Values(V[value(x) for x in kept], kept))
Slice(start, stop, step) = Slice(Ref(API.minpy_slice(start, stop, step)))
const slice_none = typemin(Int64)

# ---- what a call gives back

# A number, text …; arrays are taken over, all else is copied.
function result(v::V)
    t = v.tag
    t == API.MINPY_V_ARRAY && return wrap(API.minpy_array(UInt(v.v)))
    t == API.MINPY_V_SCALAR && return scalar(element_type(v.len), v)
    t == API.MINPY_V_BOOL && return v.v != 0
    t == API.MINPY_V_INT && return reinterpret(Int64, v.v)
    t == API.MINPY_V_UINT && return v.v
    t == API.MINPY_V_FLOAT && return reinterpret(Float64, v.v)
    t == API.MINPY_V_COMPLEX && return unsafe_load(Ptr{ComplexF64}(UInt(v.v)))
    t == API.MINPY_V_BIGINT && return parse(BigInt, unsafe_string(Ptr{UInt8}(UInt(v.v)), v.len))
    t == API.MINPY_V_STRING && return unsafe_string(Ptr{UInt8}(UInt(v.v)), v.len)
    t == API.MINPY_V_DTYPE && return element_type(v.v)
    t == API.MINPY_V_INTS && return copy(unsafe_wrap(Array, Ptr{Int64}(UInt(v.v)), v.len))
    t == API.MINPY_V_FLOATS && return copy(unsafe_wrap(Array, Ptr{Float64}(UInt(v.v)), v.len))
    t == API.MINPY_V_NONE && return nothing
    throw(MinPyError(API.MINPY_E_UNSUPPORTED, "", "", "", "a result of kind $t is newer than this package"))
end

scalar(::Type{Bool}, v) = v.v & 0xff != 0
scalar(::Type{ComplexF64}, v) = unsafe_load(Ptr{ComplexF64}(UInt(v.v)))
scalar(::Type{T}, v) where {T} = (r = Ref(v.v); GC.@preserve r unsafe_load(convert(Ptr{T}, pointer_from_objref(r))))

# Takes a result over and releases what stays behind.
function take_result(results, i)
    v = results[i]
    r = result(v)
    if v.tag != API.MINPY_V_ARRAY
        one = Ref(v)
        API.minpy_values_release(one, 1)
    end
    r
end

# ---- calls

"""
An operator by its name, callable with arguments in the order of its schema and by the schema's names. Operators that
are generated into `np` need none; it serves those that were registered while running.
"""
struct Operator
    name::String
    handle::Base.RefValue{API.minpy_op}
    flags::UInt32
end
Operator(name::AbstractString, flags::Integer) = Operator(name, Ref{API.minpy_op}(C_NULL), flags)

function handle(op::Operator)
    op.handle[] == C_NULL && check(API.minpy_op_find(op.name, op.handle))
    op.handle[]
end

const casting_rules = (no=API.MINPY_CASTING_NO, equiv=API.MINPY_CASTING_EQUIV, safe=API.MINPY_CASTING_SAFE,
                       same_kind=API.MINPY_CASTING_SAME_KIND, unsafe=API.MINPY_CASTING_UNSAFE)

plain_options(c) = API.minpy_call_options(sizeof(API.minpy_call_options), 0, c, C_NULL, 0, 0, C_NULL, 0, 0)

"""
    call(op, args; out, where, casting, dtype, order)

Calls an operator with arguments by position, as the C API takes them: no conversion but into tagged values.
"""
call(op, args::Tuple; options...) =
    isempty(options) ? call_with(op, args, nothing) : call_with(op, args, call_options(; options...))

struct CallOptions
    out::Vector{Union{Nothing,MPArray}}
    casting::Int32
    mask::Union{Nothing,MPArray}
    dtype::Int32
    order::Int32
end
function call_options(; out=nothing, var"where"=nothing, casting=nothing, dtype=nothing, order=nothing)
    mask = var"where" === true ? nothing : var"where"
    CallOptions(out === nothing ? [] : out isa MPArray ? [out] : collect(out),
                casting === nothing ? 0 : one_of("casting", casting_rules, Symbol(casting)),
                mask === nothing || mask isa MPArray ? mask : MPArray(mask),
                dtype === nothing ? 0 : dtype_number(dtype), order === nothing ? 0 : Int32(first(string(order))))
end

call_with(op, args, ::Nothing) = call_raw(op, args, plain_options(handle(context())))
function call_with(op, args, o::CallOptions)
    handles = API.minpy_array[x === nothing ? C_NULL : handle(x) for x in o.out]
    mask = o.mask
    GC.@preserve o mask handles call_raw(op, args, API.minpy_call_options(
        sizeof(API.minpy_call_options), 0, handle(context()), isempty(handles) ? C_NULL : pointer(handles), length(handles),
        o.casting, mask === nothing ? C_NULL : handle(mask), o.dtype, o.order))
end

invoker(op::Operator) = API.minpy_invoke

function call_raw(op, args::NTuple{n,Any}, options::API.minpy_call_options) where {n}
    kept = map(owned, args)
    values = Ref(map(value, kept))
    GC.@preserve kept values begin
        p = n == 0 ? Ptr{V}(0) : convert(Ptr{V}, Base.unsafe_convert(Ptr{Cvoid}, pointer_to(values)))
        collect_results(op, p, n, Ref(options))
    end
end
pointer_to(r::Base.RefValue{<:Tuple}) = Base.unsafe_convert(Ptr{Cvoid}, convert(Ptr{Cvoid}, pointer_from_objref(r)))

const room = 4
function collect_results(op, values, n, options)
    f, h = invoker(op), handle(op)
    results = Vector{V}(undef, room)
    count = Ref(Int32(room))
    status = f(h, values, n, options, results, count)
    if status == API.MINPY_E_INVALID && count[] > length(results)
        resize!(results, count[])
        status = f(h, values, n, options, results, count)
    end
    check(status)
    flags(op) & API.MINPY_OP_LIST_RESULT == 0 || return [take_result(results, i) for i in 1:count[]]
    count[] == 1 && return number_or_array(op, take_result(results, 1))
    ntuple(i -> number_or_array(op, take_result(results, i)), Int(count[]))
end

# A 0-d result is a number where NumPy makes it one, unless it lies on a device or a recording follows it.
number_or_array(op, x) = x
function number_or_array(op, x::MPNumber)
    flags(op) & API.MINPY_OP_SCALAR_RESULT == 0 && return x
    (is_traced(x) || info(handle(x)).device.kind != API.MINPY_CPU) && return x
    number = item(x)
    free!(x)
    number
end

# ---- Julia's arguments in an operator's terms, by the kind of its parameter

module Arg
using ..MinPy: MinPy, MPArray, Default, Ints, Floats, Arrays, Values, Device, Operator, call, default

operator(table, i) = @inbounds table[i]

array(x) = x
array(x::MPArray) = x
array(x::AbstractArray) = MPArray(x)
array(x::Tuple) = MPArray(collect(x))
array(x::Base.RefValue) = array(x[])
arrays(x) = Arrays(MPArray[array(a) isa MPArray ? array(a) : MPArray(a) for a in x])
arrays(x::Union{Nothing,Default}) = x

bool(x) = x
int(x) = x
float(x) = x
str(x) = x
scalar(x) = x
dtype(x) = x
device(x) = x
device(x::Symbol) = Device(x)

ints(x::Union{Integer,Nothing,Default}) = x
ints(x) = Ints(collect(Int64, x))
floats(x::Union{Real,Nothing,Default}) = x
floats(x) = Floats(collect(Float64, x))

# Dimensions count from 1.
axis(x::Union{Nothing,Default}) = x
axis(x::Integer) = x >= 1 ? Int64(x) - 1 : throw(ArgumentError("dimensions count from 1, got $x"))
axis(::Colon) = nothing
axes(x) = axis(x)
axes(x::Union{Tuple,AbstractArray}) = Ints(Int64[axis(d) for d in x])

index(x) = MinPy.index_values(x)
index(x::Default) = x
func(x) = MinPy.function_value(x)
value(x) = x
value(x::AbstractArray) = array(x)

# By the kind's name in the schema.
const by_kind = Dict("function" => func, (Base.string(f) => f for f in (array, arrays, bool, int, float, str, scalar,
                     dtype, device, ints, floats, axis, axes, index, value))...)
end
