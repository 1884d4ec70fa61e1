"""Arrays on the simulated device: its memory cannot be touched by the host, and it has few kernels."""

import os
from pathlib import Path

import numpy
import pytest

import minpy
import minpy.numpy as np
from minpy import _minpy
from minpy.core import grad
from minpy.dispatch import report, reset, statistics


@pytest.fixture(scope="module")
def device():
    build = Path(os.environ.get("MINPY_BUILD", Path(minpy.__file__).resolve().parents[2]))
    plugin = build / "lib/test-backends/libminpy_simdev.so"
    if not plugin.exists():
        build = Path(_minpy.__file__).resolve().parents[2]
        plugin = build / "lib/test-backends/libminpy_simdev.so"
    if not plugin.exists():
        pytest.skip("the simulated device is in the build tree only")
    _minpy.backend_load(str(plugin))
    return minpy.Context("extension", 0)


def test_arrays_move_and_compute_there(device):
    x = np.arange(4.0).to_device(device)
    assert x.device == "device:0" and x.context == device
    y = x * x + x
    assert y.device == "device:0"
    assert y.asnumpy().tolist() == [0.0, 2.0, 6.0, 12.0]
    assert repr(y) == "array([ 0.,  2.,  6., 12.])"
    assert y.to_device("cpu").device == "cpu"
    assert x.__dlpack_device__() == (12, 0)
    z = x.copy()
    z += 1
    assert z.tolist() == [1.0, 2.0, 3.0, 4.0] and x.tolist() == [0.0, 1.0, 2.0, 3.0]


def test_results_of_a_device_stay_arrays(device):
    s = np.sum(np.arange(4.0).to_device(device))
    assert type(s) is np.ndarray and s.ndim == 0 and s.device == "device:0"
    assert float(s) == 6.0


def test_what_has_no_kernel_falls_back_and_comes_back(device):
    reset()
    x = np.array([1.0, 2.0]).to_device(device)
    y = np.log(x)
    assert y.device == "device:0"
    numpy.testing.assert_allclose(y.asnumpy(), numpy.log([1.0, 2.0]))
    assert any(f["op"] == "log" and f["reason"] == "no_kernel" and f["bytes"] for f in statistics()["fallbacks"])
    assert "log" in report()


def test_numpys_functions_write_back_to_the_device(device):
    x = np.zeros((2, 2)).to_device(device)
    np.fill_diagonal(x, 3)
    assert x.tolist() == [[3.0, 0.0], [0.0, 3.0]]


def test_indexing_and_writing_on_the_device(device):
    x = np.arange(6.0).reshape(2, 3).to_device(device)
    x[0, 1:] = 7
    assert x.tolist() == [[0.0, 7.0, 7.0], [3.0, 4.0, 5.0]]
    assert x[1].tolist() == [3.0, 4.0, 5.0]
    assert x.T.tolist() == [[0.0, 3.0], [7.0, 4.0], [7.0, 5.0]]


def test_gradients_on_the_device_go_through_fallbacks(device):
    x = np.array([1.0, 2.0, 4.0]).to_device(device)
    g = grad(lambda x: np.sum(np.log(x) * x))(x)
    assert g.device == "device:0"
    numpy.testing.assert_allclose(g.asnumpy(), numpy.log([1.0, 2.0, 4.0]) + 1)


def test_a_fallback_can_be_refused(device):
    x = np.array([1.0, 2.0]).to_device(device)
    with minpy.PreferMXNetPolicy(fallback="error"):
        assert (x + x).tolist() == [2.0, 4.0]
        with pytest.raises(NotImplementedError):
            np.log(x)
    assert np.log(x).device == "device:0"


def test_new_arrays_live_where_the_context_says(device):
    with device:
        x = np.array([1.0, 2.0])
        assert x.device == "device:0" and (x + x).device == "device:0"
        assert np.vander(x).device == "device:0"
    assert np.array([1.0]).device == "cpu"
