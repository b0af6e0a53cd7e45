"""The lock files: users' and developers' agree, pin all that pyproject.toml asks for, and name no registry."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
DEPENDENCIES = {
    "requirements.lock": PROJECT["dependencies"],
    "requirements-dev.lock": [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["dev"]],
}


def pinned(name: str) -> dict[str, str]:
    """Return the versions that a lock file pins."""
    lines = (ROOT / name).read_text().splitlines()
    return dict(re.findall(r"^([a-z0-9-]+)==(\S+)", "\n".join(lines), re.MULTILINE))


@pytest.mark.parametrize("name", DEPENDENCIES)
def test_all_that_is_asked_for_is_pinned(name: str) -> None:
    versions = pinned(name)
    for text in DEPENDENCIES[name]:
        asked = Requirement(text)
        assert asked.specifier.contains(versions[canonicalize_name(asked.name)]), text


def test_developers_have_what_users_have() -> None:
    assert pinned("requirements.lock").items() < pinned("requirements-dev.lock").items()


@pytest.mark.parametrize("name", DEPENDENCIES)
def test_no_registry_is_named(name: str) -> None:
    lines = [line for line in (ROOT / name).read_text().splitlines() if not line.lstrip().startswith("#")]
    assert all(re.match(r"[a-z0-9-]+==[^ :/]+( ; [^:/]+)?$", line) for line in lines)
    assert "://" not in (ROOT / name).read_text()
