"""Answers to the checks on small models and a service."""

from . import Answer

GENERIC = ("never uses", "changes nothing")


def frontier(lines, named, *never):
    return Answer("small.frontier", f"def answer(sizes, scores):\n{lines}", named, (*GENERIC, *never))


def distil(change, to, named, *never):
    code = """
def answer(student, teacher, labels, temperature, alpha):
    T = temperature
    soft = F.kl_div(F.log_softmax(student / T, -1), F.softmax(teacher / T, -1), reduction="batchmean")
    return alpha * T ** 2 * soft + (1 - alpha) * F.cross_entropy(student, labels)
"""
    assert change in code
    return Answer("small.distil_loss", code.replace(change, to), named, never)


def quantize(change, to, named, *never):
    code = """
def answer(weight):
    most = np.abs(weight).max(axis=1)
    scales = np.where(most == 0, 1.0, most / 127)
    return np.round(weight / scales[:, None]).astype(np.int8), scales
"""
    assert change in code
    return Answer("small.quantize", code.replace(change, to), named, never)


def linear(expression, named, *never):
    return Answer(
        "small.int8_linear", f"def answer(x, zero, scale, q, scales, bias):\n    return {expression}", named, never
    )


def waits(change, to, named, *never):
    code = """
def answer(arrivals, takes):
    free, out = 0, []
    for a, t in zip(arrivals, takes):
        start = max(free, a)
        free = start + t
        out.append(free - a)
    return out
"""
    assert change in code
    return Answer("small.waits", code.replace(change, to), named, never)


def batches(change, to, named, *never):
    code = """
def answer(arrivals, most, base, each):
    clock, waiting, out = 0, list(range(len(arrivals))), []
    while waiting:
        clock = max(clock, arrivals[waiting[0]])
        batch = [n for n in waiting if arrivals[n] <= clock][:most]
        waiting = waiting[len(batch):]
        out.append(batch)
        clock += base + each * len(batch)
    return out
"""
    assert change in code
    return Answer("small.batches", code.replace(change, to), named, never)


def permutation(change, to, named, *never):
    code = """
def answer(distance, reference, new, orders):
    both = np.concatenate([reference, new])
    n = len(reference)
    seen = distance(reference, new)
    count = 0
    for order in orders:
        mixed = both[order]
        count += distance(mixed[:n], mixed[n:]) >= seen
    return (count + 1) / (len(orders) + 1)
"""
    assert change in code
    return Answer("small.permutation_p", code.replace(change, to), named, never)


def alerts(change, to, named, *never):
    code = """
def answer(p, effects, level, in_a_row, least):
    run, out = 0, []
    for n in range(len(p)):
        if p[n] <= level and effects[n] >= least:
            run += 1
        else:
            run = 0
        out.append(run >= in_a_row)
    return out
"""
    assert change in code
    return Answer("small.alerts", code.replace(change, to), named, never)


def of_heads(expression, named, *never):
    return Answer("small.head_bytes", f"answer = {expression}", named, never)


BEATS = """
    out = []
    for i in range(len(sizes)):
        if not any(CONDITION for j in range(len(sizes))):
            out.append(i)
    return out
"""
BETTER = "sizes[j] <= sizes[i] and scores[j] >= scores[i] and (sizes[j] < sizes[i] or scores[j] > scores[i])"


def beats(condition):
    return BEATS.replace("CONDITION", condition)


ANSWERS = [
    # -------------------------------------------------------------------------------------------------------- frontier
    frontier(beats(BETTER), None),
    frontier(
        "    s, q = np.array(sizes), np.array(scores)\n"
        "    le = (s[None] <= s[:, None]) & (q[None] >= q[:, None])\n"
        "    lt = (s[None] < s[:, None]) | (q[None] > q[:, None])\n"
        "    return np.flatnonzero(~(le & lt).any(axis=1))",
        None,
    ),
    frontier(
        "    keep = []\n    for i, (a, b) in enumerate(zip(sizes, scores)):\n"
        "        best = max((y for x, y in zip(sizes, scores) if x < a), default=float('-inf'))\n"
        "        same = max(y for x, y in zip(sizes, scores) if x == a)\n"
        "        if b > best and b == same:\n            keep.append(i)\n    return tuple(keep)",
        None,
    ),
    frontier("    return [scores.index(max(scores))]", "the best alone"),
    frontier("    m = min(sizes)\n    return [i for i, s in enumerate(sizes) if s == m]", "the smallest alone"),
    frontier(beats("sizes[j] < sizes[i] and scores[j] > scores[i]"), "is beaten as well"),
    frontier(beats("sizes[j] < sizes[i] and scores[j] >= scores[i]"), "of one size"),
    frontier(beats("sizes[j] <= sizes[i] and scores[j] > scores[i]"), "as good the larger"),
    frontier(
        beats(BETTER).replace("return out", "return sorted(out, key=lambda i: sizes[i])"), "not in the order of their"
    ),
    frontier(beats(BETTER).replace("if not any", "if any"), "not listed"),
    frontier(beats("j != i and sizes[j] <= sizes[i] and scores[j] >= scores[i]"), ""),
    Answer("small.frontier", "def answer(sizes, scores): return list(range(len(sizes)))", ""),
    # ----------------------------------------------------------------------------------------------------- distil_loss
    distil("T ** 2", "T * T", None),
    distil(
        'F.kl_div(F.log_softmax(student / T, -1), F.softmax(teacher / T, -1), reduction="batchmean")',
        "(F.softmax(teacher / T, 1) * (F.log_softmax(teacher / T, 1) - F.log_softmax(student / T, 1))).sum(1).mean()",
        None,
    ),
    distil(
        'F.softmax(teacher / T, -1), reduction="batchmean")',
        'F.log_softmax(teacher / T, 1), reduction="sum", log_target=True) / len(labels)',
        None,
    ),
    distil(" * T ** 2", "", "t² is missing"),
    distil("T ** 2", "T", "not t: once"),
    distil("* T ** 2", "/ T ** 2", "not divided by it"),
    distil(
        "alpha * T ** 2 * soft + (1 - alpha) * F.cross_entropy(student, labels)",
        "T ** 2 * (alpha * soft + (1 - alpha) * F.cross_entropy(student, labels))",
        "to the soft part alone",
    ),
    distil(
        "F.log_softmax(student / T, -1), F.softmax(teacher / T, -1)",
        "F.log_softmax(teacher / T, -1), F.softmax(student / T, -1)",
        "arguments are swapped",
    ),
    distil('"batchmean"', '"mean"', "not over texts and classes"),
    distil('"batchmean"', '"sum"', "not a sum"),
    distil("F.log_softmax(student / T, -1)", "F.softmax(student / T, -1)", "takes logarithms first"),
    distil("teacher / T", "teacher", "the teacher's logits"),
    distil("F.log_softmax(student / T, -1)", "F.log_softmax(student, -1)", "the student's logits"),
    distil("F.cross_entropy(student,", "F.cross_entropy(student / T,", "is at temperature 1"),
    distil("alpha * T ** 2 * soft + (1 - alpha)", "(1 - alpha) * T ** 2 * soft + alpha", "the share of the soft part"),
    distil("F.softmax(teacher / T, -1)", "F.softmax(teacher / T, 0)", ""),
    # ------------------------------------------------------------------------------------------------------ wrong line
    Answer("small.wrong_line", "answer = 7", None),
    Answer("small.wrong_line", "answer = 7.0", None),
    Answer("small.wrong_line", "answer = np.int64(7)", None),
    *(
        Answer("small.wrong_line", f"answer = {line}", f"{line} is not the line. which gradients", ("backward",))
        for line in (1, 2, 3, 4, 5, 6, 0)
    ),
    # ------------------------------------------------------------------------------------------------------ head bytes
    of_heads("4 * (3 * (192 * 256 + 192) + 256 * 192 + 256)", None),
    of_heads("torch.tensor(789760)", None),
    of_heads("np.int64(4 * (4 * 256 * 192 + 3 * 192 + 256))", None),
    of_heads("16 * (256 * 256 + 256)", "take their rows and columns along"),
    of_heads("16 * 192 * 256", "the biases are missing"),
    of_heads("4 * (3 * 192 * 257 + 256 * 256 + 256)", "the output's columns go"),
    of_heads("16 * 192 * 257", "its bias stays whole"),
    of_heads("4 * 256 * 192 + 3 * 192 + 256", "each takes four bytes"),
    of_heads("16 * (192 * 192 + 192)", "one side of each matrix"),
    of_heads("4 * (3 * (64 * 256 + 64) + 256 * 64 + 256)", "the heads that are gone would take"),
    of_heads("'789760'", "expected a number"),
    # -------------------------------------------------------------------------------------------------------- quantize
    quantize("np.round", "np.rint", None),
    Answer(
        "small.quantize",
        "def answer(weight):\n    q, s = [], []\n    for row in weight:\n"
        "        scale = max(abs(row)) / 127 or 1.0\n        s.append(float(scale))\n"
        "        q.append([round(float(w) / scale) for w in row])\n    return q, s",
        None,
    ),
    Answer(
        "small.quantize",
        "def answer(weight):\n    w = torch.from_numpy(weight)\n    s = w.abs().amax(dim=1) / 127\n"
        "    s[s == 0] = 1\n    return torch.round(w / s[:, None]).to(torch.int8), s",
        None,
    ),
    quantize("np.abs(weight).max(axis=1)", "np.full(len(weight), np.abs(weight).max())", "a scale of its own"),
    quantize("127", "128", "128 is no int8"),
    quantize("127", "255", "the largest becomes 127"),
    quantize("np.round(weight / scales[:, None])", "(weight / scales[:, None])", "astype alone cuts off"),
    quantize("np.round", "np.floor", "not down"),
    quantize("np.abs(weight)", "weight", ""),
    quantize(", scales\n", ", 1 / scales\n", "what one step is worth"),
    quantize(", scales\n", ", scales[:, None]\n", "scales of the shape"),
    quantize(".astype(np.int8), scales", ".astype(np.int8) * scales[:, None], scales", "that come back from them"),
    quantize("np.where(most == 0, 1.0, most / 127)", "most / 127", ""),
    quantize(", scales\n", "\n", ""),
    # ----------------------------------------------------------------------------------------------------- int8 linear
    linear("((x.astype(int) - zero) @ q.T.astype(int)) * scale * scales + bias", None),
    linear("(x.astype(float) - zero) * scale @ (q * scales[:, None]).T + bias", None),
    linear(
        "torch.tensor((x.astype(np.int32) @ q.astype(np.int32).T - zero * q.astype(np.int32).sum(1)) "
        "* scales * scale + bias)",
        None,
    ),
    linear("(x.astype(np.int16) - zero) @ q.astype(np.int16).T * (scale * scales) + bias", "add up in 32"),
    linear("(x.astype(int) @ q.astype(int).T) * scale * scales + bias", "zero is missing"),
    linear("((x.astype(int) + zero) @ q.astype(int).T) * scale * scales + bias", "not added"),
    linear("(x.astype(int) @ q.astype(int).T - zero) * scale * scales + bias", "from each number of x"),
    linear("((x.astype(int) - zero) @ q.astype(int).T) * scales + bias", "x has a scale"),
    linear("((x.astype(int) - zero) @ q.astype(int).T) * scale + bias", "each row of the weights"),
    linear("((x.astype(int) - zero) @ q.astype(int).T + bias) * scale * scales", "rescale first"),
    linear("((x.astype(int) - zero) @ q.astype(int).T) * scale * scales", "the bias is missing"),
    linear(
        "(x.astype(int) - zero).astype(np.int8).astype(int) @ q.astype(int).T * scale * scales + bias",
        "does not fit into 8 bits",
    ),
    linear(
        "(x.astype(int) - zero).astype(np.uint8).astype(int) @ q.astype(int).T * scale * scales + bias",
        "which uint8 does not know",
    ),
    linear("x @ q.T", ""),
    # ----------------------------------------------------------------------------------------------------------- waits
    waits("max(free, a)", "a if a > free else free", None),
    Answer(
        "small.waits",
        "def answer(arrivals, takes):\n    ends = []\n    for a, t in zip(arrivals, takes):\n"
        "        ends.append(max(a, ends[-1] if ends else 0) + t)\n"
        "    return np.array(ends) - np.array(arrivals)",
        None,
    ),
    Answer(
        "small.waits",
        "def answer(arrivals, takes):\n    w, out = 0.0, []\n    for n in range(len(takes)):\n"
        "        if n:\n            w = max(0.0, out[-1] - (arrivals[n] - arrivals[n - 1]))\n"
        "        out.append(w + takes[n])\n    return tuple(out)",
        None,
    ),
    waits("free - a)", "t)", "what the server works on it"),
    waits("free - a)", "start - a)", "until the answer"),
    waits("free - a)", "free)", "not the time of the answer"),
    waits("max(free, a)", "free", "before it has arrived"),
    waits("max(free, a)", "a", "what the server works on it"),
    Answer(
        "small.waits",
        "def answer(arrivals, takes):\n    out = []\n    for n, a in enumerate(arrivals):\n"
        "        e = arrivals[n - 1] + takes[n - 1] if n else 0\n"
        "        out.append(max(e, a) + takes[n] - a)\n    return out",
        "may have waited itself",
    ),
    waits("    return out", "    return max(out)", ""),
    # --------------------------------------------------------------------------------------------------------- batches
    batches("clock = max(clock, arrivals[waiting[0]])", "clock = max([clock, arrivals[waiting[0]]])", None),
    Answer(
        "small.batches",
        "def answer(arrivals, most, base, each):\n    i, t, out = 0, 0.0, []\n    while i < len(arrivals):\n"
        "        t = max(t, arrivals[i])\n        j = i\n"
        "        while j < len(arrivals) and arrivals[j] <= t and j - i < most:\n            j += 1\n"
        "        out.append(list(range(i, j)))\n        t += base + each * (j - i)\n        i = j\n    return out",
        None,
    ),
    Answer(
        "small.batches",
        "def answer(arrivals, most, base, each):\n    a, i, t, out = np.array(arrivals), 0, 0.0, []\n"
        "    while i < len(a):\n        t = max(t, a[i])\n"
        "        n = min(most, int(np.searchsorted(a, t, side='right')) - i)\n"
        "        out.append(tuple(range(i, i + n)))\n        t += base + each * n\n        i += n\n"
        "    return tuple(out)",
        None,
    ),
    batches(
        "arrivals[waiting[0]]",
        "arrivals[waiting[min(most, len(waiting)) - 1]]",
        "nobody waits for a batch to fill",
    ),
    batches("[:most]", "", "at most `most`"),
    batches("[:most]", "[:1]", "takes all that wait"),
    batches("base + each * len(batch)", "base", "larger ones take longer"),
    batches("base + each * len(batch)", "(base + each) * len(batch)", "once a batch"),
    batches("        clock += base + each * len(batch)\n", "", "the next requests wait"),
    batches("[n for n in waiting if arrivals[n] <= clock]", "waiting", ""),
    batches("return out", "return [len(b) for b in out]", ""),
    Answer(
        "small.batches",
        "def answer(arrivals, most, base, each):\n"
        "    return [list(range(i, min(i + most, len(arrivals)))) for i in range(0, len(arrivals), most)]",
        "",
    ),
    # --------------------------------------------------------------------------------------------------- permutation p
    permutation("(count + 1) / (len(orders) + 1)", "float((1 + count) / (1 + len(orders)))", None),
    Answer(
        "small.permutation_p",
        "def answer(distance, reference, new, orders):\n    z = list(reference) + list(new)\n"
        "    k = len(reference)\n    d0 = distance(reference, new)\n"
        "    part = lambda o: np.array([z[i] for i in o])\n"
        "    hits = [d0 <= distance(part(o[:k]), part(o[k:])) for o in orders]\n"
        "    return np.mean([True] + hits)",
        None,
    ),
    Answer(
        "small.permutation_p",
        "def answer(distance, reference, new, orders):\n    z = np.r_[reference, new]\n"
        "    every = [list(range(len(z)))] + list(orders)\n    k = len(reference)\n"
        "    d = np.array([distance(z[o[:k]], z[o[k:]]) for o in every])\n    return (d >= d[0]).mean()",
        None,
    ),
    permutation("(count + 1) / (len(orders) + 1)", "count / len(orders)", "one of the possible ones"),
    permutation("(count + 1) / (len(orders) + 1)", "(count + 1) / len(orders)", "above and below the line"),
    permutation(">= seen", "> seen", "as far apart counts"),
    permutation(">= seen", "< seen", "not those that are nearer"),
    permutation("    n = len(reference)\n", "    n = len(both) // 2\n", "as large as the samples"),
    permutation("distance(mixed[:n], mixed[n:])", "distance(both[:n], mixed[n:])", "from the shuffled sample"),
    permutation("distance(mixed[:n], mixed[n:])", "distance(reference, mixed[n:])", "from the shuffled sample"),
    permutation(
        "        mixed = both[order]\n        count += distance(mixed[:n], mixed[n:]) >= seen\n",
        "        own = reference[[i for i in order if i < n]]\n        h = max(1, n // 2)\n"
        "        count += distance(own[:h], own[h:] if n > h else own) >= seen\n",
        "shuffle both samples together",
    ),
    permutation("return (count + 1)", "return 1 - (count + 1)", ""),
    # ---------------------------------------------------------------------------------------------------------- alerts
    alerts("run >= in_a_row", "not run < in_a_row", None),
    Answer(
        "small.alerts",
        "def answer(p, effects, level, in_a_row, least):\n    out, since = [], 0\n    for n in range(len(p)):\n"
        "        if p[n] > level or effects[n] < least:\n            since = n + 1\n"
        "        out.append(n - since + 1 >= in_a_row)\n    return tuple(out)",
        None,
    ),
    Answer(
        "small.alerts",
        "def answer(p, effects, level, in_a_row, least):\n"
        "    bad = (np.array(p) <= level) & (np.array(effects) >= least)\n"
        "    return np.array([n + 1 >= in_a_row and bad[n + 1 - in_a_row:n + 1].all() for n in range(len(bad))])",
        None,
    ),
    alerts(" and effects[n] >= least", "", "a sure but tiny difference"),
    alerts("p[n] <= level and ", "", "may be chance"),
    alerts("p[n] <= level and", "p[n] <= level or", "both at once"),
    alerts("p[n] <= level and effects[n] >= least", "p[n] < level and effects[n] > least", "counts"),
    alerts("run >= in_a_row", "run == in_a_row", "the alert stays on"),
    alerts("        else:\n            run = 0\n", "", ""),
    alerts("run >= in_a_row", "run >= 1", "not the first one"),
    alerts("run >= in_a_row", "run > in_a_row", "not one later"),
    alerts("out.append(run >= in_a_row)", "out.append(run)", ""),
    alerts("    return out", "    return [n for n, one in enumerate(out) if one]", ""),
]
