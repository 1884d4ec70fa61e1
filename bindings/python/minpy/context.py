"""Where operators run: `with minpy.context.gpu(0): ...`, or `set_context(gpu(0))` for all that follows."""

from . import _minpy

_KINDS = {"cpu": 1, "gpu": 2, "cuda": 2, "extension": 12}
_NAMES = {1: "cpu", 2: "gpu", 12: "extension"}


class Context:
    """A device. As a `with` block it is the one where new arrays live; blocks nest and are safe under exceptions."""

    def __init__(self, device_type, device_id=0):
        if isinstance(device_type, Context):
            device_type, device_id = device_type.device_type, device_type.device_id
        if device_type not in _KINDS:
            raise ValueError(f"no device is called {device_type!r}; there are {sorted(_KINDS)}")
        self.device_type = "gpu" if device_type == "cuda" else device_type
        self.device_id = device_id

    @classmethod
    def _of(cls, kind, index):
        return cls(_NAMES[kind], index)

    @property
    def _pair(self):
        return _KINDS[self.device_type], self.device_id

    def __enter__(self):
        context = _minpy.context_new()
        _minpy.context_set_device(context, self)
        _minpy.context_push(context)
        return self

    def __exit__(self, *exception):
        _minpy.context_pop()

    def __eq__(self, other):
        return isinstance(other, Context) and self._pair == other._pair

    def __hash__(self):
        return hash(self._pair)

    def __repr__(self):
        return f"{self.device_type}({self.device_id})"


def cpu(device_id=0):
    """A CPU context."""
    return Context("cpu", device_id)


def gpu(device_id=0):
    """A GPU context."""
    return Context("gpu", device_id)


def num_gpus():
    """How many GPUs there are."""
    return _minpy.device_count(2)


def current_context():
    """The current context."""
    return Context._of(*_minpy.context_get_info(None)[3:5])


def set_context(context):
    """Sets the thread's current context."""
    _minpy.context_set_device(None, context)
