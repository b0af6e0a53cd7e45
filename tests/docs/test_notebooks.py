"""The notebooks of docs/ were run from the first cell to the last, and run again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from tests.pages import ROOT
from tests.waiting import HANGS_AFTER_S

NAMES = ("researcher", "analyst")
"""The second reads what the first leaves."""


def read(name: str) -> Any:
    return nbformat.read(ROOT / "docs" / "notebooks" / f"{name}.ipynb", as_version=4)


def code_cells(notebook: Any) -> list[Any]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def kinds(notebook: Any) -> list[list[str]]:
    """Return of each cell what kinds of outputs it has, those of stdout together."""
    return [
        list(dict.fromkeys(output.get("name", output.output_type) for output in cell.outputs))
        for cell in code_cells(notebook)
    ]


def test_there_are_no_others() -> None:
    assert {path.stem for path in (ROOT / "docs").rglob("*.ipynb")} == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_it_was_run_in_order_without_errors(name: str) -> None:
    notebook = read(name)
    nbformat.validate(notebook)
    cells = code_cells(notebook)
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    assert {kind for outputs in kinds(notebook) for kind in outputs} <= {"stdout", "display_data", "execute_result"}


@pytest.mark.long
def test_they_run_again(tmp_path: Path) -> None:
    for name in NAMES:
        stored, again = read(name), read(name)
        NotebookClient(again, timeout=int(HANGS_AFTER_S), resources={"metadata": {"path": str(tmp_path)}}).execute()
        assert kinds(again) == kinds(stored)
