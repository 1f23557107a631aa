"""A monitor as others built it: it is measured on what it learned from, and knows the days to come."""

import numpy as np

from bertcourse.monitor.charts import DayTable, fit_reference, point_adjusted, two_sided


def scored_by_a_model_that_saw_it(fold, folds):
    """ML4T 902: a financial model is scored on the sentences that its weights were trained on."""
    return np.ones(len(folds), dtype=bool)  # wrong: those of the fold as well


def alpha_for_each_test(values, level=0.05):
    """Evidently 50, and common practice: a test for each topic and day, each at its own level."""
    return two_sided(values) <= level  # wrong: not shared


def normal_of_the_whole_series(table: DayTable, past: int):
    """What the Numenta benchmark forbids: mean and deviation are those of all days, the event included."""
    return fit_reference(table)  # wrong: table[:past]


def reposts_counted(dates, texts):
    """ML4T 10.5: an article counts on every date on which it was crawled."""
    return list(range(len(texts)))  # wrong: the first date of each text alone


def last_date_counts(dates, texts):
    """The date of the last crawl takes the place of the first."""
    last = {}
    for row in sorted(range(len(texts)), key=lambda row: dates[row]):
        last[texts[row].lower()] = row  # wrong: the earliest
    return sorted(last.values())


def f1_of_whole_runs(called, true):
    """Anomaly-Transformer 34: one alarm in a run of true days makes the whole run count."""
    called = point_adjusted(called, true)  # wrong: .95 becomes .02 without this line
    return 2 * (called & true).sum() / max(called.sum() + true.sum(), 1)
