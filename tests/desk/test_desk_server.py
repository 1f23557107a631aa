"""The desk's addresses: what they give, refuse and keep; and that they answer while one computes."""

import json
import re
import socket
import sqlite3
import threading
import time

import pytest
from desk_parts import ENTRIES, reply
from starlette.testclient import TestClient

from bertcourse.desk import queue as queue_module
from bertcourse.desk import server
from bertcourse.desk.queue import Queue
from bertcourse.desk.server import HOSTS, OneThread, address, build_app, listen

HERE = "http://127.0.0.1:8013"


@pytest.fixture
def queue(tmp_path):
    with Queue(tmp_path / "desk.db") as made:
        yield made


@pytest.fixture
def client(queue):
    with TestClient(build_app(reply, queue, answers=4), base_url=HERE) as made:
        yield made


def error_of(answer, status):
    assert answer.status_code == status, answer.text
    assert list(answer.json()) == ["error"]
    return answer.json()["error"]


# ---------------------------------------------------------------------------------------------------------------- ask


def test_an_answer_comes_with_its_source_and_is_not_stored(client, queue):
    found = client.post("/ask", json={"question": "My password is gone"}).json()
    assert (found["answer"], found["entry"], found["source"]) == (ENTRIES[0].answer, "password", "Manual 3")
    assert found["stored_question"] == ENTRIES[0].question
    assert found["confidence"] == 0.95 and not found["handed_over"] and found["number"] is None
    assert [one["entry"]["id"] for one in found["runners_up"]] == ["hours", "parcel", "markup"]
    assert re.fullmatch("[0-9a-f]{32}", found["reply"])
    assert queue.counts() == {"waiting": 0, "done": 0, "right": 0, "wrong": 0}


def test_what_is_handed_over_waits_with_its_number(client, queue):
    found = client.post("/ask", json={"question": "Volcano?", "history": ["Is it hot?"]}).json()
    assert found["handed_over"] and found["number"] == 1 and found["answer"] is None
    (row,) = queue.waiting()
    assert (row["reply"], row["question"], row["history"]) == (found["reply"], "Volcano?", ["Is it hot?"])
    assert row["guesses"][0] == {
        "entry": "password",
        "question": ENTRIES[0].question,
        "answer": ENTRIES[0].answer,
        "score": 0.9,
    }
    assert client.get("/queue").json() == {"waiting": [row]}
    assert client.post("/queue/1", json={}).json() == {"number": 1}
    assert client.get("/queue").json() == {"waiting": []}
    assert error_of(client.post("/queue/1", json={}), 404) == "no question with the number 1 waits"
    assert "waits" in error_of(client.post(f"/queue/{2**70}", json={}), 404)
    assert "integer" in error_of(client.post("/queue/x", json={}), 422)


def test_who_kept_a_number_sees_whether_it_waits_and_the_reply(client):
    for _ in range(2):
        client.post("/ask", json={"question": "Volcano?"})
    assert client.get("/queue/1").json() == {"number": 1, "waits": True, "reply": ""}
    assert "has 5,001 characters: give at most 5,000" in error_of(
        client.post("/queue/1", json={"reply": "x" * 5001}), 422
    )
    half = client.post("/queue/1", content=b'{"reply": "\\ud800"}', headers={"Content-Type": "application/json"})
    assert half.status_code in (400, 422)
    assert "reply: Input should be a valid string" in error_of(client.post("/queue/1", json={"reply": 1}), 422)
    assert client.post("/queue/1", json={"reply": " It <b>is</b>.\n火山 "}).json() == {"number": 1}
    assert client.post("/queue/2", headers={"Content-Type": "application/json"}).json() == {"number": 2}
    assert client.get("/queue/1").json() == {"number": 1, "waits": False, "reply": "It <b>is</b>.\n火山"}
    assert client.get("/queue/2").json() == {"number": 2, "waits": False, "reply": ""}
    for number in (0, 3, 2**70):
        assert error_of(client.get(f"/queue/{number}"), 404) == f"no question has the number {number}"


def test_the_page_says_what_it_covers(queue):
    client = TestClient(build_app(reply, queue, covers="Bikes <b>&</b> \udcff"), base_url=HERE)
    assert '<p class="covers">Bikes &lt;b&gt;&amp;&lt;/b&gt; ?</p>' in client.get("/").text


def test_a_person_may_be_asked_for(client, queue):
    found = client.post("/ask", json={"question": "My password is gone", "person": True}).json()
    assert found["handed_over"] and found["number"] == 1 and found["answer"] is None and found["source"] is None
    assert found["why"] == queue.waiting()[0]["why"] == "a person was asked for"
    assert found["runners_up"][0]["entry"]["id"] == "password"
    client.post("/feedback", json={"reply": found["reply"], "right": False})
    assert queue.said()[0]["entry"] is None


@pytest.mark.parametrize(
    "sent, message",
    [
        ({"question": "x" * 10_000}, "question has 10,000 characters: give at most 1,000"),
        ({"question": ""}, "question is blank: ask in words"),
        ({"question": " \n "}, "question is blank: ask in words"),
        ({"question": "?!"}, "question is without words: ask in words"),
        ({"question": 7}, "question: Input should be a valid string"),
        ({}, "question: Field required"),
        ([], "valid dictionary"),
        ({"question": "Is it?", "history": ["a"] * 6}, "history: List should have at most 5 items"),
        ({"question": "Is it?", "history": ["a", " "]}, "history, question 2 is blank"),
        ({"question": "Is it?", "person": "yes"}, "person: Input should be a valid boolean"),
        ({"question": "Is it?", "cookies": 1}, "cookies: Extra inputs are not permitted"),
    ],
)
def test_wrong_questions_are_refused_in_words(client, queue, sent, message):
    told = error_of(client.post("/ask", json=sent), 422)
    assert message in told and "xxx" not in told, "what was sent is not sent back"
    assert queue.waiting() == []


@pytest.mark.parametrize(
    "body", [b"{", b"\xff", b'{"question": "\\ud800 is half"}', b"[" * 50_000, b"", b"null", b"NaN"]
)
def test_what_is_no_json_is_refused(client, body):
    answer = client.post("/ask", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code in (400, 422) and answer.json()["error"]


def test_chinese_and_markup_come_back_as_they_were(client, queue):
    for question in ("我忘记了密码怎么办?", '<b>bold</b> <img src=x> "&amp;" \u202e', "a\x00b"):
        found = client.post("/ask", json={"question": question}).json()
        assert found["question"] == question
        if found["handed_over"]:
            assert queue.waiting()[-1]["question"] == question


def test_a_desk_that_refuses_is_told(queue):
    def refuses(question, history):
        raise ValueError("question is strange: ask another")

    client = TestClient(build_app(refuses, queue), base_url=HERE)
    assert error_of(client.post("/ask", json={"question": "Is it?"}), 422) == "question is strange: ask another"


# ----------------------------------------------------------------------------------------------------------- feedback


def test_feedback_is_stored_with_what_it_is_about(client, queue):
    found = client.post("/ask", json={"question": "My password is gone", "history": ["Hello?"]}).json()
    assert client.post("/feedback", json={"reply": found["reply"], "right": False, "note": " <b>no</b> "}).json() == {
        "number": 1
    }
    (row,) = queue.said()
    assert (row["reply"], row["right"], row["note"]) == (found["reply"], 0, "<b>no</b>")
    assert (row["question"], row["history"], row["entry"]) == ("My password is gone", ["Hello?"], "password")
    assert row["confidence"] == 0.95
    assert client.post("/feedback", json={"reply": found["reply"], "right": True, "note": " "}).json() == {"number": 2}


def test_feedback_of_a_reply_that_nobody_got_is_refused(client, queue, monkeypatch):
    assert "no such reply" in error_of(client.post("/feedback", json={"reply": "0" * 32, "right": True}), 404)
    assert "reply: String should have at most 64" in error_of(
        client.post("/feedback", json={"reply": "0" * 65, "right": True}), 422
    )
    assert "note has 1,001" in error_of(
        client.post("/feedback", json={"reply": "0", "right": True, "note": "x" * 1001}), 422
    )
    monkeypatch.setattr(server, "KEPT", 2)
    names = [client.post("/ask", json={"question": "password"}).json()["reply"] for _ in range(3)]
    assert [client.post("/feedback", json={"reply": name, "right": True}).status_code for name in names] == [
        404,
        200,
        200,
    ]
    assert queue.counts()["right"] == 2


# ---------------------------------------------------------------------------------------------- nobody else's business


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "0.0.0.0", "", "localhost@evil.example"])
def test_another_host_is_refused(client, host):
    for path in ("/", "/health", "/queue", "/metrics"):
        assert client.get(path, headers={"Host": host}).status_code == 400
    assert client.post("/ask", json={"question": "password"}, headers={"Host": host}).status_code == 400


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.1:8013", "localhost:8013", "[::1]:8013", "LOCALHOST"])
def test_this_host_has_three_names(client, host):
    assert client.get("/health", headers={"Host": host}).json() == {"status": "ok", "answers": 4}


def test_another_sites_page_is_refused(client, queue):
    for origin in ("http://evil.example", "null", "http://127.0.0.1:9999", "https://evil.example/127.0.0.1:8013"):
        told = error_of(client.post("/ask", json={"question": "Volcano?"}, headers={"Origin": origin}), 403)
        assert told == "this comes from another site's page: open the desk's own"
    assert client.post("/ask", json={"question": "password"}, headers={"Origin": HERE}).status_code == 200
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""):
        answer = client.post("/ask", content=json.dumps({"question": "Volcano?"}), headers={"Content-Type": kind})
        assert "send JSON" in error_of(answer, 415)
    assert queue.waiting() == []
    assert "access-control-allow-origin" not in client.get("/health").headers


def test_what_is_too_large_is_not_read(client):
    big = b'{"question": "' + b"x" * 200_000 + b'"}'
    headers = {"Content-Type": "application/json"}
    assert "200,016 bytes" in error_of(client.post("/ask", content=big, headers=headers), 413)
    told = error_of(client.post("/ask", content=iter([big[:100_000], big[100_000:]]), headers=headers), 413)
    assert "more than 131,072 bytes" in told
    fits = {"question": "😀a" * 500, "history": ["😀a" * 500] * 5}
    assert client.post("/ask", content=json.dumps(fits), headers=headers).status_code == 200, "all signs escaped"


def test_every_answer_has_the_headers_and_sets_no_cookie(client):
    answers = [client.get(path) for path in ("/", "/queue", "/health", "/metrics", "/nothing")]
    answers += [client.post("/ask", json={"question": "password"}), client.post("/ask", content="x")]
    for answer in answers:
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; script-src 'sha256-") and "unsafe" not in policy
        assert "http" not in policy and "frame-ancestors 'none'" in policy
        assert answer.headers["x-content-type-options"] == "nosniff" and answer.headers["cache-control"] == "no-store"
        assert "set-cookie" not in answer.headers
    assert [answer.status_code for answer in answers] == [200, 200, 200, 200, 404, 200, 415]


def test_no_page_that_loads_scripts_from_elsewhere(client):
    for path in ("/docs", "/redoc", "/openapi.json"):
        assert client.get(path).status_code == 404
    page = client.get("/").text
    assert "http" not in page.replace("http-equiv", "") and "//" not in re.sub(r"^const.*// .*|// .*", "", page)
    assert not re.search(r"\son\w+=", page), "no handler inside a tag: the policy would not let it run"
    assert "innerHTML" not in page and "insertAdjacentHTML" not in page and "document.write" not in page


def test_the_queues_page_is_for_browsers(client):
    answer = client.get("/queue", headers={"Accept": "text/html,application/xhtml+xml"})
    assert answer.headers["content-type"].startswith("text/html") and answer.text == client.get("/").text
    assert client.get("/queue").headers["content-type"] == "application/json"


# ------------------------------------------------------------------------------------------------- while it computes


class Slow:
    """A desk in its own thread, which computes until it may go on."""

    def __init__(self):
        self.go_on, self.threads = threading.Event(), set()

    def reply(self, question, history=()):
        self.threads.add(threading.get_ident())
        assert self.go_on.wait(60)
        return reply(question, history)

    def close(self):
        self.closed = threading.get_ident()


def in_threads(count, do):
    found = []
    threads = [threading.Thread(target=lambda: found.append(do())) for _ in range(count)]
    for thread in threads:
        thread.start()
    return threads, found


def test_health_and_queue_answer_while_questions_wait_and_too_many_are_sent_away(queue, monkeypatch):
    monkeypatch.setattr(server, "WAITING", 8)
    slow = Slow()
    desk = OneThread(lambda: slow)
    with TestClient(build_app(desk.reply, queue), base_url=HERE) as client:
        threads, found = in_threads(12, lambda: client.post("/ask", json={"question": "password"}))
        until = time.monotonic() + 60
        while len(found) < 4 and time.monotonic() < until:
            time.sleep(0.01)
        for answer in found:
            assert "8 questions wait already" in error_of(answer, 503) and answer.headers["retry-after"] == "2"
        assert client.get("/health").status_code == client.get("/queue").status_code == 200
        assert 'desk_replies_total{result="busy"} 4.0' in client.get("/metrics").text
        assert len(found) == 4, "the others still wait"
        slow.go_on.set()
        for thread in threads:
            thread.join()
        assert sorted(answer.status_code for answer in found) == [200] * 8 + [503] * 4
        assert client.post("/ask", json={"question": "password"}).status_code == 200, "there is room again"
    desk.close()
    assert slow.threads == {slow.closed}, "all of it in one thread"


def test_a_desk_that_cannot_be_made():
    def fails():
        raise ValueError("no answers")

    with pytest.raises(ValueError, match="no answers"):
        OneThread(fails)


def test_metrics(client):
    client.post("/ask", json={"question": "password"})
    found = client.post("/ask", json={"question": "Volcano?"}).json()
    client.post("/feedback", json={"reply": found["reply"], "right": False})
    answer = client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    lines = answer.text.splitlines()
    for line in (
        'desk_replies_total{result="answered"} 1.0',
        'desk_replies_total{result="handed_over"} 1.0',
        'desk_replies_total{result="busy"} 0.0',
        "desk_reply_seconds_count 2.0",
        'desk_feedback_total{verdict="wrong"} 1.0',
        "desk_waiting 1.0",
    ):
        assert line in lines
    assert "Volcano" not in answer.text


# --------------------------------------------------------------------------------------------------- what can go wrong


def test_a_locked_database_is_told_and_does_not_count(client, queue, monkeypatch):
    queue.base.execute("PRAGMA busy_timeout = 100")
    other = sqlite3.connect(queue.path)
    other.execute("BEGIN EXCLUSIVE")
    told = error_of(client.post("/ask", json={"question": "Volcano?"}), 503)
    assert "could not be kept, so it does not count" in told and "locked by another program" in told
    found = client.post("/ask", json={"question": "password"})
    assert found.status_code == 200, "what is answered needs no queue"
    assert "locked" in error_of(client.post("/feedback", json={"reply": found.json()["reply"], "right": True}), 503)
    other.rollback()
    other.close()
    assert client.post("/ask", json={"question": "Volcano?"}).json()["number"] == 1
    assert queue_module.WAIT == 5.0


def test_only_this_machine_is_listened_on():
    for host in HOSTS[:2]:
        with listen(host, 0) as taken:
            assert taken.getsockname()[0] == "127.0.0.1"
            assert address(taken) == f"http://127.0.0.1:{taken.getsockname()[1]}"
    for host in ("0.0.0.0", "::", "192.168.0.1", "example.org", "", "127.0.0.2"):
        with pytest.raises(ValueError, match=r"listens on 127\.0\.0\.1 only, as it has no passwords"):
            listen(host, 0)
    for port in (-1, 65536, True):
        with pytest.raises(ValueError, match=f"port={port}: give a number"):
            listen("127.0.0.1", port)


@pytest.mark.skipif(not socket.has_ipv6, reason="needs IPv6")
def test_ipv6():
    try:
        taken = listen("::1", 0)
    except OSError:
        pytest.skip("no IPv6 here")
    with taken:
        assert address(taken) == f"http://[::1]:{taken.getsockname()[1]}"


def test_a_port_in_use():
    with listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match=rf"port {port} of 127\.0\.0\.1 cannot be used .*: give another"):
            listen("127.0.0.1", port)
