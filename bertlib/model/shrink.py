"""Smaller models out of larger ones: fewer layers, fewer heads; and zeros, which make nothing smaller."""

import copy
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

import torch
from torch import Tensor, nn

from bertlib.model.adapters import adapters_of
from bertlib.model.attention import MultiHeadSelfAttention

# Where a parameter's bytes are counted, by a part of its name; the first that fits.
PARTS = {
    "word_embeddings": "token table",
    "embeddings": "other embeddings",
    "attention": "attention",
    "layers": "feed-forward",
    "pooler": "pooler",
}


def encoder_of(model: nn.Module) -> nn.Module:
    """The `BertModel` of a model with a head, or the model itself; a ValueError where there are adapters."""
    if adapters_of(model):
        raise ValueError("the model has adapters: merge them first (bertlib.model.adapters.merge)")
    return getattr(model, "bert", model)


def keep_layers(model: nn.Module, which: Sequence[int]) -> nn.Module:
    """A copy with these of its layers only, from which a student starts (Sanh et al., 2019, §3: every other one).

    The model, an encoder or one with a head, stays as it is. A ValueError where `which` is empty, not ascending, or
    names a layer that there is not, and where the model has adapters.
    """
    count = len(encoder_of(model).layers)
    which = list(which)
    if not which or which != sorted(set(which)) or not set(which) <= set(range(count)):
        raise ValueError(f"which={which!r}: give numbers of layers from 0 to {count - 1}, ascending, each once")
    small = copy.deepcopy(model)
    bert = encoder_of(small)
    bert.layers, bert.frozen = nn.ModuleList(bert.layers[number] for number in which), None
    small.config = bert.config = replace(small.config, num_hidden_layers=len(which))
    return small


def check_heads(model: nn.Module, heads: Mapping[int, Collection[int]]) -> dict[MultiHeadSelfAttention, list[int]]:
    """Of each layer's attention the heads that are named; a ValueError where there is no such layer or head."""
    layers, chosen = encoder_of(model).layers, {}
    for number, named in heads.items():
        if not 0 <= number < len(layers):
            raise ValueError(f"heads names layer {number}: there are layers 0 to {len(layers) - 1}")
        attention = layers[number].attention
        if not set(named) < set(range(attention.num_heads)):
            raise ValueError(
                f"heads[{number}]={sorted(named)}: layer {number} has heads 0 to {attention.num_heads - 1}; leave one"
            )
        chosen[attention] = sorted(set(named))
    return chosen


def head_importance(model: nn.Module, batches: Iterable[Mapping[str, Tensor]]) -> list[Tensor]:
    """Of each layer's heads how much the loss hangs on them, scaled to length 1 a layer (Michel et al., 2019, §4.1).

    It is the sum over batches, best of one text each, of the size of ∂loss / ∂ξ; ξ = 1 scales the head's output.

    The model has a head and is in evaluation mode, batches have labels; what comes is (H,) for each layer.
    """
    layers = [layer.attention for layer in encoder_of(model).layers]
    totals = [torch.zeros(attention.num_heads) for attention in layers]
    for batch in batches:
        gradients = torch.autograd.grad(model(**batch).loss, [attention.output.weight for attention in layers])
        for total, attention, gradient in zip(totals, layers, gradients, strict=True):
            product = gradient * attention.output.weight.detach()
            total += product.unflatten(1, (attention.num_heads, -1)).sum(dim=(0, 2)).abs().cpu()
    return [total / total.norm() for total in totals]


@torch.no_grad()
def prune_heads(model: nn.Module, heads: Mapping[int, Collection[int]]) -> None:
    """Take heads out, in place: query, key and value lose these rows, the output its columns (Michel et al., 2019).

    The matrices are smaller and the products cheaper. The result is that of heads whose output is 0. No config.json can
    say that layers have different numbers of heads, so `save_model` refuses such a model: export it, or train it on.

    Args:
        heads: layer -> its heads to take out, counted from 0 among those that are there.

    Raises:
        ValueError: there is no such layer or head, none would be left, or the model has adapters.
    """
    for attention, named in check_heads(model, heads).items():
        width = attention.output.in_features // attention.num_heads
        kept = [head for head in range(attention.num_heads) if head not in named]
        places = torch.cat([torch.arange(head * width, (head + 1) * width) for head in kept])
        places = places.to(attention.output.weight.device)
        for linear in (attention.query, attention.key, attention.value):
            linear.weight, linear.bias = nn.Parameter(linear.weight[places]), nn.Parameter(linear.bias[places])
            linear.out_features = len(places)
        attention.output.weight = nn.Parameter(attention.output.weight[:, places].contiguous())
        attention.output.in_features, attention.num_heads = len(places), len(kept)


def magnitude_mask(model: nn.Module, share: float) -> dict[str, Tensor]:
    """Which weights stay if this share of all in the layers' matrices, the smallest in size, becomes 0.

    Name of each matrix -> bool of its shape, True where the weight stays. A ValueError where share is not from 0 to
    below 1, or the model has adapters.
    """
    if not 0 <= share < 1:
        raise ValueError(f"share={share!r}: give the share that becomes 0, at least 0 and below 1")
    layers = encoder_of(model).layers
    inside = {id(module.weight) for module in layers.modules() if isinstance(module, nn.Linear)}
    matrices = {name: p.detach().abs() for name, p in model.named_parameters() if id(p) in inside}
    sizes = torch.cat([matrix.flatten() for matrix in matrices.values()])
    least = sizes.kthvalue(int(share * len(sizes))).values if int(share * len(sizes)) else -1
    return {name: matrix > least for name, matrix in matrices.items()}


@torch.no_grad()
def prune_magnitude(model: nn.Module, share: float) -> None:
    """Set this share of the layers' weights to 0, in place, and hold it there in all training to come.

    It saves nothing by itself: the file has as many bytes, a product takes as long, until something stores or computes
    with the zeros in mind. They are held by hooks on the gradient, which an optimizer that starts afterwards never
    moves them from (one that was there before has momentum that would).
    """
    for name, kept in magnitude_mask(model, share).items():
        weight = model.get_parameter(name)
        weight *= kept
        weight.register_hook(lambda gradient, kept=kept: gradient * kept)


def bytes_by_module(model: nn.Module) -> dict[str, int]:
    """Bytes of a model's parameters, by what they belong to; a tensor used twice counts once."""
    found: dict[str, int] = {}
    for name, parameter in model.named_parameters():
        part = next((part for key, part in PARTS.items() if key in name), "head")
        found[part] = found.get(part, 0) + parameter.nbytes
    return found
