"""The lessons' minutes: one table, notebooks/budget.toml, and everything that names them says the same."""

from pathlib import Path

import budget
import pytest

from bertcourse.lessons import lessons_in
from bertcourse.run import LessonResult, over_budget, read_budget, this_machine

ROOT = Path(__file__).resolve().parents[2]


def test_readme_and_lessons_say_what_the_table_says():
    wrong = [path.name for path in budget.changes()]
    assert wrong == [], "python tools/budget.py writes the minutes there"


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


README = "The ten lessons take 1 minutes in all.\n| [05 x](notebooks/05_x.ipynb) | to 5 | 1 | any |\n"
TABLE = {"05_x": {"bf16": 300, "avx2": 600}}


def test_the_minutes_are_written_and_nothing_else():
    written = README.replace("take 1 min", "take 5 to 10 min").replace("| 1 |", "| 5 to 10 |")
    assert budget.wanted(README, TABLE) == written
    assert budget.wanted("they take about a minute, or 3", TABLE, "05_x") == "they take about 5 to 10 minutes, or 3"
    assert budget.wanted("| 05 x | a | 1 |\n", TABLE, "00_start_here") == "| 05 x | a | 5 to 10 |\n"
    once = budget.wanted(README, TABLE)
    assert budget.wanted(once, TABLE) == once


@pytest.mark.parametrize("text, lesson", [("no table", ""), ("It costs a minute.", "05_x"), (README * 2, "")])
def test_a_place_that_is_not_there_is_named(text, lesson):
    with pytest.raises(ValueError, match="the minutes should stand there once"):
        budget.wanted(text, TABLE, lesson)


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
