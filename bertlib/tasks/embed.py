"""A vector for every text, so that like lies near like, trained by contrast (Reimers and Gurevych, 2019)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
import torch

from bertlib.data.columns import text_columns, texts_of
from bertlib.files import read_json
from bertlib.metrics.ranking import order, ranking_scores
from bertlib.model.heads import BertForEmbedding
from bertlib.tasks.task import Examples, Task
from bertlib.text.batching import Batch, encode_texts, pad_batch
from bertlib.text.inputs import one_or_many
from bertlib.text.tokenizer import encode_batch, framing_ids
from bertlib.text.windows import window_starts
from bertlib.train.recipe import RECIPES

if TYPE_CHECKING:
    from datasets import Dataset, DatasetDict


@dataclass(frozen=True)
class Pairs(Examples):
    """Texts and their partners.

    Attributes:
        partners: of each example the token ids of its partner; behind it, where there is one, of a wrong partner.
        numbers: of each example the numbers of its text and of these; equal texts have equal numbers.
        right: (text, partner) of all examples, in numbers.
    """

    partners: Sequence[Sequence[Sequence[int]]] = ()
    numbers: Sequence[Sequence[int]] = ()
    right: frozenset[tuple[int, int]] = frozenset()

    def lengths(self) -> list[int]:
        return [max(map(len, own)) for own in self.partners]  # the longer side, as a rule

    def batch(self, chosen: Sequence[int], pad_token_id: int) -> Batch:
        """What `Examples.batch` gives, the partners (all own ones first), and which are right for which text."""
        rows = [partner for side in zip(*(self.partners[i] for i in chosen), strict=True) for partner in side]
        ids, mask = pad_batch(rows, pad_token_id)
        texts, *partners = zip(*(self.numbers[i] for i in chosen), strict=True)
        there = [partner for side in partners for partner in side]
        right = torch.tensor([[(text, partner) in self.right for partner in there] for text in texts])
        return {**super().batch(chosen, pad_token_id), "partner_ids": ids, "partner_mask": mask, "labels": right}


class Embedder(Task):
    """An encoder that gives a text one vector, of length 1: the product of two of them is their cosine.

    Attributes:
        max_length: tokens of a text that its vector knows; `windows` reads on.
        text: the columns of texts and partners, and perhaps wrong ones; `evaluate` reads the first two.
    """

    head = BertForEmbedding
    kept = ("max_length", "text")
    suited: ClassVar = {"text": ("first", "second")}
    recipe = RECIPES["embed"]
    figures = ("reciprocal_rank", "recall@1", "recall@10")
    kind = "embedding"
    words = ("learning vectors", "encoding", "texts")

    def __init__(
        self, model, tokenizer, max_length: int = 256, text: Sequence[str] = ("first", "second"), history=None
    ):
        super().__init__(model, tokenizer, max_length, history)
        self.text = tuple(text)

    @classmethod
    def load(cls, folder: str | Path, encoder: str | Path | None = None) -> Self:
        """As `Task.load`; of a folder of sentence-transformers' also how long its texts may be.

        Raises:
            ValueError: also where such a folder makes a vector of something else than the mean.
        """
        task = super().load(folder, encoder)
        limit, pooling = Path(folder) / "sentence_bert_config.json", Path(folder) / "1_Pooling" / "config.json"
        if limit.is_file():
            task.max_length = min(task.max_length, read_json(limit).get("max_seq_length") or task.max_length)
        stated = read_json(pooling) if pooling.is_file() else {"pooling_mode": "mean"}  # in older files a key a mode
        modes = {name: mode for name, mode in stated.items() if name.startswith("pooling_mode") and mode}
        means = {"pooling_mode": "mean"}, {"pooling_mode_mean_tokens": True}
        if modes not in means or [*Path(folder).glob("*_Dense")]:
            raise ValueError(f"{pooling}: bertlib takes the mean over the tokens, this model does not: give another")
        return task

    @staticmethod
    def names_of(split: Dataset) -> tuple[str, ...]:
        return ()

    @staticmethod
    def read(split: Dataset, columns: Sequence[str]) -> list[list[str]]:
        """The texts of each column."""
        return [texts_of(split, [column]) for column in text_columns(split, columns)]

    def examples(self, split: Dataset) -> Pairs:
        there = [column for column in self.text if column in (*self.text[:2], *split.column_names)]
        sides = self.read(split, there)  # validation may lack the third
        sequences, *partners = (encode_texts(self.tokenizer, side, self.max_length) for side in sides)
        known = {text: number for number, text in enumerate(dict.fromkeys(text for side in sides for text in side))}
        numbers = list(zip(*([known[text] for text in side] for side in sides), strict=True))
        right = frozenset(row[:2] for row in numbers)
        return Pairs(sequences, partners=list(zip(*partners, strict=True)), numbers=numbers, right=right)

    def check_training(self, split: Dataset) -> None:
        text_columns(split, self.text)
        examples = self.examples(split)
        texts, partners = {row[0] for row in examples.numbers}, {one for row in examples.numbers for one in row[1:]}
        if len(texts) * len(partners) == len(examples.right):
            raise ValueError("each partner is right for each text: give other pairs too, whose partners are wrong ones")

    def vectors(self, sequences: Sequence[Sequence[int]], **options: Any) -> np.ndarray:
        """Of token ids as the model reads them: (N, D) float32. For the options see `Task.logits`."""
        found = np.empty((len(sequences), self.model.config.hidden_size), dtype=np.float32)
        for chosen, rows in self.logits(Examples(sequences), **options):
            found[chosen] = rows.cpu().numpy()
        return found

    def predict(self, texts: str | Iterable[str], **options: Any) -> np.ndarray:
        """Vectors of length 1: (D,) of a text, (N, D) of several, float32; what follows on max_length is not read.

        Raises:
            ValueError: a text is blank, or no string.
        """
        several, single = one_or_many(texts)
        found = self.vectors(encode_texts(self.tokenizer, several, self.max_length), **options)
        return found[0] if single else found

    def windows(self, texts: Sequence[str], **options: Any) -> tuple[np.ndarray, np.ndarray]:
        """Vectors of whole texts, of the long ones several: one for each window, neighbours sharing a quarter.

        Returns:
            (M, D) float32, and (M,) the number of the text that each is of, ascending.
        """
        encode_texts(self.tokenizer, texts, self.max_length)  # refuses what is blank
        (first, last), room = framing_ids(self.tokenizer), self.max_length - 2
        sequences, owners = [], []
        for number, encoding in enumerate(encode_batch(self.tokenizer, texts, add_special_tokens=False)):
            for start in window_starts(0, len(encoding.ids), room):
                sequences.append([first, *encoding.ids[start : start + room], last])
                owners.append(number)
        return self.vectors(sequences, **options), np.array(owners)

    def evaluate(self, split: Dataset, **options: Any) -> dict[str, float]:
        """How well each first text finds its partners among all second ones, see `bertlib.metrics.ranking`; means."""
        firsts, seconds = self.read(split, self.text[:2])
        asked, there = list(dict.fromkeys(firsts)), list(dict.fromkeys(seconds))
        scores = self.predict(asked, **options) @ self.predict(there, **options).T
        right: dict[str, set[str]] = {}
        for first, second in zip(firsts, seconds, strict=True):
            right.setdefault(first, set()).add(second)
        found = [order(row, there) for row in scores]
        return {name: float(np.mean(of)) for name, of in ranking_scores(found, [right[text] for text in asked]).items()}


def fine_tune(
    dataset: DatasetDict, *, columns: Sequence[str] = ("first", "second"), max_length: int = 256, **options: Any
) -> Embedder:
    """Train an encoder by contrast, and keep the epoch that is best on validation by MRR.

    Each first text has to be nearer to its partner than to those of the other texts of its batch; where one of these
    stands beside it in another row of the data, it is no wrong answer, and is left out.

    Args:
        dataset: splits "train" and, to choose the epoch, "validation".
        columns: of two texts, such as a question and the passage that answers it; or of three, the last of which is
            wrong, but not easily told ("hard").
        options: as of `bertlib.tasks.classify.fine_tune`; what it raises is raised here.
    """
    if isinstance(columns, str) or len(columns) not in (2, 3):
        raise ValueError(f"columns={columns!r}: give the names of two or three, such as ('first', 'second', 'wrong')")
    return Embedder.fit(dataset, max_length=max_length, kept={"text": tuple(columns)}, **options)
