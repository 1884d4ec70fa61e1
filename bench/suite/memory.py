"""Peak memory: what work takes beyond its arguments, in a fresh process of each library."""

from cases import OURS, Group, Measured

from . import chain, training


def peaks(key, *peers):
    def measure(session):
        values = {}
        for library in (OURS, *peers):
            try:
                values[library] = session.peak(key, library)
            except Exception as error:
                values[library] = str(error)
        return values

    return measure


def chain_case(case):
    return Measured(case.name.split(" over")[0], peaks(f"chain/{case.name}", "numpy"), ("numpy",), 1.0, unit="bytes")


GROUPS = (
    Group(
        "memory",
        "Peak memory",
        "Of the chain over NumPy, of the training steps over PyTorch.",
        (
            *(chain_case(case) for case in chain.GROUPS[0].cases if case.over == ("numpy",)),
            *(
                Measured(case.name, peaks(f"training/{case.name}", "torch"), ("torch",), 1.0, unit="bytes")
                for case in training.EAGER.cases
            ),
        ),
    ),
)
