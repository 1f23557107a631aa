"""Checks of the lesson on the encoder (Devlin et al., 2019, §3; Vaswani et al., 2017, §3)."""

from __future__ import annotations

import copy
import dataclasses
import math
import re
from collections.abc import Callable, Iterable

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from bertcourse.checks.engine import Check, Question, Wrong, against, difference, floats, integers, number, show
from bertlib.model.config import BertConfig
from bertlib.model.encoder import BertEmbeddings, BertLayer, BertModel, BertPooler
from bertlib.model.weights import transformers_name

EPS = 1e-12  # BERT's
PARTS = (
    *(f"attention.{name}" for name in ("query", "key", "value", "output")),
    "attention_norm",
    "intermediate",
    "output",
    "output_norm",
)
LAYER = tuple(f"{part}.{kind}" for part in PARTS for kind in ("weight", "bias"))  # our names of a layer's tensors


class Weights(dict):
    """Tensors by name, which say in a message how many they are and not what is in them."""

    def __repr__(self) -> str:
        return f"<{len(self)} tensors by name>"

    def __deepcopy__(self, memo: dict) -> Weights:
        return Weights({name: tensor.clone() for name, tensor in self.items()})  # many times faster than copy's way


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


def _layer(hidden: Tensor, mask: Tensor, weights: dict[str, Tensor], num_heads: int) -> Tensor:
    size, inner = hidden.size(-1), len(weights["intermediate.bias"])
    module = BertLayer(BertConfig(hidden_size=size, num_attention_heads=num_heads, intermediate_size=inner)).eval()
    module.load_state_dict(weights)
    with torch.no_grad():
        return module(hidden, mask, False)[0]


def _layer_weights(stored: dict[str, Tensor], number: int) -> dict[str, Tensor]:
    return Weights({name: stored[transformers_name(f"layers.{number}.{name}")] for name in LAYER})


def _encoder(
    stored: dict[str, Tensor],
    num_layers: int,
    num_heads: int,
    input_ids: Tensor,
    attention_mask: Tensor,
    token_type_ids: Tensor,
) -> tuple[list[Tensor], Tensor]:
    words = stored["embeddings.word_embeddings.weight"]
    module = BertModel(
        BertConfig(
            vocab_size=len(words),
            hidden_size=words.size(1),
            num_hidden_layers=num_layers,
            num_attention_heads=num_heads,
            intermediate_size=len(stored["encoder.layer.0.intermediate.dense.bias"]),
            max_position_embeddings=len(stored["embeddings.position_embeddings.weight"]),
        )
    ).eval()
    module.load_state_dict({name: stored[transformers_name(name)] for name in module.state_dict()})
    with torch.no_grad():
        output = module(input_ids, attention_mask, token_type_ids, output_hidden_states=True)
    return list(output.hidden_states), output.pooler_output


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
    ones, tens, hundreds = (scale * torch.arange(1.0, 5)[:, None].expand(-1, 2) for scale in (1, 10, 100))
    yield ones, tens, hundreds[:2], torch.tensor([[2, 0, 2]]), torch.tensor([[0, 0, 1]])
    for rows, length in ((2, 5), (3, 4), (2, 7)):
        segments = (torch.arange(length) >= torch.from_numpy(rng.integers(1, length, (rows, 1)))).long()
        yield floats(rng, 11, 6), floats(rng, 9, 6), floats(rng, 2, 6), integers(rng, 0, 11, rows, length), segments


def _sublayers(rng):
    for size in (4, 6):
        matrix = floats(rng, size, size)

        gain, bias = floats(rng, size), floats(rng, size)

        def mixed(x, matrix=matrix):
            return torch.tanh(x @ matrix)

        def normal(x, gain=gain, bias=bias):  # with gain and bias: a second time it changes something again
            return F.layer_norm(x, x.shape[-1:], gain, bias)

        for function in (mixed, torch.sin):
            yield floats(rng, 2, 3, size) * 2 + 1, function, normal


def _states_and_mask(rng):
    yield torch.tensor([[[2.0, 0.0], [4.0, 2.0], [9.0, 9.0]]]), torch.tensor([[1, 1, 0]])
    for turned in (False, False, True, True):  # padding at the right; then at the left
        rows, length, size = rng.integers(2, 6, 3).tolist()
        counts = torch.from_numpy(rng.integers(1, length, (rows, 1)))
        mask = (torch.arange(length) < counts).long()
        yield floats(rng, rows, length, size) + 1, mask.flip(1) if turned else mask


def _states_and_pooler(rng):
    for rows, length, size in ((1, 2, 3), (3, 4, 5), (2, 6, 4)):
        yield floats(rng, rows, length, size), floats(rng, size, size), floats(rng, size)


def _layer_tensors(rng, size: int, inner: int, scale: float = 1.0) -> Weights:
    """Random tensors for a layer, by our names; those of the blocks times `scale`."""
    tensors = Weights()
    for name in LAYER:
        bound = size if not name.startswith("output.") else inner
        shape = {"intermediate.weight": (inner, size), "intermediate.bias": (inner,), "output.weight": (size, inner)}
        shape = shape.get(name, (size, size) if name.startswith("attention.") else (size,))
        shape = (size,) if name.endswith("bias") and name != "intermediate.bias" else shape
        drawn = floats(rng, *shape)
        if "norm" in name:
            tensors[name] = drawn / 4 + (1 if name.endswith("weight") else 0)
        else:
            tensors[name] = scale * drawn * (0.5 if name.endswith("bias") else 1.5 / math.sqrt(bound))
    return tensors


def _mask(rng, rows: int, length: int) -> Tensor:
    """(B, T) of 1 and 0, with padding in each row."""
    return (torch.arange(length) < torch.from_numpy(rng.integers(2, length, (rows, 1)))).long()


def _layers(rng):
    mask = torch.tensor([True, True, False])[None, None, None]
    yield torch.tensor([[[1.0, 0, 2, -1], [0, 3, 1, 1], [5, 0, 0, 0]]]), mask, _layer_tensors(rng, 4, 6), 1
    for rows, length, size, heads in ((2, 5, 6, 2), (3, 4, 8, 4)):
        padded = _mask(rng, rows, length).bool()[:, None, None, :]
        yield floats(rng, rows, length, size), padded, _layer_tensors(rng, size, 2 * size), heads
    # All of it tiny: here eps shows.
    yield 1e-3 * floats(rng, 2, 3, 6), mask.expand(2, 1, 1, 3), _layer_tensors(rng, 6, 12, scale=1e-3), 2


def _stored(rng, num_layers: int, size: int, inner: int) -> Weights:
    """Random tensors for an encoder, by transformers' names."""
    stored = Weights()
    for table, rows in (("word", 12), ("position", 9), ("token_type", 2)):
        stored[f"embeddings.{table}_embeddings.weight"] = floats(rng, rows, size)
    stored["embeddings.LayerNorm.weight"] = floats(rng, size) / 4 + 1
    stored["embeddings.LayerNorm.bias"] = floats(rng, size) / 4
    for layer in range(num_layers):
        for name, tensor in _layer_tensors(rng, size, inner).items():
            stored[transformers_name(f"layers.{layer}.{name}")] = tensor
    stored["pooler.dense.weight"] = floats(rng, size, size) / math.sqrt(size)
    stored["pooler.dense.bias"] = floats(rng, size) / 2
    return stored


def _stored_and_number(rng):
    for num_layers, wanted in ((2, 0), (3, 1), (11, 1)):
        yield _stored(rng, num_layers, 2, 3), wanted


def _encoders(rng):
    for rows, length, num_layers, heads in ((1, 3, 1, 1), (2, 5, 2, 2), (3, 6, 3, 2)):
        mask = _mask(rng, rows, length)
        second = torch.from_numpy(rng.integers(1, length - 1, (rows, 1)))
        segments = ((torch.arange(length) >= second) & mask.bool()).long()
        ids = integers(rng, 0, 12, rows, length)
        yield _stored(rng, num_layers, 4, 6), num_layers, heads, ids, mask, segments


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


def _over_everything(x, gain, bias, eps):
    return gain * (x - x.mean()) / (x.var(unbiased=False) + eps).sqrt() + bias


def _over_the_tokens(x, gain, bias, eps):
    mean, variance = x.mean(1, keepdim=True), x.var(1, keepdim=True, unbiased=False)
    return gain * (x - mean) / (variance + eps).sqrt() + bias


def _gain_on_the_bias(x, gain, bias, eps):
    return gain * (F.layer_norm(x, x.shape[-1:], None, None, eps) + bias)


def _no_bias(x, gain, bias, eps):
    return F.layer_norm(x, x.shape[-1:], gain, None, eps)


def _bias_alone(x, gain, bias, eps):
    return F.layer_norm(x, x.shape[-1:], None, None, eps) + bias


def _exchanged(x, gain, bias, eps):
    return F.layer_norm(x, x.shape[-1:], bias, gain, eps)


def _no_eps(x, gain, bias, eps):
    return F.layer_norm(x, x.shape[-1:], gain, bias, 0.0)


def _of_unit_length(x, gain, bias, eps):
    centred = x - x.mean(-1, keepdim=True)
    return gain * centred / (centred.pow(2).sum(-1, keepdim=True) + eps).sqrt() + bias


def _tanh_gelu(x):
    return F.gelu(x, approximate="tanh")


def _sigmoid_gelu(x):
    return x * torch.sigmoid(1.702 * x)


def _from_each_start(token_type_ids):
    """Positions that begin again at 0 where segment B begins."""
    place = torch.arange(token_type_ids.size(1)).expand_as(token_type_ids)
    first = (token_type_ids == 0).sum(1, keepdim=True)
    return torch.where(token_type_ids == 1, place - first, place)


def _normalised(words, positions, segments, input_ids, token_type_ids):
    return F.layer_norm(_embeddings(words, positions, segments, input_ids, token_type_ids), words.shape[1:], eps=EPS)


def _product(words, positions, segments, input_ids, token_type_ids):
    return words[input_ids] * positions[: input_ids.size(1)] * segments[token_type_ids]


def _positions_from_two(words, positions, segments, input_ids, token_type_ids):
    places = (torch.arange(input_ids.size(1)) + 2).clamp(max=len(positions) - 1)
    return words[input_ids] + positions[places] + segments[token_type_ids]


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
            "no words": (positions[places], segments[token_type_ids]),
            "restarting": (words[input_ids], positions[_from_each_start(token_type_ids)], segments[token_type_ids]),
            "of the row": (
                words[input_ids],
                positions[torch.arange(len(input_ids))[:, None].expand_as(input_ids)],
                segments[token_type_ids],
            ),
            "of the token": (words[input_ids], positions[input_ids % len(positions)], segments[token_type_ids]),
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


def _norm_twice(hidden, sublayer, norm):
    return norm(norm(hidden + sublayer(hidden)))


def _residual_behind_the_norm(hidden, sublayer, norm):
    normal = norm(hidden)
    return normal + sublayer(normal)


def _norm_before_and_after(hidden, sublayer, norm):
    return norm(hidden + sublayer(norm(hidden)))


def _each_normalised(hidden, sublayer, norm):
    return norm(hidden) + norm(sublayer(hidden))


def _input_twice(hidden, sublayer, norm):
    return norm(hidden + hidden)


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


def _first_so_many(hidden, attention_mask):
    counts = attention_mask.sum(dim=1).tolist()
    return torch.stack([states[:count].mean(dim=0) for states, count in zip(hidden, counts, strict=True)])


def _mean_of_the_padding(hidden, attention_mask):
    other = 1 - attention_mask[..., None]
    return (hidden * other).sum(dim=1) / other.sum(dim=1)


def _largest(hidden, attention_mask):
    return hidden.masked_fill(attention_mask[..., None] == 0, -torch.inf).amax(dim=1)


def _without_the_ends(hidden, attention_mask):
    kept = attention_mask.clone()
    kept[:, 0] = 0
    return _mean_pool(hidden, kept)


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


def _no_pooler_bias(hidden, weight, bias):
    return torch.tanh(hidden[:, 0] @ weight.T)


def _sigmoid_pooled(hidden, weight, bias):
    return torch.sigmoid(hidden[:, 0] @ weight.T + bias)


def _tanh_before(hidden, weight, bias):
    return torch.tanh(hidden[:, 0]) @ weight.T + bias


def _all_pooled(hidden, weight, bias):
    return torch.tanh(hidden @ weight.T + bias)


def _faulty_layer(fault):
    """A layer by hand, with one fault."""

    def layer(hidden, mask, weights, num_heads):
        size = hidden.size(-1)
        heads = 1 if fault == "one head" else num_heads

        def linear(x, name):
            weight = weights[f"{name}.weight"]
            if fault == "not transposed" and weight.size(0) == weight.size(1):
                weight = weight.T
            return x @ weight.T + (0 if fault == "no biases" else weights[f"{name}.bias"])

        def norm(x, name):
            if fault == "norms exchanged":
                name = {"attention_norm": "output_norm", "output_norm": "attention_norm"}[name]
            if fault == "one norm for both":
                name = "attention_norm"
            gain, bias = weights[f"{name}.weight"], weights[f"{name}.bias"]
            if fault == "D - 1":
                return _sample_variance(x, gain, bias, EPS)
            if fault == "no gain":
                gain = bias = None
            eps = {"eps 1e-5": 1e-5, "eps 1e-6": 1e-6}.get(fault, EPS)
            return F.layer_norm(x, x.shape[-1:], gain, bias, eps)

        def split(x):
            if fault == "heads by reshaping":
                return x.reshape(len(x), heads, x.size(1), size // heads)
            return x.unflatten(-1, (heads, size // heads)).transpose(1, 2)

        def attention(x):
            query, key, value = (split(linear(x, f"attention.{name}")) for name in ("query", "key", "value"))
            if fault == "queries and keys exchanged":
                query, key = key, query
            scale = {"unscaled": 1, "scaled by D": math.sqrt(size)}.get(fault, math.sqrt(size / heads))
            scores = query @ key.transpose(-2, -1) / scale
            if fault != "no mask":
                scores = scores.masked_fill(mask if fault == "mask upside down" else ~mask, -1e9)
            mixed = (scores.softmax(-1) @ value).transpose(1, 2).flatten(2)
            return mixed if fault == "no output" else linear(mixed, "attention.output")

        def feed_forward(x):
            activation = {
                "tanh": _tanh_gelu,
                "relu": F.relu,
                "silu": F.silu,
                "sigmoid": _sigmoid_gelu,
                "no activation": lambda inner: inner,
            }.get(fault, F.gelu)
            if fault == "activation at the end":
                return F.gelu(linear(linear(x, "intermediate"), "output"))
            return linear(activation(linear(x, "intermediate")), "output")

        if fault == "pre-LN":
            middle = hidden + attention(norm(hidden, "attention_norm"))
            return middle + feed_forward(norm(middle, "output_norm"))
        if fault == "residual behind the norm":
            middle = hidden + norm(attention(hidden), "attention_norm")
            return middle + norm(feed_forward(middle), "output_norm")
        if fault == "residual of what is normalised":
            first = norm(hidden, "attention_norm")
            middle = first + attention(first)
            second = norm(middle, "output_norm")
            return second + feed_forward(second)
        if fault == "feed-forward first":
            middle = norm(hidden + feed_forward(hidden), "output_norm")
            return norm(middle + attention(middle), "attention_norm")
        if fault == "side by side":
            return norm(norm(hidden + attention(hidden), "attention_norm") + feed_forward(hidden), "output_norm")
        if fault == "attention alone":
            return norm(hidden + attention(hidden), "attention_norm")
        first = 0 if fault in ("no residual", "no residual around attention") else hidden
        middle = first + attention(hidden)
        if fault != "no first norm":
            middle = norm(middle, "attention_norm")
        second = 0 if fault in ("no residual", "no residual around the feed-forward block") else middle
        second = hidden if fault == "residual of the input" else second
        total = second + feed_forward(middle)
        return total if fault == "no last norm" else norm(total, "output_norm")

    layer.__name__ = fault
    return layer


LAYER_FAULTS = {
    "pre-LN": "that is pre-LayerNorm, as in GPT-2; BERT adds first and normalises the sum.",
    "no residual": "both residual paths are missing: each block's input is added to its output.",
    "no residual around attention": "the residual path around attention is missing: add the layer's input.",
    "no residual around the feed-forward block": "the residual path around the feed-forward block is missing: add its "
    "input.",
    "residual of the input": "the feed-forward block's residual path carries that block's own input (the first "
    "LayerNorm's output), not the layer's.",
    "residual behind the norm": "you normalise what a block gives and add afterwards: add first, normalise the sum.",
    "residual of what is normalised": "the residual path begins behind a LayerNorm here: add the input itself, and "
    "normalise the sum.",
    "no first norm": "the LayerNorm after attention is missing: there are two, one after each sum.",
    "no last norm": "the last LayerNorm is missing: there are two, one after each sum.",
    "one norm for both": "each of the two LayerNorms has its own gain and bias; you use attention_norm for both.",
    "norms exchanged": "the two LayerNorms are exchanged: attention_norm comes after attention.",
    "no gain": "LayerNorm's gain and bias are not used.",
    "D - 1": "LayerNorm's variance is divided by D; torch's var divides by D - 1 (unbiased=False).",
    "eps 1e-5": "eps is 1e-5 here, torch's default; BERT's is 1e-12.",
    "eps 1e-6": "eps is 1e-6 here; BERT's is 1e-12.",
    "tanh": "that is GELU's tanh approximation; the exact one is asked for.",
    "relu": "that is ReLU; BERT bends with GELU.",
    "silu": "that is SiLU, x · σ(x); BERT bends with GELU.",
    "sigmoid": "that is GELU's sigmoid approximation; the exact one is asked for.",
    "no activation": "the activation is missing: GELU between the two dense layers.",
    "activation at the end": "GELU stands between the two dense layers, at the inner width, not behind them.",
    "no mask": "the mask is not used: tokens look at the padding.",
    "mask upside down": "the mask is upside down: True is where a token may be looked at.",
    "one head": "num_heads is not used: you compute one wide head.",
    "heads by reshaping": "heads are slices of the last dimension: (B, T, H, D / H) first, then transpose.",
    "unscaled": "the scores are not divided by the root of the head's width.",
    "scaled by D": "divide the scores by the root of the head's width D / H, not of D.",
    "queries and keys exchanged": "queries and keys are exchanged.",
    "no output": "attention.output is not used: the heads' results go through one more dense layer.",
    "no biases": "the dense layers' biases are missing.",
    "not transposed": "torch keeps a dense layer's weight as (out, in): x @ weight.T, or F.linear.",
    "feed-forward first": "attention comes first, then the feed-forward block.",
    "side by side": "the feed-forward block reads what the first LayerNorm gives, not the layer's input.",
    "attention alone": "the feed-forward block is missing.",
}


def _renamed(change):
    """The right tensors of a layer, with some of them under others' names."""

    def layer_weights(stored, number):
        right = _layer_weights(stored, number)
        return {change(name): tensor for name, tensor in right.items()}

    return layer_weights


def _swap(one, other):
    def change(name):
        part, _, kind = name.rpartition(".")
        return f"{ {one: other, other: one}.get(part, part) }.{kind}"

    return _renamed(change)


def _one_further(stored, number):
    return _layer_weights(stored, number + 1)


def _always_layer_0(stored, number):
    return _layer_weights(stored, 0)


def _by_beginning(stored, number):
    """The last layer whose name begins like that: of 1 and 10 it takes 10."""
    found = [key for key in stored if key.startswith(f"encoder.layer.{number}")]
    return _layer_weights(stored, int(found[-1].split(".")[2]))


def _turned(stored, number):
    return {name: tensor.T if tensor.dim() == 2 else tensor for name, tensor in _layer_weights(stored, number).items()}


def _weights_alone(stored, number):
    return {name: tensor for name, tensor in _layer_weights(stored, number).items() if name.endswith("weight")}


def _file_names(stored, number):
    prefix = f"encoder.layer.{number}."
    return {key.removeprefix(prefix): tensor for key, tensor in stored.items() if key.startswith(prefix)}


def _whole_names(stored, number):
    return {key: tensor for key, tensor in stored.items() if key.startswith(f"encoder.layer.{number}.")}


def _without_last_part(stored, number):
    right = _layer_weights(stored, number)
    return {name.removesuffix(".weight"): tensor for name, tensor in right.items() if name.endswith("weight")}


def _faulty_encoder(fault):
    """An encoder by hand, with one fault."""

    def encoder(stored, num_layers, num_heads, input_ids, attention_mask, token_type_ids):
        words, positions, segments = (
            stored[f"embeddings.{table}_embeddings.weight"] for table in ("word", "position", "token_type")
        )
        length = input_ids.size(1)
        places = torch.arange(length).expand_as(input_ids)
        if fault == "from one":
            places = places + 1
        elif fault == "from two":
            places = places + 2
        elif fault == "restarting":
            places = _from_each_start(token_type_ids)
        elif fault == "padding at 0":
            places = places * attention_mask
        hidden = words[input_ids]
        if fault != "no positions":
            hidden = hidden + positions[places]
        if fault == "all A":
            hidden = hidden + segments[0]
        elif fault == "all B":
            hidden = hidden + segments[1]
        elif fault != "no segments":
            hidden = hidden + segments[token_type_ids]
        if fault != "no norm":
            gain, bias = (stored[f"embeddings.LayerNorm.{kind}"] for kind in ("weight", "bias"))
            hidden = F.layer_norm(hidden, hidden.shape[-1:], gain, bias, EPS)
        mask = attention_mask.bool()[:, None, None, :]
        if fault == "no mask":
            mask = torch.ones_like(mask)
        elif fault == "mask turned":
            mask = ~mask
        numbers = list(range(num_layers))
        if fault == "backwards":
            numbers.reverse()
        elif fault == "shared":
            numbers = [0] * num_layers
        elif fault == "one too few":
            numbers.pop()
        elif fault == "layer 0 left out":
            numbers.pop(0)
        states, layer = [hidden], _faulty_layer(fault)
        for place in numbers:
            source = states[0] if fault == "each from the embeddings" else states[-1]
            states.append(layer(source, mask, _layer_weights(stored, place), num_heads))
        weight, bias = stored["pooler.dense.weight"], stored["pooler.dense.bias"]
        pooled = {
            "mean pooled": _mean_pooled,
            "no tanh": _no_tanh,
            "pooler not transposed": _not_transposed,
            "last token pooled": _last_token,
            "not pooled": _not_pooled,
            "all tokens pooled": _all_pooled,
        }.get(fault, _pooled)(states[0] if fault == "embeddings pooled" else states[-1], weight, bias)
        if fault == "last alone":
            return states[-1], pooled
        if fault == "embeddings not kept":
            return states[1:], pooled
        return (pooled, states) if fault == "turned round" else (states, pooled)

    encoder.__name__ = fault
    return encoder


ENCODER_FAULTS = {
    "from one": "positions count from 0.",
    "from two": "positions count from 0; those of RoBERTa begin at 2.",
    "restarting": "positions do not begin again in segment B: 0, 1, 2, … through the whole row.",
    "padding at 0": "padding has positions, too: 0, 1, 2, … through the whole row (attention leaves it out).",
    "no positions": "the positions are missing.",
    "no segments": "the segments are missing; even a text of segment A alone gets row 0 of their table.",
    "all A": "token_type_ids are not used: everything is segment A.",
    "all B": "everything is segment B: row 0 of the segment table is A.",
    "no norm": "the embeddings' LayerNorm is missing.",
    "no mask": "attention_mask is not used: tokens look at the padding.",
    "mask turned": "the mask is upside down: True is where a token may be looked at.",
    "backwards": "the layers run backwards: layer 0 comes first.",
    "shared": "every layer has its own weights; you use those of layer 0 for all.",
    "one too few": "one layer too few: they are numbered 0 to num_layers - 1.",
    "layer 0 left out": "the first layer is left out: they are numbered from 0.",
    "each from the embeddings": "each layer takes what the one before it gave, not the embeddings.",
    "mean pooled": "the pooler reads the first token, [CLS], alone.",
    "no tanh": "the pooler's tanh is missing.",
    "pooler not transposed": "torch keeps a dense layer's weight as (out, in): transpose the pooler's.",
    "last token pooled": "the pooler reads the first token, [CLS]; you take the last.",
    "not pooled": "[CLS] has to go through the pooler: a dense layer, then tanh.",
    "all tokens pooled": "the pooler reads the first token alone: (B, D), not (B, T, D).",
    "embeddings pooled": "the pooler reads the last layer's [CLS], not the embeddings'.",
    "last alone": "all hidden states are asked for, as a list: the embeddings, then each layer's.",
    "embeddings not kept": "the list begins with the embeddings: num_layers + 1 hidden states.",
    "turned round": "give the hidden states first, then what the pooler makes.",
}


def _shape(rng):
    D = int(64 * rng.integers(4, 17))
    return {"V": int(rng.integers(8, 40)) * 1000, "P": 512, "D": D, "L": int(rng.integers(2, 25)), "inner": 4 * D}


def _cosines(rng):
    """Of four vectors a, b (one sense) and c, d (the other), in hundredths."""
    within, across = rng.integers(70, 96, 2) / 100, rng.integers(40, 66, 4) / 100
    return {
        name: float(value) for name, value in zip(("ab", "cd", "ac", "ad", "bc", "bd"), [*within, *across], strict=True)
    }


def _gap(ab, cd, ac, ad, bc, bd):
    return (ab + cd) / 2 - (ac + ad + bc + bd) / 4


# What a count leaves out or counts twice: the terms that are missing.
def _without(terms: Callable[..., int]) -> Callable[..., int]:
    return lambda **shape: _parameters(**shape) - terms(**shape)


COUNTING = (
    (_without(lambda V, P, D, L, inner: D * D + D), "the pooler is missing: a dense layer, D × D + D."),
    (
        _without(lambda V, P, D, L, inner: 2 * D * (2 * L + 1)),
        "the LayerNorms are missing: gain and bias, two in each layer and one behind the embeddings.",
    ),
    (_without(lambda V, P, D, L, inner: 2 * D), "a small table is missing: segments, or a LayerNorm."),
    (_without(lambda V, P, D, L, inner: (V + P + 4) * D), "the embeddings are missing."),
    (_without(lambda V, P, D, L, inner: (P + 2) * D), "the position and segment tables are missing."),
    (_without(lambda V, P, D, L, inner: P * D), "the position table is missing."),
    (_without(lambda V, P, D, L, inner: V * D), "the token table is missing."),
    (
        _without(lambda V, P, D, L, inner: L * (5 * D + inner) + D),
        "the dense layers' biases are missing: as many as each has outputs.",
    ),
    (
        _without(lambda V, P, D, L, inner: L * (D * D + D)),
        "attention has four dense layers, not three: query, key, value, and the one behind the heads.",
    ),
    (_without(lambda V, P, D, L, inner: 4 * L * (D * D + D)), "attention is missing: four dense layers in each layer."),
    (_without(lambda V, P, D, L, inner: L * 2 * D), "a layer has two LayerNorms, not one."),
    (
        _without(lambda V, P, D, L, inner: L * (inner * D + D)),
        "the feed-forward block has two dense layers, not one: to the inner width and back.",
    ),
    (
        _without(lambda V, P, D, L, inner: L * (2 * inner * D + inner + D)),
        "the feed-forward blocks are missing: to the inner width and back.",
    ),
    (
        _without(lambda V, P, D, L, inner: (L - 1) * (4 * (D * D + D) + 2 * inner * D + inner + 5 * D)),
        "that is one layer alone: each of them has weights of its own.",
    ),
    (
        _without(lambda V, P, D, L, inner: D * (2 * L + 1)),
        "a LayerNorm has a gain and a bias: 2 D, not D.",
    ),
    (_without(lambda V, P, D, L, inner: -V * D), "the token table stands there twice."),
    (_without(lambda V, P, D, L, inner: -V), "an encoder has no bias for each token: that belongs to the MLM head."),
)


class Listed:
    """An answer whose first result, the hidden states, may be one tensor (L + 1, B, T, D) as well as a list."""

    def __init__(self, answer: Callable):
        self.__wrapped__, self.__name__ = answer, show(answer)
        self.__code__ = getattr(answer, "__code__", None)

    def __call__(self, *args):
        result = self.__wrapped__(*args)
        if isinstance(result, tuple | list) and result and isinstance(result[0], Tensor) and result[0].dim() == 4:
            result = (list(result[0]), *result[1:])
        return result


def layer_by_layer(check: Check) -> Check:
    """The same check, which says where it went wrong if no known mistake fits: the embeddings, or a layer."""

    def judge(trial):
        if callable(trial.answer):
            trial.answer = Listed(trial.answer)
        try:
            check.judge(trial)
        except Wrong as wrong:
            place = re.match(r"at \[0\]: at \[(\d+)\]: (?:at|NaN)", wrong.message)
            if not place or (wrong.hint and not wrong.hint.startswith("it is right on")):
                raise
            number = int(place[1])
            hint = (
                f"all is right as far as the input of layer {number - 1}; what that layer gives is not: its weights, "
                'the mask, or the layer itself (check("encoder.layer", …) tries it).'
                if number
                else "the embeddings, the first of the hidden states, are off already."
            )
            raise Wrong(wrong.message, hint) from None

    return dataclasses.replace(check, judge=judge)


def steady(check: Check, cases: Callable[[np.random.Generator], Iterable[tuple]]) -> Check:
    """The same check, which begins by asking twice for the same: with dropout at work two results differ."""

    def judge(trial):
        _, args, *_ = cases(np.random.default_rng(0))
        one, other = trial.call(*args), trial.call(*args)
        if difference(one, one, 1e-6) is None and difference(one, other, 1e-6) is not None:
            raise Wrong(
                "asked twice for the same, it gave two results",
                "dropout is at work: it belongs to training. F.dropout and a fresh nn.Dropout are switched on.",
            )
        check.judge(trial)

    return dataclasses.replace(check, judge=judge)


def as_many_positions(check: Check) -> Check:
    """The same check, which tells an answer that is right only where the table has as many positions as the text."""

    def judge(trial):
        try:
            check.judge(trial)
        except Wrong as wrong:
            words, positions, segments, ids, types = next(iter(_tables_and_ids(np.random.default_rng(0))))
            given = words, positions[: ids.size(1)], segments, ids, types
            if wrong.hint or not callable(trial.answer):
                raise
            try:
                fits = difference(_embeddings(*given), trial.call(*given), 1e-5) is None
            except Wrong:
                fits = False
            if not fits:
                raise
            hint = "the table has more positions than a text has tokens: add its first T rows only, a slice."
            raise Wrong(wrong.message, hint) from None

    return dataclasses.replace(check, judge=judge)


def in_full(check: Question) -> Question:
    """The same question, which tells an answer that is right in millions."""

    def judge(trial):
        right = check.solve(copy.deepcopy(trial.rng))
        try:
            check.judge(trial)
        except Wrong as wrong:
            number_given = isinstance(trial.answer, int | float) and not isinstance(trial.answer, bool)
            if wrong.hint or not number_given or not math.isclose(1e6 * trial.answer, right, rel_tol=0.005):
                raise
            raise Wrong(wrong.message, "that is in millions: the whole number is asked for.") from None

    return dataclasses.replace(check, judge=judge)


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
            (_over_everything, "you take one mean over the whole tensor: each vector has its own (dim=-1)."),
            (_over_the_tokens, "you normalise over the tokens (dim=1): each vector has its own mean (dim=-1)."),
            (_gain_on_the_bias, "the bias is added last: gain · normalised + bias, not gain · (normalised + bias)."),
            (_no_bias, "the bias is not added."),
            (_bias_alone, "the gain is not used."),
            (_exchanged, "gain and bias are exchanged: the gain multiplies, the bias is added."),
            (_no_eps, "eps is not used."),
            (_of_unit_length, "that makes vectors of length 1: divide by the root of the *mean* of the squares."),
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
            (lambda x: x * (1 + torch.erf(x / math.sqrt(2))), "the half is missing: Φ(x) = (1 + erf(x / √2)) / 2."),
            (lambda x: x * torch.erf(x / math.sqrt(2)), "Φ(x) is (1 + erf(x / √2)) / 2, not the erf alone."),
            (
                lambda x: x * torch.erf(x),
                "that is x times the erf of x: Φ(x) = (1 + erf(x / √2)) / 2 has a half, a 1 and a root besides.",
            ),
            (lambda x: x * (1 + torch.erf(x / 2)) / 2, "divide by the root of 2 under the error function, not by 2."),
            (lambda x: x * (1 + torch.erf(x * math.sqrt(2))) / 2, "divide by the root of 2, do not multiply."),
            (
                lambda x: x * torch.exp(-x * x / 2) / math.sqrt(2 * math.pi),
                "that is x times the density; Φ is its integral.",
            ),
            (F.elu, "that is ELU."),
            (F.softplus, "that is softplus, log(1 + eˣ)."),
        ),
    ),
    "embeddings": as_many_positions(
        against(
            "words (V, D), positions (P, D), segments (2, D), input_ids (B, T), token_type_ids (B, T) -> their sum (B, "
            "T, D)",
            _embeddings,
            _tables_and_ids,
            shrink=False,
            mistakes=(
                (_sum_of("no positions"), "the positions are missing: a text would be a bag of tokens."),
                (_sum_of("no segments"), "the segments are missing."),
                (_sum_of("segment of the position"), "positions are 0, 1, 2, … in every row, not segment ids."),
                (_sum_of("from one"), "positions count from 0."),
                (_sum_of("all A"), "token_type_ids are not used: everything is segment A."),
                (_sum_of("mean"), "a sum is asked for, not a mean."),
                (_sum_of("no words"), "the token's own vector is missing."),
                (_sum_of("restarting"), "positions do not begin again in segment B: 0, 1, 2, … through the whole row."),
                (_sum_of("of the row"), "the position is the token's place in its row, not the row's number."),
                (_sum_of("of the token"), "the position is the token's place, not its id."),
                (_positions_from_two, "positions count from 0; those of RoBERTa begin at 2."),
                (_normalised, "the sum alone is asked for; LayerNorm is a step of its own."),
                (_product, "a sum is asked for, not a product."),
            ),
        )
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
            (_norm_twice, "you normalise twice: once is enough."),
            (_residual_behind_the_norm, "the residual path begins behind the norm here: add hidden itself."),
            (_norm_before_and_after, "the sublayer gets hidden as it is; only the sum is normalised."),
            (_each_normalised, "normalise the sum once, not each part."),
            (_input_twice, "the sublayer is not used."),
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
            (_first_so_many, "padding may stand at the left as well: ask the mask which tokens count, not how many."),
            (_mean_of_the_padding, "that is the mean of the padding: 1 in the mask is a token."),
            (_largest, "that is the largest value; the mean is asked for."),
            (_without_the_ends, "every token counts that the mask has, [CLS] too."),
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
            (_no_pooler_bias, "the bias is missing."),
            (_sigmoid_pooled, "that is a sigmoid; BERT's pooler has tanh."),
            (_tanh_before, "first the dense layer, then tanh."),
            (_all_pooled, "that is every token: the pooler reads the first one alone, (B, D)."),
        ),
    ),
    "layer": steady(
        against(
            "hidden (B, T, D), mask (B, 1, 1, T) True where a token may be looked at, weights (a layer's 16 tensors by "
            "name), num_heads -> (B, T, D): what a BERT layer makes of them, eps 1e-12, without dropout",
            _layer,
            _layers,
            mistakes=tuple((_faulty_layer(fault), words) for fault, words in LAYER_FAULTS.items()),
            shrink=False,
        ),
        _layers,
    ),
    "layer_weights": against(
        "stored (an encoder's tensors by transformers' names), number of a layer, from 0 -> that layer's 16 tensors by "
        "our names, a dict",
        _layer_weights,
        _stored_and_number,
        shrink=False,
        mistakes=(
            (_one_further, "that is the layer behind it: the file counts layers from 0, too."),
            (_always_layer_0, "number is not used: that is layer 0."),
            (
                _by_beginning,
                "that is another layer: encoder.layer.1 is also how encoder.layer.10 begins; mind the dot.",
            ),
            (_turned, "leave the matrices as they are: both sides keep them as (out, in)."),
            (_weights_alone, "the biases are missing."),
            (_without_last_part, "each name ends in .weight or .bias, ours as well."),
            (_file_names, "those are the file's names; give each tensor ours."),
            (_whole_names, "those are the file's names; give each tensor ours."),
            (_swap("attention.query", "attention.key"), "query and key are exchanged."),
            (_swap("attention.query", "attention.value"), "query and value are exchanged."),
            (_swap("attention.key", "attention.value"), "key and value are exchanged."),
            (
                _swap("attention_norm", "output_norm"),
                "the two LayerNorms are exchanged: attention.output has the first.",
            ),
            (
                _swap("attention.output", "output"),
                "attention.output and output are exchanged: the file has attention.output.dense and output.dense.",
            ),
        ),
    ),
    "encoder": steady(
        layer_by_layer(
            against(
                "stored (tensors by transformers' names), num_layers, num_heads, input_ids, attention_mask, "
                "token_type_ids (all B, T) -> a list of num_layers + 1 hidden states (B, T, D), and the pooler's "
                "result (B, D)",
                _encoder,
                _encoders,
                mistakes=tuple((_faulty_encoder(fault), words) for fault, words in ENCODER_FAULTS.items()),
                shrink=False,
            )
        ),
        _encoders,
    ),
    "gap": number(
        "a number, three significant digits",
        _cosines,
        "The vectors a and b are of one sense, c and d of the other. Their cosines: a b {ab}, c d {cd}, a c {ac}, a d "
        "{ad}, b c {bc}, b d {bd}. What is the gap, mean within minus mean across?",
        _gap,
        rel_tol=5e-3,
        mistakes=(
            (lambda **c: -_gap(**c), "within minus across, not the other way round."),
            (
                lambda ab, cd, ac, ad, bc, bd: (2 * ab + 2 * cd + 4) / 8 - (ac + ad + bc + bd) / 4,
                "a vector's cosine with itself does not count: it is always 1.",
            ),
            (lambda ab, cd, ac, ad, bc, bd: ab + cd - (ac + ad + bc + bd), "means are asked for, not sums."),
            (
                lambda ab, cd, ac, ad, bc, bd: ab - (ac + ad + bc + bd) / 4,
                "there is a second pair within a sense: c d.",
            ),
            (lambda ab, cd, ac, ad, bc, bd: (ab + cd) / 2 - (ac + bd) / 2, "four pairs are across, not two."),
            (lambda ab, cd, ac, ad, bc, bd: (ab + cd) / 2, "that is the mean within; subtract the mean across."),
        ),
    ),
    "parameters": in_full(
        number(
            "a whole number",
            _shape,
            "How many parameters has an encoder with its pooler, of vocabulary {V}, {P} positions, 2 segments, width "
            "{D}, {L} layers and inner width {inner}?",
            _parameters,
            mistakes=COUNTING,
        )
    ),
}
