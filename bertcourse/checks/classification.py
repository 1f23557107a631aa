"""Checks of the lesson on news classification (Devlin et al., 2019, §4.1)."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from bertcourse.checks.engine import Check, Trial, Wrong, against, floats, number, show
from bertlib.text.batching import pad_batch, padding_share


def _predict(pooled: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    return (pooled @ weight.T + bias).argmax(dim=-1)


def _accuracy(gold: list[int], predicted: list[int]) -> float:
    return float(np.mean(np.array(gold) == np.array(predicted)))


def _report(gold: list[int], predicted: list[int], classes: int) -> list[tuple[float, float, float]]:
    """scikit-learn's; 0 where there is nothing to divide by."""
    from sklearn.metrics import precision_recall_fscore_support

    scores = precision_recall_fscore_support(gold, predicted, labels=range(classes), zero_division=0)[:3]
    return [tuple(float(score[c]) for score in scores) for c in range(classes)]


def _macro_f1(gold: list[int], predicted: list[int], classes: int) -> float:
    return float(np.mean([f1 for _, _, f1 in _report(gold, predicted, classes)]))


def _confusion(gold: list[int], predicted: list[int], classes: int) -> list[list[int]]:
    from sklearn.metrics import confusion_matrix

    return confusion_matrix(gold, predicted, labels=range(classes)).tolist()


def _interval(right: int, total: int) -> tuple[float, float]:
    """The normal approximation's 95 %."""
    share = right / total
    half = 1.96 * math.sqrt(share * (1 - share) / total)
    return share - half, share + half


def _truncate(ids: list[int], max_length: int) -> list[int]:
    return ids if len(ids) <= max_length else [*ids[: max_length - 1], ids[-1]]


def _answer_span(start: Tensor, end: Tensor) -> tuple[int, int]:
    """Devlin et al., 2019, §4.2: the largest sum of a start's and an end's score, the end not before the start."""
    place = (start[:, None] + end).masked_fill(torch.ones(len(start), len(start)).tril(-1).bool(), -math.inf).argmax()
    return divmod(int(place), len(start))


# ------------------------------------------------------------------------------------------------------------- cases


def _start_and_end_scores(rng):
    yield torch.tensor([0.0, 3.0, 1.0, 0.0]), torch.tensor([0.0, 0.0, 2.0, 1.0])
    yield torch.tensor([0.0, 1.0, 4.0]), torch.tensor([5.0, 0.0, 3.0])  # the best end stands before the best start
    yield torch.tensor([0.0, 9.0, 0.0]), torch.tensor([0.0, 9.0, 0.0])
    for _ in range(12):
        length = int(rng.integers(4, 9))
        yield floats(rng, length), floats(rng, length)


def _sequences(rng):
    yield [[2, 7, 3], [2, 3]], 0
    for pad in (0, 1, 9):
        yield [rng.integers(5, 50, int(rng.integers(1, 9))).tolist() for _ in range(int(rng.integers(2, 6)))], pad
    yield [[2, 0, 3], [2, 3]], 0


def _labels(rng):
    yield [0, 1, 2, 1], [0, 2, 2, 1]
    for _ in range(6):
        size = int(rng.integers(5, 40))
        yield rng.integers(0, 4, size).tolist(), rng.integers(0, 4, size).tolist()


def _labels_and_classes(rng):
    yield [0, 0, 1, 1, 2], [0, 1, 1, 1, 0], 3
    yield [0, 0, 0, 0, 0, 0, 0, 0, 1], [0] * 9, 2
    for _ in range(5):
        size = int(rng.integers(10, 40))
        yield rng.integers(0, 4, size).tolist(), rng.integers(0, 3, size).tolist(), 5


def _heads(rng):
    for rows, size, classes in ((2, 3, 2), (4, 5, 4), (6, 4, 5)):
        yield floats(rng, rows, size), floats(rng, classes, size), 2 * floats(rng, classes)


def _to_truncate(rng):
    yield [2, 11, 12, 13, 3], 4
    yield [2, 11, 3], 4
    for _ in range(6):
        yield [2, *rng.integers(5, 99, int(rng.integers(1, 20))).tolist(), 3], int(rng.integers(3, 15))


# ---------------------------------------------------------------------------------------------------- known mistakes


def _padded(width, side="right", mask=True):
    def pad(sequences, pad_token_id):
        longest = width or max(map(len, sequences))
        rows, masks = [], []
        for sequence in sequences:
            fill = [pad_token_id] * (longest - len(sequence))
            rows.append([*sequence, *fill] if side == "right" else [*fill, *sequence])
            ones, zeros = [1] * len(sequence), [0] * len(fill)
            masks.append(ones + zeros if side == "right" else zeros + ones)
        ids = torch.tensor(rows)
        return ids, torch.tensor(masks) if mask else torch.ones_like(ids)

    return pad


def _mask_from_ids(sequences, pad_token_id):
    ids = _padded(None)(sequences, pad_token_id)[0]
    return ids, (ids != pad_token_id).long()


def _pads_with_zero(sequences, pad_token_id):
    return _padded(None)(sequences, 0)


def _inverted(sequences, pad_token_id):
    ids, mask = pad_batch(sequences, pad_token_id)
    return ids, 1 - mask


def _mean_of_recalls(gold, predicted):
    return float(
        np.mean([np.mean([p == g for g, p in zip(gold, predicted, strict=True) if g == c]) for c in set(gold)])
    )


def _swapped_report(gold, predicted, classes):
    return _report(predicted, gold, classes)


def _arithmetic_f1(gold, predicted, classes):
    return [(p, r, (p + r) / 2) for p, r, _ in _report(gold, predicted, classes)]


def _one_against_the_rest(gold, predicted, classes):
    return [(_accuracy([g == c for g in gold], [p == c for p in predicted]),) * 3 for c in range(classes)]


def _micro(gold, predicted, classes):
    return _accuracy(gold, predicted)


def _weighted_f1(gold, predicted, classes):
    return float(sum(f1 * gold.count(c) for c, (_, _, f1) in enumerate(_report(gold, predicted, classes))) / len(gold))


def _of_the_means(gold, predicted, classes):
    p, r, _ = np.mean(_report(gold, predicted, classes), axis=0)
    return float(2 * p * r / (p + r)) if p + r else 0.0


def _only_classes_seen(gold, predicted, classes):
    report = _report(gold, predicted, classes)
    return float(np.mean([report[c][2] for c in sorted(set(gold))]))


def _transposed(gold, predicted, classes):
    return _confusion(predicted, gold, classes)


def _as_shares(gold, predicted, classes):
    return [[n / max(sum(row), 1) for n in row] for row in _confusion(gold, predicted, classes)]


def _each_for_itself(start, end):
    return int(start.argmax()), int(end.argmax())


def _start_first(start, end):
    first = int(start.argmax())
    return first, first + int(end[first:].argmax())


def _end_first(start, end):
    last = int(end.argmax())
    return int(start[: last + 1].argmax()), last


def _put_in_order(start, end):
    return tuple(sorted(_each_for_itself(start, end)))


def _two_tokens_at_least(start, end):
    best = max((float(start[a] + end[b]), a, b) for a in range(len(start)) for b in range(a + 1, len(start)))
    return best[1:]


def _end_excluded(start, end):
    first, last = _answer_span(start, end)
    return first, last + 1


def _judge_buckets(trial: Trial) -> None:
    for case in range(6):
        lengths = trial.rng.integers(3, 60, 50 if case else 7).tolist()
        size = int(trial.rng.integers(4, 9)) if case else 3
        batches = trial.call(lengths, size)
        if not isinstance(batches, list | tuple) or not all(isinstance(batch, list | tuple) for batch in batches):
            raise Wrong(f"expected a list of batches, each a list of indices; came {show(batches)}")
        flat = [int(index) for batch in batches for index in batch]
        if sorted(flat) != list(range(len(lengths))):
            missing = sorted(set(range(len(lengths))) - set(flat))
            hint = "give indices, not lengths." if sorted(flat) == sorted(lengths) else ""
            if missing and len(flat) % size == 0 and len(flat) < len(lengths):
                hint = "the last, smaller batch is missing."
            raise Wrong(
                f"every example must occur exactly once; missing: {missing[:5]}; tried with: {trial.described}", hint
            )
        if max(map(len, batches)) > size or len(batches) > math.ceil(len(lengths) / size):
            raise Wrong(f"batches of {[*map(len, batches)]} examples, where {size} each were asked for")
        in_order = [list(range(start, min(start + size, len(lengths)))) for start in range(0, len(lengths), size)]
        ordered = sorted(range(len(lengths)), key=lengths.__getitem__)
        best = padding_share(lengths, [ordered[start : start + size] for start in range(0, len(ordered), size)])
        mine = padding_share(lengths, batches)
        if mine > best + 0.02 + 0.3 * (padding_share(lengths, in_order) - best):
            raise Wrong(
                f"{mine:.0%} of the slots are padding, where {best:.0%} will do; tried with: {trial.described}",
                "texts of similar length belong together: sort the indices by length, then cut.",
            )


def _judge_split(trial: Trial) -> None:
    """Duplicates on one side, shares kept, everything used once."""
    for case in range(4):
        size = 200 if case else 40
        texts = [f"text {trial.rng.integers(size // 2)}" for _ in range(size)]
        got = trial.call(texts, 0.25, np.random.default_rng(int(trial.rng.integers(2**31))))
        if not isinstance(got, tuple | list) or len(got) != 2:
            raise Wrong(f"expected two lists of indices, came {show(got)}")
        if any(isinstance(index, str) for part in got for index in part):
            raise Wrong(f"expected indices, came texts: {show(got)}", "give indices: the labels are split alike.")
        train, test = ([int(index) for index in part] for part in got)
        if sorted(train + test) != list(range(size)):
            raise Wrong("every text must be in exactly one of the two parts", "give indices; leave no text out.")
        both = {texts[i] for i in train} & {texts[i] for i in test}
        if both:
            raise Wrong(
                f"{sorted(both)[0]!r} is in both parts",
                "copies of a text must be on the same side, or the test asks for what was learned by heart.",
            )
        if abs(len(test) / size - 0.25) > 0.1:
            raise Wrong(f"{len(test) / size:.0%} of the texts are in the test part, expected about 25 %")
    args = (texts, 0.25)
    one, same, other = (trial.call(*args, np.random.default_rng(seed)) for seed in (1, 1, 2))
    if sorted(map(int, one[1])) != sorted(map(int, same[1])):
        raise Wrong("the same rng gives another split", "draw only from the rng that you are given.")
    if sorted(map(int, one[1])) == sorted(map(int, other[1])):
        raise Wrong("another rng gives the same split", "shuffle the different texts with the rng that you are given.")


CHECKS = {
    "padding": against(
        "sequences (lists of ids), pad_token_id -> (input_ids, attention_mask), long, as wide as the longest of them",
        pad_batch,
        _sequences,
        mistakes=(
            (_padded(128), "pad to the longest of this batch, not to a fixed width."),
            (_padded(None, side="left"), "BERT's padding stands at the end: position 0 is [CLS]."),
            (_padded(None, mask=False), "the mask is 0 where padding stands."),
            (_mask_from_ids, "a token may have the padding's id by accident: make the mask from the lengths."),
            (_pads_with_zero, "pad_token_id is not used: it is not 0 everywhere."),
            (_inverted, "the mask is upside down: 1 for tokens."),
        ),
    ),
    "buckets": Check(
        "lengths, batch_size -> batches (lists of indices) of similar length, every index once", _judge_buckets
    ),
    "truncate": against(
        "ids ([CLS] … [SEP]), max_length -> ids of at most so many tokens; the closing [SEP] stays",
        _truncate,
        _to_truncate,
        mistakes=(
            (lambda ids, max_length: ids[:max_length], "the closing [SEP] was cut off."),
            (
                lambda ids, max_length: [ids[0], *ids[1 - max_length :]] if len(ids) > max_length else ids,
                "cut at the end.",
            ),
            (lambda ids, max_length: [*ids[: max_length - 1], ids[-1]], "a text that is short enough stays as it is."),
            (lambda ids, max_length: ids, "nothing was cut."),
        ),
    ),
    "predict": against(
        "pooled (B, D), weight (C, D), bias (C,) -> class of each text (B,), long",
        _predict,
        _heads,
        mistakes=(
            (lambda pooled, weight, bias: (pooled @ weight.T).argmax(-1), "the bias is missing."),
            (lambda pooled, weight, bias: (pooled @ weight.T + bias).max(-1).values, "the class, not its score."),
            (
                lambda pooled, weight, bias: (pooled @ weight.T + bias).argmax(0),
                "over the classes, the last dimension.",
            ),
            (lambda pooled, weight, bias: (pooled @ weight.T + bias).argmin(-1), "the highest score wins."),
            (lambda pooled, weight, bias: (pooled @ weight.T + bias).argmax(-1) + 1, "classes count from 0."),
        ),
    ),
    "answer_span": against(
        "start, end (T,) scores -> (first, last) token of the answer: the pair with the largest sum, last not before "
        "first",
        _answer_span,
        _start_and_end_scores,
        mistakes=(
            (_each_for_itself, "taken each for itself, the end can stand before the start: look at pairs."),
            (_put_in_order, "the best start and the best end exchanged are no answer that the scores speak for."),
            (_start_first, "the best start need not belong to the best pair: add the scores, then take the largest."),
            (_end_first, "the best end need not belong to the best pair: add the scores, then take the largest."),
            (_two_tokens_at_least, "an answer may be a single token: start and end are then the same."),
            (_end_excluded, "the last token itself is asked for, not the place behind it."),
        ),
    ),
    "accuracy": against(
        "gold, predicted (lists of classes) -> share that is right, 0 to 1",
        _accuracy,
        _labels,
        mistakes=(
            (
                lambda gold, predicted: 100 * _accuracy(gold, predicted),
                "a share from 0 to 1 is asked for, not percent.",
            ),
            (lambda gold, predicted: 1 - _accuracy(gold, predicted), "that is the share that is wrong."),
            (lambda gold, predicted: sum(map(int.__eq__, gold, predicted)), "divide by the number of texts."),
            (_mean_of_recalls, "that is the mean of the classes' recalls."),
        ),
    ),
    "report": against(
        "gold, predicted, classes (how many) -> for each class (precision, recall, F1); 0 where there is nothing to "
        "divide by",
        _report,
        _labels_and_classes,
        mistakes=(
            (_swapped_report, "precision and recall are exchanged: precision divides by what was predicted."),
            (_arithmetic_f1, "F1 is the harmonic mean, 2PR / (P + R)."),
            (_one_against_the_rest, "that is the accuracy of each class against the rest."),
        ),
    ),
    "macro_f1": against(
        "gold, predicted, classes (how many) -> mean of the classes' F1, each class alike",
        _macro_f1,
        _labels_and_classes,
        mistakes=(
            (_micro, "that is the accuracy (micro F1): macro gives each class the same weight."),
            (_weighted_f1, "that is weighted by how common the classes are."),
            (_of_the_means, "average the F1s; do not take the F1 of average precision and recall."),
            (_only_classes_seen, "a class that was never right counts as 0; all classes are averaged."),
        ),
    ),
    "confusion": against(
        "gold, predicted, classes (how many) -> table of counts: row the gold class, column the predicted one",
        _confusion,
        _labels_and_classes,
        mistakes=(
            (_transposed, "rows are gold, columns are predicted."),
            (_as_shares, "counts are asked for."),
        ),
    ),
    "split": Check(
        "texts, share, rng -> (train, test) indices, about `share` of them in test, copies of a text on the same side",
        _judge_split,
    ),
    "interval": against(
        "right, total -> (low, high), the 95 % interval of an accuracy: share ± 1.96 · √(share · (1 − share) / total)",
        _interval,
        lambda rng: [(90, 100), *((int(n), 500) for n in rng.integers(50, 450, 5))],
        mistakes=(
            (
                lambda right, total: (
                    right / total - (v := 1.96 * right * (total - right) / total**3),
                    right / total + v,
                ),
                "the root is missing.",
            ),
            (
                lambda right, total: (
                    right / total - (v := 1.96 * math.sqrt(right * (total - right)) / total),
                    right / total + v,
                ),
                "divide by the number of texts under the root: the spread of the mean, not of a single text.",
            ),
            (
                lambda right, total: (
                    right / total - (v := math.sqrt(right * (total - right) / total**3)),
                    right / total + v,
                ),
                "that is one standard error; 95 % take 1.96.",
            ),
        ),
    ),
    "baseline": number(
        "a share from 0 to 1, to three significant digits",
        lambda rng: {"a": int(rng.integers(30, 60)), "b": int(rng.integers(10, 30)), "c": int(rng.integers(10, 30))},
        "Three classes with {a}, {b} and {c} texts. What accuracy has a classifier that always says the commonest "
        "class?",
        lambda a, b, c: a / (a + b + c),
        rel_tol=5e-3,
        mistakes=(
            (lambda a, b, c: 1 / 3, "that is the accuracy of guessing among three classes evenly."),
            (lambda a, b, c: (a * a + b * b + c * c) / (a + b + c) ** 2, "that is guessing by the classes' shares."),
        ),
    ),
}
