"""Answers to the checks on search."""

from . import Answer

GENERIC = ("never uses", "changes nothing")


def pooled(expression, named, *never):
    return Answer("search.mean_pooling", f"def answer(states, mask): return {expression}", named, (*GENERIC, *never))


def best(expression, named, *never, before="    c = vectors @ query / np.linalg.norm(vectors, axis=1)\n"):
    return Answer("search.best", f"def answer(vectors, query, k):\n{before}    return {expression}", named, never)


def near(lines, named, *never):
    return Answer("search.neighbours", f"def answer(similarities):\n{lines}", named, (*GENERIC, *never))


def bm25(change, to, named, *never):
    code = """
def answer(query, passage, counts, N, average):
    total = 0
    for w in query:
        tf = passage.count(w)
        n = counts.get(w, 0)
        idf = math.log(1 + (N - n + 0.5) / (n + 0.5))
        total += idf * tf / (tf + 1.2 * (1 - 0.75 + 0.75 * len(passage) / average))
    return total
"""
    assert change in code
    return Answer("search.bm25", code.replace(change, to), named, never)


def bm25_lines(lines, named, *never):
    return Answer("search.bm25", f"def answer(query, passage, counts, N, average):\n{lines}", named, never)


def ndcg(change, to, named, *never):
    code = """
def answer(found, relevant, k):
    if not relevant:
        return 0
    dcg = 0
    for i, doc in enumerate(found[:k]):
        if doc in relevant:
            dcg += 1 / math.log2(i + 2)
    idcg = sum(1 / math.log2(i + 2) for i in range(min(k, len(relevant))))
    return dcg / idcg
"""
    assert change in code
    return Answer("search.ndcg", code.replace(change, to), named, never)


def ndcg_lines(lines, named, *never):
    return Answer("search.ndcg", f"def answer(found, relevant, k):\n{lines}", named, never)


def fused(scale, named, *never, join="(1 - weight) * scale(bm25) + weight * scale(cosine)"):
    code = f"def scale(x):\n{scale}\n\ndef answer(bm25, cosine, weight):\n    return {join}\n"
    return Answer("search.fused", code, named, never)


SPAN = "    d = max(x) - min(x)\n    return (x - min(x)) / d if d else x * 0.0"


def negatives(lines, named, *never):
    return Answer("search.negatives", f"def answer(passages, answers):\n{lines}", named, (*GENERIC, *never))


def unread(expression, named, *never):
    return Answer("search.unread", f"answer = {expression}", named, never)


ANSWERS = [
    # ------------------------------------------------------------------------------------------------------- pooling
    pooled("(states * mask[:, :, None]).sum(1) / mask.sum(1, keepdim=True)", None),
    pooled("torch.stack([s[m.bool()].mean(0) for s, m in zip(states, mask)])", None),
    pooled("torch.einsum('btd,bt->bd', states, mask.float()) / mask.sum(1)[:, None]", None),
    pooled("states.mean(1)", "padding counts"),
    pooled("states[:, 0]", "the first token alone"),
    pooled("(states * mask[:, :, None]).sum(1)", "that is the sum"),
    pooled("(states * mask[:, :, None]).mean(1)", "the divisor is not"),
    pooled("states.masked_fill(mask[:, :, None] == 0, -1e9).max(1).values", "the largest value"),
    pooled("(states * mask[:, :, None]).sum(1) / mask.sum()", "its own number"),
    # ------------------------------------------------------------------------------------------------------ the k best
    best("np.argsort(c)[::-1][:k]", None),
    best("torch.tensor(c).topk(k).indices", None),
    best("tuple(sorted(range(len(c)), key=lambda i: -c[i])[:k])", None),
    best(
        "[i for _, i in sorted(((float(v @ query) / math.sqrt(v @ v), i) for i, v in enumerate(vectors)), "
        "reverse=True)][:k]",
        None,
        before="",
    ),
    best(
        "np.argsort(((v - q) ** 2).sum(1))[:k].tolist()",
        None,
        before="    v, q = vectors / np.linalg.norm(vectors, axis=1)[:, None], query / np.linalg.norm(query)\n",
    ),
    best("np.argsort(-(vectors @ query))[:k]", "its own length", before=""),
    best("np.argsort(-(vectors @ (query / np.linalg.norm(query))))[:k]", "its own length", before=""),
    best("np.argsort(-(vectors @ query) / np.linalg.norm(vectors))[:k]", "its own length", before=""),
    best("np.argsort(np.linalg.norm(vectors - query, axis=1))[:k]", "depends on the lengths", before=""),
    best("np.argsort(c)[:k]", "begins with the worst"),
    best("np.argsort(c)[-k:]", "turn them round"),
    best("np.argpartition(-c, k - 1)[:k]", "not sorted"),
    best("np.sort(np.argsort(-c)[:k])", "not sorted"),
    best("sorted(c, reverse=True)[:k]", "indices are asked for"),
    best("vectors[np.argsort(-c)[:k]]", "those are the vectors"),
    best("int(c.argmax())", "a list of 2 indices"),
    best("np.argsort(-c)", "k is not used"),
    best("np.argsort(-abs(c))[:k]", "the other way"),
    best("[c.argmax()] * k", "more than once"),
    # ------------------------------------------------------------------------------------------------------ neighbours
    near("    s = np.array(similarities)\n    np.fill_diagonal(s, -2)\n    return s.argmax(1)", None),
    near(
        "    n = len(similarities)\n"
        "    return [max((j for j in range(n) if j != i), key=lambda j: similarities[i, j]) for i in range(n)]",
        None,
    ),
    near(
        "    return torch.tensor(similarities).masked_fill(torch.eye(len(similarities)).bool(), -math.inf).argmax(0)",
        None,
    ),
    near("    return similarities.argmax(axis=1)", "a text is most similar to itself"),
    near("    np.fill_diagonal(similarities, -np.inf)\n    return similarities.argmax(1)", "in place"),
    near("    s = similarities.copy()\n    np.fill_diagonal(s, 0)\n    return s.argmax(1)", "all others are negative"),
    near("    return (similarities * (1 - np.eye(len(similarities)))).argmax(1)", "all others are negative"),
    near("    return np.argsort(similarities, axis=1)[:, -2]", "need not be another text"),
    near("    return np.argsort(-similarities, axis=1)[:, 1]", "need not be another text"),
    near("    return [int(np.delete(r, i).argmax()) for i, r in enumerate(similarities)]", "moved by one"),
    near("    return np.where(similarities > 0.999, -1, similarities).argmax(1)", "is another text"),
    near(
        "    s = similarities.copy()\n    np.fill_diagonal(s, np.inf)\n    return s.argmin(1)", "the least similar one"
    ),
    near("    s = similarities - 9 * np.eye(len(similarities))\n    return s.max(1)", "those are the similarities"),
    near("    s = similarities - 9 * np.eye(len(similarities))\n    return s.argmax()", "indices, each from 0"),
    # ------------------------------------------------------------------------------------------------------------ bm25
    bm25("total = 0\n", "total = 0.0\n", None),
    bm25_lines(
        "    from collections import Counter\n    have = Counter(passage)\n"
        "    K = 1.2 * (0.25 + 0.75 * len(passage) / average)\n"
        "    return sum(np.log1p((N - counts[w] + 0.5) / (counts[w] + 0.5)) * have[w] / (have[w] + K)\n"
        "               for w in query if w in have)",
        None,
    ),
    bm25_lines(
        "    total = torch.tensor(0.0)\n    for w in query:\n        if w not in passage:\n            continue\n"
        "        n, tf = counts[w], sum(x == w for x in passage)\n"
        "        idf = torch.log(torch.tensor((N + 1) / (n + 0.5)))\n"
        "        total = total + idf / (1 + 1.2 * (1 - 0.75 * (1 - len(passage) / average)) / tf)\n    return total",
        None,
    ),
    bm25("math.log(1 + (N", "math.log((N", "the 1 + is missing"),
    bm25("math.log(1 + (N", "math.log10(1 + (N", "natural logarithm"),
    bm25("math.log(1 + (N - n + 0.5) / (n + 0.5))", "math.log(N / max(n, 1))", "the weight of a word is ln"),
    bm25("idf * tf / (", "idf * 2.2 * tf / (", "k1 + 1 is left out"),
    bm25("1.2 * (1 - 0.75 + 0.75 * len(passage) / average)", "1.2", "its length is missing"),
    bm25("len(passage) / average", "average / max(len(passage), 1)", "not the other way round"),
    bm25("/ (tf + 1.2 * (1 - 0.75 + 0.75 * len(passage) / average))", "", "is not saturated"),
    bm25("1.2 * (", "1.5 * (", "k1 = 1.2 and b = 0.75"),
    bm25("in query:", "in set(query):", "counts twice"),
    bm25("counts.get(w, 0)", "counts[w]", "it adds 0"),
    bm25("len(passage)", "len(set(passage))", "as often as it stands there"),
    bm25(
        "(tf + 1.2 * (1 - 0.75 + 0.75 * len(passage) / average))",
        "max(tf, 1) + 1.2 * (1 - 0.75 + 0.75 * len(passage) / average)",
        "",
    ),
    bm25("    return total", "    return total / len(query)", "not the mean"),
    bm25("tf = passage.count(w)", "tf = counts.get(w, 0)", ""),
    # ------------------------------------------------------------------------------------------------------------ ndcg
    ndcg("    dcg = 0\n", "    dcg = 0.0\n", None),
    ndcg_lines(
        "    gains = np.array([d in relevant for d in found[:k]], dtype=float)\n"
        "    best = (1 / np.log(np.arange(2, 2 + min(k, len(relevant))))).sum()\n"
        "    return (gains / np.log(np.arange(2, 2 + len(gains)))).sum() / best if best else 0.0",
        None,
    ),
    ndcg_lines(
        "    def dcg(gains): return sum(g / math.log(r + 1, 2) for r, g in enumerate(gains, 1))\n"
        "    best = dcg(([1] * len(relevant))[:k])\n"
        "    return torch.tensor(dcg([int(d in relevant) for d in found][:k]) / best if best else 0.0)",
        None,
    ),
    ndcg("math.log2(i + 2)\n", "math.log2(i + 1)\n", "places from 1"),
    ndcg("i + 2", "i + 1", "divides by 0"),
    ndcg("i + 2", "max(i, 1) + 1", "an older form"),
    ndcg("i + 2", "i + 3", "log2(place + 1), places from 1"),
    ndcg("math.log2(i + 2)", "(i + 1)", "not by its place"),
    ndcg("min(k, len(relevant))", "len(relevant)", "the ideal has k places"),
    ndcg("min(k, len(relevant))", "k", "no more relevant ones than there are"),
    ndcg("min(k, len(relevant))", "max(1, len(relevant & set(found[:k])))", "found or not"),
    ndcg("found[:k]", "found", "only the first k"),
    ndcg("    if not relevant:\n        return 0\n", "", "divides by 0"),
    ndcg(
        "    if not relevant:\n        return 0\n",
        "    if not relevant:\n        return 1\n",
        "ndcg is 0 by definition",
    ),
    ndcg("dcg / idcg", "dcg", "divide by the ideal"),
    ndcg("math.log2(i + 2)\n", "math.log2(i + 2)\n            break\n", "not only the first"),
    ndcg("            dcg +=", "            return", ""),
    ndcg_lines("    return len(relevant & set(found[:k])) / max(1, len(relevant))", "counts less"),
    ndcg_lines(
        "    if not relevant: return 0\n    dcg = sum(1 / math.log2(i + 2) for i in range(k) if found[i] in relevant)\n"
        "    return dcg / sum(1 / math.log2(i + 2) for i in range(min(k, len(relevant))))",
        "fewer than k",
    ),
    # ----------------------------------------------------------------------------------------------------------- fused
    fused(SPAN, None),
    fused(
        "    lo, hi = min(x), max(x)\n    return [0 if hi == lo else (v - lo) / (hi - lo) for v in x]",
        None,
        join="[(1 - weight) * a + weight * b for a, b in zip(scale(bm25), scale(cosine))]",
    ),
    fused("    x = torch.tensor(x)\n    return (x - x.min()) / (x.max() - x.min()).clamp(min=1e-9)", None),
    fused("    return (x - x.min()) / (x.max() - x.min() + 1e-12)", None),
    fused("    return x", "the cosine has no say"),
    fused("    return x / max(x)", "take the minimum away"),
    fused("    return x / sum(x)", "take the minimum away"),
    fused("    return (x - x.mean()) / (x.std() + 1e-12)", "mean 0 and deviation 1"),
    fused("    return (x - x.min()) / (x.max() - x.min())", "these become 0"),
    fused(SPAN, "the weight is the cosine's", join="weight * scale(bm25) + (1 - weight) * scale(cosine)"),
    fused(SPAN, "a weight too", join="scale(bm25) + weight * scale(cosine)"),
    fused(SPAN, "bm25 is still as it was", join="(1 - weight) * bm25 + weight * scale(cosine)"),
    fused(SPAN, "", join="np.argsort(-((1 - weight) * scale(bm25) + weight * scale(cosine)))"),
    fused("    return 1 / (61 + np.argsort(np.argsort(-x)))", "that fuses ranks", "no say"),
    # ------------------------------------------------------------------------------------------------------- negatives
    negatives("    return [[p not in a for p in passages] for a in answers]", None),
    negatives(
        "    B = len(passages)\n    out = torch.ones(B, B, dtype=torch.bool)\n    for i in range(B):\n"
        "        for j in range(B):\n            if passages[j] in answers[i]:\n                out[i, j] = False\n"
        "    return out",
        None,
    ),
    negatives("    return np.stack([~np.isin(passages, list(a)) for a in answers])", None),
    negatives("    return ~np.eye(len(passages), dtype=bool)", "one passage may stand in two rows"),
    negatives("    p = np.array(passages)\n    return p[:, None] != p", "may answer question i too"),
    negatives("    return [[p not in a for a in answers] for p in passages]", "[i, j] asks whether passage j"),
    negatives("    return [[p in a for p in passages] for a in answers]", "yours is true where it answers"),
    negatives("    return [[not (a & b) for b in answers] for a in answers]", "share an answer"),
    negatives("    return [[int(p not in a) for p in passages] for a in answers]", "not numbers"),
    negatives("    return [[j not in a for j in range(len(passages))] for a in answers]", "ids, not rows"),
    negatives(
        "    return [[i != j and passages[j] not in a - {passages[i]} for j in range(len(passages))] "
        "for i, a in enumerate(answers)]",
        "one passage may stand in two rows",
    ),
    # ---------------------------------------------------------------------------------------------------------- unread
    unread("154 / 280", None),
    unread("0.55", None),
    unread("torch.tensor(1 - 126 / 280)", None),
    unread("1 - 128 / 280", "take two of the model's tokens"),
    unread("126 / 280", "the share that is read"),
    unread("128 / 280", "two things"),
    unread("154 / 282", "divide by its pieces alone"),
    unread("280 - 126", "how many pieces"),
    unread("55", "not percent"),
    unread("154 / 126", "of the whole text"),
    unread("'55 %'", "expected a number"),
]
