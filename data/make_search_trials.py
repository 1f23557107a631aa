"""Make data/tuning/search.csv: a search among settings, as lesson 17 shows it. A training is a row, kept once it is
there; run again, it goes on.

python data/make_search_trials.py            # all of it, on one thread (15 min)
python data/make_search_trials.py default    # one part: default, random, tpe, chosen (the last needs random)
"""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import numpy as np
import torch
from datasets import DatasetDict

from bertlib.data.catalog import load
from bertlib.data.splits import few_labels
from bertlib.tasks.classify import TextClassifier, fine_tune
from bertlib.tasks.tuning import Between, draw_settings, search
from bertlib.train.recipe import Recipe

TABLE, WORK = Path(__file__).parent / "tuning" / "search.csv", Path("build/tuning")
# The rate over two decades around what suits MiniLM, 1.5e-4; the rest as Devlin et al., 2019, A.3, and beside it.
SPACE = {
    "learning_rate": Between(1.5e-5, 1.5e-3, log=True),
    "batch_size": (16, 32),
    "epochs": (2, 3),
    "warmup": Between(0.0, 0.3),
    "weight_decay": (0.0, 0.01, 0.1),
}
DEFAULT = Recipe(learning_rate=1.5e-4)
TRIALS = {"default": 20, "random": 40, "tpe": 20, "chosen": 10}
PER_CLASS, TUNED = 128, {"text": "title", "max_length": 32}
COLUMNS = ("part", "number", "seed", *SPACE, "state", "curve", "kept", "validation", "test", "seconds")
COLUMNS += ("validation_right", "test_right")


@cache
def news() -> DatasetDict:
    """128 titles of each topic to learn from, the same in every trial; 207 to choose on, 409 to test on."""
    splits = load("bbc_news")
    splits["train"] = few_labels(splits["train"], PER_CLASS, np.random.default_rng(0))
    return splits


def rows_of(part: str | None = None) -> list[dict[str, str]]:
    rows = list(csv.DictReader(TABLE.open(encoding="utf-8"))) if TABLE.is_file() else []
    return [row for row in rows if part in (None, row["part"])]


def write(row: Mapping[str, object]) -> None:
    """Add a row, in the order of parts and numbers; written beside its place and renamed into it."""
    rows = [*rows_of(), {name: str(row.get(name, "")) for name in COLUMNS}]
    rows.sort(key=lambda row: (list(TRIALS).index(row["part"]), int(row["number"])))
    beside = TABLE.with_name("search.csv.new")
    TABLE.parent.mkdir(parents=True, exist_ok=True)
    with beside.open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        table.writeheader()
        table.writerows(rows)
    beside.replace(TABLE)
    print({name: value for name, value in row.items() if not name.endswith("right")}, flush=True)


def right(model: TextClassifier, split: str) -> np.ndarray:
    """Whether each title of a split gets its topic, in the number format of the training."""
    rows = news()[split]
    guesses = model.probabilities(model.read(rows), precision="auto").argmax(axis=1)
    return guesses == np.array(rows["label"])


def measured(model: TextClassifier, recipe: Recipe) -> dict[str, object]:
    """What a row says of a finished training. Test is looked at by this table alone: no choice ever sees it."""
    curve = [row["validation_accuracy"] for row in model.history.epochs]
    found = {"state": "finished", "curve": " ".join(f"{value:.4f}" for value in curve)}
    found |= {name: getattr(recipe, name) for name in (*SPACE, "seed")} | {"kept": model.history.best_epoch}
    found["seconds"] = f"{sum(row['seconds'] for row in model.history.epochs):.1f}"
    for split in ("validation", "test"):
        bits = right(model, split)
        found |= {split: f"{bits.mean():.4f}", f"{split}_right": np.packbits(bits).tobytes().hex()}
    if abs(float(found["validation"]) - curve[model.history.best_epoch - 1]) > 1e-4:
        raise AssertionError("the model is not that of the kept epoch")
    return found


def train(part: str, number: int, recipe: Recipe) -> None:
    splits = {name: news()[name] for name in ("train", "validation")}
    model = fine_tune(DatasetDict(splits), recipe=recipe, show_progress=False, **TUNED)
    write({"part": part, "number": number, **measured(model, recipe)})


def make_default() -> None:
    """The same settings, other seeds."""
    for seed in range(len(rows_of("default")), TRIALS["default"]):
        train("default", seed, DEFAULT.but(seed=seed))


def make_random() -> None:
    for number in range(len(rows_of("random")), TRIALS["random"]):
        train("random", number, DEFAULT.but(**draw_settings(SPACE, np.random.default_rng((0, number)))))


def make_tpe() -> None:
    """What Optuna proposes, with pruning. The search gets no test split; what is measured on it waits in a file."""
    WORK.mkdir(parents=True, exist_ok=True)
    waiting = WORK / "search_tested.jsonl"

    def tuned(dataset, recipe, **options) -> TextClassifier:
        model = fine_tune(dataset, recipe=recipe, **options)
        with waiting.open("a", encoding="utf-8") as file:
            file.write(json.dumps(measured(model, recipe)) + "\n")
        return model

    study = WORK / "search.db"
    found = search(tuned, news(), SPACE, trials=TRIALS["tpe"], study=study, recipe=DEFAULT, **TUNED)
    tested = {}
    for line in waiting.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        tested[tuple(row[name] for name in SPACE)] = row
    for trial in found.trials[len(rows_of("tpe")) :]:
        row = {"state": trial.state, "seed": 0, "curve": " ".join(f"{value:.4f}" for value in trial.curve)}
        if trial.state == "finished":
            row = tested[tuple(trial.settings[name] for name in SPACE)]
        write({"part": "tpe", "number": trial.number, **row, **trial.settings})


def make_chosen() -> None:
    """The settings that the random search chose on validation, with seeds that had no part in the choice."""
    best = max(rows_of("random"), key=lambda row: (float(row["validation"]), -int(row["number"])))
    kinds = {name: type(getattr(DEFAULT, name)) for name in SPACE}
    settings = {name: kind(best[name]) for name, kind in kinds.items()}
    for number in range(len(rows_of("chosen")), TRIALS["chosen"]):
        train("chosen", number, DEFAULT.but(seed=number + 1, **settings))


if __name__ == "__main__":
    torch.set_num_threads(1)
    parts = {"default": make_default, "random": make_random, "tpe": make_tpe, "chosen": make_chosen}
    for part in sys.argv[1:] or parts:
        parts[part]()
