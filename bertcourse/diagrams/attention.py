"""Attention: a weighted average, a head with its shapes, heads cut out of a vector, and the padding mask."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from bertcourse.diagrams.drawing import MARGIN, SMALL, SOFT, Drawing, listed, text_width


def _number(value: float) -> str:
    """Short, with a true minus: whole numbers without decimals."""
    value = float(value)
    return (f"{value:.0f}" if value == int(value) else f"{value:.3g}").replace("-", "−")


def weighted_average(tokens: Sequence[str], weights: Tensor, values: Tensor, query: int) -> Drawing:
    """One token's average: a line from each value, as thick as its weight.

    Args:
        tokens: T names.
        weights: (T, T).
        values: (T, d_v).
        query: the token whose average is drawn.
    """
    row, result = weights[query], weights[query] @ values
    shown = [", ".join(_number(round(float(v), 1)) for v in vector) for vector in (*values, result)]
    drawing = Drawing(
        f"{tokens[query]} takes a weighted average: "
        + listed([f"{float(w):.2f} of {token}'s ({v})" for token, w, v in zip(tokens, row, shown, strict=False)])
        + f", together ({shown[-1]})."
    )
    high, gap = 46, 14
    middle = 52 + (high + gap) * (len(tokens) - 1) / 2 + high / 2
    meeting = middle - 13.0  # where the lines arrive, one under the other
    drawing.text(MARGIN, 22, "values", size=SMALL, align="start", color=SOFT)
    drawing.text(238, 22, "weights", size=SMALL, color=SOFT)
    drawing.text(drawing.width - MARGIN, 22, "the average", size=SMALL, align="end", color=SOFT)
    for place, (token, weight, words) in enumerate(zip(tokens, row.tolist(), shown, strict=False)):
        y = 52 + (high + gap) * place + high / 2
        drawing.box(MARGIN, y - high / 2, 150, high, f"{token}\n({words})", "blue", size=SMALL)
        drawing.box(204, y - 14, 68, 28, f"{weight:.2f}", "plain", bold=weight == max(row.tolist()))
        thick = 26 * weight
        if thick >= 0.3:
            drawing.line((165, y), (203, y), tone="blue", width=thick)
            drawing.line((273, y), (375, meeting + thick / 2), tone="blue", width=thick)
        meeting += thick
    drawing.box(
        376, middle - 34, drawing.width - MARGIN - 376, 68, f"{tokens[query]} gets\n({shown[-1]})", "green", heavy=True
    )
    return drawing


def head_flow(hidden: Tensor, w_query: Tensor, w_key: Tensor, w_value: Tensor) -> Drawing:
    """One head, from the tokens' vectors to its output, with the shape of everything on the way.

    Args:
        hidden: (T, D).
        w_query, w_key: (D, d_k).
        w_value: (D, d_v).
    """
    (length, width), d_k, d_v = hidden.shape, w_key.size(1), w_value.size(1)
    drawing = Drawing(
        f"One head: X, {length} × {width}, is multiplied by three matrices and gives Q and K, {length} × {d_k}, and V, "
        f"{length} × {d_v}. Q times K transposed, divided by the root of {d_k}, gives scores, {length} × {length}; the "
        f"softmax of each row gives weights; weights times V give the output, {length} × {d_v}."
    )
    shape = f"({length}, {{}})".format
    left, middle, right = (14, 204, 394)
    wide = 152
    drawing.box(middle, 14, wide, 50, f"X\n{shape(width)}", "grey", bold=True)
    for x, name, size, tone in ((left, "Q", d_k, "blue"), (middle, "K", d_k, "blue"), (right, "V", d_v, "green")):
        heavy = name == "V"
        if x == middle:
            drawing.arrow((280, 64), (280, 96))
        else:
            edge = middle if x < middle else middle + wide
            drawing.arrow(
                (edge, 39), (x + wide / 2, 39), (x + wide / 2, 96), heavy=heavy, tone="green" if heavy else "plain"
            )
        drawing.box(x, 96, wide, 46)
        drawing.text(x + wide / 2 - 8, 121, "X · W")
        drawing.text(x + wide / 2 + text_width("X · W") / 2, 111, name, size=SMALL)
        drawing.arrow((x + wide / 2, 142), (x + wide / 2, 166), heavy=heavy, tone="green" if heavy else "plain")
        drawing.box(x, 166, wide, 50, f"{name}\n{shape(size)}", tone, bold=True)
    drawing.arrow((left + wide / 2, 216), (left + wide / 2, 248))
    drawing.arrow((280, 216), (280, 248))
    drawing.box(left, 248, middle + wide - left, 46, f"scores: Q · Kᵀ / √{d_k},  ({length}, {length})", "orange")
    drawing.arrow((185, 294), (185, 322))
    drawing.box(
        left,
        322,
        middle + wide - left,
        46,
        f"weights: softmax of each row,  ({length}, {length})",
        "orange",
        size=SMALL,
    )
    drawing.arrow((185, 368), (185, 420), (middle, 420))
    drawing.arrow((right + wide / 2, 216), (right + wide / 2, 420), (middle + wide, 420), heavy=True, tone="green")
    drawing.box(middle, 394, wide, 52, f"weights · V\n{shape(d_v)}", "green", bold=True)
    return drawing


def heads_and_a_wrong_view(hidden: Tensor, num_heads: int) -> Drawing:
    """One text's (T, D) numbers cut into heads, beside what `view` in one step gives: the same shape, other numbers.

    Args:
        hidden: (1, T, D); D up to 8 and T up to 4 are drawn well.
        num_heads: H, a divisor of D.

    Raises:
        ValueError: a batch of more than one text, or D is not divisible.
    """
    if hidden.size(0) != 1 or hidden.size(2) % num_heads:
        raise ValueError(f"hidden {tuple(hidden.shape)}, {num_heads} heads: give one text, and D a multiple of H")
    _, length, width = hidden.shape
    each = width // num_heads
    right = hidden.unflatten(-1, (num_heads, each)).transpose(1, 2)
    wrong = hidden.view(1, num_heads, length, each)
    tones = ("blue", "orange", "green", "pink", "yellow", "grey")
    owner = torch.arange(length)[None, :, None].expand(1, length, width)  # which token a number is of
    right_owner = owner.unflatten(-1, (num_heads, each)).transpose(1, 2)
    wrong_owner = owner.reshape(1, num_heads, length, each)
    mixed = sum(len(set(wrong_owner[0, h].flatten().tolist())) < length for h in range(num_heads))
    drawing = Drawing(
        f"{length} tokens of {width} numbers, a colour for each, cut for {num_heads} heads. Right: every head has "
        f"{each} numbers of each token. With view alone, {mixed} of {num_heads} heads lack a token: the shape is the "
        "same, the numbers are others."
    )
    cell = min(34, 250 / max(width, 2 * each + 1))

    def block(x: float, y: float, values: Tensor, owners: Tensor) -> None:
        rows = [[_number(v) for v in row] for row in values.tolist()]
        drawing.grid(x, y, rows, (cell, 30), tone=lambda i, j: tones[int(owners[i, j]) % len(tones)])

    drawing.text(280, 22, f"hidden: (T, D) = ({length}, {width})", bold=True)
    x = 280 - cell * width / 2
    block(x, 40, hidden[0], owner[0])
    for token in range(length):
        drawing.text(x - 8, 55 + 30 * token, f"token {token}", size=SMALL, align="end")
    below = 40 + 30 * length
    for centre, values, owners, title, code in (
        (146, right[0], right_owner[0], "heads: right", "unflatten, transpose"),
        (414, wrong[0], wrong_owner[0], "heads: wrong", f"view({num_heads}, {length}, {each})"),
    ):
        drawing.arrow((280 + (centre - 280) * 0.3, below + 6), (280 + (centre - 280) * 0.6, below + 36))
        drawing.text(centre, below + 54, title, bold=True)
        drawing.text(centre, below + 76, code, size=SMALL, mono=True, color=SOFT)
        for head in range(num_heads):
            y = below + 94 + head * (30 * length + 12)
            block(centre - cell * each / 2, y, values[head], owners[head])
            drawing.text(centre - cell * each / 2 - 8, y + 15 * length, f"head {head}", size=SMALL, align="end")
            lacking = [token for token in range(length) if token not in owners[head]]
            if lacking:
                words = "without\ntoken " + ", ".join(map(str, lacking))
                drawing.text(
                    centre + cell * each / 2 + 8, y + 15 * length - 10, words, size=SMALL, align="start", bold=True
                )
    return drawing


def mask_broadcast(attention_mask: Tensor, num_heads: int) -> Drawing:
    """A padding mask (B, 1, 1, T) laid over scores (B, H, T, T): the same for every head and every row.

    Args:
        attention_mask: (B, T), 1 for a token and 0 for padding; B up to 3 and T up to 6 are drawn well.
        num_heads: H.
    """
    batch, length = attention_mask.shape
    told = [
        f"text {b} has {int(row.sum())} tokens and {int((row == 0).sum())} pads" for b, row in enumerate(attention_mask)
    ]
    drawing = Drawing(
        f"A mask of shape ({batch}, 1, 1, {length}): {listed(told)}. Over the scores, ({batch}, {num_heads}, {length}, "
        f"{length}), the same row of the mask lies on every row of every head of its text: no query sees a pad."
    )
    cell = min(26, 168 / length)
    across = cell * length
    shown = min(num_heads, 2)
    drawing.text(MARGIN + 66, 24, f"mask ({batch}, 1, 1, {length})", size=SMALL, bold=True)
    drawing.text(
        MARGIN + 196 + (shown * (across + 16) - 16) / 2,
        24,
        f"over scores ({batch}, {num_heads}, {length}, {length})",
        size=SMALL,
        bold=True,
    )
    y = 62
    for b, row in enumerate(attention_mask.tolist()):
        columns = [MARGIN + 196 + h * (across + 16) for h in range(shown)]
        if b == 0:
            for h, x in enumerate(columns):
                name = f"head {h}" if h < shown - 1 or num_heads == shown else f"heads {h} to {num_heads - 1}"
                drawing.text(x + across / 2, 48, name, size=SMALL, color=SOFT)
        middle = y + across / 2
        drawing.text(MARGIN, middle - 30, f"text {b}", size=SMALL, align="start")
        small = min(22, 140 / length)

        def tone(_: int, column: int, row: list[int] = row) -> str:
            return "blue" if row[column] else "grey"

        drawing.grid(MARGIN, middle - 13, [[str(int(m)) for m in row]], (small, 26), tone=tone)
        for x in columns:
            words = [[str(int(m)) for m in row]] * length
            drawing.grid(x, y, words, (cell, cell), tone=tone, size=SMALL)
        drawing.arrow((MARGIN + small * length + 8, middle), (columns[0] - 8, middle), heavy=True, tone="blue")
        y += across + 20
    drawing.text(280, y + 6, "a row: a query; a column: a key; 0: forbidden, its weight is 0", size=SMALL)
    return drawing
