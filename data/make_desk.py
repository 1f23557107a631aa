"""Make data/desk: what writers and readers wrote measured, the vectors of the desk trained, its confidence fitted.

python data/make_desk.py agree         agreement of the readers, over all that was drawn or written
python data/make_desk.py train 0       MiniLM trained further on customers' questions, with LoRA; seed 0, 1, 2
python data/make_desk.py controls      the same on two writers, on the third, and on the firm's own questions
python data/make_desk.py finish        the adapters of seed 0, the ranks of all seeds, and the fitted confidence
python data/make_desk.py follow_ups    where MiniLM finds the passages of conversations, by how their questions are put

What is trained is kept in build/desk once it is there. What the writers and readers were told is GUIDELINES.md.
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from datasets import Dataset, DatasetDict
from sklearn.metrics import cohen_kappa_score

from bertcourse.data.customers import SHARES, lines_of, load_customers, load_follow_ups, load_quac_passages
from bertcourse.data.faq import load_faq
from bertcourse.desk.answers import Desk, entries_of, figures_of, text_of
from bertcourse.desk.confidence import SHIPPED, Confidence, fit_confidence, threshold_for
from bertlib.data.encoders import encoder_folder
from bertlib.metrics.answers import overlap_f1
from bertlib.tasks.embed import Embedder, fine_tune

HERE, WORK = Path(__file__).parent / "desk", Path("build/desk")
TRAINING = {"method": "lora", "learning_rate": 2e-3, "batch_size": 32, "epochs": 8, "max_length": 128}
NAMES = (0, 1, 2, "writers-1-2", "writer-3", "stored")  # seeds, and controls
NEW = 37  # a conversation is followed by the question of the one so many places on
COSTS = (4, 1)  # of a wrong answer, of a hand-over


def agreement() -> dict[str, dict[str, float]]:
    """Of customers' questions: writer and second reader; of follow-ups: two readers."""
    second = {row["id"]: row["entries"] for row in lines_of(HERE / "second.jsonl")}
    rows = lines_of(HERE / "customers.jsonl")
    exists = [np.array([bool(row["entry"]) for row in rows]), np.array([bool(second[row["id"]]) for row in rows])]
    answered = [row for row in rows if row["entry"]]
    follow_ups = load_follow_ups()
    passes = [{row["id"]: row for row in lines_of(HERE / f"follow_ups_{name}.jsonl")} for name in "ab"]
    alone = [np.array([one[name]["alone"] for name in follow_ups["id"]]) for one in passes]
    pairs = list(zip(follow_ups["first"], follow_ups["second"], strict=True))
    return {
        "customers": {
            "questions": len(rows),
            "an answer is stored: alike": float((exists[0] == exists[1]).mean()),
            "an answer is stored: kappa": float(cohen_kappa_score(*exists)),
            "the second reader's first entry is the writer's": float(
                np.mean([second[row["id"]][:1] == [row["entry"]] for row in answered])
            ),
            "the writer's is among the second reader's": float(
                np.mean([row["entry"] in second[row["id"]] for row in answered])
            ),
            "more than one entry is right": float(np.mean([len(second[row["id"]]) > 1 for row in answered])),
        },
        "follow-ups": {
            "questions": len(follow_ups),
            "stands alone: alike": float((alone[0] == alone[1]).mean()),
            "stands alone: kappa": float(cohen_kappa_score(*alone)),
            "rewritten alike": float(np.mean([one.lower() == other.lower() for one, other in pairs])),
            "F1 of the words": float(np.mean([overlap_f1(one, other) for one, other in pairs])),
        },
    }


# ---------------------------------------------------------------------------------------------------- trained, fitted


def pairs_of(split: Dataset) -> Dataset:
    """Questions that have an answer, each beside the text by which its entry is found; one row for each right entry."""
    texts = {entry.id: text_of(entry) for entry in entries_of(load_faq())}
    rows = [(row["question"], texts[name]) for row in split for name in row["entries"]]
    return Dataset.from_dict({"first": [row[0] for row in rows], "second": [row[1] for row in rows]})


def train(name: str, pairs: Dataset, seed: int = 0) -> None:
    """Adapters beside query and value; the last epoch counts, none is chosen."""
    if not (folder := WORK / f"embedder-{name}").exists():
        fine_tune(DatasetDict(train=pairs), encoder=encoder_folder("minilm"), seed=seed, **TRAINING).save(folder)


def controls() -> None:
    """Adapters by what they were trained on: writers that the others do not write like, and no customer at all."""
    rows = load_customers()["train"]
    for name, writers in (("writers-1-2", (1, 2)), ("writer-3", (3,))):
        train(name, pairs_of(rows.filter(lambda row, of=writers: row["writer"] in of)))
    asked_for = {name for own in rows["entries"] for name in own}
    own = [entry for entry in entries_of(load_faq()) if entry.id in asked_for]
    stored = Dataset.from_dict({"first": [one.question for one in own], "second": [one.answer for one in own]})
    train("stored", stored)


def ranks_of(scores: np.ndarray, entries: list[list[str]]) -> np.ndarray:
    """The rank of the first right entry of each question that has one."""
    place = {name: number for number, name in enumerate(load_faq()["id"])}
    best = np.array([max(row[place[name]] for name in own) for row, own in zip(scores, entries, strict=True)])
    return 1 + (scores > best[:, None]).sum(axis=1)


def found_by(desk: Desk, split: Dataset) -> tuple[list[dict[str, float]], np.ndarray]:
    """Of each question the figures of its search, and whether the best entry is right."""
    found = [desk.search(question, 10) for question in split["question"]]
    right = [one[0].entry.id in own for one, own in zip(found, split["entries"], strict=True)]
    return [figures_of(one) for one in found], np.array(right)


def finish() -> None:
    customers, rows = load_customers(), []
    texts = [text_of(entry) for entry in entries_of(load_faq())]
    models = {"MiniLM": encoder_folder("minilm")} | {f"trained-{name}": WORK / f"embedder-{name}" for name in NAMES}
    for name, folder in models.items():
        embedder = Embedder.load(folder) if name == "MiniLM" else Embedder.load(folder, encoder_folder("minilm"))
        vectors = embedder.predict(texts)
        for split in SHARES:
            part = [row for row in customers[split] if row["entries"]]
            scores = embedder.predict([row["question"] for row in part]) @ vectors.T
            ranks = ranks_of(scores, [row["entries"] for row in part])
            rows += [(name, row["id"], int(rank)) for row, rank in zip(part, ranks, strict=True)]
    pd.DataFrame(rows, columns=["model", "id", "rank"]).to_csv(HERE / "ranks.csv", index=False, lineterminator="\n")
    shutil.rmtree(HERE / "embedder", ignore_errors=True)
    shutil.copytree(WORK / "embedder-0", HERE / "embedder")
    embedder, part = Embedder.load(HERE / "embedder", encoder_folder("minilm")), customers["validation"]
    with Desk(entries_of(load_faq()), embedder, Confidence({}, 0.0), vectors=embedder.predict(texts)) as desk:
        figures, right = found_by(desk, part)
    words = f"{len(right)} questions of validation, of which the best entry of {int(right.sum())} is right"
    fit_confidence(figures, right.tolist(), threshold=threshold_for(*COSTS), fitted=words).save(SHIPPED)


# ------------------------------------------------------------------------------------------------------ conversations


def ways_of(rows: Dataset) -> dict[str, list[str]]:
    """How each follow-up, and behind the same history a question that starts anew, can be put to search."""
    before = [" ".join(history) for history in rows["history"]]
    new = [rows["first"][(place + NEW) % len(rows)] for place in range(len(rows))]
    join = [f"{first} {second}" for first, second in zip(before, rows["question"], strict=True)]
    last = [f"{history[-1]} {own}" for history, own in zip(rows["history"], rows["question"], strict=True)]
    named = [f"{subject} {own}" for subject, own in zip(rows["subject"], rows["question"], strict=True)]
    return {
        "alone": rows["question"][:],
        "last before": last,
        "all before": join,
        "name before": named,
        "first reader": rows["first"][:],
        "second reader": rows["second"][:],
        "new": new,
        "new, last before": [f"{history[-1]} {own}" for history, own in zip(rows["history"], new, strict=True)],
        "new, all before": [f"{first} {second}" for first, second in zip(before, new, strict=True)],
    }


def follow_ups() -> None:
    """Of each way the rank of the right passage by MiniLM, and the cosines of the nearest passage and the right one."""
    rows, embedder = load_follow_ups(), Embedder.load(encoder_folder("minilm"))
    vectors, owners = embedder.windows(load_quac_passages(), show_progress=True)
    starts, own = np.flatnonzero(np.diff(owners, prepend=-1)), np.array(rows["passage"])
    table = []
    for way, texts in ways_of(rows).items():
        scores = np.maximum.reduceat(embedder.predict(texts) @ vectors.T, starts, axis=1)
        right = np.roll(own, -NEW) if way.startswith("new") else own
        of_right = scores[np.arange(len(right)), right]
        ranks = 1 + (scores > of_right[:, None]).sum(axis=1)
        best = scores.max(axis=1)
        table += zip([way] * len(rows), rows["id"], ranks, best.round(5), of_right.round(5), strict=True)
    frame = pd.DataFrame(table, columns=["way", "id", "rank", "nearest", "right"])
    frame.to_csv(HERE / "follow_ups.csv", index=False, lineterminator="\n")


if __name__ == "__main__":
    part, *given = sys.argv[1:]
    if part == "agree":
        print(json.dumps(agreement(), indent=2))
    elif part == "train":
        train(given[0], pairs_of(load_customers()["train"]), int(given[0]))
    else:
        {"controls": controls, "finish": finish, "follow_ups": follow_ups}[part]()
