"""Checks of the lesson on looking inside (Clark et al., 2019; Sundararajan et al., 2017)."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from bertcourse.checks.engine import Check, Trial, Wrong, against, floats, number


def _entropy(weights: Tensor) -> Tensor:
    return torch.special.entr(weights).sum(dim=-1)


def _share_at(weights: Tensor, offset: int) -> float:
    """Mean weight on the token `offset` places further on, over the queries that have one."""
    return float(weights.diagonal(offset, dim1=-2, dim2=-1).mean())


def _without_head(heads: Tensor, output: Tensor, bias: Tensor, head: int) -> Tensor:
    kept = heads.clone()
    kept[:, head] = 0
    return kept.transpose(1, 2).flatten(-2) @ output.T + bias


def _gradient_times_input(score: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    point = x.detach().clone().requires_grad_()
    (gradient,) = torch.autograd.grad(score(point), point)
    return (gradient * x).sum(dim=-1)


def _balanced_accuracy(gold: list[int], predicted: list[int]) -> float:
    from sklearn.metrics import recall_score

    return float(recall_score(gold, predicted, labels=sorted(set(gold)), average="macro"))


# ------------------------------------------------------------------------------------------------------------- cases


def _weights(rng, *shape: int) -> Tensor:
    return (3 * floats(rng, *shape)).softmax(dim=-1)


def _maps(rng):
    yield (torch.tensor([0.5, 0.5, 0.0]),)
    yield (torch.eye(4),)
    yield from ((_weights(rng, 2, 3, int(size), int(size)),) for size in rng.integers(2, 9, 4))


def _maps_and_offset(rng):
    yield torch.tensor([[0.2, 0.8], [0.7, 0.3]]), -1
    for offset in (-1, 1, -2, 0, 2):
        size = int(rng.integers(4, 9))
        yield _weights(rng, size, size), offset
    yield _weights(rng, 2, 3, 5, 5), -1


def _head_outputs(rng):
    for batch, heads, length, size in ((1, 2, 3, 2), (2, 3, 4, 2), (2, 4, 3, 3)):
        width = heads * size
        given = floats(rng, batch, heads, length, size), floats(rng, width, width), floats(rng, width)
        yield *given, int(rng.integers(heads))


def _functions(rng):
    yield lambda x: (x**2 * torch.tensor([1.0, -1.0, -1.0, -1.0])[: x.size(1)]).sum(), floats(rng, 5, 4)
    for length, size in ((2, 3), (4, 5), (3, 2)):
        matrix, vector = floats(rng, size, size), floats(rng, size)

        def score(x, matrix=matrix, vector=vector):
            return (torch.tanh(x @ matrix) @ vector).sum() + (x**2).prod(dim=0).sum()

        yield score, floats(rng, length, size)


def _uneven(rng):
    yield [0, 0, 0, 1], [0, 0, 0, 0]
    for _ in range(6):
        size = int(rng.integers(6, 40))
        yield rng.choice(3, size, p=[0.7, 0.2, 0.1]).tolist(), rng.integers(0, 3, size).tolist()


def _judge_integrated(trial: Trial) -> None:
    for score, x in _functions(trial.rng):
        baseline = torch.zeros_like(x) if trial.cases == 0 else 0.3 * floats(trial.rng, *x.shape)
        got = trial.call(score, x, baseline, 200)
        if not isinstance(got, Tensor) or got.shape != x.shape[:1]:
            shape = tuple(got.shape) if isinstance(got, Tensor) else type(got).__name__
            raise Wrong(f"expected a tensor {tuple(x.shape[:1])}, one number a token; came {shape}")
        change = float(score(x) - score(baseline))
        total = float(got.sum())
        steps = (torch.arange(2000) + 0.5) / 2000
        exact = _path(score, x, baseline, steps)
        if not torch.allclose(got.float(), exact, atol=0.03 * float(exact.abs().max()) + 1e-3):
            near = {
                "that is the gradient times the input at x alone: average the gradients along the path.": _path(
                    score, x, baseline, torch.ones(1)
                ),
                "multiply the mean gradient by x − baseline, not by x.": _path(score, x, baseline, steps, by=x),
                "the path begins at the baseline, not at zero.": _path(score, x, torch.zeros_like(x), steps),
                "the mean gradient is not multiplied by x − baseline.": _path(
                    score, x, baseline, steps, by=torch.ones_like(x)
                ),
                "divide the sum of the gradients by the number of steps.": 200 * exact,
            }
            close = 0.03 * float(exact.abs().max()) + 1e-3
            hint = next(
                (words for words, value in near.items() if torch.allclose(got.float(), value, rtol=0.03, atol=close)),
                "",
            )
            raise Wrong(
                f"completeness: the numbers must add up to the change of the score, {change:.4f}; they give "
                f"{total:.4f}",
                hint,
            )


def _path(score, x, baseline, steps, by=None) -> Tensor:
    total = torch.zeros_like(x)
    for share in steps[:: max(1, len(steps) // 300)].tolist():
        point = (baseline + share * (x - baseline)).detach().requires_grad_()
        total += torch.autograd.grad(score(point), point)[0]
    count = len(steps[:: max(1, len(steps) // 300)])
    return (total / count * (x - baseline if by is None else by)).sum(dim=-1)


# ---------------------------------------------------------------------------------------------------- known mistakes


def _nan_at_zero(weights):
    return -(weights * weights.log()).sum(-1)


def _in_bits(weights):
    return _entropy(weights) / math.log(2)


def _negative(weights):
    return -_entropy(weights)


def _over_queries(weights):
    return torch.special.entr(weights).sum(dim=-2 if weights.dim() > 1 else -1)


def _mean_of_terms(weights):
    return torch.special.entr(weights).mean(dim=-1)


def _other_direction(weights, offset):
    return _share_at(weights, -offset)


def _all_queries(weights, offset):
    diagonal = weights.diagonal(offset, dim1=-2, dim2=-1)
    return float(diagonal.sum(-1).mean() / weights.size(-1))


def _sum_alone(weights, offset):
    return float(weights.diagonal(offset, dim1=-2, dim2=-1).sum())


def _argmax_share(weights, offset):
    place = torch.arange(weights.size(-1))
    return float((weights.argmax(-1) == place + offset).float().mean())


def _next_head(heads, output, bias, head):
    return _without_head(heads, output, bias, (head + 1) % heads.size(1))


def _only_head(heads, output, bias, head):
    kept = torch.zeros_like(heads)
    kept[:, head] = heads[:, head]
    return kept.transpose(1, 2).flatten(-2) @ output.T + bias


def _bias_gone(heads, output, bias, head):
    return _without_head(heads, output, torch.zeros_like(bias), head)


def _head_to_mean(heads, output, bias, head):
    kept = heads.clone()
    kept[:, head] = heads[:, head].mean()
    return kept.transpose(1, 2).flatten(-2) @ output.T + bias


def _rows_of_output(heads, output, bias, head):
    size = heads.size(-1)
    kept = output.clone()
    kept[head * size : (head + 1) * size] = 0
    return heads.transpose(1, 2).flatten(-2) @ kept.T + bias


def _joined_untransposed(heads, output, bias, head):
    kept = heads.clone()
    kept[:, head] = 0
    batch, count, length, size = heads.shape
    return kept.reshape(batch, length, count * size) @ output.T + bias


def _gradient_alone(score, x):
    return _gradient_times_input(score, x) if not x.any() else _sensitivity(score, x).sum(-1)


def _sensitivity(score, x):
    point = x.detach().clone().requires_grad_()
    return torch.autograd.grad(score(point), point)[0]


def _gradient_norm(score, x):
    return _sensitivity(score, x).norm(dim=-1)


def _absolute(score, x):
    return _gradient_times_input(score, x).abs()


def _each_number(score, x):
    return _sensitivity(score, x) * x


def _mean_number(score, x):
    return (_sensitivity(score, x) * x).mean(dim=-1)


CHECKS = {
    "entropy": against(
        "weights (..., T), rows summing to 1 -> −Σ α log α over the last dimension, in nats; 0 · log 0 = 0",
        _entropy,
        _maps,
        mistakes=(
            (_nan_at_zero, "0 · log 0 is NaN for a computer: its limit is 0."),
            (_in_bits, "nats: the natural logarithm."),
            (_negative, "the minus is missing: entropy is not negative."),
            (_over_queries, "each query has its own entropy: sum over the keys, the last dimension."),
            (_mean_of_terms, "sum the terms, do not average them."),
        ),
    ),
    "share_at": against(
        "weights (..., T, T), offset (-1: the token before) -> mean weight on the token there, over queries that "
        "have one",
        _share_at,
        _maps_and_offset,
        mistakes=(
            (_other_direction, "that is the other direction: rows are queries, so -1 is the column before."),
            (_all_queries, "the first token has none before it: divide by the queries that do."),
            (_sum_alone, "a mean is asked for."),
            (_argmax_share, "how much weight, not how often it is the largest."),
        ),
    ),
    "without_head": against(
        "heads (B, H, T, d), output (D, D), bias (D,), head -> attention's output (B, T, D) with that head's part at "
        "zero",
        _without_head,
        _head_outputs,
        atol=1e-4,
        mistakes=(
            (_next_head, "another head is at zero: heads count from 0."),
            (_only_head, "that is the head alone; it is to be left out."),
            (_bias_gone, "the bias stays: it is no head's."),
            (_head_to_mean, "zero is asked for, not the mean."),
            (_rows_of_output, "a head's numbers meet the columns of the output matrix, (out, in)."),
            (_joined_untransposed, "join the heads token by token: transpose before you flatten."),
        ),
    ),
    "gradient_times_input": against(
        "score (a function of x), x (T, D) -> Σ_d gradient · x, one number a token (T,)",
        _gradient_times_input,
        _functions,
        atol=1e-4,
        mistakes=(
            (_gradient_alone, "that is the gradient: multiply by x."),
            (_gradient_norm, "that is the gradient's length."),
            (_absolute, "the sign says whether a token speaks for or against: keep it."),
            (_each_number, "sum over the last dimension: one number a token."),
            (_mean_number, "sum, do not average."),
        ),
    ),
    "integrated_gradients": Check(
        "score (a function of x), x (T, D), baseline (T, D), steps -> one number a token (T,), which add up to the "
        "change of "
        "the score",
        _judge_integrated,
    ),
    "balanced_accuracy": against(
        "gold, predicted (lists of classes) -> mean of the recalls of the classes that occur in gold",
        _balanced_accuracy,
        _uneven,
        mistakes=(
            (lambda gold, predicted: float(np.mean(np.equal(gold, predicted))), "that is plain accuracy."),
            (
                lambda gold, predicted: _balanced_accuracy(predicted, gold),
                "that is the mean precision: divide by gold.",
            ),
            (
                lambda gold, predicted: sum(
                    sum(g == p == c for g, p in zip(gold, predicted, strict=True)) / max(gold.count(c), 1)
                    for c in set(gold)
                ),
                "a mean is asked for.",
            ),
        ),
    ),
    "completeness": number(
        "percent, to three significant digits",
        lambda rng: {
            "a": int(rng.integers(20, 90)) / 10,
            "b": int(rng.integers(1, 15)) / 10,
            "s": int(rng.integers(20, 70)) / 10,
        },
        "A score is {a} for the text and {b} for the baseline; the attributions add up to {s}. How many percent of the "
        "change are missing (negative if there are too many)?",
        lambda a, b, s: 100 * (a - b - s) / (a - b),
        rel_tol=5e-3,
        mistakes=(
            (lambda a, b, s: 100 * (a - s) / a, "the change counts from the baseline's score."),
            (lambda a, b, s: 100 * s / (a - b), "that is the part that is there."),
        ),
    ),
}
