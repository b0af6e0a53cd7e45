"""Rows of `failures`: of a trial that raised, and of one that took its workers along. Loads without torch."""

from __future__ import annotations

import socket
import traceback
from datetime import UTC, datetime

import pyarrow as pa

from bnsweep.error_texts import storable, with_place
from bnsweep.results.schema import SCHEMAS
from bnsweep.results.tables import to_table
from bnsweep.running.packs import WorkerFailure
from bnsweep.running.worker_log import WorkerLog
from bnsweep.spec import TrialSpec


def raised_row(spec: TrialSpec, attempt: int, error: BaseException, log: WorkerLog) -> pa.Table:
    """Return the row of a trial that raised, with how the log of its worker ends."""
    details = "".join(traceback.format_exception(error))
    failure = WorkerFailure(with_place(error), details, log.path, log_tail=log.tail())
    return lost_worker_row(spec, attempt, failure)


def lost_worker_row(spec: TrialSpec, attempt: int, failure: WorkerFailure) -> pa.Table:
    """Return the row of a trial that is given up."""
    row = {
        "trial_key": spec.trial_key,
        "attempt": attempt,
        "error": storable(failure.error),
        "traceback": storable(failure.traceback),
        "log": failure.log,
        "host": failure.host or socket.gethostname(),
        "failed_at": datetime.now(UTC),
        "log_tail": failure.log_tail,
        "spec": spec.to_json(),
    }
    return to_table(SCHEMAS["failures"], [row])
