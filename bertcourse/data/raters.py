"""How far people agree who rated the same sentences, and what that leaves for a model to reach."""

from collections.abc import Sequence

import numpy as np

from bertlib.metrics import interval

Ratings = Sequence[Sequence[float]]


def check_ratings(ratings: Ratings, scale: tuple[float, float] = (-4, 4)) -> list[np.ndarray]:
    """The ratings of each sentence as float64; a ValueError names what is off the scale, NaN, or fewer than two."""
    rows = [np.asarray(row, dtype=np.float64) for row in ratings]
    for number, row in enumerate(rows):
        if len(row) < 2:
            raise ValueError(f"sentence {number} has the ratings {row.tolist()}: give two at least, or leave it out")
        if wrong := [value for value in row if not scale[0] <= value <= scale[1]]:  # NaN compares false
            raise ValueError(
                f"sentence {number} has the rating {wrong[0]:g}: correct it, or give its scale; here it is {scale}"
            )
    if not rows:
        raise ValueError("ratings is empty: give those of one sentence at least")
    return rows


def rater_spread(ratings: Ratings, scale: tuple[float, float] = (-4, 4)) -> dict[str, float]:
    """How far apart the raters of a sentence are.

    Returns:
        sentences and ratings, counts; deviation, the root of the mean variance within a sentence (divided by n - 1);
        opposed, the share of sentences with a rating above 0 and one below, which grows with the number of raters;
        opposed_pairs, the share of such pairs among the pairs of a sentence's raters, which does not.
    """
    rows = check_ratings(ratings, scale)
    counts, above, below = np.array([(len(row), (row > 0).sum(), (row < 0).sum()) for row in rows]).T
    return {
        "sentences": len(rows),
        "ratings": int(counts.sum()),
        "deviation": float(np.sqrt(np.mean([row.var(ddof=1) for row in rows]))),
        "opposed": float(((above > 0) & (below > 0)).mean()),
        "opposed_pairs": float((2 * above * below / (counts * (counts - 1))).mean()),
    }


def correlation(first: Sequence[float], second: Sequence[float]) -> float:
    """Pearson's r; a ValueError for lists of other lengths, for what is not finite, and where all numbers are equal."""
    columns = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    if len(columns[0]) != len(columns[1]):
        raise ValueError(f"{len(columns[0])} and {len(columns[1])} numbers: give as many of each")
    for column in columns:
        if not np.isfinite(column).all():
            place = int(np.isfinite(column).argmin())
            raise ValueError(f"place {place} is {column[place]}: leave it out of both lists")
        if not len(column) or (column == column[0]).all():
            raise ValueError(f"numbers {column[:3].tolist()}: nothing correlates with them; give some that differ")
    first, second = (column - column.mean() for column in columns)
    return float((first * second).sum() / np.sqrt((first**2).sum() * (second**2).sum()))


def doubled(r: float) -> float:
    """What means over twice as many raters would correlate with (Spearman 1910, Brown 1910)."""
    return 2 * r / (1 + r)


def split_half(
    ratings: Ratings,
    *,
    groups: Sequence | None = None,
    splits: int = 20,
    draws: int = 1000,
    seed: int = 0,
    scale: tuple[float, float] = (-4, 4),
) -> dict[str, float]:
    """How well the mean of half of the raters tells that of the others, and what follows for the mean of all.

    The halves are drawn for each sentence by itself, `splits` times; groups and draws are those of
    `bertlib.metrics.interval`.

    Returns:
        halves, their correlation; reliability, `doubled` of it; low and high, its 95 % interval; ceiling, its root: the
        correlation with the means of these raters that a model would reach which knew each true mean.
    """
    rows, rng = check_ratings(ratings, scale), np.random.default_rng(seed)
    counts = np.array([[len(row)] for row in rows])
    there = np.arange(counts.max()) < counts
    table = np.zeros(there.shape)
    table[there] = np.concatenate(rows)
    means = []
    for _ in range(splits):
        place = np.where(there, rng.random(there.shape), 2).argsort(axis=1).argsort(axis=1)
        sides = place < counts // 2, there & (place >= counts // 2)
        means.append([(table * side).sum(axis=1) / side.sum(axis=1) for side in sides])
    halves = float(np.mean([correlation(*pair) for pair in means]))
    low, high = interval(lambda *pair: doubled(correlation(*pair)), *means[0], groups=groups, draws=draws, seed=seed)
    ceiling = float(np.sqrt(max(doubled(halves), 0)))
    return {"halves": halves, "reliability": doubled(halves), "low": low, "high": high, "ceiling": ceiling}
