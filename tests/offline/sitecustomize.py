"""Python runs this at its start where the folder stands in PYTHONPATH: no connection leaves this machine.

Connections to this machine itself stay allowed, as Jupyter's kernels need them. An audit hook cannot be taken out
again. What was refused is written to the file named by BERT_COURSE_REFUSED too, as libraries may swallow the error.
"""

import ipaddress
import os
import sys

HERE = {"", "localhost", "127.0.0.1", "::1", "0.0.0.0", "::"}


def is_here(host) -> bool:
    """Whether an address or a name means this machine."""
    host = (host.decode() if isinstance(host, bytes) else host or "").partition("%")[0]
    if host in HERE:
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        import socket

        return host == socket.gethostname()


def refuse(event: str, arguments: tuple) -> None:
    """Raise if the event is a connection, a packet or a look-up that concerns another machine."""
    if event in ("socket.getaddrinfo", "socket.gethostbyname"):
        host = arguments[0]
    elif event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
        address = arguments[1]
        if not isinstance(address, tuple):  # a socket of the file system, or one connected before
            return
        host = address[0]
    else:
        return
    if is_here(host):
        return
    if path := os.environ.get("BERT_COURSE_REFUSED"):
        with open(path, "a", encoding="utf-8") as log:
            log.write(f"{event} {host}\n")
    raise PermissionError(f"{event} to {host!r}: the lessons need no network in the mini profile")


for name in ("http_proxy", "https_proxy", "all_proxy"):  # one on this machine would carry a request on
    os.environ.pop(name, None), os.environ.pop(name.upper(), None)
sys.addaudithook(refuse)
