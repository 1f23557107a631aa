"""Machines of lesson 04b: a document walked through in windows, and false B's drawn by rules, one by one."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from bertcourse.diagrams.drawing import Drawing
from bertcourse.diagrams.pairs import window_walk
from bertcourse.machines.frame import Machine
from bertlib.text.pairs import Sentence

FEWEST, MOST = 1000, 5000  # false B's by which rates can be told, and those that are drawn at most
LENGTH, LONGEST = 12, 20  # sentences of a document: about so many, and at most
FEWEST_DOCUMENTS, MOST_DOCUMENTS = 4, 12


def draw_false(documents: Sequence[Sequence[Sentence]]) -> Machine:
    """False B's from few or more documents, by three rules: how many are A's own, follow A, or open a document.

    Args:
        documents: each a sequence of sentences, each of token ids. Taken are up to 12 of about 12 sentences that share
            none with each other.

    Raises:
        ValueError: fewer than 4 such documents are found.
    """
    content = few_documents(documents)
    if len(content) < FEWEST_DOCUMENTS:
        raise ValueError(
            f"{len(documents)} documents, of which {len(content)} have 3 to {LONGEST} sentences and share none: give "
            f"at least {FEWEST_DOCUMENTS} such documents"
        )
    data = {"documents": content, "fewest": FEWEST, "most": MOST}
    lengths = [len(document) for document in content]
    picture = Drawing(
        f"{len(content)} documents of {min(lengths)} to {max(lengths)} sentences, from which false B's are drawn."
    )
    for number, length in enumerate(lengths[:6]):
        y = 14 + 34 * number
        picture.text(126, y + 13, f"document {number}", align="end")
        for place in range(length):
            picture.box(138 + 20 * place, y, 18, 26, "", "grey", round_=2)
    if len(content) > 6:
        picture.text(280, 14 + 34 * 6 + 10, f"and {len(content) - 6} more")
    question = (
        f"A false B is drawn from any sentence of any document, as in d2l. Draw {FEWEST:,} at once from 2 documents, "
        f"then make them {len(content)}: which faults become rare? With which two rules, and no third, are all three "
        "faults 0, however few the documents?"
    )
    return Machine("draw_false", "Where false B's come from", question, data, picture)


def few_documents(documents: Sequence[Sequence[Sentence]]) -> list[list[int]]:
    """Up to 12 documents of about 12 sentences that share none; each sentence as a number of its own."""
    numbers: dict[tuple[int, ...], int] = {}
    found: list[list[int]] = []
    for document in sorted(documents, key=lambda document: abs(len(document) - LENGTH)):
        sentences = [tuple(sentence) for sentence in document]
        if len(found) < MOST_DOCUMENTS and 3 <= len(sentences) <= LONGEST and not numbers.keys() & set(sentences):
            found.append([numbers.setdefault(sentence, len(numbers)) for sentence in sentences])
    return found


def windows_walked(lengths: Sequence[int], limit: int, windows: Sequence[tuple[int, int, int, bool]]) -> Machine:
    """A document in windows: cut and coin of each moved, what is left over at the end.

    Args:
        lengths: tokens of each of 3 to 12 sentences.
        limit: tokens that fit into a window.
        windows: the walk at first: the first sentence of each window, the first of its B, its end (exclusive), and
            whether its B is true.

    Raises:
        ValueError: there are fewer or more sentences, two of them do not fit into a window, or the walk leaves no
            sentence over.
    """
    if not 3 <= len(lengths) <= 12:
        raise ValueError(f"{len(lengths)} sentences: give 3 to 12")
    if max(a + b for a, b in pairwise(lengths)) > limit:
        raise ValueError(f"limit={limit}, lengths={list(lengths)}: give a limit into which any two neighbours fit")
    reached = max(end if is_true else cut for _, cut, end, is_true in windows)
    if reached >= len(lengths):
        raise ValueError(f"windows={list(windows)} leave no sentence over: give a walk that leaves the last one")
    spare = len(lengths) - len(windows)
    data = {
        "lengths": list(lengths),
        "limit": limit,
        "cuts": [cut - start - 1 for start, cut, _, _ in windows] + [0] * spare,
        "heads": [bool(is_true) for *_, is_true in windows] + [True] * spare,
    }
    left = chr(ord("a") + reached)
    question = (
        f"Here sentence {left} is left over. Choose other cuts and coins so that no sentence is left over. What is the "
        "largest number of pairs?"
    )
    return Machine("windows_walked", "From window to window", question, data, window_walk(lengths, windows, limit))
