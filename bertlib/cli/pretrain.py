"""Pretrain a BERT on text of one's own."""

import argparse
from pathlib import Path

from bertlib.cli.options import CASED, add_recipe, learn, new_command, recipe_of
from bertlib.train.recipe import RECIPES


def add_command(commands) -> None:
    more = (
        "Pretrain with MLM and NSP. Run the same command again to go on after an interruption; start it "
        "with torchrun or accelerate launch to share the work among processes."
    )
    command = new_command(commands, "pretrain", run, "pretrain a BERT on your own text", more)
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
    command.add_argument(
        "--vocab",
        type=Path,
        help="a vocab.txt for a random start, with the settings that stand beside it; by default one is trained",
    )
    command.add_argument("--vocab-size", type=int, default=8192)
    command.add_argument("--cased", action="store_true", help=CASED)
    command.add_argument("--hidden-size", type=int, default=256)
    command.add_argument("--layers", type=int, default=4)
    command.add_argument("--heads", type=int, default=4)
    add_recipe(command, RECIPES["pretrain"], leave_out=("epochs", "method", "rank", "alpha"))
    command.add_argument("--plain-start", dest="good_start", action="store_false", help="the same as --no-good-start")
    command.add_argument("--tensorboard", action="store_true", help="write curves to OUT/runs")
    command.add_argument("--fill", action="append", metavar="TEXT", help="a text with [MASK] to fill in at the end")


def run(options: argparse.Namespace) -> int:
    from bertlib.tasks.pretrain import pretrain
    from bertlib.train.history import describe
    from bertlib.train.processes import joined_processes

    def report(history, baseline):
        if len(history.epochs) == 1 and baseline is not None:
            print(f"unigram guess: MLM {baseline['mlm_loss']:.3f} nats, {baseline['mlm_accuracy']:.1%} right")
        print(describe(history.epochs[-1]), flush=True)

    with joined_processes() as (rank, _):
        documents, held_out, tokenizer = read_corpus(options)
        start, tokenizer = begin(options, documents, tokenizer)
        result = pretrain(
            documents,
            held_out,
            start=start,
            tokenizer=tokenizer,
            out=options.out,
            recipe=recipe_of(options, RECIPES["pretrain"]),
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


def read_corpus(options: argparse.Namespace):
    """Documents to learn from, documents held out, and the tokenizer that they are encoded with, if they are."""
    from bertlib.data.catalog import LOADERS, load
    from bertlib.data.columns import documents_of
    from bertlib.data.documents import read_documents
    from bertlib.text.corpus import ABOUT, EncodedCorpus

    if not 0 < options.validation < 1:
        raise ValueError(f"--validation {options.validation}: give a share above 0 and below 1, such as 0.05")
    if options.corpus in LOADERS and not (Path(options.corpus) / ABOUT).is_file():
        splits = load(options.corpus)
        return documents_of(splits["train"]), documents_of(splits["validation"]), None
    encoded = (Path(options.corpus) / ABOUT).is_file()
    documents = EncodedCorpus(options.corpus) if encoded else read_documents(options.corpus)
    tokenizer = documents.tokenizer() if encoded else None
    if options.held_out is not None:
        return documents, read_documents(options.held_out), tokenizer
    if len(documents) < 4:  # a pair needs two documents, on either side
        print(f"{len(documents)} documents: too few to hold any out, so there are no curves", flush=True)
        return documents, None, tokenizer
    if encoded:  # documents were written in their source's order, and a curve needs no more than a thousand
        count = min(1000, max(2, round(options.validation * len(documents))))
        return documents[:-count], documents[-count:], tokenizer
    # Every n-th document, so that all parts of an ordered corpus are among them.
    every = max(2, min(round(1 / options.validation), len(documents) // 2))  # a pair needs two documents
    kept = [document for number, document in enumerate(documents, start=1) if number % every]
    return kept, documents[every - 1 :: every], tokenizer


def begin(options: argparse.Namespace, documents, tokenizer):
    """The model to begin with, or its shape, and the tokenizer."""
    from bertlib.data.encoders import encoder_folder
    from bertlib.model.config import BertConfig
    from bertlib.text.tokenizer import load_tokenizer

    if options.start != "random":
        return encoder_folder(options.start), tokenizer
    if options.vocab is not None:
        tokenizer = load_tokenizer(options.vocab)
    elif tokenizer is None:
        tokenizer = learn((sentence for document in documents for sentence in document), options)
    start = BertConfig(
        hidden_size=options.hidden_size,
        num_hidden_layers=options.layers,
        num_attention_heads=options.heads,
        intermediate_size=4 * options.hidden_size,
        max_position_embeddings=options.max_length,
    )
    return start, tokenizer
