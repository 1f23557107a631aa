"""Make data/guardian_sentiment: draw headlines, see where two readers differ, write the set, measure their agreement.

python data/make_guardian.py draw FOLDER    the headlines to be labelled: FOLDER/a.txt, and b.txt in another order
python data/make_guardian.py differ FOLDER  for the third reader: FOLDER/third.txt, where a.jsonl and b.jsonl differ
python data/make_guardian.py build FOLDER   the set, from these two and FOLDER/third.jsonl
python data/make_guardian.py agree          agreement of the stored passes, over all drawn headlines

A reader's line: {"id", "sentiment", "topic"}, by data/guardian_sentiment/GUIDELINES.md; sheets bear no dates. The third
reader sees both readings of what differs, in an order that does not tell whose is whose, and writes such a line.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from sklearn.metrics import cohen_kappa_score

from bertcourse.data.guardian import SENTIMENTS, TOPICS, digest_of, read_headlines
from bertlib.data.splits import content_key

HERE = Path(__file__).parent / "guardian_sentiment"
DRAWN = 1000
KINDS = {"sentiment": SENTIMENTS, "topic": TOPICS}


def drawn() -> list[dict]:
    """The first of the distinct texts, in an order that depends on their content alone."""
    first = {}
    for row in read_headlines():
        first.setdefault(row["text"], row)
    return sorted(first.values(), key=lambda row: content_key("guardian", row["text"]))[:DRAWN]


def draw(folder: Path) -> None:
    """A sheet for each reader, in orders of their own, without dates."""
    for reader in "ab":
        rows = sorted(drawn(), key=lambda row: content_key("sheet", reader, row["text"]))
        lines = [f"{row['id']}\t{row['text']}\n" for row in rows]
        (folder / f"{reader}.txt").write_text("".join(lines), encoding="utf-8")


def pass_of(path: Path, wanted: Sequence[str]) -> dict[str, dict]:
    """A reader's lines by id; a ValueError where one is wrong, missing, or there twice."""
    found = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        row = json.loads(line)
        wrong = [kind for kind, names in KINDS.items() if row.get(kind) not in names]
        if wrong or row["id"] in found:
            raise ValueError(
                f"{path}, line {number}: {'twice' if row['id'] in found else ', '.join(wrong)}: {line:.80}"
            )
        found[row["id"]] = {"id": row["id"], **{kind: row[kind] for kind in KINDS}}
    if missing := set(wanted) ^ found.keys():
        raise ValueError(f"{path}: {len(missing)} headlines missing or never drawn: {sorted(missing)[:5]}")
    return found


def differ(folder: Path) -> None:
    """What the third reader reads: the headline, and both readings of what differs."""
    rows = drawn()
    one, other = (pass_of(folder / f"{reader}.jsonl", [row["id"] for row in rows]) for reader in "ab")
    lines = []
    for row in rows:
        told = [row["id"], row["text"]]
        for kind in KINDS:
            readings = [one[row["id"]][kind], other[row["id"]][kind]]
            if readings[0] != readings[1]:
                turned = content_key("swap", kind, row["text"])[0] % 2
                told.append(" / ".join(readings[::-1] if turned else readings))
        if len(told) > 2:
            lines.append("\t".join(told) + "\n")
    (folder / "third.txt").write_text("".join(lines), encoding="utf-8")
    print(len(lines), "of", len(rows), "differ")


def build(folder: Path) -> None:
    """Write the set and the raw passes."""
    rows = drawn()
    one, other = (pass_of(folder / f"{reader}.jsonl", [row["id"] for row in rows]) for reader in "ab")
    apart = [row["id"] for row in rows if one[row["id"]] != other[row["id"]]]
    third = {}
    for line in (folder / "third.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        third[row["id"]] = row
    final = []
    for row in sorted(rows, key=lambda row: int(row["id"])):
        name = row["id"]
        decided = {
            kind: one[name][kind] if one[name][kind] == other[name][kind] else third[name][kind] for kind in KINDS
        }
        if any(decided[kind] not in names for kind, names in KINDS.items()):
            raise ValueError(f"third.jsonl: {name} has {decided}")
        final.append({"id": name, "digest": digest_of(row["text"]), **decided})
    passes = {"pass_a": list(one.values()), "pass_b": list(other.values()), "labels": final}
    for name, lines in passes.items():
        lines = sorted(lines, key=lambda row: int(row["id"]))
        text = "".join(json.dumps(row) + "\n" for row in lines)
        (HERE / f"{name}.jsonl").write_text(text, encoding="utf-8")
    print(len(apart), "decided by the third reader;", json.dumps(agreement(), indent=2))


def agreement() -> dict[str, dict[str, float]]:
    """Of sentiment and topic, over all drawn headlines before any decision: the share read alike, and Cohen's kappa."""
    one, other = (
        [json.loads(line) for line in (HERE / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()]
        for name in ("pass_a", "pass_b")
    )
    found = {}
    for kind in KINDS:
        labels = [[row[kind] for row in rows] for rows in (one, other)]
        same = float(np.mean([a == b for a, b in zip(*labels, strict=True)]))
        found[kind] = {"headlines": len(one), "alike": same, "kappa": cohen_kappa_score(*labels)}
    return found


if __name__ == "__main__":
    part, *given = sys.argv[1:]
    if part == "agree":
        print(json.dumps(agreement(), indent=2))
    else:
        {"draw": draw, "differ": differ, "build": build}[part](Path(given[0]))
