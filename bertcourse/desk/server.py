"""The desk as a page on this machine: FastAPI, one HTML file, no other host."""

from __future__ import annotations

import base64
import hashlib
import html
import re
import socket
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from pydantic import BaseModel, ConfigDict, Field, field_validator
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bertcourse.desk.answers import LONGEST, TURNS, Desk, Guess, Reply, asked
from bertcourse.desk.queue import Queue

PAGE = Path(__file__).with_name("page.html")
HOSTS = ("127.0.0.1", "localhost", "::1")  # this machine, and no other
LARGEST = 128 * 1024  # bytes of a request: a question and five more, each sign written as \uXXXX
KEPT = 1000  # replies of which feedback may be given; an answered question is not stored otherwise
LONGEST_WRITTEN = 5000  # characters that a person may write in reply
WAITING = 32  # questions that may wait for the one that is computed
SECONDS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 1, 2, 5)


class OneThread:
    """A desk in a thread of its own, which others ask: the index is one thread's, and torch's threads are not shared.

    Args:
        make: makes the desk, in that thread. What it raises is raised here.
    """

    def __init__(self, make: Callable[[], Desk]):
        self.thread = ThreadPoolExecutor(1, thread_name_prefix="desk")
        try:
            self.desk = self.thread.submit(make).result()
        except BaseException:
            self.thread.shutdown(wait=False)
            raise

    def reply(self, question: str, history: Sequence[str] = ()) -> Reply:
        """See `Desk.reply`; waits for its turn."""
        return self.thread.submit(self.desk.reply, question, history).result()

    def close(self) -> None:
        self.thread.submit(self.desk.close).result()
        self.thread.shutdown()


class Question(BaseModel):
    """What is asked; `person` hands it over whatever is found."""

    model_config = ConfigDict(extra="forbid", strict=True)
    question: str
    history: list[str] = Field(default=[], max_length=TURNS)
    person: bool = False

    @field_validator("question")
    @classmethod
    def is_asked(cls, text: str) -> str:
        return asked(text)

    @field_validator("history")
    @classmethod
    def were_asked(cls, texts: list[str]) -> list[str]:
        return [asked(text, f"history, question {number}") for number, text in enumerate(texts, start=1)]


class Feedback(BaseModel):
    """What is said of a reply."""

    model_config = ConfigDict(extra="forbid", strict=True)
    reply: str = Field(max_length=64)
    right: bool
    note: str = ""

    @field_validator("note")
    @classmethod
    def is_text(cls, text: str) -> str:
        return asked(text, "note") if text.strip() else ""


class Done(BaseModel):
    """What a person wrote in reply, if anything, when a question is done."""

    model_config = ConfigDict(extra="forbid", strict=True)
    reply: str = ""

    @field_validator("reply")
    @classmethod
    def is_written(cls, text: str) -> str:
        text = text.strip()
        if len(text) > LONGEST_WRITTEN:
            raise ValueError(f"the reply has {len(text):,} characters: give at most {LONGEST_WRITTEN:,}")
        if any("\ud800" <= sign <= "\udfff" for sign in text):
            raise ValueError("the reply holds half a character: type it again")
        return text


class Figures:
    """What /metrics shows."""

    def __init__(self, queue: Queue):
        self.registry = CollectorRegistry()
        own = {"registry": self.registry}
        self.replies = Counter("desk_replies", "Replies, by what they are", ["result"], **own)
        self.seconds = Histogram("desk_reply_seconds", "From a question's arrival to its reply", buckets=SECONDS, **own)
        self.feedback = Counter("desk_feedback", "What people said of replies", ["verdict"], **own)
        waiting = Gauge("desk_waiting", "Questions that wait for a person", **own)
        waiting.set_function(lambda: queue.counts()["waiting"])
        for result in ("answered", "handed_over", "busy"):
            self.replies.labels(result)
        for verdict in ("right", "wrong"):
            self.feedback.labels(verdict)


def build_app(
    reply: Callable[[str, Sequence[str]], Reply], queue: Queue, *, answers: int = 0, covers: str = ""
) -> FastAPI:
    """The desk's addresses: /, /ask, /feedback, /queue, /queue/{number}, /health, /metrics.

    Args:
        reply: answers a question with its history; is called in several threads at once, at most `WAITING` times.
        queue: keeps what is handed over, before the reply goes out, and what is said of replies.
        answers: how many are stored, for /health. covers: what they are about, a line of text for the page.
    """
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)  # their pages would load scripts from elsewhere
    page, headers = read_page(covers)
    figures, room = Figures(queue), threading.BoundedSemaphore(WAITING)
    replies: OrderedDict[str, Reply] = OrderedDict()
    guard = threading.Lock()
    # The last one added is asked first.
    app.add_middleware(Guarded, headers=headers)
    app.add_middleware(
        TrustedHostMiddleware, allowed_hosts=["127.0.0.1", "localhost", "[::1]", "::1"], www_redirect=False
    )

    @app.exception_handler(RequestValidationError)
    def refuse(request: Request, error: RequestValidationError) -> JSONResponse:
        return JSONResponse({"error": in_words(error)}, 422)

    @app.exception_handler(StarletteHTTPException)
    def tell(request: Request, error: StarletteHTTPException) -> JSONResponse:
        return JSONResponse({"error": str(error.detail)}, error.status_code, error.headers)

    # Who stores or computes is no coroutine: it runs in a thread, and /health answers meanwhile.

    @app.post("/ask")
    def ask(question: Question) -> JSONResponse:
        begin = time.perf_counter()
        if not room.acquire(blocking=False):
            figures.replies.labels("busy").inc()
            raise HTTPException(
                503, f"{WAITING} questions wait already: try again in some seconds", {"Retry-After": "2"}
            )
        try:
            found = reply(question.question, question.history)
        except ValueError as error:
            raise HTTPException(422, str(error)) from error
        finally:
            room.release()
        if question.person:
            found = replace(found, answer=None, entry=None, source=None, handed_over=True, why="a person was asked for")
        name, number = uuid4().hex, None
        if found.handed_over:
            guesses = [short(guess) for guess in found.guesses]
            with kept():
                number = queue.hand_over(name, found.question, found.history, guesses, found.why)
        with guard:
            replies[name] = found
            while len(replies) > KEPT:
                replies.popitem(last=False)
        figures.replies.labels("handed_over" if found.handed_over else "answered").inc()
        figures.seconds.observe(time.perf_counter() - begin)
        stored = None if found.handed_over else found.guesses[0].entry.question
        return JSONResponse({"reply": name, "number": number, "stored_question": stored} | found.as_json())

    @app.post("/feedback")
    def feedback(said: Feedback) -> JSONResponse:
        with guard:
            about = replies.get(said.reply)
        if about is None:
            raise HTTPException(404, f"no such reply among the last {KEPT:,}: ask again")
        with kept():
            number = queue.feedback(
                said.reply,
                said.right,
                said.note,
                question=about.question,
                history=about.history,
                entry=about.entry,
                confidence=about.confidence,
            )
        figures.feedback.labels("right" if said.right else "wrong").inc()
        return JSONResponse({"number": number})

    @app.get("/queue")
    def waiting(request: Request) -> Response:
        if "text/html" in request.headers.get("accept", ""):
            return HTMLResponse(page)
        with kept():
            return JSONResponse({"waiting": queue.waiting()})

    @app.post("/queue/{number}")
    def done(number: int, said: Done | None = None) -> JSONResponse:
        try:
            with kept():
                queue.close_one(number, said.reply if said else "")
        except (KeyError, OverflowError):
            raise HTTPException(404, f"no question with the number {number} waits") from None
        return JSONResponse({"number": number})

    @app.get("/queue/{number}")
    def look_up(number: int) -> JSONResponse:
        # Without the question: numbers can be guessed.
        try:
            with kept():
                row = queue.look_up(number)
        except (KeyError, OverflowError):
            raise HTTPException(404, f"no question has the number {number}") from None
        return JSONResponse({"number": number, "waits": row["closed_at"] is None, "reply": row["written"]})

    @app.get("/")
    async def home() -> HTMLResponse:
        return HTMLResponse(page)

    @app.get("/health")
    async def health() -> JSONResponse:
        return JSONResponse({"status": "ok", "answers": answers})

    @app.get("/metrics")
    def metrics() -> Response:
        with kept():
            return Response(generate_latest(figures.registry), media_type=CONTENT_TYPE_LATEST)

    return app


def short(guess: Guess) -> dict[str, Any]:
    entry = guess.entry
    return {"entry": entry.id, "question": entry.question, "answer": entry.answer, "score": round(guess.score, 4)}


@contextmanager
def kept() -> Iterator[None]:
    """Say to who asks that nothing was kept, where the queue's file cannot be written or read."""
    try:
        yield
    except (OSError, ValueError, RuntimeError) as error:  # a TimeoutError is an OSError
        raise HTTPException(503, f"this could not be kept, so it does not count: {error}") from error


def in_words(error: RequestValidationError) -> str:
    """What is wrong with a request, without repeating what it held."""
    told = []
    for fault in error.errors():
        place = ".".join(str(part) for part in fault["loc"] if part not in ("body", "path"))
        words = fault["msg"].removeprefix("Value error, ")
        told.append(words if fault["type"] == "value_error" or not place else f"{place}: {words}")
    return "; ".join(told)


@dataclass
class Guarded:
    """Refuses what is too large, and what another site's page sends; sets the headers that bind our own page."""

    app: ASGIApp
    headers: dict[str, str]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        given = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}

        async def marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                own = [(name.encode(), value.encode()) for name, value in self.headers.items()]
                message = message | {"headers": [*message["headers"], *own]}
            await send(message)

        problem = refused(scope["method"], given)
        body = b""
        if problem is None and scope["method"] == "POST":
            more = True
            while more and len(body) <= LARGEST:
                message = await receive()
                if message["type"] == "http.disconnect":
                    return
                body, more = body + message.get("body", b""), message.get("more_body", False)
            if len(body) > LARGEST:
                problem = (
                    413,
                    f"the request has more than {LARGEST:,} bytes: a question has at most {LONGEST:,} characters",
                )
        if problem is not None:
            await JSONResponse({"error": problem[1]}, problem[0])(scope, receive, marked)
            return
        whole = [{"type": "http.request", "body": body, "more_body": False}]

        async def again() -> Message:
            return whole.pop() if whole else await receive()

        await self.app(scope, again if scope["method"] == "POST" else receive, marked)


def refused(method: str, headers: dict[str, str]) -> tuple[int, str] | None:
    """Why a request is refused by its headers: status and words. A page of another site may send a form, but neither
    JSON nor our origin.
    """
    if method == "POST":
        origin = headers.get("origin")
        if origin is not None and re.sub(r"^https?://", "", origin) != headers.get("host"):
            return 403, "this comes from another site's page: open the desk's own"
        if headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            return 415, "send JSON, with the header Content-Type: application/json"
        length = headers.get("content-length", "0")
        if length.isdigit() and int(length) > LARGEST:
            return 413, f"the request has {int(length):,} bytes: a question has at most {LONGEST:,} characters"
    return None


def read_page(covers: str = "") -> tuple[str, dict[str, str]]:
    """The page, with a line on what it covers, and the headers under which only its own script and style run, by their
    digests, and nothing is loaded from elsewhere.
    """
    page = PAGE.read_text(encoding="utf-8")

    def digest(tag: str) -> str:
        (inside,) = re.findall(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
        return "'sha256-" + base64.b64encode(hashlib.sha256(inside.encode()).digest()).decode() + "'"

    policy = (
        f"default-src 'none'; script-src {digest('script')}; style-src {digest('style')}; connect-src 'self'; "
        "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    # The digests are of the file's: the line is put outside of script and style.
    shown = html.escape(covers.encode(errors="replace").decode())  # a file's name may be no text
    return page.replace("<!--covers-->", shown), {
        "content-security-policy": policy,
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",
        "cache-control": "no-store",
        "cross-origin-resource-policy": "same-origin",
    }


def listen(host: str, port: int) -> socket.socket:
    """A socket at this address, taken before anything is loaded.

    Raises:
        ValueError: another host than this machine, or no port. OSError: the port is in use, or not ours to take.
    """
    if host not in HOSTS:
        raise ValueError(
            f"host={host!r}: the desk listens on {HOSTS[0]} only, as it has no passwords and no encryption; put a "
            "server that has both before it"
        )
    if isinstance(port, bool) or not 0 <= port <= 65535:
        raise ValueError(f"port={port!r}: give a number from 1 to 65535 (0 takes any that is free)")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    taken = socket.socket(family, socket.SOCK_STREAM)
    try:
        if hasattr(socket, "SO_EXCLUSIVEADDRUSE"):  # on Windows two programs could share a port otherwise
            taken.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        else:
            taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # of a server that has just ended
        taken.setsockopt(
            socket.IPPROTO_TCP, socket.TCP_NODELAY, 1
        )  # or a reply's second part waits 40 ms for its first
        taken.bind((host, port))
        taken.listen(128)
    except OSError as error:
        taken.close()
        raise OSError(
            error.errno,
            f"port {port} of {host} cannot be used ({error.strerror}): give another, such as --port {port + 1}",
        ) from error
    return taken


def address(taken: socket.socket) -> str:
    """Where the page is, for a browser."""
    host, port = taken.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def serve(app: FastAPI, taken: socket.socket) -> None:
    """Answer requests until Ctrl-C, or SIGTERM; what has begun is finished."""
    import uvicorn

    config = uvicorn.Config(app, log_level="warning", access_log=False, timeout_graceful_shutdown=10)
    with suppress(KeyboardInterrupt):
        uvicorn.Server(config).run(sockets=[taken])
