"""Which settings the learning curves of lessons 07 and 08 use: compared on validation splits, never on a test split.

For each pair of "lower half frozen or not" and a peak of the learning rate it fine-tunes on a few labels, several draws
each, and prints the mean score on the validation split. Fifteen minutes on two quiet cores.

    python tools/few_labels.py
    python tools/few_labels.py --draws 1
"""

from __future__ import annotations

import argparse

import bertlib  # noqa: F401 # isort: skip - before torch, so that its threads wait without spinning

import numpy as np
from datasets import DatasetDict

from bertcourse.profile import Profile, start_lesson
from bertlib.data import few_labels
from bertlib.data.columns import teasers
from bertlib.model.frozen import FrozenLayers
from bertlib.tasks import classify, tag

LOWER_HALF = 3  # of MiniLM's six layers


def news_score(profile: Profile, budget: int, draw: int, **settings) -> float:
    """Validation accuracy in percent after training on so many labels a class, as lesson 07 does."""
    data = teasers(profile.load("news"))
    part = few_labels(data["train"], budget, np.random.default_rng(draw))
    epochs = 1 if len(part) > 250 else 4 if len(part) > 50 else 10
    model = classify.fine_tune(
        DatasetDict(train=part),
        encoder=profile.encoder,
        seed=draw,
        epochs=epochs,
        batch_size=8,
        max_length=profile.max_length,
        show_progress=False,
        **settings,
    )
    return 100 * model.evaluate(data["validation"], precision="auto")["accuracy"]


def entity_score(profile: Profile, size: int, draw: int, **settings) -> float:
    """Validation F1 in percent after training on so many sentences, as lesson 08 does."""
    data = profile.load("entities")
    part = data["train"].shuffle(seed=draw).select(range(size))
    model = tag.fine_tune(
        DatasetDict(train=part),
        encoder=profile.encoder,
        seed=draw,
        epochs=max(5, 600 // size),
        batch_size=8,
        show_progress=False,
        **settings,
    )
    return 100 * model.evaluate(data["validation"], precision="auto")["f1"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--draws", type=int, default=3, help="samples of labels for each setting")
    options = parser.parse_args()
    profile = start_lesson()
    for what, score, sizes in (
        ("news, accuracy, labels a class", news_score, (5, 20)),
        ("entities, F1, sentences", entity_score, (100, 300)),
    ):
        for frozen in (None, FrozenLayers(LOWER_HALF)):
            for times in (1, 2):
                settings = {"frozen": frozen, "learning_rate": times * profile.learning_rate}
                found = [
                    np.mean([score(profile, size, draw, **settings) for draw in range(options.draws)]) for size in sizes
                ]
                shown = ", ".join(f"{size}: {value:.1f}" for size, value in zip(sizes, found, strict=True))
                half = "lower half frozen" if frozen else "nothing frozen"
                print(f"{what}: {half}, rate × {times}: {shown}", flush=True)


if __name__ == "__main__":
    main()
