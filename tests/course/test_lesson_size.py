"""Each lesson is small enough for the person in front of it; those that are not yet may only shrink."""

import json
from pathlib import Path

import lesson_size
import pytest
from lesson_size import Size, count_words, exercises_in, is_stop, size_of, sizes
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from bertcourse.lessons import lessons_in

ROOT = Path(__file__).parents[2]
NAMES = [path.stem for path in lessons_in(ROOT / "notebooks")]

FOLD = {"jupyter": {"source_hidden": True}}


@pytest.fixture(scope="module")
def found():
    return sizes()


@pytest.mark.parametrize("name", NAMES)
def test_a_lesson_keeps_to_the_limits(name, found):
    assert found[name].beyond() == {}, "python tools/lesson_size.py shows all; " + str(found[name])


@pytest.mark.parametrize("name", NAMES)
def test_every_exercise_says_how_long_and_how_hard_it_is(name):
    texts = [
        "".join(cell["source"])
        for cell in json.loads((ROOT / "notebooks" / f"{name}.ipynb").read_text(encoding="utf-8"))["cells"]
        if cell["cell_type"] == "markdown"
    ]
    found = [exercise for text in texts for exercise in exercises_in(text)]
    assert not any(lesson_size.OLDER.search(text) for text in texts), "an exercise's heading names no minutes"
    assert [exercise.number for exercise in found] == list(range(1, len(found) + 1))


# ------------------------------------------------------------------------------------------------- what is counted


def lesson(*cells):
    return new_notebook(cells=[new_markdown_cell(c) if isinstance(c, str) else c for c in cells])


def code(source, **metadata):
    return new_code_cell(source, metadata=metadata)


def test_what_is_counted():
    notebook = lesson(
        "# A title\n\nTwo words.\n\n<details><summary>Hint</summary>\n\nnot these\n\n</details>",
        new_code_cell("import os\n" * 50, id="colab", metadata=FOLD),
        code("import a\n\nimport b"),
        code("# @title proved\n" + "assert x\n" * 40, **FOLD),
        "**Exercise 1 · Count** (8 min, ●)",
        code("def my_x():\n    ...\n\n\ncheck('a.x', my_x)"),
        code("y = 1\ny = 2\ny = 3"),
        "**Exercise 2 · Write** (20 min, ●●●)\n\n**Exercise 3 · Read** (2 min, ●●)",
        "| a | --- |",
        code("check('a.y', ...)"),
        "The end.",
    )
    size = size_of(notebook, {"slow": 120, "fast": 60})
    assert size == Size(
        words=4 + 5 + 5 + 5 + 1 + 2, lines=2 + 3 + 3 + 1, longest=3, first=4, run=4, exercises=30, machine=2
    )
    assert size.minutes == 22 / 150 + 9 / 9 + 30 + 2


def test_what_exceeds_a_limit_is_named():
    size = Size(words=3501, lines=450, longest=21, first=9, run=10, exercises=40, machine=10)
    assert size.minutes > 120 and size.beyond() == {"words": 3501, "longest": 21, "minutes": 124}
    assert Size(3500, 450, 20, 9, 10, 40, 6).beyond() == {}
    shown = lesson_size.table({"01_x": size}).splitlines()
    assert shown[1].split() == ["01_x", "3501*", "450", "21*", "9", "10", "123*"]


def test_words_outside_of_folds():
    text = "One two — three\n\n<details><summary>a</summary>b</details>\n\n"
    assert count_words(text + "four <details>c</details>") == 4


def test_what_is_said_twice_is_counted_once():
    """Lesson 21 stands in English and in Chinese; a reader reads one of them, and the English one is counted."""
    english = "One two three 中国 four.\n\n**Exercise 1 · Cut** (3 min, ●)\n\n"
    assert count_words(english + "> 一、二、三 BERT, WordPiece 四。\n>\n> **练习 1 · 切词**\n\nfive") == 5 + 5 + 1
    assert count_words("> **Note** this is read\n\n> 这里 not") == 4, "a quotation without Chinese is read by everybody"


def test_the_chinese_of_a_lesson_is_no_longer_to_read_than_its_english():
    """At 300 characters a minute, as Chinese is read, and 150 English words: else the minutes would be too few."""
    for path in lessons_in(ROOT / "notebooks"):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        text = "\n\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
        unfolded = lesson_size.FOLDS.sub("", text)
        han = len(lesson_size.HAN.findall(unfolded)) - len(lesson_size.HAN.findall(lesson_size.in_english(unfolded)))
        assert han / 300 <= count_words(text) / 150, path.name


@pytest.mark.parametrize(
    "source, stop",
    [
        ("check('a.x', my_x)", True),
        ("%matplotlib inline\ntold = !ls\nif x:\n    check('a.x', my_x)", True),
        ("for check in checks:\n    print(check())", False),
        ("# check('a.x', my_x)", False),
        ("examine('a.x', my_x)", False),
    ],
)
def test_a_stop_is_a_call_of_a_check(source, stop):
    assert is_stop(new_code_cell(source)) is stop
    assert not is_stop(new_markdown_cell(source))


def test_no_stop_at_all():
    size = size_of(lesson("a", code("b = 1"), "**1 · By hand.** An older heading.\n\n**2 · Again.**"), {"any": 60})
    assert (size.first, size.run, size.exercises) == (3, 3, 20)


@pytest.mark.parametrize(
    "line", ["**Exercise 1: Split** (8 min, ●)", "**Exercise 1 · Split** (8 minutes, ●)", "**Exercise 1 · Split**"]
)
def test_a_heading_that_is_no_exercises_is_named(line):
    with pytest.raises(ValueError, match="write an exercise's heading as"):
        exercises_in(f"Text.\n\n{line}\n")


def test_the_table_is_printed_for_the_lessons_that_are_named(capsys):
    assert lesson_size.main([NAMES[0][:2]]) in (0, 1)
    rows = capsys.readouterr().out.splitlines()
    assert [row.split()[0] for row in rows] == ["lesson", NAMES[0], "limit"]
