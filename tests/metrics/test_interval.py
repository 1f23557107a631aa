"""Intervals by the bootstrap: of a mean as the textbook has it, of rows that hang together, and what is refused."""

import numpy as np
import pytest

from bertlib.metrics import interval


def test_interval_of_a_mean_is_the_textbooks():
    values = np.random.default_rng(0).normal(size=400)
    low, high = interval(np.mean, values, draws=4000)
    width = 1.96 * values.std(ddof=1) / 20
    assert (low, high) == pytest.approx((values.mean() - width, values.mean() + width), abs=0.012)


def test_groups_that_hang_together_widen_the_interval():
    """40 films, each sentence of a film alike: there are 40 independent values, not 800."""
    films = np.repeat(np.arange(40), 20)
    values = np.random.default_rng(0).normal(size=40)[films]
    alone, together = interval(np.mean, values), interval(np.mean, values, groups=[f"film {film}" for film in films])
    assert together[1] - together[0] == pytest.approx(np.sqrt(20) * (alone[1] - alone[0]), rel=0.15)


def test_what_is_drawn_together_stays_in_its_rows():
    """Columns keep to each other, and groups are drawn whole, of whatever sizes."""
    groups, one = ["a", "b", "a", "c", "c", "c"], np.arange(6)

    def whole(first, second):
        assert (first == second).all()
        counts = np.bincount(first, minlength=6)
        assert counts[0] == counts[2] and counts[3] == counts[4] == counts[5] and counts[[0, 1, 3]].sum() == 3
        return 0.0

    assert interval(whole, one, one, groups=groups, draws=50) == (0, 0)


@pytest.mark.parametrize("groups", [["a", "b"], ["a"] * 3])
def test_intervals_that_are_refused(groups):
    with pytest.raises(ValueError, match=rf"columns of 3 rows, groups of {len(groups)}: .* two groups at least"):
        interval(np.mean, [1, 2, 3], groups=groups)
