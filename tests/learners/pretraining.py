"""Answers to the checks on pretraining."""

from . import Answer

GENERIC = ("every one of its arguments", "never uses", "changes nothing")


def vocabulary_scores(change, to, named, *never):
    code = """
def answer(hidden, table, weights):
    x = hidden @ weights["dense.weight"].T + weights["dense.bias"]
    x = F.gelu(x)
    x = F.layer_norm(x, x.shape[-1:], weights["norm.weight"], weights["norm.bias"], 1e-12)
    return x @ table.T + weights["bias"]
"""
    assert change in code
    return Answer("pretraining.vocabulary_scores", code.replace(change, to), named, (*GENERIC, *never))


def nsp_loss(expression, named, *never):
    return Answer("pretraining.nsp_loss", f"def answer(logits, labels): return {expression}", named, (*GENERIC, *never))


def joint_loss(expression, named, *never):
    return Answer("pretraining.joint_loss", f"def answer(m, mc, n, nc): return {expression}", named, never)


def perplexity(expression, named, *never):
    return Answer("pretraining.perplexity", f"def answer(losses, counts): return {expression}", named, never)


def unigram_loss(lines, named, *never):
    code = f"def answer(counts, labels):\n    asked = labels[labels != -100]\n    {lines}"
    return Answer("pretraining.unigram_loss", code, named, (*GENERIC, *never))


def bigram_guess(lines, named, *never):
    code = f"from collections import Counter\n\n\ndef answer(sentences, left):\n{lines}"
    return Answer("pretraining.bigram_guess", code, named, (*GENERIC, *never))


def counted(change, to, named, *never):
    lines = """
    behind, everywhere = Counter(), Counter()
    for sentence in sentences:
        everywhere.update(sentence)
        behind.update(b for a, b in zip(sentence, sentence[1:]) if a == left)
    counts = behind or everywhere
    return min(counts, key=lambda token: (-counts[token], token))
"""
    assert change in lines
    return bigram_guess(lines.replace(change, to), named, *never)


def number(name, expression, named, *never):
    return Answer(f"pretraining.{name}", f"answer = {expression}", named, never)


LAYER_NORM = 'F.layer_norm(x, x.shape[-1:], weights["norm.weight"], weights["norm.bias"], 1e-12)'
ANSWERS = [
    # --------------------------------------------------------------------------------------------- vocabulary scores
    vocabulary_scores(
        "hidden @ weights", "torch.einsum('mi,oi->mo', hidden, weights['dense.weight']) + 0 * hidden @ weights", None
    ),
    vocabulary_scores("F.gelu(x)", "x * (1 + torch.erf(x / math.sqrt(2))) / 2", None),
    vocabulary_scores("F.gelu(x)", "nn.GELU()(x)", None),
    vocabulary_scores("x @ table.T", "torch.stack([(x * row).sum(-1) for row in table], dim=-1)", None),
    vocabulary_scores(
        LAYER_NORM,
        "(x - x.mean(-1, keepdim=True)) / x.std(-1, keepdim=True, unbiased=False) * weights['norm.weight'] "
        "+ weights['norm.bias']",
        None,
    ),
    Answer(
        "pretraining.vocabulary_scores",
        """
def answer(hidden, table, weights):
    w = {name: tensor.double().numpy() for name, tensor in weights.items()}
    rows = []
    for h in hidden.double().numpy():
        x = w["dense.weight"] @ h + w["dense.bias"]
        x = np.array([n * (1 + math.erf(n / 2**0.5)) / 2 for n in x])
        x = (x - x.mean()) / np.sqrt(x.var() + 1e-12) * w["norm.weight"] + w["norm.bias"]
        rows.append(table.double().numpy() @ x + w["bias"])
    return np.array(rows)
""",
        None,
    ),
    Answer(
        "pretraining.vocabulary_scores",
        """
class Head(nn.Module):
    def forward(self, hidden, table, weights):
        D, V = hidden.size(-1), len(table)
        dense, norm = nn.Linear(D, D), nn.LayerNorm(D, eps=1e-12)
        dense.weight.data, dense.bias.data = weights["dense.weight"], weights["dense.bias"]
        norm.weight.data, norm.bias.data = weights["norm.weight"], weights["norm.bias"]
        return F.linear(norm(F.gelu(dense(hidden))), table, weights["bias"]).tolist()


answer = Head()
""",
        None,
    ),
    vocabulary_scores('["dense.weight"].T', '["dense.weight"]', "stored (out, in)"),
    vocabulary_scores(' + weights["dense.bias"]', "", "own bias is missing"),
    vocabulary_scores("F.gelu(x)", "x", "gelu is missing"),
    vocabulary_scores("F.gelu(x)", "F.gelu(x, approximate='tanh')", "exact one"),
    vocabulary_scores("F.gelu(x)", "F.relu(x)", "not a relu"),
    vocabulary_scores(LAYER_NORM, "x", "layernorm is missing"),
    vocabulary_scores(f"F.gelu(x)\n    x = {LAYER_NORM}", f"F.gelu({LAYER_NORM})", "after the gelu"),
    vocabulary_scores(
        LAYER_NORM,
        "(x - x.mean(-1, keepdim=True)) / x.std(-1, keepdim=True) * weights['norm.weight'] + weights['norm.bias']",
        "not by d - 1",
    ),
    vocabulary_scores(
        LAYER_NORM,
        "(x - x.mean(0)) / (x.var(0, unbiased=False) + 1e-12).sqrt() * weights['norm.weight'] + weights['norm.bias']",
        "each token's own",
    ),
    vocabulary_scores(
        LAYER_NORM,
        "(x - x.mean()) / (x.var(unbiased=False) + 1e-12).sqrt() * weights['norm.weight'] + weights['norm.bias']",
        "for each token",
    ),
    vocabulary_scores('["norm.weight"], weights["norm.bias"]', '["norm.bias"], weights["norm.weight"]', "exchanged"),
    vocabulary_scores(', weights["norm.weight"], weights["norm.bias"], 1e-12', ", eps=1e-12", "gain and bias"),
    vocabulary_scores(' + weights["bias"]', "", "bias b"),
    vocabulary_scores('x @ table.T + weights["bias"]', 'hidden @ table.T + weights["bias"]', "g is missing"),
    vocabulary_scores('x @ table.T + weights["bias"]', "x", "products with the rows"),
    vocabulary_scores(
        'x @ table.T + weights["bias"]', '(x @ table.T + weights["bias"]).softmax(-1)', "before any softmax"
    ),
    vocabulary_scores('x @ table.T + weights["bias"]', '(x + hidden) @ table.T + weights["bias"]', "no residual"),
    vocabulary_scores("table.T", "table", ""),
    Answer("pretraining.vocabulary_scores", "def answer(h, table, weights): h @ table.T", "is there a return"),
    # ------------------------------------------------------------------------------------------------------ nsp loss
    nsp_loss("F.cross_entropy(logits, labels)", None),
    nsp_loss("F.nll_loss(logits.log_softmax(-1), labels)", None),
    nsp_loss("-logits.log_softmax(-1)[range(len(labels)), labels].mean()", None),
    nsp_loss("-(F.one_hot(labels, 2) * logits.log_softmax(-1)).sum(-1).mean()", None),
    nsp_loss("nn.CrossEntropyLoss()(logits.double(), labels)", None),
    nsp_loss("F.softplus((1 - 2.0 * labels) * (logits[:, 1] - logits[:, 0])).mean()", None),
    nsp_loss("F.binary_cross_entropy_with_logits(logits[:, 1] - logits[:, 0], labels.float())", None),
    nsp_loss("F.cross_entropy(logits, labels, reduction='sum')", "that is the sum"),
    nsp_loss("F.cross_entropy(logits, labels, reduction='none')", "loss of each pair"),
    nsp_loss("-logits.log_softmax(-1)[:, labels].mean()", "of all labels"),
    nsp_loss("F.binary_cross_entropy_with_logits(logits[:, 1], labels.float())", "sigmoid", "ignore_index"),
    nsp_loss("F.binary_cross_entropy_with_logits(logits, F.one_hot(labels, 2).float())", "two sigmoids"),
    nsp_loss("F.cross_entropy(logits, labels, ignore_index=0)", "class 0 is a class"),
    nsp_loss("F.cross_entropy(logits, 1 - labels)", "other one's"),
    nsp_loss("F.cross_entropy(logits.softmax(-1), labels)", "the logits"),
    nsp_loss("F.nll_loss(logits, labels)", "log-softmax first"),
    nsp_loss("F.nll_loss(logits.softmax(-1), labels)", "logarithm is missing"),
    nsp_loss("F.nll_loss(logits.log_softmax(0), labels)", "not over the batch"),
    nsp_loss("logits.log_softmax(-1)[range(len(labels)), labels].mean()", "minus is missing"),
    nsp_loss("F.cross_entropy(logits, labels) / math.log(2)", "nats"),
    nsp_loss("(1 - logits.softmax(-1)[range(len(labels)), labels]).mean()", "1 − p"),
    nsp_loss("-logits.softmax(-1)[range(len(labels)), labels].log().mean()", "log_softmax"),
    nsp_loss("(logits.exp().sum(-1).log() - logits[range(len(labels)), labels]).mean()", "exp overflows"),
    nsp_loss("-(logits.exp()[range(len(labels)), labels] / logits.exp().sum(-1)).log().mean()", "exp overflows"),
    nsp_loss("F.cross_entropy(logits, labels).item()", "no gradient"),
    nsp_loss("F.cross_entropy(logits.detach(), labels)", "no gradient"),
    Answer(
        "pretraining.nsp_loss",
        "def answer(logits, labels): return -logits.log_softmax(-1)[:, 1].mean()",
        "never uses its argument labels",
        ("sigmoid", "other one's"),
    ),
    # ---------------------------------------------------------------------------------------------------- joint loss
    joint_loss("m.sum() / mc.sum().clamp(min=1) + n.sum() / nc.sum()", None),
    joint_loss("sum(m) / max(1, sum(mc)) + sum(n) / max(1, sum(nc))", None),
    joint_loss("(m.sum() / mc.sum()).nan_to_num(0.0) + n.sum() / nc.sum()", None),
    joint_loss("n.sum() / nc.sum() + (m.sum() / mc.sum() if mc.any() else m.sum())", None),
    joint_loss(
        "torch.einsum('b->', m) / mc.sum().clamp(1) + torch.dot(n.double(), torch.ones_like(n).double()) / nc.sum()",
        None,
    ),
    joint_loss("(m / mc).mean() + (n / nc).mean()", "mean of means"),
    joint_loss("(m / mc.clamp(min=1)).mean() + (n / nc.clamp(min=1)).mean()", "mean of means"),
    joint_loss("m.sum() / mc.sum() + n.sum() / nc.sum()", "0/0"),
    joint_loss("m.sum() / (mc.sum() + 1) + n.sum() / (nc.sum() + 1)", "adds 1"),
    joint_loss("m.sum() / mc.clamp(min=1).sum() + n.sum() / nc.sum()", "counts 0, not 1"),
    joint_loss("(m.sum() + n.sum()) / (mc.sum() + nc.sum())", "own mean"),
    joint_loss("(m.sum() + n.sum()) / mc.sum().clamp(min=1)", "count of its own"),
    joint_loss("(m.sum() / mc.sum().clamp(min=1) + n.sum() / nc.sum()) / 2", "not averaged"),
    joint_loss("m.sum() / mc.sum().clamp(min=1)", "nsp loss is missing"),
    joint_loss("n.sum() / nc.sum()", "mlm loss is missing"),
    joint_loss("m.sum() + n.sum()", "those are sums"),
    joint_loss("m.mean() + n.mean()", "not by the batches"),
    joint_loss("(m.sum() / mc.sum().clamp(min=1), n.sum() / nc.sum())", "their sum is asked"),
    joint_loss("m / mc.clamp(min=1) + n / nc", "add up"),
    joint_loss("m.sum().item() / max(mc.sum().item(), 1) + n.sum().item() / nc.sum().item()", "no gradient"),
    joint_loss("m.sum() / mc.sum().clamp(min=1) + n.sum().item() / nc.sum()", "no gradient"),
    joint_loss("m.sum() / m.numel() + n.sum() / nc.sum()", "never uses its argument mc", "mean of means"),
    # ---------------------------------------------------------------------------------------------------- perplexity
    perplexity("torch.exp((losses * counts).sum() / counts.sum())", None),
    perplexity("np.exp(np.average(losses.numpy(), weights=counts.numpy()))", None),
    perplexity("math.exp(sum(l * c for l, c in zip(losses.tolist(), counts.tolist())) / sum(counts.tolist()))", None),
    perplexity("losses.double().repeat_interleave(counts).mean().exp().item()", None),
    perplexity("(losses.double() @ counts.double() / counts.sum()).exp()", None),
    perplexity("float(torch.prod(torch.exp(losses.double()) ** (counts / counts.sum())))", None),
    perplexity("math.exp(losses.mean())", "by their tokens"),
    perplexity("losses.exp().mean()", "exponential last"),
    perplexity("(losses.exp() * counts).sum() / counts.sum()", "exponential last"),
    perplexity("(losses * counts).sum() / counts.sum()", "that is the mean loss"),
    perplexity("2 ** ((losses * counts).sum() / counts.sum())", "not 2"),
    perplexity("math.exp(losses.sum() / counts.sum())", "means already"),
    perplexity("math.exp((losses * counts).mean())", "not of batches"),
    perplexity("math.exp(-(losses * counts).sum() / counts.sum())", "without a minus"),
    perplexity("(losses * counts).sum().exp()", "number of tokens before"),
    perplexity("losses.exp()", "not one per batch"),
    perplexity("math.exp(losses.median())", "never uses its argument counts", "by their tokens"),
    # -------------------------------------------------------------------------------------------------- unigram loss
    unigram_loss("return -((counts + 1) / (counts + 1).sum())[asked].log().mean()", None),
    unigram_loss("return F.nll_loss(((counts + 1) / (counts + 1).sum()).log().expand(len(asked), -1), asked)", None),
    unigram_loss(
        "p = np.log((counts.numpy() + 1) / (counts.numpy().sum() + len(counts)))\n"
        "    return -np.mean(p[asked.numpy()])",
        None,
    ),
    unigram_loss("return F.cross_entropy((counts + 1.0).log().expand(labels.numel(), -1), labels.flatten())", None),
    Answer(
        "pretraining.unigram_loss",
        """
def answer(counts, labels):
    nats, number = 0.0, 0
    for row in labels.tolist():
        for label in row:
            if label >= 0:
                nats -= math.log(counts[label] + 1) - math.log(counts.sum() + len(counts))
                number += 1
    return nats / number
""",
        None,
    ),
    unigram_loss("return -(counts / counts.sum())[asked].log().mean()", "never occurred"),
    unigram_loss("return -sum(math.log(counts[a] / counts.sum()) for a in asked) / len(asked)", "never occurred"),
    unigram_loss("return -((counts + 1) / counts.sum())[asked].log().mean()", "grows by v"),
    unigram_loss("return -((counts + 1) / (counts.sum() + 1))[asked].log().mean()", "grows by v"),
    unigram_loss("return -(counts.clamp(min=1) / counts.clamp(min=1).sum())[asked].log().mean()", "zeros alone"),
    unigram_loss("return -((counts + 1) / (counts + 1).sum())[labels].log().mean()", "-100 is no token"),
    unigram_loss(
        "p = (counts + 1) / (counts + 1).sum()\n"
        "    return -sum(math.log(p[n]) for n in labels.flatten()) / labels.numel()",
        "-100 is no token",
    ),
    unigram_loss("return -((counts + 1) / (counts + 1).sum())[labels.clamp(min=0)].log().mean()", "not -100 count"),
    unigram_loss(
        "return -((counts + 1) / (counts + 1).sum())[asked].log().sum() / labels.numel()", "not by all positions"
    ),
    unigram_loss("return -((counts + 1) / (counts + 1).sum())[asked].log().sum() / len(labels)", "not by the rows"),
    unigram_loss("return -((counts + 1) / (counts + 1).sum())[asked].log().sum()", "that is the sum"),
    unigram_loss("return -((counts + 1) / (counts + 1).sum())[asked].log2().mean()", "nats"),
    unigram_loss("return ((counts + 1) / (counts + 1).sum())[asked].log().mean()", "minus is missing"),
    unigram_loss("return -((counts + 1) / (counts + 1).sum())[asked].mean().log()", "each p first"),
    unigram_loss("return (-((counts + 1) / (counts + 1).sum())[asked].log().mean()).exp()", "perplexity"),
    unigram_loss(
        "c = asked.bincount(minlength=len(counts)) + 1\n    return -(c / c.sum())[asked].log().mean()",
        "labels' own",
        "entropy of",
    ),
    unigram_loss("p = (counts + 1) / (counts + 1).sum()\n    return -(p * p.log()).sum()", "entropy"),
    unigram_loss(
        "p = (counts + 1) / (counts + 1).sum()\n"
        "    return torch.stack([-p[row[row != -100]].log().mean() for row in labels]).mean()",
        "mean of means",
    ),
    unigram_loss(
        "p = (counts + 1) / (counts + 1).sum()\n"
        "    return sum(-p[row[row != -100]].log().mean() for row in labels) / len(labels)",
        "mean of means",
    ),
    unigram_loss("return -(counts + 1.0)[asked].log().mean()", "divided by their sum"),
    # -------------------------------------------------------------------------------------------------- bigram guess
    counted("behind or everywhere", "behind if behind else everywhere", None),
    counted("min(counts, key=lambda token: (-counts[token], token))", "max(sorted(counts), key=counts.get)", None),
    bigram_guess(
        """
    behind = [s[i + 1] for s in sentences for i in range(len(s) - 1) if s[i] == left]
    return np.bincount(behind or sum(sentences, [])).argmax()
""",
        None,
    ),
    bigram_guess(
        """
    behind = {}
    for s in sentences:
        for i in range(1, len(s)):
            if s[i - 1] == left:
                behind[s[i]] = behind.get(s[i], 0) + 1
    if not behind:
        for s in sentences:
            for token in s:
                behind[token] = behind.get(token, 0) + 1
    best = None
    for token in sorted(behind):
        if best is None or behind[token] > behind[best]:
            best = token
    return torch.tensor(best)
""",
        None,
    ),
    bigram_guess(
        "    flat = [b for s in sentences for a, b in zip(s, s[1:]) if a == left] or sum(sentences, [])\n"
        "    return torch.tensor(flat).mode().values",
        None,
    ),
    counted(
        "min(counts, key=lambda token: (-counts[token], token))",
        "counts.most_common(1)[0][0]",
        "came first",
        "the first is not",
    ),
    counted(
        "min(counts, key=lambda token: (-counts[token], token))",
        "max(counts, key=counts.get)",
        "came first",
        "the first is not",
    ),
    counted("(-counts[token], token)", "(-counts[token], -token)", "among equals"),
    counted("(-counts[token], token)", "(counts[token], token)", "rarest", "among equals"),
    counted("if a == left", "if b == left", "`left` itself", "token before"),
    counted(
        "behind.update(b for a, b in zip(sentence, sentence[1:]) if a == left)",
        "behind.update(a for a, b in zip(sentence, sentence[1:]) if b == left)",
        "token before",
    ),
    counted("behind or everywhere", "everywhere", "unigram guess"),
    counted("behind or everywhere", "behind", "where none follows"),
    bigram_guess(
        """
    flat = [token for sentence in sentences for token in sentence]
    behind = Counter(b for a, b in zip(flat, flat[1:]) if a == left) or Counter(flat)
    return min(behind, key=lambda token: (-behind[token], token))
""",
        "no pair",
    ),
    bigram_guess(
        """
    behind = Counter()
    for sentence in sentences:
        for i, token in enumerate(sentence):
            if token == left:
                behind[sentence[i + 1]] += 1
    return min(behind, key=lambda token: (-behind[token], token))
""",
        "behind the last token",
    ),
    bigram_guess(
        """
    behind = Counter()
    for sentence in sentences:
        if left in sentence[:-1]:
            behind[sentence[sentence.index(left) + 1]] += 1
    counts = behind or Counter(token for sentence in sentences for token in sentence)
    return min(counts, key=lambda token: (-counts[token], token))
""",
        "more than once",
        "token before",
    ),
    bigram_guess(
        """
    behind = Counter(s[s.index(left) + 1] for s in sentences if left in s[:-1])
    counts = behind or Counter(token for sentence in sentences for token in sentence)
    return counts.most_common(1)[0][0]
""",
        "more than once",
        "token before",
    ),
    bigram_guess(
        """
    for sentence in sentences:
        for a, b in zip(sentence, sentence[1:]):
            if a == left:
                return b
    return Counter(token for sentence in sentences for token in sentence).most_common(1)[0][0]
""",
        "count them all",
        "token before",
    ),
    # ------------------------------------------------------------------------------------------------------- numbers
    number("uniform_loss", "math.log(500)", None),
    number("uniform_loss", "6.21", None),
    number("uniform_loss", "-np.log(1 / 500)", None),
    number("uniform_loss", "F.cross_entropy(torch.zeros(1, 500), torch.tensor([3]))", None),
    number("uniform_loss", "math.log2(500)", "natural logarithm"),
    number("uniform_loss", "math.log10(500)", "natural logarithm"),
    number("uniform_loss", "1 / 500", "that is the probability"),
    number("uniform_loss", "-math.log(500)", "not negative"),
    number("uniform_loss", "500", "perplexity"),
    number("uniform_loss", "6", "three significant digits"),
    number("uniform_loss", "'6.21'", "expected a number"),
    number("uniform_loss", "12.5", ""),
    number("tokens_seen", "128 * 190_000 * (0.9 * 128 + 0.1 * 512)", None),
    number("tokens_seen", "128 * (171_000 * 128 + 19_000 * 512)", None),
    number("tokens_seen", "torch.tensor(128 * (171_000 * 128 + 19_000 * 512))", None),
    number("tokens_seen", "128 * 190_000 * 512", "90 % of the steps are short"),
    number("tokens_seen", "128 * 190_000 * 128", "a tenth of the steps are long"),
    number("tokens_seen", "171_000 * 128 + 19_000 * 512", "many rows"),
    number("tokens_seen", "128 * (19_000 * 128 + 171_000 * 512)", "short ones are 90 %"),
    number("tokens_seen", "128 * 190_000 * 320", "not half of each"),
    number("tokens_seen", "128 * 190_000", "those are the rows"),
    number("tokens_seen", "128 * 171_000 * 128", "long steps are missing"),
    number("tokens_seen", "4", ""),
    # ---------------------------------------------------------------------------------------------------- topic judge
    number("topic_judge", "100 * (1 - 1 / 18)", None),
    number("topic_judge", "50 + 50 * 8 / 9", None),
    number("topic_judge", "94.4", None),
    number("topic_judge", "np.float64(94.444)", None),
    number("topic_judge", "100 * 8 / 9", "share of the false pairs"),
    number("topic_judge", "100", "from the same class by chance"),
    number("topic_judge", "50", "a coin"),
    number("topic_judge", "50 + 50 / 9", "errs where"),
    number("topic_judge", "17 / 18", "percent are asked for"),
    number("topic_judge", "50 * 8 / 9", "true ones are missing"),
    number("topic_judge", "90", "another number of classes", "right as far as it goes"),
    number("topic_judge", "94", "three significant digits"),
]
