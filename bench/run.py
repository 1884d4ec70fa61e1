"""Compares with peers in one run, each ratio our time over theirs: `make bench`.

`CASE=pattern` runs the cases whose "group/name" it is found in, `QUICK=1` takes fewer rounds. A run of all cases writes
docs/benchmarks/. Peers live in an environment of their own, .deps/peers.
"""

import os
import re
import subprocess
import sys
import time

from native import root

peers = root / ".deps" / "peers"


def enter_peers():
    """Runs this file again in the peers' environment, made when its list has changed."""
    wanted = (root / "bench" / "peers.txt").read_text()
    stamp = peers / "installed.txt"
    if not stamp.exists() or stamp.read_text() != wanted:
        subprocess.run([sys.executable, "-m", "venv", peers], check=True)
        # One by one: a peer that a machine cannot have is missing from the tables, not the tables.
        for package in wanted.split():
            install = ["-m", "pip", "install", "-q", "--disable-pip-version-check", package]
            if subprocess.run([peers / "bin" / "python", *install]).returncode:
                print(f"{package} cannot be installed here", flush=True)
        stamp.write_text(wanted)
    os.execv(peers / "bin" / "python", [peers / "bin" / "python", __file__, "--measure"])


def chosen(pattern):
    """The groups with the cases that the pattern is found in."""
    from suite import GROUPS

    for group in GROUPS:
        cases = [c for c in group.all_cases() if re.search(pattern, f"{group.name}/{c.name}")]
        if cases:
            yield group, cases


def write(results, versions, others):
    import plots
    import report

    folder = root / "docs" / "benchmarks"
    folder.mkdir(parents=True, exist_ok=True)
    plots.ratios(results, folder / "ratios.png")
    pictures = {}
    for group, of_group in results:
        by_case = {r.case: r for r in of_group}
        for i, curve in enumerate(group.curves):
            name = f"{group.name}-{i + 1}.png"
            if plots.growth(curve, by_case, folder / name):
                pictures.setdefault(group.name, []).append(name)
    (folder / "README.md").write_text(report.page(results, versions, others, pictures))
    print(f"wrote {(folder / 'README.md').relative_to(root)}", flush=True)


def main():
    import machine
    import report
    from rounds import Session

    pattern, quick = os.environ.get("CASE", ""), os.environ.get("QUICK", "") not in ("", "0")
    session, results, began = Session(quick), [], time.monotonic()
    print(machine.processor(), flush=True)
    try:
        for group, cases in chosen(pattern):
            print(f"\n{group.title} ({group.name}/)", flush=True)
            of_group = []
            for case in cases:
                of_group.append(session.result(f"{group.name}/{case.name}", case))
                print(report.line(of_group[-1]), flush=True)
            results.append((group, of_group))
            if report.summary(group, of_group):
                print(f"  {report.summary(group, of_group)}", flush=True)
        if not results:
            sys.exit(f"no case is called {pattern!r}")
        versions = {name: worker.ask("version") for name, worker in session.workers.items()}
    finally:
        session.close()
    others = session.load.of_others()
    print(f"{time.monotonic() - began:.0f} s; others had {others:.0%} of the processors", flush=True)
    if not pattern:
        write(results, versions, others)


if __name__ == "__main__":
    if "--measure" not in sys.argv:
        enter_peers()
    main()
