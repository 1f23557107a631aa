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


def _one_head(hidden: Tensor, w_query: Tensor, w_key: Tensor, w_value: Tensor) -> tuple[Tensor, Tensor]:
    return scaled_dot_product_attention(hidden @ w_query, hidden @ w_key, hidden @ w_value)


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


def _four_sizes(rng):
    """All different, so that what is mixed up does not fit, or shows."""
    return rng.permutation([2, 3, 4, 6, 7])[:4]


def _query_and_key(rng):
    yield torch.eye(2), torch.tensor([[1.0, 0.0], [2.0, 1.0], [0.0, 3.0]])
    for _ in range(4):
        batch, queries, keys, size = _four_sizes(rng)
        yield floats(rng, batch, queries, size), floats(rng, batch, keys, size)
    yield floats(rng, 2, 3, 4, 8), floats(rng, 2, 3, 5, 8)


def _scores_and_mask(rng):
    yield torch.zeros(2, 3), torch.tensor([[True, True, False], [True, False, False]])
    yield torch.tensor([[0.0, 300.0, 1.0]]), torch.tensor([[True, False, True]])
    yield torch.tensor([[-3e4, 0.0, 1.0]]), torch.tensor([[True, False, False]])
    yield torch.tensor([[2.0, 1.0, 400.0]]), torch.tensor([[True, True, False]])
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
        batch, queries, keys, size = _four_sizes(rng)
        mask = truths(rng, 0.6, batch, queries, keys)
        mask[0, 0] = False
        yield floats(rng, batch, queries, size), floats(rng, batch, keys, size), floats(rng, batch, keys, 5), mask
    mask = padding_mask(torch.tensor([[1, 1, 1, 0], [1, 0, 0, 0]]))
    yield floats(rng, 2, 3, 4, 8), floats(rng, 2, 3, 4, 8), floats(rng, 2, 3, 4, 8), mask


def _hidden_and_matrices(rng):
    yield (
        torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]),
        torch.tensor([[2.0, 1.0], [0.0, 1.0]]),
        torch.tensor([[0.0, 1.0], [3.0, 0.0]]),
        torch.tensor([[1.0, 4.0], [2.0, 0.0]]),
    )
    for length, size, d_k, d_v in ((5, 6, 4, 3), (4, 9, 2, 5), (1, 3, 2, 2), (6, 4, 9, 4), (3, 5, 5, 5)):
        yield floats(rng, length, size), floats(rng, size, d_k), floats(rng, size, d_k), floats(rng, size, d_v)


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
        counts = torch.from_numpy(rng.integers(1, length, (batch, 1)))  # each row has padding
        mask = padding_mask((torch.arange(length) < counts).long())
        yield floats(rng, batch, length, heads * size), _weights(rng, heads * size), heads, mask


# ---------------------------------------------------------------------------------------------------- known mistakes


def _unscaled(query, key):
    return query @ key.transpose(-2, -1)


def _divided_by_size(query, key):
    return query @ key.transpose(-2, -1) / query.size(-1)


def _multiplied(query, key):
    return _unscaled(query, key) * math.sqrt(query.size(-1))


def _divided_by_second_size(query, key):
    return _unscaled(query, key) / math.sqrt(query.size(1))


def _divided_by_first_size(query, key):
    return _unscaled(query, key) / math.sqrt(len(query))


def _softmax_of_scores(query, key):
    return _scores(query, key).softmax(-1)


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


def _normalised(weigh, guard):
    """Weights of all keys, those of forbidden ones taken away, the rest made to sum to 1."""

    def normalised(scores, mask):
        kept = weigh(scores) * mask
        total = kept.sum(-1, keepdim=True)
        return guard(kept, total)

    return normalised


GUARDS = (
    lambda kept, total: kept / total,
    lambda kept, total: kept / total.clamp(min=1e-9),
    lambda kept, total: torch.where(total > 0, kept / total, 0.0),
)
WEIGHTS = (torch.exp, lambda scores: scores.softmax(-1))


def _mask_upside_down(scores, mask):
    return _masked_softmax(scores, ~mask)


def _softmax_over_queries(scores, mask):
    return scores.masked_fill(~mask, -1e9).softmax(-2) * mask


def _softmax_over_second(scores, mask):
    return scores.masked_fill(~mask, -1e9).softmax(1) * mask


def _not_normalised(scores, mask):
    return scores.exp() * mask


def _logarithms(scores, mask):
    return scores.masked_fill(~mask, -1e9).log_softmax(-1) * mask


def _not_low_enough(scores, mask):
    return scores.masked_fill(~mask, -10000.0).softmax(-1) * mask


def _small_penalty(scores, mask):
    return torch.where(mask.any(-1, keepdim=True), (scores - 10000.0 * ~mask).softmax(-1), 0.0)


def _attend(weigh):
    def attention(query, key, value, mask):
        weights = weigh(_scores(query, key), mask)
        return weights @ value, weights

    return attention


def _maps_without_mask(query, key, value, mask):
    return _attention(query, key, value, mask)[0], _scores(query, key).softmax(-1)


def _maps_without_mask_or_zeros(query, key, value, mask):
    scores = _scores(query, key)
    return _spread_evenly(scores, mask) @ value, scores.softmax(-1)


def _attention_from(scores):
    def attention(query, key, value, mask):
        weights = _masked_softmax(scores(query, key), mask)
        return weights @ value, weights

    return attention


def _attention_by_value(query, key, value, mask):
    weights = _masked_softmax(_unscaled(query, key) / math.sqrt(value.size(-1)), mask)
    return weights @ value, weights


def _mask_ignored(query, key, value, mask):
    weights = _scores(query, key).softmax(-1)
    return weights @ value, weights


def _weights_first(query, key, value, mask):
    return _attention(query, key, value, mask)[::-1]


def _weights_alone(query, key, value, mask):
    return _attention(query, key, value, mask)[1]


def _output_alone(query, key, value, mask):
    return _attention(query, key, value, mask)[0]


def _head_by_hand(wrong):
    """One head with one thing left out or mixed up."""

    def head(hidden, w_query, w_key, w_value):
        if wrong == "transposed":
            w_query, w_key, w_value = w_query.T, w_key.T, w_value.T
        query = hidden if wrong == "no matrices" else hidden @ w_query
        key = hidden if wrong == "no matrices" else hidden @ (w_query if wrong == "one for both" else w_key)
        value = hidden if wrong in ("no matrices", "raw values") else hidden @ w_value
        if wrong == "values of keys":
            value = hidden @ w_key
        scale = {
            "unscaled": 1.0,
            "by d_k": query.size(-1),
            "by D": math.sqrt(hidden.size(-1)),
            "by T": math.sqrt(len(hidden)),
        }.get(wrong, math.sqrt(query.size(-1)))
        scores = (key @ query.T if wrong == "exchanged" else query @ key.T) / scale
        weights = scores if wrong == "no softmax" else scores.softmax(0 if wrong == "over queries" else 1)
        output = (weights.T if wrong == "columns" else weights) @ value
        return {"output alone": output, "weights alone": weights, "weights first": (weights, output)}.get(
            wrong, (output, weights)
        )

    return head


EVEN = (
    "a query that may look at nothing gets equal weights over forbidden keys: a softmax of equal scores is even. Set "
    "the "
    "weights of forbidden keys to 0 after the softmax as well."
)
NANS = (
    "a softmax over nothing but -inf is 0/0, NaN, and spreads through every layer and gradient. Use the lowest finite "
    "number, and set the weights of forbidden keys to 0."
)
NOT_A_MASK = "a score of 0 is no mask: exp(0) = 1, so the forbidden keys get weight. They need a very low score."
AFTER = "with the mask after the softmax only, the rows no longer sum to 1: forbidden keys took their part before."
UNDERFLOW = (
    "exp underflows: beside a high forbidden score the allowed keys' weights become 0, and there is nothing to share "
    "out. Give forbidden keys a very low score before the softmax."
)
UPSIDE_DOWN = "your mask is upside down: True is where a query may look."


TWO_ONES = "it must broadcast over heads and queries: (B, 1, 1, T), so two sizes of 1 in between."


def _inverted_mask(attention_mask):
    return (attention_mask == 0)[:, None, None, :]


def _two_dimensions(attention_mask):
    return attention_mask != 0


def _three_dimensions(attention_mask):
    return (attention_mask != 0)[:, None]


def _for_each_query(attention_mask):
    return (attention_mask != 0)[:, None, None, :].repeat(1, 1, attention_mask.size(1), 1)


def _queries_masked(attention_mask):
    return (attention_mask != 0)[:, None, :, None]


def _numbers_for_truths(attention_mask):
    return attention_mask[:, None, None, :]


def _floats_for_truths(attention_mask):
    return attention_mask[:, None, None, :].float()


def _additive(attention_mask):
    return (1.0 - attention_mask.float())[:, None, None, :] * -10000.0


def _view_alone(hidden, num_heads):
    batch, length, size = hidden.shape
    return hidden.reshape(batch, num_heads, length, size // num_heads)


def _not_transposed(hidden, num_heads):
    return hidden.unflatten(-1, (num_heads, -1))


def _interleaved(hidden, num_heads):
    return hidden.unflatten(-1, (-1, num_heads)).permute(0, 3, 1, 2)


def _heads_last(hidden, num_heads):
    return hidden.unflatten(-1, (-1, num_heads)).transpose(1, 2)


def _heads_before_batch(hidden, num_heads):
    return torch.stack(hidden.chunk(num_heads, -1))


def _tokens_last(hidden, num_heads):
    return _split_heads(hidden, num_heads).transpose(-2, -1)


def _by_hand(hidden, weights, num_heads, mask, *, wrong):
    """Multi-head attention with one thing left out or mixed up."""

    def linear(name, x):
        matrix = weights[f"{name}.weight"]
        return x @ (matrix if wrong == "transposed" else matrix.T) + (0 if wrong == "bias" else weights[f"{name}.bias"])

    split = {"view": _view_alone, "split view": _view_alone, "interleaved": _interleaved}.get(wrong, _split_heads)
    query, key, value = (split(linear(name, hidden), num_heads) for name in ("query", "key", "value"))
    if wrong == "exchanged":
        query, key = key, query
    width = query.size(-1)
    scale = {"scale": hidden.size(-1) ** 0.5, "unscaled": 1.0, "by width": width}.get(wrong, width**0.5)
    scores = query @ key.transpose(-2, -1) / scale
    if wrong == "after":
        attention = scores.softmax(-1) * mask
    elif wrong == "over queries":
        attention = scores.masked_fill(~mask, -1e9).softmax(-2)
    else:
        attention = _masked_softmax(scores, {"mask": torch.ones_like(mask), "upside down": ~mask}.get(wrong, mask))
    output = attention @ value
    if wrong == "mean":
        return linear("output", output.mean(1).repeat(1, 1, num_heads))
    joined = output.transpose(1, 2).flatten(-2)
    if wrong in ("merge", "view"):
        joined = output.reshape(hidden.shape)
    elif wrong == "interleaved":
        joined = output.permute(0, 2, 3, 1).flatten(-2)
    return joined if wrong == "output" else linear("output", joined)


RESHAPED = "heads are split by reshape alone, which mixes tokens with heads: transpose as well."


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


def _on_matrices_and_batches(check: Check, plain: tuple, batch: tuple) -> Check:
    """The same check; an answer that works on matrices and raises an error on batches of them is told so."""

    def judge(trial: Trial) -> None:
        try:
            check.judge(trial)
        except Wrong as wrong:
            if wrong.hint or not _works(trial, plain) or _works(trial, batch):
                raise
            raise Wrong(wrong.message, LAST_TWO) from None

    return replace(check, judge=judge)


def _works(trial: Trial, given: tuple) -> bool:
    """Whether the answer gives anything for these arguments, instead of an error."""
    try:
        trial.call(*given)
    except Wrong:
        return False
    return True


LAST_TWO = (
    "it works on plain matrices and fails with a batch in front of them: `.T` and transpose(0, 1) then exchange the "
    "wrong dimensions. Use transpose(-2, -1), and dim=-1 for the softmax."
)


ATTENTION = against(
    "query (..., T_q, d_k), key (..., T_k, d_k), value (..., T_k, d_v), mask bool -> (output, weights)",
    _attention,
    _all_of_attention,
    mistakes=(
        (
            _maps_without_mask,
            "your output obeys the mask, the weights that you return do not: one softmax for both.",
        ),
        (
            _maps_without_mask_or_zeros,
            "your output obeys the mask, the weights that you return do not: one softmax for both.",
        ),
        (_attend(_spread_evenly), EVEN),
        (_attend(_infinities), NANS),
        (_attend(_zero_scores), NOT_A_MASK),
        (_attend(_zero_scores_and_after), NOT_A_MASK),
        (_attend(_after_softmax), AFTER),
        (_attend(_mask_upside_down), UPSIDE_DOWN),
        (_attention_from(_unscaled), "you did not divide by the root of d_k."),
        (_attention_from(_divided_by_size), "you divided by d_k; eq. 1 divides by its square root."),
        (_attention_from(_divided_by_length), "you divided by the root of the number of keys; d_k is a width."),
        (_attention_by_value, "you divided by the root of d_v, the values' width; d_k is that of query and key."),
        (_attend(_softmax_over_queries), "the softmax runs over the keys, the last dimension: dim=-1."),
        (_attend(_not_normalised), "the exponentials are not divided by their sum: each row sums to 1."),
        (_mask_ignored, "the mask is not used: forbidden keys get weight."),
        (_weights_first, "the two are exchanged: first the output, then the weights."),
        (_weights_alone, "two things are asked for: the output and the weights."),
        (_output_alone, "two things are asked for: the output and the weights."),
    ),
)

CHECKS = {
    "scores": _on_matrices_and_batches(
        against(
            "query (..., T_q, d_k), key (..., T_k, d_k) -> scaled scores (..., T_q, T_k), before any softmax",
            _scores,
            _query_and_key,
            mistakes=(
                (_unscaled, "you did not divide by the root of d_k: the scores' variance grows with d_k."),
                (_divided_by_size, "you divided by d_k; eq. 1 divides by its square root."),
                (_multiplied, "you multiplied by the root of d_k; eq. 1 divides by it."),
                (
                    _divided_by_length,
                    "you divided by the root of the number of keys; d_k is the last size of the query.",
                ),
                (_divided_by_second_size, "size(1) is d_k only without a batch in front; d_k is size(-1)."),
                (_divided_by_first_size, "you divided by the root of the first size; d_k is the last one, size(-1)."),
                (_keys_by_queries, "rows are queries, columns are keys; yours are exchanged."),
                (_softmax_of_scores, "those are weights already: the scores before the softmax are asked for."),
            ),
        ),
        (torch.ones(2, 3), torch.ones(4, 3)),
        (torch.ones(5, 2, 3), torch.ones(5, 4, 3)),
    ),
    "one_head": against(
        "hidden (T, D), w_query (D, d_k), w_key (D, d_k), w_value (D, d_v) -> (output (T, d_v), weights (T, T))",
        _one_head,
        _hidden_and_matrices,
        mistakes=(
            (_head_by_hand("unscaled"), "you did not divide by the root of d_k."),
            (_head_by_hand("by d_k"), "you divided by d_k; eq. 1 divides by its square root."),
            (
                _head_by_hand("by D"),
                "you divided by the root of D, the tokens' width; d_k is the width of the head's queries.",
            ),
            (_head_by_hand("by T"), "you divided by the root of T, the number of tokens; d_k is a width."),
            (_head_by_hand("over queries"), "the softmax runs over the keys, so that each row sums to 1: dim=-1."),
            (
                _head_by_hand("exchanged"),
                "rows are queries, columns are keys; yours are exchanged: Q times K transposed.",
            ),
            (_head_by_hand("one for both"), "query and key have a matrix each; you used w_query for both."),
            (_head_by_hand("raw values"), "you averaged the tokens' own vectors: values are hidden @ w_value."),
            (_head_by_hand("values of keys"), "you averaged the keys: values have a matrix of their own, w_value."),
            (_head_by_hand("no matrices"), "the three matrices are not used."),
            (
                _head_by_hand("transposed"),
                "the matrices are (D, d) here and not those of nn.Linear: no .T, hidden @ w.",
            ),
            (_head_by_hand("no softmax"), "those are scores: the softmax over each row is missing."),
            (_head_by_hand("columns"), "your output averages with the columns of the weights; row i has token i's."),
            (_head_by_hand("weights first"), "the two are exchanged: first the output, then the weights."),
            (_head_by_hand("output alone"), "two things are asked for: the output and the weights."),
            (_head_by_hand("weights alone"), "two things are asked for: the output and the weights."),
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
            *((_normalised(weigh, guard), UNDERFLOW) for weigh in WEIGHTS for guard in GUARDS),
            (_after_softmax, AFTER),
            (_mask_upside_down, UPSIDE_DOWN),
            (_softmax_over_queries, "the softmax runs over the keys, the last dimension: each row sums to 1."),
            (_softmax_over_second, "dim=1 is that of the keys only without a batch in front: over the keys is dim=-1."),
            (_not_normalised, "the exponentials are not divided by their sum: each row of weights sums to 1."),
            (_logarithms, "those are logarithms of weights: softmax, not log_softmax."),
            (
                _not_low_enough,
                "-10000 is no lowest score: here allowed scores are lower. Take the dtype's lowest number.",
            ),
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
            (_two_dimensions, TWO_ONES),
            (_three_dimensions, TWO_ONES),
            (_for_each_query, "the same for every query: leave that size at 1, broadcasting repeats it."),
            (_queries_masked, "you mask the queries: the keys are the last dimension."),
            (_numbers_for_truths, "the values are right; the mask must be bool."),
            (_floats_for_truths, "the values are right; the mask must be bool."),
            (_additive, "that is the kind which is added to scores; here a bool mask is asked for."),
        ),
    ),
    "scaled_dot_product": _on_matrices_and_batches(
        _and_its_gradient(ATTENTION),
        (torch.ones(2, 3), torch.ones(4, 3), torch.ones(4, 2), torch.ones(2, 4).bool()),
        (torch.ones(5, 2, 3), torch.ones(5, 4, 3), torch.ones(5, 4, 2), torch.ones(5, 2, 4).bool()),
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
            (_heads_last, "num_heads is the number of heads, not their width: split D into (H, D / H)."),
            (_heads_before_batch, "the batch comes first, then the heads: yours are the other way round."),
            (_tokens_last, "tokens come before a head's numbers: (B, H, T, D / H); your last two are exchanged."),
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
            (_wrongly("unscaled"), "the scores are not divided by the root of a head's width, D / H."),
            (_wrongly("by width"), "you divided by a head's width, D / H; eq. 1 divides by its square root."),
            (_wrongly("transposed"), "a dense layer is x @ weight.T + bias: the matrices are stored transposed."),
            (_wrongly("view"), RESHAPED),
            (_wrongly("split view"), RESHAPED),
            (_wrongly("interleaved"), "a head's numbers stand next to each other: split D into (H, D / H)."),
            (_wrongly("exchanged"), "queries and keys are exchanged: rows are queries, columns are keys."),
            (_wrongly("after"), AFTER),
            (_wrongly("over queries"), "the softmax runs over the keys, the last dimension: dim=-1."),
            (_wrongly("upside down"), UPSIDE_DOWN),
            (_wrongly("mean"), "heads are put side by side, not averaged."),
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
            (
                lambda a, b, n: math.exp(b) / (math.exp(a) + n * math.exp(b)),
                "that is the weight of one of the others; the first key's is asked for.",
            ),
            (
                lambda a, b, n: n * math.exp(b) / (math.exp(a) + n * math.exp(b)),
                "that is what the others have together; the first key's is asked for.",
            ),
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
    "jacobian": number(
        "a derivative, to three significant digits",
        lambda rng: (lambda p: {"p": p, "q": round(1 - p, 2)})(round(0.55 + 0.05 * int(rng.integers(0, 9)), 2)),
        "Two keys have the weights {p} and {q}. What is the derivative of the first weight by its own score?",
        lambda p, q: p * q,
        rel_tol=5e-3,
        mistakes=(
            (lambda p, q: -p * q, "that is the derivative by the other key's score: off the diagonal, j ≠ m."),
            (lambda p, q: p, "w (1 - w), not w: the softmax divides by a sum that grows too."),
            (lambda p, q: p * p, "w (1 - w), not w²."),
            (lambda p, q: q, "w (1 - w): the factor w is missing."),
            (lambda p, q: 1.0, "a weight is not its score: at the diagonal δ is 1, and the entry is w (1 - w)."),
        ),
    ),
    "parameters": number(
        "a whole number",
        lambda rng: {"D": int(64 * rng.integers(4, 33)), "H": int(2 ** rng.integers(1, 6))},
        "How many parameters (weights and biases) has multi-head self-attention of width {D} with {H} heads?",
        lambda D, H: 4 * (D**2 + D),
        mistakes=(
            (lambda D, H: 4 * D**2, "each of the four matrices has a bias of D numbers."),
            (lambda D, H: 3 * (D**2 + D), "the output matrix is missing: there are four."),
            (lambda D, H: 4 * D**2 + 4, "each of the four matrices has a bias of D numbers."),
            (lambda D, H: 4 * (D**2 + D) // H, "that is one head's share; all heads are asked for."),
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
