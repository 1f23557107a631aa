"""Checks of next-sentence pairs (Devlin et al., 2019, §3.1 and A.2)."""

from __future__ import annotations

import math

import numpy as np

from bertcourse.checks.engine import Check, Trial, Wrong, against, show
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


def _both_at_the_end(first, second, budget):
    one, other = _cut(first, second, budget)
    return first[: len(one)], other


def _forgets_the_specials(first, second, budget):
    return _cut(first, second, budget - 3)


def _documents(rng: np.random.Generator) -> list[list[list[int]]]:
    """Documents of 2 to 6 sentences; every sentence is another, but two documents share a passage."""
    fresh = iter(range(10, 10_000))
    documents = [
        [[next(fresh) for _ in range(int(rng.integers(1, 4)))] for _ in range(int(rng.integers(2, 7)))]
        for _ in range(6)
    ]
    documents[3] = [documents[3][0], *documents[0][:2], *documents[3][1:]]
    return documents


def _judge_label(trial: Trial) -> None:
    documents = _documents(trial.rng)
    for number, document in enumerate(documents):
        for place in range(len(document) - 1):
            for other, sentence, expected in (
                (number, place + 1, IS_NEXT),
                ((number + 1) % 6, 0, NOT_NEXT),
                ((number + 1) % 6, place + 1, NOT_NEXT),
                (number, (place + 2) % len(document), NOT_NEXT),
            ):
                got = trial.call((number, place), (other, sentence))
                if type(got) not in (int, np.int64) or got != expected:
                    hint = (
                        "0 is IsNext, 1 is NotNext, in Google's code and in transformers."
                        if got == 1 - expected
                        else ""
                    )
                    if expected == NOT_NEXT and other == number:
                        hint = "the same document is not enough: B must be the very next sentence."
                    raise Wrong(f"expected {expected}, came {show(got)}; tried with: {trial.described}", hint)


def _judge_random_next(trial: Trial) -> None:
    documents = _documents(trial.rng)
    seen: dict[int, set] = {number: set() for number in range(6)}
    same_as_true = None
    for draw in range(800):  # half of them where another document has the true next sentence: one that is blind hits it
        number = int(trial.rng.integers(6)) if draw % 2 else 0
        place = int(trial.rng.integers(len(documents[number]) - 1)) if draw % 2 else 0
        got = trial.call(documents, number, place, np.random.default_rng(int(trial.rng.integers(2**31))))
        got = tuple(int(part) for part in got) if isinstance(got, tuple | list) and len(got) == 2 else got
        if not isinstance(got, tuple):
            raise Wrong(f"expected (document, sentence), came {show(got)}")
        other, sentence = got
        if not (0 <= other < 6 and 0 <= sentence < len(documents[other])):
            raise Wrong(f"document {other} has no sentence {sentence}; the documents have {[*map(len, documents)]}")
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
    firsts = {sentence for found in seen.values() for _, sentence in found}
    if len(firsts) == 1:
        raise Wrong(
            f"it always gives sentence {firsts.pop()}",
            "a false B that is always the first sentence of its document gives itself away: draw the sentence too.",
        )
    if same_as_true:
        raise Wrong(
            same_as_true, "two documents share a passage here: compare the sentences, not only the documents' numbers."
        )
    others = {other for other, _ in seen[0]}
    if len(others) < 5:
        raise Wrong(
            f"for document 0 it only ever gives documents {sorted(others)}", "draw the document among all others."
        )
    args = (documents, 0, 0)
    got = [[trial.call(*args, np.random.default_rng(seed)) for seed in range(20)] for _ in range(2)]
    if got[0] != got[1]:
        raise Wrong("the same rng gives something else the second time", "draw only from the rng that you are given.")
    if len(set(map(tuple, got[0]))) == 1:
        raise Wrong("every rng gives the same", "draw from the rng that you are given, not from one of your own.")


def _same_pairs(one: list, other: list) -> bool:
    return [list(map(list, pair[:2])) for pair in one] == [list(map(list, pair[:2])) for pair in other]


def _judge_pairs(trial: Trial) -> None:
    documents = [
        [[1000 * number + 10 * place + word for word in range(int(trial.rng.integers(2, 6)))] for place in range(8)]
        for number in range(60)
    ]
    labels = []
    for _ in range(4):
        rng = np.random.default_rng(int(trial.rng.integers(2**31)))
        pairs = trial.call(documents, rng)
        if (
            not isinstance(pairs, list)
            or not pairs
            or not all(isinstance(p, tuple | list) and len(p) == 3 for p in pairs)
        ):
            raise Wrong(f"expected a list of (first, second, label), came {show(pairs)}")
        for first, second, label in pairs:
            if not first or not second or label not in (0, 1):
                raise Wrong(f"a pair is {show((first, second, label))}: two segments with tokens, and 0 or 1")
            own, other = first[0] // 1000, second[0] // 1000
            if list(first) not in documents[own] or list(second) not in documents[other]:
                raise Wrong(f"each segment is one sentence of the documents here; came {show((first, second))}")
            follows = own == other and documents[own].index(list(second)) == documents[own].index(list(first)) + 1
            if label == IS_NEXT and not follows:
                hint = "0 is IsNext, 1 is NotNext." if sum(p[2] for p in pairs) and own != other else ""
                raise Wrong(f"labelled 0 (IsNext), but it does not follow: {show((first, second))}", hint)
            if label == NOT_NEXT and own == other:
                hint = "0 is IsNext, 1 is NotNext." if follows else "a false B comes from another document."
                raise Wrong(f"labelled 1 (NotNext), but from the same document: {show((first, second))}", hint)
        if len(pairs) != 60 * 7:
            raise Wrong(f"expected a pair for each sentence but a document's last, {60 * 7}; came {len(pairs)}")
        labels += [label for _, _, label in pairs]
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
        "first, second, budget -> both, together at most so long: the longer is cut first, A at its front, B at its "
        "end",
        _cut,
        _too_long,
        mistakes=(
            (_always_second, "cut the longer of the two, not always B."),
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
}
