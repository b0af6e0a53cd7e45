"""Which trials run: all that the axes declare, or those that a search asks for, round by round."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, Self, get_args

from pydantic import Field, model_validator

from bnsweep.errors import InputError, did_you_mean
from bnsweep.spec.ranges import Range
from bnsweep.spec.section import PositiveFloat, PositiveInt, Section
from bnsweep.spec.trial import NormName

SearchName = Literal["grid", "edges", "qmc", "random", "tpe", "gp"]
SearchBar = Literal["own", "divergence"]
DRAWING = ("qmc", "random", "tpe", "gp")
"""Searches that draw from ranges."""
TUNING = ("tpe", "gp")
"""Those of them that look for the best, and so need a score."""
Replicate = Literal["all", "adaptive"]
Verdict = Literal["mean_accuracy", "trainable_decades", "own_decades", "trained_share"]
"""Measures whose differences between modes may be asked for."""
MIN_SEEDS = 3
SEEDS_OF_AN_INTERVAL = 6
"""With fewer no verdict is resolved."""
FIELDS: dict[str, tuple[str, ...]] = {
    "first": ("edges",),
    "bar": ("edges",),
    "ends": ("edges",),
    "points": DRAWING,
    "per_round": TUNING,
    "draw": DRAWING,
    "replicate": ("grid",),
    "verdicts": ("grid",),
    "baseline": ("grid",),
    "budget": ("grid", "edges", *TUNING),
    "hours": ("grid", "edges", *TUNING),
}
"""Which searches take a field; how many trials `qmc` and `random` have is known beforehand."""


class SearchSpec(Section):
    """Which trials run; also just a name. A trial is the same one, with the same key, whoever asks for it."""

    name: SearchName = "grid"
    """`grid`: all that the axes declare. `edges`: those of them by which bisection finds where each mode begins and
    ceases to train; `lr` then lists the rates of the resolution that is wanted, of which a few run. The others draw
    from axes that are ranges: `qmc` scrambled Sobol points and `random` independent ones, for the share that trains;
    `tpe` and `gp` (a Gaussian process) look for the best."""
    first: int = Field(default=9, ge=2, le=10**6)
    """`edges`: with how many rates each norm, init and gain begins; a range of rates that trains and is narrower than
    their spacing may be missed."""
    bar: SearchBar = "own"
    """`edges`: what trains reaches 90 % of the best that its mode reached so far with the seed, or does not diverge."""
    ends: bool = False
    """`edges`: whether to look for the ends of each edge's interval as well, for more trials; then it is narrower."""
    points: int = Field(default=64, ge=1, le=2**20)
    """`qmc`, `random`, `tpe`, `gp`: how many trials each search has; there is one for each seed and each combination of
    listed values. A power of 2 for `qmc`. With more, a later run keeps those that are there."""
    per_round: PositiveInt = 8
    """`tpe`, `gp`: how many trials each search asks for at once, which can run side by side; fewer learn sooner."""
    draw: int = Field(default=0, ge=0, lt=2**32)
    """`qmc`, `random`, `tpe`, `gp`: another number gives other points."""
    replicate: Replicate = "all"
    """`grid`: which seeds run. `all` of them, or `adaptive`: one after another, each for the modes whose `verdicts` are
    still open, until all are resolved, or the seeds that `axes.seed` lists are spent. Intervals hold however many
    seeds it takes."""
    verdicts: list[Verdict] = Field(default=["mean_accuracy"], min_length=1)
    """`replicate: adaptive`: by which measures each mode is compared with `baseline`, over all inits and gains; a
    verdict is resolved where the report's interval excludes 0."""
    baseline: NormName = "none"
    """`replicate: adaptive`: the mode that the others are compared with."""
    budget: PositiveInt | None = None
    """`edges`, `tpe`, `gp`, `replicate: adaptive`: of so many trials in all it ends."""
    hours: PositiveFloat | None = None
    """`edges`, `tpe`, `gp`, `replicate: adaptive`: it ends with the round by which its trials have taken so many hours,
    their `wall_time_s` together."""

    @model_validator(mode="before")
    @classmethod
    def _of_a_name(cls, given: Any) -> Any:
        names = get_args(SearchName)
        if isinstance(given, str) and given in names:
            return {"name": given}
        if isinstance(given, Mapping | SearchSpec):
            return given
        hint = did_you_mean(given, names) if isinstance(given, str) else f"it should be {', '.join(names)}"
        raise ValueError(f"given {given!r}; {hint}, or a mapping with name")

    @model_validator(mode="after")
    def _fields_are_of_the_search(self) -> Self:
        for field, names in FIELDS.items():
            if field in self.canonical and self.name not in names:
                raise ValueError(f"{field}: for name: {' or '.join(names)}; given for {self.name}")
        needless = [field for field in ("verdicts", "baseline", "budget", "hours") if field in self.canonical]
        if self.name == "grid" and needless and not self.is_adaptive:
            raise ValueError(f"{needless[0]}: for replicate: adaptive; grid runs every trial")
        if self.name == "qmc" and self.points & (self.points - 1):
            below = 2 ** (self.points.bit_length() - 1)
            raise ValueError(f"points: given {self.points}; for qmc a power of 2, such as {below} or {2 * below}")
        return self

    @property
    def is_drawing(self) -> bool:
        """Whether it draws from ranges."""
        return self.name in DRAWING

    @property
    def goes_by_results(self) -> bool:
        """Whether results decide which trials it asks for."""
        return self.is_adaptive or self.name in ("edges", *TUNING)

    @property
    def is_adaptive(self) -> bool:
        """Whether seeds go where verdicts are open."""
        return self.replicate == "adaptive"

    @property
    def label(self) -> str:
        """What it is called where its state is told."""
        return "for seeds" if self.is_adaptive else self.name

    def num_trials(self, num_declared: int, num_searches: int) -> int:
        """Return how many trials it asks for at most.

        Args:
            num_declared: how many the axes declare, where none is a range.
            num_searches: how many combinations of listed values there are.
        """
        most = self.points * num_searches if self.is_drawing else num_declared
        return most if self.budget is None else min(most, self.budget)


GRID = SearchSpec()
"""All trials run."""


def check_searchable(search: SearchSpec, listed: Mapping[str, Sequence[Any]], ranges: Mapping[str, Range]) -> None:
    """Raise InputError where the axes are none that the search can go through."""
    if search.name == "edges" and len(listed.get("lr", ())) < 3:
        raise InputError(
            "search: edges bisects axes.lr, which should list 3 rates at least, such as {logspace: [1.0e-3, 10, 21]}"
        )
    if search.ends and len(listed.get("seed", ())) < SEEDS_OF_AN_INTERVAL:
        raise InputError(
            f"search.ends: an edge has an interval over {SEEDS_OF_AN_INTERVAL} seeds or more; give axes.seed: "
            f"{{range: {SEEDS_OF_AN_INTERVAL}}}, or ends: false"
        )
    if search.is_adaptive:
        norms, seeds = (list(listed.get(name, ())) for name in ("norm", "seed"))
        if search.baseline not in norms or len(norms) < 2:
            raise InputError(
                f"search.replicate: adaptive compares the other modes of axes.norm with {search.baseline}, which it "
                "should list with one at least"
            )
        if len(seeds) < MIN_SEEDS:
            raise InputError(
                f"search.replicate: adaptive takes {MIN_SEEDS} seeds at least; give axes.seed: {{range: 20}}"
            )
    if search.is_drawing and not ranges:
        raise InputError(
            f"search: {search.name} draws from axes that are ranges, and none is; such as axes.lr: "
            "{loguniform: [1.0e-3, 10]}"
        )
    if ranges and not search.is_drawing:
        raise InputError(
            f"axes.{next(iter(ranges))}: given a range, and search: {search.name}, which takes lists, such as "
            f"{{logspace: [1.0e-3, 10, 9]}}; {', '.join(DRAWING)} draw from ranges"
        )
