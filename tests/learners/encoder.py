"""Answers to the checks on the encoder."""

from . import Answer

NORM = "def answer(x, gain, bias, eps): return "
EMBED = "def answer(words, positions, segments, input_ids, token_type_ids): return "
WRAP = "def answer(hidden, sublayer, norm): return "
POOL = "def answer(hidden, attention_mask): return "
CLS = "def answer(hidden, weight, bias): return "

# A layer as a learner writes it; the wrong ones below change a line of it.
LAYER = """
def norm(x, name, weights, eps=1e-12):
    return F.layer_norm(x, x.shape[-1:], weights[name + ".weight"], weights[name + ".bias"], eps)

def dense(x, name, weights):
    return F.linear(x, weights[name + ".weight"], weights[name + ".bias"])

def multi_head(x, mask, weights, num_heads):
    q, k, v = (dense(x, "attention." + n, weights).unflatten(-1, (num_heads, -1)).transpose(1, 2)
               for n in ("query", "key", "value"))
    mixed = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
    return dense(mixed.transpose(1, 2).flatten(2), "attention.output", weights)

def answer(hidden, mask, weights, num_heads):
    attended = multi_head(hidden, mask, weights, num_heads)
    hidden = norm(hidden + attended, "attention_norm", weights)
    inner = F.gelu(dense(hidden, "intermediate", weights))
    return norm(hidden + dense(inner, "output", weights), "output_norm", weights)
"""

NAMES = """
NAMES = {"attention.query": "attention.self.query", "attention.key": "attention.self.key",
         "attention.value": "attention.self.value", "attention.output": "attention.output.dense",
         "attention_norm": "attention.output.LayerNorm", "intermediate": "intermediate.dense",
         "output": "output.dense", "output_norm": "output.LayerNorm"}

def layer_weights(stored, number):
    return {ours + kind: stored[f"encoder.layer.{number}.{theirs}{kind}"]
            for ours, theirs in NAMES.items() for kind in (".weight", ".bias")}
"""

ENCODER = (
    LAYER.replace("def answer", "def layer")
    + NAMES
    + """
def answer(stored, num_layers, num_heads, input_ids, attention_mask, token_type_ids):
    tables = [stored[f"embeddings.{n}_embeddings.weight"] for n in ("word", "position", "token_type")]
    hidden = tables[0][input_ids] + tables[1][: input_ids.size(1)] + tables[2][token_type_ids]
    hidden = norm(hidden, "embeddings.LayerNorm", stored)
    mask = attention_mask.bool()[:, None, None, :]
    states = [hidden]
    for number in range(num_layers):
        hidden = layer(hidden, mask, layer_weights(stored, number), num_heads)
        states.append(hidden)
    return states, torch.tanh(dense(hidden[:, 0], "pooler.dense", stored))
"""
)


def changed(code, old, new):
    assert code.count(old) == 1, f"{old!r} stands there {code.count(old)} times"
    return code.replace(old, new)


def layer(old, new, named, *never):
    return Answer("encoder.layer", changed(LAYER, old, new), named, never)


def encoder(old, new, named, *never):
    return Answer("encoder.encoder", changed(ENCODER, old, new), named, never)


LAST = 'norm(hidden + dense(inner, "output", weights), "output_norm", weights)'
FIRST = 'norm(hidden + attended, "attention_norm", weights)'

ANSWERS = [
    # LayerNorm
    Answer("encoder.layer_norm", NORM + "F.layer_norm(x, x.shape[-1:], gain, bias, eps)", None),
    Answer(
        "encoder.layer_norm",
        "def answer(x, gain, bias, eps):\n"
        "    flat = [(r - r.mean()) / ((r - r.mean()).pow(2).mean() + eps).sqrt() * gain + bias\n"
        "            for r in x.reshape(-1, x.size(-1))]\n"
        "    return torch.stack(flat).reshape(x.shape)",
        None,
    ),
    Answer(
        "encoder.layer_norm",
        "def answer(x, gain, bias, eps):\n"
        "    m = x.mean(-1, keepdim=True)\n"
        "    v = (x ** 2).mean(-1, keepdim=True) - m ** 2\n"
        "    return (x - m) / (v + eps) ** 0.5 * gain + bias",
        None,
    ),
    Answer(
        "encoder.layer_norm",
        "class Norm:\n"
        "    def __call__(self, x, gain, bias, eps):\n"
        "        m, v = x.mean(-1, keepdim=True), x.var(-1, keepdim=True, correction=0)\n"
        "        return torch.addcmul(bias, gain, (x - m) * torch.rsqrt(v + eps))\n"
        "answer = Norm()",
        None,
    ),
    Answer("encoder.layer_norm", NORM + "gain * (x - x.mean()) / (x.var(unbiased=False) + eps).sqrt() + bias", "whole"),
    Answer(
        "encoder.layer_norm",
        NORM + "gain * (x - x.mean(1, keepdim=True)) / (x.var(1, keepdim=True, unbiased=False) + eps).sqrt() + bias",
        "dim=1",
    ),
    Answer(
        "encoder.layer_norm",
        NORM + "gain * ((x - x.mean(-1, keepdim=True)) / (x.var(-1, keepdim=True, correction=0) + eps).sqrt() + bias)",
        "added last",
    ),
    Answer(
        "encoder.layer_norm",
        NORM + "gain * (x - x.mean(-1, keepdim=True)) / (x.var(-1, keepdim=True) + eps).sqrt() + bias",
        "d - 1",
    ),
    Answer(
        "encoder.layer_norm",
        NORM + "gain * (x - x.mean(-1, keepdim=True)) / (x.std(-1, keepdim=True, correction=0) + eps) + bias",
        "under the root",
    ),
    Answer(
        "encoder.layer_norm",
        NORM + "gain * (x - x.mean(-1, keepdim=True)) / x.std(-1, keepdim=True, correction=0) + bias",
        "eps",
        ("unused",),
    ),
    Answer("encoder.layer_norm", NORM + "gain * (x - x.mean(-1)) / (x.var(-1, correction=0) + eps).sqrt() + bias", ""),
    Answer("encoder.layer_norm", NORM + "F.layer_norm(x, x.shape[-1:], eps=eps)", "gain and the bias are not used"),
    # GELU
    Answer("encoder.gelu", "answer = F.gelu", None),
    Answer("encoder.gelu", "def answer(x): return x * torch.distributions.Normal(0.0, 1.0).cdf(x)", None),
    Answer("encoder.gelu", "def answer(x): return x * torch.special.ndtr(x)", None),
    Answer(
        "encoder.gelu",
        "def answer(x):\n"
        "    phi = [(1 + math.erf(v / math.sqrt(2))) / 2 for v in x.flatten().tolist()]\n"
        "    return x * torch.tensor(phi).reshape(x.shape)",
        None,
    ),
    Answer("encoder.gelu", "def answer(x): return x * (1 + torch.erf(x / 2 ** 0.5))", "half"),
    Answer("encoder.gelu", "def answer(x): return F.gelu(x, approximate='tanh')", "tanh approximation"),
    Answer("encoder.gelu", "def answer(x): return x * torch.sigmoid(1.702 * x)", "sigmoid"),
    Answer("encoder.gelu", "def answer(x): return x * (1 + torch.erf(x)) / 2", "root of 2"),
    Answer("encoder.gelu", "def answer(x): return x * torch.erf(x)", "a half, a 1 and a root"),
    Answer("encoder.gelu", "def answer(x): return (1 + torch.erf(x / 2 ** 0.5)) / 2", "multiply it by x"),
    Answer("encoder.gelu", "def answer(x): return x.clamp(min=0)", "relu"),
    Answer("encoder.gelu", "def answer(x): return x * (1 + math.erf(x / math.sqrt(2))) / 2", "error"),
    Answer("encoder.gelu", "def answer(x): return x * torch.erf(x / 2 ** 0.5)", "not the erf alone"),
    # The embedding sum
    Answer(
        "encoder.embeddings",
        EMBED + "words[input_ids] + positions[: input_ids.size(1)] + segments[token_type_ids]",
        None,
    ),
    Answer(
        "encoder.embeddings",
        "def answer(words, positions, segments, input_ids, token_type_ids):\n"
        "    out = torch.zeros(*input_ids.shape, words.size(1))\n"
        "    for b in range(len(input_ids)):\n"
        "        for t in range(input_ids.size(1)):\n"
        "            out[b, t] = words[input_ids[b, t]] + positions[t] + segments[token_type_ids[b, t]]\n"
        "    return out",
        None,
    ),
    Answer(
        "encoder.embeddings",
        "def answer(words, positions, segments, input_ids, token_type_ids):\n"
        "    one = F.one_hot(input_ids, len(words)).float() @ words\n"
        "    two = F.one_hot(token_type_ids, 2).float() @ segments\n"
        "    return one + two + F.embedding(torch.arange(input_ids.size(1)), positions)",
        None,
    ),
    Answer(
        "encoder.embeddings",
        EMBED + "words[input_ids] + positions[1 : input_ids.size(1) + 1] + segments[token_type_ids]",
        "count from 0",
    ),
    Answer(
        "encoder.embeddings",
        EMBED + "words[input_ids] + positions[token_type_ids] + segments[token_type_ids]",
        "not segment ids",
    ),
    Answer("encoder.embeddings", EMBED + "words[input_ids] + segments[token_type_ids]", "positions are missing"),
    Answer(
        "encoder.embeddings",
        EMBED + "words[input_ids] + positions[: input_ids.size(1)]",
        "segments are missing",
    ),
    Answer(
        "encoder.embeddings",
        EMBED + "words[input_ids] + positions[: input_ids.size(1)] + segments[0]",
        "token_type_ids",
    ),
    Answer(
        "encoder.embeddings",
        "def answer(words, positions, segments, input_ids, token_type_ids):\n"
        "    place = torch.arange(input_ids.size(1)).expand_as(input_ids)\n"
        "    place = torch.where(token_type_ids == 1, place - (token_type_ids == 0).sum(1, keepdim=True), place)\n"
        "    return words[input_ids] + positions[place] + segments[token_type_ids]",
        "do not begin again",
    ),
    Answer(
        "encoder.embeddings",
        EMBED + "(words[input_ids] + positions[: input_ids.size(1)] + segments[token_type_ids]) / 3",
        "not a mean",
    ),
    Answer("encoder.embeddings", EMBED + "words[input_ids] + positions + segments[token_type_ids]", "error"),
    # Add, then normalise
    Answer("encoder.post_norm", WRAP + "norm(hidden + sublayer(hidden))", None),
    Answer("encoder.post_norm", WRAP + "norm(torch.add(sublayer(hidden), hidden))", None),
    Answer(
        "encoder.post_norm",
        "class Wrap(nn.Module):\n"
        "    def forward(self, hidden, sublayer, norm):\n"
        "        residual = hidden.clone()\n"
        "        return norm(residual + sublayer(hidden))\n"
        "answer = Wrap()",
        None,
    ),
    Answer("encoder.post_norm", WRAP + "norm(norm(hidden + sublayer(hidden)))", "twice"),
    Answer("encoder.post_norm", WRAP + "hidden + sublayer(norm(hidden))", "pre-layernorm"),
    Answer("encoder.post_norm", WRAP + "hidden + norm(sublayer(hidden))", "normalise the sum"),
    Answer("encoder.post_norm", WRAP + "norm(sublayer(hidden))", "residual path is missing"),
    Answer("encoder.post_norm", WRAP + "norm(hidden) + sublayer(norm(hidden))", "behind the norm"),
    Answer("encoder.post_norm", WRAP + "norm(hidden + sublayer(norm(hidden)))", "only the sum"),
    Answer("encoder.post_norm", WRAP + "hidden + sublayer(hidden)", "layernorm is missing"),
    # Mean pooling
    Answer(
        "encoder.mean_pool",
        POOL + "torch.einsum('btd,bt->bd', hidden, attention_mask / attention_mask.sum(1, keepdim=True))",
        None,
    ),
    Answer(
        "encoder.mean_pool",
        POOL + "torch.stack([h[m.bool()].mean(0) for h, m in zip(hidden, attention_mask)])",
        None,
    ),
    Answer(
        "encoder.mean_pool", POOL + "hidden.masked_fill(attention_mask[..., None] == 0, torch.nan).nanmean(1)", None
    ),
    Answer(
        "encoder.mean_pool",
        POOL + "torch.from_numpy(np.stack([np.asarray(h)[np.asarray(m) == 1].mean(0) "
        "for h, m in zip(hidden, attention_mask)]))",
        None,
    ),
    Answer(
        "encoder.mean_pool",
        POOL + "torch.stack([h[: int(m.sum())].mean(0) for h, m in zip(hidden, attention_mask)])",
        "at the left",
    ),
    Answer("encoder.mean_pool", POOL + "hidden.mean(1)", "padding counts"),
    Answer("encoder.mean_pool", POOL + "(hidden * attention_mask[..., None]).mean(1)", "divisor"),
    Answer("encoder.mean_pool", POOL + "(hidden * attention_mask[..., None]).sum(1)", "that is the sum"),
    Answer("encoder.mean_pool", POOL + "hidden[:, 0]", "first token"),
    Answer(
        "encoder.mean_pool",
        POOL + "(hidden * attention_mask[..., None]).sum(1) / attention_mask.sum()",
        "its own number",
    ),
    Answer("encoder.mean_pool", POOL + "(hidden * attention_mask[..., None]).sum(1) / attention_mask.sum(1)", ""),
    # The pooler
    Answer("encoder.pooler", CLS + "F.linear(hidden[:, 0], weight, bias).tanh()", None),
    Answer("encoder.pooler", CLS + "torch.tanh(torch.einsum('bd,ed->be', hidden[:, 0], weight) + bias)", None),
    Answer(
        "encoder.pooler",
        "def answer(hidden, weight, bias):\n"
        "    dense = nn.Linear(*weight.shape)\n"
        "    dense.weight.data, dense.bias.data = weight, bias\n"
        "    return torch.tanh(dense(hidden))[:, 0]",
        None,
    ),
    Answer("encoder.pooler", CLS + "torch.tanh(hidden[:, 0] @ weight + bias)", "transpose"),
    Answer("encoder.pooler", CLS + "torch.tanh(hidden.mean(1) @ weight.T + bias)", "[cls]"),
    Answer("encoder.pooler", CLS + "hidden[:, 0] @ weight.T + bias", "tanh is missing"),
    Answer("encoder.pooler", CLS + "torch.tanh(hidden[:, -1] @ weight.T + bias)", "first token"),
    Answer("encoder.pooler", CLS + "torch.tanh(hidden[:, 0] @ weight.T)", "bias"),
    Answer("encoder.pooler", CLS + "torch.tanh(hidden @ weight.T + bias)", "first one alone"),
    Answer("encoder.pooler", CLS + "torch.tanh(hidden[0] @ weight.T + bias)", ""),
    # A layer
    Answer("encoder.layer", LAYER, None),
    Answer(
        "encoder.layer",
        LAYER.replace("def answer", "def layer") + "class Layer(nn.Module):\n"
        "    def forward(self, hidden, mask, weights, num_heads):\n"
        "        return layer(hidden, mask, weights, num_heads)\n"
        "answer = Layer()",
        None,
    ),
    Answer(
        "encoder.layer",
        "def answer(hidden, mask, w, num_heads):\n"
        "    D = hidden.shape[-1]\n"
        "    d = D // num_heads\n"
        "    q, k, v = [torch.einsum('btd,ed->bte', hidden, w[f'attention.{n}.weight']) + w[f'attention.{n}.bias']\n"
        "               for n in ('query', 'key', 'value')]\n"
        "    outs = []\n"
        "    for h in range(num_heads):\n"
        "        s = slice(h * d, (h + 1) * d)\n"
        "        scores = q[..., s] @ k[..., s].transpose(1, 2) / math.sqrt(d)\n"
        "        scores = torch.where(mask[:, 0], scores, torch.tensor(-torch.inf))\n"
        "        outs.append(torch.softmax(scores, -1) @ v[..., s])\n"
        "    a = torch.cat(outs, -1) @ w['attention.output.weight'].T + w['attention.output.bias']\n"
        "    norm = lambda x, n: F.layer_norm(x, (D,), w[n + '.weight'], w[n + '.bias'], 1e-12)\n"
        "    x = norm(a + hidden, 'attention_norm')\n"
        "    f = nn.GELU()(x @ w['intermediate.weight'].T + w['intermediate.bias'])\n"
        "    return norm(x + f @ w['output.weight'].T + w['output.bias'], 'output_norm')",
        None,
    ),
    Answer(
        "encoder.layer",
        changed(LAYER, "hidden + attended", "hidden + F.dropout(attended, 0.1, training=False)"),
        None,
    ),
    Answer(
        "encoder.layer",
        LAYER.replace("multi_head(hidden, mask", 'multi_head(norm(hidden, "attention_norm", weights), mask')
        .replace(FIRST, "hidden + attended")
        .replace('dense(hidden, "intermediate"', 'dense(norm(hidden, "output_norm", weights), "intermediate"')
        .replace(LAST, 'hidden + dense(inner, "output", weights)'),
        "pre-layernorm",
    ),
    layer(FIRST, 'norm(attended, "attention_norm", weights)', "around attention is missing"),
    layer(LAST, 'norm(dense(inner, "output", weights), "output_norm", weights)', "around the feed-forward block"),
    layer(FIRST, 'hidden + norm(attended, "attention_norm", weights)', "", "dropout"),
    Answer(
        "encoder.layer",
        LAYER.replace(FIRST, 'hidden + norm(attended, "attention_norm", weights)').replace(
            LAST, 'hidden + norm(dense(inner, "output", weights), "output_norm", weights)'
        ),
        "add first, normalise the sum",
    ),
    Answer(
        "encoder.layer",
        LAYER.replace(FIRST, 'norm(hidden + attended, "attention_norm", weights)\n    residual = before')
        .replace("    attended =", "    before = hidden\n    attended =")
        .replace("norm(hidden + dense(", "norm(residual + dense("),
        "not the layer's",
    ),
    layer("F.gelu(dense", "F.gelu(approximate='tanh', input=dense", "tanh approximation"),
    layer("F.gelu(dense", "F.relu(dense", "relu"),
    layer("F.gelu(dense", "(dense", "activation is missing"),
    layer("eps=1e-12", "eps=1e-5", "eps is 1e-5"),
    layer("hidden + attended", "hidden + F.dropout(attended, 0.1)", "dropout is at work"),
    layer("hidden + attended", "hidden + nn.Dropout(0.1)(attended)", "dropout is at work"),
    layer("attn_mask=mask", "attn_mask=None", "mask"),
    layer("attn_mask=mask", "attn_mask=~mask", "upside down"),
    layer('"output_norm", weights)', '"attention_norm", weights)', "for both"),
    layer("mask, weights, num_heads)\n    hidden", "mask, weights, 1)\n    hidden", "num_heads"),
    layer(
        "unflatten(-1, (num_heads, -1)).transpose(1, 2)",
        "reshape(len(x), num_heads, x.size(1), -1)",
        "then transpose",
    ),
    layer(
        'dense(mixed.transpose(1, 2).flatten(2), "attention.output", weights)',
        "mixed.transpose(1, 2).flatten(2)",
        "attention.output",
    ),
    layer("attn_mask=mask)", "attn_mask=mask, scale=1.0)", "root of the head's width"),
    layer(LAST, 'hidden + dense(inner, "output", weights)', "last layernorm is missing"),
    layer(LAST, "hidden", "feed-forward block is missing"),
    # Loading
    Answer("encoder.layer_weights", NAMES + "answer = layer_weights", None),
    Answer(
        "encoder.layer_weights",
        "def answer(stored, number):\n"
        "    prefix = f'encoder.layer.{number}.'\n"
        "    found = {}\n"
        "    for key in stored:\n"
        "        if key.startswith(prefix):\n"
        "            name = key[len(prefix):].replace('attention.self', 'attention')\n"
        "            name = name.replace('attention.output.LayerNorm', 'attention_norm')\n"
        "            name = name.replace('output.LayerNorm', 'output_norm').replace('.dense', '')\n"
        "            found[name] = stored[key]\n"
        "    return found",
        None,
    ),
    Answer(
        "encoder.layer_weights",
        "def answer(stored, number):\n"
        "    theirs = ['attention.self.query', 'attention.self.key', 'attention.self.value',\n"
        "              'attention.output.dense', 'attention.output.LayerNorm', 'intermediate.dense',\n"
        "              'output.dense', 'output.LayerNorm']\n"
        "    ours = ['attention.query', 'attention.key', 'attention.value', 'attention.output', 'attention_norm',\n"
        "            'intermediate', 'output', 'output_norm']\n"
        "    out = {}\n"
        "    for a, b in zip(ours, theirs):\n"
        "        out[a + '.weight'] = stored['encoder.layer.' + str(number) + '.' + b + '.weight'].clone()\n"
        "        out[a + '.bias'] = stored['encoder.layer.' + str(number) + '.' + b + '.bias'].clone()\n"
        "    return out",
        None,
    ),
    Answer(
        "encoder.layer_weights",
        changed(NAMES, "encoder.layer.{number}.", "encoder.layer.{number + 1}.") + "answer = layer_weights",
        "",
    ),
    Answer(
        "encoder.layer_weights",
        NAMES.replace("self.query", "self.X").replace("self.key", "self.query").replace("self.X", "self.key")
        + "answer = layer_weights",
        "query and key are exchanged",
    ),
    Answer(
        "encoder.layer_weights",
        NAMES.replace("attention.output.LayerNorm", "X")
        .replace('"output.LayerNorm', '"attention.output.LayerNorm')
        .replace('"X"', '"output.LayerNorm"')
        + "answer = layer_weights",
        "two layernorms are exchanged",
    ),
    Answer(
        "encoder.layer_weights",
        changed(NAMES, 'for kind in (".weight", ".bias")', 'for kind in (".weight",)') + "answer = layer_weights",
        "biases are missing",
    ),
    Answer(
        "encoder.layer_weights",
        "def answer(stored, number):\n"
        "    prefix = f'encoder.layer.{number}.'\n"
        "    return {key[len(prefix):]: value for key, value in stored.items() if key.startswith(prefix)}",
        "file's names",
    ),
    Answer(
        "encoder.layer_weights",
        "def answer(stored, number):\n"
        "    found = {}\n"
        "    for key in stored:\n"
        "        if key.startswith(f'encoder.layer.{number}'):\n"
        "            name = key.split('.', 3)[3].replace('attention.self', 'attention')\n"
        "            name = name.replace('attention.output.LayerNorm', 'attention_norm')\n"
        "            name = name.replace('output.LayerNorm', 'output_norm').replace('.dense', '')\n"
        "            found[name] = stored[key]\n"
        "    return found",
        "mind the dot",
    ),
    Answer(
        "encoder.layer_weights",
        NAMES + "def answer(stored, number): return {n: t.T for n, t in layer_weights(stored, number).items()}",
        "leave the matrices",
    ),
    Answer("encoder.layer_weights", NAMES + "def answer(stored, number): return layer_weights(stored, 0)", "number"),
    # A whole encoder
    Answer("encoder.encoder", ENCODER, None),
    Answer("encoder.encoder", changed(ENCODER, "return states,", "return torch.stack(states),"), None),
    Answer("encoder.encoder", changed(ENCODER, "return states,", "return tuple(states),"), None),
    Answer(
        "encoder.encoder",
        ENCODER.replace("def answer", "def run")
        + "class Encoder:\n    def __call__(self, *given):\n        return [*run(*given)]\nanswer = Encoder()",
        None,
    ),
    encoder("[: input_ids.size(1)]", "[1 : input_ids.size(1) + 1]", "count from 0"),
    encoder("[: input_ids.size(1)]", "[2 : input_ids.size(1) + 2]", "roberta"),
    encoder("+ tables[1][: input_ids.size(1)] ", "", "positions are missing"),
    encoder("tables[2][token_type_ids]", "tables[2][0]", "everything is segment a"),
    encoder(" + tables[2][token_type_ids]", "", "segments are missing"),
    encoder('    hidden = norm(hidden, "embeddings.LayerNorm", stored)\n', "", "embeddings' layernorm"),
    encoder("hidden = layer(hidden, mask,", "hidden = layer(hidden, None,", "attention_mask is not used"),
    encoder("attention_mask.bool()", "(attention_mask == 0)", "upside down"),
    encoder("range(num_layers)", "range(1, num_layers)", "numbered from 0", "too few"),
    encoder("range(num_layers)", "range(num_layers - 1)", "one layer too few"),
    encoder("layer_weights(stored, number), num", "layer_weights(stored, 0), num", "layer 0 for all"),
    encoder("states = [hidden]", "states = []", "begins with the embeddings"),
    encoder("return states,", "return hidden,", "all hidden states"),
    encoder("hidden[:, 0]", "hidden.mean(1)", "[cls]"),
    encoder("torch.tanh(dense(", "(dense(", "tanh is missing"),
    encoder("F.gelu(", "F.relu(", "what that layer gives is not", "embeddings, the first"),
    encoder(
        'norm(hidden, "embeddings.LayerNorm", stored)', "hidden / hidden.norm(dim=-1, keepdim=True)", "off already"
    ),
    # A count
    Answer(
        "encoder.parameters",
        "from bertcourse.checks import find, question_rng\n"
        "g = find('encoder.parameters').draw(question_rng('encoder.parameters', 0))\n"
        "V, P, D, L, I = g['V'], g['P'], g['D'], g['L'], g['inner']\n"
        "answer = (V + P + 2) * D + 2 * D + L * (4 * (D * D + D) + 2 * D * I + I + D + 4 * D) + D * D + D",
        None,
    ),
]


def count(formula, named, *never):
    return Answer(
        "encoder.parameters",
        "from bertcourse.checks import find, question_rng\n"
        "g = find('encoder.parameters').draw(question_rng('encoder.parameters', 0))\n"
        "V, P, D, L, I = g['V'], g['P'], g['D'], g['L'], g['inner']\n"
        f"answer = {formula}",
        named,
        never,
    )


TABLES, ATTENTION, FEED = "(V + P + 2) * D + 2 * D", "4 * (D * D + D)", "2 * D * I + I + D"
ANSWERS += [
    count(f"torch.tensor({TABLES} + L * ({ATTENTION} + {FEED} + 4 * D) + D * D + D)", None),
    count(f"np.int64({TABLES} + L * ({ATTENTION} + {FEED} + 4 * D) + D * D + D)", None),
    count(f"float({TABLES} + L * ({ATTENTION} + {FEED} + 4 * D) + D * D + D)", None),
    count(f"round(({TABLES} + L * ({ATTENTION} + {FEED} + 4 * D) + D * D + D) / 1e6, 3)", "in millions"),
    Answer("encoder.embeddings", EMBED + "words[input_ids] + positions + segments[token_type_ids]", "a slice"),
    Answer(
        "encoder.embeddings",
        EMBED + "words[input_ids] + positions[None] + words[input_ids] + segments[token_type_ids]",
        "must match",
        ("a slice",),
    ),
    count("round(100 * V / 7, 3)", "", "in millions"),
    count(f"{TABLES} + L * ({ATTENTION} + {FEED} + 4 * D)", "pooler"),
    count("(V + P + 2) * D + 2 * D + L * (4 * D * D + 2 * D * I + 4 * D) + D * D", "biases"),
    count(f"{TABLES} + L * (3 * (D * D + D) + {FEED} + 4 * D) + D * D + D", "four dense layers"),
    count(f"{TABLES} + L * ({ATTENTION} + {FEED} + 2 * D) + D * D + D", "two layernorms"),
    count(f"{TABLES} + {ATTENTION} + {FEED} + 4 * D + D * D + D", "one layer alone"),
    count(f"{TABLES} + L * ({ATTENTION} + D * I + I + 4 * D) + D * D + D", "two dense layers"),
    count(f"(V + P + 2) * D + L * ({ATTENTION} + {FEED}) + D * D + D", "layernorms are missing"),
    count(f"L * ({ATTENTION} + {FEED} + 4 * D) + D * D + D", "embeddings are missing"),
    count(f"(V + P) * D + 2 * D + L * ({ATTENTION} + {FEED} + 4 * D) + D * D + D", "segments"),
    count(f"V * D + 2 * D + L * ({ATTENTION} + {FEED} + 4 * D) + D * D + D", "position and segment"),
]
