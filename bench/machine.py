"""The machine and the versions that a table was measured with; nothing of where things lie."""

import os
import platform
from pathlib import Path

LEVELS = (
    ("x86-64-v4", "avx512f avx512bw avx512cd avx512dq avx512vl"),
    ("x86-64-v3", "avx2 bmi2 fma f16c movbe"),
    ("x86-64-v2", "sse4_2 ssse3 popcnt"),
)


def processor():
    """The processor's name, its cores and the instruction level that it has."""
    facts = {}
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        name, _, value = line.partition(":")
        facts.setdefault(name.strip(), value.strip())
    flags = set(facts.get("flags", "").split())
    level = next((name for name, needed in LEVELS if flags.issuperset(needed.split())), platform.machine())
    return f"{facts.get('model name', platform.processor())}, {os.cpu_count()} cores, {level}"


def caches():
    sizes = []
    for index in sorted(Path("/sys/devices/system/cpu/cpu0/cache").glob("index*")):
        if (index / "type").read_text().strip() != "Instruction":
            sizes.append(f"L{(index / 'level').read_text().strip()} {(index / 'size').read_text().strip()}")
    return ", ".join(sizes)


def memory():
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return f"{pages / 2**30:.0f} GB"


def system():
    release = platform.freedesktop_os_release()
    return f"{release.get('PRETTY_NAME', platform.system())}, Python {platform.python_version()}"


def facts():
    return {"processor": processor(), "caches": caches(), "memory": memory(), "system": system()}
