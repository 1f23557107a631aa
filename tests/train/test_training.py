import copy
import math
import time

import pytest
import torch
from keywords import train
from torch import nn
from torch.nn import functional as F

from bertlib import BertForSequenceClassification
from bertlib.train.loop import taken_in_turn
from bertlib.train.optimizer import linear_schedule, parameter_groups

SETTINGS = {"epochs": 2, "learning_rate": 1e-2, "precision": "fp32", "show_progress": False}


def toy_batches(seed=0, count=6, size=8):
    """Sequences in which token 5 or token 6 stands somewhere; which of them is the label."""
    generator = torch.Generator().manual_seed(seed)
    batches = []
    for _ in range(count):
        labels = torch.randint(0, 2, (size,), generator=generator)
        ids = torch.randint(9, 17, (size, 6), generator=generator)
        ids[:, 0] = 2
        ids[torch.arange(size), torch.randint(1, 6, (size,), generator=generator)] = 5 + labels
        batches.append({"input_ids": ids, "labels": labels})
    return batches


def class_loss(model, batch):
    logits = model(batch["input_ids"]).logits
    return {"classification": F.cross_entropy(logits.float(), batch["labels"], reduction="sum")}


def count_labels(batch):
    return {"classification": len(batch["labels"])}


def accuracy(model):
    with torch.no_grad():
        hits = [(model(batch["input_ids"]).logits.argmax(-1) == batch["labels"]) for batch in toy_batches(seed=9)]
    return {"accuracy": torch.cat(hits).float().mean().item()}


def run(model, batches=None, **settings):
    batches = toy_batches() if batches is None else batches
    settings = SETTINGS | {"loss_sums": class_loss, "loss_counts": count_labels} | settings
    return train(model, lambda epoch: batches, **settings)


@pytest.fixture
def model(tiny_classifier_config):
    return BertForSequenceClassification(tiny_classifier_config)


def without_dropout(model):
    for module in model.modules():
        if hasattr(module, "p"):
            module.p = 0.0
        if hasattr(module, "dropout_p"):
            module.dropout_p = 0.0
    return model


class Scalar(nn.Module):
    """A model of one number w, for batches whose loss is slope · w."""

    def __init__(self):
        super().__init__()
        self.w = nn.Parameter(torch.zeros(()))


def run_scalar(slopes, **settings):
    model = Scalar()
    settings = SETTINGS | {"epochs": 1, "learning_rate": 0.1, "warmup": 0.0, "weight_decay": 0.0} | settings
    history = train(
        model,
        lambda epoch: [{"input_ids": torch.tensor([[slope]])} for slope in slopes],
        loss_sums=lambda model, batch: {"toy": (batch["input_ids"] * model.w).sum()},
        loss_counts=lambda batch: {"toy": 1},
        **settings,
    )
    return model, history


def test_learns_a_separable_task(model):
    batches, model = toy_batches(count=40), without_dropout(model)
    history = run(model, batches, epochs=4, learning_rate=3e-3, evaluate=accuracy, maximize="accuracy")
    assert history.epochs[history.best_epoch - 1]["accuracy"] > 0.95
    assert accuracy(model)["accuracy"] > 0.95
    assert history.epochs[-1]["loss"] < 0.2 < 0.6 < history.updates[0]["loss"]


def test_history_has_a_row_for_each_update_and_epoch(model):
    history = run(model, evaluate=accuracy, accumulation=4)
    assert [row["epoch"] for row in history.updates] == [1, 1, 2, 2]  # 6 batches: 4 and 2 an epoch
    assert [row["epoch"] for row in history.epochs] == [1, 2]
    for row in history.updates:
        assert row.keys() == {"epoch", "loss", "learning_rate", "grad_norm"}
    for number, row in enumerate(history.epochs):
        assert row.keys() == {
            "epoch",
            "updates",
            "examples",
            "loss",
            "seconds",
            "examples_per_second",
            "accuracy",
        }
        assert row["loss"] == pytest.approx(sum(r["loss"] for r in history.updates[2 * number :][:2]) / 2)
        assert row["examples_per_second"] == pytest.approx(48 / row["seconds"])
    assert history.best_epoch == 2


# --------------------------------------------------------------------------------------------- which epoch is kept


@pytest.mark.parametrize("scores, best", [((1, 3, 2), 2), ((3, 2, 1), 1), ((1, 2, 3), 3), ((2, 2, 2), 1)])
def test_best_epoch_is_restored(model, scores, best):
    states, written, remaining = [], [], iter(scores)

    def evaluate(model):
        assert not model.training
        states.append(copy.deepcopy(model.state_dict()))
        return {"score": next(remaining)}

    history = run(
        model,
        epochs=3,
        evaluate=evaluate,
        maximize="score",
        on_best=lambda model: written.append(copy.deepcopy(model.state_dict())),
    )
    assert history.best_epoch == best
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, states[best - 1][name])
        assert torch.equal(written[-1][name], tensor)
    assert not torch.equal(states[0]["classifier.weight"], states[1]["classifier.weight"])


def test_without_maximize_the_last_epoch_is_kept_and_written_once(model):
    written = []
    history = run(model, epochs=3, evaluate=accuracy, on_best=lambda model: written.append(model))
    assert history.best_epoch == 3
    assert len(written) == 1


def test_a_score_that_is_never_a_number_is_an_error(model):
    with pytest.raises(FloatingPointError, match="epoch 1: 'score' is nan"):
        run(model, evaluate=lambda model: {"score": float("nan")}, maximize="score")


def test_a_figure_that_evaluate_does_not_give(model):
    with pytest.raises(ValueError, match=r"maximize='f1' is not among what was measured: .*accuracy"):
        run(model, evaluate=accuracy, maximize="f1")


def test_the_worst_possible_score_is_a_score(model):
    assert run(model, epochs=2, evaluate=lambda model: {"score": -math.inf}, maximize="score").best_epoch == 1


def test_model_is_left_in_evaluation_mode_and_trained_in_training_mode(model):
    modes = []

    def spying_loss(model, batch):
        modes.append(model.training)
        return class_loss(model, batch)

    run(model, loss_sums=spying_loss, evaluate=accuracy)
    assert all(modes) and len(modes) == 12
    assert not model.training


# ------------------------------------------------------------------------------------------- optimizer and schedule


def test_exactly_biases_and_layer_norms_do_not_decay(model):
    decaying, still = parameter_groups(model, 0.01)
    assert (decaying["weight_decay"], still["weight_decay"]) == (0.01, 0.0)
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    assert {names[id(parameter)] for parameter in still["params"]} == {
        name for name in names.values() if name.endswith("bias") or "norm" in name
    }
    assert len(decaying["params"]) + len(still["params"]) == len(names)


def test_frozen_parameters_are_not_optimised(model):
    model.bert.embeddings.requires_grad_(False)
    before = copy.deepcopy(model.bert.embeddings.state_dict())
    run(model, weight_decay=0.5)
    for name, tensor in model.bert.embeddings.state_dict().items():
        assert torch.equal(tensor, before[name])


def test_weight_decay_shrinks_matrices_only():
    model = nn.Linear(2, 2)
    nn.init.ones_(model.weight), nn.init.ones_(model.bias)
    train(
        model,
        lambda epoch: [{"input_ids": torch.zeros(1, 2)}],
        loss_sums=lambda model, batch: {"toy": 0 * model(batch["input_ids"]).sum()},
        loss_counts=lambda batch: {"toy": 1},
        **SETTINGS | {"epochs": 1, "learning_rate": 0.1, "warmup": 0.0, "weight_decay": 0.5},
    )
    torch.testing.assert_close(model.weight.data, torch.full((2, 2), 1 - 0.1 * 0.5))
    torch.testing.assert_close(model.bias.data, torch.ones(2))


def test_schedule_by_hand():
    shares = [linear_schedule(step, warmup_steps=2, total_steps=6) for step in range(8)]
    assert shares == [0, 0.5, 1, 0.75, 0.5, 0.25, 0, 0]
    assert linear_schedule(0, warmup_steps=0, total_steps=4) == 1


def test_warm_up_counts_updates_not_batches(model):
    history = run(model, toy_batches(count=8), epochs=2, accumulation=2, learning_rate=1.0, warmup=0.25)
    shares = [row["learning_rate"] for row in history.updates]  # 8 updates, of which 2 warm up
    assert shares == pytest.approx([0, 1 / 2, 1, 5 / 6, 4 / 6, 3 / 6, 2 / 6, 1 / 6])


@pytest.mark.parametrize("limit, expected", [(1.0, 1.0), (0.25, 0.25), (1e9, 12.0)])
def test_clipping_really_clips(limit, expected):
    model, history = run_scalar([12.0], max_grad_norm=limit)
    assert history.updates[0]["grad_norm"] == pytest.approx(12.0)  # as it was before clipping
    assert model.w.grad.item() == pytest.approx(expected, rel=1e-5)


def test_small_gradients_are_not_scaled_up():
    model, _ = run_scalar([0.5], max_grad_norm=1.0)
    assert model.w.grad.item() == 0.5


def test_gradients_do_not_pile_up_over_updates():
    model, _ = run_scalar([1.0, 3.0], max_grad_norm=1e9)
    assert model.w.grad.item() == 3.0


# ---------------------------------------------------------------------------------------- what the result hangs on


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_seeds_reproduce_bit_for_bit(tiny_classifier_config, precision):
    def weights(seed, draws_before):
        torch.manual_seed(3)
        model = BertForSequenceClassification(tiny_classifier_config)
        torch.rand(draws_before)  # whatever happened before must not matter
        run(model, seed=seed, precision=precision)
        return torch.cat([parameter.flatten() for parameter in model.parameters()])

    assert torch.equal(weights(0, draws_before=5), weights(0, draws_before=9))
    assert not torch.equal(weights(0, draws_before=5), weights(1, draws_before=5))  # dropout differs


def test_bf16_stays_near_fp32(model):
    model = without_dropout(model)
    start, seen = copy.deepcopy(model.state_dict()), {}

    def spying_loss(model, batch):
        logits = model(batch["input_ids"]).logits
        seen[precision] = logits.dtype
        return {"classification": F.cross_entropy(logits.float(), batch["labels"], reduction="sum")}

    losses = {}
    for precision in ("fp32", "bf16"):
        model.load_state_dict(start)
        history = run(model, precision=precision, learning_rate=1e-3, loss_sums=spying_loss)
        losses[precision] = torch.tensor([row["loss"] for row in history.updates])
        assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}
    assert seen == {"fp32": torch.float32, "bf16": torch.bfloat16}
    torch.testing.assert_close(losses["bf16"], losses["fp32"], rtol=0.02, atol=0.02)
    assert not torch.equal(losses["bf16"], losses["fp32"])


@pytest.mark.parametrize("accumulation", [2, 4])
def test_weights_do_not_depend_on_how_an_update_is_split(model, accumulation):
    model = without_dropout(model)
    whole = toy_batches(count=2, size=12)
    sizes = {2: [9, 3], 4: [1, 5, 2, 4]}[accumulation]
    parts = []
    for batch in whole:
        pieces = {name: tensor.split(sizes) for name, tensor in batch.items()}
        parts += [dict(zip(pieces, piece, strict=True)) for piece in zip(*pieces.values(), strict=True)]
    start, results = copy.deepcopy(model.state_dict()), []
    for batches, steps in ((whole, 1), (parts, accumulation)):
        model.load_state_dict(start)
        history = run(model, batches, accumulation=steps, learning_rate=1e-3, warmup=0.0)
        weights = torch.cat([parameter.detach().flatten() for parameter in model.parameters()])
        results.append((torch.tensor([row["loss"] for row in history.updates]), weights))
    torch.testing.assert_close(results[0][0], results[1][0], rtol=1e-4, atol=1e-5)
    # AdamW divides by the gradient's size, so where a gradient is nearly 0 its rounding shows; in norm it does not.
    moved = (results[0][1] - torch.cat([start[name].flatten() for name, _ in model.named_parameters()])).norm()
    assert (results[0][1] - results[1][1]).norm() < 0.01 * moved


def test_terms_are_averaged_each_over_its_own_count():
    model = Scalar()
    batches = [{"input_ids": torch.ones(1, 1), "a": 2, "b": 0}, {"input_ids": torch.ones(1, 1), "a": 6, "b": 3}]
    batches = [{name: torch.as_tensor(value) for name, value in batch.items()} for batch in batches]
    history = train(
        model,
        lambda epoch: batches,
        loss_sums=lambda model, batch: {name: batch[name] * (model.w + 1) for name in ("a", "b")},
        loss_counts=lambda batch: {name: int(batch[name]) for name in ("a", "b")},
        accumulation=2,
        max_grad_norm=1e9,
        **SETTINGS,
    )
    assert history.updates[0]["loss"] == pytest.approx(2.0)  # each term's mean is 1
    assert model.w.grad.item() == pytest.approx(2.0)


def test_term_without_examples_counts_nothing():
    model = Scalar()
    history = train(
        model,
        lambda epoch: [{"input_ids": torch.ones(1, 1)}],
        loss_sums=lambda model, batch: {"mlm": 0 * model.w, "nsp": model.w + 3},
        loss_counts=lambda batch: {"mlm": 0, "nsp": 1},
        **SETTINGS | {"epochs": 1},
    )
    assert history.updates[0]["loss"] == 3.0


def test_make_batches_is_asked_for_each_epoch(model):
    asked = []

    def make_batches(epoch):
        asked.append(epoch)
        return toy_batches(seed=epoch, count=2)

    train(model, make_batches, loss_sums=class_loss, loss_counts=count_labels, **SETTINGS | {"epochs": 3})
    assert asked == [0, 1, 2]


@pytest.mark.parametrize("accumulation", [1, 4])
def test_batches_are_asked_for_one_at_a_time(accumulation):
    """A sequence may build each batch when it is needed: nothing is asked for twice, sliced or run through."""
    asked, built = [], []

    class Lazy:
        def __len__(self):
            return 6

        def __getitem__(self, index):
            assert isinstance(index, int) and 0 <= index < 6
            asked.append(index)
            return {"input_ids": torch.ones(1, 1)}

        __iter__ = None

    def sums(model, batch):
        built.append(len(asked))
        return {"toy": model.w * batch["input_ids"].sum()}

    train(
        Scalar(),
        lambda epoch: Lazy(),
        loss_sums=sums,
        loss_counts=lambda batch: {"toy": 1},
        accumulation=accumulation,
        **SETTINGS,
    )
    assert asked == [0, *range(6), *range(6)]  # the first of all once more, for the names of its terms
    needed = {1: list(range(2, 14)), 4: [5, 5, 5, 5, 7, 7, 11, 11, 11, 11, 13, 13]}
    assert built == needed[accumulation]  # no update's batches are built before the update


def test_evaluate_first_measures_the_untrained_model(model):
    untrained, states = copy.deepcopy(model.state_dict()), []

    def evaluate(model):
        assert not model.training
        states.append(copy.deepcopy(model.state_dict()))
        return {"figure": len(states)}

    history = run(model, evaluate=evaluate, evaluate_first=True, unit="labels")
    assert history.epochs[0] == {"epoch": 0, "updates": 0, "labels": 0, "figure": 1}
    assert [(row["epoch"], row["updates"], row["figure"]) for row in history.epochs[1:]] == [(1, 6, 2), (2, 12, 3)]
    assert all(torch.equal(states[0][name], tensor) for name, tensor in untrained.items())
    assert history.best_epoch == 2
    model.load_state_dict(untrained)
    assert run(model, evaluate=accuracy).updates == history.updates  # looking first changes nothing


def test_evaluate_first_with_nothing_to_evaluate(model):
    assert [row["epoch"] for row in run(model, evaluate_first=True).epochs] == [1, 2]


@pytest.mark.parametrize("first", [False, True])
def test_on_epoch_sees_every_row_as_it_comes(model, first):
    seen = []
    run(
        model,
        evaluate=accuracy,
        evaluate_first=first,
        on_epoch=lambda history: seen.append((len(history.epochs), len(history.updates), history.best_epoch)),
    )
    assert seen == ([(1, 0, None), (2, 6, 1), (3, 12, 2)] if first else [(1, 6, 1), (2, 12, 2)])


def test_unit_and_size_are_what_the_speed_counts(model):
    batches = toy_batches()
    sizes = [int((batch["input_ids"] > 12).sum()) for batch in batches]
    history = run(model, batches, unit="tokens", size=lambda batch: int((batch["input_ids"] > 12).sum()))
    assert [row["tokens"] for row in history.epochs] == [sum(sizes), 2 * sum(sizes)]
    for row in history.epochs:
        assert row["tokens_per_second"] == pytest.approx(sum(sizes) / row["seconds"])
        assert "examples" not in row


# ------------------------------------------------------------------------------------------------------- bad input


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_loss_that_is_not_a_number(bad):
    with pytest.raises(FloatingPointError, match=r"update 2: loss -?(nan|inf).*lower learning_rate=0\.1.*'fp32'"):
        run_scalar([1.0, bad])


def test_nothing_to_train_on(model):
    with pytest.raises(ValueError, match=r"batches\(0\) is empty"):
        run(model, [])


@pytest.mark.parametrize(
    "name, value",
    [
        ("epochs", 0),
        ("epochs", 1.5),
        ("accumulation", 0),
        ("learning_rate", 0.0),
        ("learning_rate", -1e-5),
        ("learning_rate", float("nan")),
        ("warmup", 1.0),
        ("warmup", -0.1),
        ("weight_decay", -0.01),
        ("weight_decay", float("nan")),
        ("max_grad_norm", 0.0),
        ("precision", "fp16"),
        ("maximize", "accuracy"),
    ],
)
def test_argument_out_of_range_is_named(model, name, value):
    with pytest.raises(ValueError, match=f"{name}={value!r}"):
        run(model, **{name: value})


# ------------------------------------------------------------------------------------------- batches built ahead


@pytest.mark.parametrize("ahead", [False, True])
def test_batches_come_in_turn_each_once(ahead):
    asked = []

    class Recording(list):
        def __getitem__(self, index):
            asked.append(index)
            return super().__getitem__(index)

    shares = [range(0, 3, 2), range(3, 4), range(4, 4), range(4, 6)]
    taken = list(taken_in_turn(Recording("abcdef"), shares, ahead))
    assert taken == [["a", "c"], ["d"], [], ["e", "f"]] and asked == [0, 2, 3, 4, 5]


def test_one_share_is_built_ahead_and_no_more():
    built = []

    class Slow:
        def __getitem__(self, index):
            built.append(index)
            return index

    turns = taken_in_turn(Slow(), [range(n, n + 1) for n in range(5)], ahead=True)
    assert next(turns) == [0]
    time.sleep(0.2)
    assert built == [0, 1]
    turns.close()


def test_what_fails_while_it_is_built_ahead_fails_here():
    turns = taken_in_turn([1, 2], [range(1), range(1, 3)], ahead=True)
    assert next(turns) == [1]
    with pytest.raises(IndexError):
        next(turns)
