"""Entities: words, pieces, tags and spans; what entity F1 counts; and how a broken tag is read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bertcourse.diagrams.drawing import INK, MARGIN, SMALL, SOFT, Drawing, Point, listed, text_width

Span = tuple[int, int, str]  # first word, end (exclusive), type


def _columns(drawing: Drawing, words: Sequence[str], beneath: Sequence[Sequence[float]], left: float) -> list[Point]:
    """Left and right of a column for each word, wide enough for it and for the widths that stand beneath."""
    need = [max(text_width(word, SMALL) + 8, sum(widths), 34) for word, widths in zip(words, beneath, strict=True)]
    gaps = len(words) - 1
    gap = 6 if sum(need) + 6 * gaps <= drawing.width - left - MARGIN else 2
    room = drawing.width - left - MARGIN - gap * gaps
    if sum(need) > room:
        raise ValueError(f"{len(words)} words do not fit side by side: draw a shorter text")
    more, x, found = min((room - sum(need)) / len(words), 40), left, []
    for wide in need:
        found.append((x, x + wide + more))
        x += wide + more + gap
    return found


def _lines(needed: Sequence[float], room: float, spans: Sequence[Span]) -> list[tuple[int, int]]:
    """Words cut into lines that fit into the room, (first word, end) each, none of them inside an entity."""
    inside = {word for start, end, _ in spans for word in range(start + 1, end)}
    lines, begin = [], 0
    while begin < len(needed):
        end = begin + 1
        while end < len(needed) and sum(needed[begin : end + 1]) + 6 * (end - begin) <= room:
            end += 1
        while end < len(needed) and end in inside and end > begin + 1:
            end -= 1
        lines.append((begin, end))
        begin = end
    return lines


def words_to_spans(
    words: Sequence[str], pieces: Sequence[Sequence[str]], tags: Sequence[str], spans: Sequence[Span]
) -> Drawing:
    """Words, the pieces that they are cut into, a tag for each word on its first piece, and the entities.

    Args:
        words: of a short text; what does not fit into a line goes into the next.
        pieces: of each word.
        tags: one a word, in BIO.
        spans: the entities that the tags stand for.

    Raises:
        ValueError: not as many of each, or an entity is too long for the drawing.
    """
    if not len(words) == len(pieces) == len(tags):
        raise ValueError(
            f"{len(words)} words, {len(pieces)} lists of pieces, {len(tags)} tags: give one of each a word"
        )
    drawing = Drawing(
        f"{len(words)} words, {sum(map(len, pieces))} pieces. "
        + listed([f"{word}: {' '.join(own)}, {tag}" for word, own, tag in zip(words, pieces, tags, strict=True)])
        + ". Entities: "
        + (listed([f"{' '.join(words[a:b])} {kind}" for a, b, kind in spans]) or "none")
        + ". A word's tag stands on its first piece; the others have the label −100."
    )
    left, y = 78, 14

    def room(piece: str, label: str) -> float:
        return max(text_width(piece, SMALL), text_width(label, SMALL, bold=True)) + 8

    labels = [[tag, *["−100"] * (len(own) - 1)] for own, tag in zip(pieces, tags, strict=True)]
    wide = [[room(*pair) for pair in zip(own, label, strict=True)] for own, label in zip(pieces, labels, strict=True)]
    needed = [max(text_width(word, SMALL) + 8, sum(own), 34) for word, own in zip(words, wide, strict=True)]
    kinds = list(dict.fromkeys(kind for _, _, kind in spans))
    tone_of = {kind: ("blue", "orange", "green", "pink")[n % 4] for n, kind in enumerate(kinds)}
    for begin, end in _lines(needed, drawing.width - left - MARGIN, spans):
        for name, below in (("words", 17), ("pieces", 63), ("labels", 103), ("entities", 159)):
            drawing.text(MARGIN, y + below, name, size=SMALL, align="start")
        columns = _columns(drawing, words[begin:end], wide[begin:end], left)
        for (x1, x2), number in zip(columns, range(begin, end), strict=True):
            tone = tone_of.get(tags[number][2:], "grey")
            drawing.box(x1, y, x2 - x1, 34, words[number], tone, size=SMALL)
            spare, x = (x2 - x1 - sum(wide[number])) / len(wide[number]), x1
            for place, (piece, label, least) in enumerate(
                zip(pieces[number], labels[number], wide[number], strict=True)
            ):
                first, across = place == 0, least + spare
                drawing.box(x, y + 46, across, 34, piece, tone if first else "plain", size=SMALL, dashed=not first)
                strong = first and label != "O"
                drawing.text(x + across / 2, y + 103, label, size=SMALL, bold=strong, color=INK if first else SOFT)
                x += across
        for a, b, kind in spans:
            if begin <= a < end:
                x1, x2 = columns[a - begin][0], columns[b - 1 - begin][1]
                drawing.bracket(x1, x2, y + 130, "", tone=tone_of[kind])
                drawing.box(x1, y + 142, x2 - x1, 34, kind, tone_of[kind], bold=True, size=SMALL)
        y += 204
    drawing.text(280, y - 8, "−100: a word's further pieces, not counted", size=SMALL, color=SOFT)
    return drawing


def counted_entities(words: Sequence[str], gold: Sequence[Span], found: Sequence[Span]) -> Drawing:
    """What entity F1 counts: an entity is right only if both borders and the type are.

    Args:
        words: of a short text.
        gold, found: entities in words.
    """
    right = [span for span in found if span in gold]
    precision = len(right) / len(found) if found else 0.0
    recall = len(right) / len(gold) if gold else 0.0
    f1 = 2 * precision * recall / (precision + recall) if right else 0.0

    def told(spans: Sequence[Span]) -> str:
        return listed([f"{' '.join(words[a:b])} {kind}" for a, b, kind in spans]) or "nothing"

    drawing = Drawing(
        f"True: {told(gold)}. Found: {told(found)}. Right with both borders and type: {told(right)}. Precision "
        f"{len(right)} of {len(found)}, recall {len(right)} of {len(gold)}, F1 {f1:.2f}."
    )
    left = 78
    columns = _columns(drawing, words, [[]] * len(words), left)
    drawing.text(MARGIN, 77, "true", size=SMALL, align="start", bold=True)
    drawing.text(MARGIN, 129, "found", size=SMALL, align="start", bold=True)
    for (x1, x2), word in zip(columns, words, strict=True):
        drawing.text((x1 + x2) / 2, 26, word, size=SMALL)
    for y, spans, others in ((58, gold, found), (110, found, gold)):
        for a, b, kind in spans:
            good = (a, b, kind) in others
            x1, x2 = columns[a][0], columns[b - 1][1]
            drawing.box(x1, y, x2 - x1, 38, kind, "green" if good else "orange", bold=good, size=SMALL, dashed=not good)
    y = 176
    for name, count, of, value in (
        ("precision", len(right), len(found), precision),
        ("recall", len(right), len(gold), recall),
    ):
        drawing.text(
            MARGIN,
            y,
            f"{name} = right / {'found' if name == 'precision' else 'true'} = {count} / {of} = {value:.2f}",
            align="start",
        )
        y += 26
    drawing.text(MARGIN, y, f"F1 = {f1:.2f}", align="start", bold=True)
    drawing.text(
        drawing.width - MARGIN,
        y,
        "green: right;  dashed: a border or the type differs",
        size=SMALL,
        align="end",
        color=SOFT,
    )
    return drawing


def readings_of_tags(words: Sequence[str], tags: Sequence[str], readings: Mapping[str, Sequence[Span]]) -> Drawing:
    """The same tags, some of them impossible, read in several ways.

    Args:
        words: of a short text.
        tags: one a word.
        readings: name of a rule -> the entities that it sees.
    """
    drawing = Drawing(
        f"Tags {' '.join(tags)} over {' '.join(words)}. "
        + " ".join(
            f"{name}: {listed([f'{chr(32).join(words[a:b])} {kind}' for a, b, kind in spans]) or 'nothing'}."
            for name, spans in readings.items()
        )
    )
    left = 150
    columns = _columns(drawing, words, [[text_width(tag, SMALL) + 8] for tag in tags], left)
    broken = [
        number for number, tag in enumerate(tags) if tag[0] == "I" and (number == 0 or tags[number - 1][2:] != tag[2:])
    ]
    drawing.text(MARGIN, 59, "tags", size=SMALL, align="start", bold=True)
    for number, ((x1, x2), word, tag) in enumerate(zip(columns, words, tags, strict=True)):
        drawing.text((x1 + x2) / 2, 22, word, size=SMALL)
        drawing.box(
            x1, 42, x2 - x1, 34, tag, "orange" if number in broken else "grey", size=SMALL, heavy=number in broken
        )
    y = 96
    for name, spans in readings.items():
        drawing.text(MARGIN, y + 17, name, size=SMALL, align="start")
        for a, b, kind in spans:
            drawing.box(columns[a][0], y, columns[b - 1][1] - columns[a][0], 34, kind, "blue", bold=True, size=SMALL)
        drawing.line((left, y + 42), (drawing.width - MARGIN, y + 42))
        y += 50
    drawing.text(280, y + 8, "orange: an I- with nothing of its type before it", size=SMALL, color=SOFT)
    return drawing
