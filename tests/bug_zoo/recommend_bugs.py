"""Recommenders as others measured them: among a hundred drawn films, with ratings of the future, with what was seen."""

import numpy as np

from bertcourse.data.movielens import Clicks
from bertcourse.recommend.protocols import Protocol, questions


def ranked_among_a_hundred(scores, asked, rng):
    """Bug 28 (Krichene and Rendle, 2020): the rank among a few drawn films, reported as if it were the rank."""
    found = []
    for own, seen, truth in zip(scores, asked.seen, asked.truth, strict=True):
        unseen = np.setdiff1d(np.arange(len(own)), [*seen, truth])
        drawn = rng.choice(unseen, min(100, len(unseen) // 2), replace=False)  # wrong: most films are left out
        found.append(1 + int((own[drawn] > own[truth]).sum() + (own[drawn[drawn < truth]] == own[truth]).sum()))
    return np.array(found)


def split_by_chance(clicks: Clicks, share: float, most: int) -> Protocol:
    """Bug 29 (recommenders 1675, cornac 708, RecBole 2180): ratings of any time train, and any are asked for."""
    train = np.random.default_rng(0).random(len(clicks)) < share  # wrong: time has no say
    chosen = np.flatnonzero(~train)
    chosen = chosen[chosen > np.searchsorted(clicks.user, clicks.user[chosen])]
    own = clicks.where(train)
    half = len(chosen) // 2
    asked = questions(clicks, chosen[:half]), questions(clicks, chosen[half:])
    return Protocol(own, own.histories(int(clicks.user.max()) + 1), *asked)


def popular_at_any_time(films, times, now, days, count):
    """Bug 29: "popular now" is counted over all ratings, those that are still to come among them."""
    return np.bincount(films[times >= now - days * 24 * 3600], minlength=count)  # wrong: no end


def seen_films_stay(scores, seen, truth):
    """Bug 30 (NCF 73): what was rated is ranked again, and stands in front of what is asked for."""
    return 1 + int((scores > scores[truth]).sum() + (scores[:truth] == scores[truth]).sum())  # wrong: seen is not used


def truth_taken_for_seen(scores, seen, truth):
    """Bug 30: the film that is asked for is among "the user's films", and is removed with them."""
    left = scores.copy()
    left[[*seen, truth]] = -np.inf  # wrong: the truth was not seen before
    return int(np.isfinite(left).sum()) + 1
