"""The three places where another way of training takes hold, each in the smallest use that shows it."""

import copy

import pytest
import torch
from keywords import train
from torch.nn import functional as F

from bertlib import BertForSequenceClassification
from bertlib.train.loop import HeadLoss

SETTINGS = {"epochs": 2, "learning_rate": 1e-2, "precision": "fp32", "show_progress": False}


@pytest.fixture
def model(tiny_classifier_config):
    model = BertForSequenceClassification(tiny_classifier_config)
    for module in model.modules():
        for name in ("p", "dropout_p"):
            if hasattr(module, name):
                setattr(module, name, 0.0)
    return model


def batches(count=4, size=6):
    generator = torch.Generator().manual_seed(0)
    made = []
    for _ in range(count):
        ids = torch.randint(5, 30, (size, 7), generator=generator)
        made.append({"input_ids": ids, "labels": torch.randint(0, 3, (size,), generator=generator)})
    return made


def test_some_weights_train_and_the_others_stay(model):
    """As adapters need it: what requires no gradient is neither changed nor remembered by the optimizer."""
    for name, parameter in model.named_parameters():
        parameter.requires_grad = name.startswith("classifier")
    before = copy.deepcopy(model.state_dict())
    history = train(model, lambda epoch: batches(), **SETTINGS | {"epochs": 20})
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, before[name]) is not name.startswith("classifier"), name
    assert history.epochs[-1]["loss"] < history.epochs[0]["loss"]


def test_another_loss(model, tiny_classifier_config):
    """As distillation needs it: the batch's labels are left aside, and a teacher's probabilities are learned."""
    torch.manual_seed(5)
    teacher = BertForSequenceClassification(tiny_classifier_config).eval()
    with torch.no_grad():
        teacher.classifier.weight *= 30

    class Distillation(HeadLoss):
        def sums(self, model, batch):
            with torch.no_grad():
                wanted = teacher(batch["input_ids"]).logits.softmax(-1)
            logits = model(batch["input_ids"]).logits
            return {"soft": F.cross_entropy(logits, wanted, reduction="sum")}

        def counts(self, model, batch):
            return {"soft": len(batch["input_ids"])}

    def distance():
        model.eval()
        with torch.no_grad():
            gaps = [
                teacher(b["input_ids"]).logits.softmax(-1) - model(b["input_ids"]).logits.softmax(-1) for b in batches()
            ]
        return torch.cat(gaps).abs().max().item()

    before = distance()
    train(model, lambda epoch: batches(), loss=Distillation(), **SETTINGS | {"epochs": 15})
    assert distance() < 0.5 * before


def test_a_gradient_of_each_example(model):
    """As private training needs it: each example's gradient is bounded before they are summed."""
    norms = []

    def bounded(model, batch, loss_of, most=0.01):
        kept = [torch.zeros_like(parameter) for parameter in model.parameters()]
        total = 0.0
        for number in range(len(batch["input_ids"])):
            model.zero_grad()
            loss = loss_of(model, {name: tensor[number : number + 1] for name, tensor in batch.items()})
            loss.backward()
            norm = torch.stack([p.grad.norm() for p in model.parameters()]).norm()
            norms.append(norm.item())
            for held, parameter in zip(kept, model.parameters(), strict=True):
                held += parameter.grad * min(1.0, most / norm.item())
            total += loss.detach()
        for held, parameter in zip(kept, model.parameters(), strict=True):
            parameter.grad = held
        return total

    history = train(model, lambda epoch: batches(), gradient=bounded, **SETTINGS)
    assert len(norms) == 2 * 4 * 6 and max(norms) > 0.01
    assert all(row["grad_norm"] <= 6 * 0.01 * 1.001 for row in history.updates)


def test_the_sum_of_examples_is_the_batch(model):
    """The control: without a bound the sum over examples is what a whole batch gives."""

    def one_by_one(model, batch, loss_of):
        parts = range(len(batch["input_ids"]))
        losses = [loss_of(model, {name: tensor[n : n + 1] for name, tensor in batch.items()}) for n in parts]
        sum(losses).backward()
        return sum(losses).detach()

    other = copy.deepcopy(model)
    whole = train(model, lambda epoch: batches(), **SETTINGS | {"epochs": 1})
    parts = train(other, lambda epoch: batches(), gradient=one_by_one, **SETTINGS | {"epochs": 1})
    for a, b in zip(whole.updates, parts.updates, strict=True):
        assert a["loss"] == pytest.approx(b["loss"], rel=1e-4) and a["grad_norm"] == pytest.approx(
            b["grad_norm"], rel=1e-3
        )
