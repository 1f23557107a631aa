"""Choosing a reply: where the right one stands among all that could be given. See lesson 16."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bertcourse.bm25 import BM25, search_words
from bertlib.tasks.embed import Embedder


def word_scores(asked: Sequence[str], replies: Sequence[str]) -> np.ndarray:
    """BM25 of each question (a row) with each reply (a column), float64."""
    index = BM25([search_words(reply) for reply in replies])
    return np.array([index.scores(search_words(question)) for question in asked])


def vector_scores(asked: Sequence[str], replies: Sequence[str], reader: Embedder) -> np.ndarray:
    """The cosine of each question (a row) with each reply (a column): a bi-encoder reads each text once, alone."""
    return reader.predict(list(asked)) @ reader.predict(list(replies)).T


def right_ranks(scores: np.ndarray, right: Sequence[int]) -> np.ndarray:
    """Of each row the rank of its right reply, from 1, with equal scores halved: (N,) float64.

    Ranks are means over ties, so a method that scores all replies alike is as good as chance, not the best.
    """
    own = scores[np.arange(len(scores)), np.asarray(right)][:, None]
    return 1 + (scores > own).sum(axis=1) + ((scores == own).sum(axis=1) - 1) / 2


def best_of_judged(scores: np.ndarray, relevant: Sequence[Sequence[int]], others: Sequence[Sequence[int]]) -> list:
    """Where some replies of each question were judged: the rank of the best right one among these alone, from 1.

    None of a question without a right one, or without a wrong one. Equal scores count as a half each.
    """
    found = []
    for row, right, wrong in zip(scores, relevant, others, strict=True):
        if not len(right) or not len(wrong):
            found.append(None)
            continue
        best, against = row[list(right)].max(), row[list(wrong)]
        found.append(float(1 + (against > best).sum() + (against == best).sum() / 2))
    return found


def rank_by_chance(right: int, wrong: int) -> np.ndarray:
    """How likely it is that the best of `right` replies has rank 1, 2, … among `right + wrong` in a drawn order."""
    left, shares = 1.0, []
    for before in range(wrong + 1):
        here = right / (right + wrong - before)
        shares.append(left * here)
        left *= 1 - here
    return np.array(shares)
