"""Long texts in windows, and labels on word pieces: what stands between a text and a tagger."""

import itertools
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from tokenizers import Tokenizer

from bertlib.text.spans import IGNORED, Span, entities_of, split_tag, to_bio
from bertlib.text.tokenizer import encode_batch

OVERLAP = 0.25  # of a window is read again in the next one


@dataclass
class Pieces:
    """A text as the tagger reads it: N word pieces, without [CLS] and [SEP].

    Attributes:
        ids: (N,) token ids.
        offsets: (N,) start and end of each piece in the text, in characters.
        words: (N,) number of the word, as BERT cuts words, that each piece belongs to.
        core: first and end (exclusive) of the pieces of the text itself; what lies around it is context.
    """

    ids: list[int]
    offsets: list[Span]
    words: list[int]
    core: Span

    def first_of_words(self) -> np.ndarray:
        """(N,) whether a piece is the first of its word."""
        words = np.asarray(self.words)
        return np.concatenate([[True], words[1:] != words[:-1]]) if len(words) else np.zeros(0, dtype=bool)

    def place(self, first: int, last: int, text: str) -> Span:
        """Start and end, in characters, of the words from `first` to `last` (excluded), numbered from 0."""
        begins = np.flatnonzero(self.first_of_words())
        ends = [*begins[1:], len(self.ids)]
        start, end = self.offsets[begins[first]][0], self.offsets[ends[last - 1] - 1][1]
        limit = self.offsets[ends[last - 1]][0] if ends[last - 1] < len(self.ids) else len(text)  # of the next word
        while end < limit and unicodedata.category(text[end]) == "Mn":  # an accent of the last letter
            end += 1
        return start, end

    def entities(self, text: str, scores: np.ndarray, tags: np.ndarray, names: Sequence[str]) -> list[dict]:
        """What a tagger says of a text, by places in it.

        Args:
            scores: (W, C) log-probability of each tag for each of BERT's words.
            tags: (W,) the tag of each that was chosen.
            names: the C tags, of any scheme.

        Returns:
            {"type", "start", "end", "text", "score"} of each entity, in their order; none overlaps the next.
        """
        found = []
        for first, last, kind in entities_of(to_bio([names[tag] for tag in tags], names)):
            start, end = self.place(first, last, text)
            score = float(np.exp(scores[range(first, last), tags[first:last]]).mean())
            found.append({"type": kind, "start": start, "end": end, "text": text[start:end], "score": score})
        return found


def cut_into_pieces(
    tokenizer: Tokenizer, texts: Sequence[str], contexts: Sequence[tuple[str, str]] | None = None
) -> list[Pieces]:
    """Tokenize whole texts, nothing cut off; with contexts (what stands before and after each), those around them."""
    if contexts is None:
        contexts = [("", "")] * len(texts)
    whole = [f"{before} {text} {after}" for text, (before, after) in zip(texts, contexts, strict=True)]
    tokenizer.no_padding()
    tokenizer.no_truncation()
    result = []
    for encoding, joined, text, (before, _) in zip(
        encode_batch(tokenizer, whole, add_special_tokens=False), whole, texts, contexts, strict=True
    ):
        shift = len(before) + 1
        # SentencePiece counts the space before a word in; here a piece begins behind it.
        begins = [end - len(joined[start:end].lstrip()) for start, end in encoding.offsets]
        offsets = [(start - shift, end - shift) for start, (_, end) in zip(begins, encoding.offsets, strict=True)]
        inside = [i for i, (start, end) in enumerate(offsets) if start >= 0 and end <= len(text)]
        core = (inside[0], inside[-1] + 1) if inside else (0, 0)
        result.append(Pieces(encoding.ids, offsets, encoding.word_ids, core))
    return result


def first_pieces(pieces: Pieces, words: Sequence[Span]) -> np.ndarray:
    """For each word (start and end in characters, ascending) the number of its first piece; -1 if no piece begins in
    it.
    """
    first, last = pieces.core
    starts = np.array([start for start, _ in pieces.offsets[first:last]], dtype=np.int64)
    found = np.searchsorted(starts, [start for start, _ in words])
    return np.array(
        [
            first + at if at < len(starts) and starts[at] < end else -1
            for at, (_, end) in zip(found, words, strict=True)
        ],
        dtype=np.int64,
    )


def piece_labels(pieces: Pieces, words: Sequence[Span], tags: Sequence[int], names: Sequence[str]) -> np.ndarray:
    """What each piece is asked for in training, (N,): its word's tag id at the first piece, -100 at the others.

    Where BERT cuts a word of the data into several (`U.S.` is four words to it), each of them is asked for: the first
    for the word's tag, the others for its continuation, so that plain text, of which only BERT's words are known, is
    tagged as well. Scores count one tag per word of the data, whatever BERT made of it.
    """
    goes_on = [
        number if split_tag(name)[0] != "B" else names.index(f"I{name[1:]}") for number, name in enumerate(names)
    ]
    labels = np.full(len(pieces.ids), IGNORED, dtype=np.int64)
    begins = pieces.first_of_words()
    starts = np.array([start for start, _ in pieces.offsets], dtype=np.int64)
    for first, (_, end), tag in zip(first_pieces(pieces, words), words, tags, strict=True):
        if first < 0:
            continue
        labels[first] = tag
        behind = np.searchsorted(starts, end)
        for number in range(first + 1, min(behind, pieces.core[1])):
            if begins[number]:
                labels[number] = goes_on[tag]
    return labels


@dataclass
class Window:
    """A stretch of a text's pieces, `start` to `end`, that goes through the model at once.

    Attributes:
        text: number of the text.
        own: the pieces whose scores are taken from this window; every piece of a text is some window's own, once.
    """

    text: int
    start: int
    end: int
    own: Span

    def labels(self, of_text: np.ndarray) -> np.ndarray:
        """What its pieces are asked for, from the labels of the text's pieces: only its own are."""
        labels = np.full(self.end - self.start, IGNORED)
        first, last = self.own
        labels[first - self.start : last - self.start] = of_text[first:last]
        return labels


def window_starts(first: int, last: int, room: int) -> list[int]:
    """Where windows of `room` pieces begin that cover first to last (exclusive), neighbours sharing OVERLAP of them."""
    step = room - int(room * OVERLAP)
    return [*range(first, last - room, step), max(first, last - room)]


def make_windows(texts: Sequence[Pieces], max_length: int) -> list[Window]:
    """Cut every text into windows of at most max_length tokens, [CLS] and [SEP] included; none of it is dropped.

    Neighbours overlap by a quarter, and each piece belongs to the one in whose middle it lies. A short text takes as
    much of its context along as there is room for, in equal parts before and after it.
    """
    room = max_length - 2
    if room < 4:
        raise ValueError(f"max_length={max_length}: give at least 6, for [CLS], [SEP] and some pieces between them")
    windows = []
    for number, pieces in enumerate(texts):
        first, last = pieces.core
        if last - first <= room:
            spare = room - (last - first)
            before = min(first, max(spare // 2, spare - (len(pieces.ids) - last)))
            start = first - before
            windows.append(Window(number, start, min(start + room, len(pieces.ids)), (first, last)))
            continue
        starts = window_starts(first, last, room)
        borders = [first, *((left + room + right) // 2 for left, right in itertools.pairwise(starts)), last]
        for start, own in zip(starts, itertools.pairwise(borders), strict=True):
            windows.append(Window(number, start, start + room, own))
    return windows
