"""Machines of lesson 14."""

from functools import cache

import numpy as np

from bertcourse.machines import monitor
from bertcourse.machines.monitor import LIMITS, SLACKS, limit_of, slack_of
from bertcourse.monitor.charts import alarms_a_month, cusum

DAYS = [f"2020-0{1 + day // 28}-{1 + day % 28:02d}" for day in range(60)]
EVENT = DAYS[35]


@cache
def series(seed, shift=1.2):
    rng = np.random.default_rng(seed)
    values = rng.standard_normal(60).round(2)
    values[35:] += shift
    values[[7, 40]] = np.nan
    return values.round(2)


def cusum_by_hand(seed=0):
    return monitor.cusum_by_hand(DAYS, series(seed), EVENT)


def draw_chart(rng, data):
    return {"slack": int(rng.integers(SLACKS)), "limit": int(rng.integers(LIMITS))}


def called(values, state):
    path, alarms = cusum(values, slack_of(state["slack"]), limit_of(state["limit"]))
    return path, np.flatnonzero(alarms).tolist()


def expected_chart(data, state):
    path, alarms = called(series(0), state)
    right = [day for day in alarms if day >= data["first"]]
    return {
        "sums": path.tolist(),
        "alarms": alarms,
        "wrong": len(alarms) - len(right),
        "delay": right[0] - data["first"] if right else -1,
    }


def soonest(data):
    for slack in range(SLACKS):
        for limit in range(LIMITS):
            state = {"slack": slack, "limit": limit}
            found = expected_chart(data, state)
            if not found["wrong"] and found["delay"] == data["best"]:
                return state
    raise AssertionError


def quiet_and_late(data):
    return {"slack": SLACKS - 1, "limit": LIMITS - 1}


@cache
def nothing(seed, shape=(80, 26, 6)):
    return np.random.default_rng(seed).standard_normal(shape).round(2)


def limit_and_alarms(seed=0):
    return monitor.limit_and_alarms(nothing(seed))


def draw_limit(rng, data):
    return {"at": int(rng.integers(LIMITS)), "opened": bool(rng.random() < 0.3)}


@cache
def months(at):
    return alarms_a_month(nothing(0), 0.5, limit_of(at))


def expected_limit(data, state):
    counted = months(state["at"])
    waited = []
    for one in 1 - nothing(0)[:, :, 0]:
        alarms = np.flatnonzero(cusum(one, 0.5, limit_of(state["at"]))[1])
        waited.append(alarms[0] + 1 if len(alarms) else 27)
    return {
        "limit": limit_of(state["at"]),
        "fitted": round(float(counted[:40].mean()), 4),
        "other": round(float(counted[40:].mean()), 4) if state["opened"] else -1,
        "delay": float(np.median(waited)),
    }


def lowest(data):
    return next(at for at in range(LIMITS) if round(float(months(at)[:40].mean()), 4) <= 1)


CASES = {
    "cusum_by_hand": (
        cusum_by_hand,
        lambda: cusum_by_hand(1),
        draw_chart,
        expected_chart,
        lambda data: [{"slack": 0, "limit": 0}, quiet_and_late(data), soonest(data)],
    ),
    "limit_and_alarms": (
        limit_and_alarms,
        lambda: limit_and_alarms(1),
        draw_limit,
        expected_limit,
        lambda data: [{"at": LIMITS - 1}, {"at": lowest(data) - 1}, {"at": lowest(data)}, {"opened": True}],
    ),
}

WRONG = {
    "as many of both": (
        lambda: monitor.cusum_by_hand(DAYS, series(0)[:-1], EVENT),
        "60 days, 59 values: give 10 to 150",
    ),
    "an event before all": (
        lambda: monitor.cusum_by_hand(DAYS, series(0), "2019-01-01"),
        "give a date behind 2020-01-01",
    ),
    "nothing to be found": (
        lambda: monitor.cusum_by_hand(DAYS, -np.abs(np.nan_to_num(series(0))), EVENT),
        "no slack and limit call behind it and not before",
    ),
    "one series": (lambda: monitor.limit_and_alarms(nothing(0)[0]), "give (series, days, topics)"),
    "an odd number": (lambda: monitor.limit_and_alarms(nothing(0)[:5]), "an even number"),
    "a promise of nothing": (lambda: monitor.limit_and_alarms(nothing(0) + 3, promised=0.01), "promise more"),
}
