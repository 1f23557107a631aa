"""Entities as spans, and as one tag a word (BIO): B- begins one, I- goes on with it, O is outside.

Ramshaw and Marcus (1995, §4.1) tagged chunks so; that every entity begins with B- makes it the variant IOB2.
"""

import re
from collections.abc import Sequence

import numpy as np

IGNORED = -100  # the label of a token that the loss passes over; cross_entropy's own default
Span = tuple[int, int]  # start and end, the end excluded: of a word or entity in characters, or of an entity in words
Entity = tuple[int, int, str]  # start, end, type

# Which marks other schemes have, each letter beside the one it stands for in BIO: the last word of an entity (E, L) and
# one of a single word (S, U, W) are marked there too.
IN_BIO = {"B": "B", "I": "I", "M": "I", "E": "I", "L": "I", "S": "B", "U": "B", "W": "B"}
SCHEMES = {"BIO": "BI", "IOB1": "BI", "BIOES": "BIES", "BILOU": "BILU", "BMES": "BMES", "BMEWO": "BMEW"}
CLOSING = "ELSUW"


def tag_names(types: Sequence[str]) -> list[str]:
    """O, then B- and I- of each type, in the order in which transformers and seqeval users expect them."""
    return ["O", *(f"{prefix}-{kind}" for kind in types for prefix in "BI")]


def split_tag(tag: str) -> tuple[str, str]:
    """ "B-PER" -> ("B", "PER"); "O" -> ("O", "")."""
    prefix, _, kind = tag.partition("-")
    if tag == "O" or (prefix in ("B", "I") and kind):
        return prefix, kind
    raise ValueError(f"tag {tag!r}: give O, or B- or I- followed by a type, such as B-PER")


def is_bio(names: Sequence[str]) -> bool:
    """Whether these are O, and B- and I- of each type, as `best_tags` needs them."""
    marks = read_tags(names)
    whole = {f"{mark}-{kind}" for _, kind in marks.values() for mark in "BI" if kind}
    return {"O", *whole} == set(names)


def check_tags(names: Sequence[str], constrained: bool) -> None:
    """Refuse tags without O; and if decoding is to be constrained, those in which a B- or I- is missing."""
    shown = ", ".join(names)
    if "O" not in names:
        raise ValueError(f"the model's tags are {shown}, without O: write their true names into its config's id2label")
    if constrained and not is_bio(names):
        raise ValueError(f"constrained=True needs O, and B- and I- of each type; the tags are {shown}: give False")


def read_tags(names: Sequence[str]) -> dict[str, tuple[str, str]]:
    """How a set of tags is to be read, whatever its scheme: of each tag its mark (a key of IN_BIO) and type; O is O.

    Tags are B-PER, B_PER or PER-B, if all of them are, with the marks of one of SCHEMES; or b-per, if all marks are
    small and b or i is among them. Of other sets each tag that is not B-… or I-… is a type by itself, as transformers'
    pipeline takes it: PER is read as I-PER.
    """
    marked = [name for name in names if name != "O"]
    for letter, telling in (("[A-Z]", "BISU"), ("[a-z]", "BI")):
        for pattern in (f"(?P<mark>{letter})[-_](?P<kind>.+)", f"(?P<kind>.+)[-_](?P<mark>{letter})"):
            found = [re.fullmatch(pattern, name) for name in marked]
            letters = {match["mark"].upper() for match in found if match}
            if all(found) and letters & set(telling) and any(letters <= set(marks) for marks in SCHEMES.values()):
                return {match[0]: (match["mark"].upper(), match["kind"]) for match in found} | {"O": ("O", "")}
    whole = [name if re.match("[BI]-.", name) else f"I-{name}" for name in marked]
    return {name: (tag[0], tag[2:]) for name, tag in zip(marked, whole, strict=True)} | {"O": ("O", "")}


def to_bio(tags: Sequence[str], names: Sequence[str] | None = None) -> list[str]:
    """A text's tags in BIO, from any scheme that `read_tags` knows: the same entities, each begun by a B-.

    Args:
        tags: one per word.
        names: the set that they are of; None for those that occur.
    """
    marks, result, current = read_tags(tags if names is None else names), [], ""
    for tag in tags:
        mark, kind = marks[tag]
        if mark != "O":
            mark = "B" if kind != current else IN_BIO[mark]
        result.append(f"{mark}-{kind}" if kind else "O")
        current = "" if marks[tag][0] in CLOSING else kind
    return result


def tags_of(words: Sequence[Span], entities: Sequence[Entity], text: str | None = None) -> list[str]:
    """One tag per word from entities given in characters.

    Args:
        words: start and end of each word, ascending.
        entities: in any order; each must begin where a word begins and end where one ends.
        text: shown in messages, if given.

    Raises:
        ValueError: an entity is empty, overlaps another one, lies outside the words, or cuts through a word.
    """
    tags = ["O"] * len(words)
    starts = {start: number for number, (start, _) in enumerate(words)}
    ends = {end: number for number, (_, end) in enumerate(words)}
    for start, end, kind in sorted(entities):
        shown = f"entity {kind} {start}–{end}" + (f" {text[start:end]!r}" if text is not None else "")
        if start >= end:
            raise ValueError(f"{shown} is empty: its end must lie behind its start")
        if start not in starts or end not in ends:
            raise ValueError(f"{shown} does not begin and end where words do: move its borders to those of a word")
        inside = range(starts[start], ends[end] + 1)
        if any(tags[number] != "O" for number in inside):
            raise ValueError(f"{shown} overlaps another entity: keep the outer one")
        for number in inside:
            tags[number] = f"{'B' if number == inside[0] else 'I'}-{kind}"
    return tags


def entities_of(tags: Sequence[str]) -> list[Entity]:
    """Entities in words (first, end, type) from tags, as seqeval and conlleval read them; the end is exclusive.

    An I- that follows nothing of its type begins an entity, as if it were a B-.
    """
    found, start, current = [], 0, ""
    for number, tag in enumerate([*tags, "O"]):
        prefix, kind = split_tag(tag)
        if current and (prefix != "I" or kind != current):
            found.append((start, number, current))
            current = ""
        if prefix != "O" and not current:
            start, current = number, kind
    return found


def follows(before: str | None, tag: str) -> bool:
    """Whether a tag may stand behind another one (None: at the beginning): an I- only goes on with its own type."""
    prefix, kind = split_tag(tag)
    return prefix != "I" or (before is not None and before != "O" and split_tag(before)[1] == kind)


def best_tags(scores: np.ndarray, names: Sequence[str]) -> np.ndarray:
    """The best sequence of tags in which every I- goes on with its own type (Viterbi, 1967).

    Args:
        scores: (W, C) log-probability of each tag for each word, words taken as independent given the text.

    Returns:
        (W,) tag ids with the highest sum of scores among all possible sequences.
    """
    never = -1e9  # finite: differences of infinities would be NaN
    step = np.array([[0.0 if follows(before, tag) else never for tag in names] for before in names])
    begin = np.array([0.0 if follows(None, tag) else never for tag in names])
    if not len(scores):
        return np.zeros(0, dtype=np.int64)
    best, back = scores[0] + begin, []
    for row in scores[1:]:
        total = best[:, None] + step  # (C before, C now)
        back.append(total.argmax(axis=0))
        best = total.max(axis=0) + row
    path = [int(best.argmax())]
    for choice in reversed(back):
        path.append(int(choice[path[-1]]))
    return np.array(path[::-1], dtype=np.int64)
