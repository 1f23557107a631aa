"""data/tuning/search.csv is what its maker would make, and says the same in figures and in bits."""

import csv
import sys
from pathlib import Path

import numpy as np
import pytest

from bertlib.tasks.classify import fine_tune
from bertlib.tasks.tuning import draw_settings

DATA = Path(__file__).resolve().parents[2] / "data"
SIZES = {"validation": 207, "test": 409}


@pytest.fixture(scope="module")
def maker():
    sys.path.insert(0, str(DATA))
    try:
        import make_search_trials
    finally:
        sys.path.remove(str(DATA))
    return make_search_trials


@pytest.fixture(scope="module")
def rows():
    with (DATA / "tuning" / "search.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def settings_of(row, maker):
    return {name: type(getattr(maker.DEFAULT, name))(row[name]) for name in maker.SPACE}


def test_all_trials_are_there(rows, maker):
    parts = {part: [int(row["number"]) for row in rows if row["part"] == part] for part in maker.TRIALS}
    assert parts == {part: list(range(count)) for part, count in maker.TRIALS.items()}
    assert {row["state"] for row in rows if row["part"] != "tpe"} == {"finished"}


def test_figures_are_those_of_the_bits_and_of_the_kept_epoch(rows):
    for row in rows:
        curve = [float(value) for value in row["curve"].split()]
        if row["state"] == "pruned":
            assert len(curve) < int(row["epochs"]) and not row["test"]
            continue
        assert len(curve) == int(row["epochs"])
        assert float(row["validation"]) == curve[int(row["kept"]) - 1] == max(curve)
        for split, size in SIZES.items():
            bits = np.unpackbits(np.frombuffer(bytes.fromhex(row[f"{split}_right"]), np.uint8))
            assert bits[:size].mean() == pytest.approx(float(row[split]), abs=5e-5) and not bits[size:].any()


def test_settings_are_drawn_as_the_library_draws_them(rows, maker):
    for row in rows:
        if row["part"] == "random":
            drawn = draw_settings(maker.SPACE, np.random.default_rng((0, int(row["number"]))))
            assert settings_of(row, maker) == pytest.approx(drawn)
        elif row["part"] == "default":
            assert settings_of(row, maker) == {name: getattr(maker.DEFAULT, name) for name in maker.SPACE}
            assert row["seed"] == row["number"]


def test_the_chosen_settings_are_the_best_on_validation_and_their_seeds_are_others(rows, maker):
    drawn = [row for row in rows if row["part"] == "random"]
    best = max(drawn, key=lambda row: float(row["validation"]))
    chosen = [row for row in rows if row["part"] == "chosen"]
    assert all(settings_of(row, maker) == settings_of(best, maker) for row in chosen)
    assert best["seed"] not in [row["seed"] for row in chosen]


def test_one_trial_made_again(rows, maker):
    row = next(row for row in rows if row["part"] == "random" and row["number"] == "34")
    news = maker.news()
    recipe = maker.DEFAULT.but(**settings_of(row, maker))
    model = fine_tune(news, recipe=recipe, show_progress=False, **maker.TUNED)
    for split in SIZES:
        assert maker.right(model, split).mean() == pytest.approx(float(row[split]), abs=0.03)
