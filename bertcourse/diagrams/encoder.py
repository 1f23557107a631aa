"""The encoder: its input as a sum, a layer, how far a token's change reaches, and where the parameters lie."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bertcourse.diagrams.drawing import MARGIN, SMALL, SOFT, TONES, Drawing, listed, text_width, token_widths
from bertlib.model.config import BertConfig


def embedding_sum(tokens: Sequence[str], segments: Sequence[int], width: int) -> Drawing:
    """Three rows of vectors, one under the other, added up column by column.

    Args:
        tokens: of one input.
        segments: its segment ids, 0 or 1.
        width: D.

    Raises:
        ValueError: not as many segment ids as tokens.
    """
    if len(tokens) != len(segments):
        raise ValueError(f"{len(tokens)} tokens, {len(segments)} segment ids: give one for each token")
    second = sum(segments)
    drawing = Drawing(
        f"For each of {len(tokens)} tokens three vectors of {width} numbers are added up: one for the token, one for "
        f"its position, 0 to {len(tokens) - 1}, one for its segment: "
        + (f"A for the first {len(tokens) - second}, B for the last {second}." if second else "A for all.")
    )
    left = 96
    widths, x = token_widths(tokens, drawing.width - left - MARGIN), left
    rows = [("token", 14), ("position", 74), ("segment", 134), ("sum", 206)]
    for name, y in rows:
        drawing.text(MARGIN, y + 18, name, align="start", bold=name == "sum")
    for place, (token, segment, width_) in enumerate(zip(tokens, segments, widths, strict=True)):
        middle = x + width_ / 2
        drawing.box(x, 14, width_, 36, token, "blue", size=SMALL)
        drawing.text(middle, 62, "+", size=SMALL)
        drawing.box(x, 74, width_, 36, str(place), "orange", size=SMALL)
        drawing.text(middle, 122, "+", size=SMALL)
        drawing.box(x, 134, width_, 36, "AB"[segment], ("grey", "yellow")[segment], size=SMALL)
        drawing.arrow((middle, 174), (middle, 202))
        drawing.box(x, 206, width_, 36, "", "green", heavy=True)
        x += width_ + 4
    drawing.text(280, 264, f"every box is a vector of {width} numbers; then LayerNorm", size=SMALL, color=SOFT)
    return drawing


def post_ln_layer(config: BertConfig) -> Drawing:
    """A layer of BERT from the bottom to the top, the residual paths as thick lines.

    Args:
        config: gives the widths and the number of heads.
    """
    width, inner, heads = config.hidden_size, config.intermediate_size, config.num_attention_heads
    drawing = Drawing(
        f"A layer. X, {width} numbers per token, goes into attention with {heads} heads, and around it on a residual "
        "path; the two are added, then normalised. The result goes into the feed-forward block, "
        f"{width} to {inner} to {width}, and around it; added and normalised again it is Y."
    )
    middle, wide, path = 200, 250, 420

    def block(top: float, name: str, words: str, norm: str, tone: str) -> None:
        left = middle - wide / 2
        drawing.box(left, top + 126, wide, 56, words, tone)
        drawing.arrow((middle, top + 214), (middle, top + 182))
        drawing.arrow((middle, top + 126), (middle, top + 98))
        drawing.dot(middle, top + 84, 14, "plain", filled=False)
        drawing.text(middle, top + 84, "+", size=18, bold=True)
        drawing.arrow((middle, top + 70), (middle, top + 46))
        drawing.box(left, top + 8, wide, 38, norm, "yellow")
        drawing.line((middle, top + 214), (path, top + 214), (path, top + 84), tone="green", heavy=True)
        drawing.arrow((path, top + 84), (middle + 16, top + 84), tone="green", heavy=True)
        drawing.text(path + 12, top + 148, f"the residual\npath carries\n{name} itself", align="start", size=SMALL)

    drawing.text(middle, 18, f"Y  (T, {width})", bold=True)
    drawing.arrow((middle, 48), (middle, 30), tone="green", heavy=False)
    bend = config.hidden_act.split("_")[0].upper()
    block(40, "A", f"feed-forward: W₁, {bend}, W₂\n{width:,} → {inner:,} → {width:,}", "LayerNorm 2", "orange")
    drawing.text(middle + 12, 270, f"A  (T, {width})", bold=True, align="start")
    drawing.line((middle, 254), (middle, 294), tone="green", heavy=True)
    block(286, "X", f"attention, {heads} heads:\ntokens meet only here", "LayerNorm 1", "blue")
    drawing.line((middle, 500), (middle, 522), tone="green", heavy=True)
    drawing.text(middle, 536, f"X  (T, {width})", bold=True)
    return drawing


def reach_of_a_change(
    length: int, changed: int, by_attention: Sequence[int], by_feed_forward: Sequence[int]
) -> Drawing:
    """One token is changed: which tokens' outputs change, behind attention and behind the feed-forward block.

    Args:
        length: tokens.
        changed: the one whose vector was replaced.
        by_attention, by_feed_forward: the tokens whose outputs were seen to change.
    """
    drawing = Drawing(
        f"Token {changed} of {length} is changed. Behind attention the outputs of {listed(by_attention)} change; "
        f"behind the feed-forward block those of {listed(by_feed_forward)}."
    )
    left, gap = 130, 8
    wide = (drawing.width - left - MARGIN - gap * (length - 1)) / length

    def row(top: float, name: str, hit: Sequence[int]) -> None:
        drawing.text(MARGIN, top + 17, "input", size=SMALL, align="start")
        drawing.text(MARGIN, top + 60, name, size=SMALL, align="start", bold=True)
        drawing.text(MARGIN, top + 127, "output", size=SMALL, align="start")
        for token in range(length):
            x = left + token * (wide + gap)
            drawing.box(x, top, wide, 34, str(token), "orange" if token == changed else "grey", bold=token == changed)
            drawing.box(x, top + 110, wide, 34, str(token), "orange" if token in hit else "grey", bold=token in hit)
        start = left + changed * (wide + gap) + wide / 2
        for token in hit:
            drawing.arrow((start, top + 36), (left + token * (wide + gap) + wide / 2, top + 108), tone="orange")

    row(16, "attention", by_attention)
    row(196, "feed-forward", by_feed_forward)
    return drawing


def parameter_areas(counted: Mapping[str, int]) -> Drawing:
    """Where the parameters lie: an area for each part, as large as its share.

    Args:
        counted: part -> how many parameters; parts below 2 % are drawn as a thin strip together.

    Raises:
        ValueError: nothing is counted.
    """
    total = sum(counted.values())
    if not total:
        raise ValueError("counted holds no parameters: give part -> number")
    order = sorted(counted.items(), key=lambda item: -item[1])
    large = [(name, count) for name, count in order if count >= 0.02 * total]
    small = [(name, count) for name, count in order if count < 0.02 * total]
    drawing = Drawing(
        f"{total:,} parameters as areas: "
        + listed([f"{name} {100 * count / total:.2g} %" for name, count in order])
        + "."
    )
    tones, across, high = ("orange", "blue", "green", "pink", "yellow"), drawing.width - 2 * MARGIN, 230
    rest = sum(count for _, count in small)
    x = MARGIN
    first, *others = large
    wide = across * first[1] / total
    drawing.text(280, 24, f"{total:,} parameters", bold=True)

    def part(x: float, y: float, wide: float, tall: float, name: str, count: int, tone: str) -> None:
        words = f"{name}\n{count / 1e6:.1f} M\n{100 * count / total:.0f} %"
        drawing.box(x, y, wide, tall, words, tone, round_=0)

    part(x, 46, wide, high, *first, tones[0])
    x += wide
    strip = across * rest / total
    beside = across - wide - strip
    y, among = 46, sum(count for _, count in others)
    for number, (name, count) in enumerate(others):
        tall = high * count / among
        part(x, y, beside, tall, name, count, tones[1 + number % 4])
        y += tall
    drawing.box(drawing.width - MARGIN - max(strip, 2), 46, max(strip, 2), high, "", "grey", round_=0)
    if small:
        told = ", ".join(f"{name} {100 * count / total:.2g} %" for name, count in small)
        drawing.text(280, 46 + high + 22, f"the grey line on the right, {100 * rest / total:.2g} %:", size=SMALL)
        drawing.text(280, 46 + high + 44, told, size=SMALL)
    return drawing


def masked_mean(tokens: Sequence[Sequence[str]], attention_mask: Sequence[Sequence[int]]) -> Drawing:
    """The mean of a text's own tokens, and what counting the padding along would divide by.

    Args:
        tokens: of each text of a batch, padding included.
        attention_mask: 1 for a token, 0 for padding.
    """
    real = [int(sum(row)) for row in attention_mask]
    slots = len(tokens[0])
    drawing = Drawing(
        "The mean over a text's own tokens: "
        + listed([f"text {b} is divided by {n}" for b, n in enumerate(real)])
        + f". A mean over all slots divides by {slots}, and counts the padding along."
    )
    y, longest = 14, [max(column, key=text_width) for column in zip(*tokens, strict=True)]
    widths = token_widths(longest, drawing.width - 2 * MARGIN)
    for b, (row, mask) in enumerate(zip(tokens, attention_mask, strict=True)):
        x, ends = MARGIN, []
        for token, kept, width in zip(row, mask, widths, strict=True):
            drawing.box(x, y, width, 34, token, "blue" if kept else "grey", size=SMALL, dashed=not kept)
            if kept:
                ends += [x, x + width]
            x += width + 4
        drawing.bracket(min(ends), max(ends), y + 46, "", tone="green")
        drawing.text(
            MARGIN,
            y + 62,
            f"right: the sum of these {real[b]} vectors, divided by {real[b]}",
            size=SMALL,
            align="start",
        )
        if real[b] < slots:
            words = f"wrong: the sum of all {slots} vectors, divided by {slots}"
            drawing.text(MARGIN, y + 84, words, size=SMALL, align="start", color=TONES["orange"].line, bold=True)
            y += 22
        y += 92
    drawing.text(280, y + 2, "blue: a token, mask 1;  grey: padding, mask 0", size=SMALL, color=SOFT)
    return drawing
