"""Options that several commands have: a recipe's fields, and what every fine-tuning asks for."""

from __future__ import annotations

import argparse
import dataclasses
import inspect
import re
import sys
import typing
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bertlib.train.recipe import CHOICES, Recipe

if TYPE_CHECKING:
    from bertlib.text.wordpiece import WordPiece


def new_command(commands, name: str, run: Callable, about: str, more: str | None = None) -> argparse.ArgumentParser:
    """A command whose help shows the defaults: what it is about in a line, and what the help says beside that."""
    shows_defaults = argparse.ArgumentDefaultsHelpFormatter
    command = commands.add_parser(name, help=about, description=more, formatter_class=shows_defaults)
    command.set_defaults(run=run)
    return command


def field_help(recipe: Recipe) -> dict[str, str]:
    """What the docstrings of a recipe's classes say of each field."""
    told = {}
    for kind in reversed(type(recipe).__mro__):
        text_of = inspect.cleandoc(kind.__doc__ or "")  # Python 3.13 takes the indent away, older ones do not
        for names, text in re.findall(r"^    ([\w, ]+): (.+(?:\n        .+)*)", text_of, re.MULTILINE):
            told |= dict.fromkeys(names.split(", "), " ".join(text.split()).rstrip(".").replace("`", ""))
    return told


def add_recipe(command: argparse.ArgumentParser, recipe: Recipe, *, leave_out: tuple[str, ...] = ()) -> None:
    """An option for each of a recipe's fields, with its value as the default."""
    told, kinds = field_help(recipe), typing.get_type_hints(type(recipe))
    for field in dataclasses.fields(recipe):
        if field.name in leave_out:
            continue
        flag, default = "--" + field.name.replace("_", "-"), getattr(recipe, field.name)
        kind = next(k for k in (*typing.get_args(kinds[field.name]), kinds[field.name]) if k is not type(None))
        about: dict[str, Any] = {"default": default, "help": told[field.name].replace("%", "%%")}
        if kind is bool:
            command.add_argument(flag, action=argparse.BooleanOptionalAction, **about)
        elif field.name in CHOICES:
            command.add_argument(flag, choices=CHOICES[field.name], **about)
        else:
            command.add_argument(flag, type=kind, **about)


def recipe_of(options: argparse.Namespace, recipe: Recipe) -> Recipe:
    """The recipe with what the options say."""
    given = vars(options)
    return recipe.but(**{field.name: given[field.name] for field in dataclasses.fields(recipe) if field.name in given})


def add_tuning(command: argparse.ArgumentParser, recipe: Recipe, *, max_length: str) -> None:
    """What every fine-tuning asks for."""
    command.add_argument("--out", type=Path, help="folder for the best model (transformers' format)")
    command.add_argument("--validation", type=float, default=0.1, help="share of --train that chooses the epoch")
    command.add_argument("--encoder", help="minilm, bbc_bert, bert-base-uncased, or a transformers folder")
    command.add_argument("--max-length", type=int, default=128, help=max_length)
    command.add_argument("--trials", type=int, help="search among so many settings, on validation (needs optuna)")
    command.add_argument("--study", type=Path, help="SQLite file from which a search goes on that was broken off")
    command.add_argument("--track", help="curves: tensorboard:FOLDER, or wandb:FOLDER (offline)")
    add_recipe(command, recipe)


def add_columns(command: argparse.ArgumentParser) -> None:
    """What every CSV asks for."""
    command.add_argument("--train", required=True, type=Path, help="CSV with a header line, UTF-8")
    command.add_argument("--test", type=Path, help="CSV with the same columns and classes, scored at the end")
    command.add_argument("--label", default="label", help="the column with the classes")
    command.add_argument("--delimiter", help="between fields; by default a tab in .tsv files and a comma elsewhere")


def tune_on_csv(options: argparse.Namespace, recipe: Recipe, text: str | tuple[str, ...], fine_tune, **own: Any) -> int:
    """Read, fine-tune, tell, score: what the commands for labelled CSV files have alike."""
    from datasets import DatasetDict

    from bertlib.data.own import from_csv
    from bertlib.data.splits import with_validation

    columns = {"text": text, "label": options.label, "delimiter": options.delimiter}
    train = from_csv(options.train, **columns)
    names = train.features["label"].names
    keys = ("text",) if isinstance(text, str) else text
    dataset = with_validation(DatasetDict(train=train), options.validation, text=keys)
    test = from_csv(options.test, **columns, labels=names) if options.test else None
    model = run_tuning(options, recipe, dataset, fine_tune, "accuracy", **own)
    if test is not None:
        scores = model.evaluate(test)
        print(f"test, {len(test)} texts: accuracy {scores['accuracy']:.1%}, macro-F1 {scores['macro_f1']:.1%}")
    if options.out:
        print(f"saved: {options.out}")
    return 0


def run_tuning(options: argparse.Namespace, recipe: Recipe, dataset, fine_tune: Callable, figure: str, **own: Any):
    """The model that is fine-tuned as the options say; with a line for each epoch, and which was kept."""
    own |= {"encoder": options.encoder, "max_length": options.max_length, "checkpoint": options.out}
    own["track"] = options.track
    if options.study is not None and options.trials is None:
        raise ValueError(f"--study {options.study} needs --trials, how many there are to be")
    given = recipe_of(options, recipe)
    tuned = fine_tune if options.trials is None else partial(best_trial, options, recipe, fine_tune, figure)
    model = tuned(dataset, recipe=given, **own)
    for row in model.history.epochs:
        print(
            f"epoch {row['epoch']}: loss {row['loss']:.3f}, validation {figure} "
            f"{row[f'validation_{figure.lower()}']:.1%}, {row['examples_per_second']:.0f} examples/s"
        )
    print(f"kept epoch {model.history.best_epoch}, the best on {len(dataset['validation'])} validation texts")
    return model


def best_trial(
    options: argparse.Namespace, usual: Recipe, fine_tune: Callable, figure: str, dataset, recipe, **own: Any
):
    """The best model of a search among the settings that the options left as they usually are; with a line a trial."""
    from bertlib.tasks.tuning import search, usual_space

    space = usual_space(recipe, options.encoder)
    space = {name: of for name, of in space.items() if getattr(recipe, name) == getattr(usual, name)}
    own |= {"trials": options.trials, "study": options.study, "figure": figure.lower(), "seed": recipe.seed}
    found = search(fine_tune, dataset, space, recipe=recipe, **own)
    for trial in found.trials:
        settings = ", ".join(f"{name} {value:.3g}" for name, value in trial.settings.items())
        print(f"trial {trial.number}: {settings}: {trial.state if trial.value is None else f'{trial.value:.1%}'}")
    print(
        f"trial {found.best.number} has the best validation {figure}, {found.best.value:.1%}; expect less on new texts"
    )
    return found.model


CASED = "a new tokenizer keeps capitals, accents and vowel signs; by default text is lower-cased and loses them"


def learn(texts: Iterable[str], options: argparse.Namespace) -> WordPiece:
    """A new vocabulary; what lower-casing takes away beyond a Latin, Greek or Cyrillic letter's accent is said."""
    from bertlib.text.wordpiece import WordPiece

    seen: set[str] = set()

    def watched() -> Iterator[str]:
        for text in texts:
            seen.update(text)
            yield text

    tokenizer = WordPiece.train(watched(), options.vocab_size, lowercase=not options.cased)
    parts = {part for character in seen for part in unicodedata.normalize("NFD", character)}
    lost = sorted(part for part in parts if unicodedata.category(part) == "Mn" and not "\u0300" <= part <= "\u036f")
    if lost and not options.cased:
        print(
            f"note: text is lower-cased, which takes {len(lost)} kinds of signs from it, such as "
            f"{unicodedata.name(lost[0], hex(ord(lost[0])))}; --cased keeps them",
            file=sys.stderr,
        )
    return tokenizer
