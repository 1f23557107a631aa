"""Fine-tune a model that marks answers in a text, or use one."""

import argparse
from pathlib import Path

from bertlib.cli.options import add_tuning, new_command, run_tuning
from bertlib.train.recipe import RECIPES


def add_command(commands) -> None:
    more = "Fine-tune on a JSON file in SQuAD's form or on bbc_questions; score it; answer questions about a text."
    command = new_command(commands, "answer", run, "fine-tune a model that marks answers in a text, or use one", more)
    command.add_argument("--train", help="a JSON file in SQuAD's form (1.1 or 2.0), or bbc_questions")
    command.add_argument("--held-out", type=Path, help="a JSON file that chooses epoch and threshold")
    command.add_argument("--test", help="a JSON file or bbc_questions, scored at the end")
    command.add_argument("--model", type=Path, help="a folder that --out wrote, to use instead of training")
    command.add_argument("--question", action="append", help="a question that is answered at the end")
    command.add_argument("--context", type=Path, help="a text file in UTF-8 that the questions are about")
    add_tuning(command, RECIPES["answer"], max_length="tokens a question and a window of the text have together")
    command.set_defaults(max_length=256)


def run(options: argparse.Namespace) -> int:
    from datasets import DatasetDict

    from bertlib.data.catalog import load
    from bertlib.data.questions import from_squad, held_out
    from bertlib.files import read_text
    from bertlib.tasks.answer import Answerer, fine_tune

    if (options.train is None) == (options.model is None):
        raise ValueError("give either --train, to fine-tune a model, or --model, to use one that was saved")
    if options.question and options.context is None:
        raise ValueError("--question needs --context, the file with the text that it is about")
    context = None if options.context is None else read_text(options.context)  # what is missing is said before training
    if options.test is not None:
        test = load(options.test)["test"] if options.test == "bbc_questions" else from_squad(options.test)
    if options.model is not None:
        answerer = Answerer.load(options.model, options.encoder)
    else:
        if options.train == "bbc_questions":
            dataset = load(options.train)
        elif options.held_out is not None:
            dataset = DatasetDict(train=from_squad(options.train), validation=from_squad(options.held_out))
        else:
            dataset = held_out(from_squad(options.train), options.validation)
        answerer = run_tuning(options, RECIPES["answer"], dataset, fine_tune, "F1")
        print(f"no answer from a lead of {answerer.threshold:+.2f} on")
        if options.out:
            print(f"saved: {options.out}")
    if options.test is not None:
        scores = answerer.evaluate(test)
        print(f"test, {len(test)} questions: exact {scores['exact']:.1%}, F1 {scores['f1']:.1%}")
        for part in ("has_answer", "no_answer"):
            own = scores[part]
            print(f"  {part}: exact {own['exact']:.1%}, F1 {own['f1']:.1%} of {own['support']}")
    for question in options.question or ():
        found = answerer.predict(question, context)
        place = "no answer" if found["start"] is None else f"{found['start']}–{found['end']} {found['text']!r}"
        print(f"{place} {found['score']:.1%}")
    return 0
