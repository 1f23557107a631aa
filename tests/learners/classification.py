"""Answers to the checks on classification."""

from . import Answer


def padding(lines, named, *never):
    return Answer("classification.padding", f"def answer(sequences, pad_token_id):\n{lines}", named, never)


def padded(change, to, named, *never):
    code = """
    longest = max(len(s) for s in sequences)
    ids = [s + [pad_token_id] * (longest - len(s)) for s in sequences]
    mask = [[1] * len(s) + [0] * (longest - len(s)) for s in sequences]
    return torch.tensor(ids), torch.tensor(mask)
"""
    assert change in code
    return padding(code.replace(change, to), named, *never)


def buckets(lines, named, *never):
    return Answer("classification.buckets", f"def answer(lengths, batch_size):\n{lines}", named, never)


def in_order(order, named, *never):
    cut = "[order[i:i + batch_size] for i in range(0, len(order), batch_size)]"
    return buckets(f"    order = {order}\n    return {cut}", named, *never)


def truncate(expression, named, *never):
    return Answer("classification.truncate", f"def answer(ids, max_length): return {expression}", named, never)


def predict(expression, named, *never):
    return Answer("classification.predict", f"def answer(pooled, weight, bias): return {expression}", named, never)


def span(lines, named, *never):
    return Answer("classification.answer_span", f"def answer(start, end):\n{lines}", named, never)


def searched(change, to, named, *never):
    code = """
    best, found = -math.inf, None
    for i in range(len(start)):
        for j in range(i, len(end)):
            if start[i] + end[j] > best:
                best, found = start[i] + end[j], (i, j)
    return found
"""
    assert change in code
    return span(code.replace(change, to), named, *never)


def accuracy(expression, named, *never):
    return Answer("classification.accuracy", f"def answer(gold, predicted): return {expression}", named, never)


COUNTED = """
def answer(gold, predicted, classes):
    result = []
    for c in range(classes):
        right = sum(g == c and p == c for g, p in zip(gold, predicted))
        found = sum(p == c for p in predicted)
        there = sum(g == c for g in gold)
        P = right / found if found else 0.0
        R = right / there if there else 0.0
        F = 2 * P * R / (P + R) if P + R else 0.0
        result.append((P, R, F))
    return result
"""


def counted(change, to, named, *never):
    assert change in COUNTED
    return Answer("classification.report", COUNTED.replace(change, to), named, never)


def macro(change, to, named, *never):
    code = COUNTED.replace("return result", "return sum(F for P, R, F in result) / classes")
    assert change in code
    return Answer("classification.macro_f1", code.replace(change, to), named, never)


def confusion(lines, named, *never):
    return Answer("classification.confusion", f"def answer(gold, predicted, classes):\n{lines}", named, never)


def table(change, to, named, *never):
    code = """
    table = [[0] * classes for _ in range(classes)]
    for g, p in zip(gold, predicted):
        table[g][p] += 1
    return table
"""
    assert change in code
    return confusion(code.replace(change, to), named, *never)


def split(lines, named, *never):
    return Answer("classification.split", f"def answer(texts, share, rng):\n{lines}", named, never)


def chosen(change, to, named, *never):
    code = """
    different = sorted(set(texts))
    rng.shuffle(different)
    test = set(different[:round(share * len(different))])
    return [i for i, t in enumerate(texts) if t not in test], [i for i, t in enumerate(texts) if t in test]
"""
    assert change in code
    return split(code.replace(change, to), named, *never)


def interval(expression, named, *never):
    code = f"def answer(right, total):\n    p, n = right / total, total\n    return {expression}"
    return Answer("classification.interval", code, named, never)


def baseline(expression, named, *never):
    return Answer("classification.baseline", f"answer = {expression}", named, never)


def head(change, to, named, *never):
    code = """
class answer(nn.Module):
    def __init__(self, size, classes):
        super().__init__()
        self.dropout = nn.Dropout(0.1)
        self.layer = nn.Linear(size, classes)

    def forward(self, pooled):
        return self.layer(self.dropout(pooled))
"""
    assert change in code
    return Answer("classification.head", code.replace(change, to), named, never)


LOOP = """
def answer(model, optimizer, batches):
    model.train()
    total = texts = 0
    for ids, mask, labels in batches:
        optimizer.zero_grad()
        loss = F.cross_entropy(model(ids, mask), labels)
        loss.backward()
        optimizer.step()
        total += loss.item() * len(labels)
        texts += len(labels)
    return total / texts
"""


def loop(change, to, named, *never):
    assert change in LOOP
    return Answer("classification.epoch", LOOP.replace(change, to), named, never)


STAYED = "did not move"
HALF = "1.96 * math.sqrt(p * (1 - p) / n)"

ANSWERS = [
    # ---------------------------------------------------------------------------------------------------------- head
    head("nn.Dropout(0.1)", "nn.Dropout(p=0.1)", None),
    head("self.dropout(pooled)", "F.dropout(pooled, 0.1, self.training)", None),
    head(
        "self.layer(self.dropout(pooled))",
        "torch.einsum('bd,cd->bc', self.dropout(pooled), self.layer.weight) + self.layer.bias",
        None,
    ),
    head(
        "self.layer = nn.Linear(size, classes)",
        "self.W = nn.Parameter(torch.zeros(size, classes)); self.b = nn.Parameter(torch.zeros(classes)); "
        "self.layer = lambda x: x @ self.W + self.b",
        None,
    ),
    Answer(
        "classification.head",
        "def answer(size, classes): return nn.Sequential(nn.Dropout(0.1), nn.Linear(size, classes))",
        None,
    ),
    head("self.layer(self.dropout(pooled))", "self.layer(pooled)", "nothing is dropped"),
    head("self.layer(self.dropout(pooled))", "self.dropout(self.layer(pooled))", "before the layer"),
    head("nn.Dropout(0.1)", "nn.Dropout()", "drops half"),
    head("nn.Dropout(0.1)", "nn.Dropout(0.9)", "the one that stays"),
    head("nn.Dropout(0.1)", "nn.Dropout(0.3)", "expected 10 %"),
    head("self.dropout(pooled)", "F.dropout(pooled, 0.1)", "training=self.training"),
    head("self.dropout(pooled)", "pooled * (torch.rand_like(pooled) > 0.1)", "training=self.training"),
    head(
        "self.dropout(pooled)",
        "(pooled * (torch.rand_like(pooled) > 0.1) if self.training else pooled)",
        "divides what stays",
    ),
    head("self.layer(self.dropout(pooled))", "self.layer(self.dropout(pooled)).softmax(-1)", "takes the softmax"),
    head("self.layer(self.dropout(pooled))", "self.layer(self.dropout(pooled)).log_softmax(-1)", "takes the softmax"),
    head("self.layer(self.dropout(pooled))", "self.layer(self.dropout(pooled)).tanh()", "part of the pooler"),
    head("self.layer(self.dropout(pooled))", "self.layer(self.dropout(pooled)).relu()", "may be negative"),
    head("self.layer(self.dropout(pooled))", "self.layer(self.dropout(pooled)).argmax(-1)", "no argmax"),
    head("nn.Linear(size, classes)", "nn.Linear(size, classes, bias=False)", "bias is missing"),
    head("nn.Linear(size, classes)", "nn.Linear(classes, size)", ""),
    head("nn.Linear(size, classes)", "nn.Linear(size, 2)", ""),
    head(
        "nn.Linear(size, classes)",
        "nn.Sequential(nn.Linear(size, size), nn.Tanh(), nn.Linear(size, classes))",
        "one layer is enough",
    ),
    head("        super().__init__()\n", "", "super().__init__() comes first"),
    head(
        "return self.layer(self.dropout(pooled))",
        "return nn.Linear(4, 3)(self.dropout(pooled))",
        "",
    ),
    head(
        "self.layer = nn.Linear(size, classes)",
        "self.layer = lambda x: x @ torch.ones(size, classes)",
        "no weights to train",
    ),
    Answer("classification.head", "def answer(size, classes): return nn.Linear(size, classes)", "nothing is dropped"),
    Answer("classification.head", "def answer(size, classes): return torch.zeros(classes)", "nn.module"),
    # --------------------------------------------------------------------------------------------------------- epoch
    loop("optimizer.zero_grad()", "model.zero_grad()", None),
    loop("loss.item() * len(labels)", "float(loss) * labels.size(0)", None),
    loop("        optimizer.step()\n", "        optimizer.step(); optimizer.zero_grad()\n", None),
    loop(
        "F.cross_entropy(model(ids, mask), labels)",
        "-model(ids, mask).log_softmax(-1)[torch.arange(len(labels)), labels].mean()",
        None,
    ),
    loop("F.cross_entropy(model(ids, mask), labels)", "nn.CrossEntropyLoss()(model(ids, mask=mask), labels)", None),
    loop("loss.item()", "loss.detach()", None),
    loop(
        "        loss = F.cross_entropy(model(ids, mask), labels)\n        loss.backward()\n",
        "        loss = F.cross_entropy(model(ids, mask), labels, reduction='sum') / len(labels)\n"
        "        loss.backward()\n",
        None,
    ),
    loop("    model.train()\n", "", "model.train() first"),
    loop("model.train()", "model.eval()", "model.train() first"),
    loop("        optimizer.zero_grad()\n", "", "add up from batch to batch"),
    loop(
        "    for ids, mask, labels in batches:\n        optimizer.zero_grad()\n",
        "    optimizer.zero_grad()\n    for ids, mask, labels in batches:\n",
        "add up from batch to batch",
        STAYED,
    ),
    loop("        optimizer.step()\n", "", STAYED, "zero_grad() before"),
    loop("        loss.backward()\n", "", STAYED),
    loop("        loss.backward()\n", "        loss.backward(); optimizer.zero_grad()\n", STAYED),
    loop(
        "        loss.backward()\n        optimizer.step()\n",
        "        optimizer.step()\n        loss.backward()\n",
        STAYED,
    ),
    loop("        optimizer.zero_grad()\n", "        optimizer.step(); optimizer.zero_grad()\n", ""),
    loop(
        "        loss.backward()\n        optimizer.step()\n",
        "        loss.backward()\n",
        STAYED,
    ),
    loop("model(ids, mask)", "model(ids)", "mask is not used"),
    loop("model(ids, mask), labels", "model(ids, mask).softmax(-1), labels", "softmax is taken twice"),
    loop("F.cross_entropy(model(ids, mask), labels)", "F.nll_loss(model(ids, mask), labels)", "nll_loss"),
    loop("mask), labels)", "mask), labels, reduction='sum')", "that of the sum"),
    loop("loss.item() * len(labels)", "loss.item()", "means already"),
    loop("return total / texts", "return total / len(batches)", ""),
    loop(
        "        total += loss.item() * len(labels)\n        texts += len(labels)\n",
        "        total += loss.item()\n        texts += 1\n",
        "a mean of means",
    ),
    loop("return total / texts", "return loss.item()", "last batch's loss"),
    loop("loss.item()", "loss", "loss.item()"),
    loop("    return total / texts\n", "", "return the mean loss"),
    loop("    return total / texts", "        return total / texts", "first batch"),
    loop("model(ids, mask), labels", "model(ids, mask).argmax(-1).float(), labels.float()", "leads back"),
    # ---------------------------------------------------------------------------------------------- leak, wrong line
    Answer("classification.leak", "answer = 100 * 37 / 450 * 0.1", None),
    Answer("classification.leak", "answer = 0.822", None),
    Answer("classification.leak", "answer = np.float64(0.8222)", None),
    Answer("classification.leak", "answer = 100 * 37 / 450", "share of the copies"),
    Answer("classification.leak", "answer = 10", "only a part of the test"),
    Answer("classification.leak", "answer = 3.7", "how many texts"),
    Answer("classification.leak", "answer = 100 * (37 + 413 * 0.9) / 450", "that is the accuracy"),
    Answer("classification.leak", "answer = 37 / 450 * 0.1", "percent are asked for"),
    Answer("classification.leak", "answer = 7.4", "anyway"),
    Answer("classification.leak", "answer = 100 * 413 / 450 * 0.1", "among the copies"),
    Answer("classification.leak", "answer = 0.82", None),
    Answer("classification.leak", "answer = 0.8", "about that: give three significant digits", ("right as far",)),
    Answer("classification.leak", "answer = 1", "too rough to be judged: give three", ("right as far", "about that")),
    Answer("classification.wrong_line", "answer = 4", None),
    Answer("classification.wrong_line", "answer = 4.0", None),
    Answer("classification.wrong_line", "answer = np.int64(4)", None),
    *(
        Answer(
            "classification.wrong_line", f"answer = {line}", f"{line} is not the line. who uses this name", ("import",)
        )
        for line in (1, 5, 8, 10, 12, 24)
    ),
    Answer("classification.wrong_line", "answer = '4'", "expected a number"),
    # ------------------------------------------------------------------------------------------------------- padding
    padding(
        "    rows = [torch.tensor(s) for s in sequences]\n"
        "    pad = nn.utils.rnn.pad_sequence\n"
        "    return (pad(rows, batch_first=True, padding_value=pad_token_id),\n"
        "            pad([torch.ones_like(row) for row in rows], batch_first=True))",
        None,
    ),
    padding(
        "    lengths = np.array([len(s) for s in sequences])\n"
        "    mask = (np.arange(lengths.max()) < lengths[:, None]).astype(int)\n"
        "    ids = np.full(mask.shape, pad_token_id)\n"
        "    ids[mask == 1] = [i for s in sequences for i in s]\n"
        "    return ids, mask",
        None,
    ),
    padded("return torch.tensor(ids), torch.tensor(mask)", "return [ids, mask]", None),
    padding(
        "    ids = torch.full((len(sequences), max(map(len, sequences))), pad_token_id)\n"
        "    mask = torch.zeros_like(ids)\n"
        "    for row, s in enumerate(sequences):\n"
        "        ids[row, :len(s)] = torch.tensor(s)\n"
        "        mask[row, :len(s)] = 1\n"
        "    return ids, mask",
        None,
    ),
    padded("longest = max(len(s) for s in sequences)", "longest = 128", "fixed width"),
    padded("longest = max(len(s) for s in sequences)", "longest = 512", "fixed width"),
    padded("s + [pad_token_id] * (longest - len(s))", "[pad_token_id] * (longest - len(s)) + s", "at the end"),
    padding(
        "    n = max(map(len, sequences))\n"
        "    ids = [[pad_token_id] * (n - len(s)) + s for s in sequences]\n"
        "    return torch.tensor(ids), torch.tensor([[0] * (n - len(s)) + [1] * len(s) for s in sequences])",
        "at the end",
    ),
    padded("[0] * (longest - len(s)) for", "[1] * (longest - len(s)) for", "0 where padding"),
    padded("torch.tensor(mask)", "(torch.tensor(ids) != pad_token_id).long()", "from the lengths"),
    padded("torch.tensor(mask)", "(torch.tensor(ids) != 0).long()", "from the lengths"),
    padded("[pad_token_id]", "[0]", "not 0 everywhere"),
    padded("torch.tensor(mask)", "1 - torch.tensor(mask)", "upside down"),
    padded("torch.tensor(ids), torch.tensor(mask)", "torch.tensor(ids)", "two things"),
    padded("torch.tensor(ids), torch.tensor(mask)", "torch.tensor(mask), torch.tensor(ids)", "exchanged"),
    padded("torch.tensor(mask)", "torch.tensor(mask).bool()", "whole numbers"),
    padded("torch.tensor(mask)", "torch.tensor(mask).float()", "whole numbers"),
    padded("longest = max(len(s) for s in sequences)", "longest = max(len(s) for s in sequences) + 1", "one too wide"),
    padding(
        "    n = min(map(len, sequences))\n"
        "    ids = torch.tensor([s[:n] for s in sequences])\n"
        "    return ids, torch.ones_like(ids)",
        "nothing is cut",
    ),
    padded(
        "s + [pad_token_id] * (longest - len(s))",
        "s[:-1] + [pad_token_id] * (longest - len(s)) + s[-1:]",
        "behind the last",
    ),
    padding(
        "    rows = [torch.tensor(s) for s in sequences]\n"
        "    ids = nn.utils.rnn.pad_sequence(rows, padding_value=pad_token_id)\n"
        "    return ids, (ids != pad_token_id).long()",
        "batch_first",
    ),
    # ------------------------------------------------------------------------------------------------------- buckets
    in_order("sorted(range(len(lengths)), key=lengths.__getitem__)", None),
    in_order("sorted(range(len(lengths)), key=lambda i: -lengths[i])", None),
    in_order("np.argsort(lengths)", None),
    in_order("torch.tensor(lengths).argsort()", None),
    buckets("    return list(torch.tensor(lengths).argsort().split(batch_size))", None),
    buckets(
        "    order = sorted(range(len(lengths)), key=lambda i: lengths[i])\n"
        "    batches = [order[i:i + batch_size] for i in range(0, len(order), batch_size)]\n"
        "    random.shuffle(batches)\n"
        "    return tuple(batches)",
        None,
    ),
    buckets(
        "    left, batches = list(range(len(lengths))), []\n"
        "    while left:\n"
        "        batch = []\n"
        "        while left and len(batch) < batch_size:\n"
        "            batch.append(min(left, key=lambda i: lengths[i]))\n"
        "            left.remove(batch[-1])\n"
        "        batches.append(batch)\n"
        "    return batches",
        None,
    ),
    in_order("list(range(len(lengths)))", "sort the indices"),
    in_order("random.sample(range(len(lengths)), len(lengths))", "sort the indices"),
    in_order("sorted(lengths)", "not lengths"),
    in_order("sorted(range(len(lengths)))", "sort the indices"),
    buckets(
        "    order = sorted(range(len(lengths)), key=lambda i: lengths[i])\n"
        "    return [order[i:i + batch_size] for i in range(0, len(order) - batch_size + 1, batch_size)]",
        "last, smaller batch",
    ),
    buckets(
        "    order = sorted(range(len(lengths)), key=lambda i: lengths[i])\n"
        "    return [order[i:i + batch_size] for i in range(0, len(order), batch_size - 1)]",
        "more than once",
    ),
    buckets(
        "    order = sorted(range(len(lengths)), key=lambda i: lengths[i])\n"
        "    return [order[i:i + batch_size] for i in range(0, len(order), batch_size + 1)]",
        "left out",
    ),
    buckets(
        "    order = sorted(range(len(lengths)), key=lambda i: lengths[i])\n"
        "    return [order[i::batch_size] for i in range(batch_size)]",
        "neighbours",
    ),
    buckets(
        "    order = sorted(range(len(lengths)), key=lambda i: lengths[i])\n"
        "    number = -(-len(order) // batch_size)\n"
        "    return [order[i::number] for i in range(number)]",
        "neighbours",
    ),
    buckets("    return sorted(range(len(lengths)), key=lambda i: lengths[i])", "cut the sorted"),
    buckets(
        "    batches = {}\n"
        "    for i, n in enumerate(lengths):\n"
        "        batches.setdefault(n, []).append(i)\n"
        "    return list(batches.values())",
        "neighbouring lengths",
    ),
    buckets(
        "    order = sorted(range(len(lengths)), key=lambda i: lengths[i])\n"
        "    for i in range(0, len(order), batch_size):\n"
        "        yield order[i:i + batch_size]",
        "generator",
    ),
    buckets(
        "    order = sorted(zip(lengths, range(len(lengths))))\n"
        "    return [order[i:i + batch_size] for i in range(0, len(order), batch_size)]",
        "indices",
    ),
    # ------------------------------------------------------------------------------------------------------ truncate
    truncate("ids[:max_length - 1] + ids[-1:] if len(ids) > max_length else ids", None),
    truncate("np.array(ids[:max_length - 1] + ids[-1:] if len(ids) > max_length else ids)", None),
    truncate("[*ids[:-1][:max_length - 1], ids[-1]]", None),
    truncate("[n for i, n in enumerate(ids) if i < max_length - 1 or i == len(ids) - 1]", None),
    truncate("torch.cat([torch.tensor(ids[:-1])[:max_length - 1], torch.tensor(ids[-1:])])", None),
    truncate("ids[:max_length]", "[sep] was cut off"),
    truncate("ids[:1] + ids[1 - max_length:] if len(ids) > max_length else ids", "cut at the end"),
    truncate("ids[-max_length:]", "cut at the end"),
    truncate("ids[:max_length - 1] + ids[-1:]", "short enough"),
    truncate("ids", "nothing was cut"),
    truncate("ids[:max_length] + ids[-1:] if len(ids) > max_length else ids", "one token too many", "nothing"),
    truncate("ids[:max_length] + ids[-1:]", "one token too many", "nothing"),
    truncate("ids[:max_length - 2] + ids[-1:] if len(ids) > max_length else ids", "one token more"),
    truncate("ids[:max_length - 1] + [102] if len(ids) > max_length else ids", "own last id"),
    truncate("ids[:max_length - 1] if len(ids) > max_length else ids", "[sep] was cut off"),
    truncate("ids[:max_length - 2] + ids[-2:] if len(ids) > max_length else ids", ""),
    # ------------------------------------------------------------------------------------------------------- predict
    predict("F.linear(pooled, weight, bias).argmax(1)", None),
    predict("torch.einsum('bd,cd->bc', pooled, weight).add(bias).max(-1).indices", None),
    predict("np.argmax(pooled.numpy() @ weight.numpy().T + bias.numpy(), axis=1)", None),
    predict("[int((weight @ vector + bias).argmax()) for vector in pooled]", None),
    predict("(pooled @ weight.T + bias).softmax(-1).topk(1).indices[:, 0].int()", None),
    predict("(pooled @ weight.T).argmax(-1)", "bias is missing"),
    predict("(pooled @ weight.T - bias).argmax(-1)", "added"),
    predict("(pooled @ weight.T + bias).max(-1).values", "not its score"),
    predict("(pooled @ weight.T + bias).argmax(0)", "last dimension"),
    predict("(pooled @ weight.T + bias).argmin(-1)", "highest score"),
    predict("(pooled @ weight.T + bias).argmax(-1) + 1", "count from 0"),
    predict("(pooled @ weight.T + bias).softmax(-1)", "the class is asked for"),
    predict("pooled @ weight.T + bias", "the class is asked for"),
    predict("(pooled @ weight.T + bias).argmax()", "one class for each text"),
    predict("(pooled @ weight.T + bias).softmax(0).argmax(-1)", "softmax"),
    predict("(pooled @ weight + bias).argmax(-1)", "weight.t"),
    predict("(pooled @ weight.T + bias).argmax(-1, keepdim=True)", "without keepdim"),
    predict("(pooled @ weight.T + bias).argmax(-1).float()", "whole numbers"),
    # --------------------------------------------------------------------------------------------------- answer span
    searched("(i, j)", "[i, j]", None),
    span(
        "    sums = (start[:, None] + end[None, :]).numpy()\n"
        "    sums[np.tril_indices(len(start), -1)] = -np.inf\n"
        "    return np.unravel_index(sums.argmax(), sums.shape)",
        None,
    ),
    span(
        "    return max(((i, j) for i in range(len(start)) for j in range(i, len(start))),\n"
        "               key=lambda pair: float(start[pair[0]] + end[pair[1]]))",
        None,
    ),
    span(
        "    both = (start.softmax(0)[:, None] * end.softmax(0)).triu()\n"
        "    return divmod(both.argmax().item(), len(end))",
        None,
    ),
    span(
        "    s, e = start.log_softmax(0), end.log_softmax(0)\n"
        "    best_start, found, best = 0, (0, 0), -math.inf\n"
        "    for j in range(len(e)):\n"
        "        if s[j] > s[best_start]: best_start = j\n"
        "        if s[best_start] + e[j] > best: best, found = s[best_start] + e[j], (best_start, j)\n"
        "    return torch.tensor(found)",
        None,
    ),
    span("    return int(start.argmax()), int(end.argmax())", "each for itself"),
    span("    return tuple(sorted((int(start.argmax()), int(end.argmax()))))", "exchanged"),
    span("    i = int(start.argmax())\n    return i, i + int(end[i:].argmax())", "best start need not"),
    span("    j = int(end.argmax())\n    return int(start[:j + 1].argmax()), j", "best end need not"),
    searched("range(i, len(end))", "range(i + 1, len(end))", "single token"),
    searched("(i, j)", "(i, j + 1)", "not the place behind"),
    searched("start[i] + end[j]", "start[i] * end[j]", "sum, not the product"),
    searched("range(i, len(end))", "range(len(end))", "each for itself"),
    searched("range(i, len(end))", "range(i + 1)", "before the start"),
    searched("(i, j)", "(j, i)", "first token, then the last"),
    searched("best, found = -math.inf", "best, found = 0", "begin with"),
    searched("best, found = -math.inf, None", "best, found = 0, (0, 0)", "begin with"),
    span("    return divmod(int((start[:, None] + end).triu().argmax()), len(end))", "puts 0"),
    span("    return divmod(int((start.softmax(0)[:, None] + end.softmax(0)).triu().argmax()), len(end))", "of scores"),
    searched("return found", "return float(best)", "the places are asked for"),
    searched("start[i] + end[j]", "start[i] + end[j] - (j - i)", ""),
    # ------------------------------------------------------------------------------------------------------ accuracy
    accuracy("sum(g == p for g, p in zip(gold, predicted)) / len(gold)", None),
    accuracy("np.mean(np.array(gold) == np.array(predicted))", None),
    accuracy("(torch.tensor(gold) == torch.tensor(predicted)).double().mean()", None),
    accuracy("1 - sum(map(lambda g, p: g != p, gold, predicted)) / len(predicted)", None),
    accuracy("100 * sum(g == p for g, p in zip(gold, predicted)) / len(gold)", "not percent"),
    accuracy("sum(g != p for g, p in zip(gold, predicted)) / len(gold)", "wrong"),
    accuracy("sum(g == p for g, p in zip(gold, predicted))", "divide by"),
    accuracy(
        "np.mean([np.mean([p == c for g, p in zip(gold, predicted) if g == c]) for c in set(gold)])", "classes' recalls"
    ),
    accuracy("sum(g == p for g, p in zip(gold, predicted)) // len(gold)", "whole numbers"),
    accuracy("round(sum(g == p for g, p in zip(gold, predicted)) / len(gold), 2)", "round"),
    accuracy("sum(g == p for g, p in zip(gold, predicted)) / len(set(gold))", "number of texts"),
    accuracy("gold == predicted", "each text"),
    accuracy("len(set(gold) & set(predicted)) / len(set(gold))", "place by place"),
    accuracy("[g == p for g, p in zip(gold, predicted)]", "one number"),
    accuracy("sum(g == p == 1 for g, p in zip(gold, predicted)) / predicted.count(1)", ""),
    # -------------------------------------------------------------------------------------------------------- report
    counted("return result", "return np.array(result)", None),
    counted("return result", "return torch.tensor(result)", None),
    counted("return result", "return [list(row) for row in result]", None),
    counted("2 * P * R / (P + R) if P + R else 0.0", "2 * right / max(found + there, 1)", None),
    Answer(
        "classification.report",
        """
def answer(gold, predicted, classes):
    table = np.zeros((classes, classes))
    np.add.at(table, (gold, predicted), 1)
    right, found, there = table.diagonal(), table.sum(axis=0), table.sum(axis=1)
    P, R = right / np.maximum(found, 1), right / np.maximum(there, 1)
    return list(zip(P, R, 2 * right / np.maximum(found + there, 1)))
""",
        None,
    ),
    counted("(P, R, F)", "(R, P, F)", "precision and recall are exchanged"),
    counted("found = sum(p == c for p in predicted)", "found = sum(g == c for g in gold)", "what was predicted"),
    counted("2 * P * R / (P + R) if P + R else 0.0", "(P + R) / 2", "harmonic mean"),
    counted("2 * P * R", "P * R", "factor 2"),
    counted("2 * P * R / (P + R) if P + R else 0.0", "math.sqrt(P * R)", "harmonic mean"),
    counted("right / found if found else 0.0", "right / found", "divides by 0"),
    counted(" if P + R else 0.0", "", "divides by 0"),
    counted("right / found if found else 0.0", "right / found if found else 1.0", "0 where"),
    counted("right / there if there else 0.0", "right / there if there else 1.0", "0 where"),
    counted("right / found if found else 0.0", "right / found if found else float('nan')", "0 where"),
    counted("range(classes)", "sorted(set(gold))", "all classes"),
    counted("range(classes)", "sorted(set(gold) | set(predicted))", "all classes"),
    counted("range(classes)", "range(max(gold) + 1)", "all classes"),
    counted("return result", "return list(zip(*result))", "one triple for each class"),
    counted("return result", "return [F for P, R, F in result]", "three numbers"),
    counted("return result", "return {c: row for c, row in enumerate(result)}", "not a dict"),
    counted("(P, R, F)", "(100 * P, 100 * R, 100 * F)", "not percent"),
    counted("(P, R, F)", "(round(P, 2), round(R, 2), round(F, 2))", "round"),
    counted("g == c and p == c", "(g == c) == (p == c)", ""),
    counted("(P, R, F)", "(P, R, F, there)", "three numbers"),
    Answer(
        "classification.report",
        """
def answer(gold, predicted, classes):
    shares = [sum((g == c) == (p == c) for g, p in zip(gold, predicted)) / len(gold) for c in range(classes)]
    return [(share, share, share) for share in shares]
""",
        "against the rest",
    ),
    # ------------------------------------------------------------------------------------------------------ macro F1
    macro("sum(F for P, R, F in result) / classes", "np.mean([F for P, R, F in result])", None),
    macro("sum(F for P, R, F in result) / classes", "torch.tensor(result).mean(0)[2]", None),
    macro("2 * P * R / (P + R) if P + R else 0.0", "2 * right / (found + there) if found + there else 0.0", None),
    Answer(
        "classification.macro_f1",
        """
def answer(gold, predicted, classes):
    from sklearn.metrics import f1_score
    return f1_score(gold, predicted, labels=range(classes), average="macro", zero_division=0)
""",
        None,
    ),
    Answer(
        "classification.macro_f1",
        """
def answer(gold, predicted, classes):
    from sklearn.metrics import f1_score
    return f1_score(gold, predicted, average="macro")
""",
        "does not occur",
    ),
    macro(
        "sum(F for P, R, F in result) / classes", "sum(g == p for g, p in zip(gold, predicted)) / len(gold)", "micro"
    ),
    macro(
        "sum(F for P, R, F in result) / classes",
        "sum(F * gold.count(c) for c, (P, R, F) in enumerate(result)) / len(gold)",
        "weighted",
    ),
    macro(
        "return sum(F for P, R, F in result) / classes",
        "P, R, _ = np.mean(result, axis=0)\n    return 2 * P * R / (P + R)",
        "average the f1s",
    ),
    macro("sum(F for P, R, F in result) / classes", "sum(F for P, R, F in result) / len(set(gold))", "all classes"),
    macro(
        "sum(F for P, R, F in result) / classes",
        "sum(F for P, R, F in result) / sum(F > 0 for P, R, F in result)",
        "counts as 0",
    ),
    macro("sum(F for P, R, F in result) / classes", "sum(F for P, R, F in result)", "divide by"),
    macro("sum(F for P, R, F in result) / classes", "sum(R for P, R, F in result) / classes", "mean of the recalls"),
    macro("sum(F for P, R, F in result) / classes", "sum(P for P, R, F in result) / classes", "mean of the precisions"),
    macro("2 * P * R / (P + R) if P + R else 0.0", "(P + R) / 2", "harmonic"),
    macro("sum(F for P, R, F in result) / classes", "100 * sum(F for P, R, F in result) / classes", "not percent"),
    macro("sum(F for P, R, F in result) / classes", "[F for P, R, F in result]", "one number"),
    macro(" if P + R else 0.0", "", "divides by 0"),
    # ----------------------------------------------------------------------------------------------------- confusion
    table("return table", "return np.array(table)", None),
    confusion(
        "    flat = torch.tensor(gold) * classes + torch.tensor(predicted)\n"
        "    return flat.bincount(minlength=classes ** 2).view(classes, classes)",
        None,
    ),
    confusion(
        "    table = np.zeros((classes, classes))\n    np.add.at(table, (gold, predicted), 1)\n    return table", None
    ),
    confusion(
        "    pairs = list(zip(gold, predicted))\n"
        "    return [[pairs.count((g, p)) for p in range(classes)] for g in range(classes)]",
        None,
    ),
    table("table[g][p]", "table[p][g]", "rows are gold"),
    table("return table", "return [[n / max(sum(row), 1) for n in row] for row in table]", "counts are asked for"),
    table("return table", "return [[n / len(gold) for n in row] for row in table]", "counts are asked for"),
    table("[[0] * classes for _ in range(classes)]", "[[0] * classes] * classes", "the same list"),
    table("+= 1", "= 1", "add 1"),
    confusion(
        "    table = np.zeros((classes, classes), dtype=int)\n    table[gold, predicted] += 1\n    return table",
        "add 1",
    ),
    confusion(
        "    from sklearn.metrics import confusion_matrix\n    return confusion_matrix(gold, predicted)", "all classes"
    ),
    table("return table", "return [table[c][c] for c in range(classes)]", "whole table"),
    table("return table", "return sum(table, [])", "a row for each"),
    table(
        "return table",
        "return {(g, p): n for g, row in enumerate(table) for p, n in enumerate(row) if n}",
        "a row for each",
    ),
    table("        table[g][p] += 1", "        table[g][p] += g != p", ""),
    table("[[0] * classes for _ in range(classes)]", "[[1] * classes for _ in range(classes)]", "begin at 0"),
    # --------------------------------------------------------------------------------------------------------- split
    chosen("rng.shuffle(different)", "different = [different[i] for i in rng.permutation(len(different))]", None),
    split(
        "    test = {t: rng.random() < share for t in sorted(set(texts))}\n"
        "    return [i for i, t in enumerate(texts) if not test[t]], [i for i, t in enumerate(texts) if test[t]]",
        None,
    ),
    split(
        "    test = {}\n"
        "    for t in texts:\n"
        "        if t not in test: test[t] = rng.random() < share\n"
        "    inside = {i for i, t in enumerate(texts) if test[t]}\n"
        "    return np.array([i for i in range(len(texts)) if i not in inside]), inside",
        None,
    ),
    split(
        "    different, group = np.unique(texts, return_inverse=True)\n"
        "    chosen = rng.choice(len(different), int(share * len(different)), replace=False)\n"
        "    inside = np.isin(group, chosen)\n"
        "    return [np.flatnonzero(~inside), np.flatnonzero(inside)]",
        None,
    ),
    split(
        "    groups = {}\n"
        "    for i, t in enumerate(texts): groups.setdefault(t, []).append(i)\n"
        "    groups = list(groups.values())\n"
        "    train, test = [], []\n"
        "    for g in rng.permutation(len(groups)):\n"
        "        (test if len(test) < share * len(texts) else train).extend(groups[g])\n"
        "    return torch.tensor(train), torch.tensor(test)",
        None,
    ),
    chosen("sorted(set(texts))", "list(set(texts))", "order of a set"),
    split(
        "    test = {t: rng.random() < share for t in set(texts)}\n"
        "    return [i for i, t in enumerate(texts) if not test[t]], [i for i, t in enumerate(texts) if test[t]]",
        "order of a set",
    ),
    split(
        "    order = rng.permutation(len(texts)).tolist()\n"
        "    n = round(share * len(texts))\n"
        "    return order[n:], order[:n]",
        "same side",
    ),
    split(
        "    n = len(texts) - round(share * len(texts))\n    return list(range(n)), list(range(n, len(texts)))",
        "same side",
    ),
    split(
        "    seen, one = set(), []\n"
        "    for i, t in enumerate(texts):\n"
        "        if t not in seen: one.append(i); seen.add(t)\n"
        "    order = [one[i] for i in rng.permutation(len(one))]\n"
        "    n = round(share * len(one))\n"
        "    return order[n:], order[:n]",
        "copies are left out",
    ),
    chosen("    rng.shuffle(different)\n", "", "shuffle"),
    chosen("rng.shuffle", "random.shuffle", "only from the rng"),
    chosen("rng.shuffle", "np.random.default_rng(0).shuffle", "shuffle the different"),
    chosen("round(share * len(different))", "round((1 - share) * len(different))", "exchanged"),
    chosen(
        "[i for i, t in enumerate(texts) if t not in test], [i for i, t in enumerate(texts) if t in test]",
        "[i for i, t in enumerate(texts) if t in test], [i for i, t in enumerate(texts) if t not in test]",
        "exchanged",
    ),
    chosen(
        "[i for i, t in enumerate(texts) if t not in test], [i for",
        "[t for i, t in enumerate(texts) if t not in test], [t for",
        "give indices",
    ),
    chosen("round(share * len(different))", "len(different) // 2", "the share"),
    chosen("round(share * len(different))", "10", "the share"),
    chosen("if t not in test], [", "], [", "both parts"),
    # ------------------------------------------------------------------------------------------------------ interval
    interval(f"p - {HALF}, p + {HALF}", None),
    interval(f"[p - {HALF}, p + {HALF}]", None),
    interval(f"p + np.array([-1, 1]) * {HALF}", None),
    interval("tuple(p + torch.tensor([-1.96, 1.96]).double() * (p * (1 - p) / n) ** 0.5)", None),
    interval(f"max(0.0, p - {HALF}), min(1.0, p + {HALF})", None),
    interval("p - 1.96 * p * (1 - p) / n, p + 1.96 * p * (1 - p) / n", "root is missing"),
    interval("p - 1.96 * math.sqrt(p * (1 - p)), p + 1.96 * math.sqrt(p * (1 - p))", "under the root"),
    interval("p - 1.96 * math.sqrt(p * (1 - p)) / n, p + 1.96 * math.sqrt(p * (1 - p)) / n", "stands under the root"),
    interval("p - math.sqrt(p * (1 - p) / n), p + math.sqrt(p * (1 - p) / n)", "one standard error"),
    interval("p - 1.96 * math.sqrt(p * (1 - p) / (n - 1)), p + 1.96 * math.sqrt(p * (1 - p) / (n - 1))", "n - 1"),
    interval(f"p + {HALF}, p - {HALF}", "exchanged"),
    interval("p - 2 * math.sqrt(p * (1 - p) / n), p + 2 * math.sqrt(p * (1 - p) / n)", "not 2"),
    interval("p - 1.645 * math.sqrt(p * (1 - p) / n), p + 1.645 * math.sqrt(p * (1 - p) / n)", "90 %"),
    interval("p - 2.576 * math.sqrt(p * (1 - p) / n), p + 2.576 * math.sqrt(p * (1 - p) / n)", "99 %"),
    interval(f"p, {HALF}", "low and high"),
    interval(f"{HALF}", "low and high"),
    interval("p - 1.96 * math.sqrt(p / n), p + 1.96 * math.sqrt(p / n)", "1 - share"),
    interval(f"100 * (p - {HALF}), 100 * (p + {HALF})", "not percent"),
    interval(
        "(lambda c, h: (c - h, c + h))((p + 1.96**2 / 2 / n) / (1 + 1.96**2 / n), "
        "1.96 * math.sqrt(p * (1 - p) / n + 1.96**2 / 4 / n**2) / (1 + 1.96**2 / n))",
        "wilson",
    ),
    interval(f"right - n * {HALF}, right + n * {HALF}", "of texts"),
    # ------------------------------------------------------------------------------------------------------ baseline
    baseline("38 / (38 + 23 + 16)", None),
    baseline("0.494", None),
    baseline("np.float32(38 / 77)", None),
    baseline("torch.tensor(38 / 77)", None),
    baseline("1 / 3", "evenly"),
    baseline("(38**2 + 23**2 + 16**2) / 77**2", "by the classes' shares"),
    baseline("38", "divide by"),
    baseline("39 / 77", ""),
    baseline("16 / 77", "rarest"),
    baseline("38 / 39", "all texts"),
    baseline("49.4", "not percent"),
    baseline("0.49", "right as far as it goes"),
    baseline("0.5", "about that: give three significant digits", "right as far"),
    baseline("1", "", "right as far"),
    baseline("'38/77'", "expected a number"),
    baseline("1.0", ""),
]
