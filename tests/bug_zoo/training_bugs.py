"""Optimisation that is nearly the paper's."""

import torch


def layer_norm_decays(shapes):
    """pytorch-pretrained-bert's first examples: gamma and beta had become LayerNorm.weight and LayerNorm.bias."""
    return sorted(name for name in shapes if not any(word in name for word in ("bias", "gamma", "beta")))  # wrong


def clips_each_alone(gradients, max_norm):
    return [g * torch.clamp(max_norm / g.norm(), max=1.0) for g in gradients]  # wrong: turns the step's direction
