"""A smaller classifier out of a larger one: a student that learns from a teacher, with and without labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from bertlib.device import seed_everything
from bertlib.model.shrink import keep_layers
from bertlib.tasks.classify import TextClassifier
from bertlib.tasks.task import check_dataset
from bertlib.text.batching import Batch, length_buckets
from bertlib.text.masking import IGNORED
from bertlib.train.distil import DistilLoss
from bertlib.train.evaluation import Evaluation
from bertlib.train.history import Log
from bertlib.train.loop import HeadLoss, train
from bertlib.train.recipe import Recipe

if TYPE_CHECKING:
    from datasets import DatasetDict

RECIPE = Recipe(epochs=4, learning_rate=3e-4)  # chosen on validation with MiniLM's layers; see data/small


def distil(
    teacher: TextClassifier,
    dataset: DatasetDict,
    student: TextClassifier | Sequence[int] = (0, 2, 4),
    *,
    unlabelled: Sequence = (),
    loss: HeadLoss | None = None,
    recipe: Recipe = RECIPE,
    show_progress: bool = True,
    **settings: Any,
) -> TextClassifier:
    """Train a student with a teacher, and keep the epoch that is best on validation.

    Args:
        teacher: a fine-tuned classifier, its adapters merged.
        dataset: splits "train" and, to choose the epoch by its accuracy, "validation", as `fine_tune` takes them.
        student: which of the teacher's layers it starts from; or a classifier, which is trained in place.
        unlabelled: more texts, as `predict` takes them, on which the teacher alone speaks.
        loss: None for `DistilLoss(teacher.model)`.
        recipe, settings: how, and fields of it that are to be others; a learning_rate of None is that of RECIPE.

    Raises what `keep_layers`, `DistilLoss` and `fine_tune` raise; a ValueError where labels differ.
    """
    (training, validation), recipe = check_dataset(dataset), recipe.but(**settings)
    recipe = recipe.but(learning_rate=recipe.learning_rate or RECIPE.learning_rate)
    seed_everything(recipe.seed)
    if not isinstance(student, TextClassifier):
        small = keep_layers(teacher.model, student)
        student = type(teacher)(small, teacher.tokenizer, max_length=teacher.max_length, text=teacher.text)
    if student.labels != teacher.labels:
        raise ValueError(f"the student's labels are {student.labels}, the teacher's {teacher.labels}: give equal ones")
    examples = student.examples(training)
    if len(unlabelled):
        more = student.encode(list(unlabelled))
        labels = [*examples.labels, *[IGNORED] * len(more)]
        segments = None if more.segments is None else [*examples.segments, *more.segments]
        examples = replace(more, sequences=[*examples.sequences, *more.sequences], labels=labels, segments=segments)

    def batches(epoch: int) -> list[Batch]:
        rng = np.random.default_rng((recipe.seed, epoch))
        chosen = length_buckets(examples.lengths(), recipe.batch_size, rng)
        return [examples.batch(rows, student.model.config.pad_token_id) for rows in chosen]

    def measure(model: torch.nn.Module) -> dict[str, float]:
        scores = student.evaluate(validation, precision=recipe.precision)
        return {f"validation_{name}": scores[name] for name in student.figures}

    chooses = Evaluation() if validation is None else Evaluation(measure=measure, maximize="validation_accuracy")
    log, loss = Log(what="distilling", show_progress=show_progress), loss or DistilLoss(teacher.model)
    student.history = train(student.model, batches, recipe, evaluation=chooses, log=log, loss=loss)
    return student
