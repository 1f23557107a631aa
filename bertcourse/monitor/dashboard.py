"""What a person and a machine look at: a picture of the charts, and figures in Prometheus' text form."""

from __future__ import annotations

import os
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np

from bertcourse.monitor.charts import index
from bertcourse.monitor.watch import DIRECTIONS, Monitor

BLUE, ORANGE, GREY = "#0072B2", "#D55E00", "#7b8794"  # told apart by colour-blind readers, and by their shapes
COUNTED = {
    "headlines": "Headlines read",
    "repeats": "Headlines that repeat an earlier one, left out",
    "unread": "Headlines whose words the vocabulary does not know, left out",
    "late": "Headlines of a day that was closed, left out",
    "skipped": "Rows that could not be read, left out",
    "gaps": "Days without a page",
}


def draw_dashboard(monitor: Monitor, path: str | Path) -> None:
    """A PNG: above, the mean tone of each day in all headlines with its interval; below, the highest sum of each topic.

    Before anything was learned it says so.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 6), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    above, below = figure.subplots(2, 1, height_ratios=(2, 3), sharex=True)
    state, reference = monitor.state, monitor.reference()
    if reference is None:
        above.set_title(f"{len(state.days)} days read; alerts begin after {monitor.settings.learn}", loc="left")
    else:
        table = monitor.table()
        days = np.array(table.days, dtype="datetime64[D]")
        mean, low, high = (part[:, 0] for part in index(table, reference))
        above.fill_between(days, low, high, color=BLUE, alpha=0.2, linewidth=0)
        above.plot(days, mean, color=BLUE, marker="o", markersize=2, linewidth=0.8)
        above.axhline(reference.mean[0], color=GREY, linewidth=0.8)
        above.axvspan(days[0], days[monitor.settings.learn - 1], color=GREY, alpha=0.15, linewidth=0)
        above.set_title("tone of all headlines, 95 % interval; grey: learned from", loc="left", fontsize=10)
        names, limit = monitor.series, state.normal["limit"]
        if state.history:
            later = np.array([row["day"] for row in state.history], dtype="datetime64[D]")
            for direction, marker in zip(DIRECTIONS, "v^", strict=True):
                sums = np.array([row[direction] for row in state.history])
                for place in range(len(names)):
                    height = place + 0.8 * np.minimum(sums[:, place] / limit, 1)
                    color = ORANGE if direction == "down" else BLUE
                    below.plot(later, height, color=color, linewidth=0.8, linestyle="-" if marker == "v" else ":")
                    called = sums[:, place] > limit
                    below.plot(later[called], np.full(called.sum(), place + 0.8), marker, color=color, markersize=6)
        below.set_yticks(np.arange(len(names)), names)
        promised, (measured, _) = monitor.settings.promised, state.normal["measured"]
        told = "sums of each topic; ▼ alert: worse, ▲ better; "
        told += f"{promised:g} false ones a month promised, {measured:.2f} counted"
        below.set_title(told, loc="left", fontsize=10)
    path = Path(path)
    beside = path.with_name(f".{path.name}.new")
    figure.savefig(beside, format="png")
    os.replace(beside, path)


def write_metrics(monitor: Monitor, path: str | Path) -> None:
    """The monitor's figures for Prometheus' text collector, the whole file at once."""
    from prometheus_client import CollectorRegistry, Gauge, write_to_textfile

    registry, state = CollectorRegistry(), monitor.state
    for name, words in COUNTED.items():
        Gauge(f"monitor_{name}_count", words, registry=registry).set(state.counts.get(name, 0))
    Gauge("monitor_days_count", "Days closed", registry=registry).set(len(state.days))
    alerts = Gauge("monitor_alerts_count", "Alerts written", ["topic", "direction"], registry=registry)
    for series in monitor.series:
        for direction in DIRECTIONS:
            own = [row for row in monitor.logged if (row["topic"], row["direction"]) == (series, direction)]
            alerts.labels(series, direction).set(len(own))
    if state.days:
        at = datetime.combine(date.fromisoformat(state.days[-1]), datetime.min.time(), UTC)
        Gauge("monitor_last_day_seconds", "The last closed day, seconds since 1970", registry=registry).set(
            at.timestamp()
        )
    if state.normal:
        Gauge("monitor_limit", "What a sum must exceed", registry=registry).set(state.normal["limit"])
        sums = Gauge("monitor_sum", "CUSUM of each topic", ["topic", "direction"], registry=registry)
        for direction in DIRECTIONS:
            for series, value in zip(monitor.series, state.sums[direction], strict=True):
                sums.labels(series, direction).set(value)
    write_to_textfile(str(path), registry)
