"""Trials whose rows do not go with those of others in a user's own table: each fails alone, before it is committed.

Only the coordinator hears of all trials: a worker knows nothing of what others log.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pyarrow as pa

from bnsweep.running.coordinator.trial_states import TrialStates
from bnsweep.running.failure_rows import lost_worker_row
from bnsweep.running.own_columns import Misfit, OwnColumns
from bnsweep.running.packs import Delivery, Ended, Ending, WorkerFailure
from bnsweep.spec import TrialSpec


def without_misfits(
    delivery: Delivery, columns: OwnColumns, states: TrialStates, trials: Sequence[TrialSpec]
) -> Delivery:
    """Return a delivery in which such trials have failed, and take the columns of the others in.

    Args:
        delivery: what a worker has done.
        columns: those of the trials before.
        states: of all trials.
        trials: all of them.
    """
    tables, misfits = columns.fitting(delivery.tables)
    if not misfits:
        return replace(delivery, tables=tables)
    endings, rows = dict(delivery.endings), list[pa.Table]()
    failing = {trial: key for trial in endings if (key := trials[trial].trial_key) in misfits}
    for trial, key in failing.items():
        endings[trial] = Ended(Ending.FAILED, states.unrecorded(trial, endings[trial].attempt))
        rows.append(lost_worker_row(trials[trial], endings[trial].attempt, _failure(misfits[key], delivery)))
    tables = states.without(tables, failing)
    tables["failures"] = pa.concat_tables([*([tables["failures"]] if "failures" in tables else []), *rows])
    return replace(delivery, endings=endings, tables=tables)


def _failure(misfit: Misfit, delivery: Delivery) -> WorkerFailure:
    return WorkerFailure(f"InputError: {misfit}", "", log=delivery.worker.log, host=delivery.worker.host)
