"""What is refused as the address of a cluster, and what stays as it is around a connection."""

from __future__ import annotations

import json
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bnsweep.errors import InputError
from bnsweep.jobs.client import job_server
from tests.jobs.conftest import Cluster

ANSWERS = {
    "an SSH server": b"SSH-2.0-OpenSSH_9.2\r\n",
    "another protocol": b"\x00\x00\x12\x04\x00\x00\x00\x00\x00",
    "other JSON": b"HTTP/1.0 200 OK\r\n\r\nnull",
    "no version": b'HTTP/1.0 200 OK\r\n\r\n{"ray_version": null}',
    "a page": b"HTTP/1.0 200 OK\r\n\r\n<html>",
    "a redirect": b"HTTP/1.0 302 Found\r\nLocation: http://127.0.0.1:1/\r\n\r\n",
}


@contextmanager
def server(*answers: bytes) -> Iterator[int]:
    """Answer that many requests, one after the other, and no further one; yield the port."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            for left, answer in zip(reversed(range(len(answers))), answers, strict=True):
                connection, _ = listening.accept()
                with connection:
                    connection.recv(65536)
                    if not left:
                        listening.close()
                    connection.sendall(answer)

        port, thread = listening.getsockname()[1], threading.Thread(target=serve)
        thread.start()
        yield port
        thread.join()


def connect(cluster: str | None = None, address: str | None = None) -> None:
    with job_server(cluster, address):
        pytest.fail("it connected")


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
def test_what_is_no_job_server_is_refused(answer: bytes) -> None:
    with server(answer) as port, pytest.raises(InputError, match=rf"--address http://127.0.0.1:{port}: .*job server"):
        connect(address=f"http://127.0.0.1:{port}")


@pytest.mark.parametrize(
    ("version", "num_answers", "what"),
    [("1.8", 2, "Ray version 1.8"), ("new", 2, "new"), ("2.9", 1, "Failed to connect")],
    ids=["too old", "no version", "gone after its first answer"],
)
def test_a_job_server_that_the_client_cannot_use_is_refused(version: str, num_answers: int, what: str) -> None:
    answer = b'HTTP/1.0 200 OK\r\n\r\n{"ray_version": "%b"}' % version.encode()
    with server(*[answer] * num_answers) as port, pytest.raises(InputError, match=f":{port}: .* error .*{what}"):
        connect(address=f"http://127.0.0.1:{port}")


def answered(code: str, body: str) -> bytes:
    return f"HTTP/1.0 {code}\r\n\r\n{body}".encode()


VERSIONS = [answered("200 OK", '{"ray_version": "2.60.0"}')] * 3
"""What is asked first: by this program, then twice by Ray's client."""


def nodes(*states: str) -> bytes:
    listed = [{"node_id": "ab", "is_head_node": True, "state": state} for state in states]
    return answered("200 OK", json.dumps({"result": True, "data": {"result": {"result": listed}}}))


def test_a_head_that_has_died_but_for_its_job_server_is_refused() -> None:
    with server(*VERSIONS, nodes("DEAD")) as port, pytest.raises(InputError) as refused:
        connect(address=f"http://127.0.0.1:{port}")
    assert f"--address http://127.0.0.1:{port}: Ray on the head has died" in str(refused.value)
    assert "`ray up -y FILE` starts it anew, then submit each sweep again to continue" in str(refused.value)


@pytest.mark.parametrize(
    "answer",
    [nodes("DEAD", "ALIVE"), nodes(), answered("200 OK", '{"data": null}'), answered("404 Not Found", "no such list")],
    ids=["it was started anew", "no head", "no list", "none is given"],
)
def test_a_list_of_nodes_that_does_not_say_so_keeps_nobody_out(answer: bytes) -> None:
    with server(*VERSIONS, answer) as port, job_server(None, f"http://127.0.0.1:{port}"):
        pass


def test_of_a_traceback_of_the_servers_own_the_last_line_is_said() -> None:
    failed = answered("500 No", "Traceback (most recent call last):\n  File x\nOSError: Connect call failed\n")
    with (
        server(*VERSIONS, nodes("ALIVE"), failed) as port,
        pytest.raises(InputError, match=r"error \(.*OSError: Connect call failed.*\); try again in half a minute"),
        job_server(None, f"http://127.0.0.1:{port}") as client,
    ):
        client.list_jobs()


def test_another_web_server_is_refused(endpoint: str) -> None:
    with pytest.raises(InputError, match="not a Ray job server"):
        connect(address=endpoint)


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:abc", "127.0.0.1:x", "127.0.0.1:1", "ray://127.0.0.1:1", "http://[x"]
)
def test_a_bad_address_is_refused_by_its_name(address: str) -> None:
    with pytest.raises(InputError) as refused:
        connect(address=address)
    assert f"--address {address}: " in str(refused.value)
    assert "http://127.0.0.1:8265" in str(refused.value)


@pytest.mark.parametrize("given", [{}, {"cluster": "gpu.yaml", "address": "127.0.0.1:1"}], ids=["neither", "both"])
def test_exactly_one_of_cluster_and_address_is_wanted(given: dict[str, str]) -> None:
    with pytest.raises(InputError, match=r"--cluster FILE.*--address URL"):
        connect(**given)


def test_a_cluster_without_a_file_is_refused() -> None:
    with pytest.raises(InputError, match=r"--cluster nowhere\.yaml: no such file"):
        connect(cluster="nowhere.yaml")


def test_a_cluster_that_is_not_up_is_refused(tmp_path: Path) -> None:
    """By `ray dashboard`, whose options and ssh must be what the tunnel takes them to be."""
    down = tmp_path / "down.yaml"
    down.write_text(
        "cluster_name: x\nprovider: {type: local, head_ip: 127.0.0.1, worker_ips: []}\n"
        f"auth: {{ssh_user: nobody, ssh_private_key: {tmp_path}/key}}\n"
    )
    with pytest.raises(InputError, match=r"down\.yaml: cannot reach its head") as refused:
        connect(cluster=str(down))
    assert "No such option" not in str(refused.value)


def test_the_token_stays_on_this_machine_whatever_the_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.setenv("NO_PROXY", "example.org")
    monkeypatch.setenv("RAY_ADDRESS", "elsewhere:1")
    with server(b"HTTP/1.0 200 OK\r\n\r\nnull") as port, socket.create_server(("127.0.0.1", 0)) as proxy:
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy.getsockname()[1]}")
        before = dict(os.environ)
        with pytest.raises(InputError, match="not a Ray job server"):  # the server's own answer
            connect(address=f"http://127.0.0.1:{port}")
    assert dict(os.environ) == before


def test_output_that_cannot_be_written_is_no_error_of_the_job_server(cluster: Cluster) -> None:
    with pytest.raises(BrokenPipeError), cluster.connect():
        raise BrokenPipeError  # as in `bnsweep logs JOB | head`
