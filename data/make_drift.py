"""Make data/drift: how often tests of drift alarm without a change, how soon with one, and what retraining buys.

python data/make_drift.py vectors   # MiniLM's vectors of all texts, kept in build/drift (3 min)
python data/make_drift.py alarms    # alarms where nothing has changed, and how they come out wrong (2 min)
python data/make_drift.py delay     # windows until an alert, for two changes and a control (4 min)
python data/make_drift.py grow      # p and effect of one small change, as windows grow
python data/make_drift.py retrain   # accuracy as it is, and after learning from labels of what is new
python data/make_drift.py finish    # what lies in build/drift, gathered

Times are those of one thread.
"""

from __future__ import annotations

import csv
import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import load_file, save_file
from sklearn.linear_model import LogisticRegression

from bertcourse.data.rated import load_rated
from bertlib.data.catalog import load
from bertlib.data.encoders import encoder_folder
from bertlib.files import read_json
from bertlib.model.encoder import BertModel
from bertlib.model.heads import mean_pooling
from bertlib.serve.drift import (
    AlertRule,
    Drift,
    calibration_test,
    classifier_test,
    ks_tests,
    mmd_test,
    shares_test,
)
from bertlib.text.batching import encode_texts, length_buckets, pad_batch
from bertlib.text.tokenizer import load_tokenizer

HERE, WORK = Path(__file__).parent / "drift", Path("build/drift")
REFERENCE, WINDOW, LENGTH = 200, 100, 64  # texts, texts, tokens
WINDOWS, REPEATS, PATIENCE = 400, 30, 20  # without a change; series a change; windows a series
RULE = AlertRule(level=0.05, in_a_row=2)
SHARES = (0.0, 0.05, 0.1, 0.2, 0.5)
NEW_TOPIC = "tech"


def vectors_of(texts: Sequence[str]) -> np.ndarray:
    """MiniLM's mean vectors, (N, 384)."""
    folder = encoder_folder("minilm")
    model, tokenizer = (
        BertModel.from_pretrained(folder).eval(),
        load_tokenizer(folder, read_json(folder / "config.json")),
    )
    sequences, rows = encode_texts(tokenizer, texts, LENGTH), np.empty((len(texts), 384), np.float32)
    with torch.inference_mode():
        for chosen in length_buckets(list(map(len, sequences)), 64):
            ids, mask = pad_batch([sequences[i] for i in chosen], 0)
            rows[chosen] = mean_pooling(model(ids, mask).last_hidden_state, mask).numpy()
    return rows


def vectors() -> None:
    WORK.mkdir(parents=True, exist_ok=True)
    splits = {
        f"{name}-{split}": load_rated(name)[split] for name in ("products", "tweets") for split in ("train", "test")
    }
    splits |= {f"{name}-validation": load_rated(name)["validation"] for name in ("products", "tweets")}
    splits |= {f"news-{split}": rows for split, rows in load("bbc_news").items()}
    for name, rows in splits.items():
        if not (WORK / f"{name}.safetensors").is_file():
            groups = (
                np.unique(rows["group"], return_inverse=True)[1]
                if "group" in rows.column_names
                else np.arange(len(rows))
            )
            found = {"vectors": vectors_of(rows["text"]), "labels": np.array(rows["label"]), "groups": groups}
            save_file(found, WORK / f"{name}.safetensors")
            print(name, len(rows), flush=True)


# --------------------------------------------------------------------------------------------------- what is compared


@dataclass
class Texts:
    """What a window holds of each of its texts."""

    vectors: np.ndarray
    labels: np.ndarray
    groups: np.ndarray
    said: np.ndarray | None = None  # the model's probabilities

    def __getitem__(self, rows) -> Texts:
        return Texts(
            self.vectors[rows], self.labels[rows], self.groups[rows], None if self.said is None else self.said[rows]
        )

    def __len__(self) -> int:
        return len(self.labels)

    def __add__(self, other: Texts) -> Texts:
        pairs = ((getattr(self, name), getattr(other, name)) for name in ("vectors", "labels", "groups", "said"))
        return Texts(*(None if a is None else np.concatenate([a, b]) for a, b in pairs))


def read(*names: str) -> Texts:
    found = [load_file(WORK / f"{name}.safetensors") for name in names]
    return Texts(*(np.concatenate([one[key] for one in found]) for key in ("vectors", "labels", "groups")))


def in_service(learned: Texts, *more: Texts) -> LogisticRegression:
    """The model whose answers are watched: a logistic regression on MiniLM's vectors."""
    together = sum(more, learned)
    return LogisticRegression(C=1, max_iter=2000).fit(together.vectors, together.labels)


def answered(model: LogisticRegression, texts: Texts) -> Texts:
    """The texts with what the model says of them; a class that it never met gets probability 0."""
    said = np.zeros((len(texts), 5))
    said[:, model.classes_] = model.predict_proba(texts.vectors)
    return Texts(texts.vectors, texts.labels, texts.groups, said)


@cache
def change(name: str) -> tuple[Texts, Texts, Texts, Texts]:
    """What the model learned from, what it goes on meeting, what is new, and labelled examples of that."""
    if name == "tweets":
        learned, usual = read("products-train"), read("products-validation", "products-test")
        new, examples = read("tweets-validation", "tweets-test"), read("tweets-train")
    else:
        names = load("bbc_news")["train"].features["label"].names
        everything, topic = read("news-train", "news-validation", "news-test"), names.index(NEW_TOPIC)
        order = np.random.default_rng(0).permutation(len(everything))
        old, fresh = (
            everything[order[kept[order]]] for kept in (everything.labels != topic, everything.labels == topic)
        )
        learned, usual, examples, new = old[:300], old[300:], fresh[:150], fresh[150:]
    model = in_service(learned)
    return learned, answered(model, usual), answered(model, new), examples


TESTS: dict[str, Callable[[Texts, Texts, np.random.Generator], Drift]] = {
    "mmd": lambda old, new, rng: mmd_test(old.vectors, new.vectors, rng=rng),
    "classifier": lambda old, new, rng: classifier_test(old.vectors, new.vectors, rng=rng),
    "ks": lambda old, new, rng: ks_tests(old.vectors, new.vectors)[0],
    "shares": lambda old, new, rng: shares_test(old.said.argmax(axis=1), new.said.argmax(axis=1)),
    "calibration": lambda old, new, rng: calibration_test((old.said, old.labels), (new.said, new.labels), rng=rng),
}


def write(name: str, columns: Sequence[str], lines: Sequence[Sequence]) -> None:
    with (WORK / name).open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(lines)
    print(name, len(lines), flush=True)


# ---------------------------------------------------------------------------------------------------------- the parts


def whole_reviews(texts: Texts, count: int, rng: np.random.Generator) -> np.ndarray:
    """Rows of reviews drawn at random, each whole, until there are `count`."""
    groups = rng.permutation(np.unique(texts.groups))
    return np.concatenate([np.flatnonzero(texts.groups == group) for group in groups])[:count]


def null_of_the_reference(old: Texts, new: Texts, rng: np.random.Generator) -> Drift:
    """The fault, measured: what is usual is told by rows drawn from the reference itself, beside the reference."""
    found, usual = mmd_test(old.vectors, new.vectors, permutations=1, rng=rng).effect, []
    for _ in range(40):
        rows = rng.choice(len(old), size=len(new))
        usual.append(mmd_test(old.vectors, old.vectors[rows], permutations=1, rng=rng).effect)
    return Drift(float(np.mean([found, *usual] >= np.float64(found))), found)


def alarms() -> None:
    """Rates of p ≤ 0.05, and of alerts of the rule, in windows of product reviews like all others."""
    _, usual, _, _ = change("tweets")
    lines = []

    def add(case: str, test: str, found: list[Drift]) -> None:
        called, alerts = np.mean([one.p <= RULE.level for one in found]), np.mean(RULE.alerts(found))
        lines.append([case, test, len(found), f"{called:.4f}", f"{alerts:.4f}"])
        print(lines[-1], flush=True)

    for test, run in TESTS.items():
        rng, found = np.random.default_rng(0), {"fresh": [], "whole reviews": []}
        for _ in range(WINDOWS):
            order = rng.permutation(len(usual))
            found["fresh"].append(run(usual[order[:REFERENCE]], usual[order[REFERENCE : REFERENCE + WINDOW]], rng))
            rows = whole_reviews(usual, REFERENCE + WINDOW, rng)
            found["whole reviews"].append(run(usual[rows[:REFERENCE]], usual[rows[REFERENCE:]], rng))
        for case, results in found.items():
            add(f"{case}", test, results)
        for number in range(8):  # one reference for a whole series: its chance is in every window of it
            order = rng.permutation(len(usual))
            rest = order[REFERENCE:]
            series = [
                run(usual[order[:REFERENCE]], usual[rng.choice(rest, WINDOW, replace=False)], rng) for _ in range(50)
            ]
            add(f"one reference {number}", test, series)
    rng = np.random.default_rng(0)
    orders = [rng.permutation(len(usual))[: REFERENCE + WINDOW] for _ in range(100)]
    wrong = [null_of_the_reference(usual[rows[:REFERENCE]], usual[rows[REFERENCE:]], rng) for rows in orders]
    add("null of the reference", "mmd", wrong)
    write("alarms.csv", ("case", "test", "windows", "alarms", "alerts"), lines)


def delay() -> None:
    """Windows until an alert, when a share of each window is new; empty where 20 windows did not do."""
    lines = []
    for name in ("tweets", NEW_TOPIC):
        _, usual, new, _ = change(name)
        for share in SHARES:
            for repeat in range(REPEATS):
                rng = np.random.default_rng((repeat, round(100 * share)))
                order, count = rng.permutation(len(usual)), round(share * WINDOW)
                old, rest = usual[order[:REFERENCE]], order[REFERENCE:]
                found: dict[str, list[Drift]] = {test: [] for test in TESTS}
                when = dict.fromkeys(TESTS, "")
                for number in range(1, PATIENCE + 1):
                    rows = rng.choice(rest, WINDOW - count, replace=False), rng.choice(len(new), count, replace=False)
                    window = usual[rows[0]] + new[rows[1]]
                    for test in [test for test in TESTS if when[test] == ""]:
                        found[test].append(TESTS[test](old, window, rng))
                        when[test] = number if RULE.alerts(found[test])[-1] else ""
                lines += [[name, share, test, repeat, number] for test, number in when.items()]
            told = {test: [line[4] for line in lines if line[:3] == [name, share, test]] for test in TESTS}
            print(
                name,
                share,
                {test: (sum(n != "" for n in ns), np.mean([n or PATIENCE for n in ns])) for test, ns in told.items()},
                flush=True,
            )
    write("delay.csv", ("change", "share", "test", "repeat", "windows"), lines)


def grow() -> None:
    """One change, a tenth of tweets, in windows of growing size: p falls, the effect stays."""
    _, usual, new, _ = change("tweets")
    lines = []
    for size in (50, 100, 200, 400):
        for test in ("mmd", "classifier", "ks", "shares"):
            found = []
            for repeat in range(40):
                rng = np.random.default_rng((repeat, size))
                order, count = rng.permutation(len(usual)), size // 10
                window = usual[order[size : 2 * size - count]] + new[rng.choice(len(new), count, replace=False)]
                found.append(TESTS[test](usual[order[:size]], window, rng))
            called = np.mean([one.p <= RULE.level for one in found])
            median, effect = np.median([one.p for one in found]), np.mean([one.effect for one in found])
            lines.append([size, test, f"{median:.4f}", f"{called:.3f}", f"{effect:.5f}"])
    write("grow.csv", ("rows", "test", "median_p", "alarms", "effect"), lines)


def retrain() -> None:
    """Accuracy of the model as it is, and after it learned from labels of what is new, too."""
    lines = []
    for name in ("tweets", NEW_TOPIC):
        learned, usual, new, examples = change(name)
        for labels in (0, 25, 50, 100, 150):
            for draw in range(1 if labels == 0 else 5):
                chosen = np.random.default_rng((draw, labels)).permutation(len(examples))[:labels]
                model = in_service(learned, examples[chosen])
                right = [float((model.predict(side.vectors) == side.labels).mean()) for side in (usual, new)]
                lines.append([name, labels, draw, f"{right[0]:.4f}", f"{right[1]:.4f}"])
    write("retrain.csv", ("change", "labels", "draw", "usual", "new"), lines)


def finish() -> None:
    """Gather what was made into data/drift."""
    HERE.mkdir(exist_ok=True)
    for path in sorted(WORK.glob("*.csv")):
        shutil.copy(path, HERE / path.name)
    print(sorted(path.name for path in HERE.iterdir()))


if __name__ == "__main__":
    torch.set_num_threads(1)
    parts = {"vectors": vectors, "alarms": alarms, "delay": delay, "grow": grow, "retrain": retrain, "finish": finish}
    parts[sys.argv[1]]()
