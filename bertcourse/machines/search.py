"""Machines of lesson 12: the words of a query switched off one by one, and two scores fused by a weight."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from bertcourse.bm25 import BM25
from bertcourse.diagrams.drawing import MARGIN, SMALL, SOFT, Drawing, listed, shortened, text_width
from bertcourse.machines.frame import Machine

WORDS, TEXTS = 12, 8  # of a query, and of texts that are shown, at most
CANDIDATES = 12_000  # of both splits at most, so that the output stays small
UNITS = (1000, 10_000)  # BM25 is stored in thousandths, cosines in ten-thousandths
BINS = (  # places of the right passage: name, from, up to
    ("place 1", 1, 1),
    ("place 2", 2, 2),
    ("place 3", 3, 3),
    ("4 or 5", 4, 5),
    ("6 to 10", 6, 10),
    ("later, or not there", 11, np.inf),
)


def query_by_hand(
    words: Sequence[str],
    texts: Mapping[str, Sequence[str]],
    wanted: str,
    corpus: Sequence[Sequence[str]] | None = None,
) -> Machine:
    """A query whose words are switched on and off, and what BM25 gives some texts for each of them.

    Args:
        words: of the query, 3 to 12, as the texts are split into words.
        texts: 3 to 8 of them, whole, as lists of words, by their titles. Only titles, lengths and how often a text has
            each word of the query are stored.
        wanted: the title of the text that answers the query.
        corpus: all texts that are searched, as lists of words, these among them: in how many of them a word stands,
            and how long they are on average. Without it the texts themselves.

    Raises:
        ValueError: too few or too many words or texts; no text has that title; a text is empty or not in the corpus;
            no word by itself puts the wanted text first, so that nothing is to be found.
    """
    words = list(words)
    for name, things, low, high in (("words", words, 3, WORDS), ("texts", texts, 3, TEXTS)):
        if not low <= len(things) <= high:
            raise ValueError(f"{name}: {len(things)} of them: give {low} to {high}")
    titles, passages = list(texts), [list(text) for text in texts.values()]
    if wanted not in texts:
        raise ValueError(f"wanted={wanted!r} is the title of no text: give one of {titles}")
    corpus = passages if corpus is None else [list(text) for text in corpus]
    for title, passage in zip(titles, passages, strict=True):
        if not passage or passage not in corpus:
            fault = "is not in the corpus" if passage else "is empty"
            raise ValueError(f"texts: {title!r} {fault}: give texts of the corpus, split into words as it is")
    index = BM25(corpus)
    places = [corpus.index(passage) for passage in passages]
    parts = np.array([np.asarray(index.scores([word]))[places] for word in words]).T  # a row for each text
    own = titles.index(wanted)
    if (parts[own] - np.delete(parts, own, 0).max(0)).max() < 1e-6:
        raise ValueError(
            f"words: none of {words} by itself puts {wanted!r} first: choose a query or texts where one does"
        )
    data = {
        "words": words,
        "held": [sum(word in passage for passage in map(set, corpus)) for word in words],
        "count": len(corpus),
        "average": sum(map(len, corpus)) / len(corpus),
        "titles": titles,
        "lengths": [len(passage) for passage in passages],
        "counts": [[passage.count(word) for word in words] for passage in passages],
        "wanted": own,
    }
    totals = parts.sum(1)
    told = listed([f"“{word}” in {held:,}" for word, held in zip(words, data["held"], strict=True)])
    picture = Drawing(
        f"A query of {len(words)} words, all off, and in how many of {len(corpus):,} texts each stands: {told}. "
        f"Below it {len(titles)} texts, each with the score 0: {listed([f'“{title}”' for title in titles])}. The one "
        f"that answers the query is “{wanted}”."
    )
    x, y = MARGIN, 12
    for word, held in zip(words, data["held"], strict=True):
        word = shortened(word, 150, SMALL)
        wide = max(text_width(word, SMALL), text_width(f"in {held:,}", SMALL)) + 12
        if x + wide > picture.width - MARGIN:
            x, y = MARGIN, y + 52
        picture.box(x, y, wide, 46, f"{word}\nin {held:,}", size=SMALL)
        x += wide + 6
    y += 72
    for number, title in enumerate(titles):
        bold = number == own
        if bold:
            picture.box(6, y - 14, 548, 28, "", "green", round_=0)
        name = shortened(title, 360, SMALL, bold=bold)
        picture.text(MARGIN, y, name, size=SMALL, align="start", bold=bold)
        picture.text(470, y, f"{data['lengths'][number]} words", size=SMALL, align="end")
        picture.text(546, y, "0.00", size=SMALL, align="end", bold=bold)
        y += 32
    picture.text(280, y + 6, "green: the text that answers the query", size=SMALL, color=SOFT)
    question = (
        f"With all its words the query puts “{wanted}”, which answers it, in place "
        f"{1 + int((totals > totals[own] + 1e-9).sum())} of {len(titles)}. Which ONE word, alone, puts it furthest "
        "ahead of the others? Say which before you try it."
    )
    return Machine("query_by_hand", "Which word finds it?", question, data, picture)


Candidates = tuple[Sequence[float], Sequence[float], int | None]


def weight_of_fusion(validation: Sequence[Candidates], test: Sequence[Candidates]) -> Machine:
    """BM25 and cosine added with a weight that is moved on validation; the test split is opened once.

    Args:
        validation, test: of each question its candidates' BM25 scores, their cosines, as many of each, and which one
            answers it: its place among them, from 0, or None if it is not among them. Candidates with equal scores
            stay in the order given.

    Raises:
        ValueError: a split has no question whose answer is among its candidates; not as many scores of each kind, or
            one is not finite; no such place; the splits have more than 12,000 candidates together.
    """
    data, total = {}, 0
    for name, questions in (("validation", validation), ("test", test)):
        rows = []
        for number, (bm25, cosine, right) in enumerate(questions):
            scores = [np.asarray(own, dtype=np.float64) for own in (bm25, cosine)]
            shapes = [own.shape for own in scores]
            if len(shapes[0]) != 1 or shapes[0] != shapes[1] or shapes[0][0] < 2:
                raise ValueError(f"{name}, question {number} has the shapes {shapes}: give 2 or more of each kind")
            if not all(np.isfinite(own).all() for own in scores):
                raise ValueError(f"{name}, question {number} has a score that is not finite: give numbers")
            if right is not None and not 0 <= right < shapes[0][0]:
                raise ValueError(
                    f"{name}, question {number}: candidate {right} of {shapes[0][0]} is none: give its place from 0, "
                    "or None"
                )
            total += shapes[0][0]
            stored = [np.rint(own * unit).astype(int).tolist() for own, unit in zip(scores, UNITS, strict=True)]
            rows.append([*stored, -1 if right is None else int(right)])
        if not any(right >= 0 for _, _, right in rows):
            raise ValueError(f"{name}: {len(rows)} questions, none with its answer among its candidates: give some")
        data[name] = rows
    if total > CANDIDATES:
        raise ValueError(f"{total:,} candidates in both splits: give at most {CANDIDATES:,}, of fewer questions")
    places = np.array([_place(*row) for row in data["validation"]])
    shares = [int(((places >= low) & (places <= high)).sum()) for _, low, high in BINS]
    first, reciprocal = (places == 1).mean(), (1 / places).mean()
    shown = [f"{100 * first:.1f} %", f"{reciprocal:.3f}"]
    told = listed([f"{name}: {count}" for (name, _, _), count in zip(BINS, shares, strict=True)])
    picture = Drawing(
        f"The raw scores of {len(places)} validation questions' candidates are added, each with the weight 0.50. Place "
        f"of the right passage, and number of questions: {told}. Recall@1 is {shown[0]}, MRR {shown[1]}. The test "
        "split is closed."
    )
    picture.text(280, 22, "raw scores, weight 0.50", bold=True)
    picture.text(MARGIN, 50, "place of the right passage, validation questions", size=SMALL, align="start")
    for number, ((name, _, _), count) in enumerate(zip(BINS, shares, strict=True)):
        y = 78 + 28 * number
        picture.text(162, y, name, size=SMALL, align="end")
        picture.box(172, y - 10, max(2, 330 * count / len(places)), 20, "", "blue", round_=0)
        picture.text(546, y, str(count), size=SMALL, align="end")
    cells = [["", "recall@1", "MRR"], ["validation", *shown], ["test", "closed", "closed"]]
    picture.grid(MARGIN, 84 + 28 * len(BINS), cells, (176, 30), tone=lambda i, j: "grey" if 0 in (i, j) else "plain")
    question = (
        "A candidate gets (1 − weight) · BM25 + weight · cosine. At which weight do the right passages of the "
        "validation questions stand highest (the largest MRR), and is it better to add raw scores, or scores that were "
        "scaled to 0 … 1 in each question? When you are sure, open the test split: once."
    )
    return Machine("weight_of_fusion", "How much of each score?", question, data, picture)


def _place(bm25: list[int], cosine: list[int], right: int) -> float:
    """Of the right one among its candidates, best first, with half of each raw score; infinite if it is not there."""
    sums = (np.array(bm25) / UNITS[0] + np.array(cosine) / UNITS[1]).round(9)
    return np.inf if right < 0 else 1 + np.argsort(-sums, kind="stable").tolist().index(right)
