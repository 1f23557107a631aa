"""Next-sentence pairs: a document walked through in windows, a pair cut to fit, and where a false B comes from."""

from __future__ import annotations

from collections.abc import Sequence

from bertcourse.diagrams.drawing import MARGIN, SMALL, SOFT, Drawing, text_width, token_widths


def window_walk(lengths: Sequence[int], pairs: Sequence[tuple[int, int, int, bool]], budget: int) -> Drawing:
    """A document's sentences, and below them the windows, each cut into A and B; a false B is replaced.

    Args:
        lengths: tokens of each sentence.
        pairs: (first sentence, first of B, end, whether B is true) of each window, in order.
        budget: tokens that fit into a window.
    """
    names = [chr(ord("a") + number) if number < 26 else str(number) for number in range(len(lengths))]
    told = [
        f"{''.join(names[a:b])} with {'true ' + ''.join(names[b:e]) if true else 'a false B'}"
        for a, b, e, true in pairs
    ]
    drawing = Drawing(
        f"{len(lengths)} sentences, {sum(lengths)} tokens, in windows of at most {budget}: {'; '.join(told)}."
    )
    left = 116
    unit = (drawing.width - left - MARGIN) / sum(lengths)
    starts = [left + unit * sum(lengths[:number]) for number in range(len(lengths) + 1)]
    drawing.text(MARGIN, 32, "document", size=SMALL, align="start", bold=True)
    for number, name in enumerate(names):
        drawing.box(starts[number], 14, starts[number + 1] - starts[number], 36, name, "grey", bold=True, round_=0)
    y = 74
    for number, (a, b, e, true) in enumerate(pairs):
        drawing.text(MARGIN, y + 18, f"window {number}", size=SMALL, align="start")
        drawing.box(starts[a], y, starts[b] - starts[a], 36, "A", "blue", bold=True, round_=0)
        wide = starts[e] - starts[b]
        kind = ("B, true", "B") if true else ("false B", "B")
        words = next((word for word in kind if text_width(word, SMALL, bold=True) < wide - 6), "")
        tone = "green" if true else "orange"
        drawing.box(starts[b], y, wide, 36, words, tone, size=SMALL, bold=True, round_=0, dashed=not true)
        go_on = starts[e] if true else starts[b]
        words = "IsNext (0): go on after B" if true else "NotNext (1): go on where B began"
        drawing.arrow((go_on, y + 40), (go_on, y + 74), tone="green" if true else "orange", heavy=True)
        side, x = ("end", go_on - 14) if go_on > drawing.width / 2 + 30 else ("start", go_on + 14)
        drawing.text(x, y + 56, words, size=SMALL, align=side)
        y += 80
    reached = max(e if true else b for _, b, e, true in pairs) if pairs else 0
    if reached < len(lengths):
        rest = "".join(names[reached:])
        drawing.box(starts[reached], y, starts[-1] - starts[reached], 36, rest, "plain", dashed=True, round_=0)
        drawing.text(starts[reached] - 10, y + 18, "left over, makes no pair:", size=SMALL, align="end")
    return drawing


def pair_layout(first: Sequence[str], second: Sequence[str], kept_first: int, kept_second: int) -> Drawing:
    """A pair that is too long: A loses tokens at its front, B at its end; then the input with its segment ids.

    Args:
        first, second: the tokens of A and of B before they are cut.
        kept_first, kept_second: how many stay of each.

    Raises:
        ValueError: more are to stay than there are.
    """
    if not (0 < kept_first <= len(first) and 0 < kept_second <= len(second)):
        raise ValueError(f"kept {kept_first} of {len(first)} and {kept_second} of {len(second)}: give 1 to all of them")
    inputs = ["[CLS]", *first[len(first) - kept_first :], "[SEP]", *second[:kept_second], "[SEP]"]
    segments = [0] * (kept_first + 2) + [1] * (kept_second + 1)
    drawing = Drawing(
        f"A has {len(first)} tokens and loses {len(first) - kept_first} at its front; B has {len(second)} and loses "
        f"{len(second) - kept_second} at its end, so the place where they meet stays. The input: {' '.join(inputs)}; "
        f"segment 0 for {kept_first + 2} tokens, segment 1 for {kept_second + 1}."
    )
    room = drawing.width - 2 * MARGIN - 30

    def row(y: float, words: Sequence[str], keep: Sequence[bool], tone: str, name: str) -> None:
        drawing.text(MARGIN, y + 17, name, bold=True, align="start")
        x = MARGIN + 30
        for word, stays, wide in zip(words, keep, token_widths(words, room), strict=True):
            drawing.box(x, y, wide, 34, word, tone if stays else "plain", size=SMALL, dashed=not stays)
            if not stays:
                drawing.line((x + 3, y + 40), (x + wide - 3, y + 40), tone="orange", heavy=True)
            x += wide + 4

    cut = len(first) - kept_first
    row(14, first, [i >= cut for i in range(len(first))], "blue", "A")
    row(76, second, [i < kept_second for i in range(len(second))], "green", "B")
    drawing.text(280, 134, "orange: cut off, A at its front and B at its end", size=SMALL)
    drawing.arrow((280, 148), (280, 172))
    widths, x = token_widths(inputs, drawing.width - 2 * MARGIN, least=26), MARGIN
    for word, segment, wide in zip(inputs, segments, widths, strict=True):
        special = word in ("[CLS]", "[SEP]")
        drawing.box(x, 178, wide, 34, word, "grey" if special else ("blue", "green")[segment], size=SMALL, bold=special)
        drawing.box(x, 216, wide, 30, str(segment), ("plain", "yellow")[segment], size=SMALL)
        x += wide + 4
    drawing.text(280, 264, "below: the segment ids (token_type_ids)", size=SMALL, color=SOFT)
    return drawing


def origins_of_false(builders: Sequence[tuple[str, Sequence[tuple[int, int, bool]]]], documents: int) -> Drawing:
    """Where false B's come from under several builders: one mark for each, at the document that it was taken from.

    Args:
        builders: name and false pairs, each (A's document, B's document, whether B really follows A).
        documents: how many there are.
    """
    own = {name: sum(a == b for a, b, _ in false) for name, false in builders}
    really = {name: sum(follows for _, _, follows in false) for name, false in builders}
    drawing = Drawing(
        f"False B's drawn from {documents} documents. "
        + " ".join(
            f"{name}: {len(false)} false pairs, {own[name]} from A's own document, {really[name]} of which do follow A."
            for name, false in builders
        )
    )
    y = 14
    cell = min(40, 220 / documents)
    for name, false in builders:
        drawing.text(280, y + 10, name, bold=True)
        drawing.text(MARGIN + 86, y + 38, "B from document", size=SMALL, align="start", color=SOFT)
        counts = [[sum((a, b) == (i, j) for a, b, _ in false) for j in range(documents)] for i in range(documents)]
        for j in range(documents):
            drawing.text(MARGIN + 86 + cell * (j + 0.5), y + 60, str(j), size=SMALL)
        for i in range(documents):
            drawing.text(
                MARGIN + 78, y + 74 + cell * (i + 0.5), f"A in {i}" if i else "A in 0", size=SMALL, align="end"
            )

        def tone(i: int, j: int, counts: list[list[int]] = counts) -> str:
            return "plain" if not counts[i][j] else "orange" if i == j else "blue"

        drawing.grid(
            MARGIN + 86,
            y + 74,
            [[str(n) if n else "" for n in row] for row in counts],
            (cell, cell),
            tone=tone,
            bold=lambda i, j: i == j,
        )
        x, middle = MARGIN + 86 + cell * documents + 18, y + 74 + cell * documents / 2
        drawing.text(x, middle - 30, f"{len(false)} “false” pairs", size=SMALL, align="start")
        drawing.text(x, middle - 8, f"{own[name]} from A's own document", size=SMALL, align="start", bold=own[name] > 0)
        drawing.text(
            x,
            middle + 14,
            f"of these really following A: {really[name]}",
            size=SMALL,
            align="start",
            bold=really[name] > 0,
        )
        y += 74 + cell * documents + 24
    return drawing
