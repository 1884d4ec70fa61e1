"""Results as text: lines while they come, docs/benchmarks/README.md at the end."""

import math
import time

import machine
from cases import OURS
from libraries import TITLES

UNITS = {
    "time": ((1, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns")),
    "bytes": ((2**30, "GB"), (2**20, "MB"), (2**10, "KB"), (1, "B")),
    "count": ((1, ""),),
}


def quantity(value, unit):
    """A value with three digits and its unit; a dash where there is none."""
    if not isinstance(value, (int, float)):
        return "–"
    size, symbol = next((u for u in UNITS[unit] if abs(value) >= u[0]), UNITS[unit][-1])
    return f"{value / size:.3g} {symbol}".rstrip() if abs(value / size) < 1000 else f"{value / size:.0f} {symbol}"


def aim(result):
    if result.case.aim is None:
        return ""
    return f"{result.case.aim:g}" if result.case.over else quantity(result.case.aim, result.case.unit)


def ratio(result):
    return f"{result.measure:.2f}" if result.case.over and result.measure is not None else ""


def line(result):
    """A result while it comes; with the reasons of those who have none."""
    times = "  ".join(f"{TITLES[k]} {quantity(v, result.case.unit)}" for k, v in result.values.items())
    against = f"  ratio {ratio(result)}" if ratio(result) else ""
    held = f"  aim {aim(result)}: {result.verdict}" if result.verdict else ""
    reasons = "".join(f"\n    {TITLES[k]}: {v}" for k, v in result.values.items() if isinstance(v, str))
    return f"  {result.case.name:34} {times}{against}{held}{reasons}"


def mean(results):
    """The geometric mean of the ratios, and of how many."""
    ratios = [r.measure for r in results if r.case.over and r.case.aim is not None and (r.measure or 0) > 0]
    return (math.exp(sum(map(math.log, ratios)) / len(ratios)), len(ratios)) if ratios else (None, 0)


def summary(group, results):
    value, n = mean(results)
    if group.mean is None or value is None:
        return ""
    verdict = "holds" if value <= group.mean else "misses"
    return f"geometric mean of {n}: {value:.2f}, aim {group.mean:g}: {verdict}"


def table(group, results):
    libraries = list(dict.fromkeys(k for r in results for k in r.values))
    libraries.sort(key=lambda name: name != OURS)
    head = ["", *(TITLES[name] for name in libraries), "ratio", "aim", ""]
    rows = [head, ["---", *("---:" for _ in libraries), "---:", "---:", "---"]]
    for r in results:
        over = r.case.over
        cells = []
        for name in libraries:
            text = quantity(r.values.get(name), r.case.unit)
            cells.append(f"**{text}**" if over and r.values.get(name) == r.best_peer and name in over else text)
        rows.append([r.case.name.replace("|", "\\|"), *cells, ratio(r), aim(r), r.verdict])
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def page(results, versions, others, plots):
    """The whole page: `results` by group, `plots` the pictures' names by group."""
    parts = [
        "# Benchmarks",
        "Written by `make bench`; do not edit. Each library runs in a process of its own and they take turns; a time\n"
        "is the best of all rounds, the ratio is ours over the best peer that counts (bold), the aim is its most.",
        "\n".join(
            ["| | |", "|---|---|", f"| date | {time.strftime('%Y-%m-%d')} |"]
            + [f"| {name} | {fact} |" for name, fact in machine.facts().items()]
            + [f"| other work | {others:.0%} of the processors' time |"]
            + [f"| versions | {', '.join(f'{TITLES[k]} {v}' for k, v in versions.items())} |"]
        ),
    ]
    parts.append("![our time over the best peer's, and the aims](ratios.png)")
    for group, of_group in results:
        parts.append(f"## {group.title}")
        if group.about:
            parts.append(group.about)
        in_table = [r for r in of_group if r.case in group.cases]
        if in_table:
            parts.append(table(group, in_table))
        if summary(group, in_table):
            parts.append(summary(group, in_table).capitalize() + ".")
        parts += [f"![{group.title}]({name})" for name in plots.get(group.name, ())]
    return "\n\n".join(parts) + "\n"
