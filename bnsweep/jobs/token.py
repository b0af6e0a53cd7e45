"""The token that authenticates a user to a Ray cluster, found where Ray's documentation says that Ray looks for it.

See https://docs.ray.io/en/latest/ray-security/token-auth.html. Ray's own client sends it only where RAY_AUTH_MODE was
set before ray was imported, which a user of a remote cluster need not have done.
"""

from __future__ import annotations

import os
from typing import NamedTuple

DEFAULT_PATH = "~/.ray/auth_token"


class Token(NamedTuple):
    """The token, None where there is none, and where it was looked for."""

    value: str | None
    source: str


def find_token() -> Token:
    """Return the content of RAY_AUTH_TOKEN, else of the file RAY_AUTH_TOKEN_PATH, else of ~/.ray/auth_token."""
    if value := os.environ.get("RAY_AUTH_TOKEN", "").strip():
        return Token(value, "RAY_AUTH_TOKEN")
    path = os.environ.get("RAY_AUTH_TOKEN_PATH") or DEFAULT_PATH
    try:
        with open(os.path.expanduser(path), encoding="utf-8") as file:
            return Token(file.read().strip() or None, path)
    except OSError:
        return Token(None, path)


def explain_refusal(status: int, token: Token) -> str | None:
    """Return what to do about an HTTP status of 401 or 403; None for any other."""
    remedy = f"copy the token of the cluster's head (`ray get-auth-token` there) into {DEFAULT_PATH} here"
    if status == 401:
        return (
            f"the cluster requires a token, and there is none in {token.source}; {remedy}; for a new cluster, "
            "make one with `ray get-auth-token --generate` before `ray up`"
        )
    if status == 403:
        return f"the token in {token.source} is not the cluster's; {remedy}"
    return None
