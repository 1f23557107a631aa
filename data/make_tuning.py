"""Make data/tuning: the table of lesson 17. A run is a row, kept once it is there; a kill costs the row in work.

OMP_NUM_THREADS=1 python data/make_tuning.py rows      # majority, TF-IDF, MiniLM's mean vectors: five draws (1 min)
OMP_NUM_THREADS=1 python data/make_tuning.py tuned     # seven methods: six trials, five draws; five seeds (40 min)
OMP_NUM_THREADS=1 python data/make_tuning.py costs     # step time in turn, weights, bytes, memory; on a quiet machine
"""

from __future__ import annotations

import csv
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import numpy as np
import torch
from datasets import Dataset, DatasetDict
from safetensors.numpy import load_file, save_file
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from bertcourse.data.rated import load_rated
from bertlib.data.catalog import load
from bertlib.data.encoders import encoder_folder, suited_learning_rate
from bertlib.data.splits import few_labels
from bertlib.metrics import classification_scores
from bertlib.model.adapters import from_recipe, put_on
from bertlib.model.heads import BertForEmbedding, BertForSequenceClassification
from bertlib.model.weights import read_model
from bertlib.tasks.classify import TextClassifier, fine_tune
from bertlib.tasks.embed import Embedder
from bertlib.text.tokenizer import load_tokenizer
from bertlib.train.optimizer import make_optimizer
from bertlib.train.recipe import RECIPES

HERE = Path(__file__).parent / "tuning"
DATA = {"news": "title", "sentiment": "text"}  # the column that is read: BBC's titles; product reviews' sentences
BUDGET, LENGTH = 128, 32
METHODS = ("full", "last", "bitfit", "adapters", "prefix", "lora", "frozen")
TRIALS, DRAWS = 6, 5
# As many updates for each method of a task: 60 of 32 titles, 96 of 16 sentences.
EPOCHS, BATCH = {"news": 3, "sentiment": 4}, {"news": 32, "sentiment": 16}
VALIDATION = {"news": 207, "sentiment": 200}
COMMON = {"max_length": LENGTH, "precision": "fp32", "show_progress": False}
# What a trial draws beside the rate, from the sizes that the papers use, cut to MiniLM's width.
SPACE: dict[str, dict[str, tuple]] = {
    "last": {"top_layers": (1, 2, 3)},
    "adapters": {"rank": (8, 16, 32)},
    "prefix": {"prefix_length": (4, 8, 16)},
    "lora": {"rank": (4, 8, 16), "targets": ("attention", "all")},
}
COLUMNS = ("part", "task", "method", "number", "settings", "labels", "validation", "accuracy", "macro_f1", "seconds")


@cache
def splits(task: str) -> DatasetDict:
    """The pool that labels are drawn from, the texts that choose among trials, and those that are tested."""
    found = load("bbc_news") if task == "news" else load_rated("products")
    return DatasetDict(found | {"validation": found["validation"].select(range(VALIDATION[task]))})


def drawn(task: str, draw: int) -> Dataset:
    """The labels of one draw, 128 of each class; draw 0 is what the trials learn from."""
    return few_labels(splits(task)["train"], BUDGET, np.random.default_rng((draw, BUDGET)))


# ------------------------------------------------------------------------------------------------------------ rows


def rows_of(name: str = "runs.csv") -> list[dict]:
    path = HERE / name
    return list(csv.DictReader(path.open(encoding="utf-8"))) if path.is_file() else []


def is_there(name: str = "runs.csv", **what: object) -> bool:
    wanted = {column: str(value) for column, value in what.items()}
    return any(wanted.items() <= row.items() for row in rows_of(name))


def add_row(name: str, columns: tuple[str, ...], row: Mapping[str, object]) -> None:
    path = HERE / name
    HERE.mkdir(exist_ok=True)
    new = not path.is_file()
    with path.open("a", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        if new:
            writer.writeheader()
        writer.writerow(row)
    print(row, flush=True)


def keep(probabilities: np.ndarray, name: str) -> None:
    """Keep test predictions, as logarithms in float16, for paired tests."""
    path = HERE / "predictions.safetensors"
    kept = load_file(path) if path.is_file() else {}
    save_file(dict(sorted({**kept, name: np.log(np.maximum(probabilities, 1e-6)).astype(np.float16)}.items())), path)


def scored(task: str, validation: np.ndarray, test: np.ndarray, **what: object) -> None:
    """Add a run's row: accuracy on validation, accuracy and macro-F1 on test."""
    found = splits(task)
    chosen = classification_scores(validation, np.array(found["validation"]["label"]))
    told = classification_scores(test, np.array(found["test"]["label"]))
    figures = {"validation": chosen["accuracy"], "accuracy": told["accuracy"], "macro_f1": told["macro_f1"]}
    keep(test, "-".join(str(what[name]) for name in ("part", "method", "number")) + f"-{task}")
    add_row("runs.csv", COLUMNS, {"task": task, **what, **{name: f"{value:.4f}" for name, value in figures.items()}})


# ------------------------------------------------------------------------------------------------- the rows before


def tfidf() -> object:
    words = TfidfVectorizer(sublinear_tf=True, ngram_range=(1, 2))
    return make_pipeline(words, LogisticRegression(C=10, max_iter=2000))


@cache
def minilm() -> Embedder:
    stored = read_model(encoder_folder("minilm"))
    return Embedder(BertForEmbedding.from_pretrained(stored), load_tokenizer(stored.folder, stored.values), LENGTH)


def baselines(task: str, draw: int) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """By method the probabilities on validation and test, learned from the labels of a draw."""
    train, found, column = drawn(task, draw), splits(task), DATA[task]
    sides = [list(found[side][column]) for side in ("validation", "test")]
    share = np.bincount(splits(task)["train"]["label"]) / len(splits(task)["train"])  # of the pool: the draw is even
    counted = tfidf().fit(list(train[column]), train["label"])
    linear = LogisticRegression(C=10, max_iter=5000).fit(minilm().predict(list(train[column])), train["label"])
    return {
        "majority": tuple(np.tile(share, (len(side), 1)) for side in sides),
        "tfidf": tuple(counted.predict_proba(side) for side in sides),
        "mean vectors": tuple(linear.predict_proba(minilm().predict(side)) for side in sides),
    }


def rows() -> None:
    for task in DATA:
        for draw in range(1, DRAWS + 1):
            if is_there(part="draw", task=task, method="mean vectors", number=draw):
                continue
            start = time.perf_counter()
            for method, tables in baselines(task, draw).items():
                what = {"part": "draw", "method": method, "number": draw, "settings": "{}"}
                what |= {"labels": 0 if method == "majority" else len(drawn(task, draw))}
                scored(task, *tables, **what, seconds=f"{time.perf_counter() - start:.1f}")


# ------------------------------------------------------------------------------------------------- seven methods


def trial(method: str, number: int) -> dict[str, object]:
    """The settings of a trial: the rate within a factor of 4 of the method's own, and its size, drawn at random.

    Trial 0 is the defaults. The rate's factor is the same number for each method.
    """
    rng = np.random.default_rng((number, 17))
    factor = 4 ** rng.uniform(-1, 1) if number else 1.0
    drawn_sizes = {name: choices[rng.integers(len(choices))] for name, choices in SPACE.get(method, {}).items()}
    rate = float(f"{factor * suited_learning_rate('minilm', method):.2g}")
    return {"learning_rate": rate, **(drawn_sizes if number else {})}


def run(part: str, task: str, method: str, number: int, settings: dict, train: Dataset, seed: int) -> None:
    what = {"part": part, "task": task, "method": method, "number": number}
    if is_there(**what):
        return
    start = time.perf_counter()
    given = COMMON | {
        "epochs": EPOCHS[task],
        "batch_size": BATCH[task],
        "text": DATA[task],
        "method": method,
        "seed": seed,
    }
    model = fine_tune(DatasetDict(train=train), **given | settings)
    seconds, found = time.perf_counter() - start, splits(task)
    tables = [model.probabilities_of(model.examples(found[side])) for side in ("validation", "test")]
    told = {"settings": json.dumps(settings), "labels": len(train), "seconds": f"{seconds:.1f}"}
    scored(task, *tables, **{name: what[name] for name in ("part", "method", "number")}, **told)


def chosen(task: str, method: str) -> dict:
    """The settings of the trial that is best on validation; of equal ones the first."""
    trials = [row for row in rows_of() if (row["part"], row["task"], row["method"]) == ("trial", task, method)]
    best = max(sorted(trials, key=lambda row: int(row["number"])), key=lambda row: float(row["validation"]))
    return json.loads(best["settings"])


def tuned(*tasks: str) -> None:
    for task in tasks or DATA:
        for method in METHODS:
            for number in range(TRIALS):
                run("trial", task, method, number, trial(method, number), drawn(task, 0), seed=0)
            for draw in range(1, DRAWS + 1):  # other labels than those of the trials
                run("draw", task, method, draw, chosen(task, method), drawn(task, draw), seed=draw)
        for seed in range(DRAWS):
            run("seed", task, "full", seed, chosen(task, "full"), drawn(task, 1), seed=100 + seed)


# ------------------------------------------------------------------------------------------------- what each costs

COSTS = ("task", "method", "settings", "trained", "stored", "step_ms", "caching_s", "run_s")
COSTS += ("weights_mb", "gradients_mb", "moments_mb", "activations_mb", "cache_mb")


class Prepared:
    """A model with its method's chosen settings before the first step, and the batches of an epoch."""

    def __init__(self, task: str, method: str):
        torch.manual_seed(0)
        settings = chosen(task, method) | {"method": method, "batch_size": BATCH[task], "epochs": EPOCHS[task]}
        self.recipe, train = RECIPES["classify"].but(**settings), drawn(task, 1)
        stored = read_model(encoder_folder("minilm"))
        names = TextClassifier.names_of(train)
        self.model = BertForSequenceClassification.from_pretrained(stored, labels=names)
        if method != "full":
            put_on(self.model, from_recipe(self.recipe, "minilm"))
        tokenizer = load_tokenizer(stored.folder, stored.values)
        self.task = TextClassifier(self.model, tokenizer, LENGTH, text=(DATA[task],))
        self.batches = self.task.shuffled(self.task.examples(train), self.recipe)(0)
        self.optimizer = make_optimizer(self.model.train(), self.recipe)

    def step(self, number: int) -> float:
        """One update; gives its seconds on the processor, of one thread."""
        start = time.process_time()
        self.optimizer.zero_grad(set_to_none=True)
        self.model(**self.batches[number % len(self.batches)]).loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()
        return time.process_time() - start

    def stored(self) -> int:
        """Bytes of the folder that is kept for the task."""
        with tempfile.TemporaryDirectory() as folder:
            self.task.save(folder)
            return sum(path.stat().st_size for path in Path(folder).iterdir())

    def memory(self) -> dict[str, int]:
        """Bytes of an update, counted: no measure of the process, so the same on every machine.

        activations: what the backward pass of the epoch's longest batch keeps, each storage once, weights not.
        """
        known = {p.untyped_storage().data_ptr() for p in self.model.parameters()}
        kept = {}

        def pack(tensor: torch.Tensor) -> torch.Tensor:
            storage = tensor.untyped_storage()
            if storage.data_ptr() not in known:
                kept[storage.data_ptr()] = (storage.nbytes(), tensor)  # held, so that no address comes twice
            return tensor

        longest = max(self.batches, key=lambda batch: batch["input_ids"].numel())
        with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
            self.model(**longest).loss.backward()
        learned = sum(p.nbytes for p in self.model.parameters() if p.requires_grad)
        cache = self.model.bert.frozen
        copied = 0 if cache is None else sum(p.nbytes for p in cache._lower.parameters())
        states = 0 if cache is None else sum(state.nbytes for state in cache._made.values())
        weights = sum(p.nbytes for p in self.model.parameters())
        activations = sum(size for size, _ in kept.values())
        found = {"weights": weights + copied, "gradients": learned, "moments": 2 * learned}
        return found | {"activations": activations, "cache": states}


def costs() -> None:
    """Steps in turn, method by method on the same batch, so that a busy machine is busy for all; the median of them."""
    for task in DATA:
        if is_there("costs.csv", task=task):
            continue
        all_of = {method: Prepared(task, method) for method in METHODS}
        steps = len(all_of["full"].batches)
        first = {method: [one.step(number) for number in range(steps)] for method, one in all_of.items()}
        taken = {method: [] for method in METHODS}
        for number in range(steps):
            for method, one in all_of.items():
                taken[method].append(one.step(number))
        for method, one in all_of.items():
            step = statistics.median(taken[method])
            caching = max(0.0, sum(first[method]) - sum(taken[method])) if method in ("last", "frozen") else 0.0
            learned = sum(p.numel() for p in one.model.parameters() if p.requires_grad)
            row = {"task": task, "method": method, "settings": json.dumps(chosen(task, method)), "trained": learned}
            row |= {"stored": one.stored(), "step_ms": f"{1000 * step:.1f}", "caching_s": f"{caching:.2f}"}
            row |= {"run_s": f"{EPOCHS[task] * steps * step + caching:.2f}"}
            row |= {f"{name}_mb": f"{size / 1e6:.2f}" for name, size in one.memory().items()}
            add_row("costs.csv", COSTS, row)


if __name__ == "__main__":
    torch.set_num_threads(1)
    {"rows": rows, "tuned": tuned, "costs": costs}[sys.argv[1]](*sys.argv[2:])
