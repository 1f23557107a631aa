"""Recommendations for a history of one's own: titles are found, films scored, each explained by nearest likes."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from safetensors.numpy import load_file

from bertcourse.data.movielens import Film, cleaned, load_clicks, load_films
from bertcourse.recommend.methods import item_knn
from bertcourse.recommend.protocols import leave_one_out
from bertlib.files import data_folder
from bertlib.tasks.items import ItemModel

LONGEST = 200  # characters of a title


@dataclass(frozen=True)
class Recommended:
    """A film, how likely it is next, and the liked films that are nearest to it, with their cosines.

    `together` is by behaviour (who rated both), `alike` by text (title, year and genres).
    """

    film: Film
    share: float
    together: tuple[Film, float]
    alike: tuple[Film, float]


def plain(title: str) -> str:
    """Letters and digits alone, in small letters: what is compared."""
    return " ".join(re.findall(r"\w+", re.sub("['’]", "", title.casefold())))


def find_film(title: str, films: Sequence[Film]) -> int:
    """The row of the film that a person means, by its title, with or without the year: "Sabrina (1995)".

    Raises:
        ValueError: blank or too long, no such film, or several; the message names those that are near, or the years.
    """
    title = " ".join(title.split())
    if not plain(title):
        raise ValueError(f"title {title!r:.60} is blank: give titles with ; between them, such as 'Toy Story; Fargo'")
    if len(title) > LONGEST:
        raise ValueError(f"title {title[:30]!r}… has {len(title):,} characters: give titles with ; between them")
    named = re.fullmatch(r"(.+?)\s*\((\d{4})\)", title)
    wanted, year = (named[1], int(named[2])) if named else (title, None)
    words = plain(cleaned(wanted))
    alike = [row for row, film in enumerate(films) if words in (plain(film.title), plain(film.title.split(" (")[0]))]
    found = [row for row in alike if year in (None, films[row].year)]
    if len(found) == 1:
        return found[0]
    if len(found) > 1:
        years = " or ".join(repr(films[row].named) for row in found)
        raise ValueError(f"title {title!r} is ambiguous: there are {len(found)} such films; give the year, {years}")
    if alike:
        raise ValueError(f"title {title!r}: there is {' and '.join(repr(films[row].named) for row in alike)} only")
    titles = {plain(film.title): film.named for film in films}
    near = difflib.get_close_matches(words, titles, n=3, cutoff=0.6)
    meant = f"did you mean {' or '.join(repr(titles[one]) for one in near)}?" if near else "the newest are of 1998"
    raise ValueError(f"title {title!r} is none of the {len(films):,} films of MovieLens 100K: {meant}")


def split_titles(text: str) -> list[str]:
    """The titles of a text that has ; between them; what is empty between two is passed over."""
    return [part.strip() for part in text.split(";") if part.strip()]


def nearest_like(table: np.ndarray, film: int, likes: Sequence[int]) -> tuple[int, float]:
    """Among liked films the one with the largest entry in the film's row of a table (F, F), and that entry."""
    best = max(likes, key=lambda one: table[film, one])
    return best, float(table[film, best])


def recommend(
    likes: Sequence[str], *, exclude: Sequence[str] = (), top: int = 10, model: ItemModel | None = None
) -> list[Recommended]:
    """What somebody may want next who liked these films; the last one counts as the newest.

    Args:
        likes: titles, with or without a year. exclude: titles that are not to be recommended.
        top: how many. model: None for the one that ships, data/recommender/items_last.

    Raises:
        ValueError: there are no likes, a title is not found or ambiguous, top is below 1, or nothing is left.
        FileNotFoundError: the films' archive was not fetched; the message has the command.
    """
    films = load_films()
    if not likes:
        raise ValueError("likes is empty: give titles with ; between them, such as 'Toy Story; Fargo'")
    rows, left_out = ([find_film(title, films) for title in titles] for titles in (likes, exclude))
    rows = [row for place, row in enumerate(rows) if row not in rows[place + 1 :]]  # named twice: the later one
    model = model or ItemModel.load(data_folder("recommender") / "items_last")
    number = {str(film.number): row for row, film in enumerate(films)}
    names = [str(films[row].number) for row in rows]
    found = model.predict(names, top, [str(films[row].number) for row in left_out])
    together = item_knn(leave_one_out(load_clicks()).histories, len(films))
    vectors = load_file(data_folder("recommender") / "vectors.safetensors")["frozen"].astype(np.float32)
    tables, result = (together, vectors @ vectors.T), []
    for name, share in found:
        told = [nearest_like(table, number[name], rows) for table in tables]
        result.append(Recommended(films[number[name]], share, *((films[one], value) for one, value in told)))
    return result


def run_recommend(likes: str, exclude: str = "", top: int = 10) -> int:
    """Print recommendations for titles with ; between them, each with the liked films that are nearest to it."""
    for place, one in enumerate(recommend(split_titles(likes), exclude=split_titles(exclude), top=top), start=1):
        (rated, both), (alike, cosine) = one.together, one.alike
        print(f"{place:>2}  {one.film.named}  ({100 * one.share:.1f} %)")
        print(f"      rated by the same people as {rated.named} ({both:.2f})")
        print(f"      most alike in text: {alike.named} ({cosine:.2f})")
    return 0
