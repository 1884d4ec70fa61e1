"""Policies: which device operators prefer. A policy is a `with` block, a decorator (`wrap_policy`), or global.

MinPy's names are kept: "MXNet" there stands for the device's own kernels, "NumPy" for the CPU."""

import functools

from .. import _minpy

_REACTIONS = {"allow": 0, "warn": 1, "error": 2}


class PrimitivePolicyError(ValueError):
    """A policy found no implementation."""

    def __init__(self, name, policy_name):
        super().__init__(f"Cannot find implementation for function: {name}() under policy: {policy_name}.")


class Policy:
    """What the library prefers, and how it reacts when an operator runs elsewhere: "allow", "warn" or "error"."""

    _number = 0

    def __init__(self, fallback="allow"):
        if fallback not in _REACTIONS:
            raise ValueError(f"fallback is one of {sorted(_REACTIONS)}, not {fallback!r}")
        self.fallback = fallback

    @property
    def name(self):
        """The policy's name."""
        return type(self).__name__

    def _apply(self, context):
        _minpy.context_set_policy(context, self._number, _REACTIONS[self.fallback])

    def __enter__(self):
        context = _minpy.context_new()
        self._apply(context)
        _minpy.context_push(context)
        return self

    def __exit__(self, *exception):
        _minpy.context_pop()

    def __call__(self, function):
        return wrap_policy(self)(function)

    def __eq__(self, other):
        return isinstance(other, Policy) and (self._number, self.fallback) == (other._number, other.fallback)

    def __hash__(self):
        return hash((self._number, self.fallback))

    def __repr__(self):
        return f"{self.name}(fallback={self.fallback!r})"


class PreferMXNetPolicy(Policy):
    """The device's kernel where there is one, else the CPU's."""

    _number = 0


class OnlyNumPyPolicy(Policy):
    """Everything runs on the CPU."""

    _number = 1


class OnlyMXNetPolicy(Policy):
    """Nothing but the device's kernels; a missing one is an error."""

    _number = 2


PreferDevicePolicy, OnlyCPUPolicy, OnlyDevicePolicy = PreferMXNetPolicy, OnlyNumPyPolicy, OnlyMXNetPolicy
_BY_NAME = {
    "prefer_mxnet": PreferMXNetPolicy,
    "only_numpy": OnlyNumPyPolicy,
    "only_mxnet": OnlyMXNetPolicy,
    "prefer_device": PreferMXNetPolicy,
    "only_cpu": OnlyNumPyPolicy,
    "only_device": OnlyMXNetPolicy,
}


def create(policy):
    """A policy from its name, or the policy itself."""
    if isinstance(policy, Policy):
        return policy
    if policy not in _BY_NAME:
        raise ValueError(f"no policy is called {policy!r}; there are {sorted(_BY_NAME)}")
    return _BY_NAME[policy]()


def wrap_policy(policy):
    """A decorator: the function runs under the policy, which ends with it, also by an exception."""
    policy = create(policy)

    def decorate(function):
        @functools.wraps(function)
        def wrapped(*args, **kwargs):
            with policy:
                return function(*args, **kwargs)

        return wrapped

    return decorate


def set_global_policy(policy):
    """Sets the current policy of this thread."""
    create(policy)._apply(None)


def get_global_policy():
    """The current policy of this thread."""
    number, fallback = _minpy.context_get_info(None)[:2]
    kind = next(k for k in (PreferMXNetPolicy, OnlyNumPyPolicy, OnlyMXNetPolicy) if k._number == number)
    return kind(next(name for name, n in _REACTIONS.items() if n == fallback))
