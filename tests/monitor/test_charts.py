"""The charts beside computations that have nothing in common with them, and what goes wrong where they are misused."""

import numpy as np
import pytest
from bug_zoo import monitor_bugs
from scipy.stats import false_discovery_control, norm

from bertcourse.monitor import charts
from bertcourse.monitor.charts import (
    MONTH,
    add_up,
    alarms_a_month,
    benjamini_hochberg,
    block_days,
    chance_of,
    cusum,
    delays,
    ewma,
    ewma_alarms,
    f1,
    fit_limit,
    fit_reference,
    highest_sums,
    index,
    point_adjusted,
    share_values,
    tone_values,
    two_sided,
)


def run_length_by_chain(step, states, absorbed):
    """Mean days to an alarm from state 0, by a Markov chain over so many states (Brook and Evans, 1972).

    `step(i)` gives the chance to be in each state after a day in state i; what is missing to 1 is the alarm.
    """
    table = np.array([step(i) for i in range(states)])
    return float(np.linalg.solve(np.eye(states) - table, np.ones(states))[absorbed])


def cusum_run_length(slack, limit, shift=0.0, states=201):
    width = 2 * limit / (2 * states - 1)

    def step(i):
        edges = (np.arange(states + 1) - 0.5) * width - i * width + slack - shift
        chance = np.diff(norm.cdf(edges))
        chance[0] = norm.cdf(edges[1])  # all that would lie below 0
        return chance

    return run_length_by_chain(step, states, 0)


def ewma_run_length(weight, limit, states=201):
    """Of a two-sided EWMA with its final limits."""
    most = limit * np.sqrt(weight / (2 - weight))
    width = 2 * most / states
    centres = -most + (np.arange(states) + 0.5) * width

    def step(i):
        edges = (np.append(centres - width / 2, most) - (1 - weight) * centres[i]) / weight
        return np.diff(norm.cdf(edges))

    return run_length_by_chain(step, states, states // 2)


# Two-sided average run lengths: Montgomery, Introduction to Statistical Quality Control, tables 9.3 and 9.11; a
# one-sided CUSUM takes twice as long where nothing happens.
@pytest.mark.parametrize(
    ("limit", "shift", "published"), [(4, 0.0, 168), (5, 0.0, 465), (4, 1.0, 8.38), (5, 1.0, 10.4)]
)
def test_the_chain_gives_the_published_run_lengths_of_a_cusum(limit, shift, published):
    two = cusum_run_length(0.5, limit, shift) / (1 if shift else 2)
    assert two == pytest.approx(published, rel=0.01)


@pytest.mark.parametrize(("weight", "limit"), [(0.4, 3.054), (0.25, 2.998), (0.1, 2.814)])
def test_the_chain_gives_the_published_run_lengths_of_an_ewma(weight, limit):
    assert ewma_run_length(weight, limit) == pytest.approx(500, rel=0.02)


@pytest.mark.parametrize(("limit", "shift"), [(3.0, 0.0), (2.0, 0.0), (4.0, 1.0)])
def test_our_cusum_runs_as_long(limit, shift):
    rng = np.random.default_rng(3)
    values = rng.standard_normal((2500, 400)) + shift
    alarms = cusum(values, 0.5, limit)[1].sum()
    wanted = cusum_run_length(0.5, limit, shift)
    assert values.size / alarms == pytest.approx(wanted, rel=0.03)  # it begins at 0 again behind each alarm


def test_our_ewma_runs_as_long():
    rng = np.random.default_rng(4)
    values = rng.standard_normal((6000, 300))
    values[:60] = 0  # its limits are wider by then
    path = np.abs(ewma(values, 0.25))
    first = (path > 2.5).argmax(axis=0)
    seen = (path > 2.5).any(axis=0)
    assert seen.all() and first.mean() - 60 == pytest.approx(ewma_run_length(0.25, 2.5), rel=0.15)


def cusum_by_hand(values, slack, limit):
    total, path, alarms = 0.0, [], []
    for value in values:
        if not np.isnan(value):
            total = max(0.0, total + value - slack)
        path.append(total)
        alarms.append(total > limit)
        if alarms[-1]:
            total = 0.0
    return path, alarms


def test_cusum_and_ewma_equal_loops():
    rng = np.random.default_rng(0)
    values = rng.standard_normal((60, 5)) + 0.4
    values[rng.random(values.shape) < 0.2] = np.nan
    path, alarms = cusum(values, 0.3, 2.0)
    smooth = ewma(values, 0.3)
    for column in range(5):
        by_hand = cusum_by_hand(values[:, column], 0.3, 2.0)
        assert path[:, column] == pytest.approx(by_hand[0]) and alarms[:, column].tolist() == by_hand[1]
        mean, weights = 0.0, 0.0
        for day, value in enumerate(values[:, column]):
            if not np.isnan(value):
                mean, weights = 0.3 * value + 0.7 * mean, 0.3**2 + 0.7**2 * weights
            assert smooth[day, column] == pytest.approx(mean / np.sqrt(weights) if weights else 0.0)
    assert alarms.any()
    with pytest.raises(ValueError, match=r"weight=0: give a number over 0"):
        ewma(values, 0)


def test_an_ewma_crosses_once():
    values = np.array([0, 3, 3, 3, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4.0, 4])
    assert np.flatnonzero(ewma_alarms(values, 0.5, 2.0)).tolist() == [1, 14]


@pytest.mark.parametrize("shape", [(1,), (7,), (40, 12), (3, 0)])
def test_benjamini_hochberg_is_that_of_scipy(shape):
    rng = np.random.default_rng(1)
    p = np.round(rng.random(shape) ** 3, 2)  # with ties
    assert benjamini_hochberg(p).ravel() == pytest.approx(false_discovery_control(p.ravel()) if p.size else [])
    if p.size > 1:
        p.flat[0] = np.nan
        adjusted = benjamini_hochberg(p).ravel()
        assert np.isnan(adjusted[0]) and adjusted[1:] == pytest.approx(false_discovery_control(p.ravel()[1:]))


def test_chances_of_values_are_those_of_the_normal_distribution():
    values = np.array([[-3.1, 0.0, 1.96], [8.0, np.nan, -0.4]])
    assert two_sided(values) == pytest.approx(2 * norm.sf(np.abs(values)), nan_ok=True)


def test_wrong_chances_are_refused():
    with pytest.raises(ValueError, match=r"p=1\.5: give numbers from 0 to 1"):
        benjamini_hochberg(np.array([0.1, 1.5]))


# ------------------------------------------------------------------------------------------------------------ tables


def a_table():
    dates = ["2020-01-02"] * 3 + ["2020-01-04"] * 2
    return add_up(dates, ["oil", "oil", "shops", "oil", "oil"], [-0.5, 0.5, 1.0, -1.0, -0.5], ("oil", "shops"))


def test_days_are_added_up():
    table = a_table()
    assert table.days == ("2020-01-02", "2020-01-04") and table.series == ("all", "oil", "shops")
    assert table.count.tolist() == [[3, 2, 1], [2, 2, 0]] and table.total.tolist() == [[1, 0, 1], [-1.5, -1.5, 0]]
    assert table[1:].days == ("2020-01-04",)
    for wrong, told in (
        ((["2020-01-02"], ["oil"], [1.5], ("oil",)), "tones: 1.5: give numbers from -1 to 1"),
        ((["2020-01-02"], ["oil"], [np.nan], ("oil",)), "tones: nan"),
        ((["2020-01-02"], ["gas"], [0.5], ("oil",)), "topics: 'gas': give one of oil"),
        (([], [], [], ("oil",)), "0 dates, 0 topics, 0 tones"),
    ):
        with pytest.raises(ValueError, match=told):
            add_up(*wrong)


def drawn_table(days, seed=0, shift=0.0, names=("oil", "shops", "banks")):
    rng = np.random.default_rng(seed)
    many = 20 * days
    dates = [f"{2020 + day // 336}-{day // 28 % 12 + 1:02d}-{day % 28 + 1:02d}" for day in np.repeat(range(days), 20)]
    tones = np.clip(rng.normal(-0.2 + shift, 0.4, many), -1, 1)
    return add_up(dates, rng.choice(names, many, p=(0.5, 0.3, 0.2)).tolist(), tones, names)


def test_normal_is_that_of_all_headlines():
    table = drawn_table(40)
    reference = fit_reference(table)
    mean = table.total.sum(axis=0) / table.count.sum(axis=0)
    assert reference.mean == pytest.approx(mean) and reference.share[0] == 1
    values = tone_values(table, reference)
    assert np.nanmean(values, axis=0) == pytest.approx(0, abs=0.4) and np.nanstd(values, axis=0) == pytest.approx(
        1, abs=0.3
    )
    shares = share_values(table, reference)
    assert np.isnan(shares[:, 0]).all() and shares[:, 1:].std(axis=0) == pytest.approx(1, abs=0.35)
    day, low, high = index(table, reference)
    assert (low <= day).all() and (high - low)[0, 0] == pytest.approx(2 * 1.96 * reference.deviation[0] / np.sqrt(20))


def test_a_rare_topic_is_judged_as_all_are():
    reference = fit_reference(add_up([f"2020-01-0{d}" for d in (1, 2, 3, 4, 5, 6)] * 4, ["a"] * 22 + ["b"] * 2,
                                     np.linspace(-1, 1, 24), ("a", "b")))  # fmt: skip
    assert reference.mean[2] == reference.mean[0] and reference.deviation[2] == reference.deviation[0]
    with pytest.raises(ValueError, match="2 days: give at least five"):
        fit_reference(a_table())
    flat = add_up([f"2020-01-0{d}" for d in (1, 2, 3, 4, 5)], ["a"] * 5, [0.25] * 5, ("a",))
    with pytest.raises(ValueError, match=r"all 5 headlines have the tone 0\.25"):
        fit_reference(flat)


# ------------------------------------------------------------------------------------------------- promised and counted


def test_blocks_stay_together_and_wrap():
    rows = block_days(10, 25, 4, 300, np.random.default_rng(0))
    assert rows.shape == (300, 25) and set(rows.ravel()) == set(range(10))
    inside = np.arange(24) % 4 != 3
    steps = (np.diff(rows, axis=1) % 10) == 1
    assert steps[:, inside].all() and not steps[:, ~inside].all()
    for wrong in ((10, 0, 3, 5), (2, 5, 3, 5)):
        with pytest.raises(ValueError, match="block ≤ days"):
            block_days(*wrong, np.random.default_rng(0))


def test_a_limit_holds_on_other_shuffles_what_it_promised_on_its_own():
    table = drawn_table(26, seed=5)
    values = tone_values(table, fit_reference(table))[block_days(26, MONTH, 3, 500, np.random.default_rng(1))]
    for promised in (0.5, 1.0, 4.0):
        limit = fit_limit(values[:250], 0.5, promised)
        assert alarms_a_month(values[:250], 0.5, limit).mean() <= promised
        counted = alarms_a_month(values[250:], 0.5, limit)
        assert abs(counted.mean() - promised) <= 3 * counted.std(ddof=1) / np.sqrt(250)
    with pytest.raises(ValueError, match="promised=0"):
        fit_limit(values, 0.5, 0)


def test_chances_are_those_of_the_highest_sums():
    values = np.random.default_rng(0).standard_normal((200, MONTH, 4))
    highest = highest_sums(values, 0.5)
    assert (np.diff(highest) >= 0).all()
    one = max(cusum(sign * values[7], 0.5)[0].max() for sign in (1, -1))
    assert one in highest
    assert chance_of(0, highest) == 1 and chance_of(highest[-1] + 1, highest) == pytest.approx(1 / 201)
    later = highest_sums(np.random.default_rng(1).standard_normal((400, MONTH, 4)), 0.5)
    assert np.mean([chance_of(one, highest) <= 0.1 for one in later]) == pytest.approx(0.1, abs=0.05)


# ------------------------------------------------------------------------------------------------------------ events


def test_delays_count_from_the_public_date():
    events = [
        {"date": "2020-03-05", "series": "travel", "direction": "down"},
        {"date": "2020-03-20", "series": "economy", "direction": "up"},
        {"date": "2020-04-20", "series": "oil", "direction": "down"},
    ]
    alarms = {("travel", "down"): ["2020-02-20", "2020-03-04", "2020-03-09"], ("economy", "down"): ["2020-03-21"],
              ("oil", "down"): ["2020-05-20"]}  # fmt: skip
    assert delays(alarms, events) == [-1, None, None]
    assert delays(alarms, events, early=0, late=40) == [4, None, 30]


def test_one_alarm_calls_a_whole_run():
    true = np.array([0, 1, 1, 1, 0, 0, 1, 1], dtype=bool)
    called = np.array([1, 0, 0, 1, 0, 0, 0, 0], dtype=bool)
    adjusted = point_adjusted(called, true)
    assert adjusted.tolist() == [1, 1, 1, 1, 0, 0, 0, 0]
    assert f1(called, true) == pytest.approx(2 / 7) and f1(adjusted, true) == pytest.approx(2 * 3 / 9)
    assert f1(np.zeros(8, bool), true) == 0


# ----------------------------------------------------------------------- the bugs: each is caught by what stands above


def test_b24_random_alarms_look_excellent_when_adjusted():
    rng = np.random.default_rng(0)
    true = np.zeros(600, bool)
    for start in range(30, 600, 60):
        true[start : start + 20] = True
    called = rng.random(600) < 0.15
    assert f1(called, true) < 0.3 and f1(point_adjusted(called, true), true) > 0.75
    assert monitor_bugs.f1_of_whole_runs(called, true) == f1(point_adjusted(called, true), true)


def test_b25_a_test_for_each_topic_and_day_finds_something_in_nothing():
    rng = np.random.default_rng(0)
    values = rng.standard_normal((40, 26, 12))
    p, bug = two_sided(values), monitor_bugs.alpha_for_each_test(values)
    assert bug.mean() == pytest.approx(0.05, abs=0.01) and bug.any(axis=(1, 2)).all()  # an alarm in every month
    shared = np.array([(benjamini_hochberg(month) <= 0.05).any() for month in p])
    assert shared.mean() <= 0.15


def test_b26_a_reference_of_the_whole_series_hides_what_changed():
    before, after = drawn_table(60, seed=1), drawn_table(30, seed=2, shift=-0.25)
    both = np.concatenate([tone_values(part, fit_reference(before))[:, 0] for part in (before, after)])
    joined = [np.concatenate([getattr(before, name), getattr(after, name)]) for name in ("count", "total", "squares")]
    whole = charts.DayTable(tuple(f"{i:03d}" for i in range(90)), before.series, *joined)
    late = tone_values(whole, monitor_bugs.normal_of_the_whole_series(whole, 60))[:, 0]
    past, all_of_it = (cusum(-values, 0.5, 8.0)[1] for values in (both, late))
    assert past[60:].any() and past[60:].sum() > all_of_it[60:].sum()
    up = cusum(late, 0.5, 8.0)[1]
    assert up[:60].any() and not cusum(both, 0.5, 8.0)[1][:60].any()  # "good news" before anything was known
