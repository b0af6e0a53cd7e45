"""Reports without what takes most of their time."""

from __future__ import annotations

from pathlib import Path

import pytest
from matplotlib.figure import Figure

from analysis.plots import FigureKind


def leave_out_rendering(patch: pytest.MonkeyPatch) -> None:
    """Have reports draw their figures, but write no pixels."""

    def save(fig: Figure, directory: Path, name: str) -> str:
        (directory / f"{name}.png").touch()
        (directory / f"{name}.svg").touch()
        return ""

    patch.setattr("analysis.report.figures.save", save)


def leave_out_drawing(patch: pytest.MonkeyPatch) -> None:
    """Have reports compute what their figures show and say, but draw nothing."""
    leave_out_rendering(patch)
    patch.setattr(FigureKind, "draw", property(lambda _: lambda _: Figure()), raising=False)
