"""Starts the desk: `python -m bertcourse desk`."""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from pathlib import Path

from bertcourse.desk.answers import Desk, Entry, entries_of, read_answers
from bertcourse.desk.confidence import Confidence
from bertcourse.desk.queue import Queue

PORT = 8013
HIGHEST = 1.1  # a threshold that no confidence reaches
FAQ_COVERS = "Building, permits and taxes on them in Sweden, as one firm answers. In English."


def run_desk(
    *,
    host: str = "127.0.0.1",
    port: int = PORT,
    database: Path = Path("desk.db"),
    threshold: float | None = None,
    answers: Path | None = None,
) -> int:
    """Load the answers, open the page on this machine and serve it until Ctrl-C.

    Args:
        host, port: see `bertcourse.desk.server.listen`.
        database: of the queue, made if it is not there.
        threshold: of the confidence from which on the desk answers; None takes that which belongs to it.
        answers: a CSV file, see `read_answers`; None takes the building FAQ.

    Raises:
        ValueError, OSError: the port is taken, the threshold is below 0 or above `HIGHEST`, the database or the answers
            cannot be used; nothing was loaded then.
        ImportError: packages of the extra `serve` are missing.
    """
    try:
        from bertcourse.desk.server import OneThread, address, build_app, listen, serve
    except ModuleNotFoundError as error:
        raise ImportError(f"{error}: pip install -r requirements.txt -c constraints.txt brings it") from error
    confidence = Confidence.load()
    if threshold is not None:
        confidence = replace(confidence, threshold=threshold)
        if not 0 <= threshold <= HIGHEST:
            raise ValueError(
                f"threshold={threshold:g}: give a number from 0, which answers all, to {HIGHEST}, which answers nothing"
            )
    with listen(host, port) as taken:
        entries = faq_entries() if answers is None else read_answers(answers)
        with Queue(database) as queue:
            say(f"{len(entries):,} stored answers; loading the encoder …")
            begin = time.perf_counter()
            desk = OneThread(lambda: open_desk(entries, confidence))
            desk.reply("Is the desk ready?")  # the first one is slow
            seconds = time.perf_counter() - begin
            say(f"ready after {seconds:.0f} s; answers from a confidence of {confidence.threshold:g}")
            if answers is not None:
                say(
                    "note: the confidence was fitted on the building FAQ; bertcourse.desk.confidence.fit_confidence "
                    "fits one on questions of your own"
                )
            print(f"Support desk: {address(taken)}", flush=True)
            say(f"questions for a person: {address(taken)}/queue, kept in {database}; Ctrl-C ends the desk")
            covers = FAQ_COVERS if answers is None else f"{len(entries):,} stored answers of the file {answers.name}."
            serve(build_app(desk.reply, queue, answers=len(entries), covers=covers), taken)
            desk.close()
    return 0


def faq_entries() -> list[Entry]:
    """The building FAQ; what is raised is as of `bertcourse.data.archives.read_member`."""
    from bertcourse.data.faq import load_faq

    return entries_of(load_faq())


def open_desk(entries: list[Entry], confidence: Confidence | None = None, *, show_progress: bool = True) -> Desk:
    """A desk of these answers, as the command starts it: MiniLM with the adapters of data/desk, by which the confidence
    was fitted.
    """
    from bertlib.data.encoders import encoder_folder
    from bertlib.files import data_folder
    from bertlib.model.adapters import merge
    from bertlib.tasks.embed import Embedder

    embedder = Embedder.load(data_folder("desk") / "embedder", encoder_folder("minilm"))
    merge(embedder.model)  # the same vectors, and a question takes less time
    return Desk(entries, embedder, confidence, show_progress=show_progress)


def say(words: str) -> None:
    print(words, file=sys.stderr, flush=True)
