"""What waits for a person, and what people said of the answers: one SQLite file that a kill does not lose."""

from __future__ import annotations

import errno
import json
import os
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

MARK = 0x4445534B  # "DESK" in the file's header: a queue of ours, and no other SQLite file
WAIT = 5.0  # seconds for another program that is writing
TABLES = """
CREATE TABLE hand_overs (
  number INTEGER PRIMARY KEY AUTOINCREMENT, asked_at TEXT NOT NULL, reply TEXT NOT NULL, question TEXT NOT NULL,
  history TEXT NOT NULL, guesses TEXT NOT NULL, why TEXT NOT NULL, closed_at TEXT,
  written TEXT NOT NULL DEFAULT ''
);
CREATE TABLE feedback (
  number INTEGER PRIMARY KEY AUTOINCREMENT, said_at TEXT NOT NULL, reply TEXT NOT NULL, "right" INTEGER NOT NULL,
  note TEXT NOT NULL, question TEXT NOT NULL, history TEXT NOT NULL, entry TEXT, confidence REAL NOT NULL
);
"""


class Queue:
    """Questions handed over, until a person closes them; and what people say of replies.

    Every method has committed to the disk when it returns, all or nothing, also if the program is killed then. Several
    threads may use one Queue, and several programs one file.

    Args:
        path: of the SQLite file, which is made, readable by its owner alone, where there is none. SQLite keeps two
            more beside it, PATH-wal and PATH-shm: they belong to it.

    Raises:
        ValueError: the file is another program's, or damaged. TimeoutError: another program locks it. Both
            also of every method. OSError: it cannot be written.
    """

    def __init__(self, path: str | Path):
        self.path, self.lock = Path(path), threading.Lock()
        if not self.path.parent.is_dir():
            raise FileNotFoundError(f"{path}: there is no folder {self.path.parent}; make it, or give another path")
        with self.told():
            if not self.path.exists():
                os.close(os.open(self.path, os.O_CREAT | os.O_RDWR, 0o600))  # people's questions: not for all to read
            self.base = sqlite3.connect(self.path, timeout=WAIT, isolation_level=None, check_same_thread=False)
            try:
                self._prepare()
            except BaseException:
                self.base.close()
                raise

    def _prepare(self) -> None:
        # The mark is read first: nothing is changed in a file that is not ours.
        mark, tables = self._one("PRAGMA application_id"), self._one("SELECT count(*) FROM sqlite_master")
        if mark != MARK and tables:
            raise ValueError(f"{self.path} is another program's file: give one that the desk made, or a new path")
        self._one("PRAGMA journal_mode = WAL")  # one writes while others read
        self._one("PRAGMA synchronous = FULL")  # on the disk at each commit
        with self._transaction():
            if self._one("PRAGMA application_id") != MARK:  # two programs may have begun at once
                for statement in filter(str.strip, TABLES.split(";")):
                    self.base.execute(statement)
                self.base.execute(f"PRAGMA application_id = {MARK}")
            columns = [row[1] for row in self.base.execute("PRAGMA table_info(hand_overs)")]
            if columns and "written" not in columns:  # a queue from before a person could write
                self.base.execute("ALTER TABLE hand_overs ADD COLUMN written TEXT NOT NULL DEFAULT ''")
        for statement in ("SELECT why, closed_at FROM hand_overs LIMIT 1", "SELECT confidence FROM feedback LIMIT 1"):
            self._one(statement)

    def _one(self, statement: str, *values: Any) -> Any:
        row = self.base.execute(statement, values).fetchone()
        return None if row is None else row[0]

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """All or nothing; the lock for writing is taken at once, so that two programs wait for each other."""
        self.base.execute("BEGIN IMMEDIATE")
        try:
            yield
            self.base.execute("COMMIT")
        except BaseException:
            if self.base.in_transaction:
                self.base.execute("ROLLBACK")
            raise

    def _write(self, statement: str, values: Sequence[Any]) -> tuple[int, int]:
        """Run a statement for itself; gives the number of the new row, and how many rows it changed."""
        with self.lock, self.told(), self._transaction():
            cursor = self.base.execute(statement, values)
            return cursor.lastrowid or 0, cursor.rowcount

    def _rows(self, statement: str, values: Sequence[Any] = ()) -> list[dict]:
        with self.lock, self.told():
            cursor = self.base.execute(statement, values)
            names = [column[0] for column in cursor.description]
            rows = [dict(zip(names, row, strict=True)) for row in cursor]
        kept = ("history", "guesses")
        return [row | {name: json.loads(row[name]) for name in kept if name in row} for row in rows]

    def hand_over(
        self,
        reply: str,
        question: str,
        history: Sequence[str] = (),
        guesses: Sequence[Mapping[str, Any]] = (),
        why: str = "",
    ) -> int:
        """Keep a question for a person.

        Args:
            reply: the id of the reply that said so. history: earlier questions, oldest first.
            guesses: the best stored answers, as JSON objects. why: it was handed over.

        Returns:
            Its number, from 1, which no other question gets.
        """
        values = (now(), reply, question, as_json(history), as_json(guesses), why)
        columns = "asked_at, reply, question, history, guesses, why"
        return self._write(f"INSERT INTO hand_overs ({columns}) VALUES (?, ?, ?, ?, ?, ?)", values)[0]  # nosec B608

    def feedback(
        self,
        reply: str,
        right: bool,
        note: str = "",
        *,
        question: str = "",
        history: Sequence[str] = (),
        entry: str | None = None,
        confidence: float = 0.0,
    ) -> int:
        """Keep what a person said of a reply, with what it was about; gives its number, from 1."""
        values = (now(), reply, int(right), note, question, as_json(history), entry, confidence)
        columns = 'said_at, reply, "right", note, question, history, entry, confidence'
        return self._write(f"INSERT INTO feedback ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)", values)[0]  # nosec B608

    def waiting(self) -> list[dict]:
        """All questions that wait, oldest first: number, asked_at (UTC, ISO 8601), reply, question, history, guesses,
        why.
        """
        columns = "number, asked_at, reply, question, history, guesses, why"
        return self._rows(f"SELECT {columns} FROM hand_overs WHERE closed_at IS NULL ORDER BY number")  # nosec B608

    def close_one(self, number: int, written: str = "") -> None:
        """Mark a question as done, and keep what a person wrote in reply, if anything.

        Raises also KeyError: there is none of this number, or it is done already; nothing is changed then.
        """
        _, changed = self._write(
            "UPDATE hand_overs SET closed_at = ?, written = ? WHERE number = ? AND closed_at IS NULL",
            (now(), written, number),
        )
        if not changed:
            raise KeyError(f"{number}: no question of this number waits")

    def look_up(self, number: int) -> dict:
        """What became of a question: number, asked_at, closed_at (None while it waits) and written, "" if nothing was.

        Raises also KeyError: there is none of this number.
        """
        rows = self._rows("SELECT number, asked_at, closed_at, written FROM hand_overs WHERE number = ?", (number,))
        if not rows:
            raise KeyError(f"{number}: no question has this number")
        return rows[0]

    def said(self) -> list[dict]:
        """All feedback, oldest first: number, said_at, reply, right (0 or 1), note, question, history, entry and
        confidence.
        """
        return self._rows("SELECT * FROM feedback ORDER BY number")

    def counts(self) -> dict[str, int]:
        """How many questions wait, how many are done, and how often an answer was called right, or wrong."""
        (row,) = self._rows(
            "SELECT (SELECT count(*) FROM hand_overs WHERE closed_at IS NULL) AS waiting,"
            " (SELECT count(closed_at) FROM hand_overs) AS done,"
            ' (SELECT count(*) FROM feedback WHERE "right") AS "right",'
            ' (SELECT count(*) FROM feedback WHERE NOT "right") AS wrong'
        )
        return row

    def close(self) -> None:
        with self.lock:
            self.base.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def told(self) -> Iterator[None]:
        """Say of what goes wrong in SQLite which file it is, and what helps."""
        try:
            yield
        except sqlite3.ProgrammingError as error:
            raise RuntimeError(f"{self.path}: {error} Open it again") from error
        except sqlite3.OperationalError as error:
            if "no such table" in str(error) or "no such column" in str(error):
                raise ValueError(f"{self.path} has other tables ({error}): give a new path") from error
            if "locked" in str(error):
                raise TimeoutError(
                    f"{self.path} is locked by another program, for {WAIT:.0f} s already: end it, or give another path"
                ) from error
            number = errno.ENOSPC if "full" in str(error) else errno.EIO
            raise OSError(number, f"{self.path} cannot be read or written ({error}): look at the disk") from error
        except sqlite3.DatabaseError as error:
            raise ValueError(
                f"{self.path} is no queue of the desk, or damaged ({error}): give one that the desk made, or a new path"
            ) from error


def now() -> str:
    """The time in UTC, to the second, as ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def as_json(value: Sequence[Any]) -> str:
    return json.dumps(list(value), ensure_ascii=False)
