"""Runs a command with the Python that has the course: for the hooks of git, on every system and with conda.

    python tools/course_python.py -m pytest tests/course/test_notebooks.py

A hook is started by whatever shell or editor makes the commit, with whatever Python comes first there. This looks for
one that can import the course: first those on the PATH (an activated environment, venv or conda, comes first there),
then .venv of this folder. Standard library only.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def candidates(root: Path = ROOT, path: str | None = None) -> Iterator[str]:
    """Pythons that may have the course, the likeliest first."""
    for folder in (os.environ.get("PATH", "") if path is None else path).split(os.pathsep):
        for name in ("python", "python3"):
            found = shutil.which(name, path=folder) if folder else None
            if found:
                yield found
    for inside in ("bin/python", "Scripts/python.exe"):
        if (root / ".venv" / inside).is_file():
            yield str(root / ".venv" / inside)


def has_the_course(python: str) -> bool:
    """Whether a Python has what the course needs; a stand-in, such as Windows' link to its store, has not."""
    asks = (
        "import importlib.util, sys; sys.exit(not all(map(importlib.util.find_spec, ('torch', 'nbformat', 'pytest'))))"
    )
    try:
        return subprocess.run([python, "-c", asks], capture_output=True, timeout=60).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def main(arguments: list[str]) -> int:
    """Run it; gives the command's exit status, or 2 if no Python was found."""
    python = next(filter(has_the_course, dict.fromkeys(candidates())), None)
    if python is None:
        print("error: no Python with the course: run make setup, or activate its environment", file=sys.stderr)
        return 2
    return subprocess.run([python, *arguments], cwd=ROOT).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
