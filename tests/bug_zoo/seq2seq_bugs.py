"""Encoder–decoders as others shipped them: deaf to the source, reading ahead, taught to write padding."""

from types import MethodType

import torch

from bertlib.model.seq2seq import CrossAttention, DecoderLayer


class DeafLayer(DecoderLayer):
    """transformers 4680: no cross-attention; the decoder writes the same for every source."""

    def forward(self, hidden, states, source_mask, memory=None, need_weights=False):
        hidden, weights = super().forward(hidden, torch.zeros_like(states), source_mask, memory, need_weights)
        return hidden, weights  # wrong: of the states nothing is left


class IgnoresSourceMask(DecoderLayer):
    def forward(self, hidden, states, source_mask, memory=None, need_weights=False):
        return super().forward(hidden, states, None, memory, need_weights)  # wrong: padding is read as text


class ReadsAhead(DecoderLayer):
    """Every token looks at those behind it: a perfect loss in training, nonsense when it writes."""

    def __init__(self, config):
        super().__init__(config)

        def forward(attention, hidden, key, value, mask, need_weights=False):
            return CrossAttention.forward(attention, hidden, key, value, None, need_weights)  # wrong: no mask

        self.attention.forward = MethodType(forward, self.attention)


class ForgetsWhatItWrote(DecoderLayer):
    """The memory is thrown away: each new piece is written as if it were the first."""

    def forward(self, hidden, states, source_mask, memory=None, need_weights=False):
        return super().forward(hidden, states, source_mask, None, need_weights)  # wrong


def padding_is_taught(labels, pad=0):
    """transformers 7896: [PAD] where -100 belongs; the loss of long batches is that of padding."""
    return labels.masked_fill(labels == -100, pad)  # wrong


def starts_twice(labels, start):
    """Labels with their [CLS]: the decoder is given it, and learns to write it again."""
    return torch.cat([torch.full_like(labels[:, :1], start), labels], dim=1)  # wrong


def unshifted(labels, start, pad):
    """The decoder reads the very piece that it is to write."""
    return labels.masked_fill(labels == -100, pad)  # wrong: not shifted


def ends_never(model):
    """Any end but the right one: writing goes on to max_length."""
    model.end = model.decoder_config.vocab_size - 1  # wrong
    return model
