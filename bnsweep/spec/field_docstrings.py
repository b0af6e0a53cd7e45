"""What the fields of a section mean: the docstrings under them, read from the source only where they are asked for."""

from __future__ import annotations

import ast
import inspect
from itertools import pairwise


def field_docstrings(cls: type) -> dict[str, str]:
    """Return the docstrings under the fields of a class, by name.

    pydantic's `use_attribute_docstrings` reads the source at each import: a tenth of a second in every worker.
    """
    (defined,) = ast.parse(inspect.getsource(cls)).body
    assert isinstance(defined, ast.ClassDef)
    return {
        field.target.id: inspect.cleandoc(said.value.value)
        for field, said in pairwise(defined.body)
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)
        if isinstance(said, ast.Expr) and isinstance(said.value, ast.Constant) and isinstance(said.value.value, str)
    }
