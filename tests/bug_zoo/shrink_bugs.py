"""Pruning that prunes nothing."""

import torch

from bertlib.model.shrink import magnitude_mask


@torch.no_grad()
def heads_set_to_zero(model, heads):
    """pytorch 36214: what is masked stands in the file and in the product as before."""
    for layer, named in heads.items():
        attention = model.bert.layers[layer].attention
        width = attention.output.in_features // attention.num_heads
        for head in named:
            attention.output.weight[:, head * width : (head + 1) * width] = 0  # wrong: rows and columns stay


@torch.no_grad()
def zeros_not_held(model, share):
    """pytorch 32928: the next step, or an optimizer's momentum, moves the zeros away."""
    for name, kept in magnitude_mask(model, share).items():
        weight = model.get_parameter(name)
        weight *= kept  # wrong: and nothing holds them there
