"""Fresh weights, as BERT draws them (google-research/bert, modeling.py)."""

import torch
from torch import nn


@torch.no_grad()
def init_weights(module: nn.Module, std: float) -> None:
    """Give one module, not those inside it, BERT's fresh weights.

    Matrices and tables come from a normal truncated at two deviations (`create_initializer`; transformers does not
    truncate); biases are zero, LayerNorm's gains one.
    """
    own = dict(module.named_parameters(recurse=False))
    if any(parameter.is_meta for parameter in own.values()):  # a shape without numbers
        return
    if "bias" in own:
        own["bias"].zero_()
    if isinstance(module, nn.LayerNorm):
        own["weight"].fill_(1.0)
    if isinstance(module, (nn.Linear, nn.Embedding)):
        weight = module.weight.normal_(std=std)
        outside = weight.abs() > 2 * std
        while outside.any():  # draw those again; many times faster than inverting the distribution function
            weight[outside] = weight.new_empty(int(outside.sum())).normal_(std=std)
            outside = weight.abs() > 2 * std
        if getattr(module, "padding_idx", None) is not None:
            module.weight[module.padding_idx].zero_()
