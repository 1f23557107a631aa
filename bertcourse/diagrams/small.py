"""Small and served: layers that a student keeps, a row of weights in eight bits, sums that saturate, batches."""

from __future__ import annotations

from collections.abc import Sequence

from bertcourse.diagrams.drawing import MARGIN, SMALL, SOFT, Drawing, listed

LAYERS, ROW, REQUESTS = 12, 6, 40  # at most, of each diagram
LARGEST16 = 2**15 - 1  # the largest whole number with a sign in 16 bits


def kept_layers(count: int, kept: Sequence[int], parameters: tuple[float, float]) -> Drawing:
    """A teacher's layers beside a student's, with an arrow from each that is kept.

    Args:
        count: layers of the teacher, 2 to 12.
        kept: numbers of those that the student starts with, ascending.
        parameters: of teacher and student, in millions.

    Raises:
        ValueError: no such number of layers, or no such layers.
    """
    kept = list(kept)
    if not 2 <= count <= LAYERS or not kept or kept != sorted(set(kept)) or not set(kept) <= set(range(count)):
        raise ValueError(
            f"count={count}, kept={kept}: give 2 to {LAYERS} layers, and some of 0 to {count - 1}, ascending"
        )
    named = f"layer{'s' * (len(kept) > 1)} {listed([str(n) for n in kept])}"
    drawing = Drawing(
        f"A teacher of {count} layers and {parameters[0]:.1f} million parameters, and a student of {len(kept)} and "
        f"{parameters[1]:.1f} million that starts with the teacher's {named}. Both "
        "have the same embeddings; teacher and student say what they think of the same text."
    )
    high, gap, wide = 30, 6, 190
    left, right = MARGIN, 560 - MARGIN - wide
    bottom = 64 + count * (high + gap)
    lowest = bottom - (count - len(kept)) * (high + gap) // 2
    for x, name, n in ((left, "teacher", count), (right, "student", len(kept))):
        drawing.text(x + wide / 2, 20, f"{name}: {n} layers", bold=True, size=SMALL)
    for number in range(count):
        y = bottom - (number + 1) * (high + gap)
        tone = "blue" if number in kept else "grey"
        drawing.box(left, y, wide, high, f"layer {number}", tone, size=SMALL, dashed=number not in kept)
    for place, number in enumerate(kept):
        y = lowest - (place + 1) * (high + gap)
        drawing.box(right, y, wide, high, f"layer {place}", "blue", size=SMALL)
        start = bottom - (number + 1) * (high + gap) + high / 2
        drawing.arrow((left + wide + 4, start), (right - 4, y + high / 2), tone="blue")
    for x, y, tone in ((left, bottom, "green"), (right, bottom, "green")):
        drawing.box(x, y, wide, high, "embeddings", tone, size=SMALL)
    drawing.arrow((left + wide + 4, bottom + high / 2), (right - 4, bottom + high / 2), tone="green")
    words = f"{parameters[0]:.1f} and {parameters[1]:.1f} million parameters"
    drawing.text(280, bottom + high + 24, words, size=SMALL, color=SOFT)
    return drawing


def signed(value: float, places: int) -> str:
    return f"{value:.{places}f}".replace("-", "−")


def row_in_int8(weights: Sequence[float]) -> Drawing:
    """A row of weights: floats, the whole numbers that are stored for them, and what comes back.

    Args:
        weights: 2 to 6 of them, below 10 in size, not all 0.

    Raises:
        ValueError: fewer or more, all 0, or one is too large or not finite.
    """
    row = [float(one) for one in weights]
    if not 2 <= len(row) <= ROW or not all(abs(one) < 10 for one in row) or not any(row):
        raise ValueError(f"weights={row}: give 2 to {ROW} numbers between −10 and 10, not all 0")
    scale = max(map(abs, row)) / 127
    whole = [round(one / scale) for one in row]
    back = [n * scale for n in whole]
    off = max(abs(a - b) for a, b in zip(row, back, strict=True))
    drawing = Drawing(
        f"A row of {len(row)} weights, the largest {signed(max(row, key=abs), 3)}; one step is worth {scale:.5f}. "
        f"Stored as {listed([str(n) for n in whole])} in 8 bits each; what comes back is off by {off:.5f} at most, "
        f"half a step being {scale / 2:.5f}."
    )
    left, wide = 112, (560 - MARGIN - 112) / len(row)
    rows = (
        ("32 bits", [signed(one, 3) for one in row], "plain"),
        ("8 bits", [signed(n, 0) for n in whole], "blue"),
        ("back", [signed(one, 3) for one in back], "green"),
    )
    for number, (name, words, tone) in enumerate(rows):
        y = 16 + 58 * number
        drawing.text(left - 10, y + 18, name, size=SMALL, align="end")
        for place, word in enumerate(words):
            drawing.box(left + place * wide, y, wide - 3, 36, word, tone, size=SMALL, round_=0)
    for y, words in ((63, f"÷ {scale:.5f}, rounded"), (121, f"× {scale:.5f}")):
        drawing.text(left + (560 - MARGIN - left) / 2, y, words, size=SMALL, color=SOFT)
    drawing.text(280, 196, f"off by {off:.5f} at most; half a step is {scale / 2:.5f}", size=SMALL, color=SOFT)
    return drawing


def two_products(activations: tuple[int, int], weights: tuple[int, int]) -> Drawing:
    """What an AVX2 processor does with two products of eight bits: it adds them up in 16, where they may not fit.

    Args:
        activations: whole numbers, 0 to 255.
        weights: whole numbers, −128 to 127.

    Raises:
        ValueError: a number has no place in its eight bits.
    """
    if not all(0 <= one <= 255 for one in activations) or not all(-128 <= one <= 127 for one in weights):
        raise ValueError(f"activations={activations}, weights={weights}: give 0 to 255, and −128 to 127")
    products = [a * w for a, w in zip(activations, weights, strict=True)]
    total = sum(products)
    held = max(-LARGEST16 - 1, min(LARGEST16, total))
    fits = held == total
    drawing = Drawing(
        f"{activations[0]} times {weights[0]} and {activations[1]} times {weights[1]} are {total} together. "
        f"16 bits hold {-LARGEST16 - 1} to {LARGEST16}: {'it fits' if fits else f'it becomes {held}'}."
    )
    shown = [f"{one:,}".replace("-", "−") for one in (*activations, *weights, *products, total, held)]
    for place in (0, 1):
        x = MARGIN + place * 180
        drawing.box(x, 16, 74, 34, shown[place], "blue", size=SMALL)
        drawing.text(x + 87, 33, "×", size=SMALL)
        drawing.box(x + 100, 16, 60, 34, shown[2 + place], "green", size=SMALL)
        drawing.arrow((x + 80, 54), (x + 80, 76))
        drawing.box(x + 20, 80, 120, 34, shown[4 + place], size=SMALL)
    drawing.text(MARGIN + 160, 97, "+", size=SMALL)
    drawing.arrow((MARGIN + 324, 97), (MARGIN + 362, 97))
    drawing.box(MARGIN + 366, 80, 160, 34, shown[6], size=SMALL, bold=True)
    drawing.text(MARGIN + 446, 64, "in 32 bits", size=SMALL)
    drawing.arrow((MARGIN + 446, 118), (MARGIN + 446, 138))
    drawing.box(MARGIN + 366, 142, 160, 34, shown[7], "green" if fits else "orange", size=SMALL, bold=True)
    words = "in 16 bits: fits" if fits else "in 16 bits: cut off"
    drawing.text(MARGIN + 356, 159, words, size=SMALL, align="end")
    return drawing


def batches_in_time(arrivals: Sequence[float], batches: Sequence[Sequence[int]], base: float, each: float) -> Drawing:
    """Requests as they arrive, and the batches in which one worker answers them: each fills while the last computes.

    Args:
        arrivals: seconds, ascending, 2 to 40.
        batches: the numbers of the requests of each batch; together all of them, in their order.
        base, each: a batch of n takes base + each · n seconds.

    Raises:
        ValueError: too few or many requests, or batches that are not these requests in their order.
    """
    arrivals = [float(one) for one in arrivals]
    if not 2 <= len(arrivals) <= REQUESTS or [n for batch in batches for n in batch] != list(range(len(arrivals))):
        raise ValueError(
            f"{len(arrivals)} arrivals, batches {batches!r}: give 2 to {REQUESTS}, and each in one batch, in order"
        )
    clock, spans = 0.0, []
    for batch in batches:
        clock = max(clock, arrivals[batch[-1]])
        spans.append((clock, clock + base + each * len(batch)))
        clock = spans[-1][1]
    waits = [end - arrivals[n] for batch, (_, end) in zip(batches, spans, strict=True) for n in batch]
    sizes = [str(len(batch)) for batch in batches]
    drawing = Drawing(
        f"{len(arrivals)} requests within {arrivals[-1] - arrivals[0]:.2f} s, answered in {len(batches)} batches of "
        f"{listed(sizes)}. The longest wait is {max(waits):.2f} s; a batch of n takes {base:g} + {each:g} n seconds."
    )
    left, right = 96, 560 - MARGIN
    first, last = arrivals[0], max(spans[-1][1], arrivals[-1])

    def X(second: float) -> float:
        return left + (second - first) / (last - first) * (right - left - 8) + 4

    drawing.text(left - 12, 34, "arrive", size=SMALL, align="end")
    drawing.text(left - 12, 106, "batches", size=SMALL, align="end")
    drawing.line((left, 34), (right, 34))
    for number, (batch, (begin, end)) in enumerate(zip(batches, spans, strict=True)):
        tone = "blue" if number % 2 else "green"
        for n in batch:
            drawing.line((X(arrivals[n]), 40), (X(begin), 88), tone=tone)
            drawing.dot(X(arrivals[n]), 34, 4, tone)
        wide = X(end) - X(begin)
        drawing.box(X(begin), 90, wide, 32, str(len(batch)) if wide >= 16 else "", tone, size=SMALL, round_=0)
    drawing.line((left, 122), (right, 122))
    for second in (first, last):
        drawing.text(min(max(X(second), left + 20), right - 20), 140, f"{second - first:.2f} s", size=SMALL, color=SOFT)
    drawing.text(280, 164, "a number: requests in the batch, which filled while the last one computed", size=SMALL)
    return drawing
