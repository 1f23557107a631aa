"""Train and use a BERT from a shell: `python -m bertlib encode`, `pretrain`, `classify`, `match`, `tag`, `answer`,
`search`, `export`, `serve`."""

import argparse
import sys

from bertlib.cli import answer, classify, encode, export, match, pretrain, run_command, search, serve, tag


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bertlib", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="command")
    for command in (encode, pretrain, classify, match, tag, answer, search, export, serve):
        command.add_command(commands)
    return parser


def main(arguments: list[str] | None = None) -> int:
    return run_command(build_parser(), arguments)


if __name__ == "__main__":
    sys.exit(main())
