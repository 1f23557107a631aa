"""The tables in data/draws, made by the lessons' own cells: every draw of every experiment that reads one.

    python tools/draws.py 08
    python tools/draws.py

A lesson runs in a fresh kernel, up to the last cell that asks for draws, in the profile mini and with
BERT_COURSE_ALL_DRAWS=1. What was cut short goes on at the next try, from data/draws/NAME.csv.part; delete that file
first if the experiment has changed. All tables take a quarter of an hour or so on two quiet cores.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient

from bertcourse.draws import ALL_DRAWS
from bertcourse.lessons import find_lessons

ROOT = Path(__file__).resolve().parents[1]


def up_to_draws(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode | None:
    """The notebook without what follows its last call of draws_of; None where there is no such call."""
    calls = [n for n, cell in enumerate(notebook.cells) if cell.cell_type == "code" and "draws_of(" in cell.source]
    if not calls:
        return None
    notebook.cells = notebook.cells[: calls[-1] + 1]
    return notebook


def main(arguments: list[str] | None = None) -> int:
    """Run the lessons that read tables; an error of a cell stops it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("lessons", nargs="*", help="numbers of lessons, such as 07 08; else all that read tables")
    options = parser.parse_args(arguments)
    settings = {name: value for name, value in os.environ.items() if not name.startswith("BERT_COURSE_")}
    for lesson in find_lessons(ROOT / "notebooks", options.lessons):
        notebook = up_to_draws(nbformat.read(lesson, as_version=4))
        if notebook is None:
            if options.lessons:
                parser.error(f"{lesson.name} reads no table of draws")
            continue
        client = NotebookClient(
            notebook,
            resources={"metadata": {"path": lesson.parent}},
            extra_arguments=["--IPKernelApp.log_level=40"],  # kernels otherwise warn that loopback is not encrypted
        )
        started = time.perf_counter()
        # The bands are about the lesson as it is read; here all that counts is what is measured.
        client.execute(env=settings | {ALL_DRAWS: "1", "BERT_COURSE_BANDS": "shown"})
        print(f"{lesson.stem}: {time.perf_counter() - started:.0f} s", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
