"""Texts, their words and their vectors in one SQLite file: what an index keeps."""

from __future__ import annotations

import errno
import os
import re
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

MARK = 0x42455254  # "BERT" in the file's header: a store of ours, and no other SQLite file
TABLES = """
CREATE TABLE settings (name TEXT PRIMARY KEY, value BLOB NOT NULL);
CREATE TABLE texts (number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, text TEXT NOT NULL);
CREATE TABLE vectors (text INTEGER NOT NULL, vector BLOB NOT NULL);
CREATE VIRTUAL TABLE words USING fts5(text, content='texts', content_rowid='number');
"""


class Store:
    """A SQLite file with texts, their words (FTS5) and float32 vectors, one or several of each text.

    What `add` was given is in the file when it returns, all or nothing, also if the program is killed.

    Args:
        path: of the file; None keeps it in memory.
        probe: makes a new file, with this vector, by which a model is told from another; None opens one.

    Raises:
        FileExistsError: a new one is there already. FileNotFoundError: there is none. ValueError: it is another
            program's, damaged, or not whole. Of every method also: TimeoutError, another program is writing; OSError;
            RuntimeError, it is closed, or used in another thread than the one that opened it.
    """

    def __init__(self, path: str | Path | None, probe: np.ndarray | None = None):
        self.path = ":memory:" if path is None else str(path)
        # An empty file is a new one, which could not be written the last time.
        if path is not None and probe is not None and Path(path).exists() and os.path.getsize(path):
            raise FileExistsError(f"{path} is there already: Index.load opens it")
        if probe is None and not Path(self.path).is_file():
            raise FileNotFoundError(f"{path}: no such file; Index(embedder, path) makes a new one")
        with self.told():
            self.base = sqlite3.connect(self.path)
            if probe is not None:
                statements = [*filter(str.strip, TABLES.split(";")), f"PRAGMA application_id = {MARK}"]
                with self.base:
                    self.base.execute("BEGIN IMMEDIATE")
                    for statement in statements:
                        self.base.execute(statement)
                    self.base.execute("INSERT INTO settings VALUES ('probe', ?)", (probe.tobytes(),))
            mark, pages, size = (self.one(f"PRAGMA {name}") for name in ("application_id", "page_count", "page_size"))
            if mark != MARK or (path is not None and pages * size > os.path.getsize(path)):
                raise ValueError(f"{path} is no index of bertlib, or not whole: give a file that Index wrote")
            self.probe = np.frombuffer(self.one("SELECT value FROM settings WHERE name = 'probe'"), dtype=np.float32)

    def one(self, statement: str, *values: Any) -> Any:
        """The first value that a statement gives; None if it gives no row."""
        with self.told():
            row = self.base.execute(statement, values).fetchone()
        return None if row is None else row[0]

    def __len__(self) -> int:
        return self.one("SELECT count(*) FROM texts")

    def text_of(self, name: str) -> str | None:
        """The text with an id."""
        return self.one("SELECT text FROM texts WHERE id = ?", name)

    def row(self, number: int) -> dict:
        """Id and text of a text's number."""
        with self.told():
            row = self.base.execute("SELECT id, text FROM texts WHERE number = ?", (number,)).fetchone()
        return dict(zip(("id", "text"), row, strict=True))

    def add(self, names: Sequence[str], texts: Sequence[str], owners: np.ndarray, vectors: np.ndarray) -> None:
        """Add N texts with their ids, and (M, D) vectors with the place, among these texts, of the one each is of."""
        with self.told(), self.base:
            self.base.execute("BEGIN IMMEDIATE")
            first = (self.one("SELECT max(number) FROM texts") or 0) + 1
            rows = list(zip(range(first, first + len(texts)), names, texts, strict=True))
            self.base.executemany("INSERT INTO texts VALUES (?, ?, ?)", rows)
            self.base.executemany("INSERT INTO words (rowid, text) VALUES (?, ?)", ((row[0], row[2]) for row in rows))
            blobs = ((first + int(owner), row.tobytes()) for owner, row in zip(owners, vectors, strict=True))
            self.base.executemany("INSERT INTO vectors VALUES (?, ?)", blobs)

    def by_words(self, query: str, k: int) -> list[tuple[int, float]]:
        """Numbers of the k texts with the best BM25 (that of FTS5) for any of a query's words, and it; best first."""
        # In quotes a word is a word, also one that FTS5 would read as an operator.
        asked = " OR ".join(f'"{word}"' for word in dict.fromkeys(re.findall(r"\w+", query.lower())))
        ranked = "SELECT rowid, -rank FROM words WHERE words MATCH ? ORDER BY rank, rowid LIMIT ?"
        with self.told():
            return self.base.execute(ranked, (asked or '""', k)).fetchall()

    def vectors_after(self, count: int) -> tuple[np.ndarray, np.ndarray]:
        """All vectors but the first `count`: numbers of the texts they are of (M,), and (M, D)."""
        with self.told():
            new = (self.one("SELECT max(rowid) FROM vectors") or 0) - count
            if new < 0:
                raise ValueError(f"the engine holds {count} vectors, the index {count + new}: give one of its own")
            texts, vectors = np.empty(new, dtype=np.int64), np.empty((new, len(self.probe)), dtype=np.float32)
            rows = self.base.execute(
                "SELECT text, vector FROM vectors WHERE rowid > ? ORDER BY rowid LIMIT ?", (count, new)
            )
            for place, (text, blob) in enumerate(rows):
                texts[place], vectors[place] = text, np.frombuffer(blob, dtype=np.float32)
        return texts, vectors

    def save(self, path: str | Path) -> None:
        """Write all of it to another file; one that was there is replaced in one step, or stays as it was."""
        if os.path.realpath(path) == os.path.realpath(self.path):
            return
        beside = Path(path).with_name(f".{Path(path).name}.{os.getpid()}")
        try:
            with self.told(path):
                self.base.execute("VACUUM INTO ?", (str(beside),))  # Connection.backup waits for a lock without end
            Path(f"{path}-journal").unlink(missing_ok=True)  # of a program that was killed: SQLite would play it back
            os.replace(beside, path)
        finally:
            beside.unlink(missing_ok=True)

    def close(self) -> None:
        self.base.close()

    @contextmanager
    def told(self, path: str | Path | None = None) -> Iterator[None]:
        """Say of what goes wrong in SQLite which file it is, and what helps."""
        path = path or self.path
        try:
            yield
        except sqlite3.ProgrammingError as error:  # closed, or another thread's
            raise RuntimeError(f"{path}: {error} Open it again, in the thread that uses it") from error
        except (sqlite3.OperationalError, sqlite3.IntegrityError) as error:  # the latter: it has just added the same
            if isinstance(error, sqlite3.IntegrityError) or "locked" in str(error):
                raise TimeoutError(f"{path}: another program is writing there; try again when it has ended") from error
            number = errno.ENOSPC if "full" in str(error) else errno.EIO
            raise OSError(number, f"{path}: could not be read or written ({error}); nothing was added") from error
        except sqlite3.DatabaseError as error:
            raise ValueError(
                f"{path} is no index of bertlib, or damaged ({error}): give a file that Index wrote"
            ) from error
