# A status becomes an exception of the kind that Julia's own functions throw.

"""
What libminpy could not do and no exception of Julia's says: a missing kernel, a singular matrix, a failed device.
`kind` is the class of NumPy's exception, `op` and `argument` name the operator and the argument, or are empty.
"""
struct MinPyError <: Exception
    code::Int32
    kind::String
    op::String
    argument::String
    message::String
end
Base.showerror(io::IO, e::MinPyError) = print(io, isempty(e.kind) ? "MinPyError" : e.kind, ": ", e.message)

# The array of a BoundsError for which there is only a sentence.
struct Sentence
    text::String
end
Base.summary(io::IO, s::Sentence) = print(io, s.text)

@inline check(status) = status == 0 ? nothing : throw_status(status)

# No task switch can happen between the failed call and here: the record is of this thread.
@noinline function throw_status(status)
    original = take_callback_exception(status)
    original === nothing || throw(original)
    e = Ref{API.minpy_error}(C_NULL)
    API.minpy_error_take(e) == 0 || throw(MinPyError(status, "", "", "", "libminpy reported status $status without a text"))
    text(what) = unsafe_string(API.minpy_error_text(e[], what))
    error = MinPyError(status, text(API.MINPY_ERROR_KIND), text(API.MINPY_ERROR_OP), text(API.MINPY_ERROR_ARGUMENT),
                       text(API.MINPY_ERROR_FULL))
    API.minpy_error_release(e[])
    task_local_storage(:MinPyError, error)
    throw(exception(error))
end

"All that libminpy said of the last exception it caused in this task: a [`MinPyError`](@ref), or `nothing`."
last_error() = get(task_local_storage(), :MinPyError, nothing)

function exception(e::MinPyError)
    e.code == API.MINPY_E_SHAPE && return DimensionMismatch(e.message)
    e.code == API.MINPY_E_INDEX && return BoundsError(Sentence(e.message))
    e.code in (API.MINPY_E_INVALID, API.MINPY_E_TYPE, API.MINPY_E_NOTFOUND) && return ArgumentError(e.message)
    e.code == API.MINPY_E_NOMEM && return OutOfMemoryError()
    e
end

# What a Julia callback threw, until the call that it failed in returns; one per task.
function take_callback_exception(status)
    status == API.MINPY_E_CALLBACK || return nothing
    tls = task_local_storage()
    found = get(tls, :MinPyException, nothing)
    delete!(tls, :MinPyException)
    found
end

# Runs a C function that hands out text, and takes the text.
function take_text(f, args...)
    out = Ref{API.minpy_buffer}(C_NULL)
    check(f(args..., out))
    size = Ref{UInt64}(0)
    data = API.minpy_buffer_data(out[], size)
    text = unsafe_string(convert(Ptr{UInt8}, data), size[])
    API.minpy_buffer_release(out[])
    text
end
