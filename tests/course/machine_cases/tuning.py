"""Machines of lesson 17."""

from functools import cache

import numpy as np

from bertcourse.machines import tuning
from bertcourse.machines.tuning import METHODS, SIZES
from bertlib.model.adapters import LoRA, Tuning, put_on, trained
from bertlib.model.config import BertConfig
from bertlib.model.encoder import BertModel
from bertlib.tasks.tuning import expected_maximum

MANY = 24


@cache
def scores(seed):
    rng = np.random.default_rng(seed)
    validation = (80 + 4 * rng.standard_normal(MANY)).round(1)
    validation[5] = validation[9] = validation.max()  # of equal scores any may be chosen
    return validation, (validation - 2 + rng.standard_normal(MANY)).round(2), (81 + rng.standard_normal(8)).round(2)


def trials_tried(seed=0):
    return tuning.trials_tried(*scores(seed))


def draw_trials(rng, data):
    return {"trials": int(rng.integers(1, MANY + 1)), "opened": bool(rng.random() < 0.5)}


@cache
def chosen_on_test(n):
    """The test score of the best of n on validation, on average: each trial by the chance that it is chosen."""
    validation, test, _ = scores(0)
    own = {score: test[validation == score].mean() for score in validation}
    ordered = sorted(validation)
    chance = [((i + 1) / MANY) ** n - (i / MANY) ** n for i in range(MANY)]
    return sum(p * own[score] for p, score in zip(chance, ordered, strict=True))


def expected_trials(data, state):
    validation, _, seeds = scores(0)
    return {
        "best": expected_maximum(validation, state["trials"]),
        "seeds": expected_maximum(seeds, state["trials"]),
        "test": chosen_on_test(state["trials"]) if state["opened"] else -1,
    }


def first_near(data):
    validation = scores(0)[0]
    most = expected_maximum(validation, MANY)
    return next(n for n in range(1, MANY + 1) if most - expected_maximum(validation, n) <= 0.5)


def config(width):
    return BertConfig(
        vocab_size=60,
        hidden_size=width,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=3 * width,
        max_position_embeddings=80,
    )


def weights_in_a_layer(width=64):
    return tuning.weights_in_a_layer(config(width))


def draw_method(rng, data):
    return {"method": str(rng.choice(METHODS)), "size": int(rng.integers(1, SIZES + 1))}


@cache
def names_that_train(method, size):
    model = BertModel(config(64))
    if method == "full":
        return {name: p.numel() for name, p in model.named_parameters()}
    put_on(model, LoRA(rank=size) if method == "lora" else Tuning(method, size))
    return {name: p.numel() for name, p in trained(model).items()}


def expected_weights(data, state):
    counts = names_that_train(state["method"], state["size"])

    def part(*beginnings, without=("down", "up")):
        names = [f"layers.0.{name}" for name in beginnings]
        own = [name for name in counts if name.startswith(tuple(names)) and name.split(".")[-2] not in without]
        return sum(counts[name] for name in own)

    return {
        "parts": [
            part("attention.query", "attention.key", "attention.value"),
            part("attention.output."),
            part("attention.output.down", "attention.output.up", without=()),
            part("attention_norm"),
            part("intermediate", "output."),
            part("output.down", "output.up", without=()),
            part("output_norm"),
        ],
        "beyond": sum(count for name, count in counts.items() if not name.startswith("layers.")),
        "total": sum(counts.values()),
    }


CASES = {
    "trials_tried": (
        trials_tried,
        lambda: trials_tried(1),
        draw_trials,
        expected_trials,
        lambda data: [
            {"trials": MANY},
            {"trials": first_near(data) - 1},
            {"trials": first_near(data)},
            {"opened": True},
        ],
    ),
    "weights_in_a_layer": (
        weights_in_a_layer,
        lambda: weights_in_a_layer(32),
        draw_method,
        expected_weights,
        lambda data: [{"method": "prefix", "size": 3}, {"method": "lora"}, {"size": data["rank"]}],
    ),
}

WRONG = {
    "few trials": (lambda: tuning.trials_tried([80.0] * 4, [79.0] * 4, [80.0, 81.0]), "4 trials with 4 test scores"),
    "tests of others": (lambda: tuning.trials_tried([80.0] * 6, [79.0] * 5, [80.0, 81.0]), "each with both scores"),
    "all alike": (lambda: tuning.trials_tried([80.0] * 6, [79.0] * 6, [80.0, 81.0]), "one trial is so near already"),
    "a wide bottleneck": (lambda: tuning.weights_in_a_layer(config(64), 65), "give 1 to 64"),
    "beyond all ranks": (lambda: tuning.weights_in_a_layer(config(64), 64), "no one rank up to 63 is nearest"),
}
