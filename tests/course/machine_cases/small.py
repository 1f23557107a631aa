"""Machines of lesson 18."""

from functools import cache

import numpy as np

from bertcourse.machines import small
from bertcourse.machines.small import MOST, RATES, TEMPERATURES, at_temperature, plain_gradient, served_queue

LABELS = ("negative", "neutral", "positive")
TEACHER, STUDENT = [-1.2, 0.4, 4.1], [1.5, 0.3, -0.9]
BASE, EACH = 0.006, 0.002


def teacher_softened(student=STUDENT):
    return small.teacher_softened("It does what it should.", LABELS, TEACHER, student)


def draw_temperature(rng, data):
    return {"step": int(rng.integers(len(TEMPERATURES))), "squared": bool(rng.random() < 0.5)}


def expected_gradient(data, state):
    T = TEMPERATURES[state["step"]]
    size = plain_gradient(TEACHER, STUDENT, T)
    return {
        "teacher": at_temperature(TEACHER, T).tolist(),
        "student": at_temperature(STUDENT, T).tolist(),
        "plain": size,
        "shown": size * T * T if state["squared"] else size,
    }


@cache
def gaps(seed):
    return np.random.default_rng(seed).exponential(1, 1200).round(3).tolist()


def queue_asked(seed=0):
    return small.queue_asked(gaps(seed), BASE, EACH)


def draw_queue(rng, data):
    return {"rate": int(rng.integers(RATES)), "most": int(rng.choice([1, 2, 4, 8, 16, 32]))}


def expected_queue(data, state):
    return served_queue(gaps(0), data["rates"][state["rate"]], state["most"], BASE, EACH)


def highest(data):
    return [
        {"rate": data["alone"] + 1},
        {"rate": data["alone"], "alone": True},
        {"most": MOST},
        {"rate": data["together"] - 1},
        {"rate": data["together"]},
    ]


CASES = {
    "teacher_softened": (
        teacher_softened,
        lambda: teacher_softened([0.1, 0.2, 0.0]),
        draw_temperature,
        expected_gradient,
        lambda data: [
            {"step": data["first"] - 1, "squared": True},
            {"step": data["first"], "squared": False},
            {"squared": True},
        ],
    ),
    "queue_asked": (queue_asked, lambda: queue_asked(1), draw_queue, expected_queue, highest),
}

WRONG = {
    "two logits": (
        lambda: small.teacher_softened("a", LABELS, TEACHER[:2], STUDENT),
        "3 labels, 2 and 3 logits: give 2 to 6",
    ),
    "a student that says the same": (lambda: teacher_softened(TEACHER), "teacher and student differ"),
    "ten requests": (lambda: small.queue_asked([1.0] * 10, BASE, EACH), "10 gaps, base=0.006"),
    "no time at all": (lambda: small.queue_asked(gaps(0), 0, EACH), "times above 0"),
    "a model that is too slow": (lambda: small.queue_asked(gaps(0), 1.0, 0.5), "no rate of the slider is the highest"),
}
