"""The output obeys the mask, but the attention maps that are shown were computed without it."""

import math


def attention(query, key, value, mask):
    scores = query @ key.transpose(-2, -1) / math.sqrt(query.size(-1))
    output = scores.masked_fill(~mask, -1e9).softmax(-1) @ value
    return output, scores.softmax(-1)  # wrong: a second softmax, without the mask
