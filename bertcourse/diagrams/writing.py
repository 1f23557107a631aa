"""Writing: an encoder beside a decoder, who may look at whom, beams as a tree, and an alignment."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bertcourse.diagrams.drawing import MARGIN, SMALL, SOFT, Drawing, listed, shortened, wrap

MOST = 7  # tokens of a side
STEPS = 4  # of a search


def check_sides(source: Sequence[str], written: Sequence[str]) -> tuple[list[str], list[str]]:
    """Both sides as lists; a ValueError where one is empty or too long to draw."""
    for name, tokens in (("source", source), ("written", written)):
        if not 1 <= len(tokens) <= MOST:
            raise ValueError(f"{name}: {len(tokens)} tokens: give 1 to {MOST}")
    return list(source), list(written)


def reads_and_writes(source: Sequence[str], written: Sequence[str], layers: int) -> Drawing:
    """An encoder that reads a text once, and a decoder that writes the next token behind those that are there.

    Args:
        source: tokens, 1 to 7. written: those that are written so far, 1 to 7; the last one is what comes next.
        layers: of either side.

    Raises:
        ValueError: too few or too many tokens, or no layer.
    """
    source, written = check_sides(source, written)
    if layers < 1:
        raise ValueError(f"layers={layers}: give at least 1")
    read = ["start", *written[:-1]]
    drawing = Drawing(
        f"The encoder reads {listed(source)} at once, {layers} layers. The decoder reads {listed(read)} and, through "
        f"cross-attention in each of its {layers} layers, the encoder's states; what it writes next is {written[-1]}."
    )
    half = (drawing.width - 3 * MARGIN) / 2
    for side, (tokens, left, tone) in enumerate(((source, MARGIN, "blue"), (read, 2 * MARGIN + half, "orange"))):
        wide = half / len(tokens)
        for place, token in enumerate(tokens):
            drawing.box(left + place * wide, 196, wide - 4, 30, shortened(token, wide - 8, SMALL), "plain", size=SMALL)
            drawing.arrow(
                (left + place * wide + wide / 2 - 2, 194), (left + place * wide + wide / 2 - 2, 160), tone=tone
            )
        name = ("encoder", "decoder")[side]
        drawing.box(left, 74, half - 4, 84, "", tone)
        drawing.text(left + half / 2, 96, f"{name}, {layers} layers", bold=True, size=SMALL)
        lines = (
            ["each token looks at all others"],
            ["at itself and those before it,", "and at all states of the encoder"],
        )[side]
        for number, line in enumerate(lines):
            drawing.text(left + half / 2, 120 + 18 * number, line, size=SMALL)
    drawing.arrow((MARGIN + half - 4, 116), (2 * MARGIN + half, 116), heavy=True)
    x = 2 * MARGIN + half + half * (len(read) - 0.5) / len(read)
    drawing.arrow((x, 72), (x, 46), tone="green")
    drawing.box(x - 50, 14, 96, 30, shortened(written[-1], 88, SMALL), "green", size=SMALL)
    drawing.text(MARGIN + half / 2, 244, "the source: read once", size=SMALL, color=SOFT)
    drawing.text(2 * MARGIN + 1.5 * half, 244, "what is written so far", size=SMALL, color=SOFT)
    return drawing


def may_look(source: Sequence[str], read: Sequence[str]) -> Drawing:
    """Three tables of who may look at whom: in the encoder, in the decoder, and from the decoder to the encoder.

    Args:
        source: tokens, 1 to 7. read: what the decoder reads, 1 to 7.

    Raises:
        ValueError: too few or too many tokens.
    """
    source, read = check_sides(source, read)
    tables = (
        ("encoder", source, source, lambda i, j: True),
        ("decoder, of itself", read, read, lambda i, j: j <= i),
        ("decoder, of the source", read, source, lambda i, j: True),
    )
    drawing = Drawing(
        f"In the encoder each of {len(source)} tokens may look at all. In the decoder each of {len(read)} may look at "
        "itself and those before it, and at every token of the source."
    )
    wide = (drawing.width - 4 * MARGIN) / 3
    for number, (name, rows, columns, allowed) in enumerate(tables):
        left = MARGIN + number * (wide + MARGIN)
        drawing.text(left + wide / 2, 18, name, bold=True, size=SMALL)
        side = min((wide - 70) / len(columns), 22)
        if number != 1:
            for j in range(len(columns)):
                drawing.text(left + 70 + (j + 0.5) * side, 40, str(j + 1), size=SMALL)
        for i, token in enumerate(rows):
            y = 52 + i * 22
            shown = f"{i + 1} {token}" if number == 0 else token
            drawing.text(left + 66, y + 11, shortened(shown, 64, SMALL), size=SMALL, align="end")
            for j in range(len(columns)):
                drawing.box(left + 70 + j * side, y, side, 22, "", "blue" if allowed(i, j) else "plain", round_=0)
    drawing.text(280, drawing.height + 18, "a row looks; coloured: it may look there", size=SMALL, color=SOFT)
    return drawing


def beams_as_tree(steps: Sequence[Sequence[tuple[str, int, float]]], words: Sequence[Sequence[str]]) -> Drawing:
    """A beam search: of each step the beginnings that were kept, and which one each goes on from.

    Args:
        steps: 1 to 4 steps, each with 1 to 4 (piece, number of the beginning it goes on from, sum of logs), best first.
        words: of each step what greedy writing took, to be marked; one piece a step, in a list.

    Raises:
        ValueError: too many steps or beams, or a beginning that is not there.
    """
    if not 1 <= len(steps) <= STEPS or not all(1 <= len(step) <= STEPS for step in steps):
        raise ValueError(f"steps: give 1 to {STEPS} steps of 1 to {STEPS} beams")
    kept = [1, *map(len, steps)]
    for number, step in enumerate(steps):
        if not all(0 <= origin < kept[number] for _, origin, _ in step):
            raise ValueError(f"steps[{number}] goes on from a beginning that is not among {kept[number]}")
    best = [f"{piece} ({total:.1f})" for piece, _, total in steps[-1]]
    drawing = Drawing(
        f"A search with {max(map(len, steps))} beams, {len(steps)} steps. After the last one these ends are open, with "
        f"their sums of logs: {listed(best)}."
    )
    wide, high = (drawing.width - 2 * MARGIN - 60) / len(steps), 44
    middle = 20 + high * (max(map(len, steps)) - 1) / 2
    drawing.box(MARGIN, middle, 52, 30, "start", size=SMALL)
    before = [(MARGIN + 52, middle + 15)]
    for number, step in enumerate(steps):
        left, here = MARGIN + 60 + number * wide + 22, []
        for row, (piece, origin, total) in enumerate(step):
            y = 20 + row * high
            tone = "green" if piece in words[number] else "blue"
            drawing.arrow(before[origin], (left - 2, y + 15))
            drawing.box(left, y, wide - 34, 30, shortened(f"{piece}  {total:.1f}", wide - 40, SMALL), tone, size=SMALL)
            here.append((left + wide - 34, y + 15))
        before = here
    drawing.text(280, drawing.height + 20, "green: what greedy writing takes; the numbers are sums of logs", size=SMALL)
    return drawing


def aligned(source: Sequence[str], written: Sequence[str], weights: np.ndarray) -> Drawing:
    """How strongly each written piece looked at each piece of the source.

    Args:
        source: 1 to 16 pieces. written: 1 to 16 pieces.
        weights: (len(written), len(source)) from 0 to 1.

    Raises:
        ValueError: too few or too many pieces, or weights of another shape.
    """
    if not 1 <= len(source) <= 16 or not 1 <= len(written) <= 16:
        raise ValueError(f"{len(source)} and {len(written)} pieces: give 1 to 16 of each")
    weights = np.asarray(weights, dtype=float)
    if weights.shape != (len(written), len(source)):
        raise ValueError(f"weights has shape {weights.shape}: give {(len(written), len(source))}")
    strongest = [f"{piece}: {source[int(row.argmax())]}" for piece, row in zip(written, weights, strict=True)]
    drawing = Drawing(f"Where each written piece looked most: {'; '.join(strongest)}.")
    named = wrap("   ".join(f"{j + 1} {token}" for j, token in enumerate(source)), drawing.width - 2 * MARGIN, SMALL)
    drawing.text(MARGIN, 16, "\n".join(named), size=SMALL, align="start")
    top = 30 + 18 * len(named)
    left, side = 92, min((drawing.width - 92 - MARGIN) / len(source), 36)
    for j in range(len(source)):
        drawing.text(left + (j + 0.5) * side, top, str(j + 1), size=SMALL)
    for i, (token, row) in enumerate(zip(written, weights, strict=True)):
        y = top + 12 + 22 * i
        drawing.text(left - 6, y + 11, shortened(token, 82, SMALL), size=SMALL, align="end")
        for j, weight in enumerate(row):
            drawing.box(left + j * side, y, side, 22, "", "plain", round_=0)
            if weight >= 0.05:
                radius = 2 + 8 * min(weight, 1.0)
                drawing.dot(left + (j + 0.5) * side, y + 11, radius, "blue")
    drawing.text(280, drawing.height + 18, "the larger the dot, the larger the weight (below 0.05: none)", size=SMALL)
    return drawing
