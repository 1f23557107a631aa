"""Checks of the lesson on named entities (Devlin et al., 2019, §5.3; Tjong Kim Sang and De Meulder, 2003)."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Sequence
from itertools import chain, pairwise

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from bertcourse.checks.engine import Check, Trial, Wrong, against, floats, integers, number, show, truths, with_gradient
from bertlib.model.heads import Losses
from bertlib.text.masking import IGNORED
from bertlib.text.spans import best_tags, entities_of, follows, split_tag, tag_names, tags_of
from bertlib.text.windows import Pieces, piece_labels
from bertlib.text.wordpiece import word_spans

NAMES = tag_names(["PER", "LOC"])


def _align(word_ids: Sequence[int | None], tags: Sequence[str], names: Sequence[str]) -> list[int]:
    """`bertlib.text.windows.piece_labels` on pieces whose words are those of the data; specials (None) get -100."""
    places = [place for place, word in enumerate(word_ids) if word is not None]
    numbers = [word_ids[place] for place in places]
    spans = [(10 * word + piece, 10 * word + piece + 1) for piece, word in _count_pieces(numbers)]
    pieces = Pieces([0] * len(places), spans, numbers, (0, len(places)))
    words = [(10 * word, 10 * word + 10) for word in range(len(tags))]
    labels = [IGNORED] * len(word_ids)
    found = piece_labels(pieces, words, [names.index(tag) for tag in tags], names)
    for place, label in zip(places, found.tolist(), strict=True):
        labels[place] = label
    return labels


def _count_pieces(numbers: Sequence[int]) -> list[tuple[int, int]]:
    """(number within its word, word) of each piece."""
    return [(place - numbers.index(word), word) for place, word in enumerate(numbers)]


def _f1(gold: list[list[str]], predicted: list[list[str]]) -> float:
    """`bertlib.metrics.entity_scores`, which takes too long where many mistakes are tried."""
    there, found = (
        {(text, *entity) for text, tags in enumerate(side) for entity in entities_of(tags)}
        for side in (gold, predicted)
    )
    return 2 * len(there & found) / max(len(there) + len(found), 1)


def _tag_words(text: str, entities: list[dict]) -> list[str]:
    return tags_of(word_spans(text), [(entity["start"], entity["end"], entity["type"]) for entity in entities])


def _tag_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """As `bertlib.model.heads.BertForTokenClassification` counts it: one sum, one count."""
    total = F.cross_entropy(logits.flatten(0, 1), labels.flatten(), reduction="sum", ignore_index=IGNORED)
    return Losses(loss_sums={"tagging": total}, loss_counts={"tagging": (labels != IGNORED).sum()}).loss


def _join(windows: Sequence[tuple[int, int]], predictions: Sequence[Sequence[int]]) -> list[int]:
    """Borders as those of `bertlib.text.windows.make_windows`."""
    borders = [0, *((end + start) // 2 for (_, end), (start, _) in pairwise(windows)), windows[-1][1]]
    own = zip(windows, predictions, pairwise(borders), strict=True)
    return [tag for (start, _), tags, (first, last) in own for tag in tags[first - start : last - start]]


def _viterbi(scores: np.ndarray, names: Sequence[str]) -> list[int]:
    return best_tags(scores, names).tolist()  # a list, so that lists, arrays and tensors are as good as each other


# ------------------------------------------------------------------------------------------------------------- cases


def _drawn_tags(rng, size: int, strays: bool = True) -> list[str]:
    """Tags in which entities follow each other, of one type and of two, with some I- that continue nothing."""
    tags: list[str] = []
    while len(tags) < size:
        kind, pick = str(rng.choice(["PER", "LOC"])), rng.random()
        if pick < 0.3:
            tags.append("O")
        elif pick < 0.9 or not strays:
            tags += [f"B-{kind}", *[f"I-{kind}"] * int(rng.integers(0, 3))]
        else:
            tags.append(f"I-{kind}")
    return tags[:size]


def _tag_cases(rng):
    yield (["O", "B-PER", "I-PER", "O", "B-LOC"],)
    yield (["I-PER", "O", "B-LOC", "I-PER"],)
    yield (["B-PER", "B-PER", "I-PER", "I-LOC", "I-LOC"],)
    yield (["B-LOC", "I-PER", "I-PER", "O", "I-PER", "I-PER"],)
    yield from ((_drawn_tags(rng, int(rng.integers(0, 12))),) for _ in range(15))


def _words_in_pieces(rng):
    yield [None, 0, 1, 1, 1, 2, None], ["B-PER", "I-PER", "O"], NAMES
    for names in (NAMES, ["B-LOC", "O", "I-PER", "I-LOC", "B-PER"], tag_names(["X"]) + tag_names(["PER", "LOC"])[1:]):
        for _ in range(4):
            size = int(rng.integers(1, 7))
            words = [word for word in range(size) for _ in range(int(rng.integers(1, 4)))]
            yield [None, *words, None], _drawn_tags(rng, size, strays=False), names
    yield [None, 0, 0, 1, None, None, None], ["B-LOC", "B-LOC"], NAMES


def _gold_and_predicted(rng):
    gold = [["B-PER", "I-PER", "O", "B-LOC"], ["O", "B-LOC"]]
    yield gold, [["B-PER", "I-PER", "O", "B-PER"], ["O", "B-LOC"]]
    yield gold, [["B-PER", "O", "O", "B-LOC"], ["B-PER", "B-LOC"]]
    yield [["O", "B-PER"], ["I-PER", "O"]], [["O", "B-PER"], ["O", "O"]]  # nothing goes on in the next text
    yield gold, [["O"] * 4, ["O"] * 2]
    yield [["O", "O"]], [["O", "O"]]
    for _ in range(6):
        gold = [_drawn_tags(rng, int(rng.integers(2, 12))) for _ in range(4)]
        changed = [[tag if rng.random() < 0.8 else str(rng.choice(NAMES)) for tag in tags] for tags in gold]
        yield gold, changed


def _neighbours(rng):
    return [(before, tag) for before in (None, *NAMES) for tag in NAMES]


def _scored(rng):
    yield np.log(np.array([[0.5, 0.1, 0.3, 0.05, 0.05], [0.2, 0.05, 0.7, 0.03, 0.02]])), NAMES
    yield np.log(np.array([[0.35, 0.33, 0.1, 0.12, 0.1], [0.1, 0.1, 0.6, 0.1, 0.1]])), NAMES
    yield np.log(np.array([[0.1, 0.6, 0.1, 0.1, 0.1], [0.1, 0.1, 0.6, 0.1, 0.1], [0.2, 0.1, 0.5, 0.1, 0.1]])), NAMES
    yield np.log(np.array([[0.2, 0.1, 0.1, 0.5, 0.1], *[[0.3, 0.1, 0.1, 0.1, 0.4]] * 3])), NAMES
    for _ in range(12):
        rows = rng.gumbel(size=(int(rng.integers(1, 8)), len(NAMES))) * 2
        yield rows - np.log(np.exp(rows).sum(axis=1, keepdims=True)), NAMES


def _texts(rng):
    text = "Tony Blair met Mr. Chirac in Paris-Nord."
    yield text, [{"start": 0, "end": 10, "type": "PER"}]
    yield text, [{"start": 29, "end": 39, "type": "LOC"}, {"start": 0, "end": 10, "type": "PER"}]
    yield "Ann Bob met Kim.", [{"start": start, "end": start + 3, "type": "PER"} for start in (0, 4, 12)]
    for _ in range(6):
        words = [str(word) for word in rng.choice(["Ann", "Bob", "U.S.", "Rome", "and", "met", "O'Neill"], 9)]
        text = "  ".join(words) + "."
        spans, found, at = word_spans(text), [], 0
        while at < len(spans):
            size = int(rng.integers(1, 4))
            if rng.random() < 0.5 and at + size <= len(spans):
                kind = str(rng.choice(["PER", "LOC"]))
                found.append({"start": spans[at][0], "end": spans[at + size - 1][1], "type": kind})
            at += size
        yield text, found


def _hidden_states(rng):
    yield (
        torch.tensor([[[1.0, 0.0], [0.0, 2.0]]]),
        torch.tensor([[1.0, 1.0], [0.0, 3.0], [2.0, 0.0]]),
        torch.arange(3.0),
    )
    for batch, length, size, tags in ((2, 3, 4, 5), (3, 2, 5, 3), (1, 4, 3, 9)):
        yield floats(rng, batch, length, size), floats(rng, tags, size), floats(rng, tags)


def _labelled_pieces(rng):
    """Sentences of which different numbers of pieces are asked; at the end one of which none is."""
    three = torch.tensor([[[0.6, 0.3, 0.1], [0.2, 0.2, 0.6], [0.1, 0.8, 0.1]]]).log()
    yield three, torch.tensor([[0, IGNORED, 1]])
    yield 2 * floats(rng, 2, 4, 3), torch.tensor([[IGNORED, 1, 0, IGNORED], [IGNORED, 2, IGNORED, IGNORED]])
    for batch, length, tags in ((3, 5, 4), (2, 7, 5), (4, 3, 3)):
        asked = truths(rng, 0.5, batch, length)
        asked[0], asked[1, 1:], asked[:2, 0] = True, False, True
        labels = integers(rng, 0, tags, batch, length)
        labels[0, 0], labels[0, 1] = 0, tags - 1
        yield 2 * floats(rng, batch, length, tags), labels.masked_fill(~asked, IGNORED)
    yield floats(rng, 2, 2, 3), torch.tensor([[IGNORED, IGNORED], [2, IGNORED]])
    yield floats(rng, 2, 3, 4), torch.full((2, 3), IGNORED)


def _overlapping(rng):
    """Windows of which no piece lies in three, and neighbours that share an even number of pieces."""
    yield _told_apart([(0, 6), (4, 10)])
    yield _told_apart([(0, 5)])
    yield _told_apart([(0, 3), (3, 7), (7, 9)])
    yield _told_apart([(0, 8), (4, 12), (8, 15)])
    for _ in range(6):
        overlap, windows = 2 * int(rng.integers(0, 4)), [(0, int(rng.integers(8, 15)))]
        for _ in range(int(rng.integers(1, 4))):
            start = windows[-1][1] - overlap
            windows.append((start, start + 2 * overlap + int(rng.integers(1, 6))))
        yield _told_apart(windows)


def _told_apart(windows: list[tuple[int, int]]) -> tuple:
    """Windows, and predictions that say by which window they are, and of which piece: 203 is window 2's of piece 3."""
    return windows, [[100 * count + place for place in range(*window)] for count, window in enumerate(windows)]


# ---------------------------------------------------------------------------------------------------- known mistakes


def _then(right: Callable, change: Callable) -> Callable:
    """What is right, and then changed."""
    return lambda *args: change(right(*args))


def _each(right: Callable, change: Callable) -> Callable:
    """A list that is right, and then each of its things changed."""
    return lambda *args: [change(*thing) if isinstance(thing, tuple) else change(thing) for thing in right(*args)]


def _strays_forgotten(closes: bool) -> Callable:
    """Only a B- begins an entity; an I- of another type ends it, or belongs to none and changes nothing."""

    def spans(tags):
        found, now = [], None
        for place, tag in enumerate(tags):
            if tag[0] == "B":
                found.append((place, place + 1, tag[2:]))
                now = len(found) - 1
            elif tag[0] == "I" and now is not None and found[now][2] == tag[2:] and found[now][1] == place:
                found[now] = (found[now][0], place + 1, tag[2:])
            elif closes:
                now = None
        return found

    return spans


def _only_o_or_type_ends(tags):
    """A B- behind an I- or B- of its type goes on with it."""
    return entities_of(["O" if tag == "O" else "I-" + tag[2:] for tag in tags])


def _everything_until_o(tags):
    found = []
    for place, tag in enumerate(tags):
        if tag != "O" and found and found[-1][1] == place:
            found[-1] = (found[-1][0], place + 1, found[-1][2])
        elif tag != "O":
            found.append((place, place + 1, tag[2:]))
    return found


def _first_words(tags):
    return [(place, place + 1, tag[2:]) for place, tag in enumerate(tags) if tag[0] == "B"]


def _drops_strays(tags):
    kept = [tag if follows(before, tag) else "O" for before, tag in zip([None, *tags], tags, strict=False)]
    return entities_of(kept)


def _type_ignored(tags):
    kept: list[str] = []
    for before, tag in zip(["O", *tags], tags, strict=False):
        kept.append("I-" + kept[-1][2:] if tag[0] == "I" and before != "O" else tag)
    return entities_of(kept)


def _begin_ignored(tags):
    return entities_of([tag.replace("B-", "I-") for tag in tags])


def _end_included(tags):
    return [(start, end - 1, kind) for start, end, kind in entities_of(tags)]


def _last_forgotten(tags):
    return [entity for entity in entities_of(tags) if entity[1] < len(tags)]


def _one_by_one(tags):
    return [(place, place + 1, tag[2:]) for place, tag in enumerate(tags) if tag != "O"]


def _every_piece(word_ids, tags, names):
    return [IGNORED if word is None else names.index(tags[word]) for word in word_ids]


def _zero_for_none(word_ids, tags, names):
    return [
        IGNORED if word == 0 else label for word, label in zip(word_ids, _align(word_ids, tags, names), strict=True)
    ]


def _zero_for_none_at_every_piece(word_ids, tags, names):
    return [names.index(tags[word]) if word else IGNORED for word in word_ids]


def _modulo(word_ids, tags, names):
    labels, before = [], None
    for word in word_ids:
        label = IGNORED if word is None else names.index(tags[word])
        labels.append(label + 1 if word is not None and word == before and label % 2 == 1 else label)
        before = word
    return labels


def _parity(up: bool) -> Callable:
    """Behind the first piece: the next label if a label is odd; or what is odd made even."""

    def labels(word_ids, tags, names):
        found, before = [], None
        for word in word_ids:
            label = IGNORED if word is None else names.index(tags[word])
            again = word is not None and word == before
            found.append((label + label % 2 if up else label - label % 2) if again else label)
            before = word
        return found

    return labels


def _other_ids(order: Callable) -> Callable:
    return lambda word_ids, tags, names: _align(word_ids, tags, order(names))


def _specials_left_out(word_ids, tags, names):
    return [label for word, label in zip(word_ids, _align(word_ids, tags, names), strict=True) if word is not None]


def _only_first_pieces(word_ids, tags, names):
    return [names.index(tag) for tag in tags]


def _tags_for_ids(word_ids, tags, names):
    return [label if label == IGNORED else names[label] for label in _align(word_ids, tags, names)]


def _ignored_is(value) -> Callable:
    return _each(_align, lambda label: value if label == IGNORED else label)


def _inside_behind(word_ids, tags, names):
    labels, before = [], None
    for word in word_ids:
        tag = "" if word is None else tags[word]
        labels.append(IGNORED if word is None else names.index(tag.replace("B-", "I-") if word == before else tag))
        before = word
    return labels


def _last_piece(word_ids, tags, names):
    return [
        IGNORED if word is None or word == after else names.index(tags[word])
        for word, after in zip(word_ids, [*word_ids[1:], None], strict=True)
    ]


def _specials_outside(word_ids, tags, names):
    labels = _align(word_ids, tags, names)
    return [names.index("O") if word is None else label for word, label in zip(word_ids, labels, strict=True)]


def _by_place(word_ids, tags, names):
    """The n-th piece takes the n-th tag."""
    return [names.index(tags[place]) if place < len(tags) else IGNORED for place in range(len(word_ids))]


def _token_accuracy(gold, predicted):
    return float(np.mean([g == p for g, p in zip(chain(*gold), chain(*predicted), strict=True)]))


def _token_f1(gold, predicted):
    pairs = [(g, p) for one, other in zip(gold, predicted, strict=True) for g, p in zip(one, other, strict=True)]
    right = sum(g == p != "O" for g, p in pairs)
    found, there = sum(p != "O" for _, p in pairs), sum(g != "O" for g, _ in pairs)
    return 2 * right / (found + there) if found + there else 0.0


def _untyped(gold, predicted):
    strip = [[[tag[0] + "-X" if tag != "O" else tag for tag in tags] for tags in side] for side in (gold, predicted)]
    return _f1(*strip)


def _mean_of_texts(gold, predicted):
    return float(np.mean([_f1([one], [other]) for one, other in zip(gold, predicted, strict=True)]))


def _overlaps_count(gold, predicted):
    right = found = there = 0
    for one, other in zip(gold, predicted, strict=True):
        entities, guesses = entities_of(one), entities_of(other)
        found, there = found + len(guesses), there + len(entities)
        right += sum(any(e[0] < g[1] and g[0] < e[1] and e[2] == g[2] for e in entities) for g in guesses)
    return 2 * right / (found + there) if found + there else 0.0


def _without_text_numbers(collect, right):
    """Entities of all texts in one collection; `right` counts those that are in both."""

    def f1(gold, predicted):
        there, found = (collect(e for tags in side for e in entities_of(tags)) for side in (gold, predicted))
        return 2 * right(there, found) / (len(there) + len(found)) if there or found else 0.0

    return f1


MERGED = (
    _without_text_numbers(set, lambda there, found: len(there & found)),
    _without_text_numbers(list, lambda there, found: len(set(there) & set(found))),
    _without_text_numbers(list, lambda there, found: sum(entity in there for entity in found)),
)


def _texts_joined(gold, predicted):
    return _f1([[*chain(*gold)]], [[*chain(*predicted)]])


def _compared(part: Callable, read: Callable = entities_of, f1: Callable | None = None) -> Callable:
    """F1 of what `part` leaves of each entity; or another figure of how many are there, found and right."""

    def score(gold, predicted):
        there, found = (
            {(number, *part(*entity)) for number, tags in enumerate(side) for entity in read(tags)}
            for side in (gold, predicted)
        )
        right = len(there & found)
        if f1 is not None:
            return f1(len(there), len(found), right)
        return 2 * right / (len(there) + len(found)) if right else 0.0

    return score


def _whole(start, end, kind):
    return start, end, kind


def _figure(of: Callable) -> Callable:
    """Another figure of how many entities are there, found and right; 0 where none is right."""
    return _compared(_whole, f1=lambda there, found, right: of(there, found, right) if right else 0.0)


def _mean_of_types(types: Callable) -> Callable:
    def score(gold, predicted):
        scores = []
        for kind in types(gold, predicted):
            sides = [[[tag if tag[2:] == kind else "O" for tag in tags] for tags in side] for side in (gold, predicted)]
            scores.append(_f1(*sides))
        return float(np.mean(scores)) if scores else 0.0

    return score


def _types_in(*sides) -> list[str]:
    return sorted({tag[2:] for side in sides for tags in side for tag in tags if tag != "O"})


MEANS_OF_TYPES = (
    _mean_of_types(lambda gold, predicted: ["LOC", "PER"]),
    _mean_of_types(_types_in),
    _mean_of_types(lambda gold, predicted: _types_in(gold)),
)


def _one_if_nothing_is(gold, predicted):
    nothing = not any(entities_of(tags) for tags in [*gold, *predicted])
    return 1.0 if nothing else _f1(gold, predicted)


def _recall(gold, predicted):
    return _figure(lambda there, found, right: right / there)(gold, predicted)


def _precision(gold, predicted):
    return _figure(lambda there, found, right: right / found)(gold, predicted)


def _anything_inside(before, tag):
    return not tag.startswith("I-") or (before is not None and before != "O")


def _only_begin(before, tag):
    return not tag.startswith("I-") or before == f"B-{tag[2:]}"


def _start_allowed(before, tag):
    return before is None or follows(before, tag)


def _from_outside(before, tag):
    return before == "O" or follows(before, tag)


def _only_inside(before, tag):
    return not tag.startswith("I-") or before == tag


def _inverted(before, tag):
    return not follows(before, tag)


def _b_needs_it(before, tag):
    """What holds for an I- is asked of every tag."""
    return before in (f"B-{tag[2:]}", tag)


def _b_behind_o_alone(before, tag):
    return follows(before, tag) and not (tag.startswith("B-") and before not in (None, "O"))


def _nothing_begins(before, tag):
    return before is not None and follows(before, tag)


def _and_as_it_comes(before, tag):
    return tag[0] != "I" or (before and before[2:] == tag[2:])


def _viterbi_with(
    scores, names, may=follows, start=True, add=np.add, largest=True, exchanged=False, carry=True, back=True
) -> list[int]:
    """The search with one thing done otherwise; without `back` the ids of the best sums so far."""
    scores = np.asarray(scores, dtype=float) if largest else -np.asarray(scores, dtype=float)
    step = np.array([[may(before, tag) for tag in names] for before in names])
    step = step.T if exchanged else step
    total = np.where([not start or may(None, tag) for tag in names], scores[0], -np.inf)
    pointers, bests = [], [int(total.argmax())]
    for row in scores[1:]:
        table = np.where(step, total[:, None], -np.inf)
        pointers.append(table.argmax(axis=0))
        total = add(table.max(axis=0), row) if carry else row
        bests.append(int(total.argmax()))
    if not back:
        return bests
    path = [int(total.argmax())]
    for pointer in reversed(pointers):
        path.append(int(pointer[path[-1]]))
    return path[::-1]


def _searched(**otherwise) -> Callable:
    return lambda scores, names: _viterbi_with(scores, names, **otherwise)


def _lowest_at_the_end(scores, names):
    """The way back begins at the lowest sum."""
    total, paths = None, None
    for row in scores:
        if total is None:
            total = [row[c] if follows(None, tag) else -np.inf for c, tag in enumerate(names)]
            paths = [[c] for c in range(len(names))]
            continue
        before = [
            max((b for b in range(len(names)) if follows(names[b], tag)), key=lambda b: total[b]) for tag in names
        ]
        paths = [[*paths[b], c] for c, b in enumerate(before)]
        total = [total[b] + row[c] for c, b in enumerate(before)]
    return paths[int(np.argmin(total))]


def _o_for_impossible(scores, names):
    path = scores.argmax(axis=1)
    for place, tag in enumerate(path):
        if not follows(names[path[place - 1]] if place else None, names[tag]):
            path[place] = names.index("O")
    return path.tolist()


def _each_alone(scores, names):
    return scores.argmax(axis=1).tolist()


def _greedy(scores, names):
    path: list[int] = []
    for row in scores:
        allowed = [follows(names[path[-1]] if path else None, tag) for tag in names]
        path.append(int(np.where(allowed, row, -np.inf).argmax()))
    return path


def _mended(scores, names):
    path = scores.argmax(axis=1)
    for place, tag in enumerate(path):
        before = names[path[place - 1]] if place else None
        if not follows(before, names[tag]):
            path[place] = names.index("B-" + split_tag(names[tag])[1])
    return path.tolist()


def _stray_start(scores, names):
    padded = np.vstack([np.where([tag == names[scores[0].argmax()] for tag in names], 0.0, -50.0), scores[1:]])
    return _viterbi(padded, names)


def _kinds_alone(text, entities):
    return [tag.replace("B-", "I-") for tag in _tag_words(text, entities)]


def _begins_everywhere(text, entities):
    return [tag.replace("I-", "B-") for tag in _tag_words(text, entities)]


def _end_belongs_to_it(last: bool) -> Callable:
    """The word behind is drawn in; where it begins an entity of its own, the first of the two counts, or the last."""

    def tags(text, entities):
        longer = [entity | {"end": entity["end"] + 1} for entity in entities]
        return _by_beginning([start for start, _ in word_spans(text)], longer[::-1] if last else longer)

    return tags


def _by_beginning(starts, entities):
    tags = []
    for start in starts:
        inside = [entity for entity in entities if entity["start"] <= start < entity["end"]]
        kind = "B" if inside and inside[0]["start"] == start else "I"
        tags.append(f"{kind}-{inside[0]['type']}" if inside else "O")
    return tags


def _begins_where(needed: Callable) -> Callable:
    """B- only where the tag before makes it needed, as in IOB1: (its type or "", the own type) -> bool."""

    def tags(text, entities):
        kinds = [tag[2:] for tag in _tag_words(text, entities)]
        return [
            ("B-" if needed(before, kind) else "I-") + kind if kind else "O" for before, kind in pairwise(["", *kinds])
        ]

    return tags


def _iob1(text, entities):
    tags = _tag_words(text, entities)
    return ["I" + tag[1:] if tag[0] == "B" and before[2:] != tag[2:] else tag for before, tag in pairwise(["O", *tags])]


def _kind_alone(text, entities):
    return [tag if tag == "O" else tag[2:] for tag in _tag_words(text, entities)]


def _last_word_left_out(text, entities):
    """The word that ends where the entity does is left out, or tagged by its beginning alone."""
    return [
        "O" if any(end == entity["end"] for entity in entities) else tag
        for (_, end), tag in zip(word_spans(text), _tag_words(text, entities), strict=True)
    ]


def _end_before(text, entities):
    return _by_beginning([start for start, _ in word_spans(text)], [e | {"end": e["end"] - 1} for e in entities])


def _no_punctuation(text, entities):
    return _by_beginning([found.start() for found in re.finditer(r"\w+", text)], entities)


def _same_words(text, entities):
    tags = []
    for start, end in word_spans(text):
        tag = "O"
        for entity in entities:
            if text[start:end] in text[entity["start"] : entity["end"]].split():
                tag = ("B-" if start == entity["start"] else "I-") + entity["type"]
        tags.append(tag)
    return tags


def _ends_marked(text, entities):
    ends = {entity["end"] for entity in entities}
    tags = zip(word_spans(text), _tag_words(text, entities), strict=True)
    return [tag.replace("I-", "E-") if end in ends else tag for (_, end), tag in tags]


def _names_alone(text, entities):
    return [tag for tag in _tag_words(text, entities) if tag != "O"]


def _words_at_spaces(text, entities):
    return _by_beginning([found.start() for found in re.finditer(r"\S+", text)], entities)


def _first_words_alone(text, entities):
    return ["O" if tag.startswith("I-") else tag for tag in _tag_words(text, entities)]


def _loss_of(each: Callable, mean: Callable) -> Callable:
    """A loss of the pieces, and how their mean is taken: (losses (B, T), asked (B, T)) -> a number."""

    def loss(logits: Tensor, labels: Tensor) -> Tensor:
        return mean(each(logits, labels), labels != IGNORED)

    return loss


def _each_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """(B, T) cross-entropy of each piece; of those that are not asked as if they were of tag 0."""
    return F.cross_entropy(logits.transpose(1, 2), labels.clamp(min=0), reduction="none")


def _each_probability(logits: Tensor, labels: Tensor) -> Tensor:
    return logits.softmax(-1).gather(-1, labels.clamp(min=0)[..., None])[..., 0]


def _each_without_softmax(logits: Tensor, labels: Tensor) -> Tensor:
    return -logits.gather(-1, labels.clamp(min=0)[..., None])[..., 0]


def _asked_mean(each: Tensor, asked: Tensor) -> Tensor:
    return (each * asked).sum() / asked.sum().clamp(min=1)


def _mean_of_sentences(each: Tensor, asked: Tensor) -> Tensor:
    return ((each * asked).sum(dim=1) / asked.sum(dim=1).clamp(min=1)).mean()


def _nan_for_nothing(logits: Tensor, labels: Tensor) -> Tensor:
    return F.cross_entropy(logits.flatten(0, 1), labels.flatten())


def _outside_ignored(logits: Tensor, labels: Tensor) -> Tensor:
    return _asked_mean(_each_loss(logits, labels), labels > 0)


def _without_outside_in_the_sum(logits: Tensor, labels: Tensor) -> Tensor:
    return F.cross_entropy(logits.flatten(0, 1), labels.flatten().clamp(min=0), ignore_index=0)


def _one_after_another(windows, predictions):
    return [tag for tags in predictions for tag in tags]


def _placed(later: bool) -> Callable:
    """Of what two windows share, all from the later one; or all from the earlier one."""

    def joined(windows, predictions):
        found: dict[int, int] = {}
        for (start, _), tags in zip(windows, predictions, strict=True):
            for place, tag in enumerate(tags, start):
                if later or place not in found:
                    found[place] = tag
        return [found[place] for place in sorted(found)]

    return joined


def _shared_left_out(windows, predictions):
    """What two windows share is taken from neither."""
    places = [place for window in windows for place in range(*window)]
    made = zip(places, _one_after_another(windows, predictions), strict=True)
    return [tag for place, tag in made if places.count(place) == 1]


def _all_ends_cut(windows, predictions):
    """Half of what is shared is cut off at both ends of every window, also where the text begins and ends."""
    half = max(((end - start) // 2 for (_, end), (start, _) in pairwise(windows)), default=0)
    return [tag for tags in predictions for tag in tags[half : len(tags) - half]]


def _half_from_each_exchanged(windows, predictions):
    """Of what is shared the first half comes from the later window, and the second half from the earlier one."""
    found = _placed(later=False)(windows, predictions)
    for (tags, later), ((_, end), (start, _)) in zip(pairwise(predictions), pairwise(windows), strict=True):
        half = (end - start) // 2
        found[start:end] = later[:half] + tags[len(tags) - half :]
    return found


def _starts_forgotten(windows, predictions):
    """Places in the text are taken for places in the window."""
    borders = [0, *((end + start) // 2 for (_, end), (start, _) in pairwise(windows)), windows[-1][1]]
    return [tag for tags, (first, last) in zip(predictions, pairwise(borders), strict=True) for tag in tags[first:last]]


def _last_window_forgotten(windows, predictions):
    return _join(windows, predictions)[: windows[-2][1] if len(windows) > 1 else None]


def _overlap_skipped_twice(windows, predictions):
    """The whole overlap is left out at the beginning of each window but the first, and half of it at the end."""
    found: list[int] = []
    for place, ((start, end), tags) in enumerate(zip(windows, predictions, strict=True)):
        before = windows[place - 1][1] if place else start
        last = (end + windows[place + 1][0]) // 2 if place + 1 < len(windows) else end
        found += tags[max(before - start, 0) : last - start]
    return found


def _by_window(windows, predictions):
    borders = [0, *((end + start) // 2 for (_, end), (start, _) in pairwise(windows)), windows[-1][1]]
    own = zip(windows, predictions, pairwise(borders), strict=True)
    return [tags[first - start : last - start] for (start, _), tags, (first, last) in own]


def _pairs_of(windows, predictions):
    return list(enumerate(_join(windows, predictions)))


# ----------------------------------------------------------------------------------------------------------- numbers


def _begun(tags: list[str]) -> int:
    return sum(tag.startswith("B-") for tag in tags)


def _runs(tags: list[str]) -> int:
    return sum(tag != "O" and before == "O" for before, tag in pairwise(["O", *tags]))


def _everything_until_b(tags):
    """An I- goes on with whatever stands before it."""
    return [tag for before, tag in pairwise(["O", *tags]) if tag[0] == "B" or (tag[0] == "I" and before == "O")]


HOW_MANY = {
    _begun: "an I- that continues nothing begins one, too.",
    _runs: "two entities may stand side by side: a B- begins a new one, and so does another type.",
    lambda tags: len(_begin_ignored(tags)): "a B- begins a new entity even behind one of the same type.",
    lambda tags: len(_everything_until_b(tags)): "an I- of another type begins a new one.",
    lambda tags: sum(tag != "O" for tag in tags): "those are the words in entities: an entity may have several words.",
}


def _kinds_of_mistakes(tags: str) -> list[int]:
    """The right number of entities, and those of `how_many`'s mistakes."""
    words = tags.split()
    return [len(entities_of(words)), *(wrong(words) for wrong in HOW_MANY)]


def _tags_to_count(rng) -> dict:
    while True:
        tags = " ".join(_drawn_tags(rng, int(rng.integers(9, 13))))
        if len(set(_kinds_of_mistakes(tags))) == 1 + len(HOW_MANY):
            return {"tags": tags}


def _a_training(rng) -> dict:
    while True:
        given = {"n": int(rng.integers(90, 400)), "b": int(rng.choice([8, 16])), "e": int(rng.integers(3, 9))}
        left_over = given["n"] % given["b"]
        if 2 < left_over < given["b"] - 2:  # the last batch is neither full nor nearly empty
            return given


def _judge_windows(trial: Trial) -> None:
    drawn = (
        (int(trial.rng.integers(1, 200)), int(trial.rng.integers(8, 60)), int(trial.rng.integers(0, 7)))
        for _ in range(11)
    )
    for length, room, overlap in ((10, 6, 2), (5, 8, 3), (9, 4, 1), *drawn):
        found = fault_of_windows(trial.call(length, room, overlap), length, room, overlap)
        if found:
            raise Wrong(f"{found[0]}; tried with: {trial.described}", found[1])
        trial.right += 1


def windows_given(got: object) -> list[tuple[int, int]] | None:
    """(start, end) of each window that an answer gives; None if it gives something else."""
    if inspect.isgenerator(got):
        return None
    try:
        pairs = [(start, end) for start, end in got]
        windows = [(int(start), int(end)) for start, end in pairs]
    except (TypeError, ValueError):
        return None
    return windows if windows == pairs else None  # no fractions


def fault_of_windows(got: object, length: int, room: int, overlap: int) -> tuple[str, str] | None:
    """What is wrong with an answer's windows, and the hint; None if nothing is."""
    if inspect.isgenerator(got):
        return "expected a list of (start, end), came a generator", "yield makes a generator: collect them."
    windows = windows_given(got)
    if windows is None:
        return f"expected a list of (start, end), came {show(got)}", "each window is a pair: (start, end)."
    return _fault_of(windows, length, room, overlap)


def _fault_of(windows: list[tuple[int, int]], length: int, room: int, overlap: int) -> tuple[str, str] | None:
    """What is wrong with windows, and the hint; None if nothing is."""
    came = show(windows)
    if not windows or windows[0][0] != 0:
        return f"the first window must begin at 0, came {came}", ""
    steps = {start - before for (before, _), (start, _) in pairwise(windows)}
    one_less = [(start, end + 1) for start, end in windows]
    if len(windows) > 1 and {end for _, end in windows} == {room}:
        return f"all windows end at {room}, came {came}", "the second number is where it ends, start + room: no length."
    if any(end <= start for start, end in windows):
        return f"a window must end behind its start, came {came}", ""
    if windows[-1][1] == length - 1 and _fault_of(one_less, length, room, overlap) is None:
        return f"one piece of each window is missing, came {came}", "the end is one behind the last piece, as in range."
    if any(not 0 <= start < end <= length for start, end in windows):
        return (
            f"windows lie within 0 … {length}, came {came}",
            "cut the last one at the end: min(start + room, length).",
        )
    longest = max(end - start for start, end in windows)
    if longest > room:
        hint = "the overlap counts in the room: a window is never longer." if longest == room + overlap else ""
        return f"a window is {longest} long, longer than {room}: {came}", hint
    missing = sorted(set(range(length)) - {place for start, end in windows for place in range(start, end)})
    if missing and missing[0] >= max(end for _, end in windows):
        return (
            f"the last {len(missing)} pieces are in no window, came {came}",
            "what stands there would vanish, and nothing says so: one more window, up to the end.",
        )
    if missing:
        hint = "the next window begins before this one's end: step by room - overlap."
        return f"piece {missing[0]} is in no window, came {came}", hint
    fewest = 1 if length <= room else 1 + -(-(length - room) // (room - overlap))
    if len(windows) > fewest:
        hint = ""
        if any(end == length for _, end in windows[:-1]):
            hint = "stop once the end is reached."
        if len(steps) == 1 and max(steps) < room - overlap:
            hint = "the step is too small: from start to start it is room - overlap."
        return f"{len(windows)} windows, where {fewest} will do, came {came}", hint
    for (_, end), (start, _) in pairwise(windows):
        if start > end - overlap:
            return (
                f"neighbours share {end - start} pieces, expected at least {overlap}, came {came}",
                "what stands on a border is whole in none of them: begin each window before the last one's end.",
            )
    return None


COUNTED_ONCE = (
    "that is what is right as a share of all that is there or found, each counted once. F1 is 2 · right / (there + "
    "found): what is right counts twice, above and below."
)


CHECKS = {
    "spans": against(
        "tags, one for each word -> list of entities (first word, one behind the last, type); an I- that continues "
        "nothing begins one",
        entities_of,
        _tag_cases,
        mistakes=(
            (_drops_strays, "an I- that continues nothing begins an entity, for conlleval and seqeval."),
            *(
                (_strays_forgotten(closes), "an I- that continues nothing begins an entity, for conlleval and seqeval.")
                for closes in (True, False)
            ),
            (_only_o_or_type_ends, "a B- begins a new entity even behind one of the same type."),
            (
                _everything_until_o,
                "an entity ends before an O, but also before a B- and before another type.",
            ),
            (_then(entities_of, lambda found: [(s, e, "B-" + t) for s, e, t in found]), "the type without B- or I-."),
            (
                lambda tags: [(start, end, tags[start]) for start, end, _ in entities_of(tags)],
                "the type without B- or I-.",
            ),
            (_each(entities_of, lambda start, end, kind: (kind, start, end)), "the type comes last."),
            (
                _each(entities_of, lambda start, end, kind: {"start": start, "end": end, "type": kind}),
                "each is a tuple of three things, not a dict.",
            ),
            (_each(entities_of, lambda start, end, kind: (start, end)), "three things for each: the type is missing."),
            (_each(entities_of, lambda start, end, kind: (start + 1, end + 1, kind)), "words count from 0."),
            (_then(entities_of, set), "a list is asked for, in the order of the text."),
            (_first_words, "the words of an entity belong together."),
            (_type_ignored, "an I- of another type begins a new entity."),
            (_begin_ignored, "a B- begins a new entity even behind one of the same type."),
            (_end_included, "the end is one behind the last word."),
            (_last_forgotten, "an entity that reaches the end of the text is lost."),
            (_one_by_one, "the words of an entity belong together."),
        ),
    ),
    "align": against(
        "word_ids (word of each piece, None for specials), tags (one a word), names (tags in id order) -> labels "
        "(ids): "
        "the word's tag at its first piece, -100 elsewhere",
        _align,
        _words_in_pieces,
        mistakes=(
            (_every_piece, "only a word's first piece is asked for; the others are -100, or long words weigh more."),
            (_zero_for_none, "the text's first word has number 0, and `not 0` is true: ask `word is None`."),
            (
                _zero_for_none_at_every_piece,
                "the text's first word has number 0, and `not 0` is true: ask `word is None`. And only a word's first "
                "piece is asked for.",
            ),
            (_inside_behind, "the pieces behind the first are -100."),
            (_modulo, "`label % 2` assumes an order of the tags; and pieces behind the first are -100."),
            (_last_piece, "the first piece of a word answers for it, not the last."),
            (_specials_outside, "[CLS], [SEP] and padding are not asked: -100, not O."),
            *(
                (_parity(up), "`label % 2` assumes an order of the tags; and pieces behind the first are -100.")
                for up in (True, False)
            ),
            (_ignored_is(0), "specials and later pieces are -100, not 0: 0 is a tag."),
            (_ignored_is(-1), "specials and later pieces are -100, not -1: that is what the loss leaves out."),
            (_ignored_is(None), "specials and later pieces are -100, not None."),
            (_specials_left_out, "one for each piece, [CLS] and [SEP] among them: they are -100."),
            (_only_first_pieces, "one for each piece: specials and later pieces are -100."),
            (_tags_for_ids, "ids are asked for: the tag's place in names."),
            *(
                (_other_ids(order), "the ids are given by the order of names, whatever it is.")
                for order in (sorted, lambda names: NAMES)
            ),
            (_by_place, "pieces are not words: a word may have several pieces."),
        ),
    ),
    "f1": against(
        "gold, predicted (lists of tags, one list a text) -> F1 of whole entities, over all texts together; 0 "
        "if none is right",
        _f1,
        _gold_and_predicted,
        mistakes=(
            *(
                (f1, "the same words of two texts are two entities: put the text's number beside each.")
                for f1 in MERGED
            ),
            (_texts_joined, "an entity ends with its text: read each text's tags for themselves."),
            *((f1, "that is the mean over the types: count all entities together.") for f1 in MEANS_OF_TYPES),
            (_one_if_nothing_is, "where nothing is there and nothing is found it is 0, not 1, as seqeval has it."),
            (_compared(lambda start, end, kind: (start, kind)), "where an entity ends must be right as well."),
            (_compared(lambda start, end, kind: (end, kind)), "where an entity begins must be right as well."),
            (_compared(lambda start, end, kind: (start, end)), "the type must be right as well."),
            *(
                (_compared(_whole, read=read), "an I- that continues nothing begins an entity, as in spans.")
                for read in (_drops_strays, _strays_forgotten(True), _strays_forgotten(False))
            ),
            (_compared(_whole, read=_one_by_one), "tags are counted; whole entities are meant."),
            (_figure(lambda g, p, r: r / (g + p - r)), COUNTED_ONCE),
            (_figure(lambda g, p, r: (r / g + r / p) / 2), "the harmonic mean, not the arithmetic one."),
            (_figure(lambda g, p, r: 200 * r / (g + p)), "a number from 0 to 1 is asked for, not percent."),
            (_figure(lambda g, p, r: r / (g + p)), "the factor 2 is missing: 2 · right / (there + found)."),
            (_token_accuracy, "that is token accuracy, which is high for a model that finds nothing."),
            (_token_f1, "tags are counted; whole entities are meant."),
            (_untyped, "the type must be right as well."),
            (_mean_of_texts, "count over all texts together, then divide."),
            (_overlaps_count, "an overlap is not enough: both borders must be right."),
            (_recall, "that is recall."),
            (_precision, "that is precision."),
        ),
    ),
    "follows": against(
        "before (the tag before, None at the beginning), tag -> bool: may it stand there?",
        follows,
        _neighbours,
        printed=0,
        mistakes=(
            (_anything_inside, "an I- only goes on with its own type."),
            (_only_begin, "an I- may follow an I- of its type."),
            (_start_allowed, "an I- cannot stand at the beginning."),
            (_from_outside, "an I- cannot follow an O."),
            (_only_inside, "an I- may follow a B- of its type."),
            (_inverted, "upside down: True where the tag may stand."),
            (_b_needs_it, "only an I- needs something before it: O and B- may stand anywhere."),
            (_b_behind_o_alone, "a B- may stand anywhere, also behind another entity."),
            (_nothing_begins, "O and B- may begin a text."),
            (_and_as_it_comes, "right as a condition, but `and` gives what it looked at last: bool(…) around it."),
            (_then(follows, int), "right as numbers: True or False is asked for, bool(…)."),
        ),
    ),
    "best_tags": against(
        "scores (W, C) log-probabilities, names (tags) -> ids (W,) of the best sequence in which no I- stands alone",
        _viterbi,
        _scored,
        mistakes=(
            (_each_alone, "each word alone: an I- may follow what it cannot continue."),
            (_greedy, "from left to right each choice binds the next; the best sum over the whole text is asked for."),
            (_o_for_impossible, "mending afterwards finds a possible sequence, not the best one."),
            (
                _searched(back=False),
                "the best sum so far may belong to another path than the best one at the end: keep pointers, and take "
                "the way back.",
            ),
            (_searched(add=np.multiply), "logarithms are added where probabilities are multiplied."),
            (_searched(start=False), "an I- cannot stand at the beginning either."),
            (_then(_viterbi, lambda path: path[::-1]), "the way back goes from the last word to the first: turn it."),
            (lambda scores, names: [names[tag] for tag in _viterbi(scores, names)], "ids are asked for, not tags."),
            (_searched(exchanged=True), "before and after are exchanged: may `tag` follow `before`?"),
            (_searched(carry=False), "the best sum so far must go on: add it to the word's own scores."),
            (_searched(largest=False), "the highest sum, not the lowest."),
            (_lowest_at_the_end, "the highest sum, not the lowest."),
            (
                _searched(may=lambda before, tag: before is not None or follows(None, tag)),
                "only the first word is held to it: later on an I- still follows what it cannot continue.",
            ),
            (
                lambda scores, names: float(
                    sum(row[tag] for row, tag in zip(scores, _viterbi(scores, names), strict=True))
                ),
                "that is the best sum: the ids of its tags are asked for.",
            ),
            (_searched(may=_only_begin), "an I- may follow an I- of its type."),
            (_searched(may=_anything_inside), "an I- only goes on with its own type."),
            (_mended, "mending afterwards finds a possible sequence, not the best one."),
            (_stray_start, "the first word is chosen with the rest, not before it."),
        ),
    ),
    "windows": Check(
        "length, room, overlap -> as few (start, end) as cover all pieces, each at most `room` long, neighbours "
        "sharing at "
        "least `overlap`",
        _judge_windows,
    ),
    "tag_words": against(
        "text, entities [{'start', 'end', 'type'}] in characters -> one tag for each word of word_spans(text)",
        _tag_words,
        _texts,
        mistakes=(
            (_iob1, "the first word of an entity is B-, wherever it stands; yours is IOB1."),
            *(
                (_begins_where(needed), "two entities side by side are two: the first word of each is B-.")
                for needed in (lambda before, kind: before != kind, lambda before, kind: not before)
            ),
            (_kind_alone, "B- or I- stands before the type."),
            *((wrong, "the last word of an entity belongs to it.") for wrong in (_last_word_left_out, _end_before)),
            (_no_punctuation, "words are those of bertlib.text.wordpiece.word_spans: punctuation marks are words too."),
            (_same_words, "go by places: the same word may stand elsewhere, outside of every entity."),
            (_ends_marked, "B- and I- alone: no E- at an entity's end."),
            (_names_alone, "one tag for each word: O for those outside."),
            (_kinds_alone, "the first word of an entity is B-."),
            (_begins_everywhere, "the words behind the first are I-."),
            *(
                (_end_belongs_to_it(last), "the end is one behind the last character: start < end, not start <= end.")
                for last in (True, False)
            ),
            (
                _words_at_spaces,
                "words are those of bertlib.text.wordpiece.word_spans: punctuation marks are words too.",
            ),
            (_first_words_alone, "every word of an entity has a tag."),
        ),
    ),
    "tag_scores": against(
        "hidden (B, T, D), weight (C, D), bias (C,) -> (B, T, C): of each piece a score for each tag, as "
        "F.linear gives it",
        F.linear,
        _hidden_states,
        mistakes=(
            (
                lambda hidden, weight, bias: F.linear(hidden[:, 0], weight, bias),
                "that is [CLS] alone, for one label per text: every piece has its scores.",
            ),
            (
                lambda hidden, weight, bias: F.linear(hidden.mean(dim=1), weight, bias),
                "that is one label per text: every piece has its scores.",
            ),
            (
                lambda hidden, weight, bias: F.linear(hidden, weight, bias).softmax(dim=-1),
                "those are probabilities: the loss takes the softmax itself, give it the scores.",
            ),
            (
                lambda hidden, weight, bias: F.linear(hidden, weight, bias).log_softmax(dim=-1),
                "those are log-probabilities: the loss takes the softmax itself, give it the scores.",
            ),
            (lambda hidden, weight, bias: F.linear(hidden, weight), "the bias is missing."),
            (
                lambda hidden, weight, bias: F.linear(hidden, weight, -bias),
                "the bias is added, not subtracted.",
            ),
            (
                lambda hidden, weight, bias: F.linear(hidden, weight, bias).relu(),
                "no activation behind it: scores may be negative.",
            ),
            (
                lambda hidden, weight, bias: F.linear(hidden.tanh(), weight, bias),
                "no tanh: there is no pooler before it, a tag is read from the hidden state itself.",
            ),
            (
                lambda hidden, weight, bias: F.linear(hidden, weight, bias).argmax(dim=-1),
                "those are the chosen tags: the scores are asked for, or there is nothing to learn from.",
            ),
            (
                lambda hidden, weight, bias: F.linear(hidden, weight, bias).transpose(1, 2),
                "(B, T, C): the tags come last.",
            ),
            (
                lambda hidden, weight, bias: F.linear(hidden, weight, bias).flatten(0, 1),
                "(B, T, C): keep sentences and pieces apart.",
            ),
        ),
    ),
    "tag_loss": with_gradient(
        against(
            "logits (B, T, C), labels (B, T), -100 where nothing is asked -> a tensor: the mean cross-entropy, in "
            "nats, of the pieces that are asked, 0 where none is; with a gradient",
            _tag_loss,
            _labelled_pieces,
            mistakes=(
                (
                    _loss_of(_each_loss, lambda each, asked: (each * asked).mean()),
                    "divide by the number of pieces that are asked, not by all.",
                ),
                (
                    _loss_of(_each_loss, lambda each, asked: each.mean()),
                    "-100 is no tag: pieces that are not asked must not count, nor be taken for O.",
                ),
                (
                    _loss_of(_each_loss, lambda each, asked: each.mean() * asked.sum() / asked.sum().clamp(min=1)),
                    "the mean was taken over all pieces before those that are asked were chosen.",
                ),
                (
                    _loss_of(_each_loss, _mean_of_sentences),
                    "a mean of means: short sentences weigh too much. One sum, one count, over the whole batch.",
                ),
                (
                    _loss_of(_each_loss, lambda each, asked: (each * asked).sum() / len(each)),
                    "divide by the number of pieces that are asked, not by the number of sentences.",
                ),
                (
                    _loss_of(_each_loss, lambda each, asked: (each * asked).sum()),
                    "that is the sum; the mean is asked for.",
                ),
                (
                    _loss_of(_each_loss, lambda each, asked: each * asked),
                    "that is the loss of each piece; their mean is asked for, one number.",
                ),
                (_outside_ignored, "tag 0 is O, a tag like the others: only -100 is left out."),
                (_without_outside_in_the_sum, "tag 0 is O, a tag like the others: only -100 is left out."),
                (_nan_for_nothing, "no piece is asked: the mean over nothing is 0/0. Then the loss is 0."),
                (
                    _loss_of(lambda logits, labels: _each_loss(logits.softmax(-1), labels), _asked_mean),
                    "cross_entropy takes the softmax itself: give it the logits.",
                ),
                (
                    _loss_of(lambda logits, labels: -_each_probability(logits, labels), _asked_mean),
                    "the logarithm is missing: the loss of a piece is −log p.",
                ),
                (
                    _loss_of(lambda logits, labels: 1 - _each_probability(logits, labels), _asked_mean),
                    "that is 1 − p; the loss of a piece is −log p.",
                ),
                (_loss_of(_each_without_softmax, _asked_mean), "that is the mean score: take the log-softmax first."),
                (
                    _loss_of(_each_probability, lambda each, asked: -_asked_mean(each, asked).log()),
                    "take the logarithm of each p first, and the mean of them.",
                ),
                (
                    _loss_of(_each_loss, lambda each, asked: -_asked_mean(each, asked)),
                    "the minus is missing: a loss is not negative.",
                ),
                (
                    _loss_of(_each_loss, lambda each, asked: _asked_mean(each, asked) / np.log(2)),
                    "nats are asked for: the natural logarithm.",
                ),
                (
                    _loss_of(
                        lambda logits, labels: _each_without_softmax(logits.log_softmax(dim=1), labels), _asked_mean
                    ),
                    "the softmax runs over the tags, not over the pieces.",
                ),
            ),
        ),
        lambda: (torch.tensor([[[2.0, 0.0], [0.0, 1.0]]]), torch.tensor([[1, IGNORED]])),
        nothing=lambda: (torch.tensor([[[2.0, 0.0]]]), torch.tensor([[IGNORED]])),
    ),
    "join": against(
        "windows [(start, end)], predictions (for each window a list, one for each of its pieces) -> list: one for "
        "each piece of the text",
        _join,
        _overlapping,
        mistakes=(
            (_one_after_another, "what two windows share comes twice: take each piece once."),
            (_placed(later=True), "what is shared comes from the later window alone: its first half is the earlier's."),
            (
                _placed(later=False),
                "what is shared comes from the earlier window alone: its second half is the later's.",
            ),
            (_shared_left_out, "what two windows share is lost: half of it is the earlier's, half the later's."),
            (_all_ends_cut, "where the text begins and ends nothing is shared: nothing is cut off there."),
            (_half_from_each_exchanged, "exchanged: the first half of what is shared is the earlier window's."),
            (_starts_forgotten, "a window's list begins at its own start: piece n of the text is its n - start."),
            (_last_window_forgotten, "the last window goes on to the end of the text."),
            (_overlap_skipped_twice, "half of what is shared is lost: the later window begins at its middle."),
            (_by_window, "one list for the whole text, not one per window."),
            (_pairs_of, "the predictions alone, in the order of the text."),
            (
                lambda windows, predictions: dict(enumerate(_join(windows, predictions))),
                "a list is asked for, in the order of the text.",
            ),
            (lambda windows, predictions: list(predictions[0]), "only the first window is read."),
        ),
    ),
    "how_many": number(
        "a whole number",
        _tags_to_count,
        "How many entities are in these tags? {tags}",
        lambda tags: len(entities_of(tags.split())),
        mistakes=tuple((lambda tags, wrong=wrong: wrong(tags.split()), hint) for wrong, hint in HOW_MANY.items()),
    ),
    "updates": number(
        "a whole number",
        _a_training,
        "{n} sentences in batches of {b}; each epoch reads all of them. How many updates are {e} epochs?",
        lambda n, b, e: -(-n // b) * e,
        mistakes=(
            (lambda n, b, e: n // b * e, "what is left over is a batch too, a smaller one: round up."),
            (lambda n, b, e: n / b * e, "each epoch ends with a smaller batch: round up first, then times the epochs."),
            (
                lambda n, b, e: -(-n * e // b),
                "each epoch ends with a smaller batch: round up first, then times the epochs.",
            ),
            (lambda n, b, e: n * e, "those are the sentences that are read: an update is made from a whole batch."),
            (lambda n, b, e: -(-n // b), "that is one epoch."),
            (lambda n, b, e: n, "an update is made from a whole batch, and there are several epochs."),
        ),
    ),
    "borders": number(
        "a fraction from 0 to 1, to three significant digits",
        lambda rng: {"n": int(rng.integers(61, 99)), "k": int(rng.integers(11, 25))},
        "A text has {n} entities. A tagger finds all of them, but {k} with a last word too many; it finds nothing "
        "else. What is its F1?",
        lambda n, k: (n - k) / n,
        rel_tol=2e-3,
        mistakes=(
            (lambda n, k: 2 * (n - k) / (2 * n - k), "a wrong border counts twice: one is missed, one is invented."),
            (lambda n, k: (n - k / 2) / n, "there are no half points: with a wrong border it is not found."),
            (lambda n, k: (n - 2 * k) / n, "n are found, n are there: what is wrong is taken off each of them once."),
            (lambda n, k: (n - k) / (n + k), COUNTED_ONCE),
            (lambda n, k: k / n, "that is the share of wrong ones."),
            (lambda n, k: n - k, "that is how many are right: a fraction is asked for."),
        ),
    ),
    "entity_f1": number(
        "a fraction from 0 to 1, to three significant digits",
        lambda rng: {"n": int(rng.integers(20, 30)), "m": int(rng.integers(40, 60)), "k": int(rng.integers(8, 15))},
        "A text has {n} entities; a model finds {m}, of which {k} have both borders and the type right. What is its "
        "F1?",
        lambda n, m, k: 2 * k / (n + m),
        rel_tol=5e-3,
        mistakes=(
            (lambda n, m, k: k / n, "that is recall."),
            (lambda n, m, k: k / m, "that is precision."),
            (lambda n, m, k: (k / n + k / m) / 2, "the harmonic mean, not the arithmetic one."),
            (
                lambda n, m, k: k / (n + m - k),
                COUNTED_ONCE,
            ),
            (lambda n, m, k: k / (n + m), "the factor 2 is missing: 2 · k / (n + m)."),
            (lambda n, m, k: k / n * k / m, "that is the product of precision and recall."),
            (lambda n, m, k: (k / n * k / m) ** 0.5, "the harmonic mean, not the geometric one."),
            (lambda n, m, k: k, "that is how many are right: a fraction is asked for."),
        ),
    ),
}
