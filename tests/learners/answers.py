"""Answers to the checks on answers in a text."""

from . import Answer

GENERIC = ("never uses", "changes nothing")


def needed(expression, named, *never):
    return Answer("answers.windows_needed", f"answer = {expression}", named, never)


def span(change, to, named, *never):
    code = """
def answer(starts, ends, longest):
    best, found = -math.inf, None
    for i in range(len(starts)):
        for j in range(i, len(ends)):
            if j - i + 1 <= longest and starts[i] + ends[j] > best:
                best = starts[i] + ends[j]
                found = i, j
    return found
"""
    assert change in code
    return Answer("answers.best_span", code.replace(change, to), named, never)


def span_lines(lines, named, *never):
    return Answer("answers.best_span", f"def answer(starts, ends, longest):\n{lines}", named, (*GENERIC, *never))


def windows(lines, named, *never):
    return Answer("answers.windows", f"def answer(n, room, overlap):\n{lines}", named, never)


def from_starts(starts, named, *never, end="min(s + room, n)"):
    return windows(f"    return [(s, {end}) for s in {starts}]", named, *never)


def label(condition, named, *never, place="(first - start + before, last - start + before)", none="(0, 0)"):
    lines = f"    if {condition}:\n        return {place}\n    return {none}"
    return label_lines(lines, named, *never)


def label_lines(lines, named, *never):
    return Answer("answers.label", f"def answer(first, last, start, end, before):\n{lines}", named, (*GENERIC, *never))


INSIDE = "first >= start and last < end"


def lead(expression, named, *never):
    return Answer("answers.lead", f"def answer(windows): return {expression}", named, never)


def lead_lines(lines, named, *never):
    return Answer("answers.lead", f"def answer(windows):\n{lines}", named, never)


def merged(change, to, named, *never):
    code = """
def answer(found):
    best = {}
    for start, end, score in found:
        key = (start, end)
        if key not in best or score > best[key]:
            best[key] = score
    spans = [(*key, score) for key, score in best.items()]
    return sorted(spans, key=lambda s: -s[2])
"""
    assert change in code
    return Answer("answers.merged", code.replace(change, to), named, never)


def merged_lines(lines, named, *never):
    return Answer("answers.merged", f"def answer(found):\n{lines}", named, never)


def f1(change, to, named, *never):
    code = """
def answer(predicted, gold):
    p, g = predicted.split(), gold.split()
    if not p or not g:
        return int(p == g)
    left, common = list(g), 0
    for word in p:
        if word in left:
            left.remove(word)
            common += 1
    if common == 0:
        return 0
    P, R = common / len(p), common / len(g)
    return 2 * P * R / (P + R)
"""
    assert change in code
    return Answer("answers.f1", code.replace(change, to), named, (*GENERIC, *never))


def f1_lines(lines, named, *never):
    return Answer("answers.f1", f"def answer(predicted, gold):\n{lines}", named, (*GENERIC, *never))


def threshold(change, to, named, *never):
    code = """
def answer(leads, answered, silent):
    best, at = -1, 0
    for t in [min(leads) - 1] + sorted(leads):
        f1 = np.mean([s if l > t else a for l, a, s in zip(leads, answered, silent)])
        if f1 > best:
            best, at = f1, t
    return at
"""
    assert change in code
    return Answer("answers.threshold", code.replace(change, to), named, never)


def threshold_lines(lines, named, *never):
    return Answer("answers.threshold", f"def answer(leads, answered, silent):\n{lines}", named, never)


ANSWERS = [
    # ------------------------------------------------------------------------------------------------ windows needed
    needed("40", None),
    needed("40.0", None),
    needed("np.ceil((2380 - 32) / (112 - 18 - 3 - 32))", None),
    needed("torch.tensor(40)", None),
    needed("1 + math.ceil((2380 - 94) / (94 - 32))", "take room in every window"),
    needed("1 + math.ceil((2380 - 109) / (109 - 32))", "the question stands before every window"),
    needed("math.ceil(2380 / 91)", "neighbours share pieces"),
    needed("math.ceil(2380 / 112)", "what stands beside each window takes room"),
    needed("1 + (2380 - 91) // (91 - 32)", "round up"),
    needed("math.ceil((2380 - 91) / (91 - 32))", "one too few"),
    needed("math.ceil(2380 / (91 - 32))", "all its pieces are new"),
    needed("1 + math.ceil((2380 - 91) / 32)", "not how far apart"),
    needed("1 + (2380 - 91) / (91 - 32)", ""),
    needed("100", ""),
    needed("'40'", "expected a number"),
    # ----------------------------------------------------------------------------------------------------- best span
    span_lines(
        "    sums = starts[:, None] + ends[None, :]\n"
        "    length = np.arange(len(ends)) - np.arange(len(starts))[:, None]\n"
        "    sums[(length < 0) | (length >= longest)] = -np.inf\n"
        "    return np.unravel_index(sums.argmax(), sums.shape)",
        None,
    ),
    span_lines(
        "    pairs = [(starts[a] + ends[b], a, b) for a in range(len(starts)) for b in range(len(ends))\n"
        "             if a <= b < a + longest]\n    return list(max(pairs)[1:])",
        None,
    ),
    span_lines(
        "    s, e = torch.tensor(starts), torch.tensor(ends)\n    best = (-math.inf, 0, 0)\n"
        "    for i in range(len(s)):\n        window = s[i] + e[i:i + longest]\n        k = int(window.argmax())\n"
        "        best = max(best, (float(window[k]), i, i + k))\n    return torch.tensor(best[1:])",
        None,
    ),
    span(
        "if j - i + 1 <= longest and starts[i] + ends[j] > best",
        "if j - i < longest and starts[i] + ends[j] >= best",
        None,
    ),
    span_lines(
        "    best = {}\n    for j in range(len(ends)):\n        lowest = max(0, j - longest + 1)\n"
        "        i = lowest + starts[lowest:j + 1].argmax()\n        best[starts[i] + ends[j]] = (i, j)\n"
        "    return best[max(best)]",
        None,
    ),
    span_lines(
        "    rows = [[starts[a] + ends[b], a, b] for a in range(len(starts)) for b in range(a, len(ends))\n"
        "            if b - a < longest]\n    table = np.array(rows)\n    return table[table[:, 0].argmax()][1:]",
        None,
    ),
    span_lines("    return starts.argmax(), ends.argmax()", "look at pairs", "never uses"),
    span("range(i, len(ends))", "range(len(ends))", "look at pairs"),
    span_lines("    return sorted((starts.argmax(), ends.argmax()))", "no answer that the scores speak for"),
    span_lines(
        "    i = starts.argmax()\n    return i, i + ends[i:i + longest].argmax()", "need not belong to the best pair"
    ),
    span_lines(
        "    j = ends.argmax()\n    k = max(0, j - longest + 1)\n    return k + starts[k:j + 1].argmax(), j",
        "need not belong to the best pair",
    ),
    span("j - i + 1 <= longest and ", "", "the limit is not used"),
    span("j - i + 1 <= longest", "j - i <= longest", "one token too long"),
    span("j - i + 1 <= longest", "j - i + 1 < longest", "one token too short"),
    span("range(i, len(ends))", "range(i + 1, len(ends))", "a single token"),
    span("starts[i] + ends[j]", "starts[i] * ends[j]", "not the product"),
    span("-math.inf, None", "0, None", "begin with -inf"),
    span("-math.inf, None", "0, (0, 0)", "begin with -inf"),
    span("found = i, j", "found = i, j + 1", "not the place behind it"),
    span("found = i, j", "found = j, i", "exchanged"),
    span("found = i, j", "found = i, j - i + 1", "not how many there are"),
    span("return found", "return best", "the places are asked for"),
    span("range(len(starts))", "range(1, len(starts))", "token 0 is a token"),
    span_lines(
        "    i, j = (starts[:, None] + ends).argmax() // len(ends), (starts[:, None] + ends).argmax() % len(ends)\n"
        "    return i, min(j, i + longest - 1)",
        "",
        "token 0 is a token",
    ),
    span_lines("    return starts.index(max(starts)), ends.index(max(ends))", "no index()"),
    span("return found", "return {'start': found[0], 'end': found[1]}", "two whole numbers"),
    # ------------------------------------------------------------------------------------------------------- windows
    windows(
        "    result, start = [], 0\n    while True:\n        end = min(start + room, n)\n"
        "        result.append([start, end])\n        if end == n:\n            return result\n"
        "        start = end - overlap",
        None,
    ),
    from_starts("[*range(0, n - room, room - overlap), max(0, n - room)]", None),
    windows(
        "    k = max(1, math.ceil((n - overlap) / (room - overlap)))\n"
        "    starts = np.minimum(np.arange(k) * (room - overlap), max(n - room, 0))\n"
        "    return np.stack([starts, np.minimum(starts + room, n)], axis=1)",
        None,
    ),
    windows(
        "    k = max(1, math.ceil((n - overlap) / (room - overlap)))\n    size = min(room, n)\n"
        "    starts = [round(i * (n - size) / max(k - 1, 1)) for i in range(k)]\n"
        "    return tuple((s, s + size) for s in starts)",
        None,
    ),
    windows(
        "    if n <= room:\n        return [(0, n)]\n    return answer(n - (room - overlap), room, overlap) + [(0, 0)]",
        "",
    ),
    windows(
        "    if n <= room:\n        return [(0, n)]\n    step = room - overlap\n"
        "    return [(0, room)] + [(s + step, e + step) for s, e in answer(n - step, room, overlap)]",
        None,
    ),
    windows(
        "    ends = list(range(n, room, overlap - room)) + [min(n, room)]\n"
        "    return [(max(e - room, 0), e) for e in ends]",
        None,
    ),
    windows(
        "    starts = list(range(0, max(n - overlap, 1), room - overlap))\n"
        "    return zip(starts, [min(s + room, n) for s in starts])",
        None,
    ),
    from_starts("range(0, max(n - overlap, 1), room - overlap)", "list of (start, end)", end="min(s + room, n) / 1.5"),
    from_starts("range(0, n, overlap)", "what neighbours share"),
    windows(
        "    out, s = [], 0\n    while True:\n        out.append((s, min(s + room, n)))\n        if s + room >= n:\n"
        "            return out\n        s += overlap",
        "what neighbours share",
    ),
    from_starts("range(0, n, room)", "", "the overlap is what neighbours share"),
    from_starts("range(0, max(n - room + 1, 1), room - overlap)", "the last pieces are in no window"),
    from_starts("range(0, n, room - overlap)", "stop once the end is reached"),
    from_starts("range(0, max(n - overlap, 1), room - overlap)", "goes on behind the text", end="s + room"),
    from_starts("range(0, n, room)", "never longer than room", end="min(s + room + overlap, n)"),
    from_starts("range(0, max(n - overlap, 1), room - overlap)", "how long it is", end="min(room, n - s)"),
    from_starts("range(0, max(n - overlap, 1), room - overlap)", "as in range", end="min(s + room, n) - 1"),
    from_starts("range(0, max(n - overlap, 1), room - overlap - 1)", "windows, where"),
    from_starts("range(0, max(n - overlap - 1, 1), room - overlap + 1)", "neighbours share"),
    windows("    return [(0, min(room, n))]", "the last pieces are in no window"),
    windows("    return list(range(0, max(n - overlap, 1), room - overlap))", "each window is a pair"),
    windows(
        "    for s in range(0, max(n - overlap, 1), room - overlap):\n        yield s, min(s + room, n)", "collect them"
    ),
    windows("    return [(s, s + room) for s in range(0, n - room, room - overlap)]", "", "never uses"),
    # --------------------------------------------------------------------------------------------------------- label
    label("start <= first and last <= end - 1", None),
    label_lines(
        "    inside = set(range(first, last + 1)) <= set(range(start, end))\n"
        "    return [p - start + before if inside else 0 for p in (first, last)]",
        None,
    ),
    label_lines(
        "    place = np.array([first, last]) - start\n"
        "    if place.min() < 0 or place.max() >= end - start:\n        return np.zeros(2, dtype=int)\n"
        "    return place + before",
        None,
    ),
    label_lines(
        "    if first not in range(start, end) or last not in range(start, end): return 0, 0\n"
        "    shift = before - start\n    return torch.tensor([first + shift, last + shift])",
        None,
    ),
    label("not (last < start or first >= end)", "a part of the answer"),
    label(
        "last >= start and first < end",
        "half an answer",
        place="(max(first, start) - start + before, min(last, end - 1) - start + before)",
    ),
    label("start <= first < end", "half an answer"),
    label("first > start and last < end - 1", "is whole in it"),
    label("first > start and last < end", "is whole in it"),
    label("first >= start and last < end - 1", "is whole in it"),
    label("first >= start and last <= end", "end is excluded"),
    label(INSIDE, "stand [cls], the question", place="(first - start, last - start)"),
    label(INSIDE, "take `start` away", place="(first + before, last + before)"),
    label(INSIDE, "pieces of the text", place="(first, last)"),
    label(INSIDE, "one token off", place="(first - start + before + 1, last - start + before + 1)"),
    label(INSIDE, "one token off", place="(first - start + before - 1, last - start + before - 1)"),
    label(INSIDE, "not the one behind it", place="(first - start + before, last - start + before + 1)"),
    label(INSIDE, "exchanged", place="(last - start + before, first - start + before)"),
    label(INSIDE, "token 0", none="(-1, -1)"),
    label(INSIDE, "token 0", none="(before, before)"),
    label(INSIDE, "returned none", none="None"),
    label("True", "never asked whether"),
    label("first - before >= start and last - before < end", ""),
    # ---------------------------------------------------------------------------------------------------------- lead
    lead("min(w[0] for w in windows) - max(max(w[1], default=-math.inf) for w in windows)", None),
    lead("np.min([n for n, _ in windows]) - np.concatenate([s for _, s in windows]).max()", None),
    lead_lines(
        "    null, best = float('inf'), float('-inf')\n    for n, spans in windows:\n        null = min(null, n)\n"
        "        for s in spans:\n            best = max(best, s)\n    return null - best",
        None,
    ),
    lead(
        "torch.tensor([n for n, _ in windows]).min() - torch.tensor(sum((list(s) for _, s in windows), [])).max()", None
    ),
    lead("max(n for n, _ in windows) - max(x for _, s in windows for x in s)", "the smallest counts"),
    lead("np.mean([n for n, _ in windows]) - max(x for _, s in windows for x in s)", "the smallest counts"),
    lead("windows[0][0] - max(x for _, s in windows for x in s)", "the smallest counts"),
    lead("min(n - max(s) for n, s in windows if s)", "from different ones"),
    lead("max(n - max(s) for n, s in windows if s)", "from different ones"),
    lead_lines(
        "    n, s = max([w for w in windows if w[1]], key=lambda w: max(w[1]))\n    return n - max(s)",
        "from different ones",
    ),
    lead("max(x for _, s in windows for x in s) - min(n for n, _ in windows)", "the sign"),
    lead("min(n for n, s in windows if s) - max(x for _, s in windows for x in s)", "has a null score too"),
    lead("min(n for n, _ in windows) - max(max(s, default=0) for _, s in windows)", "no score of 0"),
    lead("min(n for n, _ in windows) - max(s[0] for _, s in windows if s)", "in no order"),
    lead("min(n for n, _ in windows) - max(s[0] for _, s in windows)", "no span at all"),
    lead("min(n for n, _ in windows) - max(max(s) for _, s in windows)", "no span at all"),
    lead_lines(
        "    null, best = 0, 0\n    for n, spans in windows:\n        null = min(null, n)\n"
        "        best = max([best] + spans)\n    return null - best",
        "",
        "the sign",
    ),
    lead("min(n for n, _ in windows) > max(x for _, s in windows for x in s)", "how far"),
    lead("min(n for n, _ in windows) - sum(x for _, s in windows for x in s)", "no sum"),
    # -------------------------------------------------------------------------------------------------------- merged
    merged_lines(
        "    out, seen = [], set()\n    for s in sorted(found, key=lambda s: s[2], reverse=True):\n"
        "        if s[:2] not in seen:\n            seen.add(s[:2])\n            out.append(list(s))\n    return out",
        None,
    ),
    merged_lines(
        "    best = dict(sorted([((a, b), s) for a, b, s in found], key=lambda kv: kv[1]))\n"
        "    return sorted([(a, b, s) for (a, b), s in best.items()], key=lambda s: (-s[2], s[0]))",
        None,
    ),
    merged_lines(
        "    keys = sorted({f[:2] for f in found})\n"
        "    rows = [[*k, max(s for a, b, s in found if (a, b) == k)] for k in keys]\n"
        "    return np.array(sorted(rows, key=lambda r: r[2])[::-1])",
        None,
    ),
    merged(
        "        if key not in best or score > best[key]:\n            best[key] = score",
        "        best.setdefault(key, score)",
        "found first",
    ),
    merged(
        "        if key not in best or score > best[key]:\n            best[key] = score",
        "        best[key] = score",
        "found last",
    ),
    merged(
        "        if key not in best or score > best[key]:\n            best[key] = score",
        "        best[key] = best.get(key, 0) + score",
        "do not add up",
    ),
    merged("score > best[key]", "score < best[key]", "the worse score"),
    merged(
        "        if key not in best or score > best[key]:\n            best[key] = score",
        "        best[key] = max(best.get(key, 0), score)",
        "scores may be negative",
    ),
    merged("        key = (start, end)", "        key = (start,)", "indexerror"),
    merged_lines("    return sorted(found, key=lambda s: -s[2])", "counts once"),
    merged_lines("    return sorted(set(found), key=lambda s: -s[2])", "counts once"),
    merged_lines(
        "    best = {}\n    for a, b, s in found:\n"
        "        if a not in best or s > best[a][2]:\n            best[a] = (a, b, s)\n"
        "    return sorted(best.values(), key=lambda s: -s[2])",
        "the key is (start, end)",
    ),
    merged_lines(
        "    best = {s: (a, b, s) for a, b, s in found}\n    out = {}\n    for s in sorted(best):\n"
        "        out[best[s][:2]] = best[s]\n    return sorted(out.values(), key=lambda s: -s[2])",
        "two spans may have one score",
    ),
    merged("return sorted(spans, key=lambda s: -s[2])", "return spans", "best first"),
    merged("return sorted(spans, key=lambda s: -s[2])", "return sorted(spans)", "sorted by place"),
    merged("lambda s: -s[2]", "lambda s: s[2]", "begins with the worst"),
    merged("return sorted(spans, key=lambda s: -s[2])", "return best", "a dict is a good way"),
    merged(
        "return sorted(spans, key=lambda s: -s[2])",
        "return [s[:2] for s in sorted(spans, key=lambda s: -s[2])]",
        "each with its score",
    ),
    merged("return sorted(spans, key=lambda s: -s[2])", "return max(spans, key=lambda s: s[2])", ""),
    merged_lines(
        "    found.sort(key=lambda s: -s[2])\n    return list({s[:2]: s for s in found[::-1]}.values())[::-1]", ""
    ),
    # ------------------------------------------------------------------------------------------------------------ f1
    f1_lines(
        "    from collections import Counter\n    p, g = predicted.split(), gold.split()\n"
        "    if not (p and g):\n        return float(p == g)\n"
        "    return 2 * sum((Counter(p) & Counter(g)).values()) / (len(p) + len(g))",
        None,
    ),
    f1_lines(
        "    if predicted == gold: return 1\n    p, g = predicted.split(), gold.split()\n"
        "    common = sum(min(p.count(w), g.count(w)) for w in {*p, *g})\n"
        "    return np.float32(common / (0.5 * (len(p) + len(g))))",
        None,
    ),
    f1_lines(
        "    p, g = predicted.split(' '), gold.split(' ')\n    common = 0\n    for w in set(p):\n"
        "        common += min(p.count(w), g.count(w))\n    if not common:\n        return torch.tensor(0.0)\n"
        "    P, R = common / len(p), common / len(g)\n    return torch.tensor(2 / (1 / P + 1 / R))",
        None,
    ),
    f1(
        "    left, common = list(g), 0\n",
        "    p, g = set(p), set(g)\n    left, common = list(g), 0\n",
        "as often as they stand",
    ),
    f1("            left.remove(word)\n", "", "as often as they stand"),
    f1("return 2 * P * R / (P + R)", "return P", "the precision alone"),
    f1("return 2 * P * R / (P + R)", "return R", "the recall alone"),
    f1("return 2 * P * R / (P + R)", "return (P + R) / 2", "harmonic mean"),
    f1("return 2 * P * R / (P + R)", "return P * R / (P + R)", "the factor 2"),
    f1("return 2 * P * R / (P + R)", "return P * R", "precision times recall"),
    f1("predicted.split(), gold.split()", "list(predicted), list(gold)", "counts letters"),
    f1("    if common == 0:\n        return 0\n", "", "divides by 0"),
    f1("    if not p or not g:\n        return int(p == g)\n", "", "where both are empty", "divides by 0"),
    f1("return int(p == g)", "return 0", "where both are empty"),
    f1("return int(p == g)", "return 1", "where one alone is empty"),
    f1("common / len(p), common / len(g)", "common / len(p), common / max(len(p), len(g))", ""),
    f1_lines(
        "    p, g = set(predicted.split()), set(gold.split())\n    return len(p & g) / len(p | g) if p | g else 1.0",
        "jaccard",
    ),
    f1_lines("    return float(predicted == gold)", "the exact match"),
    f1("    return 2 * P * R / (P + R)", "    return round(2 * P * R / (P + R), 2)", "rounded"),
    f1("    return 2 * P * R / (P + R)", "    return 200 * P * R / (P + R)", "", "letters"),
    # ----------------------------------------------------------------------------------------------------- threshold
    threshold("[min(leads) - 1] + sorted(leads)", "np.append(leads, -np.inf)", None),
    threshold_lines(
        "    order = np.unique(leads)\n    between = (order[1:] + order[:-1]) / 2\n"
        "    cuts = [order[0] - 1, *between, order[-1] + 1]\n"
        "    means = [np.where(leads > t, silent, answered).mean() for t in cuts]\n"
        "    return cuts[int(np.argmax(means))]",
        None,
    ),
    threshold_lines(
        "    t = torch.tensor([*leads, min(leads) - 0.5])\n    l, a, s = map(torch.tensor, (leads, answered, silent))\n"
        "    means = torch.where(l > t[:, None], s, a).mean(1)\n    return t[means.argmax()]",
        None,
    ),
    threshold_lines(
        "    rows = sorted(zip(leads, answered, silent))\n    total = sum(silent)\n    best, at = total, -math.inf\n"
        "    for k, (l, a, s) in enumerate(rows):\n        total += a - s\n"
        "        if total > best and (k + 1 == len(rows) or rows[k + 1][0] > l):\n            best, at = total, l\n"
        "    return float(at)",
        None,
    ),
    threshold_lines("    return 0", "a fixed number"),
    threshold_lines("    return np.median(leads)", "a middle of the leads"),
    threshold_lines("    return leads.mean()", "a middle of the leads"),
    threshold("s if l > t else a", "a if l > t else s", "that is the worst t"),
    threshold("s if l > t else a", "s if l < t else a", "", "just t is answered"),
    threshold("s if l > t else a", "(l > t) == (s == 1)", "how often silence is right"),
    threshold("s if l > t else a", "0 if l > t else a", "silence counts too"),
    threshold("s if l > t else a", "s if l > t else 0", "answers count too"),
    threshold("s if l > t else a", "s if l >= t else a", "just t is answered"),
    threshold("[min(leads) - 1] + sorted(leads)", "sorted(leads)", "one t below all leads"),
    threshold("[min(leads) - 1] + sorted(leads)", "np.linspace(-1, 1, 201)", "another one gives"),
    threshold("[min(leads) - 1] + sorted(leads)", "np.unique(answered)", "another one gives"),
    threshold("return at", "return best", "that is the best mean f1"),
    threshold("f1 > best", "f1 < best or best < 0", "that is the worst t"),
    threshold_lines(
        "    total = sum(silent)\n    best, at = total, min(leads) - 1\n"
        "    for i in np.argsort(leads):\n        total += answered[i] - silent[i]\n"
        "        if total > best:\n            best, at = total, leads[i]\n    return at",
        "answered together",
    ),
    threshold_lines("    return float('nan')", "a threshold"),
    threshold_lines("    return leads > 0", "a threshold"),
]
