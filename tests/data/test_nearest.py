"""The nearest vectors are those of brute force, ties included; lists are fused as a plain computation does it."""

import subprocess
import sys

import checks
import numpy as np
import pytest
from bug_zoo import search_bugs

from bertlib.data.nearest import Exact, fuse_ranks, fuse_scores

WORDS = [(4, 21.0), (1, 14.0), (9, 14.0), (2, 3.0)]
MEANING = [(9, 0.71), (2, 0.69), (4, 0.31), (7, 0.30)]


def unit(rng, count, size=16):
    vectors = rng.normal(size=(count, size)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def by_brute_force(owners, vectors, query, k):
    """One product after the other; a text counts with its nearest vector; of equals the lower number is first."""
    best = {}
    for owner, vector in zip(owners, vectors, strict=True):
        score = float(vector @ query)
        best[int(owner)] = max(best.get(int(owner), -np.inf), score)
    return sorted(best.items(), key=lambda item: (-item[1], item[0]))[:k]


@pytest.mark.parametrize("k", [1, 2, 10, 39, 40, 41, 1000])
@pytest.mark.parametrize("windows", [False, True])
def test_the_order_is_that_of_brute_force(k, windows):
    rng = np.random.default_rng(k)
    owners = np.sort(rng.integers(3, 43, size=120)) if windows else np.arange(3, 43)
    vectors, found = unit(rng, len(owners)), Exact()
    for part in np.array_split(np.arange(len(owners)), 4):
        found.add(owners[part], vectors[part])
    assert len(found) == len(owners)
    for query in unit(rng, 5):
        expected = by_brute_force(owners, vectors, query, k)
        ours = found.best(query, k)
        assert [text for text, _ in ours] == [text for text, _ in expected]
        np.testing.assert_allclose([score for _, score in ours], [score for _, score in expected], rtol=0, atol=1e-6)
        assert all(type(text) is int and type(score) is float for text, score in ours)


def test_a_text_whose_windows_came_in_two_parts():
    found = Exact()
    found.add([1, 2], np.eye(4, dtype=np.float32)[:2])
    found.add([2, 3], np.eye(4, dtype=np.float32)[2:])
    query = np.array([0.1, 0.2, 0.6, 0.3], dtype=np.float32)
    assert [text for text, _ in found.best(query, 5)] == [2, 3, 1] and found.best(query, 1)[0][1] == pytest.approx(0.6)


@pytest.mark.parametrize("k", range(1, 9))
def test_of_equals_the_first_are_taken(k):
    found, vectors = Exact(), np.zeros((8, 4), dtype=np.float32)
    vectors[:, 0] = [0.5, 0.25, 0.5, 1.0, 0.5, 0.25, 0.5, 0.25]
    found.add(np.arange(8), vectors)
    expected = [3, 0, 2, 4, 6, 1, 5, 7][:k]
    assert [text for text, _ in found.best(np.array([1, 0, 0, 0], dtype=np.float32), k)] == expected


def test_nothing_is_found_where_there_is_nothing():
    found = Exact()
    assert len(found) == 0 and found.best(np.ones(4, dtype=np.float32), 3) == []
    found.add([], np.empty((0, 4), dtype=np.float32))
    assert len(found) == 0 and found.best(np.ones(4, dtype=np.float32), 3) == []


def test_what_is_given_is_not_changed_and_asked_again_is_found_again():
    rng = np.random.default_rng(0)
    vectors, query = unit(rng, 30), unit(rng, 1)[0]
    before, asked, found = vectors.copy(), query.copy(), Exact()
    found.add(range(30), vectors.astype(np.float64))
    first = found.best(query, 5)
    assert found.best(query, 5) == first and np.array_equal(vectors, before) and np.array_equal(query, asked)
    found.add([30], query[None])
    assert found.best(query, 1)[0][0] == 30 and [text for text, _ in found.best(query, 6)][1:] == [t for t, _ in first]


def test_it_passes_where_others_fail():
    """B12 and B13."""
    checks.nearest_as_by_brute_force(Exact)
    for bug in (search_bugs.Unnormalised, search_bugs.WorstFirst, search_bugs.UnsortedBest):
        with pytest.raises(AssertionError):
            checks.nearest_as_by_brute_force(bug)


# ------------------------------------------------------------------------------------------------------------ fusion


def test_places_are_fused_as_a_plain_computation_does_it():
    expected = {4: 1 / 61 + 1 / 63, 1: 1 / 62, 9: 1 / 63 + 1 / 61, 2: 1 / 64 + 1 / 62, 7: 1 / 64}
    fused = fuse_ranks(WORDS, MEANING)
    assert dict(fused) == pytest.approx(expected) and [text for text, _ in fused] == [4, 9, 2, 1, 7]
    assert dict(fuse_ranks(WORDS, MEANING, constant=1))[9] == pytest.approx(1 / 4 + 1 / 2)
    assert fuse_ranks([], []) == [] and fuse_ranks(WORDS, [])[0] == (4, 1 / 61)
    assert fuse_ranks(WORDS, WORDS, MEANING)[0][0] == 4


@pytest.mark.parametrize("weight", [0, 0.3, 0.5, 1])
def test_scores_are_fused_as_a_plain_computation_does_it(weight):
    words = {4: 1.0, 1: 11 / 18, 9: 11 / 18, 2: 0.0, 7: 0.0}
    meaning = {9: 1.0, 2: 0.39 / 0.41, 4: 0.01 / 0.41, 7: 0.0, 1: 0.0}
    fused = fuse_scores(WORDS, MEANING, weight)
    expected = {text: (1 - weight) * words[text] + weight * meaning[text] for text in words}
    assert dict(fused) == pytest.approx(expected)
    scores = [score for _, score in fused]
    assert scores == sorted(scores, reverse=True)


def test_lists_of_equals_of_one_and_of_none():
    assert fuse_scores([(1, 3.0), (2, 3.0)], [], 0.5) == [(1, 0.5), (2, 0.5)]
    assert fuse_scores([(1, 3.0)], [(2, -0.5)], 0.25) == [(1, 0.75), (2, 0.25)]
    assert fuse_scores([], [], 0.5) == []
    assert fuse_scores([], MEANING, 1)[0] == (9, 1.0)


def test_it_fuses_where_others_do_not():
    """B16."""
    checks.fused_scores_have_their_say(fuse_scores)
    for bug in (search_bugs.raw_scores_added, search_bugs.scaled_by_the_largest, search_bugs.weight_turned_round):
        with pytest.raises(AssertionError):
            checks.fused_scores_have_their_say(bug)


def test_neither_it_nor_the_store_needs_torch():
    code = "import sys, bertlib.data.nearest, bertlib.data.store; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
