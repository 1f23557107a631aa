"""Checks of the lesson on writing (Lin, 2004; Papineni et al., 2002; Vaswani et al., 2017)."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable

import torch
from torch import Tensor

from bertcourse.checks.engine import against, floats, number
from bertlib.metrics.overlap import common_subsequence
from bertlib.model.attention import scaled_dot_product_attention
from bertlib.model.seq2seq import shift_right

WORDS = ("the", "cat", "sat", "on", "a", "mat", "dog", "saw", "it")
HIDDEN = -100


def _copied(text: list[int], known: list[list[int]], n: int) -> float:
    return _share_of_runs()(text, known, n)


def _rouge1(words: list[str], reference: list[str]) -> float:
    return _rouge(lambda own, gold: (own & gold).total())(words, reference)


def _common(first: list[str], second: list[str]) -> int:
    return len(common_subsequence(first, second))


def _shift(labels: Tensor, start: int, pad: int) -> Tensor:
    return shift_right(labels, start, pad)


def _cross(queries: Tensor, keys: Tensor, values: Tensor, source: Tensor) -> Tensor:
    return scaled_dot_product_attention(queries, keys, values, source.bool()[None, :])[0]


def _beam_step(scores: Tensor, logs: Tensor) -> list[tuple[int, int]]:
    return _stepped()(scores, logs)


def _brevity(written: int, wanted: int) -> float:
    return 100 * math.exp(min(0.0, 1 - wanted / written))


# ------------------------------------------------------------------------------------------------------------- cases


def _texts(rng):
    yield [1, 2, 3, 4], [[9, 1, 2, 3, 8]], 3
    yield [1, 2, 3, 4, 5], [[1, 2], [2, 3]], 2
    yield [5, 6, 5, 6, 5, 7], [[5, 6, 7]], 2  # a run that comes twice counts twice: 2 of 5, not 1 of 3
    yield [1, 2], [[1, 2, 3]], 3  # too short for a run
    yield [3, 4, 5, 6], [[3, 4], [5, 6]], 3  # the end of one text and the beginning of the next are no run
    yield [7, 8, 9], [[7, 8, 9]], 1
    for size in (6, 8, 10, 12):
        known = [rng.integers(0, 4, int(rng.integers(3, 9))).tolist() for _ in range(3)]
        yield rng.integers(0, 4, size).tolist(), known, int(rng.integers(2, 4))


def _drawn_words(rng, size: int) -> list[str]:
    return [WORDS[int(i)] for i in rng.integers(0, len(WORDS), size)]


def _two_texts(rng):
    yield ["the", "the", "the", "the"], ["the", "cat", "sat", "on", "the", "mat"]  # a word is not right four times
    yield ["a", "cat", "sat"], ["the", "cat", "sat", "on", "a", "mat"]
    yield ["dog"], ["cat", "mat"]
    yield ["it", "saw", "the", "dog"], ["the", "dog", "saw", "it"]
    yield [], ["the", "cat"]  # nothing was written
    for size in (3, 5, 7, 9):
        yield _drawn_words(rng, size), _drawn_words(rng, int(rng.integers(3, 10)))


def _sequences(rng):
    yield ["the", "cat", "sat"], ["the", "dog", "sat"]
    yield ["a", "the", "cat", "on"], ["the", "a", "on", "cat"]
    yield ["it", "saw", "it"], ["saw", "it", "saw"]
    yield ["mat"], ["cat", "dog"]
    yield [], ["cat"]
    yield ["the", "cat", "the", "mat", "sat"], ["the", "the", "sat", "cat"]
    for size in (4, 6, 7, 8):
        yield _drawn_words(rng, size), _drawn_words(rng, int(rng.integers(3, 9)))


def _labels(rng):
    yield torch.tensor([[7, 8, 9]]), 1, 0
    yield torch.tensor([[7, 8, 9, 2], [5, 2, HIDDEN, HIDDEN]]), 1, 0
    yield torch.tensor([[4, HIDDEN], [6, 2]]), 3, 0
    yield torch.tensor([[2, HIDDEN, HIDDEN], [9, 8, 2]]), 1, 5
    for size in (3, 4, 5, 6):
        labels = torch.tensor(rng.integers(6, 30, (3, size)))
        labels[1, int(rng.integers(1, size)) :] = HIDDEN
        yield labels, int(rng.integers(1, 4)), 0


def _attended(rng):
    yield torch.eye(2), torch.eye(2), torch.tensor([[1.0, 0.0], [0.0, 2.0]]), torch.tensor([1, 1])
    yield torch.ones(1, 4), torch.eye(3, 4), torch.tensor([[1.0], [2.0], [5.0]]), torch.tensor([1, 1, 0])
    for queries, keys in ((2, 3), (3, 2), (1, 4), (4, 3), (3, 5)):
        source = torch.ones(keys, dtype=torch.long)
        source[int(rng.integers(1, keys)) :] = 0
        yield floats(rng, queries, 4) * 2, floats(rng, keys, 4) * 2, floats(rng, keys, 3), source


def _beams(rng):
    yield torch.tensor([0.0, -9.0]), torch.tensor([[-1.0, -2.0, -3.0], [-1.0, -1.5, -4.0]])
    yield torch.tensor([-4.0, -1.0]), torch.tensor([[-1.0, -2.0], [-6.0, -4.5]])
    yield torch.tensor([-1.0, -1.2]), torch.tensor([[-3.0, -0.5, -2.0], [-0.1, -2.5, -0.6]])
    yield torch.tensor([-2.0, -1.0]), torch.tensor([[-0.1, -0.2, -4.0], [-3.0, -2.0, -2.5]])
    for beams, size in ((2, 5), (3, 4), (2, 6), (3, 6)):
        while True:  # until no two of the best are alike, whose order nobody could know
            logs, scores = floats(rng, beams, size).log_softmax(-1), -(floats(rng, beams).abs() * 2)
            best = (scores[:, None] + logs).flatten().topk(beams + 1).values
            if (best[:-1] - best[1:]).min() > 0.01:
                break
        yield scores, logs


def _lengths(rng) -> dict:
    written = int(rng.integers(40, 90))
    return {"written": written, "wanted": written + int(rng.integers(8, 40))}


def _again(pieces: int) -> float:
    return pieces * (pieces + 1) / 2


def _passes(questions: int, replies: int) -> float:
    return questions * replies - (questions + replies)


def _some_pieces(rng) -> dict:
    return {"pieces": int(rng.integers(18, 60))}


def _some_questions(rng) -> dict:
    return {"questions": int(rng.integers(30, 90)), "replies": int(rng.integers(200, 600))}


# ------------------------------------------------------------------------------------------------------ known mistakes


def _share_of_runs(
    own: Callable = list, where: Callable = lambda known: known, over: Callable = len, empty: float = 0.0
) -> Callable:
    def answer(text, known, n):
        def runs(ids):
            return [tuple(ids[i : i + n]) for i in range(len(ids) - n + 1)]

        there = {run for ids in where(known) for run in runs(ids)}
        mine = own(runs(text))
        return sum(run in there for run in mine) / over(mine) if mine else empty

    return answer


def _one_run_short(text, known, n):
    def runs(ids):
        return [tuple(ids[i : i + n]) for i in range(len(ids) - n)]

    there = {run for ids in known for run in runs(ids)}
    return sum(run in there for run in runs(text)) / max(len(runs(text)), 1)


def _of_pieces(text, known, n):
    there = {piece for ids in known for piece in ids}
    return sum(piece in there for piece in text) / len(text)


def _rouge(both: Callable, score: Callable | None = None) -> Callable:
    def answer(words, reference):
        shared = both(Counter(words), Counter(reference))
        precision, recall = shared / max(len(words), 1), shared / max(len(reference), 1)
        if score is not None:
            return score(precision, recall)
        return 2 * precision * recall / (precision + recall) if precision + recall else 0.0

    return answer


CLIPPED = "a word counts as often as BOTH texts have it, and no oftener: min of the two counts (Counter & Counter)."


def _longest_run(first, second):
    return max(
        (k for k in range(len(first) + 1) for i in range(len(first) - k + 1) for j in range(len(second) - k + 1)
         if first[i : i + k] == second[j : j + k]),
        default=0,
    )  # fmt: skip


def _taken_greedily(first, second):
    place = found = 0
    for word in first:
        if word in second[place:]:
            place += second[place:].index(word) + 1
            found += 1
    return found


def _shifted(fill: Callable, how: Callable) -> Callable:
    def answer(labels, start, pad):
        return how(fill(labels, pad), start, labels)

    return answer


def _filled(labels, pad):
    return labels.masked_fill(labels == HIDDEN, pad)


def _right(labels, start, _):
    return torch.cat([torch.full_like(labels[:, :1], start), labels[:, :-1]], dim=1)


def _look(
    scale: Callable = lambda width: math.sqrt(width), mask: bool = True, dim: int = -1, soft: bool = True
) -> Callable:
    def answer(queries, keys, values, source):
        scores = queries @ keys.T / scale(queries.size(-1))
        if mask:
            scores = scores.masked_fill(source[None] == 0, -1e9)
        return (scores.softmax(dim) if soft else scores) @ values

    return answer


def _zero_for_forbidden(queries, keys, values, source):
    scores = (queries @ keys.T / math.sqrt(queries.size(-1))) * source
    return scores.softmax(-1) @ values


def _masked_afterwards(queries, keys, values, source):
    weights = (queries @ keys.T / math.sqrt(queries.size(-1))).softmax(-1)
    return (weights * source) @ values


def _of_itself(queries, keys, values, source):
    scores = queries @ queries.T / math.sqrt(queries.size(-1))
    return scores.softmax(-1) @ queries


def _stepped(join: Callable = torch.add, best: bool = True, order: Callable = lambda beam, piece: (beam, piece)):
    def answer(scores, logs):
        total = join(scores[:, None], logs).flatten()
        places = total.topk(len(scores), largest=best).indices.tolist()
        return [order(place // logs.size(1), place % logs.size(1)) for place in places]

    return answer


def _each_beam_its_best(scores, logs):
    return [(beam, int(row.argmax())) for beam, row in enumerate(logs)]


def _best_beam_alone(scores, logs):
    beam = int(scores.argmax())
    return [(beam, int(piece)) for piece in logs[beam].topk(len(scores)).indices]


def _last_scores_alone(scores, logs):
    return _stepped(join=lambda before, new: new + 0 * before)(scores, logs)


def _wrong_width(scores, logs):
    places = (scores[:, None] + logs).flatten().topk(len(scores)).indices.tolist()
    return [(place // len(scores), place % len(scores)) for place in places]


SUM = "the score of a beginning with its new piece is the sum of its score and the piece's log-probability."
SLIPS_OF_BREVITY = (
    (
        lambda written, wanted: 100 * written / wanted,
        "that is the quotient of lengths; BLEU takes exp(1 − wanted / written).",
    ),
    (lambda written, wanted: 100 * math.exp(1 - written / wanted), "the quotient is upside down: wanted / written."),
    (
        lambda written, wanted: 100 * (1 - math.exp(1 - wanted / written)),
        "that is what is lost; what is left is asked for.",
    ),
    (lambda written, wanted: 100.0, "what was written is shorter than the reference: it does cost."),
    (lambda written, wanted: 100 * math.exp(-wanted / written), "exp(1 − wanted / written): the 1 is missing."),
)

CHECKS = {
    "copied": against(
        "text, a list of ids, known, a list of texts (lists of ids), n -> of all runs of n neighbouring ids in the "
        "text, repeated ones counted each time, the share that stands in one of the known texts; 0 if it has no run",
        _copied,
        _texts,
        mistakes=(
            (_share_of_runs(own=set), "a run that comes twice counts twice: no set of the text's own runs."),
            (
                _share_of_runs(where=lambda known: [[i for ids in known for i in ids]]),
                "where one text ends and the next begins there is no run.",
            ),
            (_one_run_short, "a text of T ids has T − n + 1 runs: yours has one too few."),
            (_of_pieces, "runs of n ids are asked for: yours looks at single ids."),
            (lambda t, k, n: 1 - _copied(t, k, n), "the share that IS there is asked for: yours is what is new."),
            (
                lambda t, k, n: _copied(t, k, n) * max(len(t) - n + 1, 0),
                "a share is asked for: divide by how many runs the text has.",
            ),
            (
                lambda t, k, n: _copied(t, k, n) * max(len(t) - n + 1, 0) / len(t),
                "divide by the number of runs, T − n + 1, not by the number of ids.",
            ),
            (_share_of_runs(where=lambda known: known[:1]), "all known texts count, not the first alone."),
        ),
    ),
    "rouge1": against(
        "words and reference, lists of words -> ROUGE-1 as F1: of the words that both have, each as often as both have "
        "it, precision (by the words written) and recall (by the reference's), then 2PR / (P + R); 0 if none is shared",
        _rouge1,
        _two_texts,
        mistakes=(
            (_rouge(lambda own, gold: sum(n for word, n in own.items() if word in gold)), CLIPPED),
            (_rouge(lambda own, gold: len(own.keys() & gold.keys())), CLIPPED + " Yours counts each word once."),
            (
                _rouge(lambda own, gold: (own & gold).total(), lambda p, r: r),
                "that is recall alone: whoever writes everything has all of it. Take precision too.",
            ),
            (
                _rouge(lambda own, gold: (own & gold).total(), lambda p, r: p),
                "that is precision alone: a single right word would be perfect. Take recall too.",
            ),
            (
                _rouge(lambda own, gold: (own & gold).total(), lambda p, r: (p + r) / 2),
                "F1 is 2PR / (P + R), not the mean of the two.",
            ),
            (
                _rouge(lambda own, gold: (own & gold).total(), lambda p, r: p * r / (p + r) if p + r else 0.0),
                "2PR / (P + R): the 2 is missing.",
            ),
            (
                lambda w, ref: len({*w} & {*ref}) / max(len({*w} | {*ref}), 1),
                "that is the share of common words (Jaccard's): count, precision and recall are asked for.",
            ),
        ),
    ),
    "common": against(
        "first and second, lists of words -> the length of their longest common subsequence: the most words that stand "
        "in both in the same order, others between them or not",
        _common,
        _sequences,
        mistakes=(
            (_longest_run, "others may stand between: a subsequence is asked for, not a run without gaps."),
            (
                _taken_greedily,
                "the first fit is not always the best: a word that is taken early can bar several others.",
            ),
            (
                lambda a, b: (Counter(a) & Counter(b)).total(),
                "the order counts: yours counts common words in any order.",
            ),
            (lambda a, b: len({*a} & {*b}), "the order counts, and a word may come twice: yours counts common words."),
            (
                lambda a, b: sum(x == y for x, y in zip(a, b, strict=False)),
                "the places may differ: yours compares words that stand at the same place.",
            ),
            (
                lambda a, b: len(a) + len(b) - _common(a, b),
                "that is what is left over in both: the common part is asked.",
            ),
        ),
    ),
    "shift": against(
        f"labels (B, S) of ids, {HIDDEN} behind the end of a row, start, pad -> (B, S), what the decoder reads: start, "
        f"then all labels but the last one, and pad where a label is {HIDDEN}",
        _shift,
        _labels,
        mistakes=(
            (
                _shifted(lambda labels, pad: labels, _right),
                f"{HIDDEN} is no id: an embedding has no such row. Put pad there.",
            ),
            (
                _shifted(_filled, lambda x, start, _: x),
                "nothing is shifted: the decoder would read what it is to write.",
            ),
            (
                _shifted(_filled, lambda x, start, _: torch.cat([x[:, 1:], torch.full_like(x[:, :1], start)], dim=1)),
                "to the right: the first thing that is read is start, and each label is read one place later.",
            ),
            (
                _shifted(_filled, lambda x, start, _: torch.cat([x[:, -1:], x[:, :-1]], dim=1)),
                "the last label does not come round to the front (torch.roll does that): start stands there.",
            ),
            (
                _shifted(_filled, lambda x, start, _: torch.cat([torch.full_like(x[:, :1], start), x], dim=1)),
                "(B, S) as the labels: the last label is left out, since nothing is written behind it.",
            ),
            (
                _shifted(_filled, lambda x, start, _: torch.cat([torch.full_like(x[:, :1], start), x[:, 1:]], dim=1)),
                "start does not replace the first label: it is put before it, and the LAST one falls out.",
            ),
            (
                lambda labels, start, pad: _right(labels.masked_fill(labels == HIDDEN, start), start, None),
                "where a label is hidden stands pad, not start.",
            ),
        ),
    ),
    "cross": against(
        "queries (S, d) of what is written, keys (T, d) and values (T, e) of the source, source (T,), 1 for a token "
        "and 0 for padding -> (S, e): softmax(queries · keysᵀ / √d) · values, with no weight on padding",
        _cross,
        _attended,
        mistakes=(
            (_look(mask=False), "padding of the source gets weight: set its scores to −1e9 before the softmax."),
            (_look(scale=lambda width: 1.0), "the scores are divided by √d."),
            (_look(scale=lambda width: float(width)), "the scores are divided by √d, not by d."),
            (_look(dim=0), "the softmax runs over the source's tokens, the last dimension: each row sums to 1."),
            (_zero_for_forbidden, "a score of 0 is no ban: exp(0) is 1. Set it to −1e9 before the softmax."),
            (_masked_afterwards, "weights taken away after the softmax no longer sum to 1: mask the scores before it."),
            (_of_itself, "the keys and values are the source's: yours lets the text look at itself."),
            (_look(soft=False), "the softmax is missing."),
        ),
        atol=1e-4,
    ),
    "beam_step": against(
        "scores (B,), of each beginning the log of its probability, logs (B, V), behind each the log-probability of "
        "every piece -> the best B of all B · V continuations, the best first: a list of (number of the beginning, id "
        "of the piece)",
        _beam_step,
        _beams,
        shrink=False,
        mistakes=(
            (
                _each_beam_its_best,
                "the best of ALL continuations: two may go on from one beginning, and none from another.",
            ),
            (
                _best_beam_alone,
                "all beginnings compete: the best one with its second piece may be worse than another's.",
            ),
            (_last_scores_alone, SUM + " Yours looks at the new piece alone."),
            (_stepped(join=torch.mul), SUM + " Logs are added, not multiplied."),
            (_stepped(best=False), "the highest sum is best: logs of probabilities are negative, near 0 is likely."),
            (_stepped(order=lambda beam, piece: (piece, beam)), "(beginning, piece), in this order."),
            (_wrong_width, "in a flat table of B · V numbers, a place divided by V gives the row: V = logs.shape[1]."),
            (lambda s, logs: _stepped()(s, logs)[:1], "as many as there are beginnings are kept: B of them."),
        ),
    ),
    "again": number(
        "how many pieces pass through the layers of a decoder that keeps nothing",
        _some_pieces,
        "A decoder without a memory writes {pieces} pieces: at each step it reads the start and all that is written so "
        "far, so 1 piece at the first step, 2 at the second. How many pieces pass through its layers in all?",
        _again,
        mistakes=(
            (lambda pieces: pieces, "that is with a memory: one new piece a step."),
            (lambda pieces: pieces**2, "not all steps read as many as the last one: 1 + 2 + … are asked for."),
            (
                lambda pieces: pieces * (pieces - 1) / 2,
                "the last step reads as many pieces as are written: 1 up to that.",
            ),
            (lambda pieces: (pieces + 1) * (pieces + 2) / 2, "there are as many steps as pieces, and no more."),
        ),
    ),
    "passes": number(
        "how many more passes a cross-encoder needs than a bi-encoder",
        _some_questions,
        "{questions} questions are asked, each among the same {replies} replies. A bi-encoder passes each question and "
        "each reply through the model once; a cross-encoder passes each pair. How many passes more does it need?",
        _passes,
        mistakes=(
            (
                lambda questions, replies: questions * replies,
                "those are the cross-encoder's: take the bi-encoder's away.",
            ),
            (lambda questions, replies: questions + replies, "those are the bi-encoder's alone."),
            (
                lambda questions, replies: questions * replies - questions,
                "the bi-encoder reads the replies, too, once each.",
            ),
            (
                lambda questions, replies: questions * replies - 2 * questions * replies,
                "a bi-encoder makes each vector once, however often it is compared.",
            ),
        ),
    ),
    "brevity": number(
        "what BLEU leaves of a text that is too short",
        _lengths,
        "A system writes {written} words where the reference has {wanted}, and every one of its runs of words stands "
        "in the reference. What is its BLEU, from 0 to 100?",
        _brevity,
        mistakes=SLIPS_OF_BREVITY,
        rel_tol=0.01,
    ),
}
