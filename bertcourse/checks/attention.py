"""Checks of the lesson on attention (Vaswani et al., 2017, §3.2)."""

from __future__ import annotations

import math
from dataclasses import replace

import torch
from torch import Tensor

from bertcourse.checks.engine import Check, Trial, Wrong, against, floats, number, show, truths
from bertlib.model.attention import MultiHeadSelfAttention, padding_mask, scaled_dot_product_attention
from bertlib.model.config import BertConfig


def _scores(query: Tensor, key: Tensor) -> Tensor:
    return query @ key.transpose(-2, -1) / math.sqrt(query.size(-1))


def _masked_softmax(scores: Tensor, mask: Tensor) -> Tensor:
    weights = scores.masked_fill(~mask, torch.finfo(scores.dtype).min).softmax(dim=-1)
    return weights.masked_fill(~mask, 0.0)


def _attention(query: Tensor, key: Tensor, value: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    return scaled_dot_product_attention(query, key, value, mask)


def _split_heads(hidden: Tensor, num_heads: int) -> Tensor:
    config = BertConfig(hidden_size=hidden.size(-1), num_attention_heads=num_heads)
    with torch.device("meta"):
        return MultiHeadSelfAttention(config).split_heads(hidden)


def _multi_head(hidden: Tensor, weights: dict[str, Tensor], num_heads: int, mask: Tensor) -> Tensor:
    config = BertConfig(hidden_size=hidden.size(-1), num_attention_heads=num_heads)
    module = MultiHeadSelfAttention(config).eval()
    module.load_state_dict(weights)
    with torch.no_grad():
        return module(hidden, mask, True)[0]


def _causal_mask(length: int) -> Tensor:
    return torch.ones(length, length, dtype=torch.bool).tril()


# ------------------------------------------------------------------------------------------------------------- cases


def _query_and_key(rng):
    yield torch.eye(2), torch.tensor([[1.0, 0.0], [2.0, 1.0], [0.0, 3.0]])
    for _ in range(4):
        batch, queries, keys, size = rng.integers(1, 6, 4)
        yield floats(rng, batch, queries, 3 * size), floats(rng, batch, keys, 3 * size)
    yield floats(rng, 2, 3, 4, 8), floats(rng, 2, 3, 5, 8)


def _scores_and_mask(rng):
    yield torch.zeros(2, 3), torch.tensor([[True, True, False], [True, False, False]])
    yield torch.tensor([[-3e4, 0.0, 1.0]]), torch.tensor([[True, False, False]])
    yield torch.tensor([[1.0, 2.0, 3.0]]), torch.tensor([[False, False, False]])
    for size in rng.integers(2, 9, 4):
        mask = truths(rng, 0.6, 3, size, size)
        mask[0, 0] = False  # nothing to look at
        yield 20 * floats(rng, 3, size, size), mask
    yield floats(rng, 2, 2, 4, 4) - 1e5, truths(rng, 0.7, 2, 1, 1, 4)


def _all_of_attention(rng):
    yield (
        torch.eye(2),
        torch.eye(2),
        torch.tensor([[1.0, 2.0], [3.0, 5.0]]),  # not the unit matrix: output and weights are different things
        torch.tensor([[True, True], [True, False]]),
    )
    for _ in range(4):
        batch, queries, keys, size = rng.integers(2, 6, 4)
        mask = truths(rng, 0.6, batch, queries, keys)
        mask[0, 0] = False
        yield floats(rng, batch, queries, size), floats(rng, batch, keys, size), floats(rng, batch, keys, 5), mask
    mask = padding_mask(torch.tensor([[1, 1, 1, 0], [1, 0, 0, 0]]))
    yield floats(rng, 2, 3, 4, 8), floats(rng, 2, 3, 4, 8), floats(rng, 2, 3, 4, 8), mask


def _padded(rng):
    yield (torch.tensor([[1, 1, 0], [1, 0, 0]]),)
    for _ in range(4):
        rows, length = rng.integers(2, 7, 2)
        yield ((torch.arange(length) < torch.from_numpy(rng.integers(1, length + 1, (rows, 1)))).long(),)
    yield (torch.tensor([[1.0, 1.0, 1.0, 0.0]]),)


def _hidden_and_heads(rng):
    yield torch.arange(12.0).reshape(1, 3, 4), 2
    for heads in (1, 2, 3, 4):
        batch, length, size = rng.integers(1, 5, 3)
        yield floats(rng, batch, length, heads * size), heads
    yield floats(rng, 2, 4, 8), 4


def _weights(rng, size):
    names = ("query", "key", "value", "output")
    return {f"{name}.weight": floats(rng, size, size) / size**0.5 for name in names} | {
        f"{name}.bias": floats(rng, size) for name in names
    }


def _layers(rng):
    for batch, length, heads, size in ((1, 3, 1, 4), (2, 5, 2, 3), (3, 4, 4, 2), (2, 6, 3, 4)):
        counts = torch.from_numpy(rng.integers(1, length + 1, (batch, 1)))
        mask = padding_mask((torch.arange(length) < counts).long())
        yield floats(rng, batch, length, heads * size), _weights(rng, heads * size), heads, mask


# ---------------------------------------------------------------------------------------------------- known mistakes


def _unscaled(query, key):
    return query @ key.transpose(-2, -1)


def _divided_by_size(query, key):
    return query @ key.transpose(-2, -1) / query.size(-1)


def _divided_by_length(query, key):
    return query @ key.transpose(-2, -1) / math.sqrt(key.size(-2))


def _keys_by_queries(query, key):
    return _scores(key, query)


def _spread_evenly(scores, mask):
    return scores.masked_fill(~mask, torch.finfo(scores.dtype).min).softmax(-1)


def _infinities(scores, mask):
    return scores.masked_fill(~mask, -math.inf).softmax(-1)


def _zero_scores(scores, mask):
    return (scores * mask).softmax(-1)


def _after_softmax(scores, mask):
    return scores.softmax(-1) * mask


def _zero_scores_and_after(scores, mask):
    return (scores * mask).softmax(-1) * mask


def _normalised(weigh, guarded):
    """Weights of all keys, those of forbidden ones taken away, the rest made to sum to 1."""

    def normalised(scores, mask):
        kept = weigh(scores) * mask
        total = kept.sum(-1, keepdim=True)
        return kept / (total.clamp(min=1e-9) if guarded else total)

    return normalised


WEIGHTS = (torch.exp, lambda scores: scores.softmax(-1))


def _mask_upside_down(scores, mask):
    return _masked_softmax(scores, ~mask)


def _softmax_over_queries(scores, mask):
    return scores.masked_fill(~mask, -1e9).softmax(-2) * mask


def _small_penalty(scores, mask):
    return torch.where(mask.any(-1, keepdim=True), (scores - 10000.0 * ~mask).softmax(-1), 0.0)


def _attend(weigh):
    def attention(query, key, value, mask):
        weights = weigh(_scores(query, key), mask)
        return weights @ value, weights

    return attention


def _maps_without_mask(query, key, value, mask):
    return _attention(query, key, value, mask)[0], _scores(query, key).softmax(-1)


def _attention_unscaled(query, key, value, mask):
    weights = _masked_softmax(_unscaled(query, key), mask)
    return weights @ value, weights


def _attention_by_size(query, key, value, mask):
    weights = _masked_softmax(_divided_by_size(query, key), mask)
    return weights @ value, weights


def _mask_ignored(query, key, value, mask):
    weights = _scores(query, key).softmax(-1)
    return weights @ value, weights


def _weights_first(query, key, value, mask):
    return _attention(query, key, value, mask)[::-1]


def _weights_alone(query, key, value, mask):
    return _attention(query, key, value, mask)[1]


EVEN = (
    "a query that may look at nothing gets equal weights over forbidden keys: a softmax of equal scores is even. Set "
    "the "
    "weights of forbidden keys to 0 behind the softmax as well."
)
NANS = (
    "a softmax over nothing but -inf is 0/0, NaN, and spreads through every layer and gradient. Use the lowest finite "
    "number, and set the weights of forbidden keys to 0."
)
NOT_A_MASK = "a score of 0 is no mask: exp(0) = 1, so the forbidden keys get weight. They need a very low score."
AFTER = "with the mask behind the softmax only, the rows no longer sum to 1: forbidden keys took their part before."
UNDERFLOW = (
    "exp underflows: beside a high forbidden score the allowed keys' weights become 0, and there is nothing to share "
    "out. Give forbidden keys a very low score before the softmax."
)
UPSIDE_DOWN = "your mask is upside down: True is where a query may look."


def _inverted_mask(attention_mask):
    return (attention_mask == 0)[:, None, None, :]


def _two_dimensions(attention_mask):
    return attention_mask != 0


def _queries_masked(attention_mask):
    return (attention_mask != 0)[:, None, :, None]


def _numbers_for_truths(attention_mask):
    return attention_mask[:, None, None, :]


def _additive(attention_mask):
    return (1.0 - attention_mask.float())[:, None, None, :] * -10000.0


def _view_alone(hidden, num_heads):
    batch, length, size = hidden.shape
    return hidden.reshape(batch, num_heads, length, size // num_heads)


def _not_transposed(hidden, num_heads):
    return hidden.unflatten(-1, (num_heads, -1))


def _interleaved(hidden, num_heads):
    return hidden.unflatten(-1, (-1, num_heads)).permute(0, 3, 1, 2)


def _by_hand(hidden, weights, num_heads, mask, *, wrong):
    """Multi-head attention with one thing left out or mixed up."""

    def linear(name, x):
        return x @ weights[f"{name}.weight"].T + (0 if wrong == "bias" else weights[f"{name}.bias"])

    heads = [_split_heads(linear(name, hidden), num_heads) for name in ("query", "key", "value")]
    if wrong == "scale":  # of the whole width instead of the head's
        heads[0] = heads[0] / math.sqrt(num_heads)
    output = scaled_dot_product_attention(*heads, None if wrong == "mask" else mask)[0]
    joined = output.reshape(hidden.shape) if wrong == "merge" else output.transpose(1, 2).flatten(-2)
    return joined if wrong == "output" else linear("output", joined)


def _wrongly(what):
    return lambda hidden, weights, num_heads, mask: _by_hand(hidden, weights, num_heads, mask, wrong=what)


def _may_look_ahead(length):
    return torch.ones(length, length, dtype=torch.bool).triu()


def _true_is_forbidden(length):
    return torch.ones(length, length, dtype=torch.bool).triu(1)


def _not_at_itself(length):
    return torch.ones(length, length, dtype=torch.bool).tril(-1)


def _causal_numbers(length):
    return torch.ones(length, length).tril()


def _operations(T, D):
    return 8 * T * D**2 + 4 * T**2 * D


def _and_its_gradient(check: Check) -> Check:
    """The same check, and then the gradient where a row may look at nothing: NaN that is covered up comes back."""

    def judge(trial: Trial) -> None:
        check.judge(trial)
        answer = trial.answer

        def gradient(query, key, value, mask):
            query.requires_grad_()
            output = answer(query, key, value, mask)[0]
            return torch.autograd.grad(output.sum(), query)[0] if output.requires_grad else None

        mask = torch.tensor([[True, True], [False, False]])
        given = floats(trial.rng, 2, 3), floats(trial.rng, 2, 3), floats(trial.rng, 2, 3), mask
        trial.answer = gradient
        try:
            got = trial.call(*given)
        finally:
            trial.answer = answer
        if got is not None and not got.isfinite().all():
            raise Wrong(f"the gradient of the query is not finite: {show(got)}; tried with: {trial.described}", NANS)

    return replace(check, judge=judge)


CHECKS = {
    "scores": against(
        "query (..., T_q, d_k), key (..., T_k, d_k) -> scaled scores (..., T_q, T_k), before any softmax",
        _scores,
        _query_and_key,
        mistakes=(
            (_unscaled, "you did not divide by the root of d_k: the scores' variance grows with d_k."),
            (_divided_by_size, "you divided by d_k; eq. 1 divides by its square root."),
            (_divided_by_length, "you divided by the root of the number of keys; d_k is the last size of the query."),
            (_keys_by_queries, "rows are queries, columns are keys; yours are exchanged."),
        ),
    ),
    "softmax_masked": against(
        "scores (..., T_q, T_k), mask bool, True where a query may look -> weights; a row that may look at nothing "
        "is 0",
        _masked_softmax,
        _scores_and_mask,
        mistakes=(
            (_spread_evenly, EVEN),
            (_infinities, NANS),
            (_zero_scores, NOT_A_MASK),
            (_zero_scores_and_after, NOT_A_MASK),
            *((_normalised(weigh, guarded), UNDERFLOW) for weigh in WEIGHTS for guarded in (False, True)),
            (_after_softmax, AFTER),
            (_mask_upside_down, UPSIDE_DOWN),
            (_softmax_over_queries, "the softmax runs over the keys, the last dimension: each row sums to 1."),
            (
                _small_penalty,
                "subtracting 10000 does not suffice where scores are that low: set them, do not subtract.",
            ),
        ),
    ),
    "masks": against(
        "attention_mask (B, T), 1 for a token, 0 for padding -> bool (B, 1, 1, T), True where a token may be looked at",
        padding_mask,
        _padded,
        mistakes=(
            (_inverted_mask, UPSIDE_DOWN),
            (_two_dimensions, "it must broadcast over heads and queries: (B, 1, 1, T), so two sizes of 1 in between."),
            (_queries_masked, "you mask the queries: the keys are the last dimension."),
            (_numbers_for_truths, "the values are right; the mask must be bool."),
            (_additive, "that is the kind which is added to scores; here a bool mask is asked for."),
        ),
    ),
    "scaled_dot_product": _and_its_gradient(
        against(
            "query (..., T_q, d_k), key (..., T_k, d_k), value (..., T_k, d_v), mask bool -> (output, weights)",
            _attention,
            _all_of_attention,
            mistakes=(
                (
                    _maps_without_mask,
                    "your output obeys the mask, the weights that you return do not: one softmax for both.",
                ),
                (_attend(_spread_evenly), EVEN),
                (_attend(_infinities), NANS),
                (_attend(_zero_scores), NOT_A_MASK),
                (_attend(_zero_scores_and_after), NOT_A_MASK),
                (_attend(_after_softmax), AFTER),
                (_attend(_mask_upside_down), UPSIDE_DOWN),
                (_attention_unscaled, "you did not divide by the root of d_k."),
                (_attention_by_size, "you divided by d_k; eq. 1 divides by its square root."),
                (_mask_ignored, "the mask is not used: forbidden keys get weight."),
                (_weights_first, "the two are exchanged: first the output, then the weights."),
                (_weights_alone, "two things are asked for: the output and the weights."),
            ),
        )
    ),
    "split_heads": against(
        "hidden (B, T, D), num_heads -> (B, H, T, D / H); head 0 has the first D / H numbers of each token",
        _split_heads,
        _hidden_and_heads,
        mistakes=(
            (
                _view_alone,
                "the shape is right, but reshape alone mixes tokens with heads: split the last size, then transpose.",
            ),
            (_not_transposed, "heads come before tokens: transpose the middle two dimensions."),
            (_interleaved, "a head's numbers stand next to each other: split D into (H, D / H), not (D / H, H)."),
        ),
    ),
    "multi_head": against(
        "hidden (B, T, D), weights {'query.weight': (D, D), 'query.bias': (D,), 'key.…', 'value.…', 'output.…'}, "
        "num_heads, "
        "mask bool (B, 1, 1, T) -> (B, T, D)",
        _multi_head,
        _layers,
        atol=1e-4,
        mistakes=(
            (_wrongly("output"), "the heads are joined, but the output matrix is missing."),
            (_wrongly("bias"), "the biases are missing."),
            (_wrongly("mask"), "the mask is not used: padding is looked at."),
            (_wrongly("merge"), "the heads are not joined token by token: transpose before you flatten."),
            (_wrongly("scale"), "the scale is the root of a head's width, D / H, not of D."),
        ),
    ),
    "causal_mask": against(
        "length T -> bool (T, T), True where the token of a row may look at that of a column: itself and what is "
        "before it",
        _causal_mask,
        lambda rng: [(5,), (1,), *((int(length),) for length in rng.integers(2, 12, 3))],
        mistakes=(
            (_may_look_ahead, "yours looks ahead: rows are queries, and a query sees columns up to its own number."),
            (_true_is_forbidden, UPSIDE_DOWN),
            (_not_at_itself, "a token may see itself; and its first row would be empty."),
            (_causal_numbers, "the places are right; the mask must be bool."),
        ),
    ),
    "by_hand": number(
        "the weight, to three significant digits",
        lambda rng: {"a": int(rng.integers(0, 2)), "b": 1 + int(rng.integers(1, 4)), "n": int(rng.integers(2, 5))},
        "A query has the score {a} with one key and the score {b} with each of {n} others. What weight has the first "
        "key?",
        lambda a, b, n: math.exp(a) / (math.exp(a) + n * math.exp(b)),
        rel_tol=5e-3,
        mistakes=(
            (lambda a, b, n: a / (a + n * b), "weights are not shares of the scores: take exponentials first."),
            (lambda a, b, n: math.exp(a) / (math.exp(a) + math.exp(b)), "all of the other keys count in the sum."),
            (lambda a, b, n: math.exp(a) / (math.exp(a) + n), "a score of b adds exp(b) to the sum; only 0 adds 1."),
        ),
    ),
    "deviation": number(
        "a standard deviation, to three significant digits",
        lambda rng: {"d": int(rng.integers(4, 33)) ** 2},
        "Queries and keys of {d} independent standard normal numbers; a score is their dot product, divided by {d}. "
        "What is its standard deviation?",
        lambda d: d**-0.5,
        rel_tol=5e-3,
        mistakes=(
            (lambda d: d**0.5, "that is the deviation before you divide."),
            (lambda d: 1.0, "it would be 1 if you divided by the root."),
            (lambda d: 1 / d, "that is the variance, not its root."),
        ),
    ),
    "parameters": number(
        "a whole number",
        lambda rng: {"D": int(64 * rng.integers(4, 33)), "H": int(2 ** rng.integers(1, 6))},
        "How many parameters (weights and biases) has multi-head self-attention of width {D} with {H} heads?",
        lambda D, H: 4 * (D**2 + D),
        mistakes=(
            (lambda D, H: 4 * D**2, "the four biases are missing."),
            (lambda D, H: 3 * (D**2 + D), "the output matrix is missing: there are four."),
            (
                lambda D, H: 4 * H * (D**2 + D),
                "heads share the four matrices between them: their number does not matter.",
            ),
        ),
    ),
    "waste": number(
        "a ratio, to three significant digits",
        lambda rng: {"T": int(rng.integers(10, 40)), "D": int(64 * rng.integers(4, 17))},
        "A text of {T} tokens is filled up to 512. How many times the operations (8·T·D² + 4·T²·D, with D = {D}) "
        "does a "
        "layer's attention take?",
        lambda T, D: _operations(512, D) / _operations(T, D),
        rel_tol=5e-3,
        mistakes=(
            (lambda T, D: 512 / T, "that holds for the projections; the T × T part grows with the square."),
            (
                lambda T, D: _operations(T, D) / _operations(512, D),
                "the ratio is upside down: how many times the short text's operations are those of 512 tokens?",
            ),
            (lambda T, D: (512 / T) ** 2, "that holds for the T × T part alone."),
        ),
    ),
}
