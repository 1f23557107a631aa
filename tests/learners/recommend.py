"""Answers to the checks on recommending."""

from . import Answer

GENERIC = ("never uses", "changes nothing")


def counts(change, to, named, *never):
    code = """
def answer(histories, films, within):
    c = np.zeros((films, films))
    for h in histories:
        for p in range(len(h)):
            for q in range(p + 1, min(len(h), p + within + 1)):
                c[h[p], h[q]] += 1
    return c
"""
    assert change in code
    return Answer("recommend.next_counts", code.replace(change, to), named, never)


def read(expression, named, *never):
    return Answer("recommend.input", f"def answer(history, most):\n    return {expression}\n", named, never)


def rank(lines, named, *never):
    return Answer("recommend.rank", f"def answer(scores, seen, truth):\n{lines}", named, never)


def then(expression, named, *never, last="np.bincount(films[m], minlength=count)"):
    code = f"def answer(films, times, now, days, count):\n    m = {expression}\n    return {last}\n"
    return Answer("recommend.popular_then", code, named, never)


def near(expression, named, *never, diagonal="    np.fill_diagonal(c, 0)\n"):
    code = f"""
def answer(histories, films):
    r = np.zeros((len(histories), films))
    for u, h in enumerate(histories):
        r[u, h] = 1
    t, n = r.T @ r, r.sum(0)
    c = np.nan_to_num({expression})
{diagonal}    return c
"""
    return Answer("recommend.neighbours", code, named, never)


def joined(scale, named, *never, join="(1 - weight) * z(behaviour) + weight * z(text)"):
    code = f"def z(x):\n{scale}\n\ndef answer(behaviour, text, weight):\n    return {join}\n"
    return Answer("recommend.joined", code, named, never)


def apart(expression, named, *never):
    code = f"def answer(vectors):\n    k = len(vectors)\n    return {expression}\n"
    return Answer("recommend.unlikeness", code, named, never)


Z = "    return (x - x.mean()) / x.std() if x.std() > 0 else x * 0"


def still(code, named, *never):
    return Answer("recommend.still_read", f"answer = {code}\n", named, never)


def place(code, named, *never):
    return Answer("recommend.sampled", f"answer = {code}\n", named, never)


ANSWERS = [
    # right, in other forms
    counts("c = np.zeros((films, films))", "c = np.zeros((films, films), dtype=int)", None),
    Answer(
        "recommend.next_counts",
        "def answer(histories, films, within):\n    c = [[0] * films for _ in range(films)]\n    for h in histories:\n"
        "        for s in range(1, within + 1):\n            for a, b in zip(h, h[s:]):\n                c[a][b] += 1\n"
        "    return c\n",
        None,
    ),
    Answer(
        "recommend.next_counts",
        "def answer(histories, films, within):\n    c = torch.zeros(films, films)\n    for h in histories:\n"
        "        for i, a in enumerate(h):\n            for b in h[i + 1 : i + within + 1]:\n"
        "                c[a, b] += 1\n"
        "    return c.numpy()\n",
        None,
    ),
    read("([1] + list(reversed(history)))[:most]", None),
    read("[1, *history[: -most : -1]]", None),
    read("[1] + history[-(most - 1):][::-1]", None),
    rank(
        "    left = [i for i in range(len(scores)) if i not in seen]\n"
        "    return sorted(left, key=lambda i: (-scores[i], i)).index(truth) + 1\n",
        None,
    ),
    rank(
        "    s = scores.copy()\n    s[seen] = -np.inf\n"
        "    return int(np.where(np.argsort(-s, kind='stable') == truth)[0][0]) + 1\n",
        None,
    ),
    rank(
        "    return 1 + sum((s, -i) > (scores[truth], -truth) for i, s in enumerate(scores) if i not in seen)\n", None
    ),
    then("(times < now) & (now - times <= days * 86400)", None),
    then(
        "(times < now) & (times >= now - days * 86400)", None, last="[int((films[m] == f).sum()) for f in range(count)]"
    ),
    then(
        "(times - now < 0) & (times - now >= -days * 86400)",
        None,
        last="np.bincount(films[m], minlength=count).astype(float)",
    ),
    near("t / np.sqrt(n[:, None] * n[None, :])", None),
    near("t / np.sqrt(n)[:, None] / np.sqrt(n)", None),
    near("t / np.linalg.norm(r, axis=0) / np.linalg.norm(r, axis=0)[:, None]", None),
    joined(Z, None),
    joined("    return np.nan_to_num((x - np.mean(x)) / max(np.std(x), 1e-12))", None),
    joined(Z, None, join="z(behaviour) + weight * (z(text) - z(behaviour))"),
    apart("1 - (vectors @ vectors.T)[np.triu_indices(k, 1)].mean()", None),
    apart("1 - ((vectors @ vectors.T).sum() - k) / (k * (k - 1))", None),
    apart("np.mean([1 - a @ b for i, a in enumerate(vectors) for b in vectors[i + 1:]])", None),
    # wrong, each told what it is
    counts("p + within + 1", "p + 2", "not the very next alone"),
    counts("min(len(h), p + within + 1)", "len(h)", "not all that came later"),
    counts("p + within + 1", "p + within", "yours ends one too early"),
    counts("p + within + 1", "p + within + 2", "yours ends one too late"),
    counts("c[h[p], h[q]]", "c[h[q], h[p]]", "yours counts what came before"),
    counts("range(p + 1,", "range(p,", "begins with the film itself"),
    counts("+= 1", "= 1", "how often is asked for"),
    read("[*history[-(most - 1):], 1]", "newest first"),
    read("[1, *history[-(most - 1):]]", "newest first"),
    read("[1, *history[::-1][:most]]", "most - 1 items are left"),
    read("[1, *history[:most - 1]]", "keeps the oldest"),
    read("history[::-1][:most - 1]", "[mask] is missing"),
    read("[0, *history[::-1][:most - 1]]", "0 is padding"),
    rank("    return int(np.where(np.argsort(-scores, kind='stable') == truth)[0][0]) + 1\n", "are not recommended"),
    rank(
        "    s = scores.copy()\n    s[seen] = 0\n"
        "    return int(np.where(np.argsort(-s, kind='stable') == truth)[0][0]) + 1\n",
        "0 is no low score",
    ),
    rank("    s = scores.copy()\n    s[seen] = -np.inf\n    return int((s > s[truth]).sum()) + 1\n", "truth first"),
    rank("    s = scores.copy()\n    s[seen] = -np.inf\n    return int((s >= s[truth]).sum())\n", "truth last"),
    rank(
        "    s = scores.copy()\n    s[seen] = -np.inf\n"
        "    return int(np.where(np.argsort(-s, kind='stable') == truth)[0][0])\n",
        "count from 1",
    ),
    rank(
        "    s = scores.copy()\n    s[seen] = np.inf\n"
        "    return int(np.where(np.argsort(s, kind='stable') == truth)[0][0]) + 1\n",
        "highest",
    ),
    then("(times <= now) & (times >= now - days * 86400)", "not known yet"),
    then("times >= now - days * 86400", "not known yet"),
    then("abs(times - now) <= days * 86400", "not known yet"),
    then("(times < now) & (times > now - days * 86400)", "counts, too: >="),
    then("times < now", "only the last `days` days"),
    then("(times < now) & (times >= now - days)", "days are not seconds"),
    then("(times < now) & (times >= now - days * 3600)", "24 · 3600"),
    near("t", "most popular one"),
    near("t / (n[:, None] * n)", "the root is missing"),
    near("t / n[:, None]", "raters of one alone"),
    near("t / (n[:, None] + n - t)", "jaccard"),
    near("t / np.minimum(n[:, None], n)", "not by the smaller"),
    near("t / np.sqrt(n[:, None] * n)", "no neighbour of itself", diagonal=""),
    joined("    return x", "two scales"),
    joined("    return (x - x.min()) / (x.max() - x.min()) if x.max() > x.min() else x * 0", "0 … 1"),
    joined(Z, "the weight is the text's", join="weight * z(behaviour) + (1 - weight) * z(text)"),
    joined("    return x - x.mean()", "divide by the deviation"),
    joined("    return (x - x.mean()) / x.var() if x.var() > 0 else x * 0", "not by the variance"),
    joined("    return x / x.std() if x.std() > 0 else x * 0", "take the mean away"),
    joined("    return (x - x.mean()) / x.std()", "these become zeros"),
    apart("1 - (vectors @ vectors.T).mean()", "beside itself"),
    apart("(vectors @ vectors.T)[np.triu_indices(k, 1)].mean()", "1 − the cosine"),
    apart("1 - (vectors @ vectors.T)[np.triu_indices(k, 1)].sum()", "not the sum"),
    apart("1 - (vectors[1:] * vectors[:-1]).sum(1).mean()", "neighbours alone"),
    apart("1 - (vectors @ vectors.T)[np.triu_indices(k, 1)].sum() / k**2", "divides by k²"),
    apart("1 - (vectors @ vectors.T)[np.triu_indices(k, 1)].max()", "most alike two"),
    still("24", None),
    still("30 - 1 - 5", None),
    still("torch.tensor(24)", None),
    still("25", "takes one of the places"),
    still("29", "the new ones are among them"),
    still("30", "two things"),
    still("56 - 5", "only as many as it has places for"),
    still("56 - 24 + 0", "not read"),
    still("5", "how many are left"),
    still("56", "the oldest fall out"),
    place("1 + 71 * 50 / 1465", None),
    place("3.42", None),
    place("torch.tensor(3.4232)", None),
    place("72", "most of those in front are not drawn"),
    place("71 * 50 / 1465", "its place is one more"),
    place("71 / 1465", "how many of the drawn films"),
    place("50 / 72", "turned round"),
    place("72 - 50", "not all in front"),
    place("1 + 1394 * 50 / 1465", "behind it"),
    place("25.5", "in the middle"),
]
