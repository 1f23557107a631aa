"""Answers to the checks on attention."""

from . import Answer

BATCHED = "with a batch in front"


def scores(expression, named, *never):
    return Answer("attention.scores", f"def answer(query, key): return {expression}", named, never)


def head(lines, named, *never):
    return Answer("attention.one_head", f"def answer(hidden, w_query, w_key, w_value):\n{lines}", named, never)


def one_head(change, to, named, *never):
    code = """
    q, k, v = hidden @ w_query, hidden @ w_key, hidden @ w_value
    s = q @ k.T / math.sqrt(q.size(-1))
    w = s.softmax(dim=-1)
    return w @ v, w
"""
    assert change in code
    return head(code.replace(change, to), named, *never)


def softmax_masked(expression, named, *never):
    return Answer("attention.softmax_masked", f"def answer(scores, mask): return {expression}", named, never)


def masks(expression, named, *never):
    return Answer("attention.masks", f"def answer(attention_mask): return {expression}", named, never)


def attention(change, to, named, *never):
    code = """
def answer(query, key, value, mask):
    s = query @ key.transpose(-2, -1) / math.sqrt(query.size(-1))
    s = s.masked_fill(~mask, torch.finfo(s.dtype).min)
    w = s.softmax(dim=-1)
    w = w.masked_fill(~mask, 0.0)
    return w @ value, w
"""
    assert change in code
    return Answer("attention.scaled_dot_product", code.replace(change, to), named, never)


def split_heads(expression, named, *never):
    return Answer("attention.split_heads", f"def answer(hidden, num_heads): return {expression}", named, never)


def multi_head(change, to, named, *never):
    code = """
def answer(hidden, weights, num_heads, mask):
    B, T, D = hidden.shape
    def linear(name, x): return x @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]
    def split(x): return x.view(B, T, num_heads, D // num_heads).transpose(1, 2)
    q, k, v = split(linear("query", hidden)), split(linear("key", hidden)), split(linear("value", hidden))
    s = q @ k.transpose(-2, -1) / math.sqrt(D // num_heads)
    s = s.masked_fill(~mask, -1e9)
    w = s.softmax(dim=-1)
    return linear("output", (w @ v).transpose(1, 2).reshape(B, T, D))
"""
    assert change in code
    return Answer("attention.multi_head", code.replace(change, to), named, never)


def causal(expression, named, *never):
    return Answer("attention.causal_mask", f"def answer(length): return {expression}", named, never)


def number(name, expression, named, *never):
    return Answer(f"attention.{name}", f"answer = {expression}", named, never)


ANSWERS = [
    # -------------------------------------------------------------------------------------------------------- scores
    scores("query @ key.transpose(-1, -2) / query.shape[-1] ** 0.5", None),
    scores("torch.einsum('...qd,...kd->...qk', query, key) * query.size(-1) ** -0.5", None),
    scores("(query[..., :, None, :] * key[..., None, :, :]).sum(-1) / math.sqrt(key.size(-1))", None),
    scores("torch.matmul(query / math.sqrt(math.sqrt(key.size(-1))), key.mT / key.size(-1) ** 0.25)", None),
    scores("query @ key.transpose(-1, -2)", "did not divide"),
    scores("query @ key.transpose(-1, -2) / query.size(-1)", "square root"),
    scores("query @ key.transpose(-1, -2) * math.sqrt(query.size(-1))", "multiplied"),
    scores("query @ key.transpose(-1, -2) / math.sqrt(query.size(1))", "size(-1)", "argument"),
    scores("query @ key.transpose(-1, -2) / math.sqrt(query.size(0))", "last one", "argument"),
    scores("query @ key.transpose(-1, -2) / math.sqrt(key.size(-2))", "number of keys", "argument"),
    scores("key @ query.transpose(-1, -2) / math.sqrt(key.size(-1))", "exchanged"),
    scores("(query @ key.transpose(-1, -2) / math.sqrt(key.size(-1))).softmax(-1)", "weights already"),
    scores("query @ key.T / math.sqrt(key.size(-1))", BATCHED, "argument"),
    scores("query @ key.transpose(0, 1) / math.sqrt(key.size(-1))", BATCHED, "argument"),
    scores("query @ key / math.sqrt(key.size(-1))", "", BATCHED),
    # ------------------------------------------------------------------------------------------------------- one head
    one_head("s.softmax(dim=-1)", "F.softmax(s, 1)", None),
    one_head("hidden @ w_query, hidden @ w_key", "F.linear(hidden, w_query.T), torch.matmul(hidden, w_key)", None),
    one_head("return w @ v, w", "return F.scaled_dot_product_attention(q[None], k[None], v[None])[0], w", None),
    head(
        """
    outputs, rows = [], []
    for x in hidden:
        scores = torch.stack([(x @ w_query) @ (y @ w_key) / math.sqrt(w_query.shape[1]) for y in hidden])
        weights = torch.exp(scores - scores.max())
        weights = weights / weights.sum()
        outputs.append(sum(w * (y @ w_value) for w, y in zip(weights, hidden)))
        rows.append(weights)
    return torch.stack(outputs), torch.stack(rows)""",
        None,
    ),
    Answer(
        "attention.one_head",
        """
class Head:
    def __call__(self, hidden, w_query, w_key, w_value):
        scores = torch.einsum("ic,jc->ij", hidden @ w_query, hidden @ w_key) * w_query.shape[1] ** -0.5
        weights = nn.Softmax(dim=-1)(scores)
        return [torch.einsum("ij,jc->ic", weights, hidden @ w_value), weights]


answer = Head()
""",
        None,
    ),
    one_head(" / math.sqrt(q.size(-1))", "", "did not divide"),
    one_head("math.sqrt(q.size(-1))", "q.size(-1)", "square root"),
    one_head("math.sqrt(q.size(-1))", "math.sqrt(hidden.size(-1))", "root of d,", "argument"),
    one_head("math.sqrt(q.size(-1))", "math.sqrt(len(hidden))", "number of tokens", "argument"),
    one_head("softmax(dim=-1)", "softmax(dim=0)", "over the keys"),
    one_head("q @ k.T", "k @ q.T", "exchanged"),
    one_head("hidden @ w_key, hidden", "hidden @ w_query, hidden", "for both"),
    one_head("w_key, hidden @ w_value", "w_key, hidden", "own vectors"),
    one_head("hidden @ w_value", "hidden @ w_key", "averaged the keys"),
    one_head("hidden @ w_query, hidden @ w_key, hidden @ w_value", "hidden, hidden, hidden", "not used"),
    one_head(
        "hidden @ w_query, hidden @ w_key, hidden @ w_value",
        "hidden @ w_query.T, hidden @ w_key.T, hidden @ w_value.T",
        "no .t",
    ),
    one_head("s.softmax(dim=-1)", "s", "softmax over each row"),
    one_head("w @ v, w", "w.T @ v, w", "columns"),
    one_head("w @ v, w", "w, w @ v", "exchanged"),
    one_head("w @ v, w", "w @ v", "two things"),
    one_head("w @ v, w", "w", "two things"),
    # -------------------------------------------------------------------------------------------------- masked softmax
    softmax_masked("torch.where(mask, torch.where(mask, scores, -1e9).softmax(-1), 0.0)", None),
    softmax_masked("(scores + torch.where(mask, 0.0, -1e9)).softmax(-1) * mask", None),
    softmax_masked("scores.masked_fill(~mask, -math.inf).softmax(-1).nan_to_num(0.0)", None),
    Answer(
        "attention.softmax_masked",
        """
def answer(scores, mask):
    mask = mask.expand_as(scores)
    kept = torch.where(mask, scores, -3e38)
    kept = (kept - kept.max(-1, keepdim=True).values).exp() * mask
    return kept / kept.sum(-1, keepdim=True).clamp(min=1e-30)
""",
        None,
    ),
    Answer(
        "attention.softmax_masked",
        """
def answer(scores, mask):
    scores, mask = np.broadcast_arrays(scores.numpy(), mask.numpy())
    kept = np.where(mask, scores, -3e38)
    kept = np.exp(kept - kept.max(axis=-1, keepdims=True)) * mask
    return torch.from_numpy(kept / np.maximum(kept.sum(axis=-1, keepdims=True), 1e-30))
""",
        None,
    ),
    softmax_masked("scores.masked_fill(~mask, -1e9).softmax(-1)", "equal weights"),
    softmax_masked("scores.masked_fill(~mask, -math.inf).softmax(-1)", "nan"),
    softmax_masked("(scores * mask).softmax(-1)", "no mask"),
    softmax_masked("scores.softmax(-1) * mask", "before"),
    softmax_masked("scores.masked_fill(mask, -1e9).softmax(-1) * ~mask", "upside down"),
    softmax_masked("scores.masked_fill(~mask, -1e9).softmax(1) * mask", "over the keys", "argument"),
    softmax_masked("scores.exp() * mask", "not divided"),
    softmax_masked("scores.exp() * mask / (scores.exp() * mask).sum(-1, keepdim=True)", "underflows"),
    softmax_masked("torch.where(mask, scores, -1e4).softmax(-1) * mask", "no lowest", "argument"),
    softmax_masked("torch.where(mask, scores, -1e9).log_softmax(-1) * mask", "log_softmax"),
    # ----------------------------------------------------------------------------------------------------------- masks
    masks("attention_mask.bool()[:, None, None]", None),
    masks("attention_mask.unsqueeze(1).unsqueeze(2) == 1", None),
    masks("torch.from_numpy(attention_mask.numpy() > 0)[:, np.newaxis, np.newaxis, :]", None),
    masks("torch.tensor([[[[n == 1 for n in row.tolist()]]] for row in attention_mask])", None),
    masks("(attention_mask == 0)[:, None, None, :]", "upside down"),
    masks("attention_mask.bool()", "two sizes of 1"),
    masks("attention_mask.bool()[:, None]", "two sizes of 1"),
    masks("attention_mask.bool()[:, None, :, None]", "you mask the queries"),
    masks("attention_mask[:, None, None, :]", "must be bool"),
    masks("attention_mask[:, None, None, :].float()", "must be bool"),
    masks("(1.0 - attention_mask[:, None, None, :].float()) * -10000.0", "added to scores"),
    masks("attention_mask.bool()[:, None, None, :].repeat(1, 1, attention_mask.size(1), 1)", "broadcasting repeats"),
    # ------------------------------------------------------------------------------------------------------- attention
    attention("softmax(dim=-1)", "softmax(-1)", None),
    attention("key.transpose(-2, -1)", "key.mT", None),
    attention("query @ key.transpose(-2, -1)", "torch.einsum('...id,...jd->...ij', query, key)", None),
    attention(
        "w = s.softmax(dim=-1)",
        "e = (s - s.max(-1, keepdim=True).values).exp(); w = e / e.sum(-1, keepdim=True)",
        None,
    ),
    attention("math.sqrt(query.size(-1))", "math.sqrt(value.size(-1))", "root of d_v", "argument"),
    attention("math.sqrt(query.size(-1))", "math.sqrt(key.size(-2))", "number of keys", "argument"),
    attention("math.sqrt(query.size(-1))", "query.size(-1)", "square root"),
    attention(" / math.sqrt(query.size(-1))", "", "did not divide"),
    attention("torch.finfo(s.dtype).min", "-math.inf", None),  # the zeros are set behind it, so no NaN is left
    attention("torch.finfo(s.dtype).min", "-1e9", None),
    attention("w.masked_fill(~mask, 0.0)", "w * 1.0", "equal weights"),
    attention("    w = w.masked_fill(~mask, 0.0)\n", "", "equal weights"),
    attention("    s = s.masked_fill(~mask, torch.finfo(s.dtype).min)\n", "", "before"),
    attention("~mask", "mask", "upside down"),
    attention("softmax(dim=-1)", "softmax(dim=-2)", "dim=-1"),
    attention("w @ value, w", "w @ value", "two things"),
    attention("w @ value, w", "w", "two things"),
    attention("w @ value, w", "w, w @ value", "exchanged"),
    attention("key.transpose(-2, -1)", "key.T", BATCHED, "argument"),
    attention("key.transpose(-2, -1)", "key.transpose(0, 1)", BATCHED, "argument"),
    # ----------------------------------------------------------------------------------------------------- split heads
    split_heads("hidden.unflatten(-1, (num_heads, -1)).transpose(1, 2)", None),
    split_heads("torch.stack(hidden.chunk(num_heads, dim=-1), dim=1)", None),
    split_heads("hidden.view(*hidden.shape[:2], num_heads, -1).permute(0, 2, 1, 3)", None),
    split_heads(
        "torch.tensor([[[row[h * (len(row) // num_heads):(h + 1) * (len(row) // num_heads)] for row in text] "
        "for h in range(num_heads)] for text in hidden.tolist()])",
        None,
    ),
    split_heads("torch.from_numpy(np.stack(np.split(hidden.numpy(), num_heads, axis=-1), axis=1))", None),
    split_heads("hidden.view(hidden.size(0), num_heads, hidden.size(1), -1)", "reshape alone"),
    split_heads("hidden.unflatten(-1, (num_heads, -1))", "transpose the middle"),
    split_heads("hidden.unflatten(-1, (-1, num_heads)).permute(0, 3, 1, 2)", "next to each other"),
    split_heads("hidden.unflatten(-1, (-1, num_heads)).transpose(1, 2)", "not their width"),
    split_heads("torch.stack(hidden.chunk(num_heads, dim=-1))", "batch comes first"),
    split_heads("hidden.unflatten(-1, (num_heads, -1)).permute(0, 2, 3, 1)", "exchanged"),
    split_heads("hidden.chunk(num_heads, dim=-1)", ""),
    # ------------------------------------------------------------------------------------------------------ multi head
    multi_head("-1e9", "torch.finfo(s.dtype).min", None),
    multi_head('x @ weights[f"{name}.weight"].T + weights', 'F.linear(x, weights[f"{name}.weight"]) + weights', None),
    multi_head("w = s.softmax(dim=-1)", "w = F.softmax(s, dim=3)", None),
    multi_head(
        "return linear",
        "heads = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)\n"
        "    return linear('output', heads.permute(0, 2, 1, 3).flatten(2))\n    return linear",
        None,
    ),
    Answer(
        "attention.multi_head",
        """
def answer(hidden, weights, num_heads, mask):
    d = hidden.shape[-1] // num_heads
    outputs = []
    for x, m in zip(hidden, mask[:, 0, 0]):
        heads = []
        for h in range(num_heads):
            rows = slice(h * d, (h + 1) * d)
            names = ("query", "key", "value")
            q, k, v = (x @ weights[n + ".weight"][rows].T + weights[n + ".bias"][rows] for n in names)
            s = (q @ k.T / d ** 0.5)[:, m]
            heads.append(s.softmax(-1) @ v[m])
        outputs.append(torch.cat(heads, -1) @ weights["output.weight"].T + weights["output.bias"])
    return torch.stack(outputs)
""",
        None,
    ),
    multi_head(
        "x.view(B, T, num_heads, D // num_heads).transpose(1, 2)",
        "x.view(B, num_heads, T, D // num_heads)",
        "reshape alone",
    ),
    Answer(
        "attention.multi_head",
        """
def answer(hidden, weights, num_heads, mask):
    B, T, D = hidden.shape
    def linear(name, x): return x @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]
    def split(x): return x.view(B, num_heads, T, D // num_heads)
    q, k, v = split(linear("query", hidden)), split(linear("key", hidden)), split(linear("value", hidden))
    w = (q @ k.mT / math.sqrt(D // num_heads)).masked_fill(~mask, -1e9).softmax(-1)
    return linear("output", (w @ v).view(B, T, D))
""",
        "reshape alone",
    ),
    multi_head("math.sqrt(D // num_heads)", "math.sqrt(D)", "not of d", "argument"),
    multi_head("math.sqrt(D // num_heads)", "(D // num_heads)", "square root"),
    multi_head(" / math.sqrt(D // num_heads)", "", "not divided"),
    multi_head('.weight"].T', '.weight"]', "stored transposed"),
    multi_head(' + weights[f"{name}.bias"]', "", "biases"),
    multi_head(
        'linear("output", (w @ v).transpose(1, 2).reshape(B, T, D))',
        "(w @ v).transpose(1, 2).reshape(B, T, D)",
        "output matrix",
    ),
    multi_head(".transpose(1, 2).reshape(B, T, D)", ".reshape(B, T, D)", "joined token by token"),
    multi_head("    s = s.masked_fill(~mask, -1e9)\n", "", "mask is not used"),
    multi_head("~mask", "mask", "upside down"),
    multi_head(
        "    s = s.masked_fill(~mask, -1e9)\n    w = s.softmax(dim=-1)", "    w = s.softmax(dim=-1) * mask", "before"
    ),
    multi_head("softmax(dim=-1)", "softmax(dim=-2)", "over the keys"),
    multi_head("q @ k.transpose(-2, -1)", "k @ q.transpose(-2, -1)", "exchanged"),
    # ----------------------------------------------------------------------------------------------------- causal mask
    causal("torch.tril(torch.ones(length, length)).bool()", None),
    causal("torch.tensor([[j <= i for j in range(length)] for i in range(length)])", None),
    causal("torch.from_numpy(np.tri(length, dtype=bool))", None),
    causal("torch.arange(length)[:, None] >= torch.arange(length)", None),
    causal("torch.ones(length, length).triu().bool()", "looks ahead"),
    causal("torch.ones(length, length).triu(1).bool()", "upside down"),
    causal("torch.ones(length, length).tril(-1).bool()", "itself"),
    causal("torch.ones(length, length).tril()", "must be bool"),
    causal("[[j <= i for j in range(length)] for i in range(length)]", None),
    causal("torch.ones(length, length, dtype=torch.bool)", ""),
    causal("torch.arange(length) <= torch.arange(length)", ""),
    causal("torch.ones(length, length).tril(1).bool()", ""),
    # --------------------------------------------------------------------------------------------------------- numbers
    number("by_hand", "math.e / (math.e + 4 * math.e**3)", None),
    number("by_hand", "torch.tensor([1.0, 3, 3, 3, 3]).softmax(0)[0]", None),
    number("by_hand", "0.0327", None),
    number("by_hand", "1 / 13", "exponentials"),
    number("by_hand", "math.exp(1) / (math.exp(1) + math.exp(3))", "all of the other keys"),
    number("by_hand", "math.exp(1) / (math.exp(1) + 4)", "exp(b)"),
    number("by_hand", "math.exp(3) / (math.exp(1) + 4 * math.exp(3))", "one of the others"),
    number("by_hand", "1 - math.exp(1) / (math.exp(1) + 4 * math.exp(3))", "together"),
    number("by_hand", "math.exp(1)", ""),
    number("by_hand", "3.27", "not percent"),
    number("by_hand", "0.03", "three significant digits"),
    number("deviation", "1 / 26", None),
    number("deviation", "np.sqrt(676) / 676", None),
    number("deviation", "0.0385", None),
    number("deviation", "26", "before you divide"),
    number("deviation", "1", "if you divided by the root"),
    number("deviation", "1 / 676", "variance"),
    number("deviation", "676", ""),
    number("deviation", "0.04", "three significant digits"),
    number("deviation", "'1/26'", "expected a number"),
    number("jacobian", "0.21", None),
    number("jacobian", "0.7 - 0.7**2", None),
    number("jacobian", "torch.tensor(0.7) * 0.3", None),
    number("jacobian", "-0.21", "off the diagonal"),
    number("jacobian", "0.49", "w²"),
    number("jacobian", "0.7", "not w"),
    number("jacobian", "0.3", "factor w"),
    number("jacobian", "1", "not its score"),
    number("jacobian", "0", ""),
    number("parameters", "4 * (320 * 320 + 320)", None),
    number("parameters", "sum(p.numel() for p in nn.MultiheadAttention(320, 2).parameters())", None),
    number("parameters", "410880.0", None),
    number("parameters", "4 * 320**2", "a bias of d numbers"),
    number("parameters", "3 * (320**2 + 320)", "output matrix"),
    number("parameters", "2 * 4 * (320**2 + 320)", "does not matter"),
    number("parameters", "4 * 320**2 + 4", "a bias of d numbers"),
    number("parameters", "2 * (320**2 + 320)", "one head's share"),
    number("parameters", "320", ""),
    number("waste", "(2 * 512 * 384 + 512**2) / (2 * 20 * 384 + 20**2)", None),
    number("waste", "41.6", None),
    number("waste", "np.float64(41.5838)", None),
    number("waste", "512 / 20", "projections"),
    number("waste", "(512 / 20) ** 2", "part alone"),
    number("waste", "1 / 41.5838", "upside down"),
    number("waste", "42", "three significant digits"),
    number("waste", "41", "three significant digits"),
    number("waste", "512 - 20", ""),
]
