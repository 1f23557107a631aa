"""Checks of the lesson on Chinese (Cui et al., 2021; Xu et al., 2020)."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection, Sequence

import numpy as np

from bertcourse.checks.engine import against, number
from bertcourse.data.chinese import longest_words, plain_marks, review_key

KEPT = 5  # of what the small model got right, one in so many stays in a filtered set
ROUNDS = 60  # of drawing until every slip leads to a number of its own


def _vocabulary(content: str) -> dict[str, int]:
    return {piece: number for number, piece in enumerate(content.removesuffix("\n").split("\n"))}


def _is_chinese(character: str) -> bool:
    return "\u4e00" <= character <= "\u9fff"


def _unknown(text: str, vocabulary: Collection[str]) -> float:
    own = [character for character in text if _is_chinese(character)]
    return sum(character not in vocabulary for character in own) / len(own) if own else 0.0


def _longest(text: str, words: Collection[str]) -> list[str]:
    return longest_words(text, words)


def _hidden(words: Sequence[int], draws: Sequence[float], probability: float) -> list[bool]:
    return [bool(draws[words.index(word)] < probability) for word in words]


def _token_labels(labels: Sequence[str], offsets: Sequence[tuple[int, int]]) -> list[str]:
    return [labels[start] for start, _ in offsets]


def _clean(texts: Sequence[str], labels: Sequence[int]) -> list[int]:
    return _kept(review_key)(texts, labels)


def _joined(words: Sequence[str], tags: Sequence[str]) -> list[tuple[int, int]]:
    return _people(lambda first, second: len(first) == 1)(words, tags)


def _filtered(texts: int, small_wrong: int, right: int, right_of_wrong: int) -> float:
    kept = small_wrong + (texts - small_wrong) / KEPT
    return 100 * (right_of_wrong + (right - right_of_wrong) / KEPT) / kept


# ------------------------------------------------------------------------------------------------------------- cases

FEW = "上海北京大学生活中国人民的是在了不和有为水火山月日本明天"


def _contents(rng):
    yield ("[PAD]\n中\n国\n",)
    yield ("[PAD]\n…\n\u2028\n‰\n中\n",)
    yield ("[PAD]\n中\n国",)  # no line break behind the last piece
    yield ("a\n\x85\n\u3000\nb\n",)
    yield ("[PAD]\na\n\u3000\n",)
    yield ("[PAD]\n\u2028\n\u2029\n一\n",)
    for _ in range(4):
        pieces = [*rng.permutation(list(FEW))[:5].tolist(), "\u2028", "##一"]
        yield ("\n".join(["[PAD]", *rng.permutation(pieces).tolist()]) + "\n",)


def _texts_and_pieces(rng):
    yield "中国人", {"中", "国"}
    yield "中国人民，大学。", {"中", "国", "大", "，"}
    yield "BERT读中文", {"中", "bert", "读"}
    yield "人人人中", {"中"}  # every occurrence counts
    yield "一丁鿿", {"丁"}  # the first one and the last
    yield "2024!", {"中"}  # no Chinese character at all
    yield "上海，北京。", {"海", "##上", "##北"}  # ##上 is another piece
    for _ in range(5):
        text = "".join(rng.choice(list(FEW + "，。a1"), int(rng.integers(6, 14))))
        yield text, set(rng.permutation(list(FEW))[: int(rng.integers(6, 20))].tolist())


def _marked(rng):
    yield ("“好”",)
    yield ("他说：‘是’……",)
    yield ("北京——上海",)
    yield ("１９９８年“一月”",)  # full-width digits are in the vocabulary, and stay
    yield ("没有",)
    yield ("it’s “so”…—",)
    for _ in range(4):
        yield ("".join(rng.choice(list("“”‘’—…人大，。８")) for _ in range(int(rng.integers(4, 10)))),)


def _cut(rng):
    yield "上海人", {"上海"}
    yield "研究生命起源", {"研究", "研究生", "生命", "起源"}
    yield "他在北京大学", {"北京", "北京大学", "大学"}
    yield "中国人民", {"国人", "中国", "人民", "中国人"}
    yield "的和是", {"上海"}  # no word at all
    yield "大学生活", {"大学", "大学生", "生活", "学生"}
    yield "", {"上海"}
    alphabet = list("一二三四")
    for _ in range(6):
        text = "".join(rng.choice(alphabet, int(rng.integers(5, 10))))
        drawn = {"".join(rng.choice(alphabet, int(rng.integers(2, 4)))) for _ in range(8)}
        yield text, drawn


def _drawn_words(rng):
    yield [0, 0, 1], [0.1, 0.9, 0.5], 0.15
    yield [0, 0, 1], [0.9, 0.1, 0.5], 0.15
    yield [0, 1, 1, 2], [0.2, 0.1, 0.8, 0.14], 0.15
    yield [0, 1, 1, 1, 2], [0.4, 0.3, 0.05, 0.2, 0.15], 0.15  # 0.15 itself is not below 0.15
    yield [3, 3, 4, 5, 5], [0.3, 0.1, 0.2, 0.05, 0.9], 0.3
    for size in (6, 7, 8, 9):
        words = np.repeat(np.arange(size), rng.integers(1, 4, size))[:size].tolist()
        yield words, np.round(rng.random(size), 2).tolist(), float(rng.choice([0.15, 0.3, 0.5]))


def _labelled(rng):
    yield ["O", "B-PER", "I-PER"], [(0, 1), (1, 2), (2, 3)]
    yield ["O", "O", "O", "O", "O", "B-LOC", "I-LOC"], [(0, 4), (4, 5), (5, 6), (6, 7)]  # 1998 is one token
    yield ["O", "O", "B-PER", "I-PER", "O"], [(0, 1), (2, 3), (3, 4), (4, 5)]  # a character that vanishes
    yield ["B-LOC", "I-LOC", "O", "O", "O", "B-PER"], [(0, 1), (1, 2), (2, 5), (5, 6)]
    yield ["O"], [(0, 1)]
    for size in (8, 9, 10, 12):
        place, offsets, labels = 0, [], []
        while place < size:
            long = int(rng.choice([1, 1, 1, 2, 3]))
            label = str(rng.choice(["O", "B-PER", "B-LOC", "B-ORG"]))
            labels += [label] + ["O" if label == "O" else "I" + label[1:]] * (long - 1)
            if rng.random() < 0.75:
                offsets.append((place, place + long))
            place += long
        yield labels, offsets or [(0, 1)]


def _reviews(rng):
    yield ["很好", "不好", "很好"], [1, 0, 1]
    yield ["很好！", "很好。", "还行"], [1, 1, 0]  # copies but for a mark
    yield ["一般", "差", "一般"], [1, 0, 0]  # one text, both labels
    yield ["Good 书", "ｇｏｏｄ书!", "好"], [1, 1, 0]  # width, case and spaces
    yield ["差", "很 好", "很好", "差!", "好"], [0, 1, 0, 0, 1]
    yield ["好", "差"], [1, 0]
    yield ["乙", "甲", "乙", "丙"], [0, 1, 0, 1]  # in the texts' own order
    for _ in range(4):
        size = int(rng.integers(6, 10))
        texts = [str(rng.choice(["很好", "很好！", "差", "差。", "一般", "还 行", "还行"])) for _ in range(size)]
        yield texts, rng.integers(0, 2, size).tolist()


PEOPLE = ("江", "泽民", "李", "鹏", "克林顿", "王", "小明", "陈", "叶利钦")


def _tagged(rng):
    yield ["江", "泽民", "说"], ["nr", "nr", "v"]
    yield ["克林顿", "说"], ["nr", "v"]
    yield ["主席", "江", "泽民", "、", "李", "鹏"], ["n", "nr", "nr", "w", "nr", "nr"]
    yield ["克林顿", "叶利钦", "会谈"], ["nr", "nr", "vn"]  # two people
    yield ["江", "泽民", "李", "鹏"], ["nr", "nr", "nr", "nr"]  # two people, without a mark between
    yield ["小明", "小红", "来"], ["nr", "nr", "v"]  # two given names, no surname
    yield ["老", "王", "在", "北京"], ["a", "nr", "p", "ns"]  # a surname alone
    yield ["北京", "江", "上海"], ["ns", "nr", "ns"]
    yield ["好"], ["a"]
    for _ in range(6):
        words, tags = [], []
        for _ in range(int(rng.integers(4, 8))):
            person = rng.random() < 0.6
            words.append(str(rng.choice(PEOPLE if person else ("北京", "说", "的", "人民日报"))))
            tags.append("nr" if person else {"北京": "ns", "说": "v", "的": "u"}.get(words[-1], "nz"))
        yield words, tags


def _a_benchmark(rng) -> dict:
    """Drawn until every slip leads to a number of its own."""
    for _ in range(ROUNDS):
        texts = 100 * int(rng.integers(10, 21))
        small_wrong = texts // 10 + 10 * int(rng.integers(2, 9))
        right_of_wrong = small_wrong // 2 - 5 * int(rng.integers(0, 8))
        right = right_of_wrong + (texts - small_wrong) - 10 * int(rng.integers(3, 9))
        given = {"texts": texts, "small_wrong": small_wrong, "right": right, "right_of_wrong": right_of_wrong}
        found = [_filtered(**given), *(slip(**given) for slip, _ in SLIPS_OF_FILTERING)]
        if min(abs(one - other) / abs(one) for at, one in enumerate(found) for other in found[:at]) > 0.01:
            return given
    return given


# ---------------------------------------------------------------------------------------- known mistakes: vocabulary


def _numbered(lines: Callable[[str], list[str]], first: int = 0) -> Callable:
    return lambda content: {piece: number for number, piece in enumerate(lines(content), start=first)}


BREAKS = "splitlines() also cuts at U+2028 and other marks: the pieces behind them get other ids. Split at \\n alone."
STRIPPED = "strip() also takes away pieces that are white space themselves."

# ------------------------------------------------------------------------------------------- known mistakes: unknown


def _share(of: Callable[[str], list[str]], lacks: Callable = lambda one, vocabulary: one not in vocabulary) -> Callable:
    def shares(text, vocabulary):
        own = of(text)
        return sum(lacks(one, vocabulary) for one in own) / len(own) if own else 0.0

    return shares


def _chinese(text: str) -> list[str]:
    return [character for character in text if _is_chinese(character)]


# --------------------------------------------------------------------------------------------- known mistakes: plain


def _mapped(**others: str) -> Callable:
    table = {"“": '"', "”": '"', "‘": "'", "’": "'", "—": "-", "…": "."}
    for name, value in others.items():
        for mark in {"quotes": "“”", "single": "‘’", "dash": "—", "ellipsis": "…", "closing": "”’"}[name]:
            table[mark] = mark if value == "same" else value
    return lambda text: "".join(table.get(mark, mark) for mark in text)


LENGTH = "one character for one: else every offset behind it points beside its character."

# ------------------------------------------------------------------------------------------- known mistakes: longest


def _shortest(text: str, words: Collection[str]) -> list[str]:
    return _greedy(text, words, lambda ends: sorted(ends))


def _greedy(text: str, words: Collection[str], order: Callable, single: bool = True) -> list[str]:
    found, start = [], 0
    while start < len(text):
        ends = [end for end in range(start + 2, len(text) + 1) if text[start:end] in words]
        end = order(ends)[0] if ends else start + 1
        if ends or single:
            found.append(text[start:end])
        start = end
    return found


def _longest_of(text: str, words: Collection[str]) -> list[str]:
    return _greedy(text, words, lambda ends: sorted(ends, reverse=True))


def _from_the_right(text: str, words: Collection[str]) -> list[str]:
    found, end = [], len(text)
    while end > 0:
        start = next((start for start in range(end - 1) if text[start:end] in words), end - 1)
        found.insert(0, text[start:end])
        end = start
    return found


def _runs_together(text: str, words: Collection[str]) -> list[str]:
    found: list[str] = []
    open_run = False
    for word in _longest_of(text, words):
        if len(word) == 1 and open_run:
            found[-1] += word
        else:
            found.append(word)
        open_run = len(word) == 1
    return found


# -------------------------------------------------------------------------------------------- known mistakes: hidden


def _by_word(chosen: Callable) -> Callable:
    """Each word by chosen(draws of its tokens, probability)."""

    def hidden(words, draws, probability):
        own: dict[int, list[float]] = {}
        for word, draw in zip(words, draws, strict=True):
            own.setdefault(word, []).append(draw)
        return [bool(chosen(own[word], probability)) for word in words]

    return hidden


# --------------------------------------------------------------------------------------------- known mistakes: clean


def _kept(key: Callable, both: bool = False, once: bool = False, last: bool = False, order: Callable | None = None):
    def clean(texts, labels):
        keys = [key(text) for text in texts]
        of: dict[str, set[int]] = {}
        for one, label in zip(keys, labels, strict=True):
            of.setdefault(one, set()).add(label)
        kept = []
        for place, one in enumerate(keys):
            if not both and len(of[one]) > 1:
                continue
            if once and keys.count(one) > 1:
                continue
            others = keys[place + 1 :] if last else keys[:place]
            if one not in others:
                kept.append(place)
        return sorted(kept, key=lambda place: order(keys[place])) if order else kept

    return clean


def _by_text_and_label(texts, labels):
    pairs = [(review_key(text), label) for text, label in zip(texts, labels, strict=True)]
    return [place for place, pair in enumerate(pairs) if pair not in pairs[:place]]


COPIES = "compare review_key(text): copies differ in marks, spaces, case and width."
BOTH = "a text that stands there with both labels is left out altogether."

# -------------------------------------------------------------------------------------------- known mistakes: joined


def _people(join: Callable, overlap: bool = False, end: int = 0, whole_run: bool = False) -> Callable:
    def people(words, tags):
        starts = np.cumsum([0, *map(len, words)]).tolist()
        found, place = [], 0
        while place < len(words):
            if tags[place] != "nr":
                place += 1
                continue
            last = place
            if whole_run:
                while last + 1 < len(words) and tags[last + 1] == "nr":
                    last += 1
            elif place + 1 < len(words) and tags[place + 1] == "nr" and join(words[place], words[place + 1]):
                last = place + 1
            found.append((starts[place], starts[last + 1] - end))
            place = place + 1 if overlap else last + 1
        return found

    return people


def _in_words(words, tags):
    found, place = [], 0
    while place < len(words):
        if tags[place] == "nr":
            two = len(words[place]) == 1 and tags[place + 1 : place + 2] == ["nr"]
            found.append((place, place + 1 + two))
            place += two
        place += 1
    return found


def _searched(words, tags):
    text = "".join(words)
    names = [text[start:end] for start, end in _joined(words, tags)]
    return [(text.index(name), text.index(name) + len(name)) for name in names]


SLIPS_OF_FILTERING = (
    (
        lambda texts, small_wrong, right, right_of_wrong: 100 * right / texts,
        "that is its accuracy on ALL texts, before any is left out.",
    ),
    (
        lambda texts, small_wrong, right, right_of_wrong: 100 * right_of_wrong / small_wrong,
        "that is its accuracy on what the small model got wrong: a fifth of the others is kept, too.",
    ),
    (
        lambda texts, small_wrong, right, right_of_wrong: (
            100 * (right_of_wrong + right - right_of_wrong) / (small_wrong + (texts - small_wrong) / KEPT)
        ),
        "of those that the small model got right only a fifth is kept, and so of the right answers among them.",
    ),
    (
        lambda texts, small_wrong, right, right_of_wrong: (
            100 * (right_of_wrong + (right - right_of_wrong) / KEPT) / texts
        ),
        "divide by how many texts are left, not by all.",
    ),
    (
        lambda texts, small_wrong, right, right_of_wrong: (
            100 * (right_of_wrong + right / KEPT) / (small_wrong + (texts - small_wrong) / KEPT)
        ),
        "its right answers among the kept fifth: those on what the small model got wrong are not among them.",
    ),
    (
        lambda texts, small_wrong, right, right_of_wrong: (
            100
            * (1 - (right_of_wrong + (right - right_of_wrong) / KEPT) / (small_wrong + (texts - small_wrong) / KEPT))
        ),
        "that is the share it gets wrong.",
    ),
)


CHECKS = {
    "vocabulary": against(
        "content, the text of a vocab.txt: pieces, each behind it a \\n, which may be missing behind the last one -> "
        "a dictionary piece -> id, from 0; a piece may be white space or a mark at which texts are cut elsewhere",
        _vocabulary,
        _contents,
        shrink=False,
        mistakes=(
            (_numbered(str.splitlines), BREAKS),
            (_numbered(lambda content: [line.strip() for line in content.splitlines()]), BREAKS),
            (_numbered(lambda content: [line for line in content.splitlines() if line]), BREAKS + " Nor skip any."),
            (_numbered(lambda content: re.split("[\n\u2028]", content)), BREAKS),
            (
                _numbered(str.split),
                "some pieces are white space themselves: who skips them moves all ids behind them. Split at \\n alone.",
            ),
            (
                _numbered(lambda content: content.split("\n")),
                "behind the last \\n there is no piece: yours gives the empty text an id.",
            ),
            (_numbered(lambda content: content.split("\n")[:-1]), "the last \\n may be missing: then a piece is lost."),
            (_numbered(lambda content: content.strip().split("\n")), STRIPPED),
            (_numbered(lambda content: [line.strip() for line in content.removesuffix("\n").split("\n")]), STRIPPED),
            (_numbered(lambda content: content.removesuffix("\n").split("\n"), 1), "ids count from 0."),
            (
                lambda content: dict(enumerate(content.removesuffix("\n").split("\n"))),
                "piece -> id is asked for: yours is id -> piece.",
            ),
        ),
    ),
    "unknown": against(
        "text, vocabulary, a set of pieces -> of the Chinese characters in the text, \\u4e00 to \\u9fff, the share "
        "that is not in the vocabulary; each occurrence counts; 0 if there are none",
        _unknown,
        _texts_and_pieces,
        shrink=False,
        mistakes=(
            (_share(list), "Chinese characters alone count: leave Latin letters, digits and marks out."),
            (_share(_chinese, lambda one, vocabulary: one in vocabulary), "yours is the share that IS there."),
            (_share(lambda text: sorted({*_chinese(text)})), "each occurrence counts, not each different character."),
            (
                lambda text, vocabulary: sum(one not in vocabulary for one in _chinese(text)) / max(len(text), 1),
                "divide by the number of Chinese characters, not by that of all.",
            ),
            (
                lambda text, vocabulary: sum(one not in vocabulary for one in text) / max(len(_chinese(text)), 1),
                "above the line, too, Chinese characters alone.",
            ),
            (
                lambda text, vocabulary: sum(one not in vocabulary for one in _chinese(text)),
                "a share is asked for: divide by how many Chinese characters there are.",
            ),
            (
                _share(_chinese, lambda one, vocabulary: one not in vocabulary and "##" + one not in vocabulary),
                "##上 continues a word; a Chinese character is a word of its own, for which only 上 counts.",
            ),
            (
                _share(lambda text: [one for one in text if one.isalpha()]),
                "Latin letters are alphabetic, too: \\u4e00 to \\u9fff are asked for.",
            ),
            (lambda text, vocabulary: 100 * _unknown(text, vocabulary), "a share from 0 to 1, no per cent."),
        ),
    ),
    "plain": against(
        "text -> the text with “ and ” as \", ‘ and ’ as ', — as -, … as a single full stop; all else as it is, and "
        "the length as well",
        plain_marks,
        _marked,
        shrink=False,
        mistakes=(
            (_mapped(ellipsis="..."), f"… becomes ONE full stop: {LENGTH}"),
            (_mapped(ellipsis="...", dash="--"), f"… becomes one full stop, — one hyphen: {LENGTH}"),
            (_mapped(dash="--"), f"— becomes ONE hyphen: {LENGTH}"),
            (_mapped(quotes="", single="", dash="", ellipsis=""), f"marks are replaced, not deleted: {LENGTH}"),
            (lambda text: unicodedata.normalize("NFKC", text), "NFKC leaves quotes and dash as they are."),
            (
                lambda text: unicodedata.normalize("NFKC", plain_marks(text)),
                "NFKC changes full-width forms too, which the vocabulary has: replace the six marks alone.",
            ),
            (
                lambda text: plain_marks(unicodedata.normalize("NFKC", text)),
                "NFKC changes full-width forms too, and makes three marks of …: replace the six marks alone.",
            ),
            (_mapped(single="same"), "single quotes ‘ ’ are still there."),
            (_mapped(dash="same", ellipsis="same"), "dash and ellipsis are still there."),
            (_mapped(dash="same"), "the dash — is still there."),
            (_mapped(ellipsis="same"), "the ellipsis … is still there."),
            (_mapped(closing="same"), "closing quotes ” ’ are still there."),
            (_mapped(single='"'), "single quotes become ', double ones become \"."),
        ),
    ),
    "longest": against(
        "text of Chinese characters, words, a set of words of two characters and more -> the list of words that the "
        "text is cut into, from left to right: each time the longest of words that begins there, else one character",
        _longest,
        _cut,
        shrink=False,
        mistakes=(
            (_shortest, "the LONGEST word that begins there: yours takes the shortest."),
            (_from_the_right, "from LEFT to right: yours begins at the end."),
            (
                lambda text, words: _greedy(text, words, lambda ends: sorted(ends, reverse=True), single=False),
                "a character that begins no word is a word of its own: yours loses it.",
            ),
            (_runs_together, "each character that begins no word stands alone: yours joins neighbours."),
            (lambda text, words: list(text), "yours cuts into characters: look for words."),
            (
                lambda text, words: [
                    text[i:j] for i in range(len(text)) for j in range(i + 2, len(text) + 1) if text[i:j] in words
                ],
                "each character belongs to one word: go on behind the word that was found.",
            ),
            (
                lambda text, words: _longest_of(text, {word for word in words if len(word) == 2}),
                "words may be longer than two characters.",
            ),
        ),
    ),
    "hidden": against(
        "words (for each token the number of its word; a word's tokens stand together), draws (a number from 0 to 1 "
        "for each token), probability -> a list of True or False: a token is hidden if its word's FIRST token has a "
        "draw below the probability",
        _hidden,
        _drawn_words,
        shrink=False,
        mistakes=(
            (
                lambda words, draws, probability: [bool(draw < probability) for draw in draws],
                "that hides tokens by themselves: all tokens of a word take its first token's draw.",
            ),
            (_by_word(lambda own, p: own[-1] < p), "the draw of the word's FIRST token counts, not its last one's."),
            (
                _by_word(lambda own, p: min(own) < p),
                "one draw for a word: if any token's draw counts, long words are hidden more often.",
            ),
            (_by_word(lambda own, p: max(own) < p), "one draw for a word: if all count, long words are hardly hidden."),
            (_by_word(lambda own, p: sum(own) / len(own) < p), "one draw for a word, its first token's: no mean."),
            (_by_word(lambda own, p: own[0] > p), "below the probability it is hidden: yours is turned round."),
            (_by_word(lambda own, p: own[0] <= p), "BELOW the probability: equal is not below."),
            (_by_word(lambda own, p: own[0] < 0.15), "the probability is an argument: it is not always 0.15."),
            (
                lambda words, draws, probability: [
                    bool(draws[word] < probability) if word < len(draws) else False for word in words
                ],
                "draws has an entry for each TOKEN: the number of a word is no place in it.",
            ),
        ),
    ),
    "token_labels": against(
        "labels, one for each CHARACTER of a text, offsets, for each token its start and end (exclusive) in the text "
        "-> the list of the tokens' labels: that of the token's first character",
        _token_labels,
        _labelled,
        shrink=False,
        mistakes=(
            (
                lambda labels, offsets: [labels[number] for number, _ in enumerate(offsets)],
                "a token's number is no place in the text: some tokens have several characters, some characters none.",
            ),
            (
                lambda labels, offsets: [*labels],
                "a label for each TOKEN: as many as there are offsets.",
            ),
            (lambda labels, offsets: [labels[end - 1] for _, end in offsets], "of the token's FIRST character."),
            (
                lambda labels, offsets: [label for start, end in offsets for label in labels[start:end]],
                "one label for each token: yours gives one for each character.",
            ),
            (
                lambda labels, offsets: [labels[min(end, len(labels) - 1)] for _, end in offsets],
                "the end is exclusive: the first character stands at the start.",
            ),
            (lambda labels, offsets: [labels[start:end] for start, end in offsets], "one label, not a list of them."),
            (
                lambda labels, offsets: [
                    labels[sum(end - start for start, end in offsets[:number])] for number in range(len(offsets))
                ],
                "characters that vanished take up places as well: use the token's own start.",
            ),
        ),
    ),
    "clean": against(
        "texts, labels -> the list of places (from 0, ascending) of the texts to keep: of copies, whose review_key is "
        "the same, the first one; none of those whose copies have several labels",
        _clean,
        _reviews,
        shrink=False,
        mistakes=(
            (_kept(lambda text: text), COPIES),
            (_kept(str.strip), COPIES),
            (_kept(str.lower), COPIES),
            (_kept(review_key, both=True), BOTH),
            (_by_text_and_label, BOTH + " Yours keeps one of each label."),
            (_kept(lambda text: text, both=True), COPIES + " And " + BOTH),
            (_kept(review_key, once=True), "of copies the first one stays: yours leaves all of them out."),
            (_kept(review_key, last=True), "of copies the FIRST one stays, not the last."),
            (_kept(review_key, order=lambda key: key), "places ascending, in the order of the texts."),
            (
                lambda texts, labels: [texts[place] for place in _clean(texts, labels)],
                "their places are asked for, not the texts.",
            ),
            (
                lambda texts, labels: [place for place in range(len(texts)) if place not in _clean(texts, labels)],
                "the places to KEEP: yours are those to leave out.",
            ),
        ),
    ),
    "joined": against(
        "words and their tags -> the list of the persons' (start, end), in characters of the joined text, end "
        "exclusive: a word tagged nr of ONE character and a word tagged nr right behind it are one person; each other "
        "nr is a person alone; no word is in two persons",
        _joined,
        _tagged,
        shrink=False,
        mistakes=(
            (_people(lambda first, second: False), "surname and given name are one person: join them."),
            (_people(lambda first, second: True), "only a word of ONE character is a surname that waits for a name."),
            (
                _people(lambda first, second: True, whole_run=True),
                "two people may stand side by side: at most two words are one person.",
            ),
            (_people(lambda first, second: len(first) == 1, overlap=True), "no word is in two persons."),
            (_people(lambda first, second: len(first) == 1, end=1), "the end is exclusive: yours is one too small."),
            (_in_words, "places in CHARACTERS of the text, not in words."),
            (_searched, "a name may stand there twice: count characters, do not search for it."),
            (
                _people(lambda first, second: len(second) == 1),
                "the FIRST word, the surname, has one character; the given name may have one or two.",
            ),
            (
                _people(lambda first, second: len(first + second) <= 3 and len(first) < 3),
                "the first has ONE character.",
            ),
            (_people(lambda first, second: len(first) <= 2), "a word of two characters is here no surname."),
        ),
    ),
    "filtered": number(
        "a model's accuracy, in per cent, on what is left of a test set after a small model has chosen",
        _a_benchmark,
        "Of {texts} test texts a small model gets {small_wrong} wrong. A large model is right on {right} of all, and "
        "on {right_of_wrong} of those {small_wrong}. A benchmark keeps all that the small model got wrong and a fifth "
        "of the others, drawn by chance. How many per cent does the large model get right there, on average?",
        _filtered,
        mistakes=SLIPS_OF_FILTERING,
        rel_tol=0.005,
    ),
}
