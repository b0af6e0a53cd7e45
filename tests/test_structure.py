"""The page that says where everything is names what there is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SECTIONS = dict(part.split("\n", 1) for part in (ROOT / "docs/structure.md").read_text().split("\n## ")[1:])
ROOMS = {"bnsweep": "The rooms of `bnsweep/`", "analysis": "The rooms of `analysis/`"}


def rows(section: str) -> list[list[str]]:
    """Return the names in backticks of each row of the section's table, by cell."""
    lines = [line for line in SECTIONS[section].splitlines() if line.startswith("| `")]
    return [line.strip("| ").split(" | ") for line in lines]


@pytest.mark.parametrize("package", ROOMS)
def test_every_room_has_its_row(package: str) -> None:
    named = {name.rstrip("/") for cells in rows(ROOMS[package]) for name in re.findall(r"`([^`]+)`", cells[0])}
    there = {path.parent.name for path in ROOT.glob(f"{package}/*/__init__.py")}
    there |= {path.stem for path in ROOT.glob(f"{package}/*.py") if not path.name.startswith("__")}
    assert named == there


def test_every_file_that_is_named_is_there() -> None:
    for cells in rows(ROOMS["bnsweep"]):
        folders = [ROOT / "bnsweep" / name for name in re.findall(r"`(\w+/)`", cells[0])]
        for name in re.findall(r"`(\w+\.py|\w+/)`", " ".join(cells[1:])):
            assert any((folder / name).exists() for folder in folders), name


def test_every_folder_beside_them_is_there() -> None:
    for cells in rows("Beside them"):
        (folder,) = re.findall(r"`(\w+/)`", cells[0])
        assert (ROOT / folder).is_dir()
        for name in re.findall(r"`(\w+\.py|user_code/|bad_inputs/)`", cells[1]):
            assert (ROOT / folder / name).exists()
