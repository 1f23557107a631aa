"""The application under Ray Serve: the same answers, and none lost when a replica is killed under load.

Ray's controller, proxy and replicas are processes of this test's; they end with it.
"""

import asyncio
import json
import os
import random
import signal
import socket
import time
import urllib.error
import urllib.request
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch

os.environ["RAY_USAGE_STATS_ENABLED"] = "0"  # before ray is imported: it tells nobody that it runs
os.environ.setdefault("RAY_SERVE_PROXY_READY_CHECK_TIMEOUT_S", "60")  # of a busy machine

pytestmark = pytest.mark.engine
RATE, SECONDS, TRIES = 10, 30, 8  # requests a second, for so long; how often a client asks
WORDS = ["goal", "match", "team", "coach", "bank", "share", "profit", "market", "the", "and", "of", "good", "bad"]
APP = f"bertlib-{os.getpid()}"


@pytest.fixture(scope="module")
def exported(tiny_folder, tmp_path_factory):
    from bertlib.model.heads import BertForSequenceClassification
    from bertlib.serve.export import export
    from bertlib.tasks.classify import TextClassifier
    from bertlib.text.wordpiece import load_tokenizer

    torch.manual_seed(0)
    model = BertForSequenceClassification.from_pretrained(tiny_folder, labels=["business", "sport", "tech"]).eval()
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    where = tmp_path_factory.mktemp("ray")
    TextClassifier(model, load_tokenizer(tiny_folder), 40).save(where / "model")
    export(where / "model", where / "exported")
    return where / "exported"


@pytest.fixture(scope="module")
def address(exported):
    import ray
    from ray import serve

    from bertlib.serve.replicas import Settings, build

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    quiet = {"log_to_driver": False, "logging_level": "ERROR", "include_dashboard": False}
    ray.init(num_cpus=2, object_store_memory=80 * 2**20, **quiet)
    try:
        for patience in (2, 1, 0):  # its own is 60 seconds, in which a busy machine may not start five processes
            try:
                serve.start(http_options={"host": "127.0.0.1", "port": port, "request_timeout_s": 30})
                break
            except TimeoutError:
                if not patience:
                    raise
        serve.run(build(Settings(folder=str(exported), cores=0.5)), name=APP)
        yield f"http://127.0.0.1:{port}"
    finally:
        serve.shutdown()
        ray.shutdown()


def ask(address, texts):
    body, head = json.dumps({"texts": texts}).encode(), {"Content-Type": "application/json"}
    with urllib.request.urlopen(urllib.request.Request(f"{address}/predict", body, head), timeout=40) as answer:
        return json.load(answer)["results"]


def insist(address, texts):
    """The answer, and what came before it: a client that asks again where it may."""
    met = []
    for number in range(TRIES):
        try:
            return ask(address, texts), met
        except urllib.error.HTTPError as error:
            if error.code not in (429, 500, 503, 504):
                raise
            met.append(error.code)
        except OSError as error:
            met.append(type(error).__name__)
        time.sleep(min(5, 0.2 * 2**number))
    raise AssertionError(f"no answer in {TRIES} tries: {met}")


def replicas():
    """The processes of this application's replicas."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            named = path.read_bytes().decode(errors="replace")
        except OSError:
            continue
        if f"ServeReplica:{APP}:" in named:
            found.append(int(path.parent.name))
    return sorted(found)


def same(ours, expected):
    return len(ours) == len(expected) and all(
        one["label"] == other["label"] and abs(one["score"] - other["score"]) < 1e-5
        for one, other in zip(ours, expected, strict=True)
    )


@pytest.fixture(scope="module")
def cases(exported):
    from bertlib.serve.graph import Graph

    drawn, graph = random.Random(0), Graph.load(exported, threads=1)
    texts = [
        [" ".join(drawn.choices(WORDS, k=drawn.randint(1, 30))) for _ in range(drawn.randint(1, 4))] for _ in range(50)
    ]
    return [(some, graph.predict(some)) for some in texts]


def test_it_answers_as_the_graph_does(address, cases):
    assert len(replicas()) == 2
    for texts, expected in cases[:10]:
        assert same(insist(address, texts)[0], expected)


def test_what_is_wrong_is_refused_by_the_application(address):
    for body, status in ((b"{", 422), (b'{"texts": []}', 422), (json.dumps({"texts": ["a"] * 10_000}).encode(), 422)):
        request = urllib.request.Request(f"{address}/predict", body, {"Content-Type": "application/json"})
        with pytest.raises(urllib.error.HTTPError) as met:
            urllib.request.urlopen(request, timeout=40)
        assert met.value.code == status
        met.value.close()


def test_no_good_request_is_lost_when_a_replica_is_killed(address, cases, capsys):
    """Requests come at random, whether or not others were answered; latencies count from when each was to be sent."""
    drawn, before = random.Random(1), replicas()
    due, at = [], 0.0
    while (at := at + drawn.expovariate(RATE)) < SECONDS:
        due.append(at)

    begin = time.monotonic()

    def client(number):
        time.sleep(max(0.0, begin + due[number] - time.monotonic()))
        texts, expected = cases[number % len(cases)]
        found, met = insist(address, texts)
        return same(found, expected), met, time.monotonic() - begin - due[number]

    with ThreadPoolExecutor(len(due)) as clients:
        waiting = [clients.submit(client, number) for number in range(len(due))]
        time.sleep(SECONDS / 3)
        os.kill(before[0], signal.SIGKILL)
        results = [one.result() for one in waiting]
    assert all(right for right, _, _ in results)
    end = time.monotonic() + 60
    while (len(now := replicas()) < 2 or before[0] in now) and time.monotonic() < end:
        time.sleep(0.2)
    assert len(now) == 2 and before[0] not in now  # another one took its place
    again = Counter(status for _, met, _ in results for status in met)
    late = sorted(seconds for _, _, seconds in results)
    with capsys.disabled():
        print(
            f"\n{len(results)} requests, all right; {sum(bool(met) for _, met, _ in results)} asked again "
            f"({dict(again)}); p50 {late[len(late) // 2]:.3f} s, p99 {late[int(0.99 * len(late))]:.2f} s, "
            f"longest {late[-1]:.2f} s"
        )


def test_settings_that_make_no_sense_are_refused():
    from bertlib.serve.replicas import Settings, build

    with pytest.raises(ValueError, match="least"):
        Settings(folder="a", least=0)
    with pytest.raises(ValueError, match="most=1 is below least=2"):
        build(Settings(folder="a", most=1))


def test_a_replica_is_healthy_once_its_models_are_ready(monkeypatch):
    from types import SimpleNamespace

    from bertlib.serve import replicas as module

    ready = [False, False, True]
    model = SimpleNamespace(ready=lambda: ready.pop(0) if len(ready) > 1 else ready[0], problem="its worker starts")
    replica = module.Replica.__new__(module.Replica)
    replica.application = SimpleNamespace(state=SimpleNamespace(service=SimpleNamespace(models={"model": model})))
    asyncio.run(replica.check_health())
    assert ready == [True]
    ready[0] = False
    monkeypatch.setattr(module, "PATIENCE", 0.1)
    with pytest.raises(RuntimeError, match="its worker starts"):
        asyncio.run(replica.check_health())
