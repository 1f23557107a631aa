"""Checks of the lesson on looking inside (Clark et al., 2019; Sundararajan et al., 2017)."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from bertcourse.checks.engine import Check, Trial, Wrong, against, as_array, floats, number, show, started_again
from bertcourse.checks.pretraining import errors_named


def _entropy(weights: Tensor) -> Tensor:
    return torch.special.entr(weights).sum(dim=-1)


def _share_at(weights: Tensor, offset: int) -> Tensor:
    """Mean weight on the token `offset` places further on, over the queries that have one: for each map of its own."""
    return weights.diagonal(offset, dim1=-2, dim2=-1).mean(-1)


def _without_head(heads: Tensor, output: Tensor, bias: Tensor, head: int) -> Tensor:
    kept = heads.clone()
    kept[:, head] = 0
    return kept.transpose(1, 2).flatten(-2) @ output.T + bias


def _looks_back(weights: Tensor) -> tuple[int, int]:
    """(layer, head) of the head with the largest mean weight on the token before."""
    return divmod(int(_share_at(weights, -1).argmax()), weights.size(1))


def _arrives(weights: Tensor, values: Tensor, output: Tensor) -> Tensor:
    """How long what query i gets from key j is, for each head: weight times value through the head's own columns."""
    return weights * _handed(values, output).norm(dim=-1)[:, None]


def _handed(values: Tensor, output: Tensor) -> Tensor:
    """(H, T, d) values and the (D, D) output matrix -> (H, T, D), what each token has to hand over."""
    return torch.einsum("htd,ohd->hto", values, output.unflatten(1, (len(values), -1)))


def _order(tokens: list[str], words: list[str]) -> list[int]:
    """The places of a text: those of the words first, word after word, then all others; each once."""
    named = [place for word in words for place, token in enumerate(tokens) if token == word]
    return list(dict.fromkeys([*named, *range(len(tokens))]))


def _control_tags(words: list[str], tags: list[str], rng: np.random.Generator) -> list[str]:
    tag = {word: tags[rng.integers(len(tags))] for word in dict.fromkeys(words)}
    return [tag[word] for word in words]


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
    yield (torch.tensor([[1.0, 0.0], [0.5, 0.5]]),)
    yield (torch.eye(4),)
    yield from ((_weights(rng, 2, 3, int(size), int(size)),) for size in rng.integers(2, 9, 4))


def _maps_and_offset(rng):
    yield torch.tensor([[0.2, 0.8], [0.7, 0.3]]), -1
    yield torch.tensor([[0.5, 0.2, 0.3], [0.1, 0.1, 0.8], [0.6, 0.4, 0.0]]), 1
    for offset in (-1, 1, -2, 0, 2):
        size = int(rng.integers(4, 9))
        yield _weights(rng, size, size), offset
    yield SEVERAL_MAPS, -1
    yield _weights(rng, 2, 3, 5, 5), -1


SEVERAL_MAPS = torch.tensor(
    [[[[0.2, 0.8], [0.7, 0.3]], [[0.1, 0.9], [0.5, 0.5]], [[1.0, 0.0], [0.4, 0.6]]]]
)  # one text, three heads


def _layers_of_maps(rng):
    shift = torch.eye(3)[[0, 0, 1]]  # each token looks at the one before it, the first at itself
    even = torch.full((3, 3), 1 / 3)
    half = 0.6 * shift + 0.4 * even  # a layer whose heads look back halfway, beside one with a single head that does
    yield (torch.stack([torch.stack([half, half]), torch.stack([even, shift])]),)
    yield (torch.stack([torch.stack([even, shift, even]), torch.stack([even, even, shift.T.softmax(-1)])]),)
    for layers, heads, length in ((3, 4, 6), (4, 2, 5), (2, 5, 7), (5, 3, 4)):
        weights = _weights(rng, layers, heads, length, length)
        back = torch.arange(length).sub(1).clamp(min=0)
        aside = torch.arange(length).add(1).clamp(max=length - 1)
        for place in (back, aside):  # one head for the token before, another one for the token behind
            layer, head = int(rng.integers(layers)), int(rng.integers(heads))
            weights[layer, head] = 0.4 * weights[layer, head] + 0.6 * torch.eye(length)[place]
        yield (weights,)


def _handed_over(rng):
    # Two heads of one number: head 0 goes through column 0 of the output matrix, of length 5, head 1 through column 1.
    output = torch.tensor([[3.0, 0.0], [4.0, 2.0]])
    weights = torch.tensor([[[1.0, 0.0], [0.5, 0.5]], [[0.0, 1.0], [1.0, 0.0]]])
    yield weights, torch.tensor([[[1.0], [2.0]], [[3.0], [4.0]]]), output
    for count, length, size in ((2, 3, 2), (3, 4, 2), (4, 3, 3), (1, 4, 3)):
        width = count * size
        yield _weights(rng, count, length, length), floats(rng, count, length, size), floats(rng, width, width)


def _texts_and_words(rng):
    yield ["the", "club", "fell"], ["fell"]
    yield ["the", "coach", "left", "the", "club"], ["club", "the"]
    yield ["rates", "rise", "again"], []
    yield ["a", "bank"], ["river", "bank"]  # a word that the text does not have
    yield ["shares", "in", "a", "club"], ["club", "in", "club"]  # a word that is named twice
    known = ["the", "a", "club", "bank", "fell", "rose", "##s", "."]
    for size in rng.integers(4, 12, 5):
        words = rng.choice([*known, "coach"], int(rng.integers(1, 5)))
        yield rng.choice(known, int(size)).tolist(), words.tolist()


def _head_outputs(rng):
    # Two heads of one number: what is left of [1, 2] is [0, 2] or [1, 0].
    heads, output = torch.tensor([[[[1.0]], [[2.0]]]]), torch.tensor([[1.0, 3.0], [2.0, 4.0]])
    yield heads, output, torch.tensor([10.0, 20.0]), 0
    heads = torch.tensor([[[[1.0], [5.0]], [[2.0], [3.0]]]])  # and two tokens
    yield heads, output, torch.tensor([10.0, 20.0]), 1
    for batch, count, length, size in ((1, 2, 3, 2), (2, 3, 4, 2), (2, 4, 3, 3), (4, 4, 4, 4)):
        width = count * size
        given = floats(rng, batch, count, length, size), floats(rng, width, width), floats(rng, width)
        yield *given, int(rng.integers(count))


def _score(text: str, function: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    """A function that is shown as this text."""

    def score(x: Tensor) -> Tensor:
        return function(x)

    score.__name__ = text
    return score


SQUARES = _score("(x[:, 0] ** 2 - x[:, 1] ** 2).sum()", lambda x: (x[:, 0] ** 2 - x[:, 1] ** 2).sum())
CUBES = _score("(x ** 3).sum()", lambda x: (x**3).sum())


def _curved(rng, length: int, size: int) -> Callable[[Tensor], Tensor]:
    """A score in which tokens act together; of moderate numbers."""
    matrix, vector = floats(rng, size, size), floats(rng, size)
    return _score(
        "tanh(x @ M) @ v, summed, and products over tokens",
        lambda x: (torch.tanh(x @ matrix) @ vector).sum() + (x**2).prod(dim=0).sum(),
    )


def _functions(rng):
    yield SQUARES, torch.tensor([[2.0, 1.0]])
    yield SQUARES, torch.tensor([[1.0, 2.0], [3.0, -1.0], [0.0, 5.0]])
    for length, size in ((2, 3), (4, 5), (3, 2)):
        yield _curved(rng, length, size), floats(rng, length, size)


def _paths(rng):
    yield SQUARES, torch.tensor([[2.0, 1.0], [1.0, 3.0]]), torch.zeros(2, 2), 2
    yield CUBES, torch.tensor([[2.0], [4.0]]), torch.tensor([[0.0], [2.0]]), 1
    yield CUBES, torch.tensor([[3.0, 1.0], [-1.0, 2.0]]), torch.tensor([[1.0, -1.0], [1.0, 0.0]]), 2
    for length, size, steps in ((2, 3, 3), (4, 5, 4), (3, 2, 8)):
        yield _curved(rng, length, size), floats(rng, length, size), 0.3 * floats(rng, length, size), steps


def _uneven(rng):
    yield [0, 0, 0, 1], [0, 0, 0, 0]
    yield [0, 0, 1, 1], [0, 2, 1, 1]  # class 2 does not occur
    yield [4, 4, 7, 7, 7], [7, 4, 7, 7, 4]
    for _ in range(6):
        size = int(rng.integers(6, 40))
        yield rng.choice(3, size, p=[0.7, 0.2, 0.1]).tolist(), rng.integers(0, 3, size).tolist()


# ----------------------------------------------------------------------------------------------- two readings of a task


def _gradients_on(check: Check) -> Check:
    """The same check, even where the lesson has switched gradients off."""

    def judge(trial: Trial) -> None:
        with torch.enable_grad():
            check.judge(trial)

    return replace(check, judge=judge)


def _share_of_all(share: Callable) -> Callable:
    """The same, as one number for all maps together."""

    def share_of_all(weights, offset):
        return share(weights, offset).mean()

    return share_of_all


def _judge_share(trial: Trial) -> None:
    """One number for each head, or one for all of them: the task leaves it open."""
    got = as_array(trial.call(SEVERAL_MAPS, -1))
    each = got is not None and got.shape == SEVERAL_MAPS.shape[:-2]
    _share_check(each=each).judge(trial)


def _middles(steps: int) -> list[tuple[float, float]]:
    return [((k + 0.5) / steps, 1 / steps) for k in range(steps)]


def _trapezoids(steps: int) -> list[tuple[float, float]]:
    return [(k / steps, (0.5 if k in (0, steps) else 1.0) / steps) for k in range(steps + 1)]


def _gauss(steps: int) -> list[tuple[float, float]]:
    places, shares = np.polynomial.legendre.leggauss(steps)
    return [((place + 1) / 2, share / 2) for place, share in zip(places, shares, strict=True)]


OF_THE_TOKENS = "a tag for each word *type*: the same word has the same tag wherever it occurs (a dict: word -> tag)."
NOT_RANDOM = "those do not depend on rng: draw the tags, with rng.choice or rng.integers."
OWN_GENERATOR = "the same rng in the same state must give the same tags: draw from rng alone."
ORDER_OF_A_SET = (
    "the order of a set of texts changes from start to start: draw in the order of the words, or of sorted(set(words))."
)
ALL_KINDS_ALIKE = "draw in proportion to how often a tag occurs in tags, as rng.choice(tags) does; yours are even."
NOT_THEIR_SHARES = "draw in proportion to how often a tag occurs in tags, as rng.choice(tags) does."


def _judge_control(trial: Trial) -> None:
    """By what makes tags a control: one for each word type, drawn from rng, in proportion to the tags."""

    def call(words: list[str], tags: list[str], seed: int) -> list[str]:
        got = trial.call(words, tags, np.random.default_rng(seed))
        return _tags_of(got, words, tags, trial)

    def fail(message: str, hint: str) -> Wrong:
        return Wrong(f"{message}; tried with: {trial.described}", hint)

    for words, tags in (
        (["the", "bank", "the"], ["none", "ORG", "none"]),
        (["a", "b", "a", "c", "b", "a"], ["none", "PER", "none", "LOC", "PER", "ORG"]),
        (["x"], ["none"]),
    ):
        _one_for_each_type(words, call(words, tags, 0), fail)
    types = [f"word{number}" for number in range(60)]
    words = [types[k] for k in trial.rng.permutation(np.repeat(np.arange(60), 3))]
    tags = trial.rng.choice(["none", "PER", "ORG"], len(words)).tolist()
    one, again, other = call(words, tags, 1), call(words, tags, 1), call(words, tags, 2)
    _one_for_each_type(words, one, fail)
    if one == other:
        raise fail("two generators in different states give the same tags", NOT_RANDOM)
    if one != again:
        raise fail("two generators in the same state give different tags", OWN_GENERATOR)
    for later in started_again(words, tags):
        if call(*later, 1) != one:
            raise Wrong("the same rng gives other tags when Python is started again", ORDER_OF_A_SET)
    words = [f"word{number}" for number in range(1500)] + 1500 * ["the"]  # "the", one type, has half of the tags
    tags = [*(1000 * ["PER"]), *(2000 * ["none"])]
    share = np.mean([tag == "none" for tag in call(words, tags, 3)[:1500]])
    if abs(share - 2 / 3) > 0.07:  # six standard deviations
        hint = ALL_KINDS_ALIKE if abs(share - 0.5) < 0.07 else NOT_THEIR_SHARES
        raise fail(f"of 1,500 word types about 67 % should have the tag 'none', {100 * share:.0f} % have it", hint)


def _tags_of(got: object, words: list[str], tags: list[str], trial: Trial) -> list[str]:
    """What came as a list of tags, one for each word; else it says what it is."""
    if isinstance(got, dict):
        raise Wrong("expected a list, came a dict: give a tag for each of the words, [tag[word] for word in words]")
    if isinstance(got, np.ndarray):
        got = got.tolist()
    if not isinstance(got, list | tuple):
        raise Wrong(f"expected a list of tags, one for each word, came {show(got)}; tried with: {trial.described}")
    if len(got) != len(words):
        hint = "one tag for each word of the text, not for each word type." if len(got) == len(set(words)) else ""
        raise Wrong(f"{len(words)} words need {len(words)} tags, came {len(got)}; tried with: {trial.described}", hint)
    strange = [tag for tag in got if tag not in tags]
    if strange:
        raise Wrong(f"{show(strange[0])} is none of the tags; tried with: {trial.described}")
    return list(got)


def _one_for_each_type(words: list[str], got: list[str], fail: Callable) -> None:
    tag: dict[str, str] = {}
    for word, own in zip(words, got, strict=True):
        if tag.setdefault(word, own) != own:
            raise fail(f"{word!r} has the tag {tag[word]!r} once and {own!r} another time", OF_THE_TOKENS)


RULES = (_middles, _trapezoids, _gauss)


def _judge_path(trial: Trial) -> None:
    """By the middles of the steps; or by trapezoids or Gauss's points, if the answer takes those."""
    with torch.enable_grad():  # lessons may have switched gradients off
        case = CUBES, torch.tensor([[3.0, 1.0], [-1.0, 2.0]]), torch.tensor([[1.0, -1.0], [1.0, 0.0]]), 3
        got = as_array(trial.call(*case))
        values = [_along(rule)(*case).numpy() for rule in RULES]
        near = [got is not None and got.shape == value.shape and np.allclose(got, value, rtol=1e-3) for value in values]
        rule = RULES[near.index(True)] if any(near) else _middles
        try:
            _path_check(rule).judge(trial)
        except Wrong as wrong:
            if wrong.hint or got is None or got.shape != (2,):
                raise
            raise Wrong(wrong.message, _of_the_sum(trial)) from None


def _of_the_sum(trial: Trial) -> str:
    """A hint on completeness: only if the numbers do not add up, even with many steps."""
    x, baseline = torch.tensor([[3.0, 1.0], [-1.0, 2.0]]), torch.tensor([[1.0, -1.0], [1.0, 0.0]])
    total = float(as_array(trial.call(CUBES, x, baseline, 60)).sum())
    change = float(CUBES(x) - CUBES(baseline))
    if abs(total - change) > 0.02 * abs(change):
        return (
            f"completeness: with many steps the numbers add up to the change of the score. For (x ** 3).sum() from "
            f"{baseline.tolist()} to {x.tolist()} that is {change:g}; yours give {total:.4g} with 60 steps."
        )
    return (
        "with many steps yours add up to the change of the score, so completeness holds; how the change is shared out "
        "among the tokens, or how few steps are used, is the question."
    )


def _along(rule: Callable, *, start: str = "baseline", by: str = "change", fold: str = "sum", inner: bool = False):
    """Integrated gradients by a rule of (place, weight) for a number of steps, with one thing done otherwise.

    Args:
        rule: steps -> places on the path and their weights.
        start: where the path begins: "baseline" or "zero".
        by: what the mean gradient is multiplied by: "change", "x", "back" or "one".
        fold: what is done with a token's numbers: "sum", "mean", "each", "absolute", "norm", "all".
        inner: whether the gradient is taken by x, and so carries each place as a factor.
    """

    def integrated(score, x, baseline, steps):
        begin = torch.zeros_like(x) if start == "zero" else baseline
        total = torch.zeros_like(x)
        for place, weight in rule(steps):
            total += weight * (place if inner else 1.0) * _sensitivity(score, begin + place * (x - begin))
        total = total * {"change": x - baseline, "x": x, "back": baseline - x, "one": torch.ones_like(x)}[by]
        folds = {
            "sum": lambda t: t.sum(-1),
            "mean": lambda t: t.mean(-1),
            "each": lambda t: t,
            "absolute": lambda t: t.abs().sum(-1),
            "absolute sum": lambda t: t.sum(-1).abs(),
            "norm": lambda t: t.norm(dim=-1),
            "all": lambda t: t.sum(),
            "over tokens": lambda t: t.sum(0),
        }
        return folds[fold](total)

    return integrated


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


def _one_mean(weights):
    return _entropy(weights).mean()


def _one_sum(weights):
    return _entropy(weights).sum()


def _dimension_kept(weights):
    return _entropy(weights)[..., None]


def _softmax_again(weights):
    return _entropy(weights.softmax(-1))


def _terms_alone(weights):
    return torch.special.entr(weights)


def _exponential(weights):
    return _entropy(weights).exp()


def _of_evenness(weights):
    return _entropy(weights) / math.log(weights.size(-1))


def _logarithms_alone(weights):
    return -weights.log().sum(-1)


def _other_direction(weights, offset):
    return _share_at(weights, -offset)


def _all_queries(weights, offset):
    return weights.diagonal(offset, dim1=-2, dim2=-1).sum(-1) / weights.size(-1)


def _sum_alone(weights, offset):
    return weights.diagonal(offset, dim1=-2, dim2=-1).sum(-1)


def _argmax_share(weights, offset):
    place = torch.arange(weights.size(-1))
    return (weights.argmax(-1) == place + offset).float().mean(-1)


def _argmax_share_of_queries(weights, offset):
    place = torch.arange(weights.size(-1)) + offset
    has = (place >= 0) & (place < weights.size(-1))
    return (weights.argmax(-1) == place)[..., has].float().mean(-1)


def _mean_of_everything(weights, offset):
    return weights.mean((-2, -1))


def _around_the_end(weights, offset):
    place = torch.arange(weights.size(-1))
    return weights[..., place, (place + offset) % weights.size(-1)].mean(-1)


def _clamped_to_the_end(weights, offset):
    place = torch.arange(weights.size(-1))
    return weights[..., place, (place + offset).clamp(0, weights.size(-1) - 1)].mean(-1)


def _distance_alone(weights, offset):
    return _share_at(weights, abs(offset))


def _to_the_left(weights, offset):
    return _share_at(weights, -abs(offset))


def _both_sides(weights, offset):
    return _share_at(weights, offset) + _share_at(weights, -offset) if offset else _share_at(weights, 0)


def _one_column(weights, offset):
    return weights[..., offset].mean(-1)


def _one_off(weights, offset):
    return _share_at(weights, offset - 1)


def _largest(weights, offset):
    return weights.diagonal(offset, dim1=-2, dim2=-1).amax(-1)


def _back_in(mean: Callable) -> Callable:
    """The head that looks back by another measure of its own."""

    def looks_back(weights):
        return divmod(int(mean(weights).argmax()), weights.size(1))

    return looks_back


def _flat_index(weights):
    return int(_share_at(weights, -1).argmax())


def _head_and_layer(weights):
    return _looks_back(weights)[::-1]


def _from_one(weights):
    return tuple(place + 1 for place in _looks_back(weights))


def _divided_by_layers(weights):
    return divmod(int(_share_at(weights, -1).argmax()), weights.size(0))


def _lowest(weights):
    return divmod(int(_share_at(weights, -1).argmin()), weights.size(1))


def _best_layer_and_best_head(weights):
    share = _share_at(weights, -1)
    return int(share.mean(1).argmax()), int(share.mean(0).argmax())


def _its_share(weights):
    return _share_at(weights, -1).max()


def _row_of_query(weights, values, output):
    return weights * _handed(values, output).norm(dim=-1)[..., None]


def _through_rows(weights, values, output):
    matrix = output.unflatten(0, (len(values), -1))  # (H, d, D)
    return weights * torch.einsum("htd,hdo->hto", values, matrix).norm(dim=-1)[:, None]


def _through_every_nth(weights, values, output):
    matrix = output.unflatten(1, (-1, len(values)))  # (D, d, H)
    return weights * torch.einsum("htd,odh->hto", values, matrix).norm(dim=-1)[:, None]


def _through_first_columns(weights, values, output):
    return weights * (values @ output[:, : values.size(-1)].T).norm(dim=-1)[:, None]


def _of_the_value(weights, values, output):
    return weights * values.norm(dim=-1)[:, None]


def _handed_alone(weights, values, output):
    return _handed(values, output).norm(dim=-1)[:, None].expand_as(weights)


def _handed_of_keys(weights, values, output):
    return _handed(values, output).norm(dim=-1)


def _squared_length(weights, values, output):
    return weights * _handed(values, output).square().sum(-1)[:, None]


def _sum_of_numbers(weights, values, output):
    return weights * _handed(values, output).sum(-1)[:, None]


def _absolute_numbers(weights, values, output):
    return weights * _handed(values, output).abs().sum(-1)[:, None]


def _weights_squared(weights, values, output):
    return weights * _arrives(weights, values, output)


def _of_the_sum_over_keys(weights, values, output):
    return (weights @ _handed(values, output)).norm(dim=-1)


def _over_all_heads(weights, values, output):
    return _arrives(weights, values, output).sum(0)


def _the_vectors(weights, values, output):
    return weights[..., None] * _handed(values, output)[:, None]


def _as_shares(weights, values, output):
    found = _arrives(weights, values, output)
    return found / found.sum(-1, keepdim=True)


def _first_of_each(tokens, words):
    named = [tokens.index(word) for word in words if word in tokens]
    return list(dict.fromkeys([*named, *range(len(tokens))]))


def _named_alone(tokens, words):
    return [place for place in _order(tokens, words) if tokens[place] in words]


def _in_text_order(tokens, words):
    return sorted(range(len(tokens)), key=lambda place: tokens[place] not in words)


def _rest_first(tokens, words):
    named = _named_alone(tokens, words)
    return [*(place for place in range(len(tokens)) if place not in named), *named]


def _named_last_first(tokens, words):
    return _order(tokens, words[::-1])


def _backwards(tokens, words):
    return _order(tokens, words)[::-1]


def _as_tokens(tokens, words):
    return [tokens[place] for place in _order(tokens, words)]


def _order_from_one(tokens, words):
    return [place + 1 for place in _order(tokens, words)]


def _places_twice(tokens, words):
    named = [place for word in words for place, token in enumerate(tokens) if token == word]
    return [*named, *(place for place in range(len(tokens)) if place not in named)]


def _everything_again(tokens, words):
    named = [place for word in words for place, token in enumerate(tokens) if token == word]
    return [*named, *range(len(tokens))]


def _words_ignored(tokens, words):
    return list(range(len(tokens)))


def _as_ranks(tokens, words):
    order = _order(tokens, words)
    return [order.index(place) for place in range(len(order))]


def _own_tag_of_the_first(words, tags, rng):
    tag = dict(zip(reversed(words), reversed(tags), strict=True))
    return [tag[word] for word in words]


def _a_tag_for_each_token(words, tags, rng):
    return rng.choice(tags, len(words)).tolist()


def _tags_shuffled(words, tags, rng):
    return rng.permutation(tags).tolist()


def _real_tags(words, tags, rng):
    return list(tags)


def _kinds_alike(words, tags, rng):
    return _control_tags(words, sorted(set(tags)), rng)


def _own_seed(words, tags, rng):
    return _control_tags(words, tags, np.random.default_rng(0))


def _by_hash(words, tags, rng):
    return [tags[sum(map(ord, word)) % len(tags)] for word in words]


def _global_generator(words, tags, rng):
    return _control_tags(words, tags, np.random.default_rng())


def _one_for_each_type_alone(words, tags, rng):
    return [tags[rng.integers(len(tags))] for word in dict.fromkeys(words)]


def _previous_head(heads, output, bias, head):
    return _without_head(heads, output, bias, head - 1)


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


def _silenced(place):
    """The output with zeros at a place of the heads' output, (B, H, T, d)."""

    def without(heads, output, bias, head):
        kept = heads.clone()
        kept[place(head)] = 0
        return kept.transpose(1, 2).flatten(-2) @ output.T + bias

    return without


def _all_heads(heads, output, bias, head):
    return heads.transpose(1, 2).flatten(-2) @ output.T + bias


def _output_untransposed(heads, output, bias, head):
    return _without_head(heads, output.T, bias, head)


def _every_nth_number(heads, output, bias, head):
    joined = heads.transpose(1, 2).flatten(-2).clone()
    joined[..., head :: heads.size(1)] = 0
    return joined @ output.T + bias


def _others_raised(heads, output, bias, head):
    count = heads.size(1)
    return _without_head(heads * count / max(count - 1, 1), output, bias, head)


def _zero_then_bias_of_all(heads, output, bias, head):
    """What is left of the output when the head's part is taken away, the bias with it."""
    return _without_head(heads, output, bias, head) - bias


def _heads_part(heads, output, bias, head):
    return _only_head(heads, output, torch.zeros_like(bias), head)


def _not_joined(heads, output, bias, head):
    kept = heads.clone()
    kept[:, head] = 0
    return kept.transpose(1, 2).flatten(-2)


def _one_number_of_the_join(heads, output, bias, head):
    joined = heads.transpose(1, 2).flatten(-2).clone()
    joined[..., head] = 0
    return joined @ output.T + bias


def _gradient_alone(score, x):
    return _sensitivity(score, x).sum(-1)


def _gradient_of_dimensions(score, x):
    return _sensitivity(score, x)


def _all_together(score, x):
    return _gradient_times_input(score, x).sum()


def _over_tokens(score, x):
    return (_sensitivity(score, x) * x).sum(dim=0)


def _absolute_terms(score, x):
    return (_sensitivity(score, x) * x).abs().sum(-1)


def _norm_of_terms(score, x):
    return (_sensitivity(score, x) * x).norm(dim=-1)


def _left_out(score, x):
    """What the score loses when a token's numbers are set to zero."""
    return torch.stack([score(x) - score(x * (torch.arange(len(x)) != t)[:, None]) for t in range(len(x))])


def _minus(score, x):
    return -_gradient_times_input(score, x)


def _times_score(score, x):
    return _gradient_times_input(score, x) * score(x)


def _gradient_squared(score, x):
    return (_sensitivity(score, x) ** 2).sum(-1)


def _normalised(score, x):
    value = _gradient_times_input(score, x)
    return value / value.abs().sum()


def _sensitivity(score: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
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


def _recalls(gold: list[int], predicted: list[int]) -> Iterator[float]:
    for c in sorted(set(gold)):
        yield sum(g == p == c for g, p in zip(gold, predicted, strict=True)) / gold.count(c)


def _accuracy(gold, predicted):
    return float(np.mean(np.equal(gold, predicted)))


def _mean_precision(gold, predicted):
    return _balanced_accuracy(predicted, gold)


def _sum_of_recalls(gold, predicted):
    return sum(_recalls(gold, predicted))


def _mean_over(classes: Callable[[list, list], int]) -> Callable:
    """The recalls' sum divided by another number of classes."""

    def mean(gold, predicted):
        return sum(_recalls(gold, predicted)) / max(classes(gold, predicted), 1)

    return mean


def _over_predicted(gold, predicted):
    """The mean of the recalls of the classes that were predicted; 0 for one that does not occur."""
    chosen = set(predicted)
    return sum(
        sum(g == p == c for g, p in zip(gold, predicted, strict=True)) / max(gold.count(c), 1) for c in chosen
    ) / len(chosen)


def _mean_f1(gold, predicted):
    from sklearn.metrics import f1_score

    return float(f1_score(gold, predicted, labels=sorted(set(gold)), average="macro", zero_division=0))


def _mean_f1_of_both(gold, predicted):
    from sklearn.metrics import f1_score

    return float(f1_score(gold, predicted, average="macro", zero_division=0))


def _mean_of_predicted_precisions(gold, predicted):
    from sklearn.metrics import precision_score

    return float(precision_score(gold, predicted, labels=sorted(set(gold)), average="macro", zero_division=0))


def _worst_class(gold, predicted):
    return min(_recalls(gold, predicted))


def _best_class(gold, predicted):
    return max(_recalls(gold, predicted))


def _recall_list(gold, predicted):
    return list(_recalls(gold, predicted))


SHARES = (
    (_other_direction, "that is the other direction: rows are queries, so -1 is the column before."),
    (_distance_alone, "the sign of the offset matters: -1 is the token before, 1 the one behind."),
    (_to_the_left, "the sign of the offset matters: -1 is the token before, 1 the one behind."),
    (_both_sides, "the sign of the offset matters: one side only."),
    (_all_queries, "the first token has none before it: divide by the queries that do."),
    (_around_the_end, "the first token has none before it: an index of -1 is the last token. Leave that query out."),
    (_clamped_to_the_end, "the first token has none before it: leave that query out."),
    (_sum_alone, "a mean is asked for."),
    (_largest, "a mean is asked for, not the largest."),
    (_argmax_share, "how much weight, not how often it is the largest."),
    (_argmax_share_of_queries, "how much weight, not how often it is the largest."),
    (_mean_of_everything, "that is the mean of all weights, 1/T whatever the model does: rows add up to 1."),
    (_one_column, "that is one column for all queries: the place counts from each query on, [q, q + offset]."),
    (_one_off, "one place too far to the left: offset 0 is the token itself."),
)


FIRST_DIMENSIONS = "diagonal takes the first two dimensions; queries and keys are the last two: dim1=-2, dim2=-1."


def _share_check(*, each: bool) -> Check:
    """In one of two readings: a number for each map, or one for all."""
    form = (lambda share: share) if each else _share_of_all
    return against(
        "",
        form(_share_at),
        _maps_and_offset,
        mistakes=(
            *((form(wrong), hint) for wrong, hint in SHARES),
            (lambda weights, offset: weights.diagonal(offset).mean(-1), FIRST_DIMENSIONS),
            (lambda weights, offset: weights.diagonal(offset).mean(), FIRST_DIMENSIONS),
        ),
        shrink=False,  # rows add up to 1
    )


def _path_check(rule: Callable) -> Check:
    return against("", _along(rule), _paths, mistakes=_path_mistakes(rule), atol=1e-4, shrink=False)


def _points(places: Callable[[int], list[float]]) -> Callable:
    """A rule that weighs all of its points alike."""
    return lambda steps: [(place, 1 / len(places(steps))) for place in places(steps)]


def _unweighted(rule: Callable) -> Callable:
    return lambda steps: [(place, weight * steps) for place, weight in rule(steps)]


def _closed_over_steps(steps: int) -> list[tuple[float, float]]:
    """Both ends, so one point more than there are steps, divided by the steps all the same."""
    return [(k / steps, 1 / steps) for k in range(steps + 1)]


def _last_step(steps: int) -> list[tuple[float, float]]:
    return _middles(steps)[-1:]


def _at(place: float) -> Callable:
    return lambda steps: [(place, 1.0)]


def _evenly(score, x, baseline, steps):
    return ((score(x) - score(baseline)) / len(x)).expand(len(x))


def _one_after_another(score, x, baseline, steps):
    """Tokens put in from left to right: what each adds."""
    points = [torch.cat([x[:t], baseline[t:]]) for t in range(len(x) + 1)]
    values = torch.stack([score(point) for point in points])
    return values[1:] - values[:-1]


def _one_at_a_time(score, x, baseline, steps):
    rows = torch.arange(len(x))
    changed = [torch.where((rows == t)[:, None], baseline, x) for t in rows]
    return torch.stack([score(x) - score(point) for point in changed])


ENDS = "both ends in full count too much: take the middle of each step, (k + 0.5) / steps."
PRODUCT_AT_X = "that is the gradient times the input at x alone: average the gradients along the path."


def _path_mistakes(rule: Callable) -> tuple[tuple[Callable, str], ...]:
    left, right = (_points(lambda steps, k=k: [(step + k) / steps for step in range(steps)]) for k in (0, 1))
    ends = _points(lambda steps: np.linspace(0, 1, steps).tolist())
    more_ends = _points(lambda steps: np.linspace(0, 1, steps + 1).tolist())
    inside = _points(lambda steps: [(k + 1) / (steps + 1) for k in range(steps)])
    return (
        (_along(left), "those are the left ends of the steps: take the middle of each, (k + 0.5) / steps."),
        (_along(right), "those are the right ends of the steps: take the middle of each, (k + 0.5) / steps."),
        (_along(ends), ENDS),
        (_along(more_ends), ENDS),
        (_along(_closed_over_steps), ENDS),
        (_along(inside), "of each step the middle, (k + 0.5) / steps; yours leave the ends of the path out."),
        (_along(_last_step), "only the last step's gradient is left: add them up, total = total + gradient."),
        (_along(_at(0.5)), "that is one point for all steps: each step has its own, and then their mean."),
        (_along(_at(1.0)), "that is the gradient at x alone: average the gradients along the path."),
        (_along(_at(0.0)), "that is the gradient at the baseline alone: average the gradients along the path."),
        (_along(_at(1.0), by="x"), PRODUCT_AT_X),
        (_along(rule, by="x"), "multiply the mean gradient by x − baseline, not by x."),
        (_along(rule, by="back"), "the change is x − baseline; yours is the other way round."),
        (_along(rule, by="one"), "the mean gradient is not multiplied by x − baseline."),
        (_along(rule, start="zero"), "the path begins at the baseline, not at zero."),
        (_along(rule, start="zero", by="x"), "the path begins at the baseline, not at zero."),
        (_along(_unweighted(rule)), "divide the sum of the gradients by the number of steps."),
        (_along(rule, fold="mean"), "sum a token's numbers, do not average them."),
        (_along(rule, fold="each"), "sum over the last dimension: one number a token."),
        (_along(rule, fold="all"), "one number for each token is asked for: sum over the last dimension alone."),
        (_along(rule, fold="over tokens"), "sum over the last dimension: one number for each token."),
        (_along(rule, fold="absolute"), "the sign says whether a token speaks for or against: keep it."),
        (_along(rule, fold="absolute sum"), "the sign says whether a token speaks for or against: keep it."),
        (_along(rule, fold="norm"), "that is a length: sum a token's numbers, signs and all."),
        (
            _along(rule, inner=True),
            "the gradient is by the point on the path: by x, each carries its place as a factor (chain rule).",
        ),
        (_evenly, "the change is shared out evenly: each token's own gradients say what is its share."),
        (_one_after_another, "those are tokens put in one after another; the path moves all of them at once."),
        (_one_at_a_time, "those are tokens taken out one at a time; the path moves all of them at once."),
    )


NO_GRADIENT = {
    "does not require grad": "torch follows only what it is told to: call requires_grad_() on a copy before score.",
    "NoneType": "is it a .grad that is None? It is kept only by a tensor that was not computed: detach() a copy, then "
    "requires_grad_(), then score.",
    "not have been used in the graph": "the gradient is by the very tensor that goes into score, no copy of it.",
}
NO_NEIGHBOUR = dict.fromkeys(
    ("out of range", "out of bounds"),
    "not every query has a token there: the first has none before it, the last none behind.",
)

NO_NUMBER = {"for divmod()": "argmax gives a tensor, and divmod takes Python's numbers: int(it), or it.item()."}


CHECKS = {
    "entropy": errors_named(
        against(
            "weights (..., T), rows summing to 1 -> −Σ α log α over the last dimension, in nats; 0 · log 0 = 0",
            _entropy,
            _maps,
            shrink=False,  # rows add up to 1
            mistakes=(
                (_nan_at_zero, "0 · log 0 is NaN for a computer: its limit is 0."),
                (_in_bits, "nats: the natural logarithm."),
                (_negative, "the minus is missing: entropy is not negative."),
                (_over_queries, "each query has its own entropy: sum over the keys, the last dimension."),
                (_mean_of_terms, "sum the terms, do not average them."),
                (_one_mean, "one number for each row of weights is asked for, not one mean of them all."),
                (_one_sum, "one number for each row of weights is asked for: sum over the last dimension alone."),
                (_dimension_kept, "the last dimension is summed away: no keepdim."),
                (_softmax_again, "those are weights already: no softmax."),
                (_terms_alone, "those are the terms: sum them over the last dimension."),
                (_exponential, "that is the exponential of the entropy."),
                (_of_evenness, "the entropy itself is asked for, not its share of log T."),
                (_logarithms_alone, "each logarithm is multiplied by its weight."),
            ),
        ),
        {"Dimension out of range": "the keys are the last dimension, dim=-1, whatever stands in front."},
    ),
    "share_at": errors_named(
        Check(
            "weights (..., T, T), offset (-1: the token before) -> mean weight on the token there, over queries that "
            "have one: a number for each map (...), or one for all",
            _judge_share,
            _share_check(each=False).mistakes,
        ),
        NO_NEIGHBOUR,
    ),
    "padding_share": number(
        "percent, to three significant digits",
        lambda rng: {"n": int(rng.integers(6, 12)), "t": int(rng.integers(14, 24))},
        "A text of {n} tokens stands in a batch of {t} columns, the others being padding. A head without a mask looks "
        "at all columns alike. How many percent of a token's weight lie on padding?",
        lambda n, t: 100 * (t - n) / t,
        rel_tol=5e-3,
        mistakes=(
            (lambda n, t: 100 * n / t, "that is what lies on the tokens."),
            (lambda n, t: 100 * (t - n) / n, "of the whole row: padding takes part in its sum as well."),
            (lambda n, t: 100 / t, "that is one column's part; count those of padding."),
            (lambda n, t: t - n, "that is how many columns are padding: of all of them?"),
        ),
    ),
    "looks_back": errors_named(
        against(
            "weights (L, H, T, T) -> (layer, head) of the head with the largest mean weight on the token before, both "
            "counted from 0",
            _looks_back,
            _layers_of_maps,
            shrink=False,  # rows add up to 1
            mistakes=(
                (_flat_index, "that counts through all heads, layer after layer: divmod(it, H) gives layer and head."),
                (_head_and_layer, "layer first, then head."),
                (_from_one, "layers and heads count from 0."),
                (_divided_by_layers, "a layer has H heads: divide by H, not by L."),
                (_lowest, "that is the head that looks back least."),
                (_best_layer_and_best_head, "the best head of the best layer is not the best of all heads."),
                (_its_share, "which head, not how much it looks back: argmax, not max."),
                (
                    _back_in(lambda w: _share_at(w, 1)),
                    "that head looks at the token behind: rows are queries, so -1 is the column before.",
                ),
                (
                    _back_in(lambda w: w.diagonal(-1, dim1=-2, dim2=-1).amax(-1)),
                    "the mean weight counts, not its largest.",
                ),
                (_back_in(lambda w: _share_at(w, 0)), "that head looks at the token itself: offset -1, not 0."),
                (_back_in(lambda w: w[..., 0].mean(-1)), "that head looks at the first token, whatever the query is."),
            ),
        ),
        NO_NEIGHBOUR | NO_NUMBER,
    ),
    "without_head": against(
        "heads (B, H, T, d), output (D, D), bias (D,), head -> attention's output (B, T, D) with that head's part at "
        "zero",
        _without_head,
        _head_outputs,
        atol=1e-4,
        mistakes=(
            (_next_head, "another head is at zero: heads count from 0."),
            (_previous_head, "another head is at zero: heads count from 0."),
            (_only_head, "that is the head alone; it is to be left out."),
            (_bias_gone, "the bias stays: it is no head's."),
            (_head_to_mean, "zero is asked for, not the mean."),
            (_rows_of_output, "a head's numbers meet the columns of the output matrix, (out, in)."),
            (_joined_untransposed, "join the heads token by token: transpose before you flatten."),
            (_all_heads, "no head is off: the head's numbers are to be zeros."),
            (_silenced(lambda head: head), "that is a text of the batch: the heads are dimension 1, heads[:, head]."),
            (_silenced(lambda head: np.s_[:, :, head]), "that is a token: the heads are dimension 1, heads[:, head]."),
            (
                _silenced(lambda head: np.s_[..., head]),
                "that is one number of every head: the heads are dimension 1, heads[:, head].",
            ),
            (_one_number_of_the_join, "that is one number; a head has d of them, head·d to (head + 1)·d."),
            (_every_nth_number, "a head's numbers stand next to each other: head·d to (head + 1)·d."),
            (_output_untransposed, "a dense layer is x @ weight.T + bias: the matrix is stored (out, in)."),
            (_others_raised, "the other heads stay as they are."),
            (_heads_part, "that is the head's own part; it is to be left out."),
            (_not_joined, "the output matrix and its bias are missing."),
        ),
    ),
    "control_tags": Check(
        "words, tags (two lists of one length), rng -> a random tag for each word, the same for the same word wherever "
        "it occurs; drawn from rng, in proportion to how often each tag occurs in tags",
        _judge_control,
        (
            (_a_tag_for_each_token, OF_THE_TOKENS),
            (_own_tag_of_the_first, NOT_RANDOM),
            (_own_seed, NOT_RANDOM),
            (_by_hash, NOT_RANDOM),
            (_global_generator, OWN_GENERATOR),
            (_kinds_alike, ALL_KINDS_ALIKE),
            (_one_for_each_type_alone, "one tag for each word of the text, not for each word type."),
        ),
    ),
    "order": against(
        "tokens (a text), words (the most important first) -> all places of the text, each once, from 0: those of the "
        "words first, word after word, from left to right, then the others; words that do not occur are passed over",
        _order,
        _texts_and_words,
        mistakes=(
            (_first_of_each, "a word may stand in the text more than once: index finds its first place alone."),
            (_named_alone, "the places of all other tokens come after them."),
            (_in_text_order, "in the order of words, the most important first; yours are in the order of the text."),
            (_named_last_first, "the first of words comes first; yours are the other way round."),
            (_rest_first, "the places of the words come first, then the others."),
            (_backwards, "the most important first; yours are the other way round."),
            (_as_tokens, "places are asked for, not the tokens there."),
            (_order_from_one, "places count from 0."),
            (_places_twice, "each place once, also where a word is named twice."),
            (_everything_again, "each place once: leave out of the rest what was named."),
            (_words_ignored, "the words change nothing yet: their places come first."),
            (_as_ranks, "that is the rank of each place; the places in their order are asked for."),
        ),
    ),
    "arrives": errors_named(
        against(
            "weights (H, T, T), values (H, T, d), output (D, D), stored (out, in) -> (H, T, T): the length of weight "
            "[h, i, j] times token j's value of head h through that head's columns of the output matrix",
            _arrives,
            _handed_over,
            atol=1e-4,
            shrink=False,  # rows add up to 1
            mistakes=(
                (_row_of_query, "what arrives is token j's, the key's: its length goes along the last dimension."),
                (_through_rows, "a head's numbers meet the columns of the output matrix, (out, in), not its rows."),
                (_through_every_nth, "a head's columns stand next to each other: h·d to (h + 1)·d."),
                (_through_first_columns, "each head has columns of its own: h·d to (h + 1)·d."),
                (_of_the_value, "the output matrix is missing: a value goes through its head's columns first."),
                (_handed_alone, "that is what a key has to give; times the weight, it arrives."),
                (_handed_of_keys, "that is what a key has to give; times the weight of each query, it arrives."),
                (_squared_length, "the length is the root of that."),
                (_sum_of_numbers, "that is a sum of numbers, in which signs cancel: the length is asked for."),
                (_absolute_numbers, "the length is the root of the sum of squares, norm(dim=-1)."),
                (_weights_squared, "once times the weight."),
                (_of_the_sum_over_keys, "each key for itself: no sum over keys."),
                (_over_all_heads, "each head for itself: no sum over heads."),
                (_the_vectors, "those are the vectors: their lengths are asked for."),
                (_as_shares, "the lengths themselves are asked for, not their shares."),
            ),
        ),
        {
            "shapes cannot be multiplied": "a dense layer is x @ weight.T, and head h has the columns h·d to (h + 1)·d "
            "of it: values[h] @ output[:, h * d : (h + 1) * d].T",
        },
    ),
    "gradient_times_input": errors_named(
        _gradients_on(
            against(
                "score (a function of x), x (T, D) -> Σ_d gradient · x, one number per token (T,)",
                _gradient_times_input,
                _functions,
                atol=1e-4,
                shrink=False,
                mistakes=(
                    (_gradient_alone, "that is the gradient: multiply by x."),
                    (_gradient_of_dimensions, "that is the gradient: multiply by x, and sum over the last dimension."),
                    (_gradient_norm, "that is the gradient's length."),
                    (_gradient_squared, "that is the gradient's square: gradient times x is asked for."),
                    (_absolute, "the sign says whether a token speaks for or against: keep it."),
                    (_absolute_terms, "the sign says whether a token speaks for or against: keep it."),
                    (_norm_of_terms, "that is a length: sum a token's numbers, signs and all."),
                    (_each_number, "sum over the last dimension: one number per token."),
                    (_mean_number, "sum, do not average."),
                    (_all_together, "one number for each token is asked for: sum over the last dimension alone."),
                    (_over_tokens, "sum over the last dimension: one number for each token."),
                    (_minus, "the sign is the wrong way round."),
                    (_times_score, "the score is not a factor: gradient times x."),
                    (_left_out, "that is what the score loses without the token; gradient times x is asked for."),
                    (_normalised, "the numbers themselves are asked for, not their shares."),
                ),
            )
        ),
        NO_GRADIENT,
    ),
    "integrated_gradients": errors_named(
        Check(
            "score (a function of x), x (T, D), baseline (T, D), steps -> one number per token (T,): the mean of the "
            "gradients in the middle of each step, times x − baseline, summed over D",
            _judge_path,
            _path_mistakes(_middles),
        ),
        NO_GRADIENT,
    ),
    "balanced_accuracy": against(
        "gold, predicted (lists of classes) -> mean of the recalls of the classes that occur in gold",
        _balanced_accuracy,
        _uneven,
        mistakes=(
            (_accuracy, "that is plain accuracy."),
            (_mean_precision, "that is the mean precision: divide by gold."),
            (_mean_of_predicted_precisions, "that is the mean precision: divide by gold."),
            (_sum_of_recalls, "a mean is asked for."),
            (
                _over_predicted,
                "the classes are those of gold; yours are those of the predictions.",
            ),
            (
                _mean_over(lambda gold, predicted: len({*gold, *predicted})),
                "the classes are those of gold: one that was only predicted has no recall.",
            ),
            (
                _mean_over(lambda gold, predicted: max(*gold, *predicted) + 1),
                "the classes are those that occur in gold, not all numbers up to the largest.",
            ),
            (
                _mean_over(lambda gold, predicted: max(gold) + 1),
                "the classes are those that occur in gold, not all numbers up to the largest.",
            ),
            (_mean_over(lambda gold, predicted: 2), "there may be more than two classes, or one alone."),
            (_mean_over(lambda gold, predicted: len(gold)), "divide by the number of classes, not of words."),
            (_mean_f1, "that is the mean F1: recalls alone are asked for."),
            (_mean_f1_of_both, "that is the mean F1: recalls alone are asked for."),
            (_worst_class, "that is the lowest recall: their mean is asked for."),
            (_best_class, "that is the highest recall: their mean is asked for."),
            (_recall_list, "those are the recalls: their mean is asked for."),
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
            (lambda a, b, s: 100 * (s - a + b) / (a - b), "the sign is the wrong way round: missing is positive."),
            (lambda a, b, s: 100 * (a - b - s) / a, "percent of the change, a − b: divide by that."),
            (lambda a, b, s: 100 * (a - b - s) / s, "percent of the change, a − b: divide by that."),
            (lambda a, b, s: 100 * (a + b - s) / (a + b), "the change is the difference of the two scores."),
            (lambda a, b, s: a - b - s, "that is how much is missing; percent of the change are asked for."),
        ),
    ),
}
