"""The fifty news texts of Lee, Pincombe and Welsh: read from made files, and the real ones counted."""

import numpy as np
import pytest
from test_archives import needs

from bertcourse.data import lee
from bertcourse.data.copies import near_copies
from bertcourse.data.lee import read_lee


def test_texts_and_similarities_of_made_files(monkeypatch):
    files = {
        "gensim/test/test_data/lee.cor": "It cost \u00a33.\nIt  cost more.".encode("latin-1"),
        "gensim/test/test_data/similarities0-1.txt": b"1\t0.48\n0\t1\n",
    }
    monkeypatch.setattr(lee, "read_member", lambda package, member: {"gensim": files}[package][member])
    texts, similarities = read_lee()
    assert texts == ["It cost £3.", "It  cost more."]
    assert similarities.tolist() == [[1.0, 0.48], [0.0, 1.0]] and similarities.dtype == np.float64


@pytest.fixture(scope="module")
def published():
    needs("gensim")
    return read_lee()


def test_texts_of_lee(published):
    texts, _ = published
    lengths = [len(text.split()) for text in texts]
    assert (len(texts), len(set(texts)), min(lengths), max(lengths)) == (50, 50, 45, 126)
    assert [text for text in texts if not text.isascii()] == [text for text in texts if "£3,000" in text]
    assert near_copies(texts, 0.5) == []


def test_similarities_of_lee_stand_above_the_diagonal_in_fifths(published):
    _, similarities = published
    assert similarities.shape == (50, 50)
    assert (np.diag(similarities) == 1).all() and not np.tril(similarities, -1).any()
    pairs = similarities[np.triu_indices(50, 1)]
    assert (len(pairs), pairs.min(), pairs.max(), np.median(pairs)) == (1225, 0.2, 1.0, 0.28)
    assert ((pairs >= 0.5).sum(), (pairs == 1).sum()) == (143, 3)
    # Each is the sum of some people's marks from 1 to 5, over five times their number.
    sums = {people: 5 * people * pairs for people in (8, 9, 10, 11)}
    whole = {people: np.isclose(found, found.round(), atol=1e-4) for people, found in sums.items()}
    assert np.any(list(whole.values()), axis=0).all() and whole[10].sum() == 1164
