"""Names of symbols: `with minpy.name.Prefix('net_'): ...`."""

import threading

_local = threading.local()


class NameManager:
    """Gives names to symbols that have none: the operator's name and a number."""

    def __init__(self):
        self._counter = {}

    def get(self, name, hint):
        """`name`, or a new one made from `hint`."""
        if name:
            return name
        hint = hint.lower()
        number = self._counter.get(hint, 0)
        self._counter[hint] = number + 1
        return f"{hint}{number}"

    def __enter__(self):
        _stack().append(self)
        return self

    def __exit__(self, *exception):
        _stack().pop()


class Prefix(NameManager):
    """Puts a prefix before every name."""

    def __init__(self, prefix):
        super().__init__()
        self._prefix = prefix

    def get(self, name, hint):
        return self._prefix + super().get(name, hint)


def _stack():
    if not hasattr(_local, "stack"):
        _local.stack = []
    return _local.stack


def current():
    """The innermost manager, or None: then the library itself counts."""
    return _stack()[-1] if _stack() else None
