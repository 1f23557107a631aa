"""The lower bounds of pyproject.toml, tried: `python tools/lowest_versions.py` (ten minutes, 8 GB with CUDA).

Makes an environment of exactly those releases, with the IPython and the ipykernel of Google Colab and without
JupyterLab, and runs lesson 00 whole and the first section of each other lesson in it. What went through is noted in
tools/lowest.txt; tests/course/test_lowest_versions.py holds that the bounds are those.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tomllib
import venv
from pathlib import Path

from bertcourse.lessons import lessons_in

ROOT = Path(__file__).resolve().parents[1]
RECORD = ROOT / "tools" / "lowest.txt"
COLAB = ("ipython==7.34.0", "ipykernel==6.17.1")  # as Colab has them; nothing newer may be asked for
PLAYED = {"COLAB_RELEASE_TAG": "lowest"}  # they take the place for Colab; its first cell is left out
RUNNER = "nbclient"  # runs the notebooks, at home and on Colab; the course asks for it in no bound
RUN = """
import sys, nbformat
from nbclient import NotebookClient
notebook = nbformat.read(sys.argv[1], as_version=4)
NotebookClient(notebook, timeout=900, resources={"metadata": {"path": sys.argv[2]}}).execute()
"""


def lowest(root: Path = ROOT) -> dict[str, list[str]]:
    """The bounds as exact releases, "torch==2.6": of "all", and of "alone", what is installed without its own needs.

    Raises:
        ValueError: a bound is not of the form name>=version or name==version.
    """
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]

    def exact(bounds: list[str]) -> list[str]:
        found = [re.fullmatch(r"([A-Za-z0-9._-]+)(?:>=|==)([0-9][0-9.]*)", bound) for bound in bounds]
        for bound, match in zip(bounds, found, strict=True):
            if match is None:
                raise ValueError(f"pyproject.toml: {bound!r} has no plain lower bound: write it as name>=version")
        return [f"{match[1]}=={match[2]}" for match in found if match]

    return {"all": exact(project["dependencies"] + extras["lessons"]), "alone": exact(extras["views"])}


def make_environment(folder: Path, releases: dict[str, list[str]]) -> Path:
    """A fresh environment of these releases and the course itself; gives its Python.

    Raises:
        subprocess.CalledProcessError: pip could not install them, or the course's own bounds do not hold in it.
    """
    venv.create(folder, with_pip=True, clear=True)
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    pip = [python, "-m", "pip", "install", "--quiet", "--progress-bar", "off", "--disable-pip-version-check"]
    for options in ([*releases["all"], *COLAB, RUNNER], ["--no-deps", *releases["alone"]], ["--no-deps", "-e", ROOT]):
        subprocess.run([*pip, *options], check=True)
    return python


def first_section(notebook: dict) -> dict:
    """The notebook up to its second heading of the second level."""
    begins = [number for number, cell in enumerate(notebook["cells"]) if has_heading(cell)]
    return notebook | {"cells": notebook["cells"][: begins[1]]} if len(begins) > 1 else notebook


def has_heading(cell: dict) -> bool:
    return cell["cell_type"] == "markdown" and re.search(r"^## ", "".join(cell["source"]), re.MULTILINE) is not None


def try_lessons(python: Path, folder: Path) -> list[str]:
    """Run lesson 00 whole and the others' first sections; gives the names of those that failed."""
    failed = []
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("BERT_COURSE_", "PYTHON"))}
    environment |= PLAYED
    for lesson in lessons_in(ROOT / "notebooks"):
        notebook = json.loads(lesson.read_text(encoding="utf-8"))
        part = notebook if lesson.name.startswith("00_") else first_section(notebook)
        part["cells"] = [cell for cell in part["cells"] if cell.get("id") != "colab"]
        path = folder / lesson.name
        path.write_text(json.dumps(part), encoding="utf-8")
        done = subprocess.run(
            [python, "-c", RUN, path, lesson.parent], env=environment, capture_output=True, text=True, encoding="utf-8"
        )
        print(f"{lesson.stem}: {'failed' if done.returncode else 'ok'}, {len(part['cells'])} cells", flush=True)
        if done.returncode:
            failed.append(lesson.stem)
            print(done.stderr[-3000:])
    return failed


def main(arguments: list[str] | None = None) -> int:
    """Install, run, note; returns 1 if a lesson failed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, default=ROOT / "build" / "lowest", help="for the environment")
    parser.add_argument("--python", type=Path, help="of an environment made before, in the place of a new one")
    options = parser.parse_args(arguments)
    releases = lowest()
    options.folder.mkdir(parents=True, exist_ok=True)
    python = options.python or make_environment(options.folder / "environment", releases)
    if failed := try_lessons(python, options.folder):
        print(f"failed: {', '.join(failed)}")
        return 1
    head = "# The lower bounds of pyproject.toml with which the lessons ran: written by tools/lowest_versions.py.\n"
    lines = sorted([*releases["all"], *releases["alone"]])
    RECORD.write_text(head + "".join(f"{line}\n" for line in lines), encoding="utf-8", newline="\n")
    print(f"{RECORD.relative_to(ROOT)} written")
    return 0


if __name__ == "__main__":
    sys.exit(main())
