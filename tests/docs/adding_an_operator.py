"""Does what docs/adding-an-operator.md says, in a copy of the tree, and runs its examples in all four languages.

adding_an_operator.py SOURCE WORK: the tree, and a folder for the copy, which is kept for the next run.
"""

import re
import shutil
import subprocess
import sys
from pathlib import Path

source, work = Path(sys.argv[1]), Path(sys.argv[2])
page = (source / "docs/adding-an-operator.md").read_text()
blocks = dict.fromkeys(("python", "julia"))
cpp = re.findall(r"```cpp\n(.*?)```", page, re.DOTALL)
for language in blocks:
    blocks[language] = re.search(rf"```{language}\n(.*?)```", page, re.DOTALL)[1]
arithmetic, row = cpp


def run(*command, cwd=work):
    done = subprocess.run(
        list(map(str, command)),
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if done.returncode:
        sys.exit(f"{done.stdout[-4000:]}\nfailed: {' '.join(map(str, command))}")
    return done.stdout


def change(path, pattern, replacement):
    text = (work / path).read_text()
    changed, n = re.subn(pattern, lambda m: replacement(m), text, count=1, flags=re.DOTALL)
    assert n == 1, f"{path} has no {pattern}"
    (work / path).write_text(changed)


# The tree as it is, tracked or new, without what is ignored.
work.mkdir(parents=True, exist_ok=True)
listed = subprocess.check_output(
    ["git", "-C", source, "ls-files", "-co", "--exclude-standard"], text=True, stderr=subprocess.DEVNULL
).splitlines()
for name in listed:
    if not (source / name).is_file():
        continue
    to = work / name
    to.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(source / name, to)
for environment in (".venv", ".deps"):
    if not (work / environment).exists():
        (work / environment).symlink_to((source / environment).resolve())

change("core/ops/arithmetic.h", r"MINPY_FUNCTORS\((.*?)\)", lambda m: f"{arithmetic}\nMINPY_FUNCTORS({m[1]}, Softsign)")
change("core/ops/arithmetic.cc", r"\n}\n\n}  // namespace minpy\s*$", lambda m: f"\n{row}{m[0]}")

without = [f"-DMINPY_{part}=OFF" for part in ("BUILD_TESTS", "BUILD_EXAMPLES", "BUILD_BENCH", "CUDA")]
run("cmake", "--preset", "release", *without)
run("cmake", "--build", "--preset", "release")
run("tools/env", "tools/generate")
run("cmake", "--build", "--preset", "release")

# C
program = work / "build/softsign.c"
program.write_text("""#include <minpy/minpy.h>
#include <stdio.h>
int main(void) {
    double data[] = {3.0, -1.0};
    int64_t shape[] = {2};
    minpy_device cpu = {MINPY_CPU, 0};
    minpy_array x, y;
    if (minpy_array_from_host(data, shape, NULL, 1, MINPY_FLOAT64, cpu, &x)) return 1;
    if (minpy_softsign(x, &y) || minpy_array_to_host(y, data, sizeof data, NULL)) return 1;
    minpy_array_release(x);
    minpy_array_release(y);
    return !(data[0] == 0.75 && data[1] == -0.5);
}
""")
lib = work / "build/release/lib"
run(
    "gcc",
    program,
    f"-I{work}/build/release/include",
    f"-L{lib}",
    "-lminpy",
    f"-Wl,-rpath,{lib}",
    "-o",
    work / "build/softsign",
)
run(work / "build/softsign")

run("tools/env", "python", "-c", blocks["python"])

script = work / "build/softsign.jl"
script.write_text(blocks["julia"])
run("tools/env", "julia", script)

go = work / "examples/go/softsign"
go.mkdir(exist_ok=True)
(go / "main.go").write_text("""package main

import (
	"fmt"

	"minpy"
)

func main() {
	err := minpy.WithScope(func(s *minpy.Scope) error {
		x := s.Own(minpy.FromSlice([]float64{3, -1}))
		fmt.Println(s.Softsign(x))
		return s.Err()
	})
	if err != nil {
		panic(err)
	}
}
""")
out = run(work / "tools/env", "go", "run", "./softsign", cwd=work / "examples/go")
if out.split() != ["[", "0.75", "-0.5", "]"]:
    sys.exit(f"Go: {out}")
print("softsign is there in C, Python, Julia and Go")
