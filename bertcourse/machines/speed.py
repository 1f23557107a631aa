"""Machines of lesson 06: what of a batch is padding, and how large attention's share of the operations is."""

from __future__ import annotations

from collections.abc import Sequence

from bertcourse.costs import forward_flops
from bertcourse.diagrams.drawing import MARGIN, SMALL, Drawing
from bertcourse.diagrams.speed import rows_of_texts
from bertcourse.machines.frame import Machine
from bertlib.model.config import BertConfig
from bertlib.text.batching import length_buckets, padding_share

SIZES = (1, 2, 4, 8, 16, 32, 64)  # of a batch; and how many batches are sorted together
SMALLEST, LARGEST = 2, SIZES[-1]  # the batches that the question compares
STEP, WIDEST, DEEPEST, MOST = 16, 1024, 24, 64  # widths go up in steps; the largest width, number of layers, batch
LENGTH_STEP = 8


def sorted_in_pools(lengths: Sequence[int], batch_size: int, together: int) -> list[list[int]]:
    """Batches of texts that come in this order, where so many batches' texts at a time are sorted by their length."""
    pool = batch_size * together
    return [
        [start + index for index in batch]
        for start in range(0, len(lengths), pool)
        for batch in length_buckets(lengths[start : start + pool], batch_size)
    ]


def padded_batches(lengths: Sequence[int], batch_size: int, longest: int) -> Machine:
    """The batch size and the number of batches that are sorted together moved; the padding follows.

    Args:
        lengths: tokens of each text, in the random order in which an epoch reads them.
        batch_size: the one that the machine starts with, one of `SIZES`.
        longest: what all texts can be padded to.

    Raises:
        ValueError: batch_size is none of `SIZES`, a text is longer than `longest`, or there are no batches of 64 with
            less padding than random batches of 2.
    """
    lengths = [int(length) for length in lengths]
    if batch_size not in SIZES:
        raise ValueError(f"batch_size={batch_size}: choose one of {', '.join(map(str, SIZES))}")
    if len(lengths) < 2 * LARGEST or not 1 <= min(lengths) <= max(lengths) <= longest:
        raise ValueError(
            f"{len(lengths)} lengths from {min(lengths, default=0)} to {max(lengths, default=0)}, longest={longest}: "
            f"give at least {2 * LARGEST} lengths from 1 to longest"
        )
    padded, sorted_, mixed = (
        padding_share(lengths, sorted_in_pools(lengths, size, together))
        for size, together in ((SMALLEST, 1), (LARGEST, len(lengths)), (LARGEST, 1))
    )
    if not sorted_ < padded <= mixed:
        raise ValueError(
            f"lengths: {padded:.1%} padding in random batches of {SMALLEST}, {mixed:.1%} in those of {LARGEST}, "
            f"{sorted_:.1%} sorted: give lengths that differ, so that sorting brings the last below the first"
        )
    first = lengths[:batch_size]
    picture = rows_of_texts({f"a random batch of {batch_size}": [[n] for n in first]}, _as_wide(batch_size, first))
    question = (
        f"In random order even batches of {SMALLEST} rows are {100 * padded:.1f} % padding. Find batches of {LARGEST} "
        f"that have less, and sort as few batches together as you can: how many?"
    )
    data = {
        "lengths": lengths,
        "sizes": list(SIZES),
        "pools": [*SIZES, 0],
        "start": SIZES.index(batch_size),
        "padded": padded,
        "smallest": SMALLEST,
        "longest": longest,
    }
    return Machine("padded_batches", "What a batch pads", question, data, picture)


def _as_wide(batch_size: int, lengths: Sequence[int]) -> dict[str, list[int]]:
    return {f"a random batch of {batch_size}": [max(lengths)] * len(lengths)}


def share_of_attention(config: BertConfig, length: int) -> Machine:
    """Length, width, layers and batch moved; the operations of the layers' three parts follow.

    Args:
        config: gives the first width, the layers, the positions (the longest length), and how many times as wide the
            feed-forward part is.
        length: tokens a row to begin with.

    Raises:
        ValueError: a size is not on its slider, or attention takes half at the start already, or at no width.
    """
    width, layers, positions = config.hidden_size, config.num_hidden_layers, config.max_position_embeddings
    times, rest = divmod(config.intermediate_size, width)
    on_sliders = width % STEP == 0 and width <= WIDEST and layers <= DEEPEST and rest == 0
    if not (on_sliders and positions % LENGTH_STEP == 0 and length % LENGTH_STEP == 0 and 0 < length <= positions):
        raise ValueError(
            f"hidden_size={width}, intermediate_size={config.intermediate_size}, num_hidden_layers={layers}, "
            f"max_position_embeddings={positions}, length={length}: give a width that is a multiple of {STEP} up to "
            f"{WIDEST}, an inner width that is a multiple of it, at most {DEEPEST} layers, and lengths that are "
            f"multiples of {LENGTH_STEP}"
        )
    half = 2 + times  # attention takes half of the operations at this many times the width
    if not half * STEP <= positions < half * width:
        raise ValueError(
            f"max_position_embeddings={positions}, hidden_size={width}: attention takes half of the operations at "
            f"{half} times the width; give positions from {half * STEP} to below {half * width}"
        )
    base = BertConfig()
    data = {
        "width": width,
        "layers": layers,
        "length": length,
        "positions": positions,
        "times": times,
        "sliders": {"step": STEP, "widest": WIDEST, "deepest": DEEPEST, "batch": MOST, "lengths": LENGTH_STEP},
        "base": {"width": base.hidden_size, "times": base.intermediate_size // base.hidden_size},
    }
    flops = forward_flops(config, 1, length, 0)
    parts = {name: flops[name] for name in ("projections", "attention", "feed-forward")}
    shares = {name: count / sum(parts.values()) for name, count in parts.items()}
    picture = Drawing(
        f"One row of {length} tokens through {layers} layers of {width}: {sum(parts.values()) / 1e9:.2f} billion "
        "operations; " + ", ".join(f"{name} {100 * share:.0f} %" for name, share in shares.items()) + "."
    )
    for number, (name, share) in enumerate(shares.items()):
        y = MARGIN + 34 * number
        picture.text(MARGIN, y + 13, name, size=SMALL, align="start")
        picture.box(140, y, 340, 26, "", "grey")
        picture.box(140, y, 340 * share, 26, "", ("blue", "orange", "green")[number])
        picture.text(picture.width - MARGIN, y + 13, f"{100 * share:.1f} %", size=SMALL, align="end")
    question = (
        f"This model has positions for {positions} tokens. Which is the widest model whose attention takes half of the "
        f"layers' operations within them? Two of the four sliders have nothing to do with it."
    )
    return Machine("share_of_attention", "When attention is the work", question, data, picture)
