"""Worked solutions of the exercises on a monitor. Try first: `check` tells you more than these do."""

import math

import numpy as np


def my_once(dates, texts):
    first = {}
    for row in sorted(range(len(texts)), key=lambda row: dates[row]):  # sorted() keeps equal dates in their order
        first.setdefault(texts[row].lower(), row)
    return sorted(first.values())


def my_kappa(one, other):
    n = len(one)
    alike = sum(a == b for a, b in zip(one, other, strict=True)) / n
    chance = sum(one.count(label) / n * other.count(label) / n for label in set(one))
    return (alike - chance) / (1 - chance)


def my_value(tones, mean, deviation):
    n = len(tones)
    return (tones.sum() - n * mean) / (deviation * math.sqrt(n))


def my_cusum(values, slack, limit):
    total, alarms = 0.0, []
    for day, value in enumerate(values):
        if np.isnan(value):
            continue  # no news: the sum stays
        total = max(0.0, total + value - slack)
        if total > limit:
            alarms.append(day)
            total = 0.0
    return alarms


my_false_alarms = 10 * 21 * 0.03  # expectations add up, whether the tests depend on each other or not


def my_adjusted(p):
    order = np.argsort(p)
    scaled = p[order] * len(p) / np.arange(1, len(p) + 1)
    least = np.minimum.accumulate(scaled[::-1])[::-1]  # over its own and all larger ones
    adjusted = np.empty(len(p))
    adjusted[order] = least
    return adjusted


def my_blocks(starts, block, days, length):
    rows = [(start + step) % days for start in starts for step in range(block)]
    return rows[:length]


def my_delay(alarms, event, early, late):
    own = [alarm - event for alarm in alarms if event - early <= alarm <= event + late]
    return min(own, default=late + 1)


def my_point_adjusted(called, true):
    adjusted, day = list(called), 0
    while day < len(true):
        end = day
        while end < len(true) and true[end]:
            end += 1
        if any(called[day:end]):
            adjusted[day:end] = [True] * (end - day)
        day = max(end, day + 1)
    return adjusted
