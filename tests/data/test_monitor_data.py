"""What data/monitor ships is what its card says: scores that add up, a model that predicts again."""

import csv
import json

import numpy as np
import pytest
from safetensors.numpy import load_file
from test_archives import needs

from bertcourse.data.guardian import SENTIMENTS, TOPICS, load_guardian, load_stream
from bertlib.files import data_folder
from bertlib.metrics import classification_scores
from bertlib.tasks.classify import TextClassifier

FOLDER = data_folder("monitor")
SOURCES = ("raters", "ours", "both")


def rows_of(name):
    with (FOLDER / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def runs():
    return rows_of("runs.csv")


@pytest.fixture(scope="module")
def predictions():
    return load_file(FOLDER / "predictions.safetensors")


def chosen(runs):
    """What the shipped folder learned from: the best on validation, seed 0."""
    wanted = {"what": "sentiment", "method": "lora", "draw": "0", "split": "validation"}
    return max((row for row in runs if wanted.items() <= row.items()), key=lambda row: float(row["macro_f1"]))[
        "trained_on"
    ]


def test_sizes():
    assert sum(path.stat().st_size for path in (FOLDER / "sentiment").iterdir()) < 1.5e6
    assert sum(path.stat().st_size for path in FOLDER.rglob("*") if path.is_file()) < 2.5e6


def test_each_run_is_there_once(runs, predictions):
    found = sorted((row["what"], row["method"], row["trained_on"], int(row["draw"]), row["split"]) for row in runs)
    wanted = {
        ("sentiment", method, source, 0) for method in ("majority", "lexicon", "tfidf", "frozen") for source in SOURCES
    }
    wanted |= {("sentiment", "lora", source, seed) for source in SOURCES for seed in range(3)}
    wanted |= {("topic", method, "ours", 0) for method in ("majority", "tfidf", "frozen")}
    wanted |= {("topic", "lora", "ours", seed) for seed in range(3)}
    assert found == sorted((*run, split) for run in wanted for split in ("validation", "test"))
    assert set(predictions) == {"-".join(map(str, run)) for run in found}


def test_scores_are_those_of_the_predictions(runs, predictions):
    needs("scattertext")
    golds = {
        what: {split: np.array(part["label"]) for split, part in load_guardian(what).items()}
        for what in ("sentiment", "topic")
    }
    for row in runs:
        table = predictions["-".join(row[name] for name in ("what", "method", "trained_on", "draw", "split"))].astype(
            float
        )
        assert table.shape[1] == len(SENTIMENTS if row["what"] == "sentiment" else TOPICS)
        scores = classification_scores(table / table.sum(axis=1, keepdims=True), golds[row["what"]][row["split"]])
        for name in ("accuracy", "macro_f1"):
            assert scores[name] == pytest.approx(float(row[name]), abs=0.02)  # float16 can make a tie


def test_the_folder_is_the_best_on_validation(runs):
    card = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert f"learned from *{chosen(runs)}*" in " ".join(card.split())


def test_the_model_predicts_again(runs, predictions):
    needs("scattertext")
    model = TextClassifier.load(FOLDER / "sentiment")
    assert tuple(model.labels) == SENTIMENTS
    texts = load_guardian("sentiment")["test"]["text"][:40]
    expected = predictions[f"sentiment-lora-{chosen(runs)}-0-test"][:40].astype(float)
    assert model.probabilities(texts) == pytest.approx(expected, abs=5e-3)


def test_every_headline_has_a_tone_and_a_topic():
    needs("scattertext")
    rows = rows_of("scores.csv")
    assert [row["id"] for row in rows] == [row["id"] for row in load_stream()]
    assert {row["topic"] for row in rows} <= set(TOPICS)
    for name in ("tone", "tone_raters"):
        values = np.array([float(row[name]) for row in rows])
        assert abs(values).max() <= 1 and values.std() > 0.2
    assert set(rows[0]) == {"id", "topic", "tone", "tone_raters"}


def test_the_command_has_its_models():
    needs("scattertext")
    from bertcourse.monitor.scoring import Scorer

    score = Scorer()
    found = score(["Oil prices plunge to a record low", "Debenhams to close stores as losses mount", "石油价格下跌"])
    assert found[2] is None and [topic in TOPICS for topic, _ in found[:2]] == [True, True]
    assert found[0][1] < 0 and found[1][1] < 0
    own = {row["id"]: row for row in rows_of("scores.csv")}
    some = load_stream()[2000:2200]
    again = score([row["headline"] for row in some])
    assert np.mean([topic == own[row["id"]]["topic"] for row, (topic, _) in zip(some, again, strict=True)]) > 0.7
    assert json.dumps(again)


def test_the_card_says_the_measured_figures(runs):
    card = " ".join((FOLDER / "README.md").read_text(encoding="utf-8").split())
    for what, method, source in (
        ("sentiment", "lora", "ours"),
        ("sentiment", "tfidf", "ours"),
        ("topic", "lora", "ours"),
    ):
        own = [float(row["macro_f1"]) for row in runs if row["split"] == "test"
               and (row["what"], row["method"], row["trained_on"]) == (what, method, source)]  # fmt: skip
        assert f"{100 * np.mean(own):.1f}" in card, (what, method, source)
