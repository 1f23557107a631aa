"""WordPiece: how pieces are joined in training, how a word is cut, and where its pieces stand in the text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bertcourse.diagrams.drawing import MARGIN, SMALL, SOFT, Drawing, listed, text_width


def merge_tree(merges: Sequence[tuple[tuple[str, str], int]], words: Sequence[str]) -> Drawing:
    """What was joined of what: letters at the top, each new piece below the two that it was made of.

    Args:
        merges: ((left, right), how often the pair stood there) in the order of training.
        words: the words that they were learned from.
    """
    made = {
        pair[0] + pair[1].removeprefix("##"): (step, pair, count) for step, (pair, count) in enumerate(merges, start=1)
    }
    drawing = Drawing(
        f"Merges learned from {len(words)} words, in order: "
        + listed([f"{step}: {a} and {b} give {name} ({count} times)" for name, (step, (a, b), count) in made.items()])
        + "."
    )
    level: dict[str, int] = {}
    for name, (_, pair, _) in made.items():
        level[name] = 1 + max(level.get(piece, 0) for piece in pair)
    for name, (_, pair, _) in made.items():  # a letter stands in the row above its first use
        for letter in pair:
            if letter not in made:
                level[letter] = min(level.get(letter, level[name]), level[name] - 1)
    places: dict[str, float] = {}

    def visit(piece: str) -> None:
        for child in made[piece][1] if piece in made else ():
            visit(child)
        if piece not in made:
            places.setdefault(piece, len(places))

    used = {piece for _, pair, _ in made.values() for piece in pair}
    for name in made:
        if name not in used:
            visit(name)
    letters, room, step_down = len(places), drawing.width - 2 * MARGIN, 88
    for name in made:
        places[name] = sum(places[piece] for piece in made[name][1]) / 2
    words_in = {name: f"{made[name][0]}: {name}\n{made[name][2]} ×" if name in made else name for name in places}
    wide = {name: text_width(words.split("\n")[0], SMALL, mono=True) + 12 for name, words in words_in.items()}
    x_of: dict[str, float] = {}
    for height in range(max(level.values()) + 1):
        row, cursor = (
            sorted((name for name in places if level[name] == height), key=lambda name: places[name]),
            float(MARGIN),
        )
        spare = room - sum(wide[name] for name in row) - 10 * (len(row) - 1)
        for name in row:  # where it would like to stand, if its neighbours leave room
            least = cursor + wide[name] / 2
            x_of[name] = min(max(MARGIN + (places[name] + 0.5) * room / letters, least), least + max(spare, 0))
            spare -= x_of[name] - least
            cursor = x_of[name] + wide[name] / 2 + 10
    for name, (_, pair, _) in made.items():
        for piece, side in zip(sorted(pair, key=lambda part: x_of[part]), (-8, 8), strict=True):
            bottom = 14 + step_down * level[piece] + (52 if piece in made else 41)
            drawing.arrow((x_of[piece], bottom), (x_of[name] + side, 12 + step_down * level[name]), tone="blue")
    for name, words_ in words_in.items():
        y, left = 14 + step_down * level[name], x_of[name] - wide[name] / 2
        if name in made:
            drawing.box(left, y, wide[name], 52, words_, "green" if name in words else "blue", size=SMALL, mono=True)
        else:
            drawing.box(left, y + 11, wide[name], 30, words_, "grey", size=SMALL, mono=True)
    end = 14 + step_down * max(level.values()) + 72
    drawing.text(
        280, end, "grey: letters;  blue: pieces, by step and count;  green: whole words", size=SMALL, color=SOFT
    )
    return drawing


def greedy_steps(word: str, vocab: Mapping[str, int] | Sequence[str]) -> Drawing:
    """How a word is cut: at each place the longest piece of the vocabulary, longer ones tried before it.

    Args:
        word: of up to 12 letters.
        vocab: pieces; only `in` is asked.
    """
    steps, start = [], 0
    while start < len(word):
        mark, tried = "##" if start else "", []
        for end in range(len(word), start, -1):
            tried.append(mark + word[start:end])
            if tried[-1] in vocab:
                break
        found = tried[-1] in vocab
        steps.append((start, tried, found))
        if not found:
            break
        start += len(tried[-1]) - len(mark)
    pieces = [tried[-1] for _, tried, _ in steps] if steps and steps[-1][2] else ["[UNK]"]
    drawing = Drawing(
        f"{word} is cut from the left. "
        + " ".join(
            f"At place {start} {len(tried)} pieces are tried, the longest first; "
            + (f"{tried[-1]} is in the vocabulary." if found else "none is in the vocabulary.")
            for start, tried, found in steps
        )
        + f" The result: {' '.join(pieces)}."
    )
    cell = min(30, (drawing.width - 2 * MARGIN - 150) / len(word))
    left, y = MARGIN + 56, 40
    for place, letter in enumerate(word):
        drawing.text(left + cell * (place + 0.5), 22, letter, bold=True, mono=True)
    for start, tried, found in steps:
        shown = tried if len(tried) <= 6 else [*tried[:2], "…", *tried[-2:]]
        drawing.text(MARGIN, y + 14, f"at {start}", size=SMALL, align="start")
        for piece in shown:
            if piece == "…":
                drawing.text(left + cell * start + 12, y + 12, "⋮", size=SMALL)
                drawing.text(
                    left + cell * len(word) + 12,
                    y + 12,
                    f"{len(tried) - 4} more",
                    size=SMALL,
                    align="start",
                    color=SOFT,
                )
            else:
                hit, letters = found and piece == tried[-1], piece.removeprefix("##") if start else piece
                tone = "green" if hit else "plain"
                row = [[*letters]]
                drawing.grid(
                    left + cell * start,
                    y,
                    row,
                    (cell, 26),
                    tone=lambda i, j, t=tone: t,
                    mono=True,
                    bold=lambda i, j, h=hit: h,
                )
                words = f"✓ {piece}" if hit else "not there"
                drawing.text(
                    left + cell * len(word) + 12,
                    y + 13,
                    words,
                    size=SMALL,
                    align="start",
                    bold=hit,
                    color="#1f2933" if hit else SOFT,
                )
            y += 26
        y += 10
    drawing.text(280, y + 12, f"{word} → {' '.join(pieces)}", bold=True)
    return drawing


def offsets_under_text(text: str, tokens: Sequence[str], offsets: Sequence[tuple[int, int]]) -> Drawing:
    """A line of text, a cell for each character with its number, and under it the piece that each stretch became.

    Args:
        text: as it was given; up to 24 characters are drawn in one line, more in several.
        tokens: its pieces.
        offsets: (start, end) of each, the end exclusive; empty ones, as of [CLS], are left out.
    """
    spans = [(start, end, token) for token, (start, end) in zip(tokens, offsets, strict=True) if end > start]
    drawing = Drawing(
        "A text and where its pieces stand in it, in characters, the end exclusive: "
        + ", ".join(f"{token} {start} to {end}" for start, end, token in spans)
        + "."
    )
    cell, per_line = 26, int((drawing.width - 2 * MARGIN) // 26)
    lines, begin = [], 0
    while begin < len(text):
        end = min(begin + per_line, len(text))
        if end < len(text):  # no piece is cut in two
            end = max([s for s, e, _ in spans if s < end < e] or [end])
        lines.append((begin, end))
        begin = end
    y = 14
    tones = ("blue", "orange")
    for begin, end in lines:
        owner = {i: number % 2 for number, (s, e, _) in enumerate(spans) for i in range(s, e)}
        for i in range(begin, end):
            x = MARGIN + cell * (i - begin)
            shown = text[i] if text[i].isprintable() and text[i] != " " else "␣" if text[i] == " " else "∅"
            drawing.box(x, y, cell, 30, shown, tones[owner[i]] if i in owner else "plain", round_=0, mono=True)
            if i % 5 == 0 or (i == end - 1 and (i - 1) % 5):
                drawing.text(x + cell / 2, y + 42, str(i), size=SMALL, color=SOFT)
        inside = [(s, e, t, number) for number, (s, e, t) in enumerate(spans) if begin <= s < end]
        busy: list[float] = []  # of each line of pieces, how far to the right it is written on
        deepest = 0
        for s, e, token, number in inside:
            x1, x2 = MARGIN + cell * (s - begin) + 2, MARGIN + cell * (e - begin) - 2
            half = text_width(token, SMALL, mono=True) / 2 + 3
            middle = min(max((x1 + x2) / 2, MARGIN + half), drawing.width - MARGIN - half)
            row = next((r for r, end_ in enumerate(busy) if end_ < middle - half - 4), len(busy))
            busy[row : row + 1] = [middle + half]
            deepest = max(deepest, row)
            drawing.line((x1, y + 58), (x2, y + 58), tone=tones[number % 2], heavy=True)
            drawing.text(middle, y + 76 + 21 * row, token, size=SMALL, mono=True)
        y += 76 + 21 * deepest + 34
    return drawing
