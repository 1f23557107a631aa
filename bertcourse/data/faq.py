"""Questions and answers of a Swedish building firm, in English, from the wheel of zaragoza-construction-faq."""

import csv
import io

from datasets import Dataset

from bertcourse.data.archives import read_member

MEMBER = "zaragoza_construction_faq/data/faq-en.csv"
COLUMNS = {"id": "id", "category": "category", "q": "question", "a": "answer", "sources": "sources"}  # theirs: ours


def load_faq() -> Dataset:
    """The firm's 503 questions with their answers, in the file's order.

    Columns, all strings: id ("bygglov-001"), category (one of 39, in Swedish), question, answer,
    sources (the laws and offices that the answer goes by).

    Raises what `archives.read_member` raises.
    """
    text = read_member("zaragoza-construction-faq", MEMBER).decode("utf-8")
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    return Dataset.from_dict({ours: [row[theirs] for row in rows] for theirs, ours in COLUMNS.items()})
