"""What our export and our load generator pass, the bugs of others fail."""

import asyncio
import json
import random
import sys
import time
from pathlib import Path

import httpx
import numpy as np
import onnxruntime
import pytest
import torch
from bug_zoo import serve_bugs
from served import make_task
from test_app import SLOW, running

from bertlib.serve import operators
from bertlib.serve.app import Worker, make_app
from bertlib.serve.export import export
from bertlib.serve.quantize import QuantizedLinear, suited_bits

sys.path.append(str(Path(__file__).parents[2] / "benchmarks"))
import load


@pytest.fixture
def make(tokenizer, tiny_config):
    from dataclasses import replace

    return lambda **changes: make_task("classify", tokenizer, replace(tiny_config, **changes))


def share_of_bytes(task):
    both = [operators.written_out(task.model, segments=False, bits=bits).ByteSize() for bits in (8, None)]
    return both[0] / both[1]


def test_a_table_left_in_floats_is_seen(make, monkeypatch):
    task = make(vocab_size=3000, hidden_size=128, intermediate_size=512)
    assert share_of_bytes(task) <= 0.3
    monkeypatch.setattr(operators, "Operators", serve_bugs.TableInFloats)
    assert share_of_bytes(task) > 0.3


def worst_by_saturation(bits):
    """How far the sums of a processor without units are from exact ones, by the bound that quantizing has anyway."""
    rng = np.random.default_rng(0)
    weight, inputs = rng.uniform(0.8, 1, (4, 64)), rng.uniform(0.8, 1, (8, 64)).astype(np.float32)
    layer = QuantizedLinear(weight, bits=bits)
    return np.abs(layer(inputs, saturate=True) - inputs @ weight.T).max() / layer.largest_error(inputs).max()


def test_eight_bits_without_units_are_seen(monkeypatch):
    monkeypatch.setattr("bertlib.serve.quantize.processor_units", lambda: ())
    assert worst_by_saturation(suited_bits()) <= 1
    assert worst_by_saturation(serve_bugs.eight_bits_everywhere()) > 1


def test_a_graph_in_training_mode_is_seen(make):
    task = make(hidden_dropout_prob=0.5)
    task.model.train()
    ids = torch.randint(5, 40, (2, 8))
    wrapped = serve_bugs.wrapped_as_it_is(task.model)
    assert not torch.allclose(wrapped(ids), wrapped(ids)), "two runs differ"
    session = onnxruntime.InferenceSession(operators.written_out(task.model, segments=False).SerializeToString())
    given = {"input_ids": ids.numpy(), "attention_mask": np.ones((2, 8), np.int64)}
    ours = [session.run(None, given)[0] for _ in range(2)]
    np.testing.assert_array_equal(*ours)
    with torch.no_grad():
        np.testing.assert_allclose(ours[0], task.model.eval()(ids).logits, atol=1e-5)


def runs_on(content, shapes):
    session = onnxruntime.InferenceSession(content)
    try:
        for shape in shapes:
            session.run(None, {name: np.ones(shape, np.int64) for name in ("input_ids", "attention_mask")})
    except Exception:  # onnxruntime raises classes of its own
        return False
    return True


def test_a_fixed_batch_is_seen(make, tmp_path):
    task, shapes = make(), ((1, 8), (2, 8), (3, 12), (1, 40))
    serve_bugs.fixed_axes(task.model, tmp_path / "fixed.onnx")
    fixed = (tmp_path / "fixed.onnx").read_bytes()
    assert runs_on(fixed, shapes[:1]) and not runs_on(fixed, shapes)
    assert runs_on(operators.written_out(task.model, segments=False).SerializeToString(), shapes)


def test_a_coroutine_that_computes_is_seen(make, tmp_path, monkeypatch):
    """/health while something computes: ours answers at once, the bug's after it."""
    monkeypatch.setattr(Worker, "command", (sys.executable, str(SLOW)))
    export(make(), tmp_path / "out")

    async def waited(client, post):
        busy = asyncio.create_task(post)
        await asyncio.sleep(0.05)
        answered = (await client.get("/health")).status_code == 200
        early = answered and not busy.done()
        assert (await busy).status_code == 200
        return not early

    async def go():
        app = make_app(tmp_path / "out")
        serve_bugs.add_blocking(app, 1.0)
        async with running(app) as client:
            assert not await waited(client, client.post("/predict", json={"texts": ["sleep 3"]}))
            assert await waited(client, client.post("/blocking"))

    asyncio.run(go())


def test_threads_times_workers_are_seen(make, tmp_path):
    export(make(), tmp_path / "out")
    for workers in (1, 2, 64):
        app = make_app(tmp_path / "out", workers=workers)
        cores = max(1, workers * app.state.service.models["model"].threads)
        assert cores == workers or workers * serve_bugs.all_cores_each(workers, cores) >= cores
    with pytest.warns(UserWarning, match="take turns and wait for each other"):
        make_app(tmp_path / "out", workers=64, threads=serve_bugs.all_cores_each(64, 2))


# ------------------------------------------------------------------------------------------------ the load generator


class Stands:
    """A server on a real socket that stands still for a while; its answers are `answer`."""

    def __init__(self, pause, after=0.3, answer=None, status=200):
        self.pause, self.after, self.status = pause, after, status
        self.answer = json.dumps({"results": [{"label": "sport"}]} if answer is None else answer).encode()

    async def serve(self, reader, writer):
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                await reader.readexactly(int(head.lower().partition(b"content-length:")[2].partition(b"\r")[0]))
                since = time.perf_counter() - self.begin
                if self.after < since < self.after + self.pause:
                    await asyncio.sleep(self.after + self.pause - since)
                length = len(self.answer)
                writer.write(f"HTTP/1.1 {self.status} OK\r\nContent-Length: {length}\r\n\r\n".encode() + self.answer)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def __aenter__(self):
        self.begin = time.perf_counter()
        self.server = await asyncio.start_server(self.serve, "127.0.0.1", 0)
        return f"http://127.0.0.1:{self.server.sockets[0].getsockname()[1]}"

    async def __aexit__(self, *_):
        self.server.close()


ROWS = [{"text": "a goal", "label": "sport"}]


def test_a_pause_shows_in_an_open_loop_and_hides_in_a_closed_one():
    async def go():
        async with Stands(0.6) as address:
            row = await load.load(address, ROWS, rate=100, seconds=1.5, warm=0, seed=0)
        assert row["statuses"].keys() == {"200"} and row["wrong"] == 0
        assert row["p95"] > 0.4, "a third of all requests were due while it stood still"
        async with Stands(0.6) as address, httpx.AsyncClient(base_url=address, trust_env=False) as client:
            latencies = await serve_bugs.closed_loop(lambda: client.post("/predict", json={}), 100, 1.5)
        assert load.summary(latencies)["p95"] < 0.4, "one of them waited, and all others never came"

    asyncio.run(go())


def test_the_warm_up_does_not_count():
    async def go():
        async with Stands(0.3, after=0) as address:
            return await load.load(address, ROWS, rate=100, seconds=1, warm=0.5, seed=0)

    row = asyncio.run(go())
    assert row["p99"] < 0.25 and 60 < row["sent"] < 150
    slow_first = [1.0, 0.1, 0.1, 0.1]
    assert serve_bugs.with_the_warm_up(slow_first) > 3 * np.mean(slow_first[1:])


def test_wrong_and_refused_answers_are_counted():
    async def go(**server):
        async with Stands(0, **server) as address:
            return await load.load(address, ROWS, rate=50, seconds=0.6, warm=0, seed=1)

    wrong = asyncio.run(go(answer={"results": [{"label": "tech"}]}))
    assert wrong["wrong"] == wrong["sent"] > 0
    refused = asyncio.run(go(status=429))
    assert refused["statuses"] == {"429": refused["sent"]} and "p99" not in refused

    async def nobody():
        return await load.load("http://127.0.0.1:9", ROWS, rate=50, seconds=0.3, warm=0, seed=1)

    assert set(asyncio.run(nobody())["statuses"]) == {"0"}


def test_requests_are_poisson():
    times = load.due_times(200, 50, random.Random(0))
    gaps = np.diff(times)
    assert len(times) == pytest.approx(10_000, rel=0.05) and np.std(gaps) == pytest.approx(np.mean(gaps), rel=0.05)
    assert load.summary([float(n) for n in range(1, 101)]) == {"p50": 50.0, "p95": 95.0, "p99": 99.0}
