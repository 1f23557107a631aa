"""Splits that every machine makes alike, duplicates found before, and samples with few labels."""

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from itertools import combinations

import numpy as np
from datasets import Dataset, DatasetDict

SHARES = {"train": 0.7, "validation": 0.1, "test": 0.2}  # how a source without splits of its own is divided


def find_duplicates(texts: Sequence[str], threshold: float = 0.5) -> list[int]:
    """The indices, ascending, of texts that repeat an earlier one in whole or in large part.

    Two texts count as the same article if at least `threshold` of the shorter one's sentences (of four words and more,
    case and spacing aside) stand in the other too. Leaving out what is found leaves one text of each group.
    """
    sentences = [
        {" ".join(part.split()) for part in re.split(r"[.!?\"\n]+", text.lower()) if len(part.split()) >= 4}
        for text in texts
    ]
    where = defaultdict(list)
    for index, own in enumerate(sentences):
        for sentence in own:
            where[sentence].append(index)
    shared = Counter(pair for found in where.values() for pair in combinations(found, 2))
    return sorted(
        {
            second
            for (first, second), count in shared.items()
            if count >= threshold * min(len(sentences[first]), len(sentences[second]))
        }
    )


def content_key(*parts: str) -> bytes:
    """A key whose order has nothing to do with the content, yet depends on it alone: SHA-256 of the parts."""
    return hashlib.sha256("\n".join(parts).encode("utf-8")).digest()


def stratified_split(keys: Sequence[str], labels: Sequence, shares: dict[str, float]) -> dict[str, list[int]]:
    """Divide examples by shares, class by class, in the order of a hash of each example's key.

    No random generator is involved, so every machine and every version of every library gets the same splits. A class
    with a single example has it in the first split, where there is something to learn from it.

    Returns:
        For each split the indices of its examples, ascending; together they are all examples, once each.
    """
    splits, members_of = {name: [] for name in shares}, defaultdict(list)
    for index, label in enumerate(labels):
        members_of[label].append(index)
    for _, members in sorted(members_of.items()):
        if len(members) == 1:
            splits[next(iter(shares))] += members
            continue
        members.sort(key=lambda index: content_key(keys[index]))
        start, cumulative = 0, 0.0
        for name, share in shares.items():
            cumulative += share
            end = round(cumulative * len(members))
            splits[name] += members[start:end]
            start = end
    return {name: sorted(chosen) for name, chosen in splits.items()}


def check_class_sizes(labels: Sequence) -> None:
    """Refuse labels of which most are the only one of their class, as in a column of ids: nothing could be held out."""
    counts = Counter(labels)
    single = sum(count == 1 for count in counts.values())
    if 2 * single > len(labels):
        raise ValueError(
            f"{single:,} of the {len(counts):,} classes have a single example ({len(labels):,} examples in all): "
            "choose the column with the classes (label=, --label), or give more data of each class"
        )


def with_validation(dataset: DatasetDict, share: float = 0.1, text: str | Sequence[str] = "text") -> DatasetDict:
    """Divide "train" into "train" and "validation", stratified, the same on every machine; other splits stay.

    Raises:
        ValueError: the share is not between 0 and 1, or leaves either part without examples; or most examples are the
            only one of their class.
    """
    if not 0 < share < 1:
        raise ValueError(f"share={share!r}: give a fraction between 0 and 1, such as 0.1")
    train = dataset["train"]
    labels = train["label"][:]
    check_class_sizes(labels)
    columns = [text] if isinstance(text, str) else text
    keys = ["\n".join(map(str, parts)) for parts in zip(*(train[column][:] for column in columns), strict=True)]
    parts = stratified_split(keys, labels, {"train": 1 - share, "validation": share})
    for name, chosen in parts.items():
        if not chosen:
            problem = f"share={share} of {len(train)} examples leaves none for {name}"
            raise ValueError(f"{problem}: give more data of each class, or another share")
    return DatasetDict(dataset | {name: train.select(chosen) for name, chosen in parts.items()})


def few_labels(split: Dataset, per_class: int, rng: np.random.Generator) -> Dataset:
    """A random sample with equally many examples of each class; a ValueError where a class has fewer."""
    labels, chosen = np.asarray(split["label"]), []
    for label, name in enumerate(split.features["label"].names):
        members = np.flatnonzero(labels == label)
        if len(members) < per_class:
            raise ValueError(f"per_class={per_class}, but {name!r} has {len(members)} examples: ask for fewer")
        chosen += rng.choice(members, per_class, replace=False).tolist()
    return split.select(sorted(chosen))
