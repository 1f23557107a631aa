"""What data/small and data/drift ship: figures that follow from the predictions, models that predict again."""

import csv
import re

import numpy as np
import pytest
from safetensors.numpy import load_file

from bertcourse.data.rated import load_rated
from bertlib.files import data_folder
from bertlib.metrics import classification_scores
from bertlib.model.adapters import merge
from bertlib.model.shrink import bytes_by_module, keep_layers, prune_magnitude
from bertlib.tasks.classify import TextClassifier

SMALL, DRIFT = data_folder("small"), data_folder("drift")


def rows_of(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def runs():
    return rows_of(SMALL / "runs.csv")


@pytest.fixture(scope="module")
def predictions():
    return {name: np.exp(logs.astype(float)) for name, logs in load_file(SMALL / "predictions.safetensors").items()}


@pytest.fixture(scope="module")
def test_split():
    return load_rated("products")["test"].select(range(600))


@pytest.fixture(scope="module")
def teacher():
    task = TextClassifier.load(data_folder("sentiment") / "products")
    merge(task.model)
    return task


def name_of(row):
    """As data/make_small.py names a run's predictions."""
    if row["part"] == "rows":
        return row["method"]
    if row["part"] == "pruned":
        method, share = row["method"].rsplit(" ", 1)
        return f"pruned-{method}-{share}-{row['seed']}".replace(" ", "_").replace(",", "")
    method = row["method"].replace(" ", "_").replace("=", "is").replace(",", "")
    return f"{method}-{row['layers']}-{row['seed']}"


def test_each_run_has_its_predictions_and_they_give_its_figures(runs, predictions, test_split):
    gold = np.array(test_split["label"])
    theirs = predictions["teacher"].argmax(axis=1)
    assert sorted(map(name_of, runs)) == sorted(predictions)
    for row in runs:
        table = predictions[name_of(row)]
        assert table.shape == (600, 3)
        scores = classification_scores(table / table.sum(axis=1, keepdims=True), gold)
        for figure in ("accuracy", "macro_f1"):  # float16 may turn a tie
            assert scores[figure] == pytest.approx(float(row[figure]), abs=0.004), row
        assert (table.argmax(axis=1) == theirs).mean() == pytest.approx(float(row["agrees"]), abs=0.004), row


def test_the_teacher_predicts_again(teacher, predictions, test_split):
    again = teacher.probabilities(test_split["text"][:60])
    np.testing.assert_allclose(again, predictions["teacher"][:60], atol=3e-3)


@pytest.mark.parametrize("share", [0.5, 0.9])
def test_pruned_weights_predict_again(share, predictions, test_split):
    task = TextClassifier.load(data_folder("sentiment") / "products")
    merge(task.model)
    prune_magnitude(task.model, share)
    again = task.probabilities(test_split["text"][:60])
    np.testing.assert_allclose(again, predictions[f"pruned-magnitude-{share:g}-0"][:60], atol=5e-3)


def test_bytes_are_those_of_such_models(teacher, runs):
    for layers in ((0, 2, 4), (0, 3)):
        size = sum(bytes_by_module(keep_layers(teacher.model, layers)).values())
        found = {int(row["bytes"]) for row in runs if row["part"] == "students" and row["layers"] == str(len(layers))}
        assert found == {size}
    zeros = {int(row["bytes"]) for row in runs if row["method"].startswith("magnitude")}
    assert zeros == {sum(bytes_by_module(teacher.model).values())}  # zeros make nothing smaller


def test_students_of_three_layers_keep_most_of_the_teacher(runs):
    def mean(method):
        return np.mean([float(r["accuracy"]) for r in runs if (r["method"], r["layers"]) == (method, "3")])

    (teacher,) = (float(row["accuracy"]) for row in runs if row["method"] == "teacher")
    assert mean("distilled") >= 0.97 * teacher
    assert mean("distilled") > mean("alone")
    updates = {r["method"]: int(r["updates"]) for r in runs if r["part"] == "students"}
    assert updates["alone"] >= updates["distilled"]  # the one without a teacher had no fewer


def test_speed_is_a_ratio_in_each_round():
    rows = rows_of(SMALL / "speed.csv")
    for row in rows:
        (base,) = (
            r for r in rows if (r["threads"], r["round"], r["model"]) == (row["threads"], row["round"], "teacher")
        )
        ratio = float(row["texts_per_second"]) / float(base["texts_per_second"])
        assert float(row["ratio"]) == pytest.approx(ratio, rel=0.03)
    three = [float(row["ratio"]) for row in rows if row["model"] == "3 layers" and row["threads"] == "1"]
    assert np.median(three) >= 1.8


def test_tests_of_drift_alarm_as_often_as_promised_and_too_often_where_they_are_wrong():
    rates = {(row["case"], row["test"]): row for row in rows_of(DRIFT / "alarms.csv")}
    for test in ("mmd", "classifier", "ks", "shares", "calibration"):
        row = rates["fresh", test]
        windows = int(row["windows"])
        assert windows >= 300
        assert float(row["alarms"]) == pytest.approx(0.05, abs=2 * np.sqrt(0.05 * 0.95 / windows))
        assert float(row["alerts"]) <= 0.05**2 + 2 * np.sqrt(0.05**2 / windows)
    assert float(rates["null of the reference", "mmd"]["alarms"]) > 0.5


def test_a_larger_share_is_found_sooner():
    rows = rows_of(DRIFT / "delay.csv")
    for change in ("tweets", "tech"):
        for test in ("mmd", "ks"):
            waits = [
                np.mean(
                    [int(r["windows"] or 20) for r in rows if (r["change"], r["test"], r["share"]) == (change, test, s)]
                )
                for s in ("0.0", "0.1", "0.2", "0.5")
            ]
            assert waits == sorted(waits, reverse=True)
            assert waits[-1] == 2  # as soon as the rule can


def test_cards_name_what_is_there():
    for folder in (SMALL, DRIFT):
        card = (folder / "README.md").read_text(encoding="utf-8")
        told = set(re.findall(r"^\| `([\w.]+)` \|", card, flags=re.MULTILINE))
        assert told == {path.name for path in folder.iterdir()} - {"README.md"}
    assert sum(path.stat().st_size for folder in (SMALL, DRIFT) for path in folder.iterdir()) < 1e6
