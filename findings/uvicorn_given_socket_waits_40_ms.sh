#!/usr/bin/env bash
# CPython 3.11's asyncio, with uvicorn 0.54.0: a server on a socket from socket.create_server keeps Nagle's algorithm.
#
# asyncio switches Nagle's algorithm off (TCP_NODELAY) for each connection that it accepts, but only if the socket's
# protocol number is IPPROTO_TCP. socket.create_server, and socket.socket(AF_INET, SOCK_STREAM) too, leave it 0, and a
# connection that is accepted has its listener's number. Whoever makes the socket himself, to learn which port was free
# or to share it between workers, and hands it to uvicorn (Server.run(sockets=[…])) gets connections with Nagle on. An
# answer that is written in two parts, head and body, then waits for the client's delayed acknowledgement, 40 ms on
# Linux, in each request but the first ones of a connection: a model that answers in 3 ms seems to take 45.
# asyncio's own way to a port (host and port given), and a socket made with proto=IPPROTO_TCP, do not.
# Seen: "TCP_NODELAY on the accepted connection: host and port 1, create_server 0, with its protocol named 1".
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/python" -m pip install --quiet --disable-pip-version-check uvicorn==0.54.0
"$work/venv/bin/python" - <<'PYTHON'
import socket
import threading
import time
import urllib.request

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

seen = []


class Application:
    """Answers, and writes down how the connection stands."""

    async def __call__(self, scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"ok"})


class Protocol(H11Protocol):
    def connection_made(self, transport):
        connection = transport.get_extra_info("socket")
        seen.append(connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
        super().connection_made(transport)


def nodelay(sockets):
    settings = {"host": "127.0.0.1", "port": 0} if sockets is None else {}
    server = uvicorn.Server(uvicorn.Config(Application(), http=Protocol, log_level="error", lifespan="off", **settings))
    thread = threading.Thread(target=server.run, kwargs={"sockets": sockets})
    thread.start()
    while not server.started:
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=10) as answer:
        assert answer.read() == b"ok"
    server.should_exit = True
    thread.join()
    return int(bool(seen.pop()))


named = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
named.bind(("127.0.0.1", 0))
found = nodelay(None), nodelay([socket.create_server(("127.0.0.1", 0))]), nodelay([named])
print(uvicorn.__version__)
line = "TCP_NODELAY on the accepted connection: host and port {}, create_server {}, with its protocol named {}"
print(line.format(*found))
assert found == (1, 0, 1), "this has changed"
PYTHON
