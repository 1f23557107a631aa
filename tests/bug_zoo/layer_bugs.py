"""Layers that have the right shapes and compute something else."""

import math


def sample_deviation(x, gain, bias, eps):
    """The annotated Transformer's LayerNorm, copied into codertimo/BERT-pytorch."""
    return gain * (x - x.mean(-1, keepdim=True)) / (x.std(-1, keepdim=True) + eps) + bias  # wrong: D - 1, eps


def norm_first(hidden, sublayer, norm):
    """codertimo/BERT-pytorch: pre-LayerNorm under BERT's name (see also harvardnlp/annotated-transformer#92)."""
    return hidden + sublayer(norm(hidden))  # wrong: BERT normalises the sum


def heads_by_reshaping(hidden, num_heads):
    batch, tokens, size = hidden.shape
    return hidden.reshape(batch, num_heads, tokens, size // num_heads)  # wrong: mixes tokens; a transpose is missing


def unscaled(query, key, value, mask):
    weights = (query @ key.transpose(-2, -1)).masked_fill(~mask, -1e9).softmax(-1)  # wrong: without the root of d_k
    return weights @ value, weights


def softmax_over_queries(query, key, value, mask):
    """What torch.nn.Softmax() without a dim made of it: the columns sum to 1, not the rows."""
    scores = query @ key.transpose(-2, -1) / math.sqrt(query.size(-1))
    weights = scores.masked_fill(~mask, -1e9).softmax(-2)  # wrong
    return weights @ value, weights


def positions_from_two(words, positions, segments, input_ids, token_type_ids):
    """RoBERTa's positions, which begin behind the padding's id, with BERT's table."""
    places = [min(place + 2, len(positions) - 1) for place in range(input_ids.size(1))]  # wrong: BERT counts from 0
    return words[input_ids] + positions[places] + segments[token_type_ids]


def no_segments(words, positions, segments, input_ids, token_type_ids):
    """Many a re-implementation: token_type_ids are taken and forgotten."""
    return words[input_ids] + positions[: input_ids.size(1)]  # wrong
