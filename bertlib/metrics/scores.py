"""Scores: of classes, of whole entities, what can be had without reading, and the interval of any of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from bertlib.device import autocast, pick_dtype
from bertlib.text.batching import Batch
from bertlib.text.masking import IGNORED
from bertlib.text.pair_stream import with_places
from bertlib.text.spans import Entity, entities_of


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


def entity_scores(gold: Sequence[Sequence[str]], predicted: Sequence[Sequence[str]]) -> dict:
    """Whole entities counted as conlleval does, by seqeval: right only if both borders and the type are.

    Args:
        gold, predicted: for each text one tag per word.

    Returns:
        precision, recall and f1 over all entities, token_accuracy (all fractions), and by_type: for each type
        precision, recall, f1 and support (how many there are).
    """
    from seqeval.metrics import accuracy_score, classification_report

    gold, predicted = [list(tags) for tags in gold], [list(tags) for tags in predicted]
    accuracy = float(accuracy_score(gold, predicted))
    if not any(entities_of(tags) for tags in [*gold, *predicted]):  # seqeval would average over nothing
        return {"precision": 0.0, "recall": 0.0, "f1": 0.0, "token_accuracy": accuracy, "by_type": {}}
    report = classification_report(gold, predicted, output_dict=True, zero_division=0)

    def fractions(row: dict) -> dict[str, float]:
        return {"precision": float(row["precision"]), "recall": float(row["recall"]), "f1": float(row["f1-score"])}

    kinds = {kind: row for kind, row in report.items() if not kind.endswith(" avg")}
    by_type = {kind: fractions(row) | {"support": int(row["support"])} for kind, row in kinds.items()}
    return fractions(report["micro avg"]) | {"token_accuracy": accuracy, "by_type": by_type}


@dataclass
class Difference:
    """One entity that was found wrongly, or not at all, or where there is none.

    Attributes:
        text: number of the text.
        kind: "border" (right type, other words), "type" (right words), "border and type", "missed" or "invented".
        gold, found: first word, end (exclusive), type; None where there is none.
    """

    text: int
    kind: str
    gold: Entity | None
    found: Entity | None


def find_differences(gold: Sequence[Sequence[str]], predicted: Sequence[Sequence[str]]) -> list[Difference]:
    """What kinds of mistakes there are, from one tag a word: each gold entity is compared with those that it overlaps.

    A found entity that overlaps no gold one is "invented"; one that overlaps several counts with the first of them.
    """
    result = []
    for number, (right, tags) in enumerate(zip(gold, predicted, strict=True)):
        expected, found = entities_of(right), entities_of(tags)
        free = [entity for entity in found if entity not in expected]
        for entity in expected:
            if entity in found:
                continue
            start, end, kind = entity
            meets = [other for other in free if other[0] < end and start < other[1]]
            if not meets:
                result.append(Difference(number, "missed", entity, None))
                continue
            best = max(meets, key=lambda other: other[2] == kind)  # with the same borders it is the only one
            free.remove(best)
            same = best[:2] == (start, end)
            what = "type" if same else "border" if best[2] == kind else "border and type"
            result.append(Difference(number, what, entity, best))
        result += [Difference(number, "invented", None, entity) for entity in free]
    return result


def unigram_baseline(counts: np.ndarray, batches: Sequence[Batch]) -> dict[str, float]:
    """What can be had without reading: guess every masked token by how frequent each is in the training text.

    Args:
        counts: (V,) occurrences in the training text; one is added to each, so that none has probability 0.
        batches: with labels.

    Returns:
        mlm_loss (nats) and mlm_accuracy (a fraction: always the most frequent token) over the selected tokens.
    """
    labels = np.concatenate([batch["labels"][batch["labels"] != IGNORED].numpy() for batch in batches])
    smoothed = counts + 1.0
    return {
        "mlm_loss": float(-np.log(smoothed[labels] / smoothed.sum()).mean()),
        "mlm_accuracy": float((labels == smoothed.argmax()).mean()),
    }


@torch.no_grad()  # not inference_mode: what a sharded model gathers here, its next training step uses again
def pretraining_scores(model: nn.Module, batches: Sequence[Batch], *, precision: str = "auto") -> dict[str, float]:
    """Measure a BertForPreTraining on held-out batches, packed ones too.

    Returns:
        mlm_loss and nsp_loss (nats, means over all selected tokens and all pairs), mlm_accuracy and nsp_accuracy
        (fractions), mlm_tokens and nsp_pairs (how many those are).

    Raises:
        ValueError: no token is selected in any of the batches.
    """
    was_training, device = model.training, next(model.parameters()).device
    model.eval()
    totals = dict.fromkeys(("mlm_loss", "mlm_accuracy", "nsp_loss", "nsp_accuracy", "mlm_tokens", "nsp_pairs"), 0.0)
    with autocast(device, pick_dtype(device, precision)):
        for batch in batches:
            batch = {name: tensor.to(device) for name, tensor in with_places(batch).items()}
            output = model(**batch)
            labels = batch["labels"].flatten()[batch["selected"]]
            totals["mlm_accuracy"] += (output.prediction_logits.argmax(-1) == labels).sum().item()
            right = output.seq_relationship_logits.argmax(-1) == batch["next_sentence_label"]
            totals["nsp_accuracy"] += right.sum().item()
            for term, counted in (("mlm", "mlm_tokens"), ("nsp", "nsp_pairs")):
                totals[f"{term}_loss"] += output.loss_sums[term].item()
                totals[counted] += output.loss_counts[term]
    model.train(was_training)
    if not totals["mlm_tokens"]:
        raise ValueError("no token is selected in the held-out batches: give more text, or a higher probability")
    for term, counted in (("mlm", "mlm_tokens"), ("nsp", "nsp_pairs")):
        totals[f"{term}_loss"] /= totals[counted]
        totals[f"{term}_accuracy"] /= totals[counted]
    return totals


def interval(
    statistic: Callable[..., float],
    *columns: Sequence,
    groups: Sequence | None = None,
    draws: int = 1000,
    seed: int = 0,
) -> tuple[float, float]:
    """The 95 % interval of a statistic of some columns, by the percentile bootstrap.

    Args:
        groups: of each row what it belongs to (a film, an article); the rows of a group are drawn together.
    """
    arrays, rng = [np.asarray(column) for column in columns], np.random.default_rng(seed)
    keys = np.arange(len(arrays[0])) if groups is None else np.unique(np.asarray(groups), return_inverse=True)[1]
    if {len(array) for array in arrays} != {len(keys)} or keys.max(initial=0) == 0:
        rows = ", ".join(str(len(array)) for array in arrays)
        problem = f"columns of {rows} rows, groups of {len(keys)}"
        raise ValueError(f"{problem}: give as many of each, in two groups at least")
    order, sizes, values = np.argsort(keys, kind="stable"), np.bincount(keys), []
    ends = np.cumsum(sizes)
    for _ in range(draws):
        drawn = rng.integers(len(sizes), size=len(sizes))
        shifts = ends[drawn] - np.cumsum(sizes[drawn])  # from a row's place in the draw to its place in its group
        rows = order[np.arange(sizes[drawn].sum()) + np.repeat(shifts, sizes[drawn])]
        values.append(statistic(*(array[rows] for array in arrays)))
    low, high = np.quantile(values, [0.025, 0.975])
    return float(low), float(high)
