"""Answers to the checks on sentence pairs."""

from . import Answer

JOIN = "def answer(first, second, cls_token_id, sep_token_id):\n"
JOINS = [
    Answer(
        "pairs.join",
        JOIN
        + """
    ids, types = [cls_token_id], [0]
    for segment, tokens in enumerate((first, second)):
        for token in tokens:
            ids.append(token)
            types.append(segment)
        ids.append(sep_token_id)
        types.append(segment)
    return ids, types
""",
        None,
    ),
    Answer(
        "pairs.join",
        JOIN
        + """
    ids = np.concatenate([[cls_token_id], first, [sep_token_id], second, [sep_token_id]]).astype(int)
    return ids.tolist(), np.repeat([0, 1], [len(first) + 2, len(second) + 1]).tolist()
""",
        None,
    ),
    Answer(
        "pairs.join",
        JOIN
        + """
    ids = (cls_token_id, *first, sep_token_id, *second, sep_token_id)
    return ids, tuple(int(place > len(first) + 1) for place in range(len(ids)))
""",
        None,
    ),
    *(
        Answer("pairs.join", f"{JOIN}    ids = {ids}\n    return {given}", named)
        for ids, given, named in (
            (
                "[cls_token_id, *first, sep_token_id, *second, sep_token_id]",
                "ids, [0] * (len(first) + 1) + [1] * (len(second) + 2)",
                "belongs to segment a",
            ),
            (
                "[cls_token_id, *first, sep_token_id, *second, sep_token_id]",
                "[0] * (len(first) + 2) + [1] * (len(second) + 1), ids",
                "exchanged",
            ),
            ("[cls_token_id, *first, sep_token_id, *second, sep_token_id]", "ids", "two things"),
            (
                "[cls_token_id, *first, sep_token_id, *second]",
                "ids, [0] * (len(first) + 2) + [1] * len(second)",
                "behind b is missing",
            ),
            (
                "[cls_token_id, *first, sep_token_id, *second, sep_token_id]",
                "ids, [1] * (len(first) + 2) + [2] * (len(second) + 1)",
                "count from 0",
            ),
            (
                "[cls_token_id, *second, sep_token_id, *first, sep_token_id]",
                "ids, [0] * (len(second) + 2) + [1] * (len(first) + 1)",
                "a comes first",
            ),
            ("first + [sep_token_id] + second", "ids, [0] * len(ids)", ""),
        )
    ),
]

TRUNCATE = "def answer(first, second, budget):\n"
TRUNCATES = [
    Answer(
        "pairs.truncate",
        TRUNCATE
        + """
    a, b = len(first), len(second)
    while a + b > budget:
        if a > b:
            a -= 1
        else:
            b -= 1
    return first[len(first) - a :], second[:b]
""",
        None,
    ),
    Answer(
        "pairs.truncate",
        TRUNCATE
        + """
    if len(first) + len(second) <= budget:
        return first, second
    a = min(len(first), max(budget - len(second), (budget + 1) // 2))
    return first[len(first) - a :], second[: budget - a]
""",
        None,
    ),
    Answer(
        "pairs.truncate",
        TRUNCATE
        + """
    from collections import deque
    first, second = deque(first), deque(second)
    for _ in range(len(first) + len(second) - budget):
        first.popleft() if len(first) > len(second) else second.pop()
    return list(first), list(second)
""",
        None,
    ),
    Answer("pairs.truncate", TRUNCATE + "    return first, second[: max(0, budget - len(first))]", "not always b"),
    Answer("pairs.truncate", TRUNCATE + "    return first[: budget // 2], second[: budget - budget // 2]", ""),
    Answer(
        "pairs.truncate",
        TRUNCATE
        + """
    first, second = list(first), list(second)
    while len(first) + len(second) > budget:
        (first if len(first) > len(second) else second).pop()
    return first, second
""",
        "cut at its front",
    ),
    Answer(
        "pairs.truncate",
        TRUNCATE
        + """
    first, second = list(first), list(second)
    while len(first) + len(second) > budget:
        first.pop(0) if len(first) >= len(second) else second.pop()
    return first, second
""",
        "second loses",
    ),
    Answer(
        "pairs.truncate",
        TRUNCATE
        + """
    first, second = list(first), list(second)
    while len(first) + len(second) > budget - 3:
        first.pop(0) if len(first) > len(second) else second.pop()
    return first, second
""",
        "taken off already",
    ),
    Answer(
        "pairs.truncate",
        TRUNCATE
        + """
    while len(first) + len(second) > budget:
        first.pop(0) if len(first) > len(second) else second.pop()
    return first, second
""",
        "in place",
    ),
    Answer("pairs.truncate", TRUNCATE + "    return (first + second)[:budget]", ""),
]

LABEL = "def answer(first, second):\n    return "
LABELS = [
    Answer("pairs.label", LABEL + "int(second != (first[0], first[1] + 1))", None),
    Answer("pairs.label", LABEL + "0 if first[0] == second[0] and second[1] - first[1] == 1 else 1", None),
    Answer("pairs.label", LABEL + "np.where(second == (first[0], first[1] + 1), 0, 1)[()]", None),
    Answer("pairs.label", LABEL + "1 if second == (first[0], first[1] + 1) else 0", "0 is isnext"),
    Answer("pairs.label", LABEL + "0 if first[0] == second[0] else 1", "the very next"),
    Answer("pairs.label", LABEL + "0 if second[1] == first[1] + 1 else 1", ""),
    Answer("pairs.label", LABEL + "second != (first[0], first[1] + 1)", "truth value"),
    Answer("pairs.label", LABEL + "0 if first[0] == second[0] and second[1] > first[1] else 1", "the very next"),
    Answer("pairs.label", LABEL + "'IsNext'", ""),
]

RANDOM = "def answer(documents, document, sentence, rng):\n"
RANDOM_NEXT = [
    Answer(
        "pairs.random_next",
        RANDOM
        + """
    true_next = documents[document][sentence + 1]
    places = [
        (other, place)
        for other in range(len(documents))
        if other != document
        for place in range(1, len(documents[other]))
        if documents[other][place] != true_next
    ]
    return places[rng.integers(len(places))]
""",
        None,
    ),
    Answer(
        "pairs.random_next",
        RANDOM
        + """
    others = np.array([other for other in range(len(documents)) if other != document])
    other = rng.choice(others)
    places = [p for p in range(1, len(documents[other])) if documents[other][p] != documents[document][sentence + 1]]
    return [other, rng.choice(places)]
""",
        None,
    ),
    Answer(
        "pairs.random_next",
        RANDOM
        + """
    while True:
        other = (document + 1 + int(rng.integers(len(documents) - 1))) % len(documents)
        place = 1 + int(rng.random() * (len(documents[other]) - 1))
        if documents[other][place] != documents[document][sentence + 1]:
            return other, place
""",
        None,
    ),
    Answer(
        "pairs.random_next",
        RANDOM
        + """
    while True:
        other = int(rng.integers(len(documents)))
        place = int(rng.integers(len(documents[other])))
        if other != document and documents[other][place] != documents[document][sentence + 1]:
            return other, place
""",
        "opens its document",
    ),
    Answer(
        "pairs.random_next",
        RANDOM
        + """
    other = int(rng.integers(len(documents)))
    return other, int(rng.integers(1, len(documents[other])))
""",
        "another document",
    ),
    Answer(
        "pairs.random_next",
        RANDOM
        + """
    other = (document + int(rng.integers(1, len(documents)))) % len(documents)
    return other, int(rng.integers(1, len(documents[other])))
""",
        "share a passage",
    ),
    Answer(
        "pairs.random_next",
        RANDOM
        + """
    return (document + int(rng.integers(1, len(documents)))) % len(documents), 1
""",
        "gives itself away",
    ),
    Answer(
        "pairs.random_next",
        RANDOM
        + """
    while True:
        other = (document + int(rng.integers(1, len(documents)))) % len(documents)
        place = int(rng.integers(1, max(2, len(documents[other]) - 1)))
        if documents[other][place] != documents[document][sentence + 1]:
            return other, place
""",
        "the last one too",
    ),
    Answer(
        "pairs.random_next",
        RANDOM
        + """
    while True:
        other = (document + int(rng.integers(1, len(documents)))) % len(documents)
        place = int(rng.integers(1, len(documents[other])))
        if documents[other][place] != documents[document][sentence + 1]:
            return documents[other][place]
""",
        "two numbers",
    ),
    Answer(
        "pairs.random_next",
        RANDOM
        + """
    import random
    while True:
        other = random.randrange(len(documents))
        place = random.randrange(1, len(documents[other]))
        if other != document and documents[other][place] != documents[document][sentence + 1]:
            return other, place
""",
        "only from the rng",
    ),
    Answer(
        "pairs.random_next",
        RANDOM
        + """
    other = (document + 1) % len(documents)
    while True:
        place = int(rng.integers(1, len(documents[other])))
        if documents[other][place] != documents[document][sentence + 1]:
            return other, place
""",
        "",
    ),
]

BUILD = """
def false_one(documents, document, sentence, rng):
    while True:
        other = int(rng.integers(len(documents)))
        place = int(rng.integers(1, len(documents[other])))
        if other != document and documents[other][place] != documents[document][sentence + 1]:
            return documents[other][place]

def answer(documents, rng):
    pairs = []
    for number, document in enumerate(documents):
        for place, first in enumerate(document[:-1]):
            if rng.random() < 0.5:
                pairs.append((first, document[place + 1], 0))
            else:
                pairs.append((first, false_one(documents, number, place, rng), 1))
    return pairs
"""


def built(old: str, new: str) -> str:
    """The right builder with one piece of it exchanged."""
    assert old in BUILD
    return BUILD.replace(old, new)


BUILDS = [
    Answer("pairs.build", BUILD, None),
    Answer("pairs.build", built("rng.random() < 0.5", "rng.integers(2)"), None),
    Answer("pairs.build", built("return pairs", "return [list(pair) for pair in pairs]"), None),
    Answer("pairs.build", built("place + 1], 0)", "place + 1], 1)"), "0 is isnext"),
    Answer("pairs.build", built("other != document and ", ""), "another document"),
    Answer("pairs.build", built("rng.random() < 0.5", "place % 2"), "a's place"),
    Answer("pairs.build", built("rng.random() < 0.5", "rng.random() < 0.15"), "fair coin"),
    Answer("pairs.build", built("document[:-1]", "document[:-2]"), "but a document's last"),
    Answer("pairs.build", built("    pairs = []", "    pairs, rng = [], np.random.default_rng(0)"), "of your own"),
    Answer("pairs.build", built("rng.integers(1, len(documents[other]))", "0"), "draw the sentence"),
    Answer("pairs.build", built("(1, len(documents[other]))", "(len(documents[other]))"), None),  # the task allows it
]

END = "def answer(lengths, start, budget):\n"
WINDOW_END = [
    Answer(
        "pairs.window_end",
        END
        + """
    end = start
    while end < len(lengths) and (end < start + 2 or sum(lengths[start : end + 1]) <= budget):
        end += 1
    return end
""",
        None,
    ),
    Answer(
        "pairs.window_end",
        END
        + """
    fits = start + int(np.searchsorted(np.cumsum(lengths[start:]), budget, side="right"))
    return min(len(lengths), max(start + 2, fits))
""",
        None,
    ),
    Answer(
        "pairs.window_end",
        END
        + """
    tokens = 0
    for end in range(start, len(lengths)):
        tokens += lengths[end]
        if tokens > budget and end >= start + 2:
            return end
    return len(lengths)
""",
        None,
    ),
    Answer(
        "pairs.window_end",
        END
        + """
    end = start
    while end < len(lengths) and sum(lengths[start : end + 1]) <= budget:
        end += 1
    return end
""",
        "at least two",
    ),
    Answer(
        "pairs.window_end",
        END
        + """
    end, tokens = start, 0
    while end < len(lengths) and tokens < budget:
        tokens += lengths[end]
        end += 1
    return max(end, start + 2)
""",
        "one sentence too many",
    ),
    Answer(
        "pairs.window_end",
        END
        + """
    end = start + 2
    while end < len(lengths) and sum(lengths[start : end + 1]) < budget:
        end += 1
    return end
""",
        "<=, not <",
    ),
    Answer(
        "pairs.window_end",
        END
        + """
    end = start + 2
    while end < len(lengths) and sum(lengths[start : end + 1]) <= budget:
        end += 1
    return end - 1
""",
        "exclusive",
    ),
    Answer(
        "pairs.window_end",
        END
        + """
    end = start + 2
    while end < len(lengths) and sum(lengths[: end + 1]) <= budget:
        end += 1
    return end
""",
        "",
    ),
    Answer("pairs.window_end", END + "    return start + 2", "two at least"),
    Answer(
        "pairs.window_end",
        END
        + """
    end = start + 2
    while end < len(lengths) and sum(lengths[start : end + 1]) <= budget - 3:
        end += 1
    return end
""",
        "taken off already",
    ),
    Answer(
        "pairs.window_end",
        END
        + """
    end = start + 2
    while sum(lengths[start : end + 1]) <= budget:
        end += 1
    return end
""",
        "",
    ),
]

WINDOWS = """
def window_end(lengths, start, budget):
    end = start + 2
    while end < len(lengths) and sum(lengths[start : end + 1]) <= budget:
        end += 1
    return end

def flat(sentences):
    return [token for sentence in sentences for token in sentence]

def answer(documents, budget, rng):
    pairs = []
    for number, document in enumerate(documents):
        start = 0
        while start < len(document) - 1:
            end = window_end([len(s) for s in document], start, budget)
            split = int(rng.integers(start + 1, end))
            first = flat(document[start:split])
            if rng.random() < 0.5:
                pairs.append((first, flat(document[split:end]), 0))
                start = end
            else:
                other, place = number, 0
                while other == number or documents[other][place] == document[split]:
                    other = int(rng.integers(len(documents)))
                    place = int(rng.integers(1, len(documents[other])))
                stop = place + 1
                rest = documents[other]
                while stop < len(rest) and len(flat(rest[place : stop + 1])) <= budget - len(first):
                    stop += 1
                pairs.append((first, flat(rest[place:stop]), 1))
                start = split
    return pairs
"""
BY_PLACES = """
def answer(documents, budget, rng):
    pairs = []
    for number, document in enumerate(documents):
        waiting = list(document)
        while len(waiting) >= 2:
            taken = waiting[:2]
            for sentence in waiting[2:]:
                if sum(map(len, taken)) + len(sentence) > budget:
                    break
                taken.append(sentence)
            cut = 1 + int(rng.random() * (len(taken) - 1))
            first = np.concatenate(taken[:cut]).tolist()
            if rng.integers(2):
                pairs.append([first, np.concatenate(taken[cut:]).tolist(), 0])
                waiting = waiting[len(taken):]
                continue
            starts = [
                (n, p)
                for n, other in enumerate(documents)
                for p in range(1, len(other))
                if n != number and other[p] != taken[cut]
            ]
            n, p = starts[rng.integers(len(starts))]
            rest = documents[n][p:]
            false = list(rest[0])
            for sentence in rest[1:]:
                if len(first) + len(false) + len(sentence) > budget:
                    break
                false.extend(sentence)
            pairs.append([first, false, 1])
            waiting = waiting[cut:]
    return pairs
"""


def windows(old: str, new: str) -> str:
    """The right builder of windows with one piece of it exchanged."""
    assert old in WINDOWS
    return WINDOWS.replace(old, new)


WINDOW_PAIRS = [
    Answer("pairs.windows", WINDOWS, None),
    Answer("pairs.windows", BY_PLACES, None),
    Answer("pairs.windows", windows("return pairs", "return tuple(pairs)"), None),
    Answer("pairs.windows", windows("start = split", "start = end"), "where the true one began"),
    Answer("pairs.windows", windows("start = end\n", "start = split\n"), "where it ends"),
    Answer("pairs.windows", windows("rng.integers(start + 1, end)", "rng.integers(start, end)"), "empty"),
    Answer("pairs.windows", windows("int(rng.integers(start + 1, end))", "start + 1"), "every border"),
    Answer("pairs.windows", windows("document[split:end]), 0", "document[split:end]), 1"), "0 is isnext"),
    Answer("pairs.windows", windows("other == number or ", "place == 0 or "), "another document"),
    Answer("pairs.windows", windows(" or documents[other][place] == document[split]", ""), "share a passage"),
    Answer("pairs.windows", windows("== document[split]", "== document[split - 1]"), "share a passage"),
    Answer(
        "pairs.windows",
        windows("rng.integers(1, len(documents[other]))", "rng.integers(len(documents[other]))"),
        "opens",
    ),
    Answer("pairs.windows", windows("rng.random() < 0.5", "rng.random() < 0.8"), "fair coin"),
    Answer("pairs.windows", windows("<= budget - len(first)", "<= budget"), "fit beside a"),
    Answer("pairs.windows", windows("flat(rest[place:stop])", "flat(rest[place:stop])[:-1]"), "whole"),
    Answer("pairs.windows", windows("start < len(document) - 1", "start < len(document) - 2"), "go on until"),
    Answer("pairs.windows", windows("flat(document[split:end])", "flat(document[split:split + 1])"), "no more"),
    Answer("pairs.windows", windows("    pairs = []", "    pairs, rng = [], np.random.default_rng(0)"), "of your own"),
    Answer(
        "pairs.windows", windows("first = flat(document[start:split])", "first = document[start:split]"), "one list"
    ),
]

NUMBERS = [
    Answer("pairs.own_document", "answer = 100 / 10", None),
    Answer("pairs.own_document", "answer = 10", None),
    Answer("pairs.own_document", "answer = np.mean(np.arange(10) == 0) * 100", None),
    Answer("pairs.own_document", "answer = 5", "half are false"),
    Answer("pairs.own_document", "answer = 100 / 9", "one of those"),
    Answer("pairs.own_document", "answer = 1 / 10", "percent are asked for"),
    Answer("pairs.own_document", "answer = 90", "other documents"),
    Answer("pairs.own_document", "answer = 100", ""),
    Answer("pairs.own_document", "answer = 0", ""),
    Answer("pairs.cheat", "answer = 61", None),
    Answer("pairs.cheat", "answer = 50 * 1 + 50 * 0.22", None),
    Answer("pairs.cheat", "answer = 100 - 50 * 0.78", None),
    Answer("pairs.cheat", "answer = 72", "half as many"),
    Answer("pairs.cheat", "answer = 11", "the true ones"),
    Answer("pairs.cheat", "answer = 22", "count too"),
    Answer("pairs.cheat", "answer = 0.61", "percent are asked for"),
    Answer("pairs.cheat", "answer = 50", ""),
    Answer("pairs.cheat", "answer = 39", ""),
    Answer("pairs.padding", "answer = 100 * (1 - 181 / 328)", None),
    Answer("pairs.padding", "answer = 44.8", None),
    Answer("pairs.padding", "answer = np.mean([62, 46, 39, 0]) / 82 * 100", None),
    Answer("pairs.padding", "answer = 100 * 181 / 328", "with tokens"),
    Answer("pairs.padding", "answer = 100 * (1 - 181 / 512)", "not to 128"),
    Answer("pairs.padding", "answer = 100 * (328 / 181 - 1)", "per token"),
    Answer("pairs.padding", "answer = 0.448", "percent are asked for"),
    Answer("pairs.padding", "answer = 0", ""),
    Answer("pairs.padding", "answer = 147", ""),
    Answer("pairs.faulty_line", "answer = 8", None),
    Answer("pairs.faulty_line", "answer = 8.0", None),
    Answer("pairs.faulty_line", "answer = torch.tensor(8)", None),
    *(
        Answer("pairs.faulty_line", f"answer = {line}", f"{line} is not the line. a false b", ("while start",))
        for line in (1, 2, 3, 5, 6, 9)
    ),
]

ANSWERS = [*JOINS, *TRUNCATES, *LABELS, *RANDOM_NEXT, *BUILDS, *WINDOW_END, *WINDOW_PAIRS, *NUMBERS]
