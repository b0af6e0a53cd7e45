"""The commands that cluster files, README and docs/ tell a user to type: each is one of its program, with its options.

bnsweep and ray parse them; of AWS's command line, each operation and option is one of the API that botocore describes.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from typing import Any

import botocore.session
import pytest
import typer
from botocore import xform_name
from ray.scripts.scripts import cli as ray

from bnsweep.cli import app
from tests.cluster.aws import ROOT
from tests.pages import code_blocks

FILES = ("aws.yaml", "gpu.yaml", "gcp.yaml", "kuberay.yaml", "onprem.yaml", "slurm.sh")
PROGRAMS: dict[str, Any] = {"bnsweep": vars(typer.main.get_command(app))["commands"], "ray": ray.commands}
CUSTOM = {("cloudformation", "deploy"), ("ecr", "get-login-password"), ("s3", "rb")}
"""Commands of AWS's command line that are no operation of its API."""
COMMAND = re.compile(r"^(?:bnsweep|ray|aws|kubectl|gcloud) ")


def commands(text: str) -> Iterator[list[str]]:
    """Yield the commands of a text, each as words; what may be left out stands after a #, or after a closing quote."""
    for line in text.splitlines():
        for part in re.split(r"\s*(?:&&|\|\|?|;|\(|\)|\$\(|>)\s*", re.sub(r"\s#.*", "", line.strip("# \n-"))):
            if COMMAND.match(part):
                yield shlex.split(part.replace("\\", "").rstrip('"') if part.count('"') % 2 else part.replace("\\", ""))


PAGES = {name: "\n".join(code_blocks(name, "")) for name in ("README.md", "docs/running.md", "docs/clusters.md")}
TEXTS = PAGES | {name: (ROOT / "cluster" / name).read_text() for name in FILES}
TYPED = [(name, words) for name, text in TEXTS.items() for words in commands(text)]


def of(*programs: str) -> list[object]:
    found = [(name, words) for name, words in TYPED if words[0] in programs]
    return [pytest.param(words, id=f"{name}: {' '.join(words)}") for name, words in found]


def test_there_are_some_in_each() -> None:
    assert {name for name, words in TYPED if words[0] == "bnsweep"} >= {*PAGES, "gpu.yaml", "gcp.yaml", "onprem.yaml"}
    assert {"aws", "kubectl", "gcloud", "ray"} <= {words[0] for _, words in TYPED}


@pytest.mark.parametrize("words", of("bnsweep", "ray"))
def test_its_program_takes_it(words: list[str]) -> None:
    program, name, *arguments = words
    assert name in PROGRAMS[program], f"{program} has no {name}"
    PROGRAMS[program][name].make_context(name, arguments)


@pytest.mark.parametrize("words", of("aws"))
def test_aws_has_it(words: list[str]) -> None:
    _, service, operation, *arguments = words
    if (service, operation) in CUSTOM:
        return
    session = botocore.session.get_session()
    model = session.get_service_model(service)
    if operation == "wait":
        waiters = session.get_waiter_model(service)
        (what,) = [name for name in waiters.waiter_names if xform_name(name, "-") == arguments[0]]
        name = waiters.get_waiter(what).operation
    else:
        (name,) = [name for name in model.operation_names if xform_name(name, "-") == operation]
    known = {xform_name(member, "-") for member in model.operation_model(name).input_shape.members}
    options = {word.removeprefix("--") for word in arguments if word.startswith("--")}
    assert options <= known | {"region", "query", "output"}


@pytest.mark.parametrize("name", ["gpu.yaml", "gcp.yaml", "onprem.yaml"])
def test_each_file_is_brought_up_used_and_ended_by_its_own_name(name: str) -> None:
    """Also that the token is made first, unreadable to others, and that nothing waits for an answer."""
    text = TEXTS[name]
    steps = [f"ray up -y cluster/{name}", f"--cluster cluster/{name}", f"ray down -y cluster/{name}"]
    places = [text.index(step) for step in ("(umask 077; ray get-auth-token --generate > /dev/null)", *steps)]
    assert places == sorted(places)
