"""What every part of a sweep file has in common."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

CALLABLE = r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$"
"""How a sweep file names code of the user's own: `package.module:callable`."""

CUSTOM = "package.module:callable"
"""What messages call it."""

PositiveFloat = Annotated[float, Field(gt=0, le=1e30)]
"""Up to where float32 holds it with room for a few factors."""

PositiveInt = Annotated[int, Field(gt=0)]


class Section(BaseModel):
    """A part of a sweep file: unknown keys and wrong types are errors, and nothing changes once it is read."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)
