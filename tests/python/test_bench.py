"""The benchmark suite: its cases have names of their own, and the small ones run in both libraries."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "bench"))
cases = pytest.importorskip("cases")
import libraries  # noqa: E402
import numpy as np  # noqa: E402
import suite  # noqa: E402
import ulp  # noqa: E402
from worker import Prepared  # noqa: E402


def test_every_case_has_a_name_of_its_own():
    assert len(suite.CASES) == sum(len(group.all_cases()) for group in suite.GROUPS)


@pytest.mark.parametrize("name", ["minpy", "numpy"])
def test_small_cases_run(name):
    library = libraries.LOADERS[name]()
    for key, case in suite.CASES.items():
        if key.startswith(("small/", "keywords/")):
            assert Prepared(case, library).timer.timeit(1) > 0


def test_a_ratio_is_over_the_best_peer_that_counts():
    case = cases.Case("name", "work", None, ("numpy", "torch"), 0.5, also=("jax",))
    result = cases.Result(case, {"minpy": 1.0, "numpy": 4.0, "torch": "no answer", "jax": 1e-3})
    assert result.measure == 0.25
    assert result.verdict == "holds"


@pytest.mark.parametrize("dtype", ulp.DTYPES)
def test_a_rounded_exact_value_is_off_by_half_a_place(dtype):
    x = np.linspace(0.1, 3, 50).astype(dtype)
    high, low = ulp.exact("exp", (x,))
    assert 0.3 < ulp.largest(high.astype(dtype), high, low, dtype)[0] <= 0.5
    assert 0.9 < ulp.largest(np.nextafter(high.astype(dtype), np.float32(99)), high, low, dtype)[0] < 1.6
