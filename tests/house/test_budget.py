"""The lessons' times: counted, and from notebooks/budget.toml; everything that names them says the same."""

import re
from pathlib import Path

import budget
import pytest
from lesson_size import Size

from bertcourse.lessons import lessons_in, number_of
from bertcourse.run import LessonResult, over_budget, read_budget, this_machine

ROOT = Path(__file__).resolve().parents[2]


def test_readme_and_lessons_say_what_the_table_says():
    wrong = [path.name for path in budget.changes()]
    assert wrong == [], "python tools/budget.py writes the times there"


def test_every_lesson_has_its_seconds_on_both_machines():
    table = read_budget(budget.TABLE)
    assert list(table) == [path.stem for path in lessons_in(ROOT / "notebooks")]
    assert all(set(seconds) == {"bf16", "avx2"} for seconds in table.values())


@pytest.mark.parametrize(
    "bf16, avx2, table, lesson",
    [
        (30, 30, "½", "under a minute"),
        (60, 60, "1", "about a minute"),
        (45, 89, "1", "about a minute"),
        (300, 600, "5 to 10", "about 5 to 10 minutes"),
        (600, 300, "5 to 10", "about 5 to 10 minutes"),
        (40, 100, "½ to 2", "about ½ to 2 minutes"),
    ],
)
def test_seconds_in_words(bf16, avx2, table, lesson):
    assert budget.minutes({"bf16": bf16, "avx2": avx2}) == table
    assert budget.words({"bf16": bf16, "avx2": avx2}) == lesson


README = """All lessons take about 1 hours. Their cells compute for 1 minutes in all.
| [05 x](notebooks/05_x.ipynb) | to 5 | 1 | any |
| [A5 y](notebooks/A5_y.ipynb) | to 5 | ½ | any |
"""
TABLE = {"05_x": {"bf16": 300, "avx2": 600}, "A5_y": {"bf16": 60, "avx2": 60}}
SIZES = {"05_x": Size(1500, 90, 1, 1, 1, 80, 10.0), "A5_y": Size(0, 9, 1, 1, 1, 60, 1.0)}


def test_the_times_are_written_and_nothing_else():
    written = README.replace("about 1 h", "about 3 h").replace("for 1 min", "for 6 to 11 min")
    written = written.replace("| 1 |", "| 110 |").replace("| ½ |", "| 60 |")
    assert budget.in_readme(README, TABLE, SIZES) == written
    assert budget.in_readme(written, TABLE, SIZES) == written
    first = "**Time** about an hour to work through; the cells take about a minute, or 3"
    wanted = "**Time** about 110 minutes to work through; the cells take about 5 to 10 minutes, or 3"
    assert budget.in_lesson(first, TABLE["05_x"], SIZES["05_x"], "05_x") == wanted
    assert budget.in_lesson(wanted, TABLE["05_x"], SIZES["05_x"], "05_x") == wanted
    rows = "| 05 x | a | 1 |\n| A5 y | a | 1 to 2 |\n"
    assert budget.in_table(rows, SIZES, False, "00") == "| 05 x | a | 110 |\n| A5 y | a | 60 |\n"


def test_a_place_that_is_not_there_is_named():
    for text in ("no table", README * 2, README.replace("hours", "days"), README.replace("in all", "")):
        with pytest.raises(ValueError, match=r"README.md, .*: the minutes should stand there once"):
            budget.in_readme(text, TABLE, SIZES)
    for text in ("**Time** about an hour to work through.", "the cells take about a minute"):
        with pytest.raises(ValueError, match=r"05_x, .*: the minutes should stand there once"):
            budget.in_lesson(text, TABLE["05_x"], SIZES["05_x"], "05_x")
    with pytest.raises(ValueError, match="no table of lessons"):
        budget.table_of([{"source": "| 01 x |"}])


def test_routes_have_what_they_need_and_are_shown():
    table = budget.read_routes(ROOT / "notebooks" / "routes.toml")
    numbers = [number_of(path) for path in lessons_in(ROOT / "notebooks") if number_of(path).isdigit()]
    assert list(table["needs"]) == numbers == table["routes"]["teach it"]
    start = (ROOT / "notebooks" / "00_start_here.ipynb").read_text(encoding="utf-8")
    for number, needed in table["needs"].items():
        assert re.search(rf"\| {number} [^|]*\|[^|]*\| {', '.join(needed) or '–'} \| \d+ \|", start), number


def test_a_route_takes_what_its_lessons_and_their_second_parts_take():
    sizes = {**SIZES, "05b_z": Size(0, 0, 0, 0, 0, 60, 0.0)}
    assert budget.route_hours({"use": ["05"], "none": []}, sizes) == {"use": 3, "none": 1}
    rows = "| **use** it | 05 | 9 |\n"
    assert budget.with_routes(rows, {"use": ["05"]}, sizes, "x") == "| **use** it | 05, 05b | 3 |\n"
    with pytest.raises(ValueError, match="x, row of the route teach"):
        budget.with_routes(rows, {"teach": ["05"]}, sizes, "x")


def test_a_route_without_what_a_lesson_needs_is_named(tmp_path):
    text = "[needs]\n01 = []\n02 = ['01']\n[routes]\nuse = ['02']\n"
    (tmp_path / "routes.toml").write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match="'use' has 02 without 01 before it"):
        budget.read_routes(tmp_path / "routes.toml")


def test_working_times_are_rounded():
    assert [budget.about(minutes) for minutes in (1, 52.4, 57.5, 118)] == [5, 50, 60, 120]
    assert [budget.hours(minutes) for minutes in (5, 80, 100, 1320)] == [1, 1, 2, 22]


# ------------------------------------------------------------------------------------------------- what exceeded it


def write(folder, text):
    path = folder / "budget.toml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "text, said",
    [
        ("[seconds\n", "budget.toml: "),
        ("[machines]\na = 'x'\n[seconds]\n01_x = { b = 1 }\n", "01_x and .machines. do not agree on '[ab]'"),
        ("[machines]\na = 'x'\n[seconds]\n01_x = { a = 0 }\n", "01_x, a is 0: give seconds"),
        ("[machines]\na = 'x'\n[seconds]\n01_x = { a = 'long' }\n", "01_x, a is 'long': give seconds"),
    ],
)
def test_a_table_that_is_none_is_named(tmp_path, text, said):
    with pytest.raises(ValueError, match=said):
        read_budget(write(tmp_path, text))


def test_what_took_longer_is_told_of_lessons_that_ran():
    table = {"01_x": {"avx2": 60.0}, "02_y": {"avx2": 60.0}}
    results = [LessonResult("01_x", 60.0), LessonResult("02_y", 61.0), LessonResult("03_new", 999.0)]
    assert over_budget(results, table, "avx2") == ["02_y took 61 s, 60 s are planned (avx2)"]
    assert over_budget(results, table, "") == []
    assert over_budget([LessonResult("02_y", 61.0, passed="2026-01-01")], table, "avx2") == []


def test_the_machine_is_one_of_the_tables_or_none(monkeypatch):
    import torch

    for dtype, name in ((torch.bfloat16, "bf16"), (torch.float32, "avx2")):
        monkeypatch.setattr("bertlib.device.pick_device", lambda: torch.device("cpu"))
        monkeypatch.setattr("bertlib.device.pick_dtype", lambda device, dtype=dtype: dtype)
        assert this_machine() == name
    monkeypatch.setenv("BERT_COURSE_REHEARSAL", "300")
    assert this_machine() == ""
    monkeypatch.delenv("BERT_COURSE_REHEARSAL")
    monkeypatch.setenv("BERT_COURSE_PROFILE", "full")
    assert this_machine() == ""
