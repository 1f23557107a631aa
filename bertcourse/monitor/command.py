"""`python -m bertcourse monitor`: follows a stream of dated headlines and writes alerts."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bertcourse.monitor.watch import Monitor

EVERY_SECONDS = 10  # at most so often the picture is drawn while a stream is followed, alerts aside
LEFT_OUT = ("repeats", "late", "skipped", "unread", "gaps")
HELP = """\
Follow a CSV of dated headlines (a first line with the columns' names, one row a headline, oldest first) and write an
alert where a topic's news turn worse or better than chance explains.

The first --learn days with a page are learned from: what tone is normal, and how high the chart's limit must be for
--alarms-a-month false alarms in all topics together. After that each day is judged when the next one begins.

The folder gets alerts.jsonl (one JSON object a line: topic, from, to, direction, p, evidence), state.json,
metrics.prom (for Prometheus' text collector) and dashboard.png. Killed at any moment and started again with the same
stream, it goes on where it was and writes no alert twice.
"""


def add_command(commands: argparse._SubParsersAction) -> None:
    """Describe the options."""
    command = commands.add_parser(
        "monitor",
        help="watch a stream of dated headlines, and write alerts",
        description=HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument("--stream", required=True, metavar="FILE", help="a CSV in UTF-8, or - for standard input")
    command.add_argument(
        "--folder", type=Path, default=Path("monitor"), help="for state, alerts, metrics, picture (default: monitor)"
    )
    command.add_argument("--text-column", default="text", metavar="NAME", help="column of the headlines (text)")
    command.add_argument("--date-column", default="date", metavar="NAME", help="column of the dates (date)")
    command.add_argument(
        "--date-format", metavar="FORM", help="as strptime has it, such as %%d/%%m/%%Y (2020-03-12, a time may follow)"
    )
    command.add_argument("--learn", type=int, default=26, metavar="DAYS", help="days to learn from (26)")
    command.add_argument(
        "--alarms-a-month", type=float, default=1.0, metavar="N", help="false alarms you accept, in all topics (1)"
    )
    command.add_argument("--slack", type=float, default=0.5, help="of the CUSUM, in standard errors (0.5)")
    command.add_argument("--seed", type=int, default=0, help="of the shuffles that the limit is fitted on (0)")
    command.add_argument(
        "--skip", action="store_true", help="leave out and count rows that cannot be read or come late, not stop there"
    )
    command.add_argument("--follow", action="store_true", help="wait at the file's end for more, until it is stopped")
    command.add_argument(
        "--end",
        action="store_true",
        help="the stream is complete: judge its last day, too, and read a last line without end",
    )
    command.set_defaults(run=run_monitor)


def run_monitor(options: argparse.Namespace, score=None) -> int:
    """Follow the stream; see `HELP`.

    Args:
        score: what says topic and tone (see `watch.Score`), with an attribute topics; None for the shipped models.

    Returns:
        0.

    Raises:
        ValueError: a row cannot be taken (without --skip), options or a state do not fit; FileNotFoundError: no stream.
    """
    from bertcourse.monitor.stream import lines_of
    from bertcourse.monitor.watch import Monitor, Settings

    if options.follow and options.end:
        raise ValueError("--follow waits for more and --end says that there is none: give one of them")
    if options.date_format:
        try:
            datetime.strptime(datetime(2020, 3, 12).strftime(options.date_format), options.date_format)
        except ValueError as error:
            raise ValueError(f"--date-format {options.date_format!r}: {error}") from None
    lines = lines_of(options.stream, options.follow)
    if score is None:
        print("reading the models …", file=sys.stderr, flush=True)
        from bertcourse.monitor.scoring import Scorer

        score = Scorer()
    settings = Settings(
        tuple(score.topics),
        learn=options.learn,
        promised=options.alarms_a_month,
        slack=options.slack,
        seed=options.seed,
    )
    monitor = Monitor(options.folder, score, settings)
    try:
        return _follow(options, monitor, lines)
    finally:
        monitor.release()


def _follow(options: argparse.Namespace, monitor: Monitor, lines: Iterator[bytes]) -> int:
    from bertcourse.monitor.dashboard import draw_dashboard, write_metrics
    from bertcourse.monitor.stream import Columns, Position, Reader, StreamError
    from bertlib.progress import progress_bar

    there, begun = monitor.position, time.perf_counter()
    reader = Reader(Columns(options.text_column, options.date_column, options.date_format))
    if there.lines:
        print(f"going on behind line {there.lines:,}; alerts so far: {len(monitor.logged)}", file=sys.stderr)
        read = Position()
        for raw in lines:
            read = read.after([raw])
            if read.lines == there.lines:
                break
        if read != there:
            raise ValueError(
                f"{options.stream}: its first {there.lines:,} lines are not those that {options.folder} has read: give "
                "the same stream, or another --folder"
            )
        reader.position, reader.names = there, monitor.names

    drawn = [0.0, len(monitor.state.days)]  # when the files were written last, and behind how many days

    def tell(alerts: list[dict]) -> None:
        for row in alerts:
            bar.write(f"{row['to']} {row['topic']} {row['direction']} since {row['from']}, p = {row['p']}")
        new = len(monitor.state.days) > drawn[1]
        if options.follow and new and (alerts or time.perf_counter() - drawn[0] > EVERY_SECONDS):
            write_metrics(monitor, options.folder / "metrics.prom")
            draw_dashboard(monitor, options.folder / "dashboard.png")
            drawn[:] = time.perf_counter(), len(monitor.state.days)

    bar = progress_bar(what="headlines", unit="headlines")
    try:
        with bar:
            for raw in lines:
                before = reader.position, reader.names
                try:
                    headline = reader.take(raw, last=options.end)
                except StreamError as error:
                    if not raw.endswith(b"\n") and not options.end:
                        bar.write(f"{error} (--end if the stream is complete)", file=sys.stderr)
                        break
                    if not options.skip or reader.names is None:
                        raise
                    bar.write(f"left out: {error}", file=sys.stderr)
                    monitor.count("skipped")
                    continue
                if headline is None:
                    continue
                bar.update()
                monitor.reached(*before)  # a day that this headline closes ends before it
                try:
                    tell(monitor.add(headline))
                except ValueError as error:
                    if not options.skip or not str(error).startswith("line "):
                        raise
                    bar.write(f"left out: {error}", file=sys.stderr)
                    monitor.count("late")
            if reader.waiting:
                first = reader.position.lines + 1
                raise StreamError(f"line {first}: a quote that opens here is not closed before the stream ends")
            if options.end:
                monitor.reached(reader.position, reader.names)
                tell(monitor.close())
    except KeyboardInterrupt:
        print("stopped; start it again to go on", file=sys.stderr)
    write_metrics(monitor, options.folder / "metrics.prom")
    draw_dashboard(monitor, options.folder / "dashboard.png")
    state = monitor.state
    told = [f"{len(state.days)} days, {state.counts.get('headlines', 0):,} headlines, {len(monitor.logged)} alerts"]
    told += [f"{name}: {state.counts[name]}" for name in LEFT_OUT if state.counts.get(name)]
    if state.normal:
        measured, error = state.normal["measured"]
        told.append(
            f"false alarms a month promised {monitor.settings.promised:g}, counted {measured:.2f} ± {error:.2f}"
        )
    else:
        told.append(f"no alerts before {monitor.settings.learn} days")
    print("; ".join(told) + f"; {options.folder}; {time.perf_counter() - begun:.0f} s")
    return 0
