"""Which of the declared trials run: all of them, or those that a search asks for, round by round."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, Self, get_args

from pydantic import Field, model_validator

from bnsweep.errors import InputError, did_you_mean
from bnsweep.spec.section import PositiveInt, Section

SearchName = Literal["grid", "edges"]
SearchBar = Literal["own", "divergence"]


class SearchSpec(Section):
    """Which of the declared trials run; also just a name. A trial is the same one, with the same key, either way."""

    name: SearchName = "grid"
    """`grid`, all of them; `edges`, those by which bisection finds where each mode begins and ceases to train: `lr`
    then lists the rates of the resolution that is wanted, of which a few run."""
    first: int = Field(default=9, ge=2, le=10**6)
    """`edges`: with how many rates each norm, init and gain begins; a range of rates that trains and is narrower than
    their spacing may be missed."""
    bar: SearchBar = "own"
    """`edges`: what trains reaches 90 % of the best that its mode reached so far with the seed, or does not diverge."""
    budget: PositiveInt | None = None
    """`edges`: it asks for at most so many trials, and then ends."""
    ends: bool = False
    """`edges`: whether to look for the ends of each edge's interval as well, for more trials; then it is narrower."""

    @model_validator(mode="before")
    @classmethod
    def _of_a_name(cls, given: Any) -> Any:
        if not isinstance(given, str):
            return given
        if given not in (names := get_args(SearchName)):
            raise ValueError(f"given {given!r}; {did_you_mean(given, names)}")
        return {"name": given}

    @model_validator(mode="after")
    def _fields_are_of_the_search(self) -> Self:
        if self.name == "grid" and (given := self.canonical):
            raise ValueError(f"{', '.join(given)}: for edges alone, grid runs every trial; give name: edges")
        return self


GRID = SearchSpec()
"""All trials run."""


def check_searchable(search: SearchSpec, axes: Mapping[str, Sequence[Any]]) -> None:
    """Raise InputError where the axes are none that the search can go through."""
    if search.name == "edges" and len(axes.get("lr", ())) < 3:
        raise InputError(
            "search: edges bisects axes.lr, which should list 3 rates at least, such as {logspace: [1.0e-3, 10, 21]}"
        )
