"""Make data/desk: check what writers and readers wrote, measure agreement, train the desk's vectors, fit its confidence.

python data/make_desk.py agree         agreement of the readers, over all that was drawn or written
python data/make_desk.py train 0       MiniLM trained further on customers' questions, with LoRA; seed 0, 1, 2
python data/make_desk.py finish        the adapters of seed 0, the table of runs, and the fitted confidence

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

from bertcourse.data.customers import SHARES, lines_of, load_customers, load_follow_ups
from bertcourse.data.faq import load_faq
from bertcourse.desk.answers import Desk, entries_of, figures_of, text_of
from bertcourse.desk.confidence import SHIPPED, Confidence, fit_confidence, threshold_for
from bertlib.data.encoders import encoder_folder
from bertlib.metrics.answers import overlap_f1
from bertlib.tasks.embed import Embedder, fine_tune

HERE, WORK = Path(__file__).parent / "desk", Path("build/desk")
TRAINING = {"method": "lora", "learning_rate": 2e-3, "batch_size": 32, "epochs": 8, "max_length": 128}
SEEDS = (0, 1, 2)
WEIGHTS = np.linspace(0, 1, 21)  # of meaning, tried on validation
COSTS = (4, 1)  # of a wrong answer, of a hand-over


def kappa(one: np.ndarray, other: np.ndarray) -> float:
    """Cohen's kappa of two lists of truth values."""
    same = float((one == other).mean())
    chance = float(one.mean() * other.mean() + (1 - one.mean()) * (1 - other.mean()))
    return (same - chance) / (1 - chance)


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
            "an answer is stored: kappa": kappa(*exists),
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
            "stands alone: kappa": kappa(*alone),
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


def train(seed: int) -> None:
    """Adapters beside query and value, on the questions of train alone; the last epoch counts, none is chosen."""
    folder = WORK / f"embedder-{seed}"
    if not folder.exists():
        data = DatasetDict(train=pairs_of(load_customers()["train"]))
        fine_tune(data, encoder=encoder_folder("minilm"), seed=seed, **TRAINING).save(folder)


def scores_of(embedder: Embedder, questions: list[str]) -> np.ndarray:
    """(Q, N): the cosine of each question with each stored entry."""
    return embedder.predict(questions) @ embedder.predict([text_of(entry) for entry in entries_of(load_faq())]).T


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
    models = {"MiniLM": encoder_folder("minilm")} | {f"trained-{seed}": WORK / f"embedder-{seed}" for seed in SEEDS}
    for name, folder in models.items():
        embedder = Embedder.load(folder) if name == "MiniLM" else Embedder.load(folder, encoder_folder("minilm"))
        for split in SHARES:
            part = customers[split].filter(lambda row: row["entries"])
            ranks = ranks_of(scores_of(embedder, part["question"][:]), part["entries"][:])
            rows += [(name, own, int(rank)) for own, rank in zip(part["id"], ranks, strict=True)]
    pd.DataFrame(rows, columns=["model", "id", "rank"]).to_csv(HERE / "ranks.csv", index=False, lineterminator="\n")
    shutil.rmtree(HERE / "embedder", ignore_errors=True)
    shutil.copytree(WORK / "embedder-0", HERE / "embedder")
    embedder, part = Embedder.load(HERE / "embedder", encoder_folder("minilm")), customers["validation"]
    entries, tried = entries_of(load_faq()), {}
    for weight in WEIGHTS:
        with Desk(entries, embedder, Confidence({}, 0.0), mode="hybrid", weight=float(weight)) as desk:
            tried[float(weight)] = found_by(desk, part)
    chosen = max(tried, key=lambda weight: (tried[weight][1].sum(), weight))
    print({weight: int(right.sum()) for weight, (_, right) in tried.items()}, "chosen:", chosen)
    figures, right = tried[chosen]
    words = f"{len(right)} questions of validation, {int(right.sum())} found right; weight of meaning {chosen:g}"
    fit_confidence(figures, right.tolist(), threshold=threshold_for(*COSTS), fitted=words).save(SHIPPED)


if __name__ == "__main__":
    part, *given = sys.argv[1:]
    if part == "agree":
        print(json.dumps(agreement(), indent=2))
    else:
        {"train": lambda: train(int(given[0])), "finish": finish}[part]()
