"""What an encoder says about texts from left to right, and what comes out when it is made to write: lesson 16."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from bertlib.tasks.pretrained import PretrainedBert
from bertlib.text.batching import pad_batch
from bertlib.text.pair_stream import special_ids

SIGHTS = ("both sides", "left alone, a text that ends", "left alone, by a causal mask")


@torch.inference_mode()
def losses_at(bert: PretrainedBert, ids: Sequence[int], places: Sequence[int], sight: str = SIGHTS[0]) -> np.ndarray:
    """The loss in nats at each of some places of a text, hidden one at a time.

    Args:
        ids: (T,) with [CLS] and [SEP]. places: where to hide a piece.
        sight: what the model reads beside it. "both sides": all the rest. "left alone, a text that ends": what stands
            before, then [MASK] and [SEP], as if the text ended there. "left alone, by a causal mask": all, but no
            token looks to the right of itself, as in a decoder; [MASK] stands in the place itself.

    Raises:
        ValueError: a sight that there is not.
    """
    if sight not in SIGHTS:
        raise ValueError(f"sight={sight!r}: choose among {', '.join(map(repr, SIGHTS))}")
    special = special_ids(bert.tokenizer)
    rows = []
    for place in places:
        row = list(ids)
        row[place] = special["[MASK]"]
        rows.append([*row[: place + 1], special["[SEP]"]] if sight == SIGHTS[1] else row)
    input_ids, there = pad_batch(rows, special["[PAD]"])
    causal = sight == SIGHTS[2]
    logits = causal_logits(bert, input_ids) if causal else bert.model(input_ids, there).prediction_logits
    here = logits[torch.arange(len(rows)), torch.tensor(list(places))].float()
    return F.cross_entropy(here, torch.tensor([ids[place] for place in places]), reduction="none").numpy()


def causal_logits(bert: PretrainedBert, input_ids: Tensor) -> Tensor:
    """Scores (B, T, V) of a trained model whose attention is cut to the left, and nothing else changed."""
    encoder, length = bert.model.bert, input_ids.size(1)
    mask = torch.ones(length, length, dtype=torch.bool).tril()[None, None]
    hidden = encoder.embeddings(input_ids, None)
    for layer in encoder.layers:
        hidden, _ = layer(hidden, mask, False)
    return bert.model.mlm(hidden, encoder.embeddings.word_embeddings.weight)


@torch.inference_mode()
def pseudo_losses(bert: PretrainedBert, ids: Sequence[int], batch_size: int = 64) -> np.ndarray:
    """The loss in nats at each piece of a text, hidden alone (Salazar et al., 2020): (T − 2,), no [CLS], no [SEP].

    Their negative sum is the pseudo-log-likelihood.
    """
    places = range(1, len(ids) - 1)
    parts = [places[start : start + batch_size] for start in range(0, len(places), batch_size)]
    return np.concatenate([losses_at(bert, ids, part) for part in parts])


@torch.inference_mode()
def gibbs(
    bert: PretrainedBert,
    lengths: Sequence[int],
    sweeps: int,
    rng: np.random.Generator,
    *,
    temperature: float = 1.0,
    on_sweep: Callable[[int, Tensor], None] | None = None,
) -> list[list[int]]:
    """Texts by repeated masking: all [MASK] at first, then place after place, in a random order, drawn anew.

    After Wang and Cho (2019). Special tokens are never drawn; each place is drawn from the model's distribution, not
    its best guess, given all other places as they stand.

    Args:
        lengths: pieces of each text, [CLS] and [SEP] not counted.
        sweeps: how often each place is drawn.
        temperature: below 1 makes likely pieces likelier.
        on_sweep: called with the number of the sweep, from 1, and the rows.

    Returns:
        Of each text the ids, without [CLS] and [SEP].
    """
    if temperature <= 0 or sweeps < 1:
        raise ValueError(f"temperature={temperature!r}, sweeps={sweeps!r}: give a number above 0, and at least 1")
    special = special_ids(bert.tokenizer)
    longest = max(lengths)
    rows = torch.full((len(lengths), longest + 2), special["[PAD]"])
    rows[:, 0] = special["[CLS]"]
    for row, length in zip(rows, lengths, strict=True):
        row[1 : length + 1], row[length + 1] = special["[MASK]"], special["[SEP]"]
    there = (rows != special["[PAD]"]).long()
    generator = torch.Generator().manual_seed(int(rng.integers(2**31)))
    for sweep in range(1, sweeps + 1):
        orders = [1 + rng.permutation(length) for length in lengths]
        for step in range(longest):
            chosen = [i for i, order in enumerate(orders) if step < len(order)]
            places = torch.tensor([int(orders[i][step]) for i in chosen])
            numbers = torch.tensor(chosen)
            rows[numbers, places] = special["[MASK]"]
            hidden = bert.model.bert(rows[numbers], there[numbers]).last_hidden_state[torch.arange(len(chosen)), places]
            logits = bert.model.mlm(hidden, bert.model.bert.embeddings.word_embeddings.weight).float() / temperature
            logits[:, list(special.values())] = -torch.inf
            rows[numbers, places] = torch.multinomial(logits.softmax(-1), 1, generator=generator)[:, 0]
        if on_sweep is not None:
            on_sweep(sweep, rows)
    return [row[1 : length + 1].tolist() for row, length in zip(rows, lengths, strict=True)]


def runs(ids: Sequence[int], n: int) -> set[tuple[int, ...]]:
    """The different runs of n neighbouring ids."""
    return {tuple(ids[i : i + n]) for i in range(len(ids) - n + 1)}


def copied(texts: Iterable[Sequence[int]], known: Iterable[Sequence[int]], n: int = 8) -> float:
    """Of all runs of n pieces in some texts, the share that stands in others; 0 if no text is long enough."""
    seen = set().union(*(runs(ids, n) for ids in known))
    every = [tuple(ids[i : i + n]) for ids in texts for i in range(len(ids) - n + 1)]
    return float(np.mean([run in seen for run in every])) if every else 0.0


def different(texts: Iterable[Sequence[int]], n: int = 2) -> float:
    """Of all runs of n pieces in some texts, the share of different ones: 1 where nothing is said twice."""
    every = [tuple(ids[i : i + n]) for ids in texts for i in range(len(ids) - n + 1)]
    return len(set(every)) / len(every) if every else 0.0


def disagreement(bert: PretrainedBert, ids: Sequence[int], places: tuple[int, int], others: tuple[int, int]) -> float:
    """By how many nats a model's guesses at two places contradict each other: 0 if any joint distribution had them.

    Two pieces a, b become others a′, b′ in two ways, a first or b first. Where the guesses are conditionals of one
    joint distribution, both ways change its logarithm by the same (Besag, 1974). The size of the difference is given.

    Args:
        ids: (T,) with [CLS] and [SEP]. places: two of them. others: the pieces a′ and b′.
    """
    (i, j), (a, b) = places, others

    def change(place: int, piece: int, beside: int | None) -> float:
        """log p(piece there) − log p(the text's own piece there), with the other place as it is, or exchanged."""
        row = list(ids)
        if beside is not None:
            row[j if place == i else i] = beside
        own = losses_at(bert, row, [place])[0]
        row[place] = piece
        return float(own - losses_at(bert, row, [place])[0])

    return abs(change(i, a, None) + change(j, b, a) - change(j, b, None) - change(i, a, b))
