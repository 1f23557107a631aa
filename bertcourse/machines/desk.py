"""Machines of lesson 13: deciding in the desk's place, and a promise about wrong answers that is kept on average."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite, log
from numbers import Integral

import numpy as np

from bertcourse.diagrams.desk import check_costs, check_share, lines_of
from bertcourse.diagrams.drawing import MARGIN, SMALL, SOFT, Drawing
from bertcourse.machines.frame import Machine

FEWEST, MOST, WORDS = 4, 20, 25  # cases, and words of a text that are quoted
TEXTS, MARKS = ("question", "stored", "answer"), ("right", "exists")
QUESTIONS, REST = (60, 2000), 30  # of both parts together, fewest and most; left to be measured, at least
DRAWS = (100, 300)  # so many are drawn for an answer, and at most
SETTINGS = 12  # promises, and sizes
PROMISED, SHARES = 0.05, (0.5, 0.6, 0.4, 0.7, 0.3, 0.8, 0.2, 0.9)  # asked for, if the data allow it: the first first


def be_the_desk(cases: Sequence[Mapping], costs: tuple[int, int], threshold: float) -> Machine:
    """Real questions one after the other, each with the best entry found: answer, or hand over?

    Args:
        cases: four to twenty questions, each with question (the customer's), stored and answer (question and answer of
            the best entry found; of the answer the first 25 words are shown), confidence (0 to 1), right (whether that
            entry answers the question), and exists (whether any stored entry does).
        costs: what a wrong answer costs, and what a hand-over; a right answer costs nothing.
        threshold: from which confidence on the desk answers, 0 to 1.

    Raises:
        ValueError: too few or too many cases; one lacks something, has a blank text or one of more than 25 words, a
            confidence that is no share, a mark that is not True or False, or is right though nothing exists; or what
            `bertcourse.diagrams.desk.check_costs` and `check_share` find wrong.
    """
    wrong, hand = check_costs(costs)
    threshold = check_share("threshold", threshold)
    if not FEWEST <= len(cases) <= MOST:
        raise ValueError(f"cases: {len(cases)} questions: give {FEWEST} to {MOST}")
    rows = []
    for number, case in enumerate(cases):
        if missing := [name for name in (*TEXTS, "confidence", *MARKS) if name not in case]:
            raise ValueError(f"cases: number {number} lacks {missing[0]!r}: give {[*TEXTS, 'confidence', *MARKS]}")
        texts = {name: " ".join(str(case[name]).split()) for name in TEXTS}
        for name, text in texts.items():
            words = text.split()
            if not words or (len(words) > WORDS and name != "answer"):
                raise ValueError(f"cases: number {number}, {name} has {len(words)} words: give 1 to {WORDS}")
            if len(words) > WORDS:
                texts[name] = " ".join(words[:WORDS]) + " …"
        for name in MARKS:
            if case[name] not in (True, False):
                raise ValueError(f"cases: number {number} has {name}={case[name]!r}: give True or False")
        if case["right"] and not case["exists"]:
            raise ValueError(f"cases: number {number} is right, though nothing is stored: make exists True")
        confidence = check_share(f"cases: number {number}, confidence", case["confidence"])
        rows.append([*texts.values(), confidence, *(int(bool(case[name])) for name in MARKS)])
    data = {"cases": rows, "costs": [wrong, hand], "threshold": threshold}
    question, stored, answer = rows[0][:3]
    picture = Drawing(
        f"Question 1 of {len(rows)}: “{question}” The best entry found is “{stored}”, with the answer “{answer}” The "
        "confidence is not shown yet. Two buttons: answer with it, or hand over."
    )
    y = 12
    for name, words, tone, bold in (
        (f"question 1 of {len(rows)}", question, "blue", True),
        ("the best entry found", stored, "plain", True),
        ("its answer", answer, "plain", False),
    ):
        picture.text(MARGIN, y + 10, name, size=SMALL, align="start", color=SOFT)
        text = lines_of(words, 510, 6, bold=bold)
        high = 16 + 19 * (text.count("\n") + 1)
        picture.box(MARGIN, y + 24, 532, high, text, tone, size=SMALL, bold=bold)
        y += high + 34
    for x, words in ((MARGIN, "answer with it"), (MARGIN + 271, "hand over to a person")):
        picture.box(x, y + 4, 261, 36, words, "grey", bold=True)
    asked = (
        f"{len(rows)} customers ask. Of each you see the entry that search found best: answer with it, or hand over to "
        f"a person? A right answer costs nothing, a wrong one {wrong}, a hand-over {hand}. Whose sum will be least: "
        f"yours, the desk's, which answers from a confidence of {threshold:.2f} on, that of one who always answers, or "
        "that of one who always hands over? Guess first."
    )
    return Machine("be_the_desk", "You are the desk", asked, data, picture)


# ------------------------------------------------------------------------------------------------------- the promise


def _numbers(seed: int, count: int) -> np.ndarray:
    """What `generator(seed)` of frame.js gives, from the first number on (mulberry32)."""
    with np.errstate(over="ignore"):
        a = np.uint32(seed) + np.arange(1, count + 1, dtype=np.uint32) * np.uint32(0x6D2B79F5)
        t = (a ^ (a >> np.uint32(15))) * (np.uint32(1) | a)
        t = (t + (t ^ (t >> np.uint32(7))) * (np.uint32(61) | t)) ^ t
    return (t ^ (t >> np.uint32(14))).astype(np.float64) / 2**32


def _shuffled(draw: int, questions: int, most: int) -> np.ndarray:
    """The first `most` questions of a shuffle, one for each draw: of them the first n calibrate, for any n."""
    order = list(range(questions))
    for place, share in enumerate(_numbers(draw, most).tolist()):
        other = place + int(share * (questions - place))
        order[place], order[other] = order[other], order[place]
    return np.array(order[:most])


def _answered(confidence: np.ndarray, right: np.ndarray, chosen: np.ndarray, thousandths: int) -> tuple[float, float]:
    """Share of the questions that were not chosen which get a wrong answer, and share that get any.

    The threshold is the lowest confidence t of the chosen n with (wrong answers with confidence ≥ t, plus 1) / (n + 1)
    at most the promise: conformal risk control (Angelopoulos et al. 2024, section 2), losses 0 and 1.
    """
    own, falls = confidence[chosen], ~right[chosen]
    order = np.argsort(-own, kind="stable")
    own, falls = own[order], np.cumsum(falls[order])
    last = np.append(own[1:] < own[:-1], True)  # equal confidences are answered together
    kept = own[last & (1000 * (falls + 1) <= thousandths * (len(own) + 1))]
    rest = np.ones(len(confidence), dtype=bool)
    rest[chosen] = False
    given = rest & (confidence >= (kept.min() if len(kept) else np.inf))
    return float((given & ~right).sum() / rest.sum()), float(given.sum() / rest.sum())


def _first_enough(coverage: np.ndarray, share: float) -> int | None:
    """The first size whose mean coverage (sizes, draws), to a tenth of a percent, reaches the share."""
    enough = np.round(100 * coverage.mean(axis=1), 1) >= 100 * share
    return int(enough.argmax()) if enough.any() else None


def promise_kept(
    confidence: Sequence[float], right: Sequence[bool], alphas: Sequence[float], sizes: Sequence[int]
) -> Machine:
    """A promise about wrong answers, and n calibration questions that give the threshold; drawn again and again.

    Draw number d shuffles all questions by the seed d: the first n calibrate, all others are measured. So the same
    draws with another n share their first questions.

    Args:
        confidence: of each of 60 to 2,000 questions, 0 to 1; rounded to six decimals.
        right: of each whether the answer is right; False where no answer is stored.
        alphas: promises: shares of the customers who get a wrong answer at most; 2 to 12, growing, in thousandths.
        sizes: numbers of calibration questions, 2 to 12, growing; thirty questions at least are left to be measured.

    Raises:
        ValueError: too few or too many of something; a confidence or promise is no share; all are right or all wrong;
            or no promise lets the desk answer a tenth to nine tenths of the questions from some size on but not from
            the first, so that nothing is to be found.
    """
    scores = np.asarray(confidence, dtype=np.float64).round(6)
    marks = np.asarray(right)
    if scores.ndim != 1 or scores.shape != marks.shape or not QUESTIONS[0] <= len(scores) <= QUESTIONS[1]:
        raise ValueError(
            f"confidence and right have the shapes {scores.shape} and {marks.shape}: give one of each for "
            f"{QUESTIONS[0]} to {QUESTIONS[1]:,} questions"
        )
    if not ((scores >= 0) & (scores <= 1)).all():
        raise ValueError("confidence: one lies outside 0 … 1: give the probability that the answer is right")
    if not np.isin(marks, (0, 1)).all() or len(np.unique(marks)) < 2:
        raise ValueError(f"right has the values {np.unique(marks).tolist()[:5]}: give True and False, some of each")
    thousandths = [round(1000 * float(alpha)) if isfinite(alpha) else -1 for alpha in alphas]
    exact = all(abs(1000 * alpha - one) < 1e-6 for alpha, one in zip(alphas, thousandths, strict=True))
    if not exact or not 2 <= len(alphas) <= SETTINGS or sorted(set(thousandths) & set(range(1, 1000))) != thousandths:
        raise ValueError(f"alphas={list(alphas)}: give 2 to {SETTINGS} growing shares, whole thousandths, under 1")
    whole = all(isinstance(size, Integral) and not isinstance(size, bool) and size > 0 for size in sizes)
    if not whole or not 2 <= len(sizes) <= SETTINGS or sorted(set(sizes)) != list(sizes):
        raise ValueError(f"sizes={list(sizes)}: give 2 to {SETTINGS} growing whole numbers from 1")
    if sizes[-1] > len(scores) - REST:
        raise ValueError(
            f"sizes={list(sizes)}: of {len(scores)} questions at least {REST} must be left to be measured: give at "
            f"most {len(scores) - REST}"
        )
    order = np.argsort(-scores, kind="stable")
    scores, marks, sizes = scores[order], marks[order].astype(bool), [int(size) for size in sizes]
    shuffles = [_shuffled(draw, len(scores), sizes[-1]) for draw in range(1, DRAWS[1] + 1)]

    def measured(promise: int) -> np.ndarray:
        """(sizes, draws, 2) wrong answers and answers."""
        return np.array([[_answered(scores, marks, one[:size], promise) for one in shuffles] for size in sizes])

    found = None
    for promise in sorted(thousandths, key=lambda one: abs(log(one / (1000 * PROMISED)))):
        table = measured(promise)
        for share in SHARES:
            # As the reader draws on, it stays the same size.
            first = {_first_enough(table[:, :draws, 1], share) for draws in range(DRAWS[0], DRAWS[1] + 1, 50)}
            if len(first) == 1 and (size := first.pop()):
                found = promise, share, size, table
                break
        if found:
            break
    if found is None:
        raise ValueError(
            f"alphas={list(alphas)}, sizes={sizes}: with none of these promises does the desk answer a tenth to nine "
            "tenths of the questions from some size on, but not from the first: give smaller and larger sizes"
        )
    promise, share, _, table = found
    data = {
        "confidence": np.rint(1e6 * scores).astype(int).tolist(),
        "right": "".join("1" if one else "0" for one in marks),
        "alphas": thousandths,
        "sizes": sizes,
        "asked": [thousandths.index(promise), round(100 * share)],
        "draws": list(DRAWS),
    }
    size, (risk, coverage) = sizes[0], table[0, 0]
    told = [f"{100 * value:.1f} %" for value in (risk, coverage)]
    picture = Drawing(
        f"A promise of {promise / 10:g} % and {size} calibration questions of {len(scores):,}. In the first draw "
        f"{told[0]} of the other {len(scores) - size:,} questions get a wrong answer, {told[1]} any answer."
    )
    picture.text(280, 22, f"promise {promise / 10:g} %, {size} calibration questions, 1 draw", bold=True)
    cells = [["", "wrong answers", "answered"], [f"the other {len(scores) - size:,}", *told]]
    picture.grid(MARGIN, 44, cells, (177, 34), tone=lambda i, j: "grey" if 0 in (i, j) else "plain")
    words = "each draw takes other questions to calibrate the threshold"
    picture.text(280, 132, words, size=SMALL, color=SOFT)
    question = (
        f"The desk promises: at most {promise / 10:g} % of all customers get a wrong answer. Its threshold comes from "
        f"n questions with known answers. Which is the smallest n at which it still answers at least {100 * share:.0f} "
        f"% of the questions, on average over {DRAWS[0]} draws? And say before you draw: how many of the {DRAWS[0]} "
        "will break the promise?"
    )
    return Machine("promise_kept", "What does it promise, and to whom?", question, data, picture)
