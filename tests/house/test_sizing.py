"""The page on sizing: its second table follows from its first one, and the queue is the one that theory knows."""

import re
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "benchmarks")]

import sizing  # noqa: E402

PAGE = (ROOT / "book" / "sizing.md").read_text(encoding="utf-8")
FIRST, SECOND = re.search(f"{sizing.MARKS[0]}(.*?){sizing.MARKS[1]}(.*?){sizing.MARKS[2]}", PAGE, re.DOTALL).groups()


def test_the_second_table_of_the_page_follows_from_the_first():
    rows = sizing.read_table(FIRST)
    assert {"fp32", "int8"} == set(rows)
    assert SECOND.strip() == sizing.reckoned(rows).strip(), "python benchmarks/sizing.py --write writes it anew"
    assert sizing.measured_table(rows) in FIRST
    assert rows["int8"]["folder"] < 0.3 * rows["fp32"]["folder"]
    assert sizing.with_tables(PAGE, rows, "A machine.").replace("A machine.", FIRST.strip().splitlines()[0]) == PAGE


@pytest.mark.parametrize("busy", [0.3, 0.6, 0.8])
def test_one_by_one_it_is_the_queue_of_theory(busy):
    """Random arrivals, equal work, one worker (M/D/1): the mean wait is busy / (2 (1 - busy)) times the work."""
    work = 0.01
    found = np.mean([sizing.latencies(busy / work, work, 0, 1, seed=seed).mean() for seed in range(6)])
    assert found == pytest.approx(work + work * busy / (2 * (1 - busy)), rel=0.06)


def test_nobody_waits_for_company():
    """At a low rate a batch of up to 32 is a batch of one."""
    alone = sizing.latencies(0.5, 0.01, 0.005, 32)
    assert np.median(alone) == pytest.approx(0.015) and alone.min() == pytest.approx(0.015)


def test_batches_bear_rates_at_which_one_by_one_grows_without_end():
    rate = 1.5 / (0.01 + 0.005)
    one, batched = (sizing.latencies(rate, 0.01, 0.005, most) for most in (1, 32))
    assert one[-1] > 20 and batched.max() < 1


def test_the_highest_rate_keeps_its_promise_and_more_would_not():
    rate = sizing.highest_rate(0.004, 0.008, 32)
    for factor, kept in ((0.97, True), (1.03, False)):
        slow = np.quantile(sizing.latencies(factor * rate, 0.004, 0.008, 32), 0.99)
        assert bool(slow <= sizing.LIMIT) is kept
    assert sizing.highest_rate(0.1, 0.15, 32) == 0.0  # one text alone takes longer


def test_a_line_is_found_again():
    start, each = sizing.straight_line({size: 0.004 + 0.002 * size for size in sizing.BATCHES})
    assert (start, each) == pytest.approx((0.004, 0.002))
    assert sizing.straight_line({size: 0.002 * size - 0.0005 for size in sizing.BATCHES})[0] == 0.0
