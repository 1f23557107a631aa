"""What ships for lesson 10 is what its card says: models that predict again, a table that adds up."""

import csv
import itertools
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file
from test_archives import needs

from bertcourse.data.rated import RATED_DOMAINS, load_rated
from bertlib.metrics import classification_scores
from bertlib.tasks.classify import TextClassifier

FOLDER = Path(__file__).resolve().parents[2] / "data" / "sentiment"
METHODS = ("majority", "lexicon", "tfidf", "frozen", "narrow", "lora")  # each domain to each, with seed 0
FEW = {"tfidf", "tfidf, self-training", "frozen", "frozen, deletion", "frozen, synonyms", "frozen, guesses"}
FEW |= {"lora", "lora, pseudo-labels"}


@pytest.fixture(scope="module")
def runs():
    with (FOLDER / "runs.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def predictions():
    return load_file(FOLDER / "predictions.safetensors")


def test_sizes():
    for name in RATED_DOMAINS:
        assert sum(path.stat().st_size for path in (FOLDER / name).iterdir()) < 1.5e6
    assert sum(path.stat().st_size for path in FOLDER.rglob("*") if path.is_file()) < 7e6


def test_each_run_is_there_once(runs, predictions):
    keys = Counter(
        tuple(row[name] for name in ("part", "method", "trained_on", "tested_on", "labels", "draw")) for row in runs
    )
    assert set(keys.values()) == {1}
    found = {
        (row["method"], row["trained_on"], row["tested_on"], int(row["draw"]))
        for row in runs
        if row["part"] == "matrix"
    }
    pairs = list(itertools.product(RATED_DOMAINS, repeat=2))
    wanted = {(method, *pair, 0) for method in METHODS for pair in pairs}
    wanted |= {("full", *pair, seed) for pair in pairs for seed in range(3)}
    wanted |= {("lora", name, name, seed) for name in RATED_DOMAINS for seed in range(3)}
    assert found == wanted
    tuned = {("narrow", 0), *itertools.product(("full", "lora"), range(3))}
    own = {f"{method}-{name}-validation-{seed}" for method, seed in tuned for name in RATED_DOMAINS}
    assert set(predictions) == {"-".join(map(str, key)) for key in wanted} | own
    few = {(row["method"], int(row["labels"]), int(row["draw"])) for row in runs if row["part"] == "few"}
    assert few == set(itertools.product(FEW, (8, 32, 128), range(10)))
    target = {(row["method"], row["trained_on"], int(row["draw"])) for row in runs if row["part"] == "target"}
    reads = [f"bbc_bert, read {what}" for what in ("nothing", "films", "news")]
    assert target == set(itertools.product(reads, ("films", "tweets"), range(3)))
    assert Counter(row["method"] for row in runs if row["part"] == "advice") == {
        f"dropout {dropout}, decay {decay}": 5 for dropout, decay in (("0.1", "0.01"), ("0.3", "0.01"), ("0.1", "0.3"))
    }


def test_the_chosen_rate_is_the_best_on_validation(runs):
    rates = {}
    for row in runs:
        if row["part"] == "rates":
            assert row["tested_on"] == "validation"
            rates.setdefault(row["method"], []).append(float(row["accuracy"]))
    assert max(rates, key=lambda method: np.mean(rates[method])) == "lora 0.006" and {*map(len, rates.values())} == {2}


def test_scores_are_those_of_the_predictions(runs, predictions):
    needs("vaderSentiment")
    golds = {name: np.array(load_rated(name)["test"]["label"][:600]) for name in RATED_DOMAINS}
    for row in runs:
        if row["part"] == "matrix":
            name = "-".join(row[column] for column in ("method", "trained_on", "tested_on", "draw"))
            table = np.exp(predictions[name].astype(np.float64))
            scores = classification_scores(table / table.sum(axis=1, keepdims=True), golds[row["tested_on"]])
            assert scores["accuracy"] == pytest.approx(float(row["accuracy"]), abs=0.004)  # float16 can make a tie
            assert table.sum(axis=1) == pytest.approx(1, abs=5e-3)


@pytest.mark.parametrize("name", RATED_DOMAINS)
def test_models_predict_again(predictions, name):
    needs("vaderSentiment")
    model = TextClassifier.load(FOLDER / name)
    for asked in ("products", name):
        texts = load_rated(asked)["test"]["text"][:40]
        expected = np.exp(predictions[f"lora-{name}-{asked}-0"][:40].astype(np.float64))
        assert model.probabilities(texts) == pytest.approx(expected, abs=5e-3)
