"""Text classification on the loop: fine-tune, predict, evaluate, save, load (Devlin et al., 2019, §4.1 and A.3)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from tokenizers import Tokenizer
from torch.nn import functional as F

from bertlib.batching import encode_texts, length_buckets, pad_batch
from bertlib.config import BertConfig, read_json
from bertlib.heads import BertForSequenceClassification
from bertlib.progress import progress_bar
from bertlib.runtime import autocast, get_profile, pick_device, pick_dtype, seed_everything
from bertlib.training import History, train
from bertlib.weights import encoder_folder, save_model, tokenizer_files
from bertlib.wordpiece import load_tokenizer

if TYPE_CHECKING:
    from datasets import Dataset, DatasetDict


def text_columns(split: Dataset, text: str | Sequence[str] | None = None) -> tuple[str, ...]:
    """The columns that make up an example's text: those given, else title and text, else text alone.

    Raises:
        ValueError: the split lacks a column; the message names it and those it has.
    """
    if text is None:
        columns = ("title", "text") if "title" in split.column_names else ("text",)
    else:
        columns = (text,) if isinstance(text, str) else tuple(text)
    for column in columns:
        if column not in split.column_names:
            raise ValueError(f"text={column!r} is no column of the data; it has {', '.join(split.column_names)}")
    return columns


def texts_of(split: Dataset, columns: Sequence[str]) -> list[str]:
    """Each example's text, its columns joined by a line break (which WordPiece takes for a space).

    Raises:
        ValueError: a text is not a string; the message names column and row.
    """
    texts = [split[column][:] for column in columns]
    for column, rows in zip(columns, texts, strict=True):
        for number, text in enumerate(rows):
            if not isinstance(text, str):
                raise ValueError(f"row {number} of column {column!r} is {text!r}: give strings, or remove such rows")
    return ["\n".join(parts) for parts in zip(*texts, strict=True)]


def labels_of(split: Dataset, names: Sequence[str]) -> np.ndarray:
    """Each example's class id, as int64 (N,).

    Raises:
        ValueError: there is no column "label", it has other class names (or another order of them), or it holds
            something else than the ids of the named classes.
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
    """The names of a split's classes, in id order.

    Raises:
        ValueError: the column "label" is absent or not a ClassLabel, or names fewer than two classes.
    """
    names = getattr(split.features.get("label"), "names", None)
    if names is None:
        raise ValueError("the column 'label' must be a datasets.ClassLabel: use dataset.class_encode_column('label')")
    if len(names) < 2:
        raise ValueError(f"the data knows only the class {names}: a classifier needs at least two")
    return tuple(names)


class TextClassifier:
    """A fine-tuned classifier with its tokenizer: from texts to labels.

    Attributes:
        model: the BertForSequenceClassification, in evaluation mode.
        tokenizer: its `tokenizers.Tokenizer`.
        labels: class names, in id order.
        max_length: texts are cut to so many tokens.
        text: the columns that `evaluate` reads.
        history: of the training; None after `load`.
    """

    def __init__(
        self,
        model: BertForSequenceClassification,
        tokenizer: Tokenizer,
        max_length: int,
        text: Sequence[str] = ("text",),
        history: History | None = None,
    ):
        self.model = model.eval()
        self.tokenizer = tokenizer
        self.max_length = max_length
        self.text = tuple(text)
        self.history = history

    @property
    def labels(self) -> tuple[str, ...]:
        return self.model.config.labels

    @torch.inference_mode()
    def probabilities(
        self, texts: Sequence[str], *, batch_size: int = 64, precision: str = "fp32", show_progress: bool = False
    ) -> np.ndarray:
        """Class probabilities of each text, float32 (N, C), rows summing to 1, in the order of `texts`.

        Args:
            texts: non-empty strings.
            batch_size: texts at a time; they are grouped by length.
            precision: "fp32" gives what transformers gives; "bf16" or "auto" is faster where the device gains by it.
            show_progress: show a line with the time left.
        """
        sequences = encode_texts(self.tokenizer, texts, self.max_length)
        device = next(self.model.parameters()).device
        result = np.empty((len(sequences), len(self.labels)), dtype=np.float32)
        with (
            autocast(device, pick_dtype(device, precision)),
            progress_bar(what="predicting", unit="texts", total=len(sequences), show=show_progress) as bar,
        ):
            for batch in length_buckets([len(sequence) for sequence in sequences], batch_size):
                ids, mask = pad_batch([sequences[i] for i in batch], self.model.config.pad_token_id)
                logits = self.model(ids.to(device), mask.to(device)).logits
                result[batch] = logits.float().softmax(dim=-1).cpu().numpy()
                bar.update(len(batch))
        return result

    def predict(self, texts: str | Sequence[str]) -> list[dict]:
        """The best class of each text and its probability, as transformers' pipeline gives them.

        Returns:
            For each text {"label": class name, "score": probability}; a single string is a list of one.
        """
        probabilities = self.probabilities([texts] if isinstance(texts, str) else texts)
        return [{"label": self.labels[row.argmax()], "score": float(row.max())} for row in probabilities]

    def evaluate(self, split: Dataset, *, precision: str = "fp32") -> dict[str, float]:
        """Score a labelled split; for precision see `probabilities`.

        Returns:
            accuracy and macro_f1 as fractions, loss in nats (mean cross-entropy).
        """
        gold = labels_of(split, self.labels)
        texts = texts_of(split, text_columns(split, self.text))
        return classification_scores(self.probabilities(texts, precision=precision), gold)

    def save(self, folder: str | Path) -> None:
        """Write a folder that `load` and transformers (AutoModelForSequenceClassification, pipeline) open.

        Raises:
            OSError: no room, or writing failed; nothing half-written is left.
        """
        settings = json.dumps({"max_length": self.max_length, "text": self.text}, indent=2) + "\n"
        extra_files = {"bertlib.json": settings, **tokenizer_files(self.tokenizer, self.max_length)}
        save_model(self.model, folder, extra_files=extra_files)

    @classmethod
    def load(cls, folder: str | Path) -> TextClassifier:
        """Open a folder that `save` wrote.

        Raises:
            FileNotFoundError: a file is missing. ValueError: a file does not fit; see `bertlib.weights.load_model`.
        """
        settings = read_json(Path(folder) / "bertlib.json")
        model = BertForSequenceClassification.from_pretrained(folder).to(pick_device())
        if model.fresh:
            raise ValueError(f"{folder} has no classification head ({model.fresh[0]} is missing): fine-tune it first")
        absent = [name for name in ("max_length", "text") if name not in settings]
        if absent:
            raise ValueError(f"{folder}: bertlib.json lacks {absent[0]}; give a folder that TextClassifier.save wrote")
        return cls(model, load_tokenizer(folder), settings["max_length"], settings["text"])


def classification_scores(probabilities: np.ndarray, gold: np.ndarray) -> dict[str, float]:
    """Accuracy, macro-F1 (both fractions) and mean cross-entropy (nats) of probabilities (N, C) against ids (N,)."""
    from sklearn.metrics import accuracy_score, f1_score

    predicted = probabilities.argmax(axis=-1)
    chosen = probabilities[np.arange(len(gold)), gold]
    return {
        "accuracy": float(accuracy_score(gold, predicted)),
        "macro_f1": float(f1_score(gold, predicted, average="macro")),
        "loss": float(-np.log(np.maximum(chosen, np.finfo(np.float32).tiny)).mean()),
    }


def fine_tune(
    dataset: DatasetDict,
    *,
    text: str | Sequence[str] | None = None,
    encoder: str | Path | None = None,
    pretrained: bool = True,
    epochs: int = 3,
    learning_rate: float | None = None,
    batch_size: int = 32,
    max_length: int = 128,
    warmup: float = 0.1,
    weight_decay: float = 0.01,
    max_grad_norm: float = 1.0,
    accumulation: int = 1,
    precision: str = "auto",
    seed: int = 0,
    checkpoint: str | Path | None = None,
    show_progress: bool = True,
) -> TextClassifier:
    """Fine-tune an encoder to classify texts, and keep the epoch that is best on validation.

    Args:
        dataset: splits "train" and, to choose the epoch by its accuracy, "validation"; a ClassLabel column "label".
        text: column or columns to read; None for title and text where there is a title, else text.
        encoder: a transformers folder; None for the profile's (see `bertlib.weights.encoder_folder`).
        pretrained: False starts from random weights of the same shape, for comparison.
        epochs, batch_size: the paper searches 2–4 and 16–32 (A.3).
        learning_rate: the paper searches 2e-5–5e-5, smaller encoders take more; None for the profile's rate with the
            profile's encoder, and 3e-5 with another one.
        max_length: tokens a text is cut to.
        warmup, weight_decay, max_grad_norm, accumulation, precision: see `bertlib.training.train`.
        seed: of the new weights, the order of the data and dropout.
        checkpoint: folder to which the best model so far is written after each epoch.
        show_progress: show a line with the speed and the time left.

    Raises:
        ValueError: a split or column is missing or empty, a label is out of range, only one class, an argument out of
            its range; the message names it.
    """
    if not isinstance(dataset, Mapping):
        raise ValueError(f"dataset is a {type(dataset).__name__}: give a DatasetDict(train=…, validation=…)")
    if "train" not in dataset or not len(dataset["train"]):
        raise ValueError(f"dataset has no examples to train on: it needs a split 'train', it has {sorted(dataset)}")
    training, validation = dataset["train"], dataset.get("validation")
    names = class_names(training)
    columns = text_columns(training, text)
    labels = torch.from_numpy(labels_of(training, names))
    if len(labels.unique()) < 2:
        raise ValueError(f"every training example is labelled {names[labels[0]]!r}: add examples of other classes")

    if validation is not None:  # before the first epoch, not after it
        if not len(validation):
            raise ValueError("dataset's split 'validation' is empty: add examples, or leave it out")
        text_columns(validation, columns)
        labels_of(validation, names)

    if learning_rate is None:
        learning_rate = get_profile().learning_rate if encoder is None else 3e-5
    if encoder is None:
        encoder = encoder_folder()
    seed_everything(seed)
    if pretrained:
        model = BertForSequenceClassification.from_pretrained(encoder, labels=names)
    else:
        model = BertForSequenceClassification(replace(BertConfig.from_pretrained(encoder), labels=names))
    model = model.to(pick_device())
    max_length = min(max_length, model.config.max_position_embeddings)
    tokenizer = load_tokenizer(encoder)
    classifier = TextClassifier(model, tokenizer, max_length, columns)
    sequences = encode_texts(tokenizer, texts_of(training, columns), max_length)
    lengths = [len(sequence) for sequence in sequences]

    def make_batches(epoch: int) -> list[dict[str, torch.Tensor]]:
        batches = []
        for chosen in length_buckets(lengths, batch_size, np.random.default_rng((seed, epoch))):
            ids, mask = pad_batch([sequences[i] for i in chosen], model.config.pad_token_id)
            batches.append({"input_ids": ids, "attention_mask": mask, "labels": labels[chosen]})
        return batches

    def loss_sums(model, batch):
        logits = model(batch["input_ids"], batch["attention_mask"]).logits
        return {"classification": F.cross_entropy(logits.float(), batch["labels"], reduction="sum")}

    def validate(model):
        return {
            f"validation_{name}": value for name, value in classifier.evaluate(validation, precision=precision).items()
        }

    classifier.history = train(
        model,
        make_batches,
        loss_sums=loss_sums,
        loss_counts=lambda batch: {"classification": len(batch["labels"])},
        epochs=epochs,
        learning_rate=learning_rate,
        warmup=warmup,
        weight_decay=weight_decay,
        max_grad_norm=max_grad_norm,
        accumulation=accumulation,
        precision=precision,
        seed=seed,
        evaluate=None if validation is None else validate,
        maximize=None if validation is None else "validation_accuracy",
        on_best=None if checkpoint is None else lambda model: classifier.save(checkpoint),
        what="fine-tuning",
        show_progress=show_progress,
    )
    return classifier
