"""Which code, which versions, which machine."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from functools import cache
from importlib.metadata import version
from pathlib import Path

from bnsweep import __version__


@cache
def git_sha() -> str | None:
    """Return the commit of the code that runs, `-dirty` after it where tracked files were changed; None outside git.

    Code that `bnsweep submit` uploaded is outside git; BNSWEEP_GIT_SHA names the commit that it is from.
    """
    if uploaded := os.environ.get("BNSWEEP_GIT_SHA"):
        return uploaded
    here = Path(__file__).parent

    def git(*arguments: str) -> str:
        return subprocess.run(["git", *arguments], cwd=here, check=True, capture_output=True, text=True).stdout.strip()

    try:
        if here.name not in git("ls-files", "--full-name", "__init__.py"):
            return None
        dirty = git("status", "--porcelain", "--untracked-files=no")
        return git("rev-parse", "HEAD") + ("-dirty" if dirty else "")
    except (OSError, subprocess.CalledProcessError):
        return None


def code_variables() -> dict[str, str]:
    """Return the environment variables that tell which commit uploaded code is from."""
    sha = git_sha()
    return {"BNSWEEP_GIT_SHA": sha} if sha else {}


def job_id() -> str | None:
    """Return the id of the cluster's job that this process runs for, as `submit` names it; None outside a job."""
    return os.environ.get("BNSWEEP_JOB_ID")


@cache
def versions() -> str:
    """Return the versions that shape the numbers, as JSON."""
    import numpy as np
    import torch

    found = {"bnsweep": __version__, "numba": version("numba"), "numpy": np.__version__}
    return json.dumps({**found, "python": platform.python_version(), "torch": torch.__version__})
