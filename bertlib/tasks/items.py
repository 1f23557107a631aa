"""Sequences of items: BERT with items in the place of word pieces, which says what comes next (Sun et al., 2019).

A history is what one person bought, read or rated, the oldest first. The model reads it newest first, so that a place
says how long ago; before that stands [MASK], and the masked-language head scores every item for it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from torch import nn

from bertlib.device import pick_device, seed_everything
from bertlib.files import read_json
from bertlib.metrics.ranking import ndcg
from bertlib.model.config import BertConfig
from bertlib.model.heads import BertForMaskedLM
from bertlib.model.starts import start_from_counts
from bertlib.model.weights import read_model, save_model
from bertlib.text.batching import Batch, length_buckets, pad_batch
from bertlib.text.masking import mask_tokens
from bertlib.train.evaluation import Evaluation
from bertlib.train.history import History, Log
from bertlib.train.loop import train
from bertlib.train.recipe import RECIPES, Recipe

PAD, MASK = SPECIALS = 0, 1  # then come the items
SMALL = BertConfig(hidden_size=64, num_hidden_layers=2, num_attention_heads=2, intermediate_size=256)


class ItemModel:
    """What comes next in a history: a model in evaluation mode, the names of all items (item i has the id i + 2), and
    max_length, the places that it reads: of a history the newest max_length - 1 items count. history is the training's.
    """

    def __init__(self, model: BertForMaskedLM, items: Sequence[str], max_length: int, history: History | None = None):
        if len({*items}) + len(SPECIALS) != model.config.vocab_size:
            raise ValueError(
                f"items has {len({*items})} different names for {model.config.vocab_size} ids: give each its id from 2"
            )
        self.model, self.items, self.max_length, self.history = model.eval(), tuple(items), max_length, history
        self.number = {name: place for place, name in enumerate(self.items)}

    def ids(self, history: Sequence[str]) -> list[int]:
        """The ids of a history, in its order; a ValueError where it is empty, no list, or has an unknown item."""
        if isinstance(history, str) or not len(history):
            raise ValueError(f"history={history!r}: give a list of at least one item, the oldest first")
        unknown = [name for name in history if name not in self.number]
        if unknown:
            told = f"history has {unknown[0]!r:.60}, which the model does not know ({len(unknown)} of {len(history)})"
            raise ValueError(f"{told}: leave it out, or give items such as {self.items[0]!r}")
        return [self.number[name] + len(SPECIALS) for name in history]

    @torch.inference_mode()
    def scores(self, histories: Sequence[Sequence[str]], *, batch_size: int = 256) -> np.ndarray:
        """Of each history a score for every item as the next, seen ones too: (N, items) logits; raises as `ids`."""
        rows = [[MASK, *self.ids(history)[: -self.max_length : -1]] for history in histories]
        found, device = np.empty((len(rows), len(self.items)), np.float32), next(self.model.parameters()).device
        for chosen in length_buckets([len(row) for row in rows], batch_size) if rows else []:
            ids, mask = (x.to(device) for x in pad_batch([rows[i] for i in chosen], PAD))
            found[chosen] = self.model.logits(ids, mask, ids == MASK)[:, len(SPECIALS) :].float().cpu().numpy()
        return found

    def predict(self, history: Sequence[str], top: int = 10, exclude: Sequence[str] = ()) -> list[tuple[str, float]]:
        """The likeliest next items, best first, each with its probability among all; none that was seen or excluded.

        A ValueError as of `ids`; also where top is below 1, or every item was seen or excluded.
        """
        if top < 1:
            raise ValueError(f"top={top!r}: give a whole number of at least 1")
        shares = torch.from_numpy(self.scores([history])[0]).softmax(0).tolist()
        left = [place for place, name in enumerate(self.items) if name not in {*history, *exclude}]
        if not left:
            raise ValueError(f"all {len(self.items)} items are in history or exclude: there is none to recommend")
        return [(self.items[i], shares[i]) for i in sorted(left, key=lambda place: -shares[place])[:top]]

    def save(self, folder: str | Path) -> None:
        """Write a folder that `load` opens, and transformers, of which an item's id is its place + 2."""
        own = {"max_length": self.max_length, "items": self.items}
        save_model(self.model, folder, extra_files={"items.json": json.dumps(own, ensure_ascii=False) + "\n"})

    @classmethod
    def load(cls, folder: str | Path) -> Self:
        """Open a folder that `save` wrote; FileNotFoundError or ValueError where a file is missing, or does not fit."""
        model, own = BertForMaskedLM.from_pretrained(read_model(folder)), read_json(Path(folder) / "items.json")
        if absent := [name for name in ("max_length", "items") if name not in own]:
            raise ValueError(f"{folder}: items.json lacks {absent[0]}; give a folder that ItemModel.save wrote")
        return cls(model.to(pick_device()), own["items"], own["max_length"])


def masked_windows(
    histories: Sequence[Sequence[int]], max_length: int, vocab_size: int, recipe: Recipe, probability: float, epoch: int
) -> list[Batch]:
    """Batches of an epoch: histories of ids (oldest first) cut into windows at places that are drawn anew each time.

    Of each window the newest item is hidden, which is what prediction will ask for, and of the others a share.
    """
    windows, batches, rng = [], [], np.random.default_rng((recipe.seed, epoch))
    for ids in histories:
        cuts = [0, *range(int(rng.integers(1, max_length + 1)), len(ids), max_length), len(ids)]
        windows += [ids[a:b][::-1] for a, b in pairwise(cuts) if b - a > 1]
    windows = windows or [ids[::-1] for ids in histories if len(ids) > 1]  # all were cut to single items
    for chosen in length_buckets([len(window) for window in windows], recipe.batch_size, rng):
        ids, mask = pad_batch([windows[i] for i in chosen], PAD)
        settings = {"vocab_size": vocab_size, "mask_token_id": MASK, "special_ids": SPECIALS}
        shown, labels = mask_tokens(ids, **settings, rng=rng, probability=probability)
        shown[:, 0], labels[:, 0] = MASK, ids[:, 0]
        batches.append({"input_ids": shown, "attention_mask": mask, "labels": labels})
    return batches


def fit(
    histories: Sequence[Sequence[str]],
    held_out: Sequence[str] | None = None,
    *,
    items: Sequence[str] | None = None,
    config: BertConfig = SMALL,
    max_length: int = 20,
    probability: float = 0.3,
    show_progress: bool = True,
    **settings: Any,
) -> ItemModel:
    """Train a model from random weights on histories, and keep the epoch that is best on what is held out.

    Args:
        histories: of each person the items, oldest first, at least one.
        held_out: of each the next item, which chooses the epoch by nDCG@10 among unseen items; None keeps the last.
        items: all that there are; None for those in histories and held_out, sorted.
        config: the shape; the sizes of its tables follow from items and max_length.
        max_length, probability: places of a window; share of the items in it that are hidden beside the newest.
        settings: fields of the recipe that are to be others, such as epochs, learning_rate, batch_size, seed.

    Raises:
        ValueError: nothing to train on, an unknown item, an argument out of its range. TypeError: no such setting.
    """
    recipe = RECIPES["items"].but(**settings)
    if max_length < 2 or not any(len(history) > 1 for history in histories):
        raise ValueError(f"max_length={max_length!r}, {len(histories)} histories: give 2 or more, and two items in one")
    if held_out is not None and len(held_out) != len(histories):
        raise ValueError(f"held_out has {len(held_out)} items for {len(histories)} histories: give one for each")
    items = items or sorted({name for history in (*histories, held_out or ()) for name in history})
    size = len(items) + len(SPECIALS)
    seed_everything(recipe.seed)
    shape = replace(config, vocab_size=size, pad_token_id=PAD, max_position_embeddings=max_length)
    found = ItemModel(BertForMaskedLM(shape).to(pick_device()), items, max_length)
    ids = [found.ids(history) for history in histories]
    # Else the first updates learn no more than how frequent each item is.
    start_from_counts(found.model, np.bincount([one for row in ids for one in row], minlength=size))

    def measure(model: nn.Module) -> dict[str, float]:
        scores = found.scores(histories)
        for row, seen in zip(scores, histories, strict=True):
            row[[found.number[name] for name in seen]] = -np.inf
        best = np.argsort(-scores, axis=1, kind="stable")[:, :10]
        gains = [ndcg(row, {found.number[own]}, 10) for row, own in zip(best, held_out, strict=True)]
        return {"validation_ndcg@10": float(np.mean(gains))}

    evaluation = Evaluation() if held_out is None else Evaluation(measure, maximize="validation_ndcg@10")
    log = Log(what="learning histories", show_progress=show_progress)
    batches = partial(masked_windows, ids, max_length, size, recipe, probability)
    found.history = train(found.model, batches, recipe, evaluation=evaluation, log=log)
    return found
