"""Who may import what: kept so that analysis needs no GPU stack and training knows nothing of Ray."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MAY_IMPORT_RAY = ("bnsweep/executors/ray_tune*.py", "bnsweep/jobs/*.py")


def imported(path: Path) -> set[str]:
    tree = ast.parse(path.read_text())
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    return {name.partition(".")[0] for name in names} | names


def test_only_the_executor_and_submit_import_ray() -> None:
    files = {*ROOT.glob("bnsweep/**/*.py"), *ROOT.glob("analysis/**/*.py")}
    allowed = {path for pattern in MAY_IMPORT_RAY for path in ROOT.glob(pattern)}
    assert not {path for path in files - allowed if "ray" in imported(path)}


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
