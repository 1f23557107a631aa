"""Answers to the checks on tuning a little."""

from . import Answer

GENERIC = ("never uses", "changes nothing")


def rate(expression, named, *never):
    return Answer("tuning.rate", f"def answer(u, low, high): return {expression}", named, never)


def expected(lines, named, *never):
    return Answer("tuning.expected_maximum", f"def answer(scores, n):\n{lines}", named, never)


def reported(lines, named, *never):
    return Answer("tuning.reported", f"def answer(trials):\n{lines}", named, (*GENERIC, *never))


def adapter(expression, named, *never):
    head = "def answer(hidden, down, down_bias, up, up_bias)"
    return Answer("tuning.adapter", f"{head}: return {expression}", named, never)


def weights(expression, named, *never):
    return Answer("tuning.adapter_weights", f"answer = {expression}", named, never)


def stored(expression, named, *never):
    return Answer("tuning.stored", f"answer = {expression}", named, never)


def trained(lines, named, *never):
    return Answer("tuning.trained", f"def answer(names, method):\n{lines}", named, never)


def merged(expression, named, *never):
    return Answer("tuning.merged", f"def answer(weight, A, B, alpha): return {expression}", named, never)


PREFIX = """
def answer(query, keys, values, prefix_keys, prefix_values, mask):
    n = len(keys)
    k = torch.cat([prefix_keys[None].repeat(n, 1, 1), keys], 1)
    v = torch.cat([prefix_values[None].repeat(n, 1, 1), values], 1)
    m = torch.cat([torch.ones(n, len(prefix_keys)), mask], 1)
    s = torch.einsum("btd,bsd->bts", query, k) / query.size(-1) ** 0.5
    s = s.masked_fill(m[:, None] == 0, -1e9)
    return torch.softmax(s, -1) @ v
"""


def prefix(change, to, named, *never):
    assert change in PREFIX
    return Answer("tuning.with_prefix", PREFIX.replace(change, to), named, never)


def answers(lines, named, *never):
    return Answer("tuning.answers", f"def answer(requests, tasks):\n{lines}", named, never)


SORTED = "    v = sorted(scores)\n    N = len(v)\n"
BEST = "    v, t = max(trials, key=lambda p: max(p[0]))\n"

ANSWERS = [
    # ------------------------------------------------------------------------------------------------------------ rate
    rate("low * (high / low) ** u", None),
    rate("np.exp(np.log(low) + u * (np.log(high) - np.log(low)))", None),
    rate("10 ** (math.log10(low) * (1 - u) + math.log10(high) * u)", None),
    rate("low + u * (high - low)", "that is even in the rate itself"),
    rate("np.log(low) + u * (np.log(high) - np.log(low))", "take exp of it"),
    rate("np.log10(low) + u * (np.log10(high) - np.log10(low))", "take 10 to its power"),
    rate("high * (low / high) ** u", "u = 0 gives low"),
    rate("(high / low) ** u", "the range begins at low"),
    rate("10 ** (np.log(low) + u * (np.log(high) - np.log(low)))", "you mix them"),
    rate("(low * high) ** 0.5", "middle of the range"),
    rate("low", ""),
    # ------------------------------------------------------------------------------------------------ expected maximum
    expected(SORTED + "    return sum(v[i] * (((i + 1) / N) ** n - (i / N) ** n) for i in range(N))", None),
    expected(
        "    from itertools import product\n    if len(scores) ** n <= 3000:\n"
        "        return sum(max(p) for p in product(scores, repeat=n)) / len(scores) ** n\n"
        "    v = np.sort(scores)\n    f = (np.arange(len(v) + 1) / len(v)) ** n\n    return float(np.diff(f) @ v)",
        None,
    ),
    expected(
        "    values = sorted(set(scores))\n    F = [sum(s <= v for s in scores) / len(scores) for v in values]\n"
        "    P = [f ** n for f in F]\n    return P[0] * values[0] + sum((P[i] - P[i - 1]) * values[i] "
        "for i in range(1, len(P)))",
        None,
    ),
    expected("    return max(scores)", "n draws seldom find it"),
    expected("    return np.mean(scores)", "the mean of one draw"),
    expected("    return max(scores[:n])", "the order of the scores is chance"),
    expected("    return np.mean(scores[:n])", "not the mean of the first n"),
    expected(
        SORTED.replace("sorted(scores)", "scores")
        + "    return sum(v[i] * (((i + 1) / N) ** n - (i / N) ** n) for i in range(N))",
        "sort the scores first",
    ),
    expected(
        "    v = sorted(scores, reverse=True)\n    N = len(v)\n"
        "    return sum(v[i] * (((i + 1) / N) ** n - (i / N) ** n) for i in range(N))",
        "the expected smallest",
    ),
    expected(
        "    from itertools import combinations\n    n = min(n, len(scores))\n"
        "    return np.mean([max(c) for c in combinations(scores, n)])",
        "a score can come twice",
    ),
    expected(SORTED + "    return sum(v[i] * ((i + 1) / N) ** n for i in range(N))", "take away"),
    expected(SORTED + "    return v[min(n, N) - 1]", "the n-th smallest"),
    expected("    return np.mean(scores) + np.std(scores) * np.sqrt(2 * np.log(n))", ""),
    # -------------------------------------------------------------------------------------------------------- reported
    reported(
        "    best, out = -1, None\n    for v, t in trials:\n        for a, b in zip(v, t):\n"
        "            if a > best:\n                best, out = a, b\n    return out",
        None,
    ),
    reported(BEST + "    return t[int(np.argmax(v))]", None),
    reported(
        "    flat = [(a, -i, -e, t[e]) for i, (v, t) in enumerate(trials) for e, a in enumerate(v)]\n"
        "    return max(flat)[3]",
        None,
    ),
    reported("    return max(max(v) for v, t in trials)", "it flatters"),
    reported("    return max(max(t) for v, t in trials)", "chooses by the test set"),
    reported(BEST + "    return max(t)", "its epoch has to be, too"),
    reported(BEST + "    return t[-1]", "not the last one"),
    reported("    v, t = max(trials, key=lambda p: p[0][-1])\n    return t[-1]", "that epoch is kept"),
    reported("    v, t = max(trials, key=lambda p: np.mean(p[0]))\n    return t[int(np.argmax(v))]", "not by the mean"),
    reported("    return np.mean([t[int(np.argmax(v))] for v, t in trials])", "the mean over all"),
    reported("    return max(t[int(np.argmax(v))] for v, t in trials)", "the trial on test"),
    reported("    return trials[0][1][0]", ""),
    # --------------------------------------------------------------------------------------------------------- adapter
    adapter("hidden + F.linear(F.gelu(F.linear(hidden, down, down_bias)), up, up_bias)", None),
    adapter(
        "torch.einsum('...m,dm->...d', F.gelu(torch.einsum('...d,md->...m', hidden, down) + down_bias), up)"
        " + up_bias + hidden",
        None,
    ),
    adapter(
        "hidden + (lambda z: z * (1 + torch.erf(z / 2 ** 0.5)) / 2)(hidden @ down.t() + down_bias) @ up.t() + up_bias",
        None,
    ),
    adapter("F.gelu(hidden @ down.T + down_bias) @ up.T + up_bias", "is added to h"),
    adapter("hidden + F.relu(hidden @ down.T + down_bias) @ up.T + up_bias", "not relu"),
    adapter("hidden + (hidden @ down.T + down_bias) @ up.T + up_bias", "the two matrices are one"),
    adapter("hidden + F.gelu((hidden @ down.T + down_bias) @ up.T + up_bias)", "not behind the second"),
    adapter("F.gelu(hidden + F.gelu(hidden @ down.T + down_bias) @ up.T + up_bias)", "not around the sum"),
    adapter("hidden + F.gelu(hidden @ down.T) @ up.T", "both biases"),
    adapter("hidden + F.gelu(hidden @ down.T) @ up.T + up_bias", "way down"),
    adapter("hidden + F.gelu(hidden @ down.T + down_bias) @ up.T", "way up"),
    adapter("hidden + F.gelu(hidden @ down + down_bias) @ up + up_bias", ""),
    # --------------------------------------------------------------------------------------------------------- weights
    weights("6 * (2 * (256 * 64 + 64 + 64 * 256 + 256) + 2 * 2 * 256)", None),
    weights("np.int64(403200)", None),
    weights("torch.tensor(403200)", None),
    weights("6 * 2 * (256 * 64 + 64 + 64 * 256 + 256)", "layernorms train, too"),
    weights("6 * (2 * (2 * 256 * 64) + 4 * 256)", "adapters' biases are missing"),
    weights("6 * 2 * 2 * 256 * 64", "biases and layernorms"),
    weights("6 * ((2 * 256 * 64 + 64 + 256) + 4 * 256)", "two adapters per layer"),
    weights("6 * (2 * (256 * 64 + 64 + 256) + 4 * 256)", "down and up"),
    weights("6 * (2 * (2 * 256 * 64 + 64 + 256) + 2 * 256)", "a weight and a bias for each dimension"),
    weights("2 * (2 * 256 * 64 + 64 + 256) + 4 * 256", "one layer"),
    weights("'403200'", "expected a number"),
    weights("0", ""),
    # ---------------------------------------------------------------------------------------------------------- stored
    stored("4 * 135 + 22 * 4 * 135 * 0.008", None),
    stored("635", None),
    stored("torch.tensor(635.04)", None),
    stored("4 * 135 * 22 * 0.008", "the encoder itself is kept"),
    stored("135 * (1 + 22 * 0.008)", "a number has 4 bytes"),
    stored("4 * 135 * 1.008", "that is one task"),
    stored("4 * 135 * (1 + 22 * 0.8)", "a hundredth"),
    stored("4 * 135 * 22 * 1.008", ""),
    stored("4 * 135 * 22", "an encoder for each task"),
    stored("'635'", "expected a number"),
    stored("0", ""),
    # --------------------------------------------------------------------------------------------------------- trained
    trained(
        "    out = []\n    for n in names:\n        if n.startswith('classifier'):\n            out.append(n)\n"
        "        elif method == 'bitfit' and n.endswith('bias'):\n            out.append(n)\n"
        "        elif method == 'adapters' and ('.down.' in n or '.up.' in n or 'norm' in n):\n"
        "            out.append(n)\n"
        "    return out",
        None,
    ),
    trained(
        "    import re\n    p = {'bitfit': r'bias$|^class', 'adapters': r'[.](down|up)[.]|norm|^class'}[method]\n"
        "    return tuple(n for n in names if re.search(p, n))",
        None,
    ),
    trained(
        "    return list(filter(lambda n: 'classifier' in n or (n[-4:] == 'bias' if method == 'bitfit' else "
        "'down.' in n or 'up.' in n or 'norm.' in n), names))",
        None,
    ),
    trained(
        "    return [n for n in names if (n.endswith('bias') and 'classifier' not in n if method == 'bitfit' "
        "else '.down.' in n or '.up.' in n or 'norm' in n)]",
        "the head trains in every method",
    ),
    trained(
        "    return [n for n in names if (n.endswith('bias') if method == 'bitfit' else '.down.' in n or '.up.' in n "
        "or 'norm' in n or n == 'classifier.bias')]",
        "the head's weight",
    ),
    trained(
        "    return [n for n in names if 'classifier' in n or (n.endswith('bias') if method == 'bitfit' "
        "else '.down.' in n or '.up.' in n)]",
        "the layernorms train",
    ),
    trained(
        "    return [n for n in names if 'classifier' in n or 'norm' in n or (n.endswith('bias') "
        "if method == 'bitfit' else '.down.' in n or '.up.' in n)]",
        "bitfit trains the bias alone",
    ),
    trained(
        "    return [n for n in names if 'classifier' in n or n.endswith('bias') or (method == 'adapters' and "
        "('.down.' in n or '.up.' in n or 'norm' in n))]",
        "other biases stay",
    ),
    trained("    return names", "everything trains"),
    trained(
        "    return sorted(n for n in names if 'classifier' in n or (n.endswith('bias') if method == 'bitfit' "
        "else '.down.' in n or '.up.' in n or 'norm' in n))",
        "not sorted",
    ),
    trained(
        "    return [n for n in names if not ('classifier' in n or (n.endswith('bias') if method == 'bitfit' "
        "else '.down.' in n or '.up.' in n or 'norm' in n))]",
        "stay as they are",
    ),
    trained("    return [n for n in names if method in n]", ""),
    # ---------------------------------------------------------------------------------------------------------- merged
    merged("weight + alpha / A.size(0) * B @ A", None),
    merged("torch.addmm(weight, B, A, alpha=alpha / B.shape[1])", None),
    merged("weight.clone() + (A.T @ B.T).T * (alpha / len(A))", None),
    merged("weight + B @ A", "where α = r nobody sees it"),
    merged("weight + alpha * B @ A", "divide α by r"),
    merged("weight + len(A) / alpha * B @ A", "not r / α"),
    merged("weight + B @ A / len(A)", "α is missing"),
    merged("weight + 2 * alpha / len(A) * B @ A", "merged twice"),
    merged("weight + alpha / len(A) ** 0.5 * B @ A", "rslora"),
    merged("alpha / len(A) * B @ A", "w is missing"),
    merged("weight + alpha / A.shape[1] * B @ A", "not of its columns"),
    merged("weight - alpha / len(A) * B @ A", "added to w"),
    merged("weight.add_(alpha / len(A) * B @ A)", "changed"),
    # --------------------------------------------------------------------------------------------------------- prefix
    prefix("-1e9", "float('-inf')", None),
    Answer(
        "tuning.with_prefix",
        """
def answer(query, keys, values, prefix_keys, prefix_values, mask):
    out = []
    for q, k, v, m in zip(query, keys, values, mask):
        own = m.bool()
        k, v = torch.cat([prefix_keys, k[own]]), torch.cat([prefix_values, v[own]])
        out.append(torch.softmax(q @ k.T / math.sqrt(q.shape[1]), -1) @ v)
    return torch.stack(out)
""",
        None,
    ),
    Answer(
        "tuning.with_prefix",
        """
def answer(query, keys, values, prefix_keys, prefix_values, mask):
    n, p = len(keys), len(prefix_keys)
    k = torch.cat([prefix_keys.unsqueeze(0).expand(n, p, -1), keys], dim=1)
    v = torch.cat([prefix_values.unsqueeze(0).expand(n, p, -1), values], dim=1)
    m = F.pad(mask.bool(), (p, 0), value=True)
    return F.scaled_dot_product_attention(query[:, None], k[:, None], v[:, None], attn_mask=m[:, None, None])[:, 0]
""",
        None,
    ),
    prefix(
        "torch.cat([torch.ones(n, len(prefix_keys)), mask], 1)",
        "F.pad(mask, (0, len(prefix_keys)), value=1)",
        "come before",
    ),
    prefix("torch.ones(n, len(prefix_keys))", "torch.zeros(n, len(prefix_keys))", "nobody looks at the prefix"),
    prefix("    s = s.masked_fill(m[:, None] == 0, -1e9)\n", "", "padding is seen"),
    prefix("s.masked_fill(m[:, None] == 0, -1e9)", "s * m[:, None]", "exp(0) is 1"),
    prefix(" / query.size(-1) ** 0.5", "", "divide the scores by √d"),
    prefix(" / query.size(-1) ** 0.5", " / query.size(-1)", "not by d"),
    prefix("prefix_values[None]", "prefix_keys[None]", "values of its own"),
    prefix("prefix_keys[None]", "prefix_values[None]", "come from its keys"),
    prefix("torch.softmax(s, -1)", "torch.softmax(s, 1)", ""),
    prefix("[torch.ones(n, len(prefix_keys)), mask]", "[mask]", ""),
    # --------------------------------------------------------------------------------------------------------- answers
    answers(
        "    from collections import defaultdict\n    by = defaultdict(list)\n"
        "    for i, (t, x) in enumerate(requests):\n        by[t].append((i, x))\n    out = [None] * len(requests)\n"
        "    for t, items in by.items():\n        for (i, _), a in zip(items, tasks[t]([x for _, x in items])):\n"
        "            out[i] = a\n    return out",
        None,
    ),
    answers(
        "    own = {t: iter(tasks[t]([x for s, x in requests if s == t])) for t in {t for t, _ in requests}}\n"
        "    return tuple(next(own[t]) for t, _ in requests)",
        None,
    ),
    answers(
        "    order = sorted(range(len(requests)), key=lambda i: requests[i][0])\n    flat = []\n"
        "    for t in sorted({t for t, _ in requests}):\n"
        "        flat += tasks[t]([requests[i][1] for i in order if requests[i][0] == t])\n"
        "    return [a for _, a in sorted(zip(order, flat))]",
        None,
    ),
    answers(
        "    out = []\n    for t in dict.fromkeys(t for t, _ in requests):\n"
        "        out += tasks[t]([x for s, x in requests if s == t])\n    return out",
        "in the order of the requests",
    ),
    answers("    return [tasks[t]([x])[0] for t, x in requests]", "you call once a request"),
    answers("    return tasks[requests[0][0]]([x for _, x in requests])", "you ask one task for all"),
    answers(
        "    d = {}\n    for t in dict.fromkeys(t for t, _ in requests):\n"
        "        xs = [x for s, x in requests if s == t]\n        d.update(zip(xs, tasks[t](xs)))\n"
        "    return [d[x] for _, x in requests]",
        "remember by place",
    ),
    answers(
        "    d = {}\n    for t in dict.fromkeys(t for t, _ in requests):\n"
        "        xs = list(dict.fromkeys(x for s, x in requests if s == t))\n"
        "        d.update(zip([(t, x) for x in xs], tasks[t](xs)))\n    return [d[r] for r in requests]",
        "is asked twice",
    ),
    answers(
        "    xs = [x for _, x in requests]\n    d = {t: f(xs) for t, f in tasks.items()}\n"
        "    return [d[t][i] for i, (t, _) in enumerate(requests)]",
        "not all of them",
    ),
    answers(
        "    out, i = [], 0\n    while i < len(requests):\n        j = i\n"
        "        while j < len(requests) and requests[j][0] == requests[i][0]:\n            j += 1\n"
        "        out += tasks[requests[i][0]]([x for _, x in requests[i:j]])\n        i = j\n    return out",
        "not only neighbours",
    ),
    answers("    return [tasks[t](x) for t, x in requests]", ""),
]
