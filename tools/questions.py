"""Brings the stored questions of lessons and assignments up to date: `python tools/questions.py`.

A lesson whose file in bertcourse/questions changed need not be executed again for that: the output of its cell
`show_questions("01")` is written as the code makes it now. An assignment with such a file (attention.toml) has its
questions as a last cell of text, the same HTML, so that they open for students before anything runs and the grader
need not know them. tests/course/test_questions.py compares.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import nbformat
from nbformat.v4 import new_markdown_cell, new_output

from bertcourse.classroom.assignments import sources_in
from bertcourse.lessons import lessons_in
from bertcourse.questions import FOLDER, load_questions, questions_html, questions_output

ROOT = Path(__file__).resolve().parents[1]
CELL_ID = "questions"  # of an assignment's last cell
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
    return write(path, notebook, before)


def refresh_assignment(path: Path, source: str) -> bool:
    """Put an assignment's questions into its last cell, or bring them up to date; gives whether something changed."""
    notebook = nbformat.read(path, as_version=nbformat.NO_CONVERT)
    before = nbformat.writes(notebook)
    if notebook.cells[-1].get("id") != CELL_ID:
        notebook.cells.append(new_markdown_cell(id=CELL_ID))
    notebook.cells[-1].source = source
    return write(path, notebook, before)


def write(path: Path, notebook: nbformat.NotebookNode, before: str) -> bool:
    after = nbformat.writes(notebook)
    if after != before:
        path.write_text(after + "\n", encoding="utf-8", newline="\n")
    return after != before


def main() -> int:
    """Write, and say what was written."""
    for path in lessons_in(ROOT / "notebooks"):
        if refresh(path):
            print(f"{path.relative_to(ROOT)}: questions written")
    for name, path in sources_in(ROOT / "notebooks" / "assignments" / "source").items():
        if (FOLDER / f"{name}.toml").is_file() and refresh_assignment(path, questions_html(load_questions(name))):
            print(f"{path.relative_to(ROOT)}: questions written")
    return 0


if __name__ == "__main__":
    sys.exit(main())
