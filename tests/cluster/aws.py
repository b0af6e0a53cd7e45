"""AWS as moto imitates it, on loopback, in a process of its own; and a user's laptop without a network."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3

from tests.waiting import HANGS_AFTER_S

ROOT = Path(__file__).parents[2]
REGION = "us-west-2"

SSH = """#!/bin/sh
echo "$@" >> {log}
exit 255
"""


@dataclass(frozen=True)
class Laptop:
    """A home with a token, credentials of the account, and an `ssh` that only logs its arguments."""

    environment: Mapping[str, str]
    ssh_log: Path

    def client(self, service: str) -> Any:
        """Return a client of the account."""
        return boto3.client(
            service,
            region_name=REGION,
            endpoint_url=self.environment["AWS_ENDPOINT_URL"],
            aws_access_key_id=self.environment["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=self.environment["AWS_SECRET_ACCESS_KEY"],
        )

    def run(self, *command: str) -> str:
        """Run a command in the repository to its end; return what it prints."""
        done = subprocess.run(
            command, cwd=ROOT, env=self.environment, capture_output=True, text=True, timeout=HANGS_AFTER_S, check=True
        )
        return done.stdout

    def instances(self) -> dict[str, dict[str, Any]]:
        """Return the machines of the account, by node type."""
        reservations = self.client("ec2").describe_instances()["Reservations"]
        return {node_type_of(machine): machine for item in reservations for machine in item["Instances"]}


def node_type_of(machine: Mapping[str, Any]) -> str:
    """Return the node type that Ray tagged a machine with."""
    return next(tag["Value"] for tag in machine["Tags"] if tag["Key"] == "ray-user-node-type")


@contextmanager
def account() -> Iterator[str]:
    """Start an empty AWS account, which knows the instance types; yield its endpoint."""
    command = [sys.executable, "-u", "-m", "moto.server", "--port", "0"]
    environment = {**os.environ, "MOTO_EC2_ENABLE_INSTANCE_TYPE_VALIDATION": "true"}
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as server:
        try:
            assert server.stderr is not None
            printed = ""
            while not (found := re.search(r"http://127\.0\.0\.1:\d+", printed)):
                line = server.stderr.readline()
                assert line, printed
                printed += line
            yield found.group()
        finally:
            server.kill()


def make_laptop(folder: Path, endpoint: str) -> Laptop:
    """Set up a laptop in a folder."""
    home, programs, log = folder / "home", folder / "bin", folder / "ssh.log"
    home.mkdir()
    programs.mkdir()
    log.touch()
    (programs / "ssh").write_text(SSH.format(log=log))
    (programs / "ssh").chmod(0o700)
    environment = {
        "HOME": str(home),
        "PATH": f"{programs}:{Path(sys.executable).parent}:{os.environ['PATH']}",
        "TMPDIR": str(folder),
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "user",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_EC2_METADATA_DISABLED": "true",
        "LC_ALL": "C.UTF-8",
    }
    return Laptop(environment, log)
