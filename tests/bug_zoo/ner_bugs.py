"""Named entities scored on sub-words, tags told apart by number (HF course, chapter 7.2); spans that run on."""

import numpy as np

from bertlib.data.entities import read_split
from bertlib.metrics import entity_scores
from bertlib.tasks.tag import EntityTagger
from bertlib.text.masking import IGNORED
from bertlib.text.windows import cut_into_pieces, first_pieces


class ScoredOnPieces(EntityTagger):
    """Every piece takes its word's tag (I- behind the first), and every piece is scored."""

    def evaluate(self, split, *, precision="fp32"):
        names = split.features["ner_tags"].feature.names
        texts, words = read_split(split)
        cut = cut_into_pieces(self.tokenizer, texts)
        gold, found = [], []
        for pieces, spans, tags, scores in zip(
            cut, words, split["ner_tags"][:], self.log_probabilities(cut), strict=True
        ):
            first = first_pieces(pieces, spans).tolist()
            owner = np.searchsorted(first, range(len(pieces.ids)), side="right") - 1
            line = [names[tags[word]] for word in owner]
            gold.append([tag if i in first else tag.replace("B-", "I-") for i, tag in enumerate(line)])
            found.append([self.labels[tag] for tag in scores.argmax(axis=-1)])
        return entity_scores(gold, found)


def label_modulo(pieces, words, tags, names):
    """An odd label is taken for a B-, and its I- for the next number."""
    labels = np.full(len(pieces.ids), IGNORED)
    first = first_pieces(pieces, words)
    for number, (at, tag) in enumerate(zip(first, tags, strict=True)):
        end = first[number + 1] if number + 1 < len(first) else len(labels)
        labels[at:end] = tag + 1 if tag % 2 == 1 else tag
        labels[at] = tag
    return labels


def every_piece_asked(pieces, words, tags, names):
    """Every piece is asked for its word's tag, so a name of many pieces weighs more than a short one."""
    labels = np.full(len(pieces.ids), IGNORED)
    first = first_pieces(pieces, words)
    for number, (at, tag) in enumerate(zip(first, tags, strict=True)):
        end = first[number + 1] if number + 1 < len(first) else len(labels)
        labels[at:end] = names.index(names[tag].replace("B-", "I-"))
        labels[at] = tag
    return labels


def merges_neighbours(tags):
    """Entities as runs of one type: two that touch become one."""
    found = []
    for number, tag in enumerate(tags):
        if tag == "O":
            continue
        if found and found[-1][1] == number and found[-1][2] == tag[2:]:  # wrong: a B- begins another one
            found[-1] = (found[-1][0], number + 1, tag[2:])
        else:
            found.append((number, number + 1, tag[2:]))
    return found


def goes_on_with_any_type(tags):
    """An I- goes on with whatever stands before it."""
    found = []
    for number, tag in enumerate(tags):
        if tag == "O":
            continue
        if tag[0] == "I" and found and found[-1][1] == number:  # wrong: only with its own type
            found[-1] = (found[-1][0], number + 1, found[-1][2])
        else:
            found.append((number, number + 1, tag[2:]))
    return found
