"""Pictures beside the tables: the ratios of each group, and how time grows."""

import matplotlib

matplotlib.use("Agg")
from cases import OURS
from libraries import TITLES
from matplotlib import pyplot

COLOURS = {
    "minpy": "tab:red", "numpy": "tab:blue", "torch": "tab:orange", "jax": "tab:green", "mlx": "tab:purple",
    "autograd": "tab:brown", "openblas": "tab:gray", "onednn": "tab:cyan",
}  # fmt: skip


def save(figure, path):
    # No date or version inside: the same numbers make the same file.
    figure.savefig(path, dpi=110, metadata={"Software": None})
    pyplot.close(figure)


def ratios(results, path):
    """Bars of all ratios, with a mark at each aim."""
    shown = [(r, f"{group.name}: {r.case.name}") for group, of_group in results for r in of_group]
    shown = [(r, name) for r, name in shown if r.case.over and r.case.aim is not None and r.measure]
    if not shown:
        return
    figure, axes = pyplot.subplots(figsize=(9, 1 + 0.17 * len(shown)), layout="constrained")
    places = range(len(shown))
    colours = ["tab:green" if r.verdict == "holds" else "tab:red" for r, _ in shown]
    axes.barh(places, [r.measure for r, _ in shown], color=colours, height=0.7)
    axes.scatter([r.case.aim for r, _ in shown], places, marker="|", color="black", s=40, label="aim")
    axes.set(yticks=places, xscale="log", xlabel="our time over the best peer's", ylim=(len(shown) - 0.4, -0.6))
    axes.set_yticklabels([name for _, name in shown], fontsize=6)
    axes.axvline(1, color="gray", linewidth=0.8)
    axes.legend(loc="lower right")
    save(figure, path)


def growth(curve, by_case, path):
    """The time of each library along the curve's axis; whether there was anything to draw."""
    results = [(x, by_case[case]) for x, case in curve.points if case in by_case]
    if not results:
        return False
    figure, axes = pyplot.subplots(figsize=(6, 3.6), layout="constrained")
    libraries = list(dict.fromkeys(k for _, r in results for k in r.values))
    for name in libraries:
        points = [(x, r.values[name]) for x, r in results if isinstance(r.values.get(name), (int, float))]
        if points:
            style = {"color": COLOURS[name], "label": TITLES[name], "linewidth": 2 if name == OURS else 1}
            axes.plot(*zip(*points, strict=True), marker="o", markersize=3, **style)
    scale = "linear" if curve.axis == "threads" else "log"
    axes.set(title=curve.name, xlabel=curve.axis, ylabel="seconds", xscale=scale, yscale="log")
    if curve.axis == "threads":
        axes.set_xticks([x for x, _ in results])
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8)
    save(figure, path)
    return True
