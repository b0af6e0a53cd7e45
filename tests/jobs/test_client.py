"""What answers at an address, when it is no job server."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from bnsweep.errors import InputError
from bnsweep.jobs.client import job_server

ANSWERS = {
    "an SSH server": b"SSH-2.0-OpenSSH_9.2\r\n",
    "another protocol": b"\x00\x00\x12\x04\x00\x00\x00\x00\x00",
    "JSON of no kind": b"HTTP/1.0 200 OK\r\n\r\nnull",
    "a page": b"HTTP/1.0 200 OK\r\n\r\n<html>",
    "a redirect": b"HTTP/1.0 302 Found\r\nLocation: http://127.0.0.1:1/\r\n\r\n",
}


@contextmanager
def answering(answer: bytes) -> Iterator[int]:
    """Answer the first request so; yield the port."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        yield server.getsockname()[1]
        thread.join()


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
def test_it_is_refused_in_one_message(answer: bytes) -> None:
    with (
        answering(answer) as port,
        pytest.raises(InputError, match="no Ray job server"),
        job_server(None, f"http://127.0.0.1:{port}"),
    ):
        pass


@pytest.mark.parametrize("address", ["http://127.0.0.1:abc", "127.0.0.1:x"])
def test_an_address_that_is_none_is_refused(address: str) -> None:
    with pytest.raises(InputError, match="--address"), job_server(None, address):
        pass


def test_the_token_stays_on_this_machine_whatever_the_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    with answering(b"HTTP/1.0 200 OK\r\n\r\nnull") as port, socket.create_server(("127.0.0.1", 0)) as proxy:
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy.getsockname()[1]}")
        with pytest.raises(InputError, match="what answers is no Ray job server"):
            job_server(None, f"http://127.0.0.1:{port}").__enter__()
