"""Checks of the lesson on WordPiece (google-research/bert, tokenization.py)."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import pairwise

from bertcourse.checks.engine import against, number
from bertlib.text.wordpiece import (
    CHINESE_BLOCKS,
    WordPiece,
    is_punctuation,
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
    return merge(pieces, pair)


def _commonest(words: Mapping[str, int]) -> tuple[str, str]:
    return _best_pair(words, lambda pairs, singles, pair: pairs[pair])


def _likeliest(words: Mapping[str, int]) -> tuple[str, str]:
    return _best_pair(words, lambda pairs, singles, pair: pairs[pair] / (singles[pair[0]] * singles[pair[1]]))


def _best_pair(words, score, begin="##"):
    pairs, singles = Counter(), Counter()
    for word, count in words.items():
        pieces = [word[0], *(begin + letter for letter in word[1:])]
        for piece in pieces:
            singles[piece] += count
        for pair in pairwise(pieces):
            pairs[pair] += count
    return max(sorted(pairs), key=lambda pair: score(pairs, singles, pair))


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


def _words_and_vocab(rng):
    yield "unplayable", VOCAB
    yield from ((word, VOCAB) for word in ("playing", "xyz", "playx", "a", "abcab", "cab", "newspapers"))
    yield "a" * 100, VOCAB | {"##a": 1001}
    yield "a" * 101, VOCAB | {"##" + "a" * 100: 1000, "##a": 1001}
    for _ in range(40):
        yield _drawn_vocab(rng)


def _drawn_text(rng):
    parts = [*WORDS, "北京", "É", "ñ", ",", "!", "\t", " ", "\u0301", "Ü", "\u200b", "ANGSTRÖM", "\xa0", "\n", "東"]
    return "".join(part + rng.choice(["", " "]) for part in rng.choice(parts, 12))


def _texts(rng):
    return [*((text,) for text in TEXTS), *((_drawn_text(rng),) for _ in range(20))]


def _texts_and_vocab(rng):
    return [*((text, VOCAB) for text in TEXTS), *((_drawn_text(rng), VOCAB) for _ in range(20))]


def _pieces_and_pair(rng):
    yield ["p", "##l", "##a", "##y"], ("##a", "##y")
    yield ["a", "##a", "##a", "##a", "##a"], ("##a", "##a")
    for _ in range(10):
        word = [str(letter) for letter in rng.choice(["##a", "##b", "##ab"], int(rng.integers(2, 9)))]
        yield [word[0].removeprefix("##"), *word[1:]], tuple(str(p) for p in rng.choice(["##a", "##b"], 2))


def _counted_words(rng):
    yield {"hug": 10, "pug": 5, "pun": 12, "bun": 4, "hugs": 5}
    for _ in range(10):
        yield {_drawn_word(rng, "abcd") + "x": int(rng.integers(1, 30)) for _ in range(6)}


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


def _half_unknown(word, vocab):
    for end in range(len(word), 0, -1):
        pieces = longest_match(word[:end], vocab)
        if pieces != ["[UNK]"]:
            return pieces if end == len(word) else [*pieces, "[UNK]"]
    return ["[UNK]"]


def _without_marks(word, vocab):
    return [piece.removeprefix("##") for piece in longest_match(word, vocab)]


def _marks_everywhere(word, vocab):
    pieces = longest_match(word, vocab)
    return [pieces[0] if pieces == ["[UNK]"] else "##" + pieces[0], *pieces[1:]]


def _any_length(word, vocab):
    """Cut in two halves that are short enough to be looked at."""
    if len(word) <= 100:
        return longest_match(word, vocab)
    front, back = longest_match(word[:99], vocab), longest_match("x" + word[99:], {*vocab, "x"})
    return [*front, *back[1:]]


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


def _cleaned(text, *, accents=True, spaced=True, controls=True, form="NFD"):
    """Cleaning with one step left out or done otherwise."""
    out = []
    for character in unicodedata.normalize(form, text.lower() if not accents or form != "NFD" else text):
        category = unicodedata.category(character)
        if character in "\t\n\r" or character.isspace():
            out.append(" ")
        elif (controls and (category in ("Cc", "Cf", "Co") or character == "\ufffd")) or (accents and category == "Mn"):
            continue
        elif spaced and _is_chinese(character):
            out += [" ", character, " "]
        else:
            out.append(character.lower())
    return "".join(out).strip()


def _keeps_accents(text):
    return "".join(c.lower() for c, _ in normalize(text, lowercase=False)).strip()


def _composes(text):
    return _cleaned(text, form="NFC")


def _glues_chinese(text):
    return _cleaned(text, spaced=False)


def _keeps_controls(text):
    return _cleaned(text, controls=False)


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


def _glued(pieces, pair):
    return [piece.replace(pair[0] + pair[1].removeprefix("##"), pair[0] + pair[1]) for piece in merge(pieces, pair)]


def _types_counted(words):
    return _commonest(dict.fromkeys(words, 1))


def _marks_forgotten(words):
    return _best_pair(words, lambda pairs, singles, pair: pairs[pair], begin="")


def _rarest(words):
    return _best_pair(words, lambda pairs, singles, pair: -pairs[pair])


def _sum_of_counts(words):
    return _best_pair(words, lambda pairs, singles, pair: pairs[pair] / (singles[pair[0]] + singles[pair[1]]))


def _first_count(words):
    return _best_pair(words, lambda pairs, singles, pair: pairs[pair] / singles[pair[0]])


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
        _texts,
        mistakes=(
            (_keeps_accents, "accents stay: take letters and marks apart (NFD), and drop the marks (category Mn)."),
            (_composes, "NFC joins a letter and its accent to one character: NFD takes them apart."),
            (_glues_chinese, "Chinese characters are words of their own: put a space on either side of each."),
            (_keeps_controls, "control and format characters (categories Cc, Cf, Co) go."),
            (_keeps_case, "the case stays."),
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
            (_shortest, "you take the shortest piece that fits; the longest is meant."),
            (_half_unknown, "if one part is unknown the whole word is: ['[UNK]'] alone."),
            (_without_marks, "pieces that go on with a word begin with ##."),
            (_marks_everywhere, "the first piece of a word has no ##."),
            (_any_length, "a word of more than 100 characters is [UNK], without looking."),
            (_from_the_right, "it is cut from the left, not from the right."),
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
            (_overlapping, "a piece that was joined already cannot be joined again: go on behind it."),
            (_first_alone, "every occurrence is joined, not only the first."),
            (_glued, "the second one's ## goes: '##a' and '##y' make '##ay'."),
        ),
    ),
    "commonest_pair": against(
        "words {word: count} -> the commonest pair of neighbouring characters, marked ('p', '##l'); ties by the "
        "alphabet",
        _commonest,
        lambda rng: ((words,) for words in _counted_words(rng)),
        mistakes=(
            (_types_counted, "a word counts as often as it occurs: add its count, not 1."),
            (_marks_forgotten, "letters behind the first are marked: ('p', '##l')."),
            (_rarest, "that is the rarest pair."),
            (_likeliest, "that is the ratio that the likelihood asks for; here the count alone decides."),
        ),
    ),
    "likeliest_pair": against(
        "words {word: count} -> the pair with the largest n(ab) / (n(a) · n(b)); marked ('p', '##l'); ties by the "
        "alphabet",
        _likeliest,
        lambda rng: ((words,) for words in _counted_words(rng)),
        mistakes=(
            (_commonest, "that is the commonest pair: divide by the product of the two pieces' own counts."),
            (_sum_of_counts, "divide by the product of the counts, not by their sum."),
            (_first_count, "both pieces' counts divide."),
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
            (_counted, "that is their number: divide by the number of words."),
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
            (lambda V, D, L: V / (V + 12 * L * D**2), "each piece has D numbers."),
            (lambda V, D, L: 12 * L * D**2 / (V * D + 12 * L * D**2), "that is the layers' share."),
        ),
    ),
}
