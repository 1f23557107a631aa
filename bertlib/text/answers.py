"""Answers in windows: a question beside each window of its context, and the best spans over all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from tokenizers import Tokenizer

from bertlib.text.spans import Span
from bertlib.text.tokenizer import encode_batch, framing_ids
from bertlib.text.windows import Pieces, cut_into_pieces, window_starts

LONGEST = 30  # pieces that an answer may have, as in google-research/bert, run_squad.py
KEPT = 20  # candidates over which probability is shared out, as there


@dataclass
class Reading:
    """A question with one window of its context, as the model reads it: [CLS] question [SEP] window [SEP].

    Attributes:
        row: number of the question.
        start, end: the window's pieces, of the context's, from start to end (exclusive).
        before: tokens before the window.
    """

    row: int
    start: int
    end: int
    before: int

    def place(self, span: Span) -> list[int]:
        """Tokens of an answer's first and last piece; [CLS] twice where the window lacks a part of it."""
        first, last = (piece - self.start + self.before for piece in span)
        return [first, last] if self.start <= span[0] and span[1] < self.end else [0, 0]


@dataclass(frozen=True)
class Candidate:
    """A stretch of a context that may be the answer: places in characters, score in logits, start's and end's added."""

    start: int
    end: int
    score: float


def best_spans(starts: np.ndarray, ends: np.ndarray, n: int, longest: int = LONGEST) -> list[tuple[int, int, float]]:
    """The n best spans: from `first` to `last` (included), first ≤ last, at most `longest` tokens; best first.

    Args:
        starts, ends: (T,) scores of each token as first and as last; -inf where none may begin or end.
    """
    after = np.concatenate([ends, np.full(longest, -np.inf)])
    of_lengths = np.lib.stride_tricks.sliding_window_view(after, longest)[: len(ends)]  # there may be no token at all
    sums = starts[:, None] + of_lengths  # (T, longest), by their lengths
    order = np.argsort(-sums, axis=None, kind="stable")[:n]
    firsts, more = np.unravel_index(order[sums.flat[order] > -np.inf], sums.shape)
    return [(int(first), int(first + rest), float(sums[first, rest])) for first, rest in zip(firsts, more, strict=True)]


def pieces_of(pieces: Pieces, span: Span) -> Span:
    """First and last piece of the words that a span of characters touches.

    Raises:
        ValueError: it touches none.
    """
    touched = [i for i, (start, end) in enumerate(pieces.offsets) if start < span[1] and end > span[0]]
    if not touched:
        raise ValueError("holds nothing that the tokenizer reads")
    words = [pieces.words[touched[0]], pieces.words[touched[-1]]]
    return pieces.words.index(words[0]), len(pieces.words) - 1 - pieces.words[::-1].index(words[1])


def read_with_questions(
    tokenizer: Tokenizer, questions: Sequence[str], contexts: Sequence[str], max_length: int
) -> tuple[list[list[int]], list[list[int]], list[Reading], list[Pieces]]:
    """Every question with every window of its context, none of which is dropped.

    Returns:
        Of each window token ids, segment ids (1 for the window and its [SEP]) and place; of each context its pieces.

    Raises:
        ValueError: a text is blank, or a question leaves no room for a window; the message names it.
    """
    if max_length < 8:
        raise ValueError(f"max_length={max_length}: give at least 8, for [CLS], a question, two [SEP] and a window")
    for name, texts in (("question", questions), ("context", contexts)):
        for number, text in enumerate(texts):
            if not text.strip():
                raise ValueError(f"{name} {number} is {text!r:.40}: give a text with something in it")
    different = list(dict.fromkeys(contexts))  # many questions may be about one text
    of_text = dict(zip(different, cut_into_pieces(tokenizer, different), strict=True))
    asked = [encoding.ids for encoding in encode_batch(tokenizer, questions, add_special_tokens=False)]
    first, last = framing_ids(tokenizer)
    sequences, segments, readings, cut = [], [], [], [of_text[text] for text in contexts]
    for row, (ids, pieces) in enumerate(zip(asked, cut, strict=True)):
        before = [first, *ids, last]
        room = max_length - len(before) - 1
        if room < 4 or not ids:
            raise ValueError(
                f"question {row} has {len(ids)} pieces: with max_length={max_length} give 1 to {max_length - 7}, so "
                "that a window of the context has room beside it"
            )
        for start in window_starts(0, len(pieces.ids), room):
            window = pieces.ids[start : start + room]
            readings.append(Reading(row, start, start + len(window), len(before)))
            sequences.append([*before, *window, last])
            segments.append([0] * len(before) + [1] * (len(window) + 1))
    return sequences, segments, readings, cut


class Spans:
    """The best spans of one context, gathered from its windows.

    They are of whole words (BERT's). One that two windows hold counts once, with its better score. "No answer" is worth
    what it is in the window where it is worth least: one window that sees an answer is enough (run_squad.py).

    Attributes:
        nothing: score of "no answer", [CLS] as first and last token.
    """

    def __init__(self, pieces: Pieces, n: int):
        self.pieces, self.n, self.nothing = pieces, n, np.inf
        self.first = pieces.first_of_words()
        self.last = np.append(self.first[1:], True)
        self.scores: dict[Span, float] = {}

    def add(self, reading: Reading, scores: np.ndarray) -> None:
        """Take in a window's logits, (T, 2) or more rows, padding at the end."""
        scores = scores.astype(np.float64)
        own = scores[reading.before : reading.before + reading.end - reading.start]
        begins, ends = (flags[reading.start : reading.end] for flags in (self.first, self.last))
        starts, lasts = np.where(begins, own[:, 0], -np.inf), np.where(ends, own[:, 1], -np.inf)
        for first, last, score in best_spans(starts, lasts, self.n):
            span = (first + reading.start, last + reading.start)
            self.scores[span] = max(score, self.scores.get(span, -np.inf))
        self.nothing = min(self.nothing, float(scores[0].sum()))

    def best(self, context: str) -> list[Candidate]:
        """The n best, best first; of equals the one that begins, then ends, first."""
        order = sorted(self.scores, key=lambda span: (-self.scores[span], span))[: self.n]
        word = np.cumsum(self.first) - 1  # of each piece
        return [
            Candidate(*self.pieces.place(word[first], word[last] + 1, context), self.scores[first, last])
            for first, last in order
        ]


def decided(best: Sequence[Candidate], nothing: float, context: str, threshold: float) -> dict:
    """The best candidate as text, places and share of probability; none where "no answer" is ahead by the threshold."""
    scores = np.array([nothing, *(candidate.score for candidate in best)])
    shares = np.exp(scores - scores.max()) / np.exp(scores - scores.max()).sum()
    if not best or nothing - best[0].score > threshold:
        return {"text": "", "start": None, "end": None, "score": float(shares[0])}
    start, end = best[0].start, best[0].end
    return {"text": context[start:end], "start": start, "end": end, "score": float(shares[1])}
