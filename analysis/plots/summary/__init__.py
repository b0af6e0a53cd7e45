"""The sweep on one page: how robust each mode is, how smooth its loss, how large its shift, and what is claimed."""

from analysis.plots.summary.data import SummaryData, summary_data
from analysis.plots.summary.draw import draw_summary

__all__ = ["SummaryData", "draw_summary", "summary_data"]
