"""A symbol as a differentiable function that mixes with imperative calls."""

import numpy as _numpy

from . import _minpy
from ._fallback import from_numpy, to_numpy
from ._minpy import _from_numpy, ndarray


class MXNetSymbolError(ValueError):
    """A symbol that cannot be called: a shape is missing or does not fit."""


class Function:
    """Calls a symbol with arrays.

    Parameters
    ----------
    symbol : minpy.sym.Symbol
    input_shapes : dict, optional
        {input name: shape}: gives `get_params` and the output shapes before the first call. The batch size may differ
        from call to call.
    name : str

    Notes
    -----
    Arguments and auxiliary states are given by name; unknown names are ignored; a missing argument takes zeros of the
    inferred shape. The result is an array, or a tuple of them. Gradients flow to every array argument; auxiliary
    states given as arrays are updated in place.
    """

    def __init__(self, symbol, input_shapes=None, name="mxnet_symbol"):
        self._symbol = symbol
        self._input_shapes = dict(input_shapes or {})
        self._name = name
        self._arguments = symbol.list_arguments()
        self._auxiliary = symbol.list_auxiliary_states()
        self._names = self._arguments + self._auxiliary
        self._function = _minpy.function_from_symbol(symbol._handle, None)
        self._is_train = True
        self._kept_auxiliary = {}

    @property
    def is_train(self):
        """Whether operators such as dropout and batch normalisation train."""
        return self._is_train

    @is_train.setter
    def is_train(self, value):
        self._is_train = bool(value)

    def __call__(self, **kwargs):
        values = []
        for name in self._names:
            value = kwargs.get(name)
            if value is None and name in self._auxiliary:
                value = self._auxiliary_state(name, kwargs)
            elif value is not None and not isinstance(value, ndarray):
                value = from_numpy(_numpy.asarray(to_numpy(value)))
            values.append(value)
        context = _minpy.context_new()
        _minpy.context_set_training(context, int(self._is_train))
        _minpy.context_push(context)
        try:
            results = _minpy.function_call(self._function, values)
        finally:
            _minpy.context_pop()
        return results[0] if len(results) == 1 else tuple(results)

    def _auxiliary_state(self, name, kwargs):
        """A state that the caller does not hold lives here: moving variances begin at one."""
        if name not in self._kept_auxiliary:
            shapes = {k: v.shape for k, v in kwargs.items() if hasattr(v, "shape") and k in self._arguments}
            _, _, auxiliary = self._infer(shapes)
            for n, shape in zip(self._auxiliary, auxiliary, strict=True):
                make = _numpy.ones if n.endswith("var") else _numpy.zeros
                dtype = next((v.dtype for v in kwargs.values() if hasattr(v, "dtype")), _numpy.float32)
                self._kept_auxiliary.setdefault(n, _from_numpy(make(shape, dtype), True))
        return self._kept_auxiliary[name]

    def _infer(self, shapes):
        arguments, outputs, auxiliary = self._symbol.infer_shape(**shapes)
        if arguments is None:
            raise MXNetSymbolError(
                f"shapes are not known: give input_shapes for {sorted(set(self._arguments) - set(shapes))}"
            )
        return arguments, outputs, auxiliary

    def get_params(self):
        """{name: {'shape': shape}} of every argument that is no input."""
        arguments, _, _ = self._infer(self._input_shapes)
        return {
            name: {"shape": shape}
            for name, shape in zip(self._arguments, arguments, strict=True)
            if name not in self._input_shapes
        }

    def get_output_shapes(self):
        """{output name: shape}."""
        _, outputs, _ = self._infer(self._input_shapes)
        return dict(zip(self._symbol.list_outputs(), outputs, strict=True))

    def get_one_output_shape(self):
        """The shape of the only output."""
        shapes = list(self.get_output_shapes().values())
        if len(shapes) != 1:
            raise MXNetSymbolError(f"the symbol has {len(shapes)} outputs, not one")
        return shapes[0]

    def __repr__(self):
        return f"Function({self._name}: {', '.join(self._arguments)})"
