# The case table of all languages, tests/cases/*.json; its README says what a case is.
const cases_folder = normpath(joinpath(@__DIR__, "..", "..", "..", "..", "tests", "cases"))
const recorded_bits = let path = joinpath(get(ENV, "MINPY_BUILD", joinpath(cases_folder, "..", "..", "build", "release")), "cases.bits.json")
    isfile(path) ? MinPy.parse_json(read(path, String)) : (@info("no recorded bits: transcendental cases compare by ulps only"); Dict())
end
const types_by_name = Dict(unsafe_string(MinPy.API.minpy_dtype_name(n)) => T for (n, T) in enumerate(MinPy.element_types))

# ---- JSON to arguments

number(x) = x isa AbstractString ? parse(Float64, x) : x
element(::Type{T}, x) where {T} = T(number(x))
element(::Type{T}, x::AbstractVector) where {T<:Complex} = T(number(x[1]), number(x[2]))

function elements(::Type{T}, j, n) where {T}
    haskey(j, "data") && return T[element(T, x) for x in j["data"]]
    start, by = map(T <: Union{Integer,Bool} ? Int64 : Float64, (number(j["range"][1]), number(j["range"][2])))
    T[convert_range(T, start + i * by) for i in 0:n-1]
end
convert_range(::Type{T}, x::Integer) where {T<:Integer} = x % T
convert_range(::Type{T}, x) where {T} = T(x)

function array(j)
    T, shape = types_by_name[j["dtype"]], Tuple(Int.(j["shape"]))
    data = elements(T, j, prod(shape))
    if get(j, "order", "C") == "F"  # laid out with the dimensions reversed, seen in order
        columns = vec(permutedims(reshape(data, reverse(shape)), length(shape):-1:1))
        x = np.transpose(MinPy.from_rows(columns, reverse(shape)))
    else
        x = MinPy.from_rows(data, shape)
    end
    haskey(j, "view") ? MinPy.take_items(x, map(index_item, j["view"])) : x
end

index_item(j::Nothing) = MinPy.NewAxis()
index_item(j::Union{Bool,Int}) = j
index_item(j::AbstractString) = MinPy.Ellipsis()
index_item(j) = haskey(j, "slice") ? MinPy.Slice((x === nothing ? MinPy.slice_none : x for x in j["slice"])...) : array(j)

argument(j::Union{Nothing,Bool,Number,AbstractString}) = j
function argument(j::AbstractVector)
    isempty(j) && return MinPy.Ints([])
    all(x -> x isa Int, j) && return MinPy.Ints(j)
    all(x -> x isa Number && !(x isa Bool), j) && return MinPy.Floats(j)
    all(x -> x isa Dict && haskey(x, "shape"), j) ? MinPy.Arrays(MPArray[array(x) for x in j]) : MinPy.Values(map(argument, j))
end
function argument(j::Dict)
    haskey(j, "shape") && return array(j)
    haskey(j, "float") && return parse(Float64, j["float"])
    haskey(j, "complex") && return complex(Float64(number(j["complex"][1])), Float64(number(j["complex"][2])))
    haskey(j, "scalar") && return strong(types_by_name[j["scalar"]], j["value"])
    haskey(j, "dtype") && return types_by_name[j["dtype"]]
    haskey(j, "index") && return MinPy.Values(map(index_item, j["index"]))
    haskey(j, "default") && return MinPy.default
    error("no argument: $j")
end
strong(T, x) = MinPy.Strong(Ref(element(T, x)))

# ---- running

function operator(name)
    op = MinPy.op(name)
    MinPy.Operator(op.name, op.handle, op.flags & ~MinPy.API.MINPY_OP_SCALAR_RESULT)
end

# Runs a case with some arguments given (for gradients); the results, and the arguments.
function run_case(c, given=Dict())
    made(i) = get(() -> argument(c["args"][i]), given, i)
    name = c["op"]
    if name == "[]"
        return (MinPy.take_items(made(1), made(2).kept),), Any[]
    elseif name == "[]="
        x = made(1)
        MinPy.put_items!(x, made(2).kept, made(3))
        return (x,), Any[x]
    end
    args = Any[made(i) for i in 1:length(c["args"])]
    op = operator(name)
    if haskey(c, "kwargs")
        names = [p["name"] for p in MinPy.schema(name)["params"]]
        for (k, v) in c["kwargs"]
            at = findfirst(==(k), names)
            at === nothing && throw(ArgumentError("$name() got an unexpected keyword argument '$k'"))
            while length(args) < at
                push!(args, MinPy.default)
            end
            args[at] = argument(v)
        end
    end
    options = Dict{Symbol,Any}()
    for (k, v) in get(c, "options", Dict())
        options[Symbol(k)] = k == "dtype" ? types_by_name[v isa Dict ? v["dtype"] : v] : k in ("out", "where") ? argument(v) : v
    end
    out = MinPy.call(op, Tuple(args); options...)
    (out isa Union{Tuple,AbstractVector} && !(out isa MPArray) ? Tuple(out) : (out,)), args
end

# ---- comparing

rows(x::MPArray) = vec(permutedims(Array(x), ndims(x):-1:1))
rows(x::MPNumber) where {MPNumber<:MPArray{<:Any,0}} = [MinPy.item(x)]
same(x::T, y::T) where {T} = isequal(x, y) && reinterpret_equal(x, y)
reinterpret_equal(x::AbstractFloat, y) = isnan(x) ? isnan(y) : signbit(Float64(x)) == signbit(Float64(y))
reinterpret_equal(x, y) = true
same(x::BFloat16, y::BFloat16) = isnan(x) ? isnan(y) : reinterpret(UInt16, x) === reinterpret(UInt16, y)
same(x::T, y::T) where {T<:Complex} = same(real(x), real(y)) && same(imag(x), imag(y))

ordered(x::Union{Float16,BFloat16}) = (i = reinterpret(Int16, x); Int64(i < 0 ? typemin(Int16) - i : i))
ordered(x::Float32) = (i = reinterpret(Int32, x); Int64(i < 0 ? typemin(Int32) - i : i))
ordered(x::Float64) = (i = reinterpret(Int64, x); i < 0 ? typemin(Int64) - i : i)
near(x::T, y::T, ulps) where {T<:AbstractFloat} = isnan(x) || isnan(y) ? isnan(x) && isnan(y) : abs(Int128(ordered(x)) - ordered(y)) <= ulps
near(x::T, y::T, ulps) where {T<:Complex} = near(real(x), real(y), ulps) && near(imag(x), imag(y), ulps)
near(x, y, ulps) = x == y

"What is wrong with a result, or nothing."
function trouble(x, j, ulps)
    x isa MPArray || (x = MPArray(x))
    T, shape = types_by_name[j["dtype"]], Tuple(Int.(j["shape"]))
    eltype(x) == T && size(x) == shape || return "got $(eltype(x))$(size(x)), wanted $T$shape"
    want, got = elements(T, j, prod(shape)), rows(x)
    for i in eachindex(want)
        (ulps === nothing ? same(got[i], want[i]) : near(got[i], want[i], ulps)) ||
            return "element $(i - 1) is $(got[i]), wanted $(want[i])"
    end
    nothing
end

bytes_of(x) = bytes2hex(collect(reinterpret(UInt8, rows(x isa MPArray ? x : MPArray(x)))))

function case_trouble(file, c)
    if haskey(c, "error")
        try
            run_case(c)
        catch e
            said = MinPy.last_error()
            text = e isa ArgumentError && said === nothing ? e.msg : said === nothing ? sprint(showerror, e) : said.message
            occursin(Regex(c["error"]), text) || return "said '$text', wanted /$(c["error"])/"
            get(c, "kind", "") in ("", said === nothing ? "TypeError" : said.kind) || return "$(said.kind), wanted $(c["kind"])"
            return nothing
        end
        return "was not refused"
    end
    results, args = run_case(c)
    ulps = get(c, "ulps", nothing)
    if haskey(c, "expect")
        length(results) == length(c["expect"]) || return "gave $(length(results)) results, wanted $(length(c["expect"]))"
        for (x, j) in zip(results, c["expect"])
            t = trouble(x, j, ulps)
            t === nothing || return t
        end
        recorded = get(recorded_bits, "$file/$(c["name"])", nothing)
        ulps === nothing || recorded === nothing || collect(map(bytes_of, results)) == recorded || return "other bits than C's"
    end
    for (k, j) in get(c, "after", Dict())
        t = trouble(args[parse(Int, k) + 1], j, nothing)
        t === nothing || return "afterwards: $t"
    end
    haskey(c, "grad") ? gradient_trouble(c) : nothing
end

function gradient_trouble(c)
    wanted = c["grad"]
    places = Int.(wanted["args"]) .+ 1
    xs = [argument(c["args"][p]) for p in places]
    g = gradient((ws...) -> np.sum(first(first(run_case(c, Dict(zip(places, ws)))))), xs...)
    for (x, j) in zip(g, wanted["expect"])
        t = trouble(x, j, get(wanted, "ulps", nothing))
        t === nothing || return "gradient: $t"
    end
end

for file in filter(endswith(".json"), readdir(cases_folder))
    name = splitext(file)[1]
    @testset "$name" begin
        for c in MinPy.parse_json(read(joinpath(cases_folder, file), String))["cases"]
            haskey(get(c, "except", Dict()), "julia") && continue
            delete!(task_local_storage(), :MinPyError)
            wrong = try
                case_trouble(name, c)
            catch e
                sprint(showerror, e)
            end
            wrong === nothing || println("$name/$(c["name"]) ($(c["op"])): $wrong")
            @test wrong === nothing
        end
    end
end
