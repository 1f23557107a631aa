"""Worked solutions of the exercises on named entities. Try first: `check` tells you more than these do."""

import numpy as np
from torch.nn import functional as F

from bertlib.text.wordpiece import word_spans


def my_spans(tags):
    found = []
    for number, tag in enumerate(tags):
        if tag == "O":
            continue
        kind = tag[2:]
        goes_on = tag[0] == "I" and found and found[-1][1] == number and found[-1][2] == kind
        if goes_on:
            found[-1] = (found[-1][0], number + 1, kind)
        else:
            found.append((number, number + 1, kind))
    return found


def my_align(word_ids, tags, names):
    labels, seen = [], set()
    for word in word_ids:
        if word is None or word in seen:
            labels.append(-100)
        else:
            labels.append(names.index(tags[word]))
            seen.add(word)
    return labels


def my_f1(gold, predicted):
    there, found = (
        {(number, *entity) for number, tags in enumerate(texts) for entity in my_spans(tags)}
        for texts in (gold, predicted)
    )
    return 2 * len(there & found) / (len(there) + len(found)) if there & found else 0.0


def my_follows(before, tag):
    if not tag.startswith("I-"):
        return True
    return before in (f"B-{tag[2:]}", tag)


def my_best_tags(scores, names):
    # For each tag the best sequence that ends with it; word by word one more.
    best = [(scores[0][c], [c]) for c in range(len(names)) if my_follows(None, names[c])]
    for row in scores[1:]:
        longer = []
        for c, tag in enumerate(names):
            before = [(total, path) for total, path in best if my_follows(names[path[-1]], tag)]
            total, path = max(before, key=lambda item: item[0])  # every tag can follow some other
            longer.append((total + row[c], [*path, c]))
        best = longer
    return np.array(max(best, key=lambda item: item[0])[1])


def my_windows(length, room, overlap):
    windows = [(0, min(room, length))]
    while windows[-1][1] < length:
        start = windows[-1][1] - overlap
        windows.append((start, min(start + room, length)))
    return windows


def my_tag_words(text, entities):
    tags = []
    for start, _ in word_spans(text):
        inside = [entity for entity in entities if entity["start"] <= start < entity["end"]]
        if not inside:
            tags.append("O")
        else:
            tags.append(("B-" if inside[0]["start"] == start else "I-") + inside[0]["type"])
    return tags


my_how_many = 6  # three on the left of the two O, three on the right


my_entity_f1 = 2 * 12 / (22 + 58)


my_updates = 8 * 5  # 119 sentences are 7 full batches of 16 and a smaller one

my_borders = 2 * (63 - 13) / (63 + 63)


def my_tag_scores(hidden, weight, bias):
    return hidden @ weight.T + bias  # (B, T, D) by (D, C)


def my_tag_loss(logits, labels):
    asked = labels != -100
    each = F.cross_entropy(logits[asked], labels[asked], reduction="sum")  # only the pieces that are asked
    return each / max(int(asked.sum()), 1)


def my_join(windows, predictions):
    joined = []
    for number, ((start, end), own) in enumerate(zip(windows, predictions, strict=True)):
        if number + 1 < len(windows):
            end = (end + windows[number + 1][0]) // 2  # the middle of what it shares with the next one
        joined += own[len(joined) - start : end - start]  # so many pieces are there already
    return joined


def all_pieces(pieces, words, tags, names):
    # A piece belongs to the word in which it begins; behind the first, B- becomes I-.
    labels = np.full(len(pieces.ids), -100, dtype=np.int64)
    for (start, end), tag in zip(words, tags, strict=True):
        goes_on = names.index(f"I{names[tag][1:]}") if names[tag][0] == "B" else tag
        asked = tag
        for number in range(*pieces.core):
            if start <= pieces.offsets[number][0] < end:
                labels[number], asked = asked, goes_on
    return labels
