"""What AdamW decays, and the learning rate of each update (Devlin et al., 2019, A.2)."""

import torch
from torch import nn

from bertlib.train.recipe import Recipe


def parameter_groups(model: nn.Module, weight_decay: float) -> list[dict]:
    """Two groups for AdamW: biases and LayerNorm's gains do not decay (google-research/bert, optimization.py)."""
    still = {
        f"{module_name}.{name}" if module_name else name
        for module_name, module in model.named_modules()
        for name, _ in module.named_parameters(recurse=False)
        if name == "bias" or isinstance(module, nn.LayerNorm)
    }
    named = [(name, parameter) for name, parameter in model.named_parameters() if parameter.requires_grad]
    return [
        {"params": [parameter for name, parameter in named if name not in still], "weight_decay": weight_decay},
        {"params": [parameter for name, parameter in named if name in still], "weight_decay": 0.0},
    ]


def linear_schedule(step: int, *, warmup_steps: int, total_steps: int) -> float:
    """The share of the learning rate at update `step` (0, 1, 2, …): up linearly, then down linearly to 0.

    Devlin et al., 2019, A.2. The first update of a warm-up has rate 0, as in the reference implementations.
    """
    if step < warmup_steps:
        return step / warmup_steps
    return max(0.0, (total_steps - step) / max(1, total_steps - warmup_steps))


def make_optimizer(model: nn.Module, recipe: Recipe) -> torch.optim.AdamW:
    """AdamW for the weights that require a gradient, with β = (0.9, 0.999), ε = 1e-6 (google-research/bert)."""
    if recipe.learning_rate is None:
        raise ValueError("learning_rate=None: give a number above 0, such as 2e-5")
    groups = parameter_groups(model, recipe.weight_decay)
    # Biases, gains and tables of one model share a device, so the fused kernel serves on CPU, CUDA and MPS alike.
    return torch.optim.AdamW(groups, lr=recipe.learning_rate, betas=(0.9, 0.999), eps=1e-6, fused=True)


def set_rate(optimizer: torch.optim.Optimizer, recipe: Recipe, step: int, total_steps: int) -> float:
    """Set and give the learning rate of update `step`."""
    warmup_steps = int(recipe.warmup * total_steps)
    rate = recipe.learning_rate * linear_schedule(step, warmup_steps=warmup_steps, total_steps=total_steps)
    for group in optimizer.param_groups:
        group["lr"] = rate
    return rate
