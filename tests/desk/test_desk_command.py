"""`python -m bertcourse desk` as a person starts it: what it prints and refuses, and what a kill leaves behind."""

import http.client
import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import contextmanager

import pytest

import bertcourse.__main__
from bertcourse.desk.queue import Queue

ANSWERS = """question,answer,source
How do I reset my password?,"Open Settings, choose Account.",Manual
When are you open?,Monday to Friday.,House rules
"""


@pytest.fixture
def answers(tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text(ANSWERS, encoding="utf-8")
    return path


@contextmanager
def started(*arguments):
    """A running desk: its process and its port. It is killed when the block ends."""
    command = [sys.executable, "-m", "bertcourse", "desk", "--port", "0", *map(str, arguments)]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment) as run:
        watchdog = threading.Timer(300, run.kill)
        watchdog.start()
        try:
            line = run.stdout.readline()
            found = re.fullmatch(r"Support desk: http://127\.0\.0\.1:(\d+)\n", line)
            assert found, line + run.stderr.read()
            yield run, int(found[1])
        finally:
            watchdog.cancel()
            run.kill()


def post(port, path, content):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request("POST", path, json.dumps(content), {"Content-Type": "application/json"})
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


def test_a_desk_of_ones_own_answers(answers, tmp_path):
    with started("--answers", answers, "--database", tmp_path / "desk.db", "--threshold", "0") as (run, port):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        connection.request("GET", "/")
        assert "2 stored answers of the file mine.csv." in connection.getresponse().read().decode()
        connection.close()
        status, found = post(port, "/ask", {"question": "I forgot how to log in"})
        assert (status, found["answer"], found["entry"]) == (200, "Open Settings, choose Account.", "line 2")
        assert post(port, "/feedback", {"reply": found["reply"], "right": True}) == (200, {"number": 1})
        run.send_signal(signal.SIGINT)
        assert run.wait(60) == 0
        told = run.stderr.read()
    assert "2 stored answers; loading the encoder" in told and "answers from a confidence of 0" in told
    assert "the confidence was fitted on the building FAQ" in told and "confidence.fit_confidence fits one" in told
    assert "Traceback" not in told
    with Queue(tmp_path / "desk.db") as queue:
        assert queue.counts() == {"waiting": 0, "done": 0, "right": 1, "wrong": 0}


@pytest.mark.skipif(os.name == "nt", reason="kill -9 is Unix's")
def test_a_desk_that_is_killed_loses_no_question_that_it_acknowledged(answers, tmp_path):
    """Asked by four at once, and killed amidst it."""
    database, acknowledged = tmp_path / "desk.db", []
    with started("--answers", answers, "--database", database, "--threshold", "1.1") as (run, port):

        def keep_asking(name):
            for number in range(10**6):
                question = f"Question {number} of {name}?"
                try:
                    status, found = post(port, "/ask", {"question": question})
                except (OSError, http.client.HTTPException, ValueError):
                    return
                assert status == 200
                acknowledged.append((found["number"], found["reply"], question))

        threads = [threading.Thread(target=keep_asking, args=(name,)) for name in "abcd"]
        for thread in threads:
            thread.start()
        until = time.monotonic() + 120
        while len(acknowledged) < 60 and time.monotonic() < until:
            time.sleep(0.01)
        run.send_signal(signal.SIGKILL)
        for thread in threads:
            thread.join(60)
    assert len(acknowledged) >= 60
    with Queue(database) as queue:
        kept = {(row["number"], row["reply"], row["question"]) for row in queue.waiting()}
    assert set(acknowledged) <= kept
    assert len(kept) <= len(acknowledged) + 4, "those whose acknowledgement was cut off"
    with started("--answers", answers, "--database", database, "--threshold", "1.1") as (_, port):
        _, found = post(port, "/ask", {"question": "Does it go on?"})
        assert found["number"] == max(number for number, _, _ in kept) + 1


def refused(capsys, *arguments):
    assert bertcourse.__main__.main(["desk", *map(str, arguments)]) == 2
    return capsys.readouterr().err


def test_what_is_refused_before_anything_is_loaded(answers, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("bertcourse.desk.run.open_desk", lambda *rest: pytest.fail("nothing should be loaded"))
    given = ("--answers", answers, "--database", tmp_path / "desk.db")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        told = refused(capsys, *given, "--port", port)
        assert f"port {port} of 127.0.0.1 cannot be used" in told and f"--port {port + 1}" in told
    assert "listens on 127.0.0.1 only" in refused(capsys, *given, "--port", 0, "--host", "0.0.0.0")
    for threshold in ("5", "1.2", "-0.1"):
        assert (
            f"threshold={threshold}: give a number from 0, which answers all, to 1.1, which answers nothing"
            in refused(capsys, *given, "--port", 0, "--threshold", threshold)
        )
    assert "threshold=nan: give a finite number" in refused(capsys, *given, "--port", 0, "--threshold", "nan")
    assert "no such file" in refused(capsys, *given[2:], "--port", 0, "--answers", tmp_path / "no.csv")
    (tmp_path / "desk.db").write_text("no database " * 100, encoding="utf-8")
    assert "is no queue of the desk, or damaged" in refused(capsys, *given, "--port", 0)
    sqlite3.connect(tmp_path / "other.db").execute("CREATE TABLE notes (text)").connection.close()
    told = refused(capsys, "--answers", answers, "--port", 0, "--database", tmp_path / "other.db")
    assert "is another program's file" in told


def test_help_says_what_the_desk_is(capsys):
    with pytest.raises(SystemExit):
        bertcourse.__main__.main(["desk", "--help"])
    told = " ".join(capsys.readouterr().out.split())
    assert (
        "answers a question with the stored answer that fits, word for word, or keeps the question for a person" in told
    )
    assert "fit_confidence fits one for yours" in told


def test_packages_that_are_missing_are_named(answers, tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "fastapi", None)
    monkeypatch.delitem(sys.modules, "bertcourse.desk.server", raising=False)
    told = refused(capsys, "--answers", answers, "--port", 0, "--database", tmp_path / "desk.db")
    assert "pip install -r requirements.txt -c constraints.txt brings it" in told
