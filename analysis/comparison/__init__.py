"""Several sweeps side by side: the data, the figure, the text and the page of `bnsweep compare`."""

from analysis.comparison.data import Comparison, compare
from analysis.comparison.page import write_comparison
from analysis.comparison.text import comparison_text

__all__ = ["Comparison", "compare", "comparison_text", "write_comparison"]
