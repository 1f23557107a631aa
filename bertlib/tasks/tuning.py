"""A search among settings: drawn at random, or proposed by Optuna; chosen on validation, never on test."""

import json
import math
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, field
from numbers import Integral
from pathlib import Path
from typing import Any

import numpy as np

from bertlib.data.encoders import suited_learning_rate
from bertlib.progress import progress_bar
from bertlib.tasks.task import Task, check_dataset
from bertlib.train.history import History
from bertlib.train.recipe import RECIPES, Recipe
from bertlib.train.tracking import Tracker, digest_of, open_tracker

STATES = {"finished": "COMPLETE", "pruned": "PRUNED", "failed": "FAIL"}  # ours, and Optuna's


@dataclass(frozen=True)
class Between:
    """A range of numbers to draw from, evenly; with log=True each doubling is as likely as every other."""

    low: float
    high: float
    log: bool = False

    def __post_init__(self):
        if not -math.inf < self.low < self.high < math.inf or (self.log and self.low <= 0):
            raise ValueError(f"{self}: give two numbers, the lower one first, and above 0 with log=True")


Space = Mapping[str, Between | Sequence]  # a field of the recipe -> its range, or its choices


def usual_space(recipe: Recipe, encoder: str | Path | None = None) -> dict[str, Between | Sequence]:
    """What Devlin et al., 2019, A.3 try (batch size, epochs, rate), the rate more widely; warm-up and decay beside."""
    rate = recipe.learning_rate or suited_learning_rate(encoder, recipe.method)
    space = {"learning_rate": Between(rate / 5, rate * 5, log=True), "batch_size": (16, 32), "epochs": (2, 3, 4)}
    return space | {"warmup": Between(0.0, 0.3), "weight_decay": (0.0, 0.01, 0.1)}


def check_space(space: Space, recipe: Recipe) -> None:
    """Raise a ValueError, or a TypeError of an unknown field, where a value cannot be or nothing can differ."""
    for name, of in space.items():
        values = [of.low, of.high] if isinstance(of, Between) else of
        if not isinstance(values, list | tuple) or len(set(values)) < 2:
            raise ValueError(f"space[{name!r}]={of!r}: give two choices or more; the recipe has what is fixed")
        for value in values:
            recipe.but(**{name: value})
    if not space:
        raise ValueError("space={}: name at least one setting and its choices, such as {'batch_size': (16, 32)}")


def draw_settings(space: Space, rng: np.random.Generator) -> dict[str, Any]:
    """One point of the space, each setting drawn by itself (Bergstra and Bengio, 2012)."""
    drawn = {}
    for name, of in space.items():
        if not isinstance(of, Between):
            drawn[name] = of[int(rng.integers(len(of)))]
        elif of.log:
            drawn[name] = float(np.exp(rng.uniform(np.log(of.low), np.log(of.high))))
        else:
            drawn[name] = float(rng.uniform(of.low, of.high))
    return drawn


@dataclass(frozen=True)
class Trial:
    """One training: its settings, the figure of validation after each epoch, and the epoch whose weights it kept.

    It is "finished", "pruned" (stopped since it fell behind) or "failed" (diverged, or broken off).
    """

    number: int
    settings: Mapping[str, Any]
    state: str
    curve: tuple[float, ...] = ()
    kept: int | None = None

    @property
    def value(self) -> float | None:
        """The figure of the kept epoch, not the highest of any; None of a trial that did not finish."""
        return self.curve[self.kept - 1] if self.state == "finished" else None


class Search:
    """A search and what it found: all its `trials`, in order, and the `model` of the best. No test split is looked at.

    The best value is the largest of many, and was chosen for being so: expect less on new texts.

    Args:
        fine_tune: of a task, such as `bertlib.tasks.classify.fine_tune`.
        dataset: splits "train" and "validation".
        space: fields of the recipe, each with a `Between` or its choices; None for `usual_space`.
        total: how many trials. figure: the one of `evaluate` that is to be high.
        recipe: the settings that are not searched for, and every trial's seed; None for the task's own.
        seed: of the draws. checkpoint: folder for the best model so far. track: as in `Task.fit`, a folder a trial.
        options: what fine_tune takes besides.
    """

    def __init__(
        self,
        fine_tune: Callable[..., Task],
        dataset: Mapping,
        space: Space | None,
        total: int,
        *,
        figure: str = "accuracy",
        recipe: Recipe | None = None,
        seed: int = 0,
        checkpoint: str | Path | None = None,
        track: str | Tracker | None = None,
        show_progress: bool = True,
        **options: Any,
    ):
        if not isinstance(total, Integral) or total < 1:
            raise ValueError(f"trials={total!r}: give a whole number of at least 1")
        if figure == "loss":
            raise ValueError("figure='loss' is lowest where a model is best: name one that is highest there")
        training, validation = check_dataset(dataset)
        if validation is None:
            raise ValueError("dataset has no split 'validation', by which settings are chosen: hold texts out of train")
        recipe = recipe or RECIPES.get(fine_tune.__module__.rpartition(".")[2], Recipe())
        self.space = usual_space(recipe, options.get("encoder")) if space is None else dict(space)
        check_space(self.space, recipe)
        self.dataset = type(dataset)(train=training, validation=validation)
        self.fine_tune, self.total, self.figure, self.recipe, self.seed = fine_tune, total, figure, recipe, seed
        self.checkpoint, self.track, self.show_progress, self.options = checkpoint, track, show_progress, options
        self.trials: list[Trial] = []
        self.model: Task | None = None

    @property
    def best(self) -> Trial | None:
        """The finished trial with the highest value, of equal ones the first."""
        return max((t for t in self.trials if t.value is not None), key=lambda t: t.value, default=None)

    def go_on(self, propose: Callable[[int], tuple[Mapping[str, Any], Any, Callable]]) -> "Search":
        """Run the trials that are not done yet; propose: number -> settings, whether to stop, and who is told."""
        with progress_bar(what="searching", unit="trials", total=self.total, show=self.show_progress) as bar:
            bar.update(len(self.trials))
            for number in range(len(self.trials), self.total):
                settings, behind, tell = propose(number)
                trial, model = self.train(number, settings, behind)
                tell(trial)
                self.trials.append(trial)
                if trial is self.best:
                    self.keep(model)
                bar.set_postfix_str(f"best {self.figure} {self.best.value:.1%}" if self.best else "", refresh=False)
                bar.update()
        if self.best is None:
            raise ValueError(f"none of {self.total} trials came to its end: search among lower learning rates")
        if self.model is None:  # found before the search was broken off: the same seed trains it again
            self.keep(self.train(self.best.number, self.best.settings)[1])
        return self

    def train(self, number: int, settings: Mapping[str, Any], behind=None) -> tuple[Trial, Task | None]:
        recipe, track = self.recipe.but(**settings), self.track
        if isinstance(track, str):
            kind, _, folder = track.partition(":")
            track = f"{kind}:{folder or 'runs'}/trial-{number:03}"
        watch = Watch(self.figure, recipe.epochs, open_tracker(track, asdict(recipe)), behind)
        try:
            model = self.fine_tune(self.dataset, recipe=recipe, track=watch, show_progress=False, **self.options)
        except (Pruned, FloatingPointError) as error:
            state = "pruned" if isinstance(error, Pruned) else "failed"
            return Trial(number, settings, state, tuple(watch.curve)), None
        return Trial(number, settings, "finished", tuple(watch.curve), model.history.best_epoch), model

    def keep(self, model: Task) -> None:
        self.model = model
        if self.checkpoint is not None:
            model.save(self.checkpoint)


class Pruned(Exception):
    pass


@dataclass
class Watch(Tracker):
    """Collects a figure of validation after each epoch, hands the history on, and stops what is `behind`."""

    figure: str
    epochs: int
    inner: Tracker
    behind: Callable[[int, float], bool] | None
    curve: list[float] = field(default_factory=list)

    def write(self, history: History) -> None:
        there = {name.removeprefix("validation_"): value for name, value in history.epochs[-1].items()}
        if f"validation_{self.figure}" not in history.epochs[-1]:
            raise ValueError(f"figure={self.figure!r} is not measured on validation: there is {', '.join(there)}")
        self.curve.append(there[self.figure])
        self.inner.write(history)
        if self.behind is not None and self.behind(len(self.curve), self.curve[-1]) and len(self.curve) < self.epochs:
            raise Pruned

    def close(self) -> None:
        self.inner.close()


def random_search(fine_tune, dataset, space: Space | None = None, *, trials: int = 20, **options: Any) -> Search:
    """Train with settings drawn at random; for the arguments see `Search`. Trial n is the same whatever came before it.

    Raises:
        ValueError: an argument is out of its range, there is no validation split, or no trial came to its end.
            TypeError: space names a field that there is not. And what fine_tune raises, but for a loss that is no
            number: that trial has failed, and counts.
    """
    found = Search(fine_tune, dataset, space, trials, **options)

    def propose(number: int):
        return draw_settings(found.space, np.random.default_rng((found.seed, number))), None, lambda trial: None

    return found.go_on(propose)


def search(
    fine_tune, dataset, space: Space | None = None, *, trials: int = 20, study: str | Path | None = None, **options: Any
) -> Search:
    """The same with settings that Optuna proposes (TPE, the first ten at random), and trials stopped that fall behind.

    A trial stops after an epoch whose figure is below the median of the earlier ones after that epoch, once five have
    come to their end. Longer schedules, whose rate falls later, have the worse of it.

    Args:
        study: an SQLite file where each trial stands. A search that was broken off goes on from it: what ran then has
            failed, and counts; the best model is trained again. One process at a time. None keeps nothing.

    Raises:
        ValueError: as `random_search`; or the study is one of other data, space or settings. OSError: its file is none,
            is locked, or cannot be written. ModuleNotFoundError: Optuna is not installed.
    """
    found = Search(fine_tune, dataset, space, trials, **options)
    with opened(study, found) as trials_of:
        import optuna

        kinds = {
            name: optuna.distributions.FloatDistribution(of.low, of.high, log=of.log)
            if isinstance(of, Between)
            else optuna.distributions.CategoricalDistribution(of)
            for name, of in found.space.items()
        }

        def propose(number: int):
            # A sampler starts its random numbers anew in each process: with one seed for all, a search that goes on
            # would begin with the settings that it began with.
            own = int(np.random.SeedSequence((found.seed, number)).generate_state(1)[0])
            trials_of.sampler = optuna.samplers.TPESampler(seed=own)
            asked = trials_of.ask(kinds)

            def behind(epoch: int, value: float) -> bool:
                asked.report(value, epoch)
                return asked.should_prune()

            def tell(trial: Trial) -> None:
                asked.set_user_attr("kept", trial.kept)
                trials_of.tell(asked, trial.value, state=optuna.trial.TrialState[STATES[trial.state]])

            return asked.params, behind, tell

        return found.go_on(propose)


@contextmanager
def opened(path: str | Path | None, found: Search) -> Iterator[Any]:
    """The study in a file, new or as it was left, with its trials in `found`; its storage's errors become OSErrors."""
    try:
        import optuna
        from sqlalchemy.engine import URL
        from sqlalchemy.exc import SQLAlchemyError
    except ImportError as error:
        raise ModuleNotFoundError("a search by Optuna needs the package: pip install 'bertlib[search]'") from error
    names = {theirs: ours for ours, theirs in STATES.items()}
    about = {"data": {name: digest_of(split) for name, split in found.dataset.items()}, "figure": found.figure}
    about |= {"task": found.fine_tune.__module__, "space": {name: str(of) for name, of in found.space.items()}}
    about |= {"settings": asdict(found.recipe), "seed": found.seed, "options": found.options}
    said = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        if path is not None and Path(path).is_file() and Path(path).stat().st_size:  # no tables into others' files
            with closing(sqlite3.connect(path)) as file:
                if not file.execute("select name from sqlite_master where name = 'studies'").fetchone():
                    raise ValueError(f"{path} is another database, no study: name a new file")
        storage = None if path is None else URL.create("sqlite", database=str(path)).render_as_string()
        new = {"study_name": "bertlib", "direction": "maximize", "load_if_exists": True}
        study = optuna.create_study(storage=storage, pruner=optuna.pruners.MedianPruner(n_startup_trials=5), **new)
        for name, value in about.items():
            here = json.dumps(value, default=lambda of: of.name if isinstance(of, Path) else str(type(of)))
            there = study.user_attrs.get(name, here)
            if there != here:
                raise ValueError(f"{path} is a study of other {name} ({there:.200}, here {here:.200}): name a new file")
            study.set_user_attr(name, here)
        for trial in study.get_trials(states=[optuna.trial.TrialState.RUNNING]):
            study.tell(trial.number, state=optuna.trial.TrialState.FAIL)
        for trial in study.trials:
            curve = tuple(value for _, value in sorted(trial.intermediate_values.items()))
            state, kept = names.get(trial.state.name, "failed"), trial.user_attrs.get("kept")
            found.trials.append(Trial(trial.number, trial.params, state, curve, kept))
        yield study
    except (optuna.exceptions.StorageInternalError, SQLAlchemyError, sqlite3.Error) as error:
        why = error
        while why.__cause__ is not None:  # what SQLite said
            why = why.__cause__
        raise OSError(f"{path} cannot be used as a study ({why}): free it, make room, or name another file") from error
    finally:
        optuna.logging.set_verbosity(said)


def expected_maximum(scores: Sequence[float], n: int, *, replacement: bool = True) -> float:
    """The best score that n trials of a random search have on average, from the scores of N of them.

    With replacement, as Dodge et al., 2019, §3: the maximum of n draws from these N, which is too low where n is near
    N. Without: the mean over all choices of n of them, unbiased (Tang et al., 2020). Scores of validation say nothing
    of test.

    Raises:
        ValueError: there are no scores, one is no number, or n is below 1 or, without replacement, above N.
    """
    ordered, count = np.sort(np.asarray(scores, dtype=np.float64)), len(scores)
    if not count or not np.isfinite(ordered).all():
        raise ValueError(f"scores={scores!r:.80}: give a number for each trial that came to its end")
    if not isinstance(n, Integral) or n < 1 or (n > count and not replacement):
        raise ValueError(f"n={n!r}: give a whole number of at least 1, and without replacement at most {count}")
    if replacement:  # how likely it is that no draw is above the i-th
        below = [(i / count) ** n for i in range(count + 1)]
    else:
        below = [math.comb(i, n) / math.comb(count, n) for i in range(count + 1)]
    return float(ordered @ np.diff(below))
