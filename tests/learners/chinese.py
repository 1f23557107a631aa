"""Answers to the checks on Chinese."""

from . import Answer


def pieces(lines, named, *never, code="return {p: i for i, p in enumerate(lines)}"):
    body = f"    lines = {lines}\n    {code}\n"
    return Answer("chinese.vocabulary", f"def answer(content):\n{body}", named, never)


def unknown(code, named, *never):
    head = "han = lambda c: '\\u4e00' <= c <= '\\u9fff'\n\ndef answer(text, vocabulary):\n"
    return Answer("chinese.unknown", f"{head}{code}", named, never)


def plain(expression, named, *never, lead=""):
    return Answer("chinese.plain", f"{lead}\ndef answer(text):\n    return {expression}\n", named, never)


TABLE = "{'“': '\"', '”': '\"', '‘': \"'\", '’': \"'\", '—': '-', '…': '.'}"


def longest(to, named, *never, change=""):
    code = """
def answer(text, words):
    found, i = [], 0
    while i < len(text):
        for j in range(len(text), i, -1):
            if text[i:j] in words or j == i + 1:
                found.append(text[i:j])
                i = j
                break
    return found
"""
    assert change in code
    return Answer("chinese.longest", code.replace(change, to) if change else to or code, named, never)


def hidden(code, named, *never):
    return Answer("chinese.hidden", f"def answer(words, draws, probability):\n{code}", named, never)


def labels(expression, named, *never):
    return Answer("chinese.token_labels", f"def answer(labels, offsets):\n    return {expression}\n", named, never)


KEY = "import unicodedata\n\ndef key(t):\n"
KEY += "    return ''.join(c for c in unicodedata.normalize('NFKC', t).lower() if c.isalnum())\n"


def clean(code, named, *never):
    return Answer("chinese.clean", f"{KEY}\ndef answer(texts, labels):\n{code}", named, never)


def joined(to, named, *never, change=""):
    code = """
def answer(words, tags):
    found, start, i = [], 0, 0
    while i < len(words):
        end = start + len(words[i])
        if tags[i] == "nr":
            if len(words[i]) == 1 and i + 1 < len(words) and tags[i + 1] == "nr":
                i += 1
                end += len(words[i])
            found.append((start, end))
        start = end
        i += 1
    return found
"""
    assert change in code
    return Answer("chinese.joined", code.replace(change, to) if change else to or code, named, never)


def filtered(code, named, *never):
    return Answer("chinese.filtered", f"answer = {code}\n", named, never)


FIRST = """    of = {}
    for t, y in zip(texts, labels):
        of.setdefault(KEYED, set()).add(y)
    seen, kept = set(), []
    for i, t in enumerate(texts):
        if KEYED not in seen and len(of[KEYED]) == 1:
            kept.append(i)
        seen.add(KEYED)
    return kept
"""

ANSWERS = [
    # right, in other forms
    pieces("content.removesuffix('\\n').split('\\n')", None),
    pieces("content.split('\\n')", None, code="return {p: i for i, p in enumerate(lines) if p}"),
    pieces("re.findall('[^\\n]+', content)", None, code="return dict(zip(lines, range(len(lines))))"),
    pieces("content.rstrip('\\n').split('\\n')", None),
    unknown(
        "    own = [c for c in text if han(c)]\n    return sum(c not in vocabulary for c in own) / max(len(own), 1)\n",
        None,
    ),
    unknown(
        "    own = np.array([c in vocabulary for c in text if han(c)])\n    return 1 - own.mean() if len(own) else 0\n",
        None,
    ),
    unknown(
        "    own = re.findall('[\\u4e00-\\u9fff]', text)\n    if not own:\n        return 0.0\n"
        "    return len([c for c in own if c not in vocabulary]) / len(own)\n",
        None,
    ),
    plain(f"text.translate(str.maketrans({TABLE}))", None),
    plain(f"''.join({TABLE}.get(c, c) for c in text)", None),
    plain(
        "re.sub('[“”]', '\"', re.sub('[‘’]', \"'\", text)).replace('—', '-').replace('…', '.')",
        None,
    ),
    longest("", None),
    longest("range(min(len(text), i + 8), i, -1)", None, change="range(len(text), i, -1)"),
    longest(
        """
def answer(text, words):
    if not text:
        return []
    fits = [w for w in words if text.startswith(w)] or [text[0]]
    first = max(fits, key=len)
    return [first] + answer(text[len(first):], words)
""",
        None,
    ),
    longest(
        "def answer(text, words):\n"
        "    every = sorted(words, key=len, reverse=True)\n"
        "    return re.findall('|'.join([*map(re.escape, every), '.']), text)\n",
        None,
    ),
    hidden("    return [draws[words.index(w)] < probability for w in words]\n", None),
    hidden(
        "    first = {}\n    for w, d in zip(words, draws):\n        first.setdefault(w, d)\n"
        "    return [first[w] < probability for w in words]\n",
        None,
    ),
    hidden(
        "    found = []\n    for i, w in enumerate(words):\n        if i and w == words[i - 1]:\n"
        "            found.append(found[-1])\n        else:\n            found.append(draws[i] < probability)\n"
        "    return found\n",
        None,
    ),
    hidden(
        "    _, first, back = np.unique(words, return_index=True, return_inverse=True)\n"
        "    return (np.array(draws)[first] < probability)[back].tolist()\n",
        None,
    ),
    labels("[labels[start] for start, end in offsets]", None),
    labels("[labels[o[0]] for o in offsets]", None),
    labels("[labels[s:e][0] for s, e in offsets]", None),
    labels("list(np.array(labels)[[s for s, _ in offsets]])", None),
    clean(FIRST.replace("KEYED", "key(t)"), None),
    clean(
        "    ks = [key(t) for t in texts]\n"
        "    return [i for i, k in enumerate(ks) if ks.index(k) == i\n"
        "            and len({y for o, y in zip(ks, labels) if o == k}) == 1]\n",
        None,
    ),
    clean(
        "    first, bad = {}, set()\n    for i, (t, y) in enumerate(zip(texts, labels)):\n        k = key(t)\n"
        "        if k in first and labels[first[k]] != y:\n            bad.add(k)\n        first.setdefault(k, i)\n"
        "    return [i for k, i in first.items() if k not in bad]\n",
        None,
    ),
    joined("", None),
    joined(
        """
def answer(words, tags):
    found, start, waiting = [], 0, False
    for w, t in zip(words, tags):
        if t == "nr" and waiting:
            found[-1] = (found[-1][0], start + len(w))
            waiting = False
        else:
            waiting = t == "nr" and len(w) == 1
            if t == "nr":
                found.append((start, start + len(w)))
        start += len(w)
    return found
""",
        None,
    ),
    joined(
        """
def answer(words, tags):
    starts = [len("".join(words[:i])) for i in range(len(words) + 1)]
    found, used = [], -1
    for i in range(len(words)):
        if tags[i] != "nr" or i <= used:
            continue
        used = i + (len(words[i]) == 1 and tags[i + 1:i + 2] == ["nr"])
        found.append((starts[i], starts[used + 1]))
    return found
""",
        None,
    ),
    # wrong, each told what it is
    pieces("content.splitlines()", "splitlines() also cuts"),
    pieces("[l for l in content.splitlines() if l]", "splitlines() also cuts"),
    pieces("content.split()", "white space themselves"),
    pieces("content.split('\\n')", "no piece"),
    pieces("content.split('\\n')[:-1]", "a piece is lost"),
    pieces("[l.strip() for l in content.removesuffix('\\n').split('\\n')]", "strip()"),
    pieces(
        "content.removesuffix('\\n').split('\\n')",
        "count from 0",
        code="return {p: i + 1 for i, p in enumerate(lines)}",
    ),
    pieces(
        "content.removesuffix('\\n').split('\\n')",
        "yours is id -> piece",
        code="return {i: p for i, p in enumerate(lines)}",
    ),
    unknown("    return sum(c not in vocabulary for c in text) / len(text)\n", "chinese characters alone"),
    unknown(
        "    own = [c for c in text if han(c)]\n    return sum(c in vocabulary for c in own) / max(len(own), 1)\n",
        "that is there",
    ),
    unknown(
        "    own = {c for c in text if han(c)}\n    return sum(c not in vocabulary for c in own) / max(len(own), 1)\n",
        "each occurrence",
    ),
    unknown("    return sum(han(c) and c not in vocabulary for c in text) / len(text)\n", "not by that of all"),
    unknown("    return sum(han(c) and c not in vocabulary for c in text)\n", "a share is asked for"),
    unknown(
        "    own = [c for c in text if han(c)]\n"
        "    return 100 * sum(c not in vocabulary for c in own) / max(len(own), 1)\n",
        "no per cent",
    ),
    unknown(
        "    own = [c for c in text if c.isalpha()]\n"
        "    return sum(c not in vocabulary for c in own) / max(len(own), 1)\n",
        "latin letters",
    ),
    plain("text.replace('“', '\"').replace('”', '\"').replace('—', '-').replace('…', '.')", "single quotes"),
    plain(
        "text.replace('“', '\"').replace('”', '\"').replace('‘', \"'\").replace('’', \"'\")"
        ".replace('—', '-').replace('…', '...')",
        "one full stop",
    ),
    plain("unicodedata.normalize('NFKC', text)", "nfkc leaves", lead="import unicodedata"),
    plain(
        f"unicodedata.normalize('NFKC', text.translate(str.maketrans({TABLE})))",
        "full-width forms",
        lead="import unicodedata",
    ),
    plain("re.sub('[“”‘’—…]', '', text)", "not deleted"),
    plain(
        "text.replace('“', '\"').replace('”', '\"').replace('‘', \"'\").replace('’', \"'\")",
        "dash and ellipsis",
    ),
    plain("re.sub('[“”‘’]', '\"', text).replace('—', '-').replace('…', '.')", "single quotes become"),
    longest("[*range(i + 2, len(text) + 1), i + 1]", "the longest word", change="range(len(text), i, -1)"),
    longest(
        """
def answer(text, words):
    found, j = [], len(text)
    while j > 0:
        i = min(k for k in range(j) if text[k:j] in words or k == j - 1)
        found = [text[i:j]] + found
        j = i
    return found
""",
        "from left to right",
    ),
    longest("def answer(text, words):\n    return list(text)\n", "into characters"),
    longest(
        "def answer(text, words):\n    found, i = [], 0\n    while i < len(text):\n"
        "        fits = [w for w in words if text.startswith(w, i)]\n        if fits:\n"
        "            found.append(max(fits, key=len))\n            i += len(found[-1])\n        else:\n"
        "            i += 1\n    return found\n",
        "loses it",
    ),
    longest(
        "def answer(text, words):\n    n = len(text)\n"
        "    return [text[i:j] for i in range(n) for j in range(i + 2, n + 1) if text[i:j] in words]\n",
        "go on behind the word",
    ),
    longest("range(min(len(text), i + 2), i, -1)", "longer than two", change="range(len(text), i, -1)"),
    hidden("    return [d < probability for d in draws]\n", "by themselves"),
    hidden(
        "    last = dict(zip(words, draws))\n    return [last[w] < probability for w in words]\n",
        "not its last one's",
    ),
    hidden(
        "    return [any(d < probability for v, d in zip(words, draws) if v == w) for w in words]\n",
        "long words are hidden more often",
    ),
    hidden(
        "    return [all(d < probability for v, d in zip(words, draws) if v == w) for w in words]\n",
        "hardly hidden",
    ),
    hidden("    return [draws[words.index(w)] > probability for w in words]\n", "turned round"),
    hidden("    return [draws[words.index(w)] <= probability for w in words]\n", "equal is not below"),
    hidden("    return [draws[words.index(w)] < 0.15 for w in words]\n", "not always 0.15"),
    labels("[labels[i] for i in range(len(offsets))]", "no place in the text"),
    labels("labels", "for each token"),
    labels("[labels[e - 1] for s, e in offsets]", "first character"),
    labels("[l for s, e in offsets for l in labels[s:e]]", "one for each character"),
    labels("[labels[min(e, len(labels) - 1)] for s, e in offsets]", "the end is exclusive"),
    labels("[labels[s:e] for s, e in offsets]", "not a list"),
    clean(FIRST.replace("KEYED", "t"), "review_key"),
    clean(FIRST.replace("KEYED", "t.strip().lower()"), ""),
    clean(
        "    seen, kept = set(), []\n    for i, t in enumerate(texts):\n        if key(t) not in seen:\n"
        "            kept.append(i)\n        seen.add(key(t))\n    return kept\n",
        "both labels",
    ),
    clean(
        "    ks = [key(t) for t in texts]\n    return [i for i, k in enumerate(ks) if ks.count(k) == 1]\n",
        "the first one stays",
    ),
    clean(
        "    ps = [(key(t), y) for t, y in zip(texts, labels)]\n"
        "    return [i for i, p in enumerate(ps) if ps.index(p) == i]\n",
        "one of each label",
    ),
    clean(
        "    ks = [key(t) for t in texts]\n"
        "    return [i for i, k in enumerate(ks) if k not in ks[i + 1:]\n"
        "            and len({y for o, y in zip(ks, labels) if o == k}) == 1]\n",
        "not the last",
    ),
    clean(FIRST.replace("KEYED", "key(t)").replace("return kept", "return [texts[i] for i in kept]"), "not the texts"),
    joined("if False:", "join them", change='if len(words[i]) == 1 and i + 1 < len(words) and tags[i + 1] == "nr":'),
    joined(
        'if i + 1 < len(words) and tags[i + 1] == "nr":',
        "one character is a surname",
        change='if len(words[i]) == 1 and i + 1 < len(words) and tags[i + 1] == "nr":',
    ),
    joined(
        'while i + 1 < len(words) and tags[i + 1] == "nr":',
        "at most two words",
        change='if len(words[i]) == 1 and i + 1 < len(words) and tags[i + 1] == "nr":',
    ),
    joined("(start, end - 1)", "exclusive", change="(start, end)"),
    joined("len(words[i]) <= 2", "is here no surname", change="len(words[i]) == 1"),
    joined(
        """
def answer(words, tags):
    found, i = [], 0
    while i < len(words):
        if tags[i] == "nr":
            two = len(words[i]) == 1 and tags[i + 1:i + 2] == ["nr"]
            found.append((i, i + 1 + two))
            i += two
        i += 1
    return found
""",
        "not in words",
    ),
    joined(
        """
def answer(words, tags):
    found, start = [], 0
    for i, w in enumerate(words):
        if tags[i] == "nr":
            end = start + len(w)
            if len(w) == 1 and tags[i + 1:i + 2] == ["nr"]:
                end += len(words[i + 1])
            found.append((start, end))
        start += len(w)
    return found
""",
        "no word is in two",
    ),
]
