"""Machines of lesson 21: a text cut at the longest word, and what masking by characters or by words leaves in sight."""

from __future__ import annotations

from collections.abc import Sequence

from bertcourse.data.chinese import longest_words
from bertcourse.diagrams.chinese import hidden_two_ways
from bertcourse.diagrams.drawing import MARGIN, SMALL, SOFT, Drawing
from bertcourse.machines.frame import Machine

LEAST, MOST = 2, 8  # words in the dictionary that can be taken out
LONGEST = 16  # characters of the text
SENTENCE = 22  # characters of what is hidden
DRAWS = 60
EASY = 3  # hidden characters with a part of their word in sight, which the question asks for


def longest_by_hand(people: Sequence[str], words: Sequence[str]) -> Machine:
    """A text cut at the longest word of a dictionary, whose words can be taken out.

    Args:
        people: the words into which people cut the text; all those of two characters and more are in the dictionary.
        words: the dictionary, 2 to 8 words of two characters and more.

    Raises:
        ValueError: too few or too many words or characters, a word of the people is missing, the whole dictionary
            already cuts as people do, or leaving out one word never does.
    """
    text, words = "".join(people), list(words)
    if not LEAST <= len(words) <= MOST or not 2 <= len(text) <= LONGEST:
        raise ValueError(
            f"{len(words)} words, {len(text)} characters: give {LEAST} to {MOST} words, and a text of 2 to {LONGEST}"
        )
    missing = [word for word in people if len(word) > 1 and word not in words]
    if missing or any(len(word) < 2 for word in words):
        raise ValueError(
            f"words lacks {missing or 'nothing'}: give words of two characters and more, those of people too"
        )
    cut = longest_words(text, words)
    if cut == list(people):
        raise ValueError(f"{text} is cut as people do: give a text where the longest word is wrong")
    if not any(longest_words(text, [*words[:i], *words[i + 1 :]]) == list(people) for i in range(len(words))):
        raise ValueError(f"{text}: no single word, left out, leads to the cut of people: give another dictionary")
    data = {"text": text, "people": list(people), "words": words}
    picture = Drawing(f"The dictionary has {', '.join(words)}. {text} is cut into {' | '.join(cut)}.")
    picture.text(MARGIN, 18, "in the dictionary", align="start", bold=True, size=SMALL)
    wide = (picture.width - 2 * MARGIN) / 4
    for number, word in enumerate(words):
        place = (MARGIN + wide * (number % 4), 34 + 42 * (number // 4))
        picture.box(*place, wide - 8, 34, word, "blue", size=SMALL)
    y = 34 + 42 * ((len(words) + 3) // 4) + 18
    picture.text(MARGIN, y, "cut at the longest word, from left to right", align="start", bold=True, size=SMALL)
    x, unit = float(MARGIN), (picture.width - 2 * MARGIN) / len(text)
    for word in cut:
        picture.box(x + 1, y + 16, unit * len(word) - 2, 36, word, "green" if len(word) > 1 else "plain", size=SMALL)
        x += unit * len(word)
    picture.text(280, y + 72, "each word can be taken out of the dictionary", size=SMALL, color=SOFT)
    question = (
        f"People cut {text} into {' | '.join(people)}. Which one word must leave the dictionary so that the longest "
        "match does so too?"
    )
    return Machine("longest_by_hand", "The longest word from the left", question, data, picture)


def parts_in_sight(words: Sequence[str], hidden: Sequence[bool]) -> int:
    """How many hidden characters have another character of their word in sight."""
    count = start = 0
    for word in words:
        own = list(hidden[start : start + len(word)])
        count += sum(own) if not all(own) else 0
        start += len(word)
    return count


def hidden_in(words: Sequence[str], draw: Sequence[float], probability: float, whole: bool) -> list[bool]:
    """Which characters are hidden: each by its own draw, or all of a word by that of its first one."""
    hidden, start = [], 0
    for word in words:
        own = draw[start : start + len(word)]
        hidden += [(own[0] if whole else one) < probability for one in own]
        start += len(word)
    return hidden


def hidden_by_words(words: Sequence[str], draws: Sequence[Sequence[float]]) -> Machine:
    """A sentence with characters hidden, one by one or by whole words, over several draws.

    Args:
        words: of the sentence, 2 to 22 characters in all.
        draws: 2 to 60 draws, each a number from 0 to 1 for each character.

    Raises:
        ValueError: too many characters or draws, a draw of another length, or none in which by characters at least
            three hidden ones have a part of their word in sight, or the first one is such.
    """
    text = "".join(words)
    if not 2 <= len(text) <= SENTENCE or not 2 <= len(draws) <= DRAWS:
        raise ValueError(
            f"{len(text)} characters, {len(draws)} draws: give 2 to {SENTENCE} characters, 2 to {DRAWS} draws"
        )
    odd = [len(draw) for draw in draws if len(draw) != len(text)]
    if odd:
        raise ValueError(f"a draw has {odd[0]} numbers: give {len(text)}, one for each character")
    rounded = [[round(float(one), 3) for one in draw] for draw in draws]
    easy = [parts_in_sight(words, hidden_in(words, draw, 0.15, False)) for draw in rounded]
    if max(easy) < EASY or easy[0] >= EASY:
        raise ValueError(
            f"with 15 % the draws leave {easy} hidden characters with a part of their word in sight: give one draw "
            f"with {EASY} or more, and not the first"
        )
    data = {"words": list(words), "draws": rounded, "easy": EASY}
    first = [hidden_in(words, rounded[0], 0.15, whole) for whole in (False, True)]
    picture = hidden_two_ways(words, *first)
    question = (
        f"Hide 15 %, by characters, and find a draw in which at least {EASY} hidden characters have a part of their "
        "word in sight. How many have so if the same draw hides whole words? Look at both."
    )
    return Machine("hidden_by_words", "What is left in sight", question, data, picture)
