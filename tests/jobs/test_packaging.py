"""What is uploaded to a cluster: code, and nothing else."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from bnsweep.errors import InputError
from bnsweep.jobs.packaging import MAX_BYTES, package_code
from tests.conftest import TINY

CODE = ("mine.py", "net/data/loader.py", "sweeps/tiny.yaml")
NOT_CODE = (
    "results/a.parquet",
    "data/b.npz",
    "net/__pycache__/c.pyc",
    ".venv/bin/python",
    "env/pyvenv.cfg",
    ".git/d",
    ".env",
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A user's working directory."""
    for name in (*CODE, *NOT_CODE):
        path = tmp_path / "work" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(TINY)
    return tmp_path / "work"


def packaged(folder: Path, sweep_file: Path) -> tuple[str, set[str]]:
    archive = folder.parent / "code.zip"
    name = package_code(sweep_file, folder, archive)
    with zipfile.ZipFile(archive) as file:
        assert file.read(name) == sweep_file.read_bytes()
        return name, set(file.namelist())


def users(names: set[str]) -> set[str]:
    return {name for name in names if not name.startswith(("bnsweep/", "analysis/"))}


def test_the_code_of_the_working_directory_is_uploaded_without_data_and_results(folder: Path) -> None:
    name, names = packaged(folder, folder / "sweeps/tiny.yaml")
    assert name == "sweeps/tiny.yaml"
    assert users(names) == set(CODE)


def test_bnsweeps_own_packages_are_uploaded_whole_wherever_they_are_installed(folder: Path) -> None:
    _, names = packaged(folder, folder / "sweeps/tiny.yaml")
    assert {"bnsweep/__main__.py", "bnsweep/data/digits.py", "analysis/loading/loader.py"} <= names
    assert any(name.startswith("analysis/templates/") for name in names)
    assert not any("__pycache__" in name for name in names)


def test_an_analysis_of_the_users_own_does_not_stand_in_for_ours(folder: Path) -> None:
    (folder / "analysis.py").write_text("")
    code = "import sys; from pathlib import Path; from bnsweep.jobs.packaging import package_code as package"
    code += "; package(Path('sweeps/tiny.yaml'), Path(), Path('../code.zip'))"
    subprocess.run([sys.executable, "-c", code], cwd=folder, check=True)
    with zipfile.ZipFile(folder.parent / "code.zip") as file:
        assert {"analysis.py", "analysis/__init__.py", "analysis/loading/loader.py"} <= set(file.namelist())


def test_a_sweep_file_from_elsewhere_is_uploaded_too(folder: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "other.yaml"
    elsewhere.write_text(TINY)
    assert packaged(folder, elsewhere)[0] == "other.yaml"


def test_in_a_git_repository_what_it_ignores_is_left_out(folder: Path) -> None:
    subprocess.run(["rm", "-r", ".git"], cwd=folder, check=True)
    subprocess.run(["git", "init", "--quiet"], cwd=folder, check=True)
    (folder / "huge.bin").write_bytes(bytes(MAX_BYTES + 1))
    (folder / ".gitignore").write_text("*.bin\n.venv\n__pycache__\nenv\n")
    _, names = packaged(folder, folder / "sweeps/tiny.yaml")
    assert users(names) == set(CODE)
    subprocess.run(["git", "add", ".gitignore"], cwd=folder, check=True)
    assert users(packaged(folder, folder / "sweeps/tiny.yaml")[1]) == {*CODE, ".gitignore"}


def test_a_folder_with_the_name_of_a_package_does_not_replace_it(folder: Path) -> None:
    (folder / "bnsweep").mkdir()
    (folder / "bnsweep/README.md").write_text("a clone is here")
    assert "bnsweep/__main__.py" in packaged(folder, folder / "sweeps/tiny.yaml")[1]


def test_more_than_code_can_be_is_refused(folder: Path) -> None:
    (folder / "weights.pt").write_bytes(bytes(MAX_BYTES + 1))
    with pytest.raises(InputError, match=r"5\d MB.* 50 MB .*weights\.pt \(50 MB\), .*\.gitignore"):
        package_code(folder / "sweeps/tiny.yaml", folder, folder.parent / "code.zip")
