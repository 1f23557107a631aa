"""Rows of named entities: how they are written, how they are read, what may be wrong with them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from bertlib.text.spans import Span, entities_of, follows, split_tag

if TYPE_CHECKING:
    from datasets import Dataset, Features


ENTITY_TYPES = ("PER", "ORG", "LOC", "MISC")  # CoNLL-2003's


def entity_features(names: Sequence[str], extra: Sequence[str] = ()) -> Features:
    """The columns of every set of named entities: text, its tokens and where they start, tags, and the entities."""
    from datasets import ClassLabel, Features, List, Value

    return Features(
        {
            **{name: Value("string") for name in extra},
            "text": Value("string"),
            "tokens": List(Value("string")),
            "starts": List(Value("int32")),
            "ner_tags": List(ClassLabel(names=list(names))),
            "entities": List({"start": Value("int32"), "end": Value("int32"), "type": Value("string")}),
        }
    )


def entity_row(text: str, words: Sequence[Span], tags: Sequence[str], names: Sequence[str]) -> dict:
    """One row of `entity_features` from a text, the places of its words, and one tag for each."""
    return {
        "text": text,
        "tokens": [text[start:end] for start, end in words],
        "starts": [start for start, _ in words],
        "ner_tags": [names.index(tag) for tag in tags],
        "entities": [
            {"start": words[first][0], "end": words[last - 1][1], "type": kind}
            for first, last, kind in entities_of(tags)
        ],
    }


def place_tokens(tokens: Sequence[str], text: str | None = None) -> tuple[str, list[Span]]:
    """The text that tokens come from and where each stands in it; tokens and spaces if it does not fit or is none."""
    spans, end = [], 0
    for token in tokens if text is not None else ():
        start = text.find(token, end)
        if start < 0 or text[end:start].strip():
            break
        end = start + len(token)
        spans.append((start, end))
    if text is None or len(spans) < len(tokens):
        ends = np.cumsum([len(token) + 1 for token in tokens]) - 1
        return " ".join(tokens), [(int(end) - len(token), int(end)) for token, end in zip(tokens, ends, strict=True)]
    return text, spans


def tag_names_of(split: Dataset) -> tuple[str, ...]:
    """The tags of a split's column "ner_tags", in id order.

    Raises:
        ValueError: there is no such column of ClassLabels, a name is no tag, O is absent, or an I- lacks its B-.
    """
    feature = getattr(split.features.get("ner_tags"), "feature", None)
    names = getattr(feature, "names", None)
    if names is None:
        raise ValueError(
            "the data needs a column 'ner_tags', for each row a list of datasets.ClassLabel ids; it has the columns "
            f"{', '.join(split.column_names)}"
        )
    for name in names:
        try:
            prefix, kind = split_tag(name)
        except ValueError as error:
            raise ValueError(f"{error}; bertlib.text.spans.to_bio turns tags of other schemes into these") from error
        if prefix != "O" and f"{'I' if prefix == 'B' else 'B'}-{kind}" not in names:
            raise ValueError(
                f"the tags {', '.join(names)} have {name} without its other half: give B- and I- of each type"
            )
    if "O" not in names or len(names) < 3:
        raise ValueError(f"the tags {', '.join(names)}: there must be O, and B- and I- of one type at least")
    return tuple(names)


def tag_ids(split: Dataset, names: Sequence[str]) -> list[list[int]]:
    """The column "ner_tags". Ids outside the tags are refused: with -1 published data marks what is kept secret."""
    rows = split["ner_tags"][:]
    for number, row in enumerate(rows):
        if row is None or not all(0 <= tag < len(names) for tag in row):
            raise ValueError(
                f"row {number} has the tags {row!r:.60}: their ids must be 0 … {len(names) - 1}; remove rows without "
                "tags"
            )
    return rows


def gold_tags(split: Dataset, types: Sequence[str]) -> list[list[str]]:
    """The tags of a split to be scored, by name; `types` are those that the tagger knows."""
    names = tag_names_of(split)
    gold = [[names[tag] for tag in tags] for tags in tag_ids(split, names)]
    if strange := {tag for tags in gold for tag in tags if tag != "O" and split_tag(tag)[1] not in types}:
        raise ValueError(
            f"the data has the tags {', '.join(sorted(strange))}; the tagger knows the types {', '.join(types)}: map "
            "them first"
        )
    return gold


def check_continuations(rows: Sequence[Sequence[int]], names: Sequence[str]) -> None:
    """Refuse an I- behind something else than its own type, from which a tagger would learn to do so."""
    for number, row in enumerate(rows):
        written = [names[tag] for tag in row]
        for at, (before, tag) in enumerate(zip([None, *written], written, strict=False)):
            if not follows(before, tag):
                raise ValueError(
                    f"row {number}, token {at}: {tag} does not go on with an entity of its type; begin entities with "
                    "B-, or turn IOB1 into BIO with bertlib.text.spans.to_bio"
                )


def read_split(split: Dataset) -> tuple[list[str], list[list[Span]]]:
    """Texts of a split, and start and end of each word in them.

    With the columns text and starts (as `bertlib.data.catalog` gives them) those; else tokens joined by spaces.

    Raises:
        ValueError: no column "tokens"; a row without tokens, with an empty one, with another number of tags than
            tokens, or with a token that does not stand where starts says.
    """
    if "tokens" not in split.column_names:
        raise ValueError(f"the data has no column 'tokens'; it has {', '.join(split.column_names)}")
    tokens = split["tokens"][:]
    for number, row in enumerate(tokens):
        if not row or not all(isinstance(token, str) and token.strip() for token in row):
            raise ValueError(f"row {number} is {row!r:.80}: every row needs tokens, none of them empty")
    if "ner_tags" in split.column_names:
        for number, (row, tags) in enumerate(zip(tokens, split["ner_tags"][:], strict=True)):
            if len(row) != len(tags or ()):
                raise ValueError(f"row {number} has {len(row)} tokens and {len(tags or ())} tags: give one tag a token")
    if not {"text", "starts"} <= set(split.column_names):
        placed = [place_tokens(row) for row in tokens]
        return [text for text, _ in placed], [words for _, words in placed]
    texts, words = split["text"][:], []
    for number, (row, starts, text) in enumerate(zip(tokens, split["starts"][:], texts, strict=True)):
        if len(row) != len(starts or ()) or not all(map((text or "").startswith, row, starts)):
            raise ValueError(
                f"row {number}: its tokens do not stand in its text where starts says; correct the column, or leave it "
                "out"
            )
        words.append([(start, start + len(token)) for start, token in zip(starts, row, strict=True)])
    return texts, words


def contexts_of(split: Dataset, context: bool) -> list[tuple[str, str]] | None:
    """What stands before and after each row's text, if it is wanted."""
    if not context:
        return None
    if not {"before", "after"} <= set(split.column_names):
        there = ", ".join(split.column_names)
        raise ValueError(f"context=True needs the columns before and after; the data has {there}")
    return [(before or "", after or "") for before, after in zip(split["before"], split["after"], strict=True)]
