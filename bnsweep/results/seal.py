"""Small JSON files that tell whether a byte of them has changed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from bnsweep.results.files import Files


def seal(value: Mapping[str, Any]) -> bytes:
    """Return `value` as JSON whose last entry is a digest of all before it; `unseal` reads it back.

    >>> unseal(seal({"name": "mini"}))
    {'name': 'mini'}
    """
    return _closed(json.dumps(value, indent=1).encode().removesuffix(b"\n}"))


def unseal(content: bytes) -> dict[str, Any]:
    """Return what was sealed.

    Raises:
        ValueError: a byte differs from what `seal` wrote.
    """
    if content != _closed(content[: -len(_closed(b""))]):
        raise ValueError("it differs from what was written")
    value: dict[str, Any] = json.loads(content)
    del value["check"]
    return value


def _closed(body: bytes) -> bytes:
    return body + f',\n "check": "{hashlib.sha256(body).hexdigest()}"\n}}\n'.encode()


def read_sealed(files: Files, name: str) -> dict[str, Any] | None:
    """Return what was sealed in a file; None where there is none.

    Raises:
        ValueError: the file has changed. StoreError: it cannot be read.
    """
    content = files.read(name)
    return None if content is None else unseal(content)
