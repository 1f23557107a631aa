"""A rehearsal: fewer rows, fewer updates, bands shown; what nbval makes of it, and of the lessons as they stand."""

import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import nbformat
import pytest

from bertcourse.figures import OutOfBand, figure
from bertcourse.lessons import lessons_in
from bertcourse.profile import PROFILES, get_profile

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def rehearsed(monkeypatch):
    monkeypatch.setenv("BERT_COURSE_REHEARSAL", "300")
    return get_profile()


def test_without_a_rehearsal_a_lesson_gets_what_it_asks_for():
    profile = get_profile()
    for asked in (1, 2, 10, 400):
        for ask in (profile.updates, profile.epochs, profile.draws, profile.size):
            assert ask(asked) == asked
    assert (profile.seeds, profile.label_budgets) == (5, (5, 20, 80))


@pytest.mark.parametrize("asked, given", [(1, 1), (2, 2), (12, 2), (40, 2), (41, 3), (100, 5), (210, 11), (400, 20)])
def test_updates_of_a_rehearsal(rehearsed, asked, given):
    assert rehearsed.updates(asked) == given


@pytest.mark.parametrize("asked, given", [(1, 1), (2, 2), (3, 2), (16, 2)])
def test_epochs_and_draws_of_a_rehearsal(rehearsed, asked, given):
    assert rehearsed.epochs(asked) == rehearsed.draws(asked) == given


@pytest.mark.parametrize("asked, given", [(3, 3), (10, 10), (40, 10), (60, 12), (500, 100), (501, 101)])
def test_sizes_of_a_rehearsal(rehearsed, asked, given):
    assert rehearsed.size(asked) == given


@pytest.mark.parametrize("rows, budgets", [(600, (5, 20, 60)), (300, (5, 20, 30)), (100, (5, 10)), (9, (1,))])
def test_a_rehearsal_asks_for_no_more_labels_than_its_rows_have(monkeypatch, rows, budgets):
    monkeypatch.setenv("BERT_COURSE_REHEARSAL", str(rows))
    profile = get_profile()
    assert profile.label_budgets == budgets
    assert replace(profile, rows=None, seeds=5, label_budgets=(5, 20, 80)) == PROFILES["mini"]
    assert profile.seeds == 2


def test_the_rows_of_a_rehearsal_have_the_labels_that_it_asks_for(rehearsed):
    import numpy as np

    from bertlib.data import few_labels

    train = rehearsed.load("news")["train"]
    for budget in rehearsed.label_budgets:
        assert len(few_labels(train, budget, np.random.default_rng(0))) == budget * 5


@pytest.mark.parametrize("name", ["BERT_COURSE_REHEARSAL", "BERT_COURSE_BANDS"])
def test_bands_are_shown_where_one_of_the_two_is_set(monkeypatch, capsys, name):
    with pytest.raises(OutOfBand):
        figure("accuracy", 12, 90, 100)
    monkeypatch.setenv(name, "300")
    figure("accuracy", 12, 90, 100)
    assert capsys.readouterr().out.count("✗ accuracy: 12  (expected 90 to 100)") == 2


# --------------------------------------------------------------------------------------------------- under nbval

CELLS = {
    "band": "from bertcourse.figures import figure\nfigure('accuracy', 12, 90, 100)",
    "exact": "assert 1 + 1 == 3",
    "sizes": "from bertcourse.profile import get_profile\nassert get_profile().updates(400) == {updates}",
}


def nbval(folder, cell, *options, **settings):
    """Run one notebook of one cell under the repository's conftest.py."""
    metadata = {"kernelspec": {"name": "python3", "display_name": "P"}}
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell)], metadata=metadata)
    nbformat.write(notebook, folder / "lesson.ipynb")
    conftest = (ROOT / "conftest.py").read_text(encoding="utf-8")
    (folder / "conftest.py").write_text(
        conftest.replace("Path(__file__).parent", f"Path({str(ROOT)!r})"), encoding="utf-8"
    )
    environment = {name: value for name, value in os.environ.items() if not name.startswith("BERT_COURSE_")}
    environment |= {"PYTHONPATH": str(ROOT), **settings}
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--nbval-lax", *options, "lesson.ipynb"]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, encoding="utf-8", timeout=300)


@pytest.mark.parametrize(
    "cell, options, settings, passes, header",
    [
        ("band", [], {}, False, "lessons: as they stand, figures held to their bands"),
        ("band", ["--rehearsal"], {}, True, "lessons: a rehearsal, at most 300 rows of each split"),
        ("band", [], {"BERT_COURSE_REHEARSAL": "40"}, True, "lessons: a rehearsal, at most 40 rows of each split"),
        ("exact", ["--rehearsal"], {}, False, "lessons: a rehearsal"),
        (CELLS["sizes"].format(updates=400), [], {}, True, "lessons: as they stand"),
        (CELLS["sizes"].format(updates=20), ["--rehearsal", "-n", "1"], {}, True, "lessons: a rehearsal"),
    ],
    ids=["whole", "rehearsal", "by the environment", "exact checks hold", "all updates", "few updates, by xdist"],
)
def test_what_stops_a_lesson(tmp_path, cell, options, settings, passes, header):
    done = nbval(tmp_path, CELLS.get(cell, cell), *options, **settings)
    assert (done.returncode == 0) == passes, done.stdout + done.stderr
    assert header in done.stdout


def test_other_tests_say_nothing_of_lessons(tmp_path):
    shutil.copyfile(ROOT / "conftest.py", tmp_path / "conftest.py")
    (tmp_path / "test_x.py").write_text("def test_x(): pass\n", encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "test_x.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, encoding="utf-8", timeout=120)
    assert done.returncode == 0 and "lessons:" not in done.stdout


def test_no_cell_asks_whether_it_is_a_rehearsal():
    lessons = lessons_in(ROOT / "notebooks")
    assert lessons
    for path in lessons:
        for cell in nbformat.read(path, as_version=4).cells:
            if cell.cell_type == "code":
                asks = "profile.rows" in cell.source or "REHEARSAL" in cell.source
                assert not asks, f"{path.name}: {cell.source}"
