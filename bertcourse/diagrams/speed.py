"""Speed and scale: what an update computes and stores, rows of texts, and what each process holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bertcourse.diagrams.drawing import MARGIN, SMALL, SOFT, Drawing, listed, shortened, text_width


def two_budgets(operations: Mapping[str, float], memory: Mapping[str, float]) -> Drawing:
    """Operations and memory, each as a bar cut into parts as large as their shares.

    Args:
        operations: part -> floating-point operations.
        memory: part -> bytes.

    Raises:
        ValueError: one of them is empty.
    """
    if not (operations and memory and sum(operations.values()) > 0 and sum(memory.values()) > 0):
        raise ValueError("operations or memory is empty: give part -> number for both")

    def shares(parts: Mapping[str, float]) -> str:
        return listed([f"{name} {100 * value / sum(parts.values()):.0f} %" for name, value in parts.items()])

    flops, stored = sum(operations.values()), sum(memory.values())
    drawing = Drawing(
        f"An update's {flops / 1e9:,.1f} billion operations: {shares(operations)}. Its {stored / 2**20:,.0f} MiB: "
        f"{shares(memory)}. The two bars have scales of their own."
    )
    tones = ("blue", "orange", "green", "pink", "yellow", "grey")
    high = 300

    def bar(x: float, title: str, parts: Mapping[str, float]) -> None:
        drawing.text(x + 125, 22, title, bold=True, size=SMALL)
        total, y, label = sum(parts.values()), 42.0, 42.0
        order = sorted(parts.items(), key=lambda item: -item[1])
        for number, (name, value) in enumerate(order):
            tall = high * value / total
            drawing.box(
                x,
                y,
                70,
                tall,
                f"{100 * value / total:.0f} %" if tall > 24 else "",
                tones[number % 6],
                size=SMALL,
                round_=0,
            )
            label = max(label, y + tall / 2 - 11)
            drawing.line((x + 74, y + tall / 2), (x + 86, label + 11))
            words = shortened(name if tall > 24 else f"{name} {100 * value / total:.1f} %", 164, SMALL)
            drawing.text(x + 92, label + 11, words, size=SMALL, align="start")
            y, label = y + tall, label + 22

    bar(MARGIN, f"{flops / 1e9:,.1f} billion operations", operations)
    bar(MARGIN + 272, f"{stored / 2**20:,.0f} MiB of memory", memory)
    drawing.text(
        280, drawing.height + 18, "each bar has a scale of its own: its whole is 100 %", size=SMALL, color=SOFT
    )
    return drawing


def rows_of_texts(ways: Mapping[str, Sequence[Sequence[int]]], row_length: Mapping[str, Sequence[int]]) -> Drawing:
    """The same texts as rows of batches, laid out in several ways; what is grey is padding.

    Args:
        ways: name -> rows, each the lengths of the texts that stand in it.
        row_length: name -> for each row how many slots it has.
    """
    share = {}
    for name, rows in ways.items():
        share[name] = 1 - sum(map(sum, rows)) / sum(row_length[name])
    drawing = Drawing(
        "The same texts as rows: "
        + listed([f"{name}, {len(rows)} rows, {100 * share[name]:.0f} % padding" for name, rows in ways.items()])
        + "."
    )
    longest = max(length for lengths in row_length.values() for length in lengths)
    unit = (drawing.width - 2 * MARGIN) / longest
    y = 14.0
    for name, rows in ways.items():
        slots = sum(row_length[name])
        drawing.text(MARGIN, y + 10, name, bold=True, align="start")
        drawing.text(
            drawing.width - MARGIN,
            y + 10,
            f"{slots:,} slots, {100 * share[name]:.0f} % padding",
            size=SMALL,
            align="end",
        )
        y += 28
        for lengths, slots in zip(rows, row_length[name], strict=True):
            drawing.box(MARGIN, y, slots * unit, 20, "", "grey", round_=0)
            x = MARGIN
            for number, length in enumerate(lengths):
                fits = text_width(str(length), SMALL) + 6 < length * unit
                drawing.box(
                    x,
                    y,
                    length * unit,
                    20,
                    str(length) if fits else "",
                    ("blue", "orange")[number % 2],
                    size=SMALL,
                    round_=0,
                )
                x += length * unit
            y += 23
        y += 16
    return drawing


def shared_out(parts: Mapping[str, float], processes: int, sharded: bool) -> Drawing:
    """What each process holds: all of it (replicated), or a part of everything (sharded).

    Args:
        parts: "weights", "gradients", … -> bytes of the whole model.
        processes: how many.
        sharded: whether each holds a part only.
    """
    total = sum(parts.values())
    each = total / processes if sharded else total
    kind = "sharded" if sharded else "replicated"
    drawing = Drawing(
        f"{processes} processes, {kind}: each holds {each / 2**20:,.0f} MiB of {listed(list(parts))}, together "
        f"{each * processes / 2**20:,.0f} MiB. "
        + ("A layer's weights are gathered when it computes." if sharded else "Only gradients are exchanged.")
    )
    gap, tones = 14, ("blue", "orange", "green", "pink")
    wide = (drawing.width - 2 * MARGIN - gap * (processes - 1)) / processes
    drawing.text(280, 22, f"{kind}: {each / 2**20:,.0f} MiB in each process", bold=True)
    line, y0 = 34, 42
    for process in range(processes):
        x, y = MARGIN + process * (wide + gap), y0 + 30
        drawing.text(x + wide / 2, y0 + 12, f"process {process}", size=SMALL)
        for number, name in enumerate(parts):
            if sharded:
                piece = wide / processes
                for part in range(processes):
                    mine = part == process
                    drawing.box(
                        x + piece * part,
                        y,
                        piece,
                        line,
                        "",
                        tones[number % 4] if mine else "plain",
                        round_=0,
                        dashed=not mine,
                    )
            else:
                drawing.box(x, y, wide, line, shortened(name, wide - 8, SMALL), tones[number % 4], size=SMALL, round_=0)
            y += line + 4
        drawing.box(x, y + 34, wide, 32, "own texts", "grey", size=SMALL)
        drawing.arrow((x + wide / 2, y + 34), (x + wide / 2, y + 2))
    y = y0 + 30 + len(parts) * (line + 4) + 96
    words = (
        "gather a layer's weights, compute, let them go; sum the gradients" if sharded else "only gradients are summed"
    )
    drawing.text(280, y, words, size=SMALL)
    if sharded:
        drawing.text(280, y + 22, "from the top: " + ", ".join(parts), size=SMALL, color=SOFT)
    return drawing
