"""What is timed is data: cases, in groups; a group is a table of docs/benchmarks/README.md."""

from collections.abc import Callable
from dataclasses import dataclass

OURS = "minpy"


@dataclass(frozen=True, eq=False)
class Case:
    """A statement, timed in a process of each library.

    `work` is the statement, or one per library with the others' under "". `setup(library)` gives the names that it
    reads, beside `xp`, the library's NumPy. The ratio is ours over the best of `over`; `also` are measured and shown.
    """

    name: str
    work: str | dict[str, str]
    setup: Callable
    over: tuple[str, ...]
    aim: float | None = None
    also: tuple[str, ...] = ()
    forced: bool = True  # wait for the result: what is lazy must be computed
    per: int = 1  # the time of one statement is that of so many pieces of work
    unit: str = "time"

    def statement(self, library):
        """The library's spelling; None where it has no part."""
        return self.work if isinstance(self.work, str) else self.work.get(library, self.work.get(""))


@dataclass(frozen=True, eq=False)
class Measured:
    """What no statement says: `measure(session)` gives {library: value}, or {ours: value} held against the aim."""

    name: str
    measure: Callable
    over: tuple[str, ...] = ()
    aim: float | None = None
    also: tuple[str, ...] = ()
    unit: str = "time"


@dataclass(frozen=True, eq=False)
class Curve:
    """Cases along an axis: a plot, not a table."""

    name: str
    axis: str
    points: tuple[tuple[float, "Case | Measured"], ...]


@dataclass(frozen=True, eq=False)
class Group:
    name: str
    title: str
    about: str
    cases: tuple[Case | Measured, ...] = ()
    mean: float | None = None  # aim of the geometric mean
    curves: tuple[Curve, ...] = ()

    def all_cases(self):
        return [*self.cases, *(case for curve in self.curves for _, case in curve.points)]


@dataclass
class Result:
    """Values by library: seconds, bytes or a count; a text says why there is none."""

    case: Case | Measured
    values: dict[str, float | str]

    @property
    def ours(self):
        value = self.values.get(OURS)
        return value if isinstance(value, (int, float)) else None

    @property
    def best_peer(self):
        theirs = [self.values[p] for p in self.case.over if isinstance(self.values.get(p), (int, float))]
        return min(theirs, default=None)

    @property
    def measure(self):
        """What the aim is for: a ratio, or our value itself where there is no peer."""
        if not self.case.over:
            return self.ours
        if self.ours is None or not self.best_peer:
            return None
        return self.ours / self.best_peer

    @property
    def verdict(self):
        if self.case.aim is None:
            return ""
        if self.measure is None:
            return "not measured"
        return "holds" if self.measure <= self.case.aim else "misses"
