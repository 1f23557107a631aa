"""Worked solutions of the exercises on WordPiece. Try first: `check` tells you more than these do."""

import unicodedata
from collections import Counter

from bertlib.text.wordpiece import CHINESE_BLOCKS, is_punctuation, word_spans


def is_chinese(character):
    return any(first <= ord(character) <= last for first, last in CHINESE_BLOCKS)


def cleaned(text):
    """(character, its place in the text), as in the lesson."""
    result = []
    for place, character in enumerate(text):
        if character in "\t\n\r" or (character.isspace() and unicodedata.category(character) != "Cc"):
            result.append((" ", place))
        elif unicodedata.category(character) in ("Cc", "Cf", "Co") or character == "\ufffd":
            continue
        elif is_chinese(character):
            result += [(" ", place), (character, place), (" ", place)]
        else:
            for part in unicodedata.normalize("NFD", character):
                if unicodedata.category(part) != "Mn":
                    result += [(small, place) for small in part.lower()]
    return result


def my_clean(text):
    return "".join(character for character, _ in cleaned(text)).strip()


def words_with_places(text):
    words, word = [], []
    for character, place in [*cleaned(text), (" ", len(text))]:
        if character.isspace() or is_punctuation(character):
            if word:
                words.append(word)
            word = []
            if not character.isspace():
                words.append([(character, place)])
        else:
            word.append((character, place))
    return words


def my_words(text):
    return ["".join(character for character, _ in word) for word in words_with_places(text)]


def my_greedy(word, vocab):
    if len(word) > 100:
        return ["[UNK]"]
    pieces, rest = [], word
    while rest:
        mark = "##" if pieces else ""
        size = len(rest)
        while size and mark + rest[:size] not in vocab:  # ever shorter, until it is known
            size -= 1
        if not size:
            return ["[UNK]"]  # one unknown part, and the whole word is
        pieces.append(mark + rest[:size])
        rest = rest[size:]
    return pieces


def my_offsets(text, vocab):
    spans = []
    for word in words_with_places(text):
        at = 0
        for piece in my_greedy("".join(character for character, _ in word), vocab):
            letters = len(word) if piece == "[UNK]" else len(piece.removeprefix("##"))
            spans.append((word[at][1], word[at + letters - 1][1] + 1))
            at += letters
    return spans


def my_merge(pieces, pair):
    result = []
    for piece in pieces:
        result.append(piece)
        if tuple(result[-2:]) == tuple(pair) and len(result) > 1:
            result[-2:] = [pair[0] + pair[1].removeprefix("##") + "\0"]  # a joined one is not joined again
    return [piece.removesuffix("\0") for piece in result]


def pairs_and_pieces(words):
    pairs, pieces = Counter(), Counter()
    for word, count in words.items():
        marked = [letter if place == 0 else "##" + letter for place, letter in enumerate(word)]
        for place, piece in enumerate(marked):
            pieces[piece] += count
            if place:
                pairs[marked[place - 1], piece] += count
    return pairs, pieces


def my_commonest_pair(words):
    pairs, _ = pairs_and_pieces(words)
    return min(pairs, key=lambda pair: (-pairs[pair], pair))


def my_likeliest_pair(words):
    pairs, pieces = pairs_and_pieces(words)
    return min(pairs, key=lambda pair: (-pairs[pair] / (pieces[pair[0]] * pieces[pair[1]]), pair))


def my_highlight(text, word):
    return [(start, end) for start, end in word_spans(text) if my_clean(text[start:end]) == my_clean(word)]


def my_unknown_share(words, vocab):
    unknown = [word for word in words if my_greedy(word, vocab) == ["[UNK]"]]
    return len(unknown) / len(words)


my_table_share = 27_000 * 640 / (27_000 * 640 + 12 * 4 * 640**2)
