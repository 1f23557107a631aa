"""Fine-tune a classifier of pairs of texts on a CSV of one's own."""

import argparse

from bertlib.cli.options import add_columns, add_tuning, new_command, tune_on_csv
from bertlib.train.recipe import RECIPES


def add_command(commands) -> None:
    command = new_command(commands, "match", run, "fine-tune a classifier of pairs of texts on your own CSV")
    add_columns(command)
    command.add_argument("--first", default="first", help="the column with the first texts")
    command.add_argument("--second", default="second", help="the column with the second texts")
    add_tuning(command, RECIPES["match"], max_length="tokens a pair is cut to")


def run(options: argparse.Namespace) -> int:
    from bertlib.tasks.match import fine_tune

    columns = (options.first, options.second)
    return tune_on_csv(options, RECIPES["match"], columns, fine_tune, columns=columns)
