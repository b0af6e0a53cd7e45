"""docs/python.md as code, to the last line."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.pages import code_block, displayed


def test_the_page_runs_as_it_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (table,) = displayed(code_block("docs/python.md", "bnsweep.plan("))
    assert table.shape == (2, 4)
    assert table.notna().any(axis=None)
