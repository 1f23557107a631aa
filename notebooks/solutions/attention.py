"""Worked solutions of the exercises on attention. Try first: `check` tells you more than these do."""

import math

import torch


def my_scores(query, key):
    # One dot product for each query and key, then the root of d_k, so that their variance stays 1.
    return torch.einsum("...qd,...kd->...qk", query, key) / query.shape[-1] ** 0.5


def my_softmax_masked(scores, mask):
    # A very low score leaves a forbidden key next to nothing; a row of nothing but those comes out even, so they are
    # set to zero after the softmax as well.
    lowest = torch.finfo(scores.dtype).min
    weights = torch.where(mask, scores, lowest).softmax(dim=-1)
    return torch.where(mask, weights, 0.0)


def my_masks(attention_mask):
    batch, tokens = attention_mask.shape
    return attention_mask.bool().reshape(batch, 1, 1, tokens)


def my_scaled_dot_product(query, key, value, mask):
    # One softmax for both: the weights that are shown are those that were used.
    weights = my_softmax_masked(my_scores(query, key), mask)
    return weights @ value, weights


def my_one_head(hidden, w_query, w_key, w_value):
    # What I look for, what I offer, what I give away: three views of the same token.
    query, key, value = hidden @ w_query, hidden @ w_key, hidden @ w_value
    weights = my_scores(query, key).softmax(dim=-1)
    return weights @ value, weights


def my_split_heads(hidden, num_heads):
    batch, tokens, size = hidden.shape
    return hidden.reshape(batch, tokens, num_heads, size // num_heads).permute(0, 2, 1, 3)


def my_multi_head(hidden, weights, num_heads, mask):
    query, key, value = (
        my_split_heads(hidden @ weights[f"{name}.weight"].T + weights[f"{name}.bias"], num_heads)
        for name in ("query", "key", "value")
    )
    heads, _ = my_scaled_dot_product(query, key, value, mask)
    joined = heads.permute(0, 2, 1, 3).reshape(hidden.shape)  # the heads of one token side by side
    return joined @ weights["output.weight"].T + weights["output.bias"]


def my_causal_mask(length):
    place = torch.arange(length)
    return place[None, :] <= place[:, None]


# The questions, as they stand in the lesson (variant 0).
my_by_hand = math.exp(1) / (math.exp(1) + 4 * math.exp(3))
my_deviation = 676**0.5 / 676  # that of the raw score is √d; dividing by d divides it
my_jacobian = 0.7 * (1 - 0.7)  # w (1 - w)
my_parameters = 4 * (320**2 + 320)  # four matrices with their biases; the number of heads does not matter
my_waste = (8 * 512 * 384**2 + 4 * 512**2 * 384) / (8 * 20 * 384**2 + 4 * 20**2 * 384)
