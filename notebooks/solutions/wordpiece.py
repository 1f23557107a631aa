"""Worked solutions of the exercises on WordPiece. Try first: `check` tells you more than these do."""

import unicodedata
from collections import Counter
from itertools import pairwise

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


def my_longest_piece(word, start, vocab):
    mark = "##" if start > 0 else ""
    for end in range(len(word), start, -1):  # ever shorter, until it is known
        if mark + word[start:end] in vocab:
            return mark + word[start:end]
    return None


def my_greedy(word, vocab):
    if len(word) > 100:
        return ["[UNK]"]
    pieces, start = [], 0
    while start < len(word):
        piece = my_longest_piece(word, start, vocab)
        if piece is None:
            return ["[UNK]"]  # one unknown part, and the whole word is
        pieces.append(piece)
        start += len(piece) if start == 0 else len(piece) - 2  # the ## is not in the word
    return pieces


def my_piece_spans(word, pieces):
    spans, at = [], 0
    for piece in pieces:
        letters = len(word) if piece == "[UNK]" else len(piece.removeprefix("##"))
        spans.append((word[at][1], word[at + letters - 1][1] + 1))
        at += letters
    return spans


def my_offsets(text, vocab):
    spans = []
    for word in words_with_places(text):
        spans += my_piece_spans(word, my_greedy("".join(character for character, _ in word), vocab))
    return spans


def my_merge(pieces, pair):
    result = []
    for piece in pieces:
        result.append(piece)
        if tuple(result[-2:]) == tuple(pair) and len(result) > 1:
            result[-2:] = [pair[0] + pair[1].removeprefix("##") + "\0"]  # a joined one is not joined again
    return [piece.removesuffix("\0") for piece in result]


def cut_into_letters(words):
    return {word: [letter if place == 0 else "##" + letter for place, letter in enumerate(word)] for word in words}


def my_count_pairs(split, counts):
    pairs = Counter()
    for word, pieces in split.items():
        for left, right in pairwise(pieces):
            pairs[left, right] += counts[word]
    return pairs


def first_of_the_commonest(pairs):
    return min(pairs, key=lambda pair: (-pairs[pair], pair))  # the alphabet decides among equals


def my_commonest_pair(words):
    return first_of_the_commonest(my_count_pairs(cut_into_letters(words), words))


def my_learn(words, merges):
    split, joined = cut_into_letters(words), []
    for _ in range(merges):
        best = first_of_the_commonest(my_count_pairs(split, words))
        split = {word: my_merge(pieces, best) for word, pieces in split.items()}
        joined.append(best)
    return joined


def my_likeliest_pair(words):
    split = cut_into_letters(words)
    pairs, pieces = my_count_pairs(split, words), Counter()
    for word in words:
        for piece in split[word]:
            pieces[piece] += words[word]
    return max(pairs, key=lambda pair: pairs[pair] / (pieces[pair[0]] * pieces[pair[1]]))


def my_highlight(text, word):
    return [(start, end) for start, end in word_spans(text) if my_clean(text[start:end]) == my_clean(word)]


def my_unknown_share(words, vocab):
    unknown = [word for word in words if my_greedy(word, vocab) == ["[UNK]"]]
    return len(unknown) / len(words)


my_length_factor = 5.6**2

my_pair_count = 6 + 24 + 20

my_table_share = 27_000 * 640 / (27_000 * 640 + 12 * 4 * 640**2)
