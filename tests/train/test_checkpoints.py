"""Checkpoints: whole after a kill at any moment, exact to go on from, refused where they do not fit."""

import json
import os
import random
import shutil
import signal
import time
import traceback
from dataclasses import replace
from pathlib import Path

import pytest
import safetensors.torch
import torch
from torch.optim.optimizer import register_optimizer_step_post_hook

from bertlib import BertConfig, BertForPreTraining, files
from bertlib.tasks.pretrain import pretrain
from bertlib.text.wordpiece import WordPiece, load_tokenizer
from bertlib.train import checkpoints
from bertlib.train.checkpoints import Checkpoints
from bertlib.train.sharding import optimizer_moments

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
    """Run in a forked process; gives its id. It never comes back here, and ends with 1 if the action fails."""
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        torch.set_num_threads(1)
        action()
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


def assert_whole(place):
    """A checkpoint that a kill left behind can be read, every file of it."""
    assert BertForPreTraining.from_pretrained(place).fresh == []
    assert load_tokenizer(place).get_vocab_size() > 5
    assert len(safetensors.torch.load_file(place / "optimizer.safetensors")) > 100
    assert json.loads((place / "training.json").read_text(encoding="utf-8"))["updates"] == int(place.name)


def whole_checkpoints(out):
    places = [place for place in (out / "checkpoints").glob("*") if place.name.isdigit()]
    for place in places:
        assert_whole(place)
    return sorted(int(place.name) for place in places)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_ten_kills(tokenizer, tmp_path):
    """One run, killed ten times in its training and started again each time, ends as if nothing had happened."""
    started = time.perf_counter()
    expected = run(tokenizer, updates=60)
    an_update = (time.perf_counter() - started) / 60
    rng, kills, chain, resumed_from = random.Random(3), 0, 0, []
    while kills < 10 and chain < 10:  # a new chain where one got to its end before the tenth kill
        out, chain = tmp_path / str(chain), chain + 1
        while kills < 10:
            reading, writing = os.pipe()

            def doomed(out=out, writing=writing):
                register_optimizer_step_post_hook(lambda *arguments: os.write(writing, b"."))
                run(tokenizer, out, updates=60)

            child = in_child(doomed)
            os.close(writing)
            # Waits for some updates, then for any part of one or two; to take up its memory an optimizer steps once.
            for _ in range(rng.randint(1, 3) + bool(resumed_from and resumed_from[-1])):
                os.read(reading, 1)
            time.sleep(rng.uniform(0, 2 * an_update))
            os.kill(child, signal.SIGKILL)
            _, status = os.waitpid(child, 0)
            os.close(reading)
            numbers = whole_checkpoints(out)
            if not os.WIFSIGNALED(status) or (out / "model").exists() or 60 in numbers:
                assert os.WIFSIGNALED(status) or status == 0
                break  # it was done with training
            kills += 1
            resumed_from.append(max(numbers, default=0))
        assert_same(run(tokenizer, out, updates=60), expected)
    assert kills == 10
    assert len(set(resumed_from)) >= 4  # they fell at different moments


class Mortal:
    """Counts down at every step that touches the disk, and dies at the last."""

    STEPS = (
        (os, "replace"),
        (shutil, "rmtree"),
        (safetensors.torch, "save_file"),
        (checkpoints, "write_model"),
        (files.tempfile, "mkdtemp"),
        (Path, "write_text"),
        (os, "unlink"),
        (os, "rmdir"),
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
def test_kill_between_any_two_file_operations(tokenizer, tmp_path):
    """The child dies at the n-th step that touches the disk, for every n of two checkpoints and the model."""
    expected = run(tokenizer, updates=4)
    for fatal in range(1, 100):
        out = tmp_path / str(fatal)

        def doomed(out=out, fatal=fatal):
            Mortal(fatal)
            run(tokenizer, out, updates=4)

        _, status = os.waitpid(in_child(doomed), 0)
        if not os.WIFSIGNALED(status):
            assert status == 0  # it outlived all of its steps
            break
        numbers = whole_checkpoints(out)
        assert len(numbers) <= 2
        assert_same(run(tokenizer, out, updates=4), expected)
        # A kill before the older one was removed leaves it there: the next save, if there is one, removes it.
        assert {path.name for path in (out / "checkpoints").iterdir()} in ({"00000004"}, {"00000002", "00000004"})
    assert 30 < fatal < 99


@pytest.mark.parametrize("step", ["save_file", "write_model", "replace"])
def test_error_while_a_checkpoint_is_written_keeps_the_last_one(started, tokenizer, uninterrupted, monkeypatch, step):
    """No room is left in the middle of it, whatever was free before."""
    owner = {"save_file": safetensors.torch, "write_model": checkpoints, "replace": os}[step]
    before = {path.name: path.read_bytes() for path in (started / "checkpoints" / "00000004").iterdir()}

    def fails(*arguments, **options):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(owner, step, fails)
        with pytest.raises(OSError, match=r"00000006: could not be written .*No space left"):
            run(tokenizer, started)
    assert [path.name for path in (started / "checkpoints").iterdir()] == ["00000004"]
    assert {path.name: path.read_bytes() for path in (started / "checkpoints" / "00000004").iterdir()} == before
    assert_same(run(tokenizer, started), uninterrupted)


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
        {"weight_decay": 0.1},
        {"evaluate_every": 3},
        {"probability": 0.2},
        {"dropout": 0.0},
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


NOT_WHOLE = r"00000004: not a whole checkpoint .*; remove .*00000004 to go on"


@pytest.mark.parametrize("name", ["training.json", "model.safetensors", "optimizer.safetensors"])
@pytest.mark.parametrize("damage", ["gone", "cut", "half", "garbage"])
def test_damaged_checkpoints_are_refused(started, tokenizer, name, damage):
    path = started / "checkpoints" / "00000004" / name
    content = path.read_bytes()
    if damage == "gone":
        path.unlink()
    else:
        path.write_bytes({"cut": content[:40], "half": content[: len(content) // 2], "garbage": b"{]"}[damage])
    with pytest.raises(ValueError, match=NOT_WHOLE):
        run(tokenizer, started)


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "tokenizer_config.json", "vocab.txt"])
def test_half_deleted_checkpoints_are_refused(started, tokenizer, name):
    (started / "checkpoints" / "00000004" / name).unlink()
    with pytest.raises(ValueError, match=NOT_WHOLE):
        run(tokenizer, started)


@pytest.mark.parametrize(
    "content",
    ["", "[]", "null", "{}", '{"settings": {}}', '{"settings": [], "state": {}}', '{"settings": {}, "state": 1}'],
)
def test_json_that_is_no_state_is_refused(started, tokenizer, content):
    (started / "checkpoints" / "00000004" / "training.json").write_text(content, encoding="utf-8")
    with pytest.raises(ValueError, match=NOT_WHOLE):
        run(tokenizer, started)


@pytest.mark.parametrize("kind", ["exp_avg", "exp_avg_sq", "step"])
@pytest.mark.parametrize("damage", ["gone", "other shape"])
def test_moments_that_do_not_fit_are_refused(started, tokenizer, kind, damage):
    """AdamW's fused kernel does not look at shapes: it would write past the end of the smaller one."""
    path = started / "checkpoints" / "00000004" / "optimizer.safetensors"
    moments = safetensors.torch.load_file(path)
    if damage == "gone":
        del moments[f"nsp.weight/{kind}"]
    else:
        moments[f"nsp.weight/{kind}"] = torch.zeros(3)
    safetensors.torch.save_file(moments, path)
    with pytest.raises(ValueError, match=r"moments of nsp\.weight have another shape; remove .*00000004"):
        run(tokenizer, started)


def test_weights_of_another_model_are_refused(started, tokenizer):
    path = started / "checkpoints" / "00000004" / "model.safetensors"
    tensors = safetensors.torch.load_file(path)
    tensors["cls.predictions.bias"] = torch.zeros(3)
    safetensors.torch.save_file(tensors, path)
    with pytest.raises(ValueError, match="holds the weights of another model"):
        run(tokenizer, started)


def test_full_disk_keeps_the_last_one(started, tokenizer, monkeypatch):
    monkeypatch.setattr(files.shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(100, 100, 0))
    with pytest.raises(OSError, match=r"MiB are needed, 0 MiB are free; make room"):
        run(tokenizer, started)
    monkeypatch.undo()
    assert [path.name for path in (started / "checkpoints").iterdir()] == ["00000004"]
    assert len(run(tokenizer, started).history.updates) == 30


def test_at_least_one_is_kept(tmp_path):
    with pytest.raises(ValueError, match="keep=0: give at least 1"):
        Checkpoints(tmp_path, {}, keep=0)


@pytest.mark.parametrize("keep", [1, 2, 3])
def test_how_many_are_kept(keep, tmp_path, tiny_config):
    model = BertForPreTraining(tiny_config)
    optimizer = torch.optim.AdamW(model.parameters())
    kept = Checkpoints(tmp_path, {"a": 1}, keep=keep)
    for updates in (5, 10, 15, 20):
        kept.save(model, optimizer_moments(model, optimizer), updates, {"n": updates})
    assert kept.numbers() == [5, 10, 15, 20][-keep:]
    state, moments = kept.resume(model)
    assert state == {"n": 20} and not any(memory["exp_avg"].any() for memory in moments.values())
    assert Checkpoints(tmp_path / "none", {}).resume(model) is None
    assert json.loads((tmp_path / "00000020" / "training.json").read_text(encoding="utf-8"))["settings"] == {"a": 1}
