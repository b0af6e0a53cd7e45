"""What a worker has delivered: endings, and rows on their way to a commit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pyarrow as pa

from bnsweep.running.coordinator.dispatch import Dispatch
from bnsweep.running.coordinator.known_workers import KnownWorkers
from bnsweep.running.coordinator.losses import Losses
from bnsweep.running.coordinator.misfits import without_misfits
from bnsweep.running.coordinator.news import Newsroom
from bnsweep.running.coordinator.outbox import Outbox
from bnsweep.running.coordinator.packs_out import PackOut
from bnsweep.running.coordinator.trial_states import TrialStates
from bnsweep.running.own_columns import OwnColumns
from bnsweep.running.packs import Delivery, Ended
from bnsweep.running.tally import Tally
from bnsweep.spec import TrialSpec


class Intake:
    """Takes deliveries in; of a trial the first result counts.

    Args:
        states: of the trials.
        dispatch: has the packs.
        losses: ends trials.
        workers: that are known.
        outbox: where rows go.
        own_schemas: of users' own tables, as they are stored.
    """

    def __init__(
        self,
        states: TrialStates,
        dispatch: Dispatch,
        losses: Losses,
        workers: KnownWorkers,
        outbox: Outbox,
        own_schemas: Mapping[str, pa.Schema],
    ) -> None:
        self._states, self._dispatch, self._losses = states, dispatch, losses
        self._workers, self._outbox, self._own_columns = workers, outbox, OwnColumns(dict(own_schemas))
        self.newsroom = Newsroom()

    def take_in(self, delivery: Delivery, out: PackOut | None, trials: Sequence[TrialSpec]) -> None:
        """Take in what a worker has done; rows of a trial that has ended already are left out."""
        delivery = without_misfits(delivery, self._own_columns, self._states, trials)
        known = [trial for trial, ended in delivery.endings.items() if self._states.is_known(trial, ended)]
        fresh = [trial for trial, ended in delivery.endings.items() if self._is_news(trial, ended)]
        self._dispatch.ended(delivery, out)
        for trial in fresh:
            self._losses.end(trial, delivery.endings[trial])
        tables = self._states.without(delivery.tables, known) if known else delivery.tables
        self.newsroom.take_in(tables)
        if self._workers.waits_for_commit(delivery, has_rows=any(map(len, tables.values()))):
            self._outbox.add(delivery.worker.name, delivery.number, tables, fresh)
        self._states.tally += Tally(busy_s=delivery.busy_s)

    def _is_news(self, trial: int, ended: Ended) -> bool:
        """Return whether a trial had not ended; of one that waits at a rung, take note of it."""
        if self._states.has_ended[trial]:
            return False
        return self._dispatch.rungs is None or self._dispatch.rungs.take_in(trial, ended)
