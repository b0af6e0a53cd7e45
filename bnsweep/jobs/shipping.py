"""The code that travels with a job: what is in the working directory, without data, results and environments."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from bnsweep.errors import InputError

MAX_BYTES = 50_000_000
PACKAGES = ("bnsweep", "analysis")
NOT_CODE = {"__pycache__", "node_modules", "venv", "build", "dist"}
NOT_CODE_ON_TOP = {"results", "data"}


def ship(sweep_file: Path, folder: Path, archive: Path) -> str:
    """Write the code under `folder`, our own packages and the sweep file to a zip; return the sweep file's name there.

    Raises:
        InputError: it is too much to be code.
    """
    here, sweep = folder.resolve(), sweep_file.resolve()
    files = {str(path.relative_to(here)): path for path in _code(here)}
    for package in PACKAGES:
        if str(Path(package, "__init__.py")) not in files:
            files |= _installed(package)
    name = str(sweep.relative_to(here)) if sweep.is_relative_to(here) else sweep.name
    files[name] = sweep
    _check_size(files, here)
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, strict_timestamps=False) as file:
        for inside, path in sorted(files.items()):
            file.write(path, inside)
    return name


def _code(folder: Path) -> Iterator[Path]:
    """Yield what git knows or would add; outside git what does not look like data, results or an environment.

    What is hidden and not known to git stays, since `.env` and its like hold secrets.
    """
    try:
        known, others = _listed(folder, "--cached"), _listed(folder, "--others", "--exclude-standard")
    except (OSError, subprocess.CalledProcessError):
        yield from _walked(folder)
        return
    names = [*known, *(name for name in others if not any(part.startswith(".") for part in name.split("/")))]
    paths = (folder / name for name in names if name.split("/")[0] not in NOT_CODE_ON_TOP)
    yield from (path for path in paths if path.is_file())


def _listed(folder: Path, *which: str) -> list[str]:
    done = subprocess.run(["git", "ls-files", "-z", *which], cwd=folder, capture_output=True, check=True)
    return [os.fsdecode(name) for name in done.stdout.split(b"\0")]


def _walked(folder: Path) -> Iterator[Path]:
    for root, folders, names in os.walk(folder):
        unwanted = NOT_CODE | (NOT_CODE_ON_TOP if Path(root) == folder else set())
        folders[:] = [
            name
            for name in folders
            if not name.startswith(".")
            and name not in unwanted
            and not os.path.exists(os.path.join(root, name, "pyvenv.cfg"))
        ]
        yield from (path for name in names if not name.startswith(".") and (path := Path(root, name)).is_file())


def _installed(package: str) -> dict[str, Path]:
    """Return the files of a package of ours by their names in the archive."""
    spec = importlib.util.find_spec(package)
    assert spec is not None
    assert spec.origin is not None
    folder = Path(spec.origin).parent
    files = (path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {str(path.relative_to(folder.parent)): path for path in files}


def _check_size(files: Mapping[str, Path], folder: Path) -> None:
    sizes = {name: path.stat().st_size for name, path in files.items()}
    if sum(sizes.values()) <= MAX_BYTES:
        return
    largest = sorted(sizes, key=lambda name: sizes[name], reverse=True)[:3]
    named = ", ".join(f"{name} ({sizes[name] / 1e6:.0f} MB)" for name in largest)
    raise InputError(
        f"{folder}: {sum(sizes.values()) / 1e6:.0f} MB would travel to the cluster, and code is at most "
        f"{MAX_BYTES / 1e6:.0f} MB; largest: {named}; name what is no code in .gitignore, or move it to data/"
    )
