"""Where a training's figures go, and a run's card. Weights & Biases has its test in tests/engines."""

import getpass
import json
import re
import socket
import sys

import pytest
from datasets import DatasetDict

from bertlib.tasks.classify import TextClassifier, fine_tune
from bertlib.train.history import History
from bertlib.train.tracking import Tracker, digest_of, open_tracker, write_card

TINY = {"epochs": 2, "learning_rate": 1e-3, "max_length": 16, "show_progress": False, "precision": "fp32"}


class Seen(Tracker):
    def __init__(self, stops_at=None):
        self.epochs, self.closed, self.stops_at = [], 0, stops_at

    def write(self, history):
        self.epochs.append(len(history.epochs))
        if len(history.epochs) == self.stops_at:
            raise KeyboardInterrupt

    def close(self):
        self.closed += 1


def test_a_tracker_is_handed_the_history_after_each_epoch_and_closed(tiny_dataset, tiny_folder):
    seen = Seen()
    fine_tune(tiny_dataset, encoder=tiny_folder, track=seen, **TINY)
    assert (seen.epochs, seen.closed) == ([1, 2], 1)


def test_a_tracker_is_closed_when_a_training_is_broken_off(tiny_dataset, tiny_folder):
    seen = Seen(stops_at=1)
    with pytest.raises(KeyboardInterrupt):
        fine_tune(tiny_dataset, encoder=tiny_folder, track=seen, **TINY)
    assert (seen.epochs, seen.closed) == ([1], 1)


def test_tracking_changes_nothing(tiny_dataset, tiny_folder, tmp_path):
    plain = fine_tune(tiny_dataset, encoder=tiny_folder, **TINY)
    tracked = fine_tune(tiny_dataset, encoder=tiny_folder, track=f"tensorboard:{tmp_path / 'runs'}", **TINY)
    assert plain.history.updates == tracked.history.updates
    assert plain.card == tracked.card


def test_curves_of_a_fine_tuning(tiny_dataset, tiny_folder, tmp_path):
    loader = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    model = fine_tune(tiny_dataset, encoder=tiny_folder, track=f"tensorboard:{tmp_path / 'runs'}", **TINY)
    events = loader.EventAccumulator(str(tmp_path / "runs"))
    events.Reload()
    losses = events.Scalars("training/loss")
    assert [event.value for event in losses] == pytest.approx([row["loss"] for row in model.history.updates])
    found = events.Scalars("held_out/validation_accuracy")
    assert [event.step for event in found] == [row["updates"] for row in model.history.epochs]
    assert "training/examples_per_second" in events.Tags()["scalars"]


def test_a_folder_has_a_name_by_itself(tiny_dataset, tiny_folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    fine_tune(tiny_dataset, encoder=tiny_folder, track="tensorboard", **TINY)
    assert list((tmp_path / "runs").iterdir())


@pytest.mark.parametrize("track", ["", "mlflow", "tensorbord:runs", "runs"])
def test_a_tracker_that_there_is_not(track, tiny_dataset, tiny_folder):
    with pytest.raises(ValueError, match=re.escape(f"track={track!r}: give tensorboard or wandb")):
        fine_tune(tiny_dataset, encoder=tiny_folder, track=track, **TINY)


@pytest.mark.parametrize(
    ("kind", "package", "remedy"),
    [
        ("tensorboard", "torch.utils.tensorboard", "pip install tensorboard"),
        ("wandb", "wandb", r"pip install 'bertlib\[tracking\]'"),
    ],
)
def test_a_tracker_that_is_not_installed(kind, package, remedy, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ModuleNotFoundError, match=remedy):
        open_tracker(f"{kind}:{tmp_path}", {})
    open_tracker(None, {}).write(History())


# ------------------------------------------------------------------------------------------------------------- the card


def test_the_digest_of_a_split_is_of_its_content_alone(tiny_dataset):
    split = tiny_dataset["train"]
    digest = digest_of(split)
    assert digest == digest_of(split.select(range(len(split)))) == digest_of(split.select_columns(["label", "text"]))
    assert digest == digest_of(split.with_format("numpy"))
    one_label = split.map(lambda row, i: {"label": 1 - row["label"] if i == 40 else row["label"]}, with_indices=True)
    one_letter = split.map(lambda row, i: {"text": row["text"] + "s" * (i == 40)}, with_indices=True)
    others = [one_label, one_letter, split.select(range(95)), split.select([1, 0, *range(2, 96)])]
    assert len({digest, *(digest_of(other) for other in others)}) == 5


def test_the_card_of_a_run(tiny_dataset, tiny_folder, tmp_path):
    cards = []
    for place in ("one", "two"):
        model = fine_tune(tiny_dataset, encoder=tiny_folder, checkpoint=tmp_path / place, seed=3, **TINY)
        cards.append((tmp_path / place / "run.json").read_text(encoding="utf-8"))
    assert cards[0] == cards[1]
    card = json.loads(cards[0])
    assert card == json.loads(json.dumps(model.card))
    assert card["task"] == "TextClassifier" and card["encoder"] == tiny_folder.name
    assert card["labels"] == ["business", "sport"]
    assert {name: of["rows"] for name, of in card["data"].items()} == {"train": 96, "validation": 24}
    assert card["settings"] | {"seed": 3, "learning_rate": 1e-3, "epochs": 2, "max_length": 16} == card["settings"]
    kept = model.history.epochs[model.history.best_epoch - 1]
    assert card["kept"]["validation_accuracy"] == kept["validation_accuracy"]
    assert card["computed"]["numbers"] == "float32"
    assert card["versions"].keys() == {"bertlib", "python", "tokenizers", "torch"}
    assert card["weights"]["all"] == card["weights"]["trained"] == sum(p.numel() for p in model.model.parameters())
    words = {str(tmp_path), str(tiny_folder), socket.gethostname()} | ({getpass.getuser()} - {"root"})
    assert not [word for word in words if f'"{word}' in cards[0] or f"/{word}" in cards[0]]


def test_one_changed_label_changes_the_card(tiny_dataset, tiny_folder):
    other = tiny_dataset["train"].map(lambda row, i: {"label": row["label"] ^ (i == 7)}, with_indices=True)
    options = {"encoder": tiny_folder, **TINY}
    cards = [fine_tune(tiny_dataset, **options).card, fine_tune(DatasetDict(tiny_dataset, train=other), **options).card]
    assert cards[0]["data"]["train"] != cards[1]["data"]["train"]
    assert cards[0]["data"]["validation"] == cards[1]["data"]["validation"]


def test_the_card_of_adapters_counts_what_is_trained(tiny_dataset, tiny_folder, tmp_path):
    model = fine_tune(tiny_dataset, encoder=tiny_folder, checkpoint=tmp_path, method="lora", rank=4, **TINY)
    card = json.loads((tmp_path / "run.json").read_text(encoding="utf-8"))
    assert card["settings"]["rank"] == 4
    assert card["weights"]["trained"] == sum(p.numel() for p in model.model.parameters() if p.requires_grad)
    assert card["weights"]["trained"] < card["weights"]["all"] / 2


def test_a_card_of_another_run_does_not_stay_beside_a_model(tiny_dataset, tiny_folder, tmp_path):
    fine_tune(tiny_dataset, encoder=tiny_folder, checkpoint=tmp_path / "model", **TINY)
    (tmp_path / "model" / "notes.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(KeyboardInterrupt):  # the first epoch is kept there, and no card of a run that is over
        fine_tune(tiny_dataset, encoder=tiny_folder, checkpoint=tmp_path / "model", track=Seen(stops_at=1), **TINY)
    assert not (tmp_path / "model" / "run.json").exists() and (tmp_path / "model" / "notes.txt").exists()
    TextClassifier.load(tmp_path / "model").save(tmp_path / "again")
    assert not (tmp_path / "again" / "run.json").exists()
    write_card(tmp_path / "again", {"kept": 1})
    assert json.loads((tmp_path / "again" / "run.json").read_text(encoding="utf-8")) == {"kept": 1}
