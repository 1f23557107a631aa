"""Make data/bbc_questions: draw the articles, check what readers wrote, measure their agreement, write the set.

python data/make_bbc_questions.py draw FOLDER      the articles that are to be read: FOLDER/SHEET.txt
python data/make_bbc_questions.py check SHEET FILE whether a reader's lines fit a sheet
python data/make_bbc_questions.py ask FOLDER       sheets for the second reader, from FOLDER/SHEET.written.jsonl
python data/make_bbc_questions.py differ FOLDER    sheets for the third: where FOLDER/second_SHEET.jsonl says otherwise
python data/make_bbc_questions.py build FOLDER     data/bbc_questions, from these and FOLDER/third_SHEET.jsonl
python data/make_bbc_questions.py agree            agreement of the stored passes, over all drawn questions

A reader's line: {"document", "question", "answer", "quote"}. The answer is a stretch of the text, or "" if it has none;
quote, where it stands several times, is a longer stretch that stands once. The second reader's has id in place of
question. The third's: {"id", "right"}, which is "first", "second" or "both" (of the readings on its sheet), or "other",
with answer and quote.
"""

from __future__ import annotations

import json
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from bertlib.data.bbc import read_bbc_articles
from bertlib.data.catalog import load
from bertlib.data.questions import question_check
from bertlib.data.splits import content_key
from bertlib.metrics.answers import exact_match, overlap_f1

HERE = Path(__file__).parent / "bbc_questions"
A_CLASS = {"train": 24, "validation": 9, "test": 17}  # articles
SHEETS = {"train": 3, "validation": 1, "test": 2}  # a reader each
WORDS = range(150, 901)  # shorter ones hold no four questions, longer ones tire
AN_ARTICLE = 4  # questions
LONGEST = 25  # words of an answer

Span = tuple[int, int]


def sheets_of(split: str) -> list[str]:
    return [f"{split}{number}" for number in range(SHEETS[split])]


def draw(folder: Path) -> None:
    """Equally many articles of each class, in an order that depends on their content alone, dealt out to sheets."""
    ids = {(article["title"], article["text"]): article["id"] for article in read_bbc_articles()}
    for split, many in A_CLASS.items():
        chosen = defaultdict(list)
        rows = load("bbc_news")[split]
        for row in sorted(rows, key=lambda row: content_key("questions", row["title"], row["text"])):
            if len(chosen[row["label"]]) < many and len(row["text"].split()) in WORDS:
                chosen[row["label"]].append(row)
        mixed = [chosen[label][number] for number in range(many) for label in sorted(chosen)]
        for number, sheet in enumerate(sheets_of(split)):
            own = mixed[number :: SHEETS[split]]
            heads = [f"=== {ids[row['title'], row['text']]}\nTITLE: {row['title']}\nTEXT:\n" for row in own]
            texts = [f"{head}{row['text']}\n\n" for head, row in zip(heads, own, strict=True)]
            (folder / f"{sheet}.txt").write_text("".join(texts), encoding="utf-8")


def articles_in(sheet: Path) -> dict[str, str]:
    """The articles of a sheet by id, as they stand there."""
    blocks = re.split(r"^=== ", sheet.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    parts = (block.split("\n", 1) for block in blocks)
    return {head.strip(): rest.split("\n\nQUESTIONS:")[0].rstrip() for head, rest in parts}


def lines_of(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def place(row: dict, text: str) -> list[Span]:
    """Where a reader's answer stands: one span, or none; a ValueError where that cannot be told."""
    answer = row["answer"]
    if not answer:
        return []
    quote = row.get("quote") or answer
    if text.count(quote) != 1 or quote.count(answer) != 1:
        raise ValueError(f"{quote!r} stands {text.count(quote)} times, the answer {quote.count(answer)} times in it")
    start = text.index(quote) + quote.index(answer)
    end = start + len(answer)
    within = (text[max(start - 1, 0) : start + 1], text[end - 1 : end + 1])
    if any(len(two) == 2 and two.isalnum() for two in within) or answer != answer.strip():
        raise ValueError(f"{answer!r} begins or ends within a word, or with a space")
    if len(answer.split()) > LONGEST:
        raise ValueError(f"{answer!r} has more than {LONGEST} words")
    return [(start, end)]


def faults(sheet: Path, file: Path) -> Iterator[str]:
    """What a reader has to mend."""
    texts = {name: rest.split("TEXT:\n", 1)[1] for name, rest in articles_in(sheet).items()}
    seen, openings = Counter(), Counter()
    for number, row in enumerate(lines_of(file), start=1):
        seen[row["document"]] += 1
        openings[" ".join(row.get("question", str(number)).lower().split()[:4])] += 1
        try:
            place(row, texts[row["document"]])
        except (KeyError, ValueError) as error:
            yield f"line {number}: {error}"
    yield from (f"{name}: {seen[name]} questions" for name in texts if seen[name] != AN_ARTICLE)
    yield from (f"{many} questions begin with {words!r}" for words, many in openings.items() if many > 2)


def written(folder: Path, sheet: str) -> dict[str, dict]:
    """The first pass of a sheet by id. Ids are given in an order that tells nothing of that of writing."""
    rows = lines_of(folder / f"{sheet}.written.jsonl")
    rows.sort(key=lambda row: content_key("order", row["document"], row["question"]))
    seen, found = Counter(), {}
    for row in rows:
        seen[row["document"]] += 1
        found[f"{row['document']}-{seen[row['document']]}"] = row
    return found


def ask(folder: Path) -> None:
    """The articles of validation and test in another order, each with its questions."""
    for sheet in (*sheets_of("validation"), *sheets_of("test")):
        articles, asked = articles_in(folder / f"{sheet}.txt"), defaultdict(list)
        for name, row in written(folder, sheet).items():
            asked[row["document"]].append(f"[{name}] {row['question']}")
        order = sorted(articles, key=lambda document: content_key("second", document))
        blocks = [f"=== {one}\n{articles[one]}\n\nQUESTIONS:\n" + "\n".join(asked[one]) + "\n\n" for one in order]
        (folder / f"second_{sheet}.txt").write_text("".join(blocks), encoding="utf-8")


def both(folder: Path, sheet: str) -> Iterator[tuple[str, dict, list[Span], list[Span]]]:
    """Id, row, and the spans of the first and the second reader of every question of a sheet."""
    texts = {article["id"]: article["text"] for article in read_bbc_articles()}
    second = {row["id"]: row for row in lines_of(folder / f"second_{sheet}.jsonl")}
    for name, row in written(folder, sheet).items():
        text = texts[row["document"]]
        yield name, row, place(row, text), place(second[name], text)


def answers_in(text: str, spans: list[Span]) -> str:
    return "; ".join(text[start:end] for start, end in spans)


def agree(text: str, one: list[Span], other: list[Span]) -> bool:
    """Whether two readings are the same answer once SQuAD's script has normalized them."""
    return bool(one) == bool(other) and exact_match(answers_in(text, one), answers_in(text, other)) == 1


def differ(folder: Path) -> None:
    """For the third reader: articles with questions that were read in two ways; which is whose changes by content."""
    texts = {article["id"]: article["text"] for article in read_bbc_articles()}
    for sheet in (*sheets_of("validation"), *sheets_of("test")):
        articles, asked = articles_in(folder / f"{sheet}.txt"), defaultdict(list)
        for name, row, one, other in both(folder, sheet):
            text = texts[row["document"]]
            if not agree(text, one, other):
                readings = [answers_in(text, spans) or "NO ANSWER" for spans in swapped(name, one, other)]
                asked[row["document"]].append(
                    f"[{name}] {row['question']}\n  first: {readings[0]}\n  second: {readings[1]}"
                )
        blocks = [f"=== {one}\n{articles[one]}\n\nQUESTIONS:\n" + "\n".join(asked[one]) + "\n\n" for one in asked]
        (folder / f"third_{sheet}.txt").write_text("".join(blocks), encoding="utf-8")
        print(sheet, sum(map(len, asked.values())), "of", sum(1 for _ in both(folder, sheet)), "differ")


def swapped(name: str, one: list[Span], other: list[Span]) -> tuple[list[Span], list[Span]]:
    return (other, one) if content_key("swap", name)[0] % 2 else (one, other)


def build(folder: Path) -> None:
    """Write the set and the raw passes."""
    texts = {article["id"]: article["text"] for article in read_bbc_articles()}
    for split in A_CLASS:
        final, passes = [], {"pass_a": [], "pass_b": []}
        for sheet in sheets_of(split):
            second = split != "train"
            rows = (
                both(folder, sheet)
                if second
                else (
                    (name, row, place(row, texts[row["document"]]), None)
                    for name, row in written(folder, sheet).items()
                )
            )
            third = {row["id"]: row for row in lines_of(folder / f"third_{sheet}.jsonl")} if second else {}
            for name, row, one, other in rows:
                text = texts[row["document"]]
                spans = one
                if other is not None and not agree(text, one, other):
                    readings = dict(zip(("first", "second"), swapped(name, one, other), strict=True))
                    verdict = third[name]["right"]
                    if verdict == "other":
                        spans = place(third[name], text)
                    elif verdict == "both":
                        spans = [*one, *other]
                        if not (one and other):
                            raise ValueError(f"{name}: an answer and none cannot both be right")
                    else:
                        spans = readings[verdict]
                elif other:  # the same answer, perhaps marked at two places
                    spans = list(dict.fromkeys([*one, *other]))
                check = question_check(text, row["question"], spans)
                final.append(
                    {
                        "id": name,
                        "document": row["document"],
                        "question": row["question"],
                        "answers": spans,
                        "check": check,
                    }
                )
                for label, own in (("pass_a", one), ("pass_b", other)):
                    if own is not None:
                        passes[label].append({"id": name, "answers": own})
        for where, rows in ((HERE, final), *((HERE / label, rows) for label, rows in passes.items())):
            if rows:
                rows.sort(key=lambda row: row["id"])
                where.mkdir(exist_ok=True, parents=True)
                lines = [json.dumps(row, ensure_ascii=False) + "\n" for row in rows]
                (where / f"{split}.jsonl").write_text("".join(lines), encoding="utf-8")
    print(json.dumps(agreement(), indent=2))


def agreement() -> dict[str, dict[str, float]]:
    """Of each split with two passes, over all its questions: shares in which both find an answer or none; in which the
    normalized answers are the same; mean F1; Cohen's kappa of "there is one"; how many the third reader changed.
    """
    found, texts = {}, {article["id"]: article["text"] for article in read_bbc_articles()}
    for split in ("validation", "test"):
        final = {row["id"]: row for row in lines_of(HERE / f"{split}.jsonl")}
        one, other = (
            {row["id"]: row["answers"] for row in lines_of(HERE / name / f"{split}.jsonl")}
            for name in ("pass_a", "pass_b")
        )
        rows = [(texts[row["document"]], one[name], other[name]) for name, row in final.items()]
        there = np.array([[bool(mine), bool(theirs)] for _, mine, theirs in rows])
        same = float((there[:, 0] == there[:, 1]).mean())
        chance = float(there.mean(axis=0).prod() + (1 - there.mean(axis=0)).prod())
        found[split] = {
            "questions": len(rows),
            "without answer": float(np.mean([not row["answers"] for row in final.values()])),
            "answer or none alike": same,
            "kappa": (same - chance) / (1 - chance),
            "same answer": float(np.mean([agree(*row) for row in rows])),
            "f1": float(np.mean([overlap_f1(answers_in(t, a), answers_in(t, b)) for t, a, b in rows])),
        }
    return found


if __name__ == "__main__":
    part, *given = sys.argv[1:]
    if part == "check":
        print(*faults(*map(Path, given)), sep="\n")
    elif part == "agree":
        print(json.dumps(agreement(), indent=2))
    else:
        {"draw": draw, "ask": ask, "differ": differ, "build": build}[part](Path(given[0]))
