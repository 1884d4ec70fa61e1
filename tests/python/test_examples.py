"""The small examples run and print what they promise; the large ones have checks of their own."""

import runpy
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parents[2] / "examples/python"


@pytest.mark.parametrize(
    "name, expected", [("newton", "radius 2.006 after 4 steps"), ("custom_gradient", "clipped [-1.  -0.5  0.5  1. ]")]
)
def test_an_example_runs(name, expected, capsys):
    runpy.run_path(str(EXAMPLES / f"{name}.py"), run_name="__main__")
    assert expected in capsys.readouterr().out
