"""One process, two, three and four train the same model: real processes, joined as torchrun joins them."""

import json
import os
import signal
import socket
import subprocess
import sys
from dataclasses import replace

import pytest
import safetensors.torch
import torch
from test_checkpoints import in_child
from test_pretrain import TINY, documents
from torch.optim.optimizer import register_optimizer_step_post_hook

from bertlib.tasks.pretrain import pretrain
from bertlib.text.wordpiece import WordPiece
from bertlib.train.processes import joined_processes, process_rank

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")


@pytest.fixture(scope="module")
def tokenizer():
    return WordPiece.train((s for document in documents(50, 0) for s in document), 200).to_tokenizers()


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def join(processes, action):
    """Run `action` in so many forked processes that have joined; gives how each of them ended (0: well)."""
    port, children = free_port(), []

    def ranked(rank):
        os.environ |= {"WORLD_SIZE": str(processes), "RANK": str(rank), "LOCAL_RANK": str(rank)}
        os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
        with joined_processes() as joined:
            assert joined == process_rank() == (rank, processes)
            action(rank)
        assert process_rank() == (0, 1)  # it has left again

    for rank in range(processes):
        children.append(in_child(lambda rank=rank: ranked(rank)))
    return [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]


def train(tokenizer, out, rank=0, start=TINY, on_evaluation=None, shards=False, **settings):
    """Nine updates, evaluated after every third; each process writes down what it saw."""
    seen = []
    if shards:
        seen_parts = watch_parts()

    def look(history, baseline):
        seen.append(len(history.updates))
        if on_evaluation is not None:
            on_evaluation(history, baseline)

    settings = {"accumulation": 4, "batch_size": 4} | settings
    result = pretrain(
        documents(40, 1),
        documents(5, 2),
        start=start,
        tokenizer=tokenizer,
        updates=9,
        evaluate_every=3,
        out=out,
        max_length=20,
        learning_rate=1e-3,
        precision="fp32",
        show_progress=False,
        on_evaluation=look,
        **settings,
    )
    if shards:  # each process really held only its part while it trained
        assert seen_parts and all(mine < 0.8 * total for mine, total in seen_parts)
    epochs = [{k: v for k, v in row.items() if "second" not in k} for row in result.history.epochs]
    report = {"updates": result.history.updates, "epochs": epochs, "seen": seen}
    (out / f"report{rank}.json").write_text(json.dumps(report), encoding="utf-8")
    weights = {name: tensor.clone() for name, tensor in result.model.state_dict().items()}
    safetensors.torch.save_file(weights, out / f"weights{rank}.safetensors")


def watch_parts():
    """A list that grows, with every update of an optimizer, by (numbers that this process holds, numbers in all)."""
    seen = []

    def look(optimizer, args, kwargs):
        parts = [p for group in optimizer.param_groups for p in group["params"]]
        seen.append((sum(p.to_local().numel() for p in parts), sum(p.numel() for p in parts)))

    register_optimizer_step_post_hook(look)
    return seen


def read(out, rank=0):
    report = json.loads((out / f"report{rank}.json").read_text(encoding="utf-8"))
    return report, safetensors.torch.load_file(out / f"weights{rank}.safetensors")


def together(processes, tokenizer, out, **settings):
    out.mkdir(exist_ok=True)
    assert join(processes, lambda rank: train(tokenizer, out, rank, **settings)) == [0] * processes
    return read(out)


def flat(weights):
    return torch.cat([weights[name].flatten() for name in sorted(weights)]).double()


def assert_close(one, other):
    (report, weights), (expected, expected_weights) = one, other
    for mine, theirs in zip(report["updates"], expected["updates"], strict=True):
        assert mine == pytest.approx(theirs, rel=5e-6)
    for mine, theirs in zip(report["epochs"], expected["epochs"], strict=True):
        assert mine == pytest.approx(theirs, rel=5e-6)
    gap = (flat(weights) - flat(expected_weights)).norm() / flat(expected_weights).norm()
    assert gap < 1e-6


@pytest.fixture(scope="module")
def alone(tokenizer, tmp_path_factory):
    out = tmp_path_factory.mktemp("alone")
    train(tokenizer, out)
    return read(out)


@needs_fork
@pytest.mark.parametrize("processes", [2, 4, 3])  # 4 batches an update: three processes share them unevenly
def test_processes_change_nothing(processes, tokenizer, alone, tmp_path):
    report, weights = together(processes, tokenizer, tmp_path)
    assert_close((report, weights), alone)
    assert report["seen"] == alone[0]["seen"] == [0, 3, 6, 9]
    for rank in range(1, processes):
        other, other_weights = read(tmp_path, rank)
        assert other["seen"] == []  # the first process alone speaks and writes
        assert other["updates"] == report["updates"]
        assert all(torch.equal(tensor, weights[name]) for name, tensor in other_weights.items())


@needs_fork
@pytest.mark.parametrize("processes, accumulation", [(2, 4), (4, 4), (2, 1), (4, 3)])  # also processes without a batch
def test_a_sharded_model_is_the_same_model(processes, accumulation, tokenizer, tmp_path, monkeypatch):
    """As `accelerate launch --use_fsdp` asks for it; each process holds a part of every weight."""
    settings = {"accumulation": accumulation}
    (tmp_path / "one").mkdir()
    train(tokenizer, tmp_path / "one", **settings)
    monkeypatch.setenv("ACCELERATE_USE_FSDP", "true")
    report, weights = together(processes, tokenizer, tmp_path / "more", shards=True, **settings)
    assert_close((report, weights), read(tmp_path / "one"))
    for rank in range(1, processes):
        assert all(torch.equal(tensor, weights[name]) for name, tensor in read(tmp_path / "more", rank)[1].items())
    stored = tmp_path / "more" / "model" / "model.safetensors"
    assert {n: t.shape for n, t in safetensors.torch.load_file(stored).items()} == {
        n: t.shape for n, t in safetensors.torch.load_file(tmp_path / "one" / "model" / "model.safetensors").items()
    }


@needs_fork
@pytest.mark.parametrize("before, after", [((2, False), (1, False)), ((1, False), (3, True)), ((4, True), (2, False))])
def test_goes_on_with_another_number_of_processes(before, after, tokenizer, alone, tmp_path, monkeypatch):
    """(processes, sharded) before and after a stop at update 6, whose checkpoint is that of update 3."""

    def stop(history, baseline):
        if len(history.updates) == 6:
            os.kill(os.getpid(), signal.SIGKILL)

    def run(processes, sharded, **settings):
        monkeypatch.setenv("ACCELERATE_USE_FSDP", str(sharded).lower())
        return join(processes, lambda rank: train(tokenizer, tmp_path, rank, shards=sharded, **settings))

    assert run(*before, on_evaluation=stop)[0] == -signal.SIGKILL
    assert [path.name for path in (tmp_path / "checkpoints").iterdir()] == ["00000003"]
    assert run(*after) == [0] * after[0]
    report, weights = read(tmp_path)
    assert report["seen"] == [6, 9]
    assert_close((report, weights), alone)


@needs_fork
@pytest.mark.parametrize("processes, accumulation", [(2, 1), (4, 3)])
def test_a_process_without_a_batch(processes, accumulation, tokenizer, tmp_path):
    """Fewer batches an update than processes: some have nothing to do, and must neither hang nor count."""
    settings = {"accumulation": accumulation, "batch_size": 8}
    (tmp_path / "one").mkdir()
    train(tokenizer, tmp_path / "one", **settings)
    assert_close(together(processes, tokenizer, tmp_path / "more", **settings), read(tmp_path / "one"))


@needs_fork
def test_killed_processes_go_on_bit_for_bit(tokenizer, tmp_path):
    """With dropout, whose randomness each process has for itself."""
    settings = {"start": replace(TINY, hidden_dropout_prob=0.1, attention_probs_dropout_prob=0.1)}
    expected, expected_weights = together(2, tokenizer, tmp_path / "whole", **settings)

    def doomed(rank):
        def die(history, baseline):
            if len(history.updates) == 6:  # not yet in a checkpoint
                os.kill(os.getpid(), signal.SIGKILL)

        train(tokenizer, tmp_path / "killed", rank, on_evaluation=die, **settings)

    (tmp_path / "killed").mkdir()
    codes = join(2, doomed)
    assert codes[0] == -signal.SIGKILL and codes[1] != 0  # the other one notices, and does not wait for ever
    assert [path.name for path in (tmp_path / "killed" / "checkpoints").iterdir()] == ["00000003"]
    report, weights = together(2, tokenizer, tmp_path / "killed", **settings)
    assert report["updates"] == expected["updates"]
    assert report["epochs"] == expected["epochs"]
    assert report["seen"] == [6, 9]
    assert all(torch.equal(tensor, expected_weights[name]) for name, tensor in weights.items())


TORCHRUN = ["torch.distributed.run", "--nproc-per-node", "2", "--master-addr", "127.0.0.1"]
ACCELERATE = ["accelerate.commands.launch", "--num_processes", "2", "--num_machines", "1", "--dynamo_backend", "no"]
ACCELERATE += ["--mixed_precision", "no", "--main_process_ip", "127.0.0.1"]
LAUNCHERS = {
    "torchrun": [*TORCHRUN, "--master-port"],
    "accelerate": [*ACCELERATE, "--cpu", "--main_process_port"],
    "accelerate, sharded": [*ACCELERATE, "--use_fsdp", "--fsdp_version", "2", "--main_process_port"],
}


@pytest.mark.parametrize("launcher", LAUNCHERS)
def test_the_command_under_a_launcher(launcher, tmp_path, capfd):
    """As a person starts it; and the same command alone, which gives the same model."""
    from bertlib.__main__ import main

    corpus = tmp_path / "texts"
    corpus.mkdir()
    for number, document in enumerate(documents(24, 1)):
        (corpus / f"{number}.txt").write_text("\n".join(document), encoding="utf-8")
    sizes = ["--vocab-size", "120", "--hidden-size", "16", "--layers", "1", "--heads", "2", "--max-length", "24"]
    schedule = ["--updates", "6", "--evaluate-every", "3", "--batch-size", "4", "--accumulation", "2"]
    exact = ["--dropout", "0", "--precision", "fp32", "--from", "random"]
    command = ["pretrain", "--corpus", str(corpus), *sizes, *schedule, *exact]
    assert main([*command, "--out", str(tmp_path / "one")]) == 0
    alone = [line for line in capfd.readouterr().out.splitlines() if line.startswith("update")]
    result = subprocess.run(
        [
            sys.executable,
            "-m",
            *LAUNCHERS[launcher],
            str(free_port()),
            "-m",
            "bertlib",
            *command,
            "--out",
            str(tmp_path / "two"),
        ],
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=200,
    )
    assert result.returncode == 0, result.stderr[-2000:]
    rows = [line for line in result.stdout.splitlines() if line.startswith("update")]
    assert [row.split(" ·")[0] for row in rows] == ["update 0", "update 3", "update 6"]  # once, not once a process
    assert result.stdout.count("saved: ") == 1
    assert [row.split(" · ")[-1] for row in rows] == [row.split(" · ")[-1] for row in alone]
    one, two = (safetensors.torch.load_file(tmp_path / name / "model" / "model.safetensors") for name in ("one", "two"))
    assert (flat(one) - flat(two)).norm() < 1e-6 * flat(one).norm()
