"""Make data/monitor: what lesson 14 shows and is too long for it to compute. A run is kept once it is there.

python data/make_monitor.py rows     # majority, lexicon, TF-IDF, frozen vectors: sentiment and topic (1 min)
python data/make_monitor.py lora 0   # fine-tuned by LoRA, seed 0, 1, 2; the folder is that of seed 0 (4 min each)
python data/make_monitor.py cross    # tone and topic of every headline, by models that did not learn from it (5 min)
python data/make_monitor.py finish   # what lies in build/monitor, gathered

Learned from: "raters", 2,000 sentences of editorials that twenty people each rated (lesson 10); "ours", the labelled
headlines of January to April; "both". May chooses epochs and weights, June and July are what is measured.
"""

from __future__ import annotations

import csv
import json
import shutil
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
import torch
from datasets import ClassLabel, Dataset, DatasetDict, Features, Value
from safetensors.numpy import load_file, save_file
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from bertcourse.data.guardian import SENTIMENTS, TOPICS, load_guardian, load_stream, read_labels
from bertcourse.data.rated import lexicon_score, load_rated, read_lexicon
from bertlib.data.encoders import encoder_folder
from bertlib.data.splits import content_key
from bertlib.metrics import classification_scores
from bertlib.tasks.classify import TextClassifier, fine_tune
from bertlib.tasks.embed import Embedder

HERE, WORK = Path(__file__).parent / "monitor", Path("build/monitor")
COLUMNS = ("what", "method", "trained_on", "draw", "split", "accuracy", "macro_f1")
RATED = 2000  # sentences of editorials
# At 2e-3 in every layer nothing was learned but the commonest class; tried on validation: 5e-4 in every layer (6 and 12
# passes: macro-F1 0.53, 0.57), 5e-4 and 1e-3 beside query and value (10, 6 and 12 passes: 0.55, 0.52, 0.67).
LORA = {"method": "lora", "learning_rate": 1e-3, "max_length": 64, "show_progress": False}
PASSES = {"raters": {"epochs": 4}, "both": {"epochs": 5}, "ours": {"epochs": 12, "batch_size": 16}}
FOLDS = 5
NAMES = {"sentiment": SENTIMENTS, "topic": TOPICS}


def as_split(texts: Sequence[str], labels: Sequence[int], what: str) -> Dataset:
    features = Features({"text": Value("string"), "label": ClassLabel(names=list(NAMES[what]))})
    return Dataset.from_dict({"text": list(texts), "label": list(labels)}, features=features)


@cache
def learned_from(source: str, what: str = "sentiment") -> tuple[list[str], list[int]]:
    """Texts and labels."""
    texts, labels = [], []
    if source != "ours":
        rated = load_rated("editorials")["train"].select(range(RATED))
        texts, labels = list(rated["text"]), list(rated["label"])
    if source != "raters":
        own = load_guardian(what)["train"]
        texts, labels = texts + list(own["text"]), labels + list(own["label"])
    return texts, labels


# ------------------------------------------------------------------------------------------------------------ rows


def rows_of(path: Path) -> list[dict]:
    return list(csv.DictReader(path.open(encoding="utf-8"))) if path.is_file() else []


def is_there(**what: object) -> bool:
    wanted = {name: str(value) for name, value in what.items()}
    return any(wanted.items() <= row.items() for row in rows_of(WORK / "runs.csv"))


def add(table: np.ndarray, split: str, **run: object) -> None:
    """Append a run's scores on a split, and keep its probabilities."""
    labels = np.array(load_guardian(run["what"])[split]["label"])
    scores = classification_scores(table, labels)
    WORK.mkdir(parents=True, exist_ok=True)
    name = "-".join(str(run[key]) for key in ("what", "method", "trained_on", "draw"))
    save_file({f"{name}-{split}": table.astype(np.float16)}, WORK / f"{name}-{split}.safetensors")
    path = WORK / "runs.csv"
    new = not path.is_file()
    with path.open("a", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        if new:
            writer.writeheader()
        figures = {name: f"{scores[name]:.4f}" for name in ("accuracy", "macro_f1")}
        writer.writerow({**run, "split": split, **figures})
    print(run, split, figures, flush=True)


# --------------------------------------------------------------------------------------------------------- methods


def lexicon_table(texts: Sequence[str]) -> np.ndarray:
    """The class by the sign of `lexicon_score`: probability 0.8 for it, 0.1 for the two others."""
    lexicon = read_lexicon()
    label = 1 + np.sign([lexicon_score(text, lexicon) for text in texts]).astype(int)
    return np.where(np.arange(3) == label[:, None], 0.8, 0.1)


def tfidf(weights: str | None) -> object:
    words = TfidfVectorizer(sublinear_tf=True, ngram_range=(1, 2))
    return make_pipeline(words, LogisticRegression(C=10, max_iter=2000, class_weight=weights))


def linear(weights: str | None) -> LogisticRegression:
    return LogisticRegression(C=10, max_iter=5000, class_weight=weights)


@cache
def vectors_of(texts: tuple[str, ...]) -> np.ndarray:
    embedder = Embedder.load(encoder_folder("minilm"))
    embedder.max_length = LORA["max_length"]
    return embedder.predict(list(texts), show_progress=False)


def weighted(make, texts, labels, others: dict, what: str) -> dict[str, np.ndarray]:
    """Probabilities on each split, classes weighted or not: what has the better macro-F1 on validation."""
    right, best = np.array(load_guardian(what)["validation"]["label"]), None
    for weights in (None, "balanced"):
        model = make(weights).fit(texts, labels)
        tables = {split: spread(model, part, len(NAMES[what])) for split, part in others.items()}
        score = classification_scores(tables["validation"], right)["macro_f1"]
        print(" ", what, weights, f"{score:.3f}")
        if best is None or score > best[0]:
            best = score, tables
    return best[1]


def spread(model, texts, classes: int) -> np.ndarray:
    """A column for each class, also for one that was never seen."""
    table = np.zeros((len(texts), classes))
    table[:, model.classes_] = model.predict_proba(texts)
    return table


def rows() -> None:
    for what, sources in (("sentiment", ("raters", "ours", "both")), ("topic", ("ours",))):
        splits = {split: part["text"][:] for split, part in load_guardian(what).items() if split != "train"}
        vectors = {split: vectors_of(tuple(texts)) for split, texts in splits.items()}
        for source in sources:
            texts, labels = learned_from(source, what)
            share = np.bincount(labels, minlength=len(NAMES[what])) / len(labels)
            found = {"majority": {split: np.tile(share, (len(part), 1)) for split, part in splits.items()}}
            if what == "sentiment":
                found["lexicon"] = {split: lexicon_table(part) for split, part in splits.items()}
            found["tfidf"] = weighted(tfidf, texts, labels, splits, what)
            found["frozen"] = weighted(linear, vectors_of(tuple(texts)), labels, vectors, what)
            for method, tables in found.items():
                run = {"what": what, "method": method, "trained_on": source, "draw": 0}
                for split in () if is_there(**run) else splits:
                    add(tables[split], split, **run)


def lora(seed: int) -> None:
    for what, source in (("sentiment", "ours"), ("sentiment", "both"), ("topic", "ours"), ("sentiment", "raters")):
        run = {"what": what, "method": "lora", "trained_on": source, "draw": seed}
        if is_there(**run, split="test"):
            continue
        splits = load_guardian(what)
        train = as_split(*learned_from(source, what), what)
        # Whoever has the raters' sentences alone has their validation alone.
        own = load_rated("editorials")["validation"].select(range(390)) if source == "raters" else splits["validation"]
        data = DatasetDict(train=train, validation=as_split(own["text"], own["label"], what))
        model = fine_tune(data, seed=seed, **LORA, **PASSES[source])
        if (what, seed) == ("sentiment", 0):
            model.save(WORK / source)
        for split in ("validation", "test"):  # test last: that row says all are there
            add(model.probabilities(splits[split]["text"][:]), split, **run)


def fold_of(headline: str) -> int:
    return content_key("fold", headline)[0] % FOLDS


def learned_of(fold: int, folds: np.ndarray) -> np.ndarray:
    """Which labelled headlines, each in a fold, the model may learn from that scores this fold."""
    return folds != fold


def cross() -> None:
    """Tone (P(positive) − P(negative)) and topic of every headline of the stream.

    The headlines are dealt out to five folds by their content. Those of a fold are scored by a model that learned from
    labels of the four others, of all months; topics by logistic regression on frozen vectors, in the same way.
    "tone_raters" is by the model that learned from the raters alone: it has seen no headline at all.
    """
    rows, labelled = load_stream(), read_labels()
    headlines = [row["headline"] for row in rows]
    folds = np.array([fold_of(headline) for headline in headlines])
    vectors = vectors_of(tuple(headlines))
    place = {row["id"]: number for number, row in enumerate(rows)}
    labelled = [row for row in labelled if row["id"] in place]
    where = np.array([place[row["id"]] for row in labelled])
    for fold in range(FOLDS):
        path = WORK / f"cross-{fold}.json"
        if path.is_file():
            continue
        known, asked = learned_of(fold, folds[where]), np.flatnonzero(folds == fold)
        texts = [row["headline"] for row, there in zip(labelled, known, strict=True) if there]
        labels = {
            what: [NAMES[what].index(row[what]) for row, there in zip(labelled, known, strict=True) if there]
            for what in NAMES
        }
        topics = linear("balanced").fit(vectors[where[known]], labels["topic"]).predict(vectors[asked])
        settings = LORA | PASSES["ours"] | {"epochs": 9}  # no split is left to choose an epoch by
        model = fine_tune(DatasetDict(train=as_split(texts, labels["sentiment"], "sentiment")), seed=fold, **settings)
        table = model.probabilities([headlines[number] for number in asked])
        found = {
            rows[number]["id"]: [TOPICS[topic], round(float(row[2] - row[0]), 4)]
            for number, topic, row in zip(asked.tolist(), topics, table, strict=True)
        }
        path.write_text(json.dumps(found), encoding="utf-8")
        print("fold", fold, len(texts), "labels", len(found), "headlines", flush=True)


def finish() -> None:
    """Gather what was made into data/monitor."""
    HERE.mkdir(exist_ok=True)
    for old in (HERE / "sentiment", HERE / "predictions.safetensors"):
        shutil.rmtree(old, ignore_errors=True) if old.is_dir() else old.unlink(missing_ok=True)
    chosen = max(
        (row for row in rows_of(WORK / "runs.csv") if row["method"] == "lora" and row["what"] == "sentiment"
         and row["split"] == "validation" and row["draw"] == "0"),
        key=lambda row: float(row["macro_f1"]),
    )["trained_on"]  # fmt: skip
    print("the folder is of", chosen)
    shutil.copytree(WORK / chosen, HERE / "sentiment")
    header, *lines = (WORK / "runs.csv").read_text(encoding="utf-8").splitlines()
    (HERE / "runs.csv").write_text("\n".join([header, *sorted(lines)]) + "\n", encoding="utf-8")
    kept = [load_file(path) for path in sorted(WORK.glob("*-*.safetensors"))]
    save_file({name: table for one in kept for name, table in one.items()}, HERE / "predictions.safetensors")
    own = {}
    for fold in range(FOLDS):
        own |= json.loads((WORK / f"cross-{fold}.json").read_text(encoding="utf-8"))
    stream = load_stream()
    table = TextClassifier.load(WORK / "raters").probabilities([row["headline"] for row in stream])
    with (HERE / "scores.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["id", "topic", "tone", "tone_raters"])
        for row, (bad, _, good) in zip(stream, table.tolist(), strict=True):
            topic, tone = own[row["id"]]
            writer.writerow([row["id"], topic, f"{tone:.3f}", f"{good - bad:.3f}"])
    # The command's topics: learned from all months but June and July.
    splits = load_guardian("topic")
    texts, labels = [*splits["train"]["text"], *splits["validation"]["text"]], [
        *splits["train"]["label"], *splits["validation"]["label"],
    ]  # fmt: skip
    model = linear("balanced").fit(vectors_of(tuple(texts)), labels)
    weights = {"weight": model.coef_.astype(np.float32), "bias": model.intercept_.astype(np.float32)}
    save_file({name: np.ascontiguousarray(value) for name, value in weights.items()}, HERE / "topics.safetensors")
    print(f"{sum(path.stat().st_size for path in HERE.rglob('*') if path.is_file()) / 1e6:.2f} MB in {HERE}")


if __name__ == "__main__":
    torch.manual_seed(0)
    part, *number = sys.argv[1:]
    {"rows": rows, "lora": lora, "cross": cross, "finish": finish}[part](*map(int, number))
