"""Machines of lesson 01."""

import torch

from bertcourse.costs import forward_flops
from bertcourse.machines import attention
from bertlib import BertConfig
from bertlib.model.attention import MultiHeadSelfAttention, scaled_dot_product_attention

WORDS = ["anna", "says", "she", "sings"]


def attention_row(dot=4.0):
    dots, values = torch.tensor([dot, 0.0, 0.0, 0.0]), torch.eye(4)[:, :3]
    return attention.attention_row(WORDS, dots, values, looking=2, features=("name", "pronoun", "verb"))


def draw_row(rng, data):
    return {
        "dots": [float(value) for value in rng.integers(-16, 17, len(data["words"])) / 2],
        "width": int(rng.integers(1, data["widest"] + 1)),
        "allowed": [bool(value) for value in rng.random(len(data["words"])) < 0.7],
    }


def expected_row(data, state):
    """A query whose first number is 1, keys whose first number is the dot product: as wide as the state says."""
    dots = torch.tensor(state["dots"], dtype=torch.float64)
    keys = torch.cat([dots[:, None], torch.zeros(len(dots), state["width"] - 1, dtype=torch.float64)], dim=1)
    query = torch.zeros(1, state["width"], dtype=torch.float64)
    query[0, 0] = 1
    values = torch.tensor(data["values"], dtype=torch.float64)
    mixed, weights = scaled_dot_product_attention(query, keys, values, torch.tensor(state["allowed"]))
    return {"weights": weights[0].tolist(), "mixed": mixed[0].tolist()}


def heads_of_a_vector(heads=12):
    return attention.heads_of_a_vector(BertConfig(hidden_size=384, num_attention_heads=heads), tokens=13)


def expected_heads(data, state):
    heads, width, tokens = data["heads"][state["at"]], data["width"], data["tokens"]
    module = MultiHeadSelfAttention(BertConfig(hidden_size=width, num_attention_heads=heads))
    split = module.split_heads(torch.arange(width)[None, None])  # (1, H, 1, D / H): which columns a head gets
    head = torch.empty(width, dtype=torch.long)
    head[split[0, :, 0]] = torch.arange(heads)[:, None].expand(-1, width // heads)
    _, weights = module(torch.zeros(1, tokens, width), None, True)
    config = BertConfig(hidden_size=width, num_attention_heads=heads, num_hidden_layers=1)
    return {
        "heads": heads,
        "each": split.size(-1),
        "head": head.tolist(),
        "parameters": sum(parameter.numel() for parameter in module.parameters()),
        "products": forward_flops(config, 1, tokens, 0)["attention"] // 2,  # an operation more for each is the sum's
        "maps": weights.numel(),
    }


CASES = {
    "attention_row": (
        attention_row,
        lambda: attention_row(dot=3.0),
        draw_row,
        expected_row,
        lambda data: [{"width": 14}],  # 4 / sqrt(14) is the first below the logarithm of 3
    ),
    "heads_of_a_vector": (
        heads_of_a_vector,
        lambda: heads_of_a_vector(heads=6),
        lambda rng, data: {
            "at": int(rng.integers(len(data["heads"]))),
            "marked": [bool(mark) for mark in rng.random(3) < 0.5],
        },
        expected_heads,
        lambda data: [
            {"at": data["heads"].index(12)},
            {"marked": [False, True, True]},
            {"marked": [False, False, True]},
        ],
    ),
}

DOTS, VALUES = torch.tensor([4.0, 0, 0, 0]), torch.eye(4)[:, :3]
WRONG = {
    "a word too few": (lambda: attention.attention_row(WORDS[:3], DOTS, VALUES, 2), "3 words, 4 dots"),
    "nothing to find": (lambda: attention.attention_row(WORDS, DOTS / 9, VALUES, 2), "the largest weight is 0.34"),
    "a name too few": (lambda: attention.attention_row(WORDS, DOTS, VALUES, 2, ("name", "verb")), "give 3 names"),
    "one head": (
        lambda: attention.heads_of_a_vector(BertConfig(hidden_size=64, num_attention_heads=1), 3),
        "num_attention_heads=1: give",
    ),
    "no tokens": (
        lambda: attention.heads_of_a_vector(BertConfig(hidden_size=64, num_attention_heads=2), 0),
        "tokens=0",
    ),
}
