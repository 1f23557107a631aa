"""Machines of lesson 09."""

from functools import cache

import numpy as np
import torch

from bertcourse.checks.looking import _looks_back, _share_at
from bertcourse.machines import looking
from bertlib import BertConfig, BertForPreTraining
from bertlib.metrics import pretraining_scores

LAYERS, HEADS = 3, 4
TOKENS = ["[CLS]", "the", "bank", "raised", "its", "rates", ".", "[SEP]"]


@cache
def tiny():
    """A small BERT with weights large enough for its heads to matter, and a batch with masked tokens."""
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=40,
        hidden_size=32,
        num_hidden_layers=LAYERS,
        num_attention_heads=HEADS,
        intermediate_size=32,
        max_position_embeddings=12,
    )
    model = BertForPreTraining(config).eval()
    for weight in model.parameters():
        weight.data += 0.2 * torch.randn(weight.shape)
    ids = torch.randint(5, 40, (6, 12))
    labels = torch.where(torch.rand(6, 12) < 0.4, ids, -100)
    return model, [
        {
            "input_ids": ids,
            "attention_mask": torch.ones_like(ids),
            "token_type_ids": torch.zeros_like(ids),
            "labels": labels,
            "next_sentence_label": torch.zeros(6, dtype=torch.long),
        }
    ]


@cache
def loss_without(out):
    """The library's MLM loss with these heads, (layer, head), silenced."""
    model, batches = tiny()
    kept = {name: weight.clone() for name, weight in model.state_dict().items()}
    with torch.no_grad():
        for layer, head in out:
            matrix = model.bert.layers[layer].attention.output.weight
            matrix.unflatten(1, (HEADS, -1))[:, head] = 0
    loss = pretraining_scores(model, batches, precision="fp32")["mlm_loss"]
    model.load_state_dict(kept)
    return loss


def heads_out(more=0.0):
    single = [[loss_without(((layer, head),)) + more for head in range(HEADS)] for layer in range(LAYERS)]
    layers = [loss_without(tuple((layer, head) for head in range(HEADS))) for layer in range(LAYERS)]
    return looking.heads_out(loss_without(()), single, layers)


def draw_heads(rng, data):
    kind, layer, head = int(rng.integers(4)), int(rng.integers(LAYERS)), int(rng.integers(HEADS))
    out = np.zeros((LAYERS, HEADS), dtype=bool)
    if kind == 0:
        out[layer, head] = True
    elif kind == 1:
        out[layer] = True
    elif kind == 2:
        out = rng.random(out.shape) < rng.random()
    return {
        "out": [bool(one) for one in out.flat],
        "layer": layer,
        "said": int(rng.integers(-1, LAYERS)),
        "tried": [bool(one) for one in rng.random(LAYERS) < 0.7],
    }


def expected_heads(data, state):
    heads = [divmod(place, HEADS) for place, out in enumerate(state["out"]) if out]
    whole = round(loss_without(()), 5)
    alone = [round(loss_without((divmod(place, HEADS),)), 5) - whole for place in range(LAYERS * HEADS)]
    of_a_layer = len(heads) == HEADS and len({layer for layer, _ in heads}) == 1
    loss = round(loss_without(tuple(heads)), 5) if len(heads) <= 1 or of_a_layer else None
    added = sum((one for one, out in zip(alone, state["out"], strict=True) if out), 0.0)
    return {
        "whole": whole,
        "alone": alone,
        "added": added,
        "count": len(heads),
        "loss": loss,
        "rise": None if loss is None else loss - whole,
        "beyond": None if loss is None else loss - whole - added,
    }


def layer_beyond(data):
    """The layer whose heads cost most beyond their sum."""
    beyond = []
    for layer in range(LAYERS):
        values = expected_heads(data, {"out": [place // HEADS == layer for place in range(LAYERS * HEADS)]})
        beyond.append(values["beyond"])
    return int(np.argmax(beyond))


def where_a_head_looks(seed=0):
    scores = torch.randn(3, 4, len(TOKENS), len(TOKENS), generator=torch.Generator().manual_seed(seed))
    scores[0, 2] += 4 * torch.eye(len(TOKENS)).roll(-1, dims=1)  # looks back, and the first token at the last
    scores[1, 3] += 4 * torch.eye(len(TOKENS)).roll(1, dims=1)
    return looking.where_a_head_looks(TOKENS, scores.softmax(dim=-1))


def maps_of(data):
    count = len(data["tokens"])
    return torch.tensor(data["maps"], dtype=torch.float64).div(1000).unflatten(-1, (count, count))


def draw_head(rng, data):
    layer, head = int(rng.integers(len(data["maps"]))), int(rng.integers(len(data["maps"][0])))
    return {"layer": layer, "head": head, "said": str(rng.choice([f"{layer}.{head}", "0.0"]))}


def expected_head(data, state):
    weights = maps_of(data)[state["layer"], state["head"]]
    shares = {name: _share_at(weights, offset).item() for name, offset in (("before", -1), ("after", 1), ("itself", 0))}
    return shares | {
        "weights": weights.flatten().tolist(),
        "cls": weights[:, 0].mean().item(),
        "even": 1 / len(weights),
    }


def back_head(data):
    layer, head = _looks_back(maps_of(data))
    return {"layer": layer, "head": head}


CASES = {
    "heads_out": (
        heads_out,
        lambda: heads_out(more=0.001),
        draw_heads,
        expected_heads,
        lambda data: [
            {"out": [place < HEADS for place in range(LAYERS * HEADS)]},
            {"said": layer_beyond(data)},
            {"tried": [True] * LAYERS, "said": (layer_beyond(data) + 1) % LAYERS},
            {"said": layer_beyond(data)},
        ],
    ),
    "where_a_head_looks": (
        where_a_head_looks,
        lambda: where_a_head_looks(seed=1),
        draw_head,
        expected_head,
        lambda data: [
            {"layer": 1, "head": 3, "said": "1.3"},
            back_head(data),
            {"said": "{layer}.{head}".format(**back_head(data))},
        ],
    ),
}

WRONG = {
    "layers of two sizes": (lambda: looking.heads_out(4.0, [[4.1, 4.2], [4.1]], [4.3, 4.2]), "losses"),
    "a layer too few": (lambda: looking.heads_out(4.0, [[4.1, 4.2], [4.1, 4.1]], [4.3]), "layers 1"),
    "one head a layer": (lambda: looking.heads_out(4.0, [[4.1]], [4.1]), "at least two heads"),
    "one map": (lambda: looking.where_a_head_looks(["[CLS]", "a", "b"], torch.ones(3, 3)), "maps (3, 3), 3 tokens"),
    "other tokens": (lambda: looking.where_a_head_looks(["[CLS]", "a"], torch.ones(2, 2, 3, 3)), "2 tokens"),
    "no [CLS]": (lambda: looking.where_a_head_looks(["a", "b", "c"], torch.ones(2, 2, 3, 3)), "the first of them"),
}
