"""Training with adapters: only they and the head are learned and remembered, alone or in several processes."""

import copy

import pytest
import safetensors.torch
import torch
from keywords import train
from test_processes import join, needs_fork

from bertlib import BertConfig, BertForSequenceClassification
from bertlib.model.adapters import LoRA, digest, put_on, save_adapters, trained
from bertlib.train.checkpoints import Checkpoints
from bertlib.train.optimizer import make_optimizer
from bertlib.train.recipe import Recipe

SHAPE = {"vocab_size": 40, "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
CONFIG = BertConfig(**SHAPE, max_position_embeddings=12, labels=("a", "b", "c"))
SETTINGS = {"epochs": 4, "learning_rate": 3e-2, "precision": "fp32", "show_progress": False, "accumulation": 2}


def adapted(dropout=0.1, seed=0):
    """With dropout, so that its randomness too must go on where it stopped."""
    torch.manual_seed(seed)
    model = BertForSequenceClassification(CONFIG)
    for name, parameter in model.named_parameters():
        if "norm" not in name:
            torch.nn.init.normal_(parameter, std=0.3)
    put_on(model, LoRA(rank=2, alpha=6, dropout=dropout))
    for module in model.modules() if not dropout else ():
        for name in ("p", "dropout_p"):
            if hasattr(module, name):
                setattr(module, name, 0.0)
    return model


def batches(count=6, size=4):
    """The class is told by the first token."""
    generator = torch.Generator().manual_seed(0)
    made = []
    for _ in range(count):
        ids = torch.randint(5, 40, (size, 7), generator=generator)
        made.append({"input_ids": ids, "labels": ids[:, 1] % 3})
    return made


def assert_same(one, other):
    for (name, mine), theirs in zip(one.state_dict().items(), other.state_dict().values(), strict=True):
        assert torch.equal(mine, theirs), name


def test_only_adapters_and_head_learn_and_are_remembered():
    model = adapted()
    before, encoder = copy.deepcopy(model.state_dict()), digest(model)
    optimizer = make_optimizer(model, Recipe(learning_rate=1e-2))
    given = [p for group in optimizer.param_groups for p in group["params"]]
    assert {id(p) for p in given} == {id(p) for p in trained(model).values()} and len(given) == 10
    history = train(model, lambda epoch: batches(), **SETTINGS | {"epochs": 30})
    moved = {name for name, tensor in model.state_dict().items() if not torch.equal(tensor, before[name])}
    assert moved == set(trained(model)) and digest(model) == encoder
    assert history.epochs[-1]["loss"] < 0.5 * history.epochs[0]["loss"]


def test_a_checkpoint_goes_on_bit_for_bit(tmp_path):
    whole = adapted()
    expected = train(whole, lambda epoch: batches(), **SETTINGS)

    def stop(history):
        if len(history.epochs) == 3:
            raise KeyboardInterrupt

    settings = {"checkpoints": Checkpoints(tmp_path, {"seed": 0})}
    with pytest.raises(KeyboardInterrupt):
        train(adapted(), lambda epoch: batches(), on_epoch=stop, **SETTINGS | settings)
    flat = safetensors.torch.load_file(settings["checkpoints"].place(6) / "optimizer.safetensors")
    again = adapted(seed=1)  # whose weights are all replaced
    assert {key.rpartition("/")[0] for key in flat} == set(trained(again))
    history = train(again, lambda epoch: batches(), **SETTINGS | settings)
    assert_same(again, whole)
    assert history.updates == expected.updates


def test_a_checkpoint_of_a_whole_model_is_refused(tmp_path):
    plain = BertForSequenceClassification(CONFIG)
    train(plain, lambda epoch: batches(), checkpoints=Checkpoints(tmp_path, {}), **SETTINGS | {"epochs": 1})
    with pytest.raises(ValueError, match="holds the weights of another model"):
        train(adapted(), lambda epoch: batches(), checkpoints=Checkpoints(tmp_path, {}), **SETTINGS)


def test_the_best_epoch_is_kept_and_written(tmp_path):
    model = adapted()
    figures, seen = iter([0.2, 0.9, 0.4, 0.3]), []

    def measure(model):
        seen.append({name: tensor.clone() for name, tensor in trained(model).items()})
        return {"score": next(figures)}

    history = train(
        model,
        lambda epoch: batches(),
        evaluate=measure,
        maximize="score",
        on_best=lambda model: save_adapters(model, tmp_path / "best"),
        **SETTINGS,
    )
    assert history.best_epoch == 2
    assert all(torch.equal(tensor, seen[1][name]) for name, tensor in trained(model).items())
    assert not torch.equal(seen[1]["classifier.weight"], seen[3]["classifier.weight"])
    stored = safetensors.torch.load_file(tmp_path / "best" / "adapter_model.safetensors")
    assert torch.equal(stored["base_model.model.classifier.weight"], seen[1]["classifier.weight"])


# ------------------------------------------------------------------------------------------------- several processes


def train_and_write(out, rank=0):
    model = adapted(dropout=0.0)
    checkpoints = Checkpoints(out / "checkpoints", {})
    history = train(model, lambda epoch: batches(), checkpoints=checkpoints, **SETTINGS)
    values = {name: tensor.contiguous() for name, tensor in model.state_dict().items()}
    losses = torch.tensor([row["loss"] for row in history.updates])
    safetensors.torch.save_file(values | {"losses": losses}, out / f"{rank}.safetensors")


@needs_fork
@pytest.mark.parametrize("processes, shards", [(2, False), (2, True), (3, True)])
def test_processes_change_nothing(processes, shards, tmp_path, monkeypatch):
    for name in ("alone", "together"):
        (tmp_path / name).mkdir()
    train_and_write(tmp_path / "alone")
    if shards:
        monkeypatch.setenv("ACCELERATE_USE_FSDP", "true")
    assert join(processes, lambda rank: train_and_write(tmp_path / "together", rank)) == [0] * processes
    alone = safetensors.torch.load_file(tmp_path / "alone" / "0.safetensors")
    start = adapted(dropout=0.0).state_dict()
    for rank in range(processes):
        found = safetensors.torch.load_file(tmp_path / "together" / f"{rank}.safetensors")
        for name, tensor in alone.items():
            torch.testing.assert_close(found[name], tensor, rtol=1e-4, atol=1e-5)
            if name in start:
                learned = ".lora_" in name or name.startswith("classifier.")
                assert torch.equal(found[name], start[name]) is not learned, name
