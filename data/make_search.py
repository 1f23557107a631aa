"""Make data/search: what lesson 12 shows and is too long for it to compute. A part is kept once it is there.

python data/make_search.py vectors         # MiniLM reads every passage and article; with titles too; our own BERT
python data/make_search.py contrast 0      # MiniLM trained further by contrast, on other questions; seed 0, 1, 2
python data/make_search.py reranker        # a cross-encoder with LoRA, on other questions, and what it makes of lists
python data/make_search.py finish          # what lies in build/search, gathered
"""

from __future__ import annotations

import csv
import json
import shutil
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
from datasets import ClassLabel, Dataset, DatasetDict, Features, Value

from bertcourse.data.boolq import load_boolq
from bertlib.data.catalog import load
from bertlib.data.encoders import encoder_folder
from bertlib.data.nearest import fuse_scores
from bertlib.tasks import embed, match
from bertlib.tasks.embed import Embedder
from bertlib.text.bm25 import BM25, words_of
from bertlib.train.recipe import RECIPES

HERE, WORK = Path(__file__).parent / "search", Path("build/search")
LIST = 20  # candidates that are read again, of so many questions of each split:
READ_AGAIN = {"validation": 200, "test": 600}
CONTRAST = {"batch_size": 32, "epochs": 1}
# A question, its passage and two wrong ones each; half of the questions, which is what half an hour has room for.
RERANKER = {"method": "lora", "targets": "all", "learning_rate": 1e-3, "batch_size": 16, "epochs": 1}
TRAINED_ON, WRONG, FROM = 4000, 2, 10  # questions; wrong passages of each, drawn among the first so many of MiniLM


@cache
def boolq():
    return load_boolq()


@cache
def minilm() -> Embedder:
    return Embedder.load(encoder_folder("minilm"))


def kept(name: str, make: Callable[[], np.ndarray]) -> np.ndarray:
    """An array of this name from build/search, made if it is not there."""
    path = WORK / f"{name}.npy"
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        print(f"{name} …", flush=True)
        np.save(path, make())
    return np.load(path)


def ranks(scores: np.ndarray, right: np.ndarray) -> np.ndarray:
    """The place, from 1, of each row's right column; of equals the earlier column comes first."""
    own = np.take_along_axis(scores, right[:, None], axis=1)
    before = np.arange(scores.shape[1]) < right[:, None]
    return 1 + (scores > own).sum(axis=1) + ((scores == own) & before).sum(axis=1)


# ------------------------------------------------------------------------------------------------ what is searched


def articles() -> Dataset:
    """BBC News of validation and test: each headline looks for its own article."""
    news = load("bbc_news")
    return Dataset.from_dict({name: [*news["validation"][name], *news["test"][name]] for name in ("title", "text")})


def vectors() -> None:
    read = minilm().predict
    titled = [
        f"{title}: {text}" for title, text in zip(boolq().passages["title"], boolq().passages["text"], strict=True)
    ]
    kept("passages", lambda: read(boolq().passages["text"], show_progress=True))
    kept("articles", lambda: read(articles()["text"], show_progress=True))
    kept("questions", lambda: read(boolq().questions["question"], show_progress=True))
    kept("titled", lambda: read(titled, show_progress=True))
    plain = Embedder.load(encoder_folder("bbc_bert"))
    kept("plain_passages", lambda: plain.predict(boolq().passages["text"], show_progress=True))
    kept("plain_questions", lambda: plain.predict(boolq().questions["question"], show_progress=True))


# ----------------------------------------------------------------------------------------------- trained by contrast


def contrast(seed: int) -> None:
    train = boolq().train
    pairs = Dataset.from_dict({"first": train["question"], "second": train["passage"]})

    def run() -> np.ndarray:
        trained = embed.fine_tune(DatasetDict(train=pairs), **CONTRAST, seed=seed)
        there, asked = trained.predict(boolq().passages["text"]), trained.predict(boolq().questions["question"])
        return (asked @ there.T).astype(np.float16)

    kept(f"contrast-{seed}", run)


# ---------------------------------------------------------------------------------------------------------- reranker


def wrong_pairs() -> DatasetDict:
    """Questions with their own passages, and with two of those that MiniLM finds first and are not theirs."""
    train, rng = boolq().train, np.random.default_rng(0)
    chosen = rng.permutation(len(train))[:TRAINED_ON]
    different = sorted(set(train["passage"]))
    number = {text: place for place, text in enumerate(different)}
    there = kept("train_passages", lambda: minilm().predict(different, show_progress=True))
    asked = minilm().predict([train["question"][int(i)] for i in chosen], show_progress=True)
    answers: dict[str, set[str]] = {}
    for question, passage in zip(train["question"], train["passage"], strict=True):
        answers.setdefault(question, set()).add(passage)
    rows = []
    for i, vector in zip(chosen.tolist(), asked, strict=True):
        question, own = train["question"][i], train["passage"][i]
        scores = there @ vector
        scores[[number[text] for text in answers[question]]] = -1  # right answers are no wrong ones
        nearest = np.argpartition(-scores, FROM)[:FROM]
        rows.append({"first": question, "second": own, "label": 1})
        for place in rng.choice(nearest, WRONG, replace=False).tolist():
            rows.append({"first": question, "second": different[place], "label": 0})
    features = {"first": Value("string"), "second": Value("string"), "label": ClassLabel(names=["other", "answers"])}
    return DatasetDict(train=Dataset.from_list(rows, features=Features(features)))


def lists(split: str) -> tuple[np.ndarray, np.ndarray]:
    """Of the first questions of a split: their numbers, and the LIST passages that MiniLM finds first."""
    chosen = np.flatnonzero(np.array(boolq().questions["split"]) == split)[: READ_AGAIN[split]]
    scores = np.load(WORK / "questions.npy")[chosen] @ np.load(WORK / "passages.npy").T
    return chosen, np.argsort(-scores, axis=1, kind="stable")[:, :LIST]


def reranker() -> None:
    folder = WORK / "reranker"
    if not folder.is_dir():
        match.fine_tune(wrong_pairs(), **RERANKER, max_length=256, checkpoint=folder)
    model = match.PairClassifier.load(folder)
    questions, passages = boolq().questions["question"], boolq().passages["text"]
    for split in READ_AGAIN:
        chosen, found = lists(split)
        pairs = [(questions[int(i)], passages[int(j)]) for i, row in zip(chosen, found, strict=True) for j in row]
        kept(f"reranked-{split}", lambda pairs=pairs: probabilities(model, pairs).reshape(-1, LIST))


def probabilities(model: match.PairClassifier, pairs: list[tuple[str, str]]) -> np.ndarray:
    """Of each pair how likely the passage answers the question."""
    return model.predict_proba(pairs, show_progress=True)[:, 1]
