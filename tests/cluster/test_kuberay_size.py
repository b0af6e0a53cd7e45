"""How many nodes a run on Kubernetes counts on: as many as its cluster may have, by the API that its pod asks."""

from __future__ import annotations

import datetime as dt
import json
import ssl
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from ipaddress import IPv4Address
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from bnsweep.executors.ray_tune_cluster import KUBERAY, KUBERAY_CLUSTER, KUBERAY_NODES
from tests.cluster.aws import ROOT

SPEC = yaml.safe_load((ROOT / "cluster" / "kuberay.yaml").read_text())["spec"]["rayClusterSpec"]
PATH = "/apis/ray.io/v1/namespaces/mine/rayclusters/bnsweep-mini-abcde"
COUNT = "import json; from bnsweep.executors.ray_tune_cluster import nodes_to_come; print(json.dumps(nodes_to_come()))"


class Api(BaseHTTPRequestHandler):
    """Kubernetes' API, as far as it knows one cluster."""

    cluster: dict[str, Any]

    def do_GET(self) -> None:  # as the standard library calls it
        self.send_response(200 if self.path == PATH else 403)
        self.end_headers()
        self.wfile.write(json.dumps(self.cluster).encode())

    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate of 127.0.0.1 with its key, which also vouches for itself."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now, now.replace(year=2100))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path / "certificate.pem"
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(made.public_bytes(Encoding.PEM) + secret)
    return path


@pytest.fixture
def port(certificate: Path) -> Iterator[int]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with HTTPServer(("127.0.0.1", 0), Api) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


def nodes(home: Path, certificate: Path, port: int, name: str) -> list[dict[str, float]]:
    """Return the nodes that may come, as the head's pod counts them."""
    environment = {
        "HOME": str(home),
        "PYTHONPATH": str(ROOT),
        "KUBERNETES_SERVICE_HOST": "127.0.0.1",
        "KUBERNETES_SERVICE_PORT_HTTPS": str(port),
        "RAY_KUBERAY_CA_CERT_PATH": str(certificate),
        "RAY_KUBERAY_CLIENT_CERT_PATH": str(certificate),
        "RAY_KUBERAY_CLIENT_KEY_PATH": str(certificate),
        KUBERAY: "1",
        **dict(zip(KUBERAY_CLUSTER, ("mine", name), strict=True)),
    }
    counted = subprocess.run([sys.executable, "-c", COUNT], env=environment, capture_output=True, text=True, check=True)
    return list(json.loads(counted.stdout))


def test_a_run_counts_on_as_many_nodes_as_its_cluster_may_have(tmp_path: Path, certificate: Path, port: int) -> None:
    (group,) = SPEC["workerGroupSpecs"]
    many = SPEC | {"workerGroupSpecs": [group | {"maxReplicas": 40}]}
    Api.cluster = {"metadata": {"name": "bnsweep-mini-abcde", "namespace": "mine"}, "spec": many}
    found = nodes(tmp_path, certificate, port, "bnsweep-mini-abcde")
    assert len(found) == 40
    assert all(node.items() >= {"CPU": 3, "GPU": 1}.items() for node in found)


def test_where_it_may_not_ask_it_counts_on_some(tmp_path: Path, certificate: Path, port: int) -> None:
    Api.cluster = {}
    assert nodes(tmp_path, certificate, port, "another") == [{}] * KUBERAY_NODES
