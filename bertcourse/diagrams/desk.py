"""A support desk: the path of one question, what each kind of decision costs, and three ways to ask a follow-up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from numbers import Integral
from typing import Literal

import numpy as np

from bertcourse.diagrams.answers import signed
from bertcourse.diagrams.drawing import INK, MARGIN, SIZE, SMALL, SOFT, Drawing, listed, shortened, text_width, wrap

FOUND, EARLIER = (2, 3), 4  # entries that are drawn, fewest and most; earlier questions, at most
WAYS = ("alone", "with the history", "rewritten")
QUOTED = 160  # characters of a text in the words for those who do not see the drawing, at most
KINDS = {"right": "the right one is found", "wrong": "another one is found", "none": "nothing is stored"}

Kind = Literal["right", "wrong", "none"]


def lines_of(words: str, width: float, most: int, size: float = SMALL, *, bold: bool = False) -> str:
    """A text in lines of this width, at most so many, with "…" where it goes on; no word is wider than a line."""
    fitting = " ".join(shortened(word, width, size, bold=bold) for word in words.split())
    lines = wrap(fitting, width, size, bold=bold)
    if len(lines) > most:
        lines[most - 1] = shortened(f"{lines[most - 1]} {lines[most]}…", width, size, bold=bold)
    return "\n".join(lines[:most])


def _quoted(words: str) -> str:
    words = " ".join(words.split())
    return f"“{words if len(words) <= QUOTED else words[: QUOTED - 1].rstrip() + '…'}”"


def _said(name: str, words: str) -> str:
    if not isinstance(words, str) or not words.strip():
        raise ValueError(f"{name}={words!r}: give a text that is not blank")
    return words


def shown_scores(scores: Sequence[float]) -> list[str]:
    """Scores with two decimals, or as many more, up to five, as tell apart those that differ."""
    for places in range(2, 6):
        told = [signed(score, places) for score in scores]
        if len(set(told)) == len(set(map(float, scores))):
            break
    return told


def check_share(name: str, value: float) -> float:
    """The share as a float.

    Raises:
        ValueError: it is no number from 0 to 1; name is the argument's.
    """
    try:
        share = float(value)
    except (TypeError, ValueError):
        share = float("nan")
    if not 0 <= share <= 1:
        raise ValueError(f"{name}={value!r}: give a number from 0 to 1")
    return share


def check_costs(costs: Sequence[int]) -> tuple[int, int]:
    """What a wrong answer costs, and what a hand-over.

    Raises:
        ValueError: not two whole numbers from 1 to 1,000, the first of which is the larger.
    """
    pair = tuple(costs)
    whole = len(pair) == 2 and all(isinstance(one, Integral) and not isinstance(one, bool) for one in pair)
    if not whole or not 0 < pair[1] < pair[0] <= 1000:
        raise ValueError(
            f"costs={costs!r}: give what a wrong answer costs and what a hand-over costs, whole numbers up to 1,000, "
            "the first one larger"
        )
    return int(pair[0]), int(pair[1])


# ----------------------------------------------------------------------------------------------- the path of a question


def path_of_a_question(
    question: str, found: Sequence[tuple[str, float]], confidence: float, threshold: float, reply: bool
) -> Drawing:
    """From a customer's question over search and confidence to an answer with its source, or to a person.

    Args:
        question: the customer's.
        found: the two or three stored questions that fit best, each with its score, best first.
        confidence: the probability, 0 to 1, that the first one is right.
        threshold: from which confidence on the desk answers, 0 to 1.
        reply: whether it answers this one. The branch that is not taken is drawn pale.

    Raises:
        ValueError: a text is blank; not two or three entries, or a score is not finite, or they are not in order;
            confidence or threshold is no share; reply is not what the two say.
    """
    _said("question", question)
    entries = [(_said("found", stored), float(score)) for stored, score in found]
    scores = [score for _, score in entries]
    if not FOUND[0] <= len(entries) <= FOUND[1] or not np.isfinite(scores).all():
        raise ValueError(f"found: {len(entries)} entries with the scores {scores}: give two or three, finite")
    if scores != sorted(scores, reverse=True):
        raise ValueError(f"found: scores {scores}: give the best entry first")
    confidence, threshold = check_share("confidence", confidence), check_share("threshold", threshold)
    if bool(reply) != (confidence >= threshold):
        raise ValueError(
            f"reply={reply!r}, but the confidence {confidence:g} is {'not ' if reply else ''}at least the threshold "
            f"{threshold:g}: give {not reply}, or the confidence of this question"
        )
    told = shown_scores(scores)
    sure, least = shown_scores([confidence, threshold])
    sign = "≥" if reply else "<"
    others = "; ".join(f"{_quoted(stored)}, {score}" for (stored, _), score in zip(entries[1:], told[1:], strict=True))
    drawing = Drawing(
        f"The question {_quoted(question)} goes to search. The best entry is "
        f"{_quoted(entries[0][0])}, with the score {told[0]}; then {others}. The confidence is {sure}, "
        f"{'at least' if reply else 'below'} the threshold {least}: "
        + (
            "the stored answer is given, with its source."
            if reply
            else "the question goes to a person: into the queue."
        )
    )
    wide, middle = drawing.width - 2 * MARGIN, drawing.width / 2
    y = 12.0

    def step(words: str, x: float, width: float, tone: str, most: int = 2, **look) -> float:
        text = lines_of(words, width - 16, most, bold=look.get("bold", False))
        high = 14 + 19 * (text.count("\n") + 1)
        drawing.box(x, y, width, high, text, tone, size=SMALL, **look)
        return high

    y += step(question, MARGIN, wide, "blue", bold=True)
    drawing.arrow((middle, y), (middle, y + 20))
    drawing.box(middle - 110, y + 20, 220, 32, "search", "grey", size=SMALL)
    drawing.arrow((middle, y + 52), (middle, y + 72))
    y += 72
    for number, ((stored, _), score) in enumerate(zip(entries, told, strict=True)):
        best = number == 0
        name = "best" if best else "runner-up" if number == 1 else "third"
        text = lines_of(stored, 336, 2, bold=best)
        high = 14 + 19 * (text.count("\n") + 1)
        for x, width, word in ((MARGIN, 96, name), (MARGIN + 96, 352, text), (MARGIN + 448, 84, score)):
            look = {"heavy": best, "round_": 0, "bold": best and x > MARGIN}
            drawing.box(x, y, width, high, word, "yellow" if best else "plain", size=SMALL, **look)
        y += high
    drawing.arrow((middle, y), (middle, y + 20))
    y += 20
    words = f"confidence {sure}: so probable is it that the best entry is right"
    y += step(words, MARGIN, wide, "yellow", bold=True)
    drawing.arrow((middle, y), (middle, y + 20))
    drawing.box(middle - 130, y + 20, 260, 34, f"{sure} {sign} threshold {least}", "grey", size=SMALL, bold=True)
    y += 54
    branches = [
        (bool(reply), 139, "answer: the stored text,\nwith its source", "green"),
        (not reply, 421, "to a person:\nthe queue", "orange"),
    ]
    for taken, x, words, tone in sorted(branches):  # the one that is taken lies above
        points = ((middle, y), (middle, y + 16), (x, y + 16), (x, y + 40))
        if taken:
            drawing.arrow(*points, tone=tone, heavy=True)
            drawing.box(x - 125, y + 40, 250, 54, words, tone, bold=True, heavy=True)
        else:
            drawing.arrow(*points, dashed=True)
            drawing.box(x - 125, y + 40, 250, 54, "", "plain", dashed=True)
            drawing.text(x, y + 40 + 27 - SIZE * 0.625, words, color=SOFT)
    return drawing


# ------------------------------------------------------------------------------------------------ what decisions cost


def four_outcomes(counts: Mapping[tuple[Kind, bool], int], costs: tuple[int, int]) -> Drawing:
    """How many questions were answered and handed over, by what search had found for them, and what that costs.

    Args:
        counts: (kind, answered) -> questions. The kind is "right" if the best entry found is the right one, "wrong" if
            an answer is stored and another entry was found, "none" if no answer is stored. A pair that is left out
            counts as 0.
        costs: what a wrong answer costs, and what a hand-over.

    Raises:
        ValueError: an unknown pair, a count that is no whole number of at least 0, none above 0; what `check_costs`
            finds wrong.
    """
    wrong, hand = check_costs(costs)
    pairs = [(kind, answered) for kind in KINDS for answered in (True, False)]
    if unknown := [key for key in counts if key not in pairs]:
        raise ValueError(f"counts has the key {unknown[0]!r}: give one of {pairs}")
    table = {}
    for pair in pairs:
        count = counts.get(pair, 0)
        if not isinstance(count, Integral) or isinstance(count, bool) or count < 0:
            raise ValueError(f"counts[{pair}]={count!r}: give a whole number of at least 0")
        table[pair] = int(count)
    asked = sum(table.values())
    if not asked:
        raise ValueError("counts: no question at all: give counts of which one is above 0")
    price = {pair: 0 if pair == ("right", True) else wrong if pair[1] else hand for pair in pairs}
    name = {pair: "wrong answer" if pair[1] else "hand-over, rightly" for pair in pairs}
    name |= {("right", True): "right answer", ("right", False): "hand-over, needless"}
    tone = {pair: "orange" if pair[1] else "grey" for pair in pairs}
    tone |= {("right", True): "green", ("right", False): "yellow"}
    spent = {pair: table[pair] * price[pair] for pair in pairs}
    total, silent = sum(spent.values()), asked * hand
    always = wrong * (asked - table["right", True] - table["right", False])
    cells = [
        f"{KINDS[kind]}: {table[kind, True]:,} answered, which costs {spent[kind, True]:,}, and "
        f"{table[kind, False]:,} handed over, which costs {spent[kind, False]:,}"
        for kind in KINDS
    ]
    drawing = Drawing(
        f"{asked:,} questions. A wrong answer costs {wrong:,}, a hand-over {hand:,}. Where {'; where '.join(cells)}. "
        f"All together {total:,}; {always:,} if the desk always answers, {silent:,} if it always hands over."
    )
    left, first, wide, high = MARGIN, 140, 196, 70
    for number, (answered, words) in enumerate(((True, "answered"), (False, "handed over"))):
        x = left + first + wide * number
        own = sum(table[kind, answered] for kind in KINDS)
        drawing.box(x, 12, wide, 46, f"{words}\n{own:,} of {asked:,}", "blue", size=SMALL, bold=True, round_=0)
        for row, kind in enumerate(KINDS):
            pair = kind, answered
            y = 58 + high * row
            drawing.box(x, y, wide, high, "", tone[pair], round_=0)
            drawing.text(x + wide / 2, y + 16, name[pair], size=SMALL)
            drawing.text(x + wide / 2, y + 36, f"{table[pair]:,}", bold=True)
            sum_ = f"{table[pair]:,} × {price[pair]:,} = {spent[pair]:,}"
            if text_width(sum_, SMALL) > wide - 8:
                sum_ = f"costs {spent[pair]:,}"
            drawing.text(x + wide / 2, y + 55, sum_, size=SMALL)
        drawing.box(
            x, 58 + 3 * high, wide, 34, f"{sum(spent[kind, answered] for kind in KINDS):,}", size=SMALL, round_=0
        )
    heads = ("is an answer stored?", "stored, and the right one found", "stored, but another found", "none is stored")
    for row, words in enumerate(heads):
        y, tall = (12, 46) if row == 0 else (58 + high * (row - 1), high)
        drawing.box(left, y, first, tall, words, "blue", size=SMALL, round_=0, bold=row == 0)
    drawing.box(left, 58 + 3 * high, first, 34, "costs", "blue", size=SMALL, round_=0, bold=True)
    y = 58 + 3 * high + 34
    drawing.box(left, y + 12, 532, 36, f"in all {total:,}: {total / asked:.2f} for each question", "pink", bold=True)
    drawing.text(280, y + 68, f"always answer: {always:,} · always hand over: {silent:,}", size=SMALL, color=INK)
    drawing.text(280, y + 90, f"a wrong answer costs {wrong:,}, a hand-over {hand:,}", size=SMALL, color=SOFT)
    return drawing


# ---------------------------------------------------------------------------------------------- three ways to ask


def three_ways_to_ask(history: Sequence[str], question: str, rewritten: str, ranks: Sequence[int | None]) -> Drawing:
    """A follow-up question as it goes to search alone, with the questions before it, and rewritten to stand alone.

    Args:
        history: the conversation's earlier questions, the first one first; one to four.
        question: the follow-up.
        rewritten: the same, made to be understood by itself.
        ranks: of the right passage, from 1: asked alone, as all questions in a row with spaces between them, and
            rewritten. None where it is not found.

    Raises:
        ValueError: a text is blank; no earlier question or more than four; not three ranks, or one is below 1.
    """
    _said("question", question)
    _said("rewritten", rewritten)
    if isinstance(history, str) or not 1 <= len(history) <= EARLIER:
        raise ValueError(f"history={history!r:.80}: give a list of 1 to {EARLIER} earlier questions")
    for earlier in history:
        _said("history", earlier)
    whole = [rank is None or (isinstance(rank, Integral) and not isinstance(rank, bool) and rank > 0) for rank in ranks]
    if len(whole) != len(WAYS) or not all(whole):
        raise ValueError(
            f"ranks={list(ranks)}: give three, alone, with the history and rewritten: whole numbers from 1, or None"
        )
    sent = [question, " ".join([*history, question]), rewritten]
    placed = [f"rank {rank:,}" if rank else "not found" for rank in ranks]
    best = min((rank for rank in ranks if rank), default=None)
    told = [f"{way}: {placed[number]}" for number, way in enumerate(WAYS)]
    drawing = Drawing(
        f"A conversation: {listed([_quoted(earlier) for earlier in history])}. Then comes {_quoted(question)}; "
        f"rewritten to stand alone it is {_quoted(rewritten)}. Where the right passage stands in the "
        f"list that search gives, {'; '.join(told)}."
    )
    drawing.text(MARGIN, 20, "the conversation", size=SMALL, align="start", bold=True)
    y = 34.0
    for number, words in enumerate([*history, question]):
        last = number == len(history)
        text = lines_of(words, 440, 2, bold=last)
        width = max(text_width(line, SMALL, bold=last) for line in text.split("\n")) + 18
        high = 12 + 19 * (text.count("\n") + 1)
        drawing.box(
            MARGIN + 18 * number,
            y,
            width,
            high,
            text,
            "blue" if last else "grey",
            size=SMALL,
            bold=last,
            round_=10,
            heavy=last,
        )
        y += high + 8
    drawing.text(
        MARGIN, y + 14, "what goes to search, and where the right passage stands", size=SMALL, align="start", bold=True
    )
    y += 28
    for number, (way, words, rank) in enumerate(zip(WAYS, sent, ranks, strict=True)):
        text = lines_of(words, 288, 5)
        high = max(44, 14 + 19 * (text.count("\n") + 1))
        own = rank is not None and rank == best
        drawing.box(MARGIN, y, 104, high, way, "grey", size=SMALL)
        drawing.box(MARGIN + 112, y, 304, high, text, "blue", size=SMALL)
        drawing.arrow((MARGIN + 416, y + high / 2), (MARGIN + 432, y + high / 2))
        tone = "green" if own else "plain" if rank else "orange"
        drawing.box(MARGIN + 432, y, 100, high, placed[number], tone, size=SMALL, bold=own, heavy=own)
        y += high + 10
    words = "green: the best of the three" if best else "none of the three finds it"
    drawing.text(280, y + 10, words, size=SMALL, color=SOFT)
    return drawing
