"""Make data/bbc_entities: draw the sentences, read annotators' passes, measure their agreement, write the set.

python data/make_bbc_entities.py draw                   the sentences that are to be read, one JSON object a line
python data/make_bbc_entities.py compare A.txt B.txt    agreement of two passes, and how they differ
python data/make_bbc_entities.py build FINAL.txt A.txt B.txt   the files of data/bbc_entities, from readers' answers
"""

from __future__ import annotations

import json
import re
import sys
from collections import Counter, defaultdict
from pathlib import Path

from bertlib.data.bbc import entity_check, read_bbc_articles
from bertlib.data.catalog import load
from bertlib.data.entities import ENTITY_TYPES
from bertlib.data.splits import content_key
from bertlib.text.sentences import sentence_spans
from bertlib.text.spans import tags_of
from bertlib.text.wordpiece import word_spans

HERE = Path(__file__).parent / "bbc_entities"
SENTENCES_A_CLASS = {"train": 240, "validation": 44, "test": 80}
A_DOCUMENT = 4  # at most so many of one article
WORDS = range(4, 61)  # shorter ones are fragments, longer ones lists


def draw() -> list[dict]:
    """Sentences of all classes, in an order that depends on their content alone: as good as random, and repeatable.

    Returns:
        For each its split (that of its article in bbc_news), document id, start and end in the article's text, and, for
        the reader, its text with the title and the sentence before.
    """
    ids = {(article["title"], article["text"]): article["id"] for article in read_bbc_articles()}
    drawn = []
    for split, articles in load("bbc_news").items():
        chosen = defaultdict(list)
        for row in sorted(articles, key=lambda row: content_key("entities", row["title"], row["text"])):
            text = row["text"]
            spans = sentence_spans(text)
            numbers = [n for n, (start, end) in enumerate(spans) if len(text[start:end].split()) in WORDS]
            numbers.sort(key=lambda n: content_key("entities", row["title"], text[slice(*spans[n])]))
            room = SENTENCES_A_CLASS[split] - len(chosen[row["label"]])
            for n in sorted(numbers[: min(A_DOCUMENT, room)]):
                start, end = spans[n]
                chosen[row["label"]].append(
                    {
                        "split": split,
                        "document": ids[row["title"], text],
                        "start": start,
                        "end": end,
                        "title": row["title"],
                        "before": text[slice(*spans[n - 1])] if n else "",
                        "text": text[start:end],
                    }
                )
        drawn += [sentence for label in sorted(chosen) for sentence in chosen[label]]
    return drawn


def read_pass(path: Path, drawn: list[dict]) -> dict[int, list[tuple[int, int, str]]]:
    """A reader's answers: for each sentence's number its entities, in characters of the sentence.

    Each line has a number, a tab, and TYPE:name for each entity in its order, with " | " between, or "-" for none.
    Names are looked up from left to right as whole words.

    Raises:
        ValueError: a sentence is missing or answered twice, or a name is not found; the message names the line.
    """
    found = {}
    for line_number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if not line.strip():
            continue
        number, _, answer = line.partition("\t")
        text, at, entities = drawn[int(number)]["text"], 0, []
        for part in answer.split("|") if answer.strip() not in ("-", "") else ():
            kind, _, name = part.strip().partition(":")
            places = (match.span() for match in re.finditer(re.escape(name), text) if match.start() >= at)
            place = next((p for p in places if is_whole(text, *p)), None)
            if kind not in ENTITY_TYPES or not name or place is None:
                raise ValueError(
                    f"{path}, line {line_number}: {part.strip()!r} is not in {text!r} behind character {at}"
                )
            entities.append((*place, kind))
            at = place[1]
        if int(number) in found:
            raise ValueError(f"{path}, line {line_number}: sentence {number} has an answer already")
        found[int(number)] = entities
    missing = sorted(set(range(len(drawn))) - set(found))
    if missing:
        raise ValueError(f"{path}: no answer for the sentences {missing[:10]}")
    return found


def is_whole(text: str, start: int, end: int) -> bool:
    """Whether a place in a text begins and ends between words."""
    return not (
        (start and text[start - 1].isalnum() and text[start].isalnum())
        or (end < len(text) and text[end].isalnum() and text[end - 1].isalnum())
    )


def stored_rows(answers: dict[int, list[tuple[int, int, str]]], drawn: list[dict]) -> dict[str, list[dict]]:
    """What the files hold, by split: places and types, and a check over the words that they cover; no text."""
    rows = {split: [] for split in SENTENCES_A_CLASS}
    for number, sentence in enumerate(drawn):
        entities = answers[number]
        tags_of(word_spans(sentence["text"]), entities, sentence["text"])  # raises if one cuts through a word
        rows[sentence["split"]].append(
            {
                **{name: sentence[name] for name in ("document", "start", "end")},
                "entities": entities,
                "check": entity_check(sentence["text"], entities),
            }
        )
    return rows


def write(folder: Path, rows: dict[str, list[dict]]) -> None:
    """One JSON object a line, in a file for each split."""
    folder.mkdir(parents=True, exist_ok=True)
    for split, lines in rows.items():
        (folder / f"{split}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in lines), encoding="utf-8")


def agreement(one: list[list], two: list[list]) -> dict[str, float]:
    """F1 of one pass's entities against the other's (it is the same both ways), for all and for each type."""
    result = {}
    for kind in ("all", *ENTITY_TYPES):
        first, second = (
            {(n, *entity) for n, row in enumerate(rows) for entity in map(tuple, row) if kind in ("all", entity[2])}
            for rows in (one, two)
        )
        result[kind] = 2 * len(first & second) / max(len(first) + len(second), 1)
    return result


def differences(one: list[tuple], two: list[tuple]) -> Counter:
    """How two passes differ in a sentence: in the "type" of a span, in a "border", or "only one" has it."""
    first, second = set(one) - set(two), set(two) - set(one)
    kinds = Counter()
    for a in first:
        meets = [b for b in second if a[0] < b[1] and b[0] < a[1]]
        kinds["type" if any(a[:2] == b[:2] for b in meets) else "border" if meets else "only one"] += 1
    kinds["only one"] += sum(not any(a[0] < b[1] and b[0] < a[1] for a in first) for b in second)
    return +kinds


if __name__ == "__main__":
    command, *paths = sys.argv[1:] or ["draw"]
    drawn = draw()
    if command == "draw":
        for number, sentence in enumerate(drawn):
            print(json.dumps({"number": number} | sentence, ensure_ascii=False))
    elif command == "compare":
        one, two = (read_pass(Path(path), drawn) for path in paths)
        for name, value in agreement(list(one.values()), [two[n] for n in one]).items():
            print(f"{name:5} {value:.3f}")
        print(sum((differences(one[n], two[n]) for n in one), Counter()))
    elif command == "build":  # the adjudicated answers, then the two passes
        for folder, path in zip((HERE, HERE / "pass_a", HERE / "pass_b"), paths, strict=True):
            write(folder, stored_rows(read_pass(Path(path), drawn), drawn))
    else:
        sys.exit(__doc__)
