"""Says, before pip begins, that torch is about to bring CUDA along, where nobody may have asked for it.

    python tools/setup_note.py [ADDRESS]         make setup calls it; ADDRESS is its TORCH_INDEX

On Linux the torch that pip finds by default needs NVIDIA's libraries: gigabytes, of no use without an NVIDIA GPU. One
line says so and names the switch. It stays away where there is nothing to say: on other systems, with an NVIDIA GPU,
with the pinned torch installed already, and where the user has told pip where to look. Standard library only, as it
runs before anything is installed.
"""

from __future__ import annotations

import importlib.metadata
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parents[1]
WHERE_TO_LOOK = ("index-url", "extra-index-url", "find-links", "no-index")
SIZE = "2.7 GB"  # torch 2.13.0 and all that it asks for, x86-64, as pip downloads it; some 200 MB without CUDA


def pinned_torch(requirements: Path = ROOT / "requirements.txt") -> str:
    """The version of torch that is about to be installed."""
    return re.search(r"^torch==([\w.]+)", requirements.read_text(encoding="utf-8"), re.MULTILINE)[1]


def installed_torch() -> str:
    """The version of torch in this environment, without a suffix such as +cpu; empty if there is none."""
    try:
        return importlib.metadata.version("torch").split("+")[0]
    except importlib.metadata.PackageNotFoundError:
        return ""


def pip_settings() -> list[str]:
    """What `pip config list` prints: a line for each setting of a file or of the environment (PIP_INDEX_URL, …)."""
    done = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, encoding="utf-8"
    )
    return done.stdout.splitlines()


def says_where_to_look(settings: Iterable[str]) -> bool:
    """Whether one of pip's settings names a place for packages; an empty one, as CI may set, names none."""
    for line in settings:
        name, _, value = line.partition("=")
        # "global.extra-index-url", "install.find-links", ":env:.index-url"
        if name.rpartition(".")[2] in WHERE_TO_LOOK and value.strip().strip("'\""):
            return True
    return False


def note(address: str = "") -> str:
    """The line to print; empty if there is nothing to say.

    Args:
        address: what the user gave as TORCH_INDEX.

    Raises:
        ValueError: the address is none.
    """
    if address:
        if urlsplit(address).scheme not in ("http", "https", "file"):
            raise ValueError(f"TORCH_INDEX={address}: give the address of a package index, beginning with https://")
        return ""
    if sys.platform != "linux" or shutil.which("nvidia-smi") or installed_torch() == pinned_torch():
        return ""
    if says_where_to_look(pip_settings()):
        return ""
    return (
        f"setup: no NVIDIA GPU found, but pip's torch {pinned_torch()} for Linux brings CUDA along: it downloads about "
        f"{SIZE}. For the small build, stop this (Ctrl+C) and give its address: make setup TORCH_INDEX=ADDRESS "
        '(PyTorch\'s page "Get Started" shows it for Linux, Pip, CPU).'
    )


def main(arguments: list[str]) -> int:
    try:
        line = note(*arguments)
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    if line:
        print(line, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
