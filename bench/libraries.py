"""The libraries under one set of names: `xp` is the library's NumPy, `array` makes its arrays, `done` waits."""

import os
from dataclasses import dataclass
from typing import Any


@dataclass
class Library:
    name: str
    xp: Any
    array: Any
    done: Any = None
    module: Any = None
    lazy_type: type = object

    def wants_wait(self, result):
        """Whether a result may still have to be computed."""
        return self.done is not None and isinstance(result, self.lazy_type)


def minpy():
    import minpy
    import minpy.numpy as xp

    return Library("minpy", xp, xp.array, minpy._minpy._wait, minpy, minpy.ndarray)


def numpy():
    import numpy as xp

    return Library("numpy", xp, xp.array, None, xp)


def autograd():
    import autograd
    import autograd.numpy as xp

    return Library("autograd", xp, xp.array, None, autograd)


def torch():
    import torch as xp

    return Library("torch", xp, lambda a: xp.from_numpy(a.copy()), None, xp)


def jax():
    import jax

    jax.config.update("jax_platforms", "cpu")
    jax.config.update("jax_enable_x64", True)
    import jax.numpy as xp

    return Library("jax", xp, xp.asarray, jax.block_until_ready, jax)


def mlx():
    import mlx.core as xp

    xp.set_default_device(xp.cpu)

    def array(a):
        # Doubles become floats unless one insists.
        return xp.array(a, dtype=xp.bool_ if a.dtype.name == "bool" else getattr(xp, a.dtype.name))

    return Library("mlx", xp, array, xp.eval, xp)


LOADERS = {f.__name__: f for f in (minpy, numpy, autograd, torch, jax, mlx)}
TITLES = {
    "minpy": "MinPy", "numpy": "NumPy", "autograd": "autograd", "torch": "PyTorch", "jax": "JAX", "mlx": "MLX",
    "openblas": "OpenBLAS", "onednn": "oneDNN",
}  # fmt: skip


def environment(name):
    """A process's variables: peers choose their own BLAS kernels whatever ours must be told."""
    variables = dict(os.environ)
    if name != "minpy":
        for setting in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):
            variables.pop(setting, None)
    return variables
