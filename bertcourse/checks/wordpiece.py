"""Checks of the lesson on WordPiece (google-research/bert, tokenization.py)."""

from __future__ import annotations

import contextlib
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from fractions import Fraction
from itertools import pairwise

import numpy as np

from bertcourse.checks.engine import against, number
from bertlib.text.wordpiece import (
    CHINESE_BLOCKS,
    MAX_WORD_LENGTH,
    WordPiece,
    is_punctuation,
    join_pieces,
    longest_match,
    merge,
    normalize,
    split_words,
    word_spans,
)

PIECES = (
    "[PAD] [UNK] [CLS] [SEP] [MASK] play un able the cafe 北 京 a b c cab ab pl re p l news paper , . ! 1 2 ##able "
    "##play "
    "##ing ##er ##e ##d ##s ##i ##n ##g ##a ##b ##c ##ab ##abc ##ay ##p ##l ##y ##paper ##1 ##2"
)
VOCAB = {piece: number for number, piece in enumerate(PIECES.split())}
WORDS = [
    "play",
    "playing",
    "unplayable",
    "plays",
    "player",
    "café",
    "news",
    "newspaper",
    "abc",
    "abcab",
    "cab",
    "able",
    "papers",
]
TEXTS = (
    "Café, cafe, CAFÉ!",
    "a\tb  c",
    " É ",
    "x北y",
    "x\x00y\u200b",
    "ﬁn ½",
    "The news:  playing in 北京.",
    "un-play\tABLE",
    "Cafe\u0301 plays 1,2",
    "«news» — Newspaper; paper?",
    "İstanbul naïve 東京café\u200b x\x00y",
    "a$b ^c Straße ﬁn",
)


def _clean(text: str) -> str:
    return "".join(character for character, _ in normalize(text)).strip()


def _words(text: str) -> list[str]:
    return ["".join(character for character, _ in word) for word in split_words(normalize(text))]


def _encode(text: str, vocab: Mapping[str, int]) -> tuple[list[str], list[tuple[int, int]]]:
    encoding = WordPiece({piece: number for number, piece in enumerate(vocab)}).encode(text, add_special_tokens=False)
    return encoding.tokens, encoding.offsets


def _offsets(text: str, vocab: Mapping[str, int]) -> list[tuple[int, int]]:
    return _encode(text, vocab)[1]


def _merge(pieces: Sequence[str], pair: tuple[str, str]) -> list[str]:
    if pieces[0].startswith("##"):
        raise ValueError(f"pieces={pieces!r}: a word begins without ##")
    return merge(pieces, pair)


def _marked(word: str, begin: str = "##") -> list[str]:
    """A word's characters, all but the first one marked."""
    return [word[0], *(begin + letter for letter in word[1:])]


def _count_pairs(split: Mapping[str, Sequence[str]], counts: Mapping[str, int]) -> Counter[tuple[str, str]]:
    pairs = Counter()
    for word, pieces in split.items():
        for pair in pairwise(pieces):
            pairs[pair] += counts[word]
    return pairs


def _count_pieces(split: Mapping[str, Sequence[str]], counts: Mapping[str, int]) -> Counter[str]:
    pieces = Counter()
    for word, parts in split.items():
        for piece in parts:
            pieces[piece] += counts[word]
    return pieces


def _commonest(words: Mapping[str, int]) -> tuple[str, str]:
    return _best_pair(words, lambda both, left, right: both)


def _likeliest(words: Mapping[str, int]) -> tuple[str, str]:
    split = {word: _marked(word) for word in words}
    pairs, singles = _count_pairs(split, words), _count_pieces(split, words)
    ratios = {pair: _ratio(count, *(singles[piece] for piece in pair)) for pair, count in pairs.items()}
    best = [pair for pair, ratio in ratios.items() if ratio == max(ratios.values())]
    if len(best) > 1:  # rounding would decide
        raise ValueError(f"words={words!r}: {best} have the same ratio")
    return best[0]


def _ratio(both: int, left: int, right: int) -> Fraction:
    return Fraction(both, left * right)


def _best_pair(words, score, begin="##", order=sorted):
    """Of pairs with the same score the one that comes first in this order."""
    split = {word: _marked(word, begin) for word in words}
    pairs, singles = _count_pairs(split, words), _count_pieces(split, words)
    return max(order(pairs), key=lambda pair: score(pairs[pair], singles[pair[0]], singles[pair[1]]))


def _first_of_the_alphabet(pairs: Mapping[tuple[str, str], int]) -> tuple[str, str]:
    return min(pairs, key=lambda pair: (-pairs[pair], pair))


def _learn(words: Mapping[str, int], merges: int, *, choose=_first_of_the_alphabet, begin="##", join=merge):
    """The pairs that training joins, in order, by counting all pairs anew each time."""
    split, joined = {word: _marked(word, begin) for word in words}, []
    for _ in range(merges):
        best = choose(_count_pairs(split, words))
        joined.append(best)
        split = {word: join(pieces, best) for word, pieces in split.items()}
    return joined


def _longest_piece(word: str, start: int, vocab: Mapping[str, int]) -> str | None:
    mark = "##" if start else ""
    fitting = (mark + word[start:end] for end in range(len(word), start, -1))
    return next((piece for piece in fitting if piece in vocab), None)


def _piece_spans(word: Sequence[tuple[str, int]], pieces: Sequence[str]) -> list[tuple[int, int]]:
    spans, at = [], 0
    for piece in pieces:
        length = len(word) if piece == "[UNK]" else len(piece.removeprefix("##"))
        spans.append((word[at][1], word[at + length - 1][1] + 1))
        at += length
    if at != len(word):
        raise ValueError(f"pieces={pieces!r} are not those of word={word!r}")
    return spans


def _highlight(text: str, word: str) -> list[tuple[int, int]]:
    """Spans of the words that are this one, case and accents aside."""
    return [(start, end) for start, end in word_spans(text) if _words(text[start:end]) == _words(word)]


def _unknown_share(words: Sequence[str], vocab: Mapping[str, int]) -> float:
    return sum(longest_match(word, vocab) == ["[UNK]"] for word in words) / len(words)


# ------------------------------------------------------------------------------------------------------------- cases


def _drawn_word(rng, letters="abcplyngried"):
    return "".join(rng.choice(list(letters), int(rng.integers(1, 9))))


def _drawn_vocab(rng):
    """A vocabulary of the drawn word's own parts, some of them missing."""
    word = _drawn_word(rng, "abc")
    ends = [(start, end) for start in range(len(word)) for end in range(start + 1, len(word) + 1)]
    parts = [("##" if start else "") + word[start:end] for start, end in ends]
    return word, {part: number for number, part in enumerate(["[UNK]", *(p for p in parts if rng.random() < 0.6)])}


SMALL = dict(zip("[UNK] un unp play p ##play ##lay ##able ##ab ##le ##s".split(), range(11), strict=True))  # noqa: SIM905


def _words_and_vocab(rng):
    yield "unplayable", SMALL
    yield from ((word, SMALL) for word in ("play", "plays", "p", "unx", "xun", "playxs", "un"))
    of_a = {"[UNK]": 0, "a": 1, "##a": 2, "aa": 3, "##aa": 4}
    yield from (("a" * length, of_a) for length in (100, 101))
    yield from ((word, VOCAB) for word in ("playing", "xyz", "playx", "a", "abcab", "cab", "newspapers"))
    for _ in range(40):
        yield _drawn_vocab(rng)


def _places_in_words(rng):
    yield "unplayable", 3, SMALL
    yield from (("unplayable", start, SMALL) for start in (0, 2, 6))
    yield from (("plays", start, SMALL) for start in (0, 1, 4))
    yield from ((word, start, VOCAB) for word in ("abcab", "xa", "cab") for start in range(len(word)))
    for _ in range(30):
        word, vocab = _drawn_vocab(rng)
        yield word, int(rng.integers(len(word))), vocab


def _words_with_places(rng):
    """Words as `split_words` gives them, with pieces: (character, its place in the text) pairs."""
    yield split_words(normalize("Naïve café"))[1], ["caf", "##e"]
    yield split_words(normalize("ab"))[0], ["a", "##b"]
    yield split_words(normalize("x ab"))[1], ["[UNK]"]
    yield split_words(normalize("x abcdefgh"))[1], ["[UNK]"]
    yield split_words(normalize("Cafe\u0301s!"))[0], ["caf", "##e", "##s"]
    for _ in range(25):
        text = "".join(str(c) for c in rng.choice([*"abcé\u200b", "e\u0301", " "], 14)) + " ab"
        for word in split_words(normalize(text))[-2:]:
            letters = "".join(character for character, _ in word)
            ends = sorted({*(int(end) for end in rng.integers(1, len(letters) + 1, 2)), len(letters)})
            cut = [letters[start:end] for start, end in pairwise([0, *ends])]
            yield word, ["[UNK]"] if rng.random() < 0.2 else [cut[0], *(f"##{piece}" for piece in cut[1:])]


def _drawn_text(rng):
    parts = [*WORDS, "北京", "É", "ñ", ",", "!", "\t", " ", "\u0301", "Ü", "\u200b", "ANGSTRÖM", "\xa0", "\n", "東"]
    return "".join(part + rng.choice(["", " "]) for part in rng.choice(parts, 12))


def _texts(rng):
    return [*((text,) for text in TEXTS), *((_drawn_text(rng),) for _ in range(20))]


def _texts_to_clean(rng):
    yield from _texts(rng)
    yield ("a\x0bb c\x85",)  # white space of category Cc
    yield ("a\u0378b",)  # category Cn: no character has this number
    yield ("x\u4e00y\u9fffz",)  # the two ends of a block


def _texts_and_vocab(rng):
    return [*((text, VOCAB) for text in TEXTS), *((_drawn_text(rng), VOCAB) for _ in range(20))]


def _pieces_and_pair(rng):
    yield ["p", "##l", "##a", "##y"], ("##a", "##y")
    yield ["a", "##b"], ("a", "##b")
    yield ["x", "##b", "##a"], ("##a", "##b")
    yield ["a", "##a", "##a", "##a", "##a"], ("##a", "##a")
    yield ["x", "##a", "##b", "##a", "##b"], ("##a", "##b")
    yield ["x", "##a", "##bc", "##a", "##b"], ("##a", "##b")
    for size in (2, 3, 4, 5, 6, 7, 8, 8, 8, 8):
        word = [str(letter) for letter in rng.choice(["##a", "##b", "##ab"], size)]
        yield [word[0].removeprefix("##"), *word[1:]], tuple(str(p) for p in rng.choice(["##a", "##b"], 2))


HUG = {"hug": 10, "pug": 5, "pun": 12, "bun": 4, "hugs": 5}


def _small_counts(rng):
    """Words that can be counted by eye, then longer ones. No letter stands twice in a row."""
    yield HUG
    for words, length in [(2, 3)] * 12 + [(3, 3)] * 6 + [(4, 6)] * 8:
        drawn = {}
        while len(drawn) < words:
            word = "".join(str(c) for c in rng.choice(list("abcd"), length))
            if all(left != right for left, right in pairwise(word)):
                drawn[word] = int(rng.integers(1, 4 if length == 3 else 30))
        yield drawn


def _counted_words(rng):
    return ((words,) for words in _small_counts(rng))


def _counted_words_without_a_tie(rng):
    """Where just one pair has the largest ratio, so that however it is computed, rounding decides nothing."""
    first, *others = _small_counts(rng)
    weighted = {"ab": 5, "cd": 9, "adb": 1}  # where it matters that words count as often as they occur
    for words in (first, weighted, *others, *_small_counts(rng)):
        with contextlib.suppress(ValueError):
            _likeliest(words)
            yield (words,)


def _splits_and_counts(rng):
    yield {"hug": ["h", "##u", "##g"], "hugs": ["h", "##ug", "##s"]}, {"hug": 10, "hugs": 5}
    for words in _small_counts(rng):
        split = {word: _marked(word) for word in words}
        for pair in _learn(words, int(rng.integers(0, 3))):
            split = {word: merge(pieces, pair) for word, pieces in split.items()}
        yield split, words


def _words_and_merges(rng):
    yield HUG, 1
    yield HUG, 3
    for words in list(_small_counts(rng))[1:]:
        yield words, min(3 if len(next(iter(words))) > 3 else 2, _possible(words))


def _possible(words: Mapping[str, int]) -> int:
    """After so many merges there is still a pair, or there is just none left."""
    merges = 0
    while merges < 10:
        try:
            _learn(words, merges + 1)
        except ValueError:  # nothing left to join
            break
        merges += 1
    return merges


def _texts_and_word(rng):
    yield "Café, cafe, CAFÉ", "café"
    yield "cafeteria, re-cafe; Cafe\u0301!", "Cafe"
    for _ in range(15):
        words = rng.choice(["café", "CAFE", "Cafe\u0301", "cafes", "un", "é", "E", "北", "decafe"], 8)
        yield " ".join(words) + "." + "-".join(words[:3]), str(rng.choice(["cafe", "É", "un", "北"]))


def _many_words(rng):
    yield ["play", "xyz"], VOCAB
    for _ in range(6):
        yield [_drawn_word(rng, "abcx") for _ in range(20)], VOCAB


# ---------------------------------------------------------------------------------------------------- known mistakes


def _shortest(word, vocab):
    pieces, start = [], 0
    while start < len(word):
        prefix = "##" if start else ""
        end = next((end for end in range(start + 1, len(word) + 1) if prefix + word[start:end] in vocab), None)
        if end is None:
            return ["[UNK]"]
        pieces.append(prefix + word[start:end])
        start = end
    return pieces


def _limited(cut):
    """A mistake in cutting that keeps the rule of the 100 characters."""
    return lambda word, vocab: ["[UNK]"] if len(word) > MAX_WORD_LENGTH else cut(word, vocab)


def _half_unknown(word, vocab):
    pieces = _unknown_letters(word, vocab)
    return pieces[: pieces.index("[UNK]") + 1] if "[UNK]" in pieces else pieces


def _never_marked(word, vocab):
    pieces, start = [], 0
    while start < len(word):
        piece = _longest_piece(word[start:], 0, vocab)
        if piece is None:
            return ["[UNK]"]
        pieces.append(piece)
        start += len(piece)
    return pieces


def _without_marks(word, vocab):
    return [piece.removeprefix("##") for piece in longest_match(word, vocab)]


def _marks_everywhere(word, vocab):
    pieces = longest_match(word, vocab)
    return [pieces[0] if pieces == ["[UNK]"] else "##" + pieces[0], *pieces[1:]]


def _any_length(word, vocab):
    pieces, start = [], 0
    while start < len(word):
        piece = _longest_piece(word, start, vocab)
        if piece is None:
            return ["[UNK]"]
        pieces.append(piece)
        start += len(piece) - (2 if start else 0)
    return pieces


def _limit_one_too_low(word, vocab):
    return ["[UNK]"] if len(word) >= MAX_WORD_LENGTH else longest_match(word, vocab)


def _unknown_letters(word, vocab):
    pieces, start = [], 0
    while start < len(word):
        piece = _longest_piece(word, start, vocab)
        pieces.append(piece or "[UNK]")
        start += 1 if piece is None else len(piece) - (2 if start else 0)
    return pieces


def _unknown_string(word, vocab):
    pieces = longest_match(word, vocab)
    return "[UNK]" if pieces == ["[UNK]"] else pieces


def _stops_at_the_unknown(word, vocab):
    pieces = _unknown_letters(word, vocab)
    return pieces[: pieces.index("[UNK]")] if "[UNK]" in pieces else pieces


def _first_of_the_vocab(word, vocab):
    pieces, start = [], 0
    while start < len(word):
        mark = "##" if start else ""
        piece = next(
            (p for p in vocab if p.startswith(mark) and (mark + word[start:]).startswith(p) and p != mark), None
        )
        if piece is None:
            return ["[UNK]"]
        pieces.append(piece)
        start += len(piece) - len(mark)
    return pieces


def _fewest(word, vocab):
    best = [[], *[None] * len(word)]
    for end in range(1, len(word) + 1):
        for start in range(end):
            piece = ("##" if start else "") + word[start:end]
            if (
                piece in vocab
                and best[start] is not None
                and (best[end] is None or len(best[start]) < len(best[end]) - 1)
            ):
                best[end] = [*best[start], piece]
    return best[-1] or ["[UNK]"]


def _shortest_piece(word, start, vocab):
    mark = "##" if start else ""
    return next(
        (mark + word[start:end] for end in range(start + 1, len(word) + 1) if mark + word[start:end] in vocab), None
    )


def _piece_without_mark(word, start, vocab):
    piece = _longest_piece(word, start, vocab)
    return piece and (piece.removeprefix("##") if start else piece)


def _piece_looked_up_without_mark(word, start, vocab):
    return _longest_piece(word[start:], 0, vocab)


def _piece_always_marked(word, start, vocab):
    return _longest_piece("x" + word, start + 1, vocab)


def _never_the_whole_rest(word, start, vocab):
    return _longest_piece(word[:-1], start, vocab)


def _cuts_without_the_whole_rest(word, vocab):
    pieces, start = [], 0
    while start < len(word):
        piece = _never_the_whole_rest(word, start, vocab)
        if piece is None:
            return ["[UNK]"]
        pieces.append(piece)
        start += len(piece) - (2 if start else 0)
    return pieces


def _whole_rest(word, start, vocab):
    piece = ("##" if start else "") + word[start:]
    return piece if piece in vocab else None


def _from_the_front(word, start, vocab):
    return _longest_piece(word, 0, vocab)


def _no_piece_is_unknown(word, start, vocab):
    return _longest_piece(word, start, vocab) or "[UNK]"


def _no_piece_is_empty(word, start, vocab):
    return _longest_piece(word, start, vocab) or ""


def _spans_with(end):
    """Spans whose end is computed otherwise, from the place of the first and the last character and the letters."""

    def spans(word, pieces):
        found, at = [], 0
        for piece in pieces:
            length = len(word) if piece == "[UNK]" else len(piece.removeprefix("##"))
            found.append((word[at][1], end(word, at, length)))
            at += length
        return found

    return spans


def _counted_on(word, pieces):
    spans, start = [], word[0][1]
    for piece in pieces:
        end = start + (len(word) if piece == "[UNK]" else len(piece.removeprefix("##")))
        spans.append((start, end))
        start = end
    return spans


def _starts_where_the_last_ended(word, pieces):
    spans = _piece_spans(word, pieces)
    return [(spans[number - 1][1] if number else start, end) for number, (start, end) in enumerate(spans)]


def _counts_the_marks(word, pieces):
    spans, at = [], 0
    for piece in pieces:
        length = len(word) if piece == "[UNK]" else len(piece)
        spans.append((word[at][1], word[min(at + length, len(word)) - 1][1] + 1))
        at = min(at + length, len(word) - 1)
    return spans


def _unknown_has_five_letters(word, pieces):
    return [(word[0][1], word[min(5, len(word)) - 1][1] + 1)] if pieces == ["[UNK]"] else _piece_spans(word, pieces)


def _in_the_word(word, pieces):
    return _piece_spans([(character, number) for number, (character, _) in enumerate(word)], pieces)


def _from_the_right(word, vocab):
    pieces, end = [], len(word)
    while end:
        start = next((s for s in range(end) if ("##" if s else "") + word[s:end] in vocab), None)
        if start is None:
            return ["[UNK]"]
        pieces.insert(0, ("##" if start else "") + word[start:end])
        end = start
    return pieces


def _is_chinese(character):
    return any(low <= ord(character) <= high for low, high in CHINESE_BLOCKS)


def _cleaned(
    text,
    *,
    accents=True,
    chinese=_is_chinese,
    controls=True,
    form="NFD",
    gone=("Cc", "Cf", "Co"),
    space_first=False,
):
    """Cleaning with one step left out or done otherwise."""
    out = []
    for character in unicodedata.normalize(form, text.lower() if not accents or form != "NFD" else text):
        category = unicodedata.category(character)
        if character in "\t\n\r" or (space_first and character.isspace()):
            out.append(" ")
        elif (controls and (category in gone or character == "\ufffd")) or (accents and category == "Mn"):
            continue
        elif character.isspace() and category != "Cc":
            out.append(" ")
        elif chinese(character):
            out += [" ", character, " "]
        else:
            out.append(character.lower())
    return "".join(out).strip()


def _keeps_accents(text):
    return "".join(c.lower() for c, _ in normalize(text, lowercase=False)).strip()


def _keeps_marks(text):
    return _cleaned(text, accents=False)


def _composes(text):
    return _cleaned(text, form="NFC")


def _composes_each(text):
    """NFC of each character alone."""
    composed = "".join(unicodedata.normalize("NFC", c) for c, _ in normalize(text, lowercase=False))
    return "".join(c.lower() for c in composed if unicodedata.category(c) != "Mn").strip()


def _glues_chinese(text):
    return _cleaned(text, chinese=lambda character: False)


def _keeps_controls(text):
    return _cleaned(text, controls=False)


def _keeps_controls_but_spaces(text):
    return _cleaned(text, controls=False, space_first=True)


def _asks_for_white_space_first(text):
    return _cleaned(text, space_first=True)


def _drops_all_of_c(text):
    return _cleaned(text, gone=("Cc", "Cf", "Co", "Cn", "Cs"))


def _leaves_out_the_last(text):
    return _cleaned(text, chinese=lambda character: any(ord(character) in range(*block) for block in CHINESE_BLOCKS))


def _compatible(text):
    return _cleaned(text, form="NFKD")


def _joins_spaces(text):
    return " ".join(_clean(text).split())


def _keeps_the_ends(text):
    return "".join(character for character, _ in normalize(text))


def _drops_tabs(text):
    return _clean("".join(character for character in text if character not in "\t\n\r"))


def _keeps_case(text):
    cleaned = "".join(c for c, _ in normalize(text, lowercase=False))
    return "".join(c for c in unicodedata.normalize("NFD", cleaned) if unicodedata.category(c) != "Mn").strip()


def _at_spaces(text):
    return _clean(text).split()


def _drops_punctuation(text):
    return "".join(" " if is_punctuation(c) else c for c in _clean(text)).split()


def _without(words):
    return lambda text: ["".join(c for c, _ in word) for word in split_words((c, 0) for c in words(text))]


def _in_the_cleaned_text(text, vocab):
    cleaned = _clean(text)
    return _offsets(cleaned, vocab)


def _end_included(text, vocab):
    return [(start, end - 1) for start, end in _offsets(text, vocab)]


def _lengths(text, vocab):
    return [(start, end - start) for start, end in _offsets(text, vocab)]


def _offsets_counted_on(text, vocab, whole_unknown=False):
    found = []
    for word in split_words(normalize(text)):
        start = word[0][1]
        for piece in longest_match("".join(letter for letter, _ in word), vocab):
            length = len(word) if whole_unknown and piece == "[UNK]" else len(piece.removeprefix("##"))
            found.append((start, start + length))
            start += length
    return found


def _offsets_counted_on_by_words(text, vocab):
    return _offsets_counted_on(text, vocab, whole_unknown=True)


def _unknown_by_its_letters(text, vocab):
    """[UNK] taken for a piece of five letters."""
    found = []
    for word in split_words(normalize(text)):
        places, at = [place for _, place in word], 0
        for piece in longest_match("".join(letter for letter, _ in word), vocab):
            taken = places[at : at + len(piece.removeprefix("##"))]
            found.append((taken[0], taken[-1] + 1))
            at += len(taken)
    return found


def _marks_counted(text, vocab):
    tokens, offsets = _encode(text, vocab)
    return [(start, start + len(token)) for token, (start, _) in zip(tokens, offsets, strict=True)]


def _overlapping(pieces, pair):
    out, joined = [], pair[0] + pair[1].removeprefix("##")
    for index, piece in enumerate(pieces):
        if tuple(pieces[index : index + 2]) == pair:
            out.append(joined)
        elif not (index and tuple(pieces[index - 1 : index + 1]) == pair):
            out.append(piece)
    return out


def _first_alone(pieces, pair):
    for index in range(len(pieces) - 1):
        if tuple(pieces[index : index + 2]) == pair:
            return [*pieces[:index], pair[0] + pair[1].removeprefix("##"), *pieces[index + 2 :]]
    return list(pieces)


def _merge_giving(joined):
    """Merging that writes the joined piece otherwise."""

    def merged(pieces, pair):
        out, at = [], 0
        while at < len(pieces):
            found = tuple(pieces[at : at + 2]) == tuple(pair)
            out.append(joined(*pair) if found else pieces[at])
            at += 2 if found else 1
        return out

    return merged


_glued = _merge_giving(lambda left, right: left + right)
_all_marks_gone = _merge_giving(lambda left, right: (left + right).replace("##", ""))


def _in_the_text(pieces, pair):
    return " ".join(pieces).replace(" ".join(pair), join_pieces(*pair)).split(" ")


def _second_stays(pieces, pair):
    out = []
    for place, piece in enumerate(pieces):
        if tuple(pieces[place : place + 2]) == pair:
            out.append(join_pieces(*pair))
        else:
            out.append(piece)
    return out


def _either_order(pieces, pair):
    return merge(merge(pieces, pair), (pair[1], pair[0]))


def _either_order_joined_in_order(pieces, pair):
    out, at = [], 0
    while at < len(pieces):
        found = len(pieces) > at + 1 and set(pieces[at : at + 2]) == set(pair)
        out.append(join_pieces(*pair) if found else pieces[at])
        at += 2 if found else 1
    return out


def _types_counted(words):
    return _commonest(dict.fromkeys(words, 1))


def _by(score, **how):
    """Mistakes that choose the pair by another score: of equal ones the first of the alphabet, or the first seen."""
    return (
        lambda words: _best_pair(words, score, **how),
        lambda words: _best_pair(words, score, order=list, **how),
    )


_by_count = _by(lambda both, left, right: both)
_by_count_unmarked = _by(lambda both, left, right: both, begin="")
_by_rarity = _by(lambda both, left, right: -both)
_by_ratio = _by(_ratio)
_by_ratio_unmarked = _by(_ratio, begin="")
_by_sum = _by(lambda both, left, right: Fraction(both, left + right))
_by_first_count = _by(lambda both, left, right: Fraction(both, left))
_by_second_count = _by(lambda both, left, right: Fraction(both, right))
_by_the_formula_without_brackets = _by(lambda both, left, right: Fraction(both * right, left))


def _commonest_first_seen(words):
    return _first_seen(_count_pairs({word: _marked(word) for word in words}, words))


FIRST = "of equally common pairs the first of the alphabet is asked for, as Python sorts: ## comes before letters."


def _commonest_last_of_the_alphabet(words):
    return _last_of_the_alphabet(_count_pairs({word: _marked(word) for word in words}, words))


def _first_seen(pairs):
    return max(pairs, key=lambda pair: pairs[pair])


def _last_of_the_alphabet(pairs):
    return max(pairs, key=lambda pair: (pairs[pair], pair))


def _pieces_counted_by_type(words):
    split = {word: _marked(word) for word in words}
    pairs, singles = _count_pairs(split, words), _count_pieces(split, dict.fromkeys(words, 1))
    return max(pairs, key=lambda pair: _ratio(pairs[pair], singles[pair[0]], singles[pair[1]]))


def _all_counted_by_type(words):
    return _by_ratio[1](dict.fromkeys(words, 1))


def _pairs_of_types(split, counts):
    return _count_pairs(split, dict.fromkeys(counts, 1))


def _pairs_of_letters(split, counts):
    return _count_pairs({word: _marked(word) for word in split}, counts)


def _pairs_once_per_word(split, counts):
    pairs = Counter()
    for word, pieces in split.items():
        for pair in set(pairwise(pieces)):
            pairs[pair] += counts[word]
    return pairs


def _pairs_as_texts(split, counts):
    return {left + right: count for (left, right), count in _count_pairs(split, counts).items()}


def _pairs_joined(split, counts):
    pairs = Counter()
    for pair, count in _count_pairs(split, counts).items():
        pairs[join_pieces(*pair)] += count
    return pairs


def _pairs_any_order(split, counts):
    pairs = Counter()
    for pair, count in _count_pairs(split, counts).items():
        pairs[tuple(sorted(pair))] += count
    return pairs


def _last_word_s_count(split, counts):
    """`pairs[pair] = count` where `+=` is meant."""
    return {pair: counts[word] for word, pieces in split.items() for pair in pairwise(pieces)}


def _learns_all_at_once(words, merges):
    pairs = _count_pairs({word: _marked(word) for word in words}, words)
    return sorted(pairs, key=lambda pair: (-pairs[pair], pair))[:merges]


def _learns_without_joining(words, merges):
    return _learn(words, 1) * merges


def _learns_types(words, merges):
    return _learn(dict.fromkeys(words, 1), merges)


def _learns_pieces(words, merges):
    return [join_pieces(*pair) for pair in _learn(words, merges)]


def _learns_first_seen(words, merges):
    return _learn(words, merges, choose=_first_seen)


def _learns_last_of_the_alphabet(words, merges):
    return _learn(words, merges, choose=_last_of_the_alphabet)


def _learns_without_marks(words, merges):
    return _learn(words, merges, begin="")


def _learns_cut_letters(words, merges):
    """Letters without ##, the second of which loses two characters when it is joined."""
    return _learn(words, merges, begin="", join=_merge_giving(lambda left, right: left + right[2:]))


def _learns_double_marks(words, merges):
    return _learn(words, merges, join=_glued)


def _learns_one_too_few(words, merges):
    return _learn(words, merges - 1)


def _learns_one_too_many(words, merges):
    return _learn(words, merges + 1)


def _find_all(text, word, fold=str):
    found, start = [], fold(text).find(fold(word))
    while start >= 0:
        found.append((start, start + len(word)))
        start = fold(text).find(fold(word), start + 1)
    return found


def _exact_case(text, word):
    return [(start, end) for start, end in word_spans(text) if text[start:end] == word]


def _with_accents(text, word):
    return [(start, end) for start, end in word_spans(text) if text[start:end].lower() == word.lower()]


def _highlight_words(text, word):
    return [text[start:end] for start, end in _highlight(text, word)]


def _highlight_cleaned(text, word):
    return _find_all(_clean(text), _clean(word))


def _highlight_word_as_given(text, word):
    return [(start, end) for start, end in word_spans(text) if _clean(text[start:end]) == word]


def _highlight_end_included(text, word):
    return [(start, end - 1) for start, end in _highlight(text, word)]


def _highlight_first(text, word):
    return _highlight(text, word)[:1]


def _highlight_lengths(text, word):
    return [(start, end - start) for start, end in _highlight(text, word)]


def _pieces_unknown(words, vocab):
    pieces = [piece for word in words for piece in longest_match(word, vocab)]
    return pieces.count("[UNK]") / len(pieces)


def _not_in_vocab(words, vocab):
    return sum(word not in vocab for word in words) / len(words)


def _known(words, vocab):
    return 1 - _unknown_share(words, vocab)


def _percent(words, vocab):
    return 100 * _unknown_share(words, vocab)


def _counted(words, vocab):
    return _unknown_share(words, vocab) * len(words)


CHECKS = {
    "clean": against(
        "text -> cleaned text: lower case, no accents, no control characters, Chinese set apart by spaces, ends "
        "stripped",
        _clean,
        _texts_to_clean,
        mistakes=(
            (_keeps_accents, "accents stay: take letters and marks apart (NFD), and drop the marks (category Mn)."),
            (_keeps_marks, "accents stay: drop what NFD splits off as a mark (category Mn)."),
            (_composes, "NFC joins a letter and its accent to one character: NFD takes them apart."),
            (_composes_each, "NFC joins a letter and its accent to one character: NFD takes them apart."),
            (_glues_chinese, "Chinese characters are words of their own: put a space on either side of each."),
            (_keeps_controls, "control and format characters (categories Cc, Cf, Co) go."),
            (_keeps_controls_but_spaces, "control and format characters (categories Cc, Cf, Co) go."),
            (
                _asks_for_white_space_first,
                "in the order of the table: of the white space of category Cc, only tab, line feed and carriage "
                "return become a space; the rest goes.",
            ),
            (_drops_all_of_c, "of the categories that begin with C only Cc, Cf and Co go."),
            (
                _leaves_out_the_last,
                "a pair of CHINESE_BLOCKS has the first and the last code point: both belong to it.",
            ),
            (_keeps_case, "the case stays."),
            (_compatible, "NFKD also writes signs otherwise (ﬁ becomes fi): NFD only takes letters and marks apart."),
            (_joins_spaces, "spaces are not joined here: each white space becomes one space, and two stay two."),
            (_keeps_the_ends, "spaces at both ends go."),
            (
                _drops_tabs,
                "tab and line ends are white space: each becomes a space. (Their category is Cc: ask first.)",
            ),
        ),
    ),
    "words": against(
        "text -> its cleaned words, each punctuation mark a word of its own",
        _words,
        _texts,
        mistakes=(
            (_at_spaces, "punctuation sticks to its word: each mark is a word of its own."),
            (_drops_punctuation, "punctuation marks are words too: they are kept."),
            (_without(_keeps_accents), "accents stay: drop what NFD splits off as a mark (category Mn)."),
            (_without(_keeps_marks), "accents stay: drop what NFD splits off as a mark (category Mn)."),
            (_without(_glues_chinese), "each Chinese character is a word of its own."),
            (_without(_keeps_case), "the case stays."),
        ),
    ),
    "greedy": against(
        "word, vocab (a dict or set of pieces) -> pieces, the longest first from the left; ['[UNK]'] if it cannot be "
        "cut",
        longest_match,
        _words_and_vocab,
        mistakes=(
            (_limited(_shortest), "you take the shortest piece that fits; the longest is meant."),
            (_limited(_half_unknown), "if one part is unknown the whole word is: ['[UNK]'] alone."),
            (_without_marks, "pieces that go on with a word begin with ##."),
            (_marks_everywhere, "the first piece of a word has no ##."),
            (_any_length, "a word of more than 100 characters is ['[UNK]'], whatever the vocabulary holds."),
            (_limit_one_too_low, "a word of exactly 100 characters is still cut; longer ones are [UNK]."),
            (
                _limited(_unknown_letters),
                "one place where nothing fits makes the whole word ['[UNK]'], not only that letter.",
            ),
            (_unknown_string, "['[UNK]'] is asked for, a list with one piece, as for every word; not the text alone."),
            (_limited(_stops_at_the_unknown), "a rest that cannot be cut makes the whole word ['[UNK]']."),
            (_limited(_from_the_right), "it is cut from the left, not from the right."),
            (
                _limited(_fewest),
                "the fewest pieces are not asked for: each step takes the longest piece, whatever comes after it.",
            ),
            (_limited(_never_marked), "after the first piece look for ## and the letters: '##able', not 'able'."),
            (_limited(_cuts_without_the_whole_rest), "the whole rest of the word may be a piece: begin with it."),
            (
                _limited(_first_of_the_vocab),
                "you take the first piece of the vocabulary that fits; the longest is meant.",
            ),
        ),
    ),
    "offsets": against(
        "text, vocab -> (start, end) of each piece in characters of the text as it was given, the end excluded",
        _offsets,
        _texts_and_vocab,
        mistakes=(
            (_in_the_cleaned_text, "these are places in the cleaned text; they must point into the text as it was."),
            (_end_included, "the end is the first place behind the piece, so that text[start:end] is it."),
            (_lengths, "start and end are asked for, not start and length."),
            (
                _offsets_counted_on_by_words,
                "not every letter is one character of the text: use each letter's own place.",
            ),
            (
                _offsets_counted_on,
                "not every letter is one character of the text: use each letter's own place; and [UNK] stands for its "
                "whole word.",
            ),
            (_unknown_by_its_letters, "[UNK] is as long as its word, not as its own five letters."),
            (
                _marks_counted,
                "the ## is not in the text, and an accent may be: take the end from the letters' own places.",
            ),
        ),
    ),
    "merge": against(
        "pieces of a word, pair of neighbours -> pieces with every occurrence of the pair joined, from the left",
        _merge,
        _pieces_and_pair,
        mistakes=(
            (
                lambda pieces, pair: list(pieces),
                "nothing is joined. (A slice of a list is a list, and never equal to a tuple such as the pair.)",
            ),
            (_overlapping, "a piece that was joined already cannot be joined again: go on behind it."),
            (_first_alone, "every occurrence is joined, not only the first."),
            (_glued, "the second one's ## goes: '##a' and '##y' make '##ay'."),
            (
                _all_marks_gone,
                "only the second one's ## goes: '##a' and '##y' make '##ay', which still continues a word.",
            ),
            (_in_the_text, "replacing in a text also finds the pair inside longer pieces ('##a ##b' in '##a ##bc')."),
            (_second_stays, "the second piece is part of the joined one now: skip it, too."),
            (_either_order, "the order counts: only the first piece followed by the second is the pair."),
            (
                _either_order_joined_in_order,
                "the order counts: only the first piece followed by the second is the pair.",
            ),
        ),
    ),
    "count_pairs": against(
        "split {word: its pieces}, counts {word: count} -> {(left, right): how often the two stand side by side}",
        _count_pairs,
        _splits_and_counts,
        mistakes=(
            (_pairs_of_types, "a word counts as often as it occurs: add its count, not 1."),
            (_pairs_of_letters, "count neighbouring pieces, as they stand in split, not the letters of the word."),
            (_last_word_s_count, "a pair stands in several words: add to its count (+=), do not set it anew."),
            (_pairs_once_per_word, "a pair may stand in a word twice, and counts twice."),
            (_pairs_joined, "the keys are pairs, ('##u', '##g'), not the joined pieces."),
            (_pairs_as_texts, "the keys are pairs, ('##u', '##g'), not joined texts."),
            (_pairs_any_order, "the order counts: ('##a', '##b') and ('##b', '##a') are two pairs."),
        ),
    ),
    "learn": against(
        "words {word: count}, merges -> list of the pairs that are joined, in order, such as ('##a', '##y'); of pairs "
        "that are equally common the first of the alphabet",
        _learn,
        _words_and_merges,
        mistakes=(
            (_learns_all_at_once, "count the pairs anew after each merge: a merge changes them."),
            (_learns_without_joining, "join the pair in every word before you count again."),
            (_learns_types, "a word counts as often as it occurs: add its count, not 1."),
            (_learns_pieces, "the pairs are asked for, ('##a', '##y'), not the joined pieces."),
            (
                _learns_first_seen,
                "of equally common pairs you take the one that was seen first (as max and most_common do); the first "
                "of the alphabet is asked for: min(pairs, key=lambda pair: (-pairs[pair], pair)).",
            ),
            (_learns_last_of_the_alphabet, FIRST),
            (_learns_without_marks, "letters after the first are marked: ('p', '##l')."),
            (_learns_cut_letters, "letters after the first are marked: ('p', '##l')."),
            (_learns_double_marks, "the second one's ## goes: '##a' and '##y' make '##ay'."),
            (_learns_one_too_few, "that is one merge too few."),
            (_learns_one_too_many, "that is one merge too many."),
        ),
    ),
    "longest_piece": against(
        "word, start, vocab -> the longest piece of the vocabulary that begins at this place of the word; with ## if "
        "start > 0; None if there is none",
        _longest_piece,
        _places_in_words,
        mistakes=(
            (_shortest_piece, "you take the shortest piece that fits; the longest is meant."),
            (_piece_without_mark, "give the piece as it stands in the vocabulary: with its ##."),
            (_piece_looked_up_without_mark, "inside a word (start > 0) a piece begins with ##: look that up."),
            (_piece_always_marked, "at the front of a word (start 0) a piece has no ##."),
            (_whole_rest, "if the whole rest is no piece, try shorter ones."),
            (_never_the_whole_rest, "the whole rest of the word may be a piece: begin with end = len(word)."),
            (_from_the_front, "the piece begins at start, not at the front of the word."),
            (_no_piece_is_unknown, "if no piece fits, give None; [UNK] is for the whole word."),
            (_no_piece_is_empty, "if no piece fits, give None."),
        ),
    ),
    "piece_spans": against(
        "word [(character, its place in the text), …], its pieces -> (start, end) of each piece in it, end exclusive",
        _piece_spans,
        _words_with_places,
        mistakes=(
            (_in_the_word, "these are places in the word; each character brings its place in the text along."),
            (_spans_with(lambda word, at, length: word[at + length - 1][1]), "the end is exclusive: add 1."),
            (_spans_with(lambda word, at, length: length), "start and end are asked for, not start and length."),
            (
                _spans_with(lambda word, at, length: word[at][1] + length),
                "start plus length is not the end where the text has signs that the piece lacks (accents): take the "
                "place of the piece's last character.",
            ),
            (
                _spans_with(
                    lambda word, at, length: word[at + length][1] if at + length < len(word) else word[-1][1] + 1
                ),
                "the next character's place is not the end where something was dropped between the two: take the "
                "piece's own last character.",
            ),
            (
                _counted_on,
                "counted on from the word's start: characters of the text may be missing in word (accents). Take each "
                "place from the list.",
            ),
            (_starts_where_the_last_ended, "a piece starts at the place of its own first character."),
            (_counts_the_marks, "## is not in the word: leave it out when you count the letters."),
            (_unknown_has_five_letters, "[UNK] stands for the whole word, however long that is."),
        ),
    ),
    "commonest_pair": against(
        "words {word: count} -> the commonest pair of neighbouring characters, marked ('p', '##l'); ties by the "
        "alphabet",
        _commonest,
        _counted_words,
        mistakes=(
            (_types_counted, "a word counts as often as it occurs: add its count, not 1."),
            *((wrong, "letters after the first are marked: ('p', '##l').") for wrong in _by_count_unmarked),
            *(
                (wrong, "that is the pair of the likelihood's ratio; here the count alone decides.")
                for wrong in _by_ratio
            ),
            *((wrong, "that is the rarest pair.") for wrong in _by_rarity),
            (
                _commonest_first_seen,
                "of equally common pairs you take the one that was seen first (as max and most_common do); the first "
                "of the alphabet is asked for.",
            ),
            (_commonest_last_of_the_alphabet, FIRST),
        ),
    ),
    "likeliest_pair": against(
        "words {word: count} -> the pair with the largest n(ab) / (n(a) · n(b)); marked ('p', '##l')",
        _likeliest,
        _counted_words_without_a_tie,
        mistakes=(
            *(
                (wrong, "that is the commonest pair: divide by the product of both pieces' counts.")
                for wrong in _by_count
            ),
            *((wrong, "divide by the product of the counts, not by their sum.") for wrong in _by_sum),
            *((wrong, "both pieces' counts divide.") for wrong in (*_by_first_count, *_by_second_count)),
            *(
                (wrong, "both counts divide: a / b * c is (a / b) * c; put the product in brackets.")
                for wrong in _by_the_formula_without_brackets
            ),
            (_pieces_counted_by_type, "a word counts as often as it occurs, for pairs and single pieces: not 1."),
            (_all_counted_by_type, "a word counts as often as it occurs, for pairs and single pieces: not 1."),
            *(
                (wrong, "letters after the first are marked, and counted apart from unmarked ones.")
                for wrong in _by_ratio_unmarked
            ),
        ),
    ),
    "highlight": against(
        "text, word -> (start, end) of all words of the text that are this one, case and accents aside",
        _highlight,
        _texts_and_word,
        mistakes=(
            (_find_all, "case and accents do not count, and only whole words do."),
            (lambda text, word: _find_all(text, word, str.lower), "only whole words count, and accents do not matter."),
            (_exact_case, "case and accents do not count."),
            (_with_accents, "accents do not count."),
            (_highlight_word_as_given, "the word that is looked for is to be cleaned, too."),
            (_highlight_words, "places are asked for, (start, end), not the words."),
            (
                _highlight_cleaned,
                "these are places in the cleaned text, whole words or not; word_spans has the text's.",
            ),
            (_highlight_end_included, "the end is exclusive: text[start:end] is the word."),
            (_highlight_lengths, "start and end are asked for, not start and length."),
            (_highlight_first, "all of them are asked for, not only the first."),
        ),
    ),
    "unknown_share": against(
        "words, vocab -> the share (0 to 1) of the words that become [UNK]",
        _unknown_share,
        _many_words,
        mistakes=(
            (_pieces_unknown, "count words, not pieces."),
            (_not_in_vocab, "a word that is not in the vocabulary may still be cut into pieces that are."),
            (_known, "that is the share of known words."),
            (_percent, "a share from 0 to 1 is asked for, not percent."),
            (
                lambda words, vocab: 0.0,
                "no word was counted: the cut of a lost word is the list ['[UNK]'], not a text.",
            ),
            (_counted, "that is their number: divide by the number of words."),
        ),
    ),
    "length_factor": number(
        "a factor, to three significant digits",
        lambda rng: {"c": int(rng.integers(30, 70)) / 10},
        "A word has {c} characters on average. Cut into characters instead of words, a text has that many times "
        "as many tokens. By which factor does the T × T part of attention (scores and weights) grow?",
        lambda c: c**2,
        rel_tol=5e-3,
        mistakes=(
            (lambda c: c, "that is how much longer the sequence gets; the T × T part has T² numbers."),
            (lambda c: 2 * c, "squared, not doubled: (c·T) × (c·T) numbers instead of T × T."),
            (lambda c: c**3, "squared, not cubed: (c·T) × (c·T) numbers instead of T × T."),
            (lambda c: c**2 - 1, "that is by how much it grows on top; the factor is asked for."),
        ),
    ),
    "pair_count": number(
        "a whole number",
        lambda rng: {
            name: int(count) for name, count in zip(HUG, rng.choice(np.arange(4, 30), 5, replace=False), strict=True)
        },
        "In a text hug stands {hug} times, pug {pug}, pun {pun}, bun {bun} and hugs {hugs} times; each is cut into its "
        "letters. How often does ##u stand directly before ##g?",
        lambda hug, pug, pun, bun, hugs: hug + pug + hugs,
        mistakes=(
            (lambda hug, pug, pun, bun, hugs: 3, "that is in how many words; each counts as often as it occurs."),
            (lambda hug, pug, pun, bun, hugs: hug + pug, "hugs has them, too."),
            (lambda hug, pug, pun, bun, hugs: hug + hugs, "pug has them, too."),
            (lambda hug, pug, pun, bun, hugs: hug + pug + pun + hugs, "in pun no g stands after the u."),
            (lambda hug, pug, pun, bun, hugs: hug + pug + pun + bun + hugs, "that is how often ##u occurs at all."),
        ),
    ),
    "table_share": number(
        "a share from 0 to 1, to three significant digits",
        lambda rng: {
            "V": int(rng.integers(4, 33)) * 1000,
            "D": int(64 * rng.integers(2, 13)),
            "L": int(rng.integers(2, 13)),
        },
        "A vocabulary of {V} pieces, width {D}, {L} layers of 12·D² parameters each: which share of the parameters "
        "is the "
        "token table (all others left out)?",
        lambda V, D, L: V * D / (V * D + 12 * L * D**2),
        rel_tol=5e-3,
        mistakes=(
            (lambda V, D, L: V * D / (12 * L * D**2), "divide by the sum of both."),
            (lambda V, D, L: V * D / (V * D + 12 * D**2), "each of the layers has 12·D² parameters: count them all."),
            (lambda V, D, L: V / (V + 12 * L * D**2), "each piece has D numbers."),
            (lambda V, D, L: 12 * L * D**2 / (V * D + 12 * L * D**2), "that is the layers' share."),
        ),
    ),
}
