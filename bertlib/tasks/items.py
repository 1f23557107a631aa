"""Sequences of items: BERT with items in the place of word pieces, which says what comes next (Sun et al., 2019).

A history is what one person bought, read or rated, the oldest first. The model reads it newest first, so that a place
says how long ago; before that stands [MASK], and the masked-language head scores every item for it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bertlib.device import pick_device, seed_everything
from bertlib.files import read_json
from bertlib.metrics.ranking import ndcg
from bertlib.model.config import BertConfig
from bertlib.model.encoder import BertModel, check_ids
from bertlib.model.heads import Losses, MLMHead
from bertlib.model.init import init_weights
from bertlib.model.starts import start_from_counts
from bertlib.model.weights import FromFolder, read_model, save_model
from bertlib.text.batching import Batch, length_buckets, pad_batch
from bertlib.text.masking import IGNORED, mask_tokens
from bertlib.train.evaluation import Evaluation
from bertlib.train.history import History, Log
from bertlib.train.loop import train
from bertlib.train.recipe import RECIPES, Recipe

PAD, MASK = SPECIALS = 0, 1  # then come the items
SMALL = {"hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 256}


class BertForMaskedLM(FromFolder, nn.Module):
    """The encoder with its masked-language head alone, as transformers has it under this name."""

    def __init__(self, config: BertConfig):
        super().__init__()
        self.config = config
        self.bert = BertModel(config, add_pooling_layer=False)
        self.mlm = MLMHead(config)
        self.mlm.apply(lambda module: init_weights(module, config.initializer_range))

    def score(self, hidden: Tensor) -> Tensor:
        """(..., D) hidden states -> (..., V) logits."""
        return self.mlm(hidden, self.bert.embeddings.word_embeddings.weight)

    def forward(self, input_ids: Tensor, attention_mask: Tensor | None = None, labels: Tensor | None = None) -> Losses:
        """(B, T) ids, mask and labels (-100 where nothing is asked) -> the sum of the cross-entropies, "mlm"."""
        chosen = labels != IGNORED
        logits = self.score(self.bert(input_ids, attention_mask).last_hidden_state[chosen])
        total = F.cross_entropy(logits.float(), labels[chosen], reduction="sum")
        return Losses(loss_sums={"mlm": total}, loss_counts={"mlm": len(logits)})

    def loss_counts(self, batch: Mapping[str, Tensor]) -> dict[str, int]:
        """Over how many hidden items a batch's loss sum runs."""
        return {"mlm": int((batch["labels"] != IGNORED).sum())}


class ItemModel:
    """What comes next in a history.

    Attributes:
        model: in evaluation mode. items: the names of all items; item i has the id i + 2.
        max_length: places that the model reads, [MASK] included: the newest max_length - 1 items count.
        history: of the training; None after `load`.
    """

    def __init__(self, model: BertForMaskedLM, items: Sequence[str], max_length: int, history: History | None = None):
        if len(set(items)) < len(items) or model.config.vocab_size != len(items) + len(SPECIALS):
            raise ValueError(
                f"items are {len(items)} names, {len(set(items))} of them different, for a table of "
                f"{model.config.vocab_size} rows: give each item once, and one row more for [PAD] and for [MASK]"
            )
        self.model, self.items, self.max_length, self.history = model.eval(), tuple(items), max_length, history
        self.number = {name: place for place, name in enumerate(self.items)}

    def ids(self, history: Sequence[str]) -> list[int]:
        """What the model reads of a history: ids, newest first, as many as it has places for beside [MASK].

        Raises:
            ValueError: no history, a text in place of a list, or an item that the model does not know.
        """
        if isinstance(history, str) or not len(history):
            raise ValueError(f"history={history!r}: give a list of at least one item, the oldest first")
        unknown = [name for name in history if name not in self.number]
        if unknown:
            raise ValueError(
                f"history has {unknown[0]!r:.60}, which the model does not know ({len(unknown)} of {len(history)} "
                f"items): leave it out, or give items such as {self.items[0]!r}"
            )
        return [self.number[name] + len(SPECIALS) for name in history[: -self.max_length : -1]]

    @torch.inference_mode()
    def scores(self, histories: Sequence[Sequence[str]], *, batch_size: int = 256) -> np.ndarray:
        """Of each history a score for every item as the next one, seen ones too: (N, items) float32 logits.

        Raises:
            ValueError: as `ids`.
        """
        rows = [[MASK, *self.ids(history)] for history in histories]
        found, device = np.empty((len(rows), len(self.items)), np.float32), next(self.model.parameters()).device
        for chosen in length_buckets([len(row) for row in rows], batch_size) if rows else []:
            ids, mask = pad_batch([rows[i] for i in chosen], PAD)
            states = self.model.bert(ids.to(device), mask.to(device)).last_hidden_state[:, 0]
            found[chosen] = self.model.score(states)[:, len(SPECIALS) :].float().cpu().numpy()
        return found

    def predict(self, history: Sequence[str], top: int = 10, exclude: Sequence[str] = ()) -> list[tuple[str, float]]:
        """The likeliest next items, best first, each with its probability among all; none that was seen or excluded.

        Raises:
            ValueError: as `ids`; top is below 1; or every item was seen or excluded.
        """
        if top < 1:
            raise ValueError(f"top={top!r}: give a whole number of at least 1")
        scores = torch.from_numpy(self.scores([history])[0])
        left = [place for place, name in enumerate(self.items) if name not in {*history, *exclude}]
        if not left:
            raise ValueError(f"all {len(self.items)} items are in history or exclude: there is none to recommend")
        shares = scores.softmax(0)[left]
        best = shares.argsort(descending=True, stable=True)[:top].tolist()
        return [(self.items[left[place]], float(shares[place])) for place in best]

    def save(self, folder: str | Path) -> None:
        """Write a folder that `load` opens, and transformers, of which an item's id is its place + 2."""
        own = {"max_length": self.max_length, "items": self.items}
        save_model(self.model, folder, extra_files={"items.json": json.dumps(own, ensure_ascii=False) + "\n"})

    @classmethod
    def load(cls, folder: str | Path) -> Self:
        """Open a folder that `save` wrote.

        Raises:
            FileNotFoundError: a file is missing. ValueError: one is damaged, or they do not belong together.
        """
        model, own = BertForMaskedLM.from_pretrained(read_model(folder)), read_json(Path(folder) / "items.json")
        if absent := [name for name in ("max_length", "items") if name not in own]:
            raise ValueError(f"{folder}: items.json lacks {absent[0]}; give a folder that ItemModel.save wrote")
        return cls(model.to(pick_device()), own["items"], own["max_length"])


def masked_windows(
    histories: Sequence[Sequence[int]], max_length: int, vocab_size: int, batch_size: int, probability: float, rng: Any
) -> list[Batch]:
    """Batches of an epoch: histories of ids (oldest first) cut into windows at places that are drawn anew each time.

    Of each window the newest item is hidden, which is what prediction will ask for, and of the others a share.
    """
    windows = []
    for ids in histories:
        first = int(rng.integers(1, max_length + 1))
        cuts = [0, *range(first, len(ids), max_length), len(ids)]
        windows += [ids[a:b][::-1] for a, b in zip(cuts[:-1], cuts[1:], strict=True) if b - a > 1]
    batches = []
    for chosen in length_buckets([len(window) for window in windows], batch_size, rng):
        ids, mask = pad_batch([windows[i] for i in chosen], PAD)
        shown, labels = mask_tokens(
            ids, vocab_size=vocab_size, mask_token_id=MASK, special_ids=SPECIALS, rng=rng, probability=probability
        )
        shown[:, 0], labels[:, 0] = MASK, ids[:, 0]
        batches.append({"input_ids": shown, "attention_mask": mask, "labels": labels})
    return batches


def fit(
    histories: Sequence[Sequence[str]],
    held_out: Sequence[str] | None = None,
    *,
    items: Sequence[str] | None = None,
    config: BertConfig | None = None,
    max_length: int = 50,
    probability: float = 0.2,
    recipe: Recipe | None = None,
    show_progress: bool = True,
    **settings: Any,
) -> ItemModel:
    """Train a model from random weights on histories, and keep the epoch that is best on what is held out.

    Args:
        histories: of each person the items, oldest first; those of fewer than two teach nothing.
        held_out: of each the next item, which chooses the epoch by nDCG@10 among unseen items; None keeps the last.
        items: all that there are; None for those in histories and held_out, sorted.
        config: its shape; vocab_size, pad_token_id and max_position_embeddings are set here.
        max_length, probability: places of a window; share of the items in it that are hidden beside the newest.
        settings: fields of the recipe that are to be others, such as epochs, learning_rate, batch_size, seed.

    Raises:
        ValueError: nothing to train on, or an argument out of its range. TypeError: a setting that there is not.
    """
    recipe = (recipe or RECIPES["items"]).but(**settings)
    if held_out is not None and len(held_out) != len(histories):
        raise ValueError(f"held_out has {len(held_out)} items for {len(histories)} histories: give one for each")
    if max_length < 2 or not any(len(history) > 1 for history in histories):
        raise ValueError(f"max_length={max_length!r}, {len(histories)} histories: give 2 or more, and two items in one")
    if items is None:
        items = sorted({*(name for history in histories for name in history), *(held_out or ())})
    seed_everything(recipe.seed)
    shape = (config or BertConfig(**SMALL)).to_dict() | {"vocab_size": len(items) + len(SPECIALS), "pad_token_id": PAD}
    model = BertForMaskedLM(BertConfig.from_dict(shape | {"max_position_embeddings": max_length})).to(pick_device())
    trained = ItemModel(model, items, max_length)
    ids = [[trained.number[name] + len(SPECIALS) for name in history] for history in histories]
    counts = np.bincount([one for row in ids for one in row], minlength=len(items) + len(SPECIALS))
    start_from_counts(model, counts)  # else the first updates learn no more than how frequent each item is
    known = [place for place, history in enumerate(histories) if len(history)]

    def measure(model: nn.Module) -> dict[str, float]:
        scores = trained.scores([histories[i] for i in known])
        for row, i in zip(scores, known, strict=True):
            row[[trained.number[name] for name in histories[i]]] = -np.inf
        best = np.argsort(-scores, axis=1, kind="stable")[:, :10]
        gains = [ndcg(row, {trained.number[held_out[i]]}, 10) for row, i in zip(best, known, strict=True)]
        return {"validation_ndcg@10": float(np.mean(gains))}

    def batches(epoch: int) -> list[Batch]:
        rng = np.random.default_rng((recipe.seed, epoch))
        made = masked_windows(ids, max_length, len(items) + len(SPECIALS), recipe.batch_size, probability, rng)
        for batch in made[:1]:
            check_ids("input_ids", batch["input_ids"], len(items) + len(SPECIALS), "give items that are in items")
        return made

    evaluation = Evaluation() if held_out is None else Evaluation(measure, maximize="validation_ndcg@10")
    log = Log(what="learning histories", show_progress=show_progress)
    trained.history = train(model, batches, recipe, evaluation=evaluation, log=log)
    return trained
