"""A CSV of dated headlines, read line by line from a file that may grow, or from standard input."""

from __future__ import annotations

import csv
import hashlib
import re
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path

LONGEST = (
    100_000  # characters of a row, its line breaks included: a quote that is never closed takes in all that follows
)
WAIT = 0.5  # seconds until a file is looked at again


class StreamError(ValueError):
    """A row that cannot be taken; the message begins with its line."""


@dataclass(frozen=True)
class Headline:
    """One row of a stream: line, the number of its last line, from 1; date (YYYY-MM-DD); text, spaces single."""

    line: int
    date: str
    text: str


@dataclass
class Position:
    """How far a stream was read: so many whole lines, with this digest. Rows are taken whole or not at all."""

    lines: int = 0
    digest: str = ""

    def after(self, raw: Sequence[bytes]) -> Position:
        digest = self.digest
        for line in raw:
            digest = hashlib.sha256(digest.encode() + line).hexdigest()
        return Position(self.lines + len(raw), digest)


@dataclass(frozen=True)
class Columns:
    """Where a stream has what. A name is that of the header line, case aside.

    Attributes:
        text, date: names of columns.
        form: of dates, as strptime has it; None for 2020-03-12, also with a time behind it.
    """

    text: str = "text"
    date: str = "date"
    form: str | None = None

    def read_date(self, value: str) -> str:
        """A date as YYYY-MM-DD. A ValueError says what form is expected."""
        value = value.strip()
        try:
            if self.form is None:
                if not re.fullmatch(r"\d{4}-\d{2}-\d{2}([T ].*)?", value):
                    raise ValueError
                return date.fromisoformat(value[:10]).isoformat()
            return datetime.strptime(value, self.form).date().isoformat()
        except ValueError:
            form = self.form or "YYYY-MM-DD"
            raise ValueError(f"the date {value!r:.40} is not of the form {form}: one form for all rows") from None


def lines_of(source: str, follow: bool = False) -> Iterator[bytes]:
    """The lines of a file, or of standard input ("-"), each with its line end; a last one without stays without.

    Args:
        follow: wait at the end for what is still to be written; then an unfinished line is not given out.

    Raises:
        FileNotFoundError: no such file.
    """
    if source == "-":
        yield from sys.stdin.buffer
        return
    if not Path(source).is_file():
        problem = "is a folder" if Path(source).is_dir() else "no such file"
        raise FileNotFoundError(f"{source}: {problem}; give a CSV file, or - for standard input")
    rest = b""
    with open(source, "rb") as file:
        while True:
            rest += file.readline()
            if rest.endswith(b"\n"):
                yield rest
                rest = b""
            elif follow:
                time.sleep(WAIT)
            else:
                if rest:
                    yield rest
                return


@dataclass
class Reader:
    """Puts lines together to rows, and rows to headlines.

    Attributes:
        columns: what stands where.
        position: behind the last row that was taken.
        names: of the header line, once it was read.
    """

    columns: Columns
    position: Position = field(default_factory=Position)
    names: list[str] | None = None
    waiting: list[bytes] = field(default_factory=list)

    def take(self, raw: bytes, last: bool = False) -> Headline | None:
        """One more line; a headline if a row ends with it.

        Args:
            raw: with its line end. Without one it is the unfinished last line: refused unless `last`.

        Raises:
            StreamError: the row cannot be taken. It counts as read: whoever goes on has left it out.
        """
        first = self.position.lines + 1
        self.waiting.append(raw)
        number = self.position.lines + len(self.waiting)
        if not raw.endswith(b"\n") and not last:
            self.waiting.pop()
            raise StreamError(f"line {number}: no line end, so it may be cut off; not read")
        try:
            text = b"".join(self.waiting).decode("utf-8")
        except UnicodeDecodeError as error:
            self._taken()
            byte = error.object[error.start]
            raise StreamError(f"line {number}: byte 0x{byte:02x} is not UTF-8; save the file as UTF-8") from error
        if text.count('"') % 2 and raw.endswith(b"\n"):
            if len(text) > LONGEST:
                self._taken()
                raise StreamError(f"line {first}: a quote that opens here is not closed in {LONGEST:,} characters")
            return None
        self._taken()
        return self._row(text.removeprefix("\ufeff") if first == 1 else text, first, number)

    def _taken(self) -> None:
        self.position = self.position.after(self.waiting)
        self.waiting = []

    def _row(self, text: str, first: int, number: int) -> Headline | None:
        if not text.strip():
            return None
        if "\0" in text:
            raise StreamError(f"line {first}: a NUL byte, so this is no plain text")
        try:
            fields = next(csv.reader([text], strict=True))
        except (csv.Error, StopIteration) as error:
            raise StreamError(f"line {first}: no row of a CSV ({error}): a quote is open, or stands inside") from error
        if self.names is None:
            names = [name.strip().casefold() for name in fields]
            for name in (self.columns.text, self.columns.date):
                if names.count(name.casefold()) != 1:
                    there, many = ", ".join(fields)[:100], names.count(name.casefold())
                    raise StreamError(
                        f"line {first}: {many} columns are named {name!r} among {there!r}: "
                        "name yours (--text-column, --date-column)"
                    )
            self.names = names
            return None
        if len(fields) != len(self.names):
            raise StreamError(f"line {first}: {len(fields)} fields, the first line has {len(self.names)}; cut off?")
        row = dict(zip(self.names, fields, strict=True))
        try:
            day = self.columns.read_date(row[self.columns.date.casefold()])
        except ValueError as error:
            raise StreamError(f"line {first}: {error}") from None
        words = " ".join(row[self.columns.text.casefold()].split())
        if not words:
            raise StreamError(f"line {first}: no text in the column {self.columns.text!r}")
        return Headline(number, day, words)
