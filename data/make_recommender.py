"""Make data/recommender: what lesson 15 shows and is too long for it to compute. A part is kept once it is there.

python data/make_recommender.py items last 0         # BERT on items; protocol last or date, seed 0, 1, 2
python data/make_recommender.py items shuffled 0     # the control: the same as last, each history in a drawn order
python data/make_recommender.py text last 0          # MiniLM trained further, with behaviour as the label
python data/make_recommender.py all                  # all of these, and finish
python data/make_recommender.py finish               # what lies in build/recommender, gathered
"""

from __future__ import annotations

import csv
import json
import shutil
import sys
import time
from functools import cache
from pathlib import Path

import numpy as np
from datasets import Dataset, DatasetDict
from safetensors.numpy import load_file, save_file

from bertcourse.data.movielens import load_clicks, load_films
from bertcourse.recommend.methods import by_vectors, joined, next_counts, shuffled
from bertcourse.recommend.protocols import Protocol, Questions, gains, hits, leave_one_out, ranks, time_line
from bertlib.data.encoders import encoder_folder
from bertlib.files import write_folder
from bertlib.model.weights import model_files, write_model
from bertlib.tasks import embed
from bertlib.tasks.items import ItemModel, fit

HERE, WORK = Path(__file__).parent / "recommender", Path("build/recommender")
PROTOCOLS = {"last": leave_one_out, "date": time_line}
SEEDS = (0, 1, 2)  # of BERT; MiniLM is trained once for each protocol
ITEMS = {"epochs": 50, "learning_rate": 3e-3, "batch_size": 128, "max_length": 20, "probability": 0.3}
PAIRS, TEXT = 6_400, {"batch_size": 64, "epochs": 1, "learning_rate": 5e-5, "max_length": 48}
LAST = 5  # films whose vectors are compared
WEIGHTS = np.linspace(0, 1, 21)


@cache
def protocol(name: str) -> Protocol:
    return PROTOCOLS[name](load_clicks())


@cache
def names() -> list[str]:
    """The items of the model are the numbers of the films in the source."""
    return [str(film.number) for film in load_films()]


def named(histories: list[list[int]]) -> list[list[str]]:
    return [[names()[film] for film in history] for history in histories]


def in_another_order(asked: Questions) -> Questions:
    return Questions(asked.user, asked.truth, asked.time, shuffled(asked.seen, np.random.default_rng(1)))


def save_half(model: ItemModel, folder: Path) -> None:
    """As `ItemModel.save`, in half precision; it is read as float32."""
    own = {"max_length": model.max_length, "items": model.items}
    files, tensors = model_files(model.model, {"items.json": json.dumps(own) + "\n"})
    files["config.json"] = files["config.json"].replace('"float32"', '"float16"')
    with write_folder(folder, 2**22) as beside:
        write_model(beside, files, {name: tensor.half() for name, tensor in tensors.items()})


def items(name: str, seed: int) -> ItemModel:
    """BERT on items; of each user the last film before those that are asked for chooses the epoch."""
    folder = WORK / f"items-{name}-{seed}"
    if not folder.is_dir():
        split, control = protocol("last" if name == "shuffled" else name), name == "shuffled"
        asked = in_another_order(split.validation) if control else split.validation
        began = time.perf_counter()
        held_out = [names()[film] for film in asked.truth]
        model = fit(named(asked.seen), held_out, items=names(), **ITEMS, seed=seed)
        seconds = time.perf_counter() - began
        save_half(model, folder)
        epochs = [row["validation_ndcg@10"] for row in model.history.epochs]
        note(f"items-{name}-{seed}", seconds, len(epochs), 1 + int(np.argmax(epochs)), max(epochs))
    return ItemModel.load(folder)


def text(name: str, seed: int = 0) -> np.ndarray:
    """Vectors of all films by MiniLM, trained so that a film lies near those that were rated within the next five."""
    path = WORK / f"text-{name}-{seed}.safetensors"
    if not path.is_file():
        texts, rng = [film.text for film in load_films()], np.random.default_rng(seed)
        counts = next_counts(protocol(name).histories, len(texts)).ravel()
        drawn = rng.choice(len(counts), PAIRS, p=counts / counts.sum())
        rows = [{"first": texts[i // len(texts)], "second": texts[i % len(texts)]} for i in drawn.tolist()]
        began = time.perf_counter()
        tuned = embed.fine_tune(DatasetDict(train=Dataset.from_list(rows)), **TEXT, seed=seed)
        seconds = time.perf_counter() - began
        path.parent.mkdir(parents=True, exist_ok=True)
        save_file({"vectors": tuned.predict(texts).astype(np.float16)}, path)
        note(f"text-{name}-{seed}", seconds, 1, 1, float("nan"))
    return load_file(path)["vectors"].astype(np.float32)


def note(run: str, seconds: float, epochs: int, best: int, validation: float) -> None:
    path = WORK / f"{run}.json"
    told = {"seconds": round(seconds), "epochs": epochs, "best": best, "validation": round(validation, 4)}
    path.write_text(json.dumps(told), encoding="utf-8")


def scores_of(model: ItemModel, asked: Questions) -> np.ndarray:
    return model.scores(named(asked.seen))


def weight_of(behaviour: np.ndarray, meaning: np.ndarray, asked: Questions) -> float:
    """The share of the text's score that is best on validation."""
    return float(max(WEIGHTS, key=lambda w: gains(ranks(joined(behaviour, meaning, w), asked)).mean()))


def finish() -> None:
    """Ranks of each question, what each run took, and the models of seed 0."""
    HERE.mkdir(exist_ok=True)
    rows, columns = [], {name: {} for name in PROTOCOLS}
    for name, seed in [*((name, seed) for name in PROTOCOLS for seed in SEEDS), ("shuffled", 0)]:
        split, model = protocol("last" if name == "shuffled" else name), items(name, seed)
        test = in_another_order(split.test) if name == "shuffled" else split.test
        behaviour = scores_of(model, test)
        found = {"items" if name in PROTOCOLS else "shuffled": (ranks(behaviour, test), "")}
        if name in PROTOCOLS:
            vectors, chosen = text(name), split.validation
            meaning = by_vectors(vectors, test, LAST)
            before = scores_of(model, chosen), by_vectors(vectors, chosen, LAST)
            weight = weight_of(*before, chosen)
            if seed == 0:
                found["text"] = ranks(meaning, test), ""
            found["joined"] = ranks(joined(behaviour, meaning, weight), test), weight
        for method, (ranked, weight) in found.items():
            kept = WORK / f"{method}-{name}-{seed}.json"
            told = json.loads(kept.read_text(encoding="utf-8")) if kept.is_file() else {}
            told |= {} if method != "shuffled" else json.loads((WORK / "items-shuffled-0.json").read_text())
            figures = [f"{measure(ranked).mean():.4f}" for measure in (gains, hits)]
            taken = [told.get(key, "") for key in ("seconds", "epochs", "best", "validation")]
            where = "last" if name == "shuffled" else name
            rows.append([method, where, seed, *taken, weight and round(weight, 2), *figures])
            columns[where][f"{method}-{seed}"] = ranked.tolist()
    with (HERE / "runs.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        told = ["seconds", "epochs", "best", "validation", "weight", "ndcg@10", "recall@10"]
        writer.writerow(["method", "protocol", "seed", *told])
        writer.writerows(rows)
    for name, ranked in columns.items():
        with (HERE / f"ranks_{name}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(["question", *ranked])
            writer.writerows(zip(range(len(protocol(name).test)), *ranked.values(), strict=True))
        shutil.copytree(WORK / f"items-{name}-0", HERE / f"items_{name}", dirs_exist_ok=True)
    read = embed.Embedder.load(encoder_folder("minilm")).predict([film.text for film in load_films()])
    save_file(
        {"frozen": read.astype(np.float16), "tuned": text("last").astype(np.float16)}, HERE / "vectors.safetensors"
    )


def every() -> None:
    for seed in SEEDS:
        for name in PROTOCOLS:
            items(name, seed)
    for name in PROTOCOLS:
        text(name)
    items("shuffled", 0)
    finish()


if __name__ == "__main__":
    part, *given = sys.argv[1:]
    {"items": items, "text": text, "all": every, "finish": finish}[part](
        *given[:1], *(int(number) for number in given[1:])
    )
