"""BM25: the formula in plain Python, bm25s on real and drawn texts, and what must hold of any search."""

import math
import re

import bm25s
import numpy as np
import pytest
from bug_zoo import ranking_bugs

from bertcourse.bm25 import BM25, search_words
from bertlib.data.catalog import load

TEXTS = ["bank goal team team", "bank", "bank bank match of the day", "", "goal of the season of goals", "bank of it"]
PASSAGES = [text.split() for text in TEXTS]


def by_the_formula(passages, query, k1=1.2, b=0.75):
    """Scores word by word, as the docstring has them."""
    average, scores = sum(map(len, passages)) / len(passages), []
    for words in passages:
        score = 0.0
        for word in query:
            having = sum(word in other for other in passages)
            idf = math.log(1 + (len(passages) - having + 0.5) / (having + 0.5))
            often = words.count(word)
            score += idf * often / (often + k1 * (1 - b + b * len(words) / average)) if often else 0.0
        scores.append(score)
    return scores


def drawn(seed, size=60):
    """Passages of 0 to 30 words, few of them frequent, and queries with words twice and words that no passage has."""
    rng = np.random.default_rng(seed)
    words = np.array([f"w{number}" for number in range(40)])
    shares = 1 / np.arange(1, 41)
    passages = [rng.choice(words, rng.integers(0, 31), p=shares / shares.sum()).tolist() for _ in range(size)]
    passages[7] = []
    queries = [[*rng.choice(words[:30], rng.integers(1, 8)).tolist(), "unknown"] for _ in range(40)]
    return passages, [*queries, ["w0", "w0", "w3"], ["unknown"], ["w1"]]


def bm25s_of(passages, k1=1.2, b=0.75):
    index = bm25s.BM25(method="lucene", k1=k1, b=b)
    index.index(passages, show_progress=False)
    return index


# ---------------------------------------------------------------------------------------------------- the formula


@pytest.mark.parametrize("k1, b", [(1.2, 0.75), (0, 0.75), (1.5, 0), (0.9, 1), (100, 0.4)])
@pytest.mark.parametrize("seed", range(2))
def test_scores_are_those_of_the_formula(seed, k1, b):
    passages, queries = drawn(seed)
    index = BM25(passages, k1=k1, b=b)
    for query in queries[-12:]:
        np.testing.assert_allclose(index.scores(query), by_the_formula(passages, query, k1, b), rtol=1e-12, atol=0)


def test_by_hand():
    index = BM25([["bank", "goal"], ["bank", "bank", "team", "match"]])
    one, two = index.scores(["bank"])  # both have it; lengths 2 and 4, average 3
    assert one == pytest.approx(math.log(1.2) * 1 / (1 + 1.2 * 0.75), abs=1e-12)
    assert two == pytest.approx(math.log(1.2) * 2 / (2 + 1.2 * 1.25), abs=1e-12)
    assert index.scores(["goal"]).tolist() == [pytest.approx(math.log(2) / 1.9, abs=1e-12), 0]


def test_a_mean_length_under_one():
    """Three of four are empty: the mean length is 1/2."""
    passages = [["bank", "goal"], [], [], []]
    np.testing.assert_allclose(BM25(passages).scores(["bank"]), by_the_formula(passages, ["bank"]), rtol=1e-12)


def test_passages_without_any_word():
    index = BM25([[], []])
    assert index.scores(["bank"]).tolist() == [0, 0]
    assert index.best(["bank"], 5)[0].tolist() == [0, 1]


def test_what_counts_of_a_query():
    index = BM25(PASSAGES)
    assert index.scores(["bank"]).dtype == np.float64
    assert np.array_equal(index.scores(["bank", "bank"]), 2 * index.scores(["bank"]))
    np.testing.assert_allclose(index.scores(["of", "bank"]), index.scores(["of"]) + index.scores(["bank"]), rtol=1e-12)
    assert np.array_equal(index.scores(["bank", "unknown"]), index.scores(["bank"]))
    assert not index.scores([]).any() and not index.scores(["unknown"]).any()
    assert (
        index.scores(("bank",)).tolist() == index.scores(np.array(["bank"])).tolist() == index.scores(["bank"]).tolist()
    )


def test_length_and_repetition():
    """At b = 0 length is nothing; at k1 = 0 how often is nothing, and at no k1 is twice worth twice."""
    texts = [["bank"], ["bank", *["x"] * 9], ["bank", "bank", *["x"] * 8], ["y"]]
    short, long, twice, _ = BM25(texts).scores(["bank"])
    assert short > twice > long > 0 and twice < 2 * long
    assert len(set(BM25(texts, b=0).scores(["bank"])[:2].tolist())) == 1
    assert len(set(BM25(texts, k1=0).scores(["bank"])[:3].tolist())) == 1


# ---------------------------------------------------------------------------------------------------------- bm25s


def test_bm25s_finds_the_same_in_news():
    texts = load("bbc_news")["train"]["text"][:]
    passages = [search_words(text) for text in texts]
    ours, theirs = BM25(passages), bm25s_of(passages)
    queries = [search_words(" ".join(text.split()[:8])) for text in texts[::20]]
    assert len(queries) >= 50 and sum(map(len, passages)) > 100_000
    for query in queries:
        expected = theirs.get_scores(query)
        np.testing.assert_allclose(ours.scores(query), expected, rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(ours.best(query, 10)[1], np.sort(expected)[::-1][:10], rtol=1e-5)


@pytest.mark.parametrize("k1, b", [(1.2, 0.75), (2.0, 0.3), (0.5, 1)])
@pytest.mark.parametrize("seed", range(3))
def test_bm25s_finds_the_same_in_drawn_texts(seed, k1, b):
    passages, queries = drawn(seed + 10)
    ours, theirs = BM25(passages, k1, b), bm25s_of(passages, k1, b)
    for query in queries:
        np.testing.assert_allclose(ours.scores(query), theirs.get_scores(query), rtol=1e-5, atol=1e-7)


# ---------------------------------------------------------------------------------------------- best first, and ties


@pytest.mark.parametrize("seed", range(3))
def test_the_best_are_those_of_a_full_sort(seed):
    """Many scores are equal here: 0, and those of passages that stand there three times."""
    passages, queries = drawn(seed + 20)
    passages = passages * 3
    index = BM25(passages)
    for query in queries:
        scores = index.scores(query)
        everything = sorted(range(len(passages)), key=lambda place: (-scores[place], place))
        for k in (1, 2, 10, 179, 180, 500):
            found, values = index.best(query, k)
            assert found.tolist() == everything[:k]
            assert np.array_equal(values, scores[everything[:k]])


def best_is_best_first(search):
    """Of two that hold the word, the shorter one first, then the other, then what lacks it, by number."""
    index = search([["team"], ["bank", "goal", "day"], ["bank"], ["match"], ["day", "goal"]])
    assert index.best(["bank"], 3)[0].tolist() == [2, 1, 0]


def common_words_count_for_a_passage(search):
    """A word that four of five have still tells them from the fifth."""
    index = search([["bank", "goal"], ["bank", "team"], ["bank", "day"], ["of", "it"], ["bank", "match"]])
    scores = index.scores(["bank"])
    assert scores[3] == 0 and (np.delete(scores, 3) > 0).all()


def test_our_search_passes():
    best_is_best_first(BM25)
    common_words_count_for_a_passage(BM25)


@pytest.mark.parametrize("bug", [ranking_bugs.WorstFirst, ranking_bugs.FarthestFirst])
def test_the_worst_first_is_caught(bug):
    with pytest.raises(AssertionError):
        best_is_best_first(bug)


@pytest.mark.parametrize("bug", [ranking_bugs.NegativeForCommonWords, ranking_bugs.NothingForCommonWords])
def test_common_words_that_count_for_nothing_are_caught(bug):
    with pytest.raises(AssertionError):
        common_words_count_for_a_passage(bug)


# ---------------------------------------------------------------------------------------------------------- words


@pytest.mark.parametrize(
    "text, words",
    [
        ("It's 3.5 %", ["it", "s", "3", "5"]),
        ("e-mail_address C++", ["e", "mail", "address", "c"]),
        ("Ärzte, ÉCOLE 東京", ["ärzte", "école", "東京"]),
        ("not a the", ["not", "a", "the"]),
        (" \n…", []),
        ("", []),
    ],
)
def test_words(text, words):
    assert search_words(text) == words


# -------------------------------------------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    "wrong, said",
    [
        (lambda: BM25([]), "passages is empty: give the words of one passage at least"),
        (lambda: BM25("bank"), "passages is the text 'bank': give its words as a list"),
        (lambda: BM25([["bank"], "the goal"]), "passage 1 is the text 'the goal': give its words as a list"),
        (lambda: BM25(PASSAGES).scores("bank"), "query is the text 'bank': give its words as a list"),
        (lambda: BM25(PASSAGES).best("bank", 1), "query is the text 'bank'"),
        (lambda: BM25(PASSAGES).best(["bank"], 0), "k=0: give a whole number of at least 1"),
        (lambda: BM25(PASSAGES, k1=-0.1), "k1=-0.1, b=0.75: give k1 of at least 0"),
        (lambda: BM25(PASSAGES, k1=math.inf), "k1=inf"),
        (lambda: BM25(PASSAGES, k1=math.nan), "k1=nan"),
        (lambda: BM25(PASSAGES, b=1.01), "k1=1.2, b=1.01: give k1 of at least 0 and b from 0 to 1"),
        (lambda: BM25(PASSAGES, b=-0.5), "b=-0.5"),
        (lambda: BM25(PASSAGES, b=math.nan), "b=nan"),
    ],
)
def test_what_is_wrong_is_named(wrong, said):
    with pytest.raises(ValueError, match=re.escape(said)):
        wrong()
