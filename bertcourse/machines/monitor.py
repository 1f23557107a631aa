"""Machines of lesson 14: slack and limit of a CUSUM moved by hand, and what a limit promises where nothing happens."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bertcourse.diagrams.drawing import MARGIN, SMALL, SOFT, Drawing
from bertcourse.machines.frame import Machine
from bertcourse.monitor.charts import alarms_a_month, cusum

SLACKS, LIMITS = 31, 91  # positions of the sliders: slack 0.00 to 1.50, limit 1.0 to 10.0
DAYS, SERIES = 150, 600  # of a series, and series of nothing, at most


def slack_of(place: int) -> float:
    return place / 20


def limit_of(place: int) -> float:
    return 1 + place / 10


def cusum_by_hand(days: Sequence[str], values: Sequence[float], event: str) -> Machine:
    """A series, and a CUSUM whose slack and limit are moved; alarms before a date are false, later ones are right.

    Args:
        days: dates (YYYY-MM-DD), ascending, 10 to 150.
        values: of each day, in standard errors; NaN where nothing was seen. Rounded to hundredths.
        event: from this date on an alarm is right.

    Raises:
        ValueError: not as many of both, too few or many, no day before or behind the event, or no place of the sliders
            that has an alarm behind it and none before.
    """
    if len(days) != len(values) or not 10 <= len(days) <= DAYS:
        raise ValueError(f"{len(days)} days, {len(values)} values: give 10 to {DAYS}, as many of each")
    first = sum(day < event for day in days)
    if not 0 < first < len(days):
        raise ValueError(f"event={event!r}: give a date behind {days[0]} and not behind {days[-1]}")
    rounded = np.round(np.asarray(values, dtype=float), 2)
    best = None
    for slack in range(SLACKS):
        limits = np.array([limit_of(place) for place in range(LIMITS)])
        called = cusum(np.repeat(rounded[:, None], LIMITS, axis=1), slack_of(slack), limits)[1]
        quiet = ~called[:first].any(axis=0) & called[first:].any(axis=0)
        if quiet.any():
            delay = int(called[first:].argmax(axis=0)[quiet].min())
            best = delay if best is None else min(best, delay)
    if best is None:
        raise ValueError(
            f"event={event!r}: no slack and limit call behind it and not before: give another series or date"
        )
    data = {
        "days": list(days),
        "values": [None if np.isnan(value) else float(value) for value in rounded],
        "first": first,
        "best": best,
    }
    path, called = cusum(rounded, 0.5, limit_of(20))
    told = f"slack 0.50, limit {limit_of(20):.1f}"
    picture = Drawing(
        f"{len(days)} days from {days[0]} to {days[-1]}, {first} of them before {event}. With {told} a CUSUM calls on "
        f"{int(called[:first].sum())} days before it and on {int(called[first:].sum())} from then on."
    )
    picture.text(280, 22, told, bold=True)
    wide, high, top = (560 - 2 * MARGIN) / len(days), 110, 44
    most = max(float(path.max()), limit_of(20)) * 1.1
    for day, total in enumerate(path.tolist()):
        if total > 0.01 * most:
            tall = high * total / most
            tone = "orange" if called[day] else "blue" if day >= first else "grey"
            picture.box(MARGIN + day * wide, top + high - tall, wide, tall, "", tone, round_=0)
    y = top + high - high * limit_of(20) / most
    picture.line((MARGIN, y), (560 - MARGIN, y), tone="orange", dashed=True)
    picture.line((MARGIN, top + high), (560 - MARGIN, top + high))
    picture.text(280, top + high + 20, f"bars: the sum of each day; blue from {event} on", size=SMALL, color=SOFT)
    question = (
        f"Alarms before {event} are false. Can you find a slack and a limit without one, and with the first alarm as "
        "soon behind that date as any slack and limit allow?"
    )
    return Machine("cusum_by_hand", "How much is too much?", question, data, picture)


def limit_and_alarms(values: np.ndarray, slack: float = 0.5, promised: float = 1.0, shift: float = 1.0) -> Machine:
    """A limit moved on series in which nothing happens: false alarms a month in one half, in the other, and the delay.

    Args:
        values: (S, T, K) in standard errors, an even number of series: the first half is fitted on.
        slack: of the CUSUM.
        promised: alarms a month, of all topics and both directions.
        shift: by so many standard errors one topic falls each day, where the delay is measured.

    Raises:
        ValueError: another shape, more than 600 series, or no limit of the slider that holds the promise.
    """
    values = np.asarray(values, dtype=float)
    if values.ndim != 3 or len(values) % 2 or not 2 <= len(values) <= SERIES:
        raise ValueError(
            f"values: shape {values.shape}: give (series, days, topics), 2 to {SERIES} series, an even number"
        )
    half, limits = len(values) // 2, [limit_of(place) for place in range(LIMITS)]
    months = np.array([alarms_a_month(values, slack, limit) for limit in limits])
    data = {
        "limits": limits,
        "fitted": months[:, :half].mean(axis=1).round(4).tolist(),
        "other": months[:, half:].mean(axis=1).round(4).tolist(),
        "error": (months[:, half:].std(axis=1, ddof=1) / np.sqrt(half)).round(4).tolist(),
        "delay": [],
        "promised": promised,
        "shift": shift,
    }
    if min(data["fitted"]) > promised:
        raise ValueError(f"promised={promised}: no limit up to {limits[-1]:g} has so few alarms: promise more")
    fallen = shift - values[:, :, 0].T  # the first topic falls: days first
    path = cusum(fallen, slack)[0]
    for limit in limits:
        above = path > limit
        waited = np.where(above.any(axis=0), above.argmax(axis=0) + 1, len(path) + 1)
        data["delay"].append(float(np.median(waited)))
    picture = Drawing(
        f"{len(values)} series of {values.shape[1]} days in which nothing happens. With the limit {limits[0]:.1f} "
        f"there are {data['fitted'][0]:.1f} false alarms a month in the half that is fitted on; the other is closed."
    )
    picture.text(280, 22, f"limit {limits[0]:.1f}", bold=True)
    rows = [
        ["", "false alarms a month"],
        ["half that is fitted on", f"{data['fitted'][0]:.1f}"],
        ["other half", "closed"],
    ]
    picture.grid(MARGIN, 44, rows, (266, 32), tone=lambda i, j: "grey" if 0 in (i, j) else "plain")
    words = f"days until a fall of {shift:g} a day is called, median: {data['delay'][0]:g}"
    picture.text(280, 164, words, size=SMALL)
    question = (
        f"Which is the lowest limit with at most {promised:g} false alarm{'s' * (promised != 1)} a month, all topics "
        "together, in the half that is fitted on? Say first how long you will then wait for a true fall. Then open the "
        "other half: is the promise kept?"
    )
    return Machine("limit_and_alarms", "What does a limit promise?", question, data, picture)
