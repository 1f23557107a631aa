"""What ships for lesson 17 is what its card says: each run once, chosen on validation, and a cheap row made again."""

import csv
import importlib.util
import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file
from test_archives import needs

from bertlib.metrics import classification_scores

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "data" / "tuning"
METHODS = ("full", "last", "bitfit", "adapters", "prefix", "lora", "frozen")
BASELINES = ("majority", "tfidf", "mean vectors")


def table(name):
    with (FOLDER / name).open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def runs():
    return table("runs.csv")


@pytest.fixture(scope="module")
def make():
    spec = importlib.util.spec_from_file_location("make_tuning", ROOT / "data" / "make_tuning.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_each_run_is_there_once(runs):
    found = Counter((row["part"], row["task"], row["method"], int(row["number"])) for row in runs)
    tasks = ("news", "sentiment")
    wanted = {("trial", task, method, number) for task in tasks for method in METHODS for number in range(6)}
    wanted |= {("draw", task, method, n) for task in tasks for method in METHODS + BASELINES for n in range(1, 6)}
    wanted |= {("seed", task, "full", number) for task in tasks for number in range(5)}
    assert set(found) == wanted and set(found.values()) == {1}
    assert {row["labels"] for row in runs if row["method"] != "majority"} == {"640", "384"}
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < 2e6


def test_settings_are_those_of_the_best_trial_on_validation(runs, make):
    """Of the drawn ones each rate is what the same factor makes of the method's own."""
    for task in ("news", "sentiment"):
        for method in METHODS:
            best = make.chosen(task, method)
            own = [row for row in runs if (row["task"], row["method"], row["part"]) == (task, method, "draw")]
            assert {row["settings"] for row in own} == {json.dumps(best)}
            for row in runs:
                if (row["task"], row["method"], row["part"]) == (task, method, "trial"):
                    assert json.loads(row["settings"]) == make.trial(method, int(row["number"]))


def test_scores_are_those_of_the_predictions(runs, make):
    needs("vaderSentiment")
    kept = load_file(FOLDER / "predictions.safetensors")
    names = {"-".join(row[name] for name in ("part", "method", "number", "task")) for row in runs}
    assert set(kept) == names
    for task in ("news", "sentiment"):
        gold = np.array(make.splits(task)["test"]["label"])
        for row in (row for row in runs if row["task"] == task):
            name = "-".join(row[column] for column in ("part", "method", "number", "task"))
            probabilities = np.exp(kept[name].astype(np.float64))
            scores = classification_scores(probabilities / probabilities.sum(axis=1, keepdims=True), gold)
            assert scores["accuracy"] == pytest.approx(float(row["accuracy"]), abs=0.004)  # float16 can make a tie


@pytest.mark.parametrize("task", ["news", "sentiment"])
def test_the_rows_before_are_made_again(task, runs, make):
    needs("vaderSentiment")
    made = make.baselines(task, 1)
    gold = np.array(make.splits(task)["test"]["label"])
    for method, (_, test) in made.items():
        (row,) = [r for r in runs if (r["task"], r["method"], r["part"], r["number"]) == (task, method, "draw", "1")]
        assert classification_scores(test, gold)["accuracy"] == pytest.approx(float(row["accuracy"]), abs=0.006)


def test_frozen_features_are_tuned_again(runs, make):
    settings = make.chosen("news", "frozen")
    given = make.COMMON | {"epochs": 3, "batch_size": 32, "text": "title", "method": "frozen", "seed": 1} | settings
    model = make.fine_tune(make.DatasetDict(train=make.drawn("news", 1)), **given)
    (row,) = [r for r in runs if (r["task"], r["method"], r["part"], r["number"]) == ("news", "frozen", "draw", "1")]
    assert model.evaluate(make.splits("news")["test"])["accuracy"] == pytest.approx(float(row["accuracy"]), abs=0.02)


def test_what_each_costs():
    rows = {(row["task"], row["method"]): row for row in table("costs.csv")}
    assert set(rows) == {(task, method) for task in ("news", "sentiment") for method in METHODS}
    for task in ("news", "sentiment"):
        full = rows[task, "full"]
        assert float(full["run_s"]) >= 5 * float(rows[task, "frozen"]["run_s"])
        for method in METHODS[1:]:
            row = rows[task, method]
            assert int(row["trained"]) < int(full["trained"]) and int(row["stored"]) < int(full["stored"])
            assert float(row["gradients_mb"]) == pytest.approx(4 * int(row["trained"]) / 1e6, abs=0.01)
            assert float(row["moments_mb"]) == pytest.approx(2 * float(row["gradients_mb"]), abs=0.02)


def test_memory_and_folders_are_counted_again(make):
    """Bytes, not seconds: they are the same on every machine."""
    rows = {(row["task"], row["method"]): row for row in table("costs.csv")}
    one, row = make.Prepared("news", "lora"), rows["news", "lora"]
    one.step(0)
    assert one.stored() == pytest.approx(int(row["stored"]), rel=0.01)
    for name, size in one.memory().items():
        assert size / 1e6 == pytest.approx(float(row[f"{name}_mb"]), rel=0.02, abs=0.01), name
