"""Answers in a text: two scores for every token, windows over a context, and "no answer" over windows."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from bertcourse.diagrams.drawing import INK, MARGIN, SMALL, SOFT, Drawing, shortened, text_width
from bertlib.text.answers import LONGEST, Reading, best_spans
from bertlib.text.spans import Span
from bertlib.text.windows import Pieces

TOKENS, WORDS = 72, 25  # so many are drawn at most; so many of the text's words are quoted
HIGH = 40  # of the longest bar
WINDOWS = 20


def signed(value: float, places: int = 2) -> str:
    """A number with a proper minus sign; no minus before 0."""
    words = f"{value:.{places}f}"
    return words.removeprefix("-") if float(words) == 0 else words.replace("-", "−")


def added(one: float, two: float) -> str:
    """Two numbers and their sum, as one writes it."""
    return f"{signed(one)} {f'− {signed(-two)}' if two < 0 else f'+ {signed(two)}'} = {signed(one + two)}"


def joined(tokens: Sequence[str]) -> str:
    """Word pieces as words, with a space between any two."""
    return " ".join(tokens).replace(" ##", "")


def check_scores(
    tokens: Sequence[str], starts: Sequence[float], ends: Sequence[float]
) -> tuple[int, np.ndarray, np.ndarray]:
    """Number of tokens before the window, and both scores (T,), rounded to hundredths: sums are as one adds them.

    Raises:
        ValueError: tokens are not [CLS], a question, [SEP], a window, [SEP]; they are more than 72, or the window has
            more than 25 words; not a finite score of each kind for each token.
    """
    places = [number for number, token in enumerate(tokens) if token == "[SEP]"]
    framed = len(places) == 2 and tokens[0] == "[CLS]" and places[0] > 1 and places[0] + 1 < places[1]
    if not framed or places[1] != len(tokens) - 1:
        raise ValueError(f"tokens={list(tokens)[:40]}: give [CLS], a question, [SEP], a window, [SEP]")
    before, window = places[0] + 1, tokens[places[0] + 1 : -1]
    words = sum(any(map(str.isalnum, token)) and not token.startswith("##") for token in window)
    if words > WORDS or len(tokens) > TOKENS:
        raise ValueError(
            f"tokens: {len(tokens)}, of which the window has {words} words: give at most {TOKENS}, and one sentence of "
            f"at most {WORDS} words"
        )
    table = [np.asarray(scores, dtype=np.float64).round(2) for scores in (starts, ends)]
    for name, scores in zip(("starts", "ends"), table, strict=True):
        if scores.shape != (len(tokens),) or not np.isfinite(scores).all():
            raise ValueError(
                f"{name} has the shape {scores.shape}: give a finite score for each of {len(tokens)} tokens"
            )
    return before, *table


def allowed_spans(
    tokens: Sequence[str], before: int, starts: np.ndarray, ends: np.ndarray, longest: int = LONGEST
) -> list[tuple[int, int, float]]:
    """The window's spans of whole words, at most `longest` pieces long: first, last (included), score; best first."""
    inside = np.arange(len(tokens)) >= before
    inside[-1] = False
    inner = np.array([token.startswith("##") for token in tokens])
    begins, lasts = inside & ~inner, inside & ~np.append(inner[1:], False)
    scores = (np.where(flags, own, -np.inf) for flags, own in ((begins, starts), (lasts, ends)))
    return best_spans(*scores, len(tokens) ** 2, longest)


def draw_scores(
    drawing: Drawing,
    y: float,
    tokens: Sequence[str],
    starts: np.ndarray,
    ends: np.ndarray,
    tone: Callable[[int], str],
    heavy: Callable[[int], bool] = lambda token: False,
) -> float:
    """Draw tokens in lines, above each a bar for either score; returns where the next thing may begin."""
    lowest = min(starts.min(), ends.min())
    unit = (HIGH - 2) / (max(starts.max(), ends.max()) - lowest or 1)
    x, base = MARGIN, y + HIGH
    for number, token in enumerate(tokens):
        word = shortened(token, 150, SMALL)
        wide = max(30, text_width(word, SMALL) + 8)
        if x + wide > drawing.width - MARGIN:
            x, base = MARGIN, base + HIGH + 46
        for aside, score, colour in ((-5, starts[number], "blue"), (5, ends[number], "orange")):
            top = base - 2 - unit * (score - lowest)
            drawing.line((x + wide / 2 + aside, base), (x + wide / 2 + aside, top), tone=colour, width=8)
        drawing.box(x, base + 2, wide, 28, word, tone(number), size=SMALL, heavy=heavy(number), round_=3)
        x += wide + 4
    x, y = MARGIN, base + 52
    for colour, words in (("blue", "start score"), ("orange", "end score")):
        drawing.line((x + 5, y + 8), (x + 5, y - 8), tone=colour, width=8)
        drawing.text(x + 16, y, words, size=SMALL, align="start")
        x += 34 + text_width(words, SMALL)
    drawing.text(x, y, f"bars begin at the lowest, {signed(lowest, 1)}", size=SMALL, align="start", color=SOFT)
    return y + 20


def span_head(
    tokens: Sequence[str], segments: Sequence[int], starts: Sequence[float], ends: Sequence[float]
) -> Drawing:
    """What a model that marks answers reads, its two scores for each token, and the span that they give.

    Args:
        tokens: (T,) [CLS], a question, [SEP], a window, [SEP]; the window one sentence of at most 25 words.
        segments: (T,) 0, and 1 for the window and its [SEP].
        starts, ends: (T,) the scores of each token as first and as last.

    Raises:
        ValueError: what `check_scores` finds wrong, or other segments.
    """
    before, starts, ends = check_scores(tokens, starts, ends)
    if [int(segment) for segment in segments] != [0] * before + [1] * (len(tokens) - before):
        raise ValueError(
            f"segments={[int(segment) for segment in segments]}: give {before} times 0 for [CLS], question and [SEP], "
            f"and {len(tokens) - before} times 1"
        )
    first, last, score = allowed_spans(tokens, before, starts, ends)[0]
    nothing = starts[0] + ends[0]
    words, lead = joined(tokens[first : last + 1]), nothing - score
    side = f"{signed(abs(lead))} {'ahead of' if lead > 0 else 'behind'}" if lead else "level with"
    drawing = Drawing(
        f"The model reads {len(tokens)} tokens: [CLS], the question “{joined(tokens[1 : before - 1])}”, [SEP], the "
        f"text “{joined(tokens[before:-1])}”, [SEP]. A linear layer gives each a start score and an end score. The "
        f"best span of the text is “{words}”: {added(starts[first], ends[last])}. “No answer” is [CLS] twice: "
        f"{added(starts[0], ends[0])}, {side} it."
    )
    x = MARGIN
    for wide, told, tone in (
        (176, f"{len(tokens)} tokens: question and text", "grey"),
        (148, "BERT: a vector for each token", "plain"),
        (160, "one linear layer: 2 scores each", "yellow"),
    ):
        drawing.box(x, 14, wide, 46, told, tone, size=SMALL)
        if x + wide < drawing.width - MARGIN - 1:
            drawing.arrow((x + wide, 37), (x + wide + 23, 37))
        x += wide + 24
    drawing.text(MARGIN, 82, "segment 0: grey and [CLS]", size=SMALL, align="start")
    drawing.text(drawing.width - MARGIN, 82, "segment 1: the text, all others", size=SMALL, align="end")

    def tone(token: int) -> str:
        if token == 0:
            return "yellow"
        return "green" if first <= token <= last else "plain" if token >= before else "grey"

    y = draw_scores(drawing, 96, tokens, starts, ends, tone, lambda token: token == 0 or first <= token <= last)
    for colour, name, told in (
        ("green", f"best span: {words}", added(starts[first], ends[last])),
        ("yellow", "“no answer”: [CLS] twice", added(starts[0], ends[0])),
    ):
        drawing.box(MARGIN, y, 320, 34, shortened(name, 314, SMALL), colour, size=SMALL, round_=0)
        drawing.box(MARGIN + 320, y, 212, 34, told, colour, size=SMALL, round_=0)
        y += 34
    drawing.text(280, y + 20, f"“no answer” is {side} the best span", size=SMALL, bold=True)
    return drawing


def windows_over(readings: Sequence[Reading], span: Span | None, pieces: Pieces) -> Drawing:
    """The windows of a long context, where the answer stands in each, and the labels that training gives it.

    Args:
        readings: of one question, as `bertlib.text.answers.read_with_questions` gives them.
        span: first and last piece (included) of the answer; None where there is none.
        pieces: of the context.

    Raises:
        ValueError: no readings, more than 20, or of several questions; or window or answer lie beyond the pieces.
    """
    count, rows = len(pieces.ids), {reading.row for reading in readings}
    if not 1 <= len(readings) <= WINDOWS or len(rows) > 1:
        raise ValueError(
            f"readings: {len(readings)} windows of {len(rows)} questions: give 1 to {WINDOWS}, all of one question"
        )
    if max(reading.end for reading in readings) > count:
        raise ValueError(f"readings: a window ends at {max(reading.end for reading in readings)}, pieces has {count}")
    if span is not None and not 0 <= span[0] <= span[1] < count:
        raise ValueError(f"span={span}: give first and last piece, 0 ≤ first ≤ last < {count}, or None")
    first, last = span or (0, -1)
    found = []  # of each window the labels, what it has of the answer, in words, and a colour
    for reading in readings:
        if span is None:
            found.append(((0, 0), "", "plain"))
            continue
        held = max(0, min(reading.end, last + 1) - max(reading.start, first))
        size = last + 1 - first
        kind = "whole" if held == size else f"cut: {held} of {size}" if held else "not in it"
        labels = tuple(int(token) for token in reading.place(span))
        found.append((labels, kind, "green" if held == size else "orange" if held else "grey"))
    told = [
        f"window {number}, pieces {reading.start} to {reading.end - 1}, {kind}: labels {labels}"
        for number, (reading, (labels, kind, tone)) in enumerate(zip(readings, found, strict=True))
        if tone in ("green", "orange")
    ]
    if len(told) < len(readings):
        told.append(f"{'all other windows' if told else 'every window'}: labels {(0, 0)}")
    place = f"pieces {first} to {last}" if first < last else f"piece {first}"
    where = f"The answer is {place}" if span else "There is no answer"
    drawing = Drawing(f"A context of {count:,} pieces in {len(readings)} windows. {where}. In {'; '.join(told)}.")
    left, right, unit = 98, 364, 250 / count
    drawing.text(MARGIN, 26, "context", size=SMALL, align="start", bold=True)
    drawing.box(left, 12, 250, 28, f"{count:,} pieces", "grey", size=SMALL, round_=0)
    drawing.text(right, 26, "the answer", size=SMALL, align="start", bold=True)
    drawing.text(drawing.width - MARGIN, 26, "labels", size=SMALL, align="end", bold=True)
    y = 54
    if span:
        middle, wide = left + unit * (first + last + 1) / 2, max(unit * (last + 1 - first), 3)
        drawing.line((middle, 42), (middle, 56), tone="orange", width=wide)
        half = text_width(place, SMALL) / 2
        drawing.text(min(max(middle, left + half), left + 250 - half), y + 16, place, size=SMALL)
        y += 32
    for number, (reading, (labels, kind, tone)) in enumerate(zip(readings, found, strict=True)):
        drawing.text(MARGIN, y + 13, f"window {number}", size=SMALL, align="start")
        wide = unit * (reading.end - reading.start)
        drawing.box(left + unit * reading.start, y, wide, 26, "", tone, round_=0, heavy=tone == "green")
        if tone in ("green", "orange"):
            one, two = (left + unit * piece for piece in (max(first, reading.start), min(last + 1, reading.end)))
            drawing.line(((one + two) / 2, y), ((one + two) / 2, y + 26), tone="orange", width=max(two - one, 3))
        drawing.text(right, y + 13, kind, size=SMALL, align="start", color=SOFT if tone == "grey" else INK)
        words = f"{labels}"
        drawing.text(drawing.width - MARGIN, y + 13, words, size=SMALL, align="end", bold=labels != (0, 0))
        y += 33
    if any(tone == "orange" for _, _, tone in found):
        y = _close_up(drawing, y + 8, readings, [tone for _, _, tone in found], (first, last), count)
    words = "(0, 0): the token [CLS], as first and as last"
    if any(labels != (0, 0) for labels, _, _ in found):
        words += f"\nothers: piece − first piece of the window + {readings[0].before} tokens before it"
    drawing.text(280, y + 12, words, size=SMALL, color=SOFT)
    return drawing


def _close_up(
    drawing: Drawing, y: float, readings: Sequence[Reading], tones: Sequence[str], span: Span, count: int
) -> float:
    """The answer's pieces and some around them, and below them the windows that have a part of it."""
    low, high = max(0, span[0] - 3), min(count, span[1] + 4)
    left = 98
    unit = min(34, (drawing.width - left - MARGIN) / (high - low))
    drawing.text(MARGIN, y + 13, "close up", size=SMALL, align="start", bold=True)
    for piece in range(low, high):
        tone = "orange" if span[0] <= piece <= span[1] else "plain"
        words = str(piece) if text_width(str(piece), SMALL) <= unit - 4 else ""
        drawing.box(left + unit * (piece - low), y, unit, 26, words, tone, size=SMALL, round_=0)
    for number, (reading, tone) in enumerate(zip(readings, tones, strict=True)):
        if tone in ("green", "orange"):
            y += 33
            drawing.text(MARGIN, y + 13, f"window {number}", size=SMALL, align="start")
            one, two = max(low, reading.start), min(high, reading.end)
            drawing.box(left + unit * (one - low), y, unit * (two - one), 26, "", tone, round_=0, heavy=tone == "green")
    return y + 37


def nothing_over_windows(rows: Sequence[tuple[float, float]]) -> Drawing:
    """Of each window of one question the score of "no answer" and that of the best span; what is taken, and the lead.

    Args:
        rows: of each window the null score, start and end score of [CLS] added, and the best span's score.

    Raises:
        ValueError: no window, more than 20, or a score that is not finite.
    """
    table = np.asarray(rows, dtype=np.float64)
    if table.ndim != 2 or table.shape[1] != 2 or not 1 <= len(table) <= WINDOWS or not np.isfinite(table).all():
        raise ValueError(
            f"rows has the shape {table.shape}: give 1 to {WINDOWS} pairs of finite numbers, null score and best span"
        )
    table = table.round(2)
    least, best = int(table[:, 0].argmin()), int(table[:, 1].argmax())
    nothing, score = table[least, 0], table[best, 1]
    sum_ = f"{signed(nothing)} − {f'({signed(score)})' if score < 0 else signed(score)} = {signed(nothing - score)}"
    told = [f"window {number}: {signed(one)} and {signed(two)}" for number, (one, two) in enumerate(table)]
    drawing = Drawing(
        f"Scores of “no answer” and of the best span in {len(table)} windows of one question. {'; '.join(told)}. Taken "
        f"are the smallest null score, of window {least}, and the best span, of window {best}; the lead of “no answer” "
        f"is {sum_}."
    )
    left, right, lowest, highest = 104, 358, table.min(), table.max()

    def place(value: float) -> float:
        return left + (right - left) * (value - lowest) / (highest - lowest or 1)

    for x, words, tone in ((417, "null score", "orange"), (513, "best span", "blue")):
        drawing.text(x, 22, words, size=SMALL, bold=True)
        drawing.dot(x, 42, 6, tone)
    top, low = 60, 60 + 36 * len(table)
    if lowest < 0 < highest:
        drawing.line((place(0), top), (place(0), low), dashed=True)
        drawing.text(place(0), top - 12, "0", size=SMALL, color=SOFT)
    for number, row in enumerate(table):
        y = top + 36 * number + 18
        drawing.text(MARGIN, y, f"window {number}", size=SMALL, align="start")
        drawing.line((place(row[0]), y), (place(row[1]), y))
        for value, taken, x, tone in (
            (row[0], number == least, 417, "orange"),
            (row[1], number == best, 513, "blue"),
        ):
            if taken:
                drawing.line((place(value), y), (place(value), low + 16), tone=tone, dashed=True)
            drawing.dot(place(value), y, 8 if taken else 5, tone, filled=taken)
            if taken:
                drawing.box(x - 41, y - 15, 82, 30, signed(value), tone, size=SMALL, bold=True, heavy=True)
            else:
                drawing.text(x, y, signed(value), size=SMALL)
    drawing.arrow((place(score), low + 22), (place(nothing), low + 22), tone="orange", heavy=True)
    y = low + 50
    drawing.text(280, y, "filled: what is taken, the smallest null score and the best span", size=SMALL)
    drawing.box(MARGIN, y + 18, 532, 36, f"lead of “no answer” = {sum_}", "yellow", bold=True)
    return drawing
