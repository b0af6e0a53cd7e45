"""The README and the pages of docs/ as code."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]


def code_blocks(page: str, language: str = "python") -> list[str]:
    """Return a page's blocks of a language; "" is that of commands."""
    blocks = re.findall(r"^```(\w*)\n(.*?)^```$", (ROOT / page).read_text(), re.DOTALL | re.MULTILINE)
    return [code for named, code in blocks if named == language]


def code_block(page: str, holding: str, language: str = "python") -> str:
    """Return a page's one block of a language that holds a text."""
    (found,) = (code for code in code_blocks(page, language) if holding in code)
    return found


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
