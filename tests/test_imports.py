"""Who may import what: arrows between rooms go down only, and what must load quickly loads neither torch nor ray."""

from __future__ import annotations

import ast
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MAY_IMPORT_RAY = ("bnsweep/executors/ray_tune*.py", "bnsweep/jobs/*.py")
FLOORS = (
    ("cli",),
    ("executors", "jobs"),
    ("running",),
    ("training",),
    ("probes",),
    ("data", "models", "norm"),
    ("results",),
    ("spec",),
    ("plugins", "rng"),
    ("errors",),
)
"""The rooms of bnsweep from top to bottom: each imports from those below it alone."""
FILES = sorted(ROOT.glob("bnsweep/**/*.py"))


def name_of(path: Path) -> str:
    """Return the dotted name of a module of ours."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {name_of(path): path for folder in ("bnsweep", "analysis") for path in sorted(ROOT.glob(f"{folder}/**/*.py"))}


def imported(path: Path) -> set[str]:
    """Return the dotted names of the modules that a file imports; of `from a import b` it is a.b if that is one."""
    names = set[str]()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            inside = {f"{node.module}.{alias.name}" for alias in node.names}
            names |= inside & MODULES.keys() or {node.module}
    return names


def room_of(module: str) -> str | None:
    """Return the room of a module of bnsweep; None for another, and for bnsweep's own face."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 and parts[0] == "bnsweep" and f"bnsweep.{parts[1]}" in MODULES else None


@pytest.mark.parametrize("path", [path for path in FILES if room_of(name_of(path))], ids=name_of)
def test_an_arrow_goes_down(path: Path) -> None:
    floor_of = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}
    room = room_of(name_of(path))
    assert room == "__main__" or room in floor_of, f"{room}: give it a floor"
    if room == "__main__":
        return
    targets = {target for name in imported(path) if (target := room_of(name)) and target != room}
    upward = {target for target in targets if floor_of[target] < floor_of[room]}
    assert not upward


def test_no_circle() -> None:
    graph = {name: imported(path) & MODULES.keys() for name, path in MODULES.items() if name.startswith("bnsweep")}
    TopologicalSorter(graph).prepare()  # raises CycleError, which names the modules


def test_only_the_executor_and_the_jobs_import_ray() -> None:
    allowed = {path for pattern in MAY_IMPORT_RAY for path in ROOT.glob(pattern)}
    users = {path for path in MODULES.values() if any(name.split(".")[0] == "ray" for name in imported(path))}
    assert users
    assert users <= allowed


def test_analysis_imports_nothing_of_bnsweep_but_results_and_errors() -> None:
    for path in ROOT.glob("analysis/**/*.py"):
        modules = {name for name in imported(path) if name.startswith("bnsweep.")}
        assert all(name.startswith(("bnsweep.results", "bnsweep.errors")) for name in modules), path


@pytest.mark.parametrize(
    "statement",
    [
        "import analysis.report",
        "import bnsweep.results",
        "import bnsweep.running.startup",
        "from bnsweep.cli import app",
    ],
)
def test_loads_without_torch_and_ray(statement: str) -> None:
    assert loaded(statement) == []


def test_ray_starts_before_torch_is_loaded() -> None:
    assert loaded("import bnsweep.executors.ray_tune") == ["ray"]


def loaded(statement: str) -> list[str]:
    check = f"{statement}; import sys; print(*{{'torch', 'ray'}} & sys.modules.keys())"
    return subprocess.run([sys.executable, "-c", check], check=True, capture_output=True, text=True).stdout.split()
