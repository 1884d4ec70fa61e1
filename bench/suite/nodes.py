"""A chain of a hundred small operators, recorded and differentiated; the time of one."""

import numpy as np
from cases import Case, Group

LENGTH = 100


def gradient(function, library):
    """A function that differentiates the scalar `function` of one array."""
    if library.name == "minpy":
        from minpy.core import grad

        return grad(function)
    if library.name == "torch":

        def differentiate(x):
            x = x.detach().requires_grad_(True)
            return library.module.autograd.grad(function(x), x)[0]

        return differentiate
    if library.name == "mlx":
        return library.module.grad(function)
    return library.module.grad(function)


def chain(length):
    def names(library):
        sin, total = library.xp.sin, library.xp.sum

        def f(x):
            for _ in range(length - 1):
                x = sin(x)
            return total(x)

        return {"differentiate": gradient(f, library), "x": library.array(np.arange(4.0))}

    return names


def case(over, aim):
    title = {"autograd": "autograd", "torch": "PyTorch"}[over]
    also = tuple(p for p in ("autograd", "torch") if p != over)
    return Case(f"sin, over {title}", "differentiate(x)", chain(LENGTH), (over,), aim, also, per=LENGTH)


GROUPS = (
    Group(
        "nodes",
        "Operators recorded and differentiated",
        f"{LENGTH - 1} sines of 4 doubles and a sum, forward and backward, divided by {LENGTH}.",
        (case("autograd", 0.05), case("torch", 0.3)),
    ),
)
