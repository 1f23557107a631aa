"""Answers to the checks on looking inside."""

from . import Answer

GENERIC = ("every one of its arguments", "never uses", "changes nothing")


def entropy(expression, named, *never):
    return Answer("looking.entropy", f"def answer(weights): return {expression}", named, (*GENERIC, *never))


def share_at(lines, named, *never):
    code = f"def answer(weights, offset):\n    T = weights.shape[-1]\n    {lines}"
    return Answer("looking.share_at", code, named, never)


def without_head(lines, named, *never):
    code = f"""
def answer(heads, output, bias, head):
    B, H, T, d = heads.shape
    kept = heads.clone()
    {lines}
"""
    return Answer("looking.without_head", code, named, never)


def gradient(change, to, named, *never):
    code = """
def answer(score, x):
    x = x.clone().requires_grad_()
    g = torch.autograd.grad(score(x), x)[0]
    return (g * x).sum(-1)
"""
    assert change in code
    return Answer("looking.gradient_times_input", code.replace(change, to), named, (*GENERIC, *never))


def integrated(change, to, named, *never):
    code = """
def answer(score, x, baseline, steps):
    total = torch.zeros_like(x)
    for k in range(steps):
        a = (k + 0.5) / steps
        point = (baseline + a * (x - baseline)).requires_grad_()
        total += torch.autograd.grad(score(point), point)[0]
    return (total / steps * (x - baseline)).sum(-1)
"""
    assert change in code
    return Answer("looking.integrated_gradients", code.replace(change, to), named, ("completeness", *never))


def path(lines, named, *never):
    code = f"def answer(score, x, baseline, steps):\n{lines}"
    return Answer("looking.integrated_gradients", code, named, never)


def balanced(lines, named, *never):
    code = f"from sklearn import metrics\n\n\ndef answer(gold, predicted):\n    {lines}"
    return Answer("looking.balanced_accuracy", code, named, (*GENERIC, *never))


def completeness(expression, named, *never):
    return Answer("looking.completeness", f"answer = {expression}", named, never)


def padding(expression, named, *never):
    return Answer("looking.padding_share", f"answer = {expression}", named, never)


def looks_back(lines, named, *never):
    code = f"""
def answer(weights):
    L, H, T, _ = weights.shape
    share = weights.diagonal(-1, dim1=-2, dim2=-1).mean(-1)
    {lines}
"""
    return Answer("looking.looks_back", code, named, never)


def control(lines, named, *never):
    return Answer("looking.control_tags", f"def answer(words, tags, rng):\n    {lines}", named, never)


def order(lines, named, *never):
    return Answer("looking.order", f"def answer(tokens, words):\n    {lines}", named, (*GENERIC, *never))


def arrives(lines, named, *never):
    code = f"""
def answer(weights, values, output):
    H, T, d = values.shape
    parts = [output[:, h * d:(h + 1) * d] for h in range(H)]
    {lines}
"""
    return Answer("looking.arrives", code, named, never)


SILENT = "kept[:, head] = 0\n    "
JOIN = "return kept.transpose(1, 2).reshape(B, T, H * d) @ output.T + bias"
SHARES = "a * (x - baseline)"
MIDDLE = "(k + 0.5) / steps"
RECALLS = "[sum(g == p == c for g, p in zip(gold, predicted)) / gold.count(c) for c in set(gold)]"
ANSWERS = [
    # ------------------------------------------------------------------------------------------------------- entropy
    entropy("torch.special.entr(weights).sum(-1)", None),
    entropy("-torch.xlogy(weights, weights).sum(dim=-1)", None),
    entropy("-(weights * weights.log()).nan_to_num(0.0).sum(-1)", None),
    entropy("-(weights * (weights + 1e-12).log()).sum(-1)", None),
    entropy("torch.distributions.Categorical(probs=weights.double()).entropy()", None),
    entropy("torch.nansum(-weights * torch.log(weights), dim=-1)", None),
    Answer(
        "looking.entropy",
        """
def answer(weights):
    if weights.dim() == 1:
        return -sum(w * math.log(w) for w in weights.tolist() if w > 0)
    return [answer(row) for row in weights]
""",
        None,
    ),
    entropy("-np.einsum('...t,...t->...', weights.numpy(), np.log(np.maximum(weights.numpy(), 1e-30)))", None),
    entropy("-(weights * weights.log()).sum(-1)", "its limit is 0"),
    entropy("-(weights * weights.clamp(min=1e-9).log2()).sum(-1)", "natural logarithm"),
    entropy("(weights * weights.clamp(min=1e-9).log()).sum(-1)", "minus is missing"),
    entropy("-(weights * weights.clamp(min=1e-9).log()).mean(-1)", "do not average"),
    entropy("-(weights * weights.clamp(min=1e-9).log()).sum(-1).mean()", "not one mean"),
    entropy("-(weights * weights.clamp(min=1e-9).log()).sum()", "last dimension alone"),
    entropy("-(weights * weights.clamp(min=1e-9).log()).sum(-2 if weights.dim() > 1 else -1)", "sum over the keys"),
    entropy("-(weights * weights.clamp(min=1e-9).log()).sum(-1, keepdim=True)", "no keepdim"),
    entropy("-(weights * weights.clamp(min=1e-9).log())", "sum them"),
    entropy("torch.special.entr(weights).sum(1)", "last dimension, dim=-1"),
    entropy("torch.special.entr(weights.softmax(-1)).sum(-1)", "no softmax"),
    entropy("torch.special.entr(weights).sum(-1).exp()", "exponential of the entropy"),
    entropy("torch.special.entr(weights).sum(-1) / math.log(weights.size(-1))", "share of log t"),
    entropy("1 - (weights**2).sum(-1)", ""),
    entropy("-weights.max(-1).values.log()", ""),
    # ------------------------------------------------------------------------------------------------------ share at
    share_at("return weights.diagonal(offset, dim1=-2, dim2=-1).mean()", None),
    share_at("return weights.diagonal(offset, dim1=-2, dim2=-1).mean(-1)", None),
    share_at("return weights.diagonal(offset, dim1=-2, dim2=-1).mean(-1).tolist()", None),
    share_at("return float(np.diagonal(weights.numpy(), offset, -2, -1).mean())", None),
    share_at("return np.diagonal(weights.numpy(), offset, -2, -1).mean(-1)", None),
    share_at(
        "q = torch.arange(max(0, -offset), min(T, T - offset))\n    return weights[..., q, q + offset].mean(-1)", None
    ),
    share_at("return np.mean([weights[..., q, q + offset].mean() for q in range(T) if 0 <= q + offset < T])", None),
    share_at(
        "return sum(weights[..., q, q + offset] for q in range(T) if 0 <= q + offset < T) / (T - abs(offset))", None
    ),
    share_at(
        "there = torch.ones(T, T).tril(offset).triu(offset)\n    return (weights * there).sum((-2, -1)) / there.sum()",
        None,
    ),
    share_at("return weights.diagonal(-offset, dim1=-2, dim2=-1).mean()", "other direction"),
    share_at("return weights.diagonal(-offset, dim1=-2, dim2=-1).mean(-1)", "other direction"),
    share_at("return weights.diagonal(offset, dim1=-2, dim2=-1).sum(-1) / T", "divide by the queries that do"),
    share_at("return weights.diagonal(offset, dim1=-2, dim2=-1).sum()", "a mean is asked for"),
    share_at("return weights.diagonal(offset, dim1=-2, dim2=-1).sum(-1)", "a mean is asked for"),
    share_at(
        "return weights.diagonal(-1, dim1=-2, dim2=-1).mean(-1)", "never uses its argument offset", "other direction"
    ),
    share_at("return weights.mean()", "rows add up to 1", "how often"),
    share_at("return weights.mean((-2, -1)) + 0 * offset", "rows add up to 1", "how often"),
    share_at("return weights.mean() + 0 * offset", "rows add up to 1", "how often"),
    share_at("return sum(weights[..., q, (q + offset) % T] for q in range(T)).mean() / T", "index of -1"),
    share_at("return weights[..., range(T), [q + offset for q in range(T)]].mean()", "has none before"),
    share_at("return weights[..., offset].mean()", "one column"),
    share_at("return weights.diagonal(abs(offset), dim1=-2, dim2=-1).mean()", "sign of the offset"),
    share_at("return weights.diagonal(offset - 1, dim1=-2, dim2=-1).mean()", "one place too far"),
    share_at("return weights.diagonal(offset, dim1=-2, dim2=-1).amax(-1)", "not the largest"),
    share_at("q = torch.arange(T)\n    return (weights.argmax(-1) == q + offset).double().mean()", "not how often"),
    share_at("return weights.diagonal(offset).mean(-1)", "dim1=-2"),
    # ------------------------------------------------------------------------------------------------- padding share
    padding("700 / 16", None),
    padding("43.75", None),
    padding("np.float32(43.8)", None),
    padding("torch.tensor(43.75)", None),
    padding("56.25", "on the tokens"),
    padding("100 * 7 / 9", "the whole row"),
    padding("6.25", "one column's part"),
    padding("7", "of all of them"),
    padding("0.4375", "not a fraction"),
    padding("44", "three significant digits"),
    padding("0", ""),
    # ---------------------------------------------------------------------------------------------------- looks back
    looks_back("return divmod(share.argmax().item(), H)", None),
    looks_back("return divmod(share.argmax(), H)", "int(it), or it.item()"),
    looks_back("return divmod(share.flatten().argmax(), torch.tensor(H))", "int(it), or it.item()"),
    looks_back("return torch.unravel_index(share.argmax(), share.shape)", None),
    looks_back("return np.unravel_index(share.numpy().argmax(), (L, H))", None),
    looks_back("return max(((l, h) for l in range(L) for h in range(H)), key=lambda at: share[at])", None),
    looks_back("return (share == share.max()).nonzero()[0].tolist()", None),
    looks_back(
        "total = [[sum(weights[l, h, q, q - 1] for q in range(1, T)) for h in range(H)] for l in range(L)]\n"
        "    return list(divmod(int(np.argmax(total)), H))",
        None,
    ),
    looks_back("return share.argmax().item()", "divmod"),
    looks_back("return divmod(share.argmax().item(), H)[::-1]", "layer first"),
    looks_back("return tuple(n + 1 for n in divmod(share.argmax().item(), H))", "count from 0"),
    looks_back("return divmod(share.argmax().item(), L)", "divide by h"),
    looks_back("return divmod(share.argmin().item(), H)", "looks back least"),
    looks_back("return share.mean(1).argmax().item(), share.mean(0).argmax().item()", "best of all heads"),
    looks_back("return share.max()", "argmax"),
    looks_back("return divmod(weights.diagonal(1, dim1=-2, dim2=-1).mean(-1).argmax().item(), H)", "the token behind"),
    looks_back("return divmod(weights.diagonal(dim1=-2, dim2=-1).mean(-1).argmax().item(), H)", "the token itself"),
    looks_back("return divmod(weights[..., 0].mean(-1).argmax().item(), H)", "first token"),
    looks_back("return divmod(weights.diagonal(-1, dim1=-2, dim2=-1).amax(-1).argmax().item(), H)", "mean weight"),
    looks_back("return 0, 1", ""),
    looks_back("return share.max(0)", ""),
    # -------------------------------------------------------------------------------------------------- control tags
    control(
        "tag = {}\n    for word in words:\n        tag.setdefault(word, rng.choice(tags))\n"
        "    return [tag[word] for word in words]",
        None,
    ),
    control(
        "types = sorted(set(words))\n    tag = dict(zip(types, rng.choice(tags, len(types))))\n"
        "    return np.array([tag[word] for word in words])",
        None,
    ),
    control(
        "types, place = np.unique(words, return_inverse=True)\n    return rng.choice(tags, len(types))[place]", None
    ),
    control(
        "kinds, counts = np.unique(tags, return_counts=True)\n    types = list(dict.fromkeys(words))\n"
        "    drawn = rng.choice(kinds, len(types), p=counts / counts.sum())\n"
        "    return tuple(drawn[types.index(word)] for word in words)",
        None,
    ),
    control(
        "tag = {word: tags[int(rng.random() * len(tags))] for word in sorted(set(words))}\n"
        "    return list(map(tag.get, words))",
        None,
    ),
    *(
        control(f"tag = {drawn}\n    return [tag[word] for word in words]", "started again")
        for drawn in (
            "{word: rng.choice(tags) for word in set(words)}",
            "dict(zip(set(words), rng.choice(tags, len(set(words)))))",
            "{word: tags[int(rng.integers(len(tags)))] for word in {*words}}",
        )
    ),
    control("return [rng.choice(tags) for word in words]", "each word *type*"),
    control("return list(rng.permutation(tags))", "each word *type*"),
    control("return tags", "each word *type*"),
    control(
        "tag = {}\n    for word, own in zip(words, tags):\n        tag.setdefault(word, own)\n"
        "    return [tag[word] for word in words]",
        "depend on rng",
    ),
    control(
        "rng = np.random.default_rng(0)\n    tag = {word: rng.choice(tags) for word in sorted(set(words))}\n"
        "    return [tag[word] for word in words]",
        "depend on rng",
    ),
    control("return [tags[len(word) % len(tags)] for word in words]", "depend on rng"),
    control(
        "tag = {word: random.choice(tags) for word in words}\n    return [tag[word] for word in words]",
        "from rng alone",
    ),
    control(
        "kinds = sorted(set(tags))\n    tag = {word: rng.choice(kinds) for word in sorted(set(words))}\n"
        "    return [tag[word] for word in words]",
        "yours are even",
    ),
    control("return {word: rng.choice(tags) for word in words}", "came a dict"),
    control("return [rng.choice(tags) for word in sorted(set(words))]", "for each word of the text"),
    control("return rng.choice(tags)", "list of tags"),
    control(
        "tag = {word: rng.integers(len(tags)) for word in sorted(set(words))}\n    return [tag[w] for w in words]",
        "none of the tags",
    ),
    control(
        "own = dict(zip(words, tags))\n    types = sorted(own)\n    tag = dict(zip(types, rng.permutation("
        "[own[word] for word in types])))\n    return [tag[word] for word in words]",
        "in proportion",
        "even",
    ),
    # --------------------------------------------------------------------------------------------------------- order
    order(
        "named = [p for word in words for p, token in enumerate(tokens) if token == word]\n"
        "    return list(dict.fromkeys(named + list(range(len(tokens)))))",
        None,
    ),
    order(
        "rank = {word: n for n, word in reversed(list(enumerate(words)))}\n"
        "    return sorted(range(len(tokens)), key=lambda p: rank.get(tokens[p], len(words)))",
        None,
    ),
    order(
        "rank = [words.index(token) if token in words else len(words) for token in tokens]\n"
        "    return np.argsort(rank, kind='stable')",
        None,
    ),
    order(
        "left, found = list(range(len(tokens))), []\n    for word in words:\n        for p in list(left):\n"
        "            if tokens[p] == word:\n                found.append(p)\n                left.remove(p)\n"
        "    return torch.tensor(found + left)",
        None,
    ),
    order(
        "named = [tokens.index(word) for word in words if word in tokens]\n"
        "    return list(dict.fromkeys(named + list(range(len(tokens)))))",
        "more than once",
    ),
    order("return [p for word in words for p, t in enumerate(tokens) if t == word]", "come after them"),
    order("return sorted(range(len(tokens)), key=lambda p: tokens[p] not in words)", "in the order of words"),
    order("return sorted(range(len(tokens)), key=lambda p: tokens[p] in words)", "then the others"),
    order(
        "named = [p for word in words for p, t in enumerate(tokens) if t == word]\n"
        "    return named + [p for p in range(len(tokens)) if p not in named]",
        "named twice",
    ),
    order(
        "named = [p for word in dict.fromkeys(words) for p, t in enumerate(tokens) if t == word]\n"
        "    return named + list(range(len(tokens)))",
        "leave out of the rest",
    ),
    order(
        "rank = [words.index(token) if token in words else len(words) for token in tokens]\n"
        "    return [tokens[p] for p in np.argsort(rank, kind='stable')]",
        "not the tokens",
    ),
    order(
        "rank = [words.index(token) if token in words else len(words) for token in tokens]\n"
        "    return [p + 1 for p in np.argsort(rank, kind='stable')]",
        "count from 0",
    ),
    order(
        "rank = [words.index(token) if token in words else len(words) for token in tokens]\n"
        "    return np.argsort(np.argsort(rank, kind='stable'), kind='stable')",
        "rank of each place",
    ),
    order("return list(range(len(tokens)))", "change nothing"),
    order("return sorted(range(len(tokens)), key=lambda p: -len(tokens[p]) - 0 * len(words))", ""),
    order("return [tokens.index(word) for word in words]", ""),
    # ------------------------------------------------------------------------------------------------------- arrives
    arrives(
        "return torch.stack([weights[h] * (values[h] @ parts[h].T).norm(dim=-1) for h in range(H)])",
        None,
    ),
    arrives(
        "handed = torch.einsum('htd,ohd->hto', values, output.view(-1, H, d))\n"
        "    return weights * handed.norm(dim=-1)[:, None, :]",
        None,
    ),
    arrives(
        "full = weights[..., None] * torch.stack([values[h] @ parts[h].T for h in range(H)])[:, None]\n"
        "    return full.square().sum(-1).sqrt()",
        None,
    ),
    arrives(
        "return np.array([[[abs(float(weights[h, i, j])) * np.linalg.norm((parts[h] @ values[h, j]).numpy()) "
        "for j in range(T)] for i in range(T)] for h in range(H)])",
        None,
    ),
    arrives(
        "return [[[(weights[h, i, j] * (parts[h] @ values[h, j])).norm() for j in range(T)] for i in range(T)] "
        "for h in range(H)]",
        None,
    ),
    arrives("return weights * values.norm(dim=-1)[:, None]", "output matrix is missing"),
    arrives("return weights", ""),
    arrives(
        "return torch.stack([weights[h] * (values[h] @ parts[h].T).norm(dim=-1)[:, None] for h in range(H)])",
        "the key's",
    ),
    arrives(
        "return torch.stack([weights[h] * (values[h] @ output[h * d:(h + 1) * d]).norm(dim=-1) for h in range(H)])",
        "not its rows",
    ),
    arrives(
        "return torch.stack([weights[h] * (values[h] @ output[:, h::H].T).norm(dim=-1) for h in range(H)])",
        "next to each other",
    ),
    arrives(
        "return torch.stack([weights[h] * (values[h] @ output[:, :d].T).norm(dim=-1) for h in range(H)])",
        "columns of its own",
    ),
    arrives("return torch.stack([(values[h] @ parts[h].T).norm(dim=-1) for h in range(H)])", "has to give"),
    arrives(
        "return torch.stack([weights[h] * (values[h] @ parts[h].T).square().sum(-1) for h in range(H)])",
        "the root of that",
    ),
    arrives("return torch.stack([weights[h] * (values[h] @ parts[h].T).sum(-1) for h in range(H)])", "signs cancel"),
    arrives(
        "return torch.stack([(weights[h] @ values[h] @ parts[h].T).norm(dim=-1) for h in range(H)])",
        "no sum over keys",
    ),
    arrives("return sum(weights[h] * (values[h] @ parts[h].T).norm(dim=-1) for h in range(H))", "no sum over heads"),
    arrives(
        "return weights[..., None] * torch.stack([values[h] @ parts[h].T for h in range(H)])[:, None]",
        "their lengths",
    ),
    arrives("return torch.stack([weights[h] * (values[h] @ parts[h]).norm(dim=-1) for h in range(H)])", "columns h·d"),
    # -------------------------------------------------------------------------------------------------- without head
    without_head(SILENT + JOIN, None),
    without_head(
        "kept = heads * (torch.arange(H) != head)[:, None, None]\n"
        "    return torch.einsum('bhtd,ohd->bto', kept, output.view(-1, H, d)) + bias",
        None,
    ),
    without_head(
        "total = bias.expand(B, T, -1)\n    for h in range(H):\n        if h != head:\n"
        "            total = total + heads[:, h] @ output[:, h * d:(h + 1) * d].T\n    return total",
        None,
    ),
    without_head(
        "kept = heads.numpy().transpose(0, 2, 1, 3).reshape(B, T, H * d).copy()\n"
        "    kept[..., head * d:(head + 1) * d] = 0\n    return kept @ output.numpy().T + bias.numpy()",
        None,
    ),
    without_head(
        "whole = heads.transpose(1, 2).flatten(2) @ output.T + bias\n"
        "    return whole - heads[:, head] @ output[:, head * d:(head + 1) * d].T",
        None,
    ),
    without_head(
        "parts = [torch.zeros_like(heads[:, h]) if h == head else heads[:, h] for h in range(H)]\n"
        "    return F.linear(torch.cat(parts, dim=-1), output, bias).tolist()",
        None,
    ),
    without_head("output = output.clone()\n    output[:, head * d:(head + 1) * d] = 0\n    " + JOIN, None),
    without_head("heads[:, head] = 0\n    kept = heads\n    " + JOIN, "work on a copy"),
    without_head(JOIN, "no head is off"),
    without_head("kept[head] = 0\n    " + JOIN, "heads are dimension 1"),
    without_head("kept[:, :, head] = 0\n    " + JOIN, "heads are dimension 1"),
    without_head("kept[..., head] = 0\n    " + JOIN, "heads are dimension 1"),
    without_head("kept[:, head - 1] = 0\n    " + JOIN, "another head", "no head is off"),
    without_head("kept[:, (head + 1) % H] = 0\n    " + JOIN, "another head"),
    without_head(SILENT + JOIN.replace("output.T", "output"), "stored (out, in)"),
    without_head(SILENT + JOIN.replace(" + bias", ""), "bias stays"),
    without_head(SILENT + JOIN.replace(".transpose(1, 2)", ""), "transpose before"),
    without_head("kept[:] = 0\n    kept[:, head] = heads[:, head]\n    " + JOIN, "head alone"),
    without_head("kept[:, head] = heads[:, head].mean()\n    " + JOIN, "not the mean"),
    without_head("output = output.clone()\n    output[head * d:(head + 1) * d] = 0\n    " + JOIN, "columns"),
    without_head(
        "x = kept.transpose(1, 2).reshape(B, T, H * d)\n    x[..., head] = 0\n    return x @ output.T + bias",
        "a head has d of them",
    ),
    without_head(
        "x = kept.transpose(1, 2).reshape(B, T, H * d)\n    x[..., head::H] = 0\n    return x @ output.T + bias",
        "next to each other",
    ),
    without_head(SILENT + "return kept.transpose(1, 2).flatten(2)", "output matrix"),
    without_head("return heads[:, head] @ output[:, head * d:(head + 1) * d].T", "head's own part"),
    # ------------------------------------------------------------------------------------------------ gradient × input
    gradient("(g * x).sum(-1)", "(g * x).sum(-1).detach().double()", None),
    gradient("(g * x).sum(-1)", "torch.einsum('td,td->t', g, x.detach()).tolist()", None),
    gradient("torch.autograd.grad(score(x), x)[0]", "torch.func.grad(score)(x)", None),
    Answer(
        "looking.gradient_times_input",
        """
def answer(score, x):
    x.requires_grad_(True)
    score(x).backward()
    return np.array([float(g @ row) for g, row in zip(x.grad, x.detach())])
""",
        None,
    ),
    Answer(
        "looking.gradient_times_input",
        """
def answer(score, x):
    return (torch.autograd.functional.jacobian(score, x) * x).sum(-1)
""",
        None,
    ),
    gradient("(g * x).sum(-1)", "g.sum(-1)", "multiply by x"),
    gradient("(g * x).sum(-1)", "g", "multiply by x"),
    gradient("(g * x).sum(-1)", "g.norm(dim=-1)", "length"),
    gradient("(g * x).sum(-1)", "(g * x).abs().sum(-1)", "keep it"),
    gradient("(g * x).sum(-1)", "(g * x).sum(-1).abs()", "keep it"),
    gradient("(g * x).sum(-1)", "g * x", "sum over the last"),
    gradient("(g * x).sum(-1)", "(g * x).mean(-1)", "do not average"),
    gradient("(g * x).sum(-1)", "(g * x).sum()", "last dimension alone"),
    gradient("(g * x).sum(-1)", "(g * x).sum(0)", "for each token"),
    gradient("(g * x).sum(-1)", "(g * g).sum(-1)", "square"),
    gradient("(g * x).sum(-1)", "-(g * x).sum(-1)", "wrong way round"),
    gradient(".requires_grad_()", "", "requires_grad_()"),
    gradient("score(x), x)[0]", "score(x.clone()), x.clone().requires_grad_())[0]", "very tensor"),
    Answer(
        "looking.gradient_times_input",
        "def answer(score, x):\n    y = x.clone().requires_grad_() * 1\n"
        "    score(y).backward()\n    return (y.grad * y).sum(-1)",
        "grad that is none",
    ),
    Answer(
        "looking.gradient_times_input",
        """
def answer(score, x):
    values = []
    for t in range(len(x)):
        silent = x.clone()
        silent[t] = 0
        values.append(score(x) - score(silent))
    return torch.stack(values)
""",
        "without the token",
    ),
    # ------------------------------------------------------------------------------------------ integrated gradients
    integrated("total / steps * (x - baseline)", "(x - baseline) * (total / steps)", None),
    path(
        """    gradients = []
    for a in np.linspace(0.5 / steps, 1 - 0.5 / steps, steps):
        point = torch.lerp(baseline, x, float(a)).detach().requires_grad_()
        score(point).backward()
        gradients.append(point.grad)
    return torch.einsum('ktd,td->t', torch.stack(gradients), x - baseline) / steps""",
        None,
    ),
    path(
        """    total = 0.0
    for k in range(steps + 1):
        point = (baseline + k / steps * (x - baseline)).requires_grad_()
        total = total + torch.autograd.grad(score(point), point)[0] * (0.5 if k in (0, steps) else 1.0)
    return ((x - baseline) * total / steps).sum(dim=1)""",
        None,
    ),
    path(
        """    places, parts = np.polynomial.legendre.leggauss(steps)
    total = torch.zeros_like(x)
    for place, part in zip((places + 1) / 2, parts / 2):
        total += part * torch.func.grad(score)(baseline + place * (x - baseline)).float()
    return (total * (x - baseline)).sum(-1).numpy()""",
        None,
    ),
    path(
        """    gradient = torch.func.grad(score)
    points = [x + (i + 0.5) / steps * (baseline - x) for i in range(steps)]
    mean = torch.stack([gradient(point) for point in points]).mean(0)
    return [float(m @ c) for m, c in zip(mean, x - baseline)]""",
        None,
    ),
    integrated(MIDDLE, "k / steps", "left ends"),
    integrated(MIDDLE, "(k + 1) / steps", "right ends"),
    integrated(f"a = {MIDDLE}", "a = torch.linspace(0, 1, steps)[k].item()", "both ends"),
    integrated("range(steps):\n        a = (k + 0.5) / steps", "range(steps + 1):\n        a = k / steps", "both ends"),
    integrated(MIDDLE, "(k + 1) / (steps + 1)", "ends of the path out"),
    integrated("    total =", "    steps = 8\n    total =", "argument steps changes nothing"),
    integrated("    total =", "    steps = 200\n    total =", "argument steps changes nothing"),
    integrated(MIDDLE, "0.5", "one point for all"),
    integrated(MIDDLE, "1.0", "at x alone"),
    path(
        "    x = x.clone().requires_grad_()\n    return (torch.autograd.grad(score(x), x)[0] * x).sum(-1)", "at x alone"
    ),
    integrated("steps * (x - baseline)", "steps * x", "not by x"),
    integrated("steps * (x - baseline)", "steps", "not multiplied"),
    integrated("steps * (x - baseline)", "steps * (baseline - x)", "other way round"),
    integrated("total / steps", "total", "by the number of steps"),
    integrated("baseline + a * (x - baseline)", "a * x", "begins at the baseline"),
    integrated("(x - baseline)).sum(-1)", "(x - baseline)).mean(-1)", "do not average"),
    integrated("(x - baseline)).sum(-1)", "(x - baseline))", "sum over the last"),
    integrated("(x - baseline)).sum(-1)", "(x - baseline)).sum()", "last dimension alone"),
    integrated("(x - baseline)).sum(-1)", "(x - baseline)).sum(-1).abs()", "keep it"),
    integrated(".requires_grad_()", "", "requires_grad_()"),
    path("    return ((score(x) - score(baseline)) / len(x)).repeat(len(x))", "shared out evenly", "must add up"),
    path("    return (score(x) - score(baseline)) * torch.eye(len(x))[0] + 0 * steps", "changes nothing", "yours give"),
    path(
        """    values = [score(torch.cat([x[:t], baseline[t:]])) for t in range(len(x) + 1)]
    return torch.stack([b - a + 0 * steps for a, b in zip(values, values[1:])])""",
        "one after another",
        "yours give",
    ),
    path(
        """    x = x.clone().requires_grad_()
    for k in range(steps):
        (score(baseline + (k + 0.5) / steps * (x - baseline)) / steps).backward()
    return (x.grad * (x - baseline)).sum(-1)""",
        "chain rule",
    ),
    integrated("total += torch", "total = torch", "add them up"),
    path("    return x.sum(-1) * steps", "never uses its argument score"),
    # --------------------------------------------------------------------------------------------- balanced accuracy
    balanced(f"recalls = {RECALLS}\n    return sum(recalls) / len(recalls)", None),
    balanced("return metrics.balanced_accuracy_score(gold, predicted)", None),
    balanced(
        "gold, predicted = np.array(gold), np.array(predicted)\n"
        "    return np.mean([(predicted[gold == c] == c).mean() for c in np.unique(gold)])",
        None,
    ),
    balanced(
        "table = metrics.confusion_matrix(gold, predicted)\n    rows = table.sum(1)\n"
        "    return torch.tensor((table.diagonal()[rows > 0] / rows[rows > 0]).mean())",
        None,
    ),
    balanced(
        "found, all = {}, {}\n    for g, p in zip(gold, predicted):\n        all[g] = all.get(g, 0) + 1\n"
        "        found[g] = found.get(g, 0) + (g == p)\n    return sum(found[c] / all[c] for c in all) / len(all)",
        None,
    ),
    balanced("return np.mean(np.array(gold) == np.array(predicted))", "plain accuracy"),
    balanced(
        "return metrics.precision_score(gold, predicted, labels=sorted(set(gold)), average='macro', zero_division=0)",
        "precision",
    ),
    balanced(
        "found = [sum(g == p == c for g, p in zip(gold, predicted)) / predicted.count(c) for c in set(predicted)]\n"
        "    return np.mean(found)",
        "precision",
    ),
    balanced(f"return sum({RECALLS})", "a mean is asked for"),
    balanced(f"return {RECALLS}", "those are the recalls"),
    balanced(
        "pairs = list(zip(gold, predicted))\n"
        "    return np.mean([pairs.count((c, c)) / max(gold.count(c), 1) for c in set(predicted)])",
        "those of the predictions",
        "a mean is asked for",
    ),
    balanced(
        "return metrics.recall_score(gold, predicted, average='macro', zero_division=0)", "one that was only predicted"
    ),
    balanced(f"return sum({RECALLS}) / (max(gold) + 1)", "up to the largest"),
    balanced(f"return sum({RECALLS}) / 2", "more than two classes"),
    balanced("return metrics.f1_score(gold, predicted, average='macro', zero_division=0)", "mean f1"),
    balanced(f"return min({RECALLS})", "lowest recall"),
    balanced(f"return max({RECALLS})", "highest recall"),
    # -------------------------------------------------------------------------------------------------- completeness
    completeness("100 * (1.5 - 2.0) / 1.5", None),
    completeness("-33.3", None),
    completeness("np.float32(-33.333)", None),
    completeness("torch.tensor(-100 / 3)", None),
    completeness("100 / 3", "wrong way round"),
    completeness("133.3", "that is there"),
    completeness("100 * (2.4 - 2.0) / 2.4", "baseline's score"),
    completeness("100 * -0.5 / 2.4", "divide by that"),
    completeness("100 * -0.5 / 2.0", "divide by that"),
    completeness("100 * (3.3 - 2.0) / 3.3", "difference"),
    completeness("-0.5", "percent of the change"),
    completeness("-0.333", "not a fraction"),
    completeness("-33", "three significant digits"),
    completeness("20", ""),
]
