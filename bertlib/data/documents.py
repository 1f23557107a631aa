"""Running text for pretraining, a document at a time: text files, JSON lines, parquet, or a set on the hub."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bertlib.data.columns import joined
from bertlib.files import read_text
from bertlib.text.sentences import split_sentences

if TYPE_CHECKING:
    from datasets import IterableDataset

# What a file's name ends in if it holds JSON: an object a line, or (in .json alone) an array of objects.
LINE_ENDINGS = (".jsonl", ".ndjson", ".jsonl.gz", ".ndjson.gz")
JSON_ENDINGS = (*LINE_ENDINGS, ".json", ".json.gz")
TABLE_ENDINGS = (".csv", ".tsv", ".parquet", *JSON_ENDINGS)  # what is no running text, though it may look like it


def read_documents(path: str | Path) -> list[list[str]]:
    """The documents of a folder or file, each a list of its sentences, in their own order.

    Args:
        path: a folder, in which every .txt file (also in folders below, but not in hidden ones) is one document; or one
            text file, in which blank lines part the documents.

    Raises:
        FileNotFoundError: no such path.
        ValueError: no .txt file, no text, a table or JSON in place of text, or a file that is not UTF-8 (its name and
            line are given).
    """
    path = Path(path)
    if path.is_dir():
        files = files_in(path, ".txt")
        if not files:
            raise ValueError(f"{path} holds no .txt file: give a folder of text files, a document each")
        texts = [running_text(file) for file in files]
    else:
        texts = re.split(r"\n\s*\n", running_text(path))
    documents = [sentences for sentences in map(split_sentences, texts) if sentences]
    if not documents:
        raise ValueError(f"{path} holds no text: give files with something in them")
    return documents


def files_in(folder: Path, endings: str | tuple[str, ...]) -> list[Path]:
    """The files below a folder whose names end so, in capitals or not; nothing hidden, as .ipynb_checkpoints is."""
    return sorted(
        file
        for file in folder.rglob("*")
        if file.name.lower().endswith(endings)
        and not any(part.startswith(".") for part in file.relative_to(folder).parts)
        and file.is_file()
    )


def running_text(path: Path) -> str:
    """The text of a file; a ValueError if it is a table or JSON, whose commas and braces are nothing to learn from."""
    text = read_text(path)
    if path.name.lower().endswith(TABLE_ENDINGS) or is_json_lines(text):
        raise ValueError(
            f"{path}, line 1: a table or JSON, no running text; write a text file, or JSON lines with a column 'text' "
            "for `python -m bertlib encode`, and pretrain on what it writes"
        )
    return text


def is_json_lines(text: str) -> bool:
    """Whether the first line is a JSON object."""
    first = text.lstrip().partition("\n")[0]
    try:
        return first.startswith("{") and isinstance(json.loads(first), dict)
    except json.JSONDecodeError:
        return False


def stream_documents(
    source: str | Path, *, split: str = "train", config: str | None = None, text: str = "text"
) -> Iterator[list[str]]:
    """The documents of a source that need not fit in memory, one after the other, each a list of its sentences.

    Args:
        source: a folder with files (also in folders below, but not in hidden ones) of parquet, of JSON lines (.jsonl,
            .ndjson, also .gz), of text, or of JSON (.json); it is read for the first of these that there is. One such
            file; text as `read_documents` takes it. Or the name of a data set on the hub, which is streamed.
        split, config: of a data set on the hub.
        text: the column with a document's text; a column "title" goes before it as a sentence of its own. Either may be
            empty, or absent from some lines of JSON.

    Raises:
        ValueError: there is no such column, or no file that can be read; the message names the row or line.
        ConnectionError: the hub cannot be reached.
    """
    path = Path(source)
    kind, files = kind_of(path) if path.exists() else ("hub", [])
    if kind == "text":
        yield from read_documents(path)
        return
    rows = {"hub": hub_rows, "parquet": parquet_rows, "json": json_rows}[kind]
    for place, row in rows(source, split, config, text) if kind == "hub" else rows(files, text):
        if not isinstance(row[text], str | None):
            raise ValueError(f"{place}: column {text!r} holds {row[text]!r:.40}, no text; write a string, or null")
        title = row.get("title")
        if isinstance(title, list | dict):
            raise ValueError(f"{place}: column 'title' holds {title!r:.40}, no title; write a string, or null")
        document = joined(title, row[text])
        if not document.isascii():  # half characters, which JSON may hold where an emoji was cut, become U+FFFD
            document = document.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        sentences = split_sentences(document)
        if sentences:
            yield sentences


def kind_of(path: Path) -> tuple[str, list[Path]]:
    """What a file or folder holds ("parquet", "json" or "text"), and the files with it."""
    if path.is_file():
        name = path.name.lower()
        if name.endswith(".parquet"):
            return "parquet", [path]
        lines = name.endswith(JSON_ENDINGS) or (not name.endswith(TABLE_ENDINGS) and is_json_lines(read_text(path)))
        return "json" if lines else "text", [path]
    for kind, endings in (("parquet", ".parquet"), ("json", LINE_ENDINGS), ("text", ".txt"), ("json", JSON_ENDINGS)):
        if files := files_in(path, endings):
            return kind, files
    raise ValueError(f"{path} is empty: give a folder of .parquet, .jsonl, .txt or .json files")


def parquet_rows(files: Sequence[Path], text: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The rows of parquet files, each with its own types: a column that is empty in one may be a string in the next."""
    import datasets

    for file in files:
        rows = datasets.load_dataset("parquet", data_files=str(file), split="train", streaming=True)  # nosec B615
        yield from checked_rows(file, rows, text)


def json_rows(files: Sequence[Path], text: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The objects of files of JSON lines, or of arrays, one after the other: no types are guessed for whole columns."""
    found, seen = False, {}
    for file in files:
        for place, row in json_objects(file):
            if not isinstance(row, dict):
                raise ValueError(f"{place}: {row!r:.40} is no object with columns; write {{{text!r}: …}} on each line")
            seen |= dict.fromkeys(row)
            found = found or text in row
            yield place, {text: None, **row}
    if not found:
        raise ValueError(f"{files[0]} has no column {text!r}; its columns are {', '.join(map(repr, seen))}")


def json_objects(file: Path) -> Iterator[tuple[str, Any]]:
    """What stands on each line, or in the one array that a file is; with its place."""
    number, begun = 0, False
    try:
        with (gzip.open if file.name.lower().endswith(".gz") else open)(file, "rt", encoding="utf-8") as stream:
            for number, line in enumerate(stream, start=1):
                line = line.strip().lstrip("\ufeff")  # files joined to one bring their marks along
                if not line:
                    continue
                if not begun and line.startswith("["):
                    for at, row in enumerate(json.loads(f"{line}\n{stream.read()}")):
                        yield f"{file}, element {at}", row
                    return
                begun = True
                yield f"{file}, line {number}", json.loads(line)
    except json.JSONDecodeError as error:
        at = number + error.lineno - 1
        raise ValueError(f"{file}, line {at}: not JSON ({error.msg}); write an object a line, or one array") from error
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{file}, line {number + 1} or soon after: not UTF-8 ({error.reason}); save it as UTF-8"
        ) from error
    except (gzip.BadGzipFile, EOFError) as error:
        raise ValueError(
            f"{file}, line {number + 1}: not whole in gzip's form ({error}); fetch or pack it again"
        ) from error


def hub_rows(source: str | Path, split: str, config: str | None, text: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The rows of a data set on the hub, as they arrive."""
    import datasets
    from huggingface_hub.errors import HTTPError

    try:
        # A set of the caller's choice, at its newest: datasets reads its files and runs no code of it.
        rows = datasets.load_dataset(str(source), config, split=split, streaming=True)  # nosec B615
    except (OSError, datasets.exceptions.DatasetNotFoundError) as error:
        raise ConnectionError(
            f"{source} is neither a file or folder here nor a data set that the hub gave ({error}); check the name, "
            "the network, and HF_ENDPOINT if you set it"
        ) from error
    try:
        yield from checked_rows(source, rows, text)
    except (OSError, HTTPError) as error:
        raise ConnectionError(f"{source} broke off ({error}); check the network and run the same again") from error


def checked_rows(source: str | Path, rows: IterableDataset, text: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Rows of a typed table; what datasets cannot read of it is a ValueError that names the source."""
    from datasets.exceptions import DatasetGenerationError

    rows, number = iter(rows), 0
    while True:
        try:
            row = next(rows, None)
        except (TypeError, ValueError, DatasetGenerationError) as error:
            raise ValueError(
                f"{source}, behind row {number}: datasets cannot read it ({error}); mend its types"
            ) from error
        if row is None:
            return
        if text not in row:
            raise ValueError(f"{source} has no column {text!r}; its columns are {', '.join(map(repr, row))}")
        yield f"{source}, row {number}", row
        number += 1
