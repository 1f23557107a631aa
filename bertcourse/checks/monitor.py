"""Checks of the lesson on a monitor (Page, 1954; Benjamini and Hochberg, 1995; Cohen, 1960)."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from bertcourse.checks.engine import against, number
from bertcourse.monitor import charts

# --------------------------------------------------------------------------------------------------------- references


def _once(dates: list[str], texts: list[str]) -> list[int]:
    return _first_of(texts, lambda n: (dates[n], n))


def _kappa(one: list[str], other: list[str]) -> float:
    return _beyond(_by_both_shares)(one, other)


def _value(tones: np.ndarray, mean: float, deviation: float) -> float:
    n = len(tones)
    return float((np.sum(tones) - n * mean) / (deviation * math.sqrt(n)))


def _cusum(values: np.ndarray, slack: float, limit: float) -> list[int]:
    return _summed()(values, slack, limit)


def _false_alarms(topics: int, days: int, percent: int) -> float:
    return topics * days * percent / 100


def _adjusted(p: np.ndarray) -> list[float]:
    return charts.benjamini_hochberg(np.asarray(p)).tolist()


def _blocks(starts: list[int], block: int, days: int, length: int) -> list[int]:
    return [(start + step) % days for start in starts for step in range(block)][:length]


def _delay(alarms: list[int], event: int, early: int, late: int) -> int:
    return _within(lambda day: -early <= day <= late)(alarms, event, early, late)


def _point_adjusted(called: list[bool], true: list[bool]) -> list[bool]:
    return charts.point_adjusted(np.array(called, dtype=bool), np.array(true, dtype=bool)).tolist()


# -------------------------------------------------------------------------------------------------------------- cases


def _posts(rng):
    yield ["2020-03-02", "2020-03-01", "2020-03-03"], ["Oil falls", "Oil falls", "Shops shut"]
    yield ["2020-03-01", "2020-03-02"], ["Oil falls", "OIL FALLS"]
    yield ["2020-03-05", "2020-03-04", "2020-02-28"], ["Oil falls", "Shops shut", "oil falls"]
    yield ["2020-03-01", "2020-03-01", "2020-03-01"], ["Oil falls", "Shops shut", "Oil falls"]  # on one day
    yield ["2020-12-31", "2020-03-01"], ["Banks rise", "banks rise"]
    yield ["2020-03-01"], ["Oil falls"]
    texts = ("Oil falls", "oil falls", "Shops shut", "shops SHUT", "Banks rise", "Jobs go", "JOBS GO")
    for size in (4, 5, 6, 7, 8, 9):
        dates = [f"2020-0{rng.integers(1, 8)}-{rng.integers(1, 29):02d}" for _ in range(size)]
        yield dates, [str(text) for text in rng.choice(texts, size)]


def _two_readers(rng):
    yield ["bad", "bad", "good", "good"], ["bad", "good", "good", "good"]
    yield ["bad", "bad", "good"], ["bad", "bad", "good"]
    yield ["bad", "good", "fair"], ["good", "fair", "bad"]  # never alike
    yield ["bad"] * 8 + ["good"] * 2, ["bad"] * 7 + ["good", "bad", "good"]  # mostly one label
    yield ["bad", "bad", "good", "good"], ["bad", "good", "bad", "good"]  # as by chance
    yield ["bad", "good", "bad", "good"], ["fair", "good", "bad", "fair"]  # a label of one reader alone
    for size in (6, 7, 8, 10, 12, 20):
        one = rng.choice(["bad", "fair", "good"], size, p=(0.6, 0.2, 0.2))
        other = np.where(rng.random(size) < 0.7, one, rng.choice(["bad", "fair", "good"], size))
        if len({*one, *other}) > 1:
            yield one.tolist(), other.tolist()


def _days_of_tones(rng):
    yield np.array([0.5, -0.5, 0.2, 0.2]), 0.0, 0.5
    yield np.array([-0.8]), -0.3, 0.25
    yield np.array([-0.5, -0.9, -0.7, -0.1, -0.3, -0.5, 0.0, -1.0, -0.5]), -0.2, 0.5
    yield np.array([0.1, 0.3]), 0.2, 0.4  # as always
    for size in (1, 2, 3, 4, 9, 16):
        yield np.round(rng.uniform(-1, 1, size), 2), float(rng.choice([-0.4, -0.3, 0.1])), float(rng.choice([0.3, 0.6]))


def _series(rng):
    nan = math.nan
    yield np.array([1.0, 1.0, 1.0, 0.0]), 0.5, 1.25
    yield np.array([0.0, 2.0, -3.0, 1.5, 1.5, 0.0]), 0.5, 1.75  # begins at 0 again and again
    yield np.array([3.0, 3.0, 3.0, -1.0]), 0.5, 2.0  # an alarm a day
    yield np.array([1.5, nan, 1.5, nan]), 0.5, 1.5  # nothing was seen
    yield np.array([0.4, 0.4, 0.4]), 0.5, 0.1  # never more than the slack
    yield np.array([1.5, 1.5, 1.5, 0.5, 2.5]), 0.5, 2.0  # just the limit
    yield np.array([-4.0, 1.0, 1.0, 1.0, -2.0, -2.0, -2.0]), 0.5, 1.25
    for size in (8, 10, 12, 15, 20, 25):
        values = np.round(rng.standard_normal(size) + 0.5, 1)
        values[rng.random(size) < 0.15] = nan
        yield values, float(rng.choice([0.25, 0.5, 0.75])), float(rng.choice([1.55, 2.05, 3.05]))


def _chances(rng):
    yield (np.array([0.01, 0.02, 0.3]),)
    yield (np.array([0.04, 0.005, 0.03, 0.9]),)  # not sorted
    yield (np.array([0.01, 0.04, 0.041, 0.042]),)  # a later one is smaller once it is adjusted
    yield (np.array([0.5, 0.9, 0.8]),)
    yield (np.array([0.2]),)
    yield (np.array([0.02, 0.02, 0.02]),)
    for size in (4, 5, 6, 8, 10, 14):
        yield (np.round(rng.random(size) ** 2, 3),)


def _block_starts(rng):
    yield [2, 0], 3, 10, 6
    yield [8, 4], 3, 10, 6  # the first goes round the end
    yield [1, 5], 4, 9, 6  # the last is cut
    yield [3, 3, 0], 1, 5, 3
    yield [4], 3, 5, 3
    for _ in range(7):
        days, block, many = int(rng.integers(5, 12)), int(rng.integers(2, 5)), int(rng.integers(2, 4))
        starts = rng.integers(0, days, many).tolist()
        yield starts, block, days, many * block - int(rng.integers(0, block))


def _alarms_and_events(rng):
    yield [12, 20], 10, 2, 14
    yield [9, 15], 10, 2, 14  # a page's date may be early
    yield [3, 30], 10, 2, 14  # none
    yield [7, 11], 10, 2, 14  # too early to be of it
    yield [], 10, 2, 14
    yield [24], 10, 2, 14  # on the last day
    yield [8], 10, 2, 14  # and on the first
    yield [22, 13, 10], 10, 1, 5  # not sorted
    yield [8, 11], 10, 2, 14  # the second is nearer
    for _ in range(7):
        alarms = rng.integers(0, 60, int(rng.integers(1, 5))).tolist()
        yield alarms, int(rng.integers(8, 40)), int(rng.integers(0, 4)), int(rng.integers(5, 20))


def _runs(rng):
    yield [False, True, False, False], [True, True, True, False]
    yield [True, False, False, True], [False, True, True, False]  # false alarms stay as they are
    yield [False, False, True], [False, True, True]  # up to the last day
    yield [False] * 4, [True, True, False, True]
    yield [True, False, False, False, True], [True, True, False, True, True]  # two runs
    yield [False, True, False, False, False], [True, True, False, True, True]  # one of two
    yield [True], [True]
    for size in (6, 7, 8, 10, 12):
        yield (rng.random(size) < 0.3).tolist(), (rng.random(size) < 0.6).tolist()


# ------------------------------------------------------------------------------------------- known mistakes: once


def _first_of(texts, order, key=str.lower):
    """The first row of each text by an order, numbers ascending."""
    best = {}
    for n in sorted(range(len(texts)), key=order):
        best.setdefault(key(texts[n]), n)
    return sorted(best.values())


def _first_row(dates, texts):
    return _first_of(texts, lambda n: n)


def _latest(dates, texts):
    best = {}
    for n in sorted(range(len(texts)), key=lambda n: (dates[n], n)):
        best[texts[n].lower()] = n
    return sorted(best.values())


def _case_matters(dates, texts):
    return _first_of(texts, lambda n: (dates[n], n), lambda text: text)


def _all_of_the_day(dates, texts):
    first = {}
    for day, text in zip(dates, texts, strict=True):
        first[text.lower()] = min(day, first.get(text.lower(), day))
    return [n for n, text in enumerate(texts) if dates[n] == first[text.lower()]]


def _never_repeated(dates, texts):
    low = [text.lower() for text in texts]
    return [n for n, text in enumerate(low) if low.count(text) == 1]


def _one_a_day(dates, texts):
    seen = {}
    for n, (day, text) in enumerate(zip(dates, texts, strict=True)):
        seen.setdefault((day, text.lower()), n)
    return sorted(seen.values())


def _by_date(dates, texts):
    return sorted(_once(dates, texts), key=lambda n: dates[n])


# ------------------------------------------------------------------------------------------ known mistakes: kappa


def _by_both_shares(one, other):
    return sum(one.count(label) * other.count(label) for label in {*one}) / len(one) ** 2


def _beyond(chance: Callable) -> Callable:
    def kappa(one, other):
        same = sum(a == b for a, b in zip(one, other, strict=True)) / len(one)
        by_chance = chance(one, other)
        return (same - by_chance) / (1 - by_chance) if by_chance < 1 else 1.0

    return kappa


def _share_alike(one, other):
    return sum(a == b for a, b in zip(one, other, strict=True)) / len(one)


def _one_over_labels(one, other):
    return 1 / len({*one, *other})


def _pooled_shares(one, other):
    both = one + other
    return sum((both.count(label) / len(both)) ** 2 for label in {*both})


def _one_readers_shares(one, other):
    return sum((one.count(label) / len(one)) ** 2 for label in {*one})


def _difference_alone(one, other):
    return _share_alike(one, other) - _by_both_shares(one, other)


# ----------------------------------------------------------------------------------------- known mistakes: values


def _mean_without_root(tones, mean, deviation):
    return (np.mean(tones) - mean) / deviation


def _sum_over_n(tones, mean, deviation):
    return (np.sum(tones) - len(tones) * mean) / (deviation * len(tones) ** 2)


def _mean_taken_once(tones, mean, deviation):
    return (np.sum(tones) - mean) / (deviation * math.sqrt(len(tones)))


def _no_mean(tones, mean, deviation):
    return np.sum(tones) / (deviation * math.sqrt(len(tones)))


def _turned(tones, mean, deviation):
    return -_value(tones, mean, deviation)


def _sum_and_deviation(tones, mean, deviation):
    return (np.sum(tones) - len(tones) * mean) / deviation


def _as_variance(tones, mean, deviation):
    return (np.sum(tones) - len(tones) * mean) / (math.sqrt(deviation) * math.sqrt(len(tones)))


# ------------------------------------------------------------------------------------------ known mistakes: CUSUM


def _summed(
    floor: float = 0.0, again: bool = True, at: bool = False, gap: float | None = None, slack_of: Callable = lambda s: s
) -> Callable:
    """With another floor, without a new beginning, with ≥, with a value for days without one, with another slack."""

    def alarms(values, slack, limit):
        total, found = 0.0, []
        for day, value in enumerate(np.asarray(values, dtype=float)):
            if math.isnan(value):
                if gap is None:
                    continue
                value = gap
            total = max(floor, total + value - slack_of(slack))
            if total > limit or (at and total == limit):
                found.append(day)
                if again:
                    total = 0.0
        return found

    return alarms


def _alarm_on_unseen_days(values, slack, limit):
    total, found = 0.0, []
    for day, value in enumerate(values):
        if not math.isnan(value):
            total = max(0.0, total + value - slack)
        if total > limit:
            found.append(day)
    return found


def _gap_is_calm(values, slack, limit):
    return _summed(gap=0.0)(values, slack, limit)


def _gap_starts_anew(values, slack, limit):
    total, found = 0.0, []
    for day, value in enumerate(values):
        total = 0.0 if math.isnan(value) else max(0.0, total + value - slack)
        if total > limit:
            found.append(day)
            total = 0.0
    return found


def _single_days(values, slack, limit):
    return [day for day, value in enumerate(values) if value > limit]


def _first_alarm(values, slack, limit):
    return _cusum(values, slack, limit)[:1]


def _from_one(values, slack, limit):
    return [day + 1 for day in _cusum(values, slack, limit)]


# ---------------------------------------------------------------------------------------------- known mistakes: BH


def _bonferroni(p):
    return np.minimum(np.asarray(p) * len(p), 1).tolist()


def _in_ranks(p, step: bool = True, back: bool = True):
    p = np.asarray(p, dtype=float)
    order = np.argsort(p, kind="stable")
    scaled = np.array([p[place] * len(p) / i for i, place in enumerate(order, start=1)])
    if step:
        scaled = np.minimum.accumulate(scaled[::-1])[::-1]
    if not back:
        return scaled.tolist()
    found = np.empty_like(scaled)
    found[order] = scaled
    return found.tolist()


def _no_step(p):
    return _in_ranks(p, step=False)


def _sorted_out(p):
    return _in_ranks(p, back=False)


def _holm(p):
    p = np.asarray(p, dtype=float)
    order = np.argsort(p, kind="stable")
    scaled = np.maximum.accumulate([p[place] * (len(p) - i) for i, place in enumerate(order)])
    found = np.empty_like(p)
    found[order] = np.minimum(scaled, 1)
    return found.tolist()


def _ranks_unsorted(p):
    p = np.asarray(p, dtype=float)
    scaled = p * len(p) / np.arange(1, len(p) + 1)
    return np.minimum(np.minimum.accumulate(scaled[::-1])[::-1], 1).tolist()


def _largest_so_far(p):
    p = np.asarray(p, dtype=float)
    order = np.argsort(p, kind="stable")
    scaled = np.maximum.accumulate([p[place] * len(p) / i for i, place in enumerate(order, start=1)])
    found = np.empty_like(p)
    found[order] = np.minimum(scaled, 1)
    return found.tolist()


# ------------------------------------------------------------------------------------------ known mistakes: blocks


def _no_wrap(starts, block, days, length):
    return [start + step for start in starts for step in range(block)][:length]


def _stopped_at_the_end(starts, block, days, length):
    return [start + step for start in starts for step in range(block) if start + step < days][:length]


def _not_cut(starts, block, days, length):
    return [(start + step) % days for start in starts for step in range(block)]


def _starts_alone(starts, block, days, length):
    return list(starts)[:length]


def _steps_first(starts, block, days, length):
    return [(start + step) % days for step in range(block) for start in starts][:length]


def _stuck(starts, block, days, length):
    return [min(start + step, days - 1) for start in starts for step in range(block)][:length]


def _block_numbers(starts, block, days, length):
    return [(start * block + step) % days for start in starts for step in range(block)][:length]


# ------------------------------------------------------------------------------------------- known mistakes: delay


def _within(inside: Callable, pick: Callable = min, none: Callable = lambda late: late + 1) -> Callable:
    def delay(alarms, event, early, late):
        own = [alarm - event for alarm in alarms if inside(alarm - event)]
        return pick(own) if own else none(late)

    return delay


def _at_the_day(alarms, event, early, late):
    return _within(lambda day: 0 <= day <= late)(alarms, event, early, late)


def _ever(alarms, event, early, late):
    return _within(lambda day: day >= -early)(alarms, event, early, late)


def _strictly(alarms, event, early, late):
    return _within(lambda day: -early < day < late)(alarms, event, early, late)


def _first_of_all(alarms, event, early, late):
    first = min(alarms) - event if alarms else late + 1
    return first if -early <= first <= late else late + 1


def _as_given(alarms, event, early, late):
    return _within(lambda day: -early <= day <= late, lambda own: own[0])(alarms, event, early, late)


def _last(alarms, event, early, late):
    return _within(lambda day: -early <= day <= late, max)(alarms, event, early, late)


def _nearest(alarms, event, early, late):
    return _within(lambda day: -early <= day <= late, lambda own: min(own, key=abs))(alarms, event, early, late)


def _never_early(alarms, event, early, late):
    return max(0, _delay(alarms, event, early, late))


def _day_itself(alarms, event, early, late):
    found = _delay(alarms, event, early, late)
    return found + event if found <= late else late + 1


def _at_late(alarms, event, early, late):
    return min(late, _delay(alarms, event, early, late))


# ---------------------------------------------------------------------------------- known mistakes: point adjustment


def _only_hits(called, true):
    return [a and b for a, b in zip(_point_adjusted(called, true), true, strict=True)]


def _every_run(called, true):
    return [a or b for a, b in zip(called, true, strict=True)] if any(called) else list(called)


def _later_days(called, true):
    """From the alarm on, not before it."""
    found, on = [], False
    for one, real in zip(called, true, strict=True):
        on = real and (on or one)
        found.append(one or on)
    return found


def _unchanged(called, true):
    return list(called)


def _neighbours(called, true):
    near = [any(called[max(0, n - 1) : n + 2]) for n in range(len(called))]
    return [one or (real and by) for one, real, by in zip(called, true, near, strict=True)]


def _last_run_lost(called, true):
    found, start = list(called), None
    for day, real in enumerate(true):
        if real and start is None:
            start = day
        elif not real and start is not None:
            if any(called[start:day]):
                found[start:day] = [True] * (day - start)
            start = None
    return found


def _truth(called, true):
    return list(true)


CHECKS = {
    "once": against(
        "numbers of rows, ascending",
        _once,
        _posts,
        printed=0,
        mistakes=(
            (_first_row, "the earliest date counts, in whatever order the rows come."),
            (_latest, "the earliest date counts; that is the latest: a repost would move the news to its own day."),
            (_case_matters, "“Oil falls” and “OIL FALLS” are one text: compare in lower case."),
            (_all_of_the_day, "a text that stands twice on its first day counts once, too."),
            (_never_repeated, "a text that was repeated counts once; you drop it altogether."),
            (_one_a_day, "once a text, not once a text and day."),
            (_by_date, "numbers of rows, ascending; not in the order of their dates."),
        ),
        shrink=False,
    ),
    "kappa": against(
        "a number, at most 1",
        _kappa,
        _two_readers,
        printed=0,
        mistakes=(
            (_share_alike, "that is the share read alike; take away what chance gives, and divide by what is left."),
            (_difference_alone, "divide by what could be had beyond chance: 1 − chance."),
            (_by_both_shares, "that is the agreement by chance alone."),
            (_beyond(_one_over_labels), "chance is not 1 in so many labels: common labels meet more often."),
            (_beyond(_pooled_shares), "each reader has shares of their own: multiply them, label by label."),
            (_beyond(_one_readers_shares), "chance takes the shares of both readers, one of each."),
        ),
        shrink=False,
    ),
    "value": against(
        "a number of standard errors",
        _value,
        _days_of_tones,
        printed=0,
        mistakes=(
            (_mean_without_root, "the mean of n headlines scatters less than one: by the root of n."),
            (_sum_and_deviation, "the sum of n scatters by deviation · √n; the root is missing."),
            (_sum_over_n, "the sum of n scatters by deviation · √n, not by n²."),
            (_mean_taken_once, "of n headlines n · mean is expected."),
            (_no_mean, "take away what is normal: n · mean."),
            (_turned, "better than normal is above 0; yours is below."),
            (_as_variance, "deviation is a standard deviation already: no root of it."),
        ),
    ),
    "cusum": against(
        "the numbers of the days with an alarm, from 0",
        _cusum,
        _series,
        printed=0,
        mistakes=(
            (_summed(floor=-math.inf), "the sum never falls below 0, or good days would be saved up against bad ones."),
            (_summed(again=False), "behind an alarm the sum begins at 0 again."),
            (_summed(at=True), "above the limit, not at it."),
            (_summed(slack_of=lambda slack: 0.0), "each day the slack is taken away."),
            (_summed(slack_of=lambda slack: -slack), "the slack is taken away, not added."),
            (_gap_is_calm, "a day without a value is no calm day: the sum stays as it was."),
            (_gap_starts_anew, "a day without a value is no calm day: the sum stays as it was."),
            (_alarm_on_unseen_days, "behind an alarm the sum begins at 0 again."),
            (_single_days, "each day by itself is compared there: add up what exceeds the slack."),
            (_first_alarm, "all alarms, not only the first: behind each the sum begins at 0 again."),
            (_from_one, "days are counted from 0."),
        ),
        shrink=False,
        in_place=True,  # what is not a number never equals what it was before
    ),
    "false_alarms": number(
        "a number",
        lambda rng: {
            "topics": int(rng.integers(6, 18)),
            "days": int(rng.integers(20, 31)),
            "percent": int(rng.choice([1, 2, 3, 5])),
        },
        "Each day {topics} topics are tested, each at a level of {percent} %: so often a test calls an alarm where "
        "nothing happens. A month has {days} days with a page. How many false alarms a month, on average?",
        _false_alarms,
        mistakes=(
            (lambda topics, days, percent: days * percent / 100, "that is of one topic."),
            (lambda topics, days, percent: topics * percent / 100, "that is of one day."),
            (lambda topics, days, percent: topics * days * percent, "a percent is a hundredth."),
            (
                lambda topics, days, percent: 1 - (1 - percent / 100) ** (topics * days),
                "that is the chance of one at least; how many are asked for.",
            ),
            (lambda topics, days, percent: percent / 100, "that is the level of one test."),
        ),
        rel_tol=1e-3,
    ),
    "adjusted": against(
        "an adjusted p for each, in the order given",
        _adjusted,
        _chances,
        printed=0,
        mistakes=(
            (_bonferroni, "times m for all is Bonferroni's; here the i-th smallest is times m / i."),
            (_no_step, "a smaller p must not end above a larger one: take the least over its own and all larger ones."),
            (_sorted_out, "in the order given, not sorted."),
            (_holm, "times m − i + 1 is Holm's; here it is m / i."),
            (_ranks_unsorted, "i is the place among the sorted p, not the place in the list."),
            (_largest_so_far, "from the largest p downwards take the least so far, not from the smallest the largest."),
        ),
        shrink=False,
    ),
    "blocks": against(
        "row numbers, `length` of them",
        _blocks,
        _block_starts,
        printed=0,
        mistakes=(
            (_no_wrap, "behind the last day comes the first: % days."),
            (_stopped_at_the_end, "a block goes on with the first day behind the last: it does not end there."),
            (_stuck, "behind the last day comes the first, not the last again."),
            (_not_cut, "cut the whole to `length` rows."),
            (_starts_alone, "each start is followed by block − 1 further days."),
            (_steps_first, "the days of a block stay together; yours are dealt out in turn."),
            (_block_numbers, "a start is a day, not the number of a block."),
        ),
        shrink=False,
    ),
    "delay": against(
        "days from the event to the alarm, or late + 1",
        _delay,
        _alarms_and_events,
        printed=0,
        mistakes=(
            (_at_the_day, "a page can bear a date before the public one: alarms from event − early on count."),
            (_ever, "what comes more than `late` days behind is of another event."),
            (_strictly, "both ends count: from event − early to event + late."),
            (_first_of_all, "an earlier alarm of something else does not take this one's place."),
            (_as_given, "the earliest of those that count, in whatever order they come."),
            (_last, "the first alarm that counts, not the last."),
            (_nearest, "the first alarm that counts, not the nearest."),
            (_never_early, "an early alarm has a delay below 0."),
            (_day_itself, "days since the event are asked for, not the day of the alarm."),
            (_at_late, "without an alarm late + 1 is asked for, so that it is told apart from one on the last day."),
        ),
        shrink=False,
    ),
    "point_adjusted": against(
        "a truth value for each day",
        _point_adjusted,
        _runs,
        printed=0,
        mistakes=(
            (_only_hits, "false alarms stay as they are."),
            (_every_run, "a run without an alarm stays as it is."),
            (_later_days, "all days of the run are called, also those before the alarm."),
            (_unchanged, "one alarm in a run of true days calls the whole run."),
            (_neighbours, "the whole run, not only the days beside the alarm."),
            (_last_run_lost, "a run may last up to the last day."),
            (_truth, "that is the truth: a run without an alarm is not called."),
        ),
        shrink=False,
    ),
}
