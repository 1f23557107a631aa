"""News classification over several seeds: mean and spread of test accuracy, beside TF-IDF on the same texts.

python benchmarks/news_seeds.py --labels 5 --seeds 5       five labels a class, another sample for each seed
python benchmarks/news_seeds.py --seeds 3                  all labels
python benchmarks/news_seeds.py --seeds 3 --whole          whole articles instead of headline and first paragraph
"""

from __future__ import annotations

import argparse

import numpy as np
from datasets import DatasetDict
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from bertcourse.profile import get_profile
from bertlib.data.columns import teasers, text_columns, texts_of
from bertlib.data.splits import few_labels
from bertlib.tasks.classify import fine_tune


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--labels", type=int, help="labels a class; all by default")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--whole", action="store_true", help="whole texts, cut to 128 tokens for BERT")
    options = parser.parse_args()
    profile = get_profile()
    data = profile.load("news") if options.whole else teasers(profile.load("news"))
    columns = text_columns(data["train"])
    test_texts, gold = texts_of(data["test"], columns), data["test"]["label"]
    results = {"BERT": [], "TF-IDF": []}
    for seed in range(options.seeds):
        part, recipe = data, {"epochs": 3, "batch_size": 32}
        if options.labels:
            train = few_labels(data["train"], options.labels, np.random.default_rng(seed))
            # No validation split: with so few labels it would hold more of them than training does.
            part, recipe = DatasetDict(train=train), {"epochs": max(3, 400 // len(train)), "batch_size": 16}
        classifier = fine_tune(
            part,
            encoder=profile.encoder,
            learning_rate=profile.learning_rate,
            seed=seed,
            max_length=128 if options.whole else profile.max_length,
            **recipe,
        )
        results["BERT"].append(classifier.evaluate(data["test"])["accuracy"])
        words = make_pipeline(
            TfidfVectorizer(sublinear_tf=True, ngram_range=(1, 2)), LogisticRegression(C=10, max_iter=2000)
        )
        words.fit(texts_of(part["train"], columns), part["train"]["label"])
        results["TF-IDF"].append(words.score(test_texts, gold))
    budget = f"{options.labels} labels a class" if options.labels else f"all {len(data['train'])} labels"
    print(f"\n{profile.news}, {'whole texts' if options.whole else 'teasers'}, {budget}, {options.seeds} seeds")
    for name, runs in results.items():
        each = ", ".join(f"{run:.1%}" for run in runs)
        print(f"{name:8} accuracy {np.mean(runs):.1%} ± {np.std(runs, ddof=1):.1%} ({each})")


if __name__ == "__main__":
    main()
