"""A smaller classifier out of a larger one: a student that learns from a teacher, with and without labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from bertlib.device import seed_everything
from bertlib.model.shrink import keep_layers
from bertlib.tasks.classify import TextClassifier
from bertlib.tasks.task import check_dataset
from bertlib.text.batching import Batch, length_buckets
from bertlib.text.masking import IGNORED
from bertlib.train.distil import DistilLoss
from bertlib.train.evaluation import Evaluation
from bertlib.train.history import Log
from bertlib.train.loop import train
from bertlib.train.recipe import Recipe

if TYPE_CHECKING:
    from datasets import DatasetDict


def distil(
    teacher: TextClassifier,
    dataset: DatasetDict,
    *,
    layers: Sequence[int] = (0, 2, 4),
    student: TextClassifier | None = None,
    unlabelled: Sequence = (),
    temperature: float = 2.0,
    alpha: float = 0.5,
    recipe: Recipe | None = None,
    show_progress: bool = True,
    **settings: Any,
) -> TextClassifier:
    """Train a student by `DistilLoss`, and keep the epoch that is best on validation.

    Args:
        teacher: a fine-tuned classifier; its adapters, if any, merged.
        dataset: splits "train" and, to choose the epoch by its accuracy, "validation", as `fine_tune` takes them.
        layers: of the teacher, from which the student starts.
        student: a classifier of the same labels to start from instead; it is trained in place.
        unlabelled: more texts, as `predict` takes them, of which the teacher alone speaks.
        temperature, alpha: see `DistilLoss`; an alpha of 0 trains without the teacher.
        recipe, settings: as `fine_tune` takes them; a learning_rate of None is that of `Recipe` for no named encoder.

    Raises:
        ValueError: labels differ, or what `DistilLoss`, `keep_layers` and `fine_tune` refuse. TypeError: a setting that
            there is not.
    """
    recipe = (recipe or TextClassifier.recipe).but(**settings)
    if recipe.learning_rate is None:
        recipe = recipe.but(learning_rate=1e-4)
    training, validation = check_dataset(dataset)
    seed_everything(recipe.seed)
    if student is None:
        small = keep_layers(teacher.model, layers)
        student = type(teacher)(small, teacher.tokenizer, max_length=teacher.max_length, text=teacher.text)
    if student.labels != teacher.labels:
        raise ValueError(f"the student's labels are {student.labels}, the teacher's {teacher.labels}: give equal ones")
    loss = DistilLoss(teacher.model, temperature=temperature, alpha=alpha)
    examples = student.examples(training)
    if len(unlabelled):
        more = student.encode(list(unlabelled))
        labels = [*examples.labels, *[IGNORED] * len(more)]
        segments = None if examples.segments is None else [*examples.segments, *more.segments]
        examples = replace(examples, sequences=[*examples.sequences, *more.sequences], labels=labels, segments=segments)

    def batches(epoch: int) -> list[Batch]:
        rng = np.random.default_rng((recipe.seed, epoch))
        chosen = length_buckets(examples.lengths(), recipe.batch_size, rng)
        return [examples.batch(rows, student.model.config.pad_token_id) for rows in chosen]

    evaluation = Evaluation()
    if validation is not None:

        def measure(model: Any) -> dict[str, float]:
            scores = student.evaluate(validation, precision=recipe.precision)
            return {f"validation_{name}": scores[name] for name in student.figures}

        evaluation = Evaluation(measure=measure, maximize="validation_accuracy")
    log = Log(what="distilling", show_progress=show_progress)
    student.history = train(student.model, batches, recipe, evaluation=evaluation, log=log, loss=loss)
    return student
