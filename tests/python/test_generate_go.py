"""What tools/generate_go makes of a schema."""

import importlib.machinery
import importlib.util
from pathlib import Path

import pytest

path = Path(__file__).parents[2] / "tools/generate_go"


@pytest.fixture(scope="module")
def generate():
    loader = importlib.machinery.SourceFileLoader("generate_go", str(path))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(loader.name, loader))
    loader.exec_module(module)
    return module


def parameter(name, kind, **more):
    return {"name": name, "kind": kind, "optional": False, "keyword_only": False} | more


def row(name, *params, n_outputs=1):
    signature = f"{name}({', '.join(p['name'] for p in params)})"
    return {"name": name, "signature": signature, "doc": "A doc.", "n_outputs": n_outputs, "params": list(params)}


def test_what_must_be_given_is_a_parameter_and_the_rest_options(generate):
    axis = parameter("axis", "axes", default=None)
    text = generate.operators([row("log_add", parameter("x1", "array"), parameter("x2", "array"), axis)])
    assert "// LogAdd is log_add(x1, x2, axis): a doc.\n" in text
    assert "func LogAdd(x1, x2 any, options ...Option) (*Array, error) {" in text
    assert "func (s *Scope) LogAdd(x1, x2 any, options ...Option) *Array {" in text
    assert 'func WithAxis(axis ...int) Option { return Option{"axis", oneOrMore(axis)} }' in text


def test_results_are_go_results(generate):
    text = generate.operators(
        [row("divmod", parameter("x", "array"), n_outputs=2), row("split", parameter("x", "array"), n_outputs=0)]
    )
    assert "func Divmod(x any, options ...Option) (*Array, *Array, error) {" in text
    assert "func Split(x any, options ...Option) ([]*Array, error) {" in text


def test_names_of_go_and_of_the_package_are_avoided(generate):
    text = generate.operators([row("linalg.norm", parameter("type", "str"), parameter("s", "int")), row("_window")])
    assert "func LinalgNorm(type_ string, s_ int, options ...Option)" in text
    assert "Window" not in text


def test_options_of_every_call_are_not_written_twice(generate):
    out = parameter("dtype", "dtype", default=None)
    assert "func WithDtype" not in generate.operators([row("sum", parameter("a", "array"), out)])


def test_an_operator_whose_arguments_may_all_be_left_out_asks_for_the_first(generate):
    start = parameter("start", "scalar", optional=True, default=None)
    stop = parameter("stop", "scalar", optional=True, default=None)
    text = generate.operators([row("arange", start, stop)])
    assert "func Arange(start any, options ...Option) (*Array, error) {" in text
    assert 'func WithStop(stop any) Option { return Option{"stop", stop} }' in text


def test_an_int_or_several_are_any(generate):
    assert "func Split(x, sections any, options ...Option)" in generate.operators(
        [row("split", parameter("x", "array"), parameter("sections", "ints"))]
    )
