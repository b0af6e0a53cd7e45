"""docs/python.md as code, to the last line."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.readme import code_block, displayed


def test_the_page_runs_as_it_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    page = Path(__file__).parents[2] / "docs" / "python.md"
    (table,) = displayed(code_block("bnsweep.plan(", page=page))
    assert table.shape == (2, 4)
    assert table.notna().any(axis=None)
