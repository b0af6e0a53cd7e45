"""The README as code."""

from __future__ import annotations

import re
from pathlib import Path

README = Path(__file__).parents[1] / "README.md"


def block(holding: str) -> str:
    """Return the README's one block of Python that holds a text."""
    (found,) = (code for code in re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL) if holding in code)
    return str(found)
