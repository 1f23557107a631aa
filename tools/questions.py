"""Brings the stored questions of lessons up to date with their files: `python tools/questions.py`.

A lesson whose file in bertcourse/questions changed need not be executed again for that: the output of its cell
`show_questions("01")` is written as the code makes it now. tests/course/test_questions.py compares.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import nbformat
from nbformat.v4 import new_output

from bertcourse.lessons import lessons_in
from bertcourse.questions import questions_output

ROOT = Path(__file__).resolve().parents[1]
CALL = re.compile(r"^show_questions\(\"(\w+)\"\)$", re.MULTILINE)


def refresh(path: Path) -> bool:
    """Write the outputs of a notebook's questions; gives whether something changed.

    Raises:
        FileNotFoundError, ValueError: see `bertcourse.questions.load_questions`.
    """
    notebook = nbformat.read(path, as_version=nbformat.NO_CONVERT)
    before = nbformat.writes(notebook)
    for cell in notebook.cells:
        if cell.cell_type == "code" and (call := CALL.search(cell.source)):
            cell.outputs = [new_output("display_data", data=questions_output(call[1]))]
    after = nbformat.writes(notebook)
    if after != before:
        path.write_text(after + "\n", encoding="utf-8", newline="\n")
    return after != before


def main() -> int:
    """Write, and say what was written."""
    for path in lessons_in(ROOT / "notebooks"):
        if refresh(path):
            print(f"{path.relative_to(ROOT)}: questions written")
    return 0


if __name__ == "__main__":
    sys.exit(main())
