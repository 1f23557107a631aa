"""The service: every status, batches, a dead worker, a swap, a client that leaves, an end."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import warnings
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
import uvicorn
from served import INPUTS, TEXTS, asked, make_task

from bertlib.serve import worker
from bertlib.serve.app import BodyLimit, Figures, Limits, Worker, make_app
from bertlib.serve.export import TASKS, export
from bertlib.serve.graph import Graph

SLOW = Path(__file__).with_name("slow_worker.py")


@pytest.fixture(scope="module")
def folders(tmp_path_factory, tiny_folder):
    """An export of each kind, and a classifier of other weights."""
    from bertlib import BertConfig
    from bertlib.text.wordpiece import load_tokenizer
    from conftest import TINY

    tokenizer, place = load_tokenizer(tiny_folder), tmp_path_factory.mktemp("exports")
    for kind in TASKS:
        export(make_task(kind, tokenizer, BertConfig(**TINY)), place / kind)
    export(make_task("classify", tokenizer, replace(BertConfig(**TINY), hidden_act="relu")), place / "other")
    return place


@pytest.fixture
def slow(monkeypatch):
    monkeypatch.setattr(Worker, "command", (sys.executable, str(SLOW)))


@asynccontextmanager
async def running(app):
    """A client of an app whose models are ready."""
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://test", timeout=60) as client,
    ):
        for _ in range(1200):
            if (await client.get("/ready")).status_code == 200:
                break
            await asyncio.sleep(0.05)
        else:
            raise AssertionError("not ready within a minute")
        yield client


def predict(client, *texts, **more):
    return client.post("/predict", json={"texts": texts, **more})


def workers_of(app):
    return app.state.service.models["model"].workers


# -------------------------------------------------------------------------------------------------------- what it says


def test_each_kind_answers_as_its_graph(folders):
    async def go():
        async with running(make_app({kind: folders / kind for kind in TASKS}, threads=1)) as client:
            for kind in TASKS:
                name = "pairs" if kind in ("match", "answer") else "texts"
                done = await client.post("/predict", json={"model": kind, name: INPUTS[kind]})
                assert done.status_code == 200, done.text
                found = asked(Graph.load(folders / kind), kind)
                expected = found.tolist() if kind == "embed" else found
                assert done.json() == {"results": json.loads(json.dumps(expected))}
            question, context = INPUTS["answer"][0]
            done = await client.post("/predict", json={"model": "answer", "question": question, "context": context})
            assert len(done.json()["results"]) == 1
            about = (await client.get("/models")).json()
            assert about == {kind: {"kind": kind, "ready": True} for kind in TASKS}
            assert (await predict(client, "goal")).status_code == 404, "which of them?"
            named = (await client.get("/openapi.json")).json()["paths"]
            assert {"/predict", "/models/{name}", "/health", "/ready", "/metrics"} <= set(named)
            page = (await client.get("/docs")).text
            assert "/predict" in page and "src=" not in page, "nothing is loaded from elsewhere"

    asyncio.run(go())


def test_a_folder_of_torch_is_served_too(tokenizer, tiny_config, tmp_path):
    task = make_task("classify", tokenizer, tiny_config)
    task.save(tmp_path / "model")

    async def go():
        async with running(make_app(tmp_path / "model", threads=1)) as client:
            done = (await predict(client, *TEXTS)).json()["results"]
            assert [one["label"] for one in done] == [one["label"] for one in task.predict(TEXTS)]

    asyncio.run(go())


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        (b'{"texts": ["go', 422, "the body is no JSON: "),
        (b"{", 422, "the body is no JSON: "),
        (b"[" * 1900, 422, ""),
        (b'{"texts": ["\xff"]}', 422, "the body is no JSON"),
        (b"\xff\xfe", 422, ""),
        (b"[]", 422, ""),
        (b"{}", 422, "give texts: this model is to classify"),
        (b'{"texts": []}', 422, "texts has 0 entries: give 1 to 4 a request"),
        (b'{"texts": ["a", "b", "c", "d", "e"]}', 422, "texts has 5 entries"),
        (b'{"texts": "goal"}', 422, "texts: Input should be a valid list"),
        (b'{"texts": [3]}', 422, "texts.0: Input should be a valid string"),
        (b'{"texts": ["  "]}', 422, "texts[0] is blank"),
        (b'{"texts": ["\\ud83d"]}', 422, "half a character"),
        (b'{"pairs": [["goal", "bank"]]}', 422, "give texts"),
        (b'{"question": "goal", "context": "bank"}', 422, "give texts"),
        (b'{"texts": ["goal"], "more": 1}', 422, "more: Extra inputs are not permitted"),
        (json.dumps({"texts": ["x" * 101]}).encode(), 422, "texts[0] has 101 characters: give at most 100"),
        (json.dumps({"texts": ["x" * 5000]}).encode(), 413, "more than 2,000 bytes"),
        (json.dumps({"texts": ["x"] * 10_000}).encode(), 413, "more than 2,000 bytes"),
        (b'{"texts": ["goal"], "model": "other"}', 404, "model: give one of model"),
        (b'{"texts": ["goal"]}', 200, ""),
    ],
)
def test_every_refusal_has_its_status_and_says_why(body, status, words, folders, slow):
    limits = Limits(characters=100, texts=4, body=2000)
    header = {"content-type": "application/json"}

    async def go():
        async with running(make_app(folders / "classify", limits)) as client:
            done = await client.post("/predict", content=body, headers=header)
            assert done.status_code == status, done.text
            assert words in done.json().get("error", "")
            assert "xxxxx" not in done.text, "what was sent is not sent back"

            async def in_parts():
                for start in range(0, len(body), 500):
                    yield body[start : start + 500]

            again = await client.post("/predict", content=in_parts(), headers=header)  # says no length
            assert again.status_code == status
            assert (await predict(client, "goal")).status_code == 200

    asyncio.run(go())


def test_an_input_that_does_not_fit_harms_no_other():
    def picky(texts):
        if "bad" in texts:
            raise ValueError("bad is bad")
        return [{"label": text} for text in texts]

    found = worker.compute("classify", picky, [["a", "b"], ["bad", "c"], ["d"]])
    assert found == [
        {"results": [{"label": "a"}, {"label": "b"}]},
        {"error": "bad is bad"},
        {"results": [{"label": "d"}]},
    ]


def test_a_question_that_is_too_long_is_refused_alone(folders):
    async def go():
        async with running(make_app(folders / "answer", threads=1)) as client:
            long, short = (
                client.post("/predict", json={"question": question, "context": "the goal of the team"})
                for question in ("goal " * 30, "goal")
            )
            long, short = await asyncio.gather(long, short)
            assert (long.status_code, short.status_code) == (422, 200)
            assert "question 0 has 30 pieces" in long.json()["error"]

    asyncio.run(go())


# ------------------------------------------------------------------------------------------------------ while it waits


def test_the_next_batch_is_what_came_meanwhile(folders, slow):
    async def go():
        async with running(make_app(folders / "classify", Limits(batch=8))) as client:
            first = asyncio.create_task(predict(client, "sleep 0.5"))
            await asyncio.sleep(0.2)
            found = await asyncio.gather(*(predict(client, f"text {number}") for number in range(12)))
            results = [done.json()["results"][0] for done in found]
            assert [one["label"] for one in results] == [f"text {number}" for number in range(12)]
            assert [one["score"] for one in results] == [8] * 8 + [4] * 4
            assert (await first).json()["results"][0]["score"] == 1
            long = await asyncio.gather(predict(client, "sleep 0.2"), *(predict(client, "x" * 3500) for _ in range(3)))
            assert max(done.json()["results"][0]["score"] for done in long[1:]) == 2, "each counts as four"

    asyncio.run(go())


def test_health_and_readiness_do_not_wait_for_a_forward_pass(folders, slow):
    async def go():
        async with running(make_app(folders / "classify")) as client:
            busy = asyncio.create_task(predict(client, "sleep 3"))
            await asyncio.sleep(0.2)
            for address in ("/health", "/ready", "/metrics"):
                assert (await client.get(address)).status_code == 200
            assert not busy.done()
            assert (await busy).status_code == 200

    asyncio.run(go())


def test_a_full_queue_says_when_to_come_again(folders, slow):
    async def go():
        async with running(make_app(folders / "classify", Limits(queue=4, batch=1))) as client:
            first = asyncio.create_task(predict(client, "sleep 0.6"))
            await asyncio.sleep(0.2)
            found = await asyncio.gather(*(predict(client, f"text {number}") for number in range(7)))
            assert sorted(done.status_code for done in found) == [200] * 4 + [429] * 3
            refused = next(done for done in found if done.status_code == 429)
            assert int(refused.headers["retry-after"]) >= 1 and "4 texts wait already" in refused.json()["error"]
            assert (await first).status_code == 200

    asyncio.run(go())


def test_nobody_waits_beyond_the_deadline(folders, slow):
    async def go():
        async with running(make_app(folders / "classify", Limits(deadline=0.5))) as client:
            begin = time.perf_counter()
            done = await predict(client, "sleep 30")
            assert done.status_code == 504 and "no answer within 0.5 s" in done.json()["error"]
            assert time.perf_counter() - begin < 5
            for _ in range(100):  # its worker was ended, and there is a new one
                if (done := await predict(client, "goal")).status_code == 200:
                    break
            assert done.status_code == 200

    asyncio.run(go())


def test_a_killed_worker_loses_nothing(folders, slow):
    async def go():
        app = make_app(folders / "classify", Limits(batch=4))
        async with running(app) as client:
            asked = [asyncio.create_task(predict(client, f"sleep 0.1 {number}")) for number in range(12)]
            await asyncio.sleep(0.6)
            workers_of(app)[0].process.kill()
            found = [await one for one in asked]
            assert [done.status_code for done in found] == [200] * 12
            assert [done.json()["results"][0]["label"] for done in found] == [f"sleep 0.1 {n}" for n in range(12)]
            assert 'bertlib_worker_restarts_total{model="model"} 1.0' in (await client.get("/metrics")).text
            workers_of(app)[0].process.kill()  # while it has nothing to do
            assert (await predict(client, "goal")).status_code == 200

    asyncio.run(go())


def test_a_request_that_kills_is_given_up_and_takes_no_other_along(folders, slow):
    async def go():
        async with running(make_app(folders / "classify")) as client:
            busy = asyncio.create_task(predict(client, "sleep 0.3"))
            await asyncio.sleep(0.1)
            found = await asyncio.gather(*(predict(client, text) for text in ("one", "die", "two", "three")))
            assert [done.status_code for done in found] == [200, 503, 200, 200]
            assert "ended 3 times over this request" in found[1].json()["error"]
            assert (await busy).status_code == 200

    asyncio.run(go())


def test_two_workers_share_one_queue(folders, slow):
    async def go():
        app = make_app(folders / "classify", Limits(batch=1), workers=2, threads=1)
        async with running(app) as client:
            for _ in range(200):
                if all(workers_of(app)):
                    break
                await asyncio.sleep(0.05)
            found = await asyncio.gather(*(predict(client, "sleep 0.5") for _ in range(4)))
            assert len({done.json()["results"][0]["process"] for done in found}) == 2

    asyncio.run(go())


# ---------------------------------------------------------------------------------------------------------------- swap


def test_a_model_is_exchanged_and_no_request_lost(folders):
    async def go():
        app = make_app(folders / "classify", threads=1, token="secret")
        old, new = (Graph.load(folders / name).predict(TEXTS) for name in ("classify", "other"))
        assert old != new
        async with running(app) as client:
            found, stop = [], asyncio.Event()

            async def ask():
                while not stop.is_set():
                    found.append(await predict(client, *TEXTS))

            asking = [asyncio.create_task(ask()) for _ in range(4)]
            await asyncio.sleep(0.3)
            known = {"Authorization": "Bearer secret"}
            done = await client.post("/models/model", json={"folder": str(folders / "other")}, headers=known)
            assert done.status_code == 200, done.text
            assert (await predict(client, *TEXTS)).json()["results"] == new
            await asyncio.sleep(0.2)
            stop.set()
            await asyncio.gather(*asking)
            assert {answer.status_code for answer in found} == {200}
            results = [answer.json()["results"] for answer in found]
            assert all(one in (old, new) for one in results) and results[0] == old and results[-1] == new

            for headers in ({}, {"Authorization": "Bearer wrong"}):
                again = await client.post("/models/model", json={"folder": str(folders / "other")}, headers=headers)
                assert again.status_code == 403
            for wrong, words in ((folders / "tag", "is a model to tag, not to classify"), (folders, "no such file")):
                again = await client.post("/models/model", json={"folder": str(wrong)}, headers=known)
                assert again.status_code == 409 and words in again.json()["error"]
            assert (await predict(client, *TEXTS)).json()["results"] == new, "the old one goes on"

    asyncio.run(go())


def test_without_a_token_nobody_exchanges_models(folders, slow):
    async def go():
        async with running(make_app(folders / "classify")) as client:
            for header in ("Bearer None", "Bearer ", ""):
                done = await client.post("/models/model", json={"folder": "/"}, headers={"Authorization": header})
                assert done.status_code == 403

    asyncio.run(go())


# ------------------------------------------------------------------------------------------------- over a real socket


@asynccontextmanager
async def listening(app):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        config = uvicorn.Config(app, log_level="warning", access_log=False, timeout_graceful_shutdown=5)
        server = uvicorn.Server(config)
        running = asyncio.create_task(server.serve(sockets=[taken]))
        host, port = taken.getsockname()
        async with httpx.AsyncClient(base_url=f"http://{host}:{port}", timeout=30, trust_env=False) as client:
            while True:
                try:
                    if (await client.get("/ready")).status_code == 200:
                        break
                except httpx.HTTPError:
                    pass
                await asyncio.sleep(0.05)
            yield server, client, port
        server.should_exit = True
        await running


def test_who_hangs_up_is_not_computed(folders, slow, tmp_path, monkeypatch):
    monkeypatch.setenv("SEEN", str(tmp_path / "seen"))

    async def go():
        async with listening(make_app(folders / "classify")) as (_, client, port):
            busy = asyncio.create_task(predict(client, "sleep 1"))
            await asyncio.sleep(0.3)
            body = json.dumps({"texts": ["never mind"]})
            head = "POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            head += f"Content-Length: {len(body)}\r\n"
            _, out = await asyncio.open_connection("127.0.0.1", port)
            out.write(f"{head}\r\n{body}".encode())
            await out.drain()
            await asyncio.sleep(0.2)
            assert 'bertlib_queue_texts{model="model"} 1.0' in (await client.get("/metrics")).text
            out.close()
            await asyncio.sleep(0.2)
            assert 'bertlib_hung_up_total{model="model"} 1.0' in (await client.get("/metrics")).text
            assert (await busy).status_code == 200
            assert (await predict(client, "goal")).json()["results"][0]["label"] == "goal"
        seen = (tmp_path / "seen").read_text(encoding="utf-8").splitlines()
        assert seen == ["sleep 1", "goal"]

    asyncio.run(go())


def test_it_finishes_what_has_begun(folders, slow):
    async def go():
        app = make_app(folders / "classify", Limits(batch=1))
        async with listening(app) as (server, client, _):
            asked = [asyncio.create_task(predict(client, f"sleep 0.3 {number}")) for number in range(3)]
            await asyncio.sleep(0.2)
            server.should_exit = True
            assert [(await one).status_code for one in asked] == [200] * 3
            ended = workers_of(app)[0].ended
        assert await asyncio.wait_for(asyncio.shield(ended), 5) == 0

    asyncio.run(go())


@pytest.mark.skipif(sys.platform == "win32", reason="signals are Unix's")
def test_the_commands(tokenizer, tiny_config, tmp_path):
    make_task("classify", tokenizer, tiny_config).save(tmp_path / "model")
    command = [sys.executable, "-m", "bertlib"]
    out = [str(tmp_path / "model"), str(tmp_path / "out")]
    done = subprocess.run([*command, "export", *out, "--int8", "--bits", "8"], capture_output=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    assert (
        "classify, int8, 8 bits a weight; logits differ by at most" in done.stdout and "decide otherwise" in done.stdout
    )
    wrong = subprocess.run([*command, "serve", str(tmp_path)], capture_output=True, encoding="utf-8")
    assert wrong.returncode == 2 and "no such file" in wrong.stderr
    with subprocess.Popen(
        [*command, "serve", out[1], "--port", "0", "--threads", "1", "--max-texts", "2"],
        stdout=subprocess.PIPE,
        encoding="utf-8",
    ) as run:
        watch = threading.Timer(120, run.kill)
        watch.start()
        try:
            address = run.stdout.readline().removeprefix("serving: ").strip()
            with httpx.Client(base_url=address, timeout=30, trust_env=False) as client:
                while client.get("/ready").status_code != 200:
                    time.sleep(0.05)
                assert client.post("/predict", json={"texts": ["goal"]}).status_code == 200
                assert client.post("/predict", json={"texts": ["goal"] * 3}).status_code == 422
                os.kill(run.pid, signal.SIGHUP)  # reads the folder again
                for _ in range(20):
                    assert client.post("/predict", json={"texts": ["goal"]}).status_code == 200
            run.terminate()
            assert run.wait(30) == 0
        finally:
            watch.cancel()
            run.kill()


def test_what_is_no_limit_is_refused(folders):
    for wrong in ({"queue": 0}, {"deadline": float("nan")}, {"batch": True}, {"body": -1}, {"texts": "many"}):
        with pytest.raises(ValueError, match=f"{next(iter(wrong))}="):
            Limits(**wrong)
    with pytest.raises(ValueError, match="workers=0, 1 folders"):
        make_app(folders / "classify", workers=0)
    with pytest.raises(FileNotFoundError):
        make_app(folders / "nothing")


def test_more_threads_than_cores_are_named(folders):
    with pytest.warns(UserWarning, match="64 workers of 2 threads on .* wait for each other: give threads=1"):
        make_app(folders / "classify", workers=64, threads=2)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        make_app(folders / "classify")


# ----------------------------------------------------------------------------------------------- what users stumble on


@asynccontextmanager
async def asking(app, **more):
    """A client of an app whose workers were never started."""
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test", **more) as client:
        for model in app.state.service.models.values():
            model.wake, model.swapping = asyncio.Event(), asyncio.Lock()
        yield client


@pytest.mark.parametrize("body", [b"[" * 100_000, b'{"texts": ["\xff"]}', b'{"texts": [' + b"9" * 5000 + b"]}", b"{"])
def test_what_is_no_json_is_422_and_counted(body, folders):
    async def go():
        async with asking(make_app(folders / "classify")) as client:
            done = await client.post("/predict", content=body, headers={"Content-Type": "application/json"})
            assert done.status_code == 422 and done.json()["error"].startswith("the body is no JSON")
            assert 'bertlib_requests_total{model="",status="422"} 1.0' in (await client.get("/metrics")).text

    asyncio.run(go())


def test_every_refusal_is_counted_once(folders):
    async def go():
        async with asking(make_app(folders / "classify", Limits(body=100))) as client:
            assert (await client.get("/nothing")).status_code == 404
            assert (await client.get("/predict")).status_code == 405
            assert (await predict(client, "x" * 200)).status_code == 413
            assert (await predict(client, " ")).status_code == 422
            text = (await client.get("/metrics")).text
            for name, status in (("", 404), ("", 405), ("", 413), ("model", 422)):
                assert f'bertlib_requests_total{{model="{name}",status="{status}"}} 1.0' in text
            for address in ("/health", "/ready"):
                head, get = await client.head(address), await client.get(address)
                assert head.status_code == get.status_code
            import bertlib

            assert (await client.get("/openapi.json")).json()["info"]["version"] == bertlib.__version__

    asyncio.run(go())


def test_a_fault_of_ours_is_told_and_counted(folders, monkeypatch):
    async def go():
        app = make_app(folders / "classify")
        monkeypatch.setattr(app.state.service.models["model"], "add", lambda inputs: 1 / 0)
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app, raise_app_exceptions=False), base_url="http://test"
        ) as client:
            done = await predict(client, "goal")
            assert done.status_code == 500 and "fault of the service" in done.json()["error"]
            assert 'bertlib_requests_total{model="model",status="500"} 1.0' in (await client.get("/metrics")).text

    asyncio.run(go())


@pytest.mark.parametrize("folder", ["\\ud800", "\\u0000", "/nowhere", "a" * 5000, ""])
def test_a_folder_of_a_swap_that_cannot_be_is_409(folder, folders):
    async def go():
        async with asking(make_app(folders / "classify", token="t")) as client:
            head = {"Authorization": "Bearer t", "Content-Type": "application/json"}
            done = await client.post("/models/model", content=f'{{"folder": "{folder}"}}'.encode(), headers=head)
            assert done.status_code == 409 and "the old model goes on" in done.json()["error"]

    asyncio.run(go())


def test_more_texts_than_ever_fit_are_no_case_for_waiting(folders):
    async def go():
        async with asking(make_app(folders / "classify", Limits(texts=64, queue=40))) as client:
            done = await predict(client, *["a"] * 41)
            assert done.status_code == 422 and "give 1 to 40 a request" in done.json()["error"]

    asyncio.run(go())


@pytest.mark.parametrize("first", [b"", b'{"texts": ['])
def test_half_a_body_is_not_waited_for_beyond_the_deadline(first):
    sent, parts = [], [{"type": "http.request", "body": first, "more_body": True}]

    async def receive():
        return parts.pop() if parts else await asyncio.Event().wait()

    async def send(message):
        sent.append(message)

    async def go():
        limit = BodyLimit(None, 1000, 0.2, Figures())
        await asyncio.wait_for(limit({"type": "http", "method": "POST", "headers": []}, receive, send), 5)

    asyncio.run(go())
    assert sent[0]["status"] == 408 and (b"connection", b"close") in sent[0]["headers"]
    assert b"did not come whole within 0.2 s" in sent[1]["body"]


NO_TORCH = """
import sys
for name in ("torch", "onnx"): sys.modules[name] = None
from bertlib.serve.app import make_app
try: make_app(sys.argv[1])
except (OSError, ValueError) as error: print(error)
"""


@pytest.mark.parametrize(("there", "words"), [(False, "no such file"), (True, "export it first")])
def test_without_torch_a_folder_that_is_no_export_is_named(there, words, tmp_path):
    if there:
        (tmp_path / "config.json").write_text("{}", encoding="utf-8")
    done = subprocess.run([sys.executable, "-c", NO_TORCH, tmp_path], capture_output=True, encoding="utf-8")
    assert done.returncode == 0 and str(tmp_path) in done.stdout and words in done.stdout, done.stderr


def test_a_missing_folder_does_not_import_torch(tmp_path):
    code = (
        NO_TORCH.replace('for name in ("torch", "onnx"): sys.modules[name] = None', "")
        + "print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code, tmp_path / "none"], capture_output=True, encoding="utf-8")
    assert done.stdout.splitlines()[-1] == "False", done.stderr
