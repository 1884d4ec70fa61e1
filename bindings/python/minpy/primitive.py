"""MinPy's names for functions with derivatives of their own."""

import functools

from . import _minpy
from ._fallback import NoGradientFuncError, from_numpy, to_numpy
from ._minpy import _operator

__all__ = ["NoGradientFuncError", "Primitive", "customop", "register_kernel", "register_operator"]


class Primitive:
    """A Python function as one operator, with its gradient from `def_grad`."""

    def __init__(self, function, numpy_arguments=False):
        functools.update_wrapper(self, function)
        self._function = function
        self._numpy_arguments = numpy_arguments
        self._gradients = {}

    def def_grad(self, make_gradient, argnum=0):
        """`make_gradient(result, *arguments)` returns the function from the result's cotangent to the argument's."""
        self._gradients[argnum] = make_gradient
        return make_gradient

    def def_grad_zero(self, argnum=0):
        """The argument has no influence."""
        self._gradients[argnum] = lambda result, *args: lambda g: g * 0 if args[argnum] is None else args[argnum] * 0

    def __call__(self, *args, **kwargs):
        def plain(values):
            return to_numpy(values) if self._numpy_arguments else values

        def forward(*values):
            return from_numpy(self._function(*plain(values), **kwargs))

        def backward(*values):
            n = len(args)
            inputs, result, cotangent = plain(values[:n]), plain(values[n]), plain(values[n + 1])
            gradients = []
            for i in range(n):
                make = self._gradients.get(i)
                if make is None:
                    raise NoGradientFuncError(f"No partial derivative of {self.__name__} defined on argument {i}.")
                gradients.append(from_numpy(make(result, *inputs, **kwargs)(cotangent)))
            return tuple(gradients)

        call = _minpy.function_new(self.__name__, forward, backward)
        results = _minpy.function_call(call, list(map(_array, args)))
        return results[0] if len(results) == 1 else tuple(results)


def _array(x):
    from . import numpy as np

    return np.asarray(x)


def customop(kind="numpy"):
    """A decorator that makes a `Primitive`; under "numpy" the function gets NumPy arrays."""
    return lambda function: Primitive(function, kind == "numpy")


def register_operator(signature, forward, backward=None, doc=""):
    """A new operator of the library: `minpy.numpy` has it, and every other language and the report.

    Parameters
    ----------
    signature : str
        Its name and parameters with their kinds: "scale_add(x, y, factor: float = 1.0)"; without a kind, an array.
    forward : callable
        Gets all arguments by position, returns one array or a tuple.
    backward : callable, optional
        Gets the arguments, the results and one cotangent per result; returns one cotangent (or None) per array
        argument. Without it the operators that `forward` calls are differentiated.
    """
    name = signature.partition("(")[0].strip()
    _minpy.register_op(signature, doc, _minpy.function_new(name, forward, backward))
    return _operator(name)


def register_kernel(op, forward, device="cpu"):
    """A kernel of an existing operator for a device kind: gets the inputs and the arrays to fill."""
    from ._fallback import parse_device

    _minpy.register_kernel(op, parse_device(device)[0], _minpy.function_new(op, forward, None))
