"""What a sequence model has to beat: popularity, counts of neighbours, and texts. All score films for questions.

Each gives (Q, F): a score for every film, for every question, the seen ones included.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bertcourse.data.movielens import Clicks
from bertcourse.recommend.protocols import DAY, Questions

NEXT = 5  # films that count as "next", and last films that are asked
RECENT = 30  # days


def popularity(train: Clicks, asked: Questions, films: int) -> np.ndarray:
    """How many ratings each film has in training; the same row for all."""
    return np.tile(np.bincount(train.film, minlength=films).astype(float), (len(asked), 1))


def popularity_then(clicks: Clicks, asked: Questions, films: int, days: float = RECENT) -> np.ndarray:
    """How many ratings each film had in the days before the question's second, and none from it on.

    `clicks` are all ratings: those behind a cut are known, too, once their time has come. The user's own are among
    them; they are of seen films.
    """
    order = np.argsort(clicks.time, kind="stable")
    times, ordered = clicks.time[order], clicks.film[order]
    first, end = np.searchsorted(times, asked.time - days * DAY), np.searchsorted(times, asked.time)
    return np.array([np.bincount(ordered[a:b], minlength=films) for a, b in zip(first, end, strict=True)], dtype=float)


def next_counts(histories: Sequence[Sequence[int]], films: int, within: int = NEXT) -> np.ndarray:
    """(F, F): how often film j was rated among the next so many after film i."""
    counts = np.zeros((films, films))
    for history in histories:
        row = np.asarray(history, dtype=int)
        for step in range(1, within + 1):
            np.add.at(counts, (row[:-step], row[step:]), 1.0)
    return counts


def by_last(table: np.ndarray, asked: Questions, last: int = NEXT) -> np.ndarray:
    """The rows of a table (F, F) of the last so many films that were seen, added up; zeros where nothing was."""
    return np.array([table[seen[-last:]].sum(axis=0) for seen in asked.seen])


def item_knn(histories: Sequence[Sequence[int]], films: int) -> np.ndarray:
    """(F, F): the cosine of two films' columns of users: raters of both / sqrt(raters of one · raters of the other).

    0 on the diagonal, and for a film without a rating.
    """
    rated = np.zeros((len(histories), films), dtype=np.float32)
    for user, history in enumerate(histories):
        rated[user, list(history)] = 1
    together, each = rated.T @ rated, rated.sum(axis=0)
    cosines = together / np.sqrt(np.maximum(np.outer(each, each), 1))
    np.fill_diagonal(cosines, 0)
    return cosines


def by_vectors(vectors: np.ndarray, asked: Questions, last: int) -> np.ndarray:
    """The cosine of each film's vector (F, D), of length 1, with the mean of those of the last films seen."""
    if not all(asked.seen):
        raise ValueError("a question has no film that was seen: leave it out, or rank by popularity")
    return np.array([vectors[seen[-last:]].mean(axis=0) for seen in asked.seen]) @ vectors.T


def standardised(scores: np.ndarray) -> np.ndarray:
    """Each row with mean 0 and deviation 1; a row of equal scores becomes zeros."""
    spread = scores.std(axis=1, keepdims=True)
    return (scores - scores.mean(axis=1, keepdims=True)) / np.where(spread > 0, spread, 1)


def joined(behaviour: np.ndarray, text: np.ndarray, weight: float) -> np.ndarray:
    """Both scores standardised, the text's with this weight, behaviour's with the rest."""
    if not 0 <= weight <= 1:
        raise ValueError(f"weight={weight!r}: give the share of the text's score, from 0 to 1")
    return (1 - weight) * standardised(behaviour) + weight * standardised(text)


def shuffled(histories: Sequence[Sequence[int]], rng: np.random.Generator) -> list[list[int]]:
    """The same histories, each in an order that is drawn."""
    return [rng.permutation(np.asarray(history, dtype=int)).tolist() for history in histories]


def coverage(lists: np.ndarray, films: int) -> float:
    """The share of all films that stand in at least one list (Q, k)."""
    return len(np.unique(lists)) / films


def unlikeness(lists: np.ndarray, vectors: np.ndarray) -> float:
    """1 - the mean cosine of two films in a list, over all lists; vectors (F, D) of length 1."""
    one, other = np.triu_indices(lists.shape[1], 1)
    return float(np.mean([1 - (vectors[row[one]] * vectors[row[other]]).sum(axis=1).mean() for row in lists]))


def mean_popularity(lists: np.ndarray, train: Clicks, films: int) -> float:
    """The mean, over all places in all lists, of the share of films with fewer ratings in training, from 0 to 1."""
    counts = np.bincount(train.film, minlength=films)
    below = np.searchsorted(np.sort(counts), counts) / films
    return float(below[lists].mean())
