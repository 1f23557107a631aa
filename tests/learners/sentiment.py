"""Answers to the checks on sentiment and its raters."""

from . import Answer

GENERIC = ("never uses", "changes nothing")


def opposed(expression, named, *never):
    return Answer("sentiment.opposed", f"def answer(ratings): return {expression}", named, (*GENERIC, *never))


def opposed_lines(lines, named, *never):
    return Answer("sentiment.opposed", f"def answer(ratings):\n{lines}", named, (*GENERIC, *never))


def halves(change, to, named, *never):
    code = """
def answer(table, rng):
    n, R = table.shape
    a, b = [], []
    for row in table:
        row = rng.permutation(row)
        a.append(row[:R // 2].mean())
        b.append(row[R // 2:].mean())
    r = np.corrcoef(a, b)[0, 1]
    return 2 * r / (1 + r)
"""
    assert change in code
    return Answer("sentiment.halves", code.replace(change, to), named, never)


def halves_of_tables(lines, named, *never):
    code = f"""
def answer(table, rng):
    h = table.shape[1] // 2
    {lines}
    r = np.corrcoef(a.mean(1), b.mean(1))[0, 1]
    return 2 * r / (1 + r)
"""
    return Answer("sentiment.halves", code, named, never)


def score(change, to, named, *never):
    code = """
def answer(words, lexicon):
    total = 0
    for i, word in enumerate(words):
        if word in lexicon:
            value = lexicon[word]
            if i > 0 and words[i - 1] in ("not", "no", "never"):
                value = -value
            total += value
    return total
"""
    assert change in code
    return Answer("sentiment.lexicon_score", code.replace(change, to), named, never)


def score_lines(lines, named, *never):
    return Answer("sentiment.lexicon_score", f"def answer(words, lexicon):\n{lines}", named, never)


def loss(expression, named, *never):
    return Answer("sentiment.soft_loss", f"def answer(logits, shares): return {expression}", named, (*GENERIC, *never))


def ece(change, to, named, *never):
    code = """
def answer(probabilities, gold, bins):
    conf, right = probabilities.max(1), probabilities.argmax(1) == gold
    total = 0
    for k in range(bins):
        inside = (conf > k / bins) & (conf <= (k + 1) / bins)
        if inside.sum() > 0:
            total += inside.sum() / len(gold) * abs(right[inside].mean() - conf[inside].mean())
    return total
"""
    assert change in code
    return Answer("sentiment.ece", code.replace(change, to), named, never)


def ece_lines(lines, named, *never):
    return Answer("sentiment.ece", f"def answer(probabilities, gold, bins):\n{lines}", named, never)


def augmented(change, to, named, *never):
    code = """
def answer(texts, labels, share, rewrite, rng):
    order = rng.permutation(len(texts))
    n = int(share * len(texts))
    test, train = order[:n], order[n:]
    x = [texts[i] for i in train]
    y = [labels[i] for i in train]
    x = x + [rewrite(t) for t in x]
    y = y + y
    return x, y, [texts[i] for i in test], [labels[i] for i in test]
"""
    assert change in code
    return Answer("sentiment.augmented_split", code.replace(change, to), named, never)


def augmented_lines(lines, named, *never):
    return Answer(
        "sentiment.augmented_split", f"def answer(texts, labels, share, rewrite, rng):\n{lines}", named, never
    )


def confident(change, to, named, *never):
    code = """
def answer(probabilities, least):
    p, c = probabilities.max(1), probabilities.argmax(1)
    groups = []
    for k in range(probabilities.shape[1]):
        own = [i for i in range(len(p)) if c[i] == k and p[i] >= least]
        groups.append(sorted(own, key=lambda i: p[i], reverse=True))
    n = min(len(own) for own in groups)
    rows = [i for own in groups for i in own[:n]]
    return rows, [c[i] for i in rows]
"""
    assert change in code
    return Answer("sentiment.confident", code.replace(change, to), named, never)


def budget(expression, named, *never):
    return Answer("sentiment.budget", f"answer = {expression}", named, never)


ANSWERS = [
    # ------------------------------------------------------------------------------------------------------- opposed
    opposed("np.mean([max(r) > 0 and min(r) < 0 for r in ratings])", None),
    opposed("sum(max(r) * min(r) < 0 for r in ratings) / len(ratings)", None),
    opposed("torch.tensor([float(any(x > 0 for x in r) and any(x < 0 for x in r)) for r in ratings]).mean()", None),
    opposed_lines(
        "    count = 0\n    for row in map(np.array, ratings):\n"
        "        count += bool((row > 0).any() & (row < 0).any())\n    return np.float32(count / len(ratings))",
        None,
    ),
    opposed("len([r for r in ratings if {1, -1} <= {int(np.sign(x)) for x in r}]) / len(ratings)", None),
    opposed("sum(max(r) > 0 and min(r) < 0 for r in ratings)", "divide by the number of sentences"),
    opposed(
        "sum(max(r) > 0 and min(r) < 0 for r in ratings) / sum(len(r) for r in ratings)", "of sentences, not of ratings"
    ),
    opposed("np.mean([max(r) >= 0 and min(r) < 0 for r in ratings])", "neither above 0 nor below"),
    opposed("np.mean([max(r) > 0 and min(r) <= 0 for r in ratings])", "neither above 0 nor below"),
    opposed("np.mean([max(r) > 0 or min(r) < 0 for r in ratings])", "not `or`"),
    opposed("np.mean([len(set(r)) > 1 for r in ratings])", "differ are not opposed yet"),
    opposed("np.mean([any(a * b < 0 for a, b in zip(r, r[1:])) for r in ratings])", "not only neighbours"),
    opposed("np.mean([r[0] * r[-1] < 0 for r in ratings])", "the first and the last"),
    opposed("100 * np.mean([max(r) > 0 > min(r) for r in ratings])", "not percent"),
    opposed("[max(r) > 0 > min(r) for r in ratings]", "one number is asked for"),
    opposed("1 - np.mean([max(r) > 0 > min(r) for r in ratings])", "share of the others"),
    opposed("np.mean(((np.array(ratings) > 0).any(1)) & ((np.array(ratings) < 0).any(1)))", "make no array"),
    opposed("np.mean([max(r) > 0 for r in ratings])", "one below must be there"),
    # -------------------------------------------------------------------------------------------------------- halves
    halves("row[:R // 2].mean()", "row[:R // 2].sum()", None),
    halves("row = rng.permutation(row)", "row = row[np.argsort(rng.random(R))]", None),
    halves("row = rng.permutation(row)", "row = list(row); rng.shuffle(row); row = torch.tensor(row).double()", None),
    halves_of_tables("t = rng.permuted(table, axis=1); a, b = t[:, ::2], t[:, 1::2]", None),
    halves_of_tables(
        "t = np.take_along_axis(table, rng.random(table.shape).argsort(1), 1); a, b = t[:, :h], t[:, h:]", None
    ),
    halves(
        "r = np.corrcoef(a, b)[0, 1]",
        "a, b = torch.tensor(a), torch.tensor(b); a, b = a - a.mean(), b - b.mean(); "
        "r = (a * b).sum() / (a.norm() * b.norm())",
        None,
    ),
    halves("return 2 * r / (1 + r)", "return r", "of half of the raters"),
    halves("return 2 * r / (1 + r)", "return 2 * r", "2r alone"),
    halves("return 2 * r / (1 + r)", "return 2 * r / 1 + r", "parentheses"),
    halves("return 2 * r / (1 + r)", "return r / (1 + r)", "factor 2 is missing"),
    halves("return 2 * r / (1 + r)", "return (2 * r / (1 + r)) ** 0.5", "the ceiling"),
    halves("np.corrcoef(a, b)[0, 1]", "np.cov(a, b)[0, 1]", "covariance"),
    halves("np.corrcoef(a, b)[0, 1]", "np.corrcoef(a, b)", "[0, 1]"),
    halves(
        "np.corrcoef(a, b)[0, 1]",
        "np.mean((np.array(a) - np.mean(a)) * (np.array(b) - np.mean(b))) / np.std(a, ddof=1) / np.std(b, ddof=1)",
        "n and n − 1",
    ),
    halves("        row = rng.permutation(row)\n", "", "the same whatever the rng"),
    halves(
        "    for row in table:\n        row = rng.permutation(row)\n",
        "    for row in rng.permutation(table):\n",
        "the same whatever the rng",
    ),
    halves("row[R // 2:].mean()", "row.mean()", "against all of them"),
    halves("row[R // 2:].mean()", "rng.permutation(row)[:R // 2].mean()", "in both halves"),
    halves("row = rng.permutation(row)", "rng.shuffle(row)", "in place"),
    halves("row = rng.permutation(row)", "row = np.random.permutation(row)", "rng"),
    halves("row = rng.permutation(row)", "row = np.random.default_rng(0).permutation(row)", "", "in both halves"),
    halves_of_tables("t = rng.permutation(table, axis=1); a, b = t[:, :h], t[:, h:]", "one order of the columns"),
    halves_of_tables("t = rng.permuted(table); a, b = t[:, :h], t[:, h:]", "different sentences are mixed"),
    halves_of_tables("a, b = rng.permuted(table, axis=1)[:, :1], table[:, 1:]", "in both halves"),
    halves("    return 2 * r / (1 + r)\n", "", "return at its end"),
    # ------------------------------------------------------------------------------------------------- lexicon score
    score_lines(
        "    signs = [1] + [-1 if w in {'not', 'no', 'never'} else 1 for w in words]\n"
        "    return sum(s * lexicon.get(w, 0.0) for s, w in zip(signs, words))",
        None,
    ),
    score_lines(
        "    values = np.array([lexicon.get(w, 0) for w in words], dtype=float)\n"
        "    for i, w in enumerate(words[:-1]):\n        if w in ('not', 'no', 'never'):\n"
        "            values[i + 1] *= -1\n    return values.sum()",
        None,
    ),
    score_lines(
        "    total, flip = 0, False\n    for w in words:\n"
        "        total += lexicon.get(w, 0) * (-1 if flip else 1)\n        flip = w in ['not', 'no', 'never']\n"
        "    return torch.tensor(float(total))",
        None,
    ),
    score_lines("    return sum(lexicon.get(w, 0) for w in words)", "change nothing yet"),
    score("i > 0 and words[i - 1] in", "words[i - 1] in", "words[-1]"),
    score('("not", "no", "never")', '("not",)', '"no" and "never" negate as well'),
    score('("not", "no", "never")', '("not", "no")', '"never" negates'),
    score(
        'i > 0 and words[i - 1] in ("not", "no", "never")',
        "{'not', 'no', 'never'} & set(words[:i])",
        "only the word directly",
    ),
    score(
        'i > 0 and words[i - 1] in ("not", "no", "never")',
        "{'not', 'no', 'never'} & set(words[max(i - 3, 0):i])",
        "only the word directly",
    ),
    score("value = -value", "value = 0", "opposite sign, not 0"),
    score("value = -value", "value = -0.74 * value", "the whole value"),
    score('words[i - 1] in ("not", "no", "never")', "words[i - 1].startswith(('no', 'never'))", "whole words"),
    score("if word in lexicon:", "if word in lexicon and word != 'no':", "a negation counts as well"),
    score("        if word in lexicon:", "        if True:", "lexicon.get"),
    score("    return total", "    return total / len(words)", "not the mean"),
    score("total += value", "total += np.sign(value)", "not their signs"),
    score_lines(
        "    total = 0\n    for i, w in enumerate(words):\n        if words[i + 1] == 'x': pass\n"
        "        total += lexicon.get(w, 0)\n    return total",
        "none after it",
    ),
    # ----------------------------------------------------------------------------------------------------- soft loss
    loss("F.cross_entropy(logits, shares)", None),
    loss("(logits.logsumexp(-1) - (shares * logits).sum(-1)).mean()", None),
    loss("-torch.einsum('bc,bc->', shares, F.log_softmax(logits, dim=1)) / len(logits)", None),
    loss("sum(-(s * x.log_softmax(0)).sum() for x, s in zip(logits, shares)) / logits.shape[0]", None),
    loss("nn.CrossEntropyLoss()(logits.double(), shares.double())", None),
    loss(
        "F.kl_div(logits.log_softmax(-1), shares, reduction='batchmean') + torch.special.entr(shares).sum(-1).mean()",
        None,
    ),
    loss("-(shares.detach() * logits.log_softmax(-1)).sum(-1).mean()", None),
    loss("F.cross_entropy(logits, shares.argmax(-1))", "every class counts by its share"),
    loss("F.cross_entropy(logits, shares, reduction='sum')", "that is the sum"),
    loss("F.cross_entropy(logits, shares, reduction='none')", "loss of each row"),
    loss("-(shares * logits.log_softmax(-1)).mean()", "b · c"),
    loss("(shares * logits.log_softmax(-1)).sum(-1).mean()", "minus is missing"),
    loss("F.cross_entropy(logits.softmax(-1), shares)", "taken twice"),
    loss("F.kl_div(logits.log_softmax(-1), shares, reduction='batchmean')", "kl divergence"),
    loss("F.mse_loss(logits.softmax(-1), shares)", "squared error"),
    loss("F.binary_cross_entropy_with_logits(logits, shares)", "sigmoids"),
    loss("-(shares * logits.softmax(-1).log()).sum(-1).mean()", "log_softmax", "exp overflows"),
    loss("-(shares * (logits.exp() / logits.exp().sum(-1, keepdim=True)).log()).sum(-1).mean()", "exp overflows"),
    loss("-(shares * (logits.softmax(-1) + 1e-9).log()).sum(-1).mean()", "caps the loss"),
    loss("-(shares * logits.softmax(-1).clamp(min=1e-7).log()).sum(-1).mean()", "caps the loss"),
    loss("-(shares * logits.log_softmax(0)).sum(-1).mean()", "not over the batch"),
    loss("F.cross_entropy(logits, shares).item()", "no gradient"),
    loss("F.cross_entropy(torch.tensor(logits.tolist()), shares)", "no gradient"),
    loss(
        "np.mean([-(s * (x - x.max() - np.log(np.exp(x - x.max()).sum()))).sum() "
        "for x, s in zip(logits.numpy(), shares.numpy())])",
        "operations of torch",
    ),
    # ----------------------------------------------------------------------------------------------------------- ece
    ece_lines(
        "    p, g = torch.tensor(probabilities), torch.tensor(gold)\n    conf, label = p.max(-1)\n"
        "    right = (label == g).double()\n    place = (torch.ceil(conf * bins) - 1).long()\n"
        "    sums = torch.zeros(bins).double().index_add(0, place, right - conf)\n"
        "    return sums.abs().sum() / len(g)",
        None,
    ),
    ece_lines(
        "    place = np.digitize(probabilities.max(1), np.linspace(0, 1, bins + 1), right=True) - 1\n"
        "    off = (probabilities.argmax(1) == gold) - probabilities.max(1)\n"
        "    return np.abs(np.bincount(place, off)).sum() / len(gold)",
        None,
    ),
    ece_lines(
        "    rows = [[] for _ in range(bins)]\n"
        "    for p, g in zip(probabilities.tolist(), gold.tolist()):\n        top = max(p)\n"
        "        k = 0\n        while top > (k + 1) / bins:\n            k += 1\n"
        "        rows[k].append((top, p.index(top) == g))\n"
        "    return sum(abs(sum(r - c for c, r in own)) for own in rows) / len(gold)",
        None,
    ),
    ece("conf <= (k + 1) / bins", "conf < (k + 1) / bins", "on an edge"),
    ece(
        "(conf > k / bins) & (conf <= (k + 1) / bins)",
        "(conf >= k / bins) & (conf < (k + 1) / bins)",
        "in none of your bins",
    ),
    ece(
        "(conf > k / bins) & (conf <= (k + 1) / bins)",
        "np.minimum(conf * bins, bins - 1).astype(int) == k",
        "bin below it",
    ),
    ece("range(bins)", "range(bins - 1)", "last bin is left out"),
    ece("inside.sum() / len(gold)", "1 / bins", "not each alike"),
    ece("inside.sum() / len(gold) * abs", "inside.sum() * abs", "by its *share*"),
    ece("abs(right[inside].mean() - conf[inside].mean())", "(right[inside].mean() - conf[inside].mean())", "cancel"),
    ece(
        "abs(right[inside].mean() - conf[inside].mean())",
        "(right[inside].mean() - conf[inside].mean()) ** 2",
        "squares",
    ),
    ece("    return total", "    return 100 * total", "not percent"),
    ece("conf, right = probabilities.max(1),", "conf, right = probabilities[:, 1],", "not that of one class"),
    ece(
        "conf, right = probabilities.max(1),",
        "conf, right = probabilities[range(len(gold)), gold],",
        "not the gold class's",
    ),
    ece("inside.sum() > 0", "True", "a bin may be empty", "share of the rows"),
    ece("conf[inside].mean())", "(k + 0.5) / bins)", "not the middle"),
    ece_lines(
        "    place = np.digitize(probabilities.max(1), np.linspace(0, 1, bins + 1)) - 1\n"
        "    off = (probabilities.argmax(1) == gold) - probabilities.max(1)\n"
        "    return np.abs(np.bincount(place, off)).sum() / len(gold)",
        "no bin of its own",
    ),
    ece_lines(
        "    sums = [0.0] * bins\n    for p, g in zip(probabilities, gold):\n"
        "        sums[int(p.max() * bins)] += (p.argmax() == g) - p.max()\n"
        "    return sum(map(abs, sums)) / len(gold)",
        "belongs to the last bin",
    ),
    ece("for k in range(bins):", "bins = 10\n    for k in range(bins):", "", "share of the rows"),
    # ----------------------------------------------------------------------------------------------- augmented split
    augmented("y = y + y", "y = [*y, *y]", None),
    augmented_lines(
        "    test = rng.random(len(texts)) < share\n    x, y, tx, ty = [], [], [], []\n"
        "    for t, l, held in zip(texts, labels, test):\n        if held:\n"
        "            tx.append(t)\n            ty.append(l)\n        else:\n"
        "            x += [t, rewrite(t)]\n            y += [l, l]\n    return x, y, tx, ty",
        None,
    ),
    augmented_lines(
        "    t, l = np.array(texts), np.array(labels)\n    order = rng.permutation(len(t))\n"
        "    n = round(share * len(t))\n    a, b = order[n:], order[:n]\n"
        "    return np.concatenate([t[a], [rewrite(x) for x in t[a]]]), np.tile(l[a], 2), t[b], torch.tensor(l[b])",
        None,
    ),
    augmented_lines(
        "    pairs = list(zip(texts, labels, map(rewrite, texts)))\n    rng.shuffle(pairs)\n"
        "    n = max(1, int(share * len(texts)))\n    test, train = pairs[:n], pairs[n:]\n"
        "    both = [(t, l) for t, l, _ in train] + [(c, l) for _, l, c in train]\n"
        "    return [t for t, _ in both], [l for _, l in both], [t for t, *_ in test], [l for _, l, _ in test]",
        None,
    ),
    augmented(
        "    order =",
        "    texts, labels = texts + [rewrite(t) for t in texts], labels + labels\n    order =",
        "split first",
        "copies are missing",
    ),
    augmented("[rewrite(t) for t in x]", "[rewrite(t) for t in texts]", ""),
    augmented("    x = x + [rewrite(t) for t in x]\n    y = y + y\n", "", "copies are missing"),
    augmented(
        "    x = x + [rewrite(t) for t in x]\n    y = y + y\n",
        "    x = [rewrite(t) for t in x]\n",
        "not in their place",
    ),
    augmented("    y = y + y\n", "", "a copy needs a label"),
    augmented("y = y + y", "y = y + y[::-1]", "the label of the text that it was made from"),
    augmented("[texts[i] for i in test], [labels", "[rewrite(texts[i]) for i in test], [labels", "stay as they are"),
    augmented("x, y, [texts[i] for i in test],", "x, [texts[i] for i in test], y,", "the order is"),
    augmented("rng.permutation(len(texts))", "list(range(len(texts)))", "shuffle the texts with the rng"),
    augmented("rng.permutation(len(texts))", "np.random.permutation(len(texts))", "only from the rng"),
    augmented("order[:n], order[n:]", "order[n:], order[:n]", "exchanged"),
    augmented("x = [texts[i] for i in train]", "x = list(texts)", "12 texts and 6 labels", "needs a label"),
    augmented("[labels[i] for i in test]", "labels[:n]", "no longer go together"),
    augmented("    order =", "    rng.shuffle(texts)\n    order =", "in place"),
    augmented("int(share * len(texts))", "len(texts) // 2", "the share is an argument"),
    # ----------------------------------------------------------------------------------------------------- confident
    confident("rows, [c[i] for i in rows]", "np.array(rows, dtype=int), c[np.array(rows, dtype=int)]", None),
    confident(
        "rows, [c[i] for i in rows]", "torch.tensor(rows).long(), torch.tensor([c[i] for i in rows]).long()", None
    ),
    Answer(
        "sentiment.confident",
        "def answer(probabilities, least):\n    p, c = torch.tensor(probabilities).max(-1)\n"
        "    order = [i for i in p.argsort(descending=True).tolist() if p[i] >= least]\n"
        "    n = min(sum(c[i] == k for i in order) for k in range(probabilities.shape[1]))\n"
        "    taken, rows = {}, []\n    for i in order:\n        k = int(c[i])\n"
        "        if taken.get(k, 0) < n:\n            rows.append(i)\n            taken[k] = taken.get(k, 0) + 1\n"
        "    return rows, c[rows].tolist()",
        None,
    ),
    Answer(
        "sentiment.confident",
        "def answer(probabilities, least):\n    p, c = probabilities.max(1), probabilities.argmax(1)\n"
        "    sure = np.flatnonzero(p >= least)\n"
        "    n = np.bincount(c[sure], minlength=probabilities.shape[1]).min()\n"
        "    rows = np.concatenate([sure[c[sure] == k][np.argsort(-p[sure[c[sure] == k]])][:n]\n"
        "                           for k in range(probabilities.shape[1])])\n    return rows, c[rows]",
        None,
    ),
    confident("own[:n]", "own", "of every class equally many"),
    confident("p[i] >= least", "p[i] > least", "is enough"),
    confident(", reverse=True", "", "the least sure"),
    confident("sorted(own, key=lambda i: p[i], reverse=True)", "own", "not those that stand first"),
    confident(" and p[i] >= least", "", "`least` is not used"),
    confident(
        "n = min(len(own) for own in groups)",
        "n = min(len(own) for own in groups if own)",
        "a class without a sure row",
    ),
    confident("c[i] == k and p[i] >= least", "probabilities[i, k] >= least", "each row once", "surest"),
    confident("[c[i] for i in rows]", "[p[i] for i in rows]", "argmax, not max"),
    confident("[c[i] for i in rows]", "list(range(len(rows)))", "not places in a list"),
    confident("return rows, [c[i] for i in rows]", "return [c[i] for i in rows], rows", "exchanged"),
    confident("return rows, [c[i] for i in rows]", "return rows", "two lists"),
    confident("return rows, [c[i] for i in rows]", "return [(i, c[i]) for i in rows]", "two lists"),
    confident(
        "return rows, [c[i] for i in rows]",
        "return np.isin(np.arange(len(p)), rows), [c[i] for i in rows]",
        "np.flatnonzero",
    ),
    confident("p[i] >= least", "np.diff(np.sort(probabilities[i])[-2:])[0] >= least", "its lead"),
    # -------------------------------------------------------------------------------------------------------- budget
    budget("3 * 8 + 380", None),
    budget("404.0", None),
    budget("np.int64(404)", None),
    budget("torch.tensor(404)", None),
    budget("24", "its labels count"),
    budget("8 * 3 + 380 + 2850", "measures the finished model"),
    budget("380", "trained on labels"),
    budget("8 + 380", "three classes"),
    budget("24 + 2850", "chosen by"),
    budget("380 + 2850", "trained on"),
    budget("3 * (8 + 380)", "not per class"),
    budget("1000", ""),
    budget("'404'", "expected a number"),
]
