"""What counts as a lesson, and in which order: one function says so, and everything asks it."""

import ast
import re
from pathlib import Path

import pytest

from bertcourse.lessons import find_lessons, is_lesson, lessons_in, number_of, parent_of

ROOT = Path(__file__).parents[2]
ORDER = ["00_start", "04_data", "04b_pairs", "09_looking", "10_search", "22_end", "A1_exact", "A4_bugs", "A10_costs"]


@pytest.fixture
def folder(tmp_path):
    for name in [*reversed(ORDER), "notes", "4_x", "004_x", "04a_x", "B1_x", "A_x", "A0_x", "04_", "a4_x"]:
        (tmp_path / f"{name}.ipynb").write_text("{}", encoding="utf-8")
    (tmp_path / "05_text.py").write_text("", encoding="utf-8")
    return tmp_path


def test_lessons_come_in_the_order_of_the_course(folder):
    assert [path.stem for path in lessons_in(folder)] == ORDER
    assert lessons_in(folder / "nothing") == []


def test_numbers_choose_lessons(folder):
    assert [path.stem for path in find_lessons(folder, ["A4", "04"])] == ["04_data", "A4_bugs"]
    assert [path.stem for path in find_lessons(folder, ["04b"])] == ["04b_pairs"]
    with pytest.raises(ValueError, match="lesson '4', which does not exist: choose among 00, 04, 04b, 09"):
        find_lessons(folder, ["4"])
    with pytest.raises(FileNotFoundError, match="no lessons"):
        find_lessons(folder / "nothing")


def test_a_lesson_has_a_number_and_belongs_to_one():
    assert [number_of(f"{name}.ipynb") for name in ORDER][1:3] == ["04", "04b"]
    assert [parent_of(number) for number in ("04", "04b", "A4", "A10", "22")] == ["04", "04", "04", "10", "22"]
    with pytest.raises(ValueError, match="notes is no lesson"):
        number_of("notes")


def test_every_notebook_beside_the_lessons_is_one():
    assert all(is_lesson(path.name) for path in (ROOT / "notebooks").glob("*.ipynb"))


def test_nothing_else_looks_for_lessons_by_a_pattern():
    """A pattern of its own would overlook the lessons 04b and A4."""
    for path in [*ROOT.glob("bertcourse/**/*.py"), *ROOT.glob("tools/*.py"), *ROOT.glob("tests/**/test_*.py")]:
        if path != Path(__file__) and path.name != "lessons.py":
            texts = [
                n.value for n in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(n, ast.Constant)
            ]
            found = [text for text in texts if isinstance(text, str) and re.search(r"\[0-9\]\S*\.ipynb", text)]
            assert found == [], path
