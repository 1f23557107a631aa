"""Text classification: one class a text (Devlin et al., 2019, §4.1 and A.3)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from tokenizers import Tokenizer

from bertlib.data.columns import class_names, labels_of, text_columns, texts_of
from bertlib.files import read_json
from bertlib.metrics import classification_scores
from bertlib.model.heads import BertForSequenceClassification
from bertlib.tasks.task import Examples, Task
from bertlib.text.batching import encode_texts
from bertlib.text.inputs import one_or_many
from bertlib.train.history import History
from bertlib.train.recipe import RECIPES

if TYPE_CHECKING:
    from datasets import Dataset, DatasetDict


class TextClassifier(Task):
    """A fine-tuned classifier with its tokenizer: from texts to labels.

    Attributes:
        model, tokenizer, history: see `Task`; the model is a BertForSequenceClassification.
        labels: class names, in id order.
        max_length: texts are cut to so many tokens.
        text: the columns that `evaluate` reads.
    """

    head = BertForSequenceClassification
    kept = ("max_length", "text")
    suited: ClassVar = {"text": ("text",)}
    recipe = RECIPES["classify"]
    pairs: ClassVar[bool] = False  # whether an input is a pair of texts
    columns: ClassVar[tuple[str, ...]] = ("text",)  # what is read of a split unless something else is said
    names_of = staticmethod(class_names)

    def __init__(
        self,
        model: BertForSequenceClassification,
        tokenizer: Tokenizer,
        max_length: int,
        text: Sequence[str] | None = None,
        history: History | None = None,
    ):
        super().__init__(model, tokenizer, max_length, history)
        self.text = tuple(text or self.columns)

    @classmethod
    def check_foreign(cls, folder: str | Path) -> None:
        path = Path(folder) / "tokenizer_config.json"
        if path.is_file() and read_json(path).get("truncation_side") == "left":
            raise ValueError(
                f"{path}: truncation_side 'left' has long texts lose their beginning, and bertlib cuts off their end: "
                "write 'right' if that suits the model too"
            )

    def read(self, split: Dataset) -> list:
        """A split's inputs, as `predict` takes them."""
        return texts_of(split, text_columns(split, self.text))

    def encode(self, texts: Sequence) -> Examples:
        return Examples(encode_texts(self.tokenizer, texts, self.max_length))

    def examples(self, split: Dataset) -> Examples:
        labels = labels_of(split, self.labels)
        return replace(self.encode(self.read(split)), labels=labels.tolist())

    def check_training(self, split: Dataset) -> None:
        labels = labels_of(split, self.labels)
        if len(set(labels)) < 2:
            only = self.labels[labels[0]]
            raise ValueError(f"every training example is labelled {only!r}: add examples of other classes")

    def probabilities(self, texts: Sequence[str], **options: Any) -> np.ndarray:
        """Class probabilities of each text, float32 (N, C), rows summing to 1, in the order of `texts`.

        Texts are as `bertlib.text.inputs.one_or_many` takes them, each with something in it; for the options see
        `Task.logits`.
        """
        return self.probabilities_of(self.encode(one_or_many(texts, pairs=self.pairs)[0]), **options)

    def probabilities_of(self, examples: Examples, **options: Any) -> np.ndarray:
        """The same of encoded examples."""
        result = np.empty((len(examples), len(self.labels)), dtype=np.float32)
        for chosen, logits in self.logits(replace(examples, labels=None), **options):
            result[chosen] = logits.softmax(dim=-1).cpu().numpy()
        return result

    def predict(self, texts: str | Sequence[str], **options: Any) -> dict | list[dict]:
        """The best class of each text and its probability, as transformers' pipeline gives them.

        Returns:
            For one text {"label": class name, "score": probability}; for several a list of these, in their order.
        """
        several, single = one_or_many(texts, pairs=self.pairs)
        rows = self.probabilities_of(self.encode(several), **options)
        best = [{"label": self.labels[row.argmax()], "score": float(row.max())} for row in rows]
        return best[0] if single else best

    def evaluate(self, split: Dataset, **options: Any) -> dict[str, float]:
        """Score a labelled split: accuracy and macro_f1 as fractions, loss in nats (mean cross-entropy)."""
        examples = self.examples(split)
        return classification_scores(self.probabilities_of(examples, **options), np.array(examples.labels))


def fine_tune(dataset: DatasetDict, *, text: str | Sequence[str] | None = None, **options: Any) -> TextClassifier:
    """Fine-tune an encoder to classify texts, and keep the epoch that is best on validation.

    Args:
        dataset: splits "train" and, to choose the epoch by its accuracy, "validation"; a ClassLabel column "label".
        text: column or columns to read; None for title and text where there is a title, else text.
        options: encoder, pretrained, max_length, recipe, checkpoint, frozen, show_progress, and fields of the recipe
            such as epochs, learning_rate, batch_size, seed; see `Task.fit`, also for what is raised.
    """
    return TextClassifier.fit(dataset, kept=lambda training: {"text": text_columns(training, text)}, **options)
