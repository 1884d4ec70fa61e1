# Expression graphs in MXNet's manner, and functions made of them.

"""
    variable(name; attributes...)

A variable of a graph. Operators are applied by [`sym`](@ref), arithmetic works, and [`Func`](@ref) makes a graph callable:

```julia
x = MinPy.variable("x")
net = MinPy.sym.FullyConnected(x; num_hidden = 10, name = "fc")
MinPy.list_arguments(net)                   # ["x", "fc_weight", "fc_bias"]
MinPy.infer_shape(net; x = (8, 20)).outputs # [(8, 10)]
f = MinPy.Func(net)
f(data, weight, bias)
```
"""
mutable struct SymbolGraph <: Handle
    handle::API.minpy_symbol
end
function take_symbol(f, args...)
    out = Ref{API.minpy_symbol}(C_NULL)
    check(f(args..., out))
    released_by(API.minpy_symbol_release, SymbolGraph(out[]))
end
cstring(::Nothing) = C_NULL
cstring(x) = string(x)

variable(name; attributes...) =
    take_symbol(API.minpy_symbol_variable, string(name), isempty(attributes) ? C_NULL : json(attributes))

"""
    apply(op, inputs...; name, attributes...)

Applies a symbol operator, or any operator, to graphs. Keywords that are graphs are inputs by name, the others
attributes. Inputs that are missing become variables called `<name>_<argument>`.
"""
function apply(op::Symbol, inputs::SymbolGraph...; name=nothing, keywords...)
    named = [k => v for (k, v) in keywords if v isa SymbolGraph]
    attributes = Dict{String,Any}(string(k) => v for (k, v) in keywords if !(v isa SymbolGraph))
    all_ = SymbolGraph[inputs..., (v for (_, v) in named)...]
    names = String[string(k) for (k, _) in named]
    texts = [fill(Cstring(C_NULL), length(inputs)); [Cstring(pointer(n)) for n in names]]
    GC.@preserve all_ names texts take_symbol(API.minpy_symbol_apply, string(op), cstring(name), map(handle, all_),
                                              isempty(names) ? C_NULL : texts, length(all_), json(attributes))
end

struct SymbolOperators end
"The operators of graphs: `sym.Convolution(x; kernel = (3, 3), num_filter = 8, name = \"conv\")`."
const sym = SymbolOperators()
Base.getproperty(::SymbolOperators, name::Symbol) = (inputs...; keywords...) -> apply(name, inputs...; keywords...)

for (f, name) in [(:+, :add), (:-, :subtract), (:*, :multiply), (:/, :divide), (:^, :power)]
    @eval Base.$f(x::SymbolGraph, y::SymbolGraph) = apply($(QuoteNode(name)), x, y)
end
Base.:-(x::SymbolGraph) = apply(:negative, x)

group(symbols::SymbolGraph...) = take_symbol(API.minpy_symbol_group, SymbolGraph[symbols...] |> s -> map(handle, s), length(symbols))
Base.getindex(s::SymbolGraph, i::Integer) = take_symbol(API.minpy_symbol_output, s, i - 1)
Base.getindex(s::SymbolGraph, name::AbstractString) =
    s[something(findfirst(==(name), list_outputs(s)), 0) |> i -> i > 0 ? i : throw(KeyError(name))]
"The graph of all inner results, each by its output's name."
internals(s::SymbolGraph) = take_symbol(API.minpy_symbol_internals, s)

listed(s) = parse_json(take_text(API.minpy_symbol_list, s))
list_arguments(s::SymbolGraph) = Vector{String}(listed(s)["arguments"])
list_outputs(s::SymbolGraph) = Vector{String}(listed(s)["outputs"])
list_auxiliary_states(s::SymbolGraph) = Vector{String}(listed(s)["auxiliary_states"])

"""
    infer_shape(s; partial = false, x = (8, 20), …)

Shapes of everything from the shapes that are known, forwards and backwards: a named tuple of `arguments`, `outputs`,
`auxiliary_states`, each a list of shapes (`nothing` if not known), and `complete`.
"""
function infer_shape(s::SymbolGraph; partial::Bool=false, known...)
    found = parse_json(take_text(API.minpy_symbol_infer, s, json(Dict("shapes" => Dict(known), "partial" => partial))))
    shapes(key) = [l === nothing ? nothing : Tuple(Vector{Int}(l)) for l in found[key]]
    (complete=found["complete"], arguments=shapes("arguments"), outputs=shapes("outputs"),
     auxiliary_states=shapes("auxiliary_states"))
end

"The graph as MXNet's JSON."
tojson(s::SymbolGraph) = take_text(API.minpy_symbol_save, s)
"`save(path, s)`: writes the graph as MXNet's JSON; [`load_symbol`](@ref) reads it."
save(path::AbstractString, s::SymbolGraph) = (write(path, tojson(s)); nothing)
load_symbol(path::AbstractString) = fromjson(read(path, String))
fromjson(text::AbstractString) = take_symbol(API.minpy_symbol_load, String(text), sizeof(text))

Base.nameof(s::SymbolGraph) = (n = API.minpy_symbol_name(s); n == C_NULL ? "" : unsafe_string(n))
Base.show(io::IO, s::SymbolGraph) = print(io, "SymbolGraph ", nameof(s))

"""
    Func(s, inputs)

A function that computes the graph `s` from arrays by the names in `inputs`: at first the arguments, then the auxiliary
states. Shapes and element types come with each call; gradients pass through.
"""
function Func(s::SymbolGraph, inputs=nothing)
    out = Ref{API.minpy_function}(C_NULL)
    names = inputs === nothing ? C_NULL : String[string(n) for n in inputs]
    check(API.minpy_function_from_symbol(s, names, inputs === nothing ? 0 : length(inputs), out))
    released_by(API.minpy_function_release, Func(out[]))
end
