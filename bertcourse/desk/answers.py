"""Stored answers, found for a question in anybody's words, or none: what replies are made of."""

from __future__ import annotations

import csv
import time
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np

from bertcourse.desk.confidence import Confidence
from bertlib.data.nearest import fuse_scores
from bertlib.files import read_text
from bertlib.tasks.embed import Embedder
from bertlib.tasks.search import Index

MODES = ("meaning", "hybrid")
DEPTH = 100  # entries that a search by words, or one for both, looks at
LONGEST = 1000  # characters of a question
TURNS = 5  # earlier questions that are looked at
LOOKED = 10  # best entries that the figures of a search are of


@dataclass(frozen=True)
class Entry:
    """A stored answer, the question that it was written for ("" if there is none), and where it comes from."""

    id: str
    question: str
    answer: str
    source: str = ""


@dataclass(frozen=True)
class Guess:
    """An entry that was found. Scores are those of the mode; cosine and words (BM25, 0 where none fits) go with any."""

    entry: Entry
    score: float
    cosine: float
    words: float


@dataclass(frozen=True)
class Reply:
    """What the desk says to a question.

    Attributes:
        answer, entry, source: of the stored answer that is given, word for word; None where it is handed over.
        confidence: the probability that the best guess is right, 0 to 1, also where it is handed over.
        guesses: the best entries, best first; the first is the one that is given, if one is.
        handed_over: whether a person is to answer. why: the reason then, in words; else "".
        searched: the text that was searched for: the question, or earlier ones with it.
        milliseconds: that it took.
    """

    question: str
    history: tuple[str, ...]
    answer: str | None
    entry: str | None
    source: str | None
    confidence: float
    guesses: tuple[Guess, ...]
    handed_over: bool
    why: str
    searched: str
    milliseconds: float

    @property
    def runners_up(self) -> tuple[Guess, ...]:
        """The guesses that were not given."""
        return self.guesses if self.handed_over else self.guesses[1:]

    def as_json(self) -> dict[str, Any]:
        """It as JSON objects, with `runners_up` in the place of `guesses`."""
        values = asdict(self)
        del values["guesses"]
        return values | {"runners_up": [asdict(guess) for guess in self.runners_up]}


class Desk:
    """Finds among stored answers the one that suits a question, and says how likely it is right.

    An entry is found by its question and its answer, read as one text. The Desk belongs to the thread that made it, as
    its `Index` does.

    Args:
        entries: the stored answers; see `entries_of` and `read_answers`.
        embedder: makes the vectors.
        confidence: None takes the shipped one.
        mode: "meaning" ranks by the cosine, "hybrid" by that and BM25, fused with `weight` (of meaning, 0 to 1).
        vectors: (N, D) of the texts that `text_of` makes, if they are known.
        guesses: entries that a reply tells of.
        show_progress: whether to show a line while vectors are made.

    Raises:
        ValueError: no entries, two with one id, a blank answer, an unknown mode, or a wrong weight.
    """

    def __init__(
        self,
        entries: Sequence[Entry],
        embedder: Embedder,
        confidence: Confidence | None = None,
        *,
        mode: str = "meaning",
        weight: float = 0.9,
        vectors: np.ndarray | None = None,
        guesses: int = 4,
        show_progress: bool = False,
    ):
        if mode not in MODES:
            raise ValueError(f"mode={mode!r}: choose one of {', '.join(MODES)}")
        if guesses < 1:
            raise ValueError(f"guesses={guesses!r}: give a whole number of at least 1")
        self.entries = {entry.id: entry for entry in entries}
        if len(self.entries) != len(entries) or not entries:
            raise ValueError(f"{len(entries)} entries with {len(self.entries)} ids: give one or more, each an id")
        for entry in entries:
            if not entry.answer.strip():
                raise ValueError(f"entry {entry.id!r} has a blank answer: fill it in or leave the entry out")
        self.confidence = Confidence.load() if confidence is None else confidence
        self.mode, self.weight, self.guesses = mode, weight, guesses
        self.index = Index(embedder, weight=weight)  # which checks the weight
        options = {"show_progress": show_progress} if vectors is None else {"vectors": vectors}
        self.index.add([text_of(entry) for entry in entries], list(self.entries), **options)

    def search(self, text: str, k: int | None = None) -> list[Guess]:
        """The k entries that suit a text best, best first; `guesses` of them by default."""
        k = self.guesses if k is None else k
        meaning = {found["id"]: found["score"] for found in self.index.search(text, len(self.entries), "meaning")}
        words = {found["id"]: found["score"] for found in self.index.search(text, DEPTH, "words")}
        if self.mode == "meaning":
            ranked = list(meaning.items())
        else:
            ranked = fuse_scores(list(words.items()), list(meaning.items())[: max(DEPTH, k)], self.weight)
        return [Guess(self.entries[name], score, meaning[name], words.get(name, 0.0)) for name, score in ranked[:k]]

    def reply(self, question: str, history: Sequence[str] = ()) -> Reply:
        """Answer a question with a stored answer, or hand it over.

        Args:
            question: 1 to `LONGEST` characters, with a letter or a digit among them.
            history: earlier questions of this conversation, oldest first; the last `TURNS` are looked at.

        Raises:
            ValueError: the question is none, or too long.
        """
        begin = time.perf_counter()
        question, history = asked(question), tuple(asked(text, "history") for text in history)[-TURNS:]
        found, searched = search_both(lambda text: self.search(text, max(LOOKED, self.guesses)), question, history)
        confidence = self.confidence.of(figures_of(found))
        why = "" if confidence >= self.confidence.threshold else "no stored answer is likely enough to fit"
        if not readable(question):
            why = "this desk reads English only"
        given = None if why else found[0].entry
        return Reply(
            question=question,
            history=history,
            answer=given and given.answer,
            entry=given and given.id,
            source=given and given.source,
            confidence=confidence,
            guesses=tuple(found[: self.guesses]),
            handed_over=bool(why),
            why=why,
            searched=searched,
            milliseconds=1000 * (time.perf_counter() - begin),
        )

    def close(self) -> None:
        self.index.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def text_of(entry: Entry) -> str:
    """The text by which an entry is found."""
    return f"{entry.question} {entry.answer}".strip()


def with_history(question: str, history: Sequence[str]) -> str:
    """A question behind those that were asked before it: the text of one that does not stand alone."""
    return " ".join([*history, question])


def search_both(search: Callable[[str], list[Guess]], question: str, history: Sequence[str]) -> tuple[list[Guess], str]:
    """Search for a question alone and for it behind the earlier ones, and take what comes nearer to an entry.

    So a new question goes to search by itself, unless the earlier ones make the match better. Of what is found with
    them, the entry that they find without it is left out: it was their answer. Of equal ones the question alone is
    taken.

    Returns:
        What was found, and the text that was searched for.
    """
    alone = search(question)
    if not history:
        return alone, question
    answered = search(" ".join(history))[0].entry
    text = with_history(question, history)
    joined = [guess for guess in search(text) if guess.entry != answered]
    return (joined, text) if joined and joined[0].cosine > alone[0].cosine else (alone, question)


def figures_of(found: Sequence[Guess]) -> dict[str, float]:
    """What a search says of its best entry, for `Confidence`: of the `LOOKED` best guesses.

    best: its cosine. lead: how far that is above the next entry's with another question (0 if there is none): two
    entries with one question are no reason to doubt. agree: 1 over the best entry's place among these guesses by BM25;
    0 where no word of the question stands in it.

    Raises:
        ValueError: nothing was found.
    """
    if not found:
        raise ValueError("found is empty: search a desk that has entries")
    best, *others = found[:LOOKED]
    second = next((guess for guess in others if (guess.entry.question or None) != best.entry.question), best)
    place = 1 + sum(guess.words > best.words for guess in others)
    return {"best": best.cosine, "lead": best.cosine - second.cosine, "agree": 1 / place if best.words > 0 else 0.0}


def asked(text: Any, place: str = "question") -> str:
    """A question without space around it; a ValueError says why it is none."""
    if not isinstance(text, str):
        raise ValueError(f"{place} is a {type(text).__name__}: give text")
    text = text.strip()
    if len(text) > LONGEST:
        raise ValueError(f"{place} has {len(text):,} characters: give at most {LONGEST:,}")
    if any(unicodedata.category(sign) == "Cs" for sign in text):
        raise ValueError(f"{place} holds half a character: type it again")
    if not any(sign.isalnum() for sign in text):
        raise ValueError(f"{place} is {'blank' if not text else 'without words'}: ask in words")
    return text


def readable(text: str) -> bool:
    """Whether half or more of a text's letters are Latin ones: of others this encoder knows next to nothing, and a
    confidence that was fitted on English says nothing of them.
    """
    letters = [sign for sign in text if sign.isalpha()]
    latin = sum("LATIN" in unicodedata.name(sign, "") for sign in letters)
    return 2 * latin >= len(letters)


def entries_of(rows: Iterable[Mapping[str, str]]) -> list[Entry]:
    """Entries of rows with id, question, answer and perhaps sources, such as `bertcourse.data.faq.load_faq` gives."""
    return [Entry(row["id"], row["question"], row["answer"], row.get("sources", "")) for row in rows]


def read_answers(path: str | Path) -> list[Entry]:
    """Answers of one's own: a CSV file in UTF-8 with the columns question, answer and, if there is one, source.

    An id is "line 2" for the answer that begins in the second line of the file.

    Raises:
        FileNotFoundError: no such file. ValueError: no UTF-8, a column that is missing, a row of another width, a blank
            question or answer, no rows, or an empty file; the message names file and line.
    """
    reader = csv.reader(read_text(path).splitlines(keepends=True), strict=True)
    entries: list[Entry] = []
    try:
        header = [name.strip().lower() for name in next(reader, [])]
        if not any(header):
            raise ValueError(f"{path}, line 1 is empty: begin with the names of the columns, question,answer")
        begin = reader.line_num + 1
        for name in ("question", "answer"):
            if header.count(name) != 1:
                raise ValueError(f"{path}, line 1: give one column {name!r}; the columns are {', '.join(header)}")
        for row in reader:
            line, begin = begin, reader.line_num + 1
            if not any(map(str.strip, row)):
                continue
            if len(row) != len(header):
                raise ValueError(
                    f"{path}, line {reader.line_num}: {len(row)} fields where the header has {len(header)}; put quotes "
                    "around texts with a comma"
                )
            fields = dict(zip(header, map(str.strip, row), strict=True))
            for name in ("question", "answer"):
                if not fields[name]:
                    raise ValueError(f"{path}, line {reader.line_num}: {name!r} is blank; fill it in or delete the row")
            entries.append(Entry(f"line {line}", fields["question"], fields["answer"], fields.get("source", "")))
    except csv.Error as error:
        raise ValueError(f"{path}, line {reader.line_num}: {error}; look at its quotation marks") from error
    if not entries:
        raise ValueError(f"{path}: no rows below the header; add questions with answers")
    return entries
