"""What data/search ships: made again in part, of the size that is said, and of what is searched."""

import csv

import numpy as np
import pytest
from safetensors.numpy import load_file

from bertcourse.bm25 import BM25, search_words
from bertcourse.data.boolq import load_pairs, load_passages, load_questions
from bertlib.data.catalog import load
from bertlib.data.encoders import encoder_folder
from bertlib.files import data_folder
from bertlib.tasks.embed import Embedder
from bertlib.tasks.match import PairClassifier

FOLDER = data_folder("search")
READ = {"validation": 200, "test": 600}  # questions whose lists were read again


def rows_of(name):
    with (FOLDER / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def vectors():
    return load_file(FOLDER / "vectors.safetensors")["vectors"]


@pytest.fixture(scope="module")
def questions():
    sides = load_questions()
    return [*sides["validation"]["question"], *sides["test"]["question"]]


@pytest.fixture(scope="module")
def numbers():
    sides = load_questions()
    return [*sides["validation"]["number"], *sides["test"]["number"]]


@pytest.fixture(scope="module")
def embedder():
    return Embedder.load(encoder_folder("minilm"))


def test_vectors_are_of_the_passages_and_articles(vectors, embedder):
    passages, news = load_passages()["passage"], load("bbc_news")
    articles = [*news["validation"]["text"], *news["test"]["text"]]
    assert vectors.shape == (len(passages) + len(articles), 384) and vectors.dtype == np.float16
    chosen = [0, 7, 1500, len(passages) - 1]
    again = embedder.predict([passages[i] for i in chosen] + [articles[0], articles[-1]])
    shipped = vectors[[*chosen, len(passages), -1]].astype(np.float32)
    assert abs(again - shipped).max() < 1e-3
    assert (FOLDER / "vectors.safetensors").stat().st_size <= 3e6


def test_ranks_are_of_every_question(questions, numbers):
    rows = rows_of("ranks.csv")
    assert [int(row["question"]) for row in rows] == list(range(len(questions)))
    assert {"titled", "plain", "contrast-0"} <= rows[0].keys()
    for way in rows[0].keys() - {"question"}:
        ranks = np.array([int(row[way]) for row in rows])
        assert ranks.min() == 1 and ranks.max() <= len(load_passages())
    means = {way: np.mean([1 / int(row[way]) for row in rows]) for way in ("titled", "plain", "contrast-0")}
    assert means["titled"] > means["contrast-0"] > means["plain"]


def test_lists_are_those_that_bm25_and_minilm_find(questions, vectors, embedder):
    passages, rows = load_passages()["passage"][:], rows_of("reranked.csv")
    first = len(load_questions()["validation"])
    expected = [*range(READ["validation"]), *range(first, first + READ["test"])]
    lists = {}
    for row in rows:
        lists.setdefault((row["by"], int(row["question"])), []).append(int(row["passage"]))
    for by in ("words", "meaning"):
        assert [number for kind, number in lists if kind == by] == expected
    assert {len(found) for found in lists.values()} == {20}
    index, chosen = BM25([search_words(text) for text in passages]), [0, 3, first, first + 11]
    cosines = embedder.predict([questions[i] for i in chosen]) @ vectors[: len(passages)].astype(np.float32).T
    for number, row in zip(chosen, cosines, strict=True):
        assert lists["words", number] == index.best(search_words(questions[number]), 20)[0].tolist()
        assert lists["meaning", number][:3] == np.argsort(-row, kind="stable")[:3].tolist()  # half precision
        assert len(set(lists["meaning", number]) & set(np.argsort(-row)[:20].tolist())) >= 19


def test_the_reranker_says_what_is_stored(questions):
    passages, rows = load_passages()["passage"], rows_of("reranked.csv")
    chosen = [rows[i] for i in (0, 1, 5000, len(rows) - 1)]
    model = PairClassifier.load(FOLDER / "reranker")
    pairs = [(questions[int(row["question"])], passages[int(row["passage"])]) for row in chosen]
    again = model.probabilities_of(model.encode(pairs))[:, 1]
    assert abs(again - [float(row["answers"]) for row in chosen]).max() < 2e-3
    assert sum(path.stat().st_size for path in (FOLDER / "reranker").iterdir()) <= 1.5e6


def test_nothing_that_trained_is_searched(questions):
    train = load_pairs()
    searched = {text.lower() for text in load_passages()["passage"]}
    assert not searched & {text.lower() for text in train["passage"]}
    assert not {text.lower() for text in questions} & {text.lower() for text in train["question"]}
