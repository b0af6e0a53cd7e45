"""The source of the user's own code: a digest of it is stored with each trial, since its name stays through an edit."""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import io
import os
import sys
import tokenize
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib.machinery import SOURCE_SUFFIXES, ModuleSpec, PathFinder
from itertools import accumulate
from pathlib import Path
from typing import Any

from bnsweep.error_texts import is_own


@cache
def imported_sha256(names: tuple[str, ...]) -> str | None:
    """Return `source_sha256` as it was when this process first asked, which is when it imports what they name."""
    return source_sha256(names)


def source_sha256(names: Sequence[str]) -> str | None:
    """Return a digest of the modules that some code is in, and of those of the user's own that these import.

    Modules are found as Python would find them, in the current folder first, and none is run: what code imports by a
    name that it computes is not seen. What cannot be found, read or parsed is not in the digest. Comments and blank
    lines do not count.

    Args:
        names: of the code, as `package.module:callable`.

    Returns:
        None where there are no names, or none of their modules is there as the user's own: neither Python's, nor
        bnsweep's, nor installed.
    """
    digests = dict(_digests([name.partition(":")[0] for name in names]))
    lines = [f"{name} {digests[name]}\n" for name in sorted(digests)]
    return hashlib.sha256("".join(lines).encode()).hexdigest() if lines else None


def _digests(names: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield the name of each of the user's own modules that `names` come to, and a digest of its file."""
    folders = {"": [os.getcwd(), *sys.path]}  # of each package, where its modules are
    waiting = deque(names)
    while waiting:
        for name in accumulate(waiting.popleft().split("."), "{}.{}".format):
            if name in folders:
                continue
            spec = _find(name, folders[name.rpartition(".")[0]])
            folders[name] = list(spec.submodule_search_locations or ()) if spec else []
            if spec is None or not spec.origin or not is_own(spec.origin):
                continue
            try:
                content = Path(spec.origin).read_bytes()
                if spec.origin.endswith(tuple(SOURCE_SUFFIXES)):
                    waiting.extend(
                        _imports(ast.parse(content, spec.origin), name if folders[name] else name.rpartition(".")[0])
                    )
                    content = _without_comments(content)
            except (OSError, SyntaxError, ValueError, RecursionError, tokenize.TokenError):
                continue
            yield name, hashlib.sha256(content).hexdigest()


def _find(name: str, folders: Sequence[str]) -> ModuleSpec | None:
    """Return where Python would find a module whose package has these folders; None for nowhere.

    One in a package is looked for by the last part of its name, since by the whole its package would have to be run.
    """
    _, is_in_package, last = name.rpartition(".")
    for finder in [PathFinder] if is_in_package else sys.meta_path:
        try:
            spec = finder.find_spec(last, folders)
        except Exception:  # whoever installs a package may add a finder
            continue
        if spec is not None:
            return spec
    return None


def _imports(tree: ast.Module, package: str) -> Iterator[str]:
    """Yield what a module of `package` imports anywhere, and may be a module: of `from x import y`, x.y and so x."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            try:
                module = importlib.util.resolve_name("." * node.level + (node.module or ""), package)
            except ImportError:  # above the topmost package
                continue
            yield from (f"{module}.{alias.name}" for alias in node.names)


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
