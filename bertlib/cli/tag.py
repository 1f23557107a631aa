"""Fine-tune a tagger of named entities, or use one."""

import argparse
from pathlib import Path

from bertlib.cli.options import add_tuning, new_command, run_tuning
from bertlib.train.recipe import RECIPES


def add_command(commands) -> None:
    more = (
        "Fine-tune on a file in CoNLL's form (a word a line, its tag in the last column, a blank line "
        "between texts) or on a named data set; score it; tag plain text."
    )
    command = new_command(commands, "tag", run, "fine-tune a tagger of named entities, or use one", more)
    command.add_argument("--train", help="a CoNLL file in UTF-8, or bbc_entities, universal_ner, wnut_17, conll2003")
    command.add_argument("--held-out", type=Path, help="a CoNLL file that chooses the epoch")
    command.add_argument("--scheme", default="BIO", help="how files mark entities: BIO, IOB1, BIOES, BILOU, BMES, IO")
    command.add_argument("--test", help="a CoNLL file or a named data set, scored at the end")
    command.add_argument("--model", type=Path, help="a folder that --out wrote, to use instead of training")
    command.add_argument("--text", action="append", help="a text whose entities are shown at the end")
    command.add_argument("--context", action="store_true", help="read what stands before and after a text, if known")
    add_tuning(command, RECIPES["tag"], max_length="tokens a window")


def run(options: argparse.Namespace) -> int:
    from datasets import DatasetDict

    from bertlib.data.catalog import ENTITY_SETS, load
    from bertlib.data.own import from_conll
    from bertlib.tasks.tag import EntityTagger, fine_tune
    from bertlib.text.spans import is_bio

    if (options.train is None) == (options.model is None):
        raise ValueError("give either --train, to fine-tune a tagger, or --model, to use one that was saved")
    if options.model is not None:
        tagger = EntityTagger.load(options.model, options.encoder)
    elif options.train in ENTITY_SETS:
        dataset = load(options.train)
    else:
        rows = from_conll(options.train, scheme=options.scheme)
        names = rows.features["ner_tags"].feature.names
        if options.held_out is not None:
            aside = from_conll(options.held_out, scheme=options.scheme, names=names)
            dataset = DatasetDict(train=rows, validation=aside)
        else:  # every n-th text, so that all parts of an ordered file are among them
            if not 0 < options.validation < 1:
                raise ValueError(f"--validation {options.validation}: give a share above 0 and below 1, such as 0.1")
            every = max(2, round(1 / options.validation))
            if len(rows) < 2:
                raise ValueError(f"{options.train} holds a single text: give more, with blank lines between them")
            chosen = range(min(every, len(rows)) - 1, len(rows), every)
            kept = [i for i in range(len(rows)) if i not in chosen]
            dataset = DatasetDict(train=rows.select(kept), validation=rows.select(chosen))
    if options.model is None:
        tagger = run_tuning(options, RECIPES["tag"], dataset, fine_tune, "F1", context=options.context)
        if options.out:
            print(f"saved: {options.out}")
    if options.test is not None:
        if options.test in ENTITY_SETS:
            test = load(options.test)["test"]
        else:
            names = tagger.labels if is_bio(tagger.labels) else None
            test = from_conll(options.test, scheme=options.scheme, names=names)
        scores = tagger.evaluate(test)
        print(f"test, {len(test)} texts: F1 {scores['f1']:.1%}, precision {scores['precision']:.1%}, ", end="")
        print(f"recall {scores['recall']:.1%}")
        for kind, row in scores["by_type"].items():
            print(f"  {kind}: F1 {row['f1']:.1%} of {row['support']} entities")
    for text in options.text or ():
        for entity in tagger.predict(text):
            print("{start}–{end} {type} {text!r} {score:.1%}".format(**entity))
    return 0
