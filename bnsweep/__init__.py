"""bnsweep: how robust is training to its hyperparameters under each normalization mode, and why?"""

__version__ = "0.1.0"
