# JSON, as far as libminpy speaks it. (Julia's standard library has none.)

json(x) = sprint(write_json, x)

write_json(io::IO, ::Nothing) = print(io, "null")
write_json(io::IO, x::Bool) = print(io, x)
write_json(io::IO, x::Integer) = print(io, x)
write_json(io::IO, x::Real) = isfinite(x) ? print(io, Float64(x)) : write_json(io, string(x))
write_json(io::IO, x::Symbol) = write_json(io, string(x))
write_json(io::IO, x::Type{<:Element}) = write_json(io, dtype_name(x))
write_json(io::IO, x::Pair) = (write_json(io, string(x.first)); print(io, ": "); write_json(io, x.second))
write_json(io::IO, x::Union{Tuple,AbstractVector}) = write_list(io, x, '[', ']')
write_json(io::IO, x::Union{AbstractDict,NamedTuple,Base.Iterators.Pairs}) = write_list(io, pairs(x), '{', '}')

function write_list(io, items, open, close)
    print(io, open)
    for (i, item) in enumerate(items)
        i > 1 && print(io, ", ")
        write_json(io, item)
    end
    print(io, close)
end

function write_json(io::IO, x::AbstractString)
    print(io, '"')
    for c in x
        c in ('"', '\\') ? print(io, '\\', c) : c < ' ' ? print(io, "\\u", string(UInt16(c), base=16, pad=4)) : print(io, c)
    end
    print(io, '"')
end

"Reads JSON text: objects become `Dict{String,Any}`, lists `Vector{Any}`, numbers `Int`, `BigInt` or `Float64`."
function parse_json(text::AbstractString)
    value, i = read_json(String(text), 1)
    i = skip_space(text, i)
    i > ncodeunits(text) || bad_json(i)
    value
end

bad_json(i) = throw(ArgumentError("this is no JSON, from byte $i on"))

function skip_space(s, i)
    while i <= ncodeunits(s) && codeunit(s, i) in (0x20, 0x09, 0x0a, 0x0d)
        i += 1
    end
    i
end

function read_json(s::String, i)
    i = skip_space(s, i)
    i <= ncodeunits(s) || bad_json(i)
    c = s[i]
    c == '{' && return read_items(s, i + 1, '}', Dict{String,Any}())
    c == '[' && return read_items(s, i + 1, ']', Any[])
    c == '"' && return read_text(s, i + 1)
    for (word, value) in (("true", true), ("false", false), ("null", nothing))
        startswith(SubString(s, i), word) && return value, i + length(word)
    end
    m = match(r"-?\d+(\.\d+)?([eE][-+]?\d+)?", s, i)
    (m === nothing || m.offset != i) && bad_json(i)
    whole = m[1] === nothing && m[2] === nothing
    small = whole ? tryparse(Int, m.match) : parse(Float64, m.match)
    small === nothing ? parse(BigInt, m.match) : small, i + ncodeunits(m.match)
end

function read_items(s, i, close, into)
    i = skip_space(s, i)
    i <= ncodeunits(s) && s[i] == close && return into, i + 1
    while true
        if into isa Dict
            i = skip_space(s, i)
            i <= ncodeunits(s) && s[i] == '"' || bad_json(i)
            key, i = read_text(s, i + 1)
            i = skip_space(s, i)
            i <= ncodeunits(s) && s[i] == ':' || bad_json(i)
            into[key], i = read_json(s, i + 1)
        else
            item, i = read_json(s, i)
            push!(into, item)
        end
        i = skip_space(s, i)
        i <= ncodeunits(s) || bad_json(i)
        s[i] == close && return into, i + 1
        s[i] == ',' || bad_json(i)
        i += 1
    end
end

const escapes = Dict('n' => '\n', 't' => '\t', 'r' => '\r', 'b' => '\b', 'f' => '\f', '/' => '/', '\\' => '\\', '"' => '"')

function read_text(s, i)
    out = IOBuffer()
    while i <= ncodeunits(s)
        c = s[i]
        if c == '"'
            return String(take!(out)), i + 1
        elseif c != '\\'
            print(out, c)
            i = nextind(s, i)
        elseif i < ncodeunits(s) && s[i + 1] == 'u'
            code, i = read_escape(s, i)
            if 0xd800 <= code < 0xdc00 && i <= ncodeunits(s) && s[i] == '\\'  # the first half of a pair
                low, i = read_escape(s, i)
                code = 0x10000 + (code - 0xd800) << 10 + (low - 0xdc00)
            end
            print(out, Char(code))
        else
            i < ncodeunits(s) && haskey(escapes, s[i + 1]) || bad_json(i)
            print(out, escapes[s[i + 1]])
            i += 2
        end
    end
    bad_json(i)
end

function read_escape(s, i)
    i + 5 <= ncodeunits(s) && s[i + 1] == 'u' || bad_json(i)
    code = tryparse(UInt32, SubString(s, i + 2, i + 5), base=16)
    code === nothing && bad_json(i)
    code, i + 6
end
