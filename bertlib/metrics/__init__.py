"""Scores: of classes, of whole entities, of answers, without reading, of rankings, and of confidence."""

from bertlib.metrics.scores import (
    Difference,
    classification_scores,
    entity_scores,
    find_differences,
    interval,
    pretraining_scores,
    unigram_baseline,
)

__all__ = [
    "Difference",
    "classification_scores",
    "entity_scores",
    "find_differences",
    "interval",
    "pretraining_scores",
    "unigram_baseline",
]
