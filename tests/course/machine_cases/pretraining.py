"""Machines of lessons 05 and 05b."""

import json

import numpy as np
import solutions
import torch
from torch.nn import functional as F

from bertcourse.machines import pretraining
from bertcourse.machines.pretraining import NEVER, Gap
from bertlib.data import encoder_folder
from bertlib.train.optimizer import linear_schedule

PIECES = ["the", "cat", "sat", "dog", "ran", "mat", "hat", "##s", "oil", "price"]
TEXTS = ["the cat sat on the mat", "price of oil rises again", "a dog ran and the cat sat"]
OTHER_WORD = "xylophone"  # no piece


def be_the_model(place=1):
    gaps = [Gap(tuple(text.split()), 2, place if number == 0 else 2) for number, text in enumerate(TEXTS)]
    logits = torch.arange(30, dtype=torch.float64).reshape(3, 10).sin() * 3
    guesses = [dict(zip(PIECES, row.softmax(0).tolist(), strict=True)) for row in logits]
    return pretraining.be_the_model(gaps, dict(zip(PIECES, frequencies().tolist(), strict=True)), guesses)


def frequencies():
    counts = torch.tensor([50.0, 9, 4, 7, 3, 2, 2, 30, 5, 6], dtype=torch.float64)
    return counts / counts.sum()


def draw_guesses(rng, data):
    words = [*(row["hidden"] for row in data["rows"]), "dog", OTHER_WORD, ""]
    guesses = [row["hidden"] if rng.random() < 0.4 else str(rng.choice(words)) for row in data["rows"]]
    at = int(rng.integers(len(data["rows"])))
    share = int(rng.integers(data["largest"] // data["step"] + 1)) * data["step"]
    return {"at": at, "typed": str(rng.choice(["", "ca", "mat"])), "guesses": guesses, "share": share}


def expected_losses(data, state):
    """torch's cross-entropy of the distribution itself: all pieces, and one place for a word that is none of them."""
    rows = [(row, guess) for row, guess in zip(data["rows"], state["guesses"], strict=True) if guess]
    asked = torch.tensor([PIECES.index(row["hidden"]) for row, _ in rows], dtype=torch.long)

    def losses(percents):
        given = torch.zeros(len(rows), len(PIECES) + 1, dtype=torch.float64)
        given[:, :-1] = (1 - percents / 100) * frequencies()
        for number, (_, guess) in enumerate(rows):
            given[number, PIECES.index(guess) if guess in PIECES else -1] += percents / 100
        assert torch.allclose(given.sum(1), torch.ones(len(rows), dtype=torch.float64))
        return F.cross_entropy(given.log(), asked, reduction="none")

    model = F.nll_loss(
        torch.tensor([[row["probability"]] for row, _ in rows], dtype=torch.float64).reshape(-1, 1).log(),
        torch.zeros(len(rows), dtype=torch.long),
        reduction="none",
    )
    yours, unread = losses(state["share"]), losses(0)
    shares = list(range(0, data["largest"] + 1, data["step"]))
    means = [losses(percents).mean().item() for percents in shares]
    lowest = min(means) if rows else None
    return {
        "yours": yours.tolist(),
        "frequencies": unread.tolist(),
        "model": model.tolist(),
        "means": [part.mean().item() if rows else None for part in (yours, unread, model)],
        "hits": sum(row["hidden"] == guess for row, guess in rows),
        "best": shares[int(np.argmin(means))] if rows else None,
        "lowest": lowest,
    }


def schedule_curves():
    """Losses where the way down gains at the two larger peaks, the most at the largest, and costs at the smallest."""
    at = [0, 5, 10, 15, 20]
    last = np.array([[7.5, 7.3, 7.1], [7.1, 7.15, 7.25], [7.2, 7.5, 7.9]])  # peaks, zeros
    curve = np.linspace(1, 0, len(at)) * 2
    return at, last[:, None, :, None] + curve + np.array([0, 0.01, 0.02])[None, :, None, None]


def warm_up_and_decay(span=10.0):
    at, losses = schedule_curves()
    rates = {"peak": [0.3, 1.0, 3.0], "warmup": [0, 2, 10], "zero": [20, 40, NEVER]}
    return pretraining.warm_up_and_decay(rates, losses, at, 6.9, span)


def expected_schedule(data, state):
    total, up = data["at"][-1], data["warmups"][state["warmup"]]
    peak, zero = data["peaks"][state["peak"]], data["zeros"][state["zero"]]

    def rates(end, peak=peak, up=up):
        return [peak * linear_schedule(step, warmup_steps=up, total_steps=end) for step in range(total)]

    costly = [
        sum(rates(end, peak, up))
        for peak, of_peak in zip(data["peaks"], data["losses"], strict=True)
        for up, of_warmup in zip(data["warmups"], of_peak, strict=True)
        for end, curve in zip(data["zeros"], of_warmup, strict=True)
        if curve[-1] - of_warmup[-1][-1] > data["clearly"]
    ]
    curves = data["losses"][state["peak"]][state["warmup"]]
    return {
        "rates": rates(zero),
        "constant": rates(data["zeros"][-1]),
        "sum": sum(rates(zero)),
        "sumConstant": sum(rates(data["zeros"][-1])),
        "loss": curves[state["zero"]][-1],
        "lossConstant": curves[-1][-1],
        "largest": max(costly),
    }


def draw_schedule(rng, data):
    parts = {"peak": "peaks", "warmup": "warmups", "zero": "zeros"}
    return {key: int(rng.integers(len(data[name]))) for key, name in parts.items()}


def history():
    """Updates, held-out losses and minutes of the shipped checkpoint."""
    rows = json.loads((encoder_folder("bbc_bert") / "history.json").read_text(encoding="utf-8"))["rows"]
    minutes = np.cumsum([row.get("seconds", 0) / 60 for row in rows])
    return [row["updates"] for row in rows], [row["mlm_loss"] for row in rows], minutes.tolist()


def perplexity_halved(rows=33):
    return pretraining.perplexity_halved(*(part[:rows] for part in history()))


def expected_perplexities(data, state):
    """By the worked solution of lesson 05b's exercise, which is torch's exponential of the mean loss."""
    perplexity = solutions.answer("pretraining.perplexity")
    losses = [data["losses"][state[key]] for key in ("from", "to")]
    before, after = (perplexity(np.array([loss]), np.array([1])) for loss in losses)
    assert np.allclose(torch.tensor(losses, dtype=torch.float64).exp(), [before, after])
    between = {key: data[key][state["to"]] - data[key][state["from"]] for key in ("updates", "minutes")}
    return {"fall": losses[0] - losses[1], "before": before, "after": after, "ratio": after / before} | between


CASES = {
    "be_the_model": (
        be_the_model,
        lambda: be_the_model(place=5),
        draw_guesses,
        expected_losses,
        lambda data: [
            {"guesses": ["dog", "", ""]},
            {"guesses": ["dog", "cat", "price"]},
            {"share": 50},
            {"share": 0},
        ],
    ),
    "warm_up_and_decay": (
        warm_up_and_decay,
        lambda: warm_up_and_decay(span=11.0),
        draw_schedule,
        expected_schedule,
        lambda data: [{"peak": 1}, {"zero": 2}, {"peak": 0}, {"zero": 0}, {"zero": 1, "warmup": 1}, {"warmup": 0}],
    ),
    "perplexity_halved": (
        perplexity_halved,
        lambda: perplexity_halved(rows=30),
        lambda rng, data: {key: int(rng.integers(len(data["losses"]))) for key in ("from", "to")},
        expected_perplexities,
        lambda data: [
            {"from": data["updates"].index(1000), "to": data["updates"].index(2000)},  # halved, but too early
            {"from": data["updates"].index(5250), "to": data["updates"].index(2000)},
            {"from": data["updates"].index(2000), "to": data["updates"].index(5250)},
        ],
    ),
}
