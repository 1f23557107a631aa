"""Drift: whether what a model meets, says, or is right about has changed since a reference was taken.

Every test answers with a p-value and an effect. With enough rows any difference, however small, has a small p; the
effect does not grow with the number of rows, so an alert asks for both.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bertlib.metrics.calibration import bins_of, confidences


@dataclass(frozen=True)
class Drift:
    """What a test found: how often a difference at least so large comes about where nothing has changed, and how large
    it is, in the test's own unit."""

    p: float
    effect: float


@dataclass(frozen=True)
class AlertRule:
    """An alert after so many windows in a row, each with p at most `level` and at least this effect."""

    level: float = 0.05
    in_a_row: int = 1
    least_effect: float = -math.inf

    def __post_init__(self):
        if not 0 < self.level < 1:
            raise ValueError(f"level={self.level!r}: give a number between 0 and 1, such as 0.05")
        if not isinstance(self.in_a_row, int) or self.in_a_row < 1:
            raise ValueError(f"in_a_row={self.in_a_row!r}: give a whole number of at least 1")

    @property
    def promised(self) -> float:
        """At which share of windows it alerts at most where nothing has changed, if these are independent: each with a
        reference of its own, or all with one so large that its own chance does not count."""
        return self.level**self.in_a_row

    def alerts(self, windows: Sequence[Drift]) -> list[bool]:
        """Whether there is an alert at each window of a series."""
        row, result = 0, []
        for found in windows:
            row = row + 1 if found.p <= self.level and found.effect >= self.least_effect else 0
            result.append(row >= self.in_a_row)
        return result


def two_samples(reference: np.ndarray, new: np.ndarray) -> np.ndarray:
    """Both samples in one float64 array, the reference first; a ValueError where they are no two tables alike."""
    old, other = (np.asarray(side, dtype=float) for side in (reference, new))
    for name, table in (("reference", old), ("new", other)):
        if table.ndim != 2 or len(table) < 2:
            raise ValueError(f"{name} has shape {table.shape}: give rows of numbers, at least 2")
        if not np.isfinite(table).all():
            raise ValueError(f"{name} holds NaN or infinity: look at what computed it")
    if old.shape[1] != other.shape[1]:
        raise ValueError(f"reference has {old.shape[1]} columns, new {other.shape[1]}: give equally many")
    return np.concatenate([old, other])


def regroupings(first: int, total: int, permutations: int, rng: np.random.Generator) -> np.ndarray:
    """float64 (total, 1 + permutations): 1 for rows of the reference; as they are, then dealt anew among all."""
    if permutations < 1:
        raise ValueError(f"permutations={permutations!r}: give a whole number of at least 1, such as 200")
    as_is = np.arange(total) < first
    return np.vstack([as_is, rng.permuted(np.tile(as_is, (permutations, 1)), axis=1)]).T.astype(float)


def p_value(statistics: np.ndarray) -> float:
    """The share of all groupings, the true one (the first) among them, whose statistic is at least its."""
    return float((statistics >= statistics[0] - 1e-12).mean())


def mmd_test(reference: np.ndarray, new: np.ndarray, *, permutations: int = 200, rng: np.random.Generator) -> Drift:
    """Maximum mean discrepancy of two sets of vectors (Gretton et al., 2012, eq. 3), its p by permutation.

    The kernel is exp(−d² / 2σ²), σ the median distance in both sets together. The null is made by dealing the rows of
    both anew: one made of the reference alone holds no difference between two samples, and every window alarms.

    Args:
        reference, new: (N, D) and (M, D), at least 2 rows of finite numbers each; else a ValueError.

    Returns:
        effect is the unbiased MMD²: 0 in the mean without a change, 2 at most.
    """
    rows, n = two_samples(reference, new), len(reference)
    m, norms = len(rows) - n, (rows**2).sum(axis=1)
    distances = np.maximum(norms[:, None] + norms - 2 * rows @ rows.T, 0)  # squared
    upper = distances[np.triu_indices(len(rows), 1)]
    kernel = np.exp(-distances / (2 * (np.median(upper) or 1.0)))
    np.fill_diagonal(kernel, 0)
    # Of all groupings at once: sums of the kernel within the reference, across, and within the new rows.
    inside = regroupings(n, len(rows), permutations, rng)
    within = (inside * (kernel @ inside)).sum(axis=0)
    across = kernel.sum(axis=1) @ inside - within
    beyond = kernel.sum() - within - 2 * across
    squared = within / (n * (n - 1)) + beyond / (m * (m - 1)) - 2 * across / (n * m)
    return Drift(p_value(squared), float(squared[0]))


def classifier_test(reference: np.ndarray, new: np.ndarray, *, rng: np.random.Generator) -> Drift:
    """Whether a classifier tells new rows from reference rows that it has not seen (Lopez-Paz and Oquab, 2017, §3).

    A logistic regression learns from one half of as many rows of each as the smaller sample has, at least 4, and is
    asked about the other. p is that of so many right answers by guessing (binomial); effect is accuracy − 0.5.
    """
    from scipy.stats import binom
    from sklearn.linear_model import LogisticRegression

    rows, n = two_samples(reference, new), len(reference)
    count = min(n, len(rows) - n)
    if count < 4:
        raise ValueError(f"reference and new have {n} and {len(rows) - n} rows: give at least 4 of each")
    sides, held = [rng.permutation(n)[:count], n + rng.permutation(len(rows) - n)[:count]], count // 2
    asked, learned = (np.concatenate([side[part] for side in sides]) for part in (slice(held), slice(held, None)))
    scale = rows[learned].std() or 1.0
    model = LogisticRegression(max_iter=200).fit(rows[learned] / scale, learned >= n)
    right = int((model.predict(rows[asked] / scale) == (asked >= n)).sum())
    return Drift(float(binom.sf(right - 1, 2 * held, 0.5)), right / (2 * held) - 0.5)


def ks_tests(reference: np.ndarray, new: np.ndarray) -> tuple[Drift, np.ndarray]:
    """Kolmogorov and Smirnov's test of each column, adjusted for their number (Benjamini and Hochberg, 1995).

    Returns:
        The least adjusted p, with the largest gap between a column's two distributions as the effect; and all adjusted
        p-values, (D,): of columns with one of at most q, a share q in the mean has not changed.
    """
    from scipy.special import kolmogorov
    from scipy.stats import false_discovery_control

    rows, n = two_samples(reference, new), len(reference)
    m = len(rows) - n
    order = np.argsort(rows, axis=0, kind="stable")
    climb = np.cumsum(np.where(order < n, 1 / n, -1 / m), axis=0)
    ordered = np.take_along_axis(rows, order, axis=0)
    ends = np.vstack(
        [ordered[1:] != ordered[:-1], np.ones((1, rows.shape[1]), dtype=bool)]
    )  # of equal numbers the last
    gaps = np.abs(np.where(ends, climb, 0)).max(axis=0)
    root = math.sqrt(n * m / (n + m))
    adjusted = false_discovery_control(kolmogorov((root + 0.12 + 0.11 / root) * gaps))  # Stephens, 1970, for small n
    return Drift(float(adjusted.min()), float(gaps.max())), adjusted


def shares_test(reference: np.ndarray, new: np.ndarray) -> Drift:
    """Whether a model gives its classes in other shares, from class ids (N,) and (M,): χ² of the two rows of counts.

    effect is the total variation: the share of answers that would have to be another.
    """
    from scipy.stats import chi2_contingency

    if not len(reference) or not len(new):
        raise ValueError(f"reference and new have {len(reference)} and {len(new)} class ids: give at least one of each")
    classes = np.unique(np.concatenate([reference, new]))
    counts = np.array([[(np.asarray(side) == label).sum() for label in classes] for side in (reference, new)])
    gap = np.abs(np.diff(counts / counts.sum(axis=1, keepdims=True), axis=0)).sum() / 2
    return Drift(float(chi2_contingency(counts, correction=False).pvalue), float(gap))


def calibration_test(
    reference: tuple[np.ndarray, np.ndarray],
    new: tuple[np.ndarray, np.ndarray],
    *,
    bins: int = 10,
    permutations: int = 200,
    rng: np.random.Generator,
) -> Drift:
    """Whether confidence fits worse than it did, once labels are there, from probabilities (N, C) and gold ids (N,) of
    each: effect is the ECE of the new rows − that of the reference, p by permutation."""
    confidence, right = (
        np.concatenate(column) for column in zip(confidences(*reference), confidences(*new), strict=True)
    )
    gaps = np.zeros((bins, len(confidence)))
    gaps[bins_of(confidence, bins), np.arange(len(confidence))] = right - confidence
    inside = regroupings(len(reference[1]), len(confidence), permutations, rng)
    before, after = (np.abs(gaps @ part).sum(axis=0) / part.sum(axis=0) for part in (inside, 1 - inside))
    return Drift(p_value(after - before), float((after - before)[0]))
