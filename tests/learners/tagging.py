"""Answers to the checks on named entities."""

from . import Answer


def spans(lines, named, *never):
    return Answer("tagging.spans", f"def answer(tags):\n{lines}", named, never)


def read(change, to, named, *never):
    code = """
    found, start, kind = [], None, None
    for i, tag in enumerate(tags + ["O"]):
        if start is not None and (tag[0] != "I" or tag[2:] != kind):
            found.append((start, i, kind))
            start = None
        if tag != "O" and start is None:
            start, kind = i, tag[2:]
    return found
"""
    assert change in code
    return spans(code.replace(change, to), named, *never)


def align(lines, named, *never):
    return Answer("tagging.align", f"def answer(word_ids, tags, names):\n{lines}", named, never)


def aligned(change, to, named, *never):
    code = """
    labels, before = [], None
    for word in word_ids:
        if word is None:
            labels.append(-100)
        elif word != before:
            labels.append(names.index(tags[word]))
        else:
            labels.append(-100)
        before = word
    return labels
"""
    assert change in code
    return align(code.replace(change, to), named, *never)


ENTITIES = """
def entities(tags):
    found = []
    for i, tag in enumerate(tags):
        if tag[0] == "I" and found and found[-1][1] == i and found[-1][2] == tag[2:]:
            found[-1] = (found[-1][0], i + 1, tag[2:])
        elif tag != "O":
            found.append((i, i + 1, tag[2:]))
    return found
"""


def scored(change, to, named, *never):
    code = (
        ENTITIES
        + """
def answer(gold, predicted):
    there = {(n, *e) for n, tags in enumerate(gold) for e in entities(tags)}
    found = {(n, *e) for n, tags in enumerate(predicted) for e in entities(tags)}
    right = len(there & found)
    return 2 * right / (len(there) + len(found)) if right else 0.0
"""
    )
    assert change in code
    return Answer("tagging.f1", code.replace(change, to), named, never)


def f1(lines, named, *never):
    return Answer("tagging.f1", f"{ENTITIES}\ndef answer(gold, predicted):\n{lines}", named, never)


def follows(expression, named, *never):
    return Answer("tagging.follows", f"def answer(before, tag): return {expression}", named, never)


def searched(change, to, named, *never):
    code = """
def may(before, tag):
    return tag[0] != "I" or before is not None and before != "O" and before[2:] == tag[2:]

def answer(scores, names):
    C = len(names)
    total = np.array([scores[0][c] if may(None, names[c]) else -np.inf for c in range(C)])
    pointers = []
    for row in scores[1:]:
        table = np.array([[total[b] if may(names[b], names[c]) else -np.inf for b in range(C)] for c in range(C)])
        pointers.append(table.argmax(1))
        total = table.max(1) + row
    path = [int(total.argmax())]
    for pointer in reversed(pointers):
        path.append(int(pointer[path[-1]]))
    return path[::-1]
"""
    for one, other in zip(change, to, strict=True) if isinstance(change, tuple) else [(change, to)]:
        assert one in code
        code = code.replace(one, other)
    return Answer("tagging.best_tags", code, named, never)


def best(lines, named, *never):
    may = "def may(before, tag):\n    return tag[0] != 'I' or before is not None and before[2:] == tag[2:]\n"
    return Answer("tagging.best_tags", f"{may}\ndef answer(scores, names):\n{lines}", named, never)


def windows(lines, named, *never):
    return Answer("tagging.windows", f"def answer(length, room, overlap):\n{lines}", named, never)


def from_starts(starts, end, named, *never):
    return windows(f"    return [(start, {end}) for start in {starts}]", named, *never)


def tag_words(change, to, named, *never):
    code = """
from bertlib.text.wordpiece import word_spans

def answer(text, entities):
    tags = []
    for start, end in word_spans(text):
        tag = "O"
        for entity in entities:
            if entity["start"] <= start < entity["end"]:
                tag = ("B-" if start == entity["start"] else "I-") + entity["type"]
        tags.append(tag)
    return tags
"""
    for one, other in zip(change, to, strict=True) if isinstance(change, tuple) else [(change, to)]:
        assert one in code
        code = code.replace(one, other)
    return Answer("tagging.tag_words", code, named, never)


def entity_f1(expression, named, *never):
    return Answer("tagging.entity_f1", f"answer = {expression}", named, never)


def tag_scores(expression, named, *never):
    return Answer("tagging.tag_scores", f"def answer(hidden, weight, bias): return {expression}", named, never)


def tag_loss(lines, named, *never):
    return Answer("tagging.tag_loss", f"def answer(logits, labels):\n{lines}", named, never)


def lost(change, to, named, *never):
    code = """
    asked = labels != -100
    logp = logits.log_softmax(dim=-1)
    each = -logp.gather(-1, labels.clamp(min=0)[..., None]).squeeze(-1)
    return (each * asked).sum() / asked.sum().clamp(min=1)
"""
    assert change in code
    return tag_loss(code.replace(change, to), named, *never)


def join(lines, named, *never):
    return Answer("tagging.join", f"def answer(windows, predictions):\n{lines}", named, never)


def joined(change, to, named, *never):
    code = """
    result = []
    for i, (start, end) in enumerate(windows):
        first = 0 if i == 0 else (windows[i - 1][1] + start) // 2
        last = end if i == len(windows) - 1 else (end + windows[i + 1][0]) // 2
        for piece in range(first, last):
            result.append(predictions[i][piece - start])
    return result
"""
    for one, other in zip(change, to, strict=True) if isinstance(change, tuple) else [(change, to)]:
        assert one in code
        code = code.replace(one, other)
    return join(code, named, *never)


def how_many(value, named, *never):
    return Answer("tagging.how_many", f"answer = {value}", named, never)


def updates(expression, named, *never):
    return Answer("tagging.updates", f"answer = {expression}", named, never)


def borders(expression, named, *never):
    return Answer("tagging.borders", f"answer = {expression}", named, never)


STEPS = "range(0, max(length - overlap, 1), room - overlap)"

ANSWERS = [
    # --------------------------------------------------------------------------------------------------------- spans
    spans(
        "    found = []\n"
        "    for i, tag in enumerate(tags):\n"
        "        goes_on = tag[0] == 'I' and found and found[-1][1] == i and found[-1][2] == tag[2:]\n"
        "        if goes_on: found[-1][1] = i + 1\n"
        "        elif tag != 'O': found.append([i, i + 1, tag[2:]])\n"
        "    return found",
        None,
    ),
    spans(
        "    begins = [i for i, tag in enumerate(tags) if tag != 'O' and not\n"
        "              (tag[0] == 'I' and i and tags[i - 1] != 'O' and tags[i - 1][2:] == tag[2:])]\n"
        "    found = []\n"
        "    for begin in begins:\n"
        "        end = begin + 1\n"
        "        while end < len(tags) and tags[end] == 'I-' + tags[begin][2:]: end += 1\n"
        "        found.append((begin, end, tags[begin][2:]))\n"
        "    return tuple(found)",
        None,
    ),
    spans(
        "    from seqeval.metrics.sequence_labeling import get_entities\n"
        "    return [(start, end + 1, kind) for kind, start, end in get_entities(tags)]",
        None,
    ),
    read('if tag != "O" and start is None', 'if tag[0] == "B"', "an i- that continues nothing"),
    read('if tag != "O" and start is None', 'if tag[0] == "B" and start is None', "an i- that continues nothing"),
    read(" or tag[2:] != kind", "", "another type"),
    read('tag[0] != "I" or tag[2:] != kind', 'tag == "O" or tag[2:] != kind', "a b- begins"),
    read('tag[0] != "I" or tag[2:] != kind', 'tag == "O"', "also before a b-"),
    read("(start, i, kind)", "(start, i - 1, kind)", "one behind"),
    read('tags + ["O"]', "tags", "reaches the end"),
    spans("    return [(i, i + 1, tag[2:]) for i, tag in enumerate(tags) if tag != 'O']", "belong together"),
    read("start, kind = i, tag[2:]", "start, kind = i, tag", ""),
    read("(start, i, kind)", "(start, i, 'B-' + kind)", "without b-"),
    read("(start, i, kind)", "(kind, start, i)", "the type comes last"),
    read("(start, i, kind)", "{'start': start, 'end': i, 'type': kind}", "not a dict"),
    read("(start, i, kind)", "(start, i)", "three things"),
    read("(start, i, kind)", "(start + 1, i + 1, kind)", "from 0"),
    read("return found", "return set(found)", "a list"),
    spans("    return [(i, i + 1, tag[2:]) for i, tag in enumerate(tags) if tag[0] == 'B']", "belong together"),
    # --------------------------------------------------------------------------------------------------------- align
    aligned("return labels", "return np.array(labels)", None),
    align(
        "    return [names.index(tags[x]) if x and x != word_ids[i - 1] else -100 for i, x in enumerate(word_ids)]",
        "ask `word is none`",
    ),
    align("    return [names.index(tags[x]) if x else -100 for x in word_ids]", "ask `word is none`"),
    align(
        "    seen, labels = set(), []\n"
        "    for x in word_ids:\n"
        "        labels.append(names.index(tags[x]) if x and x not in seen else -100)\n"
        "        seen.add(x)\n"
        "    return labels",
        "ask `word is none`",
    ),
    aligned("return labels", "return torch.tensor(labels)", None),
    align(
        "    labels = [-100] * len(word_ids)\n"
        "    for number, tag in enumerate(tags): labels[word_ids.index(number)] = names.index(tag)\n"
        "    return labels",
        None,
    ),
    align(
        "    ids = {name: i for i, name in enumerate(names)}\n"
        "    first = [w is not None and w not in word_ids[:i] for i, w in enumerate(word_ids)]\n"
        "    return [ids[tags[w]] if f else -100 for w, f in zip(word_ids, first)]",
        None,
    ),
    aligned(
        "        else:\n            labels.append(-100)",
        "        else:\n            labels.append(labels[-1])",
        "only a word's first piece",
    ),
    aligned("elif word != before", "elif True", "only a word's first piece"),
    aligned("if word is None", "if not word", "is none"),
    aligned(
        "        else:\n            labels.append(-100)",
        "        else:\n            labels.append(names.index(tags[word].replace('B-', 'I-')))",
        "behind the first are -100",
    ),
    aligned(
        "        else:\n            labels.append(-100)",
        "        else:\n            label = names.index(tags[word])\n            labels.append(label + label % 2)",
        "label % 2",
    ),
    align(
        "    after = [*word_ids[1:], None]\n"
        "    return [-100 if w is None or w == n else names.index(tags[w]) for w, n in zip(word_ids, after)]",
        "not the last",
    ),
    aligned(
        "if word is None:\n            labels.append(-100)",
        "if word is None:\n            labels.append(names.index('O'))",
        "not o",
    ),
    aligned("-100", "0", "-100, not 0"),
    aligned("-100", "-1", "-100, not -1"),
    aligned("-100", "None", "-100, not none"),
    aligned(
        "if word is None:\n            labels.append(-100)",
        "if word is None:\n            continue",
        "one for each piece",
    ),
    aligned("names.index(tags[word])", "tags[word]", "ids"),
    aligned("names.index(tags[word])", "sorted(names).index(tags[word])", "order of names"),
    aligned(
        "names.index(tags[word])",
        "['O', 'B-PER', 'I-PER', 'B-LOC', 'I-LOC'].index(tags[word])",
        "order of names",
    ),
    align("    return [names.index(t) for t in tags] + [-100] * (len(word_ids) - len(tags))", "several pieces"),
    aligned("word != before", "word not in word_ids[:0]", "only a word's first piece"),
    # ------------------------------------------------------------------------------------------------------------ F1
    f1(
        "    right = found = there = 0\n"
        "    for g, p in zip(gold, predicted):\n"
        "        g, p = entities(g), entities(p)\n"
        "        right += sum(e in g for e in p)\n"
        "        found, there = found + len(p), there + len(g)\n"
        "    P, R = right / max(found, 1), right / max(there, 1)\n"
        "    return 2 * P * R / (P + R) if right else 0",
        None,
    ),
    Answer(
        "tagging.f1",
        """
from seqeval.metrics import f1_score

def answer(gold, predicted):
    return f1_score(gold, predicted, zero_division=0) if any(t != "O" for s in gold + predicted for t in s) else 0.0
""",
        None,
    ),
    scored(
        "2 * right / (len(there) + len(found)) if right else 0.0",
        "np.float64(2 * right / max(len(there) + len(found), 1))",
        None,
    ),
    f1(
        "    def joined(texts):\n"
        "        return entities([tag for tags in texts for tag in [*tags, 'O']])\n"
        "    there, found = set(joined(gold)), set(joined(predicted))\n"
        "    return torch.tensor(2 * len(there & found) / max(1, len(there) + len(found)))",
        None,
    ),
    f1(
        "    scores = []\n"
        "    for kind in ('PER', 'LOC'):\n"
        "        g = {(n, *e) for n, t in enumerate(gold) for e in entities(t) if e[2] == kind}\n"
        "        p = {(n, *e) for n, t in enumerate(predicted) for e in entities(t) if e[2] == kind}\n"
        "        scores.append(2 * len(g & p) / (len(g) + len(p)) if g & p else 0.0)\n"
        "    return sum(scores) / len(scores)",
        "mean over the types",
        "precision",
    ),
    f1(
        "    scores = []\n"
        "    for kind in sorted({t[2:] for s in gold for t in s if t != 'O'}):\n"
        "        g = {(n, *e) for n, t in enumerate(gold) for e in entities(t) if e[2] == kind}\n"
        "        p = {(n, *e) for n, t in enumerate(predicted) for e in entities(t) if e[2] == kind}\n"
        "        scores.append(2 * len(g & p) / (len(g) + len(p)) if g & p else 0.0)\n"
        "    return sum(scores) / len(scores) if scores else 0.0",
        "mean over the types",
        "precision",
    ),
    scored("if right else 0.0", "if there or found else 1.0", "0, not 1", "token accuracy"),
    f1(
        "    pairs = [(g, p) for s, t in zip(gold, predicted) for g, p in zip(s, t)]\n"
        "    return sum(g == p for g, p in pairs) / len(pairs)",
        "token accuracy",
    ),
    f1(
        "    pairs = [(g, p) for s, t in zip(gold, predicted) for g, p in zip(s, t)]\n"
        "    right = sum(g == p != 'O' for g, p in pairs)\n"
        "    return 2 * right / max(1, sum(g != 'O' for g, p in pairs) + sum(p != 'O' for g, p in pairs))",
        "tags are counted",
    ),
    scored("(n, *e)", "(n, *e[:2])", "type must be right"),
    scored("(n, *e)", "e", "two texts"),
    scored("(n, *e)", "(n, e[0], e[2])", "where an entity ends"),
    scored("(n, *e)", "(n, e[1], e[2])", "where an entity begins"),
    scored("2 * right / (len(there) + len(found))", "right / len(there)", "recall"),
    scored("2 * right / (len(there) + len(found))", "right / len(found)", "precision"),
    scored("2 * right / (len(there) + len(found))", "right / len(there | found)", "each counted once", "jaccard"),
    scored("2 * right / (len(there) + len(found))", "(right / len(there) + right / len(found)) / 2", "harmonic mean"),
    scored("2 * right / (len(there) + len(found))", "200 * right / (len(there) + len(found))", "not percent"),
    scored("2 * right / (len(there) + len(found))", "right / (len(there) + len(found))", "factor 2"),
    scored(" if right else 0.0", "", "divides by 0"),
    scored('elif tag != "O"', 'elif tag[0] == "B"', "an i- that continues nothing"),
    f1(
        "    scores = []\n"
        "    for g, p in zip(gold, predicted):\n"
        "        g, p = set(entities(g)), set(entities(p))\n"
        "        scores.append(2 * len(g & p) / max(1, len(g) + len(p)))\n"
        "    return sum(scores) / len(scores)",
        "over all texts together",
    ),
    # ------------------------------------------------------------------------------------------------------- follows
    follows("not tag.startswith('I-') or before in ('B-' + tag[2:], tag)", None),
    follows("tag[0] != 'I' or (before is not None and before[2:] == tag[2:])", None),
    follows("np.bool_(tag[:2] != 'I-' or (before or 'O')[2:] == tag[2:])", None),
    follows("torch.tensor(tag[:1] in 'BO' or before in {tag, tag.replace('I-', 'B-')})", None),
    follows("not tag.startswith('I-') or before == 'B-' + tag[2:]", "follow an i-"),
    follows("not tag.startswith('I-') or before == tag", "follow a b-"),
    follows("not tag.startswith('I-') or before not in (None, 'O')", "own type"),
    follows("not tag.startswith('I-') or before is None or before[2:] == tag[2:]", "at the beginning"),
    follows("not tag.startswith('I-') or before in ('O', 'B-' + tag[2:], tag)", "follow an o"),
    follows("not tag.startswith('I-') or before[2:] == tag[2:]", "none is among"),
    follows("not (tag[0] != 'I' or before in ('B-' + tag[2:], tag))", "upside down"),
    follows("before in ('B-' + tag[2:], tag)", "only an i-"),
    follows("tag[0] != 'I' or before and before[2:] == tag[2:]", "bool("),
    follows(
        "True if tag == 'O' else before in (None, 'O') if tag[0] == 'B' else before in ('B-' + tag[2:], tag)",
        "a b- may stand",
    ),
    follows("before is not None and (tag[0] != 'I' or before[2:] == tag[2:])", "may begin"),
    follows("int(tag[0] != 'I' or before in ('B-' + tag[2:], tag))", "bool("),
    # ----------------------------------------------------------------------------------------------------- best tags
    searched("return path[::-1]", "return np.array(path[::-1])", None),
    searched("return path[::-1]", "return torch.tensor(path[::-1])", None),
    best(
        "    paths = [((), 0.0)]\n"
        "    for row in scores:\n"
        "        new = {}\n"
        "        for path, total in paths:\n"
        "            for c, tag in enumerate(names):\n"
        "                if may(names[path[-1]] if path else None, tag):\n"
        "                    if c not in new or new[c][1] < total + row[c]: new[c] = (path + (c,), total + row[c])\n"
        "        paths = list(new.values())\n"
        "    return list(max(paths, key=lambda p: p[1])[0])",
        None,
    ),
    best(
        "    allowed = np.array([[may(b, t) for t in names] for b in names])\n"
        "    first = np.array([may(None, t) for t in names])\n"
        "    p = np.exp(scores)\n"
        "    total, pointers = p[0] * first, []\n"
        "    for row in p[1:]:\n"
        "        table = total[:, None] * allowed * row\n"
        "        pointers.append(table.argmax(0)); total = table.max(0)\n"
        "    path = [total.argmax()]\n"
        "    for q in pointers[::-1]: path.insert(0, q[path[0]])\n"
        "    return path",
        None,
    ),
    best("    return [int(row.argmax()) for row in scores]", "each word alone"),
    best(
        "    path = []\n"
        "    for row in scores:\n"
        "        allowed = [c for c in range(len(names)) if may(names[path[-1]] if path else None, names[c])]\n"
        "        path.append(max(allowed, key=lambda c: row[c]))\n"
        "    return path",
        "binds the next",
    ),
    best(
        "    path = [int(row.argmax()) for row in scores]\n"
        "    for i, c in enumerate(path):\n"
        "        if not may(names[path[i - 1]] if i else None, names[c]):\n"
        "            path[i] = names.index('B-' + names[c][2:])\n"
        "    return path",
        "mending",
    ),
    best(
        "    path = [int(row.argmax()) for row in scores]\n"
        "    for i, c in enumerate(path):\n"
        "        if not may(names[path[i - 1]] if i else None, names[c]):\n"
        "            path[i] = names.index('O')\n"
        "    return path",
        "mending",
    ),
    searched(
        (
            "pointers.append(table.argmax(1))",
            "path = [int(total.argmax())]\n    for pointer in reversed(pointers):\n"
            "        path.append(int(pointer[path[-1]]))",
            "pointers = []",
            "total = table.max(1) + row",
            "return path[::-1]",
        ),
        (
            "",
            "",
            "path = [int(total.argmax())]",
            "total = table.max(1) + row; path.append(int(total.argmax()))",
            "return path",
        ),
        "way back",
        "each word alone",
    ),
    searched("total = table.max(1) + row", "total = table.max(1) * row", "added"),
    searched("scores[0][c] if may(None, names[c]) else -np.inf", "scores[0][c]", "at the beginning"),
    searched("return path[::-1]", "return path", "from the last word"),
    searched("return path[::-1]", "return [names[c] for c in path[::-1]]", "ids"),
    searched("may(names[b], names[c])", "may(names[c], names[b])", "exchanged"),
    searched("total[b] if may(names[b], names[c]) else -np.inf", "total[b]", "only the first word"),
    searched("total = table.max(1) + row", "total = row", "best sum so far"),
    searched("total.argmax()", "total.argmin()", "highest"),
    searched("before[2:] == tag[2:]", "before == 'B-' + tag[2:]", "follow an i-"),
    searched("before[2:] == tag[2:]", "True", "own type"),
    searched("return path[::-1]", "return total.max()", "best sum"),
    # ------------------------------------------------------------------------------------------------------- windows
    windows(
        "    found, start = [], 0\n"
        "    while True:\n"
        "        end = min(start + room, length)\n"
        "        found.append([start, end])\n"
        "        if end == length: return found\n"
        "        start = end - overlap",
        None,
    ),
    windows(
        "    n = 1 if length <= room else 1 + math.ceil((length - room) / (room - overlap))\n"
        "    starts = [round(i * max(0, length - room) / max(1, n - 1)) for i in range(n)]\n"
        "    return np.array([(s, min(s + room, length)) for s in starts])",
        None,
    ),
    windows(
        "    starts = list(range(0, max(1, length - overlap), room - overlap))\n"
        "    return tuple((max(0, min(s, length - room)), min(s + room, length)) for s in starts)",
        None,
    ),
    from_starts(STEPS, "min(start + room, length)", None),
    from_starts("range(0, length, room)", "min(start + room, length)", "whole in none"),
    from_starts("range(0, length, room - overlap)", "min(start + room, length)", "once the end is reached"),
    from_starts("range(0, length, overlap or 1)", "min(start + room, length)", "step", "once the end"),
    from_starts("range(0, max(length - room, 0) + 1, room - overlap)", "min(start + room, length)", "vanish"),
    from_starts(STEPS, "start + room", "cut the last one"),
    from_starts(STEPS, "min(start + room, length) - 1", "one behind"),
    from_starts(STEPS, "min(start + room + 1, length)", "longer than"),
    from_starts("range(0, length, room)", "min(start + room + overlap, length)", "overlap counts"),
    from_starts("range(max(length, 1))", "min(start + room, length)", "too small"),
    windows("    return [(0, min(length, room))]", "vanish"),
    windows("    return [start for start in range(0, length, room - overlap)]", "(start, end)"),
    from_starts(STEPS, "room", "start + room"),
    from_starts("range(0, length, room + overlap)", "min(start + room, length)", "in no window"),
    from_starts("range(0, max(length - overlap, 1), room - overlap - 1)", "min(start + room, length)", "too small"),
    windows(
        "    for start in range(0, length, room - overlap):\n        yield start, min(start + room, length)",
        "generator",
    ),
    # ----------------------------------------------------------------------------------------------------- tag words
    Answer(
        "tagging.tag_words",
        """
from bertlib.text.wordpiece import word_spans

def answer(text, entities):
    words = word_spans(text)
    tags = ["O" for _ in words]
    for entity in entities:
        inside = [i for i, (start, end) in enumerate(words) if entity["start"] <= start and end <= entity["end"]]
        for i in inside:
            tags[i] = ("B-" if i == inside[0] else "I-") + entity["type"]
    return tags
""",
        None,
    ),
    Answer(
        "tagging.tag_words",
        """
from bertlib.text.wordpiece import word_spans

def answer(text, entities):
    of = [""] * len(text)
    for entity in entities:
        of[entity["start"]] = "B-" + entity["type"]
        for place in range(entity["start"] + 1, entity["end"]):
            of[place] = "I-" + entity["type"]
    return tuple(of[start] or "O" for start, _ in word_spans(text))
""",
        None,
    ),
    Answer(
        "tagging.tag_words",
        """
from bertlib.text.spans import tags_of
from bertlib.text.wordpiece import word_spans

def answer(text, entities):
    return tags_of(word_spans(text), [(e["start"], e["end"], e["type"]) for e in entities])
""",
        None,
    ),
    tag_words('("B-" if start == entity["start"] else "I-")', '"I-"', "first word of an entity"),
    tag_words('("B-" if start == entity["start"] else "I-")', '"B-"', "behind the first are i-"),
    tag_words('start < entity["end"]', 'start <= entity["end"]', "one behind the last"),
    tag_words('start < entity["end"]', 'start and end < entity["end"]', "last word"),
    tag_words('("B-" if start == entity["start"] else "I-") + entity["type"]', 'entity["type"]', "b- or i-"),
    tag_words(
        ("        tags.append(tag)", '("B-" if start == entity["start"] else "I-") + entity["type"]'),
        (
            '        tags.append(tag if tag == "O" else ("I-" if tags and tags[-1][2:] == tag else "B-") + tag)',
            'entity["type"]',
        ),
        "side by side",
    ),
    tag_words(
        ("        tags.append(tag)", '("B-" if start == entity["start"] else "I-") + entity["type"]'),
        (
            '        tags.append(tag if tag == "O" else ("I-" if tags and tags[-1] != "O" else "B-") + tag)',
            'entity["type"]',
        ),
        "side by side",
    ),
    tag_words(
        ("        tags.append(tag)", "    tags = []"),
        (
            "        near = tags and tags[-1][2:] == tag[2:]\n"
            "        tags.append(tag if tag[0] != 'B' or near else 'I' + tag[1:])",
            "    tags = []",
        ),
        "first word of an entity",
    ),
    tag_words('entity["start"] <= start < entity["end"]', 'start == entity["start"]', "every word of an entity"),
    tag_words(
        "word_spans(text):",
        "[m.span() for m in __import__('re').finditer(r'[^ ]+', text)]:",
        "punctuation marks",
    ),
    tag_words(
        "word_spans(text):", "[m.span() for m in __import__('re').finditer(r'\\w+', text)]:", "punctuation marks"
    ),
    tag_words(
        ("for entity in entities:\n", 'if entity["start"] <= start < entity["end"]'),
        (
            "for entity in entities:\n            name = text[entity['start']:entity['end']]\n",
            "if text[start:end] in name.split()",
        ),
        "same word",
    ),
    tag_words(
        ("        tags.append(tag)", "    tags = []"),
        (
            "        tags.append(tag.replace('I-', 'E-') if any(end == e['end'] for e in entities) else tag)",
            "    tags = []",
        ),
        "no e-",
    ),
    tag_words("        tags.append(tag)", "        if tag != 'O': tags.append(tag)", "o for"),
    # ----------------------------------------------------------------------------------------------------- entity F1
    entity_f1("2 * 12 / (22 + 58)", None),
    entity_f1("0.3", None),
    entity_f1("2 / (22 / 12 + 58 / 12)", None),
    entity_f1("np.float32(0.3)", None),
    entity_f1("12 / 22", "recall"),
    entity_f1("12 / 58", "precision"),
    entity_f1("(12 / 22 + 12 / 58) / 2", "harmonic"),
    entity_f1("12 / (22 + 58 - 12)", "each counted once", "jaccard"),
    entity_f1("12 / (22 + 58)", "factor 2"),
    entity_f1("12 / 22 * 12 / 58", "product"),
    entity_f1("math.sqrt(12 / 22 * 12 / 58)", "harmonic"),
    entity_f1("30", "not percent"),
    entity_f1("12", "fraction"),
    entity_f1("1.0", ""),
    # --------------------------------------------------------------------------------------------------- tag scores
    tag_scores("F.linear(hidden, weight, bias)", None),
    tag_scores("torch.einsum('btd,cd->btc', hidden, weight) + bias", None),
    tag_scores("(hidden[..., None, :] * weight).sum(-1) + bias", None),
    tag_scores("torch.stack([torch.stack([weight @ h + bias for h in row]) for row in hidden])", None),
    tag_scores("hidden.numpy() @ weight.numpy().T + bias.numpy()", None),
    tag_scores("[[[float(w @ h + b) for w, b in zip(weight, bias)] for h in row] for row in hidden]", None),
    tag_scores("hidden[:, 0] @ weight.T + bias", "[cls] alone"),
    tag_scores("hidden.mean(1) @ weight.T + bias", "one label per text"),
    tag_scores("(hidden @ weight.T + bias).softmax(-1)", "takes the softmax itself"),
    tag_scores("F.log_softmax(hidden @ weight.T + bias, -1)", "takes the softmax itself"),
    tag_scores("hidden @ weight.T", "bias"),
    tag_scores("hidden @ weight + bias", "runtimeerror"),
    tag_scores("torch.tanh(hidden) @ weight.T + bias", "no tanh"),
    tag_scores("F.relu(hidden @ weight.T + bias)", "no activation"),
    tag_scores("(hidden @ weight.T + bias).argmax(-1)", "chosen tags"),
    tag_scores("(hidden @ weight.T + bias).mT", "tags come last"),
    # ----------------------------------------------------------------------------------------------------- tag loss
    tag_loss(
        "    return F.cross_entropy(logits[labels != -100], labels[labels != -100], reduction='sum') / max(1, "
        "(labels != -100).sum())",
        None,
    ),
    tag_loss(
        "    loss = F.cross_entropy(logits.flatten(0, 1), labels.flatten(), ignore_index=-100)\n"
        "    return loss if (labels != -100).any() else 0 * logits.sum()",
        None,
    ),
    tag_loss("    return F.cross_entropy(logits.mT, labels, reduction='sum') / (labels != -100).sum().clamp(1)", None),
    tag_loss(
        "    total, count = 0 * logits.sum(), 0\n"
        "    for b in range(len(labels)):\n"
        "        for t in range(len(labels[b])):\n"
        "            if labels[b, t] != -100:\n"
        "                total = total - torch.log(torch.softmax(logits[b, t], 0)[labels[b, t]])\n"
        "                count += 1\n"
        "    return total / count if count else total",
        None,
    ),
    lost("each * asked", "each * asked", None),
    tag_loss("    return F.cross_entropy(logits.flatten(0, 1), labels.flatten())", "0/0"),
    tag_loss("    return F.cross_entropy(logits.flatten(0, 1), labels.flatten().clamp(min=0))", "-100 is no tag"),
    lost("asked.sum().clamp(min=1)", "labels.numel()", "asked, not by all"),
    lost("(each * asked).sum() / asked.sum().clamp(min=1)", "(each * asked).mean()", "asked, not by all"),
    lost("(each * asked).sum() / asked.sum().clamp(min=1)", "each.mean()", "-100 is no tag"),
    lost(
        "(each * asked).sum() / asked.sum().clamp(min=1)",
        "((each * asked).sum(1) / asked.sum(1).clamp(min=1)).mean()",
        "mean of means",
    ),
    lost("(each * asked).sum() / asked.sum().clamp(min=1)", "(each * asked).sum()", "the sum"),
    lost("asked.sum().clamp(min=1)", "len(labels)", "number of sentences"),
    lost("labels != -100", "labels > 0", "tag 0 is o"),
    lost("logits.log_softmax(dim=-1)", "logits.softmax(-1).log_softmax(-1)", "itself"),
    lost("logits.log_softmax(dim=-1)", "logits.softmax(dim=-1)", "logarithm is missing"),
    lost("logits.log_softmax(dim=-1)", "logits", "log-softmax first"),
    lost("logits.log_softmax(dim=-1)", "logits.log_softmax(dim=1)", "over the tags"),
    lost("each = -logp", "each = logp", "minus"),
    lost(".clamp(min=1)", "", "0/0"),
    lost("(each * asked).sum() / asked.sum().clamp(min=1)", "each * asked", "one number"),
    lost(
        "(each * asked).sum() / asked.sum().clamp(min=1)",
        "((each * asked).sum() / asked.sum().clamp(min=1)).item()",
        "no gradient",
    ),
    *(
        lost(
            "(each * asked).sum() / asked.sum().clamp(min=1)",
            f"(each * asked).sum() / asked.sum() if asked.any() else {nothing}",
            named,
        )
        for nothing, named in (
            ("torch.tensor(0.0)", "where nothing is asked for the loss has no gradient"),
            ("0.0", "where nothing is asked for the loss has no gradient"),
            ("logits.sum() * 0.0", None),
            ("(each * asked).sum()", None),
        )
    ),
    # --------------------------------------------------------------------------------------------------------- join
    joined("return result", "return np.array(result)", None),
    joined("return result", "return tuple(result)", None),
    join(
        "    n = windows[-1][1]\n"
        "    best = [None] * n\n"
        "    for (start, end), own in zip(windows, predictions):\n"
        "        for at, tag in enumerate(own):\n"
        "            room = min(at if start else 999, len(own) - 1 - at if end < n else 999)\n"
        "            if best[start + at] is None or room > best[start + at][0]: best[start + at] = (room, tag)\n"
        "    return [tag for _, tag in best]",
        None,
    ),
    join(
        "    joined = list(predictions[0])\n"
        "    for (_, end), (start, _), new in zip(windows, windows[1:], predictions[1:]):\n"
        "        half = (end - start) // 2\n"
        "        joined = joined[: len(joined) - half] + new[half:]\n"
        "    return joined",
        None,
    ),
    join("    return [tag for own in predictions for tag in own]", "comes twice"),
    join(
        "    joined = [None] * windows[-1][1]\n"
        "    for (start, end), own in zip(windows, predictions): joined[start:end] = own\n"
        "    return joined",
        "first half is the earlier",
    ),
    join(
        "    joined = []\n"
        "    for (start, end), own in zip(windows, predictions): joined += own[len(joined) - start:]\n"
        "    return joined",
        "second half is the later",
    ),
    join(
        "    joined = {}\n"
        "    for (start, end), own in zip(windows, predictions):\n"
        "        for at, tag in enumerate(own): joined.setdefault(start + at, tag)\n"
        "    return list(joined.values())",
        "second half is the later",
    ),
    joined("predictions[i][piece - start]", "predictions[i][piece]", "indexerror"),
    joined(
        "first = 0 if i == 0 else (windows[i - 1][1] + start) // 2",
        "first = start if i == 0 else windows[i - 1][1]",
        "half of what is shared is lost",
    ),
    joined("last = end if i == len(windows) - 1 else (end + windows[i + 1][0]) // 2", "last = end", ""),
    joined(
        (
            "first = 0 if i == 0 else (windows[i - 1][1] + start) // 2",
            "last = end if i == len(windows) - 1 else (end + windows[i + 1][0]) // 2",
        ),
        ("first = 0 if i == 0 else windows[i - 1][1]", "last = end if i == len(windows) - 1 else windows[i + 1][0]"),
        "is lost",
    ),
    joined("range(first, last)", "range(first, last - 1)", ""),
    joined(
        "            result.append(predictions[i][piece - start])",
        "            result.append((piece, predictions[i][piece - start]))",
        "alone",
    ),
    joined("for i, (start, end) in enumerate(windows):", "for i, (start, end) in enumerate(windows[:1]):", ""),
    join("    return list(predictions[0])", "only the first"),
    joined("return result", "return dict(enumerate(result))", "a list"),
    # ----------------------------------------------------------------------------------------------------- how many
    how_many("6", None),
    how_many("6.0", None),
    how_many("np.int64(6)", None),
    how_many("torch.tensor(6)", None),
    how_many("4", "an i- that continues nothing"),
    how_many("2", "side by side"),
    how_many("8", "several words"),
    how_many("3", ""),
    how_many("'6'", "expected a number"),
    how_many("10", ""),
    how_many("True", "expected a number"),
    # ------------------------------------------------------------------------------------------------------ updates
    updates("40", None),
    updates("math.ceil(119 / 16) * 5", None),
    updates("len(range(0, 119, 16)) * 5", None),
    updates("-(-119 // 16) * 5.0", None),
    updates("119 // 16 * 5", "round up"),
    updates("119 / 16 * 5", "round up first"),
    updates("math.ceil(119 * 5 / 16)", "round up first"),
    updates("119 * 5", "whole batch"),
    updates("8", "one epoch"),
    updates("119", "whole batch"),
    updates("5", ""),
    # ------------------------------------------------------------------------------------------------------ borders
    borders("50 / 63", None),
    borders("2 * 50 / (63 + 63)", None),
    borders("0.794", None),
    borders("np.float32(0.7937)", None),
    borders("2 * 50 / (63 + 50)", "twice"),
    borders("(63 - 13 / 2) / 63", "half points"),
    borders("(63 - 26) / 63", "once"),
    borders("50 / 76", "each counted once", "jaccard"),
    borders("13 / 63", "share of wrong"),
    borders("50", "fraction"),
    borders("79.4", "not percent"),
    borders("0.8", "three significant"),
]
