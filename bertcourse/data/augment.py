"""A text written otherwise, in the hope that its label stays: words left out, replaced by synonyms, or guessed."""

import itertools
import re
from collections.abc import Callable, Mapping, Sequence

import numpy as np

AROUND = 25  # words
WORD = re.compile(r"\w+(?:['’]\w+)*")


def chosen_words(text: str, share: float, rng: np.random.Generator, among: Callable[[str], bool]) -> list[re.Match]:
    """Some of a text's words, in order: `share` of all, one at least, out of those that will do."""
    if not 0 < share < 1:
        raise ValueError(f"share={share!r}: give a fraction between 0 and 1, such as 0.1")
    words = list(WORD.finditer(text))
    there = [word for word in words if among(word[0])]
    count = min(len(there), max(1, round(share * len(words))))
    return [there[place] for place in sorted(rng.choice(len(there), count, replace=False))] if count else []


def rewritten(text: str, words: Sequence[re.Match], new: Sequence[str]) -> str:
    """The text with other words in these places; a first letter's capital stays."""
    for word, other in reversed(list(zip(words, new, strict=True))):
        other = other.capitalize() if word[0][:1].isupper() else other
        text = text[: word.start()] + other + text[word.end() :]
    return text


def delete_words(text: str, share: float, rng: np.random.Generator) -> str:
    """The text without `share` of its words (Wei and Zou, 2019, §2); one word stays at least."""
    words = list(WORD.finditer(text))
    gone = chosen_words(text, share, rng, lambda word: True) if len(words) > 1 else []
    return " ".join(rewritten(text, gone, [""] * len(gone)).split())


def replace_by_synonyms(
    text: str, share: float, rng: np.random.Generator, synonyms: Mapping[str, Sequence[str]]
) -> str:
    """The text with synonyms in place of `share` of its words (the same, §2); only of words of four letters and more,
    which leaves out most of those that join others ("a" is a synonym of "angstrom").

    Args:
        synonyms: word in lower case -> others, such as WordNet's.
    """
    words = chosen_words(text, share, rng, lambda word: len(word) > 3 and word.lower() in synonyms)
    return rewritten(text, words, [str(rng.choice(synonyms[word[0].lower()])) for word in words])


def after(text: str, start: int) -> str:
    """The text from there on, up to the end of its next `AROUND` words; all of it if it has no more."""
    following = list(itertools.islice(WORD.finditer(text, start), AROUND + 1))
    return text[start : following[AROUND].start()] if len(following) > AROUND else text[start:]


def replace_by_guesses(
    text: str, share: float, rng: np.random.Generator, fill_mask: Callable[..., Sequence[dict]], top_k: int = 10
) -> str:
    """The text with `share` of its words as an MLM guesses them from the rest (Kobayashi, 2018, without labels).

    Args:
        fill_mask: (text with one [MASK], top_k) -> rows with token_str and score, as
            `bertlib.tasks.pretrained.PretrainedBert.fill_mask` gives them; a guess is drawn by its score. It sees
            `AROUND` words on either side, so that a long text fits, too.
    """
    words = list(WORD.finditer(text))
    places = {word.start(): place for place, word in enumerate(words)}
    for word in reversed(chosen_words(text, share, rng, str.isalpha)):
        place = places[word.start()]
        start = words[place - AROUND].start() if place > AROUND else 0
        masked = f"{text[start : word.start()]}[MASK]{after(text, word.end())}"
        rows = [row for row in fill_mask(masked, top_k=top_k) if row["token_str"].isalpha()]
        rows = [row for row in rows if row["token_str"].lower() != word[0].lower()]
        if rows:
            scores = np.array([row["score"] for row in rows])
            guess = rows[rng.choice(len(rows), p=scores / scores.sum())]["token_str"]
            text = rewritten(text, [word], [guess])
    return text
