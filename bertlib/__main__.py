"""The course and its jobs from a shell: python -m bertlib doctor | course | encode | pretrain | classify | tag |
assignments | grade."""

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


def encode_text(options: argparse.Namespace) -> int:
    from itertools import islice

    from bertlib.corpus import encode_corpus
    from bertlib.data import stream_documents
    from bertlib.weights import encoder_folder
    from bertlib.wordpiece import WordPiece, load_tokenizer

    def stream(limit):
        source = stream_documents(options.source, split=options.split, config=options.config, text=options.text)
        return islice(source, limit)

    if options.vocab is not None:
        tokenizer = WordPiece.from_vocab(options.vocab).to_tokenizers()
    elif options.tokenizer is not None:
        folder = options.tokenizer
        tokenizer = load_tokenizer(folder if Path(folder).is_dir() else encoder_folder(folder))
    else:
        sample = (sentence for document in stream(options.sample) for sentence in document)
        tokenizer = WordPiece.train(sample, options.vocab_size).to_tokenizers()
    corpus = encode_corpus(stream(options.limit), tokenizer, options.out)
    print(f"{len(corpus):,} documents, {corpus.tokens:,} tokens of {tokenizer.get_vocab_size():,} kinds")
    print(f"saved: {options.out}")
    return 0


def pretrain(options: argparse.Namespace) -> int:
    from bertlib.config import BertConfig
    from bertlib.corpus import ABOUT, EncodedCorpus
    from bertlib.data import LOADERS, documents_of, load
    from bertlib.pretrain import describe
    from bertlib.pretrain import pretrain as run
    from bertlib.runtime import joined_processes
    from bertlib.text import read_documents
    from bertlib.weights import encoder_folder
    from bertlib.wordpiece import WordPiece

    if not 0 < options.validation < 1:
        raise ValueError(f"--validation {options.validation}: give a share above 0 and below 1, such as 0.05")
    tokenizer = None
    with joined_processes() as (rank, _):
        if (Path(options.corpus) / ABOUT).is_file():
            documents = EncodedCorpus(options.corpus)
            tokenizer = documents.tokenizer()
            if options.held_out is not None:
                held_out = read_documents(options.held_out)
            else:  # documents were written in their source's order, and a curve needs no more than a thousand
                count = min(1000, max(2, round(options.validation * len(documents))))
                documents, held_out = documents[:-count], documents[-count:]
        elif options.corpus in LOADERS:
            splits = load(options.corpus)
            documents, held_out = documents_of(splits["train"]), documents_of(splits["validation"])
        else:
            documents = read_documents(options.corpus)
            if options.held_out is not None:
                held_out = read_documents(options.held_out)
            else:  # every n-th document, so that all parts of an ordered corpus are among them
                every = max(2, min(round(1 / options.validation), len(documents) // 2))  # a pair needs two documents
                held_out, documents = (
                    documents[every - 1 :: every],
                    [d for i, d in enumerate(documents) if (i + 1) % every],
                )
        if options.start == "random":
            start = BertConfig(
                hidden_size=options.hidden_size,
                num_hidden_layers=options.layers,
                num_attention_heads=options.heads,
                intermediate_size=4 * options.hidden_size,
                max_position_embeddings=options.max_length,
            )
            if options.vocab is not None:
                tokenizer = WordPiece.from_vocab(options.vocab)
            elif tokenizer is None:
                sentences = (sentence for document in documents for sentence in document)
                tokenizer = WordPiece.train(sentences, options.vocab_size)
        else:
            start = options.start if Path(options.start).is_dir() else encoder_folder(options.start)

        def report(history, baseline):
            if len(history.epochs) == 1:
                print(f"unigram guess: MLM {baseline['mlm_loss']:.3f} nats, {baseline['mlm_accuracy']:.1%} right")
            print(describe(history.epochs[-1]), flush=True)

        result = run(
            documents,
            held_out,
            start=start,
            tokenizer=tokenizer,
            out=options.out,
            updates=options.updates,
            batch_size=options.batch_size,
            accumulation=options.accumulation,
            max_length=options.max_length,
            learning_rate=options.learning_rate,
            warmup=options.warmup,
            whole_words=options.whole_words,
            dropout=options.dropout,
            good_start=not options.plain_start,
            packing=options.packing,
            recompute=options.recompute,
            compile=options.compile,
            evaluate_every=options.evaluate_every,
            precision=options.precision,
            seed=options.seed,
            tensorboard=options.tensorboard,
            on_evaluation=report if rank == 0 else None,
        )
        if rank == 0:
            for text in options.fill or ():
                guesses = result.fill_mask(text)
                for row in guesses if isinstance(guesses[0], dict) else [row for rows in guesses for row in rows]:
                    print(f"{row['score']:.1%} {row['sequence']}")
            print(f"saved: {options.out / 'model'}")
    return 0


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


def tag(options: argparse.Namespace) -> int:
    from datasets import DatasetDict

    from bertlib.data import ENTITY_SETS, from_conll, load
    from bertlib.tag import EntityTagger, fine_tune

    if (options.train is None) == (options.model is None):
        raise ValueError("give either --train, to fine-tune a tagger, or --model, to use one that was saved")
    if options.model is not None:
        tagger = EntityTagger.load(options.model)
    elif options.train in ENTITY_SETS:
        dataset = load(options.train)
    else:
        rows = from_conll(options.train, scheme=options.scheme)
        names = rows.features["ner_tags"].feature.names
        if options.held_out is not None:
            dataset = DatasetDict(
                train=rows, validation=from_conll(options.held_out, scheme=options.scheme, names=names)
            )
        else:  # every n-th text, so that all parts of an ordered file are among them
            if not 0 < options.validation < 1:
                raise ValueError(f"--validation {options.validation}: give a share above 0 and below 1, such as 0.1")
            every = max(2, round(1 / options.validation))
            if len(rows) < 2:
                raise ValueError(f"{options.train} holds a single text: give more, with blank lines between them")
            chosen = range(min(every, len(rows)) - 1, len(rows), every)
            dataset = DatasetDict(
                train=rows.select([i for i in range(len(rows)) if i not in chosen]), validation=rows.select(chosen)
            )
    if options.model is None:
        tagger = fine_tune(
            dataset,
            encoder=options.encoder,
            context=options.context,
            epochs=options.epochs,
            learning_rate=options.learning_rate,
            batch_size=options.batch_size,
            max_length=options.max_length,
            seed=options.seed,
            checkpoint=options.out,
        )
        for row in tagger.history.epochs:
            print(
                f"epoch {row['epoch']}: loss {row['loss']:.3f}, validation F1 {row['validation_f1']:.1%}, "
                f"{row['examples_per_second']:.0f} examples/s"
            )
        print(f"kept epoch {tagger.history.best_epoch}, the best on {len(dataset['validation'])} validation texts")
        if options.out:
            print(f"saved: {options.out}")
    if options.test is not None:
        if options.test in ENTITY_SETS:
            test = load(options.test)["test"]
        else:
            test = from_conll(options.test, scheme=options.scheme, names=tagger.labels)
        scores = tagger.evaluate(test)
        print(f"test, {len(test)} texts: F1 {scores['f1']:.1%}, precision {scores['precision']:.1%}, ", end="")
        print(f"recall {scores['recall']:.1%}")
        for kind, row in scores["by_type"].items():
            print(f"  {kind}: F1 {row['f1']:.1%} of {row['support']} entities")
    for text in options.text or ():
        for entity in tagger.predict(text):
            print("{start}–{end} {type} {text!r} {score:.1%}".format(**entity))
    return 0


def assignments(options: argparse.Namespace) -> int:
    from bertlib.assignments import build

    for path in build(options.sources, options.out, options.number):
        print(path)
    print(f"class {options.number}: hand these out; the sources hold the solutions")
    return 0


def grade(options: argparse.Namespace) -> int:
    from bertlib.grading import Limits, grade_class, summary

    limits = Limits(options.cell_seconds, options.seconds, options.memory)
    grades = grade_class(options.sources, options.submissions, options.out, limits=limits, variant=options.number)
    print(summary(grades))
    print(f"table: {options.out / 'grades.csv'}; feedback: {options.out / 'feedback'}")
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
    command = commands.add_parser(
        "encode",
        help="encode text of any size for pretraining",
        formatter_class=formats,
        description="Read documents one after the other, encode them, and write files that `pretrain --corpus` reads "
        "without holding them in memory.",
    )
    command.add_argument("source", help="a folder or file of .parquet, .jsonl or .txt, or a data set on the hub")
    command.add_argument("--out", type=Path, required=True, help="folder for the encoded corpus")
    command.add_argument("--split", default="train", help="of a data set on the hub")
    command.add_argument("--config", help="of a data set on the hub, such as 20231101.en")
    command.add_argument("--text", default="text", help="the column with the documents")
    command.add_argument("--tokenizer", help="minilm, bert-base-uncased, or a model's folder; otherwise one is trained")
    command.add_argument("--vocab", type=Path, help="a vocab.txt in its place")
    command.add_argument("--vocab-size", type=int, default=8192, help="of a new tokenizer")
    command.add_argument("--sample", type=int, default=20_000, help="documents that a new tokenizer is trained on")
    command.add_argument("--limit", type=int, help="documents to read at most")
    command.set_defaults(run=encode_text)

    command = commands.add_parser(
        "pretrain",
        help="pretrain a BERT on your own text",
        formatter_class=formats,
        description="Pretrain with MLM and NSP. Run the same command again to go on after an interruption; start it "
        "with torchrun or accelerate launch to share the work among processes.",
    )
    command.add_argument(
        "--corpus",
        required=True,
        help="a folder that `encode` wrote, a folder of .txt files (each a document), a text file (blank lines between "
        "documents), or a named corpus: bbc_news, wikitext",
    )
    command.add_argument("--held-out", type=Path, help="documents for the curves, in the same form")
    command.add_argument("--validation", type=float, default=0.05, help="without --held-out: share of the documents")
    command.add_argument("--out", type=Path, required=True, help="folder for model/, checkpoints/ and runs/")
    command.add_argument(  # torchrun takes --start for one of its own options
        "--from",
        "--start",
        dest="start",
        default="random",
        help="random, minilm, bert-base-uncased, or a model's folder",
    )
    command.add_argument("--vocab", type=Path, help="a vocab.txt for a random start; by default one is trained")
    command.add_argument("--vocab-size", type=int, default=8192)
    command.add_argument("--hidden-size", type=int, default=256)
    command.add_argument("--layers", type=int, default=4)
    command.add_argument("--heads", type=int, default=4)
    command.add_argument("--dropout", type=float, default=0.1, help="while training; 0 for short runs")
    command.add_argument("--updates", type=int, default=10_000)
    command.add_argument("--batch-size", type=int, default=32, help="pairs a batch")
    command.add_argument("--accumulation", type=int, default=1, help="batches an update, over all processes together")
    command.add_argument("--max-length", type=int, default=128, help="tokens a pair")
    command.add_argument("--learning-rate", type=float, default=5e-4, help="the peak")
    command.add_argument("--warmup", type=float, default=0.1, help="share of the updates")
    command.add_argument("--whole-words", action="store_true", help="mask whole words")
    command.add_argument("--plain-start", action="store_true", help="without bertlib.starts")
    command.add_argument("--packing", action="store_true", help="put several short pairs into one row")
    command.add_argument("--recompute", action="store_true", help="less memory, more time")
    command.add_argument("--compile", action="store_true", help="have torch compile the layers; for GPUs")
    command.add_argument(
        "--evaluate-every", type=int, help="updates between evaluations and checkpoints; a tenth of all"
    )
    command.add_argument("--precision", choices=("auto", "fp32", "bf16"), default="auto")
    command.add_argument("--tensorboard", action="store_true", help="write curves to OUT/runs")
    command.add_argument("--fill", action="append", metavar="TEXT", help="a text with [MASK] to fill in at the end")
    command.add_argument("--seed", type=int, default=0)
    command.set_defaults(run=pretrain)

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

    command = commands.add_parser(
        "tag",
        help="fine-tune a tagger of named entities, or use one",
        formatter_class=formats,
        description="Fine-tune on a file in CoNLL's form (a word a line, its tag in the last column, a blank line "
        "between texts) or on a named data set; score it; tag plain text.",
    )
    command.add_argument("--train", help="a CoNLL file in UTF-8, or bbc_entities, universal_ner, wnut_17, conll2003")
    command.add_argument("--held-out", type=Path, help="a CoNLL file that chooses the epoch")
    command.add_argument("--validation", type=float, default=0.1, help="without --held-out: share of --train")
    command.add_argument("--scheme", choices=("BIO", "IOB1"), default="BIO", help="how files mark where one begins")
    command.add_argument("--test", help="a CoNLL file or a named data set, scored at the end")
    command.add_argument("--model", type=Path, help="a folder that --out wrote, to use instead of training")
    command.add_argument("--text", action="append", help="a text whose entities are shown at the end")
    command.add_argument("--out", type=Path, help="folder for the best model (transformers' format)")
    command.add_argument("--encoder", type=Path, help="a transformers folder; by default the profile's")
    command.add_argument("--context", action="store_true", help="read what stands before and after a text, if known")
    command.add_argument("--epochs", type=int, default=4)
    command.add_argument("--learning-rate", type=float, help="the peak; by default what suits the profile's encoder")
    command.add_argument("--batch-size", type=int, default=32)
    command.add_argument("--max-length", type=int, default=128, help="tokens a window")
    command.add_argument("--seed", type=int, default=0)
    command.set_defaults(run=tag)

    sources = {"type": Path, "default": Path("notebooks/assignments/source"), "help": "the assignments' sources"}
    number = {"type": int, "default": 2, "metavar": "N", "help": "of the class: its questions have their own numbers"}
    command = commands.add_parser("assignments", help="build what students get", formatter_class=formats)
    command.add_argument("--sources", **sources)
    command.add_argument("--out", type=Path, default=Path("build/assignments"), help="folder for NAME/NAME.ipynb")
    command.add_argument("--class", dest="number", **number)
    command.set_defaults(run=assignments)

    command = commands.add_parser("grade", help="grade a class's notebooks, each shut in", formatter_class=formats)
    command.add_argument("submissions", type=Path, help="folder with STUDENT/NAME.ipynb or STUDENT/NAME/NAME.ipynb")
    command.add_argument("--sources", **sources)
    command.add_argument("--out", type=Path, default=Path("build/grades"), help="folder for grades.csv and feedback/")
    command.add_argument("--class", dest="number", **number)
    command.add_argument("--cell-seconds", type=float, default=30, help="for a cell, and for a call of a function")
    command.add_argument("--seconds", type=float, default=300, help="for a submission")
    command.add_argument("--memory", type=int, default=2048, help="MiB for a submission, beyond what torch takes")
    command.set_defaults(run=grade)
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
