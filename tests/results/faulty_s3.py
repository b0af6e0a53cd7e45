"""A proxy before the S3 server on loopback that answers chosen requests as busy or broken stores do."""

from __future__ import annotations

import http.client
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


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


def reply(handler: BaseHTTPRequestHandler, status: int, content: bytes, headers: dict[str, str]) -> None:
    handler.send_response(status)
    for name, value in headers.items():
        if name.lower() not in ("content-length", "connection", "date", "server", "transfer-encoding"):
            handler.send_header(name, value)
    handler.send_header("Content-Length", str(len(content)))
    handler.end_headers()
    if handler.command != "HEAD":
        handler.wfile.write(content)


@contextmanager
def proxy_before(endpoint: str) -> Iterator[Proxy]:
    """Yield a proxy that is up."""
    proxy = Proxy(endpoint)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            proxy.answer(self)

        do_PUT = do_POST = do_DELETE = do_HEAD = do_GET  # noqa: N815  # as http.server calls them

        def log_message(self, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    proxy.address = f"127.0.0.1:{server.server_port}"
    yield proxy
    proxy.end.set()
    server.shutdown()
    thread.join()
    server.server_close()
