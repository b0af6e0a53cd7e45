"""Every script of the gallery, run as docs/analysis.md says, but all in this process."""

import runpy
import sys
from pathlib import Path

import pytest

import analysis.gallery
from analysis.plots import FIGURES

SCRIPTS = sorted(path.stem for path in Path(analysis.gallery.__file__).parent.glob("[!_]*.py"))


def test_there_is_a_script_for_every_figure() -> None:
    assert set(FIGURES) <= set(SCRIPTS)


@pytest.mark.parametrize("script", SCRIPTS)
def test_it_prints_what_it_found_and_draws_it(
    script: str, sweep_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    picture = tmp_path / "figure.png"
    monkeypatch.setattr(sys, "argv", [script, str(sweep_dir), str(picture)])
    monkeypatch.delitem(sys.modules, f"analysis.gallery.{script}", raising=False)  # imported to collect doctests
    runpy.run_module(f"analysis.gallery.{script}", run_name="__main__")
    printed = capsys.readouterr()
    assert "batch" in printed.out
    assert printed.err == ""
    assert picture.read_bytes().startswith(b"\x89PNG")
