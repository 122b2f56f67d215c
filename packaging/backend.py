"""Prints the pinned, hashed requirements of the build backend, taken from a lock file: ``backend.py LOCKFILE``.

The image is built with the same hatchling that the lock names, without installing all development tools.
"""

import re
import sys
from pathlib import Path

WANTED = ("hatchling", "packaging", "pathspec", "pluggy", "tomlkit", "trove-classifiers")
"""hatchling and what it needs."""


def main(path: Path) -> None:
    """Print the wanted entries of the lock. Exits with a message where one is missing."""
    entries = re.split(r"^(?=[a-z0-9])", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    found = {re.split(r"[=\s]", entry, maxsplit=1)[0]: entry for entry in entries}
    if missing := [name for name in WANTED if name not in found]:
        sys.exit(f"{path} has no {', '.join(missing)}")
    sys.stdout.write("".join(found[name] for name in WANTED))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
