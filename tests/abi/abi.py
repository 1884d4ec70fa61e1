"""Checks of the C ABI and of what the objects refer to: abi.py CHECK BUILD_FOLDER; DESIGN 9 says what is kept.

`accept` in place of a check makes the present ABI the one to be kept.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

here = Path(__file__).resolve().parent
build = Path(sys.argv[2]).resolve()
library = build / "lib" / "libminpy.so"
include = build / "include"


def output(*command):
    return subprocess.check_output(list(map(str, command)), text=True)


def symbols(*options, of):
    """(object, kind, name) of every symbol that nm lists."""
    for line in output("nm", "-A", *options, *of).splitlines():
        place, _, rest = line.rpartition(":")
        if rest:  # else an object without any
            kind, name = rest.split()[-2:]
            yield place, kind, name


def face_objects():
    return sorted((build / "capi").rglob("*.o"))


# ---- what is compared with a committed file -------------------------------------------------------------------------


def exported():
    return sorted(name for _, _, name in symbols("-D", "--defined-only", of=[library]))


def preprocessed():
    """The public headers as the compiler sees them, in one line."""
    headers = "#include <minpy/minpy.h>\n#include <minpy/backend.h>\n"
    command = ["gcc", "-E", "-P", f"-I{include}", "-x", "c", "-"]
    text = subprocess.run(command, input=headers, text=True, check=True, capture_output=True).stdout
    return re.sub(r"\s+", " ", text)


def layouts():
    """A line for each public struct (size), each of its fields (offset and size), and each number that has a name."""
    text, body = preprocessed(), []
    structs = re.findall(r"typedef struct minpy_\w+ \{((?:[^{}]|\{[^{}]*\})*)\} (minpy_\w+);", text)
    for inside, name in structs:
        body.append(f'printf("{name} %zu\\n", sizeof({name}));')
        for declaration in re.sub(r"\{[^{}]*\}", "", inside).split(";"):
            # The name of a function pointer, else what precedes the array bounds at the end.
            field = re.search(r"\(\*(\w+)\)\(", declaration) or re.search(r"(\w+) ?(\[\w+\])* ?$", declaration)
            if field:
                f = field[1]
                body.append(f'printf("  {f} %zu %zu\\n", offsetof({name}, {f}), sizeof((({name} *)0)->{f}));')
    for name in re.findall(r"\b(MINPY_\w+) =", text):
        body.append(f'printf("{name} %d\\n", (int){name});')
    includes = ["stddef.h", "stdio.h", "minpy/minpy.h", "minpy/backend.h"]
    source = [*(f"#include <{name}>" for name in includes), "int main(void) {", *body, "return 0; }"]
    return output(compiled("layouts", "\n".join(source))).splitlines()


def compiled(name, source, *options):
    program = build / "tests" / name
    program.parent.mkdir(exist_ok=True)
    command = ["gcc", *options, f"-I{include}", "-x", "c", "-", "-o", program]
    subprocess.run(command, input=source + "\n", text=True, check=True)
    return program


def signatures(target):
    """Writes abidw's description of a library that has the header's functions, empty, and debug information.

    Of libminpy itself abidw (2.2) also tells the core's C++ types, which may change. Nothing is lost: a definition
    that differs from the header does not compile, and `symbols` compares header and library by name.
    """
    source = re.sub(r"\b(minpy_\w+\([^;{}]*\));", r"\1 { __builtin_trap(); }", preprocessed())
    library = compiled("libsignatures.so", source, "-g", "-shared", "-fPIC", "-w")
    options = ["--no-show-locs", "--no-corpus-path", "--no-comp-dir-path"]
    subprocess.run(["abidw", *options, library, "--out-file", target], check=True)
    if "<function-decl" not in target.read_text():
        sys.exit("abidw found no function: is there debug information?")


def compare(name, lines):
    """The committed file, line by line: additions too must be accepted, so that none happens by chance."""
    kept = (here / name).read_text().splitlines()
    for sign, some, others in (("-", kept, lines), ("+", lines, kept)):
        for line in some:
            if line not in others:
                print(sign, line)
    if kept != lines:
        sys.exit(f"differs from tests/abi/{name}; `make abi-accept` if that is meant")


def accept():
    (here / "symbols.txt").write_text("\n".join(exported()) + "\n")
    (here / "layouts.txt").write_text("\n".join(layouts()) + "\n")
    signatures(here / "libminpy.abi")
    print("accepted; say in CHANGELOG.md what changed")


def check_symbols():
    names = exported()
    strange = [name for name in names if not name.startswith("minpy_")]
    if strange:
        sys.exit(f"exported, but not minpy_*: {strange}")
    header = (include / "minpy" / "minpy.h").read_text()
    declared = set(re.findall(r"MINPY_API[^;(]*?\b(minpy_\w+)\(", header))
    if declared != set(names):
        sys.exit(f"declared only: {sorted(declared - set(names))}; exported only: {sorted(set(names) - declared)}")
    compare("symbols.txt", names)


def check_layouts():
    compare("layouts.txt", layouts())


def check_signatures():
    now = build / "tests" / "libminpy.abi"
    signatures(now)
    # Additions show in symbols.txt; everything else counts.
    sys.exit(subprocess.run(["abidiff", "--no-added-syms", here / "libminpy.abi", now]).returncode)


# ---- what is true of every build ------------------------------------------------------------------------------------


def check_headers():
    """Each public header alone and twice, in every standard, without a warning."""
    strict = ["-pedantic", "-Wall", "-Wextra", "-Werror", "-fsyntax-only", f"-I{include}"]
    c, cxx = "c89 c99 c11 c17", "c++98 c++11 c++14 c++17 c++20"
    for compiler, standards in (("gcc", c), ("g++", cxx), ("clang", c), ("clang++", cxx)):
        if not shutil.which(compiler):
            continue
        language = ["-x", "c", "-Wstrict-prototypes"] if standards is c else ["-x", "c++"]
        for standard in standards.split():
            for header in ("minpy.h", "types.h", "backend.h"):
                source = f"#include <minpy/{header}>\n#include <minpy/{header}>\nextern int unused;\n"
                command = [compiler, f"-std={standard}", *strict, *language, "-"]
                if subprocess.run(command, input=source, text=True).returncode:
                    sys.exit(f"minpy/{header} as {standard} with {compiler}")


def check_thread_local():
    """One initial-exec pointer: a dynamic thread-local aborts the process when memory is refused.

    None of another library (std::call_once has two): it may be loaded already, with no static place for its own.
    """
    relocations = output("readelf", "-rW", library).splitlines()
    dynamic = [line for line in relocations if "DTPMOD" in line]
    foreign = [line.split()[4] for line in relocations if re.search(r"TPOFF64\s+\w+ _", line)]
    if foreign:
        sys.exit(f"thread-local data of others: {foreign}")
    segment = re.search(r"^\s*TLS(?:\s+0x\w+){4}\s+(0x\w+)", output("readelf", "-lW", library), re.MULTILINE)
    size = int(segment[1], 16) if segment else 0
    if dynamic or size > 8:
        print(*[line for line in output("readelf", "-sW", library).splitlines() if " TLS " in line], sep="\n")
        sys.exit(f"{size} bytes of thread-local data, {len(dynamic)} dynamic: {dynamic}")


def check_quiet():
    """Nothing of ours can print or end the process (DESIGN 9.5)."""
    loud = set(
        "printf fprintf vprintf vfprintf dprintf puts fputs fputc putc putchar perror __printf_chk __fprintf_chk "
        "__vfprintf_chk __assert_fail stdout stderr abort exit _exit _Exit quick_exit "
        "_ZSt4cout _ZSt4cerr _ZSt4clog _ZNSt8ios_base4InitC1Ev".split()
    )
    objects = [build / "lib" / "libminpy_core.a", *face_objects()]
    found = [(place, name) for place, _, name in symbols("-u", of=objects) if name.split("@")[0] in loud]
    for place, name in found:
        print(place, name)
    sys.exit(len(found) > 0)


def check_levels():
    """A weak symbol of a loop object names its level, or the linker may take that level's copy for everyone."""
    failed = ran = 0
    for folder in (build / "core").rglob("minpy_loops_*.dir"):
        level = folder.stem.removeprefix("minpy_loops_")
        for place, kind, name in symbols("--defined-only", of=sorted(folder.rglob("*.o"))):
            ran += 1
            shared = kind in "WwVvu" and not name.startswith("DW.ref.")  # those point to the runtime's own
            if shared and f"{len(level)}{level}" not in name:
                print(Path(place).name, name)
                failed += 1
    sys.exit(failed > 0 or not ran)


os.environ["LC_ALL"] = "C"
checks = {name.removeprefix("check_"): check for name, check in list(globals().items()) if name.startswith("check_")}
checks["accept"] = accept
checks[sys.argv[1]]()
