"""Machines of lessons 07 to 09 refuse what they cannot show, and a number that they ask for is the right one."""

import itertools

import pytest
import torch
from machine_cases.tagging import NAMES, TAGS, TOKENIZER, WORDS, tags_by_click

from bertcourse.machines import classification, looking, tagging
from bertlib.text.spans import entities_of
from bertlib.text.windows import cut_into_pieces

SHORT, TEXT = "A short text.", "The bank raised its rates again. " * 12


def windows(text=TEXT, max_length=64, context=12):
    (pieces,) = cut_into_pieces(TOKENIZER, [text])
    return tagging.windows_of_a_text(pieces, text, max_length, context)


SPLIT = ([0.9, 0.4], [True, False])
WRONG = {
    "as many of both": (
        lambda: classification.threshold_and_money(([0.9], [True, False]), SPLIT),
        "1 confidences",
    ),
    "an empty split": (lambda: classification.threshold_and_money(SPLIT, ([], [])), "test: 0 conf"),
    "a confidence in percent": (lambda: classification.threshold_and_money(([90], [True]), SPLIT), "outside 0 … 1"),
    "a price off its slider": (lambda: classification.threshold_and_money(SPLIT, SPLIT, wrong=33), "wrong=33, check=2"),
    "a price that is too high": (lambda: classification.threshold_and_money(SPLIT, SPLIT, check=21), "check=21: give"),
    "one classifier": (lambda: classification.leads_by_rows({"BERT": [True] * 30}), "two classifiers"),
    "other rows": (lambda: classification.leads_by_rows({"a": [True] * 30, "b": [True] * 31}), "'b': 31"),
    "few rows": (lambda: classification.leads_by_rows({"a": [True] * 20, "b": [True] * 20}), "more than 20"),
    "as many tags": (lambda: tagging.tags_by_click(WORDS, TAGS[:3], NAMES), "10 words, 3 tags"),
    "a tag without a name": (lambda: tagging.tags_by_click(["a"], ["B-MISC"], NAMES), "add B-MISC"),
    "a tag of another scheme": (lambda: tagging.tags_by_click(["a"], ["B-PER"], ["O", "B-PER", "S-PER"]), "'S-PER'"),
    "no entity": (lambda: tagging.tags_by_click(["a"], ["O"], NAMES), "at least one entity"),
    "a length that is not offered": (lambda: windows(max_length=100), "max_length=100: give one of 32"),
    "a text that fits": (lambda: windows(SHORT), "the text has 4 pieces"),
    "a context that is there": (lambda: windows(context=7), "context=7: give more than half of"),
    "too much context": (lambda: windows(context=24), "context=24"),
    "layers of two sizes": (lambda: looking.heads_out(4.0, [[4.1, 4.2], [4.1]], [4.3, 4.2]), "losses"),
    "a layer too few": (lambda: looking.heads_out(4.0, [[4.1, 4.2], [4.1, 4.1]], [4.3]), "layers 1"),
    "one head a layer": (lambda: looking.heads_out(4.0, [[4.1]], [4.1]), "at least two heads"),
    "one map": (lambda: looking.where_a_head_looks(["[CLS]", "a", "b"], torch.ones(3, 3)), "maps (3, 3), 3 tokens"),
    "other tokens": (lambda: looking.where_a_head_looks(["[CLS]", "a"], torch.ones(2, 2, 3, 3)), "2 tokens"),
    "no [CLS]": (lambda: looking.where_a_head_looks(["a", "b", "c"], torch.ones(2, 2, 3, 3)), "the first of them"),
}


@pytest.mark.parametrize("name", WRONG)
def test_it_names_what_is_wrong(name):
    make, message = WRONG[name]
    with pytest.raises(ValueError) as raised:
        make()
    assert message in str(raised.value)


TOUCHING = ["B-PER", "B-LOC", "I-LOC", "B-PER", "O", "B-ORG"]


@pytest.mark.parametrize("gold", [TOUCHING, TOUCHING[1:], TOUCHING[:2], ["O", "B-ORG", "I-ORG", "O", "B-PER"]])
def test_no_fewer_words_spoil_all_entities(gold):
    needed = tags_by_click(gold, WORDS[: len(gold)]).data["needed"]
    changes = []
    for places in itertools.combinations(range(len(gold)), needed):
        for fresh in itertools.product(NAMES, repeat=needed):
            tags = list(gold)
            for place, tag in zip(places, fresh, strict=True):
                tags[place] = tag
            if not set(entities_of(tags)) & set(entities_of(gold)):
                changes.append(sum(a != b for a, b in zip(gold, tags, strict=True)))
    assert min(changes) == needed
