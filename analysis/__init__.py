"""From the Parquet tables of a sweep to robustness measures, figures and a report. Loads without torch and ray."""

from analysis.load import Results, load

__all__ = ["Results", "load"]
