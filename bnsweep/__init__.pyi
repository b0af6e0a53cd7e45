# What type checkers and editors see: `__init__.py` imports these only when they are asked for.
from bnsweep.api.outcome import Outcome as Outcome
from bnsweep.api.planning import SweepPlan as SweepPlan
from bnsweep.api.planning import plan as plan
from bnsweep.api.results import load as load
from bnsweep.api.running import run as run
from bnsweep.spec.sweep import Sweep as Sweep
from bnsweep.trial_function import trial as trial

__version__: str
