"""How a wheel is built: with sweeps/ and cluster/, which lie beside the package in a checkout, inside of it.

`pyproject.toml` names the class. It runs where bnsweep is not installed: nothing else of it may be imported here.
"""

from __future__ import annotations

import os
from glob import glob

from setuptools.command.build_py import build_py

FOLDERS = ("sweeps", "cluster")
TARGET = os.path.join("bnsweep", "shipped")
"""Where `bnsweep.cli.shipped` finds them."""


class BuildWithShipped(build_py):  # type: ignore[misc]  # setuptools has no types
    """Builds the packages, and copies the files of `FOLDERS` to them; of an editable install they stay where they are.

    Raises:
        FileNotFoundError: a folder is not there, or empty.
    """

    def run(self) -> None:
        """Build."""
        super().run()
        if self.editable_mode:
            return
        for source, target in zip(_sources(), self._targets(), strict=True):
            self.mkpath(os.path.dirname(target))
            self.copy_file(source, target)

    def get_source_files(self) -> list[str]:
        """Return what a source distribution must hold."""
        return [*super().get_source_files(), *_sources()]

    def get_outputs(self, include_bytecode: bool = True) -> list[str]:
        """Return what is built."""
        return [*super().get_outputs(include_bytecode), *([] if self.editable_mode else self._targets())]

    def _targets(self) -> list[str]:
        return [os.path.join(self.build_lib, TARGET, source) for source in _sources()]


def _sources() -> list[str]:
    """Return the files, relative to where the build runs: that of pyproject.toml."""
    found = {folder: sorted(filter(os.path.isfile, glob(f"{folder}/*"))) for folder in FOLDERS}
    if missing := [folder for folder, files in found.items() if not files]:
        raise FileNotFoundError(f"{os.getcwd()}: lacks {' and '.join(missing)}, which come with bnsweep")
    return [file for files in found.values() for file in files]
