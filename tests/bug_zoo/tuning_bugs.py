"""Adapters, prefixes and frozen parts that others got wrong; the issues stand beside each."""

import torch
from torch import nn
from torch.nn import functional as F

from bertlib.model.adapters import Adapter, Tuning, put_on


class NoResidual(Adapter):
    """The bottleneck in place of what comes, not beside it: near zero at the start, it cuts every layer in two."""

    def forward(self, hidden):
        hidden = F.linear(hidden, self.weight, self.bias)
        return self.up(F.gelu(self.down(hidden)))  # wrong


class AlsoOnItsInput(Adapter):
    """Beside the projection, as LoRA stands: Houlsby's reads what the projection gives."""

    def forward(self, hidden):
        own = F.linear(hidden, self.weight, self.bias)
        return own + self.up(F.gelu(self.down(hidden[..., : own.size(-1)])))  # wrong


def freezes_layer_norm(model, tuning):
    """adapter-bert 8, adapters 98: the paper trains the LayerNorms, too."""
    put_on(model, tuning)
    for name, parameter in model.named_parameters():
        parameter.requires_grad = parameter.requires_grad and "norm" not in name  # wrong


def mask_not_widened(model, tuning):
    """transformers 38301: keys are longer than the mask. Here it is moved: the last rows of the prefix are padding."""
    put_on(model, tuning)
    widened = F.pad

    def pad(mask, sides, value=0.0):
        wrong = mask.dtype == torch.bool and sides == (tuning.size, 0)
        return widened(mask, (0, tuning.size), value=value) if wrong else widened(mask, sides, value=value)  # wrong

    return pad


def positions_shifted(model, tuning):
    """peft's prefix: the text's own positions are moved on by its length, which a full text then exceeds."""
    put_on(model, tuning)
    table = model.bert.embeddings.position_embeddings
    moved = table.weight.data.roll(-tuning.size, dims=0)
    model.bert.embeddings.position_embeddings = nn.Embedding.from_pretrained(moved)  # wrong


def prompt_of_embeddings(model, tuning):
    """peft 565: rows before the first layer's input alone are a prompt, and called a prefix; the layers above them
    learn nothing."""
    put_on(model, tuning)
    for name, parameter in model.named_parameters():
        if ".prefix" in name and "layers.0." not in name:
            parameter.requires_grad = False  # wrong


def dropout_below(model, tuning):
    """What is frozen stays in training mode: a text is another one in every epoch, and can't be kept."""
    put_on(model, tuning)
    model.bert.frozen = None  # wrong


def an_argument_that_is_none(model, names):
    """peft 577: `list.append` gives None."""
    put_on(model, Tuning("adapters", 4, whole=list(names).append("bert.pooler.dense.weight")))  # wrong
