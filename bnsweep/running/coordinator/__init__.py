"""Knows which trials are missing, hands out packs of them, and takes in what becomes of them.

`coordinator.py` reads from top to bottom. It is made of what is known of the trials, those that wait, the packs that
are out, the workers, and the rows that are to be committed: a file for each, none of which knows the others.
"""

from bnsweep.running.coordinator.coordinator import Coordinator as Coordinator
from bnsweep.running.coordinator.losses import MAX_WORKER_FAILURES as MAX_WORKER_FAILURES
from bnsweep.running.coordinator.run_status import RunStatus as RunStatus
