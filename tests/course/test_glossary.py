"""The glossary: each term stands in bold in the lesson that explains it."""

import re
import tomllib
from pathlib import Path

import nbformat
import pytest

from bertcourse.lessons import lessons_in, number_of

ROOT = Path(__file__).parents[2]
TERMS = tomllib.loads((ROOT / "book" / "glossary.toml").read_text(encoding="utf-8"))
LESSONS = {number_of(path): path for path in lessons_in(ROOT / "notebooks")}


@pytest.mark.parametrize("term", TERMS)
def test_a_term_stands_in_its_lesson(term):
    entry = TERMS[term]
    assert set(entry) == {"lesson", "text"}
    cells = nbformat.read(LESSONS[entry["lesson"]], as_version=4).cells
    text = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    assert f"**{term}**" in text, f"write it so at its first use in lesson {entry['lesson']}, or name another lesson"
    assert re.fullmatch(r"[A-Z][^.]+\.", entry["text"]), "one sentence"
