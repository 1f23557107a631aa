"""Chinese: a vocabulary read in two ways, what masking hides, names made of tagged words."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from bertcourse.diagrams.drawing import MARGIN, SMALL, SOFT, Drawing, listed

ROWS = 7  # of a vocabulary
WIDE = 24  # characters of a sentence
WORDS, UNITS = 9, 28  # of a sentence with tags; how wide they are, each as its characters, at least 2


def shown_as(piece: str) -> str:
    """A piece as it can be shown: by its code point where nothing would be seen."""
    if piece == "":
        return "(empty)"
    if len(piece) == 1 and unicodedata.category(piece)[0] in "CZ":
        return f"U+{ord(piece):04X}"
    return piece


def read_two_ways(content: str, first: int, count: int) -> Drawing:
    """Some ids of a vocabulary, cut at line breaks alone, and as splitlines() cuts.

    Args:
        content: the text of a vocab.txt.
        first: the first id that is shown. count: how many, 2 to 7.

    Raises:
        ValueError: there are not so many pieces, or both ways give the same there.
    """
    right, wrong = content.split("\n"), content.splitlines()
    if not 2 <= count <= ROWS or not 0 <= first <= len(right) - count:
        raise ValueError(f"first={first}, count={count}: give 2 to {ROWS} of the ids 0 to {len(right) - 1}")
    rows = [
        (number, shown_as(right[number]), shown_as(wrong[number]) if number < len(wrong) else "–")
        for number in range(first, first + count)
    ]
    differ = [number for number, one, other in rows if one != other]
    if not differ:
        raise ValueError(f"first={first}: splitlines() gives the same pieces there: show ids around the line separator")
    drawing = Drawing(
        f"Of the ids {first} to {first + count - 1}, splitlines() gives {len(differ)} another piece than the file has: "
        f"the first is {differ[0]}. Behind it every piece stands one id too far down."
    )
    left, gap, high = MARGIN + 76, 178, 34
    drawing.text(left + gap / 2 - 6, 20, 'split("\\n")', mono=True, size=SMALL)
    drawing.text(left + 1.5 * gap + 40, 20, "splitlines()", mono=True, size=SMALL)
    drawing.text(MARGIN + 30, 20, "id", size=SMALL, color=SOFT)
    where = {piece: 38 + high * row for row, (_, piece, _) in enumerate(rows)}
    for row, (number, one, other) in enumerate(rows):
        y = 38 + high * row
        drawing.text(MARGIN + 30, y + 14, str(number), size=SMALL, color=SOFT)
        odd = one.startswith("U+")
        drawing.box(left, y, gap - 12, 28, one, "yellow" if odd else "blue", size=SMALL)
        moved = one != other
        drawing.box(
            left + gap + 34,
            y,
            gap - 12,
            28,
            other,
            "orange" if moved else "blue",
            size=SMALL,
            dashed=other == "(empty)",
        )
        if moved and other in where:
            drawing.line((left + gap - 10, where[other] + 14), (left + gap + 32, y + 14), tone="orange")
    drawing.text(280, 38 + high * count + 12, "orange: another piece than the one of this id", size=SMALL, color=SOFT)
    return drawing


def hidden_two_ways(words: Sequence[str], by_character: Sequence[bool], by_word: Sequence[bool]) -> Drawing:
    """A sentence twice: characters hidden by themselves, and by whole words.

    Args:
        words: of the sentence, in all 2 to 24 characters.
        by_character, by_word: of each character, whether it is hidden.

    Raises:
        ValueError: too many characters, not as many marks as characters, or a word that is only half hidden in by_word.
    """
    text = "".join(words)
    if not 2 <= len(text) <= WIDE or not len(text) == len(by_character) == len(by_word):
        counts = [len(by_character), len(by_word)]
        raise ValueError(f"words: {len(text)} characters, marks: {counts}: give 2 to {WIDE}, and as many of each")
    spans, start = [], 0
    for word in words:
        spans.append((start, start + len(word)))
        start += len(word)
    half = [text[a:b] for a, b in spans if len({bool(one) for one in by_word[a:b]}) > 1]
    if half:
        raise ValueError(f"by_word hides {half[0]!r} by half: hide whole words")
    easy = [
        sum(hidden[i] and not all(hidden[a:b]) for a, b in spans for i in range(a, b))
        for hidden in (by_character, by_word)
    ]
    drawing = Drawing(
        f"{text}: by characters {sum(map(bool, by_character))} of {len(text)} are hidden, {easy[0]} of them with "
        f"another character of their word in sight; by words {sum(map(bool, by_word))}, {easy[1]} of them so."
    )
    wide = min(36.0, (drawing.width - 2 * MARGIN) / len(text))
    left = (drawing.width - wide * len(text)) / 2
    size = SMALL
    for row, (lead, hidden) in enumerate((("by characters", by_character), ("by whole words", by_word))):
        y = 18 + 118 * row
        drawing.text(MARGIN, y, lead, size=SMALL, align="start", bold=True)
        for place, character in enumerate(text):
            a, b = next(span for span in spans if span[0] <= place < span[1])
            tone = "plain" if not hidden[place] else "green" if all(hidden[a:b]) else "orange"
            drawing.box(
                left + place * wide + 1, y + 16, wide - 2, 34, character, tone, size=size, heavy=bool(hidden[place])
            )
        for a, b in spans:
            drawing.bracket(left + a * wide + 2, left + b * wide - 2, y + 60, tone="blue" if b - a > 1 else "plain")
    words_below = "coloured: hidden; orange: a part of its word is in sight; below: the words"
    drawing.text(280, 222, words_below, size=SMALL, color=SOFT)
    return drawing


def names_of_tags(words: Sequence[str], tags: Sequence[str], spans: Sequence[tuple[int, int, str]]) -> Drawing:
    """Words with their tags, and below them the names that these are.

    Args:
        words, tags: of a sentence, 1 to 9 words.
        spans: of each name its start and end (exclusive) in characters of the joined words, and its kind.

    Raises:
        ValueError: too many words or characters, not as many tags, or a span that does not begin and end with a word.
    """
    if not 1 <= len(words) <= WORDS or len(words) != len(tags):
        raise ValueError(f"words: {len(words)}, tags: {len(tags)}: give 1 to {WORDS} words, and as many tags")
    units = sum(max(len(word), 2) for word in words)
    if units > UNITS:
        raise ValueError(f"words: {units} characters, a single one counted as 2: give at most {UNITS}")
    edges = [0]
    for word in words:
        edges.append(edges[-1] + len(word))
    for start, end, kind in spans:
        if start not in edges or end not in edges or start >= end:
            raise ValueError(f"spans: ({start}, {end}, {kind!r}) does not begin and end with a word")
    text = "".join(words)
    told = [f"{text[start:end]} ({kind}, {start} to {end})" for start, end, kind in spans]
    drawing = Drawing(f"Of {len(words)} tagged words come {len(spans)} names: {listed(told) or 'none'}.")
    unit = (drawing.width - 2 * MARGIN) / units
    xs = [float(MARGIN)]
    for word in words:
        xs.append(xs[-1] + unit * max(len(word), 2))
    for place, (word, tag) in enumerate(zip(words, tags, strict=True)):
        tone = "blue" if tag in ("nr", "ns", "nt") else "plain"
        drawing.box(xs[place] + 1, 10, xs[place + 1] - xs[place] - 2, 36, word, tone, size=SMALL)
        middle = (xs[place] + xs[place + 1]) / 2
        drawing.text(middle, 60, tag, size=SMALL, mono=True, color=SOFT)
    for start, end, kind in spans:
        x1, x2 = xs[edges.index(start)] + 3, xs[edges.index(end)] - 3
        drawing.bracket(x1, x2, 84, tone="orange")
        drawing.text((x1 + x2) / 2, 102, kind, size=SMALL, bold=True)
        drawing.text((x1 + x2) / 2, 122, f"{start}:{end}", size=SMALL, mono=True)
    drawing.text(280, 150, "above: words and tags; below: names, start:end in characters", size=SMALL, color=SOFT)
    return drawing
