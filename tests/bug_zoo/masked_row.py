"""A query that may look at nothing: evenly over the forbidden keys, or NaN."""

import math

import torch


def uniform_attention(query, key, value, mask):
    scores = query @ key.transpose(-2, -1) / math.sqrt(query.size(-1))
    weights = scores.masked_fill(~mask, -1e9).softmax(-1)  # wrong: a row of equal scores is spread evenly
    return weights @ value, weights


def nan_attention(query, key, value, mask):
    scores = query @ key.transpose(-2, -1) / math.sqrt(query.size(-1))
    weights = (scores + torch.where(mask, 0.0, float("-inf"))).softmax(-1)
    weights = torch.where(mask, weights, 0.0)  # wrong: the output is mended, the gradient stays NaN
    return weights @ value, weights
