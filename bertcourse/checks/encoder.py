"""Checks of the lesson on the encoder (Devlin et al., 2019, §3; Vaswani et al., 2017, §3)."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from bertcourse.checks.engine import against, floats, integers, number
from bertlib.model.config import BertConfig
from bertlib.model.encoder import BertEmbeddings, BertPooler

EPS = 1e-12  # BERT's


def _layer_norm(x: Tensor, gain: Tensor, bias: Tensor, eps: float) -> Tensor:
    return F.layer_norm(x, x.shape[-1:], gain, bias, eps)


def _embeddings(
    words: Tensor, positions: Tensor, segments: Tensor, input_ids: Tensor, token_type_ids: Tensor
) -> Tensor:
    """The library's embeddings; their LayerNorm is an exercise of its own, so it is left out here."""
    config = BertConfig(
        vocab_size=len(words),
        hidden_size=words.size(1),
        num_attention_heads=1,
        max_position_embeddings=len(positions),
        type_vocab_size=len(segments),
    )
    module = BertEmbeddings(config).eval()
    module.norm = torch.nn.Identity()
    tables = {"word_embeddings": words, "position_embeddings": positions, "token_type_embeddings": segments}
    module.load_state_dict({f"{name}.weight": table for name, table in tables.items()})
    with torch.no_grad():
        return module(input_ids, token_type_ids)


def _post_norm(hidden: Tensor, sublayer: Callable[[Tensor], Tensor], norm: Callable[[Tensor], Tensor]) -> Tensor:
    return norm(hidden + sublayer(hidden))


def _mean_pool(hidden: Tensor, attention_mask: Tensor) -> Tensor:
    real = attention_mask[..., None].to(hidden.dtype)
    return (hidden * real).sum(dim=1) / real.sum(dim=1)


def _pooled(hidden: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    module = BertPooler(BertConfig(hidden_size=len(bias), num_attention_heads=1))
    module.load_state_dict({"dense.weight": weight, "dense.bias": bias})
    with torch.no_grad():
        return module(hidden)


def _parameters(V: int, P: int, D: int, L: int, inner: int, pooler: bool = True) -> int:
    tables = (V + P + 2) * D + 2 * D
    layer = 4 * (D * D + D) + (D * inner + inner) + (inner * D + D) + 4 * D
    return tables + L * layer + (D * D + D if pooler else 0)


# ------------------------------------------------------------------------------------------------------------- cases


def _to_normalise(rng):
    yield torch.tensor([[1.0, 2.0, 3.0, 6.0]]), torch.ones(4), torch.zeros(4), EPS
    for size in rng.integers(2, 9, 3).tolist():
        yield 3 * floats(rng, 2, 3, size) + 5, floats(rng, size), floats(rng, size), EPS
    yield 0.01 * floats(rng, 4, 6), torch.ones(6), torch.zeros(6), 1e-3


def _tables_and_ids(rng):
    for rows, length in ((1, 3), (2, 5), (3, 4), (2, 7)):
        segments = (torch.arange(length) >= torch.from_numpy(rng.integers(1, length, (rows, 1)))).long()
        yield floats(rng, 11, 6), floats(rng, 9, 6), floats(rng, 2, 6), integers(rng, 0, 11, rows, length), segments


def _sublayers(rng):
    for size in (4, 6):
        matrix = floats(rng, size, size)

        def mixed(x, matrix=matrix):
            return torch.tanh(x @ matrix)

        def normal(x):
            return F.layer_norm(x, x.shape[-1:])

        for function in (mixed, torch.sin):
            yield floats(rng, 2, 3, size) * 2 + 1, function, normal


def _states_and_mask(rng):
    yield torch.tensor([[[2.0, 0.0], [4.0, 2.0], [9.0, 9.0]]]), torch.tensor([[1, 1, 0]])
    for _ in range(4):
        rows, length, size = rng.integers(2, 6, 3).tolist()
        counts = torch.from_numpy(rng.integers(1, length + 1, (rows, 1)))
        yield floats(rng, rows, length, size) + 1, (torch.arange(length) < counts).long()


def _states_and_pooler(rng):
    for rows, length, size in ((1, 2, 3), (3, 4, 5), (2, 6, 4)):
        yield floats(rng, rows, length, size), floats(rng, size, size), floats(rng, size)


# ---------------------------------------------------------------------------------------------------- known mistakes


def _sample_variance(x, gain, bias, eps):
    return gain * (x - x.mean(-1, keepdim=True)) / (x.var(-1, keepdim=True) + eps).sqrt() + bias


def _eps_outside(x, gain, bias, eps):
    return gain * (x - x.mean(-1, keepdim=True)) / (x.var(-1, keepdim=True, unbiased=False).sqrt() + eps) + bias


def _over_the_batch(x, gain, bias, eps):
    mean, variance = x.mean(0, keepdim=True), x.var(0, keepdim=True, unbiased=False)
    return gain * (x - mean) / (variance + eps).sqrt() + bias


def _not_centred(x, gain, bias, eps):
    return gain * x / (x.pow(2).mean(-1, keepdim=True) + eps).sqrt() + bias


def _no_gain(x, gain, bias, eps):
    return F.layer_norm(x, x.shape[-1:], None, None, eps)


def _divided_by_variance(x, gain, bias, eps):
    return gain * (x - x.mean(-1, keepdim=True)) / (x.var(-1, keepdim=True, unbiased=False) + eps) + bias


def _tanh_gelu(x):
    return F.gelu(x, approximate="tanh")


def _sigmoid_gelu(x):
    return x * torch.sigmoid(1.702 * x)


def _sum_of(what):
    def embed(words, positions, segments, input_ids, token_type_ids):
        places = torch.arange(input_ids.size(1)).expand_as(input_ids)
        parts = {
            "no positions": (words[input_ids], segments[token_type_ids]),
            "no segments": (words[input_ids], positions[places]),
            "segment of the position": (words[input_ids], positions[token_type_ids], segments[token_type_ids]),
            "from one": (words[input_ids], positions[places + 1], segments[token_type_ids]),
            "all A": (words[input_ids], positions[places], segments[torch.zeros_like(token_type_ids)]),
            "mean": (words[input_ids] / 3, positions[places] / 3, segments[token_type_ids] / 3),
        }
        return sum(parts[what])

    return embed


def _pre_norm(hidden, sublayer, norm):
    return hidden + sublayer(norm(hidden))


def _no_residual(hidden, sublayer, norm):
    return norm(sublayer(hidden))


def _norm_of_the_sublayer(hidden, sublayer, norm):
    return hidden + norm(sublayer(hidden))


def _no_norm(hidden, sublayer, norm):
    return hidden + sublayer(hidden)


def _mean_of_all(hidden, attention_mask):
    return hidden.mean(dim=1)


def _divided_by_all(hidden, attention_mask):
    return (hidden * attention_mask[..., None]).mean(dim=1)


def _sum_alone(hidden, attention_mask):
    return (hidden * attention_mask[..., None]).sum(dim=1)


def _first_alone(hidden, attention_mask):
    return hidden[:, 0]


def _mean_over_the_batch(hidden, attention_mask):
    return (hidden * attention_mask[..., None]).sum(dim=1) / attention_mask.sum()


def _mean_pooled(hidden, weight, bias):
    return torch.tanh(hidden.mean(1) @ weight.T + bias)


def _no_tanh(hidden, weight, bias):
    return hidden[:, 0] @ weight.T + bias


def _not_transposed(hidden, weight, bias):
    return torch.tanh(hidden[:, 0] @ weight + bias)


def _last_token(hidden, weight, bias):
    return torch.tanh(hidden[:, -1] @ weight.T + bias)


def _not_pooled(hidden, weight, bias):
    return hidden[:, 0]


def _shape(rng):
    D = int(64 * rng.integers(4, 17))
    return {"V": int(rng.integers(8, 40)) * 1000, "P": 512, "D": D, "L": int(rng.integers(2, 25)), "inner": 4 * D}


CHECKS = {
    "layer_norm": against(
        "x (..., D), gain (D,), bias (D,), eps -> each vector of x normalised on its own, then scaled and moved",
        _layer_norm,
        _to_normalise,
        mistakes=(
            (_sample_variance, "torch's var divides by D - 1; LayerNorm divides by D (unbiased=False)."),
            (_eps_outside, "eps belongs under the root, beside the variance."),
            (_over_the_batch, "you normalise over the batch: each vector has its own mean and variance (dim=-1)."),
            (_not_centred, "the mean is not subtracted."),
            (_no_gain, "the gain and the bias are not used."),
            (_divided_by_variance, "divide by the deviation, the root of the variance."),
        ),
    ),
    "gelu": against(
        "x, any shape -> x · Φ(x), with Φ the normal distribution's cumulative function (not its approximation)",
        F.gelu,
        lambda rng: [(torch.tensor([-1.0, 0.0, 1.0, 2.0]),), *((2 * floats(rng, 3, 5),) for _ in range(3))],
        atol=2e-6,
        mistakes=(
            (_tanh_gelu, "that is the tanh approximation: near, but not equal. Φ(x) = (1 + erf(x / √2)) / 2."),
            (_sigmoid_gelu, "that is the sigmoid approximation x · σ(1.702 x)."),
            (F.relu, "that is ReLU: GELU lets small negative numbers through."),
            (F.silu, "that is SiLU, x · σ(x)."),
            (lambda x: x * (1 + torch.erf(x)) / 2, "the root of 2 is missing under the error function."),
            (lambda x: (1 + torch.erf(x / math.sqrt(2))) / 2, "that is Φ(x): multiply it by x."),
        ),
    ),
    "embeddings": against(
        "words (V, D), positions (P, D), segments (2, D), input_ids (B, T), token_type_ids (B, T) -> their sum (B, "
        "T, D)",
        _embeddings,
        _tables_and_ids,
        mistakes=(
            (_sum_of("no positions"), "the positions are missing: a text would be a bag of tokens."),
            (_sum_of("no segments"), "the segments are missing."),
            (_sum_of("segment of the position"), "positions are 0, 1, 2, … in every row, not segment ids."),
            (_sum_of("from one"), "positions count from 0."),
            (_sum_of("all A"), "token_type_ids are not used: everything is segment A."),
            (_sum_of("mean"), "a sum is asked for, not a mean."),
        ),
    ),
    "post_norm": against(
        "hidden (B, T, D), sublayer (a function), norm (a function) -> what a BERT layer makes of them "
        "(post-LayerNorm)",
        _post_norm,
        _sublayers,
        mistakes=(
            (_pre_norm, "that is pre-LayerNorm, as in GPT-2; BERT normalises after the addition."),
            (_no_residual, "the residual path is missing: the input is added before the LayerNorm."),
            (_norm_of_the_sublayer, "normalise the sum, not what is added to it."),
            (_no_norm, "the LayerNorm is missing."),
        ),
    ),
    "mean_pool": against(
        "hidden (B, T, D), attention_mask (B, T) -> mean over each text's own tokens (B, D)",
        _mean_pool,
        _states_and_mask,
        mistakes=(
            (_mean_of_all, "padding counts: the same text gets another vector beside a longer one."),
            (_divided_by_all, "the sum is right, the divisor is not: divide by the number of tokens, not of slots."),
            (_sum_alone, "that is the sum; divide by the number of tokens."),
            (_first_alone, "that is the first token alone."),
            (_mean_over_the_batch, "divide each text by its own number of tokens."),
        ),
    ),
    "pooler": against(
        "hidden (B, T, D), weight (D, D), bias (D,) -> tanh of a dense layer on [CLS] (B, D)",
        _pooled,
        _states_and_pooler,
        mistakes=(
            (_mean_pooled, "BERT's pooler reads the first token, [CLS], alone."),
            (_no_tanh, "the tanh is missing."),
            (_not_transposed, "torch keeps a dense layer's weight as (out, in): transpose it, or use F.linear."),
            (_last_token, "[CLS] is the first token."),
            (_not_pooled, "that is [CLS] as the layers leave it; a dense layer and tanh follow."),
        ),
    ),
    "parameters": number(
        "a whole number",
        _shape,
        "How many parameters has an encoder with its pooler, of vocabulary {V}, {P} positions, 2 segments, width {D}, "
        "{L} layers and inner width {inner}?",
        _parameters,
        mistakes=(
            (lambda **shape: _parameters(**shape, pooler=False), "the pooler is missing: a dense layer, D × D + D."),
            (
                lambda **shape: _parameters(**shape) - 2 * shape["D"] * (2 * shape["L"] + 1),
                "the LayerNorms are missing: gain and bias, two in each layer and one behind the embeddings.",
            ),
            (
                lambda **shape: _parameters(**shape) - 2 * shape["D"],
                "a small table is missing: segments, or a LayerNorm.",
            ),
            (
                lambda **shape: _parameters(**shape) - (shape["V"] + shape["P"] + 4) * shape["D"],
                "the embeddings are missing.",
            ),
        ),
    ),
}
