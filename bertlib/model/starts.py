"""Starts that spare a small model most of its plateau: weights that know what can be counted before training.

A BERT from random weights first learns how frequent each token is, and then stays for long at exactly that: it cannot
gain from a neighbour before attention finds neighbours, and attention gets no signal before that gains. Both can be
given at the start. Nothing about the architecture changes, and every weight is trained as usual.
"""

import math
from collections.abc import Collection

import numpy as np
import torch
from torch import Tensor

from bertlib.model.heads import BertForPreTraining

# What the heads of a layer look at, in tokens to the left (-) or right (+), head by head; 0 is the token itself.
OFFSETS = (-1, 1, -2, 2, -3, 3, 0, 0)


def start_well(model: BertForPreTraining, fresh: Collection[str], counts: np.ndarray) -> None:
    """Give the parameters named in `fresh` the start that suits what is new; counts as in `start_from_counts`."""
    if "mlm.bias" in fresh:
        start_from_counts(model, counts)
    if "bert.embeddings.position_embeddings.weight" in fresh:
        look_nearby(model)
    elif "mlm.dense.weight" in fresh:
        pass_through(model)


@torch.no_grad()
def start_from_counts(model: BertForPreTraining, counts: np.ndarray) -> None:
    """Set the MLM head's bias to each token's log frequency, so that the first guess is the unigram guess.

    Args:
        counts: (V,) occurrences in the training text; one is added to each.
    """
    logs = torch.from_numpy(np.log(counts + 1.0)).float()
    model.mlm.bias.copy_(logs - logs.mean())  # a softmax does not see the mean


@torch.no_grad()
def pass_through(model: BertForPreTraining) -> None:
    """Add the identity to the dense layer of the MLM head.

    For a fresh head on a trained body: the body's vectors then meet its own token table at once, instead of a random
    mixture of their entries.
    """
    model.mlm.dense.weight += torch.eye(model.config.hidden_size)


@torch.no_grad()
def look_nearby(model: BertForPreTraining, layers: int = 2) -> None:
    """Let the heads of the first layers of a fresh model look at fixed neighbours (see OFFSETS), by their positions
    alone.

    The first D / H entries of each position become the sines and cosines of Vaswani et al., 2017, §3.5, and tokens keep
    out of these entries. There, moving by an offset is a rotation: a head whose query matrix rotates and whose key
    matrix does not scores highest where the positions differ by that offset. (After "mimetic initialization", Trockman
    and Kolter, 2023, which imitates what trained attention looks like.)
    """
    config, embeddings = model.config, model.bert.embeddings
    width = config.head_size - config.head_size % 2
    frequencies = 500.0 ** (-torch.arange(0, width, 2) / width)  # radians a token: waves of 6 to about 3,000 tokens
    angles = torch.arange(config.max_position_embeddings)[:, None] * frequencies
    scale = 1.4 * config.initializer_range  # as large as a token's entries, within the sum that is normalised
    positions = embeddings.position_embeddings.weight
    positions.zero_()
    positions[:, :width] = scale * torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(1)
    embeddings.word_embeddings.weight[:, :width] *= 0.1
    for layer in model.bert.layers[:layers]:
        for head in range(config.num_attention_heads):
            rows = slice(head * config.head_size, head * config.head_size + width)
            layer.attention.query.weight[rows, :width] += rotation(frequencies, OFFSETS[head % len(OFFSETS)])
            layer.attention.key.weight[rows, :width] += torch.eye(width)


def rotation(frequencies: Tensor, offset: int) -> Tensor:
    """The matrix that takes the sines and cosines of position p to those of p + offset; (2 F, 2 F) for (F,)."""
    blocks = []
    for frequency in frequencies.tolist():
        cosine, sine = math.cos(frequency * offset), math.sin(frequency * offset)
        blocks.append(torch.tensor([[cosine, sine], [-sine, cosine]]))
    return torch.block_diag(*blocks)
