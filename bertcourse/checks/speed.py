"""Checks of the lesson on speed and scale: operations, memory, utilisation, packing."""

from __future__ import annotations

from bertcourse.checks.engine import Check, Trial, Wrong, against, number, show
from bertlib.costs import forward_flops, training_flops
from bertlib.model.config import BertConfig
from bertlib.text.batching import pack


def _config(shape: dict) -> BertConfig:
    return BertConfig(
        vocab_size=shape["vocab_size"],
        hidden_size=shape["hidden_size"],
        num_hidden_layers=shape["num_hidden_layers"],
        num_attention_heads=1,
        intermediate_size=shape["intermediate_size"],
    )


def _layer_flops(shape: dict, batch: int, length: int) -> dict[str, int]:
    counted = forward_flops(_config(shape), batch, length, 0)
    return {name: counted[name] for name in ("projections", "attention", "feed-forward")}


def _utilisation(shape: dict, batch: int, length: int, selected: int, seconds: float, peak: float) -> float:
    return training_flops(_config(shape), batch, length, selected) / seconds / peak


def _padding_share(lengths: list[int], length: int) -> float:
    return 1 - sum(lengths) / (len(lengths) * length)


# ------------------------------------------------------------------------------------------------------------- cases


def _shape(rng) -> dict:
    size = int(64 * rng.integers(1, 17))
    return {
        "vocab_size": int(rng.integers(2, 31)) * 1000,
        "hidden_size": size,
        "num_hidden_layers": int(rng.integers(1, 25)),
        "intermediate_size": int(rng.integers(2, 5)) * size,
    }


BASE = {"vocab_size": 30522, "hidden_size": 768, "num_hidden_layers": 12, "intermediate_size": 3072}


def _layer_cases(rng):
    yield BASE, 1, 128
    for _ in range(5):
        yield _shape(rng), int(rng.integers(2, 65)), int(rng.integers(3, 512))


def _steps(rng):
    """Steps that reach a share of the peak that machines reach; texts so long that the pooler does not count."""
    yield BASE, 32, 128, 600, 12.0, 4e11
    for _ in range(5):
        shape = _shape(rng) | {"num_hidden_layers": int(rng.integers(2, 25))}
        batch, length = int(rng.integers(2, 65)), int(rng.integers(128, 512))
        selected, peak = batch * length // 7, float(rng.uniform(1e11, 1e15))
        seconds = training_flops(_config(shape), batch, length, selected) / peak / rng.uniform(0.2, 0.8)
        yield shape, batch, length, selected, float(seconds), peak


def _lengths(rng):
    yield [5, 3], 8
    for _ in range(5):
        length = int(rng.integers(20, 129))
        yield rng.integers(1, length + 1, int(rng.integers(2, 30))).tolist(), length


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


def _judge_pack(trial: Trial) -> None:
    for case in range(8):
        room = int(trial.rng.integers(16, 129)) if case else 10
        lengths = trial.rng.integers(1, room + 1, int(trial.rng.integers(20, 60))).tolist() if case else [6, 5, 4, 3, 2]
        rows = trial.call(lengths, room)
        if not isinstance(rows, list | tuple) or not all(isinstance(row, list | tuple) for row in rows):
            raise Wrong(f"expected a list of rows, each a list of indices; came {show(rows)}")
        found = sorted(int(index) for row in rows for index in row)
        if found != list(range(len(lengths))):
            hint = "give indices, not lengths." if sorted(found) == sorted(lengths) else ""
            raise Wrong(f"each index must occur exactly once; tried with: {trial.described}", hint)
        full = [sum(lengths[index] for index in row) for row in rows]
        if max(full) > room:
            raise Wrong(f"a row has {max(full)} tokens, and room for {room}; tried with: {trial.described}")
        if any(not row for row in rows):
            raise Wrong("a row is empty")
        best = len(pack(lengths, room))
        if len(rows) > best + (max(1, best // 20) if case else 0):
            hint = "take the longest first, and put each into the fullest row that still has room."
            raise Wrong(f"{len(rows)} rows, where {best} will do; tried with: {trial.described}", hint)


CHECKS = {
    "layer_flops": against(
        "shape {'vocab_size', 'hidden_size', 'num_hidden_layers', 'intermediate_size'}, batch, length -> operations "
        "of a "
        "forward pass {'projections', 'attention', 'feed-forward'} over all layers",
        _layer_flops,
        _layer_cases,
        mistakes=(
            (_changed(_three_matrices), "there are four projections: query, key, value and output."),
            (_changed(_scores_alone), "attention has two products: the scores, and the weighted sum of the values."),
            (_changed(_no_square), "every token looks at every token: T · T · D."),
            (_changed(_one_layer), "these are of one layer."),
            (_changed(_always_four), "the inner width is given; it is not always 4 · D."),
            (_changed(lambda name, value, *_: value // 2), "a multiplication and an addition are two operations."),
        ),
    ),
    "utilisation": against(
        "shape, batch, length, selected, seconds of a training step, peak (operations a second) -> share of the "
        "peak, 0 to 1",
        _utilisation,
        _steps,
        mistakes=(
            (_forward_alone, "a training step is a forward and a backward pass: three times the forward one."),
            (_all_through_the_head, "only the selected tokens pass through the MLM head."),
            (_no_head, "the heads are missing: the vocabulary is a large matrix."),
            (_in_percent, "a share from 0 to 1 is asked for, not percent."),
            (_upside_down, "yours is upside down."),
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
        ),
    ),
    "pack": Check(
        "lengths, room -> rows (lists of indices), each with at most `room` tokens, as few as you can", _judge_pack
    ),
    "attention_share": number(
        "percent, to three significant digits",
        lambda rng: {"T": int(rng.integers(1, 9)) * 128, "D": int(rng.integers(4, 17)) * 64},
        "A layer of width D = {D} and inner width 4·D at T = {T} tokens: how many percent of its forward operations "
        "are "
        "attention (scores and weighted sum: 4·T²·D of 24·T·D² + 4·T²·D)?",
        lambda T, D: 100 * 4 * T / (24 * D + 4 * T),
        rel_tol=5e-3,
        mistakes=(
            (lambda T, D: 100 * 4 * T / (24 * D), "divide by all operations, attention's included."),
            (lambda T, D: 100 * 2 * T / (24 * D + 2 * T), "two products: scores and weighted sum."),
        ),
    ),
    "training_memory": number(
        "gigabytes (10⁹ bytes), to three significant digits",
        lambda rng: {"P": int(rng.integers(10, 400))},
        "Weights, gradients and AdamW's two moments in 32 bits each: how many gigabytes do {P} million parameters "
        "take?",
        lambda P: 16 * P / 1000,
        rel_tol=5e-3,
        mistakes=(
            (lambda P: 4 * P / 1000, "those are the weights alone."),
            (lambda P: 8 * P / 1000, "AdamW keeps two moments for each parameter as well."),
            (lambda P: 12 * P / 1000, "AdamW has two moments."),
            (lambda P: 128 * P / 1000, "those are bits."),
        ),
    ),
}
