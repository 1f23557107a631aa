"""Answers to the checks on a monitor."""

from . import Answer

GENERIC = ("never uses", "changes nothing")


def once(lines, named, *never):
    return Answer("monitor.once", f"def answer(dates, texts):\n{lines}", named, (*GENERIC, *never))


def kappa(change, to, named, *never):
    code = """
def answer(one, other):
    n = len(one)
    po = sum(a == b for a, b in zip(one, other)) / n
    pe = sum((one.count(k) / n) * (other.count(k) / n) for k in set(one + other))
    return (po - pe) / (1 - pe)
"""
    assert change in code
    return Answer("monitor.kappa", code.replace(change, to), named, never)


def value(expression, named, *never):
    return Answer("monitor.value", f"def answer(tones, mean, deviation): return {expression}", named, never)


def cusum(change, to, named, *never):
    code = """
def answer(values, slack, limit):
    s, out = 0, []
    for i, v in enumerate(values):
        if math.isnan(v):
            continue
        s = max(0, s + v - slack)
        if s > limit:
            out.append(i)
            s = 0
    return out
"""
    assert change in code
    return Answer("monitor.cusum", code.replace(change, to), named, never)


def adjusted(lines, named, *never):
    return Answer("monitor.adjusted", f"def answer(p):\n{lines}", named, (*GENERIC, *never))


def blocks(lines, named, *never):
    return Answer("monitor.blocks", f"def answer(starts, block, days, length):\n{lines}", named, never)


def delay(lines, named, *never):
    return Answer("monitor.delay", f"def answer(alarms, event, early, late):\n{lines}", named, never)


def runs(lines, named, *never):
    return Answer("monitor.point_adjusted", f"def answer(called, true):\n{lines}", named, never)


def alarms(expression, named, *never):
    return Answer("monitor.false_alarms", f"answer = {expression}", named, never)


RANKED = "    o = np.argsort(p)\n    q = p[o] * len(p) / np.arange(1, len(p) + 1)\n"
BACK = "    out = np.empty(len(p))\n    out[o] = np.minimum(q, 1)\n    return out"
STEP = "    q = np.minimum.accumulate(q[::-1])[::-1]\n"
RUNS = """
    out, i = list(called), 0
    while i < len(true):
        j = i
        while j < len(true) and true[j]:
            j += 1
        if CONDITION:
            out[FROM:j] = [True] * (j - (FROM))
        i = max(j, i + 1)
    return out
"""


def walked(condition="any(called[i:j])", first="i"):
    return RUNS.replace("CONDITION", condition).replace("FROM", first)


ANSWERS = [
    # ------------------------------------------------------------------------------------------------------------ once
    once(
        "    best = {}\n    for i, (d, t) in enumerate(zip(dates, texts)):\n        k = t.lower()\n"
        "        if k not in best or d < dates[best[k]]:\n            best[k] = i\n    return sorted(best.values())",
        None,
    ),
    once(
        "    low = [t.casefold() for t in texts]\n"
        "    return np.array([i for i in range(len(low)) if not any(low[j] == low[i] and (dates[j], j) < (dates[i], i) "
        "for j in range(len(low)))])",
        None,
    ),
    once(
        "    order = sorted(range(len(texts)), key=lambda i: (dates[i], i))\n    seen, keep = set(), []\n"
        "    for i in order:\n        if texts[i].upper() not in seen:\n            seen.add(texts[i].upper())\n"
        "            keep.append(i)\n    return tuple(sorted(keep))",
        None,
    ),
    once(
        "    seen, keep = set(), []\n    for i, t in enumerate(texts):\n        if t.lower() not in seen:\n"
        "            seen.add(t.lower())\n            keep.append(i)\n    return keep",
        "the earliest date counts",
    ),
    once(
        "    best = {}\n    for i in sorted(range(len(texts)), key=lambda i: dates[i]):\n"
        "        best[texts[i].lower()] = i\n    return sorted(best.values())",
        "a repost would move the news",
    ),
    once(
        "    best = {}\n    for i in sorted(range(len(texts)), key=lambda i: dates[i]):\n"
        "        best.setdefault(texts[i], i)\n    return sorted(best.values())",
        "compare in lower case",
    ),
    once(
        "    first = {}\n    for d, t in zip(dates, texts):\n"
        "        first[t.lower()] = min(d, first.get(t.lower(), d))\n"
        "    return [i for i, t in enumerate(texts) if first[t.lower()] == dates[i]]",
        "counts once, too",
    ),
    once(
        "    low = [t.lower() for t in texts]\n    return [i for i, t in enumerate(low) if low.count(t) == 1]",
        "you drop it altogether",
    ),
    once(
        "    best = {}\n    for i in sorted(range(len(texts)), key=lambda i: dates[i]):\n"
        "        best.setdefault(texts[i].lower(), i)\n    return list(best.values())",
        "ascending",
    ),
    once(
        "    seen, keep = set(), []\n    for i, (d, t) in enumerate(zip(dates, texts)):\n"
        "        if (d, t.lower()) not in seen:\n            seen.add((d, t.lower()))\n            keep.append(i)\n"
        "    return keep",
        "not once a text and day",
    ),
    once("    return list(range(len(texts)))", ""),
    Answer("monitor.once", "def answer(dates, texts): return [dates.index(min(dates))]", ""),
    # ----------------------------------------------------------------------------------------------------------- kappa
    kappa("n = len(one)", "n = float(len(one))", None),
    kappa(
        "(po - pe) / (1 - pe)",
        "1 - (1 - po) / (1 - pe)",
        None,
    ),
    Answer(
        "monitor.kappa",
        "def answer(one, other):\n    from sklearn.metrics import cohen_kappa_score\n"
        "    return cohen_kappa_score(one, other)",
        None,
    ),
    kappa("(po - pe) / (1 - pe)", "po", "the share read alike"),
    kappa("(po - pe) / (1 - pe)", "po - pe", "divide by what could be had"),
    kappa("(po - pe) / (1 - pe)", "pe", "by chance alone"),
    kappa(
        "sum((one.count(k) / n) * (other.count(k) / n) for k in set(one + other))",
        "1 / len(set(one + other))",
        "chance is not 1 in so many labels",
    ),
    kappa(
        "(one.count(k) / n) * (other.count(k) / n)", "((one + other).count(k) / (2 * n)) ** 2", "shares of their own"
    ),
    kappa("(other.count(k) / n)", "(one.count(k) / n)", "shares of both readers"),
    kappa("/ (1 - pe)", "/ pe", ""),
    # ----------------------------------------------------------------------------------------------------------- value
    value("(tones.mean() - mean) / (deviation / np.sqrt(len(tones)))", None),
    value("sum(t - mean for t in tones) / deviation / len(tones) ** 0.5", None),
    value("torch.tensor((tones - mean).sum() / (deviation * math.sqrt(len(tones))))", None),
    value("(tones.mean() - mean) / deviation", "by the root of n"),
    value("(tones - mean).sum() / deviation", "the root is missing"),
    value("(tones.sum() - mean) / (deviation * math.sqrt(len(tones)))", "n · mean is expected"),
    value("tones.sum() / (deviation * math.sqrt(len(tones)))", "take away what is normal"),
    value("(mean - tones.mean()) / deviation * math.sqrt(len(tones))", "better than normal is above 0"),
    value("(tones.sum() - len(tones) * mean) / math.sqrt(deviation * len(tones))", "no root of it"),
    value("(tones.mean() - mean) / (tones.std() / math.sqrt(len(tones)) + 1e-9)", ""),
    value("(tones.mean() - mean) / (deviation * len(tones))", "not by n²"),
    # ----------------------------------------------------------------------------------------------------------- cusum
    cusum("math.isnan(v)", "v != v", None),
    Answer(
        "monitor.cusum",
        "def answer(values, slack, limit):\n    s, out = 0.0, []\n    for i, v in enumerate(values):\n"
        "        s = s if np.isnan(v) else max(0.0, s + v - slack)\n        if s > limit:\n"
        "            out.append(i)\n            s = 0.0\n    return np.array(out, dtype=int)",
        None,
    ),
    Answer(
        "monitor.cusum",
        "def answer(values, slack, limit):\n    def walk(s, i):\n        if i == len(values):\n            return []\n"
        "        if np.isnan(values[i]):\n            return walk(s, i + 1)\n        s = s + values[i] - slack\n"
        "        if s > limit:\n            return [i, *walk(0, i + 1)]\n"
        "        return walk(s if s > 0 else 0, i + 1)\n    return walk(0, 0)",
        None,
    ),
    cusum("max(0, s + v - slack)", "s + v - slack", "never falls below 0"),
    cusum("            s = 0\n", "", "begins at 0 again"),
    cusum("s > limit", "s >= limit", "not at it"),
    cusum("v - slack", "v", "the slack is taken away"),
    cusum("v - slack", "v + slack", "not added"),
    cusum(
        "        if math.isnan(v):\n            continue\n", "        v = 0 if math.isnan(v) else v\n", "no calm day"
    ),
    cusum("            continue\n", "            s = 0\n            continue\n", "no calm day: the sum stays"),
    cusum("if s > limit", "if v > limit", "add up what exceeds"),
    cusum("            s = 0\n", "            break\n", "not only the first"),
    cusum("out.append(i)", "out.append(i + 1)", "counted from 0"),
    cusum("        if math.isnan(v):\n            continue\n", "", ""),
    # ---------------------------------------------------------------------------------------------------- false alarms
    alarms("10 * 21 * 0.03", None),
    alarms("torch.tensor(6.3)", None),
    alarms("np.float64(10 * 21 * 3 / 100)", None),
    alarms("21 * 0.03", "that is of one topic"),
    alarms("10 * 0.03", "that is of one day"),
    alarms("10 * 21 * 3", "a hundredth"),
    alarms("1 - 0.97 ** (10 * 21)", "the chance of one at least"),
    alarms("0.03", "the level of one test"),
    alarms("10 * 21", ""),
    alarms("'6.3'", "expected a number"),
    # -------------------------------------------------------------------------------------------------------- adjusted
    adjusted(RANKED + STEP + BACK, None),
    adjusted("    from scipy.stats import false_discovery_control\n    return false_discovery_control(p)", None),
    adjusted(
        "    m = len(p)\n    s = sorted(p)\n    adj = [min([1] + [s[j] * m / (j + 1) for j in range(i, m)]) "
        "for i in range(m)]\n    return [adj[s.index(v)] if s.count(v) == 1 else adj[len(s) - 1 - s[::-1].index(v)] "
        "for v in p]",
        None,
    ),
    adjusted("    return np.minimum(p * len(p), 1)", "bonferroni"),
    adjusted(RANKED + BACK, "must not end above a larger one"),
    adjusted(RANKED + STEP + BACK.replace("np.minimum(q, 1)", "q"), None),
    adjusted(RANKED + STEP + "    return np.minimum(q, 1)", "in the order given"),
    adjusted(
        "    o = np.argsort(p)\n    q = np.maximum.accumulate(p[o] * (len(p) - np.arange(len(p))))\n" + BACK, "holm"
    ),
    adjusted(
        "    q = p * len(p) / np.arange(1, len(p) + 1)\n    return np.minimum(np.minimum.accumulate(q[::-1])[::-1], 1)",
        "place among the sorted",
    ),
    adjusted(RANKED + "    q = np.maximum.accumulate(q)\n" + BACK, "not from the smallest the largest"),
    adjusted("    return p", ""),
    # ---------------------------------------------------------------------------------------------------------- blocks
    blocks("    return [(s + i) % days for s in starts for i in range(block)][:length]", None),
    blocks("    return ((np.array(starts)[:, None] + np.arange(block)) % days).ravel()[:length]", None),
    blocks(
        "    out = []\n    for s in starts:\n        out += (list(range(days)) * 2)[s:s + block]\n"
        "    return tuple(out[:length])",
        None,
    ),
    blocks("    return [s + i for s in starts for i in range(block)][:length]", "% days"),
    blocks("    return [s + i for s in starts for i in range(block) if s + i < days][:length]", "does not end there"),
    blocks("    return [min(s + i, days - 1) for s in starts for i in range(block)][:length]", "not the last again"),
    blocks("    return [(s + i) % days for s in starts for i in range(block)]", "cut the whole"),
    blocks("    return starts[:length]", "followed by block − 1"),
    blocks("    return [(s + i) % days for i in range(block) for s in starts][:length]", "stay together"),
    blocks("    return [(s * block + i) % days for s in starts for i in range(block)][:length]", "not the number"),
    blocks("    return sorted((s + i) % days for s in starts for i in range(block))[:length]", ""),
    # ----------------------------------------------------------------------------------------------------------- delay
    delay(
        "    d = [a - event for a in alarms if -early <= a - event <= late]\n    return min(d) if d else late + 1", None
    ),
    delay(
        "    for a in sorted(alarms):\n        if event - early <= a <= event + late:\n            return a - event\n"
        "    return late + 1",
        None,
    ),
    delay(
        "    d = np.array([late + 1] + [a - event for a in alarms])\n"
        "    return int(d[(d >= -early) & ((d <= late) | (np.arange(len(d)) == 0))].min())",
        None,
    ),
    delay(
        "    d = [a - event for a in alarms if 0 <= a - event <= late]\n    return min(d) if d else late + 1",
        "before the public one",
    ),
    delay(
        "    d = [a - event for a in alarms if a - event >= -early]\n    return min(d) if d else late + 1",
        "of another event",
    ),
    delay(
        "    d = [a - event for a in alarms if -early < a - event < late]\n    return min(d) if d else late + 1",
        "both ends count",
    ),
    delay(
        "    d = min(alarms, default=10**6) - event\n    return d if -early <= d <= late else late + 1",
        "take this one's place",
    ),
    delay(
        "    d = [a - event for a in alarms if -early <= a - event <= late]\n    return d[0] if d else late + 1",
        "in whatever order",
    ),
    delay(
        "    d = [a - event for a in alarms if -early <= a - event <= late]\n    return max(d) if d else late + 1",
        "not the last",
    ),
    delay(
        "    d = [a - event for a in alarms if -early <= a - event <= late]\n"
        "    return max(0, min(d)) if d else late + 1",
        "has a delay below 0",
    ),
    delay(
        "    d = [a for a in alarms if -early <= a - event <= late]\n    return min(d) if d else late + 1",
        "not the day of the alarm",
    ),
    delay(
        "    d = [a - event for a in alarms if -early <= a - event <= late]\n    return min(d) if d else late",
        "told apart",
    ),
    delay("    d = [a - event for a in alarms if -early <= a - event <= late]\n    return min(d)", ""),
    # ------------------------------------------------------------------------------------------------ point adjustment
    runs(walked(), None),
    runs(
        "    out = np.array(called, dtype=bool)\n    edges = np.flatnonzero(np.diff([0, *map(int, true), 0]))\n"
        "    for a, b in zip(edges[::2], edges[1::2]):\n        out[a:b] |= out[a:b].any()\n    return out",
        None,
    ),
    runs(
        "    from itertools import groupby\n    out, i = [], 0\n    for real, group in groupby(true):\n"
        "        n = len(list(group))\n        part = called[i:i + n]\n"
        "        out += [True] * n if real and any(part) else list(part)\n        i += n\n    return out",
        None,
    ),
    runs(walked().replace("return out", "return [a and b for a, b in zip(out, true)]"), "false alarms stay"),
    runs(walked("any(called)"), "without an alarm stays"),
    runs(
        "    out, on = [], False\n    for c, t in zip(called, true):\n        on = t and (on or c)\n"
        "        out.append(c or on)\n    return out",
        "before the alarm",
    ),
    runs("    return called", "calls the whole run"),
    runs(
        "    n = len(called)\n"
        "    return [called[i] or (true[i] and any(called[max(0, i - 1):i + 2])) for i in range(n)]",
        "beside the alarm",
    ),
    runs(
        "    out, s = list(called), None\n    for i, t in enumerate(true):\n        if t and s is None:\n"
        "            s = i\n        if not t and s is not None:\n            if any(called[s:i]):\n"
        "                out[s:i] = [True] * (i - s)\n            s = None\n    return out",
        "up to the last day",
    ),
    runs("    return true", "that is the truth"),
    runs("    return [not c for c in called]", ""),
]
