"""What a command says and leaves behind, and what it must say and leave where its input is bad."""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path

from tests.conftest import TINY
from tests.in_process import Result

HOLDING = {"_lease.json", "_staging"}
"""Who holds a results directory, and where it puts files together: no result is in them, any command may touch them."""

Change = tuple[str, str]


def changed(*changes: Change) -> str:
    """Return TINY with every (old, new) pair replaced, once each."""
    text = TINY
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    return text


def tree(root: Path) -> dict[str, str]:
    """Return a digest of each file under `root`, and "" for each folder, but for `HOLDING`."""
    return {
        os.fspath(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
        for path in root.rglob("*")
        if not HOLDING & set(path.relative_to(root).parts)
    }


def require_refusal(result: Result, message: str, code: int = 2) -> None:
    """Check that one line on stderr says what is wrong, and the exit code whose fault it is."""
    assert result.code == code, result
    assert "Traceback" not in result.out + result.err
    assert re.fullmatch("bnsweep: .*\n", result.err), result.err
    assert re.search(message, result.err), result.err


def require_usage_error(result: Result, message: str) -> None:
    """Check that the command line itself was refused; the message stands in a box."""
    assert result.code == 2, result
    assert "Traceback" not in result.out + result.err
    assert re.search(message, re.sub(r"[\s│╭╮╰╯─]+", " ", result.err)), result.err
