"""Runs the README's examples, each as a program of its own, and checks what their comments say they print.

readme.py SOURCE WORK
"""

import os
import re
import subprocess
import sys
from pathlib import Path

source, work = Path(sys.argv[1]), Path(sys.argv[2])
work.mkdir(parents=True, exist_ok=True)
page = (source / "README.md").read_text()


def block(language):
    return re.search(rf"```{language}\n(.*?)```", page, re.DOTALL)[1]


def run(*command, cwd=work):
    done = subprocess.run(
        [source / "tools/env", *command], cwd=cwd, stdin=subprocess.DEVNULL, capture_output=True, text=True
    )
    if done.returncode:
        sys.exit(f"{done.stdout}{done.stderr}\nfailed: {' '.join(map(str, command))}")
    return done.stdout


def check(language, printed):
    """Every comment that shows output is a line of what was printed."""
    shown = re.findall(
        r"(?:[Pp]rint|puts)\w*\(.*?(?:#|//|/\*) ?([\d\[(][^*\n]*?)(?: \*/)?$", block(language), re.MULTILINE
    )
    if not shown:
        sys.exit(f"{language}: no comment says what is printed")
    lines = {re.sub(r"\s+", "", line) for line in printed.splitlines()}
    for text in shown:
        if re.sub(r"\s+", "", text) not in lines:
            sys.exit(f"{language}: the README says {text!r}, printed was\n{printed}")
    print(f"{language}: {len(shown)} lines as shown")


check("python", run("python", "-c", block("python")))
(work / "readme.jl").write_text(block("julia"))
check("julia", run("julia", work / "readme.jl"))
(work / "readme.go").write_text(block("go"))
go = source / "examples/go"
check("go", run("go", "run", work / "readme.go", cwd=go))
(work / "readme.c").write_text(block("c"))
flags = run("pkg-config", "--cflags", "--libs", "minpy").split()
run(os.environ.get("CC", "gcc"), "-std=c99", work / "readme.c", *flags, "-o", work / "readme")
check("c", run(work / "readme"))
