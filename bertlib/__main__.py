"""The course and its jobs from a shell: python -m bertlib doctor | course | classify."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path


def doctor(options: argparse.Namespace) -> int:
    from bertlib.doctor import run_doctor

    return run_doctor()


def course(options: argparse.Namespace) -> int:
    from bertlib.course import run_course

    return run_course(options.notebooks, options.build, options.only)


def classify(options: argparse.Namespace) -> int:
    from datasets import DatasetDict

    from bertlib.classify import fine_tune
    from bertlib.data import from_csv, with_validation

    columns = {"text": options.text, "label": options.label, "delimiter": options.delimiter}
    train = from_csv(options.train, **columns)
    names = train.features["label"].names
    dataset = with_validation(DatasetDict(train=train), options.validation)
    test = from_csv(options.test, **columns, labels=names) if options.test else None
    classifier = fine_tune(
        dataset,
        epochs=options.epochs,
        learning_rate=options.learning_rate,
        batch_size=options.batch_size,
        max_length=options.max_length,
        seed=options.seed,
        checkpoint=options.out,
    )
    for row in classifier.history.epochs:
        print(
            f"epoch {row['epoch']}: loss {row['loss']:.3f}, validation accuracy {row['validation_accuracy']:.1%}, "
            f"{row['examples_per_second']:.0f} examples/s"
        )
    print(f"kept epoch {classifier.history.best_epoch}, the best on {len(dataset['validation'])} validation texts")
    if test is not None:
        scores = classifier.evaluate(test)
        print(f"test, {len(test)} texts: accuracy {scores['accuracy']:.1%}, macro-F1 {scores['macro_f1']:.1%}")
    if options.out:
        print(f"saved: {options.out}")
    return 0


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bertlib", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="command")

    command = commands.add_parser("doctor", help="say what is missing and how to mend it")
    command.set_defaults(run=doctor)

    command = commands.add_parser("course", help="run the lessons in order and report their figures")
    command.add_argument("only", nargs="*", metavar="NN", help="numbers of the lessons to run; all by default")
    command.add_argument("--notebooks", type=Path, default=Path("notebooks"), help="folder of the lessons")
    command.add_argument("--build", type=Path, default=Path("build"), help="folder for executed copies and pages")
    command.set_defaults(run=course)

    formats = argparse.ArgumentDefaultsHelpFormatter
    command = commands.add_parser("classify", help="fine-tune a classifier on your own CSV", formatter_class=formats)
    command.add_argument("--train", required=True, type=Path, help="CSV with a header line, UTF-8")
    command.add_argument("--test", type=Path, help="CSV with the same columns and classes, scored at the end")
    command.add_argument("--text", default="text", help="the column with the texts")
    command.add_argument("--label", default="label", help="the column with the classes")
    command.add_argument("--delimiter", help="between fields; by default a tab in .tsv files and a comma elsewhere")
    command.add_argument("--out", type=Path, help="folder for the best model (transformers' format)")
    command.add_argument("--validation", type=float, default=0.1, help="share of --train that chooses the epoch")
    command.add_argument("--epochs", type=int, default=3)
    command.add_argument("--learning-rate", type=float, help="the peak; by default what suits the profile's encoder")
    command.add_argument("--batch-size", type=int, default=32)
    command.add_argument("--max-length", type=int, default=128, help="tokens a text is cut to")
    command.add_argument("--seed", type=int, default=0)
    command.set_defaults(run=classify)
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Run one command; what a person can mend is said in one line, without a traceback.

    Returns:
        0; 1 if a check or lesson failed; 2 if the input was wrong.
    """
    for stream in (sys.stdout, sys.stderr):  # Windows' code pages lack ✓ and ×, which is no reason to die
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    options = build_parser().parse_args(arguments)
    try:
        return options.run(options)
    except (ValueError, OSError, ImportError, FloatingPointError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
