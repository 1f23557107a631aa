"""Answers to the checks on WordPiece."""

from . import Answer

COUNT = """
from collections import Counter, defaultdict

def marked(word):
    return [word[0], *("##" + letter for letter in word[1:])]

def count(split, counts):
    pairs = Counter()
    for word, pieces in split.items():
        for pair in zip(pieces, pieces[1:]):
            pairs[pair] += counts[word]
    return pairs

def join(pieces, pair):
    out, at = [], 0
    while at < len(pieces):
        if tuple(pieces[at:at + 2]) == tuple(pair):
            out.append(pair[0] + pair[1][2:])
            at += 2
        else:
            out.append(pieces[at])
            at += 1
    return out
"""

LEARN = (
    COUNT
    + """
def answer(words, merges):
    split, joined = {word: START for word in words}, []
    for _ in range(merges):
        pairs = count(split, words)
        best = BEST
        joined.append(JOINED)
        split = {word: join(pieces, best) for word, pieces in split.items()}
    return joined
"""
)
FIRST = "min(pairs, key=lambda pair: (-pairs[pair], pair))"


def learn(best=FIRST, start="marked(word)", joined="best"):
    return LEARN.replace("BEST", best).replace("START", start).replace("JOINED", joined)


COMMONEST = COUNT + "def answer(words):\n    pairs = count({word: marked(word) for word in words}, words)\n    return "

LIKELIEST = (
    COUNT
    + """
def answer(words):
    pairs, single = count({word: marked(word) for word in words}, words), Counter()
    for word in words:
        for piece in marked(word):
            single[piece] += WEIGHT
    return max(pairs, key=lambda pair: SCORE)
"""
)


def likeliest(score="pairs[pair] / (single[pair[0]] * single[pair[1]])", weight="words[word]"):
    return LIKELIEST.replace("SCORE", score).replace("WEIGHT", weight)


GREEDY = """
def answer(word, vocab):
    LIMIT
    pieces, start = [], 0
    while start < len(word):
        mark = MARK
        for end in ENDS:
            if mark + word[start:end] in vocab:
                break
        else:
            UNKNOWN
        pieces.append(mark + word[start:end])
        start = end
    return pieces
"""


def greedy(
    limit="if len(word) > 100: return ['[UNK]']",
    mark='"##" if start else ""',
    ends="range(len(word), start, -1)",
    unknown="return ['[UNK]']",
):
    code = GREEDY
    for name, text in (("LIMIT", limit), ("MARK", mark), ("ENDS", ends), ("UNKNOWN", unknown)):
        code = code.replace(name, text)
    return code


LONGEST = """
def answer(word, start, vocab):
    mark = MARK
    for end in ENDS:
        if mark + word[start:end] in vocab:
            return GIVES
    return NONE
"""


def longest(
    mark='"##" if start else ""', ends="range(len(word), start, -1)", gives="mark + word[start:end]", none="None"
):
    code = LONGEST
    for name, text in (("MARK", mark), ("ENDS", ends), ("GIVES", gives), ("NONE", none)):
        code = code.replace(name, text)
    return code


MERGE = """
def answer(pieces, pair):
    out, at = [], 0
    while at < len(pieces):
        if at + 1 < len(pieces) and WHERE:
            out.append(JOINED)
            at += STEP
        else:
            out.append(pieces[at])
            at += 1
    return out
"""


def merging(where="(pieces[at], pieces[at + 1]) == pair", joined="pair[0] + pair[1].replace('##', '')", step="2"):
    return MERGE.replace("WHERE", where).replace("JOINED", joined).replace("STEP", step)


SPANS = """
def answer(word, pieces):
    spans, at = [], 0
    for piece in pieces:
        size = SIZE
        spans.append(SPAN)
        at += size
    return spans
"""
SIZE = "len(word) if piece == '[UNK]' else len(piece.replace('##', ''))"


def spans(span="(word[at][1], word[at + size - 1][1] + 1)", size=SIZE):
    return SPANS.replace("SIZE", size).replace("SPAN", span)


CLEAN = """
import unicodedata
from bertlib.text.wordpiece import CHINESE_BLOCKS

def answer(text):
    out = ""
    for c in IN_TEXT:
        kind = unicodedata.category(c)
        if c in "\\t\\n\\r" or c.isspace() and kind != "Cc":
            out += " "
        elif kind in GONE or c == "\\ufffd":
            continue
        elif any(low <= ord(c) <= high for low, high in CHINESE_BLOCKS):
            out += SIGN
        else:
            out += "".join(p.lower() for p in unicodedata.normalize(FORM, c) if unicodedata.category(p) not in MARKS)
    return END
"""


def clean(
    start="text", gone="('Cc', 'Cf', 'Co')", chinese="f' {c} '", form="'NFD'", marks="('Mn',)", end="out.strip()"
):
    code = CLEAN
    for name, text in (
        ("IN_TEXT", start),
        ("GONE", gone),
        ("SIGN", chinese),
        ("FORM", form),
        ("MARKS", marks),
        ("END", end),
    ):
        code = code.replace(name, text)
    return code


WORDS = (
    "from bertlib.text.wordpiece import *\nfrom bertlib.text.wordpiece import split_words, normalize, is_punctuation\n"
)
OFFSETS = (
    "from bertlib.text.wordpiece import WordPiece, normalize\n\n"
    "def encoded(text, vocab):\n"
    "    return WordPiece({p: n for n, p in enumerate(vocab)}).encode(text, add_special_tokens=False)\n\n"
    "def answer(text, vocab):\n    found = encoded(text, vocab)\n    return "
)
BY_WORDS = """
from bertlib.text.wordpiece import longest_match, normalize, split_words

def answer(text, vocab):
    found = []
    for word in split_words(normalize(text)):
        letters, places = zip(*word)
        at, start = 0, places[0]
        for piece in longest_match("".join(letters), vocab):
            size = SIZE
            BODY
    return found
"""


def by_words(body, size):
    """Offsets from the three functions that the lesson names."""
    return BY_WORDS.replace("SIZE", size).replace("BODY", body.replace("\n", "\n            "))


HIGHLIGHT = """
import unicodedata
from bertlib.text.wordpiece import word_spans, normalize

def plain(text):
    return "".join(c for c, _ in normalize(text)).strip()

def answer(text, word):
    return """

ANSWERS = [
    # ------------------------------------------------------------------------------------------------- count_pairs
    Answer("wordpiece.count_pairs", COUNT + "answer = count", None),
    Answer(
        "wordpiece.count_pairs",
        "from collections import defaultdict\n"
        "def answer(split, counts):\n"
        "    pairs = defaultdict(int)\n"
        "    for word in split:\n"
        "        for i in range(len(split[word]) - 1):\n"
        "            pairs[(split[word][i], split[word][i + 1])] += counts[word]\n"
        "    return pairs",
        None,
    ),
    Answer(
        "wordpiece.count_pairs",
        "def answer(split, counts):\n"
        "    pairs = {}\n"
        "    for word, pieces in split.items():\n"
        "        for pair in zip(pieces, pieces[1:]):\n"
        "            pairs[pair] = pairs.get(pair, 0) + counts[word]\n"
        "    return pairs",
        None,
    ),
    Answer(
        "wordpiece.count_pairs",
        COUNT + "def answer(split, counts): return count(split, {w: 1 for w in counts})",
        "its count",
    ),
    Answer(
        "wordpiece.count_pairs",
        COUNT + "def answer(split, counts): return count({w: marked(w) for w in split}, counts)",
        "not the letters",
    ),
    Answer(
        "wordpiece.count_pairs",
        "def answer(split, counts):\n"
        "    pairs = {}\n"
        "    for word, pieces in split.items():\n"
        "        for pair in zip(pieces, pieces[1:]):\n"
        "            pairs[pair] = counts[word]\n"
        "    return pairs",
        "+=",
    ),
    Answer(
        "wordpiece.count_pairs",
        COUNT + "def answer(split, counts): return {a + b: n for (a, b), n in count(split, counts).items()}",
        "pairs",
    ),
    Answer(
        "wordpiece.count_pairs",
        COUNT + "def answer(split, counts): return {a + b[2:]: n for (a, b), n in count(split, counts).items()}",
        "not the joined",
    ),
    Answer(
        "wordpiece.count_pairs",
        "from collections import Counter\n"
        "def answer(split, counts):\n"
        "    pairs = Counter()\n"
        "    for word, pieces in split.items():\n"
        "        for i in range(1, len(pieces) - 1):\n"
        "            pairs[pieces[i], pieces[i + 1]] += counts[word]\n"
        "    return pairs",
        "is missing",
        ("argument", "alphabet"),
    ),
    Answer("wordpiece.count_pairs", COUNT + "def answer(split, counts): count(split, counts)", "return"),
    # ------------------------------------------------------------------------------------------------------- merge
    Answer("wordpiece.merge", COUNT + "answer = join", None),
    Answer("wordpiece.merge", merging(), None),
    Answer(
        "wordpiece.merge",
        "def answer(pieces, pair):\n"
        "    if len(pieces) < 2:\n"
        "        return list(pieces)\n"
        "    if tuple(pieces[:2]) == pair:\n"
        "        return [pair[0] + pair[1].removeprefix('##'), *answer(pieces[2:], pair)]\n"
        "    return [pieces[0], *answer(pieces[1:], pair)]",
        None,
    ),
    Answer(
        "wordpiece.merge",
        "def answer(pieces, pair):\n"
        "    pieces, i = list(pieces), 0\n"
        "    while i < len(pieces) - 1:\n"
        "        if pieces[i] == pair[0] and pieces[i + 1] == pair[1]:\n"
        "            pieces[i:i + 2] = [pair[0] + pair[1][2:]]\n"
        "        i += 1\n"
        "    return pieces",
        None,
    ),
    Answer("wordpiece.merge", merging(joined="pair[0] + pair[1]"), "## goes"),
    Answer("wordpiece.merge", merging(joined="(pair[0] + pair[1]).replace('##', '')"), "only the second"),
    Answer("wordpiece.merge", merging(step="1"), "skip it", ("argument",)),
    Answer("wordpiece.merge", merging(where="pieces[at:at + 2] == pair"), "never equal to a tuple"),
    Answer(
        "wordpiece.merge",
        "def answer(pieces, pair): return ' '.join(pieces).replace(' '.join(pair), pair[0] + pair[1][2:]).split()",
        "inside longer pieces",
    ),
    Answer(
        "wordpiece.merge",
        "def answer(pieces, pair):\n"
        "    for i in range(len(pieces) - 1):\n"
        "        if tuple(pieces[i:i + 2]) == pair:\n"
        "            return [*pieces[:i], pair[0] + pair[1][2:], *pieces[i + 2:]]\n"
        "    return pieces",
        "not only the first",
    ),
    Answer("wordpiece.merge", merging(where="set(pieces[at:at + 2]) == set(pair)"), "the order counts", ("argument",)),
    Answer(
        "wordpiece.merge",
        "def answer(pieces, pair):\n"
        "    i = 0\n"
        "    while i < len(pieces) - 1:\n"
        "        if tuple(pieces[i:i + 2]) == pair:\n"
        "            pieces[i:i + 2] = [pair[0] + pair[1][2:]]\n"
        "        i += 1\n"
        "    return pieces",
        "in place",
    ),
    # ------------------------------------------------------------------------------------------------------- learn
    Answer("wordpiece.learn", learn(), None),
    Answer("wordpiece.learn", learn("sorted(pairs.items(), key=lambda item: (-item[1], item[0]))[0][0]"), None),
    Answer("wordpiece.learn", learn("min(p for p in pairs if pairs[p] == max(pairs.values()))"), None),
    Answer("wordpiece.learn", learn("max(sorted(pairs), key=pairs.get)", joined="list(best)"), None),
    Answer("wordpiece.learn", learn("pairs.most_common(1)[0][0]"), "seen first", ("argument",)),
    Answer("wordpiece.learn", learn("max(pairs, key=pairs.get)"), "seen first", ("argument",)),
    Answer("wordpiece.learn", learn("max(pairs, key=lambda pair: (pairs[pair], pair))"), "first of the alphabet"),
    Answer("wordpiece.learn", learn(start="list(word)"), "marked"),
    Answer("wordpiece.learn", learn(joined="best[0] + best[1][2:]"), "not the joined pieces"),
    Answer("wordpiece.learn", learn().replace("count(split, words)", "count(split, dict.fromkeys(words, 1))"), "not 1"),
    Answer(
        "wordpiece.learn",
        COUNT
        + "def answer(words, merges):\n"
        + "    pairs = count({w: marked(w) for w in words}, words)\n"
        + "    return sorted(pairs, key=lambda p: (-pairs[p], p))[:merges]",
        "anew",
    ),
    Answer("wordpiece.learn", learn().replace("split = {word: join", "unused = {word: join"), "before you count again"),
    Answer("wordpiece.learn", learn().replace("range(merges)", "range(merges + 1)"), "", ("argument",)),
    # ----------------------------------------------------------------------------------------------- longest_piece
    Answer("wordpiece.longest_piece", longest(), None),
    Answer(
        "wordpiece.longest_piece",
        "def answer(word, start, vocab):\n"
        "    mark = '##' if start > 0 else ''\n"
        "    fitting = [mark + word[start:end] for end in range(start + 1, len(word) + 1)]\n"
        "    return max((p for p in fitting if p in vocab), key=len, default=None)",
        None,
    ),
    Answer(
        "wordpiece.longest_piece",
        "def answer(word, start, vocab):\n"
        "    rest = word[start:] if start == 0 else '##' + word[start:]\n"
        "    while rest not in ('', '##'):\n"
        "        if rest in vocab:\n"
        "            return rest\n"
        "        rest = rest[:-1]",
        None,
    ),
    Answer("wordpiece.longest_piece", longest(ends="range(start + 1, len(word) + 1)"), "shortest"),
    Answer("wordpiece.longest_piece", longest(gives="word[start:end]"), "with its ##"),
    Answer("wordpiece.longest_piece", longest(mark='""'), "begins with ##"),
    Answer("wordpiece.longest_piece", longest(mark='"##"'), "has no ##"),
    Answer("wordpiece.longest_piece", longest(none='"[UNK]"'), "none"),
    Answer("wordpiece.longest_piece", longest(none='""'), "none"),
    Answer(
        "wordpiece.longest_piece",
        longest(ends="range(len(word) - 1, start, -1)"),
        "whole rest",
        ("argument", "shortest"),
    ),
    Answer("wordpiece.longest_piece", longest(gives="(mark + word[start:end], end)"), "", ("argument",)),
    # ------------------------------------------------------------------------------------------------------ greedy
    Answer("wordpiece.greedy", greedy(), None),
    Answer(
        "wordpiece.greedy",
        "def answer(word, vocab):\n"
        "    if len(word) > 100:\n"
        "        return ['[UNK]']\n"
        "    def cut(rest, mark):\n"
        "        if not rest:\n"
        "            return []\n"
        "        for size in range(len(rest), 0, -1):\n"
        "            if mark + rest[:size] in vocab:\n"
        "                tail = cut(rest[size:], '##')\n"
        "                return None if tail is None else [mark + rest[:size], *tail]\n"
        "        return None\n"
        "    return cut(word, '') or ['[UNK]']",
        None,
    ),
    Answer(
        "wordpiece.greedy",
        "class Cutter:\n"
        "    def __call__(self, word, vocab):\n"
        "        pieces, done = (), ''\n"
        "        while done != word and len(word) <= 100:\n"
        "            known = [p for p in vocab if p.startswith('##') == bool(done) and p != '[UNK]'\n"
        "                     and word[len(done):].startswith(p[2:] if done else p)]\n"
        "            if not known:\n"
        "                return ('[UNK]',)\n"
        "            pieces += (max(known, key=len),)\n"
        "            done += pieces[-1][2:] if done else pieces[-1]\n"
        "        return pieces if len(word) <= 100 else ('[UNK]',)\n"
        "answer = Cutter()",
        None,
    ),
    Answer("wordpiece.greedy", greedy(limit="pass"), "100 characters", ("from the right",)),
    Answer("wordpiece.greedy", greedy(limit="if len(word) >= 100: return ['[UNK]']"), "exactly 100"),
    Answer("wordpiece.greedy", greedy(unknown="return '[UNK]'"), "list", ("argument",)),
    Answer(
        "wordpiece.greedy",
        greedy(unknown="pieces.append('[UNK]'); start += 1; continue"),
        "whole word",
        ("argument",),
    ),
    Answer("wordpiece.greedy", greedy(unknown="return [*pieces, '[UNK]']"), "whole", ("argument",)),
    Answer("wordpiece.greedy", greedy(unknown="return pieces"), "whole word"),
    Answer("wordpiece.greedy", greedy(ends="range(start + 1, len(word) + 1)"), "shortest"),
    Answer("wordpiece.greedy", greedy(ends="range(len(word) - 1, start, -1)"), "whole rest", ("argument",)),
    Answer("wordpiece.greedy", greedy(mark="''"), "##able", ("argument", "from the right")),
    # ------------------------------------------------------------------------------------------------- piece_spans
    Answer("wordpiece.piece_spans", spans(), None),
    Answer(
        "wordpiece.piece_spans",
        "def answer(word, pieces):\n"
        "    if pieces == ['[UNK]']:\n"
        "        return [(word[0][1], word[-1][1] + 1)]\n"
        "    rest, found = list(word), []\n"
        "    for piece in pieces:\n"
        "        taken = [rest.pop(0)[1] for _ in piece.removeprefix('##')]\n"
        "        found.append([min(taken), max(taken) + 1])\n"
        "    return found",
        None,
    ),
    Answer(
        "wordpiece.piece_spans",
        "def answer(word, pieces):\n"
        "    sizes = [len(word) if p == '[UNK]' else len(p) - 2 * p.startswith('##') for p in pieces]\n"
        "    ends = np.cumsum(sizes)\n"
        "    return [(word[e - s][1], word[e - 1][1] + 1) for s, e in zip(sizes, ends)]",
        None,
    ),
    Answer("wordpiece.piece_spans", spans("(at, at + size)"), "places in the word"),
    Answer("wordpiece.piece_spans", spans("(word[at][1], word[at + size - 1][1])"), "exclusive"),
    Answer("wordpiece.piece_spans", spans("(word[at][1], size)"), "not start and length"),
    Answer("wordpiece.piece_spans", spans("(word[0][1] + at, word[0][1] + at + size)"), "each place from the list"),
    Answer("wordpiece.piece_spans", spans("(word[at][1], word[at][1] + size)"), "accents"),
    Answer(
        "wordpiece.piece_spans",
        spans("(word[at][1], word[at + size][1] if at + size < len(word) else word[-1][1] + 1)"),
        "dropped",
    ),
    Answer("wordpiece.piece_spans", spans(size="len(piece.replace('##', ''))"), "", ("argument",)),
    Answer("wordpiece.piece_spans", spans(size="len(word) if piece == '[UNK]' else len(piece)"), "", ("argument",)),
    # ---------------------------------------------------------------------------------------------- commonest_pair
    Answer("wordpiece.commonest_pair", COMMONEST + FIRST, None),
    Answer("wordpiece.commonest_pair", COMMONEST + "list(sorted((-n, p) for p, n in pairs.items())[0][1])", None),
    Answer("wordpiece.commonest_pair", COMMONEST + "max(sorted(pairs), key=pairs.get)", None),
    Answer("wordpiece.commonest_pair", COMMONEST + "pairs.most_common(1)[0][0]", "seen first", ("argument",)),
    Answer("wordpiece.commonest_pair", COMMONEST + "max(pairs, key=pairs.get)", "seen first", ("argument",)),
    Answer("wordpiece.commonest_pair", COMMONEST + "max(pairs, key=lambda p: (pairs[p], p))", "first of the alphabet"),
    Answer("wordpiece.commonest_pair", COMMONEST + "min(pairs, key=lambda p: (pairs[p], p))", "rarest"),
    Answer("wordpiece.commonest_pair", COMMONEST.replace("word: marked(word)", "word: list(word)") + FIRST, "marked"),
    Answer(
        "wordpiece.commonest_pair",
        COMMONEST.replace("in words}, words)", "in words}, dict.fromkeys(words, 1))") + FIRST,
        "not 1",
    ),
    Answer("wordpiece.commonest_pair", COMMONEST + FIRST + ", 1", "expected", ("argument",)),
    # ---------------------------------------------------------------------------------------------- likeliest_pair
    Answer("wordpiece.likeliest_pair", likeliest("pairs[pair] / single[pair[0]] / single[pair[1]]"), None),
    Answer(
        "wordpiece.likeliest_pair",
        likeliest("math.log(pairs[pair]) - math.log(single[pair[0]]) - math.log(single[pair[1]])"),
        None,
    ),
    Answer("wordpiece.likeliest_pair", likeliest("-(single[pair[0]] * single[pair[1]]) / pairs[pair]"), None),
    Answer(
        "wordpiece.likeliest_pair",
        likeliest("pairs[pair] * sum(single.values()) / np.prod([single[p] for p in pair])"),
        None,
    ),
    Answer("wordpiece.likeliest_pair", likeliest("pairs[pair]"), "divide by the product", ("argument",)),
    Answer(
        "wordpiece.likeliest_pair", likeliest("pairs[pair] / (single[pair[0]] + single[pair[1]])"), "not by their sum"
    ),
    Answer("wordpiece.likeliest_pair", likeliest(weight="1"), "not 1", ("argument",)),
    Answer(
        "wordpiece.likeliest_pair",
        likeliest("pairs[pair] / single[pair[0]] * single[pair[1]]"),
        "brackets",
        ("argument",),
    ),
    Answer(
        "wordpiece.likeliest_pair",
        likeliest().replace("in marked(word)", "in list(word)").replace("word: marked(word)", "word: list(word)"),
        "marked",
        ("argument",),
    ),
    Answer(
        "wordpiece.likeliest_pair",
        likeliest(weight="1").replace("in words}, words)", "in words}, dict.fromkeys(words, 1))"),
        "not 1",
    ),
    # ----------------------------------------------------------------------------------------------- unknown_share
    Answer(
        "wordpiece.unknown_share",
        greedy().replace("answer", "cut")
        + "def answer(words, vocab): return np.mean([cut(w, vocab) == ['[UNK]'] for w in words])",
        None,
    ),
    Answer(
        "wordpiece.unknown_share",
        greedy().replace("answer", "cut")
        + "def answer(words, vocab):\n"
        + "    lost = 0\n"
        + "    for w in words:\n"
        + "        if '[UNK]' in cut(w, vocab):\n"
        + "            lost += 1\n"
        + "    return lost / len(words)",
        None,
    ),
    Answer(
        "wordpiece.unknown_share",
        "from bertlib.text.wordpiece import longest_match\n"
        "def answer(words, vocab): return 1 - sum(longest_match(w, vocab)[0] != '[UNK]' for w in words) / len(words)",
        None,
    ),
    *(
        Answer(
            "wordpiece.unknown_share",
            "from bertlib.text.wordpiece import longest_match as cut\ndef answer(words, vocab):\n    return " + wrong,
            named,
            ("argument",),
        )
        for wrong, named in (
            ("sum(w not in vocab for w in words) / len(words)", "still be cut"),
            ("sum(cut(w, vocab) == ['[UNK]'] for w in words)", "divide"),
            ("100 * sum(cut(w, vocab) == ['[UNK]'] for w in words) / len(words)", "percent"),
            ("sum(cut(w, vocab) != ['[UNK]'] for w in words) / len(words)", "known words"),
            ("(lambda p: p.count('[UNK]') / len(p))([x for w in words for x in cut(w, vocab)])", "not pieces"),
            ("sum(cut(w, vocab) == '[UNK]' for w in words) / len(words)", "the list"),
        )
    ),
    # ------------------------------------------------------------------------------------------------------- clean
    Answer("wordpiece.clean", clean(), None),
    Answer(
        "wordpiece.clean",
        "from bertlib.text.wordpiece import normalize\n"
        "def answer(text): return ''.join(c for c, _ in normalize(text)).strip()",
        None,
    ),
    Answer(
        "wordpiece.clean",
        "import unicodedata\nfrom bertlib.text.wordpiece import CHINESE_BLOCKS\n"
        "def answer(text):\n"
        "    text = re.sub(r'[\\t\\n\\r]', ' ', text)\n"
        "    text = ''.join(c for c in text if unicodedata.category(c) not in {'Cc', 'Cf', 'Co'} and c != '\\ufffd')\n"
        "    text = ''.join(' ' if c.isspace() else c for c in text)\n"
        "    blocks = ''.join(f'{chr(a)}-{chr(b)}' for a, b in CHINESE_BLOCKS)\n"
        "    text = re.sub(f'([{blocks}])', r' \\1 ', text)\n"
        "    text = unicodedata.normalize('NFD', text)\n"
        "    return ''.join(c for c in text if unicodedata.category(c) != 'Mn').lower().strip()",
        None,
    ),
    Answer("wordpiece.clean", clean(marks="()"), "accents stay"),
    Answer("wordpiece.clean", clean(form="'NFC'"), "nfd takes them apart"),
    Answer("wordpiece.clean", clean(form="'NFKD'"), "nfkd", ("argument",)),
    Answer("wordpiece.clean", clean(end="' '.join(out.split())"), "not joined", ("argument",)),
    Answer("wordpiece.clean", clean(gone="()"), "control"),
    Answer("wordpiece.clean", clean(chinese="c"), "chinese"),
    Answer("wordpiece.clean", clean(end="out"), "both ends"),
    Answer("wordpiece.clean", clean().replace("p.lower()", "p"), "case stays"),
    Answer("wordpiece.clean", clean().replace('c in "\\t\\n\\r" or ', ""), "cc"),
    Answer("wordpiece.clean", clean().replace(' and kind != "Cc"', ""), "in the order of the table"),
    Answer("wordpiece.clean", clean(gone="()").replace(' and kind != "Cc"', ""), "cc, cf, co"),
    Answer("wordpiece.clean", clean().replace("kind in ('Cc', 'Cf', 'Co')", "kind[0] == 'C'"), "only cc, cf and co"),
    Answer("wordpiece.clean", clean().replace("<= high", "< high"), "both belong"),
    # ------------------------------------------------------------------------------------------------------- words
    Answer(
        "wordpiece.words",
        WORDS + "def answer(text): return [''.join(c for c, _ in w) for w in split_words(normalize(text))]",
        None,
    ),
    Answer(
        "wordpiece.words",
        clean().replace("answer", "tidy")
        + WORDS
        + "def answer(text):\n"
        + "    return ''.join(f' {c} ' if is_punctuation(c) else c for c in tidy(text)).split()",
        None,
    ),
    Answer(
        "wordpiece.words",
        clean().replace("answer", "tidy")
        + WORDS
        + "def answer(text):\n"
        + "    words, word = [], ''\n"
        + "    for c in tidy(text) + ' ':\n"
        + "        if c == ' ' or is_punctuation(c):\n"
        + "            words += [w for w in (word, c.strip()) if w]\n"
        + "            word = ''\n"
        + "        else:\n"
        + "            word += c\n"
        + "    return tuple(words)",
        None,
    ),
    *(
        Answer(
            "wordpiece.words", code.replace("answer", "tidy") + WORDS + "def answer(text): return " + rest, named, ()
        )
        for code, rest, named in (
            (clean(), "tidy(text).split()", "sticks"),
            (clean(), "''.join(' ' if is_punctuation(c) else c for c in tidy(text)).split()", "they are kept"),
            (clean(), "re.findall(r'\\w+', tidy(text))", "they are kept"),
            (
                clean(marks="()"),
                "''.join(f' {c} ' if is_punctuation(c) else c for c in tidy(text)).split()",
                "accents stay",
            ),
            (
                clean(chinese="c"),
                "''.join(f' {c} ' if is_punctuation(c) else c for c in tidy(text)).split()",
                "chinese",
            ),
            (clean(), "tidy(text)", "expected a list"),
        )
    ),
    # ----------------------------------------------------------------------------------------------------- offsets
    Answer("wordpiece.offsets", OFFSETS + "found.offsets", None),
    Answer("wordpiece.offsets", OFFSETS + "[list(span) for span in found.offsets]", None),
    Answer("wordpiece.offsets", OFFSETS + "np.array(found.offsets).tolist()", None),
    *(
        Answer("wordpiece.offsets", OFFSETS + wrong, named, ("argument",))
        for wrong, named in (
            ("[(a, b - 1) for a, b in found.offsets]", "text[start:end]"),
            ("[(a, b - a) for a, b in found.offsets]", "not start and length"),
            ("encoded(''.join(c for c, _ in normalize(text)).strip(), vocab).offsets", "cleaned text"),
            ("[(a, a + len(t)) for t, (a, _) in zip(found.tokens, found.offsets)]", "not in the text"),
            ("[text[a:b] for a, b in found.offsets]", "expected"),
            ("found.tokens", "expected"),
        )
    ),
    *(
        Answer("wordpiece.offsets", by_words(body, size), named)
        for body, size, named in (
            ("found.append((places[at], places[at + size - 1] + 1))\nat += size", SIZE, None),
            ("found.append((start, start + size))\nstart += size", SIZE, "own place"),
            ("found.append((start, start + size))\nstart += size", "len(piece.replace('##', ''))", "its whole word"),
            (
                "taken = places[at : at + size]\nfound.append((taken[0], taken[-1] + 1))\nat += size",
                "len(piece.replace('##', ''))",
                "not as its own",
            ),
        )
    ),
    # --------------------------------------------------------------------------------------------------- highlight
    Answer(
        "wordpiece.highlight",
        HIGHLIGHT + "[(a, b) for a, b in word_spans(text) if plain(text[a:b]) == plain(word)]",
        None,
    ),
    Answer(
        "wordpiece.highlight",
        HIGHLIGHT + "list(filter(lambda span: plain(text[slice(*span)]) == plain(word), word_spans(text)))",
        None,
    ),
    Answer(
        "wordpiece.highlight",
        "from bertlib.text.wordpiece import normalize, split_words\n"
        "def answer(text, word):\n"
        "    whole = lambda chars: ''.join(c for c, _ in chars)\n"
        "    wanted, found = whole(split_words(normalize(word))[0]), []\n"
        "    for chars in split_words(normalize(text)):\n"
        "        if whole(chars) == wanted:\n"
        "            end = chars[-1][1] + 1\n"
        "            while end < len(text) and text[end] == '\\u0301':\n"
        "                end += 1\n"
        "            found.append([chars[0][1], end])\n"
        "    return found",
        None,
    ),
    *(
        Answer("wordpiece.highlight", HIGHLIGHT + wrong, named, ("argument",))
        for wrong, named in (
            ("[(a, b) for a, b in word_spans(text) if text[a:b] == word]", "case and accents"),
            ("[(a, b) for a, b in word_spans(text) if text[a:b].lower() == word.lower()]", "accents"),
            ("[m.span() for m in re.finditer(re.escape(word), text)]", "whole words"),
            ("[(a, b) for a, b in word_spans(text) if plain(text[a:b]) == word]", "to be cleaned, too"),
            ("[m.span() for m in re.finditer(re.escape(plain(word)), plain(text))]", "cleaned text"),
            ("[text[a:b] for a, b in word_spans(text) if plain(text[a:b]) == plain(word)]", "not the words"),
            ("[(a, b - 1) for a, b in word_spans(text) if plain(text[a:b]) == plain(word)]", "exclusive"),
        )
    ),
    # ----------------------------------------------------------------------------------------------------- numbers
    Answer("wordpiece.length_factor", "answer = 5.6 ** 2", None),
    Answer("wordpiece.length_factor", "answer = np.float64(31.36)", None),
    Answer("wordpiece.length_factor", "answer = torch.tensor(31.4)", None),
    Answer("wordpiece.length_factor", "answer = 5.6", "t² numbers"),
    Answer("wordpiece.length_factor", "answer = 11.2", "not doubled"),
    Answer("wordpiece.length_factor", "answer = 5.6 ** 3", "not cubed"),
    Answer("wordpiece.length_factor", "answer = 30.36", "on top"),
    Answer("wordpiece.length_factor", "answer = 30", "three significant digits"),
    Answer("wordpiece.length_factor", "answer = '31.4'", "expected a number"),
    Answer("wordpiece.pair_count", "answer = 50", None),
    Answer("wordpiece.pair_count", "answer = 6 + 24 + 20.0", None),
    Answer("wordpiece.pair_count", "answer = np.array([6, 24, 20]).sum()", None),
    Answer("wordpiece.pair_count", "answer = 3", "as often as it occurs"),
    Answer("wordpiece.pair_count", "answer = 57", "in pun no g"),
    Answer("wordpiece.pair_count", "answer = 30", "hugs"),
    Answer("wordpiece.pair_count", "answer = 26", "pug"),
    Answer("wordpiece.pair_count", "answer = 86", "at all"),
    Answer("wordpiece.pair_count", "answer = [50]", "expected a number"),
    Answer("wordpiece.pair_count", "answer = 7 + 29", ""),
    Answer("wordpiece.table_share", "answer = 27000 * 640 / (27000 * 640 + 4 * 12 * 640**2)", None),
    Answer("wordpiece.table_share", "answer = 0.468", None),
    Answer("wordpiece.table_share", "answer = torch.tensor(27000 / (27000 + 48 * 640))", None),
    Answer("wordpiece.table_share", "answer = 46.8", "not percent"),
    Answer("wordpiece.table_share", "answer = 0.5", "three significant digits"),
    Answer("wordpiece.table_share", "answer = 27000 / (48 * 640)", "sum of both"),
    Answer("wordpiece.table_share", "answer = 0.532", "layers' share"),
    Answer("wordpiece.table_share", "answer = 27000 * 640 / (27000 * 640 + 12 * 640**2)", "count them all"),
    Answer("wordpiece.table_share", "answer = 27000 / (27000 + 48 * 640**2)", "each piece has d numbers"),
]
