"""Which operators ran where, what fell back, and why."""

import json as _json

from .. import _minpy


def statistics():
    """What ran where since the last reset, as the library tells it: a dict."""
    return _json.loads(_minpy.dispatch_report())


def reset():
    """Begins to count anew."""
    _minpy.dispatch_reset()


def report():
    """A table of the operators that ran, by device, and of the fallbacks, by reason and call site."""
    data = statistics()
    lines = []

    def table(title, header, rows):
        if not rows:
            return
        rows = [tuple(map(str, row)) for row in rows]
        widths = [max(len(row[i]) for row in [header, *rows]) for i in range(len(header))]
        lines.append(title)
        for row in [header, *rows]:
            lines.append("  " + "  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip())

    operators = data.get("operators", data.get("calls", []))
    if isinstance(operators, dict):
        operators = [{"op": name, **info} for name, info in operators.items()]
    rows = []
    for entry in operators:
        name = entry.get("op", entry.get("name", "?"))
        devices = entry.get("devices") or {entry.get("device", "cpu"): entry.get("calls", entry.get("count", 0))}
        for device, count in devices.items() if isinstance(devices, dict) else ():
            calls = count.get("calls", 0) if isinstance(count, dict) else count
            if calls:
                rows.append((name, device, calls))
    rows.sort(key=lambda row: -row[2])
    table("operators", ("operator", "device", "calls"), rows)
    rows = []
    for entry in data.get("fallbacks", []):
        rows.append(
            (
                entry.get("op", entry.get("operator", "?")),
                entry.get("reason", "?"),
                entry.get("calls", entry.get("count", 1)),
                entry.get("bytes", 0),
                f"{entry.get('nanoseconds', entry.get('ns', 0)) / 1e6:.2f}",
                _place(entry),
            )
        )
    rows.sort(key=lambda row: -row[2])
    table("fallbacks", ("operator", "reason", "calls", "bytes", "ms", "called at"), rows)
    return "\n".join(lines) if lines else "nothing has run"


def _place(entry):
    site = entry.get("site", entry.get("sites", ""))
    if isinstance(site, dict):
        site = ", ".join(site)
    if isinstance(site, list):
        site = ", ".join(s if isinstance(s, str) else str(s.get("site", s)) for s in site)
    return site
