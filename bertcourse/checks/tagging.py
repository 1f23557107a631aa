"""Checks of the lesson on named entities (Devlin et al., 2019, §5.3; Tjong Kim Sang and De Meulder, 2003)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import chain, pairwise

import numpy as np

from bertcourse.checks.engine import Check, Trial, Wrong, against, number, show
from bertlib.metrics import entity_scores
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
    return entity_scores(gold, predicted)["f1"]


def _tag_words(text: str, entities: list[dict]) -> list[str]:
    return tags_of(word_spans(text), [(entity["start"], entity["end"], entity["type"]) for entity in entities])


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
    for _ in range(12):
        rows = rng.gumbel(size=(int(rng.integers(1, 8)), len(NAMES))) * 2
        yield rows - np.log(np.exp(rows).sum(axis=1, keepdims=True)), NAMES


def _texts(rng):
    text = "Tony Blair met Mr. Chirac in Paris-Nord."
    yield text, [{"start": 0, "end": 10, "type": "PER"}]
    yield text, [{"start": 29, "end": 39, "type": "LOC"}, {"start": 0, "end": 10, "type": "PER"}]
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


# ---------------------------------------------------------------------------------------------------- known mistakes


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


def _modulo(word_ids, tags, names):
    labels, before = [], None
    for word in word_ids:
        label = IGNORED if word is None else names.index(tags[word])
        labels.append(label + 1 if word is not None and word == before and label % 2 == 1 else label)
        before = word
    return labels


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
    return entity_scores(gold, predicted)["token_accuracy"]


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


def _recall(gold, predicted):
    return entity_scores(gold, predicted)["recall"]


def _precision(gold, predicted):
    return entity_scores(gold, predicted)["precision"]


def _anything_inside(before, tag):
    return not tag.startswith("I-") or (before is not None and before != "O")


def _only_begin(before, tag):
    return not tag.startswith("I-") or before == f"B-{tag[2:]}"


def _start_allowed(before, tag):
    return before is None or follows(before, tag)


def _from_outside(before, tag):
    return before == "O" or follows(before, tag)


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


def _end_belongs_to_it(text, entities):
    longer = [entity | {"end": entity["end"] + 1} for entity in entities]
    return _by_beginning([start for start, _ in word_spans(text)], longer)


def _by_beginning(starts, entities):
    tags = []
    for start in starts:
        inside = [entity for entity in entities if entity["start"] <= start < entity["end"]]
        kind = "B" if inside and inside[0]["start"] == start else "I"
        tags.append(f"{kind}-{inside[0]['type']}" if inside else "O")
    return tags


def _words_at_spaces(text, entities):
    return _by_beginning([found.start() for found in re.finditer(r"\S+", text)], entities)


def _first_words_alone(text, entities):
    return ["O" if tag.startswith("I-") else tag for tag in _tag_words(text, entities)]


def _judge_windows(trial: Trial) -> None:
    for case in range(12):
        length, room, overlap = (
            (10, 6, 2)
            if not case
            else (int(trial.rng.integers(1, 200)), int(trial.rng.integers(8, 60)), int(trial.rng.integers(0, 7)))
        )
        got = trial.call(length, room, overlap)
        try:
            windows = [(int(start), int(end)) for start, end in got]
        except (TypeError, ValueError):
            raise Wrong(f"expected a list of (start, end), came {show(got)}") from None
        tried = f"tried with: {trial.described}"
        if not windows or windows[0][0] != 0:
            raise Wrong(f"the first window must begin at 0, came {show(windows)}; {tried}")
        if max(end for _, end in windows) < length:
            raise Wrong(
                f"the last {length - max(end for _, end in windows)} pieces are in no window; {tried}",
                "entities there would vanish without a word: one more window, up to the end.",
            )
        if any(not 0 <= start < end <= length for start, end in windows):
            raise Wrong(
                f"windows lie within 0 … {length}, came {show(windows)}; {tried}", "cut the last one at the end."
            )
        if max(end - start for start, end in windows) > room:
            raise Wrong(f"a window is longer than {room}: {show(windows)}; {tried}")
        for (_, end), (start, _) in pairwise(windows):
            if start > end - overlap:
                raise Wrong(
                    f"neighbours share {end - start} pieces, expected at least {overlap}: {show(windows)}; {tried}",
                    "an entity on a border is whole in none of them: begin each window before the last one's end.",
                )
        fewest = 1 if length <= room else 1 + -(-(length - room) // (room - overlap))
        if len(windows) > fewest:
            raise Wrong(f"{len(windows)} windows, where {fewest} will do; {tried}", "stop once the end is reached.")


CHECKS = {
    "spans": against(
        "tags, one a word -> entities (first word, one behind the last, type); an I- that continues nothing begins one",
        entities_of,
        _tag_cases,
        mistakes=(
            (_drops_strays, "an I- that continues nothing begins an entity, for conlleval and seqeval."),
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
            (_inside_behind, "the pieces behind the first are -100."),
            (_modulo, "`label % 2` assumes an order of the tags; and pieces behind the first are -100."),
            (_last_piece, "the first piece of a word answers for it, not the last."),
            (_specials_outside, "[CLS], [SEP] and padding are not asked: -100, not O."),
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
        ),
    ),
    "best_tags": against(
        "scores (W, C) log-probabilities, names (tags) -> ids (W,) of the best sequence in which no I- stands alone",
        _viterbi,
        _scored,
        mistakes=(
            (_each_alone, "each word alone: an I- may follow what it cannot continue."),
            (_greedy, "from left to right each choice binds the next; the best sum over the whole text is asked for."),
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
            (_kinds_alone, "the first word of an entity is B-."),
            (_begins_everywhere, "the words behind the first are I-."),
            (
                _end_belongs_to_it,
                "the end is one behind the last character: start < end, or the word behind is drawn in.",
            ),
            (
                _words_at_spaces,
                "words are those of bertlib.text.wordpiece.word_spans: punctuation marks are words too.",
            ),
            (_first_words_alone, "every word of an entity has a tag."),
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
                "that is Jaccard's index, which counts what is right once: 2 · k / (n + m).",
            ),
        ),
    ),
}
