"""The frames of a results directory: `load(directory) -> Results`."""

from analysis.loading.loader import load
from analysis.loading.results import Results

__all__ = ["Results", "load"]
