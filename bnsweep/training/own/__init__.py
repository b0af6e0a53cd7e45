"""A training loop of the user's own as a trial: what it is given, and what the worker sees of it."""

from bnsweep.training.own.config import Config
from bnsweep.training.own.context import Context
from bnsweep.training.own.training import OwnTraining

__all__ = ["Config", "Context", "OwnTraining"]
