"""A service over HTTP: requests that wait become the next batch, what is too much is refused, a dead worker loses none.

The service keeps every request until it is answered; a process of its own computes (`bertlib.serve.worker`). No batch
waits to become full: the next one is whatever came while the last one was computed.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import math
import os
import signal
import sys
import time
import warnings
from collections import deque
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Self

from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from pydantic import BaseModel, ConfigDict
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

import bertlib
from bertlib.files import read_json
from bertlib.serve.worker import is_export
from bertlib.text.inputs import checked

SECONDS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10)
SIZES = (1, 2, 4, 8, 16, 32, 64, 128)
LONG = 1000  # characters that count as one text in a batch: a longer one is read in more windows
NO_JSON = "the body is no JSON"
TRIES = 3  # batches of one request that may kill a worker, before it is given up


@dataclass(frozen=True)
class Limits:
    """What one service takes.

    Attributes:
        characters: of a text. texts: of a request. body: bytes of a request.
        queue: texts that may wait. batch: texts that are computed at a time, a long one counting more.
        deadline: seconds for a request's body to come, from then to its answer, and for one batch.
    """

    characters: int = 10_000
    texts: int = 64
    body: int = 2**20
    queue: int = 512
    batch: int = 32
    deadline: float = 10.0

    def __post_init__(self):
        for name, value in vars(self).items():
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < math.inf:
                raise ValueError(f"{name}={value!r}: give a number above 0")


@dataclass
class Job:
    """The inputs of one request, until they are answered or nobody waits any more."""

    inputs: list
    future: asyncio.Future
    weight: int
    tries: int = 0


class Worker:
    """A process of `bertlib.serve.worker`."""

    command = (sys.executable, "-m", "bertlib.serve.worker")

    def __init__(self, process: asyncio.subprocess.Process):
        self.process = process
        self.ended = asyncio.ensure_future(process.wait())

    @classmethod
    async def start(cls, folder: Path, threads: int) -> Self:
        """One that has opened its folder; a ValueError says why it cannot."""
        pipe, environment = asyncio.subprocess.PIPE, os.environ | {"OMP_NUM_THREADS": str(threads)}
        process = await asyncio.create_subprocess_exec(
            *cls.command, str(folder), "--threads", str(threads), stdin=pipe, stdout=pipe, limit=2**26, env=environment
        )
        worker = cls(process)
        try:
            said = json.loads(await process.stdout.readline() or '{"error": "the worker ended without a word"}')
        except BaseException:
            worker.kill()
            raise
        if "error" in said:
            worker.kill()
            raise ValueError(said["error"])
        return worker

    async def ask(self, jobs: list[list]) -> list[dict]:
        """The answers of a batch; a ConnectionError if the worker ends before."""
        self.process.stdin.write(json.dumps(jobs).encode() + b"\n")
        await self.process.stdin.drain()
        line = await self.process.stdout.readline()
        if not line.endswith(b"\n"):
            raise ConnectionResetError("the worker ended")
        return json.loads(line)

    def kill(self) -> None:
        with suppress(ProcessLookupError):
            self.process.kill()

    async def close(self) -> None:
        self.process.stdin.close()
        try:
            await asyncio.wait_for(asyncio.shield(self.ended), 5)
        except TimeoutError:
            self.kill()


class Figures:
    """What /metrics shows."""

    def __init__(self):
        own = {"registry": CollectorRegistry()}
        self.registry = own["registry"]
        self.requests = Counter("bertlib_requests", "Answered requests, by status", ["model", "status"], **own)
        self.seconds = Histogram("bertlib_request_seconds", "From arrival to answer", ["model"], buckets=SECONDS, **own)
        self.texts = Counter("bertlib_texts", "Inputs that were computed", ["model"], **own)
        self.batches = Histogram("bertlib_batch_texts", "Inputs of a batch", ["model"], buckets=SIZES, **own)
        self.waiting = Gauge("bertlib_queue_texts", "Inputs that wait", ["model"], **own)
        self.restarts = Counter("bertlib_worker_restarts", "Workers that ended and were replaced", ["model"], **own)
        self.hung_up = Counter("bertlib_hung_up", "Requests whose client left before the answer", ["model"], **own)

    def refusal(self, model: str, status: int, why: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
        """An answer that says why there is none, counted; half a character in it, which JSON cannot hold, is a "?"."""
        self.requests.labels(model, str(status)).inc()
        return JSONResponse({"error": why.encode(errors="replace").decode()}, status, headers)


class Model:
    """One model: its queue, and a pump for each of its workers."""

    def __init__(self, name: str, folder: Path, limits: Limits, workers: int, threads: int, figures: Figures):
        self.name, self.folder, self.limits, self.threads, self.figures = name, folder, limits, threads, figures
        self.kind = kind_at(folder)
        self.queue: deque[Job] = deque()
        self.workers: list[Worker | None] = [None] * workers
        self.fresh: dict[int, Worker] = {}  # of a new folder, by pump
        self.problem, self.spent, self.busy = "its worker starts", 0.01, 0  # spent: seconds a text, smoothed
        self.pumps: list[asyncio.Task] = []
        self.leaving: set[asyncio.Future] = set()  # workers of an earlier folder
        figures.waiting.labels(name).set_function(lambda: sum(len(job.inputs) for job in self.queue))

    def start(self) -> None:
        self.wake, self.swapping = asyncio.Event(), asyncio.Lock()
        self.pumps = [asyncio.create_task(self.pump(number)) for number in range(len(self.workers))]

    def ready(self) -> bool:
        return any(worker is not None and not worker.ended.done() for worker in self.workers)

    async def stop(self) -> None:
        """Compute what waits, then end the workers."""
        end = time.monotonic() + self.limits.deadline
        while (self.queue or self.busy) and time.monotonic() < end:
            await asyncio.sleep(0.01)
        for pump in self.pumps:
            pump.cancel()
        await asyncio.gather(*self.pumps, return_exceptions=True)
        there = [worker for worker in (*self.workers, *self.fresh.values()) if worker is not None]
        await asyncio.gather(*(worker.close() for worker in there), *self.leaving)

    async def swap(self, folder: Path) -> None:
        """Go on with another folder: its workers are opened and checked first, then take over, each after its batch.

        Raises:
            ValueError, OSError: the folder cannot be opened, or is of another kind; the old one goes on.
        """
        async with self.swapping:
            kind = await asyncio.to_thread(kind_at, folder)
            if kind != self.kind:
                raise ValueError(f"{folder} is a model to {kind}, not to {self.kind}: start a service of its own")
            opened = [Worker.start(folder, self.threads) for _ in self.workers]
            started = await asyncio.gather(*opened, return_exceptions=True)
            problems = [one for one in started if isinstance(one, BaseException)]
            if problems:
                for worker in started:
                    if isinstance(worker, Worker):
                        worker.kill()
                raise problems[0]
            self.folder, self.fresh = folder, dict(enumerate(started))
            self.wake.set()
            while self.fresh:
                await asyncio.sleep(0.005)

    def add(self, inputs: list) -> Job:
        """A place in the queue; an HTTPException 429 if it is full."""
        waiting = sum(len(job.inputs) for job in self.queue)
        if waiting + len(inputs) > self.limits.queue:
            after = str(max(1, math.ceil(waiting * self.spent)))
            raise HTTPException(429, f"{waiting} texts wait already: try again in {after} s", {"Retry-After": after})
        parts = [len(one) if isinstance(one, str) else sum(map(len, one)) for one in inputs]
        weight = sum(1 + characters // LONG for characters in parts)
        job = Job(inputs, asyncio.get_running_loop().create_future(), weight)
        self.queue.append(job)
        self.wake.set()
        return job

    def take(self) -> list[Job]:
        """The next batch, in the order of arrival; one that has killed a worker is tried alone."""
        jobs: list[Job] = []
        weight = 0
        while self.queue:
            job = self.queue[0]
            alone = job.tries and not job.future.done()
            if jobs and (alone or weight + job.weight > self.limits.batch):
                break
            self.queue.popleft()
            if not job.future.done():  # else nobody waits for it
                jobs.append(job)
                weight += job.weight
                if alone:
                    break
        return jobs

    async def pump(self, number: int) -> None:
        """Keep one worker alive, and give it one batch after the other."""
        while True:
            worker, fresh = self.workers[number], self.fresh.pop(number, None)
            if fresh is not None:
                self.workers[number] = fresh
                if worker is not None:
                    self.leaving.add(asyncio.ensure_future(worker.close()))
            elif worker is None or worker.ended.done():
                if worker is not None:
                    self.figures.restarts.labels(self.name).inc()
                try:
                    self.workers[number] = await Worker.start(self.folder, self.threads)
                except (OSError, ValueError) as error:
                    self.workers[number], self.problem = None, str(error)
                    await asyncio.sleep(1)
                    continue
            worker, jobs = self.workers[number], self.take()
            if jobs:
                self.busy += 1
                try:
                    await self.compute(worker, jobs)
                finally:
                    self.busy -= 1
            else:
                self.wake.clear()
                called = asyncio.ensure_future(self.wake.wait())
                await asyncio.wait({called, worker.ended}, return_when=asyncio.FIRST_COMPLETED)
                called.cancel()

    async def compute(self, worker: Worker, jobs: list[Job]) -> None:
        """Have a batch answered; what a worker had when it ended waits again, before all others."""
        count, begin = sum(len(job.inputs) for job in jobs), time.perf_counter()
        try:
            answers = await asyncio.wait_for(worker.ask([job.inputs for job in jobs]), self.limits.deadline)
        except (OSError, ValueError, TimeoutError):
            worker.kill()
            await worker.ended
            for job in reversed(jobs):
                job.tries += 1
                if job.tries >= TRIES and not job.future.done():
                    job.future.set_result({"failed": f"the worker ended {TRIES} times over this request"})
                else:
                    self.queue.appendleft(job)
            return
        self.spent += 0.2 * ((time.perf_counter() - begin) / count - self.spent)
        self.figures.batches.labels(self.name).observe(count)
        self.figures.texts.labels(self.name).inc(count)
        for job, answer in zip(jobs, answers, strict=True):
            if not job.future.done():
                job.future.set_result(answer)


def kind_at(folder: str | Path) -> str:
    """What a folder's model does; whatever is wrong with the folder is raised."""
    if is_export(folder):
        from bertlib.serve.graph import read_export

        return read_export(folder)[0]["kind"]
    if not (Path(folder) / "adapter_config.json").is_file():
        read_json(Path(folder) / "config.json")  # before torch is imported for nothing
    try:
        from bertlib.serve.export import kind_of
    except ModuleNotFoundError as error:
        told = f"{folder} is no exported folder, and {error.name} is not installed: export it first, where it is"
        raise ValueError(told) from error
    return kind_of(folder)


class Asked(BaseModel):
    """What /predict takes: `texts`; of a matcher `pairs`; of an answerer `question` and `context`, or `pairs`."""

    model_config = ConfigDict(extra="forbid", strict=True)
    texts: list[str] | None = None
    pairs: list[list[str]] | None = None
    question: str | None = None
    context: str | None = None
    model: str | None = None

    def inputs(self, kind: str, limits: Limits) -> list:
        """A list of texts or of pairs; an HTTPException 422 that names what does not fit."""
        name = "pairs" if kind in ("match", "answer") else "texts"
        both = None if self.question is None or self.context is None else [[self.question, self.context]]
        given = {"texts": self.texts, "pairs": self.pairs, "question and context": both}
        given = {key: value for key, value in given.items() if value is not None}
        fitting = (name, "question and context") if kind == "answer" else (name,)
        if len(given) != 1 or not set(given) <= set(fitting):
            raise HTTPException(422, f"give {' or '.join(fitting)}: this model is to {kind}")
        (inputs,) = given.values()
        most = min(limits.texts, limits.queue)
        if not 1 <= len(inputs) <= most:
            raise HTTPException(422, f"{name} has {len(inputs)} entries: give 1 to {most} a request")
        for number, one in enumerate(inputs):
            parts = [one] if isinstance(one, str) else one
            if name == "pairs" and len(parts) != 2:
                raise HTTPException(422, f"pairs[{number}] has {len(parts)} texts: give two")
            for text in parts:
                if len(text) > limits.characters:
                    told = f"{len(text):,} characters: give at most {limits.characters:,}"
                    raise HTTPException(422, f"{name}[{number}] has {told}")
                if not text.strip() and kind != "tag":
                    raise HTTPException(422, f"{name}[{number}] is blank: give a text with something in it")
                try:
                    checked(text, f"{name}[{number}]")
                except ValueError as error:
                    raise HTTPException(422, str(error)) from error
        return inputs


class Found(BaseModel):
    """What /predict gives: one result for each input, in their order, as the task's `predict` gives them."""

    results: list


class Swap(BaseModel):
    """The folder, on the server's disk, that a model is to be read from now."""

    model_config = ConfigDict(extra="forbid", strict=True)
    folder: str


@dataclass
class BodyLimit:
    """Reads a request's body before anything is made of it; refuses what is too large (413) or too slow (408)."""

    app: ASGIApp
    largest: int
    deadline: float
    figures: Figures

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] in ("GET", "HEAD"):
            return await self.app(scope, receive, send)
        told = dict(scope["headers"]).get(b"content-length", b"0")
        refusal = 413, f"the request has more than {self.largest:,} bytes: send fewer or shorter texts"
        body, more = bytearray(), True
        try:
            async with asyncio.timeout(self.deadline):
                while more and len(body) <= self.largest and not (told.isdigit() and int(told) > self.largest):
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        return None
                    body += message.get("body", b"")
                    more = message.get("more_body", False)
        except TimeoutError:
            refusal = 408, f"the request did not come whole within {self.deadline:g} s"
        if more or len(body) > self.largest:
            return await self.figures.refusal("", *refusal, {"Connection": "close"})(scope, receive, send)
        whole = [{"type": "http.request", "body": bytes(body), "more_body": False}]

        async def again() -> Message:
            return whole.pop() if whole else await receive()

        return await self.app(scope, again, send)


async def hang_up(request: Request) -> None:
    """Returns when the client has left."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


def in_words(error: RequestValidationError) -> str:
    """What is wrong with a request, without repeating what it held."""
    told = []
    for fault in error.errors():
        if fault["type"] == "json_invalid":
            return f"{NO_JSON}: {fault['ctx']['error']}"
        place = ".".join(str(part) for part in fault["loc"] if part not in ("body", "path"))
        words = fault["msg"].removeprefix("Value error, ")
        told.append(words if fault["type"] == "value_error" or not place else f"{place}: {words}")
    return "; ".join(told)


@dataclass
class Service:
    """The models of one app, and how a request is answered."""

    models: dict[str, Model]
    limits: Limits
    figures: Figures
    closing: bool = field(default=False)

    def named(self, name: str | None) -> Model:
        if name is None and len(self.models) == 1:
            (name,) = self.models
        if name not in self.models:
            raise HTTPException(404, f"model: give one of {', '.join(self.models)}")
        return self.models[name]

    async def answer(self, model: Model, inputs: list, request: Request) -> dict[str, list]:
        """Wait for a request's results; an HTTPException where there are none."""
        if self.closing:
            raise HTTPException(503, "the service stops: ask another", {"Retry-After": "1"})
        job = model.add(inputs)
        left = asyncio.ensure_future(hang_up(request))
        try:
            await asyncio.wait({job.future, left}, timeout=self.limits.deadline, return_when=asyncio.FIRST_COMPLETED)
        finally:
            left.cancel()
            if not job.future.done():
                job.future.cancel()  # so that it is not computed
        if job.future.cancelled():
            if left.done() and not left.cancelled():
                self.figures.hung_up.labels(model.name).inc()
                raise HTTPException(499, "the client has left")
            problem = "" if model.ready() else f" ({model.problem})"
            raise HTTPException(504, f"no answer within {self.limits.deadline:g} s{problem}", {"Retry-After": "5"})
        said = job.future.result()
        if "failed" in said:
            raise HTTPException(503, said["failed"], {"Retry-After": "5"})
        if "error" in said:
            raise HTTPException(422, said["error"])
        return said


def make_app(
    folders: str | Path | Mapping[str, str | Path],
    limits: Limits | None = None,
    *,
    workers: int = 1,
    threads: int | None = None,
    token: str | None = None,
) -> FastAPI:
    """The service's addresses: /predict, /models, /health, /ready, /metrics, /docs, /openapi.json.

    Args:
        folders: what `bertlib.serve.export.export` wrote, or a task's folder, which torch computes; several by name.
        limits: None for those of `Limits`.
        workers: processes a model that compute. threads: of each; None for its share of the cores.
        token: who sends it (Authorization: Bearer …) may have a model read from another folder: POST /models/{name}.
            None: nobody may.

    Raises:
        ValueError, OSError: a folder cannot be served; the message says why.
    """
    limits, figures = limits or Limits(), Figures()
    folders = folders if isinstance(folders, Mapping) else {"model": folders}
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if not isinstance(workers, int) or workers < 1 or not folders:
        raise ValueError(f"workers={workers!r}, {len(folders)} folders: give at least one of each")
    threads = max(1, cores // workers) if threads is None else threads
    if workers * threads > cores:
        warnings.warn(
            f"{workers} workers of {threads} threads on {cores} cores take turns and wait for each other: give "
            f"threads={max(1, cores // workers)}",
            stacklevel=2,
        )
    models = {name: Model(name, Path(at), limits, workers, threads, figures) for name, at in folders.items()}
    service = Service(models, limits, figures)

    async def reread() -> None:
        for model in models.values():
            try:
                await model.swap(model.folder)
            except (OSError, ValueError) as error:
                print(f"{model.name}: goes on as it is: {error}", file=sys.stderr, flush=True)

    @asynccontextmanager
    async def life(app: FastAPI) -> AsyncIterator[None]:
        tasks: set[asyncio.Task] = set()  # held, or they could be collected
        for model in models.values():
            model.start()
        with suppress(AttributeError, NotImplementedError, RuntimeError, ValueError):  # Windows; not the main thread
            loop = asyncio.get_running_loop()
            loop.add_signal_handler(signal.SIGHUP, lambda: tasks.add(asyncio.ensure_future(reread())))
        yield
        service.closing = True
        await asyncio.gather(*(model.stop() for model in models.values()))

    pages = {"docs_url": None, "redoc_url": None}  # theirs load scripts from elsewhere
    app = FastAPI(title="bertlib serve", version=bertlib.__version__, lifespan=life, **pages)
    app.state.service = service
    app.add_middleware(BodyLimit, largest=limits.body, deadline=limits.deadline, figures=figures)
    add_addresses(app, service, token)
    return app


def add_addresses(app: FastAPI, service: Service, token: str | None) -> None:
    """What the app answers. No function here computes or reads files, so that none keeps the others waiting."""

    @app.exception_handler(RequestValidationError)
    async def refuse(request: Request, error: RequestValidationError) -> JSONResponse:
        return service.figures.refusal("", 422, in_words(error))

    @app.exception_handler(StarletteHTTPException)
    async def tell(request: Request, error: StarletteHTTPException) -> JSONResponse:
        status, why = (422, NO_JSON) if error.status_code == 400 else (error.status_code, str(error.detail))
        return service.figures.refusal(getattr(request.state, "model", ""), status, why, error.headers)

    @app.exception_handler(Exception)
    async def fail(request: Request, error: Exception) -> JSONResponse:
        return service.figures.refusal(getattr(request.state, "model", ""), 500, "a fault of the service: see its log")

    @app.post("/predict")
    async def predict(asked: Asked, request: Request) -> Found:
        """One result for each input. 413, 422: too large, or not as it should be. 429: too many wait. 503, 504: no
        answer in time; ask again."""
        begin, model = time.perf_counter(), service.named(asked.model)
        request.state.model = model.name  # under which a refusal counts
        said = await service.answer(model, asked.inputs(model.kind, service.limits), request)
        service.figures.requests.labels(model.name, "200").inc()
        service.figures.seconds.labels(model.name).observe(time.perf_counter() - begin)
        return JSONResponse(said)  # as it is: it was made here

    @app.get("/models")
    async def about() -> dict[str, dict]:
        """The models, what each is to do, and whether it is ready."""
        return {name: {"kind": model.kind, "ready": model.ready()} for name, model in service.models.items()}

    @app.post("/models/{name}")
    async def swap(name: str, given: Swap, request: Request) -> dict[str, str]:
        """Read a model from another folder. Needs the token; requests are answered meanwhile, by the old one."""
        said = request.headers.get("authorization", "").encode()
        if token is None or not hmac.compare_digest(said, f"Bearer {token}".encode()):
            raise HTTPException(403, "this needs the token that the service was started with")
        try:
            await service.named(name).swap(Path(given.folder))
        except (OSError, ValueError) as error:
            raise HTTPException(409, f"the old model goes on: {error}") from error
        return {"folder": given.folder}

    @app.head("/health", include_in_schema=False)
    @app.get("/health")
    async def health() -> dict[str, str]:
        """Whether the service is alive; it does not wait for a model."""
        return {"status": "ok"}

    @app.head("/ready", include_in_schema=False)
    @app.get("/ready")
    async def ready() -> JSONResponse:
        """Whether every model can be asked: 200, or 503 with what is missing."""
        missing = {name: model.problem for name, model in service.models.items() if not model.ready()}
        if service.closing:
            missing["service"] = "it stops"
        return JSONResponse({"ready": not missing, "missing": missing}, 503 if missing else 200)

    @app.get("/metrics")
    async def metrics() -> Response:
        """Figures for Prometheus."""
        return Response(generate_latest(service.figures.registry), media_type=CONTENT_TYPE_LATEST)

    @app.get("/docs", include_in_schema=False)
    async def docs() -> HTMLResponse:
        rows = [
            f"<dt><code>{method.upper()} {escape(path)}</code><dd>{escape(what.get('description', ''))}"
            for path, methods in app.openapi()["paths"].items()
            for method, what in methods.items()
        ]
        head = '<!doctype html><html lang="en"><meta charset="utf-8"><title>bertlib serve</title><h1>bertlib serve</h1>'
        return HTMLResponse(f'{head}<dl>{"".join(rows)}</dl><p>All of it: <a href="/openapi.json">/openapi.json</a>')
