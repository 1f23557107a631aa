"""The statistics of a monitor: an index a topic and day, CUSUM and EWMA, false alarms promised and counted, delays.

Days are those that have a page, in their order: a day without one is not in a table at all. A topic that a day has no
headline of is NaN there, and a chart stays as it was: no news is no good news.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

EVERY = "all"  # the series of all headlines together
MONTH = 26  # days with a page in 30 days of the calendar: 170 of 199 in the stream of lesson 14
CLOSEST = 1e-9


@dataclass(frozen=True)
class DayTable:
    """A stream, added up: one row a day that has a page, one column a series ("all" first, then each topic).

    Attributes:
        days: dates as YYYY-MM-DD, ascending.
        series: names of the columns.
        count: (T, K) headlines.
        total: (T, K) the sum of their tones, each from −1 to 1.
        squares: (T, K) the sum of the squares of these.
    """

    days: tuple[str, ...]
    series: tuple[str, ...]
    count: np.ndarray
    total: np.ndarray
    squares: np.ndarray

    def __getitem__(self, rows: slice | Sequence[int] | np.ndarray) -> DayTable:
        chosen = np.arange(len(self.days))[rows]
        days = tuple(self.days[row] for row in chosen)
        return DayTable(days, self.series, self.count[chosen], self.total[chosen], self.squares[chosen])


def add_up(dates: Sequence[str], topics: Sequence[str], tones: Sequence[float], names: Sequence[str]) -> DayTable:
    """Headlines as a table of days.

    Args:
        dates: of each headline, YYYY-MM-DD, in any order.
        topics: of each headline, one of `names`.
        tones: of each headline, from −1 (bad news) to 1.
        names: the topics.

    Raises:
        ValueError: the three are not equally long or empty, a tone is not from −1 to 1, a topic has no name.
    """
    values = np.asarray(tones, dtype=float)
    if not len(dates) == len(topics) == len(values) or not len(values):
        raise ValueError(
            f"{len(dates)} dates, {len(topics)} topics, {len(values)} tones: give equally many, one at least"
        )
    if not (abs(values) <= 1).all():  # NaN fails as well
        raise ValueError(f"tones: {values[~(abs(values) <= 1)][0]}: give numbers from -1 to 1")
    if unknown := sorted(set(topics) - set(names)):
        raise ValueError(f"topics: {unknown[0]!r}: give one of {', '.join(names)}")
    days, row = np.unique(np.asarray(dates), return_inverse=True)
    column = np.array([list(names).index(topic) + 1 for topic in topics])
    tables = []
    for weight in (np.ones_like(values), values, values**2):
        table = np.zeros((len(days), len(names) + 1))
        np.add.at(table, (row, column), weight)
        table[:, 0] = table[:, 1:].sum(axis=1)
        tables.append(table)
    return DayTable(tuple(days.tolist()), (EVERY, *names), *tables)


@dataclass(frozen=True)
class Reference:
    """What is normal, fitted on days that lie before those to be judged.

    Attributes:
        mean, deviation: (K,) of a headline's tone in each series.
        share: (K,) of a day's headlines that each series has.
        days: how many days it was fitted on.
    """

    mean: np.ndarray
    deviation: np.ndarray
    share: np.ndarray
    days: int


def fit_reference(table: DayTable) -> Reference:
    """Mean and deviation of each series, over the headlines of all days given.

    A series of fewer than ten headlines gets those of "all": a deviation of two or three numbers is none.

    Raises:
        ValueError: fewer than five days, or all tones are alike.
    """
    if len(table.days) < 5:
        raise ValueError(f"{len(table.days)} days: give at least five days to learn from")
    count, total, squares = (part.sum(axis=0) for part in (table.count, table.total, table.squares))
    few = count < 10
    own = np.where(few, count[0], count)
    mean = np.where(few, total[0], total) / own
    deviation = np.sqrt(
        np.maximum(np.where(few, squares[0], squares) / own - mean**2, 0) * own / np.maximum(own - 1, 1)
    )
    if deviation[0] < CLOSEST:
        raise ValueError(f"all {int(count[0])} headlines have the tone {mean[0]:g}: a chart needs tones that differ")
    deviation = np.where(deviation < CLOSEST, deviation[0], deviation)
    return Reference(mean, deviation, count / count[0], len(table.days))


def tone_values(table: DayTable, reference: Reference) -> np.ndarray:
    """How far a day's tone is from normal, in standard errors: (T, K), NaN where a series has no headline.

    With n headlines whose tones sum to s: (s − n·mean) / (deviation·√n), so that a topic of two headlines and one of
    twenty are on one scale.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        return (table.total - table.count * reference.mean) / (reference.deviation * np.sqrt(table.count))


def share_values(table: DayTable, reference: Reference) -> np.ndarray:
    """How far a topic's share of a day's headlines is from normal, in standard errors: (T, K); "all" is NaN.

    Of N headlines n in a topic whose share is p: (n − N·p) / √(N·p·(1 − p)).
    """
    whole, share = table.count[:, :1], np.clip(reference.share, 1e-3, 1 - 1e-3)
    values = (table.count - whole * share) / np.sqrt(whole * share * (1 - share))
    values[:, 0] = np.nan
    return values


def index(table: DayTable, reference: Reference, width: float = 1.96) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Each day's mean tone in each series, and its interval: three arrays (T, K), NaN where there is no headline.

    The half-width is `width`·deviation/√n, the deviation being the reference's: a day of two headlines has none.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = table.total / table.count
        half = width * reference.deviation / np.sqrt(table.count)
    half = np.where(table.count > 0, half, np.nan)
    return mean, mean - half, mean + half


# -------------------------------------------------------------------------------------------------------------- charts


def cusum_step(sums: np.ndarray, value: np.ndarray, slack: float) -> np.ndarray:
    """One day of a CUSUM: max(0, sum + value − slack); where the value is NaN the sum stays."""
    return np.where(np.isnan(value), sums, np.maximum(0.0, sums + np.nan_to_num(value) - slack))


def cusum(values: np.ndarray, slack: float = 0.5, limit: float = np.inf) -> tuple[np.ndarray, np.ndarray]:
    """The sums of a CUSUM that looks for a rise, and its alarms (Page, 1954). For a fall give −values.

    Args:
        values: (T, …) in standard errors; NaN where nothing was seen.
        slack: what a value must exceed to add anything; half of the rise that is looked for.
        limit: a sum above it is an alarm, and the sum begins at 0 again on the next day.

    Returns:
        The sums before any is set to 0, and whether there is an alarm; both (T, …).
    """
    values = np.asarray(values, dtype=float)
    sums, path = np.zeros(values.shape[1:]), np.empty_like(values)
    for day, value in enumerate(values):
        sums = path[day] = cusum_step(sums, value, slack)
        sums = np.where(sums > limit, 0.0, sums)
    return path, path > limit


def ewma(values: np.ndarray, weight: float = 0.2) -> np.ndarray:
    """An exponentially weighted mean of values, in its own standard errors (Roberts, 1959): (T, …).

    e_t = weight·value + (1 − weight)·e_{t−1} from e_0 = 0; divided by √(weight/(2 − weight)·(1 − (1 − weight)^{2t})),
    where t counts the days that were seen. A day without a value leaves all as it was.

    Raises:
        ValueError: the weight is not over 0 and at most 1.
    """
    if not 0 < weight <= 1:
        raise ValueError(f"weight={weight!r}: give a number over 0, at most 1")
    values = np.asarray(values, dtype=float)
    mean, seen, path = np.zeros(values.shape[1:]), np.zeros(values.shape[1:]), np.empty_like(values)
    for day, value in enumerate(values):
        there = ~np.isnan(value)
        mean = np.where(there, weight * np.nan_to_num(value) + (1 - weight) * mean, mean)
        seen = seen + there
        spread = np.sqrt(weight / (2 - weight) * (1 - (1 - weight) ** (2 * np.maximum(seen, 1))))
        path[day] = mean / spread
    return path


def ewma_alarms(values: np.ndarray, weight: float = 0.2, limit: float = 3.0) -> np.ndarray:
    """Days on which an EWMA that looks for a rise crosses its limit, from below: (T, …) of booleans."""
    above = ewma(values, weight) > limit
    before = np.concatenate([np.zeros_like(above[:1]), above[:-1]])
    return above & ~before


# ------------------------------------------------------------------------------------------------- many tests at once


def two_sided(values: np.ndarray) -> np.ndarray:
    """How likely a value at least as far from 0 is, if all is normal; NaN stays NaN."""
    return np.vectorize(math.erfc, otypes=[float])(np.abs(values) / math.sqrt(2))


def benjamini_hochberg(p: np.ndarray) -> np.ndarray:
    """Adjusted p-values: call what is at most q, and on average at most the share q of the calls is false.

    The i-th smallest of m becomes the least of p_j·m/j over j ≥ i (Benjamini and Hochberg, 1995).

    Args:
        p: of any shape, from 0 to 1; all that were looked at, not only the small ones. NaN is no test and stays NaN.

    Raises:
        ValueError: a value is not from 0 to 1.
    """
    p = np.asarray(p, dtype=float)
    there = ~np.isnan(p)
    own = p[there]
    if ((own < 0) | (own > 1)).any():
        raise ValueError(f"p={own[(own < 0) | (own > 1)][0]:g}: give numbers from 0 to 1")
    order = np.argsort(own, kind="stable")
    scaled = own[order] * len(own) / np.arange(1, len(own) + 1)
    least = np.minimum.accumulate(scaled[::-1])[::-1]
    result = np.full(p.shape, np.nan)
    adjusted = np.empty_like(own)
    adjusted[order] = least
    result[there] = adjusted
    return result


# ------------------------------------------------------------------------------------------- what nothing looks like


def block_days(days: int, length: int, block: int, count: int, rng: np.random.Generator) -> np.ndarray:
    """Series in which nothing happens, made of blocks of past days: row numbers (count, length).

    Each block begins on a day drawn at random; behind the last day comes the first. What days in a row have in common
    stays, trends and events are torn apart.

    Raises:
        ValueError: a number is below 1, or a block is longer than the days there are.
    """
    if min(days, length, block, count) < 1 or block > days:
        raise ValueError(f"days={days}, length={length}, block={block}, count={count}: give 1 at least, block ≤ days")
    blocks = -(-length // block)
    starts = rng.integers(0, days, (count, blocks))
    rows = (starts[:, :, None] + np.arange(block)) % days
    return rows.reshape(count, -1)[:, :length]


def alarms_a_month(values: np.ndarray, slack: float, limit: float, month: int = MONTH) -> np.ndarray:
    """Alarms a month in each of several series of days, all topics and both directions together: (S,).

    Args:
        values: (S, T, K) in standard errors.
    """
    moved = np.moveaxis(np.asarray(values, dtype=float), 1, 0)  # days first
    alarms = sum(cusum(sign * moved, slack, limit)[1].sum(axis=(0, 2)) for sign in (1, -1))
    return alarms * month / moved.shape[0]


def fit_limit(values: np.ndarray, slack: float, promised: float, month: int = MONTH) -> float:
    """The lowest limit with at most `promised` alarms a month on average, all topics and both directions together.

    Args:
        values: (S, T, K), series in which nothing happens.

    Raises:
        ValueError: promised is not over 0.
    """
    if not promised > 0:
        raise ValueError(f"promised={promised!r}: give the alarms a month that you accept, over 0")
    low, high = 0.0, 1.0
    while alarms_a_month(values, slack, high, month).mean() > promised:
        low, high = high, 2 * high
    while high - low > 1e-3:
        middle = (low + high) / 2
        if alarms_a_month(values, slack, middle, month).mean() > promised:
            low = middle
        else:
            high = middle
    return high


def highest_sums(values: np.ndarray, slack: float) -> np.ndarray:
    """Of each series of days the highest sum of any topic in either direction, with no limit: (S,), ascending."""
    moved = np.moveaxis(np.asarray(values, dtype=float), 1, 0)
    both = [np.nanmax(cusum(sign * moved, slack)[0], axis=(0, 2)) for sign in (1, -1)]
    return np.sort(np.maximum(*both))


def chance_of(sums: float, highest: np.ndarray) -> float:
    """How often a month in which nothing happens has a sum at least as high: (1 + how many) / (1 + all)."""
    return float((1 + (np.asarray(highest) >= sums).sum()) / (1 + len(highest)))


# --------------------------------------------------------------------------------------------------- against events


def delays(
    alarms: Mapping[tuple[str, str], Sequence[str]], events: Sequence[Mapping[str, str]], early: int = 2, late: int = 14
) -> list[int | None]:
    """For each event how many days behind its date its first alarm comes, or None.

    Args:
        alarms: dates (YYYY-MM-DD) of alarms by series and direction: ("travel", "down").
        events: date, series and direction of each.
        early: a page can bear a date so many days before the public one; such an alarm counts, with its negative delay.
        late: what comes later is another matter.
    """
    found = []
    for event in events:
        at = date.fromisoformat(event["date"])
        days = [(date.fromisoformat(day) - at).days for day in alarms.get((event["series"], event["direction"]), ())]
        found.append(min((day for day in days if -early <= day <= late), default=None))
    return found


def f1(called: np.ndarray, true: np.ndarray) -> float:
    """Of days called and days that are true, booleans of one shape; 0 where no called day is true."""
    hits = (called & true).sum()
    return float(2 * hits / (called.sum() + true.sum())) if hits else 0.0


def point_adjusted(called: np.ndarray, true: np.ndarray) -> np.ndarray:
    """What papers on anomalies often score in place of `called`: one alarm in a run of true days calls the whole run.

    Args:
        called, true: (T,) booleans. Runs are days in a row.
    """
    adjusted, start = called.copy(), None
    for day, now in enumerate([*true.tolist(), False]):
        if now and start is None:
            start = day
        elif not now and start is not None:
            adjusted[start:day] |= called[start:day].any()
            start = None
    return adjusted
