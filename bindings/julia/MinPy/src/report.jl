# What ran where, memory, devices, profile.

"What ran where since the last [`reset_report`](@ref): calls, fallbacks with their reasons, bytes moved. A `Dict`."
report() = parse_json(take_text(API.minpy_dispatch_report))
reset_report() = API.minpy_dispatch_reset()

"Which backends were found, tried and refused, and why."
backends() = parse_json(take_text(API.minpy_backend_report))
"Loads a backend by its absolute path."
load_backend(path::AbstractString) = check(API.minpy_backend_load(path))

"The devices that there are."
function devices()
    found = Device[]
    for (kind, number) in pairs(device_kinds)
        n = Ref{Int32}(0)
        API.minpy_device_count(number, n) == 0 && append!(found, Device(kind, i) for i in 0:n[]-1)
    end
    found
end

"Name, backend and memory of a device."
function device_info(d)
    io = Ref(API.minpy_device_info())
    check(API.minpy_device_get_info(convert(Device, d), io))
    text(bytes) = String(collect(Iterators.takewhile(!=(0), bytes)))
    i = io[]
    (name=text(i.name), backend=text(i.backend), available=i.available == 1, total_bytes=Int(i.total_bytes),
     free_bytes=Int(i.free_bytes))
end

"Waits until a device has done all that it was given."
synchronize(d=context().device) = check(API.minpy_device_synchronize(convert(Device, d)))

"Bytes in use, cached and at the peak, and the number of arrays and other handles alive."
function memory_stats(d=context().device)
    io = Ref(API.minpy_memory_stats())
    check(API.minpy_memory_get_stats(convert(Device, d), io))
    i = io[]
    (in_use=Int(i.in_use), cached=Int(i.cached), peak=Int(i.peak), limit=Int(i.limit), n_allocs=Int(i.n_allocs),
     live_arrays=Int(i.live_arrays), live_handles=Int(i.live_handles))
end

"Gives cached memory back until at most `keep` bytes are cached."
trim(d=context().device; keep::Integer=0) = check(API.minpy_memory_trim(convert(Device, d), keep))

"Bytes that arrays on the CPU may take, with what is kept for reuse; 0 for no limit."
set_memory_limit(bytes::Integer) = check(API.minpy_memory_set_limit(Device(:cpu), bytes))

# Julia does not see the memory behind its arrays. So it is made to collect young objects whenever so many bytes have
# been handed out, all objects when those in use have doubled; and libminpy asks again before it gives up.
mutable struct Pressure
    handed_out::Int
    in_use_for_full::Int
    collections::Int
end
const young_bytes = 256 << 20
const pressure = Pressure(0, 1 << 30, 0)

function account(bytes)
    pressure.handed_out += bytes
    pressure.handed_out < young_bytes && return
    pressure.handed_out = 0
    collect_garbage(false)
    memory_stats().in_use < pressure.in_use_for_full && return
    collect_garbage(true)
    pressure.in_use_for_full = max(1 << 30, 2 * memory_stats().in_use)
end
collect_garbage(full) = (pressure.collections += 1; GC.gc(full))

function reclaim(payload::Ptr{Cvoid}, d::API.minpy_device, wanted::UInt64)::Int32
    before = memory_stats(convert(Device, d)).in_use
    for full in (false, true)
        collect_garbage(full)
        memory_stats(convert(Device, d)).in_use < before && return Int32(1)
    end
    Int32(0)
end
set_reclaim() =
    check(API.minpy_memory_set_reclaim(@cfunction(reclaim, Int32, (Ptr{Cvoid}, API.minpy_device, UInt64)), C_NULL))

"`profile(f)`: runs `f()` and returns Chrome's trace of the operators it called, as JSON text."
function profile(f)
    check(API.minpy_profiler_start(0))
    text = ""
    try
        f()
    finally
        text = take_text(API.minpy_profiler_stop)
    end
    text
end

"Floating-point conditions met by this thread since they were last cleared: names out of divide, overflow, underflow, invalid."
function fp_status(; clear::Bool=false)
    bits = API.minpy_fp_status(clear)
    [name for (name, bit) in pairs((divide=API.MINPY_FP_DIVIDE, overflow=API.MINPY_FP_OVERFLOW,
                                    underflow=API.MINPY_FP_UNDERFLOW, invalid=API.MINPY_FP_INVALID)) if bits & bit != 0]
end
