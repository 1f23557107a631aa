"""Machines of lesson 08: tags to break, read in three ways; and a long text in windows."""

from __future__ import annotations

import math
from collections.abc import Sequence

from bertcourse.diagrams.drawing import MARGIN, SMALL, SOFT, Drawing, listed, text_width
from bertcourse.machines.frame import Machine
from bertlib.text.spans import entities_of, split_tag
from bertlib.text.windows import OVERLAP, Pieces

LENGTHS = (32, 64, 128, 256, 512)  # of a window, [CLS] and [SEP] included


def tags_by_click(words: Sequence[str], tags: Sequence[str], names: Sequence[str]) -> Machine:
    """The tags of a sentence, to be changed; the entities and the F1 of three readings, and token accuracy.

    Args:
        words: of a sentence, W of them.
        tags: (W,) the true ones, in BIO.
        names: all tags that may be chosen.

    Raises:
        ValueError: not as many words as tags; a tag that is not among the names, or is no BIO; or no entity at all.
    """
    if len(words) != len(tags):
        raise ValueError(f"{len(words)} words, {len(tags)} tags: give a tag for each word")
    if foreign := sorted({*tags, "O"} - set(names)):
        raise ValueError(f"names={list(names)}: add {listed(foreign)}, which the words have or may get")
    for name in names:
        split_tag(name)
    if not (entities := entities_of(tags)):
        raise ValueError(f"tags={list(tags)}: give a sentence with at least one entity, so that there is one to miss")
    chain = run = 0  # of entities that touch, one changed word breaks two: the second becomes part of the first
    for number, (start, _, _) in enumerate(entities):
        run = run + 1 if number and entities[number - 1][1] == start else 1
        chain += run % 2
    data = {"words": list(words), "gold": list(tags), "names": list(names), "needed": chain}
    told = [f"{' '.join(words[start:end])} {kind}" for start, end, kind in entities]
    picture = Drawing(f"{len(words)} words with their true tags; the entities are {listed(told)}. All F1 are 1.00.")
    x, y, last = MARGIN, 14, picture.width - MARGIN
    for word, tag in zip(words, tags, strict=True):
        wide = max(text_width(word, SMALL), text_width(tag, SMALL)) + 10
        if x + wide > last:
            x, y = MARGIN, y + 54
        picture.box(x, y, wide, 48, f"{word}\n{tag}", "plain" if tag == "O" else "blue", size=SMALL)
        x += wide + 6
    picture.text(280, y + 70, "token accuracy 100 %, entity F1 1.00 in all readings", size=SMALL, color=SOFT)
    question = (
        "All tags are right. Choose a word, then another tag for it. Bring the entity F1 by CoNLL's reading to 0 with "
        "as few changed words as possible. How many does it take, and what is the token accuracy of these "
        f"{len(words)} words then?"
    )
    return Machine("tags_by_click", "Break the tags", question, data, picture)


def windows_of_a_text(pieces: Pieces, text: str, max_length: int, context: int) -> Machine:
    """Window length and stride moved over a long text: which window gives each piece its tag, and what it sees there.

    Args:
        pieces: a long text as the tagger reads it, without context of its own.
        text: the text.
        max_length: tokens of the window that the question is about, one of 32, 64, 128, 256 and 512.
        context: pieces that each piece shall see on either side, where the text has so many; at least 1, and less
            than three eighths of a window.

    Raises:
        ValueError: max_length is another one, the text fits into such a window, or the context is no such number.
    """
    room, count = max_length - 2, len(pieces.ids)
    if max_length not in LENGTHS:
        raise ValueError(f"max_length={max_length}: give one of {listed(LENGTHS)}")
    if count <= room or pieces.core != (0, count):
        raise ValueError(f"the text has {count} pieces, core {pieces.core}: give more than {room}, all of them its own")
    if not 1 <= context < room * 3 / 8 or context <= int(room * OVERLAP) // 2:
        raise ValueError(
            f"context={context}: give more than half of the library's overlap, {int(room * OVERLAP)}, and less than "
            f"{room * 3 / 8:.0f}: else the first state answers the question, or no stride does"
        )
    begins = pieces.first_of_words()
    shown = [
        ("" if first else "##") + text[start:end] for first, (start, end) in zip(begins, pieces.offsets, strict=True)
    ]
    lengths = [length for length in LENGTHS if length - 2 < count]
    step = room - int(room * OVERLAP)
    data = {
        "pieces": shown,
        "lengths": lengths,
        "asked": {"length": max_length, "context": context},
        "stride": step,
    }
    windows = math.ceil((count - room) / step) + 1
    picture = Drawing(
        f"{count:,} pieces in {windows} windows of {room}, a new one every {step} pieces: neighbours share "
        f"{room - step}."
    )
    picture.text(280, 22, f"{count:,} pieces, windows of {room}, stride {step}", bold=True)
    unit = (picture.width - 2 * MARGIN) / count
    picture.box(MARGIN, 44, unit * count, 24, "", "grey", round_=0)
    starts = [*range(0, count - room, step), count - room]
    for number, start in enumerate(starts):
        picture.box(
            MARGIN + unit * start, 82 + 22 * (number % 4), unit * room, 18, "", ("blue", "orange")[number % 2], round_=0
        )
    question = (
        f"The library's windows of {max_length} tokens, [CLS] and [SEP] among them, hold {room} pieces and begin every "
        f"{step}. What is the largest stride at which every piece sees at least {context} pieces on either side, in "
        "the window that gives it its tag? The text's own two ends do not count."
    )
    return Machine("windows_of_a_text", "A long text in windows", question, data, picture)
