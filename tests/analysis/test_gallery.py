"""Every script of the gallery, run as the README says."""

import subprocess
import sys
from pathlib import Path

import pytest

import analysis.gallery
from analysis.plots import FIGURES

ROOT = Path(analysis.gallery.__file__).parents[2]
SCRIPTS = sorted(path.stem for path in Path(analysis.gallery.__file__).parent.glob("[!_]*.py"))


def test_there_is_a_script_for_every_figure() -> None:
    assert set(FIGURES) <= set(SCRIPTS)


@pytest.mark.parametrize("script", SCRIPTS)
def test_it_prints_what_it_found_and_draws_it(script: str, sweep_dir: Path, tmp_path: Path) -> None:
    picture = tmp_path / "figure.png"
    command = [sys.executable, "-W", "error", "-m", f"analysis.gallery.{script}", str(sweep_dir), str(picture)]
    printed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    assert "batch" in printed.stdout
    assert printed.stderr == ""
    assert picture.read_bytes().startswith(b"\x89PNG")
