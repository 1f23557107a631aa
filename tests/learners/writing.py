"""Answers to the checks on writing."""

from . import Answer

COUNTS = "from collections import Counter\n\n"


def copied(
    expression, named, *never, lead="    there = {tuple(k[i : i + n]) for k in known for i in range(len(k) - n + 1)}\n"
):
    body = f"    mine = [tuple(text[i : i + n]) for i in range(len(text) - n + 1)]\n{lead}    return {expression}\n"
    return Answer("writing.copied", f"def answer(text, known, n):\n{body}", named, never)


def rouge1(both, named, *never, score="2 * p * r / (p + r) if p + r else 0.0"):
    body = f"    a, b = Counter(words), Counter(reference)\n    both = {both}\n"
    body += f"    p, r = both / max(len(words), 1), both / max(len(reference), 1)\n    return {score}\n"
    return Answer("writing.rouge1", f"{COUNTS}def answer(words, reference):\n{body}", named, never)


def common(code, named, *never):
    return Answer("writing.common", f"def answer(first, second):\n{code}", named, never)


def shift(code, named, *never):
    return Answer("writing.shift", f"def answer(labels, start, pad):\n{code}", named, never)


def cross(code, named, *never):
    return Answer("writing.cross", f"def answer(queries, keys, values, source):\n{code}", named, never)


def beam(code, named, *never):
    return Answer("writing.beam_step", f"def answer(scores, logs):\n{code}", named, never)


def brevity(code, named, *never):
    return Answer("writing.brevity", f"import math\n\nanswer = {code}\n", named, never)


def steps(code, named, *never):
    return Answer("writing.again", f"answer = {code}\n", named, never)


def passes(code, named, *never):
    return Answer("writing.passes", f"answer = {code}\n", named, never)


SHARE = "sum(run in there for run in mine) / len(mine) if mine else 0.0"
FIRST = "    first = torch.full_like(labels[:, :1], start)\n"
TABLE = """
    t = [[0] * (len(second) + 1) for _ in range(len(first) + 1)]
    for i in range(1, len(first) + 1):
        for j in range(1, len(second) + 1):
            if first[i - 1] == second[j - 1]:
                t[i][j] = t[i - 1][j - 1] + 1
            else:
                t[i][j] = max(t[i - 1][j], t[i][j - 1])
    return t[-1][-1]
"""
SCORES = "    scores = queries @ keys.T / queries.size(-1) ** 0.5\n"

ANSWERS = [
    # right, in other forms
    copied(SHARE, None),
    Answer(
        "writing.copied",
        "import numpy as np\n\ndef answer(text, known, n):\n    hits = []\n    for i in range(len(text) - n + 1):\n"
        "        run = text[i : i + n]\n"
        "        hits.append(any(k[j : j + n] == run for k in known for j in range(len(k))))\n"
        "    return float(np.mean(hits)) if hits else 0\n",
        None,
    ),
    copied(
        "0.0 if not mine else len([1 for run in mine if run in there]) / float(len(mine))",
        None,
        lead="    there = set()\n    for k in known:\n        there.update(zip(*(k[i:] for i in range(n))))\n",
    ),
    rouge1("(a & b).total()", None),
    rouge1("sum(min(a[w], b[w]) for w in a)", None),
    rouge1("sum((a & b).values())", None, score="2 * both / (len(words) + len(reference)) if both else 0"),
    common(TABLE, None),
    common(
        "    import functools\n    @functools.cache\n    def f(i, j):\n"
        "        if i == len(first) or j == len(second):\n"
        "            return 0\n        if first[i] == second[j]:\n            return 1 + f(i + 1, j + 1)\n"
        "        return max(f(i + 1, j), f(i, j + 1))\n    return f(0, 0)\n",
        None,
    ),
    common(
        "    import numpy as np\n    t = np.zeros((len(first) + 1, len(second) + 1), dtype=int)\n"
        "    for i, a in enumerate(first):\n        for j, b in enumerate(second):\n"
        "            t[i + 1, j + 1] = t[i, j] + 1 if a == b else max(t[i, j + 1], t[i + 1, j])\n"
        "    return t[-1, -1]\n",
        None,
    ),
    shift(
        FIRST + "    x = torch.cat([first, labels[:, :-1]], dim=1)\n    return x.masked_fill(x == -100, pad)\n", None
    ),
    shift(
        "    x = labels.new_full(labels.shape, pad)\n    x[:, 0] = start\n    for i in range(len(labels)):\n"
        "        for j in range(1, labels.size(1)):\n            if labels[i, j - 1] != -100:\n"
        "                x[i, j] = labels[i, j - 1]\n    return x\n",
        None,
    ),
    shift(
        "    x = torch.where(labels == -100, pad, labels).roll(1, dims=1)\n    x[:, 0] = start\n    return x\n",
        None,
    ),
    cross(SCORES + "    return scores.masked_fill(source[None] == 0, -1e9).softmax(-1) @ values\n", None),
    cross(
        SCORES + "    keep = source.bool()\n    return scores[:, keep].softmax(dim=1) @ values[keep]\n",
        None,
    ),
    cross(
        "    out = []\n    for q in queries:\n        w = torch.exp(keys @ q / len(q) ** 0.5) * source\n"
        "        out.append((w / w.sum()) @ values)\n    return torch.stack(out)\n",
        None,
    ),
    beam(
        "    total = (scores[:, None] + logs).flatten()\n    best = total.argsort(descending=True)[: len(scores)]\n"
        "    return [(int(k) // logs.size(1), int(k) % logs.size(1)) for k in best]\n",
        None,
    ),
    beam(
        "    every = [(float(scores[b] + logs[b, v]), b, v) for b in range(len(scores)) for v in range(logs.size(1))]\n"
        "    every.sort(key=lambda one: -one[0])\n    return [(b, v) for _, b, v in every[: len(scores)]]\n",
        None,
    ),
    beam(
        "    t = (scores.unsqueeze(1) + logs).numpy()\n    k = (-t).ravel().argsort(kind='stable')[: len(t)]\n"
        "    return [tuple(int(x) for x in divmod(int(i), t.shape[1])) for i in k]\n",
        None,
    ),
    brevity("100 * math.exp(1 - 95 / 58)", None),
    brevity("52.8", None),
    brevity("torch.tensor(100 * math.exp(1 - 95 / 58))", None),
    steps("190", None),
    steps("sum(range(20))", None),
    steps("torch.arange(1, 20).sum()", None),
    passes("17002", None),
    passes("50 * 348 - 398", None),
    passes("np.int64(17400) - 398", None),
    # wrong
    steps("19", "with a memory"),
    steps("19 ** 2", "not all steps read as many"),
    steps("19 * 18 / 2", "the last step reads as many"),
    steps("20 * 21 / 2", "as many steps as pieces"),
    steps("2 * 190", ""),
    steps("'190'", ""),
    passes("50 * 348", "take the bi-encoder's away"),
    passes("398", "bi-encoder's alone"),
    passes("50 * 348 - 50", "reads the replies, too"),
    passes("-50 * 348", "makes each vector once"),
    passes("50 * 348 - 348", ""),
    passes("50 * 348 / 398", ""),
    brevity("100 * 58 / 95", "quotient of lengths"),
    brevity("100 * math.exp(1 - 58 / 95)", "upside down"),
    brevity("100 * (1 - math.exp(1 - 95 / 58))", "what is lost"),
    brevity("100", "it does cost"),
    brevity("100 * math.exp(-95 / 58)", "the 1 is missing"),
    brevity("math.exp(1 - 95 / 58)", ""),
    copied(SHARE.replace("mine", "set(mine)"), "no set of the text's own runs"),
    copied(
        SHARE,
        "there is no run",
        lead="    k = [i for one in known for i in one]\n"
        "    there = {tuple(k[i : i + n]) for i in range(len(k) - n + 1)}\n",
    ),
    copied("sum(run in there for run in mine)", "a share is asked for"),
    copied("sum(run in there for run in mine) / len(text)", "not by the number of ids"),
    copied(f"1 - ({SHARE})", "yours is what is new"),
    copied(
        SHARE,
        "not the first alone",
        lead="    there = {tuple(known[0][i : i + n]) for i in range(len(known[0]) - n + 1)}\n",
    ),
    rouge1("sum(a[w] for w in a if w in b)", "no oftener"),
    rouge1("len(set(a) & set(b))", "counts each word once"),
    rouge1("(a & b).total()", "recall alone", score="r"),
    rouge1("(a & b).total()", "precision alone", score="p"),
    rouge1("(a & b).total()", "not the mean of the two", score="(p + r) / 2"),
    rouge1("(a & b).total()", "the 2 is missing", score="p * r / (p + r) if p + r else 0.0"),
    rouge1(
        "(a & b).total()",
        "jaccard",
        score="len(set(words) & set(reference)) / max(len(set(words) | set(reference)), 1)",
    ),
    common("    return len(set(first) & set(second))\n", "the order counts"),
    common("    from collections import Counter\n    return (Counter(first) & Counter(second)).total()\n", "any order"),
    common("    return sum(a == b for a, b in zip(first, second))\n", "the same place"),
    common(
        "    n = i = 0\n    for w in first:\n        if w in second[i:]:\n            i += second[i:].index(w) + 1\n"
        "            n += 1\n    return n\n",
        "the first fit is not always the best",
    ),
    common(
        TABLE.replace("max(t[i - 1][j], t[i][j - 1])", "0").replace("t[-1][-1]", "max(max(r) for r in t)"),
        "without gaps",
    ),
    common(TABLE.replace("return t[-1][-1]", "return len(first) + len(second) - t[-1][-1]"), "left over"),
    shift(FIRST + "    return torch.cat([first, labels[:, :-1]], dim=1)\n", "is no id"),
    shift("    return labels.masked_fill(labels == -100, pad)\n", "nothing is shifted"),
    shift("    return labels.masked_fill(labels == -100, pad).roll(1, dims=1)\n", "does not come round"),
    shift(
        FIRST + "    x = labels.masked_fill(labels == -100, pad)\n    return torch.cat([x[:, 1:], first], dim=1)\n",
        "to the right",
    ),
    shift(
        FIRST + "    return torch.cat([first, labels.masked_fill(labels == -100, pad)], dim=1)\n",
        "the last label is left out",
    ),
    shift(
        "    x = labels.masked_fill(labels == -100, pad)\n    x[:, 0] = start\n    return x\n",
        "does not replace the first label",
    ),
    cross(SCORES + "    return scores.softmax(-1) @ values\n", "padding of the source gets weight"),
    cross(
        "    s = queries @ keys.T\n    return s.masked_fill(source[None] == 0, -1e9).softmax(-1) @ values\n",
        "divided by √d.",
    ),
    cross(
        "    s = queries @ keys.T / queries.size(-1)\n"
        "    return s.masked_fill(source[None] == 0, -1e9).softmax(-1) @ values\n",
        "not by d",
    ),
    cross(SCORES + "    return (scores * source).softmax(-1) @ values\n", "no ban"),
    cross(SCORES + "    return (scores.softmax(-1) * source) @ values\n", "no longer sum to 1"),
    cross(
        SCORES + "    return scores.masked_fill(source[None] == 0, -1e9).softmax(0) @ values\n", "each row sums to 1"
    ),
    beam("    return [(b, int(row.argmax())) for b, row in enumerate(logs)]\n", "best of all"),
    beam(
        "    b = int(scores.argmax())\n    return [(b, int(v)) for v in logs[b].topk(len(scores)).indices]\n",
        "all beginnings compete",
    ),
    beam(
        "    k = logs.flatten().topk(len(scores)).indices.tolist()\n"
        "    return [(i // logs.size(1), i % logs.size(1)) for i in k]\n",
        "new piece alone",
    ),
    beam(
        "    k = (scores[:, None] * logs).flatten().topk(len(scores)).indices.tolist()\n"
        "    return [(i // logs.size(1), i % logs.size(1)) for i in k]\n",
        "not multiplied",
    ),
    beam(
        "    k = (scores[:, None] + logs).flatten().topk(len(scores)).indices.tolist()\n"
        "    return [(i % logs.size(1), i // logs.size(1)) for i in k]\n",
        "in this order",
    ),
    beam(
        "    k = (scores[:, None] + logs).flatten().topk(len(scores)).indices.tolist()\n"
        "    return [(i // len(scores), i % len(scores)) for i in k]\n",
        "v = logs.shape[1]",
    ),
    beam(
        "    k = (scores[:, None] + logs).flatten().topk(len(scores), largest=False).indices.tolist()\n"
        "    return [(i // logs.size(1), i % logs.size(1)) for i in k]\n",
        "near 0 is likely",
    ),
]
