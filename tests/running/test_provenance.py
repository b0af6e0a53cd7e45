"""What every row says of the code that made it."""

from __future__ import annotations

import json
import re

import torch

from bnsweep.running.provenance import git_sha, versions


def test_the_commit_is_named() -> None:
    assert re.fullmatch(r"[0-9a-f]{40}(-dirty)?", git_sha() or "")


def test_versions_are_those_installed() -> None:
    assert json.loads(versions())["torch"] == torch.__version__
