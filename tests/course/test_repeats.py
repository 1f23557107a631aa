"""The table of what the lessons' figures do with other seeds (tools/spread.csv), and the tool that makes it."""

import csv
import math
import os
import subprocess
import sys

import nbformat
import pytest
import repeats
from nbformat.v4 import new_code_cell, new_notebook

from bertcourse.figures import collect
from bertcourse.lessons import lessons_in

LESSONS = lessons_in(repeats.ROOT / "notebooks")
ENDS = {0.0, 1.0, 50.0, 100.0}  # of shares and sizes; where a claim turns: 0 points, once as much, a coin's 50 %
# Lessons with figures of which only the run that is stored is known. Whoever makes the others (`make repeats`, an hour
# and a half on a quiet machine) takes the lesson out.
ONE_RUN = {
    "05_pretraining",
    "05b_going_on",
    "06_speed_and_scale",
    "07_news_classification",
    "08_named_entities",
    "09_looking_inside",
    "10_sentiment",
    "11_answers",
    "12_search",
    "13_support_desk",
    "15_recommender",
    "14_monitor",
    "16_writing_with_an_encoder",
    "17_tuning_a_little",
    "18_small_and_served",
    "21_chinese",
    "A5_crashes_and_costs",
    "A6_processes_and_memory",
    "A7_controls_and_claims",
    "A8_choices_of_a_tagger",
}


def table():
    with repeats.TABLE.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def values(row):
    return [
        float(value) for name, value in row.items() if name.startswith("run ") and value and not name.endswith("again")
    ]


def repeated():
    """The rows of figures that other seeds have moved, or would have."""
    return [row for row in table() if len(values(row)) > 1]


def test_the_table_is_about_these_lessons_and_their_bands():
    stored = [(path.stem, figure) for path in LESSONS for figure in collect(nbformat.read(path, as_version=4))]
    now = [
        (lesson, figure.name, figure.unit, *map(repeats.short, (figure.low, figure.high))) for lesson, figure in stored
    ]
    assert [tuple(row[key] for key in ("lesson", "figure", "unit", "low", "high")) for row in table()] == now


def test_five_runs_or_more_lay_in_every_band():
    for row in table():
        assert len(values(row)) >= 5 or (row["lesson"] in ONE_RUN and len(values(row)) == 1), row
        held = values(row)[:1] if row["timed"] == "shipped" else values(row)  # a moved seed is another draw
        assert all(float(row["low"]) <= value <= float(row["high"]) for value in held), row


def test_lessons_of_which_one_run_is_known_are_those_named():
    assert {row["lesson"] for row in table() if len(values(row)) == 1} == ONE_RUN


def test_bands_are_as_wide_as_the_spread_asks_for():
    for row in repeated():
        mean, deviation, low, high = (float(row[key]) for key in ("mean", "deviation", "low", "high"))
        if row["timed"]:  # another machine moves it more than a seed
            continue
        asked = repeats.wanted_band(values(row))
        assert (low <= asked[0] or low in ENDS) and (asked[1] <= high or high in ENDS), row
        assert math.isclose(deviation, repeats.statistics.stdev(values(row)), rel_tol=1e-3, abs_tol=1e-9), row
        assert math.isclose(mean, repeats.statistics.mean(values(row)), rel_tol=1e-4, abs_tol=1e-9), row


def test_the_same_seed_gave_the_same_numbers_but_for_times():
    rows = repeated()
    assert [row["figure"] for row in rows if row["run 0"] != row["run 0 again"] and not row["timed"]] == []
    assert sum(not row["timed"] for row in rows) > 90


def test_other_seeds_were_used_wherever_a_lesson_trains_or_samples():
    moved = {row["lesson"] for row in repeated() if float(row["deviation"]) and not row["timed"]}
    seeded = {path.stem for path in LESSONS if path.stem[:2] in ("01", "02", "04", "05", "07", "08", "09")}
    assert moved >= seeded - ONE_RUN


DRAWS = """
import numpy as np, torch
from bertlib.device import seed_everything

seed_everything(3)
state = np.random.default_rng(5)
assert np.random.default_rng(state) is state
assert np.random.default_rng().random() != np.random.default_rng().random()
print(torch.rand(1).item(), *(np.random.default_rng(seed).random() for seed in (0, 1, (0, 1), [0, 1], np.int64(0))))
"""


def test_a_run_moves_every_seed_and_is_the_same_twice():
    def draws(run):
        code = (repeats.moved_seeds(run) if run else "") + DRAWS
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, encoding="utf-8")
        return done.stdout.split()

    stands, one, two = draws(0), draws(1), draws(2)
    assert draws(1) == one
    for here, there in ((stands, one), (stands, two), (one, two)):
        assert all(a != b for a, b in zip(here, there, strict=True))
    assert one[3] == one[4]  # a tuple and a list of the same numbers
    assert one[1] == one[5]  # numpy's own whole numbers, too


CELLS = """
from bertcourse.figures import figure
import numpy as np
figure("draw", np.random.default_rng(0).random(), 2, 3)
---
raise RuntimeError("broken")
---
figure("after it", 1)
"""


def test_a_run_goes_on_past_figures_and_errors_and_tells_both(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(repeats, "BUILD", tmp_path / "build")
    lessons = tmp_path / "notebooks"
    lessons.mkdir()
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    notebook = new_notebook(cells=[new_code_cell(source) for source in CELLS.split("---\n")], metadata=kernel)
    nbformat.write(notebook, lessons / "00_toy.ipynb")
    monkeypatch.setattr(repeats, "ROOT", tmp_path)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(repeats.TABLE.parents[1]), *sys.path]))
    assert repeats.main(["00", "--runs", "1"]) == 1
    printed = capsys.readouterr().out
    assert "cell 2: RuntimeError: broken" in printed and "✗ draw: " in printed
    run = nbformat.read(tmp_path / "build" / "1" / "00_toy.ipynb", as_version=4)
    assert [figure.name for figure in collect(run)] == ["draw", "after it"]


@pytest.mark.parametrize("number, text", [(float("inf"), "inf"), (109_482_240.0, "109482240"), (0.1 + 0.2, "0.3")])
def test_numbers_in_the_table(number, text):
    assert repeats.short(number) == text
