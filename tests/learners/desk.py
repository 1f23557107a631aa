"""Answers to the checks on a support desk."""

from . import Answer

GENERIC = ("never uses", "changes nothing")


def nearest(lines, named, *never):
    return Answer("desk.nearest", f"def answer(vectors, labels, query, k):\n{lines}", named, (*GENERIC, *never))


def near(expression, named, *never, order="np.argsort(-(vectors @ query))[:k]", before=""):
    """`near`: the labels of the nearest, nearest first."""
    lines = f"    order = {order}\n    near = [labels[i] for i in order]\n{before}    return {expression}"
    return nearest(lines, named, *never)


MOST = "max(near, key=near.count)"


def one_accuracy(expression, named, *never):
    return Answer("desk.one_accuracy", f"answer = {expression}", named, never)


def auroc(lines, named, *never):
    return Answer("desk.auroc", f"def answer(scores, positive):\n{lines}", named, (*GENERIC, *never))


def pairs(change, to, named, *never):
    code = """
def answer(scores, positive):
    won, pairs = 0, 0
    for s, p in zip(scores, positive):
        for r, q in zip(scores, positive):
            if p and not q:
                pairs += 1
                if s > r:
                    won += 1
                elif s == r:
                    won += 0.5
    if pairs == 0:
        raise ValueError('no pairs')
    return won / pairs
"""
    assert change in code
    return Answer("desk.auroc", code.replace(change, to), named, (*GENERIC, *never))


def risk(lines, named, *never):
    return Answer("desk.risk_at", f"def answer(confidence, right, coverage):\n{lines}", named, never)


def surest(change, to, named, *never):
    code = """
def answer(confidence, right, coverage):
    n = math.ceil(coverage * len(confidence))
    order = np.argsort(confidence)[::-1][:n]
    return 1 - right[order].mean()
"""
    assert change in code
    return Answer("desk.risk_at", code.replace(change, to), named, never)


def threshold(lines, named, *never):
    code = f"def answer(confidence, right, wrong_cost, handover_cost):\n{lines}"
    return Answer("desk.threshold", code, named, (*GENERIC, *never))


def cheapest(change, to, named, *never):
    code = """
def answer(confidence, right, wrong_cost, handover_cost):
    best, least = math.inf, handover_cost * len(confidence)
    for t in sorted(confidence, reverse=True):
        cost = 0
        for c, r in zip(confidence, right):
            if c >= t:
                cost += 0 if r else wrong_cost
            else:
                cost += handover_cost
        if cost < least:
            best, least = t, cost
    return best
"""
    assert change in code
    return Answer("desk.threshold", code.replace(change, to), named, (*GENERIC, *never))


def break_even(expression, named, *never):
    return Answer("desk.break_even", f"answer = {expression}", named, never)


def conformal(lines, named, *never):
    return Answer("desk.conformal", f"def answer(scores, alpha):\n{lines}", named, (*GENERIC, *never))


def placed(change, to, named, *never):
    code = """
def answer(scores, alpha):
    n = len(scores)
    k = math.ceil((n + 1) * (1 - alpha))
    if k > n:
        return math.inf
    return np.sort(scores)[k - 1]
"""
    assert change in code
    return Answer("desk.conformal", code.replace(change, to), named, (*GENERIC, *never))


def clamped(place, index, named, *never):
    """The last one where there is none."""
    lines = f"    n = len(scores)\n    k = {place}\n    return np.sort(scores)[min({index}, n - 1)]"
    return conformal(lines, named, *never)


def promised(lines, named, *never):
    return Answer("desk.promised", f"def answer(confidence, right, alpha):\n{lines}", named, (*GENERIC, *never))


def kept(change, to, named, *never):
    code = """
def answer(confidence, right, alpha):
    n = len(confidence)
    for t in sorted(confidence):
        wrong = sum(1 for c, r in zip(confidence, right) if c >= t and not r)
        if (wrong + 1) / (n + 1) <= alpha:
            return t
    return math.inf
"""
    assert change in code
    return Answer("desk.promised", code.replace(change, to), named, (*GENERIC, *never))


ANSWERS = [
    # --------------------------------------------------------------------------------------------- the nearest labels
    near(MOST, None),
    near("Counter(near).most_common(1)[0][0]", None, before="    from collections import Counter\n"),
    near(MOST, None, order="sorted(range(len(labels)), key=lambda i: -float(vectors[i] @ query))[:k]"),
    near(MOST, None, order="torch.tensor(vectors @ query).topk(k).indices"),
    near(MOST, None, order="np.argsort(np.linalg.norm(vectors - query, axis=1))[:k]"),  # of length 1 the same
    near(
        "found[np.lexsort((first, -counts))[0]]",
        None,
        before="    found, first, counts = np.unique(near, return_index=True, return_counts=True)\n",
    ),
    nearest(
        "    import pandas as pd\n    t = pd.DataFrame({'label': labels, 'p': vectors @ query}).nlargest(k, 'p')\n"
        "    g = t.groupby('label').p.agg(['count', 'max']).sort_values(['count', 'max'])\n    return g.index[-1]",
        None,
    ),
    nearest(
        "    from collections import Counter\n    from sklearn.neighbors import NearestNeighbors\n"
        "    _, near = NearestNeighbors(n_neighbors=k).fit(vectors).kneighbors(query[None])\n"
        "    return Counter(labels[i] for i in near[0]).most_common(1)[0][0]",
        None,
    ),
    near("near[0]", "the nearest one alone"),
    nearest("    return labels[(vectors @ query).argmax()]", "the nearest one alone"),
    near(MOST, "those are the farthest", order="np.argsort(vectors @ query)[:k]"),
    near(MOST, "the k nearest alone have a vote", order="np.argsort(-(vectors @ query))"),
    Answer("desk.nearest", "def answer(vectors, labels, query, k): return max(labels, key=labels.count)", ""),
    near("sorted(sorted(set(near)), key=near.count)[-1]", "last of the alphabet"),
    near("max(set(near), key=near.count)", "a set has no order", "of the alphabet", "simplest case"),
    near("sorted(set(near), key=near.count)[-1]", "whose nearest member is nearest", "simplest case"),
    near("max(sorted(set(near), key=lambda s: s[::-1]), key=near.count)", "whose nearest member is nearest"),
    near(
        "found[counts.argmax()]",
        "first of the alphabet",
        before="    found, counts = np.unique(near, return_counts=True)\n",
    ),
    nearest(
        "    from sklearn.neighbors import KNeighborsClassifier\n"
        "    return KNeighborsClassifier(k).fit(vectors, labels).predict(query[None])[0]",
        "first of the alphabet",
    ),
    near(MOST, "the one farther away", order="np.argsort(vectors @ query)[-k:]"),
    nearest(
        "    total = {}\n    for i in np.argsort(-(vectors @ query))[:k]:\n"
        "        total[labels[i]] = total.get(labels[i], 0) + vectors[i] @ query\n    return max(total, key=total.get)",
        "counts once",
    ),
    near(MOST, "the query is none of the vectors", order="np.argsort(-(vectors @ query))[1:k + 1]"),
    near(MOST, "points the other way", order="np.argsort(-abs(vectors @ query))[:k]"),
    near("near", "the one that most of them have"),
    near("near.count(" + MOST + ")", "the label itself"),
    nearest("    return int((vectors @ query).argmax())", "where the nearest stands"),
    near(MOST, "", order="np.argsort(vectors @ query)[-k + 1:]"),
    # -------------------------------------------------------------------------------------------------- one accuracy
    one_accuracy("86.6", None),
    one_accuracy("torch.tensor((4500 * 96.9 + 1000 * 40.3) / 5500)", None),
    one_accuracy("np.average([96.9, 40.3], weights=[4500, 1000])", None),
    one_accuracy("96.9 * 9 / 11 + 40.3 * 2 / 11", None),
    one_accuracy("(96.9 + 40.3) / 2", "the plain mean"),
    one_accuracy("68.6", "the plain mean"),
    one_accuracy("96.9", "among all questions, too"),
    one_accuracy("40.3", "those in scope are"),
    one_accuracy("(1000 * 96.9 + 4500 * 40.3) / 5500", "turned round"),
    one_accuracy("4500 * 96.9 / 5500", "is right as well"),
    one_accuracy("(4500 * .969 + 1000 * .403) / 5500", "percent are asked for"),
    one_accuracy("4500 * .969 + 1000 * .403", "how many are right"),
    one_accuracy("(4500 * 96.9 + 1000 * 59.7) / 5500", "not the rest"),
    one_accuracy("100 - (4500 * 96.9 + 1000 * 40.3) / 5500", "the share that is wrong"),
    one_accuracy("96.9 * 40.3 / 100", "not multiplied"),
    one_accuracy("2 * 96.9 * 40.3 / (96.9 + 40.3)", "harmonic mean"),
    one_accuracy("(4500 * 96.9 + 1000 * 40.3) / 4500", "divide by both"),
    one_accuracy("87", "87 is rounded too far", "is not the number"),
    one_accuracy("86", "give three significant digits", "is not the number"),
    one_accuracy("85", "85 is not the number", "right as far as it goes", "rounded"),
    one_accuracy("'86.6 %'", "expected a number"),
    # ---------------------------------------------------------------------------------------------------------- auroc
    pairs("won, pairs = 0, 0", "won, pairs = 0.0, 0", None),
    auroc(
        "    from sklearn.metrics import roc_auc_score\n    if len(set(positive)) < 2:\n        raise ValueError\n"
        "    return roc_auc_score(positive, scores)",
        None,
    ),
    auroc(
        "    from scipy.stats import rankdata\n    m, n = sum(positive), sum(~positive)\n"
        "    if m * n == 0:\n        raise ValueError('one kind')\n"
        "    return (rankdata(scores)[positive].sum() - m * (m + 1) / 2) / (m * n)",
        None,
    ),
    auroc(
        "    s, p = torch.tensor(scores), torch.tensor(positive)\n    gaps = s[p][:, None] - s[~p]\n"
        "    if gaps.numel() == 0:\n        raise ValueError('no pair')\n    return (0.5 + gaps.sign() / 2).mean()",
        None,
    ),
    auroc(
        "    import pandas as pd\n    ranks = pd.Series(scores).rank()\n    m = int(positive.sum())\n"
        "    n = len(positive) - m\n    if not m or not n:\n        raise ValueError(m, n)\n"
        "    return (ranks[positive].mean() - (m + 1) / 2) / n",
        None,
    ),
    pairs("                elif s == r:\n                    won += 0.5\n", "", "counts it as lost"),
    pairs("s > r", "s >= r", "counts it as won"),
    pairs("won += 0.5", "pairs -= 1", "one below it"),
    pairs("s > r", "s < r", "turned round"),
    pairs("won / pairs", "won", "divide by how many there are"),
    pairs("won / pairs", "won / (len(scores) * (len(scores) - 1) / 2)", "positives times negatives"),
    pairs("    if pairs == 0:\n        raise ValueError('no pairs')\n", "", "without positives, or without negatives"),
    pairs("raise ValueError('no pairs')", "return 0.5", "raise valueerror"),
    pairs("raise ValueError('no pairs')", "return None", "raise valueerror"),
    pairs("raise ValueError('no pairs')", "return ValueError('no pairs')", "raise valueerror"),
    pairs("if pairs == 0:\n        raise ValueError('no pairs')", "assert pairs, 'no pairs'", "another error"),
    pairs("raise ValueError('no pairs')", "raise Exception('no pairs')", "", "is it right on"),
    pairs("return won / pairs", "return 2 * won / pairs - 1", "won minus lost"),
    auroc(
        "    g = scores[positive][:, None] - scores[~positive]\n    return ((g > 0) + (g == 0) / 2).mean()", "no pair"
    ),
    auroc("    return np.mean((scores > 0.5) == positive)", "", "ties"),
    auroc(
        "    from sklearn.metrics import average_precision_score\n"
        "    if positive.all() or not positive.any():\n        raise ValueError\n"
        "    return average_precision_score(positive, scores)",
        "",
    ),
    auroc(
        "    if positive.all() or not positive.any():\n        raise ValueError\n"
        "    return (scores[positive] > scores[~positive].mean()).mean()",
        "a mean forgets",
    ),
    auroc("    raise ValueError('what now?')", ""),
    # ------------------------------------------------------------------------------------------------- risk, coverage
    surest("1 - right", "1.0 - right", None),
    risk(
        "    pairs = sorted(zip(confidence, right), reverse=True)\n    n = math.ceil(coverage * len(pairs))\n"
        "    return sum(not r for _, r in pairs[:n]) / n",
        None,
    ),
    risk(
        "    import pandas as pd\n    t = pd.DataFrame({'c': confidence, 'wrong': ~right})\n"
        "    return t.nlargest(int(np.ceil(len(t) * coverage)), 'c').wrong.mean()",
        None,
    ),
    risk(
        "    c = torch.tensor(confidence)\n    top = c.topk(math.ceil(coverage * len(c))).indices\n"
        "    return (~torch.tensor(right)[top]).float().mean()",
        None,
    ),
    risk(
        "    t = np.sort(confidence)[-math.ceil(coverage * len(confidence))]\n"
        "    return np.mean(right[confidence >= t] == False)",
        None,
    ),
    surest("math.ceil", "int", "yours cuts off"),
    surest("math.ceil(coverage * len(confidence))", "max(1, int(coverage * len(confidence)))", "yours cuts off"),
    surest("math.ceil", "round", "round up"),
    surest("math.ceil(coverage * len(confidence))", "int(coverage * len(confidence)) + 1", "nothing is added"),
    surest("math.ceil", "np.ceil", "a place is a whole number"),
    surest("[::-1]", "", "the least sure ones"),
    surest("1 - right[order].mean()", "right[order].mean()", "the share of right ones"),
    surest("1 - right[order].mean()", "(~right[order]).sum() / len(right)", "not by all"),
    surest("1 - right[order].mean()", "(~right[order]).sum() / max(1, (~right).sum())", "not by all that are wrong"),
    surest("1 - right[order].mean()", "(~right[order]).sum()", "divide by how many"),
    surest("1 - right[order].mean()", "round(1 - right[order].mean(), 2)", "but rounded"),
    surest("1 - right[order].mean()", "100 * (1 - right[order].mean())", "not percent"),
    surest("right[order]", "right[:n]", "the first in the list"),
    risk("    return 1 - right[confidence >= coverage].mean()", "no confidence"),
    risk("    return 1 - right[confidence >= 1 - coverage].mean()", "no confidence"),
    risk("    return (~right[confidence >= np.quantile(confidence, 1 - coverage)]).mean()", "np.quantile"),
    risk("    return (~right).mean()", "among all"),
    risk("    i = np.argsort(-confidence)[:math.ceil(coverage * len(right))]\n    return -right[i].mean() + 1", None),
    risk("    i = np.argsort(-confidence)[:math.ceil(coverage * len(right))]\n    return (-right[i]).mean()", ""),
    # ----------------------------------------------------------------------------------------------------- threshold
    cheapest("cost = 0\n", "cost = 0.0\n", None),
    threshold(
        "    ts = np.array([np.inf, *np.unique(confidence)[::-1]])\n    a = confidence >= ts[:, None]\n"
        "    cost = wrong_cost * (a & ~right).sum(1) + handover_cost * (~a).sum(1)\n    return ts[cost.argmin()]",
        None,
    ),
    threshold(
        "    import pandas as pd\n    g = pd.DataFrame({'c': confidence, 'r': right}).groupby('c').r\n"
        "    step = (g.count() - g.sum()) * wrong_cost - g.count() * handover_cost\n"
        "    total = step[::-1].cumsum()\n    return total.idxmin() if total.min() < 0 else float('inf')",
        None,
    ),
    threshold(
        "    def cost(t):\n        a = confidence >= t\n"
        "        return np.where(a, np.where(right, 0, wrong_cost), handover_cost).sum()\n"
        "    return min((cost(t), -t) for t in list(confidence) + [math.inf])[1] * -1",
        None,
    ),
    threshold(
        "    from sklearn.metrics import confusion_matrix\n    best = None\n"
        "    for t in [*confidence, np.inf]:\n"
        "        tn, fp, fn, tp = confusion_matrix(right, confidence >= t, labels=[False, True]).ravel()\n"
        "        total = fp * wrong_cost + (tn + fn) * handover_cost\n"
        "        if best is None or total < best[0] or total == best[0] and t > best[1]:\n"
        "            best = total, t\n    return best[1]",
        None,
    ),
    threshold("    return 0.9", "a fixed number"),
    threshold("    return 0.5", "a fixed number"),
    threshold("    return math.inf", "hands everything over"),
    threshold("    return min(confidence)", "answers everything"),
    cheapest("cost += handover_cost", "cost += 0", ""),
    threshold(
        "    return min([math.inf, *confidence], key=lambda t: wrong_cost * (~right & (confidence >= t)).sum())",
        "hands everything over",
    ),
    cheapest("0 if r else wrong_cost", "0", "answers everything"),
    cheapest("c >= t", "c > t", "confidence >= t"),
    cheapest("best, least = math.inf, handover_cost * len(confidence)", "best, least = 1, 10**9", "math.inf is a cand"),
    cheapest("cost < least", "cost <= least", "the highest t"),
    cheapest(", reverse=True", "", "the highest t"),
    cheapest("sorted(confidence, reverse=True)", "confidence", "the highest t"),
    cheapest("else:\n                cost += handover_cost", "elif r:\n                cost += handover_cost", ""),
    threshold(
        "    cost = lambda a: wrong_cost * (a & ~right).sum() + handover_cost * (~a & right).sum()\n"
        "    return min(sorted([*confidence, math.inf])[::-1], key=lambda t: cost(confidence >= t))",
        "also of a question",
    ),
    cheapest("cost += 0 if r", "cost += -wrong_cost if r", "earns nothing"),
    cheapest("    return best", "    return least", "the threshold that leads to it"),
    threshold(
        "    return max([*confidence, math.inf], key=lambda t: (((confidence >= t) == right).mean(), t))",
        "the best accuracy",
    ),
    threshold(
        "    w, h = handover_cost, wrong_cost\n    cost = lambda t: w * (~right & (confidence >= t)).sum() "
        "+ h * (confidence < t).sum()\n    return min(sorted([*confidence, math.inf])[::-1], key=cost)",
        "exchanged",
    ),
    threshold("    return 1 - handover_cost / wrong_cost", "calibrated probabilities alone"),
    threshold(
        "    t = 1 - handover_cost / wrong_cost\n    return min([c for c in confidence if c >= t], default=math.inf)",
        "calibrated probabilities alone",
    ),
    threshold(
        "    w, h = wrong_cost, handover_cost\n"
        "    cost = lambda t: w * (~right & (confidence >= t)).sum() + h * (confidence < t).sum()\n"
        "    return min(np.linspace(1, 0, 101), key=cost)",
        "none of the confidences",
    ),
    threshold(
        "    order = np.argsort(-confidence, kind='stable')\n"
        "    total = np.cumsum(np.where(right[order], 0, wrong_cost) - handover_cost)\n"
        "    return confidence[order][total.argmin()] if total.min() < 0 else math.inf",
        "answered together",
    ),
    threshold(
        "    ts = sorted([*confidence, math.inf])[::-1]\n    costs = [wrong_cost * (~right & (confidence >= t)).sum() "
        "+ handover_cost * (confidence < t).sum() for t in ts]\n    return int(np.argmin(costs))",
        "",
    ),
    # ---------------------------------------------------------------------------------------------------- break-even
    break_even("0.75", None),
    break_even("1 - 3 / 12", None),
    break_even("torch.tensor(9 / 12)", None),
    break_even("np.float64(0.75)", None),
    break_even("3 / 12", "of being right is asked for"),
    break_even("12 / 15", "not both"),
    break_even("3 / 15", "not both"),
    break_even("12 / 3", "no probability"),
    break_even("75", "not percent"),
    break_even("0.5", "half of a mistake"),
    break_even("9", "that is a cost"),
    break_even("(12 - 3) / (12 + 3)", "costs the same whether"),
    break_even("0.7", ""),
    break_even("'75 %'", "expected a number"),
    # ----------------------------------------------------------------------------------------------------- conformal
    placed("n = len(scores)", "n = scores.shape[0]", None),
    conformal(
        "    k = math.ceil(round((len(scores) + 1) * (1 - alpha), 9))\n"
        "    return [*sorted(scores.tolist()), math.inf][k - 1]",
        None,
    ),
    conformal(
        "    n = len(scores)\n    k = n + 1 - math.floor((n + 1) * alpha + 1e-9)\n"
        "    return torch.tensor(scores).kthvalue(k).values if k <= n else float('inf')",
        None,
    ),
    conformal(
        "    q = np.ceil((len(scores) + 1) * (1 - alpha)) / len(scores)\n"
        "    return np.quantile(scores, q, method='inverted_cdf') if q <= 1 else np.inf",
        None,
    ),
    conformal(
        "    import pandas as pd\n    k = math.ceil((len(scores) + 1) * (1 - alpha))\n"
        "    s = pd.Series(scores).sort_values()\n    return s.iloc[k - 1] if k <= len(s) else math.inf",
        None,
    ),
    conformal("    return np.quantile(scores, 1 - alpha)", "the plain quantile"),
    conformal("    return np.quantile(scores, 1 - alpha, method='higher')", "the plain quantile"),
    conformal("    return np.percentile(scores, 100 * (1 - alpha))", "the plain quantile"),
    placed("(n + 1) *", "n *", "so n + 1"),
    placed("math.ceil", "math.floor", "round up"),
    placed("math.ceil", "int", "round up"),
    placed("math.ceil", "round", "not to the nearest"),
    placed("np.sort(scores)[k - 1]", "np.sort(scores)[k] if k < n else math.inf", "one place too far"),
    placed("k - 1", "k", "", "beyond n"),
    placed("k - 1", "k - 2", "one place too near"),
    placed("(1 - alpha)", "alpha", "1 − alpha"),
    placed("    if k > n:\n        return math.inf\n", "", "beyond n"),
    placed("return math.inf", "return max(scores)", "yours takes the largest"),
    placed("return math.inf", "k = n", "yours takes the largest"),
    clamped("math.ceil((n + 1) * (1 - alpha))", "k - 1", "yours takes the largest", "quantile"),
    clamped("math.ceil((n + 1) * (1 - alpha))", "k", "math.inf. yours takes the largest. and elsewhere one place"),
    clamped("int((n + 1) * (1 - alpha))", "k", "yours takes the largest", "quantile"),
    clamped("round((n + 1) * (1 - alpha))", "k - 1", "yours takes the largest", "quantile"),
    clamped("math.ceil(n * (1 - alpha))", "k", "yours takes the largest", "quantile"),
    placed("return math.inf", "return None", ""),
    placed("return math.inf", "return float('nan')", "no score is high enough"),
    placed("np.sort(scores)", "np.sort(scores)[::-1]", "sorted downwards"),
    placed("np.sort(scores)", "scores", "sort the scores first"),
    placed("np.sort(scores)", "np.unique(scores)", "", "sort the scores first"),
    placed("np.sort(scores)[k - 1]", "k", "that is the place"),
    placed("math.ceil", "np.ceil", "a place is a whole number"),
    conformal(
        "    n = len(scores)\n    q = min(1, np.ceil((n + 1) * (1 - alpha)) / n)\n"
        "    return np.quantile(scores, q, method='higher')",
        "one place too far",
    ),
    conformal(
        "    q = np.ceil((len(scores) + 1) * (1 - alpha)) / len(scores)\n    return np.quantile(scores, q)",
        "between two",
    ),
    conformal(
        "    q = np.ceil((len(scores) + 1) * (1 - alpha)) / len(scores)\n    return np.quantile(scores, min(q, 1))",
        "may land between two",
    ),
    # ------------------------------------------------------------------------------------------------------ promised
    kept("n = len(confidence)", "n = len(right)", None),
    promised(
        "    best = math.inf\n    for t in np.sort(confidence)[::-1]:\n"
        "        if ((confidence >= t) & ~right).sum() + 1 > alpha * (len(right) + 1):\n            break\n"
        "        best = t\n    return best",
        None,
    ),
    promised(
        "    ts = np.append(np.unique(confidence), np.inf)\n"
        "    wrong = ((confidence >= ts[:, None]) & ~right).sum(axis=1)\n"
        "    good = (wrong + 1) / (len(right) + 1) <= alpha\n    return ts[good][0] if good.any() else np.inf",
        None,
    ),
    promised(
        "    import pandas as pd\n    wrong = pd.Series(~right).groupby(confidence).sum()[::-1].cumsum()\n"
        "    good = wrong[(wrong + 1) / (len(right) + 1) <= alpha]\n"
        "    return good.index.min() if len(good) else math.inf",
        None,
    ),
    promised(
        "    n = len(right)\n    def bound(t):\n        risk = (~right & (confidence >= t)).mean()\n"
        "        return n / (n + 1) * risk + 1 / (n + 1)\n"
        "    return min([t for t in confidence if bound(t) <= alpha + 1e-12], default=math.inf)",
        None,
    ),
    kept("(wrong + 1) / (n + 1)", "wrong / n", "the plus 1 is missing"),
    kept("(wrong + 1)", "wrong", "the plus 1 is missing"),
    kept("(n + 1)", "n", "n + 1 below the line"),
    kept("(n + 1)", "sum(confidence >= t)", "counts all questions"),
    kept("(n + 1)", "(sum(confidence >= t) + 1)", "counts all questions"),
    kept("(wrong + 1) / (n + 1)", "wrong / sum(confidence >= t)", "counts all questions"),
    kept("c >= t", "c > t", "confidence >= t"),
    kept("<= alpha", "< alpha", "just alpha keeps"),
    kept("sorted(confidence)", "sorted(confidence)[::-1]", "the lowest t"),
    kept("sorted(confidence)", "confidence", ""),
    kept("return math.inf", "return max(confidence)", "not even the highest one"),
    kept("return math.inf", "return 1.0", "not even the highest one"),
    kept("return math.inf", "return None", ""),
    kept("and not r", "and r", "wrong answers are counted"),
    kept("c >= t and not r", "not r", "only what is answered"),
    kept("return t\n", "return (wrong + 1) / (n + 1)\n", ""),
    promised("    return math.inf", "the lowest t"),
    promised("    return 1 - alpha", "knows nothing of these questions"),
    promised("    return min(confidence)", "whatever was promised"),
    promised(
        "    w = lambda t: (~right & (confidence >= t)).sum()\n"
        "    return min(t for t in confidence if (w(t) + 1) / (len(right) + 1) <= alpha)",
        "not even the highest one",
    ),
    promised(
        "    w = lambda t: (~right & (confidence >= t)).sum()\n"
        "    return next(t for t in sorted(confidence) if (w(t) + 1) / (len(right) + 1) <= alpha)",
        "not even the highest one",
    ),
    promised("    return np.quantile(confidence[~right], 1 - alpha)", ""),
    promised(
        "    w = lambda t: (~right & (confidence >= t)).sum()\n"
        "    return max(t for t in [*confidence, 0] if (w(t) + 1) / (len(right) + 1) > alpha)",
        "breaks the promise",
    ),
]
