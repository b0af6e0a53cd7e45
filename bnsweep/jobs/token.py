"""The token by which a Ray cluster knows who may use it, found where Ray itself looks for it."""

from __future__ import annotations

import os
from typing import NamedTuple

DEFAULT_PATH = "~/.ray/auth_token"


class Token(NamedTuple):
    """The token, None where there is none, and where it was looked for."""

    value: str | None
    source: str


def find_token() -> Token:
    """Return what is in RAY_AUTH_TOKEN, else in the file RAY_AUTH_TOKEN_PATH, else in ~/.ray/auth_token."""
    if value := os.environ.get("RAY_AUTH_TOKEN", "").strip():
        return Token(value, "RAY_AUTH_TOKEN")
    path = os.environ.get("RAY_AUTH_TOKEN_PATH") or DEFAULT_PATH
    try:
        with open(os.path.expanduser(path), encoding="utf-8") as file:
            return Token(file.read().strip() or None, path)
    except OSError:
        return Token(None, path)


def refusal(status: int, token: Token) -> str | None:
    """Return what to do about an answer of 401 or 403; None for any other."""
    where = f"the one on the cluster's head (`ray get-auth-token` there) goes into {DEFAULT_PATH} here"
    if status == 401:
        return (
            f"the cluster wants a token, and there is none in {token.source}; {where}; for a new cluster, "
            "make one with `ray get-auth-token --generate` before `ray up`"
        )
    if status == 403:
        return f"the token in {token.source} is not the cluster's; {where}"
    return None
