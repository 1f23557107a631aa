"""Looking inside: a probe beside its control, heads taken out, and one head's attention as lines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bertcourse.diagrams.drawing import MARGIN, SMALL, SOFT, Drawing, listed, shortened


def probe_and_control(scores: Mapping[str, float], chance: float, question: str) -> Drawing:
    """A probe on frozen vectors, and the same probe on controls: only the difference says something.

    Args:
        scores: "probe" and names of controls -> share right, the probe first.
        chance: what guessing gets.
        question: what the probe is asked, in a few words.

    Raises:
        ValueError: no control.
    """
    if len(scores) < 2:
        raise ValueError(f"scores has {list(scores)} only: a probe without a control says nothing; give at least one")
    names = list(scores)
    best_control = max(names[1:], key=lambda name: scores[name])
    gain = scores[names[0]] - scores[best_control]
    drawing = Drawing(
        f"The probe is asked: {question}. "
        + listed([f"{name} {100 * value:.0f} %" for name, value in scores.items()])
        + f"; guessing {100 * chance:.0f} %. The probe is {100 * gain:.0f} points above its best control."
    )
    drawing.box(MARGIN, 14, 150, 50, "encoder,\nfrozen", "blue", size=SMALL, bold=True)
    drawing.arrow((MARGIN + 150, 39), (MARGIN + 196, 39), heavy=True, tone="blue")
    drawing.box(MARGIN + 196, 14, 130, 50, "vectors", "grey", size=SMALL)
    drawing.arrow((MARGIN + 326, 39), (MARGIN + 372, 39), heavy=True, tone="blue")
    drawing.box(MARGIN + 372, 14, 160, 50, "a linear probe,\ntrained", "orange", size=SMALL, bold=True)
    drawing.text(280, 88, question, bold=True)
    left, right = 190, drawing.width - MARGIN - 62
    unit, y = right - left, 112
    bottom = y + 44 * len(names)
    for name, value in scores.items():
        drawing.text(
            left - 10, y + 16, shortened(name, left - 24, SMALL), size=SMALL, align="end", bold=name == names[0]
        )
        drawing.box(left, y, max(unit * value, 2), 32, "", "orange" if name == names[0] else "grey", round_=0)
        drawing.text(
            left + max(unit * value, unit * chance) + 10,
            y + 16,
            f"{100 * value:.0f} %",
            size=SMALL,
            align="start",
            bold=name == names[0],
        )
        y += 44
    drawing.line((left + unit * chance, 106), (left + unit * chance, bottom), dashed=True)
    drawing.text(max(left + unit * chance, 90), bottom + 12, f"guessing: {100 * chance:.0f} %", size=SMALL, color=SOFT)
    drawing.text(280, bottom + 42, f"what the layers add: {100 * gain:.0f} points above the best control", bold=True)
    return drawing


def heads_taken_out(losses: Sequence[Sequence[float]], whole: float) -> Drawing:
    """Every head of every layer, coloured by how much worse the model gets without it.

    Args:
        losses: (L, H) loss with this head taken out.
        whole: the loss with all heads.
    """
    rises = [[loss - whole for loss in row] for row in losses]
    flat = sorted(
        ((rise, layer, head) for layer, row in enumerate(rises) for head, rise in enumerate(row)), reverse=True
    )
    top, layer, head = flat[0]
    drawing = Drawing(
        f"{len(rises)} layers of {len(rises[0])} heads. The loss with all is {whole:.2f}. Without head {head} of layer "
        f"{layer} it rises most, by {top:.3f}; without {sum(rise < 0.1 * max(top, 1e-9) for rise, _, _ in flat)} of "
        f"{len(flat)} heads it rises by less than a tenth of that."
    )
    count, depth = len(rises[0]), len(rises)
    numbers = count <= 6 and depth <= 6
    left = 92
    cell = min(70, (drawing.width - left - MARGIN) / count)
    high = 38 if numbers else 28
    steps = ("plain", "grey", "yellow", "orange")

    def strength(rise: float) -> int:
        return min(3, int(4 * max(rise, 0) / max(top, 1e-9)))

    drawing.text(left + cell * count / 2, 18, "head", size=SMALL)
    for h in range(count):
        drawing.text(left + cell * (h + 0.5), 42, str(h), size=SMALL)
    for depth_, row in enumerate(rises):
        drawing.text(left - 10, 56 + high * (depth_ + 0.5), f"layer {depth_}", size=SMALL, align="end")
        words = [[f"{rise:.3f}".replace("-", "−").replace("0.", ".", 1) if numbers else "" for rise in row]]
        drawing.grid(
            left,
            56 + high * depth_,
            words,
            (cell, high),
            tone=lambda i, j, row=row: steps[strength(row[j])],
            bold=lambda i, j, row=row: row[j] == top,
        )
    y = 56 + high * depth + 22
    drawing.text(MARGIN, y + 12, "loss rises by up to", size=SMALL, align="start")
    for step, tone in enumerate(steps):
        drawing.box(MARGIN + 160 + 94 * step, y, 86, 26, f"{top * (step + 1) / 4:.3f}", tone, size=SMALL, round_=0)
    return drawing


def attention_lines(tokens: Sequence[str], weights: Sequence[float], query: int, others: Sequence[float]) -> Drawing:
    """Where one token looks, as lines, and beside it what all other tokens give to the same places.

    Args:
        tokens: T names.
        weights: (T,) of the token that looks.
        query: its number.
        others: (T,) the mean of the other tokens' weights: the control.
    """
    weights, others = [float(w) for w in weights], [float(w) for w in others]
    most = max(range(len(tokens)), key=lambda i: weights[i])
    drawing = Drawing(
        f"{tokens[query]} gives {weights[most]:.2f} of its attention to {tokens[most]}; the others give that place "
        f"{others[most]:.2f} on average."
    )
    high, gap = 28, 6
    y_of = [46 + (high + gap) * place for place in range(len(tokens))]
    middle = (y_of[0] + y_of[-1]) / 2 + high / 2
    drawing.text(MARGIN + 60, middle - 34, "looks", size=SMALL, bold=True)
    drawing.text(294, 22, "is looked at", size=SMALL, bold=True)
    drawing.text(366, 22, shortened(tokens[query], 88, SMALL, bold=True), size=SMALL, bold=True, align="start")
    drawing.text(460, 22, "others", size=SMALL, bold=True, align="start")
    drawing.box(MARGIN, middle - 20, 120, 40, shortened(tokens[query], 112, SMALL), "orange", bold=True, size=SMALL)
    largest = max(*weights, *others, 1e-9)
    for place, token in enumerate(tokens):
        y = y_of[place] + high / 2
        thick = 12 * weights[place] / max(weights[most], 1e-9)
        if thick >= 0.3:
            drawing.line((MARGIN + 121, middle), (243, y), tone="orange", width=thick)
        drawing.box(
            244, y_of[place], 112, high, shortened(token, 104, SMALL), "blue" if place == most else "grey", size=SMALL
        )
        for x, value, tone in ((366, weights[place], "orange"), (460, others[place], "grey")):
            drawing.box(x, y_of[place] + 3, max(38 * value / largest, 1.5), high - 6, "", tone, round_=0)
            drawing.text(x + 42, y, f"{value:.2f}", size=SMALL, align="start")
    return drawing
