"""Tuning a little: what is chosen and reported, adapters in a layer, a prefix in a batch, one encoder for all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bertcourse.diagrams.drawing import MARGIN, SMALL, SOFT, Drawing, listed, shortened

TRIALS, EPOCHS = 6, 4  # drawn at most
PLACES, TEXTS, TOKENS = 4, 3, 8
TASKS = 4


def chosen_and_reported(trials: Mapping[str, tuple[Sequence[float], Sequence[float]]]) -> Drawing:
    """Scores after each epoch of some trials: which one validation chooses, and what is reported of it.

    Args:
        trials: by its name validation and test scores (0 to 1), one after each epoch; at most 6 trials, 4 epochs.

    Raises:
        ValueError: too few or too many trials or epochs, or not as many of each.
    """
    epochs = {len(scores) for pair in trials.values() for scores in pair}
    if not 2 <= len(trials) <= TRIALS or len(epochs) != 1 or not 1 <= max(epochs) <= EPOCHS:
        raise ValueError(
            f"{len(trials)} trials of {sorted(epochs)} epochs: give 2 to {TRIALS} trials, each with as many scores on "
            f"validation as on test, 1 to {EPOCHS}"
        )
    many = epochs.pop()
    places = [(name, epoch) for name in trials for epoch in range(many)]
    chosen = max(places, key=lambda at: trials[at[0]][0][at[1]])
    tempting = max(places, key=lambda at: trials[at[0]][1][at[1]])
    best, kept = trials[chosen[0]][0][chosen[1]], trials[chosen[0]][1][chosen[1]]
    highest = trials[tempting[0]][1][tempting[1]]
    told = f"{chosen[0]}, epoch {chosen[1] + 1}"
    drawing = Drawing(
        f"{len(trials)} trials of {many} epoch{'s' * (many > 1)}. On validation {told} is best, with {best:.3f}; "
        f"reported is its score on test, {kept:.3f}. The highest of all on test, {highest:.3f}, may choose nothing."
    )
    left, wide, high = 120, 210 / many, 30
    for x, words in ((left + 105, "validation chooses"), (left + 325, "test is reported")):
        drawing.text(x, 18, words, size=SMALL, bold=True)
    for epoch in range(many):
        for side in (left, left + 220):
            words = f"epoch {epoch + 1}" if many < 4 else str(epoch + 1)
            drawing.text(side + (epoch + 0.5) * wide, 42, words, size=SMALL, color=SOFT)
    for row, (name, pair) in enumerate(trials.items()):
        y = 58 + row * (high + 4)
        drawing.text(left - 8, y + high / 2, shortened(name, left - 20, SMALL), size=SMALL, align="end")
        for side, scores in zip((left, left + 220), pair, strict=True):
            for epoch, score in enumerate(scores):
                own, test = (name, epoch), side > left
                tone = "green" if own == chosen else "orange" if test and own == tempting else "plain"
                drawing.box(
                    side + epoch * wide,
                    y,
                    wide - 4,
                    high,
                    f"{score:.3f}",
                    tone,
                    size=SMALL,
                    round_=0,
                    heavy=own == chosen,
                    dashed=tone == "orange",
                )
    y = 58 + len(trials) * (high + 4) + 16
    drawing.text(
        280, y, f"green: {shortened(told, 200, SMALL)}, chosen by {best:.3f}, reported as {kept:.3f}", size=SMALL
    )
    if tempting != chosen:
        drawing.text(280, y + 24, f"orange: highest on test ({highest:.3f}); nobody may look", size=SMALL, color=SOFT)
    return drawing


def adapters_in_a_layer(width: int, bottleneck: int) -> Drawing:
    """One layer from below: attention, adapter, sum, LayerNorm; feed-forward, adapter, sum, LayerNorm; what trains.

    Args:
        width: of the hidden states, D.
        bottleneck: of the adapters, m.

    Raises:
        ValueError: a width below 1, or a bottleneck that is not from 1 to the width.
    """
    if not 1 <= bottleneck <= width:
        raise ValueError(f"width={width}, bottleneck={bottleneck}: give 1 or more, the bottleneck at most the width")
    matrix, biases = width * bottleneck, bottleneck + width
    one, norm = 2 * matrix + biases, 2 * width
    drawing = Drawing(
        f"A layer of width {width} with two adapters, one at the end of attention, one at the end of the feed-forward "
        f"part, both before the sum with what came in. An adapter goes down to {bottleneck} numbers, through GELU, and "
        f"up to {width} again, and adds what came in. It has {one:,} numbers, a LayerNorm {norm:,}; of a layer "
        f"{2 * (one + norm):,} are trained."
    )
    x, wide, high, step = 24, 200, 34, 46
    parts = [
        ("attention", "grey"),
        ("dropout", "plain"),
        (f"adapter: {one:,}", "green"),
        ("+ what came in", "plain"),
        (f"LayerNorm: {norm:,}", "green"),
        ("feed-forward", "grey"),
        ("dropout", "plain"),
        (f"adapter: {one:,}", "green"),
        ("+ what came in", "plain"),
        (f"LayerNorm: {norm:,}", "green"),
    ]
    top = 24
    drawing.arrow((x + wide / 2, 4), (x + wide / 2, top))
    for number, (words, tone) in enumerate(parts):
        y = top + number * step
        drawing.box(x, y, wide, high, words, tone, size=SMALL, heavy=tone == "green")
        if number:
            drawing.arrow((x + wide / 2, y - step + high), (x + wide / 2, y))
    for start, end in ((0, 3), (5, 8)):
        y0, y1 = top + start * step - 9, top + end * step + high / 2
        drawing.line((x + wide / 2, y0), (x - 10, y0), (x - 10, y1), (x, y1))
    inner, left = 190, 324
    rows = [
        (f"h: {width} numbers", "plain", inner),
        (f"down: {bottleneck} × {width}, and {bottleneck} biases", "green", inner),
        (f"GELU: {bottleneck} numbers", "plain", inner * 0.82),
        (f"up: {width} × {bottleneck}, and {width} biases", "green", inner),
        ("+ h", "plain", inner),
    ]
    drawing.text(left + inner / 2, 66, "an adapter", bold=True)
    for number, (words, tone, own) in enumerate(rows):
        y = 88 + number * 66
        drawing.box(left + (inner - own) / 2, y, own, 44, words, tone, size=SMALL)
        if number:
            drawing.arrow((left + inner / 2, y - 22), (left + inner / 2, y))
    drawing.line((left, 110), (left - 18, 110), (left - 18, 374), (left, 374))
    drawing.line((x + wide, top + 2 * step + high / 2), (left - 34, top + 2 * step + high / 2), dashed=True)
    drawing.text(left + inner / 2, 430, f"green trains:\n{2 * (one + norm):,} per layer", size=SMALL, bold=True)
    return drawing


def prefix_in_a_batch(tokens: Sequence[Sequence[str]], mask: Sequence[Sequence[int]], places: int) -> Drawing:
    """A padded batch of texts behind a prefix: the keys that each text looks at, the mask, and the positions.

    Args:
        tokens: (B, T) of each text, padding included; 1 to 3 texts, at most 8 tokens.
        mask: (B, T) 1 for a token, 0 for padding.
        places: of the prefix, 1 to 4.

    Raises:
        ValueError: too many or too few of them, rows of other lengths, or a mask of other values.
    """
    tokens, mask = [list(row) for row in tokens], [[int(one) for one in row] for row in mask]
    many = len(tokens[0]) if tokens else 0
    if not (1 <= len(tokens) <= TEXTS and 1 <= many <= TOKENS and 1 <= places <= PLACES):
        raise ValueError(
            f"{len(tokens)} texts, {many} tokens, places={places}: give 1 to {TEXTS} texts of 1 to {TOKENS} tokens, "
            f"and 1 to {PLACES} places"
        )
    if [len(row) for row in tokens + mask] != [many] * 2 * len(tokens) or {one for row in mask for one in row} - {0, 1}:
        raise ValueError(f"tokens and mask: give rows of {many} each, the mask of 1 for a token and 0 for padding")
    told = [f"text {b} sees {places + sum(row)} keys" for b, row in enumerate(mask)]
    drawing = Drawing(
        f"A prefix of {places} places before {len(tokens)} texts padded to {many} tokens. The mask is widened by "
        f"{places} ones, to {places + many}; {listed(told)}. Positions of the texts begin at 0, as without a prefix."
    )
    left = 96
    wide = (560 - MARGIN - left) / (places + many)
    y = 14
    for b, (row, kept) in enumerate(zip(tokens, mask, strict=True)):
        lines = [
            (
                f"text {b}",
                [(f"P{p}", "green", False) for p in range(places)]
                + [
                    (shortened(word, wide - 10, SMALL) if one else "", "blue" if one else "grey", not one)
                    for word, one in zip(row, kept, strict=True)
                ],
            ),
            ("mask", [("1", "green", False)] * places + [(str(one), "plain", False) for one in kept]),
            ("position", [("–", "plain", True)] * places + [(str(at), "plain", False) for at in range(many)]),
        ]
        for name, cells in lines:
            drawing.text(left - 8, y + 15, name, size=SMALL, align="end", bold=name.startswith("text"))
            for place, (words, tone, dashed) in enumerate(cells):
                drawing.box(left + place * wide, y, wide - 4, 30, words, tone, size=SMALL, round_=0, dashed=dashed)
            y += 34
        y += 14
    drawing.text(280, y + 6, "green: learned, the same for all texts; grey: padding", size=SMALL, color=SOFT)
    return drawing


def one_encoder(encoder: tuple[str, float], tasks: Mapping[str, float]) -> Drawing:
    """Several tasks on one encoder: a request names its task, and only that task's weights are switched.

    Args:
        encoder: its name, and its size in MB.
        tasks: what each task adds, in MB, by its name; 2 to 4.

    Raises:
        ValueError: another number of tasks, or a size that is not above 0.
    """
    name, size = encoder
    if not 2 <= len(tasks) <= TASKS or min([size, *tasks.values()]) <= 0:
        raise ValueError(f"{len(tasks)} tasks, {size} MB: give 2 to {TASKS} tasks, all sizes above 0")
    together, apart = size + sum(tasks.values()), len(tasks) * size + sum(tasks.values())
    drawing = Drawing(
        f"{len(tasks)} tasks share the encoder {name}, {size:.1f} MB: "
        f"{listed([f'{task} adds {own:.1f} MB' for task, own in tasks.items()])}. A request names its task, which "
        f"switches that task's weights on. In memory they have {together:.1f} MB; each with an encoder of its own they "
        f"would have {apart:.1f} MB."
    )
    wide, tones = (560 - 2 * MARGIN) / len(tasks), ("blue", "orange", "green", "pink")
    drawing.box(150, 20, 260, 36, "request: (task, text)", "plain", size=SMALL)
    for number, (task, own) in enumerate(tasks.items()):
        x = MARGIN + number * wide
        drawing.arrow((280, 56), (x + wide / 2, 92))
        words = f"{shortened(task, wide - 20, SMALL)}\n{own:.1f} MB"
        drawing.box(x + 4, 92, wide - 8, 50, words, tones[number], size=SMALL)
        drawing.line((x + wide / 2, 142), (x + wide / 2, 172), tone=tones[number])
    drawing.box(MARGIN + 4, 172, 560 - 2 * MARGIN - 8, 46, f"{name}, held once: {size:.1f} MB", "grey", bold=True)
    drawing.text(280, 244, f"together {together:.1f} MB; each with an encoder of its own {apart:.1f} MB", size=SMALL)
    return drawing
