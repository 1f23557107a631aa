"""A monitor: which days have a page, how a CUSUM adds up, what point adjustment makes of an alarm."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import date, timedelta

from bertcourse.diagrams.drawing import INK, MARGIN, SMALL, SOFT, Drawing, listed

WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
STEPS = 10  # days of a CUSUM side by side
DAYS = 16  # of runs


def pages_of_weeks(counts: Mapping[str, int], weeks: int = 8) -> Drawing:
    """A calendar, a row a week: the number of headlines of each day, a dash where there is no page.

    Args:
        counts: headlines of each date (YYYY-MM-DD) that has a page. The weeks begin with that of the first date.
        weeks: how many are drawn, 1 to 12.

    Raises:
        ValueError: there is no date, or no such number of weeks.
    """
    if not counts or not 1 <= weeks <= 12:
        raise ValueError(f"{len(counts)} dates, weeks={weeks}: give a date at least, and 1 to 12 weeks")
    first, last = (date.fromisoformat(day) for day in (min(counts), max(counts)))
    monday = first - timedelta(days=first.weekday())
    days = [monday + timedelta(days=number) for number in range(7 * weeks)]
    inside = [day for day in days if first <= day <= last]
    gaps = [day for day in inside if day.isoformat() not in counts]
    sizes = sorted({counts[day.isoformat()] for day in inside if day not in gaps})
    drawing = Drawing(
        f"Days from {inside[0]} to {inside[-1]}, a week a row. {len(inside) - len(gaps)} have a page, with "
        f"{listed([str(size) for size in sizes])} headlines; {len(gaps)} have none."
    )
    left, wide, high = 110, 62, 30
    for number, name in enumerate(WEEKDAYS):
        drawing.text(left + number * wide + wide / 2, 20, name, size=SMALL)
    usual = sizes[0] if sizes else 0
    for number, day in enumerate(days):
        week, place = divmod(number, 7)
        y = 36 + week * (high + 4)
        if place == 0:
            drawing.text(left - 10, y + high / 2, f"{day.day} {day:%B}"[:6], size=SMALL, align="end")
        many = counts.get(day.isoformat())
        if not first <= day <= last:
            continue
        tone = "grey" if many is None else "blue" if many == usual else "green"
        words = "–" if many is None else str(many)
        drawing.box(left + place * wide, y, wide - 4, high, words, tone, size=SMALL, dashed=many is None, round_=0)
    drawing.text(
        280, 36 + weeks * (high + 4) + 12, "headlines per day; –: no page, nothing is known", size=SMALL, color=SOFT
    )
    return drawing


def cusum_steps(values: Sequence[float], slack: float, limit: float) -> Drawing:
    """A CUSUM of at most ten days: the value, what it adds, the sum, and where it calls.

    Args:
        values: of each day, in standard errors; NaN where nothing was seen.
        slack, limit: of the chart.

    Raises:
        ValueError: not 1 to 10 days, or a limit that is not over 0.
    """
    if not 1 <= len(values) <= STEPS or not limit > 0:
        raise ValueError(f"{len(values)} days, limit={limit}: give 1 to {STEPS} days and a limit over 0")
    total, rows, alarms = 0.0, [], []
    for day, value in enumerate(values):
        if not math.isnan(value):
            total = max(0.0, total + value - slack)
        rows.append((value, total))
        if total > limit:
            alarms.append(day)
            total = 0.0
    told = ", ".join("nothing seen" if math.isnan(value) else f"{value:.1f}" for value, _ in rows)
    called = f"alarms on day {listed([str(day) for day in alarms])}" if alarms else "no alarm"
    drawing = Drawing(
        f"A CUSUM with slack {slack:g} and limit {limit:g} over {len(rows)} days with the values {told}. Its sums: "
        f"{', '.join(f'{total:.1f}' for _, total in rows)}; {called}."
    )
    left, wide = 92, (560 - MARGIN - 92) / len(rows)
    top, high = 120, 150
    most = max(limit, *(total for _, total in rows)) * 1.15
    for y, name in ((22, "day"), (56, "value"), (90, "− slack")):
        drawing.text(left - 10, y, name, size=SMALL, align="end")
    drawing.text(left - 10, top + high + 14, "sum", size=SMALL, align="end", bold=True)
    for day, (value, total) in enumerate(rows):
        x = left + day * wide
        drawing.text(x + wide / 2, 22, str(day), size=SMALL, color=SOFT)
        seen = not math.isnan(value)
        words = f"{value:.1f}".replace("-", "−") if seen else "?"
        tone = "plain" if seen else "grey"
        drawing.box(x + 2, 42, wide - 4, 28, words, tone, size=SMALL, dashed=not seen, round_=0)
        added = f"{value - slack:+.1f}".replace("-", "−") if seen else ""
        drawing.text(x + wide / 2, 90, added, size=SMALL)
        tall = high * total / most
        if tall >= 1:
            tone = "orange" if day in alarms else "blue"
            drawing.box(x + 6, top + high - tall, wide - 12, tall, "", tone, round_=0, heavy=day in alarms)
        drawing.text(x + wide / 2, top + high + 14, f"{total:.1f}", size=SMALL, bold=day in alarms)
    line = top + high - high * limit / most
    drawing.line((left, line), (560 - MARGIN, line), tone="orange", dashed=True)
    drawing.line((left, top + high), (560 - MARGIN, top + high))
    drawing.text(left - 10, line, f"limit {limit:g}", size=SMALL, align="end", color=INK)
    below = "orange: above the limit; on the next day the sum begins at 0" if alarms else "no sum is above the limit"
    drawing.text(280, top + high + 42, below, size=SMALL, color=SOFT)
    return drawing


def adjusted_runs(called: Sequence[bool], true: Sequence[bool]) -> Drawing:
    """Days that are true, days that are called, and what point adjustment makes of the calls, with F1 of both.

    Args:
        called, true: of each day, equally many, 2 to 16.

    Raises:
        ValueError: not equally many, or not 2 to 16.
    """
    called, true = [bool(one) for one in called], [bool(one) for one in true]
    if len(called) != len(true) or not 2 <= len(true) <= DAYS:
        raise ValueError(f"{len(called)} calls, {len(true)} days: give 2 to {DAYS}, as many of each")
    adjusted, start = list(called), None
    for day, now in enumerate([*true, False]):
        if now and start is None:
            start = day
        elif not now and start is not None:
            adjusted[start:day] = [any(called[start:day]) or one for one in adjusted[start:day]]
            start = None

    def f1(calls: list[bool]) -> float:
        hits = sum(a and b for a, b in zip(calls, true, strict=True))
        return 2 * hits / (sum(calls) + sum(true)) if hits else 0.0

    scores = [f1(called), f1(adjusted)]
    drawing = Drawing(
        f"{len(true)} days, {sum(true)} of them true, {sum(called)} called: F1 {scores[0]:.2f}. Once one alarm calls a "
        f"whole run of true days, {sum(adjusted)} are called: F1 {scores[1]:.2f}."
    )
    left, wide = 110, (560 - MARGIN - 110) / len(true)
    rows = (("true", true), ("called", called), ("adjusted", adjusted))
    for number, (name, marks) in enumerate(rows):
        y = 20 + 52 * number
        drawing.text(left - 10, y + 17, name, size=SMALL, align="end")
        for day, mark in enumerate(marks):
            hit = mark and true[day]
            tone = ("grey" if mark else "plain") if not number else "green" if hit else "orange" if mark else "plain"
            words = "" if not mark else "●" if not number else "✓" if hit else "×"
            drawing.box(left + day * wide, y, wide - 3, 34, words, tone, size=SMALL, round_=0)
    y = 20 + 52 * len(rows)
    drawing.text(left, y + 8, f"F1 as called: {scores[0]:.2f}", size=SMALL, align="start")
    drawing.text(560 - MARGIN, y + 8, f"F1 adjusted: {scores[1]:.2f}", size=SMALL, align="end", bold=True)
    drawing.text(280, y + 36, "✓ a call that is true, × one that is not", size=SMALL, color=SOFT)
    return drawing
