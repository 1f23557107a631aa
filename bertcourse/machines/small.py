"""Machines of lesson 18: what a temperature tells of a teacher, and a queue that is asked faster and faster."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bertcourse.diagrams.drawing import MARGIN, SMALL, SOFT, Drawing
from bertcourse.machines.frame import Machine

TEMPERATURES = [1 + place / 4 for place in range(37)]  # 1 to 10
RATES, MOST = 60, 32  # positions of the slider of rates; texts in a batch, at most
REQUESTS = 2000
LATE = 0.2  # seconds that one request of a hundred may take longer


def at_temperature(logits: Sequence[float], temperature: float) -> np.ndarray:
    scores = np.asarray(logits, dtype=float) / temperature
    weights = np.exp(scores - scores.max())
    return weights / weights.sum()


def plain_gradient(teacher: Sequence[float], student: Sequence[float], temperature: float) -> float:
    """Size of the gradient of KL(teacher ‖ student) by the student's logits, both softened: the sum of its entries'."""
    return float(
        np.abs(at_temperature(student, temperature) - at_temperature(teacher, temperature)).sum() / temperature
    )


def teacher_softened(text: str, labels: Sequence[str], teacher: Sequence[float], student: Sequence[float]) -> Machine:
    """The temperature moved: the probabilities of a teacher and a student, and the gradient with and without T².

    Args:
        text: what both were asked about.
        labels: names of the classes, 2 to 6.
        teacher, student: their logits, one each; rounded to hundredths.

    Raises:
        ValueError: not as many logits as labels, or the gradient never falls under a tenth of what it is at 1.
    """
    if not 2 <= len(labels) <= 6 or not len(labels) == len(teacher) == len(student):
        raise ValueError(
            f"{len(labels)} labels, {len(teacher)} and {len(student)} logits: give 2 to 6, as many of each"
        )
    teacher, student = ([round(float(one), 2) for one in side] for side in (teacher, student))
    sizes = [plain_gradient(teacher, student, one) for one in TEMPERATURES]
    below = [place for place, size in enumerate(sizes) if size < sizes[0] / 10]
    if not below or below != list(range(below[0], len(sizes))):
        raise ValueError(
            "the gradient does not fall under a tenth of its size at 1 and stay there: give a text on which teacher "
            "and student differ"
        )
    data = {
        "text": " ".join(text.split()),
        "labels": list(labels),
        "teacher": teacher,
        "student": student,
        "temperatures": TEMPERATURES,
        "first": below[0],
    }
    shares = [at_temperature(side, 1) for side in (teacher, student)]
    picture = Drawing(
        f"“{data['text']}” At temperature 1 the teacher gives "
        + ", ".join(f"{name} {100 * share:.1f} %" for name, share in zip(labels, shares[0], strict=True))
        + f"; the gradient of the student's logits has the size {sizes[0]:.3f}."
    )
    picture.text(280, 22, "temperature 1.00", bold=True)
    cells = [["", "teacher", "student"]]
    cells += [[n, *(f"{100 * one[i]:.1f} %" for one in shares)] for i, n in enumerate(labels)]
    picture.grid(MARGIN, 44, cells, (177, 32), tone=lambda i, j: "grey" if 0 in (i, j) else "plain")
    words = f"size of the gradient: {sizes[0]:.3f}"
    picture.text(280, 44 + 32 * len(cells) + 22, words, size=SMALL, color=SOFT)
    question = (
        "Both are softened by the same temperature, and the student learns to say what the teacher says. Which is the "
        "lowest temperature at which its gradient is under a tenth of what it is at 1? Go there. Then multiply by T²."
    )
    return Machine("teacher_softened", "What a temperature tells, and what it costs", question, data, picture)


def served_queue(gaps: Sequence[float], rate: float, most: int, base: float, each: float) -> dict[str, float]:
    """One worker that takes what waits, up to `most`, while requests come at a rate, whether it keeps up or not.

    Args:
        gaps: between two requests, in mean gaps.
        rate: requests a second.
        most: texts of a batch.
        base, each: seconds: a batch of n takes base + each · n.

    Returns:
        p50 and p99, in seconds from a request's arrival to its answer, and the mean size of a batch.
    """
    arrivals, clock, done, waits, sizes = np.cumsum(gaps) / rate, 0.0, 0, [], []
    while done < len(arrivals):
        clock = max(clock, float(arrivals[done]))
        here = 1
        while here < most and done + here < len(arrivals) and arrivals[done + here] <= clock:
            here += 1
        clock += base + each * here
        waits += [clock - float(arrivals[n]) for n in range(done, done + here)]
        sizes.append(here)
        done += here
    waits.sort()
    return {
        "p50": waits[len(waits) // 2],
        "p99": waits[int(0.99 * len(waits))],
        "size": len(waits) / len(sizes),
    }


def queue_asked(gaps: Sequence[float], base: float, each: float) -> Machine:
    """A queue in front of one model: the rate of requests and the size of a batch, moved; p50 and p99.

    Args:
        gaps: between requests, in mean gaps (draws of an exponential distribution of mean 1), 100 to 2,000.
        base, each: seconds: a batch of n takes base + each · n.

    Raises:
        ValueError: too few or many gaps, times that are not above 0, or rates that the slider does not reach.
    """
    if not 100 <= len(gaps) <= REQUESTS or not base > 0 or not each > 0:
        raise ValueError(f"{len(gaps)} gaps, base={base}, each={each}: give 100 to {REQUESTS} gaps, and times above 0")
    gaps = [round(float(one), 3) for one in gaps]
    step = float(f"{1.3 / each / RATES:.2g}")
    rates = [step * (place + 1) for place in range(RATES)]
    base, each = round(base, 6), round(each, 6)

    def highest(most: int) -> int:
        held = [place for place, rate in enumerate(rates) if served_queue(gaps, rate, most, base, each)["p99"] <= LATE]
        return max(held, default=-1)

    alone, together = highest(1), highest(MOST)
    if not 0 <= alone < together < RATES - 1:
        raise ValueError(f"base={base}, each={each}: no rate of the slider is the highest for 1 and for {MOST} texts")
    data = {
        "gaps": gaps,
        "base": base,
        "each": each,
        "rates": [round(one, 6) for one in rates],
        "most": MOST,
        "late": LATE,
        "alone": alone,
        "together": together,
    }
    found = served_queue(gaps, rates[0], 1, base, each)
    picture = Drawing(
        f"{len(gaps)} requests at {rates[0]:g} a second, one text per pass: half are answered within "
        f"{1000 * found['p50']:.0f} ms, 99 of 100 within {1000 * found['p99']:.0f} ms."
    )
    picture.text(280, 22, f"{rates[0]:g} requests per second, batches of 1", bold=True)
    cells = [["p50", "p99", "texts in a batch"]]
    cells += [[f"{1000 * found['p50']:.0f} ms", f"{1000 * found['p99']:.0f} ms", f"{found['size']:.1f}"]]
    picture.grid(MARGIN, 44, cells, (177, 32), tone=lambda i, j: "grey" if i == 0 else "plain")
    words = f"a batch of n takes {1000 * base:.1f} + {1000 * each:.1f} n ms"
    picture.text(280, 130, words, size=SMALL, color=SOFT)
    question = (
        f"99 of 100 requests are to be answered within {1000 * LATE:.0f} ms. First with one text per pass: what is the "
        f"highest rate? Then with up to {MOST} in a batch, which never waits to be full: guess the highest rate, and "
        "find it."
    )
    return Machine("queue_asked", "How fast may it be asked?", question, data, picture)
