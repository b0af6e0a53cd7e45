"""Who may import what: arrows between rooms go down only, and what must load quickly loads neither torch nor ray."""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import bnsweep

ROOT = Path(__file__).parents[1]
MAY_IMPORT_RAY = ("bnsweep/executors/ray_tune*.py", "bnsweep/jobs/*.py")
FLOORS = {
    "bnsweep": (
        ("__main__", "docs"),
        ("cli",),
        ("api",),
        ("executors", "jobs"),
        ("running", "copies"),
        ("training",),
        ("probes",),
        ("models",),
        ("data", "norm"),
        ("results",),
        ("search",),
        ("spec",),
        ("limits", "plugins", "rng"),
        ("own_source", "settings"),
        ("error_texts", "errors", "trial_function"),
    ),
    "analysis": (
        *(("studies", "gallery"), ("comparison",), ("report",), ("browser",), ("plots",), ("claims",)),
        *(("tables",), ("measures",), ("loading",), ("statistics",)),
    ),
}
"""The rooms of each package from top to bottom: each imports from those below it alone."""


def name_of(path: Path) -> str:
    """Return the dotted name of a module of ours."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {name_of(path): path for folder in FLOORS for path in sorted(ROOT.glob(f"{folder}/**/*.py"))}


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


def room_of(module: str, package: str) -> str | None:
    """Return the room of a module of the package; None for the package's own face, and for what is not of it."""
    parts = module.split(".")
    return parts[1] if parts[0] == package and ".".join(parts[:2]) in MODULES.keys() - {package} else None


@pytest.mark.parametrize("module", [module for module in MODULES if module not in FLOORS])
def test_an_arrow_goes_down(module: str) -> None:
    package = module.split(".")[0]
    floor_of = {room: floor for floor, rooms in enumerate(FLOORS[package]) for room in rooms}
    room = room_of(module, package)
    assert room in floor_of, f"{room}: give it a floor"
    targets = {target for name in imported(MODULES[module]) if (target := room_of(name, package)) and target != room}
    assert all(floor_of[target] > floor_of[room] for target in targets), targets


@pytest.mark.parametrize("package", FLOORS)
def test_no_circle(package: str) -> None:
    ours = {name: path for name, path in MODULES.items() if name.split(".")[0] == package}
    TopologicalSorter({name: imported(path) & ours.keys() for name, path in ours.items()}).prepare()  # or CycleError


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
        "from bnsweep import Outcome, Sweep, SweepPlan, load, plan, run",
    ],
)
def test_loads_without_torch_and_ray(statement: str) -> None:
    assert loaded(statement) == []


def test_bnsweep_imports_nothing_that_is_not_asked_for() -> None:
    """A user's own loop imports it for `@bnsweep.trial`, in each worker."""
    loads = "import bnsweep, sys; print(*{'numpy', 'pandas', 'pydantic', 'pyarrow', 'rich'} & sys.modules.keys())"
    assert subprocess.run([sys.executable, "-c", loads], check=True, capture_output=True, text=True).stdout == "\n"


def test_the_stub_names_what_there_is_and_where() -> None:
    stub = ast.parse((ROOT / "bnsweep/__init__.pyi").read_text())
    named = {
        alias.asname: getattr(importlib.import_module(str(node.module)), alias.name)
        for node in ast.walk(stub)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert named == {name: getattr(bnsweep, name) for name in bnsweep.__all__}
    assert set(bnsweep.__all__) <= set(dir(bnsweep))
    with pytest.raises(AttributeError, match="module 'bnsweep' has no attribute 'rum'"):
        _ = bnsweep.rum


def test_ray_starts_before_torch_is_loaded() -> None:
    assert loaded("import bnsweep.executors.ray_tune") == ["ray"]


def loaded(statement: str) -> list[str]:
    check = f"{statement}; import sys; print(*{{'torch', 'ray'}} & sys.modules.keys())"
    return subprocess.run([sys.executable, "-c", check], check=True, capture_output=True, text=True).stdout.split()
