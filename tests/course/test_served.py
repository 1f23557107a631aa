"""What asks a service for a lesson: on time or one after the other; a service that ends with its notebook."""

import json
import os
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from bertcourse import served as module
from bertcourse.served import Load, answer_of, closed_loop, open_loop, served


@pytest.fixture
def stub():
    """A service that hangs once for half a second, at its 20th request, and refuses what says so."""
    turn, asked = threading.Lock(), []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            with turn:  # one after the other
                asked.append(body["texts"][0])
                if len(asked) == 20:
                    time.sleep(0.5)
            self.send_response(429 if "refuse" in body["texts"][0] else 200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}", asked
    server.shutdown()
    server.server_close()


def test_one_answer_with_its_status(stub):
    address, asked = stub
    assert answer_of(address, "/predict", '{"texts": ["a"]}') == (200, "{}")
    assert answer_of(address, "/predict", '{"texts": ["refuse me"]}') == (429, "{}") and asked == ["a", "refuse me"]
    assert answer_of(address, "/health")[0] == 501  # this one answers no GET


def test_a_pause_is_met_by_all_who_come_while_it_lasts_and_by_one_who_waits(stub):
    address, _ = stub
    on_time = open_loop(address, ["a"], 50, 2.0, rng=np.random.default_rng(0))
    assert set(on_time.status) == {200} and 60 <= len(on_time.seconds) <= 140
    assert sum(seconds > 0.1 for seconds in on_time.seconds) >= 8, "those who were due in the pause have waited"
    assert on_time.quantile(0.95) > 0.1 and 0 <= on_time.cores <= 1.1


def test_who_waits_meets_a_pause_once(stub):
    address, _ = stub
    waiting = closed_loop(address, ["a"], 1, 1.5)
    assert len(waiting.seconds) >= 20 and sum(seconds > 0.4 for seconds in waiting.seconds) == 1


def test_refusals_are_counted_and_are_no_answers(stub):
    address, asked = stub
    load = open_loop(address, ["a", "refuse"], 40, 0.4, rng=np.random.default_rng(0))
    assert set(load.status) == {200, 429} and len(load.seconds) == load.status[200]
    assert set(asked) == {"a", "refuse"}


def test_a_service_that_is_not_there_gives_no_answers_and_wrong_numbers_are_refused():
    load = open_loop("http://127.0.0.1:9", ["a"], 20, 0.3, rng=np.random.default_rng(0))
    assert set(load.status) == {0} and np.isnan(load.quantile(0.99)) and load.rate == 0
    with pytest.raises(ValueError, match="rate=0, seconds=1: give numbers above 0"):
        open_loop("http://127.0.0.1:9", ["a"], 0, 1, rng=np.random.default_rng(0))
    with pytest.raises(ValueError, match="people=0, seconds=1"):
        closed_loop("http://127.0.0.1:9", ["a"], 0, 1)
    assert Load((0.1, 0.2, 0.3, 0.4)).quantile(0.5) == 0.3


def test_what_does_not_start_says_why(tmp_path):
    with pytest.raises(RuntimeError, match="the service did not start"), served(tmp_path / "nothing"):
        pass


def test_a_service_ends_when_nobody_holds_its_input(tmp_path):
    """As it is when the notebook's kernel is killed."""
    code = "import sys, time; from bertcourse.served import serve_until_input_ends as s\n"
    code += "import bertlib.__main__ as m; m.main = lambda given: [time.sleep(0.05) for _ in range(1000)]\n"
    code += "sys.exit(s(['x']))"
    run = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL, env=os.environ
    )
    time.sleep(1)
    run.stdin.close()
    assert run.wait(30) != 0
    assert module.PATIENCE >= 10
