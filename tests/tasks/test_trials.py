"""A search among settings: what it draws, what it chooses by, what it keeps, how it goes on, what it refuses."""

import json
import math
import os
import signal
import sqlite3
import subprocess
import sys
import time
from itertools import combinations, product
from types import SimpleNamespace

import numpy as np
import pytest
from bug_zoo import choosing_bugs
from datasets import Dataset, DatasetDict

from bertlib.__main__ import main
from bertlib.tasks import tuning
from bertlib.tasks.classify import TextClassifier, fine_tune
from bertlib.tasks.tuning import Between, Search, Trial, draw_settings, expected_maximum, random_search, usual_space
from bertlib.train.history import History
from bertlib.train.recipe import RECIPES, Recipe
from bertlib.train.tracking import Tracker

SPACE = {"learning_rate": Between(1e-4, 1e-2, log=True), "epochs": (1, 2, 3), "weight_decay": (0.0, 0.1)}
ROWS = Dataset.from_dict({"text": ["the goal"]})
DATA = {"train": ROWS, "validation": ROWS, "test": "never looked at"}
QUIET = {"show_progress": False}


def stub(curve_of, evaluate=None, kept=None):
    """A fine_tune without a training: recipe -> the accuracy after each epoch."""

    def fine_tune(dataset, *, recipe, track, show_progress):
        assert set(dataset) == {"train", "validation"}
        history = History()
        for epoch, value in enumerate(curve_of(recipe), start=1):
            history.epochs.append({"epoch": epoch, "validation_accuracy": value, "validation_f1": value / 2})
            track.write(history)
        track.close()
        history.best_epoch = kept or int(np.argmax([row["validation_accuracy"] for row in history.epochs])) + 1
        return SimpleNamespace(history=history, recipe=recipe, evaluate=evaluate, save=lambda folder: None)

    return fine_tune


def smooth(recipe):
    """Best at a rate of 1e-3; more epochs help a little."""
    off = abs(math.log10(recipe.learning_rate) + 3)
    return [0.9 - 0.3 * off - 0.05 / epoch - 0.01 * recipe.weight_decay for epoch in range(1, recipe.epochs + 1)]


# ------------------------------------------------------------------------------------------------------- what is drawn


def test_rates_are_drawn_evenly_by_their_logarithm():
    rng = np.random.default_rng(0)
    rates = np.array(
        [draw_settings({"learning_rate": Between(1e-5, 1e-1, log=True)}, rng)["learning_rate"] for _ in range(4000)]
    )
    assert rates.min() >= 1e-5 and rates.max() <= 1e-1
    assert np.mean(rates < 1e-3) == pytest.approx(0.5, abs=0.04)
    plain = [draw_settings({"warmup": Between(0.0, 0.4)}, rng)["warmup"] for _ in range(4000)]
    assert np.mean(plain) == pytest.approx(0.2, abs=0.01)


def test_choices_are_drawn_evenly_and_keep_their_kind():
    rng = np.random.default_rng(0)
    drawn = [draw_settings({"batch_size": (8, 16, 32), "precision": ("fp32", "bf16")}, rng) for _ in range(900)]
    counts = {size: sum(one["batch_size"] == size for one in drawn) for size in (8, 16, 32)}
    assert all(count == pytest.approx(300, abs=60) for count in counts.values())
    assert all(type(one["batch_size"]) is int for one in drawn)


def test_trial_n_is_the_same_however_many_come_and_another_with_another_seed():
    few = random_search(stub(smooth), DATA, SPACE, trials=3, recipe=Recipe(learning_rate=1e-3), **QUIET)
    many = random_search(stub(smooth), DATA, SPACE, trials=6, recipe=Recipe(learning_rate=1e-3), **QUIET)
    other = random_search(stub(smooth), DATA, SPACE, trials=3, seed=1, recipe=Recipe(learning_rate=1e-3), **QUIET)
    assert few.trials == many.trials[:3]
    assert [trial.settings for trial in few.trials] != [trial.settings for trial in other.trials]


@pytest.mark.parametrize("task", ["classify", "match", "answer", "tag"])
def test_the_usual_space_fits_every_recipe(task):
    space = usual_space(RECIPES[task])
    for seed in range(20):
        RECIPES[task].but(**draw_settings(space, np.random.default_rng(seed)))
    assert space["learning_rate"].low < 1.5e-4 < space["learning_rate"].high
    assert usual_space(Recipe(method="lora"))["learning_rate"].low > 1e-4


# ----------------------------------------------------------------------------------------------------- what it is worth


def value_of(history, figure):
    """Ours: what a search takes of a training."""
    watch = tuning.Watch(figure, len(history.epochs), Tracker(), None)
    for count in range(1, len(history.epochs) + 1):
        watch.write(History(epochs=history.epochs[:count]))
    return Trial(0, {}, "finished", tuple(watch.curve), history.best_epoch).value


def an_objective_is_one_figure_of_the_kept_epoch(objective):
    rows = [{"epoch": 1, "validation_accuracy": 0.7, "validation_macro_f1": 0.9, "examples_per_second": 50.0}]
    rows += [{"epoch": 2, "validation_accuracy": 0.8, "validation_macro_f1": 0.6, "examples_per_second": 40.0}]
    rows += [{"epoch": 3, "validation_accuracy": 0.75, "validation_macro_f1": 0.7, "examples_per_second": 90.0}]
    history = History(epochs=rows, best_epoch=2)
    assert objective(history, "accuracy") == 0.8
    assert objective(history, "macro_f1") == 0.6


def test_an_objective_is_one_figure_of_the_kept_epoch():
    an_objective_is_one_figure_of_the_kept_epoch(value_of)


@pytest.mark.parametrize("bug", [choosing_bugs.sums_every_figure, choosing_bugs.highest_of_any_epoch])
def test_bug_objective(bug):
    with pytest.raises(AssertionError):
        an_objective_is_one_figure_of_the_kept_epoch(bug)


def a_report_is_right_on_average(report):
    """Twenty trials that are all worth 0.8, told apart by chance alone, 150 times over."""
    reported = []
    for repeat in range(150):
        rng, tested = np.random.default_rng(repeat), {}

        def one(recipe, rng=rng, tested=tested):
            tested[recipe.learning_rate] = rng.binomial(100, 0.8) / 100
            return [rng.binomial(100, 0.8) / 100]

        found = random_search(stub(one), DATA, {"learning_rate": Between(1e-5, 1e-3)}, trials=20, seed=repeat, **QUIET)
        reported.append(report(found, tested))
    assert np.mean(reported) == pytest.approx(0.8, abs=4 * 0.04 / 150**0.5)


def test_a_report_is_right_on_average():
    a_report_is_right_on_average(lambda found, tested: tested[found.model.recipe.learning_rate])


@pytest.mark.parametrize("bug", [choosing_bugs.best_on_validation, choosing_bugs.best_of_seeds])
def test_bug_report(bug):
    with pytest.raises(AssertionError):
        a_report_is_right_on_average(bug)


def test_the_best_is_the_first_of_equal_ones_and_never_a_trial_that_did_not_finish():
    found = Search(stub(smooth), DATA, SPACE, 4, recipe=Recipe(learning_rate=1e-3))
    assert found.best is None
    found.trials = [
        Trial(0, {}, "pruned", (0.99,)),
        Trial(1, {}, "finished", (0.5, 0.8), 2),
        Trial(2, {}, "finished", (0.8, 0.95), 1),  # 0.95 is another epoch's than the one that was kept
        Trial(3, {}, "failed"),
    ]
    assert found.best.number == 1 and found.best.value == 0.8


def test_a_search_of_a_real_task(tiny_dataset, tiny_folder, tmp_path):
    seen = {"train": tiny_dataset["train"], "validation": tiny_dataset["validation"], "test": None}
    options = {"encoder": tiny_folder, "max_length": 16, "trials": 3, "checkpoint": tmp_path / "best", **QUIET}
    space = SPACE | {"learning_rate": Between(1e-3, 1e-2, log=True)}
    runs = [random_search(fine_tune, seen, space, **options) for _ in range(2)]
    assert runs[0].trials == runs[1].trials
    found = runs[0]
    assert found.recipe == RECIPES["classify"]
    assert found.best.value == max(trial.value for trial in found.trials)
    validation = tiny_dataset["validation"]
    assert found.model.evaluate(validation, precision="auto")["accuracy"] == pytest.approx(found.best.value)
    stored = TextClassifier.load(tmp_path / "best")
    assert stored.predict("the goal") == found.model.predict("the goal")
    about = json.loads((tmp_path / "best" / "run.json").read_text(encoding="utf-8"))
    assert {name: about["settings"][name] for name in space} == found.best.settings
    assert about["kept"]["validation_accuracy"] == found.best.value
    assert about["data"].keys() == {"train", "validation"}


def test_a_trial_that_diverges_has_failed_and_the_search_goes_on():
    def diverging(recipe):
        if recipe.learning_rate > 1e-3:
            raise FloatingPointError("loss nan")
        return smooth(recipe)

    found = random_search(stub(diverging), DATA, SPACE, trials=10, **QUIET)
    states = {trial.state for trial in found.trials}
    assert states == {"finished", "failed"} and len(found.trials) == 10
    with pytest.raises(ValueError, match="none of 2 trials came to its end"):
        random_search(stub(diverging), DATA, {"learning_rate": Between(0.01, 0.1)}, trials=2, **QUIET)


# --------------------------------------------------------------------------------------------------------------- Optuna


@pytest.fixture
def recipe():
    return Recipe(learning_rate=1e-3)


def by_optuna(objective=smooth, **options):
    return tuning.search(stub(objective), DATA, SPACE, **({"trials": 12, **QUIET} | options))


def test_optuna_finds_prunes_and_says_nothing(recipe, capfd, tmp_path):
    found = by_optuna(trials=20, recipe=recipe, study=tmp_path / "study.db")
    assert len(found.trials) == 20 and {trial.state for trial in found.trials} == {"finished", "pruned"}
    for trial in found.trials:
        done = trial.settings["epochs"]
        assert (trial.state == "finished" and len(trial.curve) == done) or 1 <= len(trial.curve) < done
    assert capfd.readouterr() == ("", "")


def test_optuna_learns_from_its_trials():
    """At random a rate is half a power of ten off on average."""
    late = [trial for seed in range(3) for trial in by_optuna(trials=30, seed=seed).trials[15:]]
    assert np.mean([abs(math.log10(trial.settings["learning_rate"]) + 3) for trial in late]) < 0.42


def test_the_same_seed_gives_the_same_trials_and_a_killed_search_goes_on_with_them(recipe, tmp_path):
    whole = by_optuna(recipe=recipe)
    assert by_optuna(recipe=recipe).trials == whole.trials

    class Killed(BaseException):
        pass

    trainings = []

    def killed(recipe):
        trainings.append(recipe)
        if len(trainings) == 8:
            raise Killed
        return smooth(recipe)

    with pytest.raises(Killed):
        by_optuna(killed, recipe=recipe, study=tmp_path / "study.db")
    gone_on = by_optuna(recipe=recipe, study=tmp_path / "study.db")
    assert gone_on.trials[:7] == whole.trials[:7] and gone_on.trials[7].state == "failed"
    assert gone_on.trials[7].settings == whole.trials[7].settings
    assert gone_on.trials[8:10] == whole.trials[8:10]  # while draws are at random; then it has learned from one less
    assert len(gone_on.trials) == 12
    again = by_optuna(recipe=recipe, study=tmp_path / "study.db")  # all is done; the best is trained again
    assert again.trials == gone_on.trials and again.model.recipe == recipe.but(**again.best.settings)


LIVE = """
import sys, time
sys.path[:0] = sys.argv[2:]
from test_trials import by_optuna, smooth
from bertlib.train.recipe import Recipe
def slow(recipe):
    print("begun", flush=True)
    time.sleep(0.2)
    return smooth(recipe)
by_optuna(slow, recipe=Recipe(learning_rate=1e-3), study=sys.argv[1])
"""


@pytest.mark.skipif(os.name == "nt", reason="no SIGKILL there")
def test_a_search_whose_process_is_killed_goes_on(recipe, tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-c", LIVE, str(tmp_path / "study.db"), *sys.path], stdout=subprocess.PIPE
    )
    for _ in range(4):
        process.stdout.readline()
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    found = by_optuna(recipe=recipe, study=tmp_path / "study.db")
    assert [trial.state for trial in found.trials].count("failed") == 1 and found.trials[3].state == "failed"
    assert len(found.trials) == 12


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"seed": 1}, "seed"),
        ({"recipe": Recipe(learning_rate=1e-3, batch_size=16)}, "settings"),
        ({"figure": "f1"}, "figure"),
    ],
)
def test_a_study_of_another_search_is_refused(change, what, recipe, tmp_path):
    by_optuna(recipe=recipe, study=tmp_path / "study.db", trials=1)
    with pytest.raises(ValueError, match=f"is a study of other {what}.*name a new file"):
        by_optuna(**({"recipe": recipe, "study": tmp_path / "study.db"} | change))


def test_a_study_of_other_data_or_another_space_is_refused(tiny_dataset, tiny_folder, tmp_path):
    options = {"encoder": tiny_folder, "max_length": 16, "trials": 1, "study": tmp_path / "study.db", **QUIET}
    tuning.search(fine_tune, tiny_dataset, {"epochs": (1, 2)}, **options)
    with pytest.raises(ValueError, match="of other space"):
        tuning.search(fine_tune, tiny_dataset, {"epochs": (1, 3)}, **options)
    with pytest.raises(ValueError, match="of other options"):
        tuning.search(fine_tune, tiny_dataset, {"epochs": (1, 2)}, **(options | {"max_length": 12}))
    names = tiny_dataset["train"].features["label"].names
    one = tiny_dataset["train"].map(
        lambda row, i: {"label": row["label"] if i else 1 - row["label"]}, with_indices=True
    )
    other = DatasetDict(train=one, validation=tiny_dataset["validation"])
    assert other["train"].features["label"].names == names
    with pytest.raises(ValueError, match="of other data"):
        tuning.search(fine_tune, other, {"epochs": (1, 2)}, **options)


def test_a_file_that_is_no_study_is_refused_and_left_alone(recipe, tmp_path):
    text, base, folder = tmp_path / "notes.txt", tmp_path / "other.db", tmp_path / "no" / "study.db"
    text.write_text("a page of notes, which is no database at all " * 10, encoding="utf-8")
    with pytest.raises(OSError, match=r"notes\.txt cannot be used as a study \(file is not a database\)"):
        by_optuna(recipe=recipe, study=text)
    assert text.read_text(encoding="utf-8").startswith("a page of notes")
    with sqlite3.connect(base) as file:
        file.execute("create table letters (text)")
    file.close()
    with pytest.raises(ValueError, match=r"other\.db is another database, no study: name a new file"):
        by_optuna(recipe=recipe, study=base)
    with pytest.raises(OSError, match=r"study\.db cannot be used as a study \(unable to open database file\)"):
        by_optuna(recipe=recipe, study=folder)
    with pytest.raises(OSError, match="cannot be used as a study"):
        by_optuna(recipe=recipe, study=tmp_path)


def test_a_study_that_another_process_holds_is_told(recipe, tmp_path):
    by_optuna(recipe=recipe, study=tmp_path / "study.db", trials=1)
    holds = sqlite3.connect(tmp_path / "study.db", isolation_level=None)
    holds.execute("begin exclusive")
    started = time.monotonic()
    with pytest.raises(OSError, match=r"\(database is locked\): free it"):
        by_optuna(recipe=recipe, study=tmp_path / "study.db")
    assert time.monotonic() - started < 30
    holds.execute("rollback")
    holds.close()
    assert len(by_optuna(recipe=recipe, study=tmp_path / "study.db").trials) == 12


FULL = """
import resource, signal, sys
sys.path[:0] = sys.argv[2:]
from test_trials import by_optuna, smooth
from bertlib.train.recipe import Recipe
import optuna, sqlalchemy, os
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
def filling(recipe):
    if len(done) == 3:  # no file may grow from here on
        resource.setrlimit(resource.RLIMIT_FSIZE, (os.path.getsize(sys.argv[1]) // 2,) * 2)
    done.append(recipe)
    return smooth(recipe)
done = []
try:
    by_optuna(filling, recipe=Recipe(learning_rate=1e-3), study=sys.argv[1])
except OSError as error:
    print(error)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the limit stands for a full disk")
def test_a_full_disk_is_told_and_what_is_done_stays(recipe, tmp_path):
    command = [sys.executable, "-c", FULL, str(tmp_path / "study.db"), *sys.path]
    done = subprocess.run(command, capture_output=True, encoding="utf-8")
    assert "cannot be used as a study" in done.stdout, done.stderr
    found = by_optuna(recipe=recipe, study=tmp_path / "study.db")
    assert len(found.trials) == 12 and [trial.state for trial in found.trials[:3]] == ["finished"] * 3


def test_without_optuna_the_rest_works_and_the_remedy_is_named(recipe, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'bertlib\[search\]'"):
        by_optuna(recipe=recipe)
    assert len(random_search(stub(smooth), DATA, SPACE, trials=2, recipe=recipe, **QUIET).trials) == 2


# ------------------------------------------------------------------------------------------------------------ bad input


@pytest.mark.parametrize(
    ("change", "kind", "message"),
    [
        ({"trials": 0}, ValueError, "trials=0: give a whole number of at least 1"),
        ({"trials": 2.5}, ValueError, "trials=2.5: give a whole number"),
        ({"space": {"rate": (1, 2)}}, TypeError, "rate=1 is no setting"),
        ({"space": {}}, ValueError, "name at least one setting"),
        ({"space": {"batch_size": (16,)}}, ValueError, r"space\['batch_size'\]=\(16,\): give two choices or more"),
        ({"space": {"batch_size": 16}}, ValueError, r"space\['batch_size'\]=16: give two choices"),
        ({"space": {"precision": "fp32"}}, ValueError, "give two choices or more"),
        ({"space": {"batch_size": (16, 0)}}, ValueError, "batch_size=0"),
        ({"space": {"epochs": Between(1, 4)}, "trials": 1}, ValueError, "epochs=.*give a whole number"),
        ({"figure": "loss"}, ValueError, "lowest where a model is best"),
        ({"figure": "bleu"}, ValueError, "figure='bleu' is not measured on validation: there is .*accuracy"),
        ({"dataset": {"train": [0]}}, ValueError, "no split 'validation'"),
        ({"dataset": [0]}, ValueError, "dataset is a list"),
    ],
)
def test_what_a_search_refuses(change, kind, message):
    arguments = {"dataset": DATA, "space": SPACE, **QUIET} | change
    dataset, space = arguments.pop("dataset"), arguments.pop("space")
    for way in (random_search, tuning.search):
        with pytest.raises(kind, match=message):
            way(stub(smooth), dataset, space, **arguments)


@pytest.mark.parametrize("ends", [(1, 1), (2, 1), (0, 1, True), (1, math.inf), (math.nan, 1)])
def test_a_range_that_is_none(ends):
    with pytest.raises(ValueError, match="the lower one first"):
        Between(*ends)


# ----------------------------------------------------------------------------------------------------- expected maximum


def test_expected_maximum_is_the_mean_over_all_samples():
    scores = [0.3, 0.9, 0.5, 0.5, 0.7]
    for n in range(1, 6):
        with_replacement = np.mean([max(drawn) for drawn in product(scores, repeat=n)])
        without = np.mean([max(drawn) for drawn in combinations(scores, n)])
        assert expected_maximum(scores, n) == pytest.approx(with_replacement, abs=1e-12)
        assert expected_maximum(scores, n, replacement=False) == pytest.approx(without, abs=1e-12)
    assert expected_maximum(scores, 1) == pytest.approx(np.mean(scores))
    assert expected_maximum(scores, 5, replacement=False) == 0.9 > expected_maximum(scores, 5)
    assert expected_maximum(scores, 500) == pytest.approx(0.9)


def test_expected_maximum_of_normal_scores():
    """The mean of the maximum of 10 standard normal numbers is 1.5388."""
    rng = np.random.default_rng(0)
    for replacement in (True, False):
        means = [expected_maximum(rng.normal(size=1000), 10, replacement=replacement) for _ in range(50)]
        assert np.mean(means) == pytest.approx(1.5388, abs=0.03)


@pytest.mark.parametrize(
    ("scores", "n", "options", "message"),
    [
        ([], 1, {}, "give a number for each trial"),
        ([0.5, math.nan], 1, {}, "give a number for each trial"),
        ([0.5], 0, {}, "n=0: give a whole number"),
        ([0.5], 1.5, {}, "n=1.5"),
        ([0.5, 0.6], 3, {"replacement": False}, "n=3: .* at most 2"),
    ],
)
def test_expected_maximum_refuses(scores, n, options, message):
    with pytest.raises(ValueError, match=message):
        expected_maximum(scores, n, **options)


# ---------------------------------------------------------------------------------------------------------- the command


@pytest.fixture
def csv_files(tiny_dataset, tmp_path):
    for split in ("train", "test"):
        rows = tiny_dataset[split]
        names = rows.features["label"].names
        lines = [f"{row['text']},{names[row['label']]}" for row in rows]
        (tmp_path / f"{split}.csv").write_text("\n".join(["text,label", *lines]) + "\n", encoding="utf-8")
    return tmp_path


def test_classify_searches_and_goes_on(csv_files, tiny_folder, capsys):
    study, out = csv_files / "study.db", csv_files / "out"
    command = ["classify", "--train", str(csv_files / "train.csv"), "--test", str(csv_files / "test.csv")]
    command += ["--encoder", str(tiny_folder), "--max-length", "16", "--epochs", "2", "--study", str(study)]
    command += ["--track", f"tensorboard:{csv_files / 'runs'}", "--out", str(out)]
    assert main([*command, "--trials", "2"]) == 0
    assert main([*command, "--trials", "3"]) == 0
    said = capsys.readouterr().out
    lines = [line for line in said.splitlines() if line.startswith("trial ")]
    assert [line.split(":")[0] for line in lines[:2]] == ["trial 0", "trial 1"] and lines[:2] == lines[3:5]
    assert (
        "learning_rate" in lines[0] and "batch_size" in lines[0] and "epochs" not in lines[0]
    )  # given, so not searched
    assert "has the best validation accuracy" in lines[2] and lines[2].endswith("expect less on new texts")
    assert "test, 24 texts: accuracy" in said
    assert TextClassifier.load(out).predict("the goal")
    assert sorted(folder.name for folder in (csv_files / "runs").iterdir()) == ["trial-000", "trial-001", "trial-002"]


def test_a_study_without_trials_is_refused(csv_files, tiny_folder, capsys):
    command = ["classify", "--train", str(csv_files / "train.csv"), "--encoder", str(tiny_folder)]
    assert main([*command, "--study", str(csv_files / "study.db")]) != 0
    assert "needs --trials" in capsys.readouterr().err
    assert main([*command, "--trials", "0"]) != 0
    assert "trials=0: give a whole number of at least 1" in capsys.readouterr().err
