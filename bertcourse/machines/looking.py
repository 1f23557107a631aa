"""Machines of lesson 09: heads taken out, as far as that was measured; and where a head looks."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from bertcourse.diagrams.looking import attention_lines, heads_taken_out
from bertcourse.machines.frame import Machine


def heads_out(whole: float, single: Sequence[Sequence[float]], layers: Sequence[float]) -> Machine:
    """Heads to take out; what the loss is then, where that was measured, beside the sum of the single rises.

    Args:
        whole: the loss with all heads.
        single: (L, H) loss without this head alone.
        layers: (L,) loss without all heads of this layer.

    Raises:
        ValueError: not one loss for each layer, layers of unequal size, or of a single head.
    """
    sizes = sorted({len(row) for row in single})
    if len(single) != len(layers) or len(sizes) != 1 or sizes[0] < 2:
        raise ValueError(
            f"single has {len(single)} rows of {sizes} losses, layers {len(layers)}: give a row of at least two heads, "
            "and one loss, for each layer"
        )
    heads, count = sizes[0], len(single)
    measured = {"0" * (count * heads): round(float(whole), 5)}
    for layer in range(count):
        for head in range(heads):
            place = layer * heads + head
            key = "".join("1" if number == place else "0" for number in range(count * heads))
            measured[key] = round(float(single[layer][head]), 5)
        key = "".join("1" if number // heads == layer else "0" for number in range(count * heads))
        measured[key] = round(float(layers[layer]), 5)
    data = {"layers": count, "heads": heads, "measured": measured}
    picture = heads_taken_out([[float(loss) for loss in row] for row in single], float(whole))
    question = (
        "Take out all heads of a layer at once. In which layer does that cost most beyond what its heads cost one by "
        "one, added up? Try them all; then choose the layer and say so."
    )
    return Machine("heads_out", "Heads taken out together", question, data, picture)


def where_a_head_looks(tokens: Sequence[str], maps: Tensor) -> Machine:
    """Layer and head moved: the head's map of one sentence, and its share at four places beside the even share.

    Args:
        tokens: T tokens, the first of them [CLS].
        maps: (L, H, T, T) attention weights.

    Raises:
        ValueError: maps of another shape, a single head, fewer than three tokens, or another first token.
    """
    count = len(tokens)
    if maps.dim() != 4 or tuple(maps.shape[2:]) != (count, count) or maps.size(0) * maps.size(1) < 2:
        raise ValueError(f"maps {tuple(maps.shape)}, {count} tokens: give (L, H, T, T) of at least two heads")
    if count < 3 or tokens[0] != "[CLS]":
        raise ValueError(f"tokens={list(tokens)}: give at least three tokens, the first of them [CLS]")
    data = {
        "tokens": list(tokens),
        "maps": (1000 * maps).round().int().flatten(2).tolist(),  # thousandths, row after row
    }
    query, first = count // 2, maps[(maps.size(0) - 1) // 2, (maps.size(1) - 1) // 2].float()
    others = (first.sum(dim=0) - first[query]) / (count - 1)
    picture = attention_lines(list(tokens), first[query].tolist(), query, others.tolist())
    question = (
        f"Which of these {maps.size(0) * maps.size(1)} heads looks back most, at the token before each token? Before "
        "you move anything: what line would you see in its map? Find the head, and say so."
    )
    return Machine("where_a_head_looks", "Where does a head look?", question, data, picture)
