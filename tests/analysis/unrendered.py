"""Reports without what takes most of their time."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def leave_out_rendering(patch: pytest.MonkeyPatch) -> None:
    """Have reports draw their figures, but write no pixels."""

    def save(fig: Figure, directory: Path, name: str) -> str:
        (directory / f"{name}.png").touch()
        (directory / f"{name}.svg").touch()
        return ""

    patch.setattr("analysis.report.figures.save", save)
