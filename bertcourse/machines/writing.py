"""Machines of lesson 16: a summary chosen by hand, and a search with more or fewer beams."""

from __future__ import annotations

from collections.abc import Sequence

from bertcourse.diagrams.drawing import MARGIN, SMALL, SOFT, Drawing, shortened
from bertcourse.machines.frame import Machine
from bertlib.metrics.overlap import rouge, rouge_words

SENTENCES = 8
BEAMS = 6


def choose_sentences(sentences: Sequence[str], reference: str) -> Machine:
    """Sentences to choose, and the precision, recall and F1 of their words against a reference.

    Args:
        sentences: 3 to 8. reference: the summary.

    Raises:
        ValueError: too few or too many sentences; or the best single one is the first, so that nothing is to be found.
    """
    sentences = list(sentences)
    if not 3 <= len(sentences) <= SENTENCES:
        raise ValueError(f"sentences: {len(sentences)}: give 3 to {SENTENCES}")
    single = [rouge(sentence, reference)["rouge1"] for sentence in sentences]
    best = max(range(len(single)), key=single.__getitem__)
    if best == 0 or single[best] == single[0]:
        raise ValueError("the first sentence has the highest ROUGE-1: give a text in which another one has it")
    data = {
        "sentences": [" ".join(sentence.split()[:14]) for sentence in sentences],
        "words": [rouge_words(sentence) for sentence in sentences],
        "reference": rouge_words(reference),
        "best": round(single[best], 6),
    }
    picture = Drawing(f"{len(sentences)} sentences, none chosen; the reference has {len(data['reference'])} words.")
    picture.text(MARGIN, 18, "choose sentences for a summary", bold=True, align="start", size=SMALL)
    for number, sentence in enumerate(data["sentences"]):
        picture.box(MARGIN, 34 + 30 * number, 536, 26, shortened(sentence, 520, SMALL), "blue", size=SMALL)
    picture.text(280, picture.height + 18, "ROUGE-1 of what is chosen: precision, recall, F1", size=SMALL, color=SOFT)
    question = (
        "Which single sentence has the highest ROUGE-1, and can a second one raise it? Choose all of them too: what "
        "becomes of recall, and what of precision?"
    )
    return Machine("choose_sentences", "Choose a summary", question, data, picture)


def beams_moved(found: Sequence[tuple[str, float, float]]) -> Machine:
    """What a search writes with 1, 2, … beams, its log-probability, and its score against the reference.

    Args:
        found: for 1, 2, … beams (up to 6) the text, the sum of its logs and its chrF, 0 to 100.

    Raises:
        ValueError: fewer than 3 or more than 6 numbers of beams; or more beams find nothing likelier.
    """
    if not 3 <= len(found) <= BEAMS:
        raise ValueError(f"found: {len(found)} searches: give 3 to {BEAMS}, for 1, 2, … beams")
    if max(logs for _, logs, _ in found[1:]) <= found[0][1] + 1e-6:
        raise ValueError("no search finds a likelier text than one beam does: give another source")
    data = {"texts": [text for text, _, _ in found], "logs": [round(logs, 3) for _, logs, _ in found]}
    data["scores"] = [round(score, 2) for _, _, score in found]
    picture = Drawing(
        f"With one beam: {found[0][0]} The sum of its logs is {found[0][1]:.1f}, its chrF {found[0][2]:.0f}."
    )
    picture.text(MARGIN, 20, "one beam", bold=True, align="start", size=SMALL)
    picture.box(MARGIN, 34, 536, 40, shortened(found[0][0], 520, SMALL), "green", size=SMALL)
    picture.text(280, 96, f"sum of logs {found[0][1]:.1f}, chrF {found[0][2]:.0f}", size=SMALL)
    question = (
        "From how many beams on is the text likelier than that of one beam? Guess first whether a likelier text is "
        "nearer to the reference too."
    )
    return Machine("beams_moved", "More beams", question, data, picture)
