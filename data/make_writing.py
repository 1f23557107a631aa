"""Make data/writing: what lesson 16 shows and is too long for it to compute. A part is kept once it is there.

python data/make_writing.py summaries                # vectors, the extractors, the sentences that each method takes
python data/make_writing.py replies                  # the ranks of the right reply
"""

from __future__ import annotations

import csv
import sys
import time
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file, save_file

from bertcourse import summaries as methods
from bertcourse.data.faq import load_faq
from bertcourse.data.privacy import load_privacy
from bertcourse.replies import best_of_judged, right_ranks, vector_scores, word_scores
from bertlib.data.encoders import encoder_folder
from bertlib.tasks import embed

HERE, WORK = Path(__file__).parent / "writing", Path("build/writing")
SPLITS = ("train", "validation", "test")
DECAYS = (1e-4, 1e-3, 1e-2, 1e-1)  # of the extractor, chosen on validation
CHOICES = ("random", "words", "mean", "walk", "place", "extractor", "oracle", "few")


def vectors_of(name: str, split: str) -> list[np.ndarray]:
    """MiniLM's vectors of the sentences of each text; those of "first" are those of "title" without the first."""
    if name == "first":
        return [own[1:] for own in vectors_of("title", split)]
    path, texts = WORK / f"vectors-{name}-{split}.safetensors", methods.summary_texts(name, split)
    if not path.is_file():
        reader = embed.Embedder.load(encoder_folder("minilm"))
        reader.max_length = methods.TOKENS
        found = reader.predict([sentence for sentences, _ in texts for sentence in sentences])
        path.parent.mkdir(parents=True, exist_ok=True)
        save_file({"vectors": found.astype(np.float32)}, path)
        print(path.name, found.shape, f"{time.process_time():.0f} s", flush=True)
    ends = np.cumsum([len(sentences) for sentences, _ in texts])
    return np.split(load_file(path)["vectors"], ends[:-1])


def gains_of(name: str, split: str) -> list[np.ndarray]:
    """What each sentence of each text is worth."""
    path, texts = WORK / f"gains-{name}-{split}.safetensors", methods.summary_texts(name, split)
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
            for vectors, (sentences, _) in zip(vectors_of(name, split), methods.summary_texts(name, split), strict=True)
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
        together = zip(
            methods.summary_texts(name, "test"), vectors_of(name, "test"), gains_of(name, "test"), strict=True
        )
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


def replies() -> None:
    """Of each question the rank of its right reply: among all of the FAQ; among judged sentences of the policies."""
    HERE.mkdir(exist_ok=True)
    reader, rows = embed.Embedder.load(encoder_folder("minilm")), []
    faq, (asked, sentences) = load_faq(), load_privacy()
    of_faq = [
        right_ranks(scores, range(len(faq)))
        for scores in (
            word_scores(faq["question"], faq["answer"]),
            vector_scores(faq["question"], faq["answer"], reader),
        )
    ]
    rows += [
        ["faq", number, "", 1, len(faq) - 1, *map(float, found)]
        for number, found in enumerate(zip(*of_faq, strict=True))
    ]
    of_privacy = [
        best_of_judged(scores, asked["relevant"], asked["irrelevant"])
        for scores in (
            word_scores(asked["question"], sentences["sentence"]),
            vector_scores(asked["question"], sentences["sentence"], reader),
        )
    ]
    for number, (question, found) in enumerate(zip(asked, zip(*of_privacy, strict=True), strict=True)):
        if None not in found:
            sizes = len(question["relevant"]), len(question["irrelevant"])
            rows.append(["privacy", number, question["group"], *sizes, *found])
    write("replies.csv", ["set", "question", "group", "right", "wrong", "words", "vectors"], rows)


def write(name: str, columns: list[str], rows: list[list]) -> None:
    with (HERE / name).open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(columns)
        table.writerows(rows)


if __name__ == "__main__":
    {"summaries": summaries, "replies": replies}[sys.argv[1]]()
