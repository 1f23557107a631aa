"""Checks of the lesson on news classification (Devlin et al., 2019, §4.1)."""

from __future__ import annotations

import dataclasses
import inspect
import itertools
import math
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bertcourse.checks.engine import (
    Around,
    Check,
    Salted,
    Trial,
    Wrong,
    against,
    floats,
    integers,
    number,
    show,
    started_again,
)
from bertlib.text.batching import pad_batch, padding_share


def _predict(pooled: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    return (pooled @ weight.T + bias).argmax(dim=-1)


class _Toy(nn.Module):
    """The smallest classifier: the mean of its tokens' rows of one table are a text's scores.

    In training it doubles them, in the place of dropout: so what is computed in the wrong mode is seen at once.
    """

    def __init__(self, table: Tensor):
        super().__init__()
        self.table = nn.Parameter(table.clone())

    def forward(self, ids: Tensor, mask: Tensor | None = None) -> Tensor:
        weights = torch.ones_like(ids).float() if mask is None else mask.float()
        scores = (self.table[ids] * weights[..., None]).sum(dim=1) / weights.sum(dim=1, keepdim=True)
        return 2 * scores if self.training else scores


def _epoch(model: nn.Module, optimizer: torch.optim.Optimizer, batches: list[tuple]) -> float:
    model.train()
    total = texts = 0
    for ids, mask, labels in batches:
        optimizer.zero_grad()
        loss = F.cross_entropy(model(ids, mask), labels)
        loss.backward()
        optimizer.step()
        total, texts = total + loss.item() * len(labels), texts + len(labels)
    return total / texts


def _accuracy(gold: list[int], predicted: list[int]) -> float:
    return float(np.mean(np.array(gold) == np.array(predicted)))


def _confusion(gold: list[int], predicted: list[int], classes: int) -> list[list[int]]:
    """scikit-learn's, which takes too long where many mistakes are tried."""
    table = [[0] * classes for _ in range(classes)]
    for g, p in zip(gold, predicted, strict=True):
        table[g][p] += 1
    return table


def _report(gold: list[int], predicted: list[int], classes: int) -> list[tuple[float, float, float]]:
    """scikit-learn's; 0 where there is nothing to divide by."""
    right = [sum(g == p == c for g, p in zip(gold, predicted, strict=True)) for c in range(classes)]
    rows = []
    for c in range(classes):
        found, there = predicted.count(c), gold.count(c)
        rows.append(
            (
                right[c] / found if found else 0.0,
                right[c] / there if there else 0.0,
                2 * right[c] / max(found + there, 1),
            )
        )
    return rows


def _macro_f1(gold: list[int], predicted: list[int], classes: int) -> float:
    return float(np.mean([f1 for _, _, f1 in _report(gold, predicted, classes)]))


def _interval(right: int, total: int) -> tuple[float, float]:
    """The normal approximation's 95 %."""
    share = right / total
    half = 1.96 * math.sqrt(share * (1 - share) / total)
    return share - half, share + half


def _truncate(ids: list[int], max_length: int) -> list[int]:
    return ids if len(ids) <= max_length else [*ids[: max_length - 1], ids[-1]]


def _answer_span(start: Tensor, end: Tensor) -> tuple[int, int]:
    """Devlin et al., 2019, §4.2: the largest sum of a start's and an end's score, the end not before the start."""
    place = (start[:, None] + end).masked_fill(torch.ones(len(start), len(start)).tril(-1).bool(), -math.inf).argmax()
    return divmod(int(place), len(start))


# ------------------------------------------------------------------------------------------------------------- cases


def _start_and_end_scores(rng):
    yield torch.tensor([0.0, 3.0, 1.0, 0.0]), torch.tensor([0.0, 0.0, 2.0, 1.0])
    yield torch.tensor([0.0, 1.0, 4.0]), torch.tensor([5.0, 0.0, 3.0])  # the best end stands before the best start
    yield torch.tensor([0.0, 9.0, 0.0]), torch.tensor([0.0, 9.0, 0.0])
    yield torch.tensor([-1.0, -4.0, -2.0]), torch.tensor([-5.0, -3.0, -6.0])  # no sum is above 0
    yield torch.tensor([0.0, 6.0, 5.0]), torch.tensor([7.0, 0.0, 2.0])  # one high score, of two, is not enough
    yield torch.tensor([5.0, 0.0, 4.0, 6.0]), torch.tensor([0.0, 8.0, 0.0, 2.0])
    yield torch.tensor([0.0, 0.0, 7.0, 6.0, 0.0]), torch.tensor([0.0, 8.0, 0.0, 0.0, 3.0])
    for _ in range(12):
        length = int(rng.integers(4, 9))
        yield floats(rng, length) - 2.0 * rng.integers(2), floats(rng, length)


def _sequences(rng):
    yield [[2, 7, 3], [2, 3]], 0
    for pad in (0, 1, 9):
        yield [rng.integers(5, 50, int(rng.integers(1, 9))).tolist() for _ in range(int(rng.integers(2, 6)))], pad
    yield [[2, 0, 3], [2, 3]], 0


def _labels(rng):
    yield [0, 1, 2, 1], [0, 2, 2, 1]
    for _ in range(6):
        size = int(rng.integers(5, 40))
        yield rng.integers(0, 4, size).tolist(), rng.integers(0, 4, size).tolist()


def _labels_and_classes(rng):
    yield [0, 0, 1, 1, 2], [0, 1, 1, 1, 0], 3
    yield [0, 0, 0, 0, 0, 0, 0, 0, 1], [0] * 9, 2
    for _ in range(5):
        size = int(rng.integers(10, 40))
        yield rng.integers(0, 4, size).tolist(), rng.integers(0, 3, size).tolist(), 5


def _heads(rng):
    for rows, size, classes in ((2, 3, 2), (4, 5, 4), (6, 4, 5), (5, 3, 4), (7, 3, 3)):
        yield floats(rng, rows, size), floats(rng, classes, size), 2 * floats(rng, classes)


def _tables_and_batches(rng):
    """Tables of a toy classifier, and batches of which the last one is smaller."""
    for case in range(5):
        classes, size = int(rng.integers(2, 4)), 2 + case
        batches = []
        for rows in [size] * (1 + case // 2) + [1]:
            mask = torch.arange(4) < integers(rng, 1, 5, rows, 1)
            mask[0] = True
            labels = integers(rng, 0, classes, rows)
            batches.append((integers(rng, 0, 6, rows, 4) * mask, mask.long(), labels))
        yield integers(rng, -2, 3, 6, classes).float(), batches


def _to_truncate(rng):
    yield [2, 11, 12, 13, 3], 4
    yield [2, 11, 3], 4
    for _ in range(6):
        yield [2, *rng.integers(5, 99, int(rng.integers(1, 20))).tolist(), 3], int(rng.integers(3, 15))


# ---------------------------------------------------------------------------------------------------- known mistakes


def _then(right: Callable, change: Callable) -> Callable:
    """What is right, and then changed."""
    return lambda *args: change(right(*args))


def _in_percent(value):
    return [_in_percent(part) for part in value] if isinstance(value, list | tuple) else 100 * value


def _rounded(value):
    return [_rounded(part) for part in value] if isinstance(value, list | tuple) else round(value, 2)


PERCENT = "a share from 0 to 1 is asked for, not percent."
ROUNDED = "right as far as it goes, but rounded: give the number itself, and round where you print it."


def _padded(width, side="right", mask=True, more=0):
    def pad(sequences, pad_token_id):
        longest = width or max(map(len, sequences)) + more
        rows, masks = [], []
        for sequence in sequences:
            fill = [pad_token_id] * (longest - len(sequence))
            rows.append([*sequence, *fill] if side == "right" else [*fill, *sequence])
            ones, zeros = [1] * len(sequence), [0] * len(fill)
            masks.append(ones + zeros if side == "right" else zeros + ones)
        ids = torch.tensor(rows)
        return ids, torch.tensor(masks) if mask else torch.ones_like(ids)

    return pad


def _mask_from_ids(sequences, pad_token_id):
    ids = _padded(None)(sequences, pad_token_id)[0]
    return ids, (ids != pad_token_id).long()


def _mask_from_zeros(sequences, pad_token_id):
    ids = _padded(None)(sequences, pad_token_id)[0]
    return ids, (ids != 0).long()


def _mask_of(rows_alone):
    """Left padding whose mask is on the other side, or right padding whose mask is."""

    def pad(sequences, pad_token_id):
        sides = ("left", "right") if rows_alone else ("right", "left")
        return tuple(_padded(None, side=side)(sequences, pad_token_id)[n] for n, side in enumerate(sides))

    return pad


def _cut_to_the_shortest(sequences, pad_token_id):
    ids = torch.tensor([sequence[: min(map(len, sequences))] for sequence in sequences])
    return ids, torch.ones_like(ids)


def _pads_before_the_sep(sequences, pad_token_id):
    longest = max(map(len, sequences))
    rows = [[*ids[:-1], *[pad_token_id] * (longest - len(ids)), ids[-1]] for ids in sequences]
    return torch.tensor(rows), pad_batch(sequences, pad_token_id)[1]


def _columns(sequences, pad_token_id):
    ids, mask = pad_batch(sequences, pad_token_id)
    return ids.T, mask.T


def _columns_and_mask_from_ids(sequences, pad_token_id):
    ids, mask = _mask_from_ids(sequences, pad_token_id)
    return ids.T, mask.T


def _pads_with_zero(sequences, pad_token_id):
    return _padded(None)(sequences, 0)


def _inverted(sequences, pad_token_id):
    ids, mask = pad_batch(sequences, pad_token_id)
    return ids, 1 - mask


def _loop(wrong):
    """The loop with a mistake: what `wrong` names."""

    def epoch(model, optimizer, batches):
        if wrong != "eval":
            model.train()
        losses, counts = [], []
        for ids, mask, labels in batches:
            if wrong == "one behind":
                loss = F.cross_entropy(model(ids, mask), labels)
                optimizer.step()
            if wrong not in ("adds up", "at the end"):
                optimizer.zero_grad()
            scores = model(ids) if wrong == "no mask" else model(ids, mask)
            if wrong == "softmax":
                scores = scores.softmax(dim=-1)
            if wrong == "nll":
                loss = F.nll_loss(scores, labels)
            elif wrong == "nll of softmax":
                loss = F.nll_loss(scores.softmax(dim=-1), labels)
            else:
                loss = F.cross_entropy(scores, labels, reduction="sum" if "sums" in wrong else "mean")
            loss.backward()
            if wrong not in ("no step", "at the end", "one behind"):
                optimizer.step()
            if wrong == "uphill":
                for parameter in model.parameters():
                    parameter.data += parameter.grad
            losses.append(loss.item())
            counts.append(1 if wrong == "sums" else len(labels))
            if wrong == "first batch":
                break
        if wrong == "at the end":
            optimizer.step()
        if wrong == "last loss":
            return losses[-1]
        if wrong == "sum of losses":
            return sum(losses)
        if wrong == "list":
            return losses
        if wrong == "nothing":
            return None
        if wrong == "means":
            return sum(losses) / len(losses)
        if wrong == "means by texts":
            return sum(losses) / sum(counts)
        if wrong in ("sums", "sums by mean"):
            return sum(losses) / sum(len(labels) for *_, labels in batches)
        return sum(loss * count for loss, count in zip(losses, counts, strict=True)) / sum(counts)

    return epoch


def _mean_of_recalls(gold, predicted):
    return float(
        np.mean([np.mean([p == g for g, p in zip(gold, predicted, strict=True) if g == c]) for c in set(gold)])
    )


def _swapped_report(gold, predicted, classes):
    return _report(predicted, gold, classes)


def _found_is_there(gold, predicted, classes):
    report = _report(gold, predicted, classes)
    return [(r, r, r) for _, r, _ in report]


def _geometric_f1(gold, predicted, classes):
    return [(p, r, math.sqrt(p * r)) for p, r, _ in _report(gold, predicted, classes)]


def _without_two(gold, predicted, classes):
    return [(p, r, f1 / 2) for p, r, f1 in _report(gold, predicted, classes)]


def _nothing_is(value, places):
    """Of a class that is not found (place 0), or not there (place 1), another number than 0."""

    def report(gold, predicted, classes):
        rows = []
        for c, (p, r, f1) in enumerate(_report(gold, predicted, classes)):
            p = value if 0 in places and c not in predicted else p
            r = value if 1 in places and c not in gold else r
            if math.isnan(p) or math.isnan(r):
                f1 = math.nan
            rows.append((p, r, f1))
        return rows

    return report


def _classes_of(choose):
    return lambda gold, predicted, classes: [_report(gold, predicted, classes)[c] for c in choose(gold, predicted)]


CLASSES_SEEN = (
    lambda gold, predicted: sorted(set(gold)),
    lambda gold, predicted: sorted({*gold, *predicted}),
    lambda gold, predicted: range(max(gold) + 1),
    lambda gold, predicted: range(max(*gold, *predicted) + 1),
)


def _column(report, place):
    return [row[place] for row in report]


def _with_how_many(gold, predicted, classes):
    return [(*row, gold.count(c)) for c, row in enumerate(_report(gold, predicted, classes))]


def _mean_of(place):
    return lambda *args: float(np.mean(_column(_report(*args), place)))


def _mean_arithmetic(gold, predicted, classes):
    return float(np.mean([(p + r) / 2 for p, r, _ in _report(gold, predicted, classes)]))


def _over_classes_seen(gold, predicted, classes):
    report = _report(gold, predicted, classes)
    return float(np.mean([report[c][2] for c in sorted({*gold, *predicted})]))


def _over_classes_right(gold, predicted, classes):
    return float(np.mean([f1 for f1 in _column(_report(gold, predicted, classes), 2) if f1] or [0.0]))


def _rows_the_same(gold, predicted, classes):
    return [[predicted.count(c) for c in range(classes)] for _ in range(classes)]


def _yes_or_no(gold, predicted, classes):
    return [[min(n, 1) for n in row] for row in _confusion(gold, predicted, classes)]


def _from_one(gold, predicted, classes):
    return [[n + 1 for n in row] for row in _confusion(gold, predicted, classes)]


def _shares_of_all(gold, predicted, classes):
    return [[n / len(gold) for n in row] for row in _confusion(gold, predicted, classes)]


def _table_of_classes_seen(gold, predicted, classes):
    seen = sorted({*gold, *predicted})
    return [[row[c] for c in seen] for g, row in enumerate(_confusion(gold, predicted, classes)) if g in seen]


def _pairs_counted(table):
    return {(g, p): n for g, row in enumerate(table) for p, n in enumerate(row) if n}


def _with_error(error, around=True):
    """An interval whose half width is another one; or something else made of share and half width."""

    def interval(right, total):
        share = right / total
        half = error(share, total)
        return (share - half, share + half) if around is True else around(share, half, total)

    return interval


def _half(share, total):
    return 1.96 * math.sqrt(share * (1 - share) / total)


def _wilson(right, total):
    share, z = right / total, 1.96
    middle = (share + z * z / 2 / total) / (1 + z * z / total)
    half = z * math.sqrt(share * (1 - share) / total + z * z / 4 / total**2) / (1 + z * z / total)
    return middle - half, middle + half


def _arithmetic_f1(gold, predicted, classes):
    return [(p, r, (p + r) / 2) for p, r, _ in _report(gold, predicted, classes)]


def _one_against_the_rest(gold, predicted, classes):
    return [(_accuracy([g == c for g in gold], [p == c for p in predicted]),) * 3 for c in range(classes)]


def _micro(gold, predicted, classes):
    return _accuracy(gold, predicted)


def _weighted_f1(gold, predicted, classes):
    return float(sum(f1 * gold.count(c) for c, (_, _, f1) in enumerate(_report(gold, predicted, classes))) / len(gold))


def _of_the_means(gold, predicted, classes):
    p, r, _ = np.mean(_report(gold, predicted, classes), axis=0)
    return float(2 * p * r / (p + r)) if p + r else 0.0


def _only_classes_seen(gold, predicted, classes):
    report = _report(gold, predicted, classes)
    return float(np.mean([report[c][2] for c in sorted(set(gold))]))


def _transposed(gold, predicted, classes):
    return _confusion(predicted, gold, classes)


def _as_shares(gold, predicted, classes):
    return [[n / max(sum(row), 1) for n in row] for row in _confusion(gold, predicted, classes)]


def _each_for_itself(start, end):
    return int(start.argmax()), int(end.argmax())


def _start_first(start, end):
    first = int(start.argmax())
    return first, first + int(end[first:].argmax())


def _end_first(start, end):
    last = int(end.argmax())
    return int(start[: last + 1].argmax()), last


def _put_in_order(start, end):
    return tuple(sorted(_each_for_itself(start, end)))


def _two_tokens_at_least(start, end):
    best = max((float(start[a] + end[b]), a, b) for a in range(len(start)) for b in range(a + 1, len(start)))
    return best[1:]


def _best_pair(worth, allowed=lambda a, b: a <= b, best=-math.inf, none=None):
    def span(start, end):
        top, found = best, none
        for a, b in itertools.product(range(len(start)), range(len(end))):
            if allowed(a, b) and float(worth(start[a], end[b])) > top:
                top, found = float(worth(start[a], end[b])), (a, b)
        return found

    return span


def _upper_triangle(start, end):
    return divmod(int((start[:, None] + end).triu().argmax()), len(start))


def _sum_of_probabilities(start, end):
    return _answer_span(start.softmax(0), end.softmax(0))


def _largest_sum(start, end):
    return float(max(start[a] + end[b] for a in range(len(start)) for b in range(a, len(start))))


def _end_excluded(start, end):
    first, last = _answer_span(start, end)
    return first, last + 1


def _judge_buckets(trial: Trial) -> None:
    for case in range(6):
        lengths = trial.rng.integers(3, 60, 50 if case else 7).tolist()
        size = int(trial.rng.integers(4, 9)) if case else 3
        batches = batches_given(trial.call(lengths, size))
        judge_batches(batches, lengths, size, trial.described)
        trial.right += 1


def _plain(value: object) -> object:
    """A tuple, array, tensor or number of theirs as a list or number of Python."""
    if isinstance(value, Tensor | np.ndarray | np.generic):
        return value.tolist()
    return list(value) if isinstance(value, list | tuple) else value


def batches_given(got: object) -> list[list[int]]:
    """The batches that an answer gives, as lists of whole numbers."""
    if inspect.isgenerator(got):
        raise Wrong("expected a list of batches, came a generator", "yield makes a generator: collect the batches.")
    batches = [_plain(batch) for batch in _plain(got)] if isinstance(_plain(got), list) else [None]
    batches = [[_plain(index) for index in batch] if isinstance(batch, list) else batch for batch in batches]
    if not all(isinstance(batch, list) for batch in batches):
        flat = bool(batches) and all(isinstance(batch, int) for batch in batches)
        hint = "cut the sorted indices into batches of `batch_size`." if flat else ""
        raise Wrong(f"expected a list of batches, each a list of indices; came {show(got)}", hint)
    if not all(type(index) is int for batch in batches for index in batch):
        raise Wrong(f"expected indices in the batches, came {show(batches[0])}", "indices alone are asked for.")
    if not batches or not all(batches):
        raise Wrong(f"expected batches with something in each; came {show(got)}")
    return batches


def judge_batches(batches: list[list[int]], lengths: list[int], size: int, tried: str) -> None:
    """Refuse batches that leave an example out, are of another size, or pad where they need not."""
    flat = [index for batch in batches for index in batch]
    if sorted(flat) != list(range(len(lengths))):
        missing = sorted(set(range(len(lengths))) - set(flat))
        twice = sorted({index for index in flat if flat.count(index) > 1})
        if sorted(flat) == sorted(lengths):
            hint = "give indices, not lengths."
        elif twice:
            hint = f"index {twice[0]} is there more than once: each batch begins where the last one ended."
        elif len(missing) == len(lengths) % size and _at_an_end([lengths[i] for i in missing], lengths):
            hint = "the last, smaller batch is missing."
        else:
            hint = "some are left out: each batch begins where the last one ended." if missing else ""
        raise Wrong(
            f"every example must occur exactly once; missing: {missing[:5]}, twice: {twice[:5]}; tried with: {tried}",
            hint,
        )
    sizes = [len(batch) for batch in batches]
    if max(sizes) > size or len(batches) > math.ceil(len(lengths) / size):
        same = all(len({lengths[index] for index in batch}) == 1 for batch in batches)
        hint = "all batches but the last are full: neighbouring lengths may stand in one batch." if same else ""
        if len(batches) == size != math.ceil(len(lengths) / size):
            hint = "`batch_size` is how many examples a batch has, not how many batches there are; take neighbours."
        raise Wrong(f"batches of {sizes} examples, where {size} each were asked for; tried with: {tried}", hint)
    ordered = sorted(range(len(lengths)), key=lengths.__getitem__)
    # Longest first is as good an order as shortest first, though the smaller batch is then another one.
    up, down, plain = (
        padding_share(lengths, [order[start : start + size] for start in range(0, len(order), size)])
        for order in (ordered, ordered[::-1], list(range(len(lengths))))
    )
    best, mine = max(up, down), padding_share(lengths, batches)
    if mine > best + 0.02 + 0.3 * max(plain - best, 0.0):
        rank = {index: number for number, index in enumerate(ordered)}
        steps = {rank[b] - rank[a] for batch in batches for a, b in itertools.pairwise(batch)}
        hint = "texts of similar length belong together: sort the indices by length, then cut."
        if len(steps) == 1 and steps.isdisjoint({1, -1}):
            hint = "sorted, but each batch then takes every n-th text: take neighbours of the sorted order."
        raise Wrong(f"{mine:.0%} of the slots are padding, where {best:.0%} will do; tried with: {tried}", hint)


def _at_an_end(some: list[int], lengths: list[int]) -> bool:
    """Whether these are the shortest lengths, or the longest."""
    ordered = sorted(lengths)
    return sorted(some) in (ordered[: len(some)], ordered[len(ordered) - len(some) :])


def _judge_split(trial: Trial) -> None:
    """Duplicates on one side, shares kept, everything used once."""
    for case in range(4):
        size = 2000 if case else 12
        texts = [Salted(f"text {trial.rng.integers(size // 2)}") for _ in range(size)]
        texts[-1] = texts[0]
        seed = int(trial.rng.integers(2**31))
        test = _parts_of(trial, texts, np.random.default_rng(seed))[1]
        share = len(test) / size
        # Some take so many texts, some so many different ones, some toss a coin for each: of many, all come near.
        if case and abs(share - 0.25) > 0.08:
            hint = "`share` of the texts are for the test: see where the share goes in."
            if abs(share - 0.75) < 0.08:
                hint = "the two parts are exchanged: first train, then test, which has the share."
            if not test or abs(share - 0.5) < 0.02:
                hint = "the share is an argument: use it for the size of the test part."
            raise Wrong(f"{share:.0%} of {size} texts are in the test part, expected about 25 %", hint)
        trial.right += 1
    texts = [f"text {trial.rng.integers(100)}" for _ in range(200)]
    one, same, other = (_test_of(trial, texts, seed) for seed in (1, 1, 2))
    if one != same:
        raise Wrong("the same rng gives another split", "draw only from the rng that you are given.")
    if one == other:
        raise Wrong("another rng gives the same split", "shuffle the different texts with the rng that you are given.")
    for (later,) in started_again(texts):
        if _test_of(trial, later, 1) != one:
            raise Wrong(
                "the same rng gives another split when Python is started again",
                "the order of a set of texts changes from start to start: sort the different texts, then draw.",
            )


def _parts_of(trial: Trial, texts: list[str], rng: np.random.Generator) -> tuple[list[int], list[int]]:
    got = trial.call(texts, 0.25, rng)
    if not isinstance(got, tuple | list | np.ndarray) or len(got) != 2:
        raise Wrong(f"expected two lists of indices, came {show(got)}")
    try:
        listed = [list(part) for part in got]
        if any(isinstance(index, str) for part in listed for index in part):
            raise Wrong("expected indices, came texts", "give indices: the labels are split alike.")
        train, test = ([int(index) for index in part] for part in listed)
    except (TypeError, ValueError):
        raise Wrong(f"expected two lists of indices, came {show(got)}") from None
    size = len(texts)
    both = {texts[i] for i in train if 0 <= i < size} & {texts[i] for i in test if 0 <= i < size}
    tried = f"; tried with: {trial.described}" if size < 20 else ""
    if sorted(train + test) == list(range(size)):
        if both:
            raise Wrong(
                f"{str(min(both))!r} is in both parts" + tried,
                "copies of a text must be on the same side, or the test asks for what was learned by heart.",
            )
        return train, test
    missing = sorted(set(range(size)) - {*train, *test})
    twice = sorted({*train} & {*test})
    hint = "leave no text out, and give indices."
    if twice:
        hint = f"index {twice[0]} is in both parts: train is what is not in test."
    elif missing and {texts[i] for i in missing} <= {texts[i] for i in [*train, *test] if 0 <= i < size}:
        hint = "copies are left out: each copy goes to the side of its text."
    raise Wrong(f"every text must be in exactly one of the two parts; missing: {missing[:5]}{tried}", hint)


def _test_of(trial: Trial, texts: list[str], seed: int) -> list[int]:
    return sorted(_parts_of(trial, texts, np.random.default_rng(seed))[1])


def _told(check: Check, words: str, hint: str) -> Check:
    """The check, which has a hint where the message has these words and there is none."""

    def judge(trial: Trial) -> None:
        try:
            check.judge(trial)
        except Wrong as wrong:
            wrong.hint = wrong.hint or (hint if words in wrong.message else "")
            raise

    return Check(check.asks, judge, check.mistakes)


def _trains(epoch: Callable) -> Callable:
    """(table, batches) -> what the loop returns, and the table after it."""

    def run(table: Tensor, batches: list[tuple]) -> dict:
        model = _Toy(table).eval()  # as an evaluation left it
        loss = epoch(model, torch.optim.SGD(model.parameters(), lr=0.5), batches)
        if loss is Ellipsis or loss is NotImplemented:
            return loss
        return {"what it returns": loss, "the weights after it": model.table.detach().clone()}

    return run


def _loops(mistakes: tuple[tuple[Callable, str], ...]) -> Check:
    """A check of a loop over batches: of the weights that it leaves, and of the mean loss that it returns."""
    inner = against(
        "model, optimizer, batches (tuples of ids, mask, labels) -> the mean loss per text, a number; each batch is "
        "one update of the model, which is in training mode",
        _trains(_epoch),
        _tables_and_batches,
        shrink=False,
        mistakes=tuple((_trains(wrong), hint) for wrong, hint in mistakes),
    )

    def judge(trial: Trial) -> None:
        if not callable(trial.answer):
            inner.judge(trial)
        around = dataclasses.replace(trial, answer=Around(trial.answer, _trains(trial.answer)))
        try:
            inner.judge(around)
            got = around.call(*next(_tables_and_batches(trial.rng)))["what it returns"]
        except Wrong as wrong:
            if not wrong.hint and "does not require grad" in wrong.message:
                wrong.hint = "nothing leads back to the weights: give cross_entropy the scores themselves."
            if not wrong.hint and "expected a number" in wrong.message:
                wrong.hint = "one number for the whole epoch is asked for: the mean over all of its texts."
            raise
        finally:
            trial.cases, trial.printed = around.cases, around.printed
        if isinstance(got, Tensor) and got.requires_grad:
            raise Wrong(
                "the number is right, but it is a tensor with a gradient",
                "such a sum keeps what every batch computed in memory: add up loss.item().",
            )

    return Check(inner.asks, judge, mistakes)


class _WrongHead(nn.Module):
    """A head with a mistake: another dropout, its place, a part too many."""

    def __init__(self, size, classes, share=0.1, before=True, after=None, bias=True, always=False):
        super().__init__()
        self.layer = nn.Linear(size, classes, bias=bias)
        self.share, self.before, self.after, self.always = share, before, after, always

    def forward(self, pooled: Tensor) -> Tensor:
        def drop(values):
            return F.dropout(values, self.share, self.training or self.always)

        scores = self.layer(drop(pooled)) if self.before else drop(self.layer(pooled))
        return scores if self.after is None else self.after(scores)


def _head_with(**wrong) -> Callable:
    return lambda size, classes: _WrongHead(size, classes, **wrong)


_NOTHING_DROPPED = "dropout with p = 0.1 goes before the layer."
_DROPS_SCORES = "dropout goes before the layer: on the pooled vector, not on scores."
_ALWAYS_DROPS = "no dropout there: nn.Dropout sees to it; F.dropout needs training=self.training."
_SOFTMAX_LATER = "scores are asked for: cross_entropy takes the softmax itself."


def _judge_head(trial: Trial) -> None:
    """A layer that is linear in evaluation, and drops a tenth of the pooled numbers in training."""
    for size, classes in ((4, 3), (5, 2), (7, 4)):
        head = _made(trial, size, classes)
        with torch.no_grad():
            for parameter in head.parameters():
                parameter.copy_(floats(trial.rng, *parameter.shape))
        inner = dataclasses.replace(trial, answer=head.eval())
        try:
            _judge_linear(inner, size, classes)
            _judge_dropout(inner, head, size)
        finally:
            trial.cases = inner.cases
        trial.right += 1


def _made(trial: Trial, size: int, classes: int) -> nn.Module:
    try:
        head = trial.call(size, classes)
    except Wrong as wrong:
        if "Module.__init__() call" in wrong.message:
            wrong.hint = "super().__init__() comes first in __init__, before any layer."
        raise
    if not isinstance(head, nn.Module):
        raise Wrong(f"expected an nn.Module, came {show(head)}", "write class my_head(nn.Module).")
    found = sum(parameter.numel() for parameter in head.parameters())
    wanted = size * classes + classes
    if found == wanted:
        return head
    hint = ""
    if not found:
        hint = "it has no weights to train: make the layer in __init__, as self.something = nn.Linear(…)."
    elif found == wanted - classes:
        hint = "the bias is missing."
    elif found == wanted + size * size + size:
        hint = "one layer is enough: dense layer and tanh of the pooler stand before the head already."
    raise Wrong(f"my_head({size}, {classes}) has {found} weights, expected {size} · {classes} + {classes}", hint)


def _judge_linear(trial: Trial, size: int, classes: int) -> None:
    pooled = floats(trial.rng, 6, size)

    def scores(values: Tensor) -> Tensor:
        got = trial.call(values)
        if not isinstance(got, Tensor) or got.shape != (len(values), classes):
            came = tuple(got.shape) if isinstance(got, Tensor) else show(got)
            hint = "scores are asked for, one for each class: no argmax." if came == (len(values),) else ""
            raise Wrong(f"expected a tensor ({len(values)}, {classes}), came {came}; tried with: {show(values)}", hint)
        return got.detach()

    first = scores(pooled)
    if not torch.allclose(first, scores(pooled), atol=1e-6):
        raise Wrong(
            "in evaluation mode the same input gives other scores each time",
            _ALWAYS_DROPS,
        )
    zero = scores(torch.zeros(1, size))
    weight = scores(torch.eye(size)) - zero
    if torch.allclose(first, pooled @ weight + zero, atol=1e-4):
        return
    hint = "after dropout comes one linear layer, and nothing else."
    ones = torch.ones(len(first))
    if torch.allclose(first.sum(dim=-1), ones, atol=1e-4) or torch.allclose(first.exp().sum(dim=-1), ones, atol=1e-4):
        hint = _SOFTMAX_LATER
    elif scores(100 * pooled).abs().max() <= 1:
        hint = "the tanh is part of the pooler, which stands before the head: only a linear layer here."
    elif (scores(100 * pooled) >= 0).all():
        hint = "no ReLU after the layer: scores may be negative."
    raise Wrong("the scores are not linear in the pooled vector", hint)


def _judge_dropout(trial: Trial, head: nn.Module, size: int) -> None:
    one = torch.zeros(4000, size)
    one[:, 0] = 1.0  # so what a row gives is the bias, and a column of the weights where that number was not dropped
    zero, plain = trial.call(torch.zeros(1, size)).detach(), trial.call(one[:1]).detach()
    head.train()
    got = trial.call(one).detach()
    head.eval()
    if torch.allclose(got, plain.expand_as(got), atol=1e-6):
        raise Wrong("in training mode nothing is dropped", _NOTHING_DROPPED)
    if (got == 0).any():
        raise Wrong("in training mode scores are dropped", _DROPS_SCORES)
    dropped = float((got - zero).abs().amax(dim=1).lt(1e-6).float().mean())
    if not 0.07 < dropped < 0.13:
        hint = "nn.Dropout() without a number drops half." if 0.45 < dropped < 0.55 else ""
        hint = "0.1 is the share that is dropped, not the one that stays." if dropped > 0.85 else hint
        raise Wrong(f"{dropped:.0%} of the numbers are dropped in training, expected 10 %", hint)
    kept = got[(got - zero).abs().amax(dim=1) > 1e-6][0]
    if not torch.allclose(kept, zero[0] + (plain - zero)[0] / 0.9, atol=1e-4):
        raise Wrong(
            "what is not dropped has another size than expected",
            "dropout divides what stays by 0.9, so that sums stay the same on average: nn.Dropout does it.",
        )


SCRIPT = """from transformers import AdamW, BertForSequenceClassification
def batch_of(rows):
    texts, labels = [row["text"] for row in rows], [row["label"] for row in rows]
    batch = tokenizer(texts, padding="max_length", max_length=128, truncation=True, return_tensors="pt")
    return {"input_ids": batch.input_ids, "attention_mask": batch.attention_mask, "labels": torch.tensor(labels)}
def evaluate(model, rows):
    model.eval()
    predictions = [model(**batch_of([row])).logits.argmax().item() for row in rows]
    print("Accuracy: {:.2f}%".format(accuracy_score([row["label"] for row in rows], predictions)))
model = BertForSequenceClassification.from_pretrained("bert-base-uncased", num_labels=2)
optimizer = AdamW(model.parameters(), lr=2e-5)
batches = DataLoader(train_rows, batch_size=16, shuffle=True, collate_fn=batch_of)
for epoch in range(5):
    model.train()
    total = 0
    for batch in batches:
        model.zero_grad()
        loss = model(**batch).loss
        loss.backward()
        optimizer.step()
        total += loss.item()
    print("train loss", total / len(batches))
    evaluate(model, dev_rows)
evaluate(model, test_rows)"""

# What somebody sees, the line that is to blame, and where to look. No line is to blame twice, but for line 4, whose two
# symptoms are those of the variants 0 and 1: later variants never have an answer of theirs.
PUT_IN_FRONT = "Under an old release of transformers, and with all that it lacks put in front"
SYMPTOMS = (
    (
        "Under today's transformers it stops at once: cannot import name 'AdamW' from 'transformers'.",
        1,
        "who asks for a name that is not there?",
    ),
    (
        PUT_IN_FRONT + " but the tokenizer, it stops in the first batch: name 'tokenizer' is not defined.",
        4,
        "who uses this name? A line that only calls the one that does is not to blame.",
    ),
    (
        PUT_IN_FRONT + ", it stops in the first batch, far down in the loss: IndexError, Target 3 is out of bounds.",
        10,
        "a target is the number of a class: where is it said how many classes there are?",
    ),
    (
        PUT_IN_FRONT + ", it runs. Of 400 texts it gets 378 right, and what it reports is 0.94%.",
        9,
        "378 / 400 is right: where does a fraction get its percent sign?",
    ),
    (
        "With torch.optim.AdamW imported in its place, biases and LayerNorms decay like all other weights.",
        11,
        "who is told which weights there are, and whether they decay?",
    ),
    (
        PUT_IN_FRONT + ", it runs. 17 texts are 2 batches, and the mean that it prints counts the one text of the "
        "second as much as the 16 of the first.",
        22,
        "each batch gives a mean of its own: where is the mean of these taken?",
    ),
    (
        PUT_IN_FRONT
        + ", it runs. After epoch 3 it is best on dev_rows. The test is of the weights after epoch 5 all the same.",
        24,
        "which line makes the figure of the test, and of which weights?",
    ),
    (
        PUT_IN_FRONT + ", it runs. Headlines have 35 tokens on average, and an epoch takes as long as if they had 128.",
        4,
        "where does a batch get its shape?",
    ),
)


def _symptom(rng: np.random.Generator) -> dict[str, str]:
    lines = "\n".join(f"{number:2}  {line}" for number, line in enumerate(SCRIPT.splitlines(), start=1))
    return {"symptom": SYMPTOMS[int(rng.integers(len(SYMPTOMS)))][0], "script": lines}


def _blamed(symptom: str) -> tuple[int, str]:
    """The line that a symptom comes from, and where to look."""
    return next((line, lead) for known, line, lead in SYMPTOMS if known == symptom)


CHECKS = {
    "head": Check(
        "class (nn.Module), made by my_head(size, classes), called with pooled (B, size) -> scores (B, classes): "
        "dropout of a tenth, in training only, then one linear layer with a bias",
        _judge_head,
        (
            (_head_with(share=0.0), _NOTHING_DROPPED),
            (_head_with(share=0.5), "nn.Dropout() without a number drops half."),
            (_head_with(share=0.9), "0.1 is the share that is dropped, not the one that stays."),
            (_head_with(before=False), _DROPS_SCORES),
            (_head_with(always=True), _ALWAYS_DROPS),
            (_head_with(bias=False), "the bias is missing."),
            (_head_with(after=lambda scores: scores.softmax(dim=-1)), _SOFTMAX_LATER),
            (
                _head_with(after=lambda scores: scores.argmax(dim=-1)),
                "scores are asked for, one for each class: no argmax.",
            ),
        ),
    ),
    "epoch": _loops(
        (
            (_loop("eval"), "model.train() first: an evaluation left the model in the other mode, without dropout."),
            (
                _loop("adds up"),
                "gradients add up from batch to batch: optimizer.zero_grad() before each backward().",
            ),
            (
                _loop("no step"),
                "the weights did not move: for each batch backward(), then step(), and no zero_grad() between them.",
            ),
            (_loop("one behind"), "one batch behind: step() uses what backward() left, so backward() comes first."),
            (_loop("at the end"), "one update for each batch: step() belongs into the loop."),
            (_loop("first batch"), "only the first batch was used: is there a return, or a break, in the loop?"),
            (_loop("no mask"), "the mask is not used: model(ids, mask), or padding counts as text."),
            (
                _loop("softmax"),
                "the softmax is taken twice: cross_entropy wants the scores themselves.",
            ),
            *(
                (_loop(wrong), "nll_loss wants logarithms of probabilities: take cross_entropy, on the scores.")
                for wrong in ("nll", "nll of softmax")
            ),
            *(
                (_loop(wrong), "the gradient is that of the sum: of each batch take the mean.")
                for wrong in ("sums", "sums by mean", "sums again")
            ),
            (
                _loop("means"),
                "a mean of means: the smaller last batch counts too much. Add up loss · texts, divide by all texts.",
            ),
            (_loop("means by texts"), "those are means already: times the batch's texts first, then divide by all."),
            (_loop("last loss"), "that is the last batch's loss: the mean over all texts is asked for."),
            (_loop("sum of losses"), "that is a sum: the mean over all texts is asked for."),
            (_loop("list"), "one number is asked for: the mean over all texts."),
            (_loop("nothing"), "the weights are right; return the mean loss at the end."),
        )
    ),
    "padding": against(
        "sequences (lists of ids), pad_token_id -> (input_ids, attention_mask), long, as wide as the longest of them",
        pad_batch,
        _sequences,
        mistakes=(
            *((_padded(width), "pad to the longest of this batch, not to a fixed width.") for width in (128, 256, 512)),
            (_padded(None, more=1), "one too wide: the longest text has no padding."),
            *(
                (_mask_of(rows_alone), "BERT's padding stands at the end, in ids and mask: position 0 is [CLS].")
                for rows_alone in (True, False)
            ),
            (_pads_before_the_sep, "padding stands behind the last token, [SEP], not before it."),
            (_cut_to_the_shortest, "nothing is cut: shorter texts are filled up to the longest."),
            (_columns, "a row for each text (pad_sequence needs batch_first=True)."),
            (_columns_and_mask_from_ids, "a row for each text (pad_sequence needs batch_first=True)."),
            (_then(pad_batch, lambda both: both[0]), "two things are asked for: input_ids and attention_mask."),
            (_then(pad_batch, lambda both: both[::-1]), "the two are exchanged: first the ids, then the mask."),
            *(
                (_then(pad_batch, lambda both, kind=kind: (both[0], both[1].to(kind))), "the mask has whole numbers.")
                for kind in (torch.bool, torch.float32)
            ),
            (_mask_from_zeros, "a token's or the padding's id need not be 0: make the mask from the lengths."),
            (_padded(None, side="left"), "BERT's padding stands at the end: position 0 is [CLS]."),
            (_padded(None, mask=False), "the mask is 0 where padding stands."),
            (_mask_from_ids, "a token may have the padding's id by accident: make the mask from the lengths."),
            (_pads_with_zero, "pad_token_id is not used: it is not 0 everywhere."),
            (_inverted, "the mask is upside down: 1 for tokens."),
        ),
    ),
    "buckets": Check(
        "lengths, batch_size -> batches (lists of indices) of similar length, every index once", _judge_buckets
    ),
    "truncate": against(
        "ids ([CLS] … [SEP]), max_length -> ids of at most so many tokens; the closing [SEP] stays",
        _truncate,
        _to_truncate,
        mistakes=(
            (lambda ids, max_length: ids[:max_length], "the closing [SEP] was cut off."),
            (
                lambda ids, max_length: [ids[0], *ids[1 - max_length :]] if len(ids) > max_length else ids,
                "cut at the end.",
            ),
            (lambda ids, max_length: [*ids[: max_length - 1], ids[-1]], "a text that is short enough stays as it is."),
            (lambda ids, max_length: ids[-max_length:], "cut at the end."),
            *(
                (wrong, "one token too many: [SEP] counts, so that max_length - 1 others stay.")
                for wrong in (
                    lambda ids, max_length: [*ids[:max_length], ids[-1]] if len(ids) > max_length else ids,
                    lambda ids, max_length: [*ids[:max_length], ids[-1]],
                )
            ),
            (
                lambda ids, max_length: [*ids[: max_length - 2], ids[-1]] if len(ids) > max_length else ids,
                "one token more has room: max_length - 1 of them and [SEP].",
            ),
            *(
                (
                    lambda ids, max_length, sep=sep: [*ids[: max_length - 1], sep] if len(ids) > max_length else ids,
                    "[SEP] has another number in other vocabularies: take the text's own last id.",
                )
                for sep in (102, 1, 2, 0)
            ),
            (
                lambda ids, max_length: ids[: max_length - 1] if len(ids) > max_length else ids,
                "the closing [SEP] was cut off.",
            ),
            (lambda ids, max_length: ids, "nothing was cut."),
        ),
    ),
    "predict": _told(
        against(
            "pooled (B, D), weight (C, D), bias (C,) -> class of each text (B,), long",
            _predict,
            _heads,
            mistakes=(
                (lambda pooled, weight, bias: (pooled @ weight.T).argmax(-1), "the bias is missing."),
                (lambda pooled, weight, bias: (pooled @ weight.T + bias).max(-1).values, "the class, not its score."),
                (
                    lambda pooled, weight, bias: (pooled @ weight.T + bias).argmax(0),
                    "over the classes, the last dimension.",
                ),
                (lambda pooled, weight, bias: (pooled @ weight.T + bias).argmin(-1), "the highest score wins."),
                (lambda pooled, weight, bias: (pooled @ weight.T + bias).argmax(-1) + 1, "classes count from 0."),
                (lambda pooled, weight, bias: (pooled @ weight.T - bias).argmax(-1), "the bias is added."),
                *(
                    (wrong, "those are the scores of all classes: the class is asked for, the place of the highest.")
                    for wrong in (
                        lambda pooled, weight, bias: pooled @ weight.T + bias,
                        lambda pooled, weight, bias: (pooled @ weight.T + bias).softmax(-1),
                        lambda pooled, weight, bias: (pooled @ weight.T + bias).log_softmax(-1),
                    )
                ),
                (
                    lambda pooled, weight, bias: (pooled @ weight.T + bias).argmax(),
                    "one class for each text: argmax without a dimension looks through the whole table.",
                ),
                (
                    lambda pooled, weight, bias: (pooled @ weight.T + bias).softmax(0).argmax(-1),
                    "the softmax runs over the texts here; over the classes it would be dim=-1, and change no order.",
                ),
                (
                    lambda pooled, weight, bias: (pooled @ weight.T + bias).argmax(-1, keepdim=True),
                    "the shape is (B,): without keepdim.",
                ),
                (
                    lambda pooled, weight, bias: (pooled @ weight.T + bias).argmax(-1).float(),
                    "classes are whole numbers.",
                ),
            ),
        ),
        "shapes cannot be multiplied",
        "the weight is (C, D), as nn.Linear keeps it: pooled @ weight.T.",
    ),
    "answer_span": against(
        "start, end (T,) scores -> (first, last) token of the answer: the pair with the largest sum, last not before "
        "first",
        _answer_span,
        _start_and_end_scores,
        mistakes=(
            (_each_for_itself, "taken each for itself, the end can stand before the start: look at pairs."),
            (_put_in_order, "the best start and the best end exchanged are no answer that the scores speak for."),
            (_start_first, "the best start need not belong to the best pair: add the scores, then take the largest."),
            (_end_first, "the best end need not belong to the best pair: add the scores, then take the largest."),
            (_two_tokens_at_least, "an answer may be a single token: start and end are then the same."),
            (_best_pair(lambda s, e: s * e), "the sum, not the product: two low scores have a high product."),
            (
                _best_pair(lambda s, e: s + e, allowed=lambda a, b: True),
                "taken each for itself, the end can stand before the start: look at pairs.",
            ),
            (_best_pair(lambda s, e: s + e, allowed=lambda a, b: b <= a), "the end stands before the start."),
            (_then(_answer_span, lambda pair: pair[::-1]), "first token, then the last: yours are exchanged."),
            *(
                (
                    _best_pair(lambda s, e: s + e, best=0.0, none=none),
                    "scores may all be negative: begin with -inf as the best so far, not with 0.",
                )
                for none in (None, (0, 0))
            ),
            (_upper_triangle, "triu puts 0 where it forbids, and 0 beats negative sums: put -inf there."),
            (_sum_of_probabilities, "the largest sum of scores; probabilities multiply, they do not add."),
            (_largest_sum, "that is the largest sum: the places are asked for."),
            (_end_excluded, "the last token itself is asked for, not the place behind it."),
        ),
    ),
    "accuracy": against(
        "gold, predicted (lists of classes) -> share that is right, 0 to 1",
        _accuracy,
        _labels,
        mistakes=(
            (lambda gold, predicted: 100 * _accuracy(gold, predicted), PERCENT),
            (_then(_accuracy, lambda share: round(share, 2)), ROUNDED),
            (_then(_accuracy, math.floor), "// gives whole numbers: divide with /."),
            (
                lambda gold, predicted: _accuracy(gold, predicted) * len(gold) / len(set(gold)),
                "divide by the number of texts, not of classes.",
            ),
            (lambda gold, predicted: gold == predicted, "that asks whether all are right: compare each text."),
            (
                lambda gold, predicted: len({*gold} & {*predicted}) / len({*gold}),
                "sets forget which text is which: compare place by place.",
            ),
            (
                lambda gold, predicted: [g == p for g, p in zip(gold, predicted, strict=True)],
                "one number is asked for: the share of those that are right.",
            ),
            (lambda gold, predicted: 1 - _accuracy(gold, predicted), "that is the share that is wrong."),
            (lambda gold, predicted: sum(map(int.__eq__, gold, predicted)), "divide by the number of texts."),
            (_mean_of_recalls, "that is the mean of the classes' recalls."),
        ),
    ),
    "report": against(
        "gold, predicted, classes (how many) -> list, for each class (precision, recall, F1); 0 where there is nothing "
        "to divide by",
        _report,
        _labels_and_classes,
        mistakes=(
            (_swapped_report, "precision and recall are exchanged: precision divides by what was predicted."),
            (_arithmetic_f1, "F1 is the harmonic mean, 2PR / (P + R)."),
            (_geometric_f1, "F1 is the harmonic mean, 2PR / (P + R)."),
            (_without_two, "the factor 2 is missing: 2PR / (P + R)."),
            (_found_is_there, "precision divides by what was predicted: count the class in `predicted`."),
            *(
                (_nothing_is(value, places), "0 where there is nothing to divide by.")
                for value in (1.0, math.nan)
                for places in ((0,), (1,), (0, 1))
            ),
            *(
                (_classes_of(choose), "all classes have a row, also those that do not occur.")
                for choose in CLASSES_SEEN
            ),
            (
                _then(_report, lambda report: list(zip(*report, strict=True))),
                "one triple for each class; yours are three lists.",
            ),
            *(
                (_then(_report, lambda report, n=n: _column(report, n)), "three numbers for each class.")
                for n in range(3)
            ),
            (_then(_report, lambda report: dict(enumerate(report))), "a list, class 0 first, not a dict."),
            (_with_how_many, "three numbers for each class, no fourth."),
            (_then(_report, _in_percent), PERCENT),
            (_then(_report, _rounded), ROUNDED),
            (_one_against_the_rest, "that is the accuracy of each class against the rest."),
        ),
    ),
    "macro_f1": against(
        "gold, predicted, classes (how many) -> mean of the classes' F1, each class alike",
        _macro_f1,
        _labels_and_classes,
        mistakes=(
            (_micro, "that is the accuracy (micro F1): macro gives each class the same weight."),
            (_weighted_f1, "that is weighted by how common the classes are."),
            (_of_the_means, "average the F1s; do not take the F1 of average precision and recall."),
            *(
                (wrong, "all classes are averaged: one that does not occur, or was never right, counts as 0.")
                for wrong in (_only_classes_seen, _over_classes_seen, _over_classes_right)
            ),
            (
                lambda *args: float(np.sum(_column(_report(*args), 2))),
                "that is the sum: divide by the number of classes.",
            ),
            (_mean_of(0), "that is the mean of the precisions."),
            (_mean_of(1), "that is the mean of the recalls."),
            (_mean_arithmetic, "F1 is the harmonic mean, 2PR / (P + R)."),
            (_then(_macro_f1, _in_percent), PERCENT),
            (_then(_macro_f1, _rounded), ROUNDED),
            (lambda *args: _column(_report(*args), 2), "one number is asked for: their mean."),
        ),
    ),
    "confusion": against(
        "gold, predicted, classes (how many) -> table of counts: row the gold class, column the predicted one",
        _confusion,
        _labels_and_classes,
        mistakes=(
            (_transposed, "rows are gold, columns are predicted."),
            (_as_shares, "counts are asked for."),
            (_shares_of_all, "counts are asked for."),
            (
                _rows_the_same,
                "all rows are the same list: [[0] * classes] * classes repeats one; make each row anew.",
            ),
            (
                _yes_or_no,
                "add 1 for each text (table[gold, predicted] += 1 adds only once for equal places: np.add.at).",
            ),
            (_from_one, "the counts begin at 0."),
            (_table_of_classes_seen, "all classes have a row and a column, also those that do not occur."),
            (
                _then(_confusion, lambda table: [row[c] for c, row in enumerate(table)]),
                "that is the diagonal: the whole table is asked for.",
            ),
            (
                _then(_confusion, lambda table: [*itertools.chain(*table)]),
                "a row for each gold class: yours is one long list.",
            ),
            (_then(_confusion, _pairs_counted), "a row for each gold class, with zeros where nothing is: no dict."),
        ),
    ),
    "split": Check(
        "texts, share, rng -> (train, test) indices, about `share` of them in test, copies of a text on the same side",
        _judge_split,
    ),
    "interval": against(
        "right, total -> (low, high), the 95 % interval of an accuracy: share ± 1.96 · √(share · (1 − share) / total)",
        _interval,
        lambda rng: [(90, 100), *((int(n), 500) for n in rng.integers(50, 450, 5))],
        atol=1e-6,
        mistakes=(
            (_with_error(lambda p, n: 1.96 * p * (1 - p) / n), "the root is missing."),
            (
                _with_error(lambda p, n: 1.96 * math.sqrt(p * (1 - p))),
                "divide by the number of texts under the root: the spread of the mean, not of a single text.",
            ),
            (_with_error(lambda p, n: 1.96 * math.sqrt(p * (1 - p)) / n), "the number of texts stands under the root."),
            (_with_error(lambda p, n: math.sqrt(p * (1 - p) / n)), "that is one standard error; 95 % take 1.96."),
            (_with_error(lambda p, n: 1.96 * math.sqrt(p * (1 - p) / (n - 1))), "divide by the total, not by n - 1."),
            (_with_error(lambda p, n: 2 * math.sqrt(p * (1 - p) / n)), "the formula has 1.96, not 2."),
            (_with_error(lambda p, n: 1.645 * math.sqrt(p * (1 - p) / n)), "that is the 90 % interval: 1.96."),
            (_with_error(lambda p, n: 2.576 * math.sqrt(p * (1 - p) / n)), "that is the 99 % interval: 1.96."),
            (_with_error(lambda p, n: 1.96 * math.sqrt(p / n)), "the variance is share · (1 - share)."),
            (_with_error(_half, lambda p, half, n: (p + half, p - half)), "low and high are exchanged."),
            (_with_error(_half, lambda p, half, n: (p, half)), "low and high: the share less and plus its error."),
            (_with_error(_half, lambda p, half, n: half), "low and high: the share less and plus its error."),
            (_with_error(_half, lambda p, half, n: (100 * (p - half), 100 * (p + half))), PERCENT),
            (
                _with_error(_half, lambda p, half, n: (n * (p - half), n * (p + half))),
                "those are numbers of texts: divide by the total.",
            ),
            (_wilson, "that is Wilson's interval, a good one; asked for is the formula above."),
        ),
    ),
    "leak": number(
        "points of accuracy (1 point = 1 percent of the texts), to three significant digits",
        lambda rng: {
            "n": 10 * int(rng.integers(30, 60)),
            "k": int(rng.integers(31, 59)),
            "p": int(rng.integers(78, 92)),
        },
        "Of {n} test articles {k} repeat a training article, and a classifier gets all of those right. Of the others "
        "it gets {p} % right, and of the {k} it would, too, if it had not seen them. How many points of its accuracy "
        "are a gift of the copies?",
        lambda n, k, p: 100 * k / n * (1 - p / 100),
        rel_tol=5e-3,
        mistakes=(
            (lambda n, k, p: 100 * k / n, "that is the share of the copies: most of them it would have got anyway."),
            (lambda n, k, p: 100 - p, "that is the gift among the copies; they are only a part of the test."),
            (lambda n, k, p: 100 * (k + (n - k) * p / 100) / n, "that is the accuracy: how much of it is the gift?"),
            (lambda n, k, p: k * (1 - p / 100), "that is how many texts: divide by how many there are."),
            (lambda n, k, p: k / n * (1 - p / 100), "that is the share: percent are asked for."),
            (lambda n, k, p: 100 * k / n * p / 100, "that is what it would have got right of the copies anyway."),
            (lambda n, k, p: 100 * (n - k) / n * (1 - p / 100), "the gift is among the copies, not among the others."),
        ),
    ),
    "wrong_line": number(
        "the number of the line that is to blame",
        _symptom,
        "{script}\n\nSomebody runs it. {symptom} Which line is to blame? "
        f"(Variants 0 to {len(SYMPTOMS) - 1} have a symptom each.)",
        lambda symptom, script: _blamed(symptom)[0],
        noun="line",
        lead=lambda symptom, script: _blamed(symptom)[1],
        kinds=len(SYMPTOMS),
    ),
    "baseline": number(
        "a share from 0 to 1, to three significant digits",
        lambda rng: {"a": int(rng.integers(30, 60)), "b": int(rng.integers(10, 30)), "c": int(rng.integers(10, 30))},
        "Three classes with {a}, {b} and {c} texts. What accuracy has a classifier that always says the commonest "
        "class?",
        lambda a, b, c: a / (a + b + c),
        rel_tol=5e-3,
        mistakes=(
            (lambda a, b, c: 1 / 3, "that is the accuracy of guessing among three classes evenly."),
            (lambda a, b, c: a, "that is how many it gets right: divide by how many there are."),
            (lambda a, b, c: min(b, c) / (a + b + c), "that is always saying the rarest class."),
            (lambda a, b, c: a / (b + c), "divide by all texts, the commonest class among them."),
            (lambda a, b, c: (a * a + b * b + c * c) / (a + b + c) ** 2, "that is guessing by the classes' shares."),
        ),
    ),
}
