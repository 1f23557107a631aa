"""Calibration errors that others publish: each takes (N,) confidences, (N,) whether right, and a number of bins."""

from itertools import pairwise

import numpy as np


def _gaps(place, confidence, right):
    """Bin -> its share of the rows, and the gap between accuracy and mean confidence there."""
    return {
        number: ((place == number).mean(), abs(right[place == number].mean() - confidence[place == number].mean()))
        for number in np.unique(place).tolist()
    }


def phantom_bin(confidence, right, bins):
    """Edges from 0 to 1, each belonging to the bin above: a confidence of 1 has a bin of its own."""
    place = np.digitize(confidence, np.linspace(0, 1, bins + 1))
    return sum(share * gap for share, gap in _gaps(place, confidence, right).values())


def last_bin_skipped(confidence, right, bins):
    """A loop over the lower edges that stops one too early."""
    place = np.ceil(confidence * bins).astype(int) - 1
    return sum(share * gap for number, (share, gap) in _gaps(place, confidence, right).items() if number < bins - 1)


def unweighted(confidence, right, bins):
    """A bin with one row counts as much as one with a thousand."""
    place = np.ceil(confidence * bins).astype(int) - 1
    return np.mean([gap for _, gap in _gaps(place, confidence, right).values()])


def one_dropped(confidence, right, bins):
    """Both edges outside: what stands on one is in no bin, and still in the number of rows."""
    edges = np.linspace(0, 1, bins + 1)
    total = 0.0
    for low, high in pairwise(edges):
        inside = (confidence > low) & (confidence < high)
        if inside.any():
            total += inside.mean() * abs(right[inside].mean() - confidence[inside].mean())
    return total


def signed(confidence, right, bins):
    """Without the absolute value, what is too sure and what is not sure enough cancel."""
    return abs((right - confidence).mean())
