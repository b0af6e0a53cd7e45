"""What a caller in Python gives beside the sweep, checked as the command line checks what is typed."""

from __future__ import annotations

import os
from typing import Annotated, Any

import numpy as np
from pydantic import Field, TypeAdapter, ValidationError

from bnsweep.errors import InputError
from bnsweep.spec.error_messages import shown
from bnsweep.spec.wanted import wanted

COUNT: TypeAdapter[Any] = TypeAdapter(Annotated[int, Field(strict=True, ge=1)] | None)
AMOUNT: TypeAdapter[Any] = TypeAdapter(Annotated[float, Field(strict=True, ge=0, allow_inf_nan=False)] | None)
DURATION: TypeAdapter[Any] = TypeAdapter(Annotated[float, Field(strict=True, ge=0, allow_inf_nan=False)])
FLAG: TypeAdapter[Any] = TypeAdapter(Annotated[bool, Field(strict=True)])
KINDS = {
    "workers": COUNT,
    "checkpoint_minutes": DURATION,
    "max_hours": AMOUNT,
    "price": AMOUNT,
    "extend": FLAG,
    "timing": FLAG,
}
"""What each argument is."""


def check_arguments(**given: object) -> None:
    """Check arguments by their names.

    Raises:
        InputError: one is of another type, or out of its range; the message names it.
    """
    for name, value in given.items():
        try:
            KINDS[name].validate_python(value.item() if isinstance(value, np.generic) else value)
        except ValidationError as error:
            needed = dict.fromkeys(wanted(detail) for detail in error.errors() if detail["type"] != "none_required")
            raise InputError(f"{name}: given {shown(value)}; it {' or '.join(needed)}") from error


def place_text(name: str, given: str | os.PathLike[str]) -> str:
    """Return a path or URI that an argument of this name gives, as text.

    Raises:
        InputError: it is none; the message names the argument.
    """
    text = os.fspath(given) if isinstance(given, str | os.PathLike) else None
    if not isinstance(text, str) or not text or "\0" in text:
        raise InputError(f"{name}: given {shown(given)}; it should be a path, or a URI such as s3://bucket/folder")
    return text
