"""Choosing a reply: ranks with ties, of judged ones alone, and what chance gives."""

from collections import Counter

import numpy as np
import pytest

from bertcourse.replies import best_of_judged, rank_by_chance, right_ranks, word_scores


def test_ranks_are_means_over_ties():
    scores = np.array([[3.0, 1, 2], [0, 0, 0], [1, 2, 2]])
    assert right_ranks(scores, [0, 1, 2]).tolist() == [1, 2, 1.5]
    assert right_ranks(scores, [1, 0, 0]).tolist() == [3, 2, 3]


def test_only_judged_replies_count():
    scores = np.array([[9.0, 3, 2, 1], [9, 1, 1, 0], [1, 2, 3, 4], [1, 2, 3, 4]])
    assert best_of_judged(scores, [[1, 3], [1], [], [0]], [[2], [2, 3], [1], []]) == [1, 1.5, None, None]


def test_chance_is_what_drawn_orders_give():
    shares, rng = rank_by_chance(2, 5), np.random.default_rng(0)
    assert shares.sum() == pytest.approx(1) and len(shares) == 6 and shares[0] == pytest.approx(2 / 7)
    drawn = Counter(min(rng.permutation(7)[:2].tolist()) for _ in range(20_000))
    assert [drawn[i] / 20_000 for i in range(6)] == pytest.approx(shares.tolist(), abs=0.01)
    assert rank_by_chance(3, 0).tolist() == [1]


def test_words_that_are_shared_count():
    scores = word_scores(["who mends a tap?", "nothing shared"], ["A plumber mends it.", "Ask the bank."])
    assert scores.shape == (2, 2) and scores[0, 0] > scores[0, 1] == 0 and not scores[1].any()
