"""Make data/small: students, pruned models and their rows, of lesson 18. A run is a row, kept once it is there.

python data/make_small.py rows         # majority, TF-IDF, frozen vectors, the teacher (1 min)
python data/make_small.py students 0   # distilled and alone, 3 layers and 2, seed 0, 1, 2 (5 min each)
python data/make_small.py controls 0   # other losses, another start, seed 0 (6 min)
python data/make_small.py pruned       # heads and weights taken out, some trained on (5 min)
python data/make_small.py speed        # forward speed, in turn, threads equal: on a quiet machine (2 min)
python data/make_small.py finish       # what lies in build/small, gathered

Times are those of one thread.
"""

from __future__ import annotations

import csv
import shutil
import sys
import time
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
import torch
from datasets import DatasetDict
from safetensors.numpy import load_file, save_file
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from torch.nn import functional as F

from bertcourse.data.rated import load_rated
from bertlib.data.encoders import encoder_folder
from bertlib.files import data_folder, read_json
from bertlib.metrics import classification_scores
from bertlib.model.adapters import merge
from bertlib.model.encoder import BertModel
from bertlib.model.heads import BertForSequenceClassification, mean_pooling
from bertlib.model.shrink import bytes_by_module, head_importance, keep_layers, prune_heads, prune_magnitude
from bertlib.tasks.classify import TextClassifier
from bertlib.tasks.distil import distil
from bertlib.text.batching import encode_texts, length_buckets, pad_batch
from bertlib.text.tokenizer import load_tokenizer
from bertlib.train.distil import DistilLoss

HERE, WORK = Path(__file__).parent / "small", Path("build/small")
DOMAIN, SIZES = (
    "products",
    {"train": 2000, "validation": 390, "test": 600},
)  # as in lesson 10, whose model is the teacher
COLUMNS = (
    "part",
    "method",
    "layers",
    "seed",
    "accuracy",
    "macro_f1",
    "loss",
    "agrees",
    "validation",
    "updates",
    "bytes",
)
LAYERS = {3: (0, 2, 4), 2: (0, 3)}
SETTINGS = {"learning_rate": 3e-4, "precision": "fp32", "show_progress": False}
TEMPERATURE, ALPHA, EPOCHS = 2.0, 0.9, 3
SHARES = {"heads": (0.25, 0.5, 0.75), "magnitude": (0.3, 0.5, 0.7, 0.9)}


@cache
def domain() -> DatasetDict:
    splits = load_rated(DOMAIN)
    return DatasetDict({split: splits[split].select(range(size)) for split, size in SIZES.items()})


@cache
def unlabelled() -> list[str]:
    """The training sentences that no lesson labels, and, since there are no more reviews, 2,000 tweets.

    On validation tweets helped (0.756 against 0.749 without), copies of the reviews without 15 % of their words did not
    (0.739); half a standard error each.
    """
    return [*load_rated(DOMAIN)["train"]["text"][SIZES["train"] :], *load_rated("tweets")["train"]["text"][:2000]]


@cache
def teacher() -> TextClassifier:
    """The classifier of product reviews that lesson 10 ships, its adapters merged."""
    task = TextClassifier.load(data_folder("sentiment") / DOMAIN)
    merge(task.model)
    return task


# ------------------------------------------------------------------------------------------------------------ rows


def rows_of(path: Path) -> list[dict]:
    return list(csv.DictReader(path.open(encoding="utf-8"))) if path.is_file() else []


def is_there(**what: object) -> bool:
    wanted = {name: str(value) for name, value in what.items()}
    return any(wanted.items() <= row.items() for row in rows_of(WORK / "runs.csv"))


def add_row(probabilities: np.ndarray, name: str, **what: object) -> None:
    """Append one run: its scores on test, how often it agrees with the teacher there; and keep its predictions."""
    WORK.mkdir(parents=True, exist_ok=True)
    test = domain()["test"]
    theirs = teacher().probabilities(test["text"]).argmax(axis=1)
    figures = classification_scores(probabilities, np.array(test["label"]))
    figures["agrees"] = float((probabilities.argmax(axis=1) == theirs).mean())
    save_file({name: np.log(np.maximum(probabilities, 1e-6)).astype(np.float16)}, WORK / f"{name}.safetensors")
    path = WORK / "runs.csv"
    new = not path.is_file()
    with path.open("a", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, restval="", lineterminator="\n")
        if new:
            writer.writeheader()
        writer.writerow({**what, **{key: f"{value:.4f}" for key, value in figures.items()}})
    print(time.strftime("%H:%M:%S"), what, {key: round(value, 4) for key, value in figures.items()}, flush=True)


def vectors_of(texts: Sequence[str]) -> np.ndarray:
    """MiniLM's mean vectors, (N, 384)."""
    folder = encoder_folder("minilm")
    model, tokenizer = (
        BertModel.from_pretrained(folder).eval(),
        load_tokenizer(folder, read_json(folder / "config.json")),
    )
    sequences, rows = encode_texts(tokenizer, texts, teacher().max_length), np.empty((len(texts), 384), np.float32)
    with torch.inference_mode():
        for chosen in length_buckets(list(map(len, sequences)), 64):
            ids, mask = pad_batch([sequences[i] for i in chosen], 0)
            rows[chosen] = mean_pooling(model(ids, mask).last_hidden_state, mask).numpy()
    return rows


def rows() -> None:
    train, test = domain()["train"], domain()["test"]
    words = TfidfVectorizer(sublinear_tf=True, ngram_range=(1, 2))
    counted = make_pipeline(words, LogisticRegression(C=10, max_iter=2000)).fit(train["text"][:], train["label"][:])
    linear = LogisticRegression(C=10, max_iter=5000).fit(vectors_of(train["text"]), train["label"][:])
    share = np.bincount(train["label"], minlength=3) / len(train)
    add_row(np.tile(share, (len(test), 1)), "majority", part="rows", method="majority")
    add_row(counted.predict_proba(test["text"][:]), "tfidf", part="rows", method="tfidf")
    add_row(linear.predict_proba(vectors_of(test["text"])), "frozen", part="rows", method="frozen", layers=6)
    size = sum(bytes_by_module(teacher().model).values())
    add_row(teacher().probabilities(test["text"]), "teacher", part="rows", method="teacher", layers=6, bytes=size)


# -------------------------------------------------------------------------------------------------------- students


class Swapped(DistilLoss):
    """KL(student ‖ teacher)."""

    def sums(self, model, batch):
        logits, wanted = self.both(model, batch)
        soft = F.kl_div(wanted.log_softmax(-1), logits.log_softmax(-1), reduction="sum", log_target=True)
        return {**super().sums(model, batch), "soft": self.alpha * self.temperature**2 * soft}

    def both(self, model, batch):
        """The softened logits of both."""
        inputs = {name: tensor for name, tensor in batch.items() if name != "labels"}
        return model(**inputs).logits / self.temperature, self.wanted(inputs) / self.temperature


class ProbabilitiesForLogs(Swapped):
    """kl_div is given the student's probabilities where it takes logarithms."""

    def sums(self, model, batch):
        logits, wanted = self.both(model, batch)
        soft = F.kl_div(logits.softmax(-1), wanted.softmax(-1), reduction="sum")
        return {**DistilLoss.sums(self, model, batch), "soft": self.alpha * self.temperature**2 * soft}


def start(layers: Sequence[int], of: str) -> TextClassifier:
    """A student: these layers of the teacher ("teacher") or of MiniLM ("minilm"), or as many with random weights."""
    task = teacher()
    if of == "teacher":
        model = task.model
    elif of == "minilm":
        model = BertForSequenceClassification.from_pretrained(encoder_folder("minilm"), labels=task.labels)
    else:
        model = BertForSequenceClassification(task.model.config)
    return TextClassifier(keep_layers(model, layers), task.tokenizer, max_length=task.max_length, text=task.text)


def student(method: str, count: int, seed: int) -> None:
    """Train one student and add its row. All see as many updates of as many texts."""
    if is_there(part="students", method=method, layers=count, seed=seed):
        return
    splits, more = domain(), unlabelled()
    dataset = DatasetDict(train=splits["train"], validation=splits["validation"])
    of = {"alone": "minilm", "alone, half the rate": "minilm", "random start": "random"}.get(method, "teacher")
    kind = {"swapped": Swapped, "probabilities for logs": ProbabilitiesForLogs}.get(method, DistilLoss)
    temperature = 1.0 if method == "T = 1" else TEMPERATURE
    settings = SETTINGS | {"seed": seed, "epochs": EPOCHS}
    if method == "alone, half the rate":
        settings["learning_rate"] /= 2
    if (
        method.startswith("alone") or method == "labels only"
    ):  # labels alone: more passes over fewer texts, the same number of updates
        loss, more = DistilLoss(teacher().model, alpha=0.0), []
        settings["epochs"] = round(EPOCHS * (len(splits["train"]) + len(unlabelled())) / len(splits["train"]))
    else:
        loss = kind(teacher().model, temperature=temperature, alpha=ALPHA)
    torch.manual_seed(seed)
    task = distil(teacher(), dataset, start(LAYERS[count], of), unlabelled=more, loss=loss, **settings)
    what = {"part": "students", "method": method, "layers": count, "seed": seed}
    what["updates"] = len(task.history.updates)
    what["validation"] = f"{max(row['validation_accuracy'] for row in task.history.epochs):.4f}"
    what["bytes"] = sum(bytes_by_module(task.model).values())
    name = f"{method.replace(' ', '_').replace('=', 'is').replace(',', '')}-{count}-{seed}"
    add_row(task.probabilities(splits["test"]["text"]), name, **what)


def students(seed: int) -> None:
    for method, count in (("distilled", 3), ("alone", 3), ("distilled", 2), ("alone", 2)):
        student(method, count, seed)


def controls(seed: int) -> None:
    for method in ("alone, half the rate", "labels only", "T = 1", "swapped", "probabilities for logs", "random start"):
        student(method, 3, seed)


# ---------------------------------------------------------------------------------------------------------- pruned


def least_heads(share: float) -> dict[int, list[int]]:
    """The heads that the loss of 200 training sentences hangs on least; one of each layer stays."""
    task, train = teacher(), domain()["train"].select(range(200))
    examples = task.examples(train)
    found = head_importance(task.model, (examples.batch([row], 0) for row in range(len(examples))))
    return chosen_heads(torch.stack(found), share)


def chosen_heads(scores: torch.Tensor, share: float) -> dict[int, list[int]]:
    scores = scores.clone()
    scores[torch.arange(len(scores)), scores.argmax(dim=1)] = torch.inf
    heads: dict[int, list[int]] = {}
    for place in scores.flatten().argsort()[: round(share * scores.numel())].tolist():
        heads.setdefault(place // scores.size(1), []).append(place % scores.size(1))
    return heads


def pruned() -> None:
    task, splits = teacher(), domain()
    dataset = DatasetDict(train=splits["train"], validation=splits["validation"])
    shape = len(task.model.bert.layers), task.model.config.num_attention_heads
    cases = [("heads", share, 0) for share in SHARES["heads"]]
    cases += [("random heads", share, seed) for share in SHARES["heads"] for seed in range(3)]
    cases += [("magnitude", share, 0) for share in SHARES["magnitude"]]
    cases += [("cut", count, 0) for count in LAYERS]
    for method, share, seed in cases:
        for trained in (False, True):
            name = f"{method}{', trained on' if trained else ''}"
            short = trained and (method in ("magnitude", "heads"))
            if trained != short or is_there(part="pruned", method=f"{name} {share:g}", seed=seed):
                continue
            layers = LAYERS[share] if method == "cut" else range(shape[0])
            small = start(layers, "teacher")
            if method == "magnitude":
                prune_magnitude(small.model, share)
            elif method != "cut":
                scores = torch.rand(shape, generator=torch.Generator().manual_seed(seed))
                heads = least_heads(share) if method == "heads" else chosen_heads(scores, share)
                prune_heads(small.model, heads)
            if trained:  # an epoch on labels, and nothing chosen
                loss = DistilLoss(task.model, alpha=0.0)
                distil(
                    task,
                    {"train": dataset["train"]},
                    small,
                    loss=loss,
                    **SETTINGS | {"epochs": 1, "learning_rate": 1e-4},
                )
            what = {"part": "pruned", "method": f"{name} {share:g}", "layers": len(layers), "seed": seed}
            what["bytes"] = sum(bytes_by_module(small.model).values())
            file = f"pruned-{name}-{share:g}-{seed}".replace(" ", "_").replace(",", "")
            add_row(small.probabilities(splits["test"]["text"]), file, **what)


# ----------------------------------------------------------------------------------------------------------- speed


def speed(rounds: int = 9) -> None:
    """How many times as fast as the teacher each is on the test sentences; in turn, with the same threads each."""
    zeros, heads = start(range(6), "teacher"), start(range(6), "teacher")
    prune_magnitude(zeros.model, 0.9)
    prune_heads(heads.model, least_heads(0.5))
    sides = {"teacher": teacher(), "3 layers": start(LAYERS[3], "teacher"), "2 layers": start(LAYERS[2], "teacher")}
    sides |= {"half of the heads": heads, "nine tenths zeros": zeros}
    examples = teacher().encode(domain()["test"]["text"][:])
    WORK.mkdir(parents=True, exist_ok=True)
    lines = ["threads,model,round,texts_per_second,ratio"]
    for threads in (1, 2):
        torch.set_num_threads(threads)
        for number in range(rounds + 1):
            seconds = {}
            for name in sides if number % 2 else reversed(sides):
                began = time.perf_counter()
                for _ in sides[name].logits(examples):
                    pass
                seconds[name] = time.perf_counter() - began
            if number:  # the first round warms up
                for name, spent in seconds.items():
                    speed, ratio = len(examples) / spent, seconds["teacher"] / spent
                    lines.append(f"{threads},{name},{number},{speed:.0f},{ratio:.3f}")
        for name in sides:
            ratios = [float(line.split(",")[4]) for line in lines[1:] if line.startswith(f"{threads},{name},")]
            print(
                f"{threads} threads, {name}: {np.median(ratios):.2f} ({min(ratios):.2f}–{max(ratios):.2f})", flush=True
            )
    (WORK / "speed.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")


def finish() -> None:
    """Gather what was made into data/small."""
    HERE.mkdir(exist_ok=True)
    header, *lines = (WORK / "runs.csv").read_text(encoding="utf-8").splitlines()
    (HERE / "runs.csv").write_text("\n".join([header, *sorted(lines)]) + "\n", encoding="utf-8")
    if (WORK / "speed.csv").is_file():
        shutil.copy(WORK / "speed.csv", HERE / "speed.csv")
    kept = [load_file(path) for path in sorted(WORK.glob("*.safetensors"))]
    save_file({name: logs for one in kept for name, logs in one.items()}, HERE / "predictions.safetensors")
    print(f"{sum(path.stat().st_size for path in HERE.rglob('*') if path.is_file()) / 1e6:.2f} MB in {HERE}")


if __name__ == "__main__":
    part, *number = sys.argv[1:]
    if part != "speed":
        torch.set_num_threads(1)  # the same figures however many cores there are
    parts = {
        "rows": rows,
        "students": students,
        "controls": controls,
        "pruned": pruned,
        "speed": speed,
        "finish": finish,
    }
    parts[part](*map(int, number))
