"""Pretraining: both heads on the encoder, the learning rate of each update, and how a checkpoint is written."""

from __future__ import annotations

from collections.abc import Sequence

from bertcourse.diagrams.drawing import MARGIN, SMALL, SOFT, Drawing
from bertlib.model.config import BertConfig


def both_heads(config: BertConfig) -> Drawing:
    """The encoder with its two heads: MLM at every selected place, NSP at [CLS]; the token table is used twice.

    Args:
        config: gives the sizes.
    """
    width, vocabulary = config.hidden_size, config.vocab_size
    drawing = Drawing(
        f"Two heads on the encoder. MLM: a selected token's {width} numbers go through a dense layer, activation and "
        f"LayerNorm, then through the token table itself, {vocabulary:,} × {width}, to a score a piece. NSP: the "
        f"[CLS] vector goes through the pooler to two scores. The same table stands at the bottom and at the top."
    )
    left, right, wide = 96, 348, 198
    drawing.box(right, 14, wide, 40, "2 scores: IsNext, NotNext", "pink", size=SMALL)
    drawing.arrow((right + wide / 2, 84), (right + wide / 2, 54))
    drawing.box(right, 84, wide, 48, f"NSP: dense\n({width}, 2)", "pink", size=SMALL)
    drawing.arrow((right + wide / 2, 160), (right + wide / 2, 132))
    drawing.box(right, 160, wide, 48, "pooler: dense, tanh\non [CLS]", "pink", size=SMALL)
    drawing.box(left, 14, wide, 40, f"{vocabulary:,} scores each", "orange", size=SMALL)
    drawing.arrow((left + wide / 2, 84), (left + wide / 2, 54))
    drawing.box(left, 84, wide, 48, f"token table, turned\n({width}, {vocabulary:,})", "blue", size=SMALL, heavy=True)
    drawing.arrow((left + wide / 2, 160), (left + wide / 2, 132))
    drawing.box(left, 160, wide, 48, f"MLM: dense,\n{config.hidden_act.upper()}, LayerNorm", "orange", size=SMALL)
    drawing.arrow((left + wide / 2, 260), (left + wide / 2, 208))
    drawing.arrow((right + wide / 2, 260), (right + wide / 2, 208))
    drawing.text(left + wide / 2 + 10, 238, "selected places", size=SMALL, align="start", color=SOFT)
    drawing.text(right + wide / 2 + 10, 238, "[CLS]", size=SMALL, align="start", color=SOFT)
    drawing.box(left, 260, right + wide - left, 48, f"encoder: {config.num_hidden_layers} layers of {width}", "grey")
    drawing.arrow(((left + right + wide) / 2, 338), ((left + right + wide) / 2, 308))
    drawing.box(
        left,
        338,
        right + wide - left,
        48,
        f"token table ({vocabulary:,}, {width}), + position + segment",
        "blue",
        heavy=True,
        size=SMALL,
    )
    drawing.line((left, 362), (62, 362), (62, 108), (left, 108), tone="blue", heavy=True)
    drawing.text(52, 226, "one\nand\nthe\nsame", size=SMALL, align="end", bold=True)
    return drawing


def checkpoint_steps(steps: Sequence[tuple[str, Sequence[str]]], resume: str) -> Drawing:
    """What lies in a folder at each step of writing a checkpoint, and what a run reads that starts again there.

    Args:
        steps: what was done, and the names that the folder held then; names that begin with a dot are half-written.
        resume: the rule by which a run finds what to go on from.
    """
    drawing = Drawing(
        "Writing a checkpoint. "
        + " ".join(
            f"{number}. {done}: {', '.join(names) or 'nothing'}." for number, (done, names) in enumerate(steps, 1)
        )
        + f" A run that starts again reads {resume}."
    )
    y = 14
    for number, (done, names) in enumerate(steps, start=1):
        drawing.box(MARGIN, y, 34, 34, str(number), "grey", bold=True)
        drawing.text(MARGIN + 46, y + 17, done, align="start", size=SMALL)
        x = MARGIN + 46
        for name in names:
            half_done = name.startswith(".")
            newest = not half_done and name == max((n for n in names if not n.startswith(".")), default="")
            drawing.box(
                x,
                y + 38,
                156,
                32,
                name,
                "plain" if half_done else "green" if newest else "blue",
                size=SMALL,
                mono=True,
                dashed=half_done,
                heavy=newest,
            )
            x += 166
        if number < len(steps):
            drawing.arrow((MARGIN + 17, y + 36), (MARGIN + 17, y + 84))
        y += 88
    drawing.text(280, y + 10, f"killed anywhere, a run reads {resume}", size=SMALL, bold=True)
    drawing.text(
        280, y + 32, "dashed: half-written or half-removed; swept away at the next start", size=SMALL, color=SOFT
    )
    return drawing


def learning_rates(rates: Sequence[float], note: str = "") -> Drawing:
    """The learning rate of each update: up, a peak, and down.

    Args:
        rates: of update 1, 2, …
        note: said below.

    Raises:
        ValueError: fewer than two updates, or no rate above 0.
    """
    if len(rates) < 2 or max(rates) <= 0:
        raise ValueError(
            f"rates has {len(rates)} updates, the largest {max(rates, default=0)}: give at least two, above 0"
        )
    peak = max(range(len(rates)), key=lambda step: rates[step])
    drawing = Drawing(
        f"The learning rate over {len(rates):,} updates: it rises to {rates[peak]:.2g} at update {peak + 1:,} and is "
        f"{rates[-1]:.2g} at the last."
    )
    left, right, top, base = 92, drawing.width - MARGIN - 6, 44, 230

    def at(step: int) -> tuple[float, float]:
        return left + (right - left) * step / (len(rates) - 1), base - (base - top) * rates[step] / rates[peak]

    kept = sorted({round(i * (len(rates) - 1) / 120) for i in range(121)} | {peak})
    drawing.line((left, top - 10), (left, base), (right, base))
    x, y = at(peak)
    drawing.line((left, y), (x, y), dashed=True)
    drawing.line((x, y + 4), (x, base), dashed=True)
    drawing.line(*[at(step) for step in kept], tone="blue", heavy=True)
    drawing.dot(x, y, 7, "orange")
    drawing.text(left - 10, y, f"{rates[peak]:.2g}", size=SMALL, align="end")
    drawing.text(left - 10, base, "0", size=SMALL, align="end")
    middle = (left + right) / 2
    drawing.text(min(max(x, left + 60), right - 60), base + 16, f"update {peak + 1:,}", size=SMALL)
    if abs(x - right) > 170:
        drawing.text(right, base + 16, f"{len(rates):,}", size=SMALL, align="end")
    drawing.text(MARGIN, 20, "learning rate", size=SMALL, align="start", bold=True)
    if note:
        drawing.text(middle, base + 44, note, size=SMALL)
    return drawing
