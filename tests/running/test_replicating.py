"""A run whose seeds go where verdicts are open, judged as the report judges."""

from __future__ import annotations

import pickle
import shutil
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from analysis import difference_table, load
from bnsweep.api.judging import open_modes
from bnsweep.cli.maintenance import verify_directory
from bnsweep.errors import InputError
from bnsweep.results import SCHEMAS, Store
from bnsweep.results.tables import to_table
from bnsweep.running.job import Job
from bnsweep.running.packs import Delivery, Ended, Ending, Pack, Wait, Whereabouts, dataset_key
from bnsweep.running.run import opened
from bnsweep.running.searching import asked, in_words, so_far
from bnsweep.running.service import Service
from bnsweep.spec import TrialSpec
from bnsweep.spec.sweep import Sweep
from tests.waiting import wait_until

SWEEP = Sweep.from_dict(
    {
        "name": "seeds",
        "model": {"name": "mlp", "widths": [8]},
        "dataset": {"name": "digits"},
        "axes": {
            "norm": ["none", "batch", "layer", "l1"],
            "lr": {"logspace": [1e-3, 10, 17]},
            "seed": {"range": 9},
        },
        "search": {"replicate": "adaptive"},
    }
)
HERE = Whereabouts("w", place="here", host="near")
REACHES = {"none": -1.0, "batch": 0.5, "layer": -0.95, "l1": 0.2}
"""Up to which log10 lr modes train: batch is far from none, layer is hardly another one."""


def row_of(spec: TrialSpec, knows_accuracy: bool = True) -> dict[str, object]:
    edge = REACHES[spec.norm] + 0.3 * np.random.default_rng([spec.seed, len(spec.norm)]).normal()
    row = {"trial_key": spec.trial_key, "status": "completed", "num_classes": 10, "wall_time_s": 1.0}
    score = {"test_acc": 0.9 if np.log10(spec.lr) <= edge else 0.1} if knows_accuracy else {}
    axes = {name: getattr(spec, name) for name in ("norm", "init", "init_gain", "lr", "seed")}
    return {**row, **score, **axes, "spec": spec.to_json()}


def work(store: Store, sweep: Sweep = SWEEP, max_packs: int = 10**6) -> list[TrialSpec]:
    """Deliver what is asked for until there is nothing more, and return it."""
    known, datasets = so_far(sweep, store, open_modes).trials, frozenset({dataset_key(sweep.trials[0].dataset)})
    job = Job(sweep.name, sweep.text, known, sweep.resources, datasets, store, "a run", 1, sweep, open_modes)
    done = list[TrialSpec]()
    with closing(Service(pickle.loads(pickle.dumps(job)))) as service:
        opened(service)
        given: Pack | Wait | None = None

        def is_told() -> bool:
            nonlocal given
            given = service.take(HERE)
            return not isinstance(given, Wait)

        for number in range(max_packs):
            wait_until(is_told, "something to do, or the end", poll_every_s=0.02)
            if not isinstance(given, Pack):
                break
            specs = [given.added[trial] if trial in given.added else known[trial] for trial in given.trials]
            tables = {"trials": to_table(SCHEMAS["trials"], map(row_of, specs))}
            ended = dict.fromkeys(given.trials, Ended(Ending.COMPLETED))
            service.deliver(Delivery(HERE, number, given.coordinator, given.number, ended, tables, 1.0, is_last=True))
            done += specs
    return done


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Store, list[TrialSpec]]:
    """The search run to its end, and its trials; only read."""
    store = Store.open(tmp_path_factory.mktemp("whole") / "out")
    return store, work(store)


def test_modes_whose_verdicts_are_resolved_get_no_more_seeds_and_the_report_says_the_same(
    whole: tuple[Store, list[TrialSpec]],
) -> None:
    store, done = whole
    seeds = {norm: {spec.seed for spec in done if spec.norm == norm} for norm in REACHES}
    assert seeds["none"] == seeds["layer"] == set(range(9))
    assert set(range(3)) <= seeds["batch"] < seeds["layer"]
    found = asked(SWEEP, store, judge=open_modes)
    assert found.end == "no seeds are left; still open: layer, none"
    assert in_words(SWEEP, found) == (
        f"search for seeds: {len(done)} of {len(SWEEP.trials)} trials of the grid in 9 rounds; over: {found.end}"
    )
    table = difference_table(load(store.root), "none")
    rows = table[(table["measure"] == "mean_accuracy") & (table["init_gain"] == "all")].set_index("norm")
    assert [norm for norm in REACHES if norm != "none" and not rows.loc[norm, "low"] > 0] == ["layer"]
    assert rows.loc["batch", "n_seeds"] == len(seeds["batch"])
    verified = verify_directory(store.root)
    assert verified.exit_code == 0
    assert "the search for seeds ended after 9 rounds: no seeds are left" in verified.lines[-1]


@pytest.mark.parametrize("packs", [1, 6])
def test_one_that_ends_early_goes_on_to_the_same_trials(
    whole: tuple[Store, list[TrialSpec]], tmp_path: Path, packs: int
) -> None:
    (expected, _), store = whole, Store.open(tmp_path / "out")
    work(store, max_packs=packs)
    assert store.finished() < expected.finished()
    work(store)
    assert store.finished() == expected.finished()
    ours, theirs = (asked(SWEEP, one, judge=open_modes).trials.keys for one in (store, expected))
    assert list(ours) == list(theirs)


def test_more_seeds_go_on_where_it_ended(whole: tuple[Store, list[TrialSpec]], tmp_path: Path) -> None:
    done = whole[1]
    shutil.copytree(whole[0].root, tmp_path / "out")
    store = Store.open(tmp_path / "out")
    more = Sweep.from_text(SWEEP.text.replace("range: 9", "range: 10"))
    assert len(more.trials) > len(SWEEP.trials)
    added = work(store, more)
    assert {(spec.norm, spec.seed) for spec in added} == {("none", 9), ("layer", 9)}
    assert not {spec.trial_key for spec in added} & {spec.trial_key for spec in done}


def test_without_a_score_there_is_nothing_to_judge(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "out")
    with store.take_over() as writer:
        writer.commit({"trials": to_table(SCHEMAS["trials"], [row_of(SWEEP.trials[0], knows_accuracy=False)])})
    with pytest.raises(InputError, match="says no test_acc to judge by"):
        asked(SWEEP, store, judge=open_modes)
