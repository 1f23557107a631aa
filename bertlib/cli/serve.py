"""Answer over HTTP from one model or several."""

import argparse
import signal
import socket
from contextlib import suppress
from dataclasses import fields
from pathlib import Path

from bertlib.cli.options import new_command


def add_command(commands) -> None:
    more = "POST /predict; /docs says what else. SIGHUP reads the folders again; SIGTERM ends it when all is done."
    command = new_command(commands, "serve", run, "answer over HTTP from an exported model", more)
    command.add_argument("folders", nargs="+", metavar="FOLDER", help="what export wrote; of several NAME=FOLDER")
    command.add_argument("--host", default="127.0.0.1", help="others can be reached from elsewhere, without a password")
    command.add_argument("--port", type=int, default=8000, help="0 takes any that is free")
    command.add_argument("--workers", type=int, default=1, help="processes a model that compute")
    command.add_argument("--threads", type=int, help="of each; otherwise its share of the cores")
    command.add_argument("--max-batch", type=int, help="texts that are computed at a time")
    command.add_argument("--queue", type=int, help="texts that may wait; above that 429")
    command.add_argument("--max-texts", type=int, help="of a request")
    command.add_argument("--max-characters", type=int, help="of a text")
    command.add_argument("--max-body", type=int, help="bytes of a request")
    command.add_argument("--deadline", type=float, help="seconds that an answer may take")
    command.add_argument("--token-file", type=Path, help="who sends what it holds may exchange models")


def run(options: argparse.Namespace) -> int:
    import uvicorn

    from bertlib.files import read_text
    from bertlib.serve.app import Limits, make_app

    given = {name.removeprefix("max_"): value for name, value in vars(options).items() if value is not None}
    limits = Limits(**{field.name: given[field.name] for field in fields(Limits) if field.name in given})
    folders = dict(one.split("=", 1) if "=" in one else ("model", one) for one in options.folders)
    if len(folders) < len(options.folders):
        raise ValueError("give each of several folders a name of its own: news=exported/news tags=exported/tags")
    token = read_text(options.token_file).strip() if options.token_file else None
    app = make_app(folders, limits, workers=options.workers, threads=options.threads, token=token or None)
    family = socket.AF_INET6 if ":" in options.host else socket.AF_INET
    taken = socket.create_server((options.host, options.port), family=family, backlog=512)
    taken.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # or an answer's second part waits 40 ms for the first
    host = f"[{options.host}]" if ":" in options.host else options.host
    print(f"serving: http://{host}:{taken.getsockname()[1]}", flush=True)
    config = uvicorn.Config(
        app, log_level="warning", access_log=False, timeout_graceful_shutdown=int(limits.deadline) + 1
    )
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # uvicorn raises it once more when all is done
    with suppress(KeyboardInterrupt):
        uvicorn.Server(config).run(sockets=[taken])
    return 0
