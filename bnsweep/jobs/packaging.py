"""The code that a job needs, as a zip: what is in the working directory, without data, results and environments."""

from __future__ import annotations

import hashlib
import os
import subprocess
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import bnsweep
from bnsweep.errors import InputError

MAX_BYTES = 50_000_000
PACKAGES = ("bnsweep", "analysis")
EXCLUDED_ANYWHERE = {"__pycache__", "node_modules", "venv", "build", "dist"}
EXCLUDED_AT_ROOT = {"results", "data"}


def package_code(sweep_file: Path, folder: Path, archive: Path) -> str:
    """Write the code in `folder`, bnsweep's own packages and the sweep file to a zip.

    Returns:
        The sweep file's name in the zip.

    Raises:
        InputError: there is too much to be code.
    """
    root, sweep = folder.resolve(), sweep_file.resolve()
    files = _chosen(root)
    name = str(sweep.relative_to(root)) if sweep.is_relative_to(root) else sweep.name
    files[name] = sweep
    _check_size(files, root)
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, strict_timestamps=False) as file:
        for name_in_zip, path in sorted(files.items()):
            file.write(path, name_in_zip)
    return name


def code_digest(folder: Path) -> str:
    """Return what changes with any Python file of the code in a folder, and of bnsweep's own."""
    root, digest = folder.resolve(), hashlib.sha256()
    for name, path in sorted(_chosen(root).items()):
        if name.endswith(".py"):
            digest.update(f"{name} {hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return digest.hexdigest()


def _chosen(root: Path) -> dict[str, Path]:
    """Return the files of the code in a folder, and of those of bnsweep's packages that it has not, by their names."""
    files = {str(path.relative_to(root)): path for path in _code_files(root)}
    for package in PACKAGES:
        if str(Path(package, "__init__.py")) not in files:
            files |= _installed_files(package)
    return files


def _code_files(folder: Path) -> Iterator[Path]:
    """Yield what git tracks or would add; outside git, what does not look like data, results or an environment.

    Hidden files that git does not track are left out, since `.env` and the like hold secrets.
    """
    try:
        tracked, untracked = _git_files(folder, "--cached"), _git_files(folder, "--others", "--exclude-standard")
    except (OSError, subprocess.CalledProcessError):
        yield from _visible_files(folder)
        return
    names = [*tracked, *(name for name in untracked if not any(part.startswith(".") for part in name.split("/")))]
    paths = (folder / name for name in names if name.split("/")[0] not in EXCLUDED_AT_ROOT)
    yield from (path for path in paths if path.is_file())


def _git_files(folder: Path, *options: str) -> list[str]:
    listed = subprocess.run(["git", "ls-files", "-z", *options], cwd=folder, capture_output=True, check=True)
    return [os.fsdecode(name) for name in listed.stdout.split(b"\0")]


def _visible_files(folder: Path) -> Iterator[Path]:
    for root, folders, names in os.walk(folder):
        excluded = EXCLUDED_ANYWHERE | (EXCLUDED_AT_ROOT if Path(root) == folder else set())
        folders[:] = [
            name
            for name in folders
            if not name.startswith(".")
            and name not in excluded
            and not os.path.exists(os.path.join(root, name, "pyvenv.cfg"))
        ]
        yield from (path for name in names if not name.startswith(".") and (path := Path(root, name)).is_file())


def _installed_files(package: str) -> dict[str, Path]:
    """Return the files of an installed package by their names in the zip."""
    folder = Path(bnsweep.__file__).parents[1] / package  # not found by name: a user's `analysis.py` has it too
    files = (path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {str(path.relative_to(folder.parent)): path for path in files}


def _check_size(files: Mapping[str, Path], folder: Path) -> None:
    sizes = {name: path.stat().st_size for name, path in files.items()}
    if sum(sizes.values()) <= MAX_BYTES:
        return
    largest = sorted(sizes, key=lambda name: sizes[name], reverse=True)[:3]
    named = ", ".join(f"{name} ({sizes[name] / 1e6:.0f} MB)" for name in largest)
    raise InputError(
        f"{folder}: the code to upload is {sum(sizes.values()) / 1e6:.0f} MB, and at most {MAX_BYTES / 1e6:.0f} MB are "
        f"allowed; largest: {named}; list what is not code in .gitignore, or move it to data/"
    )
