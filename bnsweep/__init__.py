"""bnsweep: how robust is training to its hyperparameters under each normalization mode, and why?"""

from bnsweep.trial_function import trial

__all__ = ["trial"]
__version__ = "0.1.0"
