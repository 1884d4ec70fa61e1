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

    rows = sorted(((c["op"], c["device"], c["calls"]) for c in data["calls"]), key=lambda row: -row[2])
    table("operators", ("operator", "device", "calls"), rows)
    rows = [
        (f["op"], f["reason"], f["calls"], f["bytes"], f"{f['nanoseconds'] / 1e6:.2f}", _places(f["sites"]))
        for f in data["fallbacks"]
    ]
    rows.sort(key=lambda row: -row[2])
    table("fallbacks", ("operator", "reason", "calls", "bytes", "ms", "called at"), rows)
    return "\n".join(lines) if lines else "nothing has run"


def _places(sites, shown=2):
    """The call sites that fell back most, the file's last two parts of each."""
    most = sorted(sites, key=lambda site: -sites[site])
    short = ["/".join(site.split("/")[-2:]) for site in most[:shown]]
    return ", ".join(short) + (f" and {len(most) - shown} more" if len(most) > shown else "")
