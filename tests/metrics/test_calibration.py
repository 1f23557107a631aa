"""Calibration: against loops over bins, against netcal, against simulated models that are right by construction."""

from itertools import permutations
from math import fsum

import numpy as np
import pytest
from bug_zoo import calibration_bugs
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax

from bertlib.metrics.calibration import (
    accuracy_at,
    best_temperature,
    bins_of,
    calibrated_range,
    confidences,
    expected_calibration_error,
    reliability_bins,
    risk_coverage,
)


def rows_of(confidence, right):
    """Probabilities (N, 2) whose higher one is that confidence, and gold ids that make the row right or wrong."""
    table = np.stack([np.asarray(confidence, dtype=float), 1 - np.asarray(confidence, dtype=float)], axis=1)
    return table, np.where(right, 0, 1)


def by_loops(probabilities, gold, bins):
    """ECE in double precision by its definition: bin by bin, in plain Python."""
    rows = [(max(row), row.index(max(row)) == label) for row, label in zip(probabilities, gold, strict=True)]
    total = 0.0
    for number in range(bins):
        low, high = number / bins, (number + 1) / bins
        inside = [(p, ok) for p, ok in rows if low < p <= high or (p == 0 and number == 0)]
        if inside:
            gap = fsum(ok for _, ok in inside) / len(inside) - fsum(p for p, _ in inside) / len(inside)
            total += len(inside) / len(rows) * abs(gap)
    return total


def model(rows, classes, sharpness=1.0, seed=0):
    """Logits, and ids drawn from their softmax; then the logits are made too large by sharpness."""
    rng = np.random.default_rng(seed)
    logits = 1.5 * rng.normal(size=(rows, classes))
    drawn = (softmax(logits, axis=1).cumsum(axis=1) > rng.random((rows, 1))).argmax(axis=1)
    return sharpness * logits, drawn


# ---------------------------------------------------------------------------------------------------------- ECE


@pytest.mark.parametrize("bins", [1, 2, 7, 10, 15])
@pytest.mark.parametrize("classes", [2, 3, 10])
def test_ece_is_that_of_the_loops(bins, classes):
    logits, gold = model(500, classes, sharpness=2.0, seed=classes)
    table = softmax(logits, axis=1)
    assert expected_calibration_error(table, gold, bins) == pytest.approx(
        by_loops(table.tolist(), gold, bins), abs=1e-12
    )
    found = reliability_bins(table, gold, bins)
    again = np.nansum(found["count"] * np.abs(found["confidence"] - found["accuracy"])) / 500
    assert again == pytest.approx(expected_calibration_error(table, gold, bins), abs=1e-12)
    assert found["count"].sum() == 500


@pytest.mark.parametrize("bins", [2, 5, 6, 10, 14, 15, 20])
def test_ece_on_every_edge(bins):
    """Confidences k / bins exactly, right and wrong by turns, and between them."""
    confidence = [number / (2 * bins) for number in range(bins, 2 * bins + 1)] * 2
    table, gold = rows_of(confidence, [number % 3 == 0 for number in range(len(confidence))])
    assert expected_calibration_error(table, gold, bins) == pytest.approx(
        by_loops(table.tolist(), gold, bins), abs=1e-12
    )


def test_edges_by_hand():
    assert bins_of(np.array([0, 1e-9, 0.1, 0.1 + 1e-9, 0.3, 0.7, 0.9, 0.9 + 1e-9, 1]), 10).tolist() == [
        *(0, 0, 0, 1),
        *(2, 6, 8, 9, 9),
    ]
    assert bins_of(np.array([0, 0.5, 1]), 1).tolist() == [0, 0, 0]
    # A sure and wrong answer beside three of 0.99 that are right: one bin, |0.75 - (1 + 3 × 0.99) / 4| = 0.2425.
    table, gold = rows_of([1, 0.99, 0.99, 0.99], [False, True, True, True])
    assert expected_calibration_error(table, gold, 10) == pytest.approx(0.2425, abs=1e-12)
    # Probabilities of 0 and 1 alone: sure four times, right three times.
    assert expected_calibration_error([[1, 0], [0, 1], [1, 0], [0, 1]], [0, 1, 0, 0]) == 0.25
    found = reliability_bins([[1, 0], [0, 1], [1, 0], [0, 1]], [0, 1, 0, 0], bins=4)
    assert found["count"].tolist() == [0, 0, 0, 4]
    assert (found["low"][-1], found["high"][-1]) == (0.75, 1)
    assert (found["confidence"][-1], found["accuracy"][-1]) == (1, 0.75)
    assert np.isnan(found["accuracy"][:-1]).all() and np.isnan(found["confidence"][:-1]).all()


def test_netcal_finds_the_same():
    """Off the edges, where its bins are not ours (and float32 drops out of them: findings/netcal_ece_on_edges.sh)."""
    from netcal.metrics import ECE

    for classes in (2, 3, 5):
        logits, gold = model(2000, classes, sharpness=1.7, seed=classes)
        table = softmax(logits, axis=1)
        for bins in (1, 10, 15):
            # Given two columns, it would judge the probability of class 1, not that of the answer.
            given = (table, gold) if classes > 2 else (table.max(axis=1), (table.argmax(axis=1) == gold).astype(int))
            theirs = float(ECE(bins).measure(*given))
            assert expected_calibration_error(table, gold, bins) == pytest.approx(theirs, abs=1e-9)


BUGS = (
    calibration_bugs.phantom_bin,
    calibration_bugs.last_bin_skipped,
    calibration_bugs.unweighted,
    calibration_bugs.one_dropped,
    calibration_bugs.signed,
)


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.__name__)
def test_what_others_publish_is_seen(bug):
    """On these rows each differs by a hundredth or more; on most data some of them agree with the right one."""
    confidence = np.array([1, 1, 0.99, 0.95, 0.7, 0.7, 0.65, 0.55, 0.52, 0.5])
    right = np.array([0, 1, 1, 1, 1, 0, 1, 1, 1, 1], dtype=bool)
    table, gold = rows_of(confidence, right)
    ours = expected_calibration_error(table, gold, 10)
    assert ours == pytest.approx(by_loops(table.tolist(), gold, 10), abs=1e-12)
    assert abs(bug(confidence, right, 10) - ours) > 0.01


def test_the_first_of_equal_classes_is_the_answer():
    confidence, right = confidences([[0.4, 0.4, 0.2], [0.2, 0.4, 0.4]], [1, 1])
    assert confidence.tolist() == [0.4, 0.4] and right.tolist() == [False, True]


def test_halves_and_singles_are_summed_in_doubles():
    logits, gold = model(3000, 3, seed=5)
    table = softmax(logits, axis=1)
    for kind in (np.float32, np.float16):
        rounded = table.astype(kind)
        expected = by_loops(rounded.astype(float).tolist(), gold, 15)
        assert expected_calibration_error(rounded, gold) == pytest.approx(expected, abs=1e-12)


def test_one_class_alone_is_defined():
    """All gold ids equal: nothing to refuse, and by hand."""
    table, gold = rows_of([0.8, 0.6], [True, True])
    assert expected_calibration_error(table, gold, 5) == pytest.approx(0.3, abs=1e-12)
    assert accuracy_at(table, gold, 0.5) == 1


# ------------------------------------------------------------------------------------- by chance, and temperature


def test_a_calibrated_model_lies_in_the_range_95_times_in_100():
    inside = []
    for seed in range(150):
        logits, gold = model(300, 3, seed=seed)
        table = softmax(logits, axis=1)
        low, high = calibrated_range(table, draws=200)
        assert 0 < low < high
        inside.append(low <= expected_calibration_error(table, gold) <= high)
    assert 0.90 <= np.mean(inside) <= 0.99


def test_the_range_is_that_of_ids_drawn_from_the_whole_table():
    logits, _ = model(250, 3, seed=4)
    table, rng = softmax(logits, axis=1), np.random.default_rng(9)
    errors = []
    for _ in range(1500):
        gold = (table.cumsum(axis=1) > rng.random((250, 1))).argmax(axis=1)
        errors.append(by_loops(table.tolist(), gold, 10))
    expected = np.quantile(errors, [0.025, 0.975])
    assert calibrated_range(table, bins=10, draws=3000) == pytest.approx(expected, abs=0.002)


def test_the_range_shrinks_with_rows_and_a_wrong_model_leaves_it():
    widths = []
    for rows in (200, 3200):
        logits, gold = model(rows, 3, seed=1)
        low, high = calibrated_range(softmax(logits, axis=1))
        widths.append(high)
        assert (
            expected_calibration_error(softmax(3 * logits, axis=1), gold)
            > calibrated_range(softmax(3 * logits, axis=1))[1]
        )
    assert widths[0] == pytest.approx(4 * widths[1], rel=0.25), "16 times the rows, a fourth of the error"
    assert calibrated_range(softmax(logits, axis=1)) == (low, high), "the same seed"
    assert calibrated_range(softmax(logits, axis=1), seed=1) != (low, high)


@pytest.mark.parametrize("classes", [2, 3, 7])
def test_temperature_is_scipys(classes):
    logits, gold = model(400, classes, sharpness=3.0, seed=classes)

    def loss(sharpness):
        return -log_softmax(sharpness * logits, axis=1)[np.arange(400), gold].mean()

    expected = 1 / minimize_scalar(loss, bounds=(1e-3, 10), method="bounded", options={"xatol": 1e-12}).x
    assert best_temperature(logits, gold) == pytest.approx(expected, rel=1e-5)


def test_temperature_undoes_what_was_done():
    logits, gold = model(20_000, 3, seed=1)
    once = best_temperature(logits, gold)
    assert once == pytest.approx(1, abs=0.05)
    for factor in (0.01, 4.0, 1000.0):
        assert best_temperature(factor * logits, gold) == pytest.approx(factor * once, rel=1e-9)
        assert best_temperature(factor * logits + 7.0, gold) == pytest.approx(factor * once, rel=1e-9)


def test_chosen_on_validation_it_calibrates_test():
    held_out, gold = model(4000, 3, sharpness=2.5, seed=1)
    test, test_gold = model(4000, 3, sharpness=2.5, seed=2)
    before, after = softmax(test, axis=1), softmax(test / best_temperature(held_out, gold), axis=1)
    low, high = calibrated_range(after)
    assert expected_calibration_error(before, test_gold) > 3 * high
    assert low <= expected_calibration_error(after, test_gold) <= high
    assert (before.argmax(axis=1) == after.argmax(axis=1)).all()


# ---------------------------------------------------------------------------------------------------- abstaining


def test_risk_and_coverage_by_hand():
    table, gold = rows_of([0.9, 0.6, 0.8, 0.7], [True, False, True, False])
    covered, risk = risk_coverage(table, gold)
    assert covered.tolist() == [0.25, 0.5, 0.75, 1]
    assert risk == pytest.approx([0, 0, 1 / 3, 1 / 2], abs=1e-12)
    assert [accuracy_at(table, gold, share) for share in (0.25, 0.5, 0.75, 1)] == pytest.approx([1, 1, 2 / 3, 0.5])
    assert accuracy_at(table, gold, 0.26) == 1, "two rows"


def test_equal_confidences_are_answered_together():
    """And at a coverage that would part them, the accuracy is the mean over all orders."""
    confidence, right = [0.9, 0.8, 0.8, 0.8, 0.6], np.array([1, 1, 0, 0, 1], dtype=bool)
    table, gold = rows_of(confidence, right)
    covered, risk = risk_coverage(table, gold)
    assert covered.tolist() == [0.2, 0.8, 1] and risk == pytest.approx([0, 0.5, 0.4])
    for rows in (1, 2, 3, 4, 5):
        orders = [[0, *middle, 4] for middle in permutations([1, 2, 3])]
        expected = np.mean([right[order[:rows]].mean() for order in orders])
        assert accuracy_at(table, gold, rows / 5) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("rows", [3, 7, 10, 49])
def test_a_share_of_whole_rows_is_so_many_rows(rows):
    """k / N times N is sometimes over k in floating point."""
    table, gold = rows_of(np.linspace(0.99, 0.51, rows), np.arange(rows) % 2 == 0)
    assert accuracy_at(*rows_of([0.9] * 7 + [0.8] * 93, [True] * 7 + [False] * 93), 0.07) == 1, "0.07 × 100 is over 7"
    for wanted in range(1, rows + 1):
        assert accuracy_at(table, gold, wanted / rows) == pytest.approx((wanted + 1) // 2 / wanted, abs=1e-9)


# --------------------------------------------------------------------------------------------------- what is refused

GOOD = [[0.5, 0.5], [0.2, 0.8]]


@pytest.mark.parametrize(
    ("probabilities", "gold", "message"),
    [
        (
            [[0.5, 0.4], [0.5, 0.5]],
            [0, 1],
            r"probabilities, row 0: \[0\.5, 0\.4\] has the sum 0\.9; give what a softmax",
        ),
        ([[0.5, 0.5], [1.2, -0.2]], [0, 1], r"row 1: \[1\.2, -0\.2\] has the sum 1"),
        ([[3.0, -1.0], [0.5, 0.5]], [0, 1], r"row 0: .* has the sum 2"),
        ([[0.5, 0.5], [float("nan"), 1]], [0, 1], r"probabilities, row 1: \[nan, 1\.0\] is not finite; look at"),
        (GOOD, [0, 2], "gold has the id 2: give ids of the 2 classes, from 0"),
        (GOOD, [0, -100], "gold has the id -100: give ids"),
        (GOOD, [0], r"gold has the shape \(1,\) and the type int64: give 2 whole ids"),
        (GOOD, [0.0, 1.0], r"gold has the shape \(2,\) and the type float64: give 2 whole ids"),
        (GOOD, [True, False], "the type bool: give 2 whole ids"),
        ([0.5, 0.8], [0, 1], r"probabilities has the shape \(2,\): give \(N, C\), a row an example"),
        ([[1.0], [1.0]], [0, 0], r"probabilities has the shape \(2, 1\): give \(N, C\)"),
        (np.zeros((0, 2)), np.zeros(0, dtype=int), r"probabilities has the shape \(0, 2\)"),
    ],
)
def test_what_is_no_distribution_or_no_id_is_refused(probabilities, gold, message):
    functions = (confidences, reliability_bins, expected_calibration_error, risk_coverage)
    for function in (*functions, lambda table, ids: accuracy_at(table, ids, 0.5)):
        with pytest.raises(ValueError, match=message):
            function(probabilities, gold)


def test_a_range_of_what_is_no_distribution_is_refused():
    with pytest.raises(ValueError, match=r"row 1: .* has the sum 0\.9"):
        calibrated_range([[0.5, 0.5], [0.5, 0.4]])


@pytest.mark.parametrize("bins", [0, -3])
def test_bins_that_are_none(bins):
    with pytest.raises(ValueError, match=f"bins={bins}: give a whole number of at least 1"):
        expected_calibration_error(GOOD, [0, 1], bins)


@pytest.mark.parametrize("coverage", [0, -0.5, 1.01, float("nan")])
def test_coverages_that_are_none(coverage):
    with pytest.raises(ValueError, match=r"coverage=.*: give a fraction over 0, at most 1"):
        accuracy_at(GOOD, [0, 1], coverage)


@pytest.mark.parametrize(
    ("logits", "gold", "message"),
    [
        (
            [[2.0, 1.0], [0.0, 3.0]],
            [0, 1],
            "the highest logit in every row: no temperature is best; give held-out rows",
        ),
        ([[2.0, 1.0], [0.0, 3.0]], [1, 0], "no higher logits than others in the mean: no temperature is best"),
        ([[1.0, 0.0], [1.0, 0.0]], [0, 1], "no higher logits than others"),
        ([[float("inf"), 1.0], [0.0, 3.0]], [1, 0], r"logits, row 0: \[inf, 1\.0\] is not finite"),
        ([[1.0, 2.0]], [2], "gold has the id 2"),
        ([1.0, 2.0], [0, 1], r"logits has the shape \(2,\)"),
    ],
)
def test_logits_without_a_best_temperature(logits, gold, message):
    with pytest.raises(ValueError, match=message):
        best_temperature(logits, gold)
