"""A proxy before an S3 server that answers chosen requests as busy or broken stores do.

python -m tests.results.faulty_s3 10.77.0.2:9000 9001                              # what asks port 9001 goes on there
curl -d '{"fault": "BUSY", "times": 3, "method": "PUT"}' http://10.77.0.2:9001/_faults   # the next three PUTs
curl http://10.77.0.2:9001/_faults                                                 # how many have not come about yet
"""

from __future__ import annotations

import http.client
import json
import socket
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

ORDERS = "/_faults"
"""The path where faults are ordered."""


class Fault(StrEnum):
    """What happens to a request."""

    BUSY = "503, and nothing is done"
    CONFLICT = "409, as where two PUTs meet, and nothing is done"
    LOST_REPLY = "it is done, and the connection breaks"
    LATE_BUSY = "it is done, and 500 is answered"
    BROKEN = "the connection breaks, and nothing is done"
    SILENCE = "it is done, and nothing is answered"
    UNCONDITIONAL = "it is done whatever it says of what must not be there"


@dataclass
class Proxy:
    """What asks it goes on to `endpoint`; `fault` says for each request, by method and path, what happens to it."""

    endpoint: str
    fault: Callable[[str, str], Fault | None] = lambda *_: None
    requests: list[tuple[str, str]] = field(default_factory=list)
    address: str = ""
    end: threading.Event = field(default_factory=threading.Event)

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        """Answer one request."""
        body = handler.rfile.read(int(handler.headers.get("content-length") or 0))
        self.requests.append((handler.command, handler.path))
        fault = self.fault(handler.command, handler.path)
        if fault in (Fault.BUSY, Fault.CONFLICT):
            return reply(handler, 503 if fault is Fault.BUSY else 409, b"<Error><Code>SlowDown</Code></Error>", {})
        if fault is not Fault.BROKEN:
            status, content, headers = self.forwarded(handler, body, fault)
            if fault in (None, Fault.UNCONDITIONAL):
                return reply(handler, status, content, headers)
            if fault is Fault.LATE_BUSY:
                return reply(handler, 500, b"", {})
            if fault is Fault.SILENCE:
                self.end.wait(60)
        handler.close_connection = True
        handler.connection.shutdown(socket.SHUT_RDWR)
        return None

    def forwarded(
        self, handler: BaseHTTPRequestHandler, body: bytes, fault: Fault | None
    ) -> tuple[int, bytes, dict[str, str]]:
        """Return what the server says to a request."""
        headers = dict(handler.headers.items())
        if fault is Fault.UNCONDITIONAL:
            headers = {name: value for name, value in headers.items() if name.lower() != "if-none-match"}
        connection = http.client.HTTPConnection(self.endpoint)
        connection.request(handler.command, handler.path, body, headers)
        found = connection.getresponse()
        content = found.read()
        connection.close()
        return found.status, content, dict(found.getheaders())


@dataclass(frozen=True)
class Ordered:
    """A fault that happens to the next requests of a method, and whose path holds `part`."""

    fault: str
    method: str
    part: str = ""
    times: int = 1


class ProxyByOrder(Proxy):
    """Does what it is told over HTTP: one order after another."""

    def __init__(self, endpoint: str) -> None:
        super().__init__(endpoint, self._next)
        self._left, self._lock = deque[Ordered](), threading.Lock()

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        """Answer one request; take an order, or say how many faults are to come."""
        if handler.path != ORDERS:
            return super().answer(handler)
        if length := int(handler.headers.get("content-length") or 0):
            order = Ordered(**json.loads(handler.rfile.read(length)))
            with self._lock:
                self._left.extend([order] * order.times)
        return reply(handler, 200, str(len(self._left)).encode(), {})

    def _next(self, method: str, path: str) -> Fault | None:
        with self._lock:
            if self._left and self._left[0].method == method and self._left[0].part in path:
                return Fault[self._left.popleft().fault]
        return None


def reply(handler: BaseHTTPRequestHandler, status: int, content: bytes, headers: dict[str, str]) -> None:
    handler.send_response(status)
    for name, value in headers.items():
        if name.lower() not in ("content-length", "connection", "date", "server", "transfer-encoding"):
            handler.send_header(name, value)
    handler.send_header("Content-Length", str(len(content)))
    handler.end_headers()
    if handler.command != "HEAD":
        handler.wfile.write(content)


def server_of(proxy: Proxy, address: str, port: int) -> ThreadingHTTPServer:
    """Return what answers for a proxy once it serves."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            proxy.answer(self)

        do_PUT = do_POST = do_DELETE = do_HEAD = do_GET  # noqa: N815  # as http.server calls them

        def log_message(self, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer((address, port), Handler)
    server.daemon_threads = True
    return server


@contextmanager
def proxy_before(endpoint: str) -> Iterator[Proxy]:
    """Yield a proxy that is up, on loopback."""
    proxy = Proxy(endpoint)
    server = server_of(proxy, "127.0.0.1", 0)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    proxy.address = f"127.0.0.1:{server.server_port}"
    yield proxy
    proxy.end.set()
    server.shutdown()
    thread.join()
    server.server_close()


if __name__ == "__main__":
    server_of(ProxyByOrder(sys.argv[1]), "0.0.0.0", int(sys.argv[2])).serve_forever()
