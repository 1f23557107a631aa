"""WordNet's synonyms: read from the archive, held against what its files say."""

from contextlib import contextmanager

import pytest
from test_archives import needs

from bertcourse.data import wordnet
from bertcourse.data.wordnet import FOLDER, lines_of, synonyms

# Two adjectives' senses and a noun's, in WordNet's form: "(p)" says where an adjective may stand.
FILES = {
    "data.adj": "  1 licence\n"
    "00000010 00 a 03 glad 0 happy(p) 1 well-pleased 0 000 | pleased\n"
    "00000020 00 s 02 Glad 0 beaming 0 000 | showing joy\n",
    "index.adj": "  1 licence\nglad a 2 0 2 1 00000020 00000010\nhappy a 1 0 1 1 00000010\nbeaming a 1 0 1 0 00000020\n"
    "well-pleased a 1 0 1 0 00000010\n",
    "data.noun": "00000030 00 n 02 glad 0 gladiolus 0 000 | a flower\n00000040 00 n 01 joy 0 000 | gladness\n",
    "index.noun": "glad n 1 0 1 0 00000030\ngladiolus n 1 0 1 0 00000030\njoy n 1 0 1 0 00000040\n",
}


def test_senses_by_hand(monkeypatch):
    class Files:
        def read(self, name):
            return FILES.get(name.removeprefix(f"{FOLDER}/"), "").encode()

    @contextmanager
    def opened(name):
        assert name == "wn"
        yield Files()

    monkeypatch.setattr(wordnet, "open_archive", opened)
    assert synonyms.__wrapped__() == {
        "glad": ("beaming",),  # the commonest sense, of the adjective
        "happy": ("glad",),  # no hyphens
        "beaming": ("glad",),
        "gladiolus": ("glad",),  # joy has none
    }


def test_real_words():
    needs("wn")
    found = synonyms()
    assert 35_000 < len(found) < 45_000
    assert "awful" in found["terrible"] and "terrible" in found["awful"]
    for word, others in found.items():
        assert word not in others and others and all(other.isalpha() and other == other.lower() for other in others)


@pytest.mark.parametrize("line", ["  1 This software", " x"])
def test_the_licence_is_left_out(line):
    assert lines_of(f"{line}\n00000010 00 a\n".encode()) == ["00000010 00 a"]
