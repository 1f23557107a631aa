"""A number that a machine of lesson 08 asks for is the right one."""

import itertools

import pytest
from machine_cases.tagging import NAMES, WORDS, tags_by_click

from bertlib.text.spans import entities_of

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
