"""Checks of the lesson on speed and scale: operations, utilisation, buckets, selected places, memory, packing."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from bertcourse.checks.classification import batches_given, judge_batches
from bertcourse.checks.engine import Check, Trial, Wrong, against, floats, integers, number, show, truths
from bertcourse.checks.pretraining import errors_named
from bertcourse.costs import forward_flops, training_flops
from bertlib.model.config import BertConfig
from bertlib.text.batching import pack


class Shape(dict):
    """A model's shape, as a dict and as an object: shape["hidden_size"] and shape.hidden_size, as in the lesson."""

    def __getattr__(self, name: str) -> int:
        if name not in self:
            raise AttributeError(f"a shape has {', '.join(self)}, and no {name!r}")
        return self[name]


def _config(shape: Shape) -> BertConfig:
    return BertConfig(
        vocab_size=shape["vocab_size"],
        hidden_size=shape["hidden_size"],
        num_hidden_layers=shape["num_hidden_layers"],
        num_attention_heads=shape["num_attention_heads"],
        intermediate_size=shape["intermediate_size"],
    )


def _layer_flops(shape: Shape, batch: int, length: int) -> dict[str, int]:
    counted = forward_flops(_config(shape), batch, length, 0)
    return {name: counted[name] for name in ("projections", "attention", "feed-forward")}


def _utilisation(shape: Shape, batch: int, length: int, selected: int, seconds: float, peak: float) -> float:
    return training_flops(_config(shape), batch, length, selected) / seconds / peak


def _padding_share(lengths: list[int], length: int) -> float:
    return 1 - sum(lengths) / (len(lengths) * length)


def _selected_loss(hidden: Tensor, labels: Tensor, head: Callable[[Tensor], Tensor]) -> Tensor:
    selected = labels != -100
    return F.cross_entropy(head(hidden[selected]), labels[selected])


def _six_n(shape: Shape, selected: float) -> float:
    width = shape["hidden_size"]
    in_layers = shape["num_hidden_layers"] * (4 * width**2 + 2 * width * shape["intermediate_size"])
    return 6 * (in_layers + selected * (width**2 + width * shape["vocab_size"]))


def _hours(tokens: float, flops: float, peak: float, utilisation: float) -> float:
    return tokens * flops / (peak * utilisation) / 3600


# ------------------------------------------------------------------------------------------------------------- cases


def _shape(rng) -> Shape:
    size = int(64 * rng.integers(1, 17))
    return Shape(
        vocab_size=int(rng.integers(2, 31)) * 1000,
        hidden_size=size,
        num_hidden_layers=int(rng.integers(1, 25)),
        num_attention_heads=size // 64,
        intermediate_size=int(rng.integers(2, 5)) * size,
    )


BASE = Shape(vocab_size=30522, hidden_size=768, num_hidden_layers=12, num_attention_heads=12, intermediate_size=3072)
FLAT = Shape(vocab_size=1000, hidden_size=512, num_hidden_layers=1, num_attention_heads=8, intermediate_size=1024)


def _layer_cases(rng):
    yield BASE, 1, 128
    for _ in range(5):
        yield _shape(rng), int(rng.integers(2, 65)), int(rng.integers(3, 512))


def _steps(rng):
    """Steps that reach a share of the peak that machines reach; texts so long that the pooler does not count."""
    yield BASE, 32, 128, 600, 12.0, 4e11
    yield FLAT, 8, 512, 600, 0.5, 3e11  # one layer and few words: the head's smaller product counts
    for _ in range(5):
        shape = Shape(_shape(rng) | {"num_hidden_layers": int(rng.integers(2, 25))})
        batch, length = int(rng.integers(2, 65)), int(rng.integers(128, 512))
        selected, peak = batch * length // 7, float(rng.uniform(1e11, 1e15))
        seconds = training_flops(_config(shape), batch, length, selected) / peak / rng.uniform(0.2, 0.8)
        yield shape, batch, length, selected, float(seconds), peak


def _lengths(rng):
    yield [5, 3], 8
    yield [4, 4, 1], 4
    for _ in range(5):
        length = int(rng.integers(20, 129))
        yield rng.integers(1, length + 1, int(rng.integers(2, 30))).tolist(), length


def _head(matrix: Tensor) -> Callable[[Tensor], Tensor]:
    def head(vectors: Tensor) -> Tensor:
        return vectors @ matrix

    return head


def _labelled(rng):
    """Hidden states, labels of which some are -100, and a head; 0 is a label like any other."""
    no = -100
    hidden = torch.tensor([[[1.0, 0.0], [0.0, 1.0], [2.0, 1.0]]])
    yield hidden, torch.tensor([[no, 1, 0]]), _head(torch.tensor([[2.0, 0.0, 1.0], [0.0, 1.0, 3.0]]))
    for _ in range(5):
        rows, length, width, words = rng.integers(2, 7, 4).tolist()
        labels = torch.where(truths(rng, 0.4, rows, length), integers(rng, 0, words, rows, length), no)
        labels[0, :2] = torch.tensor([0, no])  # at least one, and not all
        labels[1, :2] = torch.tensor([1, 1])
        yield 2 * floats(rng, rows, length, width), labels, _head(floats(rng, width, words))


def _shares(rng):
    yield BASE, 0.15
    for _ in range(5):
        yield _shape(rng), int(rng.integers(5, 60)) / 100


def _runs(rng):
    yield 3.6e9, 1e6, 1e12, 0.5
    for _ in range(5):
        tokens, flops = float(rng.integers(1, 500)) * 1e8, float(rng.integers(10, 900)) * 1e6
        yield tokens, flops, float(rng.integers(10, 1000)) * 1e12, int(rng.integers(10, 80)) / 100


def _two_means(rng):
    """Of two processes, one with much more tokens and another loss, so that the mistakes below differ."""
    a, x = 20 * int(rng.integers(3, 8)), int(rng.integers(20, 40)) / 10
    return {"a": a, "b": a * int(rng.integers(3, 6)), "x": x, "y": round(x + int(rng.integers(15, 40)) / 10, 1)}


def _products(rng):
    """Share and speed-up of the matrix products, not such that two of the mistakes below give the same number."""
    while True:
        m, k = int(rng.integers(56, 86)), int(rng.integers(3, 7))
        if abs(k * (100 - m) - 100) > 3 and abs((100 - m + m * k) * (100 - m) - 10_000) > 300:
            return {"m": m, "k": k}


def _length_and_width(rng):
    """Not in a ratio at which two of the mistakes below give the same number."""
    while True:
        given = {"T": int(rng.integers(1, 9)) * 128, "D": int(rng.integers(4, 17)) * 64}
        if 4 * given["T"] / given["D"] not in (2, 8, 16):
            return given


# ---------------------------------------------------------------------------------------------------- known mistakes


def _changed(change):
    def flops(shape, batch, length):
        right = _layer_flops(shape, batch, length)
        return {name: change(name, value, length, shape) for name, value in right.items()}

    return flops


def _three_matrices(name, value, length, shape):
    return value * 3 // 4 if name == "projections" else value


def _scores_alone(name, value, length, shape):
    return value // 2 if name == "attention" else value


def _no_square(name, value, length, shape):
    return value // length if name == "attention" else value


def _one_layer(name, value, length, shape):
    return value // shape["num_hidden_layers"]


def _always_four(name, value, length, shape):
    return value * 4 * shape["hidden_size"] // shape["intermediate_size"] if name == "feed-forward" else value


def _always_four_in_one_layer(name, value, length, shape):
    return _one_layer(name, _always_four(name, value, length, shape), length, shape)


def _one_row(shape, batch, length):
    return _layer_flops(shape, 1, length)


def _all_rows_as_one(shape, batch, length):
    right = _layer_flops(shape, batch, length)
    return right | {"attention": right["attention"] * batch}


def _no_width(name, value, length, shape):
    return value // shape["hidden_size"] if name == "attention" else value


def _one_product(name, value, length, shape):
    return value // 2 if name == "feed-forward" else value


def _in_one_sum(shape, batch, length):
    return sum(_layer_flops(shape, batch, length).values())


def _step_times(factor: float) -> Callable:
    """The utilisation of a step that costs so many forward passes, not three."""
    return lambda *given: _utilisation(*given) * factor / 3


def _without(part: str) -> Callable:
    """The utilisation without one part of the forward pass."""

    def share(shape, batch, length, selected, seconds, peak):
        counted = forward_flops(_config(shape), batch, length, selected)
        return 3 * (sum(counted.values()) - counted[part]) / seconds / peak

    return share


def _one_layer_alone(shape, batch, length, selected, seconds, peak):
    return _utilisation(Shape(shape | {"num_hidden_layers": 1}), batch, length, selected, seconds, peak)


def _selected_in_each_row(shape, batch, length, selected, seconds, peak):
    return _utilisation(shape, batch, length, batch * selected, seconds, peak)


def _operations_a_second(shape, batch, length, selected, seconds, peak):
    return _utilisation(shape, batch, length, selected, seconds, 1.0)


def _peaks(shape, batch, length, selected, seconds, peak):
    return _utilisation(shape, batch, length, selected, 1.0, peak)


def _forward_alone(shape, batch, length, selected, seconds, peak):
    return _utilisation(shape, batch, length, selected, seconds, peak) / 3


def _all_through_the_head(shape, batch, length, selected, seconds, peak):
    return _utilisation(shape, batch, length, batch * length, seconds, peak)


def _no_head(shape, batch, length, selected, seconds, peak):
    return _utilisation(shape, batch, length, 0, seconds, peak)


def _in_percent(*given):
    return 100 * _utilisation(*given)


def _upside_down(*given):
    return 1 / _utilisation(*given)


def _summed(hidden, labels, head):
    return _selected_loss(hidden, labels, head) * (labels != -100).sum()


def _by_all(hidden, labels, head):
    return _summed(hidden, labels, head) / labels.numel()


def _by_rows(hidden, labels, head):
    return _summed(hidden, labels, head) / len(labels)


def _mean_of_rows(hidden, labels, head):
    some = [row for row in range(len(labels)) if (labels[row] != -100).any()]
    return torch.stack([_selected_loss(hidden[row], labels[row], head) for row in some]).mean()


def _without_label_0(hidden, labels, head):
    return F.cross_entropy(head(hidden[labels > 0]), labels[labels > 0])


def _the_others(hidden, labels, head):
    return F.cross_entropy(head(hidden[labels == -100]), labels[labels == -100])


def _softmax_first(hidden, labels, head):
    return F.cross_entropy(head(hidden[labels != -100]).softmax(-1), labels[labels != -100])


def _zeros_scored(hidden, labels, head):
    """Everything else set to 0 and scored all the same."""
    some = (labels != -100)[..., None]
    return F.cross_entropy(head(hidden * some).flatten(0, 1), labels.flatten().clamp(min=0))


def _unlike(change: Callable) -> Callable:
    """The rule of 6N with another count: change(shape, selected, parameters in the layers, in the head) -> FLOPs."""

    def rule(shape, selected):
        width = shape["hidden_size"]
        layers = shape["num_hidden_layers"] * (4 * width**2 + 2 * width * shape["intermediate_size"])
        return change(shape, selected, layers, width**2 + width * shape["vocab_size"])

    return rule


def _inner_of_four(shape, selected, layers, head):
    width = shape["hidden_size"]
    return 6 * (shape["num_hidden_layers"] * 12 * width**2 + selected * head)


def _longest_first(lengths: list[int]) -> list[int]:
    return sorted(range(len(lengths)), key=lambda index: -lengths[index])


def _shortest_first(lengths: list[int]) -> list[int]:
    return sorted(range(len(lengths)), key=lambda index: lengths[index])


def _as_they_come(lengths: list[int]) -> list[int]:
    return list(range(len(lengths)))


def _first(fits: list[list[int]], lengths: list[int]) -> list[int]:
    return fits[0]


def _fullest(fits: list[list[int]], lengths: list[int]) -> list[int]:
    return max(fits, key=lambda row: sum(lengths[index] for index in row))


def _placed(lengths: list[int], room: int, order: Callable, choose: Callable | None) -> list[list[int]]:
    """Rows by a simple rule: in which order texts are taken, and which of the rows with room; None: the last alone."""
    rows: list[list[int]] = []
    for index in order(lengths):
        among = rows if choose else rows[-1:]
        fits = [row for row in among if sum(lengths[i] for i in row) + lengths[index] <= room]
        if fits:
            (choose or _first)(fits, lengths).append(index)
        else:
            rows.append([index])
    return rows


_LAST_ALONE = "you look at the last row alone: earlier ones may still have room."
_IN_ORDER = "you take the texts in the order in which they come: take the longest first."
_SHORTEST = "you take the shortest first, and the long ones find no room in the end: take the longest first."
_JUST_FITS = "a text that just fits finds no place in yours: full + length may be as large as room."

PACKERS = (
    (lambda lengths, room: [[index] for index in range(len(lengths))], "that is a row for each text."),
    *(
        (lambda lengths, room, order=order: _placed(lengths, room, order, None), _LAST_ALONE)
        for order in (_as_they_come, _longest_first)
    ),
    *(
        (lambda lengths, room, order=order, choose=choose: _placed(lengths, room, order, choose), hint)
        for order, hint in ((_as_they_come, _IN_ORDER), (_shortest_first, _SHORTEST))
        for choose in (_first, _fullest)
    ),
    *(
        (lambda lengths, room, choose=choose: _placed(lengths, room - 1, _longest_first, choose), _JUST_FITS)
        for choose in (_first, _fullest, None)
    ),
)


def _rows_of(got: object) -> list[list[int]] | None:
    """The rows as lists of whole numbers, whatever they came in; None if they are no such thing."""
    if not isinstance(got, list | tuple | np.ndarray | Tensor):
        return None
    rows = []
    for row in got:
        if not isinstance(row, list | tuple | set | np.ndarray | Tensor) or (
            not isinstance(row, set) and not np.ndim(row)
        ):
            return None
        indices = [index.item() if isinstance(index, Tensor | np.generic) else index for index in row]
        if not all(isinstance(index, int) for index in indices):
            return None
        rows.append(indices)
    return rows


def _alike(one: Iterable[list[int]], other: Iterable[list[int]], lengths: list[int]) -> bool:
    """Whether rows are the same, but for their order, for texts of equal length and for empty rows."""
    texts, others = (sorted(sorted(lengths[i] for i in row) for row in rows if len(row)) for rows in (one, other))
    return texts == others


def _pack_case(rng) -> tuple[list[int], int]:
    room = int(rng.integers(16, 129))
    return rng.integers(1, room + 1, int(rng.integers(20, 60))).tolist(), room


def _way_of(trial: Trial, seen: list[tuple]) -> str:
    """The hint for how an answer packs, if it packs four more cases in one of the ways of PACKERS; "" if not."""
    with contextlib.suppress(Wrong):
        for _ in range(4):
            lengths, room = _pack_case(trial.rng)
            seen.append((lengths, room, _rows_of(trial.call(lengths, room))))
    for packer, hint in PACKERS:
        with contextlib.suppress(IndexError, TypeError):  # rows of something else
            if all(_alike(packer(lengths, room), rows, lengths) for lengths, room, rows in seen):
                return hint
    return ""


def _judge_pack(trial: Trial) -> None:
    short_first = [3] * 6 + [7] * 6  # of which who takes them as they come makes 8 rows, not 6
    cases = [([4, 6, 2, 5, 3], 10), (short_first, 10), *(_pack_case(trial.rng) for _ in range(7))]
    spare = 2  # so many rows more than the library, in all cases together: other good ways need one now and then
    for number_of, (lengths, room) in enumerate(cases):
        rows = _rows_of(got := trial.call(lengths, room))
        if rows is None:
            raise Wrong(f"expected a list of rows, each a list of indices; came {show(got)}")
        found = sorted(index for row in rows for index in row)
        if found != list(range(len(lengths))):
            hint = "give indices, not lengths." if found == sorted(lengths) else ""
            if found == list(range(1, len(lengths) + 1)):
                hint = "indices count from 0."
            missing = sorted(set(range(len(lengths))) - set(found))
            what = f"{missing[0]} is missing" if missing else f"there are {len(found)} for {len(lengths)} texts"
            raise Wrong(f"each index must occur exactly once: {what}; tried with: {trial.described}", hint)
        full = [sum(lengths[index] for index in row) for row in rows]
        if max(full) > room:
            fullest = rows[full.index(max(full))]
            raise Wrong(
                f"the row {show(fullest)} has {max(full)} tokens, and room for {room}; tried with: {trial.described}"
            )
        if any(not row for row in rows):
            raise Wrong(f"a row is empty; tried with: {trial.described}")
        best = len(pack(lengths, room))
        spare -= len(rows) - best
        if spare < 0 or (len(rows) > best and number_of == 0):
            described = trial.described
            hint = _way_of(trial, [(lengths, room, rows)]) or (
                f"the longest first, each into the fullest row that still has room, gives {best}."
            )
            raise Wrong(f"{len(rows)} rows, where {best} will do; tried with: {described}", hint)


_DRAWN_TOO_LATE = (
    "draw the order of the *batches* alone: sort the indices by length, cut, and only then rng.permutation over the "
    "batches."
)
_OF_ITS_OWN = "draw from the `rng` that is given, not from a generator of your own."


def _judge_buckets(trial: Trial) -> None:
    in_order = []
    for case in range(6):
        lengths = trial.rng.integers(3, 60, 50 if case else 7).tolist()
        size = int(trial.rng.integers(4, 9)) if case else 3
        seed = int(trial.rng.integers(1000))
        batches = _batches_of(trial, lengths, size, seed)
        try:
            judge_batches(batches, lengths, size, trial.described)
        except Wrong as wrong:
            if "% of the slots" in wrong.message and "n-th" not in wrong.hint:
                raise Wrong(wrong.message, _DRAWN_TOO_LATE) from None
            raise
        if case:
            means = [sum(lengths[index] for index in batch) / len(batch) for batch in batches]
            up = all(a <= b for a, b in pairwise(means))
            in_order.append(up or all(a >= b for a, b in pairwise(means)))
        if _batches_of(trial, lengths, size, seed) != batches:
            raise Wrong("the same rng gave other batches the second time", _OF_ITS_OWN)
        trial.right += 1
    if all(in_order):
        raise Wrong(
            "the batches come in the order of their lengths, every time",
            "training would see all short texts first, or last: put the finished batches in an order drawn from `rng`.",
        )
    if len({str(_batches_of(trial, lengths, size, seed)) for seed in range(8)}) == 1:
        raise Wrong(
            "eight different rngs gave the same batches",
            "the order is drawn, but always the same one: draw from the `rng` that is given.",
        )


def _batches_of(trial: Trial, lengths: list[int], size: int, seed: int) -> list[list[int]]:
    """The batches that an answer gives, as lists of whole numbers."""
    return batches_given(trial.call(lengths, size, np.random.default_rng(seed)))


def _only_selected(plain: Check) -> Check:
    """The same check; and the loss leads back to the hidden states, and no more than the labelled ones are scored."""

    def judge(trial: Trial) -> None:
        with torch.enable_grad():  # lessons may have switched gradients off
            plain.judge(trial)
            scored = []
            matrix = torch.tensor([[2.0, 0.0, 1.0], [0.0, 1.0, 3.0]])

            def head(vectors: Tensor) -> Tensor:
                scored.append(vectors.numel() // vectors.size(-1))
                return vectors @ matrix

            hidden = torch.ones(2, 4, 2, requires_grad=True)
            got = trial.call(hidden, torch.tensor([[-100, 1, -100, 0], [-100, -100, 2, -100]]), head)
            if not isinstance(got, Tensor) or got.grad_fn is None:
                raise Wrong(
                    f"the numbers are right, but the loss has no gradient: came {show(got)}",
                    "training follows a loss back to the hidden states: no item(), float(), numpy or detach().",
                )
            if sum(scored) > 3:
                raise Wrong(
                    f"the number is right, but the head scored {sum(scored)} vectors, where 3 have a label: no work is "
                    f"saved; tried with: {trial.described}",
                    "choose first, score then: hand head only the hidden states at the places that have a label."
                    if max(scored) > 3
                    else "call head once, with all the chosen states.",
                )

    return Check(plain.asks, judge, plain.mistakes)


CHECKS = {
    "layer_flops": against(
        "shape (a config: shape.hidden_size, num_hidden_layers, intermediate_size, vocab_size; or shape['hidden_size'] "
        "and so on), batch, length -> operations of a forward pass {'projections', 'attention', 'feed-forward'} over "
        "all layers",
        _layer_flops,
        _layer_cases,
        mistakes=(
            (_changed(_three_matrices), "there are four projections: query, key, value and output."),
            (_changed(_scores_alone), "attention has two products: the scores, and the weighted sum of the values."),
            (_changed(_no_square), "every token looks at every token: T · T · D."),
            (_changed(_one_layer), "these are of one layer."),
            (_changed(_always_four), "the inner width is given; it is not always 4 · D."),
            (
                _changed(_always_four_in_one_layer),
                "the inner width is given; it is not always 4 · D. And these are of one layer.",
            ),
            (_changed(lambda name, value, *_: value // 2), "a multiplication and an addition are two operations."),
            (_changed(lambda name, value, *_: value * 3), "that is a training step: leave the backward pass out."),
            (_one_row, "that is one text: multiply by batch."),
            (_all_rows_as_one, "a token looks at the tokens of its own row: T · T for each row, not for all as one."),
            (_changed(_no_width), "each score is a product of two vectors: T · T · D, over the width as well."),
            (_changed(_one_product), "the feed-forward block has two products: D to the inner width, and back."),
            (_in_one_sum, "that is the sum: a dict of the three parts is asked for."),
        ),
    ),
    "utilisation": against(
        "shape, batch, length, selected, seconds of a training step, peak (operations per second) -> share of the "
        "peak, 0 to 1",
        _utilisation,
        _steps,
        mistakes=(
            (_forward_alone, "a training step is a forward and a backward pass: three times the forward one."),
            (_all_through_the_head, "only the selected tokens pass through the MLM head."),
            (_no_head, "the heads are missing: the vocabulary is a large matrix."),
            (_in_percent, "a share from 0 to 1 is asked for, not percent."),
            (_upside_down, "yours is upside down."),
            (
                _step_times(2),
                "a backward pass costs twice a forward one: a training step is three times a forward pass.",
            ),
            (_step_times(4), "four times is with recomputed activations: a plain training step is three times."),
            (_without("MLM transform"), "the MLM head has a D × D product before that with the vocabulary."),
            (_without("vocabulary"), "the MLM head's product with the vocabulary is missing."),
            (_without("attention"), "attention's two products are missing: T · T · D each."),
            (_without("feed-forward"), "the feed-forward block is missing."),
            (_without("projections"), "the four projections are missing."),
            (_one_layer_alone, "that is one layer: all layers work."),
            (_selected_in_each_row, "`selected` counts the tokens of the whole batch."),
            (_operations_a_second, "those are operations per second: divide by the peak."),
            (_peaks, "divide by the seconds as well: the peak is per second."),
        ),
        atol=3e-4,  # an answer may leave out pooler and NSP head
    ),
    "padding_share": against(
        "lengths of the texts, length that all are padded to -> share of the slots that hold padding, 0 to 1",
        _padding_share,
        _lengths,
        mistakes=(
            (lambda lengths, length: sum(lengths) / (len(lengths) * length), "that is the share of tokens."),
            (
                lambda lengths, length: sum(length - n for n in lengths) / sum(lengths),
                "divide by the slots, not by the tokens.",
            ),
            (lambda lengths, length: 1 - sum(lengths) / (len(lengths) * max(lengths)), "they are padded to `length`."),
            (
                lambda lengths, length: 100 * _padding_share(lengths, length),
                "a share from 0 to 1 is asked for, not percent.",
            ),
            (
                lambda lengths, length: len(lengths) * length - sum(lengths),
                "that is the number of padded slots: divide by that of all slots.",
            ),
            (lambda lengths, length: 1 - sum(lengths) / length, "divide by the slots of all rows, not of one."),
            (
                lambda lengths, length: length - sum(lengths) / len(lengths),
                "that is padding per text: divide by length.",
            ),
            (
                lambda lengths, length: sum(n < length for n in lengths) / len(lengths),
                "that is the share of texts that are padded: count slots.",
            ),
            (
                lambda lengths, length: 1 - sum(lengths) // (len(lengths) * length),
                "// cuts the fraction off: divide with /.",
            ),
            (
                lambda lengths, length: [1 - n / length for n in lengths],
                "that is the share of each text: one for all slots is asked for.",
            ),
            (
                lambda lengths, length: 1 - len(lengths) * length / sum(lengths),
                "the fraction is upside down: tokens / slots.",
            ),
        ),
    ),
    "pack": Check(
        "lengths, room -> rows (lists of indices), each with at most `room` tokens, as few as you can", _judge_pack
    ),
    "buckets": errors_named(
        Check(
            "lengths, batch_size, rng (numpy's) -> batches (lists of indices) of similar length, every index once, the "
            "batches in an order drawn from rng",
            _judge_buckets,
        ),
        {
            "inhomogeneous shape": "numpy makes an array of the batches, and the last one may be shorter: draw their "
            "numbers, rng.permutation(len(batches)), and take the batches in that order.",
        },
    ),
    "selected_loss": _only_selected(
        against(
            "hidden (B, T, D), labels (B, T) with -100 where none is asked, head: vectors (…, D) -> scores (…, V) -> "
            "mean cross-entropy at the labelled places, which alone are scored",
            _selected_loss,
            _labelled,
            mistakes=(
                (_summed, "that is the sum: divide by the number of labelled places."),
                (_by_all, "divide by the number of labelled places, not of all places."),
                (_by_rows, "divide by the number of labelled places, not of rows."),
                (_mean_of_rows, "a mean of row means: one mean over all labelled places is asked for."),
                (_without_label_0, "0 is a label like any other: only -100 means that nothing is asked."),
                (_the_others, "those are the places without a label: choose the others."),
                (_softmax_first, "cross_entropy takes scores: its softmax is its own, leave yours out."),
                (_zeros_scored, "a place set to 0 is still scored and still counts: leave it out, with hidden[…]."),
            ),
        )
    ),
    "six_n": against(
        "shape (a config, as in layer_flops), selected (share of the tokens that have a label, 0 to 1) -> FLOPs per "
        "token of a training step by the rule of 6N",
        _six_n,
        _shares,
        mistakes=(
            (
                _unlike(lambda shape, selected, layers, head: 6 * (layers + head)),
                "the head is used by the selected tokens alone: count it for that share.",
            ),
            (_unlike(lambda shape, selected, layers, head: 6 * layers), "the MLM head is missing."),
            (
                _unlike(lambda shape, selected, layers, head: 2 * (layers + selected * head)),
                "that is the forward pass: a training step is three times that.",
            ),
            (
                _unlike(lambda shape, selected, layers, head: 3 * (layers + selected * head)),
                "a multiplication and an addition are two operations.",
            ),
            (
                _unlike(lambda shape, selected, layers, head: 6 * selected * (layers + head)),
                "every token passes through the layers, labelled or not.",
            ),
            (
                _unlike(
                    lambda shape, selected, layers, head: 6 * (layers + selected * (head - shape["hidden_size"] ** 2))
                ),
                "the MLM head has a D × D matrix before that with the vocabulary.",
            ),
            (
                _unlike(
                    lambda shape, selected, layers, head: (
                        6 * (layers + selected * head + shape["hidden_size"] * shape["vocab_size"])
                    )
                ),
                "the table of token vectors is looked up, not multiplied: do not count it for every token.",
            ),
            (
                _unlike(
                    lambda shape, selected, layers, head: 6 * (layers / shape["num_hidden_layers"] + selected * head)
                ),
                "that is one layer: all layers work.",
            ),
            (_unlike(_inner_of_four), "the inner width is given; it is not always 4 · D."),
        ),
        atol=1.0,
    ),
    "hours": against(
        "tokens, flops (per token of training), peak (operations per second), utilisation (0 to 1) -> hours",
        _hours,
        _runs,
        mistakes=(
            (lambda tokens, flops, peak, utilisation: tokens * flops / peak / 3600, "nothing runs at its peak."),
            (
                lambda tokens, flops, peak, utilisation: tokens * flops / peak * utilisation / 3600,
                "a loop that uses half of the peak takes twice as long: divide by the utilisation.",
            ),
            (
                lambda tokens, flops, peak, utilisation: 3600 * _hours(tokens, flops, peak, utilisation),
                "those are seconds.",
            ),
            (
                lambda tokens, flops, peak, utilisation: 60 * _hours(tokens, flops, peak, utilisation),
                "those are minutes.",
            ),
            (lambda tokens, flops, peak, utilisation: _hours(tokens, flops, peak, utilisation) / 24, "those are days."),
            (
                lambda tokens, flops, peak, utilisation: 3 * _hours(tokens, flops, peak, utilisation),
                "`flops` is of training: the backward pass is in it.",
            ),
            (
                lambda tokens, flops, peak, utilisation: 100 * _hours(tokens, flops, peak, utilisation),
                "the utilisation is a share from 0 to 1, not percent.",
            ),
            (
                lambda tokens, flops, peak, utilisation: 1 / _hours(tokens, flops, peak, utilisation),
                "yours is upside down.",
            ),
        ),
    ),
    "slots_saved": number(
        "times, to three significant digits",
        lambda rng: {"p": int(rng.integers(18, 46)), "q": int(rng.integers(2, 10))},
        "Of the token slots of all batches {p} % hold padding; with buckets {q} %. The texts are the same. How many "
        "times fewer slots are there now?",
        lambda p, q: (100 - q) / (100 - p),
        rel_tol=5e-3,
        mistakes=(
            (lambda p, q: p / q, "that is how much the padding's share fell: compare all slots, for the same tokens."),
            (lambda p, q: (100 - p) / (100 - q), "upside down: the old number of slots by the new one."),
            (lambda p, q: 100 / (100 - p), "that would be without any padding: q per cent of it is left."),
            (lambda p, q: 1 + (p - q) / 100, "the shares are of different totals: how many slots does a token need?"),
            (lambda p, q: 100 / (100 - p + q), "the shares are of different totals: how many slots does a token need?"),
            (lambda p, q: p - q, "those are percentage points: how many slots does a token need, before and after?"),
        ),
    ),
    "whole_update": number(
        "times, to three significant digits",
        _products,
        "Matrix products take {m} % of an update's time. On another machine they run {k} times as fast, all else as "
        "before. How many times as fast is the whole update?",
        lambda m, k: 100 / (100 - m + m / k),
        rel_tol=5e-3,
        mistakes=(
            (lambda m, k: k, "the rest takes as long as before."),
            (lambda m, k: (100 - m + m * k) / 100, "times add up, speeds do not: how long does each part take now?"),
            (lambda m, k: (100 - m + m / k) / 100, "that is the time that is left: how many times as fast is that?"),
            (lambda m, k: 100 / (100 - m), "that is if the products took no time at all."),
            (lambda m, k: 100 / (m + (100 - m) / k), "it is the products that become faster, not the rest."),
        ),
    ),
    "mean_of_two": number(
        "nats, to three significant digits",
        _two_means,
        "One batch has {a} selected tokens with a mean loss of {x} nats, another has {b} with a mean of {y}. What is "
        "the mean over all of them?",
        lambda a, b, x, y: (a * x + b * y) / (a + b),
        rel_tol=5e-3,
        mistakes=(
            (
                lambda a, b, x, y: (x + y) / 2,
                "a mean of means: the batch with fewer tokens counts as much as the other.",
            ),
            (lambda a, b, x, y: (b * x + a * y) / (a + b), "the weights are swapped."),
            (lambda a, b, x, y: (a * x + b * y) / 2, "divide the sum over all tokens by their number, not by 2."),
            (lambda a, b, x, y: a * x + b * y, "that is the sum over all tokens: divide it by their number."),
            (lambda a, b, x, y: x + y, "that is the sum of the two means."),
        ),
    ),
    "attention_share": number(
        "percent, to three significant digits",
        _length_and_width,
        "A layer of width D = {D} and inner width 4·D at T = {T} tokens: how many percent of its forward operations "
        "are attention's two products, the scores and the weighted sum?",
        lambda T, D: 100 * 4 * T / (24 * D + 4 * T),
        rel_tol=5e-3,
        mistakes=(
            (lambda T, D: 100 * 4 * T / (24 * D), "divide by all operations, attention's included."),
            (lambda T, D: 100 * 2 * T / (24 * D + 2 * T), "two products: scores and weighted sum."),
            (lambda T, D: 100 * 2 * T / (24 * D + 4 * T), "two products: scores and weighted sum."),
            (lambda T, D: 100 * 4 * T / (16 * D + 4 * T), "all operations are asked for: the four projections, too."),
            (lambda T, D: 100 * 4 * T / (8 * D + 4 * T), "all operations are asked for: the feed-forward block, too."),
            (lambda T, D: 100 * 4 * T / (22 * D + 4 * T), "there are four projections: query, key, value and output."),
            (
                lambda T, D: 100 * (8 * D + 4 * T) / (24 * D + 4 * T),
                "the scores and the weighted sum are asked for, without the projections.",
            ),
            (lambda T, D: 100 * 24 * D / (24 * D + 4 * T), "that is the share of all the others."),
        ),
    ),
    "training_memory": number(
        "gigabytes (10⁹ bytes), to three significant digits",
        lambda rng: {"P": int(rng.integers(10, 400))},
        "Weights, gradients and AdamW's two moments in 32 bits each: how many gigabytes do {P} million "
        "parameters take?",
        lambda P: 16 * P / 1000,
        rel_tol=5e-3,
        mistakes=(
            (lambda P: 4 * P / 1000, "those are the weights alone."),
            (lambda P: 8 * P / 1000, "AdamW keeps two moments for each parameter as well."),
            (lambda P: 12 * P / 1000, "AdamW has two moments."),
            (lambda P: 128 * P / 1000, "those are bits."),
            (lambda P: 16e6 * P / 2**30, "that is GiB, of 2³⁰ bytes: gigabytes of 10⁹ bytes are asked for."),
            (lambda P: 16 * P, "those are megabytes."),
            (lambda P: 16e6 * P / 2**20, "those are megabytes, of 2²⁰ bytes: gigabytes of 10⁹ bytes are asked for."),
            (lambda P: 16e6 * P, "those are bytes: a gigabyte has 10⁹."),
        ),
    ),
}
