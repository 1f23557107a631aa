"""Plain text into documents and sentences: what pretraining reads (Devlin et al., 2019, §3.1 and A.2)."""

from __future__ import annotations

import codecs
import re
from pathlib import Path

# An end mark with the quotes and brackets that close behind it. Latin marks need white space after them ("5.5%" and
# "bbc.co.uk" go on); Chinese and Japanese ones do not.
SENTENCE_END = re.compile(r"(?:[.!?…]+[\"'”’)\]]*(?=\s)|[。！？]+[”’」』）]*|\n)")
# What may stand before a sentence's first letter, which is a capital, a digit or a letter of a script without case.
BEFORE_START = re.compile(r"\s*[\"'“‘(\[]*")
# A full stop after one of these (or after a single capital: "J. K. Rowling", "U.S. troops") belongs to the word.
ABBREVIATION = re.compile(
    r"(?:^|[\s(\"'“‘])(?:Mr|Mrs|Ms|Dr|Prof|Rev|Sir|St|Gen|Col|Lt|Capt|Sgt|Sen|Rep|Gov|vs|No|Nos|cf|e\.g|i\.e|approx"
    r"|[A-Z](?:\.[A-Z])*)$"
)


def sentence_spans(text: str) -> list[tuple[int, int]]:
    """Where the sentences of a text stand.

    A sentence ends at a full stop, question or exclamation mark (and the quotes and brackets that close there) before
    white space and anything but a lower-case letter, or at a line break. Abbreviations and initials do not end one.
    A rule, not a model: it errs where a sentence ends in an abbreviation.

    Returns:
        (start, end) of each sentence in characters of `text`, white space around it left out, in order.
    """
    spans, start = [], 0

    def close(end: int) -> None:
        piece = text[start:end]
        if piece.strip():
            spans.append((start + len(piece) - len(piece.lstrip()), start + len(piece.rstrip())))

    for match in SENTENCE_END.finditer(text):
        mark = match[0]
        if mark[0] in ".!?…" and "\n" not in text[match.end() : match.end() + 1]:
            first = BEFORE_START.match(text, match.end()).end()
            if text[first : first + 1].islower():
                continue
            if mark == "." and ABBREVIATION.search(text[start : match.start()]):  # ^ is where the sentence begins
                continue
        close(match.end())
        start = match.end()
    close(len(text))
    return spans


def split_sentences(text: str) -> list[str]:
    """The sentences of a text, in order; see `sentence_spans`."""
    return [text[start:end] for start, end in sentence_spans(text)]


def read_text(path: str | Path) -> str:
    """A text file in UTF-8; line ends become line feeds, a byte order mark is passed over.

    Raises:
        FileNotFoundError: no such file. ValueError: it is not text in UTF-8; the message names file and line.
    """
    path = Path(path)
    if not path.is_file():
        problem = "is a folder" if path.is_dir() else "no such file"
        raise FileNotFoundError(f"{path}: {problem}; give the path of a file")
    content = path.read_bytes().removeprefix(codecs.BOM_UTF8)  # the mark that Windows programs write
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = line_at(content[: error.start].decode("utf-8"))
        raise ValueError(
            f"{path}, line {line}: byte 0x{content[error.start]:02x} is not UTF-8; save the file as UTF-8 (in Excel: "
            "'CSV UTF-8')"
        ) from error
    if "\0" in text:
        line = line_at(text[: text.index("\0")])
        raise ValueError(f"{path}, line {line}: a NUL byte, so this is no plain text in UTF-8; save the file as UTF-8")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def line_at(before: str) -> int:
    """The number, from 1, of the line that begins or goes on after this text."""
    return before.replace("\r\n", "\n").replace("\r", "\n").count("\n") + 1


def read_documents(path: str | Path) -> list[list[str]]:
    """The documents of a folder or file, each a list of its sentences.

    Pretraining needs whole documents in their own order: next-sentence pairs come from consecutive sentences.

    Args:
        path: a folder, in which every .txt file (also in folders below) is one document; or one text file, in which
            blank lines part the documents.

    Raises:
        FileNotFoundError: no such path.
        ValueError: no .txt file, no text in any of them, or a file that is not UTF-8 (its name and line are given).
    """
    path = Path(path)
    if path.is_dir():
        files = sorted(file for file in path.rglob("*.txt") if file.is_file())
        if not files:
            raise ValueError(f"{path} holds no .txt file: give a folder of text files, a document each")
        texts = [read_text(file) for file in files]
    else:
        texts = re.split(r"\n\s*\n", read_text(path))
    documents = [sentences for sentences in map(split_sentences, texts) if sentences]
    if not documents:
        raise ValueError(f"{path} holds no text: give files with something in them")
    return documents
