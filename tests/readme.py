"""The README as code."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

README = Path(__file__).parents[1] / "README.md"


def code_block(holding: str, language: str = "python", page: Path = README) -> str:
    """Return the one block of a language in the README, or another page, that holds a text."""
    blocks = re.findall(rf"```{language}\n(.*?)```", page.read_text(), re.DOTALL)
    (found,) = (code for code in blocks if holding in code)
    return str(found)


def displayed(code: str) -> list[Any]:
    """Run code as in a notebook; return the values of its lines that are bare expressions."""
    names: dict[str, Any] = {}
    values = []
    for statement in ast.parse(code).body:
        if isinstance(statement, ast.Expr):
            values.append(eval(ast.unparse(statement), names))
        else:
            exec(ast.unparse(statement), names)
    return values
