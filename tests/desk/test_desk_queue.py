"""The queue: what was acknowledged is in the file, whoever else uses it; what is no queue is left as it was."""

import os
import re
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from bertcourse.desk import queue as module
from bertcourse.desk.queue import Queue

GUESS = {"entry": "a", "question": "Größe <b>?", "score": 0.5}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "desk.db"


def test_hand_overs_wait_until_they_are_closed(path):
    with Queue(path) as queue:
        assert queue.hand_over("r1", "屋顶漏水?", ["first <i>", "second"], [GUESS], "because") == 1
        assert queue.hand_over("r2", "Who pays?") == 2
        one, two = queue.waiting()
        assert (one["number"], one["reply"], one["question"], one["why"]) == (1, "r1", "屋顶漏水?", "because")
        assert one["history"] == ["first <i>", "second"] and one["guesses"] == [GUESS]
        assert (two["history"], two["guesses"]) == ([], [])
        assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", one["asked_at"])
        queue.close_one(1)
        assert [row["number"] for row in queue.waiting()] == [2]
        assert queue.counts() == {"waiting": 1, "done": 1, "right": 0, "wrong": 0}
        for number in (1, 3, -1):
            with pytest.raises(KeyError, match=f"{number}: no question of this number waits"):
                queue.close_one(number)
        assert queue.hand_over("r3", "Again?") == 3, "a number is given once"


def test_what_a_person_wrote_is_kept(path):
    with Queue(path) as queue:
        queue.hand_over("r1", "Who pays?")
        queue.hand_over("r2", "And when?")
        assert queue.look_up(1)["closed_at"] is None and queue.look_up(1)["written"] == ""
        queue.close_one(1, "Sie, <b>später</b>.\nOr we.")
        with pytest.raises(KeyError):
            queue.close_one(1, "Too late.")
        queue.close_one(2)
    with Queue(path) as queue:
        found = queue.look_up(1)
        assert (found["number"], found["written"]) == (1, "Sie, <b>später</b>.\nOr we.") and found["closed_at"]
        assert queue.look_up(2)["written"] == "" and queue.look_up(2)["closed_at"]
        with pytest.raises(KeyError, match="3: no question has this number"):
            queue.look_up(3)


def test_a_queue_from_before_a_person_could_write_is_opened(path):
    base = sqlite3.connect(path)
    base.executescript(module.TABLES.replace(",\n  written TEXT NOT NULL DEFAULT ''", ""))
    base.execute(f"PRAGMA application_id = {module.MARK}")
    base.execute(
        "INSERT INTO hand_overs VALUES (1, '2026-01-01T00:00:00+00:00', 'r', 'Who pays?', '[]', '[]', '', NULL)"
    )
    assert "written" not in [row[1] for row in base.execute("PRAGMA table_info(hand_overs)")]
    base.commit()
    base.close()
    for _ in range(2):
        with Queue(path) as queue, Queue(path) as other:
            assert other.waiting()[0]["question"] == "Who pays?" and queue.look_up(1)["written"] == ""
    with Queue(path) as queue:
        queue.close_one(1, "You.")
        assert queue.look_up(1)["written"] == "You."


def test_feedback_is_kept_with_what_it_is_about(path):
    with Queue(path) as queue:
        assert queue.feedback("r1", False, "no <b>", question="Q?", history=["P?"], entry="a", confidence=0.75) == 1
        assert queue.feedback("r1", True) == 2
        one, two = queue.said()
        del one["said_at"]
        expected = {"number": 1, "reply": "r1", "right": 0, "note": "no <b>", "question": "Q?", "history": ["P?"]}
        assert one == expected | {"entry": "a", "confidence": 0.75}
        assert two["entry"] is None and two["right"] == 1
        assert queue.counts() == {"waiting": 0, "done": 0, "right": 1, "wrong": 1}


def test_it_is_there_when_it_is_opened_again_and_readable_by_its_owner_alone(path):
    with Queue(path) as queue:
        queue.hand_over("r1", "Who pays?")
        if os.name != "nt":
            assert {oct(file.stat().st_mode & 0o777) for file in path.parent.iterdir()} == {"0o600"}
    with Queue(path) as queue:
        assert queue.waiting()[0]["question"] == "Who pays?"
    with pytest.raises(RuntimeError, match="Open it again"):
        queue.waiting()


def test_another_program_sees_it_before_hand_over_returns(path):
    with Queue(path) as queue, sqlite3.connect(path) as other:
        queue.hand_over("r1", "Who pays?")
        assert other.execute("SELECT question FROM hand_overs").fetchall() == [("Who pays?",)]
        assert other.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert queue._one("PRAGMA synchronous") == 2, "on the disk at each commit"
    other.close()


def test_two_queues_and_many_threads_at_once(path):
    with Queue(path) as one, Queue(path) as two:
        numbers = []

        def add(queue, name):
            numbers.extend(queue.hand_over(f"{name}{i}", f"Question {i} of {name}?") for i in range(20))

        threads = [
            threading.Thread(target=add, args=(queue, name)) for queue, name in zip((one, two) * 2, "abcd", strict=True)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(numbers) == list(range(1, 81))
        assert {row["reply"] for row in two.waiting()} == {f"{name}{i}" for name in "abcd" for i in range(20)}
        closed = []

        def close(queue):
            for number in range(1, 81):
                try:
                    queue.close_one(number)
                    closed.append(number)
                except KeyError:
                    pass

        threads = [threading.Thread(target=close, args=(queue,)) for queue in (one, two)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(closed) == list(range(1, 81)), "each by one of them"


def test_several_programs_may_make_one_file_at_once(path):
    program = "import sys; from bertcourse.desk.queue import Queue; Queue(sys.argv[1]).hand_over('r', 'Who pays?')"
    runs = [subprocess.Popen([sys.executable, "-c", program, str(path)]) for _ in range(4)]
    assert [run.wait(60) for run in runs] == [0] * 4
    with Queue(path) as queue:
        assert len(queue.waiting()) == 4


KILLED = """
import sys
from bertcourse.desk.queue import Queue
queue = Queue(sys.argv[1])
for number in range(1, 10**6):
    queue.hand_over(f"r{number}", "Who pays? " * 20)
    print(number, flush=True)
"""


@pytest.mark.skipif(os.name == "nt", reason="kill -9 is Unix's")
def test_a_program_that_is_killed_loses_nothing_that_it_acknowledged(path):
    for round_ in range(3):
        with subprocess.Popen([sys.executable, "-c", KILLED, str(path)], stdout=subprocess.PIPE, text=True) as run:
            told = [run.stdout.readline() for _ in range(3)]
            time.sleep(0.05 * round_)
            run.send_signal(signal.SIGKILL)
            told += run.stdout.readlines()
        acknowledged = sum(line.endswith("\n") for line in told)
        with Queue(path) as queue:
            kept = [row["reply"] for row in queue.waiting()]
            assert kept[:acknowledged] == [f"r{number}" for number in range(1, acknowledged + 1)]
            assert len(kept) <= acknowledged + 1, "one more may be kept whose acknowledgement was cut off"
            for row in queue.waiting():
                queue.close_one(row["number"])


# ------------------------------------------------------------------------------------------------------ other files


def foreign(path):
    base = sqlite3.connect(path)
    base.execute("CREATE TABLE hand_overs (number)")
    base.commit()
    base.close()


def other_version(path):
    base = sqlite3.connect(path)
    base.execute("CREATE TABLE something (number)")
    base.execute(f"PRAGMA application_id = {module.MARK}")
    base.commit()
    base.close()


def text(path):
    path.write_text("question,answer\nWho pays?,You.\n" * 100, encoding="utf-8")


def cut(path):
    with Queue(path) as queue:
        for number in range(200):
            queue.hand_over(f"r{number}", "Who pays? " * 20)
    with open(path, "r+b") as file:
        file.truncate(path.stat().st_size // 2)


@pytest.mark.parametrize(
    "make, message",
    [
        (foreign, "is another program's file"),
        (other_version, "has other tables"),
        (text, "is no queue of the desk, or damaged"),
        (cut, "is no queue of the desk, or damaged"),
    ],
)
def test_what_is_no_queue_is_refused_and_left_as_it_was(path, make, message):
    make(path)
    before = path.read_bytes()
    with pytest.raises(ValueError, match=rf"desk\.db ({message})"):
        Queue(path)
    if make is not other_version:  # which is ours by its mark
        assert path.read_bytes() == before


def test_an_empty_file_becomes_a_queue(path):
    path.touch()
    with Queue(path) as queue:
        assert queue.hand_over("r", "Who pays?") == 1


def test_a_locked_file_is_named(path, monkeypatch):
    monkeypatch.setattr(module, "WAIT", 0.2)
    with Queue(path) as queue:
        queue.hand_over("r1", "Who pays?")
        other = sqlite3.connect(path)
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(TimeoutError, match=r"desk\.db is locked by another program"):
            queue.hand_over("r2", "Who pays?")
        with pytest.raises(TimeoutError, match="end it, or give another path"):
            Queue(path)
        other.rollback()
        assert queue.hand_over("r3", "Who pays?") == 2, "what failed left nothing behind"
        other.close()


def test_places_that_cannot_be_used(tmp_path):
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        Queue(tmp_path / "no" / "desk.db")
    with pytest.raises(OSError, match="cannot be read or written"):
        Queue(tmp_path)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a disk that is full")
def test_a_full_disk(path):
    with Queue(path) as queue:
        queue.hand_over("r1", "Who pays?")
        queue._one("PRAGMA max_page_count = 10")
        with pytest.raises(OSError, match=r"desk\.db cannot be read or written .*full"):
            for number in range(10**4):
                queue.hand_over(f"r{number}", "Who pays? " * 50)
        assert queue.counts()["waiting"] == len(queue.waiting()) >= 1
