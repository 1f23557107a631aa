"""Streams and a scorer for tests of the monitor: small, quick, the same on every machine."""

import csv
import sys
import time
from datetime import date, timedelta

import numpy as np

TOPICS = ("shops", "oil", "other")
WORDS = {"bad": -0.8, "falls": -0.5, "fair": 0.0, "rises": 0.5, "good": 0.8}


class Words:
    """The tone of a headline is that of its first known word, its topic stands before it; "什么" cannot be read."""

    topics = TOPICS

    def __init__(self, seconds=0.0):
        self.seconds = seconds

    def __call__(self, texts):
        time.sleep(self.seconds)
        return [self.one(text) for text in texts]

    @staticmethod
    def one(text):
        if not text.isascii():
            return None
        found = text.lower().split()
        topic = next((word for word in found if word in TOPICS), "other")
        return topic, next((WORDS[word] for word in found if word in WORDS), 0.0)


def rows(days=70, a_day=12, shift_at=45, seed=0, start=date(2020, 1, 1)):
    """Headlines, oldest first: (date, text). From `shift_at` on those of oil are worse; every sixth day is missing."""
    rng, found, number = np.random.default_rng(seed), [], 0
    for day in range(days):
        if day % 6 == 5:
            continue
        for _ in range(a_day):
            topic = str(rng.choice(TOPICS))
            bad = topic == "oil" and day >= shift_at
            weights = (0.5, 0.3, 0.1, 0.05, 0.05) if bad else (0.1, 0.25, 0.3, 0.25, 0.1)
            word = str(rng.choice(list(WORDS), p=weights))
            number += 1
            found.append(
                ((start + timedelta(days=day)).isoformat(), f"{topic} {word} n{number} x{number * 7} y{number * 13}")
            )
    return found


def write(path, found, header=("text", "date")):
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows((text, day) for day, text in found)
    return path


if __name__ == "__main__":  # what is killed: the command with this scorer
    from bertcourse.__main__ import build_parser
    from bertcourse.monitor.command import run_monitor

    options = build_parser().parse_args(["monitor", *sys.argv[1:]])
    sys.exit(run_monitor(options, Words(0.05)))
