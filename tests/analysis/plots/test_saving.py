"""Both files of a figure come of one layout: that which matplotlib finds itself when it saves."""

from __future__ import annotations

import io
import re
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from matplotlib.image import imread

from analysis.plots.canvas import new_figure, set_title
from analysis.plots.saving import DPI, save
from analysis.plots.style import handles, style


def drawn() -> Figure:
    fig = new_figure(3.0)
    set_title(fig, "A title", "and a line below it")
    for ax in fig.subplots(1, 2):
        ax.plot([1e-3, 1e3], [0, 1e6])
        ax.set_ylabel("a label that takes room")
    fig.legend(handles=handles(["none", "batch"]), loc="outside lower center")
    return fig


def test_the_picture_is_the_one_that_matplotlib_lays_out(tmp_path: Path) -> None:
    expected = io.BytesIO()
    with style():
        drawn().savefig(expected, dpi=DPI)
        fig = drawn()
        before = fig.axes[0].get_position().bounds
        save(fig, tmp_path, "ours")
    expected.seek(0)
    ours, theirs = imread(tmp_path / "ours.png"), imread(expected)
    assert ours.shape == theirs.shape
    assert np.abs(ours - theirs).max() < 0.02  # places are rounded to 9 digits
    assert fig.axes[0].get_position().bounds != before


def test_the_axes_of_the_drawing_are_those_of_the_picture(tmp_path: Path) -> None:
    with style():
        fig = drawn()
        save(fig, tmp_path, "one")
        save(drawn(), tmp_path, "again")
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "again.svg").read_bytes()
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "again.png").read_bytes()
    (left, bottom), (right, _) = fig.axes[1].get_position().get_points() * fig.get_size_inches() * 72
    height = fig.get_size_inches()[1] * 72
    background = re.search(r'id="patch_\d+">\s*<path d="M ([\d.]+) ([\d.]+) \nL ([\d.]+)', _of_axes(tmp_path, 2))
    assert background is not None
    assert np.allclose([float(one) for one in background.groups()], [left, height - bottom, right], atol=1e-3)


def _of_axes(directory: Path, number: int) -> str:
    text = (directory / "one.svg").read_text(encoding="utf-8")
    return text[text.index(f'<g id="axes_{number}">') :]
