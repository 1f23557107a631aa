"""Checks of the lesson on small models and a service (Hinton et al., 2015; Jacob et al., 2018)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from bertcourse.checks.engine import against, number

# --------------------------------------------------------------------------------------------------------- references


def _frontier(sizes: list[float], scores: list[float]) -> list[int]:
    return _not_beaten(lambda a, b: a[0] <= b[0] and a[1] >= b[1] and a != b)(sizes, scores)


def _distil_loss(student: Tensor, teacher: Tensor, labels: Tensor, temperature: float, alpha: float) -> Tensor:
    return _mixed()(student, teacher, labels, temperature, alpha)


def _head_bytes(width: int, heads: int, gone: int) -> int:
    kept = (heads - gone) * width // heads
    return 4 * (3 * (kept * width + kept) + width * kept + width)


def _quantize(weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return _in_rows()(weight)


def _int8_linear(
    x: np.ndarray, zero: int, scale: float, q: np.ndarray, scales: np.ndarray, bias: np.ndarray
) -> np.ndarray:
    return _rescaled((x.astype(np.int64) - zero) @ q.astype(np.int64).T, scale, scales, bias)


def _waits(arrivals: list[float], takes: list[float]) -> list[float]:
    return _queued(lambda free, arrival: max(free, arrival))(arrivals, takes)


def _batches(arrivals: list[float], most: int, base: float, each: float) -> list[list[int]]:
    return _served()(arrivals, most, base, each)


def _permutation_p(distance: Callable, reference: np.ndarray, new: np.ndarray, orders: list[list[int]]) -> float:
    return _shuffled()(distance, reference, new, orders)


def _alerts(p: list[float], effects: list[float], level: float, in_a_row: int, least: float) -> list[bool]:
    return _in_runs()(p, effects, level, in_a_row, least)


# ------------------------------------------------------------------------------------------------ families of answers


def _not_beaten(beats: Callable) -> Callable:
    def frontier(sizes, scores):
        models = list(zip(sizes, scores, strict=True))
        return [n for n, one in enumerate(models) if not any(beats(other, one) for other in models)]

    return frontier


def _mixed(
    factor: Callable = lambda t: t * t,
    soft: Callable | None = None,
    of_teacher: Callable = lambda t: t,
    of_student: Callable = lambda t: t,
    of_labels: Callable = lambda t: 1.0,
    whole: bool = False,
    swapped: bool = False,
) -> Callable:
    def soft_loss(wrong: Tensor, right: Tensor) -> Tensor:
        return F.kl_div(wrong.log_softmax(-1), right.softmax(-1), reduction="batchmean")

    def loss(student, teacher, labels, temperature, alpha):
        soft_part = (soft or soft_loss)(student / of_student(temperature), teacher / of_teacher(temperature))
        hard_part = F.cross_entropy(student / of_labels(temperature), labels)
        share = 1 - alpha if swapped else alpha
        if whole:
            return factor(temperature) * (share * soft_part + (1 - share) * hard_part)
        return share * factor(temperature) * soft_part + (1 - share) * hard_part

    return loss


def _in_rows(most: Callable = lambda size, axis: size.max(axis=axis), steps: float = 127, to: Callable = np.rint):
    def quantize(weight):
        largest = most(np.abs(weight), 1)
        scales = np.where(largest > 0, largest / steps, 1.0)
        return to(weight / scales[:, None]).astype(np.int8), scales

    return quantize


def _rescaled(sums: np.ndarray, scale: float, scales: np.ndarray, bias: np.ndarray) -> np.ndarray:
    return sums * (scale * scales) + bias


def _queued(begins: Callable, told: Callable = lambda finished, begun, arrival: finished - arrival) -> Callable:
    def waits(arrivals, takes):
        free, found = 0.0, []
        for arrival, take in zip(arrivals, takes, strict=True):
            begun = begins(free, arrival)
            free = begun + take
            found.append(told(free, begun, arrival))
        return found

    return waits


def _served(
    waiting: Callable = lambda here, most: here[:most],
    takes: Callable = lambda base, each, many: base + each * many,
    begins: Callable = lambda clock, arrival, last: max(clock, arrival),
    at: bool = True,
) -> Callable:
    def batches(arrivals, most, base, each):
        clock, done, found = 0.0, 0, []
        while done < len(arrivals):
            last = arrivals[min(done + most, len(arrivals)) - 1]
            clock = begins(clock, arrivals[done], last)
            here = [n for n in range(done, len(arrivals)) if arrivals[n] < clock or (at and arrivals[n] == clock)]
            here = waiting(here or [done], most)
            found.append(here)
            done += len(here)
            clock += takes(base, each, len(here))
        return found

    return batches


def _shuffled(
    counts: Callable = lambda drawn, seen: drawn >= seen,
    chance: Callable = lambda many, draws: (1 + many) / (1 + draws),
    parts: Callable = lambda pooled, order, n: (pooled[order[:n]], pooled[order[n:]]),
) -> Callable:
    def permutation_p(distance, reference, new, orders):
        pooled, n = np.concatenate([reference, new]), len(reference)
        seen = distance(reference, new)
        drawn = [distance(*parts(pooled, np.asarray(order), n)) for order in orders]
        return chance(sum(bool(counts(one, seen)) for one in drawn), len(drawn))

    return permutation_p


def _in_runs(
    notable: Callable = lambda p, effect, level, least: p <= level and effect >= least,
    at: Callable = lambda run, in_a_row: run >= in_a_row,
    broken: bool = True,
    again: bool = False,
) -> Callable:
    def alerts(p, effects, level, in_a_row, least):
        run, found = 0, []
        for one, effect in zip(p, effects, strict=True):
            if notable(one, effect, level, least):
                run += 1
            elif broken:
                run = 0
            found.append(at(run, in_a_row) and (broken or notable(one, effect, level, least)))
            if again and found[-1]:
                run = 0
        return found

    return alerts


# -------------------------------------------------------------------------------------------------------------- cases


def _models(rng):
    yield [110.0, 66.0, 22.0], [84.0, 82.0, 75.0]
    yield [110.0, 66.0, 70.0], [84.0, 82.0, 81.0]  # the third is larger than the second, and worse
    yield [10.0, 10.0, 20.0], [70.0, 72.0, 72.0]  # as large, or as good
    yield [10.0, 10.0, 30.0], [70.0, 70.0, 65.0]  # two that are alike
    yield [5.0], [50.0]
    yield [40.0, 30.0, 20.0, 10.0], [61.0, 62.0, 63.0, 64.0]  # smaller is better
    yield [10.0, 12.0, 12.0, 10.0], [60.0, 60.0, 70.0, 58.0]
    for size in (4, 5, 6, 7, 8, 9):
        yield (
            [float(one) for one in rng.integers(1, 8, size) * 10],
            [float(one) for one in rng.integers(60, 70, size)],
        )


def _two_models(rng):
    def drawn(rows, classes, temperature, alpha):
        # the student is put at a distance, or the parts of the loss would be too small to be told apart
        student, teacher = (torch.from_numpy(rng.normal(0, 2, (rows, classes)).round(2)).float() for _ in range(2))
        return student, teacher, torch.from_numpy(rng.integers(0, classes, rows)), temperature, alpha

    yield torch.tensor([[2.0, 0.0]]), torch.tensor([[0.0, 1.0]]), torch.tensor([0]), 2.0, 0.5
    yield (
        torch.tensor([[1.0, 0.0, -1.0], [0.0, 2.0, 0.0]]),
        torch.tensor([[4.0, 1.0, 0.0], [0.0, 3.0, 1.0]]),
        torch.tensor([0, 2]),
        3.0,
        0.7,
    )
    yield drawn(4, 3, 1.0, 0.5)
    yield drawn(3, 3, 4.0, 1.0)
    yield drawn(3, 5, 2.0, 0.0)
    for rows, classes in ((2, 2), (2, 3), (5, 3), (4, 6), (8, 3)):
        yield drawn(rows, classes, float(rng.choice([1.5, 2.0, 4.0, 5.0])), float(rng.choice([0.3, 0.6, 0.9])))


def _weights(rng):
    yield (np.array([[1.27, -0.4, 0.05], [0.0, 0.26, -2.54]]),)
    yield (np.array([[0.3, -0.9], [0.001, 0.002], [5.0, 4.1]]),)  # rows of other sizes
    yield (np.array([[0.0, 0.0], [1.0, -0.5]]),)  # nothing in a row
    yield (np.array([[-3.0, 1.1, 0.7]]),)  # the largest is below 0
    for rows, columns in ((2, 3), (3, 2), (3, 4), (4, 6), (5, 8)):
        yield (rng.normal(0, 0.5, (rows, columns)) * rng.choice([0.1, 1.0, 3.0], (rows, 1)),)


def _integers(rng):
    def drawn(texts, wide, out, large=False):
        x = rng.integers(200 if large else 0, 256, (texts, wide)).astype(np.uint8)
        q = rng.integers(100 if large else -127, 128, (out, wide)).astype(np.int8)
        scales = (rng.integers(1, 9, out) / 1024).astype(float)
        return x, int(rng.integers(1, 200)), float(rng.integers(1, 9) / 256), q, scales, rng.normal(0, 1, out).round(2)

    x, q = np.array([[200, 3]], dtype=np.uint8), np.array([[100, -5], [-127, 2]], dtype=np.int8)
    yield x, 10, 0.5, q, np.array([0.25, 0.5]), np.array([1.0, -2.0])
    yield drawn(2, 3, 2)
    yield drawn(1, 6, 3, large=True)  # sums that no 16 bits hold
    yield drawn(3, 2, 4)
    yield (
        np.array([[255, 255]], dtype=np.uint8),
        0,
        0.25,
        np.array([[127, 127]], dtype=np.int8),
        np.array([0.5]),
        np.array([0.0]),
    )
    for texts, wide, out in ((2, 4, 3), (1, 8, 2), (4, 3, 5), (3, 16, 2)):
        yield drawn(texts, wide, out, large=bool(rng.random() < 0.4))


def _requests(rng):
    yield [0.0, 1.0, 2.0, 3.0], [0.5, 2.5, 0.5, 0.5]
    yield [0.0, 0.0, 0.0], [1.0, 1.0, 1.0]  # all at once
    yield [1.0, 5.0], [0.5, 0.25]  # nobody waits
    yield [0.0, 1.0, 1.0, 4.0, 4.5], [3.0, 0.5, 0.5, 0.5, 0.5]  # one pause, and who comes while it lasts
    for size in (4, 5, 6, 8, 10):
        yield (np.cumsum(rng.integers(0, 5, size)) / 4).tolist(), (rng.integers(1, 9, size) / 4).tolist()


def _streams(rng):
    yield [0.0, 0.25, 0.5, 3.0], 4, 1.0, 0.0
    yield [0.0, 0.0, 0.0, 0.0, 0.0], 2, 1.0, 0.0  # more wait than fit
    yield [0.0, 5.0], 4, 1.0, 0.0  # nobody is waited for
    yield [2.0, 2.25, 3.5, 3.75], 8, 1.0, 0.25  # the clock does not begin with the first request
    yield [0.0, 0.5, 1.0, 1.5, 2.0], 3, 0.5, 0.5
    yield [0.0, 1.0, 1.0, 2.0], 4, 1.0, 0.0  # just as the worker becomes free
    for size in (5, 6, 7, 8, 9, 12):
        arrivals = (np.cumsum(rng.integers(0, 4, size)) / 4).tolist()
        yield arrivals, int(rng.integers(2, 5)), float(rng.integers(1, 5) / 4), float(rng.integers(0, 3) / 4)


def gap(one: np.ndarray, other: np.ndarray) -> float:
    """How far the means of two samples are apart."""
    return float(abs(np.mean(one) - np.mean(other)))


def _samples(rng):
    def drawn(n, m, draws, shift):
        orders = [rng.permutation(n + m).tolist() for _ in range(draws)]
        return gap, rng.integers(0, 9, n), rng.integers(0, 9, m) + shift, orders

    yield gap, np.array([1, 2]), np.array([5, 8]), [[0, 2, 1, 3], [3, 2, 1, 0], [1, 3, 0, 2]]
    yield gap, np.array([4, 4, 5]), np.array([4]), [[3, 1, 2, 0], [0, 1, 2, 3], [2, 3, 0, 1], [0, 3, 1, 2]]
    yield drawn(4, 2, 5, 3)
    yield gap, np.array([0, 1, 2]), np.array([20, 21, 22]), [[0, 3, 1, 4, 2, 5], [5, 1, 2, 3, 4, 0]]  # none as far
    for n, m, draws in ((3, 3, 6), (5, 3, 8), (4, 6, 9), (6, 4, 12), (5, 5, 15)):
        yield drawn(n, m, draws, int(rng.integers(0, 5)))


def _windows(rng):
    yield [0.5, 0.01, 0.02, 0.03, 0.4], [0.1, 0.3, 0.4, 0.5, 0.2], 0.05, 2, 0.25
    yield [0.01, 0.01, 0.01, 0.01], [0.5, 0.5, 0.5, 0.5], 0.05, 2, 0.25  # twice
    yield [0.01, 0.01, 0.5, 0.01], [0.5, 0.5, 0.5, 0.5], 0.05, 3, 0.25  # broken off
    yield [0.01, 0.01], [0.1, 0.1], 0.05, 2, 0.25  # surely there, and too small to matter
    yield [0.05, 0.05], [0.25, 0.25], 0.05, 2, 0.25  # just at both
    yield [0.3, 0.2, 0.01], [0.9, 0.9, 0.9], 0.05, 1, 0.25
    yield [0.01, 0.3, 0.01, 0.01, 0.01], [0.3, 0.3, 0.3, 0.2, 0.3], 0.05, 2, 0.25
    for size in (6, 8, 10, 12, 16):
        p = rng.choice([0.01, 0.03, 0.05, 0.2, 0.6], size, p=(0.3, 0.25, 0.15, 0.15, 0.15)).tolist()
        effects = rng.choice([0.1, 0.2, 0.25, 0.4], size, p=(0.1, 0.15, 0.35, 0.4)).tolist()
        yield p, effects, 0.05, int(rng.integers(2, 4)), 0.25


# ---------------------------------------------------------------------------------------------- a step of distillation

STEP = (  # the first two lines stand before the loop over batches, the others in it
    "optimizer = torch.optim.AdamW(student.parameters(), lr=3e-4)",
    "teacher.eval(); student.train()",
    "with torch.no_grad(): target = teacher(**texts).logits",
    "scores = student(**texts).logits",
    'soft = F.kl_div(F.log_softmax(scores / T, -1), F.softmax(target / T, -1), reduction="batchmean")',
    "loss = alpha * T**2 * soft + (1 - alpha) * F.cross_entropy(scores, labels)",
    "optimizer.zero_grad(); loss.backward(); optimizer.step()",
)
STEP_FAULTS = (
    "optimizer = torch.optim.AdamW(teacher.parameters(), lr=3e-4)",
    "teacher.train(); student.train()",
    "target = teacher(**texts).logits",
    "with torch.no_grad(): scores = student(**texts).logits",
    'soft = F.kl_div(F.softmax(scores / T, -1), F.softmax(target / T, -1), reduction="batchmean")',
    "loss = alpha * soft + (1 - alpha) * F.cross_entropy(scores, labels)",
    "optimizer.zero_grad(); optimizer.step(); loss.backward()",
)
STEP_LEADS = (
    "whose weights are meant to move?",
    "does the same batch get the same targets twice?",
    "for what are the values in between kept, where nothing is to be learned?",
    "along which way does the student learn of its loss?",
    "what does kl_div take as its first argument: probabilities, or their logarithms?",
    "by what do the gradients of the soft part shrink as the temperature rises?",
    "which gradients are there when the optimizer uses them?",
)


def _at_fault(code: str) -> int:
    """The number of the line that is another one than it should be."""
    return 1 + next(n for n, line in enumerate(code.splitlines()) if line != f"{n + 1}  {STEP[n]}")


def _faulty_step(rng: np.random.Generator) -> dict[str, str]:
    at = int(rng.integers(len(STEP)))
    lines = [*STEP[:at], STEP_FAULTS[at], *STEP[at + 1 :]]
    return {"code": "\n".join(f"{n}  {line}" for n, line in enumerate(lines, start=1))}


# ---------------------------------------------------------------------------------------------------- known mistakes


def _best_score(sizes, scores):
    return [n for n, score in enumerate(scores) if score == max(scores)]


def _first_best(sizes, scores):
    return [list(scores).index(max(scores))]


def _smallest(sizes, scores):
    return [n for n, size in enumerate(sizes) if size == min(sizes)]


def _by_size(sizes, scores):
    return sorted(_frontier(sizes, scores), key=lambda n: (sizes[n], n))


def _one_of_each(sizes, scores):
    models = list(zip(sizes, scores, strict=True))
    return [n for n in _frontier(sizes, scores) if models.index(models[n]) == n]


def _beaten(sizes, scores):
    kept = _frontier(sizes, scores)
    return [n for n in range(len(sizes)) if n not in kept]


def _turned(student: Tensor, teacher: Tensor) -> Tensor:
    return F.kl_div(teacher.log_softmax(-1), student.softmax(-1), reduction="batchmean")


def _of_elements(student: Tensor, teacher: Tensor) -> Tensor:
    return F.kl_div(student.log_softmax(-1), teacher.softmax(-1), reduction="none").mean()


def _summed(student: Tensor, teacher: Tensor) -> Tensor:
    return F.kl_div(student.log_softmax(-1), teacher.softmax(-1), reduction="sum")


def _no_logs(student: Tensor, teacher: Tensor) -> Tensor:
    return F.kl_div(student.softmax(-1), teacher.softmax(-1), reduction="batchmean")


def _cross_entropy_of_both(student: Tensor, teacher: Tensor) -> Tensor:
    return -(teacher.softmax(-1) * student.log_softmax(-1)).sum(-1).mean()


def _distance_of_logits(student: Tensor, teacher: Tensor) -> Tensor:
    return ((student - teacher) ** 2).mean()


def _one_scale(weight):
    largest = np.abs(weight).max()
    scale = largest / 127 if largest else 1.0
    return np.rint(weight / scale).astype(np.int8), np.full(len(weight), scale)


def _no_sign(weight):
    largest = weight.max(axis=1)
    scales = np.where(largest > 0, largest / 127, 1.0)
    return np.clip(np.rint(weight / scales[:, None]), -127, 127).astype(np.int8), scales


def _scales_turned(weight):
    q, scales = _quantize(weight)
    return q, 1 / scales


def _scales_as_column(weight):
    q, scales = _quantize(weight)
    return q, scales[:, None]


def _with_zero_point(weight):
    low, high = weight.min(axis=1), weight.max(axis=1)
    scales = np.where(high > low, (high - low) / 255, 1.0)
    return (np.rint((weight - low[:, None]) / scales[:, None]) - 128).astype(np.int8), scales


def _came_back(weight):
    q, scales = _quantize(weight)
    return q * scales[:, None], scales


def _sixteen_bits(x, zero, scale, q, scales, bias):
    return _rescaled(((x.astype(np.int16) - np.int16(zero)) @ q.astype(np.int16).T), scale, scales, bias)


def _as_they_come(x, zero, scale, q, scales, bias):
    with np.errstate(over="ignore"):
        return _rescaled(x @ q.T - np.int64(zero) * q.astype(np.int64).sum(axis=1), scale, scales, bias)


def _eight_bits(x, zero, scale, q, scales, bias):
    return _rescaled(
        (x.astype(np.int64) - zero).astype(np.int8).astype(np.int64) @ q.astype(np.int64).T, scale, scales, bias
    )


def _unsigned(x, zero, scale, q, scales, bias):
    less = (x.astype(np.int64) - zero).astype(np.uint8).astype(np.int64)
    return _rescaled(less @ q.astype(np.int64).T, scale, scales, bias)


def _no_zero(x, zero, scale, q, scales, bias):
    return _rescaled(x.astype(np.int64) @ q.astype(np.int64).T, scale, scales, bias)


def _zero_added(x, zero, scale, q, scales, bias):
    return _rescaled((x.astype(np.int64) + zero) @ q.astype(np.int64).T, scale, scales, bias)


def _zero_once(x, zero, scale, q, scales, bias):
    return _rescaled(x.astype(np.int64) @ q.astype(np.int64).T - zero, scale, scales, bias)


def _only_weights_scaled(x, zero, scale, q, scales, bias):
    return _rescaled((x.astype(np.int64) - zero) @ q.astype(np.int64).T, 1.0, scales, bias)


def _only_x_scaled(x, zero, scale, q, scales, bias):
    return _rescaled((x.astype(np.int64) - zero) @ q.astype(np.int64).T, scale, np.ones(len(q)), bias)


def _bias_scaled(x, zero, scale, q, scales, bias):
    return ((x.astype(np.int64) - zero) @ q.astype(np.int64).T + bias) * (scale * scales)


def _no_bias(x, zero, scale, q, scales, bias):
    return _rescaled((x.astype(np.int64) - zero) @ q.astype(np.int64).T, scale, scales, 0.0)


def _ideal(arrivals, takes):
    return list(takes)


def _before_it_begins(arrivals, takes):
    return _queued(lambda free, arrival: max(free, arrival), lambda finished, begun, arrival: begun - arrival)(
        arrivals, takes
    )


def _when_it_ends(arrivals, takes):
    return _queued(lambda free, arrival: max(free, arrival), lambda finished, begun, arrival: finished)(arrivals, takes)


def _never_idle(arrivals, takes):
    return _queued(lambda free, arrival: free)(arrivals, takes)


def _only_the_one_before(arrivals, takes):
    found = []
    for n, (arrival, take) in enumerate(zip(arrivals, takes, strict=True)):
        ended = arrivals[n - 1] + takes[n - 1] if n else 0.0
        found.append(max(ended, arrival) + take - arrival)
    return found


def _shuffles_reference(distance, reference, new, orders):
    n, half = len(reference), max(1, len(reference) // 2)
    seen, drawn = distance(reference, new), []
    for order in orders:
        own = reference[[place for place in order if place < n]]
        drawn.append(distance(own[:half], own[half:] if len(own) > half else own[:half]))
    return (1 + sum(one >= seen for one in drawn)) / (1 + len(drawn))


CHECKS = {
    "frontier": against(
        "numbers of models, ascending",
        _frontier,
        _models,
        printed=0,
        mistakes=(
            (_best_score, "that is the best alone: a smaller one that is worse may still be the best of its size."),
            (_first_best, "that is the best alone: a smaller one that is worse may still be the best of its size."),
            (_smallest, "that is the smallest alone: a larger one that is better stays, too."),
            (
                _not_beaten(lambda a, b: a[0] < b[0] and a[1] > b[1]),
                "as large and worse, or as good and larger, is beaten as well: one of the two may be equal.",
            ),
            (
                _not_beaten(lambda a, b: a[0] < b[0] and a[1] >= b[1]),
                "of two of one size the worse one is beaten.",
            ),
            (
                _not_beaten(lambda a, b: a[0] <= b[0] and a[1] > b[1]),
                "of two that are as good the larger one is beaten.",
            ),
            (_one_of_each, "two that are alike do not beat each other: both stay."),
            (_by_size, "numbers of models, ascending; not in the order of their sizes."),
            (_beaten, "those that are beaten are left out, not listed."),
        ),
        shrink=False,
    ),
    "distil_loss": against(
        "the loss, a number: the mean over the batch",
        _distil_loss,
        _two_models,
        printed=0,
        mistakes=(
            (_mixed(factor=lambda t: 1.0), "T² is missing: the soft part's gradient shrinks by it."),
            (_mixed(factor=lambda t: t), "the factor is T², not T: once for the loss's slope, once for its size."),
            (_mixed(factor=lambda t: 1 / (t * t)), "times T², not divided by it."),
            (_mixed(whole=True), "T² belongs to the soft part alone; the labels' loss knows no temperature."),
            (_mixed(soft=_turned), "the arguments are swapped: the teacher's distribution is the one averaged over."),
            (_mixed(soft=_of_elements), "a mean over texts, not over texts and classes."),
            (_mixed(soft=_summed), "a mean over the batch, not a sum."),
            (_mixed(soft=_no_logs), "kl_div takes logarithms first: probabilities stand there."),
            (_mixed(soft=_cross_entropy_of_both), "that is KL and the teacher's entropy: take that away."),
            (_mixed(soft=_distance_of_logits), "that is the distance of logits; KL compares distributions."),
            (_mixed(of_teacher=lambda t: 1.0), "the teacher's logits are divided by T as well."),
            (_mixed(of_student=lambda t: 1.0), "the student's logits are divided by T as well."),
            (_mixed(of_labels=lambda t: t), "the labels' loss is at temperature 1."),
            (_mixed(swapped=True), "alpha is the share of the soft part."),
        ),
        shrink=False,
    ),
    "wrong_line": number(
        "the number of the wrong line",
        _faulty_step,
        "Lines 1 and 2 stand before the loop over batches, the others in it. "
        "One is wrong or wasteful. Which?\n\n{code}",
        _at_fault,
        noun="line",
        lead=lambda code: STEP_LEADS[_at_fault(code) - 1],
        kinds=len(STEP),
    ),
    "head_bytes": number(
        "bytes, a whole number",
        lambda rng: {
            "width": 32 * (heads := int(rng.choice([6, 8, 12]))),
            "heads": heads,
            "gone": int(rng.choice([n for n in range(2, heads - 1) if 2 * n != heads])),
        },
        "An attention block of width {width} has {heads} heads, and query, key, value and output, each with a bias, in "
        "float32. {gone} heads are taken out for good: their rows of query, key and value, and their columns of "
        "the output. How many bytes do the four matrices and their biases take then?",
        _head_bytes,
        mistakes=(
            (
                lambda width, heads, gone: 16 * (width * width + width),
                "that is what they took before: heads that are gone for good take their rows and columns along.",
            ),
            (
                lambda width, heads, gone: 16 * ((heads - gone) * width // heads) * width,
                "the biases are missing: of query, key and value what is left, of the output all of it.",
            ),
            (
                lambda width, heads, gone: (
                    4 * (3 * ((heads - gone) * width // heads) * (width + 1) + width * width + width)
                ),
                "the output's columns go, too: nothing comes from those heads any more.",
            ),
            (
                lambda width, heads, gone: 16 * ((heads - gone) * width // heads) * (width + 1),
                "the output still gives the whole width: its bias stays whole.",
            ),
            (
                lambda width, heads, gone: _head_bytes(width, heads, gone) // 4,
                "that is how many numbers; each takes four bytes.",
            ),
            (
                lambda width, heads, gone: (
                    16 * (((heads - gone) * width // heads) ** 2 + (heads - gone) * width // heads)
                ),
                "one side of each matrix shrinks: the other is as wide as the hidden states.",
            ),
            (
                lambda width, heads, gone: _head_bytes(width, heads, heads - gone),
                "that is what the heads that are gone would take.",
            ),
        ),
    ),
    "quantize": against(
        "(q, scales): whole numbers of type int8 (O, I), and a scale for each row (O,)",
        _quantize,
        _weights,
        printed=0,
        mistakes=(
            (_one_scale, "each row has a scale of its own."),
            (
                _in_rows(
                    most=lambda size, axis: size.max() if size.ndim < 2 else np.resize(size.max(axis=0), len(size))
                ),
                "a scale for each row: the largest along the row.",
            ),
            (_in_rows(steps=128), "the largest becomes 127: 128 is no int8."),
            (_in_rows(steps=255), "the largest becomes 127; 255 is for numbers without a sign."),
            (_in_rows(to=np.trunc), "round to the nearest: astype alone cuts off."),
            (_in_rows(to=np.floor), "round to the nearest, not down."),
            (_no_sign, "the largest by its size: a weight below 0 may be it."),
            (_scales_turned, "the scale is what one step is worth: q times scale gives the weights back."),
            (_scales_as_column, "scales of the shape (O,)."),
            (_with_zero_point, "weights are symmetric: 0 stays 0, without a zero point."),
            (_came_back, "whole numbers are asked for, not the weights that come back from them."),
        ),
        shrink=False,
    ),
    "int8_linear": against(
        "floats (N, O)",
        _int8_linear,
        _integers,
        printed=0,
        mistakes=(
            (_sixteen_bits, "sums of 8-bit products leave 16 bits: add up in 32."),
            (_as_they_come, "numpy keeps uint8 times int8 in 16 bits, which overflow: convert to int32 first."),
            (_eight_bits, "x minus zero does not fit into 8 bits: convert first, then subtract."),
            (_unsigned, "x minus zero may be below 0, which uint8 does not know: convert first, then subtract."),
            (_no_zero, "x stands for scale · (x − zero): zero is missing."),
            (_zero_added, "zero is taken away, not added."),
            (_zero_once, "zero is taken from each number of x, before the product."),
            (_only_weights_scaled, "x has a scale as well."),
            (_only_x_scaled, "each row of the weights has its scale."),
            (_bias_scaled, "the bias is a float already: rescale first, then add it."),
            (_no_bias, "the bias is missing."),
        ),
        shrink=False,
    ),
    "waits": against(
        "seconds for each request, from its arrival to its answer",
        _waits,
        _requests,
        printed=0,
        mistakes=(
            (_ideal, "that is what the server works on it: whoever comes while it works waits before that."),
            (_before_it_begins, "until the answer, not until its turn: the work itself counts."),
            (_when_it_ends, "seconds since the arrival, not the time of the answer."),
            (_never_idle, "nothing begins before it has arrived."),
            (_only_the_one_before, "the one before may have waited itself: keep the time at which the server is free."),
        ),
        shrink=False,
    ),
    "batches": against(
        "a list of batches, each a list of request numbers",
        _batches,
        _streams,
        printed=0,
        mistakes=(
            (
                _served(begins=lambda clock, arrival, last: max(clock, last)),
                "nobody waits for a batch to fill: a free worker takes what is there.",
            ),
            (_served(waiting=lambda here, most: here), "at most `most` requests fit into a batch."),
            (_served(waiting=lambda here, most: here[:1]), "a free worker takes all that wait, up to `most`."),
            (
                _served(takes=lambda base, each, many: base),
                "a batch takes base + each · n: larger ones take longer.",
            ),
            (
                _served(takes=lambda base, each, many: (base + each) * many),
                "base is there once a batch, not once a request: that is what batches are for.",
            ),
            (_served(takes=lambda base, each, many: 0.0), "while a batch computes, the next requests wait."),
            (_served(at=False), "who arrives just as the worker becomes free is there."),
        ),
        shrink=False,
    ),
    "permutation_p": against(
        "a number, above 0 and at most 1",
        _permutation_p,
        _samples,
        printed=0,
        mistakes=(
            (
                _shuffles_reference,
                "that null knows the reference alone: shuffle both samples together, or new texts are news by nature.",
            ),
            (
                _shuffled(chance=lambda many, draws: many / draws),
                "the order that was seen is one of the possible ones: count it, above and below the line.",
            ),
            (
                _shuffled(chance=lambda many, draws: (1 + many) / draws),
                "count the order that was seen above and below the line.",
            ),
            (_shuffled(counts=lambda drawn, seen: drawn > seen), "as far apart counts as well: ≥."),
            (
                _shuffled(counts=lambda drawn, seen: drawn < seen),
                "count the orders that are as far apart or farther, not those that are nearer.",
            ),
            (
                _shuffled(
                    parts=lambda pooled, order, n: (pooled[order[: len(order) // 2]], pooled[order[len(order) // 2 :]])
                ),
                "the parts are as large as the samples were, not two halves.",
            ),
            (
                _shuffled(parts=lambda pooled, order, n: (pooled[:n], pooled[order[n:]])),
                "both parts come from the shuffled sample.",
            ),
        ),
        shrink=False,
    ),
    "alerts": against(
        "a truth value for each window",
        _alerts,
        _windows,
        printed=0,
        mistakes=(
            (
                _in_runs(lambda p, effect, level, least: p <= level),
                "a sure but tiny difference is no alarm: the effect has to be at least `least`.",
            ),
            (
                _in_runs(lambda p, effect, level, least: effect >= least),
                "a large difference may be chance: p has to be at most the level.",
            ),
            (
                _in_runs(lambda p, effect, level, least: p <= level or effect >= least),
                "both at once, not one of the two.",
            ),
            (
                _in_runs(lambda p, effect, level, least: p < level and effect > least),
                "at the level, or at `least`, counts.",
            ),
            (_in_runs(again=True), "as long as the row goes on, the alert stays on."),
            (
                _in_runs(lambda p, effect, level, least: p <= level and effect >= least, lambda run, many: run == many),
                "as long as the row goes on, the alert stays on.",
            ),
            (_in_runs(broken=False), "in a row: a quiet window between them begins the count anew."),
            (
                _in_runs(at=lambda run, in_a_row: run >= 1),
                "not the first one: `in_a_row` of them, one behind the other.",
            ),
            (_in_runs(at=lambda run, in_a_row: run > in_a_row), "at the last of `in_a_row` windows, not one later."),
        ),
        shrink=False,
    ),
}
