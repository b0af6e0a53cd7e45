"""The digest of the user's own code: what is in it, what is not, and that nothing that is there makes it fail."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

import pytest

from bnsweep.own_source import source_sha256

NAME = "bnsweep_test_own.deep.net:f"
EXTENSION = f"bnsweep_test_parts{EXTENSION_SUFFIXES[0]}"
"""A module written in C, which is not loaded for its digest."""
Write = Callable[[dict[str, str]], str | None]


@pytest.fixture
def digest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Write files into the current folder and return the digest of NAME."""
    monkeypatch.chdir(tmp_path)

    def write(files: dict[str, str]) -> str | None:
        for name, text in files.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text)
        return source_sha256([NAME])

    return write


IMPORTS = {
    "a module beside its package": ("import bnsweep_test_parts", "bnsweep_test_parts.py"),
    "what it has of that": ("from bnsweep_test_parts import f", "bnsweep_test_parts.py"),
    "what a module beside it has": ("from .parts import f", "bnsweep_test_own/deep/parts.py"),
    "a module beside it": ("from . import parts", "bnsweep_test_own/deep/parts.py"),
    "a module of the package above": ("from .. import parts", "bnsweep_test_own/parts.py"),
    "what the package above has": ("from .. import f", "bnsweep_test_own/__init__.py"),
    "a module in a folder without __init__.py": ("import bnsweep_test_space.parts", "bnsweep_test_space/parts.py"),
    "a folder in such a folder": ("from bnsweep_test_space.deep import parts", "bnsweep_test_space/deep/parts.py"),
    "a package of which a module is imported": ("import bnsweep_test_parts.a.b", "bnsweep_test_parts/a/__init__.py"),
    "in a function": ("def f():\n    import bnsweep_test_parts", "bnsweep_test_parts.py"),
    "where it may fail": ("try:\n    import bnsweep_test_parts\nfinally:\n    pass", "bnsweep_test_parts.py"),
    "an extension": ("import bnsweep_test_parts", EXTENSION),
}


@pytest.mark.parametrize(
    "package",
    [{}, {f"bnsweep_test_own/{folder}__init__.py": "" for folder in ("", "deep/")}],
    ids=["namespace", "package"],
)
@pytest.mark.parametrize(("code", "file"), IMPORTS.values(), ids=IMPORTS)
def test_an_edit_of_what_it_imports_changes_it_and_one_of_anything_else_does_not(
    digest: Write, package: dict[str, str], code: str, file: str
) -> None:
    before = digest({**package, "bnsweep_test_own/deep/net.py": code, file: "f = 1\n"})
    assert before is not None
    assert digest({"bnsweep_test_own/deep/other.py": "f = 1\n", "bnsweep_test_other.py": ""}) == before
    assert digest({file: "f = 2\n"}) not in (None, before)
    assert digest({file: "f = 1\n"}) == before


def test_nothing_is_run_for_it(digest: Write) -> None:
    assert digest(
        {"bnsweep_test_own/__init__.py": "raise SystemExit\n", "bnsweep_test_own/deep/net.py": "import nothing\n"}
    )
    assert not [name for name in sys.modules if name.startswith("bnsweep_test_own")]


def test_modules_that_import_each_other_are_each_in_it(digest: Write) -> None:
    files = {"net": "from . import one\n", "one": "from . import two\n", "two": "from . import one, net\n"}
    before = digest({f"bnsweep_test_own/deep/{name}.py": text for name, text in files.items()})
    edited = [digest({f"bnsweep_test_own/deep/{name}.py": f"{text}x = 1\n"}) for name, text in files.items()]
    assert len({None, before, *edited}) == 2 + len(files)


BROKEN = {
    "a wrong syntax": b"def f(:\n",
    "brackets that stay open": b"f = (\n",
    "bytes that are no text": b"f = '\xff'\n",
    "an unknown encoding": b"# coding: none\nf = 1\n",
    "a null byte": b"f = 1\0\n",
    "more brackets than Python reads": b"f = " + b"(" * 10_000 + b")" * 10_000 + b"\n",
}


@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN)
def test_a_module_that_python_cannot_read_is_left_out(digest: Write, tmp_path: Path, content: bytes) -> None:
    folder = tmp_path / "bnsweep_test_own/deep"
    folder.mkdir(parents=True)
    (folder / "parts.py").write_bytes(content)
    with_it = digest({"bnsweep_test_own/deep/net.py": "from . import parts\n"})
    (folder / "parts.py").unlink()
    assert with_it is not None
    assert with_it == source_sha256([NAME])
    (folder / "net.py").write_bytes(content)
    assert source_sha256([NAME]) is None


class Raising:
    """A finder of modules that some package added, and that fails."""

    def find_spec(self, *_: object) -> None:
        raise RuntimeError("no")


def test_a_finder_that_fails_is_passed_over(digest: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    before = digest({"bnsweep_test_own/deep/net.py": "import bnsweep_test_parts\n", "bnsweep_test_parts.py": ""})
    monkeypatch.setattr(sys, "meta_path", [Raising(), *sys.meta_path])
    assert source_sha256([NAME]) == before


def test_an_import_from_above_the_topmost_package_is_passed_over(digest: Write) -> None:
    assert digest({"bnsweep_test_own/deep/net.py": "from ....parts import f\n"}) is not None


def test_what_is_installed_is_not_in_it(digest: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(tmp_path / "site-packages")
    code = {"bnsweep_test_own/deep/net.py": "import json, bnsweep, bnsweep_test_installed\n"}
    installed = "site-packages/bnsweep_test_installed.py"
    assert digest({**code, installed: "f = 1\n"}) == digest({installed: "f = 2\n"})


def test_comments_and_blank_lines_do_not_count(digest: Write) -> None:
    code = "def f():\n    return '#'\n"
    before = digest({"bnsweep_test_own/deep/net.py": code})
    assert digest({"bnsweep_test_own/deep/net.py": f"# a net\n\n{code.rstrip()}  # one\n\n"}) == before


@pytest.mark.parametrize("names", [[], ["torch.nn:Linear"], ["json:dumps"], ["sys:exit"], ["no_such_module:f"]])
def test_of_no_code_of_ones_own_there_is_no_digest(names: list[str]) -> None:
    assert source_sha256(names) is None
