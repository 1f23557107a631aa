import itertools

import numpy as np
import pytest

from bertlib.text.spans import (
    best_tags,
    check_tags,
    entities_of,
    follows,
    is_bio,
    split_tag,
    tag_names,
    tags_of,
    to_bio,
)
from bertlib.text.wordpiece import word_spans

TEXT = "Tony Blair met U.S. president George W Bush"
WORDS = word_spans(TEXT)
NAMES = tag_names(("PER", "LOC"))


def test_words_of_a_text():
    assert [TEXT[start:end] for start, end in WORDS][:8] == ["Tony", "Blair", "met", "U", ".", "S", ".", "president"]
    assert word_spans("") == word_spans(" \n\t ") == []
    assert [*word_spans("日本 ab")] == [(0, 1), (1, 2), (3, 5)]
    assert word_spans("Jose\u0301 ok") == [(0, 5), (6, 8)]  # an accent of its own stays with its letter
    assert word_spans("a\u200bb") == [(0, 3)]  # what is invisible parts no word
    assert word_spans("hi😀 x") == [(0, 3), (4, 5)]


def test_tags_from_characters_and_back():
    entities = [(0, 10, "PER"), (15, 19, "LOC"), (30, 43, "PER")]
    tags = tags_of(WORDS, entities, TEXT)
    assert tags == [
        *("B-PER", "I-PER", "O"),
        *("B-LOC", "I-LOC", "I-LOC", "I-LOC"),
        *("O", "B-PER", "I-PER", "I-PER"),
    ]
    assert [(WORDS[a][0], WORDS[b - 1][1], kind) for a, b, kind in entities_of(tags)] == entities
    assert tags_of(WORDS, entities[::-1]) == tags


@pytest.mark.parametrize(
    "entity, message",
    [
        ((5, 5, "PER"), "empty"),
        ((10, 5, "PER"), "empty"),
        ((1, 10, "PER"), "do"),
        ((0, 9, "PER"), "do"),
        ((30, 44, "PER"), "do"),
        ((-5, 4, "PER"), "do"),
        ((0, 4, "LOC"), "overlaps"),
        ((5, 14, "LOC"), "overlaps"),
    ],
)
def test_entities_that_do_not_fit_the_words(entity, message):
    with pytest.raises(ValueError, match=message):
        tags_of(WORDS, [(0, 10, "PER"), entity], TEXT)


def test_messages_show_the_text_if_there_is_one():
    with pytest.raises(ValueError, match="entity PER 1–10 'ony Blair' does not begin"):
        tags_of(WORDS, [(1, 10, "PER")], TEXT)
    with pytest.raises(ValueError, match="entity PER 1–10 does not begin"):
        tags_of(WORDS, [(1, 10, "PER")])


def test_what_may_follow_what():
    assert [tag for tag in NAMES if follows(None, tag)] == ["O", "B-PER", "B-LOC"]
    assert [tag for tag in NAMES if follows("O", tag)] == ["O", "B-PER", "B-LOC"]
    for before in ("B-PER", "I-PER"):
        assert [tag for tag in NAMES if follows(before, tag)] == ["O", "B-PER", "I-PER", "B-LOC"]


def test_neighbours_of_one_type_stay_apart():
    assert entities_of(["B-PER", "B-PER", "I-PER", "O"]) == [(0, 1, "PER"), (1, 3, "PER")]


def test_stray_continuations_begin_an_entity():
    assert entities_of(["I-PER", "I-PER", "I-LOC", "O", "I-LOC"]) == [(0, 2, "PER"), (2, 3, "LOC"), (4, 5, "LOC")]


@pytest.mark.parametrize("length", range(5))
def test_entities_agree_with_seqeval(length):
    from seqeval.metrics.sequence_labeling import get_entities

    for tags in itertools.product(NAMES, repeat=length):
        ours = [(kind, start, end - 1) for start, end, kind in entities_of(tags)]
        assert ours == [tuple(entity) for entity in get_entities(list(tags))], tags


@pytest.mark.parametrize("tag", ["PER", "X-PER", "B-", "B", "", "o", "BPER"])
def test_what_is_no_tag(tag):
    with pytest.raises(ValueError, match="give O, or B- or I-"):
        split_tag(tag)


def test_types_may_hold_hyphens():
    assert split_tag("B-creative-work") == ("B", "creative-work")
    assert entities_of(["B-creative-work", "I-creative-work"]) == [(0, 2, "creative-work")]


@pytest.mark.parametrize("seed", range(20))
def test_best_tags_by_trying_all(seed):
    rng = np.random.default_rng(seed)
    scores = np.log(rng.dirichlet(np.ones(len(NAMES)) * 0.3, size=5) + 1e-9)

    def possible(path):
        return all(follows(None if i == 0 else NAMES[path[i - 1]], NAMES[tag]) for i, tag in enumerate(path))

    paths = [path for path in itertools.product(range(len(NAMES)), repeat=5) if possible(path)]
    best = max(paths, key=lambda path: sum(scores[i, tag] for i, tag in enumerate(path)))
    assert best_tags(scores, NAMES).tolist() == list(best)


def test_best_tags_of_nothing():
    assert best_tags(np.zeros((0, 5)), NAMES).shape == (0,)


def test_possible_sequences_are_left_as_they_are():
    tags = ["B-PER", "I-PER", "O", "B-LOC", "B-LOC"]
    scores = np.full((5, 5), -3.0)
    scores[range(5), [NAMES.index(tag) for tag in tags]] = -0.1
    assert [NAMES[tag] for tag in best_tags(scores, NAMES)] == tags


# ------------------------------------------------------------------------------------------------- other schemes

SAME = ["B-PER", "I-PER", "I-PER", "O", "B-LOC", "B-LOC", "O", "B-PER"]


@pytest.mark.parametrize(
    "tags",
    [
        SAME,
        ["I-PER", "I-PER", "I-PER", "O", "I-LOC", "B-LOC", "O", "I-PER"],  # IOB1
        ["B-PER", "I-PER", "E-PER", "O", "S-LOC", "S-LOC", "O", "S-PER"],  # BIOES
        ["B-PER", "I-PER", "L-PER", "O", "U-LOC", "U-LOC", "O", "U-PER"],  # BILOU
        ["B-PER", "M-PER", "E-PER", "O", "S-LOC", "S-LOC", "O", "S-PER"],  # BMES
        ["B_PER", "I_PER", "I_PER", "O", "B_LOC", "B_LOC", "O", "B_PER"],
        ["PER-B", "PER-I", "PER-I", "O", "LOC-B", "LOC-B", "O", "PER-B"],
        ["b-PER", "i-PER", "i-PER", "O", "b-LOC", "b-LOC", "O", "b-PER"],
    ],
)
def test_schemes_become_bio(tags):
    assert to_bio(tags) == SAME
    assert is_bio({*tags, "I-LOC"}) == (tags is SAME)


def test_types_alone_are_runs():
    assert to_bio(["PER", "PER", "O", "LOC", "PER"]) == ["B-PER", "I-PER", "O", "B-LOC", "B-PER"]
    assert to_bio(["E-mail", "Phone", "O"]) == ["B-E-mail", "B-Phone", "O"]
    assert to_bio(["e-mail", "s-bahn", "O"]) == ["B-e-mail", "B-s-bahn", "O"]
    assert to_bio([]) == []


def test_the_set_decides_not_the_text():
    """A text may hold no more than E-mail; whether that is a type or the last word of a mail, the other tags say."""
    assert to_bio(["E-mail"], ["O", "E-mail", "Phone"]) == ["B-E-mail"]
    assert to_bio(["E-mail"], ["O", "B-mail", "I-mail", "E-mail", "S-mail"]) == ["B-mail"]


@pytest.mark.parametrize("length", range(5))
def test_bioes_is_read_as_seqeval_reads_it(length):
    """What follows an end begins anew, in a tagger's impossible sequences too (flairNLP/flair issue 97)."""
    from seqeval.metrics.sequence_labeling import get_entities

    names = ["O", *(f"{mark}-{kind}" for kind in ("PER", "LOC") for mark in "BIES")]
    for tags in itertools.product(names, repeat=length):
        ours = [(kind, start, end - 1) for start, end, kind in entities_of(to_bio(tags, names))]
        assert ours == [tuple(entity) for entity in get_entities(list(tags))], tags


def test_tags_that_no_tagger_should_have():
    with pytest.raises(ValueError, match="the model's tags are LABEL_0, LABEL_1, without O: write their true names"):
        check_tags(["LABEL_0", "LABEL_1"], constrained=False)
    for names in (["O", "B-PER"], ["O", "I-PER"], ["O", "B-PER", "I-PER", "E-PER", "S-PER"], ["O", "B_PER", "I_PER"]):
        check_tags(names, constrained=False)
        with pytest.raises(ValueError, match=f"constrained=True .* the tags are {', '.join(names)}: give False"):
            check_tags(names, constrained=True)
