"""Curves for Weights & Biases, without a login and without a network."""

import getpass
import re
import socket

import pytest

from bertlib.tasks.classify import fine_tune
from bertlib.train.history import History
from bertlib.train.tracking import open_tracker

pytestmark = pytest.mark.engine
SETTINGS = {"epochs": 2, "learning_rate": 1e-3, "max_length": 16, "show_progress": False}


@pytest.fixture
def alone(monkeypatch, tmp_path):
    """No key and no settings of whoever runs this, and no way out."""

    def refuse(*arguments):
        raise AssertionError(f"a connection to {arguments[1:]}")

    connect = socket.socket.connect
    monkeypatch.setattr(
        socket.socket,
        "connect",
        lambda own, address: (
            connect(own, address) if own.family == socket.AF_UNIX or "127.0.0.1" in address else refuse(own, address)
        ),
    )
    for name in ("WANDB_API_KEY", "WANDB_MODE", "WANDB_DIR", "NETRC"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)


def record(folder):
    """What the run's record says, as bytes."""
    (path,) = folder.rglob("*.wandb")
    return path.read_bytes()


def test_a_fine_tuning_stands_in_the_folder(alone, tiny_dataset, tiny_folder, tmp_path, capfd):
    model = fine_tune(tiny_dataset, encoder=tiny_folder, track=f"wandb:{tmp_path / 'deep' / 'runs'}", **SETTINGS)
    found = record(tmp_path / "deep" / "runs")
    for name in ("training/loss", "training/grad_norm", "held_out/validation_accuracy", "learning_rate", "updates"):
        assert name.encode() in found
    for row in (model.history.updates[0], model.history.updates[-1]):
        assert repr(row["loss"]).encode() in found
    assert capfd.readouterr() == ("", "")
    assert {path.name for path in tmp_path.iterdir()} <= {"deep", "home"}


def test_nothing_of_the_machine_is_in_the_record(alone, tiny_dataset, tiny_folder, tmp_path):
    fine_tune(tiny_dataset, encoder=tiny_folder, track=f"wandb:{tmp_path / 'runs'}", **SETTINGS)
    found = record(tmp_path / "runs")
    for word in (str(tmp_path), str(tiny_folder), "pytest"):
        assert word.encode() not in found
    for name in (socket.gethostname(), getpass.getuser()):
        assert not re.search(rb"(?<![\w-])" + re.escape(name.encode()) + rb"(?![\w-])", found)


def test_no_row_is_lost_when_held_out_figures_come_for_an_update_that_is_there(alone, tmp_path):
    tracker = open_tracker(f"wandb:{tmp_path / 'runs'}", {"seed": 0})
    history = History()
    for epoch in (1, 2):
        history.updates += [
            {"loss": 0.1234501 + number + 10 * epoch, "learning_rate": 1e-3, "grad_norm": 1.0} for number in range(3)
        ]
        history.epochs.append({"epoch": epoch, "updates": 3 * epoch, "validation_accuracy": 0.7654301 + epoch})
        tracker.write(history)
    tracker.close()
    found = record(tmp_path / "runs")
    for row in history.updates:
        assert repr(row["loss"]).encode() in found
    for row in history.epochs:
        assert repr(row["validation_accuracy"]).encode() in found
