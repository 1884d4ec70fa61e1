"""The variables that the library reads are those of docs/settings.md: settings.py SOURCE."""

import re
import sys
from pathlib import Path

source = Path(sys.argv[1])
read = {
    name
    for folder in ("core", "capi")
    for file in (source / folder).rglob("*.cc")
    for name in re.findall(r'"(MINPY_[A-Z_]+)"', file.read_text())
}
told = set(re.findall(r"^\| `(MINPY_[A-Z_]+)`", (source / "docs/settings.md").read_text(), re.MULTILINE))
if read != told:
    sys.exit(f"read, but not in docs/settings.md: {sorted(read - told)}; there, but not read: {sorted(told - read)}")
