"""Named entities scored on sub-words; tags told apart by number (both: Hugging Face course, chapter 7.2)."""

import numpy as np

from bertlib.tag import IGNORED, EntityTagger, cut_into_pieces, entity_scores, first_pieces, read_split


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
