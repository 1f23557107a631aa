"""Search: two ways to compare a question with passages, what a mean takes of padded texts, and ranks that are fused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction

from bertcourse.diagrams.drawing import INK, MARGIN, SMALL, SOFT, Drawing, listed, shortened, token_widths

PLACES, COLUMNS = 10, ("BM25", "both fused", "cosine")  # so many of each list are drawn
TEXTS = 3


def _large(count: float) -> str:
    return f"{count:,.0f}" if count < 1e6 else f"{count / 1e6:,.1f} million"


def two_encoders(passages: int, questions: int, tokens: tuple[float, float], reread: int | None = None) -> Drawing:
    """A bi-encoder beside a cross-encoder: what each reads before a question comes, what after it, how much in all.

    Args:
        passages, questions: how many there are.
        tokens: of a question and of a passage, on average, [CLS] and [SEP] included.
        reread: passages of a first list that the cross-encoder reads for each question; None for all of them.

    Raises:
        ValueError: passages or questions is below 1, a text has fewer than 3 tokens, reread is not from 1 to passages.
    """
    for name, count in (("passages", passages), ("questions", questions)):
        if count < 1:
            raise ValueError(f"{name}={count}: give at least 1")
    if min(tokens) < 3:
        raise ValueError(f"tokens={tokens}: give those of a question and of a passage, at least [CLS], one, [SEP]")
    if reread is not None and not 1 <= reread <= passages:
        raise ValueError(f"reread={reread}: give 1 to {passages}, or None for all passages")
    one, two = tokens
    read, pair = reread or passages, one + two - 1  # a pair has one [CLS]
    apart, both = passages * two + questions * one, questions * read * pair
    times = questions * read / passages
    often = f"{times:,.0f} times" if read == passages else f"{times:,.1f} times on average"
    ratio = both / apart
    ratio = f"{ratio:,.0f}" if ratio >= 10 else f"{ratio:.2f}"
    rows = [
        ("read before a question", f"passages: {passages:,}", "nothing"),
        ("read for each question", "the question", f"pairs: {read:,}"),
        ("each passage is read", "once", often),
        (f"questions: {questions:,}", f"texts: {passages + questions:,}", f"pairs: {questions * read:,}"),
        ("tokens for them", _large(apart), _large(both)),
    ]
    drawing = Drawing(
        f"A bi-encoder reads {passages:,} passages once and {questions:,} questions, each text by itself; "
        f"it compares vectors by their cosine. A cross-encoder reads question and passage together, {read:,} pairs for "
        f"each question, and gives each pair a score; each passage is read {often}. Tokens read in all: "
        f"{_large(apart)} and {_large(both)}, {ratio} times as many."
    )
    for x, name in ((143, "bi-encoder"), (417, "cross-encoder")):
        drawing.text(x, 20, name, bold=True)
    for x, name, tone, count in ((14, "question", "blue", one), (149, "passage", "orange", two)):
        drawing.box(x, 36, 124, 46, f"{name}\n{count:,.0f} tokens", tone, size=SMALL)
        drawing.box(x, 104, 124, 34, "BERT", "grey")
        drawing.box(x, 160, 124, 34, "vector", "plain", size=SMALL)
        for top in (82, 138):
            drawing.arrow((x + 62, top), (x + 62, top + 22))
        drawing.arrow((x + 62, 194), (x + 62, 216))
    drawing.box(14, 216, 259, 34, "cosine of the two", "green", size=SMALL)
    drawing.box(287, 36, 90, 46, "question", "blue", size=SMALL, round_=0)
    drawing.box(377, 36, 169, 46, f"passage\n{pair:,.0f} tokens in all", "orange", size=SMALL, round_=0)
    drawing.box(287, 104, 259, 34, "BERT", "grey")
    drawing.box(287, 160, 259, 34, "vector of [CLS]", "plain", size=SMALL)
    drawing.box(287, 216, 259, 34, "score of the pair", "green", size=SMALL)
    for top in (82, 138, 194):
        drawing.arrow((417, top), (417, top + 22))
    for number, row in enumerate(rows):
        y = 270 + 34 * number
        for x, wide, word, tone in zip((14, 194, 360), (180, 166, 186), row, ("grey", "plain", "plain"), strict=True):
            drawing.box(x, y, wide, 34, word, tone, size=SMALL, round_=0)
    words = f"the cross-encoder reads {ratio} times as many tokens"
    drawing.text(280, 282 + 34 * len(rows) + 8, words, size=SMALL, bold=True)
    return drawing


def _share(value: float) -> str:
    """1/6 where it is one part of a whole number, else two decimals."""
    part = Fraction(value).limit_denominator(1000)
    return str(part) if part.numerator <= 1 and abs(part - value) < 1e-6 else f"{value:.2f}"


def pooled_texts(
    tokens: Sequence[Sequence[str]],
    mask: Sequence[Sequence[int]],
    weights: Mapping[str, Sequence[Sequence[float]]] | None = None,
) -> Drawing:
    """What the mean over a text's tokens takes of each state in a padded batch, and what other ways take.

    Args:
        tokens: (B, T) of each text of the batch, padding included; 1 to 3 texts that fit side by side.
        mask: (B, T) 1 for a token, special ones too, 0 for padding.
        weights: other ways by their names, each (B, T): what it takes of each state. Without them the mean over all
            T places.

    Raises:
        ValueError: no text or more than 3; a row of other length; a text without a token; a mask of other values.
    """
    tokens, mask = [list(row) for row in tokens], [[int(one) for one in row] for row in mask]
    if not 1 <= len(tokens) <= TEXTS:
        raise ValueError(f"tokens: {len(tokens)} texts: give 1 to {TEXTS}")
    places = len(tokens[0])
    if weights is None:
        weights = {f"mean over all {places} places": [[1 / places] * places for _ in tokens]}
    for name, rows in {"tokens": tokens, "mask": mask, **weights}.items():
        if len(rows) != len(tokens) or any(len(row) != places for row in rows):
            shape = [len(row) for row in rows]
            raise ValueError(f"{name}: rows of {shape} entries: give {len(tokens)} of {places}, as tokens has")
    if any(one not in (0, 1) for row in mask for one in row) or not all(map(sum, mask)):
        raise ValueError(f"mask={mask}: give 1 for a token and 0 for padding, and a token in each text")
    ways = {"mean of its tokens": [[one / sum(row) for one in row] for row in mask], **weights}
    told = []
    for b, row in enumerate(mask):
        lost = [
            f"“{name}” gives padding {sum(w for w, one in zip(rows[b], row, strict=True) if not one):.2f}"
            for name, rows in weights.items()
        ]
        told.append(f"Of the {sum(row)} tokens of text {b} the mean takes {_share(1 / sum(row))} each; {listed(lost)}")
    drawing = Drawing(f"Texts of one batch, padded to {places} places. {'. '.join(told)}.")
    longest = [max(column, key=len) for column in zip(*tokens, strict=True)]
    widths = token_widths(longest, drawing.width - 2 * MARGIN)
    y = 20
    for b, (row, kept) in enumerate(zip(tokens, mask, strict=True)):
        padding = f", {places - sum(kept)} of padding" if sum(kept) < places else ""
        drawing.text(MARGIN, y, f"text {b}: {sum(kept)} tokens{padding}", size=SMALL, align="start", bold=True)
        x, y = MARGIN, y + 16
        lefts = []
        for token, one, wide in zip(row, kept, widths, strict=True):
            drawing.box(x, y, wide, 32, token if one else "", "blue" if one else "grey", size=SMALL, dashed=not one)
            if not one:
                drawing.line((x + 3, y + 3), (x + wide - 3, y + 29))
                drawing.line((x + 3, y + 29), (x + wide - 3, y + 3))
            lefts.append(x)
            x += wide + 4
        y += 46
        for number, (name, rows) in enumerate(ways.items()):
            lost = sum(w for w, one in zip(rows[b], kept, strict=True) if not one)
            words = f"{name}: {_share(lost)} of it is padding" if lost else name
            drawing.text(MARGIN, y, words, size=SMALL, align="start", color=INK if lost or not number else SOFT)
            for x, wide, weight, one in zip(lefts, widths, rows[b], kept, strict=True):
                tone = "plain" if not weight else "green" if one else "orange"
                drawing.box(x, y + 12, wide, 26, _share(weight), tone, size=SMALL, round_=0)
            y += 54
        y += 12
    drawing.text(280, y - 2, "below each state: how much of it the text's vector takes", size=SMALL, color=SOFT)
    return drawing


def ranks_fused(
    lexical: Sequence[int],
    dense: Sequence[int],
    fused: Sequence[int],
    relevant: int,
    names: Mapping[int, str] | Sequence[str] | None = None,
) -> Drawing:
    """The first ten passages by BM25, by cosine, and by both, with lines from where those in the middle stand.

    Args:
        lexical, dense, fused: numbers of passages, best first; longer lists tell where the others stand.
        relevant: the passage that answers the question.
        names: titles of the passages by their numbers; without them "passage 12".

    Raises:
        ValueError: a list is empty or has a passage twice.
    """
    lists = [[int(passage) for passage in found] for found in (lexical, fused, dense)]
    for name, found in zip(("lexical", "fused", "dense"), lists, strict=True):
        if not found or len(set(found)) < len(found):
            raise ValueError(
                f"{name}: {len(found)} passages, {len(set(found))} different: give at least one, each once"
            )

    def named(passage: int) -> str:
        return f"passage {passage}" if names is None else str(names[passage])

    def place(found: list[int], passage: int) -> int | None:
        return found.index(passage) + 1 if passage in found else None

    own = [place(found, relevant) for found in lists]
    told = [
        f"{f'place {at}' if at else 'not there'} of {len(found)} by {column}"
        for at, found, column in zip(own, lists, ("BM25", "both", "cosine"), strict=True)
    ]
    drawing = Drawing(
        f"First passages of three lists. The right one, “{named(relevant)}”, is {listed(told)}. First by BM25: "
        f"“{named(lists[0][0])}”, by cosine: “{named(lists[2][0])}”, by both: "
        + ", ".join(f"“{named(passage)}”" for passage in lists[1][:PLACES])
        + "."
    )
    left, wide, step = (14, 202, 390), 156, 34
    tops, later = [], []
    for x, column, found, at in zip(left, COLUMNS, lists, own, strict=True):
        drawing.text(x + wide / 2, 20, column, bold=True)
        top = {passage: 38 + step * number for number, passage in enumerate(found[:PLACES])}
        low = 38 + step * max(min(PLACES, len(one)) for one in lists)
        if at is None or at > PLACES:
            top[relevant] = low + 10
        for passage, y in top.items():
            number = place(found, passage)
            words = f"{number}. {named(passage)}" if number else "not found"
            both = passage in lists[0][:PLACES] and passage in lists[2][:PLACES]
            tone = "green" if passage == relevant else "blue" if both else "plain"
            words = shortened(words, wide - 6, SMALL)
            drawing.box(x, y, wide, 28, words, tone, size=SMALL, heavy=passage == relevant)
        tops.append(top)
        later.append(low + 10 + step * (relevant not in found[:PLACES]))
    missing = [[p for p in lists[1][:PLACES] if p not in tops[side]] for side in (0, 2)]
    for side, absent in zip((0, 2), missing, strict=True):
        if absent:
            words = "later" if len(lists[side]) > PLACES else "not found"
            drawing.box(left[side], later[side], wide, 28, words, "grey", size=SMALL, dashed=True)
        ends = (left[side] + wide, left[1]) if side == 0 else (left[side], left[1] + wide)
        for passage in sorted(tops[1], key=lambda passage: passage == relevant):  # the right one above the others
            if passage == relevant and not (own[1] and own[side]):
                continue
            tone = "green" if passage == relevant else "plain"
            y = tops[side].get(passage, later[side])
            points = (ends[0], y + 14), (ends[1], tops[1][passage] + 14)
            drawing.line(*points, tone=tone, heavy=passage == relevant, dashed=passage not in tops[side])
    y = drawing.height + 22
    drawing.text(280, y, "green: the right passage; blue: in the first ten of both", size=SMALL, color=SOFT)
    return drawing
