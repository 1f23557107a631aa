"""Search texts by words and by meaning, in a file that keeps them."""

import argparse
from pathlib import Path

from bertlib.cli.options import new_command


def add_command(commands) -> None:
    more = "Add texts to an index, a SQLite file which is made if it is not there, and ask it for what suits a query."
    command = new_command(commands, "search", run, "search texts by words and by meaning", more)
    command.add_argument("index", type=Path, help="the file")
    command.add_argument("--add", action="append", default=[], help="a folder or file of .txt, .jsonl, .json, .parquet")
    command.add_argument("--text", default="text", help="the column with the texts, in files that have columns")
    command.add_argument("--query", action="append", default=[], help="what is looked for")
    command.add_argument("--k", type=int, default=10, help="texts that are shown of each")
    command.add_argument("--mode", choices=("words", "meaning", "hybrid"), default="hybrid", help="how texts are found")
    command.add_argument("--encoder", default="minilm", help="minilm, a folder that Embedder.save wrote, or another's")


def run(options: argparse.Namespace) -> int:
    from bertlib.data.documents import stream_documents
    from bertlib.data.encoders import encoder_folder
    from bertlib.tasks.embed import Embedder
    from bertlib.tasks.search import Index

    added = [[" ".join(part) for part in stream_documents(path, text=options.text)] for path in options.add]
    if not added and not options.index.is_file():
        raise ValueError(f"{options.index}: there is no such index; --add makes one")
    embedder = Embedder.load(encoder_folder(options.encoder))
    with Index.load(options.index, embedder) if options.index.is_file() else Index(embedder, options.index) as index:
        for texts in added:
            index.add(texts, show_progress=True)
        print(f"{options.index}: {len(index):,} texts")
        for query in options.query:
            print(f"\n{query}")
            for place, found in enumerate(index.search(query, options.k, options.mode), start=1):
                print(f"{place:3}  {found['score']:.4f}  {' '.join(found['text'].split()):.100}  ({found['id']})")
    return 0
