"""The report on one sweep: `bnsweep report`."""

from analysis.report.page import write_report

__all__ = ["write_report"]
