"""Every script of the gallery, run as docs/analysis.md says, but all in this process."""

import runpy
import sys
from pathlib import Path

import pytest
from matplotlib.figure import Figure

import analysis.gallery
from analysis.plots import FIGURES
from analysis.plots.style import style

SCRIPTS = sorted(path.stem for path in Path(analysis.gallery.__file__).parent.glob("[!_]*.py"))


def test_there_is_a_script_for_every_figure() -> None:
    assert set(FIGURES) <= set(SCRIPTS)


@pytest.mark.parametrize("script", SCRIPTS)
def test_it_prints_what_it_found_and_draws_it_within_the_figure(
    script: str, sweep_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    picture = tmp_path / "figure.png"
    monkeypatch.setattr(sys, "argv", [script, str(sweep_dir), str(picture)])
    monkeypatch.delitem(sys.modules, f"analysis.gallery.{script}", raising=False)  # imported to collect doctests
    saved = list[tuple[Figure, str]]()
    monkeypatch.setattr(Figure, "savefig", lambda figure, path: saved.append((figure, path)))
    runpy.run_module(f"analysis.gallery.{script}", run_name="__main__")
    printed = capsys.readouterr()
    assert "batch" in printed.out
    assert printed.err == ""
    ((figure, path),) = saved
    assert path == str(picture)
    with style():
        figure.draw_without_rendering()
    box, page = figure.get_tightbbox(), figure.get_size_inches()
    assert box.x0 >= 0
    assert box.y0 >= 0
    assert box.x1 <= page[0]
    assert box.y1 <= page[1]
