"""What every task shares: a model with its tokenizer, tuned by a recipe, used, measured, saved and opened again.

A task of its own brings a head, the examples that it makes of a split, and its scores; see `classify`, the simplest.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from numbers import Integral
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import Tensor

from bertlib.data.encoders import DEFAULT_ENCODER, encoder_folder, encoder_for, suited_learning_rate
from bertlib.device import autocast, pick_device, pick_dtype, seed_everything
from bertlib.files import read_json
from bertlib.model.adapters import from_recipe, load_adapters, put_on, save_adapters, tuning_of
from bertlib.model.frozen import FrozenLayers
from bertlib.model.weights import ADAPTERS, read_model, save_model
from bertlib.progress import progress_bar
from bertlib.text.batching import Batch, length_buckets, pad_batch
from bertlib.text.masking import IGNORED
from bertlib.text.tokenizer import load_tokenizer, longest_input, tokenizer_files
from bertlib.train.evaluation import Evaluation
from bertlib.train.history import History, Log
from bertlib.train.loop import train
from bertlib.train.recipe import Recipe
from bertlib.train.tracking import Tracker, card, open_tracker, write_card

if TYPE_CHECKING:
    from datasets import Dataset, DatasetDict


@dataclass(frozen=True)
class Examples:
    """What a model reads and, in training, what it is asked for.

    Attributes:
        sequences: of each example the token ids, special tokens included.
        labels: of each example its class id, or an id for each token (-100 where nothing is asked); None if unknown.
        segments: of each example 0 or 1 for each token; None for a single text.
    """

    sequences: Sequence[Sequence[int]]
    labels: Sequence[int] | Sequence[Sequence[int]] | None = None
    segments: Sequence[Sequence[int]] | None = None

    def __len__(self) -> int:
        return len(self.sequences)

    def lengths(self) -> list[int]:
        return [len(sequence) for sequence in self.sequences]

    def batch(self, chosen: Sequence[int], pad_token_id: int) -> Batch:
        """The chosen examples, padded: input_ids, token_type_ids, labels, and attention_mask if any is padded."""
        ids, mask = pad_batch([self.sequences[i] for i in chosen], pad_token_id)
        batch = {"input_ids": ids}
        if not mask.all():  # without a mask every kernel is faster
            batch["attention_mask"] = mask
        if self.segments is not None:
            batch["token_type_ids"] = pad_batch([self.segments[i] for i in chosen], 0)[0]
        if self.labels is not None:
            labels = [self.labels[i] for i in chosen]
            each_token = isinstance(labels[0], Sequence)
            batch["labels"] = pad_batch(labels, IGNORED)[0] if each_token else torch.tensor(labels)
        return batch


class Task:
    """A fine-tuned model with its tokenizer. The class attributes say what a task of its own is.

    Attributes:
        head: class of its model.
        kept: names of its settings, which are keywords of the constructor and stand in a saved folder's bertlib.json.
        suited: what these are, max_length aside, for a folder that transformers wrote.
        recipe: how it is trained by default.
        figures: the figures of `evaluate` that go into the history; the first chooses the epoch.
        kind: what messages call the head.
        words: what the progress lines say of training, of use, and what they count.

        model: the model, in evaluation mode. tokenizer: its `tokenizers.Tokenizer`.
        max_length: tokens that it reads at a time. history: of the training; None after `load`.
        card: what the run was, see `bertlib.train.tracking.card`; None while it trains and after `load`.
    """

    head: ClassVar[type]
    kept: ClassVar[tuple[str, ...]] = ("max_length",)
    suited: ClassVar[Mapping[str, Any]] = {}
    recipe: ClassVar[Recipe] = Recipe()
    figures: ClassVar[tuple[str, ...]] = ("accuracy", "macro_f1", "loss")
    kind: ClassVar[str] = "classification"
    words: ClassVar[tuple[str, str, str]] = ("fine-tuning", "predicting", "texts")
    card: Mapping[str, Any] | None = None

    def __init__(self, model: torch.nn.Module, tokenizer: Tokenizer, max_length: int, history: History | None = None):
        self.model = model.eval()
        self.tokenizer = tokenizer
        self.max_length = max_length
        self.history = history

    @property
    def labels(self) -> tuple[str, ...]:
        return self.model.config.labels

    @property
    def device(self) -> torch.device:
        return next(self.model.parameters()).device

    # ------------------------------------------------------------------------------- what a task of its own brings

    @staticmethod
    def names_of(split: Dataset) -> tuple[str, ...]:
        """The labels' names of a split, in id order; raises a ValueError where the split does not fit the task."""
        raise NotImplementedError

    def examples(self, split: Dataset) -> Examples:
        """What a labelled split asks for; raises a ValueError that names the row where one does not fit."""
        raise NotImplementedError

    def evaluate(self, split: Dataset, *, batch_size: int = 64, precision: str = "fp32", show_progress: bool = False):
        """The task's figures on a labelled split."""
        raise NotImplementedError

    # ------------------------------------------------------------------------------------------- what all have alike

    @torch.inference_mode()
    def logits(
        self, examples: Examples, *, batch_size: int = 64, precision: str = "fp32", show_progress: bool = False
    ) -> Iterator[tuple[list[int], Tensor]]:
        """Run the model over examples, grouped by length.

        Args:
            batch_size: examples at a time.
            precision: "fp32" gives what transformers gives; "bf16" or "auto" is faster where the device gains by it.
            show_progress: show a line with the time left.

        Yields:
            Numbers of the examples of a batch, and their logits, float32 on the device.
        """
        if not isinstance(batch_size, Integral):
            raise ValueError(f"batch_size={batch_size!r}: give a whole number")
        _, what, unit = self.words
        with (
            autocast(self.device, pick_dtype(self.device, precision)),
            progress_bar(what=what, unit=unit, total=len(examples), show=show_progress) as bar,
        ):
            for chosen in length_buckets(examples.lengths(), batch_size) if len(examples) else []:
                batch = examples.batch(chosen, self.model.config.pad_token_id)
                self.model.check_batch(batch)
                yield chosen, self.model(**{name: x.to(self.device) for name, x in batch.items()}).logits.float()
                bar.update(len(chosen))

    @classmethod
    def fit(
        cls,
        dataset: DatasetDict,
        *,
        encoder: str | Path | None = None,
        pretrained: bool = True,
        max_length: int = 128,
        recipe: Recipe | None = None,
        checkpoint: str | Path | None = None,
        frozen: FrozenLayers | None = None,
        track: str | Tracker | None = None,
        show_progress: bool = True,
        kept: Mapping[str, Any] | Callable[[Dataset], Mapping[str, Any]] = MappingProxyType({}),
        **settings: Any,
    ) -> Self:
        """Fine-tune an encoder, and keep the epoch that is best on validation.

        Args:
            dataset: splits "train" and, to choose the epoch, "validation".
            encoder: a name that `bertlib.data.encoders` knows, or a transformers folder; None for MiniLM.
            pretrained: False starts from random weights of the same shape, for comparison.
            max_length: tokens that the model reads at a time.
            recipe: how; None for the task's own. A learning_rate of None is what suits encoder and method.
            checkpoint: folder to which the best model so far is written after each epoch; see `save`.
            frozen: lower layers to hold fixed, whose outputs are computed once; None trains all.
            track: where the curves go: "tensorboard", "wandb" (offline), "tensorboard:FOLDER", or an object of yours;
                see `bertlib.train.tracking`.
            show_progress: show a line with the speed and the time left.
            kept: the task's own settings, or a function that gives them for the training split.
            settings: fields of the recipe that are to be others, such as epochs, learning_rate, batch_size, seed.

        Raises:
            ValueError: a split or column is missing or empty, labels do not fit, an argument is out of its range; the
                message names it. TypeError: a setting that there is not.
        """
        recipe = (recipe or cls.recipe).but(**settings)
        if recipe.method != "full" and (frozen is not None or not pretrained):
            raise ValueError(f"method={recipe.method!r} holds an encoder fixed: leave out frozen and pretrained=False")
        training, validation = check_dataset(dataset)
        own, names = kept(training) if callable(kept) else kept, cls.names_of(training)
        if recipe.learning_rate is None:
            recipe = recipe.but(learning_rate=suited_learning_rate(encoder, recipe.method))
        stored = read_model(encoder_folder(DEFAULT_ENCODER if encoder is None else encoder))
        tokenizer = load_tokenizer(stored.folder, stored.values)
        seed_everything(recipe.seed)
        model = cls.head.from_pretrained(stored, labels=names) if pretrained else cls.head(stored.config(names))
        called = Path(encoder).resolve().name if encoder and Path(encoder).is_dir() else encoder or DEFAULT_ENCODER
        if recipe.method != "full":
            put_on(model, from_recipe(recipe, encoder or DEFAULT_ENCODER))
        model = model.to(pick_device())
        if frozen is not None:
            frozen.fix(model.bert)
        max_length = min(max_length, model.config.max_position_embeddings)
        task = cls(model, tokenizer, max_length=max_length, **own)
        task.check_training(training)
        examples = task.examples(training)
        if validation is not None:  # before the first epoch, not after it
            task.examples(validation)

        def measure(model: torch.nn.Module) -> dict[str, float]:
            scores = task.evaluate(validation, precision=recipe.precision)
            return {f"validation_{name}": scores[name] for name in cls.figures}

        evaluation = Evaluation(on_best=None if checkpoint is None else lambda model: task.save(checkpoint))
        if validation is not None:
            evaluation = replace(evaluation, measure=measure, maximize=f"validation_{cls.figures[0]}")
        with closing(open_tracker(track, asdict(recipe))) as tracker:
            log = Log(what=cls.words[0], show_progress=show_progress, on_epoch=tracker.write)
            task.history = train(task.model, task.shuffled(examples, recipe), recipe, evaluation=evaluation, log=log)
        task.model.bert.frozen = frozen  # what a method kept of these texts has done its part
        own = {"max_length": max_length, "pretrained": pretrained, "frozen": frozen and frozen.count, **own}
        task.card = card(task, {name: dataset[name] for name in dataset if name != "test"}, recipe, str(called), **own)
        if checkpoint is not None:
            write_card(checkpoint, task.card)
        return task

    def check_training(self, split: Dataset) -> None:
        """Refuse a training split from which nothing, or something wrong, would be learned."""

    def shuffled(self, examples: Examples, recipe: Recipe) -> Callable[[int], list[Batch]]:
        """The batches of each epoch, grouped by length, in an order of its own."""

        def batches(epoch: int) -> list[Batch]:
            rng = np.random.default_rng((recipe.seed, epoch))
            made = [
                examples.batch(chosen, self.model.config.pad_token_id)
                for chosen in length_buckets(examples.lengths(), recipe.batch_size, rng)
            ]
            if epoch == 0:  # the same examples come again in every epoch
                for batch in made:
                    self.model.check_batch(batch)
            return made

        return batches

    def save(self, folder: str | Path) -> None:
        """Write a folder that `load` and transformers (its AutoModel of the head's kind, pipeline) open.

        Where a method trained a part, it holds this alone, as peft does; `bertlib.model.adapters.merge(task.model)`
        before has the model written whole.

        Raises:
            OSError: no room, or writing failed; nothing half-written is left.
        """
        own = {name: getattr(self, name) for name in self.kept}
        if tuning_of(self.model) is not None:
            save_adapters(self.model, folder, own)
        else:
            files = tokenizer_files(self.tokenizer, self.cuts_at())
            if own:
                files["bertlib.json"] = json.dumps(own, indent=2) + "\n"
            save_model(self.model, folder, extra_files=files)
        write_card(folder, self.card)

    def cuts_at(self) -> int:
        """To how many tokens transformers is to cut texts."""
        return self.max_length

    @classmethod
    def check_foreign(cls, folder: str | Path) -> None:
        """Refuse a folder of save_pretrained's that this task would read otherwise than transformers does."""

    @classmethod
    def load(cls, folder: str | Path, encoder: str | Path | None = None) -> Self:
        """Open a folder that `save` wrote, transformers' save_pretrained (with settings that suit it), or peft's.

        Args:
            encoder: for a folder of adapters, name or folder of what they were trained on; None for what it names.

        Raises:
            FileNotFoundError: a file is missing. ValueError: one does not fit; see `bertlib.model.weights`, `adapters`.
        """
        whole = not (Path(folder) / ADAPTERS[0]).is_file()
        stored = read_model(folder if whole else encoder_for(folder, encoder))
        model = cls.head.from_pretrained(stored) if whole else load_adapters(cls.head, stored, folder)
        if whole and model.fresh:
            raise ValueError(f"{folder} has no {cls.kind} head ({model.fresh[0]} is missing): fine-tune it first")
        own = Path(folder) / "bertlib.json"
        if own.is_file():
            settings = read_json(own)
        else:
            cls.check_foreign(stored.folder)
            settings = {"max_length": longest_input(stored.folder, model.config.max_position_embeddings), **cls.suited}
        absent = [name for name in cls.kept if name not in settings]
        if absent:
            raise ValueError(f"{folder}: bertlib.json lacks {absent[0]}; give a folder that {cls.__name__}.save wrote")
        kept = {name: settings[name] for name in cls.kept}
        return cls(model.to(pick_device()), load_tokenizer(stored.folder, stored.values), **kept)


def check_dataset(dataset: DatasetDict) -> tuple[Dataset, Dataset | None]:
    """The splits "train" and "validation" (None without one)."""
    if not isinstance(dataset, Mapping):
        raise ValueError(f"dataset is a {type(dataset).__name__}: give a DatasetDict(train=…, validation=…)")
    if "train" not in dataset or not len(dataset["train"]):
        raise ValueError(f"dataset has no examples to train on: it needs a split 'train', it has {sorted(dataset)}")
    validation = dataset.get("validation")
    if validation is not None and not len(validation):
        raise ValueError("dataset's split 'validation' is empty: add examples, or leave it out")
    return dataset["train"], validation


def one_or_many(given: Any, *, pairs: bool = False) -> tuple[list, bool]:
    """What `predict` was given, as a list, and whether it was a single one: one input gives one result, not a list.

    Args:
        given: a text, or several: a list, tuple, array, generator, a column of a data set or of a data frame. With
            pairs a tuple of two texts, or several such pairs; each may be a list too.

    Returns:
        Strings, or with pairs tuples of two of them.

    Raises:
        ValueError: it is nothing of that, or there is none; a text is no string, or holds half a character (a cut
            emoji, say), which no tokenizer can read. The message names the place.
    """
    name, wanted = ("pairs", "a pair of texts, or a list of pairs") if pairs else ("texts", "a text or a list of them")
    if getattr(given, "ndim", 1) == 0:  # an array of a single thing
        given = given.item()
    single = isinstance(given, tuple) and all(isinstance(x, str) for x in given) if pairs else isinstance(given, str)
    # Of a mapping or a data frame one would get the names; a set has no order, so that no result could be told apart.
    unfit = isinstance(given, str | bytes | bytearray | Mapping | set | frozenset) or hasattr(given, "columns")
    if not single and (unfit or not isinstance(given, Iterable)):
        raise ValueError(f"{name} is {shown(given)}: give {wanted}")
    several = [given] if single else list(given)
    if not several:
        raise ValueError(f"{name} is empty: give {wanted}")
    for i, given in enumerate(several):
        if not pairs:
            several[i] = checked(given, f"texts[{i}]")
        elif isinstance(given, tuple | list | np.ndarray) and len(given) == 2:
            several[i] = tuple(checked(text, f"pairs[{i}][{j}]") for j, text in enumerate(given))
        else:
            raise ValueError(f"pairs[{i}] is {shown(given)}: give two texts, as (first, second)")
    return several, single


def shown(given: Any) -> str:
    """What something is, for a message of one line."""
    return " ".join(f"{type(given).__name__} {given!r:.60}".split())


def checked(text: Any, place: str) -> str:
    """A text as a string that can be tokenized; a ValueError that names its place if it is none."""
    if not isinstance(text, str):
        raise ValueError(f"{place} is {shown(text)}: give strings")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ValueError(
            f"{place}: character {error.start} is half a character ({text[error.start]!a}, a surrogate without its "
            "other half); remove it, or read the text again from its source"
        ) from error
    return str(text)  # of a string of numpy, whose kind the tokenizers do not know
