"""Checks of the lesson on recommending (Sun et al., 2019; Krichene and Rendle, 2020)."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from bertcourse.checks.engine import against, number
from bertcourse.recommend import methods
from bertcourse.recommend.protocols import DAY, Questions, ranks
from bertlib.tasks.items import MASK

PLACES = 60  # rounds of drawing until every slip leads to a number of its own


def _next_counts(histories: list[list[int]], films: int, within: int) -> list:
    return _counted(lambda i, j: 1 <= j - i <= within)(histories, films, within)


def _input(history: list[int], most: int) -> list[int]:
    return [MASK, *history[::-1][: most - 1]]


def _rank(scores: np.ndarray, seen: list[int], truth: int) -> int:
    asked = Questions(np.array([0]), np.array([truth]), np.array([0]), [seen])
    return int(ranks(scores[None], asked)[0])


def _popular_then(films: np.ndarray, times: np.ndarray, now: int, days: int, count: int) -> list:
    return _where(lambda times, now, days: (times < now) & (times >= now - days * DAY))(films, times, now, days, count)


def _neighbours(histories: list[list[int]], films: int) -> list:
    return methods.item_knn(histories, films).tolist()


def _joined(behaviour: np.ndarray, text: np.ndarray, weight: float) -> np.ndarray:
    return methods.joined(behaviour[None], text[None], weight)[0]


def _unlikeness(vectors: np.ndarray) -> float:
    if len(vectors) < 2:
        raise ValueError("one film has no pairs")
    return methods.unlikeness(np.arange(len(vectors))[None], vectors)


def _still_read(clicks: int, places: int, more: int) -> int:
    return min(clicks, max(places - 1 - more, 0))


def _place(rank: int, unseen: int, sampled: int) -> float:
    return 1 + (rank - 1) * sampled / (unseen - 1)


# ------------------------------------------------------------------------------------------------------------- cases


def _histories(rng):
    yield [[0, 1, 2]], 3, 1
    yield [[0, 1, 2, 3]], 4, 2
    yield [[2, 0], [2, 0, 1]], 3, 1
    yield [[0, 1], [2, 3]], 4, 2  # what one person rated does not come after another's
    yield [[4, 2, 0, 3, 1]], 5, 3
    yield [[], [1], [1, 0]], 2, 2  # nobody, and one film alone
    for size in (5, 6, 7, 8):
        histories = [rng.permutation(size)[: int(rng.integers(2, size + 1))].tolist() for _ in range(3)]
        yield histories, size, int(rng.integers(2, 4))


def _reads(rng):
    yield [5, 7, 9], 10
    yield [5, 7, 9, 4, 6], 3
    yield [8], 4
    yield [3, 6, 2, 9], 5  # just fits
    yield [3, 6, 2, 9, 7], 5
    yield [9, 3], 2
    for size in (6, 7, 8, 12):
        yield (2 + rng.permutation(20)[:size]).tolist(), int(rng.integers(3, size + 1))


def _scored(rng):
    yield np.array([0.5, 0.9, 0.1, 0.7]), [1], 3
    yield np.array([0.5, 0.9, 0.1, 0.7]), [], 2
    yield np.array([-3.0, -1.0, -2.0, -5.0]), [1], 3  # no score is above 0
    yield np.array([-1.0, -4.0, -2.0, -3.0, -6.0]), [0, 2], 1
    yield np.array([2.0, 2.0, 2.0, 1.0]), [], 2  # of equals the lower number is first
    yield np.array([2.0, 2.0, 2.0, 1.0]), [0], 1
    yield np.array([1.0, 3.0, 1.0, 2.0, 1.0]), [3], 2
    for size in (6, 7, 8, 9, 12):
        films = rng.permutation(size).tolist()
        yield np.round(rng.normal(-1, 2, size) * 2) / 2, films[1 : int(rng.integers(2, size - 1))], films[0]


def _times(rng):
    day = DAY
    yield np.array([0, 1, 1, 0, 2]), np.array([1, 2, 5, 8, 9]) * day, 10 * day + 5, 6, 3
    yield np.array([0, 1, 1, 0, 2]), np.array([1, 2, 5, 8, 9]) * day, 9 * day, 6, 3  # one in that very second
    yield np.array([2, 1, 1, 1]), np.array([3, 4, 11, 12]) * day, 10 * day, 30, 4  # two are still to come
    yield np.array([0, 0, 2, 1, 0]), np.array([1, 50, 51, 52, 52]) * day, 53 * day, 7, 3
    yield np.array([1, 1]), np.array([20, 30]) * day, 10 * day, 5, 2  # nothing was rated yet
    for days in (2, 9):  # at the very edge, a second before it, a second behind it
        edge = (20 - days) * day
        yield np.array([0, 1, 2, 1, 0]), np.array([edge - 1, edge, edge + 1, 19 * day, 20 * day]), 20 * day, days, 3
    for size in (6, 8, 10, 14):
        times = rng.integers(0, 40, size) * day + rng.integers(1, 1000, size)
        now = int(rng.choice(times)) if rng.random() < 0.7 else 20 * day + 2000
        yield rng.integers(0, 4, size), times, now, int(rng.integers(4, 20)), 4


def _raters(rng):
    yield [[0, 1], [0, 1], [0]], 2
    yield [[0, 1, 2], [1], [2, 1]], 3
    yield [[0], [1]], 2
    yield [[0, 1], [1, 0]], 3  # nobody rated film 2
    yield [[2, 0, 1], [2], [2, 1], [2, 0]], 3
    yield [[], [0, 1]], 2
    for size in (4, 5, 6, 7):
        yield [rng.permutation(size)[: int(rng.integers(1, size + 1))].tolist() for _ in range(5)], size


def _two_scores(rng):
    yield np.array([12.0, 3.0, 6.0]), np.array([0.2, 0.8, 0.5]), 0.25
    yield np.array([10.0, 0.0, 5.0, 4.0]), np.array([0.3, 0.4, 0.25, 0.1]), 0.75
    yield np.array([3.0, 1.0, 4.0, 2.0]), np.array([0.9, 0.1, 0.2, 0.3]), 0.0
    yield np.array([3.0, 1.0, 4.0, 2.0]), np.array([0.9, 0.1, 0.2, 0.3]), 1.0
    yield np.array([0.0, 0.0, 0.0]), np.array([0.1, 0.5, 0.3]), 0.5  # a user without history: all are equal
    for size in (4, 5, 6, 8):
        behaviour = np.round(rng.normal(-6, rng.uniform(1, 9), size), 1)
        yield behaviour, np.round(rng.uniform(-0.2, 0.9, size), 2), float(rng.choice([0.1, 0.3, 0.4, 0.6, 0.8]))


def _lists(rng):
    yield (np.eye(3)[[0, 0, 1]],)
    yield (np.array([[1.0, 0.0], [0.6, 0.8]]),)
    yield (np.array([[1.0, 0.0], [1.0, 0.0], [1.0, 0.0]]),)  # the same film thrice
    yield (np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0]]),)
    for size in (3, 4, 5, 6, 8):
        vectors = rng.standard_normal((size, 4)) + rng.choice([0.0, 1.0])
        yield (vectors / np.linalg.norm(vectors, axis=1, keepdims=True),)


def _a_rank(rng) -> dict:
    """Drawn until every slip leads to a number of its own."""
    for _ in range(PLACES):
        given = {
            "rank": int(rng.integers(40, 300)),
            "unseen": 100 * int(rng.integers(12, 16)) + int(rng.integers(1, 90)),
            "sampled": int(rng.choice([50, 100, 200])),
        }
        places = [_place(**given), *(slip(**given) for slip, _ in SLIPS_OF_SAMPLING)]
        near = min(abs(one - other) / one for at, one in enumerate(places) for other in places[:at])
        if near > 0.02:
            return given
    return given


def _some_clicks(rng) -> dict:
    """Drawn until every slip leads to a number of its own."""
    while True:
        places, more = int(rng.choice([20, 30, 50])), int(rng.integers(4, 15))
        given = {"clicks": int(rng.integers(places + 10, 120)), "places": places, "more": more}
        counts = [_still_read(**given), *(slip(**given) for slip, _ in SLIPS_OF_READING)]
        if len({*counts}) == len(counts):
            return given


# ------------------------------------------------------------------------------------------- known mistakes: neighbours


def _counted(wanted: Callable, turned: bool = False) -> Callable:
    """Pairs of places i, j of one history that count, by another rule."""

    def counts(histories, films, within):
        found = np.zeros((films, films))
        for history in histories:
            for i, one in enumerate(history):
                for j, other in enumerate(history):
                    if wanted(i, j):
                        found[(other, one) if turned else (one, other)] += 1
        return found.tolist()

    return counts


def _counted_within(rule: Callable) -> Callable:
    return lambda histories, films, within: _counted(lambda i, j: rule(i, j, within))(histories, films, within)


def _run_together(histories, films, within):
    return _next_counts([[film for history in histories for film in history]], films, within)


def _once_a_pair(histories, films, within):
    return np.minimum(_next_counts(histories, films, within), 1).tolist()


def _in_rows(histories, films, within):
    counts = np.array(_next_counts(histories, films, within))
    return (counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)).tolist()


BEFORE = "row i, column j is for j AFTER i: yours counts what came before."
BOTH_WAYS = "j within the next films of i, not the last ones: a film that came before i does not count."
STEPS = "the next film is step 1, and the last that counts is step `within`."

# ------------------------------------------------------------------------------------------------ known mistakes: input

NEWEST = "newest first: turn the history round, history[::-1], before you cut it."
IN_FRONT = "[MASK] stands in front: the newest item is next to what is asked for."
ROOM = "[MASK] takes one of the `most` places: most - 1 items are left."

# ------------------------------------------------------------------------------------------------ known mistakes: rank


def _ranked(
    left: Callable = lambda scores, seen, truth: [i for i in range(len(scores)) if i not in seen],
    ahead: Callable = lambda scores, i, truth: scores[i] > scores[truth] or (scores[i] == scores[truth] and i < truth),
    first: int = 1,
) -> Callable:
    return lambda scores, seen, truth: (
        first + sum(bool(ahead(scores, i, truth)) for i in left(scores, seen, truth) if i != truth)
    )


def _seen_at_nothing(scores, seen, truth):
    own = scores.copy()
    own[seen] = 0
    return _ranked(left=lambda scores, seen, truth: range(len(scores)))(own, seen, truth)


def _among_the_rest(scores, seen, truth):
    """The number is taken for the place in what is left, where all behind a seen film have moved."""
    rest = np.delete(scores, seen)
    return _ranked()(rest, [], min(truth, len(rest) - 1))


SEEN = "films that were seen are not recommended: they take no place, in front of the truth or elsewhere."
TIES = "of equal scores the film of the lower number is first."

# ----------------------------------------------------------------------------------------- known mistakes: then


def _where(known: Callable, last: Callable = lambda counts: counts) -> Callable:
    def counted(films, times, now, days, count):
        return last(np.bincount(films[known(times, now, days)], minlength=count)).tolist()

    return counted


def _before(times, now, days):
    return (times < now) & (times >= now - days * DAY)


FUTURE = "what was rated in that second or later is not known yet: times < now."
AGO = "only the last `days` days count, of 24 · 3600 seconds each."

# ----------------------------------------------------------------------------------------- known mistakes: item kNN


def _alike(divide: Callable, diagonal: bool = False) -> Callable:
    """divide(together (F, F), raters (F,)) instead of the cosine."""

    def cosines(histories, films):
        rated = np.zeros((len(histories), films))
        for user, history in enumerate(histories):
            rated[user, history] = 1
        with np.errstate(all="ignore"):
            found = np.nan_to_num(divide(rated.T @ rated, rated.sum(axis=0)))
        if not diagonal:
            np.fill_diagonal(found, 0)
        return found.tolist()

    return cosines


def _root(together, raters):
    return together / np.sqrt(np.outer(raters, raters))


def _of_users(histories, films):
    rated = np.zeros((len(histories), films))
    for user, history in enumerate(histories):
        rated[user, history] = 1
    together = rated @ rated.T
    return (together / np.sqrt(np.outer(rated.sum(axis=1), rated.sum(axis=1)).clip(1))).tolist()


ROOT = "divide by the root of (raters of one · raters of the other)."

# --------------------------------------------------------------------------------------------- known mistakes: together


def _fused(scale: Callable, shares: Callable = lambda w: (1 - w, w), join: Callable = np.add) -> Callable:
    def fused(behaviour, text, weight):
        one, other = shares(weight)
        with np.errstate(all="ignore"):
            return join(one * scale(behaviour), other * scale(text))

    return fused


def _standard(scores):
    return (scores - scores.mean()) / scores.std() if scores.std() else np.zeros(len(scores))


def _from_0_to_1(scores):
    span = scores.max() - scores.min()
    return (scores - scores.min()) / span if span else np.zeros(len(scores))


def _scaled_together(behaviour, text, weight):
    both = _standard(np.concatenate([behaviour, text]))
    return (1 - weight) * both[: len(text)] + weight * both[len(text) :]


# ----------------------------------------------------------------------------------------- known mistakes: unlikeness


def _pairs(vectors):
    one, other = np.triu_indices(len(vectors), 1)
    return (vectors[one] * vectors[other]).sum(axis=1)


PAIRS = "each pair of two different films counts once: k · (k − 1) / 2 pairs."

SLIPS_OF_SAMPLING = (
    (lambda rank, unseen, sampled: rank, "that is its place among all: most of those in front are not drawn."),
    (
        lambda rank, unseen, sampled: (rank - 1) * sampled / (unseen - 1),
        "so many of the drawn films are in front of it; its place is one more.",
    ),
    (
        lambda rank, unseen, sampled: (rank - 1) / (unseen - 1),
        "that is the share of the others that are in front: how many of the drawn films is that?",
    ),
    (lambda rank, unseen, sampled: sampled / rank, "turned round: what share of the OTHER films is in front of it?"),
    (lambda rank, unseen, sampled: rank - sampled, "the drawn films are not all in front of it."),
    (
        lambda rank, unseen, sampled: 1 + (unseen - rank) * sampled / (unseen - 1),
        "that counts the films behind it: those in front of it make its place.",
    ),
    (lambda rank, unseen, sampled: (sampled + 1) / 2, "that is the place of a film that is in the middle of all."),
)

SLIPS_OF_READING = (
    (lambda clicks, places, more: places - more, "[MASK] takes one of the places."),
    (lambda clicks, places, more: places - 1, "so many clicks it reads in all: the new ones are among them."),
    (lambda clicks, places, more: places, "two things: [MASK] takes a place, and the new clicks take theirs."),
    (lambda clicks, places, more: clicks - more, "it does not read all clicks: only as many as it has places for."),
    (lambda clicks, places, more: clicks + more - places + 1, "so many are NOT read."),
    (lambda clicks, places, more: clicks - places + 1, "so many were not read before the new clicks came."),
    (
        lambda clicks, places, more: places - 2 - more,
        "[MASK] takes one place, and there is no [CLS] and no [SEP].",
    ),
    (lambda clicks, places, more: more, "so many have fallen out: how many are left?"),
    (lambda clicks, places, more: clicks, "the oldest fall out: it has no places for them."),
)


CHECKS = {
    "next_counts": against(
        "histories (lists of film numbers, the oldest first), films, how many there are, within -> (films, films): in "
        "row i, column j how often film j came among the next `within` films after film i, in one history",
        _next_counts,
        _histories,
        mistakes=(
            (_counted(lambda i, j: j - i == 1), "all of the next `within` films count, not the very next alone."),
            (_counted(lambda i, j: j > i), "only the next `within` films count, not all that came later."),
            (_counted_within(lambda i, j, within: 1 <= j - i < within), STEPS + " Yours ends one too early."),
            (_counted_within(lambda i, j, within: 1 <= j - i <= within + 1), STEPS + " Yours ends one too late."),
            (_counted_within(lambda i, j, within: 0 <= j - i <= within), STEPS + " Yours begins with the film itself."),
            (_counted_within(lambda i, j, within: j - i == within), STEPS + " Yours counts the last step alone."),
            (_counted_within(lambda i, j, within: 1 <= i - j <= within), BEFORE),
            (_counted_within(lambda i, j, within: 1 <= abs(i - j) <= within), BOTH_WAYS),
            (_run_together, "histories are run together: what one person rated does not come after another's."),
            (_once_a_pair, "how OFTEN is asked for: add 1 each time, do not set 1."),
            (_in_rows, "counts are asked for, not shares of a row."),
        ),
    ),
    "input": against(
        "history (ids, the oldest first), most, the places of the model -> the list of ids that it reads: [MASK], "
        f"which is {MASK}, in front, then the newest item, the one before it, …; at most `most` ids in all",
        _input,
        _reads,
        mistakes=(
            (lambda history, most: [*history[-(most - 1) :], MASK], NEWEST + " And " + IN_FRONT),
            (lambda history, most: [MASK, *history[-(most - 1) :]], NEWEST),
            (lambda history, most: [*history[::-1][: most - 1], MASK], IN_FRONT),
            (lambda history, most: [MASK, *history[::-1][:most]], ROOM),
            (lambda history, most: [MASK, *history[: most - 1][::-1]], "the newest are kept: yours keeps the oldest."),
            (lambda history, most: [MASK, *history[: most - 1]], NEWEST + " Yours keeps the oldest."),
            (lambda history, most: history[::-1][: most - 1], "[MASK] is missing: it is what the model fills in."),
            (
                lambda history, most: [MASK, *history[::-1][1:most]],
                "[MASK] comes before the newest item, and does not replace it.",
            ),
            (lambda history, most: [0, *history[::-1][: most - 1]], f"[MASK] is {MASK}; 0 is padding."),
            (lambda history, most: [MASK, *history[::-1]], f"`most` is not used. {ROOM}"),
            (lambda history, most: [MASK, *history[::-1][: most - 2]], "that is one item too few."),
        ),
    ),
    "rank": against(
        "scores (F,), a numpy array, of all films, seen, a list of films, truth, a film that is not among these -> the "
        "place of the truth, from 1, among the films that were not seen, the highest score first; of equal scores the "
        "lower number first",
        _rank,
        _scored,
        mistakes=(
            (_ranked(left=lambda scores, seen, truth: range(len(scores))), SEEN),
            (_ranked(first=0), "places count from 1."),
            (_ranked(left=lambda scores, seen, truth: range(len(scores)), first=0), SEEN + " And places count from 1."),
            (_ranked(ahead=lambda scores, i, truth: scores[i] > scores[truth]), TIES + " Yours puts the truth first."),
            (_ranked(ahead=lambda scores, i, truth: scores[i] >= scores[truth]), TIES + " Yours puts the truth last."),
            (
                _ranked(ahead=lambda s, i, truth: s[i] > s[truth] or (s[i] == s[truth] and i > truth)),
                TIES + " Yours puts the higher number first.",
            ),
            (_ranked(ahead=lambda scores, i, truth: scores[i] < scores[truth]), "the HIGHEST score is first."),
            (_seen_at_nothing, "0 is no low score where others are below it: give films that were seen -np.inf."),
            (_among_the_rest, "once films are deleted, the numbers behind them have moved."),
            (lambda scores, seen, truth: _ranked()(scores, seen, truth) + len(seen), SEEN),
            (
                lambda scores, seen, truth: len(scores) - len({*seen}),
                "the truth was not seen before: remove the films in seen, and leave the truth its score.",
            ),
        ),
    ),
    "still_read": number(
        "how many of a person's earlier clicks the model reads after some more",
        _some_clicks,
        "A model has {places} places, one of which [MASK] takes. Somebody with {clicks} clicks clicks {more} times "
        "more. How many of the first {clicks} clicks does the model still read?",
        _still_read,
        mistakes=SLIPS_OF_READING,
    ),
    "sampled": number(
        "a film's place among all unseen films -> its place among films that are drawn, on average",
        _a_rank,
        "Among {unseen} films that a person has not seen, the right one has rank {rank}. Now it is ranked among itself "
        "and {sampled} of the others, drawn at random. Which rank does it have then, on average?",
        _place,
        mistakes=SLIPS_OF_SAMPLING,
        rel_tol=0.01,
    ),
    "popular_then": against(
        "films (N,) and times (N,) in seconds of all ratings, in any order, numpy arrays, now, in seconds, days, "
        "count, how many films there are -> (count,): how many ratings each film had with "
        "now − days · 24 · 3600 <= time < now",
        _popular_then,
        _times,
        shrink=False,
        mistakes=(
            (_where(lambda times, now, days: (times <= now) & (times >= now - days * DAY)), FUTURE),
            (_where(lambda times, now, days: times >= now - days * DAY), FUTURE + " Yours counts all that comes."),
            (_where(lambda times, now, days: abs(times - now) <= days * DAY), FUTURE + " Yours counts days after it."),
            (_where(lambda times, now, days: times < now), AGO),
            (
                _where(lambda times, now, days: (times < now) & (times > now - days * DAY)),
                "the second that is exactly so many days ago counts, too: >=.",
            ),
            (_where(lambda times, now, days: times <= now), FUTURE + " And " + AGO),
            (_where(lambda times, now, days: times > -1), FUTURE + " And " + AGO),
            (_where(lambda times, now, days: (times < now) & (times >= now - days)), "days are not seconds: " + AGO),
            (_where(lambda t, now, days: (t < now) & (t >= now - days * 3600)), "a day has 24 · 3600 seconds."),
            (_where(lambda t, now, days: (t < now) & (t < now - days * DAY)), "those are the older ones: " + AGO),
            (_where(_before, lambda counts: (counts > 0).astype(int)), "how MANY ratings: yours is 0 or 1."),
            (_where(_before, lambda counts: counts / max(counts.sum(), 1)), "counts are asked for, not shares."),
        ),
    ),
    "neighbours": against(
        "histories (lists of film numbers, none twice in one), films, how many there are -> (films, films): how many "
        "people rated both films, divided by the root of (raters of the one · raters of the other); 0 on the diagonal "
        "and where nobody rated a film",
        _neighbours,
        _raters,
        mistakes=(
            (_alike(lambda together, raters: together), "divide: else every film is nearest to the most popular one."),
            (_alike(lambda together, raters: together / np.outer(raters, raters)), ROOT + " The root is missing."),
            (_alike(lambda together, raters: together / raters[:, None]), ROOT + " Yours has the raters of one alone."),
            (_alike(lambda together, raters: together / raters[None]), ROOT + " Yours has the raters of one alone."),
            (
                _alike(lambda together, raters: together / (raters[:, None] + raters[None] - together)),
                "that is the share of those who rated either (Jaccard's). " + ROOT,
            ),
            (
                _alike(lambda together, raters: 2 * together / (raters[:, None] + raters[None])),
                "that divides by the mean of the two counts (Dice's). " + ROOT,
            ),
            (_alike(lambda t, raters: t / np.minimum(raters[:, None], raters[None])), ROOT + " Not by the smaller."),
            (_alike(_root, diagonal=True), "a film is no neighbour of itself: 0 on the diagonal."),
            (_of_users, "films are compared here, not people: (films, films)."),
            (_alike(lambda together, raters: together / max(together.sum(), 1)), ROOT + " Yours divides all alike."),
        ),
    ),
    "joined": against(
        "behaviour (F,) and text (F,), one person's scores of all films, numpy arrays, weight, from 0 to 1, the text's "
        "-> (F,): (1 − weight) · behaviour + weight · text, each standardised before: mean 0, deviation 1 (np.std); "
        "zeros where all its scores are equal",
        _joined,
        _two_scores,
        mistakes=(
            (_fused(lambda scores: scores), "scores of two kinds have two scales: standardise each before."),
            (_fused(_from_0_to_1), "that brings each to 0 … 1: mean 0 and deviation 1 are asked for."),
            (_fused(_standard, lambda w: (w, 1 - w)), "the weight is the text's: (1 − weight) is behaviour's."),
            (_fused(_standard, lambda w: (1, w)), "behaviour has the share 1 − weight."),
            (_fused(_standard, lambda w: (0.5, 0.5)), "weight is not used."),
            (_fused(lambda scores: scores - scores.mean()), "divide by the deviation, np.std."),
            (_fused(lambda scores: scores / scores.std() if scores.std() else 0 * scores), "take the mean away first."),
            (
                _fused(lambda s: (s - s.mean()) / s.var() if s.var() else 0 * s),
                "divide by the deviation, not by the variance: np.std, not np.var.",
            ),
            (
                _fused(lambda s: (s - s.mean()) / s.std(ddof=1) if s.std() else 0 * s),
                "np.std as it is (ddof=0) is asked for.",
            ),
            (
                _fused(lambda scores: (scores - scores.mean()) / scores.std()),
                "where all scores are equal the deviation is 0: these become zeros.",
            ),
            (_scaled_together, "each kind has a mean and a deviation of its own: do not put them together before."),
            (_fused(_standard, join=np.multiply), "the two are added, not multiplied."),
        ),
    ),
    "unlikeness": against(
        "vectors (k, D), a numpy array, of the k films of a list, at least 2, each of length 1 -> a number: 1 − the "
        "mean cosine of all pairs of two films",
        _unlikeness,
        _lists,
        shrink=False,
        mistakes=(
            (lambda v: 1 - float((v @ v.T).mean()), PAIRS + " Yours has each film beside itself, too."),
            (lambda v: float(_pairs(v).mean()), "1 − the cosine: a list of equal films has 0."),
            (lambda v: 1 - float(_pairs(v).sum()), "the mean over the pairs is asked for, not the sum."),
            (lambda v: float((1 - _pairs(v)).sum()), "the mean over the pairs is asked for, not the sum."),
            (lambda v: 1 - float((v[1:] * v[:-1]).sum(axis=1).mean()), PAIRS + " Yours has neighbours alone."),
            (lambda v: 1 - float((v[1:] @ v[0]).mean()), PAIRS + " Yours has pairs with the first film alone."),
            (lambda v: 1 - float(_pairs(v).sum() / len(v) ** 2), PAIRS + " Yours divides by k²."),
            (lambda v: 1 - float(_pairs(v).sum() / len(v)), PAIRS + " Yours divides by k."),
            (lambda v: 1 - float(np.abs(_pairs(v)).mean()), "a cosine below 0 stays below 0: no absolute values."),
            (lambda v: 1 - float(_pairs(v).max()), "the mean over the pairs, not that of the most alike two."),
            (
                lambda v: float(np.mean([math.dist(a, b) for i, a in enumerate(v) for b in v[:i]])),
                "the cosine is asked for, not the distance.",
            ),
        ),
    ),
}
