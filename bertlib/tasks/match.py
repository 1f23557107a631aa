"""Pairs of texts: one class a pair, such as a question and an answer that fits (Devlin et al., 2019, §4.1)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from bertlib.data.columns import text_columns, texts_of
from bertlib.tasks.classify import TextClassifier
from bertlib.tasks.task import Examples
from bertlib.text.batching import encode_pairs
from bertlib.train.recipe import RECIPES

if TYPE_CHECKING:
    from datasets import Dataset, DatasetDict


class PairClassifier(TextClassifier):
    """A fine-tuned classifier of pairs: both texts go through the encoder together, told apart by their segments.

    `predict` takes a pair (a tuple of two texts) or a list of pairs; all else is as with `TextClassifier`.

    Attributes:
        max_length: a pair is cut to so many tokens, the longer text first.
        text: the two columns that `evaluate` reads.
    """

    recipe = RECIPES["match"]
    words = ("fine-tuning", "matching", "pairs")
    pairs, columns = True, ("first", "second")
    suited: ClassVar = {"text": columns}

    def read(self, split: Dataset) -> list[tuple[str, str]]:
        return list(zip(*(texts_of(split, [column]) for column in text_columns(split, self.text)), strict=True))

    def encode(self, texts: Sequence[tuple[str, str]]) -> Examples:
        ids, segments = encode_pairs(self.tokenizer, texts, self.max_length)
        return Examples(ids, segments=segments)


def fine_tune(
    dataset: DatasetDict, *, columns: tuple[str, str] = ("first", "second"), **options: Any
) -> PairClassifier:
    """Fine-tune an encoder to classify pairs of texts, and keep the epoch that is best on validation.

    Args:
        dataset: splits "train" and, to choose the epoch by its accuracy, "validation"; a ClassLabel column "label".
        columns: the two columns with the texts.
        options: as of `bertlib.tasks.classify.fine_tune`; what it raises is raised here.
    """
    if isinstance(columns, str) or len(columns) != 2:
        raise ValueError(f"columns={columns!r}: give the names of two columns, such as ('first', 'second')")
    return PairClassifier.fit(dataset, kept={"text": tuple(columns)}, **options)
