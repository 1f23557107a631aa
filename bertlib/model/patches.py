"""BERT's encoder over patches of a picture (Dosovitskiy et al., 2021, "An Image is Worth 16x16 Words")."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn

from bertlib.model.config import BertConfig
from bertlib.model.encoder import BertLayer
from bertlib.model.init import init_weights


def cut_into_patches(pictures: Tensor, patch: int) -> Tensor:
    """(B, size, size) grey values -> (B, N, patch²), the patches in reading order, each row by row.

    Raises:
        ValueError: the pictures are not square, or patch does not divide their size.
    """
    if pictures.dim() != 3 or pictures.size(1) != pictures.size(2) or not pictures.numel():
        raise ValueError(f"pictures has shape {tuple(pictures.shape)}: give (batch, size, size)")
    if patch < 1 or pictures.size(1) % patch:
        raise ValueError(f"patch={patch} does not divide the size {pictures.size(1)}: give a divisor, such as 4")
    return pictures.unfold(1, patch, patch).unfold(2, patch, patch).flatten(3).flatten(1, 2)


@dataclass
class PictureOutput:
    """What a PatchEncoder returns.

    Attributes:
        last_hidden_state: (B, 1 + N, D), the first one for the whole picture.
        attentions: each layer's weights, L times (B, H, 1 + N, 1 + N), if asked for.
    """

    last_hidden_state: Tensor
    attentions: tuple[Tensor, ...] | None = None


class PatchEncoder(nn.Module):
    """Lesson 02's layers over patches: a projection makes each patch a vector, a learned one stands before them.

    Args:
        config: width, layers, heads and dropout; its vocabulary and segments are not used.
        size: pixels a side. patch: pixels a side of a patch, a divisor of size.

    Raises:
        ValueError: patch does not divide size.
    """

    def __init__(self, config: BertConfig, size: int = 32, patch: int = 8):
        super().__init__()
        if patch < 1 or size % patch:
            raise ValueError(f"patch={patch} does not divide size={size}: give a divisor, such as 4")
        self.config, self.patch = config, patch
        self.projection = nn.Linear(patch**2, config.hidden_size)
        self.position_embeddings = nn.Embedding((size // patch) ** 2 + 1, config.hidden_size)
        self.whole = nn.Parameter(torch.zeros(config.hidden_size))
        self.norm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.layers = nn.ModuleList(BertLayer(config) for _ in range(config.num_hidden_layers))
        self.apply(partial(init_weights, std=config.initializer_range))

    def forward(self, pictures: Tensor, *, output_attentions: bool = False) -> PictureOutput:
        """(B, size, size) grey values, from 0 to 1.

        Raises:
            ValueError: another shape than the position table is for.
        """
        patches = self.projection(cut_into_patches(pictures, self.patch))
        if patches.size(1) + 1 != self.position_embeddings.num_embeddings:
            wanted = self.position_embeddings.num_embeddings - 1
            raise ValueError(f"pictures of {patches.size(1)} patches: this encoder reads {wanted}; draw them anew")
        hidden = torch.cat([self.whole.expand(len(patches), 1, -1), patches], dim=1)
        hidden, attentions = self.norm(hidden + self.position_embeddings.weight), []
        for layer in self.layers:
            hidden, weights = layer(hidden, None, output_attentions)
            attentions.append(weights)
        return PictureOutput(hidden, tuple(attentions) if output_attentions else None)
