"""The source of the user's own code: a digest of it is stored with each trial, since its name stays through an edit."""

from __future__ import annotations

import hashlib
import io
import os
import sys
import tokenize
from collections.abc import Mapping, Sequence
from functools import cache
from modulefinder import ModuleFinder
from pathlib import Path
from typing import Any

from bnsweep.error_texts import is_own


@cache
def imported_sha256(names: tuple[str, ...]) -> str | None:
    """Return `source_sha256` as it was when this process first asked, which is when it imports what they name."""
    return source_sha256(names)


def source_sha256(names: Sequence[str]) -> str | None:
    """Return a digest of the modules that some code is in, and of those of the user's own that these import.

    Comments and blank lines do not count. The modules are found as Python would find them, and not run.

    Args:
        names: of the code, as `package.module:callable`.

    Returns:
        None where there are no names, or a module of theirs is not found as source outside of installed packages.
    """
    folders = [os.path.abspath(folder) for folder in dict.fromkeys([os.getcwd(), *sys.path])]
    finder = ModuleFinder([folder for folder in folders if is_own(folder)], excludes=["bnsweep"])
    try:
        for module in sorted({name.partition(":")[0] for name in names}):
            finder.import_hook(module)
        found = {name: getattr(module, "__file__", None) for name, module in finder.modules.items()}
        files = {name: Path(file) for name, file in found.items() if file}
        sources = [f"{name} {_digest(files[name])}\n" for name in sorted(files)]
    except (ImportError, SyntaxError, OSError, ValueError, tokenize.TokenError):
        return None
    return hashlib.sha256("".join(sources).encode()).hexdigest() if sources else None


def _digest(file: Path) -> str:
    content = file.read_bytes()
    text = _without_comments(content) if file.suffix == ".py" else content
    return hashlib.sha256(text).hexdigest()


def _without_comments(content: bytes) -> bytes:
    r"""Return source without its comments and blank lines.

    >>> _without_comments(b"# a net\n\nx = '#'  # one\n")
    b"x = '#'"
    """
    lines = io.TextIOWrapper(io.BytesIO(content), tokenize.detect_encoding(io.BytesIO(content).readline)[0]).readlines()
    for token in tokenize.tokenize(io.BytesIO(content).readline):
        if token.type == tokenize.COMMENT:
            row, column = token.start
            lines[row - 1] = lines[row - 1][:column]
    return "\n".join(line.rstrip() for line in lines if line.strip()).encode()


def code_names(model: str, trial: str | None, probes: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the names of the user's own code that gives a trial its numbers; data have a digest of their own.

    >>> code_names("nets:net", None, {"ics": {}, "mine:Norms": {}}), code_names("mlp", None, {})
    (('nets:net', 'mine:Norms'), ())
    """
    return tuple(name for name in (model, trial, *probes) if name is not None and ":" in name)
