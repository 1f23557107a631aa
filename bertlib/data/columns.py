"""Columns of labelled texts: which make up a text, which hold its class, what may be wrong with them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from bertlib.text.sentences import split_sentences

if TYPE_CHECKING:
    from datasets import Dataset, DatasetDict


def teasers(dataset: DatasetDict) -> DatasetDict:
    """What a news feed shows: text becomes title and first paragraph. Data without titles stay as they are."""
    if "title" not in dataset["train"].column_names:
        return dataset

    def teaser(row: dict) -> dict:
        first_paragraph, _, _ = (row["text"] or "").partition("\n")
        return {"text": joined(row["title"], first_paragraph)}

    return dataset.map(teaser, remove_columns="title")


def joined(title: Any, text: str | None) -> str:
    """A document's title, if there is one, and its text. A title may be a number or a date, as 1984 is a book's."""
    named = title is not None and title == title  # what is not equal to itself is pandas' mark of nothing, NaN
    return "\n".join(part for part in (str(title) if named else "", text) if part)


def documents_of(split: Dataset) -> list[list[str]]:
    """A split's texts as pretraining reads them: each a list of sentences, the title (if there is one) first.

    Raises:
        ValueError: a text is something else than a string or nothing; the message names the row.
    """
    titles = split["title"] if "title" in split.column_names else [""] * len(split)
    documents = []
    for number, (title, text) in enumerate(zip(titles, split["text"], strict=True)):
        if not isinstance(text, str | None):
            raise ValueError(f"row {number} of column 'text' is {text!r:.40}: give strings, or remove such rows")
        documents.append(split_sentences(joined(title, text)))
    return documents


def text_columns(split: Dataset, text: str | Sequence[str] | None = None) -> tuple[str, ...]:
    """The columns that make up an example's text: those given, else title and text, else text alone."""
    if text is None:
        columns = ("title", "text") if "title" in split.column_names else ("text",)
    else:
        columns = (text,) if isinstance(text, str) else tuple(text)
    for column in columns:
        if column not in split.column_names:
            raise ValueError(f"text={column!r} is no column of the data; it has {', '.join(split.column_names)}")
    return columns


def texts_of(split: Dataset, columns: Sequence[str]) -> list[str]:
    """Each example's text, its columns joined by a line break (which WordPiece takes for a space)."""
    texts = [split[column][:] for column in columns]
    for column, rows in zip(columns, texts, strict=True):
        for number, text in enumerate(rows):
            if not isinstance(text, str):
                raise ValueError(f"row {number} of column {column!r} is {text!r}: give strings, or remove such rows")
    return ["\n".join(parts) for parts in zip(*texts, strict=True)]


def labels_of(split: Dataset, names: Sequence[str]) -> np.ndarray:
    """Each example's class id, as int64 (N,).

    Raises:
        ValueError: there is no column "label", it has other class names (or another order), or not the ids of `names`.
    """
    if "label" not in split.column_names:
        raise ValueError(f"the data has no column 'label'; it has {', '.join(split.column_names)}")
    own = getattr(split.features["label"], "names", None)
    if own is not None and tuple(own) != tuple(names):
        raise ValueError(
            f"the classes of column 'label' are {', '.join(own)}, the expected ones {', '.join(names)}: cast the "
            "column to datasets.ClassLabel with these names in this order"
        )
    labels = np.asarray(split["label"][:])
    if len(labels) and labels.dtype.kind not in "iub":
        number = next(i for i, label in enumerate(split["label"]) if not isinstance(label, int))
        raise ValueError(
            f"label of row {number} is {split['label'][number]!r}, no id: remove unlabelled rows, and cast the column "
            f"to datasets.ClassLabel with the names {', '.join(names)}"
        )
    labels = labels.astype(np.int64)
    wrong = np.flatnonzero((labels < 0) | (labels >= len(names)))
    if len(wrong):
        raise ValueError(
            f"label of row {wrong[0]} is {labels[wrong[0]]}, outside 0 … {len(names) - 1} ({', '.join(names)}): "
            "remove unlabelled rows, or name every class"
        )
    return labels


def class_names(split: Dataset) -> tuple[str, ...]:
    """The names of a split's classes, in id order."""
    names = getattr(split.features.get("label"), "names", None)
    if names is None:
        raise ValueError("the column 'label' must be a datasets.ClassLabel: use dataset.class_encode_column('label')")
    if len(names) < 2:
        raise ValueError(f"the data knows only the class {names}: a classifier needs at least two")
    return tuple(names)
