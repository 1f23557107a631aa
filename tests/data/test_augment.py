"""Texts written otherwise: how many words, which, and that nothing else changes."""

import numpy as np
import pytest

from bertcourse.data.augment import WORD, delete_words, replace_by_guesses, replace_by_synonyms

TEXT = "The plot isn't new, but Anna's friend is a joy: warm, quick and never dull!"
SYNONYMS = {
    "warm": ("cordial",),
    "quick": ("fast", "rapid"),
    "plot": ("story",),
    "joy": ("delight",),
    "a": ("angstrom",),
}


def guesses(text, top_k):
    assert text.count("[MASK]") == 1 and top_k == 10
    return [{"token_str": word, "score": score} for word, score in (("##ly", 0.5), ("Never", 0.2), ("film", 0.3))]


def words(text):
    return WORD.findall(text)


def test_words_are_whole():
    assert words("isn't it well-made? 3 o’clock") == ["isn't", "it", "well", "made", "3", "o’clock"]


@pytest.mark.parametrize("share", [0.1, 0.2, 0.5])
def test_as_many_words_go_as_were_asked_for(share):
    there = words(TEXT)
    for seed in range(50):
        left = words(delete_words(TEXT, share, np.random.default_rng(seed)))
        assert len(left) == len(there) - round(share * len(there))
        places = iter(there)
        assert all(word in places for word in left)  # in their order


def test_every_word_can_go():
    gone = set()
    for seed in range(200):
        gone |= set(words(TEXT)) - set(words(delete_words(TEXT, 0.2, np.random.default_rng(seed))))
    assert gone == set(words(TEXT))


@pytest.mark.parametrize("text", ["", "!!!", "good", "Good!"])
def test_a_single_word_stays(text):
    assert delete_words(text, 0.5, np.random.default_rng(0)) == text


def test_synonyms_stand_where_the_word_stood():
    found = set()
    for seed in range(100):
        new = replace_by_synonyms(TEXT, 0.15, np.random.default_rng(seed), SYNONYMS)
        changed = [(old, word) for old, word in zip(words(TEXT), words(new), strict=True) if old != word]
        assert len(changed) == round(0.15 * len(words(TEXT)))
        assert all(word.lower() in SYNONYMS[old.lower()] for old, word in changed)
        assert WORD.sub("_", new) == WORD.sub("_", TEXT)
        found |= set(changed)
    assert found == {("warm", "cordial"), ("quick", "fast"), ("quick", "rapid"), ("plot", "story")}  # of four letters


def test_a_capital_stays():
    assert replace_by_synonyms("Quick!", 0.5, np.random.default_rng(0), {"quick": ("fast",)}) == "Fast!"


def test_without_synonyms_nothing_changes():
    assert replace_by_synonyms(TEXT, 0.5, np.random.default_rng(0), {}) == TEXT


def test_guesses_are_whole_words_other_than_the_one_that_stood_there():
    for seed in range(50):
        new = replace_by_guesses("Never sad, never dull", 0.5, np.random.default_rng(seed), guesses)
        for old, word in zip(words("Never sad, never dull"), words(new), strict=True):
            assert word in ({old, "Film", "film"} if old.lower() == "never" else {old, "Never", "never", "film"})
        assert new != "Never sad, never dull"


def test_a_long_text_is_guessed_from_what_stands_around():
    seen = []

    def guess(text, top_k):
        seen.append(text)
        return [{"token_str": "film", "score": 1.0}]

    text = " ".join(f"{word}{number}x" if number % 7 else "dull" for number, word in enumerate(["w"] * 300))
    new = replace_by_guesses(text, 0.1, np.random.default_rng(0), guess)
    assert len(words(new)) == 300 and words(new).count("film") == 30
    for masked in seen:
        before, _, behind = masked.partition("[MASK]")
        assert len(words(before)) <= 25 and len(words(behind)) <= 25
    assert max(len(words(masked)) for masked in seen) == 51
    assert all(masked.replace("[MASK]", "dull") in text or "film" in masked for masked in seen)


def test_no_guess_leaves_the_word():
    assert replace_by_guesses("dull", 0.5, np.random.default_rng(0), lambda text, top_k: []) == "dull"


@pytest.mark.parametrize("share", [0, 1, -0.1, float("nan")])
@pytest.mark.parametrize(
    "way",
    [
        delete_words,
        lambda *given: replace_by_synonyms(*given, SYNONYMS),
        lambda *given: replace_by_guesses(*given, guesses),
    ],
)
def test_a_share_that_is_none_is_named(way, share):
    with pytest.raises(ValueError, match=rf"share={share!r}: give a fraction between 0 and 1"):
        way(TEXT, share, np.random.default_rng(0))


def test_the_same_seed_gives_the_same_text():
    for way in (delete_words, lambda *given: replace_by_synonyms(*given, SYNONYMS)):
        assert way(TEXT, 0.2, np.random.default_rng(3)) == way(TEXT, 0.2, np.random.default_rng(3))
