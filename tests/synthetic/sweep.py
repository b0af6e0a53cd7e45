"""A sweep of known truth, declared and committed through the store as a real run does."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from itertools import product
from typing import Any

from bnsweep.results import SCHEMAS, Store
from bnsweep.results.tables import to_table
from bnsweep.spec import (
    CurvatureSpec,
    DigitsSpec,
    FlatnessSpec,
    IcsSpec,
    LandscapeSpec,
    LayersSpec,
    MomentsSpec,
    ProbesSpec,
    TrainSpec,
    TrialSpec,
    VggSpec,
)
from tests.synthetic.rows import MULTIPLES, rows_of
from tests.synthetic.truth import accuracy_of

Keep = Callable[[TrialSpec], bool]
Rows = dict[str, list[dict[str, Any]]]


def make_specs(
    norms: Sequence[str] = ("none", "batch", "noisy_batch"),
    inits: Sequence[str] = ("xavier_uniform",),
    gains: Sequence[float] = (0.5, 1.0, 2.0),
    lrs: Sequence[float] = (1e-3, 1e-2, 1e-1, 1.0, 10.0),
    num_seeds: int = 2,
    probes: bool = True,
    curvature: bool = False,
    **train: Any,
) -> list[TrialSpec]:
    """Return the specs of a sweep of the shape of `sweeps/mini.yaml`."""
    measured = ProbesSpec(
        landscape=LandscapeSpec(every=25, lr_multiples=MULTIPLES),
        ics=IcsSpec(every=25),
        moments=MomentsSpec(every=25),
        layers=LayersSpec(every=25),
        flatness=FlatnessSpec(),
        curvature=CurvatureSpec(every=100) if curvature else None,
    )
    return [
        TrialSpec(
            model=VggSpec(name="vgg", widths=(16, "M", 32, "M", 64)),
            dataset=DigitsSpec(name="digits"),
            train=TrainSpec(**{"steps": 200, "log_every": 10, **train}),
            norm=norm,
            init=init,
            init_gain=gain,
            lr=lr,
            seed=seed,
            probes=measured if probes else ProbesSpec(),
        )
        for seed, norm, init, gain, lr in product(range(num_seeds), norms, inits, gains, lrs)
    ]


def write_sweep(
    directory: str | os.PathLike[str],
    specs: Sequence[TrialSpec] | None = None,
    *,
    keep: Keep | None = None,
    diverges: Keep | None = None,
    declare: bool = True,
    batch: int = 10,
    sweep_file: str = "name: synthetic\n# a comment with <angle brackets> & ampersands\n",
) -> list[TrialSpec]:
    """Declare `specs` and commit those to `keep` in batches; return the specs."""
    specs = make_specs() if specs is None else list(specs)
    done = [spec for spec in specs if keep is None or keep(spec)]
    by_trial = [rows_of(spec, diverges(spec) if diverges else accuracy_of(spec) is None) for spec in done]
    if declare:
        Store.open(directory).declare("synthetic", [spec.trial_key for spec in specs], sweep_file)
    commit_rows(directory, *(joined(by_trial[start : start + batch]) for start in range(0, len(done), batch)))
    return specs


def joined(by_trial: Iterable[Rows]) -> Rows:
    """Return the rows of several trials by table."""
    tables: Rows = {}
    for rows in by_trial:
        for table, some in rows.items():
            tables.setdefault(table, []).extend(some)
    return tables


def commit_rows(directory: str | os.PathLike[str], *commits: Rows) -> None:
    """Take a directory over, and commit rows by table."""
    with Store.open(directory).take_over() as writer:
        for rows in commits:
            writer.commit({table: to_table(SCHEMAS[table], some) for table, some in rows.items()})
