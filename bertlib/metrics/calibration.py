"""Whether a probability means what it says: bins, their error and its range by chance, temperature, abstaining."""

import math

import numpy as np


def check_gold(table: np.ndarray, gold: np.ndarray, name: str) -> tuple[np.ndarray, np.ndarray]:
    """A finite table (N, C) as float64, and ids that fit; a ValueError says what does not."""
    table, gold = np.asarray(table, dtype=np.float64), np.asarray(gold)
    if table.ndim != 2 or table.shape[1] < 2 or not len(table):
        raise ValueError(f"{name} has the shape {table.shape}: give (N, C), a row an example and a column a class")
    if gold.shape != table.shape[:1] or gold.dtype.kind not in "iu":
        raise ValueError(f"gold has the shape {gold.shape} and the type {gold.dtype}: give {len(table)} whole ids")
    if not np.isfinite(table).all():
        row = int(np.isfinite(table).all(axis=1).argmin())
        raise ValueError(f"{name}, row {row}: {table[row].tolist()} is not finite; look at what computed it")
    if outside := [label for label in gold.tolist() if not 0 <= label < table.shape[1]]:
        raise ValueError(f"gold has the id {outside[0]}: give ids of the {table.shape[1]} classes, from 0")
    return table, gold


def confidences(probabilities: np.ndarray, gold: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of each row its highest probability as float64, and whether that (the first such) is the gold class's: both (N,).

    A ValueError names other shapes than (N, C) and (N,), NaN, a row that is no distribution, and an id of no class.
    """
    table, gold = check_gold(probabilities, gold, "probabilities")
    wrong = (table < 0).any(axis=1) | (np.abs(table.sum(axis=1) - 1) > 1e-3)
    if wrong.any():
        row = table[int(wrong.argmax())]
        raise ValueError(
            f"probabilities, row {int(wrong.argmax())}: {row.tolist()} has the sum {row.sum():g}; give what a softmax "
            "gives, numbers from 0 to 1 of sum 1"
        )
    return table.max(axis=1), table.argmax(axis=1) == gold


def bins_of(confidence: np.ndarray, bins: int) -> np.ndarray:
    """The bin of each number: in bin k is what is over k / bins, up to (k + 1) / bins; 0 itself is in bin 0."""
    if bins < 1:
        raise ValueError(f"bins={bins!r}: give a whole number of at least 1")
    return np.searchsorted(np.arange(1, bins) / bins, confidence, side="left")


def reliability_bins(probabilities: np.ndarray, gold: np.ndarray, bins: int = 15) -> dict[str, np.ndarray]:
    """Of each bin, all of one width: low and high (edges), count, confidence and accuracy (means; NaN where empty)."""
    confidence, right = confidences(probabilities, gold)
    place, edges = bins_of(confidence, bins), np.arange(bins + 1) / bins
    count = np.bincount(place, minlength=bins)
    confidence, accuracy = (
        np.bincount(place, values, minlength=bins) / np.where(count, count, np.nan) for values in (confidence, right)
    )
    return {"low": edges[:-1], "high": edges[1:], "count": count, "confidence": confidence, "accuracy": accuracy}


def binned_gap(confidence: np.ndarray, right: np.ndarray, bins: int) -> float:
    """Each bin's gap between mean confidence and accuracy, times its share of the rows, summed."""
    return float(np.abs(np.bincount(bins_of(confidence, bins), right - confidence)).sum() / len(confidence))


def expected_calibration_error(probabilities: np.ndarray, gold: np.ndarray, bins: int = 15) -> float:
    """ECE of the highest probability (Guo et al. 2017, section 2). Raises what `confidences` raises."""
    return binned_gap(*confidences(probabilities, gold), bins)


def calibrated_range(
    probabilities: np.ndarray, *, bins: int = 15, draws: int = 1000, seed: int = 0
) -> tuple[float, float]:
    """Where ECE lies in 95 of 100 cases if the probabilities are right; by chance alone it is over 0.

    In each draw a row is right with the probability that it claims, and ECE is computed.
    """
    confidence, _ = confidences(probabilities, np.zeros(len(probabilities), dtype=int))
    rng = np.random.default_rng(seed)
    values = [binned_gap(confidence, rng.random(len(confidence)) < confidence, bins) for _ in range(draws)]
    low, high = np.quantile(values, [0.025, 0.975])
    return float(low), float(high)


def best_temperature(logits: np.ndarray, gold: np.ndarray) -> float:
    """The T with the least mean cross-entropy of softmax(logits / T), to be chosen on validation and never on test.

    The loss is convex in 1 / T: its slope has one root, which is found by halving. A ValueError says what is wrong with
    logits (N, C) or gold (N,), or that there is no root, as a lower, or a higher, temperature is always better.
    """
    scores, gold = check_gold(logits, gold, "logits")
    scores = scores - scores.max(axis=1, keepdims=True)
    wanted = scores[np.arange(len(gold)), gold]
    if not wanted.any() or wanted.mean() <= scores.mean():
        found = "the highest logit in every row" if not wanted.any() else "no higher logits than others in the mean"
        raise ValueError(f"gold classes have {found}: no temperature is best; give held-out rows, each with its own id")

    def slope(sharpness: float) -> float:
        weights = np.exp(sharpness * scores)
        return float(((weights * scores).sum(axis=1) / weights.sum(axis=1) - wanted).mean())

    low, high = 0.0, 1.0
    while slope(high) < 0:
        high *= 2
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if slope(middle) < 0 else (low, middle)
    return 1 / high


def risk_coverage(probabilities: np.ndarray, gold: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For each threshold on confidence, highest first, the share of rows that is answered, and how much of it is wrong.

    Rows of equal confidence are answered together: no threshold tells them apart. Raises what `confidences` raises.
    """
    confidence, right = confidences(probabilities, gold)
    _, place, count = np.unique(-confidence, return_inverse=True, return_counts=True)
    answered = np.cumsum(count)
    return answered / len(right), 1 - np.cumsum(np.bincount(place, right)) / answered


def accuracy_at(probabilities: np.ndarray, gold: np.ndarray, coverage: float) -> float:
    """Accuracy over the share of rows with the highest confidence; of equal ones, as many as needed, at random."""
    if not 0 < coverage <= 1:
        raise ValueError(f"coverage={coverage!r}: give a fraction over 0, at most 1")
    covered, risk = risk_coverage(probabilities, gold)
    share = math.ceil(coverage * len(gold) - 1e-9) / len(gold)  # whole rows
    return float(np.interp(share, [0, *covered], [0, *covered * (1 - risk)]) / share)
