"""Checks of the lesson on tuning a little (Bergstra and Bengio, 2012; Dodge et al., 2019; Houlsby et al., 2019)."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from bertcourse.checks.engine import against, floats, number

# --------------------------------------------------------------------------------------------------------- references


def _rate(u: float, low: float, high: float) -> float:
    return low ** (1 - u) * high**u


def _expected_maximum(scores: Sequence[float], n: int) -> float:
    return _of_sorted(lambda place, size: (place / size) ** n - ((place - 1) / size) ** n)(scores, n)


def _reported(trials: Sequence[tuple[list[float], list[float]]]) -> float:
    return _by_place(lambda own, tests: tests[own.index(max(own))])(trials)


def _adapter(hidden: Tensor, down: Tensor, down_bias: Tensor, up: Tensor, up_bias: Tensor) -> Tensor:
    return hidden + F.linear(F.gelu(F.linear(hidden, down, down_bias)), up, up_bias)


def _adapter_weights(layers: int, width: int, bottleneck: int) -> int:
    return layers * (2 * (2 * width * bottleneck + bottleneck + width) + 2 * 2 * width)


def _stored(millions: int, tasks: int, percent: float) -> float:
    return 4 * millions * (1 + tasks * percent / 100)


def _trained(names: Sequence[str], method: str) -> list[str]:
    return _chosen(lambda name: _head(name) or (_bias(name) if method == "bitfit" else _put_in(name)))(names, method)


def _merged(weight: Tensor, A: Tensor, B: Tensor, alpha: float) -> Tensor:
    return weight + (alpha / len(A)) * B @ A


def _with_prefix(
    query: Tensor, keys: Tensor, values: Tensor, prefix_keys: Tensor, prefix_values: Tensor, mask: Tensor
) -> Tensor:
    return _attended(lambda mask, places: F.pad(mask, (places, 0), value=1))(
        query, keys, values, prefix_keys, prefix_values, mask
    )


def _answers(requests: Sequence[tuple[str, str]], tasks: dict[str, Callable]) -> list[str]:
    found = {}
    for name in dict.fromkeys(name for name, _ in requests):
        places = [place for place, (asked, _) in enumerate(requests) if asked == name]
        given = tasks[name]([requests[place][1] for place in places])
        found |= dict(zip(places, given, strict=True))
    return [found[place] for place in range(len(requests))]


# -------------------------------------------------------------------------------------------------------------- cases


def _ranges(rng):
    yield 0.5, 1e-5, 1e-3
    yield 0.0, 2e-5, 5e-4
    yield 0.25, 1e-4, 1e-2
    yield 0.5, 1.0, 100.0
    yield 0.75, 1e-6, 1.0
    for _ in range(8):
        low = float(rng.choice([1e-6, 1e-5, 3e-5, 1e-4]))
        yield round(float(rng.random()), 3), low, low * float(rng.choice([10, 50, 100, 1000]))


def _samples(rng):
    yield [0.5, 0.9], 2
    yield [0.7], 3
    yield [0.9, 0.5, 0.6], 1  # not sorted
    yield [0.6, 0.9, 0.5, 0.8], 3
    yield [0.8, 0.5, 0.8, 0.6], 2  # two are equal
    yield [0.4, 0.7, 0.5], 7  # more draws than scores
    for size in (3, 4, 5, 6, 8, 10):
        yield np.round(rng.uniform(0.4, 0.9, size), 2).tolist(), int(rng.integers(1, 7))


def _trials(rng):
    yield ([([0.7, 0.8], [0.71, 0.77])],)
    yield ([([0.7, 0.8], [0.72, 0.75]), ([0.6, 0.7], [0.8, 0.82])],)  # the second is better on test
    yield ([([0.7, 0.9, 0.8], [0.6, 0.7, 0.9]), ([0.6, 0.7, 0.8], [0.8, 0.85, 0.95])],)  # not the last epoch
    yield ([([0.5, 0.6], [0.65, 0.6]), ([0.9, 0.8], [0.7, 0.75]), ([0.85, 0.85], [0.9, 0.6])],)
    yield ([([0.8, 0.8], [0.7, 0.9]), ([0.8, 0.7], [0.6, 0.65])],)  # of equals the first
    for count in (2, 3, 4, 5, 6, 7):
        scores = np.round(rng.uniform(0.5, 0.95, (count, 2, 3)), 3)
        yield ([(one[0].tolist(), one[1].tolist()) for one in scores],)


def _adapter_tensors(rng, width: int, thin: int):
    return floats(rng, thin, width), floats(rng, thin), floats(rng, width, thin), floats(rng, width)


def _states_and_adapters(rng):
    one = torch.tensor
    yield one([[1.0, 2.0]]), one([[1.0, 0.0]]), one([0.0]), one([[1.0], [0.0]]), one([0.0, 0.0])
    yield one([[1.0, -2.0]]), one([[1.0, 1.0]]), one([0.5]), one([[2.0], [-1.0]]), one([0.25, 1.0])
    yield one([[0.5, -1.0, 2.0]]), torch.zeros(2, 3), torch.zeros(2), torch.zeros(3, 2), torch.zeros(3)  # at the start
    for shape, thin in (((1, 4), 2), ((2, 3, 4), 2), ((2, 3, 6), 3), ((5, 6), 4), ((2, 2, 8), 3)):
        yield floats(rng, *shape), *_adapter_tensors(rng, shape[-1], thin)


LAYER = (
    "attention.query.weight",
    "attention.query.bias",
    "attention.output.weight",
    "attention.output.bias",
    "attention.output.down.weight",
    "attention.output.down.bias",
    "attention.output.up.weight",
    "attention.output.up.bias",
    "attention_norm.weight",
    "attention_norm.bias",
    "intermediate.weight",
    "intermediate.bias",
    "output.weight",
    "output.bias",
    "output_norm.weight",
    "output_norm.bias",
)
BELOW = ("embeddings.word_embeddings.weight", "embeddings.norm.weight", "embeddings.norm.bias")
HEAD = ("classifier.weight", "classifier.bias")


def _names(rng):
    layer = [f"layers.0.{name}" for name in LAYER]
    plain = [name for name in layer if not _of_adapter(name)]
    yield [*plain[:2], *HEAD], "bitfit"
    yield [*layer[2:10], *HEAD], "adapters"
    yield [*BELOW, *plain, *HEAD], "bitfit"
    yield [*BELOW, *layer, *HEAD], "adapters"
    yield [*HEAD, *plain[::-1]], "bitfit"  # in their order
    yield [*HEAD, *layer[::-1]], "adapters"
    for turn in range(6):
        names = [*BELOW, *(f"layers.{one}.{name}" for one in range(2) for name in LAYER)]
        if turn % 2:
            names = [name for name in names if not _of_adapter(name)]
        kept = [name for name in names if rng.random() < 0.5]
        yield [*kept, *HEAD], ("adapters", "bitfit")[turn % 2]


def _thin_matrices(rng):
    one = torch.tensor
    yield torch.zeros(2, 2), one([[1.0, 2.0]]), one([[1.0], [3.0]]), 2.0
    yield torch.ones(2, 3), one([[1.0, 0.0, 1.0], [0.0, 2.0, 0.0]]), one([[1.0, 0.0], [1.0, 1.0]]), 6.0
    yield torch.eye(3), one([[1.0, 2.0, 3.0]]), one([[1.0], [0.0], [2.0]]), 1.0  # α = r = 1
    for out, width, rank in ((4, 4, 2), (6, 4, 3), (4, 6, 2), (5, 5, 4), (8, 8, 3)):
        yield floats(rng, out, width), floats(rng, rank, width), floats(rng, out, rank), float(rng.choice([1, 8, 16]))


def _attention_with_prefix(rng):
    def drawn(texts, tokens, places, width, counts):
        tensors = [floats(rng, texts, tokens, width) for _ in range(3)]
        tensors += [floats(rng, places, width) for _ in range(2)]
        return *tensors, (torch.arange(tokens) < torch.tensor(counts)[:, None]).long()

    yield drawn(1, 2, 1, 2, [2])
    yield drawn(1, 3, 1, 2, [2])  # one place of padding
    yield drawn(1, 3, 4, 2, [1])  # more places of prefix than tokens
    yield drawn(2, 4, 2, 3, [4, 2])
    for _ in range(6):
        texts, tokens, places, width = (int(rng.integers(low, high)) for low, high in ((2, 4), (3, 7), (1, 5), (2, 5)))
        yield drawn(texts, tokens, places, width, rng.integers(1, tokens + 1, texts).tolist())


class _Task:
    """A task as it is asked: texts in, as many answers out; each says how many texts were read together."""

    def __init__(self, name: str):
        self.name = name

    def __repr__(self) -> str:
        return f"<{self.name}>"

    def __deepcopy__(self, memo) -> _Task:
        return self

    def __call__(self, texts: Sequence[str]) -> list[str]:
        if isinstance(texts, str) or not texts:
            raise ValueError(f"{self.name} was asked for {texts!r}: give it a list of texts, one at least")
        return [f"{self.name} of {text}, {len(texts)} read together" for text in texts]


def _requests(rng):
    tasks = {name: _Task(name) for name in ("mood", "topic", "spam")}
    yield [("mood", "a"), ("mood", "b")], tasks
    yield [("mood", "a"), ("topic", "b"), ("mood", "c")], tasks
    yield [("topic", "b"), ("mood", "b"), ("topic", "b")], tasks  # the same text, twice and of two tasks
    yield [("spam", "z"), ("spam", "a"), ("mood", "z")], tasks  # not in alphabetical order
    yield [("topic", "a")], tasks
    for size in (4, 5, 6, 7, 8, 10):
        names = rng.choice(list(tasks), size)
        yield [(str(name), str(text)) for name, text in zip(names, rng.choice(list("abcd"), size), strict=True)], tasks


# ------------------------------------------------------------------------------------------- known mistakes: a rate


def _even(u, low, high):
    return low + u * (high - low)


def _still_a_logarithm(u, low, high):
    return math.log(low) + u * math.log(high / low)


def _tenth_logarithm(u, low, high):
    return math.log10(low) + u * math.log10(high / low)


def _from_above(u, low, high):
    return high ** (1 - u) * low**u


def _without_low(u, low, high):
    return (high / low) ** u


def _bases_mixed(u, low, high):
    return 10 ** (math.log(low) + u * math.log(high / low))


def _half_way(u, low, high):
    return math.sqrt(low * high)


# ---------------------------------------------------------------------------------- known mistakes: expected maximum


def _of_sorted(share: Callable, reverse: bool = False) -> Callable:
    """A mean of the sorted scores; the share of each depends on its place, from 1, and on how many there are."""

    def mean(scores, n):
        ordered = sorted(scores, reverse=reverse)
        return sum(score * share(place, len(ordered)) for place, score in enumerate(ordered, start=1))

    return mean


def _best_of_all(scores, n):
    return max(scores)


def _plain_mean(scores, n):
    return sum(scores) / len(scores)


def _best_of_first(scores, n):
    return max(scores[:n])


def _mean_of_first(scores, n):
    return sum(scores[:n]) / len(scores[:n])


def _not_sorted(scores, n):
    size = len(scores)
    return sum(s * ((i / size) ** n - ((i - 1) / size) ** n) for i, s in enumerate(scores, start=1))


def _smallest_of_n(scores, n):
    return _of_sorted(lambda i, size: (i / size) ** n - ((i - 1) / size) ** n, reverse=True)(scores, n)


def _put_back_never(scores, n):
    n = min(n, len(scores))
    return _of_sorted(lambda i, size: math.comb(i - 1, n - 1) / math.comb(size, n))(scores, n)


def _power_alone(scores, n):
    return _of_sorted(lambda i, size: (i / size) ** n)(scores, n)


def _top_of_sorted(scores, n):
    return sorted(scores)[min(n, len(scores)) - 1]


# -------------------------------------------------------------------------------- known mistakes: what is reported


def _by_place(pick: Callable, of: Callable = max) -> Callable:
    """Choose the trial by a figure of its validation scores, the first of equals; then pick from it."""

    def report(trials):
        return pick(*max(trials, key=lambda trial: of(trial[0])))

    return report


def _best_validation(trials):
    return max(max(own) for own, _ in trials)


def _best_test(trials):
    return max(max(tests) for _, tests in trials)


def _best_epoch_on_test(trials):
    return _by_place(lambda own, tests: max(tests))(trials)


def _last_epoch(trials):
    return _by_place(lambda own, tests: tests[-1])(trials)


def _chosen_by_last(trials):
    return _by_place(lambda own, tests: tests[-1], lambda own: own[-1])(trials)


def _chosen_by_mean(trials):
    return _by_place(lambda own, tests: tests[own.index(max(own))], lambda own: sum(own) / len(own))(trials)


def _mean_of_chosen(trials):
    return float(np.mean([tests[own.index(max(own))] for own, tests in trials]))


def _best_of_chosen(trials):
    return max(tests[own.index(max(own))] for own, tests in trials)


# ---------------------------------------------------------------------------------------- known mistakes: an adapter


def _no_residual(hidden, down, down_bias, up, up_bias):
    return _adapter(hidden, down, down_bias, up, up_bias) - hidden


def _relu(hidden, down, down_bias, up, up_bias):
    return hidden + F.linear(F.relu(F.linear(hidden, down, down_bias)), up, up_bias)


def _nothing_between(hidden, down, down_bias, up, up_bias):
    return hidden + F.linear(F.linear(hidden, down, down_bias), up, up_bias)


def _gelu_outside(hidden, down, down_bias, up, up_bias):
    return hidden + F.gelu(F.linear(F.linear(hidden, down, down_bias), up, up_bias))


def _gelu_of_all(hidden, down, down_bias, up, up_bias):
    return F.gelu(_adapter(hidden, down, down_bias, up, up_bias))


def _gelu_twice(hidden, down, down_bias, up, up_bias):
    return hidden + F.gelu(F.linear(F.gelu(F.linear(hidden, down, down_bias)), up, up_bias))


def _no_biases(hidden, down, down_bias, up, up_bias):
    return hidden + F.linear(F.gelu(F.linear(hidden, down)), up)


def _no_down_bias(hidden, down, down_bias, up, up_bias):
    return hidden + F.linear(F.gelu(F.linear(hidden, down)), up, up_bias)


def _no_up_bias(hidden, down, down_bias, up, up_bias):
    return hidden + F.linear(F.gelu(F.linear(hidden, down, down_bias)), up)


# ------------------------------------------------------------------------------------- known mistakes: what trains


def _head(name: str) -> bool:
    return name.startswith("classifier.")


def _bias(name: str) -> bool:
    return name.endswith(".bias")


def _of_adapter(name: str) -> bool:
    return ".down." in name or ".up." in name


def _put_in(name: str) -> bool:
    return _of_adapter(name) or "norm." in name


def _chosen(trains: Callable) -> Callable:
    def names_that_train(names, method):
        return [name for name in names if trains(name)]

    return names_that_train


def _no_head(names, method):
    return [name for name in _trained(names, method) if not _head(name)]


def _head_by_chance(names, method):
    """Of the head no more than its bias, since it is called one."""
    return _chosen(lambda name: _bias(name) if method == "bitfit" else _put_in(name))(names, method)


def _no_head_weight(names, method):
    kept = _trained(names, method)
    return [name for name in kept if name != HEAD[0]]


def _norms_frozen(names, method):
    kept = _trained(names, method)
    return [name for name in kept if method == "bitfit" or "norm." not in name]


def _norms_in_both(names, method):
    kept = set(_trained(names, method)) | {name for name in names if "norm." in name}
    return [name for name in names if name in kept]


def _biases_in_both(names, method):
    kept = set(_trained(names, method)) | {name for name in names if _bias(name)}
    return [name for name in names if name in kept]


def _adapter_matrices(names, method):
    kept = _trained(names, method)
    return [name for name in kept if method == "bitfit" or not _of_adapter(name) or not _bias(name)]


def _frozen_ones(names, method):
    kept = _trained(names, method)
    return [name for name in names if name not in kept]


def _by_alphabet(names, method):
    return sorted(_trained(names, method))


def _all_of_them(names, method):
    return list(names)


# ------------------------------------------------------------------------------------------- known mistakes: merging


def _scaled(scale: Callable) -> Callable:
    def merged(weight, A, B, alpha):
        return weight + scale(alpha, len(A)) * B @ A

    return merged


def _addition_alone(weight, A, B, alpha):
    return _merged(weight, A, B, alpha) - weight


def _turned_product(weight, A, B, alpha):
    return weight + alpha / len(A) * (B @ A).T


def _subtracted(weight, A, B, alpha):
    return weight - alpha / len(A) * B @ A


def _by_width(weight, A, B, alpha):
    return weight + alpha / A.shape[1] * B @ A


# ------------------------------------------------------------------------------------------- known mistakes: a prefix


def _attended(
    widen: Callable, scale: Callable = lambda width, tokens: width**0.5, join: Callable | None = None
) -> Callable:
    """Attention over a prefix and a text; `widen` makes the mask of both from the text's and the prefix's length."""

    def attention(query, keys, values, prefix_keys, prefix_values, mask):
        texts, places = len(keys), len(prefix_keys)
        both = [
            torch.cat([one.expand(texts, -1, -1), two], dim=1)
            for one, two in ((prefix_keys, keys), (prefix_values, values))
        ]
        scores = query @ both[0].mT / scale(query.size(-1), both[0].size(1))
        seen = widen(mask, places).bool()
        return scores.masked_fill(~seen[:, None], -math.inf).softmax(-1) @ both[1]

    return attention


def _mask_behind(*given):
    return _attended(lambda mask, places: F.pad(mask, (0, places), value=1))(*given)


def _prefix_hidden(*given):
    return _attended(lambda mask, places: F.pad(mask, (places, 0), value=0))(*given)


def _no_mask(*given):
    return _attended(lambda mask, places: torch.ones(len(mask), mask.size(1) + places))(*given)


def _no_prefix(query, keys, values, prefix_keys, prefix_values, mask):
    return _with_prefix(query, keys, values, prefix_keys[:0], prefix_values[:0], mask)


def _no_root(*given):
    return _attended(lambda mask, places: F.pad(mask, (places, 0), value=1), lambda width, tokens: 1.0)(*given)


def _whole_width(*given):
    return _attended(lambda mask, places: F.pad(mask, (places, 0), value=1), lambda width, tokens: width)(*given)


def _keys_as_values(query, keys, values, prefix_keys, prefix_values, mask):
    return _with_prefix(query, keys, values, prefix_keys, prefix_keys, mask)


def _values_as_keys(query, keys, values, prefix_keys, prefix_values, mask):
    return _with_prefix(query, keys, values, prefix_values, prefix_values, mask)


def _added(query, keys, values, prefix_keys, prefix_values, mask):
    """Attended to apart, and added: two softmaxes."""
    texts = len(query)
    apart = _no_prefix(query, keys, values, prefix_keys, prefix_values, mask)
    scores = query @ prefix_keys.expand(texts, -1, -1).mT / query.size(-1) ** 0.5
    return apart + scores.softmax(-1) @ prefix_values


def _zeros_for_hidden(query, keys, values, prefix_keys, prefix_values, mask):
    """Scores of hidden places are 0, not −∞: exp(0) is 1."""
    texts, places = len(keys), len(prefix_keys)
    both = [
        torch.cat([one.expand(texts, -1, -1), two], dim=1)
        for one, two in ((prefix_keys, keys), (prefix_values, values))
    ]
    scores = query @ both[0].mT / query.size(-1) ** 0.5
    return (scores * F.pad(mask, (places, 0), value=1)[:, None]).softmax(-1) @ both[1]


# ------------------------------------------------------------------------------------------ known mistakes: requests


def _grouped(requests, tasks):
    """Answers in the order of the tasks."""
    found = []
    for name in dict.fromkeys(name for name, _ in requests):
        found += tasks[name]([text for asked, text in requests if asked == name])
    return found


def _one_by_one(requests, tasks):
    return [tasks[name]([text])[0] for name, text in requests]


def _first_task(requests, tasks):
    return tasks[requests[0][0]]([text for _, text in requests])


def _by_text(requests, tasks):
    found = {}
    for name in dict.fromkeys(name for name, _ in requests):
        own = [text for asked, text in requests if asked == name]
        found |= dict(zip(own, tasks[name](own), strict=True))
    return [found[text] for _, text in requests]


def _each_text_once(requests, tasks):
    found = {}
    for name in dict.fromkeys(name for name, _ in requests):
        own = list(dict.fromkeys(text for asked, text in requests if asked == name))
        found |= {(name, text): answer for text, answer in zip(own, tasks[name](own), strict=True)}
    return [found[request] for request in requests]


def _runs_of_a_task(requests, tasks):
    """Only neighbours of the same task are read together."""
    found, start = [], 0
    for end in range(1, len(requests) + 1):
        if end == len(requests) or requests[end][0] != requests[start][0]:
            found += tasks[requests[start][0]]([text for _, text in requests[start:end]])
            start = end
    return found


def _every_task(requests, tasks):
    """Each task reads all texts; the right answer is picked."""
    texts = [text for _, text in requests]
    found = {name: task(texts) for name, task in tasks.items()}
    return [found[name][place] for place, (name, _) in enumerate(requests)]


CHECKS = {
    "rate": against(
        "a number from low to high",
        _rate,
        _ranges,
        printed=0,
        atol=1e-9,
        mistakes=(
            (
                _even,
                "that is even in the rate itself: nine of ten draws lie in the upper tenfold. Let its logarithm be.",
            ),
            (_still_a_logarithm, "that is the rate's logarithm: take exp of it."),
            (_tenth_logarithm, "that is the rate's logarithm: take 10 to its power."),
            (_from_above, "u = 0 gives low, and u close to 1 gives nearly high."),
            (_without_low, "that begins at 1; the range begins at low."),
            (_bases_mixed, "a natural logarithm is undone by exp, one to the base 10 by 10 ** …; you mix them."),
            (_half_way, "that is the middle of the range, whatever u is."),
        ),
        shrink=False,
    ),
    "expected_maximum": against(
        "a number",
        _expected_maximum,
        _samples,
        printed=0,
        mistakes=(
            (_best_of_all, "that is the best of all; n draws seldom find it."),
            (_plain_mean, "that is the mean of one draw; n changes nothing in it."),
            (_best_of_first, "the order of the scores is chance: all draws of n count, not the first n."),
            (_mean_of_first, "the largest of n draws, in expectation, not the mean of the first n."),
            (_not_sorted, "v₁ ≤ v₂ ≤ …: sort the scores first."),
            (_smallest_of_n, "sorted from the largest down, that is the expected smallest."),
            (_put_back_never, "each draw is from all N scores: a score can come twice."),
            (_power_alone, "(i/N)ⁿ is the chance that all n lie at vᵢ or below; take away ((i − 1)/N)ⁿ."),
            (_top_of_sorted, "that is the n-th smallest score; n is the number of draws."),
        ),
        shrink=False,
    ),
    "reported": against(
        "a test score",
        _reported,
        _trials,
        printed=0,
        mistakes=(
            (_best_validation, "that score chose the epoch, so it flatters: report the test score beside it."),
            (_best_test, "that chooses by the test set."),
            (_best_epoch_on_test, "the trial is chosen on validation; its epoch has to be, too."),
            (_last_epoch, "the epoch that is kept is the best on validation, not the last one."),
            (_chosen_by_last, "a trial counts by its best epoch on validation, and that epoch is kept."),
            (_chosen_by_mean, "a trial counts by its best epoch on validation, not by the mean of its epochs."),
            (_mean_of_chosen, "one trial is kept; that is the mean over all."),
            (_best_of_chosen, "the epochs are chosen on validation there, the trial on test."),
        ),
        shrink=False,
    ),
    "adapter": against(
        "states of the same shape",
        _adapter,
        _states_and_adapters,
        printed=0,
        mistakes=(
            (_no_residual, "what the adapter gives is added to h; so, with weights near 0, it changes nothing."),
            (_nothing_between, "without GELU between them the two matrices are one, of rank m."),
            (_relu, "between the two stands GELU, not ReLU."),
            (_gelu_outside, "GELU stands between the two matrices, not behind the second."),
            (_gelu_of_all, "GELU stands between the two matrices, not around the sum."),
            (_gelu_twice, "GELU stands between the two matrices only, not behind the second as well."),
            (_no_biases, "both biases are missing."),
            (_no_down_bias, "the bias of the way down is missing."),
            (_no_up_bias, "the bias of the way up is missing."),
        ),
    ),
    "adapter_weights": number(
        "a whole number",
        lambda rng: {
            "layers": int(rng.choice([4, 6, 8, 12, 24])),
            "width": int(rng.choice([256, 384, 512, 768])),
            "bottleneck": int(rng.choice([8, 16, 32, 64])),
        },
        "An encoder has {layers} layers of width {width}, and two adapters per layer with a bottleneck of "
        "{bottleneck}, all with biases. The two LayerNorms of each layer train as well (a weight and a bias for each "
        "dimension). How many numbers are trained in the layers?",
        _adapter_weights,
        mistakes=(
            (
                lambda layers, width, bottleneck: layers * 2 * (2 * width * bottleneck + bottleneck + width),
                "the LayerNorms train, too.",
            ),
            (
                lambda layers, width, bottleneck: layers * (4 * width * bottleneck + 4 * width),
                "the adapters' biases are missing.",
            ),
            (lambda layers, width, bottleneck: layers * 4 * width * bottleneck, "biases and LayerNorms are missing."),
            (
                lambda layers, width, bottleneck: layers * (2 * width * bottleneck + bottleneck + width + 4 * width),
                "there are two adapters per layer.",
            ),
            (
                lambda layers, width, bottleneck: layers * (2 * (width * bottleneck + bottleneck + width) + 4 * width),
                "an adapter has two matrices: down and up.",
            ),
            (
                lambda layers, width, bottleneck: (
                    layers * (2 * (2 * width * bottleneck + bottleneck + width) + 2 * width)
                ),
                "each of the two LayerNorms has a weight and a bias for each dimension.",
            ),
            (
                lambda layers, width, bottleneck: _adapter_weights(1, width, bottleneck),
                "that is one layer.",
            ),
        ),
    ),
    "stored": number(
        "a number of MB, three significant digits",
        lambda rng: {
            "millions": int(rng.choice([23, 33, 66, 110, 135, 184, 335])),
            "tasks": int(rng.integers(12, 80)),
            "percent": float(rng.choice([0.4, 0.6, 0.8, 1.2, 1.5])),
        },
        "An encoder has {millions} million numbers of 4 bytes. A service keeps it once, and {tasks} tasks beside it, "
        "each with {percent} % as many numbers as the encoder has. How many MB are that in all?",
        _stored,
        mistakes=(
            (lambda millions, tasks, percent: 4 * millions * tasks * percent / 100, "the encoder itself is kept, too."),
            (lambda millions, tasks, percent: millions * (1 + tasks * percent / 100), "a number has 4 bytes."),
            (lambda millions, tasks, percent: 4 * millions * (1 + percent / 100), "that is one task."),
            (lambda millions, tasks, percent: 4 * millions * (1 + tasks * percent), "a percent is a hundredth."),
            (
                lambda millions, tasks, percent: 4 * millions * tasks,
                "that is full fine-tuning: an encoder for each task.",
            ),
        ),
        rel_tol=6e-3,
    ),
    "trained": against(
        "names, in the order given",
        _trained,
        _names,
        printed=0,
        mistakes=(
            (_no_head, "the head trains in every method: it began at random."),
            (_head_by_chance, "the whole head trains in every method: it began at random."),
            (_no_head_weight, "the head's weight trains as well: it began at random."),
            (_norms_frozen, "beside adapters the LayerNorms train, as in Houlsby et al."),
            (_norms_in_both, "of a LayerNorm BitFit trains the bias alone."),
            (_biases_in_both, "beside adapters the encoder's other biases stay as they are."),
            (_adapter_matrices, "an adapter's biases train, too."),
            (_frozen_ones, "those are the ones that stay as they are."),
            (_by_alphabet, "in the order given, not sorted."),
            (_all_of_them, "that is full fine-tuning: everything trains."),
        ),
        shrink=False,
    ),
    "merged": against(
        "a matrix of the shape of W",
        _merged,
        _thin_matrices,
        printed=0,
        mistakes=(
            (_scaled(lambda alpha, rank: 1.0), "α / r is missing; where α = r nobody sees it."),
            (_scaled(lambda alpha, rank: alpha), "divide α by r, the rows of A."),
            (_scaled(lambda alpha, rank: rank / alpha), "α / r, not r / α."),
            (_scaled(lambda alpha, rank: 1 / rank), "α is missing from α / r."),
            (_scaled(lambda alpha, rank: 2 * alpha / rank), "that is merged twice: W + 2 (α / r) B A."),
            (_scaled(lambda alpha, rank: alpha / rank**0.5), "α / r, not α / √r, which is another method (rsLoRA)."),
            (_addition_alone, "that is what is added: W is missing."),
            (_turned_product, "B A, not its transpose: A reads what comes in, B writes what goes out."),
            (_subtracted, "it is added to W."),
            (_by_width, "r is the number of A's rows, not of its columns."),
        ),
    ),
    "with_prefix": against(
        "a vector for each token",
        _with_prefix,
        _attention_with_prefix,
        printed=0,
        mistakes=(
            (_mask_behind, "the prefix stands before the text, so its ones come before the mask's own."),
            (_prefix_hidden, "nobody looks at the prefix: keys, values, and ones in the mask come before the text's."),
            (_no_mask, "padding is seen: it must stay hidden; a text gets another result in a batch than alone."),
            (_zeros_for_hidden, "a hidden place gets a score of −∞, not 0: exp(0) is 1."),
            (_no_root, "divide the scores by √d."),
            (_whole_width, "divide the scores by the root of d, not by d."),
            (_keys_as_values, "the prefix has values of its own, beside its keys."),
            (_values_as_keys, "the prefix's scores come from its keys."),
            (_added, "one softmax over prefix and text together, not two."),
        ),
        shrink=False,
    ),
    "answers": against(
        "an answer for each request, in their order",
        _answers,
        _requests,
        printed=0,
        mistakes=(
            (_grouped, "in the order of the requests; yours are in that of the tasks."),
            (_one_by_one, "the texts of a task are read together, in one call; you call once a request."),
            (_runs_of_a_task, "all texts of a task in one call, not only neighbours."),
            (_first_task, "each request names its task; you ask one task for all."),
            (_by_text, "the same text may be asked of two tasks: remember by place, not by text."),
            (_each_text_once, "a text that comes twice is asked twice: one answer for each request."),
            (_every_task, "a task reads the texts that are asked of it, not all of them."),
        ),
        shrink=False,
    ),
}
