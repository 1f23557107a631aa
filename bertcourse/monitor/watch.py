"""The monitor as a program that may be killed at any moment: a state, a log of alerts, and how one mends the other.

A day is closed when the first headline of a later one comes. Then, in this order: its alerts are appended to
alerts.jsonl, and the state (how many lines were read, the charts, how many alerts there are) is written beside its
place and renamed into it. Killed between the two, the log is ahead of the state: the same lines give the same alerts
again, and those that are in the log are not written twice. A line that was cut off while it was written is taken away.
"""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, timedelta
from pathlib import Path

import numpy as np

from bertcourse.monitor.charts import (
    EVERY,
    MONTH,
    DayTable,
    Reference,
    add_up,
    alarms_a_month,
    block_days,
    chance_of,
    cusum_step,
    fit_limit,
    fit_reference,
    highest_sums,
    tone_values,
)
from bertcourse.monitor.stream import Headline, Position

VERSION = 1
KEPT_DAYS = 30  # for so long a headline is remembered: as evidence, and to know a repeat by
SAME = 0.7  # of all words of two headlines: one repeats the other
SHOWN = 200  # characters of a headline in an alert
EVIDENCE = 3
DIRECTIONS = {"down": -1, "up": 1}

Score = Callable[[Sequence[str]], Sequence[tuple[str, float] | None]]


@dataclass(frozen=True)
class Settings:
    """What is decided before the first day.

    Attributes:
        topics: the series beside "all".
        learn: so many days with a page are learned from; no alerts in them.
        promised: alarms a month, of all series together, where nothing happens.
        slack: of the CUSUM, in standard errors.
        shuffles, block: series of nothing that are drawn from the days learned from, in blocks of so many days.
        seed: of that drawing.
    """

    topics: tuple[str, ...]
    learn: int = 26
    promised: float = 1.0
    slack: float = 0.5
    shuffles: int = 500
    block: int = 3
    seed: int = 0

    def __post_init__(self):
        if self.learn < 5 or not self.promised > 0 or not self.slack >= 0:
            raise ValueError(
                f"learn={self.learn}, promised={self.promised}, slack={self.slack}: give at least 5 days, "
                "over 0 alarms a month, a slack of 0 or more"
            )


@dataclass
class State:
    """All that a later start needs to know."""

    settings: dict
    position: dict = field(default_factory=lambda: asdict(Position()))
    names: list[str] | None = None
    days: list[str] = field(default_factory=list)
    table: list[list[list[float]]] = field(default_factory=list)  # a day: counts, sums, squares
    recent: list[list] = field(default_factory=list)  # date, text, topic ("": unread), tone
    sums: dict[str, list[float]] = field(default_factory=dict)
    since: dict[str, list[str]] = field(default_factory=dict)  # the day behind the last sum of 0
    normal: dict | None = None  # once it is learned: mean, deviation, share, limit, highest, measured
    history: list[dict] = field(default_factory=list)  # each closed day's sums, for the picture
    alerts: int = 0
    counts: dict[str, int] = field(default_factory=dict)


def alert_words(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"\w+", text.lower()))


def repeats(own: frozenset[str], other: frozenset[str]) -> bool:
    """Whether two headlines share so many of all their words that one repeats the other."""
    common = len(own & other)
    return common >= SAME * (len(own) + len(other) - common)


def write_whole(path: Path, content: bytes) -> None:
    """A file that is there as it was or as it will be, never in between, also when the machine stops."""
    beside = path.with_name(path.name + ".new")
    with open(beside, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.replace(beside, path)
    if os.name == "posix":  # the renaming itself is to last
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


class Monitor:
    """Takes headlines in the order of their dates, and writes alerts.

    Attributes:
        folder: holds state.json and alerts.jsonl.
        state: as it is after the last closed day.
        new: alerts of this start, those that were in the log already included.
        opened: headlines of the day that is not closed yet.
    """

    def __init__(self, folder: str | Path, score: Score, settings: Settings):
        """Go on where the folder says, or begin.

        Args:
            folder: is made if it is not there.
            score: from texts to topic and tone (−1 to 1) of each, or None for one that it cannot read.
            settings: those of the state, if there is one.

        Raises:
            ValueError: a state of other settings or of another version; a log that lacks alerts which the state has
                counted, or is no log. BlockingIOError: another monitor is at work in the folder.
        """
        self.folder, self.score, self.settings = Path(folder), score, settings
        self.folder.mkdir(parents=True, exist_ok=True)
        self._lock()
        self.log, path = self.folder / "alerts.jsonl", self.folder / "state.json"
        given = json.loads(json.dumps(asdict(settings)))
        self.state = State(given)
        if path.is_file():
            self.state = self._read(path)
            other = [f"{name}={old}" for name, old in self.state.settings.items() if given.get(name) != old]
            if other:
                raise ValueError(f"{path} was made with {', '.join(other)}: give the same, or another folder")
        self.logged = self._mend_log()
        self.series = (EVERY, *settings.topics)
        self.position, self.names = Position(**self.state.position), self.state.names
        self.opened: list[Headline] = []
        self.opened_counts: dict[str, int] = {}
        self.known: list[tuple[str, frozenset[str]]] = []
        self.having: dict[str, list[frozenset[str]]] = {}  # a word -> what has it of these
        for day, text, *_ in self.state.recent:
            self._know(day, alert_words(text))
        self.new: list[dict] = []

    def _lock(self) -> None:
        self._held = None
        try:
            import fcntl
        except ImportError:  # Windows: nothing keeps a second one out
            return
        self._held = open(self.folder / "lock", "w", encoding="utf-8")  # noqa: SIM115
        try:
            fcntl.flock(self._held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise BlockingIOError(f"{self.folder}: another monitor is at work here; give another folder") from error

    def release(self) -> None:
        """Let another monitor work in the folder."""
        if self._held:
            self._held.close()

    @staticmethod
    def _read(path: Path) -> State:
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            if content.pop("version") != VERSION:
                raise KeyError("another version")
            return State(**content)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"{path}: no state of this monitor ({error}); give another folder") from error

    def _mend_log(self) -> list[dict]:
        """Whole alerts of the log; what was cut off at its end is taken away."""
        content = self.log.read_bytes() if self.log.is_file() else b""
        whole = content[: content.rfind(b"\n") + 1]
        if whole != content:
            with open(self.log, "r+b") as file:
                file.truncate(len(whole))
        found = []
        for number, line in enumerate(whole.splitlines(), start=1):
            try:
                found.append(json.loads(line))
            except ValueError as error:
                raise ValueError(f"{self.log}, line {number}: no alert ({error}); restore the file") from error
        if len(found) < self.state.alerts:
            raise ValueError(
                f"{self.log}: {len(found)} alerts, the state has counted {self.state.alerts}: restore the file, or "
                "begin anew in another folder"
            )
        return found

    # ------------------------------------------------------------------------------------------------- headlines

    def count(self, what: str) -> None:
        """One more of a kind: "headlines", "repeats", "late", "skipped", "unread"; kept when the day is closed."""
        self.opened_counts[what] = self.opened_counts.get(what, 0) + 1

    def add(self, headline: Headline) -> list[dict]:
        """Take a headline; the alerts of the day before if it begins a new one.

        Raises:
            ValueError: its date lies before that of a headline that was taken.
        """
        before = self.opened[0].date if self.opened else (self.state.days[-1] if self.state.days else "")
        if headline.date < before or (not self.opened and headline.date == before):
            raise ValueError(
                f"line {headline.line}: {headline.date} comes behind {before}: sort the stream by date, or leave such "
                "rows out (--skip)"
            )
        alerts = self.close() if self.opened and headline.date > before else []
        own = alert_words(headline.text[:SHOWN])  # as much as a later start will know
        self.count("headlines")
        if own and self.is_repeat(own):
            self.count("repeats")
            return alerts
        self._know(headline.date, own)
        self.opened.append(headline)
        return alerts

    def _know(self, day: str, words: frozenset[str]) -> None:
        self.known.append((day, words))
        for word in words:
            self.having.setdefault(word, []).append(words)

    def is_repeat(self, own: frozenset[str]) -> bool:
        """Whether one of the headlines that are remembered has `SAME` of all words in common with these words."""
        # Such a one shares at least one of so many of the rarest words, so only those are looked up.
        rarest = sorted(own, key=lambda word: len(self.having.get(word, ())))
        looked_up = rarest[: len(own) - math.ceil(SAME * len(own)) + 1]
        return any(repeats(own, other) for word in looked_up for other in self.having.get(word, ()))

    def reached(self, position: Position, names: list[str] | None) -> None:
        """Behind which line the stream is. Asked for before `add`: what a closed day's last line was."""
        self.position, self.names = position, names

    def close(self) -> list[dict]:
        """Close the open day: score it, move the charts, write alerts and state. The alerts."""
        if not self.opened:
            return []
        day, state = self.opened[0].date, self.state
        scored = self.score([headline.text for headline in self.opened])
        read = [(headline, *given) for headline, given in zip(self.opened, scored, strict=True) if given is not None]
        for _ in range(len(self.opened) - len(read)):
            self.count("unread")
        for kind, many in self.opened_counts.items():
            state.counts[kind] = state.counts.get(kind, 0) + many
        if state.days:
            between = (date.fromisoformat(day) - date.fromisoformat(state.days[-1])).days - 1
            state.counts["gaps"] = state.counts.get("gaps", 0) + between
        oldest = (date.fromisoformat(day) - timedelta(days=KEPT_DAYS)).isoformat()
        known, self.known, self.having = self.known, [], {}
        for then, words in known:
            if then >= oldest:
                self._know(then, words)
        state.recent = [row for row in state.recent if row[0] >= oldest]
        for headline, given in zip(self.opened, scored, strict=True):
            topic, tone = given or ("", 0.0)
            state.recent.append([day, headline.text[:SHOWN], topic, round(tone, 4)])
        row = np.zeros((3, len(self.series)))
        if read:
            topics, tones = [topic for _, topic, _ in read], [round(tone, 4) for *_, tone in read]
            part = add_up([day] * len(read), topics, tones, self.series[1:])
            row = np.stack([part.count[0], part.total[0], part.squares[0]])
        state.days.append(day)
        state.table.append(row.tolist())
        alerts = self._judge(day) if state.normal else []
        if not state.normal and len(state.days) == self.settings.learn:
            self._learn()
        state.position, state.names = asdict(self.position), self.names
        self._write(alerts)
        self.opened, self.opened_counts = [], {}
        self.new += alerts
        return alerts

    def table(self) -> DayTable:
        """All closed days."""
        parts = np.array(self.state.table).reshape(-1, 3, len(self.series))
        return DayTable(tuple(self.state.days), self.series, parts[:, 0], parts[:, 1], parts[:, 2])

    def reference(self) -> Reference | None:
        """What is normal, once it is learned."""
        normal = self.state.normal
        if normal is None:
            return None
        return Reference(*(np.array(normal[name]) for name in ("mean", "deviation", "share")), self.settings.learn)

    def _learn(self) -> None:
        """Fit what is normal, and the limit, on the days so far; count on other series of nothing what it promises."""
        table, settings = self.table(), self.settings
        reference = fit_reference(table)
        rng = np.random.default_rng(settings.seed)
        rows = block_days(len(table.days), MONTH, min(settings.block, len(table.days)), settings.shuffles, rng)
        values = tone_values(table, reference)[rows]
        half = settings.shuffles // 2
        limit = fit_limit(values[:half], settings.slack, settings.promised)
        measured = alarms_a_month(values[half:], settings.slack, limit)
        self.state.normal = {
            "mean": reference.mean.tolist(),
            "deviation": reference.deviation.tolist(),
            "share": reference.share.tolist(),
            "limit": limit,
            "highest": highest_sums(values[half:], settings.slack).round(4).tolist(),
            "measured": [float(measured.mean()), float(measured.std(ddof=1) / np.sqrt(len(measured)))],
        }
        self.state.sums = {name: [0.0] * len(self.series) for name in DIRECTIONS}
        self.state.since = {name: [""] * len(self.series) for name in DIRECTIONS}

    def _judge(self, day: str) -> list[dict]:
        """Move the charts by the last day; the alerts it gives."""
        state, normal = self.state, self.state.normal
        value, alerts = tone_values(self.table()[-1:], self.reference())[0], []
        for direction, sign in DIRECTIONS.items():
            sums = cusum_step(np.array(state.sums[direction]), sign * value, self.settings.slack)
            for place, series in enumerate(self.series):
                begun = state.since[direction][place] or day
                state.since[direction][place] = begun if sums[place] > 0 else ""
                if sums[place] > normal["limit"]:
                    alerts.append(
                        {
                            "number": state.alerts + len(alerts) + 1,
                            "topic": series,
                            "from": begun,
                            "to": day,
                            "direction": direction,
                            "sum": round(float(sums[place]), 3),
                            "p": round(chance_of(sums[place], np.array(normal["highest"])), 4),
                            "evidence": self._evidence(series, begun, sign),
                        }
                    )
            state.sums[direction] = sums.round(6).tolist()
        sums = {name: list(of) for name, of in state.sums.items()}
        state.history.append({"day": day, **sums})
        for alert in alerts:  # a chart that has called begins anew
            place = self.series.index(alert["topic"])
            state.sums[alert["direction"]][place], state.since[alert["direction"]][place] = 0.0, ""
        return alerts

    def _evidence(self, series: str, begun: str, sign: int) -> list[str]:
        """The headlines since then that moved the chart most."""
        rows = [row for row in self.state.recent if row[0] >= begun and row[2] and series in (EVERY, row[2])]
        rows.sort(key=lambda row: (-sign * row[3], row[0], row[1]))
        return [row[1] for row in rows[:EVIDENCE]]

    def _write(self, alerts: list[dict]) -> None:
        fresh = []
        for alert in alerts:
            if alert["number"] <= len(self.logged):
                if self.logged[alert["number"] - 1] != alert:
                    raise ValueError(
                        f"{self.log}, line {alert['number']}: another alert than this stream gives; it was written by "
                        "another stream or model: give another folder"
                    )
            else:
                fresh.append(alert)
        if fresh:
            with open(self.log, "ab") as file:
                file.write("".join(json.dumps(alert, ensure_ascii=False) + "\n" for alert in fresh).encode("utf-8"))
                file.flush()
                os.fsync(file.fileno())
            self.logged += fresh
        self.state.alerts += len(alerts)
        content = json.dumps({"version": VERSION, **vars(self.state)}, ensure_ascii=False, separators=(",", ":"))
        write_whole(self.folder / "state.json", content.encode("utf-8"))
