"""Encode text of any size for pretraining."""

import argparse
from pathlib import Path

from bertlib.cli.options import CASED, learn, new_command


def add_command(commands) -> None:
    more = (
        "Read documents one after the other, encode them, and write files that `pretrain --corpus` reads "
        "without holding them in memory."
    )
    command = new_command(commands, "encode", run, "encode text of any size for pretraining", more)
    command.add_argument("source", help="a folder or file of .parquet, .jsonl, .txt or .json, or a data set on the hub")
    command.add_argument("--out", type=Path, required=True, help="folder for the encoded corpus")
    command.add_argument("--split", default="train", help="of a data set on the hub")
    command.add_argument("--config", help="of a data set on the hub, such as 20231101.en")
    command.add_argument("--text", default="text", help="the column with the documents")
    command.add_argument("--tokenizer", help="minilm, bert-base-uncased, or a model's folder; otherwise one is trained")
    command.add_argument("--vocab", type=Path, help="a vocab.txt in its place, with the settings that stand beside it")
    command.add_argument("--vocab-size", type=int, default=8192, help="of a new tokenizer")
    command.add_argument("--cased", action="store_true", help=CASED)
    command.add_argument("--sample", type=int, default=20_000, help="documents that a new tokenizer is trained on")
    command.add_argument("--limit", type=int, help="documents to read at most")


def run(options: argparse.Namespace) -> int:
    from itertools import islice

    from bertlib.data.documents import stream_documents
    from bertlib.data.encoders import encoder_folder
    from bertlib.text.corpus import encode_corpus
    from bertlib.text.tokenizer import load_tokenizer, vocabulary_size

    def stream(limit):
        source = stream_documents(options.source, split=options.split, config=options.config, text=options.text)
        return islice(source, limit)

    if options.vocab is not None:
        tokenizer = load_tokenizer(options.vocab)
    elif options.tokenizer is not None:
        folder = options.tokenizer
        tokenizer = load_tokenizer(folder if Path(folder).is_dir() else encoder_folder(folder))
    else:
        sample = (sentence for document in stream(options.sample) for sentence in document)
        tokenizer = learn(sample, options).to_tokenizers()
    corpus = encode_corpus(stream(options.limit), tokenizer, options.out)
    print(f"{len(corpus):,} documents, {corpus.tokens:,} tokens of {vocabulary_size(tokenizer):,} kinds")
    print(f"saved: {options.out}")
    return 0
