"""`python -m bertcourse recommend`: titles that are found, refused, or meant otherwise; lists and their reasons."""

import os

import numpy as np
import pytest

from bertcourse.__main__ import main
from bertcourse.data.archives import archive_path
from bertcourse.data.movielens import Film, load_films
from bertcourse.recommend.own import find_film, recommend, split_titles

FILMS = (
    Film(1, "Toy Story", 1995, ("Animation",)),
    Film(2, "Sabrina", 1954, ("Comedy",)),
    Film(3, "Sabrina", 1995, ("Comedy",)),
    Film(4, "The Matrix", 1999, ("Action",)),
    Film(5, "Seven (Se7en)", 1995, ("Crime",)),
    Film(6, "Schindler's List", 1993, ("Drama",)),
)


@pytest.mark.parametrize(
    ("title", "row"),
    [
        ("Toy Story", 0),
        ("  toy   STORY ", 0),
        ("Toy Story (1995)", 0),
        ("Sabrina (1954)", 1),
        ("sabrina (1995)", 2),
        ("The Matrix", 3),
        ("Matrix, The", 3),
        ("Matrix, The (1999)", 3),
        ("Seven", 4),
        ("Seven (Se7en)", 4),
        ("schindlers list", 5),
        ("Schindler’s List", 5),
    ],
)
def test_titles_are_found_however_they_are_written(title, row):
    assert find_film(title, FILMS) == row


@pytest.mark.parametrize(
    ("title", "told"),
    [
        ("", "is blank"),
        ("  ", "is blank"),
        ("?!", "is blank"),
        ("Sabrina", r"is ambiguous: there are 2 such films; give the year, 'Sabrina \(1954\)' or 'Sabrina \(1995\)'"),
        ("Sabrina (1960)", r"there is 'Sabrina \(1954\)' and 'Sabrina \(1995\)' only"),
        ("Toy Stori", r"did you mean 'Toy Story \(1995\)'"),
        ("电影", "is none of the 6 films of MovieLens 100K"),
        ("<b>Fargo</b>", "is none of the 6 films"),
        ("x" * 10_000, "has 10,000 characters"),
    ],
)
def test_titles_that_are_none(title, told):
    with pytest.raises(ValueError, match=told) as caught:
        find_film(title, FILMS)
    assert len(str(caught.value)) < 300


def test_titles_are_split_and_blanks_between_them_passed_over():
    assert split_titles(" Toy Story ;; Fargo;  ") == ["Toy Story", "Fargo"]
    assert split_titles(" ; ") == []


@pytest.fixture(scope="module")
def films():
    try:
        archive_path("recbole")
    except FileNotFoundError as error:
        if os.environ.get("CI") == "true":  # there set-up has fetched it
            raise
        pytest.skip(str(error))
    return load_films()


def test_nothing_liked_or_excluded_is_recommended_and_reasons_are_likes(films):
    found = recommend(["Toy Story", "Fargo"], exclude=["Star Wars"], top=20)
    titles = [one.film.named for one in found]
    assert len({*titles}) == 20 and not {"Toy Story (1995)", "Fargo (1996)", "Star Wars (1977)"} & {*titles}
    shares = [one.share for one in found]
    assert shares == sorted(shares, reverse=True) and 0 < sum(shares) < 1
    for one in found:
        for film, cosine in (one.together, one.alike):
            assert film.title in ("Toy Story", "Fargo") and -1 <= cosine <= 1
    assert recommend(["Toy Story", "Fargo"], exclude=["Star Wars"], top=3) == found[:3]


def test_the_newest_like_counts_most(films):
    one, other = (recommend(likes, top=10) for likes in (["Toy Story", "Alien"], ["Alien", "Toy Story"]))
    assert [x.film for x in one] != [x.film for x in other]
    twice = recommend(["Toy Story", "Alien", "toy story"], top=10)
    assert [x.film for x in twice] == [x.film for x in other], "named twice, it counts where it was named last"


def test_bad_input(films):
    with pytest.raises(ValueError, match="likes is empty"):
        recommend([])
    with pytest.raises(ValueError, match="top=0"):
        recommend(["Fargo"], top=0)
    with pytest.raises(ValueError, match="there is none to recommend"):
        recommend([film.named for film in films], top=3)
    with pytest.raises(ValueError, match="there is none to recommend"):
        recommend(["Fargo"], exclude=[film.named for film in films], top=3)


def test_every_film_is_found_by_its_name_and_year(films):
    assert [find_film(film.named, films) for film in films[::37]] == list(range(0, len(films), 37))


def test_the_command(films, capsys):
    assert main(["recommend", "--likes", "Toy Story; Fargo", "--exclude", "Star Wars", "--top", "3"]) == 0
    told = capsys.readouterr().out.splitlines()
    assert len(told) == 9 and told[0].startswith(" 1  ") and "rated by the same people as" in told[1]
    for likes, words in (("  ;", "likes is empty"), ("Sabrina", "ambiguous"), ("No Such Film At All", "is none of")):
        assert main(["recommend", "--likes", likes]) == 2
        assert words in capsys.readouterr().err
    assert np.isfinite([float(line.split("(")[-1].rstrip("%) ")) for line in told[::3]]).all()
