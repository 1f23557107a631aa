"""Machines of lesson 03: how a word is cut, piece by piece, and how pieces are learned, merge by merge."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product

from bertcourse.diagrams.drawing import Drawing
from bertcourse.diagrams.wordpiece import greedy_steps
from bertcourse.machines.frame import Machine
from bertlib.text.wordpiece import (
    CHINESE_BLOCKS,
    MAX_WORD_LENGTH,
    SPECIAL_TOKENS,
    UNK,
    learn_pieces,
    longest_match,
)

MOST = 20  # of a word's count, on its slider
LONGEST, SHORTEST = 12, 4  # letters of the first word, and of the piece that is hidden in it


def greedy_pieces(vocab: Mapping[str, int], words: Sequence[str]) -> Machine:
    """A text typed: its pieces, ids and offsets; the cut of each word, try by try.

    Args:
        vocab: piece -> id, from 0 on without a gap, lower case.
        words: candidates for what is typed at first. It is the first one of up to 12 letters in which a piece of the
            vocabulary is hidden: greedy does not find it there, and would with other letters before it.

    Raises:
        ValueError: the ids have gaps, a special token is missing, or there is no such word.
    """
    pieces = sorted(vocab, key=vocab.__getitem__)
    if [vocab[piece] for piece in pieces] != list(range(len(pieces))) or not set(SPECIAL_TOKENS) <= set(vocab):
        raise ValueError(
            f"vocab has {len(vocab)} entries: give ids from 0 on, each once, the five special tokens among them"
        )
    found = next((hidden for word in words if len(word) <= LONGEST and (hidden := hidden_piece(vocab, word))), None)
    if found is None:
        raise ValueError(f"words holds {len(words)} words, and greedy finds all their pieces: give more")
    word, wanted, ending = found
    data = {
        "pieces": " ".join(pieces),
        "specials": list(SPECIAL_TOKENS),
        "unknown": UNK,
        "chinese": [list(block) for block in CHINESE_BLOCKS],
        "longest": MAX_WORD_LENGTH,
        "text": word,
        "ending": ending,
        "wanted": wanted,
    }
    question = (
        f"{wanted} is in the vocabulary, and yet {word} is cut into {' '.join(longest_match(word, vocab))}. Which "
        f"other beginning, of at least two letters, must {ending} have so that {wanted} becomes one of its pieces?"
    )
    return Machine("greedy_pieces", "Type a text, see it cut", question, data, greedy_steps(word, vocab))


def hidden_piece(vocab: Mapping[str, int], word: str) -> tuple[str, str, str] | None:
    """A word in this word that is a piece, too, and that greedy does not find, though it would after other letters.

    Returns:
        the word, the longest such piece with its ##, and the word's end from there on; None if there is none.
    """
    cut, letters = longest_match(word, vocab), "abcdefghijklmnopqrstuvwxyz"
    if cut == [UNK]:
        return None
    for length in range(len(word) - 1, SHORTEST - 1, -1):
        for start in range(1, len(word) - length + 1):
            wanted, ending = "##" + word[start : start + length], word[start:]
            if wanted in vocab and wanted.removeprefix("##") in vocab and wanted not in cut:
                fronts = (front for front in map("".join, product(letters, repeat=2)) if front not in word[:start])
                if any(found_after(vocab, front, ending) == wanted for front in fronts):
                    return word, wanted, ending
    return None


def found_after(vocab: Mapping[str, int], front: str, ending: str) -> str | None:
    """The piece with which the ending begins after these letters; None if no piece begins there."""
    place = 0
    for piece in longest_match(front + ending, vocab):
        if place == len(front):
            return piece
        place += len(piece) - (2 if place else 0)
    return None


def merges_moved(words: Mapping[str, int], steps: int, wanted: str, instead_of: str) -> Machine:
    """Merges forward and back, every word after each; the words' counts moved.

    Args:
        words: word -> how often it occurs, 0 to 20.
        steps: pieces that are learned.
        wanted: a piece that is not among them, and is to become one by moving the count of one word.
        instead_of: a piece that is among them, and then no longer.

    Raises:
        ValueError: a count is not on its slider, or the two pieces are not as said above.
    """
    for word, count in words.items():
        if not 0 <= count <= MOST:
            raise ValueError(f"words[{word!r}]={count}: give a count from 0 to {MOST}")
    letters = {piece for word in words for piece in (word[0], *("##" + letter for letter in word[1:]))}
    learned = learn_pieces(words, len(letters) + steps)[len(letters) :]
    if wanted in learned or instead_of not in learned:
        raise ValueError(
            f"wanted={wanted!r}, instead_of={instead_of!r}: of the {steps} pieces, {' '.join(learned)}, "
            "give one as instead_of and none as wanted"
        )
    data = {
        "words": list(words),
        "counts": list(words.values()),
        "most": MOST,
        "steps": steps,
        "least": 2,
        "wanted": wanted,
        "instead": instead_of,
    }
    question = (
        f"Go forward: one of the {steps} merges makes {instead_of}, which is no part of English, and none makes "
        f"{wanted}. Change the count of one word alone: with which is {wanted} learned, and {instead_of} not?"
    )
    listed = list(words.items())
    picture = Drawing(
        f"{len(words)} words cut into letters, with their counts: "
        + ", ".join(f"{word} {count}" for word, count in listed)
        + "."
    )
    for number, (word, count) in enumerate(listed):
        y = 16 + 34 * number
        picture.text(150, y + 14, f"{word}, {count} ×", align="end")
        picture.text(170, y + 14, " · ".join(word), align="start", mono=True)
    return Machine("merges_moved", "Pieces learned, merge by merge", question, data, picture)
