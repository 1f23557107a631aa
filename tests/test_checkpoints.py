"""Checkpoints: whole after a kill at any moment, exact to go on from, refused where they do not fit."""

import json
import os
import random
import shutil
import signal
import time
from dataclasses import replace

import pytest
import safetensors.torch
import torch

from bertlib import BertConfig, BertForPreTraining, checkpoints, weights
from bertlib.checkpoints import Checkpoints
from bertlib.pretrain import pretrain
from bertlib.wordpiece import WordPiece

SETTINGS = {
    "updates": 30,
    "evaluate_every": 2,
    "batch_size": 4,
    "max_length": 24,
    "learning_rate": 1e-3,
    "precision": "fp32",
    "show_progress": False,
}
TINY = BertConfig(
    hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32, max_position_embeddings=24
)  # with dropout, so that its randomness too must go on where it stopped


def documents(count=12):
    rng = random.Random(0)
    words = ["the", "cat", "sat", "on", "a", "mat", "and", "saw", "big", "red", "dogs", "run", "far", "from", "home"]
    return [[" ".join(rng.choices(words, k=rng.randrange(3, 8))) + "." for _ in range(8)] for _ in range(count)]


@pytest.fixture(scope="module")
def tokenizer():
    return WordPiece.train((sentence for document in documents() for sentence in document), 80).to_tokenizers()


def run(tokenizer, out=None, **settings):
    return pretrain(documents(), documents(4), start=TINY, tokenizer=tokenizer, out=out, **SETTINGS | settings)


@pytest.fixture(scope="module")
def uninterrupted(tokenizer):
    return run(tokenizer)


def assert_same(result, expected):
    for (name, mine), other in zip(
        result.model.state_dict().items(), expected.model.state_dict().values(), strict=True
    ):
        assert torch.equal(mine, other), name
    assert result.history.updates == expected.history.updates
    volatile = {"seconds", "tokens_per_second"}
    for mine, other in zip(result.history.epochs, expected.history.epochs, strict=True):
        assert {k: v for k, v in mine.items() if k not in volatile} == {
            k: v for k, v in other.items() if k not in volatile
        }


def in_child(action):
    """Run in a forked process; gives its id. It never comes back here."""
    child = os.fork()
    if child:
        return child
    try:
        torch.set_num_threads(1)
        action()
    finally:
        os._exit(0)


def is_whole(place):
    return {path.name for path in place.iterdir()} >= {
        "config.json",
        "model.safetensors",
        "tokenizer.json",
        "optimizer.safetensors",
        "training.json",
    }


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_ten_kills(tokenizer, uninterrupted, tmp_path):
    started = time.perf_counter()
    run(tokenizer, tmp_path / "timed")
    seconds = time.perf_counter() - started
    rng, hits, numbers = random.Random(3), 0, []
    for number in range(10):  # each its own run, killed once
        out = tmp_path / str(number)
        child = in_child(lambda out=out: run(tokenizer, out))
        time.sleep(rng.uniform(0.1, 0.95) * seconds)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        places = [p for p in (out / "checkpoints").iterdir() if p.name.isdigit()] if out.exists() else []
        assert all(map(is_whole, places))
        numbers += [int(place.name) for place in places]
        hits += not (out / "model").exists()
        assert_same(run(tokenizer, out), uninterrupted)
    assert hits >= 7  # most kills really fell into the training
    assert len(set(numbers)) >= 3


class Mortal:
    """Counts down at every step that touches the disk, and dies at the last."""

    STEPS = (
        (os, "replace"),
        (shutil, "rmtree"),
        (safetensors.torch, "save_file"),
        (checkpoints, "write_model"),
        (weights.tempfile, "mkdtemp"),
    )

    def __init__(self, left):
        self.left = left
        for owner, name in self.STEPS:
            setattr(owner, name, self.counted(getattr(owner, name)))

    def counted(self, original):
        def step(*arguments, **options):
            self.left -= 1
            if self.left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return original(*arguments, **options)

        return step


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_kill_between_any_two_file_operations(tokenizer, uninterrupted, tmp_path):
    """The child dies at the n-th step that touches the disk, for every n of three checkpoints and the model."""
    expected = run(tokenizer, updates=6)
    for fatal in range(1, 100):
        out = tmp_path / str(fatal)

        def doomed(out=out, fatal=fatal):
            Mortal(fatal)
            run(tokenizer, out, updates=6)

        _, status = os.waitpid(in_child(doomed), 0)
        if not os.WIFSIGNALED(status):
            break
        assert all(is_whole(place) for place in (out / "checkpoints").iterdir() if place.name.isdigit())
        assert_same(run(tokenizer, out, updates=6), expected)
        assert not [path for path in (out / "checkpoints").iterdir() if path.name.startswith(".")]
    assert fatal > 12


def test_finished_run_is_not_run_again(tokenizer, uninterrupted, tmp_path):
    run(tokenizer, tmp_path)
    before = (tmp_path / "checkpoints" / "00000030" / "model.safetensors").stat().st_mtime_ns
    assert_same(run(tokenizer, tmp_path), uninterrupted)
    assert (tmp_path / "checkpoints" / "00000030" / "model.safetensors").stat().st_mtime_ns == before


def test_checkpoint_is_a_transformers_folder(tokenizer, uninterrupted, tmp_path):
    import transformers

    run(tokenizer, tmp_path)
    place = tmp_path / "checkpoints" / "00000030"
    theirs = transformers.BertForPreTraining.from_pretrained(place).eval()
    ids = torch.tensor([[2, 10, 11, 12, 3]])
    torch.testing.assert_close(theirs(ids).prediction_logits, uninterrupted.model(ids).prediction_logits)


@pytest.fixture
def started(tokenizer, tmp_path):
    """A folder with the checkpoint of update 4."""

    class Stop(Exception):
        pass

    def stop(history, baseline):
        if len(history.updates) == 6:
            raise Stop

    with pytest.raises(Stop):
        run(tokenizer, tmp_path, on_evaluation=stop)
    return tmp_path


@pytest.mark.parametrize(
    "change",
    [
        {"learning_rate": 2e-3},
        {"batch_size": 8},
        {"seed": 1},
        {"updates": 40},
        {"max_length": 20},
        {"accumulation": 2},
        {"whole_words": True},
        {"good_start": False},
        {"warmup": 0.2},
        {"precision": "bf16"},
    ],
)
def test_other_settings_are_refused(started, tokenizer, change):
    with pytest.raises(ValueError, match=r"00000004: was made with .*, now it is .*; give the same setting again"):
        run(tokenizer, started, **change)


def test_other_data_and_models_are_refused(started, tokenizer):
    with pytest.raises(ValueError, match="was made with documents="):
        pretrain(documents(11), documents(4), start=TINY, tokenizer=tokenizer, out=started, **SETTINGS)
    with pytest.raises(ValueError, match="was made with config="):
        pretrain(
            documents(),
            documents(4),
            start=replace(TINY, num_hidden_layers=1),
            tokenizer=tokenizer,
            out=started,
            **SETTINGS,
        )


@pytest.mark.parametrize("name", ["training.json", "model.safetensors", "optimizer.safetensors"])
@pytest.mark.parametrize("damage", ["gone", "cut", "garbage"])
def test_damaged_checkpoints_are_refused(started, tokenizer, name, damage):
    path = started / "checkpoints" / "00000004" / name
    if damage == "gone":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:40] if damage == "cut" else b"{]")
    with pytest.raises(ValueError, match=r"00000004: not a whole checkpoint .*; remove .*00000004 to go on"):
        run(tokenizer, started)


def test_weights_of_another_model_are_refused(started, tokenizer):
    path = started / "checkpoints" / "00000004" / "model.safetensors"
    tensors = safetensors.torch.load_file(path)
    tensors["cls.predictions.bias"] = torch.zeros(3)
    safetensors.torch.save_file(tensors, path)
    with pytest.raises(ValueError, match="holds the weights of another model"):
        run(tokenizer, started)


def test_full_disk_keeps_the_last_one(started, tokenizer, monkeypatch):
    monkeypatch.setattr(weights.shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(100, 100, 0))
    with pytest.raises(OSError, match=r"MiB are needed, 0 MiB are free; make room"):
        run(tokenizer, started)
    monkeypatch.undo()
    assert [path.name for path in (started / "checkpoints").iterdir()] == ["00000004"]
    assert len(run(tokenizer, started).history.updates) == 30


@pytest.mark.parametrize("keep", [1, 2, 3])
def test_how_many_are_kept(keep, tmp_path, tiny_config):
    model = BertForPreTraining(tiny_config)
    optimizer = torch.optim.AdamW(model.parameters())
    kept = Checkpoints(tmp_path, {"a": 1}, keep=keep)
    for updates in (5, 10, 15, 20):
        kept.save(model, optimizer, updates, {"n": updates})
    assert kept.numbers() == [5, 10, 15, 20][-keep:]
    assert kept.resume(model, optimizer) == {"n": 20}
    assert Checkpoints(tmp_path / "none", {}).resume(model, optimizer) is None
    assert json.loads((tmp_path / "00000020" / "training.json").read_text(encoding="utf-8"))["settings"] == {"a": 1}
