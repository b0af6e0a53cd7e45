"""What holds frames is shown in a line."""

from __future__ import annotations

import dataclasses
import importlib
import pkgutil

import pytest

import analysis
from analysis.loading import Results
from analysis.loading.one_line import one_line

MODULES = [module.name for module in pkgutil.walk_packages(analysis.__path__, "analysis.")]
HELD = ("pd.DataFrame", "pd.Series")


def holders(module: str) -> list[type]:
    """Return the dataclasses of a module that have a frame."""
    classes = [cls for cls in vars(importlib.import_module(module)).values() if isinstance(cls, type)]
    own = [cls for cls in classes if cls.__module__ == module and dataclasses.is_dataclass(cls)]
    return [cls for cls in own if any(str(field.type).startswith(HELD) for field in dataclasses.fields(cls))]


@pytest.mark.parametrize(
    "module", [name for name in MODULES if "__main__" not in name and not name.startswith("analysis.studies")]
)
def test_each_that_holds_a_frame_is_shown_in_a_line(module: str) -> None:
    assert [cls for cls in holders(module) if cls is not Results and cls.__repr__ is not one_line] == []
