"""Sentiment: a sentence and its raters, what halves of them leave to reach, LoRA, and labels that a teacher gives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from bertcourse.data.rated import CLASSES, class_of
from bertcourse.diagrams.drawing import LINE, MARGIN, SIZE, SMALL, SOFT, Drawing, listed, shortened, text_width, wrap

if TYPE_CHECKING:
    from bertlib.model.adapters import LoRALinear

SCALE = range(-4, 5)
BORDERS = (-0.5, 0.5)  # of `class_of`
CLASS_TONES = dict(zip(CLASSES, ("orange", "grey", "blue"), strict=True))


def signed(value: float, places: int = 0) -> str:
    """A number with a proper minus sign; no minus before 0."""
    words = f"{value:.{places}f}"
    return words.removeprefix("-") if float(words) == 0 else words.replace("-", "−")


def one_sentence(text: str, ratings: Sequence[int]) -> Drawing:
    """Everybody who rated a sentence as a dot, the mean with its class, and the shares that a soft label holds.

    Args:
        text: the sentence, up to about forty words.
        ratings: whole numbers from −4 to 4, one for each rater.

    Raises:
        ValueError: no ratings, or one is off the scale.
    """
    if not ratings:
        raise ValueError("ratings is empty: give at least one, a whole number from -4 to 4")
    if wrong := [rating for rating in ratings if rating not in SCALE]:
        raise ValueError(f"ratings: {wrong[0]!r} is off the scale; give whole numbers from -4 to 4")
    counts = {value: sum(rating == value for rating in ratings) for value in SCALE}
    mean = sum(ratings) / len(ratings)
    name = CLASSES[class_of(mean)]
    shares = {one: sum(CLASSES[class_of(rating)] == one for rating in ratings) / len(ratings) for one in CLASSES}
    drawing = Drawing(
        f"{len(ratings)} people rated “{text}”: "
        + listed([f"{count} gave {signed(value)}" for value, count in counts.items() if count])
        + f". Their mean is {signed(mean, 2)}, so the class is {name}. The soft label holds "
        + listed([f"{one} {100 * share:.0f} %" for one, share in shares.items()])
        + "."
    )
    lines = wrap(text, drawing.width - 2 * MARGIN)
    drawing.text(280, 20, "\n".join(lines), bold=False)
    top = 20 + len(lines) * LINE * SIZE + 18
    step = min(17, 200 / max(counts.values()))
    base = top + 26 + step * max(counts.values())
    left, unit = 44, (drawing.width - 88) / 8

    def place(value: float) -> float:
        return left + unit * (value + 4)

    words = f"mean {signed(mean, 2)}: {name}"
    half = text_width(words, bold=True) / 2
    drawing.text(min(max(place(mean), half + 2), drawing.width - half - 2), top, words, bold=True)
    for border in BORDERS:
        drawing.line((place(border), top + 16), (place(border), base + 34), dashed=True)
        drawing.text(place(border), base + 46, signed(border, 1), size=SMALL, color=SOFT)
    drawing.text(place(-2.3), base + 46, "borders of neutral:", size=SMALL, color=SOFT)
    drawing.line((left - 20, base), (drawing.width - left + 20, base))
    drawing.line((place(mean), top + 16), (place(mean), base), tone="green", width=4)
    for value, count in counts.items():
        for number in range(count):
            tone = CLASS_TONES[CLASSES[class_of(value)]]
            drawing.dot(place(value), base - step * (number + 0.5), min(6.5, 0.4 * step), tone)
        drawing.text(place(value), base + 18, signed(value), size=SMALL)
    y = base + 76
    drawing.text(MARGIN, y, "A soft label holds how many see it how, each rating by itself:", size=SMALL, align="start")
    y += 18
    for one, share in shares.items():
        drawing.text(MARGIN + 86, y + 13, one, size=SMALL, align="end")
        drawing.box(MARGIN + 96, y, max(360 * share, 2), 24, "", CLASS_TONES[one], round_=0)
        drawing.text(MARGIN + 104 + max(360 * share, 2), y + 13, f"{100 * share:.0f} %", size=SMALL, align="start")
        y += 29
    return drawing


def halves_to_ceiling(found: Mapping[str, float], raters: int) -> Drawing:
    """From two halves of the raters to their correlation, to that of all, and to the most that a model can reach.

    Args:
        found: what `bertcourse.data.raters.split_half` gives: halves, reliability and ceiling are drawn.
        raters: how many rated a sentence.

    Raises:
        ValueError: a figure is missing, or fewer than two raters.
    """
    if missing := [name for name in ("halves", "reliability", "ceiling") if name not in found]:
        raise ValueError(f"found lacks {listed(missing)}: give what split_half gives")
    if raters < 2:
        raise ValueError(f"raters={raters}: two halves need two raters at least")
    r, whole, ceiling = (signed(found[name], 3) for name in ("halves", "reliability", "ceiling"))
    first, second = raters // 2, raters - raters // 2
    drawing = Drawing(
        f"The {raters} raters of each sentence are divided at random, {first} and {second}. The means of the halves "
        f"correlate with r = {r}; doubled after Spearman and Brown, the means of all {raters} have a reliability of "
        f"{whole}. Its root, {ceiling}, is the ceiling: what a model that knew each true mean would correlate with the "
        "means of these raters."
    )
    room, shown = drawing.width - 2 * MARGIN, min(raters, 24)
    wide = room / shown
    left_part = round(shown * first / raters)
    drawing.text(280, 20, f"the {raters} ratings of each sentence, shuffled", size=SMALL)
    for number in range(shown):
        drawing.box(MARGIN + wide * number, 36, wide, 22, "", "blue" if number < left_part else "orange", round_=0)
    middles = (150, 410)
    edges = (MARGIN + wide * left_part / 2, MARGIN + wide * (left_part + shown) / 2)
    for edge, middle, count, tone in zip(edges, middles, (first, second), ("blue", "orange"), strict=True):
        drawing.arrow((edge, 58), (middle, 90), tone=tone)
        drawing.box(middle - 95, 92, 190, 36, f"mean of {count}", tone, size=SMALL)
    drawing.line((middles[0], 128), (middles[0], 148), (middles[1], 148), (middles[1], 128))
    drawing.arrow((280, 148), (280, 176))
    drawing.box(150, 178, 260, 38, f"r of the halves = {r}", "grey", bold=True)
    drawing.arrow((280, 216), (280, 266), heavy=True)
    drawing.text(300, 240, "twice as many raters: 2r / (1 + r)", size=SMALL, align="start")
    drawing.box(110, 268, 340, 38, f"reliability of all {raters} = {whole}", "green", bold=True)
    drawing.arrow((280, 306), (280, 356), heavy=True)
    drawing.text(300, 330, "its root: noise on one side only", size=SMALL, align="start")
    drawing.box(110, 358, 340, 38, f"ceiling for a model = {ceiling}", "yellow", bold=True, heavy=True)
    # All three on one line, so that one sees how far they are apart.
    drawing.text(280, 424, "the same three, from 0 to 1", size=SMALL, color=SOFT)
    y = 440
    for name, tone in (("halves", "grey"), ("reliability", "green"), ("ceiling", "yellow")):
        long = max(350 * min(max(found[name], 0), 1), 2)
        drawing.text(MARGIN + 86, y + 12, name, size=SMALL, align="end")
        drawing.box(MARGIN + 96, y, long, 22, "", tone, round_=0)
        drawing.text(MARGIN + 104 + long, y + 12, signed(found[name], 3), size=SMALL, align="start")
        y += 28
    return drawing


def lora_beside(layer: LoRALinear) -> Drawing:
    """A linear layer with its adapter: x through W, which is fixed, and beside it through A and B, drawn to scale.

    Args:
        layer: a `bertlib.model.adapters.LoRALinear`.
    """
    (rank, inner), outer = tuple(layer.lora_A.shape), layer.lora_B.shape[0]
    alpha, fixed = layer.lora.alpha, outer * inner
    scale, trained = alpha / rank, rank * (inner + outer)
    share = f"{100 * trained / fixed:.1f} %"
    drawing = Drawing(
        f"x, {inner} numbers, goes through W, {outer} × {inner}, {fixed:,} weights that stay fixed. Beside it x goes "
        f"through A, {rank} × {inner}, to {rank} numbers, and through B, {outer} × {rank}, back to {outer}; these "
        f"{trained:,} weights ({share} of W) are trained. Their result is scaled by α / r = {alpha:g} / {rank} = "
        f"{scale:.3g} and added."
    )
    unit = 200 / max(inner, outer)
    w_wide, w_high, thin = unit * inner, unit * outer, max(unit * rank, 3)
    w_mid, a_mid = 134, 410
    drawing.box(200, 12, 160, 36, f"x: {inner} numbers", "grey", size=SMALL)
    drawing.arrow((240, 48), (w_mid, 84))
    drawing.arrow((320, 48), (a_mid, 84), tone="orange")
    top, low = 88, 88 + 200
    drawing.box(w_mid - w_wide / 2, top, w_wide, w_high, "", "blue", round_=0)
    if min(w_wide, w_high) > 120:
        drawing.text(w_mid, top + w_high / 2 - 10, "W", bold=True)
        drawing.text(w_mid, top + w_high / 2 + 12, "fixed", size=SMALL)
    drawing.arrow((w_mid, top + w_high + 4), (w_mid, low + 52))
    drawing.text(MARGIN, low + 66, f"W: {outer} × {inner}", size=SMALL, align="start", bold=True)
    drawing.text(MARGIN, low + 86, f"{fixed:,} weights, fixed", size=SMALL, align="start")
    # A to scale: as wide as x is long, r high; below it B, r wide and as high as the output is long.
    a_wide, b_high = unit * inner, unit * outer
    b_top = top + thin + 34
    drawing.box(a_mid - a_wide / 2, top, a_wide, thin, "", "orange", round_=0)
    drawing.arrow((a_mid, top + thin + 3), (a_mid, b_top - 3), tone="orange")
    drawing.text(a_mid + 14, top + thin + 18, f"{rank} number{'s' * (rank > 1)}", size=SMALL, align="start")
    drawing.box(a_mid - thin / 2, b_top, thin, b_high, "", "orange", round_=0)
    drawing.text(a_mid - 14, top + thin + 18, f"A: {rank} × {inner}", size=SMALL, align="end", bold=True)
    words = f"B: {outer} × {rank}"
    if thin <= 100:
        drawing.text(a_mid - thin / 2 - 12, b_top + b_high / 2, words, size=SMALL, align="end", bold=True)
    else:
        drawing.text(a_mid, b_top + b_high / 2, words, size=SMALL, bold=True)
    bottom = max(low + 100, b_top + b_high + 8)
    drawing.arrow((a_mid, b_top + b_high + 3), (a_mid, bottom + 30), tone="orange")
    y = bottom + 32
    words = f"scaled by α / r = {alpha:g} / {rank} = {scale:.3g}"
    drawing.box(a_mid - 136, y, 272, 34, words, "yellow", size=SMALL)
    drawing.line((w_mid, low + 96), (w_mid, y + 76))
    drawing.line((a_mid, y + 34), (a_mid, y + 76), tone="orange")
    drawing.box(186, y + 58, 188, 36, f"sum: {outer:,} numbers", "green", size=SMALL, bold=True)
    drawing.arrow((w_mid, y + 76), (184, y + 76))
    drawing.arrow((a_mid, y + 76), (376, y + 76), tone="orange")
    drawn = "areas are to scale" if thin == unit * rank else "drawn thicker than to scale"
    words = f"A and B: {trained:,} weights, trained, {share} of W; {drawn}"
    drawing.text(280, y + 118, words, size=SMALL)
    return drawing


def labels_spread(
    labelled: Sequence[int],
    unlabelled: Sequence[Sequence[float]],
    chosen: tuple[Sequence[int], Sequence[int]],
    classes: Sequence[str],
    least: float,
) -> Drawing:
    """Pseudo-labels: from a few labels to a teacher, to the rows it is sure of, to a student.

    Args:
        labelled: the class id of each labelled text.
        unlabelled: of each text without a label the teacher's calibrated probabilities, (N, C).
        chosen: rows of `unlabelled` that the student gets, and the class id that each of them gets.
        classes: the classes' names.
        least: the threshold on the highest probability.

    Raises:
        ValueError: a chosen row is none, is below the threshold, or got another class than the teacher's.
    """
    rows, given = ([int(one) for one in part] for part in chosen)
    if len(rows) != len(given) or any(not 0 <= row < len(unlabelled) for row in rows):
        raise ValueError(f"chosen: {len(rows)} rows, {len(given)} classes: give rows of unlabelled, and a class each")
    said, sure = [], []
    for row in unlabelled:
        table = [float(value) for value in row]
        said.append(table.index(max(table)))
        sure.append(max(table) >= least)
    for row, label in zip(rows, given, strict=True):
        if not sure[row] or said[row] != label:
            raise ValueError(
                f"chosen: row {row} is labelled {label}, the teacher says {said[row]} with {max(unlabelled[row]):.2f}: "
                f"give its class, and rows with {least} or more"
            )
    numbers = range(len(classes))
    of_class = [[sum(label == c for label in labelled) for c in numbers]]
    of_class += [[sum(label == c for label in said) for c in numbers]]
    of_class += [[sum(s and label == c for s, label in zip(sure, said, strict=True)) for c in numbers]]
    of_class += [[sum(label == c for label in given) for c in numbers]]
    few = [f"{classes[c]} {of_class[0][c]:,}" for c in numbers]
    drawing = Drawing(
        f"A teacher learns from {len(labelled)} labelled texts ({listed(few)}) and reads {len(unlabelled):,} without "
        f"labels. It is sure, {least:.3g} or more, of {sum(of_class[2]):,} of them: "
        + listed([f"{classes[c]} {of_class[2][c]:,} of {of_class[1][c]:,}" for c in numbers])
        + f". Taken are {listed([f'{classes[c]} {of_class[3][c]:,}' for c in numbers])}; the student learns from "
        f"{len(labelled) + len(rows):,} texts."
    )
    drawing.box(MARGIN, 14, 200, 54, f"{len(labelled):,} texts with a label", "blue", size=SMALL)
    drawing.arrow((MARGIN + 200, 41), (MARGIN + 258, 41))
    drawing.box(MARGIN + 260, 14, 272, 54, "teacher: learns from them,\nthen its temperature", "orange", size=SMALL)
    drawing.arrow((MARGIN + 396, 68), (MARGIN + 396, 104))
    words = f"{len(unlabelled):,} texts without a label, each with its calibrated probabilities"
    drawing.box(MARGIN, 106, 532, 36, words, "grey", size=SMALL)
    drawing.arrow((280, 142), (280, 170))
    heads = ["class", "teacher says", f"sure: ≥ {least:.3g}", "taken"]
    cells = [[shortened(classes[c], 124, SMALL), *(f"{of_class[k][c]:,}" for k in (1, 2, 3))] for c in numbers]
    tones = ("grey", "plain", "yellow", "green")
    y = 172
    for number, row in enumerate([heads, *cells]):
        tone = (lambda i, j: "grey") if number == 0 else (lambda i, j: tones[j])
        drawing.grid(MARGIN, y + 32 * number, [row], (133, 32), tone=tone, bold=lambda i, j, n=number: n == 0)
    y += 32 * (len(classes) + 1)
    equal = len(set(of_class[3])) == 1
    words = "as many of each class" if equal else "not as many of each class"
    drawing.text(280, y + 16, words, size=SMALL, bold=not equal)
    drawing.arrow((280, y + 30), (280, y + 56))
    words = f"student: learns from {len(labelled):,} + {len(rows):,} texts"
    drawing.box(MARGIN + 96, y + 58, 340, 40, words, "blue", bold=True, size=SMALL)
    return drawing
