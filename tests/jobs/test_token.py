"""Where the token of a cluster is looked for, and what is said where the cluster refuses it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from bnsweep.jobs.token import Token, explain_refusal, find_token
from bnsweep.jobs.tunnel import ray_program

VARIABLES = ("RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH", "RAY_AUTH_MODE")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home without a token."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".ray").mkdir()
    return tmp_path


def by_ray() -> str:
    """Return the token that Ray itself finds."""
    command = [ray_program(), "get-auth-token"]
    return subprocess.run(command, env=os.environ, capture_output=True, text=True, check=True).stdout


@pytest.mark.long
def test_it_is_the_one_that_ray_finds_by_the_same_precedence(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Breaks when Ray looks for its token elsewhere."""
    (home / ".ray/auth_token").write_text("of the default path\n")
    assert find_token().value == by_ray() == "of the default path"
    (home / "token").write_text("of the given path\n")
    monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", str(home / "token"))
    assert find_token() == (by_ray(), str(home / "token"))
    monkeypatch.setenv("RAY_AUTH_TOKEN", " of the variable ")
    assert find_token() == (by_ray().strip(), "RAY_AUTH_TOKEN")


def test_without_one_it_is_said_where_it_was_looked_for(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert find_token() == (None, "~/.ray/auth_token")
    monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", "/nowhere")
    assert find_token() == (None, "/nowhere")


@pytest.mark.parametrize(("status", "words"), [(401, ("/a", "--generate", "ray up")), (403, ("/a", "get-auth-token"))])
def test_a_refusal_names_the_place_and_the_command(status: int, words: tuple[str, ...]) -> None:
    message = explain_refusal(status, Token("x", "/a"))
    assert message is not None
    assert all(word in message for word in words)


def test_what_has_nothing_to_do_with_the_token_is_no_refusal() -> None:
    assert explain_refusal(500, Token("x", "/a")) is None
