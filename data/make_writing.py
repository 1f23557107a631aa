"""Make data/writing: what lesson 16 shows and is too long for it to compute. A part is kept once it is there.

python data/make_writing.py summaries                # vectors, the extractors, the sentences that each method takes
python data/make_writing.py replies                  # the ranks of the right reply
"""

from __future__ import annotations

import csv
import sys
import time
from functools import cache
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file, save_file

from bertcourse import summaries as methods
from bertcourse.data.xsum import load_xsum
from bertlib.data.bbc import load_bbc_news
from bertlib.data.encoders import encoder_folder
from bertlib.tasks import embed
from bertlib.text.sentences import split_sentences

HERE, WORK = Path(__file__).parent / "writing", Path("build/writing")
SPLITS = ("train", "validation", "test")
AT_MOST = {"train": 400, "validation": 100, "test": 409}  # articles
SENTENCES, TOKENS = 12, 48  # the first of each text, and of each sentence
DECAYS = (1e-4, 1e-3, 1e-2, 1e-1)  # of the extractor, chosen on validation
CHOICES = ("random", "words", "mean", "walk", "place", "extractor", "oracle", "few")


@cache
def texts_of(name: str, split: str) -> list[tuple[list[str], str]]:
    """Of each article its first sentences, and the text that stands for a summary.

    "xsum": its summary. "title": the title of an article of BBC News. "first": its first sentence, taken out of it as
    XSum's was.
    """
    if name == "xsum":
        rows = load_xsum()[split]
        rows = rows.select(range(min(len(rows), AT_MOST[split])))
        return [(row["sentences"][:SENTENCES], row["summary"]) for row in rows]
    rows = load_bbc_news()[split].select(range(AT_MOST[split]))
    texts = [(split_sentences(row["text"])[:SENTENCES], row["title"]) for row in rows]
    texts = [(sentences, title) for sentences, title in texts if len(sentences) > 2]
    return texts if name == "title" else [(sentences[1:], sentences[0]) for sentences, _ in texts]


def vectors_of(name: str, split: str) -> list[np.ndarray]:
    """MiniLM's vectors of the sentences of each text; those of "first" are those of "title" without the first."""
    if name == "first":
        return [own[1:] for own in vectors_of("title", split)]
    path, texts = WORK / f"vectors-{name}-{split}.safetensors", texts_of(name, split)
    if not path.is_file():
        reader = embed.Embedder.load(encoder_folder("minilm"))
        reader.max_length = TOKENS
        found = reader.predict([sentence for sentences, _ in texts for sentence in sentences])
        path.parent.mkdir(parents=True, exist_ok=True)
        save_file({"vectors": found.astype(np.float32)}, path)
        print(path.name, found.shape, f"{time.process_time():.0f} s", flush=True)
    ends = np.cumsum([len(sentences) for sentences, _ in texts])
    return np.split(load_file(path)["vectors"], ends[:-1])


def gains_of(name: str, split: str) -> list[np.ndarray]:
    """What each sentence of each text is worth."""
    path, texts = WORK / f"gains-{name}-{split}.safetensors", texts_of(name, split)
    if not path.is_file():
        found = [methods.gains_of(sentences, reference) for sentences, reference in texts]
        path.parent.mkdir(parents=True, exist_ok=True)
        save_file({"gains": np.concatenate(found)}, path)
    ends = np.cumsum([len(sentences) for sentences, _ in texts])
    return np.split(load_file(path)["gains"], ends[:-1])


def extractors(name: str) -> dict[str, tuple[np.ndarray, float, float]]:
    """Of "place" (it reads no vector) and "extractor" the weights, the decay, and the mean gain on validation."""
    read = {
        split: [
            methods.features_of(vectors, sentences)
            for vectors, (sentences, _) in zip(vectors_of(name, split), texts_of(name, split), strict=True)
        ]
        for split in SPLITS[:2]
    }
    gains, found = {split: gains_of(name, split) for split in SPLITS[:2]}, {}
    for kind, width in (("place", methods.PLAIN), ("extractor", None)):
        tries = []
        for decay in DECAYS:
            weights = methods.trained_extractor([own[:, :width] for own in read["train"]], gains["train"], decay)
            worth = [
                own[methods.by_extractor(features, weights)]
                for features, own in zip(read["validation"], gains["validation"], strict=True)
            ]
            tries.append((weights, decay, float(np.mean(worth))))
        found[kind] = max(tries, key=lambda one: one[2])
    return found


def summaries() -> None:
    """The places that each method takes in each article of the test, and the extractors."""
    HERE.mkdir(exist_ok=True)
    rows, weights, settings = [], {}, []
    for name in ("xsum", "title", "first"):
        trained, rng = extractors(name), np.random.default_rng(0)
        for kind, (own, decay, worth) in trained.items():
            weights[f"{name}.{kind}"] = own
            settings.append([name, kind, decay, f"{worth:.4f}"])
        together = zip(texts_of(name, "test"), vectors_of(name, "test"), gains_of(name, "test"), strict=True)
        for number, ((sentences, reference), vectors, gains) in enumerate(together):
            features = methods.features_of(vectors, sentences)
            taken = {
                "random": int(rng.integers(len(sentences))),
                "words": methods.by_words(sentences),
                "mean": methods.by_mean(vectors),
                "walk": methods.by_walk(vectors),
                **{kind: methods.by_extractor(features, own) for kind, (own, *_) in trained.items()},
                "oracle": int(np.argmax(gains)),
                "few": " ".join(map(str, methods.best_few(sentences, reference))),
            }
            rows.append([name, number, len(sentences), *(taken[choice] for choice in CHOICES)])
    write("summaries.csv", ["set", "article", "sentences", *CHOICES], rows)
    write("extractors.csv", ["set", "kind", "decay", "validation"], settings)
    save_file(weights, HERE / "extractors.safetensors")


def write(name: str, columns: list[str], rows: list[list]) -> None:
    with (HERE / name).open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(columns)
        table.writerows(rows)


if __name__ == "__main__":
    {"summaries": summaries}[sys.argv[1]]()
