"""MovieLens 100K: who rated which film when (Harper and Konstan, 2015), read from the archive of recbole.

What is known to be wrong with it, and what is done about it:

- 18 films stand there twice, under two numbers with one title and year: each is one film here, under the lower number.
  (22 titles stand there more than once; the others are remakes, told apart by their years.)
- Film 267 is called "unkonwn", with no year: it is left out with its ratings.
- One film's year is "V", and its title ends with the year: it is read from there.
- A title has its article at the end ("Matrix, The"): it is turned round.
- Three of four ratings share their second with another of the same user. Of these the order in the file counts, which
  nobody vouches for, so "the last film" of a user is often one of several.
- Half of the users gave all their ratings within 50 minutes, going through lists of the site: what comes next is often
  what stood next on a page.

All raise what `archives.read_member` raises.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

import numpy as np

from bertcourse.data.archives import read_member

FOLDER = "recbole/dataset_example/ml-100k"
ARTICLES = ("The", "A", "An", "La", "Le", "Les", "L'", "Il", "El", "Das", "Die", "Der", "Los", "Un", "Une", "Lo")


@dataclass(frozen=True)
class Film:
    """A film: its number in the source, title, year of release and genres."""

    number: int
    title: str
    year: int
    genres: tuple[str, ...]

    @property
    def named(self) -> str:
        """Title and year, which together no other film has: "Sabrina (1995)"."""
        return f"{self.title} ({self.year})"

    @property
    def text(self) -> str:
        """What a model of text reads: title, year and genres."""
        return f"{self.title} ({self.year}). {', '.join(self.genres)}"


@dataclass(frozen=True)
class Clicks:
    """Ratings, sorted by user, then by time, then by the place in the file.

    Attributes:
        user: (N,) numbers of users, from 0, in the order of their numbers in the source.
        film: (N,) rows of `load_films`.
        time: (N,) seconds since 1970. rating: (N,) 1 to 5.
    """

    user: np.ndarray
    film: np.ndarray
    time: np.ndarray
    rating: np.ndarray

    def __len__(self) -> int:
        return len(self.user)

    def where(self, chosen: np.ndarray) -> Clicks:
        """Those that a mask (N,) chooses."""
        return Clicks(self.user[chosen], self.film[chosen], self.time[chosen], self.rating[chosen])

    def histories(self, users: int) -> list[list[int]]:
        """Of each of so many users the films in order; an empty list for one who has none."""
        ends = np.searchsorted(self.user, np.arange(users + 1))
        return [self.film[first:last].tolist() for first, last in pairwise(ends)]


def cleaned(title: str) -> str:
    """A title as one says it: the article in front, also in front of what stands in brackets."""
    title = re.sub(r"\s+", " ", title).strip()
    inner = re.fullmatch(r"(.+?) \((.+)\)", title)
    if inner:
        return f"{cleaned(inner[1])} ({cleaned(inner[2])})"
    found = re.fullmatch(rf"(.+), ({'|'.join(ARTICLES)})", title)
    if not found:
        return title
    return found[2] + ("" if found[2].endswith("'") else " ") + found[1]


def table(name: str, columns: tuple[str, ...]) -> list[list[str]]:
    """Rows of one of the files, after its first line was compared with the columns that are expected."""
    first, *lines = read_member("recbole", f"{FOLDER}/{name}").decode("utf-8").splitlines()
    if tuple(first.split("\t")) != columns:
        raise ValueError(f"{name} begins with {first!r}, expected are the columns {', '.join(columns)}")
    rows = [line.split("\t") for line in lines if line]
    for number, row in enumerate(rows, start=2):
        if len(row) != len(columns):
            raise ValueError(f"{name}, line {number}: {len(row)} fields, expected are {len(columns)}")
    return rows


@cache
def films_and_rows() -> tuple[tuple[Film, ...], dict[int, int]]:
    """The films, and for each number of the source the row of its film; "unkonwn" has none."""
    columns = ("item_id:token", "movie_title:token_seq", "release_year:token", "class:token_seq")
    films: dict[tuple[str, int], Film] = {}
    row_of, place = {}, {}
    for number, title, year, genres in table("ml-100k.item", columns):
        ending = re.fullmatch(r"(.+) \((\d{4})\)", title)
        if not year.isdigit() and ending:
            title, year = ending[1], ending[2]
        if not year.isdigit():
            continue
        key = cleaned(title), int(year)
        if key not in films:
            place[key] = len(films)
            films[key] = Film(int(number), *key, tuple(genres.split()))
        row_of[int(number)] = place[key]
    return tuple(films.values()), row_of


def load_films() -> tuple[Film, ...]:
    """All 1,663 films, in the order of their numbers."""
    return films_and_rows()[0]


@cache
def load_clicks() -> Clicks:
    """All ratings; of two that one user gave to one film under two numbers the earlier one."""
    _, row_of = films_and_rows()
    columns = ("user_id:token", "item_id:token", "rating:float", "timestamp:float")
    rows = [(int(u), row_of.get(int(i), -1), float(t), float(r)) for u, i, r, t in table("ml-100k.inter", columns)]
    values = np.array([row for row in rows if row[1] >= 0])
    values = values[np.lexsort((np.arange(len(values)), values[:, 2], values[:, 0]))]
    _, first = np.unique(values[:, :2], axis=0, return_index=True)
    values = values[np.sort(first)]
    user = np.unique(values[:, 0], return_inverse=True)[1]
    return Clicks(user, values[:, 1].astype(int), values[:, 2].astype(int), values[:, 3].astype(int))
