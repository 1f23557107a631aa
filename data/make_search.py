"""Make data/search: what lesson 12 shows and is too long for it to compute. A part is kept once it is there.

python data/make_search.py vectors         # MiniLM reads every passage and article; with titles too; our own BERT
python data/make_search.py contrast 0      # MiniLM trained further by contrast, on other questions; seed 0, 1, 2
python data/make_search.py reranker        # a cross-encoder with LoRA, on other questions, and what it makes of lists
python data/make_search.py finish          # what lies in build/search, gathered
"""

from __future__ import annotations

import csv
import shutil
import sys
from collections.abc import Callable
from functools import cache
from itertools import product
from pathlib import Path

import numpy as np
from datasets import ClassLabel, Dataset, DatasetDict, Features, Value, concatenate_datasets
from safetensors.numpy import load_file, save_file

from bertcourse.bm25 import BM25, search_words
from bertcourse.data.boolq import load_pairs, load_passages, load_questions
from bertlib.data.catalog import load
from bertlib.data.encoders import encoder_folder
from bertlib.data.splits import content_key
from bertlib.tasks import embed, match
from bertlib.tasks.embed import Embedder

HERE, WORK = Path(__file__).parent / "search", Path("build/search")
LISTS, LIST = ("words", "meaning"), 20  # candidates that are read again, of so many questions of each split:
READ_AGAIN = {"validation": 200, "test": 600}
CONTRAST = {"batch_size": 32, "epochs": 1}
RERANKER = {"method": "lora", "targets": "all", "learning_rate": 1e-3, "batch_size": 16, "epochs": 1}
# Of each: questions whose passages are mined for wrong ones, and how many of them train.
POOLS = {"contrast": (3000, 1600), "reranker": (4000, 4000)}
WRONG, FROM = 2, 10  # wrong passages of a question, drawn among the first so many that MiniLM finds


@cache
def questions() -> Dataset:
    """Those of validation, then those of test."""
    return concatenate_datasets(list(load_questions().values()))


@cache
def passages() -> Dataset:
    return load_passages()


@cache
def minilm() -> Embedder:
    return Embedder.load(encoder_folder("minilm"))


def kept(name: str, make: Callable[[], np.ndarray]) -> np.ndarray:
    """An array of this name from build/search, made if it is not there."""
    path = WORK / f"{name}.safetensors"
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        print(f"{name} …", flush=True)
        save_file({"rows": np.ascontiguousarray(make())}, path)
    return stored(name)


def stored(name: str) -> np.ndarray:
    return load_file(WORK / f"{name}.safetensors")["rows"]


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
    titled = [f"{title}: {text}" for title, text in zip(passages()["title"], passages()["passage"], strict=True)]
    kept("passages", lambda: read(passages()["passage"], show_progress=True))
    kept("articles", lambda: read(articles()["text"], show_progress=True))
    kept("questions", lambda: read(questions()["question"], show_progress=True))
    kept("titled", lambda: read(titled, show_progress=True))
    plain = Embedder.load(encoder_folder("bbc_bert"))
    kept("plain_passages", lambda: plain.predict(passages()["passage"], show_progress=True))
    kept("plain_questions", lambda: plain.predict(questions()["question"], show_progress=True))


# ------------------------------------------------------------------------------------------------ what is trained


def mined(use: str) -> list[tuple[str, str, list[str]]]:
    """Questions that are not searched for, each with its passage, and with those that MiniLM finds first beside it."""
    train, (size, count) = load_pairs(), POOLS[use]
    texts = train["question"][:]
    chosen = sorted(range(len(train)), key=lambda row: content_key("search", texts[row]))[:size]
    pool = train.select(chosen)
    different = list(dict.fromkeys(pool["passage"]))
    answers: dict[str, set[str]] = {}
    for question, passage in zip(train["question"], train["passage"], strict=True):
        answers.setdefault(question, set()).add(passage)
    there = kept(f"pool_passages_{use}", lambda: minilm().predict(different, show_progress=True))
    asked = kept(f"pool_questions_{use}", lambda: minilm().predict(pool["question"][:count], show_progress=True))
    rows = []
    for question, own, vector in zip(pool["question"], pool["passage"], asked, strict=False):
        order = np.argsort(-(there @ vector), kind="stable")[: 2 * FROM]
        wrong = [different[place] for place in order if different[place] not in answers[question]]  # no right answers
        rows.append((question, own, wrong[:FROM]))
    return rows


def contrast(seed: int) -> None:
    """Each question nearer to its passage than to those of its batch, and to one that is hard to tell."""
    rng = np.random.default_rng(seed)
    rows = [{"first": asked, "second": own, "wrong": rng.choice(wrong)} for asked, own, wrong in mined("contrast")]

    def run() -> np.ndarray:
        train = DatasetDict(train=Dataset.from_list(rows))
        trained = embed.fine_tune(train, columns=("first", "second", "wrong"), **CONTRAST, seed=seed)
        there = trained.predict(passages()["passage"], show_progress=True)
        asked = trained.predict(questions()["question"], show_progress=True)
        return (asked @ there.T).astype(np.float16)

    kept(f"contrast-{seed}", run)


def reranker() -> None:
    """A classifier of pairs: does this passage answer this question? Then it reads the lists of BM25 and MiniLM."""
    folder, rng = WORK / "reranker", np.random.default_rng(0)
    if not folder.is_dir():
        rows = []
        for asked, own, wrong in mined("reranker"):
            rows.append({"first": asked, "second": own, "label": 1})
            rows += [{"first": asked, "second": text, "label": 0} for text in rng.choice(wrong, WRONG, replace=False)]
        columns = {"first": Value("string"), "second": Value("string")}
        columns["label"] = ClassLabel(names=["another", "answers"])
        train = DatasetDict(train=Dataset.from_list(rows, features=Features(columns)))
        match.fine_tune(train, **RERANKER, max_length=256).save(folder)
    model = match.PairClassifier.load(folder)
    asked, there = questions()["question"], passages()["passage"]
    for by, split in product(LISTS, READ_AGAIN):
        chosen, found = lists(by, split)
        pairs = [(asked[i], there[j]) for i, row in zip(chosen, found, strict=True) for j in row]

        def read(pairs=pairs) -> np.ndarray:
            return model.probabilities_of(model.encode(pairs), show_progress=True)[:, 1].reshape(-1, LIST)

        kept(f"reranked-{by}-{split}", read)


def lists(by: str, split: str) -> tuple[np.ndarray, np.ndarray]:
    """Of the first questions of a split: their numbers, and the LIST passages that BM25 or MiniLM finds first."""
    first = 0 if split == "validation" else load_questions()["validation"].num_rows
    chosen = np.arange(first, first + READ_AGAIN[split])
    if by == "meaning":
        scores = stored("questions")[chosen] @ stored("passages").T
    else:
        index = BM25([search_words(text) for text in passages()["passage"]])
        scores = np.array([index.scores(search_words(questions()["question"][int(i)])) for i in chosen])
    return chosen, np.argsort(-scores, axis=1, kind="stable")[:, :LIST]


def finish() -> None:
    """Vectors in half precision, ranks of each question that no lesson has time to compute, the lists read again."""
    HERE.mkdir(exist_ok=True)
    searched = [stored(f"{name}") for name in ("passages", "articles")]
    save_file({"vectors": np.concatenate(searched).astype(np.float16)}, HERE / "vectors.safetensors")
    right, asked = np.array(questions()["number"]), stored("questions")
    ways = {
        "titled": asked @ stored("titled").T,
        "plain": stored("plain_questions") @ stored("plain_passages").T,
    }
    ways |= {path.stem: stored(path.stem) for path in sorted(WORK.glob("contrast-*.safetensors"))}
    columns = [ranks(scores, right) for scores in ways.values()]
    with (HERE / "ranks.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["question", *ways])
        writer.writerows(zip(range(len(right)), *(column.tolist() for column in columns), strict=True))
    with (HERE / "reranked.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["by", "question", "passage", "answers"])
        for by, split in product(LISTS, READ_AGAIN):
            chosen, found = lists(by, split)
            read = stored(f"reranked-{by}-{split}")
            for question, row, shares in zip(chosen, found, read, strict=True):
                writer.writerows((by, question, passage, f"{x:.4f}") for passage, x in zip(row, shares, strict=True))
    shutil.copytree(WORK / "reranker", HERE / "reranker", dirs_exist_ok=True)


if __name__ == "__main__":
    part, *numbers = sys.argv[1:]
    {"vectors": vectors, "contrast": contrast, "reranker": reranker, "finish": finish}[part](*map(int, numbers))
