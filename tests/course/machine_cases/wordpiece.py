"""Machines of lesson 03."""

import re
from itertools import pairwise

import pytest

from bertcourse.machines import wordpiece
from bertlib.data import encoder_folder
from bertlib.text.wordpiece import (
    SPECIAL_TOKENS,
    WordPiece,
    join_pieces,
    learn_pieces,
    longest_match,
    merge,
    normalize,
    split_words,
)

OURS = WordPiece.from_vocab(encoder_folder("bbc_bert") / "vocab.txt")
VOCAB = OURS.vocab
SPECIAL = re.compile("(" + "|".join(map(re.escape, SPECIAL_TOKENS)) + ")")
TEN = {"play": 6, "player": 4, "played": 5, "plays": 3, "say": 4, "says": 5, "day": 6, "days": 3, "stay": 2}
TEN |= {"stayed": 2}
PARTS = [*"abcdeéñßüÅĳŒİσΣς9½²٣", *"☃😀自然語𠀀언\u200b\ufeff\u00ad\u0301\u0323\ufffd\t\n\u3000 "]
PARTS += [*"  '’.,!?-–…£$%+=<&", "[MASK]", "[SEP]", "[mask]", "playable", "unplayable", "out", "government", "ment"]
PARTS += ["Ém", "e\u0301", "x" * 101, " " + "x" * 100 + " ", "</script>", "Naïve café"]


class Asked(dict):
    """A vocabulary that remembers which pieces it was asked for."""

    def __init__(self, vocab):
        super().__init__(vocab)
        self.tries = []

    def __contains__(self, piece):
        self.tries.append(piece)
        return super().__contains__(piece)


def greedy_pieces(*words):
    return wordpiece.greedy_pieces(VOCAB, words or ["budget", "uncharacteristically", "unplayable"])


def draw_text(rng, data):
    text = "".join(PARTS[number] for number in rng.integers(len(PARTS), size=int(rng.integers(0, 14))))
    return {"text": text, "word": int(rng.integers(8)), "step": int(rng.integers(40))}


def words_of(text):
    """A text's words as the library cuts them, special tokens among them as they are written."""
    words = []
    for part in SPECIAL.split(text):
        if part in SPECIAL_TOKENS:
            words.append(part)
        else:
            cut = split_words(normalize(part))
            words += ["".join(character for character, _ in word) for word in cut]
    return words


def expected_text(data, state):
    encoding = OURS.encode(state["text"], add_special_tokens=False)
    found = {"tokens": encoding.tokens, "ids": encoding.ids, "offsets": [list(span) for span in encoding.offsets]}
    words = words_of(state["text"])
    asked = Asked(VOCAB)
    if words and (word := words[min(state["word"], len(words) - 1)]) not in SPECIAL_TOKENS:
        longest_match(word, asked)
    return found | {"chosen": min(state["word"], len(words) - 1), "tries": asked.tries}


def merges_moved(play=6):
    return wordpiece.merges_moved(TEN | {"play": play}, 7, "##ed", "playe")


def expected_merges(data, state):
    counts = dict(zip(data["words"], state["counts"], strict=True))
    split = {word: [word[0], *("##" + letter for letter in word[1:])] for word in counts}
    letters = {piece for pieces in split.values() for piece in pieces}
    learned = learn_pieces(counts, len(letters) + data["steps"], min_count=data["least"])[len(letters) :]
    for piece in learned[: state["step"]]:
        pairs = {pair for pieces in split.values() for pair in pairwise(pieces) if join_pieces(*pair) == piece}
        assert len(pairs) == 1, "which pair made the piece cannot be told: change the words of this case"
        (pair,) = pairs
        split = {word: merge(pieces, pair) for word, pieces in split.items()}
    return {"learned": learned, "shown": min(state["step"], len(learned)), "split": list(split.values())}


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: wordpiece.greedy_pieces({"[PAD]": 0, "a": 2}, ["unplayable"]), "give ids from 0 on"),
        (lambda: greedy_pieces("outplayable", "budget", "☃playable"), "words holds 3 words, and greedy finds all"),
        (lambda: merges_moved(21), r"words\['play'\]=21: give a count from 0 to 20"),
        (lambda: wordpiece.merges_moved(TEN, 7, "playe", "##ed"), "give one as instead_of"),
    ],
)
def test_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


CASES = {
    "greedy_pieces": (
        greedy_pieces,
        lambda: greedy_pieces("xplayable"),
        draw_text,
        expected_text,
        lambda data: [{"step": 4}, {"text": "nplayable"}, {"text": "replayable"}, {"text": "Outplayable!"}],
    ),
    "merges_moved": (
        merges_moved,
        lambda: merges_moved(play=7),
        lambda rng, data: {
            "counts": rng.integers(data["most"] + 1, size=len(data["words"])).tolist(),
            "step": int(rng.integers(data["steps"] + 1)),
        },
        expected_merges,
        lambda data: [{"step": 7}, {"counts": [*data["counts"][:-1], 5], "step": 2}, {"step": 4}],
    ),
}
