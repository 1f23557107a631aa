"""Machine of lesson 04."""

import numpy as np
import pytest
import torch

from bertcourse.machines import masking
from bertlib.data import encoder_folder
from bertlib.text.masking import IGNORED, mask_tokens
from bertlib.text.wordpiece import load_tokenizer

TOKENIZER = load_tokenizer(encoder_folder("bbc_bert"))


def mask_again(text="The government will publish its new budget on Thursday morning."):
    return masking.mask_again(TOKENIZER, TOKENIZER.encode(text).ids)


def numbers(seed, count):
    """What `generator(seed)` of the script gives, from the first on (mulberry32)."""
    with np.errstate(over="ignore"):
        a = np.uint32(seed) + np.arange(1, count + 1, dtype=np.uint32) * np.uint32(0x6D2B79F5)
        t = (a ^ (a >> np.uint32(15))) * (np.uint32(1) | a)
        t = (t + (t ^ (t >> np.uint32(7))) * (np.uint32(61) | t)) ^ t
    return (t ^ (t >> np.uint32(14))).astype(np.float64) / 2**32


class Given:
    """Stands for a numpy Generator: gives the script's numbers in the order in which `mask_tokens` asks for them."""

    def __init__(self, draw, fate, picks):
        self.arrays, self.picks = [draw, fate], picks

    def random(self, shape, dtype):
        assert self.arrays[0].shape == shape
        return self.arrays.pop(0)

    def integers(self, high, size):
        return np.floor(self.picks * high).astype(np.int64)[:size]


def expected_masks(data, state):
    """The library's masks for all texts at once. The wrong function's two draws become the one that does the same."""
    ids, count, found = torch.tensor(data["text"]), len(data["text"]), []
    rows = ids.expand(state["texts"], -1)
    settings = {"vocab_size": len(data["pieces"]), "mask_token_id": data["mask"]}
    settings |= {"special_ids": list(range(data["specials"])), "probability": data["share"]}
    for number in (0, 1):
        drawn = numbers(number + 1, 4 * count * state["texts"]).reshape(state["texts"], count, 4)
        draw, fate, second, pick = drawn.transpose(2, 0, 1)
        if number == data["faulty"]:
            fate = np.where(fate < 0.8, fate, np.where(second < 0.1, 0.95, 0.85))
        ordinary = rows.numpy() >= data["specials"]
        randomly = ordinary & (draw < data["share"]) & (fate >= 0.9)
        shown, labels = mask_tokens(rows, **settings, rng=Given(draw, fate, pick[randomly]))
        asked = labels != IGNORED
        kinds = {"mask": shown == data["mask"], "same": shown == rows}
        counts = {name: int((asked & kind).sum()) for name, kind in kinds.items()} | {"selected": int(asked.sum())}
        counts["random"] = counts["selected"] - counts["mask"] - counts["same"]
        counts["tokens"] = int(ordinary.sum())
        found.append({"shown": shown[-1].tolist(), "asked": asked[-1].tolist(), "counts": counts})
    return {"functions": found}


def draw_texts(rng, data):
    texts = int(rng.integers(1, 40)) if rng.random() < 0.5 else int(rng.integers(40, 4000))
    return {"texts": texts, "judged": [None, 0, 1][int(rng.integers(3))]}


def test_refused():
    with pytest.raises(ValueError, match="give a text with at least 4 ordinary tokens"):
        mask_again("Yes, no")


CASES = {
    "mask_again": (
        mask_again,
        lambda: mask_again("The government will publish its budget on Thursday."),
        draw_texts,
        expected_masks,
        lambda data: [
            {"judged": data["faulty"]},
            {"judged": 1 - data["faulty"]},
            {"texts": 1101},
            {"judged": data["faulty"]},
        ],
    ),
}
