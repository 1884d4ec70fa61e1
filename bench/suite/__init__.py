"""The cases: a file for each subject, a group for each row of what is to hold."""

from . import (
    bulk,
    calls,
    chain,
    function,
    growth,
    kernels,
    layers,
    memory,
    nodes,
    package,
    products,
    small,
    training,
    workloads,
)

GROUPS = (
    *small.GROUPS, *calls.GROUPS, *kernels.GROUPS, *chain.GROUPS, *bulk.GROUPS, *products.GROUPS, *nodes.GROUPS,
    *training.GROUPS, *layers.GROUPS, *workloads.GROUPS, *memory.GROUPS, *function.GROUPS, *growth.GROUPS,
    *package.GROUPS,
)  # fmt: skip

# A case's name is unique in its group: workers find it by both.
CASES = {f"{group.name}/{case.name}": case for group in GROUPS for case in group.all_cases()}


def case(key):
    return CASES[key]
