"""Checks of next-sentence pairs (Devlin et al., 2019, §3.1 and A.2)."""

from __future__ import annotations

import math

import numpy as np

from bertcourse.checks.engine import Check, Trial, Wrong, against, number, show
from bertlib.text.pairs import IS_NEXT, NOT_NEXT, Pair, cut_to_fit

CLS, SEP = 2, 3


def _join(first: list[int], second: list[int], cls_token_id: int, sep_token_id: int) -> tuple[list[int], list[int]]:
    return Pair(first, second, IS_NEXT, (0, 0)).join(cls_token_id, sep_token_id)


def _ids(rng, length: int) -> list[int]:
    return rng.integers(5, 99, length).tolist()


def _segments(rng):
    yield [7, 8], [9], CLS, SEP
    for _ in range(5):
        yield _ids(rng, int(rng.integers(1, 7))), _ids(rng, int(rng.integers(1, 7))), CLS, SEP
    yield [5], [6, 7, 8], 101, 102


def _joined(ids, types):
    def join(first, second, cls_token_id, sep_token_id):
        a, b = len(first), len(second)
        full = {
            "all": [cls_token_id, *first, sep_token_id, *second, sep_token_id],
            "no end": [cls_token_id, *first, sep_token_id, *second],
            "no middle": [cls_token_id, *first, *second, sep_token_id],
            "two starts": [cls_token_id, *first, sep_token_id, cls_token_id, *second, sep_token_id],
        }[ids]
        kinds = {
            "right": [0] * (a + 2) + [1] * (b + 1),
            "sep is B": [0] * (a + 1) + [1] * (b + 2),
            "from one": [1] * (a + 2) + [2] * (b + 1),
            "all A": [0] * (a + b + 3),
        }[types]
        return full, (kinds + [1] * len(full))[: len(full)]

    return join


def _types_first(*given):
    return _join(*given)[::-1]


def _ids_alone(*given):
    return _join(*given)[0]


def _segments_exchanged(first, second, cls_token_id, sep_token_id):
    return _join(second, first, cls_token_id, sep_token_id)


def _too_long(rng):
    yield [1, 2, 3, 4, 5], [6, 7], 5
    yield [1, 2], [3, 4], 5
    for _ in range(12):
        yield _ids(rng, int(rng.integers(1, 12))), _ids(rng, int(rng.integers(1, 12))), int(rng.integers(2, 14))


def _cut(first, second, budget):
    return cut_to_fit(list(first), list(second), budget)


def _always_second(first, second, budget):
    return first, second[: max(0, budget - len(first))]


def _halves(first, second, budget):
    half = budget // 2
    return first[-half:], second[: budget - half]


def _first_at_ties(first, second, budget):
    first, second = list(first), list(second)
    while len(first) + len(second) > budget:
        if len(first) >= len(second):
            del first[0]
        else:
            del second[-1]
    return first, second


def _always_first(first, second, budget):
    return first[max(0, len(first) + len(second) - budget) :], second


def _both_at_the_end(first, second, budget):
    one, other = _cut(first, second, budget)
    return first[: len(one)], other


def _forgets_the_specials(first, second, budget):
    return _cut(first, second, budget - 3)


def _documents(rng: np.random.Generator) -> list[list[list[int]]]:
    """Documents of 3 to 6 sentences; every sentence is another, but two documents share a passage."""
    fresh = iter(range(10, 10_000))
    documents = [
        [[next(fresh) for _ in range(int(rng.integers(1, 4)))] for _ in range(int(rng.integers(3, 7)))]
        for _ in range(6)
    ]
    documents[3] = [documents[3][0], *documents[0][:2], *documents[3][1:]]
    return documents


def _judge_label(trial: Trial) -> None:
    documents = _documents(trial.rng)
    for own, document in enumerate(documents):
        for place in range(len(document) - 1):
            for other, sentence, expected in (
                (own, place + 1, IS_NEXT),
                ((own + 1) % 6, 0, NOT_NEXT),
                ((own + 1) % 6, place + 1, NOT_NEXT),
                (own, (place + 2) % len(document), NOT_NEXT),
            ):
                got = trial.call((own, place), (other, sentence))
                whole = isinstance(got, int | np.integer) and not isinstance(got, bool)
                if not whole or got != expected:
                    hint = (
                        "0 is IsNext, 1 is NotNext, in Google's code and in transformers."
                        if got == 1 - expected
                        else ""
                    )
                    if expected == NOT_NEXT and other == own and whole and got == IS_NEXT:
                        hint = "the same document is not enough: B must be the very next sentence."
                    if isinstance(got, bool | np.bool_):
                        hint = "a number is asked for, 0 or 1, not a truth value."
                    raise Wrong(f"expected {expected}, came {show(got)}; tried with: {trial.described}", hint)


def _judge_random_next(trial: Trial) -> None:
    documents = _documents(trial.rng)
    seen: dict[int, set] = {number: set() for number in range(6)}
    same_as_true = None
    for draw in range(1200):  # half where another document has the true next sentence, too: a blind one hits it
        number = int(trial.rng.integers(6)) if draw % 2 else 0
        place = int(trial.rng.integers(len(documents[number]) - 1)) if draw % 2 else 0
        got = trial.call(documents, number, place, np.random.default_rng(int(trial.rng.integers(2**31))))
        pair = isinstance(got, tuple | list) and len(got) == 2 and all(map(_is_whole, got))
        if not pair or any(list(got) in document for document in documents):  # tokens are larger than any place
            raise Wrong(
                f"expected (document, sentence), came {show(got)}",
                "two numbers are asked for: which document, and which of its sentences.",
            )
        other, sentence = got = tuple(int(part) for part in got)
        if not (0 <= other < 6 and 0 <= sentence < len(documents[other])):
            raise Wrong(
                f"document {other} has no sentence {sentence}; the documents have {[*map(len, documents)]}",
                "rng.integers(n) gives 0 to n - 1: is the sentence drawn from the document that was drawn?",
            )
        if other == number:
            raise Wrong(
                f"for sentence {place} of document {number} came sentence {sentence} of the same document",
                "a false B comes from another document: its own may hold the true next sentence.",
            )
        if documents[other][sentence] == documents[number][place + 1]:
            same_as_true = same_as_true or (
                f"for sentence {place} of document {number} came document {other}'s sentence {sentence}, which is the "
                "same as the true next one"
            )
        seen[number].add(got)
        trial.right += 1
    _judge_places(documents, seen, same_as_true)
    args = (documents, 0, 0)
    got = [[trial.call(*args, np.random.default_rng(seed)) for seed in range(20)] for _ in range(2)]
    if got[0] != got[1]:
        raise Wrong("the same rng gives something else the second time", "draw only from the rng that you are given.")
    if len(set(map(tuple, got[0]))) == 1:
        raise Wrong("every rng gives the same", "draw from the rng that you are given, not from one of your own.")


def _is_whole(value: object) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def _judge_places(documents: list, seen: dict[int, set], same_as_true: str | None) -> None:
    """Of the places that came, whether they are all that a true B may have, and no others."""
    firsts = {sentence for found in seen.values() for _, sentence in found}
    if len(firsts) == 1:
        raise Wrong(
            f"it always gives sentence {firsts.pop()}",
            "a false B that is always the same sentence of its document gives itself away: draw the sentence too.",
        )
    if same_as_true:
        raise Wrong(
            same_as_true, "two documents share a passage here: compare the sentences, not only the documents' numbers."
        )
    opened = next((place for found in seen.values() for place in sorted(found) if place[1] == 0), None)
    if opened:
        raise Wrong(
            f"document {opened[0]}'s first sentence came as a false B",
            "no true B opens its document, since nothing stands before it: draw from the second sentence on.",
        )
    others = {other for other, _ in seen[0]}
    if len(others) < 5:
        raise Wrong(
            f"for document 0 it only ever gives documents {sorted(others)}", "draw the document among all others."
        )
    possible = {(other, place) for other in range(1, 6) for place in range(1, len(documents[other]))} - {(3, 2)}
    missing = sorted(possible - seen[0])
    if missing:
        raise Wrong(
            f"document {missing[0][0]}'s sentence {missing[0][1]} never came in 600 draws and more; its document has "
            f"{len(documents[missing[0][0]])} sentences",
            "any sentence but the first may be drawn, the last one too.",
        )


def _same_pairs(one: list, other: list) -> bool:
    return [list(map(list, pair[:2])) for pair in one] == [list(map(list, pair[:2])) for pair in other]


def _about_labels(pairs: list) -> str:
    """A hint, if the labels of all pairs are the other way round or alike.

    A token is 1000 · document + 10 · sentence + word.
    """
    try:
        labels = [pair[2] for pair in pairs]
        follows = [pair[1][0] // 10 == pair[0][-1] // 10 + 1 for pair in pairs]
    except (TypeError, IndexError, KeyError):  # what came are no pairs of token ids
        return ""
    if len(set(labels)) == 1:
        return f"all of your pairs have the label {labels[0]}: 0 is IsNext, 1 is NotNext."
    swapped = all((label == NOT_NEXT) == true for label, true in zip(labels, follows, strict=True))
    return "0 is IsNext, 1 is NotNext." if swapped else ""


def _judge_pairs(trial: Trial) -> None:
    documents = [
        [[1000 * number + 10 * place + word for word in range(int(trial.rng.integers(2, 6)))] for place in range(8)]
        for number in range(60)
    ]
    labels, by_place = [], np.zeros(7)
    for _ in range(4):
        rng = np.random.default_rng(int(trial.rng.integers(2**31)))
        pairs = trial.call(documents, rng)
        if (
            not isinstance(pairs, list)
            or not pairs
            or not all(isinstance(p, tuple | list) and len(p) == 3 for p in pairs)
        ):
            raise Wrong(f"expected a list of (first, second, label), came {show(pairs)}")
        about_labels = _about_labels(pairs)
        for first, second, label in pairs:
            if not first or not second or label not in (0, 1):
                raise Wrong(f"a pair is {show((first, second, label))}: two segments with tokens, and 0 or 1")
            own, other = first[0] // 1000, second[0] // 1000
            if list(first) not in documents[own] or list(second) not in documents[other]:
                raise Wrong(f"each segment is one sentence of the documents here; came {show((first, second))}")
            follows = own == other and documents[own].index(list(second)) == documents[own].index(list(first)) + 1
            if label == IS_NEXT and not follows:
                raise Wrong(f"labelled 0 (IsNext), but it does not follow: {show((first, second))}", about_labels)
            if label == NOT_NEXT and own == other:
                hint = about_labels or "a false B comes from another document."
                raise Wrong(f"labelled 1 (NotNext), but from the same document: {show((first, second))}", hint)
        if len(pairs) != 60 * 7:
            raise Wrong(f"expected a pair for each sentence but a document's last, {60 * 7}; came {len(pairs)}")
        labels += [label for _, _, label in pairs]
        for first, _, label in pairs:
            by_place[first[0] % 1000 // 10] += label
        false = [documents[p[1][0] // 1000].index(list(p[1])) for p in pairs if p[2] == NOT_NEXT]
        if len(set(false)) == 1:
            raise Wrong("false segments are always the same sentence of their document", "draw the sentence as well.")
    one, same, other = (trial.call(documents, np.random.default_rng(seed)) for seed in (3, 3, 4))
    if not _same_pairs(one, same):
        raise Wrong("the same rng gives other pairs the second time", "draw only from the rng that you are given.")
    if _same_pairs(one, other):
        raise Wrong(
            "another rng gives the same pairs", "draw from the rng that you are given, not from one of your own."
        )
    share = sum(labels) / len(labels)
    if abs(share - 0.5) > 6 * math.sqrt(0.25 / len(labels)):
        raise Wrong(f"{share:.1%} of the pairs are NotNext, expected 50 %", "toss a fair coin for each pair.")
    worst = int(abs(by_place / 240 - 0.5).argmax())
    if abs(by_place[worst] / 240 - 0.5) > 6 * math.sqrt(0.25 / 240):
        raise Wrong(
            f"of the pairs with sentence {worst} as A, {by_place[worst] / 240:.0%} are NotNext, expected 50 %",
            "toss a fair coin for each pair: whether B is false must not follow from A's place.",
        )


# -------------------------------------------------------------------------------------------------- windows to pairs


def _window_end(lengths: list[int], start: int, budget: int) -> int:
    """As `bertlib.text.pairs.next_sentence_pairs` fills a window."""
    end, tokens = start, 0
    while end < len(lengths) and (end < start + 2 or tokens + lengths[end] <= budget):
        tokens += lengths[end]
        end += 1
    return end


def _windows(rng):
    yield [10, 10, 10, 10, 10], 0, 30
    yield [10, 10, 10, 10, 10], 1, 25
    yield [10, 10, 9, 10], 0, 30
    yield [40, 10, 10], 0, 30
    yield [10, 40, 10], 0, 30
    yield [10, 10], 0, 30
    for _ in range(12):
        lengths = rng.integers(1, 20, int(rng.integers(3, 12))).tolist()
        yield lengths, int(rng.integers(len(lengths) - 1)), int(rng.integers(8, 60))


def _one_is_enough(lengths, start, budget):
    end, tokens = start, 0
    while end < len(lengths) and tokens + lengths[end] <= budget:
        tokens += lengths[end]
        end += 1
    return end


def _at_least_one(lengths, start, budget):
    return max(_one_is_enough(lengths, start, budget), start + 1)


def _strictly_below(lengths, start, budget):
    return _window_end(lengths, start, budget - 1)


def _until_it_is_full(lengths, start, budget):
    end, tokens = start, 0
    while end < len(lengths) and (end < start + 2 or tokens < budget):
        tokens += lengths[end]
        end += 1
    return end


def _end_inclusive(lengths, start, budget):
    return _window_end(lengths, start, budget) - 1


def _from_the_front(lengths, start, budget):
    return _window_end(lengths, 0, budget)


def _how_many(lengths, start, budget):
    return _window_end(lengths, start, budget) - start


def _two_always(lengths, start, budget):
    return start + 2


def _with_specials(lengths, start, budget):
    return _window_end(lengths, start, budget - 3)


LONG, SHORT = 24, 4  # documents and sentences of the check on windows


def _numbered(rng: np.random.Generator) -> list[list[list[int]]]:
    """Documents in which each token tells its place: 1000 · document + 10 · sentence + word, documents from 1."""
    return [
        [
            [1000 * number + 10 * place + word for word in range(int(rng.integers(2, 7)))]
            for place in range(int(rng.integers(SHORT, LONG)))
        ]
        for number in range(1, 31)
    ]


def _sentences_of(tokens: list[int], documents: list) -> tuple[int, int, int] | None:
    """(document, first sentence, end) of a run of whole sentences; None if it is none."""
    number, first = tokens[0] // 1000 - 1, tokens[0] % 1000 // 10
    if not 0 <= number < len(documents):
        return None
    run, end = [], first
    while end < len(documents[number]) and len(run) < len(tokens):
        run += documents[number][end]
        end += 1
    return (number, first, end) if run == list(tokens) else None


def _judge_windows(trial: Trial) -> None:
    counts = {"pairs": 0, "false": 0, "cut after the first": 0, "expected": 0.0, "variance": 0.0}
    openings = 0
    for budget in (20, 20, 40, 40):
        documents = _numbered(trial.rng)
        pairs = trial.call(documents, budget, np.random.default_rng(int(trial.rng.integers(2**31))))
        if not isinstance(pairs, list | tuple) or not pairs:
            raise Wrong(f"expected a list of (first, second, label), came {show(pairs)}")
        number, start, about_labels = 0, 0, _about_labels(pairs)
        for pair in pairs:
            if number == len(documents):
                raise Wrong(f"{show(pair)} comes after the last document's last window")
            try:
                number, start = _judge_window(pair, documents, number, start, budget, counts)
            except Wrong as wrong:
                raise Wrong(wrong.message, about_labels or wrong.hint) from None
            opened = pair[2] == NOT_NEXT and _sentences_of(list(pair[1]), documents)[1] == 0
            openings += bool(opened)
        if number < len(documents):
            raise Wrong(
                f"document {number + 1} is not used up: its sentences from number {start} on are in no pair",
                "go on until fewer than two sentences are left, in every document.",
            )
    if openings:
        raise Wrong(
            f"{openings} of {counts['false']} false B's open a document",
            "no true B opens its document: draw the false one from the second sentence on.",
        )
    share = counts["false"] / counts["pairs"]
    if abs(share - 0.5) > 6 * math.sqrt(0.25 / counts["pairs"]):
        raise Wrong(f"{share:.1%} of the pairs are NotNext, expected 50 %", "toss a fair coin for each window.")
    if abs(counts["cut after the first"] - counts["expected"]) > 6 * math.sqrt(counts["variance"]):
        raise Wrong(
            f"{counts['cut after the first']} windows are cut after their first sentence, expected about "
            f"{counts['expected']:.0f}",
            "every border between two sentences of the window is as likely: rng.integers(start + 1, end).",
        )
    _judge_shared_passage(trial)
    one, same, other = (trial.call(documents, 40, np.random.default_rng(seed)) for seed in (3, 3, 4))
    if not _same_pairs(one, same):
        raise Wrong("the same rng gives other pairs the second time", "draw only from the rng that you are given.")
    if _same_pairs(one, other):
        raise Wrong(
            "another rng gives the same pairs", "draw from the rng that you are given, not from one of your own."
        )


def _judge_shared_passage(trial: Trial) -> None:
    """Two documents go on with the same sentence: it may be no false B of theirs."""
    shared = [21, 22]
    documents = [[[11, 12], shared, [13]], [[31], shared, [32]], [[41], [51], [61]]]
    for seed in range(20):
        for first, second, label in trial.call(documents, 50, np.random.default_rng(seed)):
            if label == NOT_NEXT and list(first) in ([11, 12], [31]) and list(second)[:2] == shared:
                raise Wrong(
                    f"labelled 1 (NotNext), but B is what follows A: {show((first, second))}; tried with: {documents}",
                    "documents may share a passage: compare the first sentence of the false B with the true one's.",
                )


def _judge_window(
    pair: object, documents: list, number: int, start: int, budget: int, counts: dict[str, float]
) -> tuple[int, int]:
    """Judges the pair whose window begins at this sentence of this document; gives where the next window begins."""
    if not isinstance(pair, tuple | list) or len(pair) != 3:
        raise Wrong(f"a pair is (first, second, label), came {show(pair)}")
    first, second, label = pair
    if not all(isinstance(one, list | tuple) for one in (first, second)) or not len(first) or not len(second):
        raise Wrong(f"a pair is {show((first, second))}: two lists of tokens, neither of them empty")
    if label not in (IS_NEXT, NOT_NEXT) or isinstance(label, bool):
        raise Wrong(f"the label is {show(label)}: expected 0 or 1")
    if not all(_is_whole(token) for token in (*first, *second)):
        raise Wrong(
            f"a segment is {show(first)}: expected its tokens, in one list", "join the sentences' tokens to one list."
        )
    lengths = [len(sentence) for sentence in documents[number]]
    end = _window_end(lengths, start, budget)
    where = f"sentences {start} to {end - 1} of document {number + 1}, budget {budget}"
    a, b = _sentences_of(list(first), documents), _sentences_of(list(second), documents)
    if a is None or b is None:
        wrong = first if a is None else second
        raise Wrong(f"not whole sentences, in their order: {show(list(wrong))}", "segments are whole sentences.")
    if a[0] != number or a[1] != start:
        hint = "after a false B go on where the true one began; after a true B, where it ends."
        if a[0] != number and a[1] == 0:
            hint = "go on until fewer than two sentences are left of the document. " + hint
        raise Wrong(
            f"expected a window of {where}; the A that came begins with sentence {a[1]} of document {a[0] + 1}", hint
        )
    split = a[2]
    if not start < split < end:
        raise Wrong(
            f"A is sentences {start} to {split - 1}; the window is {where}",
            "cut inside the window: B needs a sentence.",
        )
    follows = b[0] == number and b[1] == split
    if label == IS_NEXT and not follows:
        hint = "a true B begins where A ends."
        raise Wrong(f"labelled 0 (IsNext), but B does not follow A: {show((first, second))}", hint)
    if label == NOT_NEXT and b[0] == number:
        hint = "a false B comes from another document."
        raise Wrong(f"labelled 1 (NotNext), but from A's document: {show((first, second))}", hint)
    if label == IS_NEXT and b[2] != end:
        raise Wrong(
            f"the window is {where}; the true B ends with sentence {b[2] - 1}",
            "a true B is all that the window has after A, and no more.",
        )
    if label == NOT_NEXT:
        room = budget - len(first)
        fits = _at_least_one([len(sentence) for sentence in documents[b[0]]], b[1], room)
        if b[2] != fits:
            hint = "as many whole sentences as fit beside A, at least one."
            raise Wrong(
                f"a false B has {b[2] - b[1]} sentences from sentence {b[1]} of document {b[0] + 1} on; in the {room} "
                f"tokens that A leaves, {fits - b[1]} fit",
                hint,
            )
    counts["pairs"] += 1
    counts["false"] += label == NOT_NEXT
    if end - start > 2:
        chance = 1 / (end - start - 1)
        counts["cut after the first"] += split == start + 1
        counts["expected"] += chance
        counts["variance"] += chance * (1 - chance)
    start = end if label == IS_NEXT else split
    while number < len(documents) and start >= len(documents[number]) - 1:
        number, start = number + 1, 0
    return number, start


# ---------------------------------------------------------------------------------------------------- a line to find

BUILDER = (
    "while start < len(document) - 1:",
    "    end = window_end(lengths, start, budget)",
    "    split = rng.integers(start + 1, end)",
    "    first, second = document[start:split], document[split:end]",
    "    if rng.random() < 0.5:",
    "        pairs.append((first, second, 0)); start = end",
    "    else:",
    "        false = random_next(documents, number, split - 1, rng)",
    "        pairs.append((first, false, 1)); start = split",
)
BUILDER_FAULTS = {
    3: "    split = rng.integers(start, end)",
    5: "    if rng.random() < 0.15:",
    6: "        pairs.append((first, second, 1)); start = end",
    8: "        false = random_next(documents, number, split, rng)",
    9: "        pairs.append((first, false, 1)); start = end",
}


BUILDER_LEADS = {
    3: "put the smallest and the largest number into each draw: what do the two texts hold then?",
    5: "how many of the pairs are true ones?",
    6: "0 says that B follows A, 1 that it does not: go through both branches.",
    8: "a false B must not be the true one: which sentence's successor must be avoided?",
    9: "after each branch: which sentences are in a pair by now, and which come next?",
}


def _at_fault(code: str) -> int:
    """The number of the line that is another one than it should be."""
    return 1 + next(n for n, line in enumerate(code.splitlines()) if line != f"{n + 1}  {BUILDER[n]}")


def _faulty_builder(rng: np.random.Generator) -> dict[str, str]:
    """The lines of a builder of pairs, one of them with a fault."""
    at = int(rng.choice(list(BUILDER_FAULTS)))
    lines = [*BUILDER[: at - 1], BUILDER_FAULTS[at], *BUILDER[at:]]
    return {"code": "\n".join(f"{number}  {line}" for number, line in enumerate(lines, start=1))}


CHECKS = {
    "join": against(
        "first, second (token ids), cls_token_id, sep_token_id -> (input_ids, token_type_ids) of [CLS] A [SEP] B [SEP]",
        _join,
        _segments,
        mistakes=(
            (_types_first, "the two are exchanged: first the ids, then the types."),
            (_ids_alone, "two things are asked for: the ids and the types."),
            (_segments_exchanged, "A comes first, then B."),
            (_joined("no end", "right"), "the [SEP] behind B is missing."),
            (_joined("no middle", "right"), "the [SEP] between A and B is missing."),
            (_joined("two starts", "right"), "there is one [CLS], at the very beginning."),
            (_joined("all", "sep is B"), "the first [SEP] belongs to segment A: its type is 0."),
            (_joined("all", "from one"), "segments count from 0."),
            (_joined("all", "all A"), "B's tokens and the last [SEP] have type 1."),
        ),
    ),
    "truncate": against(
        "first, second, budget -> both, together at most so long: token by token the longer is cut (the second if they "
        "are equally long), the first at its front, the second at its end",
        _cut,
        _too_long,
        mistakes=(
            (_always_second, "cut the longer of the two, not always B."),
            (_always_first, "cut the longer of the two, not always A."),
            (_first_at_ties, "where both are equally long, the second loses the token."),
            (_halves, "a short segment keeps all it has: only what is too long is cut."),
            (_both_at_the_end, "A is cut at its front, so that the place where A and B meet stays."),
            (_forgets_the_specials, "the budget is for A and B alone: the specials are taken off already."),
        ),
    ),
    "label": Check(
        "place of A (document, sentence), place of B (document, sentence) -> 0 if B is the very next sentence, else 1",
        _judge_label,
    ),
    "random_next": Check(
        "documents (lists of sentences, lists of ids), document and sentence of A, rng -> (document, sentence) of a "
        "false B",
        _judge_random_next,
    ),
    "build": Check(
        "documents, rng -> list of (first, second, label), one for each sentence that has a next one, half of them "
        "false",
        _judge_pairs,
    ),
    "window_end": against(
        "lengths of a document's sentences, start, budget -> end (exclusive) of the window that begins at start: as "
        "many whole sentences as fit, but at least two",
        _window_end,
        _windows,
        mistakes=(
            (_one_is_enough, "at least two sentences, even if they do not fit: one alone cannot be cut into A and B."),
            (_at_least_one, "at least two sentences: one alone cannot be cut into A and B."),
            (_strictly_below, "a window that just fills the budget fits: <=, not <."),
            (
                _until_it_is_full,
                "that is one sentence too many: ask whether the next one still fits before you add it.",
            ),
            (_end_inclusive, "the end is exclusive: the number of the first sentence that is not in the window."),
            (_from_the_front, "the window begins at start, not at the document's first sentence."),
            (_how_many, "that is how many sentences the window has; asked for is where it ends."),
            (_two_always, "two at least; more, while they fit."),
            (_with_specials, "the budget is for the sentences alone: [CLS] and [SEP] are taken off already."),
        ),
    ),
    "windows": Check(
        "documents (lists of sentences, lists of ids), budget, rng -> list of (first, second, label): each document's "
        "windows in order",
        _judge_windows,
    ),
    "own_document": number(
        "percent of the false B's, to three significant digits",
        lambda rng: {"n": int(rng.integers(8, 60))},
        "A builder draws a false B from any of its {n} documents, each as likely. How many percent of the false B's "
        "come from A's own document?",
        lambda n: 100 / n,
        rel_tol=5e-3,
        mistakes=(
            (
                lambda n: 50 / n,
                "that is of all pairs, of which half are false; asked for is the share of the false ones.",
            ),
            (lambda n: 100 / (n - 1), "A's own document is one of those that are drawn from."),
            (lambda n: 100 - 100 / n, "those are the false B's of other documents."),
        ),
    ),
    "cheat": number(
        "percent of all pairs, to three significant digits",
        lambda rng: {"s": int(rng.integers(5, 60))},
        "Half of the pairs are false, and {s} % of the false ones give themselves away; no true one looks like these. "
        "Someone reads nothing, says 'false' there and 'true' to all other pairs. How many percent are right?",
        lambda s: 50 + s / 2,
        rel_tol=5e-3,
        mistakes=(
            (
                lambda s: 50 + s,
                "the false ones are half of the pairs: of all pairs, half as many percent give themselves away.",
            ),
            (lambda s: s / 2, "and the true ones, of which all are called true?"),
            (lambda s: s, "that is the share of the false ones that is found; the true ones count too."),
        ),
    ),
    "padding": number(
        "percent of the batch's slots, to three significant digits",
        lambda rng: dict(
            zip("abcd", sorted(int(n) for n in rng.choice(np.arange(20, 128), 4, replace=False)), strict=True)
        ),
        "Four pairs of {a}, {b}, {c} and {d} tokens stand in one batch, each padded to the longest of them. How many "
        "percent of the batch's slots are padding?",
        lambda a, b, c, d: 100 - 25 * (a + b + c + d) / d,
        rel_tol=5e-3,
        mistakes=(
            (lambda a, b, c, d: 25 * (a + b + c + d) / d, "those are the slots with tokens in them."),
            (
                lambda a, b, c, d: 100 - 25 * (a + b + c + d) / 128,
                "padded to the longest pair of the batch, not to 128.",
            ),
            (
                lambda a, b, c, d: 100 * (4 * d / (a + b + c + d) - 1),
                "that is per token; asked for is the share of all slots.",
            ),
        ),
    ),
    "faulty_line": number(
        "the number of the wrong line",
        _faulty_builder,
        "One line is wrong. Which?\n\n{code}",
        _at_fault,
        noun="line",
        lead=lambda code: BUILDER_LEADS[_at_fault(code)],
        kinds=len(BUILDER_FAULTS),
    ),
}
