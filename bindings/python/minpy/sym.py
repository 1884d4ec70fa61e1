"""Symbols: expression graphs with MXNet's names and inference.

`sym.Convolution(data=x, kernel=(3, 3), num_filter=8)`."""

import json as _json

import numpy as _numpy

from . import _minpy
from . import name as _name


class Symbol:
    """A node of an expression graph, or several of them."""

    __array_ufunc__ = None  # symbol arithmetic wins over NumPy's

    def __init__(self, handle):
        self._handle = handle

    # ---- names

    @property
    def name(self):
        """The symbol's name."""
        return _minpy.symbol_name(self._handle)

    def _lists(self):
        return _json.loads(_minpy.symbol_list(self._handle))

    def list_arguments(self):
        """Names of the arguments, in the order in which the graph meets them."""
        return self._lists()["arguments"]

    def list_outputs(self):
        """Names of the outputs."""
        return self._lists()["outputs"]

    def list_auxiliary_states(self):
        """Names of the auxiliary states."""
        return self._lists()["auxiliary_states"]

    def get_internals(self):
        """All nodes of the graph as one symbol."""
        return Symbol(_minpy.symbol_internals(self._handle))

    # ---- outputs

    def __len__(self):
        return len(self.list_outputs())

    def __getitem__(self, index):
        if isinstance(index, str):
            names = self.list_outputs()
            if names.count(index) != 1:
                raise ValueError(f"there is {'no' if index not in names else 'more than one'} output called {index!r}")
            index = names.index(index)
        if index < 0 or index >= len(self):
            raise IndexError(f"output {index} of {len(self)}")
        return Symbol(_minpy.symbol_output(self._handle, index))

    def __iter__(self):
        return (self[i] for i in range(len(self)))

    # ---- inference

    def _infer(self, shapes, dtypes, partial):
        known = {"shapes": shapes, "dtypes": dtypes, "partial": partial}
        return _json.loads(_minpy.symbol_infer(self._handle, _json.dumps(known)))

    def _by_name(self, args, kwargs):
        if args and kwargs:
            raise ValueError("Can only specify known argument shapes either by positional or kwargs way.")
        if args:
            kwargs = dict(zip(self.list_arguments(), args, strict=False))
        return {k: v for k, v in kwargs.items() if v is not None}

    def infer_shape(self, *args, **kwargs):
        """(argument shapes, output shapes, auxiliary shapes), or three times None if too little is known."""
        known = {k: [int(n) for n in v] for k, v in self._by_name(args, kwargs).items()}
        found = self._infer(known, {}, False)
        if not found["complete"]:
            return None, None, None
        return tuple([tuple(s) for s in found[k]] for k in ("arguments", "outputs", "auxiliary_states"))

    def infer_shape_partial(self, *args, **kwargs):
        """As infer_shape, with () for what is not known."""
        known = {k: [int(n) for n in v] for k, v in self._by_name(args, kwargs).items()}
        found = self._infer(known, {}, True)
        return tuple([tuple(s or ()) for s in found[k]] for k in ("arguments", "outputs", "auxiliary_states"))

    def infer_type(self, *args, **kwargs):
        """(argument types, output types, auxiliary types)."""
        known = {k: _numpy.dtype(v).name for k, v in self._by_name(args, kwargs).items()}
        found = self._infer({}, known, True)["dtypes"]
        return tuple(
            [_numpy.dtype(t or "float32").type for t in found.get(k, [])]
            for k in ("arguments", "outputs", "auxiliary_states")
        )

    # ---- files

    def tojson(self):
        """MXNet's JSON."""
        return _minpy.symbol_save(self._handle).decode()

    def save(self, fname):
        """Writes MXNet's JSON to a file."""
        with open(fname, "w", encoding="utf-8") as file:
            file.write(self.tojson())

    def __reduce__(self):
        return load_json, (self.tojson(),)

    def __copy__(self):
        return load_json(self.tojson())

    def __deepcopy__(self, memo):
        return load_json(self.tojson())

    def debug_str(self):
        """The graph as text."""
        return self.tojson()

    def __call__(self, *args, name=None, **kwargs):
        """The symbol with its variables replaced by other symbols."""
        replaced = dict(zip(self.list_arguments(), args, strict=False)) | kwargs
        graph = _json.loads(self.tojson())
        return _compose(graph, replaced)

    def __repr__(self):
        names = self.list_outputs()
        return f"<Symbol {self.name}>" if len(names) == 1 else f"<Symbol group [{', '.join(names)}]>"

    # ---- arithmetic

    def _binary(op, scalar, reflected=None):
        def forward(self, other):
            if isinstance(other, Symbol):
                return _apply(op, [(self, None), (other, None)], {})
            if isinstance(other, (int, float, _numpy.number)):
                return _apply(scalar, [(self, None)], {"scalar": float(other)})
            return NotImplemented

        def backward(self, other):
            if isinstance(other, (int, float, _numpy.number)):
                return _apply(reflected or scalar, [(self, None)], {"scalar": float(other)})
            return NotImplemented

        return forward, backward

    __add__, __radd__ = _binary("_plus", "_plus_scalar")
    __sub__, __rsub__ = _binary("_minus", "_minus_scalar", "_rminus_scalar")
    __mul__, __rmul__ = _binary("_mul", "_mul_scalar")
    __truediv__, __rtruediv__ = _binary("_div", "_div_scalar", "_rdiv_scalar")
    __pow__, __rpow__ = _binary("_power", "_power_scalar", "_rpower_scalar")
    __mod__, __rmod__ = _binary("_mod", "_mod_scalar", "_rmod_scalar")
    __gt__, _ = _binary("_greater", "_greater_scalar")
    __ge__, _ = _binary("_greater_equal", "_greater_equal_scalar")
    __lt__, _ = _binary("_lesser", "_lesser_scalar")
    __le__, _ = _binary("_lesser_equal", "_lesser_equal_scalar")
    del _binary, _

    def __neg__(self):
        return _apply("_mul_scalar", [(self, None)], {"scalar": -1.0})

    def __abs__(self):
        return _apply("abs", [(self, None)], {})


def _apply(op, inputs, attributes, name=None):
    manager = _name.current()
    if manager is not None:
        name = manager.get(name, op.lower())
    pairs = [(s._handle, given) for s, given in inputs]
    return Symbol(_minpy.symbol_apply(op, name, pairs, _json.dumps(attributes, default=_plain)))


def _plain(value):
    if isinstance(value, _numpy.generic):
        return value.item()
    if isinstance(value, (_numpy.dtype, type)):
        return _numpy.dtype(value).name
    raise TypeError(f"{value!r} is no attribute of a symbol")


def _creator(op):
    def create(*args, name=None, attr=None, **kwargs):
        inputs, attributes = [], {}
        for value in args:
            if isinstance(value, (list, tuple)) and value and all(isinstance(v, Symbol) for v in value):
                inputs += [(v, None) for v in value]
            elif isinstance(value, Symbol):
                inputs.append((value, None))
            else:
                raise TypeError(f"{op}: inputs are symbols, not {type(value).__name__}")
        for key, value in kwargs.items():
            if isinstance(value, Symbol):
                inputs.append((value, key))
            elif value is not None:
                attributes[key] = value
        for key, value in (attr or {}).items():
            attributes[key] = value
        return _apply(op, inputs, attributes, name)

    create.__name__ = create.__qualname__ = op
    create.__doc__ = f"The symbol operator {op}."
    return create


def Variable(name, attr=None, shape=None, lr_mult=None, wd_mult=None, dtype=None, init=None, **kwargs):
    """An input of a graph."""
    attributes = dict(attr or {}) | {k: str(v) for k, v in kwargs.items()}
    if shape is not None:
        attributes["__shape__"] = str(tuple(shape))
    if lr_mult is not None:
        attributes["__lr_mult__"] = str(lr_mult)
    if wd_mult is not None:
        attributes["__wd_mult__"] = str(wd_mult)
    if dtype is not None:
        attributes["__dtype__"] = _numpy.dtype(dtype).name
    if init is not None:
        attributes["__init__"] = str(init)
    manager = _name.current()
    if isinstance(manager, _name.Prefix):
        name = manager.get(name, "variable")
    return Symbol(_minpy.symbol_variable(name, _json.dumps(attributes)))


var = Variable


def Group(symbols):
    """Several symbols as one with all their outputs."""
    return Symbol(_minpy.symbol_group([s._handle for s in symbols]))


def load_json(text):
    """A symbol from MXNet's JSON."""
    return Symbol(_minpy.symbol_load(text))


fromjson = load_json


def load(fname):
    """A symbol from a file of MXNet's JSON."""
    with open(fname, encoding="utf-8") as file:
        return load_json(file.read())


def _compose(graph, replaced):
    built = []
    for node in graph["nodes"]:
        attributes = node.get("attrs") or node.get("attr") or node.get("param") or {}
        if node["op"] == "null":
            symbol = replaced.get(node["name"]) or Symbol(_minpy.symbol_variable(node["name"], _json.dumps(attributes)))
        else:
            inputs = [(built[i[0]][i[1]] if len(built[i[0]]) > 1 else built[i[0]], None) for i in node["inputs"]]
            symbol = Symbol(
                _minpy.symbol_apply(
                    node["op"], node["name"], [(s._handle, n) for s, n in inputs], _json.dumps(attributes)
                )
            )
        built.append(symbol)
    heads = [built[h[0]][h[1]] if len(built[h[0]]) > 1 else built[h[0]] for h in graph["heads"]]
    return heads[0] if len(heads) == 1 else Group(heads)


def pow(base, exponent):
    """base ** exponent."""
    return base**exponent


def maximum(left, right):
    """The larger of two symbols, or of a symbol and a number."""
    return _pair("_maximum", left, right)


def minimum(left, right):
    """The smaller of two symbols, or of a symbol and a number."""
    return _pair("_minimum", left, right)


def _pair(op, left, right):
    if isinstance(left, Symbol) and isinstance(right, Symbol):
        return _apply(op, [(left, None), (right, None)], {})
    symbol, number = (left, right) if isinstance(left, Symbol) else (right, left)
    return _apply(op + "_scalar", [(symbol, None)], {"scalar": float(number)})


def __getattr__(name):
    if name.startswith("__"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    create = _creator(name)
    globals()[name] = create
    return create
