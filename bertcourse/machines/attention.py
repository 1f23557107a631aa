"""Machines of lesson 01: one row of attention, and a vector cut into heads."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from bertcourse.diagrams.attention import weighted_average
from bertcourse.diagrams.drawing import Drawing
from bertcourse.machines.frame import Machine
from bertlib.model.config import BertConfig

WIDEST = 64  # of the compared vectors, on the slider
BLOCKS = 48  # columns that are drawn of a vector, at most


def attention_row(
    words: Sequence[str], dots: Tensor, values: Tensor, looking: int, features: Sequence[str] | None = None
) -> Machine:
    """Dot products, width and mask moved; the row of weights and the mixed value follow.

    Args:
        words: T tokens.
        dots: (T,), query of the token that looks times each key, before they are divided by the root of the width.
        values: (T, d_v), what each token hands over.
        looking: the place of the token that looks.
        features: d_v names, of what each number of a value says; None: they have none.

    Raises:
        ValueError: there are not as many dots or values as words, or names as numbers in a value, or no width up to
            64 brings the largest weight below a half, so that there is nothing to find.
    """
    if not len(words) == len(dots) == len(values):
        raise ValueError(f"{len(words)} words, {len(dots)} dots, {len(values)} values: give as many of each")
    if features is not None and len(features) != values.size(1):
        raise ValueError(f"features={list(features)}: give {values.size(1)} names, one for each number of a value")
    target = int(dots.argmax())
    weights = dots.double().softmax(-1)
    at_widest = (dots.double() / WIDEST**0.5).softmax(-1)[target]
    if not weights[target] >= 0.5 > at_widest:
        raise ValueError(
            f"dots={dots.tolist()}: the largest weight is {weights[target]:.2f} at width 1 and {at_widest:.2f} at "
            f"width {WIDEST}: give dots where it falls from above a half to below"
        )
    picture = weighted_average(list(words), weights[None].expand(len(words), -1).float(), values, looking)
    data = {
        "words": list(words),
        "dots": [round(value, 4) for value in dots.tolist()],
        "values": values.tolist(),
        "looking": looking,
        "target": target,
        "widest": WIDEST,
        "features": None if features is None else list(features),
    }
    question = (
        f"{words[looking]} gives {words[target]} a weight of {weights[target]:.2f}. Move the width dₖ "
        f"alone: from which width on is it less than a half?"
    )
    return Machine("attention_row", f"What {words[looking]} takes from whom", question, data, picture)


def heads_of_a_vector(config: BertConfig, tokens: int) -> Machine:
    """The number of heads moved: the blocks of a token's vector, the parameters that stay, the maps that grow.

    Args:
        config: its hidden_size D is cut; its num_attention_heads is what is to be found.
        tokens: T, of the sequence whose maps are counted.

    Raises:
        ValueError: tokens is below 1, or the config has one head, which is where the machine starts.
    """
    width, heads = config.hidden_size, config.num_attention_heads
    if tokens < 1 or heads == 1:
        raise ValueError(
            f"tokens={tokens}, num_attention_heads={heads}: give at least 1 token and a config of 2 heads or more"
        )
    choices = [count for count in range(1, width + 1) if width % count == 0 and count <= BLOCKS]
    data = {"width": width, "heads": choices, "wanted": width // heads, "tokens": tokens, "drawn": BLOCKS}
    parameters = 4 * (width * width + width)
    picture = Drawing(
        f"A token's vector of {width} numbers as one block: one head. Four matrices with {parameters:,} parameters; "
        f"one map of {tokens} by {tokens} weights."
    )
    picture.box(14, 20, 532, 40, f"head 0: {width} numbers", "blue")
    picture.text(280, 92, f"{parameters:,} parameters · 1 map of {tokens} × {tokens} weights")
    question = (
        f"Which of the three counts below depend on the number of heads? Mark them. Then find the number at which "
        f"each head compares vectors of {width // heads} numbers, as this model does."
    )
    return Machine("heads_of_a_vector", "One vector, cut into heads", question, data, picture)
