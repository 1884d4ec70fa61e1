"""What a call through the C ABI costs over its arithmetic."""

from cases import Group, Measured
from native import fastest


def over_arithmetic(session):
    times = fastest(session, "bench_call", ("/4$", {}), clock="cpu_time")
    return {"minpy": times["invoke/add/4"] - times["loop/4"]}


GROUPS = (
    Group(
        "c-call",
        "C call of a small operator",
        "`minpy_invoke` of add, 4 doubles, less the same additions as a plain loop.",
        (Measured("add", over_arithmetic, aim=40e-9),),
    ),
)
