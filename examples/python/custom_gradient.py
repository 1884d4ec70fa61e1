"""A function with a gradient of its own: a soft threshold whose derivative lets a network train through it.

`customop` gives a Python function a gradient; `register_operator` makes it an operator of the library, which the
dispatch report and every language knows.
"""

import minpy.numpy as np
from minpy.core import grad
from minpy.primitive import customop, register_operator


@customop("numpy")  # gets NumPy's arrays
def step(x):
    """1 where x > 0, else 0: its derivative is zero almost everywhere."""
    return (x > 0).astype(x.dtype)


step.def_grad(lambda result, x: lambda g: g * np.asnumpy(np.exp(-(x**2))))  # as if the step were smooth

clipped = register_operator(
    "straight_through(x, limit: float = 1.0)",
    lambda x, limit: np.clip(x, -limit, limit),
    lambda x, limit, result, g: g,  # the gradient passes as if nothing had been clipped
    doc="Clips, and lets the gradient through.",
)


def main():
    x = np.array([-2.0, -0.5, 0.5, 2.0])
    print("step", step(x), "with slopes", grad(lambda x: np.sum(step(x)))(x).round(3))
    print("clipped", clipped(x), "with slopes", grad(lambda x: np.sum(clipped(x, limit=1.5)))(x))


if __name__ == "__main__":
    main()
