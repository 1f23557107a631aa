"""Drift: each test against its formula, its alarms without a change, and what it finds with one."""

import numpy as np
import pytest
from bug_zoo import drift_bugs
from scipy import stats

from bertlib.metrics.calibration import expected_calibration_error
from bertlib.serve.drift import (
    AlertRule,
    Drift,
    calibration_test,
    classifier_test,
    ks_tests,
    mmd_test,
    shares_test,
)


def samples(seed, n=30, m=20, d=5, shift=0.0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, d)), rng.normal(size=(m, d)) + shift


# -------------------------------------------------------------------------------------------------------------- MMD


def mmd_by_loops(x, y):
    rows = [*x, *y]
    apart = [np.linalg.norm(a - b) for i, a in enumerate(rows) for b in rows[:i]]
    sigma2 = np.median(np.square(apart))

    def k(a, b):
        return np.exp(-(np.linalg.norm(a - b) ** 2) / (2 * sigma2))

    n, m = len(x), len(y)
    own = sum(k(x[i], x[j]) for i in range(n) for j in range(n) if i != j) / (n * (n - 1))
    new = sum(k(y[i], y[j]) for i in range(m) for j in range(m) if i != j) / (m * (m - 1))
    return own + new - 2 * sum(k(a, b) for a in x for b in y) / (n * m)


@pytest.mark.parametrize("shift", [0.0, 0.8])
def test_mmd_is_the_double_loop(shift):
    x, y = samples(0, 13, 9, shift=shift)
    found = mmd_test(x, y, rng=np.random.default_rng(0))
    assert found.effect == pytest.approx(mmd_by_loops(x, y), abs=1e-12)


def test_each_permutation_is_the_double_loop_too():
    x, y = samples(1, 7, 5, shift=0.5)
    p = mmd_test(x, y, permutations=50, rng=np.random.default_rng(3)).p
    as_is = np.arange(12) < 7
    rng = np.random.default_rng(3)
    dealt = rng.permuted(np.tile(as_is, (50, 1)), axis=1)
    rows = np.concatenate([x, y])
    values = [mmd_by_loops(rows[part], rows[~part]) for part in dealt]
    assert p == pytest.approx((1 + sum(value >= mmd_by_loops(x, y) - 1e-12 for value in values)) / 51)


def alarms(test, windows=300, **sizes):
    return np.mean(
        [test(*samples(seed, **sizes), rng=np.random.default_rng(seed)).p <= 0.05 for seed in range(windows)]
    )


BAND = 2 * np.sqrt(0.05 * 0.95 / 300)


@pytest.mark.parametrize("test", [mmd_test, classifier_test])
def test_alarms_without_a_change_are_as_many_as_promised(test):
    assert alarms(test, n=60, m=60) == pytest.approx(0.05, abs=BAND)


def test_a_null_of_the_reference_alone_alarms_more():
    """In five dimensions it is a third of the windows; in 384 it is nearly all of them."""
    windows = [
        drift_bugs.null_of_the_reference(*samples(seed, 60, 60), permutations=40, rng=np.random.default_rng(seed)).p
        for seed in range(60)
    ]
    assert np.mean(np.array(windows) <= 0.05) > 0.05 + 3 * np.sqrt(0.05 * 0.95 / 60)


@pytest.mark.parametrize("test", [mmd_test, classifier_test])
def test_a_change_is_found(test):
    found = test(*samples(0, 100, 100, shift=0.7), rng=np.random.default_rng(0))
    assert found.p < 0.02
    assert found.effect > 0.03


def test_the_effect_stays_and_p_falls_as_windows_grow():
    """What makes everything drift: p tells how sure it is, not how large."""
    found = [
        np.array(
            [
                [
                    (result := mmd_test(*samples(seed, n, n, shift=0.25), rng=np.random.default_rng(seed))).p,
                    result.effect,
                ]
                for seed in range(20)
            ]
        ).mean(axis=0)
        for n in (40, 320)
    ]
    assert found[1][0] < 0.02 < found[0][0]
    assert found[1][1] == pytest.approx(found[0][1], abs=0.006)


# ------------------------------------------------------------------------------------------------------- classifier


def test_a_classifier_is_asked_only_about_rows_that_it_has_not_seen():
    """With more columns than rows it is right about every row that it has seen."""
    right = [classifier_test(*samples(seed, 40, 40, 200), rng=np.random.default_rng(seed)).effect for seed in range(40)]
    assert abs(np.mean(right)) < 0.05


def test_a_larger_reference_gives_no_advantage_by_guessing():
    found = [classifier_test(*samples(seed, 400, 40), rng=np.random.default_rng(seed)).effect for seed in range(40)]
    assert abs(np.mean(found)) < 0.05


# --------------------------------------------------------------------------------------------------------------- KS


@pytest.mark.parametrize("ties", [False, True])
def test_ks_is_scipys_column_by_column(ties):
    x, y = samples(0, 50, 40, 6, shift=0.4)
    if ties:
        x, y = x.round(), y.round()
    first, adjusted = ks_tests(x, y)
    theirs = [stats.ks_2samp(a, b, method="exact") for a, b in zip(x.T, y.T, strict=True)]
    assert first.effect == pytest.approx(max(result.statistic for result in theirs))
    expected = stats.false_discovery_control([result.pvalue for result in theirs])
    np.testing.assert_allclose(adjusted, expected, atol=0.03, rtol=0.2)
    assert first.p == adjusted.min()


def test_many_columns_do_not_alarm_more():
    found = np.array([ks_tests(*samples(seed, 60, 60, 50))[0].p for seed in range(100)])
    assert (found <= 0.05).mean() <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / 100)


def test_the_columns_that_changed_are_named():
    x, y = samples(0, 200, 200, 20)
    y[:, [3, 11]] += 1
    _, adjusted = ks_tests(x, y)
    assert np.flatnonzero(adjusted <= 0.05).tolist() == [3, 11]


# --------------------------------------------------------------------------------------- what a model says, and how


def test_shares_are_chi_squared():
    before, after = np.repeat([0, 1, 2], [50, 30, 20]), np.repeat([0, 1, 2], [30, 40, 30])
    found = shares_test(before, after)
    assert found.effect == pytest.approx(0.2)
    assert found.p == pytest.approx(stats.chi2_contingency([[50, 30, 20], [30, 40, 30]], correction=False).pvalue)
    assert shares_test(before, before) == Drift(1.0, 0.0)
    assert shares_test(np.zeros(5, int), np.zeros(5, int)) == Drift(1.0, 0.0)


def calibrated(seed, n=150, flips=0.0):
    rng = np.random.default_rng(seed)
    table = rng.dirichlet(np.ones(3), n)
    gold = np.array([rng.choice(3, p=row) for row in table])
    turned = rng.random(n) < flips
    return table, np.where(turned, rng.integers(0, 3, n), gold)


def test_calibration_is_the_gain_in_ece():
    before, after = calibrated(0), calibrated(1, flips=0.5)
    found = calibration_test(before, after, rng=np.random.default_rng(0))
    gain = expected_calibration_error(*after, bins=10) - expected_calibration_error(*before, bins=10)
    assert found.effect == pytest.approx(gain)
    assert found.p < 0.05


def test_calibration_alarms_as_often_as_promised():
    found = [
        calibration_test(calibrated(seed), calibrated(seed + 1000), rng=np.random.default_rng(seed)).p
        for seed in range(300)
    ]
    assert np.mean(np.array(found) <= 0.05) == pytest.approx(0.05, abs=BAND)


# ------------------------------------------------------------------------------------------------------------ rules


def test_an_alert_waits_for_windows_in_a_row_and_for_an_effect():
    rule = AlertRule(0.05, in_a_row=2, least_effect=0.1)
    windows = [
        Drift(0.01, 0.2),
        Drift(0.05, 0.1),
        Drift(0.01, 0.3),
        Drift(0.2, 0.3),
        Drift(0.01, 0.3),
        Drift(0.01, 0.09),
    ]
    assert rule.alerts(windows) == [False, True, True, False, False, False]
    assert rule.promised == pytest.approx(0.0025)
    assert AlertRule().alerts(windows) == [True, True, True, False, True, True]


def test_alerts_by_p_alone_grow_with_the_rows():
    """A shift that matters to nobody: 0.2 standard deviations in one of five columns."""

    def windows(n):
        found = []
        for seed in range(20):
            x, y = samples(seed, n, n)
            y[:, 0] += 0.2
            found.append(ks_tests(x, y)[0])
        return found

    few, many = windows(50), windows(2000)
    assert np.mean(drift_bugs.by_p_alone(few)) < 0.3
    assert np.mean(drift_bugs.by_p_alone(many)) > 0.95
    assert not any(AlertRule(least_effect=0.15).alerts(many))


@pytest.mark.parametrize("settings", [{"level": 0}, {"level": 1}, {"in_a_row": 0}, {"in_a_row": 1.5}])
def test_rules_that_make_no_sense(settings):
    with pytest.raises(ValueError, match=f"{next(iter(settings))}="):
        AlertRule(**settings)


@pytest.mark.parametrize(
    ("reference", "new", "message"),
    [
        (np.zeros(5), np.zeros((5, 2)), r"reference has shape \(5,\)"),
        (np.zeros((5, 2)), np.zeros((1, 2)), r"new has shape \(1, 2\)"),
        (np.zeros((5, 2)), np.full((5, 2), np.nan), "new holds NaN"),
        (np.zeros((5, 2)), np.zeros((5, 3)), "2 columns, new 3"),
    ],
)
def test_tables_that_do_not_fit(reference, new, message):
    for test in (
        lambda: mmd_test(reference, new, rng=np.random.default_rng(0)),
        lambda: classifier_test(reference, new, rng=np.random.default_rng(0)),
        lambda: ks_tests(reference, new),
    ):
        with pytest.raises(ValueError, match=message):
            test()


def test_too_little_is_named():
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="at least 4"):
        classifier_test(np.zeros((3, 2)), np.zeros((9, 2)), rng=rng)
    with pytest.raises(ValueError, match="permutations=0"):
        mmd_test(*samples(0), permutations=0, rng=rng)
    with pytest.raises(ValueError, match="class ids"):
        shares_test([], [1])


def test_rows_that_are_all_the_same_have_not_changed():
    ones = np.ones((10, 3))
    assert mmd_test(ones, ones, rng=np.random.default_rng(0)) == Drift(1.0, 0.0)
    assert ks_tests(ones, ones)[0] == Drift(1.0, pytest.approx(0))
