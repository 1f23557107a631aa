"""Machines of lesson 17: how far the best of n trials gets, and where each method's weights stand, and how many."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bertcourse.diagrams.drawing import MARGIN, SMALL, SOFT, Drawing
from bertcourse.machines.frame import Machine
from bertlib.model.config import BertConfig

TRIALS = 60  # at most
SIZES = 64  # of the slider: bottleneck, rank or length of a prefix
METHODS = ("full", "bitfit", "adapters", "prefix", "lora")
PARTS = (
    "query, key, value",
    "attention's output",
    "adapter behind it",
    "its LayerNorm",
    "feed-forward",
    "adapter behind it",
    "its LayerNorm",
)


def _largest(ordered: np.ndarray, n: int) -> float:
    """The largest of n draws, put back each time, on average; the scores are sorted."""
    below = (np.arange(len(ordered) + 1) / len(ordered)) ** n
    return float(ordered @ np.diff(below))


def trials_tried(
    validation: Sequence[float], test: Sequence[float], seeds: Sequence[float], within: float = 0.5
) -> Machine:
    """The best of n trials on validation, on average, beside the best of n seeds; and what is left of it on test.

    Args:
        validation, test: of each trial, in per cent; 5 to 60 trials.
        seeds: on validation, in per cent, of trainings that differ in nothing but the seed; 2 to 60.
        within: so near, in points, to the best of all trials; the question asks from which n on.

    Raises:
        ValueError: another number of trials or seeds, or the first trial is so near already.
    """
    if not 5 <= len(validation) <= TRIALS or len(test) != len(validation) or not 2 <= len(seeds) <= TRIALS:
        raise ValueError(
            f"{len(validation)} trials with {len(test)} test scores, {len(seeds)} seeds: give 5 to {TRIALS} trials, "
            f"each with both scores, and 2 to {TRIALS} seeds"
        )
    own, tests = np.round(np.asarray(validation, dtype=float), 3), np.asarray(test, dtype=float)
    order, many = np.argsort(own, kind="stable"), len(own)
    shared = [round(float(tests[own == score].mean()), 3) for score in own[order]]  # of equal scores any may be chosen
    ordered = own[order]
    if _largest(ordered, many) - _largest(ordered, 1) <= within:
        raise ValueError(f"within={within}: one trial is so near already; give fewer points")
    data = {
        "validation": ordered.tolist(),
        "test": shared,
        "seeds": np.sort(np.round(np.asarray(seeds, dtype=float), 3)).tolist(),
        "within": within,
    }
    first, last = _largest(ordered, 1), _largest(ordered, many)
    picture = Drawing(
        f"{many} trials. One trial has {first:.1f} % on validation on average, the best of {many} has {last:.1f} %. "
        "The scores on test are closed."
    )
    picture.text(280, 22, "best on validation, on average", bold=True)
    rows = [["1 trial", f"{many} trials", "on test"], [f"{first:.1f} %", f"{last:.1f} %", "closed"]]
    tone = lambda i, j: "grey" if not i else "plain"  # noqa: E731 - of two rows
    picture.grid(MARGIN, 40, rows, ((560 - 2 * MARGIN) / 3, 32), tone=tone)
    picture.text(280, 126, "the slider moves the number of trials", size=SMALL, color=SOFT)
    question = (
        f"From how many trials on is the best on validation, on average, within {within:g} points of that of {many} "
        "trials? Say a number first. Then open the test scores: how much of it is left there?"
    )
    return Machine("trials_tried", "How many trials?", question, data, picture)


def weights_in_a_layer(config: BertConfig, bottleneck: int = 8) -> Machine:
    """Where the weights of each method stand in a layer, and how many there are, in an encoder of this size.

    Args:
        config: of the encoder.
        bottleneck: of the adapters that the question compares with.

    Raises:
        ValueError: a bottleneck beyond the slider, or two ranks (or none) train as nearly as many.
    """
    D, inner, layers = config.hidden_size, config.intermediate_size, config.num_hidden_layers
    if not 1 <= bottleneck <= SIZES:
        raise ValueError(f"bottleneck={bottleneck}: give 1 to {SIZES}")
    rows = config.vocab_size + config.max_position_embeddings + config.type_vocab_size
    wanted = layers * (2 * (2 * D * bottleneck + bottleneck + D) + 4 * D) + 2 * D
    off = [abs(layers * 4 * D * rank - wanted) for rank in range(1, SIZES + 1)]
    best = int(np.argmin(off)) + 1
    if off.count(min(off)) > 1 or best == SIZES:
        raise ValueError(f"bottleneck={bottleneck}: no one rank up to {SIZES - 1} is nearest; give another")
    data = {
        "layers": layers,
        "width": D,
        "inner": inner,
        "outside": rows * D + 2 * D + D * D + D,  # embeddings and their LayerNorm, pooler
        "parts": list(PARTS),
        "bottleneck": bottleneck,
        "wanted": wanted,
        "rank": best,
    }
    whole = data["outside"] + layers * (4 * (D * D + D) + 2 * D * inner + inner + D + 4 * D)
    picture = Drawing(
        f"An encoder of {layers} layers of width {D} with {whole:,} weights. Adapters with a bottleneck of "
        f"{bottleneck} train {wanted:,} of them and of their own, {100 * wanted / whole:.2f} % of as many."
    )
    picture.text(280, 22, f"adapters, bottleneck {bottleneck}", bold=True)
    own = 2 * D * bottleneck + bottleneck + D
    for number, (part, count) in enumerate(zip(PARTS, (0, 0, own, 2 * D, 0, own, 2 * D), strict=True)):
        tone = "green" if count else "grey"
        picture.box(MARGIN, 40 + 34 * number, 330, 30, part, tone, size=SMALL, round_=0)
        picture.box(MARGIN + 330, 40 + 34 * number, 202, 30, f"{count:,}", tone, size=SMALL, round_=0)
    picture.text(280, 296, f"numbers trained per layer; in all {wanted:,}", size=SMALL, color=SOFT)
    question = (
        f"Which rank of LoRA beside query and value trains most nearly as many numbers as adapters with a bottleneck "
        f"of {bottleneck} do, LayerNorms included? Say a rank first."
    )
    return Machine("weights_in_a_layer", "Where does each method learn?", question, data, picture)
