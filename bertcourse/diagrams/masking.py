"""Masking: what becomes of each token of a text, how many meet which fate, and which places the loss counts."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from bertcourse.diagrams.drawing import MARGIN, SMALL, SOFT, Drawing, listed, shortened

IGNORED = -100


def masking_path(
    tokens: Sequence[str], never: Sequence[bool], shown: Sequence[str], labels: Sequence[str | int]
) -> Drawing:
    """One text on its way: which tokens are selected, what the model is shown, and what it is asked for.

    Args:
        tokens: as they stood in the text.
        never: True for special tokens, which are never selected.
        shown: the tokens that the model sees.
        labels: the true token where it is asked for, -100 elsewhere.

    Raises:
        ValueError: the four are not equally long.
    """
    if len({len(tokens), len(never), len(shown), len(labels)}) != 1:
        raise ValueError(
            f"{len(tokens)} tokens, {len(never)} flags, {len(shown)} shown, {len(labels)} labels: give as many of each"
        )
    asked = [str(label) != str(IGNORED) for label in labels]
    fates = [
        "" if not is_asked else "[MASK]" if after == "[MASK]" else "same" if after == before else "random"
        for before, after, is_asked in zip(tokens, shown, asked, strict=True)
    ]
    told = [f"{t} is shown as {s}" for t, s, f in zip(tokens, shown, fates, strict=True) if f]
    drawing = Drawing(
        f"Of {len(tokens)} tokens {sum(asked)} are selected: {listed(told) or 'none'}. The loss asks for the true "
        "token at these places; at all others the label is -100."
    )
    tones = {"[MASK]": "orange", "random": "pink", "same": "green", "": "plain"}
    wide, high, left = 118, 30, MARGIN
    columns = (left, left + 138, left + 276, left + 414)
    for x, head in zip(columns, ("the text", "selected?", "the model sees", "the label"), strict=True):
        drawing.text(x + wide / 2, 22, head, size=SMALL, bold=True)
    for row, (token, special, after, fate, label) in enumerate(zip(tokens, never, shown, fates, labels, strict=True)):
        y = 42 + row * (high + 6)
        middle = y + high / 2
        drawing.box(columns[0], y, wide, high, shortened(token, wide - 8, SMALL), "grey", size=SMALL)
        if fate:
            drawing.box(columns[1], y, wide, high, f"yes: {fate}", tones[fate], size=SMALL, bold=True)
            drawing.arrow((columns[0] + wide, middle), (columns[1] - 1, middle), heavy=True, tone=tones[fate])
            drawing.arrow((columns[1] + wide, middle), (columns[2] - 1, middle), heavy=True, tone=tones[fate])
        else:
            drawing.text(columns[1] + wide / 2, middle, "never" if special else "no", size=SMALL, color=SOFT)
        drawing.box(
            columns[2],
            y,
            wide,
            high,
            shortened(after, wide - 8, SMALL, bold=True),
            tones[fate] if fate else "grey",
            size=SMALL,
            bold=bool(fate),
        )
        if fate:
            drawing.box(
                columns[3],
                y,
                wide,
                high,
                shortened(str(label), wide - 8, SMALL, bold=True),
                "blue",
                size=SMALL,
                bold=True,
            )
        else:
            drawing.text(columns[3] + wide / 2, middle, str(label).replace("-", "−"), size=SMALL, color=SOFT)
    return drawing


def fates_as_areas(selected: float, fates: Mapping[str, float]) -> Drawing:
    """Of all ordinary tokens the selected ones, and of these the fates, as areas of one square.

    Args:
        selected: share of the ordinary tokens.
        fates: name -> share of the selected ones; they add up to 1.

    Raises:
        ValueError: a share is not between 0 and 1, or the fates do not add up to 1.
    """
    if not 0 < selected < 1 or not math.isclose(sum(fates.values()), 1, abs_tol=0.005):
        raise ValueError(f"selected={selected}, fates {dict(fates)}: give a share below 1, and fates that add up to 1")
    told = [
        f"{name} {100 * share:.0f} % of these, {100 * share * selected:.1f} % of all" for name, share in fates.items()
    ]
    drawing = Drawing(f"{100 * selected:.0f} % of the ordinary tokens are selected: {listed(told)}.")
    side, top = 250, 38
    drawing.text(MARGIN + side / 2, 20, "100 ordinary tokens", bold=True)
    band = side * selected
    drawing.box(
        MARGIN, top, side, side - band, f"not selected: {100 * (1 - selected):.0f}\n\nlabel −100", "grey", round_=0
    )
    tones, x, y = ("orange", "pink", "green", "yellow"), MARGIN, top + side - band
    right, line = MARGIN + side + 60, top
    drawing.line((MARGIN + side, y), (right - 10, top), tone="blue", dashed=True)
    drawing.line((MARGIN + side, top + side), (right - 10, top + side), tone="blue", dashed=True)
    drawing.text((right + drawing.width - MARGIN) / 2, 20, f"the {100 * selected:.0f} selected, enlarged", bold=True)
    for number, share in enumerate(fates.values()):
        drawing.box(x, y, side * share, band, "", tones[number % 4], round_=0)
        x += side * share
    least, room = 46, side
    heights = [max(least, room * share) for share in fates.values()]
    over = sum(heights) - room
    largest = max(range(len(heights)), key=lambda i: heights[i])
    heights[largest] -= over
    for number, ((name, share), high) in enumerate(zip(fates.items(), heights, strict=True)):
        words = f"{name}\n{100 * share:.3g} % of them, {100 * share * selected:.2g} of 100"
        drawing.box(right, line, drawing.width - MARGIN - right, high, words, tones[number % 4], size=SMALL, round_=0)
        line += high
    drawing.text(
        280, top + side + 22, "left: areas to scale; right: the small ones are drawn larger", size=SMALL, color=SOFT
    )
    return drawing


def loss_places(tokens: Sequence[str], selected: Sequence[bool], probabilities: Sequence[float]) -> Drawing:
    """Which places the MLM loss counts, the surprise at each, and their mean.

    Args:
        tokens: true tokens.
        selected: True where one is asked for.
        probabilities: of the true token at each place.

    Raises:
        ValueError: nothing is selected.
    """
    places = [i for i, chosen in enumerate(selected) if chosen]
    if not places:
        raise ValueError("selected is False everywhere: the mean of nothing is no loss; select a place")
    surprise = [-math.log(p) for p in probabilities]
    loss = sum(surprise[i] for i in places) / len(places)
    drawing = Drawing(
        f"Of {len(tokens)} places {len(places)} are selected: "
        + listed([f"{tokens[i]}, probability {probabilities[i]:.2f}, surprise {surprise[i]:.3f} nats" for i in places])
        + f". The loss is their mean, {loss:.3f} nats; the other places do not count."
    )
    left, gap = 134, 10
    wide = (drawing.width - left - MARGIN - gap * (len(tokens) - 1)) / len(tokens)
    base, tall = 250, 130
    scale = tall / max(max(surprise[i] for i in places), 1e-9)
    for words, y in (("true token", 32), ("its probability", 76), ("−log p, in nats", base - 12)):
        drawing.text(MARGIN, y, words, size=SMALL, align="start")
    for i, token in enumerate(tokens):
        x = left + i * (wide + gap)
        chosen = selected[i]
        drawing.box(x, 14, wide, 36, token, "blue" if chosen else "grey", bold=chosen, size=SMALL)
        drawing.text(x + wide / 2, 76, f"{probabilities[i]:.2f}", bold=chosen, color="#1f2933" if chosen else SOFT)
        if chosen:
            high = max(surprise[i] * scale, 3)
            drawing.box(x + 0.2 * wide, base - high, 0.6 * wide, high, "", "orange", round_=0)
            drawing.text(x + wide / 2, base + 16, f"{surprise[i]:.3f}", bold=True)
        else:
            drawing.text(x + wide / 2, base - 12, "not asked", size=SMALL, color=SOFT)
    drawing.line((left, base), (drawing.width - MARGIN, base))
    added = " + ".join(f"{surprise[i]:.3f}" for i in places)
    drawing.box(
        MARGIN,
        base + 36,
        drawing.width - 2 * MARGIN,
        36,
        f"loss = ({added}) / {len(places)} = {loss:.3f} nats",
        "orange",
    )
    return drawing


def neighbours_left(draws: Mapping[float, Sequence[bool]]) -> Drawing:
    """The nearest neighbours of a token that is asked for, and which of them the model still sees.

    Args:
        draws: share of the tokens that is selected -> of each neighbour, half of them to the left and half to the
            right, whether it is hidden or replaced.
    """
    seen = {share: len(hidden) - sum(hidden) for share, hidden in draws.items()}
    drawing = Drawing(
        "Of the nearest neighbours of a token that is asked for the model still sees, in one draw each: "
        + listed([f"{count} of {len(draws[share])} at {100 * share:.0f} % selected" for share, count in seen.items()])
        + "."
    )
    left, y = 76, 14
    for share, hidden in draws.items():
        half, wide = len(hidden) // 2, (drawing.width - left - MARGIN) / (len(hidden) + 1)
        drawing.text(MARGIN, y + 21, f"{100 * share:.0f} %", align="start", bold=True)
        for place in range(len(hidden) + 1):
            away = place != half and hidden[place if place < half else place - 1]
            word, tone = ("?", "orange") if place == half else ("×", "grey") if away else ("✓", "blue")
            drawing.box(
                left + wide * place + 2,
                y,
                wide - 4,
                42,
                word,
                tone,
                bold=place == half,
                heavy=place == half,
                dashed=away,
            )
        y += 56
    drawing.text(280, y + 6, "?: asked for;  ✓: still to be seen;  ×: hidden or replaced", size=SMALL, color=SOFT)
    return drawing
