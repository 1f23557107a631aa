"""Dropout that does not dominate training on a CPU.

torch draws one Bernoulli number an element, serially; for a small BERT that is a quarter of a training step. Four
16-bit numbers cut from each 64-bit draw do the same work, with a probability exact to 1/65536.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def dropout(x: Tensor, p: float) -> Tensor:
    """Zero each element with probability p and scale the others so that the expectation stays (inverted dropout).

    On a CPU p is rounded to the nearest 1/65536, and the scale fits the rounded value. With p of 0, x itself is
    returned. The draws come from torch's default generator, so a seed fixes them.
    """
    if p == 0.0:
        return x
    if x.device.type != "cpu":
        return F.dropout(x, p)
    drop = min(round(p * 65536), 65535)  # of 65536 equally likely values, how many drop the element
    draws = torch.empty((x.numel() + 3) // 4, dtype=torch.int64).random_(-(2**63), None).view(torch.int16)
    keep = draws[: x.numel()].view(x.shape) >= drop - 32768
    return x * (keep.to(x.dtype) * (65536 / (65536 - drop)))


def set_dropout(model: nn.Module, hidden: float, attention: float) -> None:
    """Change the probabilities of a whole model: of its Dropout modules, and of its attention weights."""
    for module in model.modules():
        if isinstance(module, Dropout):
            module.p = hidden
        elif hasattr(module, "dropout_p"):
            module.dropout_p = attention


class Dropout(nn.Module):
    """`dropout` as a module: active in training only."""

    def __init__(self, p: float):
        super().__init__()
        self.p = p

    def forward(self, x: Tensor) -> Tensor:
        return dropout(x, self.p) if self.training else x

    def extra_repr(self) -> str:
        return f"p={self.p}"
