"""Fine-tune a classifier on a CSV of one's own."""

import argparse

from bertlib.cli.options import add_columns, add_tuning, new_command, tune_on_csv
from bertlib.train.recipe import RECIPES


def add_command(commands) -> None:
    command = new_command(commands, "classify", run, "fine-tune a classifier on your own CSV")
    add_columns(command)
    command.add_argument("--text", default="text", help="the column with the texts")
    add_tuning(command, RECIPES["classify"], max_length="tokens a text is cut to")


def run(options: argparse.Namespace) -> int:
    from bertlib.tasks.classify import fine_tune

    return tune_on_csv(options, RECIPES["classify"], options.text, fine_tune)
