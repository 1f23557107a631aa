"""Chinese text as others read, hid, divided and compared it: bugs 79 and 80 of the list, and their kin."""

import numpy as np
import torch

from bertlib.text.masking import mask_tokens


def cut_at_any_mark(content):
    """A vocabulary by splitlines(): one of its pieces is a line separator, which it cuts at (bug 79)."""
    return {piece: number for number, piece in enumerate(content.splitlines())}  # wrong


def stripped_pieces(content):
    """Each line by strip(), as many a reader of word lists: pieces that are white space become one empty piece."""
    return {piece.strip(): number for number, piece in enumerate(content.split("\n"))}  # wrong


READERS = (cut_at_any_mark, stripped_pieces)


def labels_by_count(labels, offsets):
    """transformers#12249: the third token takes the third label, where a character has vanished (bug 79)."""
    return list(labels[: len(offsets)])  # wrong


def labels_of_last_character(labels, offsets):
    return [labels[end - 1] for _, end in offsets]  # wrong: a piece begins where its first character stands


LABELS = (labels_by_count, labels_of_last_character)


def every_token_alone(ids, *, words, **settings):
    return mask_tokens(ids, **settings)  # wrong: 喜欢 is torn


def sentence_as_a_word(ids, *, words, **settings):
    """transformers' collator on text without spaces: white space is the border of words, so all is one word."""
    return mask_tokens(ids, words=torch.zeros_like(ids), **settings)  # wrong


WORD_BUGS = (every_token_alone, sentence_as_a_word)


def every_nr_a_person(words, tags):
    """A surname and a given name are two words of the corpus, and one person."""
    spans, start = [], 0
    for word, tag in zip(words, tags, strict=True):
        if tag == "nr":
            spans.append((start, start + len(word), "PER"))  # wrong
        start += len(word)
    return spans


def whole_run_a_person(words, tags):
    """All neighbouring nr are one name: 江泽民 and 李鹏, without a mark between them, become one person."""
    spans, start, last = [], 0, None
    for word, tag in zip(words, tags, strict=True):
        end = start + len(word)
        if tag == "nr":
            if last == start and spans:
                spans[-1] = (spans[-1][0], end, "PER")  # wrong
            else:
                spans.append((start, end, "PER"))
            last = end
        start = end
    return spans


JOINERS = (every_nr_a_person, whole_run_a_person)


def filtered_beside_whole(whole, hits, kept):
    """CLUE's TNEWS and IFLYTEK: chosen by a small model's mistakes, and set beside scores of all rows (bug 80)."""
    return {"paper": float(np.mean(whole)), "here": float(np.mean(hits[kept]))}  # wrong: not of one set
