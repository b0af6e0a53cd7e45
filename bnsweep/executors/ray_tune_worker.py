"""The Ray side of a worker: an actor that stays from pack to pack (`reuse_actors`)."""

from __future__ import annotations

from time import monotonic
from typing import Any

import ray
from ray import tune
from ray.tune.result import DONE

from bnsweep.running.gc_tuning import freeze_gc, raise_gc_thresholds, restore_gc_thresholds
from bnsweep.running.packs import Tally

REPORT_EVERY_S = 2.0
"""A worker reports to Tune no more often: each report costs the driver milliseconds."""
PACK, TALLY, LOG, NODE = "pack", "tally", "log", "node"


class PackTrainable(tune.Trainable):
    """One Tune trial: a pack. The actor and its data stay from pack to pack."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        """Prepare for the imports that `setup` and what it is given bring."""
        raise_gc_thresholds()
        super().__init__(*arguments, **options)

    def setup(self, config: dict[str, Any], context: Any = None, resources: Any = None) -> None:
        """Build the worker, once for the actor's life."""
        from bnsweep.running.worker import Worker
        from bnsweep.training.device import prepare_device

        self._worker = Worker(context, prepare_device(resources))
        freeze_gc()
        restore_gc_thresholds()
        self.reset_config(config)

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """Turn to another pack, keeping the worker."""
        pack = new_config[PACK].pack
        self._tallies = self._worker.run(pack)
        self._must_say_where = pack.is_alone
        self._tally = Tally()
        return True

    def step(self) -> dict[str, Any]:
        """Train for a while and report the tally; the pack's end ends the step.

        Before a trial that workers died of begins, this worker reports to the driver where its log is.
        """
        if self._must_say_where:
            self._must_say_where = False
            return self._report(is_done=False)
        until = monotonic() + REPORT_EVERY_S
        for tally in self._tallies:
            self._tally = tally
            if monotonic() > until:
                return self._report(is_done=False)
        return self._report(is_done=True)

    def _report(self, *, is_done: bool) -> dict[str, Any]:
        node = ray.get_runtime_context().get_node_id()
        return {TALLY: self._tally, LOG: self._worker.log.path, NODE: node, DONE: is_done}
