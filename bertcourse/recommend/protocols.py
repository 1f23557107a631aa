"""How a recommender is measured: which rating is asked for, what is known before it, and among which films.

A question is one rating that is to be foretold from those before it. Every protocol here gives the same three parts:
what a model may learn from, questions that choose, and questions that are measured.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bertcourse.data.movielens import Clicks

DAY = 24 * 3600
SHARE = 0.8  # of the ratings, by time: what lies before the cut
MOST = 10  # questions of one user behind the cut
LEAST = 5  # a film of fewer ratings in training is cold


@dataclass(frozen=True)
class Questions:
    """Ratings that are asked for.

    Attributes:
        user: (Q,) whose it is. truth: (Q,) the film. time: (Q,) when, in seconds.
        seen: of each the films that this user rated before it, oldest first.
    """

    user: np.ndarray
    truth: np.ndarray
    time: np.ndarray
    seen: Sequence[list[int]]

    def __len__(self) -> int:
        return len(self.user)


@dataclass(frozen=True)
class Protocol:
    """What is learned from, and what is asked.

    Attributes:
        train: the ratings to learn from. histories: of each user the films in train.
        validation: a question for each user who has two ratings or more in train and held_out together.
        test: what is measured.
    """

    train: Clicks
    histories: list[list[int]]
    validation: Questions
    test: Questions


def last_places(clicks: Clicks) -> np.ndarray:
    """Of each rating its place from the end of its user's history: 0 for the last one."""
    ends = np.searchsorted(clicks.user, clicks.user, side="right")
    return ends - 1 - np.arange(len(clicks))


def questions(clicks: Clicks, chosen: np.ndarray) -> Questions:
    """The chosen rows of all ratings as questions, each with what its user rated before."""
    first = np.searchsorted(clicks.user, clicks.user[chosen])
    seen = [clicks.film[a:b].tolist() for a, b in zip(first, chosen, strict=True)]
    return Questions(clicks.user[chosen], clicks.film[chosen], clicks.time[chosen], seen)


def leave_one_out(clicks: Clicks) -> Protocol:
    """Of each user the last rating is asked for in the test, the last but one in validation; the others train.

    A model so learns from ratings that were given after those that it is asked for, by other users.
    """
    place, users = last_places(clicks), int(clicks.user.max()) + 1
    train = clicks.where(place > 1)
    asked = [questions(clicks, np.flatnonzero(place == wanted)) for wanted in (1, 0)]
    return Protocol(train, train.histories(users), *asked)


def time_line(clicks: Clicks, share: float = SHARE, most: int = MOST) -> Protocol:
    """One date for all: what was rated before it trains, what was rated from it on is asked for.

    Of each user at most so many ratings behind the date are asked for, evenly spaced, and none that is the user's first
    of all: nothing would be known of the user. Validation asks for each user's last rating before the date.

    Raises:
        ValueError: the share is not between 0 and 1.
    """
    if not 0 < share < 1:
        raise ValueError(f"share={share!r}: give the share of the ratings before the date, between 0 and 1")
    date, users = np.quantile(clicks.time, share), int(clicks.user.max()) + 1
    rows = np.arange(len(clicks))
    first = np.searchsorted(clicks.user, clicks.user)
    before = clicks.time < date
    asked = []
    for user in np.unique(clicks.user[~before]):
        own = rows[(clicks.user == user) & ~before & (rows > first)]
        asked += own[np.unique(np.linspace(0, len(own) - 1, most).astype(int))].tolist() if len(own) else []
    last = before & np.r_[clicks.user[1:] != clicks.user[:-1], True]  # the user's last of all lies before the date
    last[:-1] |= before[:-1] & ~before[1:] & (clicks.user[1:] == clicks.user[:-1])
    last &= rows > first
    train = clicks.where(before & ~last)
    return Protocol(
        train,
        train.histories(users),
        questions(clicks, np.flatnonzero(last)),
        questions(clicks, np.array(asked, dtype=int)),
    )


def ranks(scores: np.ndarray, asked: Questions, among: np.ndarray | None = None) -> np.ndarray:
    """The place, from 1, of each question's film among those that its user has not seen; (Q,).

    Of equal scores the film of the lower number comes first, as `bertlib.metrics.ranking` has it for whole numbers in a
    stable sort.

    Args:
        scores: (Q, F) of all films. They are not changed.
        among: (Q, N) films to rank among, the truth aside; None for all.

    Raises:
        ValueError: the shape does not fit, a score is NaN, or a question's film was seen before.
    """
    count = len(asked)
    if scores.ndim != 2 or len(scores) != count or np.isnan(scores).any():
        raise ValueError(f"scores of shape {scores.shape} for {count} questions: give (questions, films), no NaN")
    found = np.empty(count, dtype=int)
    for row, (own, seen, truth) in enumerate(zip(scores, asked.seen, asked.truth, strict=True)):
        if truth in seen:
            raise ValueError(f"question {row}: film {truth} is asked for and was seen: remove it from one of them")
        counts = np.ones(len(own), dtype=bool)
        if among is not None:
            counts[:] = False
            counts[among[row]] = True
        counts[seen] = False
        counts[truth] = False
        ahead = (own > own[truth]) | ((own == own[truth]) & (np.arange(len(own)) < truth))
        found[row] = 1 + int((ahead & counts).sum())
    return found


def sampled(asked: Questions, films: int, negatives: int, rng: np.random.Generator) -> np.ndarray:
    """Of each question so many unseen films beside the one asked for, drawn evenly: (Q, negatives).

    Raises:
        ValueError: a user has fewer unseen films.
    """
    drawn = []
    for row, (seen, truth) in enumerate(zip(asked.seen, asked.truth, strict=True)):
        unseen = np.setdiff1d(np.arange(films), [*seen, truth])
        if not 1 <= negatives <= len(unseen):
            raise ValueError(f"negatives={negatives!r}: question {row} has {len(unseen)} unseen films to draw from")
        drawn.append(rng.choice(unseen, negatives, replace=False))
    return np.array(drawn)


def gains(ranked: np.ndarray, k: int = 10) -> np.ndarray:
    """nDCG@k of each question, of which one film is right: 1 / log2(rank + 1) up to rank k, else 0."""
    return np.where(ranked <= k, 1 / np.log2(ranked + 1), 0.0)


def hits(ranked: np.ndarray, k: int = 10) -> np.ndarray:
    """recall@k of each question: 1 where the film is among the first k."""
    return (ranked <= k).astype(float)


def best(scores: np.ndarray, asked: Questions, k: int = 10) -> np.ndarray:
    """Of each question the k unseen films of the highest scores, best first, of equals the lower number: (Q, k)."""
    left = scores.astype(float)
    for row, seen in zip(left, asked.seen, strict=True):
        row[seen] = -np.inf
    return np.argsort(-left, axis=1, kind="stable")[:, :k]


def cold(protocol: Protocol, films: int, least: int = LEAST) -> np.ndarray:
    """Which films have fewer than so many ratings in training: (films,) bool."""
    return np.bincount(protocol.train.film, minlength=films) < least
