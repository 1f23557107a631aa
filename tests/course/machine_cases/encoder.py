"""Machines of lesson 02."""

import dataclasses

import pytest
import torch

from bertcourse.machines import encoder
from bertlib import BertConfig, BertModel
from bertlib.model.encoder import BertEmbeddings

MINILM = BertConfig(hidden_size=384, num_hidden_layers=6, intermediate_size=1536)
POSITIONS = 64


def parameters_moved(smaller=MINILM):
    return encoder.parameters_moved(BertConfig(), smaller, "MiniLM")


def model_of(data, places):
    values = {encoder.FIELDS[key]: data["choices"][key][place] for key, place in places.items()}
    config = BertConfig(**values, num_attention_heads=1, max_position_embeddings=data["positions"])
    with torch.device("meta"):
        return BertModel(config)


def size(module):
    return sum(parameter.numel() for parameter in module.parameters())


def expected_parameters(data, state):
    model, wanted = model_of(data, state), ["query", "key", "value", "output"]
    tables, layers = model.embeddings, model.layers
    return {
        "parts": {
            "tables": size(tables) - size(tables.norm),
            "tables' LayerNorm": size(tables.norm),
            "attention": sum(size(getattr(layer.attention, name)) for layer in layers for name in wanted),
            "feed-forward": sum(size(layer.intermediate) + size(layer.output) for layer in layers),
            "layers' LayerNorms": sum(size(layer.attention_norm) + size(layer.output_norm) for layer in layers),
            "pooler": size(model.pooler),
        },
        "total": size(model),
        "alone": {key: size(model_of(data, data["base"] | {key: 0})) for key in data["choices"]},
    }


def layer_norm_moved(last=8.0):
    return encoder.layer_norm_moved(torch.tensor([2.0, 4, 6, last]), eps=1e-12)


def draw_vector(rng, data):
    numbers = rng.integers(-2 * data["largest"], 2 * data["largest"] + 1, len(data["numbers"])) / 2
    if rng.random() < 0.1:  # a vector of one number alone: nothing but eps is left to divide by
        numbers[:] = numbers[0]
    return {"numbers": numbers.tolist(), "power": int(rng.integers(data["smallest"], 1))}


def expected_vector(data, state):
    width = len(state["numbers"])
    shape = {"hidden_size": width, "num_attention_heads": 1, "vocab_size": 1, "max_position_embeddings": 1}
    norm = BertEmbeddings(BertConfig(**shape, layer_norm_eps=data["eps"])).norm.double()
    vector = torch.tensor(state["numbers"], dtype=torch.float64) * 10.0 ** state["power"]
    with torch.no_grad():
        return {
            "mean": vector.mean().item(),
            "variance": vector.var(unbiased=False).item(),
            "normed": norm(vector).tolist(),
        }


@pytest.mark.parametrize(
    "make, message",
    [
        (
            lambda: encoder.parameters_moved(dataclasses.replace(BertConfig(), vocab_size=30_000), MINILM, "MiniLM"),
            "vocab_size=30000: give one of",
        ),
        (lambda: parameters_moved(dataclasses.replace(MINILM, vocab_size=119_547)), "give a smaller encoder"),
        (lambda: encoder.layer_norm_moved(torch.tensor([2.0, 4.25, 1]), 1e-12), "in halves"),
        (lambda: encoder.layer_norm_moved(torch.tensor([2.0, 2, 2]), 1e-12), "numbers that differ"),
    ],
)
def test_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


CASES = {
    "parameters_moved": (
        parameters_moved,
        lambda: parameters_moved(dataclasses.replace(MINILM, num_hidden_layers=3)),
        lambda rng, data: {key: int(rng.integers(len(values))) for key, values in data["choices"].items()},
        expected_parameters,
        lambda data: [
            {"layers": 0},
            {"layers": data["base"]["layers"], "vocabulary": 0},
            {"vocabulary": data["base"]["vocabulary"], "width": 3},
            {"width": 2},
        ],
    ),
    "layer_norm_moved": (
        layer_norm_moved,
        lambda: layer_norm_moved(last=9.0),
        draw_vector,
        expected_vector,
        lambda data: [
            {"numbers": [3, 5, 7, 9]},
            {"numbers": [2, 4, 6, 8], "power": -1},
            {"numbers": [4, 3, 2, 1], "power": 0},
            {"numbers": [1, 2, 3, 4]},
        ],
    ),
}
