"""Classification: splits and where leaks run, how much of a text is read, and from [CLS] to a class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bertcourse.diagrams.drawing import MARGIN, SMALL, Drawing, listed, shortened


def splits_and_leaks(
    sizes: Mapping[str, int], uses: Mapping[str, str], twice: Mapping[tuple[str, str], int]
) -> Drawing:
    """Training, validation and test: what each is for, and how many texts stand in two of them.

    Args:
        sizes: split -> texts.
        uses: split -> what it decides.
        twice: two splits -> texts that stand in both.
    """
    leaks = {pair: count for pair, count in twice.items() if count}
    drawing = Drawing(
        listed([f"{name}: {count:,} texts, for {uses[name]}" for name, count in sizes.items()])
        + ". "
        + (
            listed([f"{count} texts stand in {a} and in {b}" for (a, b), count in leaks.items()])
            if leaks
            else "No text stands in two splits"
        )
        + "."
    )
    names, total = list(sizes), sum(sizes.values())
    gap, tones = 26, ("blue", "orange", "green", "pink")
    room = drawing.width - 2 * MARGIN - gap * (len(names) - 1)
    least = 128
    spare = room - least * len(names)
    x, middle = MARGIN, {}
    for number, name in enumerate(names):
        wide = least + spare * sizes[name] / total
        middle[name] = x + wide / 2
        drawing.box(x, 14, wide, 54, f"{name}\n{sizes[name]:,}", tones[number % 4], bold=True, size=SMALL)
        drawing.arrow((x + wide / 2, 68), (x + wide / 2, 96))
        drawing.box(x, 96, wide, 64, uses[name], "grey", size=SMALL)
        x += wide + gap
    y = 196
    for a, b in twice:
        count = twice[a, b]
        tone = "orange" if count else "green"
        drawing.line((middle[a], y), (middle[b], y), tone=tone, heavy=bool(count), dashed=not count)
        drawing.dot(middle[a], y, 6, tone)
        drawing.dot(middle[b], y, 6, tone)
        words = f"{count:,} texts in both: a leak" if count else "no text in both"
        centre = min(max((middle[a] + middle[b]) / 2, 140), drawing.width - 140)
        drawing.text(centre, y + 18, words, size=SMALL, bold=bool(count))
        y += 46
    return drawing


def read_of_texts(lengths: Sequence[int], max_length: int) -> Drawing:
    """How much of each text is read, and what is cut off.

    Args:
        lengths: tokens of each text, up to about ten of them.
        max_length: where they are cut.
    """
    cut = [max(length - max_length, 0) for length in lengths]
    lost = sum(cut) / sum(lengths)
    drawing = Drawing(
        f"Of {len(lengths)} texts {sum(c > 0 for c in cut)} are longer than {max_length} tokens; {100 * lost:.0f} % of "
        "all tokens are cut off and never read."
    )
    left = 92
    unit = (drawing.width - left - MARGIN) / max(*lengths, max_length)
    at = left + unit * max_length
    drawing.text(min(max(at, 110), drawing.width - 110), 18, f"cut at {max_length} tokens", size=SMALL, bold=True)
    y = 40
    for length in lengths:
        drawing.text(MARGIN, y + 11, f"{length:,}", size=SMALL, align="start")
        kept = min(length, max_length)
        drawing.box(left, y, unit * kept, 22, "", "blue", round_=0)
        if length > kept:
            drawing.box(at, y, unit * (length - kept), 22, "", "orange", round_=0, dashed=True)
        y += 28
    drawing.line((at, 30), (at, y))
    drawing.text(280, y + 14, f"blue: read;  orange: cut off, {100 * lost:.0f} % of all tokens", size=SMALL)
    return drawing


def cls_to_class(tokens: Sequence[str], probabilities: Mapping[str, float], width: int) -> Drawing:
    """From a text to a class: the encoder, the vector of [CLS], the pooler, a head, probabilities.

    Args:
        tokens: the text's; long ones are drawn up to the eighth.
        probabilities: class -> what the model gives it.
        width: D.
    """
    best = max(probabilities, key=lambda name: probabilities[name])
    drawing = Drawing(
        f"{len(tokens)} tokens go through the encoder; the vector of [CLS], {width} numbers, through the pooler and a "
        f"head with {len(probabilities)} outputs. The softmax gives "
        + listed([f"{name} {100 * p:.0f} %" for name, p in probabilities.items()])
        + f": {best}."
    )
    shown = list(tokens[:7]) + (["…"] if len(tokens) > 7 else [])
    wide = (drawing.width - 2 * MARGIN - 4 * (len(shown) - 1)) / len(shown)
    base = 62 + 32 * len(probabilities)
    for place, token in enumerate(shown):
        x = MARGIN + place * (wide + 4)
        drawing.box(
            x, base + 186, wide, 32, shortened(token, wide - 6, SMALL), "orange" if place == 0 else "grey", size=SMALL
        )
        drawing.arrow((x + wide / 2, base + 186), (x + wide / 2, base + 164))
        drawing.box(x, base + 88, wide, 26, "", "orange" if place == 0 else "plain", heavy=place == 0)
        drawing.arrow((x + wide / 2, base + 128), (x + wide / 2, base + 116))
    drawing.box(MARGIN, base + 128, drawing.width - 2 * MARGIN, 36, "encoder", "blue", bold=True)
    drawing.text(MARGIN + wide + 16, base + 70, f"only this vector goes on: {width} numbers", size=SMALL, align="start")
    centre = MARGIN + wide / 2
    drawing.arrow((centre, base + 86), (centre, base + 44), tone="orange", heavy=True)
    drawing.box(MARGIN, base + 2, 260, 42, f"pooler, then a head ({width}, {len(probabilities)})", "orange", size=SMALL)
    drawing.arrow((centre, base + 2), (centre, base - 34), tone="orange", heavy=True)
    for number, (name, p) in enumerate(probabilities.items()):
        y = 14 + 32 * number
        drawing.text(MARGIN + 130, y + 13, shortened(name, 124, SMALL), size=SMALL, align="end", bold=name == best)
        drawing.box(MARGIN + 138, y, max(300 * p, 2), 26, "", "green" if name == best else "grey", round_=0)
        drawing.text(
            MARGIN + 146 + max(300 * p, 2), y + 13, f"{100 * p:.0f} %", size=SMALL, align="start", bold=name == best
        )
    return drawing
