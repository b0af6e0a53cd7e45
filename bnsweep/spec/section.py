"""What every part of a sweep file has in common."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from operator import attrgetter
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, GetJsonSchemaHandler, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from bnsweep.spec.field_docstrings import field_docstrings

CALLABLE = r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$"
"""How a sweep file names code of the user's own: `package.module:callable`."""

CUSTOM = "package.module:callable"
"""What messages call it."""

NONE = "none"
"""The name of a model or dataset that a sweep file leaves out, as one with a loop of the user's own may."""

TORCHVISION_PREFIX = "torchvision/"
TORCHVISION = f"{TORCHVISION_PREFIX}NAME"
"""How what torchvision has by a name is named, and what messages call it."""

PositiveFloat = Annotated[float, Field(gt=0, le=1e30)]
"""Up to where float32 holds it with room for a few factors."""

PositiveInt = Annotated[int, Field(gt=0, le=10**9)]
"""Up to where a count is still meant."""


@dataclass(frozen=True)
class Check:
    """A check of a section as a whole that is shown some of its fields alone.

    So what it refuses does not depend on any other, and a grid of many trials is checked without making each.

    Args:
        fields: what it is shown, such as `train.steps`.
        check: called with their values; raises ValueError.
    """

    fields: tuple[str, ...]
    check: Callable[..., None]

    def __call__(self, section: Any) -> Any:
        """Return the section, checked."""
        self.check(*(attrgetter(field)(section) for field in self.fields))
        return section


def reads(*fields: str) -> Callable[[Callable[..., None]], Any]:
    """Decorate a static method, the check of a section: it is called with the values of these fields."""
    return lambda check: model_validator(mode="after")(Check(fields, check))


class Section(BaseModel):
    """A part of a sweep file: unknown keys and wrong types are errors, and nothing changes once it is read."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    @cached_property
    def canonical(self) -> dict[str, Any]:
        """What a hash of the section is made of: its fields as JSON has them, without those at their default."""
        return self.model_dump(mode="json", exclude_defaults=True)

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Return the section's JSON Schema, in which the docstrings of its fields describe them."""
        schema = handler(core_schema)
        fields = handler.resolve_ref_schema(schema)["properties"]
        for section in reversed(cls.__mro__[: cls.__mro__.index(Section)]):
            for name, meaning in field_docstrings(section).items():
                if name in fields:
                    fields[name]["description"] = meaning
        return schema


class OptionsSection(Section):
    """A section whose keys beside its own are options for code of the user's own: whatever JSON can hold."""

    model_config = ConfigDict(extra="allow", frozen=True, strict=True)

    @property
    def options(self) -> dict[str, Any]:
        """The keys beside the section's own."""
        return dict(self.model_extra or {})

    @reads("options")  # each by itself
    @staticmethod
    def _options_survive_json(options: dict[str, Any]) -> None:
        """Refuse what would come back from the stored spec as something else."""
        for key, value in options.items():
            try:
                same = json.loads(json.dumps(value, allow_nan=False)) == value
            except (TypeError, ValueError):
                same = False
            if not same:
                raise ValueError(
                    f"option {key}: given {value!r}; it should be text, a finite number, true, false, null, "
                    "or a list or mapping of these"
                )


class CallableSection(OptionsSection):
    """A section for code of the user's own: `package.module:callable`; the other keys are the callable's options."""

    name: str = Field(pattern=CALLABLE)
    """The callable, in a module that Python finds from where you run."""


def variant_tag(given: Any) -> str | None:
    """Return which of a section's variants is meant: its name, or CUSTOM for the name of a callable."""
    name = given.get("name") if isinstance(given, dict) else getattr(given, "name", None)
    if name is None:
        return None
    if str(name).startswith(TORCHVISION_PREFIX):
        return TORCHVISION
    return CUSTOM if ":" in str(name) else str(name)
