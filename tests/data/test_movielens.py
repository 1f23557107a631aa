"""MovieLens as the course reads it: films once, titles turned round, ratings in order."""

import numpy as np
import pytest
from test_archives import needs

from bertcourse.data import movielens
from bertcourse.data.movielens import Film, cleaned, load_clicks, load_films

ITEMS = [
    "item_id:token\tmovie_title:token_seq\trelease_year:token\tclass:token_seq",
    "1\tMatrix, The\t1999\tAction Sci-Fi",
    "2\tunkonwn\tunkonwn\tunknown",
    "3\tSabrina\t1954\tComedy Romance",
    "4\tSabrina\t1995\tComedy Romance",
    "5\tMatrix, The\t1999\tAction",
    "6\tLong Way: Home (1995)\tV\tDrama",
]
RATINGS = [
    "user_id:token\titem_id:token\trating:float\ttimestamp:float",
    "7\t4\t5\t200",
    "2\t1\t4\t100",
    "7\t2\t3\t150",
    "7\t3\t2\t200",
    "2\t5\t1\t300",
    "7\t1\t3\t100",
]


@pytest.fixture
def small(monkeypatch):
    """An archive of a few rows."""
    files = {"ml-100k.item": list(ITEMS), "ml-100k.inter": list(RATINGS)}

    def read_member(package, member):
        assert package == "recbole"
        return ("\n".join(files[member.rpartition("/")[2]]) + "\n").encode()

    monkeypatch.setattr(movielens, "read_member", read_member)
    movielens.films_and_rows.cache_clear()
    load_clicks.cache_clear()
    yield files
    movielens.films_and_rows.cache_clear()
    load_clicks.cache_clear()


@pytest.mark.parametrize(
    ("title", "said"),
    [
        ("Matrix, The", "The Matrix"),
        ("Postino, Il", "Il Postino"),
        ("Eau, L'", "L'Eau"),
        ("Horseman on the Roof, The (Hussard sur le toit, Le)", "The Horseman on the Roof (Le Hussard sur le toit)"),
        ("Paris, Texas", "Paris, Texas"),
        ("To Wong Foo, Thanks for Everything! Julie Newmar", "To Wong Foo, Thanks for Everything! Julie Newmar"),
        ("Seven (Se7en)", "Seven (Se7en)"),
        ("The  Rock ", "The Rock"),
    ],
)
def test_titles_are_turned_round(title, said):
    assert cleaned(title) == said
    assert cleaned(said) == said


def test_films_stand_once_and_the_unknown_one_is_out(small):
    films = load_films()
    assert [film.named for film in films] == [
        "The Matrix (1999)", "Sabrina (1954)", "Sabrina (1995)", "Long Way: Home (1995)"
    ]  # fmt: skip
    assert films[0] == Film(1, "The Matrix", 1999, ("Action", "Sci-Fi"))
    assert films[0].text == "The Matrix (1999). Action, Sci-Fi"


def test_ratings_are_in_order_of_user_time_and_file_and_doubles_count_once(small):
    clicks = load_clicks()
    assert clicks.user.tolist() == [0, 1, 1, 1]
    assert clicks.film.tolist() == [0, 0, 2, 1], "of two in a second the earlier row of the file; the second Matrix out"
    assert clicks.time.tolist() == [100, 100, 200, 200]
    assert clicks.rating.tolist() == [4, 3, 5, 2]
    assert clicks.histories(3) == [[0], [0, 2, 1], []]
    assert clicks.where(clicks.user == 1).histories(2) == [[], [0, 2, 1]]


def test_a_file_of_another_form_is_named(small):
    small["ml-100k.item"].append("7\tShort")
    with pytest.raises(ValueError, match=r"ml-100k\.item, line 8: 2 fields"):
        load_films()
    small["ml-100k.item"][0] = "id\ttitle"
    with pytest.raises(ValueError, match="begins with 'id"):
        load_films()


def test_what_the_docstring_says_of_the_real_file():
    needs("recbole")
    films, clicks = load_films(), load_clicks()
    assert (len(films), len(clicks), clicks.user.max() + 1) == (1663, 99_684, 943)
    assert len({film.named for film in films}) == len(films)
    assert len(films) - len({film.title for film in films}) == 5, "remakes"
    raw = movielens.table(
        "ml-100k.item", ("item_id:token", "movie_title:token_seq", "release_year:token", "class:token_seq")
    )
    titles = [row[1] for row in raw]
    assert sum(titles.count(title) > 1 for title in {*titles}) == 22
    pairs = [(row[1], row[2]) for row in raw]
    assert len(pairs) - len({*pairs}) == 18
    user, time = clicks.user, clicks.time
    same = (user[1:] == user[:-1]) & (time[1:] == time[:-1])
    assert 0.74 < (np.r_[same, False] | np.r_[False, same]).mean() < 0.77
    spans = [time[user == one].max() - time[user == one].min() for one in range(943)]
    assert 0.49 < np.mean(np.array(spans) <= 50 * 60) < 0.51
    assert min(map(len, clicks.histories(943))) == 19
