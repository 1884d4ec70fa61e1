"""The generator of Julia's calls and operators: types, names, and what is positional."""

import importlib.util
from pathlib import Path

path = Path(__file__).parents[2] / "swig/julia/generate.py"
spec = importlib.util.spec_from_file_location("julia_generate", path)
generate = importlib.util.module_from_spec(spec)
spec.loader.exec_module(generate)


def test_types_are_julias():
    opaque = set()
    for encoded, julia in [
        ("p.q(const).char", "Cstring"),
        ("p.q(const).p.q(const).char", "Ptr{Cstring}"),
        ("p.void", "Ptr{Cvoid}"),
        ("p.f(p.void,int32_t).", "Ptr{Cvoid}"),
        ("p.q(const).int64_t", "Ptr{Int64}"),
        ("a(3).uint64_t", "Ptr{UInt64}"),
        ("uint32_t", "UInt32"),
        ("p.minpy_array", "Ptr{minpy_array}"),
        ("p.p.DLManagedTensor", "Ptr{Ptr{DLManagedTensor}}"),
    ]:
        assert generate.julia_type(encoded, opaque) == julia
    assert generate.julia_type("a(64).char", opaque, member=True) == "NTuple{64, UInt8}"
    assert opaque == {"DLManagedTensor"}


def operator(*params, name="f", flags=(), doc="Does it."):
    return {"name": name, "flags": list(flags), "doc": doc, "params": list(params)}


def test_an_operator_becomes_a_function():
    a = {"name": "a", "kind": "array"}
    axis = {"name": "axis", "kind": "axes", "default": None}
    where = {"name": "where", "kind": "array", "default": None}
    text = generate.write_operators([operator(a, axis, where, name="sum")])
    assert 'sum(a; dims=default, var"where"=default, options...) =' in text
    assert 'call(table[1], (Arg.array(a), Arg.axes(dims), Arg.array(var"where")); options...)' in text


def test_what_is_required_or_data_is_positional():
    x = {"name": "x", "kind": "array"}
    dtype = {"name": "dtype", "kind": "dtype"}
    n = {"name": "n", "kind": "int", "default": 1}
    mode = {"name": "mode", "kind": "str", "default": "wrap"}
    more = {"name": "more", "kind": "int", "default": 0}
    text = generate.write_operators([operator(x, dtype, n, mode, more)])
    assert "f(x, dtype, n=default; mode=default, more=default, options...) =" in text
    assert 'f(x, dtype[, n = 1]; mode = "wrap", more = 0)' in text


def test_a_dotted_name_goes_into_a_module_and_a_hidden_one_nowhere():
    x = {"name": "x", "kind": "array"}
    text = generate.write_operators([operator(x, name="mx.sum"), operator(x, name="_alias")])
    assert "baremodule mx" in text and "_alias" not in text
