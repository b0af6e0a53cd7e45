"""What a worker has to deliver: kept until the coordinator says that it is committed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from time import monotonic

import pyarrow as pa

from bnsweep.running.own_columns import OwnColumns
from bnsweep.running.packs import Delivery, Desk, Ended, Pack, Receipt, Whereabouts
from bnsweep.running.rows import EndedTrial, tables_of


class Outgoing:
    """The trials of a worker that have ended since its last delivery, and the deliveries that are not committed.

    A coordinator that started anew knows nothing of either, nor of the pack under way: it is told again.

    Args:
        desk: the coordinator.
        whereabouts: of the worker.
    """

    def __init__(self, desk: Desk, whereabouts: Whereabouts) -> None:
        self._desk, self._whereabouts = desk, whereabouts
        self._kept: list[Delivery] = []
        self._number = -1
        self._pack: Pack | None = None
        self._receipt = Receipt("", -1)
        self._endings: dict[int, Ended] = {}
        self._ended: list[EndedTrial] = []
        self._columns = OwnColumns()
        self._failures: list[pa.Table] = []
        self._counted = self._heard = monotonic()

    @property
    def must_stop(self) -> bool:
        """Whether the run is to stop, as far as this worker has heard."""
        return self._receipt.must_stop

    def is_dropped(self, trial: int) -> bool:
        """Return whether another worker has a trial's result, or has taken the trial."""
        return trial in self._receipt.dropped

    def begin(self, pack: Pack) -> None:
        """Take note that a pack begins."""
        self._pack, known_to = pack, self._receipt.coordinator
        self._receipt = Receipt(pack.coordinator, -1, within_s=self._receipt.within_s)
        self._counted = self._heard = monotonic()
        if known_to not in ("", pack.coordinator):
            self._say(self._renumbered(self._kept))

    def add(self, trial: int, ended: Ended, rows: EndedTrial) -> None:
        """Take note of a trial that has a result; deliver first what its own tables could not be joined with."""
        if not self._columns.add(rows.result.schemas):
            self.send()
            self._columns.add(rows.result.schemas)
        self._endings[trial] = ended
        self._ended.append(rows)

    def pause(self, trial: int, ended: Ended) -> None:
        """Take note of a trial that waits at a rung, without rows."""
        self._endings[trial] = ended

    def add_failure(self, trial: int, ended: Ended, row: pa.Table) -> None:
        """Take note of a trial that raised."""
        self._endings[trial] = ended
        self._failures.append(row)

    def send_if_due(self) -> None:
        """Deliver, where the coordinator wants to hear something by now."""
        if monotonic() - self._heard > self._receipt.within_s:
            self.send()

    def send(self, *, is_last: bool = False) -> None:
        """Deliver what has ended; `is_last` where the pack is through."""
        now = monotonic()
        assert self._pack is not None, "trials are of a pack"
        self._number += 1
        delivery = Delivery(
            self._whereabouts,
            self._number,
            self._pack.coordinator,
            self._pack.number,
            self._endings,
            self._tables(),
            now - self._counted,
            is_last,
        )
        self._endings, self._ended, self._failures, self._counted = {}, [], [], now
        self._columns = OwnColumns()
        if delivery.tables:
            self._kept.append(delivery)
        if is_last:
            self._pack = None
        self._say([delivery])

    def hear(self) -> None:
        """Between packs, hear what is committed by now, and whether another coordinator wants to be told again."""
        if self._kept:  # the number alone: those who wait do so by the thousand, and their rows are there already
            self._say([replace(self._kept[-1], endings={}, tables={}, busy_s=0.0, is_last=False)])

    def _tables(self) -> dict[str, pa.Table]:
        tables = tables_of(self._ended)
        return tables | ({"failures": pa.concat_tables(self._failures)} if self._failures else {})

    def _say(self, deliveries: Sequence[Delivery]) -> None:
        known_to = self._receipt.coordinator
        for delivery in deliveries:
            self._receipt = self._desk.deliver(delivery)
        if deliveries and known_to not in ("", self._receipt.coordinator):
            if self._pack is not None:
                self._pack = self._desk.resume(self._whereabouts, self._pack)
            unsaid = [kept for kept in self._kept if all(kept is not said for said in deliveries)]
            self._say(self._renumbered(unsaid))
        self._kept = [delivery for delivery in self._kept if delivery.number > self._receipt.committed]
        self._heard = monotonic()

    def _renumbered(self, deliveries: Sequence[Delivery]) -> list[Delivery]:
        """Return deliveries, all kept, under new numbers: one that knows a later one takes no earlier ones."""
        old, again = {delivery.number for delivery in deliveries}, []
        for delivery in deliveries:
            self._number += 1
            again.append(replace(delivery, number=self._number))
        self._kept = [delivery for delivery in self._kept if delivery.number not in old] + again
        return again
