"""Machines of lesson 07: what a threshold costs, and how many rows tell two classifiers apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bertcourse.diagrams.drawing import MARGIN, SMALL, SOFT, Drawing, shortened
from bertcourse.machines.frame import Machine

DEAREST_WRONG, DEAREST_CHECK = 100, 20  # cents, at the ends of the sliders
LEAST_ROWS, MOST_ROWS = 20, 1000


def threshold_and_money(
    validation: tuple[Sequence[float], Sequence[bool]],
    test: tuple[Sequence[float], Sequence[bool]],
    wrong: int = 30,
    check: int = 2,
) -> Machine:
    """A threshold for the confidence, moved on validation; the test split is opened once, when it is chosen.

    Args:
        validation, test: of each text the confidence of the answer, from 0 to 1, and whether the answer is right.
        wrong: what a wrong answer costs, in cents.
        check: what it costs to have a text answered by hand instead.

    Raises:
        ValueError: a split is empty, has not as many of both, or a confidence is no share; or a price is not on its
            slider.
    """
    splits = {"validation": validation, "test": test}
    for name, (confidences, right) in splits.items():
        if len(confidences) != len(right) or not len(right):
            raise ValueError(
                f"{name}: {len(confidences)} confidences, {len(right)} answers: give one of each a text, and some texts"
            )
        if not all(0 <= confidence <= 1 for confidence in confidences):
            raise ValueError(f"{name}: a confidence lies outside 0 … 1: give the probability of the answer")
    if not (0 < wrong <= DEAREST_WRONG and wrong % 5 == 0 and 0 < check <= DEAREST_CHECK):
        raise ValueError(
            f"wrong={wrong}, check={check}: give a multiple of 5 up to {DEAREST_WRONG}, and 1 to {DEAREST_CHECK}"
        )
    data = {"asked": {"wrong": wrong, "check": check}, "dearest": [DEAREST_WRONG, DEAREST_CHECK]}
    for name, (confidences, right) in splits.items():  # in ten-thousandths, rounded down: 1 is never reached
        shares = [min(9999, int(10000 * float(confidence))) for confidence in confidences]
        data[name] = {
            "right": sorted(share for share, good in zip(shares, right, strict=True) if good),
            "wrong": sorted(share for share, good in zip(shares, right, strict=True) if not good),
        }
    texts, errors = len(validation[1]), len(data["validation"]["wrong"])
    cost = 100 * errors * wrong / texts
    picture = Drawing(
        f"Without a threshold all {texts} validation texts are answered, {errors} of them wrongly; {cost:.0f} cents "
        "per 100 texts. The test split is closed."
    )
    rows = [["", "right", "wrong", "by hand", "cents per 100"]]
    rows += [["validation", str(texts - errors), str(errors), "0", f"{cost:.0f}"], ["test", "–", "–", "–", "–"]]
    picture.text(280, 22, "threshold 0.00: the model answers every text", bold=True)
    for number, row in enumerate(rows):
        picture.grid(
            MARGIN, 44 + 34 * number, [row[:4]], (96, 34), tone=lambda i, j, n=number: "grey" if n == 0 else "plain"
        )
        picture.box(
            MARGIN + 384, 44 + 34 * number, 148, 34, row[4], "plain" if number else "grey", size=SMALL, round_=0
        )
    question = (
        f"A wrong answer costs {wrong} cents, to check a text by hand {check}. Texts below the threshold are checked. "
        f"Which threshold is the cheapest on the validation texts? When you are sure, open the test split: once."
    )
    return Machine("threshold_and_money", "When should it rather not answer?", question, data, picture)


def leads_by_rows(right: Mapping[str, Sequence[bool]]) -> Machine:
    """How many rows are looked at, moved: two accuracies, their intervals, and that of their difference.

    Args:
        right: classifier -> of each row of the same test set whether it was right; at most 1,000 rows are taken. The
            first is compared with each of the others, and the question is about the second.

    Raises:
        ValueError: fewer than two classifiers, not the same number of rows, or not more than twenty.
    """
    counts = {name: len(marks) for name, marks in right.items()}
    if len(counts) < 2 or len(set(counts.values())) > 1 or min(counts.values()) <= LEAST_ROWS:
        raise ValueError(f"rows {counts}: give two classifiers or more, on the same rows, more than {LEAST_ROWS}")
    names = list(right)
    marks = ["".join(str(int(one)) for one in list(right[name])[:MOST_ROWS]) for name in names]
    data = {"names": names, "right": marks, "least": LEAST_ROWS}
    scores = [own[:LEAST_ROWS].count("1") for own in marks[:2]]
    picture = Drawing(
        f"Of the first {LEAST_ROWS} of {len(marks[0])} rows {names[0]} is right on {scores[0]}, {names[1]} on "
        f"{scores[1]}."
    )
    picture.text(280, 22, f"the first {LEAST_ROWS} of {len(marks[0])} rows", bold=True)
    for number in (0, 1):
        y, unit = 42 + 48 * number, 20
        picture.text(MARGIN + 116, y + 18, shortened(names[number], 112, SMALL), size=SMALL, align="end")
        for row, mark in enumerate(marks[number][:LEAST_ROWS]):
            good = mark == "1"
            picture.box(MARGIN + 128 + unit * row, y, unit, 36, "✓" if good else "×", "green" if good else "orange")
    picture.text(280, 152, "✓ right, × wrong", size=SMALL, color=SOFT)
    question = (
        f"From how many rows on can {names[0]} and {names[1]} be told apart: from where on, up to the last row, does "
        f"the interval of their difference leave out 0? Or are all {len(marks[0])} rows too few? Then go to the last."
    )
    return Machine("leads_by_rows", "A lead, or luck?", question, data, picture)
