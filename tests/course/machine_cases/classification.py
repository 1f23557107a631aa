"""Machines of lesson 07."""

import numpy as np
from scipy.stats import binomtest, sem
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

from bertcourse.checks.classification import _interval
from bertcourse.machines import classification
from bertlib.metrics import classification_scores

HAND = 2  # the class "to be checked by hand", beside 0 (right) and 1 (wrong)


def recorded(seed, texts):
    """Confidences as a classifier gives them: mostly near 1, and the surer the more often right."""
    rng = np.random.default_rng(seed)
    confidence = 1 - 0.7 * rng.beta(0.3, 3, texts)
    return confidence, rng.random(texts) < confidence


def threshold_and_money(seed=0):
    return classification.threshold_and_money(recorded(seed, 120), recorded(seed + 1, 200))


def draw_threshold(rng, data):
    return {
        "at": int(rng.choice([0, 100, int(rng.integers(101))])),
        "wrong": 5 * int(rng.integers(1, 21)),
        "check": int(rng.integers(1, 21)),
        "opened": bool(rng.random() < 0.3),
    }


def expected_threshold(data, state):
    found = {}
    for split in ("validation", "test"):
        confidence = np.array([*data[split]["right"], *data[split]["wrong"]])
        said = np.array([0] * len(data[split]["right"]) + [1] * len(data[split]["wrong"]))
        answered = confidence >= 100 * state["at"]
        said, gold = np.where(answered, said, HAND), np.zeros(len(said), dtype=int)
        good, bad, hand = (int(count) for count in confusion_matrix(gold, said, labels=[0, 1, HAND])[0])
        recall = precision_recall_fscore_support(gold, said, labels=[0, 1], average="micro", zero_division=0)[1]
        right = classification_scores(np.eye(2)[said[answered]], gold[answered])["accuracy"] if answered.any() else 0.0
        paid = np.array([0, state["wrong"], state["check"]])[said]
        found[split] = {
            "good": good,
            "bad": bad,
            "hand": hand,
            "precision": right,
            "recall": float(recall),
            "cost": 100 * float(paid.mean()),
        }
    return found


def cheapest(data):
    prices = {"wrong": data["asked"]["wrong"], "check": data["asked"]["check"]}
    costs = [expected_threshold(data, {"at": at, **prices})["validation"]["cost"] for at in range(101)]
    return int(np.argmin(costs))


def leads_by_rows(seed=4):
    rng = np.random.default_rng(seed)
    hard = rng.random(200)  # rows that are hard are hard for all
    shares = {"BERT": 0.96, "TF-IDF": 0.86, "frozen vectors": 0.94, "majority": 0.3}
    return classification.leads_by_rows(
        {name: hard + rng.normal(0, 0.05, 200) < share for name, share in shares.items()}
    )


def draw_rows(rng, data):
    last = len(data["right"][0])
    return {
        "rows": int(rng.choice([data["least"], last, int(rng.integers(data["least"], last + 1))])),
        "other": int(rng.integers(1, len(data["names"]))),
    }


def expected_rows(data, state):
    one, two = (
        np.array([mark == "1" for mark in data["right"][which][: state["rows"]]]) for which in (0, state["other"])
    )
    lead, only = one.astype(float) - two, [int((one & ~two).sum()), int((two & ~one).sum())]
    found = {"only": only, "lead": float(lead.mean())}
    for name, marks in (("first", one), ("second", two)):
        low, high = _interval(int(marks.sum()), len(marks))
        found[name] = {"right": int(marks.sum()), "share": float(marks.mean()), "low": low, "high": high}
    error = 1.96 * float(sem(lead, ddof=0))
    chance = float(binomtest(only[0], sum(only)).pvalue) if sum(only) else 1.0
    return found | {"low": found["lead"] - error, "high": found["lead"] + error, "chance": chance}


def told_apart(data):
    """The number of rows from which on the interval leaves 0 out; all of them if it never does."""
    last, found = len(data["right"][0]), None
    for rows in range(last, data["least"] - 1, -1):
        values = expected_rows(data, {"rows": rows, "other": 1})
        if values["low"] <= 0 <= values["high"]:
            break
        found = rows
    return found or last


CASES = {
    "threshold_and_money": (
        threshold_and_money,
        lambda: threshold_and_money(seed=7),
        draw_threshold,
        expected_threshold,
        lambda data: [{"at": 100}, {"at": cheapest(data)}, {"opened": True}],
    ),
    "leads_by_rows": (
        leads_by_rows,
        lambda: leads_by_rows(seed=5),
        draw_rows,
        expected_rows,
        lambda data: [{"rows": told_apart(data) - 1}, {"rows": told_apart(data), "other": 2}, {"other": 1}],
    ),
}

SPLIT = ([0.9, 0.4], [True, False])
WRONG = {
    "as many of both": (
        lambda: classification.threshold_and_money(([0.9], [True, False]), SPLIT),
        "1 confidences",
    ),
    "an empty split": (lambda: classification.threshold_and_money(SPLIT, ([], [])), "test: 0 conf"),
    "a confidence in percent": (lambda: classification.threshold_and_money(([90], [True]), SPLIT), "outside 0 … 1"),
    "a price off its slider": (lambda: classification.threshold_and_money(SPLIT, SPLIT, wrong=33), "wrong=33, check=2"),
    "a price that is too high": (lambda: classification.threshold_and_money(SPLIT, SPLIT, check=21), "check=21: give"),
    "one classifier": (lambda: classification.leads_by_rows({"BERT": [True] * 30}), "two classifiers"),
    "other rows": (lambda: classification.leads_by_rows({"a": [True] * 30, "b": [True] * 31}), "'b': 31"),
    "few rows": (lambda: classification.leads_by_rows({"a": [True] * 20, "b": [True] * 20}), "more than 20"),
}
